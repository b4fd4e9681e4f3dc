"""The executive page: one sentence, one picture, four figures, one ranking, and how sure all of it is."""

from __future__ import annotations

from collections.abc import Callable

import streamlit as st

from iceberg.locale import visible
from iceberg.model.evidence import cannot_say
from iceberg.model.results import IcebergEstimate
from iceberg.report.advice import first_decisions, noise_sentence
from iceberg.report.files.pictures import category_order
from iceberg.report.words import certainty_sentence, comparator_sentence, evidence_badge, headline_sentence, reservations
from iceberg.ui.access.access import require
from iceberg.ui.controls import link_with
from iceberg.ui.decisions.audit import show_audit
from iceberg.ui.decisions.beside.positives import show_enchantment
from iceberg.ui.decisions.beside.scores import show_declared
from iceberg.ui.decisions.costs import decided_line
from iceberg.ui.decisions.journey import show_journey
from iceberg.ui.decisions.rhythm import show_rhythm
from iceberg.ui.decisions.service import show_service
from iceberg.ui.decisions.spheres.section import show_spheres
from iceberg.ui.figure import Chart, say, show_chart, show_diagnostics, show_remarks
from iceberg.ui.frame import Frame, current_frame, errors_in_words, page_file
from iceberg.ui.guide.glossary import show_glossary
from iceberg.ui.plain_text import plain
from iceberg.ui.sections.executive import executive_chart, other_charts, outcomes_chart
from iceberg.ui.sections.progress import show_progress
from iceberg.ui.sections.sharing.actions import show_actions, show_title_row
from iceberg.ui.sections.sharing.paper import show_printed_table
from iceberg.ui.sections.sharing.publishing import show_landing
from iceberg.ui.sections.still_picture import show_still
from iceberg.ui.sections.study_head import show_study_details
from iceberg.ui.sections.tiles import show_tiles
from iceberg.ui.sections.where import show_where
from iceberg.ui.session.current import set_current_study
from iceberg.ui.session.estimates import estimate_study, focus_study, is_estimated, was_shown

CATEGORY_PAGE = page_file("category")
UPLOAD_PAGE = page_file("upload")
BADGE_COLOURS = {"assumption_led": "orange", "mixed": "blue", "data_led": "green"}


def show_page() -> None:
    """Sentence and picture first; everything else answers a question they raise."""
    require("iceberg")
    frame = current_frame()
    actions = show_title_row(frame)
    show_landing(frame)
    if not frame.study.counts.categories:
        show_rhythm(frame)  # a log of visits needs no complaint
        st.info(frame.words.text("ui.iceberg.no_complaints"), icon=":material/info:")
        if frame.access.may("analyst"):
            st.page_link(UPLOAD_PAGE)
        return
    with errors_in_words(frame.words):
        estimate = _estimate(frame)
        _show_headline(frame, estimate)
        if first := say(frame, estimate, first_decisions)[:1]:  # one line of advice before the picture; the others stand below it
            st.markdown(f":blue-badge[{plain(first[0].label)}] {plain(first[0].sentence)}")
        if decided := decided_line(frame, estimate):
            st.markdown(f":material/balance: {plain(decided)}")
        drawn = _show_picture_or_why_not(frame, estimate)
        show_actions(frame, estimate, actions)  # their place is kept beside the title: sentence and picture reach a first visitor before them
        _show_origin(frame, estimate)
        if not drawn:
            return
        show_printed_table(frame, estimate)
        show_tiles(frame, estimate)
        with st.container(key="further"):
            _show_further(frame, estimate)


def _show_picture_or_why_not(frame: Frame, estimate: IcebergEstimate) -> bool:
    """Whether there is a picture; where there is nothing to draw, or no range can be given, the page says so instead."""
    if estimate.total.vocal_customers == 0 and estimate.total.silent_churn.upper < 1:
        st.info(frame.words.text("ui.iceberg.nothing_filtered"), icon=":material/filter_alt_off:")
        return False
    if cannot_say(estimate):
        show_diagnostics(frame, estimate.diagnostics)
        return False
    _show_picture(frame, estimate)
    return True


