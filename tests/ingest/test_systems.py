"""An export of each system the product names goes in without editing: customers, who left, and every complaint linked to its customer."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.ingest.recognise import recognise_tables
from tests.ingest.systems import COMPLAINTS, CUSTOMERS, LEFT, SYSTEMS

NOW = date(2026, 6, 30)


@pytest.mark.parametrize("system", SYSTEMS)
def test_an_export_goes_in_without_editing(system: str) -> None:
    export = SYSTEMS[system]()
    [sources] = recognise_tables([UploadedBytes(name, data) for name, data in export.files.items()])
    given: dict[str, Any] = dict(sources)
    tables, report = load_tables(**given, today=NOW)
    with tables:
        customers = tables.connection.sql("SELECT count(*), count(end_date), min(start_date), max(start_date) FROM customers").fetchall()[0]
        complaints = tables.connection.sql("SELECT count(*), min(complaint_date), count(DISTINCT category) FROM complaints").fetchall()[0]
    assert customers == (len(CUSTOMERS), LEFT if export.has_end else 0, CUSTOMERS[0][1], CUSTOMERS[-1][1])
    assert complaints == (len(COMPLAINTS), COMPLAINTS[0][1], 1)
    assert sum(totals.rejected for totals in report.rows.values()) == export.extra_rejected
