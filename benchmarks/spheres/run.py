"""How often the ranges of the sheet's gaps hold the truth, what is said to be kept or missed, and what is said where the file of cases is one-sided.

    python -m benchmarks.spheres.run [--seeds 10] [--first 0]

Each company goes the whole way: files, counts, estimate, sheet, gaps. Writes results/spheres.json and results/spheres.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable
from dataclasses import replace
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.spheres.companies import FAMILIES, SheetCompany, simulate
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.journey.sphere_sheet import read_sphere_sheet
from iceberg.cohort.reduce import reduce_tables
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.locale import Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.journey.spheres import QUADRANTS, SphereEstimate, Spheres, estimate_spheres
from iceberg.model.results import CredibleInterval, IcebergEstimate
from iceberg.report.journey.spheres import spheres_sentences

RESULTS = Path(__file__).parent / "results"
GAPS = ("rank", "believed", "believed_share", "target", "promise", "within")
BINS = ((0.0, 0.1), (0.1, 0.3), (0.3, 0.5), (0.5, 0.7), (0.7, 0.9), (0.9, 1.01))
_WORDS = Translator("en")


def counts_of(company: SheetCompany) -> CohortCounts:
    """Files, counts, sheet."""
    tables, _ = load_tables(company.company.customers, company.complaints)
    with tables:
        counts = reduce_tables(tables)
    return replace(counts, spheres=read_sphere_sheet([UploadedBytes("sheet.csv", company.sheet)], categories=counts.categories))


def truths(company: SheetCompany, found: Spheres, estimate: IcebergEstimate) -> dict[str, dict[str, Any]]:
    """By category of the sheet, the true gaps and the true quadrant."""
    lost = {one.category: float(company.company.truth["categories"][one.category]["silent_churn"]) for one in estimate.categories}
    money = {one.category: float(company.company.truth["categories"][one.category]["silent_revenue"]) for one in estimate.categories}
    ranked = sorted((one.row.priority_rank or 0, one.row.category) for one in found.rows if one.rank is not None)
    believed = {one.row.category: one.row.believed_leavers or 0 for one in found.rows if one.believed is not None}
    all_believed, all_lost = sum(believed.values()), sum(lost[name] for name in believed)
    weight = money if found.by_money else lost
    usual = np.mean(list(weight.values()))
    true: dict[str, dict[str, Any]] = {}
    for one in found.rows:
        name, row = one.row.category, one.row
        if name not in lost or name not in company.in_time:
            continue
        place = 1 + next((at for at, (_, other) in enumerate(ranked) if other == name), 0)
        own: dict[str, Any] = {
            "rank": place - 1 - sum(lost[other] > lost[name] for _, other in ranked)
            - 0.5 * sum(lost[other] == lost[name] for _, other in ranked if other != name),
            "believed": (row.believed_leavers or 0) - lost[name],
            "target": company.in_time[name] - float(row.target or 0),
            "promise": company.in_time[name] - (row.promise_value or 0) if row.promise_unit == "percent" else None,
            "within": company.within.get(name),
        }  # fmt: skip
        own["believed_share"] = believed[name] / all_believed - lost[name] / all_lost if name in believed and all_believed and all_lost else None
        matters, poor = weight[name] > usual, own["target"] < 0
        own["quadrant"] = QUADRANTS[0 if matters and poor else 1 if matters else 2 if poor else 3]
        true[name] = own
    return true


def judge(name: str, seed: int, known: dict[tuple[str, int], IcebergEstimate]) -> dict[str, Any]:
    """One company: by gap whether its range holds, how wide it is, and what is said."""
    family = FAMILIES[name]
    company = simulate(family, seed)
    counts = counts_of(company)
    # Columns of cases and the sheet leave the estimate as it is (a test says so), so that families of the same customers share it.
    key = (f"{family.world} {family.only_here}", seed)
    if key not in known:
        known[key] = estimate_iceberg(counts, assumptions=Assumptions(draws=1_000))
    estimate = known[key]
    found = estimate_spheres(estimate, counts)
    assert found is not None
    true = truths(company, found, estimate)
    gaps = [_gap(one, gap, true[one.row.category]) for one in found.rows if one.row.category in true for gap in GAPS]
    quadrants = [
        {"said": one.quadrants[part], "happened": true[one.row.category]["quadrant"] == part}
        for one in found.rows
        if one.quadrants is not None and one.row.category in true
        for part in QUADRANTS
    ]
    said = spheres_sentences(found, _WORDS)
    return {
        "family": name,
        "seed": seed,
        "gaps": [gap for gap in gaps if gap is not None],
        "tau": _tau(company, found),
        "quadrants": quadrants,
        "warned": bool(found.unsaid) or found.only_present,
        "sentences": len(said),
        "diagnostics": sorted({one.code for one in estimate.diagnostics}),
    }


def _gap(one: SphereEstimate, gap: str, true: dict[str, Any]) -> dict[str, Any] | None:
    interval: CredibleInterval | None = getattr(one, gap)
    if interval is None or true[gap] is None:
        return None
    value = float(true[gap])
    edge = 0.5 if gap == "believed" else 1e-9  # customers are whole
    inside = bool(interval.lower - edge <= value <= interval.upper + edge)
    wrong = bool((interval.upper < 0 < value) or (interval.lower > 0 > value)) if gap in {"target", "promise"} else None
    decided = bool(interval.upper < 0 or interval.lower > 0) if gap in {"target", "promise"} else None
    return {"gap": gap, "true": value, "holds": inside, "width": interval.upper - interval.lower, "wrong": wrong, "decided": decided}


def _tau(company: SheetCompany, found: Spheres) -> bool | None:
    """Whether the range of Kendall's tau holds the true one."""
    if found.agreement is None:
        return None
    ranked = sorted((one.row.priority_rank or 0, one.row.category) for one in found.rows if one.rank is not None)
    lost = [float(company.company.truth["categories"][name]["silent_churn"]) for _, name in ranked]
    true = np.mean([np.sign(lost[one] - lost[other]) for one, other in combinations(range(len(lost)), 2)])
    return bool(found.agreement.lower - 1e-9 <= true <= found.agreement.upper + 1e-9)


