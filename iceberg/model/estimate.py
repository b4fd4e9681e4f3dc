"""Estimates the iceberg: `estimate_iceberg` reads as the method, top to bottom.

evidence level -> prior of the ratio -> what the departures allow -> cells -> money -> summary
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from threadpoolctl import threadpool_limits

from iceberg.arrays import BoolArray, FloatArray, IntArray, SingleArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.assumptions import Assumptions
from iceberg.model.canonical import canonical_order, reorder
from iceberg.model.decision.information.answers import weigh_by_answers
from iceberg.model.departures.controls import set_controls_apart
from iceberg.model.departures.correction import correct_by_departures
from iceberg.model.departures.readings import BothFits, mix_readings, other_reading
from iceberg.model.departures.volumes import correct_by_months, months_can_tell
from iceberg.model.diagnose import about_changes, diagnose
from iceberg.model.evidence import judge_evidence, waits_for_renewals, what_is_missing_for_level_3, with_answers
from iceberg.model.ratio.cells import month_profile, spread_over_months
from iceberg.model.ratio.draws import ExcessQuantile, RatioDraws, RatioPriorDraws, condition_on_departures, draw_ratio_prior
from iceberg.model.ratio.level_four_prior import MeasuredPrior, measured_prior_of
from iceberg.model.ratio.measurements import measure_ratios
from iceberg.model.recording.changes import RecordingFactors, draw_factors, shares_before
from iceberg.model.results import CredibleInterval, Diagnostic, Draws, EstimateCells, Evidence, IcebergEstimate, LevelDraws
from iceberg.model.summary import Posterior, summarise_draws
from iceberg.model.survival.flat_excess import flat_excess
from iceberg.model.survival.net_survival import delay_by_month, matched_hazard, observed_excess, pooled_excess
from iceberg.model.value import price_silent_churn

Progress = Callable[[str, float], None]

# Judgement: measured ratios that the departures allow in fewer than one draw of twenty contradict them.
CONFLICT_PROBABILITY = 0.05


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
    # The matrices are small and many: threads would wait for each other, and add up in another order.
    with threadpool_limits(limits=1, user_api="blas"):
        return _estimate(_request(counts, held, seed, tell), seed, warm)


def _estimate(request: _Request, seed: int, warm: object | None) -> IcebergEstimate:
    """The steps of `estimate_iceberg`."""
    counts, held, tell = request.counts, request.assumptions, request.tell
    answer = _answer(request, seed, warm)
    answer = set_controls_apart(answer, counts, tested=answer.placebo is not None)
    weighed = weigh_by_answers(answer, counts, seed=seed)
    answer = weighed.draws
    tell("money", 0.8)
    money = price_silent_churn(counts, answer.silent_churn, assumptions=held, rng=request.random[3])
    tell("summary", 0.95)
    recording = _recording_of_file(request, answer.recording)
    vocal, vocal_any = vocal_customers(counts, held, recording)
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
        inflated=1.0 if recording is None else max(float(recording.typical.max(initial=1.0)), 1.0),
    )
    draws = Draws(answer.silent_churn, answer.natural, money, answer.ratio, answer.placebo_draws, answer.explained)
    posterior = Posterior(
        draws,
        cells,
        with_answers(request.evidence, counts) if weighed.used else request.evidence,
        answer.diagnostics + weighed.remarks + about_changes(counts, recording),
        placebo=answer.placebo,
        pipeline=answer.pipeline,
        second_opinion=answer.second_opinion,
        common_cause=answer.common_cause,
        controls=answer.controls,
        fit_state=answer.fit_state,
        checks=answer.checks,
    )
    estimate = summarise_draws(posterior, assumptions=held, counts_digest=counts.digest, seed=seed)
    tell("done", 1.0)
    return diagnose(estimate, counts)


def _request(counts: CohortCounts, assumptions: Assumptions, seed: int, tell: Progress) -> _Request:
    categories, segments = canonical_order(counts)
    return _Request(
        counts=counts,
        ordered=reorder(counts, categories, segments),
        categories=np.argsort(categories),
        segments=np.argsort(segments),
        evidence=judge_evidence(counts),
        assumptions=assumptions,
        tell=tell,
        random=np.random.default_rng(seed).spawn(5),
    )


def _answer(request: _Request, seed: int, warm: object | None) -> LevelDraws:
    """The answer; while a step of the complaint rates is open, that of both its readings from the same random streams."""
    other = other_reading(request.counts)
    if other is None:
        return _answer_at_level(request, warm)
    fits = warm if isinstance(warm, BothFits) else BothFits()
    answers = [_answer_at_level(request, fits.as_recorded)]
    again = _request(other, request.assumptions, seed, request.tell)
    answers.append(_answer_at_level(again, fits.changed))
    vocal, _ = vocal_customers(request.counts, request.assumptions, _recording_of_file(request, answers[0].recording))
    return mix_readings(answers[0], answers[1], request.counts, vocal.sum(axis=(1, 2)))


def _answer_at_level(request: _Request, warm: object | None) -> LevelDraws:
    """The answer at the evidence level that the files reach."""
    level = request.evidence.level
    if not level.knows_departures:
        return _from_volumes(request)
    measured_only = level.is_measured and bool(what_is_missing_for_level_3(request.counts))
    if level.corrects_ratio and not measured_only:
        return _from_departures(request, warm)
    if not request.counts.has_linked_complaints and months_can_tell(request.counts):
        return _from_months(request, warm)
    return _from_survival(request)


def _from_volumes(request: _Request) -> LevelDraws:
    """Level 0: ratio x assumed excess probability; no departures are known that could contradict it."""
    held = request.assumptions
    ordered = request.ordered
    vocal, _ = vocal_customers(ordered, held)
    measured = measure_ratios(ordered, assumptions=held)
    prior = draw_ratio_prior(ordered.categories, assumptions=held, rng=request.random[0], measured=measured)
    recording = _draw_recording(request)
    inflation = _inflation(request, recording)
    drawn = condition_on_departures(_inflated(prior, inflation), vocal=vocal.sum(axis=2), leavers=None, rng=request.random[2])
    drawn = _in_todays_units(drawn, inflation).rearranged(request.categories, request.segments)
    in_file_order, _ = vocal_customers(request.counts, held, _recording_of_file(request, recording))
    churn = (drawn.silent_churn[..., None] * month_profile(in_file_order, np.ones(1))).astype(np.float32)
    natural = np.zeros((held.draws, *churn.shape[2:]), dtype=np.float32)
    assumed = drawn.ratio
    if any(measured):  # a survey beside the volumes: the prior that is shown is the one before the survey
        before = draw_ratio_prior(ordered.categories, assumptions=held, rng=request.random[1])
        assumed = np.exp(before.log_ratio())[:, request.categories]
    return LevelDraws(churn, natural, drawn.ratio, drawn.excess, assumed, recording=recording)


def _from_survival(request: _Request) -> LevelDraws:
    """Levels 1 and 2: ratio x excess probability, assumed or measured, as far as the departures allow."""
    counts, held = request.counts, request.assumptions
    request.tell("excess", 0.1)
    matched = matched_hazard(request.ordered)
    recording = _draw_recording(request)
    drawn, assumed = _draw_ratios(request, matched, recording)
    request.tell("cells", 0.6)
    leavers = counts.silent_exits.sum(axis=2).astype(np.float64)
    share = np.ones(len(counts.segments)) if counts.has_linked_complaints else _shares(leavers.sum(axis=1))
    vocal, _ = vocal_customers(counts, held, _recording_of_file(request, recording))
    delay = np.ones(1)
    if counts.has_calendar:
        delay = delay_by_month(request.ordered, horizon_days=held.horizon_days, matched=matched)
    churn, natural = spread_over_months(
        drawn.silent_churn * share, profile=month_profile(vocal, delay), leavers=leavers
    )
    remarks: tuple[Diagnostic, ...] = ()
    if request.evidence.level.is_measured and drawn.feasible_probability < CONFLICT_PROBABILITY:
        remarks = (Diagnostic("measured_conflict", "warning", {"measured": round(drawn.asked), "departures": counts.silent_leavers}),)
    return LevelDraws(churn, natural, drawn.ratio, drawn.excess, assumed, diagnostics=remarks, recording=recording)


def _from_departures(request: _Request, warm: object | None) -> LevelDraws:
    """Level 3: departures over segments and months correct the ratio (excess-hazard model)."""
    held = request.assumptions

    def report(step: str, share: float) -> None:
        request.tell(step, 0.1 + 0.65 * share)

    seen = _measured(request, held) if request.evidence.level.is_measured else None
    usual = seen and _measured(request, Assumptions(draws=held.draws))
    drawn = correct_by_departures(
        request.ordered,
        assumptions=held,
        rng=request.random[2],
        warm=warm,
        progress=report,
        measured=(seen, usual) if seen and usual else None,
    )
    if seen is not None:  # the prior that is shown is the one before the measurement
        drawn = replace(
            drawn,
            diagnostics=_remarks_beside_measurements(drawn, seen.known, request.ordered),
            excess=np.where(seen.followed, seen.excess, drawn.excess),
            ratio_prior=np.where(seen.known, seen.assumed, drawn.ratio_prior),
            common_cause=_beside_measurements(drawn, seen.known),
        )
    return _in_file_order(request, drawn)


def _from_months(request: _Request, warm: object | None) -> LevelDraws:
    """Level 1: departures over months correct the ratio as far as volumes over months let them."""

    def report(step: str, share: float) -> None:
        request.tell(step, 0.1 + 0.65 * share)

    drawn = correct_by_months(request.ordered, assumptions=request.assumptions, rng=request.random[2], progress=report, warm=warm)
    return _in_file_order(request, drawn)


def _in_file_order(request: _Request, drawn: LevelDraws) -> LevelDraws:
    """Draws of `request.ordered` with categories and segments as in the file."""
    shape = drawn.silent_churn.shape
    rows = (request.categories[:, None] * shape[2] + request.segments).ravel()

    def in_order(cells: SingleArray) -> SingleArray:
        ordered = cells.reshape(-1, shape[1] * shape[2], shape[3]).take(rows, axis=1).reshape(-1, *shape[1:])
        return np.asarray(ordered, dtype=np.float32)

    order, each = request.categories, [*request.categories.tolist(), -1]
    return replace(
        drawn,
        silent_churn=in_order(drawn.silent_churn),
        natural=drawn.natural[:, request.segments],
        ratio=drawn.ratio[:, order],
        excess=drawn.excess[:, order],
        ratio_prior=drawn.ratio_prior[:, order],
        placebo=None if drawn.placebo is None else tuple(drawn.placebo[index] for index in each),
        placebo_draws=None if drawn.placebo_draws is None else in_order(drawn.placebo_draws),
        explained=None if drawn.explained is None else drawn.explained[:, request.segments],
        pipeline=None if drawn.pipeline is None else tuple(drawn.pipeline[index] for index in each),
        second_opinion=None if drawn.second_opinion is None else tuple(drawn.second_opinion[index] for index in each),
        checks=tuple(one.in_order(request.counts.segments) if one.axis == "segment" else one for one in drawn.checks),
        common_cause=None if drawn.common_cause is None else tuple(drawn.common_cause[index] for index in each),
    )


def _measured(request: _Request, assumptions: Assumptions) -> MeasuredPrior:
    """What was measured; the same random numbers under any assumptions, so that they move it smoothly."""
    fresh = [np.random.default_rng(rng.bit_generator.seed_seq) for rng in request.random[:2]]  # type: ignore[arg-type]  # seeded by a sequence
    return measured_prior_of(request.ordered, assumptions, rngs=(fresh[0], fresh[1]))


def _draw_priors(request: _Request, informed: list[ExcessQuantile] | None) -> tuple[RatioPriorDraws, RatioPriorDraws]:
    """The ratios before the departures speak: as measured, with what complainers show of the excess, and as assumed."""
    names, held = request.ordered.categories, request.assumptions
    measured = measure_ratios(request.ordered, assumptions=held)
    prior = draw_ratio_prior(names, assumptions=held, rng=request.random[0], excess_quantiles=informed, measured=measured)
    return prior, draw_ratio_prior(names, assumptions=held, rng=request.random[1])


def _remarks_beside_measurements(drawn: LevelDraws, known: BoolArray, counts: CohortCounts) -> tuple[Diagnostic, ...]:
    """The diagnostics without those on variation and noise of measured ratios: these do not rest on the pattern of complaints."""
    measured = {name for name, one in zip(counts.categories, known, strict=True) if one} | {None}
    kept = {"fit_not_settled", "measured_conflict"}
    return tuple(one for one in drawn.diagnostics if one.category not in measured or one.code in kept)


def _beside_measurements(drawn: LevelDraws, measured: BoolArray) -> tuple[CredibleInterval | None, ...] | None:
    """The common cause of the categories that were not measured: a log or a survey saw the others, whatever moves their departures."""
    if drawn.common_cause is None:
        return None
    return tuple(None if known else factor for known, factor in zip([*measured, measured.all()], drawn.common_cause, strict=True))


def _draw_recording(request: _Request) -> RecordingFactors | None:
    """Draws of what the changes of the records did, from the complaints alone, in the order of `_Request.ordered`."""
    return draw_factors(request.ordered, rng=request.random[4], draws=request.assumptions.draws)


def _recording_of_file(request: _Request, recording: RecordingFactors | None) -> RecordingFactors | None:
    """The same for the categories in the order of the file."""
    return recording and replace(recording, before=shares_before(request.counts, recording.changes))


def _logged(request: _Request) -> BoolArray:
    """(C,) categories whose ratio a log measured, beside complaints as they were recorded."""
    measured = measure_ratios(request.ordered, assumptions=request.assumptions)
    return np.array([one is not None and one.source == "incidents" for one in measured], dtype=np.bool_)


def _inflation(request: _Request, recording: RecordingFactors | None) -> FloatArray | None:
    """(K, C) how many times as many complaints today's recording would have had; 1 where a log measured the ratio to those recorded."""
    if recording is None:
        return None
    counts = request.ordered
    heard = counts.complainants.sum(axis=(1, 3)) if counts.has_linked_complaints else counts.complaints
    return np.where(_logged(request), 1.0, recording.inflation(heard.astype(np.float64)))


