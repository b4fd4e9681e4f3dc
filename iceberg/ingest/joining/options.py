"""The rules for joining tables, with their values and defaults, and the report of a joining."""

from __future__ import annotations

import re
from dataclasses import dataclass, field, fields
from datetime import date
from typing import Any, ClassVar

from iceberg.errors import MappingError
from iceberg.ingest.schema import LONGEST_SEPARATOR

# Judgement: a renewal within a month is late paperwork, not a departure.
GAP_DAYS = 30
CHOICES: dict[str, tuple[str, ...]] = {
    "reactivated": ("one_life", "first_departure", "last_return"),
    "start_from": ("customers", "earliest"),
    "end_from": ("auto", "customers", "subscriptions", "events", "activity"),
    "flag": ("ignore", "must_agree", "leave_out"),
    "undated_departures": ("sheet", "ignore"),
    "inactivity_end": ("last_activity", "threshold"),
    "departures": ("inactivity", "collapse", "both"),
    "early_complaints": ("leave_out", "move_start"),
    "repeated_customers": ("auto", "subscriptions", "leave_out"),
    "category_spelling": ("merge", "keep"),
}
ID_STEPS = ("strip", "strip_decimal", "strip_zeros", "casefold", "salesforce_15", "exact")
PREFIX_STEP = "strip_prefix:"
_LONGEST_DAYS = 3650


@dataclass(frozen=True)
class Joining:
    """How several tables become customers and complaints; saved in a mapping as ``[joining]``.

    Attributes:
        gap_days: Longest gap between subscriptions, in days, that is no departure.
        reactivated: For customers who returned after a longer gap: ``"one_life"`` from the first day to the last end (none while a
            subscription is open), ``"first_departure"`` (they left at the first longer gap), ``"last_return"`` (they start at the last return).
        start_from: First day: that of the ``"customers"`` table, or the ``"earliest"`` of any table.
        end_from: Table of the last day; ``"auto"``: customers, else events without a return, else subscriptions, else activity.
        flag: Where a column churned yes or no contradicts the dates: ``"ignore"`` it, ``"must_agree"`` (a departure counts only with the
            flag), ``"leave_out"`` (customers with the flag and without a last day are rejected).
        undated_departures: Where a column says who left and nothing says when: ``"sheet"`` (the customers are a sheet without dates, level F,
            their tenure up to the export), or ``"ignore"`` (they count as still here).
        inactivity_days: Silence after which a customer of an activity log has left; 0 takes the proposal.
        inactivity_end: Their last day: the ``"last_activity"``, or the day on which the ``"threshold"`` passed.
        departures: What a departure is in an activity log: a long silence (``"inactivity"``), a settled break of a regular's rhythm
            (``"collapse"``; the others by inactivity), or whichever says so (``"both"``).
        settled: Probability, from 0.5 to below 1, from which a break is taken to last; 0 takes the default.
        early_complaints: Complaints before the first day: ``"leave_out"`` or ``"move_start"`` (the customer starts at the first complaint).
        repeated_customers: Where customers have several rows in the customers table: ``"auto"`` (the rows are subscriptions where many
            customers have several first days, or the system exports subscriptions), ``"subscriptions"`` (always), ``"leave_out"`` (only the
            row with the earliest first day counts).
        id_normalisation: Steps that make ids comparable (see `iceberg.ingest.joining.identifiers`). Without any, blanks around an id are
            ignored, and letter case where that lets more ids meet; ``["exact"]`` takes ids as they are written.
        category_spelling: Names of categories that differ only by case, spaces, accents or the kind of apostrophe: ``"merge"`` them into the most
            frequent spelling, or ``"keep"`` them apart.
        merge_categories: Names to be merged, by the name that replaces them; a name of its own renames or groups them.
        drop_categories: Names whose rows do not count.
        split_categories: What separates several categories in one cell, such as ``";"``; "" where each cell holds one.
    """

    silence_is_read: ClassVar[bool] = True

    gap_days: int = GAP_DAYS
    reactivated: str = "one_life"
    start_from: str = "customers"
    end_from: str = "auto"
    flag: str = "ignore"
    undated_departures: str = "sheet"
    inactivity_days: int = 0
    inactivity_end: str = "last_activity"
    departures: str = "inactivity"
    settled: float = 0.0
    early_complaints: str = "leave_out"
    repeated_customers: str = "auto"
    id_normalisation: tuple[str, ...] = ()
    category_spelling: str = "merge"
    merge_categories: dict[str, tuple[str, ...]] = field(default_factory=dict)
    drop_categories: tuple[str, ...] = ()
    split_categories: str = ""

    def without_silence(self) -> Joining:
        """The same rules for a log in which silence is no departure."""
        return JoiningWithoutSilence(**{option.name: getattr(self, option.name) for option in fields(self)} | {"end_from": "customers"})

    def to_dict(self) -> dict[str, Any]:
        """Plain values, only what differs from the defaults."""
        default, entry = Joining(), {}
        for option in fields(self):
            value = getattr(self, option.name)
            if value != getattr(default, option.name):
                entry[option.name] = list(value) if isinstance(value, tuple) else value
        if "merge_categories" in entry:
            entry["merge_categories"] = {name: list(others) for name, others in self.merge_categories.items()}
        return entry

    @classmethod
    def from_dict(cls, entry: Any, *, name: str) -> Joining:  # noqa: ANN401  # whatever the file holds
        """From plain values of the mapping file `name`.

        Raises:
            MappingError: ``mapping_value_wrong`` or ``mapping_field_unknown``.
        """
        known = [option.name for option in fields(cls)]
        if not isinstance(entry, dict):
            wrong = {"file": name, "table": "joining", "key": "joining", "value": str(entry)}
            raise MappingError("mapping_value_wrong", wrong | {"known": ", ".join(known)})
        values: dict[str, Any] = {}
        for key, value in entry.items():
            if key not in known:
                raise MappingError("mapping_field_unknown", {"file": name, "table": "joining", "value": key, "known": ", ".join(known)})
            values[key] = _checked(key, value, name)
        return cls(**values)


