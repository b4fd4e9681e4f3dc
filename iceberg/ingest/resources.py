"""Owns what a load may use, memory and disk, and the sentence when either is too small or a file breaks while it is read."""

from __future__ import annotations

import errno
import re
import shutil
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb
import pandas as pd

from iceberg.errors import FileError
from iceberg.ingest.database import work_on_disk
from iceberg.ingest.sources import Source, UploadedBytes

if TYPE_CHECKING:
    from iceberg.ingest.sources import Workspace

_LARGE_BYTES = 10**9  # from here on files are read within a bound, whatever the machine has: a laptop and a server behave alike
_BOUND = "700MB"  # judgement: keeps a load of 100 million customers under 2 GB with what Python holds beside it
_TABLE_PER_TEXT = 1.3  # measured: a typed table in memory beside its CSV
_UNPACKED = 6  # judgement: text comes out of gzip this much larger
_PARQUET = (".parquet", ".pq")
_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
_NAMED_FILE = re.compile(r"[fF]ile:? [\"']([^\"']+)[\"']")


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


def limit_of(connection: duckdb.DuckDBPyConnection) -> float:
    """The bound on the engine's memory, in bytes."""
    return parse_bytes(str(connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]))


def parse_bytes(text: str) -> float:
    """Bytes of an amount such as ``"4GB"`` or ``"1.2 GiB"``; 0 where it is none."""
    found = re.fullmatch(r"\s*([0-9.]+)\s*([A-Za-z]*)\s*", text)
    return float(found.group(1)) * _UNITS.get(found.group(2).upper(), 0) if found else 0.0


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


@contextmanager
def named_faults(workspace: Workspace | Path) -> Iterator[None]:
    """What the engine could not do as a sentence that names the file, or the folder that is full.

    Raises:
        FileError: ``disk_full_midway``, ``memory_full``, ``file_breaks_off``.
    """
    try:
        yield
    except duckdb.OutOfMemoryException as error:
        text = str(error)
        if "offload" in text or "temp_directory" in text:
            raise FileError("disk_full_midway", {"folder": _folder(workspace)}) from error
        raise FileError("memory_full", {"reason": _first_line(text)}) from error
    except duckdb.IOException as error:
        text = str(error)
        if "too large" in text or "No space" in text or "Could not write" in text:
            raise FileError("disk_full_midway", {"folder": _folder(workspace)}) from error
        raise FileError("file_breaks_off", {"file": _file(text), "reason": _first_line(text)}) from error
    except duckdb.InvalidInputException as error:
        text = str(error)
        if "Failed to read file" not in text and "magic bytes" not in text:
            raise
        raise FileError("file_breaks_off", {"file": _file(text), "reason": _first_line(text)}) from error
    except OSError as error:
        if error.errno not in _NO_ROOM:
            raise
        raise FileError("disk_full_midway", {"folder": _folder(workspace)}) from error


def _folder(workspace: Workspace | Path) -> str:
    folder = workspace if isinstance(workspace, Path) else workspace.directory
    return str(folder.parent if folder.name.startswith("iceberg-") else folder)


def _file(text: str) -> str:
    found = _NAMED_FILE.search(text)
    return Path(found.group(1)).name if found else "?"


def _first_line(text: str) -> str:
    """The reason without the path of the file, which may say more than its name."""
    return _NAMED_FILE.sub("file", text.splitlines()[0])[:200]
