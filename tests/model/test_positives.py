"""What good moments did: the posterior against an integration by hand, recovery of a simulated truth, and each way of saying nothing."""

import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from benchmarks.positives.companies import FAMILIES, Family, simulate
from benchmarks.positives.run import enchantment_of
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.positives.matching import FOLLOWED_MONTHS
from iceberg.cohort.positives.positive_counts import EVERY_KIND, JUST_BEFORE, LONG_BEFORE, FollowedMonth, PositiveCounts, VisitsBefore
from iceberg.cohort.window import ObservationWindow
from iceberg.model.positives.clock import ClockPosterior, clock_of
from iceberg.model.positives.estimate import Enchantment, estimate_enchantment
from iceberg.model.priors import LEAST_EXPECTED_LEAVERS, MOMENT_EFFECT_SD

VISITS = ((LONG_BEFORE, 5_000, 5_000.0), (JUST_BEFORE, 900, 900.0))


def positives(
    expected: float = 400.0,
    *,
    effect: float = 0.0,
    unseen: float = 0.0,
    log: bool = True,
    visits: tuple[tuple[int, int, float], ...] = VISITS,
    kinds: tuple[str, ...] = ("compliment",),
) -> PositiveCounts:
    """Counts whose departures are what the model expects, spread evenly over the year, without chance; each kind has as many."""
    clock = clock_of(np.arange(FOLLOWED_MONTHS, dtype=float))
    months = []
    for kind in (EVERY_KIND, *range(len(kinds))):
        mean = expected / FOLLOWED_MONTHS / (1 if kind == EVERY_KIND else len(kinds))
        left = mean * np.exp(unseen - effect * clock)
        months += [FollowedMonth(0, kind, month, 2_000, round(left[month]), mean, mean * 0.02) for month in range(FOLLOWED_MONTHS)]
    before = tuple(VisitsBefore(0, EVERY_KIND, period, 900, came, mean, came * 1.5) for period, came, mean in visits) if log else ()
    customers = tuple((0, kind, 900) for kind in range(len(kinds)))
    return PositiveCounts(kinds, ("compliment",) * len(kinds), log, (0, 1, 2) if log else (0,), tuple(months), (), before, customers, rows=900)


def estimated(found: PositiveCounts, **options: object) -> Enchantment:
    counts = replace(CohortCounts.zeros(ObservationWindow(date(2024, 1, 1), date(2025, 12, 31))), positives=found)
    made = estimate_enchantment(counts, **options)  # type: ignore[arg-type]
    assert made is not None
    return made


def test_the_clock_is_that_of_the_middle_of_each_month() -> None:
    """Half a month of the moment's own, and half of the month itself: 30 days for month 0."""
    np.testing.assert_allclose(clock_of(np.array([0.0, 1.0])), [math.exp(-30.4375 / 90), math.exp(-2 * 30.4375 / 90)])


def test_without_departures_to_speak_of_the_posterior_is_the_prior() -> None:
    months = [FollowedMonth(0, EVERY_KIND, month, 2, 0, 1e-9, 0.0) for month in range(FOLLOWED_MONTHS)]
    effect, saved = ClockPosterior.of(months, sees_engagement=True).draw(np.random.default_rng(0), 40_000)
    assert (effect.mean(), effect.std()) == (pytest.approx(0, abs=0.01), pytest.approx(MOMENT_EFFECT_SD, abs=0.01))
    assert abs(saved).max() < 1e-8


