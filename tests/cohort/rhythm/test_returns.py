"""Whether breaks last: what is learned from spells of which some were none, and what counts as settled."""

import numpy as np
import pytest

from iceberg.cohort.rhythm.assumptions import PARTIAL_RETURN, RETURN_WEIGHT, SILENT_RETURN
from iceberg.cohort.rhythm.returns import AGES, Correction, Lasting, ReturnTable, is_settled

AGE = 5


def spells(number: int) -> np.ndarray:
    """Silences of one age."""
    masses = np.zeros((number, 2, AGES), dtype=np.float32)
    masses[:, 0, AGE] = 0.9
    return masses


def test_spells_that_are_surely_breaks_are_counted_by_hand() -> None:
    table, returned = ReturnTable(), np.arange(200) < 50
    table.add(spells(200), np.ones(200), returned)
    by_hand = (SILENT_RETURN[AGE] * RETURN_WEIGHT + 50) / (RETURN_WEIGHT + 200)
    assert table.chance[0, AGE] == pytest.approx(by_hand, abs=1e-6)


def test_who_only_stayed_away_by_chance_does_not_make_breaks_heal() -> None:
    """Of 1,000 spells 100 were none, and 95 of these are back within four weeks: no break ended at all."""
    table, returned = ReturnTable(), np.arange(1000) < 95
    table.add(spells(1000), np.full(1000, 0.9), returned)
    assert table.chance[0, AGE] < 0.02  # counted as they stand it would be 0.095


def test_both_kinds_of_ends_are_told_apart_by_their_number() -> None:
    """180 of 900 breaks end beside 95 of 100 that were none."""
    table, returned = ReturnTable(), np.arange(1000) < 275
    table.add(spells(1000), np.full(1000, 0.9), returned)
    assert table.chance[0, AGE] == pytest.approx(0.2, abs=0.01)


def test_without_a_past_the_assumption_stands() -> None:
    assert np.array_equal(ReturnTable().chance, np.stack([SILENT_RETURN, PARTIAL_RETURN]))


def test_what_may_be_no_break_is_not_settled() -> None:
    broken, lasts = np.array([0.94, 0.96, 0.96]), np.array([0.9, 0.9, 0.7])
    assert is_settled(broken, lasts, 0.8).tolist() == [False, True, False]


def test_ages_that_no_spell_reached_follow_the_age_before() -> None:
    """Silences of one age hardly ever end: of those that are older, of which there are none, no more is said to end than the assumption adds."""
    table = ReturnTable()
    table.add(spells(2_000), np.ones(2_000), np.zeros(2_000, bool))
    ratio = table.chance[0, AGE + 1 :] / table.chance[0, AGE]
    assert ratio == pytest.approx(SILENT_RETURN[AGE + 1 :] / SILENT_RETURN[AGE])
    assert table.chance[0, -1] < 0.1 * SILENT_RETURN[-1]


def test_what_a_back_test_shows_corrects_what_is_said() -> None:
    """950 spells said to last with 0.3, of which 40 % did: (950 x 0.4 + 50 x 0.3) / 1,000."""
    lasting = Lasting(np.full((2, AGES), 0.3), Correction.learned(np.full(950, 0.3), np.ones(950), np.arange(950) < 380))
    masses = np.zeros((1, 2, AGES), np.float32)
    masses[0, 0, AGE] = 0.9
    assert lasting.of(masses) == pytest.approx([0.9 * 0.395], abs=1e-6)


def test_a_correction_never_turns_an_order_round() -> None:
    said = np.concatenate([np.full(400, 0.35), np.full(400, 0.65)])
    correction = Correction.learned(said, np.ones(800), np.arange(800) < 400)  # all of the less likely ones lasted, none of the others
    assert (np.diff(correction.came) >= 0).all() and (np.diff(correction.said) > 0).all()


def test_nothing_lasts_more_surely_than_it_is_broken() -> None:
    rng = np.random.default_rng(5)
    masses = rng.dirichlet(np.ones(2 * AGES), 50).reshape(50, 2, AGES) * rng.random((50, 1, 1))
    lasting = Lasting(rng.random((2, AGES)), Correction.learned(rng.random(300), np.ones(300), rng.random(300) < 0.8))
    assert (lasting.of(masses) <= masses.sum((1, 2)) + 1e-12).all()


def test_silence_is_settled_from_the_age_at_which_it_is_said_to_last() -> None:
    share = np.tile(np.linspace(0.2, 0.98, AGES), (2, 1))
    plain = Lasting(share)
    assert plain.visible_weeks(0.8) == 4 * int(np.flatnonzero(share[0] >= 0.8)[0])
    surer = Lasting(share, Correction.learned(np.full(2_000, 0.6), np.ones(2_000), np.arange(2_000) < 1_900))
    assert surer.visible_weeks(0.8) < plain.visible_weeks(0.8)
