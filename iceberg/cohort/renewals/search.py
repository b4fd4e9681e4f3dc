"""Finds renewals in the departures: customers bound by a contract leave near its renewals, 12, 24, 36 months after their first day.

In two steps. The exact days of tenure, which every reduction counts, say whether a term is likely: departures within a month of its renewals
against those of the three months before and after. Only then the counts are made again, with the renewals in tenure bands of their own
(`Renewals.band_edges_months`), and the departures in these are compared with those of the bands beside them inside each calendar month and
segment, so that neither an acquisition wave whose customers meet a bad month a year later nor a season is taken for a contract. Where that
does not confirm it, the first counts stand.

A term is likely, and confirmed, where departures at its renewals are more than `LEAST_RATIO` times as frequent and chance would do that once
in `CHANCE`. Terms tried: half a year, a year, two and three years. A peak at the first renewal alone, with enough customers seen at a later
one, is a first term that binds and no more. Where every second renewal takes more customers than the others, terms are mixed.

The share bound is that at which a natural hazard common to all explains both rates: off the renewals only the free leave; at a renewal those
bound leave whose wish to go fell into the whole term before it.

References:
    Mantel, Haenszel (1959), J Natl Cancer Inst 22: a ratio of rates over strata; DerSimonian, Laird (1986), Control Clin Trials 7.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from scipy.special import bdtrc

from iceberg.arrays import FloatArray, IntArray
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.renewals.calendar import find_calendar_ends
from iceberg.cohort.renewals.clock import Renewals, TermOfSegments, Unmodelled, edges_around
from iceberg.cohort.renewals.contracts import Contract, add_contracts_up, contracts_of, terms_of_segments

DAYS_PER_MONTH = 365.25 / 12
HALF_MONTH = DAYS_PER_MONTH / 2
# Judgement, grade D, set on simulated companies; rates in docs/explanation/how-often-it-is-right.md.
LEAST_RATIO, CHANCE = 2.0, 1e-6
LEAST_RATIO_SAID = 1.3  # where the user gives the term
TERMS = (12, 24, 36)  # and 6, where the half years between stand out as well
BESIDE_MONTHS = 3
LATEST_MONTHS = 120
ENOUGH = 10.0  # departures that a flat hazard lets expect at a renewal before its silence means anything
WINDOW_TERMS = 1.5  # a window of fewer terms shows too few renewals
MIXED_RATIO = 1.3  # at every second renewal over the others: at most 0.95 where all have one term, 1.7 where two fifths have twice the term
LEAST_BETWEEN_SD = 0.1  # of the share bound between segments, on the logit scale
LEAST_SHARE = 0.005  # bound, and free
BOUND_BY_COLUMN = 0.9, 1.0  # share of those under a term who keep to it, and its doubt on the logit scale, where departures are too few to say
LONG_TERM_SHARE = 0.1  # of the time at risk under a term that is longer than the window, from which on it cannot be passed over
LEAST_BOUND_SD = 0.4  # on the logit scale: the natural hazard of those bound need not be that of the free


@dataclass(frozen=True, eq=False)
class _HalfMonths:
    """(L,) days at risk and departures by half month of tenure."""

    at_risk: FloatArray
    exits: FloatArray

    @classmethod
    def of(cls, counts: CohortCounts, cells: IntArray | None = None) -> _HalfMonths:
        """Of all customers, or of those in some cells."""
        days = counts.tenure_days if cells is None else counts.tenure_days.where(np.isin(counts.tenure_days.segment, cells))
        size, bins = int(days.tenure_day.max(initial=0)) + 2, 2 * LATEST_MONTHS
        entered, ended, exits = np.zeros(size), np.zeros(size), np.zeros(size)
        np.add.at(entered, days.tenure_day, days.entered)
        np.add.at(ended, days.tenure_day + 1, days.exited + days.censored)
        np.add.at(exits, days.tenure_day, days.exited)
        half = np.minimum((2 * np.arange(size) / DAYS_PER_MONTH).astype(np.int64), bins)  # the last one holds all that is later
        at_risk, left = (np.bincount(half, values, bins + 1)[:-1] for values in (np.cumsum(entered - ended), exits))
        return cls(np.asarray(at_risk, dtype=np.float64), np.asarray(left, dtype=np.float64))

    def around(self, renewals: Sequence[int]) -> FloatArray:
        """(4,) departures and half months at risk within a month of these months of tenure, and the same of the three months on either side."""
        middle = 2 * np.array([month for month in renewals if month + BESIDE_MONTHS < LATEST_MONTHS], dtype=np.int64)
        here = (middle[:, None] + np.arange(-2, 2)).ravel()
        beside = (middle[:, None] + np.concatenate([np.arange(-2 - 2 * BESIDE_MONTHS, -2), np.arange(2, 2 + 2 * BESIDE_MONTHS)])).ravel()
        here, beside = here[here >= 0], beside[beside >= 0]
        parts = [self.exits[here], self.at_risk[here], self.exits[beside], self.at_risk[beside]]
        return np.array([float(part.sum()) for part in parts])

    def stands_out(self, renewals: Sequence[int]) -> bool | None:
        """Whether departures within a month of these months of tenure are far more frequent than beside them; None where they can not say."""
        around = self.around(renewals)
        if self.exits.sum() * around[1] < ENOUGH * self.at_risk.sum():
            return None
        here, at_risk, beside, at_risk_beside = around.tolist()
        return _more_frequent(here, at_risk, beside, at_risk_beside)


def _more_frequent(exits: float, at_risk: float, exits_beside: float, at_risk_beside: float, ratio: float = LEAST_RATIO) -> bool:
    share = at_risk / max(at_risk + at_risk_beside, 1.0)
    improbable = exits > 0 and bdtrc(int(exits) - 1, int(exits + exits_beside), share) < CHANCE
    return bool(improbable and exits * at_risk_beside > ratio * exits_beside * at_risk)


def likely_term(counts: CohortCounts) -> tuple[int, bool] | None:
    """The term whose renewals stand out in the days of tenure, and whether only its first one does."""
    tenure = _HalfMonths.of(counts)
    for term in TERMS:
        first = tenure.stands_out([term])
        if first is None:  # few customers are so young
            first = tenure.stands_out(range(3 * term, LATEST_MONTHS, 2 * term))
        if not first:
            continue
        if term == TERMS[0] and tenure.stands_out([6]) and tenure.stands_out([18]):
            return 6, False
        return term, tenure.stands_out(range(2 * term, LATEST_MONTHS, term)) is False
    return None


@dataclass(frozen=True, eq=False)
class _Renewing:
    """(K, S, M) departures and months at risk in the bands of K renewals, and in the two bands beside each."""

    exits: FloatArray
    at_risk: FloatArray
    exits_beside: FloatArray
    at_risk_beside: FloatArray

    @classmethod
    def of(cls, counts: CohortCounts, renewals: Renewals) -> _Renewing:
        bands = renewals.at_renewal(counts.band_edges_months)
        # Late bands hold renewals of their own.
        plain = (renewals.per_month(counts.band_edges_months) == 0).astype(np.float64)[:, None, None]
        exits = (counts.silent_exits + counts.vocal_exits).astype(np.float64).transpose(2, 0, 1)
        at_risk = (counts.person_days / DAYS_PER_MONTH).transpose(2, 0, 1)
        # Who leaves at the renewal would have spent the rest of the band at risk: as many months as come after the renewal.
        return cls(
            exits[bands],
            at_risk[bands] + exits[bands],
            (exits * plain)[bands - 1] + (exits * plain)[bands + 1],
            (at_risk * plain)[bands - 1] + (at_risk * plain)[bands + 1],
        )

    def ratio(self) -> float:
        """Departures at renewals as a multiple of those beside them, inside each segment and month."""
        both = np.maximum(self.at_risk + self.at_risk_beside, 1e-9)
        here, beside = (self.exits * self.at_risk_beside / both).sum(), (self.exits_beside * self.at_risk / both).sum()
        return float(here / max(beside, 0.5))

    def rate_beside(self) -> float:
        """Monthly hazard beside the renewals."""
        return float((self.exits_beside.sum() + 0.5) / (self.at_risk_beside.sum() + 1.0))

    def leave(self) -> float:
        """Probability of leaving at a renewal, beyond the hazard beside it."""
        return min(max(2 * (self.ratio() - 1) * self.rate_beside(), 0.0), 0.99)

    def mixes_terms(self) -> bool:
        """Whether every second renewal takes more customers than the others: some of them are bound for twice the term."""
        every_second, others = self._renewals(1), self._renewals(0)
        return bool(every_second.exits.sum() >= ENOUGH and every_second.leave() > MIXED_RATIO * others.leave())

    def _renewals(self, first: int) -> _Renewing:
        return _Renewing(*(part[first::2] for part in (self.exits, self.at_risk, self.exits_beside, self.at_risk_beside)))

    def where(self, segment: int) -> _Renewing:
        """One segment."""
        return _Renewing(*(getattr(self, name)[:, [segment]] for name in ("exits", "at_risk", "exits_beside", "at_risk_beside")))


def share_bound(leave: float, rate_beside: float, term_months: int) -> float:
    """The share of customers bound at which one hazard explains both: phi (1 - exp(-h term)) = leave, (1 - phi) h = rate_beside."""
    low, high = 0.0, 1.0
    for _ in range(50):
        share = (low + high) / 2
        left = share * -np.expm1(-term_months * rate_beside / (1 - share))
        low, high = (share, high) if left < leave else (low, share)
    return float(min(max((low + high) / 2, LEAST_SHARE), 1 - LEAST_SHARE))


def read_renewals(counts: CohortCounts, *, term: int, first_only: bool = False, least_ratio: float = LEAST_RATIO) -> Renewals | None:
    """The renewals of `counts`, which were made with their bands; None where the departures do not confirm them."""
    assumed = Renewals(term, (0.5,) * len(counts.segments), LEAST_BOUND_SD, 0.0, first_only)
    seen = _Renewing.of(counts, assumed)
    here, at_risk, beside, at_risk_beside = (float(part.sum()) for part in (seen.exits, seen.at_risk, seen.exits_beside, seen.at_risk_beside))
    if not _more_frequent(here, at_risk, beside, at_risk_beside, least_ratio) or seen.ratio() < least_ratio:
        return None
    bound = _shares_by_segment(seen, term)
    sd = float(np.hypot(LEAST_BOUND_SD, np.sqrt(1 / max(here - beside * at_risk / at_risk_beside, 1.0) + 1 / max(beside, 1.0))))
    unmodelled: Unmodelled = "mixed_terms" if not first_only and seen.mixes_terms() else ""
    return replace(assumed, bound=bound, bound_sd=sd, departures=here / max(counts.departures, 1), unmodelled=unmodelled)


def _shares_by_segment(seen: _Renewing, term: int) -> tuple[float, ...]:
    """The share bound of each segment, pulled to that of the company as far as the segments differ by chance (DerSimonian, Laird 1986)."""
    everybody = _logit(share_bound(seen.leave(), seen.rate_beside(), term))
    own = [seen.where(segment) for segment in range(seen.exits.shape[1])]
    logit = np.array([_logit(share_bound(one.leave(), one.rate_beside(), term)) for one in own])
    chance = np.array([1 / (one.exits.sum() + 0.5) + 1 / (one.exits_beside.sum() + 0.5) for one in own])
    between = max(float(((logit - everybody) ** 2 / chance).sum() - len(own)) / float((1 / chance).sum()), LEAST_BETWEEN_SD**2)
    pulled = everybody + between / (between + chance) * (logit - everybody)
    return tuple(float(share) for share in 1 / (1 + np.exp(-pulled)))


def _logit(share: float) -> float:
    return float(np.log(share / (1 - share)))


def reduce_renewing(reduce: Callable[[Sequence[int] | None], CohortCounts], *, term: int | None) -> CohortCounts:
    """Counts with a renewal clock where contracts are read from a column or found, or where the user gives their term.

    Args:
        reduce: Counts with the given lower edges of tenure bands; with the ordinary ones for None. By contract too, where a column gives these.
        term: Months between renewals; 0 where the user says that there are no contracts, None where a column or the departures decide.
    """
    counts = reduce(None)
    together = counts if contracts_of(counts) is None else add_contracts_up(counts)
    ends = find_calendar_ends(together) if term is None else None
    if ends is not None or term == 0:
        return replace(together, renewals=ends)
    if together is counts:
        return _by_departures(counts, reduce, term)
    column = read_column(counts)
    if column is None:  # no customer of these counts is bound
        return _by_departures(together, lambda edges: add_contracts_up(reduce(edges)), term)
    if column.unmodelled == "unconfirmed":
        found = _by_departures(together, lambda edges: add_contracts_up(reduce(edges)), term)
        return replace(found, renewals=replace(found.renewals or column, column_unseen=True))
    if column.unmodelled:
        return replace(together, renewals=column)
    finer = reduce(edges_around([one.term_months for one in column.terms]))
    followed = {one.term_months for one in column.terms}
    terms = tuple(one for one in terms_of_segments(finer, begin_together=_first_part_ends_in_a_renewal(counts)) if one.term_months in followed)
    return replace(add_contracts_up(finer), renewals=replace(column, terms=terms))


def read_column(counts: CohortCounts) -> Renewals | None:
    """The contracts that a column gives, beside the departures, from counts by segment and contract; None where no customer is bound.

    The column is believed where departures are too few to say. A term at whose renewals they are hardly more frequent than beside them is not
    followed: its customers leave when they wish.
    """
    contracts = contracts_of(counts) or ()
    own = {term: _OwnRenewals.of(counts, contracts, term) for term in sorted({one.term_months for one in contracts if one.binds})}
    if not own:
        return None
    at_risk = {term: float(one.at_risk) for term, one in own.items()}
    main = max(at_risk, key=lambda term: (at_risk[term], term))
    segments = len(add_contracts_up(counts).segments)
    followed = {term: one for term, one in own.items() if one.at_risk and not one.contradicted}
    if not followed:
        return Renewals(main, (0.5,) * segments, LEAST_BOUND_SD, 0.0, source="column", unmodelled="unconfirmed")
    around = np.sum([one.around for one in followed.values()], axis=0)
    bound, sd = BOUND_BY_COLUMN
    if around[0] >= ENOUGH:
        weights = np.array([one.around[1] for one in followed.values()]) + 1e-9
        bound = float(np.average([one.share_bound(term) for term, one in followed.items()], weights=weights))
        sd = float(np.hypot(LEAST_BOUND_SD, np.sqrt(1 / around[0] + 1 / max(around[2], 1.0))))
    enough = LONG_TERM_SHARE * sum(at_risk.values())
    longest = max((term for term, one in followed.items() if one.at_risk >= enough), default=main)
    unmodelled: Unmodelled = "short_window" if len(counts.months) < longest - 1 else ""
    if any(one.mixes_terms() for one in followed.values()):
        unmodelled = "mixed_terms"
    return Renewals(
        longest if unmodelled == "short_window" else main,
        (min(max(bound, LEAST_SHARE), 1 - LEAST_SHARE),) * segments,
        sd,
        float(around[0]) / max(counts.departures, 1),
        source="column",
        unmodelled=unmodelled,
        terms=tuple(TermOfSegments(term, (), ()) for term in followed) if not unmodelled else (),
    )


def _first_part_ends_in_a_renewal(counts: CohortCounts) -> bool:
    """Whether customers whose contract did not begin on their first day leave where its first part of a term ends."""
    contracts, around = contracts_of(counts) or (), np.zeros(4)
    for contract in {one for one in contracts if one.binds and one.first_months}:
        cells = np.flatnonzero([one == contract for one in contracts])
        around = around + _HalfMonths.of(counts, cells).around([contract.first_months])
    here, at_risk, beside, at_risk_beside = around.tolist()
    return _more_frequent(here, at_risk, beside, at_risk_beside, LEAST_RATIO_SAID)


@dataclass(frozen=True, eq=False)
class _OwnRenewals:
    """Customers under one term, around their own renewals.

    Attributes:
        around: (4,) as `_HalfMonths.around`, all renewals.
        first, second: The same of the first, third, ... renewal and of those between.
        half_way: The same of the months half-way between renewals.
        exits, at_risk: Departures and half months at risk at any time.
    """

    around: FloatArray
    first: FloatArray
    second: FloatArray
    half_way: FloatArray
    exits: float
    at_risk: float

    @classmethod
    def of(cls, counts: CohortCounts, contracts: Sequence[Contract], term: int) -> _OwnRenewals:
        (first, second, half_way), exits, at_risk = np.zeros((3, 4)), 0.0, 0.0
        for contract in {one for one in contracts if one.term_months == term}:
            cells = np.flatnonzero([one == contract for one in contracts])
            tenure, renewals = _HalfMonths.of(counts, cells), contract.renewals(LATEST_MONTHS).tolist()
            first, second = first + tenure.around(renewals[::2]), second + tenure.around(renewals[1::2])
            half_way = half_way + tenure.around([month - term // 2 for month in renewals])
            exits, at_risk = exits + float(tenure.exits.sum()), at_risk + float(tenure.at_risk.sum())
        return cls(first + second, first, second, half_way, exits, at_risk)

    @property
    def contradicted(self) -> bool:
        """Whether there are enough departures to say that they do not gather at the renewals, or do so half-way as well.

        The first, third, ... renewal speaks for the term where it can: the others are renewals of half the term too, or of one and a half.
        """
        enough = ENOUGH * self.at_risk
        here, at_risk, beside, at_risk_beside = self.first if self.exits * self.first[1] >= enough else self.around
        if self.exits * at_risk >= enough and here * at_risk_beside < LEAST_RATIO_SAID * beside * at_risk:
            return True
        here, at_risk, beside, at_risk_beside = self.half_way.tolist()
        return self.exits * at_risk >= enough and _more_frequent(here, at_risk, beside, at_risk_beside)

    def mixes_terms(self) -> bool:
        """Whether every second renewal takes more customers than the others, as where some are bound for twice the term."""
        return bool(self.second[0] >= ENOUGH and self.first[0] >= ENOUGH and _leave(self.second) > MIXED_RATIO * _leave(self.first))

    def share_bound(self, term: int) -> float:
        """The share of them who leave at renewals alone."""
        return share_bound(_leave(self.around), _rate_beside(self.around), term)


def _rate_beside(around: FloatArray) -> float:
    return float((around[2] + 0.5) / (around[3] * HALF_MONTH / DAYS_PER_MONTH + 1.0))


def _leave(around: FloatArray) -> float:
    """Probability of leaving at a renewal, beyond the hazard beside it."""
    here = around[0] / max(around[1] * HALF_MONTH / DAYS_PER_MONTH, 1e-9)
    return float(min(max(2 * (here - _rate_beside(around)), 0.0), 0.99))


def _by_departures(counts: CohortCounts, reduce: Callable[[Sequence[int] | None], CohortCounts], term: int | None) -> CohortCounts:
    """Counts with a renewal clock where the departures show contracts, or the user gives their term; `counts` where they do not."""
    if term == 0 or not counts.has_customers or not counts.has_calendar:
        return counts
    likely = likely_term(counts) if term is None else (term, False)
    if likely is None:
        return counts
    months, first_only = likely
    edges = Renewals(months, (), 0.0, 0.0, first_only).band_edges_months
    finer = reduce(edges)
    renewals = read_renewals(finer, term=months, first_only=first_only, least_ratio=LEAST_RATIO if term is None else LEAST_RATIO_SAID)
    if renewals is None and term is None:
        return counts
    if renewals is None:
        bound = (0.5,) * len(counts.segments)
        return replace(counts, renewals=Renewals(months, bound, LEAST_BOUND_SD, 0.0, source="user", unmodelled="unconfirmed"))
    renewals = replace(renewals, source="departures" if term is None else "user")
    unmodelled = _why_not(finer, renewals)
    if unmodelled:
        return replace(counts, renewals=replace(renewals, unmodelled=unmodelled))
    return replace(finer, renewals=renewals)


def _why_not(counts: CohortCounts, renewals: Renewals) -> Unmodelled:
    """Why the model cannot follow these renewals; empty where it can."""
    if len(counts.months) < WINDOW_TERMS * renewals.term_months:
        return "short_window"
    return renewals.unmodelled
