"""Whether the ranges of an audit cover, of categories and of the agreement of raters, on simulated raters.

    python -m benchmarks.audit.run [--seeds 8] [--jobs 2]

Writes results/audit.json and results/audit.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from multiprocessing import Pool
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.audit.raters import FAMILIES, ICCS, simulate
from iceberg.cohort.audit.record import HUMS
from iceberg.model.audit.estimate import audit_of

RESULTS = Path(__file__).parent / "results"


def judge(what: tuple[str, float, int]) -> dict[str, Any]:
    """One company."""
    name, icc, seed = what
    truth = simulate(FAMILIES[name], icc, seed)
    audit = audit_of(truth.scored, seed=seed)
    spans = [(one.scores[hum], truth.category[place, number]) for place, one in enumerate(audit.categories) for number, hum in enumerate(HUMS)]
    raw = [float(np.nanmean(truth.scored.scores[truth.scored.category[truth.scored.case] == place])) for place in range(len(audit.categories))]
    alpha = audit.items[0].alpha
    return {
        "family": name,
        "icc": icc,
        "seed": seed,
        "covered": [bool(span.lower <= value <= span.upper) for span, value in spans],
        "width": float(np.mean([span.upper - span.lower for span, _ in spans])),
        "error": float(np.mean([abs(span.median - value) for span, value in spans])),
        "raw_error": float(np.mean(np.abs(np.array(raw) - truth.category.mean(axis=1)))),
        "alpha_true": truth.alpha,
        "alpha": None if alpha is None else alpha.median,
        "alpha_covered": None if alpha is None else bool(alpha.lower <= truth.alpha <= alpha.upper),
        "alpha_width": None if alpha is None else alpha.upper - alpha.lower,
        "firm_wrongly": audit.items[0].reading == "firm" and truth.alpha < 0.667,
    }


def table_of(rows: list[dict[str, Any]], key: str) -> str:
    """One line per value of `key`, as Markdown."""
    heads = (key, "audits", "covers 90 %", "width", "error", "alpha, true", "covers", "its width", "called firm below 0.67")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for value in dict.fromkeys(row[key] for row in rows):
        own = [row for row in rows if row[key] == value]
        known = [row for row in own if row["alpha_covered"] is not None]
        cells = [
            np.mean([one for row in own for one in row["covered"]]), np.mean([row["width"] for row in own]), np.mean([row["error"] for row in own]),
            np.mean([row["alpha_true"] for row in own]), np.mean([row["alpha_covered"] for row in known]),
            np.mean([row["alpha_width"] for row in known]), np.mean([row["firm_wrongly"] for row in own]),
        ]  # fmt: skip
        lines.append(f"| {value} | {len(own)} | {' | '.join(f'{cell:.2f}' for cell in cells)} |")
    return "\n".join(lines) + "\n"


def main() -> int:
    """Judge the audits and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--first", type=int, default=0, help="number of the first company")
    asked = parser.parse_args()
    work = [(name, icc, seed) for name in FAMILIES for icc in ICCS for seed in range(asked.first, asked.first + asked.seeds)]
    with Pool(asked.jobs) as pool:
        rows = pool.map(judge, work, chunksize=4)
    covered = np.mean([one for row in rows for one in row["covered"]])
    alpha = np.mean([row["alpha_covered"] for row in rows if row["alpha_covered"] is not None])
    judged = sum(len(row["covered"]) for row in rows)
    said = f"\nCategories are in their 90 % range in {covered:.2f} of {judged}; the true alpha in {alpha:.2f} of {len(rows)}.\n"
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "audit.json").write_text(json.dumps(rows) + "\n", encoding="utf-8")
    (RESULTS / "audit.md").write_text(table_of(rows, "family") + "\n" + table_of(rows, "icc") + said, encoding="utf-8")
    print(table_of(rows, "family"), table_of(rows, "icc"), said, sep="\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
