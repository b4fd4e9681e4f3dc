"""Frame of segments beside each other: silent leavers of each category in each segment, as customers and as a rate.

A segment of few leavers has customers but no rate: it would move with every single one of them.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import numpy as np
import pandas as pd

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.compare import compare_segments
from iceberg.model.results import EstimateCells, IcebergEstimate
from iceberg.report.tables.estimate import cells_of, levels_of
from iceberg.report.tables.tidy import interval_columns

FEWEST_LEAVERS = 5  # the rule of five: a rate of fewer says nothing, and points at single customers
_DAYS_PER_MONTH = 365.25 / 12
Members = Mapping[str, Sequence[int]]
SEGMENT_COLUMNS = (
    "segment", "category", "lower", "median", "upper", "vocal_customers", "silent_leavers", "customer_months", "rate_lower", "rate_median",
    "rate_upper",
)  # fmt: skip
PAIR_COLUMNS = (
    "category", "first_lower", "first_median", "first_upper", "second_lower", "second_median", "second_upper", "difference_lower",
    "difference_median", "difference_upper", "more", "extra_lower", "extra_median", "extra_upper",
)  # fmt: skip


def segment_matrix(estimate: IcebergEstimate, counts: CohortCounts, *, members: Members | None = None, column: str | None = None) -> pd.DataFrame:
    """One row per segment and category, and one per segment for all together (category "").

    Columns: `SEGMENT_COLUMNS`; rates per 1,000 customers who could still leave in silence and month, NaN below `FEWEST_LEAVERS` and without dates.

    Args:
        estimate: Whole, or a selection.
        counts: The counts it was made from.
        members: Of each segment of the estimate, its positions in the counts, where they were taken together; None: by name.
        column: Of several segment columns, the one whose levels are compared; None compares the segments themselves.
    """
    cells = cells_of(estimate)
    exposure = _customer_months(cells, counts, members)
    groups = {name: [place] for place, name in enumerate(cells.segments)} if column is None else levels_of(cells, column)
    draws = estimate.draws.silent_churn
    rows = []
    for name, places in groups.items():
        months = float(exposure[places].sum())
        leavers = float(cells.leavers[places].sum())
        own = draws[:, :, places].sum(axis=(2, 3), dtype=np.float64)
        parts = [("", own.sum(axis=1), float(cells.vocal_any[places].sum()))]
        parts += [(category, own[:, place], float(cells.vocal[place][places].sum())) for place, category in enumerate(cells.categories)]
        rows += [_row(name, category, churn, (vocal, leavers, months)) for category, churn, vocal in parts]
    return pd.DataFrame(rows, columns=list(SEGMENT_COLUMNS))


def segment_pair(
    estimate: IcebergEstimate, counts: CohortCounts, pair: tuple[str, str], *, members: Members | None = None, column: str | None = None
) -> pd.DataFrame:
    """Two segments side by side: one row for all categories together (category ""), then one per category, the largest rate first.

    Columns: `PAIR_COLUMNS`; rates are those of `segment_matrix`, the difference is the first less the second, `more` the probability that the first
    loses more, `extra` the customers whom the first would have kept at the rate of the second.

    Args:
        estimate: Whole, or a selection.
        counts: The counts it was made from.
        pair: Names of the two, as in `segment_matrix`.
        members: As there.
        column: As there.

    Raises:
        OptionError: As `compare_segments`.
    """
    cells = cells_of(estimate)
    exposure = _customer_months(cells, counts, members) / 1000
    groups = {name: [place] for place, name in enumerate(cells.segments)} if column is None else levels_of(cells, column)
    first, second = (groups[name] for name in pair)
    exposures = (float(exposure[first].sum()), float(exposure[second].sum()))
    matrix = segment_matrix(estimate, counts, members=members, column=column)
    rated = {(row["segment"], row["category"]): row for row in matrix.to_dict("records")}
    rows = [
        {
            "category": one.category or "",
            **_rates("first", rated[pair[0], one.category or ""]),
            **_rates("second", rated[pair[1], one.category or ""]),
            **interval_columns("difference", one.rate_change),
            "more": 1 - one.probability_fell,
            "extra_lower": -one.kept.upper,
            "extra_median": -one.kept.median,
            "extra_upper": -one.kept.lower,
        }
        for one in compare_segments(estimate, first, second, exposures=exposures)
    ]
    frame = pd.DataFrame(rows, columns=list(PAIR_COLUMNS))
    largest = frame[["first_median", "second_median"]].max(axis=1).where(frame["category"] != "", np.inf)
    return frame.loc[largest.sort_values(ascending=False, kind="stable").index].reset_index(drop=True)


def _rates(stem: str, row: Mapping[Hashable, Any]) -> dict[str, float]:
    return {f"{stem}_{end}": float(row[f"rate_{end}"]) for end in ("lower", "median", "upper")}


def _row(name: str, category: str, churn: FloatArray, observed: tuple[float, float, float]) -> dict[str, object]:
    vocal, leavers, months = observed
    ends = np.quantile(churn, [0.05, 0.5, 0.95])
    rates = 1000 * ends / months if months > 0 and leavers >= FEWEST_LEAVERS else np.full(3, np.nan)
    return dict(zip(SEGMENT_COLUMNS, (name, category, *map(float, ends), vocal, leavers, months, *map(float, rates)), strict=True))


def _customer_months(cells: EstimateCells, counts: CohortCounts, members: Members | None) -> FloatArray:
    """(S,) customer-months of each segment of the cells in their months; zeros without customers or dates."""
    if not counts.has_customers or not counts.has_calendar:
        return np.zeros(len(cells.segments))
    last = cells.last_months[-1] if cells.last_months else cells.months[-1]
    inside = [place for place, month in enumerate(counts.months) if cells.months[0] <= month <= last]
    days = counts.silent_person_days[:, inside].sum(axis=(1, 2)).astype(np.float64) / _DAYS_PER_MONTH
    places = {name: [place] for place, name in enumerate(counts.segments)} if members is None else members
    return np.array([days[list(places[name])].sum() for name in cells.segments])
