"""Do months that are no evidence leave the window, and is the interval then right? Files with gaps, made from simulated companies.

    python -m benchmarks.calibration.gaps                     every kind of gap on eight companies -> results/gaps.txt
    python -m benchmarks.calibration.gaps --alarms            how often companies without a gap are accused of one
    python -m benchmarks.calibration.gaps --kinds late --seeds 3

Each company is estimated twice: with all months (`keep_months`), as if nothing had been noticed, and without the months that the rule of
`iceberg.cohort.evidence_months` finds. Both are laid beside what is true of the months that they count.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np
import pandas as pd

from benchmarks.calibration.companies import window_of
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.evidence_months import find_unrecorded_months
from iceberg.cohort.window import ObservationWindow
from iceberg.simulation.company import SimulatedCompany, observe_history, simulate_company, simulate_world
from iceberg.simulation.worlds import WORLDS, count_months, draw_company, season, with_categories

RESULTS = Path(__file__).parent / "results"
FAMILIES = ("mixed", "one_segment", "seasonal", "small", "natural_by_segment", "eight_categories", "young", "folk")


def _day(company: SimulatedCompany, share: float) -> pd.Timestamp:
    """A day that lies so far into the window."""
    window = window_of(company)
    return pd.Timestamp(window.since) + pd.Timedelta(days=round(share * window.days))


def truncated(company: SimulatedCompany, rng: np.random.Generator) -> SimulatedCompany:
    """The customers file begins at a migration: who left before it is not on it."""
    there = ~(company.customers["end_date"] < _day(company, rng.uniform(0.12, 0.5)))
    return replace(company, customers=company.customers[there])


def late(company: SimulatedCompany, rng: np.random.Generator) -> SimulatedCompany:
    """Departures reach the file some weeks after they happened, 25 to 60 days in the mean: some always, others exponentially late."""
    customers = company.customers.copy()
    mean = rng.uniform(25, 60)
    delay = np.full(len(customers), mean) if rng.random() < 0.4 else rng.exponential(mean, len(customers))
    entered = customers["end_date"] + pd.to_timedelta(delay, unit="D")
    customers.loc[entered > pd.Timestamp(window_of(company).as_of), "end_date"] = pd.NaT
    return replace(company, customers=customers)


def empty_departures(company: SimulatedCompany, rng: np.random.Generator) -> SimulatedCompany:
    """One month's export of departures was empty: the customers still seem to be there, or their rows are missing."""
    customers, month = company.customers.copy(), _inner_month(company, rng)
    gone = customers["end_date"].dt.to_period("M") == month
    if rng.random() < 0.5:
        return replace(company, customers=customers[~gone])
    customers.loc[gone, "end_date"] = pd.NaT
    return replace(company, customers=customers)


def empty_complaints(company: SimulatedCompany, rng: np.random.Generator) -> SimulatedCompany:
    """One month's export of complaints was empty."""
    return replace(company, complaints=_without_month(company.complaints, _inner_month(company, rng)))


def empty_month(company: SimulatedCompany, rng: np.random.Generator) -> SimulatedCompany:
    """One month is missing from both exports."""
    month, customers = _inner_month(company, rng), company.customers
    gone = customers["end_date"].dt.to_period("M") == month
    return replace(company, customers=customers[~gone], complaints=_without_month(company.complaints, month))


def later_complaints(company: SimulatedCompany, rng: np.random.Generator) -> SimulatedCompany:
    """The complaints begin months after the departures, but for one in fifty that somebody entered."""
    complaints = company.complaints
    there = (complaints["complaint_date"] >= _day(company, rng.uniform(0.12, 0.4))) | (rng.random(len(complaints)) < 0.02)
    return replace(company, complaints=complaints[there])


def _inner_month(company: SimulatedCompany, rng: np.random.Generator) -> pd.Period:
    months = window_of(company).months
    return pd.Period(months[int(rng.integers(3, len(months) - 3))], "M")


