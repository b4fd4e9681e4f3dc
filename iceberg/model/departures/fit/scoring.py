"""Finds the mode: Fisher scoring steps, the ratios on their own scale, a Fellner-Schall step after each."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from scipy.linalg import cho_solve

from iceberg.arrays import FloatArray, IntArray
from iceberg.model.departures.fit.arrow import Arrow, factorise
from iceberg.model.departures.fit.design import LexisDesign, evaluate_rates
from iceberg.model.departures.fit.information import Information, fisher_information, log_likelihood
from iceberg.model.departures.fit.marginal_mode import ratio_drag
from iceberg.model.departures.fit.parameters import Levels, ParameterLayout, Prior, build_prior, penalty
from iceberg.model.departures.fit.variances import Spread, Variances, further, largest_change, update_variances
from iceberg.model.departures.fit.wide_arrow import WideArrow, factorise_wide
from iceberg.model.ratio.posterior import RatioLikelihood, RatioPrior, climb_log_ratios, information_only
from iceberg.model.survival.delay_kernel import DelayKernel


@dataclass(frozen=True)
class _Tolerance:
    """When the scoring ends: the step of a parameter, on the log scale, and the change of a log variance at which both have settled, then `last`."""

    step: float
    variance: float
    last: float


# Each step costs a third of a second at a hundred segments, log r has a standard deviation of 0.3 or more, and a variance learned from
# hundreds of effects is known to a tenth at best.
_USUAL, _WIDE = _Tolerance(0.05, 0.05, 0.01), _Tolerance(0.1, 0.08, 0.1)

LEAST_STEP = 0.01  # share of a step, below which it leads nowhere

Pull = tuple[IntArray, FloatArray, FloatArray]  # positions of log r, drag, log r where the drag was taken


def factors_of(layout: ParameterLayout, information: Information, prior: Prior, *, single: bool = False) -> Arrow | WideArrow:
    """The factors of information + prior precision, by the way that suits the number of segments; `single` as in `factorise`."""
    return factorise_wide(layout, information, prior) if layout.is_wide else factorise(layout, information, prior, single=single)


def _step_in_ratio(
    arrow: Arrow | WideArrow,
    ratios: IntArray,
    prior: RatioPrior,
    log_ratio: FloatArray,
    drag: FloatArray,
    gradient: FloatArray,
    own_gradient: FloatArray,
) -> tuple[FloatArray, FloatArray, FloatArray]:
    """A scoring step that treats departures as linear in r: the ratios go to the top of their own posterior, the rest follows linearly.

    `gradient` is that of the likelihood in log r, and of the posterior in everything else. The result is both steps, and the score of the ratios with
    everything else at its best.
    """
    step, own_step = arrow.solve(gradient, own_gradient)
    covariance = cho_solve((arrow.shared, True), np.eye(len(gradient))[:, ratios], check_finite=False)
    precision = np.linalg.inv(covariance[ratios])
    likelihood = RatioLikelihood(log_ratio, precision @ step[ratios], information_only(precision, prior), drag)
    found = climb_log_ratios(likelihood, prior)
    further = np.expm1(found - log_ratio) - step[ratios]
    shift = covariance @ (precision @ further)
    step += shift
    score = likelihood.slope
    step[ratios] = found - log_ratio
    return step, own_step - arrow.response(shift), score


@dataclass(frozen=True, eq=False)
class State:
    """The state of the scoring: parameters, variances, drag and score of the ratios."""

    shared: FloatArray
    own: FloatArray
    variances: Variances
    drag: FloatArray
    score: FloatArray


@dataclass(frozen=True, eq=False)
class Expectations:
    """The prior assumptions: of the ratios, of the delay from complaint to departure, and of the levels."""

    ratio: RatioPrior
    kernel: DelayKernel
    levels: Levels

    def prior(self, layout: ParameterLayout, variances: Variances) -> Prior:
        """The Gaussian prior of the smooth effects under `variances`."""
        return build_prior(layout, variances, self.ratio, self.kernel, self.levels)


@dataclass(frozen=True, eq=False)
class Parameters:
    """A point, or a step: the shared parameters and those of each segment."""

    shared: FloatArray
    own: FloatArray

    def largest(self) -> float:
        """The largest absolute value among them; 0 where there are none."""
        return float(max(np.abs(self.shared).max(initial=0.0), np.abs(self.own).max(initial=0.0)))


def iterate(
    design: LexisDesign,
    layout: ParameterLayout,
    expected: Expectations,
    state: State,
    *,
    progress: Callable[[str, float], None] | None,
    most: int,
    learn: bool = True,
    fewest: int = 3,
) -> tuple[State, Arrow | WideArrow, float, int | None]:
    """Scoring and variance steps until both converge; the last factors are those of the final variances at the final mode."""
    shared, own, variances = state.shared, state.own, state.variances
    settled, silence, ratios = None, not design.exits.any(), layout.at["ratio"]
    drag, drag_at = np.zeros(layout.categories), shared[ratios]
    before, score, caution, change, earlier = np.zeros(layout.categories), np.zeros(layout.categories), 1.0, np.inf, variances
    last: Arrow | WideArrow | None = None  # the factors where the search ended
    near = _WIDE if layout.is_wide else _USUAL
    for iteration in range(most):
        prior = expected.prior(layout, variances)
        effects = layout.effects(shared, own)
        rates = evaluate_rates(design, effects)
        value = log_likelihood(design, rates) - penalty(prior, shared, own)
        information = fisher_information(design, layout, effects, rates)
        # Single precision is enough on the way.
        arrow = factors_of(layout, information, prior, single=True)
        if not silence and (settled is not None or iteration % 2 == 0 or change < 0.1):
            drag, drag_at = ratio_drag(layout, information, arrow), shared[ratios]
        pull = (ratios, drag, drag_at)
        value += _dragged(pull, shared)
        slope = information.own_score - prior.local_precision * own
        gradient = information.shared_score - prior.shared_precision @ (shared - prior.shared_mean)
        if silence:
            step, own_step = arrow.solve(gradient, slope)
        else:
            # Between two evaluations the drag is taken as linear in r, as it is in the posterior.
            now = drag * np.exp(np.minimum(shared[ratios] - drag_at, 5.0))
            gradient[ratios] = information.shared_score[ratios]
            step, own_step, score = _step_in_ratio(arrow, ratios, expected.ratio, shared[ratios], now, gradient, slope)
            # A change of direction means that the drag changed on the way.
            caution = caution / 2 if step[ratios] @ before < 0 else min(1.0, 1.5 * caution)
            before = step[ratios]
            step, own_step = caution * step, caution * own_step
        moved = Parameters(step, own_step)
        if settled is not None and moved.largest() < near.last:
            last = arrow
            break
        if settled is not None and iteration >= settled + 4:
            break
        reached, value, size = _line_search(design, layout, prior, Parameters(shared, own), moved, value, pull)
        shared, own = reached.shared, reached.own
        change = moved.largest() * (size if size > LEAST_STEP else 1.0)  # a step that cannot be taken is not a small one
        if progress is not None:
            progress("fit", min(0.95, (iteration + 1) / 25))
        if settled is None:
            updated = update_variances(variances, spreads_of(layout, prior, arrow, shared, own)) if learn and iteration >= 1 else variances
            if iteration >= fewest and change < near.step and largest_change(variances, updated) < near.variance:
                settled = iteration + 1
            else:
                earlier, variances = variances, further(earlier, variances, updated) if change < 0.3 else updated
        del information, arrow  # those of the next round would need their room beside them
    if layout.is_wide and last is not None:  # the factors of the last round are those of this point
        return State(shared, own, variances, drag, score), last, value - _dragged(pull, shared), settled
    # Draws and covariances use double precision, at the last variances and after the last step.
    prior = expected.prior(layout, variances)
    effects = layout.effects(shared, own)
    arrow = factors_of(layout, fisher_information(design, layout, effects, evaluate_rates(design, effects)), prior)
    return State(shared, own, variances, drag, score), arrow, value - _dragged(pull, shared), settled


def _dragged(pull: Pull, shared: FloatArray) -> float:
    """Antiderivative in log r of the drag."""
    ratios, drag, drag_at = pull
    return float(drag @ np.exp(np.minimum(shared[ratios] - drag_at, 5.0)))


def _line_search(
    design: LexisDesign,
    layout: ParameterLayout,
    prior: Prior,
    start: Parameters,
    step: Parameters,
    value: float,
    pull: Pull,
) -> tuple[Parameters, float, float]:
    """Halve the step until the penalised likelihood rises: where that leads, its value there, and the share of the step."""
    size = min(1.0, 3.0 / max(step.largest(), 1e-12))
    ratios = pull[0]
    for _ in range(12):
        tried, tried_own = start.shared + size * step.shared, start.own + size * step.own
        # Everything else follows the ratios on their own scale: a part of the step is a part of it there.
        tried[ratios] = start.shared[ratios] + np.log1p(size * np.expm1(step.shared[ratios]))
        rates = evaluate_rates(design, layout.effects(tried, tried_own))
        found = log_likelihood(design, rates) - penalty(prior, tried, tried_own) + _dragged(pull, tried)
        if np.isfinite(found) and found >= value - 1e-9 * abs(value):
            return Parameters(tried, tried_own), found, size
        size /= 2
    return start, value, 0.0


def spreads_of(layout: ParameterLayout, prior: Prior, arrow: Arrow | WideArrow, shared: FloatArray, own: FloatArray) -> dict[str, Spread]:
    """B'Sb and tr(V S) of every group of effects."""
    covariance = arrow.shared_covariance()
    of, at = layout.shared(shared), layout.at
    spreads: dict[str, Spread] = {}
    for name in ("month", "band", "natural_month", "natural_band"):
        walk = prior.walks[name.removeprefix("natural_")] if name != "natural_month" else prior.walks["natural_month"]
        if len(walk) == 0 or not walk.any():
            continue
        rank = len(walk) - (1 if "month" in name else 0)
        groups, where = np.atleast_2d(of[name]), np.atleast_2d(at[name])
        if name == "month" and layout.changes:
            spreads[name] = _spread_of_walks(layout, walk, covariance, shared)
            continue
        squares = np.einsum("ki,ij,kj->k", groups, walk, groups)
        trace = np.array([(covariance[np.ix_(w, w)] * walk).sum() for w in where])
        spreads[name] = Spread(squares, trace, rank)
    if layout.column_sizes:
        spreads |= _spreads_of_levels(layout, of, np.diagonal(covariance))
    if layout.local:
        values, variance = layout.own(own), layout.own(arrow.local_variances())
        for name in ("segment", "burst"):
            rank = values[name].size // layout.categories
            axis = (0,) if name == "segment" else (0, 2)
            spreads[name] = Spread((values[name] ** 2).sum(axis), variance[name].sum(axis), rank)
        for name in ("natural_segment", "natural_segment_month", "natural_segment_band"):
            spreads[name] = Spread(np.array([(values[name] ** 2).sum()]), np.array([variance[name].sum()]), values[name].size)
    return spreads


