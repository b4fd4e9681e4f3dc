"""A private folder on disk for what is written while files are read."""

from __future__ import annotations

import tempfile
from pathlib import Path

from iceberg.errors import FileError


class Workspace:
    """A private temporary directory that is removed, with everything spooled to it, when the tables are closed."""

    def __init__(self, parent: Path | None = None) -> None:
        """Args: parent: Folder in which the directory is made; the system's choice when left out."""
        self._parent = parent
        self._directory: tempfile.TemporaryDirectory[str] | None = None
        self._files = 0

    @property
    def directory(self) -> Path:
        """The directory, created on first use and readable by its owner only."""
        if self._directory is None:
            self._directory = _make_directory(self._parent)
        return Path(self._directory.name)

    def new_file(self, suffix: str) -> Path:
        """A path that no other spooled file has."""
        self._files += 1
        return self.directory / f"{self._files}{suffix}"

    def new_name(self, prefix: str) -> str:
        """A name that no other table of this load has."""
        self._files += 1
        return f"{prefix}_{self._files}"

    def close(self) -> None:
        """Remove every spooled file."""
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None


def _make_directory(parent: Path | None) -> tempfile.TemporaryDirectory[str]:
    try:
        return tempfile.TemporaryDirectory(prefix="iceberg-", dir=parent)
    except OSError as error:
        raise FileError("temp_folder_unusable", {"folder": str(parent or tempfile.gettempdir()), "reason": error.strerror or str(error)}) from error
