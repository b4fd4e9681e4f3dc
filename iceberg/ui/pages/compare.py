"""The comparison page: two periods or two studies, and whether the silent churn of a category fell between them."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from functools import partial

import streamlit as st

from iceberg.locale import Translator
from iceberg.model.compare import Comparison, Months, compare_periods, compare_studies
from iceberg.model.estimate import estimate_iceberg
from iceberg.report.charts.changes import build_changes
from iceberg.report.charts.trends import build_month_trend
from iceberg.report.comparison import comparison_headline, comparison_table, display_comparison, period_names, remark_sentences, unit_text
from iceberg.report.files import comparison_bytes
from iceberg.report.files.comparison import Compared
from iceberg.report.tables.estimate import month_trend_table
from iceberg.report.takeaways import takeaway_month_trend
from iceberg.store.annotations.plans import WHOLE_COMPANY, Note, read_plans
from iceberg.store.studies import VersionEntry
from iceberg.ui.access.access import require
from iceberg.ui.decisions.follow_up import show_follow_up
from iceberg.ui.figure import BOX_AND_ICON, Chart, draw_table, estimate_key, show_chart, show_download, table_chart
from iceberg.ui.frame import Frame, current_frame, errors_in_words, page_file
from iceberg.ui.plain_text import plain
from iceberg.ui.sections.progress import show_notes
from iceberg.ui.session.caches import cached, stored_version, version_key
from iceberg.ui.session.estimates import estimate_name, estimate_study, focus_study
from iceberg.ui.session.study import Filters
from iceberg.ui.study_store import has_store, open_store

KINDS = ("periods", "fix", "studies")
FEWEST_MONTHS = 2  # one before, one after


def show_page() -> None:
    """The question, two periods, the answer in a sentence; then every category with its remarks."""
    require("compare")
    frame = current_frame()
    words = frame.words
    st.title(words.text("ui.compare.title"), anchor=False)
    st.caption(words.text("ui.compare.lead"))
    counts = frame.study.counts
    with errors_in_words(words):
        others = _other_versions(frame)
        kind = st.segmented_control(
            words.text("ui.compare.kind"),
            KINDS if others else KINDS[:-1],
            default=KINDS[0],
            format_func=lambda name: words.text(f"ui.compare.kind_{name}"),
            key="compare.kind",
            required=True,
        )
        if kind == "fix":
            show_follow_up(frame)
            return
        if kind == "periods" and (not counts.categories or not counts.has_calendar or len(counts.months) < FEWEST_MONTHS):
            st.info(words.text("ui.compare.needs_months"), icon=":material/event_busy:")
            st.page_link(page_file("upload"))
            return
        if kind == "studies":
            entry = st.selectbox(words.text("ui.compare.other"), others, format_func=_version_name(words), key="compare.other")
            comparison, key = _with_study(frame, entry), f"{entry.study_id}|{entry.number}"
        else:
            before, after = _choose_periods(frame)
            comparison, key = _compared(frame, before, after), f"{before!r}|{after!r}"
        category = st.selectbox(
            words.text("ui.compare.fixed"),
            [None, *(item.category for item in comparison.categories)],
            format_func=lambda name: words.text("report.all_categories") if name is None else str(name),
            key=f"compare.category.{kind}",
        )
        _show_answer(frame, comparison, category, key=key)
        if frame.study.published is not None:
            _, notes = read_plans(open_store().engine, frame.study.published.study_id).of(category or WHOLE_COMPANY)
            _show_notes(frame, category, notes)


def _show_notes(frame: Frame, category: str | None, notes: tuple[Note, ...]) -> None:
    """What was done, numbered, at its day in the course of the months."""
    if notes and frame.study.counts.has_calendar:
        estimate = focus_study(frame.study, estimate_study(frame.study, frame.view.assumptions), Filters(segments=frame.view.filters.segments))
        months = month_trend_table(estimate, category=category)
        marks = [(note.day, str(place)) for place, note in enumerate(notes, 1)]
        build = partial(build_month_trend, notes=marks, narrow=frame.narrow)
        key = f"{estimate_key(estimate)}|{category}|{marks!r}"
        show_chart(frame, table_chart(frame, "noted_months", months, build, takeaway_month_trend, key=key))
    show_notes(frame, notes)


def _version_name(words: Translator) -> Callable[[VersionEntry], str]:
    return lambda entry: words.text("ui.compare.version", title=entry.title, version=str(entry.number), day=entry.published_at.date())


def _other_versions(frame: Frame) -> tuple[VersionEntry, ...]:
    """The stored versions that compare with the one on screen: first its own study's, the one before it on top, then the newest of others."""
    if not has_store():
        return ()
    shown = frame.study.published
    entries = [entry for study in open_store().studies() for entry in open_store().versions(study.study_id)]
    others = [one for one in entries if shown is None or (one.study_id, one.number) != (shown.study_id, shown.number)]
    number = 0 if shown is None else shown.number
    own = [one for one in others if shown is not None and one.study_id == shown.study_id]
    own.sort(key=lambda one: (one.number > number, abs(number - one.number)))
    return tuple(one for one in (*own, *(one for one in others if one not in own)) if _compares(one, frame))


