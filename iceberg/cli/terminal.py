"""Output of the command line: results and progress on the terminal, files written whole or not at all; the exit statuses."""

from __future__ import annotations

import contextlib
import os
import signal
import socket
import sys
import threading
from collections.abc import Collection, Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, TracebackType
from typing import Self

from iceberg.cli.arguments.option_types import UsageError
from iceberg.locale import Translator

DONE, OUR_FAULT, USER_FAULT, NOT_SENT = 0, 1, 2, 3
SIGNALLED, PIPE_CLOSED = 128, 141  # as shells name an end by a signal (128 + its number) and SIGPIPE
_ENDING = ("SIGINT", "SIGTERM", "SIGHUP")  # Ctrl+C; systemd, containers and schedulers; a terminal that closes


class _EndedError(KeyboardInterrupt):
    """A signal asked for the end. Of a plain `KeyboardInterrupt` the interpreter remembers that it once was unhandled, and ends by it after all."""


@contextlib.contextmanager
def ended_by_signals() -> Iterator[list[int]]:
    """Let SIGTERM and SIGHUP end a command as Ctrl+C does, so that every temporary file is removed.

    Yields the signals received: a query that is running when one comes is interrupted, and ends with an error of the engine, not with
    `KeyboardInterrupt`.
    """
    received: list[int] = []

    def stop(number: int, _frame: FrameType | None) -> None:
        received.append(number)
        if number != signal.SIGINT:  # sent again, it would interrupt the removal
            signal.signal(number, signal.SIG_IGN)
        raise _EndedError

    usual = (signal.SIG_DFL, signal.default_int_handler)  # what nohup ignores stays ignored
    numbers = [getattr(signal, name) for name in _ENDING if signal.getsignal(getattr(signal, name, signal.SIGINT)) in usual and hasattr(signal, name)]
    if threading.current_thread() is not threading.main_thread():
        numbers = []
    before = {number: signal.signal(number, stop) for number in numbers}
    try:
        with _interrupting_queries(numbers) if numbers else contextlib.nullcontext():
            yield received
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextlib.contextmanager
def _interrupting_queries(numbers: Collection[int]) -> Iterator[None]:
    """Interrupt the engine as soon as one of these comes: the interpreter calls its handler only between two tasks of a query, or after it."""
    reading, writing = socket.socketpair()
    writing.setblocking(False)

    def watch() -> None:
        while received := reading.recv(64):
            engine = sys.modules.get("iceberg.ingest.engine.connection")  # not loaded: there is no query
            if engine is not None and not {*numbers}.isdisjoint(received):
                engine.interrupt_queries()

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    before = signal.set_wakeup_fd(writing.fileno(), warn_on_full_buffer=False)
    try:
        yield
    finally:
        signal.set_wakeup_fd(before)
        writing.close()
        watcher.join()
        reading.close()


@dataclass
class Writes:
    """What a command has written: it stays although the command is stopped.

    Attributes:
        files: Written whole.
        sentences: About what was written elsewhere.
    """

    files: list[Path] = field(default_factory=list)
    sentences: list[str] = field(default_factory=list)


_writes: ContextVar[Writes] = ContextVar("writes", default=Writes())  # noqa: B039  # of the command that runs; the default is for callers without one


@contextlib.contextmanager
def noting_writes() -> Iterator[Writes]:
    """Yield what `write_whole` and `note_write` note in the block."""
    before = _writes.set(Writes())
    try:
        yield _writes.get()
    finally:
        _writes.reset(before)


def note_write(sentence: str) -> None:
    """Note what stays written elsewhere than in files, for the sentence that a stopped command ends with."""
    sentences = _writes.get().sentences
    if sentence not in sentences:
        sentences.append(sentence)


def prepare_streams() -> None:
    """Print a question mark for a character that the terminal lacks, instead of failing."""
    for stream in (sys.stdout, sys.stderr):
        if hasattr(stream, "reconfigure"):
            stream.reconfigure(errors="replace")


def print_result(text: str) -> None:
    """Write to standard output and flush, so that a failure is reported.

    Raises:
        UsageError: When the text cannot be written, for instance because the disk is full.
    """
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as problem:
        # What is still buffered would fail again at exit, with a traceback.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        if isinstance(problem, BrokenPipeError):
            raise
        raise UsageError("cannot_write", {"file": "stdout", "reason": problem.strerror or str(problem)}) from problem


def say(sentence: str) -> None:
    """Print one line on standard error."""
    with contextlib.suppress(BrokenPipeError):  # the exit status reports the outcome all the same
        print(sentence, file=sys.stderr, flush=True)


class ProgressLine:
    """Steps on standard error: rewritten in place on a terminal, one line per step elsewhere."""

    def __init__(self, words: Translator, *, quiet: bool) -> None:
        self._words, self._quiet = words, quiet
        self._in_place = sys.stderr.isatty()
        self._step = ""

    def __call__(self, step: str, fraction: float = 0.0) -> None:
        """Show that `step` (a key of ``cli.progress`` or ``evidence.steps``) is `fraction` done."""
        key = next((key for key in (f"cli.progress.{step}", f"evidence.steps.{step}") if self._words.has(key)), "cli.progress.estimating")
        self._show(self._words.text(key), fraction)

    def _show(self, sentence: str, fraction: float = 0.0) -> None:
        if self._quiet:
            return
        if self._in_place:
            line = self._words.text("cli.progress.step", step=sentence, percent=self._words.percent(min(max(fraction, 0.0), 1.0)))
            print(f"\r\x1b[2K{line}", end="", file=sys.stderr, flush=True)
        elif sentence != self._step:
            print(sentence, file=sys.stderr, flush=True)
        self._step = sentence

    def of_file(self, name: str) -> None:
        """Show that the file `name` is being read."""
        self._show(self._words.text("cli.progress.reading_file", file=name))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._in_place and self._step:
            print("\r\x1b[2K", end="", file=sys.stderr, flush=True)


def write_whole(path: Path, content: bytes, *, private: bool = False) -> None:
    """Write a file so that a reader sees the old content or the new one, never a part.

    Args:
        path: The file.
        content: All of it.
        private: Whether only this user may read it, from its first byte on.

    Raises:
        UsageError: When it cannot be written.
    """
    target = path.resolve()
    try:
        if target.exists() and not target.is_file():  # a device or a pipe: /dev/stdout
            target.write_bytes(content)
            return
        draft = target.with_name(f".{target.name}.{os.getpid()}.part")
        try:
            draft.unlink(missing_ok=True)
            with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600 if private else 0o666), "wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            draft.replace(target)
            _writes.get().files.append(path)
        finally:
            draft.unlink(missing_ok=True)
    except OSError as problem:
        raise UsageError("cannot_write", {"file": str(path), "reason": problem.strerror or type(problem).__name__}) from problem
