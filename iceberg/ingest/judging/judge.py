"""Owns one table on its way from a file to judged rows: reading, mending malformed lines, counting per rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import date

import duckdb
import pyarrow as pa

from iceberg.errors import FileError
from iceberg.ingest.columns.mapping import ColumnMapping
from iceberg.ingest.files.load import Load
from iceberg.ingest.files.read import text_table
from iceberg.ingest.files.source_table import FileReading, SourceTable
from iceberg.ingest.files.text.malformed_lines import BadLine, blank_broken_lines, has_fatal_rejects, read_bad_lines
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.rules.bounds import all_there, prove_customers
from iceberg.ingest.rules.rules import reject_mask
from iceberg.ingest.rules.select import NativeFile, TypedFields, resolve_fields, select_sql
from iceberg.ingest.scan.csv_to_parquet import plain_files, stream_customers
from iceberg.ingest.scan.plain_csv import ENOUGH_BYTES, NotPlain, fill_plainly, text_size
from iceberg.ingest.scan.recent_customers import Aside, Wanted
from iceberg.ingest.scan.single_pass import look_through
from iceberg.ingest.scan.typed_csv import keep_natively, read_natively
from iceberg.ingest.schema import CANONICAL_COLUMNS, TELLING, key_sql


def read_table(
    load: Load,
    table: str,
    source: SourceTable,
    mapping: ColumnMapping,
    *,
    in_place: bool = True,
    wanted: Wanted | None = None,
) -> JudgedTable:
    """Type and judge every record of a file.

    Args:
        load: Where the rows go.
        table: Canonical table.
        source: The file.
        mapping: Its columns.
        in_place: Customers may become a view: over their Parquet file, or over what was kept of their CSV.
        wanted: The customers to be put aside, where of no other one an id will be asked for.

    Raises:
        FileError: ``csv_unreadable``.
        MappingError: See `resolve_fields`.
    """
    fields = resolve_fields(load.connection, source, mapping)
    item = JudgedTable(table, source, mapping, fields, f"read_{table}")
    if table == "customers" and source.reading.format == "parquet":
        _view(load, item, source, fields, wanted)
    elif not _read_natively(load, item, as_view=in_place and table == "customers", wanted=wanted):
        _create(load, item)
    item.source = replace(item.source, reading=_complete_reading(item))
    return item


def _literal(day: date) -> str:
    return f"DATE '{day.isoformat()}'"


def _read_natively(
    load: Load, item: JudgedTable, *, as_view: bool, wanted: Wanted | None
) -> bool:
    """Read a CSV by the engine's own types; False, with nothing kept, where some value or line has to be looked at as text."""
    native = read_natively(item.source, item.table, item.fields)
    if native is None:
        return False
    source, fields = native
    large = text_size(source) >= ENOUGH_BYTES
    if large and as_view and wanted is not None and _read_once(load, item, [native], wanted):
        return True
    try:
        if as_view:
            source = keep_natively(load.connection, source, fields, f"{item.read_name}_cells")
        elif not (large and _read_plainly(load, item, source, fields)):
            select = select_sql(source, item.table, fields, today=_literal(load.today))
            load.connection.execute(f"CREATE OR REPLACE TABLE {item.read_name} AS {select}")
    except (duckdb.InvalidInputException, duckdb.ConversionException):
        return False
    if as_view:
        _view(load, item, source, fields)
    else:
        item.file_records = _count(load.connection, item)
    return True


def _read_plainly(load: Load, item: JudgedTable, source: SourceTable, fields: TypedFields) -> bool:
    """Read a large CSV into a table, cut by Arrow; False, with nothing kept, where the engine has to read it."""
    select = select_sql(replace(source, from_sql="plain_rows"), item.table, fields, today=_literal(load.today))
    try:
        fill_plainly(load.connection, item.read_name, plain_files([(source, fields)], list(fields.columns)), select)
    except NotPlain:
        return False
    return True


