"""Volumes in the layouts of reports: months across, categories across, year and month apart; other periods are refused."""

from __future__ import annotations

from datetime import date

import pytest

from iceberg.errors import MappingError
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.recognise import recognise_table
from iceberg.ingest.tables import IngestReport
from iceberg.locale import LANGUAGES

NOW = date(2026, 6, 30)
EXPECTED = [
    (date(2025, 1, 1), "Facturation", 12),
    (date(2025, 1, 1), "Livraison", 1234),
    (date(2025, 2, 1), "Facturation", 0),
    (date(2025, 2, 1), "Livraison", 7),
]


def load(text: str, mapping: MappingSet | None = None) -> tuple[list[tuple[object, ...]], IngestReport]:
    tables, report = load_tables(volumes=UploadedBytes("v.csv", text.encode()), mapping=mapping, today=NOW)
    with tables:
        return tables.connection.sql("SELECT * FROM volumes ORDER BY ALL").fetchall(), report


WAYS = {
    "months across, French": "Motif;janv. 2025;févr. 2025;Total\nFacturation;12;-;12\nLivraison;1 234;7;1 241\nTotal;1 246;7;1 253\n",
    "months across, ISO": "Category,2025-01,2025-02\nFacturation,12,0\nLivraison,1234,7\n",
    "months across, English": "Category,Jan 2025,Feb 2025\nFacturation,12,0\nLivraison,1234,7\n",
    "months across, short years": "Motif;janv-25;févr-25\nFacturation;12;0\nLivraison;1234;7\n",
    "categories across": "Mois;Facturation;Livraison;Total\n01/2025;12;1234;1246\n02/2025;0;7;7\n",
    "categories across, named months": "Mois;Facturation;Livraison\njanvier 2025;12;1234\nfévrier 2025;0;7\n",
    "pivot table": "Row Labels,Facturation,Livraison,Grand Total\nJan-25,12,1234,1246\nFeb-25,0,7,7\n",
    "year and month": "Année;Mois;Motif;Nombre\n2025;1;Facturation;12\n2025;1;Livraison;1234\n2025;2;Facturation;0\n2025;2;Livraison;7\n",
    "year and named month": "Année;Mois;Motif;Nombre\n"
    "2025;janvier;Facturation;12\n2025;janvier;Livraison;1234\n2025;février;Facturation;0\n2025;février;Livraison;7\n",
}
ROWS = "Mois;Motif;Nombre\n{0};Facturation;12\n{0};Livraison;1234\n{1};Facturation;0\n{1};Livraison;7\n"
WRITTEN = [
    ("2025-01", "2025-02"),
    ("2025/01", "2025/02"),
    ("202501", "202502"),
    ("2025M01", "2025M02"),
    ("2025-1", "2025-2"),
    ("01/2025", "02/2025"),
    ("1/2025", "2/2025"),
    ("01-2025", "02-2025"),
    ("janv. 2025", "févr. 2025"),
    ("janvier 2025", "février 2025"),
    ("Jan-25", "Feb-25"),
    ("janv-25", "fev-25"),
    ("January 2025", "February 2025"),
    ("2025 janvier", "2025 février"),
    ("01/01/2025", "28/02/2025"),
    ("2025-01-01 00:00:00", "2025-02-01 00:00:00"),
]


@pytest.mark.parametrize("way", WAYS)
def test_a_report_gives_the_same_volumes_as_rows_do(way: str) -> None:
    assert recognise_table(UploadedBytes("v.csv", WAYS[way].encode())) == "volumes"
    rows, report = load(WAYS[way])
    assert rows == EXPECTED
    assert report.files[0].rewritten in {"months_across", "categories_across", "year_and_month"}
    assert report.rows["volumes"].read == report.rows["volumes"].kept + report.rows["volumes"].rejected


@pytest.mark.parametrize("written", WRITTEN)
def test_a_month_is_read_however_it_is_written(written: tuple[str, str]) -> None:
    assert load(ROWS.format(*written))[0] == EXPECTED


@pytest.mark.parametrize("written", [("Q1 2025", "Q2 2025"), ("T1 2025", "T2 2025"), ("2025", "2026"), ("S05", "S06"), ("hiver", "été")])
@pytest.mark.parametrize("language", LANGUAGES)
def test_what_is_no_month_is_named_with_what_is_needed(written: tuple[str, str], language: str) -> None:
    """A quarter put into one of its months would be a silent wrong number."""
    with pytest.raises(MappingError) as caught:
        load(ROWS.format(*written))
    assert caught.value.code in {"values_unreadable", "periods_not_months"}
    assert written[0] in caught.value.message(language)


