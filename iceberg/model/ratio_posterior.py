"""Owns the silent ratios themselves: their hierarchical prior with room near zero, and their skewed joint posterior.

The data constrain a ratio on its natural scale (departures are linear in r_c), the prior lives on the log scale. A Gaussian in log r_c is therefore
wrong exactly where it matters: where the data say "almost none". Around the mode the likelihood with everything else integrated out is taken as
quadratic in y_c = r_c / mode_c; the prior is exact, the shared level and the spread between categories summed out; Hamiltonian steps in these few
dimensions are cheap and need no tuning by the user.

References:
    Rue et al. 2009 (nested Laplace); Neal 2011 (Hamiltonian Monte Carlo).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.special import logsumexp

FloatArray = npt.NDArray[np.float64]

# Judgement, grade D: half an order of magnitude to a few between categories of one company.
SPREAD_GRID = np.array([0.3, 0.45, 0.65, 0.9, 1.25, 1.75])
SPREAD_MEDIAN, SPREAD_LOG_SD = 0.9, 0.45
# Judgement, grade D: one company in seven has next to no silent churn; the ratio there is 150 times smaller, give or take.
NEAR_ZERO_WEIGHT, NEAR_ZERO_SHIFT, NEAR_ZERO_SD = 0.15, -5.0, 2.0


@dataclass(frozen=True, eq=False)
class RatioPrior:
    """log r_c = m + mean_c + e_c; m ~ (1 - w) Normal(0, shared_sd) + w Normal(shift, sd) near zero; e_c ~ Normal(0, spread), spread log-normal.

    Attributes:
        mean: (C,) prior median of log r_c away from zero.
        shared_sd: how far all categories may be wrong together, log scale.
        spread: median of how far apart they are.
        near_zero: weight of next to no silent churn at all.
    """

    mean: FloatArray
    shared_sd: float
    spread: float = SPREAD_MEDIAN
    near_zero: float = NEAR_ZERO_WEIGHT

    @property
    def precision(self) -> FloatArray:
        """Of the Gaussian part, for the way to the mode."""
        size = len(self.mean)
        return np.linalg.inv(self.spread**2 * np.eye(size) + self.shared_sd**2)

    def components(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """log weight, level, level variance and spread of the normal mixture (T components)."""
        spreads = SPREAD_GRID * self.spread / SPREAD_MEDIAN
        of_spread = -0.5 * (np.log(SPREAD_GRID / SPREAD_MEDIAN) / SPREAD_LOG_SD) ** 2
        of_spread -= logsumexp(of_spread)
        weight = np.concatenate([of_spread + np.log1p(-self.near_zero), of_spread + np.log(max(self.near_zero, 1e-300))])
        level = np.repeat([0.0, NEAR_ZERO_SHIFT], len(spreads))
        variance = np.repeat([self.shared_sd**2, NEAR_ZERO_SD**2], len(spreads))
        return weight, level, variance, np.tile(spreads, 2)

    def log_density(self, log_ratio: FloatArray) -> tuple[FloatArray, FloatArray]:
        """log density (constants dropped) and gradient at (K, C)."""
        size = len(self.mean)
        weight, level, variance, spread = self.components()
        away = log_ratio - self.mean
        average = away.mean(axis=1, keepdims=True)
        within = away - average
        squares = (within**2).sum(axis=1, keepdims=True)
        total = variance + spread**2 / size
        terms = weight - (size - 1) * np.log(spread) - 0.5 * squares / spread**2 - 0.5 * (average - level) ** 2 / total - 0.5 * np.log(total)
        value = logsumexp(terms, axis=1)
        share = np.exp(terms - value[:, None])
        pull_within = (share / spread**2).sum(axis=1, keepdims=True)
        pull_level = (share * (average - level) / total).sum(axis=1, keepdims=True)
        return value, -within * pull_within - pull_level / size

    def draw(self, rng: np.random.Generator, draws: int) -> FloatArray:
        """(K, C) log ratios before the data speak."""
        weight, level, variance, spread = self.components()
        chosen = rng.choice(len(weight), size=draws, p=np.exp(weight))
        shared = level[chosen] + np.sqrt(variance[chosen]) * rng.standard_normal(draws)
        return self.mean + shared[:, None] + spread[chosen, None] * rng.standard_normal((draws, len(self.mean)))


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
        """log density and gradient at (K, C)."""
        x = np.minimum(log_ratio - self.mode, 30.0)
        y = np.exp(x)
        pushed = (y - 1) @ self.information
        value = ((y - 1) * self.slope).sum(1) - 0.5 * ((y - 1) * pushed).sum(1) + ((y - 1) * self.drag).sum(1)
        slope = y * (self.slope - pushed + self.drag)
        return value, slope


STEPS, LEAPS, STEP_SIZE = 80, 8, 0.22  # Hamiltonian: whitened by the Gaussian at the mode


def draw_log_ratios(likelihood: RatioLikelihood, prior: RatioPrior, covariance: FloatArray, *, rng: np.random.Generator, draws: int) -> FloatArray:
    """(K, C) joint posterior draws of log r: K independent chains of Hamiltonian steps, their last states kept.

    Args:
        covariance: (C, C) of the Gaussian at the mode, where the chains start and by which steps are scaled.
    """
    root = np.linalg.cholesky(covariance + 1e-10 * np.eye(len(covariance)))
    z = rng.standard_normal((draws, len(root)))

    def target(at: FloatArray) -> tuple[FloatArray, FloatArray]:
        log_ratio = likelihood.mode + at @ root.T
        value, slope = likelihood.log_density(log_ratio)
        prior_value, prior_slope = prior.log_density(log_ratio)
        return value + prior_value, (slope + prior_slope) @ root

    value, slope = target(z)
    for _ in range(STEPS):
        size = STEP_SIZE * rng.uniform(0.3, 1.3, size=(draws, 1))
        momentum = rng.standard_normal(z.shape)
        start = value - 0.5 * (momentum**2).sum(1)
        tried, tried_slope = z, slope
        with np.errstate(over="ignore", invalid="ignore"):
            for _ in range(LEAPS):
                momentum = momentum + 0.5 * size * tried_slope
                tried = tried + size * momentum
                tried_value, tried_slope = target(tried)
                momentum = momentum + 0.5 * size * tried_slope
            end = tried_value - 0.5 * (momentum**2).sum(1)
            accept = np.log(rng.random(draws)) < np.where(np.isfinite(end), end - start, -np.inf)
        z, value, slope = np.where(accept[:, None], tried, z), np.where(accept, tried_value, value), np.where(accept[:, None], tried_slope, slope)
    return np.asarray(likelihood.mode + z @ root.T)
