"""Is a study worth what is said? The model is fitted again for each simulated result.

    python -m benchmarks.decision.refit [--families small,mixed] [--results 12]

For the first two companies a survey of 200 leavers and an audit of 200 customers of the widest category, for the others one of the two in turn,
before a choice between fixes that cost what they bring on average. A result is simulated from a joint draw of the fit. What it says of the ratios
enters the prior of the excess-hazard model, which is fitted again from the start; draws are made anew, the decision is taken again, and the worth is
the mean gain over the decision of today.

- survey: the likelihood of the answers in log r is quadratic around where they point (Laplace); draws of the new fit are weighed by the exact
  likelihood over that.
- audit: an incident log of 200 customers is simulated, who spoke and who left when, with the bias that a log is assumed to have and silent customers
  who leave as level 4 believes before it sees them; it is read as `estimate_iceberg` reads a log at level 4.

The answers of a survey are weighed by the likelihood from which they are simulated, so that what is gained after them is what is then believed. A
log is read more coarsely, and what a decision gains after it is the mean of the truths from which such readings came (`Company.mean_after`): a
reading that is a little too low on average believes in gains that nobody has where a fix barely pays today, and in none where it barely does not.
Every draw is the truth of as many audits as any other, so that the decision of today is judged exactly.

A refit takes seconds, so that few results can be had. The same results weigh 2,000 draws of the first fit (control variate), whose mean gain over
`MANY` results is known; the results that are fitted again are drawn in proportion to the gain there, plus a floor. Reference = that mean + the mean
difference. Its standard error is given: a distance below it says nothing. Results are appended to results/refit.jsonl; a run continues there.

References:
    Heath et al. 2020 (EVSI by brute force, and its approximations); Owen 2013, chapters 8 and 9 (control variates, importance sampling); Strong,
    Oakley, Brennan, Breeze 2015 (the value after a result, by regression on it).
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.calibration.direct_counts import count_directly
from benchmarks.decision.studies import ANSWERS, WORTH
from iceberg.arrays import FloatArray, IntArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import ComplaintClockCounts
from iceberg.cohort.silent_observations import ObservedSilence
from iceberg.model.assumptions import Assumptions
from iceberg.model.decision.fixes import Fix
from iceberg.model.decision.information.answers import reason_log_likelihood
from iceberg.model.decision.information.reasons import FORM, answer_shares, simulate_answers
from iceberg.model.decision.information.studies import Preposterior, Stakes, StudyKind, StudyPlan, stakes_of, value_of_study
from iceberg.model.departures.fit.model import ExcessHazardFit, fit_excess_hazard
from iceberg.model.departures.fit.variance_average import average_variances
from iceberg.model.departures.reconciliation import ReconciliationDraws, draw_silent_churn
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.priors import COMMON_ERROR_LOG_SD
from iceberg.model.ratio.level_four_prior import measured_prior_of
from iceberg.model.ratio.level_three_prior import ratio_prior_of
from iceberg.model.ratio.measurements import bias_sd
from iceberg.model.results import IcebergEstimate
from iceberg.model.survival.delay_kernel import DelayKernel, fit_delay_kernel
from iceberg.model.survival.net_survival import matched_hazard, pooled_excess
from iceberg.simulation.company import simulate_world

RESULTS = Path(__file__).parent / "results" / "refit.jsonl"
FAMILIES = "small,few_complaints,folk,loud,one_segment,mixed,seasonal,young,heterogeneous,natural_by_segment"
MANY, CONTROL_DRAWS, REFIT_DRAWS = {StudyKind.LEAVER_SURVEY: 400, StudyKind.INCIDENT_AUDIT: 4000}, 2000, 1000
DEGREE = 4  # of the polynomial in the place of a reading among the others
FLOOR = 0.3  # of the mean gain, in the chance of a result to be fitted again
BOTH = 2  # companies that get both studies; the time does not allow more
HELD = Assumptions()


@dataclass(frozen=True, eq=False)
class Result:
    """A simulated result of a study: what it says of log r, exactly and as a Gaussian for the prior of the fit.

    Attributes:
        exact: Log likelihood at draws.
        mean, precision: (C,), (C, C) Gaussian in log r.
    """

    exact: Callable[[ReconciliationDraws], FloatArray]
    mean: FloatArray
    precision: FloatArray

    def weights(self, draws: ReconciliationDraws, *, fitted: bool) -> FloatArray:
        """(K,) weights of draws of a fit that has the Gaussian in its prior, or has not."""
        log_weight = self.exact(draws)
        if fitted:
            log_weight = log_weight - self.gaussian(draws.log_ratio)
        weight = np.exp(log_weight - log_weight.max())
        return np.asarray(weight / weight.sum(), dtype=np.float64)

    def gaussian(self, log_ratio: FloatArray) -> FloatArray:
        """(K,) log density, constants dropped."""
        off = log_ratio - self.mean
        return np.asarray(-0.5 * np.einsum("kc,cd,kd->k", off, self.precision, off), dtype=np.float64)


class Company:
    """A simulated company with its fit, to be fitted again under results of studies."""

    def __init__(self, family: str, seed: int) -> None:
        """Simulate, estimate and fit."""
        self.seed = seed
        self.counts: CohortCounts = count_directly(simulate_world(family, seed=seed))
        self.estimate: IcebergEstimate = estimate_iceberg(self.counts, seed=seed)
        self.kernel: DelayKernel = fit_delay_kernel(self.counts)
        self.prior = ratio_prior_of(self.counts, HELD, self.kernel)
        self.vocal = self.counts.complainants.sum(axis=(1, 2, 3)).astype(np.float64)
        self.matched = matched_hazard(self.counts)
        self.silent_excess = pooled_excess(self.counts, horizon_days=HELD.horizon_days, matched=self.matched)
        self.fixes = [Fix(item.category, max(0.3 * WORTH * item.silent_churn.median / 2, 1.0)) for item in self.estimate.categories]
        self.draws = self.draw(self.fit(None), CONTROL_DRAWS)
        self.stakes = self.stakes_at(self.draws)

    def fit(self, result: Result | None) -> ExcessHazardFit:
        """The model under what the result says."""
        prior = self.prior if result is None else replace(self.prior, observed_mean=result.mean, observed_precision=result.precision)
        return average_variances(fit_excess_hazard(self.counts, HELD, kernel=self.kernel, ratio_prior=prior))

    def draw(self, fit: ExcessHazardFit, draws: int) -> ReconciliationDraws:
        """Joint draws, from the same random numbers each time."""
        return draw_silent_churn(fit, self.counts, rng=np.random.default_rng(self.seed + 77), draws=draws, common_error=COMMON_ERROR_LOG_SD)

    def stakes_at(self, drawn: ReconciliationDraws) -> Stakes:
        """What is to be decided, under such draws."""
        own = replace(self.estimate.draws, silent_churn=drawn.silent_churn, natural=drawn.natural)
        found = stakes_of(replace(self.estimate, draws=own), self.fixes, customer_value=WORTH)
        assert found is not None  # a customer has a value
        return found

    @cached_property
    def today(self) -> FloatArray:
        """(N,) the set that is best without a study."""
        return self.best(self.stakes.values.mean(axis=0))

    def best(self, values: FloatArray) -> FloatArray:
        """(N,) the set that is best where the fixes are worth so much."""
        return np.asarray(self.stakes.sets[int((self.stakes.sets @ values).argmax())], dtype=np.float64)

    def mean_after(self, readings: FloatArray, truth: IntArray) -> FloatArray:
        """(results, N) what the fixes are worth on average where an audit reads so much."""
        place = np.argsort(np.argsort(readings)) / (len(readings) - 1)
        powers = np.polynomial.legendre.legvander(2 * place - 1, DEGREE)
        return np.asarray(powers @ np.linalg.lstsq(powers, self.stakes.values[truth], rcond=None)[0], dtype=np.float64)

    def shares(self, log_ratio: FloatArray) -> FloatArray:
        """(K, C + 1) causes of the silent leavers at such ratios."""
        over = np.exp(log_ratio) * self.vocal
        return np.column_stack([over, np.maximum(self.counts.silent_leavers - over.sum(axis=1), 1.0)]) / max(self.counts.silent_leavers, 1)

    def survey(self, truth: int, rng: np.random.Generator) -> Result:
        """A survey of leavers, simulated from one of the draws."""
        errors = FORM.draw(1024, seed=int(rng.integers(2**31)))[rng.integers(1024)]
        answers = simulate_answers(ANSWERS, answer_shares(_causes(self.draws)[[truth]], errors), FORM.concentration, rng=rng)

        def exact(drawn: ReconciliationDraws) -> FloatArray:
            return reason_log_likelihood(answers, _causes(drawn), FORM)

        weight = np.exp((fit := exact(self.draws)) - fit.max())
        centre = weight @ self.draws.log_ratio / weight.sum()
        return Result(exact, *_laplace(lambda at: reason_log_likelihood(answers, self.shares(at), FORM), centre))

    def audit(self, place: int, truth: int, rng: np.random.Generator) -> Result:
        """An audit of customers who met a problem, simulated from one of the draws and read as a log."""
        excess = float(self.silent_excess[place].quantile(rng.random(1))[0])
        ratio = max(float(self.draws.ratio[truth, place]), 1e-6)
        odds = ratio / excess * np.exp(-bias_sd(HELD.incident_bias) * rng.standard_normal())
        seen = replace(self.counts, observed=self._log(place, excess, float(1 / (1 + odds)), rng))
        prior = measured_prior_of(seen, HELD, rngs=(np.random.default_rng(1), np.random.default_rng(2)))

        def exact(drawn: ReconciliationDraws) -> FloatArray:
            return np.asarray(-0.5 * prior.precision[place, place] * (drawn.log_ratio[:, place] - prior.mean[place]) ** 2, dtype=np.float64)

        return Result(exact, prior.mean, prior.precision)

    def _log(self, place: int, excess: float, complain: float, rng: np.random.Generator) -> ObservedSilence:
        """Customers struck where complainants were: who spoke, and who of the others left when."""
        counts, shape = self.counts, self.counts.complainants.shape
        heard = counts.complainants[place].astype(np.float64)
        heard[:, -2:] = 0  # followed for 60 days
        cells = rng.choice(heard.size, size=ANSWERS, p=heard.ravel() / heard.sum())
        spoke = rng.random(ANSWERS) < complain
        segment, month, band = np.unravel_index(cells, shape[1:])
        edges = np.append(np.asarray(counts.clock_edges_days, dtype=np.float64), counts.window.days)
        log_mean, log_shape = self.kernel.location[place]
        caused = rng.random(ANSWERS) < excess / self.kernel.share_within(float(HELD.horizon_days))[place]
        delay = np.where(caused, rng.gamma(np.exp(log_shape), np.exp(log_mean - log_shape), ANSWERS), np.inf)
        hazard = np.cumsum(self.matched[segment, month, band] * np.diff(edges), axis=1)
        natural = np.array([
            np.interp(one, np.append(0, row), edges, right=np.inf) for one, row in zip(rng.exponential(size=ANSWERS), hazard, strict=True)
        ])
        until = (shape[2] - month - 0.5) * 30.4
        ends = np.minimum(np.minimum(delay, natural), until)
        left = ends < until
        days = np.floor(ends).astype(np.int64)
        bins = np.searchsorted(edges[:-1], days, side="right") - 1
        still = ~spoke
        rows = {
            "category": np.full(ANSWERS, place), "segment": segment, "month": month, "band": band, "clock": bins,
            "exited": left.astype(np.int64), "censored": (~left).astype(np.int64), "days_in_bin": (days + 1 - edges[bins]).astype(np.int64),
        }  # fmt: skip
        struck = np.zeros(shape[:2], dtype=np.int64)
        voiced = struck.copy()
        struck[place] = np.bincount(segment, minlength=shape[1])
        voiced[place] = np.bincount(segment[spoke], minlength=shape[1])
        clock = ComplaintClockCounts.summed({name: np.asarray(values)[still] for name, values in rows.items()})
        return ObservedSilence(struck, voiced, clock, survey=np.zeros((shape[0], 3), dtype=np.int64))


def _causes(drawn: ReconciliationDraws) -> FloatArray:
    """(K, C + 1) shares of the silent leavers by cause, those who would have left anyway last."""
    whole = np.column_stack([drawn.silent_churn.sum(axis=(2, 3), dtype=np.float64), drawn.natural.sum(axis=(1, 2), dtype=np.float64)])
    return np.asarray(whole / np.maximum(whole.sum(axis=1, keepdims=True), 1e-300), dtype=np.float64)


def _laplace(height: Callable[[FloatArray], FloatArray], at: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Mean and precision of a Gaussian with the slope and the bend of a log likelihood; flat where it bends the other way."""
    size, step = len(at), 0.1
    unit = step * np.eye(size)
    pairs = [(i, j) for i in range(size) for j in range(size)]
    points = [at + a * unit[i] + b * unit[j] for i, j in pairs for a, b in ((1, 1), (1, -1), (-1, 1), (-1, -1))]
    values = height(np.array(points)).reshape(size, size, 4) @ np.array([1, -1, -1, 1]) / (4 * step**2)
    ends = height(np.concatenate([at + unit, at - unit]))
    slope = (ends[:size] - ends[size:]) / (2 * step)
    bend, vectors = np.linalg.eigh(-(values + values.T) / 2)
    kept = bend > 0.05
    move = np.where(kept, (vectors.T @ slope) / np.maximum(bend, 0.05), 0.0)
    precision = (vectors * np.where(kept, bend, 1e-6)) @ vectors.T
    return at + vectors @ np.clip(move, -2, 2), precision


