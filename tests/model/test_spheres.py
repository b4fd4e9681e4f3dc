"""Gaps of the four spheres on draws whose answer is worked by hand."""

import numpy as np
import pytest

from iceberg.cohort.journey.spheres import SphereRow
from iceberg.model.journey.spheres import _belief_shares, _low_performance, _ranks


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
    low, kind = _low_performance(rows, {"a": np.array([0.8, 0.95]), "b": np.array([0.7, 0.99])}, 2)
    assert kind == "in_time" and low["a"].tolist() == [True, False] and low["b"].tolist() == [True, False]
    low, kind = _low_performance(rows, {"a": "no_column", "b": "few"}, 2)
    assert kind == "priority" and low["a"].tolist() == [True, True] and low["b"].tolist() == [False, False]
