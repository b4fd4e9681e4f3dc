"""Owns what hashes of ids tell: whether two ids may be the same, and which may be among those that complaints and incidents name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from threading import Lock

import duckdb
import numpy as np
import numpy.typing as npt

_DRAWER = 1 << 16  # hashes that are compared with one another at once: what is noted about them fits into a core's own cache
_MOST_DRAWERS = 256  # a drawer's number is one byte, which sorts in one pass
# Judgement. The last two are powers of two: the marks of five million ids take 16 MB, and one in two hundred others has both by chance.
_MARKS_PER_ID, _FEWEST_MARKS, _MOST_MARKS = 32, 10, 27
_ROOM = 1 << 22  # hashes for which memory is asked at once
_MOST_WAITING = 4  # batches, each held in memory until it is put away
_NONE, _NO_ROWS = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
HashArray = npt.NDArray[np.uint64]
RowArray = npt.NDArray[np.int64]
Keep = Callable[[RowArray], None]  # called with the rows of a batch that are told of, in their order, by whichever core has found them
_Sorted = tuple[HashArray, RowArray]  # the hashes of a batch by drawer, and where each drawer begins


class ToldIds:
    """The ids that complaints and incidents name, as marks of their hashes: whoever is named has both marks, a few others happen to have them.

    A mark is a bit at the place that the first, or the last, bits of a hash name.
    """

    def __init__(self, hashes: HashArray) -> None:
        bits = min(max((_MARKS_PER_ID * len(hashes)).bit_length(), _FEWEST_MARKS), _MOST_MARKS)
        self._first, self._last = np.uint64(64 - bits), np.uint64((1 << bits) - 1)
        marks = np.zeros(1 << bits, dtype=np.bool_)
        marks[(hashes >> self._first).view(np.int64)] = True
        marks[(hashes & self._last).view(np.int64)] = True
        self._marks = np.packbits(marks, bitorder="little")

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, relations: Sequence[str], key: str = "hash(customer_id)") -> ToldIds:
        """The ids in these; `key` is SQL that hashes one."""
        found = [connection.sql(f"SELECT {key} AS hash FROM {name}").fetchnumpy()["hash"] for name in relations]
        return cls(np.concatenate([np.asarray(hashes, dtype=np.uint64) for hashes in found]) if found else _NONE)

    def among(self, hashes: HashArray, *, where: npt.NDArray[np.bool_] | None = None) -> RowArray:
        """Places of the hashes that may be of an id that is told of; `where`: only of these."""
        marked = self._marked(hashes >> self._first)
        places = np.flatnonzero(marked if where is None else marked & where)
        return places[self._marked(hashes[places] & self._last)]

    def _marked(self, marks: HashArray) -> npt.NDArray[np.bool_]:
        octets = self._marks.take((marks >> np.uint64(3)).view(np.int64))
        return ((octets >> (marks & np.uint64(7)).astype(np.uint8)) & 1).view(np.bool_)


class Hashes:
    """Hashes in drawers by their highest bits: only those of one drawer can be equal, and a drawer is small enough to be gone through quickly.

    Both cores put away and compare, while the engine reads on; what numpy does with a batch holds up nobody.

    Args:
        most: About how many will be added.
        told: Ids whose rows are wanted.
    """

    def __init__(self, most: int, told: ToldIds | None = None) -> None:
        self._bits = 0
        while most >> self._bits > _DRAWER and 1 << self._bits < _MOST_DRAWERS:
            self._bits += 1
        self._lowest = np.arange(1 << self._bits, dtype=np.uint64) << np.uint64(64 - self._bits if self._bits else 0)  # hash of each drawer
        self._told = told
        self._cores = ThreadPoolExecutor(2)
        self._batches: list[Future[_Sorted]] = []
        self._room, self._most, self._giving = _NONE, most, Lock()

    def add(self, hashes: HashArray, *, keep: Keep | None = None) -> None:
        """A batch, and what is done with its rows that may be of a wanted id. Waits while many batches are not put away yet."""
        self._batches.append(self._cores.submit(self._put_away, hashes, keep))
        if len(self._batches) > _MOST_WAITING:
            self._batches[-1 - _MOST_WAITING].result()

    def repeat(self) -> bool:
        """Whether two are equal; every wanted row was given away before."""
        with self._cores as cores:
            batches = [batch.result() for batch in self._batches]
            sizes = np.sum([np.diff(starts) for _, starts in batches], axis=0).tolist() if batches else []
            drawers = list(enumerate(sizes))
            return any(cores.map(lambda half: self._repeat_in(half, batches), (drawers[::2], drawers[1::2])))

    def _put_away(self, hashes: HashArray, keep: Keep | None) -> _Sorted:
        """One drawer after the other: the marks of a drawer's hashes lie together too."""
        numbers = (hashes >> np.uint64(64 - self._bits)).astype(np.uint8) if self._bits else np.zeros(len(hashes), dtype=np.uint8)
        order = np.argsort(numbers, kind="stable")
        sorted_hashes = np.take(hashes, order, out=self._take_room(len(hashes)), mode="clip")  # every place is there: nothing is clipped
        if keep is not None:
            keep(np.sort(order[self._told.among(sorted_hashes)]) if self._told is not None else _NO_ROWS)
        return sorted_hashes, np.append(np.searchsorted(sorted_hashes, self._lowest), len(hashes))

    def _take_room(self, most: int) -> HashArray:
        """Memory out of large pieces, which the system hands over more quickly than small ones."""
        with self._giving:
            if len(self._room) < most:
                self._room = np.empty(max(most, min(self._most, _ROOM)), dtype=np.uint64)
            room, self._room = self._room[:most], self._room[most:]
        return room

    def _repeat_in(self, drawers: Sequence[tuple[int, int]], batches: list[_Sorted]) -> bool:
        """Each hash is written into the slot that its next bits name, the last one stays: whoever is not found there shares the slot.

        Of two equal hashes at least one was overwritten: it equals the one that stayed, or another that was overwritten. These are few.
        One drawer after the other goes through the same memory: asking for it anew takes as long as the work.
        """
        most = max((size for _, size in drawers), default=0)
        room, shifted = np.empty(most, dtype=np.uint64), np.empty(most, dtype=np.uint64)
        all_places = np.arange(most, dtype=np.uint16 if most <= _DRAWER else np.int32)
        last, found = np.empty(1 << (max(most, 1).bit_length() + 1), dtype=all_places.dtype), np.empty_like(all_places)
        for drawer, size in drawers:
            values, places, stayed = room[:size], all_places[:size], found[:size]
            np.concatenate([hashes[starts[drawer] : starts[drawer + 1]] for hashes, starts in batches], out=values)
            slots = np.left_shift(values, np.uint64(self._bits), out=shifted[:size])
            slots >>= np.uint64(64 - len(last).bit_length() + 1)
            last[slots.view(np.int64)] = places
            np.take(last, slots.view(np.int64), out=stayed, mode="clip")  # every slot is there: nothing is clipped
            overwritten = np.flatnonzero(stayed != places)
            among = values[overwritten]
            if (values[stayed[overwritten]] == among).any():
                return True
            among.sort()
            if (among[1:] == among[:-1]).any():
                return True
        return False
