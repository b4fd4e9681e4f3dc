"""The tour of the first visit: three steps beside the page, closed for good in this browser with one click."""

from __future__ import annotations

import streamlit as st

from iceberg.locale import Translator

STORED = "iceberg.tour"  # in the browser's own storage: nothing about a reader is stored on the server
# Each step names a part of the executive page, which is outlined while the step is read.
STEPS = {"sentence": ".st-key-headline", "picture": ".st-key-picture", "further": ".st-key-actions"}
_STYLE = """
section {
  position: fixed; right: 1rem; bottom: 1rem; z-index: 1000; width: min(22rem, calc(100vw - 2rem)); box-sizing: border-box; padding: 1rem;
  color: var(--st-text-color); background: var(--st-background-color); border: 1px solid var(--st-border-color); border-radius: 8px;
  box-shadow: 0 6px 24px rgba(7, 28, 53, 0.28); font-family: var(--st-font, sans-serif); font-size: 0.95rem; line-height: 1.45;
}
h2 { font-size: 1rem; margin: 0 0 0.35rem; }
p { margin: 0 0 0.75rem; }
div { display: flex; gap: 0.5rem; align-items: center; justify-content: flex-end; }
small { margin-right: auto; }
button {
  font: inherit; font-size: 0.9rem; min-height: 2.25rem; padding: 0.25rem 0.75rem; cursor: pointer; border-radius: 8px;
  color: var(--st-text-color); background: transparent; border: 1px solid var(--st-border-color);
}
button.next { color: var(--st-background-color); background: var(--st-primary-color); border-color: var(--st-primary-color); }
button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
@media print { section { display: none; } }
"""
_SCRIPT = """
export default function ({ data, parentElement }) {
  const stored = () => { try { return localStorage.getItem(data.stored); } catch { return "closed"; } };
  let box = parentElement.querySelector("section");
  if (stored() !== null) { box?.remove(); return; }
  let step = Number(box?.dataset.step ?? 0), outlined = null;
  const show = (move) => {
    const { title, text, target } = data.steps[step];
    box ??= parentElement.appendChild(document.createElement("section"));
    box.dataset.step = step;
    box.setAttribute("role", "region");
    box.setAttribute("aria-label", data.name);
    const parts = { h2: title, p: text };
    box.replaceChildren(...Object.entries(parts).map(([tag, said]) => Object.assign(document.createElement(tag), { textContent: said })));
    const row = box.appendChild(document.createElement("div"));
    row.appendChild(Object.assign(document.createElement("small"), { textContent: `${step + 1} / ${data.steps.length}` }));
    const last = step === data.steps.length - 1;
    const add = (textContent, onclick, className) =>
      row.appendChild(Object.assign(document.createElement("button"), { type: "button", textContent, onclick, className }));
    if (!last) add(data.close, close, "close");
    const next = add(last ? data.done : data.next, last ? close : () => { step += 1; show(true); }, "next");
    outlined?.classList.remove("toured");
    outlined = document.querySelector(target);
    outlined?.classList.add("toured");
    if (move) {
      outlined?.scrollIntoView({ block: "center", behavior: matchMedia("(prefers-reduced-motion: reduce)").matches ? "auto" : "smooth" });
      next.focus({ preventScroll: true });
    }
  };
  const close = () => {
    try { localStorage.setItem(data.stored, "closed"); } catch { /* a browser without storage asks again */ }
    outlined?.classList.remove("toured");
    box.remove();
  };
  const escape = (event) => { if (event.key === "Escape" && box.isConnected) close(); };
  document.addEventListener("keydown", escape);
  show(false);
  return () => { document.removeEventListener("keydown", escape); outlined?.classList.remove("toured"); };
}
"""


def show_tour(words: Translator) -> None:
    """Draw the tour where this browser has not closed it yet; it lies over the page and moves nothing."""
    steps = [
        {"title": words.text(f"guide.tour_{name}_title"), "text": words.text(f"guide.tour_{name}"), "target": target}
        for name, target in STEPS.items()
    ]
    labels = {name: words.text(f"guide.tour_{name}") for name in ("name", "next", "close", "done")}
    component = st.components.v2.component("iceberg_tour", css=_STYLE, js=_SCRIPT)
    component(key="iceberg_tour", data={"steps": steps, "stored": STORED, **labels})
