"""The sheet that is given with an estimate, beside its counts; no figure of the estimate depends on it."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from iceberg.cli.arguments.options import Options

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts


def with_spheres(counts: CohortCounts, options: Options) -> CohortCounts:
    """The counts with the sheet of ``--spheres``; as they are without one.

    Raises:
        IcebergError: The sheet does not fit, or names a category that the complaints do not have.
    """
    if options.spheres is None:
        return counts
    from iceberg.cohort.journey.sphere_sheet import read_sphere_sheet

    known = None if counts.grouped_categories else counts.categories
    return replace(counts, spheres=read_sphere_sheet([options.spheres], categories=known))
