"""The reasons that leavers give, with what is known of their errors: the expected shares of the answers, and their likelihood.

Every silent leaver left over one category or would have left anyway. Asked, a leaver over a category names the right one with probability `right`,
and any other answer equally often otherwise; one who would have left anyway says so with probability `candid`. Leavers over a problem answer `phi`
times as often as the others. With shares s_c of the silent leavers in a draw, s_0 of those who would have left anyway and C categories:

    m_c = phi s_c / (phi sum s + s_0)        m_0 = s_0 / (phi sum s + s_0)
    P_c = right m_c + (1 - right) (sum m - m_c) / C + (1 - candid) m_0 / C
    P_0 = candid m_0 + (1 - right) sum m / C
    X   ~ Dirichlet-multinomial(n, a P)      a: who answers is no random sample, and no more of them mends that

References:
    Schuman and Presser (1981), chapter 3 (order of answers: categories are randomised); Mosimann 1962 (compound multinomial).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from scipy.special import gammaln
from scipy.stats import beta, norm, qmc

from iceberg.arrays import FloatArray, IntArray

LEAST_SHARE = 1e-9


@dataclass(frozen=True)
class ReasonErrors:
    """How far stated reasons can be believed. All judgement, grade D.

    Attributes:
        right: Shapes of the Beta of `right`.
        candid: Shapes of the Beta of `candid`.
        answering_log_sd: Standard deviation of log phi.
        concentration: a of the Dirichlet-multinomial: so many answers say as much as any larger number.
    """

    right: tuple[float, float]
    candid: tuple[float, float]
    answering_log_sd: float
    concentration: float

    def draw(self, draws: int, *, seed: int) -> FloatArray:
        """(draws, 3) right, candid, phi: quasi-random, so that a few of them fill the space."""
        uniform = np.clip(qmc.Sobol(3, rng=np.random.default_rng(seed)).random_base2((draws - 1).bit_length())[:draws], 1e-9, 1 - 1e-9)
        right, candid = (beta.ppf(uniform[:, place], *shapes) for place, shapes in enumerate((self.right, self.candid)))
        phi = np.exp(self.answering_log_sd * norm.ppf(uniform[:, 2]))
        return np.asarray(np.column_stack([right, candid, phi]), dtype=np.float64)


# Right in 80 % [60-95]; answers of a form.
FORM = ReasonErrors((10.0, 2.45), (10.0, 2.45), 0.25, 60.0)
# Right in 94 % [86-99]: an interviewer who asks again.
INTERVIEW = ReasonErrors((30.0, 2.0), (30.0, 2.0), 0.15, 300.0)
# Right in 64 % [40-85], candid in 50 % [25-75]: a list to be clicked through before an account closes, and only by those who close it there.
CANCELLATION = ReasonErrors((7.2, 4.1), (4.9, 4.9), 0.5, 20.0)


def answer_shares(shares: FloatArray, errors: FloatArray) -> FloatArray:
    """(K, C + 1) expected shares of the answers, "none of these" last.

    Args:
        shares: (K, C + 1) of the silent leavers by cause, those who would have left anyway last.
        errors: (K, 3) or (3,) right, candid, phi.
    """
    right, candid, phi = (errors[..., place, None] for place in range(3))
    weighed = np.concatenate([shares[:, :-1] * phi, shares[:, -1:]], axis=1)
    weighed = weighed / np.maximum(weighed.sum(axis=1, keepdims=True), LEAST_SHARE)
    problem, anyway = weighed[:, :-1], weighed[:, -1:]
    categories = problem.shape[1]
    over_any = problem.sum(axis=1, keepdims=True)
    named = right * problem + (1 - right) * (over_any - problem) / categories + (1 - candid) * anyway / categories
    none = candid * anyway + (1 - right) * over_any / categories
    return np.asarray(np.maximum(np.concatenate([named, none], axis=1), LEAST_SHARE), dtype=np.float64)


def answer_log_likelihood(answers: IntArray, shares: FloatArray, concentration: float) -> FloatArray:
    """(N, K) log likelihood of N sets of answers (N, C + 1) under K expected shares (K, C + 1), but for what does not depend on the shares."""
    scale = concentration * shares
    total = np.zeros((len(answers), len(shares)))
    for place in range(shares.shape[1]):
        counts, inverse = np.unique(answers[:, place], return_inverse=True)
        total += (gammaln(counts[:, None] + scale[:, place]) - gammaln(scale[:, place]))[inverse]
    return total


def simulate_answers(number: int, shares: FloatArray, concentration: float, *, rng: np.random.Generator) -> IntArray:
    """(N, C + 1) answers of `number` leavers for each row of `shares` (N, C + 1)."""
    gamma = rng.standard_gamma(np.maximum(concentration * shares, LEAST_SHARE))
    return np.asarray(rng.multinomial(number, gamma / np.maximum(gamma.sum(axis=1, keepdims=True), 1e-300)), dtype=np.int64)
