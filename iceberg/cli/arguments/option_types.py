"""What the value of one option may be: each check returns the value or raises what to type instead. And the language, needed before that."""

from __future__ import annotations

import math
import os
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from iceberg.errors import OptionError
from iceberg.ingest.interventions import InterventionEntry
from iceberg.ingest.joining.options import CHOICES
from iceberg.ingest.schema import LONGEST_SEPARATOR, LONGEST_TERM, SCALES, SHORTEST_TERM, TERM_WORDS
from iceberg.locale import FALLBACK, LANGUAGES, Translator
from iceberg.model.assumptions import Efficacy

_ISO_MONTH = re.compile(r"\d{4}-(?:0[1-9]|1[0-2])")
_INTERVENTION = re.compile(r"(?P<category>.+)@\s*(?P<month>\d{4}-(?:0[1-9]|1[0-2]))(?:\s+(?:in|dans)\s+(?P<segments>.+))?\s*")
_ISO_DATE = re.compile(r"\d{4}-\d{2}-\d{2}")


class UsageError(OptionError):
    """An argument that is wrong or missing; its sentence is ``cli.problems.<code>``."""

    def message(self, language: str = "en") -> str:
        """The sentence: what is wrong and what to type instead."""
        return Translator(language).text(f"cli.problems.{self.code}", **self.values)


COMPANIES = ("boxes", "gym")  # that `demo` writes


@dataclass(frozen=True)
class Option:
    """One option of a command.

    Attributes:
        name: Without its dashes.
        value: What help calls its value, a key of ``cli.help``; "" for a switch, or a literal that contains ``|``.
        check: Makes the value from the text, or raises `UsageError`.
        help: Its sentence, a key of ``cli.help``; "" for `name`.
        is_list: Whether it can be given several times.
        field: Where `Options` has it; "" for `name`.
        formats: File formats that its sentence lists.
    """

    name: str
    value: str = ""
    check: Callable[[str], object] = str
    help: str = ""
    is_list: bool = False
    field: str = ""
    formats: tuple[str, ...] = ()


# argparse catches ValueError and TypeError; an IcebergError passes through it with its own sentence.


def check_language(text: str) -> str:
    """A language of the product."""
    if text not in LANGUAGES:
        raise UsageError("language_unknown", {"value": text, "languages": LANGUAGES})
    return text


def check_company(text: str) -> str:
    """The sample company that is written."""
    if text not in COMPANIES:
        raise UsageError("company_unknown", {"value": text, "known": ", ".join(COMPANIES)})
    return text


def check_engine(text: str) -> str:
    """The engine in which tables are counted."""
    if text not in {"duckdb", "spark"}:
        raise UsageError("engine_unknown", {"value": text})
    return text


def check_columns(text: str) -> tuple[str, ...]:
    """Headers of columns, with commas between them."""
    headers = tuple(header.strip() for header in text.split(","))
    if not all(headers) or len(set(headers)) < len(headers):
        raise UsageError("columns_unclear", {"value": text})
    return headers


def check_date(option: str) -> Callable[[str], date]:
    """A day written year-month-day."""
    def check(text: str) -> date:
        try:
            if _ISO_DATE.fullmatch(text):
                return date.fromisoformat(text)
        except ValueError:
            pass
        raise UsageError("date_not_iso", {"option": option, "value": text})

    return check


def check_period(text: str) -> tuple[date, date]:
    """A month, or the first and the last of several: ``2025-01`` or ``2025-01:2025-06``."""
    first, _, last = text.partition(":")
    months = [_ISO_MONTH.fullmatch(part) for part in (first, last or first)]
    if not all(months) or (last and last < first):
        raise UsageError("period_unclear", {"value": text})
    return tuple(date.fromisoformat(f"{part}-01") for part in (first, last or first))  # type: ignore[return-value]


def check_month(option: str) -> Callable[[str], date]:
    """A month written year-month; its first day."""

    def check(text: str) -> date:
        if _ISO_MONTH.fullmatch(text):
            return date.fromisoformat(f"{text}-01")
        raise UsageError("month_unclear", {"option": option, "value": text})

    return check


def check_format(formats: Sequence[str]) -> Callable[[str], Path]:
    """A file name whose ending is one of `formats`."""
    def check(text: str) -> Path:
        path = Path(text)
        if path.suffix.lower().removeprefix(".") not in formats:
            raise UsageError("report_unknown", {"file": text, "formats": ", ".join(f".{name}" for name in formats)})
        return path

    return check


