"""How far the draws are from the posterior they stand for: Pareto k-hat of importance weights.

    python -m benchmarks.reference.psis --seeds 2

Two questions per company, both with the variances where the fit put them:

- ratios: the skewed posterior of log r against the nested Laplace, where everything else is put at its own best for each draw of the ratios
- joint: all parameters at once against the exact posterior

Below 0.7 the weights can correct what is wrong (the correction is reported); above, draws and posterior differ by more than reweighting repairs.

References:
    Vehtari et al. 2024 (PSIS); Zhang, Stephens 2009 (the generalised Pareto fit); Rue et al. 2009 (nested Laplace).
"""

from __future__ import annotations

import argparse
import csv
import json
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve

from benchmarks.reference.companies import SEEDS, build_problem
from benchmarks.reference.quadratic_form import quadratic_form
from iceberg.model.departures.fit.arrow import factorise
from iceberg.model.departures.fit.design import evaluate_rates
from iceberg.model.departures.fit.information import fisher_information, log_likelihood
from iceberg.model.departures.fit.model import ExcessHazardFit, fit_design
from iceberg.model.departures.fit.parameters import Prior, build_prior
from iceberg.model.departures.reconciliation import draw_shared_parameters, draw_silent_churn

FloatArray = npt.NDArray[np.float64]
RESULTS = Path(__file__).parent / "results"
JOINT_DRAWS, RATIO_DRAWS = 2000, 250
PINNED = 1e8  # precision that holds a ratio where it is


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--companies", default="mixed,small,none,folk", help=f"of {', '.join(SEEDS)}")
    parser.add_argument("--seeds", type=int, default=2, help="companies per family")
    options = parser.parse_args()
    rows = []
    for name in options.companies.split(","):
        for number in range(options.seeds):
            rows.append(check_company(name, SEEDS[name] + 100 * number))
            print(json.dumps(rows[-1]), flush=True)
    RESULTS.mkdir(exist_ok=True)
    with (RESULTS / "psis.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    (RESULTS / "psis.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    return 0


def check_company(name: str, seed: int) -> dict[str, Any]:
    """Both k-hats of one company, and what reweighting would change."""
    began = time.perf_counter()
    problem = build_problem(name, seed)
    fit = fit_design(problem.design, problem.prior, problem.kernel)
    drawn = draw_silent_churn(fit, problem.counts, rng=np.random.default_rng([seed, 3]), draws=JOINT_DRAWS)
    parameters = draw_parameters(fit, np.random.default_rng([seed, 4]))
    joint, joint_weights = smooth_weights(joint_log_weights(fit, *parameters))
    few = drawn.log_ratio[:RATIO_DRAWS]
    ratios, weights = smooth_weights(ratio_log_weights(fit, few))
    total = drawn.silent_churn[:RATIO_DRAWS].sum(axis=(1, 2, 3), dtype=np.float64)
    shifts = [(weighted_quantile(few[:, c], weights, 0.5) - np.median(few[:, c])) / few[:, c].std() for c in range(few.shape[1])]
    return {
        "company": name,
        "seed": seed,
        "parameters": fit.layout.shared_size + fit.layout.segments * fit.layout.local_size,
        "vocal": int(problem.counts.vocal_customers.sum()),
        "silent_leavers": problem.counts.silent_leavers,
        "k_ratios": round(ratios, 3),
        "ess_ratios": round(float(1 / (weights**2).sum() / RATIO_DRAWS), 3),
        "k_joint": round(joint, 3),
        "ess_joint": round(float(1 / (joint_weights**2).sum() / JOINT_DRAWS), 4),
        "largest_shift_sd": round(float(max(shifts, key=abs)), 3),
        "total_median": round(float(np.median(total)), 1),
        "total_median_reweighted": round(weighted_quantile(total, weights, 0.5), 1),
        "seconds": round(time.perf_counter() - began, 1),
    }


@dataclass(frozen=True, eq=False)
class _Pinned:
    """In place of the ratio prior: ratios held at given values."""

    at: FloatArray

    @property
    def gaussian(self) -> tuple[FloatArray, FloatArray]:
        return self.at, PINNED * np.eye(len(self.at))


def _prior_without_ratios(fit: ExcessHazardFit, at: FloatArray) -> Prior:
    return build_prior(fit.layout, fit.variances, _Pinned(at), fit.kernel, fit.levels)  # type: ignore[arg-type]  # reads `gaussian` alone


def _log_target(fit: ExcessHazardFit, prior: Prior, shared: FloatArray, own: FloatArray) -> float:
    """Log likelihood and log prior of everything but the ratios, which `prior` holds where they are."""
    away = shared - prior.shared_mean
    rates = evaluate_rates(fit.design, fit.layout.effects(shared, own))
    return log_likelihood(fit.design, rates) - float(0.5 * away @ prior.shared_precision @ away + 0.5 * (own**2 * prior.local_precision).sum())


def draw_parameters(fit: ExcessHazardFit, rng: np.random.Generator) -> tuple[FloatArray, FloatArray]:
    """(K, G) and (K, S, n): shared and per-segment parameters, all at once (`draw_silent_churn` takes them in chunks)."""
    away, shared, _ = draw_shared_parameters(fit, rng, JOINT_DRAWS)
    return shared, np.asarray(fit.arrow.draw_own(rng, away) + fit.own, dtype=np.float64)


def joint_log_weights(fit: ExcessHazardFit, shared: FloatArray, own: FloatArray) -> FloatArray:
    """(K,) log exact posterior minus log density of the draws, up to a constant."""
    at = fit.ratio_positions
    prior = _prior_without_ratios(fit, fit.shared[at])
    ratio_covariance = np.linalg.inv(fit.ratio_covariance)
    weights = -fit.ratio_likelihood.log_density(shared[:, at])[0]  # the prior of the ratios and their level stands in both
    for number in range(len(shared)):
        away, own_away = shared[number] - fit.shared, own[number] - fit.own
        moved = np.clip(np.expm1(away[at]), -1.0, 10.0)
        away[at] = moved
        given = 0.5 * (quadratic_form(fit.arrow, away, own_away) - moved @ ratio_covariance @ moved)
        pinned = prior.shared_mean.copy()
        pinned[at] = shared[number, at]
        held = Prior(pinned, prior.shared_precision, prior.local_precision, prior.walks)
        weights[number] += _log_target(fit, held, shared[number], own[number]) + given
    return weights


def ratio_log_weights(fit: ExcessHazardFit, log_ratio: FloatArray) -> FloatArray:
    """(K,) log of the nested Laplace density of log r over the density it was drawn from, up to a constant."""
    exact = np.array([nested_log_likelihood(fit, one) for one in log_ratio])
    return np.asarray(exact - fit.ratio_likelihood.log_density(log_ratio)[0])


def nested_log_likelihood(fit: ExcessHazardFit, log_ratio: FloatArray) -> float:
    """Log likelihood of the ratios with everything else integrated out by its own Laplace approximation at these ratios."""
    layout, design, at = fit.layout, fit.design, fit.ratio_positions
    prior = _prior_without_ratios(fit, log_ratio)
    shared, own = fit.shared.copy(), fit.own.copy()
    moved = np.clip(np.expm1(log_ratio - shared[at]), -1.0, 3.0)
    unit = np.eye(layout.shared_size)[:, at]
    covariance = cho_solve((fit.arrow.shared, True), unit, check_finite=False)
    shared = shared + covariance @ np.linalg.inv(covariance[at]) @ moved
    shared[at] = log_ratio
    value = _log_target(fit, prior, shared, own)
    for _ in range(40):
        effects = layout.effects(shared, own)
        information = fisher_information(design, layout, effects, evaluate_rates(design, effects))
        arrow = factorise(layout, information, prior)
        gradient = information.shared_score - prior.shared_precision @ (shared - prior.shared_mean)
        step, own_step = arrow.solve(gradient, information.own_score - prior.local_precision * own)
        largest = max(float(np.abs(step).max()), float(np.abs(own_step).max(initial=0.0)))
        size = min(1.0, 2.0 / max(largest, 1e-12))
        for _ in range(10):
            tried = _log_target(fit, prior, shared + size * step, own + size * own_step)
            if tried >= value - 1e-9 * abs(value):
                break
            size /= 2
        shared, own, gained, value = shared + size * step, own + size * own_step, tried - value, tried
        if largest < 0.01 or abs(gained) < 1e-4:
            break
    return value - 0.5 * arrow.log_determinant


def smooth_weights(log_weights: FloatArray) -> tuple[float, FloatArray]:
    """Pareto k-hat and smoothed weights that add up to one."""
    size = len(log_weights)
    tail = int(min(0.2 * size, 3 * np.sqrt(size)))
    order = np.argsort(log_weights)
    weights = np.exp(log_weights - log_weights.max())
    cutoff = weights[order[-tail - 1]]
    shape, scale = _fit_generalised_pareto(np.sort(weights[order[-tail:]] - cutoff))
    place = (np.arange(1, tail + 1) - 0.5) / tail
    smoothed = cutoff + (scale * np.expm1(-shape * np.log1p(-place)) / shape if abs(shape) > 1e-9 else -scale * np.log1p(-place))
    weights[order[-tail:]] = np.minimum(smoothed, 1.0)
    return shape, weights / weights.sum()


def _fit_generalised_pareto(excess: FloatArray) -> tuple[float, float]:
    """Shape and scale by the profile posterior of Zhang and Stephens, with the weak prior on the shape of Vehtari et al."""
    size = len(excess)
    grid = 30 + int(np.sqrt(size))
    quartile = excess[int(size / 4 + 0.5) - 1]
    theta = 1 / excess[-1] + (1 - np.sqrt(grid / (np.arange(1, grid + 1) - 0.5))) / (3 * quartile)
    shapes = np.log1p(-theta[:, None] * excess[None]).mean(axis=1)
    profile = size * (np.log(-theta / shapes) - shapes - 1)
    weight = 1 / np.exp(profile[None] - profile[:, None]).sum(axis=1)
    best = float((theta * weight).sum() / weight.sum())
    shape = float(np.log1p(-best * excess).mean())
    scale = -shape / best
    return (size * shape + 10 * 0.5) / (size + 10), scale


def weighted_quantile(values: FloatArray, weights: FloatArray, probability: float) -> float:
    """Smallest value with at least `probability` of the weight at or below it."""
    order = np.argsort(values)
    place = int(np.searchsorted(np.cumsum(weights[order]), probability))
    return float(values[order][min(place, len(values) - 1)])


if __name__ == "__main__":
    sys.exit(main())
