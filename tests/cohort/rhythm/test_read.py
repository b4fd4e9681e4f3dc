"""`read_rhythm`, the rhythms beside an estimate, and how they are stored."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

import iceberg
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.rhythm.counts import RhythmCounts
from iceberg.cohort.rhythm.read import find_rhythms, without_inactivity
from iceberg.simulation.gym import gym_files


@pytest.fixture(scope="module")
def gym(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("gym")
    for name, content in gym_files().items():
        (folder / name).write_bytes(content)
    return folder


@pytest.fixture(scope="module")
def counts(gym: Path) -> RhythmCounts:
    return iceberg.read_rhythm(gym / "visits.csv", customers=gym / "members.csv", incidents=gym / "incidents.csv")


def test_one_call_reads_a_log(counts: RhythmCounts) -> None:
    assert counts.stands_out and sum(counts.kinds.values()) == counts.collapsing <= counts.broken <= counts.established
    assert len(counts.weekly) == 104 and all(level >= 0 for level in counts.weekly)
    assert {one.segment for one in counts.segments} == {"Basic", "Plus", "Student"}


def test_silences_are_not_counted_where_they_are_no_departures(gym: Path) -> None:
    """That would take most of the time of reading a large log."""
    tables, report = iceberg.load_tables(activity=gym / "visits.csv", mapping=without_inactivity(None))
    with tables:
        counted = "SELECT count(*), count(end_date), count(*) - count(start_date) FROM customers"
        [(customers, left, unknown)] = tables.engine.execute(counted).fetchall()
    assert report.joining.inactivity is None
    assert (customers, left, unknown) == (report.joining.customers, 0, 0) and customers > 500


def test_a_log_beside_an_estimate_gives_the_same_and_fewer_alarms_for_smaller_budgets(gym: Path, counts: RhythmCounts) -> None:
    """Silence that the rule of inactivity took for a departure is none here."""
    tables, _ = iceberg.load_tables(gym / "members.csv", activity=gym / "visits.csv", incidents=gym / "incidents.csv")
    with tables:
        found = find_rhythms(tables)
    assert found[0].to_dict() == counts.to_dict()
    by_budget = sorted(found, key=lambda one: one.budget)
    assert [one.budget for one in by_budget] == [1, 2, 3, 5]
    assert sorted(one.threshold for one in by_budget) == [one.threshold for one in reversed(by_budget)]
    assert [one.collapsing for one in by_budget] == sorted(one.collapsing for one in by_budget)
    assert all(one.categories == counts.categories for one in found if one.threshold == counts.threshold)


def test_it_comes_back_from_a_store_as_it_was(gym: Path, counts: RhythmCounts) -> None:
    assert RhythmCounts.from_dict(json.loads(json.dumps(counts.to_dict()))).to_dict() == counts.to_dict()
    tables, _ = iceberg.load_tables(gym / "members.csv", gym / "complaints.csv")
    with tables:
        plain = iceberg.reduce_tables(tables)
    held = replace(plain, rhythms=(counts,))
    back = read_counts(write_counts(held))
    assert back.digest == held.digest != plain.digest and back.rhythms[0].since == counts.since
    assert back.rhythms[0].collapsing == counts.collapsing
    assert held.select(segments=[held.segments[0]]).rhythms == ()  # those of all are not those of a segment


def test_nothing_of_a_customer_is_in_it(counts: RhythmCounts) -> None:
    assert "M1" not in json.dumps(counts.to_dict())


@pytest.mark.parametrize("wrong", [{"false_alarms": 0}, {"false_alarms": 51}, {"settled": 0.4}, {"settled": 1.0}])
def test_options_out_of_range_are_refused(gym: Path, wrong: dict[str, float]) -> None:
    with pytest.raises(iceberg.OptionError):
        iceberg.read_rhythm(gym / "visits.csv", **wrong)  # type: ignore[arg-type]  # numbers only


def test_a_log_of_two_weeks_says_what_is_missing() -> None:
    import pandas as pd

    log = pd.DataFrame([(f"C{one}", f"2025-03-{day:02d}") for one in range(60) for day in range(3, 17)], columns=["customer_id", "visit_date"])
    with pytest.raises(iceberg.EvidenceError, match="20"):
        iceberg.read_rhythm(log)
