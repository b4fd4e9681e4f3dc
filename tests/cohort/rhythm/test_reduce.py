"""A log becomes counts: recovery of simulated truth, invariants, and every log that holds no rhythms."""

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pytest

from iceberg.cli.arguments import activity_types
from iceberg.cohort.rhythm import reduce
from iceberg.cohort.rhythm.assumptions import FALSE_ALARMS, SETTLED, SURE_BREAK
from iceberg.cohort.rhythm.reduce import LARGEST_BUDGET, LEAST_SETTLED, reduce_rhythm
from iceberg.errors import EvidenceError, OptionError
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.simulation.gym import FIRST_DAY, NEVER, VisitWorld, simulate_visits
from tests.cohort.rhythm.worlds import BUSY, MAPPING, judge, load_log

CALM = VisitWorld(members=1_500, breaks=0.0)


def load_rows(rows: list[tuple[str, date]], **others: str):
    text = "customer_id,activity_date\n" + "".join(f"{name},{day}\n" for name, day in rows)
    more = {name: UploadedBytes(f"{name}.csv", content.encode()) for name, content in others.items()}
    return load_tables(activity=UploadedBytes("a.csv", text.encode()), mapping=MAPPING, **more)[0]


def weekly_visits(customers: int, weeks: int, *, every: int = 3, name: str = "c") -> list[tuple[str, date]]:
    """Customers who come every third day, each on days of their own."""
    days = range(0, 7 * weeks, every)
    return [(f"{name}{one}", FIRST_DAY + timedelta(days=min(day + one % every, 7 * weeks - 1))) for one in range(customers) for day in days]


def refused(rows: list[tuple[str, date]]) -> str:
    with load_rows(rows) as tables, pytest.raises(EvidenceError) as problem:
        reduce_rhythm(tables)
    return problem.value.code


def test_who_is_called_has_broken() -> None:
    """At least nine in ten of those on the list are at less than 45 % of their rhythm at the end, pauses included."""
    judged = judge()
    level = judged.log.level[judged.numbers, -3:].mean(1)
    assert len(level) > 100 and (level <= 0.5).mean() > 0.9