def read_once(
    load: Load, parts: Sequence[tuple[SourceTable, ColumnMapping]], wanted: Wanted
) -> JudgedTable | None:
    """The customers of several CSVs, large together, read without keeping ids; None, with nothing kept, where that cannot be done."""
    fields = [resolve_fields(load.connection, source, mapping) for source, mapping in parts]
    native = [read_natively(source, "customers", one) for (source, _), one in zip(parts, fields, strict=True)]
    found = [one for one in native if one is not None]
    (source, mapping), *_ = parts
    item = JudgedTable("customers", source, mapping, fields[0], "read_customers")
    large = sum(text_size(source) for source, _ in parts) >= ENOUGH_BYTES
    if not large or len(found) < len(parts) or not _read_once(load, item, found, wanted):
        return None
    placed = []
    for (source, mapping), own, start, end in zip(parts, fields, item.source.starts, item.source.starts[1:], strict=False):
        part = JudgedTable("customers", source, mapping, own, item.read_name, file_records=end - start)
        part.source = replace(source, reading=_complete_reading(part))
        placed.append((start, part))
    item.parts = tuple(placed)
    item.source = replace(item.source, reading=item.parts[0][1].source.reading)
    return item


def _read_once(
    load: Load, item: JudgedTable, files: Sequence[NativeFile], wanted: Wanted
) -> bool:
    """Read large CSVs without keeping ids; False, with nothing kept, where that cannot be done."""
    (_, fields), *_ = files
    try:
        streamed = stream_customers(load.connection, files, load.workspace, wanted.told)
        judged = _create_view(load, item, streamed.source, fields, tidy_ids=True)
        item.aside = Aside.of(load.connection, wanted, judged.proven.segments)
        item.flags = look_through(load.connection, item.read_name, reject_mask=reject_mask(item.table), ids=False, aside=item.aside).flags
    except (NotPlain, duckdb.InvalidInputException):  # the latter where a rule would have to look at an id
        load.connection.execute(f"DROP VIEW IF EXISTS {item.read_name}")  # it would hide the table that is made instead
        return False
    item.is_view, item.looked_through, item.ids_repeat = True, item.read_name, False
    item.named_sql = select_sql(streamed.named, item.table, judged, today=_literal(load.today))
    item.source, item.unkept = replace(item.source, starts=streamed.source.starts), tuple(files)
    return True


