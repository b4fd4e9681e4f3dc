"""The survival page: curves with delayed entry, a Cox model, parametric fits, and their checks."""

from __future__ import annotations

from functools import partial
from typing import Literal

import streamlit as st

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import NEVER_COMPLAINED
from iceberg.model.evidence import cannot_say
from iceberg.model.survival.cox import fit_cox
from iceberg.model.survival.curves import SurvivalCurve, complained_states, fit_parametric, tenure_curve
from iceberg.report.charts.curves import build_curves
from iceberg.report.palette import THEMES, category_colours
from iceberg.report.tables.survival import curve_table
from iceberg.report.takeaways import takeaway_curves
from iceberg.ui.access.access import require
from iceberg.ui.figure import show_chart, show_figures, table_chart
from iceberg.ui.frame import Frame, current_frame, errors_in_words, page_file
from iceberg.ui.plain_text import plain
from iceberg.ui.sections.survival_words import cox_table, fit_curves, fit_sentences
from iceberg.ui.session.caches import cached
from iceberg.ui.session.estimates import estimate_study, is_estimated

CurveKind = Literal["survival", "cumulative_hazard"]
MOST_CURVES = 12  # in one picture
GROUPS = ("state", "category", "segment")
FEWEST = 2  # departures below which a curve says nothing


def show_page() -> None:
    """Curves first, then the models, each with its check in words."""
    require("survival")
    frame = current_frame()
    words = frame.words
    st.title(words.text("ui.survival.title"), anchor=False)
    if not frame.study.counts.has_customers:
        st.info(words.text("ui.survival.needs_customers"), icon=":material/info:")
        st.page_link(page_file("upload"))
        return
    st.caption(words.text("ui.survival.lead"))
    if not frame.study.counts.has_calendar:
        st.info(words.text("ui.survival.no_calendar"), icon=":material/event_busy:")
    with errors_in_words(words):
        counts = _counts(frame)
        if is_estimated(frame.study, frame.view.assumptions) and cannot_say(estimate_study(frame.study, frame.view.assumptions)):
            st.warning(words.text("ui.survival.no_range"), icon=":material/event_repeat:")
        _show_curves(frame, counts)
        st.header(words.text("ui.survival.cox"), anchor=False)
        _show_cox(frame, counts)
        st.header(words.text("ui.survival.parametric"), anchor=False)
        _show_fits(frame, counts)


def _counts(frame: Frame) -> CohortCounts:
    segments = frame.view.filters.segments
    if segments is None:
        return frame.study.counts
    return cached(f"select|{segments!r}", lambda: frame.study.counts.select(segments=segments), study=frame.study)


def _show_curves(frame: Frame, counts: CohortCounts) -> None:
    words = frame.words
    offered = [group for group in GROUPS if group != "segment" or len(counts.segments) > 1]
    if not counts.has_linked_complaints:
        offered = [group for group in offered if group == "segment"] or ["all"]
    group = st.segmented_control(
        words.text("ui.survival.group"),
        offered,
        default=offered[0],
        format_func=lambda name: words.text(f"ui.survival.group_{name}"),
        key="survival.group",
        required=True,
    )
    kaplan, nelson = st.tabs(
        [words.text("ui.survival.kaplan_meier"), words.text("ui.survival.nelson_aalen")],
        on_change="rerun",
        key="survival.tab",
    )
    kinds: tuple[CurveKind, ...] = ("survival", "cumulative_hazard")
    for tab, kind in zip((kaplan, nelson), kinds, strict=True):
        if tab.open:
            with tab:
                _show_curve_chart(frame, counts, str(group), kind)
    st.caption(words.text("ui.survival.confidence"))


def _show_curve_chart(frame: Frame, counts: CohortCounts, group: str, kind: CurveKind) -> None:
    segments = frame.view.filters.segments
    key = f"{group}|{kind}|{segments!r}|{frame.language}"
    table = cached(f"curves|{key}", lambda: curve_table(_curves(frame, counts, group, kind)), study=frame.study)
    colours = _colours(frame, counts, group)
    build = partial(build_curves, kind="survival" if kind == "survival" else "hazard", colours=colours, narrow=frame.narrow)
    show_chart(frame, table_chart(frame, "curves", table, build, partial(takeaway_curves, percent=kind == "survival"), key=key))


