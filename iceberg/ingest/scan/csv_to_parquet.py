"""Owns the large CSVs of customers that are read once: ids are looked through and let go as they pass, all other columns are kept as Parquet.

Only the customers whom complaints or incidents name keep their id; nothing else is ever asked for it. What cannot be answered so (an id on two
rows, an id with blanks around it, a row without a first day) is left to the reader that keeps every id.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
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
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.files.source_table import SourceTable
from iceberg.ingest.rules.select import NativeFile, if_tidy_sql
from iceberg.ingest.scan.id_hashes import Hashes, Keep, RowArray, ToldIds
from iceberg.ingest.scan.plain_csv import NotPlain, PlainFile, read_plainly, text_size

_ROWS_TOGETHER = 1 << 17  # judgement: fewer are not worth a group of rows of their own
_BYTES_PER_ROW = 40  # only how many drawers there are depends on it
_MOST_WAITING = 2  # groups that are written while others are looked through
# Whoever asks for an id that was let go is told so, instead of getting nothing.
_LET_GO = "CAST(error('the ids of these customers were not kept') AS VARCHAR)"
@dataclass(frozen=True)
class Streamed:
    """What is left of the files.

    Attributes:
        source: The used columns but the id, as Parquet, in the order of the files, and where each file starts.
        named: At least the customers who are told of, with their ids, as Parquet too.
    """

    source: SourceTable
    named: SourceTable


def stream_customers(connection: duckdb.DuckDBPyConnection, files: Sequence[NativeFile], workspace: Workspace, told: ToldIds) -> Streamed:
    """Read the CSVs of a customers table once.

    Args:
        connection: Where ids are hashed.
        files: The CSVs.
        workspace: Where the Parquet files lie until the tables are closed.
        told: The ids that are wanted.

    Raises:
        NotPlain: They have to be read with their ids, or by the engine.
    """
    (source, fields), *_ = files
    if "start_date" not in fields.columns or any(replace(other, columns={}) != replace(fields, columns={}) for _, other in files):
        raise NotPlain
    kept, named, ids = workspace.new_file(".parquet"), workspace.new_file(".parquet"), fields.columns["customer_id"].sql
    try:
        starts = _stream(connection, files, kept, named, told)
    except BaseException:
        kept.unlink(missing_ok=True)
        named.unlink(missing_ok=True)
        raise
    from_sql = f"(SELECT *, file_row_number AS place, {_LET_GO} AS {ids} FROM read_parquet({quote_text(str(kept))}))"
    left = replace(source, from_sql=from_sql, record_sql="place", path=str(kept), starts=starts)
    return Streamed(left, replace(source, from_sql=f"read_parquet({quote_text(str(named))})"))


def plain_files(files: Sequence[NativeFile], names: Sequence[str]) -> list[PlainFile]:
    """The columns of these fields in each file; a column that feeds several fields comes once."""
    (_, first), *_ = files
    wanted = {first.columns[name].sql: name for name in reversed(names)}  # by column of the first file, the first field that it feeds
    kept = [name for name in dict.fromkeys(names) if wanted[first.columns[name].sql] == name]
    return [PlainFile(source, tuple(fields.columns[name].sql for name in kept)) for source, fields in files]


def _stream(connection: duckdb.DuckDBPyConnection, files: Sequence[NativeFile], path: Path, named_path: Path, told: ToldIds) -> tuple[int, ...]:
    """Where each file starts."""
    (_, fields), *_ = files
    ids, start = fields.columns["customer_id"].sql, fields.columns["start_date"].sql
    hashes = Hashes(sum(text_size(source) for source, _ in files) // _BYTES_PER_ROW, told)
    rows = [0] * len(files)
    try:
        with _Kept(path) as kept, _Kept(named_path, unique=ids) as named:
            for number, block in read_plainly(plain_files(files, ["customer_id", *fields.columns])):
                connection.register("plain_rows", block)
                hashed = connection.sql(f"SELECT {if_tidy_sql(ids, f'hash({ids})')} AS hash FROM plain_rows").to_arrow_table()
                if hashed.column(0).null_count or block.column(start).null_count:  # rules tell why there is no first day by what the id says
                    raise NotPlain
                named.write(block.schema.empty_table())  # a file without rows has columns
                hashes.add(hashed.column(0).combine_chunks().to_numpy(), keep=_into(named, block))
                kept.write(block.drop_columns([ids]))
                rows[number] += block.num_rows
            if not sum(rows) or hashes.repeat():
                raise NotPlain
    finally:
        connection.unregister("plain_rows")
    return (0, *accumulate(rows))


def _into(named: _Kept, block: pa.Table) -> Keep:
    def keep(rows: RowArray) -> None:
        wanted = np.zeros(block.num_rows, dtype=np.bool_)
        wanted[rows] = True
        named.write(block.filter(pa.array(wanted)))  # piece by piece; `take` would put the pieces together first

    return keep


class _Kept:
    """A Parquet file that is written by a thread of its own, in the order given; several may give."""

    def __init__(self, path: Path, *, unique: str = "") -> None:
        """`unique`: the column whose texts hardly repeat."""
        self._path, self._unique = path, unique
        self._writer: parquet.ParquetWriter | None = None
        self._thread = ThreadPoolExecutor(1)
        self._giving = Lock()
        self._held: list[pa.Table] = []
        self._waiting: list[Future[None]] = []

    def __enter__(self) -> _Kept:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        try:
            if kind is None:
                self._pass_on(0)
                if self._writer is not None:
                    self._writer.close()
        finally:
            self._thread.shutdown(cancel_futures=True)
            if self._writer is not None and self._writer.is_open:
                with suppress(OSError, pa.ArrowException):  # what could not be written was told already
                    self._writer.close()

    def write(self, block: pa.Table) -> None:
        """Put a block behind those before it."""
        with self._giving:
            self._held.append(block)
            if sum(held.num_rows for held in self._held) >= _ROWS_TOGETHER:
                self._pass_on(_MOST_WAITING)

    def _pass_on(self, most: int) -> None:
        """Have what is held written; wait until no more than `most` groups are left to be."""
        if self._held:
            group, self._held = pa.concat_tables(self._held), []
            writer = self._writer = self._writer or self._open(group.schema)
            self._waiting.append(self._thread.submit(writer.write_table, group, max(group.num_rows, 1)))
        while len(self._waiting) > most:
            self._waiting.pop(0).result()

    def _open(self, schema: pa.Schema) -> parquet.ParquetWriter:
        texts = [column.name for column in schema if pa.types.is_string(column.type)]
        bounds = [name for name in schema.names if name not in texts]
        repeated = [name for name in texts if name != self._unique]
        return parquet.ParquetWriter(self._path, schema, compression="none", use_dictionary=repeated, write_statistics=bounds, store_schema=False)
