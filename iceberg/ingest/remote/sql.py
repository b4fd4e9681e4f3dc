"""Reads any database that SQLAlchemy has a dialect for: one table or one SELECT, read-only, in parts."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

import pyarrow as pa

from iceberg.errors import FileError
from iceberg.ingest.remote.address import Address
from iceberg.ingest.remote.batches import ROWS, batch_of_rows
from iceberg.ingest.remote.selection import SECONDS_TO_CONNECT, require_selection, select_statement

if TYPE_CHECKING:
    from sqlalchemy import Connection, Engine

_SECONDS_TO_READ = 300  # judgement: of silence in the middle of a table
# Systems with the driver that is used where the address names none, and the packages that bring it.
DRIVERS = {
    "sqlite": ("sqlite", ""),
    "mysql": ("mysql+pymysql", "pymysql"),
    "mariadb": ("mariadb+pymysql", "pymysql"),
    "mssql": ("mssql+mssqlpython", "mssql-python"),
    "oracle": ("oracle+oracledb", "oracledb"),
    "snowflake": ("snowflake", "snowflake-sqlalchemy"),
    "bigquery": ("bigquery", "sqlalchemy-bigquery"),
    "databricks": ("databricks", "databricks-sqlalchemy"),
    "redshift": ("redshift+redshift_connector", "sqlalchemy-redshift redshift-connector"),
    "trino": ("trino", "trino[sqlalchemy]"),
}
# Packages of drivers that an address names itself, ``mssql+pyodbc://``.
_PACKAGES = {
    **{one: one for one in ("pyodbc", "pymssql", "oracledb", "psycopg2", "aioodbc")},
    **{"pymysql": "pymysql", "mysqldb": "mysqlclient", "mysqlconnector": "mysql-connector-python", "mariadbconnector": "mariadb"},
    **{"mssqlpython": "mssql-python", "psycopg": "psycopg[binary]", "redshift_connector": "sqlalchemy-redshift redshift-connector"},
}
_COMMANDS = {"pymysql": "pip install -r requirements-databases.txt"}
_PATIENCE = {  # how each driver calls the seconds
    "pymysql": {"connect_timeout": SECONDS_TO_CONNECT, "read_timeout": _SECONDS_TO_READ},
    "pymssql": {"login_timeout": SECONDS_TO_CONNECT},
    "oracledb": {"tcp_connect_timeout": SECONDS_TO_CONNECT},
    "psycopg2": {"connect_timeout": SECONDS_TO_CONNECT},
    "databricks": {"_retry_stop_after_attempts_count": 3, "_retry_stop_after_attempts_duration": 60, "_socket_timeout": _SECONDS_TO_READ},
    "snowflake": {"login_timeout": 2 * SECONDS_TO_CONNECT},
}
# What makes a session read-only. SQL Server, BigQuery and others have no such statement: there the account has to be read-only.
_READ_ONLY = {
    "mysql": ("SET SESSION TRANSACTION READ ONLY",),
    "mariadb": ("SET SESSION TRANSACTION READ ONLY",),
    "postgresql": ("SET TRANSACTION READ ONLY",),
    "oracle": ("SET TRANSACTION READ ONLY",),
    "sqlite": ("PRAGMA query_only = ON",),
}
# What a server's code means; what is not here is an unreadable table. MySQL: mariadb.com/kb/en/mariadb-error-code-reference.
_MYSQL = {
    1045: "database_login_refused", 1698: "database_login_refused", 1044: "database_login_refused", 1049: "database_unreachable",
    1142: "database_no_permission", 1143: "database_no_permission", 1146: "database_table_unknown", 1356: "database_table_unreadable",
    1792: "database_view_writes", 2003: "database_unreachable", 2005: "database_unreachable", 2006: "database_connection_lost",
    2013: "database_connection_lost",
}  # fmt: skip
_SQLSTATES = {
    "42S02": "database_table_unknown", "42P01": "database_table_unknown", "42501": "database_no_permission", "28000": "database_login_refused",
    "28P01": "database_login_refused", "25006": "database_view_writes",
}  # fmt: skip
_ORACLE = {942: "database_table_unknown", 1031: "database_no_permission", 1017: "database_login_refused", 1456: "database_view_writes"}
_MSSQL = {208: "database_table_unknown", 229: "database_no_permission", 18456: "database_login_refused"}
_NUMBERS = {"mysql": _MYSQL, "mariadb": _MYSQL, "oracle": _ORACLE, "mssql": _MSSQL}


def is_known(scheme: str) -> bool:
    """Whether SQLAlchemy has a dialect for a scheme, or would have one if its package were installed."""
    system = scheme.partition("+")[0]
    if system in DRIVERS:
        return True
    from sqlalchemy.dialects import registry
    from sqlalchemy.exc import NoSuchModuleError

    try:
        registry.load(scheme.replace("+", "."))
    except (NoSuchModuleError, ImportError):
        return False
    return True


@contextmanager
def open_rows(address: Address) -> Iterator[Iterator[pa.RecordBatch]]:
    """The rows that an address names, in parts, over a session that is read-only and rolled back.

    Raises:
        FileError: ``database_*``.
    """
    from sqlalchemy.exc import SQLAlchemyError

    require_selection(address)
    engine = _engine(address)
    try:
        with _connected(engine, address) as connection:
            statement = select_statement(address, connection.dialect.identifier_preparer.quote)
            options = {"stream_results": True, "yield_per": ROWS, "no_parameters": True}
            try:
                yield _batches(connection, statement, options)
            except SQLAlchemyError as error:
                raise FileError(_code(error, engine.dialect.name), address.values(_origin(error))) from error
            finally:
                with suppress(SQLAlchemyError):
                    connection.rollback()
    finally:
        engine.dispose()


def _batches(connection: Connection, statement: str, options: dict[str, Any]) -> Iterator[pa.RecordBatch]:
    result = connection.exec_driver_sql(statement, execution_options=options)
    names, found = list(result.keys()), False
    for rows in result.partitions(ROWS):
        found = True
        yield batch_of_rows(names, rows)
    if not found:
        yield batch_of_rows(names, [])


def _engine(address: Address) -> Engine:
    from sqlalchemy import URL, create_engine
    from sqlalchemy.exc import ArgumentError, NoSuchModuleError
    from sqlalchemy.pool import NullPool

    system, _, driver = address.scheme.partition("+")
    named, _ = DRIVERS.get(system, (address.scheme, ""))
    if system == "sqlite":
        return create_engine("sqlite://", creator=lambda: _open_sqlite(address), poolclass=NullPool)
    url = URL.create(
        address.scheme if driver else named,
        username=address.user or None,
        password=(address.password or None) if "@" in address.netloc else None,
        host=unquote(address.host) or None,
        port=address.port,
        database=unquote(address.path.removeprefix("/")) or None,
        query=address.driver_options,
    )
    try:
        dialect = url.get_dialect()
        patience = _PATIENCE.get(dialect.driver, {})
        return create_engine(url, poolclass=NullPool, connect_args=dict(patience), hide_parameters=True)
    except (NoSuchModuleError, ImportError) as error:
        raise _driver_missing(address) from error
    except (ArgumentError, ValueError, TypeError) as error:
        raise FileError("database_unreachable", address.values(error)) from error


def _driver_missing(address: Address) -> FileError:
    """The error that names the command which installs the driver."""
    system, _, driver = address.scheme.partition("+")
    packages = _PACKAGES.get(driver, "") if driver else DRIVERS.get(system, ("", ""))[1]
    if not packages:  # no name of a package is guessed: a stranger's could be installed
        return FileError("address_unknown", {"scheme": address.scheme, "known": ", ".join(DRIVERS)})
    return FileError("database_driver_missing", address.values() | {"command": _COMMANDS.get(packages, f"pip install {packages}")})


def _open_sqlite(address: Address) -> sqlite3.Connection:
    """A connection that cannot write, and that makes no file where there is none."""
    return sqlite3.connect(f"file:{quote(str(sqlite_path(address)))}?mode=ro", uri=True, timeout=SECONDS_TO_CONNECT, check_same_thread=False)


def sqlite_path(address: Address) -> Path:
    """The file of ``sqlite:///crm.db`` (beside the program) or ``sqlite:////var/crm.db``.

    Raises:
        FileError: ``file_not_found``.
    """
    path = Path(unquote(address.path.removeprefix("/"))).expanduser()
    if not path.is_file():
        raise FileError("file_not_found", {"file": str(path)})
    return path


@contextmanager
def _connected(engine: Engine, address: Address) -> Iterator[Connection]:
    from sqlalchemy.exc import SQLAlchemyError

    try:
        connection = engine.connect()
    except ImportError as error:  # a part of the driver that it loads late
        raise _driver_missing(address) from error
    except (SQLAlchemyError, OSError, RuntimeError) as error:
        code = _code(error, engine.dialect.name)
        raise FileError(code if code == "database_login_refused" else "database_unreachable", address.values(_origin(error))) from error
    with connection:
        try:
            for statement in _READ_ONLY.get(engine.dialect.name, ()):
                connection.exec_driver_sql(statement)
            if engine.dialect.name in {"mysql", "mariadb"}:
                connection.rollback()  # it holds for the transactions that follow
        except SQLAlchemyError as error:
            raise FileError("database_unreachable", address.values(_origin(error))) from error
        yield connection


def _origin(error: BaseException) -> BaseException:
    """The driver's own error: SQLAlchemy adds the statement and a link."""
    return getattr(error, "orig", None) or error


def _code(error: BaseException, system: str) -> str:
    origin = _origin(error)
    said = getattr(origin, "args", ())
    numbers = [one if isinstance(one, int) else getattr(one, "code", None) for one in said]  # Oracle's stands in an object
    state = str(getattr(origin, "sqlstate", None) or getattr(origin, "pgcode", ""))
    found = _NUMBERS.get(system, {}).get(next(filter(None, numbers), 0)) or _SQLSTATES.get(state)
    if found is None and "no such table" in str(origin):
        return "database_table_unknown"
    if found is None and "readonly" in str(origin):
        return "database_view_writes"
    lost = getattr(error, "connection_invalidated", False)
    return found or ("database_connection_lost" if lost else "database_table_unreadable")
