"""Flat sheets without dates are recognised by their headers; every row is counted and no departure is lost."""

from pathlib import Path

import openpyxl
import pytest

from iceberg.errors import MappingError
from iceberg.ingest.columns.flat_sheet import complaint_name, tenure_unit
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.recognise import recognise_tables


def load(text: str, *, name: str = "sheet.csv", encoding: str = "utf-8", mapping: MappingSet | None = None):
    tables, report = load_tables(UploadedBytes(name, text.encode(encoding)), mapping=mapping)
    with tables:
        columns = "tenure_months, churned, category, segment, revenue"
        rows = tables.connection.sql(f"SELECT {columns} FROM flat ORDER BY ALL").fetchall()
    return rows, report


def spoken(report) -> dict[str, int]:
    return {count.rule: count.rows for count in report.rules}


def test_double_spaces_no_id_and_equal_rows_are_all_kept() -> None:
    """Without an id, two equal rows may be two people."""
    rows, report = load(
        "Call  Failure,Complains,Subscription  Length,Tariff Plan,Status,Customer Value,Churn\n"
        "8,0,38,1,1,197.64,0\n8,0,38,1,1,197.64,0\n0,1,12,2,1,10,1\n"
    )
    assert rows == [(12, True, "complaint", "2", 10), (38, False, None, "1", 197.64), (38, False, None, "1", 197.64)]
    assert report.rows["flat"].kept == report.rows["flat"].read == 3
    assert {"flat_no_id", "flat_one_category", "flat_tenure_in_months", "flat_tenure_unit"} == {code for code, _ in report.notes}


def test_tenure_zero_and_blank_tenure_are_kept_and_the_blank_ones_counted() -> None:
    rows, report = load("CustomerID,Churn,Tenure,Complain\n1,1,0,1\n2,1,,0\n3,0,4.0,0\n4,0,abc,1\n5,0,7,0\n")
    assert [row[:3] for row in rows] == [
        (0, True, "complaint"), (4, False, None), (7, False, None), (None, False, "complaint"), (None, True, None)
    ]  # fmt: skip
    assert spoken(report) == {"unknown_tenure": 2}
    assert report.rows["flat"].rejected == 0


def test_a_french_sheet_with_decimal_commas_yes_and_no_and_tenure_in_days() -> None:
    rows, report = load(
        "N° client;Résilié;Ancienneté (jours);Réclamation;CA annuel\n1;Oui;30,4375;Oui;1 200,50\n2;Non;365,25;Non;\n",
        encoding="cp1252",
    )
    assert rows == [(pytest.approx(1.0), True, "réclamation", "", 1200.5), (pytest.approx(12.0), False, None, "", None)]
    assert report.files[0].encoding == "cp1252"


def test_words_in_the_complaint_column_are_categories() -> None:
    rows, _ = load("id,tenure,churned,complaint\n1,3,yes,price\n2,4,no,\n3,5,no,delivery\n4,1,yes,price\n")
    assert [row[2] for row in rows] == ["price", "price", None, "delivery"]


def test_each_row_that_cannot_be_used_is_named() -> None:
    good = "".join(f"x{i},{i},no,no\n" for i in range(30))
    _, report = load(
        "id,tenure,churned,complained\n1,3,yes,no\n2,4,,no\n3,5,perhaps,no\n3b,5,no,\n4,1,no,yes\n4,1,no,yes\n5,1,no,yes\n5,2,no,yes\n" + good
    )
    assert spoken(report) == {
        "missing_churned": 1, "unreadable_flag": 1, "blank_complained": 1, "exact_duplicate": 1, "duplicate_customer_id": 1
    }  # fmt: skip
    assert (report.rows["flat"].read, report.rows["flat"].kept, report.rows["flat"].rejected) == (38, 34, 4)
    assert next((issue.line, issue.value) for issue in report.issues if issue.rule == "unreadable_flag") == (4, "perhaps")


def test_the_data_dictionary_sheet_is_not_the_data(tmp_path: Path) -> None:
    book = openpyxl.Workbook()
    book.active.title = "Data Dict"
    for row in (("Variable", "Description"), ("Churn", "left or not"), ("Tenure", "months")):
        book.active.append(row)
    data = book.create_sheet("Customers")
    data.append(("CustomerID", "Churn", "Tenure", "Complain"))
    for number in range(40):
        data.append((number, number % 2, number, 0))
    path = tmp_path / "book.xlsx"
    book.save(path)
    tables, report = load_tables(path)
    tables.close()
    assert report.files[0].sheet == "Customers"
    assert report.rows["flat"].kept == 40


