"""Files inside files: a zip with one export in it, and tables of web pages that systems call .xls."""

import io
import zipfile
from datetime import date, datetime

import openpyxl
import pytest

from iceberg.errors import FileError, MappingError
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables

NOW = date(2026, 6, 30)
TEXT = "customer_id,start_date,end_date\nC01,2024-01-05,\nC02,2024-02-10,2025-03-01\nC03,2024-03-15,\n"
PAGE = (
    "<html><head><meta charset='utf-8'><style>td {color: red}</style></head><body><h1>Report</h1><table><tr><td>menu</td></tr></table>"
    "<table><tr><th>Customer ID</th><th>Start date</th><th>End date</th><th colspan=2>Agence</th></tr>"
    "<tr><td>C01</td><td>2024-01-05</td><td>&nbsp;</td><td>Lyon &amp; C<sup>ie</sup></td><td>x</td></tr>"
    "<tr><td>C02<td>2024-02-10<td>2025-03-01<td>Évry<td>y"
    "<tr><td>C03</td><td>2024-03-15</td></tr></table></body></html>"
)
XML = (
    '<?xml version="1.0"?><?mso-application progid="Excel.Sheet"?><Workbook xmlns="urn:x" xmlns:ss="urn:x"><Worksheet ss:Name="A"><Table>'
    "<Row><Cell><Data>customer_id</Data></Cell><Cell><Data>start_date</Data></Cell><Cell><Data>end_date</Data></Cell></Row>"
    '<Row><Cell><Data ss:Type="String">C01</Data></Cell><Cell><Data>2024-01-05T00:00:00.000</Data></Cell><Cell/></Row>'
    '<Row><Cell><Data>C02</Data></Cell><Cell><Data>2024-02-10</Data></Cell><Cell ss:Index="3"><Data>2025-03-01</Data></Cell></Row>'
    "<Row><Cell><Data>C03</Data></Cell><Cell><Data>2024-03-15</Data></Cell></Row></Table></Worksheet></Workbook>"
)


def packed(**files: bytes) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name.replace("__", "."), data)
    return buffer.getvalue()


def book() -> bytes:
    buffer, sheet = io.BytesIO(), openpyxl.Workbook()
    for row in [["customer_id", "start_date", "end_date"], ["C01", "2024-01-05"], ["C02", "2024-02-10", "2025-03-01"], ["C03", "2024-03-15"]]:
        sheet.active.append(row)
    sheet.save(buffer)
    return buffer.getvalue()


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("export.zip", packed(customers__csv=TEXT.encode())),
        ("export.zip", packed(customers__csv=TEXT.replace(",", ";").encode("utf-16"))),
        ("export.zip", packed(customers__xlsx=book())),
        ("export.zip", packed(customers__xls=PAGE.encode())),
        ("report.xls", PAGE.encode()),
        ("report.xls", PAGE.replace("utf-8", "windows-1252").encode("cp1252")),
        ("report.xls", ("\ufeff" + PAGE).encode()),
        ("report.xls", XML.encode()),
    ],
)
def test_the_table_inside_is_read_as_if_it_stood_alone(name: str, data: bytes) -> None:
    tables, report = load_tables(UploadedBytes(name, data), today=NOW)
    with tables:
        rows = tables.connection.sql("SELECT customer_id, start_date, end_date FROM customers ORDER BY 1").fetchall()
    assert rows == [("C01", date(2024, 1, 5), None), ("C02", date(2024, 2, 10), date(2025, 3, 1)), ("C03", date(2024, 3, 15), None)]
    assert report.files[0].file == name


def test_a_segment_of_a_web_table_keeps_its_letters() -> None:
    tables, _ = load_tables(UploadedBytes("report.xls", PAGE.encode("cp1252")), today=NOW)
    with tables:
        assert tables.connection.sql("SELECT segment FROM customers ORDER BY customer_id").fetchall() == [("Lyon & Cie",), ("Évry",), ("",)]


