"""Estimates the net survival after a complaint: complainers against never-complainers of the same kind and time.

Complainers are observed on the clock since their complaint; their expected hazard is that of never-complainers in the
Lexis cells they pass through, averaged over those still at risk (Ederer II). Everything comes from counts.

References: Ederer, Heise 1959; Perme, Stare, Esteve 2012; Dickman et al. 2004.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from iceberg.arrays import FloatArray, IntArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import ANY_CATEGORY, ComplaintClockCounts
from iceberg.model.results import INTERVAL_MASS
from iceberg.model.survival.curves import SurvivalCurve
from iceberg.model.survival.excess_posterior import ExcessPosterior, combine_excess, prior_excess

DAYS_PER_MONTH = 365.25 / 12
# Judgements, each small beside real data:
PRIOR_EVENTS = 1.0  # events' worth of belief, over the whole horizon, that complainers leave like the others
BETWEEN_CATEGORY_SD = 0.10  # how much q differs between categories of one company
SILENT_VS_VOCAL_SD = 0.10  # how far the silent may differ from those who complained, on the scale of q
DELAY_PRIOR_DAYS, DELAY_PRIOR_EVENTS = 60.0, 10.0  # exponential delay from problem to departure, and what it weighs


@dataclass(frozen=True, eq=False)
class NetSurvival:
    """Complainers of one category against their matched expectation, at the right edges of the clock's bins.

    Attributes:
        category: Name, or "" for the first complaint of any category.
        observed: Share still here, by days since the complaint (from 0), with its band.
        expected: Share that would still be here had they left like never-complainers; no band (many customers).
        net: observed / expected.
        edges_days: float64 (J,) lower edges of the clock's bins.
        leavers, expected_leavers: float64 (J,) departures of complainers in each bin, and those expected of never-complainers.
        complainants, departures: Totals on the clock.
    """

    category: str
    observed: SurvivalCurve
    expected: SurvivalCurve
    net: SurvivalCurve
    edges_days: FloatArray
    leavers: FloatArray
    expected_leavers: FloatArray
    complainants: int
    departures: int


@dataclass(frozen=True, eq=False)
class _SurvivalClock:
    """One category on its clock: (J,) arrays."""

    width_days: FloatArray
    exits: FloatArray
    person_days: FloatArray
    expected_hazard: FloatArray
    at_risk: IntArray


def silent_hazard(counts: CohortCounts) -> FloatArray:
    """Daily hazard of never-complainers per Lexis cell, thin cells shrunk towards segment x month x tenure effects.

    Returns:
        float64 (S, M, B). Cells are gamma-shrunk towards a multiplicative model; how strongly is learned from their spread around it.
    """
    exits, days = counts.silent_exits.astype(np.float64), counts.silent_person_days.astype(np.float64)
    fitted = np.full(exits.shape, (exits.sum() + 0.5) / max(days.sum(), 1.0))
    for _ in range(12):
        for axes in ((1, 2), (0, 2), (0, 1)):
            # Half an expected departure of belief in "no effect" keeps empty margins finite.
            effect = (exits.sum(axis=axes, keepdims=True) + 0.5) / ((fitted * days).sum(axis=axes, keepdims=True) + 0.5)
            fitted = fitted * effect
    mean = fitted * days
    extra = float(((exits - mean) ** 2 - mean).sum() / max(float((mean**2).sum()), 1e-9))
    belief = 1 / min(max(extra, 0.01), 1.0)
    return np.asarray((exits + belief) / (days + belief / fitted), dtype=np.float64)


def clock_of(
    counts: CohortCounts, category: int, matched: FloatArray, source: ComplaintClockCounts | None = None
) -> _SurvivalClock:
    """Observed exits and person-days of one category, and its matched expected hazard, per bin of the clock.

    `source` is the clock since the first complaint, or `ObservedSilence.clock`: silent sufferers since their incident.
    """
    source = counts.clock if source is None else source
    rows = np.flatnonzero(source.category == category)
    width = clock_widths(counts)
    bins = len(width)
    cell = np.ravel_multi_index((source.segment[rows], source.month[rows], source.band[rows]), matched.shape[:3])
    cells, place = np.unique(cell, return_inverse=True)
    exits, censored, partial = (
        np.bincount(place * bins + source.clock[rows], weights=column[rows], minlength=len(cells) * bins).reshape(
            -1, bins
        )
        for column in (source.exited, source.censored, source.days_in_bin)
    )
    ended = exits + censored
    passing = ended[:, ::-1].cumsum(axis=1)[:, ::-1] - ended  # who outlives the bin; nobody outlives the last
    person_days = partial + passing * width
    total = person_days.sum(axis=0)
    of_cells = matched.reshape(-1, bins)[cells]
    plain = matched.reshape(-1, bins).mean(axis=0)
    expected = np.divide((person_days * of_cells).sum(axis=0), total, out=plain, where=total > 0)
    at_risk = ended.sum(axis=0)[::-1].cumsum()[::-1].astype(np.int64)
    return _SurvivalClock(width, exits.sum(axis=0), total, expected, at_risk)


def clock_widths(counts: CohortCounts) -> FloatArray:
    """Days in each bin of the complaint clock; the open bin reaches to the length of the window."""
    edges = np.asarray(counts.clock_edges_days, dtype=np.float64)
    return np.append(np.diff(edges), max(counts.window.days - edges[-1], 1.0))


def matched_hazard(counts: CohortCounts) -> FloatArray:
    """Hazard of never-complainers where a complainer of each cell stands at the middle of each bin of the clock.

    Where in its month and tenure band a complaint fell is not in the counts: averaged over four points of the band and two of the month.

    Args:
        counts: Linked complaints and customers.

    Returns:
        float64 (S, M, B, J) per day.
    """
    hazard = silent_hazard(counts)
    _, months, bands = counts.shape
    lower = np.asarray(counts.band_edges_months, dtype=np.float64)
    width = np.append(np.diff(lower), 24.0)  # judgement: the open band counts as two years
    bins = clock_widths(counts)
    later = (np.cumsum(bins) - bins / 2) / DAYS_PER_MONTH
    # Renewals are narrow: more points are needed where they have bands of their own.
    points = 4 if counts.renewals is None or not counts.renewals.modelled else 24
    places = (np.arange(points) + 0.5) / points
    matched = np.empty((*counts.shape, len(bins)))
    for number, passed in enumerate(later):
        by_month, by_band = np.zeros((months, months)), np.zeros((bands, bands))
        for within in (0.25, 0.75):
            by_month[np.arange(months), np.minimum(np.arange(months) + int(within + passed), months - 1)] += 0.5
        for within in places:
            reached = np.searchsorted(lower, lower + within * width + passed, side="right") - 1
            by_band[np.arange(bands), reached] += 1 / len(places)
        matched[..., number] = by_month @ hazard @ by_band.T
    return matched


def hazard_draws(clock: _SurvivalClock, rng: np.random.Generator, draws: int) -> FloatArray:
    """(draws, J) gamma posterior of the bins' hazards, with `PRIOR_EVENTS` of belief in the expected hazard in all."""
    belief = PRIOR_EVENTS / len(clock.width_days)
    scale = clock.person_days + belief / np.maximum(clock.expected_hazard, 1e-12)
    return rng.standard_gamma(clock.exits + belief, (draws, len(scale))) / scale


