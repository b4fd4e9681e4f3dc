"""Owns the joint draws: parameters from the posterior, then each cell's observed departures split between natural causes and categories.

The split is multinomial with the expected shares of the cell, so in every draw and every cell the categories and the natural departures add up
to the customers who really left in silence.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve

from iceberg.cohort.counts import CohortCounts
from iceberg.model.delay_kernel import lag_weights
from iceberg.model.excess_hazard import ExcessHazardFit
from iceberg.model.lexis_design import lagged_intensity
from iceberg.model.ratio_posterior import draw_log_ratios

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.int64]
SingleArray = npt.NDArray[np.float32]

CHUNK = 100  # draws evaluated at a time; bounds the memory


@dataclass(frozen=True, eq=False)
class ReconciliationDraws:
    """K joint draws.

    Attributes:
        silent_churn: float32 (K, C, S, M) whole customers.
        natural: float32 (K, S, M); `silent_churn.sum(1) + natural` is the observed silent leavers of the cell in every draw.
        ratio: (K, C) silent leavers per vocal customer, H_c / V_c; the parameter r_c where nobody complained.
        log_ratio: (K, C) the parameter.
        shared, own: (K, .) and (K, S, .) the parameters behind the draws, for the forecast; empty once that is made.
    """

    silent_churn: SingleArray
    natural: SingleArray
    ratio: FloatArray
    log_ratio: FloatArray
    shared: FloatArray
    own: FloatArray

    def rows(self, rows: IndexArray) -> ReconciliationDraws:
        """Some of the draws, some perhaps more than once."""
        if len(rows) == len(self.ratio) and bool((np.diff(rows) == 1).all()):
            return self
        shared, own = (self.shared[rows], self.own[rows]) if len(self.shared) else (self.shared, self.own)
        return ReconciliationDraws(self.silent_churn[rows], self.natural[rows], self.ratio[rows], self.log_ratio[rows], shared, own)

    def without_parameters(self) -> ReconciliationDraws:
        """The same without what only the forecast needs: most of the memory."""
        return replace(self, shared=self.shared[:0], own=self.own[:0])


def draw_silent_churn(fit: ExcessHazardFit, counts: CohortCounts, *, rng: np.random.Generator, draws: int) -> ReconciliationDraws:
    """Joint draws of the silent churn of every category, segment and month."""
    shared, own = draw_parameters(fit, rng, draws)
    categories, segments, months, _ = fit.design.shape
    exits = counts.silent_exits.sum(axis=2)
    churn = np.zeros((draws, categories, segments, months), dtype=np.float32)
    natural = np.zeros((draws, segments, months), dtype=np.float32)
    for low in range(0, draws, CHUNK):
        part = slice(low, min(low + CHUNK, draws))
        shares = cell_shares(fit, shared[part], own[part])
        split = rng.multinomial(exits[None], shares)
        churn[part] = np.moveaxis(split[..., :categories], -1, 1)
        natural[part] = split[..., categories]
    log_ratio = fit.layout.shared(shared)["ratio"]
    vocal = counts.complainants.sum(axis=(1, 2, 3))
    total = churn.sum(axis=(2, 3), dtype=np.float64)
    ratio = np.where(vocal > 0, total / np.maximum(vocal, 1), np.exp(log_ratio))
    return ReconciliationDraws(churn, natural, ratio, np.asarray(log_ratio), shared, own)


def draw_parameters(fit: ExcessHazardFit, rng: np.random.Generator, draws: int) -> tuple[FloatArray, FloatArray]:
    """Shared and per-segment parameters: ratios from their skewed posterior, the rest Gaussian around its mean given the ratios.

    Given the ratios, everything else moves linearly in r_c / mode_c, because expected departures do.
    """
    at = fit.ratio_positions
    log_ratio = draw_log_ratios(fit.ratio_likelihood, fit.ratio_prior, fit.ratio_covariance, rng=rng, draws=draws)
    shared, own = fit.arrow.draw(rng, draws)
    unit = np.eye(fit.layout.shared_size)[:, at]
    covariance = cho_solve((fit.arrow.shared, True), unit, check_finite=False)
    slope = covariance @ np.linalg.inv(covariance[at])
    moved = np.clip(np.expm1(log_ratio - fit.shared[at]), -1.0, 10.0)
    shift = (moved - shared[:, at]) @ slope.T
    shared = shared + shift
    own -= fit.arrow.response(shift).transpose(1, 0, 2)
    shared += fit.shared
    shared[:, at] = log_ratio
    return shared, own + fit.own


def cell_shares(fit: ExcessHazardFit, shared: FloatArray, own: FloatArray) -> FloatArray:
    """(K, S, M, C + 1) share of each cell's silent leavers due to each category; the last is natural. Sums to one.

    Tenure bands are weighted by the departures they really had.
    """
    design = fit.design
    categories = design.shape[0]
    caused, natural = draw_rates(fit, shared, own)
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
    return shares / np.where(total > 0, total, 1.0)


def draw_rates(fit: ExcessHazardFit, shared: FloatArray, own: FloatArray) -> tuple[list[SingleArray], SingleArray]:
    """Expected silent churn per month at risk of each category, and natural departures, as (K, S, M, B) hazards times months at risk."""
    design, layout = fit.design, fit.layout
    of = layout.shared(shared.astype(np.float32))
    mine = layout.own(own.astype(np.float32)) if layout.local else {}
    draws, bands = len(shared), layout.bands
    weights = (lag_weights(shared_delay(fit, shared), design.lags) if design.lags else np.ones((draws, 1))).astype(np.float32)
    source = design.source_band.astype(np.float32)
    risk = design.at_risk.astype(np.float32)
    caused = []
    for category in range(layout.categories):
        log_intensity = np.repeat(of["month"][:, category, None, :], layout.segments, axis=1)
        band = np.zeros((draws, bands), dtype=np.float32)
        band[:, layout.free_bands] = of["band"][:, category]
        if layout.local:
            log_intensity = log_intensity + mine["segment"][:, :, category, None]
            log_intensity[..., design.before :] += mine["burst"][:, :, category]
        intensity = np.exp(np.clip(log_intensity + of["ratio"][:, category, None, None], -40, 15))
        moved = np.einsum("lbd,kd->klb", source, np.exp(np.clip(band, -20, 20))) * weights[:, :, None]
        lagged = lagged_intensity(design, intensity)
        flat = np.matmul(lagged.reshape(draws, -1, design.lags + 1), moved)
        caused.append(flat.reshape(draws, *design.shape[1:]) * risk)
    natural = np.zeros((draws, *design.shape[1:]), dtype=np.float32) + of["natural_month"][:, None, :, None]
    natural[..., layout.free_bands] += of["natural_band"][:, None, None, :]
    if layout.local:
        natural += (mine["natural_segment"] + mine["natural_segment_month"])[..., None]
        natural += mine["natural_segment_band"][:, :, None, :]
    return caused, np.exp(np.clip(natural, -40, 10)) * risk


def shared_delay(fit: ExcessHazardFit, shared: FloatArray) -> FloatArray:
    """(K, 2) delay parameters of the draws, kept within what a delay can be (a day to three years)."""
    delay = fit.layout.shared(shared)["delay"]
    return np.asarray(np.clip(delay, np.log([1.0, 0.2]), np.log([1000.0, 30.0])), dtype=np.float64)
