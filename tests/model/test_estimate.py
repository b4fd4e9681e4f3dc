"""The ladder: which rung speaks, what it says at the edges, and slices that come from the same draws."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from threadpoolctl import threadpool_info, threadpool_limits

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.window import ObservationWindow
from iceberg.errors import OptionError
from iceberg.locale import LANGUAGES, Translator
from iceberg.model.assumptions import Assumptions, SilentRatioPrior
from iceberg.model.departures.chance import explained_beyond_chance, placebo_intervals
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.evidence import judge_evidence
from iceberg.model.results import Evidence
from iceberg.model.summary import focus_estimate, prior_share, probability_largest
from tests.model.build import WINDOW, linked_counts
from tests.model.companies import world

VOCAL = {"billing": 120, "delivery": 260, "staff": 60}


def codes(estimate) -> set[str]:
    return {one.code for one in estimate.diagnostics}


def test_the_rung_follows_from_what_the_files_hold() -> None:
    counts = linked_counts(VOCAL)
    volumes = CohortCounts.from_volumes(WINDOW, categories=["a"], complaints=[[5] * 12])
    assert judge_evidence(volumes).level == "0"
    assert judge_evidence(replace(counts, has_linked_complaints=False)).level == "1"
    assert judge_evidence(counts).level.follows_complainers
    assert judge_evidence(linked_counts({})).level == "1"


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize(
    "counts",
    [
        CohortCounts.from_volumes(WINDOW, categories=["a"], complaints=[[5] * 12]),
        CohortCounts.from_volumes(WINDOW, categories=[], complaints=np.zeros((0, 12))),
        linked_counts(VOCAL),
        replace(linked_counts(VOCAL), has_linked_complaints=False),
        linked_counts({"billing": 1}, silent_leavers=3, segments=("",)),
        linked_counts({"billing": 30}, silent_leavers=0),
        linked_counts({"billing": 3000}, silent_leavers=10, left_share=0.97, revenue=None),
        linked_counts({}),
    ],
)
def test_at_every_edge_the_answer_is_finite_and_every_code_has_its_sentences(
    counts: CohortCounts, language: str
) -> None:
    """No customers, no complaints, one complaint, no departures, nearly everyone complains and leaves."""
    estimate = estimate_iceberg(counts, assumptions=Assumptions(draws=300))
    words = Translator(language)
    for one in estimate.diagnostics:
        values = {"category": one.category, "code": one.code, **one.values}
        assert words.text(f"diagnostics.{one.code}.says", **values)
        assert words.text(f"diagnostics.{one.code}.do", **values)
    for code, values in estimate.evidence.reasons:
        assert words.text(f"evidence.reasons.{code}", **values)
    assert np.isfinite(estimate.draws.silent_churn).all()
    assert np.isfinite(estimate.draws.natural).all()
    for one in estimate.categories:
        for interval in (one.silent_churn, one.ratio_prior, one.ratio_posterior, one.excess_probability):
            assert 0 <= interval.lower <= interval.median <= interval.upper < np.inf
        assert 0 <= one.prior_share <= 1
        assert 0 <= one.probability_worst <= 1
    assert sum(one.probability_worst for one in estimate.categories) <= 1 + 1e-9


def test_a_tiny_file_stays_with_its_prior_and_says_that_it_is_small() -> None:
    """30 complaints, one segment, six months."""
    window = ObservationWindow(date(2025, 1, 1), date(2025, 6, 30))
    counts = linked_counts(
        {"billing": 20, "staff": 10}, silent_leavers=200, person_days=300_000, segments=("",), window=window
    )
    estimate = estimate_iceberg(counts)
    assert "few_complaints" in codes(estimate)
    assert all(one.silent_churn.upper > 3 * max(one.silent_churn.lower, 1) for one in estimate.categories)


def test_a_complaint_that_means_leaving_is_called_a_leak() -> None:
    """97 in 100 complainers leave within weeks while one customer in a hundred does otherwise."""
    assert "leak" in codes(estimate_iceberg(linked_counts({"cancellation": 500}, silent_leavers=50, left_share=0.97)))
    assert "leak" not in codes(estimate_iceberg(linked_counts({"billing": 500}, left_share=0.3)))


def test_volumes_with_customers_are_capped_as_one_company() -> None:
    """Level 1: complaints have no segment, so only all departures together say no; H follows the leavers over
    segments.
    """
    counts = replace(linked_counts(VOCAL, silent_leavers=400), has_linked_complaints=False)
    estimate = estimate_iceberg(counts)
    assert estimate.evidence.level == "1"
    assert "complaints_not_linked" in codes(estimate)
    assert estimate.total.vocal_customers == round(440 / 1.2)
    by_segment = estimate.draws.silent_churn.sum(axis=(1, 3), dtype=float)
    assert by_segment[:, 0] == pytest.approx(by_segment[:, 1], rel=1e-3)


def test_edited_priors_of_a_category_move_that_category_and_not_the_data() -> None:
    """With priors of their own, small-ticket defects hide more leavers per complainant than billing errors."""
    counts = linked_counts({"Facturation": 100, "Petit panier": 100}, silent_leavers=50_000)
    estimate = estimate_iceberg(counts, assumptions=Assumptions(use_category_priors=True))
    billing, small_ticket = estimate.categories
    assert small_ticket.ratio_posterior.median > 4 * billing.ratio_posterior.median
    assert small_ticket.vocal_customers == billing.vocal_customers


def test_a_wider_ratio_gives_a_wider_answer() -> None:
    few_months = ObservationWindow(date(2025, 1, 1), date(2025, 3, 31))  # below level 3, where departures have their say
    counts = linked_counts(VOCAL, silent_leavers=200_000, segments=("all",), window=few_months)
    narrow = estimate_iceberg(counts, assumptions=Assumptions(ratio=SilentRatioPrior(25, 20, 31)))
    wide = estimate_iceberg(counts, assumptions=Assumptions(ratio=SilentRatioPrior(25, 5, 125)))
    assert wide.total.silent_churn.upper > narrow.total.silent_churn.upper
    assert wide.total.silent_churn.lower < narrow.total.silent_churn.lower


def test_slices_of_segments_and_months_add_up_to_the_whole(tables_from_frames) -> None:
    """The joint draws are sliced, never fitted again: parts add up draw by draw."""
    _, counts = world(tables_from_frames, "small", 5)
    whole = estimate_iceberg(counts, assumptions=Assumptions(draws=300))
    first, second = counts.segments[:1], counts.segments[1:]
    parts = [focus_estimate(whole, segments=names) for names in (first, second)]
    total = sum(part.draws.silent_churn.sum(axis=(2, 3), dtype=float) for part in parts)
    assert total == pytest.approx(whole.draws.silent_churn.sum(axis=(2, 3), dtype=float), rel=1e-6)
    assert sum(part.total.vocal_customers for part in parts) == whole.total.vocal_customers
    assert sum(part.silent_leavers for part in parts) == whole.silent_leavers
    early = focus_estimate(whole, months=(counts.months[0], counts.months[5]))
    assert early.draws.silent_churn.shape[3] == 6
    assert early.cells.months == counts.months[:6]
    assert early.total.silent_churn.upper <= early.silent_leavers < whole.silent_leavers


def test_both_tests_against_chance_are_sliced_with_the_estimate(tables_from_frames) -> None:
    """A part of a weak study is not called chance because moved complaints are given as many leavers, where the real ones explain far more."""
    _, counts = world(tables_from_frames, "small", 0)
    whole = estimate_iceberg(counts, assumptions=Assumptions(draws=300))
    explained, months = whole.draws.explained, len(counts.months)
    assert explained is not None and explained.shape[1:] == (len(counts.segments), months)
    parts = [focus_estimate(whole, segments=[name]) for name in counts.segments]
    middle = months // 2
    ends = ((counts.months[0], counts.months[middle - 1]), (counts.months[middle], counts.months[-1]))
    halves = [focus_estimate(whole, months=half) for half in ends]
    assert sum(part.draws.explained.sum(axis=(1, 2)) for part in parts) == pytest.approx(explained.sum(axis=(1, 2)))
    differ = 0
    for part in (whole, *parts, *halves):
        by_amount = placebo_intervals(part.draws.placebo, part.draws.silent_churn, np.arange(len(part.categories)))[-1].exceeded
        judged = part.total.placebo.exceeded
        assert judged == pytest.approx(max(by_amount, explained_beyond_chance(part.draws.explained)))
        differ += judged > by_amount
    assert differ


def test_a_slice_of_everything_is_the_estimate_itself() -> None:
    whole = estimate_iceberg(linked_counts(VOCAL), assumptions=Assumptions(draws=50))
    assert focus_estimate(whole, segments=None, months=None) is whole
    assert focus_estimate(whole, segments=("north", "south")) is whole
    assert focus_estimate(whole, months=(WINDOW.since, WINDOW.as_of)) is whole


@pytest.mark.parametrize(
    ("segments", "months", "code"),
    [
        (("west",), None, "segment_unknown"),
        ((), None, "focus_empty"),
        (None, (date(2020, 1, 1), date(2020, 2, 1)), "focus_empty"),
    ],
)
def test_a_slice_of_nothing_is_refused(segments, months, code: str) -> None:
    whole = estimate_iceberg(linked_counts(VOCAL), assumptions=Assumptions(draws=50))
    with pytest.raises(OptionError) as refused:
        focus_estimate(whole, segments=segments, months=months)
    assert refused.value.code == code


def test_prior_share_is_the_priors_part_of_the_precision() -> None:
    """A posterior half as wide on the log scale has four times the precision: a quarter of it is prior."""
    normal = np.random.default_rng(1).standard_normal(200_000)
    assert prior_share(np.exp(normal), np.exp(normal / 2)) == pytest.approx(0.25, abs=0.01)
    assert prior_share(np.exp(normal), np.exp(normal + 3)) == pytest.approx(1.0)


def test_probability_of_being_largest_shares_ties_and_gives_nothing_to_nobody() -> None:
    values = np.array([[1.0, 2.0], [2.0, 2.0], [0.0, 0.0], [3.0, 1.0]])
    assert probability_largest(values).tolist() == [0.375, 0.375]


def test_progress_goes_from_zero_to_one() -> None:
    told: list[tuple[str, float]] = []
    estimate_iceberg(linked_counts(VOCAL), progress=lambda step, share: told.append((step, share)))
    shares = [share for _, share in told]
    assert shares[0] == 0
    assert shares[-1] == 1
    assert shares == sorted(shares)
    words = Translator("fr")
    assert all(words.has(f"evidence.steps.{step}") for step, _ in told)


def test_at_level_3_the_reconciliation_speaks_and_the_books_still_balance(tables_from_frames, monkeypatch) -> None:
    """Draws of the excess-hazard model take the place of ratio x survival; cells, money and ranks follow from them."""
    from iceberg.model import estimate as module

    company, counts = world(tables_from_frames, "small", 1)
    monkeypatch.setattr(module, "judge_evidence", lambda counts: Evidence("3", "mixed"))
    assumptions = Assumptions(draws=300)
    estimate = estimate_iceberg(counts, assumptions=assumptions)
    leavers = counts.silent_exits.sum(axis=2)
    draws = estimate.draws
    assert np.array_equal(draws.silent_churn.sum(axis=1) + draws.natural, np.broadcast_to(leavers, draws.natural.shape))
    assert estimate.silent_leavers == company.truth["silent_leavers"]
    assert estimate.total.revenue_lost.median > 0
    assert estimate.fit_state is not None
    again = estimate_iceberg(counts, assumptions=assumptions)
    assert again.draws.silent_churn.tobytes() == draws.silent_churn.tobytes()


@pytest.mark.parametrize("name", ["mixed", "folk", "small"])
def test_the_range_of_level_2_holds_the_truth_where_the_assumed_ratio_is_not_absurd(
    tables_from_frames, name: str
) -> None:
    """1:25 with its wide range, complainers' own excess and the cap: the total is inside, if not in the middle."""
    company, counts = world(tables_from_frames, name, 1)
    total = estimate_iceberg(counts).total.silent_churn
    assert total.lower <= company.truth["silent_churn"] <= total.upper


@pytest.mark.parametrize("horizon_days", [1, 45, 730])
@pytest.mark.parametrize("days", [1, 31, 365])
def test_short_windows_and_any_horizon_give_finite_answers(horizon_days: int, days: int) -> None:
    window = ObservationWindow(WINDOW.since, date.fromordinal(WINDOW.since.toordinal() + days - 1))
    counts = linked_counts(VOCAL, silent_leavers=90, window=window, segments=("",))
    estimate = estimate_iceberg(counts, assumptions=Assumptions(horizon_days=horizon_days, draws=100))
    assert np.isfinite(estimate.draws.silent_churn).all()
    assert 0 < estimate.total.silent_churn.upper <= 90


def test_the_linear_algebra_runs_in_one_thread_whoever_calls_and_gives_the_callers_threads_back() -> None:
    inside: list[int] = []
    with threadpool_limits(2, user_api="blas"):
        estimate_iceberg(linked_counts(VOCAL), progress=lambda step, share: inside.append(_blas_threads()))
        assert _blas_threads() == 2
    assert set(inside[1:]) == {1}  # the first word is said before the work begins


def _blas_threads() -> int:
    return max(pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas")
