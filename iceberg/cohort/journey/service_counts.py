"""`ServiceCounts`: complainants by whether their case was closed in time, and who of them left afterwards."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Self

import numpy as np

from iceberg.cohort.day_counts import ComplaintClockCounts
from iceberg.cohort.journey.journey_counts import Split

FIRST_REPLY, CLOSED = "first_reply", "closed"  # what a complainant waits for
LATE, IN_TIME, UNDECIDED = 0, 1, -1  # places of `ServiceCounts.cases`


@dataclass(frozen=True, order=True)
class Wait:
    """First complaints of one category that waited equally long.

    Attributes:
        category: Place in the axis of the counts.
        measure: `FIRST_REPLY` or `CLOSED`.
        hours: Whole hours since the day of the complaint, rounded up; waits that are known to the day are multiples of 24.
        done: Complainants whose wait ended then.
        still: Complainants who were still waiting when it is last known.
    """

    category: int
    measure: str
    hours: int
    done: int
    still: int


@dataclass(frozen=True, eq=False)
class ServiceCounts:
    """Whether first complaints were closed in time.

    Attributes:
        cases: Complainants by category and place: `IN_TIME`, `LATE`, or `UNDECIDED` (the file does not say, or the window ends before).
        gone: Complainants who left before the deadline of their case; of neither.
        clock: The others, from the deadline on, where there is one, else from the complaint. Its category is twice the category, plus 1 for a case in
            time; behind all categories follow the same two places for the first complaint of any.
        by_dates: Whether the file has deadlines; without them a column of yes and no says what was in time, and the clock begins with the complaint.
        unread: Columns whose days can be read in two ways, or not at all, and columns of yes and no without either; they are left out.
        waits: How long the first reply and the closing took, by category; empty where no column says it.
        outcomes: Every case by category and place, whether or not the customer was still there at the deadline: `IN_TIME`, `LATE`, or
            `UNDECIDED` where the file says nothing. Cases whose deadline lies behind the window are in none. Counts that were stored earlier
            have none of them.
        left_open: By category, complainants who left and whose case has no day of closing: whether it was closed is not known (place `UNDECIDED`).
    """

    cases: tuple[Split, ...]
    gone: int
    clock: ComplaintClockCounts = field(default_factory=ComplaintClockCounts.empty)
    by_dates: bool = False
    unread: tuple[str, ...] = ()
    waits: tuple[Wait, ...] = ()
    outcomes: tuple[Split, ...] = ()
    left_open: tuple[Split, ...] = ()

    def select(self, chosen: Sequence[int]) -> Self:
        """The counts for some segments, which take the places of their order. Only the clock knows segments; the rest stays that of the file."""
        places = {int(old): new for new, old in enumerate(chosen)}
        inside = self.clock.where(np.isin(self.clock.segment, list(places)))
        moved = np.array([places[int(segment)] for segment in inside.segment], dtype=np.int64)
        return replace(self, clock=replace(inside, segment=moved))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a header."""
        return {
            "cases": [[one.category, one.place, one.customers] for one in self.cases],
            "gone": self.gone,
            "by_dates": self.by_dates,
            "unread": list(self.unread),
            "outcomes": [[one.category, one.place, one.customers] for one in self.outcomes],
            "left_open": [[one.category, one.place, one.customers] for one in self.left_open],
            "waits": [[one.category, one.measure, one.hours, one.done, one.still] for one in self.waits],
            "clock": {name: values.tolist() for name, values in self.clock.columns.items()},
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any] | None) -> Self | None:
        """From the values of `to_dict`."""
        if entry is None:
            return None
        clock = ComplaintClockCounts(**{name: np.array(values, dtype=np.int64) for name, values in entry["clock"].items()})
        cases = tuple(Split(*one) for one in entry["cases"])
        # Counts that were stored earlier have none of these
        waits = tuple(Wait(*one) for one in entry.get("waits", ()))
        outcomes, left_open = (tuple(Split(*one) for one in entry.get(name, ())) for name in ("outcomes", "left_open"))
        return cls(cases, int(entry["gone"]), clock, bool(entry["by_dates"]), tuple(entry["unread"]), waits, outcomes, left_open)
