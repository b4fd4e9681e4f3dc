"""Connects to the in-memory database that files are read into, and quotes texts and names for its SQL."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from weakref import WeakSet

import duckdb

from iceberg.errors import FileError
from iceberg.ingest.engine.limits import limit_of

_OPEN: WeakSet[duckdb.DuckDBPyConnection] = WeakSet()
USUAL_BYTES = 700e6  # judgement: keeps a load of 100 million customers under 2 GB, with the memory of Python


def connect(*, memory_limit: str | None = None, usual_bytes: float = USUAL_BYTES, temp_directory: str | None = None) -> duckdb.DuckDBPyConnection:
    """An in-memory database that neither installs extensions nor reaches the network.

    Args:
        memory_limit: The bound on its memory, such as ``"4GB"``.
        usual_bytes: The bound where none is given, or the engine's own where that is smaller: no file has the whole machine.
        temp_directory: Folder for what does not fit.
    """
    connection = duckdb.connect(
        ":memory:",
        config={
            "autoinstall_known_extensions": "false",
            "autoload_known_extensions": "false",
            "allow_community_extensions": "false",
        },
    )
    _OPEN.add(connection)
    connection.execute("SET enable_progress_bar = false; SET TimeZone = 'UTC'")  # the day of a time in a zone must not depend on the machine
    if memory_limit is None:
        if usual_bytes < limit_of(connection):
            connection.execute(f"SET memory_limit = '{usual_bytes / 1e6:.0f}MB'")
    else:
        try:
            connection.execute(f"SET memory_limit = '{memory_limit.replace(chr(39), '')}'")
        except duckdb.Error as error:
            connection.close()
            raise FileError("memory_limit_unreadable", {"value": memory_limit}) from error
    if temp_directory is not None:
        connection.execute(f"SET temp_directory = {quote_text(temp_directory)}")
    return connection


def fork_connection(connection: duckdb.DuckDBPyConnection) -> duckdb.DuckDBPyConnection:
    """Another connection to the same database, for another thread."""
    made = connection.cursor()
    _OPEN.add(made)
    return made


def interrupt_queries() -> None:
    """End the queries that run, each with an error of the engine; called from another thread than theirs."""
    for connection in tuple(_OPEN):
        with suppress(duckdb.Error):  # closed meanwhile
            connection.interrupt()


def work_on_disk(connection: duckdb.DuckDBPyConnection, path: Path) -> None:
    """Put all further tables into a database file.

    Temporary tables that do not fit into memory would be written out and read back while they grow. Nothing is compressed: the file lives
    for minutes, and writing it takes less time than compressing it.
    """
    connection.execute(f"ATTACH {quote_text(str(path))} AS on_disk; USE on_disk; PRAGMA force_compression = 'uncompressed'")


@contextmanager
def in_any_order(connection: duckdb.DuckDBPyConnection) -> Iterator[None]:
    """Rows need not stay in the order of the file, which takes up to half the time."""
    [(before,)] = connection.execute("SELECT current_setting('preserve_insertion_order')").fetchall()
    connection.execute("SET preserve_insertion_order = false")
    try:
        yield
    finally:
        connection.execute(f"SET preserve_insertion_order = {before}")


def quote_text(text: str) -> str:
    """A SQL text literal."""
    return "'" + text.replace("'", "''") + "'"


def quote_name(name: str) -> str:
    """A SQL identifier."""
    return '"' + name.replace('"', '""') + '"'
