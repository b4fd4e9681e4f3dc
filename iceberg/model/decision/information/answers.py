"""Lets the reasons that leavers gave speak: every joint draw is weighed by how well it explains the answers, and the draws are drawn anew.

    w_k ∝ mean over the errors e of p(X | answer shares of draw k under e)        e: `iceberg.model.decision.information.reasons`

The shares of a draw are those of the cells that answered: sum over segments and months of n_sm H_kcsm / L_sm. What is shared by all answers of a file
(how often reasons are right, who answers) is averaged inside the likelihood, not outside: more answers do not mend it.

Where the largest weights carry the answer (Pareto k above 0.7, or few effective draws), the draws hardly reach where the answers point. The
likelihood is then raised to the largest power below one at which they do, and a remark says so: the answer moves the right way, and less far.

References:
    Vehtari, Simpson, Gelman, Yao, Gabry 2024 (Pareto k of importance weights); Zhang and Stephens 2009 (its estimate); Kallioinen et al. 2024 (power
    scaling); Box 1980 (prior predictive check).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import logsumexp

from iceberg.arrays import FloatArray, IntArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.reasons.answers import NONE_OF_THESE, StatedReasons
from iceberg.model.decision.information.reasons import CANCELLATION, FORM, ReasonErrors, answer_log_likelihood, answer_shares, simulate_answers
from iceberg.model.results import CredibleInterval, Diagnostic, LevelDraws

_STREAM = 6_106  # keeps these random numbers apart from those of the estimate
ERRORS = 32  # draws of the errors of reasons; quasi-random, so few are enough
LARGEST_K, LEAST_DRAWS = 0.7, 100  # the first of Vehtari et al.; the second judgement
LEAST_ANSWERS = 10  # judgement: fewer answers are anecdotes and change nothing
SURPRISE = 0.01  # judgement: of so few or so many answers for a category
TOLD_SHARE, LEAST_TOLD = 0.2, 10  # judgement: of silent leavers who say that the company knew


@dataclass(frozen=True)
class Weighed:
    """What the answers did.

    Attributes:
        draws: The draws after them.
        remarks: What to know of them.
        used: Whether any file had enough answers.
    """

    draws: LevelDraws
    remarks: tuple[Diagnostic, ...]
    used: bool


def weigh_by_answers(draws: LevelDraws, counts: CohortCounts, *, seed: int) -> Weighed:
    """The draws after the answers of all files; the same draws where there are none.

    Args:
        draws: Of `counts`, in the order of the file.
        counts: With the answers.
        seed: Of the estimate.
    """
    remarks: list[Diagnostic] = []
    log_weight = np.zeros(len(draws.silent_churn))
    used = False
    for place, stated in enumerate(counts.stated):
        remarks += _remarks_on(stated)
        if stated.number < LEAST_ANSWERS or not draws.natural.any():
            remarks.append(Diagnostic("answers_not_used", "caution", {"answers": stated.number, "needed": LEAST_ANSWERS, "source": stated.source}))
            continue
        used = True
        answers = np.array([[*(stated.of(name) for name in counts.categories), stated.of(NONE_OF_THESE)]], dtype=np.int64)
        shares, errors = shares_of_answers(draws, counts, stated), errors_of(stated)
        log_weight += reason_log_likelihood(answers, shares, errors)
        remarks += _surprises(answers[0], shares, errors, counts.categories, np.random.default_rng([seed, _STREAM, place]))
    if not used:
        return Weighed(draws, tuple(remarks), used=False)
    power = tempering_power(log_weight)
    if power < 1:
        remarks.append(Diagnostic("answers_tempered", "caution", {"share": round(power, 2)}))
    chosen = resample(power * log_weight, np.random.default_rng([seed, _STREAM, len(counts.stated)]))
    return Weighed(_draws_at(draws, chosen), tuple(remarks), used=True)


def errors_of(stated: StatedReasons) -> ReasonErrors:
    """How far the answers of a file can be believed. Without the question whether they would have stayed, a mention is no cause."""
    if stated.source == "cancellation":
        return CANCELLATION
    return FORM if stated.asks_whether_stayed else replace(FORM, candid=CANCELLATION.candid)


def shares_of_answers(draws: LevelDraws, counts: CohortCounts, stated: StatedReasons) -> FloatArray:
    """(K, C + 1) shares of the causes among the leavers of the cells that answered, those who would have left anyway last."""
    leavers = draws.silent_churn[0].sum(axis=0, dtype=np.float64) + draws.natural[0]  # the same in every draw
    by_segment, segments = np.zeros(len(counts.segments)), list(counts.segments)
    for one in stated.answers:
        if one.segment is None:
            by_segment += one.number * leavers.sum(axis=1) / max(leavers.sum(), 1e-9)
        else:
            by_segment[segments.index(one.segment) if one.segment in segments else -1] += one.number
    by_month = np.ones(len(counts.months))
    if stated.by_month:
        known = dict(stated.by_month)
        by_month = np.array([float(known.get(month.isoformat(), 0)) for month in counts.months])
        by_month /= np.maximum(leavers.sum(axis=0), 1e-9)
    weight = np.where(leavers > 0, by_segment[:, None] / np.maximum(leavers.sum(axis=1, keepdims=True), 1e-9) * by_month, 0.0)
    over = np.einsum("kcsm,sm->kc", draws.silent_churn.astype(np.float64), weight)
    anyway = np.einsum("ksm,sm->k", draws.natural.astype(np.float64), weight)
    whole = np.column_stack([over, anyway])
    return np.asarray(whole / np.maximum(whole.sum(axis=1, keepdims=True), 1e-300), dtype=np.float64)


def reason_log_likelihood(answers: IntArray, shares: FloatArray, errors: ReasonErrors) -> FloatArray:
    """(K,) log likelihood of one set of answers (1, C + 1), averaged over the errors of reasons."""
    drawn = errors.draw(ERRORS, seed=_STREAM)
    each = [answer_log_likelihood(answers, answer_shares(shares, one), errors.concentration)[0] for one in drawn]
    return np.asarray(logsumexp(each, axis=0) - np.log(ERRORS), dtype=np.float64)


def tempering_power(log_weight: FloatArray) -> float:
    """The largest power, at most 1, at which the weights are settled: Pareto k up to 0.7 and enough effective draws."""

    def settled(power: float) -> bool:
        weight = np.exp(power * (log_weight - log_weight.max()))
        effective = weight.sum() ** 2 / (weight**2).sum()
        return bool(effective >= min(LEAST_DRAWS, len(weight) / 4)) and pareto_k(weight) <= LARGEST_K

    if settled(1.0):
        return 1.0
    low, high = 0.0, 1.0
    for _ in range(12):
        middle = (low + high) / 2
        low, high = (middle, high) if settled(middle) else (low, middle)
    return low


def pareto_k(weights: FloatArray) -> float:
    """Shape of the generalised Pareto distribution of the largest weights: above 0.7 a few draws carry the answer."""
    tail = int(min(0.2 * len(weights), 3 * np.sqrt(len(weights))))
    ordered = np.sort(weights)
    beyond = ordered[-tail:] - ordered[-tail - 1]
    beyond = beyond[beyond > 1e-12 * ordered[-1]]
    if len(beyond) < 5:
        return 0.0
    number = len(beyond)
    quarter = beyond[int(number / 4 + 0.5) - 1]
    guesses = 30 + int(np.sqrt(number))
    rates = 1 / beyond[-1] + (1 - np.sqrt(guesses / (np.arange(1, guesses + 1) - 0.5))) / (3 * quarter)
    shapes = np.log1p(-rates[:, None] * beyond).mean(axis=1)
    fit = number * (np.log(-rates / shapes) - shapes - 1)
    posterior = 1 / np.exp(fit[None] - fit[:, None]).sum(axis=1)
    rate = float((rates * posterior).sum() / posterior.sum())
    shape = float(np.log1p(-rate * beyond).mean())
    return (number * shape + 10 * 0.5) / (number + 10)  # a weak prior at one half, as in the reference


def resample(log_weight: FloatArray, rng: np.random.Generator) -> IntArray:
    """(K,) places of draws, each as often as its weight says (systematic)."""
    weight = np.exp(log_weight - log_weight.max())
    reached = np.cumsum(weight)
    points = (np.arange(len(weight)) + rng.random()) / len(weight) * reached[-1]
    return np.asarray(np.minimum(np.searchsorted(reached, points, side="right"), len(weight) - 1), dtype=np.int64)


def _draws_at(draws: LevelDraws, chosen: IntArray) -> LevelDraws:
    """The draws at these places. What is still to come moves with what came: it was summed up before."""
    before = draws.silent_churn.sum(axis=(2, 3), dtype=np.float64).mean(axis=0)
    churn = draws.silent_churn[chosen]
    factors = churn.sum(axis=(2, 3), dtype=np.float64).mean(axis=0) / np.maximum(before, 1e-9)
    each = [*factors.tolist(), float(factors @ before / max(before.sum(), 1e-9))]
    pipeline = draws.pipeline and tuple(
        one and {days: _times(interval, factor) for days, interval in one.items()} for one, factor in zip(draws.pipeline, each, strict=True)
    )
    return replace(
        draws, silent_churn=churn, natural=draws.natural[chosen], ratio=draws.ratio[chosen], excess=draws.excess[chosen], pipeline=pipeline
    )


def _times(interval: CredibleInterval, factor: float) -> CredibleInterval:
    return replace(interval, lower=interval.lower * factor, median=interval.median * factor, upper=interval.upper * factor)


def _surprises(
    answers: IntArray, shares: FloatArray, errors: ReasonErrors, categories: tuple[str, ...], rng: np.random.Generator
) -> list[Diagnostic]:
    """Categories named far more, or far less, often than the departures let expect: the two contradict each other."""
    drawn = errors.draw(len(shares), seed=_STREAM)
    expected = answer_shares(shares, drawn[rng.permutation(len(drawn))])
    predicted = simulate_answers(int(answers.sum()), expected, errors.concentration, rng=rng)
    found = []
    for place, name in enumerate(categories):
        fewer, more = (predicted[:, place] <= answers[place]).mean(), (predicted[:, place] >= answers[place]).mean()
        if min(fewer, more) < SURPRISE:
            code = "answers_more" if more < fewer else "answers_fewer"
            values: dict[str, object] = {"answers": int(answers[place]), "expected": round(float(np.median(predicted[:, place])))}
            found.append(Diagnostic(code, "caution", values, name))
    return found


def _remarks_on(stated: StatedReasons) -> list[Diagnostic]:
    """What to know of a file of reasons: names it alone knows, people it should not hold, and what the company had heard."""
    found = []
    if stated.unmatched:
        rows = sum(number for _, number in stated.unmatched)
        names = ", ".join(name for name, _ in stated.unmatched[:8])
        found.append(Diagnostic("answers_unmatched", "caution", {"names": names, "rows": rows}, objects=False))
    if stated.unknown or stated.elsewhere:
        found.append(Diagnostic("answers_of_others", "info", {"unknown": stated.unknown, "elsewhere": stated.elsewhere}))
    if stated.informed >= LEAST_TOLD and stated.informed >= TOLD_SHARE * stated.number:
        found.append(Diagnostic("told_unheard", "caution", {"told": stated.informed, "answers": stated.number}, objects=False))
    if stated.untold >= LEAST_TOLD and stated.untold >= TOLD_SHARE * stated.vocal:
        found.append(Diagnostic("heard_untold", "info", {"untold": stated.untold, "vocal": stated.vocal}))
    return found
