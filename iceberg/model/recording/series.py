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
# Judgement: log factor, and standard deviations of chance, from which a month that stands out from its neighbours is an incident, and the variance
# that its logarithm then gains: it says next to nothing about the months around it.
INCIDENT, INCIDENT_VARIANCE = (0.6, 2.5), 1.0
# Judgement: standard deviations on the log scale that are tried. Of a category's own months: what lasts, how much of it from month to month, and
# what does not last. Of what all categories have in common: a walk, and calendar months that return every year.
_OWN = tuple(product((0.05, 0.12, 0.25, 0.5), (0.5, 0.8, 0.95), (0.0, 0.1, 0.25)))
_USUAL_OWN = (0.25, 0.8, 0.1)  # where there is one category only
_COMMON = tuple(product((0.0, 0.03, 0.06, 0.12), (0.0, 0.1, 0.25), (0.1, 0.5)))  # and of its growth in a year
SEASON_SD = 0.3  # judgement: amplitude of a yearly wave that all categories share
STANDARDISED, WEIGHED = 20, 20  # rounds, enough for three digits
SMALL = 1e-9
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
    """What one or several categories say about a signal that they share, the level of each being its own.

    Attributes:
        month: (n,) position of each value on the month axis of the counts.
        calendar: (n,) calendar month, 0 to 11.
        precision: (n, n) information about the signal, given the chance of the counts and what each category does on its own.
        score: (n,) `precision` times what is observed.
    """

    month: FloatArray
    calendar: FloatArray
    precision: FloatArray
    score: FloatArray

    @cached_property
    def _common(self) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
        """For each size of what is common: precision and score of a step beside it, log likelihood without one, log prior."""
        since, angle = self.month - self.month[0], 2 * np.pi * self.calendar / 12
        same = np.equal.outer(self.calendar, self.calendar)
        walk, yearly, growth = (np.array(sizes)[:, None, None] for sizes in zip(*_COMMON, strict=True))
        covariance = SEASON_SD**2 * np.cos(np.subtract.outer(angle, angle)) + growth**2 * np.outer(since, since) / 144
        covariance = covariance + walk**2 * np.minimum.outer(since, since) + yearly**2 * same
        root = np.linalg.cholesky(covariance + SMALL * np.eye(len(since)))
        lower = np.linalg.cholesky(np.eye(len(since)) + root.transpose(0, 2, 1) @ self.precision @ root)
        half = np.linalg.solve(lower, root.transpose(0, 2, 1))
        of_score, of_precision = half @ self.score, half @ self.precision
        precision = self.precision - of_precision.transpose(0, 2, 1) @ of_precision
        score = self.score - np.einsum("kij,ki->kj", of_precision, of_score)
        prior = (walk + yearly).ravel() / COMMON_MEAN + RARE_GROWTH * (growth.ravel() > _COMMON[0][2])
        likelihood = 0.5 * (of_score**2).sum(axis=1) - np.log(np.diagonal(lower, axis1=1, axis2=2)).sum(axis=1) - prior
        return precision, score, likelihood, prior

    def season_log_odds(self) -> float:
        """Log Bayes factor of a yearly wave, whatever growth and walk are common besides: their sizes are summed out."""
        since, angle = self.month - self.month[0], 2 * np.pi * self.calendar / 12
        wave, likelihood = SEASON_SD**2 * np.cos(np.subtract.outer(angle, angle)), []
        for season in (0.0, 1.0):
            each = []
            for walk, _, growth in _COMMON:
                covariance = season * wave + growth**2 * np.outer(since, since) / 144 + walk**2 * np.minimum.outer(since, since)
                root = np.linalg.cholesky(covariance + SMALL * np.eye(len(since)))
                lower = np.linalg.cholesky(np.eye(len(since)) + root.T @ self.precision @ root)
                half = np.linalg.solve(lower, root.T @ self.score)
                rare = RARE_GROWTH * (growth > _COMMON[0][2])
                each.append(0.5 * half @ half - np.log(np.diagonal(lower)).sum() - walk / COMMON_MEAN - rare)
            likelihood.append(np.logaddexp.reduce(each))
        return float(likelihood[1] - likelihood[0])

    def _beside(self, before: FloatArray) -> tuple[FloatArray, FloatArray, FloatArray]:
        """`_common` beside steps at `before`, whose sizes are free."""
        precision, score, likelihood, _ = self._common
        if not len(before):
            return precision, score, likelihood
        taken = np.stack([step_shape(self.month, place) for place in before], axis=1)
        seen = precision @ taken
        solved = np.linalg.solve(taken.T @ seen, np.concatenate([seen.transpose(0, 2, 1), (score @ taken)[..., None]], axis=2))
        likelihood = likelihood + 0.5 * ((score @ taken) * solved[..., -1]).sum(axis=1)
        return precision - seen @ solved[..., :-1], score - (seen @ solved[..., -1:])[..., 0], likelihood

    def fit(self, places: FloatArray, before: FloatArray) -> Steps:
        """Fit one more step at each of `places`, beside level, growth, season and the steps at `before`."""
        precision, score, without = self._beside(before)
        candidates = np.stack([step_shape(self.month, place) for place in places], axis=1)
        power = np.maximum(np.einsum("ip,kij,jp->kp", candidates, precision, candidates), SMALL)
        each = score @ candidates / power
        likelihood = without[:, None] + 0.5 * each**2 * power
        best = likelihood.max(axis=0)
        weight = np.exp(likelihood - best)
        weight /= weight.sum(axis=0)
        size = (weight * each).sum(axis=0)
        sd = np.sqrt((weight * (1 / power + (each - size) ** 2)).sum(axis=0))
        return Steps(size, sd, 2 * (best - without.max()))

    def limit(self, places: FloatArray, before: FloatArray, *, probability: float) -> float:
        """What the largest |z| of all `places` exceeds with at most this probability where there is no step.

        Without one z is normal at each place, and as correlated between neighbours as steps at them look alike. The bound counts how often such a
        path crosses a level upwards (Davies 1987, Biometrika 74); nothing is simulated.
        """
        precision, _, without = self._beside(before)
        candidates = np.stack([step_shape(self.month, place) for place in places], axis=1)
        covariance = candidates.T @ precision[int(np.argmax(without))] @ candidates
        sd = np.sqrt(np.maximum(np.diagonal(covariance), SMALL))
        alike = np.diagonal(covariance, offset=1) / (sd[1:] * sd[:-1])
        crossings = float(np.arccos(np.clip(alike, -1.0, 1.0)).sum()) / np.pi

        from scipy.optimize import brentq  # a page that shows results need not wait for either
        from scipy.special import ndtr

        def beyond(level: float) -> float:
            return float(2 * ndtr(-level) + crossings * np.exp(-(level**2) / 2))

        return float(brentq(lambda level: beyond(level) - probability, 0.0, 20.0)) if beyond(0.0) > probability else 0.0


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
        value, variance: (G, n) log of observed over expected, and its variance by chance of the counts and by incidents.
        added_up: (G,) how many categories of their own a group adds up.
    """

    month: FloatArray
    calendar: FloatArray
    groups: tuple[IntArray, ...]
    names: tuple[str, ...]
    value: FloatArray
    variance: FloatArray
    added_up: FloatArray

    @cached_property
    def _kinds(self) -> FloatArray:
        """(kinds of `_OWN`, n, n) covariances."""
        return np.array([_lasting(self.month, *kind) for kind in _OWN])

    @cached_property
    def _weights(self) -> FloatArray:
        """(G, kinds of `_OWN`) how each group wanders, from how it differs from the mean of all: a common step is not in it.

        Kinds are weighed by what the group shows and by how often the others show them.
        """
        away = self.value - self.value.mean(axis=0)
        away -= away.mean(axis=1, keepdims=True)
        share = 1 - 1 / len(self.groups)
        chance = self.variance[:, None] * np.eye(len(self.month))
        lower = np.linalg.cholesky(share * (self._kinds[:, None] + chance))
        rest = np.linalg.solve(lower, np.broadcast_to(away[..., None], (*lower.shape[:3], 1)))[..., 0]
        shown = (-np.log(np.diagonal(lower, axis1=2, axis2=3)).sum(axis=2) - 0.5 * (rest**2).sum(axis=2)).T
        likelihood = np.exp(shown - shown.max(axis=1, keepdims=True))
        usual = np.full(len(_OWN), 1 / len(_OWN))
        for _ in range(WEIGHED):
            weights = likelihood * usual
            weights /= weights.sum(axis=1, keepdims=True)
            usual = (weights.sum(axis=0) + 1 / len(_OWN)) / (len(weights) + 1)
        return np.asarray(weights, dtype=np.float64)

    def own(self, group: int, *, alone: bool = False) -> FloatArray:
        """(n, n) covariance of what a group does on its own; `alone` as the others show it, so that a step of its own is not in it.

        Of several rare categories added up, it is that of their mean.
        """
        if len(self.groups) < 2:
            covariance = _lasting(self.month, *_USUAL_OWN)
        elif alone:
            usual = (np.delete(self._weights, group, axis=0).sum(axis=0) + 1 / len(_OWN)) / len(self.groups)
            covariance = np.einsum("k,kij->ij", usual, self._kinds)
        else:
            covariance = np.einsum("k,kij->ij", self._weights[group], self._kinds)
        return np.asarray(covariance / self.added_up[group], dtype=np.float64)

    def name(self, group: int) -> str:
        """The category of a group; "" where it holds several."""
        return self.names[self.groups[group][0]] if len(self.groups[group]) == 1 else ""

    @cached_property
    def _parts(self) -> tuple[FloatArray, FloatArray]:
        """(G, n, n) precision and (G, n) score of each group, beside the others."""
        parts = [self._part(group, self.own(group)) for group in range(len(self.groups))]
        return np.array([one[0] for one in parts]), np.array([one[1] for one in parts])

    def _part(self, group: int, own: FloatArray) -> tuple[FloatArray, FloatArray]:
        precision: FloatArray = np.asarray(np.linalg.inv(own + np.diag(self.variance[group])), dtype=np.float64)
        level = precision.sum(axis=0)
        precision = precision - np.outer(level, level) / level.sum()
        return precision, np.asarray(precision @ self.value[group], dtype=np.float64)

    def common(self, *, without: int = -1) -> Series:
        """What all groups, or all but one, have in common."""
        precision, score = self._parts
        kept = np.arange(len(self.groups)) != without
        return Series(self.month, self.calendar, precision[kept].sum(axis=0), score[kept].sum(axis=0))

    def of(self, category: str) -> Series | None:
        """Of one category, or of all with ""; None where it is too rare to stand alone."""
        if not category:
            return self.common()
        alone = [place for place in range(len(self.groups)) if self.name(place) == category]
        return self.one(alone[0]) if alone else None

    def one(self, group: int) -> Series:
        """One group alone."""
        return Series(self.month, self.calendar, *self._part(group, self.own(group, alone=True)))


def _lasting(month: FloatArray, sd: float, from_month_to_month: float, alone: float) -> FloatArray:
    apart = np.abs(np.subtract.outer(month, month))
    return np.asarray(sd**2 * from_month_to_month**apart + alone**2 * np.eye(len(month)), dtype=np.float64)


def read_rates(counts: CohortCounts) -> CategoryRates:
    """The rates of `counts`; without groups where there are too few complaints for any."""
    groups, renamed = _groups(counts)
    used, observed, due = expected_complaints(counts, groups)
    variance = 1 / (due + 0.5)
    value = np.log((observed + 0.5) / np.maximum(due, 0.5))  # nearly without bias where some are expected
    variance = np.array([_with_incidents(*rows) for rows in zip(value, variance, strict=True)]).reshape(value.shape)
    calendar = np.array([counts.months[place].month - 1 for place in used], dtype=np.float64)
    added_up = np.array([1.0 if place < renamed else float(len(group)) for place, group in enumerate(groups)])
    return CategoryRates(used.astype(np.float64), calendar, tuple(groups), counts.categories, value, variance, added_up)


def _groups(counts: CohortCounts) -> tuple[list[IntArray], int]:
    """Positions of the categories by group, names that take each other's place first, the rare ones together last; and how many the first are."""
    monthly = (counts.complainants.sum(axis=(1, 2, 3)) if counts.has_linked_complaints else counts.complaints.sum(axis=1)) / len(counts.months)
    places = {name: place for place, name in enumerate(counts.categories)}
    groups = [np.array([places[name] for name in (one.name, *one.names)]) for one in find_renamed(counts)]
    renamed = len(groups)
    single = np.setdiff1d(np.arange(len(monthly)), np.concatenate([np.zeros(0, dtype=np.int64), *groups]))
    groups += [np.array([place]) for place in single if monthly[place] >= LEAST_PER_MONTH]
    rare = single[monthly[single] < LEAST_PER_MONTH]
    return ([*groups, rare] if monthly[rare].sum() >= LEAST_PER_MONTH else groups), renamed


def _with_incidents(value: FloatArray, variance: FloatArray) -> FloatArray:
    """`variance`, with more in months that stand out from the median of the five around them (of the last five at an end); a step does not."""
    if len(value) < 5:
        return variance
    around = np.lib.stride_tricks.sliding_window_view(value, 5)
    middle = np.pad(np.median(around, axis=1), 2, mode="edge")
    limit = np.maximum(INCIDENT[0], INCIDENT[1] * np.sqrt(variance))
    return np.asarray(variance + INCIDENT_VARIANCE * (np.abs(value - middle) > limit), dtype=np.float64)
