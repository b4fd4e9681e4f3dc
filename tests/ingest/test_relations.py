"""Joins are proposed from overlapping ids, shown with their alternatives, fixed by a mapping, and counted per file."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import date
from pathlib import Path

import pytest

from iceberg.errors import EvidenceError, MappingError
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.joining.links import Link, LinkChoice, Relation, Relations
from iceberg.ingest.joining_sentences import tell_relations
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.opening import relate_files
from iceberg.ingest.rejected_rows import require_rows
from iceberg.locale import LANGUAGES, Translator

NOW = date(2026, 6, 30)
# Customers have two ids; contracts name the second one, tickets both.
CUSTOMERS = "account_id,account_number,signup_date,churn_date\n" + "".join(
    f"A{n:03d},N{n:03d},2024-01-{n % 28 + 1:02d},{'2025-06-01' if n % 4 == 0 else ''}\n" for n in range(60)
)
TICKETS = "ticket_id,account_id,contract,opened_at,category\n" + "".join(f"T{n},X{n:03d},N{n:03d},2024-09-0{n % 9 + 1},billing\n" for n in range(40))


def file(name: str, text: str) -> UploadedBytes:
    return UploadedBytes(f"{name}.csv", text.encode())


def kept_ids(mapping: MappingSet | None = None, tickets: str = TICKETS) -> tuple[set[str], Relations]:
    loaded, report = load_tables(file("customers", CUSTOMERS), file("tickets", tickets), mapping=mapping, today=NOW)
    with loaded:
        return {row[0] for row in loaded.connection.sql("SELECT customer_id FROM complaints").fetchall()}, report.relations


def test_a_column_with_known_ids_replaces_a_header_whose_ids_no_customer_has() -> None:
    ids, relations = kept_ids()
    assert ids == {f"A{n:03d}" for n in range(40)}
    link = relations.get("complaints")
    assert link is not None
    assert (link.origin, link.relation.column, link.relation.other_column) == ("overlap", "contract", "account_number")
    assert (link.relation.found, link.relation.ids, link.relation.share) == (40, 40, 1.0)


def test_a_header_whose_ids_are_found_stays_and_the_rest_is_an_alternative() -> None:
    _, relations = kept_ids(tickets=TICKETS.replace(",X", ",A"))
    link = relations.get("complaints")
    assert link is not None
    assert (link.origin, link.relation.column) == ("header", "account_id")
    assert [(one.column, one.other_column, one.share) for one in link.alternatives] == [("contract", "account_number", 1.0)]


def test_an_alternative_can_be_chosen_saved_and_read_back(tmp_path: Path) -> None:
    _, relations = kept_ids(tickets=TICKETS.replace(",X", ",A"))
    link = relations.get("complaints")
    assert link is not None
    mapping = MappingSet().with_link("complaints", link.alternatives[0].choice)
    for suffix in ("toml", "json"):
        mapping.save(tmp_path / f"m.{suffix}")
        assert MappingSet.load(tmp_path / f"m.{suffix}").links == {"complaints": LinkChoice("contract", "customers", "account_number")}
    ids, relations = kept_ids(MappingSet.load(tmp_path / "m.toml"), TICKETS.replace(",X", ",A"))
    assert ids == {f"A{n:03d}" for n in range(40)}
    assert relations.links[0].origin == "mapping"
    assert mapping.with_link("complaints", None).links == {}


def test_columns_that_were_named_are_not_changed_by_overlap() -> None:
    columns = {"customer_id": "account_id", "complaint_date": "opened_at", "category": "category"}
    named = ColumnMapping("complaints", {name: FieldChoice(name, header) for name, header in columns.items()})
    ids, relations = kept_ids(MappingSet({"complaints": named}))
    assert ids == set()  # every ticket has an unknown id
    assert relations.links[0].relation.found == 0
    assert relations.links[0].alternatives[0].column == "contract"


def test_row_numbers_overlap_with_customer_numbers_by_chance_and_are_no_join() -> None:
    customers = "customer_id,start_date\n" + "".join(f"{n},2024-01-01\n" for n in range(1, 101))
    tickets = "id,wen,am,category\n" + "".join(f"{n},Meier {n},2024-09-01,billing\n" for n in range(1, 41))
    with pytest.raises(MappingError) as caught:
        load_tables(file("customers", customers), file("tickets", tickets), today=NOW)
    assert "customer_id" not in caught.value.proposal.get("complaints").choices


def test_relations_are_plain_data() -> None:
    _, relations = kept_ids()
    plain = json.loads(json.dumps(asdict(relations)))
    links = tuple(
        Link(Relation(**link["relation"]), link["origin"], tuple(Relation(**pair) for pair in link["alternatives"])) for link in plain["links"]
    )
    assert Relations(links, plain["base"], plain["measured"]) == relations


def test_relations_can_be_shown_before_anything_is_loaded() -> None:
    sources = {"customers": file("customers", CUSTOMERS), "complaints": file("tickets", TICKETS)}
    assert relate_files(sources).links[0].relation.column == "contract"
    mapping = MappingSet().with_link("complaints", LinkChoice("account_id", "customers"))
    assert relate_files(sources, mapping=mapping).links[0].relation.other_column == "account_id"
    assert relate_files({"customers": file("customers", CUSTOMERS)}) == Relations()


def test_two_tables_cannot_be_looked_up_by_two_other_ids() -> None:
    customers = "account_id,account_number,old_number,signup_date\n" + "".join(f"A{n},N{n},O{n},2024-01-01\n" for n in range(20))
    visits = "visit_id,old_number,visit_date\n" + "".join(f"V{n},O{n},2024-09-01\n" for n in range(20))
    mapping = MappingSet().with_link("complaints", LinkChoice("contract", "customers", "account_number"))
    mapping = mapping.with_link("activity", LinkChoice("old_number", "customers", "old_number"))
    with pytest.raises(MappingError) as caught:
        load_tables(file("customers", customers), file("tickets", TICKETS), activity=file("visits", visits), mapping=mapping, today=NOW)
    assert caught.value.code == "link_twice"
    assert all(caught.value.message(language) for language in LANGUAGES)


def test_a_join_to_a_table_that_was_not_given_says_so() -> None:
    mapping = MappingSet().with_link("complaints", LinkChoice("contract", "subscriptions", "subscription_id"))
    with pytest.raises(MappingError) as caught:
        kept_ids(mapping)
    assert caught.value.code == "link_table_missing"


@pytest.mark.parametrize(
    "entry",
    [
        {"customers": {"column": "a"}},
        {"complaints": {"column": ""}},
        {"complaints": {"column": 3}},
        {"complaints": {"column": "a", "other_table": "tickets"}},
        {"complaints": "a"},
        3,
    ],
)
def test_a_join_that_makes_no_sense_is_refused(entry: object) -> None:
    with pytest.raises(MappingError):
        MappingSet.from_dict({"relations": entry})


@pytest.mark.parametrize("language", LANGUAGES)
def test_joins_have_a_sentence_in_both_languages(language: str) -> None:
    _, relations = kept_ids(tickets=TICKETS.replace(",X", ",A"))
    [fact] = tell_relations(relations, Translator(language))
    assert "account_number" in fact.choice
    assert "[relations.complaints]" in fact.change
    assert "{" not in fact.says + fact.choice + fact.change


def test_departures_alone_do_not_list_the_customers() -> None:
    with pytest.raises(EvidenceError) as caught:
        load_tables(events=file("events", "customer_id,event_date\nA1,2024-02-02\n"), today=NOW)
    assert caught.value.code == "events_without_customers"


def test_a_table_in_several_files_says_what_became_of_each() -> None:
    """Rows that repeat those of another file are counted in their own file."""
    header, *rows = CUSTOMERS.splitlines()
    first, second = "\n".join([header, *rows[:30]]), "\n".join([header, *rows[25:], "A999,N999,not a day,"])
    loaded, report = load_tables([file("north", first), file("south", second)], file("tickets", TICKETS.replace(",X", ",A")), today=NOW)
    loaded.close()
    assert [(part.file, part.read, part.kept, part.rejected) for part in report.parts] == [("north.csv", 30, 30, 0), ("south.csv", 36, 30, 6)]
    assert report.rows["customers"].kept == sum(part.kept for part in report.parts)
    assert report.relations.links[0].relation.share == 1.0


@pytest.mark.parametrize("language", ["en", "fr"])
def test_ids_written_in_two_ways_throughout_are_refused_with_the_mapping_that_joins_them(language: str) -> None:
    """A spreadsheet wrote 1.0 for 1: no id matches, and the error has the mapping that helps."""
    customers = UploadedBytes("c.csv", ("customer_id,start_date\n" + "".join(f"{n},2024-01-01\n" for n in range(1, 101))).encode())
    complaints = UploadedBytes("t.csv", ("customer_id,date,category\n" + "".join(f"{n}.0,2024-09-01,billing\n" for n in range(1, 41))).encode())
    tables, report = load_tables(customers, complaints, today=date(2026, 6, 30))
    tables.close()
    link = report.relations.get("complaints")
    assert link is not None
    assert (link.relation.share, link.relation.ids) == (0.0, 40)
    with pytest.raises(MappingError) as caught:
        require_rows(report)
    said = caught.value.message(language)
    assert all(part in said for part in ("t.csv", "customer_id", "1.0", 'id_normalisation = ["strip_decimal"]'))
    tables, report = load_tables(customers, complaints, mapping=caught.value.proposal, today=date(2026, 6, 30))
    tables.close()
    assert report.rows["complaints"].kept == 40
    link = report.relations.get("complaints")
    assert link is not None
    assert (link.relation.share, link.relation.ids) == (1.0, 40)


def test_a_header_over_two_columns_that_differ_is_a_question() -> None:
    """Customers and complaints side by side on one sheet: the first id is not that of the complaint."""
    rows = "".join(f"C{n},2024-01-{n:02d},,C{31 - n},2025-01-{n:02d},billing\n" for n in range(1, 29))
    source = UploadedBytes("s.csv", ("customer_id,start_date,,customer_id,complaint_date,category\n" + rows).encode())
    with pytest.raises(MappingError) as caught:
        load_tables(complaints=source)
    assert caught.value.code == "header_twice"
    assert '"customer_id (2)"' in caught.value.message("en")
    columns = {"customer_id": "customer_id (2)", "complaint_date": "complaint_date", "category": "category"}
    tables, _ = load_tables(complaints=source, mapping=MappingSet.from_dict({"complaints": {"columns": columns}}))
    with tables:
        assert tables.connection.sql("SELECT customer_id FROM complaints WHERE complaint_date = DATE '2025-01-01'").fetchall() == [("C30",)]


def test_ids_that_a_spreadsheet_cut_short_are_refused() -> None:
    rows = "".join(f"1.2{n % 10}E+12,2024-01-05\n" for n in range(40))
    with pytest.raises(MappingError) as caught:
        load_tables(UploadedBytes("c.csv", ("customer_id,start_date\n" + rows).encode()))
    assert caught.value.code == "ids_cut_short"
    assert "1.20E+12" in caught.value.message("en")


def test_many_departures_on_the_last_day_are_reported() -> None:
    """An export that writes its own day as the end of every customer who has not left."""
    days = [f"2025-{1 + n % 12:02d}-{1 + n % 28:02d}" if n % 3 == 0 else "2026-06-30" for n in range(120)]
    rows = "".join(f"C{n},2024-01-05,{day}\n" for n, day in enumerate(days))
    tables, report = load_tables(UploadedBytes("c.csv", ("customer_id,start_date,end_date\n" + rows).encode()), today=date(2026, 7, 1))
    tables.close()
    [values] = [values for code, values in report.notes if code == "ends_on_one_day"]
    assert (values["count"], values["total"], values["before"]) == (80, 120, "2026-06-29")


def test_complaints_without_ids_beside_customers_are_reported_as_volumes() -> None:
    customers = UploadedBytes("c.csv", b"customer_id,start_date\n" + b"".join(b"C%d,2024-01-05\n" % n for n in range(9)))
    complaints = UploadedBytes("t.csv", b"when,date,category\n" + b"".join(b"x%d,2024-09-01,billing\n" % n for n in range(9)))
    tables, report = load_tables(customers, complaints, today=date(2026, 6, 30))
    tables.close()
    assert set(report.rows) == {"customers", "volumes"}
    assert ("complaints_unlinked", {"file": "t.csv"}) in report.notes
