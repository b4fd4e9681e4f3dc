"""Reads a book (.xlsx, .xlsb, .xls, .ods) in a child process, within bounds on memory and time.

A hostile or broken book can make the library expand one cell to gigabytes, loop, panic or abort; then only the child ends. This file is also
the script that the child runs: it imports nothing of the package, so that it starts quickly.
"""

from __future__ import annotations

import html
import importlib.util
import io
import json
import re
import signal
import struct
import subprocess
import sys
import threading
import zipfile
import zlib
from pathlib import Path
from typing import Any

# A broken zip raises any of these; ValueError where a name inside is no text, LookupError where it is empty.
BROKEN_ZIP = (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError, struct.error, ValueError, LookupError)
# Judgement for all bounds: a full sheet of a million rows by twenty columns is 100 MB, unpacks to 1 GB and holds 20 million cells.
MAX_BOOK_BYTES = 512 << 20
MAX_UNPACKED_BYTES = 2 << 30
LEAST_MEMORY, MEMORY_PER_BYTE, MOST_MEMORY = 750 << 20, 40, 6 << 30  # an empty cell of the grid takes 32 bytes
LEAST_SECONDS, BYTES_PER_SECOND, WALL_CLOCK_FACTOR = 8, 1 << 20, 6
_TEXT_SHARE = 4  # the text of the cells may take a quarter of the memory, because the parent needs it too
_NO_MEMORY = 3
_OUT_OF_BOUNDS = {_NO_MEMORY, *(-number for number in signal.Signals if number.name in {"SIGABRT", "SIGKILL", "SIGXCPU"})}
Cell = str | float | bool | list[str]  # a day or a time is a list of one text
CellGrid = list[list[Cell]]


class UnpackedTooLargeError(Exception):
    """A book declares more bytes than may be unpacked; its argument is their number."""


class OutOfBoundsError(Exception):
    """A book cannot be read within its memory and time; its arguments are those bounds, in bytes and seconds."""


def read_cells(path: Path, sheet: str | None) -> tuple[tuple[str, ...], str, CellGrid, dict[int, int]]:
    """Read one sheet of a book.

    Args:
        path: The book; its format is recognised by content.
        sheet: Name of the sheet; None takes the one with the most filled cells.

    Returns:
        The names of all sheets, the name of the sheet taken ("" where there is none), its cells from A1 on, and by place of the column the number
        of cells that hold a formula without a result.

    Raises:
        UnpackedTooLargeError: The book declares too large a size.
        OutOfBoundsError: The child exceeded its memory or time.
        ValueError: The file is no book.
    """
    size, zipped = path.stat().st_size, zipfile.is_zipfile(path)
    _refuse_declared_size(path, size, zipped=zipped)
    memory = min(LEAST_MEMORY + MEMORY_PER_BYTE * size, MOST_MEMORY)
    seconds = LEAST_SECONDS + size // BYTES_PER_SECOND
    command = [sys.executable, "-I", __file__, _place_of_library(), str(memory), str(seconds), str(path), *([sheet] if sheet is not None else [])]
    allowed = memory // _TEXT_SHARE
    lines = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL) as child:  # noqa: S603
        assert child.stdout is not None  # noqa: S101
        timer = threading.Timer(WALL_CLOCK_FACTOR * seconds, child.kill)
        timer.start()
        try:
            while line := child.stdout.readline(allowed + 1):
                allowed -= len(line)
                if allowed < 0:
                    raise OutOfBoundsError(memory, seconds)
                if line.endswith(b"\n"):  # else the child ended inside the line
                    lines.append(json.loads(line))
            code = child.wait()
        finally:
            timer.cancel()
            child.kill()
    if zipped and code in _OUT_OF_BOUNDS:  # a full .xls is small, so one that needs so much is broken
        raise OutOfBoundsError(memory, seconds)
    if code:
        raise ValueError("not a book")
    (names, chosen, unsolved), *rows = lines
    blank: list[Cell] = [""] * max(map(len, rows), default=0)
    return tuple(names), chosen, [row or blank for row in rows], {int(place): count for place, count in unsolved.items()}


def _refuse_declared_size(path: Path, size: int, *, zipped: bool) -> None:
    """Refuse a zip bomb before it is opened, also on systems that cannot bound the memory of a process."""
    if size > MAX_BOOK_BYTES:
        raise UnpackedTooLargeError(size)
    if zipped:
        try:
            with zipfile.ZipFile(path) as book:
                declared = sum(part.file_size for part in book.infolist())
        except BROKEN_ZIP as error:
            raise ValueError("not a book") from error
        if declared > MAX_UNPACKED_BYTES:
            raise UnpackedTooLargeError(declared)


def _place_of_library() -> str:
    """The folder to import the library from: an isolated child does not search the folder of user installations."""
    spec = importlib.util.find_spec("python_calamine")
    return str(Path(spec.origin).parents[1]) if spec is not None and spec.origin else ""


def _bound(memory: int, seconds: int) -> None:
    try:
        import resource
    except ImportError:  # Windows: only the declared size and the clock are bounds
        return
    resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # a core dump would leave customers on disk