def _colours(frame: Frame, counts: CohortCounts, group: str) -> dict[str, str] | None:
    """Complainants are orange and the silent blue everywhere; a category keeps its own colour."""
    if group == "category":
        return category_colours(counts.categories, frame.theme)
    if group == "state":
        palette, words = THEMES[frame.theme], frame.words
        return {words.text("ui.survival.never"): palette.silent, words.text("ui.survival.complained"): palette.vocal}
    return None


def _curves(frame: Frame, counts: CohortCounts, group: str, kind: CurveKind) -> dict[str, SurvivalCurve]:
    """The curves of a grouping, by name; those that rest on too few departures are left out."""
    words = frame.words
    states: dict[str, tuple[int, ...] | None] = {words.text("report.all_segments"): None}
    if group == "state":
        states = {
            words.text("ui.survival.never"): (NEVER_COMPLAINED,),
            words.text("ui.survival.complained"): complained_states(counts),
        }
    elif group == "category":
        states = {name: (NEVER_COMPLAINED + 1 + index,) for index, name in enumerate(counts.categories)}
    if group == "segment":
        curves = {name: tenure_curve(counts, segments=places, kind=kind) for name, places in _segments_drawn(counts).items()}
    else:
        curves = {name: tenure_curve(counts, states=chosen, kind=kind) for name, chosen in states.items()}
    return {name: curve for name, curve in curves.items() if curve.departures >= FEWEST}


def _segments_drawn(counts: CohortCounts) -> dict[str, list[int]]:
    """The segments with a curve of their own: the largest of them, or the levels of the first of several segment columns."""
    names = [levels[0] for levels in counts.segment_levels] or list(counts.segments)
    found: dict[str, list[int]] = {}
    for place, name in enumerate(names):
        found.setdefault(name, []).append(place)
    by_size = sorted(found, key=lambda name: -int(counts.customers_at_risk[found[name]].sum()))
    return {name: places for name, places in found.items() if name in by_size[:MOST_CURVES]}


def _show_cox(frame: Frame, counts: CohortCounts) -> None:
    words = frame.words
    if not counts.has_linked_complaints:
        st.info(words.text("ui.category.needs_link"), icon=":material/link_off:")
        return
    st.caption(words.text("ui.survival.cox_lead"))
    segments = frame.view.filters.segments
    stratify = len(counts.segments) > 1
    reading = cached(f"cox|{segments!r}", lambda: fit_cox(counts, stratify=stratify), study=frame.study)
    if reading.status != "converged":
        st.warning(words.text(f"ui.survival.cox_{reading.status}"), icon=":material/warning:")
        return
    table = cox_table(reading, words)
    show_figures(frame, "cox", table, alt_text=words.text("ui.survival.cox"))
    if reading.left_out:
        st.caption(plain(words.text("ui.survival.cox_left_out", categories=", ".join(reading.left_out))))


def _show_fits(frame: Frame, counts: CohortCounts) -> None:
    words = frame.words
    st.caption(words.text("ui.survival.parametric_lead"))
    segments = frame.view.filters.segments
    weibull, pieces = (
        cached(f"fit|{kind}|{segments!r}", lambda kind=kind: fit_parametric(counts, kind=kind), study=frame.study)  # type: ignore[misc]
        for kind in ("weibull", "piecewise_exponential")
    )
    observed = cached(f"fit|observed|{segments!r}", lambda: tenure_curve(counts), study=frame.study)
    for sentence in (*fit_sentences(weibull, words), *fit_sentences(pieces, words)):
        st.markdown(f"- {plain(sentence)}")
    table = curve_table(fit_curves(observed, (weibull, pieces), words))
    show_chart(frame, table_chart(frame, "fits", table, partial(build_curves, narrow=frame.narrow), takeaway_curves, key=f"{segments!r}"))


show_page()
