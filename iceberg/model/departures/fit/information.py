"""Computes score and Fisher information of complaints and departures, and keeps their sparse structure.

Complaints inform each category alone, and within it every segment alone: small blocks. Departures tie all parameters together, but there are only
as many of them as Lexis cells: rows. Neither is ever multiplied out into a matrix over all parameters of a segment.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from iceberg.arrays import FloatArray, IntArray
from iceberg.model.departures.fit.design import DepartureColumns, Effects, LexisDesign, Rates, departure_columns
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
            the information of departures is rows' rows.
        root_weight: (S, R) one over that standard deviation.
        share: (C + 1, S, R) expected departures of each category and of natural causes, as a share.
    """

    shared_score: FloatArray
    own_score: FloatArray
    shared: FloatArray
    cells: FloatArray
    by_month: FloatArray
    by_band: FloatArray
    rows: FloatArray
    own_rows: FloatArray
    root_weight: FloatArray
    share: FloatArray


def fisher_information(design: LexisDesign, layout: ParameterLayout, effects: Effects, rates: Rates) -> Information:
    """Score and expected information of complaints and departures."""
    segments = layout.segments
    shared_score, own_score = np.zeros(layout.shared_size), np.zeros((segments, layout.local_size))
    silence = not design.at_risk.any()
    if silence:
        rows, own_rows = np.zeros((segments, 0, layout.shared_size)), np.zeros((segments, 0, layout.local_size))
        root_weight, share = np.zeros((segments, 0)), np.zeros((layout.categories + 1, segments, 0))
    else:
        columns = departure_columns(design, effects, rates)
        departures = np.maximum(rates.departures, 1e-12)
        weight = np.where(design.at_risk > 0, 1 / departures, 0.0).reshape(segments, -1)
        root_weight = np.sqrt(weight)
        residual = (design.exits - rates.departures).reshape(segments, -1) * weight
        score = np.matmul(residual[:, None], columns.matrix)[:, 0]
        columns.matrix[:] *= root_weight[..., None]
        shared_pick, own_pick = _pick_columns(layout, columns)
        shared_score += score.sum(0)[shared_pick]
        rows = columns.matrix.take(shared_pick, axis=2)
        own_rows = columns.matrix.take(own_pick, axis=2)
        own_score += score[:, own_pick]
        share = (np.concatenate([rates.caused, rates.natural[None]]) / departures).reshape(layout.categories + 1, segments, -1)
    shared, cells, by_month, by_band = _complaints(design, layout, rates, shared_score, own_score)
    return Information(shared_score, own_score, shared, cells, by_month, by_band, rows, own_rows, root_weight, share)


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
    if layout.local:
        own = layout.own(own_score)
        own["segment"][:] += by_category_month.sum(2).T
        own["burst"][:] += by_category_month.transpose(1, 0, 2)
    return shared, cells, by_month, by_band
