"""Owns the one pass over a customers file that finds out whether ids repeat, whether they are tidy, and how many rows each rule concerns."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import duckdb
import numpy as np

from iceberg.ingest.hashes import Hashes

_BATCH = 1_000_000  # rows that are looked at together
_UNTIDY = 1 << 30  # a bit that no rule has


@dataclass(frozen=True)
class Look:
    """What one pass over the rows found.

    Attributes:
        tidy: Every id can stay as it is. Where False the pass stopped, and nothing else is known.
        repeats: Two kept rows may have the same id: False for certain, True to be looked into.
        flags: Rows by value of ``flags``.
    """

    tidy: bool
    repeats: bool
    flags: dict[int, int]


def look_through(connection: duckdb.DuckDBPyConnection, name: str, *, reject_mask: int, tidy_sql: str = "TRUE") -> Look:
    """Look at every row of `name` once.

    Two equal 64-bit hashes among kept rows are what makes ids suspicious: that takes eight bytes per row and a third of the time of counting
    distinct ids.

    Args:
        connection: Where the rows are.
        name: Relation with columns customer_id and flags.
        reject_mask: Bits that leave a row out.
        tidy_sql: True where an id can stay as it is.
    """
    [(records,)] = connection.sql(f"SELECT count(*) FROM {name}").fetchall()
    marked = "flags" if tidy_sql == "TRUE" else f"CASE WHEN {tidy_sql} THEN flags ELSE {_UNTIDY} END"
    hashes, found = Hashes(records), dict[int, int]()
    with _in_any_order(connection):
        for batch in connection.sql(f"SELECT hash(customer_id) AS hash, {marked} AS flags FROM {name}").to_arrow_reader(_BATCH):
            flags = batch.column(1).to_numpy()
            kept = batch.column(0).to_numpy()  # the engine's own memory: nothing is copied
            fine = int(np.count_nonzero(flags == 0))
            if fine < len(flags):
                for value, rows in zip(*np.unique(flags[flags != 0], return_counts=True), strict=True):
                    found[int(value)] = found.get(int(value), 0) + int(rows)
                if _UNTIDY in found:
                    return Look(tidy=False, repeats=True, flags={})
                kept = kept[(flags & reject_mask) == 0]
            if fine:
                found[0] = found.get(0, 0) + fine
            hashes.add(kept)
    return Look(tidy=True, repeats=hashes.repeat(), flags=dict(sorted(found.items())))


def may_repeat(connection: duckdb.DuckDBPyConnection, rows: str, key: str) -> bool:
    """Whether two rows may have the same key: False for certain, True to be looked into.

    Args:
        connection: Where the rows are.
        rows: What to write after FROM.
        key: Columns, separated by commas.
    """
    [(records,)] = connection.sql(f"SELECT count(*) FROM {rows}").fetchall()
    hashes = Hashes(records)
    with _in_any_order(connection):
        for batch in connection.sql(f"SELECT hash({key}) AS hash FROM {rows}").to_arrow_reader(_BATCH):
            hashes.add(batch.column(0).to_numpy())
    return hashes.repeat()


@contextmanager
def _in_any_order(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Rows come as they are read: waiting for those before them takes half the time of such a pass."""
    [(before,)] = connection.sql("SELECT current_setting('preserve_insertion_order')").fetchall()
    connection.execute("SET preserve_insertion_order = false")
    try:
        yield
    finally:
        connection.execute(f"SET preserve_insertion_order = {before}")
