"""An incident log and a survey become counts: who met a problem, who of them spoke, and how the silent fared."""

from datetime import date

import numpy as np
import pandas as pd
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.window import ObservationWindow

WINDOW = ObservationWindow(date(2024, 1, 1), date(2024, 12, 31))
CUSTOMERS = pd.DataFrame(
    [
        ("speaks", date(2023, 1, 1), None, "north"),
        ("speaks late", date(2023, 1, 1), None, "north"),
        ("silent, stays", date(2023, 1, 1), None, "north"),
        ("silent, leaves", date(2023, 1, 1), date(2024, 3, 31), "south"),
        ("speaks of staff", date(2023, 1, 1), None, "south"),
        ("too recent", date(2023, 1, 1), None, "south"),
        ("never struck", date(2023, 1, 1), None, "south"),
    ],
    columns=["customer_id", "start_date", "end_date", "segment"],
)
COMPLAINTS = pd.DataFrame(
    [
        ("speaks", date(2024, 2, 10), "delivery"),
        ("speaks late", date(2024, 6, 10), "delivery"),
        ("speaks of staff", date(2024, 3, 11), "staff"),
    ],
    columns=["customer_id", "complaint_date", "category"],
)
INCIDENTS = pd.DataFrame(
    [
        ("speaks", date(2024, 2, 1), "delivery"),
        ("speaks", date(2024, 2, 3), "delivery"),
        ("speaks late", date(2024, 3, 1), "delivery"),
        ("silent, stays", date(2024, 3, 1), "DELIVERY "),
        ("silent, leaves", date(2024, 3, 1), "Delivery"),
        ("speaks of staff", date(2024, 3, 1), "delivery"),
        ("too recent", date(2024, 12, 1), "delivery"),
        ("nobody", date(2024, 3, 1), "delivery"),
        ("silent, stays", date(2024, 4, 1), "lightning"),
    ],
    columns=["customer_id", "incident_date", "category"],
)
SURVEY = pd.DataFrame({"category": ["staff", "prix"], "asked": [100, 100], "had_problem": [40, 9], "complained": [10, 1]})


@pytest.fixture
def counts(tables_from_frames) -> CohortCounts:
    tables = tables_from_frames(customers=CUSTOMERS, complaints=COMPLAINTS, incidents=INCIDENTS, surveys=SURVEY)
    return reduce_tables(tables, window=WINDOW)


def test_customers_count_once_and_only_a_complaint_within_sixty_days_is_about_the_incident(counts: CohortCounts) -> None:
    """Five customers with a decided delivery incident; one of them spoke of it in time."""
    assert counts.categories == ("delivery", "staff")
    assert counts.observed.incidents.tolist() == [[5, 1], [0, 0]]
    assert counts.observed.struck.tolist() == [[3, 2], [0, 0]]  # north, south


def test_the_silent_are_followed_from_their_incident_until_they_leave_speak_or_the_window_ends(counts: CohortCounts) -> None:
    """Days 30, 305, 100 and 9 after 1 March: left, still here, spoke at last, spoke of staff."""
    clock = counts.observed.clock
    edges = counts.clock_edges_days
    ended = np.repeat(clock.clock, clock.exited + clock.censored).tolist()
    assert sorted(edges[place] for place in ended) == [7, 30, 90, 300]
    assert [edges[place] for place in clock.clock[clock.exited > 0]] == [30]
    assert clock.days_in_bin.sum() == (30 - 30 + 1) + (305 - 300 + 1) + (100 - 90 + 1) + (9 - 7 + 1)


def test_names_are_compared_without_case_and_what_matches_nothing_is_named(counts: CohortCounts) -> None:
    assert counts.observed.unmatched == ("lightning", "prix")


def test_a_survey_is_kept_per_category(counts: CohortCounts) -> None:
    assert counts.observed.survey.tolist() == [[0, 0, 0], [100, 40, 10]]


def test_the_log_and_the_survey_travel_in_the_bytes_and_in_the_digest(counts: CohortCounts, tables_from_frames) -> None:
    again = read_counts(write_counts(counts))
    assert again.digest == counts.digest
    assert again.observed.unmatched == counts.observed.unmatched
    bare = reduce_tables(tables_from_frames(customers=CUSTOMERS, complaints=COMPLAINTS), window=WINDOW)
    assert bare.observed is None
    assert bare.digest != counts.digest


def test_choosing_a_segment_keeps_its_part_of_the_log(counts: CohortCounts) -> None:
    south = counts.select(segments=["south"])
    assert south.observed.incidents.tolist() == [[2, 0], [0, 0]]
    assert (south.observed.clock.exited.sum(), south.observed.clock.censored.sum()) == (1, 1)


def test_no_customer_leaves_the_reduction(counts: CohortCounts) -> None:
    assert b"silent, stays" not in write_counts(counts)
