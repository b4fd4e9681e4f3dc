"""The filled sheets that are given with an estimate, beside its counts; no figure of the estimate depends on them."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from iceberg.cli.arguments.options import Options

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts


def with_audit(counts: CohortCounts, options: Options) -> CohortCounts:
    """The counts with what the sheets of ``--audit`` say; as they are without any.

    Raises:
        IcebergError: A sheet does not fit, or names a category that the complaints do not have.
    """
    if not options.audit_sheets:
        return counts
    from iceberg.cohort.audit.sheet import read_sheets
    from iceberg.model.audit.estimate import audit_of

    known = None if counts.grouped_categories else counts.categories
    return replace(counts, audit=audit_of(read_sheets(options.audit_sheets, categories=known), seed=options.seed))
