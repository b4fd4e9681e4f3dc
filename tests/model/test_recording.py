"""Changes of what is recorded: what is found and what is not, and what the estimate does once the user has answered."""

from dataclasses import replace
from datetime import date
from functools import cache

import numpy as np
import pytest

from benchmarks.calibration.direct_counts import count_directly
from benchmarks.calibration.recording import draw_truth, recording_change
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.findings.findings import RecordingChange
from iceberg.cohort.window import ObservationWindow
from iceberg.locale import LANGUAGES, Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.departures.fit.design import LexisDesign
from iceberg.model.departures.fit.information import fisher_information, log_likelihood
from iceberg.model.departures.fit.model import ExcessHazardFit, fit_excess_hazard, prior_of
from iceberg.model.departures.readings import other_reading
from iceberg.model.diagnose import about_recording
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.recording.changes import RecordingFactors, changes_inside, draw_factors, shares_before
from iceberg.model.recording.names import RenamedCategory, find_renamed
from iceberg.model.recording.steps import find_recording_steps
from iceberg.model.results import Diagnostic, IcebergEstimate
from iceberg.report.viewers import cells_of_counts, counted_cells
from iceberg.report.words import diagnostic_sentences, headline, headline_reservation
from iceberg.simulation.company import simulate_world
from iceberg.store.counts_tables import counts_parts
from iceberg.store.counts_tables import read_counts as read_tables

YEARS = ObservationWindow(date(2024, 7, 1), date(2026, 6, 30))
NAMES = ("billing", "delivery", "price", "staff", "website")
MONTH = np.arange(24)
SEASON = np.exp(0.5 * np.cos(2 * np.pi * (MONTH - 4) / 12))
SIZES = np.array([30, 22, 40, 18, 26])[:, None]


def volumes(pattern: np.ndarray, *, seed: int = 0, names: tuple[str, ...] = NAMES, changes: tuple[str, ...] | None = None) -> CohortCounts:
    """Complaints alone, Poisson around sizes times a pattern of (24,) or (C, 24)."""
    expected = np.broadcast_to(SIZES[: len(names)] * pattern, (len(names), 24))
    named = None if changes is None else tuple(map(RecordingChange.parse, changes))
    counted = np.random.default_rng(seed).poisson(expected)
    return replace(CohortCounts.from_volumes(YEARS, categories=names, complaints=counted), recording_changes=named)


def step(month: int, factor: float) -> np.ndarray:
    return np.where(month <= MONTH, factor, 1.0)


@pytest.mark.parametrize("factor", [2.0, 0.5])
@pytest.mark.parametrize("season", [1.0, SEASON], ids=["even", "seasonal"])
def test_a_step_of_all_categories_is_found_with_its_month_and_size(factor: float, season: float | np.ndarray) -> None:
    (found,) = find_recording_steps(volumes(step(10, factor) * season))
    assert found.category == ""
    assert abs((found.day - date(2025, 5, 1)).days) <= 16
    assert found.lower < factor < found.upper
    assert found.factor == pytest.approx(factor, rel=0.25)
    assert np.sign(found.z) == np.sign(np.log(factor))


def test_two_steps_are_two() -> None:
    found = find_recording_steps(volumes(step(7, 2.0) * step(16, 0.4)))
    assert [(one.factor > 1, one.category) for one in found] == [(True, ""), (False, "")]
    assert [abs((one.day - day).days) <= 16 for one, day in zip(found, (date(2025, 2, 1), date(2025, 11, 1)), strict=True)] == [True, True]


@pytest.mark.parametrize(
    "pattern",
    [
        np.ones(24),
        SEASON,
        np.where(MONTH % 12 < 2, 2.0, 1.0),
        np.exp(MONTH / 24 * np.log(1.8)),
        np.where((np.arange(5)[:, None] == 2) & (MONTH >= 9) & (MONTH < 12), 6.0, 1.0),
        np.where(MONTH == 14, 3.0, 1.0),
    ],
    ids=["nothing", "season", "two busy months a year", "growth", "incident in one category", "a month of trouble for all"],
)
@pytest.mark.parametrize("seed", range(3))
def test_what_is_no_step_is_not_found(pattern: np.ndarray, seed: int) -> None:
    assert find_recording_steps(volumes(pattern, seed=seed)) == ()


