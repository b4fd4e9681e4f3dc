"""Records of companies to the marks of the method's section 9, and the files that hold them (`write_results`)."""

from __future__ import annotations

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.calibration.hostile.kinds import KINDS
from benchmarks.calibration.hostile.rates import rates_of

Record = dict[str, Any]
FAR = 1.5  # a miss by more than this factor must not go without a word
SPOKEN = ("caution", "warning")
STANDING = 0.5  # a remark at more than half of the fair companies is no warning of a miss
BINS = ((0.0, 0.5), (0.5, 0.7), (0.7, 0.85), (0.85, 0.95), (0.95, 1.01))
NOTHING_SILENT = ("no_silent_churn", "harmless")  # no interval of positive numbers holds 0: judged by the share explained


def summarise(records: list[Record], kinds: Mapping[str, Any] = KINDS) -> Record:
    """The marks over all kinds together and per kind; `kinds` have an attribute `fair`."""
    standing = standing_codes(records, kinds)
    of_kind = {kind: [record for record in records if record["kind"] == kind] for kind in kinds}
    per_kind = {kind: _figures(chosen, standing) for kind, chosen in of_kind.items() if chosen}
    silent = [record for record in records if record["kind"] not in NOTHING_SILENT]
    fair = [record for record in silent if kinds[record["kind"]].fair]
    hostile = [record for record in silent if not kinds[record["kind"]].fair]
    summary: Record = {"companies": len(records), "standing_remarks": sorted(standing), "kinds": per_kind}
    for name, chosen in (("all", silent), ("fair", fair), ("hostile", hostile)):
        if chosen:
            summary[name] = _figures(chosen, standing) | {"largest": _largest(chosen)}
            summary[name]["lowest_kind"] = min((per_kind[record["kind"]]["coverage"], record["kind"]) for record in chosen)
    summary["branch_width_over_regions"] = _branches(records)
    summary["diagnostics"] = {code: {kind: list(rate) for kind, rate in by_kind.items() if rate[0]} for code, by_kind in rates_of(records).items()}
    return summary


def standing_codes(records: list[Record], kinds: Mapping[str, Any] = KINDS) -> set[str]:
    """Codes of remarks that stand at more than `STANDING` of the fair companies, at one category or the total."""
    fair = [record for record in records if kinds[record["kind"]].fair]
    codes = {one["code"] for record in fair for one in record["diagnostics"] if one["severity"] in SPOKEN}
    return {code for code in codes if _share(any(one["code"] == code for one in record["diagnostics"]) for record in fair) > STANDING}


def _share(values: Iterable[bool]) -> float:
    found = [bool(value) for value in values]
    return sum(found) / len(found) if found else 0.0


def _median(values: Iterable[float]) -> float | None:
    found = list(values)
    return round(median(found), 3) if found else None


def _figures(records: list[Record], standing: set[str]) -> Record:
    categories = [(record, one) for record in records for one in record["categories"]]
    totals = [record["total"] for record in records]
    money = [one["money"] for _, one in categories if one.get("money")]
    ahead = [row for record in records for row in record["pipeline"] if row["days"] == 90]
    sums = [one["money"] for one in totals if one.get("money") and one["money"]["truth"] > 0]
    return {
        "companies": len(records),
        "coverage": round(_share(one["inside"] for _, one in categories), 3),
        "totals_inside": round(_share(one["inside"] for one in totals), 3),
        "total_over_truth": _median(one["median"] / one["truth"] for one in totals if one["truth"]),
        "each_total_over_truth": [round(one["median"] / one["truth"], 2) for one in totals if one["truth"]],
        "far_misses": round(_share(is_far(one) for _, one in categories), 3),
        "far_misses_without_caution": round(_share(is_far(one) and not _words(record, one, set()) for record, one in categories), 3),
        "far_misses_without_word": round(_share(is_far(one) and not _words(record, one, standing) for record, one in categories), 3),
        "width": _median(one["upper"] / max(one["lower"], 1.0) for _, one in categories),
        "total_width": _median(one["upper"] / max(one["lower"], 1.0) for one in totals),
        "error_factor": _median(_factor(one) for _, one in categories if one["truth"]),
        "explained": _median(record["total"]["median"] / max(record["leavers_counted"], 1) for record in records),
        "data_led": round(_share(record["badge"] == "data_led" for record in records), 3),
        "money_coverage": round(_share(one["inside"] for one in money), 3) if money else None,
        "money_totals_inside": round(_share(one["inside"] for one in sums), 3) if sums else None,
        "money_over_truth": _median(one["median"] / one["truth"] for one in sums),
        "value_over_truth": _median(one["value"] / one["truth"] for one in sums if "value" in one),
        "pipeline_90_over_truth": _median(row["median"] / row["truth"] for row in ahead if row["truth"]),
        "seconds": _median(record["seconds"]["estimate"] for record in records),
        "files_seconds": _median(record["seconds"]["files"] for record in records),
    }


