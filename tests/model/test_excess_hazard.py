"""The reconciliation model: its derivatives, what it always keeps, and what it finds where the truth is known."""

from __future__ import annotations

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from benchmarks.calibration.direct_counts import count_directly
from benchmarks.calibration.sbc import rank_company
from benchmarks.reference.quadratic_form import quadratic_form
from iceberg.cohort.counts import CohortCounts
from iceberg.model.assumptions import Assumptions, SilentRatioPrior
from iceberg.model.departures.chance import above_noise, explained_beyond_chance
from iceberg.model.departures.fit.arrow import Arrow, factorise
from iceberg.model.departures.fit.information import fisher_information, log_likelihood
from iceberg.model.departures.fit.model import ExcessHazardFit, fit_excess_hazard, prior_of
from iceberg.model.departures.fit.variance_average import average_variances
from iceberg.model.departures.forecast import draw_pipeline
from iceberg.model.departures.placebo import begin_placebo, derangement, run_placebo
from iceberg.model.departures.reconciliation import draw_silent_churn
from iceberg.model.ratio import posterior
from iceberg.model.ratio.posterior import RatioLikelihood, RatioPrior, draw_log_ratios
from iceberg.model.survival.delay_kernel import fit_delay_kernel, lag_weights, share_within
from iceberg.simulation.company import simulate_world
from tests.model.build import linked_counts


@cache
def company(name: str, seed: int) -> tuple[CohortCounts, dict]:
    made = simulate_world(name, seed)
    return count_directly(made), made.truth


@cache
def fitted(name: str, seed: int) -> ExcessHazardFit:
    return fit_excess_hazard(company(name, seed)[0], Assumptions())


def test_the_score_is_the_gradient_of_the_likelihood() -> None:
    fit = fitted("small", 0)
    rng = np.random.default_rng(0)
    shared = fit.shared + 0.1 * rng.standard_normal(fit.shared.shape)
    own = fit.own + 0.1 * rng.standard_normal(fit.own.shape)
    effects = fit.layout.effects(shared, own)
    found = fisher_information(fit.design, fit.layout, effects, fit.rates_at(shared, own))

    def likelihood(change: np.ndarray, own_change: np.ndarray) -> float:
        return log_likelihood(fit.design, fit.rates_at(shared + change, own + own_change))

    step = 1e-5
    for place in rng.choice(len(shared), 25, replace=False):
        unit = step * np.eye(len(shared))[place]
        slope = (likelihood(unit, 0 * own) - likelihood(-unit, 0 * own)) / (2 * step)
        assert found.shared_score[place] == pytest.approx(slope, abs=1e-4, rel=1e-5)
    for place in rng.choice(own.shape[1], 25, replace=False):
        unit = np.zeros_like(own)
        unit[1, place] = step
        slope = (likelihood(0 * shared, unit) - likelihood(0 * shared, -unit)) / (2 * step)
        assert found.own_score[1, place] == pytest.approx(slope, abs=1e-4, rel=1e-5)


