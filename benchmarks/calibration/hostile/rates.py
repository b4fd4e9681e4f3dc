"""How often each diagnostic stands: on companies it is for, on fair ones, and on all (`build_table`)."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

from benchmarks.calibration.hostile.kinds import KINDS
from iceberg.locale import load_messages

Record = dict[str, Any]

# The kinds that a diagnostic is for: where it is missing, a person is not warned of what is wrong. Others describe the files, or the answer itself.
MEANT_FOR: dict[str, tuple[str, ...]] = {
    "few_complaints": ("small",),
    "complaints_not_linked": ("volumes",),
    "segments_grouped": ("branches_40", "branches_100"),
    "leak": ("cancellations",),
    "not_above_noise": ("no_silent_churn",),
    "total_not_above_noise": ("no_silent_churn",),
    "survey_small": ("honest_survey", "biased_survey"),
    "measured_conflict": ("biased_log", "biased_survey"),
    "no_time_order": ("flat",),
    "months_without_departures_before": ("migration",),
    "months_without_departures_after": ("late_departures",),
}


MANY_KINDS = 6  # more kinds than this are counted, not listed


def known_codes() -> list[str]:
    """Every diagnostic that has sentences, in the order of the messages."""
    says = [name.split(".")[1] for name in load_messages("en") if name.startswith("diagnostics.") and name.endswith(".says")]
    return [code for code in dict.fromkeys(says) if code != "unknown"]


def rates_of(records: list[Record]) -> dict[str, dict[str, tuple[int, int]]]:
    """Companies at which each diagnostic stands once or more, and companies, by code and kind."""
    kinds = list(dict.fromkeys(record["kind"] for record in records))
    standing = {(record["kind"], record["seed"]): {one["code"] for one in record["diagnostics"]} for record in records}
    codes = [*known_codes(), *sorted(set().union(*standing.values()) - set(known_codes()))]
    companies = Counter(kind for kind, _ in standing)
    stands = Counter((code, kind) for (kind, _), said in standing.items() for code in said)
    return {code: {kind: (stands[code, kind], companies[kind]) for kind in kinds} for code in codes}


def build_table(records: list[Record], families: dict[str, Record] | None = None) -> str:
    """A Markdown table, one row per diagnostic.

    Args:
        records: Of companies of any kinds; the other files of the same companies are left out.
        families: Of `benchmarks.calibration.run` where it has been run: per family ``companies`` and ``diagnostics``, the share by code.
    """
    severities = {one["code"]: one["severity"] for record in records for one in record["diagnostics"]}
    lines = ["| diagnostic | severity | it is for | stands there | fair companies | families of the simulator | other kinds where it stands |"]
    lines += ["|---|---|---|---:|---:|---:|---|"]
    for code, by_kind in rates_of(records).items():
        meant = [kind for kind in MEANT_FOR.get(code, ()) if kind in by_kind]
        fair = [by_kind[kind] for kind in by_kind if KINDS[kind].fair and kind not in meant]
        others = [f"{kind} {_of(*by_kind[kind])}" for kind in by_kind if by_kind[kind][0] and not KINDS[kind].fair and kind not in meant]
        if len(others) > MANY_KINDS:
            others = [f"{sum(by_kind[kind][0] > 0 for kind in by_kind if not KINDS[kind].fair)} kinds"]
        there = _of(*_sum([by_kind[kind] for kind in meant])) if meant else "-"
        cells = [f"`{code}`", severities.get(code, "-"), ", ".join(meant) or "-", there, _of(*_sum(fair)), _of_families(code, families or {})]
        lines.append("| " + " | ".join([*cells, ", ".join(others) or "-"]) + " |")
    return "\n".join(lines) + "\n"


def _sum(counts: list[tuple[int, int]]) -> tuple[int, int]:
    return sum(standing for standing, _ in counts), sum(companies for _, companies in counts)


def _of(standing: int, companies: int) -> str:
    return f"{standing}/{companies}" if companies else "-"


def _of_families(code: str, families: dict[str, Record]) -> str:
    judged = [one for one in families.values() if "diagnostics" in one]
    counts = [(round(one["diagnostics"].get(code, 0.0) * one["companies"]), one["companies"]) for one in judged]
    return _of(*_sum(counts))


def write_table(records: list[Record], folder: Path) -> None:
    """Write diagnostics.md, with the families of calibration.json where that holds their diagnostics."""
    judged = folder / "calibration.json"
    families = json.loads(judged.read_text(encoding="utf-8"))["families"] if judged.exists() else {}
    (folder / "diagnostics.md").write_text(build_table(records, families), encoding="utf-8")
