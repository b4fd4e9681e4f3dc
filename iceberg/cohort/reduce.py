"""Owns the reduction: trusted tables in, `CohortCounts` out. Rows stay in the engine; only counts reach Python."""
# ruff: noqa: S608 - names in the text are literals of this package

from __future__ import annotations

import math
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from iceberg.arrays import IntArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import ANY_CATEGORY, ComplaintClockCounts, TenureDayCounts
from iceberg.cohort.engine import Engine, Names
from iceberg.cohort.evidence_months import reduce_recorded
from iceberg.cohort.flat import reduce_flat
from iceberg.cohort.incidents import observe_silence
from iceberg.cohort.lexis import Columns, LexisAxes, add_up, person_days
from iceberg.cohort.silent_observations import ObservedSilence
from iceberg.cohort.statements import ALIVE, FIRST_COMPLAINED, LEFT, REVENUE_UNITS, Statements
from iceberg.cohort.window import DEFAULT_BAND_EDGES_MONTHS, DEFAULT_CLOCK_EDGES_DAYS, ObservationWindow
from iceberg.errors import EvidenceError, OptionError
from iceberg.ingest.engine.limits import named_faults
from iceberg.ingest.schema import RecentCustomers
from iceberg.ingest.tables import Tables

MAX_SEGMENTS = 12  # judgement: what a page can show and the reconciliation model can learn from
MAX_CATEGORIES = 24  # judgement: more than that is free text, not a list of reasons
_MOST_CELLS = 1 << 22  # judgement: up to here adding up in place, 8 bytes a cell, beats sorting
_SAMPLE_ROWS, _MANY_NAMES = 20_000, 50  # judgement: from here on it pays to count segments before grouping by day


def reduce_tables(
    tables: Tables,
    *,
    window: ObservationWindow | None = None,
    band_edges_months: Sequence[int] = DEFAULT_BAND_EDGES_MONTHS,
    clock_edges_days: Sequence[int] = DEFAULT_CLOCK_EDGES_DAYS,
    max_segments: int = MAX_SEGMENTS,
    max_categories: int = MAX_CATEGORIES,
    keep_months: bool = False,
) -> CohortCounts:
    """Counts the customers and complaints of `tables` inside `window`.

    Exact to the day: person-days and departures equal an explosion into one row per customer and day. Complaints
    outside
    a customer's life (before the first day, after the departure) count as complaints of the file but make nobody a
    complainant. A customer's repeated complaints of one category count once, at the first one; when that lies in the
    look-back, the customer is in the complained state from the window's first day and is not counted as a complainant.

    Args:
        tables: Trusted rows; not changed.
        window: Days to count; by default the 24 months up to the last day seen, not before the first complaint's month.
        band_edges_months: Lower edges of completed months of tenure.
        clock_edges_days: Lower edges of days since the complaint.
        max_segments: With more segments than this, the largest are kept and the rest taken together in the last one
            (`CohortCounts.grouped_segments` says how many).
        max_categories: The same for complaint categories (`CohortCounts.grouped_categories`).
        keep_months: Counts months too that look as if their departures or complaints were missing from the files; by default the window leaves
            them out (see `iceberg.cohort.evidence_months` and `CohortCounts.unrecorded`).

    Returns:
        Counts; the order of rows in the files does not matter.

    Raises:
        EvidenceError: Neither a customer nor a complaint lies inside the window.
        OptionError: A window for a flat sheet, which has no dates.
    """
    if "flat" in tables.names:
        if window is not None:
            raise OptionError("flat_no_window", {})
        return reduce_flat(
            Engine(tables),
            band_edges_months=band_edges_months,
            clock_edges_days=clock_edges_days,
            max_segments=max_segments,
            max_categories=max_categories,
        )
    window = window if window is not None else default_window(tables)

    def counts_inside(days: ObservationWindow) -> CohortCounts:
        statements = Statements(days, tuple(band_edges_months), tuple(clock_edges_days), tables.customer_key)
        engine = Engine(tables)
        try:
            with named_faults(tables.scratch or Path()), tables.in_any_order():
                return _Reduction(engine, statements, max_segments, max_categories).counts()
        finally:
            engine.drop()

    return reduce_recorded(counts_inside, window, keep_months=keep_months)


