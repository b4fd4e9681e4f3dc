"""Evidence level 4: a log or a survey replaces the assumed ratio; what it says is recovered, and what it lacks is said."""

from dataclasses import replace

import numpy as np
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import ComplaintClockCounts
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.silent_observations import ObservedSilence
from iceberg.errors import OptionError
from iceberg.model import estimate as estimate_module
from iceberg.model import evidence
from iceberg.model.assumptions import Assumptions
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.ratio.draws import draw_ratio_prior
from iceberg.model.ratio.level_four_prior import find_conflict
from iceberg.model.ratio.measurements import MeasuredRatio, bias_sd, measure_ratios
from iceberg.model.ratio.posterior import RatioLikelihood, RatioPrior
from iceberg.model.survival.excess_posterior import ExcessPosterior
from iceberg.model.survival.net_survival import observed_excess, silent_hazard
from iceberg.simulation.company import simulate_world

from .build import linked_counts
from .companies import window_of

ASSUMED = Assumptions(draws=1500)


@pytest.fixture
def only_level_2(monkeypatch: pytest.MonkeyPatch) -> None:
    """The departures of these counts shall not correct the ratio: level 2, or level 4 by what was measured alone."""
    for module in (evidence, estimate_module):
        monkeypatch.setattr(module, "what_is_missing_for_level_3", lambda _: (("too_little_variation", {}),))


def surveyed(counts: CohortCounts, *rows: tuple[int, int, int], unmatched: tuple[str, ...] = ()) -> CohortCounts:
    """`counts` with a survey of all categories, in their order."""
    none = np.zeros((len(counts.categories), len(counts.segments)), dtype=np.int64)
    survey = np.array(rows, dtype=np.int64)
    return replace(counts, observed=ObservedSilence(none, none, survey=survey, unmatched=unmatched))


def test_the_ratio_of_a_large_survey_is_the_odds_of_silence() -> None:
    """1,000 with the problem, 200 complained: four silent sufferers per complainer."""
    uniform, normal = np.linspace(0.0005, 0.9995, 1000), np.zeros(1000)
    drawn = np.exp(MeasuredRatio("survey", 1000, 200).log_sufferers(uniform, normal, uniform))
    assert np.median(drawn) == pytest.approx(4.0, rel=0.01)
    assert np.quantile(drawn, [0.05, 0.95]) == pytest.approx([3.53, 4.55], rel=0.03)  # Jeffreys interval of 0.2


def test_nobody_complaining_stays_finite() -> None:
    drawn = MeasuredRatio("incidents", 50, 0).log_sufferers(np.array([1e-9, 0.5]), np.zeros(2), np.zeros(2))
    assert np.isfinite(drawn).all()
    assert drawn.max() <= np.log(1000.0)


