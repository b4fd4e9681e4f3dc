"""Cancellations that were logged as complaints: which categories are named, what no longer counts, and that it can be overruled."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date

import pandas as pd
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.window import ObservationWindow
from iceberg.ingest.tables import Tables
from tests.companies import company_with_cancellations as company

SINCE, AS_OF = date(2025, 1, 1), date(2025, 12, 31)


@pytest.fixture
def count(tables_from_frames: Callable[..., Tables]) -> Callable[..., CohortCounts]:
    def counted(customers: pd.DataFrame, complaints: pd.DataFrame, **more: bool) -> CohortCounts:
        return reduce_tables(
            tables_from_frames(customers=customers, complaints=complaints), window=ObservationWindow(SINCE, AS_OF), keep_months=True, **more
        )

    return counted


def test_calls_to_cancel_do_not_count_as_complaints_and_those_who_made_them_left_in_silence(count) -> None:
    kept, fewer = count(*company(80), keep_cancellations=True), count(*company(80))
    [one] = fewer.cancellations
    assert (one.category, one.complainants, one.left, one.days, one.removed, one.overruled) == ("cancel", 200, 80, 21, 80, False)
    assert one.others == pytest.approx(10 / 200)
    assert (kept.vocal_customers.tolist(), fewer.vocal_customers.tolist()) == ([200, 200], [200, 120])
    assert (kept.silent_leavers, fewer.silent_leavers) == (20, 100)
    assert kept.departures == fewer.departures == 110
    assert kept.complaints.tolist() == fewer.complaints.tolist(), "the complaints are still those of the file"
    assert kept.cancellations[0].overruled and kept.cancellations[0].removed == 0


@pytest.mark.parametrize(
    ("made", "why"),
    [
        (company(58), "fewer than 30 % were gone within 21 days"),
        (company(80, slow=20), "more than one in ten of those gone within 60 days left later: a problem, not a cancellation"),
        (company(80, days=25), "nobody was gone within 21 days"),
    ],
)
def test_a_category_that_drives_customers_away_is_no_cancellation(count, made, why: str) -> None:
    assert count(*made).cancellations == (), why


def test_half_gone_in_the_first_week_is_enough_without_others_to_compare(count) -> None:
    customers, complaints = company(110)
    only = complaints[complaints["category"] == "cancel"]
    assert [one.category for one in count(customers, only).cancellations] == ["cancel"]


def test_counts_on_disk_say_so_too(count) -> None:
    counts = count(*company(80))
    assert read_counts(write_counts(counts)).cancellations == counts.cancellations
    assert counts.digest != count(*company(80), keep_cancellations=True).digest
