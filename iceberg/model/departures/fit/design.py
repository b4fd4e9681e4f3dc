"""The geometry of the reconciliation model: which parameter moves which Lexis cell, and by how much.

A cell is (segment s, month m, tenure band b). With A_c[s, m] = exp(month + segment + interaction) and T the map from a tenure band to the bands
its customers were in l months earlier, the expected silent departures of a cell are

    mu = N f exp(natural)  +  N sum_c r_c sum_l w_c[l] A_c[s, m - l] (T_l G_c)[b],     G_c[b] = exp(tilt x_b) (R B_c)[b]

with B_c[b] = exp(tenure effect), and the expected complainants of category c are E A_c[s, m] B_c[b]. The tilt lets the silent be newer or older
customers than those who complain; x is the log of tenure. R is the identity, or, for a second opinion that takes nothing about the tenure of the
silent from complaints, the average over exposure. N are months at risk of the silent, E of everybody. Multiplying the
intensity of the source month by *today's* months at risk thins the sufferers by the departures in between.

Contracts that bind customers until a renewal change the weights and the natural part: see `iceberg.model.departures.fit.renewals`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from iceberg.arrays import FloatArray, IntArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.departures.fit.renewals import RenewalClock
from iceberg.model.entry.wave import find_wave
from iceberg.model.recording.changes import shares_before
from iceberg.model.recording.seasons import has_common_season, yearly_waves
from iceberg.model.survival.delay_kernel import DAYS_PER_MONTH, lag_weights

LAST_BAND_MONTHS = 48.0  # judgement: width given to the open last tenure band when customers are moved back in time
NEW_MONTHS = 3.0  # judgement: among customers of a few weeks, a week more of tenure says little about who speaks
LAG_ZERO_MONTHS = 1 / 3  # mean time between two days of the same month, in order


@dataclass(frozen=True, eq=False)
class LexisDesign:
    """Counts as the model reads them.

    Attributes:
        at_risk, exits: (S, M, B) months at risk of silent customers, and silent leavers; groups that leave together count once (`group_size`).
        exposure: (S, M, B) months at risk of all customers, in which a complaint could be made.
        complainants: (C, S, M, B).
        lags: last lag, months.
        before: months before the window in which problems may have struck those who left inside it.
        source_band: (lags + 1, B, B) share of band b's customers that were in b' so many months ago; short of 1 where they were not yet customers.
        reference_band: band whose tenure effect is zero (most exposure).
        tenure_score: (B,) log of tenure, centred at that of complainants: a unit of tilt multiplies the ratio by e where tenure is e times as long.
        clock: contracts, None where there are none.
        follows_tenure: whether the silent are struck at the tenures at which customers complain; otherwise at every tenure alike.
        natural_factor: (M, B) factor on natural departures, of the months of entry; None for 1 everywhere.
        before_change: (L, C, Q) share of each month that lies before a change of what is recorded; L is 0 where there is none. Where complaints of
            all categories have a season, the last two are waves of a year: how much of it is speaking up, which departures do not follow.
        speaking: How many of them are such waves.
        season: (W, Q) yearly waves that the months of all categories may follow together: with them a season is not taken for a change.
        membership, column_sizes, group_size: see `ParameterLayout`; customers who leave together, 1 where each decides for themselves.
    """

    at_risk: FloatArray
    exits: FloatArray
    exposure: FloatArray
    complainants: FloatArray
    lags: int
    before: int
    source_band: FloatArray
    reference_band: int
    tenure_score: FloatArray
    follows_tenure: bool = True
    clock: RenewalClock | None = None
    natural_factor: FloatArray | None = None
    before_change: FloatArray = field(default_factory=lambda: np.zeros((0, 0, 0)))
    speaking: int = 0
    season: FloatArray = field(default_factory=lambda: np.zeros((0, 0)))
    membership: tuple[tuple[int, ...], ...] = ()
    column_sizes: tuple[int, ...] = ()
    group_size: float = 1.0

    @cached_property
    def band_reading(self) -> FloatArray:
        """(B, B) R: the tenure effects of complaints as the silent are struck by them."""
        bands = self.complainants.shape[3]
        if self.follows_tenure:
            return np.eye(bands)
        shares = self.exposure.sum(axis=(0, 1))
        return np.broadcast_to(shares / max(shares.sum(), 1e-9), (bands, bands))

    @property
    def shape(self) -> tuple[int, int, int, int]:
        """(C, S, M, B)."""
        categories, segments, months, bands = self.complainants.shape
        return categories, segments, months, bands

    @property
    def all_months(self) -> int:
        """Months of the window and those before it."""
        return self.before + int(self.complainants.shape[2])

    @cached_property
    def window_months(self) -> IntArray:
        """Positions of the window's months among `all_months`."""
        return np.arange(self.before, self.all_months, dtype=np.int64)

    @classmethod
    def of(cls, counts: CohortCounts, *, lags: int) -> LexisDesign:
        """The design of `counts` with delays of up to `lags` months.

        In months whose departures or complaints are missing nobody is at risk of them. What an acquisition wave complains of whatever happens is
        exposure, so that it causes no departures. Departures and time at risk are divided by the size of groups leaving together: quasi-likelihood.
        """
        months = counts.shape[1]
        lags = min(lags, months - 1) if months > 1 else 0
        silent = counts.silent_person_days / DAYS_PER_MONTH
        everybody = silent + counts.vocal_person_days / DAYS_PER_MONTH
        complainants = counts.complainants.astype(float)
        # A complaint on the only day at risk still needs exposure.
        exposure = np.maximum(everybody, complainants.max(axis=0, initial=0.0) / DAYS_PER_MONTH)
        at_risk = np.maximum(silent, counts.silent_exits / DAYS_PER_MONTH)
        exits = counts.silent_exits.astype(float)
        size, clock, renewals = counts.groups.size if counts.groups is not None else 1.0, None, counts.renewals
        wave = find_wave(counts)
        if wave is not None:
            exposure = exposure * wave.exposure
        reference = exposure.sum(axis=(0, 1))
        if renewals is not None and renewals.modelled:
            clock = RenewalClock.of(counts, renewals, _source_band(counts.band_edges_months, max(renewals.all_terms)))
            reference[renewals.at_renewal(counts.band_edges_months)] = -1.0
        (before, waves), (membership, column_sizes) = _recorded(counts, lags), _levels_of(counts)
        left, heard = ~counts.months_without("departures")[:, None], ~counts.months_without("complaints")[:, None]
        return cls(
            at_risk=at_risk * left / size,
            exits=exits * left / size,
            exposure=exposure * heard,
            complainants=complainants * heard,
            lags=lags,
            before=lags,
            source_band=_source_band(counts.band_edges_months, lags),
            reference_band=int(np.argmax(reference)),
            before_change=before,
            speaking=waves,
            season=yearly_waves(counts, lags) if len(before) > waves else np.zeros((0, months + lags)),
            tenure_score=_tenure_score(counts.band_edges_months, complainants.sum(axis=(0, 1, 2))),
            clock=clock,
            natural_factor=None if wave is None else wave.natural,
            membership=membership,
            column_sizes=column_sizes,
            group_size=size,
        )


