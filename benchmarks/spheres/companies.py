"""Companies with a sheet: what was promised, aimed at, put first and believed is typed, and how often cases are closed in time is known."""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass, field
from datetime import timedelta

import numpy as np
import pandas as pd

from iceberg.cohort.journey.spheres import FIELDS
from iceberg.simulation.company import SimulatedCompany, simulate_world
from iceberg.simulation.history import NATURAL

DAYS_DUE = 7


@dataclass(frozen=True)
class Family:
    """A kind of company, or of its file of cases.

    Attributes:
        world: Family of `iceberg.simulation.worlds.WORLDS`.
        harder: Factor on the odds of being late where the problem will make the customer leave.
        wiped: Share of the cases of customers who have left that lost their deadline and their day of closing.
        late_blank: Share of the late cases of which neither is written: successes are recorded, failures are not.
        recorded: Share of all cases with both.
        always: Whether nearly every case is closed in time.
        only_here: Whether the file holds complaints of present customers alone.
        fair: Whether ranges are to hold; elsewhere they are to be wider, or a remark is to stand.
    """

    world: str = "mixed"
    harder: float = 1.0
    wiped: float = 0.0
    late_blank: float = 0.0
    recorded: float = 1.0
    always: bool = False
    only_here: bool = False
    fair: bool = True


FAMILIES = {
    "usual": Family(),
    "few_complaints": Family(world="few_complaints"),
    "nearly_all_in_time": Family(always=True),
    "a_tenth_recorded": Family(recorded=0.1),
    "late_are_the_hard_ones": Family(harder=4.0),
    "late_ones_blank": Family(late_blank=0.6, fair=False),
    "wiped_when_they_leave": Family(harder=4.0, wiped=0.9, fair=False),
    "present_customers_only": Family(harder=4.0, only_here=True, fair=False),
}


@dataclass(frozen=True, eq=False)
class SheetCompany:
    """Files, and what is true.

    Attributes:
        company: Customers, and the truth of its categories.
        complaints: With deadlines and days of closing.
        sheet: The filled sheet, as CSV.
        rows: By category, what was typed.
        in_time: By category, the probability that a case is closed by its deadline.
        within: By category, the probability that one is closed within the promised days.
    """

    company: SimulatedCompany
    complaints: pd.DataFrame
    sheet: bytes
    rows: dict[str, dict[str, float | str]]
    in_time: dict[str, float] = field(default_factory=dict)
    within: dict[str, float] = field(default_factory=dict)


def simulate(family: Family, seed: int) -> SheetCompany:
    """The company number `seed`; families of one world and seed have the same customers."""
    company = simulate_world(family.world, seed)
    rng = np.random.default_rng([seed, 911])
    names = [kind.name for kind in company.history.truth.categories]
    rows = _typed(company, names, rng)
    people = company.history.people.set_index("customer_id")
    complaints = company.complaints.reset_index(drop=True)
    who = people.loc[complaints["customer_id"]]
    caused = (who["cause"].to_numpy() != NATURAL) & who["cause_voiced"].to_numpy()
    usual = dict(zip(names, rng.uniform(0.5, 0.97, len(names)), strict=True))
    chance = np.array([0.995 if family.always else usual[name] for name in complaints["category"]])
    odds = (1 - chance) / chance * np.where(caused, family.harder, 1.0)
    chance = 1 / (1 + odds)
    # Days until a case is closed: exponential, so that its share within the deadline is `chance`.
    rate = -np.log(1 - chance) / (DAYS_DUE + 1)
    took = np.floor(rng.exponential(1.0, len(chance)) / rate).astype(int)
    day = complaints["complaint_date"]
    due, closed = day + timedelta(days=DAYS_DUE), day + pd.to_timedelta(took, "D")
    closed = closed.where(closed <= pd.Timestamp(company.history.truth.window.as_of))
    gone = complaints["customer_id"].map(company.customers.set_index("customer_id")["end_date"]).notna().to_numpy()
    lost = rng.random(len(chance)) >= family.recorded
    lost |= (took > DAYS_DUE) & (rng.random(len(chance)) < family.late_blank)
    lost |= gone & (rng.random(len(chance)) < family.wiped)
    given = complaints.assign(due_date=due.mask(lost), resolved_date=closed.mask(lost))
    promised = {name: float(row["promise_value"]) for name, row in rows.items() if row["promise_unit"] == "days"}
    inside = 1 - np.exp(-rate * (complaints["category"].map(promised).to_numpy(dtype=float) + 1))
    first = ~complaints.sort_values("complaint_date", kind="stable").duplicated(["customer_id", "category"]).sort_index().to_numpy()
    in_time, within = {}, {}
    for name in names:
        own = first & (complaints["category"] == name).to_numpy()
        if own.any():
            in_time[name] = float(chance[own].mean())
            if name in promised:
                within[name] = float(inside[own].mean())
    return SheetCompany(company, given[~gone] if family.only_here else given, _csv(rows), rows, in_time, within)


def _typed(company: SimulatedCompany, names: list[str], rng: np.random.Generator) -> dict[str, dict[str, float | str]]:
    """A sheet of people who know something: priorities and beliefs are the truth with an error, promises and targets are round numbers."""
    lost = np.array([company.truth["categories"][name]["silent_churn"] for name in names], dtype=float)
    felt = np.log(lost + 5) + rng.normal(0, 0.8, len(names))
    order = np.argsort(np.argsort(-felt))
    rows: dict[str, dict[str, float | str]] = {}
    for place, name in enumerate(names):
        in_days = place % 2 == 1
        rows[name] = {
            "promise_value": int(rng.integers(3, 12)) if in_days else int(rng.integers(70, 99)),
            "promise_unit": "days" if in_days else "percent",
            "target": int(rng.choice([60, 70, 80, 90, 95])),
            "priority_rank": int(order[place]) + 1,
            "believed_leavers": int(np.exp(felt[place])),
            "expected_value": int(rng.integers(2, 8)) if in_days else int(rng.integers(75, 100)),
        }
    return rows


def _csv(rows: dict[str, dict[str, float | str]]) -> bytes:
    target = io.StringIO()
    writer = csv.writer(target, lineterminator="\n")
    writer.writerow(FIELDS)
    writer.writerows([name, *(row[cell] for cell in FIELDS[1:])] for name, row in rows.items())
    return target.getvalue().encode()
