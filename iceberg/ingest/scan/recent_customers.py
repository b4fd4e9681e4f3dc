"""Owns what is put aside of the customers while their file is looked through, so that it need not be read again.

That is: whoever complaints or incidents name, whoever left since a certain day, and how many were still there by segment and first day. From the
last two come the counts of any window that does not begin before that day; an earlier one is counted from the file.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from threading import Lock

import duckdb
import numpy as np
import numpy.typing as npt
import pyarrow as pa
import pyarrow.compute as pc

from iceberg.ingest.engine.connection import in_any_order
from iceberg.ingest.engine.limits import limit_of
from iceberg.ingest.scan.id_hashes import RowArray, ToldIds
from iceberg.ingest.schema import RecentCustomers

_MOST_ROWS, _BYTES_PER_ROW = 1 << 24, 40  # judgement: whoever has more customers to put aside, or less memory for them, reads the file again
_MOST_NAMES = 128  # judgement: with more segments than these, counting by name is as quick
_EPOCH = date(1970, 1, 1)
_DAYS = 1 << 16  # first days are counted from 1900 to 2079: rules let no others pass
_ORIGIN = (date(1900, 1, 1) - _EPOCH).days
_MOST_DIVISORS = 1 << 15


@dataclass(frozen=True)
class Wanted:
    """What is to be put aside.

    Attributes:
        told: The ids that complaints and incidents name.
        since: The day from which on customers are wanted; None where only those named are.
        numbered: Ids are whole numbers, here and wherever they are named: `told` holds the hashes of these.
    """

    told: ToldIds
    since: date | None = None
    numbered: bool = False


@dataclass(frozen=True)
class Counted:
    """Which days will be counted, as far as that is known before the files are read.

    Attributes:
        since: The first day, where it was asked for.
        as_of: The last day, where it was asked for.
        months: How many up to the last day.
    """

    since: date | None = None
    as_of: date | None = None
    months: int = 24  # as in `iceberg.cohort.window`

    def before(self, first: date, last: date) -> date:
        """A day before which the window does not begin, where complaints lie between `first` and `last`."""
        if self.since is not None:
            return self.since
        end = min(last, self.as_of or last)
        months = max(12 * end.year + end.month - 1 - self.months, 12)
        return max(date(months // 12, months % 12 + 1, 1), first.replace(day=1) if first <= end else date.min)


class Aside:
    """What is put aside, while both cores look at batches.

    Args:
        connection: Where the customers are.
        wanted: What is to be put aside.
        names: Every name of a segment.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, wanted: Wanted, names: Sequence[str]) -> None:
        self.wanted = wanted
        self._connection, self._names = connection, list(names)
        self._divisor, self._places = _tell_apart(connection, self._names)
        self._since = (wanted.since - _EPOCH).days if wanted.since is not None else None
        self._most = min(_MOST_ROWS, int(limit_of(connection) / _BYTES_PER_ROW))
        self._adding = Lock()
        self._named: list[pa.RecordBatch] = []
        self._left: list[pa.RecordBatch] = []
        self._named_rows = self._left_rows = 0
        self._alive = np.zeros((len(self._names), _DAYS), dtype=np.int64)
        self._first, self._last = _DAYS, 0  # of the days that were counted

    @staticmethod
    def of(connection: duckdb.DuckDBPyConnection, wanted: Wanted | None, names: Sequence[str] | None) -> Aside | None:
        """None where nothing is wanted, or segments are not known by name."""
        return Aside(connection, wanted, names) if wanted is not None and names and len(names) <= _MOST_NAMES else None

    @property
    def columns_sql(self) -> str:
        """What to select of judged customers besides ``hash`` and ``flags``."""
        days = ", ".join(f"CAST({name} AS DATE) AS {name}" for name in ("start_date", "end_date"))
        return f"{days}, CAST(hash(segment) % {self._divisor} AS USMALLINT) AS place, revenue"

    def keep_named(self, batch: pa.RecordBatch, rows: RowArray) -> None:
        """Put the customers in these rows aside, kept or rejected."""
        if len(rows) and self._named_rows <= self._most:
            found = batch.take(pa.array(rows))
            with self._adding:
                self._named.append(found)
                self._named_rows += found.num_rows

    def keep_recent(self, batch: pa.RecordBatch) -> None:
        """Count the customers of a batch, none of which is rejected."""
        since = self._since  # the other core may have given up meanwhile
        if since is None:
            return
        start, end = _days(batch.column("start_date")), _days(batch.column("end_date"))
        ended = _there(batch.column("end_date"))
        alive = (end >= np.maximum(start, np.int32(since))) | ~ended
        lowest, highest = (int(start.min()), int(start.max())) if len(start) else (_ORIGIN, _ORIGIN)
        if batch.column("start_date").null_count or lowest < _ORIGIN or highest >= _ORIGIN + _DAYS or self._left_rows > self._most:
            self._since = None
            self._left.clear()
            return
        span = highest - lowest + 1
        cells = self._places.take(batch.column("place").to_numpy())
        cells *= span  # the first cell takes whoever is not counted: quicker than to leave them out
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
        """Make a table of the named customers (customer_key, the hash of the id; flags; the rest); False where they were too many."""
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
        """The others; None where they were not wanted, or too many."""
        if self._since is None or self.wanted.since is None:
            return None
        counted = self._alive[:, self._first : self._last]
        place, day = np.nonzero(counted)
        days = pa.array((day + self._first + _ORIGIN).astype(np.int32)).view(pa.date32())
        columns = {"segment": self._segments(place), "start_date": days, "customers": pa.array(counted[place, day])}
        left = self._table(self._left, ("start_date", "end_date", "place", "revenue"))
        self._left.clear()
        last = max([_EPOCH + timedelta(days=self._last - 1 + _ORIGIN), *filter(None, [pc.max(left["end_date"]).as_py()])])
        # Whoever was not counted left before that day, or before the first day.
        return RecentCustomers(self.wanted.since, pa.table(columns), left, last if last >= self.wanted.since else None)

    def _table(self, batches: list[pa.RecordBatch], names: Sequence[str]) -> pa.Table:
        """Batches as one table, with the name of the segment instead of its number."""
        kept = [name for name in names if name != "place"]
        tables = [pa.Table.from_batches([batch.select(kept)]).append_column("segment", self._named_place(batch)) for batch in batches]
        if tables:
            return pa.concat_tables(tables)
        return self._connection.sql(f"SELECT {', '.join(kept)}, segment FROM ({self._empty_sql})").to_arrow_table()

    @property
    def _empty_sql(self) -> str:
        days = "DATE '1970-01-01' AS start_date, DATE '1970-01-01' AS end_date"
        return f"SELECT 0::UBIGINT AS hash, 0 AS flags, {days}, '' AS segment, 0.0::DOUBLE AS revenue WHERE FALSE"

    def _named_place(self, batch: pa.RecordBatch) -> pa.DictionaryArray:
        return self._segments(self._places.take(batch.column("place").to_numpy()))

    def _segments(self, places: npt.NDArray[np.signedinteger]) -> pa.DictionaryArray:
        return pa.DictionaryArray.from_arrays(pa.array(places.astype(np.int32)), pa.array(self._names, type=pa.string()))


