"""A store comes back: from an export into either kind of database, from a backup of the database, and from the revision before."""

from __future__ import annotations

import io
import json
import os
import sqlite3
import subprocess
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from iceberg.cli.main import main
from iceberg.errors import StoreError
from iceberg.store import schema
from iceberg.store.annotations.places import read_places
from iceberg.store.audit import read_audit
from iceberg.store.connection import reading, roll_back, writing
from iceberg.store.retention import delete_study, export_bytes, import_everything, retention_days, set_retention
from iceberg.store.studies import Store
from tests import postgres
from tests.store.conftest import make_publication

NewStore = Callable[[str], Store]


@pytest.fixture
def new_store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[NewStore]:
    opened: list[Store] = []

    def make(kind: str) -> Store:
        server = request.getfixturevalue("postgres_server") if kind == "postgresql" else None
        opened.append(Store(str(tmp_path / f"store{len(opened)}.db") if server is None else server.address()))
        return opened[-1]

    yield make
    for store in opened:
        store.close()


def fill(store: Store) -> str:
    """Two studies; of the first, version 2 of three is deleted."""
    study = store.publish(make_publication()).study_id
    store.publish(make_publication(ratio=20.0))
    store.publish(make_publication(sha256="c" * 64))
    store.publish(make_publication("Other", months_later=1, author="ben"))
    store.save_groups(study, {"pooled": ["price"], "segments": [["north", "south"]], "months": [], "both": False}, 3)
    delete_study(store, study, number=2, actor="olga")
    set_retention(store, 3650, actor="olga")
    return study


def content(store: Store, *, trail: bool = True) -> dict[str, object]:
    """Everything that a reader could ask for."""
    entries = [entry for study in store.studies() for entry in store.versions(study.study_id)]
    found: dict[str, object] = {f"{entry.study_id} {entry.number}": (entry, store.content(entry)) for entry in entries}
    found |= {entry.study_id: store.groups(entry.study_id) for entry in entries}
    with reading(store.engine) as connection:
        found["studies"] = sorted(tuple(row)[:-1] for row in connection.execute(schema.studies.select()))
    found["places"] = [read_places(store.engine, study.study_id) for study in store.studies()]
    found["retention"] = retention_days(store)
    if trail:
        found["audit"] = [line for line in read_audit(store.engine) if line.action not in {"export", "import"}]
    return found


@pytest.mark.parametrize(("first", "second"), [("sqlite", "sqlite"), ("sqlite", "postgresql"), ("postgresql", "sqlite")])
def test_an_export_comes_back_whole_and_from_one_kind_of_store_to_the_other(new_store: NewStore, first: str, second: str) -> None:
    """There and back again: what a reader, the trail and the next publish see is the same."""
    before, other, again = new_store(first), new_store(second), new_store(first)
    study = fill(before)
    assert import_everything(other, io.BytesIO(export_bytes(before, actor="olga")), actor="ida") == (3, 0)
    assert content(other) == content(before)
    assert import_everything(again, io.BytesIO(export_bytes(other, actor="olga")), actor="ida") == (3, 0)
    assert content(again) == content(before)
    assert again.load(study, 3).estimate is not None
    assert read_audit(again.engine, last=1)[0].detail == {"versions": 3, "known": 0}
    assert again.publish(make_publication(ratio=15.0)).number == 4, "the number of the deleted version is not given again"
    assert not again.publish(make_publication()).is_new


def test_an_import_adds_what_is_missing_and_changes_nothing(new_store: NewStore) -> None:
    store, other = new_store("sqlite"), new_store("sqlite")
    fill(store)
    archive = export_bytes(store, actor="olga")
    before = content(store)
    assert import_everything(store, io.BytesIO(archive), actor="ida") == (0, 3)
    after = content(store)
    studies = {study.study_id for study in store.studies()}
    assert {name for name in before if before[name] != after[name]} <= studies, "what is taken together is merged again when a viewer opens it"
    assert [store.groups(one)[0] for one in sorted(studies)] == [before[one][0] for one in sorted(studies)]  # type: ignore[index]
    other.publish(make_publication(sha256="d" * 64))
    kept = content(other)
    with pytest.raises(StoreError) as caught:
        import_everything(other, io.BytesIO(archive), actor="ida")
    assert caught.value.code == "archive_conflict"
    assert content(other) == kept, "all of it or nothing"


