"""A temporary folder without room is a sentence that names the file and what to do, not a traceback."""

from __future__ import annotations

import errno
from pathlib import Path

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

    monkeypatch.setattr("iceberg.ingest.encoding._transcode", no_room)
    with pytest.raises(FileError, match=r"clients\.csv.*TMPDIR") as caught:
        load_tables(path)
    assert caught.value.code == "disk_full"
    assert not list((tmp_path / "temporary").iterdir())
