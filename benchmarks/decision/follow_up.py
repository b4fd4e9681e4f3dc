"""Does a follow-up say "worked" where a fix worked, and nothing where nothing was done? Companies with a fix in half of their segments.

    python -m benchmarks.decision.follow_up [--seeds 6] [--families mixed,lively] [--fit] [--summary]

In a staged company one of the two largest categories strikes less often from a month on, in half of the segments, by an efficacy drawn from the prior
of `Efficacy`. In the others nothing is done. `follow_up` is asked about every category of both kinds with the same segments and the same start; what
is true is the efficacy, and none for a category that was left alone. Beside it stands what the silent leavers of the joint draws say, cell by cell
(`draws`): the mean log of their rates, in the same differences. The effect needs the counts only, so companies are fitted with `--fit` alone; without
it nothing is said of customers kept, of departures that do not follow, nor of `draws`. Writes results/follow_up.jsonl; `--summary` prints tables.
"""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.calibration.direct_counts import count_directly
from iceberg.cohort.counts import CohortCounts
from iceberg.model.assumptions import Assumptions, Efficacy
from iceberg.model.decision.follow_up import LONGEST_SIDE, SETTLING_MONTHS, Intervention, follow_up
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.results import CredibleInterval, Draws, EstimateCells, Evidence, IcebergEstimate, TotalEstimate
from iceberg.simulation.company import simulate_company
from iceberg.simulation.worlds import WARM_UP_MONTHS, WORLDS, CompanyTruth

RECORD = Path(__file__).parent / "results" / "follow_up.jsonl"
CHOSEN = ("mixed", "seasonal", "natural_by_segment", "heterogeneous", "lively", "local_outages", "months_later", "small")
STAGES = ("fixed", "nothing")
STARTS = range(9, 16)  # months of the window before the start


