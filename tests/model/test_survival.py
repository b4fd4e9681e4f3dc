"""Curves and fits on tenure: equal to lifelines on rows, conditional where customers enter late."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from lifelines import KaplanMeierFitter, NelsonAalenFitter, PiecewiseExponentialFitter, WeibullFitter

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import TenureDayCounts
from iceberg.cohort.window import ObservationWindow
from iceberg.model.survival.curves import complained_states, fit_parametric, tenure_curve
from tests.cohort.companies import random_company
from tests.model.companies import reduce_frames, spells, world

WINDOW = ObservationWindow(pd.Timestamp("2020-01-01").date(), pd.Timestamp("2022-12-31").date(), look_back_days=0)


def by_hand(rows: list[tuple[int, int, int, int, int]]) -> CohortCounts:
    """Counts from (state, tenure day, entered, exited, censored)."""
    table = np.array(rows, dtype=np.int64)
    state, day, entered, exited, censored = table.T
    days = TenureDayCounts(state, np.zeros_like(state), day, entered, exited, censored)
    return CohortCounts.zeros(WINDOW, categories=("a",), tenure_days=days)


def test_kaplan_meier_of_five_customers_is_what_the_hand_says() -> None:
    """Four enter at 0, one late on day 2; departures on days 1 and 3: S = 3/4, then 3/4 x (1 - 1/3)."""
    counts = by_hand([(0, 0, 4, 0, 0), (0, 1, 0, 1, 0), (0, 2, 1, 0, 1), (0, 3, 0, 1, 0), (0, 4, 0, 0, 2)])
    curve = tenure_curve(counts, least_at_risk=1)
    assert curve.at_risk.tolist() == [4, 4, 4, 3, 2]
    assert curve.estimate == pytest.approx([1, 0.75, 0.75, 0.5, 0.5], abs=1e-12)
    hazard = tenure_curve(counts, kind="cumulative_hazard", least_at_risk=1)
    assert hazard.estimate == pytest.approx([0, 1 / 4, 1 / 4, 1 / 4 + 1 / 3, 1 / 4 + 1 / 3], abs=1e-12)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_curves_from_counts_equal_lifelines_on_rows(tables_from_frames, seed: int) -> None:
    """Kaplan-Meier, Nelson-Aalen and their bands, all states together, silent customers alone, one category alone."""
    customers, complaints = random_company(seed)
    counts = reduce_frames(tables_from_frames, customers, complaints, WINDOW)
    rows = spells(customers, complaints, WINDOW)
    for states, kept in (
        (None, rows),
        ((0,), rows[rows.state == ""]),
        (complained_states(counts), rows[rows.state != ""]),
        ((1,), rows[rows.state == counts.categories[0]]),
    ):
        survival = KaplanMeierFitter().fit(kept.stop, kept.event, entry=kept.entry, alpha=0.1)
        hazard = NelsonAalenFitter(nelson_aalen_smoothing=False).fit(kept.stop, kept.event, entry=kept.entry, alpha=0.1)
        mine = tenure_curve(counts, states=states, least_at_risk=1)
        ours = tenure_curve(counts, states=states, kind="cumulative_hazard", least_at_risk=1)
        for fitter, name, curve in ((survival, "survival_function_", mine), (hazard, "cumulative_hazard_", ours)):
            table = getattr(fitter, name).iloc[:, 0].reindex(curve.days + 1, method="ffill")
            band = fitter.confidence_interval_.reindex(curve.days + 1, method="ffill").to_numpy()
            alive = (survival.survival_function_.iloc[:, 0].reindex(curve.days + 1, method="ffill") > 0).to_numpy()
            assert curve.estimate == pytest.approx(table.to_numpy(), abs=1e-9)
            assert curve.lower[alive] == pytest.approx(band[alive, 0], abs=1e-9)
            assert curve.upper[alive] == pytest.approx(band[alive, 1], abs=1e-9)


def test_a_curve_starts_where_enough_customers_are_seen() -> None:
    """One early complainer who leaves at once says nothing about the survival of the forty who come later."""
    counts = by_hand([(1, 0, 1, 1, 0), (1, 30, 40, 0, 0), (1, 60, 0, 10, 0), (1, 90, 0, 0, 30)])
    curve = tenure_curve(counts, states=(1,))
    assert curve.days[0] == 30
    assert curve.estimate[-1] == pytest.approx(0.75)
    assert tenure_curve(counts, states=(0,)).days.size == 0


def test_weibull_from_counts_equals_lifelines_on_rows(tables_from_frames) -> None:
    """Pairing entries with ends first in, first out leaves the likelihood as it is: same scale and shape to 1e-5."""
    customers, complaints = random_company(4, customers=400)
    counts = reduce_frames(tables_from_frames, customers, complaints, WINDOW)
    rows = spells(customers, complaints, WINDOW)
    rows = rows[rows.state == ""]
    reference = WeibullFitter().fit(rows.stop, rows.event, entry=rows.entry)
    fit = fit_parametric(counts, states=(0,))
    assert fit.parameters["scale_days"] == pytest.approx(reference.lambda_, rel=1e-4)
    assert fit.parameters["shape"] == pytest.approx(reference.rho_, rel=1e-4)
    assert fit.aic == pytest.approx(reference.AIC_, rel=1e-6)


def test_piecewise_exponential_from_two_rows_per_interval_equals_lifelines_on_all_rows(tables_from_frames) -> None:
    customers, complaints = random_company(5, customers=300)
    counts = reduce_frames(tables_from_frames, customers, complaints, WINDOW)
    rows = spells(customers, complaints, WINDOW)
    rows = rows[rows.state == ""]
    knots = [3 * 365.25 / 12, 365.25]
    reference = PiecewiseExponentialFitter(knots).fit(rows.stop, rows.event, entry=rows.entry)
    fit = fit_parametric(counts, kind="piecewise_exponential", states=(0,), knots_months=(3, 12))
    rates = 365.25 / reference.params_.to_numpy()
    assert list(fit.parameters.values()) == pytest.approx(rates, rel=1e-4)
    assert fit.log_likelihood == pytest.approx(reference.log_likelihood_, rel=1e-6)


def test_fits_name_their_gap_and_compare_by_aic(tables_from_frames) -> None:
    """Both fits say how far they are from Kaplan-Meier, and their AIC can be compared."""
    _, counts = world(tables_from_frames, "small", 1)
    weibull = fit_parametric(counts, states=(0,))
    steps = fit_parametric(counts, kind="piecewise_exponential", states=(0,))
    assert {weibull.code, steps.code} <= {"fit_close", "fit_off"}
    assert weibull.shape_lower < weibull.parameters["shape"] < weibull.shape_upper
    assert all(rate > 0 for name, rate in steps.parameters.items() if name.startswith("rate_from_"))
    assert np.isfinite([weibull.aic, steps.aic]).all()


def test_without_departures_a_fit_says_that_it_failed() -> None:
    counts = by_hand([(0, 0, 40, 0, 0), (0, 50, 0, 0, 40)])
    assert fit_parametric(counts).code == "fit_failed"
