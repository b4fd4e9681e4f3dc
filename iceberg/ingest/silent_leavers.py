"""Ids of customers who left in silence in the last months, one by one: the only way out of the tables for an id, and only into a local file.

Everything else of the product works on counts. `iceberg callback` asks here, under its explicit flag, and writes what it gets to the file at once.
"""


from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date

from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.tables import Tables

_BATCH = 10_000


@dataclass(frozen=True)
class SilentDays:
    """Which departures, and which complaints end a silence.

    Attributes:
        first, last: Days of the departures.
        earliest: First day on which a complaint ends a silence.
        cancelled: Categories in which a complaint shortly before the departure is a logged cancellation and ends none.
        within_days: How shortly.
    """

    first: date
    last: date
    earliest: date
    cancelled: Sequence[str] = ()
    within_days: int = 0


def count_silent_leavers(tables: Tables, days: SilentDays) -> dict[str, int]:
    """Silent leavers by segment as the files name it."""
    rows = tables.engine.execute(f"SELECT segment, count(*) FROM ({_leavers(tables, days)}) AS silent GROUP BY segment").fetchall()
    return {str(segment): int(number) for segment, number in rows}


def stream_silent_leavers(tables: Tables, days: SilentDays) -> Iterator[tuple[str, str, date]]:
    """Id, segment and last day of each silent leaver, in the order of their ids, whatever the order of the files."""
    result = tables.connection.execute(f"{_leavers(tables, days)} ORDER BY customer_id, end_date, segment")
    while rows := result.fetchmany(_BATCH):
        for customer_id, segment, end_date in rows:
            yield str(customer_id), str(segment), end_date


def _leavers(tables: Tables, days: SilentDays) -> str:
    """SELECT of customer_id, segment and end_date of those who left and had not complained, as the counts define it."""
    spoke = ""
    if "complaints" in tables.names:
        logged = ""
        if days.cancelled:
            names = ", ".join(map(quote_text, days.cancelled))
            logged = f" AND NOT (coalesce(k.category, '') IN ({names}) AND date_diff('day', k.complaint_date, c.end_date) < {days.within_days})"
        spoke = f"""
            AND NOT EXISTS (
                SELECT 1 FROM complaints AS k
                WHERE k.customer_id = c.customer_id AND k.complaint_date >= greatest(c.start_date, {_day(days.earliest)})
                    AND k.complaint_date <= c.end_date{logged}
            )"""
    return f"""
        SELECT c.customer_id AS customer_id, coalesce(c.segment, '') AS segment, c.end_date AS end_date
        FROM customers AS c
        WHERE c.end_date BETWEEN {_day(days.first)} AND {_day(days.last)} AND c.end_date >= c.start_date{spoke}"""


def _day(day: date) -> str:
    return f"DATE '{day.isoformat()}'"
