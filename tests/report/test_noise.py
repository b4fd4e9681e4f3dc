"""The sentences about chance and common causes."""

from __future__ import annotations

from dataclasses import replace

import pytest

from iceberg.locale import LANGUAGES, Translator
from iceberg.model.results import CredibleInterval, IcebergEstimate, NegativeControl, PlaceboInterval
from iceberg.report.advice import decision
from iceberg.report.export import build_document
from iceberg.report.noise import common_cause_sentence, control_sentence, placebo_sentence, rise, short_rise
from tests.report.examples import example_counts, example_estimate

ESTIMATE = example_estimate(draws=60)
WORDS = Translator("en")


def with_placebo(upper: float) -> IcebergEstimate:
    return replace(ESTIMATE, total=replace(ESTIMATE.total, placebo=PlaceboInterval(0.0, 0.0, upper)))


def test_a_factor_is_said_as_a_rise_and_from_two_on_as_a_multiple() -> None:
    said = [rise(factor, WORDS) for factor in (1.001, 1.13, 1.996, 2.44)]
    assert said == ["less than 1% more frequent", "13% more frequent", "100% more frequent", "2.4 times as frequent"]
    assert rise(1.13, Translator("fr")) == "plus fréquents de 13\N{NO-BREAK SPACE}%"
    assert short_rise(CredibleInterval(1.0, 1.13, 1.4), WORDS) == "+13%"


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_middle_and_the_low_end_of_a_category_and_of_the_total_are_said(language: str) -> None:
    words, name = Translator(language), ESTIMATE.categories[0].category
    whole, part = common_cause_sentence(ESTIMATE, words), common_cause_sentence(ESTIMATE, words, category=name)
    assert whole is not None and rise(1.13, words) in whole and rise(1.05, words) in whole
    assert part is not None and rise(1.07, words) in part and rise(1.002, words) in part and name in part


def test_where_the_pattern_decides_nothing_nothing_is_said() -> None:
    assert common_cause_sentence(example_estimate(level="2", draws=60), WORDS) is None


def test_a_noise_floor_is_explained_only_where_it_is_extreme() -> None:
    churn, leavers = ESTIMATE.total.silent_churn, ESTIMATE.silent_leavers
    assert placebo_sentence(with_placebo(0.79 * churn.median), WORDS) is None
    near = placebo_sentence(with_placebo(0.81 * churn.median), WORDS)
    assert near is not None and "Why chance reaches" in near and "of all silent departures" not in near
    most = placebo_sentence(with_placebo(0.6 * leavers), WORDS)
    assert most is not None and "60% of all silent departures" in most
    assert placebo_sentence(with_placebo(0.4), WORDS) is None, "nobody is no band"
    assert placebo_sentence(example_estimate(level="2", draws=60), WORDS) is None


def test_a_control_above_chance_says_how_large_the_bias_may_be_per_complainant() -> None:
    found, chance = CredibleInterval(80.0, 100.0, 120.0), PlaceboInterval(0.0, 5.0, 20.0)
    said = control_sentence(NegativeControl("weather", 50, found, chance), WORDS)
    assert "80 to 120 silent leavers" in said and ": 2 per complainant. A common cause" in said and "common cause is likely" in said
    said = control_sentence(NegativeControl("weather", 50, found, PlaceboInterval(0.0, 5.0, 90.0)), WORDS)
    assert "no common cause" in said
    assert "cannot be tested" in control_sentence(NegativeControl("weather", 50), WORDS)


def test_a_control_is_never_to_be_fixed_and_the_document_names_it() -> None:
    name = ESTIMATE.categories[0].category
    held = replace(ESTIMATE, controls=(NegativeControl(name, 50, CredibleInterval(0.0, 1.0, 2.0), PlaceboInterval(0.0, 1.0, 3.0)),))
    assert decision(held, name, WORDS).verdict is None and "negative control" in decision(held, name, WORDS).sentence
    [written] = build_document(held, example_counts(), rows={})["negative_controls"]
    assert written == {
        "category": name,
        "vocal_customers": 50,
        "found": {"lower": 0, "median": 1, "upper": 2},
        "placebo": {"lower": 0, "median": 1, "upper": 3},
        "above_chance": False,
    }
