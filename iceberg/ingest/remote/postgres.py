"""Streams a table of a PostgreSQL database, read-only, to a private temporary file that is then read as any other file.

``COPY (SELECT ...) TO STDOUT`` is the fastest way and reads one snapshot. What came before a connection was lost is removed.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import quote, urlencode

from iceberg.errors import FileError
from iceberg.ingest.remote.address import Address
from iceberg.ingest.remote.selection import SECONDS_TO_CONNECT, require_selection

if TYPE_CHECKING:
    import psycopg
    from psycopg import sql

SCHEMES = ("postgresql", "postgres", "postgresql+psycopg")
_READ_ONLY = "25006"  # the server refuses a statement that writes, for instance a function that a view calls
_MISSING, _FORBIDDEN, _WRONG_PASSWORD = "42P01", "42501", ("28P01", "28000")  # a code


def spool_table(address: Address, target: Path) -> None:
    """Stream the table to `target` as CSV.

    Raises:
        FileError: ``database_*``.
    """
    require_selection(address)
    with _connected(address) as connection:
        from psycopg import OperationalError

        statement = _copy_statement(address)
        try:
            with connection.cursor() as cursor, cursor.copy(statement) as copy, target.open("wb") as file:
                for block in copy:
                    file.write(block)
        except connection.Error as error:
            target.unlink(missing_ok=True)
            codes = {_READ_ONLY: "database_view_writes", _MISSING: "database_table_unknown", _FORBIDDEN: "database_no_permission"}
            lost = isinstance(error, OperationalError) or connection.broken
            code = codes.get(error.sqlstate or "", "database_connection_lost" if lost else "database_table_unreadable")
            raise FileError(code, address.values(error)) from error


def _copy_statement(address: Address) -> sql.Composed:
    from psycopg import sql

    if query := address.option("query"):
        selected: sql.Composable = sql.SQL(query.rstrip("; "))  # the user's own statement
    else:
        columns = sql.SQL(", ").join(map(sql.Identifier, address.columns)) if address.columns else sql.SQL("*")
        selected = sql.SQL("SELECT {} FROM {}").format(columns, sql.Identifier(*address.option("table").split(".")))
    return sql.SQL("COPY ({}) TO STDOUT (FORMAT csv, HEADER)").format(selected)


def _dsn(address: Address) -> str:
    """The address for libpq, with its password: never shown."""
    options = dict(address.driver_options)
    if address.password and "@" in address.netloc and not {"password", "passfile"} & set(options):
        options["password"] = address.password
    return f"postgresql://{address.netloc}{address.path}" + (f"?{urlencode(options, quote_via=quote)}" if options else "")


@contextmanager
def _connected(address: Address) -> Iterator[psycopg.Connection]:
    try:
        import psycopg
    except ImportError as error:
        raise FileError("database_driver_missing", address.values() | {"command": "pip install -r requirements-postgres.txt"}) from error
    try:
        connection = psycopg.connect(_dsn(address), connect_timeout=SECONDS_TO_CONNECT, application_name="iceberg", autocommit=True)
    except psycopg.Error as error:
        refused = error.sqlstate in _WRONG_PASSWORD or "password" in str(error)
        raise FileError("database_login_refused" if refused else "database_unreachable", address.values(error)) from error
    try:
        # The server enforces read-only access, and sends ISO dates in UTF-8.
        connection.execute("SET default_transaction_read_only = on; SET datestyle = 'ISO'; SET client_encoding = 'UTF8'; SET extra_float_digits = 1")
        yield connection
    finally:
        connection.close()
