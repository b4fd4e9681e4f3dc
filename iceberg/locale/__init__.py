"""Owns the sentences a person reads and how numbers, money and dates are written, in French and English.

Sentences live in ``locale/<language>/<domain>.toml``; ``text("domain.path.to.key", name=value)`` finds and fills one. Values are formatted by
their type: whole numbers are grouped, dates written out, text left alone.
"""

from __future__ import annotations

import datetime as dt
import math
import tomllib
from functools import cache, lru_cache
from importlib.resources import files
from typing import Any

from babel import Locale
from babel.dates import format_date, format_skeleton
from babel.numbers import format_compact_currency, format_currency, format_decimal, format_percent

LANGUAGES = ("en", "fr")
# A French file written in France and an English one read anywhere in Europe: both put the day first in long dates.
_BABEL_TAGS = {"en": "en_GB", "fr": "fr_FR"}
KEPT = 4096  # numbers and dates as they were written last: a page writes two hundred of them, and the same ones whoever opens it


@cache
def load_messages(language: str) -> dict[str, str]:
    """All sentences of one language as ``{"domain.key": sentence}``."""
    messages: dict[str, str] = {}
    for entry in sorted(files(__name__).joinpath(language).iterdir(), key=lambda item: item.name):
        if entry.name.endswith(".toml"):
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
    return Locale.parse(_BABEL_TAGS[language])


@lru_cache(KEPT)
def _number(language: str, value: float, pattern: str) -> str:
    return str(format_decimal(value, format=pattern, locale=_locale(language)))


@lru_cache(KEPT)
def _percent(language: str, rate: float, pattern: str) -> str:
    return str(format_percent(rate, format=pattern, locale=_locale(language)))


@lru_cache(KEPT)
def _day(language: str, day: dt.date) -> str:
    return str(format_date(day, format="long", locale=_locale(language)))


@lru_cache(KEPT)
def _month(language: str, day: dt.date) -> str:
    return str(format_skeleton("yMMMM", day, locale=_locale(language)))


def _unsigned_zero(value: float) -> float:
    """Zero is equal to minus zero, and would be written as whichever came first."""
    return value if value else abs(value)


class Translator:
    """Sentences and number formats of one language.

    Args:
        language: ``"en"`` or ``"fr"``; anything else falls back to English.
    """

    def __init__(self, language: str = "en") -> None:
        self.language = language if language in LANGUAGES else "en"
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
        return value

    def integer(self, value: float) -> str:
        """A grouped whole number: 12 345 or 12,345."""
        return _number(self.language, round(value), "#,##0")

    def rounded(self, value: float, digits: int = 2) -> str:
        """A count for a sentence: two significant digits, grouped."""
        return self.decimal(round_significant(value, digits)) if abs(value) < 10 else self.integer(round_significant(value, digits))

    def decimal(self, value: float, digits: int = 2) -> str:
        """A number with at most `digits` decimals, in the locale."""
        return _number(self.language, _unsigned_zero(value), "#,##0." + "#" * digits)

    def percent(self, rate: float, digits: int = 0) -> str:
        """A rate between 0 and 1 as a percentage."""
        space = "\N{NO-BREAK SPACE}" if self.language == "fr" else ""
        return _percent(self.language, _unsigned_zero(rate), "#,##0" + ("." + "0" * digits if digits else "") + space + "%")

    def money(self, value: float, currency: str) -> str:
        """An exact amount without cents."""
        pattern = self.locale.currency_formats["standard"].pattern.replace(".00", "")
        return str(format_currency(round(value), currency, format=pattern, locale=self.locale, currency_digits=False))

    def money_compact(self, value: float, currency: str) -> str:
        """An amount for a sentence: 1.2 M, two significant digits."""
        return str(format_compact_currency(round_significant(value), currency, locale=self.locale, fraction_digits=1))

    def date(self, day: dt.date) -> str:
        """A day written out: 30 June 2026, 30 juin 2026."""
        written = _day(self.language, day)
        return written.replace("1 ", "1er ", 1) if self.language == "fr" and day.day == 1 else written

    def month(self, day: dt.date) -> str:
        """A month written out: June 2026, juin 2026."""
        return _month(self.language, day)
