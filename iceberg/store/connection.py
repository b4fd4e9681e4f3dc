"""Opens a store: its address, its connection, its schema; and turns database errors into sentences.

A write takes the store's one write lock from its first statement on (SQLite: BEGIN IMMEDIATE; PostgreSQL: an advisory lock), so that two of them
wait for one another instead of failing half-way.
"""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote, unquote

from sqlalchemy import URL, Connection, Engine, create_engine, event, inspect, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from iceberg.errors import StoreError
from iceberg.store.schema import HEAD

if TYPE_CHECKING:
    from alembic.config import Config

VARIABLE = "ICEBERG_STORE"
DEFAULT_FILE = "iceberg-store.db"
BUSY_SECONDS = 20.0  # judgement: longer than any publish holds the lock, shorter than a person waits
WRITE_LOCK = 7_291_025  # arbitrary: PostgreSQL names advisory locks by number
_MIGRATIONS = Path(__file__).with_name("migrations")
# Error of a driver -> code of our sentence. SQLite has messages, PostgreSQL five-letter codes.
_SQLITE_ERRORS = {
    "database or disk is full": "store_full",
    "disk i/o error": "store_full",
    "locked": "store_locked",
    "busy": "store_locked",
    "readonly": "store_read_only",
    "not a database": "store_not_a_store",
    "malformed": "store_damaged",
    "unable to open": "store_unreachable",
}
_POSTGRES_ERRORS = {
    "53100": "store_full",
    "53200": "store_full",
    "55P03": "store_locked",
    "40P01": "store_locked",
    "57014": "store_locked",
    "25006": "store_read_only",
    "42501": "store_read_only",
    "28P01": "store_refused",
    "28000": "store_refused",
    "3D000": "store_no_database",
    "53300": "store_locked",
}
_CONNECTION_ERRORS = {  # while connecting, libpq gives a sentence and no code
    "password authentication failed": "store_refused",
    "no password supplied": "store_refused",
    "no pg_hba.conf entry": "store_refused",
    "does not exist": "store_no_database",
    "too many connections": "store_locked",
    "too many clients": "store_locked",
}


def store_address(given: str | None = None) -> URL:
    """The address of the store: `given`, else the variable ICEBERG_STORE, else a file in this folder.

    Args:
        given: A database URL, or the path of an SQLite file.

    Raises:
        StoreError: ``store_address`` when it is neither.
    """
    address = given or os.environ.get(VARIABLE) or DEFAULT_FILE
    if "://" not in address:
        return URL.create("sqlite", database=str(Path(address).expanduser()))
    try:
        url = make_url(address)
    except ArgumentError:
        url = None
    kind = url.get_backend_name() if url is not None else ""
    if url is None or kind not in {"sqlite", "postgresql", "postgres"}:
        raise StoreError("store_address", {"value": address.partition("://")[0] + "://"})
    if kind == "sqlite":
        if not url.database or url.database == ":memory:":
            raise StoreError("store_address", {"value": "sqlite://"})
        return URL.create("sqlite", database=url.database)
    return url.set(drivername="postgresql+psycopg")


def open_engine(url: URL) -> Engine:
    """Connect to a store, and create or upgrade its schema.

    Raises:
        StoreError: When it cannot be opened.
    """
    with store_errors(url):
        engine = _sqlite(url) if url.get_backend_name() == "sqlite" else _postgresql(url)
        try:
            _bring_up_to_date(engine)
        except BaseException:  # an interruption too: a connection left open would keep the store locked
            engine.dispose()
            raise
        return engine


def _sqlite(url: URL) -> Engine:
    path = Path(str(url.database))
    if path.is_dir() or not path.resolve().parent.is_dir():
        raise StoreError("store_no_folder", {"store": str(path), "folder": str(path.resolve().parent)})
    _make_private(path)
    readable = _readable_only(path)
    address = url if readable is None else url.set(database=f"file:{quote(str(path.resolve()))}", query={"uri": "true", **readable})
    engine = create_engine(address, connect_args={"timeout": BUSY_SECONDS}, pool_size=8, max_overflow=24)

    @event.listens_for(engine, "connect")
    def prepare(connection: Any, _record: object) -> None:  # noqa: ANN401  # the driver's own
        connection.isolation_level = None  # SQLAlchemy begins and ends transactions, DDL included
        cursor = connection.cursor()
        cursor.execute(f"PRAGMA busy_timeout = {int(BUSY_SECONDS * 1000)}")
        if readable is None:
            _use_write_ahead_log(cursor)
        cursor.execute("PRAGMA synchronous = FULL")  # a version is on the disk before it is reported
        cursor.execute("PRAGMA foreign_keys = ON")
        cursor.execute("PRAGMA secure_delete = ON")  # what is deleted is overwritten
        cursor.close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        writes = connection.get_execution_options().get("writes", False)
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")

    return engine


def _readable_only(path: Path) -> dict[str, str] | None:
    """The options with which SQLite reads a file that it cannot write to; None where it can.

    It would make a log beside the file even to read it. Without a log no program is writing to it, and the file is all there is.
    """
    if not path.exists() or (os.access(path, os.W_OK) and os.access(path.resolve().parent, os.W_OK)):
        return None
    return {"mode": "ro"} | ({} if path.with_name(f"{path.name}-wal").exists() else {"immutable": "1"})


