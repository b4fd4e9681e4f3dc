"""The browser's window: whether the page in it is narrow, which moves its Back button undoes, and how its pictures fit on paper."""

from __future__ import annotations

import streamlit as st

NARROW_PIXELS = 790  # a page up to this wide, beside the open sidebar, has its pictures in their tall, narrow form: the wide ones would overprint
# 165 x 200 mm in pixels. On paper a picture is made smaller and keeps its layout: drawn anew, long names would overprint.
PAPER = {"width": 624, "height": 756}
_WINDOW = "iceberg_window"
# A choice on a page changes the parameters of its address. It replaces the history entry, so that Back leaves the page in one step.
_SCRIPT = """
function useOneStepAPage() {
  const history = window.history;
  if (history.pushState.oneStepAPage) return;
  const push = history.pushState.bind(history);
  const step = (state, title, address) => {
    const there = new URL(address ?? "", window.location.href);
    if (there.pathname === window.location.pathname) history.replaceState(state, title, address);
    else push(state, title, address);
  };
  step.oneStepAPage = true;
  history.pushState = step;
}
function keepPicturesOnPaper(paper) {
  if (window.picturesOnPaper) return;
  window.picturesOnPaper = true;
  const held = ["width", "height", "max-width", "transform", "transform-origin", "margin-bottom", "--room"];
  const each = (change) => document.querySelectorAll('.st-key-picture [data-testid="stVegaLiteChart"]').forEach(change);
  window.addEventListener("beforeprint", () => each((chart) => {
    const wide = chart.offsetWidth, high = chart.offsetHeight, smaller = Math.min(1, paper.width / wide, paper.height / high);
    const values = [wide + "px", high + "px", "none", `scale(${smaller})`, "top left", `${(smaller - 1) * high}px`, high + "px"];
    held.forEach((name, place) => chart.style.setProperty(name, values[place], "important"));
  }));
  window.addEventListener("afterprint", () => each((chart) => held.forEach((name) => chart.style.removeProperty(name))));
}
export default function (component) {
  useOneStepAPage();
  keepPicturesOnPaper(component.data.paper);
  const { data, setStateValue } = component;
  const page = document.querySelector('[data-testid="stMain"]') ?? document.documentElement;
  let reported = data.narrow;
  const report = () => {
    if (window.matchMedia("print").matches) return;
    const narrow = page.clientWidth <= data.pixels;
    if (narrow !== reported) setStateValue("narrow", reported = narrow);
  };
  const observer = new ResizeObserver(report);
  observer.observe(page);
  report();
  return () => observer.disconnect();
}
"""


def is_narrow() -> bool:
    """Whether the page is narrow: as the window reported on an earlier run, on the first one as the browser describes itself."""
    reported = getattr(st.session_state.get(_WINDOW), "narrow", None)
    if reported is not None:
        st.session_state["narrow"] = bool(reported)
    return bool(st.session_state.setdefault("narrow", "Mobi" in (st.context.headers.get("User-Agent") or "")))


def listen_to_window(*, narrow: bool) -> None:
    """Run the page again when it is not as `narrow` as it was drawn; and let Back leave a page in one step."""
    component = st.components.v2.component(_WINDOW, js=_SCRIPT)
    component(key=_WINDOW, data={"pixels": NARROW_PIXELS, "narrow": narrow, "paper": PAPER}, on_narrow_change=lambda: None)
