"""The closed form by hand, what a week may say, pauses, and the numbers by which customers are compared."""

import math
from dataclasses import replace

import numpy as np
import pytest

from iceberg.cohort.rhythm.assumptions import DEFAULT_MIX, LEAST_DAYS, RAMPS, RATIOS, RhythmSettings
from iceberg.cohort.rhythm.breaks.change_point import _Sums, find_breaks, log_ratios, regular_rows
from iceberg.cohort.rhythm.breaks.exposure import build_week_index, expose, silent_runs
from tests.cohort.rhythm.worlds import block_of

FLAT = np.ones(52)


def settings(**changed: object) -> RhythmSettings:
    return RhythmSettings(FLAT, **changed)  # type: ignore[arg-type]  # fields of it


def ratios_of(days: np.ndarray, weeks: np.ndarray, **changed: object) -> np.ndarray:
    """(K, W - 1, n) log likelihood ratios, without a dispersion and wherever a break may be."""
    sums, found = _Sums.of(days, weeks), np.empty((len(RATIOS) + len(RAMPS), days.shape[1] - 1, len(days)), np.float32)
    log_ratios(sums, settings(**changed), np.ones(len(days), np.float32), np.ones(found.shape[1:], bool), out=found)
    return found


def test_the_ratio_of_likelihoods_is_that_of_the_integrals_over_the_rate() -> None:
    """3 weeks with 2, 3 and 1 days, then a rate of 0.15 of it for 2 weeks with 0 and 1: by hand."""
    days, weeks = np.array([[2, 3, 1, 0, 1]], np.float32), np.ones((1, 5), np.float32)
    found = ratios_of(days, weeks, shape=2.0, rate=1.5)
    place = RATIOS.tolist().index(0.15)
    by_hand = 1 * math.log(0.15) + (2 + 7) * (math.log(1.5 + 5) - math.log(1.5 + 3 + 0.15 * 2))
    assert found[place, 2, 0] == pytest.approx(by_hand, abs=1e-5)


def test_a_ratio_is_divided_by_the_dispersion_and_is_asked_for_only_where_a_break_is_possible() -> None:
    days, weeks = np.array([[2, 3, 1, 0, 1]] * 2, np.float32), np.ones((2, 5), np.float32)
    sums, found = _Sums.of(days, weeks), np.empty((len(RATIOS) + len(RAMPS), 4, 2), np.float32)
    log_ratios(sums, settings(), np.array([1, 2], np.float32), np.array([[True, False]] + [[True, True]] * 3), out=found)
    assert np.allclose(found[:, 1:, 0], 2 * found[:, 1:, 1], rtol=1e-5) and np.isinf(found[:, 0, 1]).all() and np.isfinite(found[:, :, 0]).all()


def test_a_rate_that_does_not_change_has_the_likelihood_of_none() -> None:
    """A fade to the full rate, or a step of one, would be no change: the formula gives 0 there."""
    sums = _Sums.of(np.array([[1, 0, 2, 1]], np.float32), np.ones((1, 4), np.float32))
    days_after, weeks_after = (total[-1] - total[2] for total in (sums.days, sums.weeks))
    assert (days_after.item(), weeks_after.item()) == (3, 2)
    weight, exposure = 1 + 4, 1 + 2 + 1.0 * 2
    assert 3 * math.log(1.0) + weight * (math.log(1 + 4) - math.log(exposure)) == 0


def test_a_fade_goes_down_in_steps_of_four_weeks() -> None:
    """8 weeks to 0.02: 0.755 for four weeks, 0.265 for four, then 0.02."""
    days, weeks = np.full((1, 16), 2, np.float32), np.ones((1, 16), np.float32)
    found = ratios_of(days, weeks)[len(RATIOS)]
    assert RAMPS[0] == (8, 0.02)
    tau = 4
    by_hand = 8 * math.log(0.755) + 8 * math.log(0.265) + 8 * math.log(0.02)
    by_hand += (1 + 32) * (math.log(1 + 16) - math.log(1 + 4 + 4 * 0.755 + 4 * 0.265 + 4 * 0.02))
    assert found[tau - 1, 0] == pytest.approx(by_hand, abs=1e-4)


def test_a_regular_who_stops_is_dated_to_the_week() -> None:
    days = np.zeros((1, 52))
    days[0, :40] = np.tile([3, 2, 3, 4], 10)
    found = find_breaks(block_of(days), settings(pause_hazard=1e-5), FLAT)
    assert found.broken.sum() > 0.99 and found.silent.sum() > 0.9 * found.broken.sum()
    assert (found.week(0.05)[0], found.week(0.5)[0], found.likeliest_week()[0]) == (40, 40, 40) and found.week(0.95)[0] <= 41
    assert found.before[0] == pytest.approx(3, abs=0.1) and found.now[0] == 0


def test_a_break_of_two_possible_dates_is_shown_at_one_of_them() -> None:
    """The median of 45 % early and 55 % late, eleven weeks apart, hangs on a tenth; the week shown has most around it."""
    found = find_breaks(block_of(np.tile([3, 2, 3, 4], (1, 13))), settings(), FLAT)
    mass = np.zeros_like(found.silent)
    mass[0, [20, 30, 31, 32]] = [0.4, 0.15, 0.3, 0.15]
    two = replace(found, silent=mass, partial=0 * mass, faded=0 * mass)
    assert two.likeliest_week()[0] == 31 and two.week(0.5)[0] == 30


def test_a_regular_who_comes_as_ever_has_not_broken() -> None:
    found = find_breaks(block_of(np.tile([3, 2, 3, 4], (1, 13))), settings(), FLAT)
    assert found.broken.sum() < 0.01


