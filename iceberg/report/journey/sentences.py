"""Says at which step of the journey most silent churn happens, what has no step, and through which channels complainants came."""

from __future__ import annotations

from collections.abc import Hashable, Mapping, Sequence
from typing import Any

import pandas as pd

from iceberg.cohort.journey.journey_counts import OTHER_CHANNELS
from iceberg.locale import Translator, visible
from iceberg.model.journey.channels import ChannelEstimate
from iceberg.model.journey.stages import Journey, StageEstimate
from iceberg.model.positives.estimate import Enchantment
from iceberg.model.results import CredibleInterval
from iceberg.report.journey.buoys import Buoy, buoys_of, unknown_moments
from iceberg.report.journey.small_counts import vocal_by_channel, vocal_by_stage
from iceberg.report.small_cells import SMALLEST
from iceberg.report.words import in_hundred, share

SURE = 0.8  # judgement: from this probability on one step is called the largest
_MOSTLY_UNPLACED = 0.5  # judgement: where more than this has no step, no step is called the largest
_HALF = (0.45, 0.55)
_NAMED = 6  # names in a sentence; the others are counted


def stage_name(stage: str, words: Translator, *, own_names: bool) -> str:
    """What a step is called: the analyst's own word, else the usual one of this language."""
    if not stage:
        return words.text("journey.not_placed")
    return visible(stage) if own_names else words.text(f"journey.stage_{stage}")


def journey_headline(journey: Journey, words: Translator) -> str:
    """The one sentence: the step in which most silent churn happens; or why none can be named."""
    if not journey.stages:
        return words.text("journey.no_stage")
    largest, unplaced = journey.largest, journey.unplaced
    if largest is None or largest.share is None:
        return words.text("journey.no_range")
    if unplaced.share is not None and unplaced.share.median > _MOSTLY_UNPLACED:
        return words.text("journey.mostly_unplaced", **_range(unplaced.share, words))
    values = {"stage": stage_name(largest.stage, words, own_names=journey.own_names), **_range(largest.share, words)}
    chance = largest.probability_largest
    if chance is None:
        return words.text("journey.headline_unordered", **values)
    if chance < SURE:
        return words.text("journey.headline_open", **values, probability=in_hundred(chance, words))
    half = "half" if _HALF[0] <= largest.share.median <= _HALF[1] else "sure"
    return words.text(f"journey.headline_{half}", **values, probability=in_hundred(chance, words))


def journey_sentences(journey: Journey, words: Translator, *, whole: bool = True, moments: Enchantment | None = None) -> tuple[str, ...]:
    """What follows the headline: the buoys, what has no step, what is assumed, and what the files do not say.

    Args:
        journey: The figures.
        words: Language.
        whole: Whether counts may be named; viewers read only shares.
        moments: What good moments did.
    """
    found = [_buoys(journey, words, moments, whole=whole), _unplaced(journey, words, whole=whole) if journey.stages else ""]
    if unknown := unknown_moments(journey, moments):
        found.append(words.text("journey.missing_moments", kinds=_listed(unknown, words)))
    if journey.split:
        kind = "log" if journey.from_log else "complaints"
        found.append(words.text(f"journey.split_{kind}", categories=_listed(journey.split, words)))
    if journey.missing:
        found.append(words.text("journey.missing", categories=_listed(journey.missing, words)))
    if journey.outside:
        texts = [f"{visible(text)} ({_number(cases, words)})" if whole else visible(text) for text, cases in journey.outside]
        found.append(words.text("journey.outside", texts=_listed(texts, words)))
    return tuple(one for one in found if one)


def _buoys(journey: Journey, words: Translator, moments: Enchantment | None, *, whole: bool) -> str:
    """What each buoy says; "" without one."""
    said = [
        words.text("journey.buoy", name=one.name, stage=stage_name(one.stage, words, own_names=journey.own_names), says=one.says(words))
        for one in buoys_of(journey, moments, words, whole=whole)
    ]
    return words.text("journey.buoys", buoys="; ".join(said)) if said else ""


def channel_sentences(journey: Journey, words: Translator, *, channel_is_place: bool) -> tuple[str, ...]:
    """What the channels say and what they do not; empty without channels."""
    if not journey.channels:
        return ()
    logged = any(one.silent_churn is not None for one in journey.channels)
    kind = "place" if channel_is_place else "logged" if logged else "heard"
    return (words.text(f"journey.channels_{kind}"),)


def _unplaced(journey: Journey, words: Translator, *, whole: bool) -> str:
    """What has no step, with its share, its complainants and its categories."""
    one, number = journey.unplaced, vocal_by_stage(journey)[-1]
    if not one.vocal_customers and not journey.without_stage:
        return ""
    said = words.text("journey.unplaced_share", **_range(one.share, words)) if one.share is not None else words.text("journey.unplaced")
    if whole and one.vocal_customers:
        fewer = words.text("journey.fewer", smallest=SMALLEST)
        said += " " + words.text("journey.unplaced_heard", number=fewer if number is None else words.integer(number))
    if journey.without_stage:
        said += " " + words.text("journey.unplaced_categories", categories=_listed(journey.without_stage, words))
    return said


def _range(interval: CredibleInterval, words: Translator) -> dict[str, str]:
    return {"low": share(interval.lower, words), "share": share(interval.median, words), "high": share(interval.upper, words)}


def _number(number: int, words: Translator) -> str:
    return words.text("journey.fewer", smallest=SMALLEST) if 0 < number < SMALLEST else words.integer(number)


