"""How large the given files are, and the memory and disk that reading them needs."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pandas as pd

from iceberg.errors import FileError
from iceberg.ingest.engine.connection import work_on_disk
from iceberg.ingest.engine.limits import limit_of
from iceberg.ingest.files.sources import Source, UploadedBytes

if TYPE_CHECKING:
    from iceberg.ingest.engine.workspace import Workspace

_LARGE_BYTES = 10**9  # from here on files are read within a bound, whatever the machine has: a laptop and a server behave alike
_BOUND = "700MB"  # judgement: keeps a load of 100 million customers under 2 GB with what Python holds beside it
_TABLE_PER_TEXT = 1.3  # measured: a typed table in memory beside its CSV
_UNPACKED = 6  # judgement: text comes out of gzip this much larger
_PARQUET = (".parquet", ".pq")


def default_bound(sources: Mapping[str, Sequence[Source]]) -> str | None:
    """The bound on memory where none was given: none for files that fit easily."""
    return _BOUND if sum(_size(source) for group in sources.values() for source in group) > _LARGE_BYTES else None


def make_room(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Sequence[Source]], workspace: Workspace) -> None:
    """Work on the disk where memory is too small for these files; stop before the work where the disk is too. Parquet is read in place.

    Raises:
        FileError: ``disk_too_small``.
    """
    if not is_large(connection, sources):
        return
    needed = sum(_TABLE_PER_TEXT * _size(source) for group in sources.values() for source in group if not _is_parquet(source))
    free = shutil.disk_usage(workspace.directory).free
    if needed > free:
        raise FileError("disk_too_small", {"needed": needed / 1e9, "free": free / 1e9, "folder": str(workspace.directory)})
    work_on_disk(connection, workspace.new_file(".duckdb"))


def is_large(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Sequence[Source]]) -> bool:
    """Whether the tables of these files may not fit into the bound on memory."""
    return sum(_TABLE_PER_TEXT * _size(source) for group in sources.values() for source in group) > limit_of(connection)


def _is_parquet(source: Source) -> bool:
    return isinstance(source, str | Path) and Path(source).suffix.lower() in _PARQUET


def _size(source: Source) -> int:
    if isinstance(source, pd.DataFrame):
        return 0
    if isinstance(source, UploadedBytes):
        return len(source.data)
    path = Path(source)
    if not path.is_file():
        return 0
    return path.stat().st_size * (_UNPACKED if path.suffix.lower() == ".gz" else 1)
