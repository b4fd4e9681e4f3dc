"""Draws from the joint posterior, and splits each cell's observed departures between natural causes and categories.

The split is multinomial with the expected shares of the cell, so in every draw and every cell the categories and the natural departures add up
to the customers who really left in silence.
"""

from __future__ import annotations

from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve
from scipy.special import ndtri

from iceberg.arrays import FloatArray, IntArray, SingleArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.departures.fit.design import lagged_intensity
from iceberg.model.departures.fit.model import ExcessHazardFit
from iceberg.model.departures.fit.parameters import FEW_SEGMENTS
from iceberg.model.ratio.posterior import draw_log_ratios
from iceberg.model.recording.changes import RecordingFactors, changes_inside, shares_before
from iceberg.model.survival.delay_kernel import lag_weights

CHUNK = 100  # draws evaluated at a time; bounds the memory


@dataclass(frozen=True, eq=False)
class ReconciliationDraws:
    """K joint draws.

    Attributes:
        silent_churn: float32 (K, C, S, M) whole customers.
        natural: float32 (K, S, M); `silent_churn.sum(1) + natural` is the observed silent leavers of the cell in every draw.
        ratio: (K, C) silent leavers per vocal customer, H_c / V_c; the parameter r_c where nobody complained. V_c as today's recording would
            have it, where what is recorded changed.
        log_ratio: (K, C) the parameter.
        level: (K,) what all categories share of it.
        sufferers: float32 (K, C, M) silent customers struck in a month who leave because of it sooner or later, if nothing else takes them first.
        delay: (K, C, 2) log mean days and log shape of the delay of each category behind the draw.
        bound: (K,) how far the share bound by contracts is moved, logit scale; zeros without contracts.
        change: (K, L) log factor of each change of what is recorded.
    """

    silent_churn: SingleArray
    natural: SingleArray
    ratio: FloatArray
    log_ratio: FloatArray
    level: FloatArray
    sufferers: SingleArray
    delay: FloatArray
    bound: FloatArray
    change: FloatArray

    def at(self, rows: IntArray) -> ReconciliationDraws:
        """Some of the draws, some perhaps more than once."""
        if len(rows) == len(self.ratio) and bool((np.diff(rows) == 1).all()):
            return self
        return ReconciliationDraws(*(getattr(self, field.name)[rows] for field in fields(self)))


