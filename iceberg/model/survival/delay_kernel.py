"""Fits the delay from a problem to the departure it causes, per category, on complainers, net of natural departures, partially pooled.

Complainers are the only customers whose problem has a date. Their departures on the clock since the first complaint are

    D_j ~ Poisson( alpha * E_j  +  T_j * q f_j / (1 - q F_j) )

with E_j the departures that silent customers of the same segment and tenure would have had, alpha the part of those that is natural, q the excess
probability of leaving and f, F a gamma delay. Each category has a delay of its own, drawn to that of all complainers. Where complaining helps,
complainers do not leave more than others, and the clock has no delay to show: the fit then falls back to what is believed beforehand. The silent
may wait longer or shorter than the vocal: the uncertainty is widened before it is used.

References:
    Dickman et al. 2004 (excess hazard on grouped data); Perme, Stare, Esteve 2012 (net survival).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import minimize
from scipy.special import gammainc, gammaln, ndtr

from iceberg.arrays import BoolArray, FloatArray, IntArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.priors import CATEGORY_MEAN_SD

DAYS_PER_MONTH = 30.4375
# Judgement, grade D, all on the log scale: what is believed of the delay before any complainer has left.
PRIOR_MEAN_DAYS, PRIOR_MEAN_SD = 45.0, 0.7
PRIOR_SHAPE, PRIOR_SHAPE_SD = 1.3, 0.4
PRIOR_NATURAL_PART, PRIOR_NATURAL_PART_SD = 0.85, 0.3
PRIOR_EXCESS_LOGIT, PRIOR_EXCESS_LOGIT_SD = -0.85, 1.1  # q = 0.3, from 0.06 to 0.72
# The silent need not wait as long as the vocal: in all categories together, and in each.
SILENT_MEAN_SD, SILENT_SHAPE_SD = 0.2, 0.15
SILENT_OWN_MEAN_SD, SILENT_OWN_SHAPE_SD = 0.15, 0.15
CATEGORY_SHAPE_SD = 0.3  # judgement, grade D: how far the shapes of the delays of one company's categories are apart (log scale)
EXCESS_SD = 0.6  # judgement, grade D: the same of q, on the logit scale
EXCESS_DAYS = 180.0  # horizon within which complainers have to leave more than expected for their delay to be believed
EXCESS_SEEN_Z, EXCESS_DOUBT_Z = 2.0, 1.0  # judgement: half believed at two standard errors above the expected, nearly all at four


@dataclass(frozen=True, eq=False)
class DelayKernel:
    """The delay of every category as two Gaussian numbers, with what was learned about q on the way.

    Attributes:
        location: (C, 2) log mean days, log gamma shape.
        covariance: (2C, 2C) of `location`, flattened, widened for the difference between silent and vocal customers.
        excess_seen: How far complainers' excess departures are believed to show a delay at all, 0 to 1.
        excess_log_mean, excess_log_sd: (C,) log q_c of complainers, shrunk to the pooled q.
        pooled_log_mean, pooled_log_sd: log q of all complainers.
        bound, term_months: Share of complainers whom a contract bound at their complaint, and its term; 0 without contracts.
        bound_sd: Doubt about the share bound, logit scale.
    """

    location: FloatArray
    covariance: FloatArray
    excess_seen: float
    excess_log_mean: FloatArray
    excess_log_sd: FloatArray
    pooled_log_mean: float
    pooled_log_sd: float
    bound: float = 0.0
    term_months: int = 0
    bound_sd: float = 0.0

    def share_within(self, days: float) -> FloatArray:
        """(C,) P(a caused departure follows within so many days), contracts included."""
        return _share_left(self.location, np.array([days]), self.bound, self.term_months)[..., 0]

    def of_categories(self, chosen: BoolArray) -> DelayKernel:
        """The same for some of the categories."""
        pairs = np.repeat(chosen, 2)
        return replace(
            self,
            location=self.location[chosen],
            covariance=self.covariance[np.ix_(pairs, pairs)],
            excess_log_mean=self.excess_log_mean[chosen],
            excess_log_sd=self.excess_log_sd[chosen],
        )


@dataclass(frozen=True, eq=False)
class _DelayClock:
    """Departures of complainers by days since the first complaint: edges (J + 1), observed, expected, customer-days (J); and contracts."""

    edges: FloatArray
    observed: FloatArray
    expected: FloatArray
    days: FloatArray
    bound: float
    term_months: int


def fit_delay_kernel(counts: CohortCounts) -> DelayKernel:
    """The delays and the excess of complainers; with no complainers who left, what is believed beforehand."""
    categories = len(counts.categories)
    clock = read_clock(counts, -1)
    prior_mean = np.array([PRIOR_EXCESS_LOGIT, np.log(PRIOR_MEAN_DAYS), np.log(PRIOR_SHAPE), np.log(PRIOR_NATURAL_PART)])
    prior_sd = np.array([PRIOR_EXCESS_LOGIT_SD, PRIOR_MEAN_SD, PRIOR_SHAPE_SD, PRIOR_NATURAL_PART_SD])
    mode, covariance = _maximise(lambda x: _negative_log_posterior(x, clock, prior_mean, prior_sd), prior_mean)
    seen = _excess_seen(clock)
    pooled = prior_mean[1:3] + seen * (mode[1:3] - prior_mean[1:3])
    pooled_covariance = seen * covariance[1:3, 1:3] + (1 - seen) * np.diag(prior_sd[1:3] ** 2)
    location, trust, spread = np.empty((categories, 2)), np.empty((categories, 2, 2)), np.zeros((categories, 2, 2))
    log_mean, log_sd = np.empty(categories), np.empty(categories)
    own_spread = np.diag([CATEGORY_MEAN_SD**2, CATEGORY_SHAPE_SD**2])
    for category in range(categories):
        found, variance = _category_delay(read_clock(counts, category), mode, covariance[0, 0], pooled)
        q = 1 / (1 + np.exp(-found[0]))
        log_mean[category], log_sd[category] = np.log(q), (1 - q) * np.sqrt(variance[0, 0])
        location[category] = pooled + seen * (found[1:] - pooled)
        spread[category] = seen * variance[1:, 1:] + (1 - seen) * own_spread
        trust[category] = spread[category] @ np.linalg.inv(own_spread)  # how far a category follows the pooled delay
    shared = pooled_covariance + np.diag([SILENT_MEAN_SD**2, SILENT_SHAPE_SD**2])
    joint = np.einsum("cij,jk,dlk->cidl", trust, shared, trust)
    for category in range(categories):
        joint[category, :, category] += spread[category] + np.diag([SILENT_OWN_MEAN_SD**2, SILENT_OWN_SHAPE_SD**2])
    pooled_q = 1 / (1 + np.exp(-mode[0]))
    return DelayKernel(
        location=location,
        covariance=joint.reshape(2 * categories, 2 * categories),
        excess_seen=seen,
        excess_log_mean=log_mean,
        excess_log_sd=log_sd,
        pooled_log_mean=float(np.log(pooled_q)),
        pooled_log_sd=float((1 - pooled_q) * np.sqrt(covariance[0, 0])),
        bound=clock.bound,
        term_months=clock.term_months,
        bound_sd=counts.renewals.bound_sd if clock.term_months and counts.renewals is not None else 0.0,
    )


def _excess_seen(clock: _DelayClock) -> float:
    """How far complainers left more often than the silent of their tenure within the horizon, as a degree of belief from 0 to 1."""
    inside = clock.edges[1:] <= EXCESS_DAYS + clock.term_months * DAYS_PER_MONTH
    expected = float(clock.expected[inside].sum())
    z = (float(clock.observed[inside].sum()) - expected) / np.sqrt(expected + 1.0)
    return float(ndtr((z - EXCESS_SEEN_Z) / EXCESS_DOUBT_Z))


def lag_weights(location: FloatArray, lags: int) -> FloatArray:
    """Share of caused departures in the month of the problem and in each of the `lags` months after it.

    Problems and month ends fall anywhere within a month, so the weight of lag l is the second difference of the integrated distribution
    function. The part beyond the last lag is not redistributed.

    Args:
        location: log mean days and log shape; leading axes are draws.
        lags: Last lag, months.

    Returns:
        (..., lags + 1).
    """
    mean, shape = np.exp(location[..., :1]), np.exp(location[..., 1:2])
    edges = DAYS_PER_MONTH * np.arange(lags + 2)
    integral = _integrated_cdf(np.asarray(edges, dtype=np.float64), mean, shape) / DAYS_PER_MONTH
    first = integral[..., 1:2]
    return np.concatenate([first, np.diff(integral, n=2, axis=-1)], axis=-1)


def share_within(location: FloatArray, days: FloatArray) -> FloatArray:
    """P(delay <= days), with the leading axes of `location`."""
    mean, shape = np.exp(location[..., :1]), np.exp(location[..., 1:2])
    return np.asarray(gammainc(shape, np.maximum(days, 0.0) * shape / mean), dtype=np.float64)


def until_renewal(share: Callable[[FloatArray], FloatArray], days: FloatArray, term_months: int) -> FloatArray:
    """`share(days)` put off to the next renewal, which is anywhere in a term: the mean over shifts of up to a term."""
    shifts = (np.arange(24) + 0.5) / 24 * term_months * DAYS_PER_MONTH
    return np.asarray(sum(share(days - shift) for shift in shifts) / len(shifts), dtype=np.float64)


def _share_left(location: FloatArray, days: FloatArray, bound: float, term_months: int) -> FloatArray:
    """Distribution function of the time to a caused departure, where the share `bound` leaves at the first renewal after the delay."""
    free = share_within(location, days)
    if not term_months:
        return free
    later = until_renewal(lambda moved: share_within(location, moved), days, term_months)
    return np.asarray(free + bound * (later - free), dtype=np.float64)


def integrated_share(location: FloatArray, days: FloatArray) -> FloatArray:
    """Integral of `share_within` from 0 to each of `days` (nothing before 0), in days.

    The incomplete gamma function of shape + 1 is that of shape less one term, which is cheaper than a second one.
    """
    mean, shape = np.exp(location[..., :1]), np.exp(location[..., 1:2])
    later: FloatArray = np.maximum(days, 0.0)
    scaled = later * (shape / mean)
    with np.errstate(divide="ignore"):
        log_term = shape * np.log(scaled) - scaled - gammaln(shape + 1)
    return np.asarray((later - mean) * gammainc(shape, scaled) + mean * np.exp(log_term), dtype=np.float64)


def _integrated_cdf(x: FloatArray, mean: npt.NDArray[Any], shape: npt.NDArray[Any]) -> FloatArray:
    scaled = x * shape / mean
    return np.asarray(x * gammainc(shape, scaled) - mean * gammainc(shape + 1, scaled), dtype=np.float64)


def lags_needed(location: FloatArray, *, longest: int) -> int:
    """Months of lag after which less than 2 % of the departures of the slowest category are left, at most `longest`."""
    slowest = np.atleast_2d(location)
    for lag in range(1, longest):
        if share_within(slowest, np.array([DAYS_PER_MONTH * (lag + 0.5)])).min(initial=1.0) > 0.98:
            return lag
    return longest


def read_clock(counts: CohortCounts, category: int) -> _DelayClock:
    """The life table since complaint of one category (-1: any), with what silent customers would have lost."""
    segments, _, bands = counts.shape
    clock = counts.clock
    edges = np.asarray(counts.clock_edges_days, dtype=float)
    bins = len(edges)
    last_width = max(float(counts.window.days) - edges[-1], 30.0)
    edges = np.append(edges, edges[-1] + last_width)
    mine = clock.category == category
    table = np.zeros((3, segments, bands, bins))
    where = (clock.segment[mine], clock.band[mine], clock.clock[mine])
    for row, values in enumerate((clock.exited + clock.censored, clock.exited, clock.days_in_bin)):
        np.add.at(table[row], where, values[mine])
    ended, exited, partial = table
    beyond = np.cumsum(ended[..., ::-1], axis=-1)[..., ::-1] - ended
    days = beyond * np.diff(edges) + partial
    hazard = _silent_daily_hazard(counts)
    middle = (edges[:-1] + edges[1:]) / 2
    renewals = counts.renewals if counts.renewals is not None and counts.renewals.modelled else None
    bound, term, later = 0.0, 0, hazard[:, _band_after(counts, middle)]
    if renewals is not None:
        # Renewals are narrow: customers anywhere in their band come to them at different times.
        later = np.mean([hazard[:, _band_after(counts, middle, place)] for place in (np.arange(12) + 0.5) / 12], axis=0)
        complained = ended.sum(axis=-1)
        under = renewals.shares_under(counts.band_edges_months)  # terms, S, B
        of_term = np.einsum("s,sb,tsb->t", np.asarray(renewals.bound), complained, under) / max(complained.sum(), 1.0)
        bound = float(of_term.sum())
        term = round(float(np.average(renewals.all_terms, weights=of_term + 1e-9)))
    expected = (days * later).sum(axis=(0, 1))
    return _DelayClock(edges, exited.sum(axis=(0, 1)), expected, days.sum(axis=(0, 1)), bound, term)


def _silent_daily_hazard(counts: CohortCounts) -> FloatArray:
    """(S, B) departures per silent customer-day, each cell shrunk to segment x tenure margins by 20 departures (judgement)."""
    exits = counts.silent_exits.sum(axis=1).astype(float)
    days = counts.silent_person_days.sum(axis=1).astype(float)
    overall = (exits.sum() + 0.5) / (days.sum() + 1.0)
    by_band = (exits.sum(0) + 20 * 1.0) / (days.sum(0) + 20 / overall)
    by_segment = (exits.sum(1) + 20 * 1.0) / (days.sum(1) + 20 / overall)
    margin = by_segment[:, None] * by_band[None] / overall
    return np.asarray((exits + 20) / (days + 20 / margin), dtype=np.float64)


def _band_after(counts: CohortCounts, days: FloatArray, place: float = 0.5) -> IntArray:
    """(B, J) tenure band reached after so many days by a customer at `place` of band b: 0 its lower edge, 1 its upper one."""
    edges = np.asarray(counts.band_edges_months, dtype=float)
    middle = np.append((edges[:-1] + edges[1:]) / 2, edges[-1] + 12)
    middle += (place - 0.5) * np.append(np.diff(edges), 0.0)
    tenure = middle[:, None] + days[None] / DAYS_PER_MONTH
    return np.searchsorted(edges, tenure, side="right").astype(np.int64) - 1


def _negative_log_posterior(x: FloatArray, clock: _DelayClock, prior_mean: FloatArray, prior_sd: FloatArray) -> float:
    q = 1 / (1 + np.exp(-x[0]))
    mean = _expected_exits(clock, q, x[1:3], np.exp(x[3]))
    log_likelihood = (clock.observed * np.log(mean) - mean).sum()
    return float(-log_likelihood + 0.5 * (((x - prior_mean) / prior_sd) ** 2).sum())


def _expected_exits(clock: _DelayClock, q: float, location: FloatArray, natural_part: float) -> FloatArray:
    cdf = _share_left(location, clock.edges, clock.bound, clock.term_months)
    # Mean excess hazard over the bin, from survival 1 - q F of the excess process alone.
    excess = np.diff(-np.log1p(-q * cdf)) / np.diff(clock.edges)
    return np.asarray(natural_part * clock.expected + clock.days * excess + 1e-9, dtype=np.float64)


def _category_delay(clock: _DelayClock, mode: FloatArray, pooled_variance: float, pooled: FloatArray) -> tuple[FloatArray, FloatArray]:
    """Logit q and delay of one category, drawn to those of all complainers; the natural part is that of all."""
    centre = np.array([mode[0], *pooled])
    spread = np.array([np.sqrt(pooled_variance + EXCESS_SD**2), CATEGORY_MEAN_SD, CATEGORY_SHAPE_SD])

    def objective(x: FloatArray) -> float:
        q = 1 / (1 + np.exp(-x[0]))
        mean = _expected_exits(clock, q, x[1:3], np.exp(mode[3]))
        return float(mean.sum() - (clock.observed * np.log(mean)).sum() + 0.5 * (((x - centre) / spread) ** 2).sum())

    return _maximise(objective, centre)


def _maximise(objective: Callable[[FloatArray], float], start: FloatArray) -> tuple[FloatArray, FloatArray]:
    """The minimum of `objective` and the inverse of its Hessian there, by finite differences."""
    found = minimize(objective, start, method="BFGS", options={"gtol": 1e-6})
    x, size, step = np.asarray(found.x), len(start), 1e-3
    hessian = np.empty((size, size))
    for i in range(size):
        for j in range(i, size):
            ei, ej = step * np.eye(size)[i], step * np.eye(size)[j]
            second = objective(x + ei + ej) - objective(x + ei - ej) - objective(x - ei + ej) + objective(x - ei - ej)
            hessian[i, j] = hessian[j, i] = second / (4 * step**2)
    values, vectors = np.linalg.eigh(hessian)
    return x, (vectors / np.maximum(values, 1e-3)) @ vectors.T