def _show_further(frame: Frame, estimate: IcebergEstimate) -> None:
    """What answers the questions that sentence and picture raise; a print leaves it to the reports."""
    show_glossary(frame.words)
    _show_ranking_and_comparator(frame, estimate)
    show_where(frame, estimate)
    show_progress(frame)
    _show_trend_and_others(frame, estimate)
    if estimate.diagnostics:
        st.subheader(frame.words.text("ui.iceberg.read_first"), anchor=False)
        show_diagnostics(frame, estimate.diagnostics)
    _show_given(frame, estimate)
    show_study_details(frame)


def _show_given(frame: Frame, estimate: IcebergEstimate) -> None:
    """What further files and columns say: below everything that is said of every company, since no estimate depends on them."""
    show_journey(frame)
    show_service(frame, estimate)
    show_spheres(frame, estimate)
    show_enchantment(frame, estimate)
    show_declared(frame, estimate)
    show_audit(frame, estimate)
    show_rhythm(frame)


def _estimate(frame: Frame) -> IcebergEstimate:
    """The estimate; while the first one is made, the counts are already on screen."""
    slot = st.empty()
    if is_estimated(frame.study, frame.view.assumptions) or was_shown(frame.study):
        whole = estimate_study(frame.study, frame.view.assumptions)
    else:
        with slot.container():
            whole = estimate_study(frame.study, frame.view.assumptions, progress=_show_first_words(frame))
        slot.empty()
    return focus_study(frame.study, whole, frame.view.filters)


def _show_first_words(frame: Frame) -> Callable[[str, float], None]:
    from iceberg.report.counts_summary import counts_summary

    words, counts = frame.words, frame.study.counts
    sentence = "counted" if counts.has_customers else "counted_volumes"
    st.header(plain(words.text(f"ui.iceberg.{sentence}", **counts_summary(counts))), anchor=False)
    bar = st.progress(0.0, text=words.text("ui.iceberg.working"))

    def show_step(step: str, share: float) -> None:
        bar.progress(min(max(share, 0.0), 1.0), text=words.text(f"evidence.steps.{step}"))

    return show_step


def _show_origin(frame: Frame, estimate: IcebergEstimate) -> None:
    """Which company and months these are, and how much of the answer is evidence."""
    words = frame.words
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        window = frame.study.counts.window
        first, last = frame.view.filters.months or (None, None)
        if not frame.study.counts.has_calendar:
            shown = words.text("ui.study.no_calendar")
        elif first is None or last is None:
            shown = words.text("ui.study.window", since=window.since, as_of=window.as_of)
        else:
            shown = words.text("ui.study.months", since=words.month(first), as_of=words.month(last))
        st.caption(plain(shown), width="content")
        _show_badge(frame, estimate)


def _show_headline(frame: Frame, estimate: IcebergEstimate) -> None:
    with st.container(key="headline"):
        st.header(plain(say(frame, estimate, headline_sentence)), anchor=False)
        if not cannot_say(estimate):  # of a refusal the remarks follow at once
            _show_reservations(frame, estimate)
    if frame.study.other_counts is not None:
        label = frame.words.text("ui.iceberg.leave_months" if frame.study.keeps_months else "ui.iceberg.keep_months")
        if st.button(label, icon=":material/date_range:", key="other_months"):
            set_current_study(frame.study.with_other_months())
            st.rerun()
    _ask_about_recording(frame, estimate)


def _show_reservations(frame: Frame, estimate: IcebergEstimate) -> None:
    """How sure the headline is, the weightiest remark beside it, and the others folded."""
    if sure := say(frame, estimate, certainty_sentence):
        st.markdown(plain(sure))
    show_remarks(frame, say(frame, estimate, reservations), key="reservations")


