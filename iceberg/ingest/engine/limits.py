"""Reads the bound on memory, and turns faults of the engine (memory, disk, a broken file) into errors with a sentence."""

from __future__ import annotations

import errno
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import duckdb

from iceberg.errors import FileError

if TYPE_CHECKING:
    from iceberg.ingest.engine.workspace import Workspace

_UNITS = {"": 1, "B": 1, "KB": 10**3, "MB": 10**6, "GB": 10**9, "TB": 10**12, "KIB": 2**10, "MIB": 2**20, "GIB": 2**30, "TIB": 2**40}
_NO_ROOM = (errno.ENOSPC, errno.EFBIG, errno.EDQUOT)
_NAMED_FILE = re.compile(r"[fF]ile:? [\"']([^\"']+)[\"']")


def limit_of(connection: duckdb.DuckDBPyConnection) -> float:
    """The bound on the engine's memory, in bytes."""
    return parse_bytes(str(connection.execute("SELECT current_setting('memory_limit')").fetchall()[0][0]))


def parse_bytes(text: str) -> float:
    """Bytes of an amount such as ``"4GB"`` or ``"1.2 GiB"``; 0 where it is none."""
    found = re.fullmatch(r"\s*([0-9.]+)\s*([A-Za-z]*)\s*", text)
    return float(found.group(1)) * _UNITS.get(found.group(2).upper(), 0) if found else 0.0


@contextmanager
def named_faults(workspace: Workspace | Path) -> Iterator[None]:
    """Raise faults of the engine as errors that name the file, or the folder that is full.

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
