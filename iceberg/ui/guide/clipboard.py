"""A button that copies a text to the clipboard and says that it did; without the clipboard's permission it selects the text instead."""

from __future__ import annotations

import streamlit as st

from iceberg.locale import Translator

_STYLE = """
button {
  font: inherit; font-size: 0.9rem; min-height: 2.5rem; padding: 0.25rem 0.75rem; cursor: pointer;
  color: var(--st-text-color); background: transparent; border: 1px solid var(--st-border-color); border-radius: var(--st-button-radius, 8px);
}
button:hover { border-color: var(--st-primary-color); color: var(--st-primary-color); }
button:focus-visible { outline: 3px solid var(--st-primary-color); outline-offset: 2px; }
input { font: inherit; font-size: 0.85rem; width: 100%; margin-top: 0.4rem; }
"""
_SCRIPT = """
export default function ({ data, parentElement }) {
  const button = parentElement.querySelector("button") ?? parentElement.appendChild(document.createElement("button"));
  button.type = "button";
  button.textContent = data.label;
  button.onclick = async () => {
    const text = data.text.startsWith("/") ? location.origin + data.text : data.text;
    try {
      await navigator.clipboard.writeText(text);
      button.textContent = data.done;
      setTimeout(() => { button.textContent = data.label; }, 2500);
    } catch {
      const field = parentElement.querySelector("input") ?? parentElement.appendChild(document.createElement("input"));
      field.value = text;
      field.readOnly = true;
      field.setAttribute("aria-label", data.label);
      field.select();
    }
  };
}
"""


def show_copy(text: str, words: Translator, *, key: str, label: str = "guide.copy_link") -> None:
    """Draw the button.

    Args:
        text: What is copied; one that begins with a slash is an address on this server.
        words: The reader's language.
        key: Name of the element.
        label: Key of the button's sentence.
    """
    component = st.components.v2.component("iceberg_copy", css=_STYLE, js=_SCRIPT)
    component(key=key, data={"text": text, "label": words.text(label), "done": words.text("guide.copied")}, width="content")