def test_the_log_speaks_where_it_holds_enough_and_the_survey_elsewhere() -> None:
    counts = linked_counts({"billing": 100, "delivery": 100, "staff": 100})
    struck = np.array([[30, 30], [2, 1], [0, 0]])
    observed = ObservedSilence(struck, struck // 2, survey=np.array([[90, 50, 10], [90, 40, 10], [90, 0, 0]]))
    seen = measure_ratios(replace(counts, observed=observed), assumptions=ASSUMED)
    assert [one and one.source for one in seen] == ["incidents", "survey", None]


@pytest.mark.usefixtures("only_level_2")
def test_a_survey_moves_its_category_to_level_4_and_leaves_the_other_as_assumed() -> None:
    """Of those with a billing problem everybody but one in ten complains: hardly anybody is silent."""
    counts = linked_counts({"billing": 200, "delivery": 200}, silent_leavers=20_000)
    plain = estimate_iceberg(counts, assumptions=ASSUMED)
    asked = estimate_iceberg(surveyed(counts, (500, 200, 180), (500, 0, 0)), assumptions=ASSUMED)
    before, after = plain.categories[0], asked.categories[0]
    assert asked.evidence.level == "4"
    assert after.silent_churn.upper < before.silent_churn.median
    assert after.prior_share < 0.5
    named = {(one.code, one.category): one.values for one in asked.diagnostics}
    assert named["not_measured", None] == {"categories": "delivery"}


@pytest.mark.usefixtures("only_level_2")
def test_small_surveys_and_unknown_names_are_said() -> None:
    counts = linked_counts({"billing": 200})
    found = estimate_iceberg(surveyed(counts, (40, 12, 3), unmatched=("prix",)), assumptions=ASSUMED).diagnostics
    assert {"survey_small", "names_unmatched"} <= {one.code for one in found}


@pytest.mark.usefixtures("only_level_2")
def test_a_survey_that_asks_for_more_than_was_lost_keeps_the_books_and_says_so() -> None:
    """One in 200 complains, 40 silent leavers: the cap holds draw by draw."""
    counts = linked_counts({"billing": 500}, silent_leavers=40)
    estimate = estimate_iceberg(surveyed(counts, (5000, 4000, 20)), assumptions=ASSUMED)
    assert "measured_conflict" in {one.code for one in estimate.diagnostics}
    churn = estimate.draws.silent_churn.sum(axis=(1, 2, 3), dtype=np.float64)
    assert churn.max() <= 40
    assert np.isfinite(churn).all()


def test_the_excess_of_silent_sufferers_is_seen_beside_matched_others() -> None:
    """1,000 sufferers, 300 of whom leave in the third week; matched others would lose about 5 % in half a year."""
    counts = linked_counts({"billing": 200}, silent_leavers=1000)
    rows = np.array([[0, 0, 5, 1, 2, 300, 0, 900], [0, 0, 5, 1, 9, 0, 700, 10_500]], dtype=np.int64)
    struck = np.array([[1000, 0]])
    watched = replace(
        counts, observed=ObservedSilence(struck, struck * 0, ComplaintClockCounts(*rows.T), survey=np.zeros((1, 3), dtype=int))
    )
    [seen] = observed_excess(watched, [ExcessPosterior(0.1, 0.3, 200)], horizon_days=150)
    natural = 1 - np.exp(-float(silent_hazard(counts).mean()) * 150)
    assert seen.location == pytest.approx(0.3 - natural * 0.85, abs=0.03)
    assert seen.sd < 0.03


@pytest.mark.usefixtures("only_level_2")
@pytest.mark.parametrize("seed", [0, 1, 2])
def test_an_incident_log_recovers_the_truth_and_is_narrower_than_without(
    seed: int, tables_from_frames
) -> None:
    """5,000 customers of known silent churn: most categories inside 90 %, all together narrower than at level 2."""
    company = simulate_world("small", seed)
    tables = tables_from_frames(
        customers=company.customers, complaints=company.complaints, incidents=company.incidents
    )
    counts = reduce_tables(tables, window=window_of(company))
    logged = estimate_iceberg(counts, assumptions=ASSUMED)
    bare = estimate_iceberg(replace(counts, observed=None), assumptions=ASSUMED)
    assert (logged.evidence.level, bare.evidence.level) == ("4", "2")
    truth = [company.truth["categories"][one.category]["silent_churn"] for one in logged.categories]
    inside = [
        one.silent_churn.lower <= real <= one.silent_churn.upper + 0.5
        for one, real in zip(logged.categories, truth, strict=True)
    ]
    assert sum(inside) >= len(inside) - 1
    widths = [[one.silent_churn.upper - one.silent_churn.lower for one in it.categories] for it in (logged, bare)]
    assert sum(widths[0]) < 0.7 * sum(widths[1])


def test_departures_go_on_correcting_the_categories_that_nobody_measured(tables_from_frames) -> None:
    """Level 4 on the way of level 3: the measured category keeps its ratio, the others get theirs from the departures."""
    company = simulate_world("small", 1)
    tables = tables_from_frames(customers=company.customers, complaints=company.complaints)
    counts = reduce_tables(tables, window=window_of(company))
    first = int(np.argmax(counts.vocal_customers))
    rows = [(1000, 400, 200) if index == first else (0, 0, 0) for index in range(len(counts.categories))]
    estimate = estimate_iceberg(surveyed(counts, *rows), assumptions=replace(ASSUMED, draws=400))
    one = estimate.categories[first]
    assert estimate.evidence.level == "4"
    assert one.placebo is not None  # the departures were asked
    assert one.ratio_posterior.upper < one.ratio_prior.upper / 2
    told = {(remark.code, remark.category) for remark in estimate.diagnostics}
    assert ("no_variation", one.category) not in told


def test_a_bias_is_a_factor_nine_times_in_ten() -> None:
    """A factor of 2 either way: log 2 is 1.645 standard deviations; a factor of 1 is no bias."""
    assert bias_sd(2.0) == pytest.approx(0.4214, abs=1e-4)
    assert bias_sd(1.0) == 0.0
    one = MeasuredRatio("survey", 10**7, 5 * 10**6, bias_sd=0.6)
    assert np.hypot(one.recall_sd, one.selection_sd) == pytest.approx(0.6)
    middle, zero = np.array([0.5]), np.zeros(1)
    assert one.log_sufferers(middle, np.ones(1), zero, zero)[0] == pytest.approx(0.6 * 0.34**0.5, abs=2e-3)
    assert one.log_sufferers(middle, zero, zero, np.ones(1))[0] == pytest.approx(0.6 * 0.66**0.5, abs=2e-3)


def test_categories_of_one_source_are_wrong_together_and_two_sources_are_not() -> None:
    """Two categories in a log, one in a survey, each with so many people that the bias is all the doubt."""
    counts = linked_counts({"billing": 100, "delivery": 100, "staff": 100})
    struck = np.array([[200_000, 0], [200_000, 0], [0, 0]])
    observed = ObservedSilence(struck, struck // 2, survey=np.array([[0, 0, 0], [0, 0, 0], [900_000, 400_000, 200_000]]))
    seen = measure_ratios(replace(counts, observed=observed), assumptions=ASSUMED)
    drawn = draw_ratio_prior(counts.categories, assumptions=replace(ASSUMED, draws=4000), rng=np.random.default_rng(3), measured=seen)
    together = np.corrcoef(drawn.own.T)
    assert together[0, 1] == pytest.approx(0.93, abs=0.02)
    assert abs(together[0, 2]) < 0.06


def test_a_measured_category_that_is_left_out_takes_its_share_of_the_common_error_along() -> None:
    """Covariance ((2, 1), (1, 2)): alone, the first has variance 2, precision 1/2, not the 2/3 of the inverse."""
    precision = np.linalg.inv(np.array([[2.0, 1.0], [1.0, 2.0]]))
    both = RatioPrior(np.zeros(2), 1.0, observed_mean=np.array([0.3, 0.1]), observed_precision=precision)
    alone = both.of_categories(np.array([True, False]))
    assert alone.observed_precision == pytest.approx(np.array([[0.5]]))


@pytest.mark.parametrize(("measured", "departures"), [(2.0, 0.0), (0.0, 2.0), (0.0, 0.2)])
def test_a_conflict_is_seen_in_both_directions(measured: float, departures: float) -> None:
    """Departures that pin log r to a tenth beside a measurement as sharp: a factor of 7 contradicts, a fifth does not."""
    likelihood = RatioLikelihood(np.full(1, departures), np.zeros(1), np.full((1, 1), 100.0), np.zeros(1))
    prior = RatioPrior(np.zeros(1), 1.5, observed_mean=np.full(1, measured), observed_precision=np.full((1, 1), 100.0))
    found = find_conflict(likelihood, prior, np.full(1, 100.0), rng=np.random.default_rng(2))
    if abs(measured - departures) < 1:
        assert found is None
    else:
        assert found is not None
        assert found.code == "measured_conflict"
        assert found.values["measured"] == pytest.approx(100 * np.exp(measured), rel=0.05)
        assert found.values["departures"] == pytest.approx(100 * np.exp(departures), rel=0.1)


def test_the_departures_correct_a_log_that_misses_the_silent(tables_from_frames) -> None:
    """Of those who said nothing only two in five are logged: trusted blindly the total is far too low, with the default bias it is right."""
    company = simulate_world("small", 0)
    tables = tables_from_frames(customers=company.customers, complaints=company.complaints, incidents=company.incidents)
    counts = reduce_tables(tables, window=window_of(company))
    struck, voiced = counts.observed.struck, counts.observed.voiced
    silent = (struck - voiced) * 2 // 5
    blind = replace(counts, observed=ObservedSilence(voiced + silent, voiced, survey=counts.observed.survey))
    held = replace(ASSUMED, draws=400)
    doubted, trusted = (estimate_iceberg(blind, assumptions=replace(held, incident_bias=bias)) for bias in (1.9, 1.0))
    truth = company.truth["silent_churn"]
    assert trusted.total.silent_churn.upper < truth
    assert doubted.total.silent_churn.lower <= truth <= doubted.total.silent_churn.upper
    assert "measured_conflict" in {one.code for one in trusted.diagnostics}


def test_a_bias_outside_its_bounds_is_refused() -> None:
    for factor in (0.5, 21.0):
        with pytest.raises(OptionError, match="bias"):
            Assumptions(survey_bias=factor)
