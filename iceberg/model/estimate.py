"""Estimates the iceberg: `estimate_iceberg` reads as the method, top to bottom.

evidence level -> prior of the ratio -> what the departures allow -> cells -> money -> summary
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from iceberg.arrays import BoolArray, FloatArray, IntArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.assumptions import Assumptions
from iceberg.model.canonical import canonical_order, reorder
from iceberg.model.departures.correction import correct_by_departures
from iceberg.model.diagnose import diagnose
from iceberg.model.evidence import judge_evidence, what_is_missing_for_level_3
from iceberg.model.ratio.cells import month_profile, spread_over_months
from iceberg.model.ratio.draws import ExcessQuantile, RatioDraws, RatioPriorDraws, condition_on_departures, draw_ratio_prior
from iceberg.model.ratio.measurements import measure_ratios
from iceberg.model.results import Diagnostic, Draws, EstimateCells, Evidence, IcebergEstimate, LevelDraws
from iceberg.model.summary import SMALLEST_RATIO, Posterior, summarise_draws
from iceberg.model.survival.flat_excess import flat_excess
from iceberg.model.survival.net_survival import delay_by_month, matched_hazard, observed_excess, pooled_excess
from iceberg.model.value import price_silent_churn

Progress = Callable[[str, float], None]

# Judgement: measured ratios that the departures allow in fewer than one draw of twenty contradict them.
CONFLICT_PROBABILITY = 0.05
CONFLICT_SD = 2.5  # judgement: departures that leave so much less than was measured, in its standard deviations


@dataclass(frozen=True, eq=False)
class _Request:
    """One call of `estimate_iceberg`, as its steps need it.

    Attributes:
        counts: In the order of the file.
        ordered: The same in the order of `canonical_order`; random numbers are drawn in this one.
        categories, segments: Where each category and segment of the file stands in `ordered`.
        evidence, assumptions, tell: See `estimate_iceberg`.
        random: One stream per step, so that a step that draws more does not move the others.
    """

    counts: CohortCounts
    ordered: CohortCounts
    categories: IntArray
    segments: IntArray
    evidence: Evidence
    assumptions: Assumptions
    tell: Progress
    random: list[np.random.Generator]


def estimate_iceberg(
    counts: CohortCounts,
    *,
    assumptions: Assumptions | None = None,
    seed: int = 0,
    progress: Progress | None = None,
    warm: object | None = None,
) -> IcebergEstimate:
    """The silent churn behind every complaint category, with joint draws and what they rest on.

    Args:
        counts: From `reduce_tables`, or `CohortCounts.from_volumes`.
        assumptions: Defaults where None.
        seed: Same counts, assumptions and seed give the same bytes.
        progress: Called with the step (a key of ``evidence.steps``) and the share done, 0 to 1.
        warm: `IcebergEstimate.fit_state` of an earlier estimate of the same counts.
    """
    held = assumptions or Assumptions()
    tell = progress or (lambda step, share: None)
    tell("evidence", 0.0)
    categories, segments = canonical_order(counts)
    request = _Request(
        counts=counts,
        ordered=reorder(counts, categories, segments),
        categories=np.argsort(categories),
        segments=np.argsort(segments),
        evidence=judge_evidence(counts),
        assumptions=held,
        tell=tell,
        random=np.random.default_rng(seed).spawn(4),
    )
    answer = _answer_at_level(request, warm)
    tell("money", 0.8)
    money = price_silent_churn(counts, answer.silent_churn, assumptions=held, rng=request.random[3])
    tell("summary", 0.95)
    vocal, vocal_any = _vocal_customers(counts, held)
    cells = EstimateCells(
        categories=counts.categories,
        segments=counts.segments,
        months=counts.months,
        vocal=vocal,
        vocal_any=vocal_any,
        leavers=counts.silent_exits.sum(axis=2).astype(np.float64),
        ratio_prior=answer.ratio_prior,
        excess=answer.excess,
        currency=counts.currency,
        segment_columns=counts.segment_columns,
        segment_levels=counts.segment_levels,
        has_calendar=counts.has_calendar,
    )
    draws = Draws(answer.silent_churn, answer.natural, money, answer.ratio)
    posterior = Posterior(
        draws, cells, request.evidence, answer.diagnostics, answer.placebo, answer.pipeline, answer.fit_state
    )
    estimate = summarise_draws(posterior, assumptions=held, counts_digest=counts.digest, seed=seed)
    tell("done", 1.0)
    return diagnose(estimate, counts)


def _answer_at_level(request: _Request, warm: object | None) -> LevelDraws:
    """The answer at the evidence level that the files reach."""
    level = request.evidence.level
    if not level.knows_departures:
        return _from_volumes(request)
    measured_only = level.is_measured and bool(what_is_missing_for_level_3(request.counts))
    if not level.corrects_ratio or measured_only:
        return _from_survival(request)
    return _from_departures(request, warm)


def _from_volumes(request: _Request) -> LevelDraws:
    """Level 0: ratio x assumed excess probability; no departures are known that could contradict it."""
    held = request.assumptions
    ordered = request.ordered
    vocal, _ = _vocal_customers(ordered, held)
    measured = measure_ratios(ordered, assumptions=held)
    prior = draw_ratio_prior(ordered.categories, assumptions=held, rng=request.random[0], measured=measured)
    drawn = condition_on_departures(prior, vocal=vocal.sum(axis=2), leavers=None, rng=request.random[2])
    drawn = drawn.rearranged(request.categories, request.segments)
    in_file_order, _ = _vocal_customers(request.counts, held)
    churn = (drawn.silent_churn[..., None] * month_profile(in_file_order, np.ones(1))).astype(np.float32)
    natural = np.zeros((held.draws, *churn.shape[2:]), dtype=np.float32)
    assumed = drawn.ratio
    if any(measured):  # a survey beside the volumes: the prior that is shown is the one before the survey
        before = draw_ratio_prior(ordered.categories, assumptions=held, rng=request.random[1])
        assumed = np.exp(before.log_ratio())[:, request.categories]
    return LevelDraws(churn, natural, drawn.ratio, drawn.excess, assumed)


def _from_survival(request: _Request) -> LevelDraws:
    """Levels 1 and 2: ratio x excess probability, assumed or measured, as far as the departures allow."""
    counts, held = request.counts, request.assumptions
    request.tell("excess", 0.1)
    matched = matched_hazard(request.ordered)
    drawn, assumed = _draw_ratios(request, matched)
    request.tell("cells", 0.6)
    leavers = counts.silent_exits.sum(axis=2).astype(np.float64)
    share = np.ones(len(counts.segments)) if counts.has_linked_complaints else _shares(leavers.sum(axis=1))
    vocal, _ = _vocal_customers(counts, held)
    delay = np.ones(1)
    if counts.has_calendar:
        delay = delay_by_month(request.ordered, horizon_days=held.horizon_days, matched=matched)
    churn, natural = spread_over_months(
        drawn.silent_churn * share, profile=month_profile(vocal, delay), leavers=leavers
    )
    remarks: tuple[Diagnostic, ...] = ()
    if request.evidence.level.is_measured and drawn.feasible_probability < CONFLICT_PROBABILITY:
        remarks = (Diagnostic("measured_conflict", "warning", {"lost": counts.silent_leavers}),)
    return LevelDraws(churn, natural, drawn.ratio, drawn.excess, assumed, diagnostics=remarks)


def _from_departures(request: _Request, warm: object | None) -> LevelDraws:
    """Level 3: departures over segments and months correct the ratio (excess-hazard model)."""
    held = request.assumptions

    def report(step: str, share: float) -> None:
        request.tell(step, 0.1 + 0.65 * share)

    seen = _measured_ratios(request) if request.evidence.level.is_measured else None
    drawn = correct_by_departures(
        request.ordered,
        assumptions=held,
        rng=request.random[2],
        warm=warm,
        progress=report,
        measured=(seen.mean, seen.precision) if seen else None,
    )
    if seen is not None:  # the prior that is shown is the one before the measurement
        drawn = replace(
            drawn,
            diagnostics=_remarks_beside_measurements(drawn, seen, request.ordered),
            excess=np.where(seen.watched, seen.excess, drawn.excess),
            ratio_prior=np.where(seen.precision > 0, seen.assumed, drawn.ratio_prior),
        )
    shape = drawn.silent_churn.shape
    rows = (request.categories[:, None] * shape[2] + request.segments).ravel()
    churn = drawn.silent_churn.reshape(shape[0], shape[1] * shape[2], shape[3]).take(rows, axis=1).reshape(shape)
    order, each = request.categories, [*request.categories.tolist(), -1]
    return replace(
        drawn,
        silent_churn=np.asarray(churn, dtype=np.float32),
        natural=drawn.natural[:, request.segments],
        ratio=drawn.ratio[:, order],
        excess=drawn.excess[:, order],
        ratio_prior=drawn.ratio_prior[:, order],
        placebo=None if drawn.placebo is None else tuple(drawn.placebo[index] for index in each),
        pipeline=None if drawn.pipeline is None else tuple(drawn.pipeline[index] for index in each),
    )


@dataclass(frozen=True, eq=False)
class _Measured:
    """What a log or a survey measured of log r_c, in the order of `_Request.ordered`; watched: the silent were followed."""

    mean: FloatArray
    precision: FloatArray
    excess: FloatArray
    assumed: FloatArray
    watched: BoolArray


def _measured_ratios(request: _Request) -> _Measured:
    counts, held = request.ordered, request.assumptions
    matched = matched_hazard(counts)
    vocal = pooled_excess(counts, horizon_days=held.horizon_days, matched=matched)
    silent = observed_excess(counts, vocal, horizon_days=held.horizon_days, matched=matched)
    drawn, assumed = _draw_priors(request, [one.quantile for one in silent])
    log_ratio, known = drawn.log_ratio(), drawn.measured
    return _Measured(
        np.where(known, log_ratio.mean(axis=0), 0.0),
        np.where(known, 1 / log_ratio.var(axis=0), 0.0),
        drawn.excess,
        np.exp(assumed.log_ratio()),
        np.isin(np.arange(len(known)), counts.observed.clock.category if counts.observed else []),
    )


def _draw_priors(request: _Request, informed: list[ExcessQuantile] | None) -> tuple[RatioPriorDraws, RatioPriorDraws]:
    """The ratios before the departures speak: as measured, with what complainers show of the excess, and as assumed."""
    names, held = request.ordered.categories, request.assumptions
    measured = measure_ratios(request.ordered, assumptions=held)
    prior = draw_ratio_prior(names, assumptions=held, rng=request.random[0], excess_quantiles=informed, measured=measured)
    return prior, draw_ratio_prior(names, assumptions=held, rng=request.random[1])


def _remarks_beside_measurements(drawn: LevelDraws, seen: _Measured, counts: CohortCounts) -> tuple[Diagnostic, ...]:
    """The diagnostics without those on variation and noise of measured ratios: these do not rest on the pattern of complaints."""
    known = seen.precision > 0
    measured = {name for name, one in zip(counts.categories, known, strict=True) if one} | {None}
    kept = [one for one in drawn.diagnostics if one.category not in measured or one.code == "fit_not_settled"]
    away = np.log(np.maximum(np.median(drawn.ratio, axis=0), SMALLEST_RATIO)) - seen.mean
    if known.any() and (away[known] * np.sqrt(seen.precision[known])).min() < -CONFLICT_SD:
        kept.append(Diagnostic("measured_conflict", "warning", {"lost": counts.silent_leavers}))
    return tuple(kept)


def _draw_ratios(request: _Request, matched: FloatArray) -> tuple[RatioDraws, FloatArray]:
    """Ratios as far as the departures allow, and as assumed before, in the order of the file."""
    ordered, held = request.ordered, request.assumptions
    informed: list[ExcessQuantile] | None = None
    if not ordered.has_calendar:
        informed = [one.quantile for one in flat_excess(ordered)] if ordered.has_linked_complaints else None
    elif request.evidence.level.follows_complainers:
        posteriors = pooled_excess(ordered, horizon_days=held.horizon_days, matched=matched)
        posteriors = observed_excess(ordered, posteriors, horizon_days=held.horizon_days, matched=matched)
        informed = [one.quantile for one in posteriors]
    request.tell("ratio", 0.4)
    prior, assumed = _draw_priors(request, informed)
    vocal, _ = _vocal_customers(ordered, held)
    heard, leavers = vocal.sum(axis=2), ordered.silent_exits.sum(axis=(1, 2)).astype(np.float64)
    if not ordered.has_linked_complaints:  # their segment is unknown: only the departures of the whole company limit the ratio
        heard, leavers = heard.sum(axis=1, keepdims=True), leavers.sum(keepdims=True)
    drawn = condition_on_departures(prior, vocal=heard, leavers=leavers, rng=request.random[2])
    restored = drawn.rearranged(request.categories, request.segments)
    return restored, np.exp(assumed.log_ratio())[:, request.categories]


def _vocal_customers(counts: CohortCounts, assumptions: Assumptions) -> tuple[FloatArray, FloatArray]:
    """(C, S, M) vocal customers by category and (S, M) of any category.

    Volumes are complaints, not complainants: divided by the assumed repeats, and spread over segments like the silent leavers.
    """
    if counts.has_linked_complaints:
        by_category, of_any = counts.complainants.sum(axis=3), counts.complainants_any.sum(axis=2)
        return by_category.astype(np.float64), of_any.astype(np.float64)
    by_month = counts.complaints / assumptions.complaints_per_complainant
    vocal = by_month[:, None, :] * _shares(counts.silent_exits.sum(axis=(1, 2)).astype(np.float64))[:, None]
    return vocal, vocal.sum(axis=0)


def _shares(amounts: FloatArray) -> FloatArray:
    """Amounts as shares of their sum; equal shares of nothing."""
    total = amounts.sum()
    return amounts / total if total > 0 else np.full(len(amounts), 1 / max(len(amounts), 1))
