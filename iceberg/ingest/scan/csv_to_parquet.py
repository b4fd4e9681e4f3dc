"""Reads large CSVs of customers once: ids are compared as they pass and dropped, all other columns are written as Parquet.

Only the customers whom complaints or incidents name keep their id; no later step needs another one. What cannot be answered so (an id on two
rows, an id with blanks around it, a row without a first day) is left to a reader that keeps every id.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack, suppress
from dataclasses import dataclass, replace
from itertools import accumulate
from pathlib import Path
from threading import Lock
from types import TracebackType

import duckdb
import numpy as np
import pyarrow as pa
from pyarrow import parquet

from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.files.load import Load
from iceberg.ingest.files.source_table import SourceTable
from iceberg.ingest.rules.select import if_tidy_sql
from iceberg.ingest.scan.id_hashes import IdFilter, IdHashes, RowArray, TakeRows
from iceberg.ingest.scan.plain_csv import BLOCK, NotPlainError, PlainCsv, read_blocks, text_size

_ROWS_TOGETHER = 1 << 17  # judgement: fewer are not worth a group of rows of their own
_BYTES_PER_ROW = 40  # only the number of buckets depends on it
_MOST_WAITING = 2  # groups that are written while others are read
# A query for a dropped id fails instead of finding nothing.
_DROPPED = "CAST(error('the ids of these customers were not kept') AS VARCHAR)"


@dataclass(frozen=True)
class CustomersWithoutIds:
    """What is left of the files.

    Attributes:
        source: The used columns but the id, as Parquet, in the order of the files, and where each file starts.
        named: At least the customers whom complaints or incidents name, with their ids, as Parquet too.
    """

    source: SourceTable
    named: SourceTable


def drop_ids(load: Load, files: Sequence[PlainCsv], wanted: IdFilter) -> CustomersWithoutIds | None:
    """Read the CSVs of a customers table once; None where they have to be read with their ids, or by the engine.

    Args:
        load: Its engine hashes ids; its folder has the Parquet files until the tables are closed.
        files: The CSVs.
        wanted: Filter of the ids that are kept.
    """
    source, fields = files[0].source, files[0].fields
    if "start_date" not in fields.columns or any(replace(file.fields, columns={}) != replace(fields, columns={}) for file in files):
        return None
    rest, named, ids = load.workspace.new_path(".parquet"), load.workspace.new_path(".parquet"), fields.columns["customer_id"].sql
    with ExitStack() as unfinished:  # whatever ends the writing, no half-written rows stay
        for path in (rest, named):
            unfinished.callback(path.unlink, missing_ok=True)
        try:
            starts = _write(load.connection, files, rest, named, wanted)
        except NotPlainError:
            return None
        unfinished.pop_all()
    from_sql = f"(SELECT *, file_row_number AS place, {_DROPPED} AS {ids} FROM read_parquet({quote_text(str(rest))}))"
    without_ids = replace(source, from_sql=from_sql, record_sql="place", path=str(rest), starts=starts)
    return CustomersWithoutIds(without_ids, replace(source, from_sql=f"read_parquet({quote_text(str(named))})"))


def _write(connection: duckdb.DuckDBPyConnection, files: Sequence[PlainCsv], path: Path, named_path: Path, wanted: IdFilter) -> tuple[int, ...]:
    """Write both Parquet files; returns where each CSV starts.

    Raises:
        NotPlainError: The CSVs have to be read in another way.
    """
    fields = files[0].fields
    ids, start = fields.columns["customer_id"].sql, fields.columns["start_date"].sql
    hashes = IdHashes(sum(text_size(file.source) for file in files) // _BYTES_PER_ROW, wanted)
    rows = [0] * len(files)
    try:
        with _ParquetFile(path) as rest, _ParquetFile(named_path, unique=ids) as named:
            for number, block in read_blocks(files, ["customer_id", *fields.columns]):
                connection.register(BLOCK, block)
                hashed = connection.sql(f"SELECT {if_tidy_sql(ids, f'hash({ids})')} AS hash FROM {BLOCK}").to_arrow_table()
                if hashed.column(0).null_count or block.column(start).null_count:  # which rule a row without a first day breaks depends on its id
                    raise NotPlainError
                named.write(block.schema.empty_table())  # a file without rows has columns
                hashes.add(hashed.column(0).combine_chunks().to_numpy(), take=_write_rows(named, block))
                rest.write(block.drop_columns([ids]))
                rows[number] += block.num_rows
            if not sum(rows) or hashes.repeat():
                raise NotPlainError
    finally:
        connection.unregister(BLOCK)
    return (0, *accumulate(rows))


def _write_rows(named: _ParquetFile, block: pa.Table) -> TakeRows:
    def take(rows: RowArray) -> None:
        taken = np.zeros(block.num_rows, dtype=np.bool_)
        taken[rows] = True
        named.write(block.filter(pa.array(taken)))  # piece by piece; `take` would put the pieces together first

    return take


class _ParquetFile:
    """A Parquet file that a thread of its own writes; several threads may call `write`, and rows stay in the order of the calls."""

    def __init__(self, path: Path, *, unique: str = "") -> None:
        """`unique`: the column whose texts hardly repeat."""
        self._path, self._unique = path, unique
        self._writer: parquet.ParquetWriter | None = None
        self._thread = ThreadPoolExecutor(1)
        self._adding = Lock()
        self._blocks: list[pa.Table] = []
        self._waiting: list[Future[None]] = []

    def __enter__(self) -> _ParquetFile:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._submit(0)
                if self._writer is not None:
                    self._writer.close()
        finally:
            self._thread.shutdown(cancel_futures=True)
            if self._writer is not None and self._writer.is_open:
                with suppress(OSError, pa.ArrowException):  # the first error is reported
                    self._writer.close()

    def write(self, block: pa.Table) -> None:
        """Append a block."""
        with self._adding:
            self._blocks.append(block)
            if sum(block.num_rows for block in self._blocks) >= _ROWS_TOGETHER:
                self._submit(_MOST_WAITING)

    def _submit(self, most: int) -> None:
        """Write the blocks that have gathered; wait until no more than `most` groups are left to be written."""
        if self._blocks:
            group, self._blocks = pa.concat_tables(self._blocks), []
            writer = self._writer = self._writer or self._open(group.schema)
            self._waiting.append(self._thread.submit(writer.write_table, group, max(group.num_rows, 1)))
        while len(self._waiting) > most:
            self._waiting.pop(0).result()

    def _open(self, schema: pa.Schema) -> parquet.ParquetWriter:
        texts = [column.name for column in schema if pa.types.is_string(column.type)]
        bounds = [name for name in schema.names if name not in texts]
        repeated = [name for name in texts if name != self._unique]
        return parquet.ParquetWriter(self._path, schema, compression="none", use_dictionary=repeated, write_statistics=bounds, store_schema=False)
