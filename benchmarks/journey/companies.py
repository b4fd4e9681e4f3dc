"""Companies whose problems happen at known steps of the journey: each incident has one, and complaints name it, some of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from iceberg.ingest.mapping import MappingSet
from iceberg.simulation.company import SimulatedCompany, simulate_world
from iceberg.simulation.history import NATURAL, day_number

STAGES = ("before", "buying", "delivery", "use", "help", "renewal")


@dataclass(frozen=True)
class Family:
    """A kind of company.

    Attributes:
        world: Family of `iceberg.simulation.worlds.WORLDS`, or two from which every other company comes.
        by_mapping: Each category happens at one step, which a mapping says; otherwise categories spread over steps, which a column says.
        tilt: Log-sd by which the silent of a category spread over its steps otherwise than its complainants.
        blank: Share of the complaints without a step.
        mixed: Whether half of the categories are placed by the mapping and the others by the column.
        holds: Whether the assumption of the ranges holds.
    """

    world: tuple[str, ...] = ("mixed",)
    by_mapping: bool = False
    tilt: float = 0.0
    blank: float = 0.0
    mixed: bool = False
    holds: bool = True


FAMILIES = {
    "mapping": Family(by_mapping=True),
    "mapping_by_segment": Family(world=("natural_by_segment",), by_mapping=True),
    "column": Family(),
    "column_tilted_0.5": Family(tilt=0.5),
    "column_half_blank": Family(tilt=0.5, blank=0.4),
    "both": Family(tilt=0.5, mixed=True),
    "column_tilted_1.2": Family(tilt=1.2, holds=False),
}


@dataclass(frozen=True, eq=False)
class JourneyCompany:
    """Files, and what is true.

    Attributes:
        company: The files but the column.
        complaints: With the column of steps, where the family has one.
        mapping: What the analyst says.
        lost: Silent churn by step, and last without one: that of the complaints of the same category without a step is not placed.
    """

    company: SimulatedCompany
    complaints: pd.DataFrame
    mapping: MappingSet
    lost: np.ndarray[tuple[int], np.dtype[np.float64]]


def simulate(family: Family, seed: int) -> JourneyCompany:
    """The company number `seed` of a family."""
    rng = np.random.default_rng([seed, sum(ord(letter) * 31**place for place, letter in enumerate(repr(family))) % 2**32])
    company = simulate_world(family.world[seed % len(family.world)], seed)
    names = [kind.name for kind in company.history.truth.categories]
    own = {place: int(rng.integers(len(STAGES))) for place in range(len(names)) if family.by_mapping or (family.mixed and place % 2)}
    heard = rng.dirichlet(np.full(len(STAGES), 0.6), len(names))
    silent = heard * np.exp(family.tilt * rng.standard_normal(heard.shape))
    silent /= silent.sum(axis=1, keepdims=True)
    complaints = company.complaints
    if not family.by_mapping:
        place_of = {name: place for place, name in enumerate(names)}
        at = [rng.choice(len(STAGES), p=heard[place_of[name]]) for name in complaints["category"]]
        named = rng.random(len(complaints)) >= family.blank
        complaints = complaints.assign(stage=[STAGES[stage] if shown else None for stage, shown in zip(at, named, strict=True)])
    # The step of each departure that an unspoken problem caused.
    lost = np.zeros(len(STAGES) + 1)
    for place, name in enumerate(names):
        number = int(company.truth["categories"][name]["silent_churn"])
        if place in own:
            lost[own[place]] += number
        else:
            steps = rng.multinomial(number, silent[place])
            unnamed = rng.binomial(steps, family.blank)
            lost[:-1] += steps - unnamed
            lost[-1] += unnamed.sum()
    mapping = MappingSet.from_dict({"journey": {names[place]: STAGES[stage] for place, stage in own.items()}})
    return JourneyCompany(company, complaints, mapping, lost)


def service_company(seed: int, *, late: float, harder: float) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, float]]:
    """A company with deadlines of seven days: customers, complaints, and the truth.

    Args:
        seed: Number.
        late: Share of the cases that are late, where the problem makes nobody leave.
        harder: Factor on the odds of being late where the problem will make the customer leave: late cases are the hard ones, or drive them away.

    Returns:
        Files, and of the first complaint of each customer: share who left because of it within 180 days after the deadline, in time (`in`) and late,
        and the share of all of these whose case was in time (`of_lost`).
    """
    rng = np.random.default_rng([seed, 77, round(100 * late), round(100 * harder)])
    company = simulate_world("mixed", seed)
    history, people = company.history, company.history.people
    ids = people["customer_id"].to_numpy()
    caused = pd.Series((people["cause"].to_numpy() != NATURAL) & people["cause_voiced"].to_numpy(), index=ids)
    gone = pd.Series(people["departure_day"].to_numpy(), index=ids)
    complaints = company.complaints.sort_values("complaint_date", kind="stable")
    odds = late / (1 - late) * np.where(caused[complaints["customer_id"]].to_numpy(), harder, 1.0)
    is_late = rng.random(len(complaints)) < odds / (1 + odds)
    due = complaints["complaint_date"] + pd.Timedelta(days=7)
    delay = pd.to_timedelta(np.where(is_late, rng.integers(1, 20, len(complaints)), -rng.integers(0, 7, len(complaints))), "D")
    complaints = complaints.assign(due_date=due, resolved_date=due + delay, late=is_late)
    first = complaints.drop_duplicates("customer_id")
    day = first["due_date"].to_numpy().astype("datetime64[D]").astype(np.int64)
    left = gone[first["customer_id"]].to_numpy()
    there = (left >= day) & (day <= day_number(history.truth.window.as_of))
    lost = caused[first["customer_id"]].to_numpy() & (left - day <= 180) & there
    tardy = first["late"].to_numpy()
    truth = {"in": float(lost[there & ~tardy].mean()), "late": float(lost[there & tardy].mean())}
    return company.customers, complaints.drop(columns="late"), truth | {"of_lost": float((lost & ~tardy).sum() / lost.sum())}
