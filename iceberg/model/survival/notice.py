"""Finds complaints that are made when notice is given: the decision comes first, the complaint with it, and the end of the contract some weeks later.

Departures caused by problems spread over the weeks after the complaint. Where notice runs, nobody leaves for some weeks, then nearly all of those who
will, and then hardly anybody. Complaints are frequent then where departures are, instead of the other way round, and what complainers do says nothing
about how long, and how often, a problem makes the silent leave. So the model is fitted to complaints that no departure follows within these weeks,
and to what is believed of the delay beforehand; it is said, and the range is widened (`NOTICE_ERROR_LOG_SD`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from iceberg.cohort.counts import CohortCounts
from iceberg.model.survival.delay_kernel import EXCESS_DAYS, read_clock

# Judgement, grade D. Of some 80 companies with other complaints no share was above 0.6 and no fall above 4 (docs/explanation).
LEAST_SHARE = 0.6  # of the departures beyond those expected within half a year of the complaint
MOST_BEFORE = 0.05  # of those, sooner
LEAST_FALL = 5.0  # times as many a day as in the days that follow
EARLIEST_DAY, WIDEST_DAYS = 7.0, 25.0  # sooner they are cancellations (`iceberg.cohort.cancellations`)
LEAST_LEAVERS, LEAST_Z = 30.0, 5.0


@dataclass(frozen=True)
class ComplaintsAtNotice:
    """Days after the complaint between which most complainers leave who leave because of it, and the share of these."""

    first_day: int
    last_day: int
    share: float


def find_complaints_at_notice(counts: CohortCounts) -> ComplaintsAtNotice | None:
    """The weeks in which complainers leave, where they leave together; None where departures spread, or are too few to say."""
    if not counts.has_calendar or not counts.has_linked_complaints or counts.renewals is not None:
        return None
    clock = read_clock(counts, -1)
    size = int((clock.edges[1:] <= EXCESS_DAYS).sum())
    first, last = clock.edges[:size], clock.edges[1 : size + 1]
    excess = (clock.observed - clock.expected)[:size]
    everybody = float(excess.sum())
    if everybody < max(LEAST_LEAVERS, LEAST_Z * float(np.sqrt(clock.expected[:size].sum()))):
        return None
    for low in range(1, size):
        for high in range(low, size - 1):
            days, inside = last[high] - first[low], float(excess[low : high + 1].sum())
            if first[low] < EARLIEST_DAY or days > WIDEST_DAYS or inside < LEAST_SHARE * everybody:
                continue
            after = max(float(excess[high + 1]), 0.0) / (last[high + 1] - first[high + 1])
            if excess[:low].sum() <= MOST_BEFORE * inside and inside / days >= LEAST_FALL * after:
                begins = next(place for place in range(low, high + 1) if excess[place] > MOST_BEFORE * inside)
                return ComplaintsAtNotice(int(first[begins]), int(last[high]), inside / everybody)
    return None


def before_decisions(counts: CohortCounts) -> CohortCounts:
    """The counts without the complaints that a departure follows within the weeks of notice. Their customers still count as complainants who left."""
    found = find_complaints_at_notice(counts)
    if found is None:
        return counts
    clock, complainants, any_of_them = counts.clock, counts.complainants.copy(), counts.complainants_any.copy()
    ends = np.append(np.asarray(counts.clock_edges_days[1:], dtype=np.float64), np.inf)
    exited = np.where(ends[clock.clock] <= found.last_day, clock.exited, 0)
    of_any = clock.category < 0
    np.subtract.at(complainants, tuple(axis[~of_any] for axis in (clock.category, clock.segment, clock.month, clock.band)), exited[~of_any])
    np.subtract.at(any_of_them, tuple(axis[of_any] for axis in (clock.segment, clock.month, clock.band)), exited[of_any])
    rest = replace(clock, exited=clock.exited - exited)
    return replace(counts, complainants=complainants, complainants_any=np.minimum(any_of_them, complainants.sum(axis=0)), clock=rest)
