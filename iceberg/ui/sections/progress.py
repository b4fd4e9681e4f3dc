"""Whether it gets better: the rate since the version before, the trend of versions, targets and what was done about each category."""

from __future__ import annotations

from datetime import date
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from iceberg.errors import IcebergError
from iceberg.report.comparison import comparison_headline, remark_sentences
from iceberg.report.tables.versions import probability_met, version_rates
from iceberg.report.words import share
from iceberg.store.annotations.plans import (
    LONGEST_NOTE,
    LONGEST_OWNER,
    WHOLE_COMPANY,
    Note,
    Plans,
    Target,
    add_note,
    delete_note,
    read_plans,
    set_target,
)
from iceberg.store.studies import VersionEntry
from iceberg.ui.access.access import current_access
from iceberg.ui.figure import Chart, show_chart, show_reach
from iceberg.ui.frame import Frame, show_error
from iceberg.ui.plain_text import plain
from iceberg.ui.session.caches import cached, version_key
from iceberg.ui.session.estimates import estimate_study, focus_study, placed_categories, unmoved_estimate
from iceberg.ui.session.lru_cache import LruCache
from iceberg.ui.session.open_versions import open_versions
from iceberg.ui.session.published_study import study_for
from iceberg.ui.session.study import Filters, Study
from iceberg.ui.study_store import open_store

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts
    from iceberg.model.results import IcebergEstimate
    from iceberg.report.charts.layers import LayeredChart
    from iceberg.report.palette import Theme

MOST_VERSIONS = 24  # judgement: two years of monthly versions
_COUNTS = LruCache(60)  # of the versions of a trend: without their draws, they are small


def show_progress(frame: Frame) -> None:
    """Draw the section where a published study is on screen."""
    entry = frame.study.published
    if entry is None or not frame.study.counts.has_calendar or not frame.study.counts.has_customers:
        return
    words = frame.words
    st.subheader(words.text("progress.title"), anchor=False)
    show_reach(frame, "progress")
    entries = tuple(one for one in _open_entries(frame, entry) if one.number <= entry.number)[:MOST_VERSIONS]
    names = placed_categories(frame.study)
    category = st.selectbox(
        words.text("progress.category"),
        [WHOLE_COMPANY, *names],
        format_func=lambda name: name or words.text("report.all_categories"),
        key="progress.category",
        width=420,
    )
    estimate = focus_study(frame.study, estimate_study(frame.study, frame.study.assumptions), Filters())
    _show_since(frame, entries, category or None)
    plans = read_plans(open_store().engine, entry.study_id)
    target, notes = plans.of(category)
    if target is not None:
        _show_target(frame, estimate, target, category or None)
    _show_trend(frame, entries, target, notes, category or None)
    show_notes(frame, notes)
    if frame.access.may("analyst"):
        _show_form(frame, entry, plans, category)


def _open_entries(frame: Frame, entry: VersionEntry) -> tuple[VersionEntry, ...]:
    entries = open_store().versions(entry.study_id)
    if frame.study.axes is None:
        return entries
    numbers = open_versions(entries).numbers
    return tuple(one for one in entries if one.number in numbers)


def _show_since(frame: Frame, entries: tuple[VersionEntry, ...], category: str | None) -> None:
    """The change of the rate since the version before, in a sentence, with what keeps the two from being comparable."""
    from iceberg.model.compare import compare_studies

    words = frame.words
    if len(entries) < 2:
        st.caption(words.text("progress.first"))
        return
    now, before = (study_for(frame.access, one, frame.language) for one in entries[:2])
    try:
        comparison = cached(
            f"progress|{version_key(entries[0])}|{version_key(entries[1])}",
            lambda: compare_studies(_whole(before), before.counts, _whole(now), now.counts),
            study=frame.study,
        )
    except IcebergError as problem:
        st.caption(plain(problem.message(words.language)))
        return
    if category is not None and category not in {one.category for one in comparison.categories}:
        st.caption(words.text("progress.new_category"))
        return
    lead = words.text("progress.since", version=str(entries[1].number))
    st.markdown(plain(f"{lead} {comparison_headline(comparison, words, category=category)}"))
    for severity, sentence in remark_sentences(comparison, words):
        if severity == "warning":
            st.caption(plain(sentence))


