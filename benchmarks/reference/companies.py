"""Owns the companies on which fit and reference sampler are compared: smaller than the families they come from, so that sampling takes minutes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.calibration.direct_counts import count_directly
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.findings.findings import RecordingChange
from iceberg.cohort.renewals.clock import edges_around
from iceberg.cohort.renewals.search import read_renewals
from iceberg.cohort.window import ObservationWindow
from iceberg.model.assumptions import Assumptions
from iceberg.model.departures.fit.design import LexisDesign
from iceberg.model.departures.fit.model import LAGS_TO_DECIDE, LONGEST_LAG
from iceberg.model.departures.fit.parameters import NATURAL_LEVEL_SD
from iceberg.model.entry.wave import find_wave
from iceberg.model.priors import HARMLESS_SD, HARMLESS_SHIFT
from iceberg.model.ratio.level_three_prior import ratio_prior_of
from iceberg.model.ratio.posterior import RatioPrior
from iceberg.model.survival.delay_kernel import DelayKernel, fit_delay_kernel, lags_needed
from iceberg.simulation.company import SimulatedCompany, observe_history, simulate_company
from iceberg.simulation.history import NEVER, CompanyHistory, day_number
from iceberg.simulation.worlds import CompanyTruth, draw_company, with_categories

FIXTURES = Path(__file__).parents[2] / "tests" / "model" / "fixtures"
WINDOW = ObservationWindow(date(2025, 1, 1), date(2026, 6, 30))  # the last 18 of the simulated 24 months


def _mixed(rng: np.random.Generator) -> CompanyTruth:
    return with_categories(draw_company(rng, segments=3, customers=12_000), rng, count=3, vocal_customers=600)


def _small(rng: np.random.Generator) -> CompanyTruth:
    return with_categories(draw_company(rng, segments=2, customers=5_000), rng, count=3, vocal_customers=280)


def _none(rng: np.random.Generator) -> CompanyTruth:
    company = with_categories(draw_company(rng, segments=3, customers=12_000), rng, count=3, vocal_customers=600)
    return replace(company, categories=tuple(replace(kind, silent_leave_probability=0.0) for kind in company.categories))


def _folk(rng: np.random.Generator) -> CompanyTruth:
    return with_categories(
        draw_company(rng, segments=3, customers=12_000), rng, count=3, vocal_customers=150, complain=(0.03, 0.05), leave=(0.15, 0.4)
    )


def _busy(rng: np.random.Generator) -> CompanyTruth:
    return with_categories(draw_company(rng, segments=2, customers=8_000), rng, count=3, vocal_customers=800)


MAKERS: dict[str, Callable[[np.random.Generator], CompanyTruth]] = {
    "mixed": _mixed, "small": _small, "none": _none, "folk": _folk,
    "wave": _small, "speaking": _busy, "recorded": _small, "contracts": _small,
}  # fmt: skip
SEEDS = {name: 11 + place for place, name in enumerate(MAKERS)}  # chosen before any was fitted

CAMPAIGN = (date(2025, 4, 1), date(2025, 6, 30))
CAMPAIGN_LEAVE, CAMPAIGN_COMPLAIN = 0.10, 0.15  # more departures a month, and one more complaint within a year, than other newcomers
TOOL_DAY, TOOL_SHARE = date(2025, 10, 15), 0.4  # before that day so many of the complaints were recorded
BOUND, TERM = 0.7, 12


def _campaign(history: CompanyHistory, rng: np.random.Generator) -> CompanyHistory:
    """Customers won in three months leave and complain more than others, whatever happens to them."""
    start = history.people["start_day"].to_numpy()
    won = np.flatnonzero((start >= day_number(CAMPAIGN[0])) & (start <= day_number(CAMPAIGN[1])))
    departure = history.people["departure_day"].to_numpy().copy()
    departure[won] = np.minimum(departure[won], start[won] + np.ceil(rng.exponential(30.4375 / CAMPAIGN_LEAVE, len(won))).astype(np.int64))
    loud = won[rng.random(len(won)) < CAMPAIGN_COMPLAIN]
    more = pd.DataFrame(
        {
            "customer": loud,
            "day": start[loud] + rng.integers(1, 365, len(loud)),
            "category": rng.integers(0, len(history.truth.categories), len(loud)),
        }
    )
    return _gone(history, departure, pd.concat([history.complaints[list(more)], more], ignore_index=True))


def _speaking_up(history: CompanyHistory, rng: np.random.Generator) -> CompanyHistory:
    """Of the same problem ten times as many complain in April as in October."""
    month = pd.to_datetime(history.complaints["day"], unit="D").dt.month.to_numpy()
    spoken = rng.random(len(month)) < 0.55 + 0.45 * np.cos(2 * np.pi * (month - 4) / 12)
    return replace(history, complaints=history.complaints[spoken])


def _new_tool(history: CompanyHistory, rng: np.random.Generator) -> CompanyHistory:
    """Before a day, part of the complaints was not recorded."""
    kept = (history.complaints["day"].to_numpy() >= day_number(TOOL_DAY)) | (rng.random(len(history.complaints)) < TOOL_SHARE)
    return replace(history, complaints=history.complaints[kept])


def _bound(history: CompanyHistory, rng: np.random.Generator) -> CompanyHistory:
    """Most customers leave at the next anniversary of their first day, whatever their reason."""
    start, departure = (history.people[name].to_numpy() for name in ("start_day", "departure_day"))
    terms = np.ceil(np.maximum(departure - start, 1) / 365.25)
    waiting = (rng.random(len(start)) < BOUND) & (departure < NEVER)
    return _gone(history, np.where(waiting, start + np.floor(365.25 * terms), departure).astype(np.int64), history.complaints)


def _gone(history: CompanyHistory, departure: np.ndarray, complaints: pd.DataFrame) -> CompanyHistory:
    there = complaints["day"].to_numpy() <= departure[complaints["customer"].to_numpy()]
    return replace(history, people=history.people.assign(departure_day=departure), complaints=complaints[there])


CHANGES = {"wave": _campaign, "speaking": _speaking_up, "recorded": _new_tool, "contracts": _bound}  # what else happens to a company


@dataclass(frozen=True, eq=False)
class Problem:
    """What fit and sampler are both given.

    Attributes:
        name, seed: The company.
        counts: Of its last 18 months.
        design: The counts as the model reads them.
        prior: Of log r.
        kernel: Prior of the delay, from complainers.
        truth: Simulated silent churn per category, in the order of `counts.categories`.
    """

    name: str
    seed: int
    counts: CohortCounts
    design: LexisDesign
    prior: RatioPrior
    kernel: DelayKernel
    truth: tuple[int, ...]


def build_problem(name: str, seed: int | None = None) -> Problem:
    """One company with the prior and the delay that the product would give it."""
    chosen = SEEDS[name] if seed is None else seed
    history = simulate_company(MAKERS[name](np.random.default_rng([chosen, 1])), np.random.default_rng([chosen, 2])).history
    if name in CHANGES:
        history = CHANGES[name](history, np.random.default_rng([chosen, 3]))
    seen = observe_history(history, WINDOW)
    counts = _count(name, seen)
    kernel = fit_delay_kernel(counts)
    lags = lags_needed(kernel.location, longest=LONGEST_LAG)
    if counts.renewals is not None:
        lags = min(lags, LAGS_TO_DECIDE) + TERM
    design = LexisDesign.of(counts, lags=lags)
    truth = tuple(int(seen.truth["categories"][category]["silent_churn"]) for category in counts.categories)
    return Problem(name, chosen, counts, design, ratio_prior_of(counts, Assumptions(), kernel), kernel, truth)


def _count(name: str, seen: SimulatedCompany) -> CohortCounts:
    """Counts as the product would have them once it knows what the user says, and has found what it finds."""
    if name == "recorded":
        return replace(count_directly(seen), recording_changes=(RecordingChange(TOOL_DAY),))
    if name != "contracts":
        return count_directly(seen)
    counts = count_directly(seen, band_edges_months=edges_around([TERM]))
    renewals = read_renewals(counts, term=TERM)
    if renewals is None:
        raise ValueError("departures do not gather at the renewals")
    return replace(counts, renewals=renewals)


def terms_of(problem: Problem) -> dict[str, Any]:
    """What the product found in this company and added to the model: as fit and sampler are both given it."""
    wave, renewals = find_wave(problem.counts), problem.counts.renewals
    return {
        "wave": None if wave is None else {"departures": wave.departures.tolist(), "complaints": wave.complaints.tolist()},
        "speaking": problem.design.speaking,
        "changes": [str(one) for one in problem.counts.recording_changes or ()],
        "contracts": None if renewals is None else {"bound": list(renewals.bound), "bound_sd": renewals.bound_sd},
    }


def digest_of(counts: CohortCounts) -> str:
    """SHA-256 of the numbers that fit and sampler rest on; unlike `CohortCounts.digest` it outlives a new field."""
    clock = counts.clock
    parts = (
        counts.silent_person_days, counts.silent_exits, counts.vocal_person_days, counts.complainants,
        clock.category, clock.segment, clock.band, clock.clock, clock.exited, clock.censored, clock.days_in_bin,
    )  # fmt: skip
    sha = hashlib.sha256()
    for part in parts:
        sha.update(str(part.shape).encode() + np.ascontiguousarray(part, dtype="<i8").tobytes())
    return sha.hexdigest()


def given(problem: Problem) -> dict[str, Any]:
    """Everything besides the counts that fit and sampler share, as a fixture holds it."""
    prior, kernel = problem.prior, problem.kernel
    (spread_weight, spread), (level_weight, level, level_sd) = prior.spreads, prior.levels
    return {
        "lags": problem.design.lags,
        "natural_level_sd": NATURAL_LEVEL_SD,
        "delay": {"location": kernel.location.tolist(), "covariance": kernel.covariance.tolist()},
        "ratio_prior": {
            "mean": prior.mean.tolist(), "shared_sd": prior.shared_sd, "spread": prior.spread,
            "near_zero": prior.near_zero, "harmless": prior.harmless,
        },
        "ratio_components": {
            "spread_log_weight": spread_weight.tolist(), "spread": spread.tolist(), "harmless": [prior.harmless, HARMLESS_SHIFT, HARMLESS_SD],
            "level_log_weight": level_weight.tolist(), "level": level.tolist(), "level_sd": level_sd.tolist(),
        },
    }  # fmt: skip


def rebuild_problem(fixture: dict[str, Any]) -> Problem:
    """The problem a fixture was sampled for: the company from its seed, prior and delay as frozen.

    Raises:
        ValueError: The simulator no longer makes that company.
    """
    today = build_problem(fixture["company"], fixture["seed"])
    if digest_of(today.counts) != fixture["counts_sha256"]:
        raise ValueError(f"the simulator makes another company {fixture['company']!r} now: run python -m benchmarks.reference.sample again")
    delay = fixture["given"]["delay"]
    kernel = replace(today.kernel, location=np.array(delay["location"]), covariance=np.array(delay["covariance"]))
    prior = fixture["given"]["ratio_prior"] | {"mean": np.array(fixture["given"]["ratio_prior"]["mean"])}
    design = LexisDesign.of(today.counts, lags=fixture["given"]["lags"])
    return replace(today, design=design, kernel=kernel, prior=RatioPrior(**prior))
