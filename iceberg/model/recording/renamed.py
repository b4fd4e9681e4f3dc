"""Finds categories that stop where another starts: probably one category under two names."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from iceberg.cohort.counts import CohortCounts


@dataclass(frozen=True)
class RenamedCategory:
    """`names` stop in the month before `month`, in which `name` starts."""

    name: str
    names: tuple[str, ...]
    month: date


def find_renamed(counts: CohortCounts) -> tuple[RenamedCategory, ...]:
    """The proposals of this module."""
    return ()
