"""The parameters of the reconciliation model: the position of each effect, and its Gaussian prior under given variances."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from iceberg.arrays import FloatArray, IntArray
from iceberg.model.departures.fit.design import Effects
from iceberg.model.departures.fit.variances import Variances
from iceberg.model.priors import SPEAKING_SEASON_SD, TILT_SD
from iceberg.model.ratio.posterior import RatioPrior
from iceberg.model.recording.changes import LOG_FACTOR_SD
from iceberg.model.survival.delay_kernel import DelayKernel

FEW_SEGMENTS = 12  # with more, a fit has to share its work out and to save memory


@dataclass(frozen=True)
class ParameterLayout:
    """Where each effect sits in the vectors of shared and of per-segment parameters.

    Attributes:
        categories, segments, months, bands: Lengths of the axes.
        every: Months of the window and those before it.
        reference: Band whose tenure effects are zero.
        binding: 1 where a parameter moves the share of customers bound by contracts, else 0.
        changes, speaking, season: `LexisDesign.before_change` and what follows it, as tuples, so that layouts can be compared.
        membership: Of every segment, its level in each segment column, levels numbered through all columns; empty where segments come from
            one column, whose effects are those of the segments.
        column_sizes: Levels of each segment column; empty likewise.

    The months of a category hold the log rate as it was *recorded*: complaints know nothing else. What would be recorded at the end of the window,
    which the departures follow and which walks from month to month, is that plus the log factor of each change in the months before it.
    """

    categories: int
    segments: int
    months: int
    bands: int
    every: int
    reference: int
    binding: int = 0
    changes: tuple[tuple[tuple[float, ...], ...], ...] = ()
    season: tuple[tuple[float, ...], ...] = ()
    membership: tuple[tuple[int, ...], ...] = ()
    column_sizes: tuple[int, ...] = ()
    speaking: int = 0

    @cached_property
    def before_change(self) -> FloatArray:
        """(L, C, Q) share of each month before a change."""
        return np.array(self.changes, dtype=float).reshape(len(self.changes), self.categories, self.every)

    @cached_property
    def walk_columns(self) -> FloatArray:
        """(C, Q, L + W) what a log factor and a wave add to the walk of each category."""
        season = np.array(self.season, dtype=float).reshape(len(self.season), 1, self.every)
        columns = np.concatenate([self.before_change, np.broadcast_to(-season, (len(season), self.categories, self.every))])
        return np.asarray(columns.transpose(1, 2, 0))

    @property
    def free_bands(self) -> IntArray:
        """Bands other than the reference."""
        return np.delete(np.arange(self.bands), self.reference)

    @property
    def local(self) -> bool:
        """Whether segments have effects of their own: not where there is only one."""
        return self.segments > 1

    @property
    def is_wide(self) -> bool:
        """Whether segments are many, or cells of several columns: their own effects are then eliminated in the space of these effects."""
        return self.local and (self.segments > FEW_SEGMENTS or bool(self.column_sizes))

    @property
    def levels(self) -> int:
        """Number of levels of all segment columns."""
        return sum(self.column_sizes)

    @property
    def shared_size(self) -> int:
        """Number of shared parameters."""
        b = self.bands - 1
        common = self.categories * (self.every + b + 3) + 1 + self.binding + self.months + b + len(self.changes) + len(self.season)
        return common + self.levels * (self.categories + 1)

    @property
    def local_size(self) -> int:
        """Number of parameters of each segment."""
        return (self.categories * (1 + self.months) + 1 + self.months + self.bands) if self.local else 0

    def shared(self, vector: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        """Views of a shared vector (leading axes allowed)."""
        return self._shared(vector, self.levels)

    def met_shared(self, vector: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        """Views of vectors of the shared parameters that one segment meets: of the levels, its own in each column."""
        return self._shared(vector, len(self.column_sizes))

    def _shared(self, vector: npt.NDArray[Any], levels: int) -> dict[str, npt.NDArray[Any]]:
        lead, c, b = vector.shape[:-1], self.categories, self.bands - 1
        recorded = len(self.changes), len(self.season)
        sizes = np.cumsum([0, c * self.every, c * b, c, 2 * c, 1, self.binding, self.months, b, *recorded, levels * c, levels])
        part = [vector[..., low:high] for low, high in pairwise(sizes)]
        return {
            "month": part[0].reshape(*lead, c, self.every),
            "band": part[1].reshape(*lead, c, b),
            "ratio": part[2],
            "delay": part[3].reshape(*lead, c, 2),
            "tilt": part[4],
            "bound": part[5],
            "natural_month": part[6],
            "natural_band": part[7],
            "change": part[8],
            "season": part[9],
            "level": part[10].reshape(*lead, levels, c),
            "natural_level": part[11],
        }

    def own(self, vector: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        """Views of the per-segment vectors (..., S, local_size)."""
        lead, c, m = vector.shape[:-1], self.categories, self.months
        sizes = np.cumsum([0, c, c * m, 1, m, self.bands])
        part = [vector[..., low:high] for low, high in pairwise(sizes)]
        return {
            "segment": part[0],
            "burst": part[1].reshape(*lead, c, m),
            "natural_segment": part[2],
            "natural_segment_month": part[3],
            "natural_segment_band": part[4],
        }

    @property
    def at(self) -> dict[str, IntArray]:
        """Position of every shared parameter."""
        return self.shared(np.arange(self.shared_size))

    @cached_property
    def met(self) -> IntArray:
        """(S, H) positions among the shared parameters of those that each segment meets: all but the effects of other levels."""
        common = self.shared_size - self.levels * (self.categories + 1)
        columns = np.tile(np.arange(common), (self.segments, 1))
        if not self.column_sizes:
            return columns
        levels, at = np.array(self.membership), self.at
        of_levels = at["level"][levels].reshape(self.segments, -1), at["natural_level"][levels]
        return np.concatenate([columns, *of_levels], axis=1)

    @cached_property
    def of_own(self) -> tuple[IntArray, IntArray]:
        """Shared parameters that move the departures of a segment as one of its own parameters does: places in `met`, and of those own parameters.

        A month of a category moves them like its burst, a ratio or the level of a column like the effect of the segment, natural effects likewise.
        """
        at, own = self.met_shared(np.arange(self.met.shape[1])), self.own_at
        columns = len(self.column_sizes)
        shared = [at["month"][:, self.every - self.months :], at["ratio"], at["natural_month"], at["natural_band"], at["level"], at["natural_level"]]
        alike = [
            own["burst"],
            own["segment"],
            own["natural_segment_month"],
            own["natural_segment_band"][self.free_bands],
            np.tile(own["segment"], columns),
            np.tile(own["natural_segment"], columns),
        ]
        return np.concatenate([one.ravel() for one in shared]), np.concatenate([one.ravel() for one in alike])

    def others(self, vector: npt.NDArray[Any]) -> dict[str, npt.NDArray[Any]]:
        """Views of vectors of the shared parameters that are not `of_own`: months before the window, tenure, delays and the like."""
        lead, c, b, before = vector.shape[:-1], self.categories, self.bands - 1, self.every - self.months
        sizes = np.cumsum([0, c * b, 2 * c, 1, self.binding, len(self.changes), len(self.season), c * before])
        part = [vector[..., low:high] for low, high in pairwise(sizes)]
        return {
            "band": part[0].reshape(*lead, c, b),
            "delay": part[1].reshape(*lead, c, 2),
            "tilt": part[2],
            "bound": part[3],
            "change": part[4],
            "season": part[5],
            "month": part[6].reshape(*lead, c, before),
        }

    @cached_property
    def other_places(self) -> IntArray:
        """Places in `met` of the parameters of `others`."""
        at = self.met_shared(np.arange(self.met.shape[1]))
        size = self.met.shape[1] - len(self.of_own[0])
        found = np.zeros(size, dtype=np.int64)
        for name, place in self.others(found).items():
            place[...] = at[name][:, : self.every - self.months] if name == "month" else at[name]
        return found

    @cached_property
    def members(self) -> FloatArray:
        """(levels, S) 1 where a segment has the level."""
        found = np.zeros((self.levels, self.segments))
        for segment, levels in enumerate(self.membership):
            found[list(levels), segment] = 1.0
        return found

    @property
    def own_at(self) -> dict[str, IntArray]:
        """Position of every parameter of a segment; empty where segments have none."""
        return self.own(np.arange(self.local_size)) if self.local else {}

    def effects(self, shared: FloatArray, own: FloatArray) -> Effects:
        """Parameters unpacked for `evaluate_rates` (no leading axes)."""
        of = self.shared(shared)
        band = np.zeros((self.categories, self.bands))
        band[:, self.free_bands] = of["band"]
        natural = np.zeros((self.segments, self.months, self.bands)) + of["natural_month"][None, :, None]
        natural[:, :, self.free_bands] += of["natural_band"]
        segment = np.zeros((self.categories, self.segments))
        burst = np.zeros((self.categories, self.segments, self.months))
        if self.local:
            mine = self.own(own)
            segment, burst = mine["segment"].T, mine["burst"].transpose(1, 0, 2)
            if self.column_sizes:
                levels = np.array(self.membership)
                segment = segment + of["level"][levels].sum(1).T
                natural += of["natural_level"][levels].sum(1)[:, None, None]
            natural += mine["natural_segment"][:, :, None] + mine["natural_segment_month"][:, :, None]
            natural += mine["natural_segment_band"][:, None, :]
        bound = float(of["bound"][0]) if self.binding else 0.0
        month, recorded = of["month"], None
        if self.changes:
            unrecorded = np.einsum("l,lcq->cq", of["change"], self.before_change)
            month, recorded = month + unrecorded, -unrecorded[:, self.every - self.months :]
        return Effects(month, band, segment, burst, of["ratio"], of["delay"], float(of["tilt"][0]), bound, natural, recorded)


@dataclass(frozen=True, eq=False)
class Prior:
    """Gaussian prior of all parameters under given variances.

    Attributes:
        shared_mean, shared_precision: (G,) and (G, G).
        local_precision: (n,) of the parameters of each segment, independent around 0.
        walks: Penalty of a random walk over months, over tenure bands, and over the months of the window.
    """

    shared_mean: FloatArray
    shared_precision: FloatArray
    local_precision: FloatArray
    walks: dict[str, FloatArray]


SEASON_SD = 0.3  # judgement, grade D: of a yearly wave that all categories share
LEVEL_SD = 5.0  # weak: complaints determine the monthly log complaint rate
# Judgement, grade D: natural departures are of the order of all silent departures. A vaguer prior of a log level is no neutral one: most of
# it says that next to nothing is natural, and where the data cannot tell, the answer would be that complaints explain everything.
NATURAL_LEVEL_SD = 1.0


@dataclass(frozen=True, eq=False)
class Levels:
    """The prior of the levels.

    Attributes:
        complaints: (C,) log monthly complaint rate.
        natural: log monthly hazard of the silent.
        natural_sd: standard deviation of its natural part.
    """

    complaints: FloatArray
    natural: float
    natural_sd: float = NATURAL_LEVEL_SD


def build_prior(layout: ParameterLayout, variances: Variances, ratio: RatioPrior, kernel: DelayKernel, levels: Levels) -> Prior:
    """The prior of the smooth effects under `variances`."""
    size, c, b = layout.shared_size, layout.categories, layout.bands - 1
    precision, mean = np.zeros((size, size)), np.zeros(size)
    index = layout.at
    walk_every, walk_months = _walk(layout.every), _walk(layout.months)
    walk_band = _walk(layout.bands)[np.ix_(layout.free_bands, layout.free_bands)]
    anchor = layout.every - layout.months
    for k in range(c):
        month = index["month"][k]
        precision[np.ix_(month, month)] = walk_every / variances.month[k]
        precision[month[anchor], month[anchor]] += LEVEL_SD**-2
        # The prior mean of the walk is a constant: every month at the level.
        mean[month] = levels.complaints[k]
        if b:
            band = index["band"][k]
            precision[np.ix_(band, band)] = walk_band / variances.band[k]
    if layout.changes:
        _add_walk_columns(layout, precision, walk_every, variances)
    at = index["ratio"]
    mean[at], precision[np.ix_(at, at)] = ratio.gaussian
    at = index["delay"].ravel()
    precision[np.ix_(at, at)] = np.linalg.inv(kernel.covariance)
    mean[at] = kernel.location.ravel()
    at = index["tilt"]
    precision[at, at] = TILT_SD**-2
    if layout.binding:
        at = index["bound"]
        precision[at, at] = kernel.bound_sd**-2
    at = index["natural_month"]
    precision[np.ix_(at, at)] = walk_months / variances.natural_month
    precision[at[0], at[0]] += levels.natural_sd**-2
    mean[at] = levels.natural
    if b:
        at = index["natural_band"]
        precision[np.ix_(at, at)] = walk_band / variances.natural_band
    for name, variance in (("level", variances.level), ("natural_level", variances.natural_level)):
        of_levels = np.repeat(variance, layout.column_sizes)
        precision[index[name].T, index[name].T] = 1 / of_levels
    local = np.zeros(layout.local_size)
    if layout.local:
        mine = layout.own(local)
        mine["segment"][:] = 1 / variances.segment
        mine["burst"][:] = 1 / variances.burst[:, None]
        mine["natural_segment"][:] = 1 / variances.natural_segment
        mine["natural_segment_month"][:] = 1 / variances.natural_segment_month
        mine["natural_segment_band"][:] = 1 / variances.natural_segment_band
    return Prior(mean, precision, local, {"month": walk_every, "band": walk_band, "natural_month": walk_months})


def _add_walk_columns(layout: ParameterLayout, precision: FloatArray, walk: FloatArray, variances: Variances) -> None:
    """Ties the changes and the season to the walks: what walks is the month as it would be recorded today, less the season."""
    index = layout.at
    here = np.concatenate([index["change"], index["season"]])
    for k, columns in enumerate(layout.walk_columns):
        met = walk @ columns / variances.month[k]
        precision[np.ix_(index["month"][k], here)] = met
        precision[np.ix_(here, index["month"][k])] = met.T
        precision[np.ix_(here, here)] += columns.T @ met
    kinds = ((len(layout.changes) - layout.speaking, LOG_FACTOR_SD), (layout.speaking, SPEAKING_SEASON_SD), (len(layout.season), SEASON_SD))
    sd = np.concatenate([np.full(size, value) for size, value in kinds])
    precision[here, here] += sd**-2


def _walk(size: int) -> FloatArray:
    step = np.diff(np.eye(size), axis=0)
    return np.asarray(step.T @ step)


def penalty(prior: Prior, shared: FloatArray, own: FloatArray) -> float:
    """Minus the log prior of the smooth effects, constants dropped."""
    away = shared - prior.shared_mean
    return float(0.5 * away @ prior.shared_precision @ away + 0.5 * (own**2 * prior.local_precision).sum())
