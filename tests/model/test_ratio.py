"""The cap as a condition: draws of the ratio given that the departures could hold what it asks for."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from iceberg.model.assumptions import Assumptions, SilentRatioPrior
from iceberg.model.ratio.cells import month_profile, spread_over_months
from iceberg.model.ratio.draws import condition_on_departures, draw_ratio_prior
from iceberg.model.ratio.posterior import RatioLikelihood, RatioPrior, draw_log_ratios

CATEGORIES = ("a", "b")
VOCAL = np.array([[40.0, 20.0], [10.0, 60.0]])


def drawn(leavers: list[float] | None, *, ratio: float = 5.0, draws: int = 20_000, seed: int = 0):
    assumptions = Assumptions(ratio=SilentRatioPrior.around(ratio), literal_leavers=True, draws=draws)
    rng = np.random.default_rng(seed)
    prior = draw_ratio_prior(CATEGORIES, assumptions=assumptions, rng=rng)
    held = None if leavers is None else np.array(leavers)
    return prior, condition_on_departures(prior, vocal=VOCAL, leavers=held, rng=rng)


def test_prior_has_the_median_and_range_that_were_asked_for() -> None:
    """1:25 from 5 to 125 for every category on its own, whatever is shared between them."""
    prior, _ = drawn(None, ratio=25)
    ratio = np.exp(prior.log_ratio())
    assert np.quantile(ratio, [0.05, 0.5, 0.95], axis=0) == pytest.approx(
        np.array([[5] * 2, [25] * 2, [125] * 2]), rel=0.05
    )
    assert np.corrcoef(np.log(ratio).T)[0, 1] == pytest.approx(0.7, abs=0.03)


def test_a_cap_that_does_not_bind_leaves_the_prior_alone() -> None:
    prior, draws = drawn([1e9, 1e9])
    assert draws.feasible_probability == pytest.approx(1)
    free = np.exp(prior.log_ratio())
    assert np.quantile(draws.ratio, [0.1, 0.5, 0.9], axis=0) == pytest.approx(
        np.quantile(free, [0.1, 0.5, 0.9], axis=0), rel=0.05
    )


def test_capped_draws_are_those_that_rejection_would_keep() -> None:
    """Brute force: draw the ratio, the problems behind the complaints and Poisson leavers; keep what fits the
    departures.
    """
    leavers = np.array([150, 200])
    _, capped = drawn([150.0, 200.0], draws=20_000)
    rng = np.random.default_rng(99)
    assumptions = Assumptions(ratio=SilentRatioPrior.around(5), literal_leavers=True, draws=400_000)
    ratio = np.exp(draw_ratio_prior(CATEGORIES, assumptions=assumptions, rng=rng).log_ratio())
    problems = rng.standard_gamma(VOCAL, (len(ratio), 2, 2))
    asked = np.einsum("kc,kcs->ks", ratio, problems)
    kept = (rng.poisson(np.minimum(asked, 1e6)) <= leavers).all(axis=1)
    assert capped.feasible_probability == pytest.approx(kept.mean(), rel=0.02)
    for category in range(2):
        reference = (ratio[:, category, None] * problems[:, category]).sum(axis=1)[kept]
        mine = capped.silent_churn[:, category].sum(axis=1)
        probabilities = [0.05, 0.25, 0.5, 0.75, 0.95]
        assert np.quantile(mine, probabilities) == pytest.approx(np.quantile(reference, probabilities), rel=0.04)


@pytest.mark.parametrize("ratio", [100.0, 10_000.0, 1e8])
def test_an_absurd_ratio_still_gives_a_spread_of_draws_inside_the_departures(ratio: float) -> None:
    """Rejection would keep one draw in a million; here none is refused, and the answer is no single point."""
    _, draws = drawn([30.0, 40.0], ratio=ratio, draws=2000)
    total = draws.silent_churn.sum(axis=1)
    assert (total <= np.array([30.0, 40.0]) + 1e-9).all()
    assert np.isfinite(draws.ratio).all()
    assert len(np.unique(total.sum(axis=1).round(6))) > 500
    assert stats.variation(total.sum(axis=1)) > 0.01


def test_a_segment_without_silent_leavers_holds_no_silent_churn() -> None:
    _, draws = drawn([0.0, 200.0], draws=500)
    assert draws.silent_churn[:, :, 0].max() == 0
    assert draws.silent_churn[:, :, 1].min() > 0


def test_moving_the_ratio_a_little_moves_the_answer_a_little() -> None:
    """The same random numbers at every position of a slider: no jumps from noise."""
    medians = [
        np.median(drawn([150.0, 200.0], ratio=ratio, draws=2000)[1].silent_churn.sum(axis=(1, 2)))
        for ratio in (5.0, 5.05, 5.1)
    ]
    assert medians[1] == pytest.approx(medians[0], rel=0.01)
    assert medians[2] == pytest.approx(medians[1], rel=0.01)


def test_month_profile_moves_problems_forward_by_the_delay() -> None:
    """Ten complainers in month 0, delay half at once and half a month later."""
    vocal = np.zeros((1, 1, 4))
    vocal[0, 0, 0] = 10
    assert month_profile(vocal, np.array([0.5, 0.5]))[0, 0].tolist() == [0.5, 0.5, 0, 0]
    assert month_profile(np.zeros((1, 1, 4)), np.array([1.0]))[0, 0].tolist() == [0.25] * 4


def test_what_does_not_fit_into_a_full_month_goes_where_there_is_room() -> None:
    """Six leavers wanted in month 0 which lost four: the other two go to months 1 and 2, by their room of 3 and 1."""
    silent, natural = spread_over_months(
        np.array([[[6.0]]]), profile=np.array([[[1.0, 0, 0]]]), leavers=np.array([[4.0, 3.0, 1.0]])
    )
    assert silent[0, 0, 0] == pytest.approx([4, 1.5, 0.5], abs=1e-3)
    assert (silent.sum(axis=1) + natural)[0, 0].tolist() == [4, 3, 1]


def test_cells_are_exact_from_one_leaver_to_a_hundred_million() -> None:
    rng = np.random.default_rng(3)
    leavers = rng.choice([0, 1, 7, 1000, 10**8], (3, 24)).astype(float)
    churn = rng.dirichlet([1, 1, 1, 0.1], (200, 3)).transpose(0, 2, 1)[:, :3] * leavers.sum(axis=1)
    profile = rng.dirichlet(np.ones(24), (3, 3))
    silent, natural = spread_over_months(churn, profile=profile, leavers=leavers)
    assert np.array_equal(silent.sum(axis=1) + natural, np.broadcast_to(leavers.astype(np.float32), natural.shape))
    assert natural.min() >= 0
    assert silent.sum(axis=3, dtype=float) == pytest.approx(
        churn, rel=1e-3, abs=24 * 32
    )  # a float32 step of the largest cell, in 24 months


def test_chains_find_every_mode_of_the_prior() -> None:
    """Where departures say nothing, the chains draw from the prior, which can also be drawn from directly: harmless categories and next to no silent
    churn at all included, which are far from where the chains start.
    """
    prior = RatioPrior(mean=np.array([0.0, 1.0, -0.5, 0.3]), shared_sd=1.2)
    nothing = np.zeros(4)
    says_nothing = RatioLikelihood(prior.mean, nothing, np.zeros((4, 4)), nothing)
    found = draw_log_ratios(says_nothing, prior, np.linalg.inv(prior.gaussian[1]), rng=np.random.default_rng(1), draws=8_000).log_ratio
    direct = prior.draw(np.random.default_rng(0), 20_000)
    for category in range(4):
        assert stats.ks_2samp(found[:, category], direct[:, category]).statistic < 0.03
    assert np.quantile(found, 0.05, axis=0) == pytest.approx(np.quantile(direct, 0.05, axis=0), abs=0.3)


def test_chains_find_a_harmless_category_that_departures_leave_open() -> None:
    """Departures that say little of a ratio below a tenth of its mode: the share of draws down there is the one on a grid of the density."""
    prior = RatioPrior(mean=np.array([0.0]), shared_sd=1.0)
    likelihood = RatioLikelihood(np.array([0.0]), np.zeros(1), np.array([[2.0]]), np.zeros(1))
    drawn = draw_log_ratios(likelihood, prior, np.array([[0.3]]), rng=np.random.default_rng(2), draws=8_000)
    at, level = (axis.ravel() for axis in np.meshgrid(np.linspace(-12, 4, 321), np.linspace(-9, 5, 281), indexing="ij"))
    log_density = likelihood.log_density(at[:, None])[0] + prior.log_density(at[:, None], level)[0]
    density = np.exp(log_density - log_density.max())
    exact = density[at < np.log(0.1)].sum() / density.sum()
    assert 0.05 < exact < 0.5
    assert (drawn.log_ratio[:, 0] < np.log(0.1)).mean() == pytest.approx(exact, abs=0.02)
