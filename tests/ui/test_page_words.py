"""No sentence of the page speaks of options of the command line or of lines in a mapping: a control stands in their place."""

from __future__ import annotations

import re

import pytest

from iceberg.locale import LANGUAGES, load_messages

_CONFIGURATION = re.compile(
    r"--[a-z]|\[[a-z_{}]+(?:\.[a-z_{}]+)*\]|\b[a-z_.{}]+ = [\"\[]|python -m|date_formats|exchange_rates|header_line|time_zone", re.IGNORECASE
)
# Where an operator reads them: Spark and databases, the start of the server, the terminal, options of the command `rhythm`; no page raises them.
_ELSEWHERE = re.compile(
    r"rhythm_(?:budget|settled)|(?:spark|database|store|object|lake|remote|table|folder|report|open|variable|roles|memory_limit)_\w+"
)


def shown(language: str) -> dict[str, str]:
    """Every sentence about files, by its key: as the page words it."""
    messages = load_messages(language)
    stems = ("ingest.rules.", "ingest.reasons.", "errors.page.", "ui.upload.", "ui.error.")
    found = {key: text for key, text in messages.items() if key.startswith(stems)}
    for key, text in messages.items():
        domain, _, code = key.partition(".")
        if domain == "errors" and "." not in code and f"errors.page.{code}" not in messages and not _ELSEWHERE.fullmatch(code):
            found[key] = text
        if key.startswith("ingest.notes.") and f"ui.upload.note_{key.rsplit('.', 1)[1]}" not in messages:
            found[key] = text
        if domain == "diagnostics" and not (key.endswith(".do") and f"{key}_here" in messages):
            found[key] = text
    return found


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_page_speaks_of_its_own_controls(language: str) -> None:
    """Refusals, notes on what was read, rules, remarks of the estimate and the upload page itself."""
    assert {key: text for key, text in shown(language).items() if _CONFIGURATION.search(text)} == {}
