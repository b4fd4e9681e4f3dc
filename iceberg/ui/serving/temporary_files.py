"""Leaves no temporary file of an upload behind: removes those of killed servers at the start, and its own however it is ended."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from iceberg.ingest.engine.workspace import close_workspaces, sweep_left_folders


@contextmanager
def no_temporary_files_left() -> Iterator[None]:
    """Surround the life of the server.

    After its shutdown the server lets SIGTERM and SIGINT end the process at once, without what Python does at exit; hence the removal here. A
    terminal that closes (SIGHUP) is not handled by the server at all: it becomes a SIGTERM.
    """
    sweep_left_folders()
    hangup = getattr(signal, "SIGHUP", None)
    if hangup is not None and threading.current_thread() is threading.main_thread() and signal.getsignal(hangup) == signal.SIG_DFL:
        signal.signal(hangup, _end)
    try:
        yield
    finally:
        close_workspaces()


def _end(_number: int, _frame: FrameType | None) -> None:
    signal.raise_signal(signal.SIGTERM)
