"""The true parameters of simulated companies, and `WORLDS`, the families on which the estimate is judged.

Every number below is judgement unless it says otherwise: chosen to look like companies, before any model was run on
them, and never tuned to one. Each family draws its own details, so two seeds of a family are two different companies.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.window import ObservationWindow

WARM_UP_MONTHS = 12  # problems happen for a year before the window, so that their departures reach into it
AFTER_MONTHS = 7  # calendar months that 180 days after the window can touch
TENURE_MONTHS = 145  # profiles by completed month of tenure; the last value holds

WINDOW = ObservationWindow(date(2024, 7, 1), date(2026, 6, 30))
CATEGORY_NAMES = (
    "billing", "delivery", "product quality", "staff attitude", "website and app", "waiting time",
    "price", "after-sales", "contract", "other",
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class CategoryTruth:
    """How one kind of problem strikes, and what customers then do.

    Attributes:
        name: Category as the files write it.
        monthly_rate: Incidents per customer-month where all multipliers are 1.
        complaint_probability: P(complain | problem).
        silent_leave_probability: Excess P(leave | problem, silent): leaving because of it, sooner or later.
        vocal_leave_probability: Excess P(leave | problem, complained).
        cell_multipliers: (segments, months) or a scalar; months run from `WARM_UP_MONTHS` before the window to half a year after it.
        tenure_profile: Multiplier of the rate per completed month of tenure; the last value holds.
        leave_segment: Multiplier of both leaving probabilities per segment.
        delay_mean_days, delay_shape: Gamma delay from the incident (silent) or the complaint (vocal) to the departure.
        complaint_delay_days: Mean of the geometric delay from the incident to the complaint.
        repeat_complaints: Mean number of further complaints about the same incident.
    """

    name: str
    monthly_rate: float
    complaint_probability: float
    silent_leave_probability: float
    vocal_leave_probability: float
    cell_multipliers: FloatArray | float = 1.0
    tenure_profile: FloatArray | tuple[float, ...] = (1.0,)
    leave_segment: FloatArray | float = 1.0
    delay_mean_days: float = 35.0
    delay_shape: float = 1.5
    complaint_delay_days: float = 4.0
    repeat_complaints: float = 0.15


@dataclass(frozen=True, eq=False)
class CompanyTruth:
    """What a company is like. Lengths: S segments; months as in `CategoryTruth.cell_multipliers`.

    Attributes:
        categories: The kinds of problems.
        window: Days that the files cover.
        customers: Customers in the files: everyone who was there on at least one day of the window.
        segments, segment_shares: S names and their shares of arrivals.
        natural_monthly_rate: Natural departures per customer-month where all multipliers are 1.
        natural_segment, natural_month, natural_tenure: Multipliers of it, by segment, month and completed month of tenure.
        natural_frailty_sd, incident_frailty_sd: Log-sd of what makes one customer leave, or meet problems, more than another.
        frailty_correlation: Between the two, on the normal scale.
        voice_sd: Log-sd of how readily one customer complains compared with another.
        company_age_months: How long before the window the first customer arrived (0: a young company without a left-truncated stock).
        monthly_arrival_growth: Exponential growth of arrivals.
        revenue_median, revenue_log_sd: Log-normal annual revenue, median by segment.
    """

    categories: tuple[CategoryTruth, ...]
    window: ObservationWindow = WINDOW
    customers: int = 34_000
    segments: tuple[str, ...] = ("all",)
    segment_shares: FloatArray | tuple[float, ...] = (1.0,)
    natural_monthly_rate: float = 0.011
    natural_segment: FloatArray | tuple[float, ...] = (1.0,)
    natural_month: FloatArray | tuple[float, ...] = (1.0,)
    natural_tenure: FloatArray | tuple[float, ...] = (1.0,)
    natural_frailty_sd: float = 0.0
    incident_frailty_sd: float = 0.0
    frailty_correlation: float = 0.0
    voice_sd: float = 0.0
    company_age_months: float = 120.0
    monthly_arrival_growth: float = 0.005
    revenue_median: FloatArray | tuple[float, ...] = (420.0,)
    revenue_log_sd: float = 0.6


def count_months(window: ObservationWindow) -> int:
    """Length of the month axis of a truth: warm-up, window, and the half year after it."""
    return WARM_UP_MONTHS + len(window.months) + AFTER_MONTHS


def month_walk(months: int, rng: np.random.Generator, *, step_sd: float = 0.15) -> FloatArray:
    """A multiplier that wanders from month to month around 1 (a mean-reverting walk on the log scale)."""
    steps = rng.standard_normal(months) * step_sd
    level = np.zeros(months)
    for month in range(1, months):
        level[month] = 0.85 * level[month - 1] + steps[month]
    return np.asarray(np.exp(level - level.mean()))


def season(months: int, window: ObservationWindow, *, amplitude: float, peak_month: int) -> FloatArray:
    """A yearly wave around 1, highest in calendar month `peak_month` (1 to 12)."""
    calendar = (window.since.month - 1 - WARM_UP_MONTHS + np.arange(months)) % 12
    return np.asarray(np.exp(amplitude * np.cos(2 * np.pi * (calendar - (peak_month - 1)) / 12)))


def outages(
    shape: tuple[int, int], rng: np.random.Generator, *, chance: float, low: float = 2.5, high: float = 7.0
) -> FloatArray:
    """Multipliers that are 1 except in some cells, where something broke for a month."""
    return np.where(rng.random(shape) < chance, rng.uniform(low, high, size=shape), 1.0)


def tenure_shape(kind: str, rng: np.random.Generator) -> FloatArray:
    """A profile by month of tenure with mean about 1 over the first five years: early, onboarding, late or flat."""
    month = np.arange(TENURE_MONTHS, dtype=float)
    pace = rng.uniform(0.7, 1.4)
    shapes = {
        "early": 0.6 + 3.0 * np.exp(-month / (7.0 * pace)),
        "onboarding": 0.7 + 5.0 * np.exp(-month / (1.8 * pace)),
        "late": 0.5 + 1.0 / (1.0 + np.exp(-(month - 22 * pace) / 6)),
        "flat": np.ones(TENURE_MONTHS),
    }
    return np.asarray(shapes[kind] / shapes[kind][:60].mean())


def _segment_names(count: int) -> tuple[str, ...]:
    regions = ("north", "south", "east", "west")
    plans = ("basic", "plus", "family", "pro")
    return ("all",) if count == 1 else tuple(f"{regions[index % 4]} {plans[index // 4]}" for index in range(count))


def draw_category(
    name: str,
    rng: np.random.Generator,
    *,
    company: CompanyTruth,
    vocal_customers: float,
    complaint_probability: float,
    silent_leave_probability: float,
) -> CategoryTruth:
    """A category with about `vocal_customers` complainers; where, when and whom it strikes is drawn."""
    segments, months = len(company.segments), count_months(company.window)
    by_segment = np.exp(0.5 * rng.standard_normal(segments)) if segments > 1 else np.ones(1)
    cells = by_segment[:, None] * month_walk(months, rng)[None, :]
    cells = cells * outages((1, months), rng, chance=0.06) * np.exp(0.1 * rng.standard_normal((segments, months)))
    shares = np.asarray(company.segment_shares)
    cells = cells / (shares[:, None] * cells).sum(0).mean()
    # A customer of these companies is in the window for a bit over half of it; only the scale of the company depends on this guess.
    customer_months = company.customers * 0.58 * len(company.window.months)
    return CategoryTruth(
        name=name,
        monthly_rate=vocal_customers / (customer_months * complaint_probability),
        complaint_probability=complaint_probability,
        silent_leave_probability=silent_leave_probability,
        vocal_leave_probability=float(np.clip(silent_leave_probability * rng.uniform(0.5, 1.5), 0.01, 0.9)),
        cell_multipliers=cells,
        tenure_profile=tenure_shape(str(rng.choice(["early", "onboarding", "late", "flat"])), rng),
        delay_mean_days=rng.uniform(20, 50),
        delay_shape=rng.uniform(1.2, 2.5),
        repeat_complaints=rng.uniform(0.05, 0.3),
    )


def draw_company(
    rng: np.random.Generator,
    *,
    segments: int = 8,
    customers: int = 34_000,
    natural_monthly_rate: float = 0.011,
    natural_segment_sd: float = 0.2,
    season_amplitude: float = 0.12,
    company_age_months: float = 120.0,
) -> CompanyTruth:
    """A company without problems: its customers, and how they leave by themselves."""
    months = count_months(WINDOW)
    monthly = season(months, WINDOW, amplitude=season_amplitude, peak_month=int(rng.integers(1, 13)))
    return CompanyTruth(
        categories=(),
        customers=customers,
        segments=_segment_names(segments),
        segment_shares=rng.dirichlet(np.full(segments, 6.0)),
        natural_monthly_rate=natural_monthly_rate * rng.uniform(0.8, 1.25),
        natural_segment=np.exp(natural_segment_sd * rng.standard_normal(segments)) if segments > 1 else (1.0,),
        natural_month=monthly * month_walk(months, rng, step_sd=0.05),
        natural_tenure=tenure_shape(str(rng.choice(["early", "onboarding"])), rng),
        natural_frailty_sd=rng.uniform(0.1, 0.5),
        company_age_months=company_age_months,
        monthly_arrival_growth=rng.uniform(0.0, 0.012),
        revenue_median=rng.uniform(180, 900, size=segments),
        revenue_log_sd=rng.uniform(0.4, 0.8),
    )


def with_categories(
    company: CompanyTruth,
    rng: np.random.Generator,
    *,
    count: int = 6,
    vocal_customers: float = 1600.0,
    complain: tuple[float, float] = (0.06, 0.6),
    leave: tuple[float, float] = (0.08, 0.5),
) -> CompanyTruth:
    """The company with `count` categories of uneven size; P(complain) is log-uniform, excess P(leave) uniform."""
    sizes = rng.dirichlet(np.full(count, 4.0)) * vocal_customers
    names = rng.permutation(np.array(CATEGORY_NAMES, dtype=object))[:count]
    kinds = tuple(
        draw_category(
            str(name),
            rng,
            company=company,
            vocal_customers=float(size),
            complaint_probability=float(np.exp(rng.uniform(*np.log(complain)))),
            silent_leave_probability=float(rng.uniform(*leave)),
        )
        for name, size in zip(names, sizes, strict=True)
    )
    return replace(company, categories=kinds)


def _each(company: CompanyTruth, change: Callable[[CategoryTruth], CategoryTruth]) -> CompanyTruth:
    return replace(company, categories=tuple(change(kind) for kind in company.categories))


def mixed(rng: np.random.Generator) -> CompanyTruth:
    """Some categories loud, some silent; some harmless, some deadly."""
    return with_categories(draw_company(rng), rng)


def folk(rng: np.random.Generator) -> CompanyTruth:
    """1:25 is true: one in 26 complains, so complaints are few."""
    return with_categories(draw_company(rng), rng, vocal_customers=420, complain=(0.03, 0.05), leave=(0.15, 0.4))


def loud(rng: np.random.Generator) -> CompanyTruth:
    """Most customers with a problem complain."""
    return with_categories(draw_company(rng), rng, complain=(0.6, 0.85))


def none(rng: np.random.Generator) -> CompanyTruth:
    """Nobody leaves in silence because of a problem; complainers may."""
    company = with_categories(draw_company(rng), rng)
    return _each(company, lambda kind: replace(kind, silent_leave_probability=0.0))


def natural_by_segment(rng: np.random.Generator) -> CompanyTruth:
    """Natural attrition is highest in the segments that also meet most problems."""
    company = with_categories(draw_company(rng), rng)
    burden = sum(np.asarray(kind.cell_multipliers).mean(1) * kind.monthly_rate for kind in company.categories)
    tilt = np.log(burden / burden.mean())
    noise = 0.2 * rng.standard_normal(len(company.segments))
    return replace(company, natural_segment=np.exp(rng.uniform(0.8, 1.5) * tilt + noise))


def seasonal(rng: np.random.Generator) -> CompanyTruth:
    """Natural attrition doubles and halves within the year."""
    return with_categories(draw_company(rng, season_amplitude=float(rng.uniform(0.35, 0.6))), rng)


def one_segment(rng: np.random.Generator) -> CompanyTruth:
    """A file without segments: only months and tenure can tell."""
    return with_categories(draw_company(rng, segments=1), rng)


def small(rng: np.random.Generator) -> CompanyTruth:
    """5,000 customers, and complaints in proportion."""
    return with_categories(draw_company(rng, segments=4, customers=5_000), rng, count=4, vocal_customers=280)


def repeat_complainers(rng: np.random.Generator) -> CompanyTruth:
    """The same people complain again and again, about several things."""
    company = replace(with_categories(draw_company(rng), rng), incident_frailty_sd=0.7, voice_sd=0.7)
    return _each(company, lambda kind: replace(kind, repeat_complaints=float(rng.uniform(1.0, 2.5))))


def slow(rng: np.random.Generator) -> CompanyTruth:
    """Departures come about four months after the problem (notice periods, contract ends)."""
    company = with_categories(draw_company(rng), rng)
    mean = float(rng.uniform(105, 135))
    return _each(
        company, lambda kind: replace(kind, delay_mean_days=mean * float(rng.uniform(0.9, 1.1)), delay_shape=4.0)
    )


def eight_categories(rng: np.random.Generator) -> CompanyTruth:
    """Eight categories share the complaints."""
    return with_categories(draw_company(rng), rng, count=8)


def young(rng: np.random.Generator) -> CompanyTruth:
    """The company opened with the window: nobody is older than 24 months."""
    company = replace(draw_company(rng, company_age_months=0.0), monthly_arrival_growth=float(rng.uniform(0.0, 0.05)))
    return with_categories(company, rng)


def local_outages(rng: np.random.Generator) -> CompanyTruth:
    """Other world: problems come in bursts that hit single segments for single months."""
    company = with_categories(draw_company(rng), rng)
    shape = (len(company.segments), count_months(company.window))

    def burst(kind: CategoryTruth) -> CategoryTruth:
        cells = np.asarray(kind.cell_multipliers) * outages(shape, rng, chance=0.06, low=5, high=20)
        return replace(kind, cell_multipliers=cells / cells.mean())

    return _each(company, burst)


def tied_months(rng: np.random.Generator) -> CompanyTruth:
    """Other world: natural attrition is high in the segments with problems, and drifts upwards over the two years."""
    company = natural_by_segment(rng)
    drift = np.linspace(-0.25, 0.25, count_months(company.window)) * rng.choice([-1, 1])
    return replace(company, natural_month=np.asarray(company.natural_month) * np.exp(drift))


def months_later(rng: np.random.Generator) -> CompanyTruth:
    """Other world: each category has its own delay, from weeks to half a year, widely spread."""
    company = with_categories(draw_company(rng), rng)
    return _each(
        company,
        lambda kind: replace(
            kind, delay_mean_days=float(rng.uniform(25, 180)), delay_shape=float(rng.uniform(0.9, 3.0))
        ),
    )


def few_complaints(rng: np.random.Generator) -> CompanyTruth:
    """Other world: a mid-sized company where exactly 1 in 26 complains, and fewer than 200 do."""
    company = draw_company(rng, segments=5, customers=18_000)
    return with_categories(company, rng, count=5, vocal_customers=170, complain=(1 / 26, 1.0001 / 26), leave=(0.1, 0.4))


def heterogeneous(rng: np.random.Generator) -> CompanyTruth:
    """Other world: those prone to problems are prone to leave; harm differs by segment, voices by person."""
    company = with_categories(draw_company(rng), rng)
    company = replace(
        company,
        natural_frailty_sd=0.8,
        incident_frailty_sd=0.6,
        frailty_correlation=float(rng.uniform(0.2, 0.6)),
        voice_sd=0.6,
    )
    size = len(company.segments)
    return _each(company, lambda kind: replace(kind, leave_segment=np.exp(0.3 * rng.standard_normal(size))))


def lively(rng: np.random.Generator) -> CompanyTruth:
    """Other world: problems differ widely between months, and each segment has ups, downs and breakdowns of its own."""
    company = with_categories(draw_company(rng), rng)
    segments, months = len(company.segments), count_months(company.window)

    def stir(kind: CategoryTruth) -> CategoryTruth:
        local = np.array([month_walk(months, rng, step_sd=0.2) for _ in range(segments)])
        local *= outages((segments, months), rng, chance=0.02, low=3, high=8) * month_walk(months, rng, step_sd=0.2)
        cells = np.asarray(kind.cell_multipliers) * local
        return replace(kind, cell_multipliers=cells / cells.mean())

    return _each(company, stir)


FAMILIES: dict[str, Callable[[np.random.Generator], CompanyTruth]] = {
    "mixed": mixed, "folk": folk, "loud": loud, "none": none, "natural_by_segment": natural_by_segment,
    "seasonal": seasonal, "one_segment": one_segment, "small": small, "repeat_complainers": repeat_complainers,
    "slow": slow, "eight_categories": eight_categories, "young": young,
}  # fmt: skip
OTHER_WORLDS: dict[str, Callable[[np.random.Generator], CompanyTruth]] = {
    "local_outages": local_outages, "tied_months": tied_months, "months_later": months_later,
    "few_complaints": few_complaints, "heterogeneous": heterogeneous, "lively": lively,
}  # fmt: skip
WORLDS = {**FAMILIES, **OTHER_WORLDS}
