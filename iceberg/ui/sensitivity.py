"""Owns how the Method page shows what each assumption weighs: sensitivity to the ratio, and the tornado."""

from __future__ import annotations

import streamlit as st

from iceberg.ui.frame import Frame


def show_sensitivity(frame: Frame) -> None:
    """Silent churn of each category as the starting ratio moves."""
    st.caption(frame.words.text("ui.method.sensitivity_lead"))


def show_tornado(frame: Frame) -> None:
    """How far each assumption moves the total."""
    st.caption(frame.words.text("ui.show.empty"))