def test_a_category_that_steps_alone_is_named() -> None:
    (found,) = find_recording_steps(volumes(np.where(np.arange(5)[:, None] == 3, step(12, 5.0), 1.0)))
    assert found.category == "staff"
    assert 3.0 < found.lower < found.factor < 10.0


def test_where_nothing_can_be_compared_nothing_is_found() -> None:
    short = ObservationWindow(date(2026, 1, 1), date(2026, 6, 30))
    assert find_recording_steps(CohortCounts.from_volumes(short, categories=("a",), complaints=[[9, 9, 9, 90, 90, 90]])) == ()
    month = ObservationWindow(date(2026, 6, 1), date(2026, 6, 30))
    counts = CohortCounts.from_volumes(month, categories=("a", "b"), complaints=[[90], [10]])
    assert find_recording_steps(counts) == ()
    assert draw_factors(replace(counts, recording_changes=(RecordingChange(date(2026, 6, 9)),)), rng=np.random.default_rng(0), draws=10) is not None
    assert find_recording_steps(CohortCounts.from_volumes(YEARS, categories=(), complaints=np.zeros((0, 24)))) == ()
    assert find_recording_steps(CohortCounts.from_volumes(YEARS, categories=("a",), complaints=[[0] * 24])) == ()


def test_customers_who_grow_older_together_do_not_hide_a_step_behind_their_tenure() -> None:
    """All customers pass from one tenure band to the next in the tenth month; complaints double in the fifteenth."""
    at_risk = np.zeros((1, 24, 2), dtype=np.int64)
    at_risk[0, :10, 0] = at_risk[0, 10:, 1] = 90_000
    complainants = np.zeros((3, 1, 24, 2), dtype=np.int64)
    counted = np.random.default_rng(5).poisson(SIZES[:3] * step(15, 2.0))
    complainants[:, 0, :10, 0], complainants[:, 0, 10:, 1] = counted[:, :10], counted[:, 10:]
    fields = {"silent_person_days": at_risk, "complainants": complainants, "complainants_any": complainants.sum(axis=0), "complaints": counted}
    counts = CohortCounts.zeros(YEARS, categories=NAMES[:3], band_edges_months=(0, 12), has_customers=True, has_linked_complaints=True, **fields)
    (found,) = find_recording_steps(counts)
    assert abs((found.day - date(2025, 10, 1)).days) <= 16
    assert found.lower < 2.0 < found.upper


def renamed(first: dict[str, int], second: dict[str, int], month: int = 11) -> tuple[RenamedCategory, ...]:
    """Proposals where some names are used before a month and others from it on, beside one that goes on."""
    names = (*first, *second, "website")
    rows = [[size] * month + [0] * (24 - month) for size in first.values()] + [[0] * month + [size] * (24 - month) for size in second.values()]
    return find_renamed(CohortCounts.from_volumes(YEARS, categories=names, complaints=[*rows, [20] * 24]))


def test_a_name_that_stops_where_another_starts_at_the_same_rate_is_proposed() -> None:
    month = date(2025, 6, 1)
    assert renamed({"billing": 30}, {"invoices": 28}) == (RenamedCategory("invoices", ("billing",), month),)
    assert renamed({"billing": 30, "refunds": 12}, {"money": 45}) == (RenamedCategory("money", ("billing", "refunds"), month),)
    assert renamed({"service": 50}, {"staff": 30, "waiting": 20}) == (RenamedCategory("service", ("staff", "waiting"), month),)


def test_a_new_list_of_reasons_is_matched_by_words_and_then_by_rates() -> None:
    old = {"billing errors": 30, "late delivery": 12, "rude staff": 40}
    new = {"A1 Staff": 36, "A2 Invoices": 28, "A3 Delivery": 25}
    month = date(2025, 6, 1)
    expected = {("A1 Staff", ("rude staff",)), ("A2 Invoices", ("billing errors",)), ("A3 Delivery", ("late delivery",))}
    assert {(one.name, one.names) for one in renamed(old, new)} == expected
    assert {one.month for one in renamed(old, new)} == {month}


