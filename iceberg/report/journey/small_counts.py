"""Hides counts of one to four customers, and one more where the sum would give a single hidden one away."""

from __future__ import annotations

from collections.abc import Sequence

from iceberg.model.journey.stages import Journey
from iceberg.report.small_cells import SMALLEST


def shown_counts(numbers: Sequence[int], *, smallest: int = SMALLEST) -> list[int | None]:
    """The counts, None where one to `smallest` - 1 people are counted; with them the next larger ones, until what is hidden adds up to `smallest`."""
    hidden = {place for place, number in enumerate(numbers) if 0 < number < smallest}
    larger = sorted((number, place) for place, number in enumerate(numbers) if place not in hidden and number > 0)
    while hidden and larger and (len(hidden) < 2 or sum(numbers[place] for place in hidden) < smallest):
        hidden.add(larger.pop(0)[1])
    return [None if place in hidden else int(number) for place, number in enumerate(numbers)]


def vocal_by_stage(journey: Journey) -> list[int | None]:
    """Complainants of each step and, last, of those without one.

    What a whole category brings to a step is public with the category; the rest comes from the column of steps, and is what must not be small.
    """
    steps = (*journey.stages, journey.unplaced)
    by_column = shown_counts([one.by_column for one in steps])
    return [None if own is None else one.vocal_customers for one, own in zip(steps, by_column, strict=True)]


def vocal_by_channel(journey: Journey) -> list[int | None]:
    """Complainants of each channel."""
    return shown_counts([one.vocal_customers for one in journey.channels])
