"""The headers of real systems are recognised in both languages, their traps are avoided, and doubts become questions."""

# ruff: noqa: E501 - headers are quoted as the systems write them
from __future__ import annotations

from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from iceberg.errors import MappingError
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice
from iceberg.ingest.columns.propose import load_presets, normalise_header, propose_mapping
from iceberg.ingest.engine.connection import connect
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.files.read import read_source
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.schema import CASE_FIELDS, FIELDS, all_fields
from iceberg.locale import Translator

NOW = date(2026, 6, 30)
DAY, ID, WORD = "2024-05-17 09:30:00", "4711", "late"


def proposal(headers: str, table: str, **values: str) -> ColumnMapping:
    """Proposed mapping of a file with these headers, separated by ``|``, and one plausible row."""
    names = headers.split("|")
    cells = [
        values.get(
            name,
            DAY
            if any(
                word in name.lower()
                for word in ("date", "created", "créé", "_at", "time", " at", "utc", "on", "depuis")
            )
            else WORD,
        )
        for name in names
    ]
    frame = pd.DataFrame([cells, cells], columns=names)
    connection, workspace = connect(), Workspace()
    try:
        return propose_mapping(read_source(connection, frame, workspace), table)
    finally:
        connection.close()
        workspace.close()


SYSTEMS = [
    (
        "zendesk",
        "complaints",
        "Id|Requester|Requester id|Requester external id|Organization|Subject|Tags|Status|Priority|Via|Ticket type|Created at|Updated at|Solved at|Satisfaction Score|Reopens|Replies|Motif [list]",
        {"customer_id": "Requester external id", "complaint_date": "Created at", "category": "Motif [list]"},
    ),
    (
        "freshdesk",
        "complaints",
        "Ticket ID|Subject|Status|Priority|Source|Type|Group|Created time|Resolved time|Closed time|Contact ID|Full name|Survey results|Tags",
        {"customer_id": "Contact ID", "complaint_date": "Created time", "category": "Type"},
    ),
    (
        "salesforce",
        "customers",
        "Account ID|Account Name|Created Date|Type",
        {"customer_id": "Account ID", "start_date": "Created Date", "segment": "Type"},
    ),
    (
        "salesforce",
        "complaints",
        "Case Number|Case ID|Case Reason|Case Origin|Status|Date/Time Opened|Date/Time Closed|Contact Name|Account ID",
        {"customer_id": "Account ID", "complaint_date": "Date/Time Opened", "category": "Case Reason"},
    ),
    (
        "salesforce_api",
        "complaints",
        "Id|AccountId|CreatedDate|ClosedDate|IsClosed|Reason",
        {"customer_id": "AccountId", "complaint_date": "CreatedDate", "category": "Reason"},
    ),
    (
        "hubspot",
        "customers",
        "Record ID|Create date|Lifecycle Stage|Associated Company IDs",
        {"customer_id": "Record ID", "start_date": "Create date", "segment": "Lifecycle Stage"},
    ),
    (
        "hubspot",
        "complaints",
        "Ticket ID|Ticket name|Ticket status|Category|Source|Pipeline|Create date|Associated Company IDs",
        {"customer_id": "Associated Company IDs", "complaint_date": "Create date", "category": "Category"},
    ),
    (
        "hubspot_fr",
        "customers",
        "ID de fiche d'informations|Nom de l'entreprise|Date de création|Associated Contact IDs",
        {"customer_id": "ID de fiche d'informations", "start_date": "Date de création"},
    ),
    (
        "dynamics",
        "complaints",
        "(Do Not Modify) Case|(Do Not Modify) Row Checksum|Case Title|Case Number|Customer|Origin|Category|Created On",
        {"customer_id": "Customer", "complaint_date": "Created On", "category": "Category"},
    ),
    (
        "stripe",
        "customers",
        "id|Customer ID|Status|Cancellation Reason|Amount|Interval|Created (UTC)|Start (UTC)|Canceled At (UTC)|Ended At (UTC)",
        {
            "customer_id": "Customer ID",
            "start_date": "Start (UTC)",
            "end_date": "Ended At (UTC)",
            "revenue": "Amount",
            "status": "Status",
            "interval": "Interval",
        },
    ),
    (
        "chargebee",
        "customers",
        "customer_id|status|created_at|started_at|cancelled_at|cancel_reason",
        {"customer_id": "customer_id", "start_date": "started_at", "end_date": "cancelled_at", "status": "status"},
    ),
    (
        "recurly",
        "customers",
        "account_code|plan_code|state|activated_at|canceled_at|expires_at",
        {
            "customer_id": "account_code",
            "start_date": "activated_at",
            "end_date": "expires_at",
            "segment": "plan_code",
            "status": "state",
        },
    ),
    (
        "zuora",
        "customers",
        "Account Number|Status|Contract Effective Date|Cancelled Date|Cancel Reason",
        {
            "customer_id": "Account Number",
            "start_date": "Contract Effective Date",
            "end_date": "Cancelled Date",
            "status": "Status",
        },
    ),
    (
        "",
        "customers",
        "N° client|Date d'entrée|Date de résiliation|Motif|Statut|Actif|CA",
        {"customer_id": "N° client", "start_date": "Date d'entrée", "end_date": "Date de résiliation", "revenue": "CA"},
    ),
    (
        "",
        "customers",
        "CODE  CLIENT|date_entree|DATE_RESILIATION|Segment",
        {
            "customer_id": "CODE  CLIENT",
            "start_date": "date_entree",
            "end_date": "DATE_RESILIATION",
            "segment": "Segment",
        },
    ),
    (
        "",
        "complaints",
        "Code client|Date de réclamation|Motif|Commentaire",
        {"customer_id": "Code client", "complaint_date": "Date de réclamation", "category": "Motif"},
    ),
    (
        "",
        "volumes",
        "Mois|Motif|Nombre de réclamations",
        {"month": "Mois", "category": "Motif", "complaints": "Nombre de réclamations"},
    ),
]


