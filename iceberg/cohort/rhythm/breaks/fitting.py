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
from iceberg.cohort.rhythm.breaks.exposure import LEVELS, Exposed, WeekBlock, expose

_ROUNDS, _INDEX_EM = 4, 2  # of EM: for the answer, and for the index
_RARE = 0.5  # judgement: visits per week below which single weeks show no regularity
_WINDOW_WEEKS = 13  # judgement: from one window of the index to the one before
_ALTERNATIONS = 8  # judgement: of rates and weeks; after so many the index moves by less than a hundredth
_FEWEST_IN_BAND = 30
_LONGEST_PAUSE = 200
_PAUSE_WEIGHT, _PAUSE_ENDS = 2.0, 0.2  # judgement: before the log speaks a fifth of the pauses ends each week; worth two pauses


def fit_settings(block: WeekBlock, index: FloatArray, *, baseline: int, ends: tuple[int, ...]) -> RhythmSettings:
    """The settings of a log, by moments and by EM over customers.

    Args:
        block: A sample of customers over the whole log.
        index: Activity of the company by week to begin with; what is found stands in the settings.
        baseline: Weeks up to the day in question that are used.
        ends: Weeks at whose end the customers are judged: several, because at the end of a log most breaks have gone on to silence, and how far
            fresh ones fall can be seen only where they are fresh.
    """
    first = _fit_to_index(block, index, baseline=baseline, ends=ends[:1], rounds=_INDEX_EM)
    index = update_week_index(block, first, baseline=baseline)
    return _fit_to_index(block, index, baseline=baseline, ends=ends, rounds=_ROUNDS)


def update_week_index(block: WeekBlock, settings: RhythmSettings, *, baseline: int) -> FloatArray:
    """Activity of the company by week, from each customer's weeks before a break alone, at the own rate.

    Customers who come, go, or break would change the average activity though nobody's rhythm moved with the company; at their own rates, each week
    weighted with the probability that the rhythm still held, they do not. One window of `baseline` weeks after another, from the last one back.
    """
    width, index = block.days.shape[1], settings.week_index
    found = np.full(width, np.nan)
    for end in (*range(width, baseline, -_WINDOW_WEEKS), baseline):
        window = slice(end - baseline, end)
        level, known = _window_index(block.until(end, baseline), settings, index[window]), ~np.isnan(found[window])
        scale = found[window][known].sum() / level[known].sum() if known.any() else 1 / np.median(level[level > 0])
        found[window] = np.where(known, found[window], level * scale)
    return np.asarray(np.where(index > 0, np.clip(found, *LEVELS), 0.0), dtype=float)


def _window_index(window: WeekBlock, settings: RhythmSettings, index: FloatArray) -> FloatArray:
    """The same for the weeks of one window, on any scale; 0 where the log has a hole."""
    profiles = find_breaks(window, settings, index)
    exposed = expose(window.rows(profiles.rows), settings, index)
    held = np.where(exposed.weeks > 0, np.clip(1 - np.cumsum(profiles.broken, 1), 0, 1), 0)
    days = held * exposed.days
    level = index.astype(float)
    for _ in range(_ALTERNATIONS):
        rate = (settings.shape + days.sum(1)) / (settings.rate + held @ level)
        due = rate @ held
        level = np.where((due > 0) & (index > 0), days.sum(0) / np.maximum(due, 1e-9), index)
        level *= index.mean() / max(level.mean(), 1e-9)  # rates and weeks share a scale
    return np.asarray(level, dtype=float)


def _fit_to_index(block: WeekBlock, index: FloatArray, *, baseline: int, ends: tuple[int, ...], rounds: int) -> RhythmSettings:
    """The settings, with an index that is given."""
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
    for _ in range(rounds):
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
        # Where fewer than one visit in two weeks is usual, single weeks show no regularity: of rare visits any variance looks like its mean.
        lengths = (4,) if DISPERSION_EDGES[band] < _RARE else (1, 4)
        found[band] = max(_dispersion_of(exposed, inside, chosen, weeks) for weeks in lengths)
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
