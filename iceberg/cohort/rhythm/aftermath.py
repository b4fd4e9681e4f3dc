"""Do more rhythms break in the weeks after a complaint or an incident than without one?

Whether a rhythm broke, and in which week, is known only as far as the log shows it. With A the probability (at the usual rate of breaks) that a
struck customer broke in the weeks after, and E the breaks expected there, the likelihood of a rate R times as high is

    log L(R) = sum_i log(1 + (R - 1) A_i + (P - 1) B_i) - R E - P F

with B, F and P the same for the weeks before (the placebo). It neither loses the breaks that are hard to see nor counts one in doubt as a whole.
E and F come from customers without such a complaint or incident: of the same rhythm, in the same week, and there in that week or not, as the
struck were, each weighed by the days there. Without the last an incident would seem to protect, because nobody meets one in a gym after
leaving it (Ederer II).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iceberg.arrays import BoolArray, FloatArray, IntArray, SingleArray
from iceberg.cohort.rhythm.assumptions import AFTER_WEEKS, GUARD_WEEKS, LEAST_STRUCK, PLACEBO_WEEKS
from iceberg.cohort.rhythm.breaks.change_point import Profiles
from iceberg.cohort.rhythm.breaks.exposure import WeekBlock
from iceberg.cohort.rhythm.counts import CountRange, RhythmCategory

_BAND_EDGES = np.array([0.0, 1.0, 2.5])  # days per week
_PRIOR = 0.5  # of a ratio: gamma with so many breaks observed and expected; it keeps the ratio of no break above 0
_DROP_90 = 1.353  # of the log likelihood: half of the 0.9 quantile of chi square with one degree of freedom
_SMOOTHED_WEEKS = 5  # so that an expectation does not hang on a handful of customers
_ROUNDS = 300
_SPAN = (1e-3, 1e3)


@dataclass(eq=False)
class Aftermath:
    """Adds up, part by part of the customers, what is needed; nothing of a customer but A and B is held.

    Args:
        categories: Pairs of source and name.
        events: Columns number, category and week, see `ActivityWeeks.events`; weeks of the whole log.
        start: Week of the log with which the profiles begin.
        width: Weeks of a profile.
    """

    categories: tuple[tuple[str, str], ...]
    events: dict[str, IntArray]
    start: int
    width: int

    def __post_init__(self) -> None:
        shape = (_STRATA, len(_SUMS), self.width)
        self.all = np.zeros(shape)
        self.of_struck = np.zeros((len(self.categories), *shape))
        self.struck = np.zeros((len(self.categories), _STRATA, self.width, 2))  # by the week of the event: who counts after, and before
        self.chances: list[list[FloatArray]] = [[] for _ in self.categories]

    def add(self, block: WeekBlock, found: Profiles, low: int) -> None:
        """Add the established customers of a part whose first number is `low`."""
        if not self.categories or not len(found.rows):
            return
        windows = _Windows.of(found, np.ascontiguousarray(block.days[found.rows].T))
        self.all += windows.summed()
        numbers = found.rows + low
        part = slice(*np.searchsorted(self.events["number"], (numbers[0], numbers[-1] + 1)))  # events are in the order of numbers
        inside = np.isin(self.events["number"][part], numbers)
        rows = np.searchsorted(numbers, self.events["number"][part][inside])
        category, week = self.events["category"][part][inside], self.events["week"][part][inside] - self.start
        for place in np.unique(category):
            own, at = rows[category == place], week[category == place]
            self.of_struck[place] += windows.summed(own)
            fit = windows.counts[:, at, own]
            np.add.at(self.struck[place], (2 * windows.band[own] + (windows.days[at, own] > 0), at), fit.T)
            self.chances[place].append((windows.chances[:, at, own] * fit).T[fit.any(0)])

    def results(self) -> tuple[RhythmCategory, ...]:
        """One entry per category, sorted by source and name."""
        return tuple(self._result(place) for place in range(len(self.categories)))

    def _result(self, place: int) -> RhythmCategory:
        source, name = self.categories[place]
        controls = _smooth(self.all - self.of_struck[place])
        chance = controls[:, ::2] / np.maximum(controls[:, 1::2], 1.0)
        expected, expected_before = (float((chance[:, side] * self.struck[place, :, :, side]).sum()) for side in range(2))
        struck = int(self.struck[place, :, :, 0].sum())
        pairs = np.concatenate(self.chances[place]).astype(float) if self.chances[place] else np.zeros((0, 2))
        enough = controls[:, 1].sum() / _SMOOTHED_WEEKS >= LEAST_STRUCK * self.width
        if struck < LEAST_STRUCK or expected <= 0 or not enough:
            return RhythmCategory(name, source, struck, float(pairs[:, 0].sum()), expected, None, None, "too_few")
        ratio, placebo = fit_ratios(pairs, expected, expected_before)
        verdict = "not_distinguishable"
        if ratio.lower > 1 or ratio.upper < 1:
            verdict = "more" if ratio.lower > 1 else "fewer"
            verdict = "doubted" if placebo.lower > 1 and placebo.median > _DOUBTED_SHARE * ratio.median else verdict
        return RhythmCategory(name, source, struck, ratio.median * expected, expected, ratio, placebo, verdict)


_SUMS = ("after", "count_after", "before", "count_before")
_STRATA = 2 * len(_BAND_EDGES)  # of each band those who were away, and those who were there
_EVERYBODY = slice(None)


@dataclass(frozen=True, eq=False)
class _Windows:
    """For each customer and each week in which something might have struck.

    Attributes:
        chances: (2, W, n) probability of a break in the weeks after, and in those before.
        counts: (2, W, n) whether the customer counts: a regular who had more likely not broken when the weeks began.
        days: (W, n) active days.
        band: (n,) place of the own rhythm in `_BAND_EDGES`.
    """

    chances: SingleArray
    counts: BoolArray
    days: npt.NDArray[np.uint8]
    band: npt.NDArray[np.intp]

    @classmethod
    def of(cls, found: Profiles, days: npt.NDArray[np.uint8]) -> _Windows:
        width, customers = days.shape
        sums = np.zeros((width + 1, customers), np.float32)
        np.cumsum((found.broken - found.pause).T, axis=0, out=sums[1:])
        week = np.arange(width)
        first = np.maximum(week - GUARD_WEEKS - PLACEBO_WEEKS, 0)
        chances = np.stack([sums[np.minimum(week + AFTER_WEEKS + 1, width)], sums[np.maximum(week - GUARD_WEEKS, 0)]])
        chances[0] -= sums[:-1]
        chances[1] -= sums[first]
        np.minimum(chances, 1, out=chances)
        allowed = found.allowed.T
        whole = allowed & (sums[:-1] < _STILL_WHOLE)
        return cls(chances, np.stack([whole, whole[first] & allowed]), days, np.digitize(found.before, _BAND_EDGES) - 1)

    def summed(self, rows: npt.NDArray[np.intp] | slice = _EVERYBODY) -> FloatArray:
        """(strata, `_SUMS`, W) over some customers, each as often as he or she was there: who comes twice as often meets twice as much."""
        days = self.days[:, rows]
        there, away = (days > 0).astype(np.float32), (days == 0).astype(np.float32)
        band = (self.band[rows][:, None] == np.arange(len(_BAND_EDGES))).astype(np.float32)
        visits, total = np.maximum(days, 1), np.zeros((_STRATA, len(_SUMS), len(days)))
        for side in range(2):
            counted = (self.counts[side][:, rows] * visits).astype(np.float32)
            for place, mass in enumerate((counted * self.chances[side][:, rows], counted)):
                for seen, inside in enumerate((away, there)):
                    total[seen::2, 2 * side + place] = ((mass * inside) @ band).T
        return total


_STILL_WHOLE = 0.5  # judgement: who had more likely broken than not before the event is not at risk of a break after it
_DOUBTED_SHARE = 0.5  # judgement: where the weeks before show half as much as the weeks after, time alone or the cause of both explains the rest


def fit_ratios(pairs: FloatArray, expected: float, expected_before: float) -> tuple[CountRange, CountRange]:
    """The ratio after and before with their 90 % ranges, by profile likelihood.

    Args:
        pairs: (n, 2) A and B of the struck customers.
        expected: E.
        expected_before: F.
    """
    totals = np.array([expected, expected_before]) + _PRIOR
    ratios = np.ones(2)
    for _ in range(_ROUNDS):
        weight = 1 + pairs @ (ratios - 1)
        following = (ratios * (pairs / np.maximum(weight, 1e-12)[:, None]).sum(0) + _PRIOR) / totals
        done = bool(np.abs(np.log(following / ratios)).max() < 1e-6)
        ratios = following
        if done:
            break

    def likelihood(which: int, value: float) -> float:
        tried = ratios.copy()
        tried[which] = value
        return float(np.log(np.maximum(1 + pairs @ (tried - 1), 1e-12)).sum() + _PRIOR * np.log(value) - value * totals[which])

    return _range(lambda value: likelihood(0, value), float(ratios[0])), _range(lambda value: likelihood(1, value), float(ratios[1]))


def _range(likelihood: Callable[[float], float], best: float) -> CountRange:
    """The values whose log likelihood is at most `_DROP_90` below that of the best."""
    least = likelihood(best) - _DROP_90
    ends = []
    for bound in _SPAN:
        near, far = np.log(best), np.log(bound)
        for _ in range(40):
            middle = (near + far) / 2
            near, far = (middle, far) if likelihood(float(np.exp(middle))) >= least else (near, middle)
        ends.append(float(np.exp(near)))
    return CountRange(min(ends[0], best), best, max(ends[1], best))


def _smooth(sums: FloatArray) -> FloatArray:
    """Sums over five weeks."""
    padded = np.pad(np.maximum(sums, 0), ((0, 0), (0, 0), (_SMOOTHED_WEEKS // 2, _SMOOTHED_WEEKS // 2)))
    return np.asarray(np.lib.stride_tricks.sliding_window_view(padded, _SMOOTHED_WEEKS, axis=2).sum(3))
