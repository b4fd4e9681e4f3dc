"""Posterior predictive checks: what the fit reproduces, what it cannot, and what becomes of small places."""

from dataclasses import replace

import numpy as np
import pytest

from benchmarks.calibration.direct_counts import count_directly
from iceberg.cohort.counts import CohortCounts
from iceberg.model.assumptions import Assumptions
from iceberg.model.departures.fit.model import ExcessHazardFit, fit_excess_hazard
from iceberg.model.departures.predictive import LEAST_OBSERVED, REST, check_fit
from iceberg.model.diagnose import diagnose
from iceberg.model.results import PredictiveCheck
from iceberg.report.tables.checks import checks_table
from iceberg.simulation.company import simulate_world
from tests.report.examples import example_counts, example_estimate

DEPARTURES_BY_ENTRY = ("departures", "entry")


@pytest.fixture(scope="module")
def fitted() -> tuple[ExcessHazardFit, CohortCounts]:
    counts = count_directly(simulate_world("small", 0))
    return fit_excess_hazard(counts, Assumptions()), counts


def by_axis(checks: tuple[PredictiveCheck, ...]) -> dict[tuple[str, str], PredictiveCheck]:
    return {(one.what, one.axis): one for one in checks}


def test_a_fair_company_is_reproduced_along_every_axis(fitted) -> None:
    fit, counts = fitted
    checks = by_axis(check_fit(fit, counts, rng=np.random.default_rng(1)))
    assert set(checks) == {(what, axis) for what in ("departures", "complaints") for axis in ("month", "tenure", "entry", "segment")}
    assert not [key for key, one in checks.items() if one.is_misfit]
    months = checks["departures", "month"]
    assert sum(one.observed for one in months.points) == pytest.approx(counts.silent_leavers)
    inside = np.mean([one.predicted.lower <= one.observed <= one.predicted.upper for one in months.points])
    assert inside > 0.8


def test_departures_of_one_quarter_of_entry_that_no_effect_explains_are_found(fitted) -> None:
    """Customers who came in one quarter leave four times as often: neither months nor tenure bands can say so."""
    fit, counts = fitted
    exits = fit.design.exits.copy()
    for month in range(6, 18):  # those of months 3 to 5, followed over a year; the youngest bands are a month wide
        for band, edge in enumerate(counts.band_edges_months[:-1]):
            if month - counts.band_edges_months[band + 1] < 5 and month - edge >= 3:
                exits[:, month, band] *= 4
    struck = replace(fit, design=replace(fit.design, exits=exits))
    found = by_axis(check_fit(struck, counts, rng=np.random.default_rng(1)))[DEPARTURES_BY_ENTRY]
    assert found.is_misfit
    worst = max(found.points, key=lambda one: one.observed - one.predicted.upper)
    assert worst.observed > worst.predicted.upper


def test_the_same_stream_gives_the_same_checks(fitted) -> None:
    fit, counts = fitted
    first, second = (check_fit(fit, counts, rng=np.random.default_rng(4)) for _ in range(2))
    assert first == second


def test_small_places_are_added_up_until_they_are_large_enough(fitted) -> None:
    """No count of one to four stands alone, and none follows from the rest."""
    fit, counts = fitted
    exits = np.zeros_like(fit.design.exits)
    exits[0, 0, 0], exits[0, 1, 0], exits[0, 2, 0], exits[0, 3, 0] = 30, 3, 1, 20
    checks = by_axis(check_fit(replace(fit, design=replace(fit.design, exits=exits)), counts, rng=np.random.default_rng(1)))
    points = {one.label: one.observed for one in checks["departures", "month"].points}
    assert points == {counts.months[0].isoformat(): 30, REST: 24}  # 3 and 1 are too few, so the next smallest joins them
    assert min(points.values()) >= LEAST_OBSERVED


def test_a_misfit_is_a_caution_and_takes_the_badge_of_the_data_away() -> None:
    estimate, counts = example_estimate(), example_counts()
    missed = PredictiveCheck("departures", "entry", (), discrepancy=11.9, p_value=0.0)
    fits = PredictiveCheck("departures", "month", (), discrepancy=1.1, p_value=0.4)
    bare = replace(estimate, diagnostics=(), checks=(fits,), categories=tuple(replace(one, prior_share=0.1) for one in estimate.categories))
    assert diagnose(bare, counts).evidence.kind == "data_led"
    told = diagnose(replace(bare, checks=(missed, fits)), counts)
    [remark] = [one for one in told.diagnostics if one.code == "not_reproduced"]
    assert remark.values == {"count": 1, "all": 2, "times": 11.9}
    assert told.evidence.kind == "mixed"
    assert told.evidence.reasons[-1] == ("checks_object", {"count": 1})


def test_chance_and_size_are_both_needed_for_a_misfit() -> None:
    """Large companies show every small deviation, small ones none: neither alone is a misfit."""
    for discrepancy, p_value, misfit in ((3.5, 0.0, True), (3.5, 0.1, False), (2.0, 0.0, False)):
        assert PredictiveCheck("departures", "month", (), discrepancy, p_value).is_misfit is misfit


def test_a_deviation_of_one_is_the_end_of_the_range(fitted) -> None:
    fit, counts = fitted
    checks = check_fit(fit, counts, rng=np.random.default_rng(1))
    frame = checks_table(replace(example_estimate(), checks=checks))
    outside = (frame["observed_customers"] < frame["predicted_lower"]) | (frame["observed_customers"] > frame["predicted_upper"])
    assert (frame.loc[outside, "deviation"].abs() > 0.6).all()
    assert (frame.loc[~outside, "deviation"].abs() < 1.6).all()