@cache
def small_dense(name: str) -> tuple[ExcessHazardFit, np.ndarray, Arrow]:
    """A fit away from its mode, the information over all parameters as one dense matrix, and the arrow's factors of the same."""
    fit = fitted(name, 0)
    layout, design = fit.layout, fit.design
    rng = np.random.default_rng(4)
    shared = fit.shared + 0.1 * rng.standard_normal(fit.shared.shape)
    own = fit.own + 0.1 * rng.standard_normal(fit.own.shape)
    size, n, segments = layout.shared_size, layout.local_size, layout.segments

    def placed(shared: np.ndarray, own: np.ndarray) -> np.ndarray:
        return np.concatenate([shared, own.ravel()])

    rates = fit.rates_at(shared, own)
    found = fisher_information(design, layout, layout.effects(shared, own), rates)
    prior = prior_of(fit)
    dense = np.zeros((size + segments * n, size + segments * n))
    dense[:size, :size] = prior.shared_precision
    dense[np.arange(size, len(dense)), np.arange(size, len(dense))] = np.tile(prior.local_precision, segments)
    for s in range(segments):
        rows = np.zeros((found.rows.shape[1], len(dense)))
        rows[:, :size], rows[:, size + s * n : size + (s + 1) * n] = found.rows[s], found.own_rows[s]
        dense += rows.T @ rows
    # Expected complaints are log-linear: each cell adds mu x x', x the parameters in it.
    step = 1e-4
    logs = []
    for place in range(size + n):
        unit = np.zeros(size + segments * n)
        unit[place] = step
        moved = fit.rates_at(shared + unit[:size], own + unit[size:].reshape(segments, n)).complaints
        logs.append(np.log(moved / rates.complaints) / step)
    slopes = np.array(logs)  # the first segment's own parameters stand for every segment's
    for s in range(segments):
        place = np.concatenate([np.arange(size), size + s * n + np.arange(n)])
        x = np.concatenate([slopes[:size, :, s], slopes[size:, :, 0]]).reshape(size + n, -1)
        dense[np.ix_(place, place)] += (x * rates.complaints[:, s].reshape(-1)) @ x.T
    return fit, dense, factorise(layout, found, prior)


@pytest.mark.parametrize("name", ["small", "one_segment"])
def test_factors_by_segment_solve_and_measure_the_whole_system(name: str) -> None:
    """Solutions, variances, determinant and quadratic form are those of the dense information matrix."""
    fit, dense, arrow = small_dense(name)
    size = fit.layout.shared_size
    rng = np.random.default_rng(1)
    shared, own = rng.standard_normal(fit.shared.shape), rng.standard_normal(fit.own.shape)
    vector = np.concatenate([shared, own.ravel()])
    found, found_own = arrow.solve(shared, own)
    assert dense @ np.concatenate([found, found_own.ravel()]) == pytest.approx(vector, abs=1e-3)
    covariance = np.linalg.inv(dense)
    assert arrow.shared_covariance() == pytest.approx(covariance[:size, :size], abs=1e-4)
    assert arrow.local_variances().ravel() == pytest.approx(np.diagonal(covariance)[size:], abs=1e-4, rel=1e-3)
    assert arrow.log_determinant == pytest.approx(np.linalg.slogdet(dense)[1], rel=1e-4)
    assert quadratic_form(arrow, shared, own) == pytest.approx(vector @ dense @ vector, rel=1e-4)


@pytest.mark.parametrize("name", ["small", "one_segment"])
def test_draws_have_the_covariance_of_the_whole_system(name: str) -> None:
    """Standardised by the dense matrix, the draws are unit noise."""
    fit, dense, arrow = small_dense(name)
    rng = np.random.default_rng(2)
    shared = arrow.draw_shared(rng, 4000)
    own = arrow.draw_own(rng, shared).astype(float)
    draws = np.concatenate([shared, own.reshape(len(own), -1)], axis=1)
    squares = np.einsum("ki,ij,kj->k", draws, dense, draws)
    assert squares.mean() == pytest.approx(len(dense), rel=0.01)
    sd = np.sqrt(np.diagonal(np.linalg.inv(dense)))
    assert draws.std(axis=0) / sd == pytest.approx(np.ones(len(dense)), abs=0.06)
    at = fit.ratio_positions
    assert np.cov(draws[:, at].T) == pytest.approx(np.linalg.inv(dense)[np.ix_(at, at)], abs=0.05 * sd[at].max() ** 2)


def test_2_in_every_draw_and_cell_the_parts_are_the_silent_leavers() -> None:
    counts, _ = company("small", 0)
    drawn = draw_silent_churn(fitted("small", 0), counts, rng=np.random.default_rng(0), draws=200)
    whole = drawn.silent_churn.sum(axis=1) + drawn.natural
    assert (whole == counts.silent_exits.sum(axis=2)[None]).all()
    assert (drawn.silent_churn >= 0).all()
    assert (drawn.silent_churn == np.round(drawn.silent_churn)).all()


