"""Segments beside each other: rates by hand, the rule of five, the order, and columns of several."""

from dataclasses import replace

import numpy as np
import pytest

from iceberg.locale import LANGUAGES, Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.compare import compare_segments
from iceberg.model.estimate import estimate_iceberg
from iceberg.report.charts.segments import build_segment_dots, build_segment_pair, sort_segments
from iceberg.report.tables.segments import FEWEST_LEAVERS, segment_matrix, segment_pair
from iceberg.report.takeaways import takeaway_segment_dots, takeaway_segment_pair
from tests.model.build import linked_counts

COUNTS = linked_counts({"billing": 240, "delivery": 180, "price": 120}, silent_leavers=900)
ESTIMATE = estimate_iceberg(COUNTS, assumptions=Assumptions(draws=80))
MATRIX = segment_matrix(ESTIMATE, COUNTS)


def test_the_rate_is_customers_per_thousand_customer_months() -> None:
    row = MATRIX[MATRIX["category"] == ""].iloc[0]
    place = COUNTS.segments.index(row["segment"])
    months = COUNTS.silent_person_days[place].sum() / (365.25 / 12)
    assert row["customer_months"] == pytest.approx(months)
    assert row["rate_median"] == pytest.approx(1000 * row["median"] / months)


def test_the_segments_of_a_category_add_up_to_the_whole() -> None:
    """In every draw, so the mean of the medians comes close; vocal customers exactly."""
    for item in ESTIMATE.categories:
        own = MATRIX[MATRIX["category"] == item.category]
        assert own["vocal_customers"].sum() == pytest.approx(item.vocal_customers)
        assert own["median"].sum() == pytest.approx(item.silent_churn.median, rel=0.15)


def test_a_segment_of_few_leavers_has_no_rate() -> None:
    few = MATRIX["silent_leavers"] < FEWEST_LEAVERS
    assert MATRIX.loc[few, "rate_median"].isna().all()
    assert MATRIX.loc[~few, "rate_median"].notna().all()
    small = segment_matrix(ESTIMATE, COUNTS).assign(silent_leavers=4.0, rate_lower=np.nan, rate_median=np.nan, rate_upper=np.nan)
    assert takeaway_segment_dots(small, Translator("en")) == Translator("en").text("where.none")


def test_the_rows_are_sorted_as_asked() -> None:
    whole = MATRIX[MATRIX["category"] == ""].set_index("segment")
    assert sort_segments(MATRIX, "name") == sorted(whole.index)
    by_rate = sort_segments(MATRIX, "rate")
    assert list(whole.loc[by_rate, "rate_median"]) == sorted(whole["rate_median"], reverse=True)


@pytest.mark.parametrize("narrow", [False, True])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_the_picture_is_valid_and_holds_the_colours_of_the_study(language: str, narrow: bool) -> None:  # a parameter of the test
    order = [item.category for item in ESTIMATE.categories]
    chart = build_segment_dots(MATRIX, Translator(language), categories=order, narrow=narrow)
    specification = chart.to_dict(validate=True)
    assert specification["layer"][1]["encoding"]["color"]["scale"]["domain"] == order


def exposure_of(places: list[int]) -> float:
    return float(COUNTS.silent_person_days[places].sum()) / (365.25 / 12) / 1000


def test_two_equal_segments_are_even_and_turning_them_round_turns_the_answer() -> None:
    """The same segment beside itself is more in half of the draws; the difference changes its sign with the order, up to chance."""
    same = compare_segments(ESTIMATE, [0], [0], exposures=(exposure_of([0]), exposure_of([0])))[0]
    assert same.probability_fell == pytest.approx(0.5, abs=0.15)
    names = tuple(COUNTS.segments[:2])
    there, back = (segment_pair(ESTIMATE, COUNTS, pair) for pair in (names, names[::-1]))
    assert there["difference_median"].iloc[0] == pytest.approx(-back["difference_median"].iloc[0], abs=0.5 * there["first_upper"].iloc[0])
    assert there["more"].iloc[0] == pytest.approx(1 - back["more"].iloc[0], abs=0.15)


def test_a_segment_with_twice_the_loss_is_clearly_apart_and_the_extra_is_half_of_it() -> None:
    churn = ESTIMATE.draws.silent_churn.copy()
    first, second = exposure_of([0]), exposure_of([1])
    churn[:, :, 0] = 400 / (3 * churn.shape[3])  # 400 leavers, as many per customer-month in the second one as in the first, then doubled
    churn[:, :, 1] = 400 * second / first / (3 * churn.shape[3])
    churn[:, :, 0] *= 2
    made = replace(ESTIMATE, draws=replace(ESTIMATE.draws, silent_churn=churn))
    pair = (COUNTS.segments[0], COUNTS.segments[1])
    table = segment_pair(made, COUNTS, pair)
    whole = table.iloc[0]
    assert whole["more"] > 0.95
    assert whole["first_median"] == pytest.approx(800 / first, rel=0.05)
    assert whole["extra_median"] == pytest.approx(400, rel=0.2)
    for language in LANGUAGES:
        words = Translator(language)
        said = {takeaway_segment_pair(segment_pair(made, COUNTS, order), order, words)[: len(pair[0])] for order in (pair, pair[::-1])}
        assert said == {pair[0]}  # the one that loses more is named first, whatever the order
        chart = build_segment_pair(table, words, pair=pair, categories=[item.category for item in made.categories])
        assert chart.to_dict(validate=True)["layer"][1]["encoding"]["shape"]["scale"]["domain"] == list(pair)
