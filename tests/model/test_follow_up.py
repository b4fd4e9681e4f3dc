"""Did a fix work: difference in differences by hand, what cancels, placebo starts, what is learned about the efficacy, and what is refused."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import beta

from iceberg.cohort.counts import CohortCounts
from iceberg.errors import OptionError
from iceberg.model.assumptions import Efficacy
from iceberg.model.decision.agreed_test import AgreedTest
from iceberg.model.decision.follow_up import FollowUp, Intervention, follow_up, learned_efficacy
from iceberg.model.results import Draws, IcebergEstimate
from tests.report.examples import example_counts, example_estimate

START = date(2025, 7, 1)  # twelve months before it, twelve from it on
AT_RISK = 30_437.5 * 11  # days of 11,000 customer-months, over eleven tenure bands


def study(
    north: tuple[float, float], others: tuple[float, float], *, shape: np.ndarray | None = None, left: tuple[float, float] | None = None
) -> tuple[IcebergEstimate, CohortCounts]:
    """A company in which so many complain of category 0 each month in each segment, before and from START on, and as many leave in silence.

    `left` are the silent leavers of the first segment, where they do not follow.
    """
    counts = example_counts(2)
    days = np.full(counts.silent_person_days.shape, round(AT_RISK / 11), dtype=np.int64)
    none = np.zeros_like(days)
    exits = none.copy()
    estimate = example_estimate(2, draws=2000)
    assert estimate.cells is not None
    churn, vocal = np.array(estimate.draws.silent_churn), np.array(estimate.cells.vocal)
    for segment in range(3):
        before, after = north if segment == 0 else others
        months = np.where(np.arange(24) < 12, before, after) if shape is None else shape[segment]
        churn[:, 0, segment] = vocal[0, segment] = months
        gone = months if left is None or segment else np.where(np.arange(24) < 12, *left)
        exits[segment] = np.rint(gone / 11)[:, None]
    counts = replace(
        counts, silent_person_days=days, silent_exits=exits, silent_exit_revenue=none * 1.0, silent_exit_revenue_known=none,
        vocal_person_days=none, vocal_exits=none, has_revenue=False,
    )  # fmt: skip
    draws = Draws(churn, estimate.draws.natural, None, estimate.draws.ratio)
    return replace(estimate, draws=draws, cells=replace(estimate.cells, vocal=vocal)), counts


def follow(north: tuple[float, float], others: tuple[float, float], **changes: object) -> FollowUp:
    estimate, counts = study(north, others)
    given: dict[str, object] = {"segments": (counts.segments[0],)} | changes
    return follow_up(estimate, counts, Intervention(estimate.categories[0].category, START, **given))  # type: ignore[arg-type]  # of a test


def test_a_halved_rate_is_a_fall_of_one_half_and_keeps_what_it_spares() -> None:
    """4,000 a month become 2,000 while the others stay: 10 months of 2,000 kept (the first two settle), 11,000 customers at risk each month."""
    found = follow((4000, 2000), (3000, 3000))
    assert found.months_before == (date(2024, 7, 1), date(2025, 6, 1)) and found.months_after == (date(2025, 7, 1), date(2026, 6, 1))
    assert found.log_effect == pytest.approx(np.log(0.5), abs=0.02)
    assert found.fall.median == pytest.approx(0.5, abs=0.02)
    assert found.before.median == pytest.approx(4000 / 11, rel=0.01) and found.after.median == pytest.approx(2000 / 11, rel=0.01)
    assert found.kept.median == pytest.approx(10 * 2000, rel=0.03)
    assert found.probability_fell > 0.99 and found.outcome == "worked"
    assert found.placebo_p == pytest.approx(1 / (found.starts + 1)) and found.starts == 5  # after 3 to 7 of 12 months


def test_what_the_months_do_to_everybody_cancels() -> None:
    found = follow((4000, 2000), (3000, 1500))
    assert found.log_effect == pytest.approx(0.0, abs=0.02)
    assert found.kept.median == pytest.approx(0, abs=600)
    assert found.outcome == "open"


def test_without_untouched_segments_it_is_before_and_after_and_says_so() -> None:
    found = follow((4000, 2000), (4000, 2000), segments=())
    assert found.untouched == () and found.before_others is None
    assert found.log_effect == pytest.approx(np.log(0.5), abs=0.02)
    assert found.remarks[0].code == "no_untouched" and found.outcome == "probably"


def test_the_agreed_test_asks_for_its_fall_and_its_month() -> None:
    asked = AgreedTest(START, date(2026, 12, 1), least_fall=0.6)
    found = follow((4000, 2000), (3000, 3000), test=asked)
    assert found.probability_fell > 0.99 and found.probability_success < 0.3 and found.outcome == "probably"
    assert "test_too_early" in {one.code for one in found.remarks}


def test_a_fall_that_began_before_the_fix_is_not_its_work() -> None:
    """The touched segment loses an eighth each month, all the time: earlier starts fall as clearly."""
    falling = 40_000 * 0.875 ** np.arange(24)
    estimate, counts = study((0, 0), (0, 0), shape=np.array([falling, np.full(24, 3000.0), np.full(24, 3000.0)]))
    found = follow_up(estimate, counts, Intervention(estimate.categories[0].category, START, (counts.segments[0],)))
    assert found.probability_fell > 0.99 and found.placebo_p is not None and found.placebo_p > 0.2
    assert found.outcome == "probably" and "fell_before" in {one.code for one in found.remarks}


def test_complaints_that_fall_while_departures_go_on_are_not_a_fix() -> None:
    """The complaints of the touched segment halve, and as many leave in silence as before: perhaps customers only complain less."""
    estimate, counts = study((4000, 2000), (3000, 3000), left=(4000, 4000))
    found = follow_up(estimate, counts, Intervention(estimate.categories[0].category, START, (counts.segments[0],)))
    (doubt,) = [one for one in found.remarks if one.code == "departures_disagree"]
    assert doubt.values["observed"] == pytest.approx(1.0, abs=0.01) and doubt.values["implied"] == pytest.approx(0.5, abs=0.02)
    assert found.probability_fell > 0.99 and found.outcome == "probably"


def test_a_rise_is_worse_and_keeps_nobody() -> None:
    found = follow((2000, 4000), (3000, 3000))
    assert found.outcome == "worse" and found.kept.upper < 0 and found.fall.median == pytest.approx(-1.0, abs=0.1)


def test_the_efficacy_learned_is_prior_times_likelihood() -> None:
    """Against numerical integration: a fall of 20 % seen with an error of 0.15 by a fix that reached half of the problem."""
    fix = Intervention("a", START, extent=0.5)
    evidence = [(fix, np.log(0.8), 0.15)]

    def density(eta: float) -> float:
        return float(beta(6, 14).pdf(eta) * np.exp(-0.5 * ((np.log1p(-0.5 * eta) - np.log(0.8)) / 0.15) ** 2))

    whole = quad(density, 0, 1)[0]
    mean = quad(lambda eta: eta * density(eta), 0, 1)[0] / whole
    sd = np.sqrt(quad(lambda eta: (eta - mean) ** 2 * density(eta), 0, 1)[0] / whole)
    learned = learned_efficacy(evidence, "a")
    own = beta(learned.alpha, learned.beta)
    assert (own.mean(), own.std()) == pytest.approx((mean, sd), rel=1e-3)
    other = learned_efficacy(evidence, "b")
    assert abs(Efficacy().mean - other.mean) < abs(Efficacy().mean - learned.mean)  # another category counts half
    assert learned_efficacy([], "a") == Efficacy()
    vague = learned_efficacy([(fix, -3.0, 50.0)], "a")
    assert (vague.alpha, vague.beta) == pytest.approx((6, 14), rel=0.02)
    useless = learned_efficacy([(replace(fix, extent=1.0), 0.0, 0.05)], "a")
    assert useless.mean < 0.12


def test_a_fix_that_cannot_be_followed_is_refused() -> None:
    estimate, counts = study((4000, 2000), (3000, 3000))
    name = estimate.categories[0].category
    for intervention, code in (
        (Intervention("nowhere", START), "decide_unknown"),
        (Intervention(name, START, ("Mars",)), "follow_segment"),
        (Intervention(name, date(2024, 8, 1)), "follow_start"),
        (Intervention(name, date(2026, 5, 1)), "follow_start"),
        (Intervention(name, date(2020, 1, 1)), "follow_start"),
    ):
        with pytest.raises(OptionError) as refused:
            follow_up(estimate, counts, intervention)
        assert refused.value.code == code
    part = counts.select(segments=counts.segments[:2])
    with pytest.raises(OptionError) as refused:
        follow_up(estimate, part, Intervention(name, START))
    assert refused.value.code == "follow_part"
    for wrong in ({"extent": 0.0}, {"expected": 1.0}):
        with pytest.raises(OptionError):
            Intervention(name, START, **wrong)  # type: ignore[arg-type]  # of a test


def test_the_same_fix_gives_the_same_answer_whatever_the_order_of_segments() -> None:
    estimate, counts = study((4000, 2000), (3000, 3000))
    name = estimate.categories[0].category
    one, other = (follow_up(estimate, counts, Intervention(name, START, pair)) for pair in (("North", "South"), ("South", "North")))
    assert one.log_effect == other.log_effect and one.touched == other.touched
