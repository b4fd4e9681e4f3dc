"""``python -m benchmarks.compare.run``: does a comparison say "fell" when a category's silent churn was halved, and nothing where nothing was done?

Companies of the family "mixed"; half-way through the window one category is fixed, in one of two ways:

- ``fewer``: the problem strikes half as often (complaints halve with it);
- ``forgiven``: it strikes as often, but the silent leave half as often (complaints stay).

Each is looked at twice: two periods of one study (`compare_periods`), and two studies of half a window each (`compare_studies`). Beside each answer
stands what happened: silent leavers of each half, counted, not modelled. The other categories were left alone: theirs went up and down by themselves.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Iterable, Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.window import ObservationWindow
from iceberg.model.compare import Comparison, Difference, compare_periods, compare_studies
from iceberg.model.estimate import estimate_iceberg
from iceberg.simulation.company import SimulatedCompany, simulate_company
from iceberg.simulation.worlds import WARM_UP_MONTHS, WINDOW, CategoryTruth, CompanyTruth, mixed

HERE = Path(__file__).parent
RECORD = HERE / "comparisons.jsonl"
FIX_MONTHS = 12  # months of the window before the fix
FIXED_ON = date(2025, 7, 1)
AFTER = " (after)"  # the second life of a category, until the files are written
WAYS = ("fewer", "forgiven")


def fixed_company(seed: int, way: str) -> tuple[CompanyTruth, str]:
    """A company whose largest or second largest category (by expected silent leavers) is fixed half-way."""
    rng = np.random.default_rng([seed, 77])
    truth = mixed(rng)
    expected = [
        kind.monthly_rate * (1 - kind.complaint_probability) * kind.silent_leave_probability * np.asarray(kind.cell_multipliers).mean()
        for kind in truth.categories
    ]
    number = int(np.argsort(expected)[-1 - seed % 2])
    kind = truth.categories[number]
    cells = np.asarray(kind.cell_multipliers)
    month = np.arange(cells.shape[1])
    later = month >= WARM_UP_MONTHS + FIX_MONTHS
    if way == "fewer":
        kinds = [replace(kind, cell_multipliers=np.where(later, 0.5, 1.0) * cells)]
    else:
        kinds = [
            replace(kind, cell_multipliers=np.where(later, 0.0, cells)),
            replace(
                kind,
                name=kind.name + AFTER,
                cell_multipliers=np.where(later, cells, 0.0),
                silent_leave_probability=kind.silent_leave_probability / 2,
            ),
        ]
    before: tuple[CategoryTruth, ...] = truth.categories[:number] + truth.categories[number + 1 :]
    return replace(truth, categories=(*before, *kinds)), kind.name


def true_months(company: SimulatedCompany) -> dict[str, np.ndarray]:
    """Silent leavers per category and month, as they happened."""
    found: dict[str, np.ndarray] = {}
    for name, kind in company.truth["categories"].items():
        plain = name.removesuffix(AFTER)
        found[plain] = found.get(plain, 0) + np.array(list(kind["by_month"].values()))
    return found


def count(company: SimulatedCompany, window: ObservationWindow) -> CohortCounts:
    """Counts of the files in `window`."""
    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.load import load_tables

    complaints = company.complaints.assign(category=company.complaints["category"].str.removesuffix(AFTER))
    tables, _ = load_tables(customers=company.customers, complaints=complaints)
    with tables:
        return reduce_tables(tables, window=window)


def judge(seed: int, way: str) -> Iterator[dict[str, Any]]:
    """One company: a record per category and way of looking."""
    truth, fixed = fixed_company(seed, way)
    company = simulate_company(truth, np.random.default_rng([seed, 78]))
    months = true_months(company)
    counts = count(company, WINDOW)
    whole = estimate_iceberg(counts, seed=seed)
    first, last = WINDOW.months[0], WINDOW.months[-1]
    turn = WINDOW.months[FIX_MONTHS - 1]
    joint = compare_periods(whole, counts, before=(first, turn), after=(FIXED_ON, last))
    halves = [ObservationWindow(WINDOW.since, FIXED_ON - timedelta(days=1)), ObservationWindow(FIXED_ON, WINDOW.as_of)]
    half_counts = [count(company, half) for half in halves]
    studies = [estimate_iceberg(own, seed=seed) for own in half_counts]
    apart = compare_studies(studies[0], half_counts[0], studies[1], half_counts[1])
    for look, comparison in (("periods", joint), ("studies", apart)):
        for one in comparison.categories:
            yield {"seed": seed, "way": way, "look": look, "fixed": one.category == fixed} | _beside(one, comparison, months[str(one.category)])


def _beside(one: Difference, comparison: Comparison, months: np.ndarray) -> dict[str, Any]:
    before, after = float(months[:FIX_MONTHS].sum()), float(months[FIX_MONTHS:].sum())
    rates = before / comparison.exposure_before, after / comparison.exposure_after
    return {
        "category": one.category,
        "true_before": before,
        "true_after": after,
        "median_before": round(one.before.median, 1),
        "median_after": round(one.after.median, 1),
        "true_rate_change": round(rates[1] - rates[0], 4),
        "rate_change": [round(value, 4) for value in (one.rate_change.lower, one.rate_change.median, one.rate_change.upper)],
        "change_in_90": bool(one.change.lower <= after - before <= one.change.upper),
        "rate_change_in_90": bool(one.rate_change.lower <= rates[1] - rates[0] <= one.rate_change.upper),
        "probability_fell": round(one.probability_fell, 4),
        "fell": bool(rates[1] < rates[0]),
        "verdict": one.verdict,
    }


def summarise(records: Iterable[dict[str, Any]]) -> str:
    """The tables of the README of this benchmark."""
    held = list(records)
    lines = [
        "| how it was fixed | looked at as | companies | P(fell), median | fell | fell or probably | rose or probably | change in its interval |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for way in WAYS:
        for look in ("periods", "studies"):
            own = [one for one in held if one["way"] == way and one["look"] == look and one["fixed"]]
            if own:
                fell = [one["probability_fell"] for one in own]
                said = [sum(one["verdict"] in kinds for one in own) for kinds in ({"fell"}, {"fell", "probably_fell"}, {"rose", "probably_rose"})]
                inside = np.mean([one["change_in_90"] for one in own])
                lines.append(f"| {way} | {look} | {len(own)} | {np.median(fell):.2f} | " + " | ".join([*map(str, said), f"{inside:.2f}"]) + " |")
    lines += ["", "| looked at as | categories left alone | change in its 90 % interval | rate change in its 90 % interval |", "|---|---|---|---|"]
    for look in ("periods", "studies"):
        own = [one for one in held if one["look"] == look and not one["fixed"]]
        shares = [np.mean([one[name] for one in own]) for name in ("change_in_90", "rate_change_in_90")]
        lines.append(f"| {look} | {len(own)} | " + " | ".join(f"{value:.2f}" for value in shares) + " |")
    lines += ["", "| P(fell) said | categories | fell |", "|---|---|---|"]
    for low, high in ((0, 0.05), (0.05, 0.2), (0.2, 0.4), (0.4, 0.6), (0.6, 0.8), (0.8, 0.95), (0.95, 1.0001)):
        own = [one for one in held if one["look"] == "periods" and low <= one["probability_fell"] < high]
        if own:
            lines.append(f"| {low:.2f} to {min(high, 1):.2f} | {len(own)} | {np.mean([one['fell'] for one in own]):.2f} |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Judge the companies asked for, keep the records, print the tables over all of them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--first", type=int, default=0)
    asked = parser.parse_args()
    known = [json.loads(line) for line in RECORD.read_text(encoding="utf-8").splitlines()] if RECORD.exists() else []
    done = {(one["seed"], one["way"]) for one in known}
    for seed in range(asked.first, asked.first + asked.seeds):
        for way in WAYS:
            if (seed, way) in done:
                continue
            fresh = list(judge(seed, way))
            known += fresh
            with RECORD.open("a", encoding="utf-8") as file:
                file.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in fresh)
            print(f"company {seed}, {way}", flush=True)
    print(summarise(known))


if __name__ == "__main__":
    main()
