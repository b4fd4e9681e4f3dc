"""What decisions and the mirror say and draw: every case has its sentence in both languages, pictures are valid, names keep apart."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from iceberg.locale import LANGUAGES, Translator
from iceberg.model.decision.fixes import Fix, decide
from iceberg.model.decision.mirror import hold_mirror
from iceberg.report.charts.decisions import MIRROR_PX, build_decisions, build_mirror
from iceberg.report.charts.specification import build_specification
from iceberg.report.decisions import (
    decision_headline,
    decisions_document,
    display_decisions,
    doubt_sentences,
    guess_sentences,
    idle_sentence,
    mirror_sentence,
    payback_text,
)
from iceberg.report.tables.decisions import decision_table, mirror_table
from tests.report.examples import example_estimate

ESTIMATE = example_estimate(4)
NAMES = [item.category for item in ESTIMATE.categories]


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("narrow", [False, True])
def test_both_pictures_are_valid_and_hold_every_category(language: str, narrow: bool) -> None:  # a parameter of the test
    words = Translator(language)
    decisions = decide(ESTIMATE, [Fix(name, 5_000.0 * place) for place, name in enumerate(NAMES)], customer_value=200.0)
    table = decision_table(decisions)
    drawn = build_decisions(table, words, description="d", currency="EUR", narrow=narrow).to_dict(validate=True)
    assert drawn["layer"][0]["mark"]["strokeWidth"] == 3  # zero is a heavy line
    mirror = hold_mirror(ESTIMATE)
    assert mirror is not None
    frame = mirror_table(mirror)
    chart = build_mirror(frame, words, categories=NAMES, description="m", narrow=narrow)
    chart.to_dict(validate=True)
    text = build_specification(lambda: chart)
    assert all(name[:6] in text for name in frame["category"])
    for rows in list(chart.datasets.values())[1:]:
        heights = sorted(row["at"] for row in rows)
        assert min(np.diff(heights)) * MIRROR_PX >= 0.05 * MIRROR_PX * 0.9 * max(heights)  # names of twelve pixels do not touch


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_outcome_has_its_sentence(language: str) -> None:
    """Something pays; nothing pays; no money; the loudest that almost never pays; a guess too low, inside, too high."""
    words = Translator(language)
    loudest = max(ESTIMATE.categories, key=lambda item: item.vocal_customers).category
    other = next(name for name in NAMES if name != loudest)
    pays = decide(ESTIMATE, [Fix(other, 1.0), Fix(loudest, 1e9)], customer_value=200.0)
    said = decision_headline(pays, ESTIMATE, words)
    assert other in said and loudest in said
    nothing = decide(ESTIMATE, [Fix(other, 1e9)], customer_value=200.0)
    assert nothing.best is not None and nothing.best.categories == ()
    assert decision_headline(nothing, ESTIMATE, words) != said
    assert len(doubt_sentences(nothing, ESTIMATE, words)) == 3
    poor = replace(ESTIMATE, draws=replace(ESTIMATE.draws, revenue_lost=None))
    kept = decide(poor, [Fix(other, 10.0)])
    assert other in decision_headline(kept, poor, words)
    assert payback_text(kept.outcomes[0].payback_months, words) == words.text("report.unknown")
    assert decisions_document(kept)["decisions"][0]["net_present_value"] is None
    assert other in idle_sentence(kept, poor, words)
    assert list(display_decisions(pays, ESTIMATE, words).iloc[:, 0]) == [other, loudest]
    total = ESTIMATE.total.silent_churn
    sides = {guess_sentences(ESTIMATE, words, category=other, number=number)[1] for number in (total.lower / 5, total.median, total.upper * 5, 0)}
    assert len(sides) == 4
    for category, number in ((None, 10.0), (other, None)):
        assert len(guess_sentences(ESTIMATE, words, category=category, number=number)) == 1
    mirror = hold_mirror(ESTIMATE)
    assert mirror is not None
    agrees = replace(mirror, costliest=mirror.loudest)
    assert mirror_sentence(agrees, words) != mirror_sentence(replace(mirror, costliest=other, loudest=loudest), words)


def test_several_fixes_are_joined_as_in_a_sentence() -> None:
    both = decide(ESTIMATE, [Fix(NAMES[0], 1.0), Fix(NAMES[1], 1.0)], customer_value=200.0)
    assert both.best is not None and len(both.best.categories) == 2
    assert f"“{both.best.categories[0]}” and “{both.best.categories[1]}”" in decision_headline(both, ESTIMATE, Translator("en"))
    assert "» et «" in decision_headline(both, ESTIMATE, Translator("fr"))


def test_a_payback_that_is_not_certain_says_more_than_ten_years() -> None:
    words = Translator("en")
    outcome = decide(ESTIMATE, [Fix(NAMES[0], 1e12)], customer_value=1.0).outcomes[0]
    assert payback_text(outcome.payback_months, words) == ">\N{NO-BREAK SPACE}120"
    assert decisions_document(decide(ESTIMATE, [Fix(NAMES[0], 1e12)], customer_value=1.0))["decisions"][0]["payback_months"] == {
        "lower": None, "median": None, "upper": None,
    }  # fmt: skip
    assert isinstance(decision_table(decide(ESTIMATE, [Fix(NAMES[0], 1.0)], customer_value=1.0)), pd.DataFrame)
