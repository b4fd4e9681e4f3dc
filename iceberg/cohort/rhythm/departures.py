"""Settled breaks of rhythm as departures: the same tables of customers, with a last day for those who broke with their habit for good."""
# ruff: noqa: S608 - names in the text are literals of this package

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pyarrow as pa

from iceberg.arrays import BoolArray, IntArray
from iceberg.cohort.rhythm.assumptions import BASELINE_WEEKS, RECENT_WEEKS, SETTLED
from iceberg.cohort.rhythm.breaks.change_point import find_breaks
from iceberg.cohort.rhythm.breaks.exposure import WeekBlock
from iceberg.cohort.rhythm.read import OPEN_CUSTOMERS, open_customers
from iceberg.cohort.rhythm.reduce import PART, Learned, require_settled
from iceberg.cohort.rhythm.returns import is_settled, masses_by_age
from iceberg.cohort.rhythm.weeks import ActivityWeeks
from iceberg.errors import OptionError
from iceberg.ingest.joining.options import CHOICES, Joining
from iceberg.ingest.tables import IngestReport, Tables

RULES = CHOICES["departures"]
_WEDNESDAY = 2  # of the week of the break: its middle
_STILL = 0.5
_BY_RHYTHM = "customers_by_rhythm"


def with_departures(tables: Tables, report: IngestReport, *, rules: Joining) -> Tables:
    """The tables with the departures that `rules` ask for: as they are without an activity log, and where silence alone is a departure.

    Raises:
        EvidenceError, OptionError: See `date_departures`.
    """
    if rules.departures == RULES[0] or "activity" not in tables.names:
        return tables
    inactivity = report.joining.inactivity if report.joining is not None else None
    slow_until = inactivity.as_of if inactivity is not None and inactivity.used else None
    return date_departures(tables, rule=rules.departures, slow_until=slow_until, settled=rules.settled or SETTLED)


def date_departures(tables: Tables, *, rule: str, slow_until: date | None = None, settled: float = SETTLED) -> Tables:
    """The tables with departures dated to breaks of rhythm; open departures, in the customers file or another, stay as they are.

    The log is judged at its end and at the end of every thirteenth week before. Who was ever a regular has left at the first settled break that no
    later return contradicts: with ``"collapse"`` then or not at all, with ``"both"`` else by the rule of inactivity. The others keep that rule. First
    days stay as they are, although nobody can break before being a regular.

    Args:
        tables: With ``activity``, and customers whose silence was dated by the rule of inactivity. The tables themselves do not change, but the
            relation ``customers`` of their engine does.
        rule: ``"collapse"`` or ``"both"``.
        slow_until: Last day on which the rule of inactivity shows departures; None where it has dated none.
        settled: `p_lasts` from which a break is a departure, at least 0.5 and below 1.

    Returns:
        The tables, with the last day on which a departure can be seen as their last day, and a remark.

    Raises:
        EvidenceError: See `reduce_rhythm`.
        OptionError: The rule is none of them, or `settled` is out of range.
    """
    if rule not in RULES[1:]:
        raise OptionError("departures_unknown", {"value": rule, "known": ", ".join(RULES)})
    require_settled(settled)
    connection = tables.connection
    with tables.engine.work():
        silent = open_customers(tables)
        weeks = ActivityWeeks.read(tables, customers=OPEN_CUSTOMERS)
        learned = Learned.of(weeks)
        judged, ended = _ends(weeks, learned, settled)
        days = [weeks.day(week) + timedelta(days=_WEDNESDAY) if week >= 0 else None for week in ended.tolist()]
        numbers = np.flatnonzero(judged)
        rows = pa.table({"number": numbers, "end_date": pa.array([days[number] for number in numbers.tolist()], pa.date32())})
        tables.engine.register("rhythm_ended", rows)
        by_silence = "j.end_date" if rule == "collapse" else "coalesce(j.end_date, k.end_date)"
        chosen = (
            f"CASE WHEN j.customer_id IS NULL OR (k.end_date IS NOT NULL AND k.customer_id NOT IN ({silent})) THEN k.end_date "
            f"WHEN {by_silence} >= k.start_date THEN {by_silence} END"
        )
        judged_sql = "SELECT customer_id, end_date FROM rhythm_ended JOIN rhythm_people USING (number)"
        connection.execute(
            f"CREATE OR REPLACE TEMP TABLE {_BY_RHYTHM} AS SELECT k.* REPLACE ({chosen} AS end_date) FROM customers AS k "
            f"LEFT JOIN ({judged_sql}) AS j ON j.customer_id = k.customer_id"
        )
    connection.execute(f"CREATE OR REPLACE TEMP VIEW customers AS SELECT * FROM {_BY_RHYTHM}")
    visible = weeks.as_of - timedelta(weeks=learned.lasting.visible_weeks(settled))
    last = min(visible, slow_until or visible)
    left = int((ended[judged] >= 0).sum())
    values: dict[str, object] = {"regulars": int(judged.sum()), "left": left, "last": last.isoformat(), "slow": weeks.customers - int(judged.sum())}
    remarks = (*tables.remarks, (f"departures_{rule}", values))
    # Those whom a complaint names were set apart with the days of before: all customers stand for them.
    return replace(tables, last_day=last, named_customers="customers", customer_key="customer_id", remarks=remarks)


def _ends(weeks: ActivityWeeks, learned: Learned, settled: float) -> tuple[BoolArray, IntArray]:
    """By number of a customer: whether ever a regular, and the week of the departure, -1 without one."""
    judged, ended = np.zeros(weeks.people, dtype=bool), np.full(weeks.people, -1, dtype=np.int64)
    for low in range(0, weeks.people, PART):
        block = weeks.block(low, low + PART)
        part = slice(low, low + len(block.days))
        _date_part(block, learned, settled, judged[part], ended[part])
    return judged, ended


def _date_part(block: WeekBlock, learned: Learned, settled: float, judged: BoolArray, ended: IntArray) -> None:
    """Fill `judged` and `ended`, views of the whole, from the earliest look at the log to the last."""
    width = block.days.shape[1]
    baseline = min(BASELINE_WEEKS, width)
    for end in reversed(range(width, baseline - 1, -RECENT_WEEKS)):
        start = end - baseline
        found = find_breaks(block.until(end, baseline), learned.settings, learned.history.index[start:end])
        rows, week = found.rows, found.likeliest_week() + start
        judged[rows] = True
        broken = found.probability.astype(float)
        gone = is_settled(broken, learned.lasting.of(masses_by_age(found)), settled)
        before = ended[rows]
        first = np.where((before >= 0) & (before < week), before, week)
        ended[rows] = np.where(gone, first, np.where(broken < _STILL, -1, before))
