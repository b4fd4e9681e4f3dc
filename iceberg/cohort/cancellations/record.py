"""`LoggedCancellations`: complaints of one category that look like cancellations, and what became of them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self


@dataclass(frozen=True)
class LoggedCancellations:
    """What was found about one category.

    Attributes:
        category: Its name.
        complainants: Customers who complained of it.
        left: How many of them left within `days` of complaining.
        days: Days between such a complaint and the departure, at most.
        others: The share of the complainants of the other categories who left as soon.
        removed: Customers who no longer count as complainants of it.
        overruled: Whether the user says that these are complaints: nothing is left out then.
    """

    category: str
    complainants: int
    left: int
    days: int
    others: float
    removed: int = 0
    overruled: bool = False

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a header."""
        return asdict(self)

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """From the values of `to_dict`."""
        return cls(**entry)
