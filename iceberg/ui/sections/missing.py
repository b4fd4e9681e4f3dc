"""What is shown where an address leads nowhere: a sentence and the list of studies, never the figures of another one."""

from __future__ import annotations

import streamlit as st

from iceberg.errors import StoreError
from iceberg.locale import Translator
from iceberg.ui.access.access import current_access
from iceberg.ui.frame import open_bare_frame, show_error
from iceberg.ui.sections.study_cards import show_study_cards
from iceberg.ui.study_store import has_store, open_store


def show_missing_page(words: Translator) -> None:
    """Draw the page of an address that no page has."""
    open_bare_frame(words.language)
    st.title(words.text("guide.missing_title"), anchor=False)
    studies = open_store().studies() if has_store() else ()
    st.markdown(words.text("guide.missing" if studies else "guide.missing_empty"))
    if studies:
        show_study_cards(studies, current_access(), words, figures=False)


def show_broken_link(problem: StoreError, words: Translator) -> None:
    """Draw the page of a link to a study or a version that is not there."""
    open_bare_frame(words.language)
    show_error(problem, words)
    studies = open_store().studies() if has_store() else ()
    if studies:
        st.markdown(words.text("guide.lost"))
        show_study_cards(studies, current_access(), words, figures=False)
