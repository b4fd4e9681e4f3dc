"""Simulates companies whose silent churn is known (`simulate_company`).

`iceberg.simulation.worlds` says what a company is like, `iceberg.simulation.history` lets its customers live; here the history becomes the
files that a company would have, and the truth is counted. Tests, benchmarks, docs and the demo share it.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from iceberg.arrays import BoolArray, IntArray
from iceberg.cohort.window import ObservationWindow
from iceberg.simulation.history import NATURAL, NEVER, PIPELINE_DAYS, CompanyHistory, day_number, simulate_history
from iceberg.simulation.worlds import WORLDS, CompanyTruth


@dataclass(frozen=True, eq=False)
class SimulatedCompany:
    """What the company's files hold, and beside them what is true.

    Attributes:
        customers: customer_id, start_date, end_date (NaT while the customer is still here), segment, revenue (per year).
        complaints: customer_id, complaint_date, category; inside the window.
        incidents: customer_id, incident_date, category; inside the window, whether or not a word was said.
        truth: Counted, not modelled; see `observe_history`.
        history: What the files were cut from, to observe the same company at another date.
    """

    customers: pd.DataFrame
    complaints: pd.DataFrame
    incidents: pd.DataFrame
    truth: dict[str, Any]
    history: CompanyHistory


def simulate_company(truth: CompanyTruth, rng: np.random.Generator) -> SimulatedCompany:
    """A company with known silent churn, seen through its window.

    Args:
        truth: The rates to make it from; `WORLDS` holds ready families.
        rng: The only source of randomness; the same state gives the same company.
    """
    return observe_history(simulate_history(truth, rng), truth.window)


def simulate_world(name: str, seed: int) -> SimulatedCompany:
    """The company number `seed` of a family in `WORLDS`."""
    rng = np.random.default_rng([seed, sum(ord(letter) * 31**place for place, letter in enumerate(name)) % 2**32])
    return simulate_company(WORLDS[name](rng), rng)


def observe_history(history: CompanyHistory, window: ObservationWindow) -> SimulatedCompany:
    """What the files hold at `window.as_of`, and the truth behind them.

    Truth keys: since, as_of, customers, complaints, departures, silent_leavers, vocal_leavers, natural_departures (silent ones), vocal_customers,
    silent_churn, silent_revenue (per year), pipeline; and under ``categories`` the same per category with incidents, by_segment and by_month.
    A silent leaver left inside the window with no complaint inside it up to and including that day. Silent churn: silent leavers whom a problem made
    leave that they kept to themselves; the other silent leavers are natural (among them the few who complained before the window).
    ``pipeline[h]``: silent customers whom such a problem on or before `as_of` makes leave, still silent, 1 to h days after it.
    """
    since, as_of = day_number(window.since), day_number(window.as_of)
    people = history.people[(history.people["departure_day"] >= since) & (history.people["start_day"] <= as_of)]
    spoken = _first_days(history.complaints, since, len(history.people))[people.index.to_numpy()]
    truth = _count_truth(history, people, spoken, window)
    gone = people["departure_day"].to_numpy()
    end = np.where(gone <= as_of, gone, np.datetime64("NaT").astype(np.int64))
    customers = pd.DataFrame(
        {
            "customer_id": people["customer_id"].to_numpy(),
            "start_date": _dates(people["start_day"].to_numpy()),
            "end_date": _dates(end),
            "segment": np.asarray(history.truth.segments, dtype=object)[people["segment"].to_numpy()],
            "revenue": people["revenue"].to_numpy().round(2),
        }
    )
    complaints = _event_frame(history, history.complaints, "complaint_date", since, as_of)
    incidents = _event_frame(history, history.incidents, "incident_date", since, as_of)
    return SimulatedCompany(customers, complaints, incidents, truth, history)


def _dates(days: npt.ArrayLike) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(np.asarray(days, dtype="datetime64[D]").astype("datetime64[s]"))


def _first_days(complaints: pd.DataFrame, since: int, size: int) -> IntArray:
    first = np.full(size, NEVER)
    inside = complaints[complaints["day"] >= since]
    np.minimum.at(first, inside["customer"].to_numpy(), inside["day"].to_numpy())
    return first


def _event_frame(history: CompanyHistory, events: pd.DataFrame, column: str, since: int, as_of: int) -> pd.DataFrame:
    inside = events[(events["day"] >= since) & (events["day"] <= as_of)]
    names = np.asarray([kind.name for kind in history.truth.categories], dtype=object)
    return pd.DataFrame(
        {
            "customer_id": history.people["customer_id"].to_numpy()[inside["customer"].to_numpy()],
            column: _dates(inside["day"].to_numpy()),
            "category": names[inside["category"].to_numpy()],
        }
    )


def _count_truth(
    history: CompanyHistory, people: pd.DataFrame, spoken: IntArray, window: ObservationWindow
) -> dict[str, Any]:
    since, as_of = day_number(window.since), day_number(window.as_of)
    gone, cause = people["departure_day"].to_numpy(), people["cause"].to_numpy()
    silent = spoken > gone
    left = gone <= as_of
    quiet_leaver = left & silent
    unvoiced = (cause != NATURAL) & ~people["cause_voiced"].to_numpy()
    caused = quiet_leaver & unvoiced
    waiting = ~left & silent & unvoiced & (people["cause_day"].to_numpy() <= as_of)
    revenue = people["revenue"].to_numpy().round(2)
    complaints = history.complaints[(history.complaints["day"] >= since) & (history.complaints["day"] <= as_of)]
    incidents = history.incidents[(history.incidents["day"] >= since) & (history.incidents["day"] <= as_of)]
    months = [f"{month:%Y-%m}" for month in window.months]
    month_starts = np.array([day_number(month) for month in window.months])

    def pipeline(mask: BoolArray) -> dict[str, int]:
        return {str(days): int((mask & (gone <= as_of + days)).sum()) for days in PIPELINE_DAYS}

    def of_category(number: int) -> dict[str, Any]:
        mine = caused & (cause == number)
        by_segment = np.bincount(people["segment"].to_numpy()[mine], minlength=len(history.truth.segments))
        by_month = np.bincount(np.searchsorted(month_starts, gone[mine], side="right") - 1, minlength=len(months))
        own = complaints[complaints["category"] == number]
        return {
            "vocal_customers": int(own["customer"].nunique()),
            "complaints": len(own),
            "incidents": int((incidents["category"] == number).sum()),
            "silent_churn": int(mine.sum()),
            "silent_revenue": round(float(revenue[mine].sum()), 2),
            "by_segment": {name: int(count) for name, count in zip(history.truth.segments, by_segment, strict=True)},
            "by_month": {name: int(count) for name, count in zip(months, by_month, strict=True)},
            "pipeline": pipeline(waiting & (cause == number)),
        }

    return {
        "since": window.since.isoformat(),
        "as_of": window.as_of.isoformat(),
        "customers": len(people),
        "complaints": len(complaints),
        "departures": int(left.sum()),
        "silent_leavers": int(quiet_leaver.sum()),
        "vocal_leavers": int((left & ~silent).sum()),
        "natural_departures": int((quiet_leaver & ~caused).sum()),
        "vocal_customers": int(complaints["customer"].nunique()),
        "silent_churn": int(caused.sum()),
        "silent_revenue": round(float(revenue[caused].sum()), 2),
        "pipeline": pipeline(waiting),
        "categories": {kind.name: of_category(number) for number, kind in enumerate(history.truth.categories)},
    }
