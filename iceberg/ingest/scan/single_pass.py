"""Reads every row of a customers table once: whether ids repeat, whether they need no repair, and how many rows break each rule."""

from __future__ import annotations

from dataclasses import dataclass

import duckdb
import numpy as np
import pyarrow as pa

from iceberg.ingest.engine.connection import in_any_order
from iceberg.ingest.rules.select import if_tidy_sql
from iceberg.ingest.scan.id_hashes import IdHashes, RowArray, TakeRows
from iceberg.ingest.scan.recent_customers import CustomerCollector

_BATCHES, _FEWEST_ROWS, _MOST_ROWS = 100, 1 << 17, 1 << 18  # measured: batches of a large file, and rows of a batch
_UNTIDY = 1 << 30  # a bit that no rule has


@dataclass(frozen=True)
class ScanResult:
    """What one pass over the rows found.

    Attributes:
        tidy: Every id can stay as it is. Where False the pass stopped, and nothing else is known.
        repeats: Two kept rows may have the same id: False for certain, True to be checked.
        flags: Rows by value of ``flags``.
    """

    tidy: bool
    repeats: bool
    flags: dict[int, int]


def scan_rows(
    connection: duckdb.DuckDBPyConnection,
    name: str,
    *,
    reject_mask: int,
    key: str = "hash(customer_id)",
    check_tidy: bool = False,
    ids: bool = True,
    collector: CustomerCollector | None = None,
) -> ScanResult:
    """Read every row of `name` once.

    Ids are compared by hash: that takes eight bytes per row, and a third of the time of counting distinct ids.

    Args:
        connection: Where the rows are.
        name: Relation of judged customers.
        reject_mask: Bits that leave a row out.
        key: SQL of the hash of an id.
        check_tidy: Whether to make sure that every id can stay as it is.
        ids: Whether to compare ids; without it the relation need not have them.
        collector: Collects the selected customers.
    """
    [(records,)] = connection.execute(f"SELECT count(*) FROM {name}").fetchall()
    columns = [f"{if_tidy_sql('customer_id', 'flags', str(_UNTIDY))} AS flags" if check_tidy else "flags"]
    columns += [f"{key} AS hash"] if ids else []
    columns += [collector.columns_sql] if collector is not None else []
    named = collector.selection.named if collector is not None and ids else None
    hashes, counts = IdHashes(records, named), dict[int, int]()
    with in_any_order(connection):
        for batch in connection.sql(f"SELECT {', '.join(columns)} FROM {name}").to_arrow_reader(_batch_rows(records)):
            flags, kept = batch.column("flags").to_numpy(), batch
            fine = len(flags) - int(np.count_nonzero(flags))
            if fine < len(flags):
                for value, rows in zip(*np.unique(flags[flags != 0], return_counts=True), strict=True):
                    counts[int(value)] = counts.get(int(value), 0) + int(rows)
                if _UNTIDY in counts:
                    return ScanResult(tidy=False, repeats=True, flags={})
                rejected = (flags & reject_mask) != 0
                kept = batch.filter(pa.array(~rejected))
                if collector is not None and named is not None:
                    collector.add_named(batch, named.passing(batch.column("hash").to_numpy(), where=rejected))
            if fine:
                counts[0] = counts.get(0, 0) + fine
            if ids:
                hashes.add(kept.column("hash").to_numpy(), take=_collect(collector, kept) if collector is not None else None)
            elif collector is not None:
                collector.add_recent(kept)
    return ScanResult(tidy=True, repeats=ids and hashes.repeat(), flags=dict(sorted(counts.items())))


def _collect(collector: CustomerCollector, batch: pa.RecordBatch) -> TakeRows:
    def take(rows: RowArray) -> None:
        collector.add_named(batch, rows)
        collector.add_recent(batch)

    return take


def _batch_rows(records: int) -> int:
    """Small batches fit into a core's cache; too many of them make gathering the hashes of a bucket slow."""
    return min(max(records // _BATCHES, _FEWEST_ROWS), _MOST_ROWS)


def may_repeat(connection: duckdb.DuckDBPyConnection, rows: str, key: str) -> bool:
    """Whether two rows may have the same key: False for certain, True to be checked.

    Args:
        connection: Where the rows are.
        rows: What to write after FROM.
        key: Columns, separated by commas.
    """
    [(records,)] = connection.execute(f"SELECT count(*) FROM {rows}").fetchall()
    hashes = IdHashes(records)
    with in_any_order(connection):
        for batch in connection.sql(f"SELECT hash({key}) AS hash FROM {rows}").to_arrow_reader(_batch_rows(records)):
            hashes.add(batch.column(0).to_numpy())
    return hashes.repeat()
