"""What the files of a company hold (`write_files`), and what is true of the window that the product counts (`true_silence`)."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.calibration.hostile.firm import Firm, day_number
from benchmarks.calibration.hostile.lives import NATURAL, Lives
from iceberg.cohort.counts import CohortCounts

PAST_DAYS = 185  # the files reach back half a year before the window
PIPELINE_DAYS = (30, 90, 180)
SURVEYED = 1_500  # people asked per category


@dataclass(frozen=True, eq=False)
class Files:
    """The tables of a company, as `load_tables` takes them, and what the names on them stand for.

    Attributes:
        tables: Frames by the name of the table.
        stands_for: Category as written to the problem that it means, where the two differ.
    """

    tables: dict[str, pd.DataFrame]
    stands_for: dict[str, str] = field(default_factory=dict)
    past_days: int = PAST_DAYS

    def changed(self, **tables: pd.DataFrame) -> Files:
        """The files with some tables put in the place of others."""
        return replace(self, tables=self.tables | tables)

    def without(self, *names: str) -> Files:
        """The files without some tables."""
        return replace(self, tables={name: frame for name, frame in self.tables.items() if name not in names})


def write_files(lives: Lives, *, past_days: int = PAST_DAYS) -> Files:
    """The customers and the complaints, as a company would export them on the last day of the window."""
    firm, people = lives.firm, lives.people
    first, last = day_number(firm.since) - past_days, day_number(firm.as_of)
    there = (people["departure"] >= first) & (people["start"] <= last)
    seen = people[there]
    customers = pd.DataFrame(
        {
            "customer_id": seen["customer_id"].to_numpy(),
            "start_date": _dates(seen["start"]),
            "end_date": _dates(seen["departure"].where(seen["departure"] <= last)),
            "segment": np.asarray(firm.segments, dtype=object)[seen["segment"].to_numpy()],
            "revenue": seen["revenue"].to_numpy(),
        }
    )
    own = there.to_numpy()[lives.complaints["customer"].to_numpy()]
    complaints = _events(lives, lives.complaints[own], "complaint_date", first)
    return Files({"customers": customers, "complaints": complaints}, past_days=past_days)


def _dates(days: pd.Series) -> pd.DatetimeIndex:
    return pd.DatetimeIndex(pd.to_datetime(days.to_numpy(dtype=float), unit="D", origin="unix"))


def _events(lives: Lives, events: pd.DataFrame, column: str, first: int) -> pd.DataFrame:
    inside = events[(events["day"] >= first) & (events["day"] <= day_number(lives.firm.as_of))]
    names = np.array([one.name for one in lives.firm.problems], dtype=object)
    return pd.DataFrame(
        {
            "customer_id": lives.people["customer_id"].to_numpy()[inside["customer"].to_numpy()],
            column: _dates(inside["day"]),
            "category": names[inside["problem"].to_numpy()],
        }
    )


def write_log(lives: Lives, rng: np.random.Generator, *, vocal: float, silent: float, spurious: float) -> pd.DataFrame:
    """An incident log that holds some of those who complained, some of those who did not, and entries where nothing happened."""
    since = day_number(lives.firm.since)
    events = lives.incidents[(lives.incidents["day"] >= since) & (lives.incidents["day"] <= day_number(lives.firm.as_of))]
    logged = events[rng.random(len(events)) < np.where(events["spoke"], vocal, silent)][["customer", "day", "problem"]]
    extra = round(len(logged) * spurious / (1 - spurious))
    people, kinds = lives.people, logged["problem"].to_numpy()
    # A day and a customer by chance, where the customer was there: a customer who stays longer is entered more often.
    tried = 12 * extra
    who, day = rng.integers(len(people), size=tried), rng.integers(since, day_number(lives.firm.as_of) + 1, size=tried)
    there = (people["start"].to_numpy()[who] <= day) & (day < people["departure"].to_numpy()[who])
    false = pd.DataFrame({"customer": who[there][:extra], "day": day[there][:extra], "problem": kinds[rng.integers(len(kinds), size=extra)]})
    return _events(lives, pd.concat([logged, false]).sort_values(["day", "customer"]), "incident_date", since)


def write_survey(lives: Lives, rng: np.random.Generator, *, recall: float, claims: float) -> pd.DataFrame:
    """A survey of customers: `recall` of the silent remember their problem, and `claims` of those say that they complained of it."""
    since, as_of = day_number(lives.firm.since), day_number(lives.firm.as_of)
    people = lives.people
    asked = rng.permutation(np.flatnonzero((people["departure"] >= since) & (people["start"] <= as_of)))
    rows = []
    for number, problem in enumerate(lives.firm.problems):
        chosen = rng.choice(asked, size=min(SURVEYED, len(asked)), replace=False)
        events = lives.incidents[(lives.incidents["problem"] == number) & lives.incidents["day"].between(since, as_of)]
        spoke = events.groupby("customer")["spoke"].any()
        vocal = np.isin(chosen, spoke.index[spoke])
        silent = np.isin(chosen, spoke.index[~spoke]) & (rng.random(len(chosen)) < recall)
        claimed = silent & (rng.random(len(chosen)) < claims)
        rows.append((problem.name, len(chosen), int((vocal | silent).sum()), int((vocal | claimed).sum())))
    return pd.DataFrame(rows, columns=["category", "asked", "had_problem", "complained"])


def as_volumes(files: Files, firm: Firm) -> Files:
    """Complaints per category and month in the place of complaints."""
    rows = files.tables["complaints"]
    rows = rows[rows["complaint_date"] >= pd.Timestamp(firm.since)]
    month = rows["complaint_date"].dt.to_period("M").dt.to_timestamp().rename("month")
    counted = rows.groupby([month, "category"]).size().rename("complaints").reset_index()
    return files.without("complaints").changed(volumes=counted)


def as_flat(files: Files, firm: Firm) -> Files:
    """One sheet without dates: tenure, departure, the first complaint of each customer."""
    customers, complaints = files.tables["customers"], files.tables["complaints"]
    since, as_of = pd.Timestamp(firm.since), pd.Timestamp(firm.as_of)
    customers = customers[~(customers["end_date"] < since)]
    first = complaints[complaints["complaint_date"] >= since].sort_values("complaint_date").drop_duplicates("customer_id")
    category = customers["customer_id"].map(first.set_index("customer_id")["category"])
    days = (customers["end_date"].fillna(as_of) - customers["start_date"]).dt.days
    sheet = pd.DataFrame(
        {
            "customer_id": customers["customer_id"],
            "tenure": (days / 30.4375).astype(int),
            "churned": np.where(customers["end_date"].notna(), "yes", "no"),
            "complained": np.where(category.notna(), "yes", "no"),
            "complaint_category": category,
            "segment": customers["segment"],
            "revenue": customers["revenue"],
        }
    )
    return Files({"flat": sheet.reset_index(drop=True)}, files.stands_for)


def counted_days(counts: CohortCounts, firm: Firm, past_days: int = PAST_DAYS) -> tuple[np.ndarray, int, int]:
    """Day numbers whose departures `counts` holds, the first day on file on which a complaint ends a silence, and the last day."""
    if not counts.has_calendar:
        since, as_of = day_number(firm.since), day_number(firm.as_of)
        return np.arange(since, as_of + 1), since, as_of
    window = counts.window
    days = np.arange(day_number(window.since), day_number(window.as_of) + 1)
    missing = {month for month, gone in zip(counts.months, counts.months_without("departures"), strict=True) if gone}
    months = days.astype("datetime64[D]").astype("datetime64[M]").astype("datetime64[D]").astype(object)
    used = np.array([month not in missing for month in months])
    return days[used], max(int(days[0]) - window.look_back_days, day_number(firm.since) - past_days), int(days[-1])


def true_silence(
    lives: Lives,
    counts: CohortCounts,
    *,
    horizon_months: int = 24,
    discount: float = 0.0,
    past_days: int = PAST_DAYS,
    last_months: int | None = None,
) -> dict[str, Any]:
    """What is true of the days that were counted, where the complaints go back `past_days` before the window of the company.

    A silent leaver left on one of them with no complaint on file in the window or its look-back up to and including that day. Silent churn: silent
    leavers whom a problem made leave that they kept to themselves. Their money: what they paid a year, for as long as they would have stayed but for
    that problem (at most `horizon_months`), discounted yearly. The pipeline: silent customers whom such a problem on or before the last day makes
    leave within so many days after it. With `last_months` only departures of so many months at the end count, where there is a calendar.

    Keys: silent_leavers, vocal_leavers, silent_churn, money, pipeline; and under ``categories`` the last three per problem.
    """
    people, firm = lives.people, lives.firm
    days, heard_from, as_of = counted_days(counts, firm, past_days)
    if last_months is not None and counts.has_calendar:
        days = days[days >= day_number(counts.months[-last_months:][0])]
    gone = people["departure"].to_numpy()
    spoken = np.full(len(people), np.iinfo(np.int64).max)
    heard = lives.complaints[lives.complaints["day"] >= heard_from]
    np.minimum.at(spoken, heard["customer"].to_numpy(), heard["day"].to_numpy())
    left, silent = np.isin(gone, days), spoken > gone
    own = (people["cause"].to_numpy() != NATURAL) & ~people["voiced"].to_numpy()
    caused = left & silent & own
    waiting = silent & own & (gone > as_of) & (people["cause_day"].to_numpy() <= as_of) & (people["start"].to_numpy() <= as_of)
    years = np.minimum(people["otherwise"].to_numpy() - gone, horizon_months * 30.4375) / 365.25
    force = np.log1p(discount)
    worth = people["revenue"].to_numpy() * (years if force == 0 else -np.expm1(-force * years) / force)

    def of(mask: np.ndarray) -> dict[str, Any]:
        return {
            "silent_churn": int((caused & mask).sum()),
            "money": round(float(worth[caused & mask].sum()), 2),
            "pipeline": {str(ahead): int((waiting & mask & (gone <= as_of + ahead)).sum()) for ahead in PIPELINE_DAYS},
        }

    everyone, cause = np.ones(len(people), dtype=bool), people["cause"].to_numpy()
    return (
        {"silent_leavers": int((left & silent).sum()), "vocal_leavers": int((left & ~silent).sum())}
        | of(everyone)
        | {"categories": {one.name: of(cause == number) for number, one in enumerate(firm.problems)}}
    )
