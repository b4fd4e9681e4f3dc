"""Owns Excel and OpenDocument books: choosing the sheet that holds the data and turning its cells into text."""

from __future__ import annotations

import contextlib
import io
import os
import sys
import threading
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import python_calamine

from iceberg.errors import FileError
from iceberg.ingest.files.books.bounded_reader import cell_text, read_old_book, refuse_large_book
from iceberg.ingest.files.text.delimiters import number_repeats
from iceberg.ingest.files.text.headers import kind_of

_HEADER_ROWS, _NAMED, _MOST_ROWS = 20, 0.8, 0.5  # judgement
_PANICS = threading.Lock()  # the error stream belongs to the process, not to a thread


@dataclass(frozen=True)
class SheetRows:
    """The data of one sheet.

    Attributes:
        sheet: Its name.
        sheets: All sheets of the book.
        headers: Column names.
        header_row: Row number of the header (1-based, as the spreadsheet shows it).
        rows: Cells as text, one tuple per filled row below the header.
        row_numbers: Row number of each, as the spreadsheet shows it.
    """

    sheet: str
    sheets: tuple[str, ...]
    headers: tuple[str, ...]
    header_row: int
    rows: list[tuple[str | None, ...]]
    row_numbers: list[int]


def read_book(path: Path, *, name: str, sheet: str | None, header_line: int | None = None) -> SheetRows:
    """Read the named sheet, or the one that looks like data.

    Raises:
        FileError: ``sheet_not_found``, ``book_unreadable``, ``book_too_large``, ``empty_file``, ``header_only``,
            ``one_column``.
    """
    refuse_large_book(path, name)
    try:
        names, grids = _read_zipped(path, sheet) if zipfile.is_zipfile(path) else read_old_book(path, sheet)
    except (python_calamine.CalamineError, zipfile.BadZipFile, OSError, ValueError) as error:
        raise FileError("book_unreadable", {"file": name}) from error
    except BaseException as error:
        if type(error).__name__ == "PanicException":  # what a panic of the library becomes is no Exception, and has no name to import
            raise FileError("book_unreadable", {"file": name}) from error
        raise
    if sheet is not None and sheet not in names:
        raise FileError("sheet_not_found", {"file": name, "sheet": sheet, "sheets": ", ".join(names)})
    if not names:
        raise FileError("book_unreadable", {"file": name})
    chosen = sheet if sheet is not None else max(names, key=lambda title: _data_likeness(grids[title]))
    return cut_sheet(grids[chosen], name=name, sheet=chosen, sheets=names, header_line=header_line)


def _read_zipped(path: Path, sheet: str | None) -> tuple[tuple[str, ...], dict[str, Any]]:
    """Names of all sheets, and the cells of one of them, or of all."""
    with _without_panic_text():
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(path.read_bytes()))  # by content: a name may lie
        names = tuple(book.sheet_names)
        return names, {title: _grid(book, title) for title in names if sheet in (None, title)}


@contextlib.contextmanager
def _without_panic_text() -> Iterator[None]:
    """Nothing of what the library says when it panics over a broken book: it writes to the terminal past Python, and may quote a cell."""
    with _PANICS:
        sys.stderr.flush()
        kept = os.dup(2)
        nowhere = os.open(os.devnull, os.O_WRONLY)
        try:
            os.dup2(nowhere, 2)
            yield
        finally:
            os.dup2(kept, 2)
            os.close(kept)
            os.close(nowhere)


def _grid(book: Any, title: str) -> list[list[Any]]:  # noqa: ANN401  # calamine has no types
    sheet = book.get_sheet_by_name(title)
    return list(sheet.to_python(skip_empty_area=False))


def _data_likeness(grid: list[list[Any]]) -> int:
    """Filled cells in rows of the usual width: a data dictionary has few, a chart sheet none."""
    return sum(1 for row in grid for cell in row if cell != "")


def cut_sheet(
    grid: list[list[Any]], *, name: str, sheet: str, sheets: tuple[str, ...], header_line: int | None
) -> SheetRows:
    """The table of a grid of cells: its header, and the filled rows below.

    Raises:
        FileError: ``empty_file``, ``header_only``, ``one_column``.
    """
    filled = [(index, sum(cell != "" for cell in row)) for index, row in enumerate(grid)]
    filled = [(index, count) for index, count in filled if count]
    if not filled:
        raise FileError("empty_file", {"file": f"{name}#{sheet}"})
    usual = sorted(count for _, count in filled)[len(filled) // 2]
    start = (
        header_line - 1
        if header_line
        else _header_row(grid, filled, usual)
    )
    columns = [position for position, cell in enumerate(grid[start]) if cell != "" or _is_filled(grid, start, position)]
    if len(columns) < 2:
        raise FileError(
            "one_column",
            {"file": f"{name}#{sheet}", "separator": "", "line": str(start + 1), "value": str(grid[start][:1])[:80]},
        )
    headers = number_repeats([cell_text(grid[start][position]) or "" for position in columns])
    numbered = [
        (number, tuple(cell_text(row[position]) for position in columns))
        for number, row in enumerate(grid[start + 1 :], start=start + 2)
    ]
    numbered = [(number, cells) for number, cells in numbered if any(cell is not None for cell in cells)]
    if not numbered:
        raise FileError("header_only", {"file": f"{name}#{sheet}", "line": str(start + 1)})
    return SheetRows(
        sheet, sheets, headers, start + 1, [cells for _, cells in numbered], [number for number, _ in numbered]
    )


def _header_row(grid: list[list[Any]], filled: list[tuple[int, int]], usual: int) -> int:
    """The first row of enough cells; where it leaves columns of the table unnamed, the next one that names nearly all of them."""
    first = next(index for index, count in filled if count >= max(2, min(usual, 3)) or count == usual)
    below = [position for position in range(len(grid[first])) if _is_filled(grid, first, position)]
    named = [(index, sum(1 for position in below if grid[index][position] != "")) for index, _ in filled if index >= first][:_HEADER_ROWS]
    if not below or named[0][1] >= _NAMED * len(below):
        return first
    return next((index for index, count in named if count >= _NAMED * len(below) and _is_named(grid[index])), first)


def _is_named(row: list[Any]) -> bool:
    return all(isinstance(cell, str) and kind_of(cell) in {"word", "blank"} for cell in row)


def _is_filled(grid: list[list[Any]], header: int, position: int) -> bool:
    """Whether a column has cells in most rows below: then it belongs to the table, named or not."""
    below = [row[position] for row in grid[header + 1 :] if position < len(row) and any(cell != "" for cell in row)]
    return bool(below) and sum(cell != "" for cell in below) > _MOST_ROWS * len(below)
