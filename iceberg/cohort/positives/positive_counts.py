"""`PositiveCounts`: what became of customers after a good moment, and of customers like them without one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Self

EVERY_KIND = -1  # as the kind of a row: all moments
LONG_BEFORE, JUST_BEFORE = 0, 1  # as the period of `VisitsBefore`
OTHER_KINDS = "\x00others"  # name of the kinds that are too many, or too few customers to stand alone; no file can have it


@dataclass(frozen=True, order=True)
class FollowedMonth:
    """One month after the moments of a segment and kind.

    Attributes:
        segment: Place in the axis of the counts.
        kind: Place in `PositiveCounts.kinds`, or `EVERY_KIND`.
        month: Months since the month of the moment ended, from 0.
        half_months: Customers at risk in it, in half months: two where they stayed for all of it, one where they left or were no longer counted.
        leavers: Of them who left.
        expected: As many as would have left at the rate of matched customers.
        variance: Of `expected`, by the departures of matched customers that it rests on.
    """

    segment: int
    kind: int
    month: int
    half_months: int
    leavers: int
    expected: float
    variance: float


@dataclass(frozen=True, order=True)
class BandFollowed:
    """The same by band of engagement, all kinds and months together.

    Attributes:
        segment: Place in the axis of the counts.
        band: Place in `PositiveCounts.band_edges_visits`.
        customers, matched: Customers after a moment, and months of comparison that matched customers gave.
        leavers, expected: As in `FollowedMonth`.
    """

    segment: int
    band: int
    customers: int
    matched: int
    leavers: int
    expected: float


@dataclass(frozen=True, order=True)
class VisitsBefore:
    """Visits before the moment that the bands of engagement do not see.

    Attributes:
        segment, kind: As in `FollowedMonth`.
        period: `LONG_BEFORE`: the fourth to sixth month before; `JUST_BEFORE`: the month of the moment, up to its day.
        customers: Customers with a moment whom the log saw then.
        visits: Days on which they came.
        expected: As many as if they had come like matched customers.
        variance: Of the difference of both.
    """

    segment: int
    kind: int
    period: int
    customers: int
    visits: int
    expected: float
    variance: float


@dataclass(frozen=True)
class PositiveCounts:
    """The good moments of one file.

    A customer counts from the end of the month of the first moment on. Matched customers are of the same segment, tenure, month, recent complaint
    and (where a log of visits was given) engagement, are still there at the same day, and have had no moment so far; they leave the comparison
    when they have one.

    Attributes:
        kinds: Names, as most rows write them; most customers first.
        codes: Of each kind, the name under which the product knows it (``compliment``, ``goodwill``, ``call_back``, ``recognition``, ``top_score``),
            or "".
        sees_engagement: Whether a log of visits was given, and reaches far enough back.
        band_edges_visits: Lower edges of days with a visit in the three months before; one band without a log.
        months: What followed.
        bands: The same by engagement.
        before: Visits before; empty without a log.
        customers: By kind, customers with a matched moment in the window.
        unmatched: Customers with a moment to whom too few customers are alike.
        rows: Rows of the file that were read.
        later: Rows after the first moment of a customer.
        after: Rows after the departure.
        outside: Rows before the first day, or too early or late to be followed for a month inside the window.
    """

    kinds: tuple[str, ...]
    codes: tuple[str, ...]
    sees_engagement: bool
    band_edges_visits: tuple[int, ...]
    months: tuple[FollowedMonth, ...]
    bands: tuple[BandFollowed, ...]
    before: tuple[VisitsBefore, ...]
    customers: tuple[tuple[int, int, int], ...]
    unmatched: int = 0
    rows: int = 0
    later: int = 0
    after: int = 0
    outside: int = 0

    def select(self, chosen: Sequence[int]) -> Self:
        """The counts of some segments, which take the places of their order; what is counted per row stays that of the whole file."""
        place = {int(old): new for new, old in enumerate(chosen)}
        return replace(
            self,
            months=tuple(replace(one, segment=place[one.segment]) for one in self.months if one.segment in place),
            bands=tuple(replace(one, segment=place[one.segment]) for one in self.bands if one.segment in place),
            before=tuple(replace(one, segment=place[one.segment]) for one in self.before if one.segment in place),
            customers=tuple((place[segment], kind, number) for segment, kind, number in self.customers if segment in place),
        )

    def customers_of(self, kind: int) -> int:
        """Customers with a matched moment of a kind, or of any (`EVERY_KIND`)."""
        return sum(number for _, one, number in self.customers if kind in (one, EVERY_KIND))

    def to_dict(self) -> dict[str, Any]:
        """Plain values for a header."""
        return {
            **{name: getattr(self, name) for name in _PLAIN},
            **{name: list(getattr(self, name)) for name in ("kinds", "codes", "band_edges_visits")},
            "months": [[one.segment, one.kind, one.month, one.half_months, one.leavers, one.expected, one.variance] for one in self.months],
            "bands": [[one.segment, one.band, one.customers, one.matched, one.leavers, one.expected] for one in self.bands],
            "before": [[one.segment, one.kind, one.period, one.customers, one.visits, one.expected, one.variance] for one in self.before],
            "customers": [list(one) for one in self.customers],
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any] | None) -> Self | None:
        """From the values of `to_dict`."""
        if entry is None:
            return None
        return cls(
            **{name: entry[name] for name in _PLAIN},
            kinds=tuple(entry["kinds"]),
            codes=tuple(entry["codes"]),
            band_edges_visits=tuple(entry["band_edges_visits"]),
            months=tuple(FollowedMonth(*one) for one in entry["months"]),
            bands=tuple(BandFollowed(*one) for one in entry["bands"]),
            before=tuple(VisitsBefore(*one) for one in entry["before"]),
            customers=tuple((int(segment), int(kind), int(number)) for segment, kind, number in entry["customers"]),
        )


_PLAIN = ("sees_engagement", "unmatched", "rows", "later", "after", "outside")
