"""Kinds of faults that real exports showed: each gives the right value, or a question that names what to write, and following it works."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest

from iceberg.cli.main import main
from iceberg.errors import MappingError
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.recognise import recognise_table
from tests.ingest.kinds import ENDED, FLAGGED, LOG, SHEET, TICKETS, USER_TICKETS, USERS, formula_book, volumes

NOW = date(2026, 6, 30)


def rows(text: str | bytes, table: str = "customers", *, mapping: dict[str, object] | None = None) -> list[tuple[object, ...]]:
    """The accepted rows of one file."""
    data = text.encode() if isinstance(text, str) else text
    given = MappingSet.from_dict(mapping) if mapping is not None else None
    tables, _ = load_tables(**{table: UploadedBytes(f"{table}.csv", data)}, mapping=given, today=NOW)
    with tables:
        [name] = tables.names
        return tables.connection.sql(f"SELECT * FROM {name} ORDER BY ALL").fetchall()


def write(folder: Path, **texts: str) -> dict[str, str]:
    """Files of these names, and their paths."""
    for name, text in texts.items():
        (folder / f"{name}.csv").write_text(text, encoding="utf-8")
    return {name: str(folder / f"{name}.csv") for name in texts}


def test_departures_without_a_date_are_never_read_as_nobody_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Level F with the complaints joined by id, and a warning with the count in the JSON document; or still here, because it was asked for."""
    monkeypatch.chdir(tmp_path)
    files = write(tmp_path, customers=FLAGGED, complaints=TICKETS)
    command = ["estimate", "--customers", files["customers"], "--complaints", files["complaints"], "--json", "out.json", "--quiet"]
    assert main(command) == 0
    document = json.loads((tmp_path / "out.json").read_text())
    [warning] = [one for one in document["diagnostics"] if one["code"] == "undated_departures"]
    assert (document["evidence_level"], warning["severity"], warning["values"]["count"], warning["values"]["silent"]) == ("F", "warning", 20, 15)
    assert document["silent_leavers"] == 15
    assert document["rows"]["complaints"] == {"read": 15, "kept": 15, "rejected": 0}
    assert main([*command, "--undated-departures", "ignore"]) == 0
    document = json.loads((tmp_path / "out.json").read_text())
    assert document["silent_leavers"] == 0
    assert "undated_ignored" in {one["code"] for one in document["diagnostics"]}


@pytest.mark.parametrize(("header", "no", "yes"), [("is_active", "TRUE", "FALSE"), ("Statut", "Actif", "Résilié"), ("inactive", "0", "1")])
def test_a_flag_of_any_name_is_a_departure(header: str, no: str, yes: str) -> None:
    """Active or inactive, in words or codes."""
    lines = [line.rsplit(",", 1) for line in FLAGGED.splitlines()]
    text = "\n".join(f"{rest},{header if flag == 'churned' else yes if flag == '1' else no}" for rest, flag in lines)
    assert sum(row[2] is True for row in rows(text)) == 20


def test_volumes_beside_departures_without_a_date_are_refused_with_the_way_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The option that the message names works."""
    monkeypatch.chdir(tmp_path)
    files = write(tmp_path, customers=FLAGGED, volumes="month,category,complaints\n2024-01,A,10\n2024-02,B,20\n")
    command = ["estimate", "--customers", files["customers"], "--volumes", files["volumes"], "--quiet"]
    assert main(command) == 2
    assert main([*command, "--undated-departures", "ignore"]) == 0


def test_a_last_day_under_an_unknown_header_is_proposed_and_not_taken_in_silence() -> None:
    """Days that some rows have, all after their first days: to be confirmed."""
    with pytest.raises(MappingError) as caught:
        rows(ENDED.replace("end_date", "Zeta"))
    assert caught.value.proposal.tables["customers"].header("end_date") == "Zeta"
    assert sum(row[2] is not None for row in rows(ENDED.replace("end_date", "Zeta"), mapping=caught.value.proposal.to_dict())) == 20


def test_formulas_without_results_are_named() -> None:
    """With the column and how many, whatever the library wrote in their place."""
    with pytest.raises(MappingError) as caught:
        load_tables(UploadedBytes("customers.xlsx", formula_book()), today=NOW)
    assert (caught.value.code, caught.value.values["column"], caught.value.values["count"]) == ("formulas_unsolved", "end_date", 9)


def test_texts_written_as_formulas_are_their_texts() -> None:
    """Ids keep their zeros, days are read."""
    text = 'customer_id,start_date,end_date\n"=""001""","=""2023-11-28""",\n="002",="2023-11-29",="2024-01-02"\n'
    assert [row[:3] for row in rows(text)] == [("001", date(2023, 11, 28), None), ("002", date(2023, 11, 29), date(2024, 1, 2))]


