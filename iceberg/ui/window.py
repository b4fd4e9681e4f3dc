"""Owns what the browser's window tells the page, and what the page asks of it: its width, and which moves Back undoes."""

from __future__ import annotations

import streamlit as st

NARROW_PIXELS = 640  # below this a picture is drawn in its tall, narrow form
_WINDOW = "iceberg_window"
# Every parameter that the server adds to the address would be one more step back: from a page with three choices, Back had to be pressed four times.
# Only another page is a step; what is chosen on a page replaces its address, so that a copied link still opens on what was seen.
_SCRIPT = """
function keepOneStepAPage() {
  const history = window.history;
  if (history.pushState.keepsOneStep) return;
  const push = history.pushState.bind(history);
  const step = (state, title, address) => {
    const there = new URL(address ?? "", window.location.href);
    if (there.pathname === window.location.pathname) history.replaceState(state, title, address);
    else push(state, title, address);
  };
  step.keepsOneStep = true;
  history.pushState = step;
}
export default function (component) {
  keepOneStepAPage();
  const { data, setStateValue } = component;
  const query = window.matchMedia(`(max-width: ${data.pixels}px)`);
  const tell = () => { if (query.matches !== data.narrow) setStateValue("narrow", query.matches); };
  query.addEventListener("change", tell);
  tell();
  return () => query.removeEventListener("change", tell);
}
"""


def is_narrow() -> bool:
    """What the window told on an earlier run; on the first one the browser's own description."""
    told = getattr(st.session_state.get(_WINDOW), "narrow", None)
    if told is not None:
        st.session_state["narrow"] = bool(told)
    return bool(st.session_state.setdefault("narrow", "Mobi" in (st.context.headers.get("User-Agent") or "")))


def listen_to_window(*, narrow: bool) -> None:
    """The window tells when it is not as `narrow` as the page was drawn; that runs the page again. From then on Back leaves a page in one step."""
    component = st.components.v2.component(_WINDOW, js=_SCRIPT)
    component(key=_WINDOW, data={"pixels": NARROW_PIXELS, "narrow": narrow}, on_narrow_change=lambda: None)
