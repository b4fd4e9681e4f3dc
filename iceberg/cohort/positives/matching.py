"""Sets customers after a good moment beside customers of the same stratum: arithmetic on counts of customers."""

from __future__ import annotations

from calendar import monthrange
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from iceberg.arrays import BoolArray, FloatArray, IntArray
from iceberg.cohort.positives.positive_counts import EVERY_KIND, JUST_BEFORE, LONG_BEFORE, BandFollowed, FollowedMonth, VisitsBefore

FOLLOWED_MONTHS = 12  # judgement, grade D: half a year in which a moment may still work, and half a year in which it hardly does
LEAST_MATCHED = 5  # judgement: fewer customers without a moment make no stratum
_DECIMALS = 9


@dataclass(frozen=True)
class Matched:
    """What `PositiveCounts` holds of customers; see there."""

    months: tuple[FollowedMonth, ...]
    bands: tuple[BandFollowed, ...]
    before: tuple[VisitsBefore, ...]
    customers: tuple[tuple[int, int, int], ...]
    unmatched: int


def match_moments(cells: Mapping[str, IntArray], *, kinds: int, people: int, leavers: int) -> Matched:
    """Expected departures of customers after a moment, at the rate of those of their stratum without one.

    A stratum expects ``at risk x departures of matched / time of matched`` in each month. Its variance is that of the departures it rests on; a
    customer without a moment is compared in several months, so that variances are multiplied by how often each departure counts on average (no
    smaller than the true one, by Cauchy and Schwarz, where all weigh alike).

    Args:
        cells: Columns segment, month, band, engagement, complained, touched, kind, followed, how, customers; and of visits old, earlier,
            earlier_squares, fresh, now, now_squares, elapsed, elapsed_squares. A row per cell.
        kinds: How many there are.
        people: Customers without a moment, each once.
        leavers: Of them, who left while they were compared, each once.
    """
    names = ("segment", "month", "band", "engagement", "complained")
    strata, of = np.unique(np.stack([cells[name] for name in names], axis=1), axis=0, return_inverse=True)
    of = of.reshape(-1)
    size, touched = len(strata), cells["touched"] == 1

    def number(chosen: BoolArray, what: str = "customers") -> IntArray:
        return np.bincount(of[chosen], weights=cells[what][chosen], minlength=size).astype(np.int64)

    alike, moments = number(~touched), number(touched)
    matched = alike >= LEAST_MATCHED
    time, gone = _followed(cells, of, ~touched, size)
    known = (time > 0) & matched[:, None]
    rate = np.divide(gone, time, out=np.zeros(time.shape), where=known)
    repeats = max(float(gone.sum()) / leavers, 1.0) if leavers else 1.0
    months: list[FollowedMonth] = []
    customers: list[tuple[int, int, int]] = []
    bands: list[BandFollowed] = []
    segments = strata[:, 0]
    for kind in (EVERY_KIND, *range(kinds)):
        chosen = touched if kind == EVERY_KIND else touched & (cells["kind"] == kind)
        at_risk, left = _followed(cells, of, chosen, size)
        at_risk, left = np.where(known, at_risk, 0), np.where(known, left, 0)
        expected = at_risk * rate
        variance = repeats * np.divide(at_risk * expected, time, out=np.zeros(time.shape), where=known)
        for segment in np.unique(segments):
            own = segments == segment
            sums = zip(*(part[own].sum(axis=0).tolist() for part in (at_risk, left, expected, variance)), strict=True)
            months += [
                FollowedMonth(int(segment), kind, month, int(time_), int(left_), round(mean, _DECIMALS), round(spread, _DECIMALS))
                for month, (time_, left_, mean, spread) in enumerate(sums)
                if time_
            ]
            followed = int(number(chosen)[own & matched].sum())
            if kind >= 0 and followed:
                customers.append((int(segment), kind, followed))
        if kind == EVERY_KIND:
            bands = _bands(strata, np.where(matched, moments, 0), np.where(matched, alike, 0), left.sum(axis=1), expected.sum(axis=1))
    before = _before(cells, of, strata, matched, kinds=kinds, repeats=max(float(alike.sum()) / people, 1.0) if people else 1.0)
    return Matched(tuple(months), tuple(bands), before, tuple(customers), int(moments[~matched].sum()))


