"""One company through the whole product: simulate, reduce, estimate, and compare with what is true."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import Any

import numpy as np

from benchmarks.calibration.direct_counts import count_directly
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.window import ObservationWindow
from iceberg.simulate import SimulatedCompany, observe_history, simulate_world

MASSES = (0.5, 0.8, 0.9, 0.95)
BACKTEST_DAYS = 90


def count_company(company: SimulatedCompany) -> CohortCounts:
    """Counts through the front door (`load_tables`, `reduce_tables`); see `direct_counts` for the second way."""
    from iceberg.ingest.load import load_tables

    from iceberg.cohort.reduce import reduce_tables

    tables, _ = load_tables(customers=company.customers, complaints=company.complaints)
    with tables:
        return reduce_tables(tables, window=window_of(company))


def window_of(company: SimulatedCompany) -> ObservationWindow:
    """The window that the truth was counted in."""
    return ObservationWindow(date.fromisoformat(company.truth["since"]), date.fromisoformat(company.truth["as_of"]))


def judge_company(family: str, seed: int, *, direct: bool = False, backtest: bool = False) -> dict[str, Any]:
    """Estimate one company and lay the answer beside the truth."""
    company = simulate_world(family, seed)
    counts = count_directly(company) if direct else count_company(company)
    record = {"family": family, "seed": seed} | _compare(company, counts, seed)
    if backtest:
        window = window_of(company)
        earlier = ObservationWindow(window.since, window.as_of - timedelta(days=BACKTEST_DAYS))
        past = observe_history(company.history, earlier)
        past_counts = count_directly(past) if direct else count_company(past)
        record["backtest"] = _compare(past, past_counts, seed)["pipeline"]
    return record


def _compare(company: SimulatedCompany, counts: CohortCounts, seed: int) -> dict[str, Any]:
    from iceberg.model.estimate import estimate_iceberg

    began = time.perf_counter()
    estimate = estimate_iceberg(counts, seed=seed)
    seconds = time.perf_counter() - began
    truth = company.truth
    by_category = estimate.draws.silent_churn.sum(axis=(2, 3), dtype=np.float64)
    return {
        "customers": truth["customers"],
        "vocal_customers": truth["vocal_customers"],
        "silent_leavers": truth["silent_leavers"],
        "level": estimate.evidence.level,
        "seconds": round(seconds, 3),
        "total": _judge(by_category.sum(axis=1), truth["silent_churn"], estimate.total.placebo),
        "categories": [
            {
                "category": answer.category,
                "vocal_customers": answer.vocal_customers,
                "prior_share": round(answer.prior_share, 4),
            }
            | _judge(by_category[:, number], truth["categories"][answer.category]["silent_churn"], answer.placebo)
            for number, answer in enumerate(estimate.categories)
        ],
        "pipeline": _judge_pipeline(estimate, truth),
        "diagnostics": sorted({item.code for item in estimate.diagnostics}),
    }


def _judge(draws: np.ndarray, truth: float, placebo: Any = None) -> dict[str, Any]:
    judged: dict[str, Any] = {"truth": truth, "median": round(float(np.median(draws)), 2)}
    for mass in MASSES:
        lower, upper = np.quantile(draws, [(1 - mass) / 2, (1 + mass) / 2])
        judged[f"in_{mass:.0%}"] = bool(lower <= truth <= upper)
        if mass == 0.9:
            judged |= {"lower": round(float(lower), 2), "upper": round(float(upper), 2)}
    # Rank of the truth among the draws, ties split: uniform over many companies if the estimate is calibrated.
    judged["rank"] = round(float((draws < truth).mean() + (draws == truth).mean() / 2), 4)
    if placebo is not None:
        judged["placebo"] = [round(placebo.lower, 2), round(placebo.median, 2), round(placebo.upper, 2)]
    return judged


def _judge_pipeline(estimate: Any, truth: dict[str, Any]) -> list[dict[str, Any]]:
    """Forecast intervals beside what was already in the pipe: the total and each category, at each horizon."""
    rows = []
    named = [("", estimate.total.pipeline, truth)]
    named += [
        (answer.category, answer.pipeline, truth["categories"][answer.category]) for answer in estimate.categories
    ]
    for name, pipeline, true in named:
        for days, interval in (pipeline or {}).items():
            actual = true["pipeline"].get(str(days))
            if actual is None:
                continue
            row = {"category": name, "days": int(days), "truth": actual, "median": round(interval.median, 2)}
            row |= {"lower": round(interval.lower, 2), "upper": round(interval.upper, 2)}
            rows.append(row | {"in_90%": bool(interval.lower <= actual <= interval.upper)})
    return rows