def _inflated(prior: RatioPriorDraws, inflation: FloatArray | None) -> RatioPriorDraws:
    """The prior of ratios to complaints as recorded, from that of ratios to complaints of today's recording."""
    return prior if inflation is None else replace(prior, own=prior.own + np.log(inflation))


def _in_todays_units(drawn: RatioDraws, inflation: FloatArray | None) -> RatioDraws:
    return drawn if inflation is None else replace(drawn, ratio=drawn.ratio / np.median(inflation, axis=0))


def _draw_ratios(request: _Request, matched: FloatArray, recording: RecordingFactors | None) -> tuple[RatioDraws, FloatArray]:
    """Ratios as far as the departures allow, and as assumed before, in the order of the file."""
    ordered, held = request.ordered, request.assumptions
    informed: list[ExcessQuantile] | None = None
    if not ordered.has_calendar:
        informed = [one.quantile for one in flat_excess(ordered)] if ordered.has_linked_complaints else None
    elif request.evidence.level.follows_complainers and not waits_for_renewals(ordered):
        posteriors = pooled_excess(ordered, horizon_days=held.horizon_days, matched=matched)
        posteriors = observed_excess(ordered, posteriors, horizon_days=held.horizon_days, matched=matched)
        informed = [one.quantile for one in posteriors]
    request.tell("ratio", 0.4)
    prior, assumed = _draw_priors(request, informed)
    vocal, _ = vocal_customers(ordered, held)
    heard, leavers = vocal.sum(axis=2), ordered.silent_exits.sum(axis=(1, 2)).astype(np.float64)
    if not ordered.has_linked_complaints:  # their segment is unknown: only the departures of the whole company limit the ratio
        heard, leavers = heard.sum(axis=1, keepdims=True), leavers.sum(keepdims=True)
    inflation = _inflation(request, recording)
    drawn = condition_on_departures(_inflated(prior, inflation), vocal=heard, leavers=leavers, rng=request.random[2])
    restored = _in_todays_units(drawn, inflation).rearranged(request.categories, request.segments)
    return restored, np.exp(assumed.log_ratio())[:, request.categories]


def vocal_customers(
    counts: CohortCounts, assumptions: Assumptions, recording: RecordingFactors | None = None
) -> tuple[FloatArray, FloatArray]:
    """(C, S, M) vocal customers by category and (S, M) of any category.

    Volumes are complaints, not complainants: divided by the assumed repeats, and spread over segments like the silent leavers. With `recording`, of
    the order of `counts`, they are as many as today's recording would have.
    """
    if recording is not None:
        by_category, of_any = vocal_customers(counts, assumptions)
        today = by_category * recording.typical[:, None, :]
        before, after = by_category.sum(axis=0), today.sum(axis=0)
        return today, of_any * np.divide(after, before, out=np.ones_like(after), where=before > 0)
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
