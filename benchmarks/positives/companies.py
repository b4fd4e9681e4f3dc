"""Companies whose customers are engaged or not, leave and come accordingly, and have good moments that keep them, or not."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

SINCE, AS_OF = date(2024, 1, 1), date(2025, 12, 31)
FIRST = date(2023, 4, 1)  # of the log of visits
WEEK, MONTH = 7, 365.25 / 12


@dataclass(frozen=True)
class Family:
    """How a company's customers behave.

    Attributes:
        effect: b, what a moment does to the rate of leaving, on the log scale.
        engagement: How much less an engaged customer leaves, by standard deviation of engagement, on the log scale; moments come to them as
            much more often, and visits too.
        memory: Correlation of engagement with that of a month later; 1 where it is a trait of the customer.
        life: Days after which 1/e of the effect is left.
        complainers: Whether most moments are call-backs after a complaint, which doubles departures for 90 days.
    """

    effect: float = 0.0
    engagement: float = 0.0
    memory: float = 1.0
    life: float = 90.0
    complainers: bool = False


FAMILIES = {
    "nothing": Family(),
    "engagement": Family(engagement=0.4),
    "strong_engagement": Family(engagement=0.8),
    "passing_engagement": Family(engagement=0.8, memory=0.75),
    "moments_after_complaints": Family(complainers=True),
    "protects": Family(effect=0.4),
    "protects_engaged": Family(effect=0.4, engagement=0.4),
    "protects_for_good": Family(effect=0.4, life=1e6),
}


@dataclass(frozen=True, eq=False)
class EnchantedCompany:
    """Files; the truth is the `effect` of the family."""

    customers: pd.DataFrame
    complaints: pd.DataFrame
    positives: pd.DataFrame
    activity: pd.DataFrame


def simulate(family: Family, seed: int, *, customers: int = 8_000, rate: float = 0.02, touch: float = 0.025) -> EnchantedCompany:
    """The company number `seed` of a family.

    Args:
        family: Its behaviour.
        seed: The same seed gives the same company.
        customers: Who are there at some time.
        rate: Departures a month.
        touch: Good moments a customer and month.
    """
    rng = np.random.default_rng([seed, sum(ord(letter) * 31**place for place, letter in enumerate(repr(family))) % 2**32])
    days = (AS_OF - FIRST).days
    start = np.where(rng.random(customers) < 0.6, -rng.integers(0, 900, customers), rng.integers(0, days, customers))
    engaged = rng.normal(size=customers)
    end, moment = np.full(customers, days + 1), np.full(customers, -(10**6))
    upset = np.full(customers, -(10**6))
    memory = family.memory ** (WEEK / MONTH)
    visits, moments, complaints = [], [], []
    for week in range(days // WEEK + 1):
        first = week * WEEK
        day = first + rng.integers(0, WEEK, customers)
        there = (end > days) & (start <= day)
        pull = family.engagement * engaged
        complains = there & (rng.random(customers) < 0.01 * WEEK / MONTH)
        upset[complains] = day[complains]
        complaints.append((np.flatnonzero(complains), day[complains]))
        lately = (day - upset) < 90
        chance = touch * np.exp(pull - family.engagement**2 / 2) * np.where(lately & family.complainers, 12.0, 1.0)
        touched = there & (rng.random(customers) < -np.expm1(-chance * WEEK / MONTH))
        moments.append((np.flatnonzero(touched), day[touched]))
        clock = np.where(day >= moment, np.exp(-np.maximum(day - moment, 0) / family.life), 0.0) * (moment > -(10**5))
        hazard = rate * np.exp(-pull - family.engagement**2 / 2 - family.effect * clock) * np.where(lately, 2.0, 1.0)
        leaves = there & ~touched & (rng.random(customers) < -np.expm1(-hazard * WEEK / MONTH))
        end[leaves] = day[leaves]
        moment[touched & (moment < -(10**5))] = day[touched & (moment < -(10**5))]
        often = np.where(there, rng.poisson(0.9 * np.exp(0.7 * engaged), customers), 0)
        who = np.repeat(np.arange(customers), often)
        when = first + rng.integers(0, WEEK, len(who))
        seen = (when >= start[who]) & (when <= end[who])
        visits.append((who[seen], when[seen]))
        if family.memory < 1:
            engaged = memory * engaged + np.sqrt(1 - memory**2) * rng.normal(size=customers)
    ids = np.arange(100_000, 100_000 + customers)
    day = np.datetime64(FIRST)

    def rows(parts: list[tuple[np.ndarray, np.ndarray]], name: str) -> pd.DataFrame:
        who, when = (np.concatenate([part[place] for part in parts]) for place in (0, 1))
        return pd.DataFrame({"customer_id": ids[who], name: day + when})

    people = pd.DataFrame(
        {
            "customer_id": ids,
            "start_date": day + start,
            "end_date": pd.Series(day + end).where(pd.Series(end <= days)),
            "segment": np.where(np.arange(customers) % 2, "north", "south"),
        }
    )
    positives = rows(moments, "moment at").assign(kind="compliment")
    return EnchantedCompany(people, rows(complaints, "complaint_date").assign(category="other"), positives, rows(visits, "activity_date"))
