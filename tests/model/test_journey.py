"""Silent churn by step: sums of the draws of the categories, shares that add up, and channels that are not sold as places."""

from dataclasses import replace

import numpy as np
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import ComplaintClockCounts
from iceberg.cohort.journey.journey_counts import BLANK, JourneyCounts, Split
from iceberg.cohort.reduce import reduce_tables
from iceberg.ingest.load import load_tables
from iceberg.model.assumptions import Assumptions
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.journey.stages import Journey, estimate_journey
from iceberg.model.results import CredibleInterval, IcebergEstimate
from iceberg.model.summary import probability_largest, with_order_error
from iceberg.model.survival.net_survival import clock_of, excess_draws, matched_hazard
from iceberg.simulation.company import simulate_world

USUAL = ("before", "buying", "delivery", "use", "help", "renewal", "leaving")


@pytest.fixture(scope="module")
def made() -> tuple[CohortCounts, IcebergEstimate]:
    company = simulate_world("mixed", 3)
    tables, _ = load_tables(company.customers, company.complaints)
    with tables:
        counts = reduce_tables(tables)
    return counts, estimate_iceberg(counts, assumptions=Assumptions(draws=400))


def journey_of(made: tuple[CohortCounts, IcebergEstimate], **fields: object) -> Journey:
    counts, estimate = made
    found = estimate_journey(estimate, replace(counts, journey=JourneyCounts(USUAL, **fields)))  # type: ignore[arg-type]
    assert found is not None
    return found


def churn(estimate: IcebergEstimate) -> np.ndarray:
    return estimate.draws.silent_churn.sum(axis=(2, 3), dtype=np.float64)


def test_nothing_is_said_where_nothing_is_known(made: tuple[CohortCounts, IcebergEstimate]) -> None:
    assert made[0].journey is None and estimate_journey(made[1], made[0]) is None


def test_a_step_is_the_sum_of_its_categories_in_every_draw(made: tuple[CohortCounts, IcebergEstimate]) -> None:
    counts, estimate = made
    found = journey_of(made, placed=((0, 2), (1, 2), (2, 3)))
    lost = churn(estimate)
    delivery = next(one for one in found.stages if one.stage == "delivery")
    assert delivery.silent_churn == CredibleInterval.of(lost[:, 0] + lost[:, 1])
    assert delivery.share == CredibleInterval.of((lost[:, 0] + lost[:, 1]) / lost.sum(axis=1))
    assert delivery.vocal_customers == counts.vocal_customers[:2].sum() and delivery.by_column == 0
    assert found.unplaced.silent_churn == CredibleInterval.of(lost[:, 3:].sum(axis=1))
    assert found.without_stage == counts.categories[3:] and [one.stage for one in found.stages] == ["delivery", "use"]


def test_steps_of_one_category_each_are_as_probably_the_largest_as_the_categories(made: tuple[CohortCounts, IcebergEstimate]) -> None:
    counts, estimate = made
    found = journey_of(made, placed=tuple((place, place) for place in range(len(counts.categories))))
    by_category = {one.category: one.probability_worst for one in estimate.categories}
    for one in found.stages:
        assert one.probability_largest == pytest.approx(by_category[one.categories[0]], abs=1e-9)
    assert sum(one.probability_largest or 0.0 for one in found.stages) == pytest.approx(1.0)


def test_a_column_splits_a_category_by_its_complainants(made: tuple[CohortCounts, IcebergEstimate]) -> None:
    counts, _ = made
    number = int(counts.vocal_customers[0])
    part = number // 4
    found = journey_of(made, complained=(Split(0, 1, part), Split(0, 3, number - part)))
    buying, use = found.stages
    assert (buying.vocal_customers, use.vocal_customers, found.split) == (part, number - part, (counts.categories[0],))
    assert buying.silent_churn is not None and use.silent_churn is not None
    assert buying.silent_churn.median < use.silent_churn.median
    ratio = buying.silent_churn.median / (buying.silent_churn.median + use.silent_churn.median)
    assert ratio == pytest.approx(0.25, abs=0.06)
    assert found.unplaced.vocal_customers == counts.vocal_customers[1:].sum()