def _followed(cells: Mapping[str, IntArray], of: IntArray, chosen: BoolArray, size: int) -> tuple[IntArray, IntArray]:
    """Half months at risk and departures by stratum and month; a month in which a customer leaves or has a moment counts half."""
    last, how, customers = cells["followed"][chosen], cells["how"][chosen], cells["customers"][chosen]
    ends, left = np.zeros((size, FOLLOWED_MONTHS + 1), dtype=np.int64), np.zeros((size, FOLLOWED_MONTHS), dtype=np.int64)
    stays = np.zeros((size, FOLLOWED_MONTHS + 1), dtype=np.int64)
    np.add.at(stays, (of[chosen], last), customers)
    cut = how > 0
    np.add.at(ends, (of[chosen][cut], last[cut]), customers[cut])
    gone = how == 1
    np.add.at(left, (of[chosen][gone], last[gone]), customers[gone])
    full = stays[:, ::-1].cumsum(axis=1)[:, ::-1][:, 1:]  # followed past the month
    return 2 * full + ends[:, :-1], left


def _bands(strata: IntArray, moments: IntArray, alike: IntArray, left: IntArray, expected: FloatArray) -> list[BandFollowed]:
    """By segment and band of engagement."""
    found = []
    for segment, band in np.unique(strata[:, [0, 3]], axis=0).tolist():
        own = (strata[:, 0] == segment) & (strata[:, 3] == band)
        if moments[own].sum():
            sums = (int(moments[own].sum()), int(alike[own].sum()), int(left[own].sum()), round(float(expected[own].sum()), _DECIMALS))
            found.append(BandFollowed(segment, band, *sums))
    return found


@dataclass(frozen=True, eq=False)
class _Visits:
    """Visits of a period, by stratum, of customers without a moment.

    Attributes:
        number, mean, spread: (N,) customers seen, mean days with a visit, and their variance.
        known: (N,) where there are enough.
    """

    number: IntArray
    mean: FloatArray
    spread: FloatArray
    known: BoolArray


def _before(
    cells: Mapping[str, IntArray], of: IntArray, strata: IntArray, matched: BoolArray, *, kinds: int, repeats: float
) -> tuple[VisitsBefore, ...]:
    """Visits that do not make the bands, beside those of matched customers: equal, where bands show all that matters.

    Of the month of the moment a customer has only the part f before it. Visits of a part vary as if each fell into it by chance: by
    ``f (1 - f) mean + f^2 variance`` (the law of total variance).
    """
    size, touched = len(strata), cells["touched"] == 1

    def add(chosen: BoolArray, name: str) -> FloatArray:
        return np.bincount(of[chosen], weights=cells[name][chosen], minlength=size).astype(np.float64)

    def others(number: str, visits: str) -> _Visits:
        people, days, squares = (add(~touched, name) for name in (number, visits, f"{visits}_squares"))
        known = matched & (people >= LEAST_MATCHED)
        mean = np.divide(days, people, out=np.zeros(size), where=known)
        spread = np.divide(squares - mean * days, people - 1, out=np.zeros(size), where=known)
        return _Visits(people.astype(np.int64), mean, spread, known)

    lengths = np.array([monthrange(month // 12, month % 12 + 1)[1] for month in strata[:, 1].tolist()], dtype=np.float64)
    found = []
    for kind in (EVERY_KIND, *range(kinds)):
        chosen = touched if kind == EVERY_KIND else touched & (cells["kind"] == kind)
        moments, fresh = add(chosen, "old"), add(chosen, "fresh")
        parts, part_squares = add(chosen, "elapsed") / lengths, add(chosen, "elapsed_squares") / lengths**2
        for period, people, part, squares, alike, visits in (
            (LONG_BEFORE, moments, moments, moments, others("old", "earlier"), add(chosen, "earlier")),
            (JUST_BEFORE, fresh, parts, part_squares, others("fresh", "now"), add(chosen, "now")),
        ):
            shared = np.divide(part**2, alike.number, out=np.zeros(size), where=alike.known)
            variance = (part - squares) * alike.mean + (squares + repeats * shared) * alike.spread
            for segment in np.unique(strata[:, 0]):
                own = (strata[:, 0] == segment) & alike.known
                if people[own].sum():
                    expected, spread = (round(float(one[own].sum()), _DECIMALS) for one in (part * alike.mean, variance))
                    found.append(VisitsBefore(int(segment), kind, period, int(people[own].sum()), int(visits[own].sum()), expected, spread))
    return tuple(found)
