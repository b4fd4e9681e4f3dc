"""Complainers against their matched expectation: nothing where nothing is, the truth where it is known, humble where
few are.
"""

from __future__ import annotations

import numpy as np
import pytest

from iceberg.cohort.day_counts import ANY_CATEGORY
from iceberg.model.survival.net_survival import (
    delay_by_month,
    matched_hazard,
    net_survival,
    pooled_excess,
    silent_hazard,
    tenure_profile,
)
from tests.model.build import linked_counts
from tests.model.companies import world
from tests.model.excess_risk import excess_risk


def test_excess_risk_of_a_known_company_is_what_the_hand_says() -> None:
    """3 in 10 complainers leave in week three, the others are followed 150 days; silent customers leave at 1000 per
    10,000 years.
    """
    counts = linked_counts({"billing": 7200})
    risk = excess_risk(counts, category=0, horizon_days=90, rng=np.random.default_rng(1))
    expected = np.exp(-1000 / 3_650_000 * 90)
    assert risk.complainants == 7200
    assert risk.departures == 2160
    assert risk.estimate.median == pytest.approx(expected - 0.7, abs=0.02)
    assert risk.estimate.lower < risk.estimate.median < risk.estimate.upper


def test_hazard_of_thin_cells_is_shrunk_and_of_thick_cells_is_not() -> None:
    """An empty cell keeps a positive hazard near its margins; the overall rate is kept."""
    counts = linked_counts({"billing": 10}, silent_leavers=300)
    hazard = silent_hazard(counts)
    assert (hazard > 0).all()
    assert (hazard * counts.silent_person_days).sum() == pytest.approx(300, rel=0.02)


@pytest.mark.parametrize("seed", [1, 2])
def test_excess_probability_of_complainers_is_recovered(tables_from_frames, seed: int) -> None:
    """Complainers leave for their complaint with known probabilities; those who would have left anyway do not count as
    excess.
    """
    company, counts = world(tables_from_frames, "loud", seed)
    truths = {one.name: one.vocal_leave_probability for one in company.history.truth.categories}
    matched = matched_hazard(counts)
    found, true, weights = [], [], []
    for index, category in enumerate(counts.categories):
        risk = excess_risk(counts, category=index, horizon_days=180, rng=np.random.default_rng(seed), matched=matched)
        curve = net_survival(counts, category=index, rng=np.random.default_rng(seed))
        stay = float(np.interp(180, curve.expected.days, curve.expected.estimate))
        found.append(risk.estimate)
        true.append(truths[category] * stay)
        weights.append(risk.complainants)
    medians = [one.median for one in found]
    assert np.average(medians, weights=weights) == pytest.approx(np.average(true, weights=weights), rel=0.2)
    assert np.corrcoef(medians, true)[0, 1] > 0.7
    near = [one.lower - 0.02 <= truth <= one.upper + 0.02 for one, truth in zip(found, true, strict=True)]
    assert np.mean(near) >= 0.6


def test_net_survival_of_any_complaint_is_below_one_and_its_band_holds_it(tables_from_frames) -> None:
    _, counts = world(tables_from_frames, "loud", 1)
    curve = net_survival(counts, category=ANY_CATEGORY, rng=np.random.default_rng(0))
    assert curve.complainants == counts.vocal_customers_total
    assert curve.departures == counts.vocal_exits.sum()
    assert (np.diff(curve.observed.estimate) <= 0).all()
    assert ((curve.net.lower <= curve.net.estimate) & (curve.net.estimate <= curve.net.upper)).all()
    assert curve.net.estimate[-2] < 1
    assert curve.observed.at_risk[0] == curve.complainants
    assert (np.diff(curve.observed.at_risk) <= 0).all()


def test_categories_with_few_complainers_shrink_to_the_pool_and_then_to_the_prior() -> None:
    """Ten thousand complainers speak for themselves; three borrow from them; nobody at all leaves the evidence
    prior.
    """
    big, small = pooled_excess(linked_counts({"billing": 10_000, "staff": 3}), horizon_days=90)
    assert big.location == pytest.approx(0.28, abs=0.02)
    assert abs(small.location - big.location) < 0.1
    assert small.sd > big.sd
    (nobody,) = pooled_excess(linked_counts({"billing": 0}), horizon_days=90)
    assert nobody.location == pytest.approx((0.03 + 4 * 0.25 + 0.60) / 6)
    uniform = np.linspace(0.001, 0.999, 99)
    for posterior in (big, small, nobody):
        quantiles = posterior.quantile(uniform)
        assert ((quantiles > 0) & (quantiles < 1)).all()
        assert (np.diff(quantiles) >= 0).all()


def test_delay_is_a_distribution_over_the_months_of_the_horizon() -> None:
    """All of many complainers leave in week three: most of the mass falls into the first two months."""
    quick = delay_by_month(linked_counts({"billing": 7200}), horizon_days=180)
    assert quick.sum() == pytest.approx(1)
    assert quick[:2].sum() > 0.95
    nobody = delay_by_month(linked_counts({"billing": 0}), horizon_days=180)
    assert nobody.sum() == pytest.approx(1)
    assert 0.3 < nobody[:2].sum() < 0.8


def test_tenure_profile_counts_complainants_and_days_by_band() -> None:
    counts = linked_counts({"billing": 60, "staff": 30})
    profile = tenure_profile(counts, category=1)
    assert profile.complainants.sum() == 30
    assert profile.person_days.tolist() == counts.silent_person_days.sum(axis=(0, 1)).tolist()
    assert tenure_profile(counts, category=ANY_CATEGORY).complainants.sum() == counts.complainants_any.sum()
