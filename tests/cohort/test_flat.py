"""A flat sheet without dates becomes counts with one pseudo-month; nobody who left is dropped."""

import numpy as np
import pandas as pd
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.day_counts import NEVER_COMPLAINED
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.window import UNKNOWN_TENURE_MONTHS, ObservationWindow
from iceberg.errors import OptionError
from iceberg.model.survival.curves import tenure_curve

SHEET = pd.DataFrame(
    [
        (0.0, True, None, "a", 10.0),
        (0.0, False, None, "a", 10.0),
        (2.0, False, None, "b", 10.0),
        (14.0, True, "price", "a", 10.0),
        (14.0, False, "price", "b", None),
        (None, True, None, "b", 5.0),
        (None, False, "staff", "b", None),
    ],
    columns=["tenure_months", "churned", "category", "segment", "revenue"],
)


@pytest.fixture
def counts(tables_from_frames) -> CohortCounts:
    return reduce_tables(tables_from_frames(flat=SHEET))


def test_one_customer_is_one_unit_of_exposure_in_the_band_of_their_tenure(counts: CohortCounts) -> None:
    assert not counts.has_calendar
    assert counts.shape[1] == 1
    assert (counts.customers, counts.departures, counts.silent_leavers, counts.vocal_customers_total) == (7, 3, 2, 3)
    by_band = dict(zip(counts.band_edges_months, counts.person_days.sum(axis=(0, 1)).tolist(), strict=True))
    assert (by_band[0], by_band[1], by_band[12], by_band[UNKNOWN_TENURE_MONTHS]) == (2, 1, 2, 2)
    assert counts.vocal_customers.tolist() == [2, 1]


def test_who_left_at_tenure_zero_counts_on_the_curve_and_unknown_tenure_is_on_none(counts: CohortCounts) -> None:
    """Three never-complainers with a tenure; one of them left on the first day: 2/3 remain."""
    curve = tenure_curve(counts, states=(NEVER_COMPLAINED,), least_at_risk=1)
    assert int(curve.at_risk[0]) == 3
    assert np.asarray(curve.estimate)[-1] == pytest.approx(2 / 3, abs=1e-12)


def test_money_counts_only_silent_leavers_whose_revenue_is_known(counts: CohortCounts) -> None:
    assert counts.silent_exit_revenue.sum() == pytest.approx(15.0)
    assert counts.silent_exit_revenue_known.sum() == 2


def test_counts_without_a_calendar_travel_as_bytes_and_a_window_is_refused(counts: CohortCounts, tables_from_frames) -> None:
    assert not read_counts(write_counts(counts)).has_calendar
    with pytest.raises(OptionError, match="no window"):
        reduce_tables(tables_from_frames(flat=SHEET), window=ObservationWindow(counts.window.since, counts.window.as_of))


def test_the_order_of_rows_changes_nothing(counts: CohortCounts, tables_from_frames) -> None:
    assert reduce_tables(tables_from_frames(flat=SHEET[::-1].reset_index(drop=True))).digest == counts.digest
