"""Owns customers and complaints that live in Spark: columns recognised, rules judged in the engine, counts per rule and first rows brought back."""


from __future__ import annotations

from dataclasses import replace
from datetime import date
from typing import TYPE_CHECKING, Any

from iceberg.errors import FileError, MappingError
from iceberg.ingest.columns import CERTAIN, complete_with_system, propose_mapping
from iceberg.ingest.database import quote_name
from iceberg.ingest.judge import JudgedTable
from iceberg.ingest.mapping import ColumnMapping, MappingSet
from iceberg.ingest.read import PREVIEW_ROWS, FileReading, SourceColumn, SourceTable
from iceberg.ingest.rules import bit_of, reject_mask, rules_of
from iceberg.ingest.spark import SparkConnection, named_stage, open_session
from iceberg.ingest.tables import CANONICAL_COLUMNS, IngestReport, RowIssue, Tables
from iceberg.ingest.typed import resolve_fields, select_sql

if TYPE_CHECKING:
    from pyspark.sql import DataFrame

_PREFIX = "spark:"
_TYPES = {"string": "VARCHAR", "date": "DATE", "timestamp": "TIMESTAMP", "timestamp_ntz": "TIMESTAMP", "double": "DOUBLE", "float": "FLOAT"}
_TYPES |= {"decimal": "DECIMAL", "int": "INTEGER", "bigint": "BIGINT", "smallint": "SMALLINT", "tinyint": "TINYINT", "boolean": "BOOLEAN"}


def load_spark_tables(
    customers: str,
    complaints: str | None = None,
    *,
    url: str | None = None,
    mapping: MappingSet | None = None,
    today: date | None = None,
    issues_per_rule: int = 100,
) -> tuple[Tables, IngestReport]:
    """Judge tables where they live; the counterpart of `iceberg.ingest.load.load_tables`.

    Args:
        customers: ``spark:catalog.schema.table``, or a path of Parquet or CSV that the cluster can read.
        complaints: Likewise.
        url: Session to connect to; None takes the environment's own, else a local one.
        mapping: See `load_tables`.
        today: Dates after this day lie in the future.
        issues_per_rule: Rows of each rule in the report; no other row comes back.

    Raises:
        FileError: ``spark_*``.
        MappingError: Columns cannot be told.
    """
    connection = SparkConnection(open_session(url))
    given = {"customers": customers} | ({"complaints": complaints} if complaints else {})
    today = today or date.today()
    loaded = {table: _read(connection, table, source, mapping or MappingSet(), today) for table, source in given.items()}
    _judge_customers(connection)
    if "complaints" in loaded:
        _judge_complaints(connection)
    issues: list[RowIssue] = []
    for item in loaded.values():
        by_flags = connection.sql(f"SELECT flags, count(*) FROM judged_{item.table} GROUP BY flags").fetchall()
        item.flags = {int(flags): int(rows) for flags, rows in by_flags}
        issues += _first_rows(connection, item, issues_per_rule)
        columns = ", ".join(CANONICAL_COLUMNS[item.table])
        connection.view(item.table, f"SELECT {columns} FROM judged_{item.table} WHERE (flags & {reject_mask(item.table)}) = 0")
    first, last = _days(connection, loaded)
    report = IngestReport(
        files=tuple(item.source.reading for item in loaded.values()),
        rows={item.table: item.totals for item in loaded.values()},
        rules=tuple(count for item in loaded.values() for count in item.rule_counts),
        issues=tuple(issues),
        first_complaint=first,
        last_day=last,
        read_on=today,
    )
    tables = Tables(connection, frozenset(loaded), first_complaint=first, last_day=last)  # type: ignore[arg-type]  # what the reduction asks of a connection
    return tables, report


def _frame(connection: SparkConnection, source: str) -> DataFrame:
    session = connection.session
    if source.startswith(_PREFIX):
        return session.table(source.removeprefix(_PREFIX))
    if source.lower().rstrip("/").endswith((".csv", ".csv.gz")):
        return session.read.csv(source, header=True, escape='"')
    return session.read.parquet(source)


def _read(connection: SparkConnection, table: str, name: str, mappings: MappingSet, today: date) -> JudgedTable:
    """The canonical view ``read_<table>`` with flags and the mapped cells as text."""
    with named_stage("reading"):
        frame = _frame(connection, name)
        frame.createOrReplaceTempView(f"given_{table}")
        sample = frame.limit(PREVIEW_ROWS).collect()
    shown = name.removeprefix(_PREFIX).rsplit("/", 1)[-1]
    if not sample:
        raise FileError("header_only", {"file": shown, "line": "0"})
    columns = tuple(
        SourceColumn(header, quote_name(header), _TYPES.get(kind.partition("(")[0], "VARCHAR"), _texts(sample, place))
        for place, (header, kind) in enumerate(frame.dtypes)
    )
    source = SourceTable(FileReading(shown, "spark", headers=tuple(frame.columns), table=table), columns, f"given_{table}")
    given = mappings.get(table)
    mapping = complete_with_system(source, given) if given is not None and given.choices else propose_mapping(source, table)
    _require_certain(source, mapping)
    fields = resolve_fields(connection, source, mapping)  # type: ignore[arg-type]  # asks it only where texts can be read in two ways
    foreign = [fields.columns[field].header for field, reading in fields.dates.items() if reading.format != "iso"]
    foreign += [fields.columns[field].header for field, reading in fields.numbers.items() if not reading.plain]
    if foreign:
        raise FileError("spark_needs_types", {"file": shown, "columns": ", ".join(foreign)})
    select = select_sql(source, table, fields, today=f"DATE '{today.isoformat()}'", texts=True)
    connection.view(f"read_{table}", select)
    reading = replace(source.reading, used={field: column.header for field, column in fields.columns.items()})
    return JudgedTable(table, replace(source, reading=reading), mapping, fields, f"read_{table}")


