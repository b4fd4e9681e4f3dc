"""Frame of the versions of a study as rates, so that windows of different length compare; and the probability that a target is met."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import pandas as pd

from iceberg.cohort.counts import CohortCounts
from iceberg.model.compare import rate_draws
from iceberg.model.results import IcebergEstimate

VERSION_COLUMNS = ("version", "month", "days", "lower", "median", "upper")
_DAYS_PER_MONTH = 365.25 / 12


def version_rates(versions: Iterable[tuple[int, Mapping[str, Any], CohortCounts]], *, category: str | None = None) -> pd.DataFrame:
    """One row per version, the oldest first: silent leavers per 1,000 customers at risk and month, as they were published.

    Columns: `VERSION_COLUMNS`; month is the first day of the window's last month, days the length of the window. Versions without dates, without a
    range or without the category are left out.

    Args:
        versions: Number, summary (the document of the command line) and counts of each.
        category: One category; None takes all together.
    """
    rows = []
    for number, summary, counts in versions:
        if not counts.has_customers or not counts.has_calendar:
            continue
        parts = [summary["total"]] if category is None else [one for one in summary["categories"] if one["category"] == category]
        churn = parts[0]["silent_churn"] if parts else None
        exposure = float(counts.silent_person_days.sum()) / 1000 / _DAYS_PER_MONTH
        if churn is None or exposure <= 0:
            continue
        ends = [float(churn[end]) / exposure for end in ("lower", "median", "upper")]
        rows.append((number, counts.window.as_of.replace(day=1), counts.window.days, *ends))
    frame = pd.DataFrame(rows, columns=list(VERSION_COLUMNS)).sort_values("version", ignore_index=True)
    return frame.assign(month=pd.to_datetime(frame["month"]))


def probability_met(estimate: IcebergEstimate, counts: CohortCounts, rate: float, *, category: str | None = None) -> float:
    """The probability that the rate of this estimate is at or below a target."""
    return float(np.mean(rate_draws(estimate, counts, category=category) <= rate))
