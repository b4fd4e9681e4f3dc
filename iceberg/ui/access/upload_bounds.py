"""Bounds the bytes of uploaded files in memory: of one session, and of the server."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Literal

from streamlit.runtime import Runtime
from streamlit.runtime.memory_uploaded_file_manager import MemoryUploadedFileManager

from iceberg.environment import read_number

Bound = Literal["session", "server"]
MEGABYTE = 1_000_000
_VARIABLES: dict[Bound, str] = {"session": "ICEBERG_UPLOAD_SESSION_MB", "server": "ICEBERG_UPLOAD_SERVER_MB"}
MOST_REFUSALS = 1000  # sessions whose last refusal is remembered until their page says it


@dataclass(frozen=True)
class Refusal:
    """Why an upload was not taken, in ``ui.upload.bound_<bound>``."""

    bound: Bound
    limit_mb: int


_arriving: dict[object, tuple[str, int]] = {}
_refusals: dict[str, Refusal] = {}
_LOCK = threading.Lock()


def limit_mb(bound: Bound) -> int:
    """The megabytes that a session, or the server, may hold.

    Raises:
        OptionError: ``variable_no_number``.
    """
    return read_number(_VARIABLES[bound])


@contextmanager
def arriving(session_id: str, size: int) -> Iterator[Refusal | None]:
    """Count `size` bytes as taken while they arrive; None where they may, else why not."""
    ticket = object()
    with _LOCK:
        refusal = _refuse(session_id, size)
        if refusal is None:
            _arriving[ticket] = (session_id, size)
        else:
            if len(_refusals) >= MOST_REFUSALS:
                _refusals.clear()
            _refusals[session_id] = refusal
    try:
        yield refusal
    finally:
        with _LOCK:
            _arriving.pop(ticket, None)


def _refuse(session_id: str, size: int) -> Refusal | None:
    taken = held_bytes()
    for own, more in _arriving.values():
        taken[own] = taken.get(own, 0) + more
    for bound, used in (("session", taken.get(session_id, 0)), ("server", sum(taken.values()))):
        limit = limit_mb(bound)  # type: ignore[arg-type]  # the two words above
        if used + size > limit * MEGABYTE:
            return Refusal(bound, limit)  # type: ignore[arg-type]
    return None


def held_bytes() -> dict[str, int]:
    """Bytes of uploaded files in memory, by session."""
    manager = Runtime.instance().uploaded_file_mgr if Runtime.exists() else None
    if not isinstance(manager, MemoryUploadedFileManager):
        return {}
    with manager._lock:
        return {session: sum(len(file.data) for file in files.values()) for session, files in manager.file_storage.items()}


def take_refusal(session_id: str) -> Refusal | None:
    """The refusal that this session's page has not said yet."""
    with _LOCK:
        return _refusals.pop(session_id, None)


def tell_page(session_id: str) -> None:
    """Run the page of a session again, so that it says what was refused."""
    if Runtime.exists():
        info = Runtime.instance()._session_mgr.get_session_info(session_id)
        if info is not None:
            info.session.request_rerun(info.session._client_state)  # without it, the first page
