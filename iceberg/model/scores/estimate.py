"""`Declared`: what customers had said before they left, and what their scores know of it; from counts alone, beside the estimate and never in it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.scores.score_counts import NO_COMPLAINT, UNANSWERED, UNHEARD, ScoreCounts
from iceberg.model.results import CredibleInterval
from iceberg.model.scores.rates import NOTHING, CurvePoint, ScoresAtDeparture, StateRates, at_departure, auc_of, curve_of, rates_by_state
from iceberg.model.scores.unheard import SatisfiedShare, satisfied_share

DRAWS = 4_000
_STREAM = 20_260  # of random numbers: no other part of an estimate draws from it


@dataclass(frozen=True)
class LastWords:
    """What a group of leavers had said last.

    Attributes:
        name: Of a segment or category; "" for all, and for those who had not complained.
        dissatisfied, neutral, satisfied: By their last valid score.
        wide: Satisfied by the wider reading of the scale (of net promoter scores: 7 and more).
        unanswered: Asked, without an answer; of those not heard.
        unheard: Without a valid score.
    """

    name: str
    dissatisfied: int = 0
    neutral: int = 0
    satisfied: int = 0
    wide: int = 0
    unanswered: int = 0
    unheard: int = 0

    @property
    def leavers(self) -> int:
        """All of the group."""
        return self.dissatisfied + self.neutral + self.satisfied + self.unheard

    @property
    def parts(self) -> tuple[int, int, int, int]:
        """Dissatisfied, neutral, satisfied, not heard: they add up to the leavers."""
        return self.dissatisfied, self.neutral, self.satisfied, self.unheard

    def plus(self, other: LastWords, *, name: str) -> LastWords:
        """Both groups as one."""
        return LastWords(
            name,
            self.dissatisfied + other.dissatisfied,
            self.neutral + other.neutral,
            self.satisfied + other.satisfied,
            self.wide + other.wide,
            self.unanswered + other.unanswered,
            self.unheard + other.unheard,
        )


@dataclass(frozen=True)
class Declared:
    """What customers declared, beside what they did.

    Attributes:
        scores: The counts.
        everybody: All who left.
        without_complaint: Those of them who had not complained; None where complaints lead to no customer.
        categories: Those who had complained, by the category of their first complaint.
        segments: By segment; empty where there is one.
        curve: Departures along the scale.
        auc: What the score knows.
        share: The satisfied among those who left, in three lines.
        departure_scores: Scores given at the cancellation, left out.
        heard_time: Share of the days at risk on which a score is valid.
        response_rate: Answers per question sent; None where the file does not have those without an answer.
    """

    scores: ScoreCounts
    everybody: LastWords
    without_complaint: LastWords | None
    categories: tuple[LastWords, ...]
    segments: tuple[LastWords, ...]
    curve: tuple[CurvePoint, ...]
    auc: CredibleInterval | None
    share: SatisfiedShare | None
    departure_scores: ScoresAtDeparture
    heard_time: float
    response_rate: float | None


def estimate_declared(counts: CohortCounts, *, seed: int = 0, draws: int = DRAWS) -> Declared | None:
    """What customers declared, beside who left; None without scores.

    Args:
        counts: With those of the scores.
        seed: The same counts and seed give the same figures.
        draws: Of every rate.
    """
    scores = counts.scores
    if scores is None:
        return None
    rates = rates_by_state(scores)
    satisfied = _summed(rates[level] for level in scores.levels if level in rates and level >= scores.satisfied)
    others = _summed(rates[level] for level in scores.levels if level in rates and level < scores.satisfied)
    unheard = _summed(rates[state] for state in (UNHEARD, UNANSWERED) if state in rates)
    rng = np.random.default_rng([seed, _STREAM])
    linked = counts.has_linked_complaints
    everybody = Counter[int]()
    by_category, by_segment = dict[int, Counter[int]](), dict[int, Counter[int]]()
    for one in scores.leavers:
        for found in (everybody, by_category.setdefault(one.category, Counter()), by_segment.setdefault(one.segment, Counter())):
            found[one.state] += one.number
    days = sum(one.days for one in rates.values())
    sent = scores.answers + scores.unanswered
    named = [last_words(name, by_category[place], scores) for place, name in enumerate(counts.categories) if place in by_category]
    segments = [last_words(name, by_segment[place], scores) for place, name in enumerate(counts.segments) if place in by_segment]
    return Declared(
        scores,
        last_words("", everybody, scores),
        last_words("", by_category.get(NO_COMPLAINT, Counter()), scores) if linked else None,
        tuple(named) if linked else (),
        tuple(segments) if len(counts.segments) > 1 else (),
        curve_of(scores, rates, rng, draws=draws),
        auc_of(scores, rates, rng, draws=draws),
        satisfied_share(satisfied, others, unheard, rng, draws=draws),
        at_departure(scores, rates),
        (satisfied.days + others.days) / days if days else 0.0,
        scores.answers / sent if scores.unanswered and sent else None,
    )


def last_words(name: str, states: Counter[int], scores: ScoreCounts) -> LastWords:
    """A group of leavers by state, in the terms of the scale."""
    heard = {level: states[level] for level in scores.levels}
    return LastWords(
        name,
        sum(number for level, number in heard.items() if level <= scores.dissatisfied),
        sum(number for level, number in heard.items() if scores.dissatisfied < level < scores.satisfied),
        sum(number for level, number in heard.items() if level >= scores.satisfied),
        sum(number for level, number in heard.items() if level >= scores.wide),
        states[UNANSWERED],
        states[UNANSWERED] + states[UNHEARD],
    )


def _summed(rates: Iterable[StateRates]) -> StateRates:
    total = NOTHING
    for one in rates:
        total += one
    return total
