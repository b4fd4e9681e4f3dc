"""A button that copies a text to the clipboard and says that it did; where the browser forbids it, it selects the text instead."""

from __future__ import annotations

import streamlit as st

from iceberg.locale import Translator

_STYLE = """
:host, .copy { position: relative; display: inline-block; }
button {
  font: inherit; font-size: 0.9rem; min-height: 2.5rem; padding: 0.25rem 0.75rem; cursor: pointer; white-space: nowrap;
  color: var(--st-text-color); background: transparent; border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius, 8px);
}
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
.said {
  position: absolute; right: 0; top: calc(100% + 0.3rem); z-index: 30; width: max-content; max-width: min(19rem, 80vw); box-sizing: border-box;
  padding: 0.5rem 0.7rem; border-radius: 8px; background: #0b2440; color: #fff; font-size: 0.85rem; line-height: 1.4;
}
.said:empty { display: none; }
.said textarea { display: block; width: 17rem; max-width: 74vw; height: 5rem; margin-top: 0.4rem; font: inherit; box-sizing: border-box; }
@media (max-width: 640px) {
  button { font-size: 0.8rem; padding: 0.25rem 0.5rem; }
  .said { position: fixed; left: 1rem; right: 1rem; top: auto; bottom: 1rem; width: auto; max-width: none; }
}
"""
# A page over plain http has no clipboard of its own: there the older command copies what is selected.
_SCRIPT = """
const SECONDS = 4;
export default function ({ data, parentElement }) {
  const make = (tag, values) => Object.assign(document.createElement(tag), values);
  let box = parentElement.querySelector(".copy");
  if (!box) {
    box = parentElement.appendChild(make("div", { className: "copy" }));
    box.append(make("button", { type: "button" }), make("div", { className: "said" }));
    box.lastChild.setAttribute("role", "status");
  }
  const [button, said] = box.children;
  button.textContent = data.label;
  const say = (text) => {
    said.textContent = text;
    clearTimeout(box.timer);
    box.timer = setTimeout(() => { said.textContent = ""; }, 1000 * SECONDS);
  };
  const select = (text) => {
    clearTimeout(box.timer);
    said.textContent = data.press;
    const field = said.appendChild(make("textarea", { value: text, readOnly: true }));
    field.setAttribute("aria-label", data.label);
    field.addEventListener("keydown", (event) => { if (event.key === "Escape") { said.textContent = ""; button.focus(); } });
    field.select();
    if (document.execCommand("copy")) { button.focus(); say(data.done); }
  };
  button.onclick = async () => {
    if (!data.text) { say(data.nothing); return; }
    const text = data.text.startsWith("/") ? location.origin + data.text : data.text;
    try {
      await navigator.clipboard.writeText(text);
      say(data.done);
    } catch {
      select(text);
    }
  };
}
"""


def show_copy(text: str, words: Translator, *, key: str, label: str = "guide.copy_link", nothing: str = "") -> None:
    """Draw the button.

    Args:
        text: What is copied; one that begins with a slash is an address on this server.
        words: The reader's language.
        key: Name of the element.
        label: Key of the button's sentence.
        nothing: Key of the sentence that says why there is nothing to copy, where `text` is empty.
    """
    component = st.components.v2.component("iceberg_copy", css=_STYLE, js=_SCRIPT)
    said = {"label": words.text(label), "done": words.text("guide.copied"), "press": words.text("guide.copy_by_hand")}
    component(key=key, data={"text": text, "nothing": words.text(nothing) if nothing else "", **said}, width="content")
