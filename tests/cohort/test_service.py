"""Counting complaints closed in time: to the day, from the deadline on, in every spelling, and never in the way of the estimate."""

import json
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.journey.journey_counts import Split
from iceberg.cohort.journey.service_counts import IN_TIME, LATE, UNDECIDED, ServiceCounts
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.window import ObservationWindow
from iceberg.ingest.load import load_tables
from iceberg.locale import LANGUAGES, Translator
from iceberg.model.journey.service import estimate_service
from iceberg.report.journey.service import service_sentences
from iceberg.simulation.company import SimulatedCompany, simulate_world

WINDOW = ObservationWindow(date(2024, 1, 1), date(2024, 12, 31))


def count(complaints: pd.DataFrame, customers: pd.DataFrame | None = None) -> CohortCounts:
    if customers is None:
        ids = sorted(set(complaints["customer_id"]))
        customers = pd.DataFrame({"customer_id": [*ids, "X"], "start_date": "2023-01-01", "end_date": None})
    tables, _ = load_tables(customers, complaints)
    with tables:
        return reduce_tables(tables, window=WINDOW, keep_months=True, keep_cancellations=True, term=0)


def numbers(counts: CohortCounts) -> dict[int, int]:
    assert counts.service is not None
    found = {IN_TIME: 0, LATE: 0, UNDECIDED: 0}
    for one in counts.service.cases:
        found[one.place] += one.customers
    return found


def cases(**columns: list[object]) -> pd.DataFrame:
    size = len(next(iter(columns.values())))
    return pd.DataFrame({"customer_id": [f"C{place}" for place in range(size)], "complaint_date": "2024-03-01", "category": "billing", **columns})


def test_the_day_of_closing_beside_the_deadline_decides() -> None:
    due = ["2024-03-08"] * 5
    closed = ["2024-03-08", "2024-03-02", "2024-03-09", None, "2024-04-30"]
    counts = count(cases(**{"Due date": due, "Resolved at": closed}))
    assert numbers(counts) == {IN_TIME: 2, LATE: 3, UNDECIDED: 0}
    assert counts.service is not None and counts.service.by_dates


def test_a_deadline_after_the_window_decides_nothing_yet() -> None:
    counts = count(cases(**{"Due date": ["2025-01-05", "2024-03-08"], "Resolved at": [None, "2024-03-07"]}))
    assert numbers(counts) == {IN_TIME: 1, LATE: 0, UNDECIDED: 1}


def test_who_left_before_the_deadline_is_on_neither_side() -> None:
    customers = pd.DataFrame({"customer_id": ["C0", "C1", "C2"], "start_date": "2023-01-01", "end_date": ["2024-03-05", "2024-03-20", None]})
    counts = count(cases(**{"Due date": ["2024-03-08"] * 3, "Resolved at": ["2024-03-04", "2024-03-20", "2024-03-03"]}), customers)
    service = counts.service
    assert service is not None and service.gone == 1 and numbers(counts) == {IN_TIME: 1, LATE: 1, UNDECIDED: 0}
    assert service.outcomes == (Split(0, LATE, 1), Split(0, IN_TIME, 2))  # how a case was closed does not depend on who was still there
    late = service.clock.where(service.clock.category == 0)
    assert late.exited.sum() == 1 and late.days_in_bin.sum() == 6  # day 12 since the deadline is the sixth of the bin from day 7 on


def test_a_case_without_a_day_of_closing_is_late_of_who_stayed_and_unknown_of_who_left() -> None:
    """Systems drop days with the customer, so that an open case of one who left says nothing; a flag of it does."""
    ends = ["2024-06-05", None, "2024-06-05", None]
    customers = pd.DataFrame({"customer_id": ["C0", "C1", "C2", "C3"], "start_date": "2023-01-01", "end_date": ends})
    days = {"Due date": ["2024-03-08", "2024-03-08", None, "2024-03-08"], "Resolved at": [None, None, None, "2024-03-03"]}
    service = count(cases(**days, **{"Within SLA": [None, None, "yes", None]}), customers).service
    assert service is not None and service.outcomes == (Split(0, UNDECIDED, 1), Split(0, LATE, 1), Split(0, IN_TIME, 2))
    closed = count(cases(**{"Resolved at": [None, None, "2024-03-09", None]}), customers).service
    assert closed is not None and closed.left_open == (Split(0, UNDECIDED, 1),)


