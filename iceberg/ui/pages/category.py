"""The page of one category: the verdict, what its complainants did, whom it affects, what the departures say."""

from __future__ import annotations

from functools import partial

import streamlit as st

from iceberg.locale import visible
from iceberg.model.decision.verdict import by_urgency, has_ranks
from iceberg.model.evidence import cannot_say
from iceberg.model.results import IcebergEstimate
from iceberg.report.advice import decision
from iceberg.report.charts.dots import MOST_SEGMENTS, build_prior_posterior, build_segments
from iceberg.report.charts.trends import build_delay, build_month_trend, build_net_survival, build_tenure_profile
from iceberg.report.counts_summary import delay_of, net_survival_of, tenure_profile_of
from iceberg.report.noise import common_cause_sentence, control_sentence, placebo_sentence
from iceberg.report.outlook import break_even_sentence, pipeline_sentence
from iceberg.report.palette import category_colours
from iceberg.report.tables.estimate import cells_of, month_trend_table, prior_posterior_table, segment_table
from iceberg.report.takeaways import (
    takeaway_delay,
    takeaway_month_trend,
    takeaway_net_survival,
    takeaway_prior_posterior,
    takeaway_segments,
    takeaway_tenure_profile,
)
from iceberg.report.words import category_of, comparator_sentence, customers_range, headline_sentence, share
from iceberg.ui.access.access import require
from iceberg.ui.controls import link_with
from iceberg.ui.decisions.audit import answered_line
from iceberg.ui.decisions.spheres.section import lived_line
from iceberg.ui.figure import Chart, estimate_key, show_chart, table_chart
from iceberg.ui.frame import Frame, current_frame, errors_in_words, page_file
from iceberg.ui.plain_text import plain
from iceberg.ui.sections.executive import outcomes_chart
from iceberg.ui.session.caches import cached
from iceberg.ui.session.estimates import estimate_study, focus_study, placed_categories
from iceberg.ui.session.study import SEED

HOME = page_file("iceberg")


def show_page() -> None:
    """The verdict first, then what it rests on."""
    require("category")
    frame = current_frame()
    words = frame.words
    st.page_link(HOME, query_params=link_with(), label=words.text("ui.category.back"), icon=":material/arrow_back:")
    if not frame.study.counts.categories:
        st.info(words.text("ui.iceberg.no_complaints"), icon=":material/info:")
        return
    with errors_in_words(words):
        estimate = focus_study(frame.study, estimate_study(frame.study, frame.view.assumptions), frame.view.filters)
        category = _choose_category(frame, estimate)
        if cannot_say(estimate):
            st.title(plain(category), anchor=False)
            st.warning(plain(headline_sentence(estimate, words)), icon=":material/event_repeat:")
        else:
            _show_verdict(frame, estimate, category)
            _show_ratio_and_trend(frame, estimate, category)
        st.header(words.text("ui.category.survival"), anchor=False)
        if not frame.access.sees_everything:
            st.info(words.text("ui.category.for_analysts"), icon=":material/shield_person:")
        elif not frame.study.counts.has_calendar:
            st.info(words.text("ui.category.no_calendar"), icon=":material/event_busy:")
        elif frame.study.counts.has_linked_complaints:
            _show_net_survival(frame, category)
            left, right = st.columns(2, gap="large")
            with left:
                _show_delay(frame, category)
            with right:
                _show_tenure(frame, category)
        else:
            st.info(words.text("ui.category.needs_link"), icon=":material/link_off:")
        if not cannot_say(estimate):
            _show_segments(frame, estimate, category)


def _choose_category(frame: Frame, estimate: IcebergEstimate) -> str:
    """The category of the link, or the one chosen here, first the one to act on first; the link follows."""
    words = frame.words
    categories = [item.category for item in by_urgency(estimate)]
    asked = st.query_params.get("category")
    if asked is not None and asked not in categories:
        st.warning(words.text("ui.category.unknown"), icon=":material/search_off:")
    chosen = st.selectbox(
        words.text("ui.category.choose"),
        categories,
        index=categories.index(asked) if asked in categories else 0,
        format_func=visible,
        key=f"category.{frame.study.digest[:8]}.{asked}",
    )
    if chosen != asked:
        st.query_params["category"] = chosen
    return str(chosen)


