"""Companies for the model's tests: raw rows, the counts of them, and the rows lifelines would want."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.window import ObservationWindow
from iceberg.ingest.tables import Tables
from iceberg.simulation.company import SimulatedCompany, simulate_world

Rows = tuple[pd.DataFrame, pd.DataFrame]


@dataclass(frozen=True, eq=False)
class Company:
    """One company as rows and as counts."""

    customers: pd.DataFrame
    complaints: pd.DataFrame
    counts: CohortCounts


def window_of(company: SimulatedCompany) -> ObservationWindow:
    return ObservationWindow(date.fromisoformat(company.truth["since"]), date.fromisoformat(company.truth["as_of"]))


def reduce_frames(
    make: Callable[..., Tables], customers: pd.DataFrame, complaints: pd.DataFrame, window: ObservationWindow
) -> CohortCounts:
    return reduce_tables(make(customers=customers, complaints=complaints), window=window)


def world(make: Callable[..., Tables], name: str, seed: int) -> tuple[SimulatedCompany, CohortCounts]:
    company = simulate_world(name, seed)
    return company, reduce_frames(make, company.customers, company.complaints, window_of(company))


def spells(customers: pd.DataFrame, complaints: pd.DataFrame, window: ObservationWindow) -> pd.DataFrame:
    """One row per customer and state on the tenure axis; state is "" or the category of the first complaint."""
    first_day = pd.Timestamp(window.since)
    last_day = pd.Timestamp(window.as_of)
    people = customers.assign(start=pd.to_datetime(customers.start_date), end=pd.to_datetime(customers.end_date))
    people = people[(people.start <= last_day) & (people.end.isna() | (people.end >= first_day))]
    people = people[people.end.isna() | (people.end >= people.start)]
    people["low"] = people.start.clip(lower=first_day)
    people["left"] = people.end.notna() & (people.end <= last_day)
    people["high"] = people.end.where(people.left, last_day)
    heard = complaints.assign(day=pd.to_datetime(complaints.complaint_date)).merge(
        people[["customer_id", "start", "low", "high"]], on="customer_id"
    )
    heard = heard[(heard.day >= heard.low) & (heard.day <= heard.high)]
    first = heard.sort_values(["day", "category"]).groupby("customer_id", sort=False).first()[["day", "category"]]
    people = people.merge(first, left_on="customer_id", right_index=True, how="left")
    rows = []
    for one in people.itertuples():
        low, high = (one.low - one.start).days, (one.high - one.start).days
        if pd.isna(one.day):
            rows.append((one.customer_id, low, high + 1, one.left, "", one.segment))
            continue
        spoke = (one.day - one.start).days
        if spoke > low:
            rows.append((one.customer_id, low, spoke, False, "", one.segment))
        rows.append((one.customer_id, spoke, high + 1, one.left, one.category, one.segment))
    return pd.DataFrame(rows, columns=["customer_id", "entry", "stop", "event", "state", "segment"])


def permuted(counts: CohortCounts, categories: list[int], segments: list[int]) -> CohortCounts:
    from iceberg.model.canonical import reorder

    return reorder(counts, np.array(categories), np.array(segments))
