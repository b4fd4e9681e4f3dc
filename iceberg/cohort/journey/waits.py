"""Counts how long first complaints waited for the first reply and for their closing, in hours by category; rows stay in the engine."""
# ruff: noqa: S608 - every piece of the text is a literal of this package, a number or a date

from __future__ import annotations

from collections.abc import Mapping

from iceberg.cohort.journey.first_cases import CASES, FirstCases
from iceberg.cohort.journey.service_counts import CLOSED, FIRST_REPLY, Wait
from iceberg.ingest.engine.protocol import Queryable
from iceberg.ingest.values.dates import date_sql, recognise_dates

SAMPLE = 2_000  # texts from which the form of days is recognised
_NUMBER = r"[0-9]{1,7}([.,][0-9]+)?"
_CLOCK = r"[0-9]{1,6}:[0-5][0-9](:[0-5][0-9])?"
_HOURS_A_DAY = 24


def count_waits(cases: FirstCases, days: Mapping[str, str], fields: tuple[str, ...]) -> tuple[Wait, ...]:
    """The waits of `CASES`, which is made; nothing where no column says them.

    A case without a day of closing is open until the window ends. One without a first reply waits until then, or until it was closed.

    Args:
        cases: The work tables.
        days: By field, the SQL of its day, where its days can be read.
        fields: Those of `CASES`.
    """
    last, closed = cases.of.as_of, days.get("resolved_date", "NULL::DATE")
    found: list[Wait] = []
    if "resolved_date" in days:
        found += _waits(cases, CLOSED, f"date_diff('day', complaint_date, {closed}) * {_HOURS_A_DAY}", last)
    reply = _reply(days, fields)
    if reply:
        found += _waits(cases, FIRST_REPLY, reply, f"least({last}, coalesce({closed}, {last}))")
    return tuple(found)


def replies_are_days(engine: Queryable, text: str) -> bool:
    """Whether a column of first replies holds days and not hours."""
    numbers = f"regexp_full_match(trim({text}), '{_NUMBER}') OR regexp_full_match(trim({text}), '{_CLOCK}')"
    rows = engine.execute(f"SELECT count(*), count(*) FILTER (WHERE {numbers}) FROM complaints WHERE {text} IS NOT NULL").fetchall()
    return bool(rows[0][0]) and 2 * int(rows[0][1]) < int(rows[0][0])


def _reply(days: Mapping[str, str], fields: tuple[str, ...]) -> str:
    """SQL of the hours to the first reply; "" without a column that says them."""
    parts = [f"{_hours('first_reply_minutes')} / 60"] if "first_reply_minutes" in fields else []
    if "first_reply" in days:
        parts.append(f"date_diff('day', complaint_date, {days['first_reply']}) * {_HOURS_A_DAY}")
    elif "first_reply" in fields:
        parts.append(_hours("first_reply"))
    return f"coalesce({', '.join(parts)})" if parts else ""


def _hours(name: str) -> str:
    """SQL of a number, or of hours, minutes and seconds."""
    number = f"CASE WHEN regexp_full_match(trim({name}), '{_NUMBER}') THEN CAST(replace(trim({name}), ',', '.') AS DOUBLE) END"
    parts = [f"CAST(split_part(trim({name}), ':', {place}) AS DOUBLE)" for place in (1, 2)]
    return f"coalesce(CASE WHEN regexp_full_match(trim({name}), '{_CLOCK}') THEN {parts[0]} + {parts[1]} / 60 END, {number})"


def _waits(cases: FirstCases, measure: str, hours: str, last: str) -> list[Wait]:
    """Whole hours, rounded up; waits that end after the window, or not at all, are open at its end. A wait below 0 is a mistake and left out."""
    until = f"greatest(date_diff('day', complaint_date, {last}), 0) * {_HOURS_A_DAY}"
    rows = cases.tables.engine.execute(f"""
        SELECT category, CAST(ceil(CASE WHEN done THEN hours ELSE until END) AS BIGINT) AS waited,
            count(*) FILTER (WHERE done), count(*) FILTER (WHERE NOT done)
        FROM (
            SELECT category, hours, until, hours IS NOT NULL AND hours <= until + {_HOURS_A_DAY - 1} AS done
            FROM (SELECT category, {hours} AS hours, {until} AS until FROM {CASES} WHERE complaint_date >= {cases.of.since}) AS waited
            WHERE hours IS NULL OR hours >= 0
        ) AS ended GROUP BY ALL ORDER BY ALL""").fetchall()  # fmt: skip
    merged: dict[tuple[int, int], tuple[int, int]] = {}
    for category, waited, done, still in rows:
        before = merged.get((int(category), int(waited)), (0, 0))
        merged[int(category), int(waited)] = (before[0] + int(done), before[1] + int(still))
    if not any(done for done, _ in merged.values()):
        return []
    return [Wait(category, measure, waited, done, still) for (category, waited), (done, still) in sorted(merged.items())]


def days_of(engine: Queryable, fields: tuple[str, ...]) -> tuple[dict[str, str], tuple[str, ...]]:
    """By field, the SQL of its day; and the fields whose days can be read in two ways, or not at all.

    Args:
        engine: With ``complaints``.
        fields: Of the complaints; those that hold days.
    """
    days: dict[str, str] = {}
    unread: list[str] = []
    for name in fields:
        rows = engine.execute(f"SELECT {name} FROM complaints WHERE {name} IS NOT NULL LIMIT {SAMPLE}").fetchall()
        reading = recognise_dates(str(text) for (text,) in rows)
        if reading is None or reading.ambiguous:
            unread += [name] if rows else []
        else:
            days[name] = date_sql(name, reading)
    return days, tuple(unread)
