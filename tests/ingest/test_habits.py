"""Exports as people leave them: read to the day and the cent, at once or as the proposal has them; or asked about, and never misread."""

from __future__ import annotations

from datetime import date

import pytest

from iceberg.errors import MappingError
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.recognise import recognise_tables
from iceberg.ingest.tables import IngestReport, Tables
from tests.ingest.habits import HABITS

NOW = date(2026, 6, 30)
SINCE = "- DATE '2000-01-01'"
QUESTIONS = {
    "customers": "SELECT count(*) FROM customers",
    "left": "SELECT count(end_date) FROM customers",
    "first days": f"SELECT sum(start_date {SINCE}) FROM customers",
    "last days": f"SELECT sum(end_date {SINCE}) FROM customers",
    "revenue": "SELECT round(sum(revenue), 2) FROM customers",
    "complaints": "SELECT count(*) FROM complaints",
    "categories": "SELECT count(DISTINCT category) FROM complaints",
    "complaint days": f"SELECT sum(complaint_date {SINCE}) FROM complaints",
    "met": "SELECT count(*) FROM complaints SEMI JOIN customers USING (customer_id)",
    "volume": "SELECT sum(complaints) FROM volumes",
    "volume categories": "SELECT count(DISTINCT category) FROM volumes",
    "volume months": "SELECT count(DISTINCT month) FROM volumes",
}


def read(files: dict[str, bytes]) -> tuple[Tables, IngestReport]:
    """The files as they are recognised; a question about columns is answered by its own proposal."""
    given = [UploadedBytes(name, data) for name, data in files.items()]
    mapping: MappingSet | None = None
    for turn in range(4):
        try:
            [sources] = recognise_tables(given, mapping=mapping)
            return load_tables(**sources, mapping=mapping, today=NOW)
        except MappingError as error:
            if turn == 3 or error.proposal is None or error.code != "mapping_uncertain":
                raise
            mapping = MappingSet.from_dict(error.proposal.to_dict())
    raise AssertionError


@pytest.mark.parametrize("name", HABITS)
def test_an_export_as_people_leave_it_is_read_rightly_or_asked_about(name: str) -> None:
    """Counts, sums of days, amounts; the code of the question; the notes that have to be there."""
    habit = HABITS[name]
    if habit.code:
        with pytest.raises(MappingError) as caught:
            read(habit.files)
        assert caught.value.code == habit.code
        return
    tables, report = read(habit.files)
    with tables:
        found = {what: tables.connection.sql(QUESTIONS[what]).fetchall()[0][0] for what in habit.holds}
    assert found == {what: pytest.approx(value, abs=0.01) for what, value in habit.holds.items()}
    assert any(totals.kept for totals in report.rows.values()) == habit.kept
    assert [one.steps for one in report.joining.id_proposals] == [habit.ids] if habit.ids and report.joining is not None else not habit.ids
    assert set(habit.notes) <= {code for code, _ in report.notes}


def test_there_are_forty() -> None:
    assert len(HABITS) >= 40
