"""How each category was answered: partial pooling of scores over categories, cases and raters, with the weights of the draw."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iceberg.arrays import FloatArray, IntArray

# Priors of standard deviations, half-normal, in points of the scale from 0 to 4 (judgement, grade D): categories, cases of a category, raters, and
# one rater on another day. Raters of one house, trained together, are seldom more than half a point apart.
CATEGORY_SD, CASE_SD, RATER_SD, ERROR_SD = 1.0, 1.0, 0.5, 1.0
MEAN_SD = 2.0  # of the mean of the company, around the middle of the scale
DRAWS, WARM_UP = 1600, 400
_SCALES = np.array([CATEGORY_SD, CASE_SD, RATER_SD, ERROR_SD])
_MIDDLE = 2.0
_STEPS = np.array([0.6, 0.35, 0.8, 0.25])  # of the log standard deviations, before the warm-up fits them
_AIM = 0.44  # accepted share of a walk along one axis (Roberts, Gelman & Gilks 1997)


@dataclass(frozen=True, eq=False)
class PooledScores:
    """Draws of the posterior.

    Attributes:
        category: (K, C) mean score of each category by the average rater.
        rater_sd: (K,) standard deviation between raters.
    """

    category: FloatArray
    rater_sd: FloatArray


@dataclass(frozen=True, eq=False)
class _SumsOfCases:
    """Sufficient sums of the cases scored by `size` raters: weights, cross products of rows, and of the sums over the raters of a case."""

    size: int
    rows: float
    cases: float
    squares: float
    squares_of_sums: float
    cross: FloatArray
    cross_of_sums: FloatArray
    product: FloatArray
    product_of_sums: FloatArray


def pool_scores(
    score: FloatArray, *, case: IntArray, rater: IntArray, category: IntArray, weight: FloatArray, rng: np.random.Generator
) -> PooledScores:
    """Draw from the posterior of the scores.

    The model is::

        y = mu + u_c + b_case + v_rater + e,   u ~ N(0, s_u^2), b ~ N(0, s_b^2), v ~ N(0, s_v^2), e ~ N(0, s_e^2)

    A case counts by its weight, one over the probability with which it was drawn, on a scale on which the weights of a category add up to its
    effective number of cases (Kish): (sum w)^2 / sum w^2. Everything linear is integrated out; the four standard deviations are walked over.

    Args:
        score: (R,) scores, without blanks.
        case: (R,) case of each, from 0.
        rater: (R,) rater of each, from 0.
        category: (N,) category of each case, from 0.
        weight: (N,) weights of the cases.
        rng: Random numbers.

    References:
        Gelman & Hill (2007), Data Analysis Using Regression and Multilevel/Hierarchical Models, chapters 11-13. Kish (1965), Survey Sampling.
        Gelman (2006), Bayesian Analysis 1, on half-normal priors of standard deviations.
    """
    categories, raters = int(category.max()) + 1, int(rater.max()) + 1
    sums = _sums_by_size(score - _MIDDLE, case, _design(case, rater, category, categories, raters), _effective_weights(category, weight))
    walk, log_sd = _Walk(sums, categories, raters), np.log(_SCALES / 2)
    steps, density = _STEPS.copy(), walk.density(log_sd)
    drawn, spread = np.empty((DRAWS, categories)), np.empty(DRAWS)
    for turn in range(-WARM_UP, DRAWS):
        for axis in (0, 1) if turn % 2 else (2, 3):  # two of them between any two draws: most of a draw is what is linear
            other = log_sd.copy()
            other[axis] += steps[axis] * rng.standard_normal()
            reached = walk.density(other)
            accepted = np.log(rng.random()) < reached - density
            if accepted:
                log_sd, density = other, reached
            if turn < 0:
                steps[axis] *= np.exp((float(accepted) - _AIM) / np.sqrt((turn + WARM_UP) / 2 + 1))
        if turn >= 0:
            linear = walk.draw(log_sd, rng)
            drawn[turn], spread[turn] = linear[0] + linear[1 : 1 + categories], np.exp(log_sd[2])
    return PooledScores(_MIDDLE + drawn, spread)


def _effective_weights(category: IntArray, weight: FloatArray) -> FloatArray:
    """Weights that add up to the effective number of cases of each category."""
    total, squares = np.bincount(category, weight), np.bincount(category, weight**2)
    return np.asarray(weight * (total / squares)[category], dtype=np.float64)


def _design(case: IntArray, rater: IntArray, category: IntArray, categories: int, raters: int) -> FloatArray:
    """(R, 1 + C + V) columns of the mean, the categories and the raters."""
    design = np.zeros((len(case), 1 + categories + raters))
    design[:, 0] = 1
    rows = np.arange(len(case))
    design[rows, 1 + category[case]] = 1
    design[rows, 1 + categories + rater] = 1
    return design


def _sums_by_size(score: FloatArray, case: IntArray, design: FloatArray, weight: FloatArray) -> list[_SumsOfCases]:
    size = np.bincount(case, minlength=len(weight))
    found = []
    for number in np.unique(size[size > 0]):
        own = size[case] == number
        x, y, w = design[own], score[own], weight[case[own]]
        places, inside = np.unique(case[own], return_inverse=True)
        x_sum, y_sum, w_case = np.zeros((len(places), x.shape[1])), np.bincount(inside, y), weight[places]
        np.add.at(x_sum, inside, x)
        found.append(
            _SumsOfCases(
                int(number), float(w.sum()), float(w_case.sum()), float((w * y**2).sum()), float((w_case * y_sum**2).sum()),
                (x * w[:, None]).T @ x, (x_sum * w_case[:, None]).T @ x_sum, x.T @ (w * y), x_sum.T @ (w_case * y_sum),
            )
        )  # fmt: skip
    return found


class _Walk:
    """The density of the four log standard deviations with everything linear integrated out, and draws of what is linear."""

    def __init__(self, sums: list[_SumsOfCases], categories: int, raters: int) -> None:
        self._sums, self._categories, self._raters = sums, categories, raters

    def _normal(self, log_sd: FloatArray) -> tuple[FloatArray, FloatArray, float]:
        """Precision matrix, its product with the mean, and the rest of the log likelihood."""
        u, b, v, e = np.exp(2 * log_sd)
        prior = np.concatenate([[1 / MEAN_SD**2], np.full(self._categories, 1 / u), np.full(self._raters, 1 / v)])
        precision, product = np.diag(prior), np.zeros(len(prior))
        rest = 0.5 * float(np.log(prior).sum())
        for one in self._sums:
            shared = b / (e + one.size * b)
            precision += (one.cross - shared * one.cross_of_sums) / e
            product += (one.product - shared * one.product_of_sums) / e
            rest -= 0.5 * (one.squares - shared * one.squares_of_sums) / e
            rest -= 0.5 * (one.cases * np.log1p(one.size * b / e) + one.rows * np.log(e))
        return precision, product, rest

    def density(self, log_sd: FloatArray) -> float:
        """The log density, up to a constant; of the logs of half-normal standard deviations."""
        precision, product, rest = self._normal(log_sd)
        root = np.linalg.cholesky(precision)
        half = np.linalg.solve(root, product)
        prior = float((log_sd - 0.5 * (np.exp(log_sd) / _SCALES) ** 2).sum())
        return float(rest + 0.5 * half @ half - np.log(np.diag(root)).sum()) + prior

    def draw(self, log_sd: FloatArray, rng: np.random.Generator) -> FloatArray:
        """One draw of the mean, the categories and the raters."""
        precision, product, _ = self._normal(log_sd)
        root = np.linalg.cholesky(precision)
        return np.asarray(np.linalg.solve(root.T, np.linalg.solve(root, product) + rng.standard_normal(len(product))), dtype=np.float64)
