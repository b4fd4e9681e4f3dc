"""Two periods from the same draws, two studies from independent ones; rates per exposure; probability that it fell."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from iceberg.cohort.window import ObservationWindow
from iceberg.errors import OptionError
from iceberg.model.assumptions import Assumptions
from iceberg.model.compare import DAYS_PER_MONTH, Comparison, compare_periods, compare_studies
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.results import IcebergEstimate
from iceberg.simulation.company import simulate_company
from iceberg.simulation.worlds import WARM_UP_MONTHS, CompanyTruth, mixed
from tests.report.examples import example_counts, example_estimate

FIRST, TURN, SECOND, LAST = date(2024, 7, 1), date(2025, 6, 1), date(2025, 7, 1), date(2026, 6, 1)


def halved(estimate: IcebergEstimate, category: int, factor: float) -> IcebergEstimate:
    """The estimate with one category's silent churn of the second year multiplied."""
    churn = estimate.draws.silent_churn.copy()
    churn[:, category, :, 12:] *= factor
    return replace(estimate, draws=replace(estimate.draws, silent_churn=churn))


def compared(factor: float = 1.0) -> Comparison:
    estimate, counts = halved(example_estimate(), 2, factor), example_counts()
    return compare_periods(estimate, counts, before=(FIRST, TURN), after=(SECOND, LAST))


def test_a_category_that_was_halved_fell_and_the_others_did_not() -> None:
    whole, half = compared(1.0), compared(0.5)
    assert half.categories[2].probability_fell > 0.99 and half.categories[2].verdict == "fell"
    assert half.categories[2].rate_change.upper < 0 < half.categories[2].kept.lower
    assert [one.probability_fell for one in half.categories if one is not half.categories[2]] == [
        one.probability_fell for one in whole.categories if one.category != half.categories[2].category
    ]


def test_both_periods_come_from_the_same_draws() -> None:
    """The ratio is uncertain but common: the change is far better known than either period."""
    one = compared(0.5).categories[2]
    apart = np.hypot(one.before.upper - one.before.lower, one.after.upper - one.after.lower)
    assert one.change.upper - one.change.lower < 0.75 * apart
    whole = example_estimate()
    parts = [whole.draws.silent_churn[:, 2, :, months].sum(axis=(1, 2)) for months in (slice(0, 12), slice(12, 24))]
    assert compared().categories[2].change.median == pytest.approx(float(np.median(parts[1].astype(float) - parts[0])), rel=1e-4)


def test_rates_are_per_thousand_customers_at_risk_and_month() -> None:
    counts, found = example_counts(), compared()
    at_risk = counts.silent_person_days[:, :12].sum() / DAYS_PER_MONTH / 1000
    assert found.basis == "customer_months" and found.exposure_before == pytest.approx(at_risk)
    one = found.total
    assert one.rate_before.median == pytest.approx(one.before.median / at_risk, rel=0.02)


def test_periods_of_unequal_length_compare_by_rate() -> None:
    """The same churn every month: three months against nine differ threefold in customers, not in rate."""
    estimate, counts = example_estimate(), example_counts()
    flat = np.repeat(estimate.draws.silent_churn.mean(axis=3, keepdims=True), 24, axis=3)
    days = np.repeat(counts.silent_person_days.mean(axis=1, keepdims=True).astype(np.int64), 24, axis=1)
    estimate = replace(estimate, draws=replace(estimate.draws, silent_churn=flat))
    counts = replace(counts, silent_person_days=days)
    found = compare_periods(estimate, counts, before=(FIRST, date(2024, 9, 1)), after=(date(2024, 10, 1), TURN))
    assert found.total.after.median == pytest.approx(3 * found.total.before.median, rel=1e-3)
    assert found.total.rate_after.median == pytest.approx(found.total.rate_before.median, rel=0.03)
    assert 0.3 < found.total.probability_fell < 0.7
    assert abs(found.total.kept.median) < 0.05 * found.total.after.median


def test_chance_counts_where_numbers_are_small() -> None:
    """Two leavers, then one: nobody would call that a fall, however well the draws know the two and the one."""
    estimate, counts = example_estimate(), example_counts()
    churn = np.zeros_like(estimate.draws.silent_churn)
    churn[:, :, 0, 3] = 2
    churn[:, :, 0, 15] = 1
    found = compare_periods(
        replace(estimate, draws=replace(estimate.draws, silent_churn=churn)), counts, before=(FIRST, TURN), after=(SECOND, LAST)
    )
    assert found.categories[0].change.upper == found.categories[0].change.lower == -1
    assert found.categories[0].verdict == "open"


def test_the_order_of_categories_changes_nothing() -> None:
    estimate, counts = halved(example_estimate(), 2, 0.5), example_counts()
    turned = replace(
        estimate,
        categories=estimate.categories[::-1],
        draws=replace(estimate.draws, silent_churn=estimate.draws.silent_churn[:, ::-1]),
        cells=replace(estimate.cells, categories=estimate.cells.categories[::-1], vocal=estimate.cells.vocal[::-1]),  # type: ignore[union-attr,type-var]
    )
    plain, other = (compare_periods(one, counts, before=(FIRST, TURN), after=(SECOND, LAST)) for one in (estimate, turned))
    assert plain.categories == other.categories[::-1] and plain.total == other.total