def _without_month(complaints: pd.DataFrame, month: pd.Period) -> pd.DataFrame:
    return complaints[complaints["complaint_date"].dt.to_period("M") != month]


KINDS: dict[str, Callable[[SimulatedCompany, np.random.Generator], SimulatedCompany]] = {
    "truncated": truncated, "late": late, "empty_departures": empty_departures, "empty_complaints": empty_complaints,
    "empty_month": empty_month, "later_complaints": later_complaints,
}  # fmt: skip


def count(company: SimulatedCompany, *, keep_months: bool) -> CohortCounts:
    """Counts through the front door, over the window of the company."""
    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.load import load_tables

    tables, _ = load_tables(customers=company.customers, complaints=company.complaints)
    with tables:
        return reduce_tables(tables, window=window_of(company), keep_months=keep_months)


def judge(kind: str, family: str, seed: int) -> dict[str, Any]:
    """One company with a gap: what was found, and how the estimate fares with and without it."""
    from iceberg.model.estimate import estimate_iceberg

    company = simulate_world(family, seed)
    broken = KINDS[kind](company, np.random.default_rng([seed, len(kind), *family.encode()]))
    record: dict[str, Any] = {"kind": kind, "family": family, "seed": seed}
    for name, keep_months in (("all", True), ("evidence", False)):
        counts = count(broken, keep_months=keep_months)
        if not keep_months:
            record["found"] = [f"{one.what} {one.place} {one.first:%Y-%m}-{one.last:%Y-%m}" for one in counts.unrecorded]
        record[name] = compare_churn(estimate_iceberg(counts, seed=seed), true_churn(company, counts))
    return record


def true_churn(company: SimulatedCompany, counts: CohortCounts) -> dict[str, int]:
    """Silent churn by category in the months that `counts` holds the departures of."""
    truth = observe_history(company.history, counts.window).truth
    without = counts.months_without("departures")
    used = [f"{month:%Y-%m}" for month, missing in zip(counts.months, without, strict=True) if not missing]
    return {name: sum(kind["by_month"][month] for month in used) for name, kind in truth["categories"].items()}


def compare_churn(estimate: Any, truth: dict[str, int]) -> dict[str, Any]:
    """Which ranges hold the truth, the total over it, and how wide they are."""
    inside = [one.silent_churn.lower <= truth[one.category] <= one.silent_churn.upper for one in estimate.categories]
    total, true = estimate.total.silent_churn, sum(truth.values())
    ratios = [one.silent_churn.upper / max(one.silent_churn.lower, 1) for one in estimate.categories]
    return {
        "inside": inside,
        "total_inside": total.lower <= true <= total.upper,
        "share": total.median / max(true, 1),
        "width": median(ratios),
    }


@dataclass(frozen=True)
class Fair:
    """A company without a gap, for the alarms: a family of the simulator or one made here, and the months that are seen of it."""

    family: str
    seed: int
    months: int = 24


def contract_season(rng: np.random.Generator) -> Any:
    """Most departures fall into a quarter of the year, and new customers cannot leave for eleven months."""
    company = draw_company(rng, customers=int(rng.choice([3_000, 12_000])), natural_segment_sd=0.2)
    months = count_months(company.window)
    yearly = season(months, company.window, amplitude=float(rng.uniform(0.8, 1.3)), peak_month=int(rng.integers(1, 13)))
    tenure = np.ones(145)
    tenure[:11] = 0.05
    return with_categories(replace(company, natural_month=yearly, natural_tenure=tenure), rng, vocal_customers=500)


def tiny(rng: np.random.Generator) -> Any:
    """Some hundred customers: two to eight departures a month."""
    return with_categories(draw_company(rng, segments=2, customers=int(rng.integers(150, 700))), rng, count=3, vocal_customers=40)


def growing(rng: np.random.Generator) -> Any:
    """Opened with the window or a year before it, and grows by 6 to 15 % a month."""
    company = draw_company(rng, company_age_months=float(rng.choice([0.0, 12.0])))
    return with_categories(replace(company, monthly_arrival_growth=float(rng.uniform(0.06, 0.15))), rng)


