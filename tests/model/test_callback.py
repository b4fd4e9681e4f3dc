"""Whom to call: proportions by hand, positions drawn at random with known probabilities, nothing said of fewer than five, what is refused."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.errors import OptionError
from iceberg.locale import Translator
from iceberg.model.decision.callback import plan_callback
from iceberg.model.decision.proportional_draw import draw_positions, share_out
from iceberg.model.results import CredibleInterval, IcebergEstimate
from iceberg.report.words import chance_text, simple_fraction
from tests.report.examples import example_counts, example_estimate

LEAVERS = {"North": 60, "South": 30, "Online": 10}


@cache
def study() -> tuple[IcebergEstimate, CohortCounts]:
    return example_estimate(3), example_counts(3)


def test_places_are_shared_out_in_proportion_by_largest_remainders() -> None:
    """10 of 50, 30, 20 are 5, 3 and 2; 7 of three equal strata are 3, 2 and 2; nobody is drawn twice."""
    assert share_out(10, [50, 30, 20]).tolist() == [5, 3, 2]
    assert share_out(7, [30, 30, 30]).tolist() == [3, 2, 2]
    assert share_out(99, [3, 0, 4]).tolist() == [3, 0, 4]
    assert share_out(5, [0, 0]).tolist() == [0, 0]


def test_every_member_of_a_stratum_is_as_likely_to_be_drawn() -> None:
    """3 of 12, four thousand times: each position is drawn in a quarter of them."""
    rng = np.random.default_rng(0)
    drawn = np.zeros(12)
    for _ in range(4000):
        (positions,) = draw_positions([3], [12], rng)
        assert len(set(positions.tolist())) == 3
        drawn[positions] += 1
    assert drawn / 4000 == pytest.approx(np.full(12, 0.25), abs=4 * np.sqrt(0.25 * 0.75 / 4000))


def test_the_list_is_as_long_as_asked_each_on_it_once_and_a_part_is_not_called() -> None:
    plan = plan_callback(*study(), LEAVERS, people=20, control=0.25)
    assert {one.segments: (one.drawn, one.leavers) for one in plan.strata} == {("North",): (12, 60), ("Online",): (2, 10), ("South",): (6, 30)}
    assert all(one.probability == pytest.approx(0.2) for one in plan.strata)
    orders = sorted(order for places in plan.places for order, _ in places.values())
    assert orders == list(range(1, 21)) and plan.held_out == 5
    assert sum(held for places in plan.places for _, held in places.values()) == 5
    again = plan_callback(*study(), LEAVERS, people=20, control=0.25)
    assert again.places == plan.places  # the seed decides, and nothing else
    assert plan_callback(*study(), LEAVERS, people=20, control=0.0).held_out == 0


def test_what_to_expect_follows_the_share_of_the_cell() -> None:
    """Where no departure is natural, everybody called is a hit; where all are, nobody is."""
    estimate, counts = study()
    everybody = replace(estimate, draws=replace(estimate.draws, natural=np.zeros_like(estimate.draws.natural)))
    plan = plan_callback(everybody, counts, LEAVERS, people=20, control=0.25)
    assert (plan.hits.lower, plan.hits.upper) == (15, 15)
    assert all(one.chance.median == 1.0 and len(one.categories) == 3 for one in plan.strata)
    nobody = replace(estimate, draws=replace(estimate.draws, silent_churn=np.zeros_like(estimate.draws.silent_churn)))
    plan = plan_callback(nobody, counts, LEAVERS, people=20)
    assert plan.hits.upper == 0 and all(one.categories == () for one in plan.strata)


def test_nothing_is_said_of_fewer_than_five() -> None:
    plan = plan_callback(*study(), {"North": 60, "South": 3, "Online": 4}, people=20)
    assert {one.segments: one.leavers for one in plan.strata} == {("North",): 60, ("South", "Online"): 7}
    plan = plan_callback(*study(), {"North": 60, "South": 3, "Online": 0}, people=20)
    assert [one.leavers for one in plan.strata] == [63]


@pytest.mark.parametrize(
    ("leavers", "options", "code"),
    [
        ({}, {}, "callback_nobody"),
        ({"North": 4}, {}, "callback_few"),
        (LEAVERS, {"control": 1.0}, "callback_control"),
        (LEAVERS, {"people": 0}, "callback_people"),
        (LEAVERS, {"people": 1, "control": 0.9}, "callback_all_held"),
    ],
)
def test_a_list_that_cannot_be_is_refused(leavers: dict[str, int], options: dict[str, float], code: str) -> None:
    with pytest.raises(OptionError) as refused:
        plan_callback(*study(), leavers, **options)  # type: ignore[arg-type]  # of a test
    assert refused.value.code == code
    estimate, counts = study()
    with pytest.raises(OptionError) as refused:
        plan_callback(estimate, counts.select(segments=counts.segments[:2]), LEAVERS)
    assert refused.value.code == "follow_part"


def test_chances_are_said_as_people_say_them() -> None:
    assert [simple_fraction(rate) for rate in (0.4, 0.33, 0.5, 0.17, 0.25, 0.03, 0.97, 0.001)] == [
        (2, 5), (1, 3), (1, 2), (1, 6), (1, 4), (1, 30), (29, 30), (1, 100),
    ]  # fmt: skip
    assert chance_text(CredibleInterval(1 / 6, 0.4, 0.6), Translator("en")) == "about 2 in 5 (1 in 6 to 3 in 5)"
    assert chance_text(CredibleInterval(1 / 6, 0.4, 0.6), Translator("fr")) == "environ 2 sur 5 (1 sur 6 à 3 sur 5)"
