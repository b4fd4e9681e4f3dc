"""Owns the arithmetic from grouped tails (see `iceberg.cohort.statements`) to Lexis cells of calendar month and tenure band."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from iceberg.cohort.day_counts import IntArray
from iceberg.cohort.window import ObservationWindow

Columns = dict[str, npt.NDArray[Any]]


@dataclass(frozen=True)
class LexisAxes:
    """The axes of the cells.

    Attributes:
        window: Days that are counted.
        segments: Place of each segment's name on the first axis.
        band_edges_months: Lower edges of the tenure bands.
        earliest_start_month: Index of the first start month that the statements tell apart.
    """

    window: ObservationWindow
    segments: dict[str, int]
    band_edges_months: Sequence[int]
    earliest_start_month: int

    @property
    def shape(self) -> tuple[int, int, int]:
        """(S, M, B)."""
        return len(self.segments), len(self.window.months), len(self.band_edges_months)

    @property
    def first_month(self) -> int:
        """Index (12 * year + month - 1) of the window's first month."""
        return self.window.since.year * 12 + self.window.since.month - 1

    def place_segments(self, names: npt.NDArray[Any]) -> IntArray:
        """Place of each name."""
        return np.array([self.segments[name] for name in names], dtype=np.int64)

    def band(self, tenure_months: IntArray) -> IntArray:
        """Band of completed months of tenure; -1 before the first day."""
        return np.searchsorted(np.asarray(self.band_edges_months), tenure_months, side="right").astype(np.int64) - 1


def person_days(tails: Columns, axes: LexisAxes) -> IntArray:
    """(S, M, B) days of all tails."""
    shape = (len(axes.segments), axes.first_month + axes.shape[1] - axes.earliest_start_month, axes.shape[1])
    segment, start, month = (
        axes.place_segments(tails["segment"]),
        tails["start_month"] - axes.earliest_start_month,
        tails["month"] - axes.first_month,
    )
    place = np.ravel_multi_index((segment, start, month), shape)

    def dense(values: npt.NDArray[Any]) -> IntArray:
        total = np.zeros(int(np.prod(shape)), dtype=np.int64)
        np.add.at(total, place, values.astype(np.int64))
        return total.reshape(shape)

    def earlier(values: IntArray) -> IntArray:
        return np.cumsum(values, axis=2) - values

    days, before = dense(tails["days_left"]), dense(tails["days_left_before"])
    customers = earlier(dense(tails["customers"]))
    offsets = {name: earlier(dense(tails[f"offset_{name}"])) for name in ("28", "29", "31", "last")}
    for place_of_month, first in enumerate(axes.window.months):
        is_last = place_of_month == shape[2] - 1
        length = monthrange(first.year, first.month)[1]
        days_counted = axes.window.as_of.day if is_last else length
        offset = offsets["last" if is_last else str(length) if length < 30 else "31"]
        days[..., place_of_month] += customers[..., place_of_month] * days_counted
        before[..., place_of_month] += offset[..., place_of_month]
    months_since_start = (
        np.arange(shape[2]) + axes.first_month - axes.earliest_start_month - np.arange(shape[1])[:, None]
    )
    return _into_bands(before, months_since_start - 1, axes) + _into_bands(days - before, months_since_start, axes)


def departure_cells(tails: Columns, axes: LexisAxes, values: str) -> npt.NDArray[Any]:
    """(S, M, B) sums of the column `values` by the cell of the departure."""
    cells = np.zeros(axes.shape, dtype=np.float64 if tails[values].dtype.kind == "f" else np.int64)
    tenure = tails["month"] - tails["start_month"] - 1 + tails["completed"]
    place = (axes.place_segments(tails["segment"]), tails["month"] - axes.first_month, axes.band(tenure))
    np.add.at(cells, place, tails[values])
    return cells


def _into_bands(days: IntArray, tenure_months: IntArray, axes: LexisAxes) -> IntArray:
    """Days (S, J, M) at tenure (J, M) summed into (S, M, B)."""
    bands = axes.band(tenure_months)
    return np.stack([np.where(bands == band, days, 0).sum(axis=1) for band in range(axes.shape[2])], axis=2)
