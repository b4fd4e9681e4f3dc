"""Owns the refusal of old Excel books (.xls) whose sectors go round in a circle: their reader would follow them until memory is full.

An .xls is a compound file: a table (FAT) names the sector that follows each sector, and a stream ends where no other follows.
"""

from __future__ import annotations

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

from iceberg.errors import FileError

MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADER_BYTES = 512
_IN_HEADER = 109  # sectors of the table that the header itself names
_LAST_SECTOR = 0xFFFFFFFA  # greater numbers mean: the end, free, or part of the table
Sectors = npt.NDArray[np.int64]


def refuse_endless_book(path: Path, name: str) -> None:
    """Follow every chain of a compound file to its end.

    Raises:
        FileError: ``book_unreadable`` where one has no end.
    """
    data = path.read_bytes()
    if not data.startswith(MAGIC) or len(data) < _HEADER_BYTES:
        return
    shift = struct.unpack_from("<H", data, 30)[0]
    if shift not in {9, 12}:
        return  # no reader goes on from here
    size = 1 << shift
    first_mini, _, first_more = struct.unpack_from("<III", data, 60)
    places = list(struct.unpack_from(f"<{_IN_HEADER}I", data, 76))
    seen: set[int] = set()
    while first_more < _LAST_SECTOR:  # the rest of the list of the table's sectors is a chain of its own
        listed = _sector(data, first_more, size)
        if first_more in seen:
            raise FileError("book_unreadable", {"file": name})
        if len(listed) < size // 4:
            break
        seen.add(first_more)
        places += listed[:-1].tolist()
        first_more = int(listed[-1])
    used = [_sector(data, place, size) for place in places if place < _LAST_SECTOR]
    table = np.concatenate(used) if used else np.zeros(0, dtype=np.int64)
    if has_circle(table) or has_circle(_mini_table(data, table, first_mini, size)):
        raise FileError("book_unreadable", {"file": name})


def _sector(data: bytes, number: int, size: int) -> Sectors:
    """The numbers in a sector; fewer where the file ends."""
    start = (number + 1) * size
    piece = data[start : start + size]
    return np.frombuffer(piece[: len(piece) // 4 * 4], dtype="<u4").astype(np.int64)


def _mini_table(data: bytes, table: Sectors, first: int, size: int) -> Sectors:
    """The same table for small streams, which is a stream itself; `table` has no circle, but a start may lie anywhere."""
    parts: list[Sectors] = []
    while first < len(table) and len(parts) <= len(table):
        parts.append(_sector(data, first, size))
        first = int(table[first])
    return np.concatenate(parts) if parts else np.zeros(0, dtype=np.int64)


def has_circle(table: Sectors) -> bool:
    """Whether following the table from some sector never ends: after as many steps as there are sectors one is still under way."""
    end = len(table)
    following = np.append(np.where(table < end, table, end), end)
    for _ in range(max(end, 1).bit_length() + 1):
        following = following[following]
    return bool((following != end).any())
