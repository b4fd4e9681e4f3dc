"""Shares work between the thread that asks and those that the process has beside it. No figure depends on how many there are.

All estimates of a process share one stock of threads: a single user has the second core, and many users do not start threads against each other.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Generic, TypeVar

from iceberg.environment import cores

Result = TypeVar("Result")
BATCH = 5  # segments of a piece of work: their matrices stay in the processor's memory


# Judgement: half of the cores help, so that two cores work for one user and readers of other pages find a free one on larger machines.
HELPERS = cores() // 2
_free = threading.Semaphore(HELPERS)


class _Tasks(Generic[Result]):
    """Tasks that several threads take in turn; what a task gives stands in its place, whichever of them did it."""

    def __init__(self, tasks: Sequence[Callable[[], Result]]) -> None:
        self._tasks, self._next, self._lock = tasks, 0, threading.Lock()
        self.results: list[Result] = [None] * len(tasks)  # type: ignore[list-item]  # filled before it is read

    def take(self) -> int | None:
        """The place of a task that is now this thread's; None where none is left."""
        with self._lock:
            self._next += 1
            return self._next - 1 if self._next <= len(self._tasks) else None

    def do(self, place: int | None) -> None:
        """Does the task in `place`, and those that are left afterwards."""
        while place is not None:
            self.results[place] = self._tasks[place]()
            place = self.take()

    @property
    def left(self) -> bool:
        """Whether a task is still waiting."""
        return self._next < len(self._tasks)

    def help(self) -> None:
        """Takes tasks in a thread of the stock, and gives it back."""
        try:
            self.do(self.take())
        finally:
            _free.release()


def in_turn(tasks: Sequence[Callable[[], Result]], *, alone: bool = False) -> list[Result]:
    """What each task gives, in their order; a free thread of the stock takes every other one. The first is done by the thread that asks.

    Args:
        tasks: They depend on nothing that another one changes. The first exception of one of them is raised.
        alone: No thread helps: where arrays are small the interpreter lock is hardly released, and threads would wait for each other.
    """
    shared = _Tasks(tasks)
    first = shared.take()
    if alone or not shared.left or not _free.acquire(blocking=False):
        shared.do(first)
        return shared.results
    with ThreadPoolExecutor(1) as pool:
        helping: Future[None] = pool.submit(shared.help)
        shared.do(first)
        helping.result()
    return shared.results


def in_batches(work: Callable[[slice], Result], segments: int) -> list[Result]:
    """`work` of batches of segments, the results in order."""
    batches = [slice(low, min(low + BATCH, segments)) for low in range(0, segments, BATCH)]
    return in_turn([lambda batch=batch: work(batch) for batch in batches])  # type: ignore[misc]  # bound now, not when it is called