def test_names_of_other_rates_or_other_months_are_not_proposed() -> None:
    assert renamed({"billing": 30}, {"invoices": 6}) == ()
    apart = [[30] * 8 + [0] * 16, [0] * 14 + [30] * 10]
    assert find_renamed(CohortCounts.from_volumes(YEARS, categories=("billing", "invoices"), complaints=apart)) == ()
    assert renamed({"billing": 1}, {"invoices": 1}, month=6) == ()  # six complaints may well have ended by chance


def test_a_question_has_day_size_and_what_to_type_in_both_languages_and_stands_in_the_headline() -> None:
    counts = volumes(step(10, 2.0))
    (asked,) = about_recording(counts)
    assert (asked.code, asked.severity) == ("recording_step_more", "caution")
    for language in LANGUAGES:
        says, todo = diagnostic_sentences(asked, Translator(language))
        assert Translator(language).date(asked.values["day"]) in says  # type: ignore[arg-type]
        assert f"--recording-change {asked.values['change']}" in todo
        assert "--no-recording-change" in todo
    estimate = estimate_iceberg(counts)
    assert diagnostic_sentences(asked, Translator("en"))[0] in headline_reservation(estimate, Translator("en"))


@pytest.mark.parametrize(
    ("answer", "codes"),
    [
        (None, ["recording_step_more"]),
        ((), []),
        (("2025-05-04",), []),
        (("2024-10-01",), ["recording_step_more"]),
        (("2025-05-04:price",), ["recording_step_more"]),
    ],
)
def test_nothing_is_asked_that_was_answered(answer: tuple[str, ...] | None, codes: list[str]) -> None:
    assert [one.code for one in about_recording(volumes(step(10, 2.0), changes=answer))] == codes


def test_a_proposal_to_merge_says_how_and_is_not_asked_about_as_a_step() -> None:
    counts = volumes(np.stack([step(10, 0.0), *[np.ones(24)] * 3, 1 - step(10, 0.0)]), names=NAMES)
    (asked,) = about_recording(counts)
    assert (asked.code, asked.category) == ("category_renamed", "website")
    assert '--merge-category "website=billing"' in diagnostic_sentences(asked, Translator("en"))[1]


def test_the_share_of_a_month_before_a_change_is_counted_in_days() -> None:
    counts = volumes(np.ones(24), changes=("2024-09-16", "2025-02-01:price"))
    before = shares_before(counts)
    assert before.shape == (2, 5, 24)
    assert before[0, 0, :4] == pytest.approx([1, 1, 0.5, 0])
    assert before[1, 2, 6:8] == pytest.approx([1, 0])
    assert not before[1, [0, 1, 3, 4]].any()
    design = LexisDesign.of(counts, lags=3)
    assert design.before_change[0, 0] == pytest.approx([1, 1, 1, 1, 1, 0.5, *[0] * 21])


def test_changes_that_divide_nothing_are_named_and_not_taken_out() -> None:
    counts = volumes(np.ones(24), changes=("2024-07-01", "2026-07-01", "2025-02-01:unknown", "2025-02-01"))
    assert changes_inside(counts) == (RecordingChange(date(2025, 2, 1)),)
    outside = next(one for one in estimate_iceberg(counts).diagnostics if one.code == "recording_change_outside")
    assert outside.values == {"changes": "2024-07-01, 2026-07-01, 2025-02-01:unknown"}


def test_complaints_are_counted_as_today_would_record_them() -> None:
    """By hand: ten complaints a month before a change that doubled them, and 20 after it: 12 x 10 x 2 + 12 x 20."""
    factors = RecordingFactors((RecordingChange(date(2025, 7, 1)),), np.full((3, 1), np.log(2.0)), np.array([[step(12, 0.0)]]))
    assert factors.inflation(np.array([10.0 * step(12, 2.0)])) == pytest.approx(np.full((3, 1), 480 / 360))
    assert factors.typical == pytest.approx(1 + np.array([step(12, 0.0)]))