def draw_silent_churn(
    fit: ExcessHazardFit, counts: CohortCounts, *, rng: np.random.Generator, draws: int, common_error: float = 0.0
) -> ReconciliationDraws:
    """Joint draws of the silent churn of every category, segment and month; alternatives of `fit` share the draws by their weights.

    Args:
        fit: Of `counts`.
        counts: Whose silent leavers are split.
        rng: Of the draws.
        draws: K.
        common_error: Log-sd of what the model may be wrong about in all categories alike: in every draw one factor on the odds of leaving because
            of a problem against leaving by oneself. 0 where the draws are to be those of the model.
    """
    if fit.alternatives:
        ladder = np.cumsum([weight for weight, _ in fit.alternatives])
        ends = np.round(draws * ladder / ladder[-1]).astype(int)
        sizes = np.diff(ends, prepend=0)
        parts = [
            draw_silent_churn(replace(one, alternatives=()), counts, rng=rng, draws=int(size), common_error=common_error)
            for size, (_, one) in zip(sizes, fit.alternatives, strict=True)
            if size
        ]
        return ReconciliationDraws(*(np.concatenate([getattr(part, item.name) for part in parts]) for item in fields(ReconciliationDraws)))
    away, shared, level = draw_shared_parameters(fit, rng, draws)
    wrong = np.exp(common_error * rng.permutation(ndtri((np.arange(draws) + 0.5) / draws))) if common_error else np.ones(draws)
    categories, segments, months, _ = fit.design.shape
    exits = counts.silent_exits.sum(axis=2)
    churn = np.zeros((draws, categories, segments, months), dtype=np.float32)
    natural = np.zeros((draws, segments, months), dtype=np.float32)
    sufferers = np.zeros((draws, categories, months), dtype=np.float32)
    at_a_time = CHUNK if segments <= FEW_SEGMENTS or fit.design.clock is None else max(CHUNK * FEW_SEGMENTS // segments, 1)
    for low in range(0, draws, at_a_time):
        part = slice(low, min(low + at_a_time, draws))
        own = fit.arrow.draw_own(rng, away[part]) + fit.own.astype(np.float32)
        if fit.layout.is_wide and fit.design.clock is None:
            left = np.nonzero(fit.design.exits.sum(2))
            shares, sufferers[part] = shares_of_leavers(fit, shared[part], own)
            split = rng.multinomial(exits[left], _with_error(shares, wrong[part]))
            churn[part, :, left[0], left[1]] = split[..., :categories].transpose(0, 2, 1)
            natural[part] = exits  # months that are no evidence explain nothing
            natural[part, left[0], left[1]] = split[..., categories]
            continue
        shares, sufferers[part] = cell_shares(fit, shared[part], own)
        split = rng.multinomial(exits[None], _with_error(shares, wrong[part]))
        churn[part] = np.moveaxis(split[..., :categories], -1, 1)
        natural[part] = split[..., categories]
    sufferers *= (wrong * fit.design.group_size).astype(np.float32)[:, None, None]
    log_ratio = fit.layout.shared(shared)["ratio"]
    vocal = counts.complainants.sum(axis=(1, 2, 3))
    total = churn.sum(axis=(2, 3), dtype=np.float64)
    named = len(fit.layout.changes) - fit.layout.speaking
    change = np.array(fit.layout.shared(shared)["change"][:, :named])
    heard: FloatArray | IntArray = vocal
    if named:
        factors = RecordingFactors(changes_inside(counts), change, shares_before(counts))
        heard = vocal * factors.inflation(counts.complainants.sum(axis=(1, 3)).astype(np.float64))
    ratio = np.where(vocal > 0, total / np.maximum(heard, 1), np.exp(log_ratio))
    return ReconciliationDraws(
        churn, natural, ratio, np.array(log_ratio), level, sufferers, shared_delay(fit, shared), moved_bound(fit, shared), change
    )


def _with_error(shares: FloatArray, factor: FloatArray) -> FloatArray:
    """(K, ..., C + 1) shares with the odds of every category against the last, natural, multiplied by a factor (K,); sums to one."""
    if (factor == 1).all():
        return shares
    moved = shares.copy()
    moved[..., :-1] *= factor.reshape(-1, *[1] * (shares.ndim - 1))
    return np.asarray(moved / moved.sum(axis=-1, keepdims=True))


def draw_shared_parameters(fit: ExcessHazardFit, rng: np.random.Generator, draws: int) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(K, G) shared parameters, as deviations on the scale of the Gaussian and as they are, and (K,) the level of the log ratios.

    Ratios come from their skewed posterior, the rest is Gaussian around its mean given the ratios. Given the ratios, everything else moves
    linearly in r_c / mode_c, because expected departures do.
    """
    at = fit.ratio_positions
    drawn = draw_log_ratios(fit.ratio_likelihood, fit.ratio_prior, fit.ratio_covariance, rng=rng, draws=draws)
    log_ratio = drawn.log_ratio
    away = fit.arrow.draw_shared(rng, draws)
    unit = np.eye(fit.layout.shared_size)[:, at]
    covariance = cho_solve((fit.arrow.shared, True), unit, check_finite=False)
    slope = covariance @ np.linalg.inv(covariance[at])
    moved = np.clip(np.expm1(log_ratio - fit.shared[at]), -1.0, 10.0)
    away = away + (moved - away[:, at]) @ slope.T
    shared = away + fit.shared
    shared[:, at] = log_ratio
    return away, shared, drawn.level


def cell_shares(fit: ExcessHazardFit, shared: FloatArray, own: npt.NDArray[Any]) -> tuple[FloatArray, SingleArray]:
    """(K, S, M, C + 1) share of each cell's silent leavers due to each category; the last is natural. Sums to one. And the sufferers (K, C, M).

    Tenure bands are weighted by the departures they really had.
    """
    design = fit.design
    categories = design.shape[0]
    caused, natural, sufferers = draw_rates(fit, shared, own)
    expected = natural.copy()
    for part in caused:
        expected += part
    exits = design.exits.astype(np.float32)
    weight = exits / np.maximum(expected, 1e-30)
    shares = np.empty((len(shared), *design.shape[1:3], categories + 1), dtype=np.float64)
    for category, part in enumerate(caused):
        shares[..., category] = (part * weight).sum(-1)
    shares[..., categories] = (natural * weight).sum(-1)
    total = shares.sum(-1, keepdims=True)
    empty = total[..., 0] <= 0
    shares[empty] = 0.0
    shares[empty, categories] = 1.0
    shares /= np.where(total > 0, total, 1.0)
    return shares, sufferers


def shares_of_leavers(fit: ExcessHazardFit, shared: FloatArray, own: npt.NDArray[Any]) -> tuple[FloatArray, SingleArray]:
    """The shares of `cell_shares` for the segments and months in which customers left, (K, cells, C + 1) in their order; and the sufferers.

    Where segments are many, most tenure bands of a month see no departure: rates are worked out where there is one. Contracts, under which those
    of one cell depend on the others, are left to `cell_shares`.
    """
    design, layout = fit.design, fit.layout
    of, mine = layout.shared(shared.astype(np.float32)), layout.own(own.astype(np.float32))
    draws, bands, c = len(shared), layout.bands, layout.categories
    segment, month, band = np.nonzero(design.exits)
    cell_of = np.cumsum(np.r_[0, (np.diff(segment) != 0) | (np.diff(month) != 0)]) if len(segment) else segment
    starts = np.flatnonzero(np.r_[1, np.diff(cell_of)]) if len(segment) else segment
    by_lag, tilted, reading = _delays_and_tilts(fit, shared, of["tilt"])
    weights, unrecorded = by_lag.astype(np.float32), _unrecorded(fit, of["change"])
    risk, source = design.at_risk.astype(np.float32), design.source_band.astype(np.float32)
    levels = np.array(layout.membership, dtype=np.int64).reshape(layout.segments, -1)
    month_of = segment * layout.every + design.before + month  # among the months of all segments
    expected = np.empty((c + 1, draws, len(segment)), dtype=np.float32)
    sufferers = np.empty((draws, c, layout.months), dtype=np.float32)
    for category in range(c):
        own_level = mine["segment"][:, :, category] + of["level"][:, levels, category].sum(2)
        log_intensity = (of["month"][:, category] + unrecorded[:, category])[:, None, :] + (own_level + of["ratio"][:, category, None])[..., None]
        log_intensity[..., design.before :] += mine["burst"][:, :, category]
        intensity = np.exp(np.clip(log_intensity, -40, 15, out=log_intensity), out=log_intensity)
        factor = np.ones((draws, bands), dtype=np.float32)
        factor[:, layout.free_bands] = np.exp(np.clip(of["band"][:, category], -20, 20))
        factor = (factor @ reading.T) * tilted
        exposed = (factor @ risk.reshape(-1, bands).T).reshape(draws, layout.segments, layout.months)
        sufferers[:, category] = np.einsum("ksm,ksm->km", intensity[..., design.before :], exposed)
        moved = np.einsum("lbd,kd->klb", source, factor) * weights[:, category, :, None]
        caused = expected[category]
        caused[:] = 0
        for lag in range(design.lags + 1):
            caused += _taken(intensity, month_of - lag) * moved[:, lag].take(band, axis=1)
    of_segment = mine["natural_segment"] + of["natural_level"][:, levels].sum(2, keepdims=True)
    natural = of["natural_month"].take(month, axis=1) + of_segment[..., 0].take(segment, axis=1)
    natural += _taken(mine["natural_segment_month"], segment * layout.months + month) + _taken(mine["natural_segment_band"], segment * bands + band)
    of_band = np.zeros((draws, bands), dtype=np.float32)
    of_band[:, layout.free_bands] = of["natural_band"]
    expected[c] = np.exp(np.clip(natural + of_band.take(band, axis=1), -40, 10))
    if design.natural_factor is not None:
        expected[c] *= design.natural_factor[month, band].astype(np.float32)
    expected *= design.exits[segment, month, band].astype(np.float32) / np.maximum(expected.sum(0), 1e-30)
    shares = np.add.reduceat(expected, starts, axis=2).astype(np.float64) if len(segment) else np.zeros((c + 1, draws, 0))
    shares /= shares.sum(0)
    return np.ascontiguousarray(shares.transpose(1, 2, 0)), sufferers


def _taken(values: SingleArray, places: IntArray) -> SingleArray:
    """(K, places) of the flattened trailing axes: many times faster than an index per axis."""
    return values.reshape(len(values), -1).take(places, axis=1)


def draw_rates(fit: ExcessHazardFit, shared: FloatArray, own: npt.NDArray[Any]) -> tuple[list[SingleArray], SingleArray, SingleArray]:
    """Expected silent churn of each category and natural departures, (K, S, M, B) customers; and sufferers, (K, C, M)."""
    design, layout = fit.design, fit.layout
    of = layout.shared(shared.astype(np.float32))
    mine = layout.own(own.astype(np.float32)) if layout.local else {}
    draws, bands = len(shared), layout.bands
    unrecorded = _unrecorded(fit, of["change"])
    by_lag, tilted, reading = _delays_and_tilts(fit, shared, of["tilt"])
    clock, bound = design.clock, moved_bound(fit, shared)
    source = design.source_band.astype(np.float32)
    risk = design.at_risk.astype(np.float32)
    caused, sufferers = [], np.empty((draws, layout.categories, layout.months), dtype=np.float32)
    for category in range(layout.categories):
        month = of["month"][:, category] + unrecorded[:, category]
        log_intensity = np.repeat(month[:, None, :], layout.segments, axis=1)
        band = np.zeros((draws, bands), dtype=np.float32)
        band[:, layout.free_bands] = of["band"][:, category]
        if layout.local:
            log_intensity = log_intensity + mine["segment"][:, :, category, None]
            if layout.column_sizes:
                log_intensity += of["level"][:, np.array(layout.membership), category].sum(2)[..., None]
            log_intensity[..., design.before :] += mine["burst"][:, :, category]
        intensity = np.exp(np.clip(log_intensity + of["ratio"][:, category, None, None], -40, 15))
        factor = (np.exp(np.clip(band, -20, 20)) @ reading.T) * tilted
        exposed = (factor @ risk.reshape(-1, bands).T).reshape(draws, layout.segments, layout.months)
        sufferers[:, category] = (intensity[..., design.before :] * exposed).sum(axis=1)
        moved = np.einsum("lbd,kd->klb", source, factor)
        lagged = lagged_intensity(design, intensity)
        if clock is None:
            flat = np.matmul(lagged.reshape(draws, -1, design.lags + 1), moved * by_lag[:, category, :, None].astype(np.float32))
        else:
            flat = np.matmul(lagged, moved[:, None] * clock.weights(bound, by_lag[:, category]).astype(np.float32))
        caused.append(flat.reshape(draws, *design.shape[1:]) * risk)
    natural = np.zeros((draws, *design.shape[1:]), dtype=np.float32) + of["natural_month"][:, None, :, None]
    natural[..., layout.free_bands] += of["natural_band"][:, None, None, :]
    if layout.local:
        natural += (mine["natural_segment"] + mine["natural_segment_month"])[..., None]
        natural += mine["natural_segment_band"][:, :, None, :]
        if layout.column_sizes:
            natural += of["natural_level"][:, np.array(layout.membership)].sum(2)[..., None, None]
    natural = np.exp(np.clip(natural, -40, 10))
    if design.natural_factor is not None:
        natural = natural * design.natural_factor.astype(np.float32)
    if clock is not None:
        natural = clock.natural(bound, natural)
    return caused, natural * risk, sufferers


def moved_bound(fit: ExcessHazardFit, shared: FloatArray) -> FloatArray:
    """(K,) `ReconciliationDraws.bound`."""
    return np.asarray(fit.layout.shared(shared)["bound"].sum(axis=-1), dtype=np.float64)


def _unrecorded(fit: ExcessHazardFit, change: SingleArray) -> SingleArray:
    """(K, C, Q) log share of the complaints of each month that today's recording would add; zeros where it did not change."""
    if not fit.layout.changes:
        return np.zeros((1, fit.layout.categories, 1), dtype=np.float32)
    return np.asarray(np.einsum("kl,lcq->kcq", change, fit.layout.before_change.astype(np.float32)))


def _delays_and_tilts(fit: ExcessHazardFit, shared: FloatArray, tilt: SingleArray) -> tuple[FloatArray, SingleArray, SingleArray]:
    """Of every draw: (K, C, lags + 1) lag weights and (K, B) tilt of the ratio with tenure; and `LexisDesign.band_reading`."""
    design, delay = fit.design, shared_delay(fit, shared)
    weights = lag_weights(delay, design.lags) if design.lags else np.ones((*delay.shape[:2], 1))
    tilted = np.exp(np.clip(tilt * design.tenure_score.astype(np.float32), -20, 20))
    return weights, tilted, design.band_reading.astype(np.float32)


def shared_delay(fit: ExcessHazardFit, shared: FloatArray) -> FloatArray:
    """(K, C, 2) delay parameters of the draws, kept within what a delay can be (a day to three years)."""
    delay = fit.layout.shared(shared)["delay"]
    return np.asarray(np.clip(delay, np.log([1.0, 0.2]), np.log([1000.0, 30.0])), dtype=np.float64)
