"""`Renewals`: the contracts that bind customers until the next renewal, and the tenure bands in which renewals lie."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal, Self

import numpy as np

from iceberg.arrays import FloatArray, IntArray

Unmodelled = Literal["", "short_window", "mixed_terms", "unconfirmed"]

FINE_RENEWALS, FINE_MONTHS = 5, 61  # judgement: later renewals share bands of three years, because few customers are left
LATE_BAND_MONTHS = 36  # or as many whole terms as reach this far
# Between the renewals: the ordinary bands of the first three years.
BETWEEN_MONTHS = (0, 1, 3, 6, 12, 18, 24, 36, 60, 96)


@dataclass(frozen=True)
class Renewals:
    """Contracts of one term, counted from each customer's first day.

    Attributes:
        term_months: Months between two renewals.
        bound: (S,) share of the customers of each segment whom a contract binds.
        bound_sd: How uncertain that share is, on the logit scale, the same for all segments.
        departures: Share of all departures that lie within a month of a renewal.
        first_only: Whether contracts bind until their first renewal alone; later on everybody may leave at any time.
        source: Found in the departures, read from a column of the file, or given by the user.
        unmodelled: Why the model does not follow the renewals; empty where it does. Unconfirmed: the user gives a term, and departures are not more
            frequent at its renewals, so that customers leave when they wish.
    """

    term_months: int
    bound: tuple[float, ...]
    bound_sd: float
    departures: float
    first_only: bool = False
    source: Literal["departures", "column", "user"] = "departures"
    unmodelled: Unmodelled = ""

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
        """Lower edges of tenure bands in which every early renewal has the month before it and the month after it for itself.

        The last day of a contract may be the day before its renewal, and notice runs before or after it; two months hold all of that.
        """
        fine = [self.term_months] if self.first_only else list(range(self.term_months, FINE_MONTHS, self.term_months))[:FINE_RENEWALS]
        edges = {edge for renewal in fine for edge in (renewal - 1, renewal + 1)}
        apart = [edge for edge in BETWEEN_MONTHS if all(abs(edge - other) > 1 for other in edges) and (self.first_only or edge < max(edges))]
        whole_terms = -(-LATE_BAND_MONTHS // self.term_months) * self.term_months
        late = () if self.first_only else (max(edges) + whole_terms,)
        return tuple(sorted({0, *edges, *apart, *late}))

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

    def at_renewal(self, edges_months: Sequence[int]) -> IntArray:
        """Positions of the bands that a renewal has for itself."""
        edges = np.asarray(edges_months)
        width = np.append(np.diff(edges), 0)
        return np.flatnonzero((width == 2) & (self.per_month(edges_months) > 0))  # the month before and the month after

    def rearranged(self, segments: IntArray) -> Self:
        """With the segments at these positions, in this order."""
        return replace(self, bound=tuple(self.bound[place] for place in segments))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a header."""
        return asdict(self)

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Self:
        """From the values of `to_dict`."""
        return cls(**{**entry, "bound": tuple(entry["bound"])})
