"""Builds the prior of the silent ratios at level 3 from assumptions and complainers' own excess.

`ratio.py` draws what is assumed; here its moments become the hierarchical prior of the reconciliation, widened by what no assumption knows: how the
file captures complaints and how differently the silent behave.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.assumptions import Assumptions
from iceberg.model.priors import OWN_EXCESS_LOG_SD, RECOVERY
from iceberg.model.ratio.draws import draw_ratio_prior
from iceberg.model.ratio.posterior import RatioPrior
from iceberg.model.survival.delay_kernel import DelayKernel

# The trial of the method found m ~ sd 1.5 and e_c ~ sd 1 to serve every company; the assumed ratio (a factor of 5 either way) and the spread
# of q account for part of it, the following for the rest. Grade C.
UNKNOWN_SHARED_SD, UNKNOWN_SPREAD_SD = 1.25, 0.5
VOCAL_WEIGHT = 0.6  # judgement, grade D: how far the excess of a category's complainers, against all complainers', speaks for its silent
SILENT_EXCESS_LOG_SD = 0.5  # judgement, grade D: q of the silent around q of the vocal, where a complaint rate is observed
_SEED, _DRAWS = 25, 4000  # moments by simulation: fixed, so that they are a function of the assumptions alone


def ratio_prior_of(counts: CohortCounts, assumptions: Assumptions, kernel: DelayKernel) -> RatioPrior:
    """The prior of log r_c before departures speak."""
    if not counts.categories:
        return RatioPrior(np.zeros(0), 1.5)
    held = replace(assumptions, draws=_DRAWS)
    assumed = draw_ratio_prior(counts.categories, assumptions=held, rng=np.random.default_rng(_SEED)).log_ratio()
    covariance = np.atleast_2d(np.cov(assumed.T))
    size = len(covariance)
    own = float(np.diagonal(covariance).mean())
    shared = float((covariance.sum() - np.trace(covariance)) / (size * (size - 1))) if size > 1 else own / 2
    shared = min(max(shared, 0.0), own)
    mean = assumed.mean(axis=0)
    if not assumptions.literal_leavers:
        mean = mean + _vocal_shift(kernel, np.log(0.3))
    return RatioPrior(
        mean, float(np.hypot(np.sqrt(shared), UNKNOWN_SHARED_SD)), float(np.hypot(np.sqrt(own - shared), UNKNOWN_SPREAD_SD))
    )


def _vocal_shift(kernel: DelayKernel, assumed_log_excess: float) -> FloatArray:
    """How complainers' excess moves the level and the categories, each as far as it is known.

    The level is the posterior mean of log q of the silent under the mixture of ties: where complainers hardly leave, the tie of a handled complaint
    takes over, and they say little about the silent.
    """
    weights, means = [], []
    for weight, recovery, tie in RECOVERY:
        known = OWN_EXCESS_LOG_SD**2 + tie**2 + kernel.pooled_log_sd**2
        away = kernel.pooled_log_mean + recovery - assumed_log_excess
        weights.append(weight * np.exp(-0.5 * away**2 / known) / np.sqrt(known))
        means.append(away * OWN_EXCESS_LOG_SD**2 / known)
    level = float(np.average(means, weights=weights))
    return np.asarray(level + VOCAL_WEIGHT * (kernel.excess_log_mean - kernel.pooled_log_mean), dtype=np.float64)
