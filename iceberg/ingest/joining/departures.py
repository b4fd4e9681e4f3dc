"""Joins several tables to one table of customers: their first day and last day, by the rules of `Joining`."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, timedelta

import duckdb

from iceberg.ingest.columns.mapping import ColumnMapping
from iceberg.ingest.joining.activity import Silences, last_visible_day, propose_inactivity
from iceberg.ingest.joining.contradictions import find_contradictions
from iceberg.ingest.joining.options import Folding, Inactivity, Joining, JoiningReport
from iceberg.ingest.joining.subscriptions import fold_subscriptions
from iceberg.ingest.judging.judge import count_flags
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.rules.rules import bit_of, reject_mask
from iceberg.ingest.rules.select import TypedFields
from iceberg.ingest.values.terms import CONTRACT_MARK_SQL

JOINED = "customers_joined"
_SIDES = ("subscriptions", "events", "activity")
_EMPTY = {
    "folded": "first_start DATE, last_start DATE, spell_start DATE, first_end DATE, end_date DATE, segment VARCHAR, revenue DOUBLE, spells BIGINT",
    "left_events": "first_event DATE, last_event DATE, gone_event DATE, early_events BIGINT, returns BIGINT",
    "active": "first_day DATE, last_day DATE",
    "first_complaints": "first_complaint DATE",
}


@dataclass
class Joined:
    """The report of joining, and the last day on which an activity log can show departures."""

    report: JoiningReport
    last_day: date | None = None


def needs_joining(loaded: Mapping[str, object], rules: Joining) -> bool:
    """Whether another table, a flag or a rule changes what the customers table says."""
    customers = loaded.get("customers")
    flagged = isinstance(customers, JudgedTable) and "churned" in customers.fields.columns
    return bool(set(_SIDES) & set(loaded)) or flagged or ("customers" in loaded and rules.early_complaints == "move_start")


def join_customers(connection: duckdb.DuckDBPyConnection, loaded: dict[str, JudgedTable], rules: Joining) -> Joined:
    """Join the first and last days of every table; adds or replaces ``loaded["customers"]``.

    Rows of the other tables whose id is not in the customers table are rejected (``unknown_customer``).
    """
    own = loaded.get("customers")
    if own is not None:
        for table in _SIDES:
            if table in loaded:
                _reject_unknown(connection, loaded[table], own)
    folding = inactivity = None
    if "subscriptions" in loaded:
        folding = fold_subscriptions(connection, accepted_sql(loaded["subscriptions"]), gap_days=rules.gap_days, target="folded")
    if "activity" in loaded:
        inactivity = _find_inactivity(connection, loaded, rules)
    for name, columns in _EMPTY.items():
        if not (name == "folded" and folding) and not (name == "active" and "activity" in loaded):
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} (customer_id VARCHAR, {columns})")
    if "complaints" in loaded and rules.early_complaints == "move_start":
        first = f"SELECT customer_id, min(complaint_date) AS first_complaint FROM ({accepted_sql(loaded['complaints'])}) GROUP BY customer_id"
        connection.execute(f"CREATE OR REPLACE TEMP TABLE first_complaints AS {first}")
    if "events" in loaded:
        _gather_events(connection, loaded, own, rules)
    derived = "" if own is not None else next(table for table in _SIDES if table in loaded and table != "events")
    source = {"": "", "subscriptions": "folded", "activity": "active"}[derived]
    _create_joined(connection, own, source, rules, inactivity)
    item = _joined_item(connection, loaded, derived)
    files = {table: entry.source.reading.file for table, entry in loaded.items()}
    loaded["customers"] = item
    report = _report(connection, loaded, rules, derived, folding, inactivity, files)
    if inactivity is None:
        return Joined(report)
    used = derived == "activity" or rules.end_from == "activity" or report.ends.get("activity", 0) > 0
    return Joined(replace(report, inactivity=replace(inactivity, used=used)), inactivity.as_of if used else None)


def accepted_sql(item: JudgedTable) -> str:
    """SQL of the rows of a judged table that no rule rejected, with all its columns; needs the relation ``item.read_name``."""
    return f"SELECT * FROM {item.read_name} WHERE (flags & {reject_mask(item.table)}) = 0"


def _reject_unknown(connection: duckdb.DuckDBPyConnection, item: JudgedTable, customers: JudgedTable) -> None:
    connection.execute(
        f"UPDATE {item.read_name} SET flags = flags | {bit_of(item.table, 'unknown_customer')} WHERE (flags & {reject_mask(item.table)}) = 0 "
        f"AND NOT EXISTS (SELECT 1 FROM ({accepted_sql(customers)}) k WHERE k.customer_id = {item.read_name}.customer_id)"
    )


def _find_inactivity(connection: duckdb.DuckDBPyConnection, loaded: dict[str, JudgedTable], rules: Joining) -> Inactivity | None:
    """Find the threshold, and write the first and last day of activity of each customer to the table ``active``; complaints are activity."""
    rows = accepted_sql(loaded["activity"])
    complaints = "SELECT NULL::VARCHAR AS customer_id, NULL::DATE AS last_complaint"
    if "complaints" in loaded:
        complaints = f"SELECT customer_id, max(complaint_date) AS last_complaint FROM ({accepted_sql(loaded['complaints'])}) GROUP BY customer_id"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE active AS SELECT customer_id, first_day, greatest(last_day, last_complaint) AS last_day FROM ("
        f"SELECT customer_id, min(activity_date) AS first_day, max(activity_date) AS last_day FROM ({rows}) GROUP BY customer_id) "
        f"LEFT JOIN ({complaints}) USING (customer_id)"
    )
    if not rules.silence_is_read:
        return None
    first, last = connection.execute(f"SELECT min(activity_date), max(activity_date) FROM ({rows})").fetchall()[0]
    first, last = first or date(1970, 1, 1), last or date(1970, 1, 1)
    silences = Silences.read(connection, rows, last_day=last)
    proposed = propose_inactivity(silences, first_day=first, last_day=last)
    days = rules.inactivity_days or proposed.days
    customers, silent, early = connection.sql(
        f"SELECT count(*), count(*) FILTER (last_day < DATE '{last}' - {days}), count(*) FILTER (first_day < DATE '{first}' + {days}) FROM active"
    ).fetchall()[0]
    returned = silences.returned(days=days)
    as_of = last_visible_day(last, threshold_days=days, end=rules.inactivity_end)
    return Inactivity(
        days, proposed.days, bool(rules.inactivity_days), proposed.settled, customers, silent, first, last, as_of, early, returned, proposed.steps
    )


def _gather_events(connection: duckdb.DuckDBPyConnection, loaded: dict[str, JudgedTable], own: JudgedTable | None, rules: Joining) -> None:
    """Write the events of each customer to ``left_events``: first and last one, first one without a return, early ones and returns."""
    starts = "SELECT customer_id, first_start AS start_date FROM folded"
    if own is not None:
        starts = f"SELECT customer_id, start_date FROM ({accepted_sql(own)})"
    # Only a subscription that begins after the event is a return.
    begins = "SELECT NULL::VARCHAR AS customer_id, NULL::DATE AS start_date"
    if "subscriptions" in loaded:
        begins = f"SELECT customer_id, start_date FROM ({accepted_sql(loaded['subscriptions'])})"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE left_events AS
        SELECT customer_id, min(event_date) FILTER (NOT early) AS first_event, max(event_date) FILTER (NOT early) AS last_event,
            min(event_date) FILTER (NOT early AND (next_start IS NULL OR next_start > event_date + {max(rules.gap_days, 1)})) AS gone_event,
            count(*) FILTER (early) AS early_events, count(*) FILTER (NOT early AND next_start IS NOT NULL) AS returns
        FROM (
            SELECT e.customer_id, e.event_date, coalesce(e.event_date < s.start_date, FALSE) AS early, b.start_date AS next_start
            FROM (SELECT DISTINCT customer_id, event_date FROM ({accepted_sql(loaded["events"])})) e
            LEFT JOIN (SELECT customer_id, min(start_date) AS start_date FROM ({starts}) GROUP BY customer_id) s USING (customer_id)
            ASOF LEFT JOIN (SELECT DISTINCT customer_id, start_date FROM ({begins}) WHERE start_date IS NOT NULL) b
                ON b.customer_id = e.customer_id AND b.start_date > e.event_date
        ) GROUP BY customer_id
        """
    )


