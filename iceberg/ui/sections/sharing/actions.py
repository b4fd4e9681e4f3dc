"""The row beside the title: reports, the sentence and the link to copy, and publishing."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from streamlit.delta_generator import DeltaGenerator

from iceberg.report.words import certainty_sentence, headline_sentence
from iceberg.ui.figure import say
from iceberg.ui.frame import Frame
from iceberg.ui.guide.clipboard import show_copy
from iceberg.ui.plain_text import plain
from iceberg.ui.sections.sharing.links import view_link
from iceberg.ui.sections.sharing.publishing import show_publish_button
from iceberg.ui.sections.sharing.reports import show_reports

if TYPE_CHECKING:
    from iceberg.model.results import IcebergEstimate


def show_title_row(frame: Frame) -> DeltaGenerator:
    """Draw what the study is; `show_actions` fills the place beside it, once there is an estimate."""
    study = frame.study
    with st.container(horizontal=True, horizontal_alignment="distribute", vertical_alignment="center", gap="small", key="head"):
        if study.published is not None:
            st.title(plain(study.published.title), anchor=False)
        elif study.is_sample:
            st.badge(frame.words.text("ui.study.sample"), icon=":material/science:", color="orange")
        else:
            st.badge(frame.words.text("ui.study.own"), icon=":material/description:", color="green")
        return st.container(horizontal=True, gap="small", vertical_alignment="center", width="content", key="actions")


def show_actions(frame: Frame, estimate: IcebergEstimate, place: DeltaGenerator) -> None:
    """Fill the row: reports, copying, and for analysts with a study of their own publishing."""
    with place:
        show_reports(frame, estimate)
        show_copy(spoken_sentences(frame, estimate), frame.words, key="copy.sentence", label="guide.copy_sentence")
        show_copy(view_link(frame), frame.words, key="copy.link", nothing="guide.no_link_yet")
        show_publish_button(frame)


def spoken_sentences(frame: Frame, estimate: IcebergEstimate) -> str:
    """The headline and how sure it is, as plain text for a mail or a minute."""
    return " ".join(filter(None, (say(frame, estimate, headline_sentence), say(frame, estimate, certainty_sentence))))
