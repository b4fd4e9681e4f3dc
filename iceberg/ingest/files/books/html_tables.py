"""Reads tables in web pages and in the XML of Excel 2003, which some systems export as ``.xls``."""

from __future__ import annotations

from html.parser import HTMLParser
from pathlib import Path

from iceberg.errors import FileError

MAX_BYTES = 64 << 20  # judgement: the whole page is in memory; larger exports exist as CSV
MOST_CELLS = 5_000_000  # judgement: of the table, padded to its widest row; a page of 64 MB has two million cells of thirty bytes
_MOST_SPANNED = 1000  # judgement: no cell spans more columns
_ROWS, _CELLS = frozenset({"tr", "row"}), frozenset({"td", "th", "cell"})
_UNSEEN = frozenset({"script", "style", "head", "title"})


class _TooManyCellsError(Exception):
    """A table of the page becomes larger than may be."""


class _Tables(HTMLParser):
    """Collects the rows of every table; a table inside a cell is a table of its own."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.tables: list[list[list[str]]] = []
        self._open: list[list[list[str]]] = []
        self._cell: list[str] | None = None
        self._unseen = 0
        self._width = self._rows = self._cells = 0  # of all tables: the widest row, and how many rows and cells there are

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        if tag in _UNSEEN:
            self._unseen += 1
        elif tag == "table":
            self._open.append([])
            self.tables.append(self._open[-1])
        elif tag in _ROWS and self._open:
            self._end_cell()
            self._open[-1].append([])
            self._count(rows=1)
        elif tag in _CELLS and self._open and self._open[-1]:
            self._end_cell()
            row = self._open[-1][-1]
            place = given.get("ss:index") or ""
            if place.isdigit() and len(row) < int(place) <= _MOST_SPANNED:  # omitted cells
                row += [""] * (int(place) - 1 - len(row))
            self._cell = []
            row.append("")
            span = given.get("colspan") or ""
            self._span = min(int(span), _MOST_SPANNED) if span.isdigit() else 1
        elif tag == "br" and self._cell is not None:
            self._cell.append(" ")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        if tag in _CELLS:  # <Cell/> is empty
            self._end_cell()

    def handle_endtag(self, tag: str) -> None:
        if tag in _UNSEEN:
            self._unseen = max(self._unseen - 1, 0)
        elif tag in _CELLS or tag in _ROWS:
            self._end_cell()
        elif tag == "table" and self._open:
            self._end_cell()
            self._open.pop()

    def handle_data(self, data: str) -> None:
        if self._cell is not None and not self._unseen:
            self._cell.append(data)

    def _end_cell(self) -> None:
        if self._cell is None or not self._open or not self._open[-1] or not self._open[-1][-1]:
            return
        row = self._open[-1][-1]
        row[-1] = " ".join("".join(self._cell).split())
        row += [""] * (self._span - 1)
        self._cell = None
        self._width = max(self._width, len(row))
        self._count(cells=self._span)

    def _count(self, *, rows: int = 0, cells: int = 0) -> None:
        """Stop where the grid would become too large: a wide row pads all others."""
        self._rows += rows
        self._cells += cells
        if max(self._rows * self._width, self._cells) > MOST_CELLS:
            raise _TooManyCellsError


def read_web_table(path: Path, *, name: str) -> list[list[str]]:
    """The largest table of a page, as a grid of texts, every row as long as the longest.

    Args:
        path: The page in UTF-8.
        name: File name, for messages.

    Raises:
        FileError: ``html_file`` where there is no table, ``book_too_large``, ``too_many_cells``.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise FileError("book_too_large", {"file": name, "size_mb": size >> 20, "limit_mb": MAX_BYTES >> 20})
    parser = _Tables()
    try:
        with path.open(encoding="utf-8", errors="replace") as stream:
            while chunk := stream.read(1 << 20):
                parser.feed(chunk)
        parser.close()
    except _TooManyCellsError as error:
        raise FileError("too_many_cells", {"file": name, "limit": MOST_CELLS}) from error
    grid = max(parser.tables, key=lambda table: sum(len(row) for row in table), default=[])
    width = max((len(row) for row in grid), default=0)
    if width < 2 or len(grid) < 2:
        raise FileError("html_file", {"file": name})
    return [row + [""] * (width - len(row)) for row in grid]
