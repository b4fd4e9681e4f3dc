"""Counts good moments beside who left: customers from the month after a moment on, and matched customers who have had none."""
# ruff: noqa: S608 - every piece of the text is a literal of this package, a number, a date or a quoted name

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass, replace

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.positives.kinds import place_kinds
from iceberg.cohort.positives.matching import FOLLOWED_MONTHS, Matched, match_moments
from iceberg.cohort.positives.positive_counts import PositiveCounts
from iceberg.cohort.statements import Statements, bin_of, completed_months, month_of
from iceberg.errors import EvidenceError
from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.schema import CONTRACT_MARK, POSITIVES
from iceberg.ingest.tables import Tables

# Days with a visit in the three months before: judgement, grade D. Each edge is about 1.6 times the one before, so that customers of a band differ
# little, and a band of a few hundred customers exists in most companies.
BAND_EDGES_VISITS = (0, 1, 2, 3, 5, 8, 13, 21, 34, 55)
BAND_MONTHS, BEFORE_MONTHS = 3, 3  # months of visits that make the bands, and months before those
COMPLAINED_MONTHS = 3  # the month of the moment and the two before: who complained is compared with those who complained, as call-backs go to them
_MOST_TEXTS = 2_000  # judgement: texts of a kind that are looked up; the others are other kinds
_FOREVER = "DATE '9999-12-31'"


def with_positives(counts: CohortCounts, tables: Tables) -> CohortCounts:
    """The counts with those of the good moments; unchanged without a table of them.

    Args:
        counts: Of the same tables; nothing else of them changes.
        tables: Trusted rows; with a log of visits customers are compared within bands of them.

    Raises:
        EvidenceError: ``positives_need_customers``, ``positives_outside``.
    """
    if POSITIVES not in tables.names:
        return counts
    if not counts.has_customers or not counts.has_calendar:
        raise EvidenceError("positives_need_customers", {})
    with tables.engine.work():
        return replace(counts, positives=_Moments(tables, counts).read())


