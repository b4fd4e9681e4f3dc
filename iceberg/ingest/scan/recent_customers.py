"""Collects customers during the one pass over their file, so that it need not be read again.

Collected are the customers whom complaints or incidents name, those who left since a given day, and how many were still there by segment and
first day. The last two give the counts of any window that does not begin before that day; earlier windows are counted from the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from threading import Lock
from typing import Self

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from iceberg.ingest.engine.connection import in_any_order
from iceberg.ingest.engine.limits import limit_of
from iceberg.ingest.scan.id_hashes import IdFilter, RowArray
from iceberg.ingest.schema import RecentCustomers

_MOST_ROWS, _BYTES_PER_ROW = 1 << 24, 40  # judgement: with more customers to collect, or less memory for them, the file is read again
_MOST_NAMES = 128  # judgement: with more segments than these, counting by name is as quick
_EPOCH = date(1970, 1, 1)
_DAYS = 1 << 16  # first days are counted from 1900 to 2079: rules let no others pass
_ORIGIN = (date(1900, 1, 1) - _EPOCH).days
_MOST_DIVISORS = 1 << 15


@dataclass(frozen=True)
class Selection:
    """Which customers are collected.

    Attributes:
        named: Filter of the ids that complaints and incidents name.
        since: Day from which on recent customers are collected; None where only the named ones are.
        numbered: Ids are whole numbers, in the customers table and wherever they are named: `named` has the hashes of these.
    """

    named: IdFilter
    since: date | None = None
    numbered: bool = False


@dataclass(frozen=True)
class CountedDays:
    """Which days will be counted, as far as that is known before the files are read.

    Attributes:
        since: The first day, where it is known.
        as_of: The last day, where it is known.
        months: How many up to the last day.
        ids: Whether the ids of customers are asked for (`iceberg.ingest.silent_leavers`): large files are then read with them.
    """

    since: date | None = None
    as_of: date | None = None
    months: int = 24  # as in `iceberg.cohort.window`
    ids: bool = False

    def before(self, first: date, last: date) -> date:
        """A day before which the window does not begin, where complaints lie between `first` and `last`."""
        if self.since is not None:
            return self.since
        end = min(last, self.as_of or last)
        months = max(12 * end.year + end.month - 1 - self.months, 12)
        return max(date(months // 12, months % 12 + 1, 1), first.replace(day=1) if first <= end else date.min)


class CustomerCollector:
    """Collects customers from batches; several threads may add to it.

    Args:
        connection: Where the customers are.
        selection: Which customers to collect.
        names: Every name of a segment.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, selection: Selection, names: Sequence[str]) -> None:
        self.selection = selection
        self._connection, self._names = connection, list(names)
        self._divisor, self._places = _distinguish(connection, self._names)
        self._since = (selection.since - _EPOCH).days if selection.since is not None else None
        self._most = min(_MOST_ROWS, int(limit_of(connection) / _BYTES_PER_ROW))
        self._adding = Lock()
        self._named: list[pa.RecordBatch] = []
        self._left: list[pa.RecordBatch] = []
        self._named_rows = self._left_rows = 0
        self._alive = np.zeros((len(self._names), _DAYS), dtype=np.int64)
        self._first, self._last = _DAYS, 0  # of the days that were counted

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, selection: Selection | None, names: Sequence[str] | None) -> Self | None:
        """None where nothing is selected, or segments are not known by name."""
        return cls(connection, selection, names) if selection is not None and names and len(names) <= _MOST_NAMES else None

    @property
    def columns_sql(self) -> str:
        """What to select of judged customers besides ``hash`` and ``flags``."""
        days = ", ".join(f"CAST({name} AS DATE) AS {name}" for name in ("start_date", "end_date"))
        return f"{days}, CAST(hash(segment) % {self._divisor} AS USMALLINT) AS place, revenue"

    def add_named(self, batch: pa.RecordBatch, rows: RowArray) -> None:
        """Collect the customers in these rows, whether they are kept or rejected."""
        if len(rows) and self._named_rows <= self._most:
            found = batch.take(pa.array(rows))
            with self._adding:
                self._named.append(found)
                self._named_rows += found.num_rows

    def add_recent(self, batch: pa.RecordBatch) -> None:
        """Count the customers of a batch, none of which is rejected."""
        since = self._since  # another thread may have given up meanwhile
        if since is None:
            return
        start, end = _days(batch.column("start_date")), _days(batch.column("end_date"))
        ended = _is_valid(batch.column("end_date"))
        alive = (end >= np.maximum(start, np.int32(since))) | ~ended
        lowest, highest = (int(start.min()), int(start.max())) if len(start) else (_ORIGIN, _ORIGIN)
        if batch.column("start_date").null_count or lowest < _ORIGIN or highest >= _ORIGIN + _DAYS or self._left_rows > self._most:
            self._since = None
            self._left.clear()
            return
        span = highest - lowest + 1
        cells = self._places.take(batch.column("place").to_numpy())
        cells *= span  # the first cell takes the customers who are not counted: quicker than to leave them out
        cells += start
        cells -= lowest - 1
        cells *= alive
        counted = np.bincount(cells, minlength=len(self._names) * span + 1)[1:].reshape(len(self._names), span)
        left = batch.select(["start_date", "end_date", "place", "revenue"]).take(pa.array(np.flatnonzero(alive & ended)))
        with self._adding:
            self._alive[:, lowest - _ORIGIN : highest - _ORIGIN + 1] += counted
            self._first, self._last = min(self._first, lowest - _ORIGIN), max(self._last, highest - _ORIGIN + 1)
            self._left.append(left)
            self._left_rows += left.num_rows

    def publish_named(self, name: str) -> bool:
        """Make a table of the named customers (customer_key, the hash of the id; flags; the rest); False where there were too many."""
        if self._named_rows > self._most:
            self._named.clear()
            return False
        self._connection.register("customers_named", self._table(self._named, ("hash", "flags", "start_date", "end_date", "place", "revenue")))
        columns = "hash AS customer_key, start_date, end_date, segment, revenue, flags"
        with in_any_order(self._connection):
            self._connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS SELECT {columns} FROM customers_named")
        self._connection.unregister("customers_named")
        self._named.clear()
        return True

    def publish_recent(self) -> RecentCustomers | None:
        """The recent customers; None where they were not selected, or too many."""
        since = self.selection.since
        if self._since is None or since is None:
            return None
        counted = self._alive[:, self._first : self._last]
        place, day = np.nonzero(counted)
        days = pa.array((day + self._first + _ORIGIN).astype(np.int32)).view(pa.date32())
        columns = {"segment": self._segments(place), "start_date": days, "customers": pa.array(counted[place, day])}
        left = self._table(self._left, ("start_date", "end_date", "place", "revenue"))
        self._left.clear()
        last = max([_EPOCH + timedelta(days=self._last - 1 + _ORIGIN), *filter(None, [pc.max(left["end_date"]).as_py()])])
        # A customer who was not counted left before that day, or before the first day.
        return RecentCustomers(since, pa.table(columns), left, last if last >= since else None)

    def _table(self, batches: list[pa.RecordBatch], names: Sequence[str]) -> pa.Table:
        """Batches as one table, with the name of the segment instead of its number."""
        columns = [name for name in names if name != "place"]
        tables = [pa.Table.from_batches([batch.select(columns)]).append_column("segment", self._segments_of(batch)) for batch in batches]
        if tables:
            return pa.concat_tables(tables)
        return self._connection.sql(f"SELECT {', '.join(columns)}, segment FROM ({self._empty_sql})").to_arrow_table()

    @property
    def _empty_sql(self) -> str:
        days = "DATE '1970-01-01' AS start_date, DATE '1970-01-01' AS end_date"
        return f"SELECT 0::UBIGINT AS hash, 0 AS flags, {days}, '' AS segment, 0.0::DOUBLE AS revenue WHERE FALSE"

    def _segments_of(self, batch: pa.RecordBatch) -> pa.DictionaryArray:
        return self._segments(self._places.take(batch.column("place").to_numpy()))

    def _segments(self, places: npt.NDArray[np.signedinteger]) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), pa.array(self._names, type=pa.string()))


