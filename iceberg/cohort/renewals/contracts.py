"""Contracts that a column of the customers file gives: customers counted by segment and contract, and the clock that this makes for each segment.

While they are counted, customers are grouped by segment and contract at once (`iceberg.ingest.schema.CONTRACT_MARK`), so that every count is known
for every contract. `add_contracts_up` then leaves the segments. What stays of the contracts is how long customers of each term were at risk in each
segment and tenure band, and how often they met a renewal of their own.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from iceberg.arrays import FloatArray, IntArray
from iceberg.cohort.axis_names import Names
from iceberg.cohort.counts import CELL_FIELDS, CohortCounts
from iceberg.cohort.day_counts import ComplaintClockCounts, TenureDayCounts
from iceberg.cohort.renewals.clock import TermOfSegments
from iceberg.ingest.schema import CONTRACT_MARK, SHORTEST_TERM

LIKELY_TERMS = (36, 24, 12, 6)  # of files that give the day of a renewal without the term
EARLY_SHARE = 0.05  # judgement: of customers whose first renewal may seem to come before a full term
MOST_CONTRACTS, LEAST_CONTRACTS, MOST_CELLS = 36, 4, 1500  # judgement: rarer contracts count as unknown; cells cost memory
_WRITTEN = re.compile(r"(\d*):(\d*)", re.ASCII)


@dataclass(frozen=True, order=True)
class Contract:
    """What binds a customer.

    Attributes:
        term_months: Months between renewals; 0 where nothing binds, -1 where the file does not say.
        first_months: Months from the first day to a renewal, whole terms taken off; 0 where they count from the first day.
    """

    term_months: int = -1
    first_months: int = 0

    @property
    def binds(self) -> bool:
        """Whether the customer waits for renewals: those bound for less than half a year leave almost as if they were free."""
        return self.term_months >= SHORTEST_TERM

    def renewals(self, until: int) -> IntArray:
        """Months of tenure before `until` at which the contract has run for a whole term."""
        return np.arange(self.first_months + self.term_months, until, self.term_months, dtype=np.int64) if self.binds else np.zeros(0, dtype=np.int64)

    def per_month(self, edges_months: Sequence[int], *, begin_together: bool) -> FloatArray:
        """(B,) renewals per month of tenure in each band, the last with them evenly; `begin_together`: also that after a first part of a term."""
        edges = np.asarray(edges_months)
        met = self.renewals(int(edges[-1]))
        if begin_together and self.first_months and self.binds:
            met = np.append(self.first_months, met)
        found = np.histogram(met, bins=edges)[0] / np.diff(edges) if len(edges) > 1 else np.zeros(0)
        return np.append(found, 1 / self.term_months if self.binds else 0.0)

    @classmethod
    def read(cls, written: str, *, term: int | None) -> Contract:
        """From the text behind the mark; `term` is that of customers of whom only a renewal is known."""
        found = _WRITTEN.fullmatch(written)
        own, months = (int(part) if part else None for part in found.groups()) if found else (None, None)
        months_between = own if own is not None else term
        if months_between is None or (own is None and months is None):
            return cls()
        if months_between < SHORTEST_TERM:
            return cls(0)
        first = (months or 0) % months_between
        return cls(months_between, 0 if first in {1, months_between - 1} else first)  # a month either way is how days are counted


@dataclass(frozen=True)
class ContractCells:
    """Places of segments and contracts together.

    Attributes:
        segments: The segments.
        contracts: K of them; the last one is that of customers of whom nothing is known.
        places: Place of every name of the file, segment * K + contract.
    """

    segments: Names
    contracts: tuple[Contract, ...]
    places: Mapping[str, int]

    @classmethod
    def of(cls, sizes: Mapping[str, int], largest: Callable[[dict[str, int]], Names], *, term: int | None) -> ContractCells | None:
        """From the customers by name, and what chooses the segments that stand apart; None where no name carries a contract."""
        written = {name: name.rpartition(CONTRACT_MARK) for name in sizes}
        if not any(mark for _, mark, _ in written.values()):
            return None
        segment = {name: before if mark else after for name, (before, mark, after) in written.items()}
        known = {name: after for name, (_, mark, after) in written.items() if mark}
        common = term or _term_of_days(known, sizes)
        contract = {name: Contract.read(after, term=common) for name, after in known.items()}
        if term:  # the user knows better than the column
            given = {name: replace(one, term_months=term, first_months=one.first_months % term) for name, one in contract.items() if one.binds}
            contract |= given
        by_segment, by_contract = dict[str, int](), dict[Contract, int]()
        for name, size in sizes.items():
            by_segment[segment[name]] = by_segment.get(segment[name], 0) + size
            one = contract.get(name, Contract())
            by_contract[one] = by_contract.get(one, 0) + size
        by_contract.pop(Contract(), None)
        segments = largest(by_segment)
        most = min(MOST_CONTRACTS, max(MOST_CELLS // max(len(segments.names), 1), LEAST_CONTRACTS))
        named = sorted(sorted(by_contract, key=lambda one: (-by_contract[one], one))[:most])
        order = {one: place for place, one in enumerate(named)}
        width = len(named) + 1
        places = {name: segments.place(segment[name]) * width + order.get(contract.get(name, Contract()), width - 1) for name in sizes}
        return cls(segments, (*named, Contract()), places)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the cells, as `contract_of` reads them."""
        return tuple(f"{name}{CONTRACT_MARK}{one.term_months}:{one.first_months}" for name in self.segments.names for one in self.contracts)


