"""The language of a visitor's browser or link."""

from __future__ import annotations

import streamlit as st

from iceberg.locale import FALLBACK, LANGUAGES


def browser_language() -> str:
    """The language to speak: the one chosen in this session, else the link's, else the browser's, else English."""
    chosen = st.session_state.get("lang") or st.query_params.get("lang")
    if chosen in LANGUAGES:
        return str(chosen)
    return _spoken()


def _spoken() -> str:
    spoken = (st.context.locale or FALLBACK).split("-")[0].lower()
    return spoken if spoken in LANGUAGES else FALLBACK
