"""Small files, one per way of going wrong, and what each must give.

Written to disk by the tests; all data are invented.
"""

from __future__ import annotations

import io
import zipfile
from dataclasses import dataclass

TODAY = "2026-06-30"
CUSTOMERS = """customer_id,start_date,end_date,segment,revenue
C01,2024-01-05,,retail,120.5
C02,2024-02-10,2025-03-01,retail,80
C03,2024-03-15,,business,
"""
COMPLAINTS = """customer_id,complaint_date,category
C01,2024-06-01,billing
C02,2024-07-01,delivery
"""


@dataclass(frozen=True)
class BadRow:
    """One row added to a clean file.

    Attributes:
        name: What is wrong.
        table: Table it is added to.
        row: The line.
        rule: Rule that must apply.
        column: Header that must be named.
        value: Text that must be shown.
        rejected: Whether the row is left out.
    """

    name: str
    table: str
    row: str
    rule: str
    column: str
    value: str
    rejected: bool = True


BAD_ROWS = (
    BadRow("no id", "customers", ",2024-01-01,,retail,1", "missing_customer_id", "customer_id", ""),
    BadRow("id of blanks", "customers", "   ,2024-01-01,,retail,1", "missing_customer_id", "customer_id", ""),
    BadRow("id that says null", "customers", "NULL,2024-01-01,,retail,1", "missing_customer_id", "customer_id", "NULL"),
    BadRow("no start", "customers", "C09,,,retail,1", "missing_start_date", "start_date", ""),
    BadRow("start says n/a", "customers", "C09,N/A,,retail,1", "missing_start_date", "start_date", "N/A"),
    BadRow("start is a word", "customers", "C09,spring,,retail,1", "unparseable_date", "start_date", "spring"),
    BadRow(
        "start on 30 February", "customers", "C09,2024-02-30,,retail,1", "unparseable_date", "start_date", "2024-02-30"
    ),
    BadRow("end is a word", "customers", "C09,2024-01-01,soon,retail,1", "unparseable_date", "end_date", "soon"),
    BadRow("start in year 1", "customers", "C09,0001-01-01,,retail,1", "implausible_date", "start_date", "0001-01-01"),
    BadRow("start in the future", "customers", "C09,2026-07-01,,retail,1", "future_date", "start_date", "2026-07-01"),
    BadRow(
        "end before start",
        "customers",
        "C09,2024-05-02,2024-05-01,retail,1",
        "end_before_start",
        "end_date",
        "2024-05-01",
    ),
    BadRow(
        "end in the future",
        "customers",
        "C09,2024-05-02,2027-05-01,retail,1",
        "future_end_date",
        "end_date",
        "2027-05-01",
        False,
    ),
    BadRow(
        "end never",
        "customers",
        "C09,2024-05-02,9999-12-31,retail,1",
        "future_end_date",
        "end_date",
        "9999-12-31",
        False,
    ),
    BadRow(
        "end is a placeholder",
        "customers",
        "C09,2024-05-02,1900-01-01,x,1",
        "placeholder_end_date",
        "end_date",
        "1900-01-01",
        False,
    ),
    BadRow(
        "end is the epoch",
        "customers",
        "C09,2024-05-02,1970-01-01,x,1",
        "placeholder_end_date",
        "end_date",
        "1970-01-01",
        False,
    ),
    BadRow("negative revenue", "customers", "C09,2024-05-02,,retail,-5", "negative_revenue", "revenue", "-5", False),
    BadRow(
        "revenue is a word", "customers", "C09,2024-05-02,,retail,lots", "unparseable_revenue", "revenue", "lots", False
    ),
    BadRow(
        "same row again",
        "customers",
        "C02,2024-02-10,2025-03-01,retail,80",
        "exact_duplicate",
        "",
        "C02 | 2024-02-10 | 2025-03-01 | retail | 80",
    ),
    BadRow(
        "same id, later start", "customers", "C02,2025-06-01,,retail,80", "duplicate_customer_id", "customer_id", "C02"
    ),
    BadRow(
        "header again",
        "customers",
        "customer_id,start_date,end_date,segment,revenue",
        "repeated_header",
        "",
        "customer_id | start_date | end_date | segment | revenue",
    ),
    BadRow("only separators", "customers", ",,,,", "empty_row", "", ""),
    BadRow("too many cells", "customers", "C09,2024-01-01,,retail,1,2,3", "too_many_cells", "", "C09, …"),
    BadRow("too few cells", "customers", "C09,2024-01-01", "short_line_padded", "", "C09, …", False),
    BadRow("text after a quote", "customers", 'C09,"2024"-01-01,,retail,1', "broken_quotes", "", "C09, …"),
    BadRow("open quote", "customers", '"C09,2024-01-01,,retail,1', "broken_quotes", "", '"C09, …'),
    BadRow("complaint without id", "complaints", ",2024-06-05,billing", "missing_customer_id", "customer_id", ""),
    BadRow("complaint without date", "complaints", "C01,,billing", "missing_complaint_date", "complaint_date", ""),
    BadRow(
        "complaint date is a word",
        "complaints",
        "C01,yesterday,billing",
        "unparseable_date",
        "complaint_date",
        "yesterday",
    ),
    BadRow(
        "complaint in the future", "complaints", "C01,2026-12-01,billing", "future_date", "complaint_date", "2026-12-01"
    ),
    BadRow(
        "complaint in 1899", "complaints", "C01,1899-12-31,billing", "implausible_date", "complaint_date", "1899-12-31"
    ),
    BadRow("blank category", "complaints", "C01,2024-06-05,", "blank_category", "category", "", False),
    BadRow("unknown customer", "complaints", "C99,2024-06-05,billing", "unknown_customer", "customer_id", "C99"),
    BadRow(
        "before the start",
        "complaints",
        "C01,2024-01-04,billing",
        "complaint_before_start",
        "complaint_date",
        "2024-01-04",
    ),
    BadRow(
        "after the departure",
        "complaints",
        "C02,2025-03-02,billing",
        "complaint_after_departure",
        "complaint_date",
        "2025-03-02",
    ),
    BadRow(
        "same complaint again",
        "complaints",
        "C01,2024-06-01,billing",
        "duplicate_complaint",
        "",
        "C01 | 2024-06-01 | billing",
    ),
)