def test_stops_are_dated_within_two_weeks() -> None:
    judged = judge()
    week = np.array([(one.since - FIRST_DAY).days // 7 for one in judged.people])
    broke, kind = judged.log.broke[judged.numbers], judged.log.kind[judged.numbers]
    assert (np.abs(week - broke)[kind == 1] <= 2).mean() > 0.8


def test_what_is_said_to_last_lasts() -> None:
    """Of breaks said to last with 80 % and more, at least 80 % are for good; of those said with less than half, at most three quarters."""
    judged = judge()
    said = np.array([one.p_lasts for one in judged.people])
    for_good = judged.log.lasting[judged.numbers, -1] <= 0.45
    assert for_good[said >= 0.8].mean() >= 0.8 and for_good[said < 0.5].mean() <= 0.75


def test_where_nobody_breaks_hardly_a_call_is_settled() -> None:
    calm = judge(CALM)
    settled = sum(one.p_lasts >= 0.8 for one in calm.people)
    assert settled <= 3 and calm.counts.settled <= 2
    assert calm.counts.stands_out is not True


def test_counts_agree_with_the_list_and_with_each_other() -> None:
    judged = judge(segments=True)
    counts = judged.counts
    recent = [one for one in judged.people if one.since >= counts.since]
    assert len(judged.people) == counts.broken and len(recent) == counts.collapsing == sum(counts.kinds.values())
    assert sum(one.p_lasts >= counts.settled_from and one.p_broken >= SURE_BREAK for one in recent) == counts.settled
    assert sum(1 - one.p_broken for one in recent) == pytest.approx(counts.expected_by_chance, abs=1e-3)
    assert sum(one.established for one in counts.segments) == counts.established and len(counts.segments) == 3
    assert sum(one.collapsing for one in counts.segments) == counts.collapsing
    assert sum(one.expected for one in counts.segments) == pytest.approx(counts.collapsing)
    assert all(one.since_low <= one.since <= one.since_high and 0 <= one.p_lasts <= one.p_broken <= 1 for one in judged.people)
    assert all(one.since.weekday() == 0 for one in judged.people)
    assert counts.usual.lower <= counts.usual.median <= counts.usual.upper
    assert {one.week for one in counts.trace} == set(range(-26, 14))
    assert all(one.people >= 5 or one.level is None for one in counts.trace)
    before = [one.level for one in counts.trace if -10 <= one.week < 0]
    after = [one.level for one in counts.trace if 0 <= one.week <= 5]
    assert min(before) > 0.6 and max(after) < 0.3


def test_a_smaller_budget_of_false_alarms_calls_fewer() -> None:
    strict, loose = (judge(false_alarms=budget).counts for budget in (0.5, 10.0))
    assert strict.threshold > loose.threshold and strict.broken <= loose.broken and strict.false_alarms <= 0.5


def test_the_order_of_rows_changes_nothing() -> None:
    log = simulate_visits(replace(BUSY, members=300), seed=3)
    lines = log.activity_csv().decode().splitlines()
    turned = "\n".join([lines[0], *reversed(lines[1:])]) + "\n"
    with load_log(log) as one:
        first = reduce_rhythm(one)
    files = {"activity": UploadedBytes("visits.csv", turned.encode()), "incidents": UploadedBytes("incidents.csv", log.incidents_csv())}
    with load_tables(**files, mapping=MAPPING)[0] as other:
        assert reduce_rhythm(other) == first


def test_the_number_of_threads_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """Blocks are judged side by side and added up in their order, whichever is done first."""
    log, found = simulate_visits(replace(BUSY, members=400), seed=3), []
    monkeypatch.setattr(reduce, "_BLOCK", 23)
    monkeypatch.setattr(reduce, "PART", 50)
    for threads in (1, 4):
        monkeypatch.setattr(reduce, "_THREADS", threads)
        with load_log(log, segments=True) as tables:
            found.append(reduce_rhythm(tables))
    assert found[0] == found[1]
    monkeypatch.undo()
    with load_log(log, segments=True) as tables:
        whole = reduce_rhythm(tables)
    assert (whole.broken, whole.settled, whole.kinds, whole.segments) == (found[0].broken, found[0].settled, found[0].kinds, found[0].segments)


def test_several_visits_a_day_are_one() -> None:
    log = simulate_visits(replace(BUSY, members=300), seed=3)
    text = log.activity_csv().decode().splitlines()
    twice = "\n".join([text[0], *text[1:], *(line.replace("T0", "T1") for line in text[1::3])]) + "\n"
    with load_log(log) as one:
        first = reduce_rhythm(one)
    files = {"activity": UploadedBytes("visits.csv", twice.encode()), "incidents": UploadedBytes("incidents.csv", log.incidents_csv())}
    with load_tables(**files, mapping=MAPPING)[0] as other:
        assert reduce_rhythm(other) == first


def test_logs_without_rhythms_are_refused() -> None:
    assert refused(weekly_visits(60, 2)) == "rhythm_short"
    assert refused([(f"c{one}", FIRST_DAY + timedelta(days=one % 300)) for one in range(900)]) == "rhythm_one_visit"
    rare = [(f"c{one}", FIRST_DAY + timedelta(days=one % 90 + 120 * time)) for one in range(200) for time in range(3)]
    assert refused(rare) == "rhythm_no_regulars"
    assert refused(weekly_visits(20, 60)) == "rhythm_no_regulars"


def test_a_log_that_thins_out_loses_its_last_weeks_and_says_so() -> None:
    rows = weekly_visits(80, 60) + [(f"c{one}", FIRST_DAY + timedelta(days=7 * 60 + one)) for one in range(14)]
    with load_rows(rows) as tables:
        counts = reduce_rhythm(tables)
    assert [one.code for one in counts.remarks][:1] == ["thin_end"] and counts.collapsing == 0
    assert counts.as_of == FIRST_DAY + timedelta(days=7 * 60 - 1)


def test_staff_cards_and_machines_are_left_out_and_said() -> None:
    doors = [("door", FIRST_DAY + timedelta(days=day)) for day in range(400) for _ in range(40)]
    with load_rows(weekly_visits(120, 60) + doors) as tables:
        counts = reduce_rhythm(tables)
    [remark] = [one for one in counts.remarks if one.code == "staff_cards"]
    assert remark.values["count"] == 1


def test_a_log_that_stops_before_the_other_files_says_so() -> None:
    late = FIRST_DAY + timedelta(days=7 * 60 + 40)
    with load_rows(weekly_visits(60, 60), complaints=f"customer_id,complaint_date,category\nc1,{late},billing\nc2,{late},billing\n") as tables:
        counts = reduce_rhythm(tables)
    assert "stops_early" in [one.code for one in counts.remarks]


def test_a_short_log_says_what_it_leans_on() -> None:
    short = judge(replace(BUSY, members=800, weeks=30, incidents=0.0)).counts
    assert "no_past" in [one.code for one in short.remarks] and short.usual is None and short.stands_out is None
    longer = judge(replace(BUSY, members=800, weeks=60, incidents=0.0)).counts
    assert longer.usual is not None


def test_customers_who_left_openly_are_counted_apart() -> None:
    days = {f"c{one}": FIRST_DAY + timedelta(weeks=40) for one in range(10)}
    rows = [(name, day) for name, day in weekly_visits(100, 60) if day <= days.get(name, day)]
    customers = "customer_id,start_date,end_date\n" + "".join(f"c{one},2023-01-01,{days.get(f'c{one}', '')}\n" for one in range(100))
    with load_rows(rows, customers=customers) as tables:
        counts = reduce_rhythm(tables)
    assert (counts.left, counts.established, counts.broken) == (10, 90, 0)


@pytest.mark.parametrize("value", [0.0, -1.0, LARGEST_BUDGET + 1, float("nan")])
def test_a_budget_out_of_range_is_refused(value: float) -> None:
    with load_rows(weekly_visits(5, 3)) as tables, pytest.raises(OptionError, match="alarms by chance"):
        reduce_rhythm(tables, false_alarms=value)


def test_help_and_library_agree_about_the_budget_and_what_is_settled() -> None:
    assert (activity_types.FALSE_ALARMS, activity_types.LARGEST_FALSE_ALARMS) == (FALSE_ALARMS, LARGEST_BUDGET)
    assert (activity_types.SETTLED, activity_types.LEAST_SETTLED) == (SETTLED, LEAST_SETTLED)


def test_the_gym_never_says_that_somebody_left() -> None:
    log = simulate_visits(replace(BUSY, members=200), seed=4)
    assert ((log.broke == NEVER) == (log.kind == 0)).all()
    assert log.days.shape == (200, 7 * 104) and not log.days[np.arange(200), np.maximum(7 * log.joined - 1, 0)][log.joined > 0].any()
