"""What a company is like: its customers, its problems, and how both change by day, region and tenure (`Firm`, `draw_firm`).

Every number is judgement, set to look like companies before the model was run on any of them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from typing import Any

import numpy as np

from iceberg.cohort.window import months_before

WARM_DAYS = 365  # problems happen for a year before the window: their departures reach into it
LATER_DAYS = 1_200  # and go on after it, until the last customer whose lost revenue is counted would have left
TENURE_MONTHS = 240
DAYS_PER_MONTH = 30.4375  # 365.25 / 12
NAMES = ("billing", "delivery", "product", "staff", "website", "waiting time", "price", "repairs", "contract", "other")


@dataclass(frozen=True)
class Delay:
    """Days from a problem, or from the complaint about it, to the departure: never exponential.

    Attributes:
        form: ``weibull``, ``lognormal``, or ``mixture`` (most leave at once, the others months later).
        mean_days: About the mean.
        spread: Weibull shape, log-sd, or the share of those who leave at once.
    """

    form: str
    mean_days: float
    spread: float

    def draw(self, size: int, rng: np.random.Generator) -> np.ndarray:
        """Days, positive reals."""
        if self.form == "weibull":
            return self.mean_days * 1.1 * rng.weibull(self.spread, size)
        if self.form == "lognormal":
            return self.mean_days * np.exp(self.spread * rng.standard_normal(size) - self.spread**2 / 2)
        fast = rng.random(size) < self.spread
        late = self.mean_days * (2.2 + 0.5 * rng.standard_normal(size))
        return np.where(fast, self.mean_days * 0.4 * rng.random(size) * 2, np.maximum(late, 1.0))

    @classmethod
    def any(cls, rng: np.random.Generator, *, low: float = 15.0, high: float = 70.0) -> Delay:
        """A delay of some form with a mean between two bounds."""
        form = str(rng.choice(["weibull", "lognormal", "mixture"]))
        spread = {"weibull": rng.uniform(0.9, 2.6), "lognormal": rng.uniform(0.4, 0.9), "mixture": rng.uniform(0.5, 0.8)}[form]
        return cls(form, float(np.exp(rng.uniform(np.log(low), np.log(high)))), float(spread))


@dataclass(frozen=True, eq=False)
class Problem:
    """One kind of problem. D days from `Firm.first_day`, S segments, T months of tenure.

    Attributes:
        name: Category of the complaints about it.
        vocal_customers: About how many complain of it inside the window.
        speak: P(complain | problem) where all multipliers are 1.
        silent_leave, vocal_leave: P(leave because of it), for those who keep silent and for those who complain.
        delay, vocal_delay: Problem to departure of the silent, complaint to departure of complainers.
        by_day: (S, D) multiplier of its frequency.
        by_tenure: (T,) the same by month of tenure.
        speak_by_day: (D,) multiplier of `speak`.
        speak_days: Mean days from the problem to the complaint.
        repeats: Mean number of further complaints about the same problem.
        grumbles: Complaints without a problem, as a share of `vocal_customers`; nobody leaves because of them.
        grumbles_by_day: (S, D) when and where.
    """

    name: str
    vocal_customers: float
    speak: float
    silent_leave: float
    vocal_leave: float
    delay: Delay
    vocal_delay: Delay
    by_day: np.ndarray
    by_tenure: np.ndarray
    speak_by_day: np.ndarray
    speak_days: float = 4.0
    repeats: float = 0.15
    grumbles: float = 0.0
    grumbles_by_day: np.ndarray | None = None


@dataclass(frozen=True)
class Wave:
    """Customers won within some weeks who do not fit: days since `Firm.first_day`, their share of all, and what is multiplied for them."""

    first: float
    last: float
    share: float
    natural: float
    voice: float


@dataclass(frozen=True, eq=False)
class Firm:
    """What a company is like. Days count from `first_day`, `WARM_DAYS` before the window.

    Attributes:
        since, as_of: The window that its files cover.
        customers: How many of them were there on a day of the window, about.
        segments, segment_shares: S names and shares.
        natural_rate: Natural departures per customer-month where all multipliers are 1.
        natural_by_day: (S, D) multiplier; natural_by_tenure: (T,) multiplier.
        frailty, proneness, voice: Variances of gamma multipliers of mean 1, by customer: of leaving, of meeting problems, of complaining.
        voice_by_tenure, leave_by_tenure: (T,) multipliers of `Problem.speak` and of `Problem.silent_leave`.
        age_months: How long before the window the first customer arrived.
        growth: Of arrivals per month.
        annual_share: (S,) share of customers who can leave at an anniversary of their start only.
        wave: An acquisition wave.
        goodwill: P(a complaint puts off the natural departure of who made it, by half a year to two years).
        revenue_median, revenue_log_sd: Of a year, log-normal, median by segment.
    """

    since: date
    as_of: date
    customers: int
    segments: tuple[str, ...]
    segment_shares: np.ndarray
    natural_rate: float
    natural_by_day: np.ndarray
    natural_by_tenure: np.ndarray
    frailty: float
    proneness: float
    voice: float
    voice_by_tenure: np.ndarray
    leave_by_tenure: np.ndarray
    age_months: float
    growth: float
    annual_share: np.ndarray
    revenue_median: np.ndarray
    revenue_log_sd: float
    problems: tuple[Problem, ...] = ()
    wave: Wave | None = None
    goodwill: float = 0.0

    @property
    def first_day(self) -> int:
        """Day number (since 1970) on which the warm-up begins; day 0 of every profile."""
        return day_number(self.since) - WARM_DAYS

    @property
    def window_days(self) -> int:
        """Days of the window."""
        return day_number(self.as_of) - day_number(self.since) + 1

    @property
    def days(self) -> int:
        """D, length of every profile by day."""
        return WARM_DAYS + self.window_days + LATER_DAYS

    def inside(self, share: float) -> float:
        """The day that lies so far into the window."""
        return WARM_DAYS + share * self.window_days

    def each(self, **changes: Any) -> Firm:
        """The firm with every problem changed: values, or functions of the problem."""
        made = [replace(one, **{name: value(one) if callable(value) else value for name, value in changes.items()}) for one in self.problems]
        return replace(self, problems=tuple(made))


def day_number(value: date) -> int:
    """Days since 1 January 1970."""
    return (value - date(1970, 1, 1)).days


def season(firm: Firm, *, amplitude: float, peak: float) -> np.ndarray:
    """(D,) a yearly wave around 1, highest at `peak` (share of the year)."""
    return np.exp(amplitude * np.cos(2 * np.pi * (np.arange(firm.days) / 365.25 - peak)))


def wander(firm: Firm, rng: np.random.Generator, *, sd: float, memory_days: float = 60.0) -> np.ndarray:
    """(D,) a multiplier that wanders around 1 from day to day; 1 after the window."""
    keep, steps = np.exp(-1 / memory_days), rng.standard_normal(firm.days)
    level = np.empty(firm.days)
    now = sd * rng.standard_normal()
    for day, step in enumerate(steps):
        now = keep * now + sd * np.sqrt(1 - keep**2) * step
        level[day] = now
    level[WARM_DAYS + firm.window_days :] = 0.0
    return np.exp(level - sd**2 / 2)


def episodes(firm: Firm, rng: np.random.Generator, *, count: float, low: float, high: float) -> np.ndarray:
    """(D,) 1, except for about `count` episodes a year of some days to two months, during which it is `low` to `high`."""
    profile = np.ones(firm.days)
    last = WARM_DAYS + firm.window_days
    for _ in range(rng.poisson(count * last / 365.25)):
        first = rng.uniform(0, last)
        profile[int(first) : int(min(first + rng.uniform(8, 60), last))] *= rng.uniform(low, high)
    return profile


def early(rng: np.random.Generator, *, strength: float) -> np.ndarray:
    """(T,) higher in the first months of a customer's life, mean about 1 over the first five years."""
    month = np.arange(TENURE_MONTHS) + 0.5
    profile = 1 + strength * np.exp(-month / rng.uniform(2.0, 9.0))
    return profile / profile[:60].mean()


