"""Finds departures that fall on the ends of quarters, half years or years, because contracts end there whenever they were given up.

When such a customer decided cannot be seen, and the months of departures say nothing about the months of problems: read as they stand, complaints
that happen in every month cannot explain departures that come in every third, and silent churn seems to be next to nothing.
"""

from __future__ import annotations

import numpy as np

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.renewals.clock import Renewals

# Judgement, grade D: months between two ends, least share of all departures in their months, least number of them in the window.
CALENDARS = ((3, 0.6, 4), (6, 0.5, 3), (12, 0.4, 2))
LEAST_RATIO = 1.5  # judgement: of the lowest such month over the highest of the others, by rates
LEAST_DEPARTURES = 60  # judgement: fewer show no calendar
_HALF = 0.5


def find_calendar_ends(counts: CohortCounts) -> Renewals | None:
    """The months between two ends that take most departures, as renewals that the model cannot follow; None where departures come in every month."""
    if not counts.has_customers or not counts.has_calendar or counts.departures < LEAST_DEPARTURES:
        return None
    exits = (counts.silent_exits + counts.vocal_exits).sum(axis=(0, 2)).astype(np.float64)
    rate = exits / np.maximum(counts.person_days.sum(axis=(0, 2)), 1)
    months = np.array([month.month for month in counts.months])
    for between, share, least in CALENDARS:
        for last in range(between):
            here = months % between == last
            if here.sum() < least or here.all() or exits[here].sum() < share * exits.sum():
                continue
            if rate[here].min() > LEAST_RATIO * rate[~here].max():
                bound = (_HALF,) * len(counts.segments)
                return Renewals(between, bound, 0.0, float(exits[here].sum() / exits.sum()), unmodelled="calendar")
    return None
