"""Recognises a month that stands in two columns, its year and its month, and months of a fiscal calendar, which need not be calendar months."""

from __future__ import annotations

import re
from collections.abc import Iterable

from iceberg.ingest.files.source_table import SourceColumn
from iceberg.ingest.schema import MONTH_OF_YEAR
from iceberg.ingest.values.dates import BLANK_TEXTS, recognise_dates

_YEAR = frozenset({"year", "years", "yr", "annee", "an", "jahr", "ano", "anno", "jaar"})
_MONTH = frozenset({"month", "months", "mth", "mois", "monat", "mes", "mese", "maand"})
_PERIOD = _MONTH | {"period", "periode", "periodo"}
_FISCAL = frozenset({"fiscal", "fiscale", "fy", "fm", "exercice", "geschaftsjahr", "ejercicio", "esercizio", "boekjaar"})
# Words that say nothing about what happened in the month.
_EMPTY = frozenset({"of", "the", "de", "du", "d", "des", "la", "le", "l", "del", "der", "no", "number", "num", "numero", "date", "dt"})


def month_pairs(columns: Iterable[tuple[str, SourceColumn]]) -> dict[str, tuple[SourceColumn, SourceColumn]]:
    """Column of the year and column of the month, by the words that their headers share: ``{"cancellation": (year, month)}``.

    Args:
        columns: Each column with its normalised header.
    """
    years, months = dict[str, SourceColumn](), dict[str, SourceColumn]()
    for name, column in columns:
        words = name.split()
        rest = " ".join(word for word in words if word not in _YEAR | _MONTH | _EMPTY)
        is_year, is_month = bool(_YEAR & set(words)), bool(_MONTH & set(words))
        if is_year and not is_month and _are_years(column):
            years.setdefault(rest, column)
        if is_month and not is_year and _are_months(column):
            months.setdefault(rest, column)
    return {rest: (years[rest], months[rest]) for rest in years if rest in months}


def fiscal_header(columns: Iterable[tuple[str, SourceColumn]]) -> str:
    """Header of the column, or of the two as one, that counts the months of a fiscal calendar: "Fiscal Year & Fiscal Month"; "" for none.

    Args:
        columns: Each column with its normalised header.
    """
    named = [(frozenset(name.split()), column) for name, column in columns]
    fiscal = [(words, column) for words, column in named if words & _FISCAL]
    year = next((column for words, column in fiscal if not words & _PERIOD), None)
    month = next((column for words, column in fiscal if words & _PERIOD), None)
    if month is None and year is not None:  # "Exercice" beside "Mois"
        month = next((column for words, column in named if words & _PERIOD and not words & _YEAR and column is not year), None)
    if month is None:
        return ""
    return month.header if year is None or recognise_dates(_filled(month)) is not None else paired_header(year, month)


def paired_header(year: SourceColumn, month: SourceColumn) -> str:
    """Header of the two as one column, see `SourceTable.column`."""
    return f"{year.header}{MONTH_OF_YEAR}{month.header}"


def _filled(column: SourceColumn) -> list[str]:
    return [text for text in column.texts if text.lower() not in BLANK_TEXTS]


def _are_years(column: SourceColumn) -> bool:
    filled = _filled(column)
    return bool(filled) and all(re.fullmatch(r"(?:19|20)\d{2}(?:\.0+)?", text) for text in filled)


def _are_months(column: SourceColumn) -> bool:
    """Whether every cell is a month without its year, as a number or a name."""
    filled = _filled(column)
    if not filled:
        return False
    if all(re.fullmatch(r"(?:0?[1-9]|1[0-2])(?:\.0+)?", text) for text in filled):
        return True
    named = {text: recognise_dates([f"{text} 2024"]) for text in set(filled[:200])}
    return all(reading is not None and reading.format == "named_month_year" for reading in named.values())
