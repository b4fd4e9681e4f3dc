"""Finds the months whose departures or complaints never reached the files: they look quiet, and are no evidence of quiet.

A file that begins at a migration lacks everybody who left before it; departures that are entered late are missing from the last months; one
month of an export can be empty. Read as evidence, such months force the silent ratio towards zero, so `reduce_tables` counts without them.

The rule, on the totals of the company. What a month should hold is its days at risk in each tenure band times the departures per day of that
band in the other months (complaints: its days at risk times the complaints per day). Growth, young customers and contracts that cannot end yet
are thereby accounted for. This level is lowered to the median of the other months, and to the same calendar month of another year where the
window holds one, so that a season is no gap.

- At either end a run of months leaves the window where its total is improbable beside the months that stay (`CHANCE`; two Poisson counts
  compared given their sum) and small: under half of the level at the beginning and under 0.6 at the end, 0.4 where no other year can speak for
  the season, and a quarter for runs longer than three months, for which a changed business is the likelier reason; a tenth for complaints,
  which vary more. Of all runs the most improbable one is taken. The next two months leave too while they hold under 0.8, because files seldom
  begin on the first.
- Between the ends, up to three months in a row stay in the window and are left out of the likelihood where each holds under a fifth
  (complaints: a tenth) of the level and they hold as little of what their neighbours let expect.

At least `LEAST_MONTHS` stay. All limits are judgement (grade D), set on simulated companies; how often the rule is right and wrong is in
docs/explanation/how-often-it-is-right.md.

References:
    Przyborowski, Wilenski (1940), Biometrika 31: two Poisson counts compared given their sum.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Literal

import numpy as np
from scipy.special import bdtr, pdtr

from iceberg.arrays import BoolArray, FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.findings.findings import UnrecordedMonths
from iceberg.cohort.window import ObservationWindow

LEAST_MONTHS = 4  # the fewest months that can say what a month should hold
CHANCE = 3e-4  # of a run at an end
CHANCE_INSIDE = 1e-4  # of one month between the ends: there are many to try
SHORT_RUN_MONTHS = 3  # departures that are entered later than that are no departures of this file
LONG_RUN = 0.25
PARTLY, PARTLY_MONTHS = 0.8, 2


@dataclass(frozen=True)
class _Limits:
    """Share of the level under which months are no evidence: runs at the beginning and at the end, without another year, inside."""

    before: float
    after: float
    without_season: float
    long: float
    inside: float


LIMITS = {
    "departures": _Limits(before=0.5, after=0.6, without_season=0.4, long=LONG_RUN, inside=0.2),
    "complaints": _Limits(before=0.1, after=0.1, without_season=0.1, long=0.1, inside=0.1),
}


def find_unrecorded_months(counts: CohortCounts) -> tuple[UnrecordedMonths, ...]:
    """The months of `counts` that are no evidence, by the rule of this module; none without customers or without a calendar."""
    if not counts.has_customers or not counts.has_calendar:
        return ()
    at_risk = counts.person_days.sum(axis=0).astype(np.float64)
    departures = (counts.silent_exits + counts.vocal_exits).sum(axis=0).astype(np.float64)
    runs = _of_one_kind(counts.months, "departures", _Series(departures, at_risk))
    if counts.complaints.any():
        complaints = _Series(counts.complaints.sum(axis=0).astype(np.float64)[:, None], at_risk.sum(axis=1, keepdims=True))
        runs += _of_one_kind(counts.months, "complaints", complaints)
    return tuple(runs)


def window_without(window: ObservationWindow, unrecorded: Sequence[UnrecordedMonths]) -> ObservationWindow | None:
    """The window without the months at its ends that are no evidence; None where nothing would be left."""
    since = max((run.following for run in unrecorded if run.place == "before"), default=window.since)
    as_of = min((run.first - timedelta(days=1) for run in unrecorded if run.place == "after"), default=window.as_of)
    since, as_of = max(since, window.since), min(as_of, window.as_of)
    return replace(window, since=since, as_of=as_of) if since <= as_of else None


def reduce_recorded(
    reduce: Callable[[ObservationWindow], CohortCounts], window: ObservationWindow, *, keep_months: bool
) -> CohortCounts:
    """Counts of the months that are evidence; with `keep_months` of all, which say so.

    Args:
        reduce: Counts inside a window.
        window: Days asked for.
        keep_months: Whether the user says that these months are complete.
    """
    counts = reduce(window)
    unrecorded = find_unrecorded_months(counts)
    if not unrecorded:
        return counts
    if keep_months:
        return replace(counts, unrecorded=tuple(replace(run, overruled=True) for run in unrecorded))
    shorter = window_without(window, unrecorded)
    if shorter is None:
        return counts
    reported = [run for run in unrecorded if run.place != "inside" or shorter.since <= run.first <= shorter.as_of]
    return replace(counts if shorter == window else reduce(shorter), unrecorded=tuple(reported), mass_end=counts.mass_end)


@dataclass(frozen=True, eq=False)
class _Series:
    """Events and days at risk, (M, B)."""

    events: FloatArray
    at_risk: FloatArray

    def level(self, others: BoolArray) -> tuple[FloatArray, BoolArray]:
        """(M,) events that the months `others` let expect, and whether another year speaks for the season of a month."""
        rate = self.events[others].sum(axis=0) / np.maximum(self.at_risk[others].sum(axis=0), 1.0)
        expected = self.at_risk @ rate
        seen = self.events.sum(axis=1)
        usual = np.divide(seen, expected, out=np.zeros_like(seen), where=expected > 0)
        lowest = np.full(len(seen), min(1.0, float(np.median(usual[others]))))
        by_season = np.zeros(len(seen), dtype=np.bool_)
        smooth = (seen + 1) / (expected + 1)
        for month in range(len(seen)):
            years = [other for other in range(month % 12, len(seen), 12) if other != month and others[other]]
            if years:
                by_season[month] = True
                lowest[month] = min(lowest[month], *smooth[years])
        return np.asarray(expected * lowest), by_season


def _of_one_kind(months: tuple[date, ...], what: Literal["departures", "complaints"], series: _Series) -> list[UnrecordedMonths]:
    limits, size = LIMITS[what], len(months)
    used = np.ones(size, dtype=np.bool_)
    backwards = _Series(series.events[::-1], series.at_risk[::-1])
    before = _run(series, used, limits.before, limits)
    used[:before] = False
    after = _run(backwards, used[::-1], limits.after, limits)
    used[size - after :] = False
    runs = []
    if before:
        runs.append(UnrecordedMonths(what, "before", months[0], months[before - 1]))
    runs += [UnrecordedMonths(what, "inside", months[first], months[last]) for first, last in _empty_inside(series, used, limits.inside)]
    if after:
        runs.append(UnrecordedMonths(what, "after", months[size - after], months[-1]))
    return runs


def _run(series: _Series, used: BoolArray, limit: float, limits: _Limits) -> int:
    """Length of the run at the beginning that is no evidence, 0 for none."""
    seen = series.events.sum(axis=1)
    longest_allowed = int(used.sum()) - LEAST_MONTHS
    run, most, most_of_any, length_of_any = 0, 0.0, 0.0, 0
    expected = np.zeros(len(seen))
    for length in range(1, longest_allowed + 1):
        others = used.copy()
        others[:length] = False
        level, by_season = series.level(others)
        total, due, elsewhere = int(seen[:length].sum()), float(level[:length].sum()), int(seen[others].sum())
        if total >= due:
            continue
        surprise = due - total + (total * np.log(total / due) if total else 0.0)
        if surprise > most_of_any:
            most_of_any, length_of_any = surprise, length
        small = limit if by_season[:length].all() else min(limit, limits.without_season)
        small = small if length <= SHORT_RUN_MONTHS else min(small, limits.long)
        improbable = bdtr(total, total + elsewhere, due / (due + elsewhere)) < CHANCE
        if improbable and total < small * due and surprise > most:
            run, most, expected = length, surprise, level
    if length_of_any > max(run, SHORT_RUN_MONTHS):
        return 0  # the change lies further in and is too small for a gap: the business changed
    last = min(run + PARTLY_MONTHS, longest_allowed)
    while 0 < run < last and seen[run] < PARTLY * expected[run]:
        run += 1
    return run


def _empty_inside(series: _Series, used: BoolArray, limit: float) -> list[tuple[int, int]]:
    """First and last month of each short run between the ends that holds far less than the others and than its neighbours."""
    seen, at_risk = series.events.sum(axis=1), series.at_risk.sum(axis=1)
    inside = np.flatnonzero(used)[1:-1]
    empty = np.zeros(len(used), dtype=np.bool_)
    for month in inside:
        others = used.copy()
        others[month] = False
        if others.sum() >= LEAST_MONTHS:
            due = float(series.level(others)[0][month])
            empty[month] = seen[month] < limit * due and pdtr(seen[month], due) < CHANCE_INSIDE
    runs = []
    for first in inside[empty[inside] & ~empty[inside - 1]]:
        last = first
        while empty[last + 1]:
            last += 1
        beside = min(seen[neighbour] / max(at_risk[neighbour], 1.0) for neighbour in (first - 1, last + 1)) * at_risk[first : last + 1].sum()
        if last - first < SHORT_RUN_MONTHS and seen[first : last + 1].sum() < limit * beside:
            runs.append((int(first), int(last)))
    return runs