def test_a_common_error_widens_the_total_and_keeps_every_leaver() -> None:
    """One factor on all odds per draw: the variance of the log total grows by about its square, times the share that can give way."""
    counts, _ = company("small", 0)
    kept, wider = (
        draw_silent_churn(fitted("small", 0), counts, rng=np.random.default_rng(0), draws=4000, common_error=error) for error in (0.0, 0.2)
    )
    assert (wider.silent_churn.sum(axis=1) + wider.natural == counts.silent_exits.sum(axis=2)[None]).all()
    totals = [drawn.silent_churn.sum(axis=(1, 2, 3), dtype=np.float64) for drawn in (kept, wider)]
    spread = [float(np.diff(np.log(np.quantile(total, (0.5, 0.95))))[0]) for total in totals]
    left = counts.silent_exits.sum()
    gives_way = 1 - float(np.median(totals[0])) / left
    assert spread[1] == pytest.approx(np.hypot(spread[0], 0.2 * 1.645 * gives_way), rel=0.06)
    assert spread[1] > 1.1 * spread[0]
    assert np.median(totals[1]) == pytest.approx(np.median(totals[0]), rel=0.05)
    assert np.median(wider.sufferers.sum(axis=(1, 2))) == pytest.approx(np.median(kept.sufferers.sum(axis=(1, 2))), rel=0.1)


def test_7_the_same_counts_and_seed_give_the_same_bytes() -> None:
    counts, _ = company("small", 1)
    made = [
        draw_silent_churn(fit_excess_hazard(counts, Assumptions()), counts, rng=np.random.default_rng(3), draws=100)
        for _ in range(2)
    ]
    assert made[0].silent_churn.tobytes() == made[1].silent_churn.tobytes()
    assert made[0].ratio.tobytes() == made[1].ratio.tobytes()


def test_6_departures_move_the_ratio_away_from_what_was_assumed() -> None:
    counts, _ = company("small", 0)
    fit = fitted("small", 0)
    drawn = draw_silent_churn(fit, counts, rng=np.random.default_rng(0), draws=400)
    prior = fit.ratio_prior.draw(np.random.default_rng(1), 400)
    assert (drawn.log_ratio.std(axis=0) < 0.8 * prior.std(axis=0)).all()


def test_a_start_from_an_earlier_fit_ends_where_a_cold_one_does() -> None:
    counts, _ = company("small", 0)
    moved = Assumptions(ratio=SilentRatioPrior.around(10))
    cold, warm = fit_excess_hazard(counts, moved), fit_excess_hazard(counts, moved, warm=fitted("small", 0))
    assert warm.iterations <= cold.iterations
    caused = [fit.rates_at(fit.shared, fit.own).caused.sum() for fit in (warm, cold)]
    assert caused[0] == pytest.approx(caused[1], rel=0.1)


def test_nine_intervals_in_ten_hold_the_truth_on_small_companies() -> None:
    """A small calibration that always runs; the large one is in the benchmarks."""
    inside, errors = [], []
    for name, seed in (("small", 0), ("small", 1), ("small", 2), ("one_segment", 0), ("one_segment", 1)):
        counts, truth = company(name, seed)
        drawn = draw_silent_churn(fitted(name, seed), counts, rng=np.random.default_rng(0), draws=400)
        churn = drawn.silent_churn.sum(axis=(2, 3))
        lower, upper = np.quantile(churn, [0.05, 0.95], axis=0)
        real = np.array([truth["categories"][category]["silent_churn"] for category in counts.categories])
        inside += ((lower <= real) & (real <= upper)).tolist()
        errors.append(abs(np.log(np.median(churn.sum(axis=1)) / truth["silent_churn"])))
    assert np.mean(inside) >= 0.75
    assert np.median(errors) < np.log(1.6)


def test_where_nobody_leaves_in_silence_next_to_nothing_is_found_and_the_placebo_finds_as_much() -> None:
    counts, truth = company("none", 0)
    fit = fitted("none", 0)
    assert truth["silent_churn"] == 0
    drawn = draw_silent_churn(fit, counts, rng=np.random.default_rng(0), draws=400)
    total = drawn.silent_churn.sum(axis=(1, 2, 3))
    assert np.median(total) < 0.08 * truth["silent_leavers"]
    placebo = run_placebo(begin_placebo(fit), counts, rng=np.random.default_rng(1), draws=200, replicates=2).silent_churn.sum(axis=(1, 2, 3))
    assert above_noise(total, placebo) < 0.9


