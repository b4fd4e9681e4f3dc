"""The still image of the iceberg that a first visitor sees until the browser has drawn the chart."""

from __future__ import annotations

import time
from dataclasses import replace

import streamlit as st

from iceberg.ui.figure import Chart, chart_identity
from iceberg.ui.frame import Frame
from iceberg.ui.session.caches import find_cached
from iceberg.ui.window import NARROW_PIXELS

_INLINE = "data:image/svg+xml;base64,"
PAINT_SECONDS = 0.15  # judgement: a browser paints sentence and still in this time, before charts and controls arrive


def show_still(frame: Frame, chart: Chart) -> None:
    """Show the still where one was prepared and this is the first visit; its words are those of the chart that follows."""
    still = find_cached(still_name(frame, chart), study=frame.study) if frame.first else None
    if still is None:
        st.empty()
        return
    phone = None if frame.narrow else find_cached(still_name(replace(frame, narrow=True), chart), study=frame.study)
    source = f'<source media="(max-width: {NARROW_PIXELS}px)" srcset="{_INLINE}{phone}">' if phone else ""
    st.html(f'<picture>{source}<img class="still" alt="" src="{_INLINE}{still}"></picture>')  # the browser knows its width, the server not yet
    time.sleep(PAINT_SECONDS)


def still_name(frame: Frame, chart: Chart) -> str:
    """The key of a chart's still among the results of the sample."""
    return f"still|{chart_identity(frame, chart)}"
