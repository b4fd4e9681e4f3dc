"""One company through the whole product: simulate, reduce, estimate, and compare with what is true."""

from __future__ import annotations

import time
from datetime import date, timedelta
from typing import Any

import numpy as np

from benchmarks.calibration.direct_counts import count_directly
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.window import ObservationWindow
from iceberg.simulation.company import SimulatedCompany, observe_history, simulate_world
from iceberg.simulation.history import DAYS_PER_MONTH, NATURAL, NEVER, day_number

MASSES = (0.5, 0.8, 0.9, 0.95)
BACKTEST_DAYS = 90


def count_company(company: SimulatedCompany) -> CohortCounts:
    """Counts through the front door (`load_tables`, `reduce_tables`); see `direct_counts` for the second way."""
    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.load import load_tables

    tables, _ = load_tables(customers=company.customers, complaints=company.complaints)
    with tables:
        return reduce_tables(tables, window=window_of(company))


def window_of(company: SimulatedCompany) -> ObservationWindow:
    """The window that the truth was counted in."""
    return ObservationWindow(date.fromisoformat(company.truth["since"]), date.fromisoformat(company.truth["as_of"]))


def lost_revenue(company: SimulatedCompany, *, horizon_months: int, annual_discount_rate: float) -> dict[str, float]:
    """What the silent churn of each category would have paid, until it had left for another reason and at most for `horizon_months`.

    Problems are simulated until half a year after the window, natural departures a year longer: the residual lifetime of its last leavers is a little
    too long.
    """
    since, as_of = (day_number(date.fromisoformat(company.truth[name])) for name in ("since", "as_of"))
    people, complaints = company.history.people, company.history.complaints
    heard = complaints[complaints["day"] >= since].groupby("customer")["day"].min().reindex(people.index, fill_value=NEVER)
    lost = people[
        people["departure_day"].between(since, as_of) & (heard > people["departure_day"]) & (people["cause"] != NATURAL) & ~people["cause_voiced"]
    ]
    years = np.minimum(lost["otherwise_day"] - lost["departure_day"], horizon_months * DAYS_PER_MONTH) / 365.25
    force = np.log1p(annual_discount_rate)
    worth = lost["revenue"].round(2) * (years if force == 0 else -np.expm1(-force * years) / force)
    return {kind.name: float(worth[lost["cause"] == number].sum()) for number, kind in enumerate(company.history.truth.categories)}


def judge_company(
    family: str, seed: int, *, direct: bool = False, backtest: bool = False, fit_only: bool = False
) -> dict[str, Any]:
    """Estimate one company and lay the answer beside the truth.

    Args:
        family: A key of `WORLDS`.
        seed: Of the company and of the estimate.
        direct: Count with numpy instead of the front door.
        backtest: Also hide the last `BACKTEST_DAYS` and forecast them.
        fit_only: The reconciliation model alone, without placebo, forecast and summary.
    """
    company = simulate_world(family, seed)
    counting = count_directly if direct else count_company
    answer = _fit if fit_only else _estimate
    record = {"family": family, "seed": seed} | answer(company, counting(company), seed)
    if backtest:
        window = window_of(company)
        earlier = ObservationWindow(window.since, window.as_of - timedelta(days=BACKTEST_DAYS))
        past = observe_history(company.history, earlier)
        record["backtest"] = _estimate(past, counting(past), seed)["pipeline"]
    return record


def _estimate(company: SimulatedCompany, counts: CohortCounts, seed: int) -> dict[str, Any]:
    from iceberg.model.estimate import estimate_iceberg

    began, worked = time.perf_counter(), time.process_time()
    estimate = estimate_iceberg(counts, seed=seed)
    spent = _spent(began, worked)
    by_category = estimate.draws.silent_churn.sum(axis=(2, 3), dtype=np.float64)
    record = _compare(company, [answer.category for answer in estimate.categories], by_category)
    record["total"] |= _placebo(estimate.total.placebo)
    record["money"] = _judge_money(company, estimate, by_category)
    for judged, answer in zip(record["categories"], estimate.categories, strict=True):
        judged.update({"prior_share": round(answer.prior_share, 4)} | _placebo(answer.placebo))
    return (
        record
        | {
            "level": estimate.evidence.level,
            "pipeline": _judge_pipeline(estimate, company.truth),
            "diagnostics": sorted({item.code for item in estimate.diagnostics}),
        }
        | spent
    )


