"""Pauses seen only from a length on: their hazard and their lengths are recovered from customers of every rhythm."""

import numpy as np
import pytest

from iceberg.cohort.rhythm.assumptions import RhythmSettings
from iceberg.cohort.rhythm.breaks.exposure import expose
from iceberg.cohort.rhythm.breaks.fitting import _PAUSE_ENDS, _PAUSE_WEIGHT, _pauses
from tests.cohort.rhythm.worlds import block_of

WEEKS = 104


def log_with_pauses(rates: np.ndarray, *, hazard: float, ends: float, seed: int) -> np.ndarray:
    """Visits of members who pause for two weeks and then on, each further week with probability 1 - `ends`."""
    rng = np.random.default_rng(seed)
    here = np.ones((len(rates), WEEKS), bool)
    for row in here:
        week = 1
        while week < WEEKS:
            if rng.random() < hazard:
                length = 1 + rng.geometric(ends)
                row[week : week + length] = False
                week += length
            week += 1
    return rng.poisson(rates[:, None] * here).clip(0, 7)


def test_lengths_by_hand() -> None:
    """Two who come daily (a pause shows from 2 weeks on) pause for 2 and 5 weeks, one who comes weekly (from 7 on) for 8.

    Of 2 at risk at 2 weeks 1 ends.
    """
    days = np.full((3, WEEKS), 6)
    days[2] = 1
    days[0, 20:22] = days[1, 30:35] = days[2, 40:48] = 0
    exposed = expose(block_of(days), RhythmSettings(np.ones(WEEKS)), np.ones(WEEKS))
    assert exposed.shortest_pause.tolist() == [2, 2, 7]
    hazard, survival = _pauses(exposed, np.ones(3, bool))
    prior = _PAUSE_WEIGHT * _PAUSE_ENDS
    by_hand = 1 - (1 + prior) / (2 + _PAUSE_WEIGHT)
    assert survival[:3].tolist() == [1, 1, 1] and survival[3] == pytest.approx(by_hand)
    for at_risk, ends in ((1, 0), (1, 0), (1, 1), (0, 0)):  # of 3, 4, 5 and 6 weeks
        by_hand *= 1 - (ends + prior) / (at_risk + _PAUSE_WEIGHT)
    assert survival[7] == pytest.approx(by_hand)
    weeks = [float((row > 0).sum()) for row in exposed.weeks]
    assert hazard == pytest.approx((3 + 1) / (weeks[0] + weeks[1] + weeks[2] * survival[7]))


@pytest.mark.parametrize("slow", [0.0, 0.8])
def test_the_same_pauses_are_found_whoever_shows_them(slow: float) -> None:
    """Four fifths of members who come once a week show long pauses only; how often pauses begin, and how long they last, is the same."""
    rates = np.where(np.random.default_rng(1).random(1_500) < slow, 1.0, 4.0)
    exposed = expose(block_of(log_with_pauses(rates, hazard=0.015, ends=0.25, seed=2)), RhythmSettings(np.ones(WEEKS)), np.ones(WEEKS))
    hazard, survival = _pauses(exposed, np.ones(len(rates), bool))
    assert hazard == pytest.approx(0.015, rel=0.15)
    assert survival[[3, 5, 9]] == pytest.approx([0.75, 0.75**3, 0.75**7], abs=0.05)
