"""Recognises how the amounts of a column are written (decimal mark, grouping, currency, percent), and gives the SQL that parses them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.values.currencies import SIGN, WITHOUT_CENTS, currencies_in, rate_sql
from iceberg.ingest.values.dates import BLANK_TEXTS

# What a cell says its amount is paid for, without blanks and in capitals: 12 €/MOIS, $12 PER YEAR, 12 EUR P.A.
_MONTH = "(?:(?:/|PAR|PER|PRO|POR|AL)(?:MOIS|MONTH|MTH|MO|MONAT|MES|MESE|MAAND|M)|P\\.?M)\\.?\"?$"
_YEAR = "(?:(?:/|PAR|PER|PRO|POR|AL)(?:AN|ANN[E\u00c9]E|YEAR|YR|JAHR|A[N\u00d1]O|ANNO|JAAR|Y)|P\\.?A)\\.?\"?$"
# What is taken off an amount before it is read, in order, by both engines of regular expressions: blanks (also no-break and narrow ones) and the
# apostrophes of Switzerland; what it is paid for; the currency or a percent sign before or behind it; the brackets, or the sign behind it, of an
# amount below zero.
_STEPS = (
    (re.compile("[\\s\u00a0\u202f\u2009'\u2019_]"), ""),
    (re.compile(f"(?:{_MONTH}|{_YEAR})"), ""),
    (re.compile("([0-9])[.,:/][-\u2013\u2014]{1,2}"), "\\1"),  # no cents: 1'000.\u2013, 1 000:-
    (re.compile(f"^=?\"?([-+(]*)(?:{SIGN}){{1,2}}([-+]?[0-9.,])"), "\\1\\2"),
    (re.compile(f"([0-9.,)-])(?:{SIGN}){{0,2}}(?:HT|TTC|%)?\\.?([)-]*)\"?$"), "\\1\\2"),
    (re.compile("^\\((.*)\\)$|^([0-9.,]+)-$"), "-\\1\\2"),
)
MONTHS_PER_YEAR = 12
PERIODS_PER_YEAR = {"year": 1, "quarter": 4, "month": MONTHS_PER_YEAR, "week": 52}
# What a header says that an amount is paid per, the first that fits; a sum over twelve months is one of a year.
_PERIOD_HEADERS = {
    "year": r"\b(?:12|twelve|douze|zwolf|doce|dodici|twaalf)\b.*(?:\bm\b|month|mois|monat|mes|maand)|annual|annuel|yearly|jahr|\banual|\bannua\b"
    r"|\barr\b|\bacv\b|jaarlijks|\bp a\b|年",
    "month": r"month|mensu|mensil|mensal|monat|\bmois\b|maand|maned|manad|miesi|mesic|kuukau|\baylik|\bmrr\b|\barpu\b|\bpcm\b|\bmo$|月",
    "quarter": r"quarter|trimestr|quartal|kwarta|kvartal",
    "week": r"\bweek|hebdo|\bsemaine|\bsemanal|settiman|wochent|\bwoche\b|wekelijks|tygodni",
}
LARGEST_NUMBER = "1e15"  # judgement: no count or amount is larger
_NO_CENTS = re.compile("[0-9]([.,])[-\u2013\u2014]")
_PLAIN = re.compile(r"[-+]?\d+(\.\d+)?([eE][-+]?\d+)?")
_COMMA = re.compile(r"[-+]?(\d{1,3}(\.\d{3})+|\d+)(,\d+)?")
_SHORT_OR_GROUPED = re.compile(r"[-+]?(?:0|[1-9]\d{0,2}(?:\.\d{3})?)")
_GROUPED = re.compile(r"[-+]?\d{1,3}(,\d{2})*,\d{3}(,\d{3})*(\.\d+)?")

# Patterns of an amount without ornaments; the second mark groups thousands (and, in India, hundreds).
_POINT_SQL = "[-+]?(\\d{1,3}(,\\d{2})*,\\d{3}|\\d+)?(\\.\\d*)?([eE][-+]?\\d+)?"
_COMMA_SQL = "[-+]?(\\d{1,3}(\\.\\d{3})+|\\d+)?(,\\d*)?"

# What shows that the comma of 1,234 is a decimal mark, and that it groups thousands: it stands before other than three final digits; two of them,
# or one before a point.
BY_COMMA = (r",(\d{1,2}|\d{4,})\D*$", r"\d,\d{3}[,.]\d")
# The same for the comma beside 1.234, in the same order. Four digits without a point show that points do not group.
BY_POINT = (r"\d\.\d{3}[,.]\d", r"\.(\d{1,2}|\d{4,})\D*$|(^|\D)0\.\d|^[-+]?\d{4,}$")


@dataclass(frozen=True)
class NumberReading:
    """How the amounts of one column are read.

    Attributes:
        decimal: ``"."`` or ``","``.
        plain: Every sample value is a number without cleaning.
        share: Share of the non-blank sample values that parse.
        ambiguous: 1,234 or 1.234 could be thousands or decimals and the sample does not decide.
        currency: ISO code of the currency in the cells, "" where there is none.
        currencies: Every currency in the cells, the most frequent first.
        rates: What one unit of the others is worth in `currency`, as the user says.
    """

    decimal: str
    plain: bool
    share: float
    ambiguous: bool = False
    currency: str = ""
    currencies: tuple[str, ...] = ()
    rates: Mapping[str, float] = field(default_factory=dict)

    @property
    def unconverted(self) -> tuple[str, ...]:
        """The currencies for which a rate is missing: their amounts cannot be added to the others."""
        return tuple(code for code in self.currencies if code != self.currency and code not in self.rates)

    def converted(self, rates: Mapping[str, float]) -> NumberReading:
        """The same with these rates; the currency that has none, or the rate 1, is the one that amounts are brought to."""
        own = [code for code in self.currencies if rates.get(code, 1.0) == 1.0]
        base = own[0] if own else self.currency
        return replace(self, currency=base, rates={code: rate for code, rate in rates.items() if code != base})


def recognise_numbers(values: Iterable[str | None]) -> NumberReading | None:
    """The decimal mark of a column, from a sample of its texts; None when fewer than half of them are numbers."""
    filled = [text for value in values if value is not None and (text := value.strip()).lower() not in BLANK_TEXTS]
    if not filled:
        return None
    plain = sum(bool(_PLAIN.fullmatch(text)) for text in filled)
    if plain == len(filled) and not _may_be_grouped(filled):
        return NumberReading(".", True, 1.0)
    found = currencies_in(compact(text) for text in filled)
    currency = found[0] if found else ""
    bare = [_bare(text) for text in filled]
    point = sum(bool(_PLAIN.fullmatch(text) or _GROUPED.fullmatch(text)) for text in bare)
    comma = sum(bool(_COMMA.fullmatch(text)) for text in bare)
    if max(point, comma) < 0.5 * len(filled):
        return None
    whole = {match[1] for text in filled if (match := _NO_CENTS.search(text))}  # "1.100,-" says that the comma is the decimal mark
    if len(whole) == 1 and point == comma:
        return NumberReading(whole.pop(), False, point / len(filled), False, currency, found)
    ambiguous = point == comma and any(re.fullmatch(r"[-+]?\d{1,3}[.,]\d{3}", text) for text in bare)
    decimal = "," if comma > point or (comma == point and any("," in text for text in bare)) else "."
    if ambiguous and currency in WITHOUT_CENTS:  # 1.000 CFA are a thousand
        ambiguous, decimal = False, "," if any("." in text for text in bare) else "."
    return NumberReading(decimal, False, max(point, comma) / len(filled), ambiguous, currency, found)


def _may_be_grouped(texts: list[str]) -> bool:
    """Whether points may group thousands, as in 950 and 1.250: three digits behind each, and nothing that only a decimal point explains."""
    return all(_SHORT_OR_GROUPED.fullmatch(text) for text in texts) and any("." in text for text in texts)


def compact(text: str) -> str:
    """A text without blanks, in upper case."""
    pattern, replacement = _STEPS[0]
    return pattern.sub(replacement, text).upper()


def compact_sql(text: str) -> str:
    """SQL of the same."""
    pattern, replacement = _STEPS[0]
    return f"upper(regexp_replace({text}, {quote_text(pattern.pattern)}, {quote_text(replacement)}, 'g'))"


def says_period(values: Iterable[str | None]) -> bool:
    """Whether amounts say themselves whether they are per month or per year."""
    return any(re.search(f"{_MONTH}|{_YEAR}", compact(value)) for value in values if value)


def period_of(header: str) -> str:
    """What an amount under a normalised header is paid per: a key of `PERIODS_PER_YEAR`, ``"year"`` where it does not say."""
    return period_said(header) or "year"


def period_said(header: str) -> str:
    """The same, "" where the header does not say."""
    return next((period for period, pattern in _PERIOD_HEADERS.items() if re.search(pattern, header)), "")


def amount_in(text: str, reading: NumberReading) -> float | None:
    """The amount in a cell by the decimal mark of its column; None where there is none. Currencies are not converted."""
    bare = _bare(text)
    if reading.decimal == ",":
        bare = bare.replace(".", "").replace(",", ".") if _COMMA.fullmatch(bare) else bare
    elif _GROUPED.fullmatch(bare):
        bare = bare.replace(",", "")
    return float(bare) if _PLAIN.fullmatch(bare) else None


def _bare(text: str) -> str:
    """An amount without its currency."""
    text = compact(text)
    for pattern, replacement in _STEPS[1:]:
        text = pattern.sub(replacement, text)
    return text


def _bare_sql(text: str) -> str:
    """SQL of the same."""
    text = compact_sql(text)
    for pattern, replacement in _STEPS[1:]:
        text = f"regexp_replace({text}, {quote_text(pattern.pattern)}, {quote_text(replacement)})"
    return text


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
    points, commas = "TRY_CAST(replace(bare, ',', '') AS DOUBLE)", "TRY_CAST(replace(replace(bare, '.', ''), ',', '.') AS DOUBLE)"
    if reading.decimal == ",":
        fast = f"CASE WHEN NOT contains({text}, '.') THEN TRY_CAST(replace({text}, ',', '.') AS DOUBLE) END"
        first, second = (_COMMA_SQL, commas), (_POINT_SQL, points)
    else:
        fast = f"CASE WHEN NOT contains({text}, ',') THEN {direct} END"
        first, second = (_POINT_SQL, points), (_COMMA_SQL, commas)
    cases = " ".join(f"WHEN regexp_full_match(bare, '{pattern}') THEN {value}" for pattern, value in (first, second))
    per_year = f"CASE WHEN regexp_matches({compact_sql(text)}, {quote_text(_MONTH)}) THEN {MONTHS_PER_YEAR} ELSE 1 END"
    worth = f" * {rate_sql(compact_sql(text), reading.currency, reading.rates)} * {per_year}"
    careful = f"list_transform([{_bare_sql(text)}], lambda bare: CASE {cases} END)[1]{worth}"  # a list of one, so that the text is cut once
    return f"coalesce({fast}, {careful})"
