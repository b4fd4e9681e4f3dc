"""Contracts in the model: those bound leave at the first renewal after their decision, in the hazard, the delay and the words."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.renewals.clock import Renewals, TermOfSegments
from iceberg.cohort.window import ObservationWindow
from iceberg.ingest.load import load_tables
from iceberg.locale import Translator
from iceberg.model.assumptions import Assumptions
from iceberg.model.canonical import reorder
from iceberg.model.departures.fit.design import LexisDesign, departure_columns, evaluate_rates
from iceberg.model.departures.fit.model import ExcessHazardFit, fit_excess_hazard
from iceberg.model.departures.fit.renewals import RenewalClock
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.results import IcebergEstimate
from iceberg.model.survival.delay_kernel import integrated_share, lag_weights, share_within, until_renewal
from iceberg.report.words import headline_reservation, headline_sentence
from tests.companies import company_with_contracts

YEARS = ObservationWindow(date(2024, 7, 1), date(2026, 6, 29))
YEARLY = Renewals(12, (0.8, 0.3), 0.4, 0.5)
DELAY = np.array([np.log(45.0), np.log(1.3)])


@pytest.fixture(scope="module")
def company() -> tuple[CohortCounts, int]:
    """A company with contracts of a year, and its true silent churn."""
    customers, complaints, truth = company_with_contracts(4, customers=30_000)
    tables, _ = load_tables(customers=customers, complaints=complaints)
    with tables:
        return reduce_tables(tables, window=YEARS), truth


@pytest.fixture(scope="module")
def clock() -> RenewalClock:
    """The clock of two segments over two years."""
    counts = CohortCounts.zeros(YEARS, segments=("a", "b"), band_edges_months=YEARLY.band_edges_months, renewals=YEARLY)
    made = LexisDesign.of(counts, lags=16).clock
    assert made is not None
    return made


def test_free_customers_leave_as_they_would_without_contracts(clock: RenewalClock) -> None:
    by_lag = lag_weights(DELAY, 16)
    free = clock.weights(-40.0, by_lag)
    assert free == pytest.approx(np.broadcast_to(by_lag[:, None], free.shape), abs=1e-6)
    wish = np.full((2, 24, 16), 0.02)
    assert clock.natural(-40.0, wish) == pytest.approx(wish, abs=1e-6)


def test_the_struck_of_a_whole_term_leave_at_its_renewal(clock: RenewalClock) -> None:
    """All bound, no delay: of the months 0 to 12 before the renewal all leave, of the first and last half; one renewal in two months of a band."""
    at_once = np.append(1.0, np.zeros(16))
    weights = clock.weights(40.0, at_once)
    renewal, between = list(YEARLY.band_edges_months).index(23), list(YEARLY.band_edges_months).index(13)
    assert weights[0, :, renewal] == pytest.approx(np.array([0.25, *[0.5] * 11, 0.25, *[0.0] * 4]), abs=1e-6)
    assert weights[0, :, between] == pytest.approx(0.0, abs=1e-6)


def test_nobody_is_lost_on_the_way_to_a_renewal(clock: RenewalClock) -> None:
    """Over a term every decision becomes one departure, whatever the delay."""
    by_lag = np.array([0.2, 0.5, 0.2, 0.1, *[0.0] * 13])
    weights = clock.weights(40.0, by_lag)
    edges = YEARLY.band_edges_months
    months = np.diff(edges)[[list(edges).index(13), list(edges).index(18), list(edges).index(23)]].sum()
    assert months == 12
    of_term = sum(weights[0, :, list(edges).index(edge)].sum() * width for edge, width in ((13, 5), (18, 5), (23, 2)))
    assert of_term == pytest.approx(12.0, abs=1e-6)


def test_customers_under_two_terms_meet_the_renewals_of_their_own() -> None:
    """Half of segment a is under one year and a quarter under two; b is free. Of the year 12 months of wishes leave, of two years 24."""
    edges = YEARLY.band_edges_months
    at, counts = list(edges).index(23), CohortCounts.zeros(YEARS, segments=("a", "b"), band_edges_months=edges)
    rates = [Renewals(term, (0.5, 0.5), 0.4, 0.5).per_month(edges) for term in (12, 24)]
    terms = tuple(
        TermOfSegments(term, ((share,) * len(edges), (0.0,) * len(edges)), (tuple(rate), tuple(rate)))
        for term, share, rate in zip((12, 24), (0.5, 0.25), rates, strict=True)
    )
    held = Renewals(12, (0.999, 0.999), 0.4, 0.5, source="column", terms=terms)
    mixed = LexisDesign.of(replace(counts, renewals=held), lags=23).clock
    assert mixed is not None
    natural = mixed.natural(40.0, np.full((2, 24, len(edges)), 0.001))
    assert natural[0, 23, at] == pytest.approx(0.25 * 0.001 + 0.5 * 0.5 * 12 * 0.001 + 0.25 * 0.5 * 24 * 0.001, rel=0.02)
    assert natural[0, 23, list(edges).index(11)] == pytest.approx(0.25 * 0.001 + 0.5 * 0.5 * 11.5 * 0.001, rel=0.06)
    assert natural[1] == pytest.approx(np.full((24, len(edges)), 0.001))
    at_once = np.append(1.0, np.zeros(23))
    weights = mixed.weights(40.0, at_once)
    assert weights[0, :13, at] == pytest.approx([0.25 + 0.375 / 2, *[0.375] * 11, 0.125 + 0.125], abs=1e-6)
    assert weights[0, 13:, at] == pytest.approx(0.125, abs=1e-6)


def test_mixed_terms_are_estimated_by_their_column() -> None:
    """Without it no range is given; with it the range holds the truth, and the departures are put down to the customers' own renewals."""
    customers, complaints, truth = company_with_contracts(4, customers=20_000, twice=0.4)
    tables, _ = load_tables(customers=customers, complaints=complaints)
    with tables:
        counts = reduce_tables(tables, window=YEARS)
    estimate = estimate_iceberg(counts)
    (remark,) = (one for one in estimate.diagnostics if one.code.startswith("renewals"))
    assert (remark.code, remark.values["terms"]) == ("renewals_by_column", "12, 24")
    churn = estimate.total.silent_churn
    assert churn.lower <= truth <= churn.upper
    assert churn.upper < 2.2 * churn.lower
    for language in ("en", "fr"):
        assert "12, 24" in Translator(language).text("diagnostics.renewals_by_column.says", **remark.values)
    unseen = Renewals(12, (0.5,) * 4, 0.4, 0.0, source="column", unmodelled="unconfirmed", column_unseen=True)
    assert diagnose_column(replace(counts, renewals=unseen)) == ["renewals_column_not_seen"]


