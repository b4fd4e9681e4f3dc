"""Loads tables in Spark: columns are recognised and rules judged there; counts per rule and the first rows come back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from pathlib import PurePosixPath
from typing import Any

from iceberg.errors import FileError, MappingError
from iceberg.ingest.columns.flat_sheet import as_flat
from iceberg.ingest.columns.mapping import ColumnMapping
from iceberg.ingest.columns.propose import complete_with_system, propose_mapping
from iceberg.ingest.engine.connection import quote_name
from iceberg.ingest.files.load import OnFile
from iceberg.ingest.files.source_table import PREVIEW_ROWS, FileReading, SourceColumn, SourceTable
from iceberg.ingest.joining.subscriptions import ENOUGH_REPEATED, MANY_REPEATED
from iceberg.ingest.judging.across_rows import (
    against_customers_sql,
    repeated_complaints_sql,
    repeated_customers_sql,
    total_categories_sql,
)
from iceberg.ingest.judging.judged_table import JudgedTable, segment_columns
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.notes import notes_of, remarks_of
from iceberg.ingest.opening import check_columns
from iceberg.ingest.recognise import likeness, recognise_table, speaks_for
from iceberg.ingest.rules.rules import reject_mask, rules_of
from iceberg.ingest.rules.select import resolve_fields, select_sql
from iceberg.ingest.schema import CANONICAL_COLUMNS, CASE_FIELDS, COLUMNS_TOGETHER, FIELDS_OF_CUSTOMER, TABLES, RowIssue
from iceberg.ingest.spark.categories import settle_spellings
from iceberg.ingest.spark.customers import make_ids_alike, require_dated
from iceberg.ingest.spark.engine import SparkEngine, SparkResult
from iceberg.ingest.spark.local_tables import LocalTables, is_read_here
from iceberg.ingest.spark.session import SessionOptions, open_session
from iceberg.ingest.spark.sources import PREFIX, SparkSource, open_spark_source
from iceberg.ingest.spark.state import SparkLoad
from iceberg.ingest.tables import IngestReport, Tables

TAKEN = tuple(table.name for table in TABLES if table.in_spark)
_TYPES = {"string": "VARCHAR", "date": "DATE", "timestamp": "TIMESTAMP", "timestamp_ntz": "TIMESTAMP", "double": "DOUBLE", "float": "FLOAT"}
_TYPES |= {"decimal": "DECIMAL", "int": "INTEGER", "bigint": "BIGINT", "smallint": "SMALLINT", "tinyint": "TINYINT", "boolean": "BOOLEAN"}
_DAYS = {
    "customers": ("NULL", "greatest(max(start_date), max(end_date))"),
    "complaints": ("min(complaint_date)", "max(complaint_date)"),
    "volumes": ("min(month)", "max(last_day(month))"),
}


def load_spark_tables(
    sources: Mapping[str, str],
    *,
    session: SessionOptions | None = None,
    mapping: MappingSet | None = None,
    today: date | None = None,
    as_of: date | None = None,
    issues_per_rule: int = 100,
    on_file: OnFile | None = None,
) -> tuple[Tables, IngestReport]:
    """Judge tables where they are; the counterpart of `iceberg.ingest.load.load_tables`.

    Args:
        sources: By table, one of `TAKEN`: ``spark:catalog.schema.table``, or a file, folder or pattern of Parquet or CSV that the session can
            read. A single file that is not Parquet (CSV, Excel, a table of PostgreSQL) is read on this machine unless it holds the customers,
            and its rows are sent to Spark.
        session: The session to use.
        mapping: See `load_tables`; Spark refuses the settings that join several tables into customers or repair ids and categories.
        today: Dates after this day lie in the future.
        as_of: See `load_tables`.
        issues_per_rule: Rows of each rule in the report. Besides these, only the first rows of a table come back, to recognise its columns.
        on_file: Called with the name of each table before it is read.

    Returns:
        See `load_tables`. Rows of tables in Spark have no line: an issue names the table, the column and the value.

    Raises:
        FileError: ``spark_*``.
        MappingError: Columns are not recognised.
        ValueError: A name in `sources` is not one of `TAKEN`.
    """
    if others := set(sources) - set(TAKEN):
        raise ValueError(f"not read in Spark: {', '.join(sorted(others))}")
    mappings, options = mapping or MappingSet(), session or SessionOptions()
    _require_plain(mappings)
    today = max(today or date.today(), as_of or date.min)
    load = SparkLoad(SparkEngine(open_session(options)), mappings, today)
    load.engine.stage = "reading"
    here = {table: sources[table] for table in TAKEN if table in sources and table != "customers" and is_read_here(sources[table])}
    local = LocalTables(here, mappings, today, on_file, options.temp_directory)
    try:
        for table in TAKEN:
            if table in sources and table not in here:
                source = sources[table]
                if on_file is not None:
                    on_file(source.removeprefix(PREFIX) if source.startswith(PREFIX) else PurePosixPath(source.rstrip("/")).name)
                load.judged[table] = _read(load, table, open_spark_source(load.engine.session, source))
        for item in local.items:
            local.send(load.engine, item)
            load.judged[item.table] = item
        return _judge(load, local, issues_per_rule)
    except BaseException:
        load.engine.close()
        local.close()
        raise


def recognise_spark_tables(
    names: Sequence[str], *, session: SessionOptions | None = None, mapping: MappingSet | None = None
) -> list[dict[str, str]]:
    """Group tables into the sources of `load_spark_tables`: one of each kind together, further ones on their own.

    Raises:
        MappingError: ``table_unrecognised``.
    """
    engine = SparkEngine(open_session(session or SessionOptions()))
    groups: list[dict[str, str]] = []
    for name in names:
        table = _recognise(engine, name, mapping)
        group = next((entry for entry in groups if table not in entry), None)
        if group is None:
            groups.append(group := {})
        group[table] = name
    return groups


def _recognise(engine: SparkEngine, name: str, mapping: MappingSet | None) -> str:
    if is_read_here(name):
        table = recognise_table(name, mapping=mapping)
        if table in TAKEN and table != "customers":
            return table
    source = _source_table(engine, "unrecognised", open_spark_source(engine.session, name))
    file = source.reading.file
    table = max(TAKEN, key=lambda candidate: likeness(source, candidate, file, mapping))
    if as_flat(source, propose_mapping(source, "customers")) is not None:
        raise FileError("spark_no_flat", {"file": file})
    if not speaks_for(source, table, mapping):
        raise MappingError("table_unrecognised", {"file": file, "headers": ", ".join(source.reading.headers)})
    return table


def _judge(load: SparkLoad, local: LocalTables, issues_per_rule: int) -> tuple[Tables, IngestReport]:
    engine, judged = load.engine, load.judged
    engine.stage = "judging"
    load.relations, joining = settle_spellings(engine, judged, load.mappings.joining)
    notes = make_ids_alike(load) if "customers" in judged else ()
    if "customers" in judged:
        notes += require_dated(load, judged["customers"])
        _judge_customers(load, judged["customers"])
    for table in ("complaints", "incidents"):
        if table in judged:
            _judge_against_customers(load, table, numbered=local.holds(table))
    issues: list[RowIssue] = []
    for table, item in judged.items():
        if table in {"volumes", "surveys"}:
            rows = load.rows_of(table)
            summed = table == "volumes" and "complaints" in item.fields.columns
            engine.make(f"judged_{table}", _with_bit(total_categories_sql(rows)) if summed else f"SELECT * FROM {rows}")
        by_flags = engine.execute(f"SELECT flags, count(*) FROM judged_{table} GROUP BY flags").fetchall()
        item.flags = {int(flags): int(rows) for flags, rows in by_flags}
        issues += local.first_rows(engine, item, issues_per_rule) if local.holds(table) else _first_rows(engine, item, issues_per_rule)
        columns = ", ".join(CANONICAL_COLUMNS[table])
        engine.view(table, f"SELECT {columns} FROM judged_{table} WHERE (flags & {reject_mask(table)}) = 0")
    first, last = _days(engine, judged)
    report = IngestReport(
        files=tuple(reading for item in judged.values() for reading in item.readings),
        rows={table: item.totals for table, item in judged.items()},
        rules=tuple(count for item in judged.values() for count in item.rule_counts),
        issues=tuple(issues),
        notes=notes_of(list(judged.values())) + notes,
        first_complaint=first,
        last_day=last,
        parts=local.parts,
        read_on=load.today,
        joining=joining,
    )
    engine.stage = "counting"
    columns_of_segment = segment_columns(list(judged.values()))
    return Tables(
        engine,
        frozenset(judged),
        first_complaint=first,
        last_day=last,
        remarks=remarks_of(report.notes),
        on_close=local.close,
        segment_columns=columns_of_segment,
        journey=load.mappings.journey,
    ), report


def _require_plain(mappings: MappingSet) -> None:
    """Refuse the settings of a mapping that Spark does not carry out.

    Raises:
        FileError: ``spark_no_joining``.
    """
    joining = mappings.joining
    settings = {
        "id_normalisation": bool(set(joining.id_normalisation) - {"exact"}),
        "merge_categories": bool(joining.merge_categories),
        "drop_categories": bool(joining.drop_categories),
        "split_categories": bool(joining.split_categories),
        "early_complaints": joining.early_complaints != "leave_out",
        "repeated_customers": joining.repeated_customers == "subscriptions",
        "flag": joining.flag != "ignore",
        "links": bool(mappings.links),
    }
    if any(settings.values()):
        raise FileError("spark_no_joining", {"settings": ", ".join(name for name, given in settings.items() if given)})


def _read(load: SparkLoad, table: str, found: SparkSource) -> JudgedTable:
    """Make the view ``read_<table>``: canonical columns, flags and, of rows that broke a rule, the mapped cells as text."""
    source = _source_table(load.engine, table, found)
    given = load.mappings.get(table)
    mapping = complete_with_system(source, given) if given is not None and given.choices else propose_mapping(source, table)
    mapping = load.mappings.with_segments(source, mapping)
    # What each case says of itself is counted in DuckDB alone.
    mapping = replace(mapping, choices={name: choice for name, choice in mapping.choices.items() if name not in CASE_FIELDS})
    _require_certain(source, mapping)
    fields = resolve_fields(load.engine, source, mapping)
    _require_alike(found, mapping)
    foreign = [fields.columns[field].header for field, reading in fields.dates.items() if reading.format != "iso" or not reading.hyphens]
    foreign += [fields.columns[field].header for field, reading in fields.numbers.items() if not reading.plain]
    if foreign:
        raise FileError("spark_needs_types", {"file": found.name, "columns": ", ".join(foreign)})
    texts = [f"CASE WHEN flags <> 0 THEN {name}_text END AS {name}_text" for name in fields.columns]
    fields = replace(fields, dates={field: replace(reading, iso_only=True) for field, reading in fields.dates.items()})
    own = [name for name in ("complaint_id", "churned") if name in fields.columns]
    select = select_sql(source, table, fields, today=f"DATE '{load.today.isoformat()}'", texts=True)
    load.engine.view(f"read_{table}", f"SELECT {', '.join([*CANONICAL_COLUMNS[table], *own, 'flags', *texts])} FROM ({select}) AS typed_cells")
    used = {field: column.header for field, column in fields.columns.items()}
    reading = replace(source.reading, table=table, used=used, dropped=source.unread(used), system=mapping.system)
    return JudgedTable(table, replace(source, reading=reading), mapping, fields, f"read_{table}")


def _source_table(engine: SparkEngine, table: str, found: SparkSource) -> SourceTable:
    sample = SparkResult(found.frame.limit(PREVIEW_ROWS), engine.stage).fetchall()
    if not sample:
        raise FileError("header_only", {"file": found.name, "line": "0"})
    engine.name(f"given_{table}", found.frame)
    columns = tuple(
        SourceColumn(header, quote_name(header), _TYPES.get(kind.partition("(")[0], "VARCHAR"), _texts(sample, place))
        for place, (header, kind) in enumerate(found.frame.dtypes)
    )
    return SourceTable(FileReading(found.name, "spark", headers=tuple(found.frame.columns), table=table), columns, f"given_{table}")


def _texts(sample: list[tuple[Any, ...]], place: int) -> tuple[str | None, ...]:
    return tuple(None if row[place] is None else str(row[place]) for row in sample)


def _require_alike(found: SparkSource, mapping: ColumnMapping) -> None:
    """Require the mapped columns of the first file, of the same type, in every other: Spark would silently take a missing column for blank.

    Raises:
        MappingError: ``files_differ`` names the file.
    """
    if not found.files:
        return
    (first, columns), *others = found.files
    named = {part for choice in mapping.choices.values() for part in (choice.header, *choice.header.split(COLUMNS_TOGETHER))}
    wanted = {column for column in columns if column[0] in named}
    for file, theirs in others:
        if lacking := wanted - set(theirs):
            besides = set(theirs) - set(columns)
            values = {"file": file, "first": first, "lacking": _listed(lacking), "besides": _listed(besides)}
            raise MappingError("files_differ", values | {"headers": ", ".join(name for name, _ in theirs)})


def _listed(columns: set[tuple[str, str]]) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in sorted(columns)) or "–"


def _require_certain(source: SourceTable, mapping: ColumnMapping) -> None:
    """Refuse uncertain columns, as for files, and what only files may be: complaints without ids, a flat sheet."""
    if mapping.table == "complaints" and "customer_id" not in mapping.choices:
        raise FileError("spark_complaints_without_ids", {"file": source.reading.file, "headers": ", ".join(source.reading.headers)})
    if mapping.table == "customers" and as_flat(source, mapping) is not None:
        raise FileError("spark_no_flat", {"file": source.reading.file})
    check_columns({mapping.table: [(source, mapping)]})


def _judge_customers(load: SparkLoad, item: JudgedTable) -> None:
    """Make ``judged_customers``. Only rows whose id occurs more than once are sorted."""
    engine, rows = load.engine, load.rows_of("customers")
    trusted = f"{rows} WHERE (flags & {reject_mask('customers')}) = 0"
    engine.make("repeated_ids", f"SELECT customer_id AS again FROM {trusted} GROUP BY customer_id HAVING count(*) > 1")
    [(ids,)] = engine.execute("SELECT count(*) FROM repeated_ids").fetchall()
    if not ids:
        engine.make("judged_customers", f"SELECT * FROM {rows}")
        return
    if load.mappings.joining.repeated_customers == "auto":
        _require_no_subscriptions(engine, item, trusted)
    columns = ", ".join(["customer_id", *FIELDS_OF_CUSTOMER, *(f"{name}_text" for name in item.fields.columns)])
    once = f"SELECT {rows}.* FROM {rows} LEFT JOIN repeated_ids ON customer_id = again WHERE again IS NULL"
    repeated = repeated_customers_sql(f"{rows} JOIN repeated_ids ON customer_id = again")
    engine.make(
        "judged_customers",
        f"SELECT {columns}, flags FROM ({once}) AS alone UNION ALL SELECT {columns}, flags | bit AS flags FROM ({repeated}) AS judged",
    )


def _require_no_subscriptions(engine: SparkEngine, item: JudgedTable, trusted: str) -> None:
    """Refuse a table of subscriptions, by the bounds of `iceberg.ingest.joining.subscriptions.find_repeats`; `load_tables` would fold it.

    Raises:
        FileError: ``spark_repeated_customers``.
    """
    starts = f"SELECT customer_id, count(DISTINCT start_date) AS starts FROM {trusted} GROUP BY customer_id"
    counted = f"SELECT count(*) AS customers, count(CASE WHEN starts > 1 THEN 1 END) AS restarted FROM ({starts}) AS each_one"
    [(customers, restarted)] = engine.execute(counted).fetchall()
    if restarted >= ENOUGH_REPEATED and restarted >= MANY_REPEATED * customers:
        raise FileError("spark_repeated_customers", {"file": item.source.reading.file, "count": int(restarted), "customers": int(customers)})


def _judge_against_customers(load: SparkLoad, table: str, *, numbered: bool) -> None:
    """Make ``judged_complaints`` or ``judged_incidents``. Of repeated complaints the first row stays where rows are numbered, else any."""
    rows = load.rows_of(table)
    if "customers" in load.judged:
        rows = f"({_with_bit(against_customers_sql(table, rows, 'judged_customers'))}) AS met"
    judged = f"SELECT * FROM {rows}"
    if table == "complaints":
        judged = _with_bit(repeated_complaints_sql(
            rows, order="record" if numbered else "customer_id", numbered="complaint_id" in load.judged[table].fields.columns
        ), "place")
    load.engine.make(f"judged_{table}", judged)


def _with_bit(verdicts: str, *others: str) -> str:
    """A SELECT of the rows of `verdicts` whose ``bit`` is added to ``flags``, without the columns `others`."""
    return f"SELECT * EXCLUDE ({', '.join(['flags', 'bit', *others])}), flags | bit AS flags FROM ({verdicts}) AS verdicts"


def _first_rows(engine: SparkEngine, item: JudgedTable, limit: int) -> list[RowIssue]:
    """The first rows that broke each rule, in the order of their cells, because tables have no lines."""
    issues = []
    headers = {name: column.header for name, column in item.fields.columns.items()}
    for bit, rule in rules_of(item.table):
        if not any(flags & bit for flags in item.flags):
            continue
        shown = [rule.field] if rule.field in headers else list(headers)
        # A row that broke only rules across rows has no texts: its cells are the values that were read.
        typed = CANONICAL_COLUMNS[item.table]
        cells = [f"coalesce({name}_text, CAST({name} AS VARCHAR))" if name in typed else f"{name}_text" for name in shown]
        named = ", ".join(f"CAST({cell} AS VARCHAR) AS shown_{place}" for place, cell in enumerate(cells))
        order = ", ".join(f"shown_{place}" for place in range(len(cells)))
        broken = f"SELECT {named} FROM judged_{item.table} WHERE (flags & {bit}) <> 0 ORDER BY {order} LIMIT {limit}"
        for row in engine.execute(broken).fetchall():
            value = " | ".join(str(text) for text in row if text is not None)
            issues.append(RowIssue(item.table, item.source.reading.file, 0, headers.get(rule.field, ""), value[:200], rule.id, rule.rejects))
    return issues


def _days(engine: SparkEngine, judged: dict[str, JudgedTable]) -> tuple[date | None, date | None]:
    """First complaint and last day among trusted rows."""
    spans = {table: span for table, span in _DAYS.items() if table in judged}
    seen = [engine.execute(f"SELECT {low} AS low, {high} AS high FROM {table}").fetchall()[0] for table, (low, high) in spans.items()]
    return min((low for low, _ in seen if low is not None), default=None), max((high for _, high in seen if high is not None), default=None)