def test_an_archive_that_is_none_or_was_changed_is_refused(new_store: NewStore) -> None:
    store, target = new_store("sqlite"), new_store("sqlite")
    fill(store)
    archive = export_bytes(store, actor="olga")

    def rewritten(change: Callable[[str, bytes], bytes | None]) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(io.BytesIO(archive)) as before, zipfile.ZipFile(out, "w") as after:
            for name in before.namelist():
                made = change(name, before.read(name))
                if made is not None:
                    after.writestr(name, made)
        return out.getvalue()

    def other_title(name: str, content: bytes) -> bytes:
        return json.dumps(json.loads(content) | {"title": "Another"}).encode() if name.endswith("study.json") else content

    def more_leavers(name: str, content: bytes) -> bytes:
        return content if not name.endswith("version.json") else content.replace(b'"counts_digest": "', b'"counts_digest": "0')

    broken = [
        b"Dear customer",
        archive[: len(archive) // 2],
        rewritten(lambda name, content: None if name == "audit.json" else content),
        rewritten(lambda name, content: None if name.endswith("counts_cells.parquet") else content),
        rewritten(lambda name, content: b"[1]" if name.endswith("version.json") else content),
        rewritten(other_title),
        rewritten(more_leavers),
    ]
    for one in broken:
        with pytest.raises(StoreError) as caught:
            import_everything(target, io.BytesIO(one), actor="ida")
        assert caught.value.code in {"archive_unreadable", "store_damaged"}
        assert target.studies() == ()
        assert read_audit(target.engine) == ()


def test_the_command_line_imports_and_rolls_back(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    first, second, archive = (str(tmp_path / name) for name in ("a.db", "b.db", "all.zip"))
    store = Store(first)
    fill(store)
    store.close()
    assert main(["studies", "export", "--store", first, "--out", archive]) == 0
    assert main(["studies", "import", archive, "--store", second, "--author", "ida"]) == 0
    assert capsys.readouterr().out.splitlines()[-1] == f"Imported 3 versions into {second}"
    assert main(["studies", "import", archive, "--store", second]) == 0
    assert "3 versions were there already." in capsys.readouterr().out
    assert main(["studies", "audit", "--store", second, "--lang", "fr"]) == 0
    assert "a importé un export" in capsys.readouterr().out
    for arguments, says in (
        (["import"], "studies import studies.zip"),
        (["import", str(tmp_path / "no.zip")], "no.zip"),
        (["import", first], "no archive"),
        (["rollback"], "--yes"),
    ):
        assert main(["studies", *arguments, "--store", second]) == 2
        assert says in capsys.readouterr().err
    assert main(["studies", "rollback", "--yes", "--store", second]) == 0
    assert "is at revision 0002" in capsys.readouterr().out


def test_a_store_of_the_first_revision_is_brought_up_to_date_and_back(address: str) -> None:
    """The third revision holds descriptions, targets and notes, the second what is taken together for viewers; the way back loses these alone."""
    store = Store(address)
    study = fill(store)
    before = content(store)
    assert roll_back(store.engine) == "0002"
    assert not {"targets", "notes"} & set(inspect(store.engine).get_table_names())
    assert roll_back(store.engine) == "0001"
    assert "groups" not in inspect(store.engine).get_table_names()
    with reading(store.engine) as connection:  # as the program of that revision reads it
        assert connection.execute(text("SELECT count(*) FROM versions")).scalar() == 3
    with pytest.raises(StoreError) as caught:
        roll_back(store.engine)
    assert caught.value.code == "store_oldest"
    store.close()
    store = Store(address)
    after = content(store)
    lost = {one.study_id for one in store.studies()}
    assert {name: value for name, value in after.items() if name not in lost} == {name: value for name, value in before.items() if name not in lost}
    assert store.groups(study) == ({}, 0)
    with reading(store.engine) as connection:
        assert connection.execute(text("SELECT count(*) FROM groups")).scalar() == 2, "every older study has its row"
    store.close()


def test_an_earlier_program_refuses_a_later_store(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    store = Store(address)
    with writing(store.engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    store.close()
    with pytest.raises(StoreError) as caught:
        Store(address)
    assert caught.value.code == "store_newer"


def test_a_backup_made_while_others_publish_is_restored_by_copying_it(tmp_path: Path) -> None:
    """SQLite: the online backup, with what is still in the log."""
    store = Store(str(tmp_path / "store.db"))
    fill(store)
    expected = content(store)
    assert (tmp_path / "store.db-wal").stat().st_size > 0
    source, target = sqlite3.connect(tmp_path / "store.db"), sqlite3.connect(tmp_path / "backup.db")
    source.backup(target)
    source.close()
    target.close()
    store.publish(make_publication(ratio=10.0))  # after the backup
    store.close()
    restored = Store(str(tmp_path / "backup.db"))
    assert content(restored) == expected
    restored.close()


def test_a_dump_of_the_server_is_restored_into_a_new_database(postgres_server: postgres.Server) -> None:
    address, target = postgres_server.address(), postgres_server.address()
    store = Store(address)
    fill(store)
    expected = content(store)
    names = [one.partition("@/")[2].partition("?")[0] for one in (address, target)]
    where = ["-h", str(postgres_server.folder), "-U", "tester"]
    postgres_server.run("pg_dump", *where, "--format=custom", f"--file={postgres_server.folder}/backup", names[0])
    store.publish(make_publication(ratio=10.0))
    store.close()
    postgres_server.run("pg_restore", *where, "--exit-on-error", f"--dbname={names[1]}", f"{postgres_server.folder}/backup")
    restored = Store(target)
    assert content(restored) == expected
    restored.close()


def test_a_store_in_a_place_that_can_only_be_read_is_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """A backup on a disk that is mounted read-only. A version in it opens; publishing into it is refused in words."""
    place = tmp_path / "mounted"
    place.mkdir()
    mounted = os.getuid() == 0
    if mounted and subprocess.run(["mount", "-t", "tmpfs", "tmpfs", str(place)], capture_output=True, check=False).returncode:
        pytest.skip("root can write everywhere where it cannot mount")
    try:
        store = Store(str(place / "a store.db"))
        study = fill(store)
        expected = content(store)
        store.close()
        if mounted:
            subprocess.run(["mount", "-o", "remount,ro", str(place)], check=True)
        else:
            place.chmod(0o500)
        only = Store(str(place / "a store.db"))
        assert content(only) == expected
        assert only.load(study).estimate is not None
        with pytest.raises(StoreError) as caught:
            only.publish(make_publication(ratio=10.0))
        assert caught.value.code == "store_read_only"
        assert str(place / "a store.db") in caught.value.message()
        only.close()
        assert main(["studies", "list", "--store", str(place / "a store.db")]) == 0
        assert "Quarterly" in capsys.readouterr().out
    finally:
        if mounted:
            subprocess.run(["umount", str(place)], check=True)
        else:
            place.chmod(0o700)


def test_a_blob_of_another_type_is_damage_and_no_fault_of_ours(tmp_path: Path) -> None:
    store = Store(str(tmp_path / "store.db"))
    study = store.publish(make_publication()).study_id
    with writing(store.engine) as connection:
        connection.execute(text("UPDATE blobs SET content = 'a text' WHERE sha256 = (SELECT sha256 FROM parts LIMIT 1)"))
    with pytest.raises(StoreError) as caught:
        store.load(study)
    assert caught.value.code == "store_damaged"
    store.close()
