"""Owns `CohortCounts`: the exact sufficient statistics that every formula works on; no customer is in it.

Its size depends on months, tenure bands, segments and categories, never on the number of customers.
"""

from __future__ import annotations

import hashlib
import io
import json
from dataclasses import dataclass, field, fields, replace
from datetime import date
from typing import Any

import numpy as np
import numpy.typing as npt

from iceberg.cohort.window import DEFAULT_BAND_EDGES_MONTHS, DEFAULT_CLOCK_EDGES_DAYS, ObservationWindow
from iceberg.errors import EvidenceError

IntArray = npt.NDArray[np.int64]
FloatArray = npt.NDArray[np.float64]

NEVER_COMPLAINED = 0  # row of `TenureDayCounts.state`; state 1 + c means: first complaint was in category c


@dataclass(frozen=True, eq=False)
class TenureDayCounts:
    """Entries and exits by exact day of tenure, one row per (state, segment, tenure day) that has any.

    States are mutually exclusive: 0 = has not complained in the window, 1 + c = the first complaint was in category c. A customer who
    complains is censored in state 0 on the day before and enters state 1 + c at that day's tenure (delayed entry).
    At risk at tenure t = sum(entered at <= t) - sum(exited or censored at < t): exactly what lifelines counts with ``entry=``.

    Attributes:
        state: int64 (rows,).
        segment: int64 (rows,), index into `CohortCounts.segments`.
        tenure_day: int64 (rows,), days since the customer's first day.
        entered, exited, censored: int64 (rows,), customers.
    """

    state: IntArray
    segment: IntArray
    tenure_day: IntArray
    entered: IntArray
    exited: IntArray
    censored: IntArray


@dataclass(frozen=True, eq=False)
class ComplaintClockCounts:
    """Complainers on the clock since their first complaint in a category, one row per cell that has any.

    Cohort of a complainer: category, segment, calendar month and tenure band of that first complaint. `clock` is the bin (index into
    `CohortCounts.clock_edges_days`; the last bin is open) of the day on which follow-up ended. Category -1 is "any": the first complaint of all.
    In category c a customer enters at the first complaint in c; with two categories they are on two clocks, so rows of categories 0..C-1 do
    not add up to category -1.

    Attributes:
        category, segment, month, band, clock: int64 (rows,).
        exited: departures in this bin, customers.
        censored: follow-up ended alive in this bin, customers.
        days_in_bin: days at risk that these exited or censored customers spent inside this bin (day of complaint = day 0, inclusive).
    """

    category: IntArray
    segment: IntArray
    month: IntArray
    band: IntArray
    clock: IntArray
    exited: IntArray
    censored: IntArray
    days_in_bin: IntArray


@dataclass(frozen=True, eq=False)
class CohortCounts:
    """What the files say, as counts.

    Axes: S segments, M calendar months of the window, B tenure bands, C categories. Cells with no one at risk hold zeros.

    Attributes:
        window: Days that were counted.
        segments: S names; a file without segments has the one segment "".
        categories: C names as in the file, in order of first appearance in sorted order (permuting rows changes nothing).
        band_edges_months: B lower edges of completed months of tenure; the last band is open.
        clock_edges_days: Lower edges of days since complaint; the last bin is open.
        silent_person_days: (S, M, B) days at risk of customers who have not complained.
        silent_exits: (S, M, B) departures from that state: the silent leavers.
        silent_exit_revenue: (S, M, B) annual revenue of the silent leavers whose revenue is known, file currency.
        silent_exit_revenue_known: (S, M, B) how many of them have a known revenue.
        vocal_person_days, vocal_exits: (S, M, B) the same after the first complaint of any category.
        complainants: (C, S, M, B) distinct customers by the cell of their first complaint in c.
        complainants_any: (S, M, B) distinct customers by the cell of their first complaint of all.
        complaints: (C, M) complaints, repeats included; the only counts at evidence level 0.
        tenure_days, clock: see their classes.
        currency: ISO 4217 code of revenue.
        has_customers, has_linked_complaints, has_revenue: which of the above hold information.
    """

    window: ObservationWindow
    segments: tuple[str, ...]
    categories: tuple[str, ...]
    silent_person_days: IntArray
    silent_exits: IntArray
    silent_exit_revenue: FloatArray
    silent_exit_revenue_known: IntArray
    vocal_person_days: IntArray
    vocal_exits: IntArray
    complainants: IntArray
    complainants_any: IntArray
    complaints: IntArray
    tenure_days: TenureDayCounts
    clock: ComplaintClockCounts
    has_customers: bool
    has_linked_complaints: bool
    has_revenue: bool
    currency: str = "EUR"
    band_edges_months: tuple[int, ...] = DEFAULT_BAND_EDGES_MONTHS
    clock_edges_days: tuple[int, ...] = DEFAULT_CLOCK_EDGES_DAYS

    @property
    def months(self) -> tuple[date, ...]:
        """First day of each calendar month on the month axis."""
        return self.window.months

    @property
    def shape(self) -> tuple[int, int, int]:
        """(S, M, B)."""
        return len(self.segments), len(self.months), len(self.band_edges_months)