def _create_joined(connection: duckdb.DuckDBPyConnection, own: JudgedTable | None, derived: str, rules: Joining, watched: Inactivity | None) -> None:
    """One row per row of the customers file (or per derived customer), with the days of every table and the chosen ones."""
    first = {"folded": "first_start", "active": "first_day"}.get(derived, "")
    if own is not None:
        linked = ", linked_to" if "linked_to" in own.fields.columns else ""
        churned = "churned = 1" if "churned" in own.fields.columns else "NULL::BOOLEAN"
        base = (
            f"SELECT {own.record_sql} AS place, customer_id, start_date AS own_start, end_date AS own_end, segment AS own_segment, "
            f"revenue AS own_revenue, {churned} AS churned, flags{linked} FROM {own.read_name}"
        )
    else:
        base = (
            f"SELECT row_number() OVER (ORDER BY customer_id) AS place, customer_id, {first} AS own_start, NULL::DATE AS own_end, '' AS own_segment, "
            f"NULL::DOUBLE AS own_revenue, NULL::BOOLEAN AS churned, 0 AS flags FROM {derived}"
        )
    undated = bit_of("customers", "churned_without_date") if rules.flag == "leave_out" else 0
    end = "CASE WHEN churned IS NOT TRUE THEN NULL ELSE chosen_end END" if rules.flag == "must_agree" and own is not None else "chosen_end"
    segment = "coalesce(nullif(own_segment, ''), segment, '')"
    if own is not None and own.fields.has_contracts:  # without a segment of its own a customer has the contract behind none
        segment = f"CASE WHEN starts_with(own_segment, {CONTRACT_MARK_SQL}) THEN coalesce(segment, '') || own_segment ELSE {segment} END"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {JOINED} AS
        SELECT customer_id, chosen_start AS start_date, CASE WHEN {end} >= chosen_start THEN {end} END AS end_date, chosen_source AS end_source,
            {segment} AS segment, coalesce(own_revenue, revenue) AS revenue,
            flags | CASE WHEN churned AND chosen_end IS NULL THEN {undated} ELSE 0 END AS flags,
            * EXCLUDE (customer_id, chosen_start, chosen_end, chosen_source, own_segment, segment, own_revenue, revenue, flags)
        FROM (SELECT *, {_end_sql(rules)}, {_start_sql(rules)} AS chosen_start FROM (
            SELECT b.*, f.first_start, f.last_start, f.spell_start, f.first_end, f.end_date AS folded_end, f.segment, f.revenue, f.spells,
                e.first_event, e.last_event, e.gone_event, e.early_events, e.returns, a.first_day, a.last_day, t.first_complaint,
                {_silent_sql(rules, watched)} AS silent_end
            FROM ({base}) b LEFT JOIN folded f USING (customer_id) LEFT JOIN left_events e USING (customer_id)
                LEFT JOIN active a USING (customer_id) LEFT JOIN first_complaints t USING (customer_id)
        )) ORDER BY place
        """
    )


def _silent_sql(rules: Joining, watched: Inactivity | None) -> str:
    """SQL of the DATE on which a silent customer left, else NULL; needs ``a.last_day`` and ``b.own_start``, as the sign-up is activity."""
    if watched is None:
        return "NULL::DATE"
    active, last = "greatest(a.last_day, b.own_start)", watched.last_day
    shift = f" + {watched.days}" if rules.inactivity_end == "threshold" else ""
    return f"CASE WHEN {active} < DATE '{last - timedelta(days=watched.days)}' THEN {active}{shift} END"


def _start_sql(rules: Joining) -> str:
    """SQL of the first day; needs own_start, first_start, first_day, spells, spell_start and first_complaint."""
    start = "least(own_start, first_start, first_day)" if rules.start_from == "earliest" else "own_start"
    if rules.reactivated == "last_return":
        start = f"CASE WHEN spells > 1 THEN greatest({start}, spell_start) ELSE {start} END"
    return f"least({start}, first_complaint)" if rules.early_complaints == "move_start" else start


def _end_sql(rules: Joining) -> str:
    """SQL of ``chosen_end`` and ``chosen_source``, the last day and its table; needs the columns of `_EMPTY`, own_end and silent_end.

    An event before the start of a subscription is no end unless the first departure counts; the subscriptions then have the end.
    """
    first = rules.reactivated == "first_departure"
    event = "gone_event" if first else "CASE WHEN last_start > last_event THEN NULL ELSE last_event END"
    if rules.end_from == "events":  # subscriptions are not checked for a return
        event = "first_event" if first else "last_event"
    folded = "first_end" if first else "folded_end"
    sides = {"customers": "own_end", "events": event, "subscriptions": folded, "activity": "silent_end"}
    if rules.end_from != "auto":
        sides = {rules.end_from: sides[rules.end_from]}
    elif first:  # the earlier of the two
        sides["events"], sides["subscriptions"] = f"CASE WHEN {event} <= coalesce({folded}, {event}) THEN {event} END", folded
    if rules.end_from == "auto":  # a subscription or an event is better evidence than silence
        sides["activity"] = "CASE WHEN spells IS NULL AND last_event IS NULL THEN silent_end END"
    source = " ".join(f"WHEN ({sql}) IS NOT NULL THEN '{table}'" for table, sql in sides.items())
    return f"coalesce({', '.join(f'({sql})' for sql in sides.values())}, NULL::DATE) AS chosen_end, CASE {source} ELSE '' END AS chosen_source"


def _joined_item(connection: duckdb.DuckDBPyConnection, loaded: dict[str, JudgedTable], derived: str) -> JudgedTable:
    own = loaded.get("customers")
    if own is not None:
        rows = connection.execute(f"SELECT count(*) FROM {JOINED}").fetchall()[0][0]
        records = rows if own.is_view else own.file_records
        own.read_name, own.is_view, own.file_records, own.flags = JOINED, False, records, {}
        return own
    side = loaded[derived]
    source = replace(side.source, reading=replace(side.source.reading, table="customers", used={}, dropped=()))
    return JudgedTable("customers", source, ColumnMapping("customers"), TypedFields({}), JOINED)


def _report(
    connection: duckdb.DuckDBPyConnection,
    loaded: dict[str, JudgedTable],
    rules: Joining,
    derived: str,
    folding: Folding | None,
    inactivity: Inactivity | None,
    files: dict[str, str],
) -> JoiningReport:
    accepted = accepted_sql(loaded["customers"])
    customers, leavers = connection.execute(f"SELECT count(*), count(end_date) FROM ({accepted})").fetchall()[0]
    ends = dict(connection.execute(f"SELECT end_source, count(*) FROM ({accepted}) WHERE end_date IS NOT NULL GROUP BY 1 ORDER BY 1").fetchall())
    for table in _SIDES:
        if table in loaded:
            loaded[table].flags = {}
            count_flags(connection, loaded[table])
    complaints = accepted_sql(loaded["complaints"]) if "complaints" in loaded else ""
    # A customer whom the rule on flags rejects is still a contradiction.
    everyone = f"SELECT * FROM {JOINED} WHERE (flags & {reject_mask('customers') - bit_of('customers', 'churned_without_date')}) = 0"
    flagged = "churned" in loaded["customers"].fields.columns
    contradictions = find_contradictions(connection, everyone, complaints, rules, files, tables=frozenset(loaded), flagged=flagged)
    return JoiningReport(rules, derived, customers, leavers, ends, folding=folding, inactivity=inactivity, contradictions=contradictions)
