"""Judges draws of an estimate against draws of its placebo. Pure arithmetic, which pages need without the fit."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from iceberg.arrays import FloatArray, IntArray, SingleArray
from iceberg.model.priors import MODEL_ERROR_LOG_SD
from iceberg.model.results import CredibleInterval, PlaceboInterval


def placebo_intervals(
    placebo: SingleArray, churn: SingleArray, own: IntArray, explained: FloatArray | None = None
) -> tuple[PlaceboInterval, ...]:
    """(P, C, S, M) and (K, C, S, M) as C + 1 intervals, each with the probability that the estimate is larger; the last is of the sum over `own`.

    With `explained` (1 + R, S, M) the last is also above chance where complaints explain the departures better than chance does. Negative controls
    would explain departures too and are no part of the total: where there are some, it does not count.
    """
    intervals: list[PlaceboInterval] = []
    noises, estimates = by_category(placebo), by_category(churn)
    totals = noises[:, own].sum(axis=1), estimates[:, own].sum(axis=1)
    for noise, estimate in zip((*noises.T, totals[0]), (*estimates.T, totals[1]), strict=True):
        interval = CredibleInterval.of(noise)
        exceeded = above_noise if len(intervals) == estimates.shape[1] else tempered_above_noise  # a total is not alone in its category's error
        intervals.append(PlaceboInterval(interval.lower, interval.median, interval.upper, exceeded=exceeded(estimate, noise)))
    *each, total = intervals
    if explained is not None and len(own) == len(each):
        total = replace(total, exceeded=max(total.exceeded, explained_beyond_chance(explained)))
    return (*each, total)


def by_category(draws: SingleArray) -> FloatArray:
    """(K, C) customers of draws (K, C, S, M).

    They are whole, so their sum over months is exact in single precision too, and several times as fast.
    """
    months = np.ones((draws.shape[3], 1), dtype=np.float32)
    return np.asarray(np.matmul(draws.reshape(-1, draws.shape[3]), months).reshape(draws.shape[:3]).sum(axis=2, dtype=np.float64))


def placebo_of_cells(
    placebo: SingleArray | None,
    churn: SingleArray,
    *,
    categories: Sequence[str],
    controls: Sequence[str],
    explained: FloatArray | None = None,
) -> tuple[PlaceboInterval | None, ...] | None:
    """The same from draws per segment and month, for whatever part of them is given; None without draws, and for negative controls.

    Args:
        placebo: (P, C, S, M), see `iceberg.model.results.Draws`.
        churn: (K, C, S, M) of the same segments and months.
        categories: The C names.
        controls: Names of the negative controls, which do not count in the total.
        explained: (1 + R, S, M) of the same segments and months.
    """
    if placebo is None or not categories:
        return None
    own = np.flatnonzero(~np.isin(categories, list(controls)))
    each = placebo_intervals(placebo, churn, own, explained)
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


def explained_beyond_chance(explained: FloatArray) -> float:
    """Probability that the problems behind the complaints cause departures, from even odds: a Bayes factor.

    Args:
        explained: (1 + R, S, M) see `iceberg.model.results.Draws`, of all segments and months or of a part of them. What is gained where complaints
            are moved is taken off where it is above zero on average: so much is gained by freedom alone.

    References:
        Kass, Raftery 1995.
    """
    gained, *by_chance = explained.sum(axis=(1, 2)).tolist()
    factor = gained - max(float(np.mean(by_chance)), 0.0)
    return float(1 / (1 + np.exp(-np.clip(factor, -700.0, 700.0))))
