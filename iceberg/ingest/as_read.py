"""Owns the mapping as a load really read its files: what is kept beside a published study, and can be given back next month."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

from iceberg.ingest.mapping import ColumnMapping, FieldChoice, MappingSet
from iceberg.ingest.read import FileReading
from iceberg.ingest.tables import IngestReport


def mapping_as_read(report: IngestReport, told: MappingSet | None = None) -> MappingSet:
    """Column of each field, per table, as found or told; and what was told of how tables become one.

    Args:
        report: Of the load.
        told: The mapping that was given to it.
    """
    held = told or MappingSet()
    tables = dict(held.tables)
    for reading in cast("tuple[FileReading, ...]", report.files):
        if reading.table and reading.used:
            found = {field: FieldChoice(field, header) for field, header in reading.used.items()}
            given = tables.get(reading.table) or ColumnMapping(reading.table)
            tables[reading.table] = replace(given, choices=found)
    return replace(held, tables=tables)
