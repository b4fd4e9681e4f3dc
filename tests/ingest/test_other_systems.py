"""The same sixty customers in other systems' names and languages: first days, who left, and complaints by id are what they are."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from iceberg.errors import MappingError
from iceberg.ingest.columns.flat_sheet import says_its_unit, tenure_unit
from iceberg.ingest.columns.objects import bare_headers
from iceberg.ingest.columns.propose import normalise_header
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.recognise import recognise_table, recognise_tables
from iceberg.ingest.values.flags import says_still_here
from iceberg.ingest.values.numbers import recognise_numbers
from tests.ingest.further_systems import Pair

NOW = date(2026, 6, 30)
NUMBERS = range(60)
LEFT = sum(n % 4 == 0 for n in NUMBERS)


DATED = {
    "Salesforce, API names": Pair(
        "Id={id},Name={text},CreatedDate={first},Churn_Date__c={last}", "Id={case},AccountId={id},Reason__c={why},CreatedDate={day}"
    ),
    "Salesforce, own objects": Pair(
        "Account__c={id},Start_Date__c={first},End_Date__c={last}", "Complaint__c={case},Account__c={id},Date_Received__c={day},Category__c={why}"
    ),
    "Salesforce, report types": Pair(
        "Account: Account ID={id},Account: Created Date={first},Contract: End Date={last}",
        "Case: Case Number={case},Account: Account ID={id},Case: Date/Time Opened={day},Case: Case Reason={why}",
    ),
    "Salesforce, a day of the account beside that of the case": Pair(
        "Id={id},CreatedDate={first},Churn_Date__c={last}", "Id={case},Account.Id={id},Account.CreatedDate={first},CreatedDate={day},Reason={why}"
    ),
    "HubSpot, interface": Pair(
        "id={id},properties.createdate={first},properties.churn_date={last},properties.lifecyclestage={text}",
        "id={case},associations.companies.id={id},properties.createdate={day},properties.hs_ticket_category={why}",
    ),
    "Stripe, interface": Pair(
        "subscription.id={case},subscription.customer={id},subscription.created={first},subscription.ended_at={last}",
        "customer_id={id},complaint_date={day},category={why}",
    ),
    "Zendesk, fields of organisations": Pair(
        "id={id},created_at={first},organization_fields.churn_date={last}",
        "id={case},organization_id={id},requester_id={other},created_at={day},custom_fields.reason={why}",
    ),
    "Dynamics, logical names": Pair(
        "accountid={id},createdon={first},new_enddate={last}",
        "incidentid={case},ticketnumber={other},_customerid_value={id},createdon={day},casetypecode={why}",
    ),
    "SAP, notifications": Pair(
        "KUNNR={id};ERDAT={first};Kündigungsdatum={last}", "QMNUM={case};KUNUM={id};QMDAT={day};QMART={constant};QMGRP={why}", ";"
    ),
    "SAP, tickets whose category has an unknown name": Pair(
        "Account ID={id},Created On={first},Valid To={last}", "Ticket ID={case},Account={id},Created On={day},Incident Category={why}"
    ),
    "Odoo": Pair("id={id},create_date={first},subscription_end={last}", "id={case},partner_id/id={id},create_date={day},ticket_type_id/name={why}"),
    "Zoho": Pair(
        "Record Id={id},Created Time={first},Churn Date={last}", "Record Id={case},Account Name.id={id},Created Time={day},Case Reason={why}"
    ),
    "the answer of a query": Pair(
        "c.customer_id={id},c.start_date={first},c.end_date={last}", "t.customer_id={id},t.opened_at={day},t.category={why}"
    ),
    "Spanish": Pair(
        "Código cliente={id};Fecha de alta={first};Fecha de baja={last}",
        "Nº incidencia={case};Código cliente={id};Fecha apertura={day};Causa={why}",
        ";",
    ),
    "German": Pair(
        "Kundennummer={id};Vertragsabschluss={first};Kunde bis={last}", "Vorgangsnummer={case};Kundennummer={id};Erfasst am={day};Anliegen={why}", ";"
    ),
}
FLAGGED = {
    "Salesforce": Pair("Id={id},CreatedDate={first},Active__c={gone}", "AccountId={id},CreatedDate={day},Type={why}", gone="false", here="true"),
    "HubSpot": Pair(
        "Record ID={id},Create Date={first},Lifecycle Stage={gone}",
        "Associated Company ID={id},Create date={day},Category={why}",
        gone="Former customer",
        here="Customer",
    ),
    "Odoo": Pair("id={id},create_date={first},active={gone}", "partner_id={id},create_date={day},ticket_type_id={why}", gone="False", here="True"),
    "SAP": Pair("KUNNR={id};ERDAT={first};LOEVM={gone}", "KUNUM={id};QMDAT={day};QMGRP={why}", ";", gone="X", here=""),
    "German": Pair(
        "Kundennummer={id};Vertragsbeginn={first};Gekündigt={gone}", "Kundennummer={id};Datum={day};Kategorie={why}", ";", gone="Ja", here="Nein"
    ),
    "German, in words": Pair(
        "Kundennummer={id};Vertragsbeginn={first};Kundenstatus={gone}",
        "Kundennummer={id};Datum={day};Kategorie={why}",
        ";",
        gone="gekündigt",
        here="aktiv",
    ),
    "Spanish": Pair("Código cliente={id};Fecha de alta={first};Estado={gone}", "Código cliente={id};Fecha={day};Motivo={why}", ";", "Baja", "Activo"),
    "Italian": Pair(
        "Codice cliente={id};Data attivazione={first};Stato contratto={gone}", "Codice cliente={id};Data={day};Motivo={why}", ";", "Cessato", "Attivo"
    ),
    "Zoho": Pair(
        "Account Id={id},Created Time (Account)={first},Churned={gone}", "Account Id={id},Created Time (Ticket)={day},Category (Ticket)={why}"
    ),
    "French": Pair(
        "N° client={id};Date d'entrée={first};Toujours actif (O/N)={gone}", "N° client={id};Date={day};Motif={why}", ";", gone="N", here="O"
    ),
}


def _file(name: str, layout: str, pair: Pair, numbers: range) -> UploadedBytes:
    columns = [cell.rsplit("=", 1) for cell in layout.split(pair.separator)]
    lines = [pair.separator.join(header for header, _ in columns)]
    for n in numbers:
        values = {
            "id": f"K{n:03d}",
            "first": f"2023-{n % 12 + 1:02d}-{n % 28 + 1:02d}",
            "last": f"2025-{n % 6 + 1:02d}-15" if n % 4 == 0 else "",
            "gone": pair.gone if n % 4 == 0 else pair.here,
            "case": f"500{n:05d}",
            "other": f"9{n * 7 % 60:04d}",
            "day": f"2024-{n % 9 + 1:02d}-11",
            "why": ("Billing", "Delivery", "Quality")[n // 2 % 3],
            "text": "customer",
            "constant": "Q1",
        }
        lines.append(pair.separator.join(cell.format(**values) for _, cell in columns))
    return UploadedBytes(name, ("\n".join(lines) + "\n").encode())


def _load(pair: Pair) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    files = [_file("a.csv", pair.customers, pair, NUMBERS), _file("b.csv", pair.complaints, pair, range(0, 60, 2))]
    [sources] = recognise_tables(files)
    tables, _ = load_tables(**dict(sources), today=NOW)  # type: ignore[arg-type]
    with tables:
        name = "flat" if "flat" in tables.names else "customers"
        gone = "churned" if name == "flat" else "end_date IS NOT NULL"
        customers = tables.connection.sql(f"SELECT count(*), count(*) FILTER ({gone}) FROM {name}").fetchall()
        if name == "flat":
            return customers, tables.connection.sql("SELECT count(category), count(DISTINCT category) FROM flat").fetchall()
        return customers, tables.connection.sql("SELECT count(*), count(DISTINCT category) FROM complaints").fetchall()


@pytest.mark.parametrize("system", DATED)
def test_customers_departures_and_complaints_of_other_systems_are_known_by_name(system: str) -> None:
    """Nothing is asked: sixty customers, fifteen last days, thirty complaints of three categories."""
    assert _load(DATED[system]) == ([(60, LEFT)], [(30, 3)])


@pytest.mark.parametrize("system", FLAGGED)
def test_departures_without_a_date_of_other_systems_are_departures(system: str) -> None:
    """In words of five languages, whatever the column is called and whichever way round it says so."""
    assert _load(FLAGGED[system]) == ([(60, LEFT)], [(30, 3)])


def test_words_of_departure_under_a_header_of_anything_are_to_be_confirmed() -> None:
    """They may be those of an order: the proposal has the column, and following it works."""
    pair = FLAGGED["Spanish"]._replace(customers="Código cliente={id};Fecha de alta={first};Zeta={gone}")
    source = _file("a.csv", pair.customers, pair, NUMBERS)
    with pytest.raises(MappingError) as caught:
        load_tables(source, today=NOW)
    assert caught.value.proposal.tables["customers"].header("churned") == "Zeta"
    tables, _ = load_tables(source, mapping=MappingSet.from_dict(caught.value.proposal.to_dict()), today=NOW)
    with tables:
        assert tables.connection.sql("SELECT count(*) FILTER (churned) FROM flat").fetchall() == [(LEFT,)]


@pytest.mark.parametrize("header", ["Active flag", "is_enabled", "Toujours actif", "Account Active", "Still a customer", "Aktiv", "actif o/n"])
def test_a_header_that_says_who_is_still_here_is_read_the_other_way_round(header: str) -> None:
    """Some of these were read as if yes meant that the customer has left."""
    assert says_still_here(normalise_header(header)) == (header != "Still a customer")
    assert not says_still_here(normalise_header(f"In{header}"))


def test_an_object_before_a_header_is_left_out_for_its_own_rows_only() -> None:
    """A day of the account is none of the case."""
    headers = ["Account: Created Date", "Case: Created Date", "Account: Account ID", "Created On (Customer)"]
    assert bare_headers(headers, "complaints", normalise_header) == {"created date": "Case: Created Date", "account id": "Account: Account ID"}
    assert bare_headers(headers, "customers", normalise_header)["created date"] == "Account: Created Date"


def _volumes(header: str, periods: list[str]) -> UploadedBytes:
    rows = "".join(f"{period},{category},{count}\n" for period in periods for category, count in (("A", 10), ("B", 20)))
    return UploadedBytes("v.csv", f"{header}\n{rows}".encode())


@pytest.mark.parametrize(
    ("header", "periods", "months"),
    [
        ("Fiscal Year,Fiscal Month,Category,Complaints", ["2023,11", "2023,12", "2024,1"], 3),
        ("Exercice,Mois,Motif,Nombre", ["2023,novembre", "2023,décembre", "2024,janvier"], 3),
        ("Fiscal Month,Category,Complaints", ["2023-11", "2023-12", "2024-01"], 3),
    ],
)
def test_months_of_a_fiscal_calendar_are_asked_about_and_never_taken_for_calendar_months(header: str, periods: list[str], months: int) -> None:
    """Confirmed as proposed they are those of the calendar."""
    source = _volumes(header, periods)
    assert recognise_table(source) == "volumes"
    with pytest.raises(MappingError) as caught:
        load_tables(volumes=source, today=NOW)
    assert caught.value.code == "fiscal_months"
    tables, _ = load_tables(volumes=source, mapping=MappingSet.from_dict(caught.value.proposal.to_dict()), today=NOW)
    with tables:
        assert tables.connection.sql("SELECT count(DISTINCT month), sum(complaints), min(month) FROM volumes").fetchall() == [
            (months, 30 * months, date(2023, 11, 1))
        ]


def test_a_fiscal_month_beside_the_day_of_the_complaint_asks_nothing() -> None:
    """The day counts."""
    rows = "".join(f"{n},2024-0{n % 9 + 1}-03,2024,{n % 12 + 1},AB\n" for n in range(30))
    text = f"Case Number,Created Date,Fiscal Year,Fiscal Month,Category\n{rows}"
    tables, report = load_tables(complaints=UploadedBytes("t.csv", text.encode()), today=NOW)
    tables.close()
    assert report.files[0].used.get("complaint_date", report.files[0].used.get("month")) == "Created Date"


@pytest.mark.parametrize(
    "periods",
    [["2022", "2023", "2024"], ["FY2022", "FY2023"], ["2022/2023", "2023/2024"], ["2024-W01", "2024-W02"], ["Jan-Mar 2024", "Apr-Jun 2024"]],
)
def test_periods_that_are_no_months_are_refused_as_such(periods: list[str]) -> None:
    """Not as a table of which nothing was recognised."""
    with pytest.raises(MappingError) as caught:
        recognise_table(_volumes("period,category,complaints", periods))
    assert caught.value.code == "periods_not_months"
    assert periods[0] in caught.value.message("fr")


@pytest.mark.parametrize(
    ("texts", "decimal", "ambiguous"),
    [
        (["1.250", "950"], ".", True),  # a thousand two hundred and fifty, or one and a quarter: a question
        (["1.250", "0.950"], ".", False),
        (["1.250", "12.5"], ".", False),
        (["1.000 CFA", "25.000 CFA"], ",", False),  # no cents
        (["¥1,000", "¥25,000"], ".", False),
        (["1'000.– Fr.", "2'500.50 Fr."], ".", False),
    ],
)
def test_points_that_may_group_thousands_are_asked_about_where_nothing_decides(texts: list[str], decimal: str, ambiguous: bool) -> None:
    """They were read as a decimal mark, a thousandth of the amount."""
    reading = recognise_numbers(texts)
    assert reading is not None
    assert (reading.decimal, reading.ambiguous) == (decimal, ambiguous)


def test_ids_keep_the_zeros_that_a_tab_or_an_apostrophe_protects() -> None:
    """As ="001" does; the names of places that begin so keep their apostrophe."""
    text = "customer_id,start_date,segment\n'001,2024-01-05,'s-Hertogenbosch\n\t002,2024-01-05,'s-Hertogenbosch\n"
    tables, _ = load_tables(UploadedBytes("c.csv", text.encode()), today=NOW)
    with tables:
        assert tables.connection.sql("SELECT customer_id, segment FROM customers ORDER BY 1").fetchall() == [
            ("001", "'s-Hertogenbosch"),
            ("002", "'s-Hertogenbosch"),
        ]


def test_tickets_without_a_category_beside_users_are_no_second_table_of_customers() -> None:
    """Their state says nothing about departures: the category is asked for, and the message names a column."""
    tickets = "id,requester_id,created_at,status\n" + "".join(f"{900 + n},{n % 20},2024-0{n % 9 + 1}-11,closed\n" for n in NUMBERS)
    source = UploadedBytes("t.csv", tickets.encode())
    assert recognise_table(source) == "complaints"
    with pytest.raises(MappingError) as caught:
        load_tables(complaints=source, today=NOW)
    assert (caught.value.code, caught.value.values["candidates"]) == ("category_missing", "status")


def test_unreadable_days_are_named_whatever_share_of_them_is_filled() -> None:
    """A column of last days, mostly blank, was taken for the days of departures alone."""
    with pytest.raises(MappingError) as caught:
        load_tables(UploadedBytes("c.csv", b"customer_id,start_date,end_date\nA,12e jour,\nB,13e jour,14e jour\nC,15e jour,\n"), today=NOW)
    assert caught.value.code == "values_unreadable"
    assert recognise_table(UploadedBytes("c.csv", b"customer_id,start_date,end_date\nA,12e jour,\nB,13e jour,14e jour\nC,15e jour,\n")) == "customers"


def test_sums_over_a_column_that_is_not_read_are_refused() -> None:
    """All regions beside each region would count every complaint twice; where they are no sums nothing is said."""
    rows = [("North", "A", 4), ("South", "A", 6), ("All", "A", 10), ("North", "B", 8), ("South", "B", 12), ("All", "B", 20)]
    text = "month,region,category,complaints\n" + "".join(f"2024-0{month},{region},{why},{n}\n" for month in (1, 2) for region, why, n in rows)
    with pytest.raises(MappingError) as caught:
        load_tables(volumes=UploadedBytes("v.csv", text.encode()), today=NOW)
    assert (caught.value.code, caught.value.values["column"], caught.value.values["value"]) == ("sums_beside", "region", "All")
    tables, _ = load_tables(volumes=UploadedBytes("v.csv", text.replace(",20", ",21").encode()), today=NOW)
    tables.close()


@pytest.mark.parametrize(
    ("header", "unit"), [("Tenureinmonths", "months"), ("Vertragsdauer (Monate)", "months"), ("Antigüedad (años)", "years"), ("Ancienneté", "")]
)
def test_the_header_of_a_tenure_says_its_unit_in_any_language_or_not(header: str, unit: str) -> None:
    """What is said is not asked about."""
    assert says_its_unit(header) == bool(unit)
    assert tenure_unit(header) == (unit or "months")


@pytest.mark.parametrize("letters", ["R", "fr", "DH"])
def test_numbered_regions_are_no_amounts_although_their_letters_are_a_currency(letters: str) -> None:
    codes, amounts = [f"{letters}{place % 13:02d}" for place in range(60)], [f"{letters} {place * 17 + 1000}.50" for place in range(60)]
    for texts, is_money in ((codes, False), (amounts, True)):
        rows = "".join(f"C{place},2024-01-{1 + place % 28:02d},{text}\n" for place, text in enumerate(texts))
        source = UploadedBytes("customers.csv", f"customer_id,start_date,place\n{rows}".encode())
        if is_money:
            with pytest.raises(MappingError) as caught:
                load_tables(customers=source, today=NOW)
            assert caught.value.proposal.tables["customers"].choices["revenue"].header == "place", "amounts are proposed, to be confirmed"
        else:
            tables, _ = load_tables(customers=source, today=NOW)
            tables.close()