def _judge_money(company: SimulatedCompany, estimate: Any, churn: np.ndarray) -> list[dict[str, Any]]:
    """Revenue lost beside the truth, the total (category empty) and each category; `value_*` is money per leaver times the true leavers."""
    held, names = estimate.assumptions, [answer.category for answer in estimate.categories]
    true = lost_revenue(company, horizon_months=held.residual_horizon_months, annual_discount_rate=held.annual_discount_rate)
    drawn = estimate.draws.revenue_lost.sum(axis=(2, 3), dtype=np.float64)
    rows = []
    for place, name in [(slice(None), ""), *((slice(number, number + 1), name) for number, name in enumerate(names))]:
        money, leavers = drawn[:, place].sum(axis=1), churn[:, place].sum(axis=1)
        count = company.truth["silent_churn"] if not name else company.truth["categories"][name]["silent_churn"]
        each = money / np.maximum(leavers, 1e-9) * count
        worth = sum(true.values()) if not name else true[name]
        row: dict[str, Any] = {"category": name, "truth": round(worth, 2)}
        for kind, values in (("", money), ("value_", each)):
            lower, median, upper = np.quantile(values, [0.05, 0.5, 0.95])
            row |= {f"{kind}median": round(float(median), 2), f"{kind}in_90%": bool(lower <= worth <= upper)}
        rows.append(row)
    return rows


def _fit(company: SimulatedCompany, counts: CohortCounts, seed: int) -> dict[str, Any]:
    from iceberg.model.assumptions import Assumptions
    from iceberg.model.departures.fit.model import fit_excess_hazard
    from iceberg.model.departures.fit.variance_average import average_variances
    from iceberg.model.departures.reconciliation import draw_silent_churn

    began, worked = time.perf_counter(), time.process_time()
    fit = average_variances(fit_excess_hazard(counts, Assumptions()))
    drawn = draw_silent_churn(fit, counts, rng=np.random.default_rng(seed), draws=1000)
    spent = _spent(began, worked)
    record = _compare(company, list(counts.categories), drawn.silent_churn.sum(axis=(2, 3), dtype=np.float64))
    return record | {"level": "fit", "converged": bool(fit.converged)} | spent


def _spent(began: float, worked: float) -> dict[str, float]:
    """Seconds by the clock and of the processor; they differ where the machine has other work."""
    return {"seconds": round(time.perf_counter() - began, 3), "cpu_seconds": round(time.process_time() - worked, 3)}


def _compare(company: SimulatedCompany, names: list[str], by_category: np.ndarray) -> dict[str, Any]:
    truth = company.truth
    kinds = truth["categories"]
    true_churn = np.array([kinds[name]["silent_churn"] for name in names])
    chance_worst = np.bincount(by_category.argmax(axis=1), minlength=len(names)) / len(by_category)
    named = int(chance_worst.argmax())
    return {
        "customers": truth["customers"],
        "worst": {"chance": round(float(chance_worst[named]), 4), "right": bool(true_churn[named] == true_churn.max())},
        "vocal_customers": truth["vocal_customers"],
        "silent_leavers": truth["silent_leavers"],
        "total": _judge(by_category.sum(axis=1), truth["silent_churn"]),
        "categories": [
            {"category": name, "vocal_customers": kinds[name]["vocal_customers"]}
            | _judge(by_category[:, number], kinds[name]["silent_churn"])
            for number, name in enumerate(names)
        ],
    }


def _judge(draws: np.ndarray, truth: float) -> dict[str, Any]:
    judged: dict[str, Any] = {"truth": truth, "median": round(float(np.median(draws)), 2)}
    for mass in MASSES:
        lower, upper = np.quantile(draws, [(1 - mass) / 2, (1 + mass) / 2])
        judged[f"in_{mass:.0%}"] = bool(lower <= truth <= upper)
        if mass == 0.9:
            judged |= {"lower": round(float(lower), 2), "upper": round(float(upper), 2)}
    # Rank of the truth among the draws, ties split: uniform over many companies if the estimate is calibrated.
    judged["rank"] = round(float((draws < truth).mean() + (draws == truth).mean() / 2), 4)
    return judged


def _placebo(interval: Any) -> dict[str, Any]:
    return (
        {}
        if interval is None
        else {"placebo": [round(interval.lower, 2), round(interval.median, 2), round(interval.upper, 2)]}
    )


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
