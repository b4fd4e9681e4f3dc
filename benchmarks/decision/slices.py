"""How often "Fix" is said of a category that loses nobody to speak of: in a whole study, and under every filter of one segment or half of its months.

    python -m benchmarks.decision.slices [--seeds 3] [--jobs 2] [--families mixed,none] [--summary]

A *Fix* is false where the true silent churn of the category, in that segment or those months, is below five customers or below 2 % of those who left
there in silence (`SMALL_SHARE`: what the product itself calls small). It is too strong where the truth lies below the range that it stands on.
Families without silent churn are among them: every *Fix* there is false. Beside it stands how often a total is said to be no more than chance,
where it is small and where it is not. Writes results/slices.jsonl; `--summary` prints the tables of what is there.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.calibration.direct_counts import count_directly
from iceberg.model.decision.chance_test import chance_test
from iceberg.model.decision.verdict import Verdict, judge_category
from iceberg.model.departures.correction import SMALL_SHARE
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.results import IcebergEstimate
from iceberg.model.summary import focus_estimate
from iceberg.simulation.company import SimulatedCompany, simulate_world
from iceberg.simulation.worlds import WORLDS

RECORD = Path(__file__).parent / "results" / "slices.jsonl"
FEWEST = 5
PARTS = ("whole", "one segment", "half of the months")


def parts_of(estimate: IcebergEstimate) -> Iterator[tuple[str, IcebergEstimate, tuple[str, ...] | None, tuple[str, ...] | None]]:
    """The whole, each segment, and both halves of the months: kind, estimate, names of segments and of months as the truth has them."""
    cells = estimate.cells
    assert cells is not None
    yield "whole", estimate, None, None
    for name in cells.segments if len(cells.segments) > 1 else ():
        yield "one segment", focus_estimate(estimate, segments=[name]), (name,), None
    half = len(cells.months) // 2
    for months in (cells.months[:half], cells.months[half:]):
        yield "half of the months", focus_estimate(estimate, months=(months[0], months[-1])), None, tuple(f"{month:%Y-%m}" for month in months)


def judge(task: tuple[str, int]) -> list[dict[str, Any]]:
    """One row per category and part of the company, and one for its total."""
    family, seed = task
    company = simulate_world(family, seed)
    rows = []
    for kind, part, segments, months in parts_of(estimate_iceberg(count_directly(company), seed=seed)):
        cells = part.cells
        assert cells is not None
        leavers = int(cells.leavers.sum())
        truth = sum(true_churn(company, item.category, segments, months) for item in part.categories)
        rows.append({
            "family": family, "seed": seed, "part": kind, "category": None, "leavers": leavers, "truth": truth, "chance": chance_test(part),
        })  # fmt: skip
        for item in part.categories:
            truth = true_churn(company, item.category, segments, months)
            said = judge_category(part, item)
            rows.append({
                "family": family, "seed": seed, "part": kind, "category": item.category, "leavers": leavers, "truth": truth,
                "lower": round(item.silent_churn.lower, 1), "upper": round(item.silent_churn.upper, 1),
                "verdict": said.verdict.value if said.verdict else None, "reason": said.reason,
            })  # fmt: skip
    return rows


def true_churn(company: SimulatedCompany, category: str, segments: tuple[str, ...] | None, months: tuple[str, ...] | None) -> int:
    """Silent churn of a category in some segments, or in some months."""
    truth = company.truth["categories"][category]
    if segments is not None:
        return sum(truth["by_segment"][name] for name in segments)
    return sum(truth["by_month"][name] for name in months) if months is not None else int(truth["silent_churn"])


def is_small(row: dict[str, Any]) -> bool:
    """Whether the category, or the company, loses next to nobody there."""
    return bool(row["truth"] < max(FEWEST, SMALL_SHARE * row["leavers"]))


def summarise(rows: list[dict[str, Any]]) -> str:
    """The tables in Markdown: of categories, over all families, and over those where nothing is silent alone; and of totals."""
    totals, rows = ([row for row in rows if (row["category"] is None) == wanted] for wanted in (True, False))
    return f"{_of_categories(rows)}\n\n{_of_totals(totals)}"


def _of_totals(rows: list[dict[str, Any]]) -> str:
    """How often a total is called chance, by part and by whether it is small."""
    lines = ["| total | not small | called chance | low end in chance | small | called chance |", "|---|---|---|---|---|---|"]
    for name in PARTS:
        mine = [row for row in rows if row["part"] == name]
        small, other = ([row for row in mine if is_small(row) == wanted] for wanted in (True, False))
        shares = [sum(row["chance"] == said for row in part) for part, said in ((other, "inside"), (other, "low_end"), (small, "inside"))]
        lines.append(f"| {name} | {len(other)} | {shares[0]} | {shares[1]} | {len(small)} | {shares[2]} |")
    return "\n".join(lines)


def _of_categories(rows: list[dict[str, Any]]) -> str:
    lines = ["| | categories | of them small | Fix said | false | too strong | Fix said of small ones |", "|---|---|---|---|---|---|---|"]
    silent = {row["family"] for row in rows if row["part"] == "whole" and row["truth"]}
    groups = [(name, partial(_is_part, name)) for name in PARTS]
    groups.append(("any part, where nothing is silent", lambda row: row["family"] not in silent))
    for name, inside in groups:
        mine = [row for row in rows if inside(row)]
        if not mine:
            continue
        small = [row for row in mine if is_small(row)]
        fix = [row for row in mine if row["verdict"] == Verdict.FIX]
        wrong, strong = [row for row in fix if is_small(row)], [row for row in fix if row["truth"] < row["lower"]]
        each = (f"{len(part)} ({len(part) / max(len(fix), 1):.1%})" for part in (wrong, strong))
        lines.append(f"| {name} | {len(mine)} | {len(small)} | {len(fix)} | {' | '.join(each)} | {len(wrong) / max(len(small), 1):.1%} |")
    return "\n".join(lines)


def _is_part(name: str, row: dict[str, Any]) -> bool:
    return bool(row["part"] == name)


def main() -> int:
    """Judge companies, or print what has been judged."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=3, help="companies per family")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--families", default=",".join(WORLDS))
    parser.add_argument("--summary", action="store_true")
    options = parser.parse_args()
    if not options.summary:
        tasks = [(family, seed) for family in options.families.split(",") for seed in range(options.seeds)]
        with ProcessPoolExecutor(max_workers=options.jobs) as pool, RECORD.open("w", encoding="utf-8") as file:
            for number, rows in enumerate(pool.map(judge, tasks), start=1):
                file.writelines(json.dumps(row) + "\n" for row in rows)
                print(f"{number}/{len(tasks)} {rows[0]['family']} {rows[0]['seed']}", file=sys.stderr, flush=True)
    print(summarise([json.loads(line) for line in RECORD.read_text(encoding="utf-8").splitlines()]))
    return 0


if __name__ == "__main__":
    sys.exit(main())
