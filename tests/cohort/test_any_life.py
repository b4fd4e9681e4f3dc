"""Any one life in any window: what random companies might never meet."""

from datetime import date, timedelta

import numpy as np
import pandas as pd
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.window import ObservationWindow
from iceberg.errors import EvidenceError

from .companies import explode
from .test_reduce import cells

DAYS = st.dates(date(2018, 1, 1), date(2021, 12, 31))


@settings(max_examples=80, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    start=DAYS,
    life_days=st.none() | st.integers(0, 1500),
    complained_after=st.none() | st.integers(0, 1500),
    since=DAYS,
    window_days=st.integers(0, 800),
    look_back_days=st.integers(0, 200),
)
def test_one_life_is_counted_to_the_day(tables_from_frames, start, life_days, complained_after, since, window_days, look_back_days):
    window = ObservationWindow(since, since + timedelta(days=window_days), look_back_days)
    end = None if life_days is None else start + timedelta(days=life_days)
    customers = pd.DataFrame({"customer_id": ["a"], "start_date": [start], "end_date": [end], "segment": [""], "revenue": [12.5]})
    first = [] if complained_after is None else [("a", start + timedelta(days=complained_after), "billing")]
    complaints = pd.DataFrame(first, columns=["customer_id", "complaint_date", "category"])
    days = explode(customers, complaints, window)
    try:
        counts = reduce_tables(tables_from_frames(customers=customers, complaints=complaints), window=window)
    except EvidenceError:
        assert days.empty
        assert not any(window.since <= day <= window.as_of for _, day, _ in first)
        return
    if days.empty:
        assert not counts.has_customers
        return
    np.testing.assert_array_equal(counts.silent_person_days, cells(days[~days.vocal], counts))
    np.testing.assert_array_equal(counts.vocal_person_days, cells(days[days.vocal], counts))
    np.testing.assert_array_equal(counts.silent_exits, cells(days[days.exit & ~days.vocal], counts))
    np.testing.assert_array_equal(counts.complainants_any, cells(days[days.first_any], counts))
