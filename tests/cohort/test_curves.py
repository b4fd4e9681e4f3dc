"""Kaplan-Meier and Nelson-Aalen from counts against lifelines on raw rows: the counts lose nothing."""

from datetime import timedelta

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter, NelsonAalenFitter

from iceberg.cohort.reduce import reduce_tables

from .companies import first_complaints, life, random_company
from .test_reduce import WINDOWS

JUST_BEFORE = 0.5  # lifelines wants an entry before the end; whole days in between, so the risk sets at whole days are the same


def spells(customers, complaints, window) -> pd.DataFrame:
    rows = []
    for person in customers.itertuples():
        at_risk = life(person, window)
        if at_risk is None:
            continue
        begin, end, left = at_risk
        first = first_complaints(complaints, person, window)
        turn = max(min(first.values()), begin) if first else None
        if turn is None or turn > begin:
            last = end if turn is None else turn - timedelta(days=1)
            rows.append(("", (begin - person.start_date).days, (last - person.start_date).days, left and turn is None))
        if turn is not None:
            state = min(first, key=lambda name: (first[name], name))
            rows.append((state, (turn - person.start_date).days, (end - person.start_date).days, left))
    return pd.DataFrame(rows, columns=["state", "entry", "end", "left"])


@pytest.mark.parametrize("seed", range(3))
def test_curves_from_counts_equal_lifelines_on_rows(tables_from_frames, seed):
    window = WINDOWS[seed]
    customers, complaints = random_company(seed + 10, customers=600)
    counts = reduce_tables(tables_from_frames(customers=customers, complaints=complaints), window=window)
    rows = spells(customers, complaints, window)
    days = counts.tenure_days
    for state, name in enumerate(("", *counts.categories)):
        own, mine = rows[rows.state == name], days.where(days.state == state)
        length = int(mine.tenure_day.max()) + 1
        entered, exited, censored = (np.bincount(mine.tenure_day, mine.columns[part], minlength=length) for part in ("entered", "exited", "censored"))
        at_risk = np.cumsum(entered) - np.cumsum(exited + censored) + exited + censored
        assert entered.sum() == len(own)
        hazard = np.divide(exited, at_risk, out=np.zeros(length), where=at_risk > 0)
        event_days = np.flatnonzero(exited)
        observed = {"entry": own.entry - JUST_BEFORE, "event_observed": own.left, "timeline": np.arange(length)}
        km = KaplanMeierFitter().fit(own.end, **observed).survival_function_.loc[event_days].to_numpy().ravel()
        np.testing.assert_allclose(np.cumprod(1 - hazard)[event_days], km, atol=1e-9, rtol=0)
        na = NelsonAalenFitter(nelson_aalen_smoothing=False).fit(own.end, **observed).cumulative_hazard_.loc[event_days]
        np.testing.assert_allclose(np.cumsum(hazard)[event_days], na.to_numpy().ravel(), atol=1e-9, rtol=0)