def _levels_of(counts: CohortCounts) -> tuple[tuple[tuple[int, ...], ...], tuple[int, ...]]:
    """`ParameterLayout.membership` and `column_sizes`.

    A column of one level says nothing, and one whose every level is a segment (branches beside their regions) says what the segments say.
    """
    columns = [column for column in zip(*counts.segment_levels, strict=True) if 1 < len(set(column)) < len(counts.segments)]
    levels = list(zip(*columns, strict=True))
    names = [list(dict.fromkeys(column)) for column in columns]  # in the order of the segments: never by name
    starts = np.cumsum([0, *map(len, names)])
    members = [tuple(int(start) + column.index(level) for start, column, level in zip(starts, names, own, strict=False)) for own in levels]
    return tuple(members), tuple(map(len, names))


def _tenure_score(edges_months: tuple[int, ...], complainants: FloatArray) -> FloatArray:
    edges = np.append(np.asarray(edges_months, dtype=float), edges_months[-1] + LAST_BAND_MONTHS)
    score = np.log((edges[:-1] + edges[1:]) / 2 + NEW_MONTHS)
    weight = complainants + 1e-9
    return np.asarray(score - (score * weight).sum() / weight.sum())


def _recorded(counts: CohortCounts, lags: int) -> tuple[FloatArray, int]:
    """`LexisDesign.before_change` and `speaking`."""
    before = np.pad(shares_before(counts), ((0, 0), (0, 0), (lags, 0)), mode="edge")
    if not has_common_season(counts):
        return before, 0
    waves = yearly_waves(counts, lags)[:, None]
    return np.concatenate([before, np.broadcast_to(waves, (len(waves), *before.shape[1:]))]), len(waves)


