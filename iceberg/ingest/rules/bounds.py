"""Proves, by the smallest and largest value of typed columns, which rules no row can break and which values need no repair.

A Parquet file knows these bounds from its own statistics; rules that no row can break are left out of every scan that follows.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, cast

import duckdb

from iceberg.ingest.columns.mapping import ColumnMapping
from iceberg.ingest.files.source_table import SourceColumn, SourceTable
from iceberg.ingest.schema import CONTRACT_FIELDS
from iceberg.ingest.values.numbers import LARGEST_NUMBER

_EARLIEST = date(1900, 1, 2)  # `iceberg.ingest.rules.rules.EARLIEST`
_LAST_PLACEHOLDER = date(1999, 12, 31)  # the latest day that stands for none; see `iceberg.ingest.rules.rules`
_MANY_SEGMENTS = 10_000  # more names than this are not compared one by one


@dataclass(frozen=True)
class Proven:
    """What is true of every row of a customers file.

    Attributes:
        silent: Rules that no row breaks, by id and field.
        plain: Fields whose values stay as they are in the file.
        segments: Every name of a segment; None where they were not all read.
    """

    silent: frozenset[tuple[str, str]] = frozenset()
    plain: frozenset[str] = frozenset()
    segments: tuple[str, ...] | None = None


NOTHING_PROVEN = Proven()


def prove_customers(connection: duckdb.DuckDBPyConnection, source: SourceTable, mapping: ColumnMapping, *, today: date, tidy_ids: bool) -> Proven:
    """What the bounds of a customers file prove; nothing about columns that are text. A proof only saves time: no result depends on it.

    Args:
        connection: Where the file can be queried.
        source: The file.
        mapping: Its columns.
        today: Dates after it lie in the future.
        tidy_ids: No id is missing.
    """
    columns = {name: source.column(choice.header) for name, choice in mapping.choices.items()}
    typed = {name: column for name, column in columns.items() if column is not None and not column.is_text}
    wanted = [name for name in ("start_date", "end_date", "revenue") if name in typed]
    silent, plain = set[tuple[str, str]](), set[str]()
    if tidy_ids:
        silent |= {("missing_customer_id", "customer_id"), ("empty_row", "")}
    if wanted:
        facts = ", ".join(f"min({typed[name].sql}), max({typed[name].sql})" for name in wanted)
        found = connection.execute(f"SELECT {facts} FROM {source.from_sql}").fetchall()[0]
        bounds = {name: found[2 * place : 2 * place + 2] for place, name in enumerate(wanted)}
        if "start_date" in bounds:
            silent |= _of_start(*bounds["start_date"], missing=not is_complete(connection, source, typed["start_date"]), today=today)
        if "end_date" in bounds and (found_silent := _of_end(*bounds["end_date"], today=today)):
            silent |= found_silent
            plain |= {"end_date"} if not mapping.live_statuses and typed["end_date"].type.startswith(("DATE", "TIMESTAMP")) else set()
        if "revenue" in bounds and _is_amount(*bounds["revenue"]):
            silent |= {("negative_revenue", "revenue"), ("unparseable_revenue", "revenue")}
            plain |= {"revenue"}
    segment, names = columns.get("segment"), cast("tuple[str, ...] | None", None)
    if not mapping.choices.keys().isdisjoint(CONTRACT_FIELDS):  # the contract stands behind the segment, and is not known yet
        return Proven(frozenset(silent), frozenset(plain), names)
    if segment is None:
        names = ("",)
    elif segment.is_text or segment.is_exact:
        tidy, names = _are_tidy(connection, source, segment)
        plain |= {"segment"} if tidy else set()
    return Proven(frozenset(silent), frozenset(plain), names)


def is_complete(connection: duckdb.DuckDBPyConnection, source: SourceTable, column: SourceColumn) -> bool:
    """Whether no cell of a typed column is empty."""
    [(missing,)] = connection.execute(f"SELECT count(*) - count({column.sql}) FROM {source.from_sql}").fetchall()
    return not missing


def _of_start(low: Any, high: Any, *, missing: bool, today: date) -> set[tuple[str, str]]:  # noqa: ANN401  # whatever the column holds
    first, last = _day(low), _day(high)
    if missing or first is None or last is None:
        return set()
    silent = {("missing_start_date", "start_date"), ("unparseable_date", "start_date"), ("repeated_header", ""), ("totals_row", "")}
    silent |= {("implausible_date", "start_date")} if first >= _EARLIEST else set()
    return silent | ({("future_date", "start_date")} if last <= today else set())


def _of_end(low: Any, high: Any, *, today: date) -> set[tuple[str, str]]:  # noqa: ANN401  # whatever the column holds
    """All or nothing: a last day stays as it is only where no row breaks any of these rules."""
    first, last = _day(low), _day(high)
    if low is not None and (first is None or last is None or first <= _LAST_PLACEHOLDER or last > today):
        return set()
    return {(rule, "end_date") for rule in ("unparseable_date", "future_end_date", "placeholder_end_date")}


def _is_amount(low: Any, high: Any) -> bool:  # noqa: ANN401  # whatever the column holds
    if low is None:  # every cell is empty
        return True
    numbers = isinstance(low, int | float) and isinstance(high, int | float)
    return numbers and low >= 0 and high < float(LARGEST_NUMBER)


def _day(value: Any) -> date | None:  # noqa: ANN401  # whatever the column holds
    if isinstance(value, datetime):
        return value.date() if value.tzinfo is None else None
    return value if isinstance(value, date) else None


def _are_tidy(connection: duckdb.DuckDBPyConnection, source: SourceTable, column: SourceColumn) -> tuple[bool, tuple[str, ...] | None]:
    """Whether no name of a segment is missing or has blanks around it; and the trimmed names, where all were read."""
    wrong = "{name} IS NULL OR {name} < '!' OR ends_with({name}, ' ')"  # an empty text and blanks sort before all other texts
    if not source.path and source.reading.format != "parquet":
        return not connection.execute(f"SELECT 1 FROM {source.from_sql} WHERE {wrong.format(name=column.text_sql)} LIMIT 1").fetchall(), None
    # Parquet: its dictionaries make distinct names cheaper than rows, unless there are very many.
    sample = f"SELECT count(DISTINCT name) FROM (SELECT {column.sql} AS name FROM {source.from_sql} LIMIT {_MANY_SEGMENTS})"
    if connection.execute(sample).fetchall()[0][0] > _MANY_SEGMENTS // 10:
        return False, None
    distinct = f"SELECT {replace(column, sql='name').text_sql} AS name FROM (SELECT DISTINCT {column.sql} AS name FROM {source.from_sql})"
    trimmed = f"SELECT coalesce(trim(name), ''), {wrong.format(name='name')} FROM ({distinct})"
    found = connection.execute(f"{trimmed} LIMIT {_MANY_SEGMENTS}").fetchall()
    if len(found) == _MANY_SEGMENTS:
        return False, None
    return not any(is_wrong for _, is_wrong in found), tuple(sorted({name for name, _ in found}))
