"""Runs to figures: coverage, bias, error factors per family, and the table that people read."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np

from benchmarks.calibration.companies import MASSES
from iceberg.simulation.worlds import FAMILIES, OTHER_WORLDS

Record = dict[str, Any]
FOLK = 25  # the plain folk calculation: 25 silent leavers per vocal customer


def summarise(records: list[Record]) -> dict[str, Any]:
    """Figures per family, for the project's own families together, and for the ones kept aside.

    Where nothing is silent no interval of positive numbers can hold the truth: those companies are judged by the share
    they explain and by their placebo, and stand in the pooled coverage only under ``coverage_90%_with_none``.
    """
    names = sorted({record["family"] for record in records}, key=lambda name: (name not in FAMILIES, _place(name)))
    per_family = {name: _figures([record for record in records if record["family"] == name]) for name in names}
    summary: dict[str, Any] = {"families": per_family}
    for title, members in (("overall", FAMILIES), ("aside", OTHER_WORLDS)):
        chosen = [record for record in records if record["family"] in members]
        if chosen:
            silent = [record for record in chosen if record["total"]["truth"] > 0]
            summary[title] = _figures(chosen) | _coverage(silent)
            summary[title]["coverage_90%_with_none"] = _coverage(chosen)["coverage_90%"]
            summary[title]["lowest_family_90%"] = (
                min(per_family[name]["coverage_90%"] for name in {record["family"] for record in silent})
                if silent
                else None
            )
    return summary


def _place(name: str) -> int:
    return list(FAMILIES).index(name) if name in FAMILIES else len(FAMILIES)


def _figures(records: list[Record]) -> dict[str, Any]:
    categories = [item for record in records for item in record["categories"]]
    totals = [record["total"] for record in records]
    silent = [record["silent_leavers"] for record in records]
    figures: dict[str, Any] = {"companies": len(records), "categories": len(categories)}
    figures |= _coverage(records)
    figures["total_over_truth"] = _median(item["median"] / item["truth"] for item in totals if item["truth"] > 0)
    figures["error_factor"] = _median(_error(item) for item in categories if item["truth"] > 0)
    figures["width_factor"] = _median(item["upper"] / max(item["lower"], 1.0) for item in categories)
    figures["prior_share"] = _median(item["prior_share"] for item in categories if "prior_share" in item)
    figures["folk_over_truth"] = _median(
        FOLK * record["vocal_customers"] / record["total"]["truth"]
        for record in records
        if record["total"]["truth"] > 0
    )
    ranked = [record["worst"] for record in records if record["total"]["truth"] > 0]
    figures["worst_named_right"] = _mean(item["right"] for item in ranked)
    figures["worst_named_chance"] = _mean(item["chance"] for item in ranked)
    figures["seconds"] = _median(record["seconds"] for record in records)
    figures["cpu_seconds"] = _median(record["cpu_seconds"] for record in records)
    nothing = [(item, leavers) for item, leavers in zip(totals, silent, strict=True) if item["truth"] == 0]
    if nothing:
        figures["explained_where_nothing_is_silent"] = _median(item["median"] / leavers for item, leavers in nothing)
        banded = [item for item, _ in nothing if "placebo" in item]
        # Inside its own placebo band: the estimate's median is no higher than what the placebo reaches.
        figures["inside_placebo"] = _mean(item["median"] <= item["placebo"][2] for item in banded)
        figures["overlaps_placebo"] = _mean(item["lower"] <= item["placebo"][2] for item in banded)
    said = [set(record["diagnostics"]) for record in records if "diagnostics" in record]
    if said:
        figures["diagnostics"] = {code: _mean(code in codes for codes in said) for code in sorted(set().union(*said))}
    for name, chosen in (("", False), ("_total", True)):
        rows = [row for record in records for row in record.get("money", []) if (not row["category"]) == chosen and row["truth"] > 0]
        for kind in ("", "value_"):
            figures[f"{kind}money{name}_coverage"] = _mean(row[f"{kind}in_90%"] for row in rows)
            figures[f"{kind}money{name}_over_truth"] = _median(row[f"{kind}median"] / row["truth"] for row in rows)
    for name in ("pipeline", "backtest"):
        rows = [row for record in records for row in record.get(name, [])]
        for days in sorted({row["days"] for row in rows}):
            chosen = [row for row in rows if row["days"] == days]
            figures[f"{name}_{days}d_coverage"] = _mean(row["in_90%"] for row in chosen if row["category"])
            figures[f"{name}_{days}d_coverage_total"] = _mean(row["in_90%"] for row in chosen if not row["category"])
            figures[f"{name}_{days}d_total_over_truth"] = _median(
                row["median"] / row["truth"] for row in chosen if not row["category"] and row["truth"] > 0
            )
    return figures


def _coverage(records: list[Record]) -> dict[str, Any]:
    categories = [item for record in records for item in record["categories"]]
    found: dict[str, Any] = {
        f"coverage_{mass:.0%}": _mean(item[f"in_{mass:.0%}"] for item in categories) for mass in MASSES
    }
    # Categories of a company err together: the standard error is that of the companies' own shares.
    shares = [np.mean([item["in_90%"] for item in record["categories"]]) for record in records if record["categories"]]
    found["coverage_90%_se"] = (
        round(float(np.std(shares, ddof=1) / np.sqrt(len(shares))), 4) if len(shares) > 1 else None
    )
    return found | {"coverage_total_90%": _mean(record["total"]["in_90%"] for record in records)}


def _error(item: Record) -> float:
    return float(np.exp(abs(np.log(max(item["median"], 0.5) / item["truth"]))))


def _mean(values: Iterable[float]) -> float | None:
    found = [float(value) for value in values]
    return round(float(np.mean(found)), 4) if found else None


def _median(values: Iterable[float]) -> float | None:
    found = [float(value) for value in values]
    return round(float(np.median(found)), 4) if found else None


def as_rows(records: list[Record]) -> list[Record]:
    """One flat row per company and category, and one per company total (category empty)."""
    rows = []
    for record in records:
        common = {
            name: record[name] for name in ("family", "seed", "silent_leavers", "level", "seconds", "cpu_seconds")
        }
        for item in [
            {"category": "", "vocal_customers": record["vocal_customers"], "prior_share": ""} | record["total"],
            *record["categories"],
        ]:
            flat = {name: value for name, value in item.items() if name != "placebo"}
            flat["placebo_upper"] = item["placebo"][2] if "placebo" in item else ""
            rows.append(common | flat)
    return rows


def as_table(summary: dict[str, Any]) -> str:
    """The summary as text, one line per family."""
    columns = [
        ("n", "companies", "{:d}"), ("50", "coverage_50%", "{:.2f}"), ("80", "coverage_80%", "{:.2f}"),
        ("90", "coverage_90%", "{:.2f}"), ("95", "coverage_95%", "{:.2f}"), ("tot90", "coverage_total_90%", "{:.2f}"),
        ("tot/true", "total_over_truth", "{:.2f}"), ("error x", "error_factor", "{:.2f}"),
        ("width x", "width_factor", "{:.1f}"), ("prior", "prior_share", "{:.2f}"),
        ("worst ok", "worst_named_right", "{:.2f}"), ("expl0", "explained_where_nothing_is_silent", "{:.3f}"),
        ("cpu s", "cpu_seconds", "{:.2f}"),
        ("m/true", "money_total_over_truth", "{:.2f}"), ("m90", "money_coverage", "{:.2f}"), ("mtot90", "money_total_coverage", "{:.2f}"),
        ("pipe90", "pipeline_90d_coverage_total", "{:.2f}"), ("p90/true", "pipeline_90d_total_over_truth", "{:.2f}"),
    ]  # fmt: skip
    lines = [f"{'family':20s}" + "".join(f"{title:>9s}" for title, _, _ in columns)]
    named = list(summary["families"].items()) + [
        (name, summary[name]) for name in ("overall", "aside") if name in summary
    ]
    for name, figures in named:
        cells = "".join(
            f"{'-' if figures.get(key) is None else form.format(figures[key]):>9s}" for _, key, form in columns
        )
        lines.append(f"{name:20s}{cells}")
    return "\n".join(lines)