def _factor(one: Record) -> float:
    found, true = max(one["median"], 0.5), max(one["truth"], 0.5)
    return max(found / true, true / found)


def is_far(one: Record) -> bool:
    """Whether the truth is outside the range and the median off by more than `FAR`."""
    return not one["inside"] and _factor(one) > FAR


def _words(record: Record, one: Record, standing: set[str]) -> list[str]:
    """Cautions and warnings at the category or the total that mean something."""
    return [
        said["code"]
        for said in record["diagnostics"]
        if said["severity"] in SPOKEN and said["category"] in (None, one["category"]) and said["code"] not in standing
    ]


def _largest(records: list[Record]) -> list[Record]:
    """How often the category that is named most likely the largest is the largest, by how likely that was said to be."""
    named = [max(record["categories"], key=lambda one: one["chance_largest"]) for record in records if record["categories"]]
    rows = []
    for low, high in BINS:
        chosen = [one for one in named if low <= one["chance_largest"] < high]
        if chosen:
            said = sum(one["chance_largest"] for one in chosen) / len(chosen)
            rows.append({"said": round(said, 3), "happened": round(_share(one["is_largest"] for one in chosen), 3), "companies": len(chosen)})
    return rows


def _branches(records: list[Record]) -> Record:
    """Width of a category's range by branches over its width by regions, on the same companies (median)."""
    found: Record = {}
    for kind in KINDS:
        chosen = [record for record in records if record["kind"] == kind and "regions" in record["beside"]]
        if chosen:
            pairs = [pair for record in chosen for pair in zip(record["categories"], record["beside"]["regions"]["categories"], strict=True)]
            widths = [[one["upper"] / max(one["lower"], 1.0) for one in pair] for pair in pairs]
            ratios = [fine / coarse for fine, coarse in widths]
            found[kind] = {"by_branch": _median(one for one, _ in widths), "by_region": _median(one for _, one in widths), "ratio": _median(ratios)}
    return found


def as_line(record: Record) -> str:
    """One company in one line."""
    total, words = record["total"], sorted({one["code"] for one in record["diagnostics"] if one["severity"] in SPOKEN})
    inside = sum(one["inside"] for one in record["categories"])
    ratio = f"x{total['median'] / total['truth']:.2f}" if total["truth"] else "of 0"
    return (
        f"{record['kind']} {record['seed']}: {total['median']:.0f} of true {total['truth']} ({ratio}) in [{total['lower']:.0f}, {total['upper']:.0f}]"
        f"{' inside' if total['inside'] else ' OUTSIDE'}, categories {inside}/{len(record['categories'])}, {record['badge']}, "
        f"{record['seconds']['estimate']:.1f} s; {' '.join(words) or 'no word'}"
    )


def as_rows(records: list[Record]) -> list[Record]:
    """One flat row per company and category, and one per total (category empty)."""
    rows = []
    for record in records:
        for files, answer in [("", record), *record["beside"].items()]:
            common = {"kind": record["kind"], "seed": record["seed"], "files": files, "level": answer["level"], "badge": answer["badge"]}
            for one in [{"category": "", "vocal": "", "chance_largest": "", "is_largest": ""} | answer["total"], *answer["categories"]]:
                flat = {name: value for name, value in one.items() if name != "money"}
                money = one.get("money", {})
                said = sorted({said["code"] for said in answer["diagnostics"] if (said["category"] or "") == one["category"]})
                rows.append(common | flat | {f"money_{name}": value for name, value in money.items()} | {"diagnostics": " ".join(said)})
    return rows