@pytest.mark.parametrize(
    ("system", "table", "headers", "expected"), SYSTEMS, ids=lambda value: value[:40] if isinstance(value, str) else ""
)
def test_the_headers_of_a_system_are_proposed_with_certainty(
    system: str, table: str, headers: str, expected: dict[str, str]
) -> None:
    """Every field of the export and no other, each with enough confidence."""
    values = {"Amount": "12.5", "CA": "1 234,5", "Nombre de réclamations": "4", "Mois": "2024-05", "Interval": "month"}
    found = proposal(headers, table, **values)
    # What a case says of itself comes beside the fields that an estimate needs: tests/ingest/test_journey.py
    assert {name: choice.header for name, choice in found.choices.items() if name not in CASE_FIELDS} == expected
    assert (found.system, found.uncertain(), found.missing) == (system, (), ())


@pytest.mark.parametrize(
    ("header", "plain"),
    [
        ("N° client", "n client"),
        ("Subscription  Length", "subscription length"),
        ("CustomerID", "customer id"),
        ("Motif [list]", "motif"),
        ("(Do Not Modify) Row Checksum", "row checksum"),
        ("(Ne pas modifier) Compte", "compte"),
        ("Date d’entrée", "date d entree"),
        ("Created (UTC)", "created"),
    ],
)
def test_headers_are_compared_without_accents_case_and_ornaments(header: str, plain: str) -> None:
    """One line of a preset covers every spelling."""
    assert normalise_header(header) == plain


def test_every_header_of_a_preset_names_a_known_field_and_every_reason_has_words() -> None:
    """Contributors add presets, and a field that does not exist would be ignored silently."""
    for preset in load_presets():
        for table, fields in preset.tables.items():
            assert set(fields) <= set(all_fields(table)), preset.name
    for language in ("en", "fr"):
        assert all(Translator(language).has(f"ingest.fields.{name}") for fields in FIELDS.values() for name in fields)