def test_an_empty_cell_is_not_placed_and_nothing_is_guessed(made: tuple[CohortCounts, IcebergEstimate]) -> None:
    number = int(made[0].vocal_customers[0])
    found = journey_of(made, complained=(Split(0, BLANK, number // 2), Split(0, 3, number - number // 2)))
    whole = journey_of(made, complained=(Split(0, 3, number),))
    assert found.stages[0].share is not None and whole.stages[0].share is not None
    assert found.stages[0].share.median < 0.7 * whole.stages[0].share.median
    none = journey_of(made, complained=(Split(0, BLANK, number),))
    assert none.stages == () and none.without_stage == made[0].categories and none.largest is None


def test_the_mapping_comes_before_the_column(made: tuple[CohortCounts, IcebergEstimate]) -> None:
    number = int(made[0].vocal_customers[0])
    found = journey_of(made, placed=((0, 4),), complained=(Split(0, 3, number),))
    assert [one.stage for one in found.stages if one.vocal_customers] == ["help"] and found.split == ()


def test_an_incident_log_says_where_the_silent_meet_a_problem(made: tuple[CohortCounts, IcebergEstimate]) -> None:
    number = int(made[0].vocal_customers[0])
    fields = {"complained": (Split(0, 1, number),), "struck": (Split(0, 3, 500),)}
    found = journey_of(made, **fields)
    by_name = {one.stage: one for one in found.stages}
    assert found.from_log and by_name["use"].share is not None and by_name["use"].share.median > 0
    assert by_name["buying"].vocal_customers == number
    assert by_name["buying"].share is None or by_name["buying"].share.median == pytest.approx(0.0, abs=1e-6)


def test_the_same_seed_gives_the_same_steps(made: tuple[CohortCounts, IcebergEstimate]) -> None:
    number = int(made[0].vocal_customers[0])
    fields = {"complained": (Split(0, 1, number // 2), Split(0, 3, number - number // 2))}
    assert journey_of(made, **fields) == journey_of(made, **fields)


def test_the_error_of_an_order_is_that_of_the_categories() -> None:
    values = np.random.default_rng(0).gamma(3.0, 10.0, (500, 3))
    moved = with_order_error(values, 0.4)
    assert probability_largest(values, error_sd=0.4).tolist() == probability_largest(moved).tolist()
    assert with_order_error(values, 0.0) is values


def test_the_excess_of_a_clock_is_what_left_beyond_the_matched(made: tuple[CohortCounts, IcebergEstimate]) -> None:
    counts, _ = made
    matched = matched_hazard(counts)
    drawn = excess_draws(counts, 0, matched, np.random.default_rng(0), horizon_days=180)
    clock = clock_of(counts, 0, matched)
    edges = np.append(counts.clock_edges_days, np.inf)
    within = np.clip(180 - edges[:-1], 0, np.diff(np.append(counts.clock_edges_days, counts.window.days)))
    hazard = clock.exits / np.maximum(clock.person_days, 1)
    by_hand = 1 - np.exp(-((hazard - clock.expected_hazard) @ within))
    assert np.median(drawn) == pytest.approx(by_hand, abs=0.02)


def channels(counts: CohortCounts) -> dict[str, object]:
    """Every complainant through one channel."""
    own = counts.clock.where(counts.clock.category == -1)
    clock = ComplaintClockCounts(**{**own.columns, "category": np.zeros_like(own.category)})
    heard = tuple(Split(place, 0, int(number)) for place, number in enumerate(counts.vocal_customers))
    return {"channels": ("web",), "heard": heard, "clock": clock}


def test_a_channel_says_who_left_and_never_splits_silence_by_itself(made: tuple[CohortCounts, IcebergEstimate]) -> None:
    counts, _ = made
    [web] = journey_of(made, **channels(counts)).channels
    assert web.vocal_customers == counts.vocal_customers_total and web.silent_churn is None
    assert web.excess is not None and 0 < web.excess.lower < web.excess.upper < 1


def test_silent_churn_is_split_by_channel_only_where_it_is_the_place(made: tuple[CohortCounts, IcebergEstimate]) -> None:
    counts, estimate = made
    [web] = journey_of(made, **channels(counts), channel_is_place=True).channels
    assert web.silent_churn is not None
    assert web.silent_churn.median == pytest.approx(float(np.median(churn(estimate).sum(axis=1))), rel=1e-9)
    logged = journey_of(made, **channels(counts), struck_through=tuple(Split(place, 0, 100) for place in range(len(counts.categories))))
    assert logged.channels[0].silent_churn is not None
