"""Contracts that a column gives: each customer's own renewals in the counts, and what happens where the departures contradict the column."""

from collections.abc import Callable
from dataclasses import replace
from datetime import date
from functools import partial
from typing import Any

import numpy as np
import pandas as pd
import pytest

from iceberg.cohort.axis_names import Names
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.renewals.contracts import Contract, ContractCells, add_contracts_up, contracts_of
from iceberg.cohort.window import ObservationWindow
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.schema import CONTRACT_MARK
from iceberg.store.counts_tables import counts_parts
from iceberg.store.counts_tables import read_counts as read_tables
from tests.companies import company_with_contracts

YEARS = ObservationWindow(date(2024, 7, 1), date(2026, 6, 29))
EDGES = (0, 1, 3, 6, 11, 13, 18, 23, 25, 35, 37)


def named(*parts: str) -> str:
    return CONTRACT_MARK.join(parts)


def test_a_contract_renews_at_whole_terms_from_its_own_beginning() -> None:
    assert Contract(24).renewals(80).tolist() == [24, 48, 72]
    assert Contract(12, 5).renewals(40).tolist() == [17, 29]
    assert Contract(0).renewals(40).tolist() == Contract().renewals(40).tolist() == []
    two_years = Contract(24).per_month(EDGES, begin_together=False)
    assert two_years.tolist() == [0, 0, 0, 0, 0, 0, 0, 0.5, 0, 0, 1 / 24]
    moved = Contract(12, 5).per_month(EDGES, begin_together=False)
    assert moved.tolist() == pytest.approx([0, 0, 0, 0, 0, 1 / 5, 0, 0, 1 / 10, 0, 1 / 12])
    assert Contract(12, 5).per_month(EDGES, begin_together=True)[2] == pytest.approx(1 / 3)


def test_what_a_file_says_of_a_contract_is_read_from_behind_the_segment() -> None:
    assert Contract.read("24:0", term=None) == Contract(24)
    assert Contract.read("12:5", term=None) == Contract(12, 5)
    assert Contract.read("12:11", term=None) == Contract(12)  # a month either way is how days are counted
    assert Contract.read("1:0", term=None) == Contract.read("0:", term=None) == Contract(0)
    assert Contract.read(":41", term=12) == Contract(12, 5)
    assert Contract.read(":41", term=None) == Contract.read(":", term=12) == Contract()


def test_segments_are_named_as_without_contracts_and_small_ones_taken_together() -> None:
    sizes = {named("north", "12:0"): 50, named("north", "24:0"): 20, "north": 5, named("south", "12:0"): 9, named("east", "12:0"): 3, "west": 2}
    cells = ContractCells.of(sizes, partial(Names.largest, most=3), term=None)
    assert cells is not None
    assert (cells.segments.names, cells.segments.others) == (("north", "south", "(other)"), 2)
    assert cells.contracts == (Contract(12), Contract(24), Contract())
    assert cells.places == {
        named("north", "12:0"): 0, named("north", "24:0"): 1, "north": 2, named("south", "12:0"): 3, named("east", "12:0"): 6, "west": 8,
    }  # fmt: skip
    assert ContractCells.of({"north": 3}, partial(Names.largest, most=3), term=None) is None


@pytest.mark.parametrize(("months", "term"), [((12, 24, 36, 41), 12), ((24, 24, 48, 30), 24), ((36, 72), 36), ((6, 12, 18), 6), ((2, 3, 4), None)])
def test_where_only_the_day_is_known_the_term_is_the_longest_that_no_first_renewal_contradicts(months: tuple[int, ...], term: int | None) -> None:
    cells = ContractCells.of({named("", f":{month}"): 100 for month in months}, partial(Names.largest, most=12), term=None)
    assert cells is not None
    assert {one.term_months for one in cells.contracts[:-1]} == ({term} if term else set())
    given = ContractCells.of({named("", f":{month}"): 100 for month in months}, partial(Names.largest, most=12), term=18)
    assert given is not None
    assert {one.term_months for one in given.contracts[:-1]} == {18}


def counted(customers: pd.DataFrame, complaints: pd.DataFrame | None = None, **options: Any) -> CohortCounts:
    tables, _ = load_tables(customers=customers, complaints=complaints)
    with tables:
        return reduce_tables(tables, window=YEARS, **options)


@pytest.fixture(scope="module")
def company() -> Callable[..., CohortCounts]:
    """Contracts of one and of two years, some of them begun five months after the first day; counted with some of the columns."""
    customers, complaints, _ = company_with_contracts(2, customers=20_000, twice=0.4, trial=0.3)

    def counts(*columns: str, **options: Any) -> CohortCounts:
        return counted(customers[["customer_id", "start_date", "end_date", "segment", *columns]], complaints, **options)

    return counts


def test_mixed_terms_are_followed_with_the_column_and_refused_without_it(company: Callable[..., CohortCounts]) -> None:
    without, term = company().renewals, company("contract length", "next renewal").renewals
    assert without is not None
    assert term is not None
    assert (without.source, without.unmodelled) == ("departures", "mixed_terms")
    assert (term.source, term.unmodelled, term.all_terms, term.column_unseen) == ("column", "", (12, 24), False)
    assert min(term.bound) > 0.9
    assert term.departures > 0.5


