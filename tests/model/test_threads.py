"""Work that is shared between threads: results in order, whichever thread gave them, and never more threads than the process has in stock."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from iceberg.model.departures.fit import threads
from iceberg.model.departures.fit.threads import in_batches, in_turn
from iceberg.model.departures.placebo import begin_placebo, run_placebo
from tests.model.test_excess_hazard import company, fitted


@pytest.fixture
def stock(monkeypatch: pytest.MonkeyPatch) -> threading.Semaphore:
    """One thread beside the one that asks, whatever the machine."""
    one = threading.Semaphore(1)
    monkeypatch.setattr(threads, "_free", one)
    return one


def test_results_stand_in_the_order_of_the_tasks(stock: threading.Semaphore) -> None:
    """The slow task is the first: the others are done by the thread beside it, and each stands in its own place."""
    who: list[int] = []

    def task(place: int) -> int:
        time.sleep(0.2 if place == 0 else 0)
        who.append(threading.get_ident())
        return place

    assert in_turn([lambda place=place: task(place) for place in range(5)]) == [0, 1, 2, 3, 4]  # type: ignore[misc]
    assert len(set(who)) == 2
    who.clear()
    assert in_turn([lambda place=place: task(place) for place in range(5)], alone=True) == [0, 1, 2, 3, 4]  # type: ignore[misc]
    assert set(who) == {threading.get_ident()}


def test_what_asks_within_a_task_gets_no_thread_that_is_taken(stock: threading.Semaphore) -> None:
    """Two tasks that each share out batches: with one thread in stock never more than two work at a time."""
    working, most, lock = 0, 0, threading.Lock()

    def batch(part: slice) -> int:
        nonlocal working, most
        with lock:
            working += 1
            most = max(most, working)
        time.sleep(0.01)
        with lock:
            working -= 1
        return part.start

    found = in_turn([lambda: in_batches(batch, 20), lambda: in_batches(batch, 20)])
    assert found == [[0, 5, 10, 15]] * 2
    assert most == 2
    assert stock.acquire(blocking=False), "the thread went back to the stock"


def test_a_task_that_fails_is_told_and_the_thread_goes_back(stock: threading.Semaphore) -> None:
    def fail() -> int:
        raise ValueError("this one")

    for tasks in ([fail, lambda: time.sleep(0.05)], [lambda: time.sleep(0.05), fail]):
        with pytest.raises(ValueError, match="this one"):
            in_turn(tasks)
    assert stock.acquire(blocking=False)


def test_no_figure_depends_on_the_number_of_threads(stock: threading.Semaphore) -> None:
    """The placebo of one company, its six ways in one thread and in two: the same bytes."""
    fit, counts = fitted("small", 0), company("small", 0)[0]
    start = begin_placebo(fit)
    one, two = (run_placebo(start, counts, rng=np.random.default_rng(1), draws=60, alone=alone) for alone in (True, False))
    assert one.silent_churn.tobytes() == two.silent_churn.tobytes()
    assert one.explained.tobytes() == two.explained.tobytes()
