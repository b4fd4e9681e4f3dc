"""Recognises how the dates of a column are written, and gives the SQL that parses them."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

# Texts that exports write into empty cells; compared in lower case.
BLANK_TEXTS = (
    *("", "null", "none", "nan", "nat", "na", "n/a", "#n/a", "-", "--", "\\n", "(blank)", "(vide)", "(empty)", "nil"),
    *("0000-00-00", "0000-00-00 00:00:00", "00/00/0000"),
)

# Words written in place of a last day for customers who have not left; compared in lower case.
STILL_HERE = (
    *("present", "current", "currently", "ongoing", "active", "still active", "open", "open ended", "open-ended", "never", "no end", "no end date"),
    *("still here", "until further notice", "n.a.", "en cours", "actif", "toujours actif", "toujours client", "jamais", "aujourd'hui"),
    *("indéterminé", "indetermine", "indéterminée", "cdi", "sans fin", "aucune", "aucun", "à ce jour", "a ce jour"),
    *("laufend", "aktiv", "unbefristet", "activo", "vigente", "attivo", "in corso", "actief", "lopend", "ativo"),
)
_NO_DAY = frozenset({*BLANK_TEXTS, *STILL_HERE})
_OFFSET = r" ?(?:Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)"
_TIME = rf"(?:[ T]\d{{1,2}}[:h]\d{{2}}(?::\d{{2}}(?:[.,]\d+)?)?(?: ?[AaPp]\.?[Mm]\.?)?(?:{_OFFSET})?)?"
_WITH_OFFSET = re.compile(rf"\d[:h]\d{{2}}(?::\d{{2}}(?:[.,]\d+)?)?{_OFFSET}$")
AS_WRITTEN = "as written"  # the day in the cell is taken, whatever its offset
_ISO = re.compile(rf"\d{{4}}([-/])\d{{1,2}}\1\d{{1,2}}{_TIME}")
_NUMERIC = re.compile(rf"(\d{{1,2}})([/.\- ])(\d{{1,2}})\2(\d{{4}}|\d{{2}})({_TIME})")

# The names that mapping files use. "day_first" and "month_first" apply to any separator.
DATE_FORMATS = (
    *("iso", "day_first", "month_first", "yyyymmdd", "unix_seconds", "unix_milliseconds", "excel_serial"),
    *("named_month", "year_month", "month_year", "named_month_year"),
)
_ENOUGH_CONVERTED = 8  # judgement: by chance alone, one column in two thousand would have so few days and none over 12
_ISO_DAY = re.compile(r"\d{4}-\d{2}-(\d{2})")
_TWO_SYSTEMS = 0.05  # judgement: from this share on, two systems wrote the column
_UNIX = ("unix_seconds", "unix_milliseconds")
_MONTHS = {
    "01": "janvier janv january jan",
    "02": "février fevrier févr fevr fév fev february feb",
    "03": "mars march mar",
    "04": "avril avr april apr",
    "05": "mai may",
    "06": "juin june jun",
    "07": "juillet juil july jul",
    "08": "août aout august aug",
    "09": "septembre september sept sep",
    "10": "octobre october oct",
    "11": "novembre november nov",
    "12": "décembre decembre december déc dec",
}
# Longer names first, so that no name is replaced by a shorter one that it contains.
_MONTH_NUMBERS = sorted(((name, number) for number, names in _MONTHS.items() for name in names.split()), key=lambda item: -len(item[0]))
_NAMES = "|".join(name for name, _ in _MONTH_NUMBERS)
# Formats that a pattern alone recognises, the first one that fits.
_PATTERNS = [
    (name, re.compile(pattern))
    for name, pattern in (
        ("yyyymmdd", r"(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])"),
        ("unix_seconds", r"\d{9,10}(?:\.0+)?"),
        ("unix_milliseconds", r"\d{12,13}(?:\.0+)?"),
        ("excel_serial", r"[2-7]\d{4}(?:[.,]\d+)?"),
        ("named_month", rf"(?:\w{{3,9}}\.?,? )?\d{{1,2}}(?:er)?[ -][^\W\d]{{3,9}}\.?[ -](?:\d{{4}}|\d{{2}}){_TIME}"),
        ("named_month", rf"[^\W\d]{{3,9}}\.? \d{{1,2}},? \d{{4}}{_TIME}"),
        ("year_month", r"(?:19|20)\d{2}(?:[-/. ]?M?(?:0[1-9]|1[0-2])|[-/. ]M?[1-9])"),
        ("month_year", r"(?:0?[1-9]|1[0-2])[-/. ](?:19|20)\d{2}"),
        ("named_month_year", rf"(?i:(?:{_NAMES})\.?[ \-/]*'?(?:\d{{4}}|\d{{2}})|\d{{4}}[ \-/]*(?:{_NAMES})\.?)"),
    )
]


@dataclass(frozen=True)
class DateReading:
    """How the dates of one column are read.

    Attributes:
        format: One of `DATE_FORMATS`; ``"day_first"`` when `ambiguous` and the analyst has not decided yet.
        patterns: strptime patterns seen, most frequent first (empty where the format needs none).
        share: Share of the non-blank sample values that have this format.
        ambiguous: Day-first and month-first both fit every value.
        example: A value as in the file.
        mixed: Some values can only be day first and others only month first, so values that fit both are undecided.
        offset: Times carry a UTC offset, so the day depends on the time zone.
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
    offset = any(_WITH_OFFSET.search(text) for text in filled)
    ambiguous = ambiguous and chosen == "day_first"
    return DateReading(chosen, numeric, times / len(filled), ambiguous, _example(filled), offset, mixed=mixed and bool(numeric))


