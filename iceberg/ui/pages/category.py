"""The page of one category: the verdict, what its complainants did, whom it affects, what the departures say."""

from __future__ import annotations

import streamlit as st

from iceberg.model.results import IcebergEstimate
from iceberg.ui.access.access import require
from iceberg.ui.controls import link_with
from iceberg.ui.figure import estimate_key, show_chart
from iceberg.ui.frame import Frame, current_frame, errors_in_words, page_file
from iceberg.ui.session.caches import cached
from iceberg.ui.session.estimates import estimate_study, focus_study
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
        _show_segments(frame, estimate, category)


def _choose_category(frame: Frame, estimate: IcebergEstimate) -> str:
    """The category of the link, or the one chosen here, first the one to act on first; the link follows."""
    from iceberg.report.tables.estimate import ranking_table

    words = frame.words
    categories = list(ranking_table(estimate)["category"])
    asked = st.query_params.get("category")
    if asked is not None and asked not in categories:
        st.warning(words.text("ui.category.unknown", category=asked), icon=":material/search_off:")
    chosen = st.selectbox(
        words.text("ui.category.choose"),
        categories,
        index=categories.index(asked) if asked in categories else 0,
        key=f"category.{frame.study.digest[:8]}.{asked}",
    )
    if chosen != asked:
        st.query_params["category"] = chosen
    return str(chosen)


def _show_verdict(frame: Frame, estimate: IcebergEstimate, category: str) -> None:
    from iceberg.report.words import category_of, comparator_sentence, customers_range, decision, share

    words = frame.words
    verdict, item = decision(estimate, category, words), category_of(estimate, category)
    st.title(category, anchor=False)
    st.markdown(f":blue-badge[{verdict.label}] {verdict.sentence}")
    ends = customers_range(item.silent_churn, words)
    tiles = [
        ("vocal", words.integer(item.vocal_customers)),
        ("silent", words.text("report.range", low=ends["low"], high=ends["high"])),
        ("first", share(item.probability_worst, words)),
        ("assumption", share(item.prior_share, words)),
    ]
    for column, (name, value) in zip(st.container(key="tiles").columns(4), tiles, strict=True):
        with column.container(border=True, height="stretch"):
            st.metric(words.text(f"ui.category.tile_{name}"), value, help=words.text(f"ui.category.tile_{name}_help"))
    st.markdown(comparator_sentence(estimate, words, category=category))
    _show_outlook(frame, estimate, category)


def _show_outlook(frame: Frame, estimate: IcebergEstimate, category: str) -> None:
    """Show who is still to leave because of past problems, and the ratio at which the ranking would flip."""
    from iceberg.report.outlook import break_even_sentence, pipeline_sentence

    for sentence in (break_even_sentence(estimate, category, frame.words), pipeline_sentence(estimate, category, frame.words)):
        if sentence is not None:
            st.markdown(sentence)


def _show_ratio_and_trend(frame: Frame, estimate: IcebergEstimate, category: str) -> None:
    from iceberg.report.charts.dots import build_prior_posterior
    from iceberg.report.charts.trends import build_month_trend
    from iceberg.report.tables.estimate import month_trend_table, prior_posterior_table
    from iceberg.report.takeaways import takeaway_month_trend, takeaway_prior_posterior

    key = f"{estimate_key(estimate)}|{category}"
    left, right = st.columns(2, gap="large")
    with left:
        st.header(frame.words.text("ui.category.ratio"), anchor=False)
        ratios = prior_posterior_table(estimate, category=category)
        show_chart(
            frame,
            "ratio",
            key=key,
            build=lambda: build_prior_posterior(ratios, frame.words, frame.theme, narrow=frame.narrow),
            takeaway=lambda: takeaway_prior_posterior(ratios, frame.words),
            table=lambda: ratios,
        )
    with right:
        st.header(frame.words.text("ui.iceberg.trend"), anchor=False)
        if not frame.study.counts.has_calendar:
            st.caption(frame.words.text("ui.iceberg.trend_no_calendar"))
            return
        months = month_trend_table(estimate, category=category)
        show_chart(
            frame,
            "category_months",
            key=key,
            build=lambda: build_month_trend(months, frame.words, frame.theme, colour=_colour(frame, category), narrow=frame.narrow),
            takeaway=lambda: takeaway_month_trend(months, frame.words),
            table=lambda: months,
        )


def _colour(frame: Frame, category: str) -> str:
    """The colour this category has everywhere."""
    from iceberg.report.palette import category_colours

    return category_colours(frame.study.categories, frame.theme)[category]


def _show_net_survival(frame: Frame, category: str) -> None:
    from iceberg.report.charts.trends import build_net_survival
    from iceberg.report.counts_summary import net_survival_of
    from iceberg.report.takeaways import takeaway_net_survival

    counts = frame.study.counts
    table = cached(f"net|{category}", lambda: net_survival_of(counts, category, seed=SEED), study=frame.study)
    horizon = frame.view.assumptions.horizon_days
    st.markdown(takeaway_net_survival(table, frame.words, horizon_days=horizon))
    show_chart(
        frame,
        "net_survival",
        key=f"{category}|{horizon}",
        build=lambda: build_net_survival(table, frame.words, frame.theme, horizon_days=horizon),
        takeaway=lambda: takeaway_net_survival(table, frame.words, horizon_days=horizon),
        table=lambda: table,
    )


def _show_delay(frame: Frame, category: str) -> None:
    from iceberg.report.charts.trends import build_delay
    from iceberg.report.counts_summary import delay_of
    from iceberg.report.takeaways import takeaway_delay

    st.header(frame.words.text("ui.category.delay"), anchor=False)
    table = cached(f"delay|{category}", lambda: delay_of(frame.study.counts, category, seed=SEED), study=frame.study)
    st.caption(takeaway_delay(table, frame.words))
    show_chart(
        frame,
        "delay",
        key=category,
        build=lambda: build_delay(table, frame.words, frame.theme),
        takeaway=lambda: takeaway_delay(table, frame.words),
        table=lambda: table,
    )


def _show_tenure(frame: Frame, category: str) -> None:
    from iceberg.report.charts.trends import build_tenure_profile
    from iceberg.report.counts_summary import tenure_profile_of
    from iceberg.report.takeaways import takeaway_tenure_profile

    st.header(frame.words.text("ui.category.tenure"), anchor=False)
    table = tenure_profile_of(frame.study.counts, category)
    st.caption(takeaway_tenure_profile(table, frame.words))
    show_chart(
        frame,
        "tenure",
        key=category,
        build=lambda: build_tenure_profile(table, frame.words, frame.theme, colour=_colour(frame, category), narrow=frame.narrow),
        takeaway=lambda: takeaway_tenure_profile(table, frame.words),
        table=lambda: table,
    )


def _show_segments(frame: Frame, estimate: IcebergEstimate, category: str) -> None:
    from iceberg.report.charts.dots import build_segments
    from iceberg.report.tables.estimate import segment_table
    from iceberg.report.takeaways import takeaway_segments

    table = segment_table(estimate, category=category)
    if len(table) < 2:
        return
    st.header(frame.words.text("ui.category.segments"), anchor=False)
    st.caption(takeaway_segments(table, frame.words))
    show_chart(
        frame,
        "segments",
        key=f"{estimate_key(estimate)}|{category}",
        build=lambda: build_segments(table, frame.words, frame.theme, narrow=frame.narrow),
        takeaway=lambda: takeaway_segments(table, frame.words),
        table=lambda: table,
    )


show_page()
