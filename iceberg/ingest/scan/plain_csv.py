"""Owns the plain CSV: one that every reader takes in the same way, cut into typed columns by Arrow in less time than the engine scans it.

What Arrow and the engine could read differently is left to neither: the first byte, line or value that is not plain ends the attempt.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import csv

from iceberg.ingest.files.source_table import SourceTable

ENOUGH_BYTES = 16 << 20  # judgement: a smaller file is read in less than a second either way
BLOCK_BYTES = 1 << 24  # measured: half and double are no faster; what one core cuts at once: some quarter of a million customers
_CUT_BYTES = 1 << 22  # judgement, as for the csv module in `iceberg.ingest.files.text.delimiters`: a longer line is not plain
_CORES, _WAITING = 2, 1  # blocks that are cut at once, and that wait to be taken
_TYPES = {"DATE": pa.date32(), "DOUBLE": pa.float64(), "VARCHAR": pa.string()}


class NotPlain(Exception):  # noqa: N818  # nothing went wrong: another way of reading takes over
    """The file has to be read by the engine."""


@dataclass(frozen=True)
class PlainFile:
    """One of the files of a table.

    Attributes:
        source: A CSV whose columns have the types VARCHAR, DATE (ISO days) or DOUBLE.
        columns: Names (``SourceColumn.sql``) of those that are wanted.
    """

    source: SourceTable
    columns: tuple[str, ...]

    @property
    def types(self) -> list[pa.DataType]:
        """Of the wanted columns."""
        of = {column.sql: _TYPES[column.type] for column in self.source.columns if column.sql in self.columns}
        return [of[name] for name in self.columns]


def read_plainly(files: Sequence[PlainFile]) -> Iterator[tuple[int, pa.Table]]:
    """The records of CSVs in their order, a block of a file at a time, with the number of the file; empty cells are null.

    Columns are called as in the first file, and follow one another as `PlainFile.columns` does.

    Raises:
        NotPlain: At the first byte, line or value that could be read in two ways; what was given until then is void.
    """
    if any(len(file.source.reading.separator.encode()) != 1 or file.types != files[0].types for file in files):
        raise NotPlain
    waiting, own = deque[tuple[int, Future[pa.Table]]](), threading.local()
    with ThreadPoolExecutor(_CORES) as cores:
        try:
            for number, file in enumerate(files):
                cutter = _Cutter(file, files[0].columns, own)
                for start, end in _blocks(cutter.path, file.source.skip):
                    waiting.append((number, cores.submit(cutter.cut, start, end)))
                    if len(waiting) > _CORES + _WAITING:
                        yield _taken(*waiting.popleft())
            while waiting:
                yield _taken(*waiting.popleft())
        finally:
            for _, one in waiting:
                one.cancel()


def _taken(number: int, block: Future[pa.Table]) -> tuple[int, pa.Table]:
    return number, block.result()


def fill_plainly(connection: duckdb.DuckDBPyConnection, name: str, files: Sequence[PlainFile], select: str) -> None:
    """Make a table of CSVs, its rows in the order of the files.

    Args:
        connection: Where the table is made.
        name: Of the table.
        files: See `read_plainly`.
        select: The rows of a relation ``plain_rows`` as they are to be kept.

    Raises:
        NotPlain: See `read_plainly`; nothing is kept.
    """
    filled = False
    try:
        for _, block in read_plainly(files):
            connection.register("plain_rows", block)
            connection.execute(f"INSERT INTO {name} {select}" if filled else f"CREATE OR REPLACE TABLE {name} AS {select}")
            filled = True
    except NotPlain:
        connection.execute(f"DROP TABLE IF EXISTS {name}")
        raise
    finally:
        connection.unregister("plain_rows")
    if not filled:
        raise NotPlain


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
    line = stream.readline(_CUT_BYTES)
    if not line.endswith(b"\n"):
        raise NotPlain
    return place + len(line)


@dataclass
class _Cutter:
    """Cuts blocks of a file, each core in memory of its own that is used again."""

    file: PlainFile
    names: tuple[str, ...]
    own: threading.local

    @property
    def path(self) -> Path:
        assert self.file.source.text_path is not None  # noqa: S101
        return self.file.source.text_path

    def cut(self, start: int, end: int) -> pa.Table:
        """The records between two places."""
        memory: bytearray | None = getattr(self.own, "memory", None)
        if memory is None:
            memory = self.own.memory = bytearray(BLOCK_BYTES + _CUT_BYTES)
        block, filled = memoryview(memory)[: end - start], 0
        with self.path.open("rb", buffering=0) as stream:
            stream.seek(start)
            while filled < len(block):
                read = stream.readinto(block[filled:])
                if not read:
                    raise NotPlain  # somebody cut the file short
                filled += read
        self._look_at(memory, len(block))
        columns, source = self.file.columns, self.file.source
        names = [column.sql for column in source.columns]
        kinds = dict(zip(columns, self.file.types, strict=True))
        cells = csv.ConvertOptions(column_types=kinds, include_columns=columns, null_values=[""], strings_can_be_null=True, check_utf8=True)
        try:
            table = csv.read_csv(
                pa.BufferReader(pa.py_buffer(block)),
                read_options=csv.ReadOptions(column_names=names, block_size=_CUT_BYTES, use_threads=False),
                parse_options=csv.ParseOptions(delimiter=source.reading.separator),
                convert_options=cells,
            )
        except pa.ArrowInvalid as error:
            raise NotPlain from error
        return table.rename_columns(list(self.names))

    def _look_at(self, memory: bytearray, size: int) -> None:
        """A byte that is nothing, a line that ends by a carriage return alone, and a quote that neither opens nor closes a cell are not plain."""
        if memory.find(b"\0", 0, size) >= 0:
            raise NotPlain
        if memory.find(b'"', 0, size) < 0 and memory.find(b"\r", 0, size) < 0:
            return
        text = np.frombuffer(memory, dtype=np.uint8, count=size)
        (returns,), (quotes,) = np.nonzero(text == ord("\r")), np.nonzero(text == ord('"'))
        beside = np.zeros(256, dtype=np.bool_)  # what stands on one side of such a quote, and not on the other
        beside[[ord("\r"), ord("\n"), ord(self.file.source.reading.separator)]] = True
        before = (quotes == 0) | beside[text[quotes - 1]]
        after = (quotes == size - 1) | beside[text[np.minimum(quotes + 1, size - 1)]]
        if (before == after).any() or (text[np.minimum(returns + 1, size - 1)] != ord("\n")).any():
            raise NotPlain
