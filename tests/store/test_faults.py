"""A publish that is killed, a full disk and a locked store: what was there stays whole, and the message says what to do."""

import multiprocessing
import os
import random
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from iceberg.errors import StoreError
from iceberg.store import connection as opening
from iceberg.store import schema
from iceberg.store.naming import name_study
from iceberg.store.studies import Publication, Store
from tests import postgres
from tests.store.conftest import Maker, make_publication

ROOT = Path(__file__).resolve().parents[2]
KILLS = 50
NOBODY = 65534


def kill_while_publishing(address: str, *, kills: int, seed: int) -> tuple[int, int]:
    """Fork a publisher and kill it at a random moment, again and again.

    Returns:
        Versions reported before a kill, and versions found afterwards.
    """
    given = make_publication()  # estimated once, before the forks
    rng = random.Random(seed)
    reported = 0
    study = name_study("Quarterly")
    for turn in range(kills):
        there, here = os.pipe()
        child = os.fork()
        if child == 0:  # the publisher: nothing of the parent is used but the small estimate
            try:
                os.close(there)
                store = Store(address)
                for number in range(10_000):
                    version = store.publish(make_publication(sha256=f"{turn:032d}{number:032d}")).number
                    os.write(here, f"{version}\n".encode())
            finally:
                os._exit(1)
        os.close(here)
        with os.fdopen(there) as told:
            reported = int(told.readline())  # the first is kept; from here on it may die at any moment
            time.sleep(rng.uniform(0, 0.03))
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            reported = max([reported, *(int(line) for line in told if line.endswith("\n"))])
        store = Store(address)
        newest = store.load(study)  # the last version is whole, whatever was being written
        assert newest.estimate is not None
        assert newest.counts.digest == given.counts.digest
        assert newest.entry.number >= reported, "a version that was reported is there"
        numbers = [entry.number for entry in store.versions(study)]
        assert numbers == list(range(len(numbers), 0, -1)), "no version is missing or doubled"
        store.close()
    return reported, len(numbers)


def test_a_publish_that_is_killed_leaves_the_last_version_intact(address: str) -> None:
    """50 kills at random moments."""
    reported, found = kill_while_publishing(address, kills=KILLS, seed=20261122)
    assert KILLS <= reported <= found
    store = Store(address)
    with store.engine.connect() as connection:
        if store.url.get_backend_name() == "sqlite":
            assert connection.execute(text("PRAGMA integrity_check")).scalar() == "ok"
            assert connection.execute(text("PRAGMA foreign_key_check")).all() == []
        orphans = connection.execute(text("SELECT count(*) FROM versions WHERE id NOT IN (SELECT version_id FROM parts)")).scalar()
        assert orphans == 0
    store.close()


