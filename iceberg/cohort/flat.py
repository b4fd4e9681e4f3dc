"""Reduces a flat sheet without dates (evidence level F) to `CohortCounts` with one pseudo-month.

One customer is one unit of exposure in the tenure band that the sheet gives, and a departure is a departure in that
band. A customer who complained is in the complained state for good: the sheet does not say what came first.
"""
# ruff: noqa: S608 - every piece of the text is a literal of this module or a number

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from datetime import date
from typing import Any

import numpy as np

from iceberg.arrays import IntArray
from iceberg.cohort.axis_names import Names
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import ANY_CATEGORY, NEVER_COMPLAINED, ComplaintClockCounts, TenureDayCounts
from iceberg.cohort.incidents import observe_silence
from iceberg.cohort.lexis import add_up
from iceberg.cohort.statements import REVENUE_SQL, REVENUE_UNITS, Statements
from iceberg.cohort.window import UNKNOWN_TENURE_MONTHS, ObservationWindow
from iceberg.errors import EvidenceError
from iceberg.ingest.tables import Tables

DAYS_PER_MONTH = 30.4375  # 365.25 / 12
# The days are unknown: one month stands for all of them, and `CohortCounts.has_calendar` is False.
NO_CALENDAR = ObservationWindow(date(2000, 1, 1), date(2000, 1, 31), look_back_days=0)
_ROWS = f"""
    SELECT coalesce(segment, '') AS segment, category, CASE WHEN churned THEN 1 ELSE 0 END AS departed,
        coalesce(CAST(floor(tenure_months + 0.000001) AS BIGINT), -1) AS months,
        coalesce(CAST(round(tenure_months * {DAYS_PER_MONTH}) AS BIGINT), -1) AS days,
        count(*) AS customers, count(units) AS known, coalesce(sum(units), 0) AS units
    FROM (SELECT *, {REVENUE_SQL} AS units FROM flat) AS valued
    GROUP BY segment, category, departed, months, days"""


def reduce_flat(
    tables: Tables,
    *,
    band_edges_months: Sequence[int],
    clock_edges_days: Sequence[int],
    max_segments: int,
    max_categories: int,
) -> CohortCounts:
    """Counts the customers of a flat sheet.

    Customers whose tenure is unknown have a band of their own, from `UNKNOWN_TENURE_MONTHS` on, and are on no curve.

    Raises:
        EvidenceError: The sheet has no trusted row.
    """
    rows = tables.engine.execute(_ROWS).fetchall()
    if not rows:
        raise EvidenceError("no_days", {})
    numbers = np.array([[row[2], *row[3:]] for row in rows], dtype=np.float64).T
    departed, months, days, customers, known, units = numbers.astype(np.int64)
    segment_sizes: Counter[str] = Counter()
    category_sizes: Counter[str] = Counter()
    for (segment_name, category_name, *_), size in zip(rows, customers.tolist(), strict=True):
        segment_sizes[segment_name] += size
        if category_name is not None:
            category_sizes[category_name] += size
    segments, categories = Names.largest(segment_sizes, max_segments), Names.largest(category_sizes, max_categories)
    edges = tuple(band_edges_months) + ((UNKNOWN_TENURE_MONTHS,) if (months < 0).any() else ())
    reached = np.where(months < 0, UNKNOWN_TENURE_MONTHS, np.minimum(months, UNKNOWN_TENURE_MONTHS - 1))
    band = np.searchsorted(np.asarray(edges), reached, side="right") - 1
    segment = np.array([segments.place(row[0]) for row in rows], dtype=np.int64)
    category = np.array([ANY_CATEGORY if row[1] is None else categories.place(row[1]) for row in rows], dtype=np.int64)
    shape = (len(segments.names), 1, len(edges))
    cell = (segment, np.zeros_like(segment), band)
    silent = (category < 0).astype(np.int64)
    axes = (len(categories.names), len(segments.names))
    vocal_by_cell = add_up((axes[0] + 1, *shape), (category, *cell), customers)[:-1]
    place_of = {name: categories.place(name) for name in category_sizes}
    statements = Statements(NO_CALENDAR, edges, tuple(clock_edges_days))
    fields: dict[str, Any] = {
        "silent_person_days": add_up(shape, cell, customers * silent),
        "silent_exits": add_up(shape, cell, customers * silent * departed),
        "silent_exit_revenue": add_up(shape, cell, units * silent * departed) / REVENUE_UNITS,
        "silent_exit_revenue_known": add_up(shape, cell, known * silent * departed),
        "vocal_person_days": add_up(shape, cell, customers * (1 - silent)),
        "vocal_exits": add_up(shape, cell, customers * (1 - silent) * departed),
        "complainants": vocal_by_cell,
        "complainants_any": vocal_by_cell.sum(axis=0),
        "complaints": vocal_by_cell.sum(axis=(1, 2, 3))[:, None],
        "tenure_days": _tenure_days(category, segment, days, departed, customers),
        "clock": _clock(category, segment, band, departed, customers),
        "customers_at_risk": add_up(shape[:1], (segment,), customers),
        "has_revenue": bool((known * departed).any()),
        "has_linked_complaints": bool(vocal_by_cell.any()),
        "observed": observe_silence(tables, statements, places=place_of, shape=axes, linked=False),
    }
    return CohortCounts.zeros(
        NO_CALENDAR,
        segments=segments.names,
        categories=categories.names,
        band_edges_months=edges,
        clock_edges_days=tuple(clock_edges_days),
        currency=tables.currency,
        grouped_segments=segments.others,
        grouped_categories=categories.others,
        has_customers=True,
        has_calendar=False,
        **segments.columns(tables.segment_columns),
        **fields,
    )


def _tenure_days(category: IntArray, segment: IntArray, days: IntArray, departed: IntArray, customers: IntArray) -> TenureDayCounts:
    """Every customer enters at tenure 0, complainants in their own state, because the day of the complaint is unknown."""
    state, zero = np.where(category < 0, NEVER_COMPLAINED, 1 + category), np.zeros_like(customers)
    left = customers * departed
    ends = {"state": state, "segment": segment, "tenure_day": days, "entered": zero, "exited": left, "censored": customers - left}
    entries = ends | {"tenure_day": zero, "entered": customers, "exited": zero, "censored": zero}
    return TenureDayCounts.summed(*({name: values[days >= 0] for name, values in rows.items()} for rows in (entries, ends)))


def _clock(category: IntArray, segment: IntArray, band: IntArray, departed: IntArray, customers: IntArray) -> ComplaintClockCounts:
    """Complainants by cell, once in their category and once in any; the single bin says only whether they left."""
    zero, left = np.zeros_like(customers), customers * departed
    cells = {"category": category, "segment": segment, "month": zero, "band": band, "clock": zero}
    rows = cells | {"exited": left, "censored": customers - left, "days_in_bin": customers}
    rows = {name: values[category >= 0] for name, values in rows.items()}
    return ComplaintClockCounts.summed(rows, rows | {"category": np.full_like(rows["category"], ANY_CATEGORY)})