def test_complaints_explain_departures_better_than_chance_where_they_are_the_cause_and_not_where_nobody_leaves_in_silence() -> None:
    """Where the data are weak the moved complaints are given as many leavers as the real ones; how well they explain them tells the two apart."""
    for name, seed, caused in (("none", 0, False), ("none", 1, False), ("young", 1, True), ("small", 0, True)):
        counts, _ = company(name, seed)
        placebo = run_placebo(begin_placebo(fitted(name, seed)), counts, rng=np.random.default_rng(1), draws=60)
        likely = explained_beyond_chance(placebo.explained)
        assert likely > 0.9 if caused else likely < 0.7, (name, seed, placebo.explained.sum(axis=(1, 2)))


def test_what_is_explained_beyond_chance_is_a_bayes_factor_from_even_odds() -> None:
    def judged(*gains: float) -> float:
        half = np.array(gains)[:, None, None] / 2
        return explained_beyond_chance(np.concatenate([half + 1, half - 1], axis=2))  # two months

    assert judged(np.log(3), -2.0, -1.0) == pytest.approx(0.75)  # what moved complaints lose adds nothing
    assert judged(np.log(3) + 1, 0.0, 2.0) == pytest.approx(0.75)
    assert judged(-1e6, 0.0, 0.0) == pytest.approx(0, abs=1e-12) and judged(1e6, 0.0, 0.0) == 1


def test_a_placebo_never_draws_from_the_fits_that_the_real_answer_is_averaged_over() -> None:
    """They were fitted to the real complaints: their draws are the estimate, which then always lay inside its own placebo."""
    counts, _ = company("young", 1)
    alone = fitted("young", 1)
    averaged = average_variances(alone)
    assert averaged.alternatives
    estimate = draw_silent_churn(averaged, counts, rng=np.random.default_rng(0), draws=300).silent_churn.sum(axis=(1, 2, 3))
    starts = [begin_placebo(fit) for fit in (averaged, alone)]
    placebo, same = (run_placebo(start, counts, rng=np.random.default_rng(1), draws=200, replicates=2).silent_churn for start in starts)
    assert np.array_equal(placebo, same)
    found = placebo.sum(axis=(1, 2, 3), dtype=np.float64)
    assert np.median(found) < 0.5 * np.median(estimate)
    assert above_noise(estimate.astype(float), found) > 0.9


def test_the_pipeline_grows_with_the_days_and_is_whole_customers() -> None:
    counts, _ = company("small", 0)
    fit = fitted("small", 0)
    drawn = draw_silent_churn(fit, counts, rng=np.random.default_rng(0), draws=200)
    ahead = draw_pipeline(fit, counts, drawn, rng=np.random.default_rng(1))
    assert ahead.shape == (200, len(counts.categories), 3)
    assert (np.diff(ahead, axis=2) >= 0).all()
    assert (ahead == np.round(ahead)).all()


@pytest.mark.parametrize("vocal", [{"billing": 30}, {"billing": 1, "delivery": 29}, {f"c{number}": 3 for number in range(10)}])
@pytest.mark.parametrize("leavers", [0, 1, 40])
def test_a_tiny_file_widens_to_the_prior_and_stays_finite(vocal: dict[str, int], leavers: int) -> None:
    counts = linked_counts(vocal, segments=("all",), silent_leavers=leavers, person_days=60_000)
    fit = fit_excess_hazard(counts, Assumptions())
    drawn = draw_silent_churn(fit, counts, rng=np.random.default_rng(0), draws=200)
    assert np.isfinite(drawn.log_ratio).all()
    assert drawn.silent_churn.sum(axis=(1, 2, 3)).max() <= leavers
    assert drawn.log_ratio.std(axis=0).min() > 0.5


