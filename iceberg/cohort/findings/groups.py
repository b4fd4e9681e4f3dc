"""Finds departures that come in groups: contracts of a household, sites of a business customer, that leave together.

A model that counts them one by one believes that it has seen as many decisions as there were departures, and is far too sure. How large groups are
shows within some weeks: where customers decide each for themselves, the departures of a week spread over the segments as those of the weeks beside
it do, but for chance. Their squared distances from that, over what chance lets expect, are 1 then, and about the size of the groups (that of the
group of the mean leaver) where groups leave together. Ends of months and runs of the billing that all segments share move nothing, because only
shares are compared. Trouble that strikes a segment for weeks makes it larger than 1 as well, but little of that is seen within a day; groups leave
on a day or two.

References:
    McCullagh, Nelder (1989), Generalized Linear Models, section 4.5: over-dispersion of clustered counts.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from iceberg.arrays import FloatArray, IntArray

WEEK_DAYS = 7
BLOCK_DAYS = 63  # judgement: two ends of months, and too short for the shares of segments to change much
SAME_DAY_SHARE = 0.22  # judgement: of the excess by weeks that is seen by days; 1/7 where trouble strikes a segment for weeks
# Judgement: where departures fall on fewer than half of the days (ends of months), days tell trouble of a segment from groups no longer: it may
# then be as far from the others as a log-sd of 0.2, which makes up so much of the dispersion per departure of a segment on such a day.
FEW_DAYS, LOCAL_TROUBLE = 0.5, 0.04
LEAST_SIZE, LEAST_Z = 1.3, 5.0  # judgement (grade D): smaller groups cost little, and chance shows them in one company in some millions
LEAST_IN_A_WEEK = 1.0  # judgement: departures per segment, below which a week says little
FIXED_DAY_SHARE = 0.4  # judgement: of a segment's departures on one day of the month
OWN_DAYS_SHARE = 0.3  # judgement: of them on other days of the month than those of the company; such segments seem to leave in groups


@dataclass(frozen=True)
class DepartureGroups:
    """Customers who leave together.

    Attributes:
        size: Customers with whom the mean leaver leaves, themselves among them.
    """

    size: float

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a header."""
        return asdict(self)

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any] | None) -> Self | None:
        """From the values of `to_dict`."""
        return None if entry is None else cls(**entry)


def find_groups(segment: IntArray, day: npt.NDArray[np.datetime64], leavers: IntArray, *, segments: int) -> DepartureGroups | None:
    """The size of groups that leave together; None where customers leave each for themselves, or where it cannot be seen.

    Args:
        segment: Of each row, its position.
        day: Of each row.
        leavers: Customers of the segment who left on that day.
        segments: Number of segments; with one, nothing can be compared.
    """
    if segments < 2 or not len(leavers) or _has_days_of_their_own(segment, day, leavers, segments):
        return None
    since = (day - day.min()).astype(np.int64)
    table = np.zeros((segments, int(since.max()) // BLOCK_DAYS * BLOCK_DAYS + BLOCK_DAYS))
    np.add.at(table, (segment, since), leavers)
    by_week = table.reshape(segments, -1, WEEK_DAYS).sum(axis=2)
    size, freedom = _size_of_groups(by_week, BLOCK_DAYS // WEEK_DAYS)
    if size < LEAST_SIZE or (size - 1) * np.sqrt(freedom / 2) < LEAST_Z:
        return None
    by_day, _ = _size_of_groups(table, BLOCK_DAYS)
    days = len(np.unique(since))
    if days < FEW_DAYS * (int(since.max()) + 1) and size < LEAST_SIZE + LOCAL_TROUBLE * leavers.sum() / (days * segments):
        return None
    return DepartureGroups(round(size, 3)) if by_day - 1 >= SAME_DAY_SHARE * (size - 1) else None


def _size_of_groups(table: FloatArray, block: int) -> tuple[float, float]:
    """The dispersion within blocks of so many columns and about its degrees of freedom; 1 where nothing can be compared."""
    square, by_chance, squares = np.sum([_dispersion(table[:, low : low + block]) for low in range(0, table.shape[1], block)], axis=0)
    if by_chance <= 0:
        return 1.0, 0.0
    return float(square / by_chance), float(by_chance**2 / squares) * (1 - 1 / len(table))


def _dispersion(table: FloatArray) -> FloatArray:
    """Squared distances from the same shares in every column, what chance lets expect of them, and the sum of its squares by cell.

    Sums, not Pearson's ratios: few groups are large, and their weeks have to count for as many leavers as they hold.
    """
    weeks: list[FloatArray] = []
    waiting = np.zeros(len(table))
    for column in table.T:
        waiting = waiting + column
        if waiting.sum() >= LEAST_IN_A_WEEK * len(table):
            weeks.append(waiting)
            waiting = np.zeros(len(table))
    found = np.array(weeks).T
    if len(weeks) < 2:
        return np.zeros(3)
    found = found[found.sum(axis=1) > 0]
    number, rows, columns = found.sum(), found.sum(axis=1, keepdims=True), found.sum(axis=0)
    expected = rows * columns / number
    by_chance = expected * (1 - rows / number) * (1 - columns / number) * number / (number - 1)
    return np.array([((found - expected) ** 2).sum(), by_chance.sum(), (by_chance**2).sum()])


def _has_days_of_their_own(segment: IntArray, day: npt.NDArray[np.datetime64], leavers: IntArray, segments: int) -> bool:
    """Whether segments enter their departures on days of the month that differ between them."""
    of_month = (day - day.astype("datetime64[M]").astype(day.dtype)).astype(np.int64)
    table = np.zeros((segments, 31))
    np.add.at(table, (segment, of_month), leavers)
    shares = table / np.maximum(table.sum(axis=1, keepdims=True), 1)
    elsewhere = np.maximum(shares - table.sum(axis=0) / table.sum(), 0).sum(axis=1)
    return bool(((shares.max(axis=1) >= FIXED_DAY_SHARE) & (elsewhere >= OWN_DAYS_SHARE)).any())
