"""Estimates level 1: complaint volumes that lead to no customer, beside the months in which customers left.

Complaints say only how many there were in each month, so segments and tenure are added up and the reconciliation model reads one series of
departures beside one series of complaints per category: months with many problems are followed by months with many departures, or they are not.

Departures hold those who complained as well. Of the r_c leavers per complainer, q_c are complainers themselves, so 1 - q_c / r_c left in silence;
q_c has its prior, cut off at r_c.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import cast

import numpy as np

from iceberg.arrays import BoolArray, FloatArray, IntArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.assumptions import Assumptions
from iceberg.model.departures.fit.model import fit_excess_hazard
from iceberg.model.departures.reconciliation import ReconciliationDraws, draw_silent_churn
from iceberg.model.priors import excess_prior, pert_quantile
from iceberg.model.ratio.cells import spread_over_segments
from iceberg.model.ratio.draws import draw_ratio_prior
from iceberg.model.ratio.level_four_prior import moments
from iceberg.model.ratio.level_three_prior import ratio_prior_of
from iceberg.model.ratio.measurements import measure_ratios
from iceberg.model.ratio.posterior import RatioPrior
from iceberg.model.ratio.prior_change import rows_under, same_prior
from iceberg.model.recording.changes import RecordingFactors, changes_inside, shares_before
from iceberg.model.results import LevelDraws
from iceberg.model.survival.delay_kernel import fit_delay_kernel

LEAST_MONTHS = 6  # judgement, as for level 3: a shorter series has no pattern
MOMENT_DRAWS = 4000
_QUANTILES = np.linspace(0.0, 1.0, 401)


def months_can_tell(counts: CohortCounts) -> bool:
    """Whether there are enough months with departures or complaints, and any of both, for their pattern to be read."""
    telling = (counts.silent_exits.sum(axis=(0, 2)) > 0) | (counts.complaints.sum(axis=0) > 0)
    return bool(telling.sum() >= LEAST_MONTHS and counts.silent_leavers and counts.complaints.any())


@dataclass(frozen=True, eq=False)
class _SeriesFit:
    """Fit and draws under the default prior; other assumptions reweight these draws.

    Attributes:
        key: Of counts, random stream and number of draws; the same key gives the same bytes.
        prior, drawn: The default prior, and the draws under it.
    """

    key: tuple[object, ...]
    prior: RatioPrior
    drawn: ReconciliationDraws


def correct_by_months(
    counts: CohortCounts,
    *,
    assumptions: Assumptions,
    rng: np.random.Generator,
    progress: Callable[[str, float], None],
    warm: object | None = None,
) -> LevelDraws:
    """Fit the reconciliation model to months alone and draw the silent churn of every category, segment and month.

    Args:
        counts: Level 1 counts, categories and segments in an order that does not depend on names; see `months_can_tell`.
        assumptions: The prior of the ratio, complaints per complainant, the number of draws.
        rng: Spawned per step.
        progress: Called with "fit" or "cells" and the share done of this call.
        warm: `LevelDraws.fit_state` of an earlier call on the same counts with the same stream: it saves the fit and changes no figure.
    """
    for_draws, for_prior, for_excess, for_voices, for_measured = rng.spawn(5)
    complainants = np.rint(counts.complaints / assumptions.complaints_per_complainant).astype(np.int64)
    spoken = complainants.sum(axis=1) > 0
    series = _added_up(counts, complainants, spoken)
    kernel = fit_delay_kernel(series)
    prior = ratio_prior_of(series, assumptions, kernel)
    known = _with_measurement(prior, counts, assumptions, for_measured, spoken)
    default = Assumptions(complaints_per_complainant=assumptions.complaints_per_complainant)
    usual = _with_measurement(ratio_prior_of(series, default, kernel), counts, default, for_measured, spoken)

    def fit_and_draw(believed: RatioPrior) -> ReconciliationDraws:
        fit = fit_excess_hazard(series, default, kernel=kernel, ratio_prior=believed, progress=lambda step, share: progress("fit", 0.8 * share))
        progress("cells", 0.8)
        return draw_silent_churn(fit, series, rng=_afresh(for_draws), draws=assumptions.draws)

    key = (series.digest, _seed(for_draws).entropy, _seed(for_draws).spawn_key, assumptions.draws)
    if not (isinstance(warm, _SeriesFit) and warm.key == key and same_prior(warm.prior, usual)):
        warm = _SeriesFit(key, usual, fit_and_draw(usual))
    rows = rows_under(known, warm.prior, warm.drawn.log_ratio)
    drawn = fit_and_draw(known) if rows is None else warm.drawn.at(rows)
    excess = _drawn_excess(counts, assumptions, for_excess, spoken, np.exp(drawn.log_ratio))
    silent_share = 1 - excess[:, spoken] / np.maximum(np.exp(drawn.log_ratio), 1e-12)
    caused = np.zeros((assumptions.draws, len(counts.categories), len(counts.months)), dtype=np.int64)
    caused[:, spoken] = for_voices.binomial(drawn.silent_churn[:, :, 0].astype(np.int64), np.clip(silent_share, 0.0, 1.0)[..., None])
    churn, natural = spread_over_segments(caused, leavers=counts.silent_exits.sum(axis=2).astype(np.float64))
    assumed = np.ones((assumptions.draws, len(counts.categories)))
    assumed[:, spoken] = np.exp(prior.draw(for_prior, assumptions.draws))
    heard, changes = complainants.sum(axis=1), changes_inside(series)
    return LevelDraws(
        silent_churn=churn,
        natural=natural,
        ratio=np.where(heard > 0, caused.sum(axis=2) / np.maximum(heard, 1), assumed),
        excess=excess,
        ratio_prior=assumed,
        fit_state=warm,
        recording=RecordingFactors(changes, drawn.change, shares_before(series)) if changes else None,
    )


def _seed(rng: np.random.Generator) -> np.random.SeedSequence:
    return cast(np.random.SeedSequence, rng.bit_generator.seed_seq)


def _afresh(rng: np.random.Generator) -> np.random.Generator:
    """The stream as it was before anything was drawn from it."""
    return np.random.default_rng(_seed(rng))


def _added_up(counts: CohortCounts, complainants: IntArray, spoken: BoolArray) -> CohortCounts:
    """One segment and one tenure band: all that the complaints have is months."""
    shape = (int(spoken.sum()), 1, len(counts.months), 1)
    heard = complainants[spoken].reshape(shape)
    days = counts.silent_person_days.sum(axis=(0, 2)).reshape(shape[1:])
    return CohortCounts.zeros(
        counts.window,
        categories=tuple(name for name, one in zip(counts.categories, spoken, strict=True) if one),
        band_edges_months=(0,),
        silent_person_days=days,
        silent_exits=counts.silent_exits.sum(axis=(0, 2)).reshape(shape[1:]),
        complainants=heard,
        complainants_any=np.minimum(heard.sum(axis=0), days),
        complaints=np.maximum(counts.complaints[spoken], heard[:, 0, :, 0]),
        has_customers=True,
        has_linked_complaints=True,
        unrecorded=counts.unrecorded,
        recording_changes=counts.recording_changes,
    )


def _with_measurement(
    prior: RatioPrior, counts: CohortCounts, assumptions: Assumptions, rng: np.random.Generator, spoken: BoolArray
) -> RatioPrior:
    """The prior with what a survey measured on top of it: silent leavers per complainer, and the complainer's own departure."""
    measured = measure_ratios(counts, assumptions=assumptions)
    if not any(measured):
        return prior
    held = replace(assumptions, draws=MOMENT_DRAWS)
    drawn = draw_ratio_prior(counts.categories, assumptions=held, rng=_afresh(rng), measured=measured)
    mean, precision = moments(np.log(np.exp(drawn.log_ratio()) + drawn.excess)[:, spoken], drawn.measured[spoken])
    return replace(prior, observed_mean=mean, observed_precision=precision)


def _drawn_excess(
    counts: CohortCounts, assumptions: Assumptions, rng: np.random.Generator, spoken: BoolArray, ratio: FloatArray
) -> FloatArray:
    """(K, C) draws of q_c from its prior, below the leavers per complainer `ratio` (K, spoken) of the same draw."""
    uniform = rng.random((assumptions.draws, len(counts.categories)))
    excess = np.empty_like(uniform)
    limits = np.full_like(uniform, np.inf)
    limits[:, spoken] = ratio
    for place, category in enumerate(counts.categories):
        ladder = pert_quantile(excess_prior(category, assumptions=assumptions), _QUANTILES)
        below = np.interp(limits[:, place], ladder, _QUANTILES, left=0.0, right=1.0)
        excess[:, place] = np.minimum(np.interp(uniform[:, place] * below, _QUANTILES, ladder), limits[:, place])
    return excess
