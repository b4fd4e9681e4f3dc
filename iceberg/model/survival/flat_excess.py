"""Estimates the excess departures of complainers on a flat sheet, beyond those of their tenure band and segment.

    q_c = (D_c - sum over cells n_c p) / n_c        p: share of the cell's never-complainers who left

There is no clock and no order in time, so this compares states, not what follows what (evidence level F).
"""

from __future__ import annotations

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.leaks import find_leaks
from iceberg.model.survival.excess_posterior import ExcessPosterior, combine_excess, prior_excess
from iceberg.model.survival.net_survival import BETWEEN_CATEGORY_SD, SILENT_VS_VOCAL_SD, silent_hazard


def expected_leavers(counts: CohortCounts) -> tuple[FloatArray, FloatArray, FloatArray]:
    """Per category: complainers, of them left, and left as never-complainers of the same tenure band and segment would."""
    share = np.minimum(silent_hazard(counts), 0.999)  # a unit of exposure is a customer, so the hazard is a share
    heard = counts.complainants.sum(axis=(1, 2, 3)).astype(np.float64)
    rows, size = counts.clock.category >= 0, len(counts.categories)
    left = np.bincount(counts.clock.category[rows], weights=counts.clock.exited[rows], minlength=size)
    return heard, left[:size].astype(np.float64), np.asarray((counts.complainants * share).sum(axis=(1, 2, 3)))


def flat_excess(counts: CohortCounts) -> tuple[ExcessPosterior, ...]:
    """q_c per category, shrunk as in `iceberg.model.survival.net_survival.pooled_excess`.

    A category whose link with departures is too perfect says nothing of the silent: it keeps what is assumed.
    """
    heard, left, expected = expected_leavers(counts)
    usable = np.array([index not in find_leaks(counts) for index in range(len(heard))], dtype=np.bool_)
    mean, sd = prior_excess()
    pool = _meet(mean, sd, float(heard[usable].sum()), float(left[usable].sum()), float(expected[usable].sum()))
    posteriors = []
    for index in range(len(heard)):
        numbers = (heard[index], left[index], expected[index]) if usable[index] else (0.0, 0.0, 0.0)
        own, own_sd = _meet(pool[0], float(np.hypot(pool[1], BETWEEN_CATEGORY_SD)), *map(float, numbers))
        posteriors.append(ExcessPosterior(own, float(np.hypot(own_sd, SILENT_VS_VOCAL_SD)), int(heard[index])))
    return tuple(posteriors)


def _meet(mean: float, sd: float, heard: float, left: float, expected: float) -> tuple[float, float]:
    if heard <= 0:
        return mean, sd
    return combine_excess(mean, sd, followed=heard, stay=1 - left / heard, expected_stay=1 - expected / heard)
