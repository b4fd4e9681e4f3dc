"""Counts straight from simulated frames with numpy: a second way to `CohortCounts` that shares no code with the SQL."""

from __future__ import annotations

from datetime import date

import numpy as np

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import ComplaintClockCounts, TenureDayCounts
from iceberg.cohort.window import DEFAULT_BAND_EDGES_MONTHS, DEFAULT_CLOCK_EDGES_DAYS, ObservationWindow
from iceberg.simulation.company import SimulatedCompany

LATE = 10**6


def count_directly(company: SimulatedCompany, *, band_edges_months: tuple[int, ...] = DEFAULT_BAND_EDGES_MONTHS) -> CohortCounts:
    """What `reduce_tables` should say about this company, in these tenure bands."""
    window = ObservationWindow(date.fromisoformat(company.truth["since"]), date.fromisoformat(company.truth["as_of"]))
    people = _People(company, window)
    edges = np.array(band_edges_months)
    segments, categories = people.segments, people.categories
    shape = (len(segments), len(window.months), len(edges))
    vocal = people.first_any <= people.last
    silent_end = np.where(vocal, people.first_any - 1, people.last)
    silent_days = _person_days(people, people.low, silent_end, window, edges, shape)
    vocal_days = _person_days(people, np.maximum(people.low, people.first_any), people.last, window, edges, shape)
    quiet, spoke = people.left & ~vocal, people.left & vocal
    cell = people.cell(people.last, window, edges, shape)
    size = int(np.prod(shape))
    known = quiet & np.isfinite(people.revenue)
    complainants = np.zeros((len(categories), *shape), dtype=np.int64)
    for number in range(len(categories)):
        has = people.first[number] <= people.last
        where = people.cell(people.first[number], window, edges, shape)[has]
        complainants[number] = np.bincount(where, minlength=size).reshape(shape)
    any_cell = people.cell(people.first_any, window, edges, shape)[vocal]
    return CohortCounts(
        window=window,
        segments=tuple(segments),
        categories=tuple(categories),
        band_edges_months=band_edges_months,
        silent_person_days=silent_days,
        silent_exits=np.bincount(cell[quiet], minlength=size).reshape(shape),
        silent_exit_revenue=np.bincount(cell[known], weights=people.revenue[known], minlength=size).reshape(shape),
        silent_exit_revenue_known=np.bincount(cell[known], minlength=size).reshape(shape),
        vocal_person_days=vocal_days,
        vocal_exits=np.bincount(cell[spoke], minlength=size).reshape(shape),
        complainants=complainants,
        complainants_any=np.bincount(any_cell, minlength=size).reshape(shape),
        complaints=people.complaints,
        tenure_days=_tenure_days(people, silent_end, vocal),
        clock=_clock(people, window, edges, shape),
        has_customers=True,
        has_linked_complaints=True,
        has_revenue=True,
    )


def _days(values) -> np.ndarray:
    return values.to_numpy().astype("datetime64[D]").astype(np.int64)


class _People:
    """One entry per customer: days as integers, first complaints, calendar parts."""

    def __init__(self, company: SimulatedCompany, window: ObservationWindow) -> None:
        frame = company.customers
        since = (window.since - date(1970, 1, 1)).days
        as_of = (window.as_of - date(1970, 1, 1)).days
        self.segments, self.segment = np.unique(frame["segment"].to_numpy().astype(str), return_inverse=True)
        self.revenue = frame["revenue"].to_numpy()
        self.start = _days(frame["start_date"])
        ended = frame["end_date"].notna().to_numpy()
        end = np.where(ended, _days(frame["end_date"]), LATE)
        self.left = ended & (end <= as_of)
        self.low = np.maximum(self.start, since)
        self.last = np.minimum(end, as_of)
        starts = self.start.astype("datetime64[D]")
        self.start_month = starts.astype("datetime64[M]").astype(np.int64)
        self.start_dom = (starts - starts.astype("datetime64[M]").astype("datetime64[D]")).astype(np.int64)
        complaints = company.complaints
        self.categories, kind = np.unique(complaints["category"].to_numpy().astype(str), return_inverse=True)
        row = dict(zip(frame["customer_id"], range(len(frame)), strict=True))
        who = np.array([row[name] for name in complaints["customer_id"]], dtype=np.int64)
        day = _days(complaints["complaint_date"])
        self.first = np.full((len(self.categories), len(frame)), LATE)
        np.minimum.at(self.first, (kind, who), day)
        self.first_any = self.first.min(axis=0) if len(self.categories) else np.full(len(frame), LATE)
        # Of several categories on the same first day the alphabetically first one names the state.
        self.first_kind = self.first.argmin(axis=0) if len(self.categories) else np.zeros(len(frame), dtype=np.int64)
        month = complaints["complaint_date"].to_numpy().astype("datetime64[M]").astype(np.int64)
        base = (window.since.year - 1970) * 12 + window.since.month - 1
        size = len(window.months)
        self.complaints = np.bincount(kind * size + month - base, minlength=len(self.categories) * size).reshape(
            -1, size
        )

    def band(self, day: np.ndarray, edges: np.ndarray) -> np.ndarray:
        """Tenure band of each customer on a day."""
        days = np.where(day >= LATE, 0, day).astype("datetime64[D]")
        months = days.astype("datetime64[M]")
        dom = (days - months.astype("datetime64[D]")).astype(np.int64)
        completed = months.astype(np.int64) - self.start_month - (dom < self.start_dom)
        return np.clip(np.searchsorted(edges, completed, side="right") - 1, 0, len(edges) - 1)

    def cell(
        self, day: np.ndarray, window: ObservationWindow, edges: np.ndarray, shape: tuple[int, int, int]
    ) -> np.ndarray:
        """Flat index of (segment, month, band) on a day; meaningless where the day is `LATE`."""
        base = (window.since.year - 1970) * 12 + window.since.month - 1
        days = np.where(day >= LATE, self.low, day)
        month = np.clip(days.astype("datetime64[D]").astype("datetime64[M]").astype(np.int64) - base, 0, shape[1] - 1)
        return (self.segment * shape[1] + month) * shape[2] + self.band(days, edges)


