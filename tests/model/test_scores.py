"""What scores know: numbers worked by hand, shares of simulated companies recovered, bounds that hold, and answers that are refused."""

from datetime import date

import numpy as np
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.scores.score_counts import NO_COMPLAINT, UNHEARD, Leavers, ScoreCounts, TimeInState
from iceberg.cohort.window import ObservationWindow
from iceberg.model.scores.estimate import estimate_declared
from iceberg.model.scores.rates import StateRates, at_departure, auc_of, curve_of, rank_auc, rates_by_state
from iceberg.model.scores.unheard import satisfied_share

DRAWS = 4_000


def score_counts(time: list[tuple[int, int, int, int, int]], **more: object) -> ScoreCounts:
    """Net promoter scores with these segments, bands, states, days and departures."""
    rows = tuple(sorted(TimeInState(*row) for row in time))
    leavers = tuple(Leavers(one.segment, NO_COMPLAINT, one.state, one.leavers) for one in rows if one.leavers)
    return ScoreCounts("0-10", tuple(range(11)), 9, 7, 6, 180, 7, rows, leavers, **more)  # type: ignore[arg-type]


def test_the_auc_of_three_levels_worked_by_hand() -> None:
    """Leavers 3, 1, 0 and stayers 1, 1, 2: of 16 pairs the leaver is lower in 3*3 + 1*2 = 11, equal in 3*1 + 1*1 = 4."""
    assert rank_auc(np.array([3.0, 1, 0]), np.array([1.0, 1, 2])) == pytest.approx((11 + 2) / 16)


def test_a_score_without_information_has_an_auc_of_a_half() -> None:
    scores = score_counts([(0, 0, level, 100_000, 100) for level in range(11)])
    auc = auc_of(scores, rates_by_state(scores), np.random.default_rng(1), draws=DRAWS)
    assert auc is not None and auc.lower < 0.5 < auc.upper and auc.upper - auc.lower < 0.06


def test_expected_departures_are_those_of_the_same_segment_and_tenure() -> None:
    """Segment 1 leaves ten times as often whatever the score, and gives worse scores: the score itself says nothing."""
    scores = score_counts([(0, 0, 9, 90_000, 90), (0, 0, 3, 10_000, 10), (1, 0, 9, 10_000, 100), (1, 0, 3, 90_000, 900)])
    rates = rates_by_state(scores)
    assert rates[9] == StateRates(100_000, 190, pytest.approx(190.0)) and rates[3] == StateRates(100_000, 910, pytest.approx(910.0))
    low, high = curve_of(scores, rates, np.random.default_rng(0), draws=DRAWS)
    assert low.left.lower < high.left.median < low.left.upper  # at the same mix they leave alike


def test_levels_with_few_departures_join_their_neighbours() -> None:
    scores = score_counts([(0, 0, level, 10_000, leavers) for level, leavers in enumerate((9, 1, 3, 1, 8, 0, 0, 2, 2, 1, 3))])
    points = curve_of(scores, rates_by_state(scores), np.random.default_rng(0), draws=DRAWS)
    assert [(one.low, one.high, one.leavers) for one in points] == [(0, 0, 9), (1, 3, 5), (4, 4, 8), (5, 9, 5 + 0), (10, 10, 3)] or all(
        one.leavers >= 5 for one in points
    )
    assert points[0].low == 0 and points[-1].high == 10 and sum(one.leavers for one in points) == 30


def test_scores_at_the_cancellation_are_found_and_chance_is_not() -> None:
    time = [(0, 0, UNHEARD, 1_000_000, 1_000), (0, 0, 5, 500_000, 500)]
    leak, chance = (score_counts(time, quiet=20_000, at_departure=((0, number),)) for number in (90, 22))
    assert at_departure(leak, rates_by_state(leak)).found
    found = at_departure(chance, rates_by_state(chance))
    assert not found.found and found.expected == pytest.approx(20_000 * 1_478 / 1_480_000)


def world(rng: np.random.Generator, *, answer: tuple[float, float], factor: float, customers: int = 20_000) -> tuple[list[StateRates], float]:
    """Time and departures of the satisfied and the others who answered, and of those who did not; and the true share of the satisfied who left."""
    unhappy = rng.random(customers) < 0.25
    heard = rng.random(customers) < np.where(unhappy, answer[1], answer[0])
    daily = np.where(unhappy, 0.05, 0.01) / 30 * np.where(heard, 1.0, factor)
    day = rng.exponential(1 / daily)
    left, days = day < 360, np.minimum(day, 360)
    rate = left.sum() / days.sum()
    groups = [heard & ~unhappy, heard & unhappy, ~heard]
    rates = [StateRates(int(days[one].sum()), int(left[one].sum()), float(days[one].sum() * rate)) for one in groups]
    return rates, float((left & ~unhappy).sum() / left.sum())


def test_departures_answer_for_those_who_were_not_heard() -> None:
    """The dissatisfied answer less than half as often: the answers are far off, the third line is not, the bounds hold always."""
    covered, far = 0, 0
    for number in range(60):
        rng = np.random.default_rng(number)
        rates, truth = world(rng, answer=(0.30, 0.12), factor=float(np.exp(rng.normal(np.log(1.2), 0.2))))
        share = satisfied_share(*rates, rng, draws=DRAWS)
        assert share is not None and share.lowest <= truth <= share.highest
        assert share.answered is not None
        far += not share.answered.lower <= truth <= share.answered.upper
        assert share.resembling is not None
        covered += share.resembling.lower <= truth <= share.resembling.upper
    assert far >= 55
    assert covered >= 48  # of 60: nine in ten, less what chance takes (0.1 % of the time)


@pytest.mark.parametrize(
    ("rates", "reason"),
    [
        ((StateRates(1_000, 3, 4), StateRates(1_000, 9, 4), StateRates(9_000, 90, 40)), "few"),
        ((StateRates(9_000, 90, 90), StateRates(9_000, 92, 90), StateRates(9_000, 90, 90)), "no_difference"),
        ((StateRates(90_000, 300, 900), StateRates(9_000, 300, 90), StateRates(9_000, 2_000, 90)), "beyond"),
        ((StateRates(90_000, 300, 900), StateRates(9_000, 300, 90), StateRates(0, 0, 0)), "nobody_unheard"),
    ],
)
def test_what_departures_cannot_tell_has_a_reason(rates: tuple[StateRates, ...], reason: str) -> None:
    share = satisfied_share(*rates, np.random.default_rng(0), draws=DRAWS)
    assert share is not None
    assert (share.resembling, share.reason) == (None, reason)
    total = sum(one.leavers for one in rates)
    assert (share.lowest, share.highest) == (rates[0].leavers / total, (rates[0].leavers + rates[2].leavers) / total)


def test_the_same_seed_gives_the_same_figures_and_the_parts_add_up() -> None:
    scores = score_counts([(0, 0, 9, 90_000, 90), (0, 0, 8, 90_000, 120), (0, 0, 3, 10_000, 60), (0, 0, UNHEARD, 100_000, 300)])
    counts = CohortCounts.zeros(ObservationWindow.ending(date(2024, 12, 31)), scores=scores)
    one, other, third = (estimate_declared(counts, seed=seed) for seed in (0, 0, 1))
    assert one == other and one != third
    assert one is not None and one.everybody.parts == (60, 120, 90, 300)
    assert (one.everybody.leavers, one.everybody.wide, one.heard_time) == (570, 210, pytest.approx(190 / 290))
    assert estimate_declared(CohortCounts.zeros(counts.window)) is None
