"""The kinds of companies: what is different about each, and what its files hold (`KINDS`).

Every kind draws companies of its own: the seed of a company is made of the kind's name and its number, so that no two kinds share one.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

from benchmarks.calibration.hostile import files as written
from benchmarks.calibration.hostile import firm as firms
from benchmarks.calibration.hostile.files import Files, write_files
from benchmarks.calibration.hostile.firm import TENURE_MONTHS, WARM_DAYS, Delay, Firm, Problem, Wave, draw_firm, draw_problems, season
from benchmarks.calibration.hostile.lives import NATURAL, Lives, live, with_complaints

Rng = np.random.Generator
MakeFirm = Callable[[Rng], Firm]
MakeFiles = Callable[[Lives, Rng], Files]


@dataclass(frozen=True)
class Kind:
    """A kind of company.

    Attributes:
        firm: Draws one.
        says: What is different about it.
        files: What its files hold; customers and complaints if not said otherwise.
        lives: Changes what happened (complaints that are none).
        beside: Other files of the same company, by name: estimated as well.
        fair: Whether nothing that the product may assume is broken.
    """

    firm: MakeFirm
    says: str
    files: MakeFiles = lambda lives, rng: write_files(lives)
    lives: Callable[[Lives, Rng], Lives] = lambda lives, rng: lives
    beside: dict[str, Callable[[Files], Files]] | None = None
    fair: bool = False


def draw_company(name: str, seed: int) -> tuple[Lives, Files]:
    """Company number `seed` of a kind: what happened to it, and its files."""
    kind, rng = KINDS[name], np.random.default_rng([zlib.crc32(name.encode()), seed])
    lives = kind.lives(live(kind.firm(rng), rng), rng)
    return lives, kind.files(lives, rng)


def plain(rng: Rng) -> Firm:
    """Nothing is wrong."""
    return draw_problems(draw_firm(rng), rng)


def small(rng: Rng) -> Firm:
    """Three thousand customers."""
    return draw_problems(draw_firm(rng, regions=4, customers=int(rng.integers(3_000, 5_000))), rng, count=4, vocal=float(rng.uniform(180, 300)))


def no_silent_churn(rng: Rng) -> Firm:
    """Nobody leaves in silence because of a problem; complainers do."""
    return plain(rng).each(silent_leave=0.0)


def short(rng: Rng) -> Firm:
    """Twelve months."""
    return draw_problems(draw_firm(rng, months=12), rng, vocal=float(rng.uniform(600, 1_100)))


def contracts(rng: Rng) -> Firm:
    """70 % can leave only at an anniversary of their start."""
    firm = plain(rng)
    return replace(firm, annual_share=np.full(len(firm.segments), 0.7))


def plan_mix(rng: Rng) -> Firm:
    """Four regions with a monthly and a yearly plan each; yearly customers leave at an anniversary."""
    names = tuple(f"region {region} {plan}" for region in range(1, 5) for plan in ("monthly", "yearly"))
    return replace(draw_problems(draw_firm(rng, names=names), rng), annual_share=np.tile([0.0, 1.0], 4))


def goodwill(rng: Rng) -> Firm:
    """A complaint that is handled keeps the customer: complainers leave far less and later than those who kept silent, also by themselves."""
    share, slower = float(rng.uniform(0.05, 0.3)), float(rng.uniform(1.5, 4.0))

    def later(problem: Problem) -> Delay:
        return replace(problem.delay, mean_days=problem.delay.mean_days * slower)

    firm = replace(plain(rng), goodwill=float(rng.uniform(0.3, 0.6)))
    return firm.each(vocal_leave=lambda one: one.silent_leave * share, vocal_delay=later)


def voice(rng: Rng) -> Firm:
    """Long-tenured customers complain, new ones leave."""
    month = np.arange(TENURE_MONTHS) + 0.5
    speaks = 0.3 + 1.7 / (1 + np.exp(-(month - rng.uniform(15, 25)) / 5))
    firm = replace(plain(rng), voice_by_tenure=speaks, leave_by_tenure=0.4 + 1.4 * np.exp(-month / rng.uniform(8, 14)))
    return firm.each(by_tenure=firms.early(rng, strength=float(rng.uniform(2, 4))))


def recording_change(rng: Rng) -> Firm:
    """A new ticket tool doubles what is recorded from one day on."""
    firm = plain(rng)
    after = np.arange(firm.days) >= firm.inside(float(rng.uniform(0.3, 0.7)))
    return firm.each(speak_by_day=np.where(after, 1.35, 0.675))


def acquisition_wave(rng: Rng) -> Firm:
    """Some weeks of a campaign win customers who do not fit: they leave more and complain more, whatever happens to them."""
    firm = plain(rng)
    first = firm.inside(float(rng.uniform(0.1, 0.45)))
    last, share = first + float(rng.uniform(40, 100)), float(rng.uniform(0.03, 0.07))
    return replace(firm, wave=Wave(first, last, share, natural=float(rng.uniform(3, 5)), voice=float(rng.uniform(1.8, 3))))


def delays(rng: Rng) -> Firm:
    """Categories take from 8 to 240 days to make a customer leave."""
    firm = plain(rng)
    means = rng.permutation(np.geomspace(8, 240, len(firm.problems)))
    made = {one.name: Delay.any(rng, low=float(mean), high=float(mean) * 1.001) for one, mean in zip(firm.problems, means, strict=True)}
    return firm.each(delay=lambda one: made[one.name], vocal_delay=lambda one: made[one.name])


def competitor(rng: Rng) -> Firm:
    """A competitor opens in one region: customers go there, and those who stay bargain over the price."""
    firm = plain(rng)
    region = int(rng.integers(len(firm.segments)))
    opened = np.arange(firm.days) >= firm.inside(float(rng.uniform(0.2, 0.6)))
    calendar, cells = firm.natural_by_day.copy(), np.full((len(firm.segments), firm.days), 0.05)
    calendar[region] *= np.where(opened, rng.uniform(1.8, 3.0), 1.0)
    cells[region] += 4.0 * opened
    return _grumbling(replace(firm, natural_by_day=calendar), cells, rng, share=(0.3, 0.6))


def price_rise(rng: Rng) -> Firm:
    """Prices rise: for some months many leave who had no problem, and many complain of one category."""
    firm = plain(rng)
    since = np.arange(firm.days) - firm.inside(float(rng.uniform(0.2, 0.7)))
    surge = np.where(since >= 0, np.exp(-np.maximum(since, 0) / rng.uniform(40, 110)), 0.0)
    calendar = firm.natural_by_day * (1 + rng.uniform(0.8, 1.8) * surge)
    return _grumbling(replace(firm, natural_by_day=calendar), np.tile(0.1 + 5 * surge, (len(firm.segments), 1)), rng, share=(0.3, 0.6))


def _grumbling(firm: Firm, cells: np.ndarray, rng: Rng, *, share: tuple[float, float]) -> Firm:
    """One category holds complaints behind which there is no problem."""
    window = slice(WARM_DAYS, WARM_DAYS + firm.window_days)
    cells = cells / (firm.segment_shares[:, None] * cells[:, window]).sum(axis=0).mean()
    chosen, part = str(rng.choice([one.name for one in firm.problems])), float(rng.uniform(*share))
    return firm.each(grumbles=lambda one: part if one.name == chosen else 0.0, grumbles_by_day=lambda one: cells if one.name == chosen else None)


def seasonal_both(rng: Rng) -> Firm:
    """Complaints and departures have the same season, for reasons of their own."""
    firm = plain(rng)
    peak = float(rng.random())
    natural = firm.natural_by_day * season(firm, amplitude=float(rng.uniform(0.3, 0.6)), peak=peak)
    problems = season(firm, amplitude=float(rng.uniform(0.3, 0.6)), peak=peak + float(rng.uniform(-0.05, 0.05)))
    return replace(firm, natural_by_day=natural).each(by_day=lambda one: one.by_day * problems)


def complaint_season(rng: Rng) -> Firm:
    """In some months of the year the same problems are complained of more often."""
    firm = plain(rng)
    return firm.each(speak_by_day=season(firm, amplitude=float(rng.uniform(0.4, 0.7)), peak=float(rng.random())))


def branches(count: int) -> MakeFirm:
    """A company of so many branches in eight regions; problems happen in branches."""

    def made(rng: Rng) -> Firm:
        regions = sorted(int(number) for number in rng.integers(1, 9, count))
        return draw_problems(draw_firm(rng, names=tuple(f"region {region} branch {number:03d}" for number, region in enumerate(regions))), rng)

    return made


def as_regions(files: Files) -> Files:
    """The branch dropped to its region."""
    customers = files.tables["customers"]
    return files.changed(customers=customers.assign(segment=customers["segment"].str.replace(r" branch \d+", "", regex=True)))


def migration(lives: Lives, rng: Rng) -> Files:
    """The customers file begins at a migration: who left before it is not on it."""
    files = write_files(lives)
    first = pd.Timestamp(lives.firm.since) + pd.Timedelta(days=round(float(rng.uniform(0.15, 0.45)) * lives.firm.window_days))
    customers = files.tables["customers"]
    return files.changed(customers=customers[~(customers["end_date"] < first)].reset_index(drop=True))


def late_departures(lives: Lives, rng: Rng) -> Files:
    """Departures reach the file 45 days late."""
    files = write_files(lives)
    customers = files.tables["customers"].copy()
    customers.loc[customers["end_date"] > pd.Timestamp(lives.firm.as_of) - pd.Timedelta(days=45), "end_date"] = pd.NaT
    return files.changed(customers=customers)


def cancellations(lives: Lives, rng: Rng) -> Lives:
    """30 % of those who leave by themselves are logged as complaints of one category when they say so."""
    people, firm = lives.people, lives.firm
    recent = people["departure"].between(firms.day_number(firm.since) - written.PAST_DAYS, firms.day_number(firm.as_of))
    chosen = np.flatnonzero(recent & (people["cause"] == NATURAL) & (rng.random(len(people)) < 0.3))
    day = people["departure"].to_numpy()[chosen] - rng.integers(0, 15, len(chosen))
    day = np.maximum(day, people["start"].to_numpy()[chosen])
    return with_complaints(lives, chosen, day, np.full(len(chosen), int(rng.integers(len(firm.problems)))))


def renamed(lives: Lives, rng: Rng) -> Files:
    """Half way one category gets another name."""
    files = write_files(lives)
    complaints, old = files.tables["complaints"].copy(), str(rng.choice([one.name for one in lives.firm.problems]))
    day = pd.Timestamp(lives.firm.since) + pd.Timedelta(days=round(float(rng.uniform(0.4, 0.6)) * lives.firm.window_days))
    complaints.loc[(complaints["category"] == old) & (complaints["complaint_date"] >= day), "category"] = f"{old} (new)"
    return replace(files.changed(complaints=complaints), stands_for={f"{old} (new)": old})


def logged(*, silent: float, spurious: float) -> MakeFiles:
    """Files with an incident log that holds 90 % of those who complained."""
    return lambda lives, rng: write_files(lives).changed(incidents=written.write_log(lives, rng, vocal=0.9, silent=silent, spurious=spurious))


def surveyed(*, recall: float, claims: float) -> MakeFiles:
    """Files with a survey."""
    return lambda lives, rng: write_files(lives).changed(surveys=written.write_survey(lives, rng, recall=recall, claims=claims))


KINDS: dict[str, Kind] = {
    "plain": Kind(plain, "nothing is wrong", fair=True),
    "small": Kind(small, "3,000 to 5,000 customers", fair=True),
    "no_silent_churn": Kind(no_silent_churn, "nobody leaves in silence because of a problem", fair=True),
    "honest_log": Kind(plain, "an incident log that holds 90 % of all incidents", logged(silent=0.9, spurious=0.0), fair=True),
    "honest_survey": Kind(plain, "a survey in which everyone remembers", surveyed(recall=1.0, claims=0.0), fair=True),
    "branches_40": Kind(branches(40), "40 branches in 8 regions", beside={"regions": as_regions}, fair=True),
    "branches_100": Kind(branches(100), "100 branches in 8 regions", beside={"regions": as_regions}, fair=True),
    "migration": Kind(plain, "who left before a migration is not on file", migration),
    "contracts": Kind(contracts, "70 % can leave only at an anniversary"),
    "plan_mix": Kind(plan_mix, "monthly and yearly plans, by segment"),
    "goodwill": Kind(goodwill, "complaining helps: complainers stay"),
    "voice": Kind(voice, "complainers are long-tenured, silent leavers new"),
    "recording_change": Kind(recording_change, "a new tool doubles what is recorded"),
    "acquisition_wave": Kind(acquisition_wave, "a campaign wins customers who do not fit"),
    "late_departures": Kind(plain, "departures reach the file 45 days late", late_departures),
    "cancellations": Kind(plain, "30 % of natural leavers are logged as complaints", lives=cancellations),
    "delays": Kind(delays, "8 to 240 days from problem to departure, by category"),
    "competitor": Kind(competitor, "a competitor opens in one region"),
    "price_rise": Kind(price_rise, "prices rise"),
    "seasonal_both": Kind(seasonal_both, "complaints and departures share a season"),
    "complaint_season": Kind(complaint_season, "complaints have a season, problems have none"),
    "short": Kind(short, "a window of 12 months", lambda lives, rng: write_files(lives, past_days=0)),
    "biased_log": Kind(plain, "a log with 45 % of the silent, one entry in five spurious", logged(silent=0.45, spurious=0.2)),
    "biased_survey": Kind(plain, "a survey of poor memory; a quarter claim to have complained", surveyed(recall=0.6, claims=0.25)),
    "volumes": Kind(plain, "complaints as monthly volumes (level 1)", lambda lives, rng: written.as_volumes(write_files(lives), lives.firm)),
    "flat": Kind(plain, "a sheet without dates (level F)", lambda lives, rng: written.as_flat(write_files(lives), lives.firm)),
    "renamed": Kind(plain, "half way a category gets another name", renamed),
}