def judge(company: Company, study: StudyPlan, results: int) -> dict[str, Any]:
    """What the product says of a study, beside what refits find."""
    place = None if study.category is None else company.counts.categories.index(study.category)
    rng, many = np.random.default_rng([company.seed, 9, len(study.kind)]), MANY[study.kind]
    if place is None:
        truth = rng.integers(CONTROL_DRAWS, size=many)
        made = [company.survey(int(one), rng) for one in truth]
        after = None
    else:
        truth = rng.permutation(many) % CONTROL_DRAWS
        made = [company.audit(place, int(one), rng) for one in truth]
        after = company.mean_after(np.array([one.mean[place] for one in made]), truth)

    def gain(result: int, stakes: Stakes, weights: FloatArray) -> float:
        values = weights @ stakes.values
        return float((values if after is None else after[result]) @ (company.best(values) - company.today))

    near = np.array([gain(number, company.stakes, one.weights(company.draws, fitted=False)) for number, one in enumerate(made)])
    likely = np.abs(near) + FLOOR * max(near.mean(), 1e-9)
    chance = likely / likely.sum()
    chosen = _systematic(chance, results, rng)
    apart, effective = [], []
    for one in chosen:
        again = company.draw(company.fit(made[one]), REFIT_DRAWS)
        weights = made[one].weights(again, fitted=True)
        effective.append(1 / float((weights**2).sum()))
        apart.append((gain(one, company.stakes_at(again), weights) - near[one]) / (many * chance[one]))
    error = float(np.hypot(np.std(apart, ddof=1) / np.sqrt(results), near.std(ddof=1) / np.sqrt(many)))
    return {
        "study": str(study.kind),
        "said": value_of_study(company.estimate, study, stakes=stakes_of(company.estimate, company.fixes, customer_value=WORTH)).worth,
        "reweighed": float(near.mean()),
        "refit": float(near.mean() + np.mean(apart)),
        "standard_error": error,
        "refit_error": float(np.std(apart, ddof=1) / np.sqrt(results)),
        "certainty": company.stakes.certainty,
        "least_effective": round(min(effective)),
        "results": results,
    }