def test_a_customer_who_switched_renewal_off_is_still_here() -> None:
    """Recurly's canceled and Chargebee's non_renewing wait for the end of the term; the last day in the file is
    set aside."""
    recurly = pd.DataFrame(
        {
            "account_code": ["a", "b"],
            "state": ["canceled", "expired"],
            "plan_code": ["x", "x"],
            "activated_at": ["2024-01-05", "2024-01-05"],
            "canceled_at": ["2025-01-05", "2025-01-05"],
            "expires_at": ["2026-01-05", "2026-01-05"],
        }
    )
    tables, report = load_tables(recurly, today=NOW)
    with tables:
        assert tables.connection.sql("SELECT customer_id, end_date FROM customers ORDER BY 1").fetchall() == [
            ("a", None),
            ("b", date(2026, 1, 5)),
        ]
    assert [(count.rule, count.rows, count.rejected) for count in report.rules] == [("still_live_status", 1, False)]


def test_unix_seconds_and_yearly_amounts_are_read() -> None:
    """Chargebee writes seconds; Stripe's amounts are per interval."""
    chargebee = pd.DataFrame(
        {
            "customer_id": ["a", "b"],
            "status": ["non_renewing", "cancelled"],
            "created_at": ["1704412800"] * 2,
            "started_at": ["1704412800"] * 2,
            "cancelled_at": ["1735948800"] * 2,
        }
    )
    tables, _ = load_tables(chargebee, today=NOW)
    with tables:
        assert tables.connection.sql("SELECT start_date, end_date FROM customers ORDER BY customer_id").fetchall() == [
            (date(2024, 1, 5), None),
            (date(2024, 1, 5), date(2025, 1, 4)),
        ]
    stripe = pd.DataFrame(
        {
            "Customer ID": ["a", "b"],
            "Status": ["active", "active"],
            "Amount": ["10.5", "99"],
            "Interval": ["month", "year"],
            "Start (UTC)": [DAY, DAY],
            "Ended At (UTC)": ["", ""],
        }
    )
    tables, _ = load_tables(stripe, today=NOW)
    with tables:
        assert tables.connection.sql("SELECT revenue FROM customers ORDER BY customer_id").fetchall() == [
            (126.0,),
            (99.0,),
        ]


def test_an_unclear_file_stops_with_a_proposal_to_edit(tmp_path: Path) -> None:
    """The proposal, corrected and saved, reads next month's file."""
    path = tmp_path / "export.csv"
    path.write_text("ref,since when,why\n1,2024-01-05,x\n2,2024-02-05,y\n")
    with pytest.raises(MappingError) as caught:
        load_tables(path, today=NOW)
    assert caught.value.code == "mapping_uncertain"
    assert isinstance(caught.value.proposal, MappingSet)
    fixed = MappingSet(
        {
            "customers": ColumnMapping(
                "customers",
                {
                    "customer_id": FieldChoice("customer_id", "ref"),
                    "start_date": FieldChoice("start_date", "since when"),
                },
            )
        }
    )
    for name in ("mapping.toml", "mapping.json"):
        fixed.save(tmp_path / name)
        tables, report = load_tables(path, today=NOW, mapping=MappingSet.load(tmp_path / name))
        tables.close()
        assert report.rows["customers"].kept == 2


def test_a_date_header_over_values_that_are_no_dates_is_not_trusted() -> None:
    """A header alone is not enough."""
    found = proposal("customer id|start date", "customers", **{"start date": "soon"})
    assert [choice.field for choice in found.uncertain()] == ["start_date"]