def _listed(names: Sequence[str], words: Translator) -> str:
    if len(names) <= _NAMED + 1:  # one more is named rather than counted
        return ", ".join(visible(name) for name in names)
    return words.text("journey.more", names=", ".join(visible(name) for name in names[:_NAMED]), count=len(names) - _NAMED)


def journey_table(journey: Journey, words: Translator, *, whole: bool = True, moments: Enchantment | None = None) -> pd.DataFrame:
    """One row per step in their order, then what has no step.

    Columns: stage, placed (whether it is a step), vocal (None where not shown), lower, median, upper (silent churn), share_lower, share_median,
    share_upper, probability, categories; buoy (``certain``, ``open`` or ""), buoy_text (customers who stayed, where that is certain) and buoy_says.
    Empty where no range can be given or no complaint has a step.
    """
    columns = ["stage", "placed", "vocal", "lower", "median", "upper", "share_lower", "share_median", "share_upper", "probability", "categories"]
    columns += ["buoy", "buoy_text", "buoy_says"]
    steps = [*journey.stages, *([journey.unplaced] if journey.unplaced.vocal_customers or journey.without_stage else [])]
    if not journey.stages or any(one.silent_churn is None for one in steps):
        return pd.DataFrame(columns=columns)
    vocal = vocal_by_stage(journey)
    buoys = buoys_of(journey, moments, words, whole=whole)
    rows = []
    for place, one in enumerate(steps):
        own = [buoy for buoy in buoys if one.stage and buoy.stage == one.stage]
        rows.append(_row(one, vocal[place] if whole else None, journey, words) | _buoy_row(own, words))
    return pd.DataFrame(rows, columns=columns)


def _buoy_row(buoys: Sequence[Buoy], words: Translator) -> dict[str, object]:
    """The buoys of one step as one mark; it has a number where there is one kind, and that is certain."""
    saved = buoys[0].effect.saved if len(buoys) == 1 and buoys[0].certain else None
    return {
        "buoy": "" if not buoys else "certain" if any(one.certain for one in buoys) else "open",
        "buoy_text": "?" if saved is None else words.integer(saved.median).replace("-", "\N{MINUS SIGN}"),
        "buoy_says": "; ".join(words.text("journey.buoy_short", name=one.name, says=one.says(words)) for one in buoys) or "–",
    }


def _row(one: StageEstimate, vocal: int | None, journey: Journey, words: Translator) -> dict[str, object]:
    lost, part = one.silent_churn, one.share
    nothing = CredibleInterval(0.0, 0.0, 0.0)
    lost, part = lost or nothing, part or nothing
    return {
        "stage": stage_name(one.stage, words, own_names=journey.own_names),
        "placed": bool(one.stage),
        "vocal": vocal,
        "lower": lost.lower,
        "median": lost.median,
        "upper": lost.upper,
        "share_lower": part.lower,
        "share_median": part.median,
        "share_upper": part.upper,
        "probability": one.probability_largest,
        "categories": ", ".join(map(visible, one.categories or (journey.without_stage if not one.stage else ()))),
    }


def step_texts(row: Mapping[Hashable, Any], words: Translator) -> tuple[str, ...]:
    """A row of `journey_table` as it is written: step, complainants, silent churn, its share, probability of the largest."""
    numbers = {name: float(str(row[name])) for name in ("lower", "median", "upper", "share_lower", "share_median", "share_upper")}
    vocal, chance = row["vocal"], row["probability"]
    known = vocal is not None and str(vocal) not in {"nan", "<NA>"}
    sure = chance is not None and str(chance) != "nan"
    ends = (("low", "lower"), ("middle", "median"), ("high", "upper"))
    lost = {name: words.integer(numbers[end]) for name, end in ends}
    part = {name: share(numbers[f"share_{end}"], words) for name, end in ends}
    return (
        str(row["stage"]),
        words.integer(float(str(vocal))) if known else "–",
        words.text("journey.span", **lost),
        words.text("journey.span", **part),
        share(float(str(chance)), words) if sure else "–",
    )


def channel_table(journey: Journey, words: Translator) -> pd.DataFrame:
    """One row per channel: its name, and as texts vocal, excess (share who left because of it) and silent (churn, only where it is the place)."""
    numbers = vocal_by_channel(journey)
    rows = [_channel_row(one, number, words) for one, number in zip(journey.channels, numbers, strict=True)]
    return pd.DataFrame(rows, columns=["channel", "vocal", "excess", "silent"])


def _channel_row(one: ChannelEstimate, number: int | None, words: Translator) -> dict[str, str]:
    name = words.text("journey.other_channels") if one.channel == OTHER_CHANNELS else visible(one.channel) or words.text("journey.no_channel")
    excess = words.text("journey.too_few") if one.excess is None else _span_of_shares(one.excess, words)
    silent = "" if one.silent_churn is None else words.text("journey.span", **_numbers(one.silent_churn, words))
    counted = words.text("journey.fewer", smallest=SMALLEST) if number is None else words.integer(number)
    return {"channel": name, "vocal": counted, "excess": excess, "silent": silent}


def _span_of_shares(interval: CredibleInterval, words: Translator) -> str:
    """A share that may be below nothing by chance is written as nothing."""
    low, middle, high = (share(max(value, 0.0), words) for value in (interval.lower, interval.median, interval.upper))
    return words.text("journey.span", low=low, middle=middle, high=high)


def _numbers(interval: CredibleInterval, words: Translator) -> dict[str, str]:
    return {"low": words.integer(interval.lower), "middle": words.integer(interval.median), "high": words.integer(interval.upper)}
