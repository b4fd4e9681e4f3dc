"""The crude excess risk of complainers, which the recovery tests compare with the truth."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.results import CredibleInterval
from iceberg.model.survival.net_survival import clock_of, days_before, hazard_draws, matched_hazard

POSTERIOR_DRAWS = 2000


@dataclass(frozen=True, eq=False)
class ExcessRisk:
    """``q_c(h) = S_expected(h) - S_observed(h)`` of the complainers of one category.

    Attributes:
        horizon_days: h.
        estimate: Posterior of the plain difference (can be negative where complainers leave less).
        draws: float64 (POSTERIOR_DRAWS,) behind it.
        complainants, departures: On how many it rests.
    """

    category: str
    horizon_days: int
    estimate: CredibleInterval
    draws: FloatArray
    complainants: int
    departures: int


def excess_risk(
    counts: CohortCounts,
    *,
    category: int,
    horizon_days: int,
    rng: np.random.Generator,
    matched: FloatArray | None = None,
) -> ExcessRisk:
    """Crude excess probability that a complainer leaves within the horizon because of the complaint.

    Args:
        counts: Linked complaints.
        category: Index, or `ANY_CATEGORY`.
        horizon_days: h of ``q_c(h)``.
        rng: For the posterior draws.
        matched: `matched_hazard(counts)`, when already at hand.
    """
    clock = clock_of(counts, category, matched_hazard(counts) if matched is None else matched)
    within = days_before(clock.width_days, horizon_days)
    draws = hazard_draws(clock, rng, POSTERIOR_DRAWS)
    silent_exits = float(counts.silent_exits.sum())
    expected = float(clock.expected_hazard @ within) * np.exp(
        rng.standard_normal(POSTERIOR_DRAWS) / np.sqrt(silent_exits + 1)
    )
    excess = np.exp(-expected) - np.exp(-(draws @ within))
    complainants = int(clock.at_risk[0])
    name = counts.categories[category] if category >= 0 else ""
    return ExcessRisk(name, horizon_days, CredibleInterval.of(excess), excess, complainants, int(clock.exits.sum()))