@pytest.mark.parametrize(
    ("data", "code", "names"),
    [
        (packed(a__csv=TEXT.encode(), b__csv=TEXT.encode()), "zip_file", "a.csv, b.csv"),
        (packed(a__zip=packed(b__csv=TEXT.encode())), "zip_file", ".zip"),
        (packed(a__csv=bytes(300 << 20)), "unpacks_too_large", "export.zip"),
        (b"PK\x03\x04" + bytes(60), "zip_file", "export.zip"),
    ],
)
@pytest.mark.parametrize("language", ["en", "fr"])
def test_an_archive_that_is_not_one_table_is_refused(data: bytes, code: str, names: str, language: str) -> None:
    with pytest.raises(FileError) as caught:
        load_tables(UploadedBytes("export.zip", data), today=NOW)
    assert caught.value.code == code
    assert names in caught.value.message(language)


@pytest.mark.parametrize("page", ["<html><body>Log in</body></html>", "<table><tr><td>only</td></tr></table>", "<?xml version='1.0'?><a><b/></a>"])
def test_a_page_without_a_table_is_refused(page: str) -> None:
    with pytest.raises(FileError) as caught:
        load_tables(UploadedBytes("report.xls", page.encode()), today=NOW)
    assert caught.value.code == "html_file"


def sheet(rows: list[list[object]]) -> UploadedBytes:
    buffer, made = io.BytesIO(), openpyxl.Workbook()
    for row in rows:
        made.active.append(row)
    made.save(buffer)
    return UploadedBytes("c.xlsx", buffer.getvalue())


HEADER = ["N° client", "Date d'entrée", "Date de résiliation", "Agence", "CA annuel"]
ROWS = [[f"{n:04d}", datetime(2024, 1, 1 + n % 28), None, "Lyon", 100 + n] for n in range(40)]


@pytest.mark.parametrize(
    ("above", "header_row"),
    [([["Responsable", "Mme Durand", "Service"], ["Édité le", datetime(2026, 6, 30), "à"], []], 4), ([[None, "Client", None, "Dates"]], 2)],
)
def test_lines_of_several_cells_above_the_header_are_no_header(above: list[list[object]], header_row: int) -> None:
    tables, report = load_tables(sheet([*above, HEADER, *ROWS]), today=NOW)
    tables.close()
    assert report.files[0].header_line == header_row
    assert report.rows["customers"].kept == 40


def test_a_column_without_a_name_is_listed_as_dropped() -> None:
    tables, report = load_tables(sheet([[None, *HEADER], *([n, *row] for n, row in enumerate(ROWS))]), today=NOW)
    tables.close()
    assert report.files[0].dropped == ("column 1",)


def test_cells_that_are_dates_and_cells_that_are_texts_are_both_read() -> None:
    rows = [[f"K{n}", f"{1 + n % 28:02d}/03/2024" if n % 2 else datetime(2024, 3, 1 + n % 28)] for n in range(40)]
    tables, report = load_tables(sheet([["Client", "Date d'entrée"], *rows]), today=NOW)
    tables.close()
    assert report.rows["customers"].kept == 40


@pytest.mark.parametrize("language", ["en", "fr"])
def test_dates_that_a_spreadsheet_turned_round_are_refused(language: str) -> None:
    """A French export opened under American settings: 03/04 became 4 March, 13/04 stayed a text."""
    days = [(1 + n % 28, 1 + n % 12) for n in range(60)]
    rows = [[f"K{n}", f"{day}/{month:02d}/2024" if day > 12 else datetime(2024, day, month)] for n, (day, month) in enumerate(days)]
    with pytest.raises(MappingError) as caught:
        load_tables(sheet([["Client", "Date d'entrée"], *rows]), today=NOW)
    assert caught.value.code == "dates_half_converted"
    said = caught.value.message(language)
    assert "13/01/2024" in said
    assert "[customers.date_formats]" in said