@dataclass(frozen=True)
class _Moments:
    """The moments of one file.

    Months are numbers, ``12 * year + month - 1``. A moment of month m counts for who is there on the first day of m, and is followed from the
    first day of m + 1 on, if the customer is still there. So are the customers it is compared with: no time is one in which only they could leave.
    """

    tables: Tables
    counts: CohortCounts

    @property
    def of(self) -> Statements:
        """The SQL of the window."""
        counts = self.counts
        return Statements(counts.window, counts.band_edges_months, counts.clock_edges_days, self.tables.customer_key)

    @property
    def last_whole_month(self) -> int:
        """The last month of the window that is counted to its end."""
        day = self.counts.window.as_of
        return self.of.last_month - (day.day < monthrange(day.year, day.month)[1])

    def read(self) -> PositiveCounts:
        """The counts, or why no moment counts."""
        engine = self.tables.engine
        engine.make("positive_firsts", self._firsts())
        log = self._log()
        first, last = self.of.first_month + (self.counts.window.since.day > 1), self.last_whole_month - 1
        seen = (max(first, log[0] + BAND_MONTHS), min(last, log[1] + 1)) if log is not None else (first, last)
        sees = log is not None and self._moments_in(*seen) > 0
        first, last = seen if sees else (first, last)
        rows, after, inside = self._rows()
        firsts, counted = self._moments_in(0, 1 << 20), self._moments_in(first, last)
        if not counted:
            raise EvidenceError("positives_outside", {"count": rows, "after": after, "others": rows - after})
        names, codes, places = place_kinds(self._texts(first, last))
        engine.make("positive_lives", self._lives(places, len(names) - 1))
        months = ", ".join(f"({month})" for month in self._months(first, last))
        engine.make("positive_months", f"SELECT month FROM (VALUES {months}) AS listed(month)")
        engine.make("positive_complaints", self._complaints())
        engine.make("positive_visits", self._visits(seen=sees))
        engine.make("positive_just", self._just_before(seen=sees))
        found = self._match(len(names), log=log if sees else None)
        edges = BAND_EDGES_VISITS if sees else (0,)
        read = (rows, inside - firsts, after, rows - after - inside + firsts - counted)
        return PositiveCounts(
            names, codes, sees, edges, found.months, found.bands, found.before, found.customers, found.unmatched, *read
        )

    def _firsts(self) -> str:
        """The first moment of each life: its day and the text of its kind; of several of one day the kind that sorts first."""
        return f"""
            SELECT customer_id, start_date, day, kind FROM (
                SELECT c.customer_id AS customer_id, c.start_date AS start_date, p.positive_date AS day, coalesce(p.positive_kind, '') AS kind,
                    row_number() OVER (PARTITION BY c.customer_id, c.start_date ORDER BY p.positive_date, coalesce(p.positive_kind, '')) AS rank
                FROM {POSITIVES} AS p JOIN customers AS c ON p.customer_id = c.customer_id
                WHERE p.positive_date BETWEEN c.start_date AND least(coalesce(c.end_date, {_FOREVER}), {self.of.as_of})
            ) AS ordered WHERE rank = 1"""

    def _moments_in(self, first: int, last: int) -> int:
        """First moments of the months `first` to `last`."""
        inside = f"{month_of('day')} BETWEEN {first} AND {last}"
        [(number,)] = self.tables.engine.execute(f"SELECT count(*) FROM positive_firsts WHERE {inside}").fetchall()
        return int(number)

    def _months(self, first: int, last: int) -> list[int]:
        """Months with a first moment."""
        found = self.tables.engine.execute(f"SELECT DISTINCT {month_of('day')} FROM positive_firsts").fetchall()
        return sorted(int(month) for (month,) in found if first <= month <= last)

    def _texts(self, first: int, last: int) -> dict[str, int]:
        """By text of the kind, the customers whose first moment it names."""
        found = self.tables.engine.execute(f"""
            SELECT kind, count(*) AS customers FROM positive_firsts WHERE {month_of("day")} BETWEEN {first} AND {last}
            GROUP BY kind ORDER BY customers DESC, kind LIMIT {_MOST_TEXTS}""").fetchall()
        return {str(text): int(number) for text, number in found}

    def _rows(self) -> tuple[int, int, int]:
        """Rows, rows after the departure, and rows in the life of a customer that end before the window does."""
        [row] = self.tables.engine.execute(f"""
            SELECT count(*), count(*) FILTER (p.positive_date > c.end_date),
                count(*) FILTER (p.positive_date <= c.end_date AND p.positive_date <= {self.of.as_of} AND l.customer_id IS NOT NULL)
            FROM {POSITIVES} AS p
            LEFT JOIN (SELECT customer_id, max(coalesce(end_date, {_FOREVER})) AS end_date FROM customers GROUP BY customer_id) AS c
                ON p.customer_id = c.customer_id
            LEFT JOIN customers AS l
                ON p.customer_id = l.customer_id AND p.positive_date BETWEEN l.start_date AND coalesce(l.end_date, {_FOREVER})
        """).fetchall()
        return int(row[0]), int(row[1]), int(row[2])

    def _log(self) -> tuple[int, int] | None:
        """First and last month of the log of visits; None without one."""
        if "activity" not in self.tables.names:
            return None
        [(first, last)] = self.tables.engine.execute(
            f"SELECT min({month_of('activity_date')}), max({month_of('activity_date')}) FROM activity"
        ).fetchall()
        return None if first is None else (int(first), int(last))

    def _lives(self, places: dict[str, int], others: int) -> str:
        """Customers with a day at risk: segment, months of the first and last day, and month and kind of their first moment."""
        segment = f"string_split(coalesce(c.segment, ''), {quote_text(CONTRACT_MARK)})[1]"
        kinds = Statements.places_of(places or {"": 0})
        return f"""
            SELECT c.customer_id AS customer_id, c.start_date AS start_date, coalesce(s.place, {len(self.counts.segments) - 1}) AS segment,
                {month_of("c.start_date")} + CASE WHEN day(c.start_date) > 1 THEN 1 ELSE 0 END AS first_month,
                CASE WHEN c.end_date <= {self.of.as_of} THEN {month_of("c.end_date")} END AS exit_month,
                {month_of("f.day")} AS touched_month, day(f.day) - 1 AS elapsed, coalesce(k.place, {others}) AS kind
            FROM customers AS c LEFT JOIN ({self.of.places(self.counts.segments)}) AS s ON {segment} = s.name
            LEFT JOIN positive_firsts AS f ON c.customer_id = f.customer_id AND c.start_date = f.start_date
            LEFT JOIN ({kinds}) AS k ON f.kind = k.name
            WHERE {self.of.in_window.replace("start_date", "c.start_date").replace("end_date", "c.end_date")}"""

    def _complaints(self) -> str:
        """Customers and months up to whose end they had complained within `COMPLAINED_MONTHS`; none where complaints lead to no customer."""
        if "complaints" not in self.tables.names or not self.counts.has_linked_complaints:
            return "SELECT NULL::VARCHAR AS customer_id, 0 AS month WHERE false"
        later = ", ".join(f"({months})" for months in range(COMPLAINED_MONTHS))
        return f"""
            SELECT DISTINCT customer_id, {month_of("complaint_date")} + later AS month
            FROM complaints, (VALUES {later}) AS listed(later) WHERE customer_id IS NOT NULL"""

    def _visits(self, *, seen: bool) -> str:
        """Customers and months with days of visits in the `BAND_MONTHS` before, in the `BEFORE_MONTHS` before those, and in the month itself."""
        if not seen:
            return "SELECT NULL::VARCHAR AS customer_id, 0 AS month, 0 AS recent, 0 AS earlier, 0 AS now WHERE false"
        later = ", ".join(f"({months})" for months in range(BAND_MONTHS + BEFORE_MONTHS + 1))
        return f"""
            SELECT customer_id, visited + later AS month,
                sum(CASE WHEN later BETWEEN 1 AND {BAND_MONTHS} THEN days ELSE 0 END) AS recent,
                sum(CASE WHEN later > {BAND_MONTHS} THEN days ELSE 0 END) AS earlier, sum(CASE WHEN later = 0 THEN days ELSE 0 END) AS now
            FROM (
                SELECT customer_id, {month_of("activity_date")} AS visited, count(DISTINCT activity_date) AS days
                FROM activity GROUP BY customer_id, {month_of("activity_date")}
            ) AS monthly, (VALUES {later}) AS listed(later) GROUP BY customer_id, visited + later"""

    def _just_before(self, *, seen: bool) -> str:
        """Customers with days of visits in the month of their first moment, before its day."""
        if not seen:
            return "SELECT NULL::VARCHAR AS customer_id, NULL::DATE AS start_date, 0 AS days WHERE false"
        return f"""
            SELECT f.customer_id AS customer_id, f.start_date AS start_date, count(DISTINCT a.activity_date) AS days
            FROM positive_firsts AS f JOIN activity AS a
                ON f.customer_id = a.customer_id AND a.activity_date < f.day AND {month_of("a.activity_date")} = {month_of("f.day")}
            GROUP BY f.customer_id, f.start_date"""

    def _trials(self, *, log: tuple[int, int] | None) -> str:
        """One row per customer and month of comparison: stratum, whether the first moment falls into it, and how far the customer is followed.

        `followed`: months stayed in full; `how`: 0 to the end, 1 left in the next one, 2 had a moment in it. `old` and `fresh`: whether the log shows
        the months long before, and all of the month itself; `earlier` and `now`: days with a visit in them, the latter up to the moment, where there
        is one, which lies `elapsed` days into the month.
        """
        end = f"least({FOLLOWED_MONTHS}, {self.last_whole_month} - m.month)"
        gone, had = "l.exit_month - m.month - 1", "l.touched_month - m.month - 1"
        tenure = completed_months("l.start_date", "first_day")
        day = "CAST(make_date(CAST(m.month // 12 AS INTEGER), CAST(m.month % 12 + 1 AS INTEGER), 1) AS DATE)"
        long_ago = f"m.month - {BAND_MONTHS + BEFORE_MONTHS}"
        old = "0" if log is None else f"CASE WHEN l.first_month <= {long_ago} AND {log[0]} <= {long_ago} THEN 1 ELSE 0 END"
        fresh = "0" if log is None else f"CASE WHEN m.month < {log[1]} THEN 1 ELSE 0 END"
        had_one = "l.touched_month = m.month"
        return f"""
            SELECT customer_id, segment, month, {bin_of("tenure", self.counts.band_edges_months)} AS band, engagement, complained, touched,
                CASE WHEN touched = 1 THEN kind ELSE 0 END AS kind, old, earlier, fresh, now, elapsed,
                CASE WHEN had < until AND had >= 0 AND had <= coalesce(gone, had) THEN had WHEN gone < until THEN gone ELSE until END AS followed,
                CASE WHEN had < until AND had >= 0 AND had <= coalesce(gone, had) THEN 2 WHEN gone < until THEN 1 ELSE 0 END AS how
            FROM (
                SELECT l.customer_id AS customer_id, l.segment AS segment, m.month AS month, l.kind AS kind,
                    {tenure.replace("first_day", day)} AS tenure, {bin_of("coalesce(v.recent, 0)", BAND_EDGES_VISITS)} AS engagement,
                    CASE WHEN k.customer_id IS NULL THEN 0 ELSE 1 END AS complained,
                    CASE WHEN {had_one} THEN 1 ELSE 0 END AS touched, {old} AS old, coalesce(v.earlier, 0) AS earlier, {fresh} AS fresh,
                    CASE WHEN {had_one} THEN coalesce(j.days, 0) ELSE coalesce(v.now, 0) END AS now,
                    CASE WHEN {had_one} THEN l.elapsed ELSE 0 END AS elapsed,
                    {gone} AS gone, {had} AS had, {end} AS until
                FROM positive_lives AS l JOIN positive_months AS m
                    ON l.first_month <= m.month AND coalesce(l.exit_month, 1000000) > m.month AND coalesce(l.touched_month, 1000000) >= m.month
                LEFT JOIN positive_visits AS v ON l.customer_id = v.customer_id AND m.month = v.month
                LEFT JOIN positive_just AS j ON l.customer_id = j.customer_id AND l.start_date = j.start_date
                LEFT JOIN positive_complaints AS k ON l.customer_id = k.customer_id AND m.month = k.month
            ) AS followed"""

    def _match(self, kinds: int, *, log: tuple[int, int] | None) -> Matched:
        """Customers after a moment beside those like them."""
        engine, trials = self.tables.engine, self._trials(log=log)
        stratum = "segment, month, band, engagement, complained"
        engine.make(
            "positive_cells",
            f"""
            SELECT {stratum}, touched, kind, followed, how, count(*) AS customers, sum(old) AS old, sum(old * earlier) AS earlier,
                sum(old * earlier * earlier) AS earlier_squares, sum(fresh) AS fresh, sum(fresh * now) AS now, sum(fresh * now * now) AS now_squares,
                sum(fresh * elapsed) AS elapsed, sum(fresh * elapsed * elapsed) AS elapsed_squares
            FROM ({trials}) AS trials GROUP BY {stratum}, touched, kind, followed, how""",
        )
        [(people, leavers)] = engine.execute(f"""
            SELECT count(DISTINCT customer_id) FILTER (touched = 0), count(DISTINCT customer_id) FILTER (touched = 0 AND how = 1)
            FROM ({trials}) AS trials""").fetchall()
        alike = " AND ".join(f"a.{name} = b.{name}" for name in stratum.split(", "))
        cells = engine.columns(f"""
            SELECT a.* FROM positive_cells AS a
            WHERE EXISTS (SELECT 1 FROM positive_cells AS b WHERE b.touched = 1 AND {alike})
            ORDER BY ALL""")
        return match_moments(cells, kinds=kinds, people=int(people), leavers=int(leavers))
