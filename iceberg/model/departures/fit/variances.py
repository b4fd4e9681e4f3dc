"""Learns the smoothing variances, how far each kind of effect may vary, by the generalised Fellner-Schall rule.

For a group of effects b with prior precision S / v and rank r, the rule is v <- b'Sb / (r - tr(V S) / v), V the posterior covariance:
the squared effects over their effective degrees of freedom. Each variance also has a prior of a few degrees of freedom, so that a group without
data falls back to it instead of to 0 or infinity, and the variances of one effect in several categories are pooled.

References:
    Wood, Fasiolo 2017 (generalised Fellner-Schall); Rue et al. 2009 (Laplace at the mode).
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.model.priors import SEGMENT_SDS

PRIOR_FREEDOM = 2.0  # judgement: a variance assumed beforehand weighs as much as two effects
POOL_FREEDOM = 3.0  # judgement: what categories have in common weighs as much as three effects
SMALLEST_VARIANCE, LARGEST_VARIANCE = 1e-6, 9.0


@dataclass(frozen=True, eq=False)
class Variances:
    """Variance of each kind of effect on the log scale. Arrays are per category, those of levels per segment column.

    Month and band effects are random walks (variance of a step); the others are independent.
    """

    month: FloatArray
    band: FloatArray
    segment: FloatArray
    burst: FloatArray
    natural_month: float = 0.05**2
    natural_band: float = 0.4**2
    natural_segment: float = SEGMENT_SDS[1] ** 2
    natural_segment_month: float = 0.05**2
    natural_segment_band: float = 0.1**2
    level: FloatArray = field(default_factory=lambda: np.zeros(0))
    natural_level: FloatArray = field(default_factory=lambda: np.zeros(0))

    @classmethod
    def start(cls, categories: int, columns: int = 0) -> Variances:
        """The prior variances (judgement, grade D: standard deviations of 0.15 a month to 0.4 between segments).

        The levels of a segment column are expected to differ as much as segments do.
        """
        ones, each = np.ones(categories), np.ones(columns)
        segment, natural = (sd**2 for sd in SEGMENT_SDS)
        return cls(0.15**2 * ones, 0.4**2 * ones, segment * ones, 0.25**2 * ones, level=segment * each, natural_level=natural * each)


PER_CATEGORY = ("month", "band", "segment", "burst")
NATURAL = ("natural_month", "natural_band", "natural_segment", "natural_segment_month", "natural_segment_band")
PER_COLUMN = ("level", "natural_level")


@dataclass(frozen=True, eq=False)
class Spread:
    """b'Sb, tr(V S) and rank of one group of effects (arrays: one group per category)."""

    squares: FloatArray
    trace: FloatArray
    rank: float | FloatArray


def update_variances(current: Variances, spreads: dict[str, Spread]) -> Variances:
    """One Fellner-Schall step for every group named in `spreads`; the others stay."""
    prior = Variances.start(len(current.month), len(current.level))
    changed: dict[str, FloatArray | float] = {}
    for name, spread in spreads.items():
        before = np.asarray(getattr(current, name), dtype=float)
        freedom = np.clip(spread.rank - spread.trace / before, 0.0, spread.rank)
        assumed = np.asarray(getattr(prior, name), dtype=float)
        if name in PER_CATEGORY:
            pooled = (spread.squares.sum() + PRIOR_FREEDOM * assumed[:1].sum()) / (freedom.sum() + PRIOR_FREEDOM)
            value = (spread.squares + POOL_FREEDOM * pooled) / (freedom + POOL_FREEDOM)
        else:
            value = (spread.squares + PRIOR_FREEDOM * assumed) / (freedom + PRIOR_FREEDOM)
        value = np.clip(value, SMALLEST_VARIANCE, LARGEST_VARIANCE)
        changed[name] = float(value.ravel()[0]) if name in NATURAL else value
    return replace(current, **changed)  # type: ignore[arg-type]  # names are those of the fields


def log_prior(variances: Variances) -> float:
    """Log density of the log variances as assumed beforehand (scaled inverse chi-squared, those of several categories as one); constants dropped."""
    assumed = Variances.start(len(variances.month), len(variances.level))
    found = 0.0
    for name in PER_CATEGORY + NATURAL + PER_COLUMN:
        value, usual = (np.atleast_1d(np.asarray(getattr(each, name), dtype=float)) for each in (variances, assumed))
        terms = np.log(value) + usual / value
        found -= 0.5 * PRIOR_FREEDOM * float(terms.mean() if name in PER_CATEGORY else terms.sum())
    return found


def largest_change(before: Variances, after: Variances) -> float:
    """Largest change of a log variance."""
    return max(
        float(np.max(np.abs(np.log(np.asarray(getattr(after, name)) / np.asarray(getattr(before, name)))), initial=0.0))
        for name in PER_CATEGORY + NATURAL + PER_COLUMN
    )


LONGEST_STRIDE = 2.5


def further(earlier: Variances, current: Variances, updated: Variances) -> Variances:
    """`updated`, extrapolated: Fellner-Schall steps shrink by a constant factor (Aitken), and a variance near zero would need a dozen of them.

    Where the last two changes disagree in direction, nothing is added.
    """
    changed: dict[str, FloatArray | float] = {}
    for name in PER_CATEGORY + NATURAL + PER_COLUMN:
        one, two, three = (np.log(np.asarray(getattr(each, name), dtype=float)) for each in (earlier, current, updated))
        before, now = two - one, three - two
        with np.errstate(divide="ignore", invalid="ignore"):
            shrunk = np.where(before * now > 0, now / before, 0.0)
        stride = np.where((shrunk > 0) & (shrunk < 1), np.minimum(1 / (1 - np.minimum(shrunk, 0.99)), LONGEST_STRIDE), 1.0)
        value = np.clip(np.exp(two + stride * now), SMALLEST_VARIANCE, LARGEST_VARIANCE)
        changed[name] = float(value) if name in NATURAL else value
    return replace(current, **changed)  # type: ignore[arg-type]  # names are those of the fields
