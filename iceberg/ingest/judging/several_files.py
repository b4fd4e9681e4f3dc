"""Makes one table of several files; the number of a record says from which file it came."""

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
from iceberg.ingest.schema import CASE_FIELDS, FileTotals, all_fields


def require_same_columns(opened: Sequence[tuple[SourceTable, ColumnMapping]]) -> None:
    """Stop when the files of one table do not feed the same fields from the same headers: a column that one lacks would be blank in silence.

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


def with_shared_cases(parts: Sequence[Opened]) -> list[Opened]:
    """The files without what only some of them say of each case, where no mapping asks for it: no estimate depends on that."""
    found = [{name: choice for name, choice in mapping.choices.items() if name in CASE_FIELDS and choice.origin != "mapping"} for _, mapping in parts]
    shared = {name for name in CASE_FIELDS if len({normalise_header(one[name].header) if name in one else "" for one in found}) == 1}
    left_out = {name for one in found for name in one} - shared
    if not left_out:
        return list(parts)
    return [
        (source, replace(mapping, choices={name: choice for name, choice in mapping.choices.items() if name not in left_out}))
        for source, mapping in parts
    ]


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
            understood = like is not None and like.is_text and kinds[name] in {"date", "end", "number", "term"}
            if source.reading.format != "parquet" or not same or understood:
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
    """Record in a table that was read by way of `join_parquet` which record comes from which file."""
    placed = []
    for start, end, (source, mapping) in zip(item.source.starts, item.source.starts[1:], parts, strict=False):
        columns = {name: source.column(choice.header) or item.fields.columns[name] for name, choice in mapping.choices.items()}
        reading = replace(item.source.reading, file=source.reading.file, size_bytes=source.reading.size_bytes)
        part = JudgedTable(item.table, replace(source, reading=reading), mapping, replace(item.fields, columns=columns), item.read_name)
        part.file_records = end - start
        placed.append((start, part))
    item.parts = tuple(placed)


def move_rows(connection: duckdb.DuckDBPyConnection, item: JudgedTable, number: int) -> JudgedTable:
    """Rename the rows of one file, so that the next file of the same table can be read."""
    name = f"{item.read_name}_{number}"
    if item.is_view:
        make_table(connection, item, name, "* EXCLUDE record")
    else:
        connection.execute(f"ALTER TABLE {item.read_name} RENAME TO {name}")
        item.read_name = name
    return item


def make_table(connection: duckdb.DuckDBPyConnection, item: JudgedTable, name: str, columns: str = "*") -> None:
    """Copy a view over a file into a table, so that its rows can be changed; numbers of records become rowids."""
    connection.execute(f"CREATE TABLE {name} AS SELECT {columns} FROM {item.read_name} ORDER BY record; DROP VIEW {item.read_name}")
    item.read_name, item.is_view, item.file_records = name, False, count_rows(connection, name)


def combine_parts(connection: duckdb.DuckDBPyConnection, parts: Sequence[JudgedTable], read_name: str) -> JudgedTable:
    """One table of all the files, in the order given."""
    placed: list[tuple[int, JudgedTable]] = []
    records = 0
    for part in parts:
        rows = f"SELECT * FROM {part.read_name}"
        connection.execute(f"INSERT INTO {read_name} {rows}" if placed else f"CREATE TABLE {read_name} AS {rows}")
        placed.append((records, part))
        records += count_rows(connection, part.read_name)
        connection.execute(f"DROP TABLE {part.read_name}")
    bad_lines = tuple(replace(bad, file=part.source.reading.file) for part in parts for bad in part.bad_lines)
    combined = JudgedTable(parts[0].table, parts[0].source, parts[0].mapping, parts[0].fields, read_name, file_records=records)
    combined.bad_lines, combined.parts = bad_lines, tuple(placed)
    return combined


def count_parts(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> list[FileTotals]:
    """What became of the rows of each file; nothing where there is one."""
    totals = []
    starts = [start for start, _ in item.parts] + [item.file_records]
    mask, number = reject_mask(item.table), item.record_sql
    if item.is_view and not any(flags & mask for flags in item.flags):  # nothing was rejected: no row has to be counted
        return [FileTotals(item.table, part.source.reading.file, part.file_records, part.file_records, 0) for _, part in item.parts]
    for (start, part), end in zip(item.parts, starts[1:], strict=True):
        where = f"{number} >= {start} AND {number} < {end}"
        rows, rejected = connection.sql(f"SELECT count(*), count(*) FILTER ((flags & {mask}) <> 0) FROM {item.read_name} WHERE {where}").fetchall()[0]
        lines = sum(bad.cells is None for bad in part.bad_lines)
        totals.append(FileTotals(item.table, part.source.reading.file, rows + lines, rows - rejected, rejected + lines))
    return totals


def count_rows(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    """Rows of a relation."""
    return int(connection.sql(f"SELECT count(*) FROM {name}").fetchall()[0][0])
