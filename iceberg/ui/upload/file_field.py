"""Words of the upload fields in the reader's language: the framework has them in English only, so a style sheet replaces them."""

from __future__ import annotations

import json

import streamlit as st

from iceberg.locale import Translator

_FIELD = '[class*="st-key-{key}"] [data-testid="stFileUploaderDropzone'
_RULES = (
    # The button's own word stays for screen readers: not all of them read text that a style adds.
    '{field}"] button [data-testid="stMarkdownContainer"] p '
    "{{ position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%) }}\n"
    '{field}Instructions"] span {{ display: none }}\n'
    '{field}"] button [data-testid="stMarkdownContainer"]::after {{ content: {button} }}\n'
    '{field}Instructions"] > div::after {{ content: {kinds}; font-size: 0.875rem }}\n'
)


def word_file_fields(words: Translator, kinds: dict[str, str]) -> None:
    """Put the button and the accepted files of upload fields into the reader's language.

    Args:
        words: The reader's language.
        kinds: The accepted files of a field, by the beginning of its key as a class name.
    """
    button = json.dumps(words.text("ui.upload.choose"), ensure_ascii=False)
    sheets = (
        _RULES.format(field=_FIELD.format(key=key), button=button, kinds=json.dumps(text, ensure_ascii=False)) for key, text in kinds.items()
    )
    st.html(f"<style>{''.join(sheets)}</style>")
