"""What was chosen on the upload page: it outlives the page, another language and a page that is loaded again.

Streamlit drops the value of a control that a run does not draw, and of one whose label changes with the language.
"""

from __future__ import annotations

import streamlit as st

from iceberg.ui.session.work import CHOICES, keep_work

# Beginnings of the keys of what is chosen; a button's key begins with "press.".
_CHOSEN = (
    "shape", "column.", "read.", "read_on", "joining", "relation", "recording.", "since.", "as_of.", "look_back.", "score_look_back.", "keep_months.",
    "term.", "keep_cancellations.", "negative_controls.", "journey", "window", "confirmed", "mapping.saved", "typed.", "ids.accepted",
)  # fmt: skip
_LANGUAGE = "upload.language"


def recall_choices(language: str) -> None:
    """Give the controls of the page what was chosen before, when the page was left in between or speaks another language now."""
    changed = st.session_state.get(_LANGUAGE) not in (None, language)
    st.session_state[_LANGUAGE] = language
    for key, value in st.session_state.get(CHOICES, {}).items():
        if changed or key not in st.session_state:
            st.session_state[key] = value


def remember_choices() -> None:
    """Note what is chosen now; controls that this run did not draw keep their value."""
    chosen = {str(key): st.session_state[key] for key in st.session_state if str(key).startswith(_CHOSEN)}
    st.session_state[CHOICES] = st.session_state.get(CHOICES, {}) | chosen


def keep_choices() -> None:
    """Keep what is chosen before anything is drawn or counted: a page that is loaded again meanwhile finds it."""
    remember_choices()
    keep_work()


def decide(key: str, value: object) -> None:
    """What a button stands for, for its ``on_click``: kept before the run that the click begins."""
    st.session_state[key] = value
    keep_choices()


def forget_choices() -> None:
    """Return every control of the page to its default."""
    for key in [str(key) for key in st.session_state if str(key).startswith(_CHOSEN)]:
        del st.session_state[key]
    st.session_state.pop(CHOICES, None)
