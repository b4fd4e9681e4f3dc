"""Reads a plain CSV: one that every reader takes in the same way, parsed by Arrow into typed columns faster than the engine parses it.

Columns are typed where every sample value is a plain ISO day or a plain number. The first byte, line or value that could be read in two ways
ends the attempt, and nothing of it is kept: the rules then read the values as texts. A test compares both.
"""

from __future__ import annotations

import os
import re
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace
from pathlib import Path
from typing import BinaryIO

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import csv

from iceberg.ingest.files.source_table import SourceColumn, SourceTable
from iceberg.ingest.rules.select import TypedFields
from iceberg.ingest.schema import all_fields

ENOUGH_BYTES = 16 << 20  # judgement: a smaller file is read in less than a second either way
BLOCK_BYTES = 1 << 24  # measured: half and double are no faster; what one thread parses at once: some quarter of a million customers
_PARSED_BYTES = 1 << 22  # judgement, as for the csv module in `iceberg.ingest.files.text.delimiters`: a longer line is not plain
_THREADS, _WAITING = 2, 1  # blocks that are parsed at once, and that wait to be taken
_TYPES = {"DATE": pa.date32(), "DOUBLE": pa.float64(), "VARCHAR": pa.string()}
_DATE, _NUMBER = re.compile(r"\d{4}-\d{2}-\d{2}"), re.compile(r"-?\d+(\.\d+)?")
BLOCK = "plain_rows"  # the relation in which a block is visible to SQL


class NotPlainError(ValueError):
    """The file has to be read by the engine. It never leaves this room."""


@dataclass(frozen=True)
class PlainCsv:
    """A CSV whose sample is plain.

    Attributes:
        source: Its columns have the types VARCHAR, DATE (ISO days) or DOUBLE.
        fields: Fields that need no parsing.
    """

    source: SourceTable
    fields: TypedFields

    @property
    def path(self) -> Path:
        """Its text."""
        assert self.source.text_path is not None  # noqa: S101  # see `as_plain`
        return self.source.text_path

    def types(self, columns: Sequence[str]) -> dict[str, pa.DataType]:
        """Type of each of these columns."""
        found = {column.sql: _TYPES[column.type] for column in self.source.columns if column.sql in columns}
        return {name: found[name] for name in columns}


def as_plain(source: SourceTable, table: str, fields: TypedFields) -> PlainCsv | None:
    """The same CSV with typed columns; None where a sample shows anything but plain ISO days and plain numbers, or no column can be typed.

    Args:
        source: Where the texts are read from.
        table: Canonical table.
        fields: How the texts would be parsed.
    """
    if source.text_path is None or any(column.wrapped_name for column in source.columns) or any(one.parts for one in fields.columns.values()):
        return None
    types = {}
    for name, column in fields.columns.items():
        kind = all_fields(table)[name]
        if kind in {"date", "end"} and name in fields.dates:
            reading = fields.dates[name]
            if reading.format != "iso" or reading.offset or not _all_fit(column, _DATE):
                return None
            types[column.sql] = "DATE"
        elif name in fields.numbers:
            if not fields.numbers[name].plain or not _all_fit(column, _NUMBER):
                return None
            types[column.sql] = "DOUBLE"
    if not types:
        return None
    columns = tuple(replace(column, type=types.get(column.sql, column.type)) for column in source.columns)
    typed = {name: replace(column, type=types.get(column.sql, column.type)) for name, column in fields.columns.items()}
    return PlainCsv(replace(source, columns=columns, rejects=""), replace(fields, columns=typed, dates={}, numbers={}))


def _all_fit(column: SourceColumn, pattern: re.Pattern[str]) -> bool:
    return all(not text or pattern.fullmatch(text) for text in column.sample)


def read_blocks(files: Sequence[PlainCsv], names: Sequence[str]) -> Iterator[tuple[int, pa.Table]]:
    """The records of CSVs in their order, a block of a file at a time, with the number of the file; empty cells are null.

    Args:
        files: CSVs of one table.
        names: Fields whose columns are read; they are called as in the first file. A column that feeds several fields comes once.

    Raises:
        NotPlainError: At the first byte, line or value that could be read in two ways; blocks given until then are void.
    """
    first = files[0].fields.columns
    wanted = {first[name].sql: name for name in reversed(names)}  # by column of the first file, the first field that it feeds
    once = [name for name in dict.fromkeys(names) if wanted[first[name].sql] == name]
    columns = [tuple(file.fields.columns[name].sql for name in once) for file in files]
    types = [list(file.types(own).values()) for file, own in zip(files, columns, strict=True)]
    if any(len(file.source.reading.separator.encode()) != 1 or own != types[0] for file, own in zip(files, types, strict=True)):
        raise NotPlainError
    waiting, memory = deque[tuple[int, Future[pa.Table]]](), threading.local()
    with ThreadPoolExecutor(_THREADS) as threads:
        try:
            for number, file in enumerate(files):
                parser = _BlockParser(file, columns[number], columns[0], memory)
                for start, end in _blocks(file.path, file.source.skip):
                    waiting.append((number, threads.submit(parser.parse, start, end)))
                    if len(waiting) > _THREADS + _WAITING:
                        yield _result(*waiting.popleft())
            while waiting:
                yield _result(*waiting.popleft())
        finally:
            for _, block in waiting:
                block.cancel()


