"""Writes a frame out for a reader: headers in words; numbers, rates, money and months in the language."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any, Literal

import numpy as np
import pandas as pd

from iceberg.locale import Translator, visible

_COUNTS = frozenset({
    "categories", "rank", "vocal_customers", "silent_lower", "silent_median", "silent_upper", "placebo_lower", "placebo_median", "placebo_upper",
    "folk_leavers", "silent_leavers", "at_risk", "leavers", "expected", "complainants", "customer_years", "at_low", "at_high", "base", "rows", "day",
    "observed_customers", "predicted_lower", "predicted_median", "predicted_upper", "days", "from_day", "to_day", "from_month", "to_month",
    "start", "end", "extra_lower", "extra_median", "extra_upper",
})  # fmt: skip
_RATES = frozenset({
    "nominal", "actual", "silent_share", "probability_first", "prior_share", "share", "observed", "observed_lower", "observed_upper", "net",
    "net_lower", "net_upper", "more",
})  # fmt: skip
_MONEY = frozenset({"revenue_lost_lower", "revenue_lost_median", "revenue_lost_upper"})
_INTERVAL = frozenset({"lower", "median", "upper"})
_SENTENCES_OF = {"step": "origin"}  # columns of codes whose words stand under another name
IntervalUnit = Literal["customers", "money", "ratio", "rate"]


def display_table(
    frame: pd.DataFrame, translator: Translator, *, currency: str = "EUR", unit: IntervalUnit = "customers"
) -> pd.DataFrame:
    """The same rows as a reader of this language sees them: headers in words, numbers, rates, money and months written out. Exact figures.

    Args:
        frame: Any frame of this module.
        translator: Language.
        currency: ISO code of the money.
        unit: What the plain lower / median / upper columns hold.
    """
    shown = {}
    for name in frame.columns:
        key = f"report.columns.{'first_month' if name == 'month' and 'last_month' in frame else name}"
        header = translator.text(key) if translator.has(key) else str(name)
        units = _units(frame, unit)
        shown[header] = [_written(name, value, translator, currency, own) for value, own in zip(frame[name], units, strict=True)]
        if name == "category" and "step" not in frame:  # a step of a sum may have no category; elsewhere none means all of them
            shown[header] = [text or translator.text("report.all_categories") for text in shown[header]]
    return pd.DataFrame(shown, index=frame.index)


def month_text(row: Mapping[Any, Any] | pd.Series, translator: Translator) -> str:
    """The month of a row, or the first and the last of those that it takes together."""
    first, last = row["month"].date(), row.get("last_month")
    if last is None or last.date() == first:
        return translator.month(first)
    return translator.text("report.months", first=translator.month(first), last=translator.month(last.date()))


def _units(frame: pd.DataFrame, unit: IntervalUnit) -> list[IntervalUnit]:
    """What the intervals of each row hold: where rows name a quantity, money is money and a factor a factor."""
    if "quantity" not in frame.columns:
        return [unit] * len(frame)
    own: dict[str, IntervalUnit] = {"revenue_lost": "money", "common_cause": "ratio"}
    return [own.get(quantity, unit) for quantity in frame["quantity"]]


def _written(name: str, value: Any, translator: Translator, currency: str, unit: IntervalUnit) -> str:  # noqa: ANN401, PLR0911  # one line per kind
    if value is None or (not isinstance(value, str) and pd.isna(value)):
        return translator.text("report.unknown")
    if isinstance(value, bool | np.bool_):
        return str(translator.format(bool(value)))
    if isinstance(value, date):  # pandas timestamps are dates too
        return translator.month(value)
    if isinstance(value, str):
        key = f"report.{_SENTENCES_OF.get(name, name)}.{value}"
        return translator.text(key) if name in ("stage", "severity", "quantity", "step", "verdict") and translator.has(key) else visible(value)
    if name in _MONEY or (name in _INTERVAL and unit == "money"):
        return translator.money(float(value), currency)
    if name in _RATES or (name in _INTERVAL and unit == "rate") or (name == "expected" and unit == "rate"):
        return translator.percent(float(value), digits=1)
    if name in _COUNTS or (name in _INTERVAL and unit == "customers"):
        return translator.integer(float(value))
    return translator.decimal(float(value))
