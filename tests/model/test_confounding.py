"""How strong a common cause would have to be: hand-worked factors, what never changes them, and where there is none."""

from __future__ import annotations

import numpy as np
import pytest

from iceberg.model.departures.confounding import LARGEST_FACTOR, needed_factor


def cells(*values: float, bands: int = 1) -> np.ndarray:
    """One segment; months, then bands."""
    return np.array(values, dtype=float).reshape(1, -1, bands)


def test_two_months_by_hand() -> None:
    """Twice as many complaints in the first: (2 x 30 + 1 x 20) / (2 x (30 - 6) + 1 x (20 - 2)) = 80 / 66."""
    month = {"at_risk": cells(100, 100), "exits": cells(30, 20), "expected": cells(25, 25)}
    found = needed_factor(cells(2, 1), churn=np.array([[[6, 2]], [[0, 0]]]), **month)
    assert found == pytest.approx([80 / 66, 1.0], rel=1e-12)


def test_two_tenure_bands_by_hand() -> None:
    """Of 20 and 10 leavers the mode ascribes 3 / 10 and 1 / 10: 6 and 1 of the seven; (3 x 20 + 10) / (3 x 14 + 9) = 70 / 51."""
    band = {"at_risk": cells(100, 100, bands=2), "exits": cells(20, 10, bands=2), "expected": cells(10, 10, bands=2)}
    assert needed_factor(cells(3, 1, bands=2), churn=np.array([[[7]]]), **band) == pytest.approx([70 / 51], rel=1e-12)


def test_the_level_of_the_complaints_does_not_matter_only_where_they_are() -> None:
    month = {"churn": np.array([[[6, 2]]]), "at_risk": cells(100, 100), "exits": cells(30, 20), "expected": cells(25, 25)}
    assert needed_factor(cells(20, 10), **month) == pytest.approx(needed_factor(cells(2, 1), **month), rel=1e-12)
    assert needed_factor(cells(1, 2), **month)[0] != pytest.approx(needed_factor(cells(2, 1), **month)[0], rel=1e-3)


def test_without_complaints_nothing_has_to_be_explained_and_nothing_is_infinite() -> None:
    month = {"at_risk": cells(100, 100), "exits": cells(30, 20), "expected": cells(25, 25)}
    assert needed_factor(cells(0, 0), churn=np.array([[[0, 0]]]), **month).tolist() == [1.0]
    assert needed_factor(cells(2, 1), churn=np.array([[[30, 20]]]), **month).tolist() == [LARGEST_FACTOR]
