"""Whether bounds hold, how often the third line covers, whether leaks are found, and whether the AUC is right, on simulated companies.

    python -m benchmarks.declared.run [--seeds 30] [--first 0]

Each company goes the whole way: files, counts, figures. Writes results/declared.json and results/declared.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.declared.companies import AS_OF, FAMILIES, SINCE, ScoredCompany, simulate
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.window import ObservationWindow
from iceberg.ingest.load import load_tables
from iceberg.model.results import CredibleInterval
from iceberg.model.scores.estimate import Declared, estimate_declared
from iceberg.model.scores.rates import HORIZON_DAYS, NOTHING, rank_auc, rates_by_state

RESULTS = Path(__file__).parent / "results"


def declared_of(company: ScoredCompany) -> Declared:
    """What the product says of a company."""
    tables, _ = load_tables(company.customers, company.complaints, scores=company.scores)
    with tables:
        counts = reduce_tables(tables, window=ObservationWindow(SINCE, AS_OF), keep_months=True, keep_cancellations=True, term=0)
    declared = estimate_declared(counts)
    assert declared is not None
    return declared


def true_auc(company: ScoredCompany, declared: Declared) -> float:
    """The AUC of the true rates, for the time that customers held each score."""
    rates = rates_by_state(declared.scores)
    days = np.array([rates.get(level, NOTHING).days for level in declared.scores.levels], dtype=float)
    daily = np.array([company.rates[0] if level >= declared.scores.satisfied else company.rates[1] for level in declared.scores.levels])
    gone = 1 - np.exp(-daily * HORIZON_DAYS)
    return float(rank_auc(days * gone, days * (1 - gone)))


def inside(interval: CredibleInterval | None, truth: float) -> bool | None:
    """Whether an interval holds the truth; None where there is none."""
    return None if interval is None else interval.lower <= truth <= interval.upper


def judge(name: str, seed: int) -> dict[str, Any]:
    """One company."""
    company = simulate(FAMILIES[name], seed)
    declared = declared_of(company)
    share, group = declared.share, declared.everybody
    assert share is not None
    third = share.resembling
    return {
        "family": name,
        "seed": seed,
        "leavers": group.leavers,
        "truth": company.satisfied,
        "heard": 1 - group.unheard / group.leavers,
        "bounds": bool(share.lowest <= company.satisfied <= share.highest),
        "width": share.highest - share.lowest,
        "answered": inside(share.answered, company.satisfied),
        "answered_median": None if share.answered is None else share.answered.median,
        "third": inside(third, company.satisfied),
        "third_median": None if third is None else third.median,
        "third_width": None if third is None else third.upper - third.lower,
        "reason": share.reason,
        "leaks": company.leaks,
        "leak_found": declared.departure_scores.found,
        "at_departure": declared.departure_scores.leavers,
        "expected": declared.departure_scores.expected,
        "auc": inside(declared.auc, true_auc(company, declared)) if name != "young_leave_and_are_silent" else None,
        "auc_median": None if declared.auc is None else declared.auc.median,
    }


def mean(values: list[Any]) -> str:
    """The mean of those that are known."""
    known = [float(value) for value in values if value is not None]
    return f"{np.mean(known):.2f}" if known else "–"


def table_of(rows: list[dict[str, Any]]) -> str:
    """One line per family, as Markdown."""
    heads = ("family", "companies", "leavers", "heard", "satisfied, true", "as answered", "bounds hold", "third line", "given", "covers", "leak")
    lines = [f"| {' | '.join((*heads, 'AUC', 'covers'))} |", "|---" * 13 + "|"]
    for name in FAMILIES:
        own = [row for row in rows if row["family"] == name]
        if own:
            cells = [mean([row[key] for row in own]) for key in ("heard", "truth", "answered_median", "bounds", "third_median")]
            given = mean([row["third"] is not None for row in own])
            more = [given, *(mean([row[key] for row in own]) for key in ("third", "leak_found", "auc_median", "auc"))]
            lines.append(f"| {name} | {len(own)} | {mean([row['leavers'] for row in own]).split('.')[0]} | {' | '.join([*cells, *more])} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Judge the companies and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--first", type=int, default=0, help="number of the first company")
    asked = parser.parse_args()
    rows = []
    for name in FAMILIES:
        rows += [judge(name, seed) for seed in range(asked.first, asked.first + asked.seeds)]
        print(table_of(rows).splitlines()[-1], flush=True)
    held = [row["third"] for row in rows if FAMILIES[row["family"]].holds and row["third"] is not None]
    far = [row["answered"] for row in rows if row["answered"] is not None]
    leaks = [row["leak_found"] == (FAMILIES[row["family"]].leak > 0) for row in rows]
    said = (
        f"\nBounds hold in {sum(row['bounds'] for row in rows)} of {len(rows)} companies. Where its assumption holds, the third line covers in "
        f"{np.mean(held):.2f} of {len(held)}; the share as answered would in {np.mean(far):.2f} of all. Leaks are told right in {sum(leaks)} of "
        f"{len(leaks)}.\n"
    )
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "declared.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "declared.md").write_text(table_of(rows) + said, encoding="utf-8")
    print(said)
    return 0


if __name__ == "__main__":
    sys.exit(main())
