"""Owns the reading of old Excel books (.xls) in a process of their own, within a bound on memory and time.

A broken one can make the library ask for all the memory there is and end its process: not one that serves others.
"""

from __future__ import annotations

import io
import json
import re
import struct
import subprocess
import sys
import zipfile
import zlib
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from iceberg.errors import FileError

# Judgement: a full sheet of a million rows by twenty columns unpacks to about 1 GB and holds 20 million cells.
MAX_UNPACKED_BYTES = 2 << 30
MAX_CELLS = 50_000_000
MAX_BOOK_BYTES = 512 << 20
# What a broken zip raises, depending on where it is broken; ValueError where a name inside is no text, LookupError where it is empty.
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, struct.error, ValueError, LookupError)
_CHUNK = 1 << 22
_OVERLAP = 256  # bytes kept from one chunk to the next, so that no tag is cut
_XLSX_CELL = re.compile(rb"""<(?:\w+:)?c\s[^>]*?\br\s*=\s*["']([A-Za-z]{1,3})(\d{1,7})["'](?:[^>]*[^/])?>""")
_ODS_REPEAT = re.compile(rb'number-(columns|rows)-repeated="(\d+)"[^>]*?(/?)>')
_XLSB_ROW, _XLSB_LAST_CELL = 0, 11


class _XlsxGrid:
    """Rows times columns between the outermost cells that hold something."""

    def __init__(self) -> None:
        self._rest = b""
        self._columns: set[bytes] = set()
        self._rows = 0

    def add(self, chunk: bytes) -> int:
        """The grid so far."""
        data = self._rest + chunk
        found = _XLSX_CELL.findall(data)
        if found:
            self._columns.update({column for column, _ in found})
            self._rows = max(self._rows, *{int(row) for _, row in found})
        self._rest = data[-_OVERLAP:]
        return self._rows * max(map(_column_number, self._columns), default=0)


class _OdsGrid:
    """Cells that repeated ones stand for; blank ones at the end of a row or a sheet are only counted where a value follows in the same row."""

    def __init__(self) -> None:
        self._rest = b""
        self._cells = 0

    def add(self, chunk: bytes) -> int:
        """The cells so far, taken for full where a repeated cell holds something."""
        data = self._rest + chunk
        for kind, times, empty in _ODS_REPEAT.findall(data):
            if not empty and (kind == b"columns" or int(times) > 1):
                self._cells += int(times)
        self._rest = data[-_OVERLAP:]
        return self._cells


class _XlsbGrid:
    """The same for binary sheets: records of type, length and content."""

    def __init__(self) -> None:
        self._data = b""
        self._row, self._rows, self._columns = 0, 0, 0

    def add(self, chunk: bytes) -> int:
        """The grid so far."""
        data, place = self._data + chunk, 0
        while (record := _record(data, place)) is not None:
            kind, start, end = record
            if kind == _XLSB_ROW and end - start >= 4:
                self._row = int.from_bytes(data[start : start + 4], "little") + 1
            elif 1 < kind <= _XLSB_LAST_CELL and end - start >= 4:
                self._rows = max(self._rows, self._row)
                self._columns = max(self._columns, int.from_bytes(data[start : start + 4], "little") + 1)
            place = end
        self._data = data[place:]
        return self._rows * self._columns


_THREE_PLACES = re.compile(r"-?\d{1,3}\.\d{3}")
MAGIC = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HEADER_BYTES = 512
_IN_HEADER = 109  # sectors of the table that the header itself names
_LAST_SECTOR = 0xFFFFFFFA  # greater numbers mean: the end, free, or part of the table
Sectors = npt.NDArray[np.int64]

MAX_BYTES = 3 << 30  # judgement: ten full sheets of 65,536 rows by 20 columns
MAX_SECONDS = 60
Grid = list[list[str]]


def read_old_book(path: Path, sheet: str | None) -> tuple[tuple[str, ...], dict[str, Grid]]:
    """Names of all sheets, and the cells of one of them, or of all, as text.

    Raises:
        ValueError: It cannot be read within the bounds.
    """
    command = [sys.executable, "-I", __file__, str(path), *([sheet] if sheet is not None else [])]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=MAX_SECONDS, check=True)  # noqa: S603
        told = json.loads(done.stdout)
    except (subprocess.SubprocessError, json.JSONDecodeError) as error:
        raise ValueError("not a book") from error
    return tuple(told["names"]), told["grids"]


