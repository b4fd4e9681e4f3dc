"""Owns the SQL of the reduction: every statement groups rows into counts, none makes a row per person and month.

The text keeps to what other engines share (no bare date subtraction, no GROUP BY ALL, no engine-specific aggregates), so that it can be
transpiled and run where the tables already live. Dates are inlined as literals because they come from a validated window.

How person-days come out without person-months: a customer with first day `s` moves along a diagonal of the Lexis plane, one tenure month per
calendar month. Days of a month before the day-of-month of `s` belong to tenure month ``m - j - 1``, the others to ``m - j`` (j = month of s).
A *tail* is all that lies after a given day on that diagonal up to the end of the window. Time at risk = tail from the first day at risk minus
tail after the departure; time in the complained state = tail from the first complaint minus the same. A tail needs its first, partial
month (sums `days_left`, `days_left_before`) and, for all later months, the sum over customers of min(day of month of s - 1, days of the
month counted): four sums, one for each number of days a month can have (30 and 31 never cut) and one for the last month of the window.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from iceberg.cohort.window import ObservationWindow

REVENUE_UNITS = 10_000  # revenue is summed as whole ten-thousandths, so that the order of rows cannot change a sum
REVENUE_LIMIT = 10**12  # judgement: a yearly revenue per customer above this is not one; keeps the units inside 64 bits
OTHER_SEGMENTS = "(other)"


@dataclass(frozen=True)
class Statements:
    """The SQL of one reduction.

    Attributes:
        window: Days to count.
        band_edges_months, clock_edges_days: Lower edges of the bands and of the clock bins.
        segments_kept: None to keep every segment; otherwise all others become `OTHER_SEGMENTS`.
    """

    window: ObservationWindow
    band_edges_months: Sequence[int]
    clock_edges_days: Sequence[int]
    segments_kept: Sequence[str] | None = None

    @property
    def first_month(self) -> int:
        """Index (12 * year + month - 1) of the window's first month."""
        return self.window.since.year * 12 + self.window.since.month - 1

    @property
    def earliest_start_month(self) -> int:
        """Start months before this one are in the last, open band throughout: they may be taken together."""
        return self.first_month - max(self.band_edges_months) - 2

    @property
    def since(self) -> str:
        """First day of the window as a literal."""
        return f"DATE '{self.window.since.isoformat()}'"

    @property
    def as_of(self) -> str:
        """Last day of the window as a literal."""
        return f"DATE '{self.window.as_of.isoformat()}'"

    def segment(self) -> str:
        """The segment of a customer."""
        name = "coalesce(segment, '')"
        if self.segments_kept is None:
            return name
        if not self.segments_kept:
            return f"'{OTHER_SEGMENTS}'"
        kept = ", ".join("'" + each.replace("'", "''") + "'" for each in self.segments_kept)
        return f"CASE WHEN {name} IN ({kept}) THEN {name} ELSE '{OTHER_SEGMENTS}' END"

    def in_window(self) -> str:
        """Whether a customer has a day at risk."""
        return f"start_date <= {self.as_of} AND (end_date IS NULL OR (end_date >= {self.since} AND end_date >= start_date))"

    def segment_sizes(self) -> str:
        """Customers inside the window per segment."""
        return (
            f"SELECT coalesce(segment, '') AS segment, count(*) AS customers FROM customers WHERE {self.in_window()} "
            "GROUP BY coalesce(segment, '')"
        )

    def starts(self) -> str:
        """All customers inside the window by segment and first day, and how many of them left inside it."""
        return (
            f"SELECT {self.segment()} AS segment, start_date, count(*) AS customers, "
            f"sum(CASE WHEN end_date <= {self.as_of} THEN 1 ELSE 0 END) AS departures "
            f"FROM customers WHERE {self.in_window()} GROUP BY {self.segment()}, start_date"
        )

    def departures(self) -> str:
        """Customers who left inside the window, one row each (read by two groupings)."""
        return (
            f"SELECT {self.segment()} AS segment, start_date, end_date, {_revenue_units()} AS revenue_units FROM customers "
            f"WHERE end_date BETWEEN {self.since} AND {self.as_of} AND end_date >= start_date"
        )

    def complained(self) -> str:
        """One row per customer and category: the first complaint between start and end, in the look-back or in the window."""
        earliest = f"date_diff('day', k.complaint_date, {self.since}) <= {self.window.look_back_days}"
        return (
            f"SELECT c.customer_id, {self.segment()} AS segment, c.start_date, "
            f"CASE WHEN c.end_date <= {self.as_of} THEN c.end_date END AS end_date, {_revenue_units()} AS revenue_units, "
            "coalesce(k.category, '') AS category, min(k.complaint_date) AS complaint_date "
            "FROM complaints AS k JOIN customers AS c ON k.customer_id = c.customer_id "
            f"WHERE {self.in_window()} AND {earliest} AND k.complaint_date <= {self.as_of} "
            "AND k.complaint_date >= c.start_date AND (c.end_date IS NULL OR k.complaint_date <= c.end_date) "
            f"GROUP BY c.customer_id, {self.segment()}, c.start_date, c.end_date, {_revenue_units()}, coalesce(k.category, '')"
        )

    def first_complained(self) -> str:
        """One row per complainer: the first complaint of all (on the same day, the category that sorts first)."""
        columns = "customer_id, segment, start_date, end_date, revenue_units, category, complaint_date"
        return (
            f"SELECT {columns} FROM (SELECT {columns}, row_number() OVER (PARTITION BY customer_id, start_date "
            "ORDER BY complaint_date, category) AS place FROM complained) AS ranked WHERE place = 1"
        )

    def tails_of_starts(self) -> str:
        """Time from the first day at risk of all customers, from `starts`."""
        day = f"greatest(start_date, {self.since})"
        return self._tails("starts", day=day, inclusive=True, weight="customers")

    def tails_of_complaints(self) -> str:
        """Time from the first complaint of all, from `first_complained`."""
        return self._tails(
            "first_complained", day=f"greatest(complaint_date, {self.since})", inclusive=True, weight="1"
        )

    def tails_of_departures(self, source: str) -> str:
        """Time after the departure, with exits and revenue by tenure month at the departure (`completed` = 1 once the day of month is reached)."""
        return self._tails(source, day="end_date", inclusive=False, weight="1", exits=True)

    def _tails(self, source: str, *, day: str, inclusive: bool, weight: str, exits: bool = False) -> str:
        start_month = f"greatest({_month('start_date')}, {self.earliest_start_month})"
        last = self.window.as_of.year * 12 + self.window.as_of.month - 1
        days_counted = f"CASE WHEN {_month(day)} = {last} THEN {self.window.as_of.day} ELSE day(last_day({day})) END"
        elapsed = f"(day({day}) - 1)" if inclusive else f"day({day})"
        completed = f"CASE WHEN day({day}) < day(start_date) THEN 0 ELSE 1 END" if exits else "0"
        revenue = (
            "sum(CASE WHEN revenue_units IS NULL THEN 0 ELSE 1 END) AS revenue_known, sum(coalesce(revenue_units, 0)) AS revenue_units"
            if exits
            else "0 AS revenue_known, 0 AS revenue_units"
        )
        return (
            f"SELECT segment, start_month, month, completed, sum(weight) AS customers, sum(weight * (counted - elapsed)) AS days_left, "
            "sum(weight * greatest(0, least(offset_days, counted) - elapsed)) AS days_left_before, "
            "sum(weight * offset_days) AS offset_31, sum(weight * least(offset_days, 28)) AS offset_28, "
            "sum(weight * least(offset_days, 29)) AS offset_29, "
            f"sum(weight * least(offset_days, {self.window.as_of.day})) AS offset_last, {revenue} "
            f"FROM (SELECT segment, {start_month} AS start_month, {_month(day)} AS month, {completed} AS completed, {weight} AS weight, "
            f"{days_counted} AS counted, {elapsed} AS elapsed, day(start_date) - 1 AS offset_days"
            f"{', revenue_units' if exits else ''} FROM {source} WHERE {day} IS NOT NULL) AS placed "
            "GROUP BY segment, start_month, month, completed ORDER BY segment, start_month, month, completed"
        )

    def tenure_days_of_all(self) -> str:
        """Entries and ends of all customers by exact day of tenure, as if none had complained."""
        entry = f"greatest(date_diff('day', start_date, {self.since}), 0)"
        return (
            f"SELECT segment, tenure_day, '' AS category, 0 AS vocal, {_sums('entered', 'exited', 'censored')} FROM ("
            f"SELECT segment, {entry} AS tenure_day, customers AS entered, 0 AS exited, 0 AS censored FROM starts "
            f"UNION ALL SELECT segment, date_diff('day', start_date, {self.as_of}), 0, 0, customers - departures FROM starts "
            "UNION ALL SELECT segment, date_diff('day', start_date, end_date), 0, count(*), 0 FROM departures "
            "GROUP BY segment, date_diff('day', start_date, end_date)"
            ") AS moves GROUP BY segment, tenure_day"
        )

    def tenure_days_of_complained(self) -> str:
        """What the complainers move: out of the silent state (negative where they never were in it), into the state of their category."""
        entry = f"date_diff('day', start_date, greatest(complaint_date, {self.since}))"
        first_day = f"greatest(date_diff('day', start_date, {self.since}), 0)"
        last_day = f"date_diff('day', start_date, coalesce(end_date, {self.as_of}))"
        left = "CASE WHEN end_date IS NULL THEN 0 ELSE 1 END"
        return (
            f"SELECT segment, tenure_day, category, vocal, {_sums('entered', 'exited', 'censored')} FROM ("
            f"SELECT segment, {entry} AS tenure_day, category, 1 AS vocal, 1 AS entered, 0 AS exited, 0 AS censored FROM first_complained "
            f"UNION ALL SELECT segment, {last_day}, category, 1, 0, {left}, 1 - {left} FROM first_complained "
            f"UNION ALL SELECT segment, {last_day}, '', 0, 0, -({left}), {left} - 1 FROM first_complained "
            f"UNION ALL SELECT segment, {entry} - 1, '', 0, 0, 0, 1 FROM first_complained WHERE {entry} > {first_day} "
            f"UNION ALL SELECT segment, {first_day}, '', 0, -1, 0, 0 FROM first_complained WHERE {entry} <= {first_day}"
            ") AS moves GROUP BY segment, tenure_day, category, vocal"
        )

    def clocks(self, source: str) -> str:
        """Complainers by the cell of their first complaint and the clock bin in which follow-up ended; `source` says first in c, or of all."""
        tenure = f"{_month('complaint_date')} - {_month('start_date')} - CASE WHEN day(complaint_date) < day(start_date) THEN 1 ELSE 0 END"
        elapsed = f"date_diff('day', complaint_date, coalesce(end_date, {self.as_of}))"
        return (
            "SELECT category, segment, month, band, clock, sum(departed) AS exited, sum(1 - departed) AS censored, "
            f"sum(elapsed + 1 - {_edge_below('clock', self.clock_edges_days)}) AS days_in_bin FROM ("
            f"SELECT category, segment, {_month('complaint_date')} - {self.first_month} AS month, {_bin(tenure, self.band_edges_months)} AS band, "
            f"{_bin(elapsed, self.clock_edges_days)} AS clock, {elapsed} AS elapsed, CASE WHEN end_date IS NULL THEN 0 ELSE 1 END AS departed "
            f"FROM {source} WHERE complaint_date >= {self.since}) AS placed GROUP BY category, segment, month, band, clock"
        )

    def complaints(self) -> str:
        """Complaints per category and month of the window; month -1 is the look-back."""
        month = (
            f"CASE WHEN complaint_date < {self.since} THEN -1 ELSE {_month('complaint_date')} - {self.first_month} END"
        )
        return (
            f"SELECT coalesce(category, '') AS category, {month} AS month, count(*) AS complaints FROM complaints "
            f"WHERE complaint_date <= {self.as_of} AND date_diff('day', complaint_date, {self.since}) <= {self.window.look_back_days} "
            f"GROUP BY coalesce(category, ''), {month}"
        )

    def volumes(self) -> str:
        """Complaint volumes per category and month of the window."""
        month = f"{_month('month')} - {self.first_month}"
        return (
            f"SELECT coalesce(category, '') AS category, {month} AS month, sum(complaints) AS complaints FROM volumes "
            f"WHERE {month} BETWEEN 0 AND {len(self.window.months) - 1} GROUP BY coalesce(category, ''), {month}"
        )


def _month(day: str) -> str:
    return f"(12 * year({day}) + month({day}) - 1)"


def _revenue_units() -> str:
    return f"CASE WHEN revenue BETWEEN 0 AND {REVENUE_LIMIT} THEN CAST(round(revenue * {REVENUE_UNITS}) AS BIGINT) END"


def _sums(*names: str) -> str:
    return ", ".join(f"sum({name}) AS {name}" for name in names)


def _bin(value: str, edges: Sequence[int]) -> str:
    whens = " ".join(
        f"WHEN {value} >= {edge} THEN {index}" for index, edge in reversed(list(enumerate(edges))) if index
    )
    return f"CASE {whens} ELSE 0 END" if whens else "0"


def _edge_below(bin_name: str, edges: Sequence[int]) -> str:
    whens = " ".join(f"WHEN {index} THEN {edge}" for index, edge in enumerate(edges))
    return f"CASE {bin_name} {whens} END"