def _source_band(edges_months: tuple[int, ...], lags: int) -> FloatArray:
    edges = np.append(np.asarray(edges_months, dtype=float), edges_months[-1] + LAST_BAND_MONTHS)
    low, high = edges[:-1], edges[1:]
    moved = np.empty((lags + 1, len(low), len(low)))
    for lag in range(lags + 1):
        back = lag if lag else LAG_ZERO_MONTHS
        overlap = np.minimum(high[:, None] - back, high[None]) - np.maximum(low[:, None] - back, low[None])
        moved[lag] = np.maximum(overlap, 0.0) / (high - low)[:, None]
    return moved


@dataclass(frozen=True, eq=False)
class Effects:
    """Parameters unpacked. C categories, S segments, M months, B bands, Q = months before the window + M.

    Attributes:
        month: (C, Q) log monthly complaint rate of the reference band, as it would be recorded at the end of the window.
        band: (C, B), zero in the reference band.
        segment: (C, S).
        burst: (C, S, M) segment x month interaction: incidents that strike one segment for a while.
        log_ratio: (C,).
        delay: (C, 2) log mean days and log shape.
        tilt: slope of log r_c in the log of tenure.
        bound: move of the share of customers bound by contracts, logit scale.
        natural: (S, M, B) log monthly natural hazard.
        recorded: (C, M) log share of these complaints that was recorded; None where what is recorded did not change.
    """

    month: FloatArray
    band: FloatArray
    segment: FloatArray
    burst: FloatArray
    log_ratio: FloatArray
    delay: FloatArray
    tilt: float
    bound: float
    natural: FloatArray
    recorded: FloatArray | None = None


@dataclass(frozen=True, eq=False)
class Rates:
    """Expected counts under some effects.

    Attributes:
        intensity: (C, S, Q) A_c.
        band_factor: (C, B) B_c.
        struck_factor: (C, B) G_c.
        moved_band: (C, lags + 1, B) T_l G_c.
        weights: (C, lags + 1), or with contracts (C, S, lags + 1, B).
        caused: (C, S, M, B) expected silent churn.
        natural: (S, M, B) expected natural departures.
        complaints: (C, S, M, B) expected complainants.
    """

    intensity: FloatArray
    band_factor: FloatArray
    struck_factor: FloatArray
    moved_band: FloatArray
    weights: FloatArray
    caused: FloatArray
    natural: FloatArray
    complaints: FloatArray

    @property
    def departures(self) -> FloatArray:
        """(S, M, B) expected silent departures."""
        return np.asarray(self.natural + self.caused.sum(axis=0), dtype=np.float64)


