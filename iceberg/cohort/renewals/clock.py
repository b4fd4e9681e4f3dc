"""`Renewals`: the contracts that bind customers until the next renewal, and the tenure bands in which renewals lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

import numpy as np

from iceberg.arrays import FloatArray, IntArray

Unmodelled = Literal["", "short_window", "mixed_terms", "calendar", "unconfirmed"]

FINE_RENEWALS, FINE_MONTHS = 5, 61  # judgement: later renewals share bands of three years, because few customers are left
LATE_BAND_MONTHS = 36  # or as many whole terms as reach this far
# Between the renewals: the ordinary bands of the first three years.
BETWEEN_MONTHS = (0, 1, 3, 6, 12, 18, 24, 36, 60, 96)


@dataclass(frozen=True)
class TermOfSegments:
    """Customers under one term, by a column of the file.

    Attributes:
        term_months: Months between two renewals.
        share: (S, B) of the time at risk of each segment and tenure band that is under this term.
        per_month: (S, B) renewals that its customers meet in a month at risk.
    """

    term_months: int
    share: tuple[tuple[float, ...], ...]
    per_month: tuple[tuple[float, ...], ...]

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """From plain values."""
        return cls(entry["term_months"], *(tuple(tuple(row) for row in entry[name]) for name in ("share", "per_month")))


def edges_around(terms_months: Sequence[int], *, first_only: bool = False) -> tuple[int, ...]:
    """Lower edges of tenure bands in which every early renewal has the month before it and the month after it for itself.

    The last day of a contract may be the day before its renewal, and notice runs before or after it; two months hold all of that.
    """
    fine = {month for term in terms_months for month in ([term] if first_only else list(range(term, FINE_MONTHS, term))[:FINE_RENEWALS])}
    edges = {edge for renewal in fine for edge in (renewal - 1, renewal + 1)}
    apart = [edge for edge in BETWEEN_MONTHS if all(abs(edge - other) > 1 for other in edges) and (first_only or edge < max(edges))]
    whole_terms = -(-LATE_BAND_MONTHS // max(terms_months)) * max(terms_months)
    late = () if first_only else (max(edges) + whole_terms,)
    return tuple(sorted({0, *edges, *apart, *late}))


@dataclass(frozen=True)
class Renewals:
    """Contracts of one term, counted from each customer's first day; of several terms and other days where a column of the file gives them.

    Attributes:
        term_months: Months between two renewals.
        bound: (S,) share of the customers of each segment whom a contract binds.
        bound_sd: How uncertain that share is, on the logit scale, the same for all segments.
        departures: Share of all departures that lie within a month of a renewal.
        first_only: Whether contracts bind until their first renewal alone; later on everybody may leave at any time.
        source: Found in the departures, read from a column of the file, or given by the user.
        terms: Of the column; empty where none was read. `bound` is then the share of those under a term who keep to it.
        column_unseen: Whether a column gives contracts, and departures do not gather at its renewals: it is not followed.
        unmodelled: Why the model does not follow the renewals; empty where it does. Unconfirmed: the user gives a term, and departures are not more
            frequent at its renewals, so that customers leave when they wish. Calendar: contracts end with a quarter or year, whenever they began.
    """

    term_months: int
    bound: tuple[float, ...]
    bound_sd: float
    departures: float
    first_only: bool = False
    source: Literal["departures", "column", "user"] = "departures"
    unmodelled: Unmodelled = ""
    terms: tuple[TermOfSegments, ...] = ()
    column_unseen: bool = False

    @property
    def all_terms(self) -> tuple[int, ...]:
        """Months of every term that binds customers."""
        return tuple(one.term_months for one in self.terms) or (self.term_months,)

    @property
    def modelled(self) -> bool:
        """Whether the counts have bands for the renewals and the model follows them."""
        return not self.unmodelled

    @property
    def blocks(self) -> bool:
        """Whether departures wait for renewals in a way that the model cannot follow: it then has nothing to say about them."""
        return self.unmodelled not in ("", "unconfirmed")

    @property
    def band_edges_months(self) -> tuple[int, ...]:
        """Lower edges of tenure bands in which every early renewal has two months for itself."""
        return edges_around(self.all_terms, first_only=self.first_only)

    def per_month(self, edges_months: Sequence[int]) -> FloatArray:
        """(B,) renewals per month of tenure in each band; the open last band has them evenly."""
        edges = np.asarray(edges_months)
        high = np.append(edges[1:], edges[-1] + 100 * self.term_months)
        if self.first_only:
            within = ((edges <= self.term_months) & (self.term_months < high)).astype(np.float64)
        else:
            within = ((high - 1) // self.term_months - np.maximum(edges - 1, 0) // self.term_months).astype(np.float64)
        return np.asarray(within / (high - edges), dtype=np.float64)

    def binds(self, edges_months: Sequence[int]) -> FloatArray:
        """(B,) 1 in the bands in which contracts bind, 0 where they no longer do."""
        edges = np.asarray(edges_months)
        return ((edges <= self.term_months) | (not self.first_only)).astype(np.float64)

    def shares_under(self, edges_months: Sequence[int]) -> FloatArray:
        """(terms, S, B) of the customers of each segment and band, how many are under each term."""
        if self.terms:
            return np.array([one.share for one in self.terms], dtype=np.float64)
        return np.tile(self.binds(edges_months), (1, len(self.bound), 1))

    def at_renewal(self, edges_months: Sequence[int]) -> IntArray:
        """Positions of the bands that a renewal has for itself."""
        edges = np.asarray(edges_months)
        width = np.append(np.diff(edges), 0)
        met = self.per_month(edges_months)
        for one in self.terms:
            met = np.maximum(met, replace(self, term_months=one.term_months, terms=()).per_month(edges_months))
        return np.flatnonzero((width == 2) & (met > 0))  # the month before and the month after

    def rearranged(self, segments: IntArray) -> Self:
        """With the segments at these positions, in this order."""
        terms = tuple(
            replace(one, share=tuple(one.share[place] for place in segments), per_month=tuple(one.per_month[place] for place in segments))
            for one in self.terms
        )
        return replace(self, bound=tuple(self.bound[place] for place in segments), terms=terms)

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a header; what only a column gives is left out where there is none, so that the digest of such counts does not change."""
        absent = {name for name in ("terms", "column_unseen") if not getattr(self, name)}
        return {name: value for name, value in asdict(self).items() if name not in absent}

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """From the values of `to_dict`."""
        terms = tuple(map(TermOfSegments.from_dict, entry.get("terms", ())))
        return cls(**{**entry, "bound": tuple(entry["bound"]), "terms": terms})
