"""What is deleted is gone, what is kept can be taken along, and the trail says who did it."""

import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from iceberg.cli.main import main
from iceberg.errors import StoreError
from iceberg.store.audit import read_audit, write_audit
from iceberg.store.connection import store_errors
from iceberg.store.retention import (
    delete_study,
    expire,
    export_bytes,
    export_everything,
    overwrites_at_once,
    retention_days,
    set_retention,
)
from iceberg.store.studies import Store
from tests import postgres
from tests.store.conftest import Maker

MARK = "Zanzibar-quarterly-mark"


def bytes_of(store: Store, server: postgres.Server) -> bytes:
    """Every byte the store occupies on disk."""
    if store.url.get_backend_name() == "sqlite":
        path = Path(str(store.url.database))
        return b"".join(file.read_bytes() for file in path.parent.glob(f"{path.name}*"))
    server.run("psql", "-h", str(server.folder), "-U", "tester", "-d", str(store.url.database), "-c", "CHECKPOINT")
    oid = server.run("psql", "-h", str(server.folder), "-U", "tester", "-d", str(store.url.database), "-Atc",
                     "SELECT oid FROM pg_database WHERE datname = current_database()").strip()  # fmt: skip
    return b"".join(file.read_bytes() for file in (server.folder / "data" / "base" / oid).iterdir() if file.is_file())


def test_deleted_for_good_means_the_bytes_are_gone(store: Store, publication: Maker, postgres_server: postgres.Server) -> None:
    kept = store.publish(publication("Kept"))
    gone = store.publish(publication(MARK, ratio=20.0, author="nobody"))
    assert MARK.encode() in bytes_of(store, postgres_server)
    assert delete_study(store, gone.study_id, actor="olga") == 1
    assert MARK.encode() not in bytes_of(store, postgres_server)
    assert store.load(kept.study_id).estimate is not None
    with pytest.raises(StoreError):
        store.load(gone.study_id)


def test_an_account_that_does_not_own_the_tables_deletes_too_and_is_told_what_remains(
    publication: Maker, postgres_server: postgres.Server, capsys: pytest.CaptureFixture[str]
) -> None:
    """PostgreSQL lets only the owner rewrite a table; the rows are gone for everybody, their bytes some time later."""
    address = postgres_server.address()
    owned = Store(address)
    assert overwrites_at_once(owned)
    gone = owned.publish(publication(MARK))
    database = str(owned.url.database)
    owned.close()
    allow = "DROP ROLE IF EXISTS clerk; CREATE ROLE clerk LOGIN; GRANT SELECT, INSERT, UPDATE, DELETE ON ALL TABLES IN SCHEMA public TO clerk"
    sequences = "GRANT USAGE ON ALL SEQUENCES IN SCHEMA public TO clerk"
    postgres_server.run("psql", "-h", str(postgres_server.folder), "-U", "tester", "-d", database, "-c", f"{allow}; {sequences}")
    as_clerk = postgres_server.url(database, user="clerk")
    assert main(["studies", "delete", gone.study_id, "--store", as_clerk, "--yes", "--author", "carl"]) == 0
    printed = capsys.readouterr()
    assert "1 version of" in printed.out
    assert "autovacuum" in printed.out
    clerk = Store(as_clerk)
    assert clerk.studies() == ()
    assert read_audit(clerk.engine)[0].action == "delete"
    clerk.close()
    postgres_server.run("psql", "-h", str(postgres_server.folder), "-U", "tester", "-d", database, "-c", "DROP OWNED BY clerk; DROP ROLE clerk")


def test_deleting_one_version_leaves_the_others_whole(store: Store, publication: Maker) -> None:
    study = store.publish(publication()).study_id
    store.publish(publication(ratio=20.0))
    assert delete_study(store, study, number=1, actor="olga") == 1
    assert [entry.number for entry in store.versions(study)] == [2]
    assert store.load(study).estimate is not None
    assert store.publish(publication(months_later=1)).number == 3, "a number is not given twice"
    delete_study(store, study, actor="olga")
    assert store.studies() == ()
    assert store.publish(publication()).number == 4