def _example(filled: list[str]) -> str:
    """A value that is another day in the other order: 03/04/2025 rather than 01/01/2025."""
    swapped = (text for text in filled if (match := _NUMERIC.fullmatch(text)) and int(match[1]) != int(match[3]))
    return next(swapped, filled[0])


def _most_likely(votes: Counter[str]) -> tuple[str, int]:
    """The format and the number of values it explains. ISO counts for every format: a sheet mixes date cells with text cells."""
    others = Counter({name: count for name, count in votes.items() if name != "iso"})
    name, count = others.most_common(1)[0] if others else ("iso", 0)
    return (name, count + votes["iso"]) if count >= max(2, _TWO_SYSTEMS * votes.total()) or not votes["iso"] else ("iso", votes["iso"])


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
    if _ISO.fullmatch(text):
        return "iso", ""
    if match := _NUMERIC.fullmatch(text):
        first, separator, second, year, time = match.groups()
        pattern = f"%{{}}{separator}%{{}}{separator}%{'Y' if len(year) == 4 else 'y'}{_time_pattern(time)}"
        if int(first) > 31 or int(second) > 31 or (int(first) > 12 and int(second) > 12):
            return "", ""
        if int(first) > 12:
            return "day_first", pattern
        return ("month_first" if int(second) > 12 else "either"), pattern
    return next((name for name, pattern in _PATTERNS if pattern.fullmatch(text)), ""), ""


def _time_pattern(time: str) -> str:
    time = re.sub(f"{_OFFSET}$", "", time) if time else ""
    if not time:
        return ""
    half_day = time.rstrip(". ").upper().endswith(("AM", "PM"))
    pattern = time[0] + ("%I" if half_day else "%H") + ("h%M" if "h" in time else ":%M") + (":%S" if time.count(":") > 1 else "")
    if half_day:
        pattern += (" " if " " in time[1:] else "") + "%p"
    return pattern


_DEFAULT_PATTERNS = tuple(
    f"%{{}}{separator}%{{}}{separator}%Y{time}"
    for separator in "/.-"
    for time in ("", " %H:%M", " %H:%M:%S", " %I:%M %p", " %I:%M:%S %p")
)


def date_sql(text: str, reading: DateReading | str) -> str:
    """SQL of the DATE that `text` holds, NULL where it does not parse; `text` is SQL of a VARCHAR and may name any columns.

    ISO values are accepted in every format: Excel cells arrive in ISO, and no ISO text is another day in another format.
    """
    if isinstance(reading, str):
        reading = DateReading(reading, (), 1.0, False, "")
    name, seen, zone = reading.format, reading.patterns, reading.zone or "UTC"
    iso = f"TRY_CAST({text} AS DATE)"
    if name == "iso" and reading.offset and reading.zone:
        moved = f"CAST(TRY_CAST({text} AS TIMESTAMPTZ) AT TIME ZONE '{zone}' AS DATE)"
        return f"CASE WHEN regexp_matches({text}, ':[0-9.,:]*{_OFFSET}$') THEN {moved} ELSE {iso} END"
    if name == "iso":
        return iso
    if reading.offset:
        text = f"regexp_replace({text}, '{_OFFSET}$', '')"
    if name in {"day_first", "month_first"}:
        order = ("d", "m") if name == "day_first" else ("m", "d")
        formats = ", ".join(f"'{pattern.format(*order)}'" for pattern in (seen or _DEFAULT_PATTERNS))
        return f"COALESCE(CAST(try_strptime({text}, [{formats}]) AS DATE), {iso})"
    if name == "named_month_year":
        first_day = f"'01 ' || {_named_months_sql(text)}"
        return f"COALESCE({_by_length_of_year(first_day, ('%d %m %Y', '%d %Y %m'), ('%d %m %y',))}, {iso})"
    if name in _SQL:
        return f"COALESCE({_SQL[name].format(text=text, zone=zone)}, {iso})"
    return f"COALESCE({_by_length_of_year(_named_months_sql(text), ('%d %m %Y', '%m %d %Y'), ('%d %m %y',))}, {iso})"


def _by_length_of_year(text: str, long: tuple[str, ...], short: tuple[str, ...]) -> str:
    """SQL of a DATE by the length of the year in `text`: a pattern for four digits would read 25 as the year 25."""
    parse = "CAST(try_strptime({text}, [{formats}]) AS DATE)"
    four, two = (parse.format(text=text, formats=", ".join(f"'{pattern}'" for pattern in formats)) for formats in (long, short))
    return f"CASE WHEN regexp_matches({text}, '[0-9]{{4}}') THEN {four} ELSE {two} END"


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
    "year_month": "CAST(try_strptime(regexp_replace({text}, '^([0-9]{{4}})[-/. ]?M?([0-9]{{1,2}})$', '\\1-\\2-01'), '%Y-%m-%d') AS DATE)",
    "month_year": "CAST(try_strptime(regexp_replace({text}, '^([0-9]{{1,2}})[-/. ]([0-9]{{4}})$', '01/\\1/\\2'), '%d/%m/%Y') AS DATE)",
}


def _named_months_sql(text: str) -> str:
    """SQL of the VARCHAR `text` with month names as numbers, reduced to ``d m y`` (or ``m d y``)."""
    expression = f"lower({text})"
    for name, number in _MONTH_NUMBERS:
        expression = f"replace({expression}, '{name}', '{number}')"
    expression = f"regexp_replace({expression}, '^[a-zé]+[.,]* ', '')"
    return f"trim(regexp_replace(regexp_replace({expression}, '([ t][0-9]+:[0-9].*)$', ''), '[^0-9]+', ' ', 'g'))"