def test_far_less_is_no_silence() -> None:
    """342 visits in a year, 45 a month, then 6: broken, but still coming."""
    days = np.tile([7, 6, 7, 6], (1, 13)).astype(int)
    days[0, 40:] = [1, 2, 1, 1, 2, 1, 1, 2, 1, 1, 2, 1]
    found = find_breaks(block_of(days), settings(), FLAT)
    assert found.broken.sum() > 0.99 and found.partial.sum() > 0.5 and found.silent.sum() < 0.01
    assert abs(int(found.week(0.5)[0]) - 40) <= 1


def test_a_silence_no_longer_than_usual_pauses_is_mostly_a_pause() -> None:
    days = np.tile([3, 2, 3, 4], (1, 13)).astype(int)
    days[0, -3:] = 0
    found = find_breaks(block_of(days), settings(pause_hazard=0.02, pause_survival=0.8 ** np.arange(200.0)), FLAT)
    assert found.broken.sum() > 0.9 and found.pause.sum() > 0.7 * found.broken.sum()


def test_probabilities_never_exceed_one() -> None:
    rng = np.random.default_rng(1)
    found = find_breaks(block_of(rng.poisson(rng.gamma(1, 2, (300, 1)), (300, 52)).clip(0, 7)), settings(), FLAT)
    total = found.broken.sum(1)
    assert len(total) and (total >= 0).all() and (total <= 1 + 1e-5).all() and (found.pause <= found.silent + 1e-6).all()


def test_a_customer_is_judged_alike_alone_and_among_others() -> None:
    rng = np.random.default_rng(2)
    days = rng.poisson(2, (5_000, 52)).clip(0, 7)  # more than a chunk
    every, own = find_breaks(block_of(days), settings(), FLAT), find_breaks(block_of(days[4_321:4_322]), settings(), FLAT)
    assert np.allclose(every.broken[every.rows == 4_321], own.broken, atol=1e-6)


@pytest.mark.parametrize(("days", "regular"), [(LEAST_DAYS, True), (LEAST_DAYS - 1, False)])
def test_a_regular_has_eight_active_days_after_the_first_week(days: int, regular: bool) -> None:
    weeks = np.zeros((1, 52))
    weeks[0, 0] = 5  # the first week is selected by its first visit and counts for none
    weeks[0, 1 : days + 1] = 1
    assert bool(len(regular_rows(block_of(weeks), settings()))) is regular


def test_a_customer_who_left_openly_is_not_judged() -> None:
    block = block_of(np.full((1, 52), 2))
    block.left[0] = 30
    assert len(regular_rows(block, settings())) == 0


def test_an_own_completed_pause_carries_no_exposure() -> None:
    days = np.full((1, 52), 3)
    days[0, 20:25] = 0
    exposed = expose(block_of(days), settings(), FLAT)
    assert exposed.weeks[0, 20:25].sum() == 0 and exposed.weeks[0, 0] == 0 and exposed.weeks[0].sum() == 52 - 1 - 5


def test_silences_are_measured_and_the_last_one_is_marked() -> None:
    assert silent_runs(np.array([[1, 0, 0, 1, 0, 2, 0, 0, 0]], np.uint8)).tolist() == [[0, 2, 2, 0, 1, 0, -3, -3, -3]]


def test_a_week_in_which_the_company_is_shut_is_nobodys_break() -> None:
    rng = np.random.default_rng(3)
    days = rng.poisson(2.5, (400, 52)).clip(0, 7)
    days[:, 30] = rng.poisson(1.0, 400)
    days[:, 40] = 0
    index = build_week_index(block_of(days))
    assert index[30] == pytest.approx(0.4, abs=0.07) and index[40] == 0 and index[10] == pytest.approx(1, abs=0.1)


def test_a_season_at_the_end_of_a_log_is_not_taken_for_its_level() -> None:
    """Two years with a wave of a fifth: the usual level at both ends is that of a whole year, so the index shows the wave there as it is."""
    rng = np.random.default_rng(4)
    wave = 1 + 0.2 * np.sin(2 * np.pi * np.arange(106) / 53)
    days = rng.poisson(2.0 * wave, (3000, 106)).clip(0, 7)
    index = build_week_index(block_of(days))
    assert np.abs(index - wave)[1:].max() < 0.06
    assert index[80:104].mean() < 0.95  # half a year of low weeks stays low


def test_the_last_weeks_of_a_log_look_no_busier_because_rare_visitors_are_not_back_yet() -> None:
    """Who comes 0.4 times a week without ever leaving: counted up to the last visit only, the last weeks had 1.15 of the usual."""
    rng = np.random.default_rng(5)
    days = rng.poisson(0.4, (4000, 104)).clip(0, 7)
    index = build_week_index(block_of(days))
    assert index[-8:].mean() == pytest.approx(1, abs=0.03) and np.abs(index[-8:] - 1).max() < 0.1


def test_the_assumed_shares_of_changes_add_up() -> None:
    assert DEFAULT_MIX.sum() == pytest.approx(1) and len(DEFAULT_MIX) == len(RATIOS) + len(RAMPS)


def test_the_range_holds_the_week_in_which_a_customer_stopped_on_a_wednesday() -> None:
    """The week of the break still has visits: the first whole week without is the next one."""
    days = np.zeros((1, 52))
    days[0, :40] = 6
    days[0, 39] = 2
    low, high = find_breaks(block_of(days), settings(pause_hazard=1e-5), FLAT).week_range()
    assert low[0] <= 39 <= high[0]
