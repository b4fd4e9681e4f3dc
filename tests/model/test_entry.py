"""The month of entry: exact shares of cells, waves that are found and named, and companies without one that do not change."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pytest

from benchmarks.calibration.direct_counts import count_directly
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.window import ObservationWindow
from iceberg.model.departures.fit.design import LexisDesign
from iceberg.model.entry.shares import MONTHS_BEFORE, entry_months, entry_shares
from iceberg.model.entry.wave import find_wave
from iceberg.simulation.company import simulate_world


@cache
def mixed() -> CohortCounts:
    return count_directly(simulate_world("mixed", 0))


def with_exits(counts: CohortCounts, exits: np.ndarray) -> CohortCounts:
    """Other departures, whose revenue nobody knows."""
    nothing = np.zeros_like(exits)
    exits = np.minimum(exits, counts.silent_person_days)
    return replace(counts, silent_exits=exits, silent_exit_revenue_known=nothing, silent_exit_revenue=nothing.astype(float))


def with_wave(counts: CohortCounts, *, entries: slice, times: float, seed: int = 0) -> CohortCounts:
    """The same company with departures redrawn, `times` as frequent for those who came in some months."""
    share = entry_shares(counts)
    factor = 1 + (times - 1) * share[..., entries].sum(axis=2)
    rate = counts.silent_exits.sum(axis=0) / np.maximum(counts.silent_person_days.sum(axis=0), 1)
    # Month and band means only: the company's own irregularities are no part of the truth.
    smooth = rate.mean(axis=1, keepdims=True) * rate.mean(axis=0, keepdims=True) / rate.mean()
    expected = counts.silent_person_days * smooth * factor
    return with_exits(counts, np.random.default_rng(seed).poisson(expected))


def test_a_cell_of_one_month_of_tenure_holds_the_two_months_that_can_have_come() -> None:
    """In the first tenure month are those who came in this month or in the last; half and half where as many came in both."""
    window = ObservationWindow(date(2025, 1, 1), date(2025, 6, 30))
    days = np.full((1, 6, 3), 3000)
    counts = CohortCounts.zeros(window, band_edges_months=(0, 1, 3), silent_person_days=days, silent_exits=np.zeros_like(days))
    share = entry_shares(counts)
    assert share.shape == (6, 3, MONTHS_BEFORE + 6)
    assert share.sum(axis=2) == pytest.approx(np.ones((6, 3)))
    fourth = share[3, 0]
    assert fourth[MONTHS_BEFORE + 2 : MONTHS_BEFORE + 4] == pytest.approx([0.5, 0.5], abs=1e-6)
    # Between one and three months old in April: who came in January (1/2), February (all), March (1/2), as shares of 2; none of April.
    assert share[3, 1][MONTHS_BEFORE : MONTHS_BEFORE + 4] == pytest.approx([0.25, 0.5, 0.25, 0.0], abs=1e-6)
    assert entry_months(counts)[MONTHS_BEFORE] == date(2025, 1, 1)


def test_a_wave_is_found_named_and_measured() -> None:
    counts = with_wave(mixed(), entries=slice(MONTHS_BEFORE + 5, MONTHS_BEFORE + 8), times=3.0)
    wave = find_wave(counts)
    assert wave is not None
    came = entry_months(counts)[MONTHS_BEFORE + 5 : MONTHS_BEFORE + 8]
    assert set(came) <= set(wave.strong)
    found = np.exp(wave.departures[MONTHS_BEFORE + 5 : MONTHS_BEFORE + 8])
    assert (found > 2.0).all() and (found < 4.0).all()
    assert set(wave.strong) <= set(entry_months(counts)[MONTHS_BEFORE + 4 : MONTHS_BEFORE + 9])
    assert wave.strongest == pytest.approx(found.max())
    assert wave.dispersion[0] > 1.3 > wave.dispersion[1]
    others = np.delete(wave.departures, slice(MONTHS_BEFORE + 4, MONTHS_BEFORE + 9))
    assert np.median(np.abs(others)) < 0.03  # with one variance for all, the wave would free these months as well


def test_without_a_wave_nothing_changes() -> None:
    quiet = with_wave(mixed(), entries=slice(0, 0), times=1.0)
    assert find_wave(quiet) is None
    assert find_wave(mixed()) is None
    assert LexisDesign.of(mixed(), lags=3).natural_factor is None


def test_a_wave_multiplies_natural_departures_and_the_exposure_of_complaints() -> None:
    counts = with_wave(mixed(), entries=slice(MONTHS_BEFORE + 5, MONTHS_BEFORE + 8), times=3.0)
    wave, design = find_wave(counts), LexisDesign.of(counts, lags=3)
    assert wave is not None and design.natural_factor is not None
    assert design.natural_factor == pytest.approx(wave.natural)
    weight = design.at_risk.sum(axis=0)
    assert (weight * design.natural_factor).sum() / weight.sum() == pytest.approx(1.0, rel=1e-3)
    plain = LexisDesign.of(mixed(), lags=3)
    assert design.exposure == pytest.approx(plain.exposure * wave.exposure)


def test_monotone_shift_between_month_and_tenure_is_no_wave() -> None:
    """A tenure effect and a month effect alone never look like months of entry."""
    counts = mixed()
    trend = np.exp(np.linspace(-0.5, 0.5, counts.shape[1]))[None, :, None]
    shifted = np.random.default_rng(1).poisson(counts.silent_person_days * trend * 1e-3)
    assert find_wave(with_exits(counts, shifted)) is None