def test_a_file_with_dates_is_no_flat_sheet_and_a_sheet_beside_dated_complaints_is_refused() -> None:
    dated = UploadedBytes("c.csv", b"customer_id,start_date,end_date,tenure,churn\n1,2024-01-01,,3,0\n")
    tables, report = load_tables(dated)
    tables.close()
    assert set(report.rows) == {"customers"}
    sheet = UploadedBytes("s.csv", b"customer_id,tenure,churn\n1,3,0\n2,4,1\n")
    complaints = UploadedBytes("k.csv", b"customer_id,complaint_date,category\n1,2024-01-13,price\n")
    with pytest.raises(MappingError, match="flat sheet without dates"):
        load_tables(sheet, complaints)


def test_check_takes_a_flat_sheet_for_the_customers() -> None:
    assert [list(group) for group in recognise_tables([UploadedBytes("s.csv", b"tenure,churn,complain\n1,0,0\n2,1,1\n")])] == [["customers"]]


def test_a_saved_mapping_names_columns_that_cannot_be_guessed() -> None:
    choices = {"tenure": FieldChoice("tenure", "age_m"), "churned": FieldChoice("churned", "gone_flag")}
    rows, _ = load("age_m,gone_flag\n3,1\n4,0\n", mapping=MappingSet({"flat": ColumnMapping("flat", choices)}))
    assert [row[:2] for row in rows] == [(3, True), (4, False)]


@pytest.mark.parametrize(
    ("header", "sample", "unit"),
    [
        ("tenure", ("3", "70"), "months"),
        ("tenure", ("3", "3100"), "days"),
        ("Ancienneté (jours)", ("3",), "days"),
        ("Tenure in years", ("3",), "years"),
        ("ancienneté en mois", ("9999",), "months"),
    ],
)
def test_the_unit_of_tenure_comes_from_the_header_else_from_its_size(header: str, sample: tuple[str, ...], unit: str) -> None:
    assert tenure_unit(header, sample) == unit


def test_the_one_category_is_named_in_the_language_of_the_header() -> None:
    assert (complaint_name("Complains"), complaint_name("A réclamé"), complaint_name("plaintes")) == ("complaint", "réclamation", "réclamation")


def test_a_tenure_without_a_unit_is_months_until_the_mapping_says_otherwise() -> None:
    text = "CustomerId,Tenure,Exited,Complain\n1,2,1,1\n2,5,0,0\n"
    rows, report = load(text)
    assert [row[0] for row in rows] == [2, 5]
    assert "flat_tenure_unit" in {code for code, _ in report.notes}
    tables, report = load_tables(UploadedBytes("b.csv", text.encode()), mapping=MappingSet.from_dict({"flat": {"tenure_unit": "years"}}))
    with tables:
        assert tables.connection.sql("SELECT tenure_months FROM flat ORDER BY 1").fetchall() == [(24.0,), (60.0,)]
    assert "flat_tenure_unit" not in {code for code, _ in report.notes}


@pytest.mark.parametrize(
    ("header", "cells", "left"),
    [
        ("Actif", ["Oui", "Non", "Oui"], [False, True, False]),
        ("Actif", ["1", "0", "1"], [False, True, False]),
        ("Statut", ["Actif", "Résilié", "actif"], [False, True, False]),
        ("Actif", ["Actif", "Résiliée", "Actif"], [False, True, False]),
        ("Résilié (O/N)", ["O", "N", "N"], [True, False, False]),
        ("Customer Status", ["Stayed", "Churned", "Joined"], [False, True, False]),
        ("Attrition_Flag", ["Existing Customer", "Attrited Customer", "Existing Customer"], [False, True, False]),
    ],
)
def test_who_left_is_read_whichever_way_the_question_is_put(header: str, cells: list[str], left: list[bool]) -> None:
    """ "Active: no" is a departure; a word such as "cancelled" means what it says in any column."""
    text = f"N° client;Ancienneté (mois);{header}\n" + "".join(f"{n};{n};{cell}\n" for n, cell in enumerate(cells))
    rows, report = load(text)
    assert [row[1] for row in rows] == left
    assert ("flag_still_here" in {code for code, _ in report.notes}) == (header == "Actif")


def test_numbers_in_a_column_called_status_are_codes_and_not_answers() -> None:
    with pytest.raises(MappingError):
        load("CustomerID,Tenure,Status\n1,2,1\n2,5,2\n")


def test_who_left_without_any_time_is_refused_with_that_reason() -> None:
    with pytest.raises(MappingError) as caught:
        load("msno,is_churn\na,1\nb,0\n")
    assert caught.value.code == "left_without_time"
