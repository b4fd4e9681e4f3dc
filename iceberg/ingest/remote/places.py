"""Which place an address names, and how its table comes to a private file."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import pyarrow as pa

from iceberg.errors import FileError
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.remote.adbc import PREFIX, SYSTEMS, open_batches
from iceberg.ingest.remote.address import OBJECT_STORES, Address, is_address, parse_address
from iceberg.ingest.remote.batches import write_parquet
from iceberg.ingest.remote.lake import open_delta, open_iceberg
from iceberg.ingest.remote.object_store import copy_object
from iceberg.ingest.remote.postgres import SCHEMES, spool_table
from iceberg.ingest.remote.sql import DRIVERS, is_known, open_rows

# How a table that is no file is opened: within the block its rows arrive as Arrow batches.
Opener = Callable[[Address], AbstractContextManager[Iterator[pa.RecordBatch]]]
_LAKES: dict[str, Opener] = {"delta": open_delta, "iceberg": open_iceberg}


@dataclass(frozen=True)
class FetchedTable:
    """A table that was brought here.

    Attributes:
        name: What to call it.
        path: The private file.
        sheet: Sheet of a book that the address names.
    """

    name: str
    path: Path
    sheet: str | None = None


def is_table_of_rows(text: str) -> bool:
    """Whether a source is a table of a database or a lake, which is read here and not file by file."""
    return is_address(text) and text.partition("://")[0].lower() not in OBJECT_STORES and _opener_of(text.partition("://")[0].lower()) is not None


# The tables that were fetched so far inside `fetched_once`, by address, and where they are.
_FETCHED: ContextVar[tuple[Workspace, dict[str, FetchedTable]] | None] = ContextVar("fetched", default=None)


@contextmanager
def fetched_once(temp_directory: Path | None = None) -> Iterator[None]:
    """Within the block each address is read once, however often its table is asked for; the private files go with the block."""
    workspace = Workspace(temp_directory)
    token = _FETCHED.set((workspace, {}))
    try:
        yield
    finally:
        _FETCHED.reset(token)
        workspace.close()


def fetch_table(text: str, workspace: Workspace) -> FetchedTable:
    """Bring the table of an address to a private file: Parquet, CSV of a PostgreSQL, or the object itself.

    Raises:
        FileError: ``address_*``, ``database_*``, ``object_*``, ``lake_*``.
    """
    shared = _FETCHED.get()
    if shared is None:
        return _fetch(text, workspace)
    kept, fetched = shared
    if text not in fetched:
        fetched[text] = _fetch(text, kept)
    return fetched[text]


def _fetch(text: str, workspace: Workspace) -> FetchedTable:
    """Bring the table of an address to a file of `workspace`.

    Raises:
        FileError: ``address_*``, ``database_*``, ``object_*``, ``lake_*``.
    """
    address = parse_address(text)
    if address.scheme in OBJECT_STORES:
        path = workspace.new_file("".join(PurePosixPath(address.name).suffixes[-2:]).lower()[:20])
        copy_object(address, path)
        return FetchedTable(address.name, path, address.sheet or None)
    if address.scheme in SCHEMES:
        path = workspace.new_file(".csv")
        spool_table(address, path)
        return FetchedTable(address.name, path)
    opener = _opener_of(address.scheme)
    if opener is None:
        raise FileError("address_unknown", {"scheme": address.scheme, "known": ", ".join(_known())})
    path = workspace.new_file(".parquet")
    with opener(address) as batches:
        write_parquet(batches, path, lambda: workspace.new_path(".parquet"))
    return FetchedTable(address.name, path)


def _opener_of(scheme: str) -> Opener | None:
    lake, _, store = scheme.partition("+")
    if lake in _LAKES and store in {"", *OBJECT_STORES}:
        return _LAKES[lake]
    if scheme.startswith(PREFIX):
        return open_batches if scheme.removeprefix(PREFIX) in SYSTEMS else None
    return open_rows if scheme in SCHEMES or is_known(scheme) else None


def _known() -> list[str]:
    stores = sorted(OBJECT_STORES - {"gcs", "abfss"})
    lakes = [f"{lake}{store and '+'}{store}" for lake in _LAKES for store in ("", *stores)]
    return ["postgresql", *DRIVERS, *(PREFIX + system for system in SYSTEMS), *stores, *lakes]