def late(rng: np.random.Generator) -> np.ndarray:
    """(T,) higher for customers of some years."""
    month = np.arange(TENURE_MONTHS) + 0.5
    profile = 0.5 + 1 / (1 + np.exp(-(month - rng.uniform(14, 40)) / 7))
    return profile / profile[:60].mean()


def draw_firm(
    rng: np.random.Generator, *, regions: int = 8, customers: int | None = None, months: int = 24, names: tuple[str, ...] | None = None
) -> Firm:
    """A company without problems: its customers, and how they leave by themselves."""
    ends = [date(2025, 9, 30), date(2025, 12, 31), date(2026, 3, 31), date(2026, 6, 30), date(2026, 8, 31)]
    as_of = ends[int(rng.integers(len(ends)))]
    following = date(as_of.year + as_of.month // 12, as_of.month % 12 + 1, 1)
    segments = names or tuple(f"region {number + 1:02d}" for number in range(regions))
    flat = np.ones(TENURE_MONTHS)
    firm = Firm(
        since=months_before(following, months),
        as_of=as_of,
        customers=customers or int(rng.integers(20_000, 40_001)),
        segments=segments,
        segment_shares=rng.dirichlet(np.full(len(segments), 5.0)),
        natural_rate=float(rng.uniform(0.008, 0.014)),
        natural_by_day=np.ones(1),
        natural_by_tenure=early(rng, strength=float(rng.uniform(0.5, 4.0))),
        frailty=float(rng.uniform(0.05, 0.5)),
        proneness=float(rng.uniform(0.05, 0.5)),
        voice=float(rng.uniform(0.05, 0.4)),
        voice_by_tenure=flat,
        leave_by_tenure=flat,
        age_months=float(rng.uniform(60, 150)),
        growth=float(rng.uniform(0.0, 0.012)),
        annual_share=np.zeros(len(segments)),
        revenue_median=rng.uniform(150, 900) * np.exp(0.3 * rng.standard_normal(len(segments))),
        revenue_log_sd=float(rng.uniform(0.4, 0.8)),
    )
    calendar = season(firm, amplitude=float(rng.uniform(0.0, 0.2)), peak=float(rng.random())) * wander(firm, rng, sd=0.08)
    level = np.exp(rng.uniform(0.1, 0.3) * rng.standard_normal(len(segments)))
    return replace(firm, natural_by_day=level[:, None] * calendar)


def draw_problems(firm: Firm, rng: np.random.Generator, *, count: int | None = None, vocal: float | None = None) -> Firm:
    """The firm with problems of uneven size: where, when and whom they strike, who speaks and who leaves is drawn."""
    count = count or int(rng.integers(5, 9))
    vocal = vocal or float(rng.uniform(1_200, 2_000))
    sizes = vocal * rng.dirichlet(np.full(count, 4.0))
    names = rng.permutation(np.array(NAMES, dtype=object))[:count]
    return replace(firm, problems=tuple(_draw_problem(firm, str(name), float(size), rng) for name, size in zip(names, sizes, strict=True)))


def _draw_problem(firm: Firm, name: str, vocal: float, rng: np.random.Generator) -> Problem:
    segments = len(firm.segments)
    where = np.exp(rng.uniform(0.3, 0.6) * rng.standard_normal(segments))
    when = wander(firm, rng, sd=float(rng.uniform(0.15, 0.35))) * episodes(firm, rng, count=0.7, low=2.0, high=5.0)
    cells = where[:, None] * when
    for segment in range(segments):
        cells[segment] *= episodes(firm, rng, count=0.25, low=2.0, high=6.0)
    window = slice(WARM_DAYS, WARM_DAYS + firm.window_days)
    cells /= (firm.segment_shares[:, None] * cells[:, window]).sum(axis=0).mean()
    tenure = [early(rng, strength=float(rng.uniform(1, 6))), late(rng), np.ones(TENURE_MONTHS)][int(rng.integers(3))]
    silent = float(rng.uniform(0.1, 0.5))
    delay = Delay.any(rng)
    return Problem(
        name=name,
        vocal_customers=vocal,
        speak=float(np.exp(rng.uniform(np.log(0.05), np.log(0.5)))),
        silent_leave=silent,
        vocal_leave=float(np.clip(silent * rng.uniform(0.6, 1.4), 0.01, 0.9)),
        delay=delay,
        vocal_delay=replace(delay, mean_days=delay.mean_days * float(rng.uniform(0.8, 1.2))),
        by_day=cells,
        by_tenure=tenure,
        speak_by_day=np.ones(firm.days),
        speak_days=float(rng.uniform(2, 9)),
        repeats=float(rng.uniform(0.05, 0.4)),
    )
