"""What a mapping says of changes of the records, and of names that are one category."""

from dataclasses import replace
from pathlib import Path

import pytest

from iceberg.errors import MappingError
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice
from iceberg.ingest.mapping import MappingSet

COLUMNS = ColumnMapping("complaints", {"category": FieldChoice("category", "reason")})


@pytest.mark.parametrize("changes", [None, (), ("2024-07-01",), ("2024-07-01", "2025-02-03:late: twice")])
@pytest.mark.parametrize("tables", [{}, {"complaints": COLUMNS}], ids=["no columns", "columns"])
def test_changes_are_written_beside_the_columns_of_the_complaints_and_read_again(
    tmp_path: Path, changes: tuple[str, ...] | None, tables: dict[str, ColumnMapping]
) -> None:
    mapping = MappingSet(tables, recording_changes=changes)
    for name in ("mapping.toml", "mapping.json"):
        mapping.save(tmp_path / name)
        read = MappingSet.load(tmp_path / name)
        assert read.recording_changes == changes
        assert set(read.tables) == set(tables)
    assert MappingSet.load(tmp_path / "mapping.toml").to_toml() == mapping.to_toml()


def test_a_day_may_be_written_as_toml_writes_days(tmp_path: Path) -> None:
    (tmp_path / "mapping.toml").write_text("[complaints]\nrecording_changes = [2024-07-01]\n")
    assert MappingSet.load(tmp_path / "mapping.toml").recording_changes == ("2024-07-01",)


@pytest.mark.parametrize("written", ['["July 2024"]', '"2024-07-01"', '["2024-07-01:"]', "[20240701]", "true"])
def test_what_is_no_list_of_days_is_refused_with_what_to_write(tmp_path: Path, written: str) -> None:
    (tmp_path / "mapping.toml").write_text(f"[complaints]\nrecording_changes = {written}\n")
    with pytest.raises(MappingError) as caught:
        MappingSet.load(tmp_path / "mapping.toml")
    assert '["2024-07-01"]' in caught.value.message("en")


def test_merges_join_those_that_the_mapping_has() -> None:
    mapping = MappingSet().with_merges([("billing", "invoices"), ("billing", "bills")])
    again = mapping.with_merges([("billing", "bills"), ("price", "cost")])
    assert again.joining.merge_categories == {"billing": ("invoices", "bills"), "price": ("cost",)}
    assert replace(mapping, joining=again.joining).to_dict()["joining"] == {"merge_categories": {"billing": ["invoices", "bills"], "price": ["cost"]}}
