"""The reasons that leavers gave: how they weigh the draws, what happens where they contradict them, and that nothing changes without them."""

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.reasons.answers import NONE_OF_THESE, Answers, StatedReasons
from iceberg.model.decision.information.answers import (
    LARGEST_K,
    LEAST_ANSWERS,
    errors_of,
    pareto_k,
    reason_log_likelihood,
    resample,
    shares_of_answers,
    tempering_power,
    weigh_by_answers,
)
from iceberg.model.decision.information.reasons import CANCELLATION, FORM
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.results import EvidenceLevel, LevelDraws

from .build import linked_counts

NAMES = ("billing", "delivery")


@cache
def counted() -> CohortCounts:
    """Two categories, 1,200 silent leavers in two segments."""
    return linked_counts({"billing": 60, "delivery": 60}, silent_leavers=1200)


def drawn(first: np.ndarray, second: np.ndarray) -> LevelDraws:
    """Draws of silent churn of the two categories, spread evenly over the cells of `counted`."""
    counts = counted()
    leavers = counts.silent_exits.sum(axis=2).astype(np.float64)
    part = leavers / leavers.sum()
    churn = (np.stack([first, second], axis=1)[:, :, None, None] * part).astype(np.float32)
    natural = (leavers - churn.sum(axis=1)).astype(np.float32)
    each = np.ones((len(first), 2))
    return LevelDraws(churn, natural, each * first[:, None], each, each)


def told(billing: int, delivery: int, none: int, *, segment: str | None = None, source: str = "survey", stayed: bool | None = True) -> StatedReasons:
    """Answers of silent leavers."""
    rows = (("billing", billing), ("delivery", delivery), (NONE_OF_THESE, none))
    answers = tuple(Answers(segment, name, False, stayed if name else None, number) for name, number in rows if number)
    return StatedReasons(source, answers, asked=billing + delivery + none, reached=billing + delivery + none)  # type: ignore[arg-type]  # a literal


def test_answers_move_the_draws_as_bayes_says() -> None:
    """Half of the draws say 120 of 1,200 left over billing, half 600: the weight of each half is its likelihood, by hand."""
    first = np.random.default_rng(8).choice([120.0, 600.0], 2000)
    draws = drawn(first, np.full(2000, 60.0))
    counts = replace(counted(), stated=(told(4, 2, 14),))
    answers, errors = np.array([[4, 2, 14]]), errors_of(counts.stated[0])
    shares = np.array([[0.1, 0.05, 0.85], [0.5, 0.05, 0.45]])
    low, high = reason_log_likelihood(answers, shares, errors)
    found = weigh_by_answers(draws, counts, seed=0).draws.silent_churn[:, 0].sum(axis=(1, 2))
    assert (found < 300).mean() == pytest.approx(1 / (1 + np.exp(high - low)), abs=0.03)
    assert (found < 300).mean() > 0.7


def test_every_draw_stays_whole_and_the_natural_departures_follow() -> None:
    rng = np.random.default_rng(2)
    draws = drawn(rng.uniform(50, 500, 2000), rng.uniform(50, 500, 2000))
    counts = replace(counted(), stated=(told(60, 20, 60),))
    after = weigh_by_answers(draws, counts, seed=0)
    assert after.used
    whole = after.draws.silent_churn.sum(axis=1) + after.draws.natural
    assert whole == pytest.approx(counts.silent_exits.sum(axis=2)[None].repeat(2000, 0), rel=1e-4)
    before, moved = (one.silent_churn.sum(axis=(2, 3)).mean(axis=0) for one in (draws, after.draws))
    assert moved[0] > before[0] and moved[1] < before[1]


def test_more_answers_do_not_mend_the_errors_that_all_share() -> None:
    rng = np.random.default_rng(3)
    draws = drawn(rng.uniform(20, 800, 2000), np.full(2000, 60.0))
    spread = []
    for number in (1, 10, 100):
        counts = replace(counted(), stated=(told(6 * number, number, 13 * number),))
        spread.append(weigh_by_answers(draws, counts, seed=0).draws.silent_churn[:, 0].sum(axis=(1, 2)).std())
    assert spread[0] > spread[1]
    assert spread[2] > 0.6 * spread[1]