def test_a_full_disk_is_said_and_nothing_is_half_published(tmp_path: Path) -> None:
    """The file may not grow any more, as on a disk without space."""
    address = str(tmp_path / "store.db")
    store = Store(address)
    first = store.publish(make_publication())
    store.close()
    size = (tmp_path / "store.db").stat().st_size
    script = (
        "import resource, signal, sys\n"
        "from tests.store.conftest import make_publication\n"
        "from iceberg.store.studies import Store\n"
        "from iceberg.errors import StoreError\n"
        "given = make_publication(ratio=20.0)\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        f"resource.setrlimit(resource.RLIMIT_FSIZE, ({size // 8}, {size // 8}))\n"
        f"try: Store({address!r}).publish(given)\n"
        "except StoreError as error: print(error.code, '|', error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.startswith("store_full | The disk of the store")
    again = Store(address)
    assert [entry.number for entry in again.versions(first.study_id)] == [1]
    assert again.load(first.study_id).estimate is not None
    assert again.publish(make_publication(ratio=20.0)).number == 2, "with space, it works"
    again.close()


def test_a_real_disk_without_space_is_said(tmp_path: Path) -> None:
    """The same on a file system of 1 MB, where one can be mounted."""
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(tmp_path)], capture_output=True, check=False)
    if mounted.returncode:
        pytest.skip("mounting a file system needs root")
    try:
        store = Store(str(tmp_path / "store.db"))
        with pytest.raises(StoreError) as caught:
            for number in range(400):
                store.publish(make_publication(f"Study {number}", sha256=f"{number:064d}"))
                with opening.writing(store.engine) as connection:  # what fills the disk: content of its own
                    content = os.urandom(60_000)
                    connection.execute(schema.blobs.insert().values(sha256=f"{number:064d}", size_bytes=60_000, content=content))
        assert caught.value.code == "store_full"
        assert all(store.load(entry.study_id, entry.number).estimate for study in store.studies() for entry in store.versions(study.study_id))
        store.close()
    finally:
        subprocess.run(["umount", str(tmp_path)], check=True)


def test_a_full_disk_of_the_server_is_said(postgres_server: postgres.Server) -> None:
    """A quota of temporary space cannot be set here, so the server's own code for a full disk is raised in the middle of a publish."""
    store = Store(postgres_server.address())
    with opening.writing(store.engine) as connection:
        connection.execute(
            text(
                "CREATE FUNCTION full_disk() RETURNS trigger LANGUAGE plpgsql AS "
                "$$ BEGIN RAISE EXCEPTION 'could not extend file: No space left on device' USING ERRCODE = 'disk_full'; END $$"
            )
        )
        connection.execute(text("CREATE TRIGGER full_disk BEFORE INSERT ON parts EXECUTE FUNCTION full_disk()"))
    with pytest.raises(StoreError) as caught:
        store.publish(make_publication())
    assert caught.value.code == "store_full"
    assert store.studies() == ()
    store.close()


def test_a_locked_file_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.2)
    store = Store(str(tmp_path / "store.db"))
    first = store.publish(make_publication())
    holder = sqlite3.connect(tmp_path / "store.db", isolation_level=None)
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StoreError) as caught:
        store.publish(make_publication(ratio=20.0))
    assert caught.value.code == "store_locked"
    assert str(tmp_path / "store.db") in caught.value.message("fr")
    assert store.load(first.study_id).estimate is not None, "reading goes on"
    holder.execute("ROLLBACK")
    holder.close()
    assert store.publish(make_publication(ratio=20.0)).number == 2
    store.close()


def test_a_locked_database_is_said(postgres_server: postgres.Server, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.2)
    address = postgres_server.address()
    store, holder = Store(address), Store(address)
    with opening.writing(holder.engine), pytest.raises(StoreError) as caught:
        store.publish(make_publication())
    assert caught.value.code == "store_locked"
    assert store.publish(make_publication()).number == 1
    store.close()
    holder.close()


def test_a_writer_waits_for_another(address: str, publication: Maker) -> None:
    """Waiting is not failing."""
    store, holder = Store(address), Store(address)
    started = threading.Event()

    def hold() -> None:
        with opening.writing(holder.engine):
            started.set()
            time.sleep(0.3)

    other = threading.Thread(target=hold)
    other.start()
    started.wait()
    assert store.publish(publication()).number == 1
    other.join()
    store.close()
    holder.close()


def test_a_server_that_was_restarted_is_connected_to_again(publication: Maker) -> None:
    with postgres.running() as server:
        store = Store(server.address())
        study = store.publish(publication()).study_id
        server.stop()
        with pytest.raises(StoreError) as caught:
            store.load(study)
        assert caught.value.code == "store_unreachable"
        server.start_again()
        assert store.load(study).estimate is not None
        store.close()


def test_a_store_that_may_only_be_read_is_said() -> None:
    """In a process of its own that is nobody in particular: root may write anything."""
    folder = Path(tempfile.mkdtemp(prefix="iceberg-read-only-"))  # not tmp_path, whose parents are the owner's alone
    try:
        Store(str(folder / "store.db")).close()
        (folder / "store.db").chmod(0o444)
        folder.chmod(0o555)
        context = multiprocessing.get_context("fork")
        told = context.Queue()
        child = context.Process(target=_publish_as_nobody, args=(str(folder / "store.db"), make_publication(), told))
        child.start()
        assert told.get(timeout=60) == "store_read_only"
        child.join(60)
    finally:
        folder.chmod(0o755)
        shutil.rmtree(folder)


def _publish_as_nobody(address: str, publication: Publication, told: Any) -> None:
    if os.getuid() == 0:
        os.setgid(NOBODY)
        os.setuid(NOBODY)
    try:
        Store(address).publish(publication)
        told.put("published")
    except StoreError as error:
        told.put(error.code)
    except Exception as error:  # whatever it is, the test says so instead of waiting
        told.put(repr(error))

