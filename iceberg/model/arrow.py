"""Owns the information matrix: score and Fisher information on Lexis cells, and its factors, segment by segment.

Effects of one segment meet those of another only through what all segments share, so the matrix is an arrow: each segment's block goes first.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, solve_triangular

from iceberg.model.lexis_design import Columns, Effects, LexisDesign, Rates, departure_columns
from iceberg.model.parameter_layout import Layout, Prior

FloatArray = npt.NDArray[np.float64]
IndexArray = npt.NDArray[np.int64]
Part = TypeVar("Part")

THREADS = 2  # the matrix routines let go of the interpreter; parts are put together in order, so the result is the same on any number


def of_segments(work: Callable[[int], Part], segments: int) -> list[Part]:
    """`work` of every segment, side by side, in order."""
    if segments < THREADS:
        return [work(s) for s in range(segments)]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, range(segments)))


@dataclass(frozen=True, eq=False)
class Arrow:
    """Cholesky factors of the information: per segment, and of what is shared after the segments are eliminated.

    Attributes:
        local: (S, n, n) lower factors.
        bridge: (S, n, G) local^-1 x coupling.
        shared: (G, G) lower factor of the Schur complement.
    """

    local: FloatArray
    bridge: FloatArray
    shared: FloatArray

    def solve(self, shared: FloatArray, own: FloatArray) -> tuple[FloatArray, FloatArray]:
        """information^-1 times a vector."""
        reduced = shared.copy()
        halves = np.empty_like(own)
        for s in range(len(own)):
            halves[s] = solve_triangular(self.local[s], own[s], lower=True, check_finite=False)
            reduced -= self.bridge[s].T @ halves[s]
        first = cho_solve((self.shared, True), reduced, check_finite=False)
        for s in range(len(own)):
            halves[s] = solve_triangular(self.local[s], halves[s] - self.bridge[s] @ first, lower=True, trans=1, check_finite=False)
        return first, halves

    def shared_covariance(self) -> FloatArray:
        """Posterior covariance of the shared parameters."""
        return np.asarray(cho_solve((self.shared, True), np.eye(len(self.shared)), check_finite=False))

    def local_variances(self) -> FloatArray:
        """(S, n) posterior variances of the per-segment parameters."""
        # Single precision: the variances learned from these settle to a few percent.
        eye, factor = np.eye(self.local.shape[1], dtype=np.float32), self.shared.astype(np.float32)

        def of_segment(s: int) -> FloatArray:
            inverse = solve_triangular(self.local[s].astype(np.float32), eye, lower=True, check_finite=False)
            coupled = self.bridge[s].astype(np.float32).T @ inverse
            through = solve_triangular(factor, coupled, lower=True, check_finite=False)
            return np.asarray((inverse**2).sum(0) + (through**2).sum(0), dtype=np.float64)

        return np.array(of_segments(of_segment, len(self.local))).reshape(self.local.shape[:2])

    def draw(self, rng: np.random.Generator, draws: int) -> tuple[FloatArray, FloatArray]:
        """Deviations from the mode with the posterior covariance: (K, G) and (K, S, n)."""
        size = len(self.shared)
        shared = solve_triangular(self.shared, rng.standard_normal((size, draws)), lower=True, trans=1, check_finite=False)
        segments, own_size = self.local.shape[:2]
        own = np.empty((draws, segments, own_size))
        for s in range(segments):
            noise = rng.standard_normal((own_size, draws)) - self.bridge[s] @ shared
            own[:, s] = solve_triangular(self.local[s], noise, lower=True, trans=1, check_finite=False).T
        return shared.T, own

    @property
    def log_determinant(self) -> float:
        """Log |information|."""
        own = np.log(np.diagonal(self.local, axis1=1, axis2=2)).sum()
        return float(2 * (own + np.log(np.diagonal(self.shared)).sum()))


def log_likelihood(design: LexisDesign, rates: Rates) -> float:
    """Poisson log-likelihood of complainants and silent exits, without constants."""
    complaints = np.where(design.complainants > 0, design.complainants * np.log(np.maximum(rates.complaints, 1e-300)), 0.0)
    departures = rates.departures
    exits = np.where(design.exits > 0, design.exits * np.log(np.maximum(departures, 1e-300)), 0.0) - departures
    return float(complaints.sum() - rates.complaints.sum() + exits.sum())


@dataclass(frozen=True, eq=False)
class Information:
    """Score and Fisher information of the likelihood in shared and per-segment parameters."""

    shared_score: FloatArray
    local_score: FloatArray
    shared: FloatArray
    coupling: FloatArray
    local: FloatArray
    scaled: FloatArray
    root_weight: FloatArray
    share: FloatArray


def fisher_information(design: LexisDesign, layout: Layout, effects: Effects, rates: Rates) -> Information:
    """Score and expected information of complaints and departures."""
    columns = departure_columns(design, effects, rates)
    shared_pick, local_pick = pick_columns(layout, columns)
    segments = layout.segments
    departures = np.maximum(rates.departures, 1e-12)
    weight = (1 / departures).reshape(segments, -1)
    weight = np.where(design.at_risk.reshape(segments, -1) > 0, weight, 0.0)
    residual = ((design.exits - rates.departures).reshape(segments, -1)) * weight
    score = np.einsum("sr,srp->sp", residual, columns.matrix)
    scaled = columns.matrix * np.sqrt(weight)[..., None]
    size = scaled.shape[2]
    nothing = np.zeros((size, size))
    gram = np.stack(of_segments(lambda s: scaled[s].T @ scaled[s] if weight[s].any() else nothing, segments))
    total = gram.sum(0)
    shared = total[np.ix_(shared_pick, shared_pick)]
    coupling = gram[:, local_pick[:, None], shared_pick[None]] if layout.local else np.zeros((segments, 0, layout.shared_size))
    local = gram[:, local_pick[:, None], local_pick[None]] if layout.local else np.zeros((segments, 0, 0))
    information = Information(
        score.sum(0)[shared_pick],
        score[:, local_pick] if layout.local else np.zeros((segments, 0)),
        shared,
        coupling,
        local,
        scaled,
        np.sqrt(weight),
        (np.concatenate([rates.caused, rates.natural[None]]) / departures).reshape(layout.categories + 1, segments, -1),
    )
    _add_complaints(design, layout, rates, information)
    return information


def pick_columns(layout: Layout, columns: Columns) -> tuple[IndexArray, IndexArray]:
    """Column of `columns.matrix` for each shared and each per-segment parameter."""
    c, m, every, bands = layout.categories, layout.months, layout.every, layout.bands
    category, free = np.arange(c), layout.free_bands
    shared = [
        columns.month + np.arange(c * every),
        (columns.band + category[:, None] * bands + free[None]).ravel(),
        columns.ratio + category,
        columns.delay + np.arange(2),
        columns.natural_month + np.arange(m),
        columns.natural_band + free,
    ]
    own = [
        columns.ratio + category,
        (columns.month + category[:, None] * every + (every - m) + np.arange(m)[None]).ravel(),
        np.array([columns.natural_all]),
        columns.natural_month + np.arange(m),
        columns.natural_band + np.arange(bands),
    ]
    return np.concatenate(shared), np.concatenate(own)


def _add_complaints(design: LexisDesign, layout: Layout, rates: Rates, into: Information) -> None:
    """Add the complaint part, which is diagonal within (category, month), (category, band) and crossed between them."""
    mu, residual = rates.complaints, design.complainants - rates.complaints
    score = layout.shared(into.shared_score)
    first = layout.every - layout.months
    free = layout.free_bands
    score["month"][:, first:] += residual.sum((1, 3))
    score["band"][:] += residual.sum((1, 2))[:, free]
    index = layout.at
    month = index["month"][:, first:]
    band = index["band"]
    into.shared[month, month] += mu.sum((1, 3))
    into.shared[band, band] += mu.sum((1, 2))[:, free]
    cross = mu.sum(1)[:, :, free]
    into.shared[month[:, :, None], band[:, None, :]] += cross
    into.shared[band[:, None, :], month[:, :, None]] += cross
    if not layout.local:
        return
    own_score = layout.own(into.local_score)
    own_score["segment"][:] += residual.sum((2, 3)).T
    own_score["burst"][:] += residual.sum(3).transpose(1, 0, 2)
    own = layout.own_at
    segment, burst = own["segment"], own["burst"]
    by_month = mu.sum(3).transpose(1, 0, 2)  # S C M
    by_band = mu.sum(2)[:, :, free].transpose(1, 0, 2)
    cells = mu[..., free].transpose(1, 0, 2, 3)
    into.local[:, segment, segment] += by_month.sum(2)
    into.local[:, burst, burst] += by_month
    into.local[:, segment[:, None], burst] += by_month
    into.local[:, burst, segment[:, None]] += by_month
    into.coupling[:, segment[:, None], month] += by_month
    into.coupling[:, segment[:, None], band] += by_band
    into.coupling[:, burst, month] += by_month
    into.coupling[:, burst[:, :, None], band[:, None, :]] += cells


def factorise(information: Information, prior: Prior) -> Arrow:
    """Cholesky factors of information + prior precision."""
    shared = information.shared + prior.shared_precision
    segments, size = information.local.shape[:2]
    local = information.local.copy()
    bridge = np.empty_like(information.coupling)
    diagonal = np.arange(size)
    local[:, diagonal, diagonal] += prior.local_precision
    if size:
        local = np.asarray(np.linalg.cholesky(local), dtype=np.float64)

        def eliminate(s: int) -> FloatArray:
            bridge[s] = solve_triangular(local[s], information.coupling[s], lower=True, check_finite=False)
            return np.asarray(bridge[s].T @ bridge[s])

        for taken in of_segments(eliminate, segments):
            shared -= taken
    return Arrow(local, bridge, np.asarray(np.linalg.cholesky((shared + shared.T) / 2), dtype=np.float64))
