"""Negative controls: no silent churn for them, the same for all others, what was found for them as bias, and a warning above chance."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from benchmarks.calibration.direct_counts import count_directly
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.reduce import with_controls
from iceberg.errors import OptionError
from iceberg.model.assumptions import Assumptions
from iceberg.model.departures.controls import set_controls_apart
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.results import IcebergEstimate, LevelDraws, PlaceboInterval
from iceberg.simulation.company import simulate_world
from tests.model.build import linked_counts

HELD = Assumptions(draws=400)


@cache
def small() -> CohortCounts:
    return count_directly(simulate_world("small", 0))


@cache
def estimates() -> tuple[IcebergEstimate, IcebergEstimate]:
    """Without a control, and with the largest category as one."""
    plain = estimate_iceberg(small(), assumptions=HELD)
    largest = max(plain.categories, key=lambda one: one.silent_churn.median).category
    return plain, estimate_iceberg(with_controls(small(), [largest]), assumptions=HELD)


def test_a_control_gets_nothing_and_what_was_found_for_it_is_what_it_would_have_got() -> None:
    plain, held = estimates()
    [control] = held.controls
    before = {one.category: one for one in plain.categories}
    after = {one.category: one for one in held.categories}
    assert control.found == before[control.category].silent_churn
    assert control.placebo == before[control.category].placebo
    assert after[control.category].silent_churn.upper == 0
    assert after[control.category].probability_worst == 0
    for name, one in after.items():
        if name != control.category:
            assert one.silent_churn == before[name].silent_churn
            assert one.common_cause == before[name].common_cause


def test_totals_are_those_of_the_other_categories_and_nobody_is_lost() -> None:
    plain, held = estimates()
    place = [one.category for one in held.categories].index(held.controls[0].category)
    churn = plain.draws.silent_churn.sum(axis=(2, 3), dtype=np.float64)
    others = np.delete(churn, place, axis=1).sum(axis=1)
    assert held.total.silent_churn.median == pytest.approx(np.median(others), rel=1e-9)
    assert held.total.placebo is not None and plain.total.placebo is not None
    assert held.total.placebo.upper < plain.total.placebo.upper
    everybody = held.draws.silent_churn.sum(axis=1) + held.draws.natural
    assert np.array_equal(everybody, np.broadcast_to(small().silent_exits.sum(axis=2), everybody.shape))


def answer(found: int, *, noise: float) -> LevelDraws:
    """Two categories in one cell; `found` of the first in every draw."""
    churn = np.full((50, 2, 1, 1), 0, dtype=np.float32)
    churn[:, 0], churn[:, 1] = found, 3
    one = np.full((50, 2), 0.1)
    placebo = (PlaceboInterval(0.0, 0.0, noise), PlaceboInterval(0.0, 0.0, 1.0), PlaceboInterval(0.0, 0.0, 1.0))
    return LevelDraws(churn, np.full((50, 1, 1), 5, dtype=np.float32), one, one, one, placebo=placebo)


def two_categories() -> CohortCounts:
    return with_controls(linked_counts({"weather": 40, "billing": 40}, silent_leavers=60), ["weather"])


def test_above_chance_a_common_cause_is_likely_and_within_chance_nothing_is_said() -> None:
    counts = two_categories()
    place = counts.categories.index("weather")
    order = [place, 1 - place]

    def of(found: int, noise: float) -> LevelDraws:
        made = answer(found, noise=noise)
        assert made.placebo is not None
        placebo = (*(made.placebo[index] for index in order), made.placebo[-1])
        return replace(made, silent_churn=made.silent_churn[:, order], placebo=placebo)

    loud = set_controls_apart(of(12, 4.0), counts, tested=True)
    assert [(one.code, one.severity, one.category, one.values) for one in loud.diagnostics] == [
        ("common_cause_likely", "warning", None, {"control": "weather", "found": 12, "placebo": 4})
    ]
    assert loud.natural.ravel()[0] == 5 + 12
    assert set_controls_apart(of(12, 12.0), counts, tested=True).diagnostics == ()
    assert set_controls_apart(of(12, 4.0), counts, tested=False).controls[0].found is None


def test_a_control_must_be_a_category_and_may_not_be_all_of_them() -> None:
    with pytest.raises(OptionError) as unknown:
        with_controls(small(), ["wether"])
    assert unknown.value.code == "control_unknown"
    with pytest.raises(OptionError) as nothing_left:
        with_controls(small(), small().categories)
    assert nothing_left.value.code == "controls_only"


def test_counts_on_disk_know_their_controls() -> None:
    counts = two_categories()
    assert read_counts(write_counts(counts)).negative_controls == ("weather",)
    assert counts.digest != replace(counts, negative_controls=()).digest
