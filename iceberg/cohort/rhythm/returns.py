"""Will a break last? Learned from the log's own past: how many spells of low activity of each age ended in a return."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import isotonic_regression

from iceberg.arrays import BoolArray, FloatArray, SingleArray
from iceberg.cohort.rhythm.assumptions import (
    BACKTEST_WEIGHT,
    CHANCE_RETURN,
    CUT_WEEKS,
    LASTING_WEEKS,
    PARTIAL_RETURN,
    RECOVERY_DAYS,
    RECOVERY_SHARE,
    RECOVERY_WEEKS,
    RETURN_WEIGHT,
    SILENT_RETURN,
    SURE_BREAK,
)
from iceberg.cohort.rhythm.breaks.change_point import Profiles
from iceberg.cohort.rhythm.breaks.exposure import WeekBlock

AGES = len(SILENT_RETURN)
_ROUNDS = 20
_FEWEST_EXPECTED = 6.0  # judgement: with fewer expected days even thirteen weeks do not show a return


def masses_by_age(found: Profiles) -> SingleArray:
    """(n, 2, AGES) probability of a break by kind (silent, and partial or slow) and age in steps of four weeks."""
    width = found.silent.shape[1]
    age = np.minimum((width - np.arange(width)) // CUT_WEEKS, AGES - 1)
    masses = np.zeros((len(found.rows), 2, AGES), dtype=np.float32)
    for step in range(AGES):
        weeks = age == step
        masses[:, 0, step] = found.silent[:, weeks].sum(1)
        masses[:, 1, step] = (found.partial + found.faded)[:, weeks].sum(1)
    return masses


def lasting_share(returns: FloatArray, *, weeks: int = LASTING_WEEKS) -> FloatArray:
    """(2, AGES) share of spells of each age that do not end within so many weeks; spells older than the table keep its last chance."""
    steps = max(round(weeks / CUT_WEEKS), 1)
    longer = np.concatenate([returns, np.repeat(returns[:, -1:], steps, axis=1)], 1)
    lasting = np.stack([np.prod(1 - longer[:, age : age + steps], axis=1) for age in range(AGES)], axis=1)
    return np.asarray(lasting, dtype=float)


def is_settled(broken: FloatArray, lasts: FloatArray, settled: float) -> BoolArray:
    """(n,) who has surely broken with the rhythm, and will not take it up again with a probability of at least `settled`."""
    return np.asarray((lasts >= settled) & (broken >= SURE_BREAK))


@dataclass(frozen=True, eq=False)
class Correction:
    """What was said of breaks in a log's own past, and what came: both rise from 0 to 1, and without a past they are equal."""

    said: FloatArray = field(default_factory=lambda: np.array([0.0, 1.0]))
    came: FloatArray = field(default_factory=lambda: np.array([0.0, 1.0]))

    @classmethod
    def learned(cls, said: FloatArray, broken: FloatArray, lasted: BoolArray) -> Correction:
        """From spells that were surely breaks: tenths of what was said against what came, made monotone (isotonic regression).

        Args:
            said: (n,) probability to be broken and to last, by shares that these customers had no part in.
            broken: (n,) probability to be broken.
            lasted: (n,) whether they stayed low.
        """
        sure = broken >= SURE_BREAK
        if not sure.any():
            return cls()
        share = said[sure] / broken[sure]
        place = np.minimum((share * 10).astype(int), 9)
        number = np.bincount(place, minlength=10)
        some = number > 0
        mean = np.bincount(place, share, minlength=10)[some] / number[some]
        stayed = np.bincount(place, lasted[sure], minlength=10)[some]
        weight = number[some] + BACKTEST_WEIGHT
        came = isotonic_regression((stayed + BACKTEST_WEIGHT * mean) / weight, weights=weight).x
        return cls(np.concatenate([[0.0], mean, [1.0]]), np.concatenate([[0.0], came, [1.0]]))

    def of(self, share: FloatArray) -> FloatArray:
        """The share of breaks that last, corrected."""
        return np.asarray(np.interp(share, self.said, self.came), dtype=float)