def test_one_month_alone_is_fitted_without_a_calendar() -> None:
    """A flat sheet has no months; the delay plays no part then."""
    counts, _ = company("small", 0)
    flat = _collapse_months(counts)
    fit = fit_excess_hazard(flat, Assumptions())
    drawn = draw_silent_churn(fit, flat, rng=np.random.default_rng(0), draws=100)
    assert fit.design.lags == 0
    assert np.isfinite(drawn.ratio).all()


def _collapse_months(counts: CohortCounts) -> CohortCounts:
    window = replace(counts.window, since=counts.window.as_of.replace(day=1))
    cells = ("silent_person_days", "silent_exits", "silent_exit_revenue", "silent_exit_revenue_known", "vocal_person_days", "vocal_exits")
    flat = {name: getattr(counts, name).sum(axis=1, keepdims=True) for name in (*cells, "complainants_any")}
    clock = replace(counts.clock, month=np.zeros_like(counts.clock.month))
    complaints = counts.complaints.sum(axis=1, keepdims=True)
    complainants = counts.complainants.sum(axis=2, keepdims=True)
    return CohortCounts.zeros(
        window, segments=counts.segments, categories=counts.categories, band_edges_months=counts.band_edges_months,
        complainants=complainants, complaints=complaints, clock=clock, has_customers=True, **flat,
    )  # fmt: skip


def test_the_delay_is_learned_from_complainers_and_its_months_add_up() -> None:
    kernel = fit_delay_kernel(company("slow", 0)[0])
    assert np.exp(kernel.location[:, 0]).mean() == pytest.approx(120, rel=0.5)
    weights = lag_weights(kernel.location[0], 36)
    assert weights.sum() == pytest.approx(1.0, abs=1e-3)
    assert (weights >= 0).all()
    assert share_within(kernel.location[0], np.array([0.0, 1e5])) == pytest.approx([0.0, 1.0])


def test_the_prior_of_the_ratios_has_the_gradient_it_says_and_room_near_zero() -> None:
    prior = RatioPrior(np.array([1.0, 0.5, 2.0]), 1.5)
    at = np.array([[0.3, -1.0, 2.5], [-6.0, -5.0, -4.0]])
    level = np.array([0.5, -4.0])
    value, slope, level_slope = prior.log_density(at, level)
    for place in range(3):
        moved = at + 1e-6 * np.eye(3)[place]
        assert slope[:, place] == pytest.approx((prior.log_density(moved, level)[0] - value) / 1e-6, abs=1e-4)
    assert level_slope == pytest.approx((prior.log_density(at, level + 1e-6)[0] - value) / 1e-6, abs=1e-4)
    drawn = prior.draw(np.random.default_rng(0), 4000)
    assert 0.03 < (np.exp(drawn).max(axis=1) < 0.05).mean() < 0.2


def test_a_level_and_spread_summed_out_by_hand_give_the_density_of_the_draws() -> None:
    """The share of categories far below the others is that of the harmless ones, for any level; a category alone has the density of the mixture."""
    prior = RatioPrior(np.array([1.0, 0.5, 2.0]), 1.5, near_zero=0.0)
    level, at = np.array([0.7]), np.array([[1.7, -1.5, 2.6]])
    weights, spreads = np.exp(prior.spreads[0]), prior.spreads[1]
    own = at[0] - prior.mean - level

    def normal(away: np.ndarray, sd: float | np.ndarray) -> np.ndarray:
        return np.exp(-0.5 * (away / sd) ** 2) / sd

    by_hand = (weights * np.prod(0.85 * normal(own[:, None], spreads) + 0.15 * normal(own + 2.5, 1.5)[:, None], axis=0)).sum() * normal(level, 1.5)[0]
    usual = replace(prior, harmless=0.0)
    assert prior.log_density(at, level)[0] == pytest.approx(np.log(by_hand))
    assert prior.log_density(at, level)[0] > usual.log_density(at, level)[0], "one harmless category is likelier than a wide spread"
    drawn, without = (one.draw(np.random.default_rng(0), 20_000) - one.mean for one in (prior, usual))
    assert np.median(drawn, axis=0) == pytest.approx(-0.25, abs=0.15)
    far = ((drawn[:, 0] < drawn[:, 1:].min(axis=1) - 3).mean(), (without[:, 0] < without[:, 1:].min(axis=1) - 3).mean())
    assert far[0] > 0.03 > 2 * far[1]


