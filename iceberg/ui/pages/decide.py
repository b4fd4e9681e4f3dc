"""The page that decides: the mirror, what fixing brings, which fixes a budget buys, and what to find out first."""

from __future__ import annotations

import streamlit as st

from iceberg.model.evidence import cannot_say
from iceberg.report.words import headline_sentence
from iceberg.ui.access.access import require
from iceberg.ui.decisions.fixing import show_fixing
from iceberg.ui.decisions.information import show_information
from iceberg.ui.decisions.mirror import asks_for_guess, show_mirror
from iceberg.ui.frame import current_frame, errors_in_words
from iceberg.ui.plain_text import plain
from iceberg.ui.session.estimates import estimate_study, focus_study


def show_page() -> None:
    """Look into the mirror first; then write costs, and read what they decide."""
    require("decide")
    frame = current_frame()
    words = frame.words
    st.title(words.text("ui.decide.title"), anchor=False)
    if not frame.study.counts.categories:
        st.info(words.text("ui.iceberg.no_complaints"), icon=":material/info:")
        return
    with errors_in_words(words):
        estimate = focus_study(frame.study, estimate_study(frame.study, frame.view.assumptions), frame.view.filters)
        if cannot_say(estimate) or estimate.total.vocal_customers == 0:
            st.warning(plain(headline_sentence(estimate, words)), icon=":material/event_repeat:")
            return
        if asks_for_guess(frame, estimate):
            return
        st.caption(words.text("decide.lead"))
        show_mirror(frame, estimate)
        show_fixing(frame, estimate)
        show_information(frame, estimate)


show_page()
