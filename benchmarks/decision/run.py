"""Does a fix pay as often as it is said to? Simulated companies whose silent churn of the last twelve months is known.

    python -m benchmarks.decision.run [--seeds 10] [--families mixed,folk] [--jobs 1]

Per category two costs are drawn, from a third to three times of what 30 % of a loss would bring, so that some fixes pay and others do not; a customer
brings the same everywhere. The loss is once the one that the estimate finds, which says nothing about the truth that the estimate does not know, and
once the true one: such a cost tells what the loss is, and no probability that ignores it can be right where the estimate is off. What happens: the
true silent leavers of the last twelve months, times an efficacy drawn from the prior, against the cost. Said against happened, by tenths of the
probability, and the coverage of the customers kept. Writes results/decision.json.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.calibration.direct_counts import count_directly
from iceberg.model.assumptions import Efficacy
from iceberg.model.decision.fixes import Fix, decide
from iceberg.model.estimate import estimate_iceberg
from iceberg.simulation.company import simulate_world
from iceberg.simulation.worlds import FAMILIES, WORLDS

RESULTS = Path(__file__).parent / "results"
MARK = 0.07
WORTH = 300.0


def judge(task: tuple[str, int]) -> list[dict[str, Any]]:
    """Every category of one company: the probability that was said, and what happened."""
    family, seed = task
    company = simulate_world(family, seed=seed)
    counts = count_directly(company)
    estimate, months = estimate_iceberg(counts, seed=seed), counts.shape[1]
    rng = np.random.default_rng([seed, sum(family.encode())])
    true = {name: sum(list(one["by_month"].values())[-12:]) for name, one in company.truth["categories"].items()}
    typical = max(0.3 * WORTH * float(np.mean(list(true.values()))), 1.0)
    rows = []
    for item in estimate.categories:
        efficacy = float(Efficacy().draw(rng, 1)[0])
        kept = efficacy * true[item.category]
        found_loss = item.silent_churn.median * 12 / months
        for cost_of, lost in (("estimate", found_loss), ("truth", true[item.category])):
            loss = max(0.3 * WORTH * lost, 0.2 * typical)
            cost = float(loss * np.exp(rng.uniform(-np.log(3), np.log(3))))
            found = decide(estimate, [Fix(item.category, cost)], customer_value=WORTH).outcomes[0]
            rows.append(
                {
                    "family": family,
                    "seed": seed,
                    "category": item.category,
                    "cost_of": cost_of,
                    "said": found.probability_pays,
                    "pays": kept * WORTH > cost,
                    "inside": found.kept.lower <= kept <= found.kept.upper,
                }
            )
    return rows


def summarise(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Said against happened by tenths, and the coverage."""
    said, pays = np.array([row["said"] for row in rows]), np.array([row["pays"] for row in rows], dtype=float)
    tenths = []
    for low in np.arange(0, 1, 0.1):
        inside = (said >= low) & ((said < low + 0.1) | (low > 0.85))
        if inside.any():
            happened = round(float(pays[inside].mean()), 3)
            tenths.append({"said": round(float(said[inside].mean()), 3), "happened": happened, "fixes": int(inside.sum())})
    error = sum(abs(one["said"] - one["happened"]) * one["fixes"] for one in tenths) / len(rows)
    return {
        "companies": len({(row["family"], row["seed"]) for row in rows}),
        "fixes": len(rows),
        "tenths": tenths,
        "mean_distance": round(error, 3),
        "mark": MARK,
        "said_overall": round(float(said.mean()), 3),
        "happened_overall": round(float(pays.mean()), 3),
        "coverage_of_customers_kept": round(float(np.mean([row["inside"] for row in rows])), 3),
        "load_average": round(os.getloadavg()[0], 1),
    }


def main() -> int:
    """Judge the companies; the status says whether the mark is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--families", default="own", help="own, all, or names separated by commas")
    parser.add_argument("--seeds", type=int, default=10, help="companies per family")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args()
    families = {"own": list(FAMILIES), "all": list(WORLDS)}.get(options.families) or options.families.split(",")
    tasks = [(family, seed) for seed in range(options.seeds) for family in families]
    rows: list[dict[str, Any]] = []
    with ProcessPoolExecutor(max_workers=options.jobs) as pool:
        for number, found in enumerate(pool.map(partial(judge), tasks), start=1):
            rows += found
            print(f"{number}/{len(tasks)}", file=sys.stderr)
    found = summarise([row for row in rows if row["cost_of"] == "estimate"])
    found["cost_that_tells_the_truth"] = summarise([row for row in rows if row["cost_of"] == "truth"])
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "decision.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))
    return int(found["mean_distance"] > MARK)


if __name__ == "__main__":
    sys.exit(main())
