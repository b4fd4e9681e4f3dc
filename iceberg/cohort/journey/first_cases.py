"""Finds the first case of each customer in each category, with what it says of itself; rows stay in the engine."""
# ruff: noqa: S608 - every piece of the text is a literal of this package, a number, a date or a quoted name

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from iceberg.cohort.cancellations.search import WITHIN_DAYS
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import ComplaintClockCounts
from iceberg.cohort.incidents import CategoryNames
from iceberg.cohort.silent_observations import COMPLAIN_WITHIN_DAYS
from iceberg.cohort.statements import Statements
from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.schema import CONTRACT_MARK
from iceberg.ingest.tables import Tables

CASES, INCIDENT_CASES = "first_cases", "first_incident_cases"  # work tables: the first case of a customer in a category


@dataclass(frozen=True)
class FirstCases:
    """Makes the work tables of one set of counts.

    Attributes:
        tables: With the complaints, in an open unit of work of their engine.
        counts: Of the same tables: their window, categories and segments.
    """

    tables: Tables
    counts: CohortCounts

    @property
    def of(self) -> Statements:
        """The SQL of the window."""
        return Statements.of_counts(self.counts, self.tables.customer_key)

    def make(self, fields: Sequence[str]) -> None:
        """Make `CASES`: one row per customer and category, with its first complaint as the estimate counts it.

        Columns: category, segment, start_date, end_date (None while they are here), complaint_date, rank (1: the first of all categories), and
        `fields`. Complaints before the window make nobody a complainant, but come first where they are.
        """
        of, engine = self.of, self.tables.engine
        cancelled = [one.category for one in self.counts.cancellations if not one.overruled]
        logged = ""
        if cancelled:
            names = ", ".join(map(quote_text, cancelled))
            gone = f"date_diff('day', k.complaint_date, c.end_date) < {WITHIN_DAYS}"
            logged = f"AND NOT (coalesce(k.category, '') IN ({names}) AND coalesce(c.end_date <= {of.as_of} AND {gone}, false))"
        own = ", ".join(fields)
        cells = ", ".join(f"k.{name}" for name in fields)
        order = ", ".join(["complaint_date", *(f"{name} NULLS LAST" for name in fields)])
        person = "customer_id, start_date, end_date"
        engine.make(CASES, f"""
            SELECT category, segment, start_date, end_date, complaint_date, {own},
                row_number() OVER (PARTITION BY {person} ORDER BY complaint_date, category) AS rank
            FROM (
                SELECT *, row_number() OVER (PARTITION BY {person}, category ORDER BY {order}) AS place
                FROM (
                    SELECT c.{of.key} AS customer_id, c.start_date, CASE WHEN c.end_date <= {of.as_of} THEN c.end_date END AS end_date,
                        coalesce(p.place, {len(self.counts.categories) - 1}) AS category, {self._segment()} AS segment, k.complaint_date, {cells}
                    FROM complaints AS k JOIN {self.tables.named_customers} AS c ON k.{of.key} = c.{of.key}
                    {self._places()}
                    WHERE {self._in_window()} AND k.complaint_date BETWEEN {of.earliest} AND {of.as_of} AND k.complaint_date >= c.start_date
                        AND (c.end_date IS NULL OR k.complaint_date <= c.end_date) {logged}
                ) AS cases
            ) AS ordered WHERE place = 1""")  # fmt: skip

    def make_incidents(self, fields: Sequence[str]) -> None:
        """Make `INCIDENT_CASES`: the first decided incident of a customer in a category who did not complain of it, with `fields`.

        Decided and voiced as in `iceberg.cohort.incidents`: the window lasts as long after it as a complaint may take.
        """
        of = self.of
        rows = self.tables.engine.execute("SELECT DISTINCT coalesce(category, '') FROM incidents").fetchall()
        matching = CategoryNames({name: place for place, name in enumerate(self.counts.categories)})
        listed = {str(name): matching.place(str(name)) for (name,) in rows}
        known: Mapping[str, int] = {name: place for name, place in listed.items() if place is not None} or {"": len(self.counts.categories) - 1}
        person, own = "customer_id, start_date, end_date, category", ", ".join(fields)
        order = ", ".join(["incident_date", *(f"{name} NULLS LAST" for name in fields)])
        near = f"date_diff('day', i.incident_date, k.complaint_date) BETWEEN 0 AND {COMPLAIN_WITHIN_DAYS}"
        self.tables.engine.make(INCIDENT_CASES, f"""
            SELECT category, {own} FROM (
                SELECT *, row_number() OVER (PARTITION BY {person} ORDER BY {order}) AS place, max(voiced) OVER (PARTITION BY {person}) AS spoke
                FROM (
                    SELECT i.{of.key} AS customer_id, c.start_date, c.end_date, p.place AS category, i.incident_date,
                        {', '.join(f'i.{name}' for name in fields)},
                        CASE WHEN EXISTS (
                            SELECT 1 FROM complaints AS k LEFT JOIN ({of.places(self.counts.categories)}) AS q ON coalesce(k.category, '') = q.name
                            WHERE k.{of.key} = i.{of.key} AND coalesce(q.place, {len(self.counts.categories) - 1}) = p.place AND {near}
                        ) THEN 1 ELSE 0 END AS voiced
                    FROM incidents AS i JOIN {self.tables.named_customers} AS c ON i.{of.key} = c.{of.key}
                    JOIN ({of.places_of(known)}) AS p ON coalesce(i.category, '') = p.name
                    WHERE {self._in_window()} AND i.incident_date >= c.start_date AND (c.end_date IS NULL OR i.incident_date <= c.end_date)
                        AND i.incident_date >= {of.since} AND date_diff('day', i.incident_date, {of.as_of}) >= {COMPLAIN_WITHIN_DAYS}
                ) AS cases
            ) AS ordered WHERE place = 1 AND spoke = 0""")  # fmt: skip

    def splits(self, source: str, text: str, places: Mapping[str, int], *, unknown: int, blank: int) -> list[tuple[int, int, int]]:
        """Category, place and customers of a work table, by the place of a text.

        Args:
            source: `CASES` or `INCIDENT_CASES`.
            text: Its column.
            places: Place of each text.
            unknown: Place of any other text.
            blank: Place of an empty cell.
        """
        listed = self.of.places_of(places) if places else "SELECT '' AS name, 0 AS place WHERE false"
        counted = f"WHERE complaint_date >= {self.of.since}" if source == CASES else ""
        rows = self.tables.engine.execute(f"""
            SELECT category, place, count(*) AS customers FROM (
                SELECT category, CASE WHEN {text} IS NULL THEN {blank} ELSE coalesce(p.place, {unknown}) END AS place
                FROM {source} LEFT JOIN ({listed}) AS p ON {text} = p.name {counted}
            ) AS placed GROUP BY category, place ORDER BY category, place""").fetchall()
        return [(int(category), int(place), int(customers)) for category, place, customers in rows]

    def clock(self, place: str, *, condition: str = "true") -> ComplaintClockCounts:
        """`CASES` on the clock since the complaint, where `condition` holds; SQL of `place` takes the part of the category."""
        engine = self.tables.engine
        engine.make("complained", f"""
            SELECT {place} AS category, segment, start_date, end_date, complaint_date, 1 AS rank
            FROM {CASES} WHERE {condition} AND ({place}) IS NOT NULL""")
        columns = engine.columns(self.of.clocks())
        return ComplaintClockCounts.summed({name: values for name, values in columns.items() if name != "rank"})

    def _in_window(self) -> str:
        of = self.of
        return f"c.start_date <= {of.as_of} AND coalesce(c.end_date, DATE '9999-12-31') >= greatest(c.start_date, {of.since})"

    def _segment(self) -> str:
        return f"coalesce(s.place, {len(self.counts.segments) - 1})"

    def _places(self) -> str:
        segment = f"string_split(coalesce(c.segment, ''), {quote_text(CONTRACT_MARK)})[1]"
        return (
            f"LEFT JOIN ({self.of.places(self.counts.categories)}) AS p ON coalesce(k.category, '') = p.name "
            f"LEFT JOIN ({self.of.places(self.counts.segments)}) AS s ON {segment} = s.name"
        )
