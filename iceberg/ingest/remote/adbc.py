"""Reads databases through their ADBC driver (``adbc+snowflake://``), which gives Arrow batches without a detour over rows."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterator
from contextlib import closing, contextmanager, suppress
from typing import Any
from urllib.parse import quote, unquote, urlencode

import pyarrow as pa

from iceberg.errors import FileError
from iceberg.ingest.remote.address import Address
from iceberg.ingest.remote.selection import require_selection, select_statement
from iceberg.ingest.remote.sql import sqlite_path

PREFIX = "adbc+"
_PLAIN = re.compile(r"[A-Za-z_][A-Za-z0-9_$]*")
SYSTEMS = ("bigquery", "flightsql", "postgresql", "snowflake", "sqlite")
_READ_ONLY = {"postgresql": "SET TRANSACTION READ ONLY"}
_SQLSTATES = {
    "42P01": "database_table_unknown", "42501": "database_no_permission", "28P01": "database_login_refused", "28000": "database_login_refused",
    "25006": "database_view_writes",
}  # fmt: skip
_STATES = {"NOT_FOUND": "database_table_unknown", "UNAUTHENTICATED": "database_login_refused", "UNAUTHORIZED": "database_no_permission"}


@contextmanager
def open_batches(address: Address) -> Iterator[Iterator[pa.RecordBatch]]:
    """The rows that an address names, in the driver's own batches, over a transaction that is rolled back.

    Raises:
        FileError: ``database_*``.
    """
    require_selection(address)
    system = address.scheme.removeprefix(PREFIX)
    try:
        from adbc_driver_manager import Error

        driver = importlib.import_module(f"adbc_driver_{system}.dbapi")
    except ImportError as error:
        raise _driver_missing(address, system) from error
    try:
        connection = driver.connect(**_arguments(address, system))
    except ImportError as error:  # a part of the driver that it loads late
        raise _driver_missing(address, system) from error
    except Error as error:
        refused = _code(error) == "database_login_refused" or "password authentication" in str(error)
        raise FileError("database_login_refused" if refused else "database_unreachable", address.values(error)) from error
    with closing(connection):
        try:
            with closing(connection.cursor()) as cursor:
                if system in _READ_ONLY:
                    cursor.execute(_READ_ONLY[system])
                cursor.execute(select_statement(address, lambda name: _quoted(name, system)))
                yield iter(cursor.fetch_record_batch())
        except Error as error:
            raise FileError(_code(error), address.values(error)) from error
        except OSError as error:  # while batches arrive
            if error.errno is not None:  # the disk of this machine
                raise
            raise FileError("database_connection_lost", address.values(error)) from error
        except pa.ArrowException as error:  # the same, where the server refuses
            code = "database_view_writes" if "read-only transaction" in str(error) else "database_table_unreadable"
            raise FileError(code, address.values(error)) from error
        finally:
            with suppress(Error):
                connection.rollback()


def _driver_missing(address: Address, system: str) -> FileError:
    command = f"pip install -r requirements-databases.txt{'' if system == 'postgresql' else f' adbc-driver-{system}'}"
    return FileError("database_driver_missing", address.values() | {"command": command})


def _quoted(name: str, system: str) -> str:
    """A name in quotes. Snowflake keeps plain names in capitals, and finds them only without quotes."""
    if system == "snowflake" and _PLAIN.fullmatch(name) and name in {name.lower(), name.upper()}:
        return name
    mark = "`" if system == "bigquery" else '"'
    return mark + name.replace(mark, mark * 2) + mark


def _arguments(address: Address, system: str) -> dict[str, Any]:
    """What the driver is opened with."""
    if system == "sqlite":
        return {"uri": f"file:{quote(str(sqlite_path(address)))}?mode=ro"}
    if system == "bigquery":
        names = {"adbc.bigquery.sql.project_id": unquote(address.host), "adbc.bigquery.sql.dataset_id": unquote(address.path.strip("/"))}
        return {"db_kwargs": {name: value for name, value in names.items() if value} | address.driver_options}
    account = quote(address.user, safe="") + (f":{quote(address.password, safe='')}" if address.password else "") + "@" if address.user else ""
    options = dict(address.driver_options)
    if system == "postgresql":
        options.setdefault("connect_timeout", "15")
    written = f"?{urlencode(options, quote_via=quote)}" if options else ""
    place = f"{account}{address.netloc.rpartition('@')[2]}{address.path}{written}"
    return {"uri": place if system == "snowflake" else f"{system}://{place}"}


def _code(error: BaseException) -> str:
    found = _SQLSTATES.get(str(getattr(error, "sqlstate", "")))
    return found or _STATES.get(getattr(getattr(error, "status_code", None), "name", ""), "database_table_unreadable")
