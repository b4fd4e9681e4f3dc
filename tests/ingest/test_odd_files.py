"""Files as systems and colleagues write them: each gives the rows its table says, or is refused with its reason."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest

from iceberg.errors import FileError, IcebergError
from iceberg.ingest.files.books import bounded_reader
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from tests.ingest.odd_files import ODD_FILES, OddFile, bomb, lying_bomb, repeated_cells, shared_text, xlsb_far_cell

NOW = date(2026, 6, 30)


@pytest.mark.parametrize("odd", ODD_FILES, ids=lambda odd: odd.name)
def test_an_odd_file_gives_what_its_table_says(odd: OddFile, tmp_path: Path) -> None:
    """Counts, rules, a row and the decisions shown; or the code of the error, with a sentence in both languages that names the file."""
    path = tmp_path / odd.file
    path.write_bytes(odd.data)
    try:
        mapping = MappingSet.from_dict({odd.table: odd.mapping}) if odd.mapping else None
        tables, report = load_tables(**{odd.table: path}, mapping=mapping, today=NOW)
    except IcebergError as error:
        assert error.code == odd.error, str(error)
        assert all(error.message(language) for language in ("en", "fr"))
        return
    with tables:
        assert not odd.error
        totals = report.rows[odd.table]
        assert (totals.read, totals.kept, totals.rejected) == (odd.read, odd.kept, odd.read - odd.kept)
        assert {count.rule: count.rows for count in report.rules if count.table == odd.table} == odd.rules
        if odd.row is not None:
            assert odd.row in tables.connection.sql(f"SELECT * FROM {odd.table}").fetchall()
    [reading] = [reading for reading in report.files if reading.table == odd.table]
    assert {name: getattr(reading, name) for name in odd.reading} == odd.reading




def test_there_are_at_least_sixty_ways() -> None:
    """With names of their own."""
    assert len({odd.name for odd in ODD_FILES}) == len(ODD_FILES) >= 60


@pytest.mark.parametrize("make", [bomb, lying_bomb])
def test_a_zip_bomb_is_refused_before_it_fills_memory(make, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether its directory tells the truth or not; nothing is unpacked beyond the limit."""
    monkeypatch.setattr(bounded_reader, "MAX_UNPACKED_BYTES", 32 << 20)
    with pytest.raises(FileError) as caught:
        load_tables(UploadedBytes("bomb.xlsx", make(64 << 20)), today=NOW)
    assert caught.value.code in {"book_too_large", "book_unreadable"}
    assert "bomb.xlsx" in str(caught.value)


@pytest.mark.parametrize(("name", "make"), [("c.xlsx", shared_text), ("c.ods", repeated_cells), ("c.xlsb", xlsb_far_cell)])
@pytest.mark.parametrize("language", ["en", "fr"])
def test_a_small_book_that_grows_when_it_is_opened_is_refused_in_words(name: str, make, language: str) -> None:
    """Few bytes, honest sizes, and gigabytes once the library holds them: only the child process meets its bound."""
    with pytest.raises(FileError) as caught:
        load_tables(UploadedBytes(name, make()), today=NOW)
    assert caught.value.code == "sheet_too_wide"
    assert name in caught.value.message(language)
    assert int(caught.value.values["limit_mb"]) <= 1024


def test_a_part_that_is_damaged_is_refused_and_not_read_as_it_is() -> None:
    """The library does not compare a part with its checksum: a cell would change in silence."""
    data = bytearray(repeated_cells(1, stored=True))
    data[data.index(b"2024-01-05")] = ord("3")
    with pytest.raises(FileError) as caught:
        load_tables(UploadedBytes("c.ods", bytes(data)), today=NOW)
    assert caught.value.code == "book_unreadable"


def test_lines_that_are_no_records_have_their_own_numbers_in_a_windows_file(tmp_path: Path) -> None:
    """Too many and too few cells among good lines, with Windows line ends: the rules of other lines are not shifted by them."""
    path = tmp_path / "customers.csv"
    path.write_bytes(b"customer_id,start_date,segment\r\n1,2024-01-05,x\r\n2,2024-01-05,x,y,z\r\n3,soon,x\r\n4\r\n5,later,x\r\n6,2024-01-05,x\r\n")
    tables, report = load_tables(path, today=NOW)
    tables.close()
    assert sorted((issue.line, issue.rule) for issue in report.issues) == [
        (3, "too_many_cells"),
        (4, "unparseable_date"),
        (5, "missing_start_date"),
        (5, "short_line_padded"),
        (6, "unparseable_date"),
    ]
