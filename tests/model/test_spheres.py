"""Gaps of the four spheres on draws whose answer is worked by hand."""

import numpy as np
import pytest

from benchmarks.spheres.companies import FAMILIES, Family, simulate
from benchmarks.spheres.run import counts_of
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.journey.spheres import SphereRow
from iceberg.locale import LANGUAGES, Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.journey.service import estimate_service, holds_only_present
from iceberg.model.journey.spheres import Spheres, _belief_shares, _low_performance, _order_weights, _ranks, _Share, estimate_spheres
from iceberg.model.results import IcebergEstimate
from iceberg.report.journey.service import service_sentences
from iceberg.report.journey.spheres import spheres_document, spheres_sentences


class _Evidence:
    ranks = True


class _Estimate:
    evidence = _Evidence()


def test_kendall_and_rank_distances_of_one_draw() -> None:
    """Priorities a, b, c; losses 10, 30, 20: of three pairs a-b and a-c are reversed, b-c agrees, so tau is -1/3."""
    rows = [SphereRow(name, priority_rank=rank) for name, rank in (("a", 1), ("b", 2), ("c", 7))]
    known = {"a": np.array([10.0, 10.0]), "b": np.array([30.0, 30.0]), "c": np.array([20.0, 20.0])}
    distances, agreement, reason = _ranks(rows, known, _Estimate())  # type: ignore[arg-type]
    assert reason is None and agreement is not None and agreement.median == pytest.approx(-1 / 3)
    assert {name: float(values[0]) for name, values in distances.items()} == {"a": -2.0, "b": 1.0, "c": 1.0}


def test_the_order_of_two_has_no_agreement() -> None:
    rows = [SphereRow("a", priority_rank=1), SphereRow("b", priority_rank=2)]
    assert _ranks(rows, {"a": np.ones(2), "b": np.ones(2)}, _Estimate()) == ({}, None, "few_ranked")  # type: ignore[arg-type]


def test_believed_shares_beside_shares_of_silent_churn() -> None:
    found = _belief_shares({"a": 30, "b": 10}, {"a": np.array([50.0]), "b": np.array([50.0])})
    assert found["a"] == pytest.approx([0.25]) and found["b"] == pytest.approx([-0.25])


def test_performance_is_the_share_in_time_and_else_the_priority() -> None:
    rows = [SphereRow("a", target=0.9, priority_rank=2), SphereRow("b", priority_rank=1)]
    rng = np.random.default_rng(0)
    shares = {"a": _Share.of(np.array([0.8, 0.95]), 0.0, rng), "b": _Share.of(np.array([0.7, 0.99]), 0.0, rng)}
    low, kind = _low_performance(rows, shares, 2)
    assert kind == "in_time" and low["a"].tolist() == [True, False] and low["b"].tolist() == [True, False]
    low, kind = _low_performance(rows, {"a": "no_column", "b": "few"}, 2)
    assert kind == "priority" and low["a"].tolist() == [True, True] and low["b"].tolist() == [False, False]


def test_the_range_allows_for_all_and_for_none_of_the_cases_of_which_the_file_says_nothing() -> None:
    """Of a fifth nothing is said and half of the others were in time: between 40 and 60 %; with nothing unsaid the range is that of the others."""
    gap = _Share.of(np.full(2_000, 0.5), 0.2, np.random.default_rng(0)).less(0.3)
    assert (gap.lower, gap.upper) == pytest.approx((0.1, 0.3)) and gap.median == pytest.approx(0.2, abs=0.02)
    sure = _Share.of(np.full(10, 0.5), 0.0, np.random.default_rng(0)).less(0.0)
    assert (sure.lower, sure.median, sure.upper) == (0.5, 0.5, 0.5)


@pytest.fixture(scope="module")
def usual() -> tuple[CohortCounts, IcebergEstimate]:
    counts = counts_of(simulate(FAMILIES["usual"], 0))
    return counts, estimate_iceberg(counts, assumptions=Assumptions(draws=200))


