"""Owns the reduction: trusted tables in, `CohortCounts` out. Rows stay in the engine; only grouped counts reach Python."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import ANY_CATEGORY, NEVER_COMPLAINED, ComplaintClockCounts, IntArray, TenureDayCounts
from iceberg.cohort.lexis import Columns, LexisAxes, departure_cells, person_days
from iceberg.cohort.statements import OTHER_SEGMENTS, REVENUE_UNITS, Statements
from iceberg.cohort.window import DEFAULT_BAND_EDGES_MONTHS, DEFAULT_CLOCK_EDGES_DAYS, ObservationWindow
from iceberg.errors import EvidenceError
from iceberg.ingest.tables import Tables

MAX_SEGMENTS = 12  # judgement: what a page can show and the reconciliation model can learn from
_WORK_TABLES = ("starts", "departures", "complained", "first_complained")


def reduce_tables(
    tables: Tables,
    *,
    window: ObservationWindow | None = None,
    band_edges_months: Sequence[int] = DEFAULT_BAND_EDGES_MONTHS,
    clock_edges_days: Sequence[int] = DEFAULT_CLOCK_EDGES_DAYS,
    max_segments: int = MAX_SEGMENTS,
) -> CohortCounts:
    """Counts the customers and complaints of `tables` inside `window`.

    Exact to the day: person-days and departures equal an explosion into one row per customer and day. Complaints outside a customer's life
    (before the first day, after the departure) count as complaints of the file but do not make the customer a complainant. A customer's
    repeated complaints of one category count once, at the first one; when that lies in the look-back, the customer is in the complained
    state from the window's first day and is not counted as a complainant.

    Args:
        tables: Trusted rows; not changed.
        window: Days to count; by default the 24 months before the last day seen, not before the month of the first complaint.
        band_edges_months: Lower edges of completed months of tenure.
        clock_edges_days: Lower edges of days since the complaint.
        max_segments: Larger numbers of segments keep the largest and take the rest together (`CohortCounts.grouped_segments`).

    Returns:
        Counts; the order of rows in the files does not matter.

    Raises:
        EvidenceError: Neither a customer nor a complaint lies inside the window.
    """
    window = window if window is not None else default_window(tables)
    engine = _Engine(tables)
    statements = Statements(window, tuple(band_edges_months), tuple(clock_edges_days))
    sizes = _segment_sizes(engine, statements)
    complaints = _complaint_volumes(engine, statements, linked=bool(sizes))
    if not sizes and not complaints.volumes.any():
        raise EvidenceError("nothing_in_window", {"since": window.since, "as_of": window.as_of})
    if not sizes:
        return CohortCounts.from_volumes(
            window, categories=complaints.categories, complaints=complaints.volumes, currency=tables.currency
        )
    kept, grouped = _segments_to_keep(sizes, max_segments)
    statements = Statements(window, tuple(band_edges_months), tuple(clock_edges_days), kept if grouped else None)
    names = (*kept, OTHER_SEGMENTS) if grouped else kept
    axes = LexisAxes(
        window,
        {name: place for place, name in enumerate(names)},
        tuple(band_edges_months),
        statements.earliest_start_month,
    )
    try:
        return _count(engine, statements, axes, complaints, grouped_segments=grouped, currency=tables.currency)
    finally:
        engine.drop()


def default_window(tables: Tables) -> ObservationWindow:
    """The 24 months up to the last day seen, not before the month of the first complaint.

    Raises:
        EvidenceError: The tables hold no day at all.
    """
    engine = _Engine(tables)
    last, first_complaint = tables.last_day, tables.first_complaint
    sources = {
        "customers": "SELECT max(greatest(start_date, coalesce(end_date, start_date))) AS last, NULL AS first FROM customers",
        "complaints": "SELECT max(complaint_date) AS last, min(complaint_date) AS first FROM complaints",
        "volumes": "SELECT max(last_day(month)) AS last, min(month) AS first FROM volumes",
    }
    seen = [engine.days(sql) for name, sql in sources.items() if name in tables.names]
    last_days = [day for day, _ in seen if day is not None]
    first_complaints = [day for _, day in seen if day is not None]
    last = last or max(last_days, default=None)
    first_complaint = first_complaint or min(first_complaints, default=None)
    if last is None:
        raise EvidenceError("no_days", {})
    return ObservationWindow.ending(last, first_complaint=first_complaint)


@dataclass
class _Engine:
    """Runs statements where the rows are; brings grouped counts back as columns."""

    tables: Tables

    def has(self, name: str) -> bool:
        """Whether the table exists."""
        return name in self.tables.names

    def columns(self, sql: str) -> Columns:
        """The result as numpy columns."""
        return dict(self.tables.connection.execute(sql).fetchnumpy())

    def days(self, sql: str) -> tuple[date | None, date | None]:
        """The two dates of a one-row result."""
        [(last, first)] = self.tables.connection.execute(sql).fetchall()
        return last, first

    def keep(self, name: str, sql: str) -> None:
        """Makes a work table."""
        self.tables.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")

    def drop(self) -> None:
        """Drops every work table."""
        for name in _WORK_TABLES:
            self.tables.connection.execute(f"DROP TABLE IF EXISTS temp.{name}")


@dataclass(frozen=True)
class _ComplaintVolumes:
    categories: tuple[str, ...]
    volumes: IntArray  # (C, M)
    linked: bool  # rows with customer ids, as opposed to totals


def _segment_sizes(engine: _Engine, statements: Statements) -> dict[str, int]:
    if not engine.has("customers"):
        return {}
    sizes = engine.columns(statements.segment_sizes())
    return dict(zip(sizes["segment"].tolist(), sizes["customers"].tolist(), strict=True))


def _segments_to_keep(sizes: dict[str, int], most: int) -> tuple[tuple[str, ...], int]:
    """Names in sorted order, and how many others are taken together."""
    if len(sizes) <= most and OTHER_SEGMENTS not in sizes:
        return tuple(sorted(sizes)), 0
    by_size = sorted((name for name in sizes if name != OTHER_SEGMENTS), key=lambda name: (-sizes[name], name))
    kept = by_size[: max(most - 1, 0)]
    return tuple(sorted(kept)), len(sizes) - len(kept)


def _complaint_volumes(engine: _Engine, statements: Statements, *, linked: bool) -> _ComplaintVolumes:
    months = len(statements.window.months)
    rows: Columns = {}
    if engine.has("complaints"):
        rows = engine.columns(statements.complaints())
    from_rows = bool(rows) and len(rows["category"]) > 0
    if not from_rows and engine.has("volumes"):
        rows = engine.columns(statements.volumes())
    if not rows:
        return _ComplaintVolumes((), np.zeros((0, months), dtype=np.int64), linked=False)
    categories = tuple(sorted(set(rows["category"].tolist())))
    volumes = np.zeros((len(categories), months), dtype=np.int64)
    inside = rows["month"] >= 0
    place = np.array([categories.index(name) for name in rows["category"]], dtype=np.int64)
    np.add.at(
        volumes, (place[inside], rows["month"][inside].astype(np.int64)), rows["complaints"][inside].astype(np.int64)
    )
    return _ComplaintVolumes(categories, volumes, linked=linked and from_rows)


def _count(
    engine: _Engine,
    statements: Statements,
    axes: LexisAxes,
    complaints: _ComplaintVolumes,
    *,
    grouped_segments: int,
    currency: str,
) -> CohortCounts:
    engine.keep("starts", statements.starts())
    engine.keep("departures", statements.departures())
    left = _columns(engine, statements.tails_of_departures("departures"))
    days = person_days(_columns(engine, statements.tails_of_starts()), axes) - person_days(left, axes)
    exits, revenue, known = (
        departure_cells(left, axes, name) for name in ("customers", "revenue_units", "revenue_known")
    )
    vocal_days, vocal_exits = np.zeros_like(days), np.zeros_like(exits)
    has_revenue = bool(known.any())
    tenure_parts = [_columns(engine, statements.tenure_days_of_all())]
    clock, complainants = (
        ComplaintClockCounts.empty(),
        np.zeros((len(complaints.categories) + 1, *axes.shape), dtype=np.int64),
    )
    if complaints.linked:
        engine.keep("complained", statements.complained())
        engine.keep("first_complained", statements.first_complained())
        vocal_left = _columns(engine, statements.tails_of_departures("first_complained"))
        vocal_days = person_days(_columns(engine, statements.tails_of_complaints()), axes) - person_days(
            vocal_left, axes
        )
        vocal_exits = departure_cells(vocal_left, axes, "customers")
        revenue = revenue - departure_cells(vocal_left, axes, "revenue_units")
        known = known - departure_cells(vocal_left, axes, "revenue_known")
        tenure_parts.append(_columns(engine, statements.tenure_days_of_complained()))
        clock = _clock(engine, statements, axes, complaints.categories)
        np.add.at(complainants, (clock.category, clock.segment, clock.month, clock.band), clock.exited + clock.censored)
    tenure_days = _tenure_days(tenure_parts, axes, complaints.categories)
    return CohortCounts(
        window=statements.window,
        segments=tuple(axes.segments),
        categories=complaints.categories,
        silent_person_days=days - vocal_days,
        silent_exits=exits - vocal_exits,
        silent_exit_revenue=revenue / REVENUE_UNITS,
        silent_exit_revenue_known=known,
        vocal_person_days=vocal_days,
        vocal_exits=vocal_exits,
        complainants=complainants[:-1],
        complainants_any=complainants[ANY_CATEGORY],
        complaints=complaints.volumes,
        tenure_days=tenure_days,
        clock=clock,
        has_customers=True,
        has_linked_complaints=bool(complaints.linked and complainants.any()),
        has_revenue=has_revenue,
        currency=currency,
        band_edges_months=tuple(axes.band_edges_months),
        clock_edges_days=tuple(statements.clock_edges_days),
        grouped_segments=grouped_segments,
        customers_at_risk=_customers(engine, axes),
    )


def _columns(engine: _Engine, sql: str) -> Columns:
    """Columns with sums as whole numbers: an engine may return them as wide integers or as doubles that hold integers."""
    columns = engine.columns(sql)
    return {
        name: values if values.dtype.kind == "O" or name == "revenue_units" else values.astype(np.int64)
        for name, values in columns.items()
    }


def _customers(engine: _Engine, axes: LexisAxes) -> IntArray:
    sizes = _columns(engine, "SELECT segment, sum(customers) AS customers FROM starts GROUP BY segment")
    customers = np.zeros(len(axes.segments), dtype=np.int64)
    customers[axes.place_segments(sizes["segment"])] = sizes["customers"]
    return customers


def _tenure_days(parts: list[Columns], axes: LexisAxes, categories: tuple[str, ...]) -> TenureDayCounts:
    state_of = {name: place + 1 for place, name in enumerate(categories)}
    keys, values = [], []
    for part in parts:
        vocal = part["vocal"] > 0
        state = np.array([state_of.get(name, NEVER_COMPLAINED) for name in part["category"]], dtype=np.int64) * vocal
        keys.append(np.stack([state, axes.place_segments(part["segment"]), part["tenure_day"]]))
        values.append(np.stack([part["entered"], part["exited"], part["censored"]]))
    key, value = np.concatenate(keys, axis=1), np.concatenate(values, axis=1)
    unique, place = np.unique(key, axis=1, return_inverse=True)
    totals = np.zeros((3, unique.shape[1]), dtype=np.int64)
    np.add.at(totals, (slice(None), place.reshape(-1)), value)
    occupied = totals.any(axis=0)
    return TenureDayCounts(*unique[:, occupied], *totals[:, occupied])


def _clock(
    engine: _Engine, statements: Statements, axes: LexisAxes, categories: tuple[str, ...]
) -> ComplaintClockCounts:
    place_of: dict[Any, int] = {name: place for place, name in enumerate(categories)}
    first_of_all = _columns(engine, statements.clocks("first_complained"))
    first_of_each = _columns(engine, statements.clocks("complained"))
    parts = []
    for rows, any_category in ((first_of_all, True), (first_of_each, False)):
        count = len(rows["segment"])
        category = (
            np.full(count, ANY_CATEGORY)
            if any_category
            else np.array([place_of[name] for name in rows["category"]], dtype=np.int64)
        )
        parts.append(
            np.stack(
                [
                    category,
                    axes.place_segments(rows["segment"]),
                    *(rows[name] for name in ("month", "band", "clock", "exited", "censored", "days_in_bin")),
                ]
            )
        )
    table = np.concatenate(parts, axis=1)
    unique, place = np.unique(table[:5], axis=1, return_inverse=True)
    sums = np.zeros((3, unique.shape[1]), dtype=np.int64)
    np.add.at(sums, (slice(None), place.reshape(-1)), table[5:])
    return ComplaintClockCounts(*unique, *sums)
