"""Reduces trusted tables to `CohortCounts`. Rows stay in the engine; only counts reach Python."""
# ruff: noqa: S608 - names in the text are literals of this package

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import numpy as np

from iceberg.cohort.axis_names import Names
from iceberg.cohort.cancellations.search import WITHIN_DAYS, count_without
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import ANY_CATEGORY, ComplaintClockCounts, TenureDayCounts
from iceberg.cohort.evidence_months import reduce_recorded
from iceberg.cohort.findings.findings import MassEnd, ReadingRemark, RecordingChange
from iceberg.cohort.findings.groups import DepartureGroups, find_groups
from iceberg.cohort.flat import reduce_flat
from iceberg.cohort.incidents import observe_silence
from iceberg.cohort.journey.count import with_journey
from iceberg.cohort.journey.service import with_service
from iceberg.cohort.lexis import Columns, LexisAxes, add_up, person_days
from iceberg.cohort.positives.count import with_positives
from iceberg.cohort.reasons.count import count_reasons
from iceberg.cohort.renewals.contracts import ContractCells
from iceberg.cohort.renewals.search import reduce_renewing
from iceberg.cohort.scores.count import with_scores
from iceberg.cohort.statements import ALIVE, FIRST_COMPLAINED, LEFT, REVENUE_UNITS, Statements
from iceberg.cohort.window import DEFAULT_BAND_EDGES_MONTHS, DEFAULT_CLOCK_EDGES_DAYS, ObservationWindow
from iceberg.errors import EvidenceError, OptionError
from iceberg.ingest.engine.protocol import Engine
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.schema import RecentCustomers
from iceberg.ingest.tables import Tables

MAX_SEGMENTS = 300  # judgement: a hundred take seconds, and time grows with their number
# Judgement: of more than a dozen segments, those of fewer customers, past the largest, are taken together; the others are pooled by the model as
# far as they are alike. Months and tenure bands of so few customers say nothing of their own, and take as long as any other.
FEW_SEGMENTS, LEAST_CUSTOMERS = 12, 30
MAX_CATEGORIES = 24  # judgement: more than that is free text, not a list of reasons
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
    term: int | None = None,
    keep_cancellations: bool = False,
    negative_controls: Sequence[str] = (),
    recording_changes: Sequence[RecordingChange | date | str] | None = None,
    score_look_back_days: int | None = None,
) -> CohortCounts:
    """Counts the customers and complaints of `tables` inside `window`.

    Exact to the day: person-days and departures equal an explosion into one row per customer and day. Complaints outside a customer's life (before
    the first day, after the departure) count as complaints of the file but make no customer a complainant. A customer's repeated complaints of one
    category count once, at the first one; when that lies in the look-back, the customer is in the complained state from the window's first day and is
    not counted as a complainant.

    Args:
        tables: Trusted rows; not changed.
        window: Days to count; by default the 24 months up to the last day seen, not before the first complaint's month.
        band_edges_months: Lower edges of completed months of tenure.
        clock_edges_days: Lower edges of days since the complaint.
        max_segments: With more segments than this, the largest stay apart and the last one holds the rest
            (`CohortCounts.grouped_segments` says how many).
        max_categories: The same for complaint categories (`CohortCounts.grouped_categories`).
        keep_months: Whether to count months whose departures or complaints seem to be missing (see `iceberg.cohort.evidence_months`).
        term: Months between the renewals of contracts, counted from the first day of a customer; 0 where customers can leave at any time. By
            default the departures decide (`iceberg.cohort.renewals.search`).
        keep_cancellations: Whether complaints that look like logged cancellations count as complaints; by default they do not (see
            `iceberg.cohort.cancellations` and `CohortCounts.cancellations`).
        negative_controls: Categories that cannot cause departures: no silent churn is given to them; what the model would find is shown as bias.
        recording_changes: Days from which another share of the complaints is recorded (``2024-07-01``, of one category ``2024-07-01:billing``); empty
            where there is none, None where nobody was asked.
        score_look_back_days: For how long a satisfaction score is a customer's last word; 180 by default. No estimate depends on scores.

    Returns:
        Counts; the order of rows in the files does not matter.

    Raises:
        EvidenceError: Neither a customer nor a complaint lies inside the window; scores cannot be counted (`with_scores`, as `with_positives`).
        OptionError: A window for a flat sheet, which has no dates; a negative control that is no category.
    """
    if "flat" in tables.names:
        if window is not None:
            raise OptionError("flat_no_window", {})
        edges = {"band_edges_months": band_edges_months, "clock_edges_days": clock_edges_days}
        flat = reduce_flat(tables, **edges, max_segments=max_segments, max_categories=max_categories)
        return with_positives(with_journey(with_scores(_with_remarks(with_controls(flat, negative_controls), tables), tables), tables), tables)
    window = window if window is not None else default_window(tables)

    def counts_inside(days: ObservationWindow, edges: Sequence[int] | None, *, cancelled: tuple[str, ...] = ()) -> CohortCounts:
        statements = Statements(days, tuple(edges or band_edges_months), tuple(clock_edges_days), tables.customer_key)
        with tables.engine.work():
            return _Reduction(tables, statements, max_segments, max_categories, cancelled, term).counts()

    def renewing(days: ObservationWindow, *, cancelled: tuple[str, ...] = ()) -> CohortCounts:
        return reduce_renewing(lambda edges: counts_inside(days, edges, cancelled=cancelled), term=term)

    counts = reduce_recorded(renewing, window, keep_months=keep_months)
    recorded = count_without(lambda cancelled: renewing(counts.window, cancelled=cancelled), counts, keep_cancellations=keep_cancellations)
    named = with_service(with_journey(_with_remarks(with_controls(recorded, negative_controls), tables), tables), tables)
    counted = with_positives(with_scores(named, tables, look_back_days=score_look_back_days), tables)
    if recording_changes is None:
        return counted
    return replace(counted, recording_changes=tuple(RecordingChange.parse(str(change)) for change in recording_changes))


