"""What breaks while a monthly refresh reads, on both engines: a sentence names the file, nothing is half-published, a run after that succeeds."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import duckdb
import pytest

from iceberg.cli.main import main
from iceberg.store.studies import Store


def _break(path: Path, how: str) -> None:
    whole = path.read_bytes()
    if how == "cut off":
        path.write_bytes(whole[: len(whole) // 2])
    elif how == "hole in the middle":  # found only when all of it is read
        hole = slice(len(whole) // 20, len(whole) // 2)
        path.write_bytes(whole[: hole.start] + bytes(hole.stop - hole.start) + whole[hole.stop :])
    else:
        renamed = path.with_name(".renamed.parquet")
        duckdb.sql(f"COPY (SELECT * RENAME (start_date AS since) FROM '{path}') TO '{renamed}'")
        renamed.replace(path)


@pytest.mark.parametrize("engine", ["duckdb", "spark"])
def test_a_file_of_the_folder_that_breaks_is_named_and_nothing_is_published_until_it_is_mended(
    session: Any, company: Path, tmp_path: Path, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, engine: str
) -> None:
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "customers"
    shutil.copytree(company / "parquet" / "customers", folder)
    command = ["publish", "--engine", engine, "--customers", f"{folder}/customers-*.parquet", "--complaints", str(company / "complaints.parquet")]
    command += ["--store", str(tmp_path / "store.db"), "--quiet", "--window-months", "12"]
    whole = (folder / "customers-1.parquet").read_bytes()
    for how in ("cut off", "hole in the middle", "other columns"):
        (folder / "customers-1.parquet").write_bytes(whole)
        _break(folder / "customers-1.parquet", how)
        capfd.readouterr()
        assert main(command) == 2, how
        told = capfd.readouterr()
        assert "customers-1.parquet" in told.err.splitlines()[0], how
        assert told.out == ""
        assert "Traceback" not in told.err
        assert _versions(tmp_path) == []
    (folder / "customers-1.parquet").write_bytes(whole)
    assert main(command) == 0
    assert _versions(tmp_path) == [1]


def _versions(folder: Path) -> list[int]:
    store = Store(str(folder / "store.db"))
    versions = [study.versions for study in store.studies()]
    store.close()
    return versions
