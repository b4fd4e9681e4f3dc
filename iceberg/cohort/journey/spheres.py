"""`SphereSheet`: what a company promises, aims at, puts first and believes, by category, as typed into a sheet."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass, replace
from typing import Any, Self

FIELDS = ("category", "promise_value", "promise_unit", "target", "priority_rank", "believed_leavers", "expected_value")
PERCENT = "percent"
UNITS = ("days", "hours", PERCENT)


@dataclass(frozen=True)
class SphereRow:
    """One category of the sheet; None where a cell is blank.

    Attributes:
        category: Its name.
        promise_value, promise_unit: What customers are promised, in one of `UNITS` (a percentage: of complaints closed in time).
        target: Share of complaints that is to be closed in time, 0 to 1.
        priority_rank: Its place in the company's priorities, 1 first.
        believed_leavers: Customers whom the company believes to have lost in silence because of it.
        expected_value: What customers expect, in the unit of the promise.
    """

    category: str
    promise_value: float | None = None
    promise_unit: str | None = None
    target: float | None = None
    priority_rank: int | None = None
    believed_leavers: int | None = None
    expected_value: float | None = None

    @property
    def is_blank(self) -> bool:
        """Whether nothing is said of the category."""
        return all(getattr(self, name) is None for name in FIELDS[1:])


@dataclass(frozen=True)
class SphereSheet:
    """The sheet; at least one row, no category and no priority twice."""

    rows: tuple[SphereRow, ...]

    def of(self, category: str) -> SphereRow | None:
        """The row of a category; None where the sheet has none."""
        return next((row for row in self.rows if row.category == category), None)

    def among(self, names: Collection[str] | None) -> Self:
        """The same with these categories only; None keeps all."""
        return self if names is None else replace(self, rows=tuple(row for row in self.rows if row.category in names))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for the header of stored counts."""
        return {"rows": [asdict(row) for row in self.rows]}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any] | None) -> Self | None:
        """From the values of `to_dict`."""
        return None if entry is None else cls(tuple(SphereRow(**row) for row in entry["rows"]))
