"""Forecasts the pipeline: silent leavers still to come from incidents that have already happened.

The silent sufferers of a month who will leave because of it number r_c x (months at risk x complaint intensity). Of them the share
F(age + d) - F(age) leaves in the next d days, where F is the distribution of the delay from problem to departure. New problems are not forecast.
"""

from __future__ import annotations

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.departures.fit.model import ExcessHazardFit
from iceberg.model.departures.reconciliation import ReconciliationDraws
from iceberg.model.survival.delay_kernel import DAYS_PER_MONTH, integrated_share, until_renewal

HORIZONS_DAYS = (30, 90, 180)


def draw_pipeline(
    fit: ExcessHazardFit,
    counts: CohortCounts,
    drawn: ReconciliationDraws,
    *,
    rng: np.random.Generator,
) -> FloatArray:
    """Draw the silent leavers of the next days, from incidents on or before `as_of`.

    Returns:
        (K, C, len(HORIZONS_DAYS)) whole customers; within a draw the horizons are nested.
    """
    still = _share_to_come(fit, counts, drawn)  # K C M H
    mean = np.einsum("kcm,kcmh->kch", drawn.sufferers, still)
    steps = np.diff(np.concatenate([np.zeros((*mean.shape[:2], 1)), mean], axis=-1), axis=-1)
    return np.cumsum(rng.poisson(np.maximum(steps, 0.0)), axis=-1).astype(np.float64)


def _share_to_come(fit: ExcessHazardFit, counts: CohortCounts, drawn: ReconciliationDraws) -> FloatArray:
    """(K, C, M, H) share of the sufferers of each month who leave 1 to d days after `as_of`, reduced by other departures."""
    window = counts.window
    starts = [max(month, window.since) for month in counts.months]
    ends = [*starts[1:], None]
    oldest = np.array([(window.as_of - day).days + 1.0 for day in starts])
    youngest = np.array([(window.as_of - day).days + 1.0 if day else 0.0 for day in ends])

    extra = np.array([0.0, *HORIZONS_DAYS])[:, None]
    # A month ends where the next begins, and many month ends are a horizon apart: each number of days is worked out once.
    edges, place = np.unique(np.concatenate([oldest + extra, youngest + extra]), return_inverse=True)
    first, last = place.reshape(2, len(extra), len(oldest))
    integral = _integrated_departures(fit, drawn, edges)
    gone = [(integral[..., since] - integral[..., until]) / (oldest - youngest) for since, until in zip(first, last, strict=True)]
    hazard = fit.design.exits.sum() / max(fit.design.at_risk.sum(), 1e-9) / DAYS_PER_MONTH
    shares = np.stack([later - gone[0] for later in gone[1:]], axis=-1)
    age = (oldest + youngest)[:, None] / 2 + np.asarray(HORIZONS_DAYS, dtype=float)[None] / 2
    return np.asarray(shares * np.exp(-hazard * age)[None])


def _integrated_departures(fit: ExcessHazardFit, drawn: ReconciliationDraws, days: FloatArray) -> FloatArray:
    """(K, C, D) integral of the share that has left: of the customers bound by a contract at the first renewal after the delay."""
    delay, clock = drawn.delay, fit.design.clock
    free = integrated_share(delay, days)
    if clock is None:
        return free
    at_risk, gone = fit.design.at_risk.sum(axis=1), free  # S B
    for term, under in zip(clock.terms, clock.under, strict=True):
        bound = clock.bound(drawn.bound) @ ((at_risk * under).sum(axis=1) / at_risk.sum())
        later = until_renewal(lambda moved: integrated_share(delay, moved), days, term)
        gone = gone + bound[:, None, None] * (later - free)
    return np.asarray(gone, dtype=np.float64)
