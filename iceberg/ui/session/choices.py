"""What a visitor has chosen, and how the choices are cleared."""

from __future__ import annotations

import streamlit as st

PRIORS = "category_priors"
_HELD = "held."  # what a control held when it was last drawn


def forget_choices() -> None:
    """Let every control stand where the study on screen, or the link, puts it."""
    for name in list(st.session_state):
        if str(name).startswith(_HELD) or name in {"start", "ratio", "spread", "horizon", PRIORS} or str(name).startswith(("months.", "segments.")):
            del st.session_state[name]
