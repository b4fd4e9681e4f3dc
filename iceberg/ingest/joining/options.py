"""Owns the choices made where several tables have to become one: their values, their defaults, and what was found while joining."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any

from iceberg.errors import MappingError

# Judgement: a renewal that comes within a month is late paperwork, not a departure.
GAP_DAYS = 30
CHOICES: dict[str, tuple[str, ...]] = {
    "reactivated": ("one_life", "first_departure", "last_return"),
    "start_from": ("customers", "earliest"),
    "end_from": ("auto", "customers", "subscriptions", "events", "activity"),
    "flag": ("ignore", "must_agree", "leave_out"),
    "inactivity_end": ("last_activity", "threshold"),
    "early_complaints": ("leave_out", "move_start"),
    "repeated_customers": ("auto", "subscriptions", "leave_out"),
}
ID_STEPS = ("strip", "strip_decimal", "strip_zeros", "casefold", "salesforce_15")
PREFIX_STEP = "strip_prefix:"
_LONGEST_DAYS = 3650


@dataclass(frozen=True)
class Joining:
    """How several tables become customers and complaints; saved in a mapping as ``[joining]``.

    Attributes:
        gap_days: Days without a subscription up to which a customer counts as never gone.
        reactivated: Customers who came back after a longer gap: ``"one_life"`` from the first day to the last end (still here while
            anything is open), ``"first_departure"`` (they left at the first longer gap; what follows is not counted), ``"last_return"``
            (known from their last return on).
        start_from: First day: as the ``"customers"`` table says, or the ``"earliest"`` that any table knows.
        end_from: Whose last day counts; ``"auto"``: customers, else events nobody came back from, else subscriptions, else activity.
        flag: A column that says churned yes or no, where it disagrees with the dates: ``"ignore"``, ``"must_agree"`` (a departure counts
            only when flagged), ``"leave_out"`` (customers flagged without any last day are rejected).
        inactivity_days: Silence after which a customer of an activity log has left; 0 takes the proposal.
        inactivity_end: Their last day: the ``"last_activity"``, or the day the ``"threshold"`` was passed.
        early_complaints: Complaints before the first day: ``"leave_out"`` or ``"move_start"`` (the customer is known from the first complaint on).
        repeated_customers: A customers table that names customers on several rows: ``"auto"`` (the rows are subscriptions where many customers
            have several first days, or where the system exports subscriptions), ``"subscriptions"`` (always), ``"leave_out"`` (the row with
            the earliest first day counts, the others are rejected).
        id_normalisation: Steps that make ids comparable (see `iceberg.ingest.joining.identifiers`).
        merge_categories: Names to be merged, by the name that is kept.
    """

    gap_days: int = GAP_DAYS
    reactivated: str = "one_life"
    start_from: str = "customers"
    end_from: str = "auto"
    flag: str = "ignore"
    inactivity_days: int = 0
    inactivity_end: str = "last_activity"
    early_complaints: str = "leave_out"
    repeated_customers: str = "auto"
    id_normalisation: tuple[str, ...] = ()
    merge_categories: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, only what differs from the defaults."""
        default, entry = Joining(), {}
        for one in fields(self):
            value = getattr(self, one.name)
            if value != getattr(default, one.name):
                entry[one.name] = list(value) if isinstance(value, tuple) else value
        if "merge_categories" in entry:
            entry["merge_categories"] = {kept: list(others) for kept, others in self.merge_categories.items()}
        return entry

    @classmethod
    def from_dict(cls, entry: Any, *, name: str) -> Joining:  # noqa: ANN401  # whatever the file holds
        """From plain values of the mapping file `name`.

        Raises:
            MappingError: ``mapping_value_wrong`` or ``mapping_field_unknown``.
        """
        known = [one.name for one in fields(cls)]
        if not isinstance(entry, dict):
            raise MappingError("mapping_table_unknown", {"file": name, "value": "joining", "known": ", ".join(known)})
        values: dict[str, Any] = {}
        for key, value in entry.items():
            if key not in known:
                raise MappingError("mapping_field_unknown", {"file": name, "table": "joining", "value": key, "known": ", ".join(known)})
            values[key] = _checked(key, value, name)
        return cls(**values)


def _checked(key: str, value: Any, name: str) -> Any:  # noqa: ANN401
    allowed, fits = "", True
    if key in CHOICES:
        allowed, fits = ", ".join(CHOICES[key]), value in CHOICES[key]
    elif key in {"gap_days", "inactivity_days"}:
        allowed, fits = f"0 - {_LONGEST_DAYS}", isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LONGEST_DAYS
    elif key == "id_normalisation":
        allowed = ", ".join((*ID_STEPS, PREFIX_STEP + "X"))
        fits = isinstance(value, list | tuple) and all(is_id_step(step) for step in value)
        value = tuple(value) if fits else value
    elif key == "merge_categories":
        allowed = 'kept = ["other", "another"]'
        fits = isinstance(value, dict) and all(isinstance(others, list | tuple) for others in value.values())
        value = {str(kept): tuple(map(str, others)) for kept, others in value.items()} if fits else value
    if not fits:
        raise MappingError("mapping_value_wrong", {"file": name, "table": "joining", "key": key, "value": str(value), "known": allowed})
    return value


