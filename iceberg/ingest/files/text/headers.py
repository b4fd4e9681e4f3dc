"""Recognises the header of a table: it has names where the lines below have numbers and days."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from iceberg.ingest.values.dates import recognise_dates

MOST_HEADERS = 40  # judgement: more names make a sentence unreadable
_LINES = 20  # judgement: so many lines below show the kind of a column
_NUMBER = re.compile(r"[-+(]?[€$£]?[\s\u00a0\u202f]*\d[\d\s\u00a0\u202f.,']*(?:[eE][+-]?\d+)?[\s\u00a0\u202f]*[%€$£)]?")
Cells = Sequence[str | None]


def kind_of(cell: str | None) -> str:
    """``"blank"``, ``"day"``, ``"number"`` or ``"word"``."""
    text = (cell or "").strip()
    if not text:
        return "blank"
    if _NUMBER.fullmatch(text):
        return "number"
    return "day" if recognise_dates([text]) is not None else "word"


def is_data(cells: Cells, below: Sequence[Cells]) -> bool:
    """Whether a line has the kinds of the lines below in every column, and not only words: then it is no header."""
    beyond_words = False
    for place, cell in enumerate(cells):
        kind = kind_of(cell)
        kinds = Counter(kind_of(line[place]) for line in below[:_LINES] if place < len(line))
        del kinds["blank"]
        if kind == "blank" or not kinds:
            continue
        usual, times = kinds.most_common(1)[0]
        if kind != usual or times < 0.8 * kinds.total():
            return False
        beyond_words = beyond_words or kind != "word"
    return beyond_words


def is_named(cells: Cells, width: int) -> bool:
    """Whether a line can be the header of a table of this width: only names, over at least half of its columns; the last may be missing."""
    kinds = Counter(kind_of(cell) for cell in cells)
    return len(cells) >= max(2, width - 1) and not kinds["number"] and not kinds["day"] and kinds["word"] >= max(2, width // 2)


def without_number(header: str) -> str:
    """The header as in the file, without the number that a repeated name got: ``0 (2)`` becomes ``0``."""
    return re.sub(r" \(\d+\)$", "", header)


def listed_headers(headers: Sequence[str]) -> str:
    """The headers of a file for a sentence; of many headers the first ones and their number."""
    return ", ".join(headers[:MOST_HEADERS]) + (f" … ({len(headers)})" if len(headers) > MOST_HEADERS else "")