def _texts(sample: list[Any], place: int) -> tuple[str | None, ...]:
    return tuple(None if row[place] is None else str(row[place]) for row in sample)


def _require_certain(source: SourceTable, mapping: ColumnMapping) -> None:
    doubtful = [choice.field for choice in mapping.uncertain(CERTAIN)] + list(mapping.missing)
    if doubtful:
        headers = ", ".join(source.reading.headers)
        values = {"file": source.reading.file, "table": mapping.table, "fields": ", ".join(doubtful), "headers": headers}
        raise MappingError("mapping_uncertain", values, MappingSet({mapping.table: mapping}))


def _judge_customers(connection: SparkConnection) -> None:
    """A customer twice: the earliest start stays, then the earliest known end; as `iceberg.ingest.together` has it."""
    mask = reject_mask("customers")
    exact, conflicting = bit_of("customers", "exact_duplicate"), bit_of("customers", "duplicate_customer_id")
    order = "start_date, end_date NULLS LAST, segment, revenue NULLS LAST"
    spell = f"OVER (PARTITION BY customer_id, (flags & {mask}) = 0 ORDER BY {order})"
    firsts = ", ".join(f"first_value({name}) {spell} AS first_{name}" for name in ("start_date", "end_date", "segment", "revenue"))
    same = " AND ".join(f"{name} IS NOT DISTINCT FROM first_{name}" for name in ("start_date", "end_date", "segment", "revenue"))
    bit = f"CASE WHEN (flags & {mask}) <> 0 OR place = 1 THEN 0 WHEN {same} THEN {exact} ELSE {conflicting} END"
    connection.make(
        "judged_customers",
        f"SELECT * EXCLUDE (flags), flags | {bit} AS flags FROM (SELECT *, {firsts}, row_number() {spell} AS place FROM read_customers) AS placed",
    )


def _judge_complaints(connection: SparkConnection) -> None:
    """Unknown customers, complaints outside a customer's life, and one problem told twice."""
    mask, customers = reject_mask("complaints"), reject_mask("customers")
    bits = {rule: bit_of("complaints", rule) for rule in ("unknown_customer", "complaint_of_rejected_customer", "complaint_before_start")}
    after, twice = bit_of("complaints", "complaint_after_departure"), bit_of("complaints", "duplicate_complaint")
    verdict = (
        f"CASE WHEN (k.flags & {mask}) <> 0 THEN 0 "
        f"WHEN c.customer_id IS NULL AND r.customer_id IS NOT NULL THEN {bits['complaint_of_rejected_customer']} "
        f"WHEN c.customer_id IS NULL THEN {bits['unknown_customer']} "
        f"WHEN k.complaint_date < c.start_date THEN {bits['complaint_before_start']} WHEN k.complaint_date > c.end_date THEN {after} ELSE 0 END"
    )
    joined = (
        f"SELECT k.* EXCLUDE (flags), k.flags | {verdict} AS flags FROM read_complaints AS k "
        f"LEFT JOIN (SELECT customer_id, start_date, end_date FROM judged_customers WHERE (flags & {customers}) = 0) AS c "
        f"ON k.customer_id = c.customer_id "
        f"LEFT JOIN (SELECT DISTINCT customer_id FROM judged_customers WHERE (flags & {customers}) <> 0) AS r ON k.customer_id = r.customer_id"
    )
    place = f"row_number() OVER (PARTITION BY customer_id, complaint_date, category, (flags & {mask}) = 0 ORDER BY customer_id) AS place"
    bit = f"CASE WHEN (flags & {mask}) = 0 AND place > 1 THEN {twice} ELSE 0 END"
    placed = f"SELECT *, {place} FROM ({joined}) AS met"
    connection.make("judged_complaints", f"SELECT * EXCLUDE (flags), flags | {bit} AS flags FROM ({placed}) AS placed")


def _first_rows(connection: SparkConnection, item: JudgedTable, limit: int) -> list[RowIssue]:
    """The first rows of each rule by their cells: tables have no lines."""
    found = []
    headers = {name: column.header for name, column in item.fields.columns.items()}
    for bit, rule in rules_of(item.table):
        if not any(flags & bit for flags in item.flags):
            continue
        texts = [f"{rule.field}_text"] if rule.field in headers else [f"{name}_text" for name in headers]
        cells = ", ".join(f"CAST({name} AS VARCHAR) AS {name}" for name in texts)
        broken = f"SELECT {cells} FROM judged_{item.table} WHERE (flags & {bit}) <> 0 ORDER BY {', '.join(texts)} LIMIT {limit}"
        for row in connection.sql(broken).fetchall():
            value = " | ".join(str(text) for text in row if text is not None)
            found.append(RowIssue(item.table_name, item.source.reading.file, 0, headers.get(rule.field, ""), value[:200], rule.id, rule.rejects))
    return found


def _days(connection: SparkConnection, loaded: dict[str, JudgedTable]) -> tuple[date | None, date | None]:
    """First complaint and last day among kept rows."""
    [(last_start, last_end)] = connection.sql("SELECT max(start_date), max(end_date) FROM customers").fetchall()
    first = None
    days = [last_start, last_end]
    if "complaints" in loaded:
        [(first, last)] = connection.sql("SELECT min(complaint_date), max(complaint_date) FROM complaints").fetchall()
        days.append(last)
    return first, max(filter(None, days), default=None)
