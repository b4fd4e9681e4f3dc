"""Maps cells of month and tenure band to months of entry: the share of a cell's customers by month.

A customer who began in month e is, in month m, between m - e - 1 and m - e + 1 months old, most likely m - e (both days uniform). A month of entry
weighs as many customers as began in it: those of the window by their time in the first tenure band, those before by their tenure on its first day.
"""

from __future__ import annotations

from datetime import date, timedelta

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import NEVER_COMPLAINED
from iceberg.model.survival.delay_kernel import DAYS_PER_MONTH

MONTHS_BEFORE = 36  # entries before that lie in wide tenure bands: they are one group, the first


def entry_months(counts: CohortCounts) -> tuple[date, ...]:
    """First days of the months of entry; the first stands for all before it as well."""
    first = _month(counts.months[0]) - MONTHS_BEFORE
    return tuple(date(index // 12, index % 12 + 1, 1) for index in range(first, first + MONTHS_BEFORE + len(counts.months)))


def entry_shares(counts: CohortCounts) -> FloatArray:
    """(M, B, E) share of each cell's customers by month of entry (`entry_months`); every cell sums to one."""
    months = counts.shape[1]
    sizes = _customers_by_entry(counts)
    before = len(sizes) - months
    age = np.arange(months)[:, None] + before - np.arange(len(sizes))[None]  # M E
    edges = np.append(np.asarray(counts.band_edges_months, dtype=float), np.inf)
    in_band = np.diff(_younger_than(edges[:, None, None], age.astype(float)), axis=0).transpose(1, 0, 2)  # M B E
    share = in_band * (sizes + 1e-9)
    oldest = before - MONTHS_BEFORE
    share = np.concatenate([share[..., : oldest + 1].sum(axis=2, keepdims=True), share[..., oldest + 1 :]], axis=2)
    total = share.sum(axis=2, keepdims=True)
    share[..., 0] += total[..., 0] <= 0
    return np.asarray(share / share.sum(axis=2, keepdims=True), dtype=np.float64)


def _younger_than(edge: FloatArray, age: FloatArray) -> FloatArray:
    """The share of customers of mean age `age` months who are younger than `edge`, and born: the age is the mean plus the difference of two days."""

    def below(value: FloatArray) -> FloatArray:
        away = np.clip(value, -1.0, 1.0)
        return np.where(away < 0, (1 + away) ** 2 / 2, 1 - (1 - away) ** 2 / 2)

    return np.asarray(below(edge - age) - below(0.0 - age), dtype=np.float64)


def _customers_by_entry(counts: CohortCounts) -> FloatArray:
    """Customers by month of entry, from the oldest (at least `MONTHS_BEFORE` before the window) to the last of the window."""
    first, moves = _month(counts.months[0]), counts.tenure_days
    stock = (moves.state == NEVER_COMPLAINED) & (moves.tenure_day > 0) & (moves.entered > 0)
    began = np.array([first - _month(counts.window.since - timedelta(days=int(day))) for day in moves.tenure_day[stock]], dtype=np.int64)
    before = max(int(began.max(initial=0)), MONTHS_BEFORE)
    old = np.bincount(before - began, moves.entered[stock], minlength=before + 1)[: before + 1]
    new = counts.person_days[:, :, 0].sum(axis=0) / (DAYS_PER_MONTH * (counts.band_edges_months[1] if counts.shape[2] > 1 else 1))
    new = new.astype(np.float64)
    new[0] = max(new[0], old[before])  # some of the first month began before its first day
    return np.concatenate([old[:before], new])


def _month(day: date) -> int:
    return day.year * 12 + day.month - 1
