"""Reads an activity log into active days per customer and week, inside the engine, and refuses logs that hold no rhythms."""
# ruff: noqa: S608 - names in the text are literals of this module, numbers and days

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from iceberg.arrays import FloatArray, IntArray
from iceberg.cohort.rhythm.assumptions import (
    LEAST_DAYS_SLOW,
    MOST_CATEGORIES,
    ONE_VISIT_SHARE,
    SHORTEST_LOG_WEEKS,
    STAFF_DAYS_PER_WEEK,
    STAFF_ROWS_PER_DAY,
    STAFF_SHARE,
    STAFF_TIMES_MEDIAN,
    STAFF_WEEKS,
    THIN_WEEK,
)
from iceberg.cohort.rhythm.breaks.exposure import HOLE, WeekBlock
from iceberg.cohort.rhythm.counts import RhythmRemark
from iceberg.errors import EvidenceError
from iceberg.ingest.schema import CONTRACT_MARK
from iceberg.ingest.tables import Tables

_WEEK = 7
_WORD_WEEKS = 8  # a byte for each week, a bit for each day of it: 63 bits of a number with a sign
_BYTES = (1 << 8 * _WORD_WEEKS) // 255  # 1 in each byte
_NEVER, _QUARTER = 30_000, 13
_SHOWN_SEGMENTS = 12  # judgement: more are no list that anybody reads; the smaller ones stand together
_STOPPED_DAYS = 14  # judgement: where other files go on for longer than this, the log stopped before them
_SATURDAY = 5  # a log that ends on a Saturday is one of a company that is shut on Sundays


