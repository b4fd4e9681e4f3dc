"""What is recorded: steps of the complaint rates are asked about, and names that take each other's place are offered as one category."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from iceberg.ui.figure import show_diagnostics
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.session.upload_choices import decide
from iceberg.ui.upload.category_table import RULES

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts
    from iceberg.ingest.joining.options import Joining

ANSWERS = ("open", "yes", "no")


def chosen_changes(files: str, *, usual: tuple[str, ...] | None) -> tuple[str, ...] | None:
    """The changes that the answer on screen names for these files, as a mapping writes them; before any answer those of the mapping."""
    answer = st.session_state.get(_key("answer", files))
    if answer is None:
        return usual
    if answer != "yes":
        return () if answer == "no" else None
    days: dict[str, date] = st.session_state.get(_key("days", files), {})
    return tuple(_written(st.session_state.get(_key(f"day.{place}", files), day), name) for place, (name, day) in enumerate(_split(days)))


def _split(days: dict[str, date]) -> list[tuple[str, date]]:
    return [(change.partition(":")[2], day) for change, day in days.items()]


def _written(day: date, category: str) -> str:
    return f"{day.isoformat()}:{category}" if category else day.isoformat()


def _key(name: str, files: str) -> str:
    return f"recording.{name}.{files[:12]}"


def ask_about_recording(frame: Frame, counts: CohortCounts, rules: Joining, *, files: str) -> None:
    """Show the steps and the names that were found, with the means to answer: yes with its day, no, or one click to merge."""
    from iceberg.model.diagnose import about_recording
    from iceberg.model.recording.names import find_renamed

    words = frame.words
    show_diagnostics(frame, about_recording(counts))
    for place, one in enumerate(find_renamed(counts)):
        label = words.text("ui.upload.recording_merge", others=", ".join(one.names), kept=one.name)
        others = (*rules.merge_categories.get(one.name, ()), *one.names)
        merge = partial(decide, RULES, (files, replace(rules, merge_categories=rules.merge_categories | {one.name: others})))
        st.button(plain(label), icon=":material/merge:", key=f"press.{_key(f'merge.{place}', files)}", on_click=merge)
    days = _days_asked(counts)
    if days or counts.recording_changes is not None:
        _ask(frame, counts, days, files)


def _days_asked(counts: CohortCounts) -> dict[str, date]:
    """Day by change as a mapping writes it: those named already, else those found."""
    from iceberg.model.recording.steps import find_recording_steps

    if counts.recording_changes:
        return {str(change): change.day for change in counts.recording_changes}
    steps = find_recording_steps(counts)
    return {_written(step.day, step.category): step.day for step in steps}


def _ask(frame: Frame, counts: CohortCounts, days: dict[str, date], files: str) -> None:
    words, key = frame.words, _key("answer", files)
    known: Sequence[str] = ANSWERS if days else ("open", "no")
    now = "open" if counts.recording_changes is None else "yes" if counts.recording_changes else "no"
    held = st.session_state.setdefault(_key("days", files), days)
    answer = st.radio(
        words.text("ui.upload.recording"),
        known,
        index=known.index(now),
        format_func=lambda name: words.text(f"ui.upload.recording_{name}"),
        horizontal=True,
        key=key,
    )
    if answer != "yes":
        return
    for place, (category, day) in enumerate(_split(held)):
        label = words.text("ui.upload.recording_day_of", category=category) if category else words.text("ui.upload.recording_day")
        st.date_input(plain(label), value=day, key=_key(f"day.{place}", files), format="DD/MM/YYYY")
