"""Owns `load_tables`: sources in, trusted tables and the account of every row out."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date

import duckdb
import pandas as pd

from iceberg.errors import EvidenceError, MappingError
from iceberg.ingest.columns import CERTAIN, propose_mapping
from iceberg.ingest.issues import find_issues
from iceberg.ingest.mapping import ColumnMapping, MappingSet
from iceberg.ingest.read import FileReading, ReadOptions, SourceTable, connect, read_source
from iceberg.ingest.rules import RAGGED_RULES, bit_of, reject_mask, rules_of
from iceberg.ingest.sources import Source, Workspace
from iceberg.ingest.tables import CANONICAL_COLUMNS, IngestReport, RowIssue, RowTotals, RuleCount, Tables
from iceberg.ingest.typed import TypedFields, resolve_fields, select_sql

ISSUES_PER_RULE = 100


@dataclass(frozen=True)
class LoadedTable:
    """One table after reading and judging.

    Attributes:
        table: Canonical name.
        source: The file behind it.
        mapping, fields: How its columns were read.
        read_name: Relation of every record read, with ``flags`` (and ``record``, its number).
    """

    table: str
    source: SourceTable
    mapping: ColumnMapping
    fields: TypedFields
    read_name: str


def load_tables(
    customers: Source | None = None,
    complaints: Source | None = None,
    volumes: Source | None = None,
    *,
    mapping: MappingSet | None = None,
    memory_limit: str | None = None,
    incidents: Source | None = None,
    surveys: Source | None = None,
    today: date | None = None,
) -> tuple[Tables, IngestReport]:
    """Read files into tables that can be trusted, and account for every row.

    Args:
        customers: One row per customer: id, first day, last day (blank while still here), segment, revenue.
        complaints: One row per complaint, with the customer's id; without ids the rows are folded into volumes.
        volumes: Complaints per category and month.
        mapping: Which header feeds which field; tables it does not name are proposed from their headers.
        memory_limit: Bound for DuckDB, such as ``"4GB"``.
        incidents: One row per problem met, complained about or not (evidence level 4).
        surveys: Per category: people asked, had the problem, complained (evidence level 4).
        today: Dates after this day are in the future; the day of the call when left out.

    Returns:
        The tables (close them after reducing) and the report: kept + rejected = read for each.

    Raises:
        FileError: A file is not a table.
        MappingError: Columns cannot be told; ``proposal`` holds the `MappingSet` to edit.
        EvidenceError: ``no_source`` or ``no_rows_kept``.
    """
    given = {"customers": customers, "complaints": complaints, "volumes": volumes, "incidents": incidents, "surveys": surveys}
    sources = {table: source for table, source in given.items() if source is not None}
    if not sources:
        raise EvidenceError("no_source")
    workspace, connection = Workspace(), connect(memory_limit=memory_limit)
    try:
        loaded = _read_all(connection, workspace, sources, mapping or MappingSet(), today or date.today())
        return _finish(connection, workspace, loaded)
    except BaseException:
        connection.close()
        workspace.close()
        raise


def _read_all(
    connection: duckdb.DuckDBPyConnection, workspace: Workspace, sources: Mapping[str, Source], mappings: MappingSet, today: date
) -> list[LoadedTable]:
    opened: dict[str, tuple[SourceTable, ColumnMapping]] = {}
    for table, source in sources.items():
        given = mappings.get(table)
        relation = read_source(connection, source, workspace, options=_options(given))
        proposed = given if given is not None and given.choices else propose_mapping(relation, table)
        opened[table] = (relation, proposed)
    _require_certain(opened)
    loaded = []
    for table, (relation, chosen) in opened.items():
        if table == "complaints" and "customer_id" not in chosen.choices:
            loaded.append(_read_table(connection, "volumes", relation, _as_volumes(chosen), today))
        else:
            loaded.append(_read_table(connection, table, relation, chosen, today))
    _judge_together(connection, {item.table: item for item in loaded})
    return loaded


def _options(mapping: ColumnMapping | None) -> ReadOptions:
    if mapping is None:
        return ReadOptions()
    return ReadOptions(mapping.encoding or None, mapping.separator or None, mapping.header_line or None, mapping.sheet or None)


def _require_certain(opened: Mapping[str, tuple[SourceTable, ColumnMapping]]) -> None:
    """Stop when a required field has no header or an uncertain one: a wrong guess would be a silent wrong number."""
    for relation, chosen in opened.values():
        doubtful = [choice.field for choice in chosen.uncertain(CERTAIN)] + list(chosen.missing)
        if doubtful:
            values = {"file": relation.reading.file, "table": chosen.table, "fields": ", ".join(doubtful), "headers": ", ".join(relation.reading.headers)}
            raise MappingError("mapping_uncertain", values, MappingSet({table: mapping for table, (_, mapping) in opened.items()}))


def _as_volumes(mapping: ColumnMapping) -> ColumnMapping:
    """Complaints without customer ids become volumes of one per row."""
    choices = {"month": replace(mapping.choices["complaint_date"], field="month"), "category": mapping.choices["category"]}
    formats = {"month": mapping.date_formats["complaint_date"]} if "complaint_date" in mapping.date_formats else {}
    return replace(mapping, table="volumes", choices=choices, date_formats=formats)


def _read_table(connection: duckdb.DuckDBPyConnection, table: str, source: SourceTable, mapping: ColumnMapping, today: date) -> LoadedTable:
    fields = resolve_fields(source, mapping)
    name = f"read_{table}"
    literal = f"DATE '{today.isoformat()}'"
    if source.reading.format == "parquet" and table == "customers":
        connection.execute(f"CREATE TEMP VIEW {name} AS {select_sql(source, table, fields, today=literal, row_number='file_row_number')}")
    else:
        connection.execute(f"CREATE TEMP TABLE {name} AS {select_sql(source, table, fields, today=literal)}")
    used = {field: column.header for field, column in fields.columns.items()}
    reading = replace(
        source.reading,
        used=used,
        dropped=tuple(header for header in source.reading.headers if header not in used.values()),
        date_formats={fields.columns[name].header: reading.format for name, reading in fields.dates.items()},
        decimal={fields.columns[name].header: reading.decimal for name, reading in fields.numbers.items()},
    )
    return LoadedTable(table, replace(source, reading=reading), mapping, fields, name)


def _judge_together(connection: duckdb.DuckDBPyConnection, loaded: Mapping[str, LoadedTable]) -> None:
    """Rules that look at several rows or at two tables."""


def _finish(connection: duckdb.DuckDBPyConnection, workspace: Workspace, loaded: list[LoadedTable]) -> tuple[Tables, IngestReport]:
    rows: dict[str, RowTotals] = {}
    counts: list[RuleCount] = []
    issues: list[RowIssue] = []
    for item in loaded:
        by_flags = dict(connection.sql(f"SELECT flags, count(*) FROM {item.read_name} GROUP BY flags").fetchall())
        ragged = _ragged_counts(connection, item.source)
        mask = reject_mask(item.table)
        rejected = sum(n for flags, n in by_flags.items() if flags & mask)
        read = sum(by_flags.values()) + sum(ragged.values())
        rows[item.table] = RowTotals(read, sum(by_flags.values()) - rejected, rejected + sum(ragged.values()))
        counts += [RuleCount(item.table, rule, n, True) for rule, n in ragged.items() if n]  # type: ignore[arg-type]
        for rule_id in dict.fromkeys(rule.id for _, rule in rules_of(item.table)):
            bits = bit_of(item.table, rule_id)
            spoken = sum(n for flags, n in by_flags.items() if flags & bits)
            if spoken:
                rejects = any(rule.rejects for _, rule in rules_of(item.table) if rule.id == rule_id)
                counts.append(RuleCount(item.table, rule_id, spoken, rejects))  # type: ignore[arg-type]
        if rejected or any(by_flags):
            issues += find_issues(connection, item, limit=ISSUES_PER_RULE)
        where = f" WHERE (flags & {mask}) = 0" if rejected else ""
        names = ", ".join(CANONICAL_COLUMNS[item.table])
        connection.execute(f"CREATE TEMP VIEW {item.table} AS SELECT {names} FROM {item.read_name}{where}")
    if not any(total.kept for total in rows.values()):
        raise EvidenceError("no_rows_kept", {"file": ", ".join(item.source.reading.file for item in loaded)})
    first, last = _date_range(connection, {item.table for item in loaded})
    tables = Tables(connection, frozenset(rows), first_complaint=first, last_day=last, on_close=workspace.close)
    readings: tuple[FileReading, ...] = tuple(item.source.reading for item in loaded)
    return tables, IngestReport(readings, rows, tuple(counts), tuple(issues), first_complaint=first, last_day=last)


def _ragged_counts(connection: duckdb.DuckDBPyConnection, source: SourceTable) -> dict[str, int]:
    if not source.rejects:
        return {}
    found = connection.sql(f"SELECT CAST(error_type AS VARCHAR), count(DISTINCT line) FROM {source.rejects} GROUP BY 1").fetchall()
    return {RAGGED_RULES.get(kind, "broken_line"): n for kind, n in found}


def _date_range(connection: duckdb.DuckDBPyConnection, names: set[str]) -> tuple[date | None, date | None]:
    """First complaint and last day seen among kept rows."""
    first = last = None
    for table, first_day, last_day in (("complaints", "complaint_date", "complaint_date"), ("volumes", "month", "last_day(month)")):
        if table in names:
            low, high = connection.sql(f"SELECT min({first_day}), max({last_day}) FROM {table}").fetchall()[0]
            first = min(filter(None, (first, low)), default=None)
            last = max(filter(None, (last, high)), default=None)
    if "customers" in names:
        high = connection.sql("SELECT greatest(max(start_date), max(end_date)) FROM customers").fetchall()[0][0]
        last = max(filter(None, (last, high)), default=None)
    return first, last


def volumes_from_rows(rows: pd.DataFrame, *, today: date | None = None) -> tuple[Tables, IngestReport]:
    """Load volumes typed into a table.

    Args:
        rows: Columns month (date or text), category, complaints (whole number).
        today: See `load_tables`.
    """
    return load_tables(volumes=rows, today=today)
