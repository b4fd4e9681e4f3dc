"""Seasons of speaking up: complaints of all categories that follow the calendar although problems and departures do not."""

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pandas as pd
import pytest

from benchmarks.calibration.direct_counts import count_directly
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.window import ObservationWindow
from iceberg.model.assumptions import Assumptions
from iceberg.model.departures.fit import design
from iceberg.model.departures.fit.design import LexisDesign
from iceberg.model.departures.fit.information import fisher_information, log_likelihood
from iceberg.model.departures.fit.model import fit_excess_hazard
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.recording.seasons import has_common_season, yearly_waves
from iceberg.simulation.company import simulate_world
from tests.model.test_recording import MONTH, NAMES, SEASON, SIZES, YEARS, volumes


def test_a_wave_that_all_categories_follow_is_seen_and_nothing_else_is() -> None:
    of_one = np.where(np.arange(len(NAMES))[:, None] == 0, SEASON, 1.0)
    assert has_common_season(volumes(SEASON))
    assert not any(has_common_season(volumes(pattern)) for pattern in (np.ones(24), of_one, np.exp(0.05 * MONTH), np.where(MONTH < 10, 1.0, 2.0)))
    assert sum(has_common_season(volumes(np.ones(24), seed=seed)) for seed in range(20)) <= 1


def test_a_season_is_looked_for_over_a_year_and_a_half() -> None:
    year = ObservationWindow(YEARS.since, date(2025, 6, 30))
    counted = np.random.default_rng(0).poisson(SIZES * SEASON[:12])
    assert not has_common_season(CohortCounts.from_volumes(year, categories=NAMES, complaints=counted))


def test_a_wave_turns_once_a_year_and_begins_before_the_window() -> None:
    waves = yearly_waves(volumes(SEASON), 3)
    assert waves.shape == (2, 27)
    assert waves[:, :15] == pytest.approx(waves[:, 12:])
    assert waves[:, 9] == pytest.approx([1, 0])  # April to June before the window, then July to December: January is the tenth


@cache
def quiet_company(name: str, seed: int) -> tuple[CohortCounts, int]:
    """A company where of the same problem ten times as many complain in April as in October; its counts and its true silent churn."""
    company = simulate_world(name, seed)
    months = pd.to_datetime(company.complaints.complaint_date).dt.month.to_numpy()
    spoken = np.random.default_rng(1).random(len(months)) < 0.55 + 0.45 * np.cos(2 * np.pi * (months - 4) / 12)
    return count_directly(replace(company, complaints=company.complaints[spoken])), company.truth["silent_churn"]


@pytest.mark.parametrize(("name", "seed"), [("mixed", 2), ("one_segment", 0)])
def test_the_range_holds_the_truth_where_people_speak_up_by_the_season(name: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    counts, true = quiet_company(name, seed)
    assert has_common_season(counts)
    held = Assumptions(draws=400)
    found = estimate_iceberg(counts, assumptions=held)
    assert found.total.silent_churn.lower < true < found.total.silent_churn.upper
    codes = {one.code for one in found.diagnostics}
    assert "speaking_season" in codes
    assert "recording_changed" not in codes  # nobody named a change
    monkeypatch.setattr(design, "has_common_season", lambda counts: False)
    blind = estimate_iceberg(counts, assumptions=held)
    assert "speaking_season" not in {one.code for one in blind.diagnostics}
    assert blind.total.silent_churn.upper < true  # departures that do not follow the calendar spoke against every problem


def test_the_score_of_the_waves_is_the_gradient_of_the_likelihood() -> None:
    counts, _ = quiet_company("one_segment", 0)
    fit = fit_excess_hazard(counts, Assumptions())
    assert fit.layout.speaking == 2 == len(fit.layout.changes)
    assert not len(fit.layout.season)
    made = LexisDesign.of(counts, lags=fit.design.lags)
    assert np.array_equal(made.before_change, fit.design.before_change)
    rng = np.random.default_rng(2)
    shared, own = fit.shared + 0.05 * rng.standard_normal(fit.shared.shape), fit.own + 0.05 * rng.standard_normal(fit.own.shape)
    found = fisher_information(fit.design, fit.layout, fit.layout.effects(shared, own), fit.rates_at(shared, own))
    for place in fit.layout.at["change"]:
        unit = 1e-5 * np.eye(len(shared))[place]
        above, below = (log_likelihood(fit.design, fit.rates_at(shared + sign * unit, own)) for sign in (1, -1))
        assert found.shared_score[place] == pytest.approx((above - below) / 2e-5, abs=1e-4, rel=1e-5)