@dataclass(frozen=True, eq=False)
class Lasting:
    """From the age and the kind of a break to the probability that it lasts.

    Attributes:
        share: (2, AGES) share of spells of each kind and age that last, from the chances of a return.
        correction: Of these shares, by the log's own past.
    """

    share: FloatArray
    correction: Correction = field(default_factory=Correction)

    def of(self, masses: FloatArray | SingleArray) -> FloatArray:
        """(n,) probability that a rhythm is broken and stays so, of masses by kind and age (`masses_by_age`)."""
        broken = masses.sum((1, 2), dtype=float)
        return np.asarray(broken * self.correction.of((masses * self.share).sum((1, 2)) / np.maximum(broken, 1e-9)), dtype=float)

    def visible_weeks(self, settled: float) -> int:
        """Weeks after which a silent break can be settled: the age from which its share of lasting reaches the limit."""
        enough = np.flatnonzero(self.correction.of(self.share[0]) >= settled)
        return int(CUT_WEEKS * enough[0]) if len(enough) else LASTING_WEEKS


class ReturnTable:
    """Spells of low activity followed for four weeks each, and whether they ended."""

    def __init__(self) -> None:
        self._shares: list[SingleArray] = []
        self._broken: list[FloatArray] = []
        self._returned: list[BoolArray] = []

    def add(self, masses: SingleArray, broken: FloatArray, returned: BoolArray) -> None:
        """Add spells by their age and kind, how likely each is a break at all, and whether it ended within the four weeks that follow."""
        self._shares.append(masses / np.maximum(masses.sum((1, 2), keepdims=True), 1e-9))
        self._broken.append(broken)
        self._returned.append(returned)

    @property
    def chance(self) -> FloatArray:
        """(2, AGES) chance that a break ends within four weeks.

        A spell that ended may have been none: a customer who stayed away by chance and came again. Whether it was, and how old it was, is
        weighed by EM; counted as ends, the spells that were none would make every break look as if it might heal.
        """
        prior = np.stack([SILENT_RETURN, PARTIAL_RETURN])
        if not self._shares:
            return prior.copy()
        shares, broken, ended = (np.concatenate(part) for part in (self._shares, self._broken, self._returned))
        chance = prior
        for _ in range(_ROUNDS):
            like = shares * np.where(ended[:, None, None], chance, 1 - chance)
            of_break = broken * like.sum((1, 2))
            of_none = (1 - broken) * np.where(ended, CHANCE_RETURN, 1 - CHANCE_RETURN)
            weight = like * (broken / np.maximum(of_break + of_none, 1e-12))[:, None, None]
            chance = _by_age(prior, weight[ended].sum(0), weight.sum(0))
        return np.asarray(chance, dtype=float)


def _by_age(prior: FloatArray, ended: FloatArray, spells: FloatArray) -> FloatArray:
    """(2, AGES) chance of a return from one age to the next: where few spells are that old, it falls from the age before as the prior does."""
    chance = np.empty_like(prior)
    for age in range(AGES):
        usual = prior[:, age] if age == 0 else chance[:, age - 1] * prior[:, age] / prior[:, age - 1]
        chance[:, age] = (usual * RETURN_WEIGHT + ended[:, age]) / (RETURN_WEIGHT + spells[:, age])
    return chance


def returned_within(block: WeekBlock, index: FloatArray, *, end: int, weeks: int, before: FloatArray) -> tuple[BoolArray, BoolArray]:
    """Whether each customer of `block` took up the own rhythm again within `weeks` weeks after week `end`.

    A return is a stretch of three to thirteen weeks, as many as make ten expected days, with at least `RECOVERY_SHARE` of them. It begins at its
    first week, so it can be known only when the stretch is over.

    Args:
        block: The customers over the whole log.
        index: Activity of the company by week of the whole log.
        end: The week up to which they were judged.
        weeks: How long to wait for a return to begin.
        before: Days per usual week of each customer's own rhythm.

    Returns:
        Whether the customer returned, and whether that can be known.
    """
    width = block.days.shape[1]
    length = np.clip(np.ceil(RECOVERY_DAYS / np.maximum(before, 1e-6)), *RECOVERY_WEEKS).astype(int)
    known = (end + weeks - 1 + length <= width) & (before * RECOVERY_WEEKS[1] >= _FEWEST_EXPECTED) & (block.left >= width)
    days = np.concatenate([np.zeros((len(block.days), 1), dtype=np.int32), np.cumsum(block.days, 1, dtype=np.int32)], 1)
    usual = np.concatenate([[0.0], np.cumsum(index)])
    each = np.arange(len(block.days))
    returned = np.zeros(len(block.days), dtype=bool)
    for begin in range(end, min(end + weeks, width)):
        stop = np.minimum(begin + length, width)
        came = days[each, stop] - days[each, begin]
        returned |= (begin + length <= width) & (came >= RECOVERY_SHARE * before * (usual[stop] - usual[begin]))
    return returned & known, known
