"""Publishing the study of this session: its title, what that title makes of it, the name that readers see, and the version that came of it."""

from __future__ import annotations

import re

import streamlit as st

from iceberg.errors import IcebergError, StoreError
from iceberg.locale import Translator
from iceberg.provenance import SourceFile
from iceberg.store.annotations.names import next_version
from iceberg.store.naming import LONGEST_TITLE
from iceberg.store.studies import Published, StudyEntry
from iceberg.ui.frame import Frame, page_file, show_error
from iceberg.ui.guide.clipboard import show_copy
from iceberg.ui.plain_text import plain
from iceberg.ui.sections.sharing.links import study_link
from iceberg.ui.session.current import forget_own_study
from iceberg.ui.session.estimates import estimate_study
from iceberg.ui.session.published_study import publish_study
from iceberg.ui.study_store import has_store, open_store

LONGEST_AUTHOR = 120
_AUTHOR = "publish.as"  # remembered in the session: a person publishes more than once
_LANDED = "published.landed"


def show_publish_button(frame: Frame) -> None:
    """Draw the button where an analyst has a study of this session on screen."""
    if frame.study.origin != "upload" or not frame.access.may("analyst"):
        return
    if st.button(frame.words.text("ui.publish.open"), icon=":material/publish:", key="publish.open"):
        st.dialog(frame.words.text("ui.publish.title"))(_publish)(frame)


def show_landing(frame: Frame) -> None:
    """After publishing: say on the version's own page what it has become, with its link; said once."""
    landed: Published | None = st.session_state.get(_LANDED)
    entry = frame.study.published
    if landed is None or entry is None:
        return
    if (landed.study_id, landed.number) != (entry.study_id, entry.number):
        del st.session_state[_LANDED]
        return
    outcome = "landed" if landed.is_new else "landed_same"
    st.success(plain(frame.words.text(f"ui.publish.{outcome}", version=str(entry.number), title=entry.title)), icon=":material/check:")
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.code(study_link(entry.study_id), language=None, wrap_lines=True)
        show_copy(study_link(entry.study_id), frame.words, key="publish.copy")


def _publish(frame: Frame) -> None:
    """Ask for title and name, say what they make, publish, and go to the version."""
    words, study = frame.words, frame.study
    st.markdown(words.text("ui.publish.lead"))
    studies = open_store().studies() if has_store() else ()
    usual = usual_title(studies, study.sources, words)
    title = st.text_input(words.text("ui.publish.name"), value=usual, max_chars=LONGEST_TITLE, key="publish.title")
    if title.strip():
        st.caption(plain(_becomes(title, words)), width="stretch")
    author = frame.access.name
    if frame.access.is_local:  # nobody signed in: the account of the machine is no name to show to executives
        before = st.session_state.get(_AUTHOR, "")
        why = words.text("ui.publish.author_help")
        author = st.text_input(words.text("ui.publish.author"), value=before, max_chars=LONGEST_AUTHOR, key="publish.author", help=why).strip()
    if not st.button(words.text("ui.publish.run"), type="primary", key="publish.run", disabled=not (title.strip() and author)):
        return
    st.session_state[_AUTHOR] = author
    try:
        estimate = estimate_study(study, frame.view.assumptions)
        published = publish_study(study, estimate, title=title, author=author, access=frame.access, language=frame.language)
    except IcebergError as error:
        show_error(error, words)
        return
    st.session_state[_LANDED] = published
    forget_own_study()
    version = {} if published.is_new else {"version": str(published.number)}
    st.switch_page(page_file("iceberg"), query_params={"study": published.study_id, **version, "lang": frame.language})


def _becomes(title: str, words: Translator) -> str:
    try:
        joined = next_version(open_store().engine, title) if has_store() else None
    except StoreError:  # publishing itself will say why
        joined = None
    if joined is None:
        return words.text("ui.publish.begins")
    name, number = joined
    return words.text("ui.publish.joins", version=str(number + 1), title=name)


def usual_title(studies: tuple[StudyEntry, ...], sources: tuple[SourceFile, ...], words: Translator) -> str:
    """The title of the newest study that was made of files with the same names but for their digits; else the usual one."""
    own = _file_names(sources)
    return next((study.title for study in studies if own and _file_names(study.newest.sources) == own), words.text("ui.publish.usual_name"))


def _file_names(sources: tuple[SourceFile, ...]) -> set[tuple[str, str]]:
    return {(file.table, re.sub(r"\d+", "", file.name).casefold()) for file in sources}