def _bound_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows; its own process is bound enough there
        return
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # what ends here leaves no customers on the disk


def _main(path: str, sheet: str | None = None) -> None:
    _bound_memory()
    sys.path.insert(0, str(Path(__file__).resolve().parents[4]))
    import python_calamine


    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(Path(path).read_bytes()))  # by content: a name may lie
    names = list(book.sheet_names)
    found = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in names if sheet in (None, name)}
    grids = {name: [[cell_text(cell) or "" for cell in row] for row in rows] for name, rows in found.items()}
    json.dump({"names": names, "grids": grids}, sys.stdout)


if __name__ == "__main__":
    _main(*sys.argv[1:])


def refuse_large_book(path: Path, name: str) -> None:
    """Look through a zipped book before it is opened.

    Raises:
        FileError: ``book_too_large``, ``sheet_too_wide``, or ``book_unreadable`` where its sectors have no end.
    """
    if path.stat().st_size > MAX_BOOK_BYTES:
        raise _too_large(name, path.stat().st_size)
    if not zipfile.is_zipfile(path):
        refuse_endless_book(path, name)
        return  # .xls holds 65,536 rows of 256 columns at most
    try:
        with zipfile.ZipFile(path) as book:
            parts = book.infolist()
            declared = sum(part.file_size for part in parts)
            if declared > MAX_UNPACKED_BYTES:
                raise _too_large(name, declared)
            unpacked = 0
            for part in parts:
                unpacked += _look_through(book, part, name, MAX_UNPACKED_BYTES - unpacked)
    except (*BROKEN_ZIP, OSError) as error:
        raise FileError("book_unreadable", {"file": name}) from error


def _too_large(name: str, size: int) -> FileError:
    return FileError("book_too_large", {"file": name, "size_mb": size >> 20, "limit_mb": MAX_UNPACKED_BYTES >> 20})


def _look_through(book: zipfile.ZipFile, part: zipfile.ZipInfo, name: str, allowed: int) -> int:
    """Bytes of a part as they are, whatever the directory says; its cells are measured on the way."""
    size = 0
    measure = _measure_of(part.filename.lower())
    for chunk in _chunks(book, part):
        size += len(chunk)
        if size > allowed:
            raise _too_large(name, MAX_UNPACKED_BYTES)
        if (cells := measure.add(chunk)) > MAX_CELLS:
            values = {"file": name, "part": part.filename.rsplit("/", 1)[-1], "cells": cells, "limit": MAX_CELLS}
            raise FileError("sheet_too_wide", values)
    return size


def _chunks(book: zipfile.ZipFile, part: zipfile.ZipInfo) -> Iterator[bytes]:
    with book.open(part) as stream:
        while chunk := stream.read(_CHUNK):
            yield chunk


def _measure_of(filename: str) -> _XlsxGrid | _OdsGrid | _XlsbGrid:
    """By name where the format fixes it; any other part may be a sheet, wherever the book says it lies."""
    if filename == "content.xml":
        return _OdsGrid()
    return _XlsbGrid() if filename.endswith(".bin") else _XlsxGrid()


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + (letter & 31)  # either case
    return number


def _record(data: bytes, place: int) -> tuple[int, int, int] | None:
    """(type, start, end) of the record at `place`, None where the chunk cuts it."""
    kind = shift = 0
    for _ in range(2):
        if place >= len(data):
            return None
        byte = data[place]
        kind |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            break
    length = shift = 0
    for _ in range(4):
        if place >= len(data):
            return None
        byte = data[place]
        length |= (byte & 0x7F) << shift
        place, shift = place + 1, shift + 7
        if byte < 0x80:
            break
    return (kind, place, place + length) if place + length <= len(data) else None


def cell_text(cell: Any) -> str | None:  # noqa: ANN401, PLR0911  # one line per type of cell
    """A cell as text: whole numbers without ".0", dates in ISO, blanks as None."""
    if cell is None or cell == "":
        return None
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        text = str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
        return text + "0" if _THREE_PLACES.fullmatch(text) else text  # 1.234 as a number is never 1,234, whatever the texts of the column say
    if isinstance(cell, datetime):
        return cell.date().isoformat() if cell.time() == time() else cell.isoformat(sep=" ")
    if isinstance(cell, (date, time)):
        return cell.isoformat()
    if isinstance(cell, timedelta):
        return str(cell)
    return str(cell)


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
