"""Another prior of the ratios, read off the draws of the default one: the same answer as fitting again, without fitting."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.calibration.direct_counts import count_directly
from iceberg.model.assumptions import Assumptions, SilentRatioPrior
from iceberg.model.departures import correction
from iceberg.model.departures.fit.model import fit_excess_hazard
from iceberg.model.departures.reconciliation import draw_silent_churn
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.ratio.level_three_prior import ratio_prior_of
from iceberg.model.ratio.posterior import RatioLikelihood, RatioPrior, draw_log_ratios
from iceberg.model.ratio.prior_change import rows_under
from iceberg.model.survival.delay_kernel import fit_delay_kernel
from iceberg.simulation.company import simulate_world

TEN = Assumptions(ratio=SilentRatioPrior.around(10))


def test_a_slider_moved_from_elsewhere_gives_the_bytes_of_a_cold_start() -> None:
    """Neither the fit at hand nor the way the slider came changes a figure: page and command line agree."""
    counts = count_directly(simulate_world("small", 0))
    cold = estimate_iceberg(counts, assumptions=TEN)
    first = estimate_iceberg(counts)
    far = estimate_iceberg(counts, assumptions=Assumptions(ratio=SilentRatioPrior(1, 0.9, 1.1)), warm=first.fit_state)
    warm = estimate_iceberg(counts, assumptions=TEN, warm=far.fit_state)
    assert cold.draws.silent_churn.tobytes() == warm.draws.silent_churn.tobytes()
    assert cold.total == warm.total != first.total
    again = estimate_iceberg(counts, assumptions=Assumptions(ratio=SilentRatioPrior(1, 0.9, 1.1)))
    assert again.draws.silent_churn.tobytes() == far.draws.silent_churn.tobytes()


def test_the_delays_are_fitted_once_for_the_same_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    """They hang on the counts alone: a moved assumption takes those at hand, other counts have delays of their own."""
    fits = []
    monkeypatch.setattr(correction, "fit_delay_kernel", lambda counts: fits.append(counts.digest) or fit_delay_kernel(counts))
    counts, others = (count_directly(simulate_world("small", seed)) for seed in (0, 1))
    first = estimate_iceberg(counts)
    estimate_iceberg(counts, assumptions=TEN, warm=first.fit_state)
    assert len(fits) == 1
    estimate_iceberg(others, assumptions=TEN, warm=first.fit_state)
    assert len(set(fits)) == 2


def test_weighted_draws_agree_with_a_fit_under_the_other_prior() -> None:
    """A change of prior by importance weights is the answer that a second fit gives, within its sampling noise."""
    counts = count_directly(simulate_world("mixed", 2))
    kernel = fit_delay_kernel(counts)
    usual, other = ratio_prior_of(counts, Assumptions(), kernel), ratio_prior_of(counts, TEN, kernel)
    fit = fit_excess_hazard(counts, Assumptions(), kernel=kernel, ratio_prior=usual)
    drawn = draw_silent_churn(fit, counts, rng=np.random.default_rng(0), draws=2000)
    rows = rows_under(other, usual, drawn.log_ratio, drawn.level)
    assert rows is not None
    moved = fit_excess_hazard(counts, Assumptions(), kernel=kernel, ratio_prior=other)
    direct = draw_silent_churn(moved, counts, rng=np.random.default_rng(1), draws=2000)
    read = np.quantile(drawn.silent_churn[rows].sum(axis=(1, 2, 3)), [0.05, 0.5, 0.95])
    fitted = np.quantile(direct.silent_churn.sum(axis=(1, 2, 3)), [0.05, 0.5, 0.95])
    assert read == pytest.approx(fitted, rel=0.08)


def test_weights_recover_a_posterior_known_in_closed_form() -> None:
    """Where departures say nothing, draws under one prior become draws under the other: its mean and its spread."""
    nothing = RatioLikelihood(np.zeros(2), np.zeros(2), np.zeros((2, 2)), np.zeros(2))
    wide = RatioPrior(np.array([1.0, 2.0]), 1.2, spread=0.9, near_zero=0.0, harmless=0.0)
    narrow = replace(wide, mean=np.array([1.4, 2.3]), shared_sd=1.0)
    start = np.linalg.inv(wide.gaussian[1])
    drawn = draw_log_ratios(nothing, wide, start, rng=np.random.default_rng(3), draws=20_000)
    rows = rows_under(narrow, wide, drawn.log_ratio, drawn.level)
    assert rows is not None
    drawn = drawn.log_ratio
    assert drawn[rows].mean(axis=0) == pytest.approx(narrow.mean, abs=0.06)
    target = narrow.draw(np.random.default_rng(4), 20_000)
    assert drawn[rows].std(axis=0) == pytest.approx(target.std(axis=0), rel=0.06)


def test_a_prior_that_few_draws_speak_for_is_refused() -> None:
    """Ten draws posing as two thousand would make an interval of nothing."""
    prior = RatioPrior(np.array([2.0]), 1.2)
    nothing = RatioLikelihood(np.zeros(1), np.zeros(1), np.zeros((1, 1)), np.zeros(1))
    drawn = draw_log_ratios(nothing, prior, np.linalg.inv(prior.gaussian[1]), rng=np.random.default_rng(0), draws=2000)
    narrow = RatioPrior(np.array([-6.0]), 0.1, spread=0.1, near_zero=0.0, harmless=0.0)
    assert rows_under(narrow, prior, drawn.log_ratio, drawn.level) is None
    kept = rows_under(prior, prior, drawn.log_ratio, drawn.level)
    assert kept is not None and (kept == np.arange(2000)).all()