def excess_draws(
    counts: CohortCounts,
    category: int,
    matched: FloatArray,
    rng: np.random.Generator,
    *,
    horizon_days: int,
    source: ComplaintClockCounts | None = None,
    draws: int = 4_000,
) -> FloatArray:
    """Share who left within the horizon beyond what matched never-complainers do: expected minus observed survival, as a share of the expected.

    Args:
        counts: Linked complaints and customers.
        category: As in `clock_of`.
        matched: `matched_hazard` of the same counts.
        rng: For the draws.
        horizon_days: Days after the complaint.
        source: Another clock.
        draws: How many.

    Returns:
        float64 (draws,); below 0 where fewer left than expected.
    """
    clock = clock_of(counts, category, matched, source)
    within = days_before(clock.width_days, horizon_days)
    more = (hazard_draws(clock, rng, draws) - clock.expected_hazard) @ within
    return np.asarray(-np.expm1(-more), dtype=np.float64)


def net_survival(
    counts: CohortCounts, *, category: int, rng: np.random.Generator, source: ComplaintClockCounts | None = None
) -> NetSurvival:
    """Survival of complainers since the complaint, expected survival of matched never-complainers, and their ratio.

    Args:
        counts: Linked complaints are needed; without them everything is 1 and nobody is at risk.
        category: Index, or `ANY_CATEGORY` for the first complaint of all.
        rng: For the bands.
        source: Another clock, such as `ObservedSilence.clock`; that of the complainers where None.

    References:
        Ederer, Heise 1959 (expected survival of those still at risk).
    """
    clock = clock_of(counts, category, matched_hazard(counts), source)
    days = np.append(0.0, np.cumsum(clock.width_days))
    hazard = np.divide(clock.exits, clock.person_days, out=np.zeros_like(clock.exits), where=clock.person_days > 0)
    observed = _survival(hazard[None], clock.width_days)[0]
    expected = _survival(clock.expected_hazard[None], clock.width_days)[0]
    drawn = _survival(hazard_draws(clock, rng, 1000), clock.width_days)
    low, high = np.quantile(drawn, [0.5 - INTERVAL_MASS / 2, 0.5 + INTERVAL_MASS / 2], axis=0)
    lower, upper = np.minimum(low, observed), np.maximum(high, observed)
    at_risk = np.append(clock.at_risk, 0)
    complainants, departures = int(clock.at_risk[0]), int(clock.exits.sum())

    def curve(middle: FloatArray, below: FloatArray, above: FloatArray) -> SurvivalCurve:
        return SurvivalCurve(days, middle, below, above, at_risk, departures, complainants)

    return NetSurvival(
        counts.categories[category] if category >= 0 else "",
        curve(observed, lower, upper),
        curve(expected, expected, expected),
        curve(observed / expected, lower / expected, upper / expected),
        np.asarray(counts.clock_edges_days, dtype=np.float64),
        clock.exits,
        clock.person_days * clock.expected_hazard,
        complainants,
        departures,
    )


