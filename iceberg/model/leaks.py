"""Detects complaints that were probably written down because the customer left, not the other way round."""

from __future__ import annotations

import numpy as np

from iceberg.cohort.counts import CohortCounts

# Judgements.
LEAK_LEFT_SHARE = 0.85  # of the complainers left ...
LEAK_TIMES = 4.0  # ... that many times as often as the others
LEAK_FIRST_WEEK_SHARE = 0.5  # or: that share left within a week of complaining
LEAK_CORRELATION = 0.75  # or, on a flat sheet: "complained" and "left" are nearly the same column
LEAK_LEAST_COMPLAINANTS = 20


def find_leaks(counts: CohortCounts) -> dict[int, dict[str, object]]:
    """Categories whose link with departures is too perfect, with the numbers that say so.

    Near-perfect association is reported as a leak, never as "complaints cause all departures".
    """
    if not counts.has_linked_complaints:
        return {}
    silent = counts.silent_leavers
    never = max(counts.customers - counts.vocal_customers_total, silent, 1)
    found: dict[int, dict[str, object]] = {}
    for index in range(len(counts.categories)):
        rows = counts.clock.category == index
        complainants = int(counts.complainants[index].sum())
        if complainants < LEAK_LEAST_COMPLAINANTS:
            continue
        exits = counts.clock.exited[rows]
        left, others = float(exits.sum()) / complainants, silent / never
        first_week = int(exits[counts.clock.clock[rows] == 0].sum()) if counts.has_calendar else 0
        suspicious = left >= LEAK_LEFT_SHARE and left >= LEAK_TIMES * others
        suspicious |= first_week / complainants >= LEAK_FIRST_WEEK_SHARE
        if not counts.has_calendar:
            suspicious |= correlation(int(exits.sum()), complainants, silent, never) >= LEAK_CORRELATION
        if suspicious:
            found[index] = {
                "complainants": complainants,
                "left": int(exits.sum()),
                "first_week": first_week,
                "others": others,
            }
    return found


def correlation(left: int, complainants: int, silent: int, never: int) -> float:
    """Phi of the fourfold table complained x left: 1 where the two columns are the same."""
    table = np.array([[left, complainants - left], [silent, never - silent]], dtype=np.float64)
    margins = float(np.prod(np.concatenate([table.sum(axis=0), table.sum(axis=1)])))
    return float((table[0, 0] * table[1, 1] - table[0, 1] * table[1, 0]) / np.sqrt(margins)) if margins > 0 else 0.0
