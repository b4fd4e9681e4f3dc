"""Rates of versions whose windows differ in length, the probability of a target, and their picture."""

from dataclasses import replace

import numpy as np
import pytest

from iceberg.locale import Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.compare import compare_studies, rate_draws
from iceberg.model.estimate import estimate_iceberg
from iceberg.report.charts.trends import build_version_trend
from iceberg.report.export import build_document
from iceberg.report.tables.versions import probability_met, version_rates
from tests.model.build import linked_counts

COUNTS = linked_counts({"billing": 240, "delivery": 180}, silent_leavers=900)
ESTIMATE = estimate_iceberg(COUNTS, assumptions=Assumptions(draws=200))
SUMMARY = build_document(ESTIMATE, COUNTS, rows={})


def test_the_rate_of_a_version_is_its_churn_per_thousand_customers_and_month() -> None:
    row = version_rates([(1, SUMMARY, COUNTS)]).iloc[0]
    months = COUNTS.silent_person_days.sum() / 1000 / (365.25 / 12)
    assert row["median"] == pytest.approx(ESTIMATE.total.silent_churn.median / months, rel=1e-5)


def test_twice_the_window_with_twice_the_leavers_is_the_same_rate() -> None:
    """Totals would say that it doubled."""
    twice = replace(COUNTS, silent_person_days=2 * COUNTS.silent_person_days)
    doubled = SUMMARY | {"total": SUMMARY["total"] | {"silent_churn": {end: 2 * value for end, value in SUMMARY["total"]["silent_churn"].items()}}}
    rates = version_rates([(2, doubled, twice), (1, SUMMARY, COUNTS)])
    assert list(rates["version"]) == [1, 2]
    assert rates["median"][0] == pytest.approx(rates["median"][1])


def test_the_probability_of_a_target_grows_with_the_target_and_agrees_with_the_comparison() -> None:
    draws = rate_draws(ESTIMATE, COUNTS)
    assert probability_met(ESTIMATE, COUNTS, float(np.median(draws))) == pytest.approx(0.5, abs=0.01)
    met = [probability_met(ESTIMATE, COUNTS, float(rate), category="billing") for rate in np.linspace(0, 3 * draws.max(), 6)]
    assert met == sorted(met)
    assert (met[0], met[-1]) == (0.0, 1.0)
    own = compare_studies(ESTIMATE, COUNTS, ESTIMATE, COUNTS).total.rate_after
    assert np.median(draws) == pytest.approx(own.median, rel=0.1)


def test_versions_without_the_category_or_a_range_are_left_out() -> None:
    refused = SUMMARY | {"total": SUMMARY["total"] | {"silent_churn": None}}
    assert list(version_rates([(1, refused, COUNTS), (2, SUMMARY, COUNTS)])["version"]) == [2]
    assert version_rates([(1, SUMMARY, COUNTS)], category="nothing").empty


@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_picture_holds_target_and_notes(language: str) -> None:
    rates = version_rates([(1, SUMMARY, COUNTS), (2, SUMMARY, COUNTS)])
    chart = build_version_trend(rates, Translator(language), description="x", target=2.0, notes=[(COUNTS.window.as_of, "1")])
    marks = [layer["mark"]["type"] for layer in chart.to_dict(validate=True)["layer"]]
    assert marks == ["rule", "line", "circle", "rule", "rule", "text"]
