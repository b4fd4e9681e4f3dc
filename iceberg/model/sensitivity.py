"""Measures how far the answer moves with the assumptions: the ratio, each assumption in turn, the ranks."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from iceberg.cohort.counts import CohortCounts
from iceberg.model.assumptions import Assumptions, SilentRatioPrior
from iceberg.model.results import CredibleInterval, IcebergEstimate

RATIOS = (1.0, 2.0, 5.0, 10.0, 25.0, 50.0, 100.0)
# Enough for a median that a picture shows; the estimate itself uses `Assumptions.draws`.
DRAWS = 400


@dataclass(frozen=True)
class RatioPoint:
    """Silent churn of one category ("" is the total) had the ratio been another."""

    category: str
    ratio: float
    silent_churn: CredibleInterval

    @property
    def row(self) -> dict[str, object]:
        """As a table row: category, ratio, lower, median, upper."""
        held = self.silent_churn
        return {
            "category": self.category,
            "ratio": self.ratio,
            "lower": held.lower,
            "median": held.median,
            "upper": held.upper,
        }


@dataclass(frozen=True)
class TornadoBar:
    """The median total with one assumption at its low and its high end, all others as they are.

    `assumption` is a key under ``evidence.defaults``; `base` is the total as assumed.
    """

    assumption: str
    low_value: float
    high_value: float
    at_low: float
    at_high: float
    base: float

    @property
    def row(self) -> dict[str, object]:
        """As a table row."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}


def ratio_curve(
    counts: CohortCounts,
    *,
    assumptions: Assumptions | None = None,
    ratios: Sequence[float] = RATIOS,
    seed: int = 0,
) -> tuple[RatioPoint, ...]:
    """Silent churn of every category, and in all, had the ratio been another; the same random numbers at every ratio.

    Args:
        counts: As for `estimate_iceberg`.
        assumptions: All others stay; the ratio keeps its relative width.
        ratios: Medians of silent sufferers per vocal customer.
        seed: Of every estimate.
    """
    from iceberg.model.estimate import estimate_iceberg

    held = replace(assumptions or Assumptions(), draws=DRAWS, use_category_priors=False)
    lower, upper = held.ratio.lower / held.ratio.median, held.ratio.upper / held.ratio.median
    points = []
    fit: object | None = None
    for ratio in ratios:
        prior = SilentRatioPrior(ratio, ratio * lower, ratio * upper)
        answer = estimate_iceberg(counts, assumptions=replace(held, ratio=prior), seed=seed, warm=fit)
        fit = answer.fit_state
        points.append(RatioPoint("", ratio, answer.total.silent_churn))
        points += [RatioPoint(one.category, ratio, one.silent_churn) for one in answer.categories]
    return tuple(points)


def tornado(
    counts: CohortCounts,
    *,
    assumptions: Assumptions | None = None,
    seed: int = 0,
) -> tuple[TornadoBar, ...]:
    """The total with one assumption after the other at the ends of its range, widest first.

    Ranges: the 90 % range of the ratio; 60 days to a year for the horizon; 1 to 2 complaints per complainant (only where they are not linked).
    """
    from iceberg.model.estimate import estimate_iceberg

    held = replace(assumptions or Assumptions(), draws=DRAWS)
    first = estimate_iceberg(counts, assumptions=held, seed=seed)
    base = first.total.silent_churn.median

    def total(changed: Assumptions) -> float:
        answer = estimate_iceberg(counts, assumptions=changed, seed=seed, warm=first.fit_state)
        return float(answer.total.silent_churn.median)

    bars = []
    for name, low, high, change in _ranges(counts, held):
        bars.append(TornadoBar(name, low, high, total(change(low)), total(change(high)), base))
    return tuple(sorted(bars, key=lambda bar: -abs(bar.at_high - bar.at_low)))


def _ranges(counts: CohortCounts, assumptions: Assumptions) -> list[tuple[str, float, float, Callable[[float], Assumptions]]]:
    """Name, low, high and how to set each assumption that plays a part."""

    def with_ratio(value: float) -> Assumptions:
        scale = value / assumptions.ratio.median
        return replace(assumptions, ratio=SilentRatioPrior(value, assumptions.ratio.lower * scale, assumptions.ratio.upper * scale))

    ranges: list[tuple[str, float, float, Callable[[float], Assumptions]]] = []
    if not assumptions.use_category_priors:
        ranges.append(("ratio", assumptions.ratio.lower, assumptions.ratio.upper, with_ratio))
    ranges.append(("literal_leavers", 0.0, 1.0, lambda value: replace(assumptions, literal_leavers=bool(value))))
    ranges.append(("use_category_priors", 0.0, 1.0, lambda value: replace(assumptions, use_category_priors=bool(value))))
    if counts.has_linked_complaints:
        ranges.append(("horizon_days", 60.0, 365.0, lambda value: replace(assumptions, horizon_days=round(value))))
    else:
        ranges.append(
            ("complaints_per_complainant", 1.0, 2.0, lambda value: replace(assumptions, complaints_per_complainant=value))
        )
    return ranges


def break_even_ratio(estimate: IcebergEstimate, *, category: str, other: str) -> float | None:
    """The silent ratio of `category` at which the ranking of two categories flips.

    From medians of the joint draws: below its own ratio where it is ahead, above where it is behind.

    Returns:
        Silent leavers per vocal customer of `category`; None where it has no vocal customers.
    """
    by_name = {one.category: one for one in estimate.categories}
    mine, theirs = by_name[category], by_name[other]
    if mine.vocal_customers == 0:
        return None
    return theirs.silent_churn.median / mine.vocal_customers