MADE_HERE = {"contract_season": contract_season, "tiny": tiny, "growing": growing}


def accuse(fair: Fair) -> list[str]:
    """What the rule finds where there is nothing to find."""
    from benchmarks.calibration.direct_counts import count_directly

    if fair.family in MADE_HERE:
        rng = np.random.default_rng([fair.seed, len(fair.family)])
        company = simulate_company(MADE_HERE[fair.family](rng), rng)
    else:
        company = simulate_world(fair.family, fair.seed)
    if fair.months != len(company.history.truth.window.months):
        whole = company.history.truth.window
        since = whole.months[-fair.months]
        company = observe_history(company.history, ObservationWindow(date(since.year, since.month, 1), whole.as_of))
    return [f"{one.what} {one.place} {one.first:%Y-%m}-{one.last:%Y-%m}" for one in find_unrecorded_months(count_directly(company))]


def main() -> int:
    """Run what was asked for, print it and keep it."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--alarms", action="store_true", help="companies without gaps")
    parser.add_argument("--kinds", default=",".join(KINDS))
    parser.add_argument("--seeds", type=int, default=1, help="companies per family; eight families a kind")
    parser.add_argument("--first-seed", type=int, default=900)
    parser.add_argument("--jobs", type=int, default=1)
    options = parser.parse_args()
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    with ProcessPoolExecutor(options.jobs) as pool:
        lines = _alarms(pool, seeds) if options.alarms else _gaps(pool, options.kinds.split(","), seeds)
    name = "gaps_alarms.txt" if options.alarms else "gaps.txt"
    (RESULTS / name).write_text("\n".join(lines) + "\n", encoding="utf-8")
    print("\n".join(lines))
    return 0


def _alarms(pool: ProcessPoolExecutor, seeds: Sequence[int]) -> list[str]:
    lines = ["family                companies  alarms"]
    of_all = [0, 0]
    for family in (*WORLDS, *MADE_HERE):
        tasks = [Fair(family, seed, months) for seed in seeds for months in (24, 12)]
        found = list(pool.map(accuse, tasks))
        wrong = [f"{task.seed}/{task.months}: {', '.join(one)}" for task, one in zip(tasks, found, strict=True) if one]
        lines.append(f"{family:22}{len(tasks):9}{len(wrong):8}  {'; '.join(wrong)}".rstrip())
        print(lines[-1], file=sys.stderr, flush=True)
        of_all = [of_all[0] + len(tasks), of_all[1] + len(wrong)]
    return [*lines, f"{'all':22}{of_all[0]:9}{of_all[1]:8}"]


def _gaps(pool: ProcessPoolExecutor, kinds: Sequence[str], seeds: Sequence[int]) -> list[str]:
    head = f"{'kind':18}{'n':>4}{'found':>7}   {'all months: cover  totals  tot/true  width x':46}evidence only: cover  totals  tot/true  width x"
    lines = [head]
    for kind in kinds:
        # Every kind has companies of its own.
        tasks = [(kind, family, 1000 * (list(KINDS).index(kind) + 1) + seed) for seed in seeds for family in FAMILIES]
        records = []
        for record in pool.map(judge, *zip(*tasks, strict=True)):
            records.append(record)
            print(record, file=sys.stderr, flush=True)
        found = sum(bool(record["found"]) for record in records)
        lines.append(f"{kind:18}{len(records):4}{found:7}   {_row(records, 'all'):46}{_row(records, 'evidence')}")
    return lines


def _row(records: list[dict[str, Any]], name: str) -> str:
    judged = [record[name] for record in records]
    inside = [one for record in judged for one in record["inside"]]
    totals = sum(one["total_inside"] for one in judged)
    share, width = median(one["share"] for one in judged), median(one["width"] for one in judged)
    return f"{sum(inside) / len(inside):17.2f}{totals:5}/{len(judged)}{share:10.2f}{width:9.1f}"


if __name__ == "__main__":
    sys.exit(main())
