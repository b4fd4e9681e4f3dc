"""Fits the Cox model: the exact partial likelihood with the complaint as a time-varying state, from day counts.

Customers who have not complained are the reference; from the day of the first complaint on they carry the covariate of
its category. "Ever complained" as a fixed covariate would be immortal-time bias.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from scipy import special

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.model.assumptions import Z90
from iceberg.model.results import CredibleInterval

NODES = 12  # departures of one day beyond that many are summed by discrete Gauss quadrature, exact to degree 23
MAX_STEPS = 50
TOLERANCE = 1e-9
# Judgement: a standard error of log hazard above this, or a hazard ratio beyond e^6, is separation and not a finding.
LARGEST_STANDARD_ERROR, LARGEST_LOG_HAZARD = 5.0, 6.0
PROPORTIONAL_P_VALUE = 0.01  # judgement: many customers make any small bend significant at 0.05

CoxStatus = Literal["converged", "no_reference", "no_departures", "diverged"]


@dataclass(frozen=True, eq=False)
class CoxReading:
    """Hazard ratios of complainers against customers of the same tenure who have not complained.

    Attributes:
        status: ``converged``, or why there is no reading: ``no_reference`` (nobody without a complaint leaves while
            complainers are at risk), ``no_departures`` (of complainers), ``diverged``.
        categories: Those with a coefficient: complainers and departures of theirs are both there.
        left_out: Categories without.
        log_hazard, standard_error: float64 (P,).
        hazard_ratio: 90 % confidence intervals.
        log_likelihood: Partial log likelihood at the estimate (Efron's for ties).
        steps: Newton steps taken.
        proportional: Per category, ``(code, values)``: ``proportional``, ``effect_fades`` or ``effect_grows`` with
            tenure, with the p-value of the score test against log tenure.
        global_p_value: The same test for all categories together.
    """

    status: CoxStatus
    categories: tuple[str, ...]
    left_out: tuple[str, ...]
    log_hazard: FloatArray
    standard_error: FloatArray
    hazard_ratio: tuple[CredibleInterval, ...]
    log_likelihood: float
    steps: int
    proportional: tuple[tuple[str, dict[str, object]], ...]
    global_p_value: float


@dataclass(frozen=True, eq=False)
class _RiskSets:
    """Risk sets with at least one departure, one row per day (and stratum).

    Attributes:
        at_risk, departures: (T, 1 + P) customers by state, the reference first.
        node, weight: (T, N) shares of the day's departures already gone, and how often each counts (Efron).
        log_tenure: (T,).
    """

    at_risk: FloatArray
    departures: FloatArray
    node: FloatArray
    weight: FloatArray
    log_tenure: FloatArray


def fit_cox(counts: CohortCounts, *, stratify: bool = False) -> CoxReading:
    """Fit the model by Newton's method with step halving.

    Args:
        counts: Day counts of the tenure axis.
        stratify: A baseline hazard per segment.

    Returns:
        The reading; a fit that does not converge to sane numbers is named in `status` and carries none.

    References:
        Cox 1972; Efron 1977 (ties); Grambsch, Therneau 1994 (score test of proportionality).
    """
    at_risk, departures, tenure = _tabulate(counts, stratify)
    used = [
        index
        for index in range(1, at_risk.shape[1])
        if departures[:, index].sum() > 0
        and ((at_risk[:, index] > 0) & (at_risk.sum(axis=1) > at_risk[:, index])).any()
    ]
    names = tuple(counts.categories[index - 1] for index in used)
    left_out = tuple(name for name in counts.categories if name not in names)
    if not used:
        return _no_reading("no_departures", left_out)
    if departures[:, 0].sum() == 0:
        return _no_reading("no_reference", counts.categories)
    columns = [0, *used]
    sets = _risk_sets(at_risk[:, columns], departures[:, columns], tenure)
    beta, value, information, steps = _maximise(sets)
    gradient = _derivatives(sets, beta)[1]
    errors = _standard_errors(information)
    sane = (
        np.isfinite(errors).all()
        and (errors < LARGEST_STANDARD_ERROR).all()
        and (np.abs(beta) < LARGEST_LOG_HAZARD).all()
    )
    if not sane or np.abs(gradient).max() > 1e-5 * max(1.0, float(departures.sum())):
        return _no_reading("diverged", counts.categories)
    codes, p_value = _check_proportionality(sets, beta, information)
    intervals = tuple(
        CredibleInterval(*(float(np.exp(one + z * error)) for z in (-Z90, 0.0, Z90)))
        for one, error in zip(beta, errors, strict=True)
    )
    return CoxReading("converged", names, left_out, beta, errors, intervals, value, steps, codes, p_value)


def _no_reading(status: CoxStatus, left_out: tuple[str, ...]) -> CoxReading:
    none, nan = np.zeros(0), float("nan")
    return CoxReading(status, (), left_out, none, none, (), nan, 0, (), nan)


def _tabulate(counts: CohortCounts, stratify: bool) -> tuple[FloatArray, FloatArray, FloatArray]:
    """(T, 1 + C) at risk and departures on every day (of every segment) with a departure, and the tenure in days."""
    rows = counts.tenure_days
    states = 1 + len(counts.categories)
    strata = len(counts.segments) if stratify else 1
    days = int(rows.tenure_day.max(initial=-1)) + 1
    shape = (strata, days, states)
    stratum = rows.segment if stratify else np.zeros_like(rows.segment)
    place = np.ravel_multi_index((stratum, rows.tenure_day, rows.state), shape) if days else rows.state
    entered, exited, censored = (
        np.bincount(place, weights=column, minlength=strata * days * states).reshape(shape)
        for column in (rows.entered, rows.exited, rows.censored)
    )
    ended = exited + censored
    at_risk = np.cumsum(entered, axis=1) - (np.cumsum(ended, axis=1) - ended)
    with_departures = exited.sum(axis=2) > 0
    tenure = np.broadcast_to(np.arange(days, dtype=np.float64), (strata, days))[with_departures]
    return at_risk[with_departures], exited[with_departures], tenure


def _risk_sets(at_risk: FloatArray, departures: FloatArray, tenure: FloatArray) -> _RiskSets:
    total = departures.sum(axis=1).astype(np.int64)
    sizes, place = np.unique(total, return_inverse=True)
    node, weight = np.zeros((len(sizes), NODES)), np.zeros((len(sizes), NODES))
    for row, size in enumerate(sizes):
        points, masses = _efron_nodes(int(size))
        node[row, : len(points)], weight[row, : len(points)] = points, masses
    return _RiskSets(at_risk, departures, node[place], weight[place], np.log(tenure + 1.0))


def _efron_nodes(departures: int) -> tuple[FloatArray, FloatArray]:
    """Nodes u and weights w with ``sum_{l < d} f(l / d) = sum w f(u)``; all l up to `NODES`, else discrete Gauss.

    Golub-Welsch on the recurrence of the discrete Chebyshev (Gram) polynomials, so that the cost of a day does not grow with its departures.

    References:
        Gautschi 2004, Orthogonal Polynomials, 1.5 (discrete Chebyshev recurrence).
    """
    if departures <= NODES:
        return np.arange(departures) / departures, np.ones(departures)
    order = np.arange(1, NODES, dtype=np.float64)
    off_diagonal = np.sqrt(order**2 * (departures**2 - order**2) / (4 * (4 * order**2 - 1)))
    jacobi = np.diag(np.full(NODES, (departures - 1) / 2)) + np.diag(off_diagonal, 1) + np.diag(off_diagonal, -1)
    position, vectors = np.linalg.eigh(jacobi)
    return position / departures, departures * vectors[0] ** 2


def _shares(sets: _RiskSets, beta: FloatArray) -> tuple[FloatArray, FloatArray]:
    """(T, N, P) share of the weighted risk set in each complained state, and (T, N) its log total."""
    relative = np.exp(np.append(0.0, beta))
    remaining = sets.at_risk[:, None, :] - sets.node[:, :, None] * sets.departures[:, None, :]
    weighted = remaining * relative
    total = weighted.sum(axis=2)
    return weighted[:, :, 1:] / total[:, :, None], np.log(total)


def _derivatives(sets: _RiskSets, beta: FloatArray) -> tuple[float, FloatArray, FloatArray]:
    """Partial log likelihood (Efron), its gradient and its information."""
    share, log_total = _shares(sets, beta)
    weighted = sets.weight[:, :, None] * share
    gone = sets.departures[:, 1:].sum(axis=0)
    value = float(gone @ beta - (sets.weight * log_total).sum())
    flat = share.reshape(-1, share.shape[2])
    expected = weighted.sum(axis=(0, 1))
    information = np.diag(expected) - (weighted.reshape(flat.shape)).T @ flat
    return value, gone - expected, information


def _maximise(sets: _RiskSets) -> tuple[FloatArray, float, FloatArray, int]:
    beta = np.zeros(sets.at_risk.shape[1] - 1)
    value, gradient, information = _derivatives(sets, beta)
    for step in range(1, MAX_STEPS + 1):
        direction = np.linalg.lstsq(information, gradient, rcond=None)[0]
        direction *= min(1.0, 2.0 / max(float(np.abs(direction).max()), 1e-12))  # no jump beyond a factor e^2
        size = 1.0
        while size > 1e-6:
            trial = _derivatives(sets, beta + size * direction)
            if np.isfinite(trial[0]) and trial[0] >= value - 1e-12 * abs(value):
                break
            size /= 2
        beta = beta + size * direction
        value, gradient, information = trial
        if float(np.abs(size * direction).max()) < TOLERANCE:
            return beta, value, information, step
    return beta, value, information, MAX_STEPS


def _standard_errors(information: FloatArray) -> FloatArray:
    try:
        variance = np.diag(np.linalg.inv(information))
    except np.linalg.LinAlgError:
        return np.full(len(information), np.inf)
    return np.asarray(np.sqrt(np.where(variance > 0, variance, np.inf)), dtype=np.float64)


def _check_proportionality(
    sets: _RiskSets, beta: FloatArray, information: FloatArray
) -> tuple[tuple[tuple[str, dict[str, object]], ...], float]:
    """Score test of ``beta + gamma * log(tenure)`` at gamma = 0, per category and for all together.

    Built from the same risk sets as the fit, so that customers count as customers, never as weights.
    """
    share, _ = _shares(sets, beta)
    size = len(beta)
    weighted = sets.weight[:, :, None] * share
    time = sets.log_tenure - float(np.average(sets.log_tenure, weights=sets.departures.sum(axis=1)))
    score = (time[:, None] * (sets.departures[:, 1:] - weighted.sum(axis=1))).sum(axis=0)
    blocks = []
    for power in (1, 2):
        factor = time**power
        spread = np.einsum("t,tnp,tnq->pq", factor, weighted, share, optimize=True)
        blocks.append(np.diag((factor[:, None] * weighted.sum(axis=1)).sum(axis=0)) - spread)
    mixed, curved = blocks
    variance = curved - mixed @ np.linalg.solve(information, mixed)
    codes: list[tuple[str, dict[str, object]]] = []
    for index in range(size):
        own = max(float(variance[index, index]), 1e-12)
        p_value = float(special.chdtrc(1, score[index] ** 2 / own))
        code = (
            "proportional"
            if p_value >= PROPORTIONAL_P_VALUE
            else "effect_grows"
            if score[index] > 0
            else "effect_fades"
        )
        codes.append((code, {"p_value": p_value, "per_log_day": float(score[index] / own)}))
    statistic = float(score @ np.linalg.lstsq(variance, score, rcond=None)[0])
    return tuple(codes), float(special.chdtrc(size, max(statistic, 0.0)))
