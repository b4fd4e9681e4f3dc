"""The SQL of the reduction: every statement groups rows into counts, none makes a row per person and month.

How person-days follow without person-months: a customer with first day `s` moves along a diagonal of the Lexis plane, one tenure month per calendar
month. Days of a month before the day of month of `s` belong to tenure month ``m - j - 1``, the others to ``m - j`` (j = month of s). A *tail* is what
lies after a given day on that diagonal, up to the end of the window. Time at risk = tail from the first day at risk minus tail after the departure;
time in the complained state = tail from the first complaint minus the same. A tail is its first, partial month (`days_left`, `days_left_before`) and
whole months, in each of which min(day of month of s - 1, days counted in that month) days come before. Four sums hold this: one per length of a month
(30 and 31 never cut, so they share one) and one for the window's last month.

The SQL is that of DuckDB, limited to what engines share (see `iceberg.ingest.engine.protocol.Engine`). Dates are
literals because they come from a validated window; names are rows of `segment_places` and `category_places`, so that
large tables are grouped by small numbers. Every method gives one SELECT.
"""
# ruff: noqa: S608 - every piece of the text is a literal of this module, a number, a date or a quoted name

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import TYPE_CHECKING, Self

from iceberg.cohort.window import ObservationWindow

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts

REVENUE_UNITS = 10_000  # revenue is summed in whole ten-thousandths, so that the order of rows cannot change a sum
REVENUE_LIMIT = 10**11  # judgement: more than this per customer and year is not a revenue; keeps the units inside 64 bits

_LAST_DAY = "coalesce(end_date, DATE '9999-12-31')"  # one comparison is quicker than three
ALIVE, LEFT = "customers_alive", "customers_left"  # work tables with the columns of `iceberg.ingest.schema.RecentCustomers`
FIRST_COMPLAINED = "(SELECT * FROM complained WHERE rank = 1) AS first_complained"  # one row per complainant
# Revenue in whole units, NULL where it is unknown or impossible.
REVENUE_SQL = f"CASE WHEN revenue BETWEEN 0 AND {REVENUE_LIMIT} THEN CAST(round(revenue * {REVENUE_UNITS}) AS BIGINT) END"


