"""Reduces an incident log and a survey to `ObservedSilence`: who met a problem, and who of them complained."""
# ruff: noqa: S608 - every piece of the text is a literal of this module, a number or a date of the window

from __future__ import annotations

import re
import unicodedata
from collections.abc import Mapping

import numpy as np

from iceberg.cohort.day_counts import ComplaintClockCounts
from iceberg.cohort.lexis import add_up
from iceberg.cohort.silent_observations import COMPLAIN_WITHIN_DAYS, SURVEY_FIELDS, ObservedSilence
from iceberg.cohort.statements import Statements, bin_of, completed_months, edge_below, month_of
from iceberg.ingest.tables import Tables


def observe_silence(
    tables: Tables,
    statements: Statements,
    *,
    places: Mapping[str, int],
    shape: tuple[int, int],
    linked: bool,
) -> ObservedSilence | None:
    """Counts what the log and the survey show of silent customers; None where the tables hold neither.

    Args:
        tables: With the work tables of the reduction in their engine.
        statements: For the window, bands and clock.
        places: Place of every complaint category of the files. Names are compared without case, accents and
            punctuation where they do not match exactly.
        shape: (C, S).
        linked: Whether complaints lead to customers; a log means nothing otherwise.
    """
    engine = tables.engine
    logged, asked = "incidents" in tables.names and linked, "surveys" in tables.names
    if not logged and not asked:
        return None
    matching = CategoryNames(places)
    survey = np.zeros((shape[0], len(SURVEY_FIELDS)), dtype=np.int64)
    if asked:
        for name, *numbers in engine.execute(f"SELECT category, {', '.join(SURVEY_FIELDS)} FROM surveys").fetchall():
            place = matching.place(str(name))
            if place is not None:
                survey[place] += np.array(numbers, dtype=np.int64)
    struck = voiced = np.zeros(shape, dtype=np.int64)
    clock = ComplaintClockCounts.empty()
    if logged:
        rows = engine.execute("SELECT DISTINCT coalesce(category, '') FROM incidents").fetchall()
        listed = {str(name): matching.place(str(name)) for (name,) in rows}
        known = {name: place for name, place in listed.items() if place is not None}
        if known:
            sql = _IncidentStatements(statements, tables.named_customers)
            engine.make("incident_places", Statements.places_of(known))
            engine.make("sufferers", sql.sufferers(shape[1] - 1))
            counted = engine.columns(sql.struck())
            cell = (counted["category"], counted["segment"])
            struck, voiced = add_up(shape, cell, counted["struck"]), add_up(shape, cell, counted["voiced"])
            clock = ComplaintClockCounts(**engine.columns(sql.clock()))
    return ObservedSilence(struck, voiced, clock, COMPLAIN_WITHIN_DAYS, survey, tuple(sorted(matching.unmatched)))


class CategoryNames:
    """Finds the names of a log or a survey among the complaint categories."""

    def __init__(self, places: Mapping[str, int]) -> None:
        """Take the places of the complaint categories."""
        self.places = places
        self.folded = {fold_name(name): place for name, place in sorted(places.items(), reverse=True)}
        self.unmatched: set[str] = set()

    def place(self, name: str) -> int | None:
        """The place of a name; None where it is no category, which `unmatched` then holds."""
        found = self.places.get(name, self.folded.get(fold_name(name)))
        if found is None:
            self.unmatched.add(name)
        return found


def fold_name(name: str) -> str:
    """A name without case, accents and punctuation."""
    plain = unicodedata.normalize("NFKD", name.casefold())
    return " ".join(re.findall(r"\w+", "".join(letter for letter in plain if not unicodedata.combining(letter))))


class _IncidentStatements:
    """The SQL; work tables `complaints_counted`, `complained` and `segment_places` exist already."""

    def __init__(self, statements: Statements, customers: str) -> None:
        self.statements, self.customers = statements, customers

    def sufferers(self, others: int) -> str:
        """A SELECT of one row per customer and category: the first decided incident, and whether a complaint followed any.

        An incident is decided when the window still lasts `COMPLAIN_WITHIN_DAYS` after it, whatever the customer did. Columns: category,
        segment, start_date, end_date (NULL after the window), incident_date, voiced, first_word (day of the first complaint of all).
        """
        of = self.statements
        return f"""
            SELECT category, coalesce(place, {others}) AS segment, s.start_date,
                CASE WHEN s.end_date <= {of.as_of} THEN s.end_date END AS end_date,
                incident_date, voiced, first_word
            FROM (
                SELECT i.customer_id, c.segment, c.start_date, c.end_date, i.category,
                    min(i.incident_date) AS incident_date,
                    max(CASE WHEN date_diff('day', i.incident_date, k.complaint_date) BETWEEN 0 AND {COMPLAIN_WITHIN_DAYS}
                        THEN 1 ELSE 0 END) AS voiced
                FROM (
                    SELECT {of.key} AS customer_id, incident_date, place AS category
                    FROM incidents JOIN incident_places ON coalesce(category, '') = name
                    WHERE incident_date >= {of.since} AND date_diff('day', incident_date, {of.as_of}) >= {COMPLAIN_WITHIN_DAYS}
                ) AS i
                JOIN {self.customers} AS c ON i.customer_id = c.{of.key}
                LEFT JOIN complaints_counted AS k ON i.customer_id = k.customer_id AND i.category = k.category
                WHERE {of.in_window} AND i.incident_date >= c.start_date
                    AND (c.end_date IS NULL OR i.incident_date <= c.end_date)
                GROUP BY i.customer_id, c.segment, c.start_date, c.end_date, i.category
            ) AS s
            LEFT JOIN segment_places ON coalesce(s.segment, '') = name
            LEFT JOIN (
                SELECT customer_id, start_date, min(complaint_date) AS first_word
                FROM complained GROUP BY customer_id, start_date
            ) AS w ON s.customer_id = w.customer_id AND s.start_date = w.start_date"""

    @staticmethod
    def struck() -> str:
        """A SELECT of the customers with a decided incident and, of them, those who complained of it."""
        return "SELECT category, segment, count(*) AS struck, sum(voiced) AS voiced FROM sufferers GROUP BY category, segment"

    def clock(self) -> str:
        """A SELECT of silent sufferers by the cell of their incident and the bin in which follow-up ended."""
        of = self.statements
        month, tenure = f"{month_of('incident_date')} - {of.first_month}", completed_months("start_date", "incident_date")
        edges = of.clock_edges_days
        return f"""
            SELECT category, segment, month, band, clock, sum(departed) AS exited, sum(1 - departed) AS censored,
                sum(elapsed + 1 - {edge_below("clock", edges)}) AS days_in_bin
            FROM (
                SELECT category, segment, month, band, elapsed, departed, {bin_of("elapsed", edges)} AS clock
                FROM (
                    SELECT category, segment, {month} AS month, {bin_of(tenure, of.band_edges_months)} AS band,
                        CASE WHEN end_date IS NULL OR first_word IS NOT NULL THEN 0 ELSE 1 END AS departed,
                        CASE WHEN first_word IS NULL
                            THEN date_diff('day', incident_date, coalesce(end_date, {of.as_of}))
                            ELSE date_diff('day', incident_date, first_word) - 1 END AS elapsed
                    FROM sufferers
                    WHERE voiced = 0 AND (first_word IS NULL OR first_word > incident_date)
                ) AS followed
            ) AS placed GROUP BY category, segment, month, band, clock
            ORDER BY category, segment, month, band, clock"""
