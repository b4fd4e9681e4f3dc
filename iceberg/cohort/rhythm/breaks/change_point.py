"""The change point of a rate, in closed form: was a customer's rhythm the same to the end, and if not, since when and how far did it fall?

``y_w ~ Poisson(l e_w)`` before week t and ``Poisson(g_w l e_w)`` from t on; l ~ Gamma(a, b). With l integrated out, for n days in all

    log LR(t, g) = [ sum_w y_w log g_w + (a + n) (log(b + T) - log(b + T1 + sum_w g_w e_w)) ] / phi

where T is all exposure, T1 the exposure before t, and phi the dispersion of weekly days. g is a step to one of `RATIOS` or a fade of `RAMPS`. A
silence that still lasts may also be a pause: the likelihood is that of silence, the prior that of pauses of the length seen so far.

Inside, arrays run by week, then by customer: sums over weeks are sums of long rows, and what is known of a customer is added to a whole row.
All changes share memory that is used again from one chunk of customers to the next.

References:
    Gamma-Poisson mixture as in Fader, Hardie, Lee 2005 (BG/NBD, the case g = 0); dispersion as the regularity of Platzer, Reutterer 2016
    (Pareto/GGG).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np

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
_STEPS = len(RATIOS)
_CHANGES = _STEPS + len(RAMPS)
_TINY = 1e-30
_NEAR = (0.85, 0.95, 1.0, 0.95, 0.85)  # judgement: a week is shown, and two weeks beside it are near enough; of equals the middle one
IntRows = np.ndarray[tuple[int], np.dtype[np.intp]]


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
        allowed: (n, W) whether a break was possible in that week.
    """

    rows: IntRows
    silent: SingleArray
    partial: SingleArray
    faded: SingleArray
    pause: SingleArray
    changes: SingleArray
    fresh: FloatArray
    before: FloatArray
    now: FloatArray
    weeks_at_risk: float
    allowed: BoolArray

    @cached_property
    def broken(self) -> SingleArray:
        """(n, W) probability that the rhythm broke in that week and is low to the end."""
        return self.silent + self.partial + self.faded

    @cached_property
    def probability(self) -> SingleArray:
        """(n,) probability that the rhythm is broken."""
        return np.asarray(self.broken.sum(1))

    def week(self, quantile: float, rows: IntRows | None = None) -> IntRows:
        """The week of the break, given one; of some places in the profiles, or of all."""
        mass = self.broken if rows is None else self.broken[rows]
        below = np.cumsum(mass, 1) < quantile * np.maximum(mass.sum(1), _TINY)[:, None]
        return np.asarray(np.minimum(below.sum(1), mass.shape[1] - 1), dtype=np.intp)

    def week_range(self, rows: IntRows | None = None) -> tuple[IntRows, IntRows]:
        """First and last week of the 90 % range. A break within a week shows from the next whole one on, so the range begins a week before."""
        return np.maximum(self.week(0.05, rows) - 1, 0), self.week(0.95, rows)

    def likeliest_week(self, rows: IntRows | None = None) -> IntRows:
        """The week of the break, given one: around it lies most of what is known, its own week first."""
        own = self.broken if rows is None else self.broken[rows]
        mass = np.pad(own, ((0, 0), (len(_NEAR) // 2,) * 2))
        near = sum(weight * mass[:, place : place + own.shape[1]] for place, weight in enumerate(_NEAR))
        return np.asarray(np.clip(np.argmax(near, axis=1), self.week(0.05, rows), self.week(0.95, rows)), dtype=np.intp)


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
    rows, width = regular_rows(block, settings), block.days.shape[1]
    silent, partial, faded, pause = (np.empty((width, len(rows)), np.float32) for _ in range(4))
    changes, allowed = np.empty((_CHANGES, len(rows)), np.float32), np.empty((width, len(rows)), bool)
    before, now = np.empty(len(rows)), np.empty(len(rows))
    fresh, room = np.zeros(_CHANGES), np.empty((_CHANGES + 1) * (width - 1) * min(CHUNK_CUSTOMERS, len(rows)), np.float32)
    for low in range(0, len(rows), CHUNK_CUSTOMERS):
        part = slice(low, low + CHUNK_CUSTOMERS)
        chunk = block.rows(rows[part])
        exposed = expose(chunk, settings, index)
        sums = _Sums.of(exposed.days, exposed.weeks)
        allowed[0, part], allowed[1:, part] = False, _allowed(sums, chunk, settings)
        weighed = _Weighed.of(sums, settings, allowed[1:, part], room)
        fresh += weighed.fresh(fresh_ages)
        changes[:, part] = weighed.changes()
        for target, mass in zip((silent, partial, faded, pause), weighed.kinds(), strict=True):
            target[0, part], target[1:, part] = 0, mass
        allowed[width - _LEAST_WEEKS_AFTER + 1 :, part] = False
        before[part], now[part] = _levels(sums, silent[:, part] + partial[:, part] + faded[:, part])
    at_risk = float(np.count_nonzero(allowed))
    return Profiles(rows, silent.T, partial.T, faded.T, pause.T, changes.T, fresh, before, now, at_risk, allowed.T)


@dataclass(frozen=True, eq=False)
class _Sums:
    """(W + 1, n) days and exposure up to each week: row t holds the weeks before t."""

    days: SingleArray
    weeks: SingleArray

    @classmethod
    def of(cls, days: SingleArray, weeks: SingleArray) -> _Sums:
        """From (n, W) days and exposure."""
        sums = [np.zeros((days.shape[1] + 1, len(days)), np.float32) for _ in range(2)]
        for own, total in zip((days, weeks), sums, strict=True):
            np.cumsum(own.T, axis=0, out=total[1:])
        return cls(*sums)


def _allowed(sums: _Sums, chunk: WeekBlock, settings: RhythmSettings) -> BoolArray:
    """(W - 1, n) whether a rhythm can be seen to break in each week from the second on."""
    tau = np.arange(1, len(sums.days) - 1)[:, None]
    seen = (sums.days[1:-1] >= settings.least_days) & (sums.weeks[-1] - sums.weeks[1:-1] > _LEAST_EXPOSURE)
    return np.asarray(seen & (chunk.first <= tau - LEAST_WEEKS))


def log_ratios(sums: _Sums, settings: RhythmSettings, dispersion: SingleArray, allowed: BoolArray, *, out: SingleArray) -> None:
    """The log likelihood ratio of each change, `RATIOS` and then `RAMPS`, from the second week on.

    Args:
        sums: Of n customers and W weeks.
        settings: For the prior of the rate.
        dispersion: (n,) by which the ratio of each customer is divided.
        allowed: (W - 1, n) where it is asked for; elsewhere it is minus infinity.
        out: (K, W - 1, n), filled.
    """
    days_after, weeks_after = ((total[-1] - total[1:-1]) for total in (sums.days, sums.weeks))
    days_after /= dispersion
    weight = ((settings.shape + sums.days[-1]) / dispersion).astype(np.float32)
    base = np.log(settings.rate + sums.weeks[-1])
    before = sums.weeks[1:-1] + np.float32(settings.rate)
    np.copyto(before, np.inf, where=~allowed)
    days_term, term = np.empty_like(days_after), np.empty_like(days_after)
    for exposure, ratio in zip(out, RATIOS.astype(np.float32), strict=False):
        np.multiply(weeks_after, ratio, out=exposure)
        np.add(exposure, before, out=exposure)
        np.multiply(days_after, np.log(ratio), out=days_term)
        _add_terms(exposure, base, weight, days_term)
    days_next, weeks_next = (_next_weeks(total) for total in (sums.days, sums.weeks))
    days_next /= dispersion
    for exposure, (length, ratio) in zip(out[_STEPS:], RAMPS, strict=True):
        steps = length // RAMP_STEP_WEEKS
        days_term[:] = 0
        exposure[:] = before
        for step in range(steps + 1):
            level = np.float32(1 - (1 - ratio) * (step + 0.5) / steps if step < steps else ratio)
            later = slice(step * RAMP_STEP_WEEKS, None)
            days, weeks = (days_next, weeks_next) if step < steps else (days_after, weeks_after)
            rows = len(days[later])
            np.multiply(days[later], np.log(level), out=term[:rows])
            days_term[:rows] += term[:rows]
            np.multiply(weeks[later], level, out=term[:rows])
            exposure[:rows] += term[:rows]
        _add_terms(exposure, base, weight, days_term)


def _add_terms(exposure: SingleArray, base: SingleArray, weight: SingleArray, days_term: SingleArray) -> None:
    """Turn the exposure under a change into its log likelihood ratio, in place."""
    np.log(exposure, out=exposure)
    np.subtract(base, exposure, out=exposure)
    exposure *= weight
    exposure += days_term


def _next_weeks(total: SingleArray) -> SingleArray:
    """(W - 1, n) what lies in the weeks of one step of a fade, from each week on."""
    following = np.empty_like(total[1:-1])
    whole = max(len(total) - 1 - RAMP_STEP_WEEKS, 0)
    np.subtract(total[1 + RAMP_STEP_WEEKS :], total[1 : 1 + whole], out=following[:whole])
    np.subtract(total[-1], total[1 + whole : -1], out=following[whole:])
    return following


@dataclass(frozen=True, eq=False)
class _Weighed:
    """(K, W - 1, n) and (W - 1, n) how likely each change, and a pause, is in each week, and (n,) what makes all of it add up to 1."""

    weights: SingleArray
    pause: SingleArray
    scale: SingleArray

    @classmethod
    def of(cls, sums: _Sums, settings: RhythmSettings, allowed: BoolArray, room: SingleArray) -> _Weighed:
        """Prior times likelihood; `room` is memory that is used again."""
        weeks, customers = allowed.shape
        parts = room[: (_CHANGES + 1) * allowed.size].reshape(_CHANGES + 1, weeks, customers)
        weights, pause = parts[:-1], parts[-1]
        rate = sums.days[-1] / np.maximum(sums.weeks[-1], 1)
        dispersion = settings.dispersion[np.searchsorted(DISPERSION_EDGES, rate, side="right") - 1].astype(np.float32)
        log_ratios(sums, settings, dispersion, allowed, out=weights)
        age = np.arange(weeks, 0, -1)
        lasting = np.log(settings.pause_hazard) + np.log(settings.pause_survival[np.minimum(age, len(settings.pause_survival) - 1)])
        np.add(weights[0], lasting.astype(np.float32)[:, None], out=pause)
        np.copyto(pause, -np.inf, where=sums.days[1:-1] < sums.days[-1])
        prior = np.log(settings.break_hazard) + np.log(settings.mix)
        weights += prior.astype(np.float32)[:, None, None]
        top = np.maximum(np.maximum.reduce(parts.reshape(-1, customers), axis=0), 0)
        parts -= top
        np.exp(parts, out=parts)
        total = parts.sum(1).sum(0) + np.exp(-top)
        # A single last week has its say against older breaks, but is never a break itself: it may be a holiday of a week.
        parts[:, weeks - _LEAST_WEEKS_AFTER + 1 :] = 0
        return cls(weights, pause, 1 / total)

    def changes(self) -> SingleArray:
        """(K, n) each change over all weeks."""
        return np.asarray(self.weights.sum(1) * self.scale)

    def fresh(self, ages: tuple[int, int]) -> FloatArray:
        """(K,) each change at these ages, over all customers."""
        weeks = len(self.pause)
        return np.asarray((self.weights[:, max(weeks - ages[1], 0) : max(weeks - ages[0] + 1, 0)].sum(1) * self.scale).sum(1, dtype=float))

    def kinds(self) -> tuple[SingleArray, SingleArray, SingleArray, SingleArray]:
        """(W - 1, n) breaks to silence (pauses included), to less and slow ones that have come down by now, and the pauses."""
        age = np.arange(len(self.pause), 0, -1)
        partial = self.weights[1 : int(COLLAPSES.sum())].sum(0)
        slow = np.zeros_like(partial)
        for (length, ratio), mass in zip(RAMPS, self.weights[_STEPS:], strict=True):
            down = np.count_nonzero(1 - (1 - ratio) * np.minimum(age / length, 1) <= COLLAPSE_RATIO)  # the oldest
            slow[:down] += mass[:down]
        silent = self.weights[0] + self.pause
        for mass in (silent, partial, slow, self.pause):
            np.multiply(mass, self.scale, out=mass)
        return silent, partial, slow, self.pause


def _levels(sums: _Sums, mass: SingleArray) -> tuple[FloatArray, FloatArray]:
    """Days per usual week before the median week of the break, and since then, at most in the last eight weeks."""
    width = len(mass)
    below = np.cumsum(mass, 0) < 0.5 * np.maximum(mass.sum(0), _TINY)
    week = np.minimum(below.sum(0), width - 1)
    each = np.arange(len(week))
    before = sums.days[week, each] / np.maximum(sums.weeks[week, each], 0.5)
    low = np.maximum(week, width - 8)
    now = (sums.days[-1] - sums.days[low, each]) / np.maximum(sums.weeks[-1] - sums.weeks[low, each], 0.5)
    return before.astype(float), now.astype(float)
