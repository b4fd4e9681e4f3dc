"""Reads small tables on this machine, like any file, and sends their rows to Spark, where the customers are."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from pathlib import Path
from typing import cast

from iceberg.ingest.files.load import OnFile
from iceberg.ingest.judging.issues import find_issues
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.remote.places import is_table_of_rows
from iceberg.ingest.rules.rules import bit_of
from iceberg.ingest.schema import CANONICAL_COLUMNS, FileTotals, RowIssue
from iceberg.ingest.spark.engine import SparkEngine
from iceberg.ingest.spark.sources import is_remote
from iceberg.ingest.tables import Tables

_FOR_SPARK = (".parquet", ".pq")
# Rules that need the customers, or the rows that these rules leave, are judged in Spark.
_JUDGED_IN_SPARK = {
    "complaints": (
        "unknown_customer",
        "complaint_of_rejected_customer",
        "complaint_before_start",
        "complaint_after_departure",
        "duplicate_complaint",
    ),
    "incidents": ("unknown_customer",),
}


def is_read_here(source: str) -> bool:
    """Whether this package reads a source better than Spark: a CSV of any kind, a workbook, a stream, a table of a database or a lake."""
    if is_table_of_rows(source) or source == "-":
        return True
    path = Path(source.rpartition("#")[0] if "#" in source and not Path(source).exists() else source).expanduser()
    return not is_remote(source) and not any(sign in source for sign in "*?[") and not path.is_dir() and path.suffix.lower() not in _FOR_SPARK


class LocalTables:
    """Tables that were read on this machine, and what became of their rows.

    Attributes:
        items: One per table; complaints that name no customer are volumes.
        parts: Totals per file, where a table came in several.
    """

    def __init__(self, sources: Mapping[str, str], mappings: MappingSet, today: date, on_file: OnFile | None, scratch: Path | None) -> None:
        self.items: tuple[JudgedTable, ...] = ()
        self.parts: tuple[FileTotals, ...] = ()
        self._tables: Tables | None = None
        if sources:
            self._tables, report = load_tables(
                **sources,  # type: ignore[arg-type]  # only sources are in the dictionary
                mapping=mappings,
                today=today,
                relate=False,
                temp_directory=scratch,
                on_file=on_file,
            )
            self.items, self.parts = cast("tuple[JudgedTable, ...]", self._tables.origin), report.parts

    def holds(self, table: str) -> bool:
        """Whether a table was read on this machine."""
        return any(item.table == table for item in self.items)

    def send(self, engine: SparkEngine, item: JudgedTable) -> None:
        """Register its rows as ``read_<table>`` in Spark, numbered, without the flags of the rules that are judged there."""
        assert self._tables is not None  # noqa: S101  # there are items
        here = self._tables.connection
        bits = sum(bit_of(item.table, rule) for rule in _JUDGED_IN_SPARK.get(item.table, ()))
        if bits:
            here.execute(f"UPDATE {item.read_name} SET flags = flags & ~{bits} WHERE (flags & {bits}) <> 0")
        columns = ", ".join(CANONICAL_COLUMNS[item.table])
        rows = here.sql(f"SELECT {columns}, CAST(flags AS INTEGER) AS flags, CAST(rowid AS BIGINT) AS record FROM {item.read_name}")
        engine.register(f"read_{item.table}", rows.to_arrow_table())

    def first_rows(self, engine: SparkEngine, item: JudgedTable, limit: int) -> list[RowIssue]:
        """The first rows that broke each rule with file and line. Flags that Spark set are added to those that were set here."""
        assert self._tables is not None  # noqa: S101  # there are items
        here = self._tables.connection
        for rule in _JUDGED_IN_SPARK.get(item.table, ()):
            bit = bit_of(item.table, rule)
            if any(flags & bit for flags in item.flags):
                rows = engine.execute(f"SELECT record FROM judged_{item.table} WHERE (flags & {bit}) <> 0 ORDER BY record LIMIT {limit}").fetchall()
                records = ", ".join(str(int(record)) for (record,) in rows)
                here.execute(f"UPDATE {item.read_name} SET flags = flags | {bit} WHERE rowid IN ({records})")
        return find_issues(here, item, limit=limit) if item.rule_rows or item.bad_lines else []

    def close(self) -> None:
        """Drop every row."""
        if self._tables is not None:
            self._tables.close()
            self._tables = None