def _compares(entry: VersionEntry, frame: Frame) -> bool:
    """Whether a version has a category of the study on screen, and dates and customers where that one has them."""
    counts, total = frame.study.counts, entry.summary
    shared = {one["category"] for one in total["categories"]} & set(counts.categories)
    return bool(shared) and (total["since"] is not None, total["silent_leavers"] is not None) == (counts.has_calendar, counts.has_customers)


def _with_study(frame: Frame, entry: VersionEntry) -> Comparison:
    """What is on screen against a published version, each as it was estimated."""
    whole = estimate_study(frame.study, frame.view.assumptions)

    def make() -> Comparison:
        stored = stored_version(entry)
        before = stored.estimate or estimate_iceberg(stored.counts, assumptions=entry.assumptions, seed=entry.seed)
        return compare_studies(before, stored.counts, whole, frame.study.counts)

    return cached(f"compare|{estimate_name(frame.study, whole.assumptions)}|{version_key(entry)}", make, study=frame.study)


def _choose_periods(frame: Frame) -> tuple[Months, Months]:
    """Two spans of months; the two halves of the window to begin with."""
    words, months = frame.words, list(frame.study.counts.months)
    half = len(months) // 2
    left, right = st.columns(2, gap="large")
    chosen = []
    for column, name, default in ((left, "before", (months[0], months[half - 1])), (right, "after", (months[half], months[-1]))):
        with column:
            span = st.select_slider(
                words.text(f"ui.compare.{name}"),
                months,
                value=default,
                format_func=words.month,
                key=f"compare.{name}.{frame.study.digest[:8]}",
            )
            chosen.append(_span(span))
    return chosen[0], chosen[1]


def _span(chosen: object) -> Months:
    first, last = chosen if isinstance(chosen, tuple) else (chosen, chosen)
    assert isinstance(first, date) and isinstance(last, date)  # noqa: S101  # what the slider holds
    return first, last


def _compared(frame: Frame, before: Months, after: Months) -> Comparison:
    """The comparison under the assumptions and segments of the sidebar."""
    whole = estimate_study(frame.study, frame.view.assumptions)
    segments = frame.view.filters.segments

    def make() -> Comparison:
        counts = frame.study.counts if segments is None else frame.study.counts.select(segments=segments)
        return compare_periods(focus_study(frame.study, whole, Filters(segments=segments)), counts, before=before, after=after)

    return cached(f"compare|{estimate_name(frame.study, whole.assumptions)}|{segments!r}|{before!r}|{after!r}", make, study=frame.study)


def _show_answer(frame: Frame, comparison: Comparison, category: str | None, *, key: str) -> None:
    words = frame.words
    headline = comparison_headline(comparison, words)
    st.header(plain(comparison_headline(comparison, words, category=category)), anchor=False)
    if category is not None:
        st.markdown(plain(headline))
    names = dict(zip(("before", "after"), period_names(comparison, words), strict=True))
    st.caption(plain(words.text("compare.terminal.periods", **names, unit=unit_text(comparison, words))))
    table = comparison_table(comparison, words)
    segments = frame.view.filters.segments
    key = f"{estimate_name(frame.study, frame.view.assumptions)}|{segments!r}|{key}"
    build = partial(build_changes, description=headline, axis_title=unit_text(comparison, words), narrow=frame.narrow)
    show_chart(frame, Chart("changes", key, lambda: build(table, words, frame.theme), lambda: headline, paper=lambda: build(table, words, "light")))
    draw_table(display_comparison(table, words), alt_text=headline, key="table.changes")
    st.caption(words.text("compare.columns.brackets"))
    with st.container(horizontal=True, gap="small"):
        show_download(frame, "changes", table)
        st.download_button(
            words.text("ui.reports.pdf"),
            data=lambda: _pdf(frame, comparison, category),
            file_name=words.text("ui.compare.file_name"),
            mime="application/pdf",
            icon=":material/description:",
            key="report.changes",
            on_click="ignore",
        )
    for severity, sentence in remark_sentences(comparison, words):
        box, icon = BOX_AND_ICON[severity]
        getattr(st, box)(plain(sentence), icon=f":material/{icon}:")


def _pdf(frame: Frame, comparison: Comparison, category: str | None) -> bytes:
    """The answer as a page to send on."""
    return comparison_bytes(Compared(comparison, category, author=frame.access.name), format="pdf", language=frame.language)


show_page()
