"""Protects small groups from a viewer: groups under a limit are shown together with others, or not at all.

Statistical disclosure control as in national statistical offices: a small category is pooled with others (exactly, from the joint draws, so every sum
stays), and where a single count is hidden a second one is hidden too, because the total would reveal it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import pandas as pd

from iceberg.arrays import FloatArray
from iceberg.errors import OptionError
from iceberg.locale import Translator
from iceberg.model.results import CategoryEstimate, Draws, EstimateCells, IcebergEstimate
from iceberg.model.summary import Posterior, placebo_of_draws, summarise_draws
from iceberg.report.tables.estimate import cells_of, column_table, levels_of, month_trend_table, segment_table

SMALLEST = 5  # the usual threshold of official statistics; what leaves the store to a viewer holds no smaller count
_WEIGHTLESS = 1e-9
# Keys of the JSON document whose counts stand beside the estimate: they are no sums of the cells of which a viewer chooses.
BESIDE = ("declared", "positives", "journey", "service", "spheres", "audit", "rhythm")
Number = TypeVar("Number", np.float32, np.float64)


def small_categories(heard: Mapping[str, float], *, smallest: int = SMALLEST, pooled: Collection[str] = ()) -> list[str]:
    """The categories to be pooled: those of fewer than `smallest` complainants, and those in `pooled`; none where nothing would be hidden by it.

    A single category, or a pool that is still too small, would follow from the total: the next larger ones join it.
    """
    small = [name for name, vocal in heard.items() if vocal < smallest or name in pooled]
    if not any(heard[name] > 0 for name in small):
        return [name for name in heard if name in pooled]
    larger = sorted((name for name in heard if name not in small), key=lambda name: (heard[name], name))
    while larger and (sum(heard[name] for name in small) < smallest or len(small) < 2):
        small.append(larger.pop(0))
    return [name for name in heard if name in small]


def pool_small_categories(
    estimate: IcebergEstimate, words: Translator, *, smallest: int = SMALLEST, pooled: Collection[str] | None = None
) -> IcebergEstimate:
    """The same estimate with the categories in `pooled`, else those of fewer than `smallest` complainants, in one, named in the reader's language.

    Everything of the pooled category comes from the same joint draws, its placebo too; the outlook, which has no draws, is left out for it. Remarks
    about a pooled category are left out too. The month and segment axes stay; `hide_small` covers their counts.

    Raises:
        OptionError: ``report_too_small`` where all complainants together are fewer.
    """
    heard = {item.category: recorded_customers(estimate, item.vocal_customers) for item in estimate.categories}
    small = [name for name in heard if name in pooled] if pooled is not None else small_categories(heard, smallest=smallest) if smallest > 1 else []
    if not small:
        return estimate
    if recorded_customers(estimate, estimate.total.vocal_customers) < smallest:
        raise OptionError("report_too_small", {"smallest": smallest})
    return _pooled(estimate, small, words.text("export.small_category", smallest=smallest))


def recorded_customers(estimate: IcebergEstimate, vocal: float) -> float:
    """How many of so many vocal customers were recorded, at least: fewer where today's recording would have more."""
    return vocal if estimate.cells is None else vocal / estimate.cells.inflated


def _pooled(estimate: IcebergEstimate, names: Sequence[str], pool: str) -> IcebergEstimate:
    cells = estimate.cells
    if cells is None:
        raise ValueError("this estimate holds no cells: its categories cannot be taken together")
    pooled_places = [cells.categories.index(name) for name in names]
    others = [place for place in range(len(cells.categories)) if place not in pooled_places]
    held = replace(
        cells,
        categories=(*(cells.categories[place] for place in others), pool),
        vocal=_gathered(cells.vocal, others, pooled_places, axis=0),
        ratio_prior=_weighted(cells.ratio_prior, others, pooled_places, cells),
        excess=_weighted(cells.excess, others, pooled_places, cells),
    )
    draws = estimate.draws
    gathered = Draws(
        _gathered(draws.silent_churn, others, pooled_places, axis=1),
        draws.natural,
        None if draws.revenue_lost is None else _gathered(draws.revenue_lost, others, pooled_places, axis=1),
        _weighted(draws.ratio, others, pooled_places, cells),
        None if draws.placebo is None else _gathered(draws.placebo, others, pooled_places, axis=1),
        draws.explained,
    )
    remarks = tuple(one for one in estimate.diagnostics if not {one.category, dict(one.values).get("control")} & set(names))
    controls = tuple(one for one in estimate.controls if one.category not in names)
    posterior = Posterior(gathered, held, estimate.evidence, remarks, placebo_of_draws(gathered, held, controls), controls=controls)
    summed = summarise_draws(posterior, assumptions=estimate.assumptions, counts_digest=estimate.counts_digest, seed=estimate.seed)
    own = {item.category: item for item in estimate.categories}
    return replace(summed, categories=tuple(_as_before(item, own) for item in summed.categories), total=estimate.total)


def _as_before(item: CategoryEstimate, own: dict[str, CategoryEstimate]) -> CategoryEstimate:
    """A category that was not pooled keeps its placebo and outlook; only its probability of being first changes."""
    before = own.get(item.category)
    if before is None:
        return item
    return replace(before, probability_worst=item.probability_worst, probability_costliest=item.probability_costliest)


