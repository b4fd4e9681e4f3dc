"""A temporary folder without room is a sentence that names the file and what to do, not a traceback."""

from __future__ import annotations

import errno
from datetime import date
from pathlib import Path

import duckdb
import pytest

from iceberg.errors import FileError
from iceberg.ingest.load import load_tables


def test_a_full_disk_while_a_file_is_spooled_names_the_file_and_the_room_it_needs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A cp1252 file has to be written once more as UTF-8; when that fails nothing stays behind."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    path = tmp_path / "clients.csv"
    path.write_bytes("N° client;Date d'entrée\n1;25/01/2024\n".encode("cp1252"))

    def no_room(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("iceberg.ingest.files.text.encoding._transcode", no_room)
    with pytest.raises(FileError, match=r"clients\.csv.*TMPDIR") as caught:
        load_tables(path)
    assert caught.value.code == "disk_full"
    assert not list((tmp_path / "temporary").iterdir())


def test_subscriptions_are_folded_within_a_small_memory_as_without_one(tmp_path: Path) -> None:
    """Six million subscriptions of two million customers fold the same within 300 MB, 1 GB and 6 GB; here a file small enough for a test."""
    path = tmp_path / "subscriptions.csv"
    duckdb.sql(
        "COPY (SELECT 'C' || (hash(i) % 40000) AS customer_id, DATE '2020-01-01' + (hash(i * 7) % 1800)::INT AS start_date, "
        "CASE WHEN i % 3 > 0 THEN DATE '2020-01-01' + (hash(i * 7) % 1800)::INT + (1 + hash(i * 11) % 300)::INT END AS end_date "
        f"FROM range(120000) AS rows(i)) TO '{path}' (HEADER)"
    )
    folded = []
    for limit in ("40MB", None):
        tables, report = load_tables(subscriptions=path, memory_limit=limit, temp_directory=tmp_path, today=date(2026, 6, 30))
        with tables:
            sums = "SELECT count(*), count(end_date), sum(start_date - DATE '2020-01-01'), sum(end_date - start_date) FROM customers"
            assert report.joining is not None
            folded.append((report.joining.folding, report.rows, tables.connection.sql(sums).fetchall()))
    assert folded[0] == folded[1]
