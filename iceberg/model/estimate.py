"""Owns `estimate_iceberg`: it reads as the method, top to bottom.

evidence level  ->  prior of the ratio  ->  what the departures allow  ->  cells  ->  money  ->  summary
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from iceberg.cohort.counts import CohortCounts
from iceberg.model.allocate import month_profile, spread_over_months
from iceberg.model.assumptions import Assumptions
from iceberg.model.canonical import canonical_order, reorder
from iceberg.model.diagnose import diagnose
from iceberg.model.evidence import judge_evidence
from iceberg.model.net_survival import delay_by_month, pooled_excess
from iceberg.model.ratio import ExcessQuantile, condition_on_departures, draw_ratio_prior
from iceberg.model.results import Draws, EstimateCells, Evidence, IcebergEstimate
from iceberg.model.summary import Posterior, focus_estimate, summarise_draws
from iceberg.model.value import price_silent_churn

__all__ = ["estimate_iceberg", "focus_estimate"]

FloatArray = npt.NDArray[np.float64]
Progress = Callable[[str, float], None]


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
        progress: Told the step (a key of ``evidence.steps``) and the share done, 0 to 1.
        warm: `IcebergEstimate.fit_state` of an earlier estimate of the same counts.
    """
    held = assumptions or Assumptions()
    tell = progress or (lambda step, share: None)
    tell("evidence", 0.0)
    evidence = judge_evidence(counts)
    categories, segments = canonical_order(counts)
    ordered = reorder(counts, categories, segments)
    posterior = _draw_posterior(ordered, evidence, held, np.random.default_rng(seed), tell, warm)
    tell("summary", 0.95)
    restored = _restore_order(posterior, counts, np.argsort(categories), np.argsort(segments))
    estimate = summarise_draws(restored, assumptions=held, counts_digest=counts.digest, seed=seed)
    tell("done", 1.0)
    return diagnose(estimate, counts)


def _draw_posterior(
    counts: CohortCounts,
    evidence: Evidence,
    assumptions: Assumptions,
    rng: np.random.Generator,
    tell: Progress,
    warm: object | None,
) -> Posterior:
    """The rung of the ladder that the files reach. Level 3 replaces the draws of levels 0 to 2 here."""
    return _draw_from_assumptions(counts, evidence, assumptions, rng, tell)


def _draw_from_assumptions(
    counts: CohortCounts, evidence: Evidence, assumptions: Assumptions, rng: np.random.Generator, tell: Progress
) -> Posterior:
    """Levels 0 to 2: ratio x excess probability, given what the departures allow."""
    linked = counts.has_linked_complaints
    leavers = counts.silent_exits.sum(axis=2).astype(np.float64)
    vocal, vocal_any = _vocal_customers(counts, assumptions)
    tell("excess", 0.1)
    informed: list[ExcessQuantile] | None = None
    if evidence.level not in ("0", "1"):
        informed = [one.quantile for one in pooled_excess(counts, horizon_days=assumptions.horizon_days)]
    tell("ratio", 0.4)
    streams = rng.spawn(4)
    prior = draw_ratio_prior(counts.categories, assumptions=assumptions, rng=streams[0], excess_quantiles=informed)
    assumed = draw_ratio_prior(counts.categories, assumptions=assumptions, rng=streams[1])
    by_segment = vocal.sum(axis=2)
    if not counts.has_customers:
        drawn = condition_on_departures(prior, vocal=by_segment, leavers=None, rng=streams[2])
        profile = month_profile(vocal, np.ones(1))
        churn = (drawn.silent_churn[..., None] * profile).astype(np.float32)
        natural = np.zeros((assumptions.draws, *leavers.shape), dtype=np.float32)
    else:
        # Where complaints are not linked nobody knows their segment: only the company as a whole can say no.
        heard = by_segment if linked else by_segment.sum(axis=1, keepdims=True)
        room = leavers.sum(axis=1) if linked else leavers.sum(keepdims=True)[:, 0]
        drawn = condition_on_departures(prior, vocal=heard, leavers=room, rng=streams[2])
        share = np.ones(len(counts.segments)) if linked else _shares(leavers.sum(axis=1))
        tell("cells", 0.6)
        delay = delay_by_month(counts, horizon_days=assumptions.horizon_days)
        churn, natural = spread_over_months(
            drawn.silent_churn * share, profile=month_profile(vocal, delay), leavers=leavers
        )
    tell("money", 0.8)
    money = price_silent_churn(counts, churn, assumptions=assumptions, rng=streams[3])
    cells = EstimateCells(
        categories=counts.categories,
        segments=counts.segments,
        months=counts.months,
        vocal=vocal,
        vocal_any=vocal_any,
        leavers=leavers,
        ratio_prior=np.exp(assumed.log_ratio()),
        excess=drawn.excess,
        currency=counts.currency,
    )
    return Posterior(Draws(churn, natural, money, drawn.ratio), cells, evidence)


def _vocal_customers(counts: CohortCounts, assumptions: Assumptions) -> tuple[FloatArray, FloatArray]:
    """(C, S, M) vocal customers by category and (S, M) of any category.

    Volumes are complaints, not complainants: divided by the assumed repeats, and spread over segments like the silent
    leavers.
    """
    if counts.has_linked_complaints:
        return counts.complainants.sum(axis=3).astype(np.float64), counts.complainants_any.sum(axis=2).astype(
            np.float64
        )
    by_month = counts.complaints / assumptions.complaints_per_complainant
    vocal = by_month[:, None, :] * _shares(counts.silent_exits.sum(axis=(1, 2)).astype(np.float64))[:, None]
    return vocal, vocal.sum(axis=0)


def _shares(amounts: FloatArray) -> FloatArray:
    """Amounts as shares of their sum; equal shares of nothing."""
    total = amounts.sum()
    return amounts / total if total > 0 else np.full(len(amounts), 1 / max(len(amounts), 1))


def _restore_order(
    posterior: Posterior, counts: CohortCounts, categories: npt.NDArray[np.intp], segments: npt.NDArray[np.intp]
) -> Posterior:
    """Draws and cells back in the order of the file."""
    draws, cells = posterior.draws, posterior.cells
    same = bool((np.diff(categories) == 1).all() and (np.diff(segments) == 1).all())
    if same:
        return posterior

    shape = draws.silent_churn.shape
    rows = (categories[:, None] * shape[2] + segments).ravel()

    def cut(array: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        moved = array.reshape(shape[0], shape[1] * shape[2], shape[3]).take(rows, axis=1)
        return np.asarray(moved.reshape(shape), dtype=np.float32)

    every = [*categories, -1]  # the total stands last
    return replace(
        posterior,
        draws=Draws(
            cut(draws.silent_churn),
            draws.natural[:, segments],
            None if draws.revenue_lost is None else cut(draws.revenue_lost),
            draws.ratio[:, categories],
        ),
        cells=replace(
            cells,
            categories=counts.categories,
            segments=counts.segments,
            vocal=cells.vocal[categories][:, segments],
            vocal_any=cells.vocal_any[segments],
            leavers=cells.leavers[segments],
            ratio_prior=cells.ratio_prior[:, categories],
            excess=cells.excess[:, categories],
        ),
        placebo=None if posterior.placebo is None else tuple(posterior.placebo[index] for index in every),
        pipeline=None if posterior.pipeline is None else tuple(posterior.pipeline[index] for index in every),
    )
