"""Compares ids by 64-bit hashes: whether any two are equal, and which may be among those that complaints and incidents name."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor

import duckdb
import numpy as np
import numpy.typing as npt

_BUCKET = 1 << 16  # hashes that are compared with one another at once: their slots fit into a core's own cache
_MOST_BUCKETS = 256  # a bucket's number is one byte, which sorts in one pass
# Judgement. The last two are powers of two: the filter of five million ids takes 16 MB, and lets one in two hundred other ids pass.
_BITS_PER_ID, _FEWEST_BITS, _MOST_BITS = 32, 10, 27
_MOST_WAITING = 4  # batches, each held in memory until it is sorted
_NONE, _NO_ROWS = np.empty(0, dtype=np.uint64), np.empty(0, dtype=np.int64)
HashArray = npt.NDArray[np.uint64]
RowArray = npt.NDArray[np.int64]
TakeRows = Callable[[RowArray], None]  # called, on any thread, with the rows of a batch that passed the filter, in their order
_Sorted = tuple[HashArray, RowArray]  # the hashes of a batch by bucket, and where each bucket begins


class IdFilter:
    """A Bloom filter of the ids that complaints and incidents name: every such id passes, and a few others do.

    Each id sets two bits: at the place that the first bits of its hash name, and at the place that the last bits name.
    """

    def __init__(self, hashes: HashArray) -> None:
        bits = min(max((_BITS_PER_ID * len(hashes)).bit_length(), _FEWEST_BITS), _MOST_BITS)
        self._first, self._last = np.uint64(64 - bits), np.uint64((1 << bits) - 1)
        is_set = np.zeros(1 << bits, dtype=np.bool_)
        is_set[(hashes >> self._first).view(np.int64)] = True
        is_set[(hashes & self._last).view(np.int64)] = True
        self._octets = np.packbits(is_set, bitorder="little")

    @classmethod
    def of(cls, connection: duckdb.DuckDBPyConnection, relations: Sequence[str], key: str = "hash(customer_id)") -> IdFilter:
        """The ids in these relations; `key` is SQL that hashes one."""
        hashes = [connection.sql(f"SELECT {key} AS hash FROM {name}").fetchnumpy()["hash"] for name in relations]
        return cls(np.concatenate([np.asarray(some, dtype=np.uint64) for some in hashes]) if hashes else _NONE)

    def passing(self, hashes: HashArray, *, where: npt.NDArray[np.bool_] | None = None) -> RowArray:
        """Places of the hashes that pass; `where`: only of these."""
        passed = self._is_set(hashes >> self._first)
        places = np.flatnonzero(passed if where is None else passed & where)
        return places[self._is_set(hashes[places] & self._last)]

    def _is_set(self, bits: HashArray) -> npt.NDArray[np.bool_]:
        octets = self._octets.take((bits >> np.uint64(3)).view(np.int64))
        return ((octets >> (bits & np.uint64(7)).astype(np.uint8)) & 1).view(np.bool_)


class IdHashes:
    """Hashes of ids in buckets by their highest bits: only hashes of the same bucket can be equal, and a bucket fits into a core's cache.

    Two threads sort and compare while the engine reads on.

    Args:
        most: About how many will be added.
        wanted: Filter for the rows that `add` passes on.
    """

    def __init__(self, most: int, wanted: IdFilter | None = None) -> None:
        self._bits = 0
        while most >> self._bits > _BUCKET and 1 << self._bits < _MOST_BUCKETS:
            self._bits += 1
        self._lowest = np.arange(1 << self._bits, dtype=np.uint64) << np.uint64(64 - self._bits if self._bits else 0)  # hash of each bucket
        self._wanted = wanted
        self._threads = ThreadPoolExecutor(2)
        self._batches: list[Future[_Sorted]] = []

    def add(self, hashes: HashArray, *, take: TakeRows | None = None) -> None:
        """Add a batch, and call `take` with its rows that pass the filter. Waits while many batches are not sorted yet."""
        self._batches.append(self._threads.submit(self._sort, hashes, take))
        if len(self._batches) > _MOST_WAITING:
            self._batches[-1 - _MOST_WAITING].result()

    def repeat(self) -> bool:
        """Whether two hashes are equal. Every wanted row has been passed on when this returns."""
        with self._threads as threads:
            batches = [batch.result() for batch in self._batches]
            sizes = np.sum([np.diff(starts) for _, starts in batches], axis=0).tolist() if batches else []
            buckets = list(enumerate(sizes))
            return any(threads.map(lambda half: self._repeat_in(half, batches), (buckets[::2], buckets[1::2])))

    def _sort(self, hashes: HashArray, take: TakeRows | None) -> _Sorted:
        """Sort a batch by bucket; the filter's bits of one bucket lie together, too."""
        numbers = (hashes >> np.uint64(64 - self._bits)).astype(np.uint8) if self._bits else np.zeros(len(hashes), dtype=np.uint8)
        order = np.argsort(numbers, kind="stable")
        sorted_hashes = hashes[order]
        if take is not None:
            take(np.sort(order[self._wanted.passing(sorted_hashes)]) if self._wanted is not None else _NO_ROWS)
        return sorted_hashes, np.append(np.searchsorted(sorted_hashes, self._lowest), len(hashes))

    def _repeat_in(self, buckets: Sequence[tuple[int, int]], batches: list[_Sorted]) -> bool:
        """Look for a hash collision in each of these buckets.

        Each hash is written into the slot that its next bits name; the last one written stays. Of two equal hashes at least one was
        overwritten: it equals the one that stayed, or another that was overwritten, and these are few. All buckets use the same memory.
        """
        most = max((size for _, size in buckets), default=0)
        memory, shifted = np.empty(most, dtype=np.uint64), np.empty(most, dtype=np.uint64)
        all_places = np.arange(most, dtype=np.uint16 if most <= _BUCKET else np.int32)
        last, found = np.empty(1 << (max(most, 1).bit_length() + 1), dtype=all_places.dtype), np.empty_like(all_places)
        for bucket, size in buckets:
            values, places, stayed = memory[:size], all_places[:size], found[:size]
            np.concatenate([hashes[starts[bucket] : starts[bucket + 1]] for hashes, starts in batches], out=values)
            slots = np.left_shift(values, np.uint64(self._bits), out=shifted[:size])
            slots >>= np.uint64(64 - len(last).bit_length() + 1)
            last[slots.view(np.int64)] = places
            np.take(last, slots.view(np.int64), out=stayed, mode="clip")  # every slot exists: nothing is clipped
            overwritten = np.flatnonzero(stayed != places)
            among = values[overwritten]
            if (values[stayed[overwritten]] == among).any():
                return True
            among.sort()
            if (among[1:] == among[:-1]).any():
                return True
        return False
