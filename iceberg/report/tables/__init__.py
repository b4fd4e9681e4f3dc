"""Owns the tidy frames: one function per chart (its table twin), raw values in, and `display_table` that writes them in a language.

Columns of an interval share a stem: ``<stem>_lower``, ``<stem>_median``, ``<stem>_upper`` (90 %). NaN means "cannot be known from these files".
"""

from iceberg.report.tables.assumptions import (
    rules_table,
    sensitivity_table,
    tornado_table,
)
from iceberg.report.tables.estimate import (
    COMPARATOR_COLUMNS,
    ICEBERG_COLUMNS,
    ChanceTest,
    Measure,
    above_noise,
    cells_of,
    chance_test,
    comparator_table,
    currency_of,
    iceberg_table,
    iceberg_totals,
    is_selection,
    month_trend_table,
    pipeline_table,
    prior_posterior_table,
    ranking_table,
    segment_table,
    total_table,
)
from iceberg.report.tables.survival import (
    NET_COLUMNS,
    CurveLike,
    NetSurvivalLike,
    curve_table,
    delay_table,
    net_survival_table,
    numbers_at_risk_table,
    tenure_profile_table,
    thinned,
)
from iceberg.report.tables.tidy import (
    interval_columns,
)
from iceberg.report.tables.written import (
    IntervalUnit,
    display_table,
)

__all__ = [
    "COMPARATOR_COLUMNS",
    "ICEBERG_COLUMNS",
    "NET_COLUMNS",
    "ChanceTest",
    "CurveLike",
    "IntervalUnit",
    "Measure",
    "NetSurvivalLike",
    "above_noise",
    "cells_of",
    "chance_test",
    "comparator_table",
    "currency_of",
    "curve_table",
    "delay_table",
    "display_table",
    "iceberg_table",
    "iceberg_totals",
    "interval_columns",
    "is_selection",
    "month_trend_table",
    "net_survival_table",
    "numbers_at_risk_table",
    "pipeline_table",
    "prior_posterior_table",
    "ranking_table",
    "rules_table",
    "segment_table",
    "sensitivity_table",
    "tenure_profile_table",
    "thinned",
    "tornado_table",
    "total_table",
]
