"""Recognises how the dates of a column are written, and gives the SQL that parses them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.values.date_forms import day_sql, days_in, has_zone, moved_sql

# Texts that exports write into empty cells; compared in lower case.
BLANK_TEXTS = (
    *("", "null", "none", "nan", "nat", "na", "n/a", "#n/a", "-", "--", "\\n", "(blank)", "(vide)", "(empty)", "nil"),
    *("0000-00-00", "0000-00-00 00:00:00", "00/00/0000", "00.00.0000", "00-00-0000", "0000/00/00", "00000000", "00.00.0000 00:00:00"),
)

# Words written in place of a last day for customers who have not left; compared in lower case.
STILL_HERE = (
    *("present", "current", "currently", "ongoing", "active", "still active", "open", "open ended", "open-ended", "never", "no end", "no end date"),
    *("still here", "until further notice", "n.a.", "en cours", "actif", "toujours actif", "toujours client", "jamais", "aujourd'hui"),
    *("indéterminé", "indetermine", "indéterminée", "cdi", "sans fin", "aucune", "aucun", "à ce jour", "a ce jour"),
    *("laufend", "aktiv", "unbefristet", "activo", "vigente", "attivo", "in corso", "actief", "lopend", "ativo"),
)
_NO_DAY = frozenset({*BLANK_TEXTS, *STILL_HERE})
AS_WRITTEN = "as written"  # the day in the cell is taken, whatever its offset
_NUMERIC = re.compile(r"(\d{1,2})([/.\- ])(\d{1,2})\2(\d{4}|\d{2})( \d{1,2}:\d{2}(?::\d{2})?(?: [AaPp][Mm])?)?", re.ASCII)
_HYPHENATED = re.compile(r"\d{4}-\d{1,2}-\d{1,2}\b", re.ASCII)

# The names that mapping files use. "day_first" and "month_first" apply to any separator.
DATE_FORMATS = (
    *("iso", "day_first", "month_first", "yyyymmdd", "unix_seconds", "unix_milliseconds", "excel_serial"),
    *("named_month", "year_month", "month_year", "named_month_year"),
)
_ENOUGH_CONVERTED = 8  # judgement: by chance alone, one column in two thousand would have so few days and none over 12
_ISO_DAY = re.compile(r"\d{4}-\d{2}-(\d{2})")
_TWO_SYSTEMS = 0.05  # judgement: from this share on, two systems wrote the column
_UNIX = ("unix_seconds", "unix_milliseconds")
_CERTAIN = ("iso", "named_month", "yyyymmdd")  # no text of these is another day in another format, so every column may hold some
_MONTHS_ONLY = ("year_month", "month_year", "named_month_year")
_NUMBERS = [
    (name, re.compile(pattern, re.ASCII))
    for name, pattern in (
        ("unix_seconds", r"\d{9,10}(?:\.\d+)?"),
        ("unix_milliseconds", r"\d{12,13}(?:\.0+)?"),
        ("excel_serial", r"[2-7]\d{4}(?:[.,]\d+)?"),
    )
]


@dataclass(frozen=True)
class DateReading:
    """How the dates of one column are read.

    Attributes:
        format: One of `DATE_FORMATS`; ``"day_first"`` when `ambiguous` and the analyst has not decided yet.
        patterns: strptime patterns seen, most frequent first: the quickest way to read most values, which decides nothing.
        share: Share of the non-blank sample values that have this format.
        ambiguous: Day-first and month-first both fit every value.
        example: A value as in the file.
        mixed: Some values can only be day first and others only month first, so values that fit both are undecided.
        offset: Times carry a UTC offset, so the day depends on the time zone.
        hyphens: ISO days are written with hyphens, as every engine reads them.
        iso_only: Read nothing but ISO days: in an engine that has no other forms.
        zone: Zone whose day is taken, such as ``"Europe/Paris"``; "" takes the day as written (UTC for Unix time).
    """

    format: str
    patterns: tuple[str, ...]
    share: float
    ambiguous: bool
    example: str
    offset: bool = False
    zone: str = ""
    mixed: bool = False
    hyphens: bool = True
    iso_only: bool = False

    @property
    def time_zone(self) -> str:
        """The zone to report: "" where the day does not depend on a time zone."""
        if self.format in _UNIX:
            return self.zone or "UTC"
        return (self.zone or AS_WRITTEN) if self.offset else ""


def recognise_dates(values: Iterable[str | None]) -> DateReading | None:
    """The format of a column, from a sample of its texts; None when fewer than half of them look like dates."""
    filled = [text for value in values if value is not None and (text := value.strip()).lower() not in _NO_DAY]
    if not filled:
        return None
    votes: Counter[str] = Counter()
    patterns: Counter[str] = Counter()
    both = 0
    for text in filled:
        kind, pattern = _classify(text)
        if kind == "either":
            both += 1
        elif kind:
            votes[kind] += 1
        if pattern:
            patterns[pattern] += 1
    mixed = are_mixed(votes["day_first"], votes["month_first"]) and both > 0
    ambiguous = both > 0 and not votes["day_first"] and not votes["month_first"]
    if both:
        votes["month_first" if votes["month_first"] > votes["day_first"] else "day_first"] += both
    if not votes:
        return None
    chosen, times = _most_likely(votes)
    if times < 0.5 * len(filled):
        return None
    numeric = tuple(pattern for pattern, _ in patterns.most_common()) if chosen in {"day_first", "month_first"} else ()
    ambiguous = ambiguous and chosen == "day_first"
    offset, hyphens = any(map(has_zone, filled)), all(_HYPHENATED.match(text) for text in filled)
    mixed = mixed and chosen in {"day_first", "month_first"}
    return DateReading(chosen, numeric, times / len(filled), ambiguous, _example(filled), offset, mixed=mixed, hyphens=hyphens)


def _example(filled: list[str]) -> str:
    """A value that is another day in the other order: 03/04/2025 rather than 01/01/2025."""
    swapped = (text for text in filled if (days := days_in(text)).get("day_first") != days.get("month_first"))
    return next(swapped, filled[0])


def _most_likely(votes: Counter[str]) -> tuple[str, int]:
    """The format and the number of values it explains. Days that can be read in one way only count for every format: sheets mix them."""
    certain = Counter({name: count for name, count in votes.items() if name in _CERTAIN})
    others = Counter({name: count for name, count in votes.items() if name not in _CERTAIN})
    name, count = others.most_common(1)[0] if others else ("", 0)
    if name and (count >= max(2, _TWO_SYSTEMS * votes.total()) or not certain):
        alike = sum(others[other] for other in _MONTHS_ONLY) if name in _MONTHS_ONLY else count
        return name, alike + certain.total()
    return certain.most_common(1)[0][0], certain.total()


def half_converted(values: Iterable[str | None]) -> tuple[str, str] | None:
    """A text and a date from a column that a spreadsheet half converted in the wrong order; None where there is no sign of it.

    A spreadsheet that swaps day and month leaves texts with a day over 12 as they are, so none of its dates has a day over 12.
    """
    filled = [text for value in values if value is not None and (text := value.strip())]
    texts = [text for text in filled if _classify(text)[0] in {"day_first", "month_first", "either"}]
    days = [match for text in filled if (match := _ISO_DAY.match(text))]
    swapped = all(int(match[1]) <= 12 for match in days) and all(_classify(text)[0] == "day_first" for text in texts)
    if len(texts) < _ENOUGH_CONVERTED or len(days) < _ENOUGH_CONVERTED or not swapped:
        return None
    return texts[0], days[0].group()


def are_mixed(day_first: int, month_first: int) -> bool:
    """Whether values that fit only one order, and values that fit only the other, are both too many to be typing errors."""
    return min(day_first, month_first) >= max(2, _TWO_SYSTEMS * (day_first + month_first))


def _classify(text: str) -> tuple[str, str]:
    """The format of a text, "either" where day and month could be swapped, "" where it is no day; and its strptime pattern if it has a plain one."""
    days = days_in(text)
    if days.keys() & {"day_first", "month_first"}:
        kind = "either" if len(days) > 1 else next(iter(days))
        match = _NUMERIC.fullmatch(text)
        return kind, f"%{{}}{match[2]}%{{}}{match[2]}%{'Y' if len(match[4]) == 4 else 'y'}{_time_pattern(match[5])}" if match else ""
    if days:
        return next(iter(days)), ""
    return next((name for name, pattern in _NUMBERS if pattern.fullmatch(text)), ""), ""


def _time_pattern(time: str | None) -> str:
    if not time:
        return ""
    half_day = time[-1] in "mM"
    return f" {'%I' if half_day else '%H'}:%M{':%S' if time.count(':') > 1 else ''}{' %p' if half_day else ''}"


def date_sql(text: str, reading: DateReading) -> str:
    """SQL of the DATE that `text` holds, NULL where it does not parse; `text` is SQL of a VARCHAR and may name any columns.

    Days that can be read in one way only are accepted in every format: Excel cells arrive in ISO, and a name says which number is the month.
    """
    name, zone = reading.format, reading.zone or "UTC"
    iso = f"TRY_CAST({text} AS DATE)"
    if reading.iso_only:
        return iso
    certain = (*_MONTHS_ONLY, *_CERTAIN) if name in _MONTHS_ONLY else _CERTAIN
    any_form = day_sql(text, dict.fromkeys((name, *certain)))
    if reading.offset and reading.zone and name not in _UNIX:
        return moved_sql(text, any_form, zone)
    if name in _SQL:
        quick = _SQL[name].format(text=text, zone=zone)
    elif name in {"day_first", "month_first"} and reading.patterns:
        quick = _strptime_sql(text, reading)
    else:
        quick = iso
    # What the quick way cannot read may be written in any form of the table; an empty cell is not worth the look.
    return f"coalesce({quick}, CASE WHEN trim({text}) <> '' THEN {any_form} END)"


def _strptime_sql(text: str, reading: DateReading) -> str:
    """SQL of the DATE of most values; years of two digits are left out where others have four: 25 would be read as the year 25."""
    order = ("d", "m") if reading.format == "day_first" else ("m", "d")
    long = [pattern.format(*order) for pattern in reading.patterns if "%Y" in pattern]
    formats = long or [pattern.format(*order) for pattern in reading.patterns]
    parsed = f"CAST(try_strptime({text}, [{', '.join(map(quote_text, formats))}]) AS DATE)"
    return f"CASE WHEN {parsed} >= DATE '1000-01-01' THEN {parsed} END" if long else parsed


def _number_within(low: int, high: int, cast: str = "TRY_CAST({text} AS DOUBLE)") -> str:
    """SQL of the number in `{text}`, NULL outside the range: a number that is no day would stop the query."""
    return f"CASE WHEN {cast} BETWEEN {low} AND {high} THEN {cast} END"


_LAST_SECOND = 253_402_300_799  # 9999-12-31 23:59:59
_LAST_SERIAL = 2_958_465  # 9999-12-31
_COMMA_CAST = "TRY_CAST(replace({text}, ',', '.') AS DOUBLE)"
_SQL = {
    "yyyymmdd": "CAST(try_strptime({text}, '%Y%m%d') AS DATE)",
    "unix_seconds": f"CAST(to_timestamp({_number_within(-_LAST_SECOND // 4, _LAST_SECOND)}) AT TIME ZONE '{{zone}}' AS DATE)",
    "unix_milliseconds": f"CAST(to_timestamp({_number_within(-250 * _LAST_SECOND, 1000 * _LAST_SECOND)} / 1000) AT TIME ZONE '{{zone}}' AS DATE)",
    # Excel counts days from 30 December 1899, because its calendar has a 29 February 1900.
    "excel_serial": f"(DATE '1899-12-30' + CAST(floor({_number_within(0, _LAST_SERIAL, _COMMA_CAST)}) AS INTEGER))",
}

