"""The sentences of the product in every language, and how each language writes numbers, money and dates.

A language is a folder: sentences in ``locale/<language>/<domain>.toml``, everything else that is particular to it in its ``language.toml``.
``text("domain.path.to.key", name=value)`` finds and fills a sentence. Values are formatted by their type: whole numbers are grouped, dates
written out, a tuple becomes "a, b or c", text is left alone but for characters that cannot be seen (`visible`).
"""

from __future__ import annotations

import datetime as dt
import math
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.lists import format_list
from babel.numbers import format_compact_currency, format_currency, format_decimal, format_percent, get_decimal_symbol, get_group_symbol

FALLBACK = "en"  # in place of an unknown language
_ABOUT = "language.toml"
_FOLDERS = {entry.name for entry in files(__name__).iterdir() if entry.joinpath(_ABOUT).is_file()}
LANGUAGES = (FALLBACK, *sorted(_FOLDERS - {FALLBACK}))
CACHED_TEXTS = 4096  # formatted numbers and dates: every reader of a page needs the same ones


@dataclass(frozen=True)
class Conventions:
    """What is particular to a language besides its sentences, as its ``language.toml`` says.

    Attributes:
        name: The language in its own words.
        tag: BCP 47 tag with a region, such as ``"en-GB"``.
        unit_space: What stands between a number and the sign of a percentage, of thousands or of millions.
        first_day: How the first day of a month is written; "" where it is a number like the others.
        sample: By table, the file of the sample company under ``data/``.
    """

    name: str
    tag: str
    unit_space: str
    first_day: str
    sample: Mapping[str, str]

    @property
    def region(self) -> str:
        """The region of the tag: ``"GB"``."""
        return self.tag.partition("-")[2]

    @property
    def decimal(self) -> str:
        """Decimal sign."""
        return str(get_decimal_symbol(Locale.parse(self.tag, sep="-")))

    @property
    def thousands(self) -> str:
        """What stands between groups of three digits."""
        return str(get_group_symbol(Locale.parse(self.tag, sep="-")))


@cache
def load_conventions(language: str) -> Conventions:
    """The conventions of one of `LANGUAGES`."""
    return Conventions(**tomllib.loads(files(__name__).joinpath(language, _ABOUT).read_text(encoding="utf-8")))


@cache
def load_messages(language: str) -> dict[str, str]:
    """All sentences of one language as ``{"domain.key": sentence}``."""
    messages: dict[str, str] = {}
    for entry in sorted(files(__name__).joinpath(language).iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".toml") and entry.name != _ABOUT:
            _flatten(entry.name.removesuffix(".toml"), tomllib.loads(entry.read_text(encoding="utf-8")), messages)
    return messages


def _flatten(prefix: str, branch: dict[str, Any], into: dict[str, str]) -> None:
    for key, value in branch.items():
        if isinstance(value, dict):
            _flatten(f"{prefix}.{key}", value, into)
        else:
            into[f"{prefix}.{key}"] = str(value)


def round_significant(value: float, digits: int = 2) -> float:
    """`value` rounded to `digits` significant digits; sentences carry no false precision."""
    if value == 0 or not math.isfinite(value):
        return value
    return round(value, digits - 1 - math.floor(math.log10(abs(value))))


@cache
def _locale(language: str) -> Locale:
    return Locale.parse(load_conventions(language).tag, sep="-")


@lru_cache(CACHED_TEXTS)
def _number(language: str, value: float, pattern: str) -> str:
    return str(format_decimal(value, format=pattern, locale=_locale(language)))


@lru_cache(CACHED_TEXTS)
def _percent(language: str, rate: float, pattern: str) -> str:
    return str(format_percent(rate, format=pattern, locale=_locale(language)))


@lru_cache(CACHED_TEXTS)
def _day(language: str, day: dt.date) -> str:
    return str(format_date(day, format="long", locale=_locale(language)))


@lru_cache(CACHED_TEXTS)
def _month(language: str, day: dt.date) -> str:
    return str(format_skeleton("yMMMM", day, locale=_locale(language)))


# Marks that turn the direction of the text around them, and control characters: invisible, and able to show a name as another.
_UNSEEN = re.compile("[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f]")


def visible(text: str) -> str:
    """`text` with the number of each character that cannot be seen but changes what is read, such as ``[U+202E]``."""
    return _UNSEEN.sub(lambda found: f"[U+{ord(found[0]):04X}]", text)


_SPACE_BEFORE_SIGN = re.compile(r"(?<=[^\W\d_])[\s\u00a0\u202f](?=[^\w\s]$)")  # 280 k €: the unit and the sign are one word
_AMOUNT = re.compile(r"(?P<sign>[^\d]*)(?P<number>\d(?:[\d.,\s]*\d)?)(?P<unit>[^\d]*)")


