"""Finds and reports malformed lines: broken quotes, too few or too many cells, stray line ends.

DuckDB reports such lines instead of stopping, but an open quote can make it skip millions of good lines. Where it reports broken quotes, the
text is copied with the malformed lines blanked, so that line numbers stay, and read again.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import duckdb
import numpy as np

from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.files.source_table import SourceTable
from iceberg.ingest.files.text.delimiters import cut_record
from iceberg.ingest.files.text.unusual_text import with_doubled_quotes

_LINES_TO_CLOSE = 200  # judgement: the lines after an open quote that a cell with line breaks (an address, a comment) can take
_LONGEST_LINE_BYTES = 1 << 20  # judgement: no record of a customer is longer; DuckDB stops at 2 MB
BROKEN_QUOTES, LINE_TOO_LONG, TOO_FEW_CELLS, TOO_MANY_CELLS, SHORT_LINE = (
    "broken_quotes", "line_too_long", "too_few_cells", "too_many_cells", "short_line_padded",
)  # fmt: skip
_FATAL = {"UNQUOTED VALUE", "LINE SIZE OVER MAXIMUM", "INVALID STATE"}


@dataclass(frozen=True)
class BadLine:
    """A line that does not have the columns of the header.

    Attributes:
        line: Line number as an editor counts it.
        rule: Id of the rule.
        text: Its first cell only: the others can hold personal data of columns that are not read.
        cells: Its cells, padded, where the line is still read; None otherwise.
        file: Its file, where a table has several.
    """

    line: int
    rule: str
    text: str
    cells: tuple[str | None, ...] | None = None
    file: str = ""


def has_fatal_rejects(connection: duckdb.DuckDBPyConnection, source: SourceTable) -> bool:
    """Whether DuckDB met an error after which its records cannot be trusted."""
    kinds = connection.execute(f"SELECT DISTINCT CAST(error_type AS VARCHAR) FROM {source.rejects}").fetchall()
    return any(kind in _FATAL for (kind,) in kinds) or (bool(kinds) and _has_lone_returns(source))


def _has_lone_returns(source: SourceTable) -> bool:
    """Whether a carriage return has no line feed after it: DuckDB ends the line there, an editor need not."""
    with source.text.open("rb") as stream:
        while chunk := stream.read(1 << 24):
            if chunk.endswith(b"\r"):
                chunk += stream.read(1)
            if chunk.count(b"\r") > chunk.count(b"\r\n"):
                return True
    return False


def blank_broken_lines(source: SourceTable, workspace: Workspace) -> tuple[Path, tuple[BadLine, ...]]:
    """Copy the text with malformed lines, the header and the lines above it blanked, and with one kind of line end.

    Lines keep their numbers, and no line has to be skipped.
    """
    target, bad = workspace.new_file(".csv"), []
    width, separator = len(source.columns), source.reading.separator
    with source.text.open("rb") as stream, target.open("wb") as out:
        for _ in range(source.first_row - 1):
            stream.readline()
            out.write(b"\n")
        lines = _Lines(stream, source.first_row)
        for number, raw in lines:
            record, rule = raw if raw.strip() else b"", ""
            if len(record) > _LONGEST_LINE_BYTES:
                rule = LINE_TOO_LONG
            elif b'"' in record and not _is_whole(record, separator, None):
                if b'\\"' in record and _is_whole(with_doubled_quotes(record), separator, width):
                    record = with_doubled_quotes(record)
                elif following := lines.closing(record, separator, width):
                    record = b"\n".join([record, *following])
                else:
                    rule = BROKEN_QUOTES
            if rule:
                bad.append(BadLine(number, rule, _first_cell(raw.decode("utf-8", "replace"), separator)))
            out.write((b"" if rule else record) + b"\n")
    return target, tuple(bad)


class _Lines:
    """Numbered lines without their line ends; can read ahead."""

    def __init__(self, stream: Iterator[bytes], first: int) -> None:
        self._stream = stream
        self._ahead: list[bytes] = []
        self._number = first - 1

    def __iter__(self) -> Iterator[tuple[int, bytes]]:
        while True:
            if self._ahead:
                raw = self._ahead.pop(0)
            else:
                read = next(self._stream, None)
                if read is None:
                    return
                raw = _without_end(read)
            self._number += 1
            yield self._number, raw

    def closing(self, raw: bytes, separator: str, width: int) -> list[bytes]:
        """Take the lines after `raw` that close its open quote into one record of `width` cells; [] where no lines do."""
        wanted = _LINES_TO_CLOSE - len(self._ahead)
        self._ahead += [_without_end(line) for line in islice(self._stream, max(wanted, 0))]
        for count, line in enumerate(self._ahead[:_LINES_TO_CLOSE], start=1):
            if b'"' in line and _is_whole(b"\n".join([raw, *self._ahead[:count]]), separator, width):
                taken, self._ahead = self._ahead[:count], self._ahead[count:]
                self._number += count
                return taken
        return []


def _without_end(line: bytes) -> bytes:
    return line.rstrip(b"\r\n").replace(b"\r", b" ")


def _is_whole(raw: bytes, separator: str, width: int | None) -> bool:
    """Whether the bytes are exactly one well-formed record (of `width` cells, unless None)."""
    text = raw.decode("utf-8", "replace")
    try:
        records = list(csv.reader(io.StringIO(text.replace("\r", " "), newline="\n"), delimiter=separator, strict=True))
    except csv.Error:
        return False
    return len(records) == 1 and (width is None or len(records[0]) == width)


def read_bad_lines(connection: duckdb.DuckDBPyConnection, source: SourceTable) -> tuple[tuple[BadLine, ...], frozenset[int]]:
    """The lines that DuckDB rejected, and the numbers of all lines that did not become records.

    Short lines come with padded cells, except an incomplete last line: the file ends inside it.
    """
    rejected = connection.sql(
        "SELECT line_byte_position - 1, min(CAST(error_type AS VARCHAR)), any_value(csv_line) "
        f"FROM {source.rejects} GROUP BY 1 ORDER BY 1"
    ).fetchall()
    if not rejected:
        return (), frozenset()
    # DuckDB reports a line with the Windows line end, or the blank lines, before it.
    rejected = [(offset + len(text) - len(text.lstrip("\r\n")), kind, text.lstrip("\r\n")) for offset, kind, text in rejected]
    numbers = line_numbers(source.text, [offset for offset, _, _ in rejected])
    with source.text.open("rb") as stream:
        stream.seek(-1, 2)
        cut_off = stream.read(1) not in b"\r\n"
        size = stream.tell()
    bad: list[BadLine] = []
    lines: set[int] = set()
    for (offset, kind, text), number in zip(rejected, numbers, strict=True):
        last = cut_off and offset + len(text.encode()) >= size - 1
        bad += _judge(text, number, kind, source, last=last)
        lines.update(range(number, number + 1 + text.count("\n")))
    return tuple(bad), frozenset(lines)


def _judge(text: str, number: int, kind: str, source: SourceTable, *, last: bool) -> list[BadLine]:
    width = len(source.columns)
    bad = []
    several = "\n" in text and '"' not in text  # DuckDB reports a short line together with the blank lines before it
    for shift, line in enumerate(text.split("\n") if several else [text]):
        stripped = line.strip("\r\n")
        if not stripped.strip():
            continue
        shown = _first_cell(stripped, source.reading.separator)
        cells = cut_record(stripped, source.reading.separator)
        if len(cells) > width:
            bad.append(BadLine(number + shift, TOO_MANY_CELLS, shown))
        elif kind in _FATAL:
            bad.append(BadLine(number + shift, BROKEN_QUOTES, shown))
        elif last:
            bad.append(BadLine(number + shift, TOO_FEW_CELLS, shown))
        else:
            padded = tuple(cell if cell != "" else None for cell in cells) + (None,) * (width - len(cells))
            bad.append(BadLine(number + shift, SHORT_LINE, shown, padded))
    return bad


def _first_cell(line: str, separator: str) -> str:
    first, rest, _ = line.partition(separator)
    return first[:60] + (f"{separator} …" if rest else "")


def line_numbers(path: Path, offsets: list[int]) -> list[int]:
    """Line number (1-based) of each byte offset; `offsets` ascending."""
    numbers: list[int] = []
    seen, position, wanted = 0, 0, np.asarray(offsets)
    with path.open("rb") as stream:
        while len(numbers) < len(offsets) and (chunk := stream.read(1 << 24)):
            ends = np.flatnonzero(np.frombuffer(chunk, np.uint8) == 10) + position
            here = wanted[len(numbers) :]
            here = here[here < position + len(chunk)]
            numbers += [seen + int(count) + 1 for count in np.searchsorted(ends, here, side="left")]
            seen += len(ends)
            position += len(chunk)
    return numbers + [seen + 1] * (len(offsets) - len(numbers))