@dataclass(frozen=True, eq=False)
class TenureProfile:
    """Where in a customer's life a problem strikes: complainants per time at risk, by tenure band.

    Attributes:
        category: Name, or "" for all.
        complainants: int64 (B,).
        person_days: int64 (B,) days at risk of customers who have not complained.
    """

    category: str
    complainants: IntArray
    person_days: IntArray


def tenure_profile(counts: CohortCounts, *, category: int) -> TenureProfile:
    """Complainants of a category (or of any: `ANY_CATEGORY`) and days at risk by tenure band."""
    heard = counts.complainants_any if category == ANY_CATEGORY else counts.complainants[category]
    name = counts.categories[category] if category >= 0 else ""
    return TenureProfile(name, heard.sum(axis=(0, 1)), counts.silent_person_days.sum(axis=(0, 1)))


def _survival(hazard: FloatArray, width_days: FloatArray) -> FloatArray:
    """(draws, J + 1) from daily hazards."""
    cumulative = np.cumsum(hazard * width_days, axis=1)
    return np.asarray(np.exp(-np.concatenate([np.zeros((len(hazard), 1)), cumulative], axis=1)), dtype=np.float64)


def days_before(width_days: FloatArray, horizon_days: int) -> FloatArray:
    """Days of each bin that lie within the horizon."""
    right = np.cumsum(width_days)
    return np.asarray(np.clip(horizon_days - (right - width_days), 0.0, width_days), dtype=np.float64)


def pooled_excess(
    counts: CohortCounts, *, horizon_days: int, matched: FloatArray | None = None
) -> tuple[ExcessPosterior, ...]:
    """q_c per category: complainers' own excess, shrunk to all complainers', and that to the evidence prior.

    Normal approximations throughout, in three steps: the evidence prior (PERT, its mean and sd) meets the excess of
    all complainers; categories lie around the result with `BETWEEN_CATEGORY_SD`; each meets the excess of its own
    complainers. `SILENT_VS_VOCAL_SD` is added at the end, because it is the silent who are asked about.
    """
    held = matched_hazard(counts) if matched is None else matched
    prior_mean, prior_sd = prior_excess()
    everyone = clock_of(counts, ANY_CATEGORY, held)
    pool_mean, pool_sd = _meet(prior_mean, prior_sd, everyone, horizon_days)
    posteriors = []
    for index in range(len(counts.categories)):
        own = clock_of(counts, index, held)
        mean, sd = _meet(pool_mean, float(np.hypot(pool_sd, BETWEEN_CATEGORY_SD)), own, horizon_days)
        posteriors.append(ExcessPosterior(mean, float(np.hypot(sd, SILENT_VS_VOCAL_SD)), int(own.at_risk[0])))
    return tuple(posteriors)


