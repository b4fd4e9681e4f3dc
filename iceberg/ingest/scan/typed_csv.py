"""Owns the quick way through a CSV: its plain ISO days and plain numbers are cast while they are read, and nothing is asked of a row.

That is tried where every sample value is written so. The first value or line that does not fit ends the attempt, and nothing of it is kept:
the texts are then looked at one by one, by the rules. A test holds what is read so against what the texts give.
"""

from __future__ import annotations

import re
from dataclasses import replace

import duckdb

from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.files.source_table import SourceColumn, SourceTable
from iceberg.ingest.rules.select import TypedFields
from iceberg.ingest.schema import all_fields

_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")
_NUMBER = re.compile(r"-?\d+(\.\d+)?")


def read_natively(source: SourceTable, table: str, fields: TypedFields) -> tuple[SourceTable, TypedFields] | None:
    """The same CSV with typed columns; None where a sample shows anything but plain ISO days and plain numbers, or there is nothing to gain.

    A query of it raises at the first line or value that does not fit.

    Args:
        source: Where the texts are read from.
        table: Canonical table.
        fields: How the texts would be parsed.
    """
    if source.text_path is None:
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
    used = dict.fromkeys(column.sql for column in fields.columns.values())
    # What is only cast the reader parses itself, and passes over whatever follows a day: "2024-01-01 or later" would be one. So it is asked first.
    cells = ", ".join(f"CASE WHEN strlen({name}) > 0 THEN CAST({name} AS {types[name]}) END AS {name}" if name in types else name for name in used)
    struct = ", ".join(f"'{column.sql}': 'VARCHAR'" for column in columns)
    from_sql = (
        f"(SELECT {cells} FROM read_csv({quote_text(str(source.text_path))}, columns = {{{struct}}}, auto_detect = false, header = false, "
        f"skip = {source.skip}, delim = {quote_text(source.reading.separator)}, quote = '\"', escape = '\"', encoding = 'utf-8'))"
    )
    typed = replace(source, columns=columns, from_sql=from_sql, rejects="")
    as_typed = {name: replace(column, type=types.get(column.sql, column.type)) for name, column in fields.columns.items()}
    return typed, replace(fields, columns=as_typed, dates={}, numbers={})


def keep_natively(connection: duckdb.DuckDBPyConnection, source: SourceTable, fields: TypedFields, name: str) -> SourceTable:
    """The columns that are used, copied once into table `name`: its bounds then prove what need not be asked of every row.

    Args:
        connection: Where the table is made.
        source: From `read_natively`.
        fields: From there too.
        name: Of the table.

    Raises:
        duckdb.Error: Some line or value does not fit.
    """
    connection.execute(f"CREATE OR REPLACE TABLE {name} AS SELECT * FROM {source.from_sql}")
    return replace(source, from_sql=name, record_sql="rowid")


def _all_fit(column: SourceColumn, pattern: re.Pattern[str]) -> bool:
    return all(not text or pattern.fullmatch(text) for text in column.sample)
