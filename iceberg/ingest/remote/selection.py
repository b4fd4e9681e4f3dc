"""What is read of a database: one table or one SELECT, and never a statement that writes."""

from __future__ import annotations

import re
from collections.abc import Callable

from iceberg.errors import FileError
from iceberg.ingest.remote.address import Address

SECONDS_TO_CONNECT = 15
_SELECTS = re.compile(r"\s*\(*\s*(?:SELECT|WITH)\b", re.IGNORECASE)


def require_selection(address: Address) -> None:
    """Check that an address names one table, or one statement that selects. Sessions are read-only beside this, where the server knows that.

    Raises:
        FileError: ``database_table_missing``, ``database_query_selects_nothing``.
    """
    table, query = address.option("table"), address.option("query")
    if bool(table) == bool(query):
        raise FileError("database_table_missing", {"address": address.shown})
    if query and (not _SELECTS.match(query) or ";" in query.rstrip("; ")):
        raise FileError("database_query_selects_nothing", {"address": address.shown})


def select_statement(address: Address, quote: Callable[[str], str]) -> str:
    """The statement that reads what an address names; `quote` writes a name as the database wants it."""
    require_selection(address)
    if query := address.option("query"):
        return query.rstrip("; ")
    columns = ", ".join(map(quote, address.columns)) or "*"
    return f"SELECT {columns} FROM {'.'.join(quote(part) for part in address.option('table').split('.'))}"
