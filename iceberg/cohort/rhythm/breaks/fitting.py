"""Learns from a log what rhythms, their dispersion, pauses and breaks are like in it: `RhythmSettings`."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from iceberg.arrays import BoolArray, FloatArray
from iceberg.cohort.rhythm.assumptions import (
    DISPERSION_EDGES,
    FRESH_MIX,
    FRESH_WEEKS,
    FRESH_WEIGHT,
    LEAST_DAYS,
    LEAST_DAYS_SLOW,
    OTHER_MIX,
    RAMP_SHARE,
    RAMPS,
    RATIOS,
    SLOW_LOG_DAYS_PER_WEEK,
    RhythmSettings,
)
from iceberg.cohort.rhythm.breaks.change_point import COLLAPSES, find_breaks
from iceberg.cohort.rhythm.breaks.exposure import Exposed, WeekBlock, expose

_ROUNDS = 4
_FEWEST_IN_BAND = 30
_LONGEST_PAUSE = 200
_PAUSE_WEIGHT, _PAUSE_ENDS = 2.0, 0.2  # judgement: before the log speaks a fifth of the pauses ends each week; worth two pauses


def fit_settings(block: WeekBlock, index: FloatArray, *, baseline: int, ends: tuple[int, ...]) -> RhythmSettings:
    """The settings of a log, by moments and by EM over customers.

    Args:
        block: A sample of customers over the whole log.
        index: Activity of the company by week.
        baseline: Weeks up to the day in question that are used.
        ends: Weeks at whose end the customers are judged: several, because at the end of a log most breaks have gone on to silence, and how far
            fresh ones fall can be seen only where they are fresh.
    """
    settings = RhythmSettings(index, least_days=_least_days(block))
    last = block.until(ends[0], baseline)
    own = index[max(ends[0] - baseline, 0) : ends[0]]
    exposed = expose(last, settings, own)
    inside = (np.arange(last.days.shape[1]) <= last.last[:, None]) & (exposed.weeks > 0)
    regular = exposed.days.sum(1) >= settings.least_days
    weeks = np.maximum(np.where(inside, exposed.weeks, 0).sum(1), 1)
    rates = exposed.days.sum(1)[regular] / weeks[regular]
    mean, spread = rates.mean(), rates.var() - (rates / weeks[regular]).mean()
    shape, rate = mean * mean / max(spread, 1e-3), mean / max(spread, 1e-3)
    hazard, survival = _pauses(exposed, regular)
    settings = replace(
        settings,
        shape=float(shape),
        rate=float(rate),
        dispersion=_dispersion(exposed, inside, regular, exposed.days.sum(1) / weeks),
        pause_hazard=hazard,
        pause_survival=survival,
    )
    cuts = [(block.until(end, baseline), index[max(end - baseline, 0) : end]) for end in ends]
    for _ in range(_ROUNDS):
        settings = _updated(settings, cuts)
    return settings


def _least_days(block: WeekBlock) -> int:
    """How many active days make a regular: fewer where the median customer with a rhythm comes rarely."""
    days = block.days.sum(1)
    some = days >= LEAST_DAYS_SLOW
    if not some.any():
        return LEAST_DAYS
    span = np.maximum(block.last - block.first, 1)
    return LEAST_DAYS_SLOW if np.median(days[some] / span[some]) < SLOW_LOG_DAYS_PER_WEEK else LEAST_DAYS


def _updated(settings: RhythmSettings, cuts: list[tuple[WeekBlock, FloatArray]]) -> RhythmSettings:
    """One round of EM: how often rhythms change, and how."""
    changes = np.zeros(len(settings.mix))
    fresh = np.zeros(len(settings.mix))
    weeks = 1.0
    for block, index in cuts:
        found = find_breaks(block, settings, index, fresh_ages=FRESH_WEEKS)
        changes += found.changes.sum(0)
        fresh += found.fresh
        weeks += found.weeks_at_risk
    steps = slice(0, len(RATIOS))
    fallen = fresh[steps][COLLAPSES] + FRESH_WEIGHT * FRESH_MIX
    others = changes[steps][~COLLAPSES] + OTHER_MIX
    ramps = changes[len(RATIOS) :] + RAMP_SHARE * FRESH_WEIGHT / len(RAMPS)
    sudden = changes[steps][COLLAPSES].sum() + (1 - RAMP_SHARE) * FRESH_WEIGHT
    mix = np.concatenate([sudden * fallen / fallen.sum(), others, ramps])
    return replace(settings, mix=mix / mix.sum(), break_hazard=float(np.clip(changes.sum() / weeks, 1e-5, 0.05)))


def _pauses(exposed: Exposed, regular: BoolArray) -> tuple[float, FloatArray]:
    """How often pauses begin, and the share of them that last at least so many weeks, from completed ones.

    A pause stands out from chance only from a length on that depends on the customer's rate (`Exposed.shortest_pause`): lengths are truncated on
    the left, each at its own point, and so is their number. Product limit of the lengths (Lynden-Bell 1971), then pauses over the weeks in which
    one could have been seen.
    """
    begins = exposed.pauses & ~np.concatenate([np.zeros((len(exposed.pauses), 1), bool), exposed.pauses[:, :-1]], 1)
    rows, weeks = np.nonzero(begins & regular[:, None])
    lengths = np.minimum(exposed.runs[rows, weeks], _LONGEST_PAUSE - 1)
    shortest = np.minimum(exposed.shortest_pause, _LONGEST_PAUSE - 1)
    ends, entries = (np.bincount(one, minlength=_LONGEST_PAUSE).astype(float) for one in (lengths, shortest[rows]))
    at_risk = entries.cumsum() - np.concatenate([[0.0], ends.cumsum()[:-1]])
    stops = (ends + _PAUSE_WEIGHT * _PAUSE_ENDS) / (at_risk + _PAUSE_WEIGHT)
    stops[:2] = 0.0  # a pause lasts two weeks at least
    survival = np.concatenate([[1.0], np.cumprod(1 - stops)[:-1]])
    visible = ((exposed.weeks > 0).sum(1) * survival[shortest])[regular].sum()
    hazard = (len(lengths) + 1) / max(float(visible), 1.0)
    return float(np.clip(hazard, 1e-5, 0.2)), np.clip(survival, 1e-6, 1)


def _dispersion(exposed: Exposed, inside: BoolArray, regular: BoolArray, rates: npt.NDArray[np.float32]) -> FloatArray:
    """Variance over mean by band of the rate, from neighbouring weeks and neighbouring blocks of four weeks; blind to a single break."""
    bands = np.searchsorted(DISPERSION_EDGES, rates, side="right") - 1
    found = np.ones(len(DISPERSION_EDGES))
    for band in range(len(found)):
        chosen = regular & (bands == band)
        if chosen.sum() < _FEWEST_IN_BAND:
            found[band] = found[band - 1] if band else 1.0
            continue
        found[band] = max(_dispersion_of(exposed, inside, chosen, weeks) for weeks in (1, 4))
    return np.clip(found, 0.25, 6)


def _dispersion_of(exposed: Exposed, inside: BoolArray, chosen: BoolArray, weeks: int) -> float:
    width = exposed.days.shape[1] // weeks * weeks
    days, exposure = (
        np.where(inside, part, 0)[chosen][:, :width].reshape(int(chosen.sum()), -1, weeks).sum(2) for part in (exposed.days, exposed.weeks)
    )
    first, second, before, after = days[:, :-1], days[:, 1:], exposure[:, :-1], exposure[:, 1:]
    use = (before > 0.6 * weeks) & (after > 0.6 * weeks) & (first + second > 0)
    difference = (first * after - second * before)[use]
    expected = ((first + second) * before * after)[use]
    return float((difference * difference).sum() / max(expected.sum(), 1e-9))
