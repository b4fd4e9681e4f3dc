"""Owns ``--report``: which file names are a report, what they say of their origin, and their bytes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from iceberg.cli_files import name_files
from iceberg.cli_options import Options

if TYPE_CHECKING:
    from iceberg.cohort.counts import CohortCounts
    from iceberg.model.results import IcebergEstimate


def build_reports(
    options: Options, estimate: IcebergEstimate, counts: CohortCounts, rows: Mapping[str, Mapping[str, int]]
) -> Sequence[tuple[Path, bytes]]:
    """Every report that was asked for, ready to be written; the format is the extension's.

    No clock: the same files, options and seed give the same bytes.
    """
    from iceberg.report.files import Provenance, SourceFile, report_bytes

    if not options.reports:
        return ()
    files = tuple(SourceFile(file.name, file.sha256, file.table) for file in name_files(options))
    provenance = Provenance(files=files, rows=rows)
    return [
        (path, report_bytes(estimate, counts, format=path.suffix.lower().removeprefix("."), language=options.language, provenance=provenance))
        for path in options.reports
    ]
