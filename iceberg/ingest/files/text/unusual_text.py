"""Rewrites unusual text as plain CSV, line by line, so that line numbers stay.

Unusual are columns of fixed width, and quotation marks escaped by a backslash (MySQL, some CRMs) instead of doubled.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from iceberg.ingest.engine.workspace import Workspace

FIXED_WIDTH, BACKSLASH = "fixed_width", "backslash"
_ESCAPED = re.compile(rb'\\(["\\])')
_SAMPLE_LINES = 2000
_FEWEST_LINES = 4  # judgement: fewer lines can align by chance
_NUMBER_OR_DATE = re.compile(r"[-+]?[\d.,/:-]*\d[\d.,/:-]*%?")


@dataclass(frozen=True)
class FixedColumns:
    """Columns of fixed width.

    Attributes:
        headers: Names of the columns.
        header_line: 1-based line of the header.
        spans: First and last position (exclusive) of each column in the lines below.
    """

    headers: tuple[str, ...]
    header_line: int
    spans: tuple[tuple[int, int | None], ...]

    def cut(self, line: str) -> list[str]:
        """The cells of a line by position, or by its blanks where a value is wider than its column."""
        if any(len(line) > start and line[start - 1] != " " for start, _ in self.spans[1:]):
            return line.split()  # the reader reports a wrong number of cells
        return [line[start:end].strip() for start, end in self.spans]


def find_fixed_columns(text: str) -> FixedColumns | None:
    """The columns of a text whose lines align; None for prose and for a single column."""
    lines = [(number, line.expandtabs().rstrip()) for number, line in enumerate(text.split("\n")[:_SAMPLE_LINES], start=1)]
    lines = [(number, line) for number, line in lines if line.strip()]
    if len(lines) < _FEWEST_LINES + 1:
        return None
    (header_line, header), body = lines[0], [line for _, line in lines[1:]]
    filled = np.zeros((len(body), max(map(len, body))), dtype=bool)
    for row, line in enumerate(body):
        filled[row, : len(line)] = [letter != " " for letter in line]
    edges = np.flatnonzero(np.diff(np.concatenate([[False], filled.any(axis=0), [False]]).astype(int)))
    starts = edges[::2].tolist()
    if len(starts) < 2:
        return None
    headed = [match.start() for match in re.finditer(r"\S+(?: \S+)*", header)]
    if len(headed) > 1 and set(headed) <= set(starts):  # blanks inside a column can align by chance; it is still one column where it has one header
        starts = headed
    # A column ends where the next one starts, so that a longer value further down is still part of it.
    spans = tuple((0 if place == 0 else start, starts[place + 1] if place + 1 < len(starts) else None) for place, start in enumerate(starts))
    names = header.split()
    if len(names) != len(spans) or headed == starts:
        names = [header[start:end].strip() for start, end in spans]
    columns = FixedColumns(tuple(names), header_line, spans)
    return columns if all(names) and _has_values(columns, body) else None


def _has_values(columns: FixedColumns, body: Sequence[str]) -> bool:
    """Whether one column holds numbers or dates: prose can align by chance, but has no such column."""
    cells = [columns.cut(line) for line in body]
    if sum(len(row) == len(columns.spans) for row in cells) < 0.8 * len(cells):
        return False
    return any(
        sum(bool(_NUMBER_OR_DATE.fullmatch(row[place])) for row in cells if len(row) == len(columns.spans)) >= 0.8 * len(cells)
        for place in range(len(columns.spans))
    )


def cut_fixed_columns(path: Path, columns: FixedColumns, workspace: Workspace) -> Path:
    """Copy the text tab-separated; the lines above the header become empty."""
    target = workspace.new_file(".tsv")
    with path.open(encoding="utf-8", errors="replace", newline="\n") as stream, target.open("w", encoding="utf-8", newline="") as out:
        writer = csv.writer(out, delimiter="\t", lineterminator="\n")
        for number, line in enumerate(stream, start=1):
            if number == columns.header_line:
                writer.writerow(columns.headers)
            elif number < columns.header_line or not line.strip():
                out.write("\n")
            else:
                writer.writerow(columns.cut(line.expandtabs().rstrip()))
    return target


def escapes_by_backslash(text: str, separator: str) -> bool:
    r"""Whether quotation marks inside cells are written ``\"``: then records have a more constant width."""
    if '\\"' not in text:
        return False
    doubled = _constancy(csv.reader(io.StringIO(text), delimiter=separator))
    escaped = _constancy(csv.reader(io.StringIO(text), delimiter=separator, doublequote=False, escapechar="\\", strict=True))
    return escaped > doubled or (escaped == doubled and not _constancy(csv.reader(io.StringIO(text), delimiter=separator, strict=True)))


def _constancy(records: object) -> float:
    """Share of the records that have the most common number of cells; 0 where the text is malformed."""
    widths: Counter[int] = Counter()
    try:
        for record in records:  # type: ignore[attr-defined]  # the csv module has no public type for its readers
            if record:
                widths[len(record)] += 1
    except csv.Error:
        return 0.0
    return widths.most_common(1)[0][1] / widths.total() if widths else 0.0


def double_escaped_quotes(path: Path, workspace: Workspace) -> Path:
    r"""Copy the text with ``\"`` written ``""`` and a doubled backslash written once."""
    target = workspace.new_file(".csv")
    with path.open("rb") as stream, target.open("wb") as out:
        for line in stream:
            out.write(with_doubled_quotes(line))
    return target


def with_doubled_quotes(line: bytes) -> bytes:
    r"""One line with ``\"`` written ``""``."""
    return _ESCAPED.sub(lambda match: b'""' if match.group(1) == b'"' else b"\\", line) if b"\\" in line else line
