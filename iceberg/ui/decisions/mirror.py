"""The mirror, and the guess before looking into it; nothing of a guess is stored."""

from __future__ import annotations

from functools import partial

import streamlit as st

from iceberg.locale import visible
from iceberg.model.decision.mirror import hold_mirror
from iceberg.model.results import IcebergEstimate
from iceberg.report.charts.decisions import build_mirror
from iceberg.report.decisions import guess_sentences, index_sentence, mirror_sentence
from iceberg.report.tables.decisions import mirror_table
from iceberg.ui.controls import link_with
from iceberg.ui.figure import Chart, estimate_key, show_chart
from iceberg.ui.frame import Frame, page_file
from iceberg.ui.plain_text import plain
from iceberg.ui.session.estimates import placed_categories

PARAMETER = "guess"
_GUESS = "decide.guess"


def asks_for_guess(frame: Frame, estimate: IcebergEstimate) -> bool:
    """Draw the two questions where the link asks for them and they are not answered; whether the page ends there."""
    words = frame.words
    if PARAMETER not in st.query_params or not estimate.evidence.ranks or len(estimate.categories) < 2:
        return False
    answered = st.session_state.get(_GUESS)
    if answered is not None and answered[0] == frame.study.digest:
        return False
    st.markdown(words.text("decide.guess_lead"))
    with st.form("decide.guess.form"):
        names = sorted(item.category for item in estimate.categories)
        category = st.radio(words.text("decide.guess_category"), names, index=None, format_func=lambda name: plain(visible(name)))
        number = st.number_input(words.text("decide.guess_number"), min_value=0, value=None, step=1)
        sent = st.form_submit_button(words.text("decide.guess_show"), type="primary")
    if not sent:
        return True
    if category is None and number is None:
        st.info(words.text("decide.guess_nothing"), icon=":material/edit:")
        return True
    st.session_state[_GUESS] = (frame.study.digest, category, None if number is None else float(number))
    st.rerun()
    return True


def show_mirror(frame: Frame, estimate: IcebergEstimate) -> None:
    """The sentence, how far off the guess was, and the picture."""
    words = frame.words
    mirror = hold_mirror(estimate)
    st.header(words.text("decide.mirror"), anchor=False)
    if mirror is None:
        st.info(words.text("decide.mirror_none"), icon=":material/visibility_off:")
        return
    said = mirror_sentence(mirror, words)
    st.markdown(f"**{plain(said)}** {plain(index_sentence(mirror, words))}")
    guess = st.session_state.get(_GUESS)
    names = {item.category for item in estimate.categories}
    if guess is not None and guess[0] == frame.study.digest and guess[1] in {None, *names}:
        with st.container(border=True):
            st.markdown(f"**{words.text('decide.guess_done')}**")
            for sentence in guess_sentences(estimate, words, category=guess[1], number=guess[2]):
                st.markdown(plain(sentence))
    else:
        asks = link_with(**{PARAMETER: "yes"})
        st.page_link(
            page_file("decide"),
            label=words.text("decide.guess"),
            help=words.text("decide.guess_help"),
            icon=":material/psychology_alt:",
            query_params=asks,
        )
    table = mirror_table(mirror)
    build = partial(build_mirror, table, words, categories=placed_categories(frame.study), description=said, narrow=frame.narrow)
    on_screen = partial(build, theme=frame.theme)
    show_chart(frame, Chart("mirror", estimate_key(estimate), on_screen, lambda: said, lambda: table, "rate", paper=build))