def _with_remarks(counts: CohortCounts, tables: Tables) -> CohortCounts:
    """The counts with what reading found; without files, as in a simulation, that is nothing."""
    return replace(counts, reading=tuple(ReadingRemark(code, values) for code, values in tables.remarks)) if tables.remarks else counts


def with_controls(counts: CohortCounts, categories: Sequence[str]) -> CohortCounts:
    """The counts with these categories as negative controls.

    Raises:
        OptionError: A name is not one of the counts' categories, or no other category would be left.
    """
    unknown = [name for name in categories if name not in counts.categories]
    if unknown:
        raise OptionError("control_unknown", {"value": ", ".join(unknown), "known": ", ".join(counts.categories)})
    if categories and set(categories) >= set(counts.categories):
        raise OptionError("controls_only", {"value": ", ".join(categories)})
    return replace(counts, negative_controls=tuple(name for name in counts.categories if name in set(categories))) if categories else counts


def default_window(tables: Tables) -> ObservationWindow:
    """The 24 months up to the last day seen, not before the month of the first complaint.

    Raises:
        EvidenceError: The tables hold no day.
    """
    sources = {
        "customers": "max(greatest(start_date, coalesce(end_date, start_date))), NULL",
        "complaints": "max(complaint_date), min(complaint_date)",
        "volumes": "max(last_day(month)), min(month)",
    }
    last, first_complaint = tables.last_day, tables.first_complaint
    if last is None or (first_complaint is None and tables.names & {"complaints", "volumes"}):
        queries = [f"SELECT {days} FROM {name}" for name, days in sources.items() if name in tables.names]
        seen = [tables.engine.execute(query).fetchall()[0] for query in queries]
        last = last or max((day for day, _ in seen if day is not None), default=None)
        first_complaint = first_complaint or min((day for _, day in seen if day is not None), default=None)
    if last is None:
        raise EvidenceError("no_days", {})
    return ObservationWindow.ending(last, first_complaint=first_complaint)


def looking_back(window: ObservationWindow | None, tables: Tables, mapping: MappingSet | None) -> ObservationWindow | None:
    """`window`, by default that of the tables, with the look-back of `mapping`; unchanged where the mapping has none."""
    if mapping is None or mapping.look_back_days is None or "flat" in tables.names:
        return window
    return replace(window or default_window(tables), look_back_days=mapping.look_back_days)


