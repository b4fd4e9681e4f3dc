"""Counts the reasons that leavers gave; rows stay in the engine, and no customer leaves it."""
# ruff: noqa: S608 - every piece of the text is a literal of this package, a number or a date of the window

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

from iceberg.cohort.incidents import CategoryNames, fold_name
from iceberg.cohort.reasons.answers import NONE_OF_THESE, Answers, StatedReasons
from iceberg.cohort.statements import FIRST_COMPLAINED, Statements
from iceberg.errors import EvidenceError
from iceberg.ingest.schema import UNCATEGORISED
from iceberg.ingest.tables import Tables
from iceberg.ingest.values.flags import stayed_sql

SOURCES: dict[str, Literal["survey", "cancellation"]] = {"leaver_surveys": "survey", "cancellation_reasons": "cancellation"}  # of `REASON_TABLES`
OTHER_SCALE, SLIPS = 0.05, 2  # judgement: beyond such a share of the numbers, and so many, outside 0 to 10 the scale is another one
_Said = tuple[str | None, str, bool | None, bool | None]  # segment, reason, informed, would have stayed
# Answers that name no problem of the company, folded (`fold_name`).
_NONE = re.compile(
    "none( of these| of the above| apply)?|no reason|nothing|rien( de tout cela)?|aucune?( de ces raisons| raison)?|unused|"
    "(i )?(no longer|dont|do not) (need|use)( it)?( anymore)?|not needed|besoin disparu|plus (besoin|d usage|utile)|n en a plus besoin|"
    "mov(ed|ing)( away| house| abroad)?|demenage(ment)?|relocat(ed|ion)|deceased|death|deces|decede|retired|retraite|bankrupt(cy)?|"
    "business closed|cessation( d activite)?|fermeture( de l entreprise)?|liquidation"
)


def count_reasons(
    tables: Tables, statements: Statements, *, places: Mapping[str, int], categories: Sequence[str], segments: Sequence[str], linked: bool
) -> tuple[StatedReasons, ...]:
    """What the files with reasons say; empty where there are none.

    Args:
        tables: With the work tables of the reduction in their engine.
        statements: For the window.
        places: Place of every complaint category of the files; names are compared as those of an incident log.
        categories: Names of the places.
        segments: Names of the segments.
        linked: Whether complaints lead to customers.

    Raises:
        EvidenceError: The customers or the segments of a file are unknown, it has more answers than leavers, or no reason is a category.
    """
    found = []
    for table, source in SOURCES.items():
        if table in tables.names:
            found.append(_Reading(tables, statements, table, CategoryNames(places), categories, segments, linked).read(source))
    return tuple(found)


