"""Months that are no evidence: what the rule finds, what it leaves alone, and what the counts say of it."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.evidence_months import find_unrecorded_months, window_without
from iceberg.cohort.findings.findings import UnrecordedMonths
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.window import ObservationWindow
from iceberg.ingest.load import load_tables
from iceberg.store.counts_tables import counts_parts
from iceberg.store.counts_tables import read_counts as read_tables
from tests.companies import company_after_a_migration

YEARS = ObservationWindow(date(2024, 7, 1), date(2026, 6, 30))


def company(departures: list[int], complaints: list[int] | None = None, *, window: ObservationWindow = YEARS) -> CohortCounts:
    """Counts of so many departures and complaints a month among 3,000 customers of two tenure bands."""
    months = len(window.months)
    at_risk = np.full((1, months, 2), 45_000)
    exits = np.zeros((1, months, 2), dtype=np.int64)
    exits[0, :, 0] = departures
    return CohortCounts.zeros(
        window,
        categories=("billing",),
        band_edges_months=(0, 12),
        silent_person_days=at_risk,
        silent_exits=exits,
        complaints=[complaints if complaints is not None else [30] * months],
        has_customers=True,
    )


def found(counts: CohortCounts) -> list[tuple[str, str, date, date]]:
    return [(one.what, one.place, one.first, one.last) for one in find_unrecorded_months(counts)]


def test_months_before_a_migration_are_found_and_so_is_the_half_month_in_which_it_fell() -> None:
    departures = [0] * 5 + [20] + [40] * 18
    assert found(company(departures)) == [("departures", "before", date(2024, 7, 1), date(2024, 12, 1))]


def test_departures_that_are_entered_late_are_missing_from_the_last_months() -> None:
    departures = [40] * 22 + [25, 9]
    assert found(company(departures)) == [("departures", "after", date(2026, 5, 1), date(2026, 6, 1))]


def test_an_empty_month_between_the_ends_is_found_and_stays_in_the_window() -> None:
    departures = [40] * 10 + [0] + [40] * 13
    counts = company(departures)
    assert found(counts) == [("departures", "inside", date(2025, 5, 1), date(2025, 5, 1))]
    assert window_without(YEARS, find_unrecorded_months(counts)) == YEARS


def test_two_empty_months_in_a_row_are_one_gap() -> None:
    assert found(company([40] * 10 + [0, 1] + [40] * 12)) == [("departures", "inside", date(2025, 5, 1), date(2025, 6, 1))]


def test_complaints_that_begin_later_than_departures_are_found_behind_a_stray_one() -> None:
    complaints = [1] + [0] * 5 + [30] * 18
    assert found(company([40] * 24, complaints)) == [("complaints", "before", date(2024, 7, 1), date(2024, 12, 1))]


def test_both_ends_and_both_files_are_judged() -> None:
    counts = company([0] * 3 + [40] * 20 + [5], [30] * 12 + [0] + [30] * 11)
    assert [entry[:2] for entry in found(counts)] == [("departures", "before"), ("departures", "after"), ("complaints", "inside")]
    assert window_without(YEARS, find_unrecorded_months(counts)) == ObservationWindow(date(2024, 10, 1), date(2026, 5, 31))


@pytest.mark.parametrize(
    "departures",
    [
        [40] * 24,
        [2, 0, 0, 0, 3, 1, 2, 2, 0, 4, 1, 3, 2, 0, 1, 2, 4, 2, 1, 3, 0, 2, 0, 0],  # a tiny company
        [8, 8, 40, 70, 70, 40, 40, 40, 40, 8, 8, 8] * 2,  # a season: the same months of the other year are as quiet
        [0] * 11 + [300] + [0] * 11 + [320],  # contracts that all end in June
        [60] * 20 + [24] * 4,  # the business improved four months ago
        [25] * 12 + [50] * 12,  # departures doubled
        [0, 0, 120] * 8,  # departures are entered once a quarter
    ],
    ids=["steady", "tiny", "season", "contracts", "improved", "doubled", "quarterly"],
)
def test_what_has_another_reason_is_no_gap(departures: list[int]) -> None:
    assert found(company(departures)) == []


def test_customers_who_are_too_new_to_leave_explain_quiet_months() -> None:
    """A company that opened with the window, with contracts of a year: in the first eleven months nobody can leave."""
    at_risk = np.zeros((1, 24, 2), dtype=np.int64)
    at_risk[0, :, 0] = np.minimum(np.arange(1, 25), 11) * 9_000
    at_risk[0, 11:, 1] = np.arange(1, 14) * 9_000
    exits = np.zeros((1, 24, 2), dtype=np.int64)
    exits[0, 11:, 1] = np.arange(1, 14) * 12
    assert found(replace(company([0] * 24), silent_person_days=at_risk, silent_exits=exits)) == []


@pytest.mark.parametrize("departures", [[0, 0, 40, 40, 40, 40], [0, 0, 0, 40, 40, 40]])
def test_at_least_four_months_stay(departures: list[int]) -> None:
    window = ObservationWindow(date(2026, 1, 1), date(2026, 6, 30))
    assert found(company(departures, window=window)) == [("departures", "before", date(2026, 1, 1), date(2026, 2, 1))]


def test_without_customers_or_dates_nothing_is_found() -> None:
    assert find_unrecorded_months(CohortCounts.from_volumes(YEARS, categories=("a",), complaints=[[0] * 12 + [90] * 12])) == ()
    one_month = ObservationWindow(date(2000, 1, 1), date(2000, 1, 31))
    assert find_unrecorded_months(replace(company([0], window=one_month), has_calendar=False)) == ()


GAP = UnrecordedMonths("departures", "inside", date(2025, 5, 1), date(2025, 6, 1))


def test_what_is_missing_travels_with_the_counts_and_changes_their_digest() -> None:
    plain = company([40] * 24)
    counts = replace(plain, unrecorded=(GAP,))
    assert counts.digest != plain.digest
    assert read_counts(write_counts(counts)).unrecorded == read_tables(counts_parts(counts)).unrecorded == (GAP,)
    assert read_tables(counts_parts(plain)).digest == plain.digest
    assert np.flatnonzero(counts.months_without("departures")).tolist() == [10, 11]
    assert not replace(plain, unrecorded=(replace(GAP, overruled=True),)).months_without("departures").any()
    assert GAP.following == date(2025, 7, 1)


def test_the_window_moves_and_an_option_moves_it_back() -> None:
    customers, complaints = company_after_a_migration()

    def counted(*, keep_months: bool) -> CohortCounts:
        tables, _ = load_tables(customers=customers, complaints=complaints)
        with tables:
            return reduce_tables(tables, window=YEARS, keep_months=keep_months)

    moved, whole = counted(keep_months=False), counted(keep_months=True)
    assert moved.window == ObservationWindow(date(2025, 3, 1), date(2026, 6, 30))
    assert [(one.place, one.overruled) for one in moved.unrecorded] == [("before", False)]
    assert (whole.window, [one.overruled for one in whole.unrecorded]) == (YEARS, [True])
    assert moved.departures == whole.departures == customers["end_date"].notna().sum()


def test_files_that_hardly_overlap_are_counted_as_they_are() -> None:
    """Departures begin when complaints have long ended: no month would be left, and the window stays the one asked for."""
    days = pd.date_range("2025-01-03", "2026-06-28", freq="D")
    ids = [f"C{number}" for number in range(len(days))]
    leavers = pd.DataFrame({"customer_id": ids, "start_date": "2020-01-01", "end_date": days.date})
    complained = pd.date_range("2024-07-02", "2024-09-20", freq="6h").date
    complaints = pd.DataFrame({"customer_id": ids[: len(complained)], "complaint_date": complained, "category": "billing"})
    tables, _ = load_tables(customers=leavers, complaints=complaints)
    with tables:
        counts = reduce_tables(tables, window=YEARS)
    assert counts.window == YEARS
