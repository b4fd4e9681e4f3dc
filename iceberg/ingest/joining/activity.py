"""Finds the threshold of inactivity that an activity log suggests, and the last day on which departures can be seen."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import date, timedelta

import duckdb
import numpy as np

from iceberg.arrays import BoolArray, IntArray
from iceberg.ingest.joining.options import ReturnShare

# Judgement: a silence that fewer than one in five customers break is a departure.
FEW_RETURNS = 0.2
# Judgement: with a threshold over a third of the log, the rest is too short to show departures.
LONGEST_SHARE = 1 / 3
_WEEK = 7
_ENOUGH_SILENCES = 30  # judgement: a share of fewer silences is too uncertain
_SHOWN_DAYS = (28, 56, 91, 182, 364)


@dataclass(frozen=True)
class ProposedThreshold:
    """The threshold that the gaps of a log suggest.

    Attributes:
        days: Whole weeks.
        settled: Whether returns become few within a third of the log.
        steps: Shares of returns at several thresholds, with the proposed one.
    """

    days: int
    settled: bool
    steps: tuple[ReturnShare, ...]


@dataclass(frozen=True)
class Silences:
    """The silences of all customers between two days of activity, and those that last until the end of the log.

    Attributes:
        days: Length of each kind of silence.
        broken: Whether it ended in a return.
        silences: How many there were of it.
    """

    days: IntArray
    broken: BoolArray
    silences: IntArray

    @classmethod
    def read(cls, connection: duckdb.DuckDBPyConnection, rows: str, *, last_day: date) -> Silences:
        """From a log, in one pass over its rows in the order of customers and days.

        Args:
            connection: Connection with the rows.
            rows: SQL of the log: customer_id, activity_date; several rows of a day are one.
            last_day: Last day of the log.
        """
        counted = connection.execute(
            f"""
            SELECT coalesce(gap, datediff('day', activity_date, DATE '{last_day}')) AS days, gap IS NOT NULL AS broken, count(*) AS silences
            FROM (
                SELECT activity_date,
                    datediff('day', activity_date, lead(activity_date) OVER (PARTITION BY customer_id ORDER BY activity_date)) AS gap
                FROM ({rows})
            ) WHERE gap IS NULL OR gap > 0 GROUP BY 1, 2
            """
        ).fetchall()
        days, broken, silences = zip(*counted, strict=True) if counted else ((), (), ())
        return cls(np.array(days, dtype=np.int64), np.array(broken, dtype=bool), np.array(silences, dtype=np.int64))

    def returned(self, *, days: int) -> int:
        """Number of silences of more than `days` days that ended in a return."""
        return int(self.silences[self.broken & (self.days > days)].sum())


def propose_inactivity(silences: Silences, *, first_day: date, last_day: date) -> ProposedThreshold:
    """The shortest silence, in whole weeks, that few customers break.

    The lengths of silences are estimated by Kaplan-Meier; those that last until the end of the log are censored. For each threshold T, the
    share of silences longer than T that end in a return before the longest silence that the log can show is estimated. The proposal is the
    shortest T at which this share is at most `FEW_RETURNS`.

    Args:
        silences: Of the log.
        first_day: First day of the log.
        last_day: Last day of the log.
    """
    weeks = max((last_day - first_day).days // _WEEK, 1)
    week = np.minimum(-(-silences.days // _WEEK), weeks)
    ended = np.bincount(week, silences.silences, minlength=weeks + 1)
    broken = np.bincount(week, silences.silences * silences.broken, minlength=weeks + 1)
    watched = ended[::-1].cumsum()[::-1]
    lasting = np.cumprod(1 - np.divide(broken, watched, out=np.zeros(weeks + 1), where=watched > 0))
    far = int(np.flatnonzero(watched >= _ENOUGH_SILENCES).max(initial=0))

    def at(week: int) -> ReturnShare:
        reached = int(watched[week + 1]) if week < weeks else 0
        share = 1 - lasting[far] / lasting[week] if week < far and lasting[week] > 0 else 0.0
        return ReturnShare(week * _WEEK, reached, float(share))

    longest = max(math.floor(weeks * LONGEST_SHARE), 1)
    few = next((step for step in map(at, range(1, longest + 1)) if step.silences >= _ENOUGH_SILENCES and step.share <= FEW_RETURNS), None)
    chosen = few or at(longest)
    shown = {days: at(days // _WEEK) for days in _SHOWN_DAYS if days // _WEEK <= longest} | {chosen.days: chosen}
    return ProposedThreshold(chosen.days, few is not None, tuple(shown[days] for days in sorted(shown)))


def last_visible_day(last_day: date, *, threshold_days: int, end: str) -> date:
    """The last day on which departures can be seen.

    Departures dated to the last activity are known only `threshold_days` later, so the last `threshold_days` of the log show none, and
    customers active in them count as present. Departures dated to the passing of the threshold are known the same day.
    """
    return last_day - timedelta(days=threshold_days) if end == "last_activity" else last_day
