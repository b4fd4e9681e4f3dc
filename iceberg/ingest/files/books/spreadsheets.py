"""Reads spreadsheet books: chooses the sheet with the data, finds its header and turns its cells into text."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from iceberg.errors import FileError
from iceberg.ingest.files.books.bounded_reader import (
    MAX_UNPACKED_BYTES,
    Cell,
    OutOfBoundsError,
    UnpackedTooLargeError,
    read_cells,
)
from iceberg.ingest.files.text.delimiters import number_repeats
from iceberg.ingest.files.text.headers import kind_of

_HEADER_ROWS, _NAMED, _MOST_ROWS = 20, 0.8, 0.5  # judgement
_THREE_PLACES = re.compile(r"-?\d{1,3}\.\d{3}")
Rows = Sequence[Sequence[Cell]]


@dataclass(frozen=True)
class SheetRows:
    """The data of one sheet.

    Attributes:
        sheet: Its name.
        sheets: All sheets of the book.
        headers: Names of the columns.
        header_row: Row number of the header (1-based, as the spreadsheet shows it).
        rows: Cells as text, one tuple per row below the header that is not blank.
        row_numbers: Row number of each, as the spreadsheet shows it.
        unsolved: By header, the cells that hold a formula without its result.
    """

    sheet: str
    sheets: tuple[str, ...]
    headers: tuple[str, ...]
    header_row: int
    rows: list[tuple[str | None, ...]]
    row_numbers: list[int]
    unsolved: dict[str, int] = field(default_factory=dict)


def read_book(path: Path, *, name: str, sheet: str | None, header_line: int | None = None) -> SheetRows:
    """Read the named sheet, or the one with the most filled cells.

    Raises:
        FileError: ``sheet_not_found``, ``book_unreadable``, ``book_too_large``, ``sheet_too_wide``, ``empty_file``,
            ``header_only``, ``one_column``.
    """
    try:
        names, chosen, grid, unsolved = read_cells(path, sheet)
    except UnpackedTooLargeError as error:
        raise FileError("book_too_large", {"file": name, "size_mb": error.args[0] >> 20, "limit_mb": MAX_UNPACKED_BYTES >> 20}) from error
    except OutOfBoundsError as error:
        memory, seconds = error.args
        raise FileError("sheet_too_wide", {"file": name, "limit_mb": memory >> 20, "limit_seconds": seconds}) from error
    except (OSError, ValueError) as error:
        raise FileError("book_unreadable", {"file": name}) from error
    if sheet is not None and sheet not in names:
        raise FileError("sheet_not_found", {"file": name, "sheet": sheet, "sheets": ", ".join(names)})
    if not names:
        raise FileError("book_unreadable", {"file": name})
    return cut_sheet(grid, name=name, sheet=chosen, sheets=names, header_line=header_line, unsolved=unsolved)


def _cell_text(cell: Cell) -> str | None:
    """A cell as text: whole numbers without ".0", days in ISO, blanks as None."""
    if isinstance(cell, list):
        return cell[0]
    if isinstance(cell, bool):
        return "true" if cell else "false"
    if isinstance(cell, float):
        text = str(int(cell)) if cell.is_integer() and abs(cell) < 1e15 else repr(cell)
        return text + "0" if _THREE_PLACES.fullmatch(text) else text  # the number 1.234 is never 1,234, whatever the texts of the column suggest
    return str(cell) or None


def cut_sheet(
    grid: Rows, *, name: str, sheet: str, sheets: tuple[str, ...], header_line: int | None, unsolved: Mapping[int, int] | None = None
) -> SheetRows:
    """Find the header of a grid of cells and the rows below it; `unsolved` are the formulas without results by place of the column.

    Raises:
        FileError: ``empty_file``, ``header_only``, ``one_column``.
    """
    filled = [(index, sum(cell != "" for cell in row)) for index, row in enumerate(grid)]
    filled = [(index, count) for index, count in filled if count]
    if not filled:
        raise FileError("empty_file", {"file": f"{name}#{sheet}"})
    usual = sorted(count for _, count in filled)[len(filled) // 2]
    start = header_line - 1 if header_line else _header_row(grid, filled, usual)
    columns = [position for position, cell in enumerate(grid[start]) if cell != "" or _is_filled(grid, start, position)]
    if len(columns) < 2:
        values = {"file": f"{name}#{sheet}", "separator": "", "line": str(start + 1), "value": str(grid[start][:1])[:80]}
        raise FileError("one_column", values)
    headers = number_repeats([_cell_text(grid[start][position]) or "" for position in columns])
    numbered = [(number, tuple(_cell_text(row[position]) for position in columns)) for number, row in enumerate(grid[start + 1 :], start=start + 2)]
    numbered = [(number, cells) for number, cells in numbered if any(cell is not None for cell in cells)]
    if not numbered:
        raise FileError("header_only", {"file": f"{name}#{sheet}", "line": str(start + 1)})
    formulas = {header: count for header, place in zip(headers, columns, strict=True) if (count := (unsolved or {}).get(place))}
    return SheetRows(sheet, sheets, headers, start + 1, [cells for _, cells in numbered], [number for number, _ in numbered], formulas)


def _header_row(grid: Rows, filled: list[tuple[int, int]], usual: int) -> int:
    """Index of the first row with enough cells; where it names too few columns, of the next row that names nearly all of them."""
    first = next(index for index, count in filled if count >= max(2, min(usual, 3)) or count == usual)
    below = [position for position in range(len(grid[first])) if _is_filled(grid, first, position)]
    named = [(index, sum(1 for position in below if grid[index][position] != "")) for index, _ in filled if index >= first][:_HEADER_ROWS]
    if not below or named[0][1] >= _NAMED * len(below):
        return first
    return next((index for index, count in named if count >= _NAMED * len(below) and _is_named(grid[index])), first)


def _is_named(row: Sequence[Cell]) -> bool:
    return all(isinstance(cell, str) and kind_of(cell) in {"word", "blank"} for cell in row)


def _is_filled(grid: Rows, header: int, position: int) -> bool:
    """Whether a column has cells in most rows below the header, so that it is part of the table even without a name."""
    below = [row[position] for row in grid[header + 1 :] if position < len(row) and any(cell != "" for cell in row)]
    return bool(below) and sum(cell != "" for cell in below) > _MOST_ROWS * len(below)
