"""Streams a table of a PostgreSQL database, read-only, to a private temporary file that is then read as any other file.

``COPY (SELECT ...) TO STDOUT`` is the fastest way and reads one snapshot. What came before a connection was lost is removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import parse_qsl, quote, unquote, urlencode, urlsplit

from iceberg.errors import FileError

if TYPE_CHECKING:
    import psycopg

_SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
_SECONDS_TO_CONNECT = 15
_READ_ONLY = "25006"  # the server refuses a statement that writes, for instance a function that a view calls


@dataclass(frozen=True)
class DatabaseTable:
    """A table of a database.

    Attributes:
        address: The address without its password: safe to print and to store.
        dsn: The address with its password: never printed, never stored.
        table: Name, with its schema where the address has one.
    """

    address: str
    dsn: str
    table: str

    def __repr__(self) -> str:
        """Leave the password out."""
        return f"DatabaseTable({self.address!r}, {self.table!r})"


def is_database(text: str) -> bool:
    """Whether a source names a database rather than a file."""
    return text.partition("://")[0] in _SCHEMES and "://" in text


def parse_table(text: str) -> DatabaseTable:
    """Split an address such as ``postgresql://analyst@host/crm?table=crm.customers``.

    Raises:
        FileError: ``database_table_missing``.
    """
    parts = urlsplit(text)
    query = parse_qsl(parts.query)
    table = next((value for key, value in query if key == "table"), "")
    # A password can stand before the host or among the options.
    others = [(key, value) for key, value in query if key != "table"]
    user, colon, _ = parts.netloc.rpartition("@")[0].partition(":")
    host = parts.netloc.rpartition("@")[2]
    shown = [(key, value) for key, value in others if "password" not in key and key != "passfile"]
    place = f"{user}{':***' if colon else ''}@{host}" if user else host
    address = f"postgresql://{place}{parts.path}" + (f"?{urlencode(shown, safe='/')}" if shown else "")
    if not table:
        raise FileError("database_table_missing", {"address": address})
    dsn = f"postgresql://{parts.netloc}{parts.path}" + (f"?{urlencode(others, quote_via=quote)}" if others else "")
    return DatabaseTable(address, dsn, unquote(table))


def spool_table(text: str, target: Path) -> str:
    """Stream the table to `target` as CSV; returns the table's name.

    Raises:
        FileError: ``database_*``.
    """
    source = parse_table(text)
    with _connected(source) as connection:
        from psycopg import OperationalError, sql

        statement = sql.SQL("COPY (SELECT * FROM {}) TO STDOUT (FORMAT csv, HEADER)").format(sql.Identifier(*source.table.split(".")))
        try:
            with connection.cursor() as cursor, cursor.copy(statement) as copy, target.open("wb") as file:
                for block in copy:
                    file.write(block)
        except connection.Error as error:
            target.unlink(missing_ok=True)
            if error.sqlstate == _READ_ONLY:
                code = "database_view_writes"
            else:
                code = "database_connection_lost" if isinstance(error, OperationalError) or connection.broken else "database_table_unreadable"
            raise FileError(code, _values(source, error)) from error
    return source.table


@contextmanager
def _connected(source: DatabaseTable) -> Iterator[psycopg.Connection]:
    try:
        import psycopg
    except ImportError as error:
        raise FileError("database_driver_missing") from error
    try:
        connection = psycopg.connect(source.dsn, connect_timeout=_SECONDS_TO_CONNECT, application_name="iceberg", autocommit=True)
    except psycopg.Error as error:
        raise FileError("database_unreachable", _values(source, error)) from error
    try:
        # The server enforces read-only access, and sends ISO dates in UTF-8.
        connection.execute("SET default_transaction_read_only = on; SET datestyle = 'ISO'; SET client_encoding = 'UTF8'; SET extra_float_digits = 1")
        yield connection
    finally:
        connection.close()


def _values(source: DatabaseTable, error: Exception) -> dict[str, object]:
    password = urlsplit(source.dsn).password or "\0"
    reason = (str(error).splitlines() or [type(error).__name__])[0].replace(unquote(password), "***")
    return {"address": source.address, "table": source.table, "reason": reason[:200]}
