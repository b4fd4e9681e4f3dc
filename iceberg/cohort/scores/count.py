"""Counts scores beside who was at risk and who left; rows stay in the engine, and no customer leaves it."""
# ruff: noqa: S608 - every piece of the text is a literal of this package, a number, a date or a quoted name

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta

from iceberg.cohort.cancellations.search import WITHIN_DAYS
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.scores.score_counts import NO_COMPLAINT, UNANSWERED, UNHEARD, Leavers, ScoreCounts, TimeInState
from iceberg.cohort.statements import Statements
from iceberg.errors import EvidenceError
from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.schema import CONTRACT_MARK, SCORES, Scale
from iceberg.ingest.tables import Tables
from iceberg.ingest.values.scores import NO_ANSWER, NOT_ASKED

SCORE_LOOK_BACK_DAYS = 180  # judgement, grade D: half a year later a score is no last word any more; as long as a departure is put down to a problem
# Judgement, grade D: systems ask when a case is closed or an account ends, mostly within the week. Customers who stay are
# treated alike: days on which a departure would not count are no days at risk.
QUIET_DAYS = 7
_ENOUGH = 30  # judgement: fewer scores on one side of a day do not show another scale
_CLEARLY = 0.2  # judgement: the share above the end of the smaller scale
_FOREVER = "DATE '9999-12-31'"


def with_scores(counts: CohortCounts, tables: Tables, *, look_back_days: int | None = None) -> CohortCounts:
    """The counts with those of the scores; unchanged without a table of scores.

    Args:
        counts: Of the same tables; nothing else of them changes.
        tables: Trusted rows.
        look_back_days: For how long a score counts; `SCORE_LOOK_BACK_DAYS` by default.

    Raises:
        EvidenceError: ``scores_need_customers``, ``scores_outside``, ``scores_scale_changed``.
    """
    if SCORES not in tables.names or tables.score_scale is None:
        return counts
    if not counts.has_customers or not counts.has_calendar:
        raise EvidenceError("scores_need_customers", {})
    days = SCORE_LOOK_BACK_DAYS if look_back_days is None else look_back_days
    with tables.engine.work():
        return replace(counts, scores=_ScoreReading(tables, counts, tables.score_scale, days).read())