def _spread_of_walks(layout: ParameterLayout, walk: FloatArray, covariance: FloatArray, shared: FloatArray) -> Spread:
    """The same for the months where what is recorded changed: they walk as they would be recorded today, less the season."""
    at = layout.at
    squares, trace = [], []
    for months, columns in zip(at["month"], layout.walk_columns, strict=True):
        here = np.concatenate([months, at["change"], at["season"]])
        through = np.concatenate([np.eye(len(months)), columns], axis=1)
        value = through @ shared[here]
        squares.append(value @ walk @ value)
        trace.append((through @ covariance[np.ix_(here, here)] @ through.T * walk).sum())
    return Spread(np.array(squares), np.array(trace), len(walk) - 1)


def _spreads_of_levels(layout: ParameterLayout, of: dict[str, FloatArray], variance: FloatArray) -> dict[str, Spread]:
    """The same of the effects of levels, one group per segment column."""
    at, spreads = layout.at, {}
    columns = np.split(np.arange(layout.levels), np.cumsum(layout.column_sizes)[:-1])
    for name in ("level", "natural_level"):
        squares = np.array([(of[name][levels] ** 2).sum() for levels in columns])
        trace = np.array([variance[at[name][levels]].sum() for levels in columns])
        spreads[name] = Spread(squares, trace, np.array([at[name][levels].size for levels in columns], dtype=np.float64))
    return spreads
