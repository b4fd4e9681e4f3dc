"""Finds days from which more or fewer complaints are recorded, as after a change of the ticket tool.

The rule. For each category, log(complainants / what tenure and exposure let expect) by month; months that stand out from their neighbours weigh
little, so that an incident is no step. How the categories differ from each other says how much each wanders on its own (`CategoryRates.own`). What
they have in common is then fitted, by generalised least squares over months and categories, as a step at every half month, beside a level of each
category, growth, a yearly wave (both with a prior), a walk that all categories share and calendar months that return every year (so that with two
years the same month of the other year speaks against a season of any shape). The step that gains most likelihood is taken where

- the signed root of twice that gain, `z`, is beyond what the largest of all half months reaches by chance in one company of a hundred
  (`FALSE_ALARM`), as the information of this company's own months makes it (`Series.limit`),
- its factor is at least `LEAST_FACTOR`, up or down: smaller ones move the answer by less than its range,
- without any one category (of three or more) z stays above `LEAST_Z_WITHOUT_ONE`, and at least `AGREEING` of the categories move its way.

Then the next is looked for beside it, up to `MOST_STEPS`. A single category that steps beside the others is reported by the same rule with a stricter
limit (`FALSE_ALARM_OF_ONE`, of all categories together), where its factor is at least `LEAST_FACTOR_OF_ONE` and it does not step back. A step never
shows why: problems may really have become more frequent. It is therefore asked about, and both readings are held until it is answered
(`iceberg.model.departures.readings`).

Probabilities and factors are judgement (grade D); how often the rule is right and wrong is in docs/explanation/how-often-it-is-right.md.

References:
    Harvey, Koopman (1992), J. Business & Economic Statistics 10: level shifts beside a walk.
    Andrews (1993), Econometrica 61: a step at an unknown day.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from functools import lru_cache

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.recording.series import CategoryRates, Series, read_rates

FALSE_ALARM, FALSE_ALARM_OF_ONE = 0.01, 1e-4
LEAST_FACTOR = 1.25
LEAST_Z_WITHOUT_ONE = 2.0
AGREEING = 0.6
LEAST_FACTOR_OF_ONE = 2.0
RETURNS = 0.05  # probability by chance, from which a step back is believed
LEAST_MONTHS = 10
MOST_STEPS = 3
EDGE_MONTHS = 2  # on either side, without which nothing can be compared
NORMAL_90 = 1.645
NEAR_DAYS = 92  # a change that the user dates a season away is another one
CHOSEN = 1.3  # judgement: widens the range of a factor, because its day was chosen on the same counts


@dataclass(frozen=True)
class RecordingStep:
    """A day from which `factor` times as many complaints are recorded as before.

    Attributes:
        day: First day, to about half a month.
        factor: After over before; under 1 where fewer are recorded.
        lower, upper: Of 90 %.
        z: Log factor over its standard deviation.
        category: "" where all categories step.
    """

    day: date
    factor: float
    lower: float
    upper: float
    z: float
    category: str = ""


@lru_cache(4)
def find_recording_steps(counts: CohortCounts) -> tuple[RecordingStep, ...]:
    """The steps of `counts` by the rule of this module, in the order of their days; none without a calendar.

    The answers for the last few counts are kept, because a slider asks again.
    """
    if not counts.has_calendar:
        return ()
    rates = read_rates(counts)
    if len(rates.month) < LEAST_MONTHS or not len(rates.groups):
        return ()
    places: list[float] = []
    while len(rates.groups) > 1 and len(places) < MOST_STEPS:
        more = _search(rates.common(), places, FALSE_ALARM, LEAST_FACTOR)
        if more is None or not _is_common(rates, places, more):
            break
        places.append(more)
    steps = [_report(counts, rates.common(), place, [other for other in places if other != place], "") for place in places]
    steps = [one for one in steps if max(one.factor, 1 / one.factor) >= LEAST_FACTOR]
    for group in range(len(rates.groups)):
        one_of_all = len(counts.categories) == 1 or len(rates.groups[group]) == len(counts.categories)
        if rates.name(group) or one_of_all:
            own = _search(rates.one(group), places, FALSE_ALARM_OF_ONE / len(rates.groups), LEAST_FACTOR_OF_ONE)
            if own is not None and not _returns(rates.one(group), own, places):
                steps.append(_report(counts, rates.one(group), own, places, "" if one_of_all else rates.name(group)))
    return tuple(sorted(steps, key=lambda one: (one.day, one.category)))


def unanswered_steps(counts: CohortCounts) -> tuple[RecordingStep, ...]:
    """The steps that the user has not spoken of: neither said that nothing changed, nor named a change near them."""
    named = counts.recording_changes
    if named == ():
        return ()
    near = timedelta(days=NEAR_DAYS)
    return tuple(
        step
        for step in find_recording_steps(counts)
        if not any(abs(step.day - change.day) <= near and change.category in ("", step.category) for change in named or ())
    )


def _search(series: Series, before: list[float], probability: float, least_factor: float) -> float | None:
    """The place of the clearest step beside those at `before`; None where none is clear."""
    candidates = [place for place in _candidates(series) if all(abs(place - one) >= EDGE_MONTHS for one in before)]
    if not candidates:
        return None
    steps = series.fit(np.array(candidates), np.array(before))
    best = int(np.argmax(steps.gain))
    if abs(steps.size[best]) < np.log(least_factor):
        return None
    limit = series.limit(np.array(candidates), np.array(before), probability=probability)
    return float(candidates[best]) if abs(steps.z[best]) >= limit else None


def _returns(series: Series, place: float, beside: list[float]) -> bool:
    """Whether what steps at `place` steps back: then it is an incident, however long."""
    taken = [*beside, place]
    candidates = np.array([other for other in _candidates(series) if all(abs(other - one) >= 1 for one in taken)])
    if not len(candidates):
        return False
    steps = series.fit(candidates, np.array(taken))
    best = int(np.argmax(steps.gain))
    size = float(series.fit(np.array([place]), np.array([*beside, candidates[best]])).size[0])
    limit = series.limit(candidates, np.array(taken), probability=RETURNS)
    return abs(float(steps.z[best])) >= limit and abs(size + float(steps.size[best])) < abs(size) / 2


def _candidates(series: Series) -> FloatArray:
    first, last = series.month[EDGE_MONTHS], series.month[-EDGE_MONTHS]
    return np.arange(first, last + 0.25, 0.5)


def _is_common(rates: CategoryRates, before: list[float], place: float) -> bool:
    """Whether the step at `place` is one of all categories: none of them carries it, and most of them move with it."""
    here, taken = np.array([place]), np.array(before)
    size = float(rates.common().fit(here, taken).size[0])
    alone = [rates.one(group).fit(here, taken).size[0] for group in range(len(rates.groups))]
    if np.mean([own * np.sign(size) > abs(size) / 4 for own in alone]) < AGREEING:
        return False
    if len(alone) < 3:
        return True
    return all(float(rates.common(without=group).fit(here, taken).z[0]) * np.sign(size) >= LEAST_Z_WITHOUT_ONE for group in range(len(alone)))


def _report(counts: CohortCounts, series: Series, place: float, beside: list[float], category: str) -> RecordingStep:
    fitted = series.fit(np.array([place]), np.array(beside))
    size, sd = float(fitted.size[0]), float(fitted.sd[0])
    low, middle, high = np.exp(size + NORMAL_90 * CHOSEN * sd * np.array([-1, 0, 1]))
    return RecordingStep(day_of(counts, place), float(middle), float(low), float(high), size / sd, category)


def day_of(counts: CohortCounts, place: float) -> date:
    """The day so many months after the beginning of the window's first month."""
    month = counts.months[int(place)]
    following = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
    return month + timedelta(days=round((place % 1) * (following - month).days))
