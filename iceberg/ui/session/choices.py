"""What the reader chose in the sidebar and on the Method page, as the session holds it from one page to the next."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import streamlit as st

from iceberg.model.assumptions import CategoryPrior

START_NEXT = "start_next"  # a widget's own value may only be set before it is drawn
_PRIORS = "category_priors"
_CHOICE = "choice."  # Streamlit drops the value of a widget that a page leaves out
_OF_WIDGETS = {"start", "ratio", "spread", "horizon", "money_months", "discount", _PRIORS}


def chosen_value(key: str, default: object) -> Any:  # noqa: ANN401  # whatever the widget of that key returns
    """The value of a widget, from this run or from an earlier page; `default` where it was never drawn."""
    if key in st.session_state:
        st.session_state[_CHOICE + key] = st.session_state[key]
    return st.session_state.setdefault(_CHOICE + key, default)


def edited_priors() -> tuple[tuple[str, CategoryPrior], ...]:
    """The category priors that the reader edited on the Method page; empty where none was."""
    edited: Mapping[str, CategoryPrior] = st.session_state.get(_PRIORS, {})
    return tuple(sorted(edited.items()))


def apply_priors(priors: Mapping[str, CategoryPrior]) -> None:
    """Let edited category priors drive the estimate from now on."""
    st.session_state[_PRIORS] = dict(priors)
    st.session_state[START_NEXT] = "evidence"


def forget_priors() -> None:
    """Return to the published values."""
    st.session_state.pop(_PRIORS, None)


def forget_choices() -> None:
    """Return every control to where the study on screen, or the link, puts it."""
    for name in map(str, list(st.session_state)):
        if name in _OF_WIDGETS or name.startswith((_CHOICE, "months.", "segments.")):
            del st.session_state[name]
