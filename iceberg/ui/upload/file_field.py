"""Owns the words of the fields that take files: the framework has them in English only, so the page's style puts the reader's in their place."""

from __future__ import annotations

import json

import streamlit as st

from iceberg.locale import Translator

_FIELD = '[class*="st-key-{key}"] [data-testid="stFileUploaderDropzone'
_RULES = (
    # The button's own word stays for screen readers, beside the reader's: what a style adds is no text to all of them.
    '{field}"] button [data-testid="stMarkdownContainer"] p '
    "{{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }}\n"
    '{field}Instructions"] span {{ display: none }}\n'
    '{field}"] button [data-testid="stMarkdownContainer"]::after {{ content: {button} }}\n'
    '{field}Instructions"] > div::after {{ content: {kinds}; font-size: 0.875rem }}\n'
)


def word_file_fields(words: Translator, kinds: dict[str, str]) -> None:
    """Put the button and the accepted files of upload fields into the reader's language.

    Args:
        words: Of the reader.
        kinds: What a field takes, by the beginning of its key as a class name.
    """
    button = json.dumps(words.text("ui.upload.choose"), ensure_ascii=False)
    sheets = (
        _RULES.format(field=_FIELD.format(key=key), button=button, kinds=json.dumps(text, ensure_ascii=False)) for key, text in kinds.items()
    )
    st.html(f"<style>{''.join(sheets)}</style>")