def _gathered(array: npt.NDArray[Number], others: Sequence[int], pooled_places: Sequence[int], *, axis: int) -> npt.NDArray[Number]:
    """The other categories, then the sum of the pooled ones."""
    pooled = array.take(pooled_places, axis=axis).sum(axis=axis, keepdims=True, dtype=np.float64).astype(array.dtype)
    return np.concatenate([array.take(others, axis=axis), pooled], axis=axis)


def _weighted(draws: FloatArray, others: Sequence[int], pooled_places: Sequence[int], cells: EstimateCells) -> FloatArray:
    """The other categories, then the mean of the pooled ones per complainant."""
    weights = cells.vocal.sum(axis=(1, 2))[list(pooled_places)] + _WEIGHTLESS
    pooled = draws[:, list(pooled_places)] @ (weights / weights.sum())
    return np.column_stack([draws[:, list(others)], pooled])


def shown_months(estimate: IcebergEstimate, *, smallest: int = 0) -> pd.DataFrame:
    """`month_trend_table` for a picture: without the complainants where a month has too few of them, since a gap in a line is a number too."""
    frame = month_trend_table(estimate)
    if hide_small(frame, ["vocal_customers"], smallest=smallest)["vocal_customers"].isna().any():
        frame["vocal_customers"] = float("nan")
    return frame


_OBSERVED = ("vocal_customers", "silent_leavers")


def shown_segments(estimate: IcebergEstimate, *, smallest: int = 0) -> pd.DataFrame:
    """`segment_table` without counts of too few, nor such as follow from the levels of the columns that make the segments."""
    frame, cells = segment_table(estimate), cells_of(estimate)
    row_of = {name: row for row, name in enumerate(frame["segment"])}
    levels = [mine for column in cells.segment_columns for mine in levels_of(cells, column).values()]
    sums = [[row_of[cells.segments[place]] for place in mine] for mine in levels]
    return _share_of_shown(hide_small(frame, _OBSERVED, smallest=smallest, sums=sums))


def shown_columns(estimate: IcebergEstimate, *, smallest: int = 0) -> pd.DataFrame:
    """`column_table` without the counts of a column one of whose levels has too few: its cells and the other columns could tell it."""
    frame = column_table(estimate)
    for _, rows in frame.groupby("column").groups.items() if len(frame) and smallest > 1 else ():
        for name in _OBSERVED:
            counts = frame.loc[rows, name]
            if ((counts > 0) & (counts < smallest)).any():
                frame.loc[rows, name] = float("nan")
    return _share_of_shown(frame)


def _share_of_shown(frame: pd.DataFrame) -> pd.DataFrame:
    """Without a share of so few leavers: it would give their number away."""
    return frame.assign(silent_share=frame["silent_share"].mask(frame["silent_leavers"].isna())) if len(frame) else frame


def hide_small(
    frame: pd.DataFrame, columns: Iterable[str], *, smallest: int = SMALLEST, sums: Sequence[Sequence[int]] = ()
) -> pd.DataFrame:
    """The frame without counts of 1 to `smallest` - 1 in these columns (NaN), and without a second one where one alone would follow from a sum.

    The sum of all rows is known, and those of the rows at the positions in `sums`.
    """
    held = frame.copy()
    if smallest <= 1:
        return held
    for column in columns:
        counts = held[column].astype(float)
        hidden = (counts > 0) & (counts < smallest)
        while True:
            alone = [rows for rows in ([*range(len(counts))], *map(list, sums)) if int(hidden.iloc[rows].sum()) == 1]
            others = [counts.iloc[rows][(~hidden & (counts > 0)).iloc[rows]] for rows in alone]
            added = [beside.idxmin() for beside in others if not beside.empty]
            if not added:
                break
            hidden = hidden | hidden.index.isin(added)
        held[column] = counts.mask(hidden)
    return held


def beside_differs_safely(first: Mapping[str, Any], second: Mapping[str, Any], *, smallest: int = SMALLEST) -> bool:
    """Whether no count beside the estimate (`BESIDE`) differs by one to `smallest` - 1 between the documents of two versions.

    Any whole number is taken for a count of customers. A number that only one of them has can be subtracted from nothing.
    """
    one, other = ({path: count for key in BESIDE for path, count in _whole_numbers(document.get(key), (key,))} for document in (first, second))
    return not any(0 < abs(one[path] - other[path]) < smallest for path in one.keys() & other.keys())


def _whole_numbers(value: object, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], int]]:
    """The whole numbers in a part of a document by where they stand; an entry of a list stands at its texts, or at its position without any."""
    if isinstance(value, Mapping):
        for key, part in value.items():
            yield from _whole_numbers(part, (*path, str(key)))
    elif isinstance(value, list | tuple):
        for place, part in enumerate(value):
            texts = [one for one in part.values() if isinstance(one, str)] if isinstance(part, Mapping) else []
            yield from _whole_numbers(part, (*path, *(texts or [str(place)])))
    elif isinstance(value, int) and not isinstance(value, bool):
        yield path, value
