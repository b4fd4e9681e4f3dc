"""Spreads the silent churn of a segment over the months in which its customers left, cell by cell.

Every cell keeps its books in every draw: silent churn of all categories + natural departures = silent leavers, to the last bit.
"""

from __future__ import annotations

import numpy as np

from iceberg.arrays import FloatArray, IntArray, SingleArray

_MANTISSA_BITS = 22  # two bits below float32's 24: sums of a cell's categories stay exact
_FIRST_FILL, _LAST_FILL = 1 - 2.0**-16, 1 - 2.0**-18  # how far a cell is filled before and after the overflow


def month_profile(vocal: FloatArray, delay_by_month: FloatArray) -> FloatArray:
    """When the silent customers of each category and segment are expected to leave.

    Args:
        vocal: (C, S, M) vocal customers by month of the first complaint.
        delay_by_month: (lags,) share leaving 0, 1, ... months after the problem; sums to 1.

    Returns:
        (C, S, M), summing to 1 over the months (uniform where a category and segment have no complainers; they have no silent churn).
    """
    months = vocal.shape[2]
    spread = np.zeros_like(vocal)
    for lag, share in enumerate(delay_by_month[:months]):
        spread[:, :, lag:] += share * vocal[:, :, : months - lag]
    total = spread.sum(axis=2, keepdims=True)
    return np.asarray(np.divide(spread, total, out=np.full_like(spread, 1 / months), where=total > 0))


def spread_over_months(
    silent_churn: FloatArray, *, profile: FloatArray, leavers: FloatArray
) -> tuple[SingleArray, SingleArray]:
    """Spread each draw's silent churn over months, never above the silent leavers of a month.

    What does not fit into a full month goes to the months that have room, in proportion to their room.

    Args:
        silent_churn: (K, C, S) customers, summed over C at most the segment's leavers.
        profile: (C, S, M) from `month_profile`.
        leavers: (S, M) silent leavers.

    Returns:
        silent_churn float32 (K, C, S, M) and natural departures float32 (K, S, M).
    """
    draws, categories, segments = silent_churn.shape
    spread = np.empty((draws, categories, segments, leavers.shape[1]), dtype=np.float32)
    natural = np.empty((draws, segments, leavers.shape[1]), dtype=np.float32)
    quantum = _quantum(leavers)
    for segment in range(segments):
        churn, shape, held = silent_churn[:, :, segment], profile[:, segment], leavers[segment]
        wanted = churn @ shape
        fits = _FIRST_FILL * np.minimum(1.0, np.divide(held, wanted, out=np.ones_like(wanted), where=wanted > 0))
        room = np.maximum(_LAST_FILL * held - wanted * fits, 0.0)
        left_over = churn * (1 - fits @ shape.T)
        into_room = room / np.maximum(np.maximum(room.sum(axis=1), left_over.sum(axis=1)), 1e-12)[:, None]
        cells = churn.astype(np.float32)[:, :, None] * shape.astype(np.float32) * fits.astype(np.float32)[:, None, :]
        cells += left_over.astype(np.float32)[:, :, None] * into_room.astype(np.float32)[:, None, :]
        np.multiply(np.floor(np.divide(cells, quantum, out=cells), out=cells), quantum, out=cells)
        spread[:, :, segment] = cells
        natural[:, segment] = held.astype(np.float32) - cells.sum(axis=1)
    return spread, natural


def spread_over_segments(silent_churn: IntArray, *, leavers: FloatArray) -> tuple[SingleArray, SingleArray]:
    """Share the silent churn of every month out over segments like their leavers: no complaint has a segment.

    Args:
        silent_churn: (K, C, M) customers, summed over C at most the leavers of the month.
        leavers: (S, M).

    Returns:
        silent_churn float32 (K, C, S, M) and natural departures float32 (K, S, M).
    """
    total = leavers.sum(axis=0)
    share = np.divide(leavers, total, out=np.zeros_like(leavers), where=total > 0).astype(np.float32)
    quantum = _quantum(leavers)
    cells = silent_churn.astype(np.float32)[:, :, None] * share * np.float32(_LAST_FILL)
    np.multiply(np.floor(np.divide(cells, quantum, out=cells), out=cells), quantum, out=cells)
    return cells, leavers.astype(np.float32) - cells.sum(axis=1)


def _quantum(leavers: FloatArray) -> np.float32:
    """The step of which all cells are multiples: powers of two keep every sum exact in float32."""
    return np.float32(2.0 ** (np.ceil(np.log2(max(float(leavers.max(initial=1)), 1.0))) - _MANTISSA_BITS))
