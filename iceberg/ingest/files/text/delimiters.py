"""Finds the separator and the header line of a text file, and cuts its records into cells."""

from __future__ import annotations

import csv
import io
from collections import Counter
from dataclasses import dataclass
from itertools import islice

from iceberg.errors import FileError
from iceberg.ingest.files.text.headers import is_data, is_named

SEPARATORS = (",", ";", "\t", "|")
SAMPLE_BYTES = 1 << 18
_COUNTED_RECORDS = 500  # judgement: enough to decide between separators
csv.field_size_limit(1 << 22)  # the default limit of 131,072 is shorter than some cells


@dataclass(frozen=True)
class TextLayout:
    """How a text file is cut into records and cells.

    Attributes:
        separator: One character.
        headers: Names in the header line, without surrounding blanks, repeated names numbered.
        skipped_lines: Lines above the header, the ``sep=;`` line included.
        header_end_line: Line on which the header ends (1-based; a quoted header can span lines).
        sample: First records below the header, cut.
        head_has_quotes: The header, or text above it, can hold a quoted line break, so skipping by line number is unsafe.
    """

    separator: str
    headers: tuple[str, ...]
    skipped_lines: int
    header_end_line: int
    sample: tuple[tuple[str, ...], ...]
    head_has_quotes: bool = False


def read_layout(text: str, *, name: str, separator: str | None = None, header_line: int | None = None) -> TextLayout:
    """Find the layout from the beginning of a text file.

    Args:
        text: The first part of the file; its last line may be incomplete.
        name: File name, for messages.
        separator: Overrides the choice.
        header_line: Overrides the choice (1-based line of the header).

    Raises:
        FileError: ``one_column``, ``header_only`` or ``empty_file``.
    """
    declared = _declared_separator(text)
    first_line = 1 if declared else 0
    chosen = separator or declared or choose_separator(text)
    records = [record for record in _cut(text, chosen)[0 if header_line else first_line :] if record[0] >= (header_line or 0)]
    records = [record for record in records if any(cell.strip() for cell in record[2])]
    if not records:
        raise FileError("empty_file", {"file": name})
    width = _usual_width(records)
    if width < 2:
        shown = "tab" if chosen == "\t" else chosen
        raise FileError("one_column", {"file": name, "separator": shown, "line": str(records[0][0]), "value": records[0][2][0][:80]})
    position = 0 if header_line else _header_position(records, width)
    start, end, cells = records[position]
    if len(records) <= position + 1:
        raise FileError("header_only", {"file": name, "line": str(start)})
    cells = cells + [""] * (width - len(cells))
    sample = tuple(tuple(record[2]) for record in records[position + 1 :])
    quotes = end > 1 and '"' in "".join(text.split("\n")[:end])
    return TextLayout(chosen, number_repeats(cells), start - 1, end, sample, quotes)


def _declared_separator(text: str) -> str | None:
    """The separator of a first line ``sep=;``, as Excel writes it."""
    first = text.split("\n", 1)[0].strip().strip('"')
    return first[4:5] if first.lower().startswith("sep=") and len(first) == 5 else None


def choose_separator(text: str) -> str:
    """The separator whose count per record is most constant, then the one with more columns."""
    scores = {}
    for candidate in SEPARATORS:
        widths = [len(record[2]) for record in _cut(text, candidate, most=_COUNTED_RECORDS) if record[2]]
        wide = [width for width in widths if width > 1]
        if not wide:
            continue
        width, times = Counter(wide).most_common(1)[0]
        scores[candidate] = (times / len(widths), width)
    return max(scores, key=lambda candidate: scores[candidate]) if scores else ","


def _cut(text: str, separator: str, *, most: int | None = None) -> list[tuple[int, int, list[str]]]:
    """The first line, last line and cells of each record."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator)
    records, start = [], 1
    try:
        for cells in islice(reader, most):
            records.append((start, reader.line_num, cells))
            start = reader.line_num + 1
    except csv.Error:  # a cell over the size limit, or a NUL byte: the records before it are enough to decide
        pass
    return records


def cut_record(text: str, separator: str) -> list[str]:
    """The cells of one record; only a line feed ends a line."""
    plain = text.replace("\r\n", "\n").replace("\r", " ")
    try:
        return next(csv.reader(io.StringIO(plain, newline="\n"), delimiter=separator), [])
    except csv.Error:  # a cell over the size limit
        return plain.split(separator)


def _usual_width(records: list[tuple[int, int, list[str]]]) -> int:
    """The most common number of cells; lines of one cell do not count where a fifth of the lines are wider."""
    wide = Counter(len(cells) for _, _, cells in records if len(cells) > 1)
    if not wide or wide.total() * 5 < len(records) or (len(records) > 2 and max(wide.values()) < 2):
        return 1
    return max(wide, key=lambda width: (wide[width], width))


def _header_position(records: list[tuple[int, int, list[str]]], width: int) -> int:
    """Index of the first record of this width without blank cells; else the first of this width."""
    wide = [index for index, record in enumerate(records) if len(record[2]) >= width]
    full = [index for index in wide[:20] if all(cell.strip() for cell in records[index][2][:width])]
    chosen = (full or wide)[0]
    if not is_data(records[chosen][2], [record[2] for record in records[chosen + 1 :][:20]]):
        return chosen
    # The header can have a blank cell (over a row number), or lack the last separator of the lines below.
    return next((index for index in reversed(range(chosen)) if is_named(records[index][2], width)), chosen)


def number_repeats(cells: list[str]) -> tuple[str, ...]:
    """Make header names unique: a second ``Date`` becomes ``Date (2)``, an empty name ``column 3``."""
    seen: Counter[str] = Counter()
    names = []
    for position, cell in enumerate(cells, start=1):
        name = " ".join(cell.replace("\ufeff", "").split("\n")).strip() or f"column {position}"
        seen[name] += 1
        names.append(name if seen[name] == 1 else f"{name} ({seen[name]})")
    return tuple(names)
