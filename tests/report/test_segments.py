"""Segments beside each other: rates by hand, the rule of five, the order, and columns of several."""

import numpy as np
import pytest

from iceberg.locale import Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.estimate import estimate_iceberg
from iceberg.report.charts.segments import build_segment_dots, sort_segments, takeaway_segment_dots
from iceberg.report.tables.segments import FEWEST_LEAVERS, segment_matrix
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
