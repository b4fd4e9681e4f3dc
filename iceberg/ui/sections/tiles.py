"""The four figures under the picture; a click on one opens how it came about, down to the counts."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

import streamlit as st

from iceberg.model.decision.verdict import by_urgency
from iceberg.report.advice import Tile, decision, tiles
from iceberg.report.tables.estimate import currency_of
from iceberg.report.words import customers, customers_range
from iceberg.ui.figure import say, show_chart
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.sections.executive import executive_chart, outcomes_chart

if TYPE_CHECKING:
    from iceberg.model.results import IcebergEstimate


def show_tiles(frame: Frame, estimate: IcebergEstimate) -> None:
    """Draw the figures; the button of a tile reaches over all of it."""
    words = frame.words
    columns = st.container(key="tiles").columns(4)  # the style sheet makes them two on a phone
    for column, tile in zip(columns, say(frame, estimate, tiles), strict=True):
        with column.container(border=True, height="stretch", gap="xsmall", key=f"tile_{tile.key}"):
            st.metric(plain(tile.label), plain(tile.value) if tile.known else "—", help=plain(tile.help))
            st.caption(plain(tile.detail if tile.known else f"{tile.value}. {tile.detail}"))
            if tile.known and st.button(words.text("ui.iceberg.explain"), key=f"explain.{tile.key}", type="tertiary", icon=":material/account_tree:"):
                st.dialog(plain(tile.label), width="large")(_explain)(frame, estimate, tile)


def _explain(frame: Frame, estimate: IcebergEstimate, tile: Tile) -> None:
    """How a figure came about: what it is, the steps to it, and the chart that shows them."""
    st.markdown(f"**{plain(tile.value)}** · {plain(tile.detail)}")
    for sentence in explanation(frame, estimate, tile):
        st.markdown(plain(sentence))
    if tile.key in {"silent", "money"}:
        chart = executive_chart("waterfall", frame, estimate)
        st.markdown(plain(chart.takeaway()))
        show_chart(frame, chart)
    elif tile.key == "first" and (order := by_urgency(estimate)):
        chart = outcomes_chart(frame, estimate, order[0].category)
        chart = replace(chart, name=f"explained_{chart.name}")  # the same one may stand open on the page
        st.markdown(plain(chart.takeaway()))
        show_chart(frame, chart)


def explanation(frame: Frame, estimate: IcebergEstimate, tile: Tile) -> tuple[str, ...]:
    """The steps that lead to a figure, in sentences."""
    words, total = frame.words, estimate.total
    if tile.key == "money" and total.revenue_lost is not None and total.silent_churn.median >= 1:
        each = words.money_compact(total.revenue_lost.median / total.silent_churn.median, currency_of(estimate))
        months = estimate.assumptions.residual_horizon_months
        return tile.help, words.text("ui.iceberg.explain_money", middle=customers(total.silent_churn.median, words), each=each, months=months)
    if tile.key == "first" and (order := by_urgency(estimate)):
        return tile.help, decision(estimate, order[0].category, words).sentence
    if tile.key == "pipeline" and total.pipeline:
        spans = []
        for days, own in sorted(total.pipeline.items()):
            span = words.text("export.likely_range", **customers_range(own, words))
            spans.append(words.text("export.ahead_line", when=words.text("export.column.within", days=days), range=span))
        return tile.help, words.text("ui.iceberg.explain_pipeline", vocal=total.vocal_customers), *spans
    return (tile.help,)
