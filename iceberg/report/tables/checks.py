"""Frames of the posterior predictive checks: what the fit reproduces of the company's own files."""

from __future__ import annotations

import pandas as pd

from iceberg.model.results import IcebergEstimate

CHECK_COLUMNS = (
    "what", "axis", "place", "observed_customers", "predicted_lower", "predicted_median", "predicted_upper", "deviation", "misfit",
)  # fmt: skip


def checks_table(estimate: IcebergEstimate) -> pd.DataFrame:
    """One row per place of an axis; no row below level 3.

    Columns: what (departures or complaints), axis (month, tenure, entry, segment), place, observed_customers, predicted_* (90 % of the replicates),
    deviation (observed less median, in half-widths of that range: 1 is its end), misfit (whether the axis is not reproduced).
    """
    rows = []
    for check in estimate.checks:
        for point in check.points:
            held = point.predicted
            half = max((held.upper - held.lower) / 2, 1.0)
            away = (point.observed - held.median) / half
            rows.append((check.what, check.axis, point.label, point.observed, held.lower, held.median, held.upper, away, check.is_misfit))
    return pd.DataFrame(rows, columns=list(CHECK_COLUMNS))