def _systematic(chance: FloatArray, number: int, rng: np.random.Generator) -> IntArray:
    """Places drawn in proportion to a chance, some perhaps twice."""
    points = (np.arange(number) + rng.random()) / number
    return np.asarray(np.minimum(np.searchsorted(np.cumsum(chance), points), len(chance) - 1), dtype=np.int64)


def main() -> int:
    """Judge the companies that are not yet in the results."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", default=FAMILIES)
    parser.add_argument("--results", type=int, default=12, help="simulated results under which the model is fitted again, per study")
    options = parser.parse_args()
    rows = [json.loads(line) for line in RESULTS.read_text(encoding="utf-8").splitlines()] if RESULTS.exists() else []
    known = {(row["family"], row["study"]) for row in rows}
    order = FAMILIES.split(",")
    for family in options.families.split(","):
        number = order.index(family)
        kinds = (StudyKind.LEAVER_SURVEY, StudyKind.INCIDENT_AUDIT) if number < BOTH else (list(MANY)[number % 2],)
        if all((family, str(kind)) in known for kind in kinds):
            continue
        begun = time.monotonic()
        company = Company(family, 0)
        widest = max(company.estimate.categories, key=lambda item: item.silent_churn.upper - item.silent_churn.lower).category
        for study in (StudyPlan(kind, ANSWERS, widest if kind.of_category else None) for kind in kinds if (family, str(kind)) not in known):
            if study.number > Preposterior(company.estimate).largest(study.kind, study.category):
                continue
            row = {"family": family} | judge(company, study, options.results) | {"seconds": round(time.monotonic() - begun)}
            with RESULTS.open("a", encoding="utf-8") as out:
                out.write(json.dumps(row) + "\n")
            print(json.dumps(row), file=sys.stderr, flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
