"""Estimates survival on tenure: Kaplan-Meier, Nelson-Aalen and parametric fits from day counts. The only user of lifelines.

Customers enter late: at the start of the window, or, into the complained state, at the complaint. Anything else is immortal-time bias.
"""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from scipy import special

from iceberg.arrays import FloatArray, IntArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import NEVER_COMPLAINED
from iceberg.model.results import INTERVAL_MASS

DAYS_PER_MONTH = 365.25 / 12
# Judgement: a curve starts and ends where at least that many are at risk. With late entries the first customers at
# risk may be two, and one departure among them would halve the curve for good.
LEAST_AT_RISK = 10
# Judgement: a fit that stays within three points of the curve is close enough to be read as its shape.
CLOSE_GAP = 0.03


@dataclass(frozen=True, eq=False)
class SurvivalCurve:
    """A step curve with its band.

    Attributes:
        days: float64 (n,) rising; the value holds from the end of that day on, of those who were customers on the first one.
        estimate, lower, upper: float64 (n,), a central band of `INTERVAL_MASS`.
        at_risk: int64 (n,) customers at risk on that day.
        departures: How many events it rests on.
        customers: How many customers ever entered.
    """

    days: FloatArray
    estimate: FloatArray
    lower: FloatArray
    upper: FloatArray
    at_risk: IntArray
    departures: int
    customers: int


@dataclass(frozen=True, eq=False)
class _DayTable:
    """Entered, exited and at risk on every day of tenure from 0."""

    entered: IntArray
    exited: IntArray
    ended: IntArray
    at_risk: IntArray


def _day_table(counts: CohortCounts, states: Sequence[int] | None, segments: Sequence[int] | None) -> _DayTable:
    rows = counts.tenure_days
    kept = np.ones(len(rows.state), dtype=bool)
    if states is not None:
        kept &= np.isin(rows.state, list(states))
    if segments is not None:
        kept &= np.isin(rows.segment, list(segments))
    day = rows.tenure_day[kept]
    length = int(day.max(initial=-1)) + 1
    entered, exited, censored = (
        np.bincount(day, weights=column[kept], minlength=length).astype(np.int64)
        for column in (rows.entered, rows.exited, rows.censored)
    )
    ended = exited + censored
    before = np.concatenate([np.zeros(1, dtype=np.int64), np.cumsum(ended)[:-1]]) if length else ended
    return _DayTable(entered, exited, ended, np.cumsum(entered) - before)


def complained_states(counts: CohortCounts) -> tuple[int, ...]:
    """The states of `TenureDayCounts` that follow a complaint, whatever its category."""
    return tuple(range(NEVER_COMPLAINED + 1, NEVER_COMPLAINED + 1 + len(counts.categories)))


def tenure_curve(
    counts: CohortCounts,
    *,
    states: Sequence[int] | None = None,
    segments: Sequence[int] | None = None,
    kind: Literal["survival", "cumulative_hazard"] = "survival",
    least_at_risk: int = LEAST_AT_RISK,
) -> SurvivalCurve:
    """Kaplan-Meier or Nelson-Aalen on days of tenure, with delayed entry.

    Args:
        counts: Day counts of the tenure axis.
        states: States of `TenureDayCounts` taken together; None takes all.
        segments: Indices of segments; None takes all.
        kind: ``"survival"``: prod(1 - d/n), Greenwood variance, log-log band. ``"cumulative_hazard"``: sum(d/n), Aalen's variance for ties, log band.
        least_at_risk: The curve begins on the first day with that many at risk and ends on the last one.

    References:
        Kaplan, Meier 1958; Nelson 1972; Aalen 1978; Kalbfleisch, Prentice 2002 (bands).
    """
    table = _day_table(counts, states, segments)
    enough = np.flatnonzero(table.at_risk >= max(least_at_risk, 1))
    if not len(enough):
        none = np.zeros(0)
        return SurvivalCurve(none, none, none, none, np.zeros(0, dtype=np.int64), 0, int(table.entered.sum()))
    first, last = int(enough[0]), int(enough[-1])
    span = slice(first, last + 1)
    at_risk, exited = table.at_risk[span].astype(np.float64), table.exited[span].astype(np.float64)
    rate = np.divide(exited, at_risk, out=np.zeros_like(exited), where=at_risk > 0)
    z = float(special.ndtri(0.5 + INTERVAL_MASS / 2))
    build = _kaplan_meier if kind == "survival" else _nelson_aalen
    estimate, lower, upper = build(rate, exited, at_risk, z)
    return SurvivalCurve(
        np.arange(first, last + 1, dtype=np.float64),
        estimate,
        lower,
        upper,
        table.at_risk[span],
        int(exited.sum()),
        int(table.entered.sum()),
    )


