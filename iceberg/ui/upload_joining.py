"""Owns what is shown and chosen where several tables become one: how they were joined, what contradicts what, what is offered."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, cast

import streamlit as st

from iceberg.ingest.joining import CHOICES, Joining, JoiningReport
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.read import FileReading
from iceberg.ingest.tables import IngestReport
from iceberg.ingest.told import Told, tell_joining, tell_steps
from iceberg.ui.frame import Frame

RULES = "joining"
_DAYS = {"gap_days": 0, "inactivity_days": 1}  # smallest value of each


def chosen_rules(files: str, mapping: MappingSet) -> Joining:
    """The choices made on screen for these files; those of the mapping before any was made."""
    identity, rules = st.session_state.get(RULES, ("", mapping.joining))
    return rules if identity == files else mapping.joining


def show_joining(frame: Frame, report: IngestReport, mapping: MappingSet, *, files: str) -> None:
    """Everything that was found, with the means to choose otherwise; a choice counts the files again."""
    found = report.joining
    if found is None:
        return
    readings = cast("tuple[FileReading, ...]", report.files)
    file = next((reading.file for reading in readings if reading.table == found.derived), "")
    told = tell_joining(found, frame.words, file=file)
    if not told:
        return
    section, asked = "joined", set[str]()
    st.markdown(f"**{frame.words.text('ui.upload.joining_title')}**")
    rules = found.rules
    for entry in told:
        if entry.section != section:
            section = entry.section
            st.markdown(f"**{frame.words.text(f'joining.{section}.title')}**")
        icon = ":material/warning:" if entry.section == "contradictions" else ":material/info:"
        (st.warning if entry.section == "contradictions" else st.info)(entry.says, icon=icon)
        if entry.option not in asked:
            rules = _choose(frame, entry, rules, found, files)
            asked.add(entry.option)
    rules = _offers(frame, found, rules, files)
    if rules != found.rules:
        st.session_state[RULES] = (files, rules)
        st.rerun()
    st.download_button(
        frame.words.text("ui.upload.joining_save"),
        data=replace(mapping, joining=rules).to_toml(),
        file_name="mapping.toml",
        mime="application/toml",
        icon=":material/save:",
        key="joining.save",
        on_click="ignore",
    )


def _choose(frame: Frame, entry: Told, rules: Joining, found: JoiningReport, files: str) -> Joining:
    words, option = frame.words, entry.option
    label = words.text(f"ui.upload.joining_{option}") if option in CHOICES or option in _DAYS else ""
    key = f"joining.{option}.{files[:12]}"
    if option in CHOICES:
        values = CHOICES[option]
        chosen = st.selectbox(
            label,
            values,
            index=values.index(getattr(rules, option)),
            format_func=lambda one: words.text(f"joining.choices.{option}.{one}"),
            key=key,
        )
        return _with(rules, option, chosen)
    if option in _DAYS:
        now = found.inactivity.days if option == "inactivity_days" and found.inactivity is not None else rules.gap_days
        days = int(st.number_input(label, min_value=_DAYS[option], max_value=3650, value=now, key=key))
        return _with(rules, option, days) if days != now else rules
    return rules


def _with(rules: Joining, option: str, value: object) -> Joining:
    changed: dict[str, Any] = {option: value}
    return replace(rules, **changed)


def _offers(frame: Frame, found: JoiningReport, rules: Joining, files: str) -> Joining:
    """Ids made comparable and categories merged, one click each."""
    words = frame.words
    for proposal in found.id_proposals:
        label = words.text("ui.upload.joining_ids", steps=tell_steps(proposal.steps, words))
        if st.button(label, icon=":material/join:", key=f"joining.ids.{proposal.table}"):
            rules = replace(rules, id_normalisation=proposal.steps)
    for place, group in enumerate(found.category_groups):
        label = words.text("ui.upload.joining_merge", others=", ".join(group.others), kept=group.kept)
        if st.button(label, icon=":material/merge:", key=f"joining.merge.{place}.{files[:12]}"):
            others = (*rules.merge_categories.get(group.kept, ()), *group.others)
            rules = replace(rules, merge_categories=rules.merge_categories | {group.kept: others})
    return rules
