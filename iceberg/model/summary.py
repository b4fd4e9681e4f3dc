"""Summarises joint draws: every statistic of every level, from the same draws."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.errors import OptionError
from iceberg.model.assumptions import FOLK_RATIO, Assumptions
from iceberg.model.decision.chance_test import NOT_TESTED
from iceberg.model.departures.chance import placebo_of_cells
from iceberg.model.priors import ASSUMED_ORDER_LOG_SD, MODEL_ERROR_LOG_SD
from iceberg.model.results import (
    CategoryEstimate,
    CredibleInterval,
    Diagnostic,
    Draws,
    EstimateCells,
    Evidence,
    EvidenceLevel,
    IcebergEstimate,
    NegativeControl,
    PlaceboInterval,
    PredictiveCheck,
    TotalEstimate,
)

# Ratios are compared on the log scale; below one silent leaver per thousand complainers it is "none".
SMALLEST_RATIO = 1e-3
_ERROR_STREAM = 2_003  # the same errors for every estimate: moving an assumption moves the probabilities smoothly


@dataclass(frozen=True, eq=False)
class Posterior:
    """The draws of an evidence level, ready to be summarised.

    Attributes:
        draws, cells: See their classes.
        evidence: Level and reasons.
        diagnostics: What to know before trusting it.
        placebo, pipeline, second_opinion, common_cause: Per category, then one more for the total; None below level 3, and for negative controls.
        controls: What is found for negative controls.
        fit_state: Warm start for the next fit.
        checks: The fit beside what it was fitted to.
    """

    draws: Draws
    cells: EstimateCells
    evidence: Evidence
    diagnostics: tuple[Diagnostic, ...] = ()
    placebo: tuple[PlaceboInterval | None, ...] | None = None
    pipeline: tuple[dict[int, CredibleInterval] | None, ...] | None = None
    second_opinion: tuple[CredibleInterval | None, ...] | None = None
    common_cause: tuple[CredibleInterval | None, ...] | None = None
    controls: tuple[NegativeControl, ...] = ()
    fit_state: object | None = field(default=None)
    checks: tuple[PredictiveCheck, ...] = ()


def summarise_draws(
    posterior: Posterior, *, assumptions: Assumptions, counts_digest: str, seed: int
) -> IcebergEstimate:
    """The whole answer from joint draws."""
    draws, cells = posterior.draws, posterior.cells
    churn = draws.silent_churn.sum(axis=(2, 3), dtype=np.float64)
    money = None if draws.revenue_lost is None else draws.revenue_lost.sum(axis=(2, 3), dtype=np.float64)
    error_sd = order_error_sd(posterior.evidence.level, assumptions)
    worst = probability_largest(churn, error_sd=error_sd)
    costliest = worst if money is None else probability_largest(money, error_sd=error_sd)
    heard = cells.vocal.sum(axis=(1, 2))
    known = posterior.evidence.level.knows_departures
    categories = []
    for index, category in enumerate(cells.categories):
        vocal = float(heard[index])
        ratio = churn[:, index] / vocal if vocal > 0 else draws.ratio[:, index]
        reach = float(cells.leavers[cells.vocal[index].sum(axis=1) > 0].sum())
        excess = CredibleInterval.of(cells.excess[:, index])
        categories.append(
            CategoryEstimate(
                category=category,
                vocal_customers=round(vocal),
                silent_churn=CredibleInterval.of(churn[:, index]),
                revenue_lost=None if money is None else CredibleInterval.of(money[:, index]),
                ratio_prior=CredibleInterval.of(cells.ratio_prior[:, index]),
                ratio_posterior=CredibleInterval.of(ratio),
                excess_probability=excess,
                prior_share=prior_share(cells.ratio_prior[:, index], ratio),
                probability_worst=float(worst[index]) if posterior.evidence.ranks else None,
                probability_costliest=float(costliest[index]) if posterior.evidence.ranks else None,
                folk_estimate=FOLK_RATIO * vocal,
                feasible_ratio=reach / (excess.median * vocal) if known and vocal > 0 else None,
                placebo=posterior.placebo[index] if posterior.placebo else None,
                pipeline=posterior.pipeline[index] if posterior.pipeline else None,
                second_opinion=posterior.second_opinion[index] if posterior.second_opinion else None,
                common_cause=posterior.common_cause[index] if posterior.common_cause else None,
            )
        )
    return IcebergEstimate(
        categories=tuple(categories),
        total=_summarise_total(posterior, churn, money),
        silent_leavers=round(float(cells.leavers.sum())),
        natural_departures=CredibleInterval.of(draws.natural.sum(axis=(1, 2), dtype=np.float64)),
        evidence=posterior.evidence,
        assumptions=assumptions,
        diagnostics=posterior.diagnostics,
        draws=draws,
        counts_digest=counts_digest,
        seed=seed,
        controls=posterior.controls,
        cells=cells,
        fit_state=posterior.fit_state,
        checks=posterior.checks,
    )


def _summarise_total(posterior: Posterior, churn: FloatArray, money: FloatArray | None) -> TotalEstimate:
    cells = posterior.cells
    heard = float(cells.vocal_any.sum())
    asked = float(np.median(cells.excess, axis=0) @ cells.vocal.sum(axis=(1, 2))) if len(cells.categories) else 0.0
    known = posterior.evidence.level.knows_departures and asked > 0
    return TotalEstimate(
        vocal_customers=round(heard),
        silent_churn=CredibleInterval.of(churn.sum(axis=1)),
        revenue_lost=None if money is None else CredibleInterval.of(money.sum(axis=1)),
        folk_estimate=FOLK_RATIO * heard,
        placebo=posterior.placebo[-1] if posterior.placebo else None,
        pipeline=posterior.pipeline[-1] if posterior.pipeline else None,
        second_opinion=posterior.second_opinion[-1] if posterior.second_opinion else None,
        common_cause=posterior.common_cause[-1] if posterior.common_cause else None,
        feasible_ratio=float(cells.leavers.sum()) / asked if known else None,
    )


def order_error_sd(level: EvidenceLevel, assumptions: Assumptions) -> float:
    """How far one category may be off beside another although no draw shows it, on the log scale."""
    assumed = not level.corrects_ratio and not assumptions.use_category_priors
    return float(np.hypot(MODEL_ERROR_LOG_SD, ASSUMED_ORDER_LOG_SD)) if assumed else MODEL_ERROR_LOG_SD


def probability_largest(values: FloatArray, *, error_sd: float = 0.0) -> FloatArray:
    """Probability that each column is the largest of its draw; draws without any count for none, ties are shared.

    Args:
        values: (K, C).
        error_sd: Of an error that each column has to itself, log-normal with median 1, on top of the draws.

    Returns:
        float64 (C,).
    """
    if values.shape[1] == 0:
        return np.zeros(0)
    values = with_order_error(values, error_sd)
    top = values.max(axis=1, keepdims=True)
    largest = (values == top) & (top > 0)
    return np.asarray((largest / np.maximum(largest.sum(axis=1, keepdims=True), 1)).mean(axis=0), dtype=np.float64)


def with_order_error(values: FloatArray, error_sd: float) -> FloatArray:
    """The draws (K, C) with an error that each column has to itself, log-normal with median 1; the same for every estimate."""
    if not error_sd or not values.shape[1]:
        return values
    noise = np.random.default_rng(_ERROR_STREAM).standard_normal(values.shape)
    by_size = np.lexsort((np.median(values, axis=0), values.sum(axis=0)))  # whatever the order of the categories in the file
    return np.asarray(values * np.exp(error_sd * noise[:, np.argsort(by_size)]), dtype=np.float64)


def prior_share(prior: FloatArray, posterior: FloatArray) -> float:
    """How much of an answer is still assumption: the prior's share of the posterior's precision.

    ``var(posterior) / var(prior)`` of log r. In a normal model that is exactly the weight of the prior in the posterior
    mean. Widths of the central 90 % stand for standard deviations.
    """
    widths = []
    for draws in (prior, posterior):
        lower, upper = np.quantile(np.log(np.maximum(draws, SMALLEST_RATIO)), [0.05, 0.95])
        widths.append(float(upper - lower))
    return min(1.0, (widths[1] / widths[0]) ** 2) if widths[0] > 0 else 1.0


def focus_estimate(
    estimate: IcebergEstimate, *, segments: Sequence[str] | None = None, months: tuple[date, date] | None = None
) -> IcebergEstimate:
    """The same answer for some segments and months: slices of the same joint draws, nothing is fitted again.

    Args:
        estimate: From `estimate_iceberg`.
        segments: Names to keep; None keeps all.
        months: First and last month to keep (any day of them); None keeps all.

    Returns:
        An estimate of the slice, set against the same slice of the placebo, without outlook. Where the whole was tested against chance but the
        cells of its placebo are not known, the slice was not tested, and its first diagnostic says so. The diagnostics of the whole follow, marked
        as such. A whole slice is the estimate itself.

    Raises:
        OptionError: ``segment_unknown`` or ``focus_empty``.
    """
    cells = estimate.cells
    if cells is None or (segments is None and months is None):
        return estimate
    keep_segments = _positions(cells.segments, segments)
    keep_months = list(range(len(cells.months)))
    if months is not None:
        first, last = (day.replace(day=1) for day in months)
        keep_months = [index for index, month in enumerate(cells.months) if first <= month <= last]
    if not keep_segments or not keep_months:
        raise OptionError("focus_empty", {"segments": ", ".join(segments or ())})
    if len(keep_segments) == len(cells.segments) and len(keep_months) == len(cells.months):
        return estimate
    rows = np.ix_(keep_segments, keep_months)
    draws = estimate.draws
    every = slice(None)
    sliced = Draws(
        draws.silent_churn[:, :, rows[0], rows[1]],
        draws.natural[:, rows[0], rows[1]],
        None if draws.revenue_lost is None else draws.revenue_lost[:, :, rows[0], rows[1]],
        draws.ratio,
        None if draws.placebo is None else draws.placebo[:, :, rows[0], rows[1]],
        None if draws.explained is None else draws.explained[:, rows[0], rows[1]],
    )
    held = replace(
        cells,
        segments=tuple(cells.segments[index] for index in keep_segments),
        segment_levels=tuple(cells.segment_levels[index] for index in keep_segments if cells.segment_columns),
        months=tuple(cells.months[index] for index in keep_months),
        last_months=tuple(cells.last_months[index] for index in keep_months) if cells.last_months else (),
        vocal=cells.vocal[every, rows[0], rows[1]],
        vocal_any=cells.vocal_any[rows],
        leavers=cells.leavers[rows],
        whole=False,
    )
    of_whole = tuple(replace(one, of_whole_study=True) for one in estimate.diagnostics)
    untested = sliced.placebo is None and estimate.total.placebo is not None
    remarks = (*([Diagnostic(NOT_TESTED, "warning")] if untested else []), *of_whole) if cells.whole else estimate.diagnostics
    placebo = placebo_of_draws(sliced, held, estimate.controls)
    posterior = Posterior(sliced, held, estimate.evidence, remarks, placebo, controls=estimate.controls, fit_state=estimate.fit_state)
    return summarise_draws(
        posterior, assumptions=estimate.assumptions, counts_digest=estimate.counts_digest, seed=estimate.seed
    )


def placebo_of_draws(draws: Draws, cells: EstimateCells, controls: Sequence[NegativeControl]) -> tuple[PlaceboInterval | None, ...] | None:
    """What chance finds for each category and for the total, from the draws that are given; None without draws of the placebo."""
    named = [one.category for one in controls]
    return placebo_of_cells(draws.placebo, draws.silent_churn, categories=cells.categories, controls=named, explained=draws.explained)


def _positions(names: tuple[str, ...], wanted: Sequence[str] | None) -> list[int]:
    if wanted is None:
        return list(range(len(names)))
    for name in wanted:
        if name not in names:
            raise OptionError("segment_unknown", {"segments": name, "known": ", ".join(names)})
    return [index for index, name in enumerate(names) if name in set(wanted)]
