"""Small files that would become very large, for `tests.ingest.test_hostile_files` and ``python -m benchmarks.hostile``.

Each function writes one and takes how much it becomes. Packed ones repeat a compressed block, so that writing them takes no time.
"""

import gzip
import struct
import zipfile
import zlib
from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HEAD = b"customer_id,start_date,end_date,segment,revenue\n"
ROW = b"C000001,2024-01-05,,north,12.50\n"
MB, GB = 10**6, 10**9
BLOCK = 1 << 22
_NAMES = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_BOOK = {
    "[Content_Types].xml": f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels" '
    'ContentType="application/vnd.openxmlformats-package.relationships+xml"/><Default Extension="xml" ContentType="application/xml"/></Types>',
    "_rels/.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_OFFICE}/officeDocument" '
    'Target="xl/workbook.xml"/></Relationships>',
    "xl/workbook.xml": f'<workbook {_NAMES} xmlns:r="{_OFFICE}"><sheets><sheet name="S" sheetId="1" r:id="r1"/></sheets></workbook>',
    "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1" Type="{_OFFICE}/worksheet" '
    f'Target="worksheets/sheet1.xml"/><Relationship Id="r2" Type="{_OFFICE}/sharedStrings" Target="sharedStrings.xml"/></Relationships>',
}
_SHEET = f"<worksheet {_NAMES}><sheetData>{{rows}}</sheetData></worksheet>"


def deflated(content: bytes) -> bytes:
    """A piece of a deflate stream that can be repeated."""
    packer = zlib.compressobj(9, zlib.DEFLATED, -15)
    return packer.compress(content) + packer.flush(zlib.Z_FULL_FLUSH)


