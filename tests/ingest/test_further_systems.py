"""More systems, trades and languages: first and last days, amounts and complaints by customer are right, at once or as the proposal has them."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from iceberg.errors import MappingError
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.recognise import recognise_tables
from iceberg.ingest.values.flags import looks_like_flags
from iceberg.ingest.values.numbers import period_of
from tests.ingest.further_systems import DATED, FLAGGED, NUMBERS, Pair, day, first, last, money, render

NOW = date(2026, 6, 30)
ORIGIN = date(2000, 1, 1)
SPOKE = range(0, 60, 2)
LEFT = [end for n in NUMBERS if (end := last(n)) is not None]


def answers(pair: Pair, queries: dict[str, str]) -> dict[str, tuple[Any, ...]]:
    """What these files hold, by table; a question is answered by its own proposal."""
    files = [
        UploadedBytes("customers.csv", render(pair, pair.customers, NUMBERS)),
        UploadedBytes("complaints.csv", render(pair, pair.complaints, SPOKE)),
    ]
    mapping: MappingSet | None = None
    for _ in range(5):
        try:
            [sources] = recognise_tables(files, mapping=mapping)
            tables, report = load_tables(**dict(sources), mapping=mapping, today=NOW)  # type: ignore[arg-type]  # only sources are in it
            break
        except MappingError as error:
            assert error.proposal is not None, error.code
            mapping = MappingSet.from_dict(error.proposal.to_dict())
    with tables:
        assert all(totals.rejected == 0 for totals in report.rows.values()), report.rows
        return {name: tables.connection.sql(query).fetchall()[0] for name, query in queries.items() if name in tables.names}


@pytest.mark.parametrize("system", DATED)
def test_every_day_amount_and_complaint_of_a_dated_export_is_right(system: str) -> None:
    """To the day and the cent: sums over sixty customers and thirty complaints, all of them met."""
    pair = DATED[system]
    sums = "sum(start_date - DATE '2000-01-01'), sum(end_date - DATE '2000-01-01'), coalesce(round(sum(revenue), 2), 0)"
    found = answers(
        pair,
        {
            "customers": f"SELECT count(*), count(end_date), {sums} FROM customers",
            "complaints": "SELECT count(*), count(DISTINCT category), sum(complaint_date - DATE '2000-01-01') FROM complaints",
        },
    )
    days = [sum((one - ORIGIN).days for one in many) for many in ([first(n) for n in NUMBERS], LEFT, [day(n) for n in SPOKE])]
    worth = pytest.approx(sum(money(n) for n in NUMBERS) * pair.times, abs=0.01) if pair.times else found["customers"][4]
    assert found == {"customers": (60, len(LEFT), days[0], days[1], worth), "complaints": (30, 3, days[2])}


@pytest.mark.parametrize("system", FLAGGED)
def test_who_left_without_a_day_is_never_nobody(system: str) -> None:
    """Fifteen of sixty, whatever the flag is called."""
    query = "SELECT count(*), count(*) FILTER (churned), count(category), count(DISTINCT category) FROM flat"
    assert answers(FLAGGED[system], {"flat": query}) == {"flat": (60, len(LEFT), 30, 3)}


@pytest.mark.parametrize("header", ["Left", "Churned", "Exited", "Cancelled"])
@pytest.mark.parametrize("form", ["X", "U", "%Y%m%d", "%d/%m/%Y"])
def test_days_under_a_header_of_a_flag_are_last_days(header: str, form: str) -> None:
    """The serial days of a spreadsheet were read as yes, and the days of leaving were lost."""
    pair = Pair(
        f"customer_id={{k}}|start_date={{first:%Y-%m-%d}}|{header}={{last:{form}}}", "customer_id={k}|complaint_date={day:%Y-%m-%d}|category={why}"
    )
    found = answers(pair, {"customers": "SELECT count(end_date), sum(end_date - DATE '2000-01-01') FROM customers"})
    assert found == {"customers": (len(LEFT), sum((end - ORIGIN).days for end in LEFT))}


def test_counts_are_flags_and_serial_days_are_none() -> None:
    assert looks_like_flags(["0", "3", "12"])
    assert not looks_like_flags(["45717", "45901", ""])


@pytest.mark.parametrize(
    ("header", "period"),
    [
        ("monthlycharges", "month"), ("mensualite", "month"), ("monatsbeitrag", "month"), ("cuota mensual", "month"), ("mrr", "month"),
        ("quarterly fee", "quarter"), ("cotisation trimestrielle", "quarter"), ("weekly price", "week"), ("prix hebdo", "week"),
        ("annual revenue", "year"), ("ca 12 derniers mois", "year"), ("revenue last 12 months", "year"), ("umsatz 12 monate", "year"), ("ca", "year"),
    ],
)  # fmt: skip
def test_a_header_says_what_an_amount_is_paid_per(header: str, period: str) -> None:
    """A sum over twelve months was multiplied by twelve."""
    assert period_of(header) == period


def test_one_label_for_all_gives_way_to_a_known_column_with_several_to_be_confirmed() -> None:
    """ "Issue Type" is the same on every row, "Request Type" says what each is about; where there is no other, one category it is."""
    rows = "".join(f"K{n},2024-0{n % 9 + 1}-11,Incident,{('Billing', 'Delivery', 'Quality')[n % 3]}\n" for n in range(60))
    text = f"customer_id,complaint_date,Issue Type,Request Type\n{rows}"
    with pytest.raises(MappingError) as caught:
        load_tables(complaints=UploadedBytes("complaints.csv", text.encode()), today=NOW)
    assert caught.value.proposal.tables["complaints"].header("category") == "Request Type"
    tables, report = load_tables(complaints=UploadedBytes("complaints.csv", text.replace("Request Type", "Zeta").encode()), today=NOW)
    tables.close()
    assert report.files[0].used["category"] == "Issue Type"
