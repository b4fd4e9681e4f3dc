"""What a company is like before anybody lives in it: services that fail, customers, rules of leaving and of recording (`Company`, `draw_company`).

Every number is judgement, set before the product was run on any of these companies. The module shares nothing with `iceberg.simulation` or `hostile`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import numpy as np

Rng = np.random.Generator

WARM_DAYS = 500  # customers live and services fail before the window: nothing begins on its first day
MONTH_DAYS = 30.4375
LABELS = ("invoices", "outage", "late delivery", "rude call", "price", "long wait", "broken device", "app", "moving house")


@dataclass(frozen=True, eq=False)
class Service:
    """Something that fails now and then. D days from the warm-up on, R regions.

    Attributes:
        name: Category under which complaints about it are filed.
        per_year: Failures that a customer of average luck meets in a year.
        speak: P(a failure is complained of) for a customer of average voice.
        lose: P(the customer leaves because of one failure, if nothing else happens).
        memory_days: Days in which the anger about it falls to a third.
        trouble: (R, D) how often it fails, mean 1 over the window.
        newcomers: How many times as often customers of the first four months meet it.
        filed_as: Number of the service under whose name complaints are filed instead, and their share.
        relief: Share of the anger that a complaint takes away.
    """

    name: str
    per_year: float
    speak: float
    lose: float
    memory_days: float
    trouble: np.ndarray
    newcomers: float = 1.0
    filed_as: tuple[int, float] | None = None
    relief: float = 0.0


@dataclass(frozen=True)
class Outage:
    """One day on which a service fails for a share of the customers of a region."""

    day: int
    service: int
    region: int
    share: float


@dataclass(frozen=True)
class Notice:
    """From the decision to the end of the contract: days of notice, then to the end of the month or of the quarter.

    Attributes:
        days: Shortest time.
        months: The contract ends with a month that this number divides; 0 for any day.
    """

    days: int = 0
    months: int = 0


@dataclass(frozen=True)
class Records:
    """How the files differ from what happened.

    Attributes:
        lag_days: Mean days from a complaint to its entry.
        echoes: Mean number of further tickets of other channels about the same complaint.
        run_days: Days of the month on which the billing run enters departures; none for the day itself.
        reopened: Share of customers who come back and get their old record again, its last day erased; the others get a new number.
    """

    lag_days: float = 0.0
    echoes: float = 0.0
    run_days: tuple[int, ...] = ()
    reopened: float = 0.0


@dataclass(frozen=True, eq=False)
class Company:
    """A company. D days from `first_day` to `as_of`, R regions.

    Attributes:
        since, as_of: Window of its files.
        customers: About how many it has in the middle of the window.
        regions, shares: R names and shares.
        natural: Decisions to leave without any failure, per customer and month.
        calendar: (R, D) multiplier of `natural`.
        level: (D,) customers, relative to `customers`.
        arrivals: (D,) when in the year customers come, mean 1.
        luck, ease, voice: Gamma variances of customers: of meeting failures, of leaving (by oneself and in anger), of speaking.
        fringe: Share of customers of another sort, and how many times as easily they leave and speak.
        bill: Share of angry decisions that are taken on the day of the month on which the bill comes.
        again: P(a failure comes back to the same customer within about three weeks).
        patience: Complaints are made from this failure of a service on.
        goodbye: P(a customer who has decided to leave complains before the end), of what made them leave or of anything.
        notice: What lies between decision and end.
        household: Mean number of contracts of a household, and P(the others leave with the first).
        largest_group: Contracts of the largest customer, where groups follow a Pareto law; 0 for households.
        comes_back: Share of leavers who come back within a year.
        noise: (S, R, D) complaints per customer and day behind which nothing is, by service; none if None.
    """

    since: date
    as_of: date
    customers: int
    regions: tuple[str, ...]
    shares: np.ndarray
    natural: float
    calendar: np.ndarray
    level: np.ndarray
    arrivals: np.ndarray
    luck: float
    ease: float
    voice: float
    services: tuple[Service, ...] = ()
    outages: tuple[Outage, ...] = ()
    fringe: tuple[float, float, float] = (0.0, 1.0, 1.0)
    bill: float = 0.5
    again: float = 0.05
    patience: int = 1
    goodbye: float = 0.0
    notice: Notice = Notice()
    household: tuple[float, float] = (1.0, 0.0)
    largest_group: int = 0
    comes_back: float = 0.0
    noise: np.ndarray | None = None
    records: Records = Records()

    @property
    def first_day(self) -> date:
        """Day 0 of every profile."""
        return self.since - timedelta(days=WARM_DAYS)

    @property
    def days(self) -> int:
        """D."""
        return (self.as_of - self.first_day).days + 1

    @property
    def dates(self) -> np.ndarray:
        """(D,) of datetime64[D]."""
        return np.datetime64(self.first_day) + np.arange(self.days)

    def inside(self, share: float) -> int:
        """The day so far into the last 24 months, which the product counts by default."""
        last = min(self.days - WARM_DAYS, 730)
        return self.days - last + int(share * last)

    def each(self, **changes: Any) -> Company:
        """The company with every service changed: values, or functions of the service."""
        made = [replace(one, **{name: new(one) if callable(new) else new for name, new in changes.items()}) for one in self.services]
        return replace(self, services=tuple(made))

    def one(self, number: int, change: Callable[[Service], Service]) -> Company:
        """The company with one service changed."""
        services = list(self.services)
        services[number] = change(services[number])
        return replace(self, services=tuple(services))


def regimes(rng: Rng, days: int, *, good: float, bad: float, worse: float) -> np.ndarray:
    """(D,) 1 in good times and `worse` in bad ones, which alternate and last so many days in the mean."""
    profile, day, failing = np.ones(days), 0.0, bool(rng.random() < bad / (good + bad))
    while day < days:
        length = rng.gamma(2.0, (bad if failing else good) / 2)
        if failing:
            profile[int(day) : int(day + length) + 1] = worse
        day, failing = day + length, not failing
    return profile


def even_out(trouble: np.ndarray, shares: np.ndarray) -> np.ndarray:
    """The profile with mean 1 over the window."""
    return trouble / (shares[:, None] * trouble[:, WARM_DAYS:]).sum(axis=0).mean()


def yearly(company: Company, *, swing: float, peak: float) -> np.ndarray:
    """(D,) a hump of some ten weeks around a day of the year, on a floor: mean about 1."""
    distance = np.abs(((company.dates - company.dates[0]).astype(int) / 365.25 + _share_of_year(company) - peak + 0.5) % 1 - 0.5)
    hump = np.exp(-((distance / 0.12) ** 2))
    return (1 + swing * hump) / (1 + swing * 0.21)


def _share_of_year(company: Company) -> float:
    return company.first_day.timetuple().tm_yday / 365.25


def draw_company(rng: Rng, *, customers: tuple[int, int] = (6_000, 50_000), services: tuple[int, int] = (3, 8)) -> Company:
    """A company with nothing unusual about it."""
    months = int(rng.choice([24, 24, 30, 36, 48]))
    year, month = 2024, int(rng.integers(9, 30))
    as_of = date(year + (month - 1) // 12, (month - 1) % 12 + 1, 1) - timedelta(days=1)
    index = as_of.year * 12 + as_of.month - months
    since = date(index // 12, index % 12 + 1, 1)
    count = int(rng.integers(3, 10))
    company = Company(
        since=since,
        as_of=as_of,
        customers=int(np.exp(rng.uniform(np.log(customers[0]), np.log(customers[1])))),
        regions=tuple(f"branch {chr(65 + number)}" for number in range(count)),
        shares=rng.dirichlet(np.full(count, 4.0)),
        natural=float(rng.uniform(0.006, 0.015)),
        calendar=np.ones(1),
        level=np.ones(1),
        arrivals=np.ones(1),
        luck=float(rng.uniform(0.1, 0.6)),
        ease=float(rng.uniform(0.1, 0.6)),
        voice=float(rng.uniform(0.1, 0.6)),
        bill=float(rng.uniform(0.2, 0.8)),
        again=float(rng.uniform(0.0, 0.12)),
    )
    slow = np.cumsum(rng.standard_normal(company.days // 30 + 2)) * 0.03
    calendar = np.exp(np.interp(np.arange(company.days), np.arange(len(slow)) * 30, slow - slow.mean()))
    calendar = calendar * yearly(company, swing=float(rng.uniform(0, 0.35)), peak=float(rng.random()))
    level = np.exp(rng.uniform(-0.1, 0.2) * (np.arange(company.days) - company.days / 2) / 365.25)
    company = replace(
        company,
        calendar=np.exp(0.2 * rng.standard_normal(count))[:, None] * calendar,
        level=level,
        arrivals=yearly(company, swing=float(rng.uniform(0, 0.8)), peak=float(rng.random())),
    )
    names = rng.permutation(np.array(LABELS, dtype=object))[: int(rng.integers(services[0], services[1] + 1))]
    return replace(company, services=tuple(_draw_service(company, str(name), len(names), rng) for name in names))


def _draw_service(company: Company, name: str, count: int, rng: Rng) -> Service:
    length = company.days
    shared = regimes(rng, length, good=float(rng.uniform(90, 300)), bad=float(rng.uniform(10, 60)), worse=float(rng.uniform(1.5, 4)))
    rows = [
        np.exp(0.35 * rng.standard_normal()) * regimes(rng, length, good=float(rng.uniform(150, 400)), bad=20.0, worse=float(rng.uniform(1.5, 5)))
        for _ in company.regions
    ]
    return Service(
        name=name,
        per_year=float(np.exp(rng.uniform(np.log(0.2), np.log(1.2)))) / count * 2,
        speak=float(np.exp(rng.uniform(np.log(0.05), np.log(0.5)))),
        lose=float(np.exp(rng.uniform(np.log(0.03), np.log(0.3)))),
        memory_days=float(np.exp(rng.uniform(np.log(15), np.log(80)))),
        trouble=even_out(np.stack(rows) * shared, company.shares),
        newcomers=float(rng.choice([1.0, 1.0, rng.uniform(1.5, 4.0)])),
    )