def _ask_about_recording(frame: Frame, estimate: IcebergEstimate) -> None:
    """Where complaints of this session's files seem to be recorded otherwise from a day on: a click takes it out, another says it is real."""
    asked = [str(one.values["change"]) for one in estimate.diagnostics if one.code.startswith(("recording_step_", "recording_own_step_"))]
    if not asked or frame.study.origin != "upload" or frame.study.published is not None:
        return
    from iceberg.cohort.findings.findings import RecordingChange

    named = (*(frame.study.counts.recording_changes or ()), *map(RecordingChange.parse, asked))
    with st.container(horizontal=True, key="recording"):
        for answer, changes in (("yes", named), ("no", ())):
            if st.button(frame.words.text(f"ui.iceberg.recording_{answer}"), icon=":material/confirmation_number:", key=f"recording.{answer}"):
                set_current_study(frame.study.with_changes(changes))
                st.rerun()


def _show_badge(frame: Frame, estimate: IcebergEstimate) -> None:
    words, badge = frame.words, say(frame, estimate, evidence_badge)
    colour = BADGE_COLOURS[badge.kind]
    with st.popover(f":{colour}-badge[:material/verified: {plain(badge.label)}] {words.text('ui.iceberg.why')}", type="tertiary", key="why"):
        st.markdown(f"**{plain(badge.says)}**")
        st.markdown(plain(badge.help))
        st.markdown("\n".join(f"- {plain(reason)}" for reason in badge.reasons))
        st.page_link(page_file("method"), query_params=link_with(), icon=":material/function:")


def _show_picture(frame: Frame, estimate: IcebergEstimate) -> None:
    words, chart = frame.words, executive_chart("iceberg", frame, estimate)
    with st.container(key="picture"):
        show_still(frame, chart)
        with st.container(key="drawn_narrow" if frame.narrow else "drawn_wide"):  # the style sheet hides the wide one in a narrow window
            clicked = show_chart(frame, chart, selectable=True)
    if clicked is not None:
        named = next((item.category for item in estimate.categories if visible(item.category) == clicked), clicked)
        st.switch_page(CATEGORY_PAGE, query_params=link_with(category=named))
    with st.container(horizontal=True, gap="small", key="categories"):
        st.caption(words.text("ui.iceberg.open_category"), width="content")
        for category in category_order(estimate):  # as everything else on the page is: the largest first
            st.page_link(CATEGORY_PAGE, label=plain(category), query_params=link_with(category=category), icon=":material/arrow_forward:")


def _show_folded(frame: Frame, name: str, chart: Callable[[], Chart], *, icon: str) -> None:
    """A chart that answers a question about a number, drawn once a reader asks it."""
    folded = st.expander(frame.words.text(f"ui.iceberg.{name}"), icon=icon, key=f"folded.{name}", on_change="rerun")
    if not folded.open:
        return
    with folded:
        made = chart()
        st.caption(plain(made.takeaway()))
        show_chart(frame, made)


def _show_ranking_and_comparator(frame: Frame, estimate: IcebergEstimate) -> None:
    """What to do, over the whole width; below it two charts whose rows are the same categories."""
    st.subheader(frame.words.text("ui.iceberg.ranking"), anchor=False)
    advice = say(frame, estimate, first_decisions)
    for one in advice[1:]:  # the first one stands above the picture
        st.markdown(f":blue-badge[{plain(one.label)}] {plain(one.sentence)}")
    if advice:
        _show_folded(frame, "outcomes", lambda: outcomes_chart(frame, estimate, advice[0].category), icon=":material/scatter_plot:")
    left, right = st.columns(2, gap="large")
    with left:
        if noise := say(frame, estimate, noise_sentence):
            st.caption(plain(noise))
        show_chart(frame, executive_chart("ranking", frame, estimate))
    with right:
        st.subheader(frame.words.text("ui.iceberg.comparator"), anchor=False)
        st.markdown(plain(say(frame, estimate, comparator_sentence)))
        show_chart(frame, executive_chart("comparator", frame, estimate))


def _show_trend_and_others(frame: Frame, estimate: IcebergEstimate) -> None:
    st.subheader(frame.words.text("ui.iceberg.trend"), anchor=False)
    if frame.study.counts.has_calendar:
        show_chart(frame, executive_chart("months", frame, estimate))
    else:
        st.caption(frame.words.text("ui.iceberg.trend_no_calendar"))
    for chart in other_charts(frame, estimate):
        st.subheader(frame.words.text(f"ui.iceberg.{chart.name}"), anchor=False)
        show_chart(frame, chart)


show_page()