def _person_days(people, low, last, window, edges, shape) -> np.ndarray:
    cells = np.zeros(shape, dtype=np.int64)
    for number, month in enumerate(window.months):
        first = (month - date(1970, 1, 1)).days
        after = (date(month.year + month.month // 12, month.month % 12 + 1, 1) - date(1970, 1, 1)).days
        elapsed = (month.year - 1970) * 12 + month.month - 1 - people.start_month
        turn = np.minimum(first + people.start_dom, after)
        for begin, end, completed in ((first, turn, elapsed - 1), (turn, after, elapsed)):
            days = np.minimum(last + 1, end) - np.maximum(low, begin)
            inside = days > 0
            band = np.searchsorted(edges, completed[inside], side="right") - 1
            cells[:, number, :] += (
                np.bincount(
                    people.segment[inside] * shape[2] + band, weights=days[inside], minlength=shape[0] * shape[2]
                )
                .reshape(shape[0], shape[2])
                .astype(np.int64)
            )
    return cells


def _tenure_days(people: _People, silent_end: np.ndarray, vocal: np.ndarray) -> TenureDayCounts:
    was_silent = silent_end >= people.low
    state = 1 + people.first_kind
    blocks = [
        (np.zeros_like(state), people.low, was_silent, 0),
        (np.zeros_like(state), silent_end, was_silent & people.left & ~vocal, 1),
        (np.zeros_like(state), silent_end, was_silent & ~(people.left & ~vocal), 2),
        (state, np.maximum(people.low, people.first_any), vocal, 0),
        (state, people.last, vocal & people.left, 1),
        (state, people.last, vocal & ~people.left, 2),
    ]
    rows = np.concatenate(
        [np.stack([s[m], people.segment[m], (d - people.start)[m], np.full(m.sum(), k)], 1) for s, d, m, k in blocks]
    )
    keys, place = np.unique(rows[:, :3], axis=0, return_inverse=True)
    table = np.zeros((len(keys), 3), dtype=np.int64)
    np.add.at(table, (place.ravel(), rows[:, 3]), 1)
    return TenureDayCounts(keys[:, 0], keys[:, 1], keys[:, 2], table[:, 0], table[:, 1], table[:, 2])


def _clock(
    people: _People, window: ObservationWindow, edges: np.ndarray, shape: tuple[int, int, int]
) -> ComplaintClockCounts:
    clock_edges = np.array(DEFAULT_CLOCK_EDGES_DAYS)
    rows = []
    for number, first in [(-1, people.first_any), *enumerate(people.first)]:
        has = first <= people.last
        followed = (people.last - first)[has]
        bins = np.searchsorted(clock_edges, followed, side="right") - 1
        cell = people.cell(first, window, edges, shape)[has]
        segment, month, band = np.unravel_index(cell, shape)
        left = people.left[has]
        days = followed - clock_edges[bins] + 1
        rows.append(
            np.stack([np.full(len(bins), number), segment, month, band, bins, left, ~left, days], axis=1).astype(
                np.int64
            )
        )
    table = np.concatenate(rows)
    keys, place = np.unique(table[:, :5], axis=0, return_inverse=True)
    sums = np.zeros((len(keys), 3), dtype=np.int64)
    np.add.at(sums, place.ravel(), table[:, 5:])
    return ComplaintClockCounts(*keys.T, *sums.T)