def _term_of_days(known: Mapping[str, str], sizes: Mapping[str, int]) -> int | None:
    """The longest likely term before which hardly any first renewal lies, among customers of whom only a renewal is known."""
    alone = [(int(after[1:]), sizes[name]) for name, after in known.items() if re.fullmatch(r":\d+", after, re.ASCII)]
    total = sum(size for _, size in alone)
    if not total:
        return None
    return next((term for term in LIKELY_TERMS if sum(size for months, size in alone if months < term - 1) <= EARLY_SHARE * total), None)


def contracts_of(counts: CohortCounts) -> tuple[Contract, ...] | None:
    """The contract of each cell of counts by segment and contract; None for counts by segment."""
    found = []
    for name in counts.segments:
        _, mark, written = name.rpartition(CONTRACT_MARK)
        if not mark:
            return None
        term, _, first = written.partition(":")
        found.append(Contract(int(term), int(first)))
    return tuple(found)


def add_contracts_up(counts: CohortCounts) -> CohortCounts:
    """The counts by segment alone; unchanged where no contract was counted."""
    if contracts_of(counts) is None:
        return counts
    names = tuple(dict.fromkeys(name.rpartition(CONTRACT_MARK)[0] for name in counts.segments))
    place = _segment_of_cells(counts)

    def summed(values: npt.NDArray[Any], axis: int) -> npt.NDArray[Any]:
        return np.stack([values.compress(place == segment, axis=axis).sum(axis=axis) for segment in range(len(names))], axis=axis)

    tenure, clock, observed = counts.tenure_days, counts.clock, counts.observed
    if observed is not None:
        rows = observed.clock
        observed = replace(
            observed,
            struck=summed(observed.struck, 1),
            voiced=summed(observed.voiced, 1),
            clock=ComplaintClockCounts.summed(rows.columns | {"segment": place[rows.segment]}),
        )
    firsts = [place.tolist().index(segment) for segment in range(len(names))]
    levels = tuple(_without_contract(counts.segment_levels[first]) for first in firsts if counts.segment_columns)
    cells: dict[str, Any] = {name: summed(getattr(counts, name), 0) for name in (*CELL_FIELDS, "silent_exit_revenue", "customers_at_risk")}
    return replace(
        counts,
        segments=names,
        segment_levels=levels,
        complainants=summed(counts.complainants, 1),
        tenure_days=TenureDayCounts.summed(tenure.columns | {"segment": place[tenure.segment]}),
        clock=ComplaintClockCounts.summed(clock.columns | {"segment": place[clock.segment]}),
        observed=observed,
        **cells,
    )


def _without_contract(levels: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(level.partition(CONTRACT_MARK)[0] for level in levels)


def _segment_of_cells(counts: CohortCounts) -> IntArray:
    names = [name.rpartition(CONTRACT_MARK)[0] for name in counts.segments]
    order = {name: place for place, name in enumerate(dict.fromkeys(names))}
    return np.array([order[name] for name in names], dtype=np.int64)


def terms_of_segments(counts: CohortCounts, *, begin_together: bool) -> tuple[TermOfSegments, ...]:
    """Of counts by segment and contract: how much of each segment and band is under each term, and how often its customers meet a renewal.

    Args:
        counts: By segment and contract.
        begin_together: Whether a first part of a term ends in a renewal, as where all contracts renew on one day of the year. Otherwise it is
            taken for the time before the contract.
    """
    contracts, place = contracts_of(counts) or (), _segment_of_cells(counts)
    segments = int(place.max()) + 1
    at_risk = counts.person_days.sum(axis=1).astype(np.float64)  # cells, bands
    total = np.zeros((segments, at_risk.shape[1]))
    np.add.at(total, place, at_risk)
    found = []
    for term in sorted({one.term_months for one in contracts if one.binds}):
        mine = np.array([one.term_months == term for one in contracts])
        under, met = np.zeros_like(total), np.zeros_like(total)
        per_month = np.stack([one.per_month(counts.band_edges_months, begin_together=begin_together) for one in contracts])
        np.add.at(under, place[mine], at_risk[mine])
        np.add.at(met, place[mine], (at_risk * per_month)[mine])
        share = np.where(total > 0, under / np.maximum(total, 1e-9), under.sum() / max(total.sum(), 1e-9))
        usual = np.broadcast_to(Contract(term).per_month(counts.band_edges_months, begin_together=False), share.shape)
        rate = np.where(under > 0, met / np.maximum(under, 1e-9), usual)
        found.append(TermOfSegments(term, _rounded(share), _rounded(rate)))
    return tuple(found)


def _rounded(values: FloatArray) -> tuple[tuple[float, ...], ...]:
    return tuple(tuple(round(float(value), 6) for value in row) for row in values)
