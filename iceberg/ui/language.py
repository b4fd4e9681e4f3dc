"""The reader's language, from this session, the link or the browser."""

from __future__ import annotations

import streamlit as st

from iceberg.locale import FALLBACK, LANGUAGES


def browser_language() -> str:
    """The language chosen in this session, else the link's, else `default_language`."""
    chosen = st.session_state.get("lang") or st.query_params.get("lang")
    if chosen in LANGUAGES:
        return str(chosen)
    return default_language()


def default_language() -> str:
    """The language of the browser where the dashboard speaks it, else English."""
    language = (st.context.locale or FALLBACK).split("-")[0].lower()
    return language if language in LANGUAGES else FALLBACK