def _days(column: pa.Array) -> npt.NDArray[np.int32]:
    """Days as numbers; where there is none, whatever lies in its place."""
    return np.frombuffer(column.buffers()[1], dtype=np.int32, offset=4 * column.offset, count=len(column))


def _there(column: pa.Array) -> npt.NDArray[np.bool_]:
    """Which values are there."""
    bits = column.buffers()[0]
    if bits is None:
        return np.ones(len(column), dtype=np.bool_)
    return np.unpackbits(np.frombuffer(bits, dtype=np.uint8), bitorder="little")[column.offset : column.offset + len(column)].view(np.bool_)


def _tell_apart(connection: duckdb.DuckDBPyConnection, names: list[str]) -> tuple[int, npt.NDArray[np.int32]]:
    """The smallest divisor of the names' hashes that leaves each another remainder, and the place of each remainder.

    A Parquet file hands names over once per dictionary, and so the engine works numbers out, which are quicker to hand on than texts.
    """
    columns = pa.table({"place": np.arange(len(names)), "name": pa.array(names, type=pa.string())})
    connection.register("names_to_tell_apart", columns)
    rows = connection.sql("SELECT hash(name) AS hash FROM names_to_tell_apart ORDER BY place").fetchnumpy()["hash"].astype(np.uint64)
    connection.unregister("names_to_tell_apart")
    divisor = next(number for number in range(max(len(names), 1), _MOST_DIVISORS) if len(np.unique(rows % np.uint64(number))) == len(names))
    places = np.full(divisor, -1, dtype=np.int32)  # no place at all: counting, and naming, stop at it
    places[(rows % np.uint64(divisor)).astype(np.int64)] = np.arange(len(names))
    return divisor, places