def test_the_density_of_a_thousand_ratios_is_finite_and_that_of_few_the_same_in_both_ways(monkeypatch: pytest.MonkeyPatch) -> None:
    """A product of as many factors as there are categories would overflow."""
    rng = np.random.default_rng(4)
    many = RatioPrior(np.zeros(3_000), 0.8)
    assert np.isfinite(many.log_density(rng.normal(0, 0.1, (2, 3_000)), np.zeros(2))[0]).all()
    few, at, level = RatioPrior(np.array([0.0, 1.0, 3.0]), 0.8), rng.normal(0, 3, (5, 3)), rng.normal(0, 3, 5)
    usual = few.log_density(at, level)
    monkeypatch.setattr(posterior, "MOST_FACTORS", 1)
    for one, other in zip(few.log_density(at, level), usual, strict=True):
        assert one == pytest.approx(other, rel=1e-12)


def test_draws_of_the_ratios_follow_a_prior_with_harmless_categories() -> None:
    """Where departures say nothing, the Hamiltonian chains end at the prior: the same quantiles as independent draws of it."""
    prior = RatioPrior(np.array([1.0, 0.5]), 1.5)
    silent = RatioLikelihood(prior.mean, np.zeros(2), np.zeros((2, 2)), np.zeros(2))
    chains = draw_log_ratios(silent, prior, np.linalg.inv(prior.gaussian[1]), rng=np.random.default_rng(2), draws=12_000)
    independent = prior.draw(np.random.default_rng(3), 12_000)
    for share in (0.1, 0.25, 0.5, 0.75, 0.95):
        assert np.quantile(chains.log_ratio, share, axis=0) == pytest.approx(np.quantile(independent, share, axis=0), abs=0.25)
    assert np.corrcoef(chains.log_ratio.T)[0, 1] == pytest.approx(np.corrcoef(independent.T)[0, 1], abs=0.08)


def test_the_variance_of_the_natural_tenure_effect_is_averaged_where_it_matters() -> None:
    """Weights sum to one, the fit at hand is among them, and the interval of the total widens."""
    fit = fitted("young", 1)
    averaged = average_variances(fit)
    counts, _ = company("young", 1)
    weights = [weight for weight, _ in averaged.alternatives]
    variances = [one.variances.natural_band for _, one in averaged.alternatives]
    assert sum(weights) == pytest.approx(1.0, abs=0.1) and len(set(variances)) == len(variances) > 2
    assert fit.variances.natural_band in variances
    alone = draw_silent_churn(fit, counts, rng=np.random.default_rng(0), draws=2000).silent_churn.sum(axis=(1, 2, 3))
    wider = draw_silent_churn(averaged, counts, rng=np.random.default_rng(0), draws=2000)
    together = wider.silent_churn.sum(axis=(1, 2, 3))
    assert len(wider.ratio) == 2000
    assert np.ptp(np.quantile(together, [0.05, 0.95])) > np.ptp(np.quantile(alone, [0.05, 0.95]))


@pytest.mark.parametrize("size", range(1, 7))
def test_a_moved_pattern_leaves_nothing_in_its_place(size: int) -> None:
    rng = np.random.default_rng(size)
    for _ in range(50):
        places = derangement(size, rng)
        assert sorted(places) == list(range(size))
        assert size == 1 or (places != np.arange(size)).all()


def test_many_times_the_silent_churn_that_was_assumed_is_found() -> None:
    """Companies drawn from the prior whose ratios are 10 to 40: the search once stopped at a thirtieth of them and called itself settled."""
    for seed in (31, 141):
        for row in rank_company(seed):
            assert row["converged"] and 0.0005 < row["rank_ratio"] < 0.9995, row
