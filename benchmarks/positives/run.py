"""How often good moments are falsely said to keep customers, and how often the interval of their effect holds the truth, on simulated companies.

    python -m benchmarks.positives.run [--seeds 30]

Each company goes the whole way, once with its log of visits and once without. Writes results/positives.json and .md beside this file.
"""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.positives.companies import AS_OF, FAMILIES, SINCE, EnchantedCompany, simulate
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.rhythm.read import without_inactivity
from iceberg.cohort.window import ObservationWindow
from iceberg.ingest.load import load_tables
from iceberg.model.positives.estimate import Enchantment, estimate_enchantment

RESULTS = Path(__file__).parent / "results"
LASTING = ("protects_for_good",)  # families whose effect does not fade as the model takes it to: what is covered there is said apart


def enchantment_of(company: EnchantedCompany, *, log: bool) -> Enchantment:
    """What the product says of a company."""
    activity = company.activity if log else None
    tables, _ = load_tables(
        company.customers, company.complaints, positives=company.positives, activity=activity, mapping=without_inactivity(None)
    )
    with tables:
        counts = reduce_tables(tables, window=ObservationWindow(SINCE, AS_OF), keep_months=True, keep_cancellations=True, term=0)
    found = estimate_enchantment(counts)
    assert found is not None
    return found


def judge(name: str, seed: int) -> list[dict[str, Any]]:
    """One company, with its log and without."""
    company, truth = simulate(FAMILIES[name], seed), FAMILIES[name].effect
    rows = []
    for log in (True, False):
        whole = enchantment_of(company, log=log).whole
        effect = whole.effect
        rows.append(
            {
                "family": name,
                "seed": seed,
                "log": log,
                "customers": whole.customers,
                "leavers": whole.leavers,
                "expected": whole.expected,
                "reading": whole.reading,
                "covers": None if effect is None else effect.lower <= truth <= effect.upper,
                "effect": None if effect is None else effect.median,
                "width": None if effect is None else effect.upper - effect.lower,
                **{name: one and one.median for name, one in (("long_before", whole.long_before), ("just_before", whole.just_before))},
                "faded": None if whole.faded is None else whole.faded.median,
            }
        )
    return rows


def mean(values: list[Any]) -> str:
    """The mean of those that are known."""
    known = [float(value) for value in values if value is not None]
    return f"{np.mean(known):.2f}" if known else "–"


def table_of(rows: list[dict[str, Any]]) -> str:
    """One line per family and log, as Markdown."""
    heads: tuple[str, ...] = ("family", "log", "companies", "customers", "expected", "true b", "b", "covers", "covers where shown")
    heads += ("protects", "harms", "unclear", "engagement")
    lines = [f"| {' | '.join(heads)} |", "|---" * len(heads) + "|"]
    for name, family in FAMILIES.items():
        for log in (True, False):
            own = [row for row in rows if row["family"] == name and row["log"] == log]
            if not own:
                continue
            shown = [row["covers"] for row in own if row["reading"] in {"protects", "harms", "unclear"}]
            readings = [mean([row["reading"] == reading for row in own]) for reading in ("protects", "harms", "unclear", "engagement")]
            numbers = [f"{np.mean([row[key] for row in own]):.0f}" for key in ("customers", "expected")]
            cells = [mean([row[key] for row in own]) for key in ("effect", "covers")]
            lines.append(
                f"| {name} | {'yes' if log else 'no'} | {len(own)} | {' | '.join(numbers)} | {family.effect} | {' | '.join(cells)} | {mean(shown)} "
                f"| {' | '.join(readings)} |"
            )
    return "\n".join(lines) + "\n"


def summary_of(rows: list[dict[str, Any]]) -> str:
    """What the issue asks for."""
    said = []
    for log in (True, False):
        own = [row for row in rows if row["log"] == log]
        false = [row["reading"] == "protects" for row in own if FAMILIES[row["family"]].effect == 0]
        real = [row for row in own if FAMILIES[row["family"]].effect > 0 and row["family"] not in LASTING]
        shown = [row["covers"] for row in real if row["reading"] in {"protects", "harms", "unclear"}]
        said.append(
            f"{'With' if log else 'Without'} a log of visits: falsely “protects” in {sum(false)} of {len(false)} companies without an effect; where "
            f"b is 0.4, its interval covers in {np.mean([row['covers'] for row in real]):.2f} of {len(real)}, and in "
            f"{float(mean(shown)) if shown else float('nan'):.2f} of the {len(shown)} in which it is shown."
        )
    return "\n" + "\n".join(said) + "\n"


def main() -> int:
    """Judge the companies and write what came out."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--first", type=int, default=0, help="number of the first company")
    asked = parser.parse_args()
    rows: list[dict[str, Any]] = []
    for name in FAMILIES:
        for seed in range(asked.first, asked.first + asked.seeds):
            rows += judge(name, seed)
        print("\n".join(table_of(rows).splitlines()[-2:]), flush=True)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "positives.json").write_text(json.dumps(rows, indent=1) + "\n", encoding="utf-8")
    (RESULTS / "positives.md").write_text(table_of(rows) + summary_of(rows), encoding="utf-8")
    print(summary_of(rows))
    return 0


if __name__ == "__main__":
    sys.exit(main())
