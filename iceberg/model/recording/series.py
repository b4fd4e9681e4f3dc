"""Monthly log complaint rates of the categories beside what tenure and exposure let expect, and the regression that looks for a step in them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product

import numpy as np

from iceberg.arrays import FloatArray, IntArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.recording.names import days_of_months, find_renamed

LEAST_PER_MONTH = 4.0  # judgement: rarer categories are added up, because the logarithm of a small count is no normal variable
# Judgement: log factor, and standard deviations of chance, from which a month or two are an incident: while steps are looked for, and when they are
# measured, where a low limit would take away a part of the step.
INCIDENT, LARGE_INCIDENT = (0.4, 1.5), (0.8, 2.5)
# Judgement: standard deviations on the log scale that are tried. Of a category's own months: what lasts, how much of it from month to month, and
# what does not last. Of what all categories have in common: a walk, and calendar months that return every year.
_OWN = tuple(product((0.05, 0.12, 0.25, 0.5), (0.5, 0.8, 0.95), (0.0, 0.1, 0.25)))
_USUAL_OWN = (0.25, 0.8, 0.1)  # where there is one category only
_COMMON = tuple(product((0.0, 0.03, 0.06, 0.12), (0.0, 0.1, 0.25), (0.1, 0.5)))  # and of its growth in a year
SEASON_SD = 0.2  # judgement: amplitude of a yearly wave that all categories share
STANDARDISED = 20  # rounds, enough for three digits
RARE_GROWTH = 5.0  # judgement: log odds against rates that grow or shrink by half in a year
COMMON_MEAN = 0.015  # judgement: walk and calendar months are exponential with this mean beforehand: what all categories have in common is rare


def expected_complaints(counts: CohortCounts, groups: Sequence[IntArray]) -> tuple[IntArray, FloatArray, FloatArray]:
    """Months that say something (positions), and (G, those) complainants of each group of categories and what their exposure by tenure lets expect.

    Without customers the exposure of a month is its days, and without links to them complaints are counted in place of complainants.
    """
    used = np.flatnonzero(~counts.months_without("complaints"))
    at_risk = counts.person_days.sum(axis=0).astype(np.float64)
    if counts.has_linked_complaints:
        by_band = counts.complainants.sum(axis=1).astype(np.float64)
    else:
        by_band = counts.complaints.astype(np.float64)[..., None]
        at_risk = at_risk.sum(axis=1, keepdims=True)
    if not at_risk.any():
        at_risk = days_of_months(counts.window)[:, None]
    size = (len(groups), *by_band.shape[1:])
    by_band = np.array([by_band[group].sum(axis=0) for group in groups]).reshape(size)[:, used]
    at_risk = at_risk[used]
    seen = by_band.sum(axis=2)
    # By month and by tenure in turn, months first: where all customers grow older together, what happens in a month is no effect of their tenure.
    level = seen / np.maximum(at_risk.sum(axis=1), 1e-9)
    for _ in range(STANDARDISED):
        rate = by_band.sum(axis=1) / np.maximum(level @ at_risk, 1e-9)
        expected = rate @ at_risk.T
        level = seen / np.maximum(expected, 1e-9)
    scale = seen.sum(axis=1) / np.maximum(expected.sum(axis=1), 1e-12)
    return used, seen, expected * scale[:, None]


@dataclass(frozen=True, eq=False)
class Series:
    """Log rates of one or several categories.

    Attributes:
        month: (n,) position of each value on the month axis of the counts.
        calendar: (n,) calendar month, 0 to 11.
        value: (n,) log of observed over expected.
        covariance: (n, n) of `value` by chance of the counts, and by what each category does on its own.
    """

    month: FloatArray
    calendar: FloatArray
    value: FloatArray
    covariance: FloatArray

    @cached_property
    def _noise(self) -> list[tuple[FloatArray, float]]:
        """For each size of what is common: the inverse root of the covariance, and its log determinant less twice the log prior."""
        since, angle = self.month - self.month[0], 2 * np.pi * self.calendar / 12
        apart = np.minimum.outer(since, since)
        same = np.equal.outer(self.calendar, self.calendar)
        wave, growing = SEASON_SD**2 * np.cos(np.subtract.outer(angle, angle)), np.outer(since, since) / 144
        roots = []
        for walk, yearly, growth in _COMMON:
            lower = np.linalg.cholesky(self.covariance + wave + growth**2 * growing + walk**2 * apart + yearly**2 * same)
            penalty = 2 * float(np.log(np.diagonal(lower)).sum()) + 2 * (walk + yearly) / COMMON_MEAN + 2 * RARE_GROWTH * (growth > _COMMON[0][2])
            roots.append((np.linalg.inv(lower), penalty))
        return roots

    def fit(self, places: FloatArray, before: FloatArray) -> Steps:
        """Fit one more step at each of `places`, beside level, growth, season and the steps at `before`."""
        flat = np.column_stack([np.ones_like(self.month), *(step_shape(self.month, place) for place in before)])
        candidates = np.stack([step_shape(self.month, place) for place in places], axis=1)
        without, gained, sizes, variances = [], [], [], []
        for root, penalty in self._noise:
            basis, _ = np.linalg.qr(root @ flat)
            steps, value = root @ candidates, root @ self.value
            steps, value = steps - basis @ (basis.T @ steps), value - basis @ (basis.T @ value)
            power = np.maximum((steps**2).sum(axis=0), 1e-12)
            without.append(-0.5 * (penalty + float(value @ value)))
            sizes.append(steps.T @ value / power)
            variances.append(1 / power)
            gained.append(without[-1] + 0.5 * sizes[-1] ** 2 * power)
        likelihood, each = np.array(gained), np.array(sizes)
        best = likelihood.max(axis=0)
        weight = np.exp(likelihood - best)
        weight /= weight.sum(axis=0)
        size = (weight * each).sum(axis=0)
        sd = np.sqrt((weight * (np.array(variances) + (each - size) ** 2)).sum(axis=0))
        return Steps(size, sd, 2 * (best - max(without)))


@dataclass(frozen=True, eq=False)
class Steps:
    """Log size and standard deviation of a step at each candidate place, over all kinds of noise; and twice the log likelihood that it gains."""

    size: FloatArray
    sd: FloatArray
    gain: FloatArray

    @property
    def z(self) -> FloatArray:
        """Signed root of the gain: what a size over its standard deviation would be if the noise were known."""
        return np.asarray(np.sign(self.size) * np.sqrt(np.maximum(self.gain, 0.0)), dtype=np.float64)


def step_shape(month: FloatArray, place: float) -> FloatArray:
    """Share of each month after `place`, in months from the beginning of the window: 0 before it, 1 after it."""
    return np.asarray(np.clip(month + 1 - place, 0.0, 1.0), dtype=np.float64)


@dataclass(frozen=True, eq=False)
class CategoryRates:
    """Log rates of the categories by month; rare ones, and those that take each other's place, are added up.

    Attributes:
        month, calendar: As in `Series`.
        groups: Positions of the categories in each group.
        names: Of the categories.
        value, variance: (G, n) log of observed over expected, and its variance by chance of the counts.
    """

    month: FloatArray
    calendar: FloatArray
    groups: tuple[IntArray, ...]
    names: tuple[str, ...]
    value: FloatArray
    variance: FloatArray

    @cached_property
    def _likelihood(self) -> FloatArray:
        """(kinds of `_OWN`, G) log likelihood of how each group differs from the mean of all: a common step is not in it."""
        away = self.value - self.value.mean(axis=0)
        away -= away.mean(axis=1, keepdims=True)
        share = 1 - 1 / len(self.groups)
        found = np.empty((len(_OWN), len(self.groups)))
        for place, kind in enumerate(_OWN):
            lasting = _lasting(self.month, *kind)
            lower = np.linalg.cholesky(share * (lasting + self.variance[:, None] * np.eye(len(self.month))))
            rest = np.linalg.solve(lower, away[..., None])[..., 0]
            found[place] = -np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1) - 0.5 * (rest**2).sum(axis=1)
        return found

    def own(self, *, without: int = -1) -> FloatArray:
        """(n, n) covariance of what a category does on its own, as all of them, or all but one, show it."""
        if len(self.groups) < 2:
            return _lasting(self.month, *_USUAL_OWN)
        shown = self._likelihood.sum(axis=1) - (self._likelihood[:, without] if without >= 0 else 0.0)
        return _lasting(self.month, *_OWN[int(np.argmax(shown))])

    def name(self, group: int) -> str:
        """The category of a group; "" where it holds several."""
        return self.names[self.groups[group][0]] if len(self.groups[group]) == 1 else ""

    def common(self, *, without: int = -1) -> Series:
        """The mean of the groups, each weighing by what it can say."""
        own = self.own()
        weight = 1 / (self.variance.mean(axis=1) + own[0, 0])
        if without >= 0:
            weight[without] = 0.0
        weight /= weight.sum()
        covariance = np.diag(weight**2 @ self.variance) + (weight**2).sum() * own
        return Series(self.month, self.calendar, weight @ self.value, covariance)

    def of(self, category: str) -> Series | None:
        """Of one category, or of all with ""; None where it is too rare to stand alone."""
        if not category:
            return self.common()
        alone = [place for place in range(len(self.groups)) if self.name(place) == category]
        return self.one(alone[0]) if alone else None

    def one(self, group: int) -> Series:
        """One group alone."""
        return Series(self.month, self.calendar, self.value[group], np.diag(self.variance[group]) + self.own(without=group))


def _lasting(month: FloatArray, sd: float, from_month_to_month: float, alone: float) -> FloatArray:
    apart = np.abs(np.subtract.outer(month, month))
    return np.asarray(sd**2 * from_month_to_month**apart + alone**2 * np.eye(len(month)), dtype=np.float64)


def read_rates(counts: CohortCounts, *, incident: tuple[float, float] = INCIDENT) -> CategoryRates:
    """The rates of `counts` without their incidents; without groups where there are too few complaints for any."""
    used, observed, due = expected_complaints(counts, groups := _groups(counts))
    variance = 1 / (due + 0.5)
    value = np.log((observed + 0.5) / np.maximum(due, 0.5))  # nearly without bias where some are expected
    value = np.array([_without_incidents(*rows, incident) for rows in zip(value, variance, strict=True)]).reshape(value.shape)
    calendar = np.array([counts.months[place].month - 1 for place in used], dtype=np.float64)
    return CategoryRates(used.astype(np.float64), calendar, tuple(groups), counts.categories, value, variance)


def _groups(counts: CohortCounts) -> list[IntArray]:
    """Positions of the categories by group: names that take each other's place, single categories, and the rare ones together."""
    monthly = (counts.complainants.sum(axis=(1, 2, 3)) if counts.has_linked_complaints else counts.complaints.sum(axis=1)) / len(counts.months)
    places = {name: place for place, name in enumerate(counts.categories)}
    groups = [np.array([places[name] for name in (one.name, *one.names)]) for one in find_renamed(counts)]
    single = np.setdiff1d(np.arange(len(monthly)), np.concatenate([np.zeros(0, dtype=np.int64), *groups]))
    groups += [np.array([place]) for place in single if monthly[place] >= LEAST_PER_MONTH]
    rare = single[monthly[single] < LEAST_PER_MONTH]
    return [*groups, rare] if monthly[rare].sum() >= LEAST_PER_MONTH else groups


def _without_incidents(value: FloatArray, variance: FloatArray, incident: tuple[float, float]) -> FloatArray:
    """Months that stand out from the median of the five around them (of the last five at an end) by more than chance are set to it; a step stays."""
    if len(value) < 5:
        return value
    around = np.lib.stride_tricks.sliding_window_view(value, 5)
    middle = np.pad(np.median(around, axis=1), 2, mode="edge")
    limit = np.maximum(incident[0], incident[1] * np.sqrt(variance))
    return np.asarray(np.where(np.abs(value - middle) > limit, middle, value))