def evaluate_rates(design: LexisDesign, effects: Effects) -> Rates:
    """Expected complainants and departures of every cell."""
    log_intensity = effects.month[:, None, :] + effects.segment[:, :, None]
    log_intensity = np.broadcast_to(log_intensity, (*log_intensity.shape[:2], design.all_months)).copy()
    log_intensity[:, :, design.before :] += effects.burst
    intensity = np.exp(np.clip(log_intensity, -40, 15))
    band_factor = np.exp(np.clip(effects.band, -20, 20))
    struck = (band_factor @ design.band_reading.T) * np.exp(np.clip(effects.tilt * design.tenure_score, -20, 20))
    moved = np.einsum("lbd,cd->clb", design.source_band, struck)
    weights = _kernel_weights(design, effects.delay, effects.bound) if design.lags or design.shape[2] > 1 else np.ones((len(struck), 1))
    ratio = np.exp(np.clip(effects.log_ratio, -40, 15))
    caused = spread_weighted(design, intensity, weights, moved) * ratio[:, None, None, None] * design.at_risk
    natural = np.exp(np.clip(effects.natural, -40, 10))
    if design.natural_factor is not None:
        natural = natural * design.natural_factor
    if design.clock is not None:
        natural = design.clock.natural(effects.bound, natural)
    natural = design.at_risk * natural
    complaints = design.exposure * intensity[:, :, design.before :, None] * band_factor[:, None, None, :]
    if effects.recorded is not None:
        complaints = complaints * np.exp(np.clip(effects.recorded, -20, 20))[:, None, :, None]
    return Rates(intensity, band_factor, struck, moved, weights, caused, natural, complaints)


def _kernel_weights(design: LexisDesign, delay: FloatArray, bound: float) -> FloatArray:
    """`Rates.weights` of the delays (C, 2)."""
    weights = lag_weights(delay, design.lags)
    return weights if design.clock is None else design.clock.weights(bound, weights)


def spread_weighted(design: LexisDesign, intensity: npt.NDArray[Any], weights: FloatArray, moved: FloatArray) -> FloatArray:
    """sum_l intensity[c, s, m - l] w[c, s, l, b] moved[c, l, b], as (C, S, M, B)."""
    if weights.ndim == 2:
        return spread_over_lags(design, intensity, weights[..., None] * moved)
    return np.asarray(lagged_intensity(design, intensity) @ (weights * moved[:, None]), dtype=np.float64)


def spread_over_lags(design: LexisDesign, intensity: npt.NDArray[Any], by_lag: FloatArray) -> FloatArray:
    """sum_l intensity[c, s, m - l] by_lag[c, l, b], as (C, S, M, B); leading axes of both may hold draws."""
    lagged = lagged_intensity(design, intensity)
    *lead, segments, months, lags = lagged.shape
    flat = lagged.reshape(*lead, segments * months, lags) @ by_lag
    return np.asarray(flat.reshape(*lead, segments, months, by_lag.shape[-1]), dtype=lagged.dtype)


