"""Everybody left on one day: named as one event, and the headline counts those who left."""

from collections.abc import Callable
from datetime import date, timedelta

import pandas as pd
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.findings.findings import MassEnd
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.window import ObservationWindow
from iceberg.ingest.load import load_tables
from iceberg.locale import Translator
from iceberg.model.estimate import estimate_iceberg
from iceberg.report.export import build_document
from iceberg.report.words import certainty_sentence, diagnostic_sentences, headline, headline_sentence
from iceberg.store.counts_tables import counts_parts
from iceberg.store.counts_tables import read_counts as read_stored

WINDOW = ObservationWindow(date(2024, 7, 1), date(2025, 6, 30))
DAY = date(2025, 3, 3)
CUSTOMERS = 1500


def company(end_of: Callable[[int], date | None]) -> CohortCounts:
    """1,500 customers; every tenth complains of price in the year before."""
    names = [f"c{number}" for number in range(CUSTOMERS)]
    customers = pd.DataFrame({
        "customer_id": names,
        "start_date": [date(2022, 1, 1) + timedelta(days=number % 700) for number in range(CUSTOMERS)],
        "end_date": [end_of(number) for number in range(CUSTOMERS)],
    })  # fmt: skip
    complaints = pd.DataFrame({
        "customer_id": names[::10],
        "complaint_date": [date(2024, 7, 5) + timedelta(days=number % 230) for number in range(0, CUSTOMERS, 10)],
        "category": "price",
    })  # fmt: skip
    tables, _ = load_tables(customers=customers, complaints=complaints)
    with tables:
        return reduce_tables(tables, window=WINDOW, keep_months=True)


@pytest.fixture(scope="module")
def migrated() -> CohortCounts:
    return company(lambda _: DAY)


def test_the_day_on_which_everybody_left_is_named_in_both_languages_and_in_the_document(migrated: CohortCounts) -> None:
    assert migrated.mass_end == MassEnd(DAY, CUSTOMERS, CUSTOMERS)
    estimate = estimate_iceberg(migrated)
    remark = next(item for item in estimate.diagnostics if item.code == "mass_end")
    assert remark.severity == "warning"
    assert estimate.evidence.kind != "data_led"
    for language, day in (("en", "3 March 2025"), ("fr", "3 mars 2025")):
        words = Translator(language)
        says, _ = diagnostic_sentences(remark, words)
        assert day in says
        assert words.percent(1.0) in says
        assert says in headline(estimate, words)
    document = build_document(estimate, migrated, rows={})
    assert "mass_end" in {item["code"] for item in document["diagnostics"]}


def test_the_headline_does_not_deny_the_departures_of_a_company_that_lost_everybody(migrated: CohortCounts) -> None:
    estimate = estimate_iceberg(migrated)
    silent = CUSTOMERS - CUSTOMERS // 10
    assert estimate.silent_leavers == silent
    said = headline_sentence(estimate, Translator("en"))
    assert f"{silent:,} left without complaining. 100% of all departures fall on one day, 3 March 2025" in said
    assert "more left because of the same problems" not in headline(estimate, Translator("en"))
    assert certainty_sentence(estimate, Translator("en")) == ""  # it would be that of a number that is not said
    assert f"{silent // 1000} {silent % 1000} sont partis sans réclamer" in headline_sentence(estimate, Translator("fr")).replace("\u202f", " ")


def test_departures_over_the_year_are_no_mass_end_and_the_counts_do_not_change() -> None:
    fair = company(lambda number: date(2024, 7, 1) + timedelta(days=number * 7 % 360) if number % 4 == 0 else None)
    assert fair.mass_end is None
    assert b"mass_end" not in write_counts(fair)


def test_contracts_that_end_on_one_day_of_the_month_are_no_mass_end() -> None:
    fair = company(lambda number: date(2024, 7 + number // 3 % 6, 1) - timedelta(days=1) if number % 3 == 0 else None)
    assert fair.mass_end is None


@pytest.mark.parametrize(
    ("leavers", "departures", "months", "named"),
    [
        (40, 100, 12, True),
        (39, 100, 12, False),
        (29, 29, 12, False),
        (30, 30, 12, True),
        (49, 100, 4, False),
        (50, 100, 4, True),
        (99, 100, 2, False),
        (100, 100, 2, True),
        (100, 100, 1, False),
    ],
)
def test_how_many_on_one_day_are_too_many(leavers: int, departures: int, months: int, named: bool) -> None:
    """Twice what one day a month would hold, at least 40 %, and at least 30 people; a window of one month cannot say."""
    assert (MassEnd.of(DAY, leavers, departures, months=months) is not None) == named


def test_the_day_is_stored_with_the_counts(migrated: CohortCounts) -> None:
    assert read_counts(write_counts(migrated)).mass_end == migrated.mass_end
    parts = counts_parts(migrated)
    assert read_stored(parts).mass_end == migrated.mass_end