@pytest.mark.parametrize(
    ("header", "yes", "no"),
    [("Within SLA", "Yes", "No"), ("Resolution status", "Within SLA", "SLA Violated"), ("Dans les délais", "oui", "non"),
     ("SLA status", "Met", "Breached"),
     ("Délai respecté", "VRAI", "FAUX"), ("missed_sla", "false", "true"), ("En retard", "non", "oui"), ("Overdue", "0", "1")],
)  # fmt: skip
def test_flags_of_both_languages_and_both_directions_are_read(header: str, yes: str, no: str) -> None:
    counts = count(cases(**{header: [yes, yes, yes, no, None]}))
    assert numbers(counts) == {IN_TIME: 3, LATE: 1, UNDECIDED: 1}
    assert counts.service is not None and not counts.service.by_dates


def test_days_that_can_be_read_in_two_ways_are_named_and_stop_nothing() -> None:
    counts = count(cases(**{"Due date": ["03/04/2024"] * 4, "Resolved at": ["02/04/2024", "05/04/2024", "03/04/2024", "01/04/2024"]}))
    assert counts.service is not None and counts.service.unread == ("due_date", "resolved_date") and counts.service.cases == ()
    clear = count(cases(**{"Due date": ["13/04/2024"] * 4, "Resolved at": ["12/04/2024", "15/04/2024", "13/04/2024", "01/04/2024"]}))
    assert numbers(clear) == {IN_TIME: 3, LATE: 1, UNDECIDED: 0}


def test_text_that_is_no_day_and_no_flag_says_nothing() -> None:
    for header, field in (("In time", "in_time"), ("Overdue", "late")):
        nonsense = count(cases(**{header: ["perhaps", "who knows"]})).service
        assert nonsense is not None and nonsense.unread == (field,) and all(one.place == UNDECIDED for one in nonsense.cases)
        for language in LANGUAGES:
            found, words = estimate_service(count(cases(**{header: ["perhaps", "who knows"]})), horizon_days=180), Translator(language)
            assert found is not None and words.text(f"ingest.fields.{field}") in " ".join(service_sentences(found, words))
    assert count(cases(**{"Due date": ["soon", "later"], "Resolved at": ["2024-03-04", "2024-03-05"]})).service is not None
    assert count(cases(**{"Due date": ["2024-03-04", "2024-03-05"]})).service is None  # a deadline alone says nothing


@pytest.fixture(scope="module")
def company() -> SimulatedCompany:
    return simulate_world("mixed", 3)


def test_nothing_else_moves_and_the_counts_are_read_back(company: SimulatedCompany) -> None:
    rng = np.random.default_rng(0)
    told = company.complaints.assign(in_time=rng.choice(["yes", "no"], len(company.complaints)))
    digests = []
    for complaints in (company.complaints, told):
        tables, _ = load_tables(company.customers, complaints)
        with tables:
            counts = reduce_tables(tables)
        digests.append(replace(counts, service=None).digest)
    assert digests[0] == digests[1]
    again = read_counts(write_counts(counts))
    assert again.digest == counts.digest and isinstance(again.service, ServiceCounts) and counts.service is not None
    held = json.dumps(counts.service.to_dict())
    assert all(name not in held for name in company.customers["customer_id"].iloc[:50])
    people = counts.service.clock.exited + counts.service.clock.censored
    everybody = people[counts.service.clock.category >= 2 * len(counts.categories)].sum()
    assert everybody == counts.vocal_customers_total
    by_category = [int(people[counts.service.clock.category // 2 == place].sum()) for place in range(len(counts.categories))]
    assert by_category == counts.vocal_customers.tolist()
    part = counts.select(segments=counts.segments[:1])
    assert part.service is not None and part.service.clock.exited.sum() <= counts.service.clock.exited.sum()
