"""Draws the silent ratios jointly, and limits them to the departures that were observed.

The cap is a condition, not a scaling. Given the ratios, the silent leavers of segment s are ``H_s ~ Poisson(x_s)`` with ``x_s = sum_c r_c mu_cs``,
and ``H_s <= L_s``, the silent leavers there were. ``P(Poisson(x) <= L) = P(Gamma(L + 1) >= x)``, so with one gamma draw T_s per segment the condition
reads ``x_s <= T_s``: a bound on the shared m, from which m is drawn exactly (truncated normal by inversion), and each draw of everything else weighs
the probability of that bound. No draw is ever refused, however much the ratio asks. ``mu_cs``, the problems' scale behind V_cs complainants, is
Gamma(V_cs): three complainants in a segment say little about it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy import special

from iceberg.arrays import BoolArray, FloatArray, IntArray
from iceberg.model.assumptions import Assumptions
from iceberg.model.priors import FAMILY_SHIFT_LOG_SD, SHARED_VARIANCE, category_prior, excess_prior, pert_quantile
from iceberg.model.ratio.measurements import SOURCES, MeasuredRatio

LEAST_ROOM = 1e-6  # of a segment's room: next to none, and still a number to take the logarithm of
IMPOSSIBLE = 100.0  # judgement: log weight lost per factor e by which measured ratios exceed the departures


@dataclass(frozen=True, eq=False)
class RatioPriorDraws:
    """Prior draws of the ratio, kept in the parts that the cap needs.

    Attributes:
        shared_location, shared_sd: m ~ Normal(location, sd).
        shared_uniform: float64 (K,) the uniforms that m is drawn from.
        own: float64 (K, C) e_c, and the category's own rho where evidence priors are used (log scale).
        excess: float64 (K, C) q_c.
        measured: bool (C,) categories whose rho was measured: `own` is all of it, m does not move them.
    """

    shared_location: float
    shared_sd: float
    shared_uniform: FloatArray
    own: FloatArray
    excess: FloatArray
    measured: BoolArray

    def log_ratio(self) -> FloatArray:
        """float64 (K, C) log r_c, unconditioned."""
        shared = self.shared_location + self.shared_sd * special.ndtri(self.shared_uniform)
        return np.asarray(shared[:, None] * ~self.measured + self.own + np.log(self.excess), dtype=np.float64)


ExcessQuantile = Callable[[FloatArray], FloatArray]


def draw_ratio_prior(
    categories: Sequence[str],
    *,
    assumptions: Assumptions,
    rng: np.random.Generator,
    excess_quantiles: Sequence[ExcessQuantile] | None = None,
    measured: Sequence[MeasuredRatio | None] = (),
) -> RatioPriorDraws:
    """Joint prior draws of the ratio and of the excess probability of every category.

    Args:
        categories: C names, in the order of the draws.
        assumptions: Ratio, its spread, or the evidence priors per category.
        rng: The random numbers used do not depend on the assumptions: moving a slider moves every draw smoothly.
        excess_quantiles: Quantile function of q_c per category where complainers' own excess informs it (level 2).
        measured: Per category, what a log or a survey puts in the place of the assumed ratio (level 4).
    """
    draws, count = assumptions.draws, len(categories)
    shared_uniform = rng.random(draws)
    capture_uniform = rng.random(draws)
    own_normal = rng.standard_normal((draws, count))
    complain_uniform, excess_uniform = rng.random((draws, count)), rng.random((draws, count))
    selection = dict(zip(SOURCES, rng.standard_normal((len(SOURCES), draws)), strict=True))
    excess = np.ones((draws, count))
    own = np.empty((draws, count))
    for index, category in enumerate(categories):
        prior = category_prior(category, assumptions=assumptions)
        if not assumptions.literal_leavers:
            quantile = excess_quantiles[index] if excess_quantiles else None
            uniform = excess_uniform[:, index]
            excess[:, index] = (
                quantile(uniform)
                if quantile
                else pert_quantile(excess_prior(category, assumptions=assumptions), uniform)
            )
        seen = measured[index] if measured else None
        if seen is not None:
            own[:, index] = seen.log_sufferers(complain_uniform[:, index], own_normal[:, index], capture_uniform, selection[seen.source])
        elif assumptions.use_category_priors:
            complain = pert_quantile(prior.p, complain_uniform[:, index])
            # One file captures all categories alike, so c is one draw for all of them.
            own[:, index] = np.log((1 - complain) / (complain * pert_quantile(prior.c, capture_uniform)))
        else:
            own[:, index] = assumptions.ratio.log_sd * np.sqrt(1 - SHARED_VARIANCE) * own_normal[:, index]
    fixed = np.array([seen is not None for seen in measured] or [False] * count, dtype=np.bool_)
    if assumptions.use_category_priors:
        return RatioPriorDraws(0.0, FAMILY_SHIFT_LOG_SD, shared_uniform, own, excess, fixed)
    shared_sd = assumptions.ratio.log_sd * float(np.sqrt(SHARED_VARIANCE))
    return RatioPriorDraws(assumptions.ratio.log_median, shared_sd, shared_uniform, own, excess, fixed)


@dataclass(frozen=True, eq=False)
class RatioDraws:
    """Draws after the departures have spoken.

    Attributes:
        ratio: float64 (K, C) r_c.
        excess: float64 (K, C) q_c of the same draws.
        silent_churn: float64 (K, C, S) customers; summed over categories never above the segment's silent leavers.
        feasible_probability: Prior probability that the assumption fits into the departures at all.
        asked: Silent churn, in all, that the prior asks for (median).
    """

    ratio: FloatArray
    excess: FloatArray
    silent_churn: FloatArray
    feasible_probability: float
    asked: float

    def rearranged(self, categories: IntArray, segments: IntArray) -> RatioDraws:
        """The same draws with categories and segments in another order."""
        churn = self.silent_churn[:, categories]
        churn = churn[:, :, segments] if churn.shape[2] == len(segments) else churn
        return replace(self, ratio=self.ratio[:, categories], excess=self.excess[:, categories], silent_churn=churn)


def condition_on_departures(
    prior: RatioPriorDraws, *, vocal: FloatArray, leavers: FloatArray | None, rng: np.random.Generator
) -> RatioDraws:
    """Draw the ratios from their prior given that no segment lost fewer silent customers than they ask for.

    Args:
        prior: K joint draws.
        vocal: float64 (C, S) vocal customers.
        leavers: float64 (S,) silent leavers, or None where no departures are known (level 0): then nothing is conditioned.
        rng: For the noise of small cells and the resampling.

    Returns:
        K draws; equal prior draws where the cap does not bind.

    References:
        Devroye 1986, Non-Uniform Random Variate Generation, II.2 (truncation by inversion); Douc, Cappe 2005 (systematic resampling).
    """
    ratio = np.exp(prior.log_ratio())
    median = float(np.median(ratio @ vocal.sum(axis=1)))
    if leavers is None:
        return RatioDraws(ratio, prior.excess, ratio[:, :, None] * vocal, 1.0, median)
    draws = len(prior.shared_uniform)
    problems = rng.standard_gamma(
        vocal, (draws, *vocal.shape)
    )  # gamma with shape 0 is 0: no complainers, no silent churn
    room = rng.standard_gamma(leavers + 1, (draws, len(leavers)))
    relative = np.exp(prior.own) * prior.excess
    moves = relative * ~prior.measured
    asked = np.einsum("kc,kcs->ks", moves, problems)
    taken = np.einsum("kc,kcs->ks", relative - moves, problems)
    # What was measured takes its room first. Where it asks for more than there was, the shared part gets next to none
    # and the draw weighs nothing beside one that fits; when no draw fits, the least impossible ones are kept.
    beyond = np.log(np.maximum(np.divide(taken, room), 1.0)).max(axis=1, initial=0.0)
    with np.errstate(divide="ignore"):
        bound = np.log(np.maximum(room - taken, LEAST_ROOM * room) / asked).min(axis=1, initial=np.inf)
    standard_bound = (bound - prior.shared_location) / prior.shared_sd
    shared_weight = special.log_ndtr(standard_bound)
    log_weight = shared_weight - IMPOSSIBLE * beyond
    chosen = _resample(log_weight, rng)
    below_bound = special.ndtri_exp(np.log(prior.shared_uniform) + shared_weight[chosen])
    shared = np.exp(prior.shared_location + prior.shared_sd * below_bound)
    level = np.where(prior.measured, 1.0, shared[:, None])
    expected = (level * relative[chosen])[:, :, None] * problems[chosen]
    total = expected.sum(axis=1, keepdims=True)
    silent_churn = expected * np.minimum(1.0, np.divide(leavers, total, out=np.ones_like(total), where=total > 0))
    heard = vocal.sum(axis=1)
    ratio = np.where(
        heard > 0, silent_churn.sum(axis=2) / np.maximum(heard, 1e-300), level * relative[chosen]
    )
    return RatioDraws(ratio, prior.excess[chosen], silent_churn, float(np.exp(log_weight).mean()), median)


def _resample(log_weight: FloatArray, rng: np.random.Generator) -> npt.NDArray[np.intp]:
    """Systematic resampling: equal weights keep every draw once, in order."""
    weight = np.exp(log_weight - log_weight.max())
    cumulative = np.cumsum(weight)
    points = (np.arange(len(weight)) + rng.random()) / len(weight) * cumulative[-1]
    return np.asarray(np.minimum(np.searchsorted(cumulative, points, side="right"), len(weight) - 1), dtype=np.intp)