def check_scale(text: str) -> str:
    """A scale of scores."""
    if text not in SCALES:
        raise UsageError("scale_unknown", {"value": text, "known": ", ".join(SCALES)})
    return text


def check_version(text: str) -> tuple[str, int | None]:
    """``STUDY`` or ``STUDY:2``."""
    study, colon, number = text.partition(":")
    if not study or (colon and not (number.isdecimal() and int(number) > 0)):
        raise UsageError("version_unclear", {"value": text})
    return study, int(number) if number else None


def check_names(text: str) -> tuple[str, ...]:
    """Names separated by commas."""
    return tuple(name.strip() for name in text.split(",") if name.strip())


def check_change(text: str) -> str:
    """A day, or a day and a category: ``2024-07-01``, ``2024-07-01:billing``."""
    day, colon, category = text.partition(":")
    check_date("--recording-change")(day)
    if colon and not category.strip():
        raise UsageError("date_not_iso", {"option": "--recording-change", "value": text})
    return text


def check_merge(text: str) -> tuple[str, str]:
    """The name that stays and one that becomes it: ``billing=invoices``."""
    name, _, other = (part.strip() for part in text.partition("="))
    if not name or not other:
        raise UsageError("merge_unclear", {"value": text})
    return name, other


def check_column_of(text: str) -> tuple[str, str]:
    """A field and the header of its column: ``reopened=Reopens``."""
    name, _, header = (part.strip() for part in text.partition("="))
    if not name or not header:
        raise UsageError("column_unclear", {"value": text})
    return name, header


def check_rate(text: str) -> tuple[str, float]:
    """A currency and what one unit of it is worth: ``USD=0.92``."""
    from iceberg.ingest.values.currencies import CODES  # loads the engine, which help does not need

    code, _, rate = (part.strip() for part in text.partition("="))
    try:
        number = float(rate.replace(",", "."))
    except ValueError:
        number = math.nan
    if code.upper() in CODES and math.isfinite(number) and number > 0:
        return code.upper(), number
    raise UsageError("rate_unclear", {"value": text})


GROUPED = re.compile(r"[1-9]\d{0,2}([.,]\d{3})+")


def check_amount(option: str) -> Callable[[str], float]:
    """An amount of money, zero or more: ``40000``, ``40 000,50``. ``4,000`` is four thousand to one reader and four to another: refused."""

    def check(text: str) -> float:
        bare = "".join(text.split()).replace("\N{NARROW NO-BREAK SPACE}", "")
        if GROUPED.fullmatch(bare):
            raise UsageError("amount_ambiguous", {"option": option, "value": text, "plain": bare.replace(",", "").replace(".", "")})
        bare = bare.replace(",", ".")
        try:
            amount = float(bare)
        except ValueError:
            amount = math.nan
        if math.isfinite(amount) and amount >= 0:
            return amount
        raise UsageError("amount_unclear", {"option": option, "value": text})

    return check


def check_amount_of(option: str) -> Callable[[str], tuple[str, float]]:
    """A category and an amount: ``waiting time=40000``."""

    def check(text: str) -> tuple[str, float]:
        name, found, amount = text.rpartition("=")
        if not found or not name.strip():
            example = "leaver_survey=5" if option == "--study-price" else "waiting time=40000"
            raise UsageError("amount_of_nothing", {"option": option, "value": text, "example": example})
        return name.strip(), check_amount(option)(amount)

    return check


def check_share_of(text: str) -> tuple[str, float]:
    """A category and a percentage: ``waiting time=50``."""
    name, _, percent = (part.strip() for part in text.rpartition("="))
    try:
        share = float(percent.removesuffix("%").replace(",", ".")) / 100
    except ValueError:
        share = math.nan
    if name and 0 < share <= 1:
        return name, share
    raise UsageError("percent_unclear", {"value": text})


def check_control(text: str) -> float:
    """The share that is not called, from 0 up to, but not including, 1: ``0.2``."""
    share = number_or_nan(text.replace(",", "."))
    if 0 <= share < 1:
        return share
    raise UsageError("control_unclear", {"value": text})


def check_part(option: str) -> Callable[[str], float]:
    """A percentage from 0 up to, but not including, 100, as a share."""

    def check(text: str) -> float:
        share = number_or_nan(text.strip().removesuffix("%").strip().replace(",", ".")) / 100
        if 0 <= share < 1:
            return share
        raise UsageError("part_unclear", {"option": option, "value": text})

    return check


