"""The changes that the user names, on the axes of the counts: what share of each month lies before them, and by how much they change the records."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.findings.findings import RecordingChange
from iceberg.model.recording.series import read_rates

LOG_FACTOR_SD = 1.0  # judgement, grade D: before the data speak, a change is a factor of up to 5 either way


def changes_inside(counts: CohortCounts) -> tuple[RecordingChange, ...]:
    """The changes named by the user that divide the window; the others leave nothing to take out."""
    window = counts.window
    named = sorted(set(counts.recording_changes or ()))
    return tuple(one for one in named if window.since < one.day <= window.as_of and one.category in {"", *counts.categories} and counts.has_calendar)


def shares_before(counts: CohortCounts, changes: tuple[RecordingChange, ...] | None = None) -> FloatArray:
    """(L, C, M) share of each month's days in the window that lies before a change (all named ones inside it), where it is one of the category."""
    changes = changes_inside(counts) if changes is None else changes
    shares = np.zeros((len(changes), len(counts.categories), len(counts.months)))
    for place, change in enumerate(changes):
        mine = [change.category in ("", name) for name in counts.categories]
        shares[place, mine] = [_share_before(month, change.day, counts) for month in counts.months]
    return shares


def _share_before(month: date, day: date, counts: CohortCounts) -> float:
    first = max(month, counts.window.since)
    following = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
    last = min(following, counts.window.as_of + timedelta(days=1))
    return min(max((day - first).days / (last - first).days, 0.0), 1.0)


def draw_factors(counts: CohortCounts, *, rng: np.random.Generator, draws: int) -> RecordingFactors | None:
    """Draws of the log factors from the complaints alone, where no model of the departures holds them; None without a change.

    Each is the step of `iceberg.model.recording.series` at the day that was named, beside the others, times its prior.
    """
    changes = changes_inside(counts)
    if not changes:
        return None
    rates, drawn = read_rates(counts), []
    places = np.array([place_of(counts, change.day) for change in changes])
    for number, change in enumerate(changes):
        series = rates.of(change.category) if len(rates.groups) else None
        size, precision = 0.0, LOG_FACTOR_SD**-2
        if series is not None:
            others = [place for other, place in enumerate(places) if other != number and changes[other].category in ("", change.category)]
            fitted = series.fit(places[number : number + 1], np.array(others))
            size, precision = float(fitted.size[0] / fitted.sd[0] ** 2), precision + float(fitted.sd[0] ** -2)
        drawn.append(size / precision + precision**-0.5 * rng.standard_normal(draws))
    return RecordingFactors(changes, np.stack(drawn, axis=1), shares_before(counts))


def place_of(counts: CohortCounts, day: date) -> float:
    """Where a day lies on the month axis, in months from the beginning of the first month."""
    month = day.replace(day=1)
    following = (month.replace(day=28) + timedelta(days=4)).replace(day=1)
    return counts.months.index(month) + (day - month).days / (following - month).days


@dataclass(frozen=True, eq=False)
class RecordingFactors:
    """Draws of what the changes named by the user did.

    Attributes:
        changes: Those inside the window.
        log_factor: (K, L) log of complaints recorded after over before.
        before: (L, C, M) from `shares_before`.
    """

    changes: tuple[RecordingChange, ...]
    log_factor: FloatArray
    before: FloatArray

    @property
    def typical(self) -> FloatArray:
        """(C, M) how many complaints today's recording would have for one that was recorded, in the median."""
        return np.asarray(np.exp(np.einsum("l,lcm->cm", np.median(self.log_factor, axis=0), self.before)))

    def inflation(self, recorded: FloatArray) -> FloatArray:
        """(K, C) how many times as many complaints today's recording would have had, given (C, M) as recorded; 1 where there are none."""
        total = recorded.sum(axis=1)
        by_draw = np.exp(np.einsum("kl,lcm->kcm", self.log_factor, self.before))
        return np.where(total > 0, (by_draw * recorded).sum(axis=2) / np.maximum(total, 1e-12), 1.0)
