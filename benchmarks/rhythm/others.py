"""Kinds of logs made differently: customers in continuous time, whose visits are a renewal process. Shares nothing with `iceberg.simulation`.

Gaps between visits are gamma (from clumps to a clock) in a time that runs faster and slower: with the company's year, with absences, and with what is
left after a break. A break happens on a day, not at the turn of a week.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass, replace

import numpy as np

from iceberg.arrays import FloatArray, IntArray

NEVER = 10**6
STOPPED, FADED, FAR_LESS = 1, 2, 3
Rng = np.random.Generator
Days = np.ndarray[tuple[int], np.dtype[np.float64]]


@dataclass(frozen=True)
class Business:
    """What its customers do. Rates are per week.

    Attributes:
        visits: Median visits, and the log-sd between customers.
        regularity: Shape of the gamma gaps between visits, log-uniform between the two: below 1 in clumps, 20 like a clock.
        breaks: Probability per week that a rhythm breaks for good; `early` times that in the first twelve weeks of who joins.
        kinds: Shares that stop, fade over `fade` weeks, and leave a `remainder`.
        pauses: Probability per week that a pause begins; its days are log-normal (median, log-sd) and 14 at least.
        year: Amplitude of the company's year. `decline`: fall of everybody's rate within a year, on the log scale.
        terms: Share of customers who are away for ten weeks of the summer and three at the new year.
        joining: Share who join while the log runs.
        shock: Week, and share of all who break in it.
    """

    customers: int = 3_000
    weeks: int = 104
    visits: tuple[float, float] = (1.5, 0.6)
    regularity: tuple[float, float] = (0.7, 4.0)
    breaks: float = 0.005
    early: float = 1.0
    kinds: tuple[float, float, float] = (0.5, 0.2, 0.3)
    fade: tuple[float, float] = (4, 20)
    remainder: tuple[float, float] = (0.02, 0.35)
    pauses: float = 0.008
    pause_days: tuple[float, float] = (24, 0.7)
    year: float = 0.15
    decline: float = 0.0
    terms: float = 0.0
    joining: float = 0.3
    shock: tuple[int, float] = (0, 0.0)


_USUAL = Business()
OTHERS: dict[str, Business] = {
    "app": _USUAL,
    "rare buyers": replace(_USUAL, visits=(0.7, 0.7), regularity=(0.5, 1.5)),
    "every month": replace(_USUAL, visits=(0.27, 0.2), regularity=(8, 30), pauses=0.003, pause_days=(50, 0.5)),
    "students": replace(_USUAL, terms=0.4),
    "january wave": replace(_USUAL, joining=0.9, early=5.0),
    "shock": replace(_USUAL, shock=(88, 0.1)),
    "decline": replace(_USUAL, decline=0.5, breaks=0.0),
    "illness": replace(_USUAL, pause_days=(70, 0.6)),
    "strong year": replace(_USUAL, year=0.5),
}


@dataclass(frozen=True, eq=False)
class OtherWorld:
    """As much of a world as the judge reads."""

    weeks: int
    incidents: float = 0.0


@dataclass(frozen=True, eq=False)
class OtherLog:
    """A log and its truth, as in `VisitLog`: active days by week, kind and week of the break, and what is left of the rhythm by week."""

    world: OtherWorld
    weekly: IntArray
    kind: IntArray
    broke: IntArray
    level: FloatArray
    lasting: FloatArray


def make_log(name: str, seed: int) -> OtherLog:
    """Log number `seed` of a kind."""
    business, rng = OTHERS[name], np.random.default_rng([zlib.crc32(name.encode()), seed])
    days, number = 7 * business.weeks, business.customers
    rate = business.visits[0] * np.exp(business.visits[1] * rng.standard_normal(number)) / 7
    shape = np.exp(rng.uniform(*np.log(business.regularity), number))
    joined = np.where(rng.random(number) < business.joining, rng.integers(0, days - 56, number), -1)
    day = np.arange(days)
    company = (1 + business.year * np.cos(2 * np.pi * (day / 7 - 3) / 52)) * np.exp(-business.decline * day / 364)
    kind, broke = np.zeros(number, np.int64), np.full(number, NEVER, np.int64)
    weekly, level, lasting = (np.zeros((number, business.weeks)) for _ in range(3))
    for one in range(number):
        kind[one], at = _break(business, rng, int(joined[one]))
        left = _left(business, rng, int(kind[one]), at)
        broke[one] = at // 7 if kind[one] else NEVER
        here = _here(business, rng, max(int(joined[one]), 0))
        intensity = np.where(day >= joined[one], rate[one] * left * here * company, 0.0)
        visited = np.zeros(days)
        visited[_visits(rng, np.cumsum(intensity), float(shape[one]))] = 1
        weekly[one] = visited.reshape(-1, 7).sum(1)
        level[one], lasting[one] = (part.reshape(-1, 7).mean(1) for part in (left * here, left))
    return OtherLog(OtherWorld(business.weeks), weekly.astype(np.int64), kind, broke, level, lasting)


def _break(business: Business, rng: Rng, joined: int) -> tuple[int, int]:
    """Kind and day of the break, after nine weeks at least; kind 0 without one."""
    begin, days = max(joined, 0) + 63, 7 * business.weeks
    often = business.breaks / 7 * (business.early if joined >= 0 else 1)
    at = begin + (rng.exponential(1 / often) if often else np.inf)
    if joined >= 0 and at > joined + 84:  # past the first twelve weeks the usual chance holds
        at = joined + 84 + (rng.exponential(7 / business.breaks) if business.breaks else np.inf)
    if rng.random() < business.shock[1]:
        at = min(at, 7 * business.shock[0] + rng.integers(0, 7))
    if not begin < at < days:
        return 0, days
    return 1 + int(rng.choice(3, p=business.kinds)), int(at)


def _left(business: Business, rng: Rng, kind: int, at: int) -> Days:
    """By day, what is left of the rhythm."""
    left = np.ones(7 * business.weeks)
    after = np.arange(len(left) - at)
    if kind == STOPPED:
        left[at:] = 0
    if kind == FADED:
        left[at:] = np.clip(1 - after / (7 * rng.uniform(*business.fade)), 0, 1)
    if kind == FAR_LESS:
        left[at:] = rng.uniform(*business.remainder)
    return left


def _here(business: Business, rng: Rng, begin: int) -> Days:
    """By day, 1 outside of pauses and absences."""
    here = np.ones(7 * business.weeks)
    day = begin + 14 + rng.exponential(7 / business.pauses)
    while day < len(here):
        length = max(14, business.pause_days[0] * np.exp(business.pause_days[1] * rng.standard_normal()))
        here[int(day) : int(day + length)] = 0
        day += length + rng.exponential(7 / business.pauses)
    if rng.random() < business.terms:
        for year in range(0, len(here), 364):
            summer, winter = year + 182 + int(rng.integers(0, 14)), year + 350 + int(rng.integers(0, 7))
            here[summer : summer + 70 + int(rng.integers(-14, 14))] = 0
            here[winter : winter + 21] = 0
    return here


def _visits(rng: Rng, operational: Days, shape: float) -> IntArray:
    """Days of the visits: a renewal process with gamma gaps of mean 1 in operational time."""
    total = operational[-1]
    gaps = rng.gamma(shape, 1 / shape, int(2 * total) + 60)
    times = np.cumsum(gaps) - gaps[0] * rng.random()
    return np.searchsorted(operational, times[(times > 0) & (times < total)])