@pytest.mark.parametrize("family", ["late_ones_blank", "wiped_when_they_leave"])
def test_cases_that_say_nothing_widen_the_gaps_and_are_named(usual: tuple[CohortCounts, IcebergEstimate], family: str) -> None:
    """Successes are recorded and failures are not, or cases of customers who left lost their days: nothing tells, so the range holds both."""
    counts, estimate = usual
    company = simulate(FAMILIES[family], 0)
    fair, found = estimate_spheres(estimate, counts), estimate_spheres(estimate, counts_of(company))
    assert fair is not None and found is not None and not fair.unsaid and found.unsaid
    width = {one.row.category: one.target.upper - one.target.lower for one in fair.rows if one.target is not None}
    gaps = [(one, company.in_time[one.row.category] - (one.row.target or 0)) for one in found.rows if one.target is not None]
    assert all(one.target.upper - one.target.lower > width[one.row.category] for one, _ in gaps if one.target is not None)
    assert np.mean([one.target.lower <= true <= one.target.upper for one, true in gaps if one.target is not None]) >= 0.8
    for language in LANGUAGES:
        words = Translator(language)
        said = [one for one in spheres_sentences(found, words) if one.startswith(words.text("spheres.unsaid", categories="|").split("|")[0])]
        assert len(said) == 1
    assert all(one["unsaid_share"] for one in spheres_document(found)["categories"] if one["category"] in found.unsaid)


def test_a_file_of_present_customers_alone_is_named_and_a_fair_one_is_not(usual: tuple[CohortCounts, IcebergEstimate]) -> None:
    """Complaints of customers who left are missing: no case says so, but complainants never leave."""
    counts, estimate = usual
    words = Translator("en")
    assert not holds_only_present(counts) and words.text("service.only_present") not in spheres_sentences(_spheres(estimate, counts), words)
    alone = counts_of(simulate(Family(only_here=True), 0))
    found, service = _spheres(estimate, alone), estimate_service(alone, horizon_days=180)
    assert found.only_present and words.text("service.only_present") in spheres_sentences(found, words)
    assert service is not None and words.text("service.only_present") in service_sentences(service, words)


def _spheres(estimate: IcebergEstimate, counts: CohortCounts) -> Spheres:
    found = estimate_spheres(estimate, counts)
    assert found is not None
    return found


def test_a_side_of_none_to_four_customers_is_not_read_from_the_range() -> None:
    """Of 100 cases three or none were late: the same range, which holds 96 to 100 in time; so on the other side."""
    few, none = (_Share.counted(late, 100 - late, 0, np.random.default_rng(0), draws=4_000).less(0.0) for late in (3, 0))
    assert few == none and few.lower < 0.96 and few.upper > 0.995
    kept, other = (_Share.counted(100 - one, one, 0, np.random.default_rng(0), draws=4_000).less(0.0) for one in (4, 0))
    assert kept == other and kept.upper > 0.04 and kept.lower < 0.005
    counted = _Share.counted(5, 95, 0, np.random.default_rng(0), draws=4_000).less(0.0)
    assert counted.median == pytest.approx(0.948, abs=0.003)


def test_draws_that_explain_the_priorities_weigh_more_whichever_way_these_are_turned() -> None:
    """Draws of a clear order along the priorities, and against them, weigh alike; one without an order weighs less than either."""
    along, against, flat = _order_weights(np.array([[100.0, 10.0, 1.0], [1.0, 10.0, 100.0], [10.0, 10.0, 10.0]]))
    assert along > flat and along + against + flat == pytest.approx(1.0)
    assert _order_weights(np.full((4, 3), 7.0)) == pytest.approx(np.full(4, 0.25))


def test_noise_in_the_order_of_the_draws_does_not_deny_priorities_that_are_right() -> None:
    """The company ranks six categories as they are; the draws know each only to a factor of 2.7. Unweighted, 90 % of them lie below 1."""
    rng, truth = np.random.default_rng(0), 1_000 * 0.5 ** np.arange(6)
    held = 0
    for _ in range(100):
        draws = truth * np.exp(rng.normal(0, 0.7, 6)) * np.exp(rng.normal(0, 0.7, (2_000, 6)))
        rows = [SphereRow(str(place), priority_rank=place + 1) for place in range(6)]
        _, agreement, _ = _ranks(rows, {str(place): draws[:, place] for place in range(6)}, _Estimate())  # type: ignore[arg-type]
        assert agreement is not None
        held += agreement.upper >= 1 - 1e-9
    assert held >= 80
