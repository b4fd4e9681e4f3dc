"""What is said ahead of a category: customers still to leave, and the ratio at which the order flips."""

from dataclasses import replace

import pytest

from iceberg.locale import LANGUAGES, Translator
from iceberg.report.outlook import break_even_sentence, pipeline_sentence
from iceberg.report.words import per_complainant
from tests.report.examples import example_estimate

ESTIMATE = example_estimate(4, draws=60)
ORDER = sorted(ESTIMATE.categories, key=lambda one: -one.silent_churn.median)


@pytest.mark.parametrize("language", LANGUAGES)
def test_the_first_is_told_where_the_second_would_pass_it(language: str) -> None:
    first, second = ORDER[:2]
    said = break_even_sentence(ESTIMATE, first.category, Translator(language))
    assert said is not None
    assert second.category in said
    assert per_complainant(second.silent_churn.median / first.vocal_customers, Translator(language)) in said


def test_another_is_told_where_it_would_pass_the_first() -> None:
    first, last = ORDER[0], ORDER[-1]
    said = break_even_sentence(ESTIMATE, last.category, Translator("en"))
    assert said is not None
    assert said.startswith(f"“{first.category}” comes first")
    assert per_complainant(first.silent_churn.median / last.vocal_customers, Translator("en")) in said


def test_a_category_alone_has_no_order_to_flip() -> None:
    alone = replace(ESTIMATE, categories=(ORDER[0],))
    assert break_even_sentence(alone, ORDER[0].category, Translator("en")) is None


@pytest.mark.parametrize("language", LANGUAGES)
def test_who_is_still_to_leave_is_said_at_three_distances(language: str) -> None:
    said = pipeline_sentence(ESTIMATE, ORDER[0].category, Translator(language))
    assert said is not None
    assert all(str(days) in said for days in (30, 90, 180))


def test_below_level_three_nothing_tells_who_is_still_to_leave() -> None:
    estimate = example_estimate(3, draws=60, level="2")
    assert pipeline_sentence(estimate, estimate.categories[0].category, Translator("en")) is None
