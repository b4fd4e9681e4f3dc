"""Customers and complaints in a PostgreSQL: the same counts as from files, read-only, and no password anywhere."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from datetime import date
from pathlib import Path

import psycopg
import pytest

from iceberg.cli.main import main
from iceberg.cohort.reduce import reduce_tables
from iceberg.errors import FileError
from iceberg.ingest.load import load_tables
from iceberg.ingest.remote.address import is_address, parse_address
from iceberg.ingest.remote.postgres import _dsn
from iceberg.store.studies import Store
from tests import postgres

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "en"
TODAY = date(2026, 7, 1)
ADDRESS = "postgresql://analyst:s%40fe@db.example:5432/crm?sslmode=require&password=other&table=crm.customers"


@pytest.fixture(scope="module")
def database(postgres_server: postgres.Server) -> str:
    """Address of a database with the sample's tables, as a CRM would type them, in a schema of their own."""
    address = postgres_server.address().replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA crm")
        connection.execute("CREATE TABLE crm.customers (customer_id text, start_date date, end_date date, segment text, annual_revenue numeric)")
        connection.execute("CREATE TABLE complaints (customer_id text, complaint_date date, category text)")
        for table in ("crm.customers", "complaints"):
            with connection.cursor().copy(f"COPY {table} FROM STDIN (FORMAT csv, HEADER)") as copy:
                copy.write((SAMPLE / f"{table.removeprefix('crm.')}.csv").read_bytes())
    return address


def _counts(customers: object, complaints: object) -> tuple[str, object]:
    tables, report = load_tables(customers, complaints, today=TODAY)
    with tables:
        return reduce_tables(tables).digest, report.rows


def test_tables_in_a_database_give_the_counts_of_the_files(database: str) -> None:
    expected = _counts(SAMPLE / "customers.csv", SAMPLE / "complaints.csv")
    assert _counts(f"{database}&table=crm.customers", f"{database}&table=complaints") == expected
    assert _counts(f"{database}&table=crm.customers", SAMPLE / "complaints.csv") == expected


def test_the_command_line_reads_it_and_names_the_table(database: str) -> None:
    command = [sys.executable, "-m", "iceberg", "check", f"{database}&table=crm.customers"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert "crm.customers" in done.stdout


def test_a_table_that_is_not_there_and_a_server_that_is_not_there_are_named(database: str) -> None:
    for address, code in (
        (f"{database}&table=nobody", "database_table_unknown"),
        (database, "database_table_missing"),
        ("postgresql://analyst:secret@127.0.0.1:9/crm?table=customers", "database_unreachable"),
    ):
        with pytest.raises(FileError) as caught:
            load_tables(address, today=TODAY)
        assert caught.value.code == code
        assert "secret" not in caught.value.message()


def test_a_view_that_writes_is_refused_for_what_it_does(database: str, tmp_path: Path) -> None:
    """Not as a lost connection, which would be tried again every night."""
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute("CREATE TABLE visits (at timestamptz)")
        body = "BEGIN INSERT INTO visits VALUES (now()); RETURN TRUE; END"
        connection.execute(f"CREATE FUNCTION visit() RETURNS boolean LANGUAGE plpgsql AS $${body}$$")
        connection.execute("CREATE VIEW visited AS SELECT c.*, visit() AS visited FROM crm.customers c")
    with pytest.raises(FileError) as caught:
        load_tables(f"{database}&table=visited", today=TODAY, temp_directory=tmp_path)
    assert caught.value.code == "database_view_writes"
    assert list(tmp_path.iterdir()) == []


def test_the_session_cannot_write(database: str) -> None:
    """A table is a name, never a statement; and the session is read-only even if it were one."""
    with pytest.raises(FileError):
        load_tables(f"{database}&table=complaints; DROP TABLE complaints", today=TODAY)
    with psycopg.connect(database) as connection:
        assert connection.execute("SELECT count(*) FROM complaints").fetchone()[0] > 0


def masked(text: str) -> str:
    """The name of a source without the password of a database."""
    return parse_address(text).shown if is_address(text) else text


def test_a_password_is_never_shown() -> None:
    source = parse_address(ADDRESS)
    assert source.name == "crm.customers"
    assert "s%40fe" in _dsn(source)
    for shown in (masked(ADDRESS), source.published, repr(source), str(FileError("database_table_missing", {"address": source.shown}))):
        assert "s%40fe" not in shown
        assert "s@fe" not in shown
        assert "other" not in shown
    assert masked("customers.csv") == "customers.csv"


def test_a_lost_connection_names_the_table_publishes_nothing_and_a_second_run_succeeds(
    database: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """The server ends the session while it sends: rows that wait a little each make sure that it is still sending."""
    slow = "CREATE OR REPLACE VIEW slow AS SELECT c.*, pg_sleep(0.001) IS NULL AS waited FROM crm.customers c"
    with psycopg.connect(database, autocommit=True) as connection:
        connection.execute(slow)
        stop = threading.Event()

        def end_it() -> None:
            while not stop.is_set():
                found = connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'iceberg' AND query LIKE 'COPY%'"
                ).fetchall()
                if found:
                    return
                time.sleep(0.05)

        ender = threading.Thread(target=end_it)
        ender.start()
        scratch, store = tmp_path / "scratch", ["--store", str(tmp_path / "store.db")]
        scratch.mkdir()
        refresh = ["publish", "--complaints", str(SAMPLE / "complaints.csv"), "--temp-dir", str(scratch), "--quiet", *store]
        try:
            assert main([*refresh, "--customers", f"{database}&table=slow"]) == 2
        finally:
            stop.set()
            ender.join()
    said = capsys.readouterr()
    assert said.out == ""
    assert "the connection was lost while the table slow was read" in said.err
    assert list(scratch.iterdir()) == []
    assert _published(tmp_path / "store.db") == 0
    assert main([*refresh, "--customers", f"{database}&table=crm.customers"]) == 0
    assert _published(tmp_path / "store.db") == 1


def _published(address: Path) -> int:
    store = Store(str(address))
    studies = len(store.studies())
    store.close()
    return studies