def deflated_rows(size: int, row: bytes = ROW) -> tuple[bytes, int]:
    """A deflate stream of a CSV of about `size` bytes, and its exact size unpacked."""
    block = row * max(1, BLOCK // len(row))
    times = max(1, size // len(block))
    return deflated(HEAD) + deflated(block) * times + zlib.compressobj(9, zlib.DEFLATED, -15).flush(), len(HEAD) + len(block) * times


def packed_gzip(path: Path, size: int, row: bytes = ROW) -> None:
    stream, unpacked = deflated_rows(size, row)
    path.write_bytes(b"\x1f\x8b\x08\0\0\0\0\0\0\xff" + stream + struct.pack("<II", 0, unpacked & 0xFFFFFFFF))


def gzip_of_many_members(path: Path, size: int) -> None:
    part = ROW * 130_000
    path.write_bytes(gzip.compress(HEAD) + gzip.compress(part, 9) * (size // len(part) + 1))


def packed_zip(path: Path, size: int, claimed: int | None = None) -> None:
    """With `claimed`, the archive lies about what is inside."""
    stream, unpacked = deflated_rows(size)
    name, sizes = b"customers.csv", struct.pack("<HHQQ", 1, 16, unpacked if claimed is None else claimed, len(stream))
    heads = (45, 0, 8, 0, 0x21, 0, 0xFFFFFFFF, 0xFFFFFFFF, len(name), len(sizes))
    local = struct.pack("<IHHHHHIIIHH", 0x04034B50, *heads) + name + sizes + stream
    entry = struct.pack("<IHHHHHHIIIHHHHHII", 0x02014B50, 45, *heads, 0, 0, 0, 0, 0) + name + sizes
    path.write_bytes(local + entry + struct.pack("<IHHHHIIH", 0x06054B50, 0, 0, 1, 1, len(entry), len(local), 0))


def gzip_in_a_zip(path: Path, size: int) -> None:
    inner = path.with_suffix(".csv.gz")
    packed_gzip(inner, size)
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(inner, inner.name)
    inner.unlink()


def book(path: Path, strings: list[tuple[str, int]], rows: str) -> None:
    """An .xlsx; `strings` are pieces of the shared strings, each with how often it is repeated."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in _BOOK.items():
            archive.writestr(name, text)
        archive.writestr("xl/worksheets/sheet1.xml", _SHEET.format(rows=rows))
        with archive.open("xl/sharedStrings.xml", "w", force_zip64=True) as part:
            for text, times in strings:
                block = text.encode() * min(times, BLOCK)
                for _ in range(times // min(times, BLOCK)):
                    part.write(block)


def book_of_one_long_string(path: Path, size: int) -> None:
    """Every one of 60 cells refers to it."""
    cells = "".join(
        f'<row r="{row}">' + "".join(f'<c r="{column}{row}" t="s"><v>{0 if row > 1 else place + 1}</v></c>' for place, column in enumerate("ABC"))
        + "</row>"
        for row in range(1, 21)
    )  # fmt: skip
    heads = "".join(f"<si><t>{name}</t></si>" for name in ("customer_id", "start_date", "end_date"))
    book(path, [(f"<sst {_NAMES}><si><t>", 1), ("a", size), (f"</t></si>{heads}</sst>", 1)], cells)


def book_with_a_far_cell(path: Path, size: int) -> None:
    far = f'<row r="{size}"><c r="XFD{size}"><v>1</v></c></row>'
    book(path, [(f"<sst {_NAMES}/>", 1)], f'<row r="1"><c r="A1"><v>1</v></c></row>{far}')


def sheet_of_repeated_cells(path: Path, size: int) -> None:
    """An OpenDocument that says: this row a million times."""
    names = "".join(f' xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text"))
    cell = '<table:table-cell table:number-columns-repeated="1000" office:value-type="string"><text:p>a</text:p></table:table-cell>'
    row = f'<table:table-row table:number-rows-repeated="{size // 1000}">{cell}</table:table-row>'
    sheet = f'<office:body><office:spreadsheet><table:table table:name="S">{row}</table:table></office:spreadsheet></office:body>'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("META-INF/manifest.xml", '<manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0"/>')
        archive.writestr("content.xml", f"<office:document-content{names}>{sheet}</office:document-content>")


def _repeated(rows: int, *texts: str) -> pa.Array:
    places = np.zeros(rows, dtype=np.int8)
    for place in range(1, len(texts)):
        places[place :: len(texts)] = place
    return pa.DictionaryArray.from_arrays(pa.array(places), pa.array(texts))


def _write(path: Path, columns: dict[str, object], **options: object) -> None:
    pq.write_table(pa.table(columns), path, compression="zstd", **options)


def parquet_of_many_rows(path: Path, rows: int) -> None:
    """A dictionary and runs: a bit for thousands of rows."""
    _write(path, {"customer_id": _repeated(rows, "C1"), "start_date": _repeated(rows, "2024-01-01")}, row_group_size=rows, write_statistics=False)


def parquet_of_long_texts(path: Path, size: int) -> None:
    texts = [f"{place}" + "a" * (size // 10) for place in range(10)]
    _write(path, {"customer_id": texts, "start_date": ["2024-01-01"] * 10}, use_dictionary=False, write_statistics=False)


def parquet_of_a_long_text_named_often(path: Path, size: int) -> None:
    columns = {"customer_id": _repeated(4096, "a" * (size // 4096), "b"), "start_date": _repeated(4096, "2024-01-01")}
    _write(path, columns, write_statistics=False)


def parquet_of_a_long_list(path: Path, values: int) -> None:
    marks = pa.ListArray.from_arrays(pa.array([0, values], pa.int32()), pa.array(np.zeros(values, dtype=np.int8)))
    _write(path, {"customer_id": ["C1"], "start_date": ["2024-01-01"], "marks": marks})


def parquet_of_many_columns(path: Path, columns: int) -> None:
    _write(path, {f"c{place}": [1] for place in range(columns)})


def parquet_of_many_groups(path: Path, groups: int) -> None:
    _write(path, {"customer_id": _repeated(groups, "C1"), "start_date": _repeated(groups, "2024-01-01")}, row_group_size=1)


def text_of_many_columns(path: Path, columns: int) -> None:
    more = b"".join(b",c%d" % place for place in range(columns))
    path.write_bytes(HEAD.strip() + more + b"\n" + ROW.strip() + b",1" * columns + b"\n")


def page_with_one_wide_row(path: Path, cells: int) -> None:
    """Every other row is padded to it."""
    side = int(cells**0.5)
    path.write_bytes(b"<html><table><tr>" + b"<td>a" * side + b"</tr>" + b"<tr><td>b" * side + b"</table></html>")


def page_of_wide_cells(path: Path, cells: int) -> None:
    path.write_bytes(b"<html><table>" + (b"<tr>" + b"<td colspan=1000>a" * 10) * (cells // 10_000) + b"</table></html>")


Writer = Callable[[Path, int], None]
# name -> writer, what it becomes in the benchmark (as in the audit), and enough to be refused in a test. The first six are those of the audit.
FILES: dict[str, tuple[Writer, int, int]] = {
    "shared.xlsx": (book_of_one_long_string, 400 * MB, 300 * MB),
    "many_rows.parquet": (parquet_of_many_rows, 400 * MB, 26 * MB),
    "long_texts.parquet": (parquet_of_long_texts, GB, 280 * MB),
    "rows.csv.gz": (packed_gzip, 6 * GB, 300 * MB),
    "rows.zip": (packed_zip, 6 * GB, 300 * MB),
    "one_line.csv.gz": (partial(packed_gzip, row=b"a"), 3 * GB, 300 * MB),
    "far_cell.xlsx": (book_with_a_far_cell, 1_048_576, 1_048_576),
    "repeated.ods": (sheet_of_repeated_cells, GB, GB),
    "named_often.parquet": (parquet_of_a_long_text_named_often, 60 * GB, 20 * GB),
    "list.parquet": (parquet_of_a_long_list, 400 * MB, 51 * MB),
    "wide.parquet": (parquet_of_many_columns, 60_000, 10_001),
    "groups.parquet": (parquet_of_many_groups, 40_000, 5_001),
    "wide.csv": (text_of_many_columns, 100_000, 20_000),
    "wide_row.html": (page_with_one_wide_row, 10 * GB, 400 * MB),
    "wide_cells.html": (page_of_wide_cells, 30 * MB, 6 * MB),
    "gzip_in.zip": (gzip_in_a_zip, 6 * GB, 300 * MB),
    "lying.zip": (partial(packed_zip, claimed=1000), 6 * GB, 300 * MB),
    "members.csv.gz": (gzip_of_many_members, 6 * GB, 300 * MB),
}