@dataclass(frozen=True)
class Statements:
    """The SQL of one reduction.

    Attributes:
        window: Days to count.
        band_edges_months, clock_edges_days: Lower edges of the bands and of the clock bins.
        key: Column by which customers and complaints meet.
    """

    window: ObservationWindow
    band_edges_months: Sequence[int]
    clock_edges_days: Sequence[int]
    key: str = "customer_id"

    @classmethod
    def of_counts(cls, counts: CohortCounts, key: str) -> Self:
        """Those with which the counts were made, `key` as their tables have it."""
        return cls(counts.window, counts.band_edges_months, counts.clock_edges_days, key)

    @property
    def first_month(self) -> int:
        """Index (12 * year + month - 1) of the window's first month."""
        return self.window.since.year * 12 + self.window.since.month - 1

    @property
    def last_month(self) -> int:
        """Index of the window's last month."""
        return self.window.as_of.year * 12 + self.window.as_of.month - 1

    @property
    def earliest_start_month(self) -> int:
        """Start months before this one are in the last, open band throughout: they are counted as one."""
        return self.first_month - max(self.band_edges_months) - 2

    @property
    def since(self) -> str:
        """First day of the window as a literal."""
        return f"DATE '{self.window.since.isoformat()}'"

    @property
    def as_of(self) -> str:
        """Last day of the window as a literal."""
        return f"DATE '{self.window.as_of.isoformat()}'"

    @property
    def earliest(self) -> str:
        """First day of the look-back as a literal."""
        return f"DATE '{(self.window.since - timedelta(days=self.window.look_back_days)).isoformat()}'"

    @property
    def in_window(self) -> str:
        """Whether a customer has a day at risk."""
        return f"start_date <= {self.as_of} AND {_LAST_DAY} >= greatest(start_date, {self.since})"

    @staticmethod
    def places(names: Sequence[str]) -> str:
        """Rows of name and place; a name that is absent belongs to the last place."""
        return Statements.places_of({name: place for place, name in enumerate(names)})

    @staticmethod
    def places_of(places: Mapping[str, int]) -> str:
        """Rows of name and place, where several names may share a place."""
        rows = ", ".join(f"({_quoted(name)}, {place})" for name, place in places.items())
        return f"SELECT name, place FROM (VALUES {rows}) AS listed(name, place)"

    def starts_by_name(self) -> str:
        """Customers inside the window by segment and first day."""
        return f"""
            SELECT segment, start_date, count(*) AS customers
            FROM customers WHERE {self.in_window} GROUP BY segment, start_date"""

    def starts_of_recent(self) -> str:
        """The rows of `starts_by_name` from `ALIVE` and `LEFT`, which may begin earlier, without those who left before the window."""
        return f"""
            SELECT segment, start_date, sum(customers) AS customers FROM (
                SELECT segment, start_date, customers FROM {ALIVE}
                UNION ALL SELECT segment, start_date, -count(*) FROM {LEFT}
                WHERE end_date < {self.since} GROUP BY segment, start_date
            ) AS moves WHERE start_date <= {self.as_of} GROUP BY segment, start_date HAVING sum(customers) > 0"""

    def segment_sizes(self, source: str) -> str:
        """Customers inside the window per segment, from `starts_by_name` or, where names are many, from `customers`."""
        customers, condition = ("count(*)", self.in_window) if source == "customers" else ("sum(customers)", "true")
        return f"""
            SELECT coalesce(segment, '') AS name, {customers} AS size
            FROM {source} WHERE {condition} GROUP BY coalesce(segment, '')"""

    def starts(self, source: str, others: int) -> str:
        """Customers by place of the segment and first day, from `starts_by_name` or from `customers`."""
        place = f"coalesce(place, {others})"
        customers, condition = ("count(*)", self.in_window) if source == "customers" else ("sum(customers)", "true")
        return f"""
            SELECT {place} AS segment, start_date, {customers} AS customers
            FROM {source} LEFT JOIN segment_places ON coalesce(segment, '') = name
            WHERE {condition} GROUP BY {place}, start_date"""

    def departures(self, customers: str, others: int) -> str:
        """Customers who left inside the window, one row each, from `customers` (all, or at least those)."""
        return f"""
            SELECT coalesce(place, {others}) AS segment, start_date, end_date, {REVENUE_SQL} AS revenue_units
            FROM {customers} LEFT JOIN segment_places ON coalesce(segment, '') = name
            WHERE end_date BETWEEN {self.since} AND {self.as_of} AND end_date >= start_date"""

    def departures_by_day(self) -> str:
        """Customers of `departures` by segment and days since the window's first."""
        day = f"date_diff('day', {self.since}, end_date)"
        return f"SELECT segment, {day} AS day, count(*) AS customers FROM departures GROUP BY segment, {day}"

    def complaints_counted(self, others: int) -> str:
        """Complaints inside the window and its look-back, one row each."""
        return f"""
            SELECT {self.key} AS customer_id, complaint_date, coalesce(place, {others}) AS category
            FROM complaints LEFT JOIN category_places ON coalesce(category, '') = name
            WHERE complaint_date BETWEEN {self.earliest} AND {self.as_of}"""

    def matched(self, customers: str) -> str:
        """Complaints joined to `customers` (all, or at least those that a complaint or an incident names).

        It has no conditions, so that engines read the rest of a row only where ids meet.
        """
        return f"""
            SELECT k.customer_id, c.segment, c.start_date, c.end_date, c.revenue, k.category, k.complaint_date
            FROM complaints_counted AS k JOIN {customers} AS c ON k.customer_id = c.{self.key}"""

    def complained(self, others: int, *, cancelled: Sequence[int] = (), within_days: int = 0) -> str:
        """One row per customer and category: the first complaint of those between the customer's first and last day.

        Of a customer's categories the one complained of first has rank 1 (on the same day, the one that sorts first). Complaints of the categories
        `cancelled` that precede a departure by less than `within_days` days are left out.
        """
        kept = ""
        if cancelled:
            places = ", ".join(map(str, cancelled))
            gone = f"date_diff('day', complaint_date, end_date) < {within_days}"
            kept = f"AND NOT (category IN ({places}) AND coalesce(end_date <= {self.as_of} AND {gone}, false))"
        return f"""
            SELECT customer_id, coalesce(place, {others}) AS segment, start_date,
                CASE WHEN end_date <= {self.as_of} THEN end_date END AS end_date, {REVENUE_SQL} AS revenue_units,
                category, complaint_date,
                row_number() OVER (PARTITION BY customer_id, start_date ORDER BY complaint_date, category) AS rank
            FROM (
                SELECT customer_id, segment, start_date, end_date, revenue, category,
                    min(complaint_date) AS complaint_date
                FROM matched
                WHERE {self.in_window} AND complaint_date >= start_date
                    AND (end_date IS NULL OR complaint_date <= end_date) {kept}
                GROUP BY customer_id, segment, start_date, end_date, revenue, category
            ) AS first_of_category LEFT JOIN segment_places ON coalesce(segment, '') = name"""

    def tails_of_starts(self) -> str:
        """Time from the first day at risk of all customers."""
        return self._tails("starts", day=f"greatest(start_date, {self.since})", days_gone=-1, weight="customers")

    def tails_of_complaints(self) -> str:
        """Time from the first complaint of all."""
        return self._tails(FIRST_COMPLAINED, day=f"greatest(complaint_date, {self.since})", days_gone=-1)

    def tails_of_departures(self, source: str) -> str:
        """Time after the departure, from `departures` or `FIRST_COMPLAINED`."""
        return self._tails(source, day="end_date", days_gone=0)

    def _tails(self, source: str, *, day: str, days_gone: int, weight: str = "1") -> str:
        start_month = f"greatest({month_of('start_date')}, {self.earliest_start_month})"
        counted = f"CASE WHEN {month_of(day)} = {self.last_month} THEN {self.window.as_of.day} ELSE day(last_day({day})) END"
        return f"""
            SELECT segment, start_month, month, sum({weight}) AS customers,
                sum({weight} * (counted - gone)) AS days_left,
                sum({weight} * greatest(0, least(offset_days, counted) - gone)) AS days_left_before,
                sum({weight} * offset_days) AS offset_31, sum({weight} * least(offset_days, 28)) AS offset_28,
                sum({weight} * least(offset_days, 29)) AS offset_29,
                sum({weight} * least(offset_days, {self.window.as_of.day})) AS offset_last
            FROM (
                SELECT segment, {start_month} AS start_month, {month_of(day)} AS month, {counted} AS counted,
                    day({day}) + {days_gone} AS gone, day(start_date) - 1 AS offset_days
                    {"" if weight == "1" else f", {weight}"}
                FROM {source} WHERE {day} IS NOT NULL
            ) AS placed GROUP BY segment, start_month, month"""

    def exits(self, source: str) -> str:
        """Departures and their revenue by the cell of the departure, from `departures` or `FIRST_COMPLAINED`."""
        month, tenure = f"{month_of('end_date')} - {self.first_month}", completed_months("start_date", "end_date")
        return f"""
            SELECT segment, month, band, count(*) AS customers, count(revenue_units) AS revenue_known,
                sum(coalesce(revenue_units, 0)) AS revenue_units
            FROM (
                SELECT segment, month, {bin_of("tenure", self.band_edges_months)} AS band, revenue_units
                FROM (
                    SELECT segment, {month} AS month, {tenure} AS tenure, revenue_units
                    FROM {source} WHERE end_date IS NOT NULL
                ) AS ended
            ) AS placed GROUP BY segment, month, band"""

    def tenure_days_of_all(self) -> str:
        """Entries and ends of all customers by exact day of tenure, as if none had complained."""
        entry = f"greatest(date_diff('day', start_date, {self.since}), 0)"
        last, life = f"date_diff('day', start_date, {self.as_of})", "date_diff('day', start_date, end_date)"
        return f"""
            SELECT 0 AS state, segment, tenure_day,
                sum(entered) AS entered, sum(exited) AS exited, sum(censored) AS censored
            FROM (
                SELECT segment, {entry} AS tenure_day, customers AS entered, 0 AS exited, 0 AS censored FROM starts
                UNION ALL SELECT segment, {last}, 0, 0, customers FROM starts
                UNION ALL SELECT segment, {last}, 0, 0, -count(*) FROM departures GROUP BY segment, {last}
                UNION ALL SELECT segment, {life}, 0, count(*), 0 FROM departures GROUP BY segment, {life}
            ) AS moves GROUP BY segment, tenure_day"""

    def tenure_days_of_complained(self) -> str:
        """Moves of complainants out of the silent state (negative where never in it), into that of their category."""
        first = f"greatest(date_diff('day', start_date, {self.since}), 0)"
        entry = f"date_diff('day', start_date, greatest(complaint_date, {self.since}))"
        last = f"date_diff('day', start_date, coalesce(end_date, {self.as_of}))"
        left = "CASE WHEN end_date IS NULL THEN 0 ELSE 1 END"
        return f"""
            WITH lives AS (
                SELECT segment, category, {first} AS first, {entry} AS entry, {last} AS last, {left} AS departed
                FROM {FIRST_COMPLAINED}
            ), entries AS (
                SELECT segment, category, entry, CASE WHEN entry > first THEN 1 ELSE 0 END AS was_silent, count(*) AS customers
                FROM lives GROUP BY segment, category, entry, CASE WHEN entry > first THEN 1 ELSE 0 END
            ), ends AS (
                SELECT segment, category, last, sum(departed) AS departed, count(*) AS customers
                FROM lives GROUP BY segment, category, last
            )
            SELECT state, segment, tenure_day,
                sum(entered) AS entered, sum(exited) AS exited, sum(censored) AS censored
            FROM (
                SELECT 1 + category AS state, segment, entry AS tenure_day,
                    customers AS entered, 0 AS exited, 0 AS censored FROM entries
                UNION ALL SELECT 1 + category, segment, last, 0, departed, customers - departed FROM ends
                UNION ALL SELECT 0, segment, last, 0, -departed, departed - customers FROM ends
                UNION ALL SELECT 0, segment, entry - 1, 0, 0, customers FROM entries WHERE was_silent = 1
                UNION ALL SELECT 0, segment, first, -count(*), 0, 0 FROM lives WHERE entry <= first GROUP BY segment, first
            ) AS moves GROUP BY state, segment, tenure_day"""

    def clocks(self) -> str:
        """Complainants by the cell of their first complaint in each category and the clock bin in which follow-up ended.

        Rank 1 is the first complaint of all; the others have rank 2.
        """
        tenure = completed_months("start_date", "complaint_date")
        return f"""
            SELECT category, segment, month, band, clock, rank, sum(departed) AS exited, sum(1 - departed) AS censored,
                sum(elapsed + 1 - {edge_below("clock", self.clock_edges_days)}) AS days_in_bin
            FROM (
                SELECT category, segment, month, {bin_of("tenure", self.band_edges_months)} AS band, rank, elapsed, departed,
                    {bin_of("elapsed", self.clock_edges_days)} AS clock
                FROM (
                    SELECT category, segment, {month_of("complaint_date")} - {self.first_month} AS month, {tenure} AS tenure,
                        CASE WHEN rank = 1 THEN 1 ELSE 2 END AS rank, CASE WHEN end_date IS NULL THEN 0 ELSE 1 END AS departed,
                        date_diff('day', complaint_date, coalesce(end_date, {self.as_of})) AS elapsed
                    FROM complained WHERE complaint_date >= {self.since}
                ) AS followed
            ) AS placed GROUP BY category, segment, month, band, clock, rank"""

    def complaints(self) -> str:
        """Complaints per category and month of the window; month -1 is the look-back."""
        month = f"CASE WHEN complaint_date < {self.since} THEN -1 ELSE {month_of('complaint_date')} - {self.first_month} END"
        return f"""
            SELECT name, {month} AS month, sum(size) AS size FROM (
                SELECT coalesce(category, '') AS name, complaint_date, count(*) AS size FROM complaints
                WHERE complaint_date BETWEEN {self.earliest} AND {self.as_of} GROUP BY coalesce(category, ''), complaint_date
            ) AS by_day GROUP BY name, {month}"""

    def volumes(self) -> str:
        """Complaint volumes per category and month of the window."""
        month = f"{month_of('month')} - {self.first_month}"
        return f"""
            SELECT coalesce(category, '') AS name, {month} AS month, sum(complaints) AS size FROM volumes
            WHERE {month_of("month")} BETWEEN {self.first_month} AND {self.last_month}
            GROUP BY coalesce(category, ''), {month}"""


def _quoted(name: str) -> str:
    return "'" + name.replace("'", "''") + "'"


def month_of(day: str) -> str:
    """Months since year 0 of a day."""
    return f"(12 * year({day}) + month({day}) - 1)"


def completed_months(start: str, day: str) -> str:
    """Completed months of tenure on a day."""
    return f"({month_of(day)} - {month_of(start)} - CASE WHEN day({day}) < day({start}) THEN 1 ELSE 0 END)"


def bin_of(value: str, edges: Sequence[int]) -> str:
    """Index of the last lower edge at or below a value."""
    whens = " ".join(f"WHEN {value} >= {edge} THEN {place}" for place, edge in reversed(list(enumerate(edges))) if place)
    return f"CASE {whens} ELSE 0 END" if whens else "0"


def edge_below(bin_name: str, edges: Sequence[int]) -> str:
    """Lower edge of a bin."""
    whens = " ".join(f"WHEN {place} THEN {edge}" for place, edge in enumerate(edges))
    return f"CASE {bin_name} {whens} END"
