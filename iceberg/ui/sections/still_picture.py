"""The still picture of the iceberg that stands on the page until the chart is drawn."""

from __future__ import annotations

import time

import streamlit as st

from iceberg.ui.figure import chart_identity
from iceberg.ui.frame import Frame
from iceberg.ui.sections.executive import Chart
from iceberg.ui.session.caches import recall

PAINT_SECONDS = 0.15  # judgement: what a browser needs to paint sentence and still, before it is given charts and controls to load


def show_still(frame: Frame, chart: Chart) -> None:
    """The still of the picture, where one is kept and nothing has been shown yet; its words are those of the chart that follows."""
    still = recall(_still_name(frame, chart), study=frame.study) if frame.first else None
    if still is None:
        st.empty()
    else:
        st.html(f'<img class="still" alt="" src="data:image/svg+xml;base64,{still}">')
        time.sleep(PAINT_SECONDS)


def _still_name(frame: Frame, chart: Chart) -> str:
    return f"still|{chart_identity(frame, chart.name, chart.key)}"
