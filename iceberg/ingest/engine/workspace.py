"""A private folder on disk for what is written while files are read, and the removal of folders that a killed run left behind."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
import weakref
from contextlib import suppress
from pathlib import Path

from iceberg.errors import FileError

try:
    import fcntl
except ImportError:  # Windows: a folder there has no lock, and is never swept
    fcntl = None  # type: ignore[assignment]  # asked before each use

PREFIX = "iceberg-"
_LOCK, _NEW_LOCK = ".lock", ".lock-new"
_OPEN: weakref.WeakSet[Workspace] = weakref.WeakSet()
_SECONDS_TO_LOCK = 60.0  # judgement: a folder that is empty and without a lock for so long was left between its making and its locking


class Workspace:
    """A private temporary directory that is removed, with everything spooled to it, when the tables are closed.

    Its process holds a lock on a file in it, which the system lets go of however the process ends: `sweep_left_folders` removes what has no owner.
    """

    def __init__(self, parent: Path | None = None) -> None:
        """Args: parent: Folder in which the directory is made; the system's choice when left out."""
        self._parent = parent
        self._directory: Path | None = None
        self._remove: weakref.finalize[[Path, int | None], Workspace] | None = None
        self._files = 0

    @property
    def directory(self) -> Path:
        """The directory, created on first use and readable by its owner only."""
        if self._directory is None:
            self._directory, lock = _make_directory(self._parent)
            self._remove = weakref.finalize(self, _remove_directory, self._directory, lock)
            _OPEN.add(self)
        return self._directory

    def new_file(self, suffix: str) -> Path:
        """An empty file that only its owner can read."""
        path = self.new_path(suffix)
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o600))
        return path

    def new_path(self, suffix: str) -> Path:
        """A path that no other spooled file has, for a file that the engine makes itself."""
        self._files += 1
        return self.directory / f"{self._files}{suffix}"

    def new_name(self, prefix: str) -> str:
        """A name that no other table of this load has."""
        self._files += 1
        return f"{prefix}_{self._files}"

    def close(self) -> None:
        """Remove every spooled file."""
        if self._remove is not None:
            self._remove()
        self._directory = self._remove = None


def close_workspaces() -> None:
    """Remove every folder of this process, at its end."""
    for workspace in list(_OPEN):
        workspace.close()


def sweep_left_folders(parent: Path | None = None) -> int:
    """Remove the folders of runs that were killed: of this user, and with a lock that no process holds any more.

    Args:
        parent: Where workspaces are made; the system's choice when left out.

    Returns:
        How many folders are gone.
    """
    if fcntl is None:
        return 0
    removed = 0
    with suppress(OSError):
        for folder in Path(parent or tempfile.gettempdir()).glob(f"{PREFIX}*"):
            with suppress(OSError):  # of another user, or another process was faster
                removed += _sweep(folder)
    return removed


def _sweep(folder: Path) -> bool:
    found = folder.lstat()
    if not folder.is_dir() or folder.is_symlink() or found.st_uid != os.getuid():
        return False
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
    except FileNotFoundError:
        if time.time() - found.st_mtime > _SECONDS_TO_LOCK:
            (folder / _NEW_LOCK).unlink(missing_ok=True)
            folder.rmdir()  # fails where the folder holds anything: then it is not ours
        return False
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)  # fails while its process lives
        shutil.rmtree(folder)
    finally:
        os.close(lock)
    return True


def _make_directory(parent: Path | None) -> tuple[Path, int | None]:
    """A folder that only its owner can enter, and the descriptor of its lock; None where the file system has no locks."""
    sweep_left_folders(parent)
    try:
        folder = Path(tempfile.mkdtemp(prefix=PREFIX, dir=parent))
    except OSError as error:
        raise FileError("temp_folder_unusable", {"folder": str(parent or tempfile.gettempdir()), "reason": error.strerror or str(error)}) from error
    return folder, _lock(folder)


def _lock(folder: Path) -> int | None:
    """Hold a lock on the folder. Its file gets its name once it is locked, so that no sweep meets it unlocked."""
    if fcntl is None:
        return None
    with suppress(OSError):
        lock = os.open(folder / _NEW_LOCK, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            (folder / _NEW_LOCK).rename(folder / _LOCK)
        except OSError:
            os.close(lock)
            raise
        return lock
    return None


def _remove_directory(folder: Path, lock: int | None) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    if lock is not None:
        os.close(lock)
