"""What is said and tabled of a comparison, in both languages."""

import json
from datetime import date

import numpy as np
import pytest

from iceberg.locale import LANGUAGES, Translator
from iceberg.model.compare import Comparison, Difference, Remark
from iceberg.model.results import CredibleInterval
from iceberg.report.charts.changes import build_changes
from iceberg.report.comparison import (
    comparison_document,
    comparison_headline,
    comparison_table,
    display_comparison,
    period_names,
    rate_text,
    remark_sentences,
    unit_text,
)

PROBABILITIES = {"fell": 0.97, "probably_fell": 0.86, "open": 0.5, "probably_rose": 0.15, "rose": 0.02}
CODES = ("shared_ratio", "same_counts", "independent_draws")


def difference(category: str | None, probability: float) -> Difference:
    sign = 1 if probability > 0.5 else -1
    around = lambda middle, half: CredibleInterval(middle - half, middle, middle + half)  # noqa: E731  # three numbers
    return Difference(
        category, 40, 20, around(200, 50), around(100, 40), around(-100 * sign, 45), around(2, 0.5), around(1, 0.4), around(-1.0 * sign, 0.45),
        around(120 * sign, 70), probability,
    )  # fmt: skip


def example_comparison() -> Comparison:
    rows = tuple(difference(name, probability) for name, probability in PROBABILITIES.items())
    remarks = (
        *(Remark(code, "info") for code in CODES),
        Remark("windows_overlap", "warning", {"days": 31}),
        Remark("assumptions_differ", "caution", {"names": ("ratio", "horizon_days")}),
        Remark("only_before", "caution", {"categories": ("A", "B")}),
        Remark("levels_differ", "caution", {"before": "2", "after": "3"}),
    )
    return Comparison(
        difference(None, 0.7), rows, "customer_months", 100.0, 90.0, (date(2024, 7, 1), date(2025, 6, 1)), (date(2025, 7, 1),) * 2, True, "3", remarks
    )


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("verdict", PROBABILITIES)
def test_each_verdict_is_a_sentence_with_its_probability(verdict: str, language: str) -> None:
    comparison, words = example_comparison(), Translator(language)
    said = comparison_headline(comparison, words, category=verdict)
    probability = PROBABILITIES[verdict]
    shown = probability if verdict in {"fell", "probably_fell", "open"} else 1 - probability
    assert words.percent(shown) in said and verdict in said
    assert unit_text(comparison, words) in said and rate_text(1.0, words) in said
    if verdict in {"fell", "rose"}:
        assert words.integer(50) in said and words.integer(190) in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_remarks_and_periods_are_words(language: str) -> None:
    comparison, words = example_comparison(), Translator(language)
    sentences = [sentence for _, sentence in remark_sentences(comparison, words)]
    assert len(sentences) == len(comparison.remarks) and not any("{" in sentence or "horizon_days" in sentence for sentence in sentences)
    before, after = period_names(comparison, words)
    assert "2024" in before and "2025" in before and after == words.month(date(2025, 7, 1))


def test_the_table_holds_the_clearest_fall_first_and_the_company_last() -> None:
    words = Translator("en")
    frame = comparison_table(example_comparison(), words)
    assert frame["category"].tolist() == [*PROBABILITIES, "All categories"]
    shown = display_comparison(frame, words)
    assert shown.shape == (6, 7) and shown.iloc[0, 1] == "Fell" and "1 (0.6 to 1.4)" in shown.iloc[0].tolist()


def test_the_chart_draws_each_row_and_its_zero() -> None:
    words = Translator("fr")
    frame = comparison_table(example_comparison(), words)
    specification = build_changes(frame, words, description="x", axis_title=unit_text(example_comparison(), words)).to_dict(validate=True)
    layers = specification["layer"]
    assert layers[0]["encoding"]["x"]["field"] == "zero"
    domain = layers[1]["encoding"]["x"]["scale"]["domain"]
    assert domain[0] < frame["rate_change_lower"].min() and domain[1] > frame["rate_change_upper"].max()
    rows = specification["datasets"][layers[1]["data"]["name"]]
    np.testing.assert_allclose([row["median"] for row in rows], frame["rate_change_median"])
    assert [row["end_text"].split()[0] for row in rows] == ["baisse" if row["probability_fell"] >= 0.5 else "hausse" for row in rows]
    assert {row["end_text"].split()[0] for row in rows} == {"baisse", "hausse"}, "beside a bar that rose stands how likely it is that it rose"
    assert all(row["said_at"] >= max(row["upper"], 0) for row in rows), "words that cross the line of zero cannot be read"


def test_the_axis_of_a_phone_is_named_on_lines_that_fit() -> None:
    words = Translator("fr")
    title = unit_text(example_comparison(), words)
    chart = build_changes(comparison_table(example_comparison(), words), words, description="x", axis_title=title, narrow=True)
    lines = chart.to_dict(validate=True)["layer"][1]["encoding"]["x"]["axis"]["title"]
    assert " ".join(lines) == title
    assert max(map(len, lines)) <= 32


def test_the_document_is_json_with_every_interval() -> None:
    document = json.loads(json.dumps(comparison_document(example_comparison(), Translator("en")), allow_nan=False))
    assert document["before"] == {"first_month": "2024-07", "last_month": "2025-06", "exposure": 100.0}
    assert document["categories"][0]["category"] == "fell" and document["categories"][0]["rate_change"]["median"] == -1.0
    assert {remark["code"] for remark in document["remarks"]} >= set(CODES)
