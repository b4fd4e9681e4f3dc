"""What counting found, or the user said, beside the numbers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any, Literal, Self

SHARE_AT_ONCE = 0.4  # judgement (grade D): of all departures, on one day; and twice what a company holds whose contracts end on one day a month
LEAST_AT_ONCE = 30  # judgement (grade D): fewer on one day are chance


@dataclass(frozen=True, order=True)
class RecordingChange:
    """A day from which another share of the complaints is recorded, as the user says; `category` "" means of all categories."""

    day: date
    category: str = ""

    @classmethod
    def parse(cls, text: str) -> Self:
        """From ``2024-07-01`` or ``2024-07-01:category``.

        Raises:
            ValueError: The text begins with no such day.
        """
        day, _, category = text.partition(":")
        return cls(date.fromisoformat(day.strip()), category.strip())

    def __str__(self) -> str:
        return f"{self.day.isoformat()}:{self.category}" if self.category else self.day.isoformat()


@dataclass(frozen=True)
class UnrecordedMonths:
    """Months whose departures or complaints are missing from the files.

    Attributes:
        what: What is missing.
        place: Where in the window asked for: the window begins after those before and ends before those after; those inside are counted, and
            the model leaves their `what` out.
        first, last: First days of the first and of the last of these months.
        overruled: Whether the user says that they are complete: nothing is left out then.
    """

    what: Literal["departures", "complaints"]
    place: Literal["before", "inside", "after"]
    first: date
    last: date
    overruled: bool = False

    @property
    def following(self) -> date:
        """First day after these months."""
        return date(self.last.year + self.last.month // 12, self.last.month % 12 + 1, 1)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a header."""
        return asdict(self) | {"first": self.first.isoformat(), "last": self.last.isoformat()}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """From the values of `to_dict`."""
        return cls(**{**entry, "first": date.fromisoformat(entry["first"]), "last": date.fromisoformat(entry["last"])})


@dataclass(frozen=True)
class ReadingRemark:
    """What reading found that changes what can be believed: a code of `diagnostics`, and the values that its sentence names."""

    code: str
    values: Mapping[str, Any]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a header."""
        return {"code": self.code, "values": {name: value if isinstance(value, int | float) else str(value) for name, value in self.values.items()}}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """From the values of `to_dict`."""
        return cls(str(entry["code"]), dict(entry["values"]))


@dataclass(frozen=True)
class MassEnd:
    """One day that holds so many of all departures that it is an event of the company, not of its customers: a migration, a product that ended.

    Attributes:
        day: The day.
        leavers: Customers whose last day it is.
        departures: All departures of the window.
    """

    day: date
    leavers: int
    departures: int

    @classmethod
    def of(cls, day: date, leavers: int, departures: int, *, months: int) -> Self | None:
        """The day with most departures, where it is one; a company whose contracts all end on one day of the month has none.

        Args:
            day: The day with most departures.
            leavers: How many.
            departures: All of the window.
            months: Months of the window.
        """
        large = leavers >= LEAST_AT_ONCE and leavers >= max(SHARE_AT_ONCE, 2 / months) * departures
        return cls(day, leavers, departures) if large else None

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a header."""
        return asdict(self) | {"day": self.day.isoformat()}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any] | None) -> Self | None:
        """From the values of `to_dict`."""
        return None if entry is None else cls(**{**entry, "day": date.fromisoformat(entry["day"])})
