"""A customers table with several rows per customer: subscriptions are folded, errors are rejected, and the analyst can choose."""

from __future__ import annotations

from datetime import date

import pytest

from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.joining.options import Joining
from iceberg.ingest.joining_sentences import tell_report
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.tables import IngestReport
from iceberg.locale import LANGUAGES, Translator

NOW = date(2026, 6, 30)
HEADER = "customer_id,start_date,end_date,segment,revenue\n"


def contracts(again: int, *, of: int = 40) -> str:
    """`of` customers with a contract that ended, `again` of them with a second one that has not."""
    first = [f"C{n:02d},2024-01-01,2024-06-30,retail,100" for n in range(of)]
    second = [f"C{n:02d},2025-01-01,,retail,120" for n in range(again)]
    return HEADER + "\n".join(first + second) + "\n"


def load(text: str, rules: Joining | None = None, **others: str) -> tuple[dict[str, tuple[date, date | None]], IngestReport]:
    files = {table: UploadedBytes(f"{table}.csv", other.encode()) for table, other in others.items()}
    loaded, report = load_tables(UploadedBytes("customers.csv", text.encode()), mapping=MappingSet({}, rules or Joining()), today=NOW, **files)
    with loaded:
        rows = loaded.connection.sql("SELECT customer_id, start_date, end_date FROM customers").fetchall()
        return {row[0]: (row[1], row[2]) for row in rows}, report


def test_customers_who_began_more_than_once_are_folded_from_first_start_to_last_end() -> None:
    lives, report = load(contracts(12))
    assert len(lives) == 40
    assert lives["C00"] == (date(2024, 1, 1), None)
    assert lives["C39"] == (date(2024, 1, 1), date(2024, 6, 30))
    found = report.joining.repeated
    assert (found.customers, found.repeated, found.restarted, found.folded) == (40, 12, 12, True)
    assert report.rows["subscriptions"].read == 52
    assert report.joining.folding.reactivated_customers == 12


@pytest.mark.parametrize(("again", "of"), [(9, 40), (10, 300)])
def test_a_few_repeated_customers_are_mistakes_and_the_choice_is_named(again: int, of: int) -> None:
    lives, report = load(contracts(again, of=of))
    assert len(lives) == of
    assert report.rows["customers"].rejected == again
    assert not report.joining.repeated.folded
    assert any(fact.option == "repeated_customers" for fact in tell_report(report, Translator("en")))


def test_the_rule_can_be_chosen_both_ways() -> None:
    left_out, report = load(contracts(12), Joining(repeated_customers="leave_out"))
    assert left_out["C00"] == (date(2024, 1, 1), date(2024, 6, 30))
    assert report.rows["customers"].rejected == 12
    folded, _ = load(contracts(2), Joining(repeated_customers="subscriptions"))
    assert folded["C01"] == (date(2024, 1, 1), None)


def test_a_snapshot_per_month_is_no_new_subscription() -> None:
    """The same first day on every row: the customer never began again."""
    text = HEADER + "".join(f"C{n:02d},2024-01-01,,retail,{100 + month}\n" for n in range(30) for month in range(3))
    _, report = load(text)
    assert not report.joining.repeated.folded
    assert report.rows["customers"].rejected == 60


def test_a_system_that_exports_subscriptions_is_folded_from_the_first_repeat() -> None:
    rows = [f"cus_{n},sub_{n},canceled,month,9,2024-01-01,2024-05-01" for n in range(5)] + ["cus_1,sub_9,active,month,9,2025-01-01,"]
    text = "Customer ID,id,Status,Interval,Amount,Start (UTC),Ended At (UTC)\n" + "\n".join(rows) + "\n"
    lives, report = load(text)
    assert lives["cus_1"] == (date(2024, 1, 1), None)
    assert report.files[0].used["subscription_id"] == "id"


def test_subscriptions_beside_the_customers_show_who_returned() -> None:
    lives, report = load(contracts(12), subscriptions=contracts(12))
    assert len(lives) == 40
    assert not report.joining.repeated.folded


def test_the_same_subscription_again_is_left_out_where_its_id_says_so_and_kept_where_none_does() -> None:
    named = "subscription_id,customer_id,start_date,end_date\nS1,C1,2024-01-01,\nS1,C1,2024-01-01,\nS2,C1,2024-01-01,\n"
    _, report = load_tables(subscriptions=UploadedBytes("s.csv", named.encode()), today=NOW)
    assert (report.rows["subscriptions"].kept, report.rows["subscriptions"].rejected) == (2, 1)
    assert {count.rule: count.rows for count in report.rules} == {"exact_duplicate": 1}
    nameless = "customer_id,start_date,end_date\nC1,2024-01-01,\nC1,2024-01-01,\nC2,2024-01-01,\n"
    _, report = load_tables(subscriptions=UploadedBytes("s.csv", nameless.encode()), today=NOW)
    assert report.rows["subscriptions"].kept == 3
    assert {count.rule: count.rows for count in report.rules} == {"repeated_subscription": 1}


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("again", [3, 12])
def test_repeated_customers_have_a_sentence_in_both_languages(language: str, again: int) -> None:
    _, report = load(contracts(again))
    facts = tell_report(report, Translator(language))
    assert facts[0].option == "repeated_customers"
    assert "{" not in facts[0].says
    assert facts[0].choice
