"""Whether breaks last: what is learned from spells of which some were none, and what counts as settled."""

import numpy as np
import pytest

from iceberg.cohort.rhythm.assumptions import PARTIAL_RETURN, RETURN_WEIGHT, SILENT_RETURN
from iceberg.cohort.rhythm.returns import AGES, ReturnTable, is_settled

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
