"""Builds the key ``positives`` of the JSON document."""

from __future__ import annotations

from typing import Any

from iceberg.cohort.positives.positive_counts import OTHER_KINDS
from iceberg.model.positives.estimate import Enchantment, MomentEffect
from iceberg.model.results import CredibleInterval
from iceberg.report.positives.sentences import SHOWN
from iceberg.report.small_cells import SMALLEST

_DECIMALS = 6  # as in the whole document


def positives_document(found: Enchantment, *, whole: bool = True) -> dict[str, Any]:
    """What good moments did, as plain values; counts of one to four customers are null, and so is what cannot be said.

    Args:
        found: The figures.
        whole: Whether kinds and bands are written; a document for viewers has only those of all moments.
    """
    counts = found.positives
    return {
        "engagement_seen": counts.sees_engagement,
        "rows": {
            "read": counts.rows,
            "later": _hidden(counts.later),
            "after_departure": _hidden(counts.after),
            "outside": _hidden(counts.outside),
            "unmatched": _hidden(counts.unmatched),
        },
        "all": _effect(found.whole),
        "kinds": [{"kind": _name(found, one), "known_as": counts.codes[one.kind] or None, **_effect(one)} for one in found.kinds] if whole else [],
        "bands": _bands(found) if whole else [],
    }


def _name(found: Enchantment, one: MomentEffect) -> str | None:
    name = found.positives.kinds[one.kind]
    return None if name in {"", OTHER_KINDS} else name


def _effect(one: MomentEffect) -> dict[str, Any]:
    shown = one.reading in SHOWN
    return {
        "reading": one.reading,
        "customers": _hidden(one.customers),
        "leavers": _hidden(one.leavers) if shown else None,
        "expected": round(one.expected, _DECIMALS) if shown else None,
        "saved": _interval(one.saved) if shown else None,
        "log_effect": _interval(one.effect) if shown else None,
        "placebo": {
            "visits_long_before": _interval(one.long_before) if one.reading != "few" else None,
            "visits_just_before": _interval(one.just_before) if one.reading != "few" else None,
            "after_fading": _interval(one.faded),
        },
    }


def _bands(found: Enchantment) -> list[dict[str, Any]]:
    """By days with a visit in the three months before; bands whose customers or leavers are few have no counts. Empty without a log."""
    counts = found.positives
    if not counts.sees_engagement or found.whole.reading not in SHOWN:
        return []
    rows = []
    for place, edge in enumerate(counts.band_edges_visits):
        own = [one for one in counts.bands if one.band == place]
        customers, leavers = sum(one.customers for one in own), sum(one.leavers for one in own)
        safe = customers >= SMALLEST and not 0 < leavers < SMALLEST
        expected = round(sum(one.expected for one in own), _DECIMALS)
        numbers = {"customers": customers, "leavers": leavers, "expected": expected}
        rows.append({"visits_from": edge, **{name: number if safe else None for name, number in numbers.items()}})
    return rows if sum(row["customers"] is None for row in rows) != 1 else []


def _hidden(number: int) -> int | None:
    return None if 0 < number < SMALLEST else number


def _interval(interval: CredibleInterval | None) -> dict[str, float] | None:
    if interval is None:
        return None
    return {name: round(getattr(interval, name), _DECIMALS) for name in ("lower", "median", "upper")}
