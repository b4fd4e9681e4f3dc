"""How far the answer moves with what is assumed."""

from __future__ import annotations

from datetime import date

import pytest

from iceberg.cohort.window import ObservationWindow
from iceberg.model.assumptions import Assumptions
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.sensitivity import break_even_ratio, ratio_curve, tornado
from tests.model.build import linked_counts

# Below level 3, where the departures only cap the answer.
QUARTER = ObservationWindow(date(2025, 1, 1), date(2025, 3, 31))
COUNTS = linked_counts({"billing": 120, "delivery": 260}, silent_leavers=2000, segments=("all",), window=QUARTER)


def test_more_sufferers_per_complainant_mean_more_silent_churn_until_the_departures_say_no() -> None:
    points = ratio_curve(COUNTS, ratios=(1, 5, 25, 1000))
    total = [point.silent_churn.median for point in points if point.category == ""]
    assert total == sorted(total)
    assert total[1] == pytest.approx(5 * total[0], rel=0.1)
    assert total[3] <= 2000
    assert {point.category for point in points} == {"", "billing", "delivery"}
    assert set(points[0].row) == {"category", "ratio", "lower", "median", "upper"}


def test_tornado_has_the_widest_assumption_first_and_all_around_the_same_base() -> None:
    bars = tornado(COUNTS, assumptions=Assumptions())
    widths = [abs(bar.at_high - bar.at_low) for bar in bars]
    assert widths == sorted(widths, reverse=True)
    assert len({bar.base for bar in bars}) == 1
    assert {bar.assumption for bar in bars} == {"ratio", "literal_leavers", "use_category_priors", "horizon_days"}
    assert set(bars[0].row) == {"assumption", "low_value", "high_value", "at_low", "at_high", "base"}


def test_at_the_break_even_ratio_two_categories_are_level() -> None:
    estimate = estimate_iceberg(COUNTS)
    billing, delivery = estimate.categories
    ratio = break_even_ratio(estimate, category="billing", other="delivery")
    assert ratio is not None
    assert ratio * billing.vocal_customers == pytest.approx(delivery.silent_churn.median)
    nobody = estimate_iceberg(linked_counts({"billing": 0, "delivery": 10}))
    assert break_even_ratio(nobody, category="billing", other="delivery") is None
