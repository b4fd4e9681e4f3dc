"""Whether raters agree, and whether the items of a HUM go together: Krippendorff's alpha with a bootstrap, and Cronbach's alpha."""

from __future__ import annotations

import numpy as np
from scipy import stats

from iceberg.arrays import FloatArray
from iceberg.cohort.audit.record import FEWEST_MET, Span

FIRM, TENTATIVE = 0.80, 0.667  # Krippendorff 2004, chapter 11: rely on 0.800; tentative conclusions down to 0.667
BOOTSTRAPS = 2000
_TAIL = 0.05
_CLOSE = 0.999  # of the transform, which has no end


def krippendorff_alpha(scores: FloatArray, *, metric: str = "ordinal", repeats: FloatArray | None = None) -> FloatArray:
    """Krippendorff's alpha of units that several raters scored.

    Args:
        scores: (units, raters), NaN where a rater has not scored the unit. Units with one score are left out.
        metric: ``ordinal`` (distance by how many scores lie between two) or ``interval`` (by their squared difference).
        repeats: (B, units) how often each unit counts; once without it.

    Returns:
        (B,) alphas; NaN where all scores are alike, for which alpha is not defined.

    References:
        Krippendorff, K. (2004). Content Analysis, 2nd edition, chapter 11. Hayes & Krippendorff (2007), Communication Methods and Measures 1.
    """
    levels = np.unique(scores[np.isfinite(scores)])
    pairable = np.isfinite(scores).sum(axis=1) > 1
    counts = np.stack([(scores[pairable] == level).sum(axis=1) for level in levels], axis=1).astype(np.float64)  # (units, levels)
    size = counts.sum(axis=1)
    pairs = (counts[:, :, None] * counts[:, None, :] - counts[:, :, None] * np.eye(len(levels))) / (size - 1)[:, None, None]
    times = np.ones((1, len(counts))) if repeats is None else np.asarray(repeats, dtype=np.float64)[:, pairable]
    observed = np.einsum("bu,uck->bck", times, pairs)
    marginal = observed.sum(axis=2)
    total = marginal.sum(axis=1)
    distance = _ordinal(marginal) if metric == "ordinal" else np.broadcast_to((levels[:, None] - levels[None, :]) ** 2, observed.shape)
    disagreement = (observed * distance).sum(axis=(1, 2))
    expected = (marginal[:, :, None] * marginal[:, None, :] * distance).sum(axis=(1, 2)) / np.maximum(total - 1, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray(np.where(expected > 0, 1 - disagreement / expected, np.nan), dtype=np.float64)


def _ordinal(marginal: FloatArray) -> FloatArray:
    """(B, levels, levels) squared number of scores between two levels, each of these two by half."""
    before = np.cumsum(marginal, axis=1) - marginal / 2
    return np.asarray((before[:, :, None] - before[:, None, :]) ** 2, dtype=np.float64)


def alpha_interval(scores: FloatArray, rng: np.random.Generator, *, metric: str = "ordinal") -> tuple[Span | None, str]:
    """Alpha with a 90 % interval, and how it is read.

    Cases are drawn again with replacement. The spread of their alphas is taken on the scale of Fisher's transform, on which it is about the same
    for every alpha, and with the quantile of Student's t, because few cases are scored twice.

    Args:
        scores: As of `krippendorff_alpha`.
        rng: Random numbers.
        metric: Likewise.

    Returns:
        The interval, None where there is none; and ``firm``, ``tentative``, ``grey``, ``few`` or ``constant``.
    """
    paired = scores[np.isfinite(scores).sum(axis=1) > 1]
    if len(paired) < FEWEST_MET:
        return None, "few"
    alpha = float(krippendorff_alpha(paired, metric=metric)[0])
    if not np.isfinite(alpha):
        return None, "constant"
    repeats = rng.multinomial(len(paired), np.full(len(paired), 1 / len(paired)), size=BOOTSTRAPS)
    again = krippendorff_alpha(paired, metric=metric, repeats=repeats.astype(np.float64))
    again = again[np.isfinite(again)]
    centre = np.arctanh(np.clip(alpha, -_CLOSE, _CLOSE))
    spread = float(np.std(np.arctanh(np.clip(again, -_CLOSE, _CLOSE)))) if len(again) > 1 else 0.0
    reach = float(stats.t.ppf(1 - _TAIL, len(paired) - 1)) * spread
    low, high = np.tanh([centre - reach, centre + reach])
    return Span(float(low), alpha, float(max(high, alpha))), "firm" if alpha >= FIRM else "tentative" if alpha >= TENTATIVE else "grey"


def cronbach_alpha(items: FloatArray) -> float | None:
    """Cronbach's alpha of (rows, items) without blanks; None for fewer than three rows, or where the sum does not vary.

    References:
        Cronbach, L. J. (1951). Psychometrika 16.
    """
    whole = items[np.isfinite(items).all(axis=1)]
    if len(whole) < 3:
        return None
    spread = float(whole.sum(axis=1).var(ddof=1))
    if spread <= 0:
        return None
    number = whole.shape[1]
    return float(number / (number - 1) * (1 - whole.var(axis=0, ddof=1).sum() / spread))
