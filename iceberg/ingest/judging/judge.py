"""Reads the files of a table and judges every row, in the quickest of three ways; counts and publishes what the rules found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date

import duckdb
import pyarrow as pa

from iceberg.errors import FileError
from iceberg.ingest.columns.mapping import Opened
from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.files.load import Load
from iceberg.ingest.files.read import text_table
from iceberg.ingest.files.source_table import ZONED, FileReading, SourceTable
from iceberg.ingest.files.text.malformed_lines import BadLine, blank_broken_lines, has_fatal_rejects, read_bad_lines
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.judging.several_files import combine_parts, count_rows, join_parquet, move_rows, place_parts
from iceberg.ingest.rules.bounds import is_complete, prove_customers
from iceberg.ingest.rules.rules import reject_mask
from iceberg.ingest.rules.scales import require_one_scale
from iceberg.ingest.rules.select import TypedFields, resolve_fields, select_sql
from iceberg.ingest.scan.csv_to_parquet import drop_ids
from iceberg.ingest.scan.id_hashes import IdFilter
from iceberg.ingest.scan.plain_csv import BLOCK, ENOUGH_BYTES, PlainCsv, as_plain, fill_table, text_size
from iceberg.ingest.scan.recent_customers import CountedDays, CustomerCollector, Selection
from iceberg.ingest.scan.scan import Scan
from iceberg.ingest.scan.single_pass import scan_rows
from iceberg.ingest.schema import CANONICAL_COLUMNS, CASE_FIELDS, NAMING_DAYS, REASON_TABLES, SEVERAL, key_sql
from iceberg.ingest.values.intervals import BY_ROW
from iceberg.ingest.values.numbers import PERIODS_PER_YEAR

Reader = Callable[[Load, Sequence[JudgedTable], Selection | None], JudgedTable | None]


def read_table(load: Load, table: str, parts: Sequence[Opened], selection: Selection | None = None) -> JudgedTable:
    """Type and judge every record of the files of a table.

    Args:
        load: Where the rows go.
        table: Canonical table.
        parts: Its files, in order.
        selection: The customers to collect, where no later step needs the id of another one.

    Raises:
        FileError: ``csv_unreadable``.
        MappingError: See `resolve_fields`.
    """
    joined = parts[0] if len(parts) == 1 else join_parquet(load.connection, parts)
    items = [
        JudgedTable(table, source, mapping, resolve_fields(load.connection, source, mapping), f"read_{table}")
        for source, mapping in ([joined] if joined is not None else parts)
    ]
    require_one_scale([((one.source, one.mapping), one.fields.scale) for one in items])
    item = _read(load, items, selection)
    if joined is not None and len(parts) > 1:
        place_parts(item, parts)
    return item


def _read(load: Load, items: Sequence[JudgedTable], selection: Selection | None) -> JudgedTable:
    return next(item for reader in READERS if (item := reader(load, items, selection)) is not None)


def parquet_in_place(load: Load, items: Sequence[JudgedTable], selection: Selection | None) -> JudgedTable | None:
    """Customers in Parquet stay where they are, behind a view that judges them.

    Their ids are taken to be tidy, which makes every scan cheaper, until the first one finds an id that is not.
    """
    item, *others = items
    if others or item.table != "customers" or item.source.reading.format != "parquet":
        return None
    item.is_view, item.scan.numbered = True, selection is not None and selection.numbered
    ids = item.fields.columns["customer_id"]
    certain = ids.is_exact and is_complete(load.connection, item.source, ids)
    for tidy in (ids.is_text or certain, False):
        judged = _create_view(load, item, item.source, item.fields, tidy_ids=tidy)
        item.scan.collector = CustomerCollector.of(load.connection, selection, judged.proven.segments)
        if scan_customers(load.connection, item, check_tidy=tidy and not certain):
            break
    return _with_reading(item)


def csv_once(load: Load, items: Sequence[JudgedTable], selection: Selection | None) -> JudgedTable | None:
    """Large plain CSVs are parsed by Arrow: customers without keeping ids where that can be done, else into a table."""
    plain = [as_plain(item.source, item.table, item.fields) for item in items]
    files = [file for file in plain if file is not None]
    if len(files) < len(items) or sum(text_size(file.source) for file in files) < ENOUGH_BYTES:
        return None
    item, file = items[0], files[0]
    if item.table == "customers" and selection is not None and (found := _read_without_ids(load, items, files, selection)) is not None:
        return found
    if len(items) > 1:
        return None
    select = select_sql(replace(file.source, from_sql=BLOCK), item.table, file.fields, today=load.today_sql)
    if not fill_table(load.connection, item.read_name, files, list(file.fields.columns), select):
        return None
    item.file_records = count_rows(load.connection, item.read_name)
    return _with_reading(item)


def text(load: Load, items: Sequence[JudgedTable], selection: Selection | None) -> JudgedTable:  # it keeps every id
    """Whatever the file is: the engine reads it, and malformed lines are mended. Several files are read one by one."""
    if len(items) == 1:
        _create(load, items[0])
        return _with_reading(items[0])
    name = items[0].read_name
    alone = [move_rows(load.connection, _read(load, [item], None), number) for number, item in enumerate(items, start=1)]
    return combine_parts(load.connection, alone, name)


READERS: tuple[Reader, ...] = (parquet_in_place, csv_once, text)  # the first that can read the files does


def _read_without_ids(load: Load, items: Sequence[JudgedTable], files: Sequence[PlainCsv], selection: Selection) -> JudgedTable | None:
    """Read CSVs of customers without keeping ids; None, with nothing kept, where that cannot be done."""
    left = drop_ids(load, files, selection.named)
    if left is None:
        return None
    item = replace(items[0], parts=())
    try:
        judged = _create_view(load, item, left.source, files[0].fields, tidy_ids=True)
        collector = CustomerCollector.of(load.connection, selection, judged.proven.segments)
        item.flags = scan_rows(load.connection, item.read_name, reject_mask=reject_mask(item.table), ids=False, collector=collector).flags
    except duckdb.InvalidInputException:  # a rule needs an id
        load.connection.execute(f"DROP VIEW IF EXISTS {item.read_name}")  # it would hide the table that is made instead
        return None
    named_sql = select_sql(left.named, item.table, judged, today=load.today_sql)
    item.scan = Scan(item.read_name, ids_repeat=False, collector=collector, named_sql=named_sql, csv_files=tuple(files))
    item.is_view, item.source = True, replace(item.source, starts=left.source.starts)
    if len(items) > 1:
        for part, start, end in zip(items, left.source.starts, left.source.starts[1:], strict=False):
            part.file_records = end - start
        item.parts = tuple((start, _with_reading(part)) for start, part in zip(left.source.starts, items, strict=False))
    return _with_reading(item)


def _create_view(load: Load, item: JudgedTable, source: SourceTable, fields: TypedFields, *, tidy_ids: bool) -> TypedFields:
    """Make the view of the judged rows; returns the fields with what the bounds of their values prove."""
    proven = prove_customers(load.connection, source, item.mapping, today=load.today, tidy_ids=tidy_ids)
    judged = replace(fields, tidy_ids=tidy_ids, proven=proven)
    select = select_sql(source, item.table, judged, today=load.today_sql, row_number=source.record_sql, numbered=item.scan.numbered)
    load.connection.execute(f"CREATE OR REPLACE TEMP VIEW {item.read_name} AS {select}")
    return judged


def scan_customers(connection: duckdb.DuckDBPyConnection, item: JudgedTable, *, check_tidy: bool = False) -> bool:
    """Count the customers by ``flags`` and find out whether ids may repeat, unless that is known; False where an id is not tidy."""
    if item.scan.relation == item.read_name:
        return True
    flags = item.scan.read(connection, item.read_name, reject_mask=reject_mask(item.table), check_tidy=check_tidy)
    item.flags = flags or {}
    return flags is not None


def select_customers(
    connection: duckdb.DuckDBPyConnection, files: Mapping[str, Sequence[Opened]], judged: Mapping[str, JudgedTable], days: CountedDays
) -> Selection:
    """The customers whom complaints and incidents name, and those of the days that will be counted.

    Args:
        connection: Where the rows are.
        files: Files of every table.
        judged: The tables but the customers.
        days: Which days will be counted.
    """
    naming = [table for table in NAMING_DAYS if table in judged]
    columns = [source.column(chosen.choices["customer_id"].header) for table in ("customers", *naming) for source, chosen in files[table]]
    numbered = all(column is not None and column.is_whole for column in columns)
    named = IdFilter.of(connection, [judged[table].read_name for table in naming], key_sql("customer_id", numbered=numbered))
    return Selection(named, _first_counted_day(connection, judged, days), numbered)


def _first_counted_day(connection: duckdb.DuckDBPyConnection, judged: Mapping[str, JudgedTable], days: CountedDays) -> date | None:
    """None where no complaint has a day."""
    spans: list[tuple[date, date]] = []
    for table, day in (("complaints", "complaint_date"), ("volumes", "month")):
        if table in judged:
            kept = f"(flags & {reject_mask(table)}) = 0"
            spans += connection.execute(f"SELECT min({day}), max({day}) FROM {judged[table].read_name} WHERE {kept}").fetchall()
    known = [(first, last) for first, last in spans if first is not None]
    return days.before(min(first for first, _ in known), max(last for _, last in known)) if known else None


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
    item.file_records = count_rows(load.connection, item.read_name)
    if item.source.rejects:
        bad, item.skip_lines = read_bad_lines(load.connection, item.source)
        item.bad_lines = broken + bad
        _add_padded(load, item)


def _insert(load: Load, item: JudgedTable) -> None:
    select = select_sql(item.source, item.table, item.fields, today=load.today_sql)
    load.connection.execute(f"CREATE OR REPLACE TABLE {item.read_name} AS {select}")


def _add_padded(load: Load, item: JudgedTable) -> None:
    """Append short lines whose missing cells are taken as blank; rules judge them like any other row."""
    padded = item.padded_lines
    if not padded:
        return
    columns = {column.name: pa.array([(bad.cells or ())[i] for bad in padded], type=pa.string()) for i, column in enumerate(item.source.columns)}
    load.connection.register("padded_lines", pa.table(columns))
    source = replace(item.source, from_sql="padded_lines")
    load.connection.execute(f"INSERT INTO {item.read_name} {select_sql(source, item.table, item.fields, today=load.today_sql)}")
    load.connection.unregister("padded_lines")


def _with_reading(item: JudgedTable) -> JudgedTable:
    """The same with everything noted that was decided about its columns."""
    item.source = replace(item.source, reading=_complete_reading(item))
    return item


def _complete_reading(item: JudgedTable) -> FileReading:
    used = {name: column.header for name, column in item.fields.columns.items()}
    zoned = {column.header: item.fields.zone or "UTC" for column in item.fields.columns.values() if column.type == ZONED}
    return replace(
        item.source.reading,
        table=item.table,
        used=used,
        dropped=item.source.unread(used),
        date_formats={item.fields.columns[name].header: reading.format for name, reading in item.fields.dates.items()},
        time_zones=zoned
        | {item.fields.columns[name].header: reading.time_zone for name, reading in item.fields.dates.items() if reading.time_zone},
        decimal={item.fields.columns[name].header: reading.decimal for name, reading in item.fields.numbers.items()},
        revenue_period=_period_of(item) if "revenue" in used else "",
    )


def _period_of(item: JudgedTable) -> str:
    return BY_ROW if item.fields.periods.by_row else next(period for period, times in PERIODS_PER_YEAR.items() if times == item.fields.periods.times)


def count_flags(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> None:
    """Count the rows of each value of ``flags``: one pass over small integers."""
    if not item.flags:  # customers were counted when their ids were compared
        by_flags = f"SELECT flags, count(*) FROM {item.read_name} GROUP BY flags ORDER BY flags"
        item.flags = dict(connection.execute(by_flags).fetchall())
    if item.is_view:
        item.file_records = sum(item.flags.values())


def publish_table(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> None:
    """Make the kept rows visible under the canonical name."""
    mask = reject_mask(item.table)
    where = f" WHERE (flags & {mask}) = 0" if any(flags & mask for flags in item.flags) else ""
    each = {"category": f"unnest(string_split(category, {quote_text(SEVERAL)})) AS category"} if item.several_categories else {}
    own = [name for name in CASE_FIELDS if name in item.fields.columns]
    columns = ", ".join([*(each.get(name, name) for name in CANONICAL_COLUMNS[item.table]), *own])
    keyed = f", {key_sql('customer_id', numbered=item.scan.numbered)} AS customer_key" if item.table in {*NAMING_DAYS, *REASON_TABLES} else ""
    connection.execute(f"CREATE TEMP VIEW {item.table} AS SELECT {columns}{keyed} FROM {item.read_name}{where}")
    if item.scan.named:
        connection.execute(f"CREATE TEMP VIEW {item.table}_named AS SELECT * EXCLUDE flags FROM {item.scan.named} WHERE (flags & {mask}) = 0")
    item.scan.finish(item.read_name)