def _show_verdict(frame: Frame, estimate: IcebergEstimate, category: str) -> None:
    words = frame.words
    verdict, item = decision(estimate, category, words), category_of(estimate, category)
    st.title(plain(category), anchor=False)
    st.markdown(f":blue-badge[{plain(verdict.label)}] {plain(verdict.sentence)}")
    if verdict.verdict is not None:
        _show_captioned(frame, outcomes_chart(frame, estimate, category))
    ends = customers_range(item.silent_churn, words)
    tiles = [
        ("vocal", words.integer(item.vocal_customers)),
        ("silent", words.text("report.range", low=ends["low"], high=ends["high"])),
        *([("first", share(item.probability_worst, words))] if has_ranks(estimate) else []),
        ("assumption", share(item.prior_share, words)),
    ]
    for column, (name, value) in zip(st.container(key="tiles").columns(len(tiles)), tiles, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(words.text(f"ui.category.tile_{name}"), plain(value), help=words.text(f"ui.category.tile_{name}_help"))
    st.markdown(plain(comparator_sentence(estimate, words, category=category)))
    if answered := answered_line(frame, estimate, category):
        st.markdown(f":material/diversity_3: {plain(answered)}")
    if lived := lived_line(frame, estimate, category):
        st.markdown(f":material/target: {plain(lived)}")
    controls = [one for one in estimate.controls if one.category == category]
    doubts = (placebo_sentence(estimate, words, category=category), common_cause_sentence(estimate, words, category=category))
    outlook = (break_even_sentence(estimate, category, words), pipeline_sentence(estimate, category, words))
    for sentence in (*outlook, *doubts, *(control_sentence(one, words) for one in controls)):
        if sentence is not None:
            st.markdown(plain(sentence))


def _show_ratio_and_trend(frame: Frame, estimate: IcebergEstimate, category: str) -> None:
    key = f"{estimate_key(estimate)}|{category}"
    left, right = st.columns(2, gap="large")
    with left:
        st.header(frame.words.text("ui.category.ratio"), anchor=False)
        ratios = prior_posterior_table(estimate, category=category)
        build = partial(build_prior_posterior, narrow=frame.narrow)
        show_chart(frame, table_chart(frame, "ratio", ratios, build, takeaway_prior_posterior, key=key))
    with right:
        st.header(frame.words.text("ui.iceberg.trend"), anchor=False)
        if not frame.study.counts.has_calendar:
            st.caption(frame.words.text("ui.iceberg.trend_no_calendar"))
            return
        months = month_trend_table(estimate, category=category)
        build = partial(build_month_trend, colour=_colour(frame, category), narrow=frame.narrow)
        show_chart(frame, table_chart(frame, "category_months", months, build, takeaway_month_trend, key=key))


def _colour(frame: Frame, category: str) -> str:
    """The colour this category has everywhere."""
    return category_colours(placed_categories(frame.study), frame.theme)[category]


def _show_net_survival(frame: Frame, category: str) -> None:
    counts, horizon = frame.study.counts, frame.view.assumptions.horizon_days
    table = cached(f"net|{category}", lambda: net_survival_of(counts, category, seed=SEED), study=frame.study)
    takeaway = partial(takeaway_net_survival, horizon_days=horizon)
    st.markdown(plain(takeaway(table, frame.words)))
    build = partial(build_net_survival, horizon_days=horizon)
    show_chart(frame, table_chart(frame, "net_survival", table, build, takeaway, key=f"{category}|{horizon}"))


def _show_delay(frame: Frame, category: str) -> None:
    table = cached(f"delay|{category}", lambda: delay_of(frame.study.counts, category, seed=SEED), study=frame.study)
    _show_captioned(frame, table_chart(frame, "delay", table, build_delay, takeaway_delay, key=category))


def _show_tenure(frame: Frame, category: str) -> None:
    table = tenure_profile_of(frame.study.counts, category)
    build = partial(build_tenure_profile, colour=_colour(frame, category), narrow=frame.narrow)
    _show_captioned(frame, table_chart(frame, "tenure", table, build, takeaway_tenure_profile, key=category))


def _show_segments(frame: Frame, estimate: IcebergEstimate, category: str) -> None:
    cells = cells_of(estimate)
    if len(cells.segments) < 2:
        return
    st.header(frame.words.text("ui.category.segments"), anchor=False)
    column = _choose_column(frame, cells.segment_columns) if cells.segment_columns else None
    table = segment_table(estimate, category=category, column=column)
    st.caption(plain(takeaway_segments(table, frame.words)))
    if len(table) > MOST_SEGMENTS:
        st.caption(plain(frame.words.text("ui.category.segments_largest", shown=MOST_SEGMENTS, all=len(table))))
    build = partial(build_segments, narrow=frame.narrow)
    show_chart(frame, table_chart(frame, "segments", table, build, takeaway_segments, key=f"{estimate_key(estimate)}|{category}|{column}"))


def _choose_column(frame: Frame, columns: tuple[str, ...]) -> str | None:
    """The segment column by which to show, None for its cells."""
    words = frame.words
    chosen: str = st.segmented_control(
        words.text("ui.category.segments_by"),
        [*columns, ""],
        default=columns[0],
        required=True,
        format_func=lambda column: plain(column) if column else words.text("ui.category.segments_cells"),
        key="category.segments_by",
    )
    return chosen or None


def _show_captioned(frame: Frame, chart: Chart) -> None:
    """A chart under its title and its takeaway."""
    st.header(frame.words.text(f"ui.category.{chart.name}"), anchor=False)
    st.caption(plain(chart.takeaway()))
    show_chart(frame, chart)


show_page()
