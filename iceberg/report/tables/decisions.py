"""Frames of what fixes bring and of the mirror: one row per category."""

from __future__ import annotations

import pandas as pd

from iceberg.model.decision.fixes import Decisions
from iceberg.model.decision.mirror import Mirror
from iceberg.report.tables.tidy import interval_columns, tidy_frame

DECISION_COLUMNS = (
    "category", "cost", "running_cost", "extent", "idle_lower", "idle_median", "idle_upper", "kept_lower", "kept_median", "kept_upper", "money_lower",
    "money_median", "money_upper", "value_lower", "value_median", "value_upper", "probability_pays", "payback_lower", "payback_median",
    "payback_upper", "break_even_efficacy", "efficacy_share", "probability_in_best_set",
)  # fmt: skip
MIRROR_COLUMNS = ("category", "heard", "left_lower", "left_median", "left_upper", "gap_lower", "gap_median", "gap_upper")


def decision_table(decisions: Decisions) -> pd.DataFrame:
    """One row per fix, the one that most probably pays first. Columns: `DECISION_COLUMNS`; money and pay-back are unknown without money."""
    ordered = sorted(decisions.outcomes, key=lambda one: (-(one.probability_pays or 0.0), -one.kept.median, one.action.category))
    rows = [
        {
            "category": one.action.category,
            "cost": one.action.cost,
            "running_cost": one.action.running_cost,
            "extent": one.action.extent,
            **interval_columns("idle", one.idle),
            **interval_columns("kept", one.kept),
            **interval_columns("money", one.money),
            **interval_columns("value", one.net_present_value),
            "probability_pays": one.probability_pays,
            **interval_columns("payback", one.payback_months),
            "break_even_efficacy": one.break_even_efficacy,
            "efficacy_share": one.efficacy_share,
            "probability_in_best_set": one.probability_in_best_set,
        }
        for one in ordered
    ]
    return tidy_frame(rows, DECISION_COLUMNS)


def mirror_table(mirror: Mirror) -> pd.DataFrame:
    """One row per category, the most heard first. Columns: `MIRROR_COLUMNS`, all of them shares."""
    rows = [
        {"category": one.category, "heard": one.heard, **interval_columns("left", one.left), **interval_columns("gap", one.gap)}
        for one in mirror.reflections
    ]
    return tidy_frame(rows, MIRROR_COLUMNS)
