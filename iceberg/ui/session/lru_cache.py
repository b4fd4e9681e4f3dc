"""Owns `Shelf`: what was worked out before, by key. Streamlit's own caches cannot hold what draws its progress."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeVar, cast

Result = TypeVar("Result")


class Shelf:
    """The last `size` results, each made once however many readers ask at the same time.

    Args:
        size: Results kept; the one longest unused goes first.
        most_bytes: Their weight together, where `weigh` says what one weighs; the last one always stays.
        weigh: Bytes of a result.
    """

    def __init__(self, size: int, *, most_bytes: int = 0, weigh: Callable[[Any], int] | None = None) -> None:
        self.size = size
        self._most_bytes, self._weigh = most_bytes, weigh
        self._held: OrderedDict[str, Any] = OrderedDict()
        self._guard = threading.Lock()
        self._makers: dict[str, threading.Lock] = {}

    def __contains__(self, key: str) -> bool:
        """Whether `key` can be had at once."""
        with self._guard:
            return key in self._held

    def clear(self) -> None:
        """Forget everything."""
        with self._guard:
            self._held.clear()

    def find(self, key: str) -> Any:  # noqa: ANN401  # whatever is held
        """What is held under `key`; None where there is nothing."""
        with self._guard:
            return self._held.get(key)

    def put(self, key: str, result: object) -> None:
        """Hold what was made elsewhere."""
        with self._guard:
            self._held[key] = result
            while len(self._held) > self.size or (len(self._held) > 1 and self._is_heavy()):
                self._held.popitem(last=False)

    def _is_heavy(self) -> bool:
        return self._weigh is not None and sum(self._weigh(one) for one in self._held.values()) > self._most_bytes

    def get(self, key: str, make: Callable[[], Result]) -> Result:
        """What `make` returned for `key`. What it raises is passed on and not kept."""
        with self._guard:
            if key in self._held:
                self._held.move_to_end(key)
                return cast("Result", self._held[key])
            maker = self._makers.setdefault(key, threading.Lock())
        with maker:
            with self._guard:
                if key in self._held:
                    return cast("Result", self._held[key])
            try:
                result = make()
            finally:
                with self._guard:
                    self._makers.pop(key, None)
            self.put(key, result)
            return result
