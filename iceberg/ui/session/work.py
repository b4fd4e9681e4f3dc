"""The work of an analyst beyond one session: files, choices and the study stay for the same browser and person after the page is loaded again.

A work is found by its number in the address, and only by the browser that began it: a cookie that no script can read holds a secret of 256 bits, and
the person who signed in there is part of the key. The bytes of the files lie in a private temporary folder, the rest in memory; nothing is shared
between readers. A work ends when its owner forgets it, `MINUTES` after it was last used, when there are too many works or bytes, and with the server.
"""

from __future__ import annotations

import hashlib
import secrets
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import streamlit as st

from iceberg.errors import IcebergError
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ui.access.access import current_access
from iceberg.ui.access.upload_bounds import MEGABYTE, limit_mb

COOKIE = "iceberg_browser"
PARAMETER = "work"
SHORTEST_SECRET = 32  # characters; what a browser sends is never trusted
MINUTES = 120.0  # judgement: a long meeting; customers' rows should not lie on a server over night
MOST_WORKS = 24  # judgement: an estimate holds 10 to 60 MB of draws
FILES, CHOICES = "upload.files", "upload.choices"
_NUMBER, _LOOKED, _OF_STUDY = "work.number", "work.looked", ("study", "caches")
_LOCK = threading.Lock()
_WORKS: dict[str, Work] = {}

Part = tuple[UploadedBytes, str]  # a file and the digest of its bytes


@dataclass(frozen=True)
class StoredFile:
    """A file of a work: its name, and where its bytes are."""

    name: str
    path: Path
    sha256: str
    size: int


@dataclass
class Work:
    """One work.

    Attributes:
        owner: Digest of the browser's secret and the person.
        workspace: Private folder of the bytes.
        files: By table.
        choices: Values of the controls, by key.
        study: The study and its caches, as the session holds them.
        used: When it was used last, on the monotonic clock.
    """

    owner: str
    workspace: Workspace = field(default_factory=Workspace)
    files: dict[str, tuple[StoredFile, ...]] = field(default_factory=dict)
    choices: dict[str, Any] = field(default_factory=dict)
    study: dict[str, Any] = field(default_factory=dict)
    used: float = field(default_factory=time.monotonic)

    @property
    def size(self) -> int:
        """Bytes on disk."""
        return sum({file.sha256: file.size for parts in self.files.values() for file in parts}.values())

    def store(self, files: Mapping[str, tuple[Part, ...]]) -> None:
        """Bring the folder up to date with the files of the session; bytes that lie there already are not written again."""
        there = {file.sha256: file for parts in self.files.values() for file in parts}
        stored: dict[str, tuple[StoredFile, ...]] = {}
        for table, parts in files.items():
            stored[table] = tuple(self._stored(source, sha256, there) for source, sha256 in parts)
        needed = {file.path for parts in stored.values() for file in parts}
        for file in there.values():
            if file.path not in needed:
                file.path.unlink(missing_ok=True)
        self.files = stored

    def _stored(self, source: UploadedBytes, sha256: str, there: dict[str, StoredFile]) -> StoredFile:
        if sha256 not in there:
            path = self.workspace.new_file(".upload")
            path.write_bytes(source.data)
            there[sha256] = StoredFile(source.name, path, sha256, len(source.data))
        known = there[sha256]
        return StoredFile(source.name, known.path, sha256, known.size)

    def load(self) -> dict[str, tuple[Part, ...]]:
        """The files with their bytes."""
        return {table: tuple((UploadedBytes(one.name, one.path.read_bytes()), one.sha256) for one in parts) for table, parts in self.files.items()}


def files_of_session() -> dict[str, tuple[Part, ...]]:
    """The files given so far, by table: they stay when the page is left."""
    return cast("dict[str, tuple[Part, ...]]", st.session_state.setdefault(FILES, {}))


def restore_work() -> None:
    """Bring back the work that the address names, at the first run of a session; another browser's number is ignored.

    Every later run names the work in the address before it draws: a page that is loaded again while it still draws finds it.
    """
    if st.session_state.get(_LOOKED):
        number = st.session_state.get(_NUMBER)
        if number in _WORKS and st.query_params.get(PARAMETER) != number:
            st.query_params[PARAMETER] = number
        return
    st.session_state[_LOOKED] = True
    number = st.query_params.get(PARAMETER)
    owner = _owner()
    with _LOCK:
        _sweep()
        work = _WORKS.get(number) if number is not None else None
        if work is None or owner is None or not secrets.compare_digest(work.owner, owner):
            st.query_params.pop(PARAMETER, None)
            return
        work.used = time.monotonic()
        try:
            st.session_state[FILES] = work.load()
        except OSError:  # the folder was emptied by another hand
            st.session_state[FILES] = {}
        st.session_state[CHOICES] = dict(work.choices)
        for name, value in work.study.items():
            st.session_state[name] = value
        st.session_state[_NUMBER] = number


def keep_work() -> None:
    """Keep what this session has for the browser it came from, and name it in the address; without a cookie it stays with the session."""
    owner = _owner()
    study = {name: st.session_state[name] for name in _OF_STUDY if name in st.session_state and "study" in st.session_state}
    files = files_of_session()
    if owner is None or not (files or study or st.session_state.get(CHOICES)):
        return
    number = st.session_state.setdefault(_NUMBER, secrets.token_urlsafe(9))
    with _LOCK:
        work = _WORKS.get(number)
        if work is None or work.owner != owner:
            work = _WORKS[number] = Work(owner)
        work.used = time.monotonic()
        try:
            work.store(files)
        except (OSError, IcebergError):  # no room on disk: the work stays with this session
            _end(number)
            return
        work.choices, work.study = dict(st.session_state.get(CHOICES, {})), study
        _sweep(number)
    if st.query_params.get(PARAMETER) != number:
        st.query_params[PARAMETER] = number


def forget_work() -> None:
    """Drop files, choices and what is stored of them."""
    number = st.session_state.pop(_NUMBER, None)
    for name in (FILES, CHOICES):
        st.session_state.pop(name, None)
    st.query_params.pop(PARAMETER, None)
    with _LOCK:
        if number is not None:
            _end(number)


def sweep_works() -> None:
    """End the works that were not used for `MINUTES`."""
    with _LOCK:
        _sweep()


def stored_bytes() -> int:
    """Bytes of all works on disk."""
    with _LOCK:
        return sum(work.size for work in _WORKS.values())


def _owner() -> str | None:
    """Digest of the browser's secret and the person; None without a cookie."""
    secret = st.context.cookies.get(COOKIE)
    if not isinstance(secret, str) or len(secret) < SHORTEST_SECRET:
        return None
    return hashlib.sha256(f"{secret}|{current_access().name}".encode()).hexdigest()


def _sweep(current: str = "") -> None:
    """End works that are too old, and the least recently used ones where there are too many or too many bytes; `current` stays."""
    oldest = sorted((number for number in _WORKS if number != current), key=lambda number: _WORKS[number].used)
    bytes_allowed = limit_mb("server") * MEGABYTE
    for number in oldest:
        too_old = time.monotonic() - _WORKS[number].used > MINUTES * 60
        if too_old or len(_WORKS) > MOST_WORKS or sum(work.size for work in _WORKS.values()) > bytes_allowed:
            _end(number)


def _end(number: str) -> None:
    work = _WORKS.pop(number, None)
    if work is not None:
        work.workspace.close()
