"""Whole files that are written oddly, one per way, and what each must give.

Each entry says the table, the file and either the error code or: rows read, kept, and the rules with their counts; where it matters also
one accepted row or the decisions about reading. All data are invented.
"""

from __future__ import annotations

import gzip
import io
import zipfile
from dataclasses import dataclass, field
from datetime import date

import pandas as pd

from benchmarks.fuzz.books import write_xlsb

HEAD = "customer_id,start_date,end_date,segment,revenue\n"
BODY = "C01,2024-01-05,,retail,120.5\nC02,2024-02-10,2025-03-01,retail,80\nC03,2024-03-15,,business,\n"
COMPLAINTS = "customer_id,complaint_date,category\nC01,2024-06-01,billing\nC02,2024-07-01,delivery\n"


@dataclass(frozen=True)
class OddFile:
    """One file.

    Attributes:
        name: What is odd about it.
        file: File name.
        data: Its bytes.
        table: Table it is given for.
        error: Code of the error; "" when it loads.
        read, kept: Rows.
        rules: Count of every rule that must apply.
        row: An accepted row that must be there.
        reading: Decisions that must be shown, by attribute of `FileReading`.
        mapping: Mapping given with it, as plain values.
    """

    name: str
    file: str
    data: bytes
    table: str = "customers"
    error: str = ""
    read: int = 3
    kept: int = 3
    rules: dict[str, int] = field(default_factory=dict)
    row: tuple[object, ...] | None = None
    reading: dict[str, object] = field(default_factory=dict)
    mapping: dict[str, object] = field(default_factory=dict)


def _book(sheets: dict[str, list[list[object]]]) -> bytes:
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer, engine="openpyxl") as book:
        for title, rows in sheets.items():
            pd.DataFrame(rows).to_excel(book, sheet_name=title, index=False, header=False)
    return buffer.getvalue()


def _ods(rows: list[list[str]]) -> bytes:
    """The smallest OpenDocument spreadsheet."""
    cells = "".join(
        "<table:table-row>"
        + "".join(f'<table:table-cell office:value-type="string"><text:p>{cell}</text:p></table:table-cell>' for cell in row)
        + "</table:table-row>"
        for row in rows
    )
    names = " ".join(f'xmlns:{short}="urn:oasis:names:tc:opendocument:xmlns:{short}:1.0"' for short in ("office", "table", "text"))
    content = (
        f'<?xml version="1.0" encoding="UTF-8"?><office:document-content {names} office:version="1.2"><office:body>'
        f'<office:spreadsheet><table:table table:name="Feuille1">{cells}</table:table></office:spreadsheet></office:body></office:document-content>'
    )
    manifest = (
        '<?xml version="1.0"?><manifest:manifest xmlns:manifest="urn:oasis:names:tc:opendocument:xmlns:manifest:1.0">'
        '<manifest:file-entry manifest:full-path="/" manifest:media-type="application/vnd.oasis.opendocument.spreadsheet"/>'
        '<manifest:file-entry manifest:full-path="content.xml" manifest:media-type="text/xml"/></manifest:manifest>'
    )
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as book:
        book.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        book.writestr("content.xml", content)
        book.writestr("META-INF/manifest.xml", manifest)
    return buffer.getvalue()


