"""Are changes of what is recorded found, distinguished from seasons, incidents and growth, and is the interval right once they are answered?

    python -m benchmarks.calibration.recording                  companies with a change, before and after the answer -> results/recording.txt
    python -m benchmarks.calibration.recording --alarms         found without a change, and with one by size -> results/recording_alarms.txt
    python -m benchmarks.calibration.recording --hostile        the same on the hostile companies -> results/recording_hostile.txt

A change loses, from one day on or up to it, complaints at random: 1.5 to 3 times as many are recorded on the other side. Whose complaint was lost is
silent to the files, and true silent churn counts them so. The answer is the day of the change, without its size.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.calibration.direct_counts import count_directly
from benchmarks.calibration.gaps import MADE_HERE, compare_churn
from iceberg.cohort.findings.findings import RecordingChange
from iceberg.model.recording.names import find_renamed
from iceberg.model.recording.steps import find_recording_steps
from iceberg.simulation.company import SimulatedCompany, observe_history, simulate_company
from iceberg.simulation.history import CompanyHistory, day_number
from iceberg.simulation.worlds import WORLDS, CompanyTruth, count_months, season

RESULTS = Path(__file__).parent / "results"
NEAR_DAYS = 45  # a step found so near to the change is the change
FAMILIES = ("mixed", "one_segment", "seasonal", "small", "natural_by_segment", "eight_categories", "young", "folk")


def _times(truth: CompanyTruth, by_month: np.ndarray, chosen: Sequence[int] | None = None) -> CompanyTruth:
    """The problems of all (or some) categories more or less frequent by month."""
    chosen = range(len(truth.categories)) if chosen is None else chosen
    changed = [
        replace(kind, cell_multipliers=np.asarray(kind.cell_multipliers) * by_month[None]) if number in chosen else kind
        for number, kind in enumerate(truth.categories)
    ]
    return replace(truth, categories=tuple(changed))


def in_season(truth: CompanyTruth, rng: np.random.Generator) -> CompanyTruth:
    """All problems have a season of amplitude 0.2 to 0.6."""
    wave = season(count_months(truth.window), truth.window, amplitude=float(rng.uniform(0.2, 0.6)), peak_month=int(rng.integers(1, 13)))
    return _times(truth, wave)


def short_season(truth: CompanyTruth, rng: np.random.Generator) -> CompanyTruth:
    """Two months of every year bring 1.3 to 2 times as many problems of every kind."""
    months = count_months(truth.window)
    first = int(rng.integers(12))
    return _times(truth, np.where(np.isin((np.arange(months) - first) % 12, (0, 1)), rng.uniform(1.3, 2.0), 1.0))


def incident(truth: CompanyTruth, rng: np.random.Generator) -> CompanyTruth:
    """One category breaks down for two to four months."""
    months, length = count_months(truth.window), int(rng.integers(2, 5))
    begins = 12 + int(rng.integers(2, 22 - length))
    wave = np.ones(months)
    wave[begins : begins + length] = rng.uniform(2.5, 6.0)
    return _times(truth, wave, [int(rng.integers(len(truth.categories)))])


def growth(truth: CompanyTruth, rng: np.random.Generator) -> CompanyTruth:
    """All problems become 1.5 to 3 times as frequent, or as rare, over the two years."""
    months = count_months(truth.window)
    factor = rng.uniform(1.5, 3.0) ** rng.choice([-1, 1])
    return _times(truth, factor ** (np.arange(months) / months))


FAIR: dict[str, Callable[[CompanyTruth, np.random.Generator], CompanyTruth]] = {
    "as they are": lambda truth, rng: truth, "season": in_season, "short season": short_season, "incident": incident, "growth": growth,
}  # fmt: skip


def record_fewer(history: CompanyHistory, lost: np.ndarray) -> CompanyHistory:
    """The same lives, of whose complaints those `lost` were never recorded: to the files these customers are silent."""
    complaints = history.complaints[~lost]
    last = pd.Series(complaints["day"].to_numpy(), index=pd.MultiIndex.from_frame(complaints[["customer", "category"]])).groupby(level=[0, 1]).max()
    people = history.people
    of = pd.MultiIndex.from_arrays([np.arange(len(people)), people["cause"].to_numpy()])
    recorded = last.reindex(of).fillna(-1).to_numpy() >= people["cause_day"].to_numpy()
    return replace(history, complaints=complaints, people=people.assign(cause_voiced=people["cause_voiced"].to_numpy() & recorded))


def recording_change(truth: CompanyTruth, rng: np.random.Generator, *, one: bool = False) -> tuple[SimulatedCompany, pd.Timestamp, float, str]:
    """A company whose tool records 1.5 to 3 times as many complaints from one day on, or as many fewer; of one category 2.5 to 4 times."""
    history = simulate_company(truth, rng).history
    window = truth.window
    day = pd.Timestamp(window.since) + pd.Timedelta(days=int(rng.uniform(0.2, 0.8) * window.days))
    factor = float(rng.uniform(2.5, 4.0) if one else np.exp(rng.uniform(np.log(1.5), np.log(3.0))))
    rises = rng.random() < 0.5
    complaints = history.complaints
    after = complaints["day"].to_numpy() >= day_number(day.date())
    lost = (after != rises) & (rng.random(len(complaints)) > 1 / factor)
    category = int(rng.integers(len(truth.categories))) if one else -1
    if one:
        lost &= complaints["category"].to_numpy() == category
    company = observe_history(record_fewer(history, lost), window)
    return company, day, factor if rises else 1 / factor, truth.categories[category].name if one else ""


def draw_truth(family: str, seed: int) -> tuple[CompanyTruth, np.random.Generator]:
    """What company number `seed` of a family is like, and the stream that its life is drawn from."""
    rng = np.random.default_rng([seed, *family.encode()])
    return ({**WORLDS, **MADE_HERE}[family])(rng), rng


def judge(family: str, seed: int) -> dict[str, Any]:
    """One company with a change: what is asked, and how the estimate fares before the answer and after it."""
    from iceberg.model.estimate import estimate_iceberg

    truth, rng = draw_truth(family, seed)
    company, day, factor, _ = recording_change(truth, rng)
    counts = count_directly(company)
    record: dict[str, Any] = {"family": family, "seed": seed, "day": f"{day:%Y-%m-%d}", "factor": round(factor, 2), "asked": False}
    for name, answer in (("before", None), ("after", (RecordingChange(day.date()),))):
        estimate = estimate_iceberg(replace(counts, recording_changes=answer), seed=seed)
        record[name] = compare_churn(estimate, {kind: one["silent_churn"] for kind, one in company.truth["categories"].items()})
        for one in estimate.diagnostics:
            about: dict[str, Any] = one.values  # noqa: PD011  # of a remark, no frame
            if one.code.startswith("recording_step_") and answer is None:
                record["asked"] |= _is_it(about["day"], about["factor"], day, factor)
            if one.code == "recording_changed":
                record["taken"] = bool(about["lower"] <= factor <= about["upper"])
    return record


def _is_it(found: Any, size: Any, day: pd.Timestamp, factor: float) -> bool:
    return abs((found - day.date()).days) <= NEAR_DAYS and (size > 1) == (factor > 1)


SIZES = (0.5, 0.7, 1.5, 2.0)
LARGE = 1000  # complainants on file, from which a company is listed apart


def find(kind: str, family: str, seed: int) -> list[dict[str, Any]]:
    """What the rule finds in one company without a change; of a company as it is also with a change of each size at a day of its own."""
    truth, rng = draw_truth(family, seed)
    company = simulate_company(FAIR[kind](truth, rng), rng)
    records = [_found(company, kind, family, seed)]
    for factor in SIZES if kind == "as they are" else ():
        day = pd.Timestamp(truth.window.since) + pd.Timedelta(days=int(rng.uniform(0.2, 0.8) * truth.window.days))
        complaints = company.history.complaints
        after = complaints["day"].to_numpy() >= day_number(day.date())
        lost = (after != (factor > 1)) & (rng.random(len(complaints)) > min(factor, 1 / factor))
        records.append(_found(observe_history(record_fewer(company.history, lost), truth.window), kind, family, seed, day, factor))
    return records


def _found(
    company: SimulatedCompany, kind: str, family: str, seed: int, day: pd.Timestamp | None = None, factor: float = 1.0
) -> dict[str, Any]:
    counts = count_directly(company)
    steps = find_recording_steps(counts)
    record: dict[str, Any] = {"kind": kind, "family": family, "seed": seed, "factor": factor, "complainants": int(counts.complainants.sum())}
    record |= {"common": any(not one.category for one in steps), "of_one": any(one.category for one in steps)}
    right = [one for one in steps if day is not None and not one.category and _is_it(one.day, one.factor, day, factor)]
    return record | {"found": bool(right), "inside": bool(right and right[0].lower <= factor <= right[0].upper)}


HOSTILE = ("recording_change", "renamed", "plain", "small", "no_silent_churn", "seasonal_both", "complaint_season", "acquisition_wave", "price_rise",
           "competitor", "delays", "cancellations", "short")  # fmt: skip


def find_hostile(kind: str, seed: int) -> dict[str, Any]:
    """The same for one hostile company."""
    from benchmarks.calibration.hostile.judge import count_files
    from benchmarks.calibration.hostile.kinds import draw_company

    counts = count_files(draw_company(kind, seed)[1])
    steps = find_recording_steps(counts)
    return {"kind": kind, "steps": len(steps), "common": any(not one.category for one in steps), "renamed": len(find_renamed(counts))}


def main() -> int:
    """Run what was asked for, print it and keep it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alarms", action="store_true", help="what is found, and what is found where there is nothing")
    parser.add_argument("--hostile", action="store_true", help="the same on hostile companies")
    parser.add_argument("--families", default="")
    parser.add_argument("--seeds", type=int, default=1, help="companies per family or kind")
    parser.add_argument("--first-seed", type=int, default=500)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    with ProcessPoolExecutor(options.jobs) as pool:
        if options.hostile:
            name, lines = "recording_hostile.txt", _hostile(pool, seeds)
        elif options.alarms:
            name, lines = "recording_alarms.txt", _alarms(pool, options.families.split(",") if options.families else [*WORLDS, *MADE_HERE], seeds)
        else:
            name, lines = "recording.txt", _coverage(pool, options.families.split(",") if options.families else FAMILIES, seeds)
    (RESULTS / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0


def _run(pool: ProcessPoolExecutor, work: Callable[..., Any], tasks: Sequence[tuple[Any, ...]]) -> list[Any]:
    records = []
    for record in pool.map(work, *zip(*tasks, strict=True)):
        records.append(record)
        print(record, file=sys.stderr, flush=True)
    return records


def _alarms(pool: ProcessPoolExecutor, families: Sequence[str], seeds: Sequence[int]) -> list[str]:
    tasks = [(kind, family, seed) for seed in seeds for family in families for kind in FAIR]
    records = [one for several in _run(pool, find, tasks) for one in several]
    lines = ["without a change        companies  common step  step of one"]
    for kind in FAIR:
        chosen = [one for one in records if one["kind"] == kind and one["factor"] == 1]
        lines.append(f"{kind:24}{len(chosen):9}{sum(one['common'] for one in chosen):13}{sum(one['of_one'] for one in chosen):13}")
    lines += ["", f"with a change           companies  found  of {LARGE:,} complainants and more  factor in its range"]
    for factor in SIZES:
        chosen = [one for one in records if one["factor"] == factor]
        large, found = [one for one in chosen if one["complainants"] >= LARGE], [one for one in chosen if one["found"]]
        of_large = f"{sum(one['found'] for one in large)}/{len(large)}"
        lines.append(f"{f'x{factor}':24}{len(chosen):9}{len(found):7}{of_large:>32}{sum(one['inside'] for one in found):15}/{len(found)}")
    return lines


def _hostile(pool: ProcessPoolExecutor, seeds: Sequence[int]) -> list[str]:
    lines = ["kind                    companies  common step  step of one  names"]
    for kind in HOSTILE:
        records = _run(pool, find_hostile, [(kind, seed) for seed in seeds])
        common, alone = sum(one["common"] for one in records), sum(one["steps"] > 0 and not one["common"] for one in records)
        lines.append(f"{kind:24}{len(records):9}{common:13}{alone:13}{sum(one['renamed'] > 0 for one in records):7}")
    return lines


def _coverage(pool: ProcessPoolExecutor, families: Sequence[str], seeds: Sequence[int]) -> list[str]:
    records = _run(pool, judge, [(family, seed) for seed in seeds for family in families])
    lines = ["                companies   cover  totals  tot/true  width x"]
    for name in ("before", "after"):
        judged = [record[name] for record in records]
        inside = [one for record in judged for one in record["inside"]]
        totals = f"{sum(one['total_inside'] for one in judged)}/{len(judged)}"
        share, width = median(one["share"] for one in judged), median(one["width"] for one in judged)
        lines.append(f"{name + ' the answer':16}{len(judged):9}{sum(inside) / len(inside):8.2f}{totals:>8}{share:10.2f}{width:9.1f}")
    asked, taken = sum(record["asked"] for record in records), sum(record["taken"] for record in records)
    return [*lines, f"asked about: {asked} of {len(records)}; factor in its range once the day is named: {taken} of {len(records)}"]


if __name__ == "__main__":
    sys.exit(main())