def _write_cells(path: str, sheet: str | None) -> None:
    """Write, as JSON lines, the names of all sheets with that of the chosen one, then each row; a blank row is []."""
    import python_calamine

    data = io.BytesIO(Path(path).read_bytes())
    if zipfile.is_zipfile(data) and zipfile.ZipFile(data).testzip() is not None:
        raise ValueError("a part is damaged")  # the library would read the damaged part
    data.seek(0)
    book = python_calamine.CalamineWorkbook.from_filelike(data)  # by content, because the name can be wrong
    wanted = [name for name in book.sheet_names if sheet in (None, name)]
    shown = {one.name for one in book.sheets_metadata if one.visible == python_calamine.SheetVisibleEnum.Visible}
    sheets = (book.get_sheet_by_name(name) for name in wanted)
    chosen = max(sheets, key=lambda one: _worth(one, visible=one.name in shown)) if len(wanted) > 1 else next(sheets, None)
    unsolved = _unsolved_formulas(data, chosen.name) if chosen is not None and zipfile.is_zipfile(data) else {}
    _write_line([book.sheet_names, chosen.name if chosen is not None else "", unsolved])
    if chosen is not None and chosen.start is not None:
        left = [""] * chosen.start[1]
        for row in chosen.iter_rows():
            _write_line(left + row if any(cell != "" for cell in row) else [])


def _unsolved_formulas(data: io.BytesIO, sheet: str) -> dict[int, int]:
    """Cells of an .xlsx sheet that hold a formula without a result, by place of the column: programs write formulas, spreadsheets their results.

    Some programs write 0 in place of a result they do not know: where every formula of a column gives 0, none is known. A formula that gives an
    empty text has a result.
    """
    counts: dict[int, list[int]] = {}
    with zipfile.ZipFile(data) as book:
        part = _part_of(book, sheet)
        if part is None:
            return {}
        for match in _FORMULA_CELL.finditer(book.read(part)):
            attributes, value = match[2], (match[3] or b"").strip()
            place = 0
            for letter in match[1]:
                place = 26 * place + letter - 64
            blank, zero = counts.setdefault(place - 1, [0, 0, 0])[:2]
            counts[place - 1][0] = blank + (value == b"" and b't="str"' not in attributes)
            counts[place - 1][1] = zero + (value == b"0")
            counts[place - 1][2] += 1
    solved = ((place, blank + zero if zero > 1 and blank + zero == formulas else blank) for place, (blank, zero, formulas) in counts.items())
    return {place: count for place, count in solved if count}


_FORMULA_CELL = re.compile(
    rb'<c r="([A-Z]{1,3})[0-9]+"([^>]*)>\s*<f(?:\s[^>]*)?(?:/>|>[^<]*</f>)\s*(?:<v\s*/>|<v(?:\s[^>]*)?>([^<]*)</v>)?\s*</c>'
)
_SHEET = re.compile(r"<(?:\w+:)?sheet\s[^>]*>")
_RELATION = re.compile(r"<(?:\w+:)?Relationship\s[^>]*>")


def _part_of(book: zipfile.ZipFile, sheet: str) -> str | None:
    """The part of an .xlsx file that holds a sheet."""
    try:
        workbook, relations = (book.read(f"xl/{name}").decode(errors="replace") for name in ("workbook.xml", "_rels/workbook.xml.rels"))
    except KeyError:
        return None
    named = next((tag for tag in _SHEET.findall(workbook) if html.unescape(_attribute(tag, "name")) == sheet), "")
    wanted = _attribute(named, "r:id") or _attribute(named, "id")
    target = next((_attribute(tag, "Target") for tag in _RELATION.findall(relations) if _attribute(tag, "Id") == wanted), "")
    part = target.removeprefix("/") if target.startswith("/") else f"xl/{target}"
    return part if part.endswith(".xml") and part in book.namelist() else None


def _attribute(tag: str, name: str) -> str:
    found = re.search(rf'\s{name}="([^"]*)"', tag)
    return found[1] if found else ""


def _filled_cells(sheet: Any) -> int:  # noqa: ANN401  # calamine has no types
    """Number of cells of a sheet that are not blank: a data dictionary has few, a chart sheet none."""
    return sum(1 for row in sheet.iter_rows() for cell in row if cell != "")


def _worth(sheet: Any, *, visible: bool) -> tuple[bool, int]:  # noqa: ANN401  # calamine has no types
    """What a sheet is chosen by: a hidden one, such as last year's, only where no visible one has a cell; then the number of cells."""
    cells = _filled_cells(sheet)
    return visible and cells > 0, cells


def _write_line(value: object) -> None:
    """Write one line of JSON; a time at midnight becomes its day."""
    sys.stdout.write(json.dumps(value, default=lambda cell: [str(cell).removesuffix(" 00:00:00")], separators=(",", ":")) + "\n")


if __name__ == "__main__":
    sys.path.append(sys.argv[1])
    _bound(int(sys.argv[2]), int(sys.argv[3]))
    try:
        _write_cells(sys.argv[4], sys.argv[5] if len(sys.argv) > 5 else None)
    except MemoryError:
        sys.exit(_NO_MEMORY)
