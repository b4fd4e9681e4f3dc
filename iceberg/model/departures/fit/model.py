"""Fits the reconciliation model: it explains complaints and silent departures together, so that departures correct the assumed ratio.

    complainants[c, cell] ~ Poisson(exposure x category x segment x month x tenure, with segment x month bursts)
    silent exits[cell]    ~ Poisson(at risk x natural hazard + sum_c r_c x delayed complaint intensity of c)
    log r_c = m + e_c;  m ~ Normal(log(rho q), .), e_c ~ Normal(0, spread)

One penalised Poisson likelihood, Fisher scoring to its mode, variances by Fellner-Schall. The ratios are those of the marginal
mode: everything else is integrated out, not maximised out.

References:
    Dickman et al. 2004; Wood, Fasiolo 2017; Rue et al. 2009; method of the excess hazard: Perme, Stare, Esteve 2012.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from scipy.linalg import cho_solve

from iceberg.arrays import FloatArray, IntArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.assumptions import Assumptions
from iceberg.model.departures.fit.arrow import Arrow
from iceberg.model.departures.fit.design import LexisDesign, Rates, evaluate_rates
from iceberg.model.departures.fit.marginal_mode import log_marginal_likelihood
from iceberg.model.departures.fit.parameters import NATURAL_LEVEL_SD, Levels, ParameterLayout, Prior, build_prior
from iceberg.model.departures.fit.scoring import Expectations, State, iterate
from iceberg.model.departures.fit.threads import in_turn
from iceberg.model.departures.fit.variances import Variances
from iceberg.model.departures.fit.wide_arrow import WideArrow
from iceberg.model.ratio.level_three_prior import ratio_prior_of
from iceberg.model.ratio.posterior import RatioLikelihood, RatioPrior, information_only
from iceberg.model.survival.delay_kernel import DelayKernel, fit_delay_kernel, lags_needed

LAGS_TO_DECIDE = 4  # months; judgement: beyond a term, where contracts bind
LONGEST_LAG = 12  # months; judgement: later departures cannot be distinguished from natural ones


@dataclass(frozen=True, eq=False)
class ExcessHazardFit:
    """The mode, the Gaussian around it, and how it was reached.

    Attributes:
        design: Counts as fitted.
        layout: Where each parameter sits.
        kernel: Delay and excess of complainers.
        ratio_prior: Of log r.
        variances: Learned.
        levels: Prior means of the levels.
        shared, own: (G,) and (S, n) the mode; log r at its marginal mode.
        arrow: Factors of the information there.
        converged, iterations: Whether and when mode and variances converged.
        log_posterior: Joint log posterior at the mode, constants dropped.
        drag: (C,) see `ratio_drag`.
        score: (C,) slope of the likelihood in log r, everything else at its best.
        alternatives: Weights and fits under other variances that the answer is averaged over, this one among them; empty: this one alone.
    """

    design: LexisDesign
    layout: ParameterLayout
    kernel: DelayKernel
    ratio_prior: RatioPrior
    variances: Variances
    levels: Levels
    shared: FloatArray
    own: FloatArray
    arrow: Arrow | WideArrow
    converged: bool
    iterations: int
    log_posterior: float
    drag: FloatArray
    score: FloatArray
    alternatives: tuple[tuple[float, ExcessHazardFit], ...] = ()

    def rates_at(self, shared: FloatArray, own: FloatArray) -> Rates:
        """Expected counts at other parameters."""
        return evaluate_rates(self.design, self.layout.effects(shared, own))

    @property
    def ratio_positions(self) -> IntArray:
        """Where log r sits among the shared parameters."""
        return self.layout.at["ratio"]

    @property
    def ratio_covariance(self) -> FloatArray:
        """(C, C) of log r in the Gaussian at the mode."""
        at = self.ratio_positions
        unit = np.eye(self.layout.shared_size)[:, at]
        return np.asarray(cho_solve((self.arrow.shared, True), unit, check_finite=False)[at])

    @property
    def ratio_likelihood(self) -> RatioLikelihood:
        """The likelihood of the ratios, all other parameters integrated out."""
        mode = self.shared[self.ratio_positions]
        information = information_only(np.asarray(np.linalg.inv(self.ratio_covariance), dtype=np.float64), self.ratio_prior)
        return RatioLikelihood(mode, self.score, information, self.drag)


def _recording_of(design: LexisDesign) -> tuple[Any, Any]:
    """Changes and season as the tuples of a layout."""
    if not len(design.before_change):
        return (), ()
    changes = tuple(tuple(map(tuple, change)) for change in design.before_change.tolist())
    return changes, tuple(map(tuple, design.season.tolist()))


def starting_values(
    design: LexisDesign, layout: ParameterLayout, ratio: RatioPrior, kernel: DelayKernel
) -> tuple[FloatArray, FloatArray, Levels]:
    """Margins of the counts, lightly smoothed; ratios at their prior unless it implies more than 10 % of the departures."""
    by_month = design.complainants.sum((1, 3))
    exposure = design.exposure.sum((0, 2))
    overall = (by_month.sum(1) + 0.5) / (exposure.sum() + 1.0)
    shared = np.zeros(layout.shared_size)
    of = layout.shared(shared)
    rate = (by_month + 5 * 1.0) / (exposure[None] + 5 / overall[:, None])
    of["month"][:, layout.every - layout.months :] = np.log(rate)
    of["month"][:, : layout.every - layout.months] = np.log(rate[:, :1])
    if layout.changes:
        of["change"][:] = _first_log_factors(layout, np.log(rate))
    risk, exits = design.at_risk.sum((0, 1)), design.exits.sum((0, 1))
    natural = (exits.sum() + 0.5) / (risk.sum() + 1.0)
    of["natural_month"][:] = np.log(natural)
    if design.clock is not None:
        risk = risk * design.clock.natural(0.0, np.ones(design.exits.shape)).mean(axis=(0, 1))
    relative = np.log((exits + 5) / (risk * natural + 5))
    of["natural_band"][:] = (relative - relative[layout.reference])[layout.free_bands]
    assumed = ratio.gaussian[0]
    demanded = float((np.exp(assumed) * by_month.sum(1)).sum())
    excess = np.log(max(demanded, 1e-9) / (0.1 * exits.sum() + 1.0))
    of["ratio"][:] = assumed - max(excess, 0.0)
    of["delay"][:] = kernel.location
    return shared, np.zeros((layout.segments, layout.local_size)), Levels(np.log(overall), float(np.log(natural)))


def _first_log_factors(layout: ParameterLayout, log_rate: FloatArray) -> FloatArray:
    """(L,) mean log rate of the three months after each change less that of the three before it, over its categories."""
    found = np.zeros(len(layout.changes))
    named = len(layout.changes) - layout.speaking
    for place, shares in enumerate(layout.before_change[:named, :, layout.every - layout.months :]):
        mine = shares.max(axis=1) > 0
        last = int((shares.max(axis=0) >= 1).sum())  # months wholly before it
        first = last + int(((shares > 0) & (shares < 1)).any())
        if last and first < layout.months:
            found[place] = (log_rate[mine, first : first + 3].mean(axis=1) - log_rate[mine, max(last - 3, 0) : last].mean(axis=1)).mean()
    return found


MAX_ITERATIONS = 60  # most companies settle within 15


def fit_excess_hazard(
    counts: CohortCounts,
    assumptions: Assumptions,
    *,
    warm: object | None = None,
    progress: Callable[[str, float], None] | None = None,
    kernel: DelayKernel | None = None,
    ratio_prior: RatioPrior | None = None,
) -> ExcessHazardFit:
    """Mode and Gaussian of the reconciliation model."""
    kernel = kernel or fit_delay_kernel(counts)
    ratio = ratio_prior or ratio_prior_of(counts, assumptions, kernel)
    months = counts.shape[1]
    lags = lags_needed(kernel.location, longest=min(LONGEST_LAG, max(months - 1, 1)))
    if counts.renewals is not None and counts.renewals.modelled:
        lags = min(lags, LAGS_TO_DECIDE) + max(counts.renewals.all_terms)
    design = LexisDesign.of(counts, lags=lags)
    return fit_design(design, ratio, kernel, warm=warm if isinstance(warm, ExcessHazardFit) else None, progress=progress)


def fit_design(
    design: LexisDesign,
    ratio: RatioPrior,
    kernel: DelayKernel,
    *,
    warm: ExcessHazardFit | None = None,
    progress: Callable[[str, float], None] | None = None,
    natural_level: float | None = None,
    natural_level_sd: float = NATURAL_LEVEL_SD,
) -> ExcessHazardFit:
    """Fisher scoring with a Fellner-Schall step after each, until both converge.

    Complaints are fitted alone first: from flat patterns, a category with few complaints can converge to a second mode, in which its pattern explains
    natural departures. From there two ways lead on: natural departures are free to move from month to month and the ratios are small
    (`_natural_first`), or problems explain most departures (`_problems_first`). Where they end at two modes, the marginal likelihood says how much
    each counts (`better_of`).
    """
    categories, segments, months, bands = design.shape
    binding = int(design.clock is not None)
    layout = ParameterLayout(
        categories,
        segments,
        months,
        bands,
        design.all_months,
        design.reference_band,
        binding,
        *_recording_of(design),
        design.membership,
        design.column_sizes,
        design.speaking,
    )
    shared, own, levels = starting_values(design, layout, ratio, kernel)
    levels = Levels(levels.complaints, levels.natural if natural_level is None else natural_level, natural_level_sd)
    expected = Expectations(ratio, kernel, levels)
    if warm is not None and warm.layout == layout:
        state = State(warm.shared.copy(), warm.own.copy(), warm.variances, warm.drag, warm.score)
        return _fit_from(state, design, layout, expected, progress, fewest=1)
    silence = replace(design, at_risk=np.zeros_like(design.at_risk), exits=np.zeros_like(design.exits))
    state = State(shared, own, Variances.start(categories, len(layout.column_sizes)), np.zeros(categories), np.zeros(categories))
    state, _, _, _ = iterate(silence, layout, expected, state, progress=None, most=8)
    tell, asking = progress or (lambda step, share: None), threading.get_ident()

    def tell_part(share: float) -> None:
        if threading.get_ident() == asking:  # a page listens to its own thread alone
            tell("fit", share)

    def from_natural() -> ExcessHazardFit:
        return _fit_from(_natural_first(state, layout), design, layout, expected, lambda _, share: tell_part(share / 2))

    def from_problems() -> ExcessHazardFit:
        return _fit_from(_problems_first(state, layout, design, ratio), design, layout, expected, lambda _, share: tell_part((1 + share) / 2))

    if not design.exits.any():
        return from_natural()
    return better_of(*in_turn([from_natural, from_problems], alone=not layout.is_wide))


def _fit_from(
    state: State,
    design: LexisDesign,
    layout: ParameterLayout,
    expected: Expectations,
    progress: Callable[[str, float], None] | None,
    *,
    fewest: int = 3,
) -> ExcessHazardFit:
    """The mode and the variances that scoring from `state` settles on."""
    state, arrow, value, settled = iterate(design, layout, expected, state, progress=progress, most=MAX_ITERATIONS, fewest=fewest)
    return ExcessHazardFit(
        design=design,
        layout=layout,
        kernel=expected.kernel,
        ratio_prior=expected.ratio,
        variances=state.variances,
        levels=expected.levels,
        shared=state.shared,
        own=state.own,
        arrow=arrow,
        converged=settled is not None,
        iterations=settled or MAX_ITERATIONS,
        log_posterior=value,
        drag=state.drag,
        score=state.score,
    )


SAME_MODE = 0.3  # judgement: two modes nearer than this, in standard deviations of log r, are one that was reached on two ways
SAME_HEIGHT = 0.5  # judgement: log marginal likelihoods nearer than this differ by where the search stopped and by the approximation
LEAST_WEIGHT = 0.02  # of a fit among others: below, a few of a thousand draws


def better_of(one: ExcessHazardFit, other: ExcessHazardFit) -> ExcessHazardFit:
    """The fit with the larger marginal likelihood, `one` where it hardly differs; the other is its alternative where it is a mode that counts."""
    settled = [fit for fit in (one, other) if fit.converged]
    if len(settled) < 2:
        return settled[0] if settled else one
    height, gain = (log_marginal_likelihood(fit.layout, prior_of(fit), fit.variances, fit.arrow, fit.log_posterior) for fit in (one, other))
    gain -= height
    best, rest, lead = (other, one, gain) if gain > SAME_HEIGHT else (one, other, -gain)
    at = best.ratio_positions
    apart = np.abs(best.shared[at] - rest.shared[at]) / np.sqrt(np.diagonal(best.ratio_covariance))
    share = 1 / (1 + np.exp(min(lead, 700.0)))
    if share < LEAST_WEIGHT or apart.max() < SAME_MODE:
        return best
    return replace(best, alternatives=((float(1 - share), best), (float(share), rest)))


# Where the fit starts: not where it is drawn to. On 35 simulated companies of two generators it then ends 90 instead of 88 of 100 intervals right.
START_MONTH_SD, START_RATIO_SHIFT = 0.15, -2.0
START_SHARE = 0.7  # of the departures that problems explain where the second fit starts


def _natural_first(state: State, layout: ParameterLayout) -> State:
    """The state with room for natural departures: problems have to earn the departures they explain.

    Starting with a small variance of the natural months, the fit can settle where a category explains their movement and the variance stays small,
    although the complaints contradict it.
    """
    shared = state.shared.copy()
    layout.shared(shared)["ratio"][:] += START_RATIO_SHIFT
    return replace(state, shared=shared, variances=replace(state.variances, natural_month=START_MONTH_SD**2))


def _problems_first(state: State, layout: ParameterLayout, design: LexisDesign, ratio: RatioPrior) -> State:
    """The state in which problems explain most departures: where they do, the way from few of them can end before it is reached."""
    shared = state.shared.copy()
    of = layout.shared(shared)
    assumed = ratio.gaussian[0]
    demanded = float((np.exp(assumed) * design.complainants.sum((1, 2, 3))).sum())
    of["ratio"][:] = assumed + np.log(max(START_SHARE * float(design.exits.sum()), 1e-9) / max(demanded, 1e-9))
    of["natural_month"][:] += np.log(1 - START_SHARE)
    return replace(state, shared=shared)


def prior_of(fit: ExcessHazardFit) -> Prior:
    """The Gaussian prior at the variances of `fit`."""
    return build_prior(fit.layout, fit.variances, fit.ratio_prior, fit.kernel, fit.levels)


REFIT_ITERATIONS = 6


def refit(fit: ExcessHazardFit, shared: FloatArray, own: FloatArray, *, most: int = REFIT_ITERATIONS) -> ExcessHazardFit:
    """The mode for other complainants (`fit.design`) under the variances of `fit`, from starting values, after at most so many steps."""
    expected = Expectations(fit.ratio_prior, fit.kernel, fit.levels)
    state = State(shared, own, fit.variances, fit.drag, fit.score)
    state, arrow, value, settled = iterate(
        fit.design, fit.layout, expected, state, progress=None, most=most, learn=False, fewest=0
    )
    return replace(
        fit,
        shared=state.shared,
        own=state.own,
        arrow=arrow,
        converged=settled is not None,
        log_posterior=value,
        drag=state.drag,
        score=state.score,
    )
