"""Counting scores: every day at risk has one state, as an explosion into days counts it, and no customer leaves the engine."""

import json
from collections import Counter
from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.scores.count import QUIET_DAYS
from iceberg.cohort.scores.score_counts import NO_COMPLAINT, UNANSWERED, UNHEARD, ScoreCounts
from iceberg.cohort.window import ObservationWindow
from iceberg.errors import EvidenceError
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from tests.companies import write_company

WINDOW = ObservationWindow(date(2024, 1, 1), date(2024, 12, 31))


def count(customers: pd.DataFrame, scores: pd.DataFrame, complaints: pd.DataFrame | None = None, **options: object) -> CohortCounts:
    complaints = pd.DataFrame({"customer_id": ["C0"], "complaint_date": ["2023-01-01"], "category": ["x"]}) if complaints is None else complaints
    tables, _ = load_tables(customers, complaints, scores=scores, mapping=MappingSet().with_scale("0-10"))
    with tables:
        return reduce_tables(tables, window=WINDOW, keep_months=True, keep_cancellations=True, term=0, **options)  # type: ignore[arg-type]


def state_of_day(day: date, answers: dict[date, int], asked: set[date], look_back: int) -> int:
    """The rule, day by day: the latest score that holds already, unless it is stale; else a question without an answer."""
    holding = [one for one in answers if one + timedelta(days=QUIET_DAYS + 1) <= day]
    if holding and day <= max(holding) + timedelta(days=look_back):
        return answers[max(holding)]
    open_questions = [one for one in asked if one + timedelta(days=QUIET_DAYS + 1) <= day <= one + timedelta(days=look_back)]
    return UNANSWERED if open_questions else UNHEARD


@pytest.mark.parametrize("seed", range(6))
def test_days_and_departures_by_state_are_those_of_an_explosion_into_days(seed: int) -> None:
    rng = np.random.default_rng(seed)
    look_back = (180, 60)[seed % 2]
    customers, scores, complaints = [], [], []
    expected, leavers = Counter[int](), Counter[tuple[int, int]]()
    gone = Counter[int]()
    for number in range(60):
        start = date(2023, 6, 1) + timedelta(days=int(rng.integers(0, 400)))
        end = start + timedelta(days=int(rng.integers(0, 500))) if rng.random() < 0.6 else None
        end = end if end is None or end <= WINDOW.as_of else None
        customers.append((f"C{number}", start, end, "north" if number % 2 else "south"))
        answers: dict[date, int] = {}
        asked: set[date] = set()
        for _ in range(int(rng.integers(0, 5))):
            day = start + timedelta(days=int(rng.integers(-20, 500)))
            level = int(rng.integers(0, 11)) if rng.random() < 0.6 else None
            if day > WINDOW.as_of:
                continue
            scores.append((f"C{number}", None if level is None else day, day, level))
            if day < start or (end is not None and day > end):
                continue
            if level is None:
                asked.add(day)
            else:
                answers[day] = min(level, answers.get(day, level))
        asked -= set(answers)
        spoke = start + timedelta(days=30) if number % 5 == 0 else None
        if spoke is not None and spoke <= WINDOW.as_of:
            complaints.append((f"C{number}", spoke, "billing" if number % 2 else "delivery"))
        day = max(start, WINDOW.since)
        last = end or WINDOW.as_of
        while day <= last:
            state = state_of_day(day, answers, asked, look_back)
            expected[state] += 1
            if day == end:
                gone[state] += 1
                told = spoke is not None and spoke <= end
                leavers[(("billing", "delivery").index("billing" if number % 2 else "delivery") if told else NO_COMPLAINT, state)] += 1
            day += timedelta(days=1)
    counts = count(
        pd.DataFrame(customers, columns=["customer_id", "start_date", "end_date", "segment"]),
        pd.DataFrame(scores, columns=["customer_id", "answered at", "sent at", "nps"]),
        pd.DataFrame(complaints, columns=["customer_id", "complaint_date", "category"]),
        score_look_back_days=look_back,
    )
    found = counts.scores
    assert found is not None
    days, left, words = Counter[int](), Counter[int](), Counter[tuple[int, int]]()
    for one in found.time:
        days[one.state] += one.days
        left[one.state] += one.leavers
    for group in found.leavers:
        words[(group.category, group.state)] += group.number
    assert days == expected
    assert +left == gone == found.left_by_state()
    assert words == leavers
    assert sum(days.values()) == counts.person_days.sum()
    silent = sum(one.number for one in found.leavers if one.category == NO_COMPLAINT)
    assert (silent, sum(left.values())) == (counts.silent_leavers, counts.departures)


def one_customer(end: str | None, rows: list[tuple[str, int]]) -> ScoreCounts:
    customers = pd.DataFrame({"customer_id": ["C0", "C1"], "start_date": ["2023-01-01"] * 2, "end_date": [None, end]})
    days, levels = zip(*rows, strict=True)
    counts = count(customers, pd.DataFrame({"customer_id": "C1", "date": days, "nps": levels}))
    assert counts.scores is not None
    return counts.scores


