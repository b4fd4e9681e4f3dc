"""Owns `load_tables`: sources in, trusted tables and the account of every row out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb
import pandas as pd

from iceberg.errors import EvidenceError, MappingError
from iceberg.ingest.columns.mapping import ColumnMapping, Opened
from iceberg.ingest.engine.connection import connect
from iceberg.ingest.engine.limits import named_faults
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.files.sizes import default_bound, make_room
from iceberg.ingest.files.sources import Source
from iceberg.ingest.joining.departures import Joined
from iceberg.ingest.joining.join import join_tables
from iceberg.ingest.joining.links import Relations
from iceberg.ingest.joining.options import RepeatedCustomers
from iceberg.ingest.joining.relations import base_of, measure_again
from iceberg.ingest.joining.subscriptions import as_subscriptions, find_repeats, relate_to_subscriptions
from iceberg.ingest.judging.across_rows import judge_flat_duplicates
from iceberg.ingest.judging.issues import find_issues
from iceberg.ingest.judging.judge import count_flags, ids_of, publish_table, read_once, read_table
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.judging.several_files import combine_parts, count_parts, join_parquet, list_sources, place_parts, require_same_columns, set_aside
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.notes import future_notes, notes_of, notes_of_rows, unlinked_notes
from iceberg.ingest.opening import OnFile, open_related
from iceberg.ingest.rules.rules import reject_mask
from iceberg.ingest.rules.select import JOINED_BY
from iceberg.ingest.scan.id_hashes import ToldIds
from iceberg.ingest.scan.recent_customers import Counted, Wanted
from iceberg.ingest.schema import CANONICAL_COLUMNS, TELLING, FileTotals, RecentCustomers, RowIssue, key_sql
from iceberg.ingest.tables import IngestReport, Tables

ISSUES_PER_RULE = 100


def load_tables(
    customers: Source | Sequence[Source] | None = None,
    complaints: Source | Sequence[Source] | None = None,
    volumes: Source | Sequence[Source] | None = None,
    *,
    mapping: MappingSet | None = None,
    memory_limit: str | None = None,
    incidents: Source | Sequence[Source] | None = None,
    surveys: Source | Sequence[Source] | None = None,
    flat: Source | Sequence[Source] | None = None,
    subscriptions: Source | Sequence[Source] | None = None,
    events: Source | Sequence[Source] | None = None,
    activity: Source | Sequence[Source] | None = None,
    today: date | None = None,
    as_of: date | None = None,
    counted: Counted | None = None,
    issues_per_rule: int = ISSUES_PER_RULE,
    relate: bool | None = None,
    temp_directory: Path | None = None,
    on_file: OnFile | None = None,
) -> tuple[Tables, IngestReport]:
    """Read files (each table one, a list, a folder or a pattern) into tables that can be trusted, and account for every row.

    Args:
        customers: One row per customer: id, first day, last day (blank while still here), segment, revenue.
        complaints: One row per complaint, with the customer's id; without ids the rows are folded into volumes.
        volumes: Complaints per category and month.
        mapping: Which header feeds which field; tables it does not name are proposed from their headers.
        memory_limit: Bound for DuckDB, such as ``"4GB"``.
        temp_directory: Folder for what does not fit; the system's own when left out.
        on_file: Called with the name of each file before it is read.
        incidents: One row per problem met, complained about or not (evidence level 4).
        surveys: Per category: people asked, had the problem, complained (evidence level 4).
        flat: One row per customer with tenure and departure but no dates (level F). A `customers` file of that shape is read as one.
        subscriptions: One row per subscription; folded to customers, or to the last days of `customers`.
        events: One row per departure (customer, day).
        activity: One row per sign of life (customer, day): customers who go quiet have left.
        today: Dates after this day are in the future; the day of the call when left out, or `as_of` where that is later.
        as_of: Last day that is to be counted: who says that the files reach so far is believed.
        counted: Days that will be counted: customers of these are put aside while their file is read. No number depends on it, only time.
        issues_per_rule: How many rows of each rule the report shows; counts are always complete.
        relate: Count how many ids of each table the others have, for `IngestReport.relations`; None does so unless the files are large.

    Returns:
        The tables (close them after reducing) and the report: kept + rejected = read for each.

    Raises:
        FileError: A file is not a table, breaks off, or disk or memory are too small.
        MappingError: Columns cannot be told; ``proposal`` holds the `MappingSet` to edit.
        EvidenceError: ``no_source``, or ``events_without_customers`` where departures alone cannot say who there was.
    """
    given = {name: value for name, value in locals().items() if name in CANONICAL_COLUMNS}  # the parameters are named as the tables are
    listed = {table: list_sources(source) for table, source in _require_sources(given).items()}
    mapping, workspace, connected = mapping or MappingSet(), Workspace(temp_directory), ExitStack()
    try:
        with named_faults(workspace):
            connection = _open_engine(listed, workspace, memory_limit, connected)
            opened, relations = open_related(connection, workspace, listed, mapping, relate, on_file)
            today = max(today or date.today(), as_of or date.min)
            judged, joined, folded = _judge(connection, workspace, opened, today, mapping, counted or Counted(as_of=as_of))
            relations = _as_judged(connection, relations, judged, mapping, folded=folded)
            tables, report = _finish(connection, workspace, judged, joined, issues_per_rule)
        notes = report.notes + future_notes(report, today) + unlinked_notes(report, listed)
        return tables, replace(report, relations=relations, read_on=today, notes=notes)
    except BaseException as error:
        _complete_proposal(error, mapping)
        connected.close()
        workspace.close()
        raise


def _open_engine(
    listed: Mapping[str, Sequence[Source]], workspace: Workspace, memory_limit: str | None, connected: ExitStack
) -> duckdb.DuckDBPyConnection:
    """An engine with room for these files, closed with `connected`."""
    connection = connect(memory_limit=memory_limit or default_bound(listed), temp_directory=str(workspace.directory))
    connected.callback(connection.close)
    make_room(connection, listed, workspace)
    return connection


def _as_judged(
    connection: duckdb.DuckDBPyConnection, relations: Relations, judged: list[JudgedTable], mapping: MappingSet, *, folded: bool
) -> Relations:
    """The joins as they are once ids were made comparable and rows were taken for subscriptions."""
    again = mapping.joining.id_normalisation or any(not link.relation.ids for link in relations.links)  # or none met in the files
    if relations.measured and again:
        relations = measure_again(connection, relations, {item.table: ids_of(connection, item) for item in judged})
    return relate_to_subscriptions(relations) if folded else relations


def _complete_proposal(error: BaseException, mapping: MappingSet) -> None:
    """What was said about joining goes into the mapping that is proposed."""
    if isinstance(error, MappingError) and error.proposal is not None:
        error.proposal = replace(error.proposal, joining=mapping.joining, links=mapping.links)


def _judge(
    connection: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    opened: Mapping[str, list[Opened]],
    today: date,
    mapping: MappingSet,
    counted: Counted,
) -> tuple[list[JudgedTable], Joined, bool]:
    """Every table judged, on its own and with the others; and whether the customers table was read as subscriptions."""
    loaded, repeated = read_all(connection, workspace, opened, today, mapping, counted)
    joined = join_tables(connection, loaded, mapping.joining)
    joined.report = replace(joined.report, repeated=repeated)
    if "flat" in loaded:
        judge_flat_duplicates(connection, loaded["flat"])
    return list(loaded.values()), joined, repeated is not None and repeated.folded


def _require_sources(given: Mapping[str, Source | Sequence[Source] | None]) -> dict[str, Source | Sequence[Source]]:
    """What was given, where it can say something."""
    sources = {table: source for table, source in given.items() if source is not None}
    if not sources:
        raise EvidenceError("no_source")
    if "events" in sources and not base_of(sources) and "flat" not in sources:
        raise EvidenceError("events_without_customers", {"tables": ", ".join(sources)})
    return sources


def _finish(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, judged: list[JudgedTable], joined: Joined, issues_per_rule: int
) -> tuple[Tables, IngestReport]:
    issues: list[RowIssue] = []
    parts: list[FileTotals] = []
    for item in judged:
        count_flags(connection, item)
        parts += count_parts(connection, item)
        if item.rule_rows or item.bad_lines:
            issues += find_issues(connection, item, limit=issues_per_rule)
        publish_table(connection, item)
    rows = {item.table: item.totals for item in judged}
    recent = next((item.recent for item in judged if item.recent is not None), None)
    first, last = _date_range(connection, set(rows), recent)
    last = joined.last_day or last
    told = next((item for item in judged if item.told_name), None)
    files = [item for item in judged if item.fields.columns]  # customers put together from other tables have no file of their own
    tables = Tables(
        connection,
        frozenset(rows),
        currency=_currency(judged),
        first_complaint=first,
        last_day=last,
        on_close=workspace.close,
        scratch=workspace.directory,
        told_customers="customers_told" if told is not None else "customers",
        customer_key=told.told_key if told is not None else "customer_id",
        recent=recent,
        origin=tuple(files),
    )
    report = IngestReport(
        files=tuple(reading for item in files for reading in item.readings),
        rows=rows,
        rules=tuple(count for item in judged for count in item.rule_counts),
        issues=tuple(issues),
        notes=notes_of(judged) + notes_of_rows(connection, judged, set(rows)),
        first_complaint=first,
        last_day=last,
        joining=joined.report,
        parts=tuple(parts),
    )
    return tables, report


def _currency(judged: list[JudgedTable]) -> str:
    """The currency written in the revenue cells, euros where none is."""
    readings = (item.fields.numbers.get("revenue") for item in judged)
    return next((reading.currency for reading in readings if reading is not None and reading.currency), "EUR")


def _date_range(connection: duckdb.DuckDBPyConnection, names: set[str], recent: RecentCustomers | None) -> tuple[date | None, date | None]:
    """First complaint and last day seen among kept rows; of customers who were put aside it is known."""
    first: date | None = None
    last = recent.last_day if recent is not None else None
    names = names - {"customers"} if last is not None else names
    for table, first_day, last_day in (
        ("complaints", "complaint_date", "complaint_date"),
        ("volumes", "month", "last_day(month)"),
    ):
        if table in names:
            low, high = connection.execute(f"SELECT min({first_day}), max({last_day}) FROM {table}").fetchall()[0]
            first = min(filter(None, (first, low)), default=None)
            last = max(filter(None, (last, high)), default=None)
    for table, days in (
        ("customers", "greatest(max(start_date), max(end_date))"),
        ("subscriptions", "greatest(max(start_date), max(end_date))"),
        ("events", "max(event_date)"),
    ):
        if table in names:
            high = connection.execute(f"SELECT {days} FROM {table}").fetchall()[0][0]
            last = max(filter(None, (last, high)), default=None)
    return first, last


def volumes_from_rows(rows: pd.DataFrame, *, today: date | None = None) -> tuple[Tables, IngestReport]:
    """Load volumes typed into a table.

    Args:
        rows: Columns month (date or text), category, complaints (whole number).
        today: See `load_tables`.
    """
    return load_tables(volumes=rows, today=today)


def read_all(
    connection: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    opened: Mapping[str, list[Opened]],
    today: date,
    mappings: MappingSet,
    counted: Counted | None = None,
) -> tuple[dict[str, JudgedTable], RepeatedCustomers | None]:
    """Every table judged on its own; a customers table that holds subscriptions is read as these."""
    loaded: dict[str, JudgedTable] = {}
    for table, parts in sorted(opened.items(), key=lambda one: one[0] == "customers"):  # last: whom the others name is looked for among them
        require_same_columns(parts)
        relation, chosen = parts[0]
        unlinked = table == "complaints" and "customer_id" not in chosen.choices
        name = "volumes" if unlinked else table
        if name in loaded:
            raise MappingError(
                "complaints_without_ids",
                {"file": relation.reading.file, "headers": ", ".join(relation.reading.headers)},
            )
        fitted = [(source, _as_volumes(mapping) if unlinked else mapping) for source, mapping in parts]
        wanted = _wanted(connection, opened, loaded, mappings, counted or Counted()) if table == "customers" else None
        loaded[name] = _read_parts(connection, workspace, name, fitted, today, wanted)
    if "customers" in loaded:
        loaded = {"customers": loaded.pop("customers")} | loaded
    repeated = find_repeats(connection, loaded["customers"], mappings.joining) if "customers" in loaded else None
    if repeated is not None and repeated.folded:
        if "subscriptions" in loaded:  # these tell how often somebody came back: the customers table need not
            return loaded, replace(repeated, folded=False)
        parts = [(source, as_subscriptions(source, mapping)) for source, mapping in opened["customers"]]
        item = loaded.pop("customers")
        connection.execute(f"DROP {'VIEW' if item.is_view else 'TABLE'} {item.read_name}; DROP TABLE IF EXISTS {item.read_name}_cells")
        loaded = {"subscriptions": _read_parts(connection, workspace, "subscriptions", parts, today)} | loaded
    return loaded, repeated


def _wanted(
    connection: duckdb.DuckDBPyConnection,
    opened: Mapping[str, Sequence[Opened]],
    loaded: Mapping[str, JudgedTable],
    mappings: MappingSet,
    counted: Counted,
) -> Wanted | None:
    """The customers whom complaints and incidents name, and those of late; None where others will be asked for by id, or rows be changed."""
    rules, (_, mapping) = mappings.joining, opened["customers"][0]
    joined = not set(loaded) <= {*TELLING, "volumes", "surveys"} or set(JOINED_BY) & set(mapping.choices) or rules.early_complaints == "move_start"
    if joined or rules.id_normalisation or any(item.mapping.via for item in loaded.values()):
        return None
    naming = [table for table in TELLING if table in loaded]
    columns = [source.column(chosen.choices["customer_id"].header) for table in ("customers", *naming) for source, chosen in opened[table]]
    numbered = all(column is not None and column.is_whole for column in columns)
    told = ToldIds.of(connection, [loaded[table].read_name for table in naming], key_sql("customer_id", numbered=numbered))
    return Wanted(told, _since(connection, loaded, counted), numbered)


def _since(connection: duckdb.DuckDBPyConnection, loaded: Mapping[str, JudgedTable], counted: Counted) -> date | None:
    """The day from which on customers are put aside; None where nobody complained on any day."""
    days = []
    for table, day in (("complaints", "complaint_date"), ("volumes", "month")):
        if table in loaded:
            kept = f"(flags & {reject_mask(table)}) = 0"
            days += connection.execute(f"SELECT min({day}), max({day}) FROM {loaded[table].read_name} WHERE {kept}").fetchall()
    known: list[tuple[date, date]] = [(first, last) for first, last in days if first is not None]
    return counted.before(min(first for first, _ in known), max(last for _, last in known)) if known else None


def _read_parts(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, name: str, parts: list[Opened], today: date, wanted: Wanted | None = None
) -> JudgedTable:
    if len(parts) == 1:
        return read_table(connection, workspace, name, *parts[0], today, wanted=wanted)
    joined = join_parquet(connection, parts)
    if joined is not None:
        item = read_table(connection, workspace, name, *joined, today, wanted=wanted)
        place_parts(item, parts)
        return item
    once = read_once(connection, workspace, parts, today, wanted) if wanted is not None else None
    if once is not None:
        return once
    judged = []
    for number, (source, mapping) in enumerate(parts, start=1):
        judged.append(set_aside(connection, read_table(connection, workspace, name, source, mapping, today, in_place=False), number))
    return combine_parts(connection, judged, f"read_{name}")


def _as_volumes(mapping: ColumnMapping) -> ColumnMapping:
    """Complaints without customer ids become volumes of one per row."""
    choices = {"month": replace(mapping.choices["complaint_date"], field="month")}
    choices |= {"category": mapping.choices["category"]} if "category" in mapping.choices else {}
    formats = {"month": mapping.date_formats["complaint_date"]} if "complaint_date" in mapping.date_formats else {}
    return replace(mapping, table="volumes", choices=choices, date_formats=formats)
