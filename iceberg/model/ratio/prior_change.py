"""Changes the prior: resamples the joint draws of one fit under another prior of the ratios.

The prior of log r is all that an assumption changes in the reconciliation, and its density is known. Draws under the default prior, weighted by
new density over old, are draws under the new prior: no second fit, no second sampling noise, and the answer depends on the counts and the
assumptions alone, not on the order in which a slider was moved. Where too few draws carry the weight, the caller fits again.

References:
    Kong 1992 (effective sample size); Kitagawa 1996 (systematic resampling).
"""

from __future__ import annotations

import numpy as np

from iceberg.arrays import FloatArray, IntArray
from iceberg.model.ratio.posterior import RatioPrior

ENOUGH_DRAWS = 0.3  # judgement: effective share of the draws below which intervals would show the resampling
LARGEST_WEIGHT = 0.01  # judgement: one draw must not stand for more of the answer than this


def same_prior(prior: RatioPrior, other: RatioPrior) -> bool:
    """Whether two priors are the same numbers."""
    for name in ("mean", "observed_mean", "observed_precision"):
        mine, theirs = getattr(prior, name), getattr(other, name)
        if (mine is None) != (theirs is None) or (mine is not None and not np.array_equal(mine, theirs)):
            return False
    numbers = ("shared_sd", "spread", "near_zero", "harmless")
    return all(getattr(prior, name) == getattr(other, name) for name in numbers)


def rows_under(prior: RatioPrior, drawn_under: RatioPrior, log_ratio: FloatArray, level: FloatArray) -> IntArray | None:
    """Which draws to take, some twice, so that they are draws under `prior`.

    Args:
        prior: What is now believed of log r.
        drawn_under: What was believed when the draws were made.
        log_ratio: (K, C) those draws.
        level: (K,) what all categories share in them. Where the new prior moves all categories alike, their level moves with it: the draws stay good.

    Returns:
        (K,) rows in ascending order, or None where too few draws would carry the answer.
    """
    draws = len(log_ratio)
    if same_prior(prior, drawn_under) or not log_ratio.shape[1]:
        return np.arange(draws, dtype=np.int64)
    moved = level - float(np.mean(prior.mean - drawn_under.mean))
    weight = prior.log_density(log_ratio, moved)[0] - drawn_under.log_density(log_ratio, level)[0]
    share = np.exp(weight - weight.max())
    share /= share.sum()
    if 1 / (share**2).sum() < ENOUGH_DRAWS * draws or share.max() > max(LARGEST_WEIGHT, 2 / draws):
        return None
    ladder = (np.arange(draws) + 0.5) / draws
    return np.asarray(np.minimum(np.searchsorted(np.cumsum(share), ladder), draws - 1), dtype=np.int64)
