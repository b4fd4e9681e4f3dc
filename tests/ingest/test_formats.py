"""However a table was saved, the same rows come out; however a column is written, it is read as it was meant or
asked about."""

from __future__ import annotations

import contextlib
import gzip
import io
from collections.abc import Callable
from datetime import date, datetime
from pathlib import Path

import pandas as pd
import pytest

from benchmarks.fuzz.books import Sheets, write_xls, write_xlsb
from iceberg.errors import FileError, MappingError
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice
from iceberg.ingest.files.sources import Source, UploadedBytes
from iceberg.ingest.files.text.codepages import tell_codepages_apart
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.rejected_rows import require_rows
from iceberg.locale import Translator

NOW = date(2026, 6, 30)
HEADERS = ["N° client", "Date d'entrée", "Date de résiliation", "Segment", "CA annuel"]
ROWS = [
    ["00017", date(2024, 1, 25), None, "Fidèle, ancien", 1234.5],
    ["00018", date(2023, 12, 3), date(2025, 3, 14), 'dit "le Grand"', 80.0],
    ["00019", date(2024, 2, 1), None, "", None],
    ["00020", date(2020, 2, 29), date(2026, 6, 30), "œuvre\nd'art", 0.0],
]
EXPECTED = [
    ("00017", date(2024, 1, 25), None, "Fidèle, ancien", 1234.5),
    ("00018", date(2023, 12, 3), date(2025, 3, 14), 'dit "le Grand"', 80.0),
    ("00019", date(2024, 2, 1), None, "", None),
    ("00020", date(2020, 2, 29), date(2026, 6, 30), "œuvre\nd'art", 0.0),
]


def text_of(separator: str, dates: str = "%Y-%m-%d", decimal: str = ".", line_end: str = "\n") -> str:
    """The rows as delimited text."""

    def cell(value: object) -> str:
        if value is None:
            return ""
        text = value.strftime(dates) if isinstance(value, date) else str(value)
        text = text.replace(".", decimal) if isinstance(value, float) else text
        return '"' + text.replace('"', '""') + '"' if any(mark in text for mark in (separator, '"', "\n")) else text

    return line_end.join(separator.join(cell(value) for value in row) for row in [HEADERS, *ROWS]) + line_end


def customers_of(source: Source, mapping: MappingSet | None = None) -> list[tuple[object, ...]]:
    """Kept customers in the order of the file."""
    tables, _ = load_tables(source, today=NOW, mapping=mapping)
    with tables:
        return tables.connection.sql("SELECT * FROM customers ORDER BY customer_id").fetchall()


