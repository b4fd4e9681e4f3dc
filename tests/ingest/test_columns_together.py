"""What stands in two columns, or in one cell for several rows: months, currencies, labels; and columns that no header names."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from iceberg.errors import MappingError
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.recognise import recognise_tables
from tests.ingest.kinds import ENDED

NOW = date(2026, 6, 30)
MONTHS = ("janvier", "févr.", "mars", "avril", "mai", "juin", "juil.", "août", "sept.", "oct.", "nov.", "décembre")
TICKETS = "customer_id,complaint_date,category\n" + "".join(
    f"K{n},2024-0{n % 9 + 1}-11,{('Billing', 'Delivery')[n % 8 // 4]}\n" for n in range(0, 60, 4)
)


def read(mapping: dict[str, Any] | None = None, **texts: str) -> tuple[dict[str, list[tuple[Any, ...]]], Any]:
    """The accepted rows of each table of the files, recognised as `check` does, and the report."""
    given = MappingSet.from_dict(mapping) if mapping is not None else None
    [sources] = recognise_tables([UploadedBytes(f"{name}.csv", text.encode()) for name, text in texts.items()], mapping=given)
    tables, report = load_tables(**dict(sources), mapping=given, today=NOW)  # type: ignore[arg-type]  # only sources are in it
    with tables:
        return {name: tables.connection.sql(f"SELECT * FROM {name} ORDER BY ALL").fetchall() for name in tables.names}, report


@pytest.mark.parametrize(
    ("start", "end"),
    [
        (("Enrollment Year", "Enrollment Month"), ("Cancellation Year", "Cancellation Month")),
        (("start_year", "start_month"), ("end_year", "end_month")),
        (("Année d'adhésion", "Mois d'adhésion"), ("Année de résiliation", "Mois de résiliation")),
    ],
)
@pytest.mark.parametrize(
    "written", [[str(n) for n in range(1, 13)], [f"{n:02d}" for n in range(1, 13)], list(MONTHS), [f"{n}.0" for n in range(1, 13)]]
)
def test_a_month_in_two_columns_is_a_day(start: tuple[str, str], end: tuple[str, str], written: list[str]) -> None:
    """The first of that month; a blank year or month is no departure; a saved mapping reads the same again."""
    lines = [f"M{n},{2020 + n % 3},{written[n % 12]},{2024 if n % 4 == 0 else ''},{written[n % 12] if n % 4 == 0 else ''}" for n in range(24)]
    text = ",".join(("Loyalty Number", *start, *end)) + "\n" + "\n".join(lines) + "\n"
    rows, report = read(customers=text)
    days = {row[0]: row[1:3] for row in rows["customers"]}
    assert days == {f"M{n}": (date(2020 + n % 3, n % 12 + 1, 1), date(2024, n % 12 + 1, 1) if n % 4 == 0 else None) for n in range(24)}
    assert report.files[0].dropped == ()
    columns = {"customer_id": "Loyalty Number", "start_date": list(start), "end_date": list(end)}
    again, _ = read({"customers": {"columns": columns}}, customers=text)
    assert again == rows
    saved = MappingSet.from_dict({"customers": {"columns": columns}})
    assert MappingSet.from_dict(saved.to_dict()) == saved


def test_complaints_with_year_and_month_keep_their_customers() -> None:
    """They are no report of volumes."""
    text = "customer_id,Year,Month,Category\n" + "".join(f"K{n},2024,{n % 12 + 1},Billing\n" for n in range(24))
    rows, _ = read(complaints=text)
    assert {(row[0], row[1]) for row in rows["complaints"]} == {(f"K{n}", date(2024, n % 12 + 1, 1)) for n in range(24)}


@pytest.mark.parametrize("header", ["currency", "Devise", "Währung", "Billing Currency"])
def test_a_currency_beside_the_amounts_is_converted_by_given_rates_only(header: str) -> None:
    """Three currencies, one of them written in two ways; without rates there is no money and a note with every code."""
    money = ("EUR", "USD", "€", "Swiss francs")
    text = f"customer_id,start_date,revenue,{header}\n" + "".join(f"K{n},2023-01-05,100,{money[n % 4]}\n" for n in range(8))
    rows, report = read(customers=text)
    assert {row[4] for row in rows["customers"]} == {None}
    assert dict(report.notes)["several_currencies"]["currencies"] == "EUR, CHF, USD"
    rates = {"customers": {"exchange_rates": {"USD": 0.5, "CHF": 2.0}}}
    rows, _ = read(rates, customers=text)
    assert [row[4] for row in rows["customers"]] == [100.0, 50.0, 100.0, 200.0] * 2


def test_a_saved_mapping_sees_a_currency_that_is_new() -> None:
    """Last month all amounts were euros: the column was not needed, and is looked at all the same."""
    saved = {"customers": {"columns": {"customer_id": "customer_id", "start_date": "start_date", "revenue": "revenue"}}}
    text = "customer_id,start_date,revenue,currency\nA,2023-01-05,100,EUR\nB,2023-01-05,100,JPY\n"
    assert "several_currencies" in dict(read(saved, customers=text)[1].notes)
    one, _ = read(saved, customers=text.replace("JPY", "EUR"))
    assert [row[4] for row in one["customers"]] == [100.0, 100.0]


def test_labels_of_merged_cells_stand_for_their_block() -> None:
    """Categories with their months below, and months with their categories below."""
    months, words = ("2024-01", "2024-02", "2024-03"), ("Billing", "Delivery")
    whole = sorted((date(2024, n + 1, 1), word, 10 + n) for n in range(3) for word in words)
    by_category = "category,month,complaints\n" + "".join(f"{'' if n else word},{months[n]},{10 + n}\n" for word in words for n in range(3))
    by_month = "month,category,complaints\n" + "".join(
        f"{months[n] if word == 'Billing' else ''},{word},{10 + n}\n" for n in range(3) for word in words
    )
    assert read(volumes=by_category)[0]["volumes"] == whole
    assert read(volumes=by_month)[0]["volumes"] == whole
    across = "Motif,Sous-motif,2024-01,2024-02\nBilling,late,1,2\n,wrong,3,4\nDelivery,lost,5,6\n,broken,7,8\n"
    rows = read(volumes=across)[0]["volumes"]
    assert {word: sum(row[2] for row in rows if row[1] == word) for word in words} == {"Billing": 10, "Delivery": 26}


def test_a_blank_category_that_is_none_stays_blank() -> None:
    """It would otherwise be a second row of the category above in the same month."""
    text = "month,category,complaints\n" + "".join(f"2024-0{n},{word},{n}\n" for n in range(1, 4) for word in ("Billing", "Delivery", ""))
    rows = read(volumes=text)[0]["volumes"]
    assert sum(row[2] for row in rows if row[1] == "(no category)") == 6


@pytest.mark.parametrize(
    ("field", "table"), [("customer_id", "customers"), ("start_date", "customers"), ("complaint_date", "complaints"), ("category", "complaints")]
)
def test_a_column_that_no_header_names_is_proposed_by_its_content_and_asked(field: str, table: str) -> None:
    """The proposal reads all rows; the id that the complaints point at is taken at once."""
    texts = {"customers": ENDED, "complaints": TICKETS}
    texts[table] = texts[table].replace(field, "Zeta")
    if field == "customer_id":
        assert read(**texts)[1].files[0].used["customer_id"] == "Zeta"
        texts.pop("complaints")
    with pytest.raises(MappingError) as caught:
        read(**texts)
    proposal = caught.value.proposal.to_dict()
    assert proposal[table]["columns"][field] == "Zeta"
    rows, _ = read(proposal, **texts)
    known, _ = read(**{name: text.replace("Zeta", field) for name, text in texts.items()})
    assert rows == known


def test_counts_under_an_unknown_header_are_asked_about_and_not_taken_for_single_complaints() -> None:
    """Each month and category stands once beside one column of whole numbers."""
    text = "Monat,Art,Zeta\n" + "".join(f"2024-0{n % 6 + 1},{('Rechnung', 'Lieferung')[n // 6]},{n}\n" for n in range(12))
    with pytest.raises(MappingError) as caught:
        read(volumes=text)
    assert caught.value.proposal.to_dict()["volumes"]["columns"]["complaints"] == "Zeta"
    known = read(volumes=text.replace("Zeta", "Anzahl Beschwerden"))[0]["volumes"]
    assert sum(row[2] for row in known) == 66