def test_a_deletion_is_in_the_trail_and_the_trail_stays(store: Store, publication: Maker) -> None:
    study = store.publish(publication()).study_id
    write_audit(store.engine, actor="vera", action="export", study_id=study, version=1, format="pdf")
    delete_study(store, study, actor="olga")
    trail = read_audit(store.engine, study_id=study)
    assert [(line.actor, line.action, line.version) for line in trail] == [("olga", "delete", 1), ("vera", "export", 1), ("ana", "publish", 1)]
    assert trail[1].detail == {"format": "pdf"}
    assert [line.action for line in read_audit(store.engine, last=1)] == ["delete"]


def test_versions_older_than_the_retention_are_deleted(store: Store, publication: Maker) -> None:
    now = datetime.now(UTC)
    study = store.publish(publication(), at=now - timedelta(days=31)).study_id
    store.publish(publication(ratio=20.0), at=now - timedelta(days=29))
    store.publish(publication("Old"), at=now - timedelta(days=400))
    assert expire(store) == 0, "kept for ever unless somebody says otherwise"
    set_retention(store, 30, actor="olga")
    assert retention_days(store) == 30
    assert expire(store, now=now) == 2
    assert [(one.study_id, one.newest.number) for one in store.studies()] == [(study, 2)]
    assert {line.action for line in read_audit(store.engine)} == {"publish", "retention", "expire"}
    set_retention(store, None, actor="olga")
    assert retention_days(store) is None


@pytest.mark.parametrize("days", [0, -1, 40_000])
def test_a_retention_outside_what_makes_sense_is_refused(store: Store, days: int) -> None:
    with pytest.raises(StoreError) as caught:
        set_retention(store, days, actor="olga")
    assert caught.value.code == "retention_range"


def test_an_export_holds_everything_and_opens_without_the_product(store: Store, publication: Maker) -> None:
    first = store.publish(publication())
    store.publish(publication(ratio=20.0))
    store.publish(publication("Other", months_later=1))
    set_retention(store, 365, actor="olga")
    archive = zipfile.ZipFile(io.BytesIO(export_bytes(store, actor="olga")))
    assert archive.testzip() is None
    folders = {name.rpartition("/")[0] for name in archive.namelist() if name.endswith("/version.json")}
    assert len(folders) == 3
    assert {name.rpartition("/")[0] for name in archive.namelist() if name.endswith("/study.json")} == {one.rpartition("/")[0] for one in folders}
    place = f"studies/{first.study_id}/0001"
    version = json.loads(archive.read(f"{place}/version.json"))
    assert version["author"] == "ana"
    assert version["sources"][0]["sha256"] == "a" * 64
    assert json.loads(archive.read(f"{place}/summary.json"))["schema_version"] == 1
    assert pq.read_table(io.BytesIO(archive.read(f"{place}/counts_cells.parquet"))).num_rows == 2 * 12 * 3
    assert json.loads(archive.read("settings.json")) == {"retention_days": 365}
    assert [line["action"] for line in json.loads(archive.read("audit.json"))] == ["retention", "publish", "publish", "publish"]
    assert read_audit(store.engine, last=1)[0].action == "export"


def test_an_export_of_one_study_holds_nothing_of_another(store: Store, publication: Maker, tmp_path: Path) -> None:
    one = store.publish(publication())
    store.publish(publication(MARK, months_later=1))
    assert export_everything(store, tmp_path / "all.zip", study_id=one.study_id, actor="olga") == 1
    with zipfile.ZipFile(tmp_path / "all.zip") as archive:
        assert all("zanzibar" not in name for name in archive.namelist())
        assert all(MARK.encode() not in archive.read(name) for name in archive.namelist())


def test_bytes_that_somebody_still_reads_are_said_to_be_there(tmp_path: Path, publication: Maker, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("iceberg.store.connection.BUSY_SECONDS", 0.2)
    store, reader = Store(str(tmp_path / "store.db")), Store(str(tmp_path / "store.db"))
    study = store.publish(publication()).study_id
    with store_errors(reader.url), reader.engine.connect() as connection, connection.begin():
        connection.exec_driver_sql("SELECT count(*) FROM blobs").all()
        with pytest.raises(StoreError) as caught:
            delete_study(store, study, actor="olga")
        assert caught.value.code in {"store_delete_pending", "store_locked"}
    store.close()
    reader.close()
