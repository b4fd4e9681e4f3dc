"""The posterior of q, the excess probability of the silent: a prior updated by customers who were followed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy import special

from iceberg.arrays import FloatArray
from iceberg.model.priors import COMMON_EXCESS

# Judgement, small beside real data:
PRIOR_COMPLAINERS = 5.0  # complainers' worth of belief in the pool when the noise of a category is judged


@dataclass(frozen=True)
class ExcessPosterior:
    """q of the silent customers of one category: a normal on (0, 1)."""

    location: float
    sd: float
    complainants: int

    def quantile(self, uniform: FloatArray) -> FloatArray:
        """Inverse distribution function, truncated to probabilities."""
        low, high = special.ndtr((np.array([0.001, 0.999]) - self.location) / self.sd)
        return np.asarray(
            np.clip(self.location + self.sd * special.ndtri(low + uniform * (high - low)), 0.001, 0.999),
            dtype=np.float64,
        )


def prior_excess() -> tuple[float, float]:
    """Mean and standard deviation of q before any complainant is seen (a PERT)."""
    spread = (COMMON_EXCESS.mean - COMMON_EXCESS.low) * (COMMON_EXCESS.high - COMMON_EXCESS.mean) / 7
    return COMMON_EXCESS.mean, spread**0.5


def combine_excess(
    mean: float, sd: float, *, followed: float, stay: float, expected_stay: float
) -> tuple[float, float]:
    """Normal prior times the binomial likelihood of `followed` customers of whom the share `stay` stayed."""
    believed = min(max(1 - expected_stay + mean, 0.01), 0.99)
    leave = (followed * (1 - stay) + PRIOR_COMPLAINERS * believed) / (followed + PRIOR_COMPLAINERS)
    precision, own_precision = sd**-2, followed / (leave * (1 - leave))
    total = precision + own_precision
    return float((mean * precision + (expected_stay - stay) * own_precision) / total), float(total**-0.5)
