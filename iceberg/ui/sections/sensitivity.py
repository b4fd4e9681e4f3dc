"""The weight of each assumption on the Method page: sensitivity to the ratio, and the tornado."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

import pandas as pd
import streamlit as st

from iceberg.model.sensitivity import ratio_curve, tornado
from iceberg.report.charts.assumptions import build_sensitivity, build_tornado
from iceberg.report.tables.assumptions import sensitivity_table, tornado_table
from iceberg.report.takeaways import takeaway_sensitivity, takeaway_tornado
from iceberg.ui.figure import show_chart, table_chart
from iceberg.ui.frame import Frame
from iceberg.ui.plain_text import plain
from iceberg.ui.session.caches import cached, is_cached
from iceberg.ui.session.study import SEED

YES_OR_NO = {"literal_leavers", "use_category_priors"}


def show_sensitivity(frame: Frame) -> None:
    """Show the silent churn of each category as the starting ratio moves."""
    words, assumptions = frame.words, frame.view.assumptions
    st.caption(words.text("ui.method.sensitivity_lead"))
    table = _on_demand(frame, "sensitivity", repr(assumptions), lambda: _sensitivity(frame))
    if table is None:
        return
    st.markdown(plain(takeaway_sensitivity(table, words)))
    assumed = None if assumptions.use_category_priors else assumptions.ratio.median
    build = partial(build_sensitivity, categories=frame.study.counts.categories, assumed=assumed, narrow=frame.narrow)
    show_chart(frame, table_chart(frame, "sensitivity", table, build, takeaway_sensitivity, key=repr(assumptions)))


def show_tornado(frame: Frame) -> None:
    """Show how far each assumption moves the total."""
    words, assumptions = frame.words, frame.view.assumptions
    key = f"{assumptions!r}|{frame.language}"
    table = _on_demand(frame, "tornado", key, lambda: _tornado(frame))
    if table is None:
        return
    st.markdown(plain(takeaway_tornado(table, words)))
    show_chart(frame, table_chart(frame, "tornado", table, partial(build_tornado, narrow=frame.narrow), takeaway_tornado, key=key))


def _on_demand(frame: Frame, name: str, key: str, make: Callable[[], pd.DataFrame]) -> pd.DataFrame | None:
    """A table that takes many estimates: made when a button is pressed, shown at once when it was made before."""
    key = f"{name}|{key}"
    if is_cached(key, study=frame.study):
        return cached(key, make, study=frame.study)
    words = frame.words
    place = st.empty()
    if not place.button(
        words.text("ui.method.compute"), icon=":material/calculate:", key=f"compute.{name}", help=words.text("ui.method.compute_help")
    ):
        return None
    with place, st.spinner(words.text("ui.method.computing"), show_time=True):
        return cached(key, make, study=frame.study)


def _sensitivity(frame: Frame) -> pd.DataFrame:
    points = ratio_curve(frame.study.counts, assumptions=frame.view.assumptions, seed=SEED)
    return sensitivity_table([point.row for point in points if point.category])


def _tornado(frame: Frame) -> pd.DataFrame:
    rows = []
    for bar in tornado(frame.study.counts, assumptions=frame.view.assumptions, seed=SEED):
        row = bar.row | {"assumption": frame.words.text(f"evidence.defaults.{bar.assumption}")}
        if bar.assumption in YES_OR_NO:
            row |= {"low_value": False, "high_value": True}
        rows.append(row)
    return tornado_table(rows)