def bomb(part_bytes: int = 3 << 30) -> bytes:
    """A book whose one sheet unpacks to `part_bytes` of nothing."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as book:
        book.writestr("xl/workbook.xml", "<workbook/>")
        with book.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as part:
            block = b"<row>" + b" " * ((1 << 24) - 5)
            for _ in range(part_bytes >> 24):
                part.write(block)
    return buffer.getvalue()


def lying_bomb(part_bytes: int = 64 << 20) -> bytes:
    """A book whose directory says that a large part is small."""
    honest = bomb(part_bytes)
    return honest.replace(part_bytes.to_bytes(4, "little"), (1000).to_bytes(4, "little"))


def shared_text(text_bytes: int = 150 << 20) -> bytes:
    """A book whose 59 cells all refer to one text of `text_bytes`."""
    book, target = io.BytesIO(), io.BytesIO()
    pd.DataFrame({"a": ["C01"], "b": ["x"]}).to_excel(book, index=False, engine="xlsxwriter")
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for part in source.infolist():
            content = source.read(part)
            if part.filename == "xl/sharedStrings.xml":
                content = b'<sst xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"><si><t>' + b"x" * text_bytes + b"</t></si></sst>"
            if part.filename == "xl/worksheets/sheet1.xml":
                rows = "".join(f'<row r="{row}"><c r="A{row}" t="s"><v>0</v></c></row>' for row in range(1, 60))
                content = content[: content.index(b"<sheetData>") + 11] + rows.encode() + content[content.index(b"</sheetData>") :]
            out.writestr(part, content)
    return target.getvalue()


def repeated_cells(times: int = 6_000, *, stored: bool = False) -> bytes:
    """An OpenDocument book with one row that says it stands there `times` times, and its last cell as well."""
    target = io.BytesIO()
    book = io.BytesIO(_ods([["customer_id", "start_date"], ["C01", "2024-01-05"]]))
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as out:
        for part in source.namelist():
            content = source.read(part)
            for tag, direction in ((b"<table:table-row", b"rows"), (b"<table:table-cell", b"columns")):
                before, found, after = content.rpartition(tag)
                content = before + found + (b' table:number-%s-repeated="%d"' % (direction, times) if found else b"") + after
            out.writestr(part, content)
    return target.getvalue()


def xlsb_far_cell() -> bytes:
    """A binary book of 4,000 short rows and one cell in the last column: as a full grid it would hold 66 million cells."""
    return write_xlsb({"Data": [["customer_id", "start_date"], *(["C01", "2024-01-05"] for _ in range(4000)), [*[None] * 16_383, "x"]]})


def far_cell() -> bytes:
    """A small book with one cell in the last corner: as a full grid it would hold 17 billion cells."""
    book = io.BytesIO(_book({"Data": [["customer_id", "start_date"], ["C01", "2024-01-05"]]}))
    target = io.BytesIO()
    with zipfile.ZipFile(book) as source, zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as out:
        for part in source.infolist():
            content = source.read(part)
            if part.filename == "xl/worksheets/sheet1.xml":
                content = content.replace(b"</sheetData>", b'<row r="1048576"><c r="XFD1048576"><v>1</v></c></row></sheetData>')
            out.writestr(part, content)
    return target.getvalue()


def _fixed() -> bytes:
    lines = [" customer_id  date number_of_cds  dollar_value"]
    lines += [f" {i:05d} 199701{i + 10:02d} {i:2d} {i * 11.77:7.2f}" for i in range(1, 13)]
    return "\r\n".join(lines).encode()


def _fixed_with_gaps() -> bytes:
    lines = ["client   entree     sortie     segment"]
    lines += [f"C{i:04d}    2024-01-{i + 10:02d} {'2025-02-03' if i % 3 == 0 else '':10s} {'pro' if i % 2 else 'grand public'}" for i in range(1, 13)]
    return "\n".join(lines).encode()


FRENCH = "N° client;Date d'entrée;Date de résiliation;Segment;CA annuel\n"
NBSP, NNBSP = "\u00a0", "\u202f"
DAY = date(2024, 1, 25)

ODD_FILES: tuple[OddFile, ...] = (
    # --- encodings
    OddFile("UTF-16 little-endian without a mark", "c.csv", (HEAD + BODY).encode("utf-16-le"), reading={"encoding": "utf-16-le"}),
    OddFile("UTF-16 big-endian without a mark", "c.csv", (HEAD + BODY).encode("utf-16-be"), reading={"encoding": "utf-16-be"}),
    OddFile("UTF-32", "c.csv", (HEAD + BODY).encode("utf-32"), reading={"encoding": "utf-32"}),
    OddFile(
        "latin-1 asked for",
        "c.csv",
        (HEAD + "é,2024-01-25,,à,1\n").encode("latin-1"),
        read=1,
        kept=1,
        mapping={"encoding": "latin-1"},
        row=("é", DAY, None, "à", 1.0),
    ),
    OddFile(
        "French in cp1252 needs no question",
        "c.csv",
        (FRENCH + "1;25/01/2024;;très gênée, où çà;1\n").encode("cp1252"),
        read=1,
        kept=1,
        reading={"encoding": "cp1252"},
    ),
    OddFile(
        "Czech in cp1250 is a question", "c.csv", (HEAD + "1,2024-01-25,,příliš žluťoučký kůň,1\n").encode("cp1250"), error="encoding_ambiguous"
    ),
    OddFile("Polish in cp1250 is a question", "c.csv", (HEAD + "1,2024-01-25,,Łódź opóźnienie,1\n").encode("cp1250"), error="encoding_ambiguous"),
    OddFile(
        "cp1250 as given",
        "c.csv",
        (HEAD + "1,2024-01-25,,kůň,1\n").encode("cp1250"),
        read=1,
        kept=1,
        mapping={"encoding": "cp1250"},
        row=("1", DAY, None, "kůň", 1.0),
        reading={"overridden": ("encoding",)},
    ),
    OddFile(
        "an encoding that cannot be", "c.csv", (HEAD + "é,2024-01-25,,,\n").encode("latin-1"), error="encoding_wrong", mapping={"encoding": "utf-8"}
    ),
    OddFile("an encoding nobody knows", "c.csv", (HEAD + BODY).encode(), error="encoding_unknown", mapping={"encoding": "klingon"}),
    OddFile("undefined bytes of cp1252", "c.csv", (HEAD + "1,2024-01-25,,caf\xe9,1\n2,2024-01-25,,x\x81y,1\n").encode("latin-1"), read=2, kept=2),
    # --- separators and structure
    OddFile("sep=; on the first line", "c.csv", ("sep=;\n" + (HEAD + BODY).replace(",", ";")).encode(), reading={"separator": ";", "header_line": 2}),
    OddFile("a separator given", "c.csv", (HEAD + BODY).replace(",", "~").encode(), mapping={"separator": "~"}, reading={"separator": "~"}),
    OddFile("a separator of two characters", "c.csv", (HEAD + BODY).encode(), mapping={"separator": "||"}, error="separator_wrong"),
    OddFile("pipes", "c.txt", (HEAD + BODY).replace(",", "|").encode(), reading={"separator": "|"}),
    OddFile(
        "a semicolon inside commas",
        "c.csv",
        (HEAD + 'C01,2024-01-25,,"a;b;c",1\nC02,2024-01-25,,"d;e;f",1\n').encode(),
        read=2,
        kept=2,
        row=("C01", DAY, None, "a;b;c", 1.0),
    ),
    OddFile("three header lines", "c.csv", (HEAD * 3 + BODY).encode(), read=5, kept=3, rules={"repeated_header": 2}),
    OddFile(
        "files pasted one below the other",
        "c.csv",
        (HEAD + BODY + HEAD + BODY.replace("C0", "D0")).encode(),
        read=7,
        kept=6,
        rules={"repeated_header": 1},
    ),
    OddFile("prose above the header", "c.csv", ("Export of 30 June,\nby the service desk\n\n" + HEAD + BODY).encode(), reading={"skipped_lines": 3}),
    OddFile(
        "prose without separators above",
        "c.csv",
        ("these rows are the documentation\nthey do not belong here\n" + HEAD + BODY).encode(),
        reading={"header_line": 3},
    ),
    OddFile("a header line given", "c.csv", ("a,b,c,d,e\n" + HEAD + BODY).encode(), mapping={"header_line": 2}, reading={"header_line": 2}),
    OddFile(
        "two figures of a year that stand for never",
        "c.csv",
        b"customer_id;start_date;end_date\nC01;25/01/24;31/12/99\nC02;10/02/24;01/03/25\nC03;31/12/98;31/12/99\n",
        rules={"placeholder_end_date": 1},
        row=("C01", date(2024, 1, 25), None, "", None),
    ),
    OddFile("a totals row", "c.csv", (HEAD + BODY + "Total,,,,200.5\n").encode(), read=4, rules={"totals_row": 1}),
    OddFile("a French totals row", "c.csv", (HEAD + BODY + "TOTAL GÉNÉRAL,,,,200.5\n").encode(), read=4, rules={"totals_row": 1}),
    OddFile(
        "a line of prose below",
        "c.csv",
        (HEAD + BODY + "Generated by the CRM\n").encode(),
        read=4,
        rules={"short_line_padded": 1, "missing_start_date": 1},
    ),
    OddFile("blank lines between", "c.csv", (HEAD + BODY.replace("\n", "\n\n")).encode()),
    OddFile("line ends of two kinds", "c.csv", (HEAD.replace("\n", "\r\n") + BODY).encode()),
    OddFile("no line end at the end", "c.csv", (HEAD + BODY.rstrip("\n")).encode()),
    OddFile("cut off in the last line", "c.csv", (HEAD + BODY + "C04,2024-0").encode(), read=4, rules={"too_few_cells": 1}),
    OddFile(
        "a trailing separator on every line",
        "c.csv",
        (HEAD + BODY).replace("\n", ",\n").encode(),
        reading={"headers": (*HEAD.strip().split(","), "column 6")},
    ),
    OddFile(
        "two columns of one name",
        "c.csv",
        b"customer_id,start_date,Date,Date\n1,2024-01-25,x,y\n",
        read=1,
        kept=1,
        reading={"headers": ("customer_id", "start_date", "Date", "Date (2)")},
    ),
    OddFile(
        "backslash before quotation marks",
        "c.csv",
        (HEAD + r'C01,2024-01-25,,"dit \"le Grand\", ancien",1' + "\n" + BODY.replace("C01", "C09")).encode(),
        read=4,
        kept=4,
        row=("C01", DAY, None, 'dit "le Grand", ancien', 1.0),
        reading={"rewritten": "backslash"},
    ),
    OddFile("a quoted line break in the header", "c.csv", b'customer_id,"start\ndate",x\n1,2024-01-25,y\n', read=1, kept=1),
    OddFile("a gzip of cp1252", "c.csv.gz", gzip.compress((FRENCH + "1;25/01/2024;;Fidèle;1\n").encode("cp1252")), read=1, kept=1),
    OddFile("a gzip cut off", "c.csv.gz", gzip.compress((HEAD + BODY * 999).encode())[:-20], error="gzip_truncated"),
    # --- fixed width
    OddFile(
        "fixed width as an activity log",
        "log.txt",
        _fixed(),
        "activity",
        read=12,
        kept=12,
        row=("00003", date(1997, 1, 13)),
        reading={"rewritten": "fixed_width", "headers": ("customer_id", "date", "number_of_cds", "dollar_value")},
    ),
    OddFile(
        "fixed width with gaps", "clients.txt", _fixed_with_gaps(), read=12, kept=12, row=("C0002", date(2024, 1, 12), None, "grand public", None)
    ),
    OddFile("fixed width without a first day", "log.txt", _fixed(), error="mapping_uncertain"),
    # --- numbers and currencies
    OddFile(
        "narrow no-break spaces and euros",
        "c.csv",
        f"{FRENCH}1;25/01/2024;;a;1{NNBSP}234,50{NBSP}€\n2;26/01/2024;;a;12{NBSP}345{NBSP}€\n".encode(),
        read=2,
        kept=2,
        row=("1", DAY, None, "a", 1234.5),
    ),
    OddFile(
        "dollars before and thousands",
        "c.csv",
        (HEAD + 'C1,2024-01-25,,a,"$1,234.50"\nC2,2024-01-26,,a,"$12,000.00"\n').encode(),
        read=2,
        kept=2,
        row=("C1", DAY, None, "a", 1234.5),
    ),
    OddFile(
        "a comma that could be either", "c.csv", (HEAD + 'C1,2024-01-25,,a,"1,234"\nC2,2024-01-26,,a,"2,500"\n').encode(), error="numbers_ambiguous"
    ),
    OddFile(
        "the same, given",
        "c.csv",
        (HEAD + 'C1,2024-01-25,,a,"1,234"\n').encode(),
        read=1,
        kept=1,
        mapping={"decimal": ","},
        row=("C1", DAY, None, "a", 1.234),
    ),
    OddFile(
        "the same, settled further down",
        "c.csv",
        (
            HEAD + 'C1,2024-01-25,,a,"1,234"\n' * 1 + "".join(f'D{i},2024-01-26,,a,"2,500"\n' for i in range(3000)) + 'E1,2024-01-26,,a,"1,234.5"\n'
        ).encode(),
        read=3002,
        kept=3002,
        row=("C1", DAY, None, "a", 1234.0),
    ),
    OddFile(
        "complaints counted with thousands",
        "v.csv",
        b'month,category,complaints\n2024-05,late,"1,234"\n2024-06,late,"2,500"\n',
        "volumes",
        read=2,
        kept=2,
        row=(date(2024, 5, 1), "late", 1234),
    ),
    OddFile(
        "the sum of all categories",
        "v.csv",
        b"month,category,complaints\n2024-05,late,3\n2024-05,price,4\n2024-05,Total,7\n",
        "volumes",
        kept=2,
        rules={"total_of_categories": 1},
    ),
    # --- dates
    OddFile(
        "American dates",
        "c.csv",
        (HEAD + "C1,01/25/2024,,a,1\nC2,02/03/2024,,a,1\n").encode(),
        read=2,
        kept=2,
        row=("C1", DAY, None, "a", 1.0),
        reading={"date_formats": {"start_date": "month_first", "end_date": "iso"}},
    ),
    OddFile("either day or month first", "c.csv", (HEAD + "C1,01/05/2024,,a,1\n").encode(), error="dates_ambiguous"),
    OddFile(
        "dates with points and two-digit years", "c.csv", (HEAD + "C1,25.01.24,,a,1\n").encode(), read=1, kept=1, row=("C1", DAY, None, "a", 1.0)
    ),
    OddFile(
        "French month names",
        "c.csv",
        (HEAD + "C1,25 janvier 2024,1er févr. 2025,a,1\n").encode(),
        read=1,
        kept=1,
        row=("C1", DAY, date(2025, 2, 1), "a", 1.0),
    ),
    OddFile("hours written 14h30", "c.csv", (HEAD + "C1,25/01/2024 14h30,,a,1\n").encode(), read=1, kept=1, row=("C1", DAY, None, "a", 1.0)),
    OddFile(
        "times of day with AM and PM", "c.csv", (HEAD + "C1,01/25/2024 2:30 PM,,a,1\n").encode(), read=1, kept=1, row=("C1", DAY, None, "a", 1.0)
    ),
    OddFile(
        "Unix seconds",
        "c.csv",
        (HEAD + "C1,1706184000,,a,1\n").encode(),
        read=1,
        kept=1,
        row=("C1", DAY, None, "a", 1.0),
        reading={"time_zones": {"start_date": "UTC"}},
    ),
    OddFile(
        "Unix milliseconds in a zone",
        "c.csv",
        (HEAD + "C1,1706137200000,,a,1\n").encode(),
        read=1,
        kept=1,
        row=("C1", DAY, None, "a", 1.0),
        mapping={"time_zone": "Europe/Paris"},
        reading={"time_zones": {"start_date": "Europe/Paris"}},
    ),
    OddFile("Excel serial numbers", "c.csv", (HEAD + "C1,45316,,a,1\nC2,45317.5,,a,1\n").encode(), read=2, kept=2, row=("C1", DAY, None, "a", 1.0)),
    OddFile(
        "an offset: the day as written",
        "c.csv",
        (HEAD + "C1,2024-01-25T23:30:00-05:00,,a,1\n").encode(),
        read=1,
        kept=1,
        row=("C1", DAY, None, "a", 1.0),
        reading={"time_zones": {"start_date": "as written"}},
    ),
    OddFile(
        "an offset: the day in Paris",
        "c.csv",
        (HEAD + "C1,2024-01-24T23:30:00Z,,a,1\n").encode(),
        read=1,
        kept=1,
        row=("C1", DAY, None, "a", 1.0),
        mapping={"time_zone": "Europe/Paris"},
    ),
    OddFile(
        "day first with an offset", "c.csv", (HEAD + "C1,25/01/2024 23:30 +01:00,,a,1\n").encode(), read=1, kept=1, row=("C1", DAY, None, "a", 1.0)
    ),
    OddFile("a zone that does not exist", "c.csv", (HEAD + BODY).encode(), mapping={"time_zone": "Mars/Olympus"}, error="mapping_value_wrong"),
    # --- books
    OddFile(
        "OpenDocument named .xls",
        "c.xls",
        _ods([line.split(",") for line in (HEAD + BODY).splitlines()]),
        reading={"format": "excel", "sheet": "Feuille1"},
    ),
    OddFile(
        "a dictionary sheet first",
        "c.xlsx",
        _book(
            {
                "Read me": [["Column", "Meaning"], ["customer_id", "the id"]],
                "Data": [HEAD.strip().split(","), ["C01", DAY, None, "retail", 1.5], ["C02", DAY, None, "retail", 2]],
            }
        ),
        read=2,
        kept=2,
        reading={"sheet": "Data", "sheets": ("Read me", "Data")},
    ),
    OddFile(
        "customers beside a fuller sheet of complaints",
        "c.xlsx",
        _book(
            {
                "Clients": [["N° client", "Date d'entrée"], ["1", DAY], ["2", DAY]],
                "Réclamations": [["N° client", "Date de réclamation", "Motif"], *([str(i % 2 + 1), DAY, "retard"] for i in range(9))],
            }
        ),
        read=2,
        kept=2,
        reading={"sheet": "Clients"},
    ),
    OddFile(
        "a title above the table",
        "c.xlsx",
        _book({"Data": [["Customers of 2024"], [], HEAD.strip().split(","), ["C01", DAY, None, "retail", 1.5]]}),
        read=1,
        kept=1,
        reading={"header_line": 3},
    ),
    OddFile(
        "a sheet that is not there",
        "c.xlsx",
        _book({"Data": [["customer_id", "start_date"], ["C01", DAY]]}),
        mapping={"sheet": "Feuil9"},
        error="sheet_not_found",
    ),
    OddFile("one cell in the last corner", "c.xlsx", far_cell(), error="sheet_too_wide"),
    OddFile("an empty book", "c.xlsx", _book({"Data": []}), error="empty_file"),
    # --- columns
    OddFile("no id column", "c.csv", b"name,start_date\nJane,2024-01-25\n", error="mapping_uncertain"),
    OddFile("dates that are none", "c.csv", b"customer_id,start_date\n1,soon\n2,later\n3,never\n", error="values_unreadable"),
    OddFile(
        "a mapped column that is gone",
        "c.csv",
        (HEAD + BODY).encode(),
        mapping={"columns": {"customer_id": "client", "start_date": "start_date"}},
        error="column_not_found",
    ),
    OddFile(
        "an ISO file with leading zeros",
        "c.csv",
        b"customer_id,start_date\n00017,2024-01-25\n017,2024-01-25\n",
        read=2,
        kept=2,
        row=("00017", DAY, None, "", None),
    ),
    OddFile(
        "ids that are whole numbers in a book",
        "c.xlsx",
        _book({"Data": [["customer_id", "start_date"], [17, DAY], [18, DAY]]}),
        read=2,
        kept=2,
        row=("17", DAY, None, "", None),
    ),
)
