"""Builds what every tidy frame has: all its columns even without a row, and the three columns of an interval."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd

from iceberg.model.results import CredibleInterval


def interval_columns(stem: str, interval: CredibleInterval | None) -> dict[str, float]:
    """``stem_lower/_median/_upper`` of an interval, NaN where there is none."""
    if interval is None:
        return {f"{stem}_{end}": float("nan") for end in ("lower", "median", "upper")}
    return {f"{stem}_lower": interval.lower, f"{stem}_median": interval.median, f"{stem}_upper": interval.upper}


def interval_ends(value: CredibleInterval | float) -> dict[str, float]:
    """lower, median, upper; what was observed is all three."""
    if isinstance(value, CredibleInterval):
        return {"lower": value.lower, "median": value.median, "upper": value.upper}
    return {"lower": float(value), "median": float(value), "upper": float(value)}


def tidy_frame(rows: list[Any], columns: Sequence[str]) -> pd.DataFrame:
    """The rows with these columns, also where there is no row."""
    return pd.DataFrame(rows, columns=list(columns))
