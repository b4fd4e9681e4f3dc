"""Owns what counts say before any estimate: totals, the delay after a complaint, the tenure at which it comes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from iceberg.cohort.counts import CohortCounts
from iceberg.report.tables import delay_table, tenure_profile_table

DAYS_PER_YEAR = 365.25


def counts_summary(counts: CohortCounts) -> dict[str, int]:
    """Totals as whole numbers.

    Returns:
        customer_years watched, leavers of any kind, silent_leavers, complainants (each once), complaints, categories,
        segments.
    """
    days = int(counts.silent_person_days.sum() + counts.vocal_person_days.sum())
    silent = int(counts.silent_exits.sum())
    return {
        "customer_years": round(days / DAYS_PER_YEAR),
        "leavers": silent + int(counts.vocal_exits.sum()),
        "silent_leavers": silent,
        "complainants": int(counts.complainants_any.sum()),
        "complaints": int(counts.complaints.sum()),
        "categories": len(counts.categories),
        "segments": len(counts.segments),
    }


def delay_of(counts: CohortCounts, category: str) -> pd.DataFrame:
    """Days from the first complaint in `category` to the departure: `iceberg.report.tables.delay_table`."""
    clock = counts.clock
    rows = clock.category == counts.categories.index(category)
    leavers = np.bincount(clock.clock[rows], weights=clock.exited[rows], minlength=len(counts.clock_edges_days))
    return delay_table(counts.clock_edges_days, leavers)


def tenure_profile_of(counts: CohortCounts, category: str) -> pd.DataFrame:
    """Where in a customer's life `category` strikes: `iceberg.report.tables.tenure_profile_table`."""
    complainants = counts.complainants[counts.categories.index(category)].sum(axis=(0, 1))
    return tenure_profile_table(counts.band_edges_months, complainants, counts.silent_person_days.sum(axis=(0, 1)))
