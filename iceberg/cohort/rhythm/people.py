"""Who broke with their rhythm, one by one: only for a private file on the analyst's own machine, and written there at once."""
# ruff: noqa: S608 - names in the text are literals of this module and numbers

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

import numpy as np

from iceberg.arrays import FloatArray
from iceberg.cohort.rhythm.assumptions import WEEKS_PER_MONTH
from iceberg.cohort.rhythm.breaks.change_point import IntRows, Profiles
from iceberg.cohort.rhythm.weeks import ActivityWeeks


@dataclass(frozen=True)
class BrokenRhythm:
    """One customer of the list; never part of a count, a report or a store.

    Attributes:
        customer_id: Its id as in the file.
        since, since_low, since_high: Monday of the first week of the new rate, and its 90 % range.
        before_per_month, now_per_month: Active days.
        p_broken, p_lasts: Probability that the rhythm is broken, and that it is and does not come back within half a year.
        last_category: Of the last complaint or incident, "" without one.
        complained: Whether the customer ever complained.
    """

    customer_id: str
    since: date
    since_low: date
    since_high: date
    before_per_month: float
    now_per_month: float
    p_broken: float
    p_lasts: float
    last_category: str
    complained: bool


@dataclass(frozen=True, eq=False)
class _Rows:
    numbers: IntRows
    weeks: FloatArray
    levels: FloatArray
    chances: FloatArray


class BrokenPeople:
    """Collects the customers of the list while the parts are judged."""

    def __init__(self) -> None:
        self._parts: list[_Rows] = []

    def add(self, found: Profiles, chosen: IntRows, *, low: int, start: int, lasts: FloatArray) -> None:
        """Add the customers `chosen` of a part whose first number is `low`."""
        weeks = np.stack([week + start for week in (found.likeliest_week(chosen), *found.week_range(chosen))], 1)
        levels = np.stack([found.before[chosen], found.now[chosen]], 1) * WEEKS_PER_MONTH
        chances = np.stack([np.minimum(found.probability[chosen], 1), lasts[chosen]], 1)
        self._parts.append(_Rows(found.rows[chosen] + low, weeks.astype(float), levels, chances))

    def rows(self, weeks: ActivityWeeks) -> Iterator[BrokenRhythm]:
        """The list, those most likely gone for good first; needs the tables of `weeks`."""
        rows = [row for part in self._parts for row in zip(*(one.tolist() for one in vars(part).values()), strict=True)]
        names, spoken = weeks.ids([number for number, *_ in rows]), _last_words(weeks)
        for number, days, levels, chances in sorted(rows, key=lambda row: (-row[3][1], names[row[0]])):
            category, complained = spoken.get(names[number], ("", False))
            since, low, high = (weeks.day(int(week)) for week in days)
            yield BrokenRhythm(names[number], since, low, high, levels[0], levels[1], chances[0], chances[1], category, complained)


def _last_words(weeks: ActivityWeeks) -> dict[str, tuple[str, bool]]:
    """By id, the category of the last complaint or incident, and whether there was a complaint."""
    sources = {"complaints": ("complaint_date", 1), "incidents": ("incident_date", 0)}
    named = [
        f"SELECT customer_id, coalesce(category, '') AS category, {day} AS day, {spoke} AS spoke FROM {source}"
        for source, (day, spoke) in sources.items()
        if source in weeks.tables.names
    ]
    if not named:
        return {}
    rows = weeks.tables.engine.execute(
        "SELECT customer_id, arg_max(category, (day, category)), max(spoke) FROM "
        f"({' UNION ALL '.join(named)}) WHERE customer_id IN (SELECT customer_id FROM rhythm_people) GROUP BY customer_id"
    ).fetchall()
    return {str(name): (str(category), bool(spoke)) for name, category, spoke in rows}
