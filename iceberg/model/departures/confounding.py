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

LARGEST_FACTOR = 100.0  # a category that nearly all leavers are ascribed to: no common cause is as strong


def common_cause_factors(fit: ExcessHazardFit, drawn: ReconciliationDraws, *, own: BoolArray) -> FloatArray:
    """(K, C + 1) factor of each category, and of the total of those in `own`, in every draw: 1 where nothing is silent."""
    rates, design = fit.rates_at(fit.shared, fit.own), fit.design
    exits, expected = design.exits * design.group_size, rates.departures * design.group_size
    churn = drawn.silent_churn
    parts = [(rates.caused[index], churn[:, index]) for index in range(churn.shape[1])]
    # All categories: a place has as many complaints as the silent churn that they stand for.
    parts.append((rates.caused[own].sum(axis=0), churn[:, own].sum(axis=1)))
    found = [
        needed_factor(caused, churn=drawn_churn, at_risk=design.at_risk, exits=exits, expected=expected)
        for caused, drawn_churn in parts
    ]
    return np.stack(found, axis=1)


def needed_factor(caused: FloatArray, *, churn: npt.NDArray[Any], at_risk: FloatArray, exits: FloatArray, expected: FloatArray) -> FloatArray:
    """(K,) the factor of one category.

    Args:
        caused: (S, M, B) expected silent churn at the mode; per customer at risk it is x, up to a constant.
        churn: (K, S, M) draws of H, spread over tenure bands as at the mode.
        at_risk: (S, M, B) months at risk.
        exits: (S, M, B) silent leavers.
        expected: (S, M, B) those that are expected at the mode.
    """
    intensity = np.divide(caused, at_risk, out=np.zeros_like(caused), where=at_risk > 0)
    of_band = caused * np.divide(exits, expected, out=np.zeros_like(exits), where=expected > 0)
    within = of_band.sum(axis=2)
    weight = np.divide((intensity * of_band).sum(axis=2), within, out=np.zeros_like(within), where=within > 0)
    everybody = float((intensity * exits).sum())
    if everybody <= 0:
        return np.ones(len(churn))
    ascribed = np.einsum("ksm,sm->k", churn, weight)
    return np.asarray(everybody / np.maximum(everybody - ascribed, everybody / LARGEST_FACTOR), dtype=np.float64)