def zipped(*names: str) -> bytes:
    """An archive with these files."""
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        for name in names:
            archive.writestr(name, b"x" * 40)
    return target.getvalue()


# Whole files that are no table: (name, bytes, code of the error).
HTML = b"<!DOCTYPE html><html><body><table><tr><td>customer_id</td></tr></table></body></html>"
NO_TABLES: tuple[tuple[str, bytes, str], ...] = (
    ("nothing.csv", b"", "empty_file"),
    ("blank lines.csv", b"\n\n  \r\n", "empty_file"),
    ("only a BOM.csv", b"\xef\xbb\xbf", "empty_file"),
    ("header only.csv", b"customer_id,start_date\n", "header_only"),
    ("header without line end.csv", b"customer_id;start_date", "header_only"),
    ("page.csv", HTML, "html_file"),
    ("page.xls", b"\n  <html><table><tr><td>a</td></tr></table></html>", "html_file"),
    ("records.csv", b'[{"customer_id": 1}]', "json_file"),
    ("one column.csv", b"customer_id\n1\n2\n", "one_column"),
    (
        "prose.txt",
        b"Dear team, please find below\nour customers of last year\nwith kind regards\nthe marketing\n",
        "one_column",
    ),
    ("picture.csv", b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR" + bytes(range(256)), "document_file"),
    ("document.csv", b"%PDF-1.7\n\x00\x01\x02\x03\x04" * 9, "document_file"),
    ("accounts.numbers", zipped("Index/Document.iwa", "Index/Tables/Tile.iwa", "preview.jpg"), "numbers_file"),
    ("accounts package.numbers", zipped("Index.zip", "Metadata/Properties.plist"), "numbers_file"),
    ("letter.docx", zipped("[Content_Types].xml", "word/document.xml"), "document_file"),
    ("accounts.gsheet", b'{"url": "https://docs.google.com/open?id=x", "doc_id": "x"}', "google_sheet_file"),
    ("archive.csv", b"PK\x03\x04" + bytes(60), "zip_file"),
    ("broken.xlsx", b"PK\x03\x04" + bytes(60), "book_unreadable"),
    ("broken.xls", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "book_unreadable"),
    ("broken.parquet", b"PAR1" + bytes(40), "parquet_unreadable"),
)
