"""The canonical tables, their fields, and the totals of their rows: words without behaviour."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Literal

import pyarrow as pa


@dataclass(frozen=True)
class RecentCustomers:
    """Customers of a day and later.

    Attributes:
        since: That day.
        alive: Columns segment, start_date, customers: whose last day is not before it (nor before their first day).
        left: Columns segment, start_date, end_date, revenue: those of them who left, one row each, without their ids.
        last_day: The latest day that any customer has, as first or as last day; None where it may be that of somebody who left before `since`.
    """

    since: date
    alive: pa.Table
    left: pa.Table
    last_day: date | None = None


# Fields of each table and what their values must be: "id", "date", "end" (a date that may be blank), "text",
# "number", "flag" (yes or no).
FIELDS: dict[str, dict[str, str]] = {
    "customers": {"customer_id": "id", "start_date": "date", "end_date": "end", "segment": "text", "revenue": "number"},
    "complaints": {"customer_id": "id", "complaint_date": "date", "category": "text"},
    "volumes": {"month": "date", "category": "text", "complaints": "number"},
    "incidents": {"customer_id": "id", "incident_date": "date", "category": "text"},
    "activity": {"customer_id": "id", "activity_date": "date"},
    "subscriptions": {"customer_id": "id", "start_date": "date", "end_date": "end", "segment": "text", "revenue": "number"},
    "events": {"customer_id": "id", "event_date": "date"},
    "flat": {
        "customer_id": "id",
        "tenure": "number",
        "churned": "flag",
        "complained": "flag",
        "category": "text",
        "segment": "text",
        "revenue": "number",
    },
    "surveys": {"category": "text", "asked": "number", "had_problem": "number", "complained": "number"},
}
# Fields that only correct the others; presets name them, a page need not ask for them.
EXTRA_FIELDS: dict[str, dict[str, str]] = {
    "customers": {
        "status": "text",  # says who is still here, where a system writes the last day before it has come
        "interval": "text",  # what the revenue is paid per, row by row
        "churned": "flag",  # yes or no without a day; compared with the days that other columns and tables give
        "link_id": "id",  # another id of the customer, where another table names that one
    },
    "subscriptions": {"status": "text", "interval": "text", "subscription_id": "id"},
}
REQUIRED: dict[str, tuple[str, ...]] = {
    "customers": ("customer_id", "start_date"),
    "complaints": ("complaint_date", "category"),
    "volumes": ("month", "category"),
    "incidents": ("customer_id", "incident_date", "category"),
    "activity": ("customer_id", "activity_date"),
    "subscriptions": ("customer_id", "start_date"),
    "events": ("customer_id", "event_date"),
    "flat": ("tenure", "churned"),
    "surveys": ("category", "asked", "had_problem", "complained"),
}
WITHOUT_CATEGORY = ("complaints", "volumes", "incidents")  # tables that say something even where nobody wrote what each complaint is about
# Label of complaints whose category is blank; ``ingest.uncategorised`` is what a person reads.
UNCATEGORISED = "(no category)"
TableName = Literal["customers", "complaints", "volumes", "incidents", "activity", "surveys", "flat", "subscriptions", "events"]
# Canonical columns and DuckDB types of each table inside the connection of `Tables`.
CANONICAL_COLUMNS: dict[str, dict[str, str]] = {
    "customers": {
        "customer_id": "VARCHAR",
        "start_date": "DATE",
        "end_date": "DATE",  # NULL while the customer is still here
        "segment": "VARCHAR",  # '' where the file has none
        "revenue": "DOUBLE",  # per year, file currency; NULL where unknown
    },
    "complaints": {"customer_id": "VARCHAR", "complaint_date": "DATE", "category": "VARCHAR"},
    "volumes": {"month": "DATE", "category": "VARCHAR", "complaints": "BIGINT"},  # month: its first day
    "incidents": {"customer_id": "VARCHAR", "incident_date": "DATE", "category": "VARCHAR"},
    "activity": {"customer_id": "VARCHAR", "activity_date": "DATE"},
    "subscriptions": {
        "customer_id": "VARCHAR",
        "start_date": "DATE",
        "end_date": "DATE",  # NULL while it runs
        "segment": "VARCHAR",
        "revenue": "DOUBLE",
    },
    "events": {"customer_id": "VARCHAR", "event_date": "DATE"},  # departures
    "flat": {
        "customer_id": "VARCHAR",  # NULL where the sheet names nobody
        "tenure_months": "DOUBLE",  # NULL where unknown
        "churned": "BOOLEAN",
        "category": "VARCHAR",  # NULL: did not complain
        "segment": "VARCHAR",
        "revenue": "DOUBLE",
    },
    "surveys": {"category": "VARCHAR", "asked": "BIGINT", "had_problem": "BIGINT", "complained": "BIGINT"},
}
# Tables whose rows name a customer, and their day. Inside the connection they also have ``customer_key``, as `key_sql` makes it.
TELLING = {"complaints": "complaint_date", "incidents": "incident_date"}


@dataclass(frozen=True)
class RowIssue:
    """One row that broke a rule.

    Attributes:
        table: Which table the row was for.
        file: Name of the file (no directory).
        line: Line in the file as an editor counts it (1-based, header included); the sheet row for Excel; the row
            number for Parquet.
        column: Header as in the file; "" when the whole row is meant.
        value: The offending text, as in the file.
        rule: Id of the rule; ``ingest.rules.<rule>.name``, ``.says`` and ``.remedy`` are its sentences.
        rejected: Whether the row was left out (True) or kept, repaired or flagged (False).
    """

    table: TableName
    file: str
    line: int
    column: str
    value: str
    rule: str
    rejected: bool


@dataclass(frozen=True)
class RuleCount:
    """How often a rule spoke in a table."""

    table: TableName
    rule: str
    rows: int
    rejected: bool


@dataclass(frozen=True)
class RowTotals:
    """kept + rejected = read."""

    read: int
    kept: int
    rejected: int


@dataclass(frozen=True)
class FileTotals:
    """What became of the rows of one file of a table that came in several."""

    table: TableName
    file: str
    read: int
    kept: int
    rejected: int


def all_fields(table: str) -> dict[str, str]:
    """Fields of a table with those that only correct others."""
    return {**FIELDS[table], **EXTRA_FIELDS.get(table, {})}


def key_sql(customer_id: str, *, numbered: bool) -> str:
    """By what customers and rows that name them meet: the hash of the id, or of the number that it is where all of them are.

    Writing ten million numbers out as texts takes longer than everything else that is done with their hashes.
    """
    return f"hash(CAST({customer_id} AS BIGINT))" if numbered else f"hash({customer_id})"
