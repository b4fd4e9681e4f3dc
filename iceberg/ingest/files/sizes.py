"""Estimates the size of the given files, and the memory and disk that reading them needs."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pandas as pd

from iceberg.errors import FileError
from iceberg.ingest.engine.connection import USUAL_BYTES, work_on_disk
from iceberg.ingest.engine.limits import limit_of
from iceberg.ingest.files.sources import Source, UploadedBytes
from iceberg.ingest.remote.address import OBJECT_STORES, is_address, parse_address

if TYPE_CHECKING:
    from iceberg.ingest.engine.workspace import Workspace

_LARGE_BYTES = 10**9  # larger files are read within a bound on memory, the same on every machine
_PER_BYTE = 2  # judgement: the tables of smaller files stay in memory, with room to work on them
_TABLE_PER_TEXT = 1.3  # measured: size of a typed table in memory over that of its CSV
_PARQUET = (".parquet", ".pq")
_UNPACKED = {".gz": 6, ".parquet": 3, ".pq": 3}  # judgement: size of a text over that of its gzip, and over that of Parquet


def usual_bytes(sources: Mapping[str, Sequence[Source]]) -> float:
    """The bound on memory where the caller gives none."""
    size = sum(_size(source) for group in sources.values() for source in group)
    return USUAL_BYTES + (_PER_BYTE * size if size <= _LARGE_BYTES else 0)


def make_room(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Sequence[Source]], workspace: Workspace) -> None:
    """Work on disk where memory is too small for these files, and refuse them where the disk is too. Parquet is read in place.

    Raises:
        FileError: ``disk_too_small``.
    """
    if not is_large(connection, sources):
        return
    needed = sum(_TABLE_PER_TEXT * _size(source) for group in sources.values() for source in group if not _is_parquet(source))
    free = shutil.disk_usage(workspace.directory).free
    if needed > free:
        raise FileError("disk_too_small", {"needed": needed / 1e9, "free": free / 1e9, "folder": str(workspace.directory)})
    work_on_disk(connection, workspace.new_path(".duckdb"))


def is_large(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, Sequence[Source]]) -> bool:
    """Whether the tables of these files may exceed the bound on memory."""
    return sum(_TABLE_PER_TEXT * _size(source) for group in sources.values() for source in group) > limit_of(connection)


def _is_parquet(source: Source) -> bool:
    if not isinstance(source, str | Path):
        return False
    return Path(parse_address(str(source)).path if is_address(str(source)) else source).suffix.lower() in _PARQUET


def _size(source: Source) -> int:
    if isinstance(source, pd.DataFrame):
        return 0
    if isinstance(source, UploadedBytes):
        return len(source.data)
    if is_address(str(source)):
        address = parse_address(str(source))
        if address.scheme not in OBJECT_STORES:  # its size is not known; it becomes Parquet, which is read in place
            return 0
        from iceberg.ingest.remote.object_store import object_bytes

        return object_bytes(str(source), address) * _UNPACKED.get(Path(address.path).suffix.lower(), 1)
    path = Path(source)
    if not path.is_file():
        return 0
    return path.stat().st_size * _UNPACKED.get(path.suffix.lower(), 1)
