"""Two readings of a step in the complaint rates: what is recorded changed, or problems did. Until the user says which, the answer holds both.

The departures are asked twice, from the same random streams, and every other draw is taken from each reading (`mix_readings`): totals, ranks, money,
months and segments are then those of the mixture, and its range is as wide as the doubt. What is no draw of the estimate (chance, a second opinion,
what is still to come) is given as wide as the two readings together. Nothing of this costs anything where no step is open.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.findings.findings import RecordingChange
from iceberg.model.departures.second_opinion import compare_opinions
from iceberg.model.recording.steps import unanswered_steps
from iceberg.model.results import CredibleInterval, Diagnostic, LevelDraws, PlaceboInterval, PredictiveCheck

CHANGED_SHARE = 0.5  # judgement, grade D: until the user says which, a step of the records and one of the problems are believed alike
# Of remarks that exclude each other, the graver one first: it stands where either reading asks for it.
_GRAVER_FIRST = ("total_not_above_noise", "total_low_end_in_noise")
_OF_OPINIONS = ("second_opinion_differs", "second_opinion_differs_category")


@dataclass(frozen=True, eq=False)
class BothFits:
    """`LevelDraws.fit_state` of both readings."""

    as_recorded: object | None = None
    changed: object | None = None


def other_reading(counts: CohortCounts) -> CohortCounts | None:
    """The counts with every open step taken for a change of what is recorded; None where no step is open."""
    steps = unanswered_steps(counts)
    changes = tuple(RecordingChange(step.day, step.category) for step in steps)
    return replace(counts, recording_changes=(*(counts.recording_changes or ()), *changes)) if changes else None


def mix_readings(as_recorded: LevelDraws, changed: LevelDraws, counts: CohortCounts, vocal: FloatArray) -> LevelDraws:
    """Draws of both readings in turn.

    Args:
        as_recorded: Steps are steps of the problems, in the order of `counts`.
        changed: They are changes of what is recorded.
        counts: As estimated; negative controls do not count in the total.
        vocal: (C,) vocal customers as `as_recorded` counts them: the ratios of both readings are per one of them.
    """
    own = ~np.isin(counts.categories, counts.negative_controls)
    by_category = changed.silent_churn.sum(axis=(2, 3), dtype=np.float64)
    per_vocal = np.where(vocal > 0, by_category / np.maximum(vocal, 1e-9), changed.ratio)
    churn = _in_turn(as_recorded.silent_churn, changed.silent_churn)
    opinions = _each(as_recorded.second_opinion, changed.second_opinion)
    remarks = [one for one in _united(as_recorded.diagnostics, changed.diagnostics) if one.code not in _OF_OPINIONS]
    totals = [CredibleInterval.of(one.silent_churn[:, own].sum(axis=(1, 2, 3), dtype=np.float64)) for one in (as_recorded, changed)]
    return replace(
        as_recorded,
        silent_churn=churn,
        natural=_in_turn(as_recorded.natural, changed.natural),
        ratio=_in_turn(as_recorded.ratio, per_vocal),
        excess=_in_turn(as_recorded.excess, changed.excess),
        ratio_prior=_in_turn(as_recorded.ratio_prior, changed.ratio_prior),
        placebo=_each(as_recorded.placebo, changed.placebo),
        placebo_draws=None if as_recorded.placebo_draws is None else _in_turn(as_recorded.placebo_draws, changed.placebo_draws),
        explained=_between(as_recorded.explained, changed.explained),
        pipeline=_each(as_recorded.pipeline, changed.pipeline),
        second_opinion=opinions,
        common_cause=_each(as_recorded.common_cause, changed.common_cause),
        checks=_nearer(as_recorded.checks, changed.checks),
        diagnostics=(*remarks, *compare_opinions(counts.categories, churn, opinions, own), _both(*totals)),
        fit_state=BothFits(as_recorded.fit_state, changed.fit_state),
    )


def _both(as_recorded: CredibleInterval, changed: CredibleInterval) -> Diagnostic:
    """The total under each reading, which no longer shows in the mixture."""
    values: dict[str, object] = {"lower": as_recorded.lower, "upper": as_recorded.upper}
    values |= {"changed_lower": changed.lower, "changed_upper": changed.upper, "share": CHANGED_SHARE}
    return Diagnostic("recording_readings", "caution", values)


def _in_turn(one: npt.NDArray[Any], other: npt.NDArray[Any] | None) -> npt.NDArray[Any]:
    """The draws of `one`, every second of them replaced by that of `other`: `CHANGED_SHARE` of them."""
    mixed = one.copy()
    if other is not None:
        mixed[1::2] = other[1::2]
    return mixed


def _between(one: FloatArray | None, other: FloatArray | None) -> FloatArray | None:
    """What both explain, on average; what only one reading has, as it is."""
    return (one if other is None else other) if one is None or other is None else (one + other) / 2


def _each(one: Iterable[Any] | None, other: Iterable[Any] | None) -> tuple[Any, ...] | None:
    """`_together` item by item; what only one reading has, as it is."""
    if one is None or other is None:
        return None if one is other else tuple(one or other or ())
    return tuple(_together(*pair) for pair in zip(one, other, strict=True))


def _together(one: Any, other: Any) -> Any:  # noqa: ANN401  # an interval, several by horizon, or none
    """An interval that holds both; its middle and its chance to be exceeded are those in between."""
    if one is None or other is None:
        return one or other
    if isinstance(one, dict):
        return {horizon: _together(interval, other[horizon]) for horizon, interval in one.items()}
    wide = replace(one, lower=min(one.lower, other.lower), median=(one.median + other.median) / 2, upper=max(one.upper, other.upper))
    return replace(wide, exceeded=(one.exceeded + other.exceeded) / 2) if isinstance(wide, PlaceboInterval) else wide


def _nearer(one: tuple[PredictiveCheck, ...], other: tuple[PredictiveCheck, ...]) -> tuple[PredictiveCheck, ...]:
    """Of each pattern the reading that reproduces it better: what neither reproduces is what the model does not."""
    if len(one) != len(other):
        return one
    return tuple(min(pair, key=lambda check: check.discrepancy) for pair in zip(one, other, strict=True))


def _united(one: tuple[Diagnostic, ...], other: tuple[Diagnostic, ...]) -> list[Diagnostic]:
    """The remarks of either reading, each once."""
    known = {(item.code, item.category) for item in one}
    both = [*one, *(item for item in other if (item.code, item.category) not in known)]
    gravest = next((code for code in _GRAVER_FIRST if any(item.code == code for item in both)), None)
    return [item for item in both if item.code == gravest or item.code not in _GRAVER_FIRST]
