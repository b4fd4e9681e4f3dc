"""Breaks of rhythm as JSON for other programs; `docs/how-to/rhythm.md` lists the keys."""

from __future__ import annotations

from typing import Any

from iceberg.cohort.rhythm.counts import CountRange, RhythmCounts
from iceberg.locale import Translator
from iceberg.model.decision.ripple import RippleScenario
from iceberg.report.rhythm.sentences import remark_sentence, safe_breaks, weekly

DIGITS = 6


def rhythm_document(
    counts: RhythmCounts, words: Translator, *, rows: dict[str, dict[str, int]], scenario: RippleScenario | None = None
) -> dict[str, Any]:
    """The whole document: counts only, nothing of a single customer.

    Args:
        counts: The rhythms.
        words: Language of the sentences of the remarks.
        rows: Totals per table, as the estimate's document names them.
        scenario: What one who leaves would take along, where it was asked for.
    """
    return {
        "schema_version": 1,
        "first_day": counts.first_day.isoformat(),
        "as_of": counts.as_of.isoformat(),
        "interval_mass": 0.9,
        "rows": rows,
        "rhythm": rhythm_numbers(counts),
        "ripple": None if scenario is None else _scenario(scenario),
        "diagnostics": [
            {"code": one.code, "message": remark_sentence(one, words), "values": {name: _plain(value) for name, value in one.values.items()}}
            for one in counts.remarks
        ],
    }


def rhythm_numbers(counts: RhythmCounts, *, smallest: int = 0) -> dict[str, Any]:
    """What the key ``rhythm`` holds.

    Args:
        counts: The rhythms.
        smallest: Above 0 for readers who may not see counts of fewer people: groups are left out then, since they could be subtracted.
    """
    found = _numbers(counts) | _lists(counts)
    if not smallest:
        return found
    people = ("customers", "established", "slow", "left", "collapsing", "broken_within_a_year")
    hidden: dict[str, Any] = {name: None for name in people if 0 < found[name] < smallest}
    hidden |= dict.fromkeys(("kinds", "settled", "settled_within_a_year"))
    hidden |= {"segments": [], "categories": []}
    unknown: dict[str, Any] = dict.fromkeys(("at_risk", "breaks", "by_chance"))
    hidden["periods"] = [
        row | (unknown if safe_breaks(one, smallest) is None else {}) for one, row in zip(counts.periods, found["periods"], strict=True)
    ]
    return found | hidden


def _scenario(one: RippleScenario) -> dict[str, Any]:
    spans = {"hazard_ratio": _span(one.hazard_ratio), "extra": _span(one.extra)}
    return {"brought": one.brought, "hazard_90_days": _round(one.hazard), **spans}


def _numbers(counts: RhythmCounts) -> dict[str, Any]:
    return {
        "customers": counts.customers,
        "established": counts.established,
        "slow": counts.slow,
        "left": counts.left,
        "since": counts.since.isoformat(),
        "collapsing": counts.collapsing,
        "usual": _span(counts.usual),
        "stands_out": counts.stands_out,
        "expected_by_chance": _round(counts.expected_by_chance),
        "settled": counts.settled,
        "unlikely_to_return": _round(counts.unlikely_to_return),
        "kinds": dict(counts.kinds),
        "broken_within_a_year": counts.broken,
        "settled_within_a_year": counts.broken_settled,
        "threshold": counts.threshold,
        "settled_from": counts.settled_from,
        "budget": counts.budget,
        "false_alarms_per_1000_months": _round(counts.false_alarms),
        "visible_until": counts.visible_until.isoformat(),
    }


def _lists(counts: RhythmCounts) -> dict[str, Any]:
    return {
        "categories": [
            {
                "category": one.category,
                "source": one.source,
                "struck": one.struck,
                "observed": _round(one.observed),
                "expected": _round(one.expected),
                "ratio": _span(one.ratio),
                "placebo": _span(one.placebo),
                "verdict": one.verdict,
            }
            for one in counts.categories
        ],
        "segments": [
            {
                "segment": one.segment,
                "established": one.established,
                "collapsing": one.collapsing,
                "settled": one.settled,
                "expected": _round(one.expected),
            }
            for one in counts.segments
        ],
        "periods": [
            {
                "first_day": one.first_day.isoformat(),
                "activity": _round(one.activity),
                "at_risk": _round(one.at_risk),
                "breaks": _round(one.breaks),
                "by_chance": _round(one.by_chance),
            }
            for one in counts.periods
        ],
        "backtest": [{"said": _round(one.said), "lasted": _round(one.lasted), "n": one.n} for one in counts.backtest],
        "weeks": [{"first_day": day.isoformat(), "activity": _round(level)} for day, level in weekly(counts)],
        "trace": [{"week": one.week, "people": one.people, "level": _round(one.level)} for one in counts.trace],
        "pauses": [{"weeks": weeks, "share": _round(share)} for weeks, share in counts.pause_weeks],
    }


def _span(one: CountRange | None) -> dict[str, float] | None:
    return None if one is None else {name: round(float(getattr(one, name)), DIGITS) for name in ("lower", "median", "upper")}


def _round(value: float | None) -> float | None:
    return None if value is None else round(float(value), DIGITS)


def _plain(value: object) -> object:
    return value if isinstance(value, int | float | str) else str(value)
