"""The silent are not the complainers: delay per category, loose tie of the excess, tilt with tenure, second opinion."""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from functools import cache
from math import log

import numpy as np
import pytest

from benchmarks.calibration.direct_counts import count_directly
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.window import ObservationWindow
from iceberg.locale import Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.departures.fit.design import evaluate_rates
from iceberg.model.departures.fit.information import fisher_information, log_likelihood
from iceberg.model.departures.fit.model import ExcessHazardFit, fit_excess_hazard
from iceberg.model.departures.second_opinion import SecondOpinion, ask_without_tenure, opinions_differ
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.priors import RECOVERY
from iceberg.model.ratio.level_three_prior import ratio_prior_of
from iceberg.model.ratio.posterior import RatioLikelihood, RatioPrior, draw_log_ratios
from iceberg.model.results import CredibleInterval, Diagnostic
from iceberg.model.survival.delay_kernel import PRIOR_MEAN_DAYS, DelayKernel, fit_delay_kernel, lags_needed
from iceberg.report.words import headline_reservation
from iceberg.simulation.company import SimulatedCompany, simulate_company
from iceberg.simulation.worlds import CompanyTruth, draw_company, with_categories


def _truth(seed: int) -> tuple[CompanyTruth, np.random.Generator]:
    rng = np.random.default_rng([14, seed])
    return with_categories(draw_company(rng, segments=4, customers=20_000), rng, count=4, vocal_customers=1200.0), rng


@cache
def handled_well() -> tuple[SimulatedCompany, CohortCounts]:
    """Complaints are answered so well that complainers stay; the silent leave all the same."""
    truth, rng = _truth(1)
    kinds = tuple(replace(kind, vocal_leave_probability=0.0, silent_leave_probability=0.35) for kind in truth.categories)
    company = simulate_company(replace(truth, categories=kinds), rng)
    return company, count_directly(company)


@cache
def quick_and_slow() -> CohortCounts:
    """Two categories whose customers leave within two weeks, two within half a year."""
    truth, rng = _truth(2)
    days = (12.0, 12.0, 170.0, 170.0)
    kinds = tuple(
        replace(kind, vocal_leave_probability=0.6, silent_leave_probability=0.3, delay_mean_days=mean, delay_shape=1.5)
        for kind, mean in zip(truth.categories, days, strict=True)
    )
    return count_directly(simulate_company(replace(truth, categories=kinds), rng))


@cache
def fitted() -> ExcessHazardFit:
    return fit_excess_hazard(handled_well()[1], Assumptions())


@pytest.mark.parametrize("follows", [True, False])
def test_the_slopes_in_delay_and_tilt_are_those_of_the_likelihood(follows: bool) -> None:
    fit = replace(fitted(), design=replace(fitted().design, follows_tenure=follows))
    rng = np.random.default_rng(0)
    shared = fit.shared + 0.1 * rng.standard_normal(fit.shared.shape)
    effects = fit.layout.effects(shared, fit.own)
    found = fisher_information(fit.design, fit.layout, effects, fit.rates_at(shared, fit.own))
    at, step = fit.layout.at, 1e-5
    for place in (*at["delay"].ravel(), *at["tilt"], *at["band"][0], at["ratio"][1]):
        unit = step * np.eye(len(shared))[place]
        up, down = (log_likelihood(fit.design, fit.rates_at(shared + move, fit.own)) for move in (unit, -unit))
        assert found.shared_score[place] == pytest.approx((up - down) / (2 * step), abs=2e-4, rel=1e-4)


def test_a_tilt_of_zero_is_a_ratio_that_is_the_same_at_every_tenure() -> None:
    fit = fitted()
    effects = replace(fit.layout.effects(fit.shared, fit.own), tilt=0.0)
    flat, tilted = evaluate_rates(fit.design, effects), evaluate_rates(fit.design, replace(effects, tilt=0.5))
    assert np.array_equal(flat.struck_factor, flat.band_factor)
    assert tilted.struck_factor / flat.struck_factor == pytest.approx(np.broadcast_to(np.exp(0.5 * fit.design.tenure_score), flat.band_factor.shape))
    # The score is centred at the tenure of complainants, so that a tilt does not change what their ratio means.
    weight = fit.design.complainants.sum(axis=(0, 1, 2))
    assert (fit.design.tenure_score * weight).sum() == pytest.approx(0, abs=1e-6 * weight.sum())


def test_without_tenure_the_silent_are_struck_alike_at_every_tenure() -> None:
    fit = fitted()
    rates = replace(fit, design=replace(fit.design, follows_tenure=False)).rates_at(fit.shared, fit.own)
    tilt = float(fit.layout.shared(fit.shared)["tilt"][0])
    level = rates.struck_factor / np.exp(tilt * fit.design.tenure_score)
    assert level == pytest.approx(np.broadcast_to(level[:, :1], level.shape))
    exposure = fit.design.exposure.sum(axis=(0, 1))
    assert level[:, 0] == pytest.approx(rates.band_factor @ (exposure / exposure.sum()))