def diagnose_column(counts: CohortCounts) -> list[str]:
    return [one.code for one in estimate_iceberg(counts, assumptions=Assumptions(draws=200)).diagnostics if one.code.startswith("renewals")]


def test_a_steady_wish_gathers_over_the_term(clock: RenewalClock) -> None:
    """A hazard of 0.02: those bound leave with 12 x 0.02 at a renewal, which half of each month of its band brings; the free with 0.02 a month."""
    natural = clock.natural(0.0, np.full((2, 24, 16), 0.02))
    edges = list(YEARLY.band_edges_months)
    assert natural[0, :, edges.index(23)] == pytest.approx(0.2 * 0.02 + 0.8 * 0.5 * 12 * 0.02)
    assert natural[1, :, edges.index(13)] == pytest.approx(0.7 * 0.02)
    assert natural[0, :, edges.index(61)] == pytest.approx(0.02)


def test_the_derivatives_are_those_of_the_departures(company: tuple[CohortCounts, int]) -> None:
    counts, _ = company
    fit = fit_excess_hazard(counts, Assumptions())
    columns = _columns(fit)
    for name, position, column in (
        ("delay", (0, 0), columns[1]),
        ("delay", (1, 1), columns[1] + 3),
        ("tilt", 0, columns[5]),
        ("bound", 0, columns[6]),
        ("natural_month", 5, columns[2] + 5),
        ("natural_band", 7, columns[3] + int(fit.layout.free_bands[7])),
        ("ratio", 1, columns[4] + 1),
    ):
        at, step = fit.layout.at[name][position], 1e-5
        high, low = fit.shared.copy(), fit.shared.copy()
        high[at] += step
        low[at] -= step
        slope = (fit.rates_at(high, fit.own).departures - fit.rates_at(low, fit.own).departures) / (2 * step)
        assert columns[0][..., column].reshape(slope.shape) == pytest.approx(slope, rel=1e-3, abs=1e-4), name


