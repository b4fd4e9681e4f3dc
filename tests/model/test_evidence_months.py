"""What the estimate does with months that are no evidence."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.findings.findings import UnrecordedMonths
from iceberg.cohort.reduce import reduce_tables
from iceberg.ingest.load import load_tables
from iceberg.locale import Translator
from iceberg.model.departures.fit.design import LexisDesign
from iceberg.model.diagnose import about_months
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.results import IcebergEstimate
from iceberg.report.words import diagnostic_sentences, headline_reservation
from iceberg.simulation.company import SimulatedCompany, observe_history, simulate_world
from tests.model.build import linked_counts
from tests.model.companies import window_of


def counted(company: SimulatedCompany, *, keep_months: bool = False) -> CohortCounts:
    tables, _ = load_tables(customers=company.customers, complaints=company.complaints)
    with tables:
        return reduce_tables(tables, window=window_of(company), keep_months=keep_months)


def truth_of(company: SimulatedCompany, counts: CohortCounts) -> int:
    """Silent churn of the months that the counts hold the departures of."""
    months = [f"{month:%Y-%m}" for month, missing in zip(counts.months, counts.months_without("departures"), strict=True) if not missing]
    kinds = observe_history(company.history, counts.window).truth["categories"].values()
    return sum(kind["by_month"][month] for kind in kinds for month in months)


def covers(estimate: IcebergEstimate, truth: int) -> bool:
    return estimate.total.silent_churn.lower <= truth <= estimate.total.silent_churn.upper


def broken(company: SimulatedCompany, kind: str) -> SimulatedCompany:
    """The company as its files would show it after a migration, with departures two months late, or with an empty month."""
    customers = company.customers.copy()
    left = customers["end_date"]
    if kind == "truncated":
        return replace(company, customers=customers[~(left < pd.Timestamp(2025, 3, 11))])
    gone = left > pd.Timestamp(2026, 5, 10) if kind == "late" else left.dt.to_period("M") == pd.Period("2025-10", "M")
    customers.loc[gone, "end_date"] = pd.NaT
    return replace(company, customers=customers)


@pytest.mark.parametrize(("kind", "place"), [("truncated", "before"), ("late", "after"), ("empty", "inside")])
def test_the_range_holds_the_truth_again(kind: str, place: str) -> None:
    """One small company whose range holds the truth while its files are whole."""
    company = simulate_world("small", 1)
    counts = counted(broken(company, kind))
    estimate = estimate_iceberg(counts)
    assert [(one.what, one.place) for one in counts.unrecorded] == [("departures", place)]
    assert covers(estimate, truth_of(company, counts))
    assert estimate.diagnostics[0].code == f"months_without_departures_{place}"
    whole = counted(broken(company, kind), keep_months=True)
    as_it_was = estimate_iceberg(whole)
    assert as_it_was.total.silent_churn.median < estimate.total.silent_churn.median
    assert as_it_was.diagnostics[0].code == "months_kept_departures"


def test_a_whole_file_is_not_accused() -> None:
    assert counted(simulate_world("small", 1)).unrecorded == ()


def test_in_months_without_departures_nobody_is_at_risk_and_complaints_still_count() -> None:
    counts = linked_counts({"billing": 300, "delivery": 200})
    month = counts.months[2]
    plain = LexisDesign.of(counts, lags=2)
    for what in ("departures", "complaints"):
        masked = LexisDesign.of(replace(counts, unrecorded=(UnrecordedMonths(what, "inside", month, month),)), lags=2)  # type: ignore[arg-type]
        silenced = (masked.at_risk, masked.exits) if what == "departures" else (masked.exposure, masked.complainants)
        for array in silenced:
            assert not array[..., 2, :].any()
        untouched = (masked.exposure, masked.complainants) if what == "departures" else (masked.at_risk, masked.exits)
        expected = (plain.exposure, plain.complainants) if what == "departures" else (plain.at_risk, plain.exits)
        for array, before in zip(untouched, expected, strict=True):
            np.testing.assert_array_equal(array, before)


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("overruled", [False, True])
@pytest.mark.parametrize("place", ["before", "inside", "after"])
@pytest.mark.parametrize("what", ["departures", "complaints"])
def test_every_gap_has_a_sentence_that_names_its_days_at_the_head_of_the_page(what: str, place: str, overruled: bool, language: str) -> None:
    gap = UnrecordedMonths(what, place, date(2025, 1, 1), date(2025, 2, 1), overruled=overruled)  # type: ignore[arg-type]
    counts = replace(linked_counts({"billing": 300, "delivery": 200}), unrecorded=(gap,))
    (remark,) = about_months(counts)
    says, todo = diagnostic_sentences(remark, Translator(language))
    assert remark.severity == "warning"
    assert "28" in says
    assert "2025" in says
    assert "--keep-months" in todo
    estimate = estimate_iceberg(linked_counts({"billing": 300, "delivery": 200}))
    assert says in headline_reservation(replace(estimate, diagnostics=(remark, *estimate.diagnostics)), Translator(language))
