"""`StatedReasons`: what silent leavers said of why they left, as counts by stratum, reason, and whether the company had heard of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, Self

NONE_OF_THESE = ""  # as a reason: they would have left anyway


@dataclass(frozen=True, order=True)
class Answers:
    """Equal answers of silent leavers.

    Attributes:
        segment: Of those who gave them; None where the file names neither customers nor segments.
        reason: A category, or `NONE_OF_THESE`.
        informed: Whether they say that they informed the company; None where they were not asked.
        stayed: Whether they would have stayed without it; None where they were not asked.
        number: How many.
    """

    segment: str | None
    reason: str
    informed: bool | None
    stayed: bool | None
    number: int

    @property
    def counts_as(self) -> str:
        """The reason, or none: who would have left anyway did not leave over it."""
        return NONE_OF_THESE if self.stayed is False else self.reason


@dataclass(frozen=True)
class StatedReasons:
    """The answers of one file.

    Attributes:
        source: A survey of leavers, or the reasons given when an account closes.
        answers: Of silent leavers with a reason that is a category, or none of these.
        by_month: Of them, by the ISO date of the first day of the month in which they left; empty where no customer is named.
        asked: Rows of the file.
        reached: Of them, those reached; all where the file does not say.
        vocal: Answers of leavers who had complained: their departures are no silent churn.
        untold: Of these, those who say that they had informed nobody.
        elsewhere: Answers of customers who did not leave inside the window.
        unknown: Rows whose customer is none of the customers file.
        blank: Rows without a reason.
        unmatched: Reasons that are no complaint category, with their rows.
    """

    source: Literal["survey", "cancellation"]
    answers: tuple[Answers, ...]
    by_month: tuple[tuple[str, int], ...] = ()
    asked: int = 0
    reached: int = 0
    vocal: int = 0
    untold: int = 0
    elsewhere: int = 0
    unknown: int = 0
    blank: int = 0
    unmatched: tuple[tuple[str, int], ...] = ()

    @property
    def number(self) -> int:
        """Answers that count."""
        return sum(one.number for one in self.answers)

    @property
    def informed(self) -> int:
        """Of them, those who say that they had informed the company, although the complaints file does not know."""
        return sum(one.number for one in self.answers if one.informed)

    @property
    def asks_whether_stayed(self) -> bool:
        """Whether most of those who name a category also said whether they would have stayed without it."""
        named = [one for one in self.answers if one.reason != NONE_OF_THESE]
        return 2 * sum(one.number for one in named if one.stayed is not None) >= sum(one.number for one in named)

    def of(self, category: str) -> int:
        """Answers that count for a category, or for none."""
        return sum(one.number for one in self.answers if one.counts_as == category)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a header."""
        plain = asdict(self)
        return plain | {"answers": [[one.segment, one.reason, one.informed, one.stayed, one.number] for one in self.answers]}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """From the values of `to_dict`."""
        pairs = {name: tuple((str(key), int(number)) for key, number in entry[name]) for name in ("by_month", "unmatched")}
        return cls(**{**entry, **pairs, "answers": tuple(Answers(*one) for one in entry["answers"])})