def test_periods_that_make_no_sense_are_refused() -> None:
    estimate, counts = example_estimate(), example_counts()
    with pytest.raises(OptionError, match="share a month"):
        compare_periods(estimate, counts, before=(FIRST, SECOND), after=(SECOND, LAST))
    with pytest.raises(OptionError, match="2024-07 to 2026-06"):
        compare_periods(estimate, counts, before=(date(2023, 1, 1), TURN), after=(SECOND, LAST))
    undated = replace(estimate, cells=replace(estimate.cells, has_calendar=False))  # type: ignore[type-var]
    with pytest.raises(OptionError, match="no dates"):
        compare_periods(undated, counts, before=(FIRST, TURN), after=(SECOND, LAST))


def test_two_studies_are_independent_even_with_one_seed() -> None:
    """The same study twice: the difference is as wide as both together, not zero as paired draws would have it."""
    estimate, counts = example_estimate(), example_counts()
    found = compare_studies(estimate, counts, estimate, counts)
    one = found.categories[2]
    apart = np.hypot(one.before.upper - one.before.lower, one.after.upper - one.after.lower)
    assert one.change.upper - one.change.lower == pytest.approx(apart, rel=0.15)
    assert not found.joint and 0.4 < one.probability_fell < 0.6
    assert [remark.code for remark in found.remarks] == ["same_counts", "independent_draws"]


def test_two_studies_say_what_keeps_them_from_comparing() -> None:
    before, before_counts = replace(example_estimate(7, seed=1), counts_digest="other"), example_counts(7, seed=1)
    after = replace(example_estimate(6, level="2"), assumptions=Assumptions(horizon_days=90))
    found = compare_studies(before, before_counts, after, example_counts(6))
    said = {remark.code: remark.values for remark in found.remarks}
    assert set(said) == {"windows_overlap", "levels_differ", "level_too_low", "assumptions_differ", "only_before", "independent_draws"}
    assert said["assumptions_differ"]["names"] == ("horizon_days",)
    assert said["only_before"]["categories"] == (before.categories[6].category,)
    assert [one.category for one in found.categories] == [item.category for item in after.categories]
    with pytest.raises(OptionError, match="no category in common"):
        compare_studies(before, before_counts, example_estimate(3, names="en"), example_counts(3, names="en"))
    with pytest.raises(OptionError, match="do not compare"):
        compare_studies(before, before_counts, after, replace(example_counts(6), has_customers=False))


def test_volumes_compare_per_month() -> None:
    counts = replace(example_counts(), has_customers=False)
    found = compare_periods(example_estimate(level="0"), counts, before=(FIRST, TURN), after=(SECOND, LAST))
    assert found.basis == "months"
    assert found.exposure_before == pytest.approx(12, abs=0.02)
    assert found.exposure_after == pytest.approx(11.9, abs=0.05)  # the last month ends on the 28th
    assert found.remarks[0].code == "level_too_low"


def fixed_half_way(seed: int) -> tuple[CompanyTruth, str]:
    """A company whose most harmful category strikes half as often in the second year."""
    truth = mixed(np.random.default_rng(seed))
    harm = [kind.monthly_rate * (1 - kind.complaint_probability) * kind.silent_leave_probability for kind in truth.categories]
    number = int(np.argmax(harm))
    cells = np.array(truth.categories[number].cell_multipliers, copy=True)
    cells[:, WARM_UP_MONTHS + 12 :] *= 0.4
    kinds = list(truth.categories)
    kinds[number] = replace(kinds[number], cell_multipliers=cells)
    return replace(truth, categories=tuple(kinds)), kinds[number].name


def test_recovers_a_fall_that_happened_in_a_simulated_company() -> None:
    """One company through the whole estimate; twenty of them are in benchmarks/compare."""
    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.load import load_tables

    truth, name = fixed_half_way(5)
    company = simulate_company(truth, np.random.default_rng(6))
    tables, _ = load_tables(customers=company.customers, complaints=company.complaints)
    window = ObservationWindow(truth.window.since, truth.window.as_of)
    with tables:
        counts = reduce_tables(tables, window=window)
    found = compare_periods(estimate_iceberg(counts), counts, before=(FIRST, TURN), after=(SECOND, LAST))
    one = next(entry for entry in found.categories if entry.category == name)
    months = list(company.truth["categories"][name]["by_month"].values())
    assert sum(months[12:]) < sum(months[:12])
    assert one.probability_fell > 0.9
    assert one.change.lower <= sum(months[12:]) - sum(months[:12]) <= one.change.upper
    assert window.as_of - timedelta(days=1) < window.as_of
