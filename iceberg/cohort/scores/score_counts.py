"""`ScoreCounts`: days at risk and departures by the last score of a customer, and what scores were left out and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

UNHEARD, UNANSWERED = -2, -1  # states beside the levels of a score: no valid score; asked and no answer
NO_COMPLAINT = -1  # as a category of `Leavers`


@dataclass(frozen=True, order=True)
class TimeInState:
    """Days at risk and departures of one state, in one segment and tenure band.

    Attributes:
        segment, band: Places in the axes of the counts.
        state: The level of the last score, `UNANSWERED` or `UNHEARD`.
        days: Person-days.
        leavers: Departures on them.
    """

    segment: int
    band: int
    state: int
    days: int
    leavers: int


@dataclass(frozen=True, order=True)
class Leavers:
    """Customers who left with the same last word.

    Attributes:
        segment: Place in the axis of the counts.
        category: Place of the category they had complained of first, or `NO_COMPLAINT`.
        state: As of `TimeInState`, on the day of departure.
        number: How many.
    """

    segment: int
    category: int
    state: int
    number: int


@dataclass(frozen=True)
class ScoreCounts:
    """The scores of one file.

    A score holds from `quiet_days` after its day, for everybody: a score that is given when a customer cancels says nothing beforehand. It ends
    with the next score, or `look_back_days` after its day.

    Attributes:
        scale: Name of the scale.
        levels: Its levels, the worst first.
        satisfied, wide, dissatisfied: Lowest level that is satisfied, by the strict and by the wide reading; highest that is dissatisfied.
        look_back_days, quiet_days: See above.
        time: Every state, segment and band that anybody was in.
        leavers: Every departure of the window.
        quiet: Person-days within `quiet_days` of a score.
        at_departure: Customers who left on them, by level: scores given at the cancellation.
        answers, unanswered, unasked, blank: Rows with a score, asked without answer, never asked, with an empty cell.
        after: Scores given after the departure.
        outside: Scores before the first day, or too early or late for the window.
    """

    scale: str
    levels: tuple[int, ...]
    satisfied: int
    wide: int
    dissatisfied: int
    look_back_days: int
    quiet_days: int
    time: tuple[TimeInState, ...]
    leavers: tuple[Leavers, ...]
    quiet: int = 0
    at_departure: tuple[tuple[int, int], ...] = ()
    answers: int = 0
    unanswered: int = 0
    unasked: int = 0
    blank: int = 0
    after: int = 0
    outside: int = 0

    def select(self, chosen: Sequence[int]) -> Self:
        """The counts of some segments, which take the places of their order; what is counted per row stays that of the whole file."""
        place = {int(old): new for new, old in enumerate(chosen)}
        return replace(
            self,
            time=tuple(replace(one, segment=place[one.segment]) for one in self.time if one.segment in place),
            leavers=tuple(replace(one, segment=place[one.segment]) for one in self.leavers if one.segment in place),
        )

    def left_by_state(self) -> Counter[int]:
        """Departures of the window by state."""
        found = Counter[int]()
        for one in self.leavers:
            found[one.state] += one.number
        return found

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a header."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            "levels": list(self.levels),
            "time": [[one.segment, one.band, one.state, one.days, one.leavers] for one in self.time],
            "leavers": [[one.segment, one.category, one.state, one.number] for one in self.leavers],
            "at_departure": [list(one) for one in self.at_departure],
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any] | None) -> Self | None:
        """From the values of `to_dict`."""
        if entry is None:
            return None
        return cls(
            **{name: entry[name] for name in _PLAIN},
            levels=tuple(entry["levels"]),
            time=tuple(TimeInState(*one) for one in entry["time"]),
            leavers=tuple(Leavers(*one) for one in entry["leavers"]),
            at_departure=tuple((int(level), int(number)) for level, number in entry["at_departure"]),
        )


_PLAIN = (
    *("scale", "satisfied", "wide", "dissatisfied", "look_back_days", "quiet_days", "quiet"),
    *("answers", "unanswered", "unasked", "blank", "after", "outside"),
)
