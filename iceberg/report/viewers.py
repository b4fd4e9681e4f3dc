"""Coarsens an estimate for viewers: they choose among segments and months in which no cell holds one to four customers.

Every figure a viewer can choose is a sum of these cells, so no two choices differ by a small group (complementary suppression). Small categories are
pooled (`iceberg.report.small_cells`), small segments with the next smallest, and months with their neighbours, until each cell of category by segment
and of category by month counts no customer, or five or more; the same holds for vocal customers of any category and for silent leavers. Where cells
of segment by month are too small, a viewer chooses segments or months, not both. All sums stay, because the joint draws are the same.

The groups are those of the study: every version has the same ones, and a later version only merges them further (`StudyGroups`). So two versions
can be subtracted in these groups and no finer, and `differs_safely` says whether a difference is a small group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from iceberg.arrays import BoolArray, FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.errors import OptionError
from iceberg.locale import Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.results import Draws, EstimateCells, IcebergEstimate, PredictiveCheck
from iceberg.report.small_cells import SMALLEST, Number, pool_small_categories, recorded_customers, small_categories

_NAMED = 3  # segments taken together are named up to here, then counted
_EQUAL = 1e-6  # counts of unlinked complaints are shares: sums of them differ by rounding
_COUNT_ANSWERS = ("incidents_logged", "silent_followed", "survey_asked", "reasons_")  # of the reasons for the evidence level
Groups = tuple[tuple[int, ...], ...]
Reasons = tuple[tuple[str, dict[str, object]], ...]


@dataclass(frozen=True)
class StudyGroups:
    """What is taken together for viewers in every version of a study. Names and months that stand in no group are alone.

    Attributes:
        pooled: Small categories.
        segments: Names of each group of segments.
        months: First and last month of each period.
        both: Whether segments and months may be chosen at the same time.
    """

    pooled: tuple[str, ...] = ()
    segments: tuple[tuple[str, ...], ...] = ()
    months: tuple[tuple[date, date], ...] = ()
    both: bool = True

    def to_dict(self) -> dict[str, Any]:
        """As JSON."""
        months = [[first.isoformat(), last.isoformat()] for first, last in self.months]
        return {"pooled": list(self.pooled), "segments": [list(group) for group in self.segments], "months": months, "both": self.both}

    @classmethod
    def from_dict(cls, document: Mapping[str, Any]) -> StudyGroups:
        """From `to_dict`; an empty document has no group."""
        months = ((date.fromisoformat(first), date.fromisoformat(last)) for first, last in document.get("months", ()))
        segments = tuple(tuple(group) for group in document.get("segments", ()))
        return cls(tuple(document.get("pooled", ())), segments, tuple(months), bool(document.get("both", True)))


@dataclass(frozen=True, eq=False)
class CountedCells:
    """The cells of one version whose counts a viewer may see as sums.

    Attributes:
        categories, segments, months: Names of the axes.
        counted: (C + 2, S, M) vocal customers of each category and of any, and silent leavers.
        levels: Of each segment, its level in the first segment column; empty where segments come from one column.
    """

    categories: tuple[str, ...]
    segments: tuple[str, ...]
    months: tuple[date, ...]
    counted: FloatArray
    levels: tuple[str, ...] = ()


def merge_groups(groups: StudyGroups, version: CountedCells, *, smallest: int = SMALLEST) -> StudyGroups:
    """The groups with as much more taken together as this version needs; what is together stays so."""
    heard = dict(zip(version.categories, version.counted[:-2].sum(axis=(1, 2)), strict=True))
    pooled = small_categories(heard, smallest=smallest, pooled=groups.pooled)
    everyone = {*groups.pooled, *pooled}
    counted = _pooled_rows(version, everyone)
    segments = _merge_smallest(counted.sum(axis=2), smallest, _segment_groups(version.segments, groups), version.levels)
    months = _merge_neighbours(counted.sum(axis=1), smallest, _month_groups(version.months, groups))
    joined = [{version.segments[place] for place in group} for group in segments]
    for group in groups.segments:  # with the names that this version lacks
        joined = _with_group(joined, set(group))
    spans = [(version.months[group[0]], version.months[group[-1]]) for group in months]
    return StudyGroups(
        pooled=tuple(sorted(everyone)),
        segments=tuple(sorted(tuple(sorted(group)) for group in joined if len(group) > 1)),
        months=_joined_spans([*groups.months, *(span for span in spans if span[0] < span[1])]),
        both=groups.both and not _too_small(_gather_groups(counted, segments, months), smallest).any(),
    )


def _with_group(groups: list[set[str]], group: set[str]) -> list[set[str]]:
    """The groups with `group`, joined with every one that shares a name with it."""
    apart = [one for one in groups if not one & group]
    return [*apart, group.union(*(one for one in groups if one & group))]


def _joined_spans(spans: Sequence[tuple[date, date]]) -> tuple[tuple[date, date], ...]:
    """Periods that overlap become one."""
    joined: list[tuple[date, date]] = []
    for first, last in sorted(spans):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(last, joined[-1][1]))
        else:
            joined.append((first, last))
    return tuple(joined)


def differs_safely(first: CountedCells, second: CountedCells, groups: StudyGroups, *, smallest: int = SMALLEST) -> bool:
    """Whether no difference of two versions, in any cell of `groups`, is of one to `smallest` - 1 customers."""
    one, other = (_named_sums(version, groups) for version in (first, second))
    differences = np.array([abs(one.get(key, 0.0) - other.get(key, 0.0)) for key in one.keys() | other.keys()])
    return not ((differences > _EQUAL) & (differences < smallest - _EQUAL)).any()


def _named_sums(version: CountedCells, groups: StudyGroups) -> dict[tuple[object, ...], float]:
    """The sums that a viewer may see, by names that both versions have; zeros left out."""
    segments, months = _segment_groups(version.segments, groups), _month_groups(version.months, groups)
    cells = _gather_groups(_pooled_rows(version, groups.pooled), segments, months)
    rows: list[object] = [*(name for name in version.categories if name not in groups.pooled), 0, 1, 2]  # the pool, any category, the leavers
    named = {name: group for group in groups.segments for name in group}
    columns = [named.get(version.segments[group[0]], (version.segments[group[0]],)) for group in segments]
    spans = [next((span for span in groups.months if span[0] <= version.months[group[0]] <= span[1]), version.months[group[0]]) for group in months]
    sums: list[tuple[tuple[object, ...], float]] = [((row,), cells[place].sum()) for place, row in enumerate(rows)]
    sums += [((row, "in", column), cells[place, at].sum()) for place, row in enumerate(rows) for at, column in enumerate(columns)]
    sums += [((row, "during", span), cells[place, :, at].sum()) for place, row in enumerate(rows) for at, span in enumerate(spans)]
    if groups.both:
        every = ((place, at, when) for place in range(len(rows)) for at in range(len(columns)) for when in range(len(spans)))
        sums += [((rows[place], columns[at], spans[when]), cells[place, at, when]) for place, at, when in every]
    return {key: float(value) for key, value in sums if value}


def _pooled_rows(version: CountedCells, pooled: Sequence[str] | set[str]) -> FloatArray:
    """(C + 3, S, M) the categories that are alone, the sum of the pooled ones, any category, the leavers."""
    inside = np.array([name in pooled for name in version.categories], dtype=bool)
    rows = version.counted[:-2]
    return np.concatenate([rows[~inside], rows[inside].sum(axis=0)[None], version.counted[-2:]])


def _segment_groups(names: Sequence[str], groups: StudyGroups) -> Groups:
    """Positions of the segments that are taken together, the others alone."""
    known = {name: place for place, group in enumerate(groups.segments) for name in group}
    gathered: dict[object, list[int]] = {}
    for place, name in enumerate(names):
        gathered.setdefault(known.get(name, name), []).append(place)
    return tuple(sorted(tuple(group) for group in gathered.values()))


def _month_groups(months: Sequence[date], groups: StudyGroups) -> Groups:
    """Positions of the months of each period, the others alone."""
    gathered: dict[object, list[int]] = {}
    for place, month in enumerate(months):
        gathered.setdefault(next((span for span in groups.months if span[0] <= month <= span[1]), month), []).append(place)
    return tuple(sorted(tuple(group) for group in gathered.values()))


def _gather_groups(counted: FloatArray, segments: Groups, months: Groups) -> FloatArray:
    return _summed(_summed(counted, segments, axis=1), months, axis=2)


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
        groups: Those of the study.
        segment_columns, segment_levels: As of `EstimateCells`; levels that share a group of segments are one.
    """

    categories: tuple[str, ...]
    segments: tuple[str, ...]
    months: tuple[date, ...]
    last_months: tuple[date, ...]
    both: bool
    segment_groups: Groups
    month_groups: Groups
    groups: StudyGroups = field(default_factory=StudyGroups)
    segment_columns: tuple[str, ...] = ()
    segment_levels: tuple[tuple[str, ...], ...] = ()


