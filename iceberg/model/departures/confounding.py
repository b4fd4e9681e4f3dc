"""Measures how strong a common cause would have to be to explain the silent churn away.

A cause that moves complaints and departures together (a competitor, a price) looks like silent churn. With x the expected complaints of a category
per customer at risk, delayed to the time of departure, and H its silent churn, the factor is

    sum over cells of x (all silent leavers)  /  sum over cells of x (silent leavers - H)

the factor by which other departures, weighted by where and when the complaints are frequent, would have to rise for H to be zero: 1.13 says that a
common cause that makes them 13 % more frequent there, and leaves them alone where nobody complains, explains everything.

References:
    VanderWeele, Ding 2017, Annals of Internal Medicine 167 (E-value): the factor is their observed ratio R, the least joint bias that explains it
    away; one cause has to be tied by R + sqrt(R (R - 1)) to complaints and to departures alike.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import numpy.typing as npt

from iceberg.arrays import BoolArray, FloatArray
from iceberg.model.departures.fit.model import ExcessHazardFit
from iceberg.model.departures.reconciliation import ReconciliationDraws

CHUNK = 20  # draws at a time
LARGEST_FACTOR = 100.0  # a category that nearly all leavers are ascribed to: no common cause is as strong


def common_cause_factors(fit: ExcessHazardFit, drawn: ReconciliationDraws, *, own: BoolArray) -> FloatArray:
    """(K, C + 1) factor of each category, and of the total of those in `own`, in every draw: 1 where nothing is silent."""
    rates, design = fit.rates_at(fit.shared, fit.own), fit.design
    exits, expected = design.exits * design.group_size, rates.departures * design.group_size
    # All categories: a place has as many complaints as the silent churn that they stand for.
    parts = [*rates.caused, rates.caused[own].sum(axis=0)]
    weights, everybody = zip(*(_weights(caused, design.at_risk, exits, expected) for caused in parts), strict=True)
    churn = drawn.silent_churn.reshape(*drawn.silent_churn.shape[:2], -1)
    flat = np.stack([weight.ravel() for weight in weights])[..., None]
    ascribed = np.empty((len(churn), len(parts)))
    for low in range(0, len(churn), CHUNK):  # a copy in double precision of all draws would not stay in the processor's memory
        some = churn[low : low + CHUNK].astype(np.float64)
        ascribed[low : low + CHUNK, :-1] = np.matmul(some.transpose(1, 0, 2), flat[:-1])[..., 0].T
        ascribed[low : low + CHUNK, -1] = (some if own.all() else some[:, own]).sum(axis=1) @ flat[-1, :, 0]
    return np.stack([_factor(every, taken) for every, taken in zip(everybody, ascribed.T, strict=True)], axis=1)


def needed_factor(caused: FloatArray, *, churn: npt.NDArray[Any], at_risk: FloatArray, exits: FloatArray, expected: FloatArray) -> FloatArray:
    """(K,) the factor of one category.

    Args:
        caused: (S, M, B) expected silent churn at the mode; per customer at risk it is x, up to a constant.
        churn: (K, S, M) draws of H, spread over tenure bands as at the mode.
        at_risk: (S, M, B) months at risk.
        exits: (S, M, B) silent leavers.
        expected: (S, M, B) those that are expected at the mode.
    """
    weight, everybody = _weights(caused, at_risk, exits, expected)
    return _factor(everybody, np.einsum("ksm,sm->k", churn, weight))


def _weights(caused: FloatArray, at_risk: FloatArray, exits: FloatArray, expected: FloatArray) -> tuple[FloatArray, float]:
    """(S, M) x where the silent churn of a category is, and the sum of x over all silent leavers."""
    intensity = np.divide(caused, at_risk, out=np.zeros_like(caused), where=at_risk > 0)
    of_band = caused * np.divide(exits, expected, out=np.zeros_like(exits), where=expected > 0)
    within = of_band.sum(axis=2)
    weight = np.divide((intensity * of_band).sum(axis=2), within, out=np.zeros_like(within), where=within > 0)
    return np.asarray(weight, dtype=np.float64), float((intensity * exits).sum())


def _factor(everybody: float, ascribed: FloatArray) -> FloatArray:
    """(K,) the factor, from both sums."""
    if everybody <= 0:
        return np.ones(len(ascribed))
    return np.asarray(everybody / np.maximum(everybody - ascribed, everybody / LARGEST_FACTOR), dtype=np.float64)