def _unsigned_zero(value: float) -> float:
    """Minus zero becomes zero: the caches take them for the same number."""
    return value if value else abs(value)


class Translator:
    """Sentences and number formats of one language.

    Args:
        language: One of `LANGUAGES`; anything else falls back to English.
    """

    def __init__(self, language: str = FALLBACK) -> None:
        self.language = language if language in LANGUAGES else FALLBACK
        self.conventions = load_conventions(self.language)
        self.locale = _locale(self.language)
        self._messages = load_messages(self.language)

    def has(self, key: str) -> bool:
        """Whether the language has this sentence."""
        return key in self._messages

    def text(self, key: str, /, **values: Any) -> str:  # noqa: ANN401  # any value a sentence can name
        """The sentence `key`, filled. Keys ending in ``_one``/``_other`` are chosen by the value called ``count``.

        Raises:
            KeyError: When the language lacks the sentence: a defect that the tests catch, never shown as an empty string.
        """
        if "count" in values and f"{key}_one" in self._messages:
            plural = self.locale.plural_form(abs(values["count"]))
            chosen = f"{key}_{plural}"
            key = chosen if chosen in self._messages else f"{key}_other"
        return self._messages[key].format(**{name: self.format(value) for name, value in values.items()})

    def format(self, value: Any) -> Any:  # noqa: ANN401  # dispatch on type
        """`value` as this language writes it."""
        if isinstance(value, bool) or value is None:
            return self._messages["common.yes" if value else "common.no"] if value is not None else ""
        if isinstance(value, int):
            return self.integer(value)
        if isinstance(value, float):
            return self.decimal(value)
        if isinstance(value, dt.date):
            return self.date(value)
        if isinstance(value, tuple):
            return visible(format_list(value, style="or", locale=self.locale))
        return visible(value) if isinstance(value, str) else value

    def integer(self, value: float) -> str:
        """A grouped whole number: 12 345 or 12,345. A half is rounded up, as a spreadsheet shows it, whatever the last bit of the value."""
        return _number(self.language, math.floor(round(value, 6) + 0.5), "#,##0")

    def rounded(self, value: float, digits: int = 2) -> str:
        """A count for a sentence: two significant digits, grouped."""
        return self.decimal(round_significant(value, digits)) if abs(value) < 10 else self.integer(round_significant(value, digits))

    def decimal(self, value: float, digits: int = 2) -> str:
        """A number with at most `digits` decimals, in the locale."""
        return _number(self.language, _unsigned_zero(value), "#,##0." + "#" * digits)

    def percent(self, rate: float, digits: int = 0) -> str:
        """A rate between 0 and 1 as a percentage."""
        pattern = "#,##0" + ("." + "0" * digits if digits else "") + self.conventions.unit_space + "%"
        return _percent(self.language, _unsigned_zero(rate), pattern)

    def money(self, value: float, currency: str) -> str:
        """An exact amount without cents."""
        pattern = self.locale.currency_formats["standard"].pattern.replace(".00", "")
        return str(format_currency(round(value), currency, format=pattern, locale=self.locale, currency_digits=False))

    def money_compact(self, value: float, currency: str) -> str:
        """An amount for a sentence: €1.2M or 1,2 M€, two significant digits."""
        written = str(format_compact_currency(round_significant(value), currency, locale=self.locale, fraction_digits=1))
        return _SPACE_BEFORE_SIGN.sub("", written)

    def money_ends(self, low: float, high: float, currency: str) -> tuple[str, str]:
        """The two ends of a range of money, sign and unit written once where both share them: €280K and 650K, or 280 and 650 k€."""
        ends = [self.money_compact(value, currency) for value in (low, high)]
        first, second = (_AMOUNT.fullmatch(end) for end in ends)
        if first is None or second is None:
            return ends[0], ends[1]
        if first["sign"]:
            return ends[0], ends[1].removeprefix(first["sign"]) if first["sign"] == second["sign"] else ends[1]
        return first["number"] if first["unit"] == second["unit"] else ends[0], ends[1]

    def date(self, day: dt.date) -> str:
        """A day written out: 30 June 2026, 30 juin 2026."""
        written = _day(self.language, day)
        first_day = self.conventions.first_day
        return written.replace("1 ", f"{first_day} ", 1) if first_day and day.day == 1 else written

    def month(self, day: dt.date) -> str:
        """A month written out: June 2026, juin 2026."""
        return _month(self.language, day)
