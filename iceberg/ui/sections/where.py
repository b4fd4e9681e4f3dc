"""Where it happens: segments beside each other, by each segment column, in an order that the reader chooses."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from iceberg.model.results import IcebergEstimate
from iceberg.report.charts.segments import Order, build_segment_dots, takeaway_segment_dots
from iceberg.report.tables.segments import segment_matrix
from iceberg.ui.figure import Chart, estimate_key, show_chart
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.session.estimates import placed_categories
from iceberg.ui.session.study import Study

ORDERS: tuple[Order, ...] = ("rate", "customers", "name")


def show_where(frame: Frame, estimate: IcebergEstimate) -> None:
    """Draw the comparison where there are at least two segments with dates; nothing otherwise."""
    words, counts = frame.words, frame.study.counts
    cells = estimate.cells
    if cells is None or len(cells.segments) < 2 or not counts.has_customers or not counts.has_calendar:
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
    matrix = segment_matrix(estimate, counts, members=segment_members(frame.study), column=column)
    takeaway = takeaway_segment_dots(matrix, words)
    st.markdown(plain(takeaway))
    build = partial(
        build_segment_dots, matrix, words, categories=placed_categories(frame.study), order=order, narrow=frame.narrow
    )
    key = f"{estimate_key(estimate)}|{column}|{order}"
    show_chart(frame, Chart("where", key, partial(build, theme=frame.theme), lambda: takeaway, lambda: matrix, paper=build))
    st.caption(words.text("where.how"))


def segment_members(study: Study) -> dict[str, Sequence[int]] | None:
    """The positions in the counts of what a viewer sees as one segment; None where every segment is its own."""
    axes = study.axes
    return None if axes is None else dict(zip(axes.segments, axes.segment_groups, strict=True))
