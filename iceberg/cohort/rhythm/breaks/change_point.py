"""The change point of a rate, in closed form: was a customer's rhythm the same to the end, and if not, since when and how far did it fall?

``y_w ~ Poisson(l e_w)`` before week t and ``Poisson(g_w l e_w)`` from t on; l ~ Gamma(a, b). With l integrated out, for n days in all

    log LR(t, g) = [ sum_w y_w log g_w + (a + n) (log(b + T) - log(b + T1 + sum_w g_w e_w)) ] / phi

where T is all exposure, T1 the exposure before t, and phi the dispersion of weekly days. g is a step to one of `RATIOS` or a fade of `RAMPS`. A
silence that still lasts may also be a pause: the likelihood is that of silence, the prior that of pauses of the length seen so far.

References:
    Gamma-Poisson mixture as in Fader, Hardie, Lee 2005 (BG/NBD, the case g = 0); dispersion as the regularity of Platzer, Reutterer 2016
    (Pareto/GGG).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from iceberg.arrays import BoolArray, FloatArray, SingleArray
from iceberg.cohort.rhythm.assumptions import (
    CHUNK_CUSTOMERS,
    COLLAPSE_RATIO,
    DISPERSION_EDGES,
    LEAST_WEEKS,
    RAMP_STEP_WEEKS,
    RAMPS,
    RATIOS,
    RhythmSettings,
)
from iceberg.cohort.rhythm.breaks.exposure import WeekBlock, expose

_LEAST_WEEKS_AFTER = 2  # a break of the last week alone is never one
_LEAST_EXPOSURE = 0.25
COLLAPSES = RATIOS <= COLLAPSE_RATIO
_TINY = 1e-30
_NEAR = (0.85, 0.95, 1.0, 0.95, 0.85)  # judgement: a week is shown, and two weeks beside it are near enough; of equals the middle one
Kind = TypeVar("Kind", np.float32, np.bool_)


@dataclass(frozen=True, eq=False)
class Profiles:
    """For established customers, what is known about each week in which their rhythm may have broken (first week of the new rate).

    Attributes:
        rows: Places of these customers in the block.
        silent, partial, faded: (n, W) probability of a break in that week: to silence (pauses included), to less, slowly.
        pause: The part of `silent` that is a pause by its prior.
        changes: (n, K) probability of each change, `RATIOS` and then `RAMPS`, the pauses apart.
        fresh: (K,) the same summed over customers, for breaks of `fresh_ages` weeks.
        before, now: Days per usual week before the likeliest break, and since it (at most the last eight weeks).
        weeks_at_risk: Weeks in which a break was possible, of all customers.
    """

    rows: IntRows
    silent: SingleArray
    partial: SingleArray
    faded: SingleArray
    pause: SingleArray
    changes: FloatArray
    fresh: FloatArray
    before: FloatArray
    now: FloatArray
    weeks_at_risk: float
    allowed: BoolArray

    @property
    def broken(self) -> SingleArray:
        """(n, W) probability that the rhythm broke in that week and is low to the end."""
        return self.silent + self.partial + self.faded

    def week(self, quantile: float) -> IntRows:
        """The week of the break, given one."""
        mass = self.broken
        below = np.cumsum(mass, 1) < quantile * np.maximum(mass.sum(1), _TINY)[:, None]
        return np.asarray(np.minimum(below.sum(1), mass.shape[1] - 1), dtype=np.intp)

    def week_range(self) -> tuple[IntRows, IntRows]:
        """First and last week of the 90 % range. A break within a week shows from the next whole one on, so the range begins a week before."""
        return np.maximum(self.week(0.05) - 1, 0), self.week(0.95)

    def likeliest_week(self) -> IntRows:
        """The week of the break, given one: around it lies most of what is known, its own week first."""
        mass = np.pad(self.broken, ((0, 0), (len(_NEAR) // 2,) * 2))
        near = sum(weight * mass[:, place : place + self.broken.shape[1]] for place, weight in enumerate(_NEAR))
        return np.asarray(np.clip(np.argmax(near, axis=1), self.week(0.05), self.week(0.95)), dtype=np.intp)


IntRows = np.ndarray[tuple[int], np.dtype[np.intp]]


def regular_rows(block: WeekBlock, settings: RhythmSettings) -> IntRows:
    """Customers with a rhythm of their own by the end of the block who have not left openly."""
    width = block.days.shape[1]
    after = np.arange(width) > block.first[:, None]
    enough = (block.days * after).sum(1) >= settings.least_days
    return np.flatnonzero(enough & (width - 1 - block.first >= LEAST_WEEKS + _LEAST_WEEKS_AFTER) & (block.left >= width))


def find_breaks(block: WeekBlock, settings: RhythmSettings, index: FloatArray, *, fresh_ages: tuple[int, int] = (2, 9)) -> Profiles:
    """Where the rhythm of each established customer broke, if it did.

    Args:
        block: Customers up to the day in question.
        settings: What the log says of rhythms, pauses and breaks.
        index: Of the weeks of the block.
        fresh_ages: First and last age, in weeks, of the breaks in `Profiles.fresh`.
    """
    rows = regular_rows(block, settings)
    parts = [
        _find_in_chunk(block, rows[low : low + CHUNK_CUSTOMERS], settings, index, fresh_ages) for low in range(0, max(len(rows), 1), CHUNK_CUSTOMERS)
    ]
    if len(parts) == 1:
        return parts[0]
    joined = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("rows", "silent", "partial", "faded", "pause", "changes")}
    joined |= {name: np.concatenate([getattr(part, name) for part in parts]) for name in ("before", "now", "allowed")}
    return Profiles(**joined, fresh=np.sum([part.fresh for part in parts], axis=0), weeks_at_risk=sum(part.weeks_at_risk for part in parts))


@dataclass(frozen=True, eq=False)
class _Sums:
    """Days and exposure up to each week: column t holds the weeks before t."""

    days: SingleArray
    weeks: SingleArray

    @classmethod
    def of(cls, days: SingleArray, weeks: SingleArray) -> _Sums:
        return cls(*(np.concatenate([np.zeros((len(part), 1), np.float32), np.cumsum(part, 1)], 1) for part in (days, weeks)))

    def between(self, first: IntRows, end: IntRows) -> tuple[SingleArray, SingleArray]:
        """Days and exposure from the weeks `first` up to, not including, `end`, both by break week."""
        return self.days[:, end] - self.days[:, first], self.weeks[:, end] - self.weeks[:, first]


def log_ratios(sums: _Sums, settings: RhythmSettings) -> list[SingleArray]:
    """The log likelihood ratio of each change in each week, before the dispersion: `RATIOS`, then `RAMPS`."""
    width = sums.days.shape[1] - 1
    tau = np.arange(1, width)
    end = np.full_like(tau, width)
    days_after, weeks_after = sums.between(tau, end)
    weeks_before = sums.weeks[:, tau]
    weight = (settings.shape + sums.days[:, -1:]).astype(np.float32)
    base = np.log(settings.rate + sums.weeks[:, -1:])
    found = [
        days_after * np.float32(np.log(ratio)) + weight * (base - np.log(settings.rate + weeks_before + np.float32(ratio) * weeks_after))
        for ratio in RATIOS
    ]
    for length, ratio in RAMPS:
        steps = length // RAMP_STEP_WEEKS
        days_term, exposure = np.zeros_like(days_after), weeks_before.copy()
        for step in range(steps + 1):
            level = np.float32(1 - (1 - ratio) * (step + 0.5) / steps if step < steps else ratio)
            low = np.minimum(tau + step * RAMP_STEP_WEEKS, width)
            high = np.minimum(low + RAMP_STEP_WEEKS, width) if step < steps else end
            days, weeks = sums.between(low, high)
            days_term += days * np.log(level)
            exposure += level * weeks
        found.append(days_term + weight * (base - np.log(settings.rate + exposure)))
    return found


def _find_in_chunk(block: WeekBlock, rows: IntRows, settings: RhythmSettings, index: FloatArray, fresh_ages: tuple[int, int]) -> Profiles:
    chunk = block.rows(rows)
    exposed = expose(chunk, settings, index)
    sums = _Sums.of(exposed.days, exposed.weeks)
    width = chunk.days.shape[1]
    tau = np.arange(1, width)
    age = width - tau
    days_after, weeks_after = sums.between(tau, np.full_like(tau, width))
    allowed = (tau - chunk.first[:, None] >= LEAST_WEEKS) & (sums.days[:, tau] >= settings.least_days) & (weeks_after > _LEAST_EXPOSURE)
    rate = sums.days[:, -1] / np.maximum(sums.weeks[:, -1], 1)
    phi = settings.dispersion[np.searchsorted(DISPERSION_EDGES, rate, side="right") - 1][:, None].astype(np.float32)
    ratios = log_ratios(sums, settings)
    prior = np.log(settings.break_hazard) + np.log(settings.mix)
    terms = np.stack([np.where(allowed, one / phi + np.float32(own), -np.inf) for one, own in zip(ratios, prior, strict=True)])
    lasting = np.log(settings.pause_hazard) + np.log(settings.pause_survival[np.minimum(age, len(settings.pause_survival) - 1)])
    still = np.where(allowed & (days_after == 0), ratios[0] / phi + lasting.astype(np.float32), -np.inf)
    top = np.maximum(np.maximum(terms.max((0, 2), initial=0), still.max(1, initial=0)), 0)[:, None]
    weights = np.exp(terms - top)
    pause = np.exp(still - top)
    total = (weights.sum((0, 2)) + pause.sum(1))[:, None] + np.exp(-top)
    # A single last week has its say against older breaks, but is never a break itself: it may be a holiday of a week.
    old = age >= _LEAST_WEEKS_AFTER
    weights = weights * old / total
    pause = pause * old / total
    allowed &= old
    steps, ramps = weights[: len(RATIOS)], weights[len(RATIOS) :]
    partial = steps[1:][COLLAPSES[1:]].sum(0)
    slow = np.zeros_like(partial)
    for (length, ratio), mass in zip(RAMPS, ramps, strict=True):
        slow += mass * (1 - (1 - ratio) * np.minimum(age / length, 1) <= COLLAPSE_RATIO)
    fresh = weights[:, :, (age >= fresh_ages[0]) & (age <= fresh_ages[1])].sum((1, 2), dtype=float)
    silent, less, faded = (_at_week(mass) for mass in (steps[0] + pause, partial, slow))
    before, now = _levels(sums, silent + less + faded)
    changes = weights.sum(2, dtype=float).T
    return Profiles(rows, silent, less, faded, _at_week(pause), changes, fresh, before, now, float(allowed.sum()), _at_week(allowed))


def _at_week(mass: npt.NDArray[Kind]) -> npt.NDArray[Kind]:
    """Columns by week of the block: none can break in week 0."""
    return np.concatenate([np.zeros_like(mass[:, :1]), mass], 1)


def _levels(sums: _Sums, mass: SingleArray) -> tuple[FloatArray, FloatArray]:
    """Days per usual week before the median week of the break, and since then, at most in the last eight weeks."""
    width = mass.shape[1]
    below = np.cumsum(mass, 1) < 0.5 * np.maximum(mass.sum(1), _TINY)[:, None]
    week = np.minimum(below.sum(1), width - 1)
    each = np.arange(len(mass))
    before = sums.days[each, week] / np.maximum(sums.weeks[each, week], 0.5)
    low = np.maximum(week, width - 8)
    now = (sums.days[:, -1] - sums.days[each, low]) / np.maximum(sums.weeks[:, -1] - sums.weeks[each, low], 0.5)
    return before.astype(float), now.astype(float)
