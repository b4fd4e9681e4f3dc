"""Owns tables that live in Spark: columns recognised, rules judged in the engine, counts per rule and first rows brought back."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from pathlib import Path, PurePosixPath
from typing import Any

from iceberg.errors import FileError, MappingError
from iceberg.ingest.columns.flat_sheet import as_flat
from iceberg.ingest.columns.mapping import ColumnMapping
from iceberg.ingest.columns.propose import complete_with_system, propose_mapping
from iceberg.ingest.columns.questions import require_certain
from iceberg.ingest.engine.connection import quote_name
from iceberg.ingest.files.source_table import PREVIEW_ROWS, FileReading, SourceColumn, SourceTable
from iceberg.ingest.joining.subscriptions import ENOUGH_REPEATED, MANY_REPEATED
from iceberg.ingest.judging.across_rows import (
    FIELDS_OF_CUSTOMER,
    against_customers_sql,
    repeated_complaints_sql,
    repeated_customers_sql,
)
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.notes import notes_of
from iceberg.ingest.opening import OnFile
from iceberg.ingest.recognise import likeness, recognise_table, speaks_for
from iceberg.ingest.rules.rules import reject_mask, rules_of
from iceberg.ingest.rules.select import resolve_fields, select_sql
from iceberg.ingest.schema import CANONICAL_COLUMNS, TABLES, RowIssue
from iceberg.ingest.spark.engine import SparkEngine, SparkResult
from iceberg.ingest.spark.local_tables import Beside, lies_beside
from iceberg.ingest.spark.session import open_session
from iceberg.ingest.spark.sources import PREFIX, SparkSource, open_spark_source
from iceberg.ingest.tables import IngestReport, Tables

TAKEN = tuple(table.name for table in TABLES if table.in_spark)
_TYPES = {"string": "VARCHAR", "date": "DATE", "timestamp": "TIMESTAMP", "timestamp_ntz": "TIMESTAMP", "double": "DOUBLE", "float": "FLOAT"}
_TYPES |= {"decimal": "DECIMAL", "int": "INTEGER", "bigint": "BIGINT", "smallint": "SMALLINT", "tinyint": "TINYINT", "boolean": "BOOLEAN"}
_DAYS = {
    "customers": ("NULL", "greatest(max(start_date), max(end_date))"),
    "complaints": ("min(complaint_date)", "max(complaint_date)"),
    "volumes": ("min(month)", "max(last_day(month))"),
}


@dataclass
class _Load:
    """One load under way."""

    engine: SparkEngine
    mappings: MappingSet
    today: date
    on_file: OnFile | None
    judged: dict[str, JudgedTable] = field(default_factory=dict)


def load_spark_tables(
    customers: str | None = None,
    complaints: str | None = None,
    volumes: str | None = None,
    *,
    incidents: str | None = None,
    surveys: str | None = None,
    url: str | None = None,
    mapping: MappingSet | None = None,
    memory_limit: str | None = None,
    temp_directory: Path | None = None,
    today: date | None = None,
    as_of: date | None = None,
    issues_per_rule: int = 100,
    on_file: OnFile | None = None,
) -> tuple[Tables, IngestReport]:
    """Judge tables where they live; the counterpart of `iceberg.ingest.load.load_tables`.

    Args:
        customers: ``spark:catalog.schema.table``, or a file, folder or pattern of Parquet or CSV that the session can read.
        complaints: Likewise; a single file that is no Parquet (CSV, Excel, a table of a PostgreSQL) is read here, by all that
            `load_tables` knows about files, and its rows are handed to Spark.
        volumes: Likewise.
        incidents: Likewise.
        surveys: Likewise.
        url: Session to connect to; None takes the environment's own, else a local one.
        mapping: See `load_tables`; how several tables become customers, and repairs of ids and categories, are not for Spark.
        memory_limit: Of a local session.
        temp_directory: Of a local session.
        today: Dates after this day lie in the future.
        as_of: See `load_tables`.
        issues_per_rule: Rows of each rule in the report; no other row comes back, but for the first ones, by which columns are recognised.
        on_file: Called with the name of each table before it is read.

    Returns:
        See `load_tables`. Rows of tables in Spark have no line: an issue names the table, the column and the value.

    Raises:
        FileError: ``spark_*``.
        MappingError: Columns cannot be told.
    """
    sources: dict[str, str] = {name: value for name, value in locals().items() if name in TAKEN and value is not None}
    mappings = mapping or MappingSet()
    _require_plain(mappings)
    today = max(today or date.today(), as_of or date.min)
    session = open_session(url, memory_limit=memory_limit, temp_directory=temp_directory)
    load = _Load(SparkEngine(session), mappings, today, on_file)
    load.engine.stage = "reading"
    here = {table: source for table, source in sources.items() if table != "customers" and lies_beside(source)}
    beside = Beside(here, mappings, today, on_file, temp_directory)
    try:
        for table, source in sources.items():
            if table not in here:
                if on_file is not None:
                    on_file(source.removeprefix(PREFIX) if source.startswith(PREFIX) else PurePosixPath(source.rstrip("/")).name)
                _read(load, table, open_spark_source(session, source))
        for item in beside.items:
            beside.hand_over(load.engine, item)
            load.judged[item.table] = item
        return _judged_tables(load, beside, issues_per_rule)
    except BaseException:
        load.engine.close()
        beside.close()
        raise


def recognise_spark_tables(
    names: Sequence[str],
    *,
    url: str | None = None,
    mapping: MappingSet | None = None,
    memory_limit: str | None = None,
    temp_directory: Path | None = None,
) -> list[dict[str, str]]:
    """Group tables into the arguments of `load_spark_tables`: one of each kind together, further ones on their own.

    Raises:
        MappingError: ``table_unrecognised``.
    """
    session = open_session(url, memory_limit=memory_limit, temp_directory=temp_directory)
    load = _Load(SparkEngine(session), mapping or MappingSet(), date.today(), None)
    groups: list[dict[str, str]] = []
    for name in names:
        if lies_beside(name) and (found := recognise_table(name, mapping=mapping)) in TAKEN and found != "customers":
            table = found
        else:
            source = _source_table(load, "looked_at", open_spark_source(session, name))
            shown = source.reading.file
            table = max(TAKEN, key=lambda one: likeness(source, one, shown, mapping))
            if as_flat(source, propose_mapping(source, "customers")) is not None:
                raise FileError("spark_no_flat", {"file": shown})
            if not speaks_for(source, table, mapping):
                raise MappingError("table_unrecognised", {"file": shown, "headers": ", ".join(source.reading.headers)})
        group = next((entry for entry in groups if table not in entry), None)
        if group is None:
            groups.append(group := {})
        group[table] = name
    return groups


def _judged_tables(load: _Load, beside: Beside, issues_per_rule: int) -> tuple[Tables, IngestReport]:
    engine, judged = load.engine, load.judged
    engine.stage = "judging"
    if "customers" in judged:
        _judge_customers(load, judged["customers"])
    for table in ("complaints", "incidents"):
        if table in judged:
            _judge_telling(load, table, recorded=beside.holds(table))
    issues: list[RowIssue] = []
    for table, item in judged.items():
        if table in {"volumes", "surveys"}:
            engine.make(f"judged_{table}", f"SELECT * FROM read_{table}")
        by_flags = engine.execute(f"SELECT flags, count(*) FROM judged_{table} GROUP BY flags").fetchall()
        item.flags = {int(flags): int(rows) for flags, rows in by_flags}
        issues += beside.first_rows(engine, item, issues_per_rule) if beside.holds(table) else _first_rows(engine, item, issues_per_rule)
        columns = ", ".join(CANONICAL_COLUMNS[table])
        engine.view(table, f"SELECT {columns} FROM judged_{table} WHERE (flags & {reject_mask(table)}) = 0")
    first, last = _days(engine, judged)
    report = IngestReport(
        files=tuple(reading for item in judged.values() for reading in item.readings),
        rows={table: item.totals for table, item in judged.items()},
        rules=tuple(count for item in judged.values() for count in item.rule_counts),
        issues=tuple(issues),
        notes=notes_of(list(judged.values())),
        first_complaint=first,
        last_day=last,
        parts=beside.parts,
        read_on=load.today,
    )
    engine.stage = "counting"
    return Tables(engine, frozenset(judged), first_complaint=first, last_day=last, on_close=beside.close), report


def _require_plain(mappings: MappingSet) -> None:
    """What a mapping says about putting tables together is not done in Spark; not in silence, either.

    Raises:
        FileError: ``spark_no_joining``.
    """
    joining = mappings.joining
    told = {
        "id_normalisation": bool(joining.id_normalisation),
        "merge_categories": bool(joining.merge_categories),
        "early_complaints": joining.early_complaints != "leave_out",
        "repeated_customers": joining.repeated_customers == "subscriptions",
        "flag": joining.flag != "ignore",
        "links": bool(mappings.links),
    }
    if any(told.values()):
        raise FileError("spark_no_joining", {"settings": ", ".join(name for name, said in told.items() if said)})


def _read(load: _Load, table: str, found: SparkSource) -> None:
    """The canonical view ``read_<table>`` with flags and, of rows that broke a rule, the mapped cells as text."""
    engine = load.engine
    source = _source_table(load, table, found)
    given = load.mappings.get(table)
    mapping = complete_with_system(source, given) if given is not None and given.choices else propose_mapping(source, table)
    _require_certain(source, mapping)
    fields = resolve_fields(engine, source, mapping)
    _require_alike(found, mapping)
    foreign = [fields.columns[field].header for field, reading in fields.dates.items() if reading.format != "iso"]
    foreign += [fields.columns[field].header for field, reading in fields.numbers.items() if not reading.plain]
    if foreign:
        raise FileError("spark_needs_types", {"file": found.name, "columns": ", ".join(foreign)})
    texts = [f"{name}_text" for name in fields.columns]
    kept = ", ".join([*CANONICAL_COLUMNS[table], "flags", *(f"CASE WHEN flags <> 0 THEN {text} END AS {text}" for text in texts)])
    select = select_sql(source, table, fields, today=f"DATE '{load.today.isoformat()}'", texts=True)
    engine.view(f"read_{table}", f"SELECT {kept} FROM ({select}) AS typed_cells")
    used = {field: column.header for field, column in fields.columns.items()}
    dropped = tuple(header for header in source.reading.headers if header not in used.values())
    reading = replace(source.reading, table=table, used=used, dropped=dropped, system=mapping.system)
    load.judged[table] = JudgedTable(table, replace(source, reading=reading), mapping, fields, f"read_{table}")


def _source_table(load: _Load, table: str, found: SparkSource) -> SourceTable:
    engine = load.engine
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
    """Every file has the mapped columns of the first, of the same type: Spark takes a column that a file lacks for blank, in silence.

    Raises:
        MappingError: ``files_differ`` names the file.
    """
    if not found.files:
        return
    (first, columns), *others = found.files
    wanted = {column for column in columns if column[0] in {choice.header for choice in mapping.choices.values()}}
    for file, theirs in others:
        if lacking := wanted - set(theirs):
            besides = set(theirs) - set(columns)
            values = {"file": file, "first": first, "lacking": _listed(lacking), "besides": _listed(besides)}
            raise MappingError("files_differ", values | {"headers": ", ".join(name for name, _ in theirs)})


def _listed(columns: set[tuple[str, str]]) -> str:
    return ", ".join(f"{name} ({kind})" for name, kind in sorted(columns)) or "–"


def _require_certain(source: SourceTable, mapping: ColumnMapping) -> None:
    """As for files; and what only files may be: complaints without ids, a flat sheet."""
    if mapping.table == "complaints" and "customer_id" not in mapping.choices:
        raise FileError("spark_complaints_without_ids", {"file": source.reading.file, "headers": ", ".join(source.reading.headers)})
    if mapping.table == "customers" and as_flat(source, mapping) is not None:
        raise FileError("spark_no_flat", {"file": source.reading.file})
    require_certain({mapping.table: [(source, mapping)]})


def _judge_customers(load: _Load, item: JudgedTable) -> None:
    """Only rows whose id comes again are sorted."""
    engine, kept = load.engine, f"(flags & {reject_mask('customers')}) = 0"
    engine.make("repeated_ids", f"SELECT customer_id AS again FROM read_customers WHERE {kept} GROUP BY customer_id HAVING count(*) > 1")
    [(ids,)] = engine.execute("SELECT count(*) FROM repeated_ids").fetchall()
    if not ids:
        engine.make("judged_customers", "SELECT * FROM read_customers")
        return
    if load.mappings.joining.repeated_customers == "auto":
        _require_no_subscriptions(engine, item, kept)
    columns = ", ".join(["customer_id", *FIELDS_OF_CUSTOMER, *(f"{name}_text" for name in item.fields.columns)])
    once = "SELECT read_customers.* FROM read_customers LEFT JOIN repeated_ids ON customer_id = again WHERE again IS NULL"
    repeated = repeated_customers_sql("read_customers JOIN repeated_ids ON customer_id = again")
    engine.make(
        "judged_customers",
        f"SELECT {columns}, flags FROM ({once}) AS alone UNION ALL SELECT {columns}, flags | bit AS flags FROM ({repeated}) AS judged",
    )


def _require_no_subscriptions(engine: SparkEngine, item: JudgedTable, kept: str) -> None:
    """As `iceberg.ingest.joining.subscriptions.find_repeats` tells a mistake from a table of subscriptions, which `load_tables` would fold.

    Raises:
        FileError: ``spark_repeated_customers``.
    """
    starts = f"SELECT customer_id, count(DISTINCT start_date) AS starts FROM read_customers WHERE {kept} GROUP BY customer_id"
    counted = f"SELECT count(*) AS customers, count(CASE WHEN starts > 1 THEN 1 END) AS restarted FROM ({starts}) AS each_one"
    [(customers, restarted)] = engine.execute(counted).fetchall()
    if restarted >= ENOUGH_REPEATED and restarted >= MANY_REPEATED * customers:
        raise FileError("spark_repeated_customers", {"file": item.source.reading.file, "count": int(restarted), "customers": int(customers)})


def _judge_telling(load: _Load, table: str, *, recorded: bool) -> None:
    """Complaints or incidents; of a complaint that comes again the first row stays where rows are numbered, else any."""
    rows = f"read_{table}"
    if "customers" in load.judged:
        rows = f"({_with_bit(against_customers_sql(table, rows, 'judged_customers'))}) AS met"
    judged = f"SELECT * FROM {rows}"
    if table == "complaints":
        judged = _with_bit(repeated_complaints_sql(rows, order="record" if recorded else "customer_id"), "place")
    load.engine.make(f"judged_{table}", judged)


def _with_bit(verdicts: str, *besides: str) -> str:
    """Rows with their ``bit`` among their flags."""
    return f"SELECT * EXCLUDE ({', '.join(['flags', 'bit', *besides])}), flags | bit AS flags FROM ({verdicts}) AS verdicts"


def _first_rows(engine: SparkEngine, item: JudgedTable, limit: int) -> list[RowIssue]:
    """The first rows of each rule by their cells: tables have no lines."""
    found = []
    headers = {name: column.header for name, column in item.fields.columns.items()}
    for bit, rule in rules_of(item.table):
        if not any(flags & bit for flags in item.flags):
            continue
        shown = [rule.field] if rule.field in headers else list(headers)
        # Rows that only other rows speak against were in order by themselves: their values are those that were read.
        cells = [
            f"coalesce({name}_text, CAST({name} AS VARCHAR))" if name in CANONICAL_COLUMNS[item.table] else f"{name}_text" for name in shown
        ]
        named = ", ".join(f"CAST({cell} AS VARCHAR) AS shown_{place}" for place, cell in enumerate(cells))
        order = ", ".join(f"shown_{place}" for place in range(len(cells)))
        broken = f"SELECT {named} FROM judged_{item.table} WHERE (flags & {bit}) <> 0 ORDER BY {order} LIMIT {limit}"
        for row in engine.execute(broken).fetchall():
            value = " | ".join(str(text) for text in row if text is not None)
            found.append(RowIssue(item.table, item.source.reading.file, 0, headers.get(rule.field, ""), value[:200], rule.id, rule.rejects))
    return found


def _days(engine: SparkEngine, judged: dict[str, JudgedTable]) -> tuple[date | None, date | None]:
    """First complaint and last day among kept rows."""
    spans = {table: span for table, span in _DAYS.items() if table in judged}
    seen = [engine.execute(f"SELECT {low} AS low, {high} AS high FROM {table}").fetchall()[0] for table, (low, high) in spans.items()]
    return min((low for low, _ in seen if low is not None), default=None), max((high for _, high in seen if high is not None), default=None)
