"""`check` recognises a table and then loads it: an address is read once for both."""

from __future__ import annotations

from pathlib import Path

import pytest

from iceberg.cli.main import main
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.remote import places
from tests.ingest import crm_tables


def test_check_reads_an_address_once_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """The rows are there, the private file is gone afterwards, and the next command reads the table again."""
    crm_tables.fill_sqlite(tmp_path / "crm.db")
    read: list[str] = []
    open_rows = places.open_rows
    monkeypatch.setattr(places, "open_rows", lambda address: read.append(address.name) or open_rows(address))
    scratch = tmp_path / "scratch"
    scratch.mkdir()
    command = ["check", f"sqlite:///{tmp_path}/crm.db?table=customers", f"sqlite:///{tmp_path}/crm.db?table=complaints", "--temp-dir", str(scratch)]
    assert main(command) == 0
    assert "rejected" in capsys.readouterr().out
    assert len(read) == len(set(read)) == 2
    assert list(scratch.iterdir()) == []
    assert main(command) == 0
    assert len(read) == 4


def test_outside_the_block_a_table_is_fetched_each_time(tmp_path: Path) -> None:
    """Each load has its own file."""
    crm_tables.fill_sqlite(tmp_path / "crm.db")
    address, workspace = f"sqlite:///{tmp_path}/crm.db?table=customers", Workspace(tmp_path)
    try:
        assert places.fetch_table(address, workspace).path != places.fetch_table(address, workspace).path
        with places.fetched_once(tmp_path):
            assert places.fetch_table(address, workspace).path == places.fetch_table(address, workspace).path
    finally:
        workspace.close()
