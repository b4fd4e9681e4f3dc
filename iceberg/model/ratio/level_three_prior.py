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
from iceberg.model.ratio.draws import draw_ratio_prior
from iceberg.model.ratio.posterior import RatioPrior
from iceberg.model.survival.delay_kernel import DelayKernel

# The trial of the method found m ~ sd 1.5 and e_c ~ sd 1 to serve every company; the assumed ratio (a factor of 5 either way) and the spread
# of q account for part of it, the following for the rest. Grade C.
UNKNOWN_SHARED_SD, UNKNOWN_SPREAD_SD = 1.25, 0.5
# Judgement, grade D: how far complainers' excess speaks for the silent: between categories, and for the level of all of them.
VOCAL_WEIGHT, VOCAL_LEVEL_WEIGHT = 0.7, 0.5
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
    """How complainers' excess moves the level and the categories, each as far as it is known."""
    level_trust = VOCAL_LEVEL_WEIGHT * SILENT_EXCESS_LOG_SD**2 / (SILENT_EXCESS_LOG_SD**2 + kernel.pooled_log_sd**2)
    level = level_trust * (kernel.pooled_log_mean - assumed_log_excess)
    return np.asarray(level + VOCAL_WEIGHT * (kernel.excess_log_mean - kernel.pooled_log_mean), dtype=np.float64)
