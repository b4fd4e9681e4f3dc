"""Counts by exact day: entries and ends on the tenure axis, and complainants on the clock since their complaint."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields
from typing import Self

import numpy as np
import numpy.typing as npt

from iceberg.arrays import BoolArray, IntArray

NEVER_COMPLAINED = 0  # value of `TenureDayCounts.state`; state 1 + c means: first complaint was in category c
ANY_CATEGORY = -1  # value of `ComplaintClockCounts.category`: the first complaint of all
_MOST_CELLS = 1 << 22  # judgement: up to here adding up in place, 8 bytes a cell, beats sorting


class CountColumns:
    """Equally long columns of whole numbers, read-only: the keys of a cell, and in the last three columns its counts."""

    def __post_init__(self) -> None:
        lengths = set()
        for column in fields(self):  # type: ignore[arg-type]  # every subclass is a dataclass
            values = whole_numbers(getattr(self, column.name), name=column.name)
            if values.ndim != 1:
                raise ValueError(f"{column.name} must have one dimension, has {values.ndim}")
            lengths.add(len(values))
            object.__setattr__(self, column.name, values)
        if len(lengths) > 1:
            raise ValueError(f"columns of {type(self).__name__} differ in length: {sorted(lengths)}")

    @classmethod
    def empty(cls) -> Self:
        """No rows."""
        none = np.zeros(0, dtype=np.int64)
        return cls(**{column.name: none for column in fields(cls)})  # type: ignore[arg-type]  # as above

    @classmethod
    def summed(cls, *parts: Mapping[str, IntArray]) -> Self:
        """The rows of all parts, added up where their keys are equal, in the order of the keys, without rows of zeros."""
        names = [column.name for column in fields(cls)]  # type: ignore[arg-type]  # as above
        keys, totals = _sum_by_key(parts, keys=names[:-3], counts=names[-3:])
        occupied = totals.any(axis=0)
        return cls(*keys[:, occupied], *totals[:, occupied])

    @property
    def columns(self) -> dict[str, IntArray]:
        """Columns by name."""
        return {column.name: getattr(self, column.name) for column in fields(self)}  # type: ignore[arg-type]  # as above

    @property
    def rows(self) -> int:
        """Number of rows."""
        return len(next(iter(self.columns.values())))

    def where(self, chosen: BoolArray) -> Self:
        """The rows for which `chosen` holds."""
        return type(self)(**{name: values[chosen] for name, values in self.columns.items()})


@dataclass(frozen=True, eq=False)
class TenureDayCounts(CountColumns):
    """Entries and exits by exact day of tenure, one row per (state, segment, tenure day) that has any.

    States are mutually exclusive: 0 = has not complained in the window, 1 + c = the first complaint was in category c.
    A customer who complains is censored in state 0 on the day before and enters state 1 + c at that day's tenure
    (delayed entry); one who complains on the first day at risk never is in state 0.
    At risk at tenure t = sum(entered at <= t) - sum(exited or censored at < t): exactly what lifelines counts with ``entry=``.

    Attributes:
        state: int64 (rows,).
        segment: int64 (rows,), index into `CohortCounts.segments`.
        tenure_day: int64 (rows,), days since the customer's first day.
        entered, exited, censored: int64 (rows,), customers.
    """

    state: IntArray
    segment: IntArray
    tenure_day: IntArray
    entered: IntArray
    exited: IntArray
    censored: IntArray


@dataclass(frozen=True, eq=False)
class ComplaintClockCounts(CountColumns):
    """Complainants on the clock since their first complaint in a category, one row per cell that has any.

    Cohort of a complainant: category, segment, calendar month and tenure band of that first complaint. `clock` is the
    bin (index into `CohortCounts.clock_edges_days`; the last bin is open) of the day on which follow-up ended. Category
    -1 is "any": the first complaint of all. In category c a customer enters at the first complaint in c; with two
    categories they are on two clocks, so rows of categories 0..C-1 do not add up to category -1.

    Attributes:
        category, segment, month, band, clock: int64 (rows,).
        exited: departures in this bin, customers.
        censored: follow-up ended alive in this bin, customers.
        days_in_bin: days at risk that these exited or censored customers spent inside this bin (day of complaint = day 0, inclusive).
    """

    category: IntArray
    segment: IntArray
    month: IntArray
    band: IntArray
    clock: IntArray
    exited: IntArray
    censored: IntArray
    days_in_bin: IntArray


def whole_numbers(values: npt.ArrayLike, *, name: str) -> IntArray:
    """Copy values into a read-only int64 array.

    Raises:
        ValueError: They are not whole numbers.
    """
    array = np.asarray(values)
    if array.size and array.dtype.kind not in "iub":
        raise ValueError(f"{name} must hold whole numbers, holds {array.dtype}")
    copy = np.array(array, dtype=np.int64, order="C")
    copy.flags.writeable = False
    return copy


def _sum_by_key(parts: Sequence[Mapping[str, IntArray]], *, keys: Sequence[str], counts: Sequence[str]) -> tuple[IntArray, IntArray]:
    """Distinct keys in sorted order and the sums of their counts, as arrays of shape (keys, rows) and (counts, rows)."""
    key = np.concatenate([np.stack([part[name] for name in keys]) for part in parts], axis=1)
    count = np.concatenate([np.stack([part[name] for name in counts]) for part in parts], axis=1)
    if not key.shape[1]:
        return key, count
    low = key.min(axis=1, keepdims=True)
    shape = tuple((key.max(axis=1) - low[:, 0] + 1).tolist())
    packed = np.ravel_multi_index(tuple(key - low), shape)  # one number is handled faster than five
    if math.prod(shape) > _MOST_CELLS:
        order = np.argsort(packed)  # sums of whole numbers do not depend on which of two equal keys comes first
        begins = np.flatnonzero(np.diff(packed[order], prepend=-1))
        return key[:, order[begins]], np.add.reduceat(count[:, order], begins, axis=1)
    present, totals = np.zeros(math.prod(shape), dtype=np.bool_), np.zeros((len(count), math.prod(shape)), dtype=np.int64)
    present[packed] = True
    for total, added in zip(totals, count, strict=True):
        np.add.at(total, packed, added)
    (cells,) = np.nonzero(present)
    return np.stack(np.unravel_index(cells, shape)) + low, totals[:, cells]


def check_day_counts(
    days: TenureDayCounts, clock: ComplaintClockCounts, shape: tuple[int, int, int], *, categories: int, bins: int
) -> None:
    """Refuse day counts that contradict the axes beside them, or themselves.

    Args:
        days: Per day of tenure.
        clock: Per bin of days since the complaint.
        shape: Segments, months, tenure bands.
        categories: How many there are.
        bins: Of the complaint clock.

    Raises:
        ValueError: Only a defect can make such counts.
    """
    segments, months, bands = shape
    ranges = [
        ("state", days.state, 0, categories),
        ("segment", days.segment, 0, segments - 1),
        ("tenure_day", days.tenure_day, 0, None),
        ("category", clock.category, ANY_CATEGORY, categories - 1),
        ("segment", clock.segment, 0, segments - 1),
        ("month", clock.month, 0, months - 1),
        ("band", clock.band, 0, bands - 1),
        ("clock", clock.clock, 0, bins - 1),
    ]
    ranges += [(name, days.columns[name], 0, None) for name in ("entered", "exited", "censored")]
    ranges += [(name, clock.columns[name], 0, None) for name in ("exited", "censored", "days_in_bin")]
    for name, values, lowest, highest in ranges:
        if values.size and (values.min() < lowest or (highest is not None and values.max() > highest)):
            raise ValueError(f"{name} outside {lowest}..{highest}")
    if days.entered.sum() != days.exited.sum() + days.censored.sum():
        raise ValueError("as many customers must leave the tenure axis as entered it")