def test_the_clock_holds_the_time_under_each_term_and_its_renewals(company: Callable[..., CohortCounts]) -> None:
    """Bound are 0.7, of them 0.4 for two years; three in ten contracts begin five months after the first day."""
    counts = company("contract length", "next renewal")
    assert counts.renewals is not None
    one, two = counts.renewals.terms
    edges = list(counts.band_edges_months)
    assert edges[3:7] == [6, 11, 13, 18]
    assert np.array(one.share)[:, 1] == pytest.approx(0.42, abs=0.06)
    assert np.array(two.share)[:, 1] == pytest.approx(0.28, abs=0.06)
    assert np.array(one.per_month)[:, 4] == pytest.approx(0.7 / 2, abs=0.05)  # in the two months around the first renewal
    assert np.array(two.per_month)[:, edges.index(23)] == pytest.approx(0.7 / 2, abs=0.06)
    assert not np.array(two.per_month)[:, 4].any()


def test_the_counts_are_those_without_the_column(company: Callable[..., CohortCounts]) -> None:
    """Contracts are added up again: with the clock off nothing differs from a file without the column."""
    assert company("contract length", "next renewal", term=0).digest == company(term=0).digest


def test_clock_and_counts_travel_together(company: Callable[..., CohortCounts]) -> None:
    counts = company("contract length")
    assert read_counts(write_counts(counts)).renewals == read_tables(counts_parts(counts)).renewals == counts.renewals
    assert counts.renewals is not None
    south = counts.select(segments=["south"]).renewals
    assert south is not None
    assert south.terms[0].share == (counts.renewals.terms[0].share[counts.segments.index("south")],)


def test_several_segment_columns_keep_their_levels(company: Callable[..., CohortCounts]) -> None:
    customers, complaints, _ = company_with_contracts(2, customers=6_000, twice=0.4)
    customers = customers.assign(plan=np.where(np.arange(len(customers)) % 3 > 0, "basic", "premium"))
    choices = {"customer_id": "customer_id", "start_date": "start_date", "end_date": "end_date", "term": "contract length"}
    made = {}
    for name, more in (("with", choices), ("without", {key: value for key, value in choices.items() if key != "term"})):
        mapping = MappingSet.from_dict({"customers": {"columns": more, "segments": ["segment", "plan"]}})
        tables, _ = load_tables(customers=customers, complaints=complaints, mapping=mapping)
        with tables:
            made[name] = reduce_tables(tables, window=YEARS)
    assert made["with"].segments == made["without"].segments
    assert made["with"].segment_levels == made["without"].segment_levels
    assert made["with"].renewals is not None
    assert made["with"].renewals.all_terms == (12, 24)


def test_a_column_that_the_departures_contradict_is_not_followed(company: Callable[..., CohortCounts]) -> None:
    """Contracts at random beside customers who leave when they wish, and beside customers who are bound otherwise."""
    rng = np.random.default_rng(5)
    free, complaints, _ = company_with_contracts(3, customers=12_000, bound=0.0)
    said = counted(free.assign(term=rng.choice([12, 24], len(free))), complaints).renewals
    assert said is not None
    assert (said.source, said.unmodelled, said.column_unseen, said.blocks) == ("column", "unconfirmed", True, False)
    bound, complaints, _ = company_with_contracts(3, customers=12_000)
    for wrong in (18, 24):
        said = counted(bound.assign(term=wrong), complaints).renewals
        assert said is not None
        assert (said.source, said.term_months, said.unmodelled, said.column_unseen) == ("departures", 12, "", True)


def test_a_column_that_names_one_term_where_there_are_two_is_refused(company: Callable[..., CohortCounts]) -> None:
    customers, complaints, _ = company_with_contracts(2, customers=20_000, twice=0.4)
    said = counted(customers[["customer_id", "start_date", "end_date", "segment"]].assign(term=12), complaints).renewals
    assert said is not None
    assert (said.source, said.unmodelled, said.blocks) == ("column", "mixed_terms", True)


def test_a_term_longer_than_the_window_is_refused(company: Callable[..., CohortCounts]) -> None:
    customers, complaints, _ = company_with_contracts(2, customers=20_000, term_months=36)
    said = counted(customers.assign(term=36), complaints).renewals
    assert said is not None
    assert (said.unmodelled, said.term_months) == ("short_window", 36)


def test_hand_worked_counts_by_contract() -> None:
    """Two segments, three contracts, six customers: all counts are those of the segments, whatever the contracts."""
    customers = pd.DataFrame(
        {
            "customer_id": list("abcdef"),
            "start_date": ["2024-07-01", "2024-07-01", "2024-08-01", "2024-07-01", "2025-01-01", "2025-01-01"],
            "end_date": [None, "2025-07-01", None, "2026-07-01", None, "2026-01-01"],
            "segment": ["north", "north", "north", "south", "south", "south"],
            "revenue": [10.0, 20.0, 30.0, 40.0, 50.0, 60.0],
        }
    )
    complaints = pd.DataFrame({"customer_id": ["a", "b", "d"], "complaint_date": ["2025-01-10", "2025-06-10", "2025-03-10"], "category": "billing"})
    plain = counted(customers, complaints)
    marked = counted(customers.assign(term=["12", "24", "", "12", "24", "none"]), complaints, term=0)
    assert marked.segments == ("north", "south")
    assert marked.digest == plain.digest
    assert marked.customers_at_risk.tolist() == [3, 3]
    assert marked.departures == 2
    assert add_contracts_up(plain) is plain
    assert contracts_of(replace(plain, segments=(named("n", "12:0"), named("n", "-1:0")))) == (Contract(12), Contract())