def default_window(tables: Tables) -> ObservationWindow:
    """The 24 months up to the last day seen, not before the month of the first complaint.

    Raises:
        EvidenceError: The tables hold no day at all.
    """
    sources = {
        "customers": "max(greatest(start_date, coalesce(end_date, start_date))), NULL",
        "complaints": "max(complaint_date), min(complaint_date)",
        "volumes": "max(last_day(month)), min(month)",
    }
    last, first_complaint = tables.last_day, tables.first_complaint
    if last is None or (first_complaint is None and tables.names & {"complaints", "volumes"}):
        engine = Engine(tables)
        seen = [engine.days(f"SELECT {days} FROM {name}") for name, days in sources.items() if name in tables.names]
        last = last or max((day for day, _ in seen if day is not None), default=None)
        first_complaint = first_complaint or min((day for _, day in seen if day is not None), default=None)
    if last is None:
        raise EvidenceError("no_days", {})
    return ObservationWindow.ending(last, first_complaint=first_complaint)


@dataclass
class _Reduction:
    engine: Engine
    statements: Statements
    max_segments: int
    max_categories: int

    def counts(self) -> CohortCounts:
        window = self.statements.window
        self.segments = self._segments()
        linked = self._complaints()
        if not self.segments.names and not self.complaints.any():
            raise EvidenceError("nothing_in_window", {"since": window.since, "as_of": window.as_of})
        names = self.segments.names or ("",)
        first_month, earliest = self.statements.first_month, self.statements.earliest_start_month
        self.axes = LexisAxes(window, names, self.statements.band_edges_months, first_month, earliest)
        fields: dict[str, Any] = {
            "complaints": self.complaints,
            "currency": self.engine.tables.currency,
            "band_edges_months": self.statements.band_edges_months,
            "clock_edges_days": self.statements.clock_edges_days,
            "grouped_segments": self.segments.others,
            "grouped_categories": self.categories.others,
        }
        if self.segments.names:
            fields |= self._customers_and_vocal(linked=linked)
            fields["silent_exit_revenue"] = fields["silent_exit_revenue"] / REVENUE_UNITS
        fields["observed"] = self._observed(linked=linked)
        return CohortCounts.zeros(window, segments=names, categories=self.categories.names, **fields)

    def _segments(self) -> Names:
        """Makes `starts`, customers by segment and first day, and finds the segments."""
        if "customers" not in self.engine.tables.names:
            return Names((), 0)
        recent = self._recent()
        sample = f"SELECT count(DISTINCT segment) FROM (SELECT segment FROM customers LIMIT {_SAMPLE_ROWS}) AS sampled"
        source = "customers" if recent is None and self.engine.named(sample)[0][0] > _MANY_NAMES else "starts_by_name"
        if source == "starts_by_name":
            if recent is not None:
                self.engine.hold(ALIVE, recent.alive)
                self.engine.hold(LEFT, recent.left)
            self.engine.keep(source, self.statements.starts_of_recent() if recent is not None else self.statements.starts_by_name())
        sizes = dict(self.engine.named(self.statements.segment_sizes(source)))
        segments = Names.largest(sizes, self.max_segments)
        if segments.names:
            self.engine.keep("segment_places", self.statements.places(segments.names))
            self.engine.keep("starts", self.statements.starts(source, len(segments.names) - 1))
        return segments

    def _recent(self) -> RecentCustomers | None:
        """Customers put aside while their file was read, where the window does not begin before them."""
        recent = self.engine.tables.recent
        return recent if recent is not None and recent.since <= self.statements.window.since else None

    def _complaints(self) -> bool:
        """Finds the categories and the complaints per month; says whether they are rows that may lead to customers."""
        tables, rows = self.engine.tables.names, []
        if "complaints" in tables:
            rows = self.engine.named(self.statements.complaints())
        linked = bool(rows and self.segments.names)
        if not rows and "volumes" in tables:
            rows = self.engine.named(self.statements.volumes())
        sizes: dict[str, int] = {}
        for name, _, size in rows:
            sizes[name] = sizes.get(name, 0) + int(size)
        self.categories = Names.largest(sizes, self.max_categories)
        self.place_of = {name: self.categories.place(name) for name in sizes}
        self.complaints = np.zeros((len(self.categories.names), len(self.statements.window.months)), dtype=np.int64)
        for name, month, size in rows:
            if month >= 0:  # the others lie in the look-back
                self.complaints[self.categories.place(name), month] += int(size)
        return linked

    def _customers_and_vocal(self, *, linked: bool) -> dict[str, Any]:
        """Everybody, and of these the complainers. Much of either is the engine's planning, on one core: where both can, they run side by side."""
        recent = self._recent()
        if recent is None or not linked:
            everybody, moves = self._customers(self.engine, "customers" if recent is None else LEFT)
            return self._without_vocal(everybody, moves, self._vocal()) if linked else everybody
        beside = Engine(self.engine.tables, beside=True)
        try:
            beside.hold(LEFT, recent.left)
            beside.hold("starts", self.engine.connection.sql("SELECT * FROM starts").to_arrow_table())
            beside.keep("segment_places", self.statements.places(self.segments.names))
            with ThreadPoolExecutor(1) as other:
                found = other.submit(self._customers, beside, LEFT)
                vocal = self._vocal()
            return self._without_vocal(*found.result(), vocal)
        finally:
            beside.drop()

    def _customers(self, engine: Engine, left: str) -> tuple[dict[str, Any], Columns]:
        """Everybody, as if none had complained; and how they move along tenure. `left`: at least those who left inside the window."""
        statements, axes = self.statements, self.axes
        engine.keep("departures", statements.departures(left, len(axes.segments) - 1))
        starts = engine.columns("SELECT segment, sum(customers) AS customers FROM starts GROUP BY segment")
        started = person_days(engine.columns(statements.tails_of_starts()), axes)
        ended = person_days(engine.columns(statements.tails_of_departures("departures")), axes)
        exits = self._exits(engine, "departures")
        moves = engine.columns(statements.tenure_days_of_all())
        everybody = {
            "has_customers": True,
            "has_revenue": bool(exits["revenue_known"].any()),
            "customers_at_risk": add_up((len(axes.segments),), (starts["segment"],), starts["customers"]),
            "silent_person_days": started - ended,
            "silent_exits": exits["customers"],
            "silent_exit_revenue": exits["revenue_units"],
            "silent_exit_revenue_known": exits["revenue_known"],
            "tenure_days": _tenure_days(moves),
        }
        return everybody, moves

    def _vocal(self) -> tuple[dict[str, Any], Columns, Columns]:
        """Complainers; their departures; and how they move along tenure."""
        engine, statements, axes = self.engine, self.statements, self.axes
        engine.keep("category_places", statements.places(self.categories.names))
        engine.keep("complaints_counted", statements.complaints_counted(len(self.categories.names) - 1))
        engine.keep("matched", statements.matched(engine.tables.told_customers))
        engine.keep("complained", statements.complained(len(axes.segments) - 1))
        complained = person_days(engine.columns(statements.tails_of_complaints()), axes)
        days = complained - person_days(engine.columns(statements.tails_of_departures(FIRST_COMPLAINED)), axes)
        exits = self._exits(engine, FIRST_COMPLAINED)
        of_each = engine.columns(statements.clocks())
        of_all = {name: values[of_each["rank"] == 1] for name, values in of_each.items()}
        of_all["category"] = np.full_like(of_all["category"], ANY_CATEGORY)
        clock = _clock(of_each, of_all)
        place = (clock.category, clock.segment, clock.month, clock.band)  # -1, any category, is the last place
        complainants = add_up((len(self.categories.names) + 1, *axes.shape), place, clock.exited + clock.censored)
        vocal = {
            "has_linked_complaints": bool(complainants.any()),
            "vocal_person_days": days,
            "vocal_exits": exits["customers"],
            "complainants": complainants[:-1],
            "complainants_any": complainants[-1],
            "clock": clock,
        }
        return vocal, exits, engine.columns(statements.tenure_days_of_complained())

    @staticmethod
    def _without_vocal(everybody: dict[str, Any], moves: Columns, found: tuple[dict[str, Any], Columns, Columns]) -> dict[str, Any]:
        """What is left of everybody without the complainers' time after the first complaint, and these."""
        vocal, exits, vocal_moves = found
        return everybody | vocal | {
            "silent_person_days": everybody["silent_person_days"] - vocal["vocal_person_days"],
            "silent_exits": everybody["silent_exits"] - exits["customers"],
            "silent_exit_revenue": everybody["silent_exit_revenue"] - exits["revenue_units"],
            "silent_exit_revenue_known": everybody["silent_exit_revenue_known"] - exits["revenue_known"],
            "tenure_days": _tenure_days(moves, vocal_moves),
        }

    def _observed(self, *, linked: bool) -> ObservedSilence | None:
        """What a log and a survey saw; a log needs the work tables of `_vocal`."""
        shape = (len(self.categories.names), len(self.axes.segments))
        return observe_silence(self.engine, self.statements, places=self.place_of, shape=shape, linked=linked)

    def _exits(self, engine: Engine, source: str) -> Columns:
        rows = engine.columns(self.statements.exits(source))
        place = (rows["segment"], rows["month"], rows["band"])
        return {
            name: add_up(self.axes.shape, place, rows[name]) for name in ("customers", "revenue_known", "revenue_units")
        }