def _result(number: int, block: Future[pa.Table]) -> tuple[int, pa.Table]:
    return number, block.result()


def fill_table(connection: duckdb.DuckDBPyConnection, name: str, files: Sequence[PlainCsv], names: Sequence[str], select: str) -> bool:
    """Make a table of CSVs, its rows in the order of the files; False, with nothing kept, where they have to be read by the engine.

    Args:
        connection: Where the table is made.
        name: Of the table.
        files: See `read_blocks`.
        names: Likewise.
        select: SQL of its rows from the relation `BLOCK`.
    """
    filled = False
    try:
        for _, block in read_blocks(files, names):
            connection.register(BLOCK, block)
            connection.execute(f"INSERT INTO {name} {select}" if filled else f"CREATE OR REPLACE TABLE {name} AS {select}")
            filled = True
    except NotPlainError:
        connection.execute(f"DROP TABLE IF EXISTS {name}")
        return False
    finally:
        connection.unregister(BLOCK)
    return filled


def text_size(source: SourceTable) -> int:
    """Bytes of the text; 0 where there is none."""
    return source.text_path.stat().st_size if source.text_path is not None else 0


def _blocks(path: Path, skip: int) -> Iterator[tuple[int, int]]:
    """Where each block begins and ends: behind an end of line, below the first `skip` lines."""
    with path.open("rb") as stream:
        size, start = os.fstat(stream.fileno()).st_size, 0
        for _ in range(skip):
            start = _line_end(stream, start)
        while start < size:
            end = _line_end(stream, start + BLOCK_BYTES) if start + BLOCK_BYTES < size else size
            yield start, end
            start = end


def _line_end(stream: BinaryIO, place: int) -> int:
    """Where the line at `place` has ended."""
    stream.seek(place)
    line = stream.readline(_PARSED_BYTES)
    if not line.endswith(b"\n"):
        raise NotPlainError
    return place + len(line)


@dataclass
class _BlockParser:
    """Parses blocks of a file, each thread in memory of its own that is used again."""

    file: PlainCsv
    columns: tuple[str, ...]
    names: tuple[str, ...]
    own: threading.local

    def parse(self, start: int, end: int) -> pa.Table:
        """The records between two places."""
        memory: bytearray | None = getattr(self.own, "memory", None)
        if memory is None:
            memory = self.own.memory = bytearray(BLOCK_BYTES + _PARSED_BYTES)
        block, filled = memoryview(memory)[: end - start], 0
        with self.file.path.open("rb", buffering=0) as stream:
            stream.seek(start)
            while filled < len(block):
                read = stream.readinto(block[filled:])
                if not read:
                    raise NotPlainError  # the file became shorter meanwhile
                filled += read
        self._require_plain(memory, len(block))
        names = [column.sql for column in self.file.source.columns]
        cells = csv.ConvertOptions(
            column_types=self.file.types(self.columns), include_columns=self.columns, null_values=[""], strings_can_be_null=True, check_utf8=True
        )
        try:
            table = csv.read_csv(
                pa.BufferReader(pa.py_buffer(block)),
                read_options=csv.ReadOptions(column_names=names, block_size=_PARSED_BYTES, use_threads=False),
                parse_options=csv.ParseOptions(delimiter=self.file.source.reading.separator),
                convert_options=cells,
            )
        except pa.ArrowInvalid as error:
            raise NotPlainError from error
        return table.rename_columns(list(self.names))

    def _require_plain(self, memory: bytearray, size: int) -> None:
        """Refuse a null byte, a line that ends with a carriage return alone, and quotes that do not open and close a cell in turn.

        Of a file that ends inside a quoted cell the last record is broken; Arrow would keep what there is of it.
        """
        if memory.find(b"\0", 0, size) >= 0:
            raise NotPlainError
        if memory.find(b'"', 0, size) < 0 and memory.find(b"\r", 0, size) < 0:
            return
        text = np.frombuffer(memory, dtype=np.uint8, count=size)
        (returns,), (quotes,) = np.nonzero(text == ord("\r")), np.nonzero(text == ord('"'))
        beside = np.zeros(256, dtype=np.bool_)  # stands on one side of a quote that opens or closes a cell
        beside[[ord("\r"), ord("\n"), ord(self.file.source.reading.separator)]] = True
        before = (quotes == 0) | beside[text[quotes - 1]]
        after = (quotes == size - 1) | beside[text[np.minimum(quotes + 1, size - 1)]]
        opens_and_closes = len(quotes) % 2 == 0 and before[::2].all() and not before[1::2].any()
        if not opens_and_closes or (before == after).any() or (text[np.minimum(returns + 1, size - 1)] != ord("\n")).any():
            raise NotPlainError
