"""A tiny way to counts for tests: a few numbers spread evenly, nothing random."""

from __future__ import annotations

from datetime import date

import numpy as np

from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.day_counts import ComplaintClockCounts
from iceberg.cohort.window import ObservationWindow

BANDS = (0, 12, 36)
WINDOW = ObservationWindow(date(2025, 1, 1), date(2025, 12, 31))


def even(total: int, shape: tuple[int, ...]) -> np.ndarray:
    """`total` spread over `shape` as evenly as whole numbers allow."""
    size = int(np.prod(shape))
    return (np.arange(1, size + 1) * total // size - np.arange(size) * total // size).reshape(shape)


def linked_counts(
    vocal: dict[str, int],
    *,
    silent_leavers: int = 1000,
    person_days: int = 3_650_000,
    segments: tuple[str, ...] = ("north", "south"),
    window: ObservationWindow = WINDOW,
    left_share: float = 0.3,
    revenue: float | None = 120.0,
) -> CohortCounts:
    """Linked counts: `left_share` of the complainers leave in their first weeks, the others stay to the end of the
    clock.
    """
    cells = (len(segments), len(window.months), len(BANDS))
    complainants = np.stack([even(number, cells) for number in vocal.values()]) if vocal else np.zeros((0, *cells), int)
    exits = even(silent_leavers, cells)
    rows = []
    for category in range(len(vocal)):
        rows += _clock_rows(category, complainants[category], left_share)
    rows += _clock_rows(-1, complainants.sum(axis=0), left_share)
    clock = ComplaintClockCounts(*np.array(rows, dtype=np.int64).T) if rows else ComplaintClockCounts.empty()
    any_first = complainants.sum(axis=0)
    left = np.floor(any_first * left_share).astype(int)
    return CohortCounts.zeros(
        window,
        segments=segments,
        categories=tuple(vocal),
        band_edges_months=BANDS,
        silent_person_days=np.maximum(even(person_days, cells), exits),
        silent_exits=exits,
        silent_exit_revenue=exits * (revenue or 0.0),
        silent_exit_revenue_known=exits if revenue else np.zeros_like(exits),
        vocal_person_days=any_first * 200,
        vocal_exits=left,
        complainants=complainants,
        complainants_any=any_first,
        complaints=complainants.sum(axis=(1, 3)),
        clock=clock,
        has_customers=True,
        has_linked_complaints=True,
        has_revenue=revenue is not None,
        customers_at_risk=np.full(len(segments), person_days // 365 // len(segments)),
    )


def _clock_rows(category: int, complainants: np.ndarray, left_share: float) -> list[tuple[int, ...]]:
    """Per cell: departures in clock bin 2 (days 14 to 20), censorings in bin 9 (days 150 to 179)."""
    rows = []
    for segment, month, band in np.argwhere(complainants > 0):
        number = int(complainants[segment, month, band])
        left = int(np.floor(number * left_share))
        if left:
            rows.append((category, segment, month, band, 2, left, 0, 3 * left))
        if number - left:
            rows.append((category, segment, month, band, 9, 0, number - left, 15 * (number - left)))
    return rows
