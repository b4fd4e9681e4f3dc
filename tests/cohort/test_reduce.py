from datetime import date

import numpy as np
import pandas as pd
import pytest

from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.window import DEFAULT_BAND_EDGES_MONTHS, ObservationWindow

from .companies import CATEGORIES, explode, random_company

WINDOWS = [
    ObservationWindow(date(2020, 2, 29), date(2022, 2, 28)),
    ObservationWindow(date(2019, 11, 17), date(2021, 3, 9), look_back_days=120),
    ObservationWindow(date(2020, 1, 1), date(2021, 12, 31)),
    ObservationWindow(date(2021, 2, 10), date(2021, 2, 20), look_back_days=400),
    ObservationWindow(date(2020, 1, 31), date(2020, 3, 30)),
]


def cells(rows: pd.DataFrame, counts, value=None) -> np.ndarray:
    table = np.zeros(counts.shape)
    band = np.searchsorted(DEFAULT_BAND_EDGES_MONTHS, rows["tenure"], side="right") - 1
    place = (rows["segment"].map(counts.segments.index).to_numpy(dtype=int), rows["month"].to_numpy(dtype=int), band)
    np.add.at(table, place, 1 if value is None else rows[value].to_numpy())
    return table


@pytest.mark.parametrize("window", WINDOWS)
@pytest.mark.parametrize("seed", range(3))
def test_cells_equal_one_row_per_customer_and_day(tables_from_frames, window, seed):
    customers, complaints = random_company(seed)
    counts = reduce_tables(tables_from_frames(customers=customers, complaints=complaints), window=window)
    days = explode(customers, complaints, window)

    def equal(actual, rows, value=None):
        np.testing.assert_allclose(actual, cells(rows, counts, value), rtol=1e-12, atol=0)

    equal(counts.silent_person_days, days[~days.vocal])
    equal(counts.vocal_person_days, days[days.vocal])
    equal(counts.silent_exits, days[days.exit & ~days.vocal])
    equal(counts.vocal_exits, days[days.exit & days.vocal])
    priced = days[days.exit & ~days.vocal & days.revenue.notna()]
    equal(counts.silent_exit_revenue_known, priced)
    equal(counts.silent_exit_revenue, priced, "revenue")
    equal(counts.complainants_any, days[days.first_any])
    for place, name in enumerate(counts.categories):
        equal(counts.complainants[place], days[days[f"first_{name}"]])
    assert set(counts.categories) <= set(CATEGORIES)
    assert counts.customers == days.customer_id.nunique()
