"""Money: what the silent leavers paid, for as long as they would have gone on paying."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from iceberg.model.assumptions import Assumptions
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.value import price_silent_churn, residual_lifetime_years
from tests.model.build import linked_counts

MANY = linked_counts({"billing": 400}, silent_leavers=10_000)


def test_residual_lifetime_under_a_constant_risk_is_the_integral_of_its_survival() -> None:
    """10,000 departures in 10,000 customer-years: hazard 1 per year, one year ahead is worth 1 - 1/e of a year."""
    years = residual_lifetime_years(MANY, horizon_months=12, annual_discount_rate=0.0)
    assert years == pytest.approx([1 - np.exp(-1)] * 3, rel=0.01)


def test_discount_and_horizon_shorten_what_a_customer_is_worth() -> None:
    plain = residual_lifetime_years(MANY, horizon_months=24, annual_discount_rate=0.0)
    discounted = residual_lifetime_years(MANY, horizon_months=24, annual_discount_rate=0.10)
    shorter = residual_lifetime_years(MANY, horizon_months=6, annual_discount_rate=0.0)
    assert (discounted < plain).all()
    assert (shorter < plain).all()
    assert (shorter < 0.5).all()


def test_money_is_leavers_times_revenue_times_residual_lifetime() -> None:
    """Every silent leaver paid 120 a year and would have stayed 0.632 years of the next: 75.9 each."""
    churn = np.full((4000, 1, 2, 12), 5.0, dtype=np.float32)
    money = price_silent_churn(MANY, churn, assumptions=Assumptions(), rng=np.random.default_rng(1))
    assert money is not None
    total = money.sum(axis=(1, 2, 3), dtype=np.float64)
    assert total.mean() == pytest.approx(120 * 120 * (1 - np.exp(-1)), rel=0.02)
    assert total.std() > 0


def test_without_revenue_there_is_no_money_and_the_answer_says_so() -> None:
    estimate = estimate_iceberg(linked_counts({"billing": 400}, revenue=None))
    assert estimate.total.revenue_lost is None
    assert estimate.draws.revenue_lost is None
    assert "no_revenue" in {one.code for one in estimate.diagnostics}
    assert estimate.categories[0].probability_costliest == estimate.categories[0].probability_worst


def test_revenue_of_the_unknown_is_that_of_their_segment() -> None:
    """Known for half of the leavers: money stays about the same, and the answer says that half is unknown."""
    half = replace(
        MANY,
        silent_exit_revenue=MANY.silent_exit_revenue / 2,
        silent_exit_revenue_known=MANY.silent_exits // 2,
    )
    full, partly = estimate_iceberg(MANY), estimate_iceberg(half)
    assert partly.total.revenue_lost.median == pytest.approx(full.total.revenue_lost.median, rel=0.05)
    assert "revenue_partly_known" in {one.code for one in partly.diagnostics}