def ids_of(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> str:
    """Relation with the customer_id of every row; where ids were not kept the file is read for them once more."""
    if not item.unkept:
        return item.read_name
    name, ids = f"{item.read_name}_ids", item.fields.columns["customer_id"].sql
    if not connection.execute(f"SELECT 1 FROM duckdb_tables() WHERE table_name = '{name}'").fetchall():
        fill_plainly(connection, name, plain_files(item.unkept, ["customer_id"]), f"SELECT {ids} AS customer_id FROM plain_rows")
    return name


def _create_view(
    load: Load, item: JudgedTable, source: SourceTable, fields: TypedFields, *, tidy_ids: bool
) -> TypedFields:
    """Make the view of the judged rows; returns what is known of the fields once their bounds were looked at."""
    proven = prove_customers(load.connection, source, item.mapping, today=load.today, tidy_ids=tidy_ids)
    judged = replace(fields, tidy_ids=tidy_ids, proven=proven)
    select = select_sql(source, item.table, judged, today=_literal(load.today), row_number=source.record_sql, numbered=item.numbered)
    load.connection.execute(f"CREATE OR REPLACE TEMP VIEW {item.read_name} AS {select}")
    return judged


def _view(
    load: Load, item: JudgedTable, source: SourceTable, fields: TypedFields, wanted: Wanted | None = None
) -> None:
    """Customers stay where they are. Their ids are taken to be tidy, which makes every scan cheaper, until the first look says otherwise."""
    item.is_view, item.numbered = True, wanted is not None and wanted.numbered
    ids = fields.columns["customer_id"]
    certain = ids.is_exact and all_there(load.connection, source, ids)
    for tidy in (ids.is_text or certain, False):
        judged = _create_view(load, item, source, fields, tidy_ids=tidy)
        item.aside = Aside.of(load.connection, wanted, judged.proven.segments)
        if look_at_ids(load.connection, item, check_tidy=tidy and not certain):
            return


def look_at_ids(connection: duckdb.DuckDBPyConnection, item: JudgedTable, *, check_tidy: bool = False) -> bool:
    """Count the customers by ``flags`` and find out whether ids may repeat, unless that is known; False where an id is not tidy."""
    if item.looked_through != item.read_name:
        mask, key = reject_mask(item.table), item.own_key
        look = look_through(connection, item.read_name, reject_mask=mask, key=key, check_tidy=check_tidy, aside=item.aside)
        if not look.tidy:
            return False
        item.looked_through, item.ids_repeat, item.flags = item.read_name, look.repeats, look.flags
    return True


def _create(load: Load, item: JudgedTable) -> None:
    try:
        _insert(load, item)
        mend = bool(item.source.rejects) and has_fatal_rejects(load.connection, item.source)
    except duckdb.InvalidInputException:
        mend = True
    broken: tuple[BadLine, ...] = ()
    if mend:
        path, broken = blank_broken_lines(item.source, load.workspace)
        item.source = text_table(item.source, path, load.workspace, skip=0)
        try:
            _insert(load, item)
        except duckdb.Error as error:
            raise FileError("csv_unreadable", {"file": item.source.reading.file, "reason": str(error).splitlines()[0][:200]}) from error
    item.file_records = _count(load.connection, item)
    if item.source.rejects:
        bad, item.skip_lines = read_bad_lines(load.connection, item.source)
        item.bad_lines = broken + bad
        _add_padded(load, item)


def _insert(load: Load, item: JudgedTable) -> None:
    select = select_sql(item.source, item.table, item.fields, today=_literal(load.today))
    load.connection.execute(f"CREATE OR REPLACE TABLE {item.read_name} AS {select}")


def _count(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> int:
    return int(connection.execute(f"SELECT count(*) FROM {item.read_name}").fetchall()[0][0])


def _add_padded(load: Load, item: JudgedTable) -> None:
    """Append short lines whose missing cells are taken as blank; rules judge them like any other row."""
    padded = item.padded_lines
    if not padded:
        return
    columns = {column.sql: pa.array([(bad.cells or ())[i] for bad in padded], type=pa.string()) for i, column in enumerate(item.source.columns)}
    load.connection.register("padded_lines", pa.table(columns))
    source = replace(item.source, from_sql="padded_lines")
    load.connection.execute(f"INSERT INTO {item.read_name} {select_sql(source, item.table, item.fields, today=_literal(load.today))}")
    load.connection.unregister("padded_lines")


def _complete_reading(item: JudgedTable) -> FileReading:
    used = {name: column.header for name, column in item.fields.columns.items()}
    return replace(
        item.source.reading,
        table=item.table,
        used=used,
        dropped=tuple(header for header in item.source.reading.headers if header not in used.values()),
        date_formats={item.fields.columns[name].header: reading.format for name, reading in item.fields.dates.items()},
        time_zones={item.fields.columns[name].header: reading.time_zone for name, reading in item.fields.dates.items() if reading.time_zone},
        decimal={item.fields.columns[name].header: reading.decimal for name, reading in item.fields.numbers.items()},
        revenue_period="" if "revenue" not in used else ("month" if item.fields.revenue_per_year > 1 else "year"),
    )


def count_flags(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> None:
    """Count the rows of each value of ``flags``: one pass over small integers."""
    if not item.flags:  # customers were counted while their ids were looked through
        by_flags = f"SELECT flags, count(*) FROM {item.read_name} GROUP BY flags ORDER BY flags"
        item.flags = dict(connection.execute(by_flags).fetchall())
    if item.is_view:
        item.file_records = sum(item.flags.values())


def publish_table(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> None:
    """Make the kept rows visible under the canonical name."""
    mask = reject_mask(item.table)
    where = f" WHERE (flags & {mask}) = 0" if any(flags & mask for flags in item.flags) else ""
    columns = ", ".join(CANONICAL_COLUMNS[item.table])
    keyed = f", {key_sql('customer_id', numbered=item.numbered)} AS customer_key" if item.table in TELLING else ""
    connection.execute(f"CREATE TEMP VIEW {item.table} AS SELECT {columns}{keyed} FROM {item.read_name}{where}")
    if item.told_name:
        connection.execute(f"CREATE TEMP VIEW {item.table}_told AS SELECT * EXCLUDE flags FROM {item.told_name} WHERE (flags & {mask}) = 0")
    if item.aside is not None and item.looked_through == item.read_name and not item.ids_repeat:
        item.recent = item.aside.publish_recent()
    item.aside = None
