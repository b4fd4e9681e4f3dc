"""What every estimate keeps, whatever the company: the invariants of the method, by their numbers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.model.assumptions import Assumptions, SilentRatioPrior
from iceberg.model.canonical import reorder
from iceberg.model.estimate import estimate_iceberg
from tests.model.build import WINDOW, linked_counts
from tests.model.companies import reduce_frames, window_of, world

VOCAL = {"billing": 120, "delivery": 260, "staff": 60}


def codes(estimate) -> set[str]:
    return {one.code for one in estimate.diagnostics}


def volumes(complaints: dict[str, int]) -> CohortCounts:
    months = len(WINDOW.months)
    table = [
        [number // months + (month < number % months) for month in range(months)] for number in complaints.values()
    ]
    return CohortCounts.from_volumes(WINDOW, categories=list(complaints), complaints=table)


def test_1_the_folk_ratio_scales_sufferers_and_only_q_of_one_makes_them_leavers() -> None:
    """1200 complaints, 1.2 per complainant: 25 x 1000 sufferers; leavers are a share q of them, or all of them when
    read literally.
    """
    counts = volumes({"billing": 1200})
    usual = estimate_iceberg(counts)
    literal = estimate_iceberg(counts, assumptions=Assumptions(literal_leavers=True))
    assert usual.total.vocal_customers == 1000
    assert usual.total.folk_estimate == pytest.approx(25_000)
    assert literal.total.silent_churn.median == pytest.approx(25_000, rel=0.05)
    assert literal.categories[0].excess_probability.median == 1
    sufferers = usual.draws.ratio[:, 0] / usual.cells.excess[:, 0]
    assert np.median(sufferers) == pytest.approx(25, rel=0.05)
    assert usual.total.silent_churn.upper < literal.total.silent_churn.upper
    assert usual.total.silent_churn.median == pytest.approx(25_000 * np.median(usual.cells.excess), rel=0.1)


@pytest.mark.parametrize("ratio", [1, 25, 125, 10_000])
@pytest.mark.parametrize("literal", [False, True])
@pytest.mark.parametrize("linked", [False, True])
def test_2_silent_churn_never_exceeds_the_silent_leavers_in_any_draw_or_cell(ratio, literal, linked) -> None:
    """Whatever the ratio asks, every cell keeps its books to the last bit, with or without linked complaints."""
    counts = linked_counts(VOCAL, silent_leavers=431)
    counts = counts if linked else replace(counts, has_linked_complaints=False)
    assumptions = Assumptions(ratio=SilentRatioPrior.around(ratio), literal_leavers=literal, draws=500)
    estimate = estimate_iceberg(counts, assumptions=assumptions)
    draws = estimate.draws
    leavers = counts.silent_exits.sum(axis=2)
    assert (draws.silent_churn >= 0).all()
    assert (draws.natural >= 0).all()
    assert np.array_equal(draws.silent_churn.sum(axis=1) + draws.natural, np.broadcast_to(leavers, draws.natural.shape))
    assert (draws.silent_churn.sum(axis=(1, 3)) <= leavers.sum(axis=1)).all()
    assert estimate.total.silent_churn.upper <= estimate.silent_leavers == 431


def test_3_a_category_without_complaints_has_no_silent_churn() -> None:
    estimate = estimate_iceberg(linked_counts(VOCAL | {"website": 0}))
    silent = {one.category: one for one in estimate.categories}["website"]
    assert silent.silent_churn.upper == 0
    assert silent.probability_worst == 0
    assert silent.vocal_customers == 0


@pytest.mark.parametrize(
    "counts", [linked_counts({}), linked_counts({"billing": 0}), volumes({"billing": 0}), volumes({})]
)
def test_3_without_any_complaint_no_number_is_invented(counts: CohortCounts) -> None:
    """The diagnostics say so; the total is zero, and all silent leavers are natural departures."""
    estimate = estimate_iceberg(counts)
    assert "no_complaints" in codes(estimate)
    assert estimate.total.silent_churn.upper == 0
    assert estimate.natural_departures.median == estimate.silent_leavers


def test_4_renaming_and_permuting_changes_nothing(tables_from_frames) -> None:
    """Categories and segments renamed and in another order: the same answer for each, up to the last digits of
    float32.
    """
    _, counts = world(tables_from_frames, "small", 3)
    categories = np.arange(len(counts.categories))[::-1]
    segments = np.roll(np.arange(len(counts.segments)), 1)
    moved = reorder(counts, categories, segments)
    moved = replace(
        moved,
        categories=tuple(f"k{number}" for number in range(len(categories))),
        segments=tuple(f"s{number}" for number in range(len(segments))),
    )
    before, after = estimate_iceberg(counts), estimate_iceberg(moved)
    for place, index in enumerate(categories):
        old, new = before.categories[index], after.categories[place]
        assert new.silent_churn.median == pytest.approx(old.silent_churn.median, rel=1e-4)
        assert new.silent_churn.upper == pytest.approx(old.silent_churn.upper, rel=1e-4)
        assert new.revenue_lost.median == pytest.approx(old.revenue_lost.median, rel=1e-4)
        assert new.probability_worst == pytest.approx(old.probability_worst, abs=2e-3)
    assert after.total.silent_churn.median == pytest.approx(before.total.silent_churn.median, rel=1e-4)


def test_4_scaling_revenue_scales_money_and_nothing_else(tables_from_frames) -> None:
    _, counts = world(tables_from_frames, "small", 3)
    richer = replace(counts, silent_exit_revenue=counts.silent_exit_revenue * 4)
    before, after = estimate_iceberg(counts), estimate_iceberg(richer)
    assert np.array_equal(before.draws.silent_churn, after.draws.silent_churn)
    assert np.array_equal(before.draws.ratio, after.draws.ratio)
    assert after.total.revenue_lost.median == pytest.approx(4 * before.total.revenue_lost.median, rel=1e-6)


def test_5_a_customer_with_three_complaints_counts_once_per_category_and_once_in_the_total(tables_from_frames) -> None:
    """Writing every complaint three times changes the complaints, not the vocal customers nor the silent churn."""
    company, counts = world(tables_from_frames, "small", 2)
    thrice = company.complaints.loc[company.complaints.index.repeat(3)]
    repeated = reduce_frames(tables_from_frames, company.customers, thrice, window_of(company))
    before, after = estimate_iceberg(counts), estimate_iceberg(repeated)
    assert repeated.complaints.sum() == 3 * counts.complaints.sum()
    assert after.total.vocal_customers == before.total.vocal_customers == company.truth["vocal_customers"]
    assert before.total.vocal_customers <= sum(one.vocal_customers for one in before.categories)
    for old, new in zip(before.categories, after.categories, strict=True):
        assert new.vocal_customers == old.vocal_customers
        assert new.silent_churn.median == pytest.approx(old.silent_churn.median, rel=1e-4)


def test_7_same_counts_assumptions_and_seed_give_the_same_bytes(tables_from_frames) -> None:
    """Row order of the files does not matter either; another seed gives other draws."""
    company, counts = world(tables_from_frames, "small", 4)
    shuffled = reduce_frames(
        tables_from_frames,
        company.customers.sample(frac=1, random_state=1),
        company.complaints.sample(frac=1, random_state=2),
        window_of(company),
    )
    first, second = estimate_iceberg(counts, seed=5), estimate_iceberg(shuffled, seed=5)
    assert first.draws.silent_churn.tobytes() == second.draws.silent_churn.tobytes()
    assert first.draws.natural.tobytes() == second.draws.natural.tobytes()
    assert first.draws.ratio.tobytes() == second.draws.ratio.tobytes()
    assert first.draws.revenue_lost.tobytes() == second.draws.revenue_lost.tobytes()
    assert first.categories == second.categories
    assert first.counts_digest == second.counts_digest
    assert not np.array_equal(first.draws.ratio, estimate_iceberg(counts, seed=6).draws.ratio)


def test_8_where_the_ratio_asks_for_the_impossible_the_answer_says_what_the_departures_allow() -> None:
    """440 complainants at 1:25 would need 11,000 silent leavers; 300 left: at most 300 / 440 leavers per
    complainant.
    """
    estimate = estimate_iceberg(linked_counts(VOCAL, silent_leavers=300))
    said = next(one for one in estimate.diagnostics if one.code == "ratio_impossible")
    assert said.values["needed"] == 11_000
    assert said.values["lost"] == 300
    assert said.values["leavers_allowed"] == pytest.approx(300 / 440)
    asked = sum(one.vocal_customers * one.excess_probability.median for one in estimate.categories)
    assert estimate.total.feasible_ratio == pytest.approx(300 / asked)
    assert all(one.feasible_ratio >= estimate.total.feasible_ratio for one in estimate.categories)
    assert "ratio_impossible" not in codes(estimate_iceberg(linked_counts({"billing": 10}, silent_leavers=300)))
