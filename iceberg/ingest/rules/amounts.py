"""Finds out in which currency the amounts of a file are: where a column beside them says so, row by row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from iceberg.ingest.columns.mapping import ColumnMapping
from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.engine.protocol import Queryable
from iceberg.ingest.files.read import drop_rejects
from iceberg.ingest.files.source_table import SourceColumn, SourceTable
from iceberg.ingest.values.currencies import currency_named
from iceberg.ingest.values.numbers import NumberReading

_MOST_CURRENCIES = 200  # judgement: a column with more different cells names no currencies


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


NO_CURRENCY = Currencies()


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


def _named(connection: Queryable, source: SourceTable, column: SourceColumn) -> dict[str, str]:
    """The code of each text in a column of currencies, the most frequent first; an unknown name stands for itself."""
    text = f"trim({column.text_sql})"
    counted = f"SELECT {text} AS name, count(*) AS rows FROM {source.from_sql} WHERE {text} <> '' GROUP BY 1 ORDER BY rows DESC, name"
    try:
        found = connection.execute(f"{counted} LIMIT {_MOST_CURRENCIES + 1}").fetchall()
    except duckdb.InvalidInputException:  # malformed lines; they are mended when the table is read
        found = [(name, 0) for name in dict.fromkeys(column.texts)]
    finally:
        drop_rejects(connection, source)
    if len(found) > _MOST_CURRENCIES:
        return {}
    return {str(name): currency_named(str(name)) or str(name).upper() for name, _ in found if str(name).lower() not in {"null", "none", "n/a", "-"}}