def staged(truth: CompanyTruth, rng: np.random.Generator, stage: str) -> tuple[CompanyTruth, str, list[int], int, float]:
    """The company with the fix, if any: its truth, the fixed category, the touched segments, the months before the start, the efficacy."""
    sizes = [
        kind.monthly_rate * (1 - kind.complaint_probability) * kind.silent_leave_probability * np.asarray(kind.cell_multipliers).mean()
        for kind in truth.categories
    ]
    number = int(np.argsort(sizes)[-1 - int(rng.integers(2))])
    count = len(truth.segments)
    touched = sorted(int(one) for one in rng.permutation(count)[: count // 2])
    start, eta = int(rng.choice(list(STARTS))), float(Efficacy().draw(rng, 1)[0])
    kind = truth.categories[number]
    if stage == "nothing":
        return truth, "", touched, start, 0.0
    cells = np.array(np.broadcast_to(kind.cell_multipliers, np.shape(kind.cell_multipliers)))
    cells[np.ix_(touched, range(WARM_UP_MONTHS + start, cells.shape[1]))] *= 1 - eta
    kinds = tuple(replace(one, cell_multipliers=cells) if place == number else one for place, one in enumerate(truth.categories))
    return replace(truth, categories=kinds), kind.name, touched, start, eta


def drawn_effect(estimate: IcebergEstimate, counts: CohortCounts, place: int, names: tuple[str, ...], start: int) -> float:
    """The same differences on the silent leavers of the joint draws."""
    own = [segment in names for segment in counts.segments]
    logs = []
    for chosen in (np.array(own), ~np.array(own)):
        for months in (range(start + SETTLING_MONTHS, min(len(counts.months), start + LONGEST_SIDE)), range(max(0, start - LONGEST_SIDE), start)):
            lost = estimate.draws.silent_churn[:, place][:, chosen][:, :, list(months)].sum(axis=(1, 2), dtype=np.float64)
            logs.append(float(np.log((lost + 0.5) / counts.silent_person_days[chosen][:, list(months)].sum()).mean()))
    return logs[0] - logs[1] - (logs[2] - logs[3])


def unfitted(counts: CohortCounts, seed: int) -> IcebergEstimate:
    """An estimate that holds what was observed, and draws of nobody."""
    nothing, shape = CredibleInterval(0.0, 0.0, 0.0), (2000, len(counts.categories), len(counts.segments), len(counts.months))
    draws = np.zeros(shape, dtype=np.float32)
    cells = EstimateCells(
        categories=counts.categories,
        segments=counts.segments,
        months=counts.months,
        vocal=counts.complainants.sum(axis=3).astype(float),
        vocal_any=counts.complainants_any.sum(axis=2).astype(float),
        leavers=counts.silent_exits.sum(axis=2).astype(float),
        ratio_prior=np.ones(shape[:2]),
        excess=np.ones(shape[:2]),
    )
    return IcebergEstimate(
        categories=(),
        total=TotalEstimate(0, nothing, None, 0.0),
        silent_leavers=counts.silent_leavers,
        natural_departures=nothing,
        evidence=Evidence("3", "data_led"),  # type: ignore[arg-type]  # a level by its letter
        assumptions=Assumptions(),
        diagnostics=(),
        draws=Draws(draws, draws[:, 0], None, np.ones(shape[:2])),
        counts_digest="",
        seed=seed,
        cells=cells,
    )


def judge(family: str, seed: int, stage: str, *, fit: bool) -> Iterator[dict[str, Any]]:
    """One company: a record per category."""
    rng = np.random.default_rng([seed, sum(family.encode()), STAGES.index(stage), 18])
    truth, fixed, touched, start, eta = staged(WORLDS[family](rng), rng, stage)
    company = simulate_company(truth, rng)
    counts = count_directly(company)
    estimate = estimate_iceberg(counts, seed=seed) if fit else unfitted(counts, seed)
    names = tuple(truth.segments[place] for place in touched)
    for place, category in enumerate(counts.categories):
        found = follow_up(estimate, counts, Intervention(category, counts.months[start], segments=names))
        own = category == fixed
        effect = float(np.log1p(-eta)) if own else 0.0
        yield {
            "family": family,
            "seed": seed,
            "stage": stage,
            "fixed": own,
            "category": category,
            "fit": fit,
            "start": start,
            "true_effect": round(effect, 4),
            "log_effect": round(found.log_effect, 4),
            "draws": round(drawn_effect(estimate, counts, place, names, start), 4) if fit else None,
            "log_error": round(found.log_error, 4),
            "in_90": bool(found.fall.lower <= -np.expm1(effect) <= found.fall.upper),
            "probability_fell": round(found.probability_fell, 4),
            "placebo_p": None if found.placebo_p is None else round(found.placebo_p, 4),
            "outcome": found.outcome if fit else None,
            "remarks": [one.code for one in found.remarks],
            "heard": int(counts.complainants[place].sum()),
        }


def summarise(records: list[dict[str, Any]]) -> str:
    """The tables of the README of this benchmark."""
    groups = {
        "fixed": [one for one in records if one["fixed"]],
        "left alone, in a company with a fix": [one for one in records if not one["fixed"] and one["stage"] == "fixed"],
        "nothing was done": [one for one in records if one["stage"] == "nothing"],
    }
    lines = ["| category | companies | categories | effect in its 90 % interval | P(fell) > .95 | found, mean | true, mean |"]
    lines.append("|---|---|---|---|---|---|---|")
    for name, own in groups.items():
        if not own:
            continue
        companies = len({(one["family"], one["seed"], one["stage"]) for one in own})
        shares = [np.mean(values) for values in (
            [one["in_90"] for one in own], [one["probability_fell"] > 0.95 for one in own], [one["log_effect"] for one in own],
            [one["true_effect"] for one in own],
        )]  # fmt: skip
        cells = [f"{value:.2f}" for value in shares]
        lines.append(f"| {name} | {companies} | {len(own)} | {' | '.join(cells)} |")
    fitted = {name: [one for one in own if one["fit"]] for name, own in groups.items()}
    lines += ["", "| category, fitted | companies | categories | worked | departures do not follow | found, mean | in the draws | true, mean |"]
    lines.append("|---|---|---|---|---|---|---|---|")
    for name, own in fitted.items():
        if own:
            companies = len({(one["family"], one["seed"], one["stage"]) for one in own})
            doubted = ["departures_disagree" in one["remarks"] for one in own]
            shares = [np.mean([one["outcome"] == "worked" for one in own]), np.mean(doubted)]
            shares += [np.mean([one[key] for one in own]) for key in ("log_effect", "draws", "true_effect")]
            lines.append(f"| {name} | {companies} | {len(own)} | {' | '.join(f'{value:.2f}' for value in shares)} |")
    lines += ["", "| family | fixed: in 90 % | nothing done: in 90 % | nothing done: P(fell) > .95 |", "|---|---|---|---|"]
    for family in dict.fromkeys(one["family"] for one in records):
        own = [one for one in records if one["family"] == family]
        fixed, alone = [one for one in own if one["fixed"]], [one for one in own if not one["fixed"]]
        cells = [np.mean([one["in_90"] for one in part]) if part else float("nan") for part in (fixed, alone)]
        cells.append(np.mean([one["probability_fell"] > 0.95 for one in alone]))
        lines.append(f"| {family} | " + " | ".join(f"{value:.2f}" for value in cells) + " |")
    return "\n".join(lines)


def main() -> None:
    """Run companies, append what was found, print the tables."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=6)
    parser.add_argument("--first-seed", type=int, default=5_000)
    parser.add_argument("--families", default=",".join(CHOSEN))
    parser.add_argument("--fit", action="store_true")
    parser.add_argument("--summary", action="store_true")
    options = parser.parse_args()
    held = [json.loads(line) for line in RECORD.read_text(encoding="utf-8").splitlines()] if RECORD.exists() else []
    done = {(one["family"], one["seed"], one["stage"]) for one in held}
    seeds, families = range(options.first_seed, options.first_seed + options.seeds), options.families.split(",")
    tasks = [(family, seed, stage) for seed in seeds for family in families for stage in STAGES]
    for task in [] if options.summary else [task for task in tasks if task not in done]:
        rows = list(judge(*task, fit=options.fit))
        with RECORD.open("a", encoding="utf-8") as file:
            file.writelines(json.dumps(row) + "\n" for row in rows)
        held += rows
        sys.stderr.write(f"{task}\n")
    print(summarise(held))


if __name__ == "__main__":
    main()