class JoiningWithoutSilence(Joining):
    """The same, with silences not even counted: of a large log that would take most of the time of reading it."""

    silence_is_read = False


def _checked(key: str, value: Any, name: str) -> Any:  # noqa: ANN401
    allowed, fits = "", True
    if key in CHOICES:
        allowed, fits = ", ".join(CHOICES[key]), value in CHOICES[key]
    elif key in {"gap_days", "inactivity_days"}:
        allowed, fits = f"0 - {_LONGEST_DAYS}", isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _LONGEST_DAYS
    elif key == "settled":
        allowed, fits = "0.5 - 0.99", isinstance(value, int | float) and not isinstance(value, bool) and (value == 0 or 0.5 <= value < 1)
    elif key == "id_normalisation":
        allowed = ", ".join((*ID_STEPS, PREFIX_STEP + "X"))
        fits = isinstance(value, list | tuple) and all(is_id_step(step) for step in value)
        value = tuple(value) if fits else value
    elif key == "drop_categories":
        allowed = '["name", "another"]'
        fits = isinstance(value, list | tuple) and all(isinstance(one, str) for one in value)
        value = tuple(value) if fits else value
    elif key == "split_categories":
        allowed = '";", "|", ","'
        fits = isinstance(value, str) and len(value) <= LONGEST_SEPARATOR
    elif key == "merge_categories":
        allowed = 'kept = ["other", "another"]'
        fits = isinstance(value, dict) and all(isinstance(others, list | tuple) for others in value.values())
        value = {str(name): tuple(map(str, others)) for name, others in value.items()} if fits else value
    if not fits:
        raise MappingError("mapping_value_wrong", {"file": name, "table": "joining", "key": key, "value": str(value), "known": allowed})
    return value


def is_id_step(step: object) -> bool:
    """Whether `iceberg.ingest.joining.identifiers` has this step."""
    return isinstance(step, str) and (step in ID_STEPS or bool(re.fullmatch(re.escape(PREFIX_STEP) + r".{1,40}", step)))


