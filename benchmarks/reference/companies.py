"""Owns the companies on which fit and reference sampler are compared: smaller than the families they come from, so that sampling takes minutes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.calibration.direct_counts import count_directly
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.window import ObservationWindow
from iceberg.model.assumptions import Assumptions
from iceberg.model.departures.fit.design import LexisDesign
from iceberg.model.departures.fit.model import LONGEST_LAG
from iceberg.model.departures.fit.parameters import NATURAL_LEVEL_SD
from iceberg.model.priors import HARMLESS_SD, HARMLESS_SHIFT
from iceberg.model.ratio.level_three_prior import ratio_prior_of
from iceberg.model.ratio.posterior import RatioPrior
from iceberg.model.survival.delay_kernel import DelayKernel, fit_delay_kernel, lags_needed
from iceberg.simulation.company import observe_history, simulate_company
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


MAKERS: dict[str, Callable[[np.random.Generator], CompanyTruth]] = {"mixed": _mixed, "small": _small, "none": _none, "folk": _folk}
SEEDS = {"mixed": 11, "small": 12, "none": 13, "folk": 14}  # chosen before any was fitted


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
    company = simulate_company(MAKERS[name](np.random.default_rng([chosen, 1])), np.random.default_rng([chosen, 2]))
    seen = observe_history(company.history, WINDOW)
    counts = count_directly(seen)
    kernel = fit_delay_kernel(counts)
    design = LexisDesign.of(counts, lags=lags_needed(kernel.location, longest=LONGEST_LAG))
    truth = tuple(int(seen.truth["categories"][category]["silent_churn"]) for category in counts.categories)
    return Problem(name, chosen, counts, design, ratio_prior_of(counts, Assumptions(), kernel), kernel, truth)


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
