"""Where it happens: segments beside each other, by each segment column, in an order that the reader chooses."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st

from iceberg.locale import visible
from iceberg.model.results import IcebergEstimate
from iceberg.report.tables.segments import segment_matrix, segment_pair
from iceberg.report.takeaways import takeaway_segment_dots, takeaway_segment_pair
from iceberg.ui.figure import Chart, estimate_key, show_chart
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.session.estimates import placed_categories
from iceberg.ui.session.study import Study

if TYPE_CHECKING:
    from iceberg.report.charts.layers import LayeredChart
    from iceberg.report.charts.segments import Order
    from iceberg.report.palette import Theme

ORDERS: tuple[Order, ...] = ("rate", "customers", "name")


def show_where(frame: Frame, estimate: IcebergEstimate) -> None:
    """Draw the comparison where there are at least two segments with dates; nothing otherwise."""
    words, cells = frame.words, estimate.cells
    if cells is None or not _compares(frame, estimate):
        return
    st.subheader(words.text("where.title"), anchor=False)
    columns = cells.segment_columns
    with st.container(horizontal=True, gap="medium"):
        column = None
        if columns:
            column = st.selectbox(words.text("where.by"), columns, key="where.by", width=260)
        order = st.segmented_control(
            words.text("where.order"),
            ORDERS,
            default=ORDERS[0],
            format_func=lambda name: words.text(f"where.order_{name}"),
            key="where.order",
            required=True,
        )
    matrix = segment_matrix(estimate, frame.study.counts, members=segment_members(frame.study), column=column)
    chart = _chart(frame, estimate, matrix, column, order)
    st.markdown(plain(chart.takeaway()))
    show_chart(frame, chart)
    st.caption(words.text("where.how"))
    rated = matrix[(matrix["category"] == "") & matrix["rate_median"].notna()].sort_values("rate_median", ascending=False)
    _show_pair(frame, estimate, list(rated["segment"]), column)


def first_where_chart(frame: Frame, estimate: IcebergEstimate) -> Chart | None:
    """What is drawn before a reader chooses anything; None where there is nothing to compare."""
    cells = estimate.cells
    if cells is None or not _compares(frame, estimate):
        return None
    column = cells.segment_columns[0] if cells.segment_columns else None
    matrix = segment_matrix(estimate, frame.study.counts, members=segment_members(frame.study), column=column)
    return _chart(frame, estimate, matrix, column, ORDERS[0])


def _compares(frame: Frame, estimate: IcebergEstimate) -> bool:
    cells, counts = estimate.cells, frame.study.counts
    return cells is not None and len(cells.segments) > 1 and counts.has_customers and counts.has_calendar


def _chart(frame: Frame, estimate: IcebergEstimate, matrix: pd.DataFrame, column: str | None, order: Order) -> Chart:
    def build(theme: Theme = "light") -> LayeredChart:
        from iceberg.report.charts.segments import build_segment_dots  # with the chart library, which a first visitor need not wait for

        return build_segment_dots(matrix, frame.words, theme, categories=placed_categories(frame.study), order=order, narrow=frame.narrow)

    key = f"{estimate_key(estimate)}|{column}|{order}"
    takeaway = takeaway_segment_dots(matrix, frame.words)
    return Chart("where", key, partial(build, theme=frame.theme), lambda: takeaway, lambda: matrix, paper=build)


def _show_pair(frame: Frame, estimate: IcebergEstimate, names: list[str], column: str | None) -> None:
    """Two segments that the reader chooses, the largest and the smallest rate to begin with; those without a rate are not offered."""
    words = frame.words
    if len(names) < 2:
        return
    folded = st.expander(words.text("where.pair"), icon=":material/compare_arrows:", key="folded.pair", on_change="rerun")
    if folded.open:
        with folded:
            pair = _choose_pair(frame, names, key=f"where.{frame.study.digest[:8]}.{column}")
            if pair is not None:
                _show_compared(frame, estimate, pair, column)


def _choose_pair(frame: Frame, names: list[str], *, key: str) -> tuple[str, str] | None:
    words = frame.words
    chosen = [
        box.selectbox(words.text(f"where.pair_{name}"), names, index=place, format_func=visible, key=f"{key}.{name}")
        for box, name, place in zip(st.columns(2), ("first", "second"), (0, len(names) - 1), strict=True)
    ]
    if chosen[0] == chosen[1]:
        st.info(words.text("where.pair_same"), icon=":material/info:")
        return None
    return chosen[0], chosen[1]


def _show_compared(frame: Frame, estimate: IcebergEstimate, pair: tuple[str, str], column: str | None) -> None:
    words = frame.words
    table = segment_pair(estimate, frame.study.counts, pair, members=segment_members(frame.study), column=column)
    said = takeaway_segment_pair(table, pair, words)
    st.markdown(plain(said))
    from iceberg.report.charts.segments import build_segment_pair

    build = partial(build_segment_pair, table, words, pair=pair, categories=placed_categories(frame.study), narrow=frame.narrow)
    on_screen = partial(build, theme=frame.theme)
    show_chart(frame, Chart("pair", f"{estimate_key(estimate)}|{column}|{pair!r}", on_screen, lambda: said, lambda: table, paper=build))
    st.caption(words.text("where.pair_how"))


def segment_members(study: Study) -> dict[str, Sequence[int]] | None:
    """The positions in the counts of what a viewer sees as one segment; None where every segment is its own."""
    axes = study.axes
    return None if axes is None else dict(zip(axes.segments, axes.segment_groups, strict=True))
