"""Counts complainants by whether their case was closed in time; rows stay in the engine, and no customer leaves it."""
# ruff: noqa: S608 - every piece of the text is a literal of this package, a number or a date

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import ComplaintClockCounts
from iceberg.cohort.journey.first_cases import CASES, FirstCases
from iceberg.cohort.journey.journey_counts import Split
from iceberg.cohort.journey.service_counts import UNDECIDED, ServiceCounts
from iceberg.cohort.journey.waits import count_waits, days_of, replies_are_days
from iceberg.ingest.tables import Tables
from iceberg.ingest.values.flags import flag_sql

FIELDS = ("in_time", "late", "due_date", "resolved_date", "first_reply", "first_reply_minutes")
# What systems write beside yes and no (Zendesk, Freshdesk, ServiceNow, Totango).
_MET = "within sla|met|achieved|fulfilled|on time|in time|in sla|respected|respecte|dans les delais|dans le delai|a temps|tenu"
_MISSED = "sla violated|violated|missed|breached|breach|late|overdue|not met|failed|hors delais?|en retard|depasse|non respecte|retard"


def with_service(counts: CohortCounts, tables: Tables) -> CohortCounts:
    """The counts with those of the service; unchanged where no column says what was closed in time, or how long complainants waited.

    Args:
        counts: Of the same tables; nothing else of them changes.
        tables: Trusted rows.
    """
    fields = tuple(name for name in FIELDS if name in tables.case_fields.get("complaints", ()))
    if not set(fields) - {"due_date"} or not counts.has_linked_complaints or not counts.has_calendar or not counts.categories:
        return counts
    with tables.engine.work():
        found = _count(FirstCases(tables, counts), fields)
    return counts if found is None else replace(counts, service=found)


def _count(cases: FirstCases, fields: tuple[str, ...]) -> ServiceCounts | None:
    """The counts; None where no case says anything and no column is to be named."""
    engine, as_of = cases.tables.engine, cases.of.as_of
    dated: list[str] = [name for name in ("due_date", "resolved_date") if name in fields]
    if "first_reply" in fields and replies_are_days(engine, "first_reply"):
        dated.append("first_reply")
    days, unread = days_of(engine, tuple(dated))
    cases.make(fields)
    waits = count_waits(cases, days, tuple(name for name in fields if name not in unread))
    said = []
    for name, otherwise in (("in_time", flag_sql("in_time")), ("late", f"1 - {flag_sql('late')}")):
        if name in fields:
            said.append(f"CASE WHEN {_word(name, _MET)} THEN 1 WHEN {_word(name, _MISSED)} THEN 0 ELSE {otherwise} END")
            [(written, read)] = engine.execute(f"SELECT count({name}), count({said[-1]}) FROM complaints").fetchall()
            unread += (name,) if written and not read else ()
    due, resolved = days.get("due_date", "NULL::DATE"), days.get("resolved_date", "NULL::DATE")
    sure = list(said)  # a case that is open since its customer left may have been closed: systems drop days with the customer
    if {"due_date", "resolved_date"} <= set(days):
        said.append(f"CASE WHEN resolved <= due THEN 1 WHEN due < coalesce(resolved, {as_of}) THEN 0 END")
        sure.append(f"CASE WHEN resolved IS NOT NULL OR end_date IS NULL THEN {said[-1]} END")
    if not said:
        return ServiceCounts((), 0, unread=unread, waits=waits, left_open=_left_open(cases, days)) if unread or waits else None
    # Whether a case was in time is known at its deadline: from then on customers are followed, in time and late alike (a landmark). Followed from the
    # day of closing, those in time would have the first weeks after the complaint, in which most leave, and the late ones would not.
    known = "greatest(complaint_date, coalesce(due, complaint_date))"
    verdict, outcome = f"coalesce({', '.join(said)})", f"coalesce({', '.join(sure or ['NULL::INTEGER'])})"
    engine.make("service_cases", f"""
        SELECT *, CASE WHEN decided <= {as_of} THEN verdict END AS in_time_by_then FROM (
            SELECT category, segment, start_date, end_date, complaint_date, rank, {known} AS decided, {verdict} AS verdict, {outcome} AS outcome
            FROM (SELECT *, {due} AS due, {resolved} AS resolved FROM {CASES}) AS dated
        ) AS said WHERE complaint_date >= {cases.of.since}""")  # fmt: skip
    left = "end_date IS NOT NULL AND end_date < decided"
    rows = engine.execute(f"""
        SELECT category, coalesce(in_time_by_then, {UNDECIDED}) AS place, count(*) FROM service_cases WHERE NOT coalesce({left}, false)
        GROUP BY 1, 2 ORDER BY 1, 2""").fetchall()
    [(gone,)] = engine.execute(f"SELECT count(*) FROM service_cases WHERE in_time_by_then IS NOT NULL AND {left}").fetchall()
    splits = tuple(Split(*map(int, row)) for row in rows)
    rows = engine.execute(f"""
        SELECT category, coalesce(outcome, {UNDECIDED}) AS place, count(*) FROM service_cases WHERE decided <= {as_of}
        GROUP BY 1, 2 ORDER BY 1, 2""").fetchall()
    outcomes = tuple(Split(*map(int, row)) for row in rows)
    if all(one.place == UNDECIDED for one in splits) and not unread and not waits:
        return None
    return ServiceCounts(splits, int(gone), _clock(cases, left), "due_date" in days, unread, waits, outcomes, _left_open(cases, days))


def _left_open(cases: FirstCases, days: Mapping[str, str]) -> tuple[Split, ...]:
    """By category, complainants who left without a day of closing; nothing where no column has days of closing."""
    if "resolved_date" not in days:
        return ()
    rows = cases.tables.engine.execute(f"""
        SELECT category, count(*) FROM {CASES} WHERE complaint_date >= {cases.of.since} AND end_date IS NOT NULL AND {days["resolved_date"]} IS NULL
        GROUP BY 1 ORDER BY 1""").fetchall()
    return tuple(Split(int(category), UNDECIDED, int(customers)) for category, customers in rows)


def _clock(cases: FirstCases, left: str) -> ComplaintClockCounts:
    """Every decided case on the clock since it was decided, by category and flag; and the first of each customer, behind all categories."""
    engine, behind = cases.tables.engine, 2 * len(cases.counts.categories)
    parts = []
    for place, condition in (("2 * category + in_time_by_then", "true"), (f"{behind} + in_time_by_then", "rank = 1")):
        engine.make("complained", f"""
            SELECT {place} AS category, segment, start_date, end_date, decided AS complaint_date, 1 AS rank FROM service_cases
            WHERE {condition} AND in_time_by_then IS NOT NULL AND NOT coalesce({left}, false)""")
        columns = engine.columns(cases.of.clocks())
        parts.append({name: values for name, values in columns.items() if name != "rank"})
    return ComplaintClockCounts.summed(*parts)


def _word(name: str, pattern: str) -> str:
    return f"regexp_full_match(lower(strip_accents(trim({name}))), '{pattern}')"
