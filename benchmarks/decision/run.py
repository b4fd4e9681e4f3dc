"""Does a fix pay as often as it is said to? Companies made up, whose silent churn of the last twelve months is known.

    python -m benchmarks.decision.run [--groups families,hostile] [--jobs 1]

120 companies: five of each family of the simulator on which the estimate is judged, two of each further family, and two of each kind of
`benchmarks.calibration.hostile` whose reality breaks an assumption (`APART` are left out, with the reason).

Per category two costs are drawn, from a third to three times of what 30 % of a loss would bring, so that some fixes pay and others do not; a customer
brings the same everywhere. The loss is once the one that the estimate finds, which says nothing about the truth that the estimate does not know, and
once the true one: such a cost tells what the loss is, and no probability that ignores it can be right where the estimate is off. What happens: the
true silent leavers of the last twelve months, times an efficacy drawn from the prior, against the cost. Said against happened, by tenths of the
probability, and the coverage of the customers kept. Fixes are appended to results/decision.jsonl, where a run continues; their summary is
results/decision.json.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.calibration.direct_counts import count_directly
from benchmarks.calibration.hostile.files import true_silence
from benchmarks.calibration.hostile.judge import count_files
from benchmarks.calibration.hostile.kinds import KINDS, draw_company
from iceberg.cohort.counts import CohortCounts
from iceberg.errors import OptionError
from iceberg.model.assumptions import Efficacy
from iceberg.model.decision.fixes import Fix, decide
from iceberg.model.estimate import estimate_iceberg
from iceberg.simulation.company import simulate_world
from iceberg.simulation.worlds import FAMILIES, OTHER_WORLDS

RESULTS = Path(__file__).parent / "results"
MARK = 0.07
WORTH = 300.0
APART = {
    "branches_40": "its estimate takes minutes",
    "branches_100": "its estimate takes minutes",
    "renamed": "two names of one problem: neither has a truth of its own",
}
GROUPS: dict[str, tuple[tuple[str, ...], int]] = {
    "families": (tuple(FAMILIES), 5),
    "others": (tuple(OTHER_WORLDS), 2),
    "hostile": (tuple(name for name in KINDS if name not in APART), 2),
}


@dataclass(frozen=True)
class Company:
    """One of the companies: where it comes from, of what kind it is, and its number."""

    group: str
    family: str
    seed: int

    def counts_and_truth(self) -> tuple[CohortCounts, dict[str, float]]:
        """What the product counts, and the silent leavers of a year that each category really cost."""
        if self.group != "hostile":
            company = simulate_world(self.family, seed=self.seed)
            found = company.truth["categories"].items()
            return count_directly(company), {name: float(sum(list(one["by_month"].values())[-12:])) for name, one in found}
        lives, files = draw_company(self.family, self.seed)
        counts = count_files(files)
        truth = true_silence(lives, counts, past_days=files.past_days, last_months=12)["categories"]
        return counts, {name: float(truth[files.stands_for.get(name, name)]["silent_churn"]) for name in counts.categories}


def judge(company: Company) -> list[dict[str, Any]]:
    """Every category of one company: the probability that was said, and what happened. Nothing is said where the estimate gives no range."""
    counts, true = company.counts_and_truth()
    estimate, months = estimate_iceberg(counts, seed=company.seed), counts.shape[1] if counts.has_calendar else 12
    rng = np.random.default_rng([company.seed, sum(company.family.encode())])
    typical = max(0.3 * WORTH * float(np.mean(list(true.values()))), 1.0)
    known = {"group": company.group, "family": company.family, "seed": company.seed}
    rows = []
    for item in estimate.categories:
        efficacy = float(Efficacy().draw(rng, 1)[0])
        kept = efficacy * true[item.category]
        found_loss = item.silent_churn.median * 12 / months
        for cost_of, lost in (("estimate", found_loss), ("truth", true[item.category])):
            loss = max(0.3 * WORTH * lost, 0.2 * typical)
            cost = float(loss * np.exp(rng.uniform(-np.log(3), np.log(3))))
            try:
                found = decide(estimate, [Fix(item.category, cost)], customer_value=WORTH).outcomes[0]
            except OptionError:
                return [known | {"category": None}]
            assert found.probability_pays is not None  # a customer has a value
            rows.append(
                known
                | {
                    "category": str(item.category),
                    "cost_of": cost_of,
                    "said": round(found.probability_pays, 4),
                    "pays": bool(kept * WORTH > cost),
                    "inside": bool(found.kept.lower <= kept <= found.kept.upper),
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
        "companies": len({(row["group"], row["family"], row["seed"]) for row in rows}),
        "fixes": len(rows),
        "tenths": tenths,
        "mean_distance": round(error, 3),
        "mark": MARK,
        "said_overall": round(float(said.mean()), 3),
        "happened_overall": round(float(pays.mean()), 3),
        "coverage_of_customers_kept": round(float(np.mean([row["inside"] for row in rows])), 3),
    }


def read_rows() -> list[dict[str, Any]]:
    """The fixes that were judged so far."""
    place = RESULTS / "decision.jsonl"
    return [json.loads(line) for line in place.read_text(encoding="utf-8").splitlines()] if place.exists() else []


def main() -> int:
    """Judge the companies that are not yet in the results; the status says whether the mark is met."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--groups", default=",".join(GROUPS), help="names separated by commas")
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    options = parser.parse_args()
    RESULTS.mkdir(exist_ok=True)
    known = {(row["group"], row["family"], row["seed"]) for row in read_rows()}
    tasks = [Company(group, name, seed) for group in options.groups.split(",") for name in GROUPS[group][0] for seed in range(GROUPS[group][1])]
    tasks = [one for one in tasks if (one.group, one.family, one.seed) not in known]
    with ProcessPoolExecutor(max_workers=options.jobs) as pool, (RESULTS / "decision.jsonl").open("a", encoding="utf-8") as out:
        for number, found in enumerate(pool.map(judge, tasks), start=1):
            out.writelines(json.dumps(row) + "\n" for row in found)
            out.flush()
            print(f"{number}/{len(tasks)}", file=sys.stderr)
    rows = read_rows()
    spoken = [row for row in rows if row["category"] is not None]
    of_estimate = [row for row in spoken if row["cost_of"] == "estimate"]
    found = summarise(of_estimate) | {"companies_without_a_range": len(rows) - len(spoken)}
    found["by_group"] = {name: summarise(of) for name in GROUPS if (of := [row for row in of_estimate if row["group"] == name])}
    found["cost_that_tells_the_truth"] = summarise([row for row in spoken if row["cost_of"] == "truth"])
    found["load_average"] = round(os.getloadavg()[0], 1)
    (RESULTS / "decision.json").write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    print(json.dumps(found, indent=1))
    return int(found["mean_distance"] > MARK)


if __name__ == "__main__":
    sys.exit(main())