@dataclass(eq=False)
class ActivityWeeks:
    """The weeks of a log; its rows stay in the engine, in the tables ``rhythm_days`` and ``rhythm_people``.

    Both have one row per customer, in which every active day is a bit of the columns ``word_0``, ``word_1`` ...: a row per customer and week takes
    twice the time, and several times the memory. The first byte is of the days before the first Monday.

    Attributes:
        tables: The company.
        monday: First Monday of the log.
        weeks: Whole weeks from there on.
        people: Customers with enough active days to be judged. Their numbers are in no order of theirs, so the first of them are a random sample.
        customers: All customers of the log.
        left: Customers who left openly within the log.
        segments: Names by place; the last one may stand for the smaller ones ("").
        totals: Active days by week.
        remarks: What was left out, and why.
        customers_name: Relation of the customers.
    """

    tables: Tables
    monday: date
    weeks: int
    people: int = 0
    customers: int = 0
    left: int = 0
    segments: tuple[str, ...] = ("",)
    totals: FloatArray = field(default_factory=lambda: np.zeros(0))
    remarks: list[RhythmRemark] = field(default_factory=list)
    customers_name: str = "customers"

    @property
    def as_of(self) -> date:
        """The last day of the whole weeks."""
        return self.day(self.weeks) - timedelta(days=1)

    def day(self, week: int) -> date:
        """The Monday of a week."""
        return self.monday + timedelta(days=_WEEK * int(week))

    @classmethod
    def read(cls, tables: Tables, *, customers: str = "customers") -> ActivityWeeks:
        """Count active days by customer and week.

        Args:
            tables: With ``activity``.
            customers: Relation of the customers; a last day in it is an open departure.

        Raises:
            EvidenceError: There is no activity, it is too short, or hardly a customer was seen twice.
        """
        if "activity" not in tables.names:
            raise EvidenceError("rhythm_no_activity", {})
        first, last = tables.engine.execute("SELECT min(activity_date), max(activity_date) FROM activity").fetchall()[0]
        if first is None:
            raise EvidenceError("rhythm_no_activity", {})
        monday = first - timedelta(days=first.weekday()) if first.weekday() <= 1 else first + timedelta(days=_WEEK - first.weekday())
        end = last + timedelta(days=_WEEK - last.weekday()) if last.weekday() >= _SATURDAY else last - timedelta(days=last.weekday())
        read = cls(tables, monday, max((end - monday).days // _WEEK, 0), customers_name=customers)
        read._require_length(last)
        read._count()
        read._add_totals()
        read._cut_thin_end(last)
        read._number()
        read._compare_ends(last)
        return read

    def _require_length(self, last: date) -> None:
        if self.weeks < SHORTEST_LOG_WEEKS:
            raise EvidenceError("rhythm_short", {"weeks": max(self.weeks, 0), "needed": SHORTEST_LOG_WEEKS, "first": self.monday, "last": last})

    @property
    def _words(self) -> tuple[str, ...]:
        """The columns of days."""
        return tuple(f"word_{place}" for place in range(-(-(self.weeks + 1) // _WORD_WEEKS)))

    def _count(self) -> None:
        """Makes ``rhythm_days``: one row per customer, with active days and rows of the file up to the last whole week."""
        words = self._words
        bits = ", ".join(f"coalesce(bit_or(bit) FILTER (WHERE word = {place}), 0) AS {name}" for place, name in enumerate(words))
        all_days = " + ".join(f"CAST(bit_count({name}) AS INTEGER)" for name in words)
        weeks = " + ".join(f"CAST(bit_count({_weeks_sql(name)}) AS INTEGER)" for name in words)
        self.tables.engine.make(
            "rhythm_days",
            f"SELECT customer_id, first, signs, {all_days} AS all_days, {all_days} - CAST(bit_count(word_0 & {_WEEK_BITS}) AS INTEGER) AS days, "
            f"{weeks} AS weeks, {', '.join(words)} FROM ("
            f"SELECT customer_id, CAST(min(day) // {_WEEK} - 1 AS INTEGER) AS first, CAST(count(*) AS INTEGER) AS signs, {bits} FROM ("
            f"SELECT customer_id, day, day // {_WORD_WEEKS * _WEEK} AS word, "
            f"CAST(1 AS BIGINT) << CAST(8 * (day // {_WEEK} % {_WORD_WEEKS}) + day % {_WEEK} AS INTEGER) AS bit FROM ("
            f"SELECT customer_id, date_diff('day', DATE '{self.day(-1)}', activity_date) AS day FROM activity "
            f"WHERE activity_date < DATE '{self.day(self.weeks)}') AS a) AS b GROUP BY customer_id) AS c",
        )

    def _add_totals(self) -> None:
        """Active days of all customers by week."""
        sums = (f"sum(CAST(bit_count({self._byte_sql(week)}) AS INTEGER)) AS week_{week}" for week in range(self.weeks))
        totals = self.tables.engine.columns(f"SELECT {', '.join(sums)} FROM rhythm_days")
        self.totals = np.array([totals[f"week_{week}"][0] for week in range(self.weeks)], dtype=float)

    def _byte_sql(self, week: int) -> str:
        place, byte = divmod(week + 1, _WORD_WEEKS)
        return f"(word_{place} >> {8 * byte}) & {_WEEK_BITS}"

    def _cut_thin_end(self, last: date) -> None:
        """Leave out last weeks that hold too little: everybody would seem to have stopped in them."""
        whole = self.weeks
        while self.weeks > SHORTEST_LOG_WEEKS and self._is_thin(self.weeks - 1):
            self.weeks -= 1
        if self.weeks < whole:
            self.remarks.append(RhythmRemark("thin_end", {"count": whole - self.weeks, "from": self.day(self.weeks), "last": last}))
            self.totals = self.totals[: self.weeks]
            self._count()
        usual = np.median(self.totals)
        holes = int((self.totals < HOLE * usual).sum())
        if holes:
            self.remarks.append(RhythmRemark("holes", {"count": holes}))

    def _is_thin(self, week: int) -> bool:
        """Whether a week holds far less than the quarter before it."""
        return bool(self.totals[week] < THIN_WEEK * np.median(self.totals[max(week - _QUARTER, 0) : week]))

    def _number(self) -> None:
        """Makes ``rhythm_people``: customers who can be judged, by number."""
        engine = self.tables.engine
        customers, once, median = engine.execute(
            "SELECT count(*), count(*) FILTER (WHERE all_days = 1), quantile_cont(signs / all_days, 0.5) FROM rhythm_days"
        ).fetchall()[0]
        self.customers = int(customers)
        if not customers or once / customers > ONE_VISIT_SHARE:
            raise EvidenceError("rhythm_one_visit", {"customers": int(customers), "once": int(once)})
        staff = self._staff(max(STAFF_ROWS_PER_DAY, STAFF_TIMES_MEDIAN * float(median)))
        self._take_segments()
        left, place, join = self._customer_sql()
        engine.make(
            "rhythm_people",
            f"SELECT s.customer_id, CAST(row_number() OVER (ORDER BY hash(s.customer_id), s.customer_id) - 1 AS INTEGER) AS number, "
            f"first, {left} AS left_week, {place} AS segment, {', '.join(self._words)} "
            f"FROM rhythm_days AS s {join} WHERE days >= {LEAST_DAYS_SLOW} AND NOT ({staff})",
        )
        people, left = engine.execute(f"SELECT count(*), count(*) FILTER (WHERE left_week < {self.weeks}) FROM rhythm_people").fetchall()[0]
        self.people, self.left = int(people), int(left)

    def _staff(self, rows_per_day: float) -> str:
        """A condition that holds for cards of staff and of tests: more rows a day than anybody makes, or there every day where hardly anyone is."""
        often = f"signs / all_days >= {rows_per_day}"
        daily = f"all_days >= {STAFF_DAYS_PER_WEEK} * greatest(weeks, {STAFF_WEEKS})"
        counted, number = self.tables.engine.execute(
            f"SELECT count(*) FILTER (WHERE {often}), count(*) FILTER (WHERE NOT ({often}) AND {daily}) FROM rhythm_days"
        ).fetchall()[0]
        rare = 0 < number <= STAFF_SHARE * self.customers
        cards = int(counted) + (int(number) if rare else 0)
        if cards:
            self.remarks.append(RhythmRemark("staff_cards", {"count": cards, "rows": round(rows_per_day)}))
        return f"{often} OR {daily}" if rare else often

    def _take_segments(self) -> None:
        if not self._has_customers:
            return
        rows = self.tables.engine.execute(
            f"SELECT {_SEGMENT} AS name, count(*) AS customers FROM {self.customers_name} GROUP BY name ORDER BY customers DESC, name"
        ).fetchall()
        names = [str(name) for name, _ in rows]
        if len(names) > 1:
            self.segments = tuple(names) if len(names) <= _SHOWN_SEGMENTS else (*names[: _SHOWN_SEGMENTS - 1], "")

    @property
    def _has_customers(self) -> bool:
        return "customers" in self.tables.names

    def _customer_sql(self) -> tuple[str, str, str]:
        """SQL of the week of an open departure, of the place of the segment, and of the join that both need: none where all customers are alike."""
        if not self._has_customers:
            return str(_NEVER), "0", ""
        ends = self.tables.engine.execute(f"SELECT count(end_date) FROM {self.customers_name}").fetchall()[0][0]
        if not ends and len(self.segments) == 1:
            return str(_NEVER), "0", ""
        places = ", ".join(f"({_quoted(name)}, {place})" for place, name in enumerate(self.segments))
        join = (
            f"LEFT JOIN (SELECT customer_id, max({_SEGMENT}) AS name, max(end_date) AS end_date FROM {self.customers_name} "
            "GROUP BY customer_id) AS c "
            f"ON c.customer_id = s.customer_id LEFT JOIN (VALUES {places}) AS p(name, place) ON p.name = c.name"
        )
        return self.left_sql, f"CAST(coalesce(place, {len(self.segments) - 1}) AS INTEGER)", join

    @property
    def left_sql(self) -> str:
        """SQL of the week of an open departure, from ``end_date``; past every log without one."""
        if not self._has_customers:
            return str(_NEVER)
        return f"coalesce(CAST(floor(date_diff('day', DATE '{self.monday}', end_date) / {_WEEK}.0) AS INTEGER), {_NEVER})"

    def _compare_ends(self, last: date) -> None:
        """Say so where the other files go on after the log."""
        spans = {"complaints": "max(complaint_date)", "incidents": "max(incident_date)"}
        spans |= {"customers": "max(greatest(start_date, coalesce(end_date, start_date)))"}
        days = [
            self.tables.engine.execute(f"SELECT {latest} FROM {name}").fetchall()[0][0] for name, latest in spans.items() if name in self.tables.names
        ]
        latest = max((day for day in days if day is not None), default=last)
        if (latest - last).days > _STOPPED_DAYS:
            self.remarks.append(RhythmRemark("stops_early", {"last": last, "others": latest}))

    def block(self, low: int, high: int) -> WeekBlock:
        """The weeks of the customers with these numbers."""
        names = ("first", "left_week", "segment", *self._words)
        found = self.tables.engine.columns(f"SELECT number, {', '.join(names)} FROM rhythm_people WHERE number >= {low} AND number < {high}")
        order = np.argsort(found["number"])
        first, left, segment, *words = (found[name][order] for name in names)
        bits = np.stack(words, axis=1).astype("<i8").view(np.uint8)[:, 1 : self.weeks + 1]
        return WeekBlock(np.bitwise_count(bits), *(one.astype(np.int32) for one in (first, left, segment)))

    def events(self, since: int) -> tuple[tuple[tuple[str, str], ...], dict[str, IntArray]]:
        """First complaint and first incident of each customer and category from week `since` on.

        Returns:
            Pairs of source and category, and the columns number, category (a place in them) and week.
        """
        engine, named = self.tables.engine, []
        sources = {"complaints": "complaint_date", "incidents": "incident_date"}
        for source, day in sources.items():
            if source in self.tables.names and self._names_customers(source):
                named.append(
                    f"SELECT customer_id, '{source}' AS source, coalesce(category, '') AS category, "
                    f"CAST(floor(date_diff('day', DATE '{self.monday}', {day}) / {_WEEK}.0) AS INTEGER) AS week FROM {source}"
                )
        if not named:
            return (), {name: np.zeros(0, dtype=np.int64) for name in ("number", "category", "week")}
        engine.make("rhythm_events", " UNION ALL ".join(named))
        rows = engine.execute(
            f"SELECT source, category FROM rhythm_events GROUP BY source, category ORDER BY count(*) DESC, source, category LIMIT {MOST_CATEGORIES}"
        ).fetchall()
        categories = tuple(sorted((str(source), str(name)) for source, name in rows))
        places = ", ".join(f"({_quoted(source)}, {_quoted(name)}, {place})" for place, (source, name) in enumerate(categories))
        return categories, engine.columns(
            f"SELECT p.number AS number, k.place AS category, min(e.week) AS week FROM rhythm_events AS e "
            f"JOIN (VALUES {places}) AS k(source, category, place) ON k.source = e.source AND k.category = e.category "
            f"JOIN rhythm_people AS p ON p.customer_id = e.customer_id WHERE e.week BETWEEN {since} AND {self.weeks - 1} "
            "GROUP BY p.number, k.place ORDER BY 1, 2"
        )

    def _names_customers(self, source: str) -> bool:
        return bool(self.tables.engine.execute(f"SELECT count(customer_id) FROM {source}").fetchall()[0][0])

    def ids(self, numbers: Sequence[int]) -> dict[int, str]:
        """The ids behind some numbers: only for the list that an analyst keeps on the own machine."""
        self.tables.engine.register("rhythm_wanted", pa.table({"number": pa.array(numbers, pa.int64())}))
        rows = self.tables.engine.execute("SELECT number, customer_id FROM rhythm_people JOIN rhythm_wanted USING (number)").fetchall()
        return {int(number): str(name) for number, name in rows}


_WEEK_BITS = (1 << _WEEK) - 1
_SEGMENT = f"split_part(coalesce(segment, ''), '{CONTRACT_MARK}', 1)"


def _weeks_sql(word: str) -> str:
    """SQL of a number with a bit for each week of `word` that has a day: the seven days of a byte are folded onto its first bit."""
    for days, kept in ((4, 0x0F), (2, 0x03), (1, 0x01)):
        word = f"(({word} | ({word} >> {days})) & {kept * _BYTES})"
    return word


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
