"""Simulates the customers of a company: who arrives, what strikes them, who complains, who leaves and why.

Deliberately not the model that estimates it: customers live day by day, each incident strikes one person, and that person complains or not, leaves or
not, after a delay of their own. Departure is the earliest of natural attrition and of every problem's.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from iceberg.arrays import BoolArray, FloatArray, IntArray
from iceberg.cohort.window import ObservationWindow
from iceberg.simulation.worlds import WARM_UP_MONTHS, CompanyTruth

PIPELINE_DAYS = (30, 90, 180)
DAYS_PER_MONTH = 30.4375  # 365.25 / 12
LATER_MONTHS = 12  # natural departures are followed so much further than problems: the time for which lost customers would have paid
NEVER = np.int64(10**6)  # a day nobody reaches
NATURAL = -1  # cause of a departure that no problem explains


@dataclass(frozen=True, eq=False)
class CompanyHistory:
    """Everything that happened, including what no file shows; `observe_history` decides what a company would see of it.

    Attributes:
        truth: What the history was made from.
        people: customer_id, start_day, departure_day, segment (index), revenue, cause (index of category, -1 natural), cause_day (the incident's),
            cause_voiced (whether that very incident made them complain), otherwise_day (when they would have left but for that incident).
        complaints: customer (row of `people`), day, category; only while the customer was there.
        incidents: customer, day, category; only while the customer was there.
    """

    truth: CompanyTruth
    people: pd.DataFrame
    complaints: pd.DataFrame
    incidents: pd.DataFrame


def simulate_history(truth: CompanyTruth, rng: np.random.Generator) -> CompanyHistory:
    """Live through the warm-up, the window and the half year after it."""
    calendar = _Calendar.of(truth.window)
    people = _draw_people(truth, calendar, rng)
    natural_day = _natural_departures(truth, calendar, people)
    strikes = _draw_incidents(truth, calendar, people, natural_day, rng)
    reactions = _draw_reactions(truth, people, strikes, rng)
    departure, cause, cause_day, cause_voiced, otherwise = _earliest(natural_day, strikes, reactions)
    present = strikes["day"] <= departure[strikes["customer"]]
    complaints = _draw_complaints(truth, strikes, reactions, rng)
    complaints = complaints[complaints["day"].to_numpy() <= departure[complaints["customer"].to_numpy()]]
    frame = pd.DataFrame(
        {
            "start_day": people["start"],
            "departure_day": departure,
            "segment": people["segment"],
            "revenue": people["revenue"],
            "cause": cause,
            "cause_day": cause_day,
            "cause_voiced": cause_voiced,
            "otherwise_day": otherwise,
        }
    )
    incidents = pd.DataFrame({name: values[present] for name, values in strikes.items()})
    return _keep_sample(truth, frame, complaints, incidents, rng)


@dataclass(frozen=True, eq=False)
class _Calendar:
    """Days as integers since 1970; months from the start of the warm-up to half a year after the window."""

    since: int
    as_of: int
    first_index: int  # year * 12 + month - 1 of the first month
    month_starts: IntArray  # H + 1 days: the last is the day after the last month

    @classmethod
    def of(cls, window: ObservationWindow) -> _Calendar:
        first = window.since.year * 12 + window.since.month - 1 - WARM_UP_MONTHS
        horizon = window.as_of + timedelta(days=max(PIPELINE_DAYS))
        last = horizon.year * 12 + horizon.month - 1
        starts = [day_number(date(index // 12, index % 12 + 1, 1)) for index in range(first, last + 2)]
        return cls(day_number(window.since), day_number(window.as_of), first, np.array(starts, dtype=np.int64))

    @property
    def start(self) -> int:
        return int(self.month_starts[0])

    @property
    def longer_month_starts(self) -> IntArray:
        """`month_starts` and those of the `LATER_MONTHS` that follow."""
        last = self.first_index + len(self.month_starts) - 1
        later = [day_number(date(index // 12, index % 12 + 1, 1)) for index in range(last + 1, last + 1 + LATER_MONTHS)]
        return np.concatenate([self.month_starts, np.array(later, dtype=np.int64)])

    def month_of(self, days: IntArray) -> IntArray:
        found = np.searchsorted(self.month_starts, days, side="right") - 1
        return np.clip(found, 0, len(self.month_starts) - 2).astype(np.int64)


def day_number(value: date) -> int:
    """Days since 1 January 1970."""
    return (value - date(1970, 1, 1)).days


def _draw_people(truth: CompanyTruth, calendar: _Calendar, rng: np.random.Generator) -> dict[str, Any]:
    """Customers who arrive before the window ends and outlive the start of the warm-up; more than will be kept."""
    wanted = int(truth.customers * 1.5) + 50
    batches: list[dict[str, Any]] = []
    found = 0
    while found < wanted:
        batch = _draw_batch(truth, calendar, 2 * wanted, rng)
        batches.append(batch)
        found += len(batch["start"])
    people = {name: np.concatenate([batch[name] for batch in batches])[:wanted] for name in batches[0]}
    starts = people["start"].astype("datetime64[D]")
    months = starts.astype("datetime64[M]")
    people["start_month"] = months.astype(np.int64) + 1970 * 12
    people["start_dom"] = (starts - months.astype("datetime64[D]")).astype(np.int64)
    return people


def _draw_batch(truth: CompanyTruth, calendar: _Calendar, size: int, rng: np.random.Generator) -> dict[str, Any]:
    first = calendar.since - round(truth.company_age_months * DAYS_PER_MONTH)
    span = calendar.as_of + 1 - first
    growth = truth.monthly_arrival_growth / DAYS_PER_MONTH
    share = rng.random(size)
    # Arrivals grow exponentially over the company's life; the inverse of their distribution function.
    place = share * span if abs(growth * span) < 1e-9 else np.log1p(share * np.expm1(growth * span)) / growth
    start = first + np.minimum(place.astype(np.int64), span - 1)
    segment = rng.choice(len(truth.segments), size=size, p=np.asarray(truth.segment_shares))
    spread = rng.standard_normal((2, size))
    tied = truth.frailty_correlation
    leaving = np.exp(truth.natural_frailty_sd * spread[0] - truth.natural_frailty_sd**2 / 2)
    prone_normal = tied * spread[0] + np.sqrt(1 - tied**2) * spread[1]
    prone = np.exp(truth.incident_frailty_sd * prone_normal - truth.incident_frailty_sd**2 / 2)
    voice = np.exp(truth.voice_sd * rng.standard_normal(size) - truth.voice_sd**2 / 2)
    revenue = np.asarray(truth.revenue_median)[segment] * np.exp(truth.revenue_log_sd * rng.standard_normal(size))
    budget = rng.exponential(size=size)  # cumulative hazard at which this customer leaves naturally
    level = truth.natural_monthly_rate * np.asarray(truth.natural_segment)[segment] * leaving
    past = _cumulative(np.asarray(truth.natural_tenure), (calendar.start - start) / DAYS_PER_MONTH)
    remaining = budget - level * past
    alive = remaining > 0
    batch = {
        "start": start,
        "segment": segment,
        "level": level,
        "budget": remaining,
        "prone": prone,
        "voice": voice,
        "revenue": revenue,
    }
    return {name: values[alive] for name, values in batch.items()}


def _cumulative(profile: FloatArray, months: FloatArray) -> FloatArray:
    """Integral of a tenure profile (one value per month, the last one holds) from 0 to `months`."""
    months = np.maximum(months, 0.0)
    whole = np.minimum(months.astype(np.int64), len(profile) - 1)
    before = np.concatenate([[0.0], np.cumsum(profile)])
    return np.asarray(before[whole] + profile[whole] * (months - whole), dtype=np.float64)


def _natural_departures(truth: CompanyTruth, calendar: _Calendar, people: dict[str, Any]) -> IntArray:
    """Day on which each customer's cumulative natural hazard uses up the budget they were born with."""
    profile = np.asarray(truth.natural_tenure)
    season = np.asarray(truth.natural_month)
    start, remaining = people["start"], people["budget"].copy()
    departure = np.full(len(start), NEVER)
    month_starts = calendar.longer_month_starts
    for month in range(len(month_starts) - 1):
        first, after = month_starts[month], month_starts[month + 1]
        tenure = calendar.first_index + month - people["start_month"]
        anniversary = np.minimum(first + people["start_dom"], after)
        daily = people["level"] * season[min(month, len(season) - 1)] / DAYS_PER_MONTH
        for low, high, completed in (
            (np.maximum(first, start), anniversary, tenure - 1),
            (np.maximum(anniversary, start), after, tenure),
        ):
            hazard = daily * profile[np.clip(completed, 0, len(profile) - 1)]
            spent = hazard * np.maximum(high - low, 0)
            leaves = (departure == NEVER) & (spent > 0) & (spent >= remaining)
            departure[leaves] = (low[leaves] + remaining[leaves] / hazard[leaves]).astype(np.int64)
            remaining -= spent
    return departure


def _draw_incidents(
    truth: CompanyTruth, calendar: _Calendar, people: dict[str, Any], natural_day: IntArray, rng: np.random.Generator
) -> dict[str, IntArray]:
    """Problems of every category, by thinning a faster process; each strikes one customer on one day."""
    cumulative = np.cumsum(people["prone"])
    shape = (len(truth.segments), len(calendar.month_starts) - 1)
    found: list[tuple[IntArray, IntArray, IntArray]] = []
    for number, category in enumerate(truth.categories):
        cells = _stretched(category.cell_multipliers, shape)
        profile = np.asarray(category.tenure_profile, dtype=float)
        for month in range(shape[1]):
            column = cells[:, month]
            first, after = calendar.month_starts[month], calendar.month_starts[month + 1]
            fastest = category.monthly_rate * column.max() * profile.max() * (after - first) / DAYS_PER_MONTH
            candidates = rng.poisson(fastest * cumulative[-1])
            who = np.searchsorted(cumulative, rng.random(candidates) * cumulative[-1]).astype(np.int64)
            day = rng.integers(first, after, size=candidates)
            tenure = _tenure_months(calendar, people, who, month, day - first)
            intensity = column[people["segment"][who]] * profile[np.clip(tenure, 0, len(profile) - 1)]
            kept = rng.random(candidates) * column.max() * profile.max() < intensity
            kept &= (day >= people["start"][who]) & (day <= natural_day[who])
            found.append((who[kept], day[kept], np.full(int(kept.sum()), number)))
    parts = [np.concatenate(part).astype(np.int64) for part in zip(*found, strict=True)] or [np.zeros(0, np.int64)] * 3
    return dict(zip(("customer", "day", "category"), parts, strict=True))


def _stretched(multipliers: FloatArray | float, shape: tuple[int, int]) -> FloatArray:
    """Multipliers over (segments, months); where the truth states fewer months the last one holds."""
    cells = np.atleast_2d(np.asarray(multipliers, dtype=float))
    if cells.shape[1] > 1 and cells.shape[1] < shape[1]:
        cells = np.concatenate([cells, np.repeat(cells[:, -1:], shape[1] - cells.shape[1], axis=1)], axis=1)
    return np.broadcast_to(cells[:, : shape[1]], shape)


def _tenure_months(
    calendar: _Calendar, people: dict[str, Any], who: IntArray, month: int, day_of_month: IntArray
) -> IntArray:
    elapsed = calendar.first_index + month - people["start_month"][who]
    return np.asarray(elapsed - (day_of_month < people["start_dom"][who]), dtype=np.int64)


def _draw_reactions(
    truth: CompanyTruth, people: dict[str, Any], strikes: dict[str, IntArray], rng: np.random.Generator
) -> dict[str, npt.NDArray[Any]]:
    """For each incident: does this customer speak (when), and does it make them leave (when)?"""
    who, category = strikes["customer"], strikes["category"]
    kinds = truth.categories
    size = len(who)

    def of(name: str) -> FloatArray:
        return np.array([getattr(kind, name) for kind in kinds], dtype=float)[category]

    speaks = rng.random(size) < of("complaint_probability") * people["voice"][who]
    complaint_day = strikes["day"] + rng.geometric(1 / (1 + of("complaint_delay_days"))) - 1
    by_segment = [np.broadcast_to(kind.leave_segment, len(truth.segments)) for kind in kinds]
    gravity = np.array(by_segment, dtype=float).reshape(-1, len(truth.segments))[category, people["segment"][who]]
    leaves = (
        rng.random(size) < np.where(speaks, of("vocal_leave_probability"), of("silent_leave_probability")) * gravity
    )
    delay = rng.gamma(of("delay_shape"), of("delay_mean_days") / of("delay_shape")).astype(np.int64)
    since_when = np.where(speaks, complaint_day, strikes["day"])
    return {"speaks": speaks, "complaint_day": complaint_day, "leave_day": np.where(leaves, since_when + delay, NEVER)}


def _earliest(
    natural_day: IntArray, strikes: dict[str, IntArray], reactions: dict[str, npt.NDArray[Any]]
) -> tuple[IntArray, IntArray, IntArray, BoolArray, IntArray]:
    """Departure, its cause, the causing incident's day, whether it was voiced, and the departure but for it; a tie is natural."""
    departure = natural_day.copy()
    cause = np.full(len(natural_day), NATURAL)
    cause_day = np.full(len(natural_day), NEVER)
    voiced = np.zeros(len(natural_day), dtype=bool)
    order = np.lexsort((strikes["day"], reactions["leave_day"], strikes["customer"]))
    who = strikes["customer"][order]
    at_first = np.concatenate([[True], who[1:] != who[:-1]]) if len(who) else np.zeros(0, dtype=bool)
    first = order[at_first]
    first = first[reactions["leave_day"][first] < natural_day[strikes["customer"][first]]]
    left = strikes["customer"][first]
    departure[left] = reactions["leave_day"][first]
    cause[left] = strikes["category"][first]
    cause_day[left] = strikes["day"][first]
    voiced[left] = reactions["speaks"][first]
    otherwise = natural_day.copy()
    next_one = np.flatnonzero(at_first[:-1] & ~at_first[1:]) + 1  # the same customer's second incident in the order of departures
    otherwise[who[next_one]] = np.minimum(otherwise[who[next_one]], reactions["leave_day"][order[next_one]])
    return departure, cause, cause_day, voiced, otherwise


def _draw_complaints(
    truth: CompanyTruth, strikes: dict[str, IntArray], reactions: dict[str, npt.NDArray[Any]], rng: np.random.Generator
) -> pd.DataFrame:
    """First complaints and their repeats; whether the customer is still there is judged later."""
    spoke = np.flatnonzero(reactions["speaks"])
    repeats = np.array([kind.repeat_complaints for kind in truth.categories])[strikes["category"][spoke]]
    again = np.repeat(spoke, rng.poisson(repeats))
    gap = 1 + rng.exponential(21.0, size=len(again)).astype(np.int64)  # judgement: reminders come within weeks
    rows = np.concatenate([spoke, again])
    day = np.concatenate([reactions["complaint_day"][spoke], reactions["complaint_day"][again] + gap])
    return pd.DataFrame(
        {"customer": strikes["customer"][rows], "day": day.astype(np.int64), "category": strikes["category"][rows]}
    )


def _keep_sample(
    truth: CompanyTruth,
    people: pd.DataFrame,
    complaints: pd.DataFrame,
    incidents: pd.DataFrame,
    rng: np.random.Generator,
) -> CompanyHistory:
    """Exactly `truth.customers` of those whom the window sees, in an order that says nothing, under new ids."""
    seen = np.flatnonzero(people["departure_day"].to_numpy() >= day_number(truth.window.since))
    chosen = rng.permutation(seen)[: truth.customers]
    position = np.full(len(people), -1)
    position[chosen] = np.arange(len(chosen))

    def moved(events: pd.DataFrame) -> pd.DataFrame:
        events = events.assign(customer=position[events["customer"].to_numpy()])
        return events[events["customer"] >= 0].sort_values(["day", "customer", "category"], ignore_index=True)

    kept = people.iloc[chosen].reset_index(drop=True)
    digits = max(6, len(str(len(kept))))
    kept.insert(0, "customer_id", [f"C{number:0{digits}d}" for number in range(1, len(kept) + 1)])
    # One person, one day, one category: a file would hold it as one complaint, or as the same row twice.
    return CompanyHistory(truth, kept, moved(complaints.drop_duplicates()), moved(incidents.drop_duplicates()))
