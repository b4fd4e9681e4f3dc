"""Complaints without a category raise a question, then count under the one name that the mapping gives."""

from pathlib import Path

import pytest

from iceberg.cohort.reduce import reduce_tables
from iceberg.errors import MappingError
from iceberg.ingest.columns.mapping import ColumnMapping
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet

PEOPLE = [f"C{i:03},2024-0{1 + i % 6}-03,{'2025-03-14' if i % 4 == 0 else ''}" for i in range(80)]
ASKED = [f"T{i},C{i:03},2025-0{1 + i % 3}-07,{i}" for i in range(0, 80, 5)]
CUSTOMERS = UploadedBytes("customers.csv", "\n".join(["customer_id,start_date,end_date", *PEOPLE, ""]).encode())
TICKETS = UploadedBytes("tickets.csv", "\n".join(["ticket,customer_id,created_at,wait_minutes", *ASKED, ""]).encode())
TOLD = MappingSet({"complaints": ColumnMapping("complaints", one_category="All tickets")})


def test_a_missing_category_is_a_question_with_what_to_write() -> None:
    with pytest.raises(MappingError) as caught:
        load_tables(CUSTOMERS, TICKETS)
    assert caught.value.code == "category_missing"
    for language in ("en", "fr"):
        said = caught.value.message(language)
        assert "one_category = " in said
        assert "[complaints]" in said


def test_every_complaint_counts_under_the_name_and_no_cell_is_called_blank() -> None:
    tables, report = load_tables(CUSTOMERS, TICKETS, mapping=TOLD)
    with tables:
        counts = reduce_tables(tables)
    assert counts.categories == ("All tickets",)
    assert int(counts.complaints.sum()) == 16
    assert [count for count in report.rules if count.table == "complaints"] == []
    assert ("one_category", {"file": "tickets.csv", "category": "All tickets"}) in report.notes


def test_complaints_alone_count_under_the_name() -> None:
    anonymous = UploadedBytes("tickets.csv", b"created_at,wait_minutes\n" + b"2025-01-07,3\n2025-01-09,4\n2025-02-07,5\n")
    tables, report = load_tables(complaints=anonymous, mapping=TOLD)
    with tables:
        assert tables.connection.sql("SELECT category, sum(complaints) FROM volumes GROUP BY 1").fetchall() == [("All tickets", 3)]
    assert report.rows["volumes"].kept == 3


def test_numbers_of_complaints_per_month_need_no_category() -> None:
    monthly = UploadedBytes("volumes.csv", b"month,complaints\n2025-01,12\n2025-02,9\n")
    mapping = MappingSet({"volumes": ColumnMapping("volumes", one_category="All tickets")})
    tables, _ = load_tables(volumes=monthly, mapping=mapping)
    with tables:
        assert tables.connection.sql("SELECT category, sum(complaints) FROM volumes GROUP BY 1").fetchall() == [("All tickets", 21)]


def test_a_sheet_of_customers_is_not_made_to_complain() -> None:
    sheet = UploadedBytes("sheet.csv", ("CustomerID,Tenure,Churn\n" + "".join(f"C{i},{i},{'Yes' if i % 4 else 'No'}\n" for i in range(40))).encode())
    tables, _ = load_tables(flat=sheet, mapping=MappingSet({"flat": ColumnMapping("flat", one_category="All tickets", tenure_unit="months")}))
    with tables:
        assert tables.connection.sql("SELECT count(category) FROM flat").fetchall() == [(0,)]


def test_a_named_column_is_stronger_and_a_guessed_one_is_not() -> None:
    """With one name in the mapping, a column that looks like a category is not read as one."""
    reasons = UploadedBytes("tickets.csv", b"customer_id,created_at,category\nC000,2025-01-07,Billing\nC001,2025-01-08,Delivery\n")
    columns = {"customer_id": "customer_id", "complaint_date": "created_at", "category": "category"}
    named = MappingSet.from_dict({"complaints": {"one_category": "All tickets", "columns": columns}})
    for mapping, expected in ((TOLD, {"All tickets"}), (named, {"Billing", "Delivery"})):
        tables, _ = load_tables(CUSTOMERS, reasons, mapping=mapping)
        with tables:
            assert {name for (name,) in tables.connection.sql("SELECT DISTINCT category FROM complaints").fetchall()} == expected


@pytest.mark.parametrize("name", ["mapping.toml", "mapping.json"])
def test_the_name_is_saved_with_the_mapping(tmp_path: Path, name: str) -> None:
    TOLD.save(tmp_path / name)
    assert MappingSet.load(tmp_path / name) == TOLD