def veil_estimate(
    estimate: IcebergEstimate, words: Translator, *, groups: StudyGroups | None = None, smallest: int = SMALLEST
) -> tuple[IcebergEstimate, ViewerAxes]:
    """The estimate for a viewer, and the axes of its cells.

    Args:
        estimate: The whole one.
        words: Of the reader.
        groups: Those of the study, with which this version was merged; None makes those that this estimate alone needs.
        smallest: No count is smaller.

    Raises:
        OptionError: ``too_few_to_show`` where all customers together are a small group.
    """
    vocal, leavers = recorded_customers(estimate, estimate.total.vocal_customers), estimate.silent_leavers
    if 0 < vocal < smallest or 0 < leavers < smallest:
        raise OptionError("too_few_to_show", {"smallest": smallest})
    if estimate.cells is None:
        raise ValueError("this estimate holds no cells: segments and months are unknown")
    groups = groups or merge_groups(StudyGroups(), counted_cells(estimate.cells), smallest=smallest)
    pooled = pool_small_categories(estimate, words, smallest=smallest, pooled=groups.pooled)
    cells = pooled.cells
    assert cells is not None  # noqa: S101  # as before
    axes = _axes(cells, groups)
    remarks = tuple(one for one in pooled.diagnostics if not any(_is_small(value, smallest) for value in one.values.values()))
    evidence = replace(pooled.evidence, reasons=_without_counts(pooled.evidence.reasons))
    checks = tuple(_in_steps(check, smallest) for check in pooled.checks)
    return replace(_coarser(pooled, cells, axes), diagnostics=remarks, evidence=evidence, checks=checks), axes


