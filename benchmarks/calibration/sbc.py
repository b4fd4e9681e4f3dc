"""Simulation-based calibration of the fitting itself: truths drawn from the model's own prior, ranks uniform.

    python -m benchmarks.calibration.sbc --companies 400 --jobs 2
    python -m benchmarks.calibration.sbc --companies 200 --known-variances
    python -m benchmarks.calibration.sbc --term wave        # or speaking, recorded, contracts -> results/sbc_wave.* (no plot)
    python -m benchmarks.calibration.sbc --again            # summary and plot of the ranks in results/sbc.csv

Exposure and months at risk come from a simulated company; effects, ratios and delay are drawn from the prior,
complainants and departures from the likelihood; the model is fitted as always (variances learned) and each category's
true log-ratio and true silent churn are ranked among the draws. Here the model is right by construction: what remains
is the error of the Gaussian and of the learned variances.

With `--term` the template is a company of `benchmarks.reference.companies` in which the product finds an acquisition wave, a season of speaking up, a
change of what is recorded, or contracts. What belongs to it is drawn from its prior and the fit is given the term, not its size; only an acquisition
wave is looked for in every drawn company anew, because its effects are not part of the fit.

References:
    Talts et al. 2018.
"""

from __future__ import annotations

import argparse
import copy
import csv
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from functools import cache, partial
from typing import Any

import numpy as np

from benchmarks.calibration.companies import MASSES
from benchmarks.calibration.direct_counts import count_directly
from benchmarks.calibration.ranks import save_plot, summarise
from benchmarks.calibration.run import RESULTS
from benchmarks.reference.companies import build_problem
from iceberg.cohort.counts import CohortCounts
from iceberg.model.assumptions import Assumptions
from iceberg.model.departures.fit.design import LexisDesign, evaluate_rates
from iceberg.model.departures.fit.model import ExcessHazardFit, fit_design, fit_excess_hazard, refit
from iceberg.model.departures.fit.parameters import Levels, build_prior
from iceberg.model.departures.fit.variance_average import average_variances
from iceberg.model.departures.reconciliation import draw_silent_churn
from iceberg.model.entry.shares import MONTHS_BEFORE, entry_shares
from iceberg.model.entry.wave import PRIOR_FREEDOM, PRIOR_VARIANCE, find_wave
from iceberg.model.ratio.posterior import RatioPrior
from iceberg.simulation.company import simulate_world

TEMPLATE = ("small", 0)
DRAWS = 1000
LEVEL_SD = 0.3  # of the overall levels drawn; the model's own prior of them is so wide that counts overwhelm it
# The ratios drawn and assumed: median 2, not the folk figure, so that departures do not exceed customers.
RATIO_MEDIAN, RATIO_SHARED_SD, RATIO_SPREAD = 2.0, 1.0, 0.7


TERMS = ("wave", "speaking", "recorded", "contracts")
CAMPAIGN_MONTHS = 3  # a single month of entry is hardly ever found in a company of this size
CAMPAIGN_DEPARTURES, CAMPAIGN_COMPLAINTS = (3.0, 6.0), (1.0, 6.0)  # times those of other newcomers; even on the log scale


@cache
def _template(term: str = "") -> tuple[CohortCounts, ExcessHazardFit]:
    problem = build_problem(term) if term else None
    counts = count_directly(simulate_world(*TEMPLATE)) if problem is None else problem.counts
    prior = RatioPrior(np.full(len(counts.categories), np.log(RATIO_MEDIAN)), RATIO_SHARED_SD, RATIO_SPREAD)
    if problem is None:
        return counts, fit_excess_hazard(counts, Assumptions(), ratio_prior=prior)
    return counts, fit_design(problem.design, prior, problem.kernel)


def rank_company(seed: int, *, known_variances: bool = False, term: str = "") -> list[dict[str, Any]]:
    """One company from the prior: rank of the truth of each category, as a share of the draws."""
    template, base = _template(term)
    rng = np.random.default_rng([seed, 7, *term.encode()])
    shared, own = _draw_prior(base, rng)
    true_design = _with_drawn_wave(template, base.design, rng) if term == "wave" else base.design
    rates = evaluate_rates(true_design, base.layout.effects(shared, own))
    caused = rng.poisson(rates.caused)
    complainants, exits = rng.poisson(rates.complaints), caused.sum(axis=0) + rng.poisson(rates.natural)
    counts = _with_events(template, complainants, exits)
    design = replace(base.design, complainants=complainants.astype(float), exits=exits.astype(float))
    found = None
    if term == "wave":
        found = find_wave(counts)
        natural, exposure = (None, 1.0) if found is None else (found.natural, found.exposure)
        design = replace(design, natural_factor=natural, exposure=_plain_exposure(template, base.design) * exposure)
    # The level is believed as it was drawn: the product centres it on the departures of the company at hand, which a prior cannot know.
    level = float(base.layout.shared(base.shared)["natural_month"].mean())
    fit = fit_design(design, base.ratio_prior, base.kernel, natural_level=level, natural_level_sd=LEVEL_SD)
    fit = refit(replace(fit, variances=base.variances), fit.shared, fit.own) if known_variances else average_variances(fit)
    drawn = draw_silent_churn(fit, counts, rng=rng, draws=DRAWS)
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
            **({"found": found is not None} if term == "wave" else {}),
            "rank_ratio": round(float((drawn.log_ratio[:, number] < true_ratio[number]).mean()), 4),
            "rank_churn": round(_rank(churn[:, number], true_churn[number], rng), 4),
        }
        for number in range(len(true_ratio))
    ]


