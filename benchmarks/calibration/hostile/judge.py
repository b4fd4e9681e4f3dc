"""One company through the whole product: files, counts, estimate, and the answer beside the truth (`judge_company`)."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from benchmarks.calibration.hostile.files import Files, true_silence
from benchmarks.calibration.hostile.kinds import KINDS, draw_company
from benchmarks.calibration.hostile.lives import Lives
from iceberg.cohort.counts import CohortCounts
from iceberg.model.results import CredibleInterval

Record = dict[str, Any]


def judge_company(kind: str, seed: int) -> Record:
    """Company number `seed` of a kind, judged; under ``beside`` the same company with other files."""
    lives, files = draw_company(kind, seed)
    record = {"kind": kind, "seed": seed} | judge_files(lives, files, seed)
    others = KINDS[kind].beside or {}
    return record | {"beside": {name: judge_files(lives, change(files), seed) for name, change in others.items()}}


def count_files(files: Files) -> CohortCounts:
    """Counts through the front door, over the window that the product chooses."""
    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.load import load_tables

    tables, _ = load_tables(**files.tables)
    with tables:
        return reduce_tables(tables)


def judge_files(lives: Lives, files: Files, seed: int) -> Record:
    """The estimate of some files beside the truth of the days that they count."""
    from iceberg.model.assumptions import Assumptions

    held = Assumptions()
    money_terms: dict[str, Any] = {"horizon_months": held.residual_horizon_months, "discount": held.annual_discount_rate}
    return judge_tables(files, seed, lambda counts: true_silence(lives, counts, **money_terms, past_days=files.past_days))


def judge_tables(files: Files, seed: int, truth_of: Callable[[CohortCounts], Record]) -> Record:
    """The estimate of some files beside what `truth_of` says of the days that they count; of money and of those on their way where it says so."""
    from iceberg.model.estimate import estimate_iceberg

    began = time.perf_counter()
    counts = count_files(files)
    reduced = time.perf_counter()
    estimate = estimate_iceberg(counts, seed=seed)
    done = time.perf_counter()
    truth = truth_of(counts)
    names = [files.stands_for.get(name, name) for name in counts.categories]
    answers = {name: [number for number, one in enumerate(names) if one == name] for name in dict.fromkeys(names)}
    churn = estimate.draws.silent_churn.sum(axis=(2, 3), dtype=np.float64)
    money = None if estimate.draws.revenue_lost is None else estimate.draws.revenue_lost.sum(axis=(2, 3), dtype=np.float64)
    most = max(truth["categories"][name]["silent_churn"] for name in answers)
    categories = []
    for name, places in answers.items():
        parts, true = [estimate.categories[place] for place in places], truth["categories"][name]
        one: Record = {"category": name} | _beside(_interval([part.silent_churn for part in parts], churn, places), true["silent_churn"])
        if money is not None:
            one |= _money(_interval([part.revenue_lost for part in parts], money, places), one, true["money"])
        one |= {"vocal": sum(part.vocal_customers for part in parts)}
        one |= {"chance_largest": round(sum(part.probability_worst or 0.0 for part in parts), 4), "is_largest": true["silent_churn"] == most > 0}
        categories.append(one)
    total = _beside(estimate.total.silent_churn, truth["silent_churn"])
    if money is not None:
        total |= _money(estimate.total.revenue_lost, total, truth["money"])
    return {
        "level": str(estimate.evidence.level.value),
        "badge": estimate.evidence.kind,
        "silent_leavers": truth["silent_leavers"],
        "leavers_counted": counts.silent_leavers,
        "total": total,
        "categories": categories,
        "pipeline": _pipeline(estimate, truth),
        "diagnostics": [
            {"code": one.code, "severity": one.severity, "category": files.stands_for.get(one.category, one.category) if one.category else None}
            for one in estimate.diagnostics
        ],
        "seconds": {"files": round(reduced - began, 2), "estimate": round(done - reduced, 2)},
    }


def _interval(shown: list[Any], draws: np.ndarray, places: list[int]) -> CredibleInterval:
    """What the product shows; of a problem under several names, the interval of the sum of its draws."""
    return shown[0] if len(shown) == 1 else CredibleInterval.of(draws[:, places].sum(axis=1))


def _beside(shown: CredibleInterval, truth: float) -> Record:
    record = {"truth": truth, "lower": round(shown.lower, 2), "median": round(shown.median, 2), "upper": round(shown.upper, 2)}
    return record | {"inside": bool(shown.lower <= truth <= shown.upper)}


def _money(shown: CredibleInterval, churn: Record, truth: float) -> Record:
    """Revenue lost beside the truth; `value` is what it would be if the number of leavers had been right."""
    return {"money": _beside(shown, truth) | {"value": round(shown.median / max(churn["median"], 1e-9) * churn["truth"], 2)}}


def _pipeline(estimate: Any, truth: Record) -> list[Record]:
    """The total's forecast of silent leavers to come, beside those already on their way."""
    rows = []
    for days, interval in (estimate.total.pipeline or {}).items():
        true = truth.get("pipeline", {}).get(str(days))
        if true is not None:
            row = {"days": int(days), "truth": true, "median": round(interval.median, 2)}
            rows.append(row | {"inside": bool(interval.lower <= true <= interval.upper)})
    return rows