def is_id_step(step: object) -> bool:
    """Whether this is a step that `iceberg.ingest.joining.identifiers` knows."""
    return isinstance(step, str) and (step in ID_STEPS or bool(re.fullmatch(re.escape(PREFIX_STEP) + r".{1,40}", step)))


@dataclass(frozen=True)
class Contradiction:
    """Two tables, or two columns, that cannot both be right.

    Attributes:
        code: ``joining.contradictions.<code>`` holds its sentence.
        count: Customers (or rows) concerned.
        total: Out of how many.
        option: Option of `Joining` that decides; "" where none does.
        choice: Its value now.
        examples: Ids of the first ones.
        file, other_file: Where the two sides are.
    """

    code: str
    count: int
    total: int
    option: str = ""
    choice: str = ""
    examples: tuple[str, ...] = ()
    file: str = ""
    other_file: str = ""


@dataclass(frozen=True)
class RepeatedCustomers:
    """A customers table that names customers on several rows.

    Attributes:
        file: Its file.
        customers: Different customers.
        repeated: Those on several rows.
        restarted: Those with several first days.
        folded: Whether the rows were taken for subscriptions.
    """

    file: str
    customers: int
    repeated: int
    restarted: int
    folded: bool


@dataclass(frozen=True)
class Folding:
    """What became of subscriptions when they were folded to customers.

    Attributes:
        subscriptions, customers: Kept rows, and customers they belong to.
        gaps: Pauses between two subscriptions of a customer, of any length.
        bridged_gaps: Those of at most `gap_days`.
        reactivations: The longer ones.
        reactivated_customers: Customers with at least one of these.
        open_customers: Customers with a subscription that has no last day.
        gap_days: The limit used.
    """

    subscriptions: int
    customers: int
    gaps: int
    bridged_gaps: int
    reactivations: int
    reactivated_customers: int
    open_customers: int
    gap_days: int


@dataclass(frozen=True)
class ReturnShare:
    """Silences that lasted longer than `days`, and the estimated share of them that end in a return within what the log can show."""

    days: int
    silences: int
    share: float


@dataclass(frozen=True)
class Inactivity:
    """How departures were found in an activity log.

    Attributes:
        days: Silence after which a customer has left.
        proposed_days: What the gaps suggest.
        chosen: Whether `days` was given rather than proposed.
        settled: Whether the rule found its threshold; False where the log is too short and a third of it was taken.
        customers, silent: Customers of the log, and those silent for longer than `days` at its end.
        first_day, last_day: Of the log.
        as_of: Last day on which departures can be seen.
        early_customers: Customers already there in the first `days` days of the log: they may be older than they seem.
        returned: Silences longer than `days` that ended in a return.
        steps: Shares of returns at several thresholds.
        used: Whether anybody's last day comes from it; False where other tables say who left.
    """

    days: int
    proposed_days: int
    chosen: bool
    settled: bool
    customers: int
    silent: int
    first_day: date
    last_day: date
    as_of: date
    early_customers: int
    returned: int
    steps: tuple[ReturnShare, ...] = ()
    used: bool = True


@dataclass(frozen=True)
class IdProposal:
    """Steps that would make more ids meet.

    Attributes:
        table: Table whose ids miss the customers.
        steps: Value for `Joining.id_normalisation`.
        before, after: Share of distinct ids that meet a customer.
        examples: Pairs (id in the table, id in the customers) that would meet.
    """

    table: str
    steps: tuple[str, ...]
    before: float
    after: float
    examples: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class CategoryGroup:
    """Names of categories that may be one.

    Attributes:
        kept: The most frequent name.
        others: The other names.
        rows: Complaints of each name, `kept` first.
        reasons: ``"case"``, ``"accent"``, ``"plural"``, ``"punctuation"`` or ``"spelling"``, for each of `others`.
    """

    kept: str
    others: tuple[str, ...]
    rows: tuple[int, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class JoiningReport:
    """Everything found while tables were put together; empty where there was nothing to find.

    Attributes:
        rules: The choices in force.
        derived: The table the customers were put together from, "" where they have a table of their own.
        customers, leavers: Customers put together, and how many of them have a last day.
        ends: Customers whose last day comes from each table.
        repeated: Customers that the customers table names on several rows; None where it names each once.
    """

    rules: Joining
    derived: str = ""
    customers: int = 0
    leavers: int = 0
    ends: dict[str, int] = field(default_factory=dict)
    repeated: RepeatedCustomers | None = None
    folding: Folding | None = None
    inactivity: Inactivity | None = None
    contradictions: tuple[Contradiction, ...] = ()
    id_proposals: tuple[IdProposal, ...] = ()
    category_groups: tuple[CategoryGroup, ...] = ()
