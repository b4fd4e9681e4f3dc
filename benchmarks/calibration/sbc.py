"""Simulation-based calibration of the fitting itself: truths drawn from the model's own prior, ranks uniform.

    python -m benchmarks.calibration.sbc --companies 400 --jobs 2
    python -m benchmarks.calibration.sbc --companies 200 --known-variances
    python -m benchmarks.calibration.sbc --again            # summary and plot of the ranks in results/sbc.csv

Exposure and months at risk come from a simulated company; effects, ratios and delay are drawn from the prior,
complainants and departures from the likelihood; the model is fitted as always (variances learned) and each category's
true log-ratio and true silent churn are ranked among the draws. Here the model is right by construction: what remains
is the error of the Gaussian and of the learned variances.

References:
    Talts et al. 2018.
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache, partial
from typing import Any

import numpy as np

from benchmarks.calibration.companies import MASSES
from benchmarks.calibration.direct_counts import count_directly
from benchmarks.calibration.ranks import save_plot, summarise
from benchmarks.calibration.run import RESULTS
from iceberg.cohort.counts import CohortCounts
from iceberg.model.assumptions import Assumptions
from iceberg.model.departures.fit.design import evaluate_rates
from iceberg.model.departures.fit.model import ExcessHazardFit, fit_design, fit_excess_hazard, refit
from iceberg.model.departures.fit.parameters import Levels, build_prior
from iceberg.model.departures.fit.variance_average import average_variances
from iceberg.model.departures.reconciliation import draw_silent_churn
from iceberg.model.ratio.posterior import RatioPrior
from iceberg.simulation.company import simulate_world

TEMPLATE = ("small", 0)
DRAWS = 1000
LEVEL_SD = 0.3  # of the overall levels drawn; the model's own prior of them is so wide that counts overwhelm it
# The ratios drawn and assumed: median 2, not the folk figure, so that departures do not exceed customers.
RATIO_MEDIAN, RATIO_SHARED_SD, RATIO_SPREAD = 2.0, 1.0, 0.7


@dataclass(frozen=True, eq=False)
class _DrawnCounts:
    """As much of `CohortCounts` as the draws read."""

    silent_exits: np.ndarray
    complainants: np.ndarray


@cache
def _template() -> tuple[CohortCounts, ExcessHazardFit]:
    counts = count_directly(simulate_world(*TEMPLATE))
    prior = RatioPrior(np.full(len(counts.categories), np.log(RATIO_MEDIAN)), RATIO_SHARED_SD, RATIO_SPREAD)
    return counts, fit_excess_hazard(counts, Assumptions(), ratio_prior=prior)


def rank_company(seed: int, *, known_variances: bool = False) -> list[dict[str, Any]]:
    """One company from the prior: rank of the truth of each category, as a share of the draws."""
    _, base = _template()
    rng = np.random.default_rng([seed, 7])
    shared, own = _draw_prior(base, rng)
    rates = evaluate_rates(base.design, base.layout.effects(shared, own))
    caused = rng.poisson(rates.caused)
    design = replace(
        base.design,
        complainants=rng.poisson(rates.complaints).astype(float),
        exits=(caused.sum(axis=0) + rng.poisson(rates.natural)).astype(float),
    )
    # The level is believed as it was drawn: the product centres it on the departures of the company at hand, which a prior cannot know.
    level = float(base.layout.shared(base.shared)["natural_month"].mean())
    fit = fit_design(design, base.ratio_prior, base.kernel, natural_level=level, natural_level_sd=LEVEL_SD)
    fit = refit(replace(fit, variances=base.variances), fit.shared, fit.own) if known_variances else average_variances(fit)
    counts = _DrawnCounts(design.exits.astype(np.int64), design.complainants.astype(np.int64))
    drawn = draw_silent_churn(fit, counts, rng=rng, draws=DRAWS)  # type: ignore[arg-type]  # reads nothing else
    churn = drawn.silent_churn.sum(axis=(2, 3))
    true_ratio, true_churn = base.layout.shared(shared)["ratio"], caused.sum(axis=(1, 2, 3))
    return [
        {
            "seed": seed,
            "category": number,
            "true_ratio": round(float(np.exp(true_ratio[number])), 4),
            "true_churn": int(true_churn[number]),
            "complainants": int(design.complainants[number].sum()),
            "converged": bool(fit.converged),
            "rank_ratio": round(float((drawn.log_ratio[:, number] < true_ratio[number]).mean()), 4),
            "rank_churn": round(_rank(churn[:, number], true_churn[number], rng), 4),
        }
        for number in range(len(true_ratio))
    ]


def _rank(draws: np.ndarray, truth: float, rng: np.random.Generator) -> float:
    """Share of draws below the truth; those equal to it (whole customers, often 0) fall on either side at random, or ranks could not be uniform."""
    return float((draws < truth).mean() + rng.random() * (draws == truth).mean())


def _draw_prior(base: ExcessHazardFit, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Effects from the model's prior, with levels near the template's and the variances that the template taught."""
    layout = base.layout
    at = layout.shared(np.arange(layout.shared_size).astype(float))
    here = layout.shared(base.shared)
    levels = Levels(here["month"].mean(axis=1), float(here["natural_month"].mean()), LEVEL_SD)
    prior = build_prior(layout, base.variances, base.ratio_prior, base.kernel, levels)
    precision = prior.shared_precision.copy()
    anchors = at["month"][:, layout.every - layout.months].astype(int)
    precision[anchors, anchors] += LEVEL_SD**-2
    factor = np.linalg.cholesky(precision)
    shared = prior.shared_mean + np.linalg.solve(factor.T, rng.standard_normal(len(precision)))
    layout.shared(shared)["ratio"][:] = base.ratio_prior.draw(rng, 1)[0]
    own = np.zeros((layout.segments, layout.local_size))
    if layout.local:
        own = rng.standard_normal(own.shape) / np.sqrt(prior.local_precision)
    return shared, own


