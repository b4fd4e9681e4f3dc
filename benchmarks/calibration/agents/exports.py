"""What the exports of a company hold (`export`), and what is true of the days that the product counted (`true_silence`)."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from benchmarks.calibration.agents.company import WARM_DAYS, Rng
from benchmarks.calibration.agents.days import NATURAL, NEVER, History
from iceberg.cohort.counts import CohortCounts

PAST_DAYS = 200  # the exports reach back so many days before the window


def export(history: History, rng: Rng) -> dict[str, pd.DataFrame]:
    """Customers and complaints, as exported on the last day of the window."""
    company = history.company
    last, first = company.days - 1, WARM_DAYS - PAST_DAYS
    end = recorded_end(history)
    there = (end >= first) & (history.start <= last)
    number = rng.permutation(len(end)) + 100_000
    customers = pd.DataFrame(
        {
            "customer_id": [f"C-{one}" for one in number[there]],
            "start_date": _dates(history, history.start[there]),
            "end_date": _dates(history, np.where(end[there] <= last, end[there], NEVER)),
            "segment": np.asarray(company.regions, dtype=object)[history.region[there]],
        }
    )
    rows = history.said[there[history.said[:, 0]]]
    rows = _filed(history, rows, rng)
    rows = rows[(rows[:, 1] >= first) & (rows[:, 1] <= last)]
    names = np.array([service.name for service in company.services], dtype=object)
    complaints = pd.DataFrame(
        {
            "customer_id": [f"C-{one}" for one in number[rows[:, 0]]],
            "complaint_date": _dates(history, rows[:, 1]),
            "category": names[rows[:, 2]],
        }
    )
    return {"customers": customers.sample(frac=1.0, random_state=7).reset_index(drop=True), "complaints": complaints}


def _filed(history: History, said: np.ndarray, rng: Rng) -> np.ndarray:
    """Complaints as they were entered: under which name, when, and how often."""
    records, rows = history.company.records, said.copy()
    for number, service in enumerate(history.company.services):
        if service.filed_as is not None:
            other, share = service.filed_as
            chosen = (said[:, 2] == number) & (rng.random(len(said)) < share)
            rows[chosen, 2] = other
    if records.lag_days:
        rows[:, 1] += rng.gamma(1.2, records.lag_days / 1.2, len(rows)).astype(np.int64)
    if records.echoes:
        twice = np.repeat(rows, rng.poisson(records.echoes, len(rows)), axis=0)
        twice[:, 1] += rng.integers(0, 6, len(twice))
        rows = np.concatenate([rows, twice])
    return rows[np.lexsort((rows[:, 0], rows[:, 1]))]


def recorded_end(history: History) -> np.ndarray:
    """The last day on file: that of the billing run where there is one."""
    company, end = history.company, history.end
    if not company.records.run_days:
        return end
    day_of_month = np.append((company.dates - company.dates.astype("datetime64[M]")).astype(int) + 1, 1)
    runs = np.append(np.flatnonzero(np.isin(day_of_month[:-1], company.records.run_days)), NEVER)
    gone = end < NEVER
    made = end.copy()
    made[gone] = runs[np.searchsorted(runs, end[gone])]
    return made


def _dates(history: History, days: np.ndarray) -> pd.DatetimeIndex:
    known = days < NEVER
    found = np.full(len(days), np.datetime64("NaT"), dtype="datetime64[D]")
    found[known] = np.datetime64(history.company.first_day) + days[known]
    return pd.DatetimeIndex(found.astype("datetime64[s]"))


def true_silence(history: History, counts: CohortCounts) -> dict[str, Any]:
    """What is true of the days that were counted.

    Silent churn of a service: customers who left on one of these days because of it, and who said nothing about anything in the window or its
    look-back (as far as the exports go back) up to the day on which they left. Complaints that were said count, whenever they were entered.

    Keys: silent_leavers, silent_churn, and under ``categories`` the latter by service.
    """
    company, end = history.company, recorded_end(history)
    offset = int((np.datetime64(company.first_day) - np.datetime64("1970-01-01")).astype(int))
    window = counts.window
    days = np.arange((window.since - company.first_day).days, (window.as_of - company.first_day).days + 1)
    missing = {month for month, gone in zip(counts.months, counts.months_without("departures"), strict=True) if gone}
    months = (days + offset).astype("datetime64[D]").astype("datetime64[M]").astype("datetime64[D]").astype(object)
    used = days[[month not in missing for month in months]]
    heard_from = max(int(days[0]) - window.look_back_days, WARM_DAYS - PAST_DAYS)
    spoken = np.full(len(end), NEVER)
    heard = history.said[history.said[:, 1] >= heard_from]
    np.minimum.at(spoken, heard[:, 0], heard[:, 1])
    silent = np.isin(end, used) & (spoken > end)
    by = {service.name: int((silent & (history.cause == number)).sum()) for number, service in enumerate(company.services)}
    return {
        "silent_leavers": int(silent.sum()),
        "silent_churn": int((silent & (history.cause != NATURAL)).sum()),
        "categories": {name: {"silent_churn": value} for name, value in by.items()},
    }
