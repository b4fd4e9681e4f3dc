"""The ripple: who stands for whom, a loss that breaks rhythms, one that does not, and households, whose first one stands for who brought them."""

import io
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import iceberg
from iceberg.cohort.rhythm.companions import Companions
from iceberg.cohort.rhythm.counts import COMPANIONS, RhythmCategory, RhythmCounts
from iceberg.cohort.rhythm.weeks import ActivityWeeks
from iceberg.model.decision.ripple import ripple_scenario
from iceberg.simulation.gym import VisitLog, VisitWorld, simulate_visits

WORLD = VisitWorld(members=3000, companions=0.6, ripple=0.3, pauses=0.006)


def files(log: VisitLog) -> tuple[pd.DataFrame, pd.DataFrame]:
    return pd.read_csv(io.BytesIO(log.activity_csv())), pd.read_csv(io.BytesIO(log.members_csv()))


def loss(counts: RhythmCounts) -> RhythmCategory:
    [found] = [one for one in counts.categories if one.source == COMPANIONS]
    return found


def test_a_loss_that_breaks_rhythms_is_found_and_one_that_does_not_is_not() -> None:
    activity, members = files(log := simulate_visits(WORLD, seed=1))
    found = loss(iceberg.read_rhythm(activity, customers=members))
    assert found.verdict == "more" and found.ratio is not None and found.ratio.lower > 2
    # Losses are known only of companions who are regulars, still broken at the end: the excess is part of what they broke, never more.
    true = int((log.by_companion & (log.broke >= log.world.weeks - 52)).sum())
    assert 0.35 * true <= found.observed - found.expected <= 1.1 * true
    activity, members = files(simulate_visits(replace(WORLD, ripple=0.0), seed=2))  # one in twenty would be called all the same
    none = loss(iceberg.read_rhythm(activity, customers=members))
    assert none.verdict == "not_distinguishable"


def test_a_world_without_companions_has_none() -> None:
    log = simulate_visits(VisitWorld(members=400), seed=2)
    assert (log.companion == -1).all() and not log.by_companion.any()
    activity, members = files(log)
    assert "referrer_id" not in members and iceberg.read_rhythm(activity, customers=members).categories == ()


def test_companions_change_nothing_else_of_a_world() -> None:
    """They are drawn apart: without a ripple every day is the same."""
    world = VisitWorld(members=300, weeks=60)
    assert (simulate_visits(world, seed=3).days == simulate_visits(replace(world, companions=0.6), seed=3).days).all()


def pairs(column: str, values: list[str]) -> set[tuple[str, str]]:
    """Member and companion of five customers, who come every other day, the first one since longest."""
    days = pd.date_range("2025-01-06", "2025-09-28", freq="2D").strftime("%Y-%m-%d")
    activity = pd.DataFrame([(f"C{one}", day) for one in range(5) for day in days], columns=["customer_id", "visit_date"])
    starts = [f"2024-0{1 + one}-05" for one in range(5)]
    members = pd.DataFrame({"customer_id": [f"C{one}" for one in range(5)], "start_date": starts, column: values})
    tables, _ = iceberg.load_tables(customers=members, activity=activity)
    with tables:
        weeks = ActivityWeeks.read(tables)
        read = Companions.read(weeks)
        if read is None:
            return set()
        names = weeks.ids([int(number) for number in {*read.member.tolist(), *read.companion.tolist()}])
        return {(names[member], names[companion]) for member, companion in zip(read.member.tolist(), read.companion.tolist(), strict=True)}


@pytest.mark.parametrize("column", ["referrer_id", "parrain", "invited_by"])
def test_an_id_in_the_column_is_who_brought_the_customer(column: str) -> None:
    assert pairs(column, ["", "C0", "c0 ", "C1", "C4"]) == {("C1", "C0"), ("C2", "C0"), ("C3", "C1")}  # nobody brought oneself


@pytest.mark.parametrize("column", ["household", "foyer", "groupe"])
def test_in_a_household_the_first_one_stands_for_who_brought_the_others(column: str) -> None:
    assert pairs(column, ["H1", "H2", "H1", "H1", "H2"]) == {("C2", "C0"), ("C3", "C0"), ("C4", "C1")}


def test_a_column_of_blanks_links_nobody() -> None:
    assert pairs("referrer_id", ["", "", "", "", ""]) == set()


def test_losses_are_breaks_and_open_departures_whichever_comes_first() -> None:
    read = Companions(np.array([0, 1, 2, 3]), np.array([5, 6, -1, 7]), np.array([90, 200, 70, 200]), np.full(10, -1))
    read.add(np.array([5, 6]), np.array([60, 40]))
    found = read.events(50, 100)  # the break of 6 lies before, 7 never broke
    assert found["number"].tolist() == [0, 2] and found["week"].tolist() == [60, 70]


def test_the_scenario_by_hand() -> None:
    """40 members and 6 % in 90 days: 40 * 0.06 * (1.8 - 1) = 1.92, between a ratio of 1.193 and one of 2.716."""
    log = simulate_visits(VisitWorld(members=300, weeks=60), seed=3)
    counts = replace(iceberg.read_rhythm(files(log)[0]), established=1000, collapsing=91, unlikely_to_return=60 / 90)
    found = ripple_scenario(counts, 40)
    assert found is not None and found.hazard == pytest.approx(0.06)
    assert [round(value, 2) for value in (found.extra.lower, found.extra.median, found.extra.upper)] == [0.46, 1.92, 4.12]
    assert ripple_scenario(counts, 0) is None and ripple_scenario(replace(counts, established=0), 5) is None
