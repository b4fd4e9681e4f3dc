"""Values the silent leavers: what they paid, times how long they would have gone on paying.

``money = H x mean annual revenue of the cell's silent leavers x restricted mean residual lifetime of their tenure band``
"""

from __future__ import annotations

import numpy as np

from iceberg.arrays import FloatArray, SingleArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import NEVER_COMPLAINED
from iceberg.cohort.window import UNKNOWN_TENURE_MONTHS
from iceberg.model.assumptions import Assumptions
from iceberg.model.canonical import canonical_order

DAYS_PER_MONTH = 365.25 / 12
# Judgement: coefficient of variation of revenue between customers; counts hold sums of revenue, not their squares.
REVENUE_VARIATION = 1.0
# Judgement: a cell's mean revenue is pulled towards its segment's with the weight of five customers.
SEGMENT_MEAN_WEIGHT = 5.0


def residual_lifetime_years(counts: CohortCounts, *, horizon_months: int, annual_discount_rate: float) -> FloatArray:
    """Restricted mean residual lifetime of a silent customer by tenure band, in discounted years.

    ``RMRL_b = sum over months u of S_b(u) (1 + d)^(-u) / 12`` with S_b from the departure rate of each tenure band
    that the customer would have passed through (piecewise exponential on tenure), starting in the middle of band b.

    Returns:
        float64 (B,) years, at most ``horizon_months / 12``.

    References:
        Royston, Parmar 2013 (restricted mean survival time).
    """
    lower = np.asarray(counts.band_edges_months, dtype=np.float64)
    exits = counts.silent_exits.sum(axis=(0, 1)).astype(np.float64)
    days = counts.silent_person_days.sum(axis=(0, 1)).astype(np.float64)
    if not counts.has_calendar:
        days = _days_on_tenure(counts)
    overall = (exits.sum() + 0.5) / max(float(days.sum()), 1.0)
    monthly = (
        (exits + 1.0) / (days + 1.0 / overall) * DAYS_PER_MONTH
    )  # one departure's worth of belief in the overall rate
    middle = lower + np.append(np.diff(lower), 0.0) / 2
    later = np.arange(horizon_months)
    passed = np.searchsorted(lower, middle[:, None] + later + 0.5, side="right") - 1
    rate = monthly[passed]
    alive = np.exp(-(np.cumsum(rate, axis=1) - rate / 2))
    discount = (1 + annual_discount_rate) ** (-(later + 0.5) / 12)
    years = np.asarray((alive * discount).sum(axis=1) / 12, dtype=np.float64)
    if lower[-1] == UNKNOWN_TENURE_MONTHS:  # their tenure is unknown: like the average leaver
        years[-1] = np.average(years[:-1], weights=exits[:-1] + 1e-9)
    return years


def _days_on_tenure(counts: CohortCounts) -> FloatArray:
    """(B,) days that the never-complainers of a flat sheet lived through in each band, from tenure 0 on."""
    rows = counts.tenure_days.where(counts.tenure_days.state == NEVER_COMPLAINED)
    lower = np.asarray(counts.band_edges_months, dtype=np.float64) * DAYS_PER_MONTH
    width = np.append(np.diff(lower), np.inf)
    lived = np.clip(rows.tenure_day[:, None] + 1.0 - lower, 0.0, width)
    return np.asarray((rows.exited + rows.censored) @ lived, dtype=np.float64)


def value_per_leaver(counts: CohortCounts, *, assumptions: Assumptions) -> FloatArray:
    """(S, M) money that one silent leaver of the cell stands for, over the residual horizon, file currency."""
    lifetime = residual_lifetime_years(
        counts,
        horizon_months=assumptions.residual_horizon_months,
        annual_discount_rate=assumptions.annual_discount_rate,
    )
    known, revenue = counts.silent_exit_revenue_known.astype(np.float64), counts.silent_exit_revenue
    file_mean = float(revenue.sum()) / max(float(known.sum()), 1.0)
    by_segment = (revenue.sum(axis=(1, 2)) + SEGMENT_MEAN_WEIGHT * file_mean) / (
        known.sum(axis=(1, 2)) + SEGMENT_MEAN_WEIGHT
    )
    mean = (revenue + SEGMENT_MEAN_WEIGHT * by_segment[:, None, None]) / (known + SEGMENT_MEAN_WEIGHT)
    exits = counts.silent_exits.astype(np.float64)
    total = exits.sum(axis=2)
    segment_value = (by_segment * lifetime.mean())[:, None].repeat(exits.shape[1], axis=1)
    return np.asarray(
        np.divide((exits * mean * lifetime).sum(axis=2), total, out=segment_value, where=total > 0), dtype=np.float64
    )


def price_silent_churn(
    counts: CohortCounts, silent_churn: SingleArray, *, assumptions: Assumptions, rng: np.random.Generator
) -> SingleArray | None:
    """Money of every draw of silent churn; None where the files hold no revenue.

    Uncertain are the mean revenue of a segment (few known leavers) and which of the leavers were the silent churn (few
    of them): gamma-like factors of mean 1, the same for all cells of a draw's segment and category.

    Returns:
        float32 (K, C, S, M), file currency.
    """
    known = counts.silent_exit_revenue_known.sum(axis=(1, 2))
    if not counts.has_revenue or known.sum() == 0:
        return None
    value = value_per_leaver(counts, assumptions=assumptions)
    draws, categories, segments, _ = silent_churn.shape
    category_order, segment_order = canonical_order(counts)  # the random numbers of a cell must not depend on names
    shape = (known + 1) / REVENUE_VARIATION**2
    of_segment, noise = np.empty((draws, segments)), np.empty((draws, categories))
    of_segment[:, segment_order] = rng.standard_gamma(shape[segment_order], (draws, segments)) / shape[segment_order]
    noise[:, category_order] = rng.standard_normal((draws, categories))
    leavers = silent_churn.sum(axis=(2, 3), dtype=np.float64)
    log_variance = np.log1p(REVENUE_VARIATION**2 / np.maximum(leavers, 1.0))
    of_category = np.exp(np.sqrt(log_variance) * noise - log_variance / 2)
    factor = (of_category[:, :, None] * of_segment[:, None, :]).astype(np.float32)
    money = silent_churn * value.astype(np.float32)
    money *= factor[..., None]
    return np.asarray(money, dtype=np.float32)
