"""Computes score and Fisher information of complaints and departures, and keeps their sparse structure.

Complaints inform each category alone, and within it every segment alone: small blocks. Departures tie all parameters together, but there are only
as many of them as Lexis cells: rows. Neither is ever multiplied out into a matrix over all parameters of a segment.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from iceberg.arrays import FloatArray, IntArray, SingleArray
from iceberg.model.departures.fit.design import (
    DepartureColumns,
    Effects,
    LexisDesign,
    Rates,
    departure_columns,
    lagged_intensity,
    natural_slopes,
    spread_to_source_bands,
    spread_weighted,
    weight_slopes,
)
from iceberg.model.departures.fit.parameters import ParameterLayout


def log_likelihood(design: LexisDesign, rates: Rates) -> float:
    """Poisson log-likelihood of complainants and silent exits, without constants."""
    complaints = np.where(design.complainants > 0, design.complainants * np.log(np.maximum(rates.complaints, 1e-300)), 0.0)
    departures = rates.departures
    exits = np.where(design.exits > 0, design.exits * np.log(np.maximum(departures, 1e-300)), 0.0) - departures
    return float(complaints.sum() - rates.complaints.sum() + exits.sum())


@dataclass(frozen=True, eq=False)
class Information:
    """Score and Fisher information in shared and per-segment parameters: complaints as blocks, departures as rows.

    Attributes:
        shared_score, own_score: (G,) and (S, n) slope of the log-likelihood.
        shared: (G, G) information of complaints in shared parameters.
        cells: (S, C, M, B - 1) expected complainants outside the reference band.
        by_month, by_band: (S, C, M) and (S, C, B - 1) expected complainants, all bands and all months.
        rows, own_rows: (S, R, G) and (S, R, n) derivative of the expected departures of R = M * B cells over their standard deviation;
            the information of departures is rows' rows. Of a wide layout in single precision, and in `rows` only the shared parameters of
            `ParameterLayout.others`: all others that a segment meets move its departures like one of its own parameters.
        root_weight: (S, R) one over that standard deviation.
        share: (C + 1, S, R) expected departures of each category and of natural causes, as a share.
    """

    shared_score: FloatArray
    own_score: FloatArray
    shared: FloatArray
    cells: FloatArray
    by_month: FloatArray
    by_band: FloatArray
    rows: npt.NDArray[Any]
    own_rows: npt.NDArray[Any]
    root_weight: FloatArray
    share: FloatArray


def fisher_information(design: LexisDesign, layout: ParameterLayout, effects: Effects, rates: Rates) -> Information:
    """Score and expected information of complaints and departures."""
    segments = layout.segments
    shared_score, own_score = np.zeros(layout.shared_size), np.zeros((segments, layout.local_size))
    silence = not design.at_risk.any()
    if silence:
        met_size = len(layout.other_places) if layout.is_wide else layout.shared_size
        rows, own_rows = _no_rows(segments, met_size), _no_rows(segments, layout.local_size)
        root_weight, share = np.zeros((segments, 0)), np.zeros((layout.categories + 1, segments, 0))
    else:
        departures = np.maximum(rates.departures, 1e-12)
        weight = np.where(design.at_risk > 0, 1 / departures, 0.0).reshape(segments, -1)
        root_weight = np.sqrt(weight)
        residual = (design.exits - rates.departures).reshape(segments, -1) * weight
        share = (np.concatenate([rates.caused, rates.natural[None]]) / departures).reshape(layout.categories + 1, segments, -1)
    if not silence and layout.is_wide:
        rows, own_rows = wide_rows(design, layout, effects, rates, root_weight.reshape(design.at_risk.shape))
        residual = (design.exits - rates.departures).reshape(segments, 1, -1) * root_weight[:, None]
        own_score += np.matmul(residual.astype(np.float32), own_rows)[:, 0]
        of_own, alike = layout.of_own
        np.add.at(shared_score, layout.met[:, of_own], own_score[:, alike])
        np.add.at(shared_score, layout.met[:, layout.other_places], np.matmul(residual.astype(np.float32), rows)[:, 0])
    elif not silence:
        columns = departure_columns(design, effects, rates)
        score = np.matmul(residual[:, None], columns.matrix)[:, 0]
        columns.matrix[:] *= root_weight[..., None]
        shared_pick, own_pick = _pick_columns(layout, columns)
        by_column = score.sum(0)
        rows = columns.matrix.take(shared_pick, axis=2)
        if layout.changes:
            through = _through_months(layout)
            month = slice(columns.month, columns.month + len(through))
            rows = np.concatenate([rows, columns.matrix[..., month] @ through], axis=2)
            shared_score += np.concatenate([by_column[shared_pick], by_column[month] @ through])
        else:
            shared_score += by_column[shared_pick]
        own_rows = columns.matrix.take(own_pick, axis=2)
        own_score += score[:, own_pick]
    shared, cells, by_month, by_band = _complaints(design, layout, rates, shared_score, own_score)
    return Information(shared_score, own_score, shared, cells, by_month, by_band, rows, own_rows, root_weight, share)


def _no_rows(segments: int, size: int) -> npt.NDArray[Any]:
    return np.zeros((segments, 0, size))


def _pick_columns(layout: ParameterLayout, columns: DepartureColumns) -> tuple[IntArray, IntArray]:
    """Column of `columns.matrix` for each shared and each per-segment parameter."""
    c, m, every, bands = layout.categories, layout.months, layout.every, layout.bands
    category, free = np.arange(c), layout.free_bands
    shared = [
        columns.month + np.arange(c * every),
        (columns.band + category[:, None] * bands + free[None]).ravel(),
        columns.ratio + category,
        columns.delay + np.arange(2 * c),
        np.array([columns.tilt]),
        columns.bound + np.arange(layout.binding),
        columns.natural_month + np.arange(m),
        columns.natural_band + free,
    ]
    if not layout.local:
        return np.concatenate(shared), np.zeros(0, dtype=np.int64)
    own = [
        columns.ratio + category,
        (columns.month + category[:, None] * every + (every - m) + np.arange(m)[None]).ravel(),
        np.array([columns.natural_all]),
        columns.natural_month + np.arange(m),
        columns.natural_band + np.arange(bands),
    ]
    return np.concatenate(shared), np.concatenate(own)


def _through_months(layout: ParameterLayout) -> FloatArray:
    """(C * Q, L + W) how a change moves the months that departures follow; the season moves none of them."""
    columns = layout.walk_columns.copy()
    columns[..., len(layout.changes) :] = 0.0
    return columns.reshape(-1, columns.shape[2])


def _complaints(
    design: LexisDesign, layout: ParameterLayout, rates: Rates, shared_score: FloatArray, own_score: FloatArray
) -> tuple[FloatArray, FloatArray, FloatArray, FloatArray]:
    """Adds the complaint part to both scores; its information in shared parameters, and what that in per-segment ones is made of."""
    mu, residual = rates.complaints, design.complainants - rates.complaints
    score = layout.shared(shared_score)
    first = layout.every - layout.months
    free = layout.free_bands
    by_category_month = residual.sum(3)  # C S M
    score["month"][:, first:] += by_category_month.sum(1)
    score["band"][:] += residual.sum((1, 2))[:, free]
    cells = mu[..., free].transpose(1, 0, 2, 3)
    by_month, by_band = mu.sum(3).transpose(1, 0, 2), cells.sum(2)
    shared = np.zeros((layout.shared_size, layout.shared_size))
    index = layout.at
    month = index["month"][:, first:]
    band = index["band"]
    shared[month, month] = by_month.sum(0)
    shared[band, band] = by_band.sum(0)
    cross = cells.sum(0)
    shared[month[:, :, None], band[:, None, :]] = cross
    shared[band[:, None, :], month[:, :, None]] = cross
    if layout.column_sizes:
        _of_levels(layout, by_category_month, by_month, by_band, score["level"], shared)
    if layout.local:
        own = layout.own(own_score)
        own["segment"][:] += by_category_month.sum(2).T
        own["burst"][:] += by_category_month.transpose(1, 0, 2)
    return shared, cells, by_month, by_band


def _of_levels(
    layout: ParameterLayout, residual: FloatArray, by_month: FloatArray, by_band: FloatArray, score: FloatArray, shared: FloatArray
) -> None:
    """Adds the complaint part of the levels of segment columns: `residual` is (C, S, M), `by_month` (S, C, M) and `by_band` (S, C, B - 1)."""
    index, first = layout.at, layout.every - layout.months
    member = layout.members
    score[:] += member @ residual.sum(2).T
    for c in range(layout.categories):
        level = index["level"][:, c]
        for beside, expected in ((index["month"][c, first:], by_month[:, c]), (index["band"][c], by_band[:, c])):
            cross = member @ expected
            shared[np.ix_(level, beside)] = cross
            shared[np.ix_(beside, level)] = cross.T
        shared[np.ix_(level, level)] = (member * by_month[:, c].sum(1)) @ member.T


def wide_rows(
    design: LexisDesign, layout: ParameterLayout, effects: Effects, rates: Rates, root_weight: FloatArray
) -> tuple[SingleArray, SingleArray]:
    """`Information.rows` and `own_rows` of a wide layout, written once in single precision."""
    segments, months, bands = design.at_risk.shape
    c, before = layout.categories, layout.every - layout.months
    rows = np.zeros((segments, months, bands, len(layout.other_places)), dtype=np.float32)
    own = np.zeros((segments, months, bands, layout.local_size), dtype=np.float32)
    of, mine = layout.others(rows), layout.own(own)
    scale = (design.at_risk * root_weight).astype(np.float32)
    ratio = np.exp(np.clip(effects.log_ratio, -40, 15))
    intensity = (rates.intensity * ratio[:, None, None]).astype(np.float32)
    lagged = lagged_intensity(design, intensity)  # C S M L
    by_segment = rates.weights[:, None, :, None] if design.clock is None else rates.weights
    moved = (by_segment * rates.moved_band[:, None]).astype(np.float32).transpose(2, 1, 3, 0)  # L S (or 1) B C
    for lag in range(design.lags + 1):
        for m in range(months):
            source = design.before + m - lag
            part = intensity[:, :, source].T[:, None, :] * moved[lag] * scale[:, m, :, None]
            if source < before:
                of["month"][:, m, :, :, source] = part
            else:
                mine["burst"][:, m, :, :, source - before] = part
    spread = spread_to_source_bands(design, lagged, rates.weights.astype(np.float32))
    spread *= scale[None, ..., None]  # C S M B D: struck in band D
    reading = np.exp(np.clip(effects.tilt * design.tenure_score, -20, 20))[:, None] * design.band_reading
    for k in range(c):
        of["band"][..., k, :] = spread[k] @ (reading * rates.band_factor[k])[:, layout.free_bands].astype(np.float32)
    of["tilt"][..., 0] = np.einsum("csmbd,cd->smb", spread, (rates.struck_factor * design.tenure_score).astype(np.float32))
    if design.lags:
        *delays, bound = weight_slopes(design, effects)
        for number, slope in enumerate(delays):
            of["delay"][..., number] = np.moveaxis(spread_weighted(design, intensity, slope, rates.moved_band) * scale, 0, -1)
        if design.clock is not None:
            of["bound"][..., 0] = (spread_weighted(design, intensity, bound, rates.moved_band) * scale).sum(axis=0)
    for number, columns in enumerate(layout.before_change.astype(np.float32)):
        of["change"][..., number] = np.einsum("smbcq,cq->smb", mine["burst"], columns[:, before:], optimize=True)
        of["change"][..., number] += np.einsum("smbcq,cq->smb", of["month"], columns[:, :before], optimize=True)
    natural = (rates.natural * root_weight).astype(np.float32)
    if design.clock is None:
        here, band = np.arange(months), np.arange(bands)
        mine["natural_segment_month"][:, here, :, here] = natural.transpose(1, 0, 2)
        mine["natural_segment_band"][:, :, band, band] = natural
    else:
        by_month, by_band, by_bound = natural_slopes(design, effects, rates)
        mine["natural_segment_month"][:] = by_month * root_weight[..., None]
        mine["natural_segment_band"][:] = by_band * root_weight[..., None]
        of["bound"][..., 0] += by_bound * root_weight
    mine["segment"][:] = (rates.caused * root_weight).transpose(1, 2, 3, 0)
    mine["natural_segment"][..., 0] = natural
    return rows.reshape(segments, months * bands, -1), own.reshape(segments, months * bands, -1)
