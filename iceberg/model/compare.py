"""Compares two periods or two studies: did the silent churn of a category fall, beyond noise?

Two periods, or two segments, of one study come from the same joint draws: what is uncertain about both (the ratio, above all) cancels in their
difference. Two studies were fitted apart: their draws are independent, and the difference is as uncertain as both together.

Counts of unequal periods do not compare, so each is a rate: silent leavers per 1,000 customers at risk and month. That of a draw with H leavers in E
thousand customer-months is drawn from its Gamma(H + 1/2, E) posterior (Jeffreys): who happens to leave is chance, even where nothing changed. The
probability of a fall allows for what no draw knows, an error of the model that one period has and the other has not.

References:
    Jeffreys (1946), Proc. R. Soc. A 186; Gelman et al. (2013), Bayesian Data Analysis, section 2.6 (Poisson rates with exposure).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, Literal

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.errors import OptionError
from iceberg.model.evidence import cannot_say
from iceberg.model.priors import PERIOD_ERROR_LOG_SD
from iceberg.model.results import CredibleInterval, IcebergEstimate

Months = tuple[date, date]
Basis = Literal["customer_months", "customers", "months"]
Direction = Literal["fell", "probably_fell", "open", "probably_rose", "rose"]
DAYS_PER_MONTH = 365.25 / 12
CLEAR = 0.95  # a central 90 % interval of the difference leaves 5 % on either side
LIKELY = 0.8  # judgement: four to one is worth saying, not worth deciding on alone
_STREAM = 1_946  # keeps these random numbers apart from those of the estimate


@dataclass(frozen=True)
class Difference:
    """One category, or the whole company, before and after.

    Attributes:
        category: Name, or None for all together.
        vocal_before, vocal_after: Complainants, as observed.
        before, after: Silent churn inside each period, customers.
        change: `after` - `before`, customers; periods of unequal length do not compare this way.
        rate_before, rate_after: Silent churn per unit of exposure (`Comparison.basis`).
        rate_change: `rate_after` - `rate_before`.
        kept: Customers kept: what the rate before would have cost in the later period, less what it cost.
        probability_fell: Probability that the rate after is below the rate before.
    """

    category: str | None
    vocal_before: int
    vocal_after: int
    before: CredibleInterval
    after: CredibleInterval
    change: CredibleInterval
    rate_before: CredibleInterval
    rate_after: CredibleInterval
    rate_change: CredibleInterval
    kept: CredibleInterval
    probability_fell: float

    @property
    def verdict(self) -> Direction:
        """The conclusion that the probability supports."""
        if self.probability_fell >= CLEAR:
            return "fell"
        if self.probability_fell >= LIKELY:
            return "probably_fell"
        if self.probability_fell <= 1 - CLEAR:
            return "rose"
        return "probably_rose" if self.probability_fell <= 1 - LIKELY else "open"


@dataclass(frozen=True)
class Remark:
    """A remark about a comparison; its sentence is ``compare.remarks.<code>``. `values` are what the sentence names."""

    code: str
    severity: Literal["info", "caution", "warning"]
    values: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Comparison:
    """Two periods or two studies side by side.

    Attributes:
        total: All categories together.
        categories: Those in both, in the order of the later one.
        basis: What a rate is per: ``customer_months`` (1,000 customers at risk and month), ``customers`` (1,000 customers of a sheet without dates),
            ``months`` (a month: volumes alone hold no customers).
        exposure_before, exposure_after: In units of `basis`.
        months_before, months_after: First and last month; None without dates.
        joint: Whether both come from the same joint draws.
        level: Evidence level of the later one.
        remarks: What to know first; sentences under ``compare.remarks``.
    """

    total: Difference
    categories: tuple[Difference, ...]
    basis: Basis
    exposure_before: float
    exposure_after: float
    months_before: Months | None
    months_after: Months | None
    joint: bool
    level: str
    remarks: tuple[Remark, ...] = ()


@dataclass(frozen=True, eq=False)
class _Side:
    """One of the two: (K, C) draws of customers, complainants per category and of all, exposure."""

    churn: FloatArray
    vocal: FloatArray
    vocal_any: float
    exposure: float


def compare_periods(estimate: IcebergEstimate, counts: CohortCounts, *, before: Months, after: Months) -> Comparison:
    """Two periods of one study, from the same joint draws.

    Args:
        estimate: Of the whole window.
        counts: The counts it was made from.
        before: First and last month of the earlier period (any day of them).
        after: The same of the later one.

    Raises:
        OptionError: ``compare_no_range``, ``compare_no_dates``, ``compare_month_outside`` or ``compare_overlap``.
    """
    _refuse_without_range(estimate)
    cells = estimate.cells
    if cells is None or not cells.has_calendar:
        raise OptionError("compare_no_dates")
    places = [month_places(cells.months, period) for period in (before, after)]
    if set(places[0]) & set(places[1]):
        raise OptionError("compare_overlap")
    basis = basis_of(counts)
    sides = [
        _Side(
            _summed(estimate, months),
            cells.vocal[:, :, months].sum(axis=(1, 2)),
            float(cells.vocal_any[:, months].sum()),
            exposure_of(counts, basis, months),
        )
        for months in places
    ]
    remarks = [Remark("shared_ratio", "info")]
    if any(counts.has_customers and side.exposure <= 0 for side in sides):
        raise OptionError("compare_nobody")
    if not estimate.evidence.level.corrects_ratio:
        remarks.insert(0, Remark("level_too_low", "warning", {"level": estimate.evidence.level}))
    shown = [(cells.months[months[0]], cells.months[months[-1]]) for months in places]
    differences = _differences(cells.categories, sides[0], sides[1], estimate.seed)
    return _comparison(differences, basis, sides, shown, joint=True, level=estimate.evidence.level, remarks=remarks)


def compare_studies(before: IcebergEstimate, before_counts: CohortCounts, after: IcebergEstimate, after_counts: CohortCounts) -> Comparison:
    """Two studies, fitted apart; categories are matched by name.

    Raises:
        OptionError: ``compare_no_range``, ``compare_basis`` where one study knows customers or dates and the other does not,
            ``compare_nothing_shared``.
    """
    _refuse_without_range(before, after)
    basis = basis_of(after_counts)
    if basis_of(before_counts) != basis:
        raise OptionError("compare_basis")
    names = [name for name in _names(after) if name in _names(before)]
    if not names:
        raise OptionError("compare_nothing_shared")
    # Two fits with one seed share random numbers: shuffling makes draw k of one independent of draw k of the other.
    rng = np.random.default_rng([before.seed, after.seed, _STREAM])
    number = min(len(before.draws.silent_churn), len(after.draws.silent_churn))
    sides = [
        _Side(
            _summed(study, None)[rng.permutation(len(study.draws.silent_churn))[:number]],
            np.array([item.vocal_customers for item in study.categories], dtype=np.float64),
            float(study.total.vocal_customers),
            exposure_of(counts, basis, None),
        )
        for study, counts in ((before, before_counts), (after, after_counts))
    ]
    places = [[_names(study).index(name) for name in names] for study in (before, after)]
    differences = _differences(names, sides[0], sides[1], after.seed, places=places)
    months = [(counts.months[0], counts.months[-1]) if counts.has_calendar else None for counts in (before_counts, after_counts)]
    remarks = _study_remarks(before, before_counts, after, after_counts, names)
    return _comparison(differences, basis, sides, months, joint=False, level=after.evidence.level, remarks=remarks)


def compare_segments(
    estimate: IcebergEstimate, first: Sequence[int], second: Sequence[int], *, exposures: tuple[float, float]
) -> tuple[Difference, ...]:
    """Two groups of segments in the same months, from the same joint draws: `before` is the second group, `after` the first.

    `kept` is then the customers whom the first group would have kept at the second's rate, counted negative where the first loses more.

    Args:
        estimate: Whole, or a selection, with cells.
        first: Positions of its segments.
        second: Positions of the segments it is set against.
        exposures: Thousand customers at risk and months, of the first and the second.

    Returns:
        All categories together, then each category in the order of the estimate.

    Raises:
        OptionError: ``compare_no_range``, or ``compare_nobody`` where a group holds no customer-months.
    """
    _refuse_without_range(estimate)
    cells = estimate.cells
    if cells is None or min(exposures) <= 0:
        raise OptionError("compare_nobody")
    sides = [
        _Side(
            np.asarray(estimate.draws.silent_churn[:, :, list(places)].sum(axis=(2, 3), dtype=np.float64), dtype=np.float64),
            cells.vocal[:, list(places)].sum(axis=(1, 2)),
            float(cells.vocal_any[list(places)].sum()),
            exposure,
        )
        for places, exposure in zip((first, second), exposures, strict=True)
    ]
    return tuple(_differences(cells.categories, sides[1], sides[0], estimate.seed))


def rate_draws(estimate: IcebergEstimate, counts: CohortCounts, *, category: str | None = None) -> FloatArray:
    """(K,) silent churn per unit of exposure in the whole window: who happens to leave is chance, as in a comparison.

    Raises:
        KeyError: When the estimate has no such category.
    """
    summed = _summed(estimate, None)
    if category is not None and category not in _names(estimate):
        raise KeyError(category)
    customers = summed.sum(axis=1) if category is None else summed[:, _names(estimate).index(category)]
    rng = np.random.default_rng([estimate.seed, _STREAM])
    draws: FloatArray = rng.standard_gamma(np.maximum(customers, 0.0) + 0.5) / exposure_of(counts, basis_of(counts), None)
    return draws


def _comparison(
    differences: list[Difference],
    basis: Basis,
    sides: Sequence[_Side],
    months: Sequence[Months | None],
    *,
    joint: bool,
    level: str,
    remarks: Sequence[Remark],
) -> Comparison:
    return Comparison(
        total=differences[0],
        categories=tuple(differences[1:]),
        basis=basis,
        exposure_before=sides[0].exposure,
        exposure_after=sides[1].exposure,
        months_before=months[0],
        months_after=months[1],
        joint=joint,
        level=level,
        remarks=tuple(remarks),
    )


def _refuse_without_range(*estimates: IcebergEstimate) -> None:
    if any(cannot_say(one) for one in estimates):
        raise OptionError("compare_no_range")


def _names(estimate: IcebergEstimate) -> list[str]:
    return [item.category for item in estimate.categories]


def month_places(months: Sequence[date], period: Months) -> list[int]:
    """Positions of the months of a period, whole inside the months counted.

    Raises:
        OptionError: ``compare_month_outside``.
    """
    first, last = (day.replace(day=1) for day in period)
    places = [place for place, month in enumerate(months) if first <= month <= last]
    if first > last or not places or first < months[0] or last > months[-1]:
        known = {"first": f"{months[0]:%Y-%m}", "last": f"{months[-1]:%Y-%m}"}
        raise OptionError("compare_month_outside", known | {"value": f"{first:%Y-%m}:{last:%Y-%m}"})
    return places


def _summed(estimate: IcebergEstimate, months: list[int] | None) -> FloatArray:
    """(K, C) customers, added in double precision."""
    draws = estimate.draws.silent_churn
    chosen = draws if months is None else draws[:, :, :, months]
    return np.asarray(chosen.sum(axis=(2, 3), dtype=np.float64), dtype=np.float64)


def basis_of(counts: CohortCounts) -> Basis:
    """What a rate of these counts is per."""
    if not counts.has_customers:
        return "months"
    return "customer_months" if counts.has_calendar else "customers"


def exposure_of(counts: CohortCounts, basis: Basis, months: list[int] | None, *, segments: Sequence[int] | None = None) -> float:
    """Thousand customer-months (or customers) that could still leave in silence, of all or some segments; months where customers are not counted."""
    if basis == "months":
        return counts.window.days / DAYS_PER_MONTH if months is None else _covered_days(counts, months) / DAYS_PER_MONTH
    chosen = counts.silent_person_days if segments is None else counts.silent_person_days[list(segments)]
    days = chosen.sum(axis=(0, 2)).astype(np.float64)
    at_risk = float(days.sum() if months is None else days[months].sum())
    return at_risk / 1000 / (DAYS_PER_MONTH if basis == "customer_months" else 1.0)


def _covered_days(counts: CohortCounts, months: list[int]) -> float:
    """Days of these months that lie inside the window."""
    starts = [*counts.months, date(counts.months[-1].year + counts.months[-1].month // 12, counts.months[-1].month % 12 + 1, 1)]
    since, until = counts.window.since.toordinal(), counts.window.as_of.toordinal() + 1
    return float(sum(min(starts[place + 1].toordinal(), until) - max(starts[place].toordinal(), since) for place in months))


def _differences(
    names: Sequence[str], before: _Side, after: _Side, seed: int, *, places: Sequence[Sequence[int]] | None = None
) -> list[Difference]:
    """The whole company, then each category."""
    own, other = places or (range(len(names)), range(len(names)))
    rows = [_difference(None, before.churn.sum(1), after.churn.sum(1), (before, after), (before.vocal_any, after.vocal_any), seed)]
    for name, first, second in zip(names, own, other, strict=True):
        heard = (float(before.vocal[first]), float(after.vocal[second]))
        rows.append(_difference(name, before.churn[:, first], after.churn[:, second], (before, after), heard, seed))
    return rows


def _difference(
    category: str | None, before: FloatArray, after: FloatArray, sides: tuple[_Side, _Side], vocal: tuple[float, float], seed: int
) -> Difference:
    rng = np.random.default_rng([seed, _STREAM])  # the same for each category: their order and names change nothing
    rate_before, rate_after = (
        rng.standard_gamma(np.maximum(customers, 0.0) + 0.5) / side.exposure for customers, side in zip((before, after), sides, strict=True)
    )
    return Difference(
        category=category,
        vocal_before=round(vocal[0]),
        vocal_after=round(vocal[1]),
        before=CredibleInterval.of(before),
        after=CredibleInterval.of(after),
        change=CredibleInterval.of(after - before),
        rate_before=CredibleInterval.of(rate_before),
        rate_after=CredibleInterval.of(rate_after),
        rate_change=CredibleInterval.of(rate_after - rate_before),
        kept=CredibleInterval.of((rate_before - rate_after) * sides[1].exposure),
        probability_fell=float((rate_after * np.exp(PERIOD_ERROR_LOG_SD * rng.standard_normal(len(rate_after))) < rate_before).mean()),
    )


def _study_remarks(
    before: IcebergEstimate, before_counts: CohortCounts, after: IcebergEstimate, after_counts: CohortCounts, shared: Sequence[str]
) -> list[Remark]:
    """What keeps two studies from being comparable, gravest first."""
    remarks = []
    if before.counts_digest == after.counts_digest:
        remarks.append(Remark("same_counts", "warning"))
    elif before_counts.has_calendar and after_counts.has_calendar:
        days = (min(before_counts.window.as_of, after_counts.window.as_of) - max(before_counts.window.since, after_counts.window.since)).days + 1
        if days > 0:
            remarks.append(Remark("windows_overlap", "warning", {"days": days}))
    if before.evidence.level != after.evidence.level:
        remarks.append(Remark("levels_differ", "caution", {"before": before.evidence.level, "after": after.evidence.level}))
    lowest = min(before.evidence.level, after.evidence.level, key=lambda level: level.rank)
    if not lowest.corrects_ratio:
        remarks.append(Remark("level_too_low", "warning", {"level": lowest}))
    moved = [one.name for one in fields(before.assumptions) if getattr(before.assumptions, one.name) != getattr(after.assumptions, one.name)]
    if moved:
        remarks.append(Remark("assumptions_differ", "caution", {"names": tuple(moved)}))
    for study, code in ((before, "only_before"), (after, "only_after")):
        alone = [name for name in _names(study) if name not in shared]
        if alone:
            remarks.append(Remark(code, "caution", {"categories": tuple(alone)}))
    return [*remarks, Remark("independent_draws", "info")]
