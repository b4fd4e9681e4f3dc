"""Accounts, subscriptions, departures and activity logs become ordinary customers; contradictions are counted and guesses are reported."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from iceberg.cohort.reduce import reduce_tables
from iceberg.errors import MappingError
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice
from iceberg.ingest.engine.connection import connect
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.joining.activity import Silences
from iceberg.ingest.joining.category_names import group_categories, several_in_one, spelling_key, why_alike
from iceberg.ingest.joining.identifiers import id_sql
from iceberg.ingest.joining.options import CHOICES, Joining, JoiningReport
from iceberg.ingest.joining_sentences import tell_joining
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.opening import relate_files
from iceberg.ingest.recognise import recognise_tables
from iceberg.ingest.tables import IngestReport
from iceberg.locale import LANGUAGES, Translator

NOW = date(2026, 6, 30)
ACCOUNTS = """account_id,signup_date,industry,churn_flag
A1,2024-01-10,retail,FALSE
A2,2024-02-01,retail,TRUE
A3,2024-03-01,media,TRUE
A4,2024-04-01,media,FALSE
A5,2024-05-01,media,FALSE
"""
SUBSCRIPTIONS = """subscription_id,account_id,start_date,end_date,plan,arr_amount
S1,A1,2024-01-10,2024-12-31,basic,100
S2,A1,2025-01-01,,pro,200
S3,A2,2024-02-01,2025-02-01,basic,100
S4,A3,2024-03-01,2024-09-01,basic,100
S5,A3,2025-03-01,,basic,120
S6,A4,2024-04-01,,basic,100
S7,A5,2024-05-01,2024-08-01,basic,50
S8,A5,2024-08-20,2025-05-01,basic,60
S9,A9,2024-05-01,,basic,60
"""
EVENTS = """event_id,account_id,churn_date
E1,A2,2025-02-01
E2,A3,2024-09-01
E3,A4,2025-04-01
"""
TICKETS = """ticket_id,account_id,submitted_at,category
T1,A1,2023-12-01,billing
T2,A2,2024-06-01,billing
T3,A5,2024-07-01,delivery
"""


def file(name: str, text: str) -> UploadedBytes:
    return UploadedBytes(f"{name}.csv", text.encode())


def join(
    *, complaints: str | None = TICKETS, customers: str | None = ACCOUNTS, **tables: str
) -> tuple[dict[str, tuple[date, date | None]], IngestReport]:
    """First and last day of each customer, and the report; options of `Joining` are given with the tables."""
    names = {"subscriptions", "events", "activity"}
    rules = Joining(**{name: value for name, value in tables.items() if name not in names})  # type: ignore[arg-type]
    given_tables = {"customers": customers, "complaints": complaints} | {name: text for name, text in tables.items() if name in names}
    sources = {name: file(name, text) for name, text in given_tables.items() if text is not None}
    loaded, report = load_tables(**sources, mapping=MappingSet({}, rules), today=NOW)  # type: ignore[arg-type]
    with loaded:
        rows = loaded.connection.sql("SELECT customer_id, start_date, end_date FROM customers ORDER BY 1").fetchall()
    assert all(totals.read == totals.kept + totals.rejected for totals in report.rows.values())
    return {row[0]: (row[1], row[2]) for row in rows}, report


def found(report: IngestReport) -> dict[str, tuple[int, int]]:
    assert report.joining is not None
    return {entry.code: (entry.count, entry.total) for entry in report.joining.contradictions}


def day(text: str) -> date:
    return date.fromisoformat(text)


def test_subscriptions_are_folded_from_the_first_start_to_the_last_end() -> None:
    lives, report = join(customers=None, complaints=None, subscriptions=SUBSCRIPTIONS)
    assert lives["A1"] == (day("2024-01-10"), None)
    assert lives["A2"] == (day("2024-02-01"), day("2025-02-01"))
    assert lives["A3"] == (day("2024-03-01"), None)
    assert lives["A5"] == (day("2024-05-01"), day("2025-05-01"))
    folding = report.joining.folding
    assert (folding.subscriptions, folding.customers, folding.gaps, folding.bridged_gaps, folding.reactivations) == (9, 6, 2, 1, 1)
    assert report.rows["subscriptions"].read == 9
    assert report.joining.derived == "subscriptions"


def test_a_gap_within_gap_days_is_no_departure_and_a_longer_one_is_when_the_first_departure_counts() -> None:
    lives, _ = join(customers=None, complaints=None, subscriptions=SUBSCRIPTIONS, reactivated="first_departure")
    assert lives["A3"][1] == day("2024-09-01")
    assert lives["A5"][1] == day("2025-05-01")
    strict, report = join(customers=None, complaints=None, subscriptions=SUBSCRIPTIONS, reactivated="first_departure", gap_days=10)
    assert strict["A5"][1] == day("2024-08-01")
    assert report.joining.folding.reactivations == 2


def test_a_customer_who_returned_can_start_at_the_return() -> None:
    lives, _ = join(complaints=None, subscriptions=SUBSCRIPTIONS, reactivated="last_return")
    assert lives["A3"] == (day("2025-03-01"), None)
    assert lives["A1"][0] == day("2024-01-10")


def test_revenue_is_that_of_the_subscriptions_running_on_the_last_day() -> None:
    loaded, _ = load_tables(subscriptions=file("subscriptions", SUBSCRIPTIONS), today=NOW)
    with loaded:
        revenue = dict(loaded.connection.sql("SELECT customer_id, revenue FROM customers").fetchall())
    assert revenue == {"A1": 200, "A2": 100, "A3": 120, "A4": 100, "A5": 60, "A9": 60}


def test_departures_give_the_last_day_where_the_customers_have_none() -> None:
    lives, report = join(events=EVENTS, complaints=None)
    assert {name: end for name, (_, end) in lives.items() if end} == {"A2": day("2025-02-01"), "A3": day("2024-09-01"), "A4": day("2025-04-01")}
    assert report.joining.ends == {"events": 3}


def test_a_departure_after_which_a_subscription_began_is_a_return() -> None:
    lives, report = join(subscriptions=SUBSCRIPTIONS, events=EVENTS)
    assert lives["A3"][1] is None
    assert lives["A4"][1] == day("2025-04-01")
    assert lives["A5"][1] == day("2025-05-01")
    assert found(report)["event_then_return"] == (1, 3)
    assert found(report)["event_but_open"] == (1, 3)
    only_events, _ = join(subscriptions=SUBSCRIPTIONS, events=EVENTS, end_from="events")
    assert only_events["A3"][1] == day("2024-09-01")
    assert only_events["A5"][1] is None


def test_flag_and_departures_that_disagree_are_counted_both_ways_and_never_averaged() -> None:
    flags = ACCOUNTS.replace("A5,2024-05-01,media,FALSE", "A5,2024-05-01,media,TRUE")
    lives, report = join(customers=flags, events=EVENTS)
    counts = found(report)
    assert counts["flag_without_event"] == (1, 3)
    assert counts["event_without_flag"] == (1, 3)
    assert counts["flag_and_event"] == (2, 4)
    assert lives["A4"][1] == day("2025-04-01")
    agreed, _ = join(customers=flags, events=EVENTS, flag="must_agree")
    assert {name for name, (_, end) in agreed.items() if end} == {"A2", "A3"}
    left_out, report = join(customers=flags, events=EVENTS, flag="leave_out")
    assert set(left_out) == {"A1", "A2", "A3", "A4"}
    assert report.rows["customers"].rejected == 1
    assert ("customers", "churned_without_date", 1) in {(rule.table, rule.rule, rule.rows) for rule in report.rules}


def test_two_last_days_that_differ_are_reported_and_the_customers_own_one_stands() -> None:
    customers = "customer_id,start_date,end_date\nC1,2024-01-01,2025-01-01\nC2,2024-01-01,\n"
    events = "customer_id,churn_date\nC1,2025-03-01\nC2,2025-03-01\n"
    lives, report = join(customers=customers, events=events, complaints=None)
    assert lives == {"C1": (day("2024-01-01"), day("2025-01-01")), "C2": (day("2024-01-01"), day("2025-03-01"))}
    assert found(report)["end_differs_from_event"] == (1, 1)


def test_complaints_before_the_first_day_are_reported_and_can_move_it() -> None:
    _, report = join(subscriptions=SUBSCRIPTIONS)
    assert found(report)["complaint_before_start"] == (1, 3)
    assert report.rows["complaints"].rejected == 1
    lives, moved = join(subscriptions=SUBSCRIPTIONS, early_complaints="move_start")
    assert lives["A1"][0] == day("2023-12-01")
    assert moved.rows["complaints"].rejected == 0
    assert found(moved)["complaint_before_start"] == (1, 3)


def test_a_departure_before_the_first_day_is_no_departure_of_this_customer() -> None:
    lives, report = join(events="account_id,churn_date\nA1,2023-01-01\n", complaints=None)
    assert lives["A1"][1] is None
    assert found(report)["event_before_start"] == (1, 1)


def test_rows_of_other_tables_whose_customer_is_unknown_are_rejected_with_their_line() -> None:
    _, report = join(subscriptions=SUBSCRIPTIONS)
    issue = next(issue for issue in report.issues if issue.table == "subscriptions")
    assert (issue.rule, issue.line, issue.value) == ("unknown_customer", 10, "A9")


def test_customers_who_left_on_their_first_day_are_kept() -> None:
    lives, _ = join(customers=None, complaints=None, subscriptions="customer_id,start_date,end_date\nC1,2024-01-01,2024-01-01\nC2,2024-01-01,\n")
    assert lives["C1"] == (day("2024-01-01"), day("2024-01-01"))


def test_joined_tables_reduce_like_any_company() -> None:
    sources = {name: file(name, text) for name, text in {"subscriptions": SUBSCRIPTIONS, "complaints": TICKETS}.items()}
    loaded, _ = load_tables(**sources, today=NOW)  # type: ignore[arg-type]
    with loaded:
        counts = reduce_tables(loaded)
    assert counts.has_customers
    assert counts.has_linked_complaints


spells = st.lists(
    st.tuples(st.sampled_from("ABC"), st.integers(0, 400), st.one_of(st.none(), st.integers(0, 200))), min_size=1, max_size=14
)


@given(spells, st.integers(0, 60))
@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
def test_folding_agrees_with_counting_by_hand_whatever_the_order_of_rows(rows: list[tuple[str, int, int | None]], gap_days: int) -> None:
    origin = date(2024, 1, 1)
    table = [(who, origin + timedelta(begin), None if length is None else origin + timedelta(begin + length)) for who, begin, length in rows]
    frame = pd.DataFrame([(who, str(begin), str(end or "")) for who, begin, end in table], columns=["customer_id", "start_date", "end_date"])
    rules = MappingSet({}, Joining(gap_days=gap_days, reactivated="first_departure"))
    expected = {}
    for who in {row[0] for row in table}:
        own = sorted((begin, end or date.max) for name, begin, end in table if name == who)
        last = own[0][1]
        for begin, end in own[1:]:
            if (begin - last).days > max(gap_days, 1):
                break
            last = max(last, end)
        expected[who] = (own[0][0], None if last == date.max else last)
    for order in (frame, frame.iloc[::-1].copy()):
        loaded, report = load_tables(subscriptions=order, mapping=rules, today=NOW)
        with loaded:
            lives = loaded.connection.sql("SELECT customer_id, start_date, end_date FROM customers").fetchall()
        assert {row[0]: (row[1], row[2]) for row in lives} == expected
        assert report.rows["subscriptions"].read == len(table)


def visits() -> pd.DataFrame:
    """120 customers who visit every ten days; half of them stop in the first of two years."""
    rng = np.random.default_rng(5)
    rows = []
    for customer in range(120):
        stop = int(rng.integers(60, 330)) if customer % 2 else 730
        when = float(rng.integers(0, 30))
        while when < stop:
            rows.append((f"V{customer:03d}", str(date(2024, 1, 1) + timedelta(int(when)))))
            when += 1 + rng.exponential(10)
    return pd.DataFrame(rows, columns=["customer_id", "visit_date"])


def test_an_activity_log_proposes_a_threshold_that_finds_who_stopped() -> None:
    loaded, report = load_tables(activity=visits(), today=NOW)
    with loaded:
        gone = {row[0] for row in loaded.connection.sql("SELECT customer_id FROM customers WHERE end_date IS NOT NULL").fetchall()}
        window_end = loaded.last_day
    seen = report.joining.inactivity
    assert gone == {f"V{customer:03d}" for customer in range(1, 120, 2)}
    assert seen.settled
    assert 21 <= seen.days <= 91
    assert seen.silent == 60
    # The last days of the log cannot show a departure: they are not counted.
    assert window_end == seen.as_of == seen.last_day - timedelta(seen.days)


def test_silences_lie_between_days_of_activity_however_many_rows_a_day_has() -> None:
    """A comes on days 0, 3 and 10, twice on two of them, B on day 4 alone; the log ends on day 10."""
    rows = "SELECT * FROM (VALUES ('A', 0), ('A', 3), ('B', 4), ('A', 0), ('A', 10), ('A', 3)) AS t(customer_id, day)"
    with connect() as connection:
        found = Silences.read(connection, f"SELECT customer_id, DATE '2024-01-01' + day AS activity_date FROM ({rows})", last_day=date(2024, 1, 11))
    assert sorted(zip(found.days.tolist(), found.broken.tolist(), found.silences.tolist(), strict=True)) == [
        (0, False, 1), (3, True, 1), (6, False, 1), (7, True, 1)
    ]  # fmt: skip
    assert (found.returned(days=2), found.returned(days=3), found.returned(days=7)) == (2, 1, 0)


def test_the_threshold_can_be_chosen_and_departures_dated_to_it() -> None:
    rules = Joining(inactivity_days=120, inactivity_end="threshold")
    loaded, report = load_tables(activity=visits(), mapping=MappingSet({}, rules), today=NOW)
    with loaded:
        last = loaded.connection.sql("SELECT max(end_date) FROM customers").fetchall()[0][0]
    assert report.joining.inactivity.chosen
    assert loaded.last_day == report.joining.inactivity.last_day
    assert last <= loaded.last_day


def test_a_complaint_is_activity_so_that_a_customer_who_complained_is_not_silent() -> None:
    log = visits()
    last = log[log["customer_id"] == "V001"]["visit_date"].max()
    complained = str(day(last) + timedelta(5))
    complaints = pd.DataFrame([("V001", complained, "late"), ("V002", "2024-06-01", "late")], columns=["customer_id", "complaint_date", "category"])
    loaded, report = load_tables(activity=log, complaints=complaints, today=NOW)
    with loaded:
        end = loaded.connection.sql("SELECT end_date FROM customers WHERE customer_id = 'V001'").fetchall()[0][0]
    assert end == day(complained)
    assert report.rows["complaints"].kept == 2


def test_a_log_where_all_customers_return_reports_a_weak_threshold() -> None:
    rows = [(f"V{customer}", str(date(2024, 1, 1) + timedelta(29 * visit))) for customer in range(60) for visit in range(7)]
    loaded, report = load_tables(activity=pd.DataFrame(rows, columns=["customer_id", "visit_date"]), today=NOW)
    loaded.close()
    text = " ".join(fact.says for fact in tell_joining(report.joining, Translator("en")))
    assert f"{report.joining.inactivity.days} days" in text
    assert "assumption" in text


def test_silence_is_no_departure_where_other_tables_have_the_departures() -> None:
    log = "account_id,usage_date\nA1,2024-02-01\nA5,2024-06-01\nA4,2026-01-01\n"
    _, report = join(events=EVENTS, subscriptions=SUBSCRIPTIONS, activity=log)
    assert "activity" not in report.joining.ends
    assert not report.joining.inactivity.used


@pytest.mark.parametrize(
    ("written", "steps", "after"),
    [
        ("cust-0042", ("strip_prefix:CUST-", "strip_zeros"), 1.0),
        ("{:d}", ("strip_zeros",), 1.0),
        ("{:d}.0", ("strip_decimal", "strip_zeros"), 1.0),
    ],
)
def test_steps_that_match_differently_written_ids_are_proposed_and_match_once_accepted(written: str, steps: tuple[str, ...], after: float) -> None:
    ids = [f"{number:06d}" for number in range(1, 41)]
    theirs = [f"CUST-{number:04d}" if written.startswith("cust") else written.format(number) for number in range(1, 41)]
    customers = pd.DataFrame({"customer_id": ids, "start_date": ["2024-01-01"] * 40})
    complaints = pd.DataFrame({"customer_id": theirs, "complaint_date": ["2024-05-01"] * 40, "category": ["late"] * 40})
    loaded, report = load_tables(customers, complaints, today=NOW)
    loaded.close()
    proposal = report.joining.id_proposals[0]
    assert set(proposal.steps) == set(steps)
    assert proposal.before == 0
    assert proposal.after == after
    assert report.rows["complaints"].kept == 0
    mended, report = load_tables(customers, complaints, mapping=MappingSet({}, Joining(id_normalisation=proposal.steps)), today=NOW)
    mended.close()
    assert report.rows["complaints"].kept == 40
    assert report.joining.id_proposals == ()


def test_steps_for_capitals_and_spaces_are_proposed_too() -> None:
    customers = pd.DataFrame({"customer_id": [f"ab{n}x" for n in range(30)], "start_date": ["2024-01-01"] * 30})
    complaints = pd.DataFrame({"customer_id": [f"AB {n}X" for n in range(30)], "complaint_date": ["2024-05-01"] * 30, "category": ["late"] * 30})
    loaded, report = load_tables(customers, complaints, today=NOW)
    loaded.close()
    assert report.joining.id_proposals[0].steps == ("strip", "casefold")


def test_a_step_that_would_merge_two_customers_is_not_proposed() -> None:
    ids = [text for number in range(20) for text in (f"k{number}", f"K{number}")]
    customers = pd.DataFrame({"customer_id": ids, "start_date": ["2024-01-01"] * 40})
    complaints = pd.DataFrame({"customer_id": ["K01", "k02"], "complaint_date": ["2024-05-01"] * 2, "category": ["late"] * 2})
    loaded, report = load_tables(customers, complaints, today=NOW)
    loaded.close()
    assert all("casefold" not in proposal.steps for proposal in report.joining.id_proposals)


def test_an_id_of_zeros_or_of_its_prefix_alone_does_not_vanish() -> None:
    connection = connect()
    steps = ("strip", "strip_prefix:C-", "strip_zeros")
    values = ["000", "C-", "C-007", " 7 "]
    got = [connection.sql(f"SELECT {id_sql(repr(value), steps)}").fetchall()[0][0] for value in values]
    connection.close()
    assert got == ["0", "C-", "7", "7"]


def test_similar_categories_are_proposed_with_the_reason_and_never_merged_silently() -> None:
    named = {"Livraison": 50, "livraison": 5, "Délai": 30, "Delai": 2, "Retard": 20, "Retards": 9, "Facturation": 40, "Factuartion": 1}
    groups = group_categories(named)
    assert {(group.kept, group.others, group.reasons) for group in groups} == {
        ("Livraison", ("livraison",), ("case",)),
        ("Délai", ("Delai",), ("accent",)),
        ("Retard", ("Retards",), ("plural",)),
        ("Facturation", ("Factuartion",), ("spelling",)),
    }
    assert group_categories({"Level 1": 50, "Level 2": 5, "Prix": 40, "Fix": 3}) == ()


def categories_of(complaints: str, rules: Joining) -> tuple[dict[str, int], IngestReport]:
    loaded, report = load_tables(file("customers", ACCOUNTS), file("complaints", complaints), mapping=MappingSet({}, rules), today=NOW)
    with loaded:
        return dict(loaded.connection.sql("SELECT category, count(*) FROM complaints GROUP BY 1").fetchall()), report


SPELT = TICKETS + "T4,A4,2024-06-02,Billing\nT5,A4,2024-06-05,billing\nT6,A4,2024-06-09,DELIVERY\n"


def test_spellings_of_a_category_count_as_one_and_are_reported() -> None:
    merged, report = categories_of(SPELT, Joining())
    apart, _ = categories_of(SPELT, Joining(category_spelling="keep"))
    assert set(merged) == {"billing", "delivery"}
    assert set(apart) == {"billing", "Billing", "delivery", "DELIVERY"}
    assert sum(merged.values()) == sum(apart.values())
    assert {frozenset((group.kept, *group.others)) for group in report.joining.categories.spellings} == {
        frozenset({"billing", "Billing"}),
        frozenset({"delivery", "DELIVERY"}),
    }


def test_a_name_is_merged_renamed_and_dropped_in_every_spelling() -> None:
    renamed, _ = categories_of(SPELT, Joining(merge_categories={"Invoices": ("BILLING",)}))
    assert set(renamed) == {"Invoices", "delivery"}
    grouped, _ = categories_of(SPELT, Joining(merge_categories={"Service": ("billing", "delivery")}))
    assert set(grouped) == {"Service"}
    dropped, report = categories_of(SPELT, Joining(drop_categories=("Delivery",)))
    assert set(dropped) == {"billing"}
    [count] = [count for count in report.rules if count.rule == "dropped_category"]
    totals = report.rows["complaints"]
    assert count.rejected
    assert totals.kept + totals.rejected == totals.read
    assert totals.kept == sum(dropped.values())


def test_several_categories_in_a_cell_are_offered_and_counted_once_for_each() -> None:
    both = SPELT + "T7,A4,2024-06-12,billing; Delivery\n"
    apart, report = categories_of(both, Joining())
    assert report.joining.categories.several.separator == ";"
    assert report.joining.categories.several.cells == ("billing; Delivery",)
    split, report = categories_of(both, Joining(split_categories=";"))
    assert {name.lower(): rows for name, rows in split.items()} == {"billing": apart["billing"] + 1, "delivery": apart["delivery"] + 1}
    assert report.joining.categories.several is None
    assert report.rows["complaints"].kept == sum(apart.values()), "rows are counted as they stand in the file"


def test_a_cell_is_one_category_where_nobody_complains_about_its_parts() -> None:
    assert several_in_one({"Site / application": 50, "Billing": 20}) is None


@pytest.mark.parametrize(
    ("one", "other", "why"),
    [
        ("Temps d'attente", "Tps d\u2019attente", "abbreviation"),
        ("Qualité du produit", "qualite produit", "abbreviation"),
        ("Site / application", "Site/appli", "abbreviation"),
        ("Attitude du personnel", "Attitude personnel", "abbreviation"),
        ("Tarifs", "tarif", "plural"),
        ("Facturation", "Factuartion", "spelling"),
        ("Délai de livraison", "Délia de livraisno", "spelling"),
        ("Level 1", "Level 2", ""),
        ("Prix", "Fix", ""),
        ("Carte bleue", "Carte blanche", ""),
        ("Accueil", "Attente", ""),
    ],
)
def test_names_that_look_alike_are_found_with_the_reason(one: str, other: str, why: str) -> None:
    assert why_alike(one, other, 50, 10) == why


def test_a_key_ignores_case_accents_spaces_and_the_kind_of_apostrophe() -> None:
    assert len({spelling_key(name) for name in ("Délai d'attente", "DELAI  D\u2019ATTENTE ", "délai d\u00a0'attente".replace("\u00a0", ""))}) == 1


def test_each_file_is_taken_for_what_it_is_and_relations_come_from_the_values(tmp_path: Path) -> None:
    usage = "usage_id,subscription_id,usage_date\n" + "".join(f"U{n},S{n % 8 + 1},2024-0{n % 6 + 1}-03\n" for n in range(40))
    texts = {"accounts": ACCOUNTS, "subscriptions": SUBSCRIPTIONS, "churn_events": EVENTS, "tickets": TICKETS, "usage": usage}
    for name, text in texts.items():
        (tmp_path / f"{name}.csv").write_text(text, encoding="utf-8")
    [group] = recognise_tables([str(tmp_path / f"{name}.csv") for name in sorted(texts)])
    assert {table: Path(str(path)).stem for table, path in group.items()} == {
        "customers": "accounts",
        "subscriptions": "subscriptions",
        "events": "churn_events",
        "complaints": "tickets",
        "activity": "usage",
    }
    relations = {(one.table, one.column, one.other_table, one.other_column) for one in (link.relation for link in relate_files(group).links)}
    assert relations == {
        ("subscriptions", "account_id", "customers", "account_id"),
        ("events", "account_id", "customers", "account_id"),
        ("complaints", "account_id", "customers", "account_id"),
        ("activity", "subscription_id", "subscriptions", "subscription_id"),
    }
    loaded, report = load_tables(**group, today=NOW)  # type: ignore[arg-type]
    with loaded:
        users = {row[0] for row in loaded.connection.sql("SELECT DISTINCT customer_id FROM activity").fetchall()}
    assert users == {"A1", "A2", "A3", "A4", "A5"}
    assert report.rows["activity"].kept == 40


def test_an_unknown_header_is_recognised_by_its_values() -> None:
    tickets = "ticket;whose;submitted_at;category\n" + "".join(f"T{n};A{n % 5 + 1};2024-06-0{n % 9 + 1};billing\n" for n in range(20))
    loaded, report = load_tables(file("customers", ACCOUNTS), file("tickets", tickets), today=NOW)
    loaded.close()
    assert report.rows["complaints"].read == 20
    assert {reading.file: reading.used["customer_id"] for reading in report.files}["tickets.csv"] == "whose"


def test_tickets_without_a_category_name_the_columns_that_can_replace_it() -> None:
    tickets = "ticket_id,account_id,submitted_at,priority,escalated\n" + "".join(
        f"T{n},A{n % 5 + 1},2024-06-01,{('low', 'high', 'urgent')[n % 3]},{n % 2 == 0}\n" for n in range(12)
    )
    with pytest.raises(MappingError) as caught:
        load_tables(file("customers", ACCOUNTS), file("tickets", tickets), mapping=MappingSet({}, Joining(gap_days=7)), today=NOW)
    assert caught.value.code == "category_missing"
    assert caught.value.values["candidates"] == "priority"
    assert caught.value.proposal.joining.gap_days == 7


@pytest.mark.parametrize("suffix", ["toml", "json"])
def test_choices_are_saved_with_the_mapping_and_read_back(tmp_path: Path, suffix: str) -> None:
    joining = Joining(
        gap_days=10,
        reactivated="last_return",
        inactivity_days=90,
        id_normalisation=("strip", "strip_prefix:C-", "casefold"),
        category_spelling="keep",
        merge_categories={"Délai de livraison": ("delai", 'un "autre"')},
        drop_categories=("Essai",),
        split_categories=";",
    )
    mapping = MappingSet({"events": ColumnMapping("events", {"customer_id": FieldChoice("customer_id", "who")}, via="subscriptions")}, joining)
    mapping.save(tmp_path / f"m.{suffix}")
    back = MappingSet.load(tmp_path / f"m.{suffix}")
    assert back.joining == joining
    assert back.get("events").via == "subscriptions"


@pytest.mark.parametrize(
    "entry",
    [
        *({"gap_days": -1}, {"gap_days": True}, {"flag": "maybe"}, {"id_normalisation": ["shout"]}, {"merge_categories": ["a"]}),
        *({"drop_categories": "a"}, {"split_categories": 1}, {"category_spelling": "both"}, {"nothing": 1}, 3),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused(entry: object) -> None:
    with pytest.raises(MappingError):
        MappingSet.from_dict({"joining": entry})


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_fact_has_a_sentence_in_both_languages(language: str) -> None:
    words = Translator(language)
    _, report = join(subscriptions=SUBSCRIPTIONS, events=EVENTS, activity="account_id,usage_date\nA1,2023-12-01\nA2,2025-09-01\n")
    facts = tell_joining(report.joining, words)
    assert len(facts) > 5
    assert all("{" not in fact.says for fact in facts)
    assert {fact.option for fact in facts} >= {"gap_days", "end_from", "reactivated", "early_complaints"}
    for option, values in CHOICES.items():
        assert all(words.has(f"joining.choices.{option}.{value}") for value in values)
    assert tell_joining(JoiningReport(Joining()), words) == []
