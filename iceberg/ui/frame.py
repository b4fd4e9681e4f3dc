"""Owns what surrounds every page: language, study and controls in the sidebar, width and theme, errors in words."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, cast

import streamlit as st

from iceberg.errors import IcebergError
from iceberg.locale import Translator
from iceberg.ui.controls import Control, View, browser_language, show_controls, show_language, show_study
from iceberg.ui.state import Study, current_study

STYLE = Path(__file__).with_name("style.css")
NARROW_PIXELS = 640  # below this a picture is drawn in its tall, narrow form
CONTROLS: dict[str, frozenset[Control]] = {
    "iceberg": frozenset({"period", "segments", "assumptions"}),
    "category": frozenset({"period", "segments", "assumptions"}),
    "survival": frozenset({"segments"}),
    "method": frozenset({"assumptions"}),
    "upload": frozenset(),
}
_FRAME = "frame"
_TELL_WIDTH = """
export default function (component) {
  const { data, setStateValue } = component;
  const query = window.matchMedia(`(max-width: ${data.pixels}px)`);
  const tell = () => { if (query.matches !== data.narrow) setStateValue("narrow", query.matches); };
  query.addEventListener("change", tell);
  tell();
  return () => query.removeEventListener("change", tell);
}
"""


@dataclass(frozen=True)
class Frame:
    """What a page needs to know before it draws.

    Attributes:
        words: Sentences and number formats of the reader's language.
        study: The counts on screen.
        view: What was chosen in the sidebar.
        narrow: Whether the window is as narrow as a phone's.
        theme: As the browser shows the page.
    """

    words: Translator
    study: Study
    view: View
    narrow: bool
    theme: Literal["light", "dark"]

    @property
    def language(self) -> str:
        """``"en"`` or ``"fr"``."""
        return self.words.language


def open_frame(language: str, page: str) -> None:
    """Draw the sidebar and keep what was chosen for the page that follows."""
    words = Translator(language)
    st.html(STYLE)
    with st.sidebar:
        show_language(language)
        study = current_study(language)
        show_study(study, words)
        view = show_controls(study, words, shown=CONTROLS[page])
        st.caption(words.text("ui.frame.definition"))
    st.session_state[_FRAME] = Frame(words, study, view, _read_narrow(), _read_theme())


def current_frame() -> Frame:
    """The frame that `open_frame` drew in this run."""
    return cast("Frame", st.session_state[_FRAME])


@contextmanager
def errors_in_words(words: Translator | None = None) -> Iterator[None]:
    """Turn what the person can mend into a message: what is wrong, where, and what to do next. Never a traceback."""
    try:
        yield
    except IcebergError as error:
        show_error(error, words or Translator(browser_language()))


def show_error(error: IcebergError, words: Translator) -> None:
    """One error, in the reader's language."""
    st.error(error.message(words.language), icon=":material/error:", title=words.text("ui.error.title"))


def _read_narrow() -> bool:
    """The browser's own description answers first; the window then corrects it, and tells when it changes."""
    known = st.session_state.get("narrow")
    if known is None:
        known = "Mobi" in (st.context.headers.get("User-Agent") or "")
    component = st.components.v2.component("iceberg_width", js=_TELL_WIDTH)
    told = component(key="iceberg_width", data={"pixels": NARROW_PIXELS, "narrow": known}, on_narrow_change=lambda: None)
    narrow = bool(known if told.narrow is None else told.narrow)
    st.session_state["narrow"] = narrow
    return narrow


def _read_theme() -> Literal["light", "dark"]:
    return "dark" if st.context.theme.type == "dark" else "light"