def test_answers_count_for_the_cells_that_gave_them() -> None:
    """All of billing's churn is in the north: asked there, half of the leavers left over it; asked in the south, none; the month decides likewise."""
    counts = counted()
    leavers = counts.silent_exits.sum(axis=2).astype(np.float64)
    churn = np.zeros((3, 2, *leavers.shape), dtype=np.float32)
    churn[:, 0, 0] = leavers[0] / 2
    churn[:, 1, :, 0] = leavers[:, 0] / 4
    draws = LevelDraws(churn, (leavers - churn.sum(axis=1)).astype(np.float32), *([np.ones((3, 2))] * 3))
    north, south = (shares_of_answers(draws, counts, told(5, 5, 5, segment=name)) for name in ("north", "south"))
    assert north[0, 0] == pytest.approx(0.5) and south[0, 0] == 0.0
    dated = replace(told(5, 5, 5, segment="south"), by_month=((date(2025, 1, 1).isoformat(), 15),))
    assert shares_of_answers(draws, counts, dated)[0, 1] == pytest.approx(0.25)
    assert shares_of_answers(draws, counts, told(5, 5, 5))[0, 0] == pytest.approx(0.25, rel=0.01)


def test_who_would_have_left_anyway_names_no_cause_and_a_mention_is_believed_less() -> None:
    said = StatedReasons("survey", (Answers(None, "billing", None, False, 7), Answers(None, "billing", None, True, 3)), asked=10, reached=10)
    assert (said.of("billing"), said.of(NONE_OF_THESE)) == (3, 7)
    assert errors_of(said) == FORM
    assert errors_of(told(5, 5, 5, stayed=None)).candid == CANCELLATION.candid
    assert errors_of(told(5, 5, 5, source="cancellation")) == CANCELLATION


def test_answers_that_the_draws_hardly_reach_are_tempered_and_said() -> None:
    rng = np.random.default_rng(4)
    draws = drawn(np.minimum(15 * np.exp(1.2 * rng.standard_normal(2000)), 1000.0), np.full(2000, 60.0))
    counts = replace(counted(), stated=(told(150, 10, 20),))
    found = weigh_by_answers(draws, counts, seed=0)
    codes = {one.code: one for one in found.remarks}
    assert 0 < float(str(codes["answers_tempered"].values["share"])) < 1
    assert codes["answers_more"].category == "billing"
    assert "answers_fewer" not in codes
    assert found.draws.silent_churn[:, 0].sum(axis=(1, 2)).mean() > draws.silent_churn[:, 0].sum(axis=(1, 2)).mean()


def test_answers_far_below_the_departures_are_said_as_well() -> None:
    draws = drawn(np.random.default_rng(5).normal(700, 20, 2000), np.full(2000, 60.0))
    codes = {one.code: one.category for one in weigh_by_answers(draws, replace(counted(), stated=(told(2, 20, 160),)), seed=0).remarks}
    assert codes["answers_fewer"] == "billing"


def test_a_few_answers_change_nothing_and_say_so() -> None:
    draws = drawn(np.full(100, 60.0), np.full(100, 60.0))
    found = weigh_by_answers(draws, replace(counted(), stated=(told(LEAST_ANSWERS - 1, 0, 0),)), seed=0)
    assert found.draws is draws and not found.used
    assert [one.code for one in found.remarks] == ["answers_not_used"]


def test_what_was_told_and_not_heard_is_said_both_ways() -> None:
    answers = (Answers(None, "billing", True, True, 12), Answers(None, NONE_OF_THESE, False, None, 20))
    said = StatedReasons("survey", answers, asked=60, reached=60, vocal=20, untold=15)
    codes = {one.code for one in weigh_by_answers(drawn(np.full(400, 300.0), np.full(400, 60.0)), replace(counted(), stated=(said,)), seed=0).remarks}
    assert {"told_unheard", "heard_untold"} <= codes


def test_the_pareto_shape_is_that_of_its_distribution() -> None:
    """Weights u^(-k) have shape k."""
    uniform = np.random.default_rng(6).random(20_000)
    for shape in (0.2, 0.5, 0.9):
        assert pareto_k(uniform**-shape) == pytest.approx(shape, abs=0.12)
    assert pareto_k(np.ones(1000)) <= LARGEST_K
    assert tempering_power(np.zeros(500)) == 1.0
    assert tempering_power(40 * uniform[:2000]) < 1.0


def test_resampling_keeps_every_draw_once_under_equal_weights() -> None:
    assert np.array_equal(resample(np.zeros(50), np.random.default_rng(0)), np.arange(50))


def test_an_estimate_takes_answers_reaches_level_4_and_is_the_same_without_them() -> None:
    counts = linked_counts({"billing": 60, "delivery": 60}, silent_leavers=600)
    plain = estimate_iceberg(counts, seed=1)
    asked = replace(counts, stated=(told(30, 5, 40),))
    found = estimate_iceberg(asked, seed=1)
    assert found.evidence.level is EvidenceLevel.MEASURED
    assert ("reasons_survey", {"answers": 75, "asked": 75, "reached": 75, "told": 0}) in found.evidence.reasons
    assert np.array_equal(plain.draws.silent_churn, estimate_iceberg(replace(asked, stated=()), seed=1).draws.silent_churn)
    again = read_counts(write_counts(asked))
    assert again.stated == asked.stated and again.digest == asked.digest != counts.digest
