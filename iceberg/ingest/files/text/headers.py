"""Owns which line of a table is its header, told from the kinds of the cells: a header has names where the lines below have numbers and days."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence

from iceberg.ingest.values.dates import recognise_dates

MOST_HEADERS = 40  # judgement: a sentence that names more is not read
_LINES = 20  # judgement: so many lines below say what a column holds
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
    """Whether a line holds what the lines below hold, in every column, and not only words: then it is no header."""
    told = False
    for place, cell in enumerate(cells):
        kind = kind_of(cell)
        kinds = Counter(kind_of(line[place]) for line in below[:_LINES] if place < len(line))
        del kinds["blank"]
        if kind == "blank" or not kinds:
            continue
        usual, times = kinds.most_common(1)[0]
        if kind != usual or times < 0.8 * kinds.total():
            return False
        told = told or kind != "word"
    return told


def is_named(cells: Cells, width: int) -> bool:
    """Whether a line could be the header of a table this wide: names only, over at least half of its columns; one may be missing at an end."""
    kinds = Counter(kind_of(cell) for cell in cells)
    return len(cells) >= max(2, width - 1) and not kinds["number"] and not kinds["day"] and kinds["word"] >= max(2, width // 2)


def without_number(header: str) -> str:
    """A header as in the file: what repeats was numbered, ``0 (2)``."""
    return re.sub(r" \(\d+\)$", "", header)


def listed_headers(headers: Sequence[str]) -> str:
    """The headers of a file in a sentence; of very many the first ones, and how many there are."""
    return ", ".join(headers[:MOST_HEADERS]) + (f" … ({len(headers)})" if len(headers) > MOST_HEADERS else "")