def test_the_posterior_is_that_of_an_integration_by_hand() -> None:
    """One month, 90 departures where 100 are expected and nothing else is uncertain: a, b and e drawn from the prior and weighted."""
    rng = np.random.default_rng(1)
    a, b, e = rng.normal(0, (0.1, 0.25, 0.1), (400_000, 3)).T
    logs = a - (b + e) * clock_of(np.array([0.0]))[0]
    weights = np.exp(90 * logs - 100 * np.exp(logs) - (90 * logs - 100 * np.exp(logs)).max())
    posterior = ClockPosterior.of([FollowedMonth(0, EVERY_KIND, 0, 900, 90, 100.0, 0.0)], sees_engagement=True)
    effect, saved = posterior.draw(np.random.default_rng(2), 100_000)
    assert effect.mean() == pytest.approx(float((weights * b).sum() / weights.sum()), abs=0.005)
    kept = 100 * np.exp(a - e * clock_of(np.array([0.0]))[0]) * -np.expm1(-b * clock_of(np.array([0.0]))[0])
    assert saved.mean() == pytest.approx(float((weights * kept).sum() / weights.sum()), abs=0.3)


def test_a_great_effect_is_found_and_none_is_not() -> None:
    real = estimated(positives(4_000, effect=0.5)).whole
    assert real.reading == "protects" and real.effect is not None and real.effect.lower < 0.5 and real.saved is not None and real.saved.lower > 0
    assert estimated(positives(4_000, effect=-0.5)).whole.reading == "harms"
    nothing = estimated(positives(4_000)).whole
    assert nothing.reading == "unclear" and nothing.effect is not None and nothing.effect.lower < 0 < nothing.effect.upper


def test_few_expected_departures_say_nothing() -> None:
    few = estimated(positives(LEAST_EXPECTED_LEAVERS - 1)).whole
    assert (few.reading, few.effect, few.saved, few.faded) == ("few", None, None, None)
    assert estimated(positives(LEAST_EXPECTED_LEAVERS + 1)).whole.reading == "unclear"


@pytest.mark.parametrize(
    "found",
    [
        positives(4_000, effect=0.5, visits=((LONG_BEFORE, 5_600, 5_000.0), (JUST_BEFORE, 900, 900.0))),
        positives(4_000, effect=0.5, visits=((LONG_BEFORE, 5_000, 5_000.0), (JUST_BEFORE, 1_100, 900.0))),
        positives(4_000, effect=0.2, unseen=-0.5),
        positives(4_000, unseen=-0.9, log=False),
    ],
    ids=["came more often long before", "came more often just before", "leave less often when it has faded", "the same without a log"],
)
def test_nothing_is_said_where_a_placebo_excludes_one(found: PositiveCounts) -> None:
    made = estimated(found)
    assert made.whole.reading == "engagement" and made.kinds == ()


def test_without_a_log_the_range_is_wider_and_even_a_great_effect_is_no_certainty() -> None:
    """Engagement that passes looks like a moment that fades."""
    seen, blind = (estimated(positives(4_000, effect=0.5, log=log)).whole for log in (True, False))
    assert seen.effect is not None and blind.effect is not None
    assert blind.effect.upper - blind.effect.lower > 1.3 * (seen.effect.upper - seen.effect.lower)
    assert blind.reading == "unclear"


def test_kinds_have_readings_of_their_own_and_one_kind_none() -> None:
    assert estimated(positives()).kinds == ()
    two = estimated(positives(60, kinds=("a", "b", "c", "d")))
    assert [one.reading for one in two.kinds] == ["few"] * 4 and two.whole.reading == "unclear"


def test_the_same_counts_and_seed_give_the_same_figures() -> None:
    assert estimated(positives(), seed=3).whole == estimated(positives(), seed=3).whole
    assert estimate_enchantment(CohortCounts.zeros(ObservationWindow(date(2024, 1, 1), date(2025, 12, 31)))) is None


def test_a_simulated_effect_is_covered_and_strong_engagement_is_not_taken_for_one() -> None:
    """The whole way, from files: the benchmark has more companies."""
    found = [enchantment_of(simulate(FAMILIES["protects"], seed), log=True).whole.effect for seed in range(3)]
    assert sum(one is not None and one.lower <= 0.4 <= one.upper for one in found) >= 2
    for log in (True, False):
        confounded = enchantment_of(simulate(Family(engagement=0.8), 1, customers=5_000), log=log).whole
        assert confounded.leavers < 0.9 * confounded.expected and confounded.reading == "engagement"