def lagged_intensity(design: LexisDesign, intensity: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(..., S, M, lags + 1): intensity of the month `lag` months before each month of the window."""
    position = design.window_months[:, None] - np.arange(design.lags + 1)[None]
    return intensity[..., position]


@dataclass(frozen=True, eq=False)
class DepartureColumns:
    """Derivatives of expected departures, one column per parameter.

    `matrix` is (S, M * B, columns); the offsets name where each kind starts. Every parameter of the model moves the departures like one of these
    columns: a segment effect of a category like its ratio, an interaction like its month.
    """

    matrix: FloatArray
    month: int
    band: int
    ratio: int
    delay: int
    tilt: int
    bound: int
    natural_month: int
    natural_band: int
    natural_all: int


def departure_columns(design: LexisDesign, effects: Effects, rates: Rates) -> DepartureColumns:
    """Derivative of `rates.departures` with respect to every kind of parameter."""
    categories, segments, months, bands = design.shape
    every = design.all_months
    starts = np.cumsum([0, categories * every, categories * bands, categories, 2 * categories, 1, int(design.clock is not None), months, bands, 1])
    matrix = np.zeros((segments, months, bands, int(starts[-1])))
    ratio = np.exp(np.clip(effects.log_ratio, -40, 15))
    lagged = lagged_intensity(design, rates.intensity)  # C S M L
    risk = design.at_risk
    by_month = np.zeros((segments, months, bands, categories, every))
    here = np.arange(months)
    for lag in range(design.lags + 1):
        if design.clock is None:
            scale = (ratio * rates.weights[:, lag])[:, None] * rates.moved_band[:, lag]  # C B
            part = np.einsum("csm,cb,smb->msbc", lagged[..., lag], scale, risk)
        else:
            by_segment = ratio[:, None, None] * rates.weights[:, :, lag] * rates.moved_band[:, None, lag]  # C S B
            part = np.einsum("csm,csb,smb->msbc", lagged[..., lag], by_segment, risk, optimize=True)
        by_month[:, here, :, :, design.before + here - lag] += part
    matrix[..., : starts[1]] = by_month.reshape(segments, months, bands, -1)
    spread = spread_to_source_bands(design, lagged, rates.weights) * ratio[:, None, None, None, None] * risk[None, ..., None]
    tilted = np.exp(np.clip(effects.tilt * design.tenure_score, -20, 20))
    by_band = (spread * tilted) @ design.band_reading * rates.band_factor[:, None, None, None, :]
    matrix[..., starts[1] : starts[2]] = by_band.transpose(1, 2, 3, 0, 4).reshape(segments, months, bands, -1)
    matrix[..., starts[2] : starts[3]] = rates.caused.transpose(1, 2, 3, 0)
    if design.lags:
        by_ratio = ratio[:, None, None, None] * risk
        *delays, bound = weight_slopes(design, effects)
        for number, slope in enumerate(delays):
            caused = spread_weighted(design, rates.intensity, slope, rates.moved_band) * by_ratio
            matrix[..., starts[3] + number : starts[4] : 2] = np.moveaxis(caused, 0, -1)
        if design.clock is not None:
            matrix[..., starts[5]] = (spread_weighted(design, rates.intensity, bound, rates.moved_band) * by_ratio).sum(axis=0)
    matrix[..., starts[4]] = np.einsum("csmbd,cd->smb", spread, rates.struck_factor * design.tenure_score)
    by_month_of_wish, by_band_of_wish, by_bound = natural_slopes(design, effects, rates)
    matrix[..., starts[6] : starts[7]] = by_month_of_wish
    matrix[..., starts[7] : starts[8]] = by_band_of_wish
    if design.clock is not None:
        matrix[..., starts[5]] += by_bound
    matrix[..., starts[8]] = rates.natural
    return DepartureColumns(matrix.reshape(segments, months * bands, -1), *(int(start) for start in starts[:-1]))


def natural_slopes(design: LexisDesign, effects: Effects, rates: Rates) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Derivatives of natural departures in the log hazard of each month (S, M, B, M), of each band (S, M, B, B), and in the share bound."""
    segments, months, bands = design.at_risk.shape
    if design.clock is None:
        by_month, by_band = np.zeros((segments, months, bands, months)), np.zeros((segments, months, bands, bands))
        here, band = np.arange(months), np.arange(bands)
        by_month[:, here, :, here] = rates.natural.transpose(1, 0, 2)
        by_band[:, :, band, band] = rates.natural
        return by_month, by_band, np.zeros(())
    wish = np.exp(np.clip(effects.natural, -40, 10))
    if design.natural_factor is not None:
        wish = wish * design.natural_factor
    by_month, by_band, by_bound = design.clock.natural_slopes(effects.bound, wish)
    risk = design.at_risk
    return by_month * risk[..., None], by_band * risk[..., None], by_bound * risk


def spread_to_source_bands(design: LexisDesign, lagged: npt.NDArray[Any], weights: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """(C, S, M, B, D) share of the caused departures of each cell that band D sends, before its own factor, in the precision of `weights`."""
    source = design.source_band.astype(weights.dtype)
    if weights.ndim == 2:
        return np.tensordot(lagged * weights[:, None, None, :], source, axes=(3, 0))
    categories, segments, months, lags = lagged.shape
    bands = design.shape[3]
    by_segment = (weights[..., None] * source).reshape(categories, segments, lags, bands * bands)
    return np.asarray((lagged @ by_segment).reshape(categories, segments, months, bands, bands))


def weight_slopes(design: LexisDesign, effects: Effects) -> list[FloatArray]:
    """Of the weights, in the two numbers of each delay and in the share bound."""
    step, delay, bound = 1e-4, effects.delay, effects.bound
    shifts = [(np.array([step, 0.0]), 0.0), (np.array([0.0, step]), 0.0), (np.zeros(2), step)]
    return [
        (_kernel_weights(design, delay + one, bound + other) - _kernel_weights(design, delay - one, bound - other)) / (2 * step)
        for one, other in shifts
    ]
