"""Factorises the information matrix: each segment's own parameters are eliminated first, departure by departure.

Effects of one segment meet those of another only through what all segments share, so the matrix is an arrow. Within a segment, complaints and prior
give every category a small block with a closed-form factor (base), and departures add as many rows as the segment has Lexis cells: eliminating in
the space of the rows costs rows^2 x shared parameters instead of parameters^2 x shared parameters, and needs no matrix over all own parameters.

References:
    Golub, Van Loan 2013 (arrow matrices, Woodbury identity).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, solve_triangular

from iceberg.arrays import FloatArray, IntArray, SingleArray
from iceberg.model.departures.fit.information import Information
from iceberg.model.departures.fit.parameters import ParameterLayout, Prior


@dataclass(frozen=True, eq=False)
class Base:
    """Complaint information plus prior precision of the own parameters: F F', block by block.

    A category's block is diagonal over its bursts, bordered by its segment effect; natural effects are diagonal.

    Attributes:
        burst: (S, C, M) diagonal of the bursts.
        pull: (S, C, M) border over diagonal.
        segment: (S, C) what is left for the segment effect.
        natural: (S, n - C (1 + M)) diagonal.
        bridge: (S, C, 1 + M, M + B - 1) F^-1 x complaint coupling of each category to its own months and bands.
        columns: (C, M + B - 1) where these sit among the shared parameters.
    """

    burst: FloatArray
    pull: FloatArray
    segment: FloatArray
    natural: FloatArray
    bridge: FloatArray
    columns: IntArray

    @classmethod
    def of(cls, layout: ParameterLayout, information: Information, prior: Prior) -> Base:
        """Closed-form factors."""
        at = layout.at
        first = layout.every - layout.months
        columns = np.concatenate([at["month"][:, first:], at["band"]], axis=1)
        if not layout.local:
            empty = np.zeros((layout.segments, 0))
            return cls(empty[..., None], empty[..., None], empty, empty, np.zeros((layout.segments, 0, 1, columns.shape[1])), columns)
        own = layout.own(prior.local_precision)
        by_month, by_band = information.by_month, information.by_band
        burst = by_month + own["burst"]
        pull = by_month / burst
        segment = by_month.sum(2) + own["segment"] - (by_month * pull).sum(2)
        natural = np.concatenate([own["natural_segment"], own["natural_segment_month"], own["natural_segment_band"]])
        segments, months = layout.segments, layout.months
        bridge = np.zeros((segments, layout.categories, 1 + months, columns.shape[1]))
        here = np.arange(months)
        bridge[:, :, 1 + here, here] = by_month
        bridge[:, :, 1:, months:] = information.cells
        bridge[:, :, 0, :months] = by_month - pull * by_month
        bridge[:, :, 0, months:] = by_band - np.matmul(pull[:, :, None], information.cells)[:, :, 0]
        bridge[:, :, 0] /= np.sqrt(segment)[..., None]
        bridge[:, :, 1:] /= np.sqrt(burst)[..., None]
        return cls(burst, pull, segment, np.broadcast_to(natural, (segments, len(natural))), bridge, columns)

    def halved(self, s: int, vectors: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """F^-1 v of segment s, v along the last axis."""
        found = np.empty_like(vectors)
        c, m = self.pull.shape[1:]
        burst = vectors[..., c : c * (1 + m)].reshape(*vectors.shape[:-1], c, m)
        drawn = np.einsum("...cm,cm->...c", burst, self.pull[s].astype(vectors.dtype))
        found[..., :c] = (vectors[..., :c] - drawn) / np.sqrt(self.segment[s]).astype(vectors.dtype)
        found[..., c:] = vectors[..., c:] / self._roots(s).astype(vectors.dtype)
        return found

    def back(self, s: int, halves: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """F^-T h of segment s, h along the last axis."""
        found = np.empty_like(halves)
        c, m = self.pull.shape[1:]
        found[..., :c] = halves[..., :c] / np.sqrt(self.segment[s]).astype(halves.dtype)
        found[..., c:] = halves[..., c:] / self._roots(s).astype(halves.dtype)
        pulled = found[..., :c, None] * self.pull[s].astype(halves.dtype)
        found[..., c : c * (1 + m)] -= pulled.reshape(*halves.shape[:-1], c * m)
        return found

    def _roots(self, s: int) -> FloatArray:
        return np.asarray(np.sqrt(np.concatenate([self.burst[s].ravel(), self.natural[s]])), dtype=np.float64)

    def bridged(self, s: int, shared: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """F^-1 x complaint coupling x v, v along the last axis."""
        found = np.zeros((*shared.shape[:-1], self.size), dtype=shared.dtype)
        if not self.size:
            return found
        c, m = self.pull.shape[1:]
        mine = shared[..., self.columns]
        halves = np.einsum("...cg,cig->...ci", mine, self.bridge[s].astype(shared.dtype), optimize=True)
        found[..., :c] = halves[..., 0]
        found[..., c : c * (1 + m)] = halves[..., 1:].reshape(*shared.shape[:-1], c * m)
        return found

    def gathered(self, s: int, halves: FloatArray, into: FloatArray) -> None:
        """Adds (F^-1 x complaint coupling)' h to a shared vector."""
        if self.size:
            c, m = self.pull.shape[1:]
            mine = np.concatenate([halves[:c, None], halves[c : c * (1 + m)].reshape(c, m)], axis=1)
            into[self.columns] += np.einsum("ci,cig->cg", mine, self.bridge[s])

    @property
    def size(self) -> int:
        """Own parameters of a segment."""
        c, m = self.pull.shape[1:]
        return int(c * (1 + m) + self.natural.shape[1])

    @property
    def log_determinant(self) -> float:
        """Log |base| over all segments."""
        return float(np.log(self.burst).sum() + np.log(self.segment).sum() + np.log(self.natural).sum())


