"""Makes cells safe: text that a spreadsheet would run as a formula is written as text."""

from __future__ import annotations

import re

from iceberg.locale import visible

# OWASP, CSV injection: these first characters start a formula in Excel, LibreOffice or Sheets; the wide ones do where the system writes Japanese.
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")  # XML, and so every Office file, cannot hold these


def safe_cell(text: str) -> str:
    """The text, with an apostrophe before it where a spreadsheet would take it for a formula, and without what no Office file can hold."""
    held = _CONTROL.sub("", text)
    return f"'{held}" if held.startswith(FORMULA_STARTS) else held


def plain_text(text: str) -> str:
    """Text for a slide or a page, where nothing runs: what XML cannot hold is left out, and what cannot be seen is named."""
    return visible(_CONTROL.sub("", text))