@dataclass(frozen=True)
class Contradiction:
    """A contradiction between two tables or two columns.

    Attributes:
        code: ``joining.contradictions.<code>`` is its sentence.
        count: Number of customers (or rows) concerned.
        total: Number that could be concerned.
        option: Option of `Joining` that decides; "" where none does.
        choice: The value of that option.
        examples: Ids of the first ones.
        file, other_file: Files of the two sides.
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
    """Customers with several rows in the customers table.

    Attributes:
        file: Its file.
        customers: Number of different customers.
        repeated: Those with several rows.
        restarted: Those with several first days.
        folded: Whether the rows were folded as subscriptions.
    """

    file: str
    customers: int
    repeated: int
    restarted: int
    folded: bool


@dataclass(frozen=True)
class Undated:
    """Departures without a date: a column says who left, and no departure of any table has a day.

    Attributes:
        file, column: The customers, and the header of the column.
        customers, flagged, silent: Customers, those who left by that column, and those of these who never complained.
        as_of: Day up to which tenure is counted.
        as_sheet: Whether they are read as a sheet without dates; False where they count as still here.
        end_column: Header of the column of last days, of which no cell is filled; "" where there is none.
    """

    file: str
    column: str
    customers: int
    flagged: int
    silent: int
    as_of: date
    as_sheet: bool
    end_column: str = ""


@dataclass(frozen=True)
class Folding:
    """The result of folding subscriptions to customers.

    Attributes:
        subscriptions, customers: Accepted rows, and their customers.
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
    """Number of silences longer than `days`, and the estimated share of them that end in a return within the length of the log."""

    days: int
    silences: int
    share: float


@dataclass(frozen=True)
class Inactivity:
    """Departures in an activity log.

    Attributes:
        days: Silence after which a customer has left.
        proposed_days: The threshold that the gaps suggest.
        chosen: Whether the analyst chose `days`.
        settled: Whether the gaps determine a threshold; False where the log is too short, so that the threshold is a third of it.
        customers, silent: Customers of the log, and those silent for longer than `days` at its end.
        first_day, last_day: First and last day of the log.
        as_of: Last day on which departures can be seen.
        early_customers: Customers active in the first `days` days of the log, who can be older than the log shows.
        returned: Silences longer than `days` that ended in a return.
        steps: Shares of returns at several thresholds.
        used: Whether a last day comes from the log; False where other tables have the departures.
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
    """Steps that would match more ids.

    Attributes:
        table: Table with unknown ids.
        steps: Value for `Joining.id_normalisation`.
        before, after: Share of distinct ids that match a customer.
        examples: Pairs (id in the table, id in the customers) that would match.
    """

    table: str
    steps: tuple[str, ...]
    before: float
    after: float
    examples: tuple[tuple[str, str], ...] = ()


def made_alike(report: JoiningReport) -> tuple[IdProposal, ...]:
    """The proposals that ignore nothing but the case of letters, where the user has chosen no steps: these are taken."""
    plain = all(set(one.steps) <= {"casefold"} for one in report.id_proposals)
    return report.id_proposals if plain and not report.rules.id_normalisation else ()


@dataclass(frozen=True)
class CategoryGroup:
    """Names of categories that can be one category.

    Attributes:
        kept: The most frequent name.
        others: The other names.
        rows: Complaints of each name, `kept` first.
        reasons: ``"case"``, ``"accent"``, ``"plural"``, ``"punctuation"``, ``"abbreviation"`` or ``"spelling"``, for each of `others`.
    """

    kept: str
    others: tuple[str, ...]
    rows: tuple[int, ...]
    reasons: tuple[str, ...]


@dataclass(frozen=True)
class SeveralInOne:
    """Cells that hold several categories.

    Attributes:
        separator: What stands between them.
        rows: Number of rows with such a cell.
        cells: The cells, the most frequent first.
    """

    separator: str
    rows: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class CategoryReport:
    """The names of categories in the files, what they became, and what is offered.

    Attributes:
        names: Each name as it stands in the files, its rows, and its categories (none where it was dropped), the most frequent first.
        spellings: Names that were found in several spellings and counted as one.
        alike: Categories that can be one.
        several: Cells with several categories; None where there are none, or they are split already.
    """

    names: tuple[tuple[str, int, tuple[str, ...]], ...] = ()
    spellings: tuple[CategoryGroup, ...] = ()
    alike: tuple[CategoryGroup, ...] = ()
    several: SeveralInOne | None = None


@dataclass(frozen=True)
class JoiningReport:
    """The report of joining tables; empty where nothing was joined.

    Attributes:
        rules: The rules in force.
        derived: The table that the customers are derived from, "" where there is a customers table.
        customers, leavers: Joined customers, and those with a last day.
        ends: Number of customers whose last day comes from each table.
        repeated: Customers with several rows in the customers table; None where each has one.
        undated: Departures without a date, where no departure has one.
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
    categories: CategoryReport = field(default_factory=CategoryReport)
    undated: Undated | None = None
