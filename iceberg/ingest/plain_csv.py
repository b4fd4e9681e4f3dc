"""Owns the plain CSV: one that every reader takes in the same way, cut into typed columns by Arrow in less time than the engine scans it.

What Arrow and the engine could read differently is left to neither: the first byte, line or value that is not plain ends the attempt.
"""

from __future__ import annotations

import os
import threading
from collections import deque
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import csv

from iceberg.ingest.read import SourceTable

ENOUGH_BYTES = 16 << 20  # judgement: a smaller file is read in less than a second either way
BLOCK_BYTES = 1 << 24  # what one core cuts at once: some quarter of a million customers
_CUT_BYTES = 1 << 22  # a longer line is not plain
_CORES, _WAITING = 2, 1  # blocks that are cut at once, and that wait to be taken
_TYPES = {"DATE": pa.date32(), "DOUBLE": pa.float64(), "VARCHAR": pa.string()}


class NotPlain(Exception):  # noqa: N818  # nothing went wrong: another way of reading takes over
    """The file has to be read by the engine."""


def read_plainly(source: SourceTable, columns: list[str]) -> Iterator[pa.Table]:
    """The records of a CSV in their order, a block of the file at a time; empty cells are null.

    Args:
        source: A CSV whose columns have the types VARCHAR, DATE (ISO days) or DOUBLE.
        columns: Names (``SourceColumn.sql``) of those that are wanted.

    Raises:
        NotPlain: At the first byte, line or value that could be read in two ways; what was given until then is void.
    """
    assert source.text_path is not None  # noqa: S101
    if len(source.reading.separator.encode()) != 1:
        raise NotPlain
    waiting = deque[Future[pa.Table]]()
    with source.text_path.open("rb") as stream, ThreadPoolExecutor(_CORES) as cores:
        file = stream.fileno()
        cutter = _Cutter(file, source, columns)
        try:
            for start, end in _blocks(file, source.skip):
                waiting.append(cores.submit(cutter.cut, start, end))
                if len(waiting) > _CORES + _WAITING:
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for one in waiting:
                one.cancel()


def fill_plainly(connection: duckdb.DuckDBPyConnection, name: str, source: SourceTable, columns: list[str], select: str) -> None:
    """Make a table of a CSV, its rows in the order of the file.

    Args:
        connection: Where the table is made.
        name: Of the table.
        source: See `read_plainly`.
        columns: Those that `select` reads.
        select: The rows of a relation ``plain_rows`` as they are to be kept.

    Raises:
        NotPlain: See `read_plainly`; nothing is kept.
    """
    filled = False
    try:
        for block in read_plainly(source, columns):
            connection.register("plain_rows", block)
            connection.execute(f"INSERT INTO {name} {select}" if filled else f"CREATE OR REPLACE TABLE {name} AS {select}")
            filled = True
        connection.unregister("plain_rows")
    except NotPlain:
        connection.execute(f"DROP TABLE IF EXISTS {name}")
        raise
    if not filled:
        raise NotPlain


def text_size(source: SourceTable) -> int:
    """Bytes of the text; 0 where there is none."""
    return source.text_path.stat().st_size if source.text_path is not None else 0


def _blocks(file: int, skip: int) -> Iterator[tuple[int, int]]:
    """Where each block begins and ends: behind an end of line, below the first `skip` lines."""
    size, start = os.fstat(file).st_size, 0
    for _ in range(skip):
        start = _line_end(file, start)
    while start < size:
        end = _line_end(file, start + BLOCK_BYTES) if start + BLOCK_BYTES < size else size
        yield start, end
        start = end


def _line_end(file: int, place: int) -> int:
    """Where the line at `place` has ended."""
    found = os.pread(file, _CUT_BYTES, place).find(b"\n")
    if found < 0:
        raise NotPlain
    return place + found + 1


@dataclass
class _Cutter:
    """Cuts blocks of a file, each core in memory of its own that is used again."""

    file: int
    source: SourceTable
    columns: list[str]
    own: threading.local = field(default_factory=threading.local)

    def cut(self, start: int, end: int) -> pa.Table:
        """The records between two places."""
        memory: bytearray | None = getattr(self.own, "memory", None)
        if memory is None:
            memory = self.own.memory = bytearray(BLOCK_BYTES + _CUT_BYTES)
        block, filled = memoryview(memory)[: end - start], 0
        while filled < len(block):
            read = os.preadv(self.file, [block[filled:]], start + filled)
            if not read:
                raise NotPlain  # somebody cut the file short
            filled += read
        self._look_at(memory, len(block))
        kinds = {column.sql: _TYPES[column.type] for column in self.source.columns if column.sql in self.columns}
        names = [column.sql for column in self.source.columns]
        cells = csv.ConvertOptions(column_types=kinds, include_columns=self.columns, null_values=[""], strings_can_be_null=True, check_utf8=True)
        try:
            return csv.read_csv(
                pa.BufferReader(pa.py_buffer(block)),
                read_options=csv.ReadOptions(column_names=names, block_size=_CUT_BYTES, use_threads=False),
                parse_options=csv.ParseOptions(delimiter=self.source.reading.separator),
                convert_options=cells,
            )
        except pa.ArrowInvalid as error:
            raise NotPlain from error

    def _look_at(self, memory: bytearray, size: int) -> None:
        """A byte that is nothing, a line that ends by a carriage return alone, and a quote that neither opens nor closes a cell are not plain."""
        if memory.find(b"\0", 0, size) >= 0:
            raise NotPlain
        if memory.find(b'"', 0, size) < 0 and memory.find(b"\r", 0, size) < 0:
            return
        text = np.frombuffer(memory, dtype=np.uint8, count=size)
        (returns,), (quotes,) = np.nonzero(text == ord("\r")), np.nonzero(text == ord('"'))
        beside = np.zeros(256, dtype=np.bool_)  # what stands on one side of such a quote, and not on the other
        beside[[ord("\r"), ord("\n"), ord(self.source.reading.separator)]] = True
        before = (quotes == 0) | beside[text[quotes - 1]]
        after = (quotes == size - 1) | beside[text[np.minimum(quotes + 1, size - 1)]]
        if (before == after).any() or (text[np.minimum(returns + 1, size - 1)] != ord("\n")).any():
            raise NotPlain
