"""A price whose billing period stands in another column is brought to a year by it, or asked about; it is never multiplied by a guess."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from iceberg.errors import MappingError
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.values.intervals import pays_by_row, times_per_year

NOW = date(2026, 6, 30)


def read(amount: str, beside: str, cells: list[tuple[str, str]], **customers: Any) -> tuple[float | None, dict[str, dict[str, object]]]:
    """The revenue of all customers in a year, and the notes by code."""
    rows = "".join(f'K{n},2023-01-{n % 28 + 1:02d},"{price}",{word}\n' for n, (price, word) in enumerate(cells))
    mapping = MappingSet.from_dict({"customers": customers}) if customers else None
    tables, report = load_tables(UploadedBytes("c.csv", f"customer_id,start_date,{amount},{beside}\n{rows}".encode()), mapping=mapping, today=NOW)
    with tables:
        [(total,)] = tables.connection.sql("SELECT round(sum(revenue), 2) FROM customers").fetchall()
    return total, dict(report.notes)


@pytest.mark.parametrize(
    ("texts", "times"),
    [
        (("monthly", "Mensuelle", "/mo", "par mois", "1 month", "P1M", "30 days", "monatlich", "maandelijks", "Month-to-month", "毎月"), 12.0),
        (("annual", "Annuelle", "yearly", "p.a.", "par an", "12 mois", "P1Y", "jährlich", "anual", "Billed annually", "One year", "연간"), 1.0),
        (("quarterly", "Trimestriel", "3 months", "every 3 months", "vierteljährlich", "kwartaal", "Q"), 4.0),
        (("semi-annual", "Semestriel", "6 mois", "halbjährlich"), 2.0),
        (("weekly", "hebdomadaire", "7 days"), 52.0),
        (("2 years", "24 months"), 0.5),
        (("one-time", "Ponctuel"), 1.0),
        (("Bi-weekly", "gold", "3", "", "custom", "Region 12"), None),
    ],
)
def test_words_for_a_period_are_known(texts: tuple[str, ...], times: float | None) -> None:
    """In several languages; what can mean two things is none."""
    assert {text: times_per_year(text) for text in texts} == dict.fromkeys(texts, times)


def test_a_bare_number_counts_months_only_where_the_header_says_so() -> None:
    assert (times_per_year("3", in_months=True), times_per_year("3")) == (4.0, None)
    assert read("price", "billing period months", [("10", "1")] * 10 + [("100", "12")] * 10)[0] == 10 * 120 + 10 * 100


MIXED = [("10.00", "monthly")] * 10 + [("100.00", "annual")] * 10


@pytest.mark.parametrize("beside", ["period", "billing_cycle", "Périodicité", "billing frequency", "Zahlungsweise", "interval"])
@pytest.mark.parametrize("amount", ["price", "amount", "revenue", "montant"])
def test_amounts_that_grow_with_the_period_are_paid_per_it(amount: str, beside: str) -> None:
    """Each row by its own word, and it is said."""
    total, notes = read(amount, beside, MIXED)
    assert total == 10 * 120 + 10 * 100
    assert notes["revenue_by_row"]["periods"] == "annual × 1, monthly × 12"


def test_prices_of_one_period_are_paid_per_it_and_what_customers_bring_is_asked_about() -> None:
    """A price per month is a price; a revenue of customers who pay monthly may be that of a year."""
    assert read("price", "billing_cycle", [("10", "monthly")] * 20)[0] == 2400
    with pytest.raises(MappingError) as caught:
        read("revenue", "billing_cycle", [("10", "monthly")] * 20)
    assert (caught.value.code, caught.value.values["beside"]) == ("revenue_period_unclear", "billing_cycle")


def test_prices_that_are_alike_whatever_the_period_are_asked_about() -> None:
    """ "12 per month, billed yearly" and "12 per month": neither 12 times as much nor a twelfth in silence."""
    alike = [("12", "monthly")] * 10 + [("11", "annual")] * 10
    with pytest.raises(MappingError) as caught:
        read("price", "billing_cycle", alike)
    assert caught.value.code == "revenue_period_unclear"
    named = {"columns": {"customer_id": "customer_id", "start_date": "start_date", "revenue": "price", "interval": "billing_cycle"}}
    for period, total in (("by_row", 10 * 144 + 10 * 11), ("year", 10 * 12 + 10 * 11), ("month", 12 * (10 * 12 + 10 * 11))):
        assert read("price", "billing_cycle", alike, **named, revenue_period=period)[0] == total


@pytest.mark.parametrize(("amount", "times"), [("MRR", 12), ("Monthly charges", 12), ("ARR", 1), ("CA annuel", 1), ("Prime annuelle", 1)])
def test_a_header_that_says_its_period_decides(amount: str, times: int) -> None:
    """A yearly premium that is paid monthly is a yearly premium."""
    assert read(amount, "Fractionnement", MIXED)[0] == times * (10 * 10 + 10 * 100)


def test_revenue_that_is_alike_whatever_the_period_is_one_of_a_year() -> None:
    assert read("revenue", "billing_cycle", [("100", "monthly")] * 10 + [("105", "annual")] * 10)[0] == 10 * 100 + 10 * 105


def test_a_word_that_says_no_period_leaves_its_amount_out_and_is_named() -> None:
    """The others are counted."""
    total, notes = read("price", "billing_cycle", [*MIXED * 2, ("500", "custom")])
    assert total == 2 * (10 * 120 + 10 * 100)
    assert notes["revenue_by_row_unknown"]["values"] == "custom"


def test_a_column_of_something_else_is_no_period() -> None:
    """Two plans and a few months among them."""
    assert "revenue_by_row" not in read("price", "period", [("10", "gold"), ("20", "monthly")] * 10)[1]


def test_a_few_amounts_of_a_second_period_decide_nothing() -> None:
    assert pays_by_row("revenue", ["10"] * 20 + ["99"] * 2, ["monthly"] * 20 + ["annual"] * 2) is None
