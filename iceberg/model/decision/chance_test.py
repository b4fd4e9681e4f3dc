"""Says how an estimate stands against what chance alone finds, for a category or the total, of a whole study or a part of it."""

from __future__ import annotations

from typing import Literal

from iceberg.model.results import CategoryEstimate, CredibleInterval, IcebergEstimate

NOT_TESTED = "selection_not_tested"  # the remark on a part of a study whose whole was tested, and the part was not
ChanceTest = Literal["clear", "low_end", "inside", "untested", "none"]


def chance_test(estimate: IcebergEstimate, item: CategoryEstimate | None = None) -> ChanceTest:
    """How a category, or without one the total, stands against what chance alone finds.

    Returns:
        ``clear``; ``low_end`` (probably larger, but its low end is not); ``inside``; ``untested`` (of a part of the segments and months, or of
        categories taken together, whose placebo is not known: nothing can be said); ``none`` (no test at this level of evidence).
    """
    part = estimate.total if item is None else item
    if part.placebo is None:
        untested = estimate.total.placebo is not None or any(one.code == NOT_TESTED for one in estimate.diagnostics)
        return "untested" if untested else "none"
    if above_noise(part.silent_churn, part.placebo):
        return "clear"
    return "inside" if part.placebo.is_noise else "low_end"


def above_noise(interval: CredibleInterval, placebo: CredibleInterval | None) -> bool | None:
    """Whether an estimate stands clear of its placebo (their intervals do not overlap); None where there is no placebo."""
    return None if placebo is None else interval.lower > placebo.upper


def is_selection(estimate: IcebergEstimate) -> bool:
    """Whether these are some of the study's segments and months only."""
    return estimate.cells is not None and not estimate.cells.whole
