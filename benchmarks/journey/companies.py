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


def channel_company(seed: int, *, hard: float) -> tuple[pd.DataFrame, pd.DataFrame, dict[str, float]]:
    """A company whose complaints come by phone or web: customers, complaints, and by channel the share who left because of their problem.

    Args:
        seed: Number.
        hard: Factor by which those whose problem makes them leave prefer the phone.
    """
    rng = np.random.default_rng([seed, 77])
    company = simulate_world("mixed", seed)
    history, people = company.history, company.history.people
    ids = people["customer_id"].to_numpy()
    caused = (people["cause"].to_numpy() != NATURAL) & people["cause_voiced"].to_numpy()
    since = day_number(history.truth.window.since)
    leaves = pd.Series(caused, index=ids)
    first = company.complaints.sort_values("complaint_date", kind="stable").drop_duplicates("customer_id")
    odds = np.where(leaves[first["customer_id"]].to_numpy(), hard, 1.0)
    phone = pd.Series(rng.random(len(first)) < odds / (1 + odds), index=first["customer_id"].to_numpy())
    complaints = company.complaints.assign(channel=np.where(phone[company.complaints["customer_id"]].to_numpy(), "phone", "web"))
    days = (first["complaint_date"].to_numpy().astype("datetime64[D]").astype(np.int64)).clip(since)
    gone = pd.Series(people["departure_day"].to_numpy(), index=ids)[first["customer_id"]].to_numpy()
    within = leaves[first["customer_id"]].to_numpy() & (gone - days <= 180)
    shares = {name: float(within[phone.to_numpy() == (name == "phone")].mean()) for name in ("phone", "web")}
    return company.customers, complaints, shares