@dataclass
class _Reduction:
    tables: Tables
    statements: Statements
    max_segments: int
    max_categories: int
    cancelled: tuple[str, ...] = ()  # categories with logged cancellations
    term: int | None = None

    def counts(self) -> CohortCounts:
        window = self.statements.window
        self.engine, self.recent = self.tables.engine, self._recent()
        self.segments = self._segments()
        linked = self._complaints()
        if not self.segments.names and not self.complaints.any():
            raise EvidenceError("nothing_in_window", {"since": window.since, "as_of": window.as_of})
        names = self.segments.names or ("",)
        first_month, earliest = self.statements.first_month, self.statements.earliest_start_month
        self.axes = LexisAxes(window, names, self.statements.band_edges_months, first_month, earliest)
        fields: dict[str, Any] = {
            "complaints": self.complaints,
            "currency": self.tables.currency,
            "band_edges_months": self.statements.band_edges_months,
            "clock_edges_days": self.statements.clock_edges_days,
            "grouped_segments": self.segments.others,
            "grouped_categories": self.categories.others,
            **self.segments.columns(self.tables.segment_columns),
        }
        if self.segments.names:
            fields |= self._customers_and_vocal() if linked else self._customers(self.engine)[0]
            fields["silent_exit_revenue"] = fields["silent_exit_revenue"] / REVENUE_UNITS
        shape = (len(self.categories.names), len(names))
        fields["observed"] = observe_silence(self.tables, self.statements, places=self.place_of, shape=shape, linked=linked)
        fields["stated"] = count_reasons(
            self.tables, self.statements, places=self.place_of, categories=self.categories.names, segments=names, linked=linked
        )
        return CohortCounts.zeros(window, segments=names, categories=self.categories.names, **fields)

    def _recent(self) -> RecentCustomers | None:
        """The recent customers that were collected while their file was read, unless the window begins before them."""
        recent = self.tables.recent
        return recent if recent is not None and recent.since <= self.statements.window.since else None

    def _segments(self) -> Names:
        """Makes `starts`, customers by segment and first day, and finds the segments; each with every contract, where a column gives these."""
        if "customers" not in self.tables.names:
            return Names((), 0)
        sample = f"SELECT count(DISTINCT segment) FROM (SELECT segment FROM customers LIMIT {_SAMPLE_ROWS}) AS sampled"
        source = "starts_by_name"
        if self.recent is not None:
            self.engine.register(ALIVE, self.recent.alive)
            self.engine.register(LEFT, self.recent.left)
            self.engine.make(source, self.statements.starts_of_recent())
        elif self.engine.execute(sample).fetchall()[0][0] > _MANY_NAMES:
            source = "customers"
        else:
            self.engine.make(source, self.statements.starts_by_name())
        sizes = dict(self.engine.execute(self.statements.segment_sizes(source)).fetchall())
        largest = partial(Names.largest, most=self.max_segments, few=FEW_SEGMENTS, least=LEAST_CUSTOMERS)
        cells = ContractCells.of(sizes, largest, term=self.term)
        segments = largest(sizes) if cells is None else Names(cells.names, cells.segments.others)
        if segments.names:
            places = self.statements.places(segments.names) if cells is None else self.statements.places_of(cells.places)
            self.engine.make("segment_places", places)
            self.engine.make("starts", self.statements.starts(source, len(segments.names) - 1))
        return segments

    def _complaints(self) -> bool:
        """Finds the categories and the complaints per month; says whether they are rows that may lead to customers."""
        rows: list[tuple[Any, ...]] = []
        if "complaints" in self.tables.names:
            rows = self.engine.execute(self.statements.complaints()).fetchall()
        linked = bool(rows and self.segments.names)
        if not rows and "volumes" in self.tables.names:
            rows = self.engine.execute(self.statements.volumes()).fetchall()
        sizes: Counter[str] = Counter()
        for name, _, size in rows:
            sizes[name] += int(size)
        self.categories = Names.largest(sizes, self.max_categories)
        self.place_of = {name: self.categories.place(name) for name in sizes}
        self.complaints = np.zeros((len(self.categories.names), len(self.statements.window.months)), dtype=np.int64)
        for name, month, size in rows:
            if month >= 0:  # the others lie in the look-back
                self.complaints[self.place_of[name], month] += int(size)
        return linked

    def _customers_and_vocal(self) -> dict[str, Any]:
        """The fields of all customers, with the time after the first complaint moved into the vocal state.

        Much of the work is the engine's planning, on one core: with recent customers, whose rows are few, both halves run at the same time.
        """
        beside = self.engine.fork(("starts", "segment_places", LEFT)) if self.recent is not None else None
        if beside is None:
            customers, moves = self._customers(self.engine)
            vocal, exits, vocal_moves = self._vocal()
        else:
            with closing(beside), ThreadPoolExecutor(1) as thread:
                future = thread.submit(self._customers, beside)
                vocal, exits, vocal_moves = self._vocal()
                customers, moves = future.result()
        return customers | vocal | {
            "silent_person_days": customers["silent_person_days"] - vocal["vocal_person_days"],
            "silent_exits": customers["silent_exits"] - exits["customers"],
            "silent_exit_revenue": customers["silent_exit_revenue"] - exits["revenue_units"],
            "silent_exit_revenue_known": customers["silent_exit_revenue_known"] - exits["revenue_known"],
            "tenure_days": TenureDayCounts.summed(moves, vocal_moves),
        }

    def _customers(self, engine: Engine) -> tuple[dict[str, Any], Columns]:
        """The fields of all customers as if none had complained, and how they move along tenure."""
        statements, axes = self.statements, self.axes
        left = "customers" if self.recent is None else LEFT
        engine.make("departures", statements.departures(left, len(axes.segments) - 1))
        starts = engine.columns("SELECT segment, sum(customers) AS customers FROM starts GROUP BY segment")
        started = person_days(engine.columns(statements.tails_of_starts()), axes)
        ended = person_days(engine.columns(statements.tails_of_departures("departures")), axes)
        exits = self._exits(engine, "departures")
        moves = engine.columns(statements.tenure_days_of_all())
        fields = {
            "has_customers": True,
            "has_revenue": bool(exits["revenue_known"].any()),
            "customers_at_risk": add_up((len(axes.segments),), (starts["segment"],), starts["customers"]),
            "silent_person_days": started - ended,
            "silent_exits": exits["customers"],
            "silent_exit_revenue": exits["revenue_units"],
            "silent_exit_revenue_known": exits["revenue_known"],
            "tenure_days": TenureDayCounts.summed(moves),
            **self._days_of_departures(engine),
        }
        return fields, moves

    def _days_of_departures(self, engine: Engine) -> dict[str, MassEnd | DepartureGroups | None]:
        """The day with most departures of the window, where it is a mass end; and the size of groups that leave together."""
        by_day, window = engine.columns(self.statements.departures_by_day()), self.statements.window
        if not len(by_day["day"]):
            return {}
        leavers = np.bincount(by_day["day"], by_day["customers"]).astype(np.int64)
        day = int(leavers.argmax())
        end = MassEnd.of(window.since + timedelta(days=day), int(leavers[day]), int(leavers.sum()), months=len(window.months))
        days = np.datetime64(window.since) + by_day["day"]
        return {"mass_end": end, "groups": find_groups(by_day["segment"], days, by_day["customers"], segments=len(self.axes.segments))}

    def _vocal(self) -> tuple[dict[str, Any], Columns, Columns]:
        """The fields of complainants, their departures, and how they move along tenure."""
        engine, statements, axes = self.engine, self.statements, self.axes
        engine.make("category_places", statements.places(self.categories.names))
        engine.make("complaints_counted", statements.complaints_counted(len(self.categories.names) - 1))
        engine.make("matched", statements.matched(self.tables.named_customers))
        cancelled = [self.categories.names.index(name) for name in self.cancelled]
        engine.make("complained", statements.complained(len(axes.segments) - 1, cancelled=cancelled, within_days=WITHIN_DAYS))
        complained = person_days(engine.columns(statements.tails_of_complaints()), axes)
        days = complained - person_days(engine.columns(statements.tails_of_departures(FIRST_COMPLAINED)), axes)
        exits = self._exits(engine, FIRST_COMPLAINED)
        of_each = engine.columns(statements.clocks())
        of_all = {name: values[of_each["rank"] == 1] for name, values in of_each.items()}
        of_all["category"] = np.full_like(of_all["category"], ANY_CATEGORY)
        clock = ComplaintClockCounts.summed(of_each, of_all)
        place = (clock.category, clock.segment, clock.month, clock.band)  # -1, any category, is the last place
        complainants = add_up((len(self.categories.names) + 1, *axes.shape), place, clock.exited + clock.censored)
        fields = {
            "has_linked_complaints": bool(complainants.any()),
            "vocal_person_days": days,
            "vocal_exits": exits["customers"],
            "complainants": complainants[:-1],
            "complainants_any": complainants[-1],
            "clock": clock,
        }
        return fields, exits, engine.columns(statements.tenure_days_of_complained())

    def _exits(self, engine: Engine, source: str) -> Columns:
        rows = engine.columns(self.statements.exits(source))
        place = (rows["segment"], rows["month"], rows["band"])
        return {name: add_up(self.axes.shape, place, rows[name]) for name in ("customers", "revenue_known", "revenue_units")}
