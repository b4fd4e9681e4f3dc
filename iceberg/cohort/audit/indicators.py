"""What the tickets show of how they were answered: counted where they lie, by category; nothing of a single ticket leaves."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from functools import cache
from importlib.resources import files

import numpy as np

from iceberg.cohort.audit.record import FROM_COLUMNS, FROM_TEXTS, MEANS, TicketFigures, TicketIndicators
from iceberg.cohort.audit.replies import count_replies
from iceberg.cohort.audit.tickets import column_of, complaints_of, rows_sql
from iceberg.errors import OptionError
from iceberg.ingest.columns.propose import normalise_header
from iceberg.ingest.engine.connection import quote_name
from iceberg.ingest.tables import Tables
from iceberg.ingest.values.flags import flag_sql

AGAIN_DAYS = 30  # as contact centres measure repeat contacts (judgement)
SMALLEST = 5  # a test holds it to `iceberg.report.small_cells`
_SHARES = ("called_back", "reopened", "gesture")
_MINUTES = "first_reply_minutes"
_NUMBER = r"[0-9]+([.,][0-9]+)?"
_CLOCK = r"[0-9]+:[0-5][0-9](:[0-5][0-9])?"
_Counts = tuple[int, float | None]  # cases of which an indicator is known, and how many have it, or their mean


@cache
def known_headers() -> Mapping[str, tuple[str, ...]]:
    """By indicator, the headers that are recognised."""
    text = files(__package__).joinpath("ticket_columns.toml").read_text(encoding="utf-8")
    return {name: tuple(headers) for name, headers in tomllib.loads(text).items()}


def count_indicators(tables: Tables, *, columns: Mapping[str, str] | None = None, reply_text: str = "") -> TicketIndicators:
    """Count every indicator for which the complaints have a column.

    Args:
        tables: Complaints, still open.
        columns: Header of an indicator that is not recognised.
        reply_text: Header of the texts of replies; without it none is read.

    Raises:
        EvidenceError: ``audit_no_cases``.
        OptionError: ``audit_column``; ``audit_indicator``: no such indicator.
    """
    item = complaints_of(tables)
    unknown = next((name for name in columns or {} if name not in known_headers()), None)
    if unknown is not None:
        raise OptionError("audit_indicator", {"value": unknown, "known": ", ".join(known_headers())})
    headers = {name: column_of(item, header).header for name, header in (columns or {}).items()}
    normal = {normalise_header(header): header for header in reversed(item.source.reading.headers)}
    for name, recognised in known_headers().items():
        found = next((normal[header] for header in recognised if header in normal), None)
        if found is not None:
            headers.setdefault(name, found)
    found_by = _from_columns(tables, rows_sql(tables, item, headers), headers)
    if reply_text:
        texts = rows_sql(tables, item, {"reply": column_of(item, reply_text).header})
        found_by |= count_replies(tables, f"SELECT category, reply FROM ({texts}) WHERE reply IS NOT NULL")
    cases = dict(tables.connection.execute(f"SELECT category, count(*) FROM ({rows_sql(tables, item, {})}) GROUP BY category").fetchall())
    names = sorted(cases)
    by_category = {name: {indicator: own.get(name, (0, None)) for indicator, own in found_by.items()} for name in names}
    whole = {indicator: own.get(None, (0, None)) for indicator, own in found_by.items()}
    figures = _hidden([_figures(name, cases[name], by_category[name]) for name in names])
    missing = tuple(name for name in FROM_COLUMNS if name not in found_by)
    return TicketIndicators(_figures(None, sum(cases.values()), whole), figures, missing, () if reply_text else FROM_TEXTS)


def _from_columns(tables: Tables, rows: str, headers: Mapping[str, str]) -> dict[str, dict[str | None, _Counts]]:
    """By indicator and category (None: all), the cases known and how many have it, or their mean."""
    measures = {name: f"count({_flag(name)}), sum({_flag(name)})" for name in _SHARES if name in headers}
    measures |= {name: f"count({_number(name)}), avg({_number(name)})" for name in ("replies", "transfers") if name in headers}
    hours = _hours(headers)
    if hours:
        measures["first_reply_hours"] = f"count({hours}), median({hours})"
    found = {name: _by_category(tables, measure, rows) for name, measure in measures.items()}
    again = f"""
        SELECT category, CAST(complaint_date <= max(complaint_date) OVER () - {AGAIN_DAYS} AS INTEGER) AS seen, CAST(coalesce(lead(complaint_date)
            OVER (PARTITION BY customer_id, category ORDER BY complaint_date) <= complaint_date + {AGAIN_DAYS}, FALSE) AS INTEGER) AS again
        FROM (SELECT DISTINCT category, complaint_date, customer_id FROM ({rows}))"""
    found["recontact"] = _by_category(tables, "sum(seen), sum(again * seen)", again)  # the last 30 days are left out: a second case may still come
    return {name: own for name, own in found.items() if own[None][0]}


def _by_category(tables: Tables, measure: str, rows: str) -> dict[str | None, _Counts]:
    sql = f"SELECT category, {measure} FROM ({rows}) GROUP BY GROUPING SETS ((category), ())"
    return {name: (int(known or 0), None if value is None else float(value)) for name, known, value in tables.connection.execute(sql).fetchall()}


def _flag(name: str) -> str:
    """SQL of 1 or 0. A gesture is often a code, and blank where there was none; elsewhere another word, or a blank cell, says neither."""
    said = flag_sql(quote_name(name))
    return f"coalesce({said}, CAST({quote_name(name)} IS NOT NULL AS INTEGER))" if name == "gesture" else said


def _number(name: str) -> str:
    column = quote_name(name)
    return f"CASE WHEN regexp_full_match({column}, '{_NUMBER}') THEN CAST(replace({column}, ',', '.') AS DOUBLE) END"


def _hours(headers: Mapping[str, str]) -> str:
    """SQL of the hours to the first reply, written as a number or as hours, minutes and seconds; "" without such a column."""
    name = next((name for name in ("first_reply_hours", _MINUTES) if name in headers), None)
    if name is None:
        return ""
    parts = [f"CAST(split_part({quote_name(name)}, ':', {place}) AS DOUBLE)" for place in (1, 2)]
    clock = f"CASE WHEN regexp_full_match({quote_name(name)}, '{_CLOCK}') THEN {parts[0]} + {parts[1]} / 60 END"
    return f"coalesce({clock}, {_number(name)}{' / 60' if name == _MINUTES else ''})"


def _figures(category: str | None, cases: int, found: Mapping[str, _Counts]) -> TicketFigures:
    values = {}
    for name, (known, value) in found.items():
        share = value if name in MEANS or value is None or not known else value / known
        few = name not in MEANS and value is not None and any(0 < part < SMALLEST for part in (value, known - value))
        values[name] = None if known < SMALLEST or few else share
    return TicketFigures(category, cases, {name: known for name, (known, _) in found.items()}, values)


def _hidden(figures: Sequence[TicketFigures]) -> tuple[TicketFigures, ...]:
    """The same; where an indicator is hidden in one category only, it is hidden in the next smallest too, because the total would reveal it."""
    found = list(figures)
    for name in {name for one in found for name in one.shares_and_means}:
        shown = [place for place, one in enumerate(found) if one.shares_and_means[name] is not None]
        hidden = [place for place, one in enumerate(found) if one.shares_and_means[name] is None and one.known[name]]
        if len(hidden) == 1 and shown:
            place = shown[int(np.argmin([found[one].known[name] for one in shown]))]
            one = found[place]
            found[place] = TicketFigures(one.category, one.cases, one.known, {**one.shares_and_means, name: None})
    return tuple(found)
