"""Rates of departure by score: relative to customers of the same segment and tenure, as a curve along the scale, and what the score knows (AUC)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy.special import gammainc

from iceberg.arrays import FloatArray
from iceberg.cohort.scores.score_counts import ScoreCounts
from iceberg.model.priors import LEAK_CHANCE, LEAK_RATIO, SCORE_RATE_WEIGHT
from iceberg.model.results import CredibleInterval

HORIZON_DAYS = 180  # as long as a score counts, and as a departure is put down to a problem, by default
SMALLEST = 5  # departures of one point of the curve: a rate of fewer says little, and a count of fewer is not shown


@dataclass(frozen=True)
class StateRates:
    """Time and departures of one state.

    Attributes:
        days: Person-days.
        leavers: Departures.
        expected: Departures if they left as all customers of their segment and tenure do (indirect standardisation).
    """

    days: int
    leavers: int
    expected: float

    def __add__(self, other: StateRates) -> StateRates:
        return StateRates(self.days + other.days, self.leavers + other.leavers, self.expected + other.expected)

    def draw_relative(self, rng: np.random.Generator, draws: int) -> FloatArray:
        """Draws of the rate of departure relative to all customers of the same segment and tenure: Gamma(D + w, E + w), w = `SCORE_RATE_WEIGHT`."""
        return np.asarray(rng.gamma(self.leavers + SCORE_RATE_WEIGHT, 1 / (self.expected + SCORE_RATE_WEIGHT), draws))


NOTHING = StateRates(0, 0, 0.0)


@dataclass(frozen=True)
class CurvePoint:
    """Departures of customers whose last score lies between two levels.

    Attributes:
        low, high: Levels, both included.
        days, leavers, expected: As of `StateRates`.
        left: Share who leave within `HORIZON_DAYS`.
    """

    low: int
    high: int
    days: int
    leavers: int
    expected: float
    left: CredibleInterval


@dataclass(frozen=True)
class ScoresAtDeparture:
    """Scores given within days of the departure: they say nothing beforehand, and are left out.

    Attributes:
        leavers: Customers who left within `days` of a score.
        expected: As many as would have, had they left as on other days.
        days: How many days.
        found: Whether they are so many that scores are asked for at the cancellation.
    """

    leavers: int
    expected: float
    days: int
    found: bool


def rates_by_state(scores: ScoreCounts) -> dict[int, StateRates]:
    """Time, departures and expected departures of every state."""
    days, left = dict[tuple[int, int], int](), dict[tuple[int, int], int]()
    for one in scores.time:
        cell = (one.segment, one.band)
        days[cell] = days.get(cell, 0) + one.days
        left[cell] = left.get(cell, 0) + one.leavers
    found: dict[int, StateRates] = {}
    for one in scores.time:
        cell = (one.segment, one.band)
        expected = one.days * left[cell] / days[cell] if days[cell] else 0.0
        found[one.state] = found.get(one.state, NOTHING) + StateRates(one.days, one.leavers, expected)
    return found


def daily_rate(rates: Mapping[int, StateRates]) -> float:
    """Departures per day at risk of all customers."""
    days = sum(one.days for one in rates.values())
    return sum(one.leavers for one in rates.values()) / days if days else 0.0


def curve_of(scores: ScoreCounts, rates: Mapping[int, StateRates], rng: np.random.Generator, *, draws: int) -> tuple[CurvePoint, ...]:
    """Departures along the scale: shares of customers who leave within `HORIZON_DAYS`, at the company's mix of segments and tenure.

    Neighbouring levels are one point until it counts `SMALLEST` departures.
    """
    daily = daily_rate(rates)
    points = []
    for low, high, held in _merged(scores.levels, rates):
        left = 1 - np.exp(-held.draw_relative(rng, draws) * daily * HORIZON_DAYS)
        points.append(CurvePoint(low, high, held.days, held.leavers, held.expected, CredibleInterval.of(left)))
    return tuple(points)


def _merged(levels: Sequence[int], rates: Mapping[int, StateRates]) -> list[tuple[int, int, StateRates]]:
    """Runs of levels with enough departures each; a rest at the upper end joins the run before it."""
    runs: list[tuple[int, int, StateRates]] = []
    low, held = levels[0], NOTHING
    for level in levels:
        held += rates.get(level, NOTHING)
        if held.leavers >= SMALLEST:
            runs.append((low, level, held))
            low, held = level + 1, NOTHING
    if held.days and runs:
        first, _, before = runs.pop()
        runs.append((first, levels[-1], before + held))
    elif held.leavers >= SMALLEST:
        runs.append((low, levels[-1], held))
    return runs


def auc_of(scores: ScoreCounts, rates: Mapping[int, StateRates], rng: np.random.Generator, *, draws: int) -> CredibleInterval | None:
    """How well the last score tells who leaves within `HORIZON_DAYS` from who stays: 0.5 not at all, 1 always. None without departures after a score.

    The probability that of a customer who leaves and one who stays the one who leaves has the lower score, ties counted half (Hanley, McNeil 1982,
    Radiology 143). Levels weigh as long as customers held them; their rates are drawn, which gives the interval.
    """
    held = [rates.get(level, NOTHING) for level in scores.levels]
    days = np.array([one.days for one in held], dtype=np.float64)
    left = np.array([one.leavers for one in held], dtype=np.float64)
    if left.sum() < SMALLEST or (days > 0).sum() < 2:
        return None
    overall = left.sum() / days.sum()
    daily = rng.gamma(left + SCORE_RATE_WEIGHT, 1.0, (draws, len(held))) / (days + SCORE_RATE_WEIGHT / overall)
    gone = 1 - np.exp(-daily * HORIZON_DAYS)
    return CredibleInterval.of(rank_auc(days * gone, days * (1 - gone)))


def rank_auc(leavers: FloatArray, stayers: FloatArray) -> FloatArray:
    """Probability that a leaver has the lower score of the two, ties half; levels along the last axis, the worst first."""
    above = stayers.sum(axis=-1, keepdims=True) - np.cumsum(stayers, axis=-1)
    return np.asarray((leavers * (above + stayers / 2)).sum(axis=-1) / (leavers.sum(axis=-1) * stayers.sum(axis=-1)))


def at_departure(scores: ScoreCounts, rates: Mapping[int, StateRates]) -> ScoresAtDeparture:
    """The scores given within days of the departure, and whether they are more than chance brings.

    Expected: days so soon after a score, at the rate of all other days.
    """
    left = sum(number for _, number in scores.at_departure)
    days, gone = sum(one.days for one in rates.values()), sum(one.leavers for one in rates.values())
    others = max(days - scores.quiet, 1)
    expected = scores.quiet * max(gone - left, 0) / others
    chance = float(gammainc(left, expected)) if left and expected > 0 else 0.0 if left else 1.0  # P(Poisson(expected) >= left)
    return ScoresAtDeparture(left, expected, scores.quiet_days, left >= SMALLEST and left >= LEAK_RATIO * expected and chance < LEAK_CHANCE)
