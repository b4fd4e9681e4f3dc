"""Averages the answer over the variance of the natural tenure effect, where the answer depends on it.

In small companies the variance of the steps between tenure bands decides how many departures are natural, and it is learned from ten steps at most.
Where the ratios depend on it, the model is fitted at a few values of it, and the fits are weighted by their marginal likelihood (Laplace).

References:
    Kass, Steffey 1989 (how far a mode moves with a hyperparameter); Rue et al. 2009 (integration over a grid of hyperparameters).
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.model.departures.fit.model import LEAST_WEIGHT, ExcessHazardFit, prior_of, refit
from iceberg.model.departures.fit.scoring import spreads_of
from iceberg.model.departures.fit.variances import LARGEST_VARIANCE, PRIOR_FREEDOM, SMALLEST_VARIANCE, Variances

STEPS = (-1, 1, 2, 3)  # standard deviations of the log variance; skewed to the right, as a variance learned from few effects is
MATTERS = 0.3  # judgement: a smaller move of log r, in its standard deviations, does not matter


def average_variances(fit: ExcessHazardFit) -> ExcessHazardFit:
    """The fit with its alternatives; the fit unchanged where the variance hardly moves the ratios."""
    if fit.alternatives:  # two modes: each is averaged over its own variances
        averaged = [(weight, average_variances(replace(one, alternatives=()))) for weight, one in fit.alternatives]
        return replace(fit, alternatives=tuple((weight * part, each) for weight, one in averaged for part, each in one.alternatives or ((1.0, one),)))
    if fit.layout.bands < 3 or not fit.design.exits.any():
        return fit
    spread = spreads_of(fit.layout, prior_of(fit), fit.arrow, fit.shared, fit.own)["natural_band"]
    freedom = float(np.clip(spread.rank - spread.trace / fit.variances.natural_band, 0.0, spread.rank).sum())
    sd = float(np.sqrt(2 / (freedom + PRIOR_FREEDOM)))
    if np.abs(sd * _move(fit) / np.sqrt(np.diagonal(fit.ratio_covariance))).max(initial=0.0) < MATTERS:
        return fit

    def fit_at(place: int) -> ExcessHazardFit:
        variance = float(np.clip(fit.variances.natural_band * np.exp(STEPS[place] * sd), SMALLEST_VARIANCE, LARGEST_VARIANCE))
        return refit(replace(fit, variances=replace(fit.variances, natural_band=variance)), fit.shared, fit.own)

    fits = [(_log_weight(one), one) for one in (fit, *(fit_at(place) for place in range(len(STEPS))))]
    weight = np.exp(np.array([value for value, _ in fits]) - max(value for value, _ in fits))
    weight /= weight.sum()
    weighted = [(float(share), other) for share, (_, other) in zip(weight, fits, strict=True) if share > LEAST_WEIGHT]
    return replace(fit, alternatives=tuple(weighted))


def _move(fit: ExcessHazardFit) -> FloatArray:
    """(C,) derivative of log r in the log variance."""
    prior = prior_of(fit)
    here = fit.layout.at["natural_band"]
    push = np.zeros_like(fit.shared)
    push[here] = (prior.shared_precision @ (fit.shared - prior.shared_mean))[here]
    return fit.arrow.solve(push, np.zeros_like(fit.own))[0][fit.ratio_positions]


def _log_weight(fit: ExcessHazardFit) -> float:
    """Log marginal likelihood of the variance, times its prior and its step: equal steps of the log variance."""
    log_variance = np.log(fit.variances.natural_band)
    steps, assumed = fit.layout.bands - 1, Variances.start(1).natural_band
    prior = -0.5 * PRIOR_FREEDOM * (log_variance + assumed / np.exp(log_variance))
    return float(fit.log_posterior - 0.5 * fit.arrow.log_determinant - 0.5 * steps * log_variance + prior)
