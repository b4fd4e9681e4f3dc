"""Conditions of a message: every version, a change beyond noise, or a limit on the silent churn of a month that is crossed."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

from iceberg.errors import NotifyError
from iceberg.model.compare import DAYS_PER_MONTH
from iceberg.store.studies import VersionEntry

LimitDirection = Literal["above", "below"]
_LIMIT = re.compile(r"(surely-)?(above|below)(?::(.+))?=([0-9]+(?:\.[0-9]+)?)", re.DOTALL)


@dataclass(frozen=True)
class Limit:
    """A bound on the silent churn of a month.

    Attributes:
        side: Beyond which it is crossed; ``below`` is a target that is reached.
        category: None for the whole company.
        per_month: Customers a month.
        surely: Whether the whole 90 % range has to lie beyond it, not the most likely number alone.
    """

    side: LimitDirection
    category: str | None
    per_month: float
    surely: bool = False

    def is_crossed(self, churn: Mapping[str, float]) -> bool:
        """Whether a churn per month with the keys lower, median and upper lies beyond the limit."""
        if self.side == "above":
            return churn["lower" if self.surely else "median"] > self.per_month
        return churn["upper" if self.surely else "median"] < self.per_month


@dataclass(frozen=True)
class Conditions:
    """When a message is due: one of them is enough.

    Attributes:
        always: For every version.
        change: Where a category, or the company, changed beyond noise.
        limits: Where one of them is crossed.
    """

    always: bool = False
    change: bool = False
    limits: tuple[Limit, ...] = ()


def read_conditions(texts: Sequence[str]) -> Conditions:
    """From ``always``, ``change``, ``above:billing=50``, ``surely-above=200``, ``below:billing=20`` or ``surely-below=100``; none is ``always``.

    Raises:
        NotifyError: ``when_unclear``.
    """
    limits = []
    for text in texts:
        if text in ("always", "change"):
            continue
        found = _LIMIT.fullmatch(text.strip())
        if found is None or not math.isfinite(float(found[4])):
            raise NotifyError("when_unclear", {"value": text[:60]})
        limits.append(Limit("above" if found[2] == "above" else "below", found[3] or None, float(found[4]), surely=bool(found[1])))
    return Conditions(always="always" in texts or not texts, change="change" in texts, limits=tuple(limits))


def churn_per_month(entry: VersionEntry, category: str | None) -> dict[str, float] | None:
    """Silent churn of a version per month: lower, median and upper; None where it has no months or no range, zeros for a category it lacks."""
    if entry.since is None or entry.as_of is None:
        return None
    parts: list[Mapping[str, Any]] = [entry.summary["total"]]
    if category is not None:
        parts = [one for one in entry.summary["categories"] if one["category"] == category]
    if not parts:
        return {"lower": 0.0, "median": 0.0, "upper": 0.0}
    months = ((date.fromisoformat(entry.as_of) - date.fromisoformat(entry.since)).days + 1) / DAYS_PER_MONTH
    ends: Mapping[str, Any] = parts[0]["silent_churn"] or {}
    if any(ends.get(name) is None for name in ("lower", "median", "upper")):
        return None
    return {name: float(ends[name]) / months for name in ("lower", "median", "upper")}


def newly_crossed(limit: Limit, entries: Sequence[VersionEntry], announced: Sequence[int]) -> bool:
    """Whether the first of these versions (newest first) crosses the limit, and the target does not know it from an earlier version.

    An earlier version that was beyond the limit already counts as known only if the target got a message about it.
    """
    values = [churn_per_month(entry, limit.category) for entry in entries]
    if values[0] is None or not limit.is_crossed(values[0]):
        return False
    for entry, value in zip(entries[1:], values[1:], strict=True):
        if value is None or not limit.is_crossed(value):
            return True
        if entry.number in announced:
            return False
    return True
