"""The engine that runs statements in DuckDB."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa

from iceberg.arrays import IntArray
from iceberg.ingest.engine.connection import fork_connection, in_any_order
from iceberg.ingest.engine.limits import named_faults
from iceberg.ingest.engine.protocol import Engine


class DuckDBEngine(Engine):
    """Statements run as they are, on one connection.

    Args:
        connection: It holds the tables; `close` closes it.
        scratch: The folder in which DuckDB puts what does not fit into memory, named when that is full.
    """

    def __init__(self, connection: duckdb.DuckDBPyConnection, *, scratch: Path | None = None) -> None:
        self.connection = connection
        self._scratch = scratch or Path()
        self._made: set[str] = set()
        self._registered: dict[str, pa.Table] = {}

    def execute(self, query: str, /) -> duckdb.DuckDBPyConnection:
        """See `Engine`."""
        return self.connection.execute(query)

    def columns(self, query: str, /) -> dict[str, IntArray]:
        """See `Engine`."""
        return {name: np.asarray(values).astype(np.int64) for name, values in self.execute(query).fetchnumpy().items()}

    def make(self, name: str, query: str, /) -> None:
        """See `Engine`."""
        self.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {query}")
        self._made.add(name)

    def register(self, name: str, rows: pa.Table, /) -> None:
        """See `Engine`."""
        self.connection.register(name, rows)
        self._registered[name] = rows

    @contextmanager
    def work(self) -> Iterator[None]:
        """See `Engine`. Rows may lie in any order meanwhile."""
        try:
            with named_faults(self._scratch), in_any_order(self.connection):
                yield
        finally:
            for name in self._made:
                self.execute(f"DROP TABLE IF EXISTS temp.{name}")
            for name in self._registered:
                self.connection.unregister(name)
            self._made.clear()
            self._registered.clear()

    def close(self) -> None:
        """See `Engine`."""
        self.connection.close()

    def fork(self, names: Sequence[str], /) -> DuckDBEngine:
        """See `Engine`. A second connection to the same database sees no temporary table of the first, hence the copies."""
        fork = DuckDBEngine(fork_connection(self.connection), scratch=self._scratch)
        for name in names:
            rows = self._registered.get(name)
            fork.register(name, rows if rows is not None else self.connection.sql(f"SELECT * FROM {name}").to_arrow_table())
        return fork
