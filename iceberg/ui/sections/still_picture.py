"""The still image of the iceberg that a first visitor sees until the browser has drawn the chart."""

from __future__ import annotations

import time

import streamlit as st

from iceberg.ui.figure import Chart, chart_identity
from iceberg.ui.frame import Frame
from iceberg.ui.session.caches import find_cached

PAINT_SECONDS = 0.15  # judgement: a browser paints sentence and still in this time, before charts and controls arrive


def show_still(frame: Frame, chart: Chart) -> None:
    """Show the still where one was prepared and this is the first visit; its words are those of the chart that follows."""
    still = find_cached(still_name(frame, chart), study=frame.study) if frame.first else None
    if still is None:
        st.empty()
    else:
        st.html(f'<img class="still" alt="" src="data:image/svg+xml;base64,{still}">')
        time.sleep(PAINT_SECONDS)


def still_name(frame: Frame, chart: Chart) -> str:
    """The key of a chart's still among the results of the sample."""
    return f"still|{chart_identity(frame, chart)}"
