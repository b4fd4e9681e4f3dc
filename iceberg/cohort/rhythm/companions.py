"""The ripple: a customer who loses the one who brought them. A break, or an open departure, of the companion is an incident of the member.

What it does is measured as for any incident (`iceberg.cohort.rhythm.aftermath`), beside customers of the same rhythm and week whose companion did not
break, with the weeks before as placebo: companions may be alike, or live through the same, and would then break in any order. Customers whose
exposure to a lost neighbour raised their own risk by about 80 % for some months are reported by Nitzan and Libai (2011).
"""
# ruff: noqa: S608 - names in the text are literals of this package, numbers and days

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from iceberg.arrays import IntArray
from iceberg.cohort.rhythm.assumptions import LARGEST_CIRCLE
from iceberg.cohort.rhythm.breaks.change_point import IntRows
from iceberg.cohort.rhythm.weeks import ActivityWeeks
from iceberg.ingest.joining.departures import JOINED

_NOBODY = -1
_ARE_CUSTOMERS = 0.5  # judgement: from this share of the values on they are ids of customers, not of households or groups


@dataclass(eq=False)
class Companions:
    """Who stands for whom, by number of a customer; nothing of it leaves this folder.

    Attributes:
        member, companion: Numbers of each pair, in the order of the members; the companion's is -1 where only the open departure is known.
        left: Week in which the companion left openly; past the log where it did not.
        broke: By number of a customer, the week in which the rhythm broke; -1 where it did not, or is not known to.
    """

    member: IntArray
    companion: IntArray
    left: IntArray
    broke: IntArray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))

    @classmethod
    def read(cls, weeks: ActivityWeeks) -> Companions | None:
        """From the column of the customers file; None where there is no such column, or it links no two customers."""
        if not weeks.tables.has_links or "customers" not in weeks.tables.names:
            return None
        engine = weeks.tables.engine
        named = f"FROM {JOINED} WHERE linked_to IS NOT NULL AND trim(linked_to) <> ''"
        engine.make("rhythm_circles", f"SELECT customer_id, lower(trim(linked_to)) AS circle {named}")
        engine.make("rhythm_names", f"SELECT customer_id, lower(trim(customer_id)) AS name FROM {JOINED}")
        circles, customers = engine.execute(
            "SELECT count(*), count(n.name) FROM (SELECT DISTINCT circle FROM rhythm_circles) AS c "
            "LEFT JOIN (SELECT DISTINCT name FROM rhythm_names) AS n ON n.name = c.circle"
        ).fetchall()[0]
        if not circles:
            return None
        pairs = _BY_ID if customers >= _ARE_CUSTOMERS * circles else _BY_CIRCLE
        rows = engine.columns(
            f"SELECT p.number AS member, coalesce(q.number, {_NOBODY}) AS companion, {weeks.left_sql} AS left_week FROM ({pairs}) AS l "
            "JOIN rhythm_people AS p ON p.customer_id = l.customer_id LEFT JOIN rhythm_people AS q ON q.customer_id = l.companion "
            f"LEFT JOIN (SELECT customer_id, max(end_date) AS end_date FROM {weeks.customers_name} GROUP BY customer_id) AS c "
            "ON c.customer_id = l.companion WHERE l.customer_id <> l.companion ORDER BY member"
        )
        member, companion, left = (rows[name].astype(np.int64) for name in ("member", "companion", "left_week"))
        return cls(member, companion, left, np.full(weeks.people, _NOBODY)) if len(member) else None

    def add(self, numbers: IntRows, broke: IntRows) -> None:
        """Customers whose rhythm is broken, and the week of the log in which it broke."""
        self.broke[numbers] = broke

    def events(self, start: int, end: int) -> dict[str, IntArray]:
        """The losses from week `start` to before `end`, as `ActivityWeeks.events` gives incidents."""
        never = np.iinfo(np.int64).max
        broke = np.where(self.companion >= 0, self.broke[self.companion], _NOBODY)
        week = np.minimum(np.where(broke >= 0, broke, never), self.left)
        inside = (week >= start) & (week < end)
        return {"number": self.member[inside], "category": np.zeros(int(inside.sum()), dtype=np.int64), "week": week[inside]}


# The companion is whose id stands in the column; in a household or group, the one who joined first: the others cannot have brought this one,
# and if everybody stood for everybody, each break would be one after and one before.
_BY_ID = "SELECT c.customer_id, n.customer_id AS companion FROM rhythm_circles AS c JOIN rhythm_names AS n ON n.name = c.circle"
_BY_CIRCLE = f"""
    SELECT c.customer_id, g.companion FROM rhythm_circles AS c JOIN (
        SELECT circle, arg_min(customer_id, (start_date, customer_id)) AS companion
        FROM rhythm_circles JOIN (SELECT customer_id, min(start_date) AS start_date FROM {JOINED} GROUP BY customer_id) USING (customer_id)
        GROUP BY circle HAVING count(*) BETWEEN 2 AND {LARGEST_CIRCLE}
    ) AS g USING (circle)
"""
