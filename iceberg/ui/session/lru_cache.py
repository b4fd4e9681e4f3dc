"""An LRU cache that threads share, for results that Streamlit's own caches cannot hold: those that draw their progress."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar, cast

Result = TypeVar("Result")


class LruCache:
    """The results used last, each made once however many threads ask for it at the same time.

    Args:
        size: Most results; the least recently used goes first.
        most_bytes: Most bytes together, where `weigh` is given; the last result always stays.
        weigh: Bytes of a result.
    """

    def __init__(self, size: int, *, most_bytes: int = 0, weigh: Callable[[Any], int] | None = None) -> None:
        self.size = size
        self._most_bytes, self._weigh = most_bytes, weigh
        self._results: OrderedDict[str, Any] = OrderedDict()
        self._lock = threading.Lock()
        self._making: dict[str, threading.Lock] = {}

    def __contains__(self, key: str) -> bool:
        """Whether the cache has a result for `key`."""
        with self._lock:
            return key in self._results

    def clear(self) -> None:
        """Drop every result."""
        with self._lock:
            self._results.clear()

    def find(self, key: str) -> Any:  # noqa: ANN401  # whatever was put there
        """The result for `key`; None where there is none."""
        with self._lock:
            return self._results.get(key)

    def put(self, key: str, result: object) -> None:
        """Add a result that was made elsewhere."""
        with self._lock:
            self._results[key] = result
            while len(self._results) > self.size or (len(self._results) > 1 and self._is_heavy()):
                self._results.popitem(last=False)

    def _is_heavy(self) -> bool:
        return self._weigh is not None and sum(map(self._weigh, self._results.values())) > self._most_bytes

    def get(self, key: str, make: Callable[[], Result]) -> Result:
        """The result for `key`, made by `make` where there is none. An exception of `make` is passed on and not cached."""
        with self._lock:
            if key in self._results:
                self._results.move_to_end(key)
                return cast("Result", self._results[key])
            making = self._making.setdefault(key, threading.Lock())
        with making:
            with self._lock:
                if key in self._results:
                    return cast("Result", self._results[key])
            try:
                result = make()
            finally:
                with self._lock:
                    self._making.pop(key, None)
            self.put(key, result)
            return result
