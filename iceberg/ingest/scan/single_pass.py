"""Owns the one pass over a customers file that finds out whether ids repeat, whether they are tidy, and how many rows each rule concerns."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from iceberg.ingest.engine.connection import in_any_order
from iceberg.ingest.rules.select import if_tidy_sql
from iceberg.ingest.scan.id_hashes import Hashes, Keep, RowArray
from iceberg.ingest.scan.recent_customers import Aside

_BATCHES, _FEWEST_ROWS, _MOST_ROWS = 100, 1 << 17, 1 << 18  # measured: batches of a large file, and rows that are looked at together
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


def look_through(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    *,
    reject_mask: int,
    key: str = "hash(customer_id)",
    check_tidy: bool = False,
    ids: bool = True,
    aside: Aside | None = None,
) -> Look:
    """Look at every row of `name` once.

    Two equal 64-bit hashes among kept rows are what makes ids suspicious: that takes eight bytes per row and a third of the time of counting
    distinct ids.

    Args:
        connection: Where the rows are.
        name: Relation of judged customers.
        reject_mask: Bits that leave a row out.
        key: SQL of the hash of an id.
        check_tidy: Whether to make sure that every id can stay as it is.
        ids: Whether to look at ids; where they were looked at before they need not be there.
        aside: Where wanted customers are put.
    """
    [(records,)] = connection.execute(f"SELECT count(*) FROM {name}").fetchall()
    columns = [f"{if_tidy_sql('customer_id', 'flags', str(_UNTIDY))} AS flags" if check_tidy else "flags"]
    columns += [f"{key} AS hash"] if ids else []
    columns += [aside.columns_sql] if aside is not None else []
    told = aside.wanted.told if aside is not None and ids else None
    hashes, found = Hashes(records, told), dict[int, int]()
    with in_any_order(connection):
        for batch in connection.sql(f"SELECT {', '.join(columns)} FROM {name}").to_arrow_reader(_batch_rows(records)):
            flags, kept = batch.column("flags").to_numpy(), batch
            fine = len(flags) - int(np.count_nonzero(flags))
            if fine < len(flags):
                for value, rows in zip(*np.unique(flags[flags != 0], return_counts=True), strict=True):
                    found[int(value)] = found.get(int(value), 0) + int(rows)
                if _UNTIDY in found:
                    return Look(tidy=False, repeats=True, flags={})
                rejected = (flags & reject_mask) != 0
                kept = batch.filter(pa.array(~rejected))
                if aside is not None and told is not None:
                    aside.keep_named(batch, told.among(batch.column("hash").to_numpy(), where=rejected))
            if fine:
                found[0] = found.get(0, 0) + fine
            if ids:
                hashes.add(kept.column("hash").to_numpy(), keep=_into(aside, kept) if aside is not None else None)
            elif aside is not None:
                aside.keep_recent(kept)
    return Look(tidy=True, repeats=ids and hashes.repeat(), flags=dict(sorted(found.items())))


def _into(aside: Aside, batch: pa.RecordBatch) -> Keep:
    def keep(rows: RowArray) -> None:
        aside.keep_named(batch, rows)
        aside.keep_recent(batch)

    return keep


def _batch_rows(records: int) -> int:
    """Small batches stay in a core's own cache; of very many, putting together what each has of a drawer would take longer."""
    return min(max(records // _BATCHES, _FEWEST_ROWS), _MOST_ROWS)


def may_repeat(connection: duckdb.DuckDBPyConnection, rows: str, key: str) -> bool:
    """Whether two rows may have the same key: False for certain, True to be looked into.

    Args:
        connection: Where the rows are.
        rows: What to write after FROM.
        key: Columns, separated by commas.
    """
    [(records,)] = connection.execute(f"SELECT count(*) FROM {rows}").fetchall()
    hashes = Hashes(records)
    with in_any_order(connection):
        for batch in connection.sql(f"SELECT hash({key}) AS hash FROM {rows}").to_arrow_reader(_batch_rows(records)):
            hashes.add(batch.column(0).to_numpy())
    return hashes.repeat()
