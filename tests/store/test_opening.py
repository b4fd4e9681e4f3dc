"""A store opens by itself, wherever it is, or says in words why not."""

import multiprocessing
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlalchemy import inspect, text

from iceberg.errors import StoreError
from iceberg.store import connection as opening
from iceberg.store import schema
from iceberg.store.connection import store_address
from iceberg.store.retention import export_everything
from iceberg.store.studies import Store
from tests.store.conftest import Maker

ROOT = Path(__file__).resolve().parents[2]


def test_a_new_store_has_the_schema_of_the_models(store: Store) -> None:
    """The migrations and `schema.py` say the same: tables, columns and what may be empty."""
    found = inspect(store.engine)
    for table in schema.metadata.tables.values():
        columns = {column["name"]: bool(column["nullable"]) for column in found.get_columns(table.name)}
        expected = {column.name: bool(column.nullable) for column in table.columns}
        assert columns == expected, table.name
    assert set(found.get_table_names()) == {*schema.metadata.tables, "alembic_version"}


def test_the_head_is_the_last_migration() -> None:
    revisions = sorted((Path(opening.__file__).with_name("migrations") / "versions").glob("*.py"))
    assert revisions[-1].name.startswith(f"{schema.HEAD}_")


def test_alembic_finds_nothing_to_change(store: Store) -> None:
    from alembic.autogenerate import compare_metadata
    from alembic.migration import MigrationContext

    with store.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), schema.metadata) == []


def test_opening_again_keeps_what_is_there(address: str, publication: Maker) -> None:
    first = Store(address)
    first.publish(publication())
    first.close()
    again = Store(address)
    assert [study.title for study in again.studies()] == ["Quarterly"]
    again.close()


def test_a_half_made_store_is_finished_by_the_next_to_open_it(address: str) -> None:
    """No table and no revision: what a process leaves that died between the two is nothing at all."""
    opened = Store(address)
    with opening.writing(opened.engine) as connection:
        for table in reversed([*schema.metadata.sorted_tables]):
            connection.execute(text(f"DROP TABLE {table.name}"))
        connection.execute(text("DROP TABLE alembic_version"))
    opened.close()
    assert Store(address).studies() == ()


def _open(address: str, start: "multiprocessing.synchronize.Barrier", told: "multiprocessing.Queue[str]") -> None:
    start.wait()
    try:
        Store(address).close()
        told.put("opened")
    except BaseException as fault:  # the test wants to read it
        told.put(repr(fault))


def test_four_processes_open_a_new_store_at_once(address: str) -> None:
    spawn = multiprocessing.get_context("fork")
    start, told = spawn.Barrier(4), spawn.Queue()
    workers = [spawn.Process(target=_open, args=(address, start, told)) for _ in range(4)]
    for worker in workers:
        worker.start()
    assert [told.get(timeout=60) for _ in workers] == ["opened"] * 4
    for worker in workers:
        worker.join()


def test_a_new_store_waits_for_who_writes_its_first_table(tmp_path: Path) -> None:
    """SQLite refuses to change the kind of its journal at once, whatever the busy timeout, while anybody has begun to write."""
    path = tmp_path / "store.db"
    writer = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    writer.execute("BEGIN IMMEDIATE")
    release = threading.Timer(0.5, writer.execute, ["ROLLBACK"])
    release.start()
    Store(str(path)).close()
    release.join()
    writer.close()


def test_a_new_store_that_stays_locked_is_said_in_words(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opening, "BUSY_SECONDS", 0.2)
    path = tmp_path / "store.db"
    writer = sqlite3.connect(path, isolation_level=None)
    writer.execute("BEGIN IMMEDIATE")
    assert code_of(str(path)) == "store_locked"
    writer.close()


def test_sqlite_keeps_a_log_waits_and_overwrites(tmp_path: Path) -> None:
    opened = Store(str(tmp_path / "store.db"))
    with opened.engine.connect() as connection:
        names = ("journal_mode", "foreign_keys", "secure_delete", "synchronous")
        told = {name: connection.execute(text(f"PRAGMA {name}")).scalar() for name in names}
        assert told == {"journal_mode": "wal", "foreign_keys": 1, "secure_delete": 1, "synchronous": 2}
        assert connection.execute(text("PRAGMA busy_timeout")).scalar() == opening.BUSY_SECONDS * 1000
    opened.close()