def check_efficacy_of(text: str) -> tuple[str, Efficacy]:
    """A category and how much of its loss goes away: ``waiting time=30``, or as a range ``waiting time=13-48``."""
    name, _, percent = (part.strip() for part in text.rpartition("="))
    ends = [part.strip().removesuffix("%").replace(",", ".") for part in percent.split("-")]
    try:
        shares = [float(end) / 100 for end in ends]
        if name and len(shares) == 1:
            return name, Efficacy.around(shares[0])
        if name and len(shares) == 2:
            return name, Efficacy.between(*shares)
    except (ValueError, OptionError):
        pass
    raise UsageError("efficacy_unclear", {"value": text})


def check_intervention(text: str) -> InterventionEntry:
    """A category, the month of its fix and perhaps segments: ``waiting time@2026-03``, ``waiting time@2026-03 in north, south``."""
    typed = _INTERVENTION.fullmatch(text.strip())
    if typed is None or not typed["category"].strip():
        raise UsageError("intervention_unclear", {"value": text})
    segments = typed["segments"] or ""
    return InterventionEntry(typed["category"].strip(), date.fromisoformat(f"{typed['month']}-01"), (segments.strip(),) if segments.strip() else ())


def check_undated(text: str) -> str:
    """What becomes of departures without a date."""
    if text not in CHOICES["undated_departures"]:
        raise UsageError("undated_unknown", {"value": text})
    return text


def check_separator(text: str) -> str:
    """What separates categories in a cell; blanks alone would separate words."""
    if not text.strip() or len(text) > LONGEST_SEPARATOR:
        raise UsageError("separator_unclear", {"value": text})
    return text


def number_or_nan(text: str) -> float:
    """Not a number where the text is none."""
    try:
        return float(text)
    except ValueError:
        return math.nan


def check_discount(text: str) -> float:
    """A rate per year from 0 to 1: ``0.05``."""
    number = number_or_nan(text)
    if not 0 <= number <= 1:
        raise UsageError("discount_unclear", {"value": text})
    return number


def check_ratio(text: str) -> float:
    """A number above 0."""
    number = number_or_nan(text)
    if not (math.isfinite(number) and number > 0):
        raise UsageError("ratio_not_positive", {"value": text})
    return number


def check_factor(option: str, largest: float) -> Callable[[str], float]:
    """A number from 1 to `largest`."""
    def check(text: str) -> float:
        try:
            number = float(text)
        except ValueError:
            number = math.nan
        if 1 <= number <= largest:
            return number
        raise UsageError("factor_out_of_range", {"option": option, "value": text, "largest": f"{largest:g}"})

    return check


def check_whole(option: str, smallest: int, largest: int) -> Callable[[str], int]:
    """A whole number within bounds."""
    def check(text: str) -> int:
        # No underscores, signs or digits of other scripts, which int() would accept.
        if re.fullmatch(r"[0-9]{1,19}", text) and smallest <= int(text) <= largest:
            return int(text)
        raise UsageError("number_out_of_range", {"option": option, "value": text, "smallest": str(smallest), "largest": str(largest)})

    return check


def check_term(text: str) -> str:
    """One of `TERM_WORDS`, or a number of months between renewals of contracts."""
    if text not in TERM_WORDS:
        check_whole("--term", SHORTEST_TERM, LONGEST_TERM)(text)
    return text


def choose_language(arguments: Sequence[str], environment: dict[str, str] | os._Environ[str] = os.environ) -> str:
    """The language of ``--lang``, else of the environment (LC_ALL, LC_MESSAGES, LANG), else English.

    It is needed before the arguments are parsed, because help and errors about them are sentences too.
    """
    typed = ""
    for position, argument in enumerate(arguments):
        if argument == "--":
            break
        if argument == "--lang" and position + 1 < len(arguments):
            typed = arguments[position + 1]
        elif argument.startswith("--lang="):
            typed = argument.removeprefix("--lang=")
    if typed in LANGUAGES:
        return typed
    preferred = next((environment[name] for name in ("LC_ALL", "LC_MESSAGES", "LANG") if environment.get(name)), "")
    return next((language for language in LANGUAGES if preferred.lower().startswith(language)), FALLBACK)


def without_leading_language(arguments: Sequence[str]) -> Sequence[str]:
    """The arguments without a ``--lang`` before the command: ``--lang fr estimate ...`` means ``estimate --lang fr ...``."""
    while arguments and arguments[0].partition("=")[0] == "--lang":
        if "=" not in arguments[0] and len(arguments) == 1:
            raise UsageError("option_needs_value", {"option": "--lang"})
        value, rest = (arguments[0].partition("=")[2], 1) if "=" in arguments[0] else (arguments[1], 2)
        check_language(value)
        arguments = arguments[rest:]
    return arguments