def summarise_ranks(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Coverage of central intervals and tests of uniform ranks, per quantity.

    Categories of one company share what it teaches, so tests over all of them are a little too strict; `one_per_company` takes them in turn.
    """
    summary: dict[str, Any] = {
        "companies": len({row["seed"] for row in rows}),
        "ranks": len(rows),
        "converged": float(np.mean([row["converged"] for row in rows])),
    }
    for name in ("ratio", "churn"):
        ranks = np.array([row[f"rank_{name}"] for row in rows])
        categories = 1 + max(row["category"] for row in rows)
        alone = np.array([row[f"rank_{name}"] for row in rows if row["category"] == row["seed"] % categories])
        summary[name] = {f"coverage_{mass:.0%}": round(float((np.abs(ranks - 0.5) <= mass / 2).mean()), 4) for mass in MASSES}
        summary[name] |= summarise(ranks) | {"one_per_company": summarise(alone)}
    return summary


_READ: dict[str, Any] = {"converged": "True".__eq__, "true_ratio": float, "rank_ratio": float, "rank_churn": float}


def _read_rows(name: str) -> list[dict[str, Any]]:
    with (RESULTS / f"{name}.csv").open(encoding="utf-8") as file:
        return [{name: _READ.get(name, int)(value) for name, value in row.items()} for row in csv.DictReader(file)]


def _rows(companies: int, jobs: int, known_variances: bool) -> Iterator[dict[str, Any]]:
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        for number, found in enumerate(pool.map(partial(rank_company, known_variances=known_variances), range(companies)), start=1):
            print(f"{number}/{companies}", end="\r", file=sys.stderr)
            yield from found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--companies", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="no new companies")
    parser.add_argument("--known-variances", action="store_true", help="fit under the variances the effects were drawn with: the Gaussian alone")
    options = parser.parse_args()
    name = "sbc_known_variances" if options.known_variances else "sbc"
    rows = _read_rows(name) if options.again else list(_rows(options.companies, options.jobs, options.known_variances))
    RESULTS.mkdir(exist_ok=True)
    if not options.again:
        with (RESULTS / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    summary = summarise_ranks(rows)
    (RESULTS / f"{name}.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    named = {"log ratio of a category": "rank_ratio", "silent churn of a category": "rank_churn"}
    save_plot({title: np.array([row[field] for row in rows]) for title, field in named.items()}, RESULTS / name)
    print(json.dumps(summary, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
