"""Orders categories and segments for the model: by their content, never by name or position.

Random numbers are handed out along these axes. In an order of their own, renaming or permuting the file changes no answer.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from iceberg.arrays import IntArray
from iceberg.cohort.counts import CELL_FIELDS, CohortCounts


def canonical_order(counts: CohortCounts) -> tuple[IntArray, IntArray]:
    """Positions of categories and of segments, largest first, ties by their monthly profile.

    Revenue plays no part: it moves money and nothing else.
    """
    by_category = np.column_stack(
        [
            counts.complainants.sum(axis=(1, 2, 3)),
            counts.complaints.sum(axis=1),
            counts.complaints,
            counts.complainants.sum(axis=(1, 2)),
        ]
    )
    by_segment = np.column_stack(
        [
            counts.silent_person_days.sum(axis=(1, 2)),
            counts.complainants_any.sum(axis=(1, 2)),
            counts.silent_exits.sum(axis=2),
            counts.silent_person_days.sum(axis=2),
            counts.complainants_any.sum(axis=2),
        ]
    )
    return _descending(by_category), _descending(by_segment)


def _descending(keys: IntArray) -> IntArray:
    """Positions of the rows in descending lexicographic order of their columns."""
    return np.lexsort(-keys.T[::-1]).astype(np.int64) if len(keys) else np.zeros(0, dtype=np.int64)


def reorder(counts: CohortCounts, categories: IntArray, segments: IntArray) -> CohortCounts:
    """The same counts with categories and segments in another order."""
    category_place, segment_place = np.argsort(categories), np.argsort(segments)
    days, clock = counts.tenure_days, counts.clock
    state = np.where(days.state > 0, np.append(0, 1 + category_place)[days.state], 0)
    category = np.where(clock.category >= 0, np.append(category_place, -1)[clock.category], -1)
    return replace(
        counts,
        categories=tuple(counts.categories[index] for index in categories),
        segments=tuple(counts.segments[index] for index in segments),
        segment_levels=tuple(counts.segment_levels[index] for index in segments if counts.segment_columns),
        complainants=counts.complainants[categories][:, segments],
        complaints=counts.complaints[categories],
        customers_at_risk=counts.customers_at_risk[segments],
        tenure_days=replace(days, state=state, segment=segment_place[days.segment]),
        clock=replace(clock, category=category, segment=segment_place[clock.segment]),
        observed=counts.observed and counts.observed.rearranged(categories, segments),
        renewals=counts.renewals and counts.renewals.rearranged(segments),
        grouped_segments=0,  # the group of small segments need not be the last one here
        **{name: getattr(counts, name)[segments] for name in (*CELL_FIELDS, "silent_exit_revenue")},
    )