def test_every_decision_survives_saving(tmp_path: Path) -> None:
    """Formats, decimal marks, options and unusual headers, as TOML and as JSON."""
    mapping = ColumnMapping(
        "customers",
        {"customer_id": FieldChoice("customer_id", 'N° "client"\\x'), "start_date": FieldChoice("start_date", "Début")},
        date_formats={"start_date": "day_first"},
        decimal=",",
        revenue_period="month",
        live_statuses=("active",),
        encoding="cp1250",
        separator="\t",
        header_line=3,
        sheet="Données",
        system="stripe",
    )
    for name in ("m.toml", "m.json"):
        MappingSet({"customers": mapping}).save(tmp_path / name)
        assert MappingSet.load(tmp_path / name).tables["customers"] == mapping


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize(("place", "code"), [("gone.toml", "mapping_file_missing"), (".", "mapping_file_closed")])
def test_a_mapping_that_is_not_there_is_said_in_words(place: str, code: str, language: str, tmp_path: Path) -> None:
    """Without the number of the system's error."""
    with pytest.raises(MappingError) as caught:
        MappingSet.load(tmp_path / place)
    message = caught.value.message(language)
    assert caught.value.code == code
    assert "Errno" not in message and str(tmp_path) in message


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("[clients]\n", "mapping_table_unknown"),
        ("[customers.columns]\nname = 'x'\n", "mapping_field_unknown"),
        ("[customers\n", "mapping_file_unreadable"),
        ("[customers]\ndecimal = ';'\n", "mapping_value_wrong"),
        ("[customers.date_formats]\nstart_date = 'd/m/y'\n", "mapping_value_wrong"),
        ("customers = 3\n", "mapping_table_unknown"),
    ],
)
def test_a_mapping_file_with_a_mistake_says_which(text: str, code: str, tmp_path: Path) -> None:
    """An analyst edits a mapping by hand."""
    (tmp_path / "m.toml").write_text(text)
    with pytest.raises(MappingError) as caught:
        MappingSet.load(tmp_path / "m.toml")
    assert caught.value.code == code
    assert all("m.toml" in caught.value.message(language) for language in ("en", "fr"))


def test_a_mapping_that_names_an_absent_column_lists_those_present(tmp_path: Path) -> None:
    """Next month's file may have other headers."""
    path = tmp_path / "export.csv"
    path.write_text("id,day\n1,2024-01-05\n2,2024-01-05\n")
    choices = {"customer_id": FieldChoice("customer_id", "id"), "start_date": FieldChoice("start_date", "start")}
    with pytest.raises(MappingError, match="id, day"):
        load_tables(path, mapping=MappingSet({"customers": ColumnMapping("customers", choices)}), today=NOW)


def test_a_preset_dropped_into_the_folder_works_without_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """One file with a signature and headers; its system is named in the mapping, with confidence and reason."""
    import shutil

    import iceberg.ingest.columns.propose as columns

    folder = tmp_path / "presets"
    shutil.copytree(Path(columns.__file__).parent / "presets", folder)
    (folder / "abonnix.toml").write_text(
        'name = "abonnix"\nlabel = "Abonnix"\n[signature]\ncustomers = ["Matricule abonné"]\n'
        '[customers]\ncustomer_id = ["Matricule abonné"]\nstart_date = ["Mise en service"]\nend_date = ["Coupure"]\n',
        encoding="utf-8",
    )
    monkeypatch.setattr(columns, "files", lambda package: tmp_path)
    load_presets.cache_clear()
    try:
        found = proposal("Matricule abonné|Mise en service|Coupure", "customers", **{"Mise en service": DAY, "Coupure": DAY})
    finally:
        load_presets.cache_clear()
    assert found.system == "abonnix"
    assert {name: choice.header for name, choice in found.choices.items()} == {
        "customer_id": "Matricule abonné",
        "start_date": "Mise en service",
        "end_date": "Coupure",
    }
    assert all(choice.confidence > 0.9 and choice.reason == "system" for choice in found.choices.values())


def test_a_saved_mapping_reads_the_next_month_alike(tmp_path: Path) -> None:
    """Saved, loaded and used again: the same choices, also those about reading."""
    path = tmp_path / "kunden.csv"
    path.write_bytes("Nr~seit~bis~Umsatz\n1~01/05/2024~~1,5\n".encode("cp1250"))
    choices = {name: FieldChoice(name, header) for name, header in (("customer_id", "Nr"), ("start_date", "seit"), ("end_date", "bis"), ("revenue", "Umsatz"))}
    mapping = ColumnMapping(
        "customers", choices, {"start_date": "day_first"}, decimal=",", encoding="cp1250", separator="~", time_zone="Europe/Paris", revenue_period="month"
    )
    for name in ("mapping.toml", "mapping.json"):
        MappingSet({"customers": mapping}).save(tmp_path / name)
        again = MappingSet.load(tmp_path / name)
        assert again == MappingSet({"customers": mapping})
        tables, report = load_tables(path, mapping=again, today=NOW)
        with tables:
            assert tables.connection.sql("SELECT * FROM customers").fetchall() == [("1", date(2024, 5, 1), None, "", 18.0)]
        assert set(report.files[0].overridden) == {"encoding", "separator"}
