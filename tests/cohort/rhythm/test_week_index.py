"""The company's weeks, learned from customers whose rhythm still holds: what is everybody's shows, what comes and goes with customers does not."""

import numpy as np
import pytest

from iceberg.cohort.rhythm.assumptions import RhythmSettings
from iceberg.cohort.rhythm.breaks.exposure import build_week_index, expose
from iceberg.cohort.rhythm.breaks.fitting import _dispersion, _window_index, fit_settings
from tests.cohort.rhythm.worlds import block_of

WEEKS, ENDS = 104, (104, 91, 78)


def learned(days: np.ndarray) -> np.ndarray:
    block = block_of(days)
    index = fit_settings(block, build_week_index(block), baseline=52, ends=ENDS).week_index[-52:]
    return index / index.mean()


def test_by_hand_without_breaks_it_is_the_days_over_those_due() -> None:
    """Two customers, 4 and 2 days in each of 52 weeks, half of it in week 30: 3 of 6 days that are due at their own rates."""
    days = np.repeat([[4], [2]], 52, axis=1)
    days[:, 30] //= 2
    settings = RhythmSettings(np.ones(52), shape=1e-6, rate=1e-6, break_hazard=1e-5)
    index = _window_index(block_of(days), settings, np.ones(52))
    due = sum(row[1:].sum() / 51 for row in days)  # the first week is that of the first visit
    assert index[40] == pytest.approx(6 / due, rel=1e-3) and index[30] == pytest.approx(3 / due, rel=1e-3)


def test_what_everybody_does_together_shows_as_it_is() -> None:
    """Everybody comes less and less often, a third less within a year; set against a moving year it looked as if they came more often of late."""
    rng = np.random.default_rng(1)
    falling = np.exp(-0.4 * np.arange(WEEKS) / 52)
    days = rng.binomial(7, (rng.uniform(0.1, 0.5, (1_500, 1)) * falling))
    expected = falling[-52:] / falling[-52:].mean()
    assert np.abs(learned(days) / expected - 1).max() < 0.07
    block = block_of(days)
    before = build_week_index(block)[-52:]
    assert np.abs(before / before.mean() / expected - 1).max() > 0.1


def test_customers_who_come_less_often_and_those_who_stop_do_not_move_it() -> None:
    """Within the year a third of the customers come to a tenth of their rate, each at another time, and rare ones join: nobody else changes."""
    rng = np.random.default_rng(2)
    chance = np.repeat(rng.uniform(0.25, 0.5, (1_500, 1)), WEEKS, axis=1)
    for row, week in enumerate(rng.integers(60, 100, 500)):
        chance[row, week:] *= 0.1
    chance[1_000:, :70] = 0
    chance[1_000:, 70:] = 0.15
    assert np.abs(learned(rng.binomial(7, chance)) - 1).max() < 0.07


def test_a_clock_of_rare_visits_is_seen_as_one() -> None:
    """One visit every fourth week: single weeks vary like chance, blocks of four weeks do not vary at all."""
    days = np.zeros((60, 104), np.uint8)
    for row in range(60):
        days[row, row % 4 :: 4] = 1
    exposed = expose(block_of(days), RhythmSettings(np.ones(104)), np.ones(104))
    inside = np.ones(days.shape, bool)
    dispersion = _dispersion(exposed, inside, np.ones(60, bool), np.full(60, 0.25, np.float32))
    assert dispersion[0] == pytest.approx(0.25)  # the least that is believed
