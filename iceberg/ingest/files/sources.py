"""Brings the bytes of a source (a path, standard input, an upload, the address of a table) to a local file."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import pandas as pd

from iceberg.errors import FileError
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.remote.address import is_address


@dataclass(frozen=True)
class UploadedBytes:
    """A file in memory, such as an upload.

    Attributes:
        name: File name from the sender; only its last part is used.
        data: Its bytes.
    """

    name: str
    data: bytes = field(repr=False)


Source = str | Path | UploadedBytes | pd.DataFrame


@dataclass(frozen=True)
class OpenedSource:
    """A file whose bytes can be read any number of times.

    Attributes:
        name: File name without directory.
        path: Path of the local file.
        sheet: Sheet named by ``book.xlsx#Sheet``.
        size_bytes: Size on disk.
        packed_bytes: Size of the archive that it was unpacked from; 0 where there is none.
    """

    name: str
    path: Path
    sheet: str | None = None
    size_bytes: int = 0
    packed_bytes: int = 0

    @property
    def given_bytes(self) -> int:
        """Size of the file as it was given, which bounds what it may become."""
        return self.packed_bytes or self.size_bytes


def open_source(source: str | Path | UploadedBytes, workspace: Workspace) -> OpenedSource:
    """Bring a source to a local file.

    Raises:
        FileError: ``file_not_found``, ``file_is_directory`` or ``file_unreadable``; of an address see `iceberg.ingest.remote`.
    """
    if isinstance(source, UploadedBytes):
        name = Path(source.name.replace("\\", "/")).name or "upload"
        path = workspace.new_file(Path(name).suffix.lower()[:10])
        path.write_bytes(source.data)
        return OpenedSource(name, path, size_bytes=len(source.data))
    if str(source) == "-":
        return _spool_standard_input(workspace)
    if is_address(str(source)):
        from iceberg.ingest.remote.places import fetch_table

        fetched = fetch_table(str(source), workspace)
        return OpenedSource(fetched.name, fetched.path, fetched.sheet, fetched.path.stat().st_size)
    return _open_path(str(source))


def _open_path(text: str) -> OpenedSource:
    path, sheet = Path(text).expanduser(), None
    if not path.exists() and "#" in text:
        base, _, sheet = text.rpartition("#")
        path = Path(base).expanduser()
    if not path.exists():
        raise FileError("file_not_found", {"file": text})
    if path.is_dir():
        raise FileError("file_is_directory", {"file": text})
    if not os.access(path, os.R_OK):
        raise FileError("file_unreadable", {"file": text})
    if not path.is_file():  # a pipe or a device can be read only once
        raise FileError("file_not_regular", {"file": text})
    return OpenedSource(path.name, path, sheet=sheet, size_bytes=path.stat().st_size)


def _spool_standard_input(workspace: Workspace) -> OpenedSource:
    path = workspace.new_file(".stdin")
    with path.open("wb") as target:
        shutil.copyfileobj(sys.stdin.buffer, target, 1 << 20)
    return OpenedSource("stdin", path, size_bytes=path.stat().st_size)


class Readable(Protocol):
    """Bytes to be read block by block."""

    def read(self, size: int, /) -> bytes:
        """The next bytes, at most `size`."""


def read_chunks(stream: Readable) -> Iterator[bytes]:
    """Yield the bytes of the stream, 4 MB at a time."""
    while chunk := stream.read(1 << 22):
        yield chunk