def observed_excess(
    counts: CohortCounts,
    assumed: Sequence[ExcessPosterior],
    *,
    horizon_days: int,
    matched: FloatArray | None = None,
) -> tuple[ExcessPosterior, ...]:
    """q_c of the silent, seen: customers with an incident who said nothing, against matched never-complainers.

    What complainers suggest (`assumed`, from `pooled_excess`) is the prior; it is all there is where no incident was
    logged. Ederer II on the clock since the incident, as for complainers on the clock since the complaint.
    """
    if counts.observed is None or not counts.observed.clock.rows:
        return tuple(assumed)
    held = matched_hazard(counts) if matched is None else matched
    seen = []
    for index, one in enumerate(assumed):
        clock = clock_of(counts, index, held, counts.observed.clock)
        mean, sd = _meet(one.location, one.sd, clock, horizon_days)
        seen.append(ExcessPosterior(mean, sd, int(clock.at_risk[0]) or one.complainants))
    return tuple(seen)


def _meet(mean: float, sd: float, clock: _SurvivalClock, horizon_days: int) -> tuple[float, float]:
    """Normal prior times normal likelihood of the excess; without complainers there is no likelihood.

    The likelihood's variance is binomial in complainers followed for the whole horizon, at a probability of leaving
    that is itself pulled to the prior's: three complainers who stayed do not prove that nobody leaves.
    """
    within = days_before(clock.width_days, horizon_days)
    followed = float(clock.person_days[within > 0].sum()) / max(float(within.sum()), 1.0)
    if clock.at_risk[0] == 0 or followed <= 0:
        return mean, sd
    hazard = np.divide(clock.exits, clock.person_days, out=clock.expected_hazard.copy(), where=clock.person_days > 0)
    stay, expected_stay = (float(np.exp(-(rate @ within))) for rate in (hazard, clock.expected_hazard))
    return combine_excess(mean, sd, followed=followed, stay=stay, expected_stay=expected_stay)


def delay_by_month(counts: CohortCounts, *, horizon_days: int, matched: FloatArray | None = None) -> FloatArray:
    """Share of caused departures that fall 0, 1, 2, ... months after the problem; vocal leavers net of natural ones.

    Returns:
        float64 (lags,), summing to 1, lags up to the horizon. Few complainers: close to an exponential delay of `DELAY_PRIOR_DAYS`.
    """
    clock = clock_of(counts, ANY_CATEGORY, matched_hazard(counts) if matched is None else matched)
    within = days_before(clock.width_days, horizon_days)
    right = np.cumsum(within)
    left = right - within
    belief = np.exp(-left / DELAY_PRIOR_DAYS) - np.exp(-right / DELAY_PRIOR_DAYS)
    caused = np.maximum(clock.exits - clock.person_days * clock.expected_hazard, 0.0)
    share = np.divide(within, clock.width_days)
    risk = np.maximum(clock.at_risk / max(int(clock.at_risk[0]), 1), 0.05)
    weight = caused * share / risk + DELAY_PRIOR_EVENTS * belief / belief.sum()
    lags = np.zeros(int(np.ceil(horizon_days / DAYS_PER_MONTH)) + 1)
    for low, high, mass in zip(left, right, weight, strict=True):
        # A problem falls on any day of its month: half of a delay of d days spills into the next month when d is half a month.
        position = (low + high) / 2 / DAYS_PER_MONTH
        month = int(position)
        lags[month] += mass * (1 - (position - month))
        lags[min(month + 1, len(lags) - 1)] += mass * (position - month)
    return np.asarray(lags / lags.sum(), dtype=np.float64)
