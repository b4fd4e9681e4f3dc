"""The words that a reader has to know, each defined on hover, focus or tap; the definitions are in ``locale/<language>/glossary.toml``."""

from __future__ import annotations

from html import escape

import streamlit as st

from iceberg.locale import Translator

TERMS = ("left_silently", "silent_leaver", "range", "chance_test", "evidence")


def show_glossary(words: Translator) -> None:
    """Draw the terms in one line; a definition appears where the pointer or the keyboard's focus is, and is read out with its term."""
    st.html(f'<p class="terms">{escape(words.text("glossary.lead"))} {" · ".join(_term(name, words) for name in TERMS)}</p>')


def _term(name: str, words: Translator) -> str:
    said, means = (escape(words.text(f"glossary.{name}.{part}")) for part in ("term", "means"))
    label = f"term-{name}"
    tip = f'<span class="means" id="{label}" role="tooltip">{means}</span>'
    return f'<span class="term" tabindex="0" role="note" aria-describedby="{label}">{said}{tip}</span>'


def glossary_rows(words: Translator) -> tuple[tuple[str, str], ...]:
    """Every term with its definition, for a page that lists them."""
    return tuple((words.text(f"glossary.{name}.term"), words.text(f"glossary.{name}.means")) for name in TERMS)
