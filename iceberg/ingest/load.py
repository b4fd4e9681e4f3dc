"""Owns `load_tables`: sources in, trusted tables and the account of every row out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date

import duckdb
import pandas as pd

from iceberg.errors import EvidenceError, MappingError
from iceberg.ingest.categories import category_candidates
from iceberg.ingest.columns import CERTAIN
from iceberg.ingest.database import connect
from iceberg.ingest.flat import flat_notes, judge_flat_duplicates
from iceberg.ingest.issues import find_issues
from iceberg.ingest.join import Joined, join_tables
from iceberg.ingest.judge import JudgedTable, count_flags, publish_table, read_table
from iceberg.ingest.links import Relations
from iceberg.ingest.mapping import ColumnMapping, MappingSet
from iceberg.ingest.opening import Opened, open_file
from iceberg.ingest.parts import combine_parts, count_parts, list_sources, require_same_columns, set_aside
from iceberg.ingest.relations import base_of, relate_tables
from iceberg.ingest.sources import Source, Workspace
from iceberg.ingest.tables import FileTotals, IngestReport, RowIssue, Tables

ISSUES_PER_RULE = 100
MANY_UNKNOWN = 0.2  # judgement: more complaints than this without a customer is a sign of ids written in two ways


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
    issues_per_rule: int = ISSUES_PER_RULE,
    relate: bool | None = None,
) -> tuple[Tables, IngestReport]:
    """Read files into tables that can be trusted, and account for every row.

    A table may come in several files: a list, or a pattern such as ``"customers-*.csv"``.

    Args:
        customers: One row per customer: id, first day, last day (blank while still here), segment, revenue.
        complaints: One row per complaint, with the customer's id; without ids the rows are folded into volumes.
        volumes: Complaints per category and month.
        mapping: Which header feeds which field; tables it does not name are proposed from their headers.
        memory_limit: Bound for DuckDB, such as ``"4GB"``.
        incidents: One row per problem met, complained about or not (evidence level 4).
        surveys: Per category: people asked, had the problem, complained (evidence level 4).
        flat: One row per customer with tenure and departure but no dates (evidence level F). A `customers` file of that
            shape is recognised and read as one.
        subscriptions: One row per subscription; folded to customers, or to the last days of `customers`.
        events: One row per departure (customer, day).
        activity: One row per sign of life (customer, day): customers who go quiet have left.
        today: Dates after this day are in the future; the day of the call when left out.
        issues_per_rule: How many rows of each rule the report shows; counts are always complete.
        relate: Count how many ids of each table the others have, for `IngestReport.relations`; None does so unless the files are large.

    Returns:
        The tables (close them after reducing) and the report: kept + rejected = read for each.

    Raises:
        FileError: A file is not a table.
        MappingError: Columns cannot be told; ``proposal`` holds the `MappingSet` to edit.
        EvidenceError: ``no_source``, or ``events_without_customers`` where departures alone cannot say who there was.
    """
    given = {"customers": customers, "complaints": complaints, "volumes": volumes, "incidents": incidents, "surveys": surveys, "flat": flat}
    given |= {"subscriptions": subscriptions, "events": events, "activity": activity}
    sources = {table: source for table, source in given.items() if source is not None}
    if not sources:
        raise EvidenceError("no_source")
    if "events" in sources and not base_of(sources) and "flat" not in sources:
        raise EvidenceError("events_without_customers", {"tables": ", ".join(sources)})
    workspace, connection = Workspace(), connect(memory_limit=memory_limit)
    try:
        mapping = mapping or MappingSet()
        loaded, relations = _read_all(connection, workspace, sources, mapping, today or date.today(), relate)
        joined = join_tables(connection, loaded, mapping.joining)
        if "flat" in loaded:
            judge_flat_duplicates(connection, loaded["flat"])
        tables, report = _finish(connection, workspace, list(loaded.values()), joined, issues_per_rule)
        return tables, replace(report, relations=relations)
    except BaseException as error:
        if isinstance(error, MappingError) and error.proposal is not None:
            error.proposal = replace(error.proposal, joining=(mapping or MappingSet()).joining, links=(mapping or MappingSet()).links)
        connection.close()
        workspace.close()
        raise


def _read_all(
    connection: duckdb.DuckDBPyConnection,
    workspace: Workspace,
    sources: Mapping[str, Source | Sequence[Source]],
    mappings: MappingSet,
    today: date,
    relate: bool | None,
) -> tuple[dict[str, JudgedTable], Relations]:
    opened = _open_all(connection, workspace, sources, mappings)
    given = frozenset(table for table, mapping in mappings.tables.items() if mapping.choices)
    opened, relations = relate_tables(connection, opened, mappings.links, given=given, measure=relate)
    _require_certain(opened)
    if "flat" in opened and (dated := sorted(set(opened) - {"flat", "surveys"})):
        values = {"file": opened["flat"][0][0].reading.file, "others": ", ".join(dated)}
        raise MappingError("flat_beside_dates", values)
    loaded: dict[str, JudgedTable] = {}
    for table, parts in opened.items():
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
        loaded[name] = _read_parts(connection, workspace, name, fitted, today)
    return loaded, relations


def _open_all(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, sources: Mapping[str, Source | Sequence[Source]], mappings: MappingSet
) -> dict[str, list[Opened]]:
    opened: dict[str, list[Opened]] = {}
    for named, source in sources.items():
        for part in list_sources(source):
            table, found = open_file(connection, workspace, named, part, mappings)
            opened.setdefault(table, []).append(found)
    return opened


def _read_parts(connection: duckdb.DuckDBPyConnection, workspace: Workspace, name: str, parts: list[Opened], today: date) -> JudgedTable:
    if len(parts) == 1:
        return read_table(connection, workspace, name, *parts[0], today)
    judged = []
    for number, (source, mapping) in enumerate(parts, start=1):
        judged.append(set_aside(connection, read_table(connection, workspace, name, source, mapping, today), number))
    return combine_parts(connection, judged, f"read_{name}")


def _require_certain(opened: Mapping[str, list[Opened]]) -> None:
    """Stop when a required field has no header or an uncertain one: a wrong guess would be a silent wrong number."""
    for relation, chosen in (part for parts in opened.values() for part in parts):
        doubtful = [choice.field for choice in chosen.uncertain(CERTAIN)] + list(chosen.missing)
        proposal = MappingSet({table: parts[0][1] for table, parts in opened.items()})
        if doubtful == ["category"]:
            candidates = ", ".join(category_candidates(relation, chosen)) or "–"
            headers = ", ".join(relation.reading.headers)
            values = {"file": relation.reading.file, "candidates": candidates, "table": chosen.table, "headers": headers}
            raise MappingError("category_missing", values, proposal)
        if doubtful:
            values = {
                "file": relation.reading.file,
                "table": chosen.table,
                "fields": ", ".join(doubtful),
                "headers": ", ".join(relation.reading.headers),
            }
            raise MappingError("mapping_uncertain", values, proposal)


def _as_volumes(mapping: ColumnMapping) -> ColumnMapping:
    """Complaints without customer ids become volumes of one per row."""
    choices = {
        "month": replace(mapping.choices["complaint_date"], field="month"),
        "category": mapping.choices["category"],
    }
    formats = {"month": mapping.date_formats["complaint_date"]} if "complaint_date" in mapping.date_formats else {}
    return replace(mapping, table="volumes", choices=choices, date_formats=formats)


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
    first, last = _date_range(connection, set(rows))
    last = joined.last_day or last
    files = [item for item in judged if item.fields.columns]  # customers put together from other tables have no file of their own
    tables = Tables(
        connection,
        frozenset(rows),
        currency=_currency(judged),
        first_complaint=first,
        last_day=last,
        on_close=workspace.close,
        origin=tuple(files),
    )
    report = IngestReport(
        files=tuple(reading for item in files for reading in item.readings),
        rows=rows,
        rules=tuple(count for item in judged for count in item.rule_counts),
        issues=tuple(issues),
        notes=_notes(judged),
        first_complaint=first,
        last_day=last,
        joining=joined.report,
        parts=tuple(parts),
    )
    return tables, report


def _notes(judged: list[JudgedTable]) -> tuple[tuple[str, dict[str, object]], ...]:
    """What the counts per rule do not say by themselves: ``ingest.notes.<code>`` filled with the values."""
    notes: list[tuple[str, dict[str, object]]] = []
    told_elsewhere = bool({"subscriptions", "events", "activity"} & {item.table for item in judged})  # other tables know who left
    for item in judged:
        file, read = item.source.reading.file, item.totals.read
        if item.table == "customers" and "end_date" not in item.fields.columns and not told_elsewhere:
            notes.append(("no_end_date", {"file": file}))
        if item.table == "flat":
            notes += flat_notes(item)
        unknown = item.rule_rows.get("unknown_customer", 0)
        if read and unknown / read >= MANY_UNKNOWN:
            notes.append(("ids_do_not_match", {"file": file, "count": unknown, "read": read}))
    return tuple(notes)


def _currency(judged: list[JudgedTable]) -> str:
    """The currency written in the revenue cells, euros where none is."""
    readings = (item.fields.numbers.get("revenue") for item in judged)
    return next((reading.currency for reading in readings if reading is not None and reading.currency), "EUR")


def require_rows(report: IngestReport) -> None:
    """Stop when every row of a table was rejected.

    Raises:
        EvidenceError: ``all_rows_rejected`` with the first offending row.
    """
    for table, totals in report.rows.items():
        if totals.kept == 0 and totals.read:
            first = next((issue for issue in report.issues if issue.table == table and issue.rejected), None)
            if first is not None:
                values = {
                    "file": first.file,
                    "count": totals.read,
                    "line": str(first.line),
                    "column": first.column,
                    "value": first.value,
                    "rule": first.rule,
                }
                raise EvidenceError("all_rows_rejected", values)


def _date_range(connection: duckdb.DuckDBPyConnection, names: set[str]) -> tuple[date | None, date | None]:
    """First complaint and last day seen among kept rows."""
    first = last = None
    for table, first_day, last_day in (
        ("complaints", "complaint_date", "complaint_date"),
        ("volumes", "month", "last_day(month)"),
    ):
        if table in names:
            low, high = connection.sql(f"SELECT min({first_day}), max({last_day}) FROM {table}").fetchall()[0]
            first = min(filter(None, (first, low)), default=None)
            last = max(filter(None, (last, high)), default=None)
    for table, days in (
        ("customers", "greatest(max(start_date), max(end_date))"),
        ("subscriptions", "greatest(max(start_date), max(end_date))"),
        ("events", "max(event_date)"),
    ):
        if table in names:
            high = connection.sql(f"SELECT {days} FROM {table}").fetchall()[0][0]
            last = max(filter(None, (last, high)), default=None)
    return first, last


def volumes_from_rows(rows: pd.DataFrame, *, today: date | None = None) -> tuple[Tables, IngestReport]:
    """Load volumes typed into a table.

    Args:
        rows: Columns month (date or text), category, complaints (whole number).
        today: See `load_tables`.
    """
    return load_tables(volumes=rows, today=today)


def relate_files(sources: Mapping[str, Source | Sequence[Source]], *, mapping: MappingSet | None = None) -> Relations:
    """How the tables would meet, before any row is judged: to be shown, and chosen otherwise with `MappingSet.with_link`.

    Args:
        sources: Files by table, as for `load_tables`.
        mapping: What was said about them.

    Raises:
        FileError: A file is not a table.
        MappingError: A join that was told cannot be made.
    """
    workspace, connection = Workspace(), connect()
    try:
        mapping = mapping or MappingSet()
        opened = _open_all(connection, workspace, sources, mapping)
        given = frozenset(table for table, one in mapping.tables.items() if one.choices)
        return relate_tables(connection, opened, mapping.links, given=given, measure=True)[1]
    finally:
        connection.close()
        workspace.close()