@pytest.mark.parametrize(
    ("given", "driver", "database"),
    [
        ("studies.db", "sqlite", "studies.db"),
        ("sqlite:////srv/studies.db", "sqlite", "/srv/studies.db"),
        ("postgresql://ana:secret@db/churn", "postgresql+psycopg", "churn"),
        ("postgres://ana@db/churn", "postgresql+psycopg", "churn"),
    ],
)
def test_an_address_is_a_path_or_a_url(given: str, driver: str, database: str) -> None:
    url = store_address(given)
    assert (url.drivername, url.database) == (driver, database)


def test_the_variable_names_the_store(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ICEBERG_STORE", "elsewhere.db")
    assert store_address().database == "elsewhere.db"
    monkeypatch.delenv("ICEBERG_STORE")
    assert store_address().database == opening.DEFAULT_FILE


def code_of(address: str) -> str:
    with pytest.raises(StoreError) as caught:
        Store(address)
    for language in ("en", "fr"):
        assert "secret" not in caught.value.message(language)
    return caught.value.code


def test_what_cannot_be_a_store_is_said_in_words(tmp_path: Path, postgres_server: object) -> None:
    folder = getattr(postgres_server, "folder")  # noqa: B009
    (tmp_path / "letter.db").write_bytes(b"Dear customer, " * 400)
    other = sqlite3.connect(tmp_path / "other.db")
    other.execute("CREATE TABLE customers (id)")
    other.close()
    assert code_of("mysql://ana:secret@db/churn") == "store_address"
    assert code_of("sqlite://") == "store_address"
    assert code_of(str(tmp_path / "nowhere" / "store.db")) == "store_no_folder"
    assert code_of(str(tmp_path)) == "store_no_folder"
    assert code_of(str(tmp_path / "letter.db")) == "store_not_a_store"
    assert code_of(str(tmp_path / "other.db")) == "store_not_empty"
    assert code_of(f"postgresql://ana:secret@/none?host={tmp_path}") == "store_unreachable"
    assert code_of(f"postgresql://tester:secret@/none?host={folder}") == "store_no_database"
    assert code_of(f"postgresql://stranger:secret@/postgres?host={folder}") == "store_no_database"


def test_a_store_of_a_newer_version_is_left_alone(address: str) -> None:
    opened = Store(address)
    with opening.writing(opened.engine) as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    opened.close()
    assert code_of(address) == "store_newer"


def test_without_its_driver_a_postgresql_store_names_the_command() -> None:
    script = (
        "import sys; sys.modules['psycopg'] = None\n"
        "from iceberg.store.studies import Store\n"
        "from iceberg.errors import StoreError\n"
        "try: Store('postgresql://db/churn')\n"
        "except StoreError as error: print(error)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert "pip install -r requirements-postgres.txt" in done.stdout


def test_opening_a_store_that_is_up_to_date_needs_no_alembic(tmp_path: Path) -> None:
    """Starting the page pays for migrations only when there are any."""
    Store(str(tmp_path / "store.db")).close()
    script = f"import sys; from iceberg.store.studies import Store; Store({str(tmp_path / 'store.db')!r}); print('alembic' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip() == "False"


def test_only_its_owner_reads_a_store_and_an_export(tmp_path: Path, publication: Maker) -> None:
    """Its counts by day hold single departures. A store that the whole machine could read is closed; one that a group shares stays shared."""
    path = tmp_path / "store.db"
    store = Store(str(path))
    store.publish(publication())
    export_everything(store, tmp_path / "studies.zip", actor="ana")
    files = ("store.db", "store.db-wal", "store.db-shm", "studies.zip")
    assert {name: (tmp_path / name).stat().st_mode & 0o777 for name in files} == dict.fromkeys(files, 0o600)
    for mode, after in ((0o644, 0o600), (0o666, 0o600), (0o660, 0o660)):
        for name in files[:3]:
            (tmp_path / name).chmod(mode)
        again = Store(str(path))
        assert [(tmp_path / name).stat().st_mode & 0o777 for name in files[:3]] == [after] * 3
        again.close()
    store.close()
