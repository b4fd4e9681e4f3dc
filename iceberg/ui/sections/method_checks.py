"""The checks of the estimate on the Method page: assumption against data, noise floor, flip points, remarks, calibration."""

from __future__ import annotations

from dataclasses import replace
from functools import partial

import streamlit as st

from iceberg.model.evidence import cannot_say
from iceberg.model.results import IcebergEstimate
from iceberg.report.charts.checks import build_checks, build_coverage, written_checks
from iceberg.report.charts.dots import build_prior_posterior
from iceberg.report.noise import common_cause_sentence, control_sentences, placebo_sentence
from iceberg.report.outlook import break_even_sentence
from iceberg.report.tables.checks import checks_table
from iceberg.report.tables.coverage import coverage_table
from iceberg.report.tables.estimate import iceberg_table, prior_posterior_table
from iceberg.report.tables.written import display_table
from iceberg.report.takeaways import takeaway_checks, takeaway_coverage, takeaway_prior_posterior
from iceberg.report.words import customers_range, headline_sentence, share
from iceberg.ui.figure import estimate_key, show_chart, show_diagnostics, show_figures, table_chart
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.session.estimates import estimate_study, focus_study

NOISE_COLUMNS = (
    "category", "silent_lower", "silent_median", "silent_upper", "placebo_lower", "placebo_median", "placebo_upper", "above_noise",
    "common_cause_lower", "common_cause_median",
)  # fmt: skip


def show_estimate_checks(frame: Frame) -> None:
    """Show what the departures of this company say, and how far they can be believed."""
    if not frame.study.counts.categories:
        return
    estimate = focus_study(frame.study, estimate_study(frame.study, frame.view.assumptions), frame.view.filters)
    words = frame.words
    if cannot_say(estimate):
        st.warning(plain(headline_sentence(estimate, words)), icon=":material/event_repeat:")
    else:
        st.header(words.text("ui.method.posterior"), anchor=False)
        _show_posterior(frame, estimate)
        st.header(words.text("ui.method.placebo"), anchor=False)
        _show_placebo(frame, estimate)
    st.header(words.text("ui.method.reproduced"), anchor=False)
    _show_reproduced(frame, estimate)
    if not cannot_say(estimate):
        st.header(words.text("ui.method.break_even"), anchor=False)
        _show_break_even(frame, estimate)
    st.header(words.text("ui.method.diagnostics"), anchor=False)
    if estimate.diagnostics:
        show_diagnostics(frame, estimate.diagnostics)
    else:
        st.success(words.text("ui.method.diagnostics_none"), icon=":material/check_circle:")


def show_calibration(frame: Frame) -> None:
    """Show nominal against actual coverage on simulated companies."""
    words, table = frame.words, coverage_table()
    if table.empty:
        return
    named = table.assign(family=[words.text(f"report.families.{family}") for family in table["family"]])
    st.header(words.text("ui.method.calibration"), anchor=False)
    st.markdown(words.text("ui.method.calibration_lead"))
    st.markdown(plain(takeaway_coverage(table, words)))
    chart = table_chart(frame, "coverage", table, partial(build_coverage, narrow=frame.narrow), takeaway_coverage, key="", unit="rate")
    show_chart(frame, replace(chart, table=lambda: named))


def _show_posterior(frame: Frame, estimate: IcebergEstimate) -> None:
    table = prior_posterior_table(estimate)
    st.caption(frame.words.text("ui.method.posterior_lead"))
    st.markdown(plain(takeaway_prior_posterior(table, frame.words)))
    build = partial(build_prior_posterior, narrow=frame.narrow)
    show_chart(frame, table_chart(frame, "ratios", table, build, takeaway_prior_posterior, key=estimate_key(estimate), unit="ratio"))


def _show_placebo(frame: Frame, estimate: IcebergEstimate) -> None:
    words, placebo = frame.words, estimate.total.placebo
    st.markdown(words.text("ui.method.placebo_lead"))
    if placebo is None:
        st.info(words.text("ui.method.placebo_none"), icon=":material/info:")
        return
    noise, found = customers_range(placebo, words), customers_range(estimate.total.silent_churn, words)
    said = words.text(
        "ui.method.placebo_found",
        placebo_low=noise["low"],
        placebo_high=noise["high"],
        low=found["low"],
        high=found["high"],
        exceeded=share(placebo.exceeded, words),
    )
    st.markdown(plain(said))
    for sentence in (placebo_sentence(estimate, words), common_cause_sentence(estimate, words), *control_sentences(estimate, words)):
        if sentence is not None:
            st.markdown(plain(sentence))
    show_figures(frame, "placebo", display_table(iceberg_table(estimate)[list(NOISE_COLUMNS)], words), alt_text=said)


def _show_reproduced(frame: Frame, estimate: IcebergEstimate) -> None:
    """The fit beside what it was fitted to, as one picture."""
    words, table = frame.words, checks_table(estimate)
    st.markdown(words.text("ui.method.reproduced_lead"))
    if table.empty:
        st.info(words.text("ui.method.reproduced_none"), icon=":material/info:")
        return
    st.markdown(plain(takeaway_checks(table, words)))
    chart = table_chart(frame, "checks", table, partial(build_checks, narrow=frame.narrow), takeaway_checks, key=estimate_key(estimate))
    written = replace(chart, table=lambda: written_checks(table, words))
    show_chart(frame, written)


def _show_break_even(frame: Frame, estimate: IcebergEstimate) -> None:
    st.caption(frame.words.text("ui.method.break_even_lead"))
    sentences = [break_even_sentence(estimate, item.category, frame.words) for item in estimate.categories]
    st.markdown("\n".join(f"- {plain(sentence)}" for sentence in sentences if sentence is not None) or frame.words.text("ui.show.empty"))
