"""Weeks of activity as numbers that can be compared: the company's own weeks, the customer's own pauses, and the first week left out."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from iceberg.arrays import BoolArray, FloatArray, SingleArray
from iceberg.cohort.rhythm.assumptions import OWN_PAUSE_DAYS, RhythmSettings

# Judgement: weeks on either side that make the usual activity of a week: a year, so that a season is no break. What everybody does together never is
# one; it shows in the activity of the company instead.
_INDEX_HALF_WEEKS = 26
LEVELS = (0.3, 3.0)  # judgement: beyond them a week of the whole company is an error of the log, or of so few that it says little
HOLE = 0.1  # judgement: a week with less than this share of the usual activity is missing from the log, and says nothing about anybody
# Judgement: a customer is there until so many active days were to be expected since the last one, and for two weeks at least.
_PRESENT_DAYS, _PRESENT_WEEKS = 3.0, 2


@dataclass(frozen=True, eq=False)
class WeekBlock:
    """Active days of some customers by week; it never leaves `iceberg.cohort.rhythm`.

    Attributes:
        days: (n, W) active days, 0 to 7.
        first: Week of the first activity, -1 where it lies before the first week of `days`.
        left: Week in which the files say that the customer left openly; W where they do not.
        segment: Place of the segment.
    """

    days: npt.NDArray[np.uint8]
    first: npt.NDArray[np.int32]
    left: npt.NDArray[np.int32]
    segment: npt.NDArray[np.int32]

    def until(self, end: int, baseline: int) -> WeekBlock:
        """The same customers as they were seen at the end of week `end`, with the last `baseline` weeks only."""
        start = max(end - baseline, 0)
        return WeekBlock(self.days[:, start:end], np.maximum(self.first - start, -1), self.left - start, self.segment)

    def rows(self, chosen: slice | npt.NDArray[np.intp] | BoolArray) -> WeekBlock:
        """Some of the customers."""
        return WeekBlock(self.days[chosen], self.first[chosen], self.left[chosen], self.segment[chosen])

    @property
    def last(self) -> npt.NDArray[np.int32]:
        """Last active week of each customer, -1 without any."""
        active = self.days > 0
        width = self.days.shape[1]
        return np.where(active.any(1), width - 1 - active[:, ::-1].argmax(1), -1).astype(np.int32)


@dataclass(frozen=True, eq=False)
class Exposed:
    """Days and exposure by week after the first one.

    Attributes:
        days: (n, W).
        weeks: (n, W) exposure in usual weeks of the company; 0 in own completed pauses and up to the first week.
        runs: Length of the silence that a week lies in, negative where it lasts to the end, 0 in active weeks.
        pauses: Weeks in own completed pauses.
        shortest_pause: (n,) weeks from which a silence of each customer stands out from chance.
    """

    days: SingleArray
    weeks: SingleArray
    runs: npt.NDArray[np.int16]
    pauses: BoolArray
    shortest_pause: npt.NDArray[np.intp]


def build_week_index(block: WeekBlock) -> FloatArray:
    """Activity per present customer by week, over its median of a year; between 0.3 and 3, and 0 where the log has a hole.

    Towards the ends of the log it is the first and the last whole year: half of one would take a season for a level.

    A customer is present after the first week until three days of activity were to be expected since the last visit. Whether a customer is
    counted in a week thus depends on earlier weeks only: a customer seen late in the log is one who comes often, and the activity of its last weeks
    would look too high, the silence of all others in them too long.
    """
    width = block.days.shape[1]
    week = np.arange(width)
    after = week > block.first[:, None]
    inside = after & (week <= block.last[:, None])
    rate = (block.days * inside).sum(1, dtype=float) / np.maximum(inside.sum(1), 1)
    patience = np.maximum(np.ceil(_PRESENT_DAYS / np.maximum(rate, 1e-6)), _PRESENT_WEEKS)
    visit = np.maximum.accumulate(np.where(block.days > 0, week, -width), axis=1)
    visit = np.concatenate([np.full((len(visit), 1), -width), visit[:, :-1]], axis=1)  # the last one before each week
    present = after & (week - visit <= patience[:, None])
    each = (block.days * present).sum(0, dtype=float) / np.maximum(present.sum(0), 1)
    year = 2 * _INDEX_HALF_WEEKS + 1
    starts = np.clip(week - _INDEX_HALF_WEEKS, 0, max(0, width - year))
    usual = [np.median(each[start : start + year]) for start in starts]
    level = each / np.maximum(usual, 1e-9)
    return np.asarray(np.where(level < HOLE, 0.0, np.clip(level, *LEVELS)), dtype=float)


def silent_runs(days: npt.NDArray[np.uint8]) -> npt.NDArray[np.int16]:
    """Length in weeks of the silence that each week lies in; 0 in active weeks, negative where the silence lasts to the end.

    Works by week, over all customers at once: `days` is best given as the transpose of an array by week.
    """
    rows, width = days.shape
    silent = (days.T == 0).astype(np.int16)
    behind, beyond = (np.zeros((width + 1, rows), dtype=np.int16) for _ in range(2))
    for week in range(width):
        np.add(behind[week], 1, out=behind[week + 1])
        behind[week + 1] *= silent[week]
    for week in range(width - 1, -1, -1):
        np.add(beyond[week + 1], 1, out=beyond[week])
        beyond[week] *= silent[week]
    length = behind[1:] + beyond[:width]
    length -= 1
    length *= silent
    lasts = beyond[:width] == np.arange(width, 0, -1, dtype=np.int16)[:, None]
    np.negative(length, out=length, where=lasts)
    return length.T


def expose(block: WeekBlock, settings: RhythmSettings, index: FloatArray) -> Exposed:
    """Days and exposure after the first week, which is selected by its first visit.

    A completed silence of two weeks and more in which the own rate makes `OWN_PAUSE_DAYS` days expected is a pause: it carries no exposure.

    Args:
        block: Customers.
        settings: For the prior of the rate.
        index: Of the weeks of `block`.
    """
    every = np.ascontiguousarray(block.days.T)
    after = np.arange(len(every), dtype=np.int32)[:, None] > block.first
    weeks = after * index.astype(np.float32)[:, None]
    days = np.multiply(every, after, dtype=np.float32)
    rate = (days.sum(0) + settings.shape) / (weeks.sum(0) + settings.rate)
    runs = silent_runs(every.T).T
    runs *= after
    shortest = np.maximum(np.floor(OWN_PAUSE_DAYS / rate).astype(np.intp) + 1, 2)
    pauses = runs >= np.minimum(shortest, len(every) + 1).astype(np.int16)
    np.copyto(weeks, 0, where=pauses)
    return Exposed(days.T, weeks.T, runs.T, pauses.T, shortest)
