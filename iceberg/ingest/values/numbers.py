"""Recognises how the amounts of a column are written (decimal mark, grouping, currency, percent), and gives the SQL that parses them."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from iceberg.ingest.values.dates import BLANK_TEXTS

# What can surround or interrupt an amount without being part of it: spaces (also no-break and narrow), currency, percent.
_ORNAMENT = re.compile(r"[\s\u00a0\u202f\u2009'’€$£%]|EUR|USD|GBP|CHF|CAD", re.IGNORECASE)
_ORNAMENT_SQL = "[\\s\\x{00A0}\\x{202F}\\x{2009}''’€$£%]|(?i:EUR|USD|GBP|CHF|CAD)"
LARGEST_NUMBER = "1e15"  # judgement: no count or amount is larger
_PLAIN = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")
_COMMA = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?")
_GROUPED = re.compile(r"[-+]?\d{1,3}(,\d{3})+(\.\d+)?")

# Patterns of an amount without ornaments; the second mark groups thousands (and, in India, hundreds).
_POINT_SQL = "[-+]?(\\d{1,3}(,\\d{2})*,\\d{3}|\\d+)?(\\.\\d*)?([eE][-+]?\\d+)?"
_COMMA_SQL = "[-+]?(\\d{1,3}(\\.\\d{3})+|\\d+)?(,\\d*)?"

# What decides how 1,234 is read: a comma before other than three final digits is a decimal mark; two commas, or one before a point, group thousands.
DECIMAL_COMMA = r",(\d{1,2}|\d{4,})\D*$"
GROUPED_COMMA = r"\d,\d{3}[,.]\d"


@dataclass(frozen=True)
class NumberReading:
    """How the amounts of one column are read.

    Attributes:
        decimal: ``"."`` or ``","``.
        plain: Every sample value is a number without cleaning.
        share: Share of the non-blank sample values that parse.
        ambiguous: 1,234 or 1.234 could be thousands or decimals and the sample does not decide.
        currency: ISO code of the currency in the cells, "" where there is none.
    """

    decimal: str
    plain: bool
    share: float
    ambiguous: bool = False
    currency: str = ""


_CURRENCIES = {"€": "EUR", "EUR": "EUR", "$": "USD", "USD": "USD", "£": "GBP", "GBP": "GBP", "CHF": "CHF", "CAD": "CAD"}


def recognise_numbers(values: Iterable[str | None]) -> NumberReading | None:
    """The decimal mark of a column, from a sample of its texts; None when fewer than half of them are numbers."""
    filled = [text for value in values if value is not None and (text := value.strip()).lower() not in BLANK_TEXTS]
    if not filled:
        return None
    plain = sum(bool(_PLAIN.fullmatch(text)) for text in filled)
    currency = next((code for text in filled[:50] for sign, code in _CURRENCIES.items() if sign in text.upper()), "")
    if plain == len(filled):
        return NumberReading(".", True, 1.0, currency=currency)
    bare = [re.sub(r"^\((.*)\)$", r"-\1", _ORNAMENT.sub("", text)) for text in filled]
    point = sum(bool(_PLAIN.fullmatch(text) or _GROUPED.fullmatch(text)) for text in bare)
    comma = sum(bool(_COMMA.fullmatch(text)) for text in bare)
    if max(point, comma) < 0.5 * len(filled):
        return None
    ambiguous = point == comma and any(re.fullmatch(r"[-+]?\d{1,3}[.,]\d{3}", text) for text in bare)
    decimal = "," if comma > point or (comma == point and any("," in text for text in bare)) else "."
    return NumberReading(decimal, False, max(point, comma) / len(filled), ambiguous, currency)


def number_sql(text: str, reading: NumberReading) -> str:
    """SQL of the DOUBLE that `text` holds, NULL where it does not parse or is no amount ("inf", 1e300); `text` is SQL of a VARCHAR."""
    return finite_sql(_number_sql(text, reading))


def finite_sql(number: str) -> str:
    """SQL of `number`, itself SQL of a DOUBLE, and NULL where no amount or count is that large."""
    return f"CASE WHEN abs({number}) < {LARGEST_NUMBER} THEN {number} END"


def _number_sql(text: str, reading: NumberReading) -> str:
    """SQL of a DOUBLE by the decimal mark of the column; a cell that only fits the other mark (12,5 among points) is read by that one."""
    direct = f"TRY_CAST({text} AS DOUBLE)"
    if reading.plain:
        return direct
    bare = f"regexp_replace(regexp_replace({text}, '{_ORNAMENT_SQL}', '', 'g'), '^\\((.*)\\)$', '-\\1')"
    points, commas = f"TRY_CAST(replace({bare}, ',', '') AS DOUBLE)", f"TRY_CAST(replace(replace({bare}, '.', ''), ',', '.') AS DOUBLE)"
    if reading.decimal == ",":
        fast = f"CASE WHEN NOT contains({text}, '.') THEN TRY_CAST(replace({text}, ',', '.') AS DOUBLE) END"
        first, second = (_COMMA_SQL, commas), (_POINT_SQL, points)
    else:
        fast = f"CASE WHEN NOT contains({text}, ',') THEN {direct} END"
        first, second = (_POINT_SQL, points), (_COMMA_SQL, commas)
    cases = " ".join(f"WHEN regexp_full_match({bare}, '{pattern}') THEN {value}" for pattern, value in (first, second))
    return f"coalesce({fast}, CASE {cases} END)"