def test_two_counts_that_are_no_categories_are_a_question() -> None:
    """Complaints and customers per month are not two categories."""
    with pytest.raises(MappingError) as caught:
        load("Month,Complaints,Customers\n2025-01,12,4000\n2025-02,9,4100\n")
    assert caught.value.code == "category_missing"


def test_a_saved_mapping_of_a_report_reads_the_next_report() -> None:
    columns = {"month": "month", "category": "category", "complaints": "complaints"}
    assert load(WAYS["months across, French"], MappingSet.from_dict({"volumes": {"columns": columns}}))[0] == EXPECTED


def test_rows_of_a_report_are_shown_with_their_line() -> None:
    _, report = load("Motif;janv. 2025;févr. 2025\nA;12;0\nB;beaucoup;7\nC;1;2\nD;1;2\nE;1;2\n")
    assert [(issue.line, issue.value, issue.rule) for issue in report.issues] == [(3, "beaucoup", "unparseable_volume")]


def test_complaints_that_name_no_customer_are_counted_by_their_product() -> None:
    """Public bodies publish the company that a complaint is about, not the customer who complained."""
    text = "Date received,Product,Issue,Company,State,Complaint ID\n" + "01/25/2025,Mortgage,Late,ACME,CA,1\n" * 3
    tables, report = load_tables(complaints=UploadedBytes("c.csv", text.encode()), today=NOW)
    with tables:
        assert tables.connection.sql("SELECT category, sum(complaints) FROM volumes GROUP BY 1").fetchall() == [("Mortgage", 3)]
    assert report.rows["volumes"].kept == 3


def test_a_table_about_something_else_is_refused_with_what_is_needed() -> None:
    with pytest.raises(MappingError) as caught:
        recognise_table(UploadedBytes("m.csv", b"Musee;Ville;Objet\nLouvre;Paris;Tableau\nOrsay;Paris;Statue\n"))
    assert caught.value.code == "table_unrecognised"


def test_a_header_of_signs_alone_is_no_header_of_anything() -> None:
    """A column of shares beside the counts is not the counts."""
    rows, report = load("Mois;Motif;Nombre;%\n2025-01;A;3;50 %\n2025-02;A;4;50 %\n")
    assert [row[2] for row in rows] == [3, 4]
    assert report.files[0].dropped == ("%",)


def test_zero_dates_of_databases_are_blanks_and_serial_days_may_have_a_decimal_comma() -> None:
    text = "N° client;Date début;Date fin\n1;45000,5;0000-00-00\n2;45100,25;45300\n3;45000,75;00/00/0000\n"
    tables, report = load_tables(UploadedBytes("c.csv", text.encode()), today=NOW)
    with tables:
        rows = tables.connection.sql("SELECT start_date, end_date FROM customers ORDER BY customer_id").fetchall()
    assert rows == [(date(2023, 3, 15), None), (date(2023, 6, 23), date(2024, 1, 9)), (date(2023, 3, 15), None)]
    assert report.rules == ()


@pytest.mark.parametrize(
    "text",
    [
        "Provider,Q1 2024,Q2 2024,Q3 2024\nNorth,5,6,7\nSouth,8,9,10\n",
        "Motif;T1 2025;T2 2025\nFacture;5;6\nLivraison;7;8\n",
        "Motif;2023;2024;2025\nFacture;5;6;7\nLivraison;7;8;9\n",
        "Firm,Reporting period,Product,Opened\nA,01/01/2025 - 30/06/2025,Cards,900\nB,01/01/2025 - 30/06/2025,Loans,80\n",
    ],
)
@pytest.mark.parametrize("language", LANGUAGES)
def test_quarters_half_years_and_years_are_named_as_such(text: str, language: str) -> None:
    with pytest.raises(MappingError) as caught:
        load(text)
    assert caught.value.code == "periods_not_months"
    assert "v.csv" in caught.value.message(language)


def test_a_month_that_cannot_be_read_is_no_column_to_leave_out() -> None:
    """Its counts would be missing from every sum, silently."""
    with pytest.raises(MappingError) as caught:
        load("Motif;janv. 2025;févr. 2025;avrl 2025;Total 2025\nFacture;5;6;7;18\nLivraison;1;2;3;6\n")
    assert caught.value.code == "months_unread"
    assert "avrl 2025" in caught.value.message("en")
    assert "Total 2025" not in caught.value.message("en")