def test_amounts_in_several_currencies_are_named_and_converted_only_by_given_rates(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without rates there is no money; with them each amount is in the currency that has none."""
    text = 'customer_id,start_date,revenue\nA,2023-01-01,"€1,000.00"\nB,2023-01-01,"$1,000.00"\nC,2023-01-01,"1,000.00 CHF"\n'
    assert [row[4] for row in rows(text)] == [None, None, None]
    tables, report = load_tables(UploadedBytes("c.csv", text.encode()), today=NOW)
    tables.close()
    assert dict(report.notes)["several_currencies"]["currencies"] == "EUR, USD, CHF"
    assert "several_currencies" in dict(tables.remarks)
    rates = {"customers": {"exchange_rates": {"USD": 0.5, "CHF": 2.0}}}
    assert [row[4] for row in rows(text, mapping=rates)] == [1000.0, 500.0, 2000.0]
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, customers=text)["customers"]
    assert main(["check", path, "--exchange-rate", "USD=0.5", "--exchange-rate", "CHF=2"]) == 0
    assert main(["check", path, "--exchange-rate", "dollars=1"]) == 2


def test_a_monthly_amount_is_said_to_be_multiplied(tmp_path: Path) -> None:
    """The note names the column and how to say otherwise."""
    tables, report = load_tables(UploadedBytes("c.csv", ENDED.replace("revenue", "monthly_fee").encode()), today=NOW)
    tables.close()
    assert dict(report.notes)["revenue_times_12"]["column"] == "monthly_fee"


@pytest.mark.parametrize("total", ["All", "Tous", "Toutes catégories", "Ensemble", "Total général", "Overall", "xyz"])
def test_rows_that_are_the_sum_of_the_others_are_a_total_under_any_name(total: str) -> None:
    """Complaints are counted once."""
    assert sum(row[2] for row in rows(volumes(total), "volumes")) == 90


def test_a_category_that_is_not_the_sum_is_kept_whatever_its_name() -> None:
    """A department may be called "All"."""
    assert sum(row[2] for row in rows(volumes("All").replace("All,30", "All,29"), "volumes")) == 90 + 87


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize(
    ("texts", "follows"),
    [
        ({"sheet": SHEET}, True),
        ({"customers": "customer_id,start_date,end_date\nA,令和6年1月5日,\nB,令和6年2月5日,令和6年9月5日\n"}, False),
        ({"volumes": "fiscal_year,category,complaints\n2022-23,Loans,58990\n2023-24,Loans,61000\n"}, False),
        ({"customers": ENDED.replace("end_date", "Zeta")}, True),
    ],
)
def test_what_a_message_proposes_works_in_one_step(
    texts: dict[str, str], follows: bool, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The proposal is taken as it is; where no mapping can mend the file, the message names a column and a value of it."""
    monkeypatch.chdir(tmp_path)
    files = list(write(tmp_path, **texts).values())
    assert main(["check", *files, "--lang", language]) == 2
    if follows:
        assert main(["check", *files, "--lang", language, "--mapping", "iceberg-mapping.toml"]) == 0


def test_the_example_of_a_question_about_departures_is_a_departure() -> None:
    """Copied as it stands it does not turn the active customers into the leavers; the section alone is enough."""
    with pytest.raises(MappingError) as caught:
        rows(SHEET)
    assert caught.value.values["first"] == "Cancelled"
    assert sum(row[2] is True for row in rows(SHEET, mapping={"flat": {"yes_values": {"churned": ["Cancelled"]}}})) == 15


def test_the_users_of_a_help_desk_are_keyed_by_their_own_id(tmp_path: Path) -> None:
    """Not by their organisation; their tickets point at them, and an inactive user has left."""
    customers, tickets = UploadedBytes("users.csv", USERS.encode()), UploadedBytes("tickets.csv", USER_TICKETS.encode())
    tables, report = load_tables(customers, tickets, today=NOW, relate=True)
    with tables:
        assert {reading.table: reading.used["customer_id"] for reading in report.files} == {"customers": "id", "complaints": "requester_id"}
        assert tables.connection.sql("SELECT count(*), count(*) FILTER (churned), count(category) FROM flat").fetchall() == [(60, 9, 50)]


def test_the_company_that_is_complained_about_is_not_the_customer() -> None:
    """Every file number is a complaint; none is the same one again."""
    assert sum(row[2] for row in rows(LOG, "complaints")) == 60


def test_another_case_number_is_another_complaint() -> None:
    """Without numbers the second of two equal rows is the same complaint."""
    text = "ticket_id,customer_id,complaint_date,category\nT1,A,2024-01-05,x\nT2,A,2024-01-05,x\n"
    assert len(rows(text, "complaints")) == 2
    assert len(rows(text.replace("ticket_id,", "").replace("T1,", "").replace("T2,", ""), "complaints")) == 1


def test_a_plain_id_is_the_customer_of_a_customers_table() -> None:
    """Where each row has its own."""
    assert len(rows(ENDED.replace("customer_id", "id"))) == 60


def test_settings_alone_do_not_say_which_table_a_file_is() -> None:
    """A mapping that names one category for complaints leaves the accounts what they are."""
    mapping = MappingSet.from_dict({"complaints": {"one_category": "Ticket"}})
    accounts = UploadedBytes("accounts.csv", b"account_id,signup_date\nA1,2023-01-01\nA2,2023-02-01\n")
    tickets = UploadedBytes("tickets.csv", b"ticket_id,account_id,submitted_at,priority\nT1,A1,2024-01-05,high\nT2,A2,2024-03-05,low\n")
    assert [recognise_table(file, mapping=mapping) for file in (accounts, tickets)] == ["customers", "complaints"]


def test_ids_that_differ_in_case_meet_and_the_note_says_so() -> None:
    """Unless the mapping asks for ids as they are written."""
    customers, complaints = UploadedBytes("c.csv", ENDED.encode()), UploadedBytes("k.csv", TICKETS.replace("\nK", "\nk").encode())
    tables, report = load_tables(customers, complaints, today=NOW)
    tables.close()
    assert report.rows["complaints"].kept + report.rows["complaints"].rejected == report.rows["complaints"].read
    assert not any(count.rule == "unknown_customer" for count in report.rules)
    assert dict(report.notes)["ids_made_alike"]["before"] == 0
    assert dict(tables.remarks)["ids_made_alike"] == {"before": 0, "after": 100}
    assert "K0" not in str(tables.remarks).upper()
    exact = MappingSet.from_dict({"joining": {"id_normalisation": ["exact"]}})
    tables, report = load_tables(customers, complaints, mapping=exact, today=NOW)
    tables.close()
    assert {count.rule: count.rows for count in report.rules}["unknown_customer"] == 15
    assert "ids_do_not_match" in dict(tables.remarks)


def test_no_departure_is_no_lack_of_revenue(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The column is mapped: nothing is said about a missing one."""
    monkeypatch.chdir(tmp_path)
    nobody = "\n".join(line.replace("2024-05-02", "") for line in ENDED.splitlines()) + "\n"
    files = write(tmp_path, customers=nobody, complaints=TICKETS)
    assert main(["estimate", "--customers", files["customers"], "--complaints", files["complaints"], "--json", "out.json", "--quiet"]) == 0
    assert "no_revenue" not in {one["code"] for one in json.loads((tmp_path / "out.json").read_text())["diagnostics"]}


def test_check_takes_the_options_that_its_message_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A file of unknown headers is given as what it is, and the proposal has the places."""
    monkeypatch.chdir(tmp_path)
    path = write(tmp_path, odd="alpha,beta\n1,x\n2,y\n")["odd"]
    assert main(["check", path]) == 2
    assert main(["check", "--volumes", path]) == 2
    assert 'month = ""' in (tmp_path / "iceberg-mapping.toml").read_text()