@dataclass(frozen=True)
class _ScoreReading:
    """The counts of one file."""

    tables: Tables
    counts: CohortCounts
    scale: Scale
    look_back_days: int

    @property
    def of(self) -> Statements:
        """The SQL of the window."""
        return Statements.of_counts(self.counts, self.tables.customer_key)

    def read(self) -> ScoreCounts:
        """The counts, or what is wrong with the file."""
        engine = self.tables.engine
        self._require_one_scale()
        engine.make("score_lives", self._lives())
        answers, unanswered, unasked, blank, after, matched = self._rows()
        if answers and not matched:
            raise EvidenceError("scores_outside", {"count": answers, "after": after, "others": answers - after})
        engine.make("score_events", self._events())
        engine.make("score_spans", self._spans())
        quiet, at_departure = self._quiet()
        return ScoreCounts(
            self.scale.name,
            self.scale.levels,
            self.scale.satisfied,
            self.scale.wide,
            self.scale.dissatisfied,
            self.look_back_days,
            QUIET_DAYS,
            self._time(),
            tuple(Leavers(*map(int, row)) for row in engine.execute(self._leavers()).fetchall()),
            quiet,
            at_departure,
            answers,
            unanswered,
            unasked,
            blank,
            after,
            answers - after - matched,
        )

    def _lives(self) -> str:
        """Customers with a day at risk: segment, first and last day, None while they are here; and the category they complained of first."""
        segment = f"string_split(coalesce(segment, ''), {quote_text(CONTRACT_MARK)})[1]"
        segments = self.of.places(self.counts.segments)
        left = f"CASE WHEN end_date <= {self.of.as_of} THEN end_date END"
        words = self._first_words()
        category = f"coalesce(w.category, {NO_COMPLAINT})" if words else str(NO_COMPLAINT)
        spoke = f"LEFT JOIN ({words}) AS w ON c.customer_id = w.spoke AND c.start_date = w.began" if words else ""
        return f"""
            SELECT c.customer_id AS customer_id, c.start_date AS start_date, {left} AS end_date,
                coalesce(s.place, {len(self.counts.segments) - 1}) AS segment, {category} AS category
            FROM customers AS c LEFT JOIN ({segments}) AS s ON {segment} = s.name {spoke}
            WHERE {self.of.in_window}"""

    def _first_words(self) -> str:
        """The first complaint of each customer in a life, which separates the vocal from the silent; "" where complaints lead to no customer."""
        if "complaints" not in self.tables.names or not self.counts.has_linked_complaints:
            return ""
        cancelled = [one.category for one in self.counts.cancellations if not one.overruled]
        logged = ""
        if cancelled:
            names = ", ".join(map(quote_text, cancelled))
            gone = f"date_diff('day', k.complaint_date, c.end_date) < {WITHIN_DAYS}"
            logged = f"AND NOT (coalesce(k.category, '') IN ({names}) AND coalesce(c.end_date <= {self.of.as_of} AND {gone}, false))"
        places, others = self.of.places(self.counts.categories), len(self.counts.categories) - 1
        return f"""
            SELECT spoke, began, category FROM (
                SELECT c.customer_id AS spoke, c.start_date AS began, coalesce(p.place, {others}) AS category,
                    row_number() OVER (PARTITION BY c.customer_id, c.start_date ORDER BY k.complaint_date, coalesce(p.place, {others})) AS rank
                FROM complaints AS k JOIN customers AS c ON k.customer_id = c.customer_id
                LEFT JOIN ({places}) AS p ON coalesce(k.category, '') = p.name
                WHERE k.complaint_date BETWEEN {self.of.earliest} AND {self.of.as_of} AND k.complaint_date >= c.start_date
                    AND (c.end_date IS NULL OR k.complaint_date <= c.end_date) {logged}
            ) AS spoken WHERE rank = 1"""

    def _rows(self) -> tuple[int, ...]:
        """Rows with a score, unanswered, unasked, blank; scores after the departure, and scores that can count."""
        earliest = f"DATE '{(self.counts.window.since - timedelta(days=self.look_back_days)).isoformat()}'"
        [row] = self.tables.engine.execute(f"""
            SELECT count(*) FILTER (s.score >= 0), count(*) FILTER (s.score = {NO_ANSWER}), count(*) FILTER (s.score = {NOT_ASKED}),
                count(*) FILTER (s.score IS NULL), count(*) FILTER (s.score >= 0 AND s.score_date > c.end_date),
                count(*) FILTER (s.score >= 0 AND s.score_date >= l.start_date AND s.score_date BETWEEN {earliest} AND {self.of.as_of})
            FROM {SCORES} AS s
            LEFT JOIN (SELECT customer_id, max(coalesce(end_date, {_FOREVER})) AS end_date FROM customers GROUP BY customer_id) AS c
                ON s.customer_id = c.customer_id
            LEFT JOIN score_lives AS l ON s.customer_id = l.customer_id AND s.score_date BETWEEN l.start_date AND coalesce(l.end_date, {_FOREVER})
        """).fetchall()
        return tuple(int(number) for number in row)

    def _events(self) -> str:
        """Answers, and questions without one, in the life of a customer: the day, the level (None unanswered), the next answer and the one before.

        Of several scores of a day the worst counts.
        """
        order = "OVER (PARTITION BY customer_id, start_date ORDER BY day"
        return f"""
            SELECT *, max(answered) {order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING) AS before,
                min(answered) {order} ROWS BETWEEN 1 FOLLOWING AND UNBOUNDED FOLLOWING) AS following
            FROM (
                SELECT l.customer_id, l.start_date, l.end_date, l.segment, s.day, s.level, CASE WHEN s.level IS NOT NULL THEN s.day END AS answered
                FROM (
                    SELECT customer_id, score_date AS day, min(CASE WHEN score >= 0 THEN score END) AS level
                    FROM {SCORES} WHERE score >= 0 OR score = {NO_ANSWER} GROUP BY customer_id, score_date
                ) AS s JOIN score_lives AS l ON s.customer_id = l.customer_id AND s.day BETWEEN l.start_date AND coalesce(l.end_date, {self.of.as_of})
            ) AS asked"""

    def _spans(self) -> str:
        """The days at risk on which each event is the last word: first and last of them, state, and whether the customer left on the last one.

        An answer holds until it is stale or the next one holds. A question without an answer counts only while no answer does.
        """
        quiet, stale = QUIET_DAYS + 1, self.look_back_days
        begins = f"CASE WHEN level IS NULL AND before IS NOT NULL THEN greatest(day + {quiet}, before + {stale + 1}) ELSE day + {quiet} END"
        useful = f"level IS NOT NULL OR following IS NULL OR begins < following + {quiet}"
        until = f"least(day + {stale}, coalesce(upcoming - 1, {_FOREVER}), coalesce(end_date, {self.of.as_of}))"
        return f"""
            SELECT * FROM (
                SELECT segment, start_date, end_date, customer_id, coalesce(level, {UNANSWERED}) AS state,
                    greatest(begins, {self.of.since}) AS first_day, {until} AS last_day
                FROM (
                    SELECT *, lead(begins) OVER (PARTITION BY customer_id, start_date ORDER BY begins, day) AS upcoming
                    FROM (SELECT *, {begins} AS begins FROM score_events) AS begun WHERE {useful}
                ) AS ordered
            ) AS placed WHERE first_day <= last_day"""

    def _time(self) -> tuple[TimeInState, ...]:
        """Days and departures of every state; who has no valid score is everybody else at risk."""
        edges = self.counts.band_edges_months
        bands = ", ".join(f"({band}, {low}, {high})" for band, (low, high) in enumerate(zip(edges, (*edges[1:], 12_000), strict=True)))

        def edge(months: str) -> str:
            """First day of so many completed months: the day of the month of the first day, or the first of the next month where there is none."""
            month = f"CAST(date_trunc('month', start_date) + to_months({months}) AS DATE)"
            return f"least({month} + CAST(day(start_date) - 1 AS INTEGER), last_day({month}) + 1)"

        begin, end = f"greatest(first_day, {edge('low')})", f"least(last_day, {edge('high')} - 1)"
        found = self.tables.engine.execute(f"""
            SELECT segment, band, state, sum(date_diff('day', begin, finish) + 1) AS days,
                count(*) FILTER (end_date BETWEEN begin AND finish) AS leavers
            FROM (
                SELECT segment, band, state, end_date, {begin} AS begin, {end} AS finish
                FROM score_spans, (SELECT * FROM (VALUES {bands}) AS listed(band, low, high)) AS bands
            ) AS cut WHERE begin <= finish GROUP BY segment, band, state ORDER BY segment, band, state
        """).fetchall()
        heard = [TimeInState(*map(int, row)) for row in found]
        days = self.counts.person_days.sum(axis=1)
        left = (self.counts.silent_exits + self.counts.vocal_exits).sum(axis=1)
        for one in heard:
            days[one.segment, one.band] -= one.days
            left[one.segment, one.band] -= one.leavers
        cells = ((segment, band) for segment in range(days.shape[0]) for band in range(days.shape[1]))
        others = [TimeInState(s, b, UNHEARD, int(days[s, b]), int(left[s, b])) for s, b in cells if days[s, b] or left[s, b]]
        return tuple(sorted([*heard, *others]))

    def _leavers(self) -> str:
        """A SELECT of departures by segment, category complained of first, and state."""
        return f"""
            SELECT l.segment, l.category, coalesce(s.state, {UNHEARD}) AS state, count(*) AS number
            FROM score_lives AS l LEFT JOIN score_spans AS s
                ON l.customer_id = s.customer_id AND l.start_date = s.start_date AND l.end_date BETWEEN s.first_day AND s.last_day
            WHERE l.end_date BETWEEN {self.of.since} AND {self.of.as_of}
            GROUP BY l.segment, l.category, coalesce(s.state, {UNHEARD}) ORDER BY 1, 2, 3"""

    def _quiet(self) -> tuple[int, tuple[tuple[int, int], ...]]:
        """Person-days just after a score, and who left on them, by level."""
        until = f"least(day + {QUIET_DAYS}, coalesce(following - 1, {_FOREVER}), coalesce(end_date, {self.of.as_of}))"
        rows = self.tables.engine.execute(f"""
            SELECT level, sum(date_diff('day', begin, finish) + 1), count(*) FILTER (end_date BETWEEN begin AND finish)
            FROM (
                SELECT level, end_date, greatest(day, {self.of.since}) AS begin, {until} AS finish FROM score_events WHERE level IS NOT NULL
            ) AS fresh WHERE begin <= finish GROUP BY level ORDER BY level
        """).fetchall()
        return sum(int(days) for _, days, _ in rows), tuple((int(level), int(left)) for level, _, left in rows if left)

    def _require_one_scale(self) -> None:
        """Stop where the scores keep to the lower part of their scale until a month, and leave it afterwards, or the reverse: the scale was changed.

        Raises:
            EvidenceError: ``scores_scale_changed``.
        """
        ends = {"0-10": 5, "percent": 1}  # levels of a scale of five, or of ten, inside the larger one
        most = ends.get(self.scale.name)
        if most is None:
            return
        months = self.tables.engine.execute(f"""
            SELECT CAST(date_trunc('month', score_date) AS DATE) AS month, count(*), count(*) FILTER (score > {most})
            FROM {SCORES} WHERE score >= 0 GROUP BY 1 ORDER BY 1
        """).fetchall()
        total, above = sum(row[1] for row in months), sum(row[2] for row in months)
        before = before_above = 0
        for place, (_, number, over) in enumerate(months[:-1]):
            before, before_above = before + number, before_above + over
            later, later_above = total - before, above - before_above
            sides = ((before, before_above, later, later_above), (later, later_above, before, before_above))
            if any(few >= _ENOUGH and none == 0 and many >= _ENOUGH and some >= _CLEARLY * many for few, none, many, some in sides):
                last = months[place + 1][0] - timedelta(days=1)
                value = most if self.scale.step == 1 else (most + 1) * self.scale.step - 1
                raise EvidenceError("scores_scale_changed", {"day": last, "value": value})