def _in_steps(check: PredictiveCheck, step: int) -> PredictiveCheck:
    """The check with observed counts in whole steps: its places are finer than a viewer's choices, and could be subtracted between versions."""
    return replace(check, points=tuple(replace(point, observed=float(step * round(point.observed / step))) for point in check.points))


def _without_counts(reasons: Reasons) -> Reasons:
    """The reasons for the evidence level with one sentence in place of those that count the answers of a log or a survey: few, and other people."""
    kept = tuple(reason for reason in reasons if not reason[0].startswith(_COUNT_ANSWERS))
    return kept if len(kept) == len(reasons) else (*kept, ("measured", {}))


def cells_of_counts(counts: CohortCounts, assumptions: Assumptions) -> CountedCells:
    """The same cells without an estimate."""
    from iceberg.model.estimate import vocal_customers  # brings the estimator, which a first visit does not need

    vocal, vocal_any = vocal_customers(counts, assumptions)
    leavers = counts.silent_exits.sum(axis=2).astype(np.float64)
    counted = np.concatenate([vocal, vocal_any[None], leavers[None]])
    return CountedCells(counts.categories, counts.segments, counts.months, counted, tuple(levels[0] for levels in counts.segment_levels))


def without_beside(counts: CohortCounts) -> CohortCounts:
    """The counts without those that stand beside the estimate (`iceberg.report.small_cells.BESIDE`); no estimate depends on them."""
    return replace(counts, scores=None, positives=None, journey=None, service=None, spheres=None, audit=None, rhythms=())


