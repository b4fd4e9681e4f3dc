"""The silent ratios at level 3: their hierarchical prior with room near zero, and their skewed joint posterior.

The data constrain a ratio on its natural scale (departures are linear in r_c), the prior lives on the log scale. A Gaussian in log r_c is therefore
wrong exactly where it matters: where the data say "almost none". Around the mode the likelihood with everything else integrated out is taken as
quadratic in y_c = r_c / mode_c; the prior is exact, the spread between categories summed out and the level that they share drawn with them;
Hamiltonian steps in these few dimensions are cheap and need no tuning by the user.

References:
    Rue et al. 2009 (nested Laplace); Neal 2011 (Hamiltonian Monte Carlo).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from scipy.special import logsumexp

from iceberg.arrays import BoolArray, FloatArray
from iceberg.model.priors import HARMLESS_SD, HARMLESS_SHIFT, HARMLESS_WEIGHT

# Judgement, grade D: half an order of magnitude to a few between categories of one company.
SPREAD_GRID = np.array([0.3, 0.45, 0.65, 0.9, 1.25, 1.75])
SPREAD_MEDIAN, SPREAD_LOG_SD = 0.9, 0.45
# Judgement, grade D: one company in ten has next to no silent churn; the ratio there is 150 times smaller, give or take.
NEAR_ZERO_WEIGHT, NEAR_ZERO_SHIFT, NEAR_ZERO_SD = 0.10, -5.0, 2.0

MOST_FACTORS = 1000  # whose product is taken


@dataclass(frozen=True, eq=False)
class RatioPrior:
    """log r_c = m + mean_c + e_c. The level m is Normal(0, shared_sd), or near zero for the whole company.

    e_c ~ (1 - h) Normal(0, spread) + h Normal(shift, sd) of a harmless category; the spread is log-normal.

    Attributes:
        mean: (C,) prior median of log r_c away from zero.
        shared_sd: how far all categories may be wrong together, log scale.
        spread: median of how far apart they are.
        near_zero: weight of next to no silent churn at all.
        harmless: weight h of a category whose complaints cost hardly anybody.
        observed_mean, observed_precision: (C,) and (C, C) log r ~ Normal on top of it, where a complaint rate was observed; precision 0 elsewhere.
    """

    mean: FloatArray
    shared_sd: float
    spread: float = SPREAD_MEDIAN
    near_zero: float = NEAR_ZERO_WEIGHT
    harmless: float = HARMLESS_WEIGHT
    observed_mean: FloatArray | None = None
    observed_precision: FloatArray | None = None

    def of_categories(self, chosen: BoolArray) -> RatioPrior:
        """The same for some of the categories."""
        if self.observed_mean is None or self.observed_precision is None:
            return replace(self, mean=self.mean[chosen])
        kept = chosen & (np.diagonal(self.observed_precision) > 0)
        precision = np.zeros_like(self.observed_precision)
        precision[np.ix_(kept, kept)] = np.linalg.inv(self.observed_covariance[np.ix_(kept, kept)])
        return replace(self, mean=self.mean[chosen], observed_mean=self.observed_mean[chosen], observed_precision=precision[np.ix_(chosen, chosen)])

    @property
    def observed_covariance(self) -> FloatArray:
        """(C, C) of what was observed; zero where nothing was."""
        covariance = np.zeros((len(self.mean), len(self.mean)))
        if self.observed_precision is not None:
            known = np.diagonal(self.observed_precision) > 0
            covariance[np.ix_(known, known)] = np.linalg.inv(self.observed_precision[np.ix_(known, known)])
        return covariance

    @property
    def gaussian(self) -> tuple[FloatArray, FloatArray]:
        """Mean and precision of the Gaussian part, for the way to the mode."""
        size = len(self.mean)
        precision = np.asarray(np.linalg.inv(self.spread**2 * np.eye(size) + self.shared_sd**2), dtype=np.float64)
        if self.observed_mean is None or self.observed_precision is None:
            return self.mean, precision
        both = np.asarray(precision + self.observed_precision, dtype=np.float64)
        mean = np.linalg.solve(both, precision @ self.mean + self.observed_precision @ self.observed_mean)
        return np.asarray(mean, dtype=np.float64), both

    @cached_property
    def spreads(self) -> tuple[FloatArray, FloatArray]:
        """Log weight and value of the spread between categories (T values)."""
        weight = -0.5 * (np.log(SPREAD_GRID / SPREAD_MEDIAN) / SPREAD_LOG_SD) ** 2
        return weight - logsumexp(weight), SPREAD_GRID * self.spread / SPREAD_MEDIAN

    @cached_property
    def levels(self) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Log weight, mean and standard deviation of the level: as usual, and near zero."""
        weight = np.log(np.maximum([1 - self.near_zero, self.near_zero], 1e-300))
        return weight, np.array([0.0, NEAR_ZERO_SHIFT]), np.array([self.shared_sd, NEAR_ZERO_SD])

    def log_density(self, log_ratio: FloatArray, level: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """Log density (constants dropped) at (K, C) and (K,), and its gradients by both."""
        weight, usual_log, sharp, sums = self._mixture
        own = log_ratio - self.mean - level[:, None]
        away = (own - HARMLESS_SHIFT) / HARMLESS_SD
        square = own**2
        harmless = np.log(max(self.harmless, 1e-300)) - np.log(HARMLESS_SD) - 0.5 * away**2
        gap = harmless[:, :, None] + (square[:, :, None] * (0.5 * sharp) - usual_log)  # K C T: log of harmless over usual
        less = np.exp(-np.abs(gap))
        plus = 1 + less
        # The logarithm of a product is a sum of logarithms, and cheaper; of a thousand factors up to 2 it would overflow.
        spill = np.log(plus.prod(axis=1)) if gap.shape[1] < MOST_FACTORS else np.log(plus).sum(axis=1)
        of_spread = weight + gap.shape[1] * usual_log - square.sum(axis=1)[:, None] * (0.5 * sharp) + np.maximum(gap, 0).sum(axis=1) + spill
        top = of_spread.max(axis=1, keepdims=True)
        share = np.exp(of_spread - top)
        total = share.sum(axis=1, keepdims=True)
        is_usual = np.where(gap > 0, less, 1.0) / plus * (share / total)[:, None, :]
        pulled, usual = np.moveaxis(is_usual @ sums, 2, 0)
        slope = -own * pulled - (1 - usual) * away / HARMLESS_SD
        of_level, level_slope = self._of_level(level)
        value, level_slope = (top + np.log(total))[:, 0] + of_level, level_slope - slope.sum(axis=1)
        if self.observed_mean is not None and self.observed_precision is not None:
            off = log_ratio - self.observed_mean
            pull = off @ self.observed_precision
            value = value - 0.5 * (off * pull).sum(axis=1)
            slope = slope - pull
        return value, slope, level_slope

    @cached_property
    def _mixture(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """Per spread (T): log weight, log of the usual part's height, precision; (T, 2) precision beside ones, which sum over the spreads."""
        weight, spread = self.spreads
        sharp = spread**-2
        return weight, np.log1p(-self.harmless) - np.log(spread), sharp, np.column_stack([sharp, np.ones_like(sharp)])

    def _of_level(self, level: FloatArray) -> tuple[FloatArray, FloatArray]:
        weight, mean, sd = self.levels
        away = [(level - mean[kind]) / sd[kind] for kind in (0, 1)]
        usual, near_zero = (weight[kind] - np.log(sd[kind]) - 0.5 * away[kind] ** 2 for kind in (0, 1))
        value = np.logaddexp(usual, near_zero)
        return value, -(np.exp(usual - value) * away[0] / sd[0] + np.exp(near_zero - value) * away[1] / sd[1])

    def level_given(self, log_ratio: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        """Where the level is likely to be, (K,), how it moves with each ratio, (C,), and its standard deviation: under the Gaussian part alone."""
        size = log_ratio.shape[-1]
        shared, own = self.shared_sd**2, self.spread**2
        follows = np.full(size, shared / (own + size * shared))
        return (log_ratio - self.mean) @ follows, follows, float(np.sqrt(shared * own / (own + size * shared)))

    def draw(self, rng: np.random.Generator, draws: int) -> FloatArray:
        """(K, C) log ratios before the departures speak."""
        if self.observed_mean is not None:
            mean, precision = self.gaussian
            nothing = np.zeros(len(mean))
            silent = RatioLikelihood(mean, nothing, np.zeros_like(precision), nothing)
            return draw_log_ratios(silent, self, np.asarray(np.linalg.inv(precision), dtype=np.float64), rng=rng, draws=draws).log_ratio
        (of_spread, spreads), (of_level, means, sds) = self.spreads, self.levels
        spread = spreads[rng.choice(len(spreads), size=draws, p=np.exp(of_spread))]
        kind = rng.choice(2, size=draws, p=np.exp(of_level))
        level = means[kind] + sds[kind] * rng.standard_normal(draws)
        own = rng.standard_normal((draws, len(self.mean)))
        harmless = rng.random(own.shape) < self.harmless
        return self.mean + level[:, None] + np.where(harmless, HARMLESS_SHIFT + HARMLESS_SD * own, spread[:, None] * own)


@dataclass(frozen=True, eq=False)
class RatioLikelihood:
    """What departures say of the ratios, everything else integrated out: slope'(y - 1) - (y - 1)'information(y - 1) / 2, y = r / mode.

    Attributes:
        mode: (C,) log r at the mode.
        slope: (C,) score at the mode.
        information: (C, C).
        drag: (C,) what integrating everything else adds per unit of y.
    """

    mode: FloatArray
    slope: FloatArray
    information: FloatArray
    drag: FloatArray

    def log_density(self, log_ratio: FloatArray) -> tuple[FloatArray, FloatArray]:
        """Log density and gradient at (K, C)."""
        x = np.minimum(log_ratio - self.mode, 30.0)
        y = np.exp(x)
        pushed = (y - 1) @ self.information
        value = ((y - 1) * self.slope).sum(1) - 0.5 * ((y - 1) * pushed).sum(1) + ((y - 1) * self.drag).sum(1)
        slope = y * (self.slope - pushed + self.drag)
        return value, slope


def information_only(precision: FloatArray, prior: RatioPrior) -> FloatArray:
    """(C, C) of the likelihood: a posterior precision without the Gaussian part of the prior, never negative."""
    own = precision - prior.gaussian[1]
    values, vectors = np.linalg.eigh((own + own.T) / 2)
    return np.asarray((vectors * np.maximum(values, 0.0)) @ vectors.T)


LONGEST_CLIMB = 1.5  # log r moves at most this far before the likelihood is evaluated again


def climb_log_ratios(likelihood: RatioLikelihood, prior: RatioPrior) -> FloatArray:
    """Log ratios at the top of likelihood and Gaussian prior, at most `LONGEST_CLIMB` from where the likelihood was taken."""
    mean, precision = prior.gaussian
    at = likelihood.mode.copy()

    def height(log_ratio: FloatArray) -> float:
        away = log_ratio - mean
        return float(likelihood.log_density(log_ratio[None])[0][0] - 0.5 * away @ precision @ away)

    top = height(at)
    for _ in range(30):
        y = np.exp(at - likelihood.mode)
        slope = likelihood.log_density(at[None])[1][0] - precision @ (at - mean)
        bend = likelihood.information * np.outer(y, y) + precision
        down = y * (likelihood.slope + likelihood.drag - likelihood.information @ (y - 1))
        bend[np.diag_indices(len(y))] += np.maximum(-down, 0.0)
        step = np.linalg.solve(bend, slope)
        if np.abs(step).max(initial=0.0) < 1e-6:
            break
        for _ in range(20):
            tried = np.clip(at + step, likelihood.mode - LONGEST_CLIMB, likelihood.mode + LONGEST_CLIMB)
            reached = height(tried)
            if reached >= top:
                break
            step = step / 2
        if reached < top or np.abs(tried - at).max() < 1e-7:
            break
        at, top = tried, reached
    return at


# Hamiltonian steps whitened by the Gaussian at the mode: every chain forgets its start, then gives a few states far apart. The prior has several
# modes (a harmless category, next to no silent churn at all) that such steps rarely find: after each, a chain may jump to where the prior has them.
STEP_SIZE, LEAPS = 0.35, 4
FORGET, APART, STATES = 24, 8, 4


@dataclass(frozen=True, eq=False)
class LogRatios:
    """Joint draws.

    Attributes:
        log_ratio: (K, C) log r.
        level: (K,) what all categories share.
    """

    log_ratio: FloatArray
    level: FloatArray


def draw_log_ratios(
    likelihood: RatioLikelihood, prior: RatioPrior, covariance: FloatArray, *, rng: np.random.Generator, draws: int
) -> LogRatios:
    """Joint posterior draws of log r from many short chains.

    Args:
        likelihood: What the departures say.
        prior: What is believed.
        covariance: (C, C) of the Gaussian at the mode, where the chains start and by which steps are scaled.
        rng: Random numbers.
        draws: K; a quarter as many chains run.
    """
    level, follows, sd = prior.level_given(likelihood.mode)
    centre = np.append(likelihood.mode, level)
    with_level = covariance @ follows
    whole = np.block([[covariance, with_level[:, None]], [with_level[None], follows @ with_level + sd**2]])
    root = np.linalg.cholesky(whole + 1e-10 * np.eye(len(whole)))
    chains = -(-draws // STATES)
    z = rng.standard_normal((chains, len(root)))

    def target(at: FloatArray) -> tuple[FloatArray, FloatArray]:
        moved = centre + at @ root.T
        log_ratio = moved[:, :-1]
        value, slope = likelihood.log_density(log_ratio)
        prior_value, prior_slope, level_slope = prior.log_density(log_ratio, moved[:, -1])
        return value + prior_value, np.column_stack([slope + prior_slope, level_slope]) @ root

    unroot = np.linalg.inv(root)

    def jump(at: FloatArray, step: int) -> tuple[FloatArray, FloatArray]:
        moved = centre + at @ root.T
        change = _other_level(prior, moved, rng) if step % 2 else _other_category(prior, moved, rng)
        return at + change[0] @ unroot.T, change[1]

    kept = _hamiltonian(target, jump, z, rng)
    moved = (centre + kept @ root.T)[:draws]
    return LogRatios(np.ascontiguousarray(moved[:, :-1]), np.ascontiguousarray(moved[:, -1]))


def _other_category(prior: RatioPrior, at: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """A move of one category of every chain to where its prior may have it, usual or harmless.

    Returns:
        (K, C + 1) the move, and (K,) the log density of the way back over that of the way there.
    """
    rows, chosen = np.arange(len(at)), rng.integers(at.shape[1] - 1, size=len(at))
    own = at[rows, chosen] - prior.mean[chosen] - at[:, -1]
    centres, sds = np.array([0.0, HARMLESS_SHIFT]), np.array([prior.spread, HARMLESS_SD])
    kind = rng.integers(2, size=len(at))
    tried = centres[kind] + sds[kind] * rng.standard_normal(len(at))
    change = np.zeros_like(at)
    change[rows, chosen] = tried - own
    weight = np.log([0.5, 0.5])
    return change, _log_mixture(own, weight, centres, sds) - _log_mixture(tried, weight, centres, sds)


def _other_level(prior: RatioPrior, at: FloatArray, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """The same of all categories together, to another level."""
    _, means, sds = prior.levels
    kind = rng.integers(2, size=len(at))
    tried = means[kind] + sds[kind] * rng.standard_normal(len(at))
    evenly = np.log([0.5, 0.5])
    ways = _log_mixture(at[:, -1], evenly, means, sds) - _log_mixture(tried, evenly, means, sds)
    return np.repeat((tried - at[:, -1])[:, None], at.shape[1], axis=1), ways


def _log_mixture(at: FloatArray, log_weight: FloatArray, means: FloatArray, sds: FloatArray) -> FloatArray:
    """(K,) log density of a mixture of two Gaussians, constants dropped."""
    first, second = (log_weight[kind] - np.log(sds[kind]) - 0.5 * ((at - means[kind]) / sds[kind]) ** 2 for kind in (0, 1))
    return np.asarray(np.logaddexp(first, second))


def _hamiltonian(
    target: Callable[[FloatArray], tuple[FloatArray, FloatArray]],
    jump: Callable[[FloatArray, int], tuple[FloatArray, FloatArray]],
    z: FloatArray,
    rng: np.random.Generator,
) -> FloatArray:
    """States of all chains that start at `z`, one chain below another."""
    value, slope = target(z)
    kept = []
    for step in range(FORGET + APART * STATES):
        size = STEP_SIZE * rng.uniform(0.3, 1.3, size=(len(z), 1))
        momentum = rng.standard_normal(z.shape)
        start = value - 0.5 * (momentum**2).sum(1)
        tried, tried_value, tried_slope = z, value, slope
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(LEAPS):
                momentum = momentum + 0.5 * size * tried_slope
                tried = tried + size * momentum
                tried_value, tried_slope = target(tried)
                momentum = momentum + 0.5 * size * tried_slope
            end = tried_value - 0.5 * (momentum**2).sum(1)
            accept = np.log(rng.random(len(z))) < np.where(np.isfinite(end), end - start, -np.inf)
        z = np.where(accept[:, None], tried, z)
        value, slope = np.where(accept, tried_value, value), np.where(accept[:, None], tried_slope, slope)
        tried, ways = jump(z, step)
        with np.errstate(over="ignore", invalid="ignore"):
            tried_value, tried_slope = target(tried)
            gain = tried_value - value + ways
            accept = np.log(rng.random(len(z))) < np.where(np.isfinite(gain), gain, -np.inf)
        z = np.where(accept[:, None], tried, z)
        value, slope = np.where(accept, tried_value, value), np.where(accept[:, None], tried_slope, slope)
        if step >= FORGET and (step - FORGET) % APART == APART - 1:
            kept.append(z)
    return np.concatenate(kept)
