"""The average trace: the rhythm of those who broke, laid over each other at the week of the break, as a share of their own."""

from __future__ import annotations

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.rhythm.assumptions import SMALLEST_GROUP, TRACE_WEEKS
from iceberg.cohort.rhythm.breaks.change_point import IntRows, Profiles
from iceberg.cohort.rhythm.breaks.exposure import WeekBlock
from iceberg.cohort.rhythm.counts import TracePoint


class BreakTrace:
    """Adds up customers part by part; a week that fewer than five people show stays empty."""

    def __init__(self) -> None:
        self.offsets = np.arange(TRACE_WEEKS[0], TRACE_WEEKS[1] + 1)
        self.people = np.zeros(len(self.offsets), dtype=np.int64)
        self.level = np.zeros(len(self.offsets))

    def add(self, block: WeekBlock, found: Profiles, index: FloatArray, chosen: IntRows) -> None:
        """Add the customers `chosen` (places in `found`); `block` and `index` hold the same weeks as the profiles."""
        week = found.likeliest_week(chosen)
        days, first = block.days[found.rows[chosen]], block.first[found.rows[chosen]]
        before = np.maximum(found.before[chosen], 1e-6)
        for place, offset in enumerate(self.offsets):
            at = week + offset
            inside = (at > first) & (at >= 0) & (at < days.shape[1])
            rows = np.flatnonzero(inside)
            usual = before[rows] * np.maximum(index[at[rows]], 1e-6)
            self.people[place] += len(rows)
            self.level[place] += float((days[rows, at[rows]] / usual).sum())

    def points(self) -> tuple[TracePoint, ...]:
        """One point per week."""
        return tuple(
            TracePoint(int(week), int(people), float(level / people)) if people >= SMALLEST_GROUP else TracePoint(int(week), 0, None)
            for week, people, level in zip(self.offsets, self.people, self.level, strict=True)
        )