def test_without_departures_the_answer_raises_what_was_recorded_before_and_carries_its_doubt() -> None:
    """Level 0: silent churn is ratio times complaints of today's recording, and the ratio does not move."""
    plain, answered = (estimate_iceberg(volumes(step(12, 2.0), changes=changes)) for changes in ((), ("2025-07-01",)))
    drawn = draw_factors(volumes(step(12, 2.0), changes=("2025-07-01",)), rng=np.random.default_rng(1), draws=4000)
    assert drawn is not None
    factor = np.exp(drawn.log_factor[:, 0])
    assert np.quantile(factor, 0.05) < 2.0 < np.quantile(factor, 0.95)
    more = (12 * np.median(factor) + 12 * 2) / (12 + 12 * 2)
    assert answered.total.vocal_customers / plain.total.vocal_customers == pytest.approx(more, rel=0.02)
    assert answered.total.silent_churn.median / plain.total.silent_churn.median == pytest.approx(more, rel=0.05)
    for one, other in zip(answered.categories, plain.categories, strict=True):
        assert one.ratio_posterior.median == pytest.approx(other.ratio_posterior.median, rel=0.05)
    changed = next(one for one in answered.diagnostics if one.code == "recording_changed")
    assert changed.values["lower"] < 2.0 < changed.values["upper"]  # type: ignore[operator]


@cache
def small_company() -> CohortCounts:
    return count_directly(simulate_world("small", 0))


@cache
def fitted() -> ExcessHazardFit:
    """A fit with a change of all categories and another of one of them."""
    counts = small_company()
    changes = (RecordingChange(date(2025, 5, 11)), RecordingChange(date(2025, 12, 1), counts.categories[0]))
    return fit_excess_hazard(replace(counts, recording_changes=changes), Assumptions())


def test_the_score_of_a_change_is_the_gradient_of_the_likelihood() -> None:
    fit = fitted()
    rng = np.random.default_rng(0)
    shared, own = fit.shared + 0.1 * rng.standard_normal(fit.shared.shape), fit.own + 0.1 * rng.standard_normal(fit.own.shape)
    found = fisher_information(fit.design, fit.layout, fit.layout.effects(shared, own), fit.rates_at(shared, own))
    at, size = fit.layout.at, 1e-5
    assert (len(at["change"]), len(at["season"])) == (2, 2)
    for place in (*at["change"], *at["season"], at["month"][0, 0], at["month"][1, 12]):
        unit = size * np.eye(len(shared))[place]
        above, below = (log_likelihood(fit.design, fit.rates_at(shared + sign * unit, own)) for sign in (1, -1))
        slope = (above - below) / (2 * size)
        assert found.shared_score[place] == pytest.approx(slope, abs=1e-4, rel=1e-5)


def test_what_walks_is_the_month_as_today_would_record_it() -> None:
    """Moving the log factor, and the recorded months against it, leaves the walk where it was: only the factor's own prior changes."""
    fit = fitted()
    prior, layout = prior_of(fit), fit.layout
    moved = fit.shared.copy()
    of = layout.shared(moved)
    of["change"][0] += 0.7
    of["month"][:] -= 0.7 * layout.before_change[0]
    anchors = layout.at["month"][:, layout.every - layout.months]

    def penalty(shared: np.ndarray) -> float:
        away = shared - prior.shared_mean
        away_anchors, change = away[anchors], shared[layout.at["change"]]
        own = (away_anchors**2).sum() / 25 + (change**2).sum()  # the level of each walk and the factors have priors of their own
        return float(away @ prior.shared_precision @ away - own)

    assert penalty(moved) == pytest.approx(penalty(fit.shared), rel=1e-9)


@cache
def changed_company() -> tuple[CohortCounts, date, float, int]:
    """A company whose tool records more from a day on: its counts, the day, the factor and its true silent churn."""
    truth, rng = draw_truth("one_segment", 500)
    company, day, factor, _ = recording_change(truth, rng)
    return count_directly(company), day.date(), factor, company.truth["silent_churn"]


