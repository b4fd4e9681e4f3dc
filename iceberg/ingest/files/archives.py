"""Unpacks zip archives that hold one file; an archive of several is refused with their names."""

from __future__ import annotations

import errno
import zipfile
from dataclasses import replace
from pathlib import Path, PurePosixPath

from iceberg.errors import FileError
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.files.books.bounded_reader import BROKEN_ZIP
from iceberg.ingest.files.expansion import BoundedStream, allowed_bytes, too_large
from iceberg.ingest.files.sources import OpenedSource, read_chunks

_MOST_NAMES = 5


def members(path: Path) -> list[str]:
    """Names of the files in an archive, without those that macOS adds; none where it cannot be read."""
    try:
        with zipfile.ZipFile(path) as archive:
            names = [entry.filename for entry in archive.infolist() if not entry.is_dir()]
    except (*BROKEN_ZIP, OSError):
        return []
    return [name for name in names if not name.startswith("__MACOSX/") and PurePosixPath(name).name not in {".DS_Store", "Thumbs.db"}]


def unpack(opened: OpenedSource, workspace: Workspace) -> OpenedSource:
    """Unpack the only file of an archive to local disk.

    Raises:
        FileError: ``zip_file`` where there are several or none; ``zip_unreadable`` where it is encrypted or broken; ``unpacks_too_large``.
    """
    names = members(opened.path)
    if len(names) != 1:
        listed = ", ".join(names[:_MOST_NAMES]) + (" …" if len(names) > _MOST_NAMES else "")
        raise FileError("zip_file", {"file": opened.name, "files": listed or "–"})
    target = workspace.new_file(PurePosixPath(names[0]).suffix.lower()[:10])
    allowed = allowed_bytes(opened.size_bytes, workspace.directory)
    try:
        with zipfile.ZipFile(opened.path) as archive, target.open("wb") as out:
            if archive.getinfo(names[0]).file_size > allowed:  # a lie about it is found while it is read
                raise too_large(opened.name, opened.size_bytes, allowed)
            with BoundedStream(archive.open(names[0]), name=opened.name, given_bytes=opened.size_bytes, allowed=allowed) as stream:
                for chunk in read_chunks(stream):
                    out.write(chunk)
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise FileError("zip_unreadable", {"file": opened.name}) from error
        raise FileError("disk_full", {"file": opened.name, "size_mb": opened.size_bytes >> 20}) from error
    except BROKEN_ZIP as error:
        raise FileError("zip_unreadable", {"file": opened.name}) from error
    return replace(opened, path=target, size_bytes=target.stat().st_size, packed_bytes=opened.size_bytes)