def counted_cells(cells: EstimateCells) -> CountedCells:
    """The counts of an estimate's cells."""
    counted = np.concatenate([cells.vocal / cells.inflated, cells.vocal_any[None] / cells.inflated, cells.leavers[None]])
    return CountedCells(cells.categories, cells.segments, cells.months, counted, tuple(levels[0] for levels in cells.segment_levels))


def _axes(cells: EstimateCells, groups: StudyGroups) -> ViewerAxes:
    segments, months = _segment_groups(cells.segments, groups), _month_groups(cells.months, groups)
    return ViewerAxes(
        categories=cells.categories,
        segments=_names(cells.segments, segments),
        months=tuple(cells.months[group[0]] for group in months),
        last_months=tuple(cells.months[group[-1]] for group in months),
        both=groups.both,
        segment_groups=segments,
        month_groups=months,
        groups=groups,
        segment_columns=cells.segment_columns,
        segment_levels=_levels(cells, segments),
    )


def _too_small(counted: FloatArray, smallest: int) -> BoolArray:
    return np.asarray((counted > 0) & (counted < smallest))


def _merge_smallest(counted: FloatArray, smallest: int, start: Groups, levels: Sequence[str]) -> Groups:
    """Groups of the second axis, from `start` on: the smallest of those that hold a small cell joins the next smallest of its level, else of all."""
    groups = list(start)
    while len(groups) > 1:
        sums = np.stack([counted[:, list(group)].sum(axis=1) for group in groups], axis=1)
        wrong = np.flatnonzero(_too_small(sums, smallest).any(axis=0))
        if not wrong.size:
            break
        by_size = sorted(range(len(groups)), key=lambda place: (sums[:, place].sum(), groups[place]))
        first = next(place for place in by_size if place in wrong)
        others = [place for place in by_size if place != first]
        second = next((place for place in others if levels and _share_level(levels, groups[first], groups[place])), others[0])
        joined = tuple(sorted(groups[first] + groups[second]))
        groups = sorted([*(group for place, group in enumerate(groups) if place not in (first, second)), joined])
    return tuple(groups)


def _share_level(levels: Sequence[str], one: tuple[int, ...], other: tuple[int, ...]) -> bool:
    return bool({levels[place] for place in one} & {levels[place] for place in other})


def _merge_neighbours(counted: FloatArray, smallest: int, start: Groups) -> Groups:
    """Groups of consecutive positions, from `start` on, each as short as possible without a small cell."""
    groups: list[tuple[int, ...]] = []
    gathered: tuple[int, ...] = ()
    for group in start:
        gathered += group
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
        labels.append(_joined_name([names[place] or "–" for place in group] if len(group) > 1 else [names[place] for place in group]))
    return tuple(name if labels.count(name) == 1 else f"{name} ({place + 1})" for place, name in enumerate(labels))


def _joined_name(names: Sequence[str]) -> str:
    rest = f" + {len(names) - _NAMED}" if len(names) > _NAMED else ""
    return " + ".join(names[:_NAMED]) + rest


def _coarser(estimate: IcebergEstimate, cells: EstimateCells, axes: ViewerAxes) -> IcebergEstimate:
    draws = estimate.draws
    held = replace(
        cells,
        segments=axes.segments,
        segment_levels=axes.segment_levels,
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
        None if draws.placebo is None else _gather(draws.placebo, axes),
        None if draws.explained is None else _gather(draws.explained, axes),
    )
    return replace(estimate, draws=gathered, cells=held, fit_state=None)


def _levels(cells: EstimateCells, groups: Groups) -> tuple[tuple[str, ...], ...]:
    """Of every group of segments, its level in each segment column; levels that share a group are one, so that no sum is finer than the groups."""
    columns = []
    for place in range(len(cells.segment_columns)):
        joined: list[set[str]] = []
        for group in groups:
            joined = _with_group(joined, {cells.segment_levels[segment][place] for segment in group})
        names = {level: _joined_name(sorted(one)) for one in joined for level in one}
        columns.append([names[cells.segment_levels[group[0]][place]] for group in groups])
    return tuple(zip(*columns, strict=True))


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