def _whole(study: Study) -> IcebergEstimate:
    return focus_study(study, unmoved_estimate(study), Filters())


def _show_target(frame: Frame, estimate: IcebergEstimate, target: Target, category: str | None) -> None:
    words = frame.words
    if category is not None and category not in {item.category for item in estimate.categories}:
        return
    met = probability_met(estimate, frame.study.counts, target.rate, category=category)
    until = "" if target.until is None else words.text("progress.until", day=target.until)
    st.markdown(plain(words.text("progress.target", rate=words.decimal(target.rate), until=until, probability=share(met, words))))


def _show_trend(frame: Frame, entries: tuple[VersionEntry, ...], target: Target | None, notes: tuple[Note, ...], category: str | None) -> None:
    words = frame.words
    versions = [(one.number, one.summary, _counts(one)) for one in entries]
    rates = version_rates(versions, category=category)
    if len(rates) < 2 and target is None and not notes:
        return
    said = words.text("progress.trend", versions=str(len(rates)))
    marks = [(note.day, str(place)) for place, note in enumerate(notes, 1)]
    aim = None if target is None else target.rate

    def build(theme: Theme = "light") -> LayeredChart:
        from iceberg.report.charts.trends import build_version_trend  # with the chart library, which a first visitor need not wait for

        return build_version_trend(rates, words, theme, description=said, target=aim, notes=marks, narrow=frame.narrow)

    key = f"{'|'.join(version_key(one) for one in entries)}|{category}|{aim}|{marks!r}"
    show_chart(frame, Chart("versions", key, partial(build, theme=frame.theme), lambda: said, lambda: rates, "rate", paper=build))


def _counts(entry: VersionEntry) -> CohortCounts:
    counts: CohortCounts = _COUNTS.get(version_key(entry), lambda: open_store().counts(entry))
    return counts


def show_notes(frame: Frame, notes: tuple[Note, ...]) -> None:
    """Draw what was done, numbered as in the chart."""
    words = frame.words
    for place, note in enumerate(notes, 1):
        owner = words.text("progress.owner_is", owner=note.owner) if note.owner else ""
        st.markdown(plain(words.text("progress.note_line", number=str(place), day=note.day, text=note.text, owner=owner)))


def _show_form(frame: Frame, entry: VersionEntry, plans: Plans, category: str) -> None:
    """Targets and notes, for analysts and owners; the role is checked again when something is written."""
    words, engine = frame.words, open_store().engine
    target, notes = plans.of(category)
    with st.popover(words.text("progress.edit"), icon=":material/flag:", key="progress.edit"):
        before = None if target is None else target.rate
        rate = st.number_input(words.text("progress.rate"), min_value=0.0, value=before, format="%.2f", key=f"progress.rate.{category}")
        known = None if target is None else target.until
        until = st.date_input(words.text("progress.until_label"), value=known, key=f"progress.until.{category}", format="DD/MM/YYYY")
        save_target = st.button(words.text("progress.save_target"), key="progress.save_target")
        day = st.date_input(words.text("progress.day"), value=date.today(), key="progress.day", format="DD/MM/YYYY")  # the server's own day
        text = st.text_input(words.text("progress.text"), max_chars=LONGEST_NOTE, key="progress.text")
        owner = st.text_input(words.text("progress.owner"), max_chars=LONGEST_OWNER, key="progress.owner")
        save_note = st.button(words.text("progress.save_note"), key="progress.save_note", disabled=not text.strip())
        gone = [note for note in notes if st.button(plain(words.text("progress.delete", text=note.text)), key=f"progress.delete.{note.number}")]
    access = current_access()
    if not access.may("analyst") or not (save_target or save_note or gone):
        return
    try:
        if save_target:
            aim = Target(category, float(rate), until if isinstance(until, date) else None) if rate else None
            set_target(engine, entry.study_id, category, aim, actor=access.name)
        if save_note and isinstance(day, date):
            add_note(engine, entry.study_id, Note(category, day, text, owner), actor=access.name)
        for note in gone:
            delete_note(engine, entry.study_id, note.number, actor=access.name)
    except IcebergError as error:
        show_error(error, words)
        return
    st.rerun()
