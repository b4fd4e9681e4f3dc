"""Summarises counts before any estimate: totals, the delay after a complaint, the tenure at which it comes.

The page shows the totals while everything else loads, so the survival models are imported where they are used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd

from iceberg.cohort.counts import CohortCounts
from iceberg.report.tables.survival import delay_table, net_survival_table, tenure_profile_table

if TYPE_CHECKING:
    from iceberg.model.survival.net_survival import NetSurvival

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


def net_survival_of(counts: CohortCounts, category: str, *, seed: int = 0) -> pd.DataFrame:
    """Complainants of `category` against comparable customers: `net_survival_table`."""
    return net_survival_table(_net_survival(counts, category, seed))


def delay_of(counts: CohortCounts, category: str, *, seed: int = 0) -> pd.DataFrame:
    """Days from the first complaint in `category` to the departure, beside those expected anyway: `delay_table`."""
    curve = _net_survival(counts, category, seed)
    return delay_table(list(curve.edges_days), curve.leavers, expected=curve.expected_leavers)


def _net_survival(counts: CohortCounts, category: str, seed: int) -> NetSurvival:
    from iceberg.model.survival.net_survival import net_survival

    return net_survival(counts, category=counts.categories.index(category), rng=np.random.default_rng(seed))


def tenure_profile_of(counts: CohortCounts, category: str) -> pd.DataFrame:
    """The tenure at which complaints about `category` come: `tenure_profile_table`."""
    from iceberg.model.survival.net_survival import tenure_profile

    profile = tenure_profile(counts, category=counts.categories.index(category))
    return tenure_profile_table(counts.band_edges_months, profile.complainants, profile.person_days)