def _columns(fit: ExcessHazardFit) -> tuple[np.ndarray, int, int, int, int, int, int]:
    effects = fit.layout.effects(fit.shared, fit.own)
    found = departure_columns(fit.design, effects, evaluate_rates(fit.design, effects))
    return found.matrix, found.delay, found.natural_month, found.natural_band, found.ratio, found.tilt, found.bound


def test_a_decision_waits_half_a_term_on_average() -> None:
    """At once decided, half of those bound have left after half a term, all after a term."""
    days = np.array([0.0, 182.6, 365.25, 900.0])
    assert until_renewal(lambda day: (day >= 0).astype(float), days, 12) == pytest.approx([0.0, 0.5, 1.0, 1.0], abs=0.03)


@pytest.mark.parametrize(("mean", "shape"), [(45.0, 1.3), (11.0, 0.27), (900.0, 0.5), (160.0, 4.0)])
def test_the_integral_of_the_share_that_has_left_is_that_of_the_share(mean: float, shape: float) -> None:
    """Added up day by day, from nothing before the first day on."""
    location, edges = np.log([mean, shape]), np.array([-20.0, 0.0, 30.0, 200.0, 910.0])
    fine = np.linspace(0.0, 1.0, 40_001) ** 4 * edges[-1]  # steep near the first day
    share = share_within(location, fine)
    summed = np.concatenate([[0.0], np.cumsum((share[1:] + share[:-1]) / 2 * np.diff(fine))])
    assert integrated_share(location, edges) == pytest.approx(np.interp(np.maximum(edges, 0.0), fine, summed), rel=1e-5, abs=1e-9)


@pytest.fixture(scope="module")
def estimate(company: tuple[CohortCounts, int]) -> IcebergEstimate:
    """Its estimate."""
    return estimate_iceberg(company[0])


def test_the_range_holds_the_truth_of_a_company_with_contracts(company: tuple[CohortCounts, int], estimate: IcebergEstimate) -> None:
    counts, truth = company
    total = estimate.total.silent_churn
    assert total.lower <= truth <= total.upper
    assert "renewals_modelled" in {one.code for one in estimate.diagnostics}
    draws = estimate.draws
    assert np.array_equal(draws.silent_churn.sum(axis=1) + draws.natural, np.broadcast_to(counts.silent_exits.sum(2), draws.natural.shape))


def test_the_order_of_segments_changes_nothing_and_the_share_bound_moves_with_them(company: tuple[CohortCounts, int]) -> None:
    counts, _ = company
    turned = reorder(counts, np.arange(len(counts.categories)), np.arange(len(counts.segments))[::-1])
    assert turned.renewals is not None
    assert counts.renewals is not None
    assert turned.renewals.bound == counts.renewals.bound[::-1]


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("why", ["short_window", "mixed_terms"])
def test_where_renewals_cannot_be_followed_no_range_is_given(company: tuple[CohortCounts, int], why: str, language: str) -> None:
    counts, truth = company
    assert counts.renewals is not None
    refused = estimate_iceberg(replace(counts, renewals=replace(counts.renewals, unmodelled=why)))  # type: ignore[arg-type]
    first = refused.diagnostics[0]
    assert (first.code, first.severity) == (f"renewals_not_fitted_{why}", "warning")
    assert (refused.evidence.kind, refused.evidence.level.corrects_ratio) == ("assumption_led", False)
    assert ("renewals_not_modelled", {"term": 12}) in refused.evidence.reasons
    words = Translator(language)
    refusal = {"en": "No range can be given", "fr": "Aucune fourchette ne peut être donnée"}[language]
    assert refusal.lower() in headline_sentence(refused, words).lower()
    assert refusal in headline_reservation(refused, words)
    assert refused.total.silent_churn.lower <= truth <= refused.total.silent_churn.upper