@dataclass(frozen=True, eq=False)
class Arrow:
    """Factors of the information, and the covariances, solutions and draws that follow from them.

    Attributes:
        base: Of each segment's own parameters without departures.
        rows: (S, R, n) F^-1 x derivative of departures, transposed.
        cells: (S, R, R) lower factor of I + rows rows'.
        reach: (S, R, G) cells^-1 x derivative in shared parameters, own ones eliminated.
        shared: (G, G) lower factor of what is left for the shared parameters.
    """

    base: Base
    rows: npt.NDArray[Any]
    cells: npt.NDArray[Any]
    reach: npt.NDArray[Any]
    shared: FloatArray

    def solve(self, shared: FloatArray, own: FloatArray) -> tuple[FloatArray, FloatArray]:
        """information^-1 times a vector."""
        reduced = shared.copy()
        alone = np.empty_like(own)
        for s in range(len(own)):
            halves = self.base.halved(s, own[s])
            seen = solve_triangular(self.cells[s], self.rows[s] @ halves, lower=True, check_finite=False)
            taken = np.zeros_like(shared)
            self.base.gathered(s, halves, taken)
            reduced -= taken + self.reach[s].T @ seen
            # The coupling through complaints was taken without departures: what they take back is in `reach`.
            alone[s] = halves - self.rows[s].T @ solve_triangular(self.cells[s], seen, lower=True, trans=1, check_finite=False)
        first = np.asarray(cho_solve((self.shared, True), reduced, check_finite=False), dtype=np.float64)
        for s in range(len(own)):
            alone[s] = self.base.back(s, alone[s] - self._halved_response(s, first))
        return first, alone

    def _halved_response(self, s: int, shared: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """F' x `response` for vectors along the last axis."""
        bridged = self.base.bridged(s, shared)
        met = solve_triangular(self.cells[s], self.reach[s] @ shared.T, lower=True, trans=1, check_finite=False)
        return np.asarray(bridged + met.T @ self.rows[s])

    def response(self, shared: FloatArray) -> FloatArray:
        """(S, ..., n) change of the own parameters when shared ones, along the last axis, are moved: own = -response."""
        parts = [self.base.back(s, self._halved_response(s, shared)) for s in range(len(self.rows))]
        return np.asarray(parts, dtype=np.float64)

    def shared_covariance(self) -> FloatArray:
        """Posterior covariance of the shared parameters."""
        return np.asarray(cho_solve((self.shared, True), np.eye(len(self.shared)), check_finite=False))

    @cached_property
    def full_response(self) -> list[SingleArray]:
        """Per segment (n, G) `response` to a unit of each shared parameter. Single precision: variances and drag need a few digits."""

        def of_segment(s: int) -> SingleArray:
            found = self.own_gain(s).T @ self.reach[s].astype(np.float32)
            c, m = self.base.pull.shape[1:]
            if self.base.size:
                halves = np.zeros((self.base.columns.shape[1], c, self.base.size), dtype=np.float32)
                place = np.concatenate([np.arange(c)[:, None], c + np.arange(c * m).reshape(c, m)], axis=1)
                halves[:, np.arange(c)[:, None], place] = self.base.bridge[s].transpose(2, 0, 1)
                moved = self.base.back(s, halves)
                for category in range(c):
                    found[place[category][:, None], self.base.columns[category][None]] += moved[:, category, place[category]].T
            return np.asarray(found)

        return [of_segment(s) for s in range(len(self.rows))]

    def own_gain(self, s: int) -> SingleArray:
        """(R, n) cells^-1 x derivative x base^-1."""
        return self._own_gains[s]

    @cached_property
    def _own_gains(self) -> list[SingleArray]:
        def of_segment(s: int) -> SingleArray:
            through = self.base.back(s, self.rows[s].astype(np.float32, copy=False))
            return np.asarray(solve_triangular(self.cells[s].astype(np.float32, copy=False), through, lower=True, check_finite=False))

        return [of_segment(s) for s in range(len(self.rows))]

    def local_variances(self) -> FloatArray:
        """(S, n) posterior variances of the per-segment parameters, in single precision."""
        factor, response = self.shared.astype(np.float32), self.full_response

        def of_segment(s: int) -> FloatArray:
            through = solve_triangular(factor, response[s].T, lower=True, check_finite=False)
            return np.asarray((through**2).sum(0) - (self.own_gain(s) ** 2).sum(0), dtype=np.float64)

        found = np.array([of_segment(s) for s in range(len(self.rows))]).reshape(len(self.rows), -1)
        base = self.base
        alone = 1 / base.segment
        burst = 1 / base.burst + base.pull**2 * alone[..., None]
        return np.asarray(found + np.concatenate([alone, burst.reshape(len(burst), -1), 1 / base.natural], axis=1), dtype=np.float64)

    def draw_shared(self, rng: np.random.Generator, draws: int) -> FloatArray:
        """(K, G) deviations of the shared parameters from the mode, with their posterior covariance."""
        noise = rng.standard_normal((len(self.shared), draws))
        return np.asarray(solve_triangular(self.shared, noise, lower=True, trans=1, check_finite=False).T)

    def draw_own(self, rng: np.random.Generator, shared: FloatArray) -> SingleArray:
        """(K, S, n) deviations of the own parameters given those of the shared ones, in single precision."""
        segments, cells, size = self.rows.shape
        given = shared.astype(np.float32)
        # The noise of every segment is drawn before the threads start, so the stream does not depend on their order.
        noise = rng.standard_normal((segments, len(shared), size + cells), dtype=np.float32)

        def of_segment(s: int) -> SingleArray:
            # Drawn from the base, then corrected by the departures it would have shown.
            rows, factor = self.rows[s].astype(np.float32), self.cells[s].astype(np.float32)
            alone, shown = noise[s, :, :size], noise[s, :, size:]
            seen = solve_triangular(factor, (alone @ rows.T + shown).T, lower=True, check_finite=False)
            seen += self.reach[s].astype(np.float32) @ given.T
            surprise = solve_triangular(factor, seen, lower=True, trans=1, check_finite=False).T
            return np.asarray(self.base.back(s, alone - surprise @ rows - self.base.bridged(s, given)))

        return np.stack([of_segment(s) for s in range(segments)], axis=1)

    @property
    def log_determinant(self) -> float:
        """Log |information|."""
        cells = np.log(np.diagonal(self.cells, axis1=1, axis2=2)).sum()
        return float(self.base.log_determinant + 2 * (cells + np.log(np.diagonal(self.shared)).sum()))


def factorise(layout: ParameterLayout, information: Information, prior: Prior, *, single: bool = False) -> Arrow:
    """Factors of information + prior precision.

    Args:
        layout: Of the parameters.
        information: Of complaints and departures.
        prior: Under the current variances.
        single: Departures in single precision, which is enough on the way to the mode.
    """
    base = Base.of(layout, information, prior)
    kind = np.float32 if single else np.float64
    segments, cells, size = information.rows.shape
    rows = np.empty((segments, cells, base.size), dtype=kind)
    factor = np.empty((segments, cells, cells), dtype=kind)
    reach = np.empty((segments, cells, size), dtype=kind)
    shared = information.shared + prior.shared_precision
    if base.size:
        taken = np.einsum("scig,scih->cgh", base.bridge, base.bridge, optimize=True)
        for category, columns in enumerate(base.columns):
            shared[np.ix_(columns, columns)] -= taken[category]
    c, m = base.pull.shape[1:]

    def eliminate(s: int) -> npt.NDArray[Any]:
        rows[s] = base.halved(s, information.own_rows[s].astype(kind))
        met = information.rows[s].astype(kind)
        if base.size:
            of_category = np.concatenate([rows[s, :, :c, None], rows[s, :, c : c * (1 + m)].reshape(cells, c, m)], axis=2)
            for category, columns in enumerate(base.columns):
                met[:, columns] -= of_category[:, category] @ base.bridge[s, category].astype(kind)
        inner = rows[s] @ rows[s].T
        inner[np.diag_indices(cells)] += 1
        factor[s] = np.linalg.cholesky(inner)
        reach[s] = solve_triangular(factor[s], met, lower=True, check_finite=False)
        return np.asarray(reach[s].T @ reach[s])

    if cells:
        for s in range(segments):
            shared += eliminate(s)
    return Arrow(base, rows, factor, reach, np.asarray(np.linalg.cholesky((shared + shared.T) / 2), dtype=np.float64))