@dataclass(frozen=True)
class _Reading:
    """The counts of one file."""

    tables: Tables
    of: Statements
    table: str
    matching: CategoryNames
    categories: Sequence[str]
    segments: Sequence[str]
    linked: bool

    def read(self, source: Literal["survey", "cancellation"]) -> StatedReasons:
        """The counts, or what is wrong with the file."""
        sums, answers, months = Counter[str](), Counter[_Said](), Counter[str]()
        unmatched, strangers = Counter[str](), Counter[str]()
        rows = self.tables.engine.execute(self._rows()).fetchall()
        for segment, stratum, state, month, reached, category, stayed, informed, number in rows:
            sums["asked"] += number
            if stratum and stratum not in self.segments:
                strangers[stratum] += number
            reason = self._reason(category)
            sums["reached"] += number if reached != 0 else 0
            kind = self._kind(state, reached, reason)
            sums[kind] += number
            if kind == "vocal" and informed == 0:
                sums["untold"] += number
            if kind == "unmatched":
                unmatched[str(category)] += number
            if kind == "silent" and reason is not None:
                answers[(segment if state != "unnamed" else stratum or None, reason, _flag(informed), _flag(stayed))] += number
                if month is not None:
                    months[month.isoformat()] += number
        self._refuse(sums, unmatched, strangers, answers)
        names = ("asked", "reached", "vocal", "untold", "elsewhere", "unknown", "blank")
        return StatedReasons(
            source,
            tuple(sorted((Answers(*key, number=number) for key, number in answers.items()), key=repr)),
            tuple(sorted(months.items())),
            unmatched=tuple(sorted(unmatched.items(), key=lambda item: (-item[1], item[0]))),
            **{name: sums[name] for name in names},
        )

    def _kind(self, state: str, reached: int | None, reason: str | None) -> str:
        """What becomes of a row: an answer of a silent leaver, or why it is none."""
        if reached == 0 or reason is None:
            return "blank"
        if state in {"unknown", "elsewhere"}:
            return state
        return "unmatched" if reason == UNCATEGORISED else state if state == "vocal" else "silent"

    def _reason(self, category: str | None) -> str | None:
        """The category of a reason, `NONE_OF_THESE`, None where none is given, `UNCATEGORISED` where it is no category."""
        if category is None or category == UNCATEGORISED:
            return None
        place = self.matching.place(category)
        if place is not None:
            return self.categories[place]
        return NONE_OF_THESE if _NONE.fullmatch(fold_name(category)) else UNCATEGORISED

    def _rows(self) -> str:
        """A SELECT of equal rows: segment, stratum as written, state, month of departure, the answers, how many.

        The state of a row: ``unnamed`` without a customer, ``unknown``, ``elsewhere`` (not left inside the window), ``vocal`` (left after a
        complaint) or ``silent``.
        """
        of = self.of
        survey = self.table == "leaver_surveys"
        stayed = stayed_sql("would_have_stayed", coded=self._are_coded()) if survey else "CAST(NULL AS INTEGER)"
        reached, informed = ("reached", "told_us") if survey else ("1", "CAST(NULL AS INTEGER)")
        stratum = "nullif(r.segment, '')" if survey else "CAST(NULL AS VARCHAR)"
        # One reason of each customer, where a file has several rows of one; of a survey that is refused.
        keys = "customer_id" if of.key == "customer_id" else f"customer_id, {of.key}"
        rows = self.table if survey else f"(SELECT {keys}, min(category) AS category FROM {self.table} GROUP BY {keys})"
        spoke = f"""
            LEFT JOIN (
                SELECT customer_id, min(complaint_date) AS first_word FROM {FIRST_COMPLAINED} GROUP BY customer_id
            ) AS w ON r.{of.key} = w.customer_id"""
        customers = """
            SELECT customer_id, min(segment) AS segment, max(coalesce(end_date, DATE '9999-12-31')) AS end_date
            FROM customers GROUP BY customer_id"""
        return f"""
            SELECT name_of, stratum, state, month, reached, category, stayed, informed, count(*) AS number FROM (
                SELECT c.segment AS name_of, {stratum} AS stratum,
                    CASE WHEN r.customer_id IS NULL THEN 'unnamed' WHEN c.customer_id IS NULL THEN 'unknown'
                        WHEN c.end_date NOT BETWEEN {of.since} AND {of.as_of} THEN 'elsewhere'
                        WHEN {"w.first_word IS NOT NULL" if self.linked else "FALSE"} THEN 'vocal' ELSE 'silent' END AS state,
                    CASE WHEN c.end_date BETWEEN {of.since} AND {of.as_of} THEN CAST(date_trunc('month', c.end_date) AS DATE) END AS month,
                    {reached} AS reached, r.category AS category, {stayed} AS stayed, {informed} AS informed
                FROM {rows} AS r LEFT JOIN ({customers}) AS c ON r.customer_id = c.customer_id {spoke if self.linked else ""}
            ) AS placed GROUP BY ALL ORDER BY ALL"""

    def _are_coded(self) -> bool:
        """Whether no number of what would have kept them is above 1: then 1 is yes, and not the second lowest of eleven."""
        number = "TRY_CAST(replace(trim(would_have_stayed), ',', '.') AS DOUBLE)"
        return self.tables.engine.execute(f"SELECT coalesce(max({number}) = 1, FALSE) FROM leaver_surveys").fetchall()[0][0] is True

    def _refuse(self, sums: Counter[str], unmatched: Counter[str], strangers: Counter[str], answers: Counter[_Said]) -> None:
        known = ", ".join(self.categories)
        table = self.table
        if strangers:
            raise EvidenceError("answers_segments", {"segments": ", ".join(sorted(strangers)), "known": ", ".join(self.segments)})
        if table == "leaver_surveys":
            repeated = "SELECT count(customer_id) - count(DISTINCT customer_id) FROM leaver_surveys"
            if twice := self.tables.engine.execute(repeated).fetchall()[0][0]:
                raise EvidenceError("answers_twice", {"count": twice})
            self._refuse_scale()
        if sums["unknown"] and sums["unknown"] + sums["blank"] >= sums["asked"]:
            raise EvidenceError("answers_customers", {"table": table, "count": sums["unknown"]})
        if unmatched and not any(reason != NONE_OF_THESE for _, reason, _, _ in answers):
            names = ", ".join(name for name, _ in unmatched.most_common(8))
            raise EvidenceError("answers_categories", {"table": table, "names": names, "known": known})
        leavers = dict(self.tables.engine.execute(
            f"SELECT coalesce(segment, ''), count(*) FROM customers WHERE end_date BETWEEN {self.of.since} AND {self.of.as_of} GROUP BY 1"
        ).fetchall())  # fmt: skip
        by_segment = Counter[str | None]()
        for (segment, *_), number in answers.items():
            by_segment[segment] += number
        for segment, number in by_segment.items():
            most = sum(leavers.values()) if segment is None else leavers.get(segment, 0)
            if number > most:
                raise EvidenceError("answers_too_many", {"segment": segment or "", "answers": number, "leavers": most, "table": table})

    def _refuse_scale(self) -> None:
        """Refuse another scale than 0 to 10 of the second question, and a column of which nothing can be read: both would pass for other answers.

        A number or two beyond the scale are mistakes of these rows, and stand among what was found in the file.
        """
        cell = "would_have_stayed"
        number = f"TRY_CAST(replace(trim({cell}), ',', '.') AS DOUBLE)"
        written, read, numbers, outside, example, unread = self.tables.engine.execute(f"""
            SELECT count(nullif(trim({cell}), '')), count({stayed_sql(cell)}), count({number}), count(*) FILTER ({number} NOT BETWEEN 0 AND 10),
                min({cell}) FILTER ({number} NOT BETWEEN 0 AND 10), min({cell}) FILTER (trim({cell}) <> '')
            FROM leaver_surveys""").fetchall()[0]
        if outside > max(OTHER_SCALE * numbers, SLIPS):
            raise EvidenceError("answers_scale", {"count": outside, "value": example})
        if written and not read:
            raise EvidenceError("answers_scale", {"count": written, "value": unread})


def _flag(value: int | None) -> bool | None:
    return None if value is None else bool(value)
