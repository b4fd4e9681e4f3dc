"""Finds the line number and the cells of given records in a file."""

from __future__ import annotations

import csv
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import duckdb
import numpy as np

from iceberg.ingest.engine.connection import quote_name
from iceberg.ingest.files.source_table import SourceTable
from iceberg.ingest.files.text.delimiters import cut_record


@dataclass(frozen=True)
class Place:
    """The place of a record in its file.

    Attributes:
        line: Line in the text (sheet row, or row number where the format has no lines).
        cells: Text of each column, by header.
        file: Its file, where a table has several.
    """

    line: int
    cells: dict[str, str]
    file: str = ""


def find_places(
    connection: duckdb.DuckDBPyConnection,
    source: SourceTable,
    records: Sequence[int],
    *,
    headers: Sequence[str],
    total: int,
    skip_lines: frozenset[int] = frozenset(),
) -> dict[int, Place]:
    """Find the line and the cells of each record.

    Args:
        connection: Where the source can be queried.
        source: The file.
        records: Numbers of records, 0-based, in file order, without the lines of `skip_lines`.
        headers: Columns to return; others are not read.
        total: Number of records in the file.
        skip_lines: Lines that did not become records.
    """
    wanted = sorted(set(records))
    if not wanted:
        return {}
    if source.text_path is not None:
        return _in_text(source, wanted, headers, total, skip_lines)
    return _in_table(connection, source, wanted, headers)


def _in_table(connection: duckdb.DuckDBPyConnection, source: SourceTable, wanted: list[int], headers: Sequence[str]) -> dict[int, Place]:
    columns = [column for column in source.columns if column.header in headers]
    texts = ", ".join(f"CAST({column.sql} AS VARCHAR)" for column in columns)
    number = "file_row_number" if source.reading.format == "parquet" else "rowid"
    line = quote_name(source.line_column) if source.line_column else f"{number} + {source.first_row}"
    connection.execute("CREATE OR REPLACE TEMP TABLE wanted_records AS SELECT unnest(?) AS record", [wanted])
    rows = connection.execute(
        f"SELECT {number}, {line}, {texts} FROM {source.from_sql} WHERE {number} IN (SELECT record FROM wanted_records)"
    ).fetchall()
    return {row[0]: Place(int(row[1]), {c.header: text or "" for c, text in zip(columns, row[2:], strict=True)}) for row in rows}


def _in_text(source: SourceTable, wanted: list[int], headers: Sequence[str], total: int, skip_lines: frozenset[int]) -> dict[int, Place]:
    positions = [(i, column.header) for i, column in enumerate(source.columns) if column.header in headers]
    # More lines than records: cells hold line breaks.
    one_line_each = sum(len(numbers) for numbers, _, _ in _filled_lines(source, skip_lines)) == total
    lines = _plain_lines(source, wanted, skip_lines) if one_line_each else _counted_records(source, wanted, skip_lines)
    places = {}
    for record, (line, text) in lines.items():
        cells = cut_record(text, source.reading.separator)
        places[record] = Place(line, {header: cells[i].strip() if i < len(cells) else "" for i, header in positions})
    return places


def _filled_lines(source: SourceTable, skip_lines: frozenset[int]) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """Of the lines of each chunk that are below the header and not empty: their numbers, start offsets and end offsets."""
    skipped = np.array(sorted(skip_lines), dtype=np.int64)
    for number, starts, ends in _line_chunks(source.text):
        numbers = np.arange(number, number + len(starts))
        filled = (ends > starts) & (numbers >= source.first_row) & ~np.isin(numbers, skipped)
        yield numbers[filled], starts[filled], ends[filled]


def _line_chunks(path: Path) -> Iterator[tuple[int, np.ndarray, np.ndarray]]:
    """Of the lines of each chunk: the number of the first one, their start offsets and their end offsets without line ends."""
    position, number, start = 0, 1, 0
    before = 0  # last byte of the previous chunk
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 24):
            data = np.frombuffer(chunk, np.uint8)
            newlines = np.flatnonzero(data == 10)
            previous = np.where(newlines > 0, data[np.maximum(newlines - 1, 0)], before)
            ends = newlines + position - (previous == 13)
            starts = np.concatenate([[start], newlines[:-1] + position + 1]) if len(newlines) else np.zeros(0, np.int64)
            if len(newlines):
                yield number, starts, ends
                number += len(newlines)
                start = int(newlines[-1]) + position + 1
            position += len(chunk)
            before = chunk[-1]
    if position > start:
        yield number, np.array([start]), np.array([position])


def _plain_lines(source: SourceTable, wanted: list[int], skip_lines: frozenset[int]) -> dict[int, tuple[int, str]]:
    """Line and text of each record where every record is one line."""
    remaining, lines, seen = np.asarray(wanted), {}, 0
    with source.text.open("rb") as stream:
        for numbers, starts, ends in _filled_lines(source, skip_lines):
            for record in remaining[(remaining >= seen) & (remaining < seen + len(numbers))]:
                place = record - seen
                stream.seek(int(starts[place]))
                text = stream.read(int(ends[place] - starts[place])).decode("utf-8", "replace")
                lines[int(record)] = int(numbers[place]), text
            seen += len(numbers)
            if seen > wanted[-1]:
                break
    return lines


def _counted_records(source: SourceTable, wanted: list[int], skip_lines: frozenset[int]) -> dict[int, tuple[int, str]]:
    """First line and text of each record where cells hold line breaks: records are cut one by one, up to the last wanted one."""
    places, remaining, record = {}, set(wanted), -1
    current: list[tuple[int, str]] = []  # the numbered lines of the current record

    def lines_of(stream: Iterable[str]) -> Iterator[str]:
        for number, line in enumerate(stream, start=1):
            if number >= source.first_row and number not in skip_lines:
                current.append((number, line))
                yield line.replace("\r\n", "\n").replace("\r", " ")

    with source.text.open(encoding="utf-8", errors="replace", newline="\n") as stream:
        for cells in csv.reader(lines_of(stream), delimiter=source.reading.separator):
            if cells:
                record += 1
            if cells and record in remaining:
                places[record] = current[0][0], "".join(line for _, line in current)
            if record >= wanted[-1]:
                break
            current.clear()
    return places
