"""Factorises the information matrix where segments are many: the same arrow as `iceberg.model.departures.fit.arrow`, for hundreds of segments.

Each segment's own parameters are eliminated in their own space, n^3 + n^2 x shared parameters, whatever the number of its cells: there are fewer
of them than cells, what is kept is small, and draws cost n^2. Everything that grows with the segments is in single precision; only what
all segments share is added up in double. Effects of the levels of segment columns are shared parameters that each segment meets a few of.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache, cached_property
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.linalg import cho_solve, solve_triangular
from scipy.linalg.lapack import spotrf, spotri

from iceberg.arrays import BoolArray, FloatArray, IntArray, SingleArray
from iceberg.model.departures.fit.arrow import Base
from iceberg.model.departures.fit.information import Information
from iceberg.model.departures.fit.parameters import ParameterLayout, Prior
from iceberg.model.departures.fit.threads import BATCH, in_batches


@dataclass(frozen=True, eq=False)
class WideArrow:
    """Factors of the information, and the covariances, solutions and draws that follow from them.

    With F F' = `base` and D the derivative of a segment's departures in its own parameters, the information of these is F (I + F^-1 D'D F^-T) F'.

    Attributes:
        layout: Of the parameters.
        base: Of each segment's own parameters without departures.
        inner: (S, n, n) inverse of I + F^-1 D'D F^-T.
        met: (S, n, H) F' x change of a segment's own parameters when the shared ones that it meets are moved: own = -F^-T met.
        columns: (S, H) where these sit among the shared parameters: those of `ParameterLayout.of_own` first, then the others.
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

        common = given[:, self.columns[0]][None]  # of the parameters that all segments meet

        def of_batch(batch: slice) -> None:
            halves = np.matmul(noise[batch], factors[batch].transpose(0, 2, 1))
            moved = common if self.layout.column_sizes == () else given[:, self.columns[batch]].transpose(1, 0, 2)
            halves -= np.matmul(moved, self.met[batch].transpose(0, 2, 1))
            drawn[:, batch] = self.back(batch, halves).transpose(1, 0, 2)

        in_batches(of_batch, segments)
        return drawn

    @cached_property
    def _inner_factors(self) -> SingleArray:
        return np.concatenate(in_batches(lambda batch: np.linalg.cholesky(self.inner[batch]), len(self.inner)))

    def local_variances(self) -> FloatArray:
        """(S, n) posterior variances of the per-segment parameters."""
        of_met = self.of_met(self.shared_covariance().astype(np.float32))

        def of_batch(batch: slice) -> SingleArray:
            response = self.back(batch, self.met[batch].transpose(0, 2, 1))
            through = np.matmul(of_met(batch), response)
            return np.asarray(self._alone(batch) + np.einsum("sgn,sgn->sn", through, response))

        return np.concatenate(in_batches(of_batch, len(self.met))).astype(np.float64)

    def _alone(self, batch: slice) -> SingleArray:
        """(s, n) the variances given the shared parameters: the diagonal of F^-T inner F^-1."""
        base, inner = self.base, self.inner[batch]
        c, m = base.pull.shape[1:]
        found = np.diagonal(inner, axis1=1, axis2=2).copy()
        segment, burst, pull = (each[batch].astype(np.float32) for each in (base.segment, base.burst, base.pull))
        found[:, :c] /= segment
        found[:, c * (1 + m) :] /= base.natural[batch].astype(np.float32)
        crossed = inner[:, np.repeat(np.arange(c), m), c + np.arange(c * m)].reshape(burst.shape)
        of_burst = found[:, c : c * (1 + m)].reshape(burst.shape)
        of_burst /= burst
        of_burst += pull * (pull * found[:, :c, None] - 2 * crossed / np.sqrt(burst * segment[..., None]))
        return found

    def of_met(self, matrix: npt.NDArray[Any]) -> Callable[[slice], npt.NDArray[Any]]:
        """The rows and columns of a (G, G) matrix that each segment of a batch meets: (s, H, H), or (1, H, H) where all meet the same."""
        if not self.layout.column_sizes:
            same = matrix[np.ix_(self.columns[0], self.columns[0])][None]
            return lambda batch: same
        return lambda batch: matrix[self.columns[batch][:, :, None], self.columns[batch][:, None, :]]

    def whole(self, batch: slice) -> SingleArray:
        """(s, n, H) F' x change of own parameters together with the shared ones that do what they do, when the shared ones are moved."""
        return _Ties(self.layout, self.base, batch).whole(self.met[batch])

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
    """Factors of information + prior precision, all that is of single segments in single precision.

    With W = D F^-T, K = (I + W'W)^-1, N the derivative in the shared parameters of `ParameterLayout.others`, B the coupling through complaints and
    Z = F' x (own parameters that do what shared ones of `of_own` do) - B, what departures add to the information of the shared parameters is

        Z'(I - K) Z    Z'V            V = K W'N - (I - K) B
        V'Z            N'N - (W'N)'K W'N - B'V - (B'K W'N)'

    and own parameters follow by B + (I - K) Z and B + V. Z has two entries a column at most, but for the ratios.
    """
    base = Base.of(layout, information, prior)
    segments, cells, _ = information.rows.shape
    size, mine = layout.met.shape[1], len(layout.of_own[0])
    met = np.zeros((segments, base.size, size), dtype=np.float32)
    inner = np.empty((segments, base.size, base.size), dtype=np.float32)
    bands = layout.categories * (layout.bands - 1)

    def eliminate(batch: slice) -> tuple[SingleArray, SingleArray, float]:
        ties = _Ties(layout, base, batch)
        if not cells:
            inner[batch] = np.eye(base.size, dtype=np.float32)
            ties.add_bridge(met[batch])
            return np.zeros((0, 0, 0), dtype=np.float32), np.zeros((0, 0), dtype=np.float32), 0.0
        rows = information.rows[batch]
        own = halves_of(base, batch, own_rows := information.own_rows[batch], np.empty_like(own_rows))
        less, log_inner = _inverses(own, inner[batch])
        crossed = np.matmul(own.transpose(0, 2, 1), rows)
        reached = np.matmul(inner[batch], crossed)
        moved = met[batch]
        moved[..., :mine] = ties.times(less).transpose(0, 2, 1)
        moved[..., mine:] = reached
        moved[..., mine : mine + bands] -= ties.bridged(less)
        first = ties.times(moved)
        flat = rows.reshape(-1, rows.shape[2])
        last = flat.T @ flat - crossed.reshape(-1, flat.shape[1]).T @ reached.reshape(-1, flat.shape[1])
        last[:bands] -= ties.gathered(moved[..., mine:])
        last[:, :bands] -= ties.gathered(reached).T
        ties.add_bridge(moved)
        return (first if layout.column_sizes else first.sum(0, keepdims=True)), last, log_inner

    columns = layout.met[:, np.concatenate([layout.of_own[0], layout.other_places])]
    shared, log_inner = information.shared + prior.shared_precision - _through_complaints(layout, base), 0.0
    same = np.zeros((size, size))  # in the order of `columns`; all segments meet the same but for the levels
    low = mine - len(layout.column_sizes) * (layout.categories + 1)
    keep = np.concatenate([np.arange(low), np.arange(mine, size)])
    for number, (first, last, log_part) in enumerate(in_batches(eliminate, segments)):
        log_inner += log_part
        if not cells:
            continue
        same[mine:, mine:] += last
        same[:low] += first[:, :low].sum(0)
        for place, part in enumerate(first[:, low:] if layout.column_sizes else (), number * BATCH):
            levels, common = columns[place, low:mine], columns[place, keep]
            shared[np.ix_(levels, columns[place])] += part
            shared[np.ix_(common, levels)] += part[:, keep].T
    same[mine:, :low] = same[:low, mine:].T
    shared[np.ix_(columns[0, keep], columns[0, keep])] += same[np.ix_(keep, keep)]
    lower = np.asarray(np.linalg.cholesky((shared + shared.T) / 2), dtype=np.float64)
    return WideArrow(layout, base, inner, met, columns, lower, log_inner)


def _inverses(own: SingleArray, inner: SingleArray) -> tuple[SingleArray, float]:
    """Writes K = (I + W'W)^-1 into `inner`, and gives I - K and the log determinants; W is `own` (s, R, n).

    Of 1 - K on the diagonal the digits would be lost where departures say next to nothing: it is K W'W.
    """
    size, log_inner = own.shape[2], 0.0
    above, diagonal = _above(size), np.arange(size)
    less = np.empty_like(inner)
    for place, rows in enumerate(own):
        information = rows.T @ rows
        precision = information.copy()
        precision[diagonal, diagonal] += 1
        factor, _ = spotrf(precision.T, lower=1, overwrite_a=1)
        log_inner += 2 * float(np.log(np.diagonal(factor), dtype=np.float64).sum())
        inverse, _ = spotri(factor, lower=1, overwrite_c=1)
        inner[place] = inverse
        np.copyto(inner[place], inverse.T, where=above)  # the routine fills the lower half only
        np.negative(inner[place], out=less[place])
        less[place][diagonal, diagonal] = np.einsum("ij,ij->i", inner[place], information)
    return less, log_inner


@cache
def _above(size: int) -> BoolArray:
    return np.triu(np.ones((size, size), dtype=np.bool_), 1)


class _Ties:
    """How the shared parameters of a batch of segments are tied to their own ones: Z of `factorise_wide`, and the coupling B through complaints.

    A category's complaints couple its own parameters to its months, bands and levels. The effect of a level moves every month of a segment, so its
    column is the sum of those of the months.
    """

    def __init__(self, layout: ParameterLayout, base: Base, batch: slice) -> None:
        self.layout, (self.categories, self.months) = layout, base.pull.shape[1:]
        bridge, burst, pull = base.bridge[batch], np.sqrt(base.burst[batch]), base.pull[batch]
        segment, self.natural = np.sqrt(base.segment[batch]), np.sqrt(base.natural[batch]).astype(np.float32)
        m = self.months
        self.month = bridge[:, :, 0, :m].astype(np.float32)  # coupling of the segment effect to each month, and of each burst to its own
        self.same = (pull * burst).astype(np.float32)
        self.band = bridge[..., m:].astype(np.float32)  # s C 1+M B-1
        self.own_burst = (burst * (1 - pull)).astype(np.float32)
        self.of_segment = segment.astype(np.float32)
        self.of_level = (segment - bridge[:, :, 0, :m].sum(-1)).astype(np.float32)

    def _parts(self, rows: SingleArray) -> tuple[SingleArray, SingleArray, SingleArray]:
        """Segment effects (s, C, ...), bursts (s, C, M, ...) and natural effects of own parameters along the second axis."""
        c, m = self.categories, self.months
        return rows[:, :c], rows[:, c : c * (1 + m)].reshape(len(rows), c, m, -1), rows[:, c * (1 + m) :]

    def times(self, rows: SingleArray) -> SingleArray:
        """Z' v of v (s, n, ...)."""
        c, m, layout = self.categories, self.months, self.layout
        segment, burst, natural = self._parts(rows)
        found = np.empty((len(rows), len(layout.of_own[0]), rows.shape[2]), dtype=np.float32)
        of_month = found[:, : c * m].reshape(len(rows), c, m, -1)
        np.multiply(burst, self.own_burst[..., None], out=of_month)
        of_month -= segment[:, :, None] * self.month[..., None]
        found[:, c * m : c * (m + 1)] = segment * self.of_segment[..., None] + np.matmul(self.same[:, :, None], burst)[:, :, 0]
        low = c * (m + 1)
        for part in (np.arange(1, 1 + m), 1 + m + layout.free_bands):
            np.multiply(natural[:, part], self.natural[:, part, None], out=found[:, low : low + len(part)])
            low += len(part)
        for _ in layout.column_sizes:
            np.multiply(segment, self.of_level[..., None], out=found[:, low : low + c])
            low += c
        found[:, low:] = natural[:, :1] * self.natural[:, :1, None]
        return found

    def bridged(self, matrix: SingleArray) -> SingleArray:
        """A symmetric (s, n, n) times the coupling to the bands, (s, n, C (B - 1))."""
        segment, burst, _ = self._parts(matrix)
        found = np.matmul(burst.transpose(0, 1, 3, 2), self.band[:, :, 1:])  # s C n B-1
        found += segment[..., None] * self.band[:, :, 0][:, :, None]
        return np.asarray(found.transpose(0, 2, 1, 3).reshape(len(matrix), matrix.shape[1], -1))

    def gathered(self, rows: SingleArray) -> SingleArray:
        """(C (B - 1), ...) coupling to the bands, transposed, times v (s, n, ...), added up over segments."""
        segment, burst, _ = self._parts(rows)
        both = np.concatenate([segment[:, :, None], burst], axis=2).transpose(1, 0, 2, 3).reshape(self.categories, -1, rows.shape[2])
        bands = self.band.transpose(1, 3, 0, 2).reshape(self.categories, self.band.shape[3], -1)
        return np.asarray(np.matmul(bands, both).reshape(-1, rows.shape[2]))

    def add_bridge(self, met: SingleArray) -> None:
        """Adds the coupling to (s, n, H), H those of `of_own` and then the others."""
        c, m = self.categories, self.months
        each, of_category = np.arange(c * m), np.repeat(np.arange(c), m)
        met[:, c + each, each] += self.same.reshape(len(met), -1)
        met[:, of_category, each] += self.month.reshape(len(met), -1)
        mine, size = len(self.layout.of_own[0]), self.band.shape[3]
        first_level = c * (m + 1) + m + size
        for column in range(len(self.layout.column_sizes)):
            met[:, c + each, first_level + column * c + of_category] += self.same.reshape(len(met), -1)
            met[:, np.arange(c), first_level + column * c + np.arange(c)] += self.month.sum(-1)
        for k in range(c):
            here = slice(mine + k * size, mine + (k + 1) * size)
            met[:, k, here] += self.band[:, k, 0]
            met[:, c + k * m : c + (k + 1) * m, here] += self.band[:, k, 1:]

    def whole(self, met: SingleArray) -> SingleArray:
        """(s, n, H) F' x change of own parameters together with the shared ones that do what they do, when the shared ones are moved."""
        c, m, layout = self.categories, self.months, self.layout
        found = -met
        each, of_category = np.arange(c * m), np.repeat(np.arange(c), m)
        found[:, c + each, each] += (self.own_burst + self.same).reshape(len(met), -1)
        natural = c * (1 + m) + np.concatenate([np.arange(1, 1 + m), 1 + m + layout.free_bands])
        found[:, natural, c * (m + 1) + np.arange(len(natural))] += self.natural[:, natural - c * (1 + m)]
        low = c * (m + 1) + len(natural)
        for start in (c * m, *(low + column * c for column in range(len(layout.column_sizes)))):
            found[:, np.arange(c), start + np.arange(c)] += self.of_segment
            found[:, c + each, start + of_category] += self.same.reshape(len(met), -1)
        low += c * len(layout.column_sizes)
        for column in range(len(layout.column_sizes)):
            found[:, c * (1 + m), low + column] += self.natural[:, 0]
        return found


def _through_complaints(layout: ParameterLayout, base: Base) -> FloatArray:
    """(G, G) coupling' x coupling of all segments through complaints."""
    at = layout.at
    found = np.zeros((layout.shared_size, layout.shared_size))
    first, m = layout.every - layout.months, layout.months
    summed = np.einsum("scig,scih->cgh", base.bridge, base.bridge, optimize=True)
    for k in range(layout.categories):
        columns = np.concatenate([at["month"][k, first:], at["band"][k]])
        found[np.ix_(columns, columns)] = summed[k]
        if layout.column_sizes:
            level = base.bridge[:, k, :, :m].sum(-1)
            here, member = at["level"][:, k], layout.members
            cross = member @ np.einsum("sig,si->sg", base.bridge[:, k], level)
            found[np.ix_(here, columns)], found[np.ix_(columns, here)] = cross, cross.T
            found[np.ix_(here, here)] = (member * (level**2).sum(1)) @ member.T
    return found
