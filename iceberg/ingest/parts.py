"""Owns a table that comes in several files: each is read and judged as its own, then all are one, and every row knows its file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import duckdb
import pandas as pd

from iceberg.errors import FileError, MappingError
from iceberg.ingest.columns import normalise_header
from iceberg.ingest.judge import JudgedTable
from iceberg.ingest.mapping import ColumnMapping
from iceberg.ingest.read import SourceTable
from iceberg.ingest.rules import reject_mask
from iceberg.ingest.sources import Source, UploadedBytes
from iceberg.ingest.tables import FileTotals

_PATTERN = frozenset("*?[")


def list_sources(source: Source | Sequence[Source]) -> list[Source]:
    """The files behind what was given for one table: itself, each of a list, or each that fits ``customers-*.csv``.

    Raises:
        FileError: ``no_file_fits`` when a pattern fits nothing.
    """
    if isinstance(source, (pd.DataFrame, UploadedBytes)):
        return [source]
    if isinstance(source, (list, tuple)):
        return [one for entry in source for one in list_sources(entry)]
    text = str(source)
    if not _PATTERN & set(text) or Path(text).exists():
        return [text] if isinstance(source, str) else [source]  # type: ignore[list-item]  # what is left of Source is a path
    pattern = Path(text).expanduser()
    root = Path(pattern.anchor or ".")
    found = sorted(str(path) for path in root.glob(str(pattern.relative_to(pattern.anchor))) if path.is_file())
    if not found:
        raise FileError("no_file_fits", {"file": text})
    return list(found)


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


def set_aside(connection: duckdb.DuckDBPyConnection, item: JudgedTable, number: int) -> JudgedTable:
    """Rename the rows of one file, so that the next file of the same table can be read."""
    name = f"{item.read_name}_{number}"
    if item.is_view:  # a view over a Parquet file numbers its records itself; a table does it by their order
        connection.execute(f"CREATE TEMP TABLE {name} AS SELECT * EXCLUDE record FROM {item.read_name} ORDER BY record")
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
        connection.execute(f"INSERT INTO {read_name} {rows}" if placed else f"CREATE TEMP TABLE {read_name} AS {rows}")
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
    for (start, part), end in zip(item.parts, starts[1:], strict=True):
        where = f"rowid >= {start} AND rowid < {end}"
        rows, rejected = connection.sql(f"SELECT count(*), count(*) FILTER ((flags & {mask}) <> 0) FROM {item.read_name} WHERE {where}").fetchall()[0]
        lines = sum(bad.cells is None for bad in part.bad_lines)
        totals.append(FileTotals(item.table_name, part.source.reading.file, rows + lines, rows - rejected, rejected + lines))
    return totals


def _count(connection: duckdb.DuckDBPyConnection, name: str) -> int:
    return int(connection.sql(f"SELECT count(*) FROM {name}").fetchall()[0][0])
