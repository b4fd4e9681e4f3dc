"""An evidence level is asked questions, is ordered by its place on the ladder, and is written as its letter everywhere."""

import json
from dataclasses import replace

import pytest

from iceberg.locale import LANGUAGES, Translator
from iceberg.model.compare import compare_studies
from iceberg.model.evidence import kind_of
from iceberg.model.results import Evidence, EvidenceLevel
from iceberg.report.words import evidence_badge
from iceberg.store.codec import decode, encode
from tests.report.examples import example_counts, example_estimate

QUESTIONS = ("knows_departures", "follows_complainers", "has_own_ratio", "corrects_ratio", "is_measured")


def test_the_letters_stand_in_the_order_of_the_ladder() -> None:
    assert "".join(EvidenceLevel) == "012F34"
    assert [level.rank for level in EvidenceLevel] == list(range(len(EvidenceLevel)))


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_level_answers_every_question_that_a_lower_one_answers(question: str) -> None:
    answers = [getattr(level, question) for level in EvidenceLevel]
    assert answers == sorted(answers)


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("level", EvidenceLevel)
def test_every_level_has_its_sentence_its_letter_and_comes_back_from_the_store(level: EvidenceLevel, language: str) -> None:
    evidence = Evidence(level, "mixed")
    badge = evidence_badge(replace(example_estimate(), evidence=evidence), Translator(language))
    assert badge.says and type(badge.level) is str
    assert json.dumps({"level": level}) == f'{{"level": "{level.value}"}}' and f"{level}" == str(level) == level.value
    stored = json.loads(json.dumps(encode(evidence, {})))
    assert stored["fields"]["level"] == level.value
    back = decode(stored, {})
    assert back == evidence and back.level is level


def test_a_letter_that_is_no_level_is_refused() -> None:
    with pytest.raises(ValueError, match="not a valid EvidenceLevel"):
        Evidence("9", "mixed")  # type: ignore[arg-type]  # what is tested


def test_only_levels_whose_ratio_the_departures_correct_are_data_led() -> None:
    estimate = example_estimate(level="3")
    sure = replace(estimate, categories=tuple(replace(one, prior_share=0.0) for one in estimate.categories))
    assert {level.value for level in EvidenceLevel if kind_of(level, sure) == "data_led"} == {"3", "4"}
    assert {level.value for level in EvidenceLevel if kind_of(level, sure) == "assumption_led"} == {"0", "1"}


@pytest.mark.parametrize(("before", "after", "lowest"), [("F", "F", "F"), ("F", "3", "F"), ("3", "F", "F"), ("4", "2", "2"), ("F", "2", "2")])
def test_two_studies_of_which_one_does_not_correct_the_ratio_say_so(before: str, after: str, lowest: str) -> None:
    """A flat sheet has the letter F, which as a text stands behind 3 and 4: two of them were compared without the warning."""
    studies = [example_estimate(level=level) for level in (before, after)]
    counts = example_counts()
    found = {one.code: one.values for one in compare_studies(studies[0], counts, studies[1], counts).remarks}
    assert found["level_too_low"] == {"level": lowest}


@pytest.mark.parametrize(("before", "after"), [("3", "3"), ("3", "4"), ("4", "4")])
def test_two_studies_whose_ratio_the_departures_correct_have_no_such_warning(before: str, after: str) -> None:
    counts = example_counts()
    found = compare_studies(example_estimate(level=before), counts, example_estimate(level=after), counts).remarks
    assert "level_too_low" not in {one.code for one in found}
