"""Owns true books of the older and rarer Excel formats: .xls by xlwt, .xlsb written record by record, so that both can be read, and broken."""

from __future__ import annotations

import io
import struct
import zipfile
from collections.abc import Mapping, Sequence
from datetime import date, datetime

import xlwt

Cell = str | float | int | bool | date | None
Sheets = Mapping[str, Sequence[Sequence[Cell]]]
_EPOCH = datetime(1899, 12, 30)
_DATE_STYLE = 1  # index of the cell format that shows a day
# Record types of [MS-XLSB].
_ROW, _BLANK, _BOOL, _REAL, _TEXT = 0, 1, 4, 5, 6
_BEGIN_SHEET, _END_SHEET, _BEGIN_BOOK, _END_BOOK = 129, 130, 131, 132
_BEGIN_SHEETS, _END_SHEETS, _SHEET, _BEGIN_DATA, _END_DATA = 143, 144, 156, 145, 146
_DIMENSION = 148
_BEGIN_STYLES, _END_STYLES, _BEGIN_CELL_FORMATS, _END_CELL_FORMATS, _CELL_FORMAT = 278, 279, 617, 618, 47


def write_xls(sheets: Sheets) -> bytes:
    """A book as Excel 97 to 2003 wrote it; days are numbers with a format."""
    book = xlwt.Workbook()
    day = xlwt.easyxf(num_format_str="DD/MM/YYYY")
    for name, rows in sheets.items():
        sheet = book.add_sheet(name)
        for place, row in enumerate(rows):
            for column, cell in enumerate(row):
                if isinstance(cell, date):
                    sheet.write(place, column, cell, day)
                elif cell is not None:
                    sheet.write(place, column, cell)
    buffer = io.BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def write_xlsb(sheets: Sheets) -> bytes:
    """A binary book: zipped parts made of records of type, length and content, texts inside the cells."""
    buffer = io.BytesIO()
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    kind = "application/vnd.ms-excel"
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as book:
        parts = "".join(f'<Override PartName="/xl/worksheets/sheet{n}.bin" ContentType="{kind}.worksheet"/>' for n in range(1, len(sheets) + 1))
        book.writestr(
            "[Content_Types].xml",
            f'<Types xmlns="{package}/content-types"><Default Extension="bin" ContentType="{kind}.sheet.binary.macroEnabled.main"/>'
            f'<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>{parts}</Types>',
        )
        book.writestr("_rels/.rels", _links(package, [(f"{office}/officeDocument", "xl/workbook.bin")]))
        targets = [(f"{office}/worksheet", f"worksheets/sheet{n}.bin") for n in range(1, len(sheets) + 1)]
        book.writestr("xl/_rels/workbook.bin.rels", _links(package, [*targets, (f"{office}/styles", "styles.bin")]))
        listed = b"".join(
            _record(_SHEET, struct.pack("<II", 0, n) + _wide(f"rId{n}") + _wide(name)) for n, name in enumerate(sheets, start=1)
        )
        book.writestr("xl/workbook.bin", _record(_BEGIN_BOOK) + _record(_BEGIN_SHEETS) + listed + _record(_END_SHEETS) + _record(_END_BOOK))
        book.writestr("xl/styles.bin", _styles())
        for n, rows in enumerate(sheets.values(), start=1):
            book.writestr(f"xl/worksheets/sheet{n}.bin", _sheet(rows))
    return buffer.getvalue()


def _links(package: str, targets: Sequence[tuple[str, str]]) -> str:
    links = "".join(f'<Relationship Id="rId{n}" Type="{kind}" Target="{target}"/>' for n, (kind, target) in enumerate(targets, start=1))
    return f'<Relationships xmlns="{package}/relationships">{links}</Relationships>'


def _record(kind: int, content: bytes = b"") -> bytes:
    head = bytes([kind]) if kind < 0x80 else bytes([kind & 0x7F | 0x80, kind >> 7])
    length, size = len(content), b""
    while True:
        size += bytes([length & 0x7F | (0x80 if length > 0x7F else 0)])
        length >>= 7
        if not length:
            return head + size + content


def _wide(text: str) -> bytes:
    encoded = text.encode("utf-16-le")
    return struct.pack("<I", len(encoded) // 2) + encoded


def _styles() -> bytes:
    """Two cell formats: plain, and a day (number format 14)."""
    formats = b"".join(_record(_CELL_FORMAT, struct.pack("<HH", 0, number) + bytes(12)) for number in (0, 14))
    body = _record(_BEGIN_CELL_FORMATS, struct.pack("<I", 2)) + formats + _record(_END_CELL_FORMATS)
    return _record(_BEGIN_STYLES) + body + _record(_END_STYLES)


def _sheet(rows: Sequence[Sequence[Cell]]) -> bytes:
    width = max((len(row) for row in rows), default=1)
    out = [_record(_BEGIN_SHEET), _record(_DIMENSION, struct.pack("<IIII", 0, max(len(rows) - 1, 0), 0, width - 1)), _record(_BEGIN_DATA)]
    for place, row in enumerate(rows):
        out.append(_record(_ROW, struct.pack("<IIHBBBI", place, 0, 300, 0, 0, 0, 0)))
        out += [_cell(column, cell) for column, cell in enumerate(row) if cell is not None]
    return b"".join([*out, _record(_END_DATA), _record(_END_SHEET)])


def _cell(column: int, cell: Cell) -> bytes:
    style = _DATE_STYLE if isinstance(cell, date) else 0
    head = struct.pack("<I", column) + style.to_bytes(3, "little") + b"\x00"
    if isinstance(cell, bool):
        return _record(_BOOL, head + bytes([cell]))
    if isinstance(cell, date):
        at = cell if isinstance(cell, datetime) else datetime(cell.year, cell.month, cell.day)
        return _record(_REAL, head + struct.pack("<d", (at - _EPOCH).total_seconds() / 86400))
    if isinstance(cell, (int, float)):
        return _record(_REAL, head + struct.pack("<d", cell))
    return _record(_TEXT, head + _wide(str(cell)))
