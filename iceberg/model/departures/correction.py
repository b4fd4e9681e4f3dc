"""Estimates level 3, from counts to draws: fit, joint draws, placebo, pipeline and diagnostics."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, fields, replace
from functools import partial
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from iceberg.arrays import BoolArray, FloatArray, SingleArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import ComplaintClockCounts, TenureDayCounts
from iceberg.model.assumptions import Assumptions
from iceberg.model.departures.chance import by_category, placebo_intervals
from iceberg.model.departures.confounding import common_cause_factors
from iceberg.model.departures.fit.model import ExcessHazardFit, fit_excess_hazard
from iceberg.model.departures.fit.threads import in_turn
from iceberg.model.departures.fit.variance_average import average_variances
from iceberg.model.departures.forecast import HORIZONS_DAYS, draw_pipeline
from iceberg.model.departures.placebo import Placebo, begin_placebo, run_placebo
from iceberg.model.departures.predictive import check_fit
from iceberg.model.departures.reconciliation import ReconciliationDraws, draw_silent_churn
from iceberg.model.departures.second_opinion import SecondOpinion, ask_without_tenure, compare_opinions
from iceberg.model.priors import COMMON_ERROR_LOG_SD, NOTICE_ERROR_LOG_SD
from iceberg.model.ratio.level_four_prior import MeasuredPrior, find_conflict
from iceberg.model.ratio.level_three_prior import ratio_prior_of
from iceberg.model.ratio.posterior import RatioPrior
from iceberg.model.ratio.prior_change import rows_under, same_prior
from iceberg.model.recording.changes import RecordingFactors, changes_inside, shares_before
from iceberg.model.results import CredibleInterval, Diagnostic, LevelDraws, PlaceboInterval, PredictiveCheck
from iceberg.model.survival.delay_kernel import DelayKernel, fit_delay_kernel
from iceberg.model.survival.notice import before_decisions, find_complaints_at_notice

_Streams = tuple[np.random.Generator, ...]  # of draws, placebo, pipeline, second opinion and checks

PLACEBO_DRAWS = 600
PRIOR_REMAINS = 0.8  # judgement: a posterior of log r this wide beside its prior has learned next to nothing
SMALL_SHARE = 0.02  # judgement: a category that cannot be more than this share of the silent leavers is small, whether or not noise could be as large
SURE_ENOUGH = 0.95  # judgement: a total that is more than chance with less than this is remarked upon, and the answer is not called data-led
CONFLICT = 0.025  # judgement: the posterior median in the outer twentieth of the prior


@dataclass(frozen=True, eq=False)
class _Reference:
    """Fit, joint draws, placebo and pipeline under the default assumptions; other assumptions reweight these draws.

    Attributes:
        key: Of counts, random stream and number of draws; the same key gives the same bytes.
        prior: Of the categories with complaints, under the default assumptions.
        fit, drawn: Under that prior.
        placebo: It depends on the counts, and hardly on the assumed ratio.
        ahead: (K, C', H) silent leavers still to come.
        second: The estimate without tenure.
        checks: The fit beside what it was fitted to.
    """

    key: tuple[object, ...]
    prior: RatioPrior
    fit: ExcessHazardFit
    drawn: ReconciliationDraws
    placebo: Placebo
    ahead: FloatArray
    second: SecondOpinion
    checks: tuple[PredictiveCheck, ...]


def correct_by_departures(
    counts: CohortCounts,
    *,
    assumptions: Assumptions,
    rng: np.random.Generator,
    warm: object | None = None,
    progress: Callable[[str, float], None] | None = None,
    measured: tuple[MeasuredPrior, MeasuredPrior] | None = None,
) -> LevelDraws:
    """Fit the reconciliation model to `counts` and draw every quantity of level 3.

    Args:
        counts: Level 3 counts, categories and segments in an order that does not depend on names.
        assumptions: The prior of the ratio, and the number of draws.
        rng: Spawned per step.
        warm: `LevelDraws.fit_state` of an earlier call on the same counts with the same stream: it saves the fit and changes no figure.
        progress: Called with "fit", "cells" or "placebo" and the share done of this call.
        measured: What a log or a survey measured (level 4), under `assumptions` and under the default ones.
    """
    tell = progress or (lambda step, share: None)
    for_draws, for_prior, for_excess, for_placebo, for_pipeline, for_conflict, for_checks, for_second = rng.spawn(8)
    spoken = counts.complainants.sum(axis=(1, 2, 3)) > 0
    kernel = _delays(counts, warm, spoken)
    prior, usual = (ratio_prior_of(counts, held, kernel) for held in (assumptions, Assumptions()))
    if measured is not None:
        prior, usual = measured[0].on(prior), measured[1].on(usual)
    heard = _of_categories(counts, spoken)
    of_heard, usual_of_heard = prior.of_categories(spoken), usual.of_categories(spoken)
    key = (counts.digest, _stream(for_draws), assumptions.draws)
    reference = warm if isinstance(warm, _Reference) and warm.key == key and same_prior(warm.prior, usual_of_heard) else None
    if reference is None:
        reference = _fit_reference(
            heard,
            kernel.of_categories(spoken),
            usual_of_heard,
            key,
            (for_draws, for_placebo, for_pipeline, for_second, for_checks),
            assumptions.draws,
            tell,
        )
    fit, drawn, ahead = _under_prior(reference, heard, of_heard, (for_draws, for_pipeline), assumptions.draws, tell)
    second = reference.second.under(of_heard, reference.prior)
    own = ~np.isin(counts.categories, counts.negative_controls)  # the total is that of the other categories
    opinions = None if second is None else _intervals(_with_silence(second, spoken), own)
    noise = for_excess.standard_normal((assumptions.draws, len(counts.categories)))
    # The kernel describes departures at any time; the excess is shown within the horizon.
    within = kernel.share_within(float(assumptions.horizon_days))
    ratio = (assumed := np.exp(prior.draw(for_prior, assumptions.draws))).copy()
    ratio[:, spoken] = drawn.ratio
    churn = _with_silence(drawn.silent_churn, spoken)
    noise_floor = _noise_floor(reference.placebo, spoken, churn, own)
    conflict = find_conflict(fit.ratio_likelihood, of_heard, heard.vocal_customers.astype(np.float64), rng=for_conflict)
    remarks = _diagnose(fit, drawn, [*np.array(noise_floor[:-1], dtype=object)[spoken], noise_floor[-1]], assumed[:, spoken], heard)
    return LevelDraws(
        silent_churn=churn,
        natural=drawn.natural,
        ratio=ratio,
        excess=within * np.exp(np.minimum(kernel.excess_log_mean + kernel.excess_log_sd * noise, 0.0)),
        ratio_prior=assumed,
        placebo=noise_floor,
        placebo_draws=_with_silence(reference.placebo.silent_churn, spoken),
        explained=reference.placebo.explained,
        pipeline=_pipelines(_with_silence(ahead, spoken), own),
        second_opinion=opinions,
        common_cause=_each(_with_silence(common_cause_factors(fit, drawn, own=own[spoken]) - 1, np.append(spoken, True)) + 1),
        diagnostics=(*remarks, *compare_opinions(counts.categories, churn, opinions, own), *((conflict,) if conflict else ())),
        fit_state=reference,
        recording=_recording(heard, drawn),
        checks=reference.checks,
    )


def _common_error(counts: CohortCounts) -> float:
    """Log-sd of what the model may be wrong about in all categories alike."""
    return COMMON_ERROR_LOG_SD if find_complaints_at_notice(counts) is None else NOTICE_ERROR_LOG_SD


def _noise_floor(placebo: Placebo, spoken: BoolArray, churn: SingleArray, own: BoolArray) -> tuple[PlaceboInterval, ...]:
    """C + 1 intervals of what chance finds."""
    return placebo_intervals(_with_silence(placebo.silent_churn, spoken), churn, np.flatnonzero(own), placebo.explained)


def _recording(heard: CohortCounts, drawn: ReconciliationDraws) -> RecordingFactors | None:
    changes = changes_inside(heard)
    return RecordingFactors(changes, drawn.change, shares_before(heard)) if changes else None


def _delays(counts: CohortCounts, warm: object | None, spoken: BoolArray) -> DelayKernel:
    """The delays of all categories: they hang on the counts alone, so those of an earlier fit of the same counts stand."""
    if isinstance(warm, _Reference) and warm.key[0] == counts.digest and spoken.all():
        return warm.fit.kernel
    return fit_delay_kernel(before_decisions(counts))


def _stream(rng: np.random.Generator) -> tuple[object, ...]:
    """The identity of a random stream."""
    seed = cast(np.random.SeedSequence, rng.bit_generator.seed_seq)
    return (seed.entropy, seed.spawn_key)


def _from_the_start(rng: np.random.Generator) -> np.random.Generator:
    """The stream as it was before anything was drawn from it."""
    return np.random.default_rng(cast(np.random.SeedSequence, rng.bit_generator.seed_seq))


def _fit_reference(
    heard: CohortCounts,
    kernel: DelayKernel,
    prior: RatioPrior,
    key: tuple[object, ...],
    streams: _Streams,
    draws: int,
    tell: Callable[[str, float], None],
) -> _Reference:
    """Fit, draws, placebo, pipeline and checks under the default assumptions."""
    fit = _fit(heard, kernel, prior, tell)
    # Each has a stream of its own, so that the figures do not depend on which ends first.
    alone = not fit.layout.is_wide
    asked: list[Callable[[], Any]] = [
        partial(_draw, fit, heard, (streams[0], streams[2]), draws),
        partial(ask_without_tenure, fit, heard, rng=streams[3]),
        partial(begin_placebo, fit),
        partial(check_fit, fit, heard, rng=streams[4]),
    ]
    (drawn, ahead), second, begun, checks = in_turn(asked, alone=alone)
    tell("placebo", 0.7)
    placebo = run_placebo(begun, heard, rng=streams[1], draws=PLACEBO_DRAWS, alone=alone)
    tell("pipeline", 0.9)
    return _Reference(key, prior, fit, drawn, placebo, ahead, second, checks)


def _draw(fit: ExcessHazardFit, heard: CohortCounts, streams: _Streams, draws: int) -> tuple[ReconciliationDraws, FloatArray]:
    """Joint draws of `fit`, and who is still to come in each of them."""
    drawn = draw_silent_churn(fit, heard, rng=streams[0], draws=draws, common_error=_common_error(heard))
    return drawn, draw_pipeline(fit, heard, drawn, rng=streams[1])


def _under_prior(
    reference: _Reference, heard: CohortCounts, prior: RatioPrior, streams: _Streams, draws: int, tell: Callable[[str, float], None]
) -> tuple[ExcessHazardFit, ReconciliationDraws, FloatArray]:
    """Fit, draws and pipeline under `prior`: those of `reference` reweighted, or new ones where it is too far from the default prior for that."""
    rows = rows_under(prior, reference.prior, reference.drawn.log_ratio, reference.drawn.level)
    if rows is not None:
        return reference.fit, reference.drawn.at(rows), reference.ahead[rows]
    known = reference.fit
    fit = _fit(heard, known.kernel, prior, tell, warm=known)
    drawn, ahead = _draw(fit, heard, (_from_the_start(streams[0]), _from_the_start(streams[1])), draws)
    tell("pipeline", 0.95)
    return fit, drawn, ahead


def _fit(
    heard: CohortCounts,
    kernel: DelayKernel,
    prior: RatioPrior,
    tell: Callable[[str, float], None],
    *,
    warm: ExcessHazardFit | None = None,
) -> ExcessHazardFit:
    """The fit, averaged over its variances."""
    first = before_decisions(heard)
    fit = fit_excess_hazard(first, Assumptions(), warm=warm, progress=lambda step, share: tell("fit", 0.6 * share), kernel=kernel, ratio_prior=prior)
    fit = average_variances(fit)
    tell("cells", 0.6)
    return fit


def _of_categories(counts: CohortCounts, chosen: BoolArray) -> CohortCounts:
    """The counts of some categories only; a category without a complaint informs nothing."""
    if chosen.all():
        return counts
    place = np.cumsum(chosen) - 1
    clock = counts.clock
    rows = (clock.category < 0) | chosen[clock.category]
    moved = {field.name: getattr(clock, field.name)[rows] for field in fields(clock)}
    moved["category"] = np.where(moved["category"] < 0, -1, place[moved["category"]])
    return replace(
        counts,
        categories=(kept := tuple(name for name, keep in zip(counts.categories, chosen, strict=True) if keep)),
        negative_controls=tuple(name for name in counts.negative_controls if name in kept),
        complainants=counts.complainants[chosen],
        complaints=counts.complaints[chosen],
        clock=ComplaintClockCounts(**moved),
        tenure_days=TenureDayCounts.empty(),
        observed=None,
    )


def _with_silence(draws: npt.NDArray[Any], spoken: BoolArray) -> npt.NDArray[Any]:
    """(K, C', ...) as (K, C, ...): zero for the categories without a complaint."""
    if spoken.all():
        return draws
    filled = np.zeros((draws.shape[0], len(spoken), *draws.shape[2:]), dtype=draws.dtype)
    filled[:, spoken] = draws
    return filled


def _each(draws: FloatArray) -> tuple[CredibleInterval, ...]:
    """(K, C) as C intervals."""
    return tuple(CredibleInterval.of(draws[:, category]) for category in range(draws.shape[1]))


def _intervals(churn: FloatArray, own: BoolArray) -> tuple[CredibleInterval, ...]:
    """(K, C) as C + 1 intervals, the last one that of the sum over `own`."""
    return (*_each(churn), CredibleInterval.of(churn[:, own].sum(axis=1)))


def _pipelines(ahead: FloatArray, own: BoolArray) -> tuple[dict[int, CredibleInterval], ...]:
    """(K, C, H) as C + 1 mappings from days ahead to an interval."""
    by_horizon = [_intervals(ahead[..., place], own) for place in range(ahead.shape[2])]
    return tuple(dict(zip(HORIZONS_DAYS, one, strict=True)) for one in zip(*by_horizon, strict=True))


def _diagnose(
    fit: ExcessHazardFit,
    drawn: ReconciliationDraws,
    placebo: list[PlaceboInterval],
    assumed: FloatArray,
    counts: CohortCounts,
) -> tuple[Diagnostic, ...]:
    """The diagnostics of this fit; `placebo` is per category of `counts`, then for the total."""
    diagnostics: list[Diagnostic] = []
    if not fit.converged:
        diagnostics.append(Diagnostic("fit_not_settled", "warning", {"iterations": fit.iterations}))
    if fit.layout.speaking:
        diagnostics.append(Diagnostic("speaking_season", "info"))
    churn = by_category(drawn.silent_churn)
    own = ~np.isin(counts.categories, counts.negative_controls)
    total = placebo[-1]
    if total.exceeded < SURE_ENOUGH and total.overlaps(CredibleInterval.of(churn[:, own].sum(axis=1))):
        values: dict[str, object] = {"placebo": round(total.upper)}
        if total.is_noise:
            diagnostics.append(Diagnostic("total_not_above_noise", "caution", values))
        else:
            diagnostics.append(Diagnostic("total_low_end_in_noise", "caution", values | {"exceeded": round(100 * total.exceeded)}))
    prior = np.log(assumed)
    small = SMALL_SHARE * float(counts.silent_leavers)
    for index, category in enumerate(counts.categories):
        found = CredibleInterval.of(churn[:, index])
        if placebo[index].overlaps(found) and placebo[index].is_noise and found.upper > small:
            diagnostics.append(Diagnostic("not_above_noise", "info", {"placebo": round(placebo[index].upper)}, category))
        posterior = drawn.log_ratio[:, index]
        if float(posterior.std()) > PRIOR_REMAINS * float(prior[:, index].std()):
            diagnostics.append(Diagnostic("no_variation", "caution", {}, category))
        place = float((prior[:, index] < np.median(posterior)).mean())
        if min(place, 1 - place) < CONFLICT:
            values = {"prior": float(np.exp(np.median(prior[:, index]))), "posterior": float(np.exp(np.median(posterior)))}
            diagnostics.append(Diagnostic("prior_conflict", "info", values, category, objects=True))
    return tuple(diagnostics)
