"""Owns the refusal of books that would fill memory: zip bombs, and sheets whose few cells span a huge grid.

A reader of spreadsheets holds a sheet as a full grid, so one cell in the last corner costs 17 billion. Parts are looked through as streams.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path

from iceberg.errors import FileError
from iceberg.ingest.old_books import refuse_endless_book

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


def _column_number(letters: bytes) -> int:
    number = 0
    for letter in letters:
        number = number * 26 + (letter & 31)  # either case
    return number


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
