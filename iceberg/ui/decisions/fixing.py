"""What fixing brings: the table in which costs are written, the decision in a sentence, one picture, every figure, and what it hangs on."""

from __future__ import annotations

from functools import partial

import pandas as pd
import streamlit as st

from iceberg.errors import IcebergError
from iceberg.model.decision.fixes import LONGEST_YEARS, Decisions
from iceberg.model.results import IcebergEstimate
from iceberg.report.charts.decisions import build_decisions
from iceberg.report.decisions import decision_headline, display_decisions, doubt_sentences, idle_sentence
from iceberg.report.tables.decisions import decision_table
from iceberg.report.tables.estimate import currency_of
from iceberg.ui.decisions.briefs import show_briefs
from iceberg.ui.decisions.costs import BASE, CostSheet, cost_header, costs_of_session, empty_sheet, remember_costs
from iceberg.ui.decisions.follow_up import evidence_of_session
from iceberg.ui.figure import Chart, draw_table, estimate_key, show_chart, show_download, table_height, whole_columns
from iceberg.ui.frame import Frame, show_error
from iceberg.ui.plain_text import plain


def show_fixing(frame: Frame, estimate: IcebergEstimate) -> None:
    """Costs above, what follows from them below."""
    words = frame.words
    st.header(words.text("decide.fixing"), anchor=False)
    st.caption(words.text("decide.fixing_lead"))
    try:
        sheet = _write_costs(frame, estimate)
        if not sheet.fixes:
            st.info(words.text("decide.no_cost"), icon=":material/edit:")
            return
        decisions = sheet.decided(estimate)
    except IcebergError as problem:
        show_error(problem, words)
        return
    _show_decisions(frame, estimate, decisions, sheet)


def _write_costs(frame: Frame, estimate: IcebergEstimate) -> CostSheet:
    words, study, currency = frame.words, frame.study, currency_of(estimate)
    known = costs_of_session(study)
    names = tuple(item.category for item in estimate.categories if item.vocal_customers)
    if known is None or tuple(known.table["category"]) != names:
        known = empty_sheet(names, evidence=evidence_of_session(study))
    key = f"decide.costs.{study.digest[:8]}.{frame.language}"
    if key not in st.session_state or BASE not in st.session_state:  # an editor counts its edits from the table that it was first given
        st.session_state[BASE] = known.table
    amounts = {"min_value": 0.0, "format": "localized"}
    shares = {"min_value": 0.0, "max_value": 100.0, "format": "%.0f"}
    heads = {name: cost_header(name, currency, words) for name in known.table.columns}
    number = st.column_config.NumberColumn
    base: pd.DataFrame = st.session_state[BASE]
    edited = st.data_editor(
        base,
        hide_index=True,
        height=table_height(len(names)),
        disabled=["category"],
        column_config={
            "category": st.column_config.TextColumn(heads["category"], pinned=True),
            **{name: number(heads[name], **amounts) for name in ("cost", "running_cost")},  # type: ignore[arg-type]  # Streamlit types each property
            **{name: number(heads[name], **shares) for name in ("extent", "efficacy_low", "efficacy_high")},  # type: ignore[arg-type]  # as above
        },
        key=key,
        alt=words.text("decide.fixing_lead"),
        placeholder="",
    )
    st.caption(words.text("decide.costs_help"))
    budget, years, value = st.columns(3)
    no_money = estimate.draws.revenue_lost is None
    sheet = CostSheet(
        edited,
        budget.number_input(
            plain(words.text("decide.budget", currency=currency)), min_value=0.0, value=known.budget, step=None, format="%.0f",
            help=words.text("decide.budget_help"), key="decide.budget",
        ),
        int(years.slider(words.text("decide.years"), 1, LONGEST_YEARS, known.years, help=words.text("decide.years_help"), key="decide.years")),
        value.number_input(
            plain(words.text("decide.customer_value", currency=currency)), min_value=0.0, value=known.customer_value, format="%.0f",
            help=words.text("decide.customer_value_help"), key="decide.value",
        ) or None
        if no_money
        else None,
    )  # fmt: skip
    remember_costs(study, sheet)
    return sheet


def _show_decisions(frame: Frame, estimate: IcebergEstimate, decisions: Decisions, sheet: CostSheet) -> None:
    words = frame.words
    headline = decision_headline(decisions, estimate, words)
    st.subheader(plain(headline), anchor=False)
    table = decision_table(decisions)
    if decisions.best is not None:
        build = partial(build_decisions, table, words, description=headline, currency=currency_of(estimate), narrow=frame.narrow)
        on_screen = partial(build, theme=frame.theme)
        key = f"{estimate_key(estimate)}|{sheet.fixes!r}|{sheet.budget}|{sheet.years}|{sheet.customer_value}"
        show_chart(frame, Chart("decisions", key, on_screen, lambda: words.text("decide.chart", sentence=headline), paper=build))
    shown = display_decisions(decisions, estimate, words)
    draw_table(shown, alt_text=headline, key="table.decisions", whole=True, columns=whole_columns(shown))
    show_download(frame, "decisions", table)
    for sentence in (*doubt_sentences(decisions, estimate, words), idle_sentence(decisions, estimate, words)):
        st.markdown(plain(sentence))
    st.caption(plain(words.text("decide.last_year", months=decisions.months_counted)))
    show_briefs(frame, estimate, decisions)
