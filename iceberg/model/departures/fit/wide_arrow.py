"""Factorises the information matrix where segments are many: the same arrow as `iceberg.model.departures.fit.arrow`, for hundreds of segments.

Each segment's own parameters are eliminated in their own space, n^3 + n^2 x shared parameters, whatever the number of its cells: there are fewer
of them than cells, what is kept is small, and draws cost n^2. Everything that grows with the segments is in single precision; only what
all segments share is added up in double. Effects of the levels of segment columns are shared parameters that each segment meets a few of.
"""

from __future__ import annotations

import threading
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
from iceberg.model.departures.fit.arrow import Base
from iceberg.model.departures.fit.information import Information
from iceberg.model.departures.fit.parameters import ParameterLayout, Prior

Part = TypeVar("Part")
BATCH = 5  # segments of a piece of work: their matrices stay in the processor's memory
THREADS = 2  # the routines of large matrices release the interpreter lock; those of small ones do not, and threads only cost them time

_here = threading.local()


def workers(layout: ParameterLayout) -> ThreadPoolExecutor:
    """Threads for large pieces of work, each of which then runs in its thread alone; one thread where the matrices are small."""
    return ThreadPoolExecutor(THREADS if layout.is_wide else 1, initializer=_work_alone)


def _work_alone() -> None:
    _here.alone = True


def in_batches(work: Callable[[slice], Part], segments: int) -> list[Part]:
    """`work` of batches of segments, in parallel unless a thread of `workers` asks; the results in order, whatever the number of threads."""
    batches = [slice(low, min(low + BATCH, segments)) for low in range(0, segments, BATCH)]
    if len(batches) < THREADS or getattr(_here, "alone", False):
        return [work(batch) for batch in batches]
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
        factors = self._inner_factors

        def of_batch(batch: slice) -> None:
            halves = np.matmul(noise[batch], factors[batch].transpose(0, 2, 1))
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
    segments, cells, met_size = information.rows.shape
    met = np.zeros((segments, base.size, met_size), dtype=np.float32)
    inner = np.empty((segments, base.size, base.size), dtype=np.float32)
    spread = _ComplaintCoupling(layout, base)
    above = np.triu(np.ones((base.size, base.size), dtype=np.bool_), 1)  # the routine fills the lower half only

    def eliminate(batch: slice) -> tuple[list[SingleArray], float]:
        spread.into(batch, met)
        if not cells:
            inner[batch] = np.eye(base.size, dtype=np.float32)
            return [], 0.0
        rows = information.own_rows[batch]
        rows = halves_of(base, batch, rows, np.empty_like(rows))
        shared = spread.taken_from(batch, information.rows[batch], rows)
        taken, log_inner = [], 0.0
        for place, (own, common) in enumerate(zip(rows, shared, strict=True), batch.start):
            precision = own.T @ own
            precision[np.diag_indices(base.size)] += 1
            factor, _ = spotrf(precision, lower=1, overwrite_a=1)
            log_inner += 2 * float(np.log(np.diagonal(factor), dtype=np.float64).sum())
            inverse, _ = spotri(factor, lower=1)
            inner[place] = inverse
            np.copyto(inner[place], inverse.T, where=above)
            crossed = own.T @ common
            reached = inner[place] @ crossed
            met[place] += reached
            taken.append(common.T @ common - crossed.T @ reached)
        return taken, log_inner

    shared, log_inner = information.shared + prior.shared_precision - spread.information(), 0.0
    for number, (taken, log_part) in enumerate(in_batches(eliminate, segments)):
        log_inner += log_part
        for place, part in enumerate(taken, number * BATCH):
            if layout.column_sizes:
                shared[np.ix_(layout.met[place], layout.met[place])] += part
            else:
                shared += part
    lower = np.asarray(np.linalg.cholesky((shared + shared.T) / 2), dtype=np.float64)
    return WideArrow(layout, base, inner, met, layout.met, lower, log_inner)


class _ComplaintCoupling:
    """F^-1 x complaint coupling of own parameters to the shared ones: of each category to its own months, bands and levels.

    The effect of a level moves every month of a segment, so its column is the sum of those of the months.
    """

    def __init__(self, layout: ParameterLayout, base: Base) -> None:
        self.layout, self.bridge = layout, base.bridge
        c, m = layout.categories, layout.months
        met = layout.met_shared(np.arange(layout.met.shape[1]))
        self.own = np.concatenate([np.arange(c)[:, None], c + np.arange(c * m).reshape(c, m)], axis=1)  # (C, 1 + M)
        self.month, self.band, self.level = met["month"][:, layout.every - m :], met["band"], met["level"]

    def into(self, batch: slice, met: SingleArray) -> None:
        """Writes the coupling of a batch into (S, n, H) zeros."""
        m = self.layout.months
        for k, given in enumerate(self.bridge[batch].transpose(1, 0, 2, 3).astype(np.float32)):
            met[batch, self.own[k][:, None], self.month[k]] = given[..., :m]
            met[batch, self.own[k][:, None], self.band[k]] = given[..., m:]
            for level in self.level:
                met[batch, self.own[k], level[k]] = given[..., :m].sum(-1)

    def taken_from(self, batch: slice, rows: SingleArray, own_rows: SingleArray) -> SingleArray:
        """`rows` (s, R, H) minus `own_rows` (s, R, n) x coupling."""
        m = self.layout.months
        found = rows.copy()
        for k, given in enumerate(self.bridge[batch].transpose(1, 0, 2, 3).astype(np.float32)):
            through = np.matmul(own_rows[..., self.own[k]], given)
            found[..., self.month[k, 0] : self.month[k, 0] + m] -= through[..., :m]
            for place, column in enumerate(self.band[k], m):
                found[..., column] -= through[..., place]
            for level in self.level:
                found[..., level[k]] -= through[..., :m].sum(-1)
        return found

    def information(self) -> FloatArray:
        """(G, G) coupling' x coupling of all segments."""
        layout, at = self.layout, self.layout.at
        found = np.zeros((layout.shared_size, layout.shared_size))
        first, m = layout.every - layout.months, layout.months
        summed = np.einsum("scig,scih->cgh", self.bridge, self.bridge, optimize=True)
        for k in range(layout.categories):
            columns = np.concatenate([at["month"][k, first:], at["band"][k]])
            found[np.ix_(columns, columns)] = summed[k]
            if layout.column_sizes:
                level = self.bridge[:, k, :, :m].sum(-1)
                here, member = at["level"][:, k], layout.members
                cross = member @ np.einsum("sig,si->sg", self.bridge[:, k], level)
                found[np.ix_(here, columns)], found[np.ix_(columns, here)] = cross, cross.T
                found[np.ix_(here, here)] = (member * (level**2).sum(1)) @ member.T
        return found