def _tenure_days(*moves: Columns) -> TenureDayCounts:
    keys, totals = _grouped(moves, keys=("state", "segment", "tenure_day"), values=("entered", "exited", "censored"))
    occupied = totals.any(axis=0)
    return TenureDayCounts(*keys[:, occupied], *totals[:, occupied])


def _clock(*rows: Columns) -> ComplaintClockCounts:
    keys = ("category", "segment", "month", "band", "clock")
    return ComplaintClockCounts(
        *np.concatenate(_grouped(rows, keys=keys, values=("exited", "censored", "days_in_bin")))
    )


def _grouped(parts: Sequence[Columns], *, keys: Sequence[str], values: Sequence[str]) -> tuple[IntArray, IntArray]:
    """Distinct keys in sorted order, and the sums of their values: (keys, rows) and (values, rows)."""
    key = np.concatenate([np.stack([part[name] for name in keys]) for part in parts], axis=1)
    value = np.concatenate([np.stack([part[name] for name in values]) for part in parts], axis=1)
    if not key.shape[1]:
        return key, value
    low = key.min(axis=1, keepdims=True)
    shape = tuple((key.max(axis=1) - low[:, 0] + 1).tolist())
    packed = np.ravel_multi_index(tuple(key - low), shape)  # one number is handled faster than five
    if math.prod(shape) > _MOST_CELLS:
        order = np.argsort(packed)  # sums of whole numbers do not depend on which of two equal keys comes first
        begins = np.flatnonzero(np.diff(packed[order], prepend=-1))
        return key[:, order[begins]], np.add.reduceat(value[:, order], begins, axis=1)
    there, totals = np.zeros(math.prod(shape), dtype=np.bool_), np.zeros((len(value), math.prod(shape)), dtype=np.int64)
    there[packed] = True
    for total, added in zip(totals, value, strict=True):
        np.add.at(total, packed, added)
    (found,) = np.nonzero(there)
    return np.stack(np.unravel_index(found, shape)) + low, totals[:, found]
