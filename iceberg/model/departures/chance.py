"""Judges draws of an estimate against draws of its placebo. Pure arithmetic, which pages need without the fit."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from iceberg.arrays import FloatArray, IntArray, SingleArray
from iceberg.model.priors import MODEL_ERROR_LOG_SD
from iceberg.model.results import CredibleInterval, PlaceboInterval


def placebo_intervals(placebo: SingleArray, churn: SingleArray, own: IntArray) -> tuple[PlaceboInterval, ...]:
    """(P, C, S, M) and (K, C, S, M) as C + 1 intervals, each with the probability that the estimate is larger; the last is of the sum over `own`."""
    intervals: list[PlaceboInterval] = []
    noises, estimates = (draws.sum(axis=(2, 3), dtype=np.float64) for draws in (placebo, churn))
    totals = noises[:, own].sum(axis=1), estimates[:, own].sum(axis=1)
    for noise, estimate in zip((*noises.T, totals[0]), (*estimates.T, totals[1]), strict=True):
        interval = CredibleInterval.of(noise)
        exceeded = above_noise if len(intervals) == estimates.shape[1] else tempered_above_noise  # a total is not alone in its category's error
        intervals.append(PlaceboInterval(interval.lower, interval.median, interval.upper, exceeded=exceeded(estimate, noise)))
    return tuple(intervals)


def placebo_of_cells(
    placebo: SingleArray | None, churn: SingleArray, *, categories: Sequence[str], controls: Sequence[str]
) -> tuple[PlaceboInterval | None, ...] | None:
    """The same from draws per segment and month, for whatever part of them is given; None without draws, and for negative controls.

    Args:
        placebo: (P, C, S, M), see `iceberg.model.results.Draws`.
        churn: (K, C, S, M) of the same segments and months.
        categories: The C names.
        controls: Names of the negative controls, which do not count in the total.
    """
    if placebo is None or not categories:
        return None
    own = np.flatnonzero(~np.isin(categories, list(controls)))
    each = placebo_intervals(placebo, churn, own)
    return (*(one if place in own else None for place, one in enumerate(each[:-1])), each[-1])


def tempered_above_noise(draws: FloatArray, placebo: FloatArray) -> float:
    """`above_noise`, allowing for what no draw knows: an error of the model about this category, log-normal with median 1."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(9)
    chances = [above_noise(draws * np.exp(MODEL_ERROR_LOG_SD * node), placebo) for node in nodes]
    return float(np.dot(weights, chances) / weights.sum())


def above_noise(draws: FloatArray, placebo: FloatArray) -> float:
    """Probability that a random draw of the estimate (K,) exceeds a random draw of the placebo (P,)."""
    order = np.sort(placebo)
    lower = np.searchsorted(order, draws, side="left") + np.searchsorted(order, draws, side="right")
    return float(lower.mean() / (2 * len(order)))


def explained_beyond_chance(gained: float, by_chance: FloatArray) -> float:
    """Probability that the problems behind the complaints cause departures, from even odds: a Bayes factor.

    Args:
        gained: Log marginal likelihood with complaints less that of natural departures alone.
        by_chance: The same where the complaints are moved. Their mean is taken off where it is above zero: so much is gained by freedom alone.

    References:
        Kass, Raftery 1995.
    """
    factor = gained - max(float(np.mean(by_chance)), 0.0)
    return float(1 / (1 + np.exp(-np.clip(factor, -700.0, 700.0))))