@cache
def answered(changes: tuple[RecordingChange, ...] | None) -> IcebergEstimate:
    return estimate_iceberg(replace(changed_company()[0], recording_changes=changes))


def test_the_range_holds_the_truth_again_once_the_change_is_named() -> None:
    counts, day, factor, true = changed_company()
    before, after = answered(()), answered((RecordingChange(day),))
    assert before.total.silent_churn.upper < true  # half of the complaints seem to have had no consequences
    assert after.total.silent_churn.lower <= true <= after.total.silent_churn.upper
    changed = next(one for one in after.diagnostics if one.code == "recording_changed")
    assert changed.values["lower"] <= factor <= changed.values["upper"]  # type: ignore[operator]
    assert after.total.vocal_customers > before.total.vocal_customers == counts.vocal_customers_total
    # Who is few enough to be hidden is judged by the customers that were recorded, not by as many as today's recording would have.
    assert after.cells is not None
    raw, shown = cells_of_counts(counts, Assumptions()).counted, counted_cells(after.cells).counted
    assert (shown <= raw + 1e-9).all()
    assert after.cells.vocal.sum() > raw[:-2].sum()


def test_until_it_is_answered_every_other_draw_is_of_the_other_reading() -> None:
    """The range is that of the mixture, the remark names both readings, and what is no draw holds both."""
    counts, _, _, true = changed_company()
    other = other_reading(counts)
    assert other is not None
    unanswered, unchanged, changed = answered(None), answered(()), answered(other.recording_changes)
    for name in ("silent_churn", "natural"):
        found = getattr(unanswered.draws, name)
        assert np.array_equal(found[::2], getattr(unchanged.draws, name)[::2])
        assert np.array_equal(found[1::2], getattr(changed.draws, name)[1::2])
    total = unanswered.total.silent_churn
    assert total.lower <= true <= total.upper
    codes = [one.code for one in unanswered.diagnostics]
    assert codes.index("recording_readings") == codes.index("recording_step_more") + 1
    values = unanswered.diagnostics[codes.index("recording_readings")].values
    assert (values["lower"], values["upper"]) == (unchanged.total.silent_churn.lower, unchanged.total.silent_churn.upper)
    assert (values["changed_lower"], values["changed_upper"]) == (changed.total.silent_churn.lower, changed.total.silent_churn.upper)
    noise = [one.total.placebo for one in (unanswered, unchanged, changed)]
    assert noise[0].upper == max(noise[1].upper, noise[2].upper)  # type: ignore[union-attr]
    assert unanswered.total.vocal_customers == unchanged.total.vocal_customers  # complainants as recorded
    again = estimate_iceberg(counts, warm=unanswered.fit_state)
    assert (again.total, again.categories) == (unanswered.total, unanswered.categories)
    for language in LANGUAGES:
        assert all(diagnostic_sentences(unanswered.diagnostics[codes.index("recording_readings")], Translator(language)))
        assert "{" not in headline(unanswered, Translator(language))


def test_an_answer_is_kept_with_the_counts_and_changes_their_digest() -> None:
    counts = volumes(np.ones(24))
    answered = replace(counts, recording_changes=(RecordingChange(date(2025, 2, 1)), RecordingChange(date(2025, 3, 1), "price: all")))
    denied = replace(counts, recording_changes=())
    assert len({one.digest for one in (counts, answered, denied)}) == 3
    for one in (counts, answered, denied):
        assert read_counts(write_counts(one)).recording_changes == read_tables(counts_parts(one)).recording_changes == one.recording_changes


def test_every_code_has_its_sentences() -> None:
    values = {"day": date(2025, 5, 1), "factor": 2.0, "lower": 1.5, "upper": 2.5, "change": "2025-05-01", "changes": "x", "names": "a", "merge": "b"}
    codes = ("recording_step_fewer", "recording_own_step_more", "recording_own_step_fewer", "recording_changed", "recording_change_outside")
    for language in LANGUAGES:
        for code in codes:
            says, todo = diagnostic_sentences(Diagnostic(code, "caution", dict(values), "price"), Translator(language))
            assert says
            assert todo
            assert "{" not in says + todo
