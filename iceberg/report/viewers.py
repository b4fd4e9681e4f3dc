"""Coarsens an estimate for viewers: they choose among segments and months in which no cell holds one to four customers.

Every figure a viewer can choose is a sum of these cells, so no two choices differ by a small group (complementary suppression). Small categories are
pooled (`iceberg.report.small_cells`), small segments with the next smallest, and months with their neighbours, until each cell of category by segment
and of category by month counts no customer, or five or more; the same holds for vocal customers of any category and for silent leavers. Where cells
of segment by month are too small, a viewer chooses segments or months, not both. All sums stay, because the joint draws are the same.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date

import numpy as np
import numpy.typing as npt

from iceberg.arrays import BoolArray, FloatArray
from iceberg.errors import OptionError
from iceberg.locale import Translator
from iceberg.model.results import Draws, EstimateCells, IcebergEstimate
from iceberg.report.small_cells import SMALLEST, Number, pool_small_categories

_NAMED = 3  # segments taken together are named up to here, then counted
Groups = tuple[tuple[int, ...], ...]


@dataclass(frozen=True, eq=False)
class ViewerAxes:
    """The choices of a viewer.

    Attributes:
        categories: Names, the small ones pooled.
        segments: Names, those taken together joined by "+".
        months: First month of each period.
        last_months: Last month of each period.
        both: Whether segments and months may be chosen at the same time.
        segment_groups, month_groups: Positions in the axes of the whole estimate.
    """

    categories: tuple[str, ...]
    segments: tuple[str, ...]
    months: tuple[date, ...]
    last_months: tuple[date, ...]
    both: bool
    segment_groups: Groups
    month_groups: Groups


def veil_estimate(estimate: IcebergEstimate, words: Translator, *, smallest: int = SMALLEST) -> tuple[IcebergEstimate, ViewerAxes]:
    """The estimate for a viewer, and the axes of its cells.

    Raises:
        OptionError: ``too_few_to_show`` where all customers together are a small group.
    """
    vocal, leavers = estimate.total.vocal_customers, estimate.silent_leavers
    if 0 < vocal < smallest or 0 < leavers < smallest:
        raise OptionError("too_few_to_show", {"smallest": smallest})
    pooled = pool_small_categories(estimate, words, smallest=smallest)
    cells = pooled.cells
    if cells is None:
        raise ValueError("this estimate holds no cells: segments and months are unknown")
    axes = _axes(cells, smallest)
    remarks = tuple(one for one in pooled.diagnostics if not any(_is_small(value, smallest) for value in one.values.values()))
    return replace(_coarser(pooled, cells, axes), diagnostics=remarks), axes


def _axes(cells: EstimateCells, smallest: int) -> ViewerAxes:
    """Merge segments and months as far as needed."""
    counted = np.concatenate([cells.vocal, cells.vocal_any[None], cells.leavers[None]])  # (C + 2, S, M)
    segments = _merge_smallest(counted.sum(axis=2), smallest)
    months = _merge_neighbours(counted.sum(axis=1), smallest)
    together = np.stack([counted[:, list(group)].sum(axis=1) for group in segments], axis=1)
    together = np.stack([together[:, :, list(group)].sum(axis=2) for group in months], axis=2)
    return ViewerAxes(
        categories=cells.categories,
        segments=_names(cells.segments, segments),
        months=tuple(cells.months[group[0]] for group in months),
        last_months=tuple(cells.months[group[-1]] for group in months),
        both=not _too_small(together, smallest).any(),
        segment_groups=segments,
        month_groups=months,
    )


def _too_small(counted: FloatArray, smallest: int) -> BoolArray:
    return np.asarray((counted > 0) & (counted < smallest))


def _merge_smallest(counted: FloatArray, smallest: int) -> Groups:
    """Groups of the second axis: the smallest of those that hold a small cell joins the next smallest of all."""
    groups: list[tuple[int, ...]] = [(place,) for place in range(counted.shape[1])]
    while len(groups) > 1:
        sums = np.stack([counted[:, list(group)].sum(axis=1) for group in groups], axis=1)
        wrong = np.flatnonzero(_too_small(sums, smallest).any(axis=0))
        if not wrong.size:
            break
        by_size = sorted(range(len(groups)), key=lambda place: (sums[:, place].sum(), groups[place]))
        first = next(place for place in by_size if place in wrong)
        second = next(place for place in by_size if place != first)
        joined = tuple(sorted(groups[first] + groups[second]))
        groups = sorted([*(group for place, group in enumerate(groups) if place not in (first, second)), joined])
    return tuple(groups)


def _merge_neighbours(counted: FloatArray, smallest: int) -> Groups:
    """Groups of consecutive positions, each as short as possible without a small cell."""
    groups: list[tuple[int, ...]] = []
    gathered: tuple[int, ...] = ()
    for place in range(counted.shape[1]):
        gathered += (place,)
        if not _too_small(counted[:, list(gathered)].sum(axis=1), smallest).any():
            groups.append(gathered)
            gathered = ()
    if gathered:  # the rest joins the groups before it, until no cell is small
        while groups:
            gathered = groups.pop() + gathered
            if not _too_small(counted[:, list(gathered)].sum(axis=1), smallest).any():
                break
        groups.append(gathered)
    return tuple(groups)


def _names(names: Sequence[str], groups: Groups) -> tuple[str, ...]:
    labels = []
    for group in groups:
        shown = [names[place] or "–" for place in group] if len(group) > 1 else [names[place] for place in group]
        rest = f" + {len(shown) - _NAMED}" if len(shown) > _NAMED else ""
        labels.append(" + ".join(shown[:_NAMED]) + rest)
    return tuple(name if labels.count(name) == 1 else f"{name} ({place + 1})" for place, name in enumerate(labels))


def _coarser(estimate: IcebergEstimate, cells: EstimateCells, axes: ViewerAxes) -> IcebergEstimate:
    draws = estimate.draws
    held = replace(
        cells,
        segments=axes.segments,
        months=axes.months,
        last_months=axes.last_months if axes.last_months != axes.months else (),
        vocal=_gather(cells.vocal, axes),
        vocal_any=_gather(cells.vocal_any, axes),
        leavers=_gather(cells.leavers, axes),
    )
    gathered = Draws(
        _gather(draws.silent_churn, axes),
        _gather(draws.natural, axes),
        None if draws.revenue_lost is None else _gather(draws.revenue_lost, axes),
        draws.ratio,
    )
    return replace(estimate, draws=gathered, cells=held, fit_state=None)


def _gather(array: npt.NDArray[Number], axes: ViewerAxes) -> npt.NDArray[Number]:
    """Sums over the groups of the last two axes."""
    return _summed(_summed(array, axes.segment_groups, axis=-2), axes.month_groups, axis=-1)


def _summed(array: npt.NDArray[Number], groups: Groups, *, axis: int) -> npt.NDArray[Number]:
    if all(len(group) == 1 for group in groups):
        return array
    order = [place for group in groups for place in group]
    starts = np.cumsum([0, *(len(group) for group in groups[:-1])])
    return np.add.reduceat(array.take(order, axis=axis), starts, axis=axis)


def _is_small(value: object, smallest: int) -> bool:
    """A remark that names a count of so few customers is left out."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 < value < smallest
