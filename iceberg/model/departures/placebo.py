"""Runs the placebo: what the model finds where complaints cannot be the cause.

Each category keeps its size, its burstiness and its smoothness, but its pattern is moved: segments change places, months are rotated by at least
a quarter of the window, tenure bands rotated. Complaints are drawn from the moved pattern and the departures stay as they are. The silent churn that
the model then finds is noise, and the real estimate has to exceed it. Beside the amount stands how much better the departures are explained with
complaints than without: where the data are weak, moved complaints are given as many leavers as the real ones, but they explain nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import partial

import numpy as np

from iceberg.arrays import FloatArray, IntArray, SingleArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.departures.fit.marginal_mode import log_marginal_likelihood
from iceberg.model.departures.fit.model import START_RATIO_SHIFT, ExcessHazardFit, prior_of, refit
from iceberg.model.departures.fit.parameters import ParameterLayout
from iceberg.model.departures.fit.threads import in_turn
from iceberg.model.departures.reconciliation import draw_silent_churn
from iceberg.model.ratio.posterior import RatioPrior

# Judgement: each is a warm fit, and their draws are pooled. What a moved pattern finds differs from one to another: on the sample company the upper
# end of three together is nine tenths of what sixty say, with a log standard deviation of 0.37; that of six is 0.24.
REPLICATES = 6
ITERATIONS = 4  # judgement: from natural departures alone, all but the few moved patterns that explain much are near their mode after three
_NOBODY = 1e-12  # expected departures of a cell without customers
NEXT_TO_NOTHING = -7.0  # log r where no departure is due to a problem
# Steps to the fit where all are natural, from that of the real complaints; and to that of complaints alone, whose patterns have little left to move.
_TO_NATURAL, _TO_ALONE = 12, 3


@dataclass(frozen=True, eq=False)
class Placebo:
    """What is found where complaints cannot be the cause.

    Attributes:
        silent_churn: float32 (P, C, S, M) whole customers by the segment and month in which they left, joint over categories within a draw.
        explained: (1 + R, S, M) how much better complaints explain the departures than natural departures alone: log marginal likelihoods, first of
            the real complaints, then of complaints moved in R ways. A sum over all cells is a log Bayes factor.
    """

    silent_churn: SingleArray
    explained: FloatArray


@dataclass(frozen=True, eq=False)
class PlaceboStart:
    """Where all ways of moving the complaints start.

    Attributes:
        fit: The real fit, natural departures as where all are natural: most moved patterns explain nothing.
        natural: The fit where all departures are natural.
        departures: Its log marginal likelihood beyond the complaints.
        explained: (S, M) what the real complaints explain, see `Placebo`.
    """

    fit: ExcessHazardFit
    natural: ExcessHazardFit
    departures: float
    explained: FloatArray


def begin_placebo(fit: ExcessHazardFit) -> PlaceboStart:
    """What the real `fit` gains over natural departures alone, and the start of the moved ones."""
    fit = replace(fit, alternatives=())  # they were fitted to the real complaints: drawing from them would find the estimate again
    natural, departures, gained = _real_gain(fit)
    return PlaceboStart(_with_natural_of(fit, natural), natural, departures, _by_cell(gained, fit, natural))


def run_placebo(
    start: PlaceboStart, counts: CohortCounts, *, rng: np.random.Generator, draws: int, replicates: int = REPLICATES, alone: bool = True
) -> Placebo:
    """Move the complaints, fit again from the real fit, and draw the silent churn.

    Args:
        start: Of the real fit of `counts`.
        counts: As fitted.
        rng: Moves the patterns and draws.
        draws: Pooled over all replicates.
        replicates: Independent ways of moving the patterns.
        alone: Whether no other thread helps; it changes no figure.
    """
    each = np.diff(np.linspace(0, draws, replicates + 1).astype(int))
    streams = rng.spawn(replicates)  # a way of moving the patterns depends on nothing that was drawn before

    def find(place: int) -> tuple[SingleArray, FloatArray]:
        moved = refit(*_move_patterns(start.fit, streams[place]), most=ITERATIONS)
        drawn = draw_silent_churn(moved, counts, rng=streams[place], draws=int(each[place])).silent_churn
        return drawn, _by_cell(_beyond_complaints(moved) - start.departures, moved, start.natural)

    found = in_turn([partial(find, place) for place in range(replicates)], alone=alone)
    return Placebo(np.concatenate([drawn for drawn, _ in found]), np.stack([start.explained, *(cells for _, cells in found)]))


def _real_gain(fit: ExcessHazardFit) -> tuple[ExcessHazardFit, float, float]:
    """The fit of a company where all departures are natural, its log marginal likelihood beyond the complaints, and what `fit` gains over that.

    Where no departure is due to a complaint, departures and complaints are explained apart: the departures equally well, whatever the complaints.
    """
    nothing = RatioPrior(np.full(fit.layout.categories, NEXT_TO_NOTHING), 0.05, 0.05, near_zero=0.0, harmless=0.0)
    start = fit.shared.copy()
    fit.layout.shared(start)["ratio"][:] = NEXT_TO_NOTHING
    natural = refit(replace(fit, ratio_prior=nothing), start, fit.own, most=_TO_NATURAL)
    alone = _log_marginal_likelihood(_complaints_alone(fit))
    departures = _log_marginal_likelihood(natural) - alone
    return natural, departures, _log_marginal_likelihood(fit) - alone - departures


def _by_cell(gained: float, fit: ExcessHazardFit, natural: ExcessHazardFit) -> FloatArray:
    """(S, M) what `fit` gains over `natural` in each segment and month.

    The likelihoods of the departures at the two modes are sums over cells. What is left of `gained`, the price of the freedom to explain them,
    belongs to all of them and is shared by the departures expected.
    """
    exits = fit.design.exits
    mine, without = (one.rates_at(one.shared, one.own).departures for one in (fit, natural))
    better = exits * np.log(np.maximum(mine, _NOBODY) / np.maximum(without, _NOBODY)) - (mine - without)
    cells, expected = better.sum(axis=2), without.sum(axis=2)
    return np.asarray(cells + (gained - cells.sum()) * expected / max(expected.sum(), _NOBODY), dtype=np.float64)


def _beyond_complaints(fit: ExcessHazardFit) -> float:
    """Log marginal likelihood of the departures, given the complaints."""
    return _log_marginal_likelihood(fit) - _log_marginal_likelihood(_complaints_alone(fit))


def _complaints_alone(fit: ExcessHazardFit) -> ExcessHazardFit:
    """`fit` of the same complaints, without departures and without customers at risk."""
    silence = replace(fit.design, at_risk=np.zeros_like(fit.design.at_risk), exits=np.zeros_like(fit.design.exits))
    return refit(replace(fit, design=silence), fit.shared, fit.own, most=_TO_ALONE)


def _log_marginal_likelihood(fit: ExcessHazardFit) -> float:
    return log_marginal_likelihood(fit.layout, prior_of(fit), fit.variances, fit.arrow, fit.log_posterior)


def _with_natural_of(fit: ExcessHazardFit, natural: ExcessHazardFit) -> ExcessHazardFit:
    """`fit` with the natural departures of another: moved patterns start where all are natural, because most explain nothing."""
    shared, own = fit.shared.copy(), fit.own.copy()
    parts = [(fit.layout.shared, shared, natural.shared)] + ([(fit.layout.own, own, natural.own)] if fit.layout.local else [])
    for named, mine, found in parts:
        for name, values in named(found).items():
            if name.startswith("natural"):
                named(mine)[name][...] = values
    return replace(fit, shared=shared, own=own)


def _move_patterns(fit: ExcessHazardFit, rng: np.random.Generator) -> tuple[ExcessHazardFit, FloatArray, FloatArray]:
    """The fit's design with complaints redrawn from moved patterns, and starting values at the moved patterns."""
    layout, design = fit.layout, fit.design
    shared, own = fit.shared.copy(), fit.own.copy()
    of = layout.shared(shared)
    # Patterns move as they would be recorded today; the change stays where it is.
    unrecorded = np.einsum("l,lcq->cq", of["change"], layout.before_change) if layout.changes else 0.0
    of["month"][:] += unrecorded
    mine = layout.own(own) if layout.local else {}
    for category in range(layout.categories):
        turn = int(rng.integers(layout.months // 4, layout.months - layout.months // 4 + 1)) if layout.months > 3 else 0
        window = of["month"][category, design.before :]
        of["month"][category, design.before :] = np.roll(window, turn)
        of["month"][category, : design.before] = of["month"][category, design.before]
        band = np.zeros(layout.bands)
        band[layout.free_bands] = of["band"][category]
        way = int(rng.choice([-1, 1]))
        band = np.roll(band[::way], int(rng.integers(1 if way == 1 and layout.bands > 1 else 0, layout.bands)))
        of["band"][category] = (band - band[layout.reference])[layout.free_bands]
        if layout.local:
            places = derangement(layout.segments, rng)
            mine["segment"][:, category] = mine["segment"][places, category]
            mine["burst"][:, category] = np.roll(mine["burst"][places, category], turn, axis=-1)
            of["level"][:, category] = of["level"][_moved_levels(layout, rng), category]
    of["month"][:] -= unrecorded
    # Small, as where the real fit starts (`_natural_first`): from large ratios a moved pattern can settle on what natural departures explain.
    of["ratio"][:] = np.minimum(of["ratio"], fit.ratio_prior.mean) - 1.0 + START_RATIO_SHIFT
    rates = fit.rates_at(shared, own)
    # The moved pattern meets other customers; its level is set so that as many of them complain.
    size = np.maximum(design.complainants.sum((1, 2, 3)), 0.1) / np.maximum(rates.complaints.sum((1, 2, 3)), 1e-12)
    of["month"][:] += np.log(size)[:, None]
    complainants = rng.poisson(rates.complaints * size[:, None, None, None]).astype(float)
    return replace(fit, design=replace(design, complainants=complainants)), shared, own


def derangement(size: int, rng: np.random.Generator) -> IntArray:
    """A permutation that leaves none of two or more in its place: one left there would find the very departures that it explains."""
    while True:
        places = rng.permutation(size)
        if size < 2 or not (places == np.arange(size)).any():
            return places


def _moved_levels(layout: ParameterLayout, rng: np.random.Generator) -> IntArray:
    """Positions of the levels of segment columns, those of each column in another order."""
    starts = np.cumsum([0, *layout.column_sizes])
    parts = [start + derangement(size, rng) for start, size in zip(starts, layout.column_sizes, strict=False)]
    return np.concatenate([np.zeros(0, dtype=np.int64), *parts])
