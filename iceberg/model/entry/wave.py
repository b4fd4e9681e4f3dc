"""Finds acquisition waves: months of entry whose customers leave, and complain, more or less than others of their tenure.

Expected counts of a cell are at risk x month x tenure band x sum of its shares x exp(effect of the month of entry). The effects are random around
zero, each with a variance of its own, learned by the generalised Fellner-Schall rule under a prior near zero: the months of a campaign keep all of
their effect, and the others next to none. With one variance for all, a strong wave would free every other month as well, and these would explain away
what problems do to newcomers of single months: totals come out too low.

A company has a wave where departures vary more than month and tenure explain (chi-square per degree of freedom over 1.3) and the months of entry
explain it. Only then do they enter the model: as a factor on natural departures, and as one on the exposure of complaints, so that what a wave
complains of is not read as a problem.

References:
    Wood, Fasiolo 2017 (generalised Fellner-Schall); Tipping 2001, J. Machine Learning Research 1 (a variance per effect);
    Holford 1983 (age, period and cohort: their linear trends cannot be separated, and stay with
    month and tenure here).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.entry.shares import entry_months, entry_shares

DISPERSION = 1.3  # judgement: chi-square per degree of freedom
EXPLAINED = 0.5  # judgement: share of what is over 1 that the months of entry have to explain
STRONG = 1.3  # judgement: months of entry with so many times the departures are named
PRIOR_VARIANCE, PRIOR_FREEDOM = 0.05**2, 2.0  # judgement: as the other variances of natural departures; effects have Student's t with 2 degrees
START_VARIANCE = 0.3**2  # wide: what begins small stays small
SMALLEST_VARIANCE = 1e-6
STEPS, ROUNDS = 12, 40


@dataclass(frozen=True, eq=False)
class EntryEffects:
    """What the months of entry do.

    Attributes:
        months: E first days; the first stands for all before it as well.
        departures, complaints: (E,) log effect of each month of entry on departures and on complaints.
        natural: (M, B) factor on the natural departures of a cell, 1 on average.
        exposure: (M, B) factor on its complaints.
        dispersion: Chi-square per degree of freedom without and with the months of entry.
    """

    months: tuple[date, ...]
    departures: FloatArray
    complaints: FloatArray
    natural: FloatArray
    exposure: FloatArray
    dispersion: tuple[float, float]

    @property
    def strong(self) -> tuple[date, ...]:
        """The months of entry with far more departures than others, at least half as far (on the log scale) as the strongest."""
        least = max(np.log(STRONG), self.departures.max() / 2)
        return tuple(month for month, effect in zip(self.months, self.departures, strict=True) if effect >= least)

    @property
    def strongest(self) -> float:
        """The largest factor on departures."""
        return float(np.exp(self.departures.max()))


def find_wave(counts: CohortCounts) -> EntryEffects | None:
    """The effects of the months of entry; None where there is no wave."""
    months, bands = counts.shape[1:]
    if not counts.has_calendar or min(months, bands) < 3:
        return None
    left, heard = ~counts.months_without("departures")[:, None], ~counts.months_without("complaints")[:, None]
    exits = counts.silent_exits.sum(axis=0) * left
    at_risk = np.maximum(counts.silent_person_days.sum(axis=0) * left, exits).astype(np.float64)
    if exits.sum() < months * bands:  # too few to show any dispersion
        return None
    alone = _fit(exits, at_risk, np.ones((months, bands, 1)), random=False)
    if alone.dispersion <= DISPERSION:
        return None
    share = entry_shares(counts)
    with_entry = _fit(exits, at_risk, share)
    if with_entry.dispersion - 1 > (1 - EXPLAINED) * (alone.dispersion - 1) or not (with_entry.effects >= np.log(STRONG)).any():
        return None
    complainants = counts.complainants.sum(axis=(0, 1)) * heard
    exposed = np.maximum(counts.person_days.sum(axis=0) * heard, complainants).astype(np.float64)
    heard_of = _fit(complainants, exposed, share)
    return EntryEffects(
        entry_months(counts),
        with_entry.effects,
        heard_of.effects,
        _factor(share, with_entry.effects, at_risk),
        _factor(share, heard_of.effects, exposed),
        (alone.dispersion, with_entry.dispersion),
    )


@dataclass(frozen=True, eq=False)
class _Fit:
    effects: FloatArray
    dispersion: float


def _fit(events: FloatArray, at_risk: FloatArray, share: FloatArray, *, random: bool = True) -> _Fit:
    """Month, tenure and, where they are random, months of entry."""
    months, bands, entries = share.shape
    month, band = np.repeat(np.eye(months), bands, axis=0), np.tile(np.eye(bands), (months, 1))[:, 1:]
    shares, seen, risk = share.reshape(-1, entries), events.ravel().astype(np.float64), at_risk.ravel()
    used = risk > 0
    fixed = np.concatenate([month, band], axis=1)
    effects = np.zeros(entries)
    rest = np.zeros(fixed.shape[1])
    rest[:months] = np.log((seen.sum() + 0.5) / max(risk.sum(), 1.0))
    free, variances = np.zeros(entries), np.full(entries, START_VARIANCE) if random else None
    for _ in range(ROUNDS):
        rest, effects, covariance, expected = _climb(seen, risk, shares, fixed, rest, effects, variances)
        if variances is None:
            break
        free = np.clip(1 - np.diagonal(covariance) / variances, 0.0, 1.0)
        updated = np.maximum((effects**2 + PRIOR_FREEDOM * PRIOR_VARIANCE) / (free + PRIOR_FREEDOM), SMALLEST_VARIANCE)
        settled = np.abs(np.log(updated / variances)).max() < 0.02
        variances = updated
        if settled:
            break
    chi = ((seen - expected) ** 2 / np.maximum(expected, 0.5))[used].sum()
    return _Fit(effects, float(chi / max(used.sum() - fixed.shape[1] - free.sum(), 1.0)))


def _climb(
    seen: FloatArray, risk: FloatArray, shares: FloatArray, fixed: FloatArray, rest: FloatArray, effects: FloatArray, variances: FloatArray | None
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Fisher scoring to the mode: fixed effects, effects of the months of entry, their covariance, expected events."""
    size = fixed.shape[1]
    ridge = np.full(size, 1e-6) if variances is None else np.concatenate([np.full(size, 1e-6), 1 / variances])
    for _ in range(STEPS):
        weighted = shares * np.exp(effects)
        factor = weighted.sum(axis=1)
        expected = risk * np.exp(np.clip(fixed @ rest, -40, 20)) * factor
        columns = fixed if variances is None else np.concatenate([fixed, weighted / factor[:, None]], axis=1)
        at = np.concatenate([np.zeros(size), effects]) if variances is not None else np.zeros(size)
        slope = columns.T @ (seen - expected) - ridge * at
        information = columns.T @ (columns * expected[:, None]) + np.diag(ridge)
        step = np.linalg.solve(information, slope)
        step *= min(1.0, 2.0 / max(np.abs(step).max(), 1e-12))
        rest = rest + step[:size]
        effects = effects + step[size:] if variances is not None else effects
        if np.abs(step).max() < 1e-4:
            break
    covariance = np.linalg.inv(information)[size:, size:]
    return rest, effects, covariance, expected


def _factor(share: FloatArray, effects: FloatArray, weight: FloatArray) -> FloatArray:
    """(M, B) factor of each cell, 1 on average over `weight`."""
    factor = share @ np.exp(effects)
    return np.asarray(factor / ((factor * weight).sum() / max(weight.sum(), 1e-12)), dtype=np.float64)