def _with_events(counts: CohortCounts, complainants: np.ndarray, exits: np.ndarray) -> CohortCounts:
    """The counts with drawn events; not checked, as other counts of the same events (by customer, with revenue) are nowhere read."""
    drawn = copy.copy(counts)
    object.__setattr__(drawn, "complainants", complainants)
    object.__setattr__(drawn, "silent_exits", exits)
    return drawn


def _plain_exposure(counts: CohortCounts, design: LexisDesign) -> np.ndarray:
    """The exposure without what the template's own wave complains of."""
    wave = find_wave(counts)
    return design.exposure if wave is None else design.exposure / wave.exposure


def _with_drawn_wave(counts: CohortCounts, design: LexisDesign, rng: np.random.Generator) -> LexisDesign:
    """The design with a campaign of some months inside the window; effects of other months of entry from Student's t, as they are believed to be.

    They are believed to be independent: a campaign is the wave that the product looks for, not a likely draw from that prior.
    """
    share = entry_shares(counts)
    months = design.shape[2]
    first = MONTHS_BEFORE + int(rng.integers(0, months - 2 * CAMPAIGN_MONTHS))  # not the last: hardly anybody could have left

    def effects(low: float, high: float) -> np.ndarray:
        each = np.clip(np.sqrt(PRIOR_VARIANCE) * rng.standard_t(PRIOR_FREEDOM, share.shape[2]), -np.log(high), np.log(high))
        each[first : first + CAMPAIGN_MONTHS] = rng.uniform(np.log(low), np.log(high))
        return each

    departures, complaints = effects(*CAMPAIGN_DEPARTURES), effects(*CAMPAIGN_COMPLAINTS)
    plain = _plain_exposure(counts, design)

    def factor(of_entry: np.ndarray, weight: np.ndarray) -> np.ndarray:
        of_cell = share @ np.exp(of_entry)
        return np.asarray(of_cell * weight.sum() / (of_cell * weight).sum())

    return replace(
        design, natural_factor=factor(departures, design.at_risk.sum(axis=0)), exposure=plain * factor(complaints, plain.sum(axis=0))
    )


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
    if "found" in rows[0]:
        summary["wave_found"] = float(np.mean([row["found"] for row in rows]))
    for name in ("ratio", "churn"):
        ranks = np.array([row[f"rank_{name}"] for row in rows])
        categories = 1 + max(row["category"] for row in rows)
        alone = np.array([row[f"rank_{name}"] for row in rows if row["category"] == row["seed"] % categories])
        summary[name] = {f"coverage_{mass:.0%}": round(float((np.abs(ranks - 0.5) <= mass / 2).mean()), 4) for mass in MASSES}
        if "found" in rows[0]:
            found = ranks[[row["found"] for row in rows]]
            summary[name]["coverage_90%_where_found"] = round(float((np.abs(found - 0.5) <= 0.45).mean()), 4)
        summary[name] |= summarise(ranks) | {"one_per_company": summarise(alone)}
    return summary


_READ: dict[str, Any] = {"converged": "True".__eq__, "found": "True".__eq__, "true_ratio": float, "rank_ratio": float, "rank_churn": float}


def _read_rows(name: str) -> list[dict[str, Any]]:
    with (RESULTS / f"{name}.csv").open(encoding="utf-8") as file:
        return [{name: _READ.get(name, int)(value) for name, value in row.items()} for row in csv.DictReader(file)]


def _rows(companies: int, jobs: int, known_variances: bool, term: str) -> Iterator[dict[str, Any]]:
    with ProcessPoolExecutor(max_workers=jobs) as pool:
        for number, found in enumerate(pool.map(partial(rank_company, known_variances=known_variances, term=term), range(companies)), start=1):
            print(f"{number}/{companies}", end="\r", file=sys.stderr)
            yield from found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--companies", type=int, default=200)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--again", action="store_true", help="no new companies")
    parser.add_argument("--known-variances", action="store_true", help="fit under the variances the effects were drawn with: the Gaussian alone")
    parser.add_argument("--term", choices=TERMS, default="", help="companies in which the product finds this")
    options = parser.parse_args()
    name = "_".join(filter(None, ("sbc", options.term, "known_variances" if options.known_variances else "")))
    rows = _read_rows(name) if options.again else list(_rows(options.companies, options.jobs, options.known_variances, options.term))
    RESULTS.mkdir(exist_ok=True)
    if not options.again:
        with (RESULTS / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    summary = summarise_ranks(rows)
    (RESULTS / f"{name}.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    named = {"log ratio of a category": "rank_ratio", "silent churn of a category": "rank_churn"}
    if not options.term:  # their summaries are enough
        save_plot({title: np.array([row[field] for row in rows]) for title, field in named.items()}, RESULTS / name)
    print(json.dumps(summary, indent=1))
    return 0


if __name__ == "__main__":
    sys.exit(main())
