"""Turns what a log or a survey measured into a prior of the silent ratios, and finds where the departures contradict it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp

from iceberg.arrays import BoolArray, FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.assumptions import Assumptions
from iceberg.model.ratio.draws import draw_ratio_prior
from iceberg.model.ratio.measurements import measure_ratios
from iceberg.model.ratio.posterior import RatioLikelihood, RatioPrior, draw_log_ratios
from iceberg.model.results import Diagnostic
from iceberg.model.survival.net_survival import matched_hazard, observed_excess, pooled_excess

CONFLICT_TAIL = 0.025  # judgement: probability of departures this far above, or this far below, what was measured
CONFLICT_DRAWS = 800


@dataclass(frozen=True, eq=False)
class MeasuredPrior:
    """What was measured of the ratios.

    Attributes:
        mean: (C,) of log r_c; 0 where nothing was measured.
        precision: (C, C) of log r; 0 where nothing was measured. Categories of one source share its error of selection.
        excess: (K, C) draws of q_c.
        assumed: (K, C) draws of r_c before the measurement.
        followed: (C,) whether the log followed silent customers of the category, so that `excess` is their own.
    """

    mean: FloatArray
    precision: FloatArray
    excess: FloatArray
    assumed: FloatArray
    followed: BoolArray

    @property
    def known(self) -> BoolArray:
        """(C,) categories that were measured."""
        return np.asarray(np.diagonal(self.precision) > 0, dtype=np.bool_)

    def on(self, prior: RatioPrior) -> RatioPrior:
        """`prior` with the measurement on top of it."""
        return replace(prior, observed_mean=self.mean, observed_precision=self.precision)


def measured_prior_of(
    counts: CohortCounts, assumptions: Assumptions, *, rngs: tuple[np.random.Generator, np.random.Generator]
) -> MeasuredPrior:
    """Moments of what was measured; the first of `rngs` draws them, the second what was assumed before."""
    matched = matched_hazard(counts)
    vocal = pooled_excess(counts, horizon_days=assumptions.horizon_days, matched=matched)
    silent = observed_excess(counts, vocal, horizon_days=assumptions.horizon_days, matched=matched)
    measured, names = measure_ratios(counts, assumptions=assumptions), counts.categories
    drawn = draw_ratio_prior(
        names, assumptions=assumptions, rng=rngs[0], excess_quantiles=[one.quantile for one in silent], measured=measured
    )
    return MeasuredPrior(
        *moments(drawn.log_ratio(), drawn.measured),
        drawn.excess,
        np.exp(draw_ratio_prior(names, assumptions=assumptions, rng=rngs[1]).log_ratio()),
        np.isin(np.arange(len(names)), counts.observed.clock.category if counts.observed else []),
    )


def moments(log_ratio: FloatArray, known: BoolArray) -> tuple[FloatArray, FloatArray]:
    """(C,) mean and (C, C) precision of (K, C) draws of the known categories; 0 elsewhere."""
    precision = np.zeros((len(known), len(known)))
    if known.any():
        precision[np.ix_(known, known)] = np.linalg.inv(np.atleast_2d(np.cov(log_ratio[:, known].T)))
    return np.where(known, log_ratio.mean(axis=0), 0.0), precision


def find_conflict(
    likelihood: RatioLikelihood, prior: RatioPrior, vocal: FloatArray, *, rng: np.random.Generator
) -> Diagnostic | None:
    """A warning where measurement and departures contradict each other, in either direction.

    The departures are asked without the measurement (a node split), for the silent leavers of all measured categories together: one question, because
    one source errs in one direction.

    Args:
        likelihood: What the departures say.
        prior: Of the same categories, with the measurement on it.
        vocal: (C,) vocal customers.
        rng: Random numbers.

    References:
        Marshall, Spiegelhalter 2007 (conflict by node splitting).
    """
    if prior.observed_mean is None or prior.observed_precision is None:
        return None
    known = np.diagonal(prior.observed_precision) > 0
    if not known.any():
        return None
    unmeasured = replace(prior, observed_mean=None, observed_precision=None)
    covariance = np.asarray(np.linalg.inv(likelihood.information + unmeasured.gaussian[1]), dtype=np.float64)
    alone = draw_log_ratios(likelihood, unmeasured, covariance, rng=rng, draws=CONFLICT_DRAWS)[:, known]
    root = np.linalg.cholesky(prior.observed_covariance[np.ix_(known, known)])
    measured = prior.observed_mean[known] + rng.standard_normal(alone.shape) @ root.T
    weight = np.log(np.maximum(vocal[known], 1e-9))
    from_departures, from_measurement = logsumexp(alone + weight, axis=1), logsumexp(measured + weight, axis=1)
    fewer = float((from_departures[:, None] < from_measurement[None]).mean())
    if CONFLICT_TAIL <= fewer <= 1 - CONFLICT_TAIL:
        return None
    found, asked = (round(float(np.exp(np.median(drawn)))) for drawn in (from_departures, from_measurement))
    return Diagnostic("measured_conflict", "warning", {"measured": asked, "departures": found})
