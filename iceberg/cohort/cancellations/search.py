"""Finds cancellations that were logged as complaints, and counts the complaints without them.

Who calls to cancel, and is written down as a complainant, leaves within days. Read as complaints, such calls make a category look as if it drove
customers away; they are no problems. A category is taken to hold them where 30 % of its complainants were gone within 21 days, four times the share
of the other categories, and hardly any more followed in the weeks after (nine in ten of those gone within 60 days; problems drive customers away more
slowly than that), or where half of them were gone within the first week. Of such a category the complaints that precede the departure by less than 21
days count as no problem; a customer who complained of nothing else left in silence. Its other complaints stay.

All limits are judgement (grade D); how often the rule is right and wrong is in docs/explanation/how-often-it-is-right.md.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from iceberg.cohort.cancellations.record import LoggedCancellations
from iceberg.cohort.counts import CohortCounts

WITHIN_DAYS = 21
LEAST_SHARE, LEAST_TIMES = 0.3, 4.0
AFTERWARDS_DAYS, LEAST_AT_ONCE = 60, 0.9
FIRST_WEEK_DAYS, FIRST_WEEK_SHARE = 7, 0.5
LEAST_COMPLAINANTS = 20  # fewer show no share


def find_cancellations(counts: CohortCounts) -> tuple[LoggedCancellations, ...]:
    """The categories of `counts` that hold logged cancellations, by the rule of this module; none without a calendar or linked complaints."""
    if not counts.has_calendar or not counts.has_linked_complaints:
        return ()
    complainants = counts.vocal_customers
    first_week, soon, afterwards = (_left_within(counts, days) for days in (FIRST_WEEK_DAYS, WITHIN_DAYS, AFTERWARDS_DAYS))
    share = soon / np.maximum(complainants, 1)
    found = []
    for index, category in enumerate(counts.categories):
        others = [share[other] for other in range(len(share)) if other != index and complainants[other] >= LEAST_COMPLAINANTS]
        usual = float(np.median(others)) if others else _silent_share(counts)
        quick = share[index] >= LEAST_SHARE and share[index] >= LEAST_TIMES * usual
        quick &= bool(soon[index] >= LEAST_AT_ONCE * afterwards[index])
        at_once = first_week[index] >= FIRST_WEEK_SHARE * complainants[index]
        if complainants[index] >= LEAST_COMPLAINANTS and (quick or at_once):
            found.append(LoggedCancellations(str(category), int(complainants[index]), int(soon[index]), WITHIN_DAYS, usual))
    return tuple(found)


def count_without(reduce: Callable[[tuple[str, ...]], CohortCounts], counts: CohortCounts, *, keep_cancellations: bool) -> CohortCounts:
    """Counts without the logged cancellations; with `keep_cancellations` all, which say so.

    Args:
        reduce: Counts without the complaints of these categories that precede a departure by less than `WITHIN_DAYS`.
        counts: With all complaints.
        keep_cancellations: Whether the user says that they are complaints.
    """
    found = find_cancellations(counts)
    if not found:
        return counts
    if keep_cancellations:
        return replace(counts, cancellations=tuple(replace(one, overruled=True) for one in found))
    fewer = reduce(tuple(one.category for one in found))
    left_out = dict(zip(counts.categories, (counts.vocal_customers - fewer.vocal_customers).tolist(), strict=True))
    cancellations = tuple(replace(one, removed=left_out[one.category]) for one in found)
    return replace(fewer, unrecorded=counts.unrecorded, mass_end=counts.mass_end, cancellations=cancellations)


def _left_within(counts: CohortCounts, days: int) -> np.ndarray:
    """(C,) complainants who left within so many days of their first complaint in a category."""
    edges = np.append(np.asarray(counts.clock_edges_days[1:], dtype=float), np.inf)
    rows = (edges[counts.clock.clock] <= days) & (counts.clock.category >= 0)
    return np.bincount(counts.clock.category[rows], counts.clock.exited[rows], minlength=len(counts.categories))


def _silent_share(counts: CohortCounts) -> float:
    """The share of silent customers who leave within as many days."""
    return float(counts.silent_exits.sum() / max(counts.silent_person_days.sum(), 1) * WITHIN_DAYS)