def test_where_complaining_helps_the_delay_falls_back_to_what_is_believed_beforehand() -> None:
    kernel = fit_delay_kernel(handled_well()[1])
    assert kernel.excess_seen < 0.2
    assert np.exp(kernel.location[:, 0]) == pytest.approx(PRIOR_MEAN_DAYS, rel=0.35)
    assert np.sqrt(np.diagonal(kernel.covariance)[::2]).min() > 0.6  # and says that it does not know


def test_a_slow_category_keeps_its_own_delay_beside_a_quick_one() -> None:
    counts = quick_and_slow()
    kernel = fit_delay_kernel(counts)
    days = np.exp(kernel.location[:, 0])
    slow = np.argsort(days)[2:]
    assert kernel.excess_seen > 0.95
    assert days[slow].min() > 3 * np.delete(days, slow).max()
    assert np.linalg.eigvalsh(kernel.covariance).min() > 0
    assert lags_needed(kernel.location, longest=12) >= lags_needed(np.delete(kernel.location, slow, axis=0), longest=12)


def test_a_kernel_of_some_categories_keeps_their_rows() -> None:
    kernel = fit_delay_kernel(quick_and_slow())
    some = kernel.of_categories(np.array([False, True, False, True]))
    assert np.array_equal(some.location, kernel.location[[1, 3]])
    assert np.array_equal(some.covariance, kernel.covariance[np.ix_([2, 3, 6, 7], [2, 3, 6, 7])])


def _kernel(excess: float, sd: float = 0.1) -> DelayKernel:
    value = log(excess)
    return DelayKernel(np.zeros((1, 2)), np.eye(2), 1.0, np.array([value]), np.array([sd]), value, sd)


def test_complainers_who_hardly_leave_say_little_about_the_silent() -> None:
    """The tie is loose: at equal excess the level stays, and the pull of ever smaller excess of complainers is bounded."""
    counts = CohortCounts.from_volumes(ObservationWindow(date(2025, 1, 1), date(2025, 1, 31)), categories=("price",), complaints=[[30]])
    level = {excess: float(ratio_prior_of(counts, Assumptions(), _kernel(excess)).mean[0]) for excess in (0.3, 0.1, 0.01, 0.001)}
    assert level[0.1] < level[0.3]
    assert abs(level[0.01] - level[0.3]) < 1.0 < log(0.3 / 0.01)
    assert sum(weight for weight, _, _ in RECOVERY) == pytest.approx(1)


def test_handled_complaints_do_not_hide_the_silent() -> None:
    company, counts = handled_well()
    estimate = estimate_iceberg(counts, seed=3)
    true = company.truth["silent_churn"]
    assert estimate.total.silent_churn.lower <= true <= estimate.total.silent_churn.upper
    assert estimate.total.silent_churn.median == pytest.approx(true, rel=0.5)
    assert estimate.total.second_opinion is not None
    assert [item.second_opinion is not None for item in estimate.categories] == [True] * 4


def _interval(lower: float, median: float, upper: float) -> CredibleInterval:
    return CredibleInterval(lower, median, upper)


@pytest.mark.parametrize(
    ("first", "second", "differ"),
    [
        (_interval(80, 100, 120), _interval(150, 200, 250), True),
        (_interval(150, 200, 250), _interval(80, 100, 120), True),
        (_interval(80, 100, 120), _interval(110, 130, 150), False),  # a factor of 1.3 changes no decision
        (_interval(20, 100, 300), _interval(30, 200, 400), False),  # each within the doubt of the other
        (_interval(0, 0, 1), _interval(2, 6, 12), False),  # a handful of customers
    ],
)
def test_opinions_differ_where_they_would_be_acted_on_differently(first: CredibleInterval, second: CredibleInterval, differ: bool) -> None:
    assert opinions_differ(first, second) is differ


def test_the_second_opinion_follows_the_assumed_ratio() -> None:
    usual, doubled = RatioPrior(np.zeros(1), 1.0), RatioPrior(np.array([0.5]), 1.0)
    silent = RatioLikelihood(np.zeros(1), np.zeros(1), np.zeros((1, 1)), np.zeros(1))
    drawn = draw_log_ratios(silent, usual, np.linalg.inv(usual.gaussian[1]), rng=np.random.default_rng(0), draws=2000)
    opinion = SecondOpinion(drawn.log_ratio, drawn.level, 100 * np.exp(drawn.log_ratio))
    same, moved = opinion.under(usual, usual), opinion.under(doubled, usual)
    assert same is not None and np.array_equal(same, opinion.silent_churn)
    assert moved is not None and np.median(moved) > 1.2 * np.median(opinion.silent_churn)


def test_the_second_opinion_does_not_depend_on_what_was_asked_before() -> None:
    fit, counts = fitted(), handled_well()[1]
    one, two = (ask_without_tenure(fit, counts, rng=np.random.default_rng(5), draws=40) for _ in range(2))
    assert np.array_equal(one.silent_churn, two.silent_churn)


def test_a_second_opinion_that_differs_stands_beside_the_headline() -> None:
    estimate = estimate_iceberg(handled_well()[1], seed=3)
    remark = Diagnostic("second_opinion_differs", "caution", {"lower": 300, "upper": 500})
    said = replace(estimate, diagnostics=(remark,))
    for language in ("en", "fr"):
        text = headline_reservation(said, Translator(language))
        assert "300" in text and "500" in text
