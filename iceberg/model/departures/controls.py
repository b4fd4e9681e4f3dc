"""Sets negative controls apart: categories that cannot cause departures, as the user says.

They are fitted with the others, so that a common cause that moves their complaints and the departures is ascribed to them. In the answer they get no
silent churn; what was found for them goes to natural departures and is shown as bias. Above chance, it says that a common cause is likely.

References:
    Lipsitch, Tchetgen Tchetgen, Cohen 2010, Epidemiology 21: negative controls detect confounding.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TypeVar

import numpy as np

from iceberg.cohort.counts import CohortCounts
from iceberg.model.results import CredibleInterval, Diagnostic, LevelDraws, NegativeControl

Item = TypeVar("Item")


def set_controls_apart(answer: LevelDraws, counts: CohortCounts, *, tested: bool) -> LevelDraws:
    """The answer without silent churn of the negative controls of `counts`, with what was found for them.

    Args:
        answer: In the order of `counts`; its totals of placebo, pipeline and common cause are already those of the other categories.
        counts: As estimated.
        tested: Whether the departures decide: below level 3 nothing is found for any category, only assumed.
    """
    places = [counts.categories.index(name) for name in counts.negative_controls]
    if not places:
        return answer
    found = answer.silent_churn[:, places].sum(axis=(2, 3), dtype=np.float64)
    vocal = counts.vocal_customers[places]
    controls = []
    for column, place in enumerate(places):
        interval = CredibleInterval.of(found[:, column]) if tested else None
        placebo = answer.placebo[place] if tested and answer.placebo else None
        controls.append(NegativeControl(counts.categories[place], int(vocal[column]), interval, placebo))
    churn, ratio = answer.silent_churn.copy(), answer.ratio.copy()
    natural = answer.natural + churn[:, places].sum(axis=1)
    churn[:, places], ratio[:, places] = 0, 0.0
    own = set(counts.negative_controls)
    remarks = tuple(one for one in answer.diagnostics if one.category not in own)
    likely = [one for one in controls if one.above_chance]
    for one in likely:
        assert one.found is not None and one.placebo is not None  # noqa: S101  # both are there where it is above chance
        values: dict[str, object] = {"control": one.category, "found": round(one.found.median), "placebo": round(one.placebo.upper)}
        remarks = (*remarks, Diagnostic("common_cause_likely", "warning", values))
    return replace(
        answer,
        silent_churn=churn,
        natural=natural,
        ratio=ratio,
        diagnostics=remarks,
        placebo=_without(answer.placebo, places),
        pipeline=_without(answer.pipeline, places),
        second_opinion=_without(answer.second_opinion, places),
        common_cause=_without(answer.common_cause, places),
        controls=tuple(controls),
    )


def _without(each: tuple[Item | None, ...] | None, places: list[int]) -> tuple[Item | None, ...] | None:
    return None if each is None else tuple(None if place in places else item for place, item in enumerate(each))
