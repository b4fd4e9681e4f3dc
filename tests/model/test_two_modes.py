"""A fit that can end at two modes: the one that explains the counts better is found, and another that cannot be ruled out counts by its weight."""

from __future__ import annotations

from dataclasses import replace
from types import SimpleNamespace
from typing import Any, cast

import numpy as np
import pytest

from benchmarks.calibration.sbc import rank_company
from iceberg.cohort.counts import CohortCounts
from iceberg.model.departures.fit.marginal_mode import log_marginal_likelihood
from iceberg.model.departures.fit.model import ExcessHazardFit, better_of, prior_of
from iceberg.model.departures.fit.variance_average import average_variances
from iceberg.model.departures.fit.variances import Variances, log_prior
from iceberg.model.departures.reconciliation import draw_silent_churn
from tests.model.test_excess_hazard import company, fitted


def with_ratios_moved(fit: ExcessHazardFit, by: float) -> ExcessHazardFit:
    shared = fit.shared.copy()
    shared[fit.ratio_positions] += by
    return replace(fit, shared=shared)


def test_where_nearly_all_departures_are_silent_churn_the_fit_finds_them() -> None:
    """Companies drawn from the prior: from few departures explained the search ended at a mode less likely by e^100, e^39 and e^8."""
    for seed in (221, 161, 207):
        for row in rank_company(seed):
            assert row["converged"] and 0.0005 < row["rank_churn"] < 0.9995, row


def test_two_ways_to_one_mode_are_one_fit() -> None:
    fit = fitted("small", 0)
    assert better_of(fit, fit) is fit
    near = with_ratios_moved(replace(fit, log_posterior=fit.log_posterior + 0.4), 0.01)
    assert better_of(fit, near) is fit and better_of(near, fit) is near  # no figure moves by where a search stopped
    assert better_of(fit, replace(near, log_posterior=fit.log_posterior + 0.6)) is not fit


def test_another_mode_counts_by_its_marginal_likelihood() -> None:
    """Two modes whose logarithms differ by 1 weigh 0.73 and 0.27, whichever comes first; by 5, the lesser is not kept."""
    fit = fitted("small", 0)
    other = with_ratios_moved(replace(fit, log_posterior=fit.log_posterior - 1.0), 2.0)
    for pair in ((fit, other), (other, fit)):
        best = better_of(*pair)
        assert np.array_equal(best.shared, fit.shared)
        assert [weight for weight, _ in best.alternatives] == pytest.approx([1 / (1 + np.exp(-1)), 1 / (1 + np.exp(1))])
    assert not better_of(fit, replace(other, log_posterior=fit.log_posterior - 5.0)).alternatives


def test_a_fit_that_did_not_settle_never_replaces_one_that_did() -> None:
    fit = fitted("small", 0)
    better = with_ratios_moved(replace(fit, log_posterior=fit.log_posterior + 50.0, converged=False), 2.0)
    assert better_of(fit, better) is fit and better_of(better, fit) is fit


def test_each_mode_is_averaged_over_its_own_variances_and_the_draws_follow_the_weights() -> None:
    fit = fitted("young", 1)
    counts: CohortCounts = company("young", 1)[0]
    assert not fit.alternatives
    low = with_ratios_moved(fit, -6.0)
    averaged = average_variances(replace(fit, alternatives=((0.75, fit), (0.25, low))))
    weights = [weight for weight, _ in averaged.alternatives]
    assert sum(weights) == pytest.approx(1.0, abs=0.1) and len(weights) > 3
    two = replace(fit, alternatives=((0.75, fit), (0.25, low)))
    high, drawn = (draw_silent_churn(one, counts, rng=np.random.default_rng(0), draws=400).silent_churn.sum(axis=(1, 2, 3)) for one in (fit, two))
    assert (high < 0.1 * np.median(high)).mean() < 0.02
    assert (drawn < 0.1 * np.median(high)).mean() == pytest.approx(0.25, abs=0.02)


def test_without_counts_the_marginal_likelihood_is_what_was_assumed_of_the_variances() -> None:
    """Then information is prior precision: both determinants cancel, whatever the variances, and the density of the variances remains."""
    fit = fitted("small", 0)
    for factor in (1.0, 4.0):
        variances = replace(fit.variances, natural_month=factor * fit.variances.natural_month)
        prior = prior_of(replace(fit, variances=variances))
        alone = np.linalg.slogdet(prior.shared_precision)[1] + fit.layout.segments * np.log(prior.local_precision).sum()
        arrow = cast(Any, SimpleNamespace(log_determinant=alone))
        assert log_marginal_likelihood(fit.layout, prior, variances, arrow, 0.0) == pytest.approx(log_prior(variances))


def test_the_density_of_a_variance_is_largest_where_it_was_assumed_to_be() -> None:
    """Hand-worked: of v = x a it is -(log x + 1 / x) beside its value at a, in logarithms; at x = 2 that is -0.193."""
    usual = Variances.start(3)
    twice = replace(usual, natural_band=2 * usual.natural_band)
    assert log_prior(twice) - log_prior(usual) == pytest.approx(-(np.log(2) + 0.5 - 1))
    assert log_prior(replace(usual, month=2 * usual.month)) - log_prior(usual) == pytest.approx(-(np.log(2) + 0.5 - 1))  # three as one