def _kaplan_meier(
    rate: FloatArray, exited: FloatArray, at_risk: FloatArray, z: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    survival = np.cumprod(1 - rate)
    left = at_risk - exited
    variance = np.cumsum(np.divide(exited, at_risk * left, out=np.zeros_like(exited), where=left * at_risk > 0))
    inside = (survival > 0) & (survival < 1)
    log_survival = np.log(np.where(inside, survival, 0.5))
    width = z * np.sqrt(variance) / log_survival
    lower, upper = (np.where(inside, np.exp(log_survival * np.exp(sign * width)), survival) for sign in (-1, 1))
    return np.asarray(survival), np.asarray(lower), np.asarray(upper)


def _nelson_aalen(
    rate: FloatArray, exited: FloatArray, at_risk: FloatArray, z: float
) -> tuple[FloatArray, FloatArray, FloatArray]:
    hazard = np.cumsum(rate)
    by_day = np.divide((1 - rate) * rate, at_risk, out=np.zeros_like(rate), where=at_risk > 0)
    width = np.exp(z * np.sqrt(np.cumsum(by_day)) / np.where(hazard > 0, hazard, 1.0))
    return hazard, hazard / width, hazard * width


@dataclass(frozen=True, eq=False)
class ParametricFit:
    """A parametric survival model of tenure, and what its check says.

    Attributes:
        kind: ``"weibull"`` or ``"piecewise_exponential"``.
        code: ``fit_close`` or ``fit_off`` (against Kaplan-Meier), or ``fit_failed`` (then there is no curve): keys
            under ``report.survival``-like sentences, with `values`.
        parameters: Weibull: ``scale_days``, ``shape``. Piecewise: ``rate_from_<day>`` per year.
        days, estimate: float64 (n,) the fitted survival over the days of the Kaplan-Meier curve, conditional on its start.
        log_likelihood, aic: Of the fit; compare the two kinds.
        largest_gap, gap_day: Against Kaplan-Meier, in survival probability, where at least a tenth of the peak is at risk.
        shape_lower, shape_upper: 90 % interval of the Weibull shape; below 1 the risk of leaving falls with tenure.
    """

    kind: Literal["weibull", "piecewise_exponential"]
    code: Literal["fit_close", "fit_off", "fit_failed"]
    parameters: dict[str, float]
    days: FloatArray
    estimate: FloatArray
    log_likelihood: float
    aic: float
    largest_gap: float
    gap_day: float
    shape_lower: float = float("nan")
    shape_upper: float = float("nan")

    @property
    def values(self) -> dict[str, object]:
        """What a sentence about the check names."""
        return {"gap": self.largest_gap, "day": self.gap_day, "aic": self.aic, **self.parameters}


def fit_parametric(
    counts: CohortCounts,
    *,
    kind: Literal["weibull", "piecewise_exponential"] = "weibull",
    states: Sequence[int] | None = None,
    segments: Sequence[int] | None = None,
    knots_months: Sequence[int] = (3, 12, 24, 60),
) -> ParametricFit:
    """Fit a parametric survival model to integer-weighted rows made from the counts.

    The likelihood of left-truncated times needs only entries and ends (``sum log h - sum H(end) + sum H(entry)``), so
    any pairing of them into rows gives the same fit; they are paired first in, first out.

    Args:
        counts: Day counts of the tenure axis.
        kind: Weibull, or constant hazards between `knots_months`.
        states: As in `tenure_curve`.
        segments: As in `tenure_curve`.
        knots_months: Inner breakpoints, months of tenure (judgement).
    """
    from lifelines import PiecewiseExponentialFitter, WeibullFitter
    from lifelines.exceptions import ConvergenceError, StatError

    curve = tenure_curve(counts, states=states, segments=segments)
    rows = _paired_rows(_day_table(counts, states, segments))
    knots = [float(month * DAYS_PER_MONTH) for month in knots_months]
    if curve.departures < len(knots) + 2 or not len(rows):
        return _failed(kind)
    start = None
    if kind == "piecewise_exponential":
        rows, knots = _interval_rows(rows, knots)
        days = np.bincount(np.searchsorted(knots, rows[:, 0], side="right"), (rows[:, 1] - rows[:, 0]) * rows[:, 3])
        start = days / rows[rows[:, 2] == 1, 3]  # days per departure: the maximum itself, which lifelines then confirms
    fitter = WeibullFitter() if kind == "weibull" or not knots else PiecewiseExponentialFitter(knots)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            fitter.fit(
                rows[:, 1],
                event_observed=rows[:, 2],
                entry=rows[:, 0],
                weights=rows[:, 3].astype(np.int64),
                initial_point=start,
            )
    except (ConvergenceError, StatError, ValueError, ZeroDivisionError, np.linalg.LinAlgError):
        return _failed(kind)
    return _judge_fit(fitter, kind, knots, curve)


def _failed(kind: Literal["weibull", "piecewise_exponential"]) -> ParametricFit:
    none, nan = np.zeros(0), float("nan")
    return ParametricFit(kind, "fit_failed", {}, none, none, nan, nan, nan, nan)


def _judge_fit(
    fitter: Any,  # noqa: ANN401  # lifelines publishes no types
    kind: Literal["weibull", "piecewise_exponential"],
    knots: list[float],
    curve: SurvivalCurve,
) -> ParametricFit:
    """Parameters that make sense, and the distance from Kaplan-Meier; a fit that is not finite has failed."""
    estimates = fitter.params_.to_numpy(dtype=float)
    errors = fitter.summary["se(coef)"].to_numpy(dtype=float)
    if not (np.isfinite(estimates).all() and np.isfinite(errors).all() and (estimates > 0).all()):
        return _failed(kind)
    hazard = fitter.cumulative_hazard_at_times(np.append(curve.days[:1], curve.days + 1)).to_numpy(dtype=float)
    estimate = np.exp(-(hazard[1:] - hazard[0]))
    seen = curve.at_risk >= 0.1 * curve.at_risk.max()
    gap = np.where(seen, np.abs(estimate - curve.estimate), 0.0)
    worst = int(np.argmax(gap))
    shape_lower = shape_upper = float("nan")
    if kind == "weibull":
        parameters = {"scale_days": float(estimates[0]), "shape": float(estimates[1])}
        z = float(special.ndtri(0.5 + INTERVAL_MASS / 2))
        shape_lower, shape_upper = (float(estimates[1] + sign * z * errors[1]) for sign in (-1, 1))
    else:
        starts = [0.0, *knots]
        parameters = {
            f"rate_from_{round(start)}": 365.25 / float(scale) for start, scale in zip(starts, estimates, strict=True)
        }
    return ParametricFit(
        kind,
        "fit_close" if gap[worst] <= CLOSE_GAP else "fit_off",
        parameters,
        curve.days,
        estimate,
        float(fitter.log_likelihood_),
        float(fitter.AIC_),
        float(gap[worst]),
        float(curve.days[worst]),
        shape_lower,
        shape_upper,
    )


def _paired_rows(table: _DayTable) -> FloatArray:
    """Rows (entry, duration, event, weight): entries paired with ends first in, first out.

    A customer at risk on days a to b of tenure, both included, has entry a and duration b + 1.
    """
    entered = np.cumsum(table.entered)
    kinds = np.column_stack([table.exited, table.ended - table.exited])  # departures of a day before its censorings
    ended = np.cumsum(kinds.ravel())
    cuts = np.unique(np.concatenate([[0], entered, ended]))
    weight = np.diff(cuts)
    if not len(weight):
        return np.zeros((0, 4))
    middle = cuts[:-1] + weight / 2
    entry = np.searchsorted(entered, middle)
    end = np.searchsorted(ended, middle)
    rows = np.column_stack([entry, end // 2 + 1, 1 - end % 2, weight])
    merged, place = np.unique(rows[:, :3], axis=0, return_inverse=True)
    total = np.bincount(place.ravel(), weights=rows[:, 3], minlength=len(merged))
    return np.column_stack([merged, total]).astype(np.float64)


def _interval_rows(rows: FloatArray, knots: list[float]) -> tuple[FloatArray, list[float]]:
    """Two rows per interval with its departures and its days at risk: all that a constant hazard can see.

    Knots that would leave an interval without a departure are dropped: its rate is not distinguishable from zero.
    """
    events = rows[rows[:, 2] == 1]
    kept: list[float] = []
    for knot in knots:
        start = kept[-1] if kept else 0.0
        inside = events[(events[:, 1] > start) & (events[:, 1] <= knot), 3].sum()
        beyond = events[events[:, 1] > knot, 3].sum()
        if inside > 0 and beyond > 0:
            kept.append(knot)
    made = []
    for start, end in zip([0.0, *kept], [*kept, np.inf], strict=True):
        days = float(((np.clip(rows[:, 1], start, end) - np.clip(rows[:, 0], start, end)) * rows[:, 3]).sum())
        departures = float(events[(events[:, 1] > start) & (events[:, 1] <= end), 3].sum())
        customers = max(departures, np.ceil(days / (end - start)), 1.0)
        stay = start + days / customers
        made += [(start, stay, 1.0, departures), (start, stay, 0.0, customers - departures)]
    return np.array([row for row in made if row[3] > 0]), kept
