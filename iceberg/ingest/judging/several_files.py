"""Owns a table that comes in several files: each is read and judged as its own, then all are one, and every row knows its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb

from iceberg.errors import MappingError
from iceberg.ingest.columns.mapping import ColumnMapping, Opened
from iceberg.ingest.columns.propose import normalise_header
from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.files.source_table import SourceTable
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.rules.rules import reject_mask
from iceberg.ingest.schema import FileTotals, all_fields


def require_same_columns(opened: Sequence[tuple[SourceTable, ColumnMapping]]) -> None:
    """Stop when the files of one table do not feed the same fields from the same headers: a column missing in one would be blank in silence.

    Raises:
        MappingError: ``files_differ`` names the file and what it lacks or has besides.
    """
    (first, mapping), *others = opened  # one file agrees with itself
    wanted = _headers(mapping)
    for source, other in others:
        found = _headers(other)
        lacking = sorted({mapping.choices[name].header for name in wanted if found.get(name) != wanted[name]})
        besides = sorted({other.choices[name].header for name in found if wanted.get(name) != found[name]})
        if lacking or besides:
            values = {
                "file": source.reading.file,
                "first": first.reading.file,
                "lacking": ", ".join(lacking) or "–",
                "besides": ", ".join(besides) or "–",
                "headers": ", ".join(source.reading.headers),
            }
            raise MappingError("files_differ", values)


def _headers(mapping: ColumnMapping) -> dict[str, str]:
    return {name: normalise_header(choice.header) for name, choice in mapping.choices.items()}


def join_parquet(connection: duckdb.DuckDBPyConnection, parts: Sequence[Opened]) -> Opened | None:
    """Parquet files of one table as one source that is scanned where it lies; None where they have to be read one by one.

    That is so where their mapped columns differ in type, or hold text that has to be understood first (dates, amounts): each file may
    have been written in its own way.
    """
    (first, mapping), *_ = parts
    kinds = all_fields(mapping.table)
    for source, other in parts:
        for name, choice in other.choices.items():
            column, like = source.column(choice.header), first.column(mapping.choices[name].header)
            same = column is not None and like is not None and (column.sql, column.type) == (like.sql, like.type)
            if source.reading.format != "parquet" or not same or (like is not None and like.is_text and kinds[name] in {"date", "end", "number"}):
                return None
    paths = [source.path for source, _ in parts]
    listed = ", ".join(quote_text(path) for path in paths)
    counted = connection.sql(f"SELECT file_name, num_rows FROM parquet_file_metadata([{listed}])").fetchall()
    rows = {str(name): int(count) for name, count in counted}
    starts = [0]
    for path in paths:
        starts.append(starts[-1] + rows[path])
    record = f"CAST({starts[:-1]}[CAST(file_index AS BIGINT) + 1] AS BIGINT) + file_row_number"
    combined = replace(first, from_sql=f"read_parquet([{listed}])", record_sql=record, starts=tuple(starts))
    return combined, mapping


def place_parts(item: JudgedTable, parts: Sequence[Opened]) -> None:
    """Tell a table that was read by `join_parquet` which record comes from which file."""
    placed = []
    for start, end, (source, mapping) in zip(item.source.starts, item.source.starts[1:], parts, strict=False):
        own_columns = {name: source.column(choice.header) or item.fields.columns[name] for name, choice in mapping.choices.items()}
        fields = replace(item.fields, columns=own_columns)
        reading = replace(item.source.reading, file=source.reading.file, size_bytes=source.reading.size_bytes)
        own = replace(source, reading=reading)
        placed.append((start, JudgedTable(item.table, own, mapping, fields, item.read_name, file_records=end - start)))
    item.parts = tuple(placed)


def set_aside(connection: duckdb.DuckDBPyConnection, item: JudgedTable, number: int) -> JudgedTable:
    """Rename the rows of one file, so that the next file of the same table can be read."""
    name = f"{item.read_name}_{number}"
    if item.is_view:  # a view over a Parquet file numbers its records itself; a table does it by their order
        connection.execute(f"CREATE TABLE {name} AS SELECT * EXCLUDE record FROM {item.read_name} ORDER BY record")
        connection.execute(f"DROP VIEW {item.read_name}")
        item.is_view = False
        item.file_records = _count(connection, name)
    else:
        connection.execute(f"ALTER TABLE {item.read_name} RENAME TO {name}")
    item.read_name = name
    return item


def combine_parts(connection: duckdb.DuckDBPyConnection, parts: Sequence[JudgedTable], read_name: str) -> JudgedTable:
    """One table of all the files, in the order given."""
    placed: list[tuple[int, JudgedTable]] = []
    records = 0
    for part in parts:
        rows = f"SELECT * FROM {part.read_name}"
        connection.execute(f"INSERT INTO {read_name} {rows}" if placed else f"CREATE TABLE {read_name} AS {rows}")
        placed.append((records, part))
        records += _count(connection, part.read_name)
        connection.execute(f"DROP TABLE {part.read_name}")
    bad_lines = tuple(replace(bad, file=part.source.reading.file) for part in parts for bad in part.bad_lines)
    return replace(parts[0], read_name=read_name, file_records=records, bad_lines=bad_lines, skip_lines=frozenset(), flags={}, parts=tuple(placed))


def count_parts(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> list[FileTotals]:
    """What became of the rows of each file; nothing where there is one."""
    totals = []
    starts = [start for start, _ in item.parts] + [item.file_records]
    mask = reject_mask(item.table)
    if item.is_view and not any(flags & mask for flags in item.flags):  # nothing was rejected: no need to look whose
        return [FileTotals(item.table, part.source.reading.file, part.file_records, part.file_records, 0) for _, part in item.parts]
    for (start, part), end in zip(item.parts, starts[1:], strict=True):
        number = "record" if item.is_view else "rowid"
        where = f"{number} >= {start} AND {number} < {end}"
        rows, rejected = connection.sql(f"SELECT count(*), count(*) FILTER ((flags & {mask}) <> 0) FROM {item.read_name} WHERE {where}").fetchall()[0]
        lines = sum(bad.cells is None for bad in part.bad_lines)
        totals.append(FileTotals(item.table, part.source.reading.file, rows + lines, rows - rejected, rejected + lines))
    return totals


def _count(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    return int(connection.sql(f"SELECT count(*) FROM {name}").fetchall()[0][0])
