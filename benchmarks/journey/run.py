"""How often the ranges by step of the journey hold the truth, and how often the step that is called the largest is it.

    python -m benchmarks.journey.run [--seeds 12] [--first 0] [--service]

Each company goes the whole way: files, counts, estimate, steps. Writes results/journey.json and results/journey.md beside this file; with --service
results/service.json and results/service.md, of complaints closed in time.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.journey.companies import FAMILIES, STAGES, Family, service_company, simulate
from iceberg.cohort.reduce import reduce_tables
from iceberg.ingest.load import load_tables
from iceberg.model.assumptions import Assumptions
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.journey.service import estimate_service
from iceberg.model.journey.stages import estimate_journey
from iceberg.model.results import CredibleInterval

RESULTS = Path(__file__).parent / "results"


def judge(family: Family, seed: int) -> dict[str, Any]:
    """One company: said and true, step by step; and the same for its categories, which the steps cannot be better than."""
    made = simulate(family, seed)
    tables, _ = load_tables(made.company.customers, made.complaints, mapping=made.mapping)
    with tables:
        counts = reduce_tables(tables)
    estimate = estimate_iceberg(counts, assumptions=Assumptions(draws=1_000))
    journey = estimate_journey(estimate, counts)
    assert journey is not None
    said = {one.stage: one for one in journey.stages} | {"": journey.unplaced}
    steps = []
    total = made.lost.sum()
    for place, name in enumerate((*STAGES, "")):
        one = said.get(name)
        if one is None or one.silent_churn is None or one.share is None:
            continue
        true, part = float(made.lost[place]), float(made.lost[place] / total) if total else 0.0
        steps.append(
            {
                "stage": name,
                "true": true,
                "true_share": part,
                "said": [one.silent_churn.lower, one.silent_churn.median, one.silent_churn.upper],
                "holds": bool(one.silent_churn.lower <= true <= one.silent_churn.upper),
                "share_holds": bool(one.share.lower - 1e-9 <= part <= one.share.upper + 1e-9),
                "share": [one.share.lower, one.share.median, one.share.upper],
                "probability": one.probability_largest,
                "largest": bool(name and true == made.lost[:-1].max() and true > 0),
            }
        )
    truth = made.company.truth["categories"]
    categories = [bool(one.silent_churn.lower <= truth[one.category]["silent_churn"] <= one.silent_churn.upper) for one in estimate.categories]
    return {"seed": seed, "steps": steps, "categories": categories}


def line(name: str, companies: list[dict[str, Any]]) -> str:
    """A row of the table."""
    steps = [step for company in companies for step in company["steps"]]
    tops = [max((step for step in company["steps"] if step["probability"] is not None), key=lambda step: step["probability"], default=None)
            for company in companies]
    tops = [step for step in tops if step is not None]
    said, happened = np.mean([step["probability"] for step in tops]), np.mean([step["largest"] for step in tops])
    by_category = np.mean([one for company in companies for one in company["categories"]])
    width = np.mean([step["share"][2] - step["share"][0] for step in steps])
    cells = [
        name, str(len(companies)), str(len(steps)), f"{by_category:.2f}", f"{np.mean([step['holds'] for step in steps]):.2f}",
        f"{np.mean([step['share_holds'] for step in steps]):.2f}", f"{width:.2f}", f"{said:.2f}", f"{happened:.2f}",
    ]  # fmt: skip
    return "| " + " | ".join(cells) + " |"


def deciles(companies: list[dict[str, Any]]) -> list[str]:
    """Said against happened, for every step of every company."""
    said = [(step["probability"], step["largest"]) for company in companies for step in company["steps"] if step["probability"] is not None]
    rows = ["| said | steps | happened |", "|---|---|---|"]
    for low, high in ((0.0, 0.05), (0.05, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 0.95), (0.95, 1.01)):
        inside = [(chance, largest) for chance, largest in said if low <= chance < high]
        if inside:
            rows.append(f"| {np.mean([one for one, _ in inside]):.2f} | {len(inside)} | {np.mean([two for _, two in inside]):.2f} |")
    return rows


SERVICE = {"late_says_nothing": (0.2, 1.0), "few_late": (0.07, 1.0), "late_are_the_hard_ones": (0.2, 3.0), "late_are_the_hardest": (0.1, 8.0)}


def judge_service(late: float, harder: float, seed: int) -> dict[str, Any]:
    """One company: whether the shares who left after a case in time and after a late one are in their ranges, and what is said of the difference."""
    customers, complaints, truth = service_company(seed, late=late, harder=harder)
    tables, _ = load_tables(customers, complaints)
    with tables:
        counts = reduce_tables(tables)
    service = estimate_service(counts, horizon_days=180)
    assert service is not None and service.everybody is not None
    one = service.everybody

    def holds(interval: CredibleInterval | None, true: float) -> bool | None:
        return None if interval is None else bool(interval.lower <= true <= interval.upper)

    said = {"in": one.left_in_time, "late": one.left_late, "of_lost": one.in_time_of_lost}
    medians = {side: interval and round(interval.median, 4) for side, interval in said.items()}
    return {"seed": seed, "true": truth, "said": medians, **{side: holds(said[side], truth[side]) for side in said}, "reserved": one.differs}


def run_service(seeds: range) -> None:
    """Judge the service and write results/service.json and results/service.md."""
    results = {name: [judge_service(*family, seed) for seed in seeds] for name, family in SERVICE.items()}
    rows = ["| family | companies | left in time, true | late, true | in time covers | late covers | share of the lost covers | reservation said |",
            "|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for name, companies in results.items():
        true = [np.mean([one["true"][side] for one in companies]) for side in ("in", "late")]
        cover = [np.mean([one[side] for one in companies if one[side] is not None]) for side in ("in", "late", "of_lost")]
        cells = [name, str(len(companies)), *(f"{value:.2f}" for value in (*true, *cover, np.mean([one["reserved"] for one in companies])))]
        rows.append("| " + " | ".join(cells) + " |")
    (RESULTS / "service.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "service.md").write_text("\n".join(rows) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(rows) + "\n")


def main(arguments: list[str] | None = None) -> None:
    """Judge every family and write the results."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=12)
    parser.add_argument("--first", type=int, default=0, help="number of the first company")
    parser.add_argument("--service", action="store_true")
    chosen = parser.parse_args(arguments)
    RESULTS.mkdir(exist_ok=True)
    if chosen.service:
        run_service(range(chosen.first, chosen.first + chosen.seeds))
        return
    results = {}
    rows = ["| family | companies | steps | categories cover | steps cover | shares cover | width of a share | said largest | happened |",
            "|---|---|---|---|---|---|---|---|---|"]  # fmt: skip
    for name, family in FAMILIES.items():
        results[name] = [judge(family, seed) for seed in range(chosen.first, chosen.first + chosen.seeds)]
        rows.append(line(name, results[name]))
        sys.stdout.write(rows[-1] + "\n")
        sys.stdout.flush()
    held = [company for name, companies in results.items() if FAMILIES[name].holds for company in companies]
    steps = [step for company in held for step in company["steps"]]
    cover = np.mean([step["share_holds"] for step in steps])
    rows += ["", f"Where the assumption holds, ranges of the shares cover in {cover:.2f} of {len(steps)} steps.", "", *deciles(held)]
    (RESULTS / "journey.json").write_text(json.dumps(results, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "journey.md").write_text("\n".join(rows) + "\n", encoding="utf-8")
    sys.stdout.write("\n".join(rows[-12:]) + "\n")


if __name__ == "__main__":
    main()