@pytest.mark.parametrize("separator", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
@pytest.mark.parametrize("line_end", ["\n", "\r\n"])
def test_encodings_and_separators_give_identical_tables(
    separator: str, encoding: str, line_end: str, tmp_path: Path
) -> None:
    """Accents, quotes, a quoted line break and leading zeros survive every combination."""
    path = tmp_path / "clients.csv"
    path.write_bytes(text_of(separator, line_end=line_end).encode(encoding))
    assert customers_of(path) == EXPECTED


@pytest.mark.parametrize(
    ("dates", "decimal"),
    [("%d/%m/%Y", ","), ("%m/%d/%Y", "."), ("%d.%m.%Y", ","), ("%d-%m-%Y", "."), ("%Y/%m/%d", "."), ("%Y%m%d", ".")],
)
def test_date_orders_and_decimal_marks_give_identical_tables(dates: str, decimal: str, tmp_path: Path) -> None:
    """A day above 12 settles the order of day and month."""
    path = tmp_path / "clients.csv"
    path.write_text(text_of(";", dates, decimal), encoding="utf-8")
    assert customers_of(path) == EXPECTED


def _excel(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    with pd.ExcelWriter(buffer) as book:
        pd.DataFrame({"Column": ["N° client"], "Meaning": ["the id"]}).to_excel(
            book, sheet_name="Dictionary", index=False
        )
        frame.to_excel(book, sheet_name="Data", index=False)
    return buffer.getvalue()


def _parquet(frame: pd.DataFrame) -> bytes:
    buffer = io.BytesIO()
    frame.to_parquet(buffer)
    return buffer.getvalue()


FRAME = pd.DataFrame(ROWS, columns=HEADERS)
TYPED = FRAME.assign(**{column: pd.to_datetime(FRAME[column]) for column in HEADERS[1:3]})
WAYS: dict[str, Callable[[], tuple[str, bytes]]] = {
    "gzip": lambda: ("clients.csv.gz", gzip.compress(text_of(";").encode("cp1252"))),
    "excel": lambda: ("clients.xlsx", _excel(FRAME)),
    "parquet with dates": lambda: ("clients.parquet", _parquet(TYPED)),
    "parquet with texts": lambda: (
        "clients.parquet",
        _parquet(FRAME.astype(object).where(FRAME.notna(), None).map(lambda v: None if v is None else str(v))),
    ),
    "wrong name": lambda: ("clients.csv", _excel(FRAME)),
    "excel says sep": lambda: ("clients.csv", ("sep=;\r\n" + text_of(";", "%d/%m/%Y", ",", "\r\n")).encode("cp1252")),
    "prose above": lambda: ("clients.csv", ("Export du 30 juin\nService clients\n\n" + text_of(";")).encode()),
}


@pytest.mark.parametrize("way", WAYS)
def test_formats_give_identical_tables_by_path_and_as_upload(way: str, tmp_path: Path) -> None:
    """What the bytes are decides, not the name."""
    name, data = WAYS[way]()
    (tmp_path / name).write_bytes(data)
    assert customers_of(tmp_path / name) == EXPECTED
    assert customers_of(UploadedBytes(name, data)) == EXPECTED


def test_a_frame_is_copied_and_gives_the_same_table() -> None:
    """Changing the frame after loading changes nothing."""
    frame = TYPED.copy()
    tables, _ = load_tables(frame, today=NOW)
    frame["Segment"] = "changed"
    with tables:
        assert tables.connection.sql("SELECT * FROM customers ORDER BY customer_id").fetchall() == EXPECTED


def test_a_sheet_can_be_named_and_a_wrong_name_lists_the_sheets(tmp_path: Path) -> None:
    """``book.xlsx#Sheet`` on the command line."""
    path = tmp_path / "book.xlsx"
    path.write_bytes(_excel(FRAME))
    assert customers_of(f"{path}#Data") == EXPECTED
    with pytest.raises(FileError, match="Dictionary, Data"):
        customers_of(f"{path}#Nowhere")


def test_two_readings_of_a_date_are_a_question_and_not_a_guess(tmp_path: Path) -> None:
    """First-of-month dates fit day-first and month-first, so only the mapping can decide."""
    path = tmp_path / "customers.csv"
    path.write_text("customer_id,start_date\n1,01/05/2024\n2,03/04/2025\n")
    with pytest.raises(MappingError) as caught:
        customers_of(path)
    assert caught.value.code == "dates_ambiguous"
    choices = {name: FieldChoice(name, name) for name in ("customer_id", "start_date")}
    for order, day in (("day_first", date(2024, 5, 1)), ("month_first", date(2024, 1, 5))):
        mapping = MappingSet({"customers": ColumnMapping("customers", choices, date_formats={"start_date": order})})
        assert customers_of(path, mapping)[0][1] == day


def test_a_13th_far_down_the_file_settles_the_order(tmp_path: Path) -> None:
    """The first rows alone would raise a needless question."""
    path = tmp_path / "customers.csv"
    rows = [f"{i},01/05/2024" for i in range(20_000)] + ["last,13/05/2024"]
    path.write_text("customer_id,start_date\n" + "\n".join(rows) + "\n")
    assert customers_of(path)[0][1] == date(2024, 5, 1)


def test_a_column_that_is_blank_at_the_top_is_read_by_its_later_values(tmp_path: Path) -> None:
    """The first thousands have not left; the format of the last day is still found."""
    path = tmp_path / "customers.csv"
    rows = [f"{i},2024-01-05," for i in range(20_000)] + ["last,2024-01-05,25/12/2024"]
    path.write_text("customer_id,start_date,end_date\n" + "\n".join(rows) + "\n")
    assert customers_of(path)[-1] == ("last", date(2024, 1, 5), date(2024, 12, 25), "", None)


def test_a_late_cp1252_byte_changes_the_encoding_of_the_whole_file(tmp_path: Path) -> None:
    """Strict UTF-8 over the whole file first: the byte stands after five megabytes."""
    path = tmp_path / "customers.csv"
    rows = [f"{i:06d},2024-01-05,plain" for i in range(200_000)] + ["last,2024-01-05,caf\u00e9 \u20ac"]
    path.write_bytes(("customer_id,start_date,segment\n" + "\n".join(rows) + "\n").encode("cp1252"))
    assert customers_of(path)[-1][3] == "café €"


def test_line_numbers_are_those_of_an_editor_with_quoted_line_breaks_and_blank_lines(tmp_path: Path) -> None:
    """Quoted line breaks and blank lines count as lines: the bad date stands on line 8."""
    path = tmp_path / "customers.csv"
    path.write_text(
        'customer_id,start_date,segment\na,2024-01-01,"two\nlines"\n\nb,2024-01-01,"three\n\nlines"\nc,tomorrow,x\n'
    )
    _, report = load_tables(path, today=NOW)
    assert [(issue.line, issue.value) for issue in report.issues] == [(8, "tomorrow")]


def test_an_open_quote_costs_its_own_line_only(tmp_path: Path) -> None:
    """A reader that waits for the closing quote would lose the 100,000 rows below."""
    path = tmp_path / "customers.csv"
    rows = [f"{i:06d},2024-01-05,x" for i in range(100_000)]
    rows[50] = '"000050,2024-01-05,x'
    path.write_text("customer_id,start_date,segment\n" + "\n".join(rows) + "\n")
    _, report = load_tables(path, today=NOW)
    assert (report.rows["customers"].read, report.rows["customers"].kept) == (100_000, 99_999)
    assert [(issue.line, issue.rule) for issue in report.issues] == [(52, "broken_quotes")]


def test_columns_that_are_not_mapped_are_listed_as_dropped(tmp_path: Path) -> None:
    """Names and addresses are not read."""
    path = tmp_path / "customers.csv"
    path.write_text(
        "customer_id,start_date,full name,email\n1,2024-01-05,Jane Doe,jane@example.org\n2,x,Joe,joe@example.org\n"
    )
    tables, report = load_tables(path, today=NOW)
    with tables:
        assert report.files[0].dropped == ("full name", "email")
        assert "jane" not in repr(report).lower()
        assert "joe" not in repr(report).lower()


def test_complaints_without_customer_ids_become_volumes() -> None:
    """Dates and categories are enough for evidence level 0."""
    complaints = pd.DataFrame(
        {"date de réclamation": ["2024-05-03", "2024-05-30", "2024-06-01"], "motif": ["retard", "retard", "prix"]}
    )
    tables, report = load_tables(complaints=complaints, today=NOW)
    with tables:
        rows = tables.connection.sql(
            "SELECT month, category, sum(complaints) FROM volumes GROUP BY ALL ORDER BY ALL"
        ).fetchall()
    assert rows == [(date(2024, 5, 1), "retard", 2), (date(2024, 6, 1), "prix", 1)]
    assert report.first_complaint == date(2024, 5, 1)
    assert report.last_day == date(2024, 6, 30)


def test_a_file_whose_rows_are_all_rejected_says_so_with_the_first_one(tmp_path: Path) -> None:
    """The report still holds every issue; asking for an estimate stops."""
    path = tmp_path / "customers.csv"
    path.write_text("customer_id,start_date\n1,2030-01-01\n2,2031-01-01\n")
    _, report = load_tables(path, today=NOW)
    with pytest.raises(Exception, match=r"line 2.*2030-01-01") as caught:
        require_rows(report)
    assert caught.value.code == "all_rows_rejected"


def test_the_temporary_files_are_gone_after_closing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Uploads are spooled to a private folder that does not outlive the tables."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    tables, _ = load_tables(UploadedBytes("c.csv", text_of(";").encode("cp1252")), today=NOW)
    assert list(tmp_path.iterdir())
    tables.close()
    assert not list(tmp_path.iterdir())


def test_what_the_counts_do_not_say_is_noted() -> None:
    """A customer file without a last day, and complaints whose ids are written otherwise."""
    customers = pd.DataFrame({"customer_id": ["001", "002"], "start_date": ["2024-01-05", "2024-02-05"]})
    complaints = pd.DataFrame({"customer_id": ["1", "2"], "complaint_date": ["2024-05-05"] * 2, "category": ["a", "b"]})
    tables, report = load_tables(customers, complaints, today=NOW)
    tables.close()
    assert [code for code, _ in report.notes] == ["no_end_date", "ids_do_not_match"]
    for language in ("en", "fr"):
        assert all(Translator(language).text(f"ingest.notes.{code}", **values) for code, values in report.notes)


def test_a_future_day_is_reported_and_accepted_where_the_analyst_says_that_the_files_reach_so_far() -> None:
    """Simulated and shifted files have days in the future, and so have typing errors; only the analyst knows."""
    text = b"customer_id,start_date,end_date\nA,2025-01-01,\nB,2027-03-01,\nC,2025-01-01,2027-04-01\n"
    tables, report = load_tables(UploadedBytes("c.csv", text), today=date(2026, 6, 30))
    tables.close()
    assert report.read_on == date(2026, 6, 30)
    assert report.rows["customers"].kept == 2
    assert ("dates_in_the_future", {"count": 2, "today": date(2026, 6, 30)}) in report.notes
    tables, report = load_tables(UploadedBytes("c.csv", text), today=date(2026, 6, 30), as_of=date(2027, 12, 31))
    tables.close()
    assert (report.rows["customers"].kept, report.rules, report.last_day) == (3, (), date(2027, 4, 1))
    tables, report = load_tables(UploadedBytes("c.csv", text), today=date(2026, 6, 30), as_of=date(2024, 1, 1))
    tables.close()
    assert report.rows["customers"].kept == 2  # an early last day does not make known days unknown


@pytest.mark.parametrize(("write", "suffix"), [(write_xls, "xls"), (write_xlsb, "xlsb")])
def test_old_and_binary_books_give_days_texts_and_amounts_as_they_are(write: Callable[[Sheets], bytes], suffix: str) -> None:
    """Leading zeros written as text stay, decimals keep their places, a moment gives its day; the sheet that explains the columns is not the data."""
    sheets: dict[str, list[list[object]]] = {
        "Dictionnaire": [["Variable", "Sens"], ["N° client", "identifiant"]],
        "Vide": [],
        "Clients": [
            ["Export du 30 juin"],
            ["N° client", "Date d'entrée", "Date de résiliation", "CA annuel", "Actif"],
            ["00123", date(2024, 3, 4), None, 1234.56, True],
            [777, datetime(2024, 2, 29, 23, 59), date(2025, 12, 31), 0.1, False],
            ["00125", "2024-05-06", "", "12,5 €", None],
        ],
    }
    tables, report = load_tables(UploadedBytes(f"livre.{suffix}", write(sheets)), today=date(2026, 6, 30))
    with tables:
        rows = tables.connection.sql("SELECT customer_id, start_date, end_date, revenue FROM customers ORDER BY start_date").fetchall()
    assert rows == [
        ("777", date(2024, 2, 29), date(2025, 12, 31), 0.1),
        ("00123", date(2024, 3, 4), None, 1234.56),
        ("00125", date(2024, 5, 6), None, 12.5),
    ]
    [reading] = report.files
    assert (reading.format, reading.sheet, reading.sheets, reading.header_line) == ("excel", "Clients", ("Dictionnaire", "Vide", "Clients"), 2)


@pytest.mark.parametrize(
    ("cells", "amounts"),
    [
        (["1234.56", "0.1", "12,5 €"], [1234.56, 0.1, 12.5]),  # numbers of a sheet beside typed text
        (["12,5 €", "1 234,5", "7,25", "1234.56"], [12.5, 1234.5, 7.25, 1234.56]),
        (["1,234.50", "2,000.00", "1.234,50"], [1234.5, 2000.0, 1234.5]),
        (["1.234,50", "2.000,00", "1.234"], [1234.5, 2000.0, 1234.0]),
        (["(1 234,50)", "12,00", "(3,5)"], [None, 12.0, None]),  # what is owed to a customer is no revenue
        (["12,34,567.50", "1,234.00"], [1234567.5, 1234.0]),
        (["$1,200.00", "$3.5", "12%"], [1200.0, 3.5, 12.0]),
        (["1,2,3", "4.50", "5.50"], [None, 4.5, 5.5]),
    ],
)
def test_an_amount_is_never_ten_times_too_large(cells: list[str], amounts: list[float | None]) -> None:
    """Cells that follow the other convention are read as they can only be meant; what fits neither is reported."""
    text = "customer_id;start_date;revenue\n" + "".join(f"C{n};2024-01-05;{cell}\n" for n, cell in enumerate(cells))
    tables, report = load_tables(UploadedBytes("c.csv", text.encode()), today=NOW)
    with tables:
        rows = tables.connection.sql("SELECT revenue FROM customers ORDER BY customer_id").fetchall()
    assert [row[0] for row in rows] == amounts
    assert sum(count.rows for count in report.rules) == amounts.count(None)


def test_a_number_of_a_sheet_keeps_its_three_decimals_among_commas() -> None:
    cells = [["N° client", "Date d'entrée", "CA annuel"], *([f"C{n}", date(2024, 1, 5), "12,5"] for n in range(3)), ["C9", date(2024, 1, 5), 1.234]]
    tables, _ = load_tables(UploadedBytes("c.xls", write_xls({"x": cells})), today=NOW)
    with tables:
        assert tables.connection.sql("SELECT revenue FROM customers WHERE customer_id = 'C9'").fetchall() == [(1.234,)]


def test_a_frame_read_backwards_gives_the_same_rows() -> None:
    """Views with negative strides are what pandas makes of ``[::-1]``."""
    frame = pd.DataFrame({"id": ["a", "b", "c"], "start_date": pd.date_range("2024-01-01", periods=3), "revenue": [1.0, 2.0, 3.0]})
    frame = frame.rename(columns={"id": "customer_id"})
    for given in (frame.iloc[::-1], frame.iloc[:, ::-1], frame.astype({"customer_id": "string"}).iloc[::-1], frame.iloc[::-1].iloc[:, ::-1]):
        tables, _ = load_tables(given, today=date(2026, 6, 30))
        with tables:
            rows = tables.connection.sql("SELECT customer_id, start_date, revenue FROM customers ORDER BY 1").fetchall()
        assert rows == [("a", date(2024, 1, 1), 1.0), ("b", date(2024, 1, 2), 2.0), ("c", date(2024, 1, 3), 3.0)]


def test_amounts_that_are_no_number_in_typed_files_are_reported(tmp_path: Path) -> None:
    """Infinite amounts are errors; NaN is a blank cell of a frame."""
    frame = pd.DataFrame({"customer_id": list("abc"), "start_date": pd.date_range("2024-01-01", periods=3)})
    frame["revenue"] = [float("inf"), float("nan"), 5.0]
    frame.to_parquet(tmp_path / "c.parquet")
    tables, report = load_tables(tmp_path / "c.parquet", today=date(2026, 6, 30))
    tables.close()
    assert [(count.rule, count.rows, count.rejected) for count in report.rules] == [("unparseable_revenue", 1, False)]
    assert [(issue.line, issue.value) for issue in report.issues] == [(1, "inf")]


@pytest.mark.parametrize("text", ["Søren Kjær;København;før;læge;Malmø", "Bjørn;Tromsø;kjøpt;være", "Åsa;förseningar;Malmö"])
def test_northern_letters_decide_for_the_western_code_page(text: str) -> None:
    """An ø or æ between consonants is Danish or Norwegian; the same bytes as ř or ć stand beside a vowel."""
    assert tell_codepages_apart([text.encode("cp1252")]).certain


@pytest.mark.parametrize("text", ["příliš;dobře;tři;lékař;Dvořák", "być;robić;zażółć;ćwiczenia", "kuća;Jurić;Kovačević"])
def test_the_same_bytes_in_central_european_words_are_a_question(text: str) -> None:
    assert not tell_codepages_apart([text.encode("cp1250")]).certain


@pytest.mark.parametrize(("above", "below"), [("\n", "\r\n"), ("\r\n", "\n")])
def test_a_preamble_with_other_line_ends_hides_no_row(above: str, below: str) -> None:
    """A script wrote the title and Excel the rows; DuckDB would skip all rows silently."""
    rows = below.join(["customer_id;start_date;end_date", "1;2024-01-05;", "2;2024-01-06;2025-01-01", ""])
    tables, report = load_tables(UploadedBytes("c.csv", f"Export{above}Service client{above}{above}{rows}".encode()), today=NOW)
    tables.close()
    assert (report.rows["customers"].read, report.rows["customers"].kept) == (2, 2)
    assert report.files[0].header_line == 4


def test_a_broken_old_book_is_refused_and_says_nothing_on_the_terminal(capfd: pytest.CaptureFixture[str]) -> None:
    """The library that reads it panics, which is not a Python exception, and writes to the terminal."""
    book = write_xls({"x": [["customer_id", "start_date"], *(["C1", date(2024, 1, 5)] for _ in range(50))]})
    for size in range(600, len(book), 500):
        with contextlib.suppress(FileError, MappingError):
            tables, _ = load_tables(UploadedBytes("c.xls", book[:size]), today=NOW)
            tables.close()
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    ("page", "text"),
    [
        ("mac_roman", "Date d'entrée;Date de résiliation;Région"),
        ("cp850", "Date d'entrée;Date de résiliation;Région"),
        ("cp850", "Kündigung;Kündigungsdatum"),
        ("cp850", "año;señor;reclamación"),
    ],
)
def test_what_excel_saves_for_a_mac_or_for_dos_is_a_question_with_both_readings(page: str, text: str) -> None:
    """Windows has signs and capitals where these pages have small letters with accents: "rŽsiliation"."""
    body = f"customer_id;start_date;{text}\n" + "C1;2024-01-05;;;\n" * 3
    source = UploadedBytes("c.csv", body.encode(page))
    with pytest.raises(MappingError) as caught:
        load_tables(source, today=NOW)
    assert caught.value.code == "encoding_ambiguous"
    assert caught.value.values["second"] == page
    assert page in caught.value.message("en")
    assert caught.value.values["second_says"].split(", ")[0] in text
    assert caught.value.proposal is not None
    tables, report = load_tables(source, mapping=caught.value.proposal, today=NOW)
    tables.close()
    assert report.files[0].encoding == page
    assert report.rows["customers"].kept == 1  # the same row three times


@pytest.mark.parametrize("text", ["l’été “quoted” – 12 € … Œuvre cœur", "N° 5 ; 12 m² ; ½ ; n°12 « ça »", "Straße;Größe;Süd", "señor;¿qué?;año"])
def test_signs_of_windows_are_no_letters_of_older_pages(text: str) -> None:
    assert tell_codepages_apart([text.encode("cp1252")]).certain


@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_column_with_both_orders_of_day_and_month_is_a_question(language: str) -> None:
    """13/01 can only be day first and 01/13 only month first, so 03/04 is ambiguous."""
    dates = [f"{1 + n % 28:02d}/{1 + n % 12:02d}/2024" if n % 2 else f"{1 + n % 12:02d}/{1 + n % 28:02d}/2024" for n in range(80)]
    source = UploadedBytes("c.csv", ("customer_id,start_date\n" + "".join(f"C{n},{day}\n" for n, day in enumerate(dates))).encode())
    with pytest.raises(MappingError) as caught:
        load_tables(source, today=NOW)
    assert caught.value.code == "dates_mixed"
    said = caught.value.message(language)
    assert "start_date" in said
    assert "day_first" in said
    mapping = MappingSet({"customers": ColumnMapping("customers", date_formats={"start_date": "day_first"})})
    tables, report = load_tables(source, mapping=mapping, today=NOW)
    tables.close()
    assert 0 < report.rows["customers"].rejected < 80


def test_one_typing_error_does_not_make_a_column_ambiguous() -> None:
    dates = [f"{1 + n % 28:02d}/{1 + n % 12:02d}/2024" for n in range(79)] + ["02/27/2024"]
    source = UploadedBytes("c.csv", ("customer_id,start_date\n" + "".join(f"C{n},{day}\n" for n, day in enumerate(dates))).encode())
    tables, report = load_tables(source, today=NOW)
    tables.close()
    assert report.rows["customers"].rejected == 1


@pytest.mark.parametrize("word", ["en cours", "Actif", "Present", "still active", "never", "n.a."])
def test_a_word_for_still_here_is_no_unreadable_last_day(word: str) -> None:
    """Two of three customers have not left; as unreadable dates, they would be rejected."""
    rows = "".join(f"C{n},05/01/2024,{'14/01/2025' if n % 3 == 0 else word}\n" for n in range(60))
    tables, report = load_tables(UploadedBytes("c.csv", ("customer_id,start_date,end_date\n" + rows).encode()), mapping=_day_first(), today=NOW)
    with tables:
        assert tables.connection.sql("SELECT count(*), count(end_date) FROM customers").fetchall() == [(60, 20)]
    assert ("words_for_still_here", {"file": "c.csv", "column": "end_date", "words": word}) in report.notes


def _day_first() -> MappingSet:
    return MappingSet({"customers": ColumnMapping("customers", date_formats={"start_date": "day_first"})})


def test_words_for_still_here_are_no_first_day() -> None:
    rows = "".join(f"C{n},{'2024-01-05' if n % 3 else 'en cours'}\n" for n in range(60))
    tables, report = load_tables(UploadedBytes("c.csv", ("customer_id,start_date\n" + rows).encode()), today=NOW)
    tables.close()
    assert {count.rule: count.rows for count in report.rules} == {"unparseable_date": 20}


@pytest.mark.parametrize("size", [512, 4096])
def test_an_old_book_whose_sectors_go_round_in_a_circle_is_refused_before_it_is_opened(size: int) -> None:
    """Its reader would take each sector again and again until memory is full, and end the whole process."""
    book = bytearray(write_xls({"x": [["customer_id", "start_date"], *(["C1", date(2024, 1, 5)] for _ in range(size // 8))]}))
    sector = 1 << int.from_bytes(book[30:32], "little")
    table = (int.from_bytes(book[76:80], "little") + 1) * sector
    following = [int.from_bytes(book[table + 4 * place : table + 4 * place + 4], "little") for place in range(sector // 4)]
    place = next(number for number, after in enumerate(following) if after == number + 1)
    book[table + 4 * (place + 1) : table + 4 * (place + 2)] = place.to_bytes(4, "little")
    with pytest.raises(FileError) as caught:
        load_tables(UploadedBytes("c.xls", bytes(book)), today=NOW)
    assert caught.value.code == "book_unreadable"
