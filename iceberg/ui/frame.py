"""The frame around every page: language, study and controls in the sidebar, width and theme, errors in words."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, cast

import streamlit as st

from iceberg.errors import IcebergError, StoreError
from iceberg.locale import Translator
from iceberg.ui.access.access import NOBODY, Access, current_access
from iceberg.ui.access.sign_in import show_person
from iceberg.ui.controls import Control, View, read_view, show_controls, show_language, show_study
from iceberg.ui.counters import count
from iceberg.ui.guide.theme_switch import show_theme_switch
from iceberg.ui.guide.tour import show_tour
from iceberg.ui.plain_text import plain
from iceberg.ui.session.current import current_study
from iceberg.ui.session.published_study import LEADS_NOWHERE
from iceberg.ui.session.study import Study
from iceberg.ui.session.upload_choices import keep_choices
from iceberg.ui.session.work import keep_work, restore_work
from iceberg.ui.window import is_narrow, listen_to_window

if TYPE_CHECKING:
    from iceberg.report.palette import Theme

STYLES = {"light": ("style.css", "print.css"), "dark": ("style.css", "dark.css", "print.css")}
CONTROLS: dict[str, frozenset[Control]] = {
    "iceberg": frozenset({"period", "segments", "assumptions"}),
    "category": frozenset({"period", "segments", "assumptions"}),
    "decide": frozenset({"period", "segments", "assumptions"}),
    "compare": frozenset({"segments", "assumptions"}),
    "survival": frozenset({"segments"}),
    "method": frozenset({"assumptions"}),
    "upload": frozenset(),
    "studies": frozenset(),
}
WITHOUT_STUDY = {"upload"}  # an analyst opens files here while the store does not answer, too
FOR_VIEWERS = {"version_closed"}  # the errors of a store that name nothing but the study on screen
HOME_PAGE = "iceberg"
_PAGES = Path(__file__).parent / "pages"
_FRAME = "frame"
_VISITED = "visited"


@dataclass(frozen=True)
class Frame:
    """Everything that a page depends on besides its own controls.

    Attributes:
        words: Sentences and number formats of the reader's language.
        study: The counts on screen.
        view: The choices in the sidebar.
        narrow: Whether the window is as narrow as a phone's.
        theme: As the browser shows the page.
        access: The reader's role.
        first: Whether nothing has been shown in this session yet.
    """

    words: Translator
    study: Study
    view: View
    narrow: bool
    theme: Theme
    access: Access = NOBODY
    first: bool = False

    @property
    def language(self) -> str:
        """One of `iceberg.locale.LANGUAGES`."""
        return self.words.language


def open_frame(language: str, page: str) -> None:
    """Prepare the `current_frame` of the page that follows, from the choices of earlier runs. Draws only the style."""
    words = Translator(language)
    restore_work()
    keep_choices()
    st.html(_style(_read_theme()))
    study = current_study(language, follow_newest=page not in WITHOUT_STUDY)
    view = read_view(study, words, shown=CONTROLS[page])
    st.session_state[_FRAME] = Frame(words, study, view, is_narrow(), _read_theme(), current_access(), first=_VISITED not in st.session_state)


@contextmanager
def sidebar_around(page: str) -> Iterator[None]:
    """Draw the sidebar before the page, so that it never fades while the page works; on a first visit after it, so that the page comes first."""
    first = current_frame().first
    if not first:
        _show_sidebar(page)
    yield
    if first:
        st.session_state[_VISITED] = True
        _show_sidebar(page)
    keep_work()
    listen_to_window(narrow=current_frame().narrow)
    if page == HOME_PAGE:
        show_tour(current_frame().words)


def _show_sidebar(page: str) -> None:
    frame = current_frame()
    with st.sidebar:
        show_language(frame.language)
        show_theme_switch(frame.words)
        show_study(frame.study, frame.words)
        show_controls(frame.study, frame.words, shown=CONTROLS[page])
        st.caption(frame.words.text("ui.frame.definition"))
        show_person(frame.access, frame.words)


def current_frame() -> Frame:
    """The frame that `open_frame` prepared in this run."""
    return cast("Frame", st.session_state[_FRAME])


@contextmanager
def errors_in_words(words: Translator) -> Iterator[None]:
    """Show an `IcebergError` as a message (what is wrong, where, and what to do next), never as a traceback."""
    try:
        yield
    except IcebergError as error:
        show_error(error, words)


def open_bare_frame(language: str) -> None:
    """Draw what surrounds a page without a study: the style, the language and the person."""
    words = Translator(language)
    st.html(_style(_read_theme()))
    with st.sidebar:
        show_language(language)
        show_theme_switch(words)
        show_person(current_access(), words)


def show_error(error: IcebergError, words: Translator) -> None:
    """Show one error in the reader's language: nothing that a link said, and to viewers nothing of where the store is."""
    count("iceberg_failures_total", f'kind="{type(error).__name__}"')
    says = error.message_on_page(words.language)
    if isinstance(error, StoreError):
        if error.code in LEADS_NOWHERE:
            says = words.text("ui.error.link_unknown")
        elif error.code not in FOR_VIEWERS and not current_access().may("analyst"):
            logging.getLogger(__name__).warning("%s", error)
            says = words.text("ui.error.store_away")
    st.error(plain(says), icon=":material/error:", title=words.text("ui.error.title"))


@cache
def _style(theme: Theme) -> str:
    sheets = (Path(__file__).with_name(name).read_text(encoding="utf-8") for name in STYLES[theme])
    return f"<style>{''.join(sheets)}</style>"


def _read_theme() -> Theme:
    return "dark" if st.context.theme.type == "dark" else "light"


def page_file(name: str) -> Path:
    """The script of a page, as an absolute path: an installed package has its main script in another folder than a checkout."""
    return _PAGES / f"{name}.py"
