"""Rows of the complaints with further columns of their own file, which no canonical table has."""

from __future__ import annotations

from collections.abc import Mapping

from iceberg.errors import EvidenceError, OptionError
from iceberg.ingest.engine.connection import quote_name, quote_text
from iceberg.ingest.files.source_table import SourceColumn
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.rules.rules import reject_mask
from iceberg.ingest.schema import SEVERAL
from iceberg.ingest.tables import Tables

TABLE = "complaints"


def complaints_of(tables: Tables) -> JudgedTable:
    """The complaints as they were judged.

    Raises:
        EvidenceError: ``audit_no_cases``: no complaint names its customer, or there is none.
    """
    found: JudgedTable | None = next((item for item in tables.origin if item.table == TABLE), None)
    if found is None or not found.totals.kept:
        raise EvidenceError("audit_no_cases")
    return found


def column_of(item: JudgedTable, header: str) -> SourceColumn:
    """The column of a file with this header.

    Raises:
        OptionError: ``audit_column``, with those that there are.
    """
    found = item.source.column(header)
    if found is None:
        raise OptionError("audit_column", {"value": header, "file": item.source.reading.file, "known": ", ".join(item.source.reading.headers)})
    return found


def rows_sql(tables: Tables, item: JudgedTable, headers: Mapping[str, str]) -> str:
    """SELECT of record, category, complaint_date, customer_id and, as text under its name, each column of `headers`, of the rows that were kept.

    A case with several categories counts with the first. Rows that are not in the file as they were read (short lines that were mended) have no value
    in the further columns.
    """
    mask = reject_mask(TABLE)
    own = f"split_part(category, {quote_text(SEVERAL)}, 1)"
    kept = (
        f"SELECT {item.record_sql} AS record, {own} AS category, complaint_date, customer_id FROM {item.read_name} WHERE (flags & {mask}) = 0"
    )
    if not headers:
        return kept
    named = ", ".join(f"f.{quote_name(name)}" for name in headers)
    return f"SELECT k.*, {named} FROM ({kept}) AS k LEFT JOIN ({_file_sql(tables, item, headers)}) AS f ON k.record = f.record"


def _file_sql(tables: Tables, item: JudgedTable, headers: Mapping[str, str]) -> str:
    """SELECT of record and the columns, over all files of the table in their order."""
    parts = item.parts or ((0, item),)
    return " UNION ALL ".join(_part_sql(tables, part, start, headers) for start, part in parts)


def _part_sql(tables: Tables, item: JudgedTable, start: int, headers: Mapping[str, str]) -> str:
    (records,) = tables.connection.execute(f"SELECT count(*) FROM {item.source.from_sql}").fetchall()[0]
    texts = [column.text_sql if (column := item.source.column(header)) is not None else "NULL" for header in headers.values()]
    if records != item.file_records:  # the file was mended on the way: which line became which record is unknown
        texts = ["NULL"] * len(texts)
    named = ", ".join(f"nullif(trim(CAST({text} AS VARCHAR)), '') AS {quote_name(name)}" for text, name in zip(texts, headers, strict=True))
    return f"SELECT row_number() OVER () - 1 + {start} AS record, {named} FROM {item.source.from_sql}"
