"""Fixes in a mapping: read as written, written as read, refused with the key that is wrong."""

from datetime import date
from pathlib import Path

import pytest

from iceberg.errors import MappingError
from iceberg.ingest.interventions import InterventionEntry
from iceberg.ingest.mapping import MappingSet

FULL = InterventionEntry("billing", date(2026, 3, 1), ("north",), 0.3, 0.5, date(2027, 2, 1), 0.1, "A. Martin", (-0.31, 0.2))


def test_a_fix_is_read_as_it_was_written(tmp_path: Path) -> None:
    for name in ("mapping.toml", "mapping.json"):
        MappingSet(interventions=(FULL, InterventionEntry("price", date(2026, 1, 1)))).save(tmp_path / name)
        assert MappingSet.load(tmp_path / name).interventions == (FULL, InterventionEntry("price", date(2026, 1, 1)))


@pytest.mark.parametrize(
    ("text", "key"),
    [
        ('interventions = "billing"', "interventions"),
        ('[[interventions]]\nstart = "2026-03"', "category"),
        ('[[interventions]]\ncategory = "billing"', "start"),
        ('[[interventions]]\ncategory = "billing"\nstart = "2026-13"', "start"),
        ('[[interventions]]\ncategory = "billing"\nstart = "2026-03"\nexpected = 30', "expected"),
        ('[[interventions]]\ncategory = "billing"\nstart = "2026-03"\nsegments = "north"', "segments"),
        ('[[interventions]]\ncategory = "billing"\nstart = "2026-03"\nfound = [1.0]', "found"),
        ('[[interventions]]\ncategory = "billing"\nstart = "2026-03"\nmonth = 3', "month"),
    ],
)
def test_a_fix_that_cannot_be_read_names_what_is_wrong(tmp_path: Path, text: str, key: str) -> None:
    (tmp_path / "m.toml").write_text(text, encoding="utf-8")
    with pytest.raises(MappingError) as refused:
        MappingSet.load(tmp_path / "m.toml")
    assert key in refused.value.message("en")