_COLUMNS: tuple[tuple[str, Callable[[Record], str]], ...] = (
    ("n", lambda one: f"{one['companies']:d}"),
    ("cover", lambda one: f"{one['coverage']:.2f}"),
    ("totals", lambda one: f"{one['totals_inside']:.2f}"),
    ("tot/true", lambda one: _number(one["total_over_truth"])),
    ("error x", lambda one: _number(one["error_factor"])),
    ("width x", lambda one: _number(one["width"], 1)),
    ("far", lambda one: f"{one['far_misses']:.2f}"),
    ("no word", lambda one: f"{one['far_misses_without_word']:.2f}"),
    ("data-led", lambda one: f"{one['data_led']:.2f}"),
    ("money/tr", lambda one: _number(one["money_over_truth"])),
    ("value/tr", lambda one: _number(one["value_over_truth"])),
    ("m cover", lambda one: _number(one["money_coverage"])),
    ("p90/true", lambda one: _number(one["pipeline_90_over_truth"])),
    ("s", lambda one: _number(one["seconds"], 1)),
)


def _number(value: float | None, digits: int = 2) -> str:
    return "-" if value is None else f"{value:.{digits}f}"


def as_table(summary: Record) -> str:
    """The marks as text."""
    lines = [f"{'kind':18}" + "".join(f"{title:>9}" for title, _ in _COLUMNS) + "  totals over truth"]
    for name, figures in [*summary["kinds"].items(), *((name, summary[name]) for name in ("fair", "hostile", "all") if name in summary)]:
        each = " ".join(f"{value:.2f}" for value in figures["each_total_over_truth"]) if name in summary["kinds"] else ""
        lines.append(f"{name:18}" + "".join(f"{write(figures):>9}" for _, write in _COLUMNS) + f"  {each}".rstrip())
    lines.append("")
    for kind in (kind for kind in NOTHING_SILENT if kind in summary["kinds"]):
        lines.append(f"explained where nothing is silent: {summary['kinds'][kind]['explained']:.3f} of the silent departures")
    for name in ("fair", "hostile", "all"):
        if name in summary:
            bins = ", ".join(f"said {row['said']:.2f} happened {row['happened']:.2f} ({row['companies']})" for row in summary[name]["largest"])
            lines.append(f"'is the largest', {name}: {bins}; lowest kind {summary[name]['lowest_kind'][1]} {summary[name]['lowest_kind'][0]:.2f}")
    for kind, widths in summary["branch_width_over_regions"].items():
        lines.append(f"{kind}: x{widths['by_branch']:.1f} by branch, x{widths['by_region']:.1f} by region, ratio {widths['ratio']:.2f}")
    lines.append(f"stand at more than half of the fair companies, no word in the table: {', '.join(summary['standing_remarks']) or 'none'}")
    return "\n".join(lines)


def as_remarks(records: list[Record]) -> str:
    """Cautions and warnings by kind: at how many of its companies each stands."""
    lines = []
    for kind in dict.fromkeys(record["kind"] for record in records):
        said = [{one["code"] for one in record["diagnostics"] if one["severity"] in SPOKEN} for record in records if record["kind"] == kind]
        counts = Counter(code for codes in said for code in codes)
        lines.append(f"{kind:18}" + (", ".join(f"{code} {number}/{len(said)}" for code, number in sorted(counts.items())) or "no word"))
    return "\n".join(lines)


def write_results(records: list[Record], folder: Path, name: str, kinds: Mapping[str, Any] = KINDS) -> str:
    """Write <name>.json, .csv and .txt; returns the text."""
    summary, rows = summarise(records, kinds), as_rows(records)
    (folder / f"{name}.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    with (folder / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, fieldnames=list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)
    table = as_table(summary) + ("" if kinds is KINDS else "\n\n" + as_remarks(records))
    (folder / f"{name}.txt").write_text(table + "\n", encoding="utf-8")
    return table
