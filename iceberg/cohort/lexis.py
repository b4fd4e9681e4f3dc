"""Turns grouped tails (`iceberg.cohort.statements`) into cells of calendar month and tenure band."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iceberg.arrays import IntArray
from iceberg.cohort.window import ObservationWindow

Columns = dict[str, IntArray]


@dataclass(frozen=True)
class LexisAxes:
    """The axes of the cells.

    Attributes:
        window: Days that are counted.
        segments: S names.
        band_edges_months: Lower edges of the tenure bands.
        first_month: Index (12 * year + month - 1) of the window's first month.
        earliest_start_month: Index of the first start month that the statements tell apart.
    """

    window: ObservationWindow
    segments: tuple[str, ...]
    band_edges_months: Sequence[int]
    first_month: int
    earliest_start_month: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(S, M, B)."""
        return len(self.segments), len(self.window.months), len(self.band_edges_months)


def person_days(tails: Columns, axes: LexisAxes) -> IntArray:
    """(S, M, B) days of all tails."""
    segments, months, _ = axes.shape
    shape = (segments, axes.first_month + months - axes.earliest_start_month, months)
    place = (tails["segment"], tails["start_month"] - axes.earliest_start_month, tails["month"] - axes.first_month)

    def dense(name: str) -> IntArray:
        return add_up(shape, place, tails[name])

    def carried(name: str) -> IntArray:
        total = dense(name)
        return np.cumsum(total, axis=2) - total  # those whose tail began in an earlier month

    days, before, customers = dense("days_left"), dense("days_left_before"), carried("customers")
    offsets = {name: carried(f"offset_{name}") for name in ("28", "29", "31", "last")}
    for month, first in enumerate(axes.window.months):
        length = monthrange(first.year, first.month)[1]
        is_last = month == months - 1
        days[..., month] += customers[..., month] * (axes.window.as_of.day if is_last else length)
        before[..., month] += offsets["last" if is_last else str(length) if length < 30 else "31"][..., month]
    months_since_start = np.arange(months) + axes.first_month - axes.earliest_start_month - np.arange(shape[1])[:, None]
    return _into_bands(before, months_since_start - 1, axes) + _into_bands(days - before, months_since_start, axes)


def add_up(shape: tuple[int, ...], place: tuple[IntArray, ...], values: IntArray) -> IntArray:
    """Sum whole numbers into the cells of an array."""
    total = np.zeros(shape, dtype=np.int64)
    np.add.at(total, place, values)
    return total


def _into_bands(days: IntArray, tenure_months: IntArray, axes: LexisAxes) -> IntArray:
    """Sum days (S, J, M) at tenure (J, M) into (S, M, B); time before the first day falls into no band."""
    bands = np.searchsorted(np.asarray(axes.band_edges_months), tenure_months, side="right") - 1
    return np.stack([np.where(bands == band, days, 0).sum(axis=1) for band in range(axes.shape[2])], axis=2)