def test_a_score_given_at_the_cancellation_is_left_out_and_counted() -> None:
    """Said nine on 1 March, left on 20 June, and gave a zero five days before: the nine is the last word, the zero a leak."""
    found = one_customer("2024-06-20", [("2024-03-01", 9), ("2024-06-15", 0)])
    assert found.left_by_state() == {9: 1}
    assert found.at_departure == ((0, 1),)
    assert found.quiet == 8 + 6  # from 1 to 8 March, and from 15 to 20 June


def test_a_score_counts_from_the_eighth_day_to_the_last_day_of_the_look_back() -> None:
    found = one_customer(None, [("2024-03-01", 9)])
    assert sum(one.days for one in found.time if one.state == 9) == 180 - QUIET_DAYS
    assert one_customer("2024-08-28", [("2024-03-01", 9)]).left_by_state() == {9: 1}  # 180 days later
    assert one_customer("2024-08-29", [("2024-03-01", 9)]).left_by_state() == {UNHEARD: 1}
    assert one_customer("2024-03-08", [("2024-03-01", 9)]).left_by_state() == {UNHEARD: 1}
    assert one_customer("2024-03-09", [("2024-03-01", 9)]).left_by_state() == {9: 1}


def test_scores_after_the_departure_and_outside_the_life_are_counted_apart() -> None:
    found = one_customer("2024-06-20", [("2022-12-01", 3), ("2024-03-01", 9), ("2024-07-01", 0), ("2024-07-09", 1)])
    assert (found.answers, found.after, found.outside) == (4, 2, 1)


def test_scores_that_nobody_could_have_given_in_the_window_are_refused() -> None:
    with pytest.raises(EvidenceError) as found:
        one_customer("2024-06-20", [("2022-12-01", 3), ("2024-07-01", 0)])
    assert found.value.code == "scores_outside"


def test_a_scale_that_changes_on_a_day_is_refused() -> None:
    """Nothing above five until June, and then up to ten: a column of two scales."""
    customers = pd.DataFrame({"customer_id": [f"C{number}" for number in range(90)], "start_date": "2023-01-01", "end_date": None})
    rows = [(f"C{number}", "2024-03-05" if number < 45 else "2024-07-05", number % 5 + 1 if number < 45 else number % 11) for number in range(90)]
    with pytest.raises(EvidenceError) as found:
        count(customers, pd.DataFrame(rows, columns=["customer_id", "date", "nps"]))
    assert found.value.code == "scores_scale_changed"
    assert "2024" in found.value.message("en") and "5" in found.value.message("fr")


def test_scores_need_customers_with_dates(tmp_path: Path) -> None:
    scores = pd.DataFrame({"customer_id": ["C1"], "date": ["2024-03-01"], "nps": [9]})
    volumes = pd.DataFrame({"month": ["2024-03-01", "2024-04-01"], "category": ["x", "x"], "complaints": [3, 4]})
    tables, _ = load_tables(volumes=volumes, scores=scores)
    with tables, pytest.raises(EvidenceError) as found:
        reduce_tables(tables)
    assert found.value.code == "scores_need_customers"


def company(folder: Path) -> tuple[CohortCounts, CohortCounts]:
    """A company without and with scores."""
    write_company(folder, lambda number: f"C{number}", segments=lambda number: "north" if number % 3 else "south")
    rows = [f"C{number},{date(2024, 1, 1) + timedelta(days=number % 200 + 60)},{number % 11}" for number in range(300)]
    (folder / "scores.csv").write_text("\n".join(["customer_id,answered at,NPS", *rows]) + "\n", encoding="utf-8")
    found = []
    for more in ({}, {"scores": folder / "scores.csv"}):
        tables, _ = load_tables(folder / "customers.csv", folder / "complaints.csv", **more)  # type: ignore[arg-type]
        with tables:
            found.append(reduce_tables(tables))
    return found[0], found[1]


def test_everything_but_the_scores_is_the_same_without_them(tmp_path: Path) -> None:
    without, having = company(tmp_path)
    assert without.scores is None and having.scores is not None
    assert without.digest != having.digest  # a published version with scores is another one
    from dataclasses import replace

    assert replace(having, scores=None).digest == without.digest


def test_counts_with_scores_are_written_and_read_back_and_hold_no_customer(tmp_path: Path) -> None:
    _, counts = company(tmp_path)
    again = read_counts(write_counts(counts))
    assert again.scores == counts.scores and again.digest == counts.digest
    assert counts.scores is not None
    assert not any(f'"C{number}"' in json.dumps(counts.scores.to_dict()) for number in range(300))


def test_the_counts_of_a_segment_are_its_own(tmp_path: Path) -> None:
    _, counts = company(tmp_path)
    parts = [counts.select(segments=[name]).scores for name in counts.segments]
    assert counts.scores is not None and all(part is not None for part in parts)
    assert sum((part.left_by_state() for part in parts if part is not None), Counter()) == counts.scores.left_by_state()
    assert all(one.segment == 0 for part in parts if part is not None for one in part.time)