def _days(column: pa.Array) -> npt.NDArray[np.int32]:
    """Days as numbers; any number where there is none."""
    return np.frombuffer(column.buffers()[1], dtype=np.int32, offset=4 * column.offset, count=len(column))


def _is_valid(column: pa.Array) -> npt.NDArray[np.bool_]:
    """Which values are not null."""
    bits = column.buffers()[0]
    if bits is None:
        return np.ones(len(column), dtype=np.bool_)
    return np.unpackbits(np.frombuffer(bits, dtype=np.uint8), bitorder="little")[column.offset : column.offset + len(column)].view(np.bool_)


def _distinguish(connection: duckdb.DuckDBPyConnection, names: list[str]) -> tuple[int, npt.NDArray[np.int32]]:
    """The smallest divisor of the names' hashes that leaves each another remainder, and the place of each remainder.

    A Parquet file has each name once per dictionary, so the engine computes numbers, which are quicker to pass on than texts.
    """
    columns = pa.table({"place": np.arange(len(names)), "name": pa.array(names, type=pa.string())})
    connection.register("segment_names", columns)
    rows = connection.sql("SELECT hash(name) AS hash FROM segment_names ORDER BY place").fetchnumpy()["hash"].astype(np.uint64)
    connection.unregister("segment_names")
    divisor = next(number for number in range(max(len(names), 1), _MOST_DIVISORS) if len(np.unique(rows % np.uint64(number))) == len(names))
    places = np.full(divisor, -1, dtype=np.int32)  # no such place: counting, and naming, stop at it
    places[(rows % np.uint64(divisor)).astype(np.int64)] = np.arange(len(names))
    return divisor, places
