"""Builds the key ``declared`` of the JSON document."""

from __future__ import annotations

from typing import Any

from iceberg.model.results import CredibleInterval
from iceberg.model.scores.estimate import Declared, LastWords
from iceberg.model.scores.rates import HORIZON_DAYS
from iceberg.report.scores.groups import OTHERS, groups_by_complaint, groups_by_segment, is_safe
from iceberg.report.small_cells import SMALLEST

_DECIMALS = 6  # as in the whole document


def declared_document(declared: Declared, *, whole: bool = True) -> dict[str, Any]:
    """What customers declared, as plain values; counts of one to four customers are null or stand in a larger group.

    Args:
        declared: The figures.
        whole: Whether groups are written; a document for viewers has only those of all leavers.
    """
    scores, share, given = declared.scores, declared.share, declared.departure_scores
    safe = is_safe(declared.everybody)
    return {
        "scale": scores.scale,
        "lookback_days": scores.look_back_days,
        "rows": {
            "answers": scores.answers,
            "unanswered": scores.unanswered,
            "not_asked": scores.unasked,
            "blank": scores.blank,
            "after_departure": _hidden(scores.after),
            "outside": scores.outside,
        },
        "response_rate": _rounded(declared.response_rate),
        "heard_time": _rounded(declared.heard_time),
        "at_departure": {
            "days": given.days,
            "leavers": _hidden(given.leavers),
            "expected": _rounded(given.expected),
            "found": given.found,
        },
        "leavers": _group(declared.everybody) if safe else None,
        "by_complaint": [_named(one) for one in groups_by_complaint(declared)] if whole else [],
        "by_segment": [_named(one) for one in groups_by_segment(declared)] if whole else [],
        "satisfied_share": {
            "answered": _interval(share.answered) if share is not None and safe else None,
            "bounds": {"lowest": _rounded(share.lowest), "highest": _rounded(share.highest)} if share is not None and safe else None,
            "silent_resemble": _interval(share.resembling) if share is not None and safe else None,
            "reason": share.reason if share is not None else "",
        },
        "horizon_days": HORIZON_DAYS,
        "curve": [
            {
                "low": point.low * _step(declared),
                "high": point.high * _step(declared) + (_step(declared) - 1 if point.high < scores.levels[-1] else 0),
                "person_days": point.days,
                "leavers": point.leavers,
                "expected": _rounded(point.expected),
                "left": _interval(point.left),
            }
            for point in declared.curve
        ],
        "auc": _interval(declared.auc),
    }


def _step(declared: Declared) -> int:
    """Units of the scale in a level."""
    return 10 if declared.scores.scale == "percent" else 1


def _named(group: LastWords) -> dict[str, Any]:
    """A group with its name: null for those who had not complained, or for the small groups taken together, which `pooled` tells."""
    return {"name": None if group.name in {"", OTHERS} else group.name, "pooled": group.name == OTHERS, **_group(group)}


def _group(group: LastWords) -> dict[str, int | None]:
    parts: dict[str, int | None] = dict(zip(("dissatisfied", "neutral", "satisfied", "not_heard"), group.parts, strict=True))
    between = group.wide - group.satisfied  # the neutral who are satisfied by the wider reading
    wide = None if None in (_hidden(between), _hidden(group.neutral - between)) else group.wide
    unanswered = None if None in (_hidden(group.unanswered), _hidden(group.unheard - group.unanswered)) else group.unanswered
    return {"leavers": group.leavers, **parts, "satisfied_wide": wide, "unanswered": unanswered}


def _hidden(number: int) -> int | None:
    return None if 0 < number < SMALLEST else number


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(float(value), _DECIMALS)


def _interval(interval: CredibleInterval | None) -> dict[str, float] | None:
    if interval is None:
        return None
    return {"lower": round(interval.lower, _DECIMALS), "median": round(interval.median, _DECIMALS), "upper": round(interval.upper, _DECIMALS)}
