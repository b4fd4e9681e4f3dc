"""Factorises the information matrix where segments are many: the same arrow as `iceberg.model.departures.fit.arrow`, for hundreds of segments.

Each segment's own parameters are eliminated in their own space, n^3 + n^2 x shared parameters, whatever the number of its cells: there are fewer
of them than cells, what is kept is small, and draws cost n^2. Everything that grows with the segments is in single precision; only what
all segments share is added up in double. Effects of the levels of segment columns are shared parameters that each segment meets a few of.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, solve_triangular
from scipy.linalg.lapack import spotrf, spotri

from iceberg.arrays import FloatArray, IntArray, SingleArray
from iceberg.model.departures.fit.arrow import THREADS, Base
from iceberg.model.departures.fit.information import Information
from iceberg.model.departures.fit.parameters import ParameterLayout, Prior

Part = TypeVar("Part")
BATCH = 5  # segments of a piece of work: their matrices stay in the processor's memory


def in_batches(work: Callable[[slice], Part], segments: int) -> list[Part]:
    """`work` of batches of segments in parallel; the results in order."""
    batches = [slice(low, min(low + BATCH, segments)) for low in range(0, segments, BATCH)]
    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(work, batches))


@dataclass(frozen=True, eq=False)
class WideArrow:
    """Factors of the information, and the covariances, solutions and draws that follow from them.

    With F F' = `base` and D the derivative of a segment's departures in its own parameters, the information of these is F (I + F^-1 D'D F^-T) F'.

    Attributes:
        layout: Of the parameters.
        base: Of each segment's own parameters without departures.
        inner: (S, n, n) inverse of I + F^-1 D'D F^-T.
        met: (S, n, H) F' x change of a segment's own parameters when the shared ones that it meets are moved: own = -F^-T met.
        columns: (S, H) where these sit among the shared parameters.
        shared: (G, G) lower factor of what is left for the shared parameters.
        log_inner: Log |I + F^-1 D'D F^-T| over all segments.
    """

    layout: ParameterLayout
    base: Base
    inner: SingleArray
    met: SingleArray
    columns: IntArray
    shared: FloatArray
    log_inner: float

    def solve(self, shared: FloatArray, own: FloatArray) -> tuple[FloatArray, FloatArray]:
        """information^-1 times a vector."""
        halves = self.halved(slice(None), own[:, None])[:, 0]
        reduced = shared.copy()
        np.subtract.at(reduced, self.columns, np.matmul(halves[:, None].astype(np.float32), self.met)[:, 0].astype(np.float64))
        alone = np.matmul(self.inner, halves[..., None].astype(np.float32))[..., 0]
        first = np.asarray(cho_solve((self.shared, True), reduced, check_finite=False), dtype=np.float64)
        alone = alone - np.matmul(self.met, first[self.columns].astype(np.float32)[..., None])[..., 0]
        return first, np.asarray(self.back(slice(None), alone[:, None])[:, 0], dtype=np.float64)

    def response(self, shared: FloatArray) -> FloatArray:
        """(S, n) change of the own parameters when the shared ones are moved: own = -response."""
        halves = np.matmul(self.met, shared[self.columns].astype(np.float32)[..., None])[..., 0]
        return np.asarray(self.back(slice(None), halves[:, None])[:, 0], dtype=np.float64)

    def shared_covariance(self) -> FloatArray:
        """Posterior covariance of the shared parameters."""
        return np.asarray(cho_solve((self.shared, True), np.eye(len(self.shared)), check_finite=False))

    def draw_shared(self, rng: np.random.Generator, draws: int) -> FloatArray:
        """(K, G) deviations of the shared parameters from the mode, with their posterior covariance."""
        noise = rng.standard_normal((len(self.shared), draws))
        return np.asarray(solve_triangular(self.shared, noise, lower=True, trans=1, check_finite=False).T)

    def draw_own(self, rng: np.random.Generator, shared: FloatArray) -> SingleArray:
        """(K, S, n) deviations of the own parameters given those of the shared ones, in single precision."""
        segments, size = self.met.shape[:2]
        given = shared.astype(np.float32)
        # The noise of every segment is drawn before the threads start, so the stream does not depend on their order.
        noise = rng.standard_normal((segments, len(shared), size), dtype=np.float32)
        drawn = np.empty((len(shared), segments, size), dtype=np.float32)

        def of_batch(batch: slice) -> None:
            halves = np.matmul(noise[batch], self._inner_factors[batch].transpose(0, 2, 1))
            halves -= np.matmul(given[:, self.columns[batch]].transpose(1, 0, 2), self.met[batch].transpose(0, 2, 1))
            drawn[:, batch] = self.back(batch, halves).transpose(1, 0, 2)

        in_batches(of_batch, segments)
        return drawn

    @cached_property
    def _inner_factors(self) -> SingleArray:
        return np.concatenate(in_batches(lambda batch: np.linalg.cholesky(self.inner[batch]), len(self.inner)))

    def local_variances(self) -> FloatArray:
        """(S, n) posterior variances of the per-segment parameters."""
        covariance = self.shared_covariance().astype(np.float32)

        def of_batch(batch: slice) -> SingleArray:
            response = self.back(batch, self.met[batch].transpose(0, 2, 1))
            given = self.back(batch, self.inner[batch])  # inner F^-1
            alone = np.diagonal(self.back(batch, given.transpose(0, 2, 1)), axis1=1, axis2=2)
            through = np.matmul(self.of_met(batch, covariance), response)
            return np.asarray(alone + np.einsum("sgn,sgn->sn", through, response))

        return np.concatenate(in_batches(of_batch, len(self.met))).astype(np.float64)

    def of_met(self, batch: slice, matrix: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """The rows and columns of a (G, G) matrix that each segment of a batch meets: (s, H, H), or (1, G, G) where all meet all."""
        if not self.layout.column_sizes:
            return matrix[None]
        columns = self.columns[batch]
        return np.asarray(matrix[columns[:, :, None], columns[:, None, :]])

    def halved(self, batch: slice, vectors: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """F^-1 v of a batch of segments, v (s, rows, n) along the last axis."""
        base, kind = self.base, vectors.dtype
        return halves_of(base, batch, vectors, np.empty(vectors.shape, dtype=kind))

    def back(self, batch: slice, halves: npt.NDArray[Any]) -> npt.NDArray[Any]:
        """F^-T h of a batch of segments, h (s, rows, n) along the last axis."""
        base, kind = self.base, halves.dtype
        c, m = base.pull.shape[1:]
        found = np.empty(halves.shape, dtype=kind)
        np.multiply(halves[..., :c], _root(base.segment[batch])[:, None].astype(kind), out=found[..., :c])
        np.multiply(halves[..., c:], _roots(base, batch)[:, None].astype(kind), out=found[..., c:])
        pulled = found[..., :c, None] * base.pull[batch][:, None].astype(kind)
        found[..., c : c * (1 + m)] -= pulled.reshape(*halves.shape[:-1], c * m)
        return found

    @property
    def log_determinant(self) -> float:
        """Log |information|."""
        return float(self.base.log_determinant + self.log_inner + 2 * np.log(np.diagonal(self.shared)).sum())


def _root(diagonal: FloatArray) -> FloatArray:
    return np.asarray(1 / np.sqrt(diagonal), dtype=np.float64)


def _roots(base: Base, batch: slice) -> FloatArray:
    burst = base.burst[batch]
    return _root(np.concatenate([burst.reshape(len(burst), -1), base.natural[batch]], axis=1))


def halves_of(base: Base, batch: slice, vectors: npt.NDArray[Any], found: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """F^-1 v of a batch of segments, v (s, rows, n) along the last axis, written into `found`."""
    kind = vectors.dtype
    c, m = base.pull.shape[1:]
    burst = vectors[..., c : c * (1 + m)].reshape(*vectors.shape[:-1], c, m)
    drawn = np.einsum("srcm,scm->src", burst, base.pull[batch].astype(kind))
    np.multiply(vectors[..., :c] - drawn, _root(base.segment[batch])[:, None].astype(kind), out=found[..., :c])
    np.multiply(vectors[..., c:], _roots(base, batch)[:, None].astype(kind), out=found[..., c:])
    return found


def factorise_wide(layout: ParameterLayout, information: Information, prior: Prior) -> WideArrow:
    """Factors of information + prior precision, all that is of single segments in single precision."""
    base = Base.of(layout, information, prior)
    segments, _, met_size = information.rows.shape
    columns = layout.met
    bridge = _bridge(layout, base)
    met = np.empty((segments, base.size, met_size), dtype=np.float32)
    inner = np.empty((segments, base.size, base.size), dtype=np.float32)

    def eliminate(batch: slice) -> tuple[npt.NDArray[Any], float]:
        mine = bridge(batch)
        met[batch] = mine
        taken = -np.matmul(mine.transpose(0, 2, 1), mine)
        if not information.rows.shape[1]:
            inner[batch] = np.eye(base.size, dtype=np.float32)
            return taken, 0.0
        rows = information.own_rows[batch]
        rows = halves_of(base, batch, rows, np.empty_like(rows))
        shared = information.rows[batch] - np.matmul(rows, mine)
        crossed, log_inner = np.matmul(rows.transpose(0, 2, 1), shared), 0.0
        for place, own in enumerate(rows):
            precision = own.T @ own
            precision[np.diag_indices(base.size)] += 1
            factor, _ = spotrf(precision, lower=1, overwrite_a=1)
            log_inner += 2 * float(np.log(np.diagonal(factor), dtype=np.float64).sum())
            inverse, _ = spotri(factor, lower=1)
            lower = np.tril(inverse, -1)
            inner[batch.start + place] = lower + lower.T + np.diag(np.diagonal(inverse))
        reached = np.matmul(inner[batch], crossed)
        met[batch] += reached
        taken += np.matmul(shared.transpose(0, 2, 1), shared) - np.matmul(crossed.transpose(0, 2, 1), reached)
        return taken, log_inner

    shared, log_inner = information.shared + prior.shared_precision, 0.0
    for number, (taken, log_part) in enumerate(in_batches(eliminate, segments)):
        log_inner += log_part
        if not layout.column_sizes:
            shared += taken.sum(0, dtype=np.float64)
            continue
        for place, part in enumerate(taken):
            here = columns[number * BATCH + place]
            shared[np.ix_(here, here)] += part
    lower = np.asarray(np.linalg.cholesky((shared + shared.T) / 2), dtype=np.float64)
    return WideArrow(layout, base, inner, met, columns, lower, log_inner)


def _bridge(layout: ParameterLayout, base: Base) -> Callable[[slice], SingleArray]:
    """Of a batch, (s, n, H) F^-1 x complaint coupling of own parameters to the shared ones that a segment meets."""
    c, m, bands, columns = layout.categories, layout.months, layout.bands - 1, len(layout.column_sizes)
    common = layout.shared_size - layout.levels * (c + 1)
    at = layout.at
    first = layout.every - m
    category = np.arange(c)

    def of_batch(batch: slice) -> SingleArray:
        given = base.bridge[batch].astype(np.float32)  # s c 1+M M+B-1
        found = np.zeros((len(given), base.size, common + columns * (c + 1)), dtype=np.float32)
        bursts = c + np.arange(c * m).reshape(c, m)
        for k in category:
            where = np.concatenate([[k], bursts[k]])
            month, band = at["month"][k, first], at["band"][k, 0] if bands else 0
            found[:, where, month : month + m] = given[:, k, :, :m]
            found[:, where, band : band + bands] = given[:, k, :, m : m + bands]
            for column in range(columns):  # the effect of a level moves every month of the segment
                found[:, where, common + column * c + k] = given[:, k, :, :m].sum(-1)
        return found

    return of_batch
