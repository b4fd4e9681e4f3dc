"""Remarks and probabilities that mean something: when they stand, which of them object to the badge, and what an unseen error does to them."""

from dataclasses import replace

import numpy as np
import pytest

from iceberg.model.assumptions import Assumptions, SilentRatioPrior
from iceberg.model.decision.chance_test import chance_test
from iceberg.model.departures.chance import above_noise, tempered_above_noise
from iceberg.model.diagnose import diagnose
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.results import Diagnostic, EvidenceLevel, PlaceboInterval
from iceberg.model.summary import order_error_sd, probability_largest
from tests.report.examples import example_counts, example_estimate

from .build import linked_counts


def codes(assumptions: Assumptions, *, complainants: int, silent_leavers: int) -> set[str]:
    counts = linked_counts({"billing": complainants}, silent_leavers=silent_leavers)
    return {one.code for one in estimate_iceberg(counts, assumptions=assumptions).diagnostics}


def test_the_folk_ratio_is_called_impossible_only_where_its_whole_range_is() -> None:
    """400 complainants, an assumed risk of 0.27: 5 sufferers each need 544 leavers, 25.1 need 2,731."""
    usual, stated = Assumptions(draws=200), Assumptions(ratio=SilentRatioPrior.around(25.1), draws=200)
    assert "ratio_impossible" not in codes(usual, complainants=400, silent_leavers=1500)
    assert "ratio_impossible" in codes(stated, complainants=400, silent_leavers=1500)
    assert "ratio_impossible" in codes(usual, complainants=400, silent_leavers=300)
    own = Assumptions(use_category_priors=True, draws=200)
    assert "ratio_impossible" not in codes(own, complainants=400, silent_leavers=300)  # no ratio is stated at all


@pytest.mark.parametrize(
    ("remark", "objects"),
    [
        (Diagnostic("a_new_warning", "warning"), True),
        (Diagnostic("a_new_warning_of_a_category", "warning", {}, "billing"), True),
        (Diagnostic("a_new_caution", "caution"), True),
        (Diagnostic("few_complaints", "caution", {}, "billing"), False),
        (Diagnostic("context", "info"), False),
        (Diagnostic("about_money", "caution", objects=False), False),
        (Diagnostic("prior_conflict", "info", {}, "billing", objects=True), True),
    ],
)
def test_any_remark_that_objects_takes_the_badge_of_the_data_away(remark: Diagnostic, objects: bool) -> None:
    """No list of codes: a new warning takes part by being one."""
    assert remark.is_objection is objects
    estimate = example_estimate()
    pinned = replace(estimate, diagnostics=(remark,), categories=tuple(replace(one, prior_share=0.1) for one in estimate.categories))
    assert diagnose(pinned, example_counts()).evidence.kind == ("mixed" if objects else "data_led")


def test_an_error_that_no_draw_shows_tempers_who_is_the_largest() -> None:
    """100 against 90, known exactly: certain without error; with an error of 0.3 each, the normal probability of log(100/90) / 0.42, 0.6."""
    exact = np.tile([100.0, 90.0], (20_000, 1))
    assert probability_largest(exact) == pytest.approx([1, 0])
    assert probability_largest(exact, error_sd=0.3) == pytest.approx([0.598, 0.402], abs=0.015)
    far = np.tile([100.0, 5.0], (2000, 1))
    assert probability_largest(far, error_sd=0.3)[0] > 0.995


def test_the_tempered_probability_does_not_depend_on_the_order_of_the_categories() -> None:
    draws = np.random.default_rng(5).gamma([2.0, 3.0, 4.0, 0.0001], 10.0, (500, 4))
    order = np.array([2, 0, 3, 1])
    assert np.array_equal(probability_largest(draws, error_sd=0.3)[order], probability_largest(draws[:, order], error_sd=0.3))


def test_a_category_without_silent_churn_is_never_the_largest() -> None:
    draws = np.column_stack([np.zeros(300), np.full(300, 2.0)])
    assert probability_largest(draws, error_sd=0.9)[0] == 0


def test_an_assumed_ratio_orders_less_than_one_that_departures_correct() -> None:
    usual = Assumptions()
    corrected, assumed = (order_error_sd(EvidenceLevel(level), usual) for level in ("3", "2"))
    assert assumed > 2 * corrected
    assert order_error_sd(EvidenceLevel("2"), replace(usual, use_category_priors=True)) == corrected  # the families differ already


def test_an_estimate_twice_its_noise_is_above_it_less_surely_than_the_draws_say() -> None:
    """Exactly twice as large: certain for the draws; log 2 is 1.73 errors of 0.4, so 0.96."""
    draws, noise = np.full(50, 200.0), np.full(60, 100.0)
    assert above_noise(draws, noise) == 1.0
    assert tempered_above_noise(draws, noise) == pytest.approx(0.957, abs=0.015)
    assert tempered_above_noise(draws, draws) == pytest.approx(0.5)


def test_an_estimate_is_noise_where_chance_finds_as_much_and_in_doubt_where_it_finds_less() -> None:
    """The same overlap of the ranges: at 0.5 nothing is known, at 0.8 a category, or the total, is probably there. One rule for both."""
    estimate = example_estimate()
    one, total = estimate.categories[0], estimate.total
    for exceeded, tested in ((0.5, "inside"), (0.69, "inside"), (0.71, "low_end"), (0.8, "low_end")):
        for part in (one, total):
            high = part.silent_churn.upper
            moved = replace(part, placebo=PlaceboInterval(0.0, high / 4, high, exceeded=exceeded))
            asked = (estimate, moved) if part is one else (replace(estimate, total=moved),)
            assert chance_test(*asked) == tested
