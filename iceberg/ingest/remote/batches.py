"""Writes Arrow batches of any length to one Parquet file in bounded memory. A column whose type changes on the way gets one that holds all of it.

Databases send rows, and their drivers say little about types: a column of SQLite may hold whole numbers for a million rows and then a text. Batches
are written as they come; where one does not fit, a further part is begun with the wider type, and the parts become one file at the end.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any, Protocol
from uuid import UUID

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROWS = 25_000  # judgement: of a batch of rows; 25,000 rows of ten columns are a few megabytes
_GROUP_ROWS, _GROUP_BYTES = 200_000, 64 << 20  # judgement: a row group is written when either is reached
_DIGITS = 38
_FLAGS = {b"\x00", b"\x01"}


class TableStream(Protocol):
    """A table that arrives in parts: the one thing that every place of tables has to give."""

    def __iter__(self) -> Iterator[pa.RecordBatch]:
        """The rows, some thousands at a time, in columns of the same names."""


def write_parquet(batches: TableStream | Iterable[pa.RecordBatch], target: Path, new_path: Callable[[], Path]) -> int:
    """Write every batch to `target`.

    Args:
        batches: They have the same columns.
        target: The file to write.
        new_path: Gives paths for the parts where types change.

    Returns:
        How many rows were written.
    """
    parts = _Parts(target, new_path)
    try:
        for batch in batches:
            parts.add(pa.Table.from_batches([batch]))
        parts.end()
    except BaseException:
        parts.drop()
        raise
    return parts.rows


def batch_of_rows(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> pa.RecordBatch:
    """A batch of rows as a driver gives them."""
    columns = list(zip(*rows, strict=True)) or [()] * len(names)
    return pa.RecordBatch.from_arrays([_array(column) for column in columns], names=_apart(names))


def _apart(names: Sequence[str]) -> list[str]:
    """Names of columns, repeated ones numbered: a query may give two of one name."""
    taken: dict[str, int] = {}
    found = []
    for name in names:
        taken[name] = taken.get(name, 0) + 1
        found.append(name if taken[name] == 1 else f"{name}_{taken[name]}")
    return found


def _array(values: Sequence[Any]) -> pa.Array:
    try:
        found = pa.array(values)
    except (pa.ArrowException, TypeError, OverflowError, ValueError):
        if all(value is None or (isinstance(value, int) and not isinstance(value, bool)) for value in values):
            with suppress(pa.ArrowException, ValueError):
                return pa.array([None if value is None else Decimal(value) for value in values], pa.decimal128(_DIGITS, 0))
        return pa.array([_text(value) for value in values], pa.string())
    if pa.types.is_binary(found.type) and set(values) <= {None, *_FLAGS} and found.null_count < len(found):
        return pa.array([None if value is None else value == b"\x01" for value in values], pa.bool_())  # BIT(1) of MySQL
    if pa.types.is_duration(found.type) or pa.types.is_nested(found.type) or isinstance(found.type, pa.BaseExtensionType):  # a UUID is one
        return pa.array([_text(value) for value in values], pa.string())
    return found


def _text(value: object) -> str | None:
    if value is None or isinstance(value, str):
        return value
    if isinstance(value, bytes):
        return value.hex()
    if isinstance(value, dict | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value) if isinstance(value, Decimal | UUID | timedelta | int | float | bool) else getattr(value, "isoformat", value.__str__)()


def _plain(table: pa.Table) -> pa.Table:
    """The columns in types that Parquet and the engine have: decimals with room, no dictionaries, durations as text."""
    for place, column in enumerate(table.schema):
        wanted = _plain_type(column.type)
        if wanted != column.type:
            table = table.set_column(place, pa.field(column.name, wanted), _cast(table.column(place), wanted))
    return table


def _plain_type(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_dictionary(kind):
        return _plain_type(kind.value_type)
    if pa.types.is_decimal(kind):
        return pa.decimal128(_DIGITS, max(kind.scale, 0)) if kind.precision <= _DIGITS else pa.string()
    if pa.types.is_duration(kind) or kind in {pa.string_view(), pa.large_string()}:
        return pa.string()
    return kind


def _cast(column: pa.ChunkedArray, kind: pa.DataType) -> pa.ChunkedArray:
    """A column in a wider type; text where its values do not fit."""
    if column.type == kind:
        return column
    if column.null_count == len(column):
        return pa.chunked_array([pa.nulls(len(column), kind)])
    if pa.types.is_string(kind):
        if pa.types.is_binary(column.type) or pa.types.is_duration(column.type) or pa.types.is_nested(column.type):
            return pa.chunked_array([pa.array([_text(value) for value in column.to_pylist()], pa.string())])
        if pa.types.is_timestamp(column.type):  # as a database writes it
            return pc.strftime(column.cast(pa.timestamp("us", column.type.tz)), format=f"%Y-%m-%d %H:%M:%S{'%z' if column.type.tz else ''}")
    return column.cast(kind)


def _wider(first: pa.DataType, second: pa.DataType) -> pa.DataType:  # noqa: PLR0911  # one per pair of kinds
    """The narrowest type that holds the values of both."""
    types = pa.types
    if first == second or types.is_null(second):
        return first
    if types.is_null(first):
        return second
    whole = {types.is_integer(first), types.is_integer(second)}
    if whole == {True}:
        return pa.decimal128(_DIGITS, 0) if pa.uint64() in {first, second} else pa.int64()
    numbers = [types.is_integer(one) or types.is_decimal(one) or types.is_floating(one) for one in (first, second)]
    if all(numbers):
        if types.is_floating(first) or types.is_floating(second):
            return pa.float64()
        return pa.decimal128(_DIGITS, max(getattr(first, "scale", 0), getattr(second, "scale", 0)))
    dates = [types.is_date(one) or (types.is_timestamp(one) and one.tz is None) for one in (first, second)]
    if all(dates):
        return pa.timestamp("us")
    if types.is_timestamp(first) and types.is_timestamp(second) and first.tz and second.tz:
        return pa.timestamp("us", "UTC")
    return pa.string()


class _Parts:
    """The Parquet files that are written until the types are known."""

    def __init__(self, target: Path, new_path: Callable[[], Path]) -> None:
        self._target, self._new_path = target, new_path
        self._paths: list[Path] = []
        self._schema: pa.Schema | None = None
        self._writer: pq.ParquetWriter | None = None
        self._waiting: list[pa.Table] = []
        self._rows_waiting = self._bytes_waiting = 0
        self.rows = 0

    def add(self, table: pa.Table) -> None:
        """Add rows; they are written with the next row group."""
        table = _plain(table)
        schema = self._schema
        if schema is None:
            self._schema = table.schema.remove_metadata()
        elif table.schema.types != schema.types:
            table = self._fit(table.rename_columns(schema.names), schema)
        self._waiting.append(table.cast(self._schema) if table.schema != self._schema else table)
        self.rows += table.num_rows
        self._rows_waiting += table.num_rows
        self._bytes_waiting += table.nbytes
        if self._rows_waiting >= _GROUP_ROWS or self._bytes_waiting >= _GROUP_BYTES:
            self._flush()

    def _fit(self, table: pa.Table, schema: pa.Schema) -> pa.Table:
        """The rows in the types of the part, or of the next part where they need wider ones."""
        wider = pa.schema([pa.field(old.name, _wider(old.type, new.type)) for old, new in zip(schema, table.schema, strict=True)])
        try:
            fitting = _with_types(table, wider)
        except pa.ArrowInvalid:  # a number with more digits than its type has
            kinds = zip(wider, schema, table.schema, strict=True)
            wider = pa.schema([pa.field(one.name, one.type if one.type in {old.type, new.type} else pa.string()) for one, old, new in kinds])
            fitting = _with_types(table, wider)
        if wider != schema:
            self._flush()
            self._close()
            self._schema = wider
        return fitting

    def _flush(self) -> None:
        if not self._waiting:
            return
        if self._writer is None:
            path = self._target if not self._paths else self._new_path()
            self._paths.append(path)
            self._writer = pq.ParquetWriter(path, _as_written(self._waiting[0].schema), compression="snappy")
        rows = pa.concat_tables(self._waiting)
        self._writer.write_table(_with_types(rows, _as_written(rows.schema)).combine_chunks(), row_group_size=_GROUP_ROWS)
        self._waiting, self._rows_waiting, self._bytes_waiting = [], 0, 0

    def _close(self) -> None:
        if self._writer is not None:
            self._writer.close()
            self._writer = None

    def end(self) -> None:
        """Write what waits; of several parts make one file with the types of the last, which hold the values of all."""
        if self._schema is not None and not self._paths and not self._waiting:
            self._waiting = [self._schema.empty_table()]
        self._flush()
        self._close()
        if len(self._paths) < 2 or self._schema is None:
            return
        try:
            self._join(self._schema)
        except pa.ArrowInvalid:  # decimals with more digits than one type has: as text they are exact
            self._join(pa.schema([pa.field(one.name, pa.string() if pa.types.is_decimal(one.type) else one.type) for one in self._schema]))

    def _join(self, schema: pa.Schema) -> None:
        joined = self._new_path()
        try:
            with pq.ParquetWriter(joined, _as_written(schema), compression="snappy") as writer:
                for path in self._paths:
                    with pq.ParquetFile(path) as part:
                        for group in range(part.num_row_groups):
                            writer.write_table(_with_types(part.read_row_group(group), _as_written(schema)))
            joined.replace(self._target)
        finally:
            joined.unlink(missing_ok=True)
        for path in self._paths[1:]:
            path.unlink(missing_ok=True)

    def drop(self) -> None:
        """Leave no file."""
        with suppress(pa.ArrowException, OSError, ValueError):
            self._close()
        for path in {self._target, *self._paths}:
            path.unlink(missing_ok=True)


def _as_written(schema: pa.Schema) -> pa.Schema:
    """A column without any value is one of texts, as in a file of texts."""
    return pa.schema([pa.field(one.name, pa.string() if pa.types.is_null(one.type) else one.type) for one in schema])


def _with_types(table: pa.Table, schema: pa.Schema) -> pa.Table:
    columns = [_cast(table.column(place), field.type) for place, field in enumerate(schema)]
    return pa.Table.from_arrays(columns, schema=schema)