def _make_private(path: Path) -> None:
    """Make the file readable by its owner alone, because its counts by day hold single departures; its log and index get the same permissions.

    A file that only its owner and a group can read stays shared with the group: its owner chose that.
    """
    with suppress(OSError):  # the database gives the reason
        if not path.exists():
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
        elif path.stat().st_mode & 0o007:
            for file in (path, path.with_name(f"{path.name}-wal"), path.with_name(f"{path.name}-shm")):
                if file.exists():
                    file.chmod(0o600)


def _use_write_ahead_log(cursor: sqlite3.Cursor) -> None:
    """Switch to a write-ahead log. The busy timeout does not cover this switch, so a process that meets another one here tries again."""
    deadline = time.monotonic() + BUSY_SECONDS
    while cursor.execute("PRAGMA journal_mode").fetchone()[0] != "wal":
        try:
            cursor.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as fault:
            if "locked" not in str(fault) or time.monotonic() > deadline:
                raise
            time.sleep(0.02)


def _postgresql(url: URL) -> Engine:
    try:
        engine = create_engine(
            url,
            pool_pre_ping=True,  # a server that was restarted is connected to again
            pool_size=8,
            max_overflow=24,
            connect_args={"connect_timeout": int(BUSY_SECONDS), "options": f"-c lock_timeout={int(BUSY_SECONDS * 1000)}"},
        )
    except (NoSuchModuleError, ImportError) as missing:
        raise StoreError("store_needs_driver", {"command": "pip install -r requirements-postgres.txt"}) from missing

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        if connection.get_execution_options().get("writes", False):
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({WRITE_LOCK})")

    return engine


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """A transaction that writes: all of it or nothing.

    Raises:
        StoreError: When the database refuses.
    """
    with store_errors(engine.url), engine.connect().execution_options(writes=True) as connection, connection.begin():
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """A transaction that reads one consistent state of the store.

    Raises:
        StoreError: When the database refuses.
    """
    with store_errors(engine.url), engine.connect() as connection, connection.begin():
        yield connection


def _bring_up_to_date(engine: Engine) -> None:
    """Create or migrate the schema. Of two processes that open a store at once, one does it and the other waits."""
    with engine.connect() as connection, connection.begin():
        if _revision(connection) == HEAD:
            return
    with engine.connect().execution_options(writes=True) as connection, connection.begin():
        revision = _revision(connection)
        if revision == HEAD:
            return
        known = {path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("*.py")}
        if revision is not None and revision not in known:
            raise StoreError("store_newer", {"store": shown(engine.url)})
        if revision is None and inspect(connection).get_table_names():
            raise StoreError("store_not_empty", {"store": shown(engine.url)})
        _migrate(connection)


def _migrate(connection: Connection) -> None:
    from alembic import command

    command.upgrade(_migrations(connection), "head")


def _migrations(connection: Connection) -> Config:
    from alembic.config import Config

    config = Config()
    config.set_main_option("script_location", str(_MIGRATIONS))
    config.attributes["connection"] = connection
    return config


def roll_back(engine: Engine) -> str:
    """Take the schema one revision back, for an earlier program: this one brings it up to date again when it opens the store.

    Returns:
        The revision that the store has now.

    Raises:
        StoreError: ``store_oldest`` where there is no earlier one.
    """
    from alembic import command

    with writing(engine) as connection:
        first = min(path.name.partition("_")[0] for path in (_MIGRATIONS / "versions").glob("*.py"))
        if _revision(connection) == first:
            raise StoreError("store_oldest", {"store": shown(engine.url)})
        command.downgrade(_migrations(connection), "-1")
        return str(_revision(connection))


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table("alembic_version"):
        return None
    revision = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
    return None if revision is None else str(revision)


@contextmanager
def store_errors(url: URL) -> Iterator[None]:
    """Turn errors of the database into `StoreError`; errors that are defects of this program pass through."""
    try:
        yield
    except SQLAlchemyError as fault:
        error = _store_error(fault, url)
        if error is None:
            raise
        raise error from fault


def _store_error(fault: SQLAlchemyError, url: URL) -> StoreError | None:
    values = {"store": shown(url)}
    if not isinstance(fault, DBAPIError) or fault.orig is None:
        return StoreError("store_locked", values) if type(fault).__name__ == "TimeoutError" else None
    original, message = fault.orig, str(fault.orig).lower()
    if url.get_backend_name() == "sqlite":
        code = next((code for part, code in _SQLITE_ERRORS.items() if part in message), None)
    else:
        state = getattr(original, "sqlstate", None)
        code = _POSTGRES_ERRORS.get(str(state)) or next((name for part, name in _CONNECTION_ERRORS.items() if part in message), None)
        lost = fault.connection_invalidated or (state is None and type(original).__name__ == "OperationalError")
        code = code or ("store_unreachable" if lost else None)
    return None if code is None else StoreError(code, values)


def shown(url: URL) -> str:
    """The address without its password; a file by its path."""
    if url.get_backend_name() == "sqlite":
        return unquote(str(url.database).removeprefix("file:"))
    return url.render_as_string(hide_password=True)
