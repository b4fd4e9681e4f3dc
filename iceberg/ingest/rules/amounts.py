"""Finds out in which currency the amounts of a file are, and what they are paid per: where a column beside them says so, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from iceberg.errors import MappingError
from iceberg.ingest.columns.mapping import ColumnMapping
from iceberg.ingest.columns.propose import load_presets, normalise_header
from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.engine.protocol import Queryable
from iceberg.ingest.files.read import drop_rejects
from iceberg.ingest.files.source_table import SourceColumn, SourceTable
from iceberg.ingest.values.currencies import currency_named
from iceberg.ingest.values.intervals import BY_ROW, counts_months, pays_by_row, times_per_year
from iceberg.ingest.values.numbers import PERIODS_PER_YEAR, NumberReading, period_of, period_said, says_period

_MOST_NAMES = 200  # judgement: a column with more different cells names neither currencies nor periods


@dataclass(frozen=True)
class Currencies:
    """The currencies of the amounts of a file.

    Attributes:
        code: ISO code of the one that amounts are in, or are brought to; "" where none is named.
        unconverted: Every currency, that one first, where a rate is missing and the amounts cannot be added.
        worth_sql: SQL of the factor that brings a row's amount to `code`; "" where it is 1.
    """

    code: str = ""
    unconverted: tuple[str, ...] = ()
    worth_sql: str = ""


@dataclass(frozen=True)
class Periods:
    """What the amounts of a file are paid per.

    Attributes:
        times: What every amount is multiplied by.
        by_row: Text and factor of each period that the column beside the amounts names, the most frequent first; empty where it decides nothing.
        unknown: Texts of that column that say no period; such an amount is not known.
        times_sql: SQL of the factor of a row; "" where all have the same.
    """

    times: float = 1
    by_row: tuple[tuple[str, float], ...] = ()
    unknown: tuple[str, ...] = ()
    times_sql: str = ""


NO_CURRENCY, BY_YEAR = Currencies(), Periods()


def currencies_of(
    connection: Queryable, source: SourceTable, mapping: ColumnMapping, columns: Mapping[str, SourceColumn], reading: NumberReading | None
) -> Currencies:
    """The currencies of the column ``revenue``: those of its cells, else those of the column beside it.

    Args:
        connection: Where the file can be queried.
        source: The file.
        mapping: With the exchange rates that the user gives.
        columns: Source column of each field.
        reading: How the amounts are written; None where they are numbers.
    """
    if reading is not None and reading.currencies:
        return Currencies(reading.currency, reading.currencies if reading.unconverted else ())
    beside = columns.get("currency")
    named = _named(connection, source, beside) if beside is not None and "revenue" in columns else {}
    codes = list(dict.fromkeys(named.values()))
    if not codes:
        return NO_CURRENCY
    rates = mapping.exchange_rates
    base = next((code for code in codes if rates.get(code, 1.0) == 1.0), codes[0])
    if any(code != base and code not in rates for code in codes):
        return Currencies(base, (base, *(code for code in codes if code != base)))
    worth = {text: 1.0 if code == base else rates[code] for text, code in named.items()}
    cases = " ".join(f"WHEN {quote_text(text)} THEN {factor!r}" for text, factor in worth.items())
    return Currencies(base, (), f"CASE currency_parsed {cases} ELSE 1.0 END" if len(codes) > 1 else "")


def revenue_period(mapping: ColumnMapping, revenue: SourceColumn, beside: SourceColumn | None = None) -> str:
    """What amounts are paid per: a key of `PERIODS_PER_YEAR`, `BY_ROW`, or "" where it has to be asked.

    Args:
        mapping: Decides where it says so.
        revenue: The amounts: their header, or their cells, say it next.
        beside: The column that says it row by row, which decides where amounts and words fit each other.
    """
    header = normalise_header(revenue.header)
    if beside is None:
        return mapping.revenue_period.replace(BY_ROW, "") or period_of(header)
    if has_intervals(mapping):
        return BY_ROW
    if mapping.revenue_period or period_said(header) or says_period(revenue.sample):
        return mapping.revenue_period or period_of(header)
    in_months = counts_months(normalise_header(beside.header))
    decided = pays_by_row(header, revenue.sample, beside.sample, in_months=in_months)
    return "" if decided is None else BY_ROW if decided else "year"


def has_intervals(mapping: ColumnMapping) -> bool:
    """Whether the system that wrote the file always has the period beside the amount."""
    return any(preset.name == mapping.system and "interval" in preset.tables.get(mapping.table, {}) for preset in load_presets()[:-1])


def periods_of(connection: Queryable, source: SourceTable, mapping: ColumnMapping, columns: Mapping[str, SourceColumn]) -> Periods:
    """What the column ``revenue`` is paid per.

    Raises:
        MappingError: ``revenue_period_unclear``.
    """
    revenue, beside = columns.get("revenue"), columns.get("interval")
    if revenue is None:
        return BY_YEAR
    period = revenue_period(mapping, revenue, beside)
    if not period and beside is not None:
        values = {"file": source.reading.file, "column": revenue.header, "beside": beside.header, "table": mapping.table}
        raise MappingError("revenue_period_unclear", values | {"values": ", ".join(list(dict.fromkeys(beside.texts))[:4])})
    if period != BY_ROW or beside is None:
        return Periods(1 if says_period(revenue.sample) else PERIODS_PER_YEAR[period or "year"])
    in_months = counts_months(normalise_header(beside.header))
    found = {text: times_per_year(text, in_months=in_months) for text in _texts(connection, source, beside)}
    by_row = tuple((text, times) for text, times in found.items() if times is not None)
    cases = " ".join(f"WHEN {quote_text(text)} THEN {times!r}" for text, times in by_row)
    unknown = tuple(text for text, times in found.items() if times is None)
    times_sql = f"CASE WHEN interval_parsed IS NULL THEN 1.0 {cases.replace('WHEN ', 'WHEN interval_parsed = ')} END" if by_row else ""
    return Periods(1, by_row, unknown, times_sql)


def _named(connection: Queryable, source: SourceTable, column: SourceColumn) -> dict[str, str]:
    """The code of each text in a column of currencies, the most frequent first; an unknown name stands for itself."""
    return {name: currency_named(name) or name.upper() for name in _texts(connection, source, column)}


def _texts(connection: Queryable, source: SourceTable, column: SourceColumn) -> tuple[str, ...]:
    """The different texts of a column, the most frequent first; none where there are too many."""
    text = f"trim({column.text_sql})"
    counted = f"SELECT {text} AS name, count(*) AS rows FROM {source.from_sql} WHERE {text} <> '' GROUP BY 1 ORDER BY rows DESC, name"
    try:
        found = connection.execute(f"{counted} LIMIT {_MOST_NAMES + 1}").fetchall()
    except duckdb.InvalidInputException:  # malformed lines; they are mended when the table is read
        found = [(name, 0) for name in dict.fromkeys(column.texts)]
    finally:
        drop_rejects(connection, source)
    names = tuple(str(name) for name, _ in found if str(name).lower() not in {"null", "none", "n/a", "-"})
    return names if len(found) <= _MOST_NAMES else ()
