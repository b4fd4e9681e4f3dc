"""Repeats the labels of volume sheets down their blocks: merged cells, and labels that stand on the first row of a block only."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import duckdb
import pyarrow as pa

from iceberg.ingest.columns.mapping import ColumnMapping
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.files.read import drop_rejects, store_table
from iceberg.ingest.files.source_table import PREVIEW_ROWS, SourceColumn, SourceTable

LABELS_REPEATED = "labels_repeated"
_MOST_CELLS = 1_000_000  # judgement: no such sheet has more cells
_FEW_BLANKS = 0.2  # judgement: fewer blank labels are gaps, not blocks


def repeat_labels(connection: duckdb.DuckDBPyConnection, source: SourceTable, mapping: ColumnMapping, workspace: Workspace) -> SourceTable | None:
    """The table of volumes with its labels on every row; None where no column has blocks.

    A blank month or category is that of the row above only if each category then stands once in each month, so that a blank that means
    "none" stays blank.

    Args:
        connection: Where the file can be queried.
        source: The file.
        mapping: Its columns of month, category and count.
        workspace: Where the table is kept.
    """
    headers = [mapping.header(name) for name in ("month", "category", "complaints")]
    chosen = [source.column(header) for header in headers if header is not None]
    columns = [column for column in chosen if column is not None]
    if len(columns) != len(headers) or any(column.parts for column in columns) or not any(map(_has_blocks, columns[:2])):
        return None
    line = source.line_column or f"row_number() OVER () + {source.first_row - 1}"
    texts = ", ".join(f"CAST({column.sql} AS VARCHAR)" for column in source.columns)
    try:
        rows = connection.execute(f"SELECT {line}, {texts} FROM {source.from_sql} LIMIT {_MOST_CELLS // len(source.columns) + 1}").fetchall()
    except duckdb.Error:  # malformed lines; they are mended when the table is read
        return None
    finally:
        drop_rejects(connection, source)
    places = [source.columns.index(column) + 1 for column in columns]
    filled = _filled([list(row) for row in rows], *places)
    if filled is None or len(rows) * len(source.columns) > _MOST_CELLS:
        return None
    return _stored(connection, source, filled, workspace)


def _has_blocks(column: SourceColumn) -> bool:
    """Whether the first cell of a column is filled and many later ones are blank."""
    texts = [(text or "").strip() for text in column.sample]
    return len(texts) > 2 and bool(texts[0]) and column.is_text and sum(not text for text in texts) >= _FEW_BLANKS * len(texts)


def _filled(rows: list[list[str | None]], month: int, category: int, count: int) -> list[list[str | None]] | None:
    """The rows with labels repeated; None where nothing was blank, or a category would stand twice in a month."""
    above: dict[int, str | None] = {}
    changed, seen = False, set[tuple[str | None, str | None]]()
    for row in rows:
        if not _text(row[count]):  # a title, a blank row
            continue
        for place in (month, category):
            if _text(row[place]):
                above[place] = row[place]
            elif above.get(place):
                row[place], changed = above[place], True
        pair = (_text(row[month]), _text(row[category]))
        if pair in seen:
            return None
        seen.add(pair)
    return rows if changed else None


def _text(value: object) -> str:
    return str(value if value is not None else "").strip()


def _stored(connection: duckdb.DuckDBPyConnection, source: SourceTable, rows: Sequence[Sequence[str | None]], workspace: Workspace) -> SourceTable:
    names = [f"c{place}" for place in range(len(source.columns))]
    table = pa.table(
        {"line": pa.array([row[0] for row in rows], type=pa.int64())}
        | {name: pa.array([row[place] for row in rows], type=pa.string()) for place, name in enumerate(names, start=1)}
    )
    first = rows[:PREVIEW_ROWS]
    columns = tuple(
        replace(column, sql=name, type="VARCHAR", wrapped_name="", sample=tuple(row[place] for row in first))
        for place, (name, column) in enumerate(zip(names, source.columns, strict=True), start=1)
    )
    reading = replace(source.reading, rewritten=LABELS_REPEATED)
    return SourceTable(reading, columns, store_table(connection, table, workspace), first_row=1, line_column="line")
