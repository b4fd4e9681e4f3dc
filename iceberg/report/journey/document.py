"""Builds the key ``journey`` of the JSON document."""

from __future__ import annotations

from typing import Any

from iceberg.cohort.journey.journey_counts import OTHER_CHANNELS
from iceberg.model.journey.stages import Journey, StageEstimate
from iceberg.model.results import CredibleInterval
from iceberg.report.journey.small_counts import vocal_by_channel, vocal_by_stage
from iceberg.report.small_cells import SMALLEST

_DECIMALS = 6  # as in the whole document


def journey_document(journey: Journey, *, channel_is_place: bool, whole: bool = True) -> dict[str, Any]:
    """Silent churn by step and complainants by channel, as plain values; counts of one to four customers are null.

    Args:
        journey: The figures.
        channel_is_place: Whether the analyst says that a channel is where the problem happened.
        whole: Whether complainants are counted by step and channel; a document for viewers leaves them out, since versions could be subtracted.
    """
    vocal = vocal_by_stage(journey) if whole else [None] * (len(journey.stages) + 1)
    return {
        "own_stages": journey.own_names,
        "stages": [_stage(one, number) for one, number in zip(journey.stages, vocal, strict=False)],
        "not_placed": {name: value for name, value in _stage(journey.unplaced, vocal[-1]).items() if name not in {"stage", "probability_largest"}}
        | {"categories": list(journey.without_stage)},
        "split_categories": list(journey.split),
        "from_incident_log": journey.from_log,
        "unknown_categories": list(journey.missing),
        "unknown_stages": [{"text": text, "cases": cases if cases >= SMALLEST else None} for text, cases in journey.outside] if whole else [],
        "moments": [{"kind": kind, "stage": stage} for kind, stage in journey.moments],
        "channel_is_place": channel_is_place,
        "channels": [
            {
                "channel": None if one.channel in {"", OTHER_CHANNELS} else one.channel,
                "pooled": one.channel == OTHER_CHANNELS,
                "vocal_customers": number,
                "left_because": _interval(one.excess),
                "silent_churn": _interval(one.silent_churn),
            }
            for one, number in zip(journey.channels, vocal_by_channel(journey), strict=True)
        ]
        if whole
        else [],
    }


def _stage(one: StageEstimate, vocal: int | None) -> dict[str, Any]:
    return {
        "stage": one.stage,
        "vocal_customers": vocal,
        "silent_churn": _interval(one.silent_churn),
        "silent_share": _interval(one.share),
        "probability_largest": None if one.probability_largest is None else round(one.probability_largest, _DECIMALS),
        "categories": list(one.categories),
    }


def _interval(interval: CredibleInterval | None) -> dict[str, float] | None:
    if interval is None:
        return None
    return {"lower": round(interval.lower, _DECIMALS), "median": round(interval.median, _DECIMALS), "upper": round(interval.upper, _DECIMALS)}
