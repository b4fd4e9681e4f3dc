"""Ends sign-ins for good: a cookie that is put back after its person signed out gives no role, on any server of the same store.

The cookie says when its sign-in began. Signing out stores that moment for the person, and every sign-in that began then or earlier has ended.
"""

from __future__ import annotations

import hashlib
import json
import logging
import threading
import time
from collections.abc import Mapping
from typing import Any

from iceberg.errors import IcebergError

REREAD_SECONDS = 5.0  # judgement: the time in which another server learns of it
_ENDED: dict[str, int] = {}  # by person, when the last sign-in that was ended began
_LOCK = threading.Lock()
_read_at = -REREAD_SECONDS


def sign_out(user: Mapping[str, Any]) -> None:
    """End this sign-in and every earlier one of the same person."""
    from iceberg.store.audit import write_sign_out
    from iceberg.ui.study_store import has_store, open_store

    began = _began(user)
    if began is None:
        return
    with _LOCK:
        _ENDED[_person(user)] = max(began, _ENDED.get(_person(user), 0))
    try:
        if has_store():
            write_sign_out(open_store().engine, person=_person(user), began=began)
    except IcebergError as problem:  # this server remembers it; the others do not learn of it
        logging.getLogger(__name__).warning("a sign-out is not in the store: %s", problem)


def is_signed_out(user: Mapping[str, Any]) -> bool:
    """Whether this sign-in was ended; a cookie that does not say when it began counts as ended."""
    began = _began(user)
    _reread()
    with _LOCK:
        return began is None or began <= _ENDED.get(_person(user), -1)


def _reread() -> None:
    """What other servers ended, at most every `REREAD_SECONDS`; while the store does not answer, what is known stands."""
    global _read_at  # noqa: PLW0603  # one clock for all sessions
    from iceberg.store.audit import read_sign_outs
    from iceberg.ui.study_store import has_store, open_store

    with _LOCK:
        if time.monotonic() - _read_at < REREAD_SECONDS:
            return
        _read_at = time.monotonic()
    try:
        ended = read_sign_outs(open_store().engine) if has_store() else {}
    except IcebergError:  # the page that needs the store says so
        return
    with _LOCK:
        for person, began in ended.items():
            _ENDED[person] = max(began, _ENDED.get(person, 0))


def _began(user: Mapping[str, Any]) -> int | None:
    try:
        return int(user["iat"])
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _person(user: Mapping[str, Any]) -> str:
    """A digest of who signed in, so that the store holds no more about them."""
    named = [user.get("iss"), user.get("sub") or user.get("email")]
    return hashlib.sha256(json.dumps(named, default=str).encode()).hexdigest()[:24]
