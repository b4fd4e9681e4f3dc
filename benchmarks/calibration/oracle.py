"""What could be known at best: an oracle who knows where, when and whom problems struck, and how long departures take.

    python -m benchmarks.calibration.oracle --families mixed,loud --seeds 2

With the true intensities of every category given, only the share that left (one number per category) and natural
attrition (segment + month + tenure band, all free) are fitted to the silent departures by Poisson maximum likelihood.
Where its standard error is as large as the truth, the honest answer is a wide interval; a model that lets natural
months vary less than freely can do somewhat better. It says how hard a family is, not how to change it.
"""

from __future__ import annotations

import argparse
import csv
import sys
from typing import Any

import numpy as np

from benchmarks.calibration.direct_counts import count_directly
from benchmarks.calibration.run import RESULTS
from iceberg.model.departures.fit.design import LexisDesign, spread_over_lags
from iceberg.model.survival.delay_kernel import lag_weights
from iceberg.simulation.company import simulate_world
from iceberg.simulation.worlds import FAMILIES, TENURE_MONTHS, WARM_UP_MONTHS, WORLDS, CategoryTruth


def ask_oracle(family: str, seed: int) -> dict[str, Any]:
    """Maximum-likelihood total and its standard error, given true intensities."""
    company = simulate_world(family, seed)
    counts, truth = count_directly(company), company.history.truth
    design = LexisDesign.of(counts, lags=WARM_UP_MONTHS)
    order = [truth.segments.index(name) for name in counts.segments]
    kinds = {kind.name: kind for kind in truth.categories}
    expected = np.array(
        [_expected_churn(kinds[name], design, order, counts.band_edges_months).ravel() for name in counts.categories]
    )
    sought = expected.sum(axis=1) > 0
    row: dict[str, Any] = {"family": family, "seed": seed, "truth": company.truth["silent_churn"]}
    if not sought.any():
        return row | {"expected": 0.0, "estimate": 0.0, "standard_error": 0.0, "relative_error": ""}
    share, covariance = _fit(design, expected[sought])
    amount = expected[sought].sum(axis=1)
    error = float(np.sqrt(amount @ covariance @ amount))
    return row | {
        "expected": round(float(amount.sum()), 1),
        "estimate": round(float(share @ amount), 1),
        "standard_error": round(error, 1),
        "relative_error": round(error / float(amount.sum()), 3),
    }


def _expected_churn(kind: CategoryTruth, design: LexisDesign, order: list[int], edges: tuple[int, ...]) -> np.ndarray:
    """(S, M, B) silent churn of one category as its truth has it, thinned by today's customers."""
    segments, months, _ = design.exits.shape
    cells = np.broadcast_to(np.asarray(kind.cell_multipliers), (max(order) + 1, np.shape(kind.cell_multipliers)[-1]))
    profile = np.asarray(kind.tenure_profile)
    profile = np.concatenate([profile, np.full(max(0, TENURE_MONTHS - len(profile)), profile[-1])])
    band = np.array([profile[low:high].mean() for low, high in zip(edges, (*edges[1:], TENURE_MONTHS), strict=True)])
    gravity = np.broadcast_to(kind.leave_segment, segments)[order]
    leaving = kind.monthly_rate * (1 - kind.complaint_probability) * kind.silent_leave_probability
    intensity = cells[order, : WARM_UP_MONTHS + months] * leaving * gravity[:, None]
    weights = lag_weights(np.log([kind.delay_mean_days, kind.delay_shape]), design.lags)
    moved = np.einsum("lbd,d->lb", design.source_band, band)
    return np.asarray(spread_over_lags(design, intensity[None], (weights[:, None] * moved)[None])[0] * design.at_risk)


def _fit(design: LexisDesign, expected: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Multipliers of the expected churn (1 is true) beside free natural effects, and their covariance."""
    segment, month, band = (index.ravel() for index in np.indices(design.exits.shape))
    parts = [np.ones((segment.size, 1))]
    parts += [np.equal.outer(axis, np.arange(1, axis.max() + 1)).astype(float) for axis in (segment, month, band)]
    natural = np.concatenate(parts, axis=1)
    exits, risk = design.exits.ravel(), design.at_risk.ravel()
    size = natural.shape[1]
    theta = np.zeros(size + len(expected))
    theta[0], theta[size:] = np.log(exits.sum() / risk.sum()), 0.5
    for _ in range(200):
        hazard = risk * np.exp(np.clip(natural @ theta[:size], -30, 5))
        mean = np.maximum(hazard + theta[size:] @ expected, 1e-9)
        slopes = np.concatenate([natural * hazard[:, None], expected.T], axis=1)
        weight = (risk > 0) / mean
        information = slopes.T @ (slopes * weight[:, None]) + 1e-6 * np.eye(len(theta))
        step = np.linalg.solve(information, slopes.T @ ((exits - mean) * weight))
        step *= min(1.0, 1.0 / np.abs(step).max())
        theta = theta + step
        if np.abs(step).max() < 1e-6:
            break
    return theta[size:], np.linalg.inv(information)[size:, size:]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", default=",".join(FAMILIES))
    parser.add_argument("--seeds", type=int, default=5)
    options = parser.parse_args()
    names = list(WORLDS) if options.families == "all" else options.families.split(",")
    rows = [ask_oracle(name, seed) for name in names for seed in range(options.seeds)]
    with (RESULTS / "oracle.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(rows[0]), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    for name in names:
        mine = [row for row in rows if row["family"] == name and row["truth"] > 0]
        if mine:
            error = np.median([row["relative_error"] for row in mine])
            ratio = np.median([row["estimate"] / row["truth"] for row in mine])
            print(f"{name:20s} standard error of the total {error:6.1%} of it; estimate / truth {ratio:.2f}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