def mean(values: Iterable[Any]) -> str:
    """The mean of those that are known."""
    known = [float(value) for value in values if value is not None]
    return f"{np.mean(known):.2f}" if known else "–"


def table_of(rows: list[dict[str, Any]]) -> str:
    """One line per family, as Markdown."""
    heads = ("family", "companies", *(f"{gap.replace('_', ' ')}" for gap in GAPS), "tau", "width of target", "decided", "wrongly", "warned")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name in FAMILIES:
        own = [row for row in rows if row["family"] == name]
        if not own:
            continue
        gaps = [gap for row in own for gap in row["gaps"]]
        held = [mean(gap["holds"] for gap in gaps if gap["gap"] == one) for one in GAPS]
        aims = [gap for gap in gaps if gap["gap"] in {"target", "promise"}]
        cells = [
            name, str(len(own)), *held, mean(row["tau"] for row in own), mean(gap["width"] for gap in gaps if gap["gap"] == "target"),
            mean(gap["decided"] for gap in aims), mean(gap["wrong"] for gap in aims if gap["decided"]), mean(row["warned"] for row in own),
        ]  # fmt: skip
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def calibration_of(rows: list[dict[str, Any]]) -> str:
    """Probabilities of the quadrants, said against happened, in the fair families."""
    lines = ["| said | quadrants | happened |", "|---|---|---|"]
    cells = [cell for row in rows if FAMILIES[row["family"]].fair for cell in row["quadrants"]]
    for low, high in BINS:
        own = [cell for cell in cells if low <= cell["said"] < high]
        if own:
            lines.append(f"| {mean(cell['said'] for cell in own)} | {len(own)} | {mean(cell['happened'] for cell in own)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Judge the companies and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="number of the first company")
    parser.add_argument("--families", nargs="*", default=list(FAMILIES))
    options = parser.parse_args()
    rows, known = [], {}  # type: ignore[var-annotated]
    for seed in range(options.first, options.first + options.seeds):
        rows += [judge(name, seed, known) for name in options.families]
        print(seed, flush=True)
    fair = [gap for row in rows if FAMILIES[row["family"]].fair for gap in row["gaps"]]
    delivery = [gap["holds"] for gap in fair if gap["gap"] in {"target", "promise", "within"}]
    vision = [gap["holds"] for gap in fair if gap["gap"] in {"rank", "believed", "believed_share"}]
    said = (
        f"\nIn the fair families gaps of delivery hold in {mean(delivery)} of {len(delivery)}, gaps of vision in {mean(vision)} of {len(vision)}.\n"
        f"\nProbability of a quadrant, said against happened, in the fair families:\n\n{calibration_of(rows)}"
    )
    text = table_of(rows) + said
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "spheres.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "spheres.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
