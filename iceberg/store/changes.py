"""Explains what changed between two versions of a study: the data, the assumptions or the method, and how much each contributed.

Three estimates are compared in turn: the earlier counts under today's method, the later counts under the earlier assumptions, and the later version.
The difference of two of them is taken draw by draw, so it has an interval. A changed method is described by its two answers about the same counts,
because they do not differ by chance.
"""

from __future__ import annotations

from dataclasses import dataclass, fields

import numpy as np

from iceberg.errors import OptionError
from iceberg.model.assumptions import Assumptions
from iceberg.model.compare import Comparison, compare_studies
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.results import CredibleInterval, IcebergEstimate
from iceberg.store.packed_fit import open_fit
from iceberg.store.studies import StoredVersion, VersionEntry


@dataclass(frozen=True)
class Cause:
    """One of the three causes of a change: data, assumptions, method.

    Attributes:
        moved: Whether the versions differ in it.
        effect: Its effect on the silent churn, in customers; None where it did not move, and for the method.
        facts: The differences: code, value before, value after.
        answers: Of the method: the answers of the earlier and of today's method about the earlier data and assumptions. Their difference has no
            interval, because it is not due to chance.
    """

    moved: bool
    effect: CredibleInterval | None = None
    facts: tuple[tuple[str, object, object], ...] = ()
    answers: tuple[CredibleInterval, CredibleInterval] | None = None


@dataclass(frozen=True)
class Change:
    """What moved between two versions.

    Attributes:
        before, after: Silent churn of all categories.
        difference: After minus before, from their draws; both under today's method.
        probability_fell: That there is less silent churn in the later version; draws with equal numbers count half.
        rates: Both as rates, where their windows differ in length and totals do not compare; else None.
        data, assumptions, method: The causes; their effects add up to the difference of the medians only about, because each has its own noise.
    """

    before: CredibleInterval
    after: CredibleInterval
    difference: CredibleInterval
    probability_fell: float
    data: Cause
    assumptions: Cause
    method: Cause
    rates: Comparison | None = None


def explain_change(before: StoredVersion, after: StoredVersion) -> Change:
    """Explain the change from `before` to `after`. It takes a fit where data and assumptions both moved, or the method did."""
    was, now = before.entry, after.entry
    same_method = was.method_digest == now.method_digest and before.estimate is not None
    same_data = was.counts_digest == now.counts_digest
    same_assumptions = was.assumptions == now.assumptions and was.seed == now.seed
    first = before.estimate if before.estimate is not None else _estimate(before, was.assumptions)
    last = after.estimate if after.estimate is not None else _estimate(after, now.assumptions)
    middle = last
    if same_data:
        middle = first
    elif not same_assumptions:
        middle = _estimate(after, was.assumptions, warm=open_fit(last))
    published_before, published_after = _published(was), _published(now)
    answers = None if same_method else (published_before, CredibleInterval.of(_total(first)))
    return Change(
        before=published_before,
        after=published_after,
        difference=_difference(first, last),
        probability_fell=_fell(first, last),
        data=Cause(not same_data, None if same_data else _difference(first, middle), _data_facts(was, now)),
        assumptions=Cause(
            not same_assumptions, None if same_assumptions else _difference(middle, last), _assumption_facts(was.assumptions, now.assumptions)
        ),
        method=Cause(not same_method, None, _method_facts(was, now), answers),
        rates=_rates(first, before, last, after),
    )


def _rates(first: IcebergEstimate, before: StoredVersion, last: IcebergEstimate, after: StoredVersion) -> Comparison | None:
    """Both versions per customer and month, where one window is longer than the other."""
    if not (before.counts.has_calendar and after.counts.has_calendar) or len(before.counts.months) == len(after.counts.months):
        return None
    try:
        return compare_studies(first, before.counts, last, after.counts)
    except OptionError:  # nothing shared, or one of them gives no range
        return None


def _estimate(version: StoredVersion, assumptions: Assumptions, *, warm: object | None = None) -> IcebergEstimate:
    return estimate_iceberg(version.counts, assumptions=assumptions, seed=version.entry.seed, warm=warm)


def _total(estimate: IcebergEstimate) -> np.ndarray:
    return np.asarray(estimate.draws.silent_churn.sum(axis=(1, 2, 3), dtype=np.float64))


def _paired_totals(first: IcebergEstimate, last: IcebergEstimate) -> tuple[np.ndarray, np.ndarray]:
    before, after = _total(first), _total(last)
    size = min(len(before), len(after))
    return before[:size], after[:size]


def _difference(first: IcebergEstimate, last: IcebergEstimate) -> CredibleInterval:
    """Draw by draw; the draws of different counts are independent, those of the same counts and seed are joint."""
    before, after = _paired_totals(first, last)
    return CredibleInterval.of(after - before)


def _fell(first: IcebergEstimate, last: IcebergEstimate) -> float:
    """The probability of a fall. Draws of the same counts are often equal; half of them count as a fall."""
    before, after = _paired_totals(first, last)
    return float((after < before).mean() + (after == before).mean() / 2)


def _published(entry: VersionEntry) -> CredibleInterval:
    churn = entry.summary["total"]["silent_churn"]
    return CredibleInterval(float(churn["lower"]), float(churn["median"]), float(churn["upper"]))


def _data_facts(was: VersionEntry, now: VersionEntry) -> tuple[tuple[str, object, object], ...]:
    facts: list[tuple[str, object, object]] = []
    if (was.since, was.as_of) != (now.since, now.as_of):
        facts.append(("window", (was.since, was.as_of), (now.since, now.as_of)))
    names = [tuple(file.name for file in entry.sources) for entry in (was, now)]
    if names[0] != names[1]:
        facts.append(("files", ", ".join(names[0]), ", ".join(names[1])))
    elif [file.sha256 for file in was.sources] != [file.sha256 for file in now.sources]:
        facts.append(("content", ", ".join(names[0]), ", ".join(names[1])))
    for name, old, new in (
        ("vocal_customers", was.summary["total"], now.summary["total"]),
        ("silent_leavers", was.summary, now.summary),
    ):
        if old[name] != new[name]:
            facts.append((name, old[name], new[name]))
    if was.mapping != now.mapping:
        facts.append(("mapping", "", ""))
    return tuple(facts)


def _assumption_facts(was: Assumptions, now: Assumptions) -> tuple[tuple[str, object, object], ...]:
    return tuple(
        (one.name, getattr(was, one.name), getattr(now, one.name)) for one in fields(Assumptions) if getattr(was, one.name) != getattr(now, one.name)
    )


def _method_facts(was: VersionEntry, now: VersionEntry) -> tuple[tuple[str, object, object], ...]:
    if was.method_digest == now.method_digest:
        return ()
    return (("product", was.product_version, now.product_version),)
