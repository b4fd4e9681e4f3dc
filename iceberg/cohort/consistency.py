"""Owns what counts must satisfy: shapes, signs, and sums that cannot contradict each other."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from iceberg.cohort.day_counts import ANY_CATEGORY

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts

# Fields of whole numbers with shape (segments, months, bands).
CELL_FIELDS = (
    "silent_person_days",
    "silent_exits",
    "silent_exit_revenue_known",
    "vocal_person_days",
    "vocal_exits",
    "complainants_any",
)


def check_counts(counts: CohortCounts) -> None:
    """Refuses contradictory counts.

    Raises:
        ValueError: Only a defect can make such counts, so it is not a message to a user.
    """
    _check_names_and_edges(counts)
    _check_shapes(counts)
    _check_consistency(counts)
    _check_day_counts(counts)
    if counts.observed is not None:
        counts.observed.check(len(counts.categories), len(counts.segments))
    if not counts.has_calendar and len(counts.months) != 1:
        raise ValueError("counts without a calendar have one month")


def _check_names_and_edges(counts: CohortCounts) -> None:
    for names in (counts.segments, counts.categories):
        if len(set(names)) != len(names):
            raise ValueError(f"names repeat: {names}")
    if not counts.segments:
        raise ValueError("counts need at least one segment")
    for edges in (counts.band_edges_months, counts.clock_edges_days):
        if not edges or edges[0] != 0 or any(low >= high for low, high in pairwise(edges)):
            raise ValueError(f"edges must start at 0 and rise: {edges}")


def _check_shapes(counts: CohortCounts) -> None:
    segments, months, bands = counts.shape
    categories = len(counts.categories)
    expected: dict[str, tuple[int, ...]] = dict.fromkeys((*CELL_FIELDS, "silent_exit_revenue"), counts.shape)
    expected |= {
        "complainants": (categories, segments, months, bands),
        "complaints": (categories, months),
        "customers_at_risk": (segments,),
    }
    for name, shape in expected.items():
        array = getattr(counts, name)
        if array.shape != shape:
            raise ValueError(f"{name} has shape {array.shape}, expected {shape}")
        if not np.isfinite(array).all() or (array < 0).any():
            raise ValueError(f"{name} holds negative or missing numbers")


def _check_consistency(counts: CohortCounts) -> None:
    at_most = [
        ("silent_exits", counts.silent_exits, "silent_person_days", counts.silent_person_days),
        ("vocal_exits", counts.vocal_exits, "vocal_person_days", counts.vocal_person_days),
        ("silent_exit_revenue_known", counts.silent_exit_revenue_known, "silent_exits", counts.silent_exits),
        ("complainants_any", counts.complainants_any, "complainants", counts.complainants.sum(axis=0)),
    ]
    if counts.has_linked_complaints:
        at_most.append(("complainants", counts.complainants.sum(axis=(1, 3)), "complaints", counts.complaints))
    for smaller, low, larger, high in at_most:
        if (low > high).any():
            raise ValueError(f"{smaller} exceeds {larger} in {int((low > high).sum())} cells")


def _check_day_counts(counts: CohortCounts) -> None:
    days, clock = counts.tenure_days, counts.clock
    segments, months, bands = counts.shape
    ranges = [
        ("state", days.state, 0, len(counts.categories)),
        ("segment", days.segment, 0, segments - 1),
        ("tenure_day", days.tenure_day, 0, None),
        ("category", clock.category, ANY_CATEGORY, len(counts.categories) - 1),
        ("segment", clock.segment, 0, segments - 1),
        ("month", clock.month, 0, months - 1),
        ("band", clock.band, 0, bands - 1),
        ("clock", clock.clock, 0, len(counts.clock_edges_days) - 1),
    ]
    ranges += [(name, days.columns[name], 0, None) for name in ("entered", "exited", "censored")]
    ranges += [(name, clock.columns[name], 0, None) for name in ("exited", "censored", "days_in_bin")]
    for name, values, lowest, highest in ranges:
        if values.size and (values.min() < lowest or (highest is not None and values.max() > highest)):
            raise ValueError(f"{name} outside {lowest}..{highest}")
    if days.entered.sum() != days.exited.sum() + days.censored.sum():
        raise ValueError("as many customers must leave the tenure axis as entered it")
