"""The canonical tables, their fields, and the totals of their rows."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pyarrow as pa


@dataclass(frozen=True)
class RecentCustomers:
    """Customers of a day and later.

    Attributes:
        since: That day.
        alive: Columns segment, start_date, customers: whose last day is not before it (nor before their first day).
        left: Columns segment, start_date, end_date, revenue: those of them who left, one row each, without their ids.
        last_day: The latest first or last day of any customer; None where it may be that of a customer who left before `since`.
    """

    since: date
    alive: pa.Table
    left: pa.Table
    last_day: date | None = None


WITHOUT_CATEGORY = ("complaints", "volumes", "incidents")  # tables that can be counted even where no column says what each complaint is about
# Label of complaints whose category is blank; ``ingest.uncategorised`` is what a person reads.
UNCATEGORISED = "(no category)"
LONGEST_SEPARATOR = 10  # characters between the categories of one cell
SEVERAL = "\x1f"  # between the categories of one cell, until its table is published
# Between the segment of a customer and what the file says of the contract (`iceberg.ingest.values.terms.contract_sql`): whatever groups customers by
# segment, in either engine, then groups them by contract as well.
CONTRACT_MARK = "\x1f"
CONTRACT_FIELDS = ("term", "renewal_date")  # of the customers
# A segment that several columns give: "region + plan" names the columns, "North · Premium" a cell of them, "–" a blank level.
COLUMNS_TOGETHER, LEVELS_TOGETHER, BLANK_LEVEL = " + ", " · ", "–"
# Between the headers of a year and of its month, where the two columns give one date: "Cancellation Year & Cancellation Month".
MONTH_OF_YEAR = " & "
FIELDS_OF_CUSTOMER = ("start_date", "end_date", "segment", "revenue")
# Months between the renewals of contracts that a user may give, and the words beside a number: none, or as the departures say.
SHORTEST_TERM, LONGEST_TERM = 6, 60  # those bound for less leave almost as if they were free
TERM_WORDS: dict[str, int | None] = {"auto": None, "none": 0}
@dataclass(frozen=True)
class Scale:
    """A scale of scores; more is better on each.

    Attributes:
        name: As a mapping and ``--score-scale`` write it.
        low, high: Smallest and largest number on it.
        satisfied: Lowest level that is a satisfied customer.
        wide: The same, read more widely.
        dissatisfied: Highest level that is a dissatisfied customer.
        step: Units of the scale in a level.
    """

    name: str
    low: int
    high: int
    satisfied: int
    wide: int
    dissatisfied: int
    step: int = 1

    @property
    def levels(self) -> tuple[int, ...]:
        """Every level, the worst first."""
        return tuple(range(self.low // self.step, self.high // self.step + 1))


# Net promoter: 9 and 10 against 0 to 6 (Reichheld 2003); elsewhere the two best and the two worst answers of five, as usual in CSAT. Seven points and
# percent: judgement, grade D; a percentage of 75 is the second of five answers in the usual systems.
SCALES = {
    one.name: one
    for one in (
        Scale("0-10", 0, 10, satisfied=9, wide=7, dissatisfied=6),
        Scale("1-7", 1, 7, satisfied=6, wide=5, dissatisfied=3),
        Scale("1-5", 1, 5, satisfied=4, wide=4, dissatisfied=2),
        Scale("1-4", 1, 4, satisfied=3, wide=3, dissatisfied=2),
        Scale("1-3", 1, 3, satisfied=3, wide=3, dissatisfied=1),
        Scale("0-1", 0, 1, satisfied=1, wide=1, dissatisfied=0),
        Scale("percent", 0, 100, satisfied=7, wide=7, dissatisfied=4, step=10),
        Scale("words", 1, 5, satisfied=4, wide=4, dissatisfied=2),
    )
}


TableName = str  # one of `CANONICAL_COLUMNS`


@dataclass(frozen=True)
class Table:
    """One kind of table that files can hold.

    Attributes:
        name: Its name in the connection, in a mapping and in `iceberg.ingest.load.load_tables`.
        option: Its option on the command line, without dashes.
        fields: Its fields, and what their values must be: "id", "date", "end" (a date that may be blank), "text", "number",
            "flag" (yes or no), "term" (a length of time), "interval" (what is paid per), "currency" (a code or sign),
            "score" (`iceberg.ingest.values.scores`).
        required: The fields without which a file is no such table.
        columns: Canonical columns and their DuckDB types.
        extra: Fields that only correct the others; presets name them, a page need not ask for them.
        words: Words in file names, in every language, after normalisation; a name decides only between readings that the columns allow.
            Empty where a table is recognised by its shape alone.
        in_spark: Whether it can be counted in Spark; the others have to be put together first.
    """

    name: TableName
    option: str
    fields: Mapping[str, str]
    required: tuple[str, ...]
    columns: Mapping[str, str]
    extra: Mapping[str, str] = field(default_factory=dict)
    words: tuple[str, ...] = ()
    in_spark: bool = False


_SPAN = {"customer_id": "id", "start_date": "date", "end_date": "end", "segment": "text", "revenue": "number"}
_SPAN_COLUMNS = {
    "customer_id": "VARCHAR",
    "start_date": "DATE",
    "end_date": "DATE",  # NULL while the customer is still here, or the subscription runs
    "segment": "VARCHAR",  # '' where the file has none
    "revenue": "DOUBLE",  # per year, file currency; NULL where unknown
}
# What a case says of itself: the step of the customer's journey, and the channel through which it was reported. No estimate depends on it.
_CASE = {"stage": "text", "channel": "text"}
# Whether it was closed in time, or late; its deadline, the day of closing, and the first reply (hours or a day; minutes). Read as texts: whatever
# they hold, they never stop the rest.
_SERVICE = {"in_time": "text", "late": "text", "due_date": "text", "resolved_date": "text"}
_SERVICE |= {"first_reply": "text", "first_reply_minutes": "text"}
# Every table, in the order of the command line's help. A table is added here; `load_tables` and the options then take it by its name.
TABLES = (
    Table(
        "customers",
        "customers",
        fields=_SPAN,
        required=("customer_id", "start_date"),
        columns=_SPAN_COLUMNS,
        extra={
            "status": "text",  # says who is still here, where a system writes the last day before it has come
            "interval": "interval",  # what the revenue is paid per, row by row
            "currency": "currency",  # of the revenue, row by row, where the amounts do not name theirs
            "churned": "flag",  # yes or no without a day; compared with the days that other columns and tables give
            "linked_to": "id",  # who brought the customer, or the household or group: only for breaks of rhythm
            "link_id": "id",  # another id of the customer, where another table names that one
            "term": "term",  # months between the renewals of the customer's contract
            "renewal_date": "end",  # of the contract: no departure
        },
        words=("customer", "client", "account", "abonne", "subscriber", "compte", "contact", "churn"),
        in_spark=True,
    ),
    Table(
        "complaints",
        "complaints",
        fields={"customer_id": "id", "complaint_date": "date", "category": "text"},
        required=("complaint_date", "category"),
        columns={"customer_id": "VARCHAR", "complaint_date": "DATE", "category": "VARCHAR"},
        extra={
            "complaint_id": "id",  # the number of the case: two numbers are two complaints
            **_CASE,
            **_SERVICE,
        },
        words=("complaint", "ticket", "case", "reclamation", "plainte", "request", "demande"),
        in_spark=True,
    ),
    Table(
        "volumes",
        "volumes",
        fields={"month": "date", "category": "text", "complaints": "number"},
        required=("month", "category"),
        columns={"month": "DATE", "category": "VARCHAR", "complaints": "BIGINT"},  # month: its first day
        words=("volume", "count", "total", "mensuel", "monthly"),
        in_spark=True,
    ),
    Table(
        "incidents",
        "incidents",
        fields={"customer_id": "id", "incident_date": "date", "category": "text"},
        required=("customer_id", "incident_date", "category"),
        columns={"customer_id": "VARCHAR", "incident_date": "DATE", "category": "VARCHAR"},
        extra=_CASE,
        words=("incident", "outage", "panne"),
        in_spark=True,
    ),
    Table(
        "surveys",
        "survey",
        fields={"category": "text", "asked": "number", "had_problem": "number", "complained": "number"},
        required=("category", "asked", "had_problem", "complained"),
        columns={"category": "VARCHAR", "asked": "BIGINT", "had_problem": "BIGINT", "complained": "BIGINT"},
        words=("survey", "sondage", "enquete"),
        in_spark=True,
    ),
    Table(
        "leaver_surveys",
        "leaver-survey",
        fields={
            "customer_id": "id",
            "segment": "text",  # the stratum, where customers are not named
            "reached": "flag",
            "category": "text",  # the reason
            "would_have_stayed": "text",  # without it: 0 to 10, or yes and no
            "told_us": "flag",
        },
        required=("category",),
        columns={
            "customer_id": "VARCHAR",
            "segment": "VARCHAR",
            "reached": "INTEGER",
            "category": "VARCHAR",
            "would_have_stayed": "VARCHAR",
            "told_us": "INTEGER",
        },
        words=("leaver", "leavers", "exit survey", "partants", "enquete depart", "win back"),
    ),
    Table(
        "cancellation_reasons",  # that the company asks for when an account closes; often a column of the customers or departures file
        "cancellation-reasons",
        fields={"customer_id": "id", "category": "text"},
        required=("customer_id", "category"),
        columns={"customer_id": "VARCHAR", "category": "VARCHAR"},
        words=("cancellation reason", "motif resiliation", "churn reason"),
    ),
    Table(
        "scores",  # of satisfaction: one row per answer, or per question sent
        "scores",
        fields={"customer_id": "id", "score_date": "date", "score": "score"},
        required=("customer_id", "score_date", "score"),
        columns={"customer_id": "VARCHAR", "score_date": "DATE", "score": "INTEGER"},  # score: its level, below 0 where there is none; NULL: blank
        extra={"sent_date": "end", "kind": "text"},  # the day of the question; what was asked (NPS, CSAT)
        words=("score", "nps", "csat", "satisfaction", "note", "recommandation"),
    ),
    Table(
        "positives",  # good moments: one row per compliment, gesture or call-back
        "positives",
        fields={"customer_id": "id", "positive_date": "date", "positive_kind": "text"},
        required=("customer_id", "positive_date"),
        columns={"customer_id": "VARCHAR", "positive_date": "DATE", "positive_kind": "VARCHAR"},
        words=("positive", "positif", "compliment", "goodwill", "geste", "good moment", "bon moment", "remerciement", "enchant"),
    ),
    Table(
        "subscriptions",
        "subscriptions",
        fields=_SPAN,
        required=("customer_id", "start_date"),
        columns=_SPAN_COLUMNS,
        extra={"status": "text", "interval": "interval", "currency": "currency", "subscription_id": "id"},
        words=("subscription", "abonnement", "contract", "contrat"),
    ),
    Table(
        "events",  # departures
        "events",
        fields={"customer_id": "id", "event_date": "date"},
        required=("customer_id", "event_date"),
        columns={"customer_id": "VARCHAR", "event_date": "DATE"},
        words=("churn event", "event", "departure", "depart", "cancellation", "resiliation"),
    ),
    Table(
        "activity",
        "activity",
        fields={"customer_id": "id", "activity_date": "date"},
        required=("customer_id", "activity_date"),
        columns={"customer_id": "VARCHAR", "activity_date": "DATE"},
        words=("activity", "activite", "usage", "visit", "order", "commande", "purchase", "achat", "transaction", "log", "session"),
    ),
    Table(
        "flat",  # customers and complaints on one sheet, without dates
        "customers",
        fields={
            "customer_id": "id",
            "tenure": "number",
            "churned": "flag",
            "complained": "flag",
            "category": "text",
            "segment": "text",
            "revenue": "number",
        },
        required=("tenure", "churned"),
        columns={
            "customer_id": "VARCHAR",  # NULL where the sheet has no ids
            "tenure_months": "DOUBLE",  # NULL where unknown
            "churned": "BOOLEAN",
            "category": "VARCHAR",  # NULL: did not complain
            "segment": "VARCHAR",
            "revenue": "DOUBLE",
        },
        extra={"interval": "interval", "currency": "currency"},
    ),
)
FIELDS: dict[str, Mapping[str, str]] = {table.name: table.fields for table in TABLES}
EXTRA_FIELDS: dict[str, Mapping[str, str]] = {table.name: table.extra for table in TABLES if table.extra}
# Fields that change no count of the estimate. A column is taken for one of them only once all others have theirs, and such a field says nothing of
# which table a file is.
CASE_FIELDS = (*_CASE, *_SERVICE)
# Fields that a page asks for; the other extra ones are taken where they are certain.
_ASKED_EXTRA = (*CONTRACT_FIELDS, "linked_to")
ASKED_FIELDS = {table.name: {**table.fields, **{name: kind for name, kind in table.extra.items() if name in _ASKED_EXTRA}} for table in TABLES}
REQUIRED: dict[str, tuple[str, ...]] = {table.name: table.required for table in TABLES}
# Canonical columns and DuckDB types of each table inside the connection of `Tables`.
CANONICAL_COLUMNS: dict[str, Mapping[str, str]] = {table.name: table.columns for table in TABLES}
# Tables that a file can be recognised as: by the option of each its name.
TABLE_OF_OPTION = {table.option: table.name for table in TABLES if table.words}
OPTION_OF_TABLE = {table.name: table.option for table in TABLES}
# Day of each table whose rows name a customer. Inside the connection these tables also have ``customer_key``, see `key_sql`.
NAMING_DAYS = {"complaints": "complaint_date", "incidents": "incident_date"}
SCORES, POSITIVES = "scores", "positives"
BESIDE = (SCORES, POSITIVES)  # tables that name customers and that no estimate depends on
REASON_TABLES = ("leaver_surveys", "cancellation_reasons")  # why customers left, in their own words; they have ``customer_key`` as well


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
    """How many rows of a table broke a rule."""

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
    """SQL of the key by which customers meet rows that name them: the hash of the id, or of its number where all ids are numbers.

    Writing millions of numbers out as texts would take longer than everything else that is done with their hashes.
    """
    return f"hash(CAST({customer_id} AS BIGINT))" if numbered else f"hash({customer_id})"
