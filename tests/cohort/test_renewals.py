"""Contracts in the counts: what is taken for a renewal, what is not, and the tenure bands that renewals get."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.day_counts import TenureDayCounts
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.renewals.clock import Renewals
from iceberg.cohort.renewals.search import likely_term, read_renewals, share_bound
from iceberg.cohort.window import ObservationWindow
from iceberg.ingest.load import load_tables
from iceberg.store.counts_tables import counts_parts
from iceberg.store.counts_tables import read_counts as read_tables
from tests.companies import company_with_contracts

YEARS = ObservationWindow(date(2024, 7, 1), date(2026, 6, 29))
YEARLY = Renewals(12, (0.7, 0.4), 0.4, 0.5)


def test_a_renewal_has_the_month_before_and_the_month_after_for_itself() -> None:
    edges = YEARLY.band_edges_months
    assert edges == (0, 1, 3, 6, 11, 13, 18, 23, 25, 35, 37, 47, 49, 59, 61, 97)
    assert [edges[place] for place in YEARLY.at_renewal(edges)] == [11, 23, 35, 47, 59]


@pytest.mark.parametrize("term", [6, 7, 12, 18, 24, 36, 60])
def test_no_renewal_is_lost_between_the_bands(term: int) -> None:
    renewals = Renewals(term, (0.5,), 0.4, 0.5)
    edges = np.array(renewals.band_edges_months)
    per_month = renewals.per_month(renewals.band_edges_months)
    met = float(per_month[:-1] @ np.diff(edges))
    assert met == pytest.approx((edges[-1] - 1) // term)
    assert per_month[-1] == pytest.approx(1 / term, rel=0.02)
    assert renewals.binds(renewals.band_edges_months).all()


def test_a_first_term_binds_no_longer_than_it_lasts() -> None:
    first = replace(YEARLY, first_only=True)
    edges = first.band_edges_months
    assert edges == (0, 1, 3, 6, 11, 13, 18, 24, 36, 60, 96)
    assert first.per_month(edges).tolist() == [0, 0, 0, 0, 0.5, 0, 0, 0, 0, 0, 0]
    assert first.binds(edges).tolist() == [1, 1, 1, 1, 1, 0, 0, 0, 0, 0, 0]


def test_the_share_bound_is_that_at_which_one_hazard_explains_both_rates() -> None:
    """0.7 are bound and everybody wishes to leave at 0.02 a month: 0.7 x 0.2134 leave at the renewal, 0.3 x 0.02 a month beside it."""
    assert share_bound(0.7 * 0.21337, 0.006, 12) == pytest.approx(0.7, abs=1e-4)
    assert share_bound(0.0, 0.02, 12) == pytest.approx(0.005)


def lives(peaks: Mapping[int, float], *, longest: int = 1500, slope: float = 0.0) -> CohortCounts:
    """Counts of departures by day of tenure: some each day, and near each day of `peaks` so many times as many for ten days."""
    days = np.arange(longest)
    at_risk = np.linspace(20_000, 8_000, longest)
    rate = 1e-3 * np.exp(-slope * days / 365)
    for day, times in peaks.items():
        rate[day : day + 10] *= times
    exits = np.round(at_risk * rate).astype(np.int64)
    gone = np.append(0, np.cumsum(exits)[:-1])
    entered = np.diff(np.round(at_risk + gone), prepend=0).astype(np.int64)
    zero = np.zeros(longest, dtype=np.int64)
    censored = np.maximum(-entered, 0)
    entered = np.maximum(entered, 0)
    censored[-1] += entered.sum() - exits.sum() - censored.sum()
    tenure = TenureDayCounts(zero, zero, days, entered, exits, censored)
    return CohortCounts.zeros(YEARS, has_customers=True, tenure_days=tenure)


@pytest.mark.parametrize(
    ("peaks", "term"),
    [
        ({360: 20, 725: 20, 1090: 20}, (12, False)),
        ({365: 20}, (12, True)),
        ({182: 20, 365: 20, 547: 20, 730: 20, 913: 20, 1095: 20}, (6, False)),
        ({730: 20, 1460: 20}, (24, False)),
        ({1095: 20}, (36, False)),
        ({}, None),
        ({30: 20}, None),
        ({90: 20, 180: 20}, None),
        ({365: 2, 730: 2, 1095: 2}, None),
        (dict.fromkeys(range(30, 1480, 30), 20), None),
    ],
    ids=["yearly", "first year", "half-yearly", "two years", "three years", "free", "trial", "early", "a little", "monthly bills"],
)
def test_a_term_is_likely_where_departures_gather_at_its_renewals(peaks: dict[int, float], term: tuple[int, bool] | None) -> None:
    assert likely_term(lives(peaks)) == term
    assert likely_term(lives(peaks, slope=1.0)) == term


@pytest.fixture(scope="module")
def contracts() -> Callable[[int | None], CohortCounts]:
    """The counts of one company with contracts of a year, under what the user says of them."""
    customers, complaints, _ = company_with_contracts()
    made: dict[int | None, CohortCounts] = {}

    def counted(term: int | None) -> CohortCounts:
        if term not in made:
            tables, _ = load_tables(customers=customers, complaints=complaints)
            with tables:
                made[term] = reduce_tables(tables, window=YEARS, term=term)
        return made[term]

    return counted


def test_contracts_are_found_with_the_share_of_customers_they_bind(contracts: Callable[[int | None], CohortCounts]) -> None:
    counts = contracts(None)
    renewals = counts.renewals
    assert renewals is not None
    assert (renewals.term_months, renewals.first_only, renewals.source, renewals.modelled) == (12, False, "departures", True)
    assert counts.band_edges_months == renewals.band_edges_months
    assert np.array(renewals.bound) == pytest.approx(0.7, abs=0.08)
    assert 0.4 < renewals.departures < 0.8


def test_a_user_who_says_that_there_are_none_is_believed(contracts: Callable[[int | None], CohortCounts]) -> None:
    free = contracts(0)
    assert free.renewals is None
    assert free.departures == contracts(None).departures


def test_a_term_that_departures_do_not_show_is_named_and_changes_no_count(contracts: Callable[[int | None], CohortCounts]) -> None:
    said = contracts(9)
    assert said.renewals is not None
    assert (said.renewals.unmodelled, said.renewals.blocks) == ("unconfirmed", False)
    assert replace(said, renewals=None).digest == contracts(0).digest


def test_two_years_cannot_be_followed_in_a_window_of_two(contracts: Callable[[int | None], CohortCounts]) -> None:
    said = contracts(24)
    assert said.renewals is not None
    assert (said.renewals.unmodelled, said.renewals.blocks, said.renewals.source) == ("short_window", True, "user")


def test_contracts_of_one_and_of_two_years_in_one_file_are_not_followed(contracts: Callable[[int | None], CohortCounts]) -> None:
    """Every second renewal takes as many customers as the first and as many again."""
    counts = contracts(None)
    edges = list(counts.band_edges_months)
    exits = counts.silent_exits.copy()
    for edge in (23, 47):
        exits[..., edges.index(edge)] *= 2
    more = replace(counts, silent_exits=exits, silent_person_days=np.maximum(counts.silent_person_days, exits))
    for one, why in ((counts, ""), (more, "mixed_terms")):
        renewals = read_renewals(one, term=12)
        assert renewals is not None
        assert renewals.unmodelled == why


def test_renewals_travel_with_the_counts_and_with_their_segments(contracts: Callable[[int | None], CohortCounts]) -> None:
    counts = contracts(None)
    assert counts.digest != replace(counts, renewals=None).digest
    assert read_counts(write_counts(counts)).renewals == read_tables(counts_parts(counts)).renewals == counts.renewals
    south = counts.select(segments=["south"]).renewals
    assert south is not None
    assert counts.renewals is not None
    assert south.bound == (counts.renewals.bound[counts.segments.index("south")],)
    with pytest.raises(ValueError, match="share of bound"):
        replace(counts, renewals=YEARLY)


def test_a_wave_of_customers_who_meet_a_bad_month_a_year_later_is_no_contract() -> None:
    """Half of all customers came in March 2024; in March 2025 a fifth of everybody leaves."""
    rng = np.random.default_rng(3)
    size = 12_000
    wave = rng.random(size) < 0.5
    start = np.where(wave, pd.Timestamp(2024, 3, 1).value // 86_400_000_000_000 + rng.integers(0, 31, size), rng.integers(18_000, 20_000, size))
    last = start + rng.exponential(3000, size).astype(np.int64)
    bad = (rng.random(size) < 0.2) & (start < 20_140)
    march = 20_148 + rng.integers(0, 31, size)
    last = np.where(bad, np.minimum(last, march), last)
    ends = pd.to_datetime(last, unit="D").where(last < 20_634)
    names = [f"C{number}" for number in range(size)]
    customers = pd.DataFrame({"customer_id": names, "start_date": pd.to_datetime(start, unit="D"), "end_date": ends})
    tables, _ = load_tables(customers=customers)
    with tables:
        counts = reduce_tables(tables, window=YEARS)
    assert likely_term(counts) is not None
    assert counts.renewals is None
