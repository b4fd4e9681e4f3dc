"""The term of a contract and the day of its renewal, as files write them: recognised, read, and never taken for a departure."""

from datetime import date

import duckdb
import pandas as pd
import pytest

from iceberg.ingest.columns.propose import propose_mapping
from iceberg.ingest.engine.connection import connect, quote_text
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.files.read import read_source
from iceberg.ingest.load import load_tables
from iceberg.ingest.schema import CONTRACT_MARK
from iceberg.ingest.values.terms import counts_in_years, looks_like_terms, term_sql

TODAY = date(2026, 7, 1)


@pytest.mark.parametrize(
    ("text", "months"),
    [
        ("12", 12), ("24.0", 24), ("1 year", 12), ("2 years", 24), ("24 mois", 24), ("36 Months", 36), ("1 an", 12), ("2 ans", 24), ("3 années", 36),
        ("52 weeks", 12), ("365 days", 12), ("Month-to-month", 0), ("One year", 12), ("Two year", 24), ("Annuel", 12), ("annual", 12), ("yearly", 12),
        ("monthly", 1), ("mensuel", 1), ("trimestriel", 3), ("semestriel", 6), ("Sans engagement", 0), ("no contract", 0), ("P1Y", 12),
        ("12 month contract", 12), ("Engagement 24 mois", 24), ("24 mois renouvelable", 24), ("12-month", 12), ("24m", 24), ("1y", 12),
        ("premium", None), ("a while", None), ("-12", None), ("12/24", None), ("2025-01-01", None),
    ],
)  # fmt: skip
def test_a_term_is_read_as_people_write_it(text: str, months: int | None) -> None:
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT {term_sql(quote_text(text))}").fetchone() == (months,)


def test_bare_numbers_are_months_unless_the_header_or_all_of_them_say_years() -> None:
    assert not counts_in_years("contract length", ["12", "24", "1"])
    assert counts_in_years("contract length", ["1", "2", "", "3"])
    assert counts_in_years("duree en annees", ["10"])
    assert not counts_in_years("duree en mois", ["1", "3"])
    two = term_sql(quote_text("2"), in_years=True)
    with duckdb.connect() as connection:
        assert connection.execute(f"SELECT {two}").fetchone() == (24,)


def test_scores_and_names_are_no_terms() -> None:
    assert looks_like_terms(["12", "24", None, "month-to-month"])
    assert not looks_like_terms(["0.83", "0.12"])
    assert not looks_like_terms(["premium", "basic"])
    assert not looks_like_terms(["850", "430", "700"])


@pytest.mark.parametrize(
    ("header", "value", "field"),
    [
        ("Contract length", "24 months", "term"), ("Durée d'engagement", "24 mois", "term"),
        ("Engagement (mois)", "24", "term"), ("Term", "12", "term"),
        ("Commitment", "1 year", "term"), ("Date de renouvellement", "2027-03-01", "renewal_date"), ("Date d'échéance", "2027-03-01", "renewal_date"),
        ("Échéance", "2027-03-01", "renewal_date"), ("Renewal date", "2027-03-01", "renewal_date"), ("Next renewal", "2027-03-01", "renewal_date"),
        ("Fin d'engagement", "2027-03-01", "renewal_date"), ("End of term", "2027-03-01", "renewal_date"),
        ("Engagement", "0.71", None), ("Engagement", "high", None), ("Date de résiliation", "2026-03-01", "end_date"),
    ],
)  # fmt: skip
def test_the_column_is_recognised_by_its_header_and_its_values(header: str, value: str, field: str | None) -> None:
    frame = pd.DataFrame({"customer_id": [f"C{number}" for number in range(30)], "start_date": "2024-02-05", header: value})
    connection, workspace = connect(), Workspace()
    try:
        proposed = propose_mapping(read_source(connection, frame, workspace), "customers").choices
    finally:
        workspace.close()
        connection.close()
    assert {name for name, choice in proposed.items() if choice.header == header} == ({field} if field else set())


def customers_with(size: int = 6, **columns: object) -> pd.DataFrame:
    return pd.DataFrame({"customer_id": [f"C{number:02}" for number in range(size)], "start_date": "2024-03-10", "region": "north"} | columns)


def test_a_renewal_to_come_is_no_departure_and_the_contract_stands_behind_the_segment() -> None:
    frame = customers_with(**{"durée du contrat": ["12 mois", "24 mois", "", "12 mois", "sans engagement", "24"], "échéance": "2027-03-10"})
    tables, report = load_tables(customers=frame, today=TODAY)
    with tables:
        rows = tables.engine.execute("SELECT segment, end_date FROM customers ORDER BY customer_id").fetchall()
    assert [end for _, end in rows] == [None] * 6
    assert [segment.partition(CONTRACT_MARK)[2] for segment, _ in rows] == ["12:0", "24:12", ":36", "12:0", "0:", "24:12"]
    assert {segment.partition(CONTRACT_MARK)[0] for segment, _ in rows} == {"north"}
    assert not report.rules


def test_terms_and_renewals_that_cannot_be_used_are_shown_and_the_customer_is_kept() -> None:
    term = ["12", "soon", "240", "", "12", "12", *["12"] * 54]
    renewal = ["2025-03-10", "2025-03-10", "2025-03-10", "2020-01-01", "9999-12-31", "later", *["2025-06-10"] * 54]
    tables, report = load_tables(customers=customers_with(60, term=term, **{"renewal date": renewal}), today=TODAY)
    with tables:
        rows = [segment for (segment,) in tables.engine.execute("SELECT segment FROM customers ORDER BY customer_id").fetchall()]
    assert {count.rule: count.rows for count in report.rules} == {
        "unreadable_term": 1, "implausible_term": 1, "implausible_renewal_date": 2, "unreadable_renewal_date": 1,
    }  # fmt: skip
    assert [row.partition(CONTRACT_MARK)[2] for row in rows] == ["12:0", ":12", ":12", "", "12:", "12:", *["12:3"] * 54]
    shown = {(issue.rule, issue.value) for issue in report.issues if issue.column == "term"}
    assert shown == {("unreadable_term", "soon"), ("implausible_term", "240")}
