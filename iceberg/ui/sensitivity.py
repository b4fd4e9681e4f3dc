"""Owns how the Method page shows what each assumption weighs: sensitivity to the ratio, and the tornado."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from iceberg.ui.frame import Frame
from iceberg.ui.show import show_chart
from iceberg.ui.state import SEED, remember

YES_OR_NO = {"literal_leavers", "use_category_priors"}


def show_sensitivity(frame: Frame) -> None:
    """Silent churn of each category as the starting ratio moves."""
    from iceberg.report.charts import build_sensitivity
    from iceberg.report.takeaways import takeaway_sensitivity

    words, assumptions = frame.words, frame.view.assumptions
    st.caption(words.text("ui.method.sensitivity_lead"))
    with st.skeleton(height=320):
        table = remember(f"sensitivity|{assumptions!r}", lambda: _sensitivity(frame), study=frame.study)
    st.markdown(takeaway_sensitivity(table, words))
    show_chart(
        frame,
        "sensitivity",
        key=repr(assumptions),
        build=lambda: build_sensitivity(
            table,
            words,
            frame.theme,
            categories=frame.study.counts.categories,
            assumed=None if assumptions.use_category_priors else assumptions.ratio.median,
            narrow=frame.narrow,
        ),
        takeaway=lambda: takeaway_sensitivity(table, words),
        table=lambda: table,
    )


def show_tornado(frame: Frame) -> None:
    """How far each assumption moves the total."""
    from iceberg.report.charts import build_tornado
    from iceberg.report.takeaways import takeaway_tornado

    words, assumptions = frame.words, frame.view.assumptions
    key = f"{assumptions!r}|{frame.language}"
    with st.skeleton(height=280):
        table = remember(f"tornado|{key}", lambda: _tornado(frame), study=frame.study)
    st.markdown(takeaway_tornado(table, words))
    show_chart(
        frame,
        "tornado",
        key=key,
        build=lambda: build_tornado(table, words, frame.theme, narrow=frame.narrow),
        takeaway=lambda: takeaway_tornado(table, words),
        table=lambda: table,
    )


def _sensitivity(frame: Frame) -> pd.DataFrame:
    from iceberg.model.sensitivity import ratio_curve
    from iceberg.report.tables import sensitivity_table

    points = ratio_curve(frame.study.counts, assumptions=frame.view.assumptions, seed=SEED)
    return sensitivity_table([point.row for point in points if point.category])


def _tornado(frame: Frame) -> pd.DataFrame:
    from iceberg.model.sensitivity import tornado
    from iceberg.report.tables import tornado_table

    rows = []
    for bar in tornado(frame.study.counts, assumptions=frame.view.assumptions, seed=SEED):
        row = bar.row | {"assumption": frame.words.text(f"evidence.defaults.{bar.assumption}")}
        if bar.assumption in YES_OR_NO:
            row |= {"low_value": False, "high_value": True}
        rows.append(row)
    return tornado_table(rows)
