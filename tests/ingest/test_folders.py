"""Folders and patterns of files, read in place, judged as one, each row knowing its file; and what happens when one of them breaks."""

from __future__ import annotations

import resource
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path

import duckdb
import pytest

from iceberg.cohort.reduce import reduce_tables
from iceberg.errors import FileError, IcebergError, MappingError
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.load import load_tables
from iceberg.ingest.rejected_rows import rejected_rows_csv
from iceberg.store.studies import Store

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "en"
TODAY = date(2026, 7, 1)
PARTS = 3


@pytest.fixture(scope="module")
def folders(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """The sample's customers in three files of each format, and its complaints in two; one row in the third file is wrong."""
    base = tmp_path_factory.mktemp("exports")
    with duckdb.connect() as connection:
        for name, pieces in (("customers", PARTS), ("complaints", 2)):
            connection.execute(f"CREATE TABLE {name} AS SELECT *, row_number() OVER () AS n FROM read_csv('{SAMPLE / name}.csv')")
            for kind in ("parquet", "csv"):
                folder = base / kind / name
                folder.mkdir(parents=True)
                for part in range(pieces):
                    rows = f"SELECT * EXCLUDE n FROM {name} WHERE n % {pieces} = {part} ORDER BY n"
                    target = folder / f"{name}-{part}.{kind}"
                    options = "FORMAT parquet" if kind == "parquet" else "FORMAT csv, HEADER"
                    connection.execute(f"COPY ({rows}) TO '{target}' ({options})")
    (base / "parquet" / "customers" / "_SUCCESS").touch()
    return {"base": base, **{kind: base / kind for kind in ("parquet", "csv")}}


def _counts(customers: object, complaints: object, **options: object) -> tuple[str, dict[str, object]]:
    tables, report = load_tables(customers, complaints, today=TODAY, **options)
    with tables:
        return reduce_tables(tables).digest, {name: (entry.read, entry.kept) for name, entry in report.rows.items()}


def test_a_folder_and_a_pattern_give_the_counts_of_the_one_file(folders: dict[str, Path]) -> None:
    expected = _counts(SAMPLE / "customers.csv", SAMPLE / "complaints.csv")
    for kind in ("parquet", "csv"):
        folder = folders[kind]
        assert _counts(folder / "customers", folder / "complaints") == expected
        assert _counts(f"{folder}/cust*/customers-*.{kind}", f"{folder}/complaints") == expected


def test_parquet_of_many_files_is_not_copied(folders: dict[str, Path]) -> None:
    tables, report = load_tables(folders["parquet"] / "customers", folders["parquet"] / "complaints", today=TODAY)
    with tables:
        kinds = dict(tables.connection.sql("SELECT table_name, table_type FROM information_schema.tables").fetchall())
    assert kinds["read_customers"] == "VIEW"
    assert [part.file for part in report.parts if part.table == "customers"] == [f"customers-{n}.parquet" for n in range(PARTS)]
    assert sum(part.read for part in report.parts if part.table == "customers") == report.rows["customers"].read


def test_a_rejected_row_knows_its_file_and_line(folders: dict[str, Path], tmp_path: Path) -> None:
    """A last day before the first one, in the second row of the third file."""
    source = folders["parquet"] / "customers"
    with duckdb.connect() as connection:
        for part in range(PARTS):
            end = "CASE WHEN file_row_number = 1 THEN start_date - 10 ELSE end_date END" if part == 2 else "end_date"
            columns = "* REPLACE (" + end + " AS end_date)"
            connection.execute(
                f"COPY (SELECT {columns} FROM read_parquet('{source}/customers-{part}.parquet')) TO '{tmp_path}/customers-{part}.parquet'"
            )
    tables, report = load_tables(tmp_path, today=TODAY)
    with tables:
        exported = rejected_rows_csv(tables).decode("utf-8-sig").splitlines()
    [issue] = [issue for issue in report.issues if issue.rule == "end_before_start"]
    assert (issue.file, issue.line) == ("customers-2.parquet", 2)
    assert [(part.file, part.rejected) for part in report.parts] == [(f"customers-{n}.parquet", int(n == 2)) for n in range(PARTS)]
    assert "customers-2.parquet" in exported[1]
    assert report.rows["customers"].read == report.rows["customers"].kept + 1


def test_an_id_in_two_files_is_a_repeated_id(folders: dict[str, Path], tmp_path: Path) -> None:
    for part in range(PARTS):
        (tmp_path / f"customers-{part}.parquet").write_bytes((folders["parquet"] / "customers" / f"customers-{part}.parquet").read_bytes())
    (tmp_path / "customers-9.parquet").write_bytes((tmp_path / "customers-0.parquet").read_bytes())
    tables, report = load_tables(tmp_path, today=TODAY)
    tables.close()
    repeated = {count.rule: count.rows for count in report.rules}
    assert repeated["exact_duplicate"] == report.rows["customers"].read - report.rows["customers"].kept
    assert {issue.file for issue in report.issues if issue.rule == "exact_duplicate"} == {"customers-9.parquet"}


def test_a_file_with_other_columns_is_named(folders: dict[str, Path], tmp_path: Path) -> None:
    source = folders["parquet"] / "customers"
    (tmp_path / "customers-0.parquet").write_bytes((source / "customers-0.parquet").read_bytes())
    with duckdb.connect() as connection:
        renamed = f"SELECT * RENAME (start_date AS signup_date) FROM '{source}/customers-1.parquet'"
        connection.execute(f"COPY ({renamed}) TO '{tmp_path}/customers-1.parquet'")
    with pytest.raises(MappingError, match=r"customers-1\.parquet") as caught:
        load_tables(tmp_path, today=TODAY)
    assert caught.value.code == "files_differ"


@pytest.mark.parametrize("where", ["footer", "middle"])
def test_a_broken_file_in_a_folder_is_named_and_a_second_run_succeeds(folders: dict[str, Path], tmp_path: Path, where: str) -> None:
    """Cut off, and with a hole in the middle that only reading all of it finds."""
    for part in range(PARTS):
        (tmp_path / f"customers-{part}.parquet").write_bytes((folders["parquet"] / "customers" / f"customers-{part}.parquet").read_bytes())
    whole = (tmp_path / "customers-1.parquet").read_bytes()
    middle = slice(len(whole) // 20, len(whole) // 2)
    broken = whole[: len(whole) // 2] if where == "footer" else whole[: middle.start] + bytes(middle.stop - middle.start) + whole[middle.stop :]
    (tmp_path / "customers-1.parquet").write_bytes(broken)
    with pytest.raises(IcebergError, match=r"customers-1\.parquet") as caught:
        _counts(tmp_path, folders["parquet"] / "complaints")
    assert caught.value.code in {"parquet_unreadable", "file_breaks_off"}
    (tmp_path / "customers-1.parquet").write_bytes(whole)
    assert _counts(tmp_path, folders["parquet"] / "complaints") == _counts(SAMPLE / "customers.csv", SAMPLE / "complaints.csv")


def test_a_folder_without_tables_or_with_two_formats_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileError) as caught:
        load_tables(tmp_path)
    assert caught.value.code == "folder_without_tables"
    (tmp_path / "a.csv").touch()
    (tmp_path / "a.parquet").touch()
    with pytest.raises(FileError) as caught:
        load_tables(tmp_path)
    assert caught.value.code == "folder_mixes_formats"


def test_each_file_is_announced_before_it_is_read(folders: dict[str, Path]) -> None:
    seen: list[str] = []
    tables, _ = load_tables(folders["csv"] / "customers", today=TODAY, on_file=seen.append)
    tables.close()
    assert seen == [f"customers-{n}.csv" for n in range(PARTS)]


def test_little_memory_gives_the_same_counts_and_leaves_nothing_behind(tmp_path: Path) -> None:
    expected = _counts(SAMPLE / "customers.csv", SAMPLE / "complaints.csv")
    assert _counts(SAMPLE / "customers.csv", SAMPLE / "complaints.csv", memory_limit="60MB", temp_directory=tmp_path) == expected
    assert list(tmp_path.iterdir()) == []


def test_a_disk_that_is_too_small_is_known_before(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    import shutil

    monkeypatch.setattr("iceberg.ingest.files.sizes._TABLE_PER_TEXT", 1000.0)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: shutil._ntuple_diskusage(10**9, 10**9, 1000))  # type: ignore[attr-defined]
    with pytest.raises(FileError, match=str(tmp_path)) as caught:
        load_tables(SAMPLE / "customers.csv", memory_limit="60MB", temp_directory=tmp_path)
    assert caught.value.code == "disk_too_small"


def test_a_disk_that_fills_up_is_named_and_nothing_is_written_or_published(tmp_path: Path) -> None:
    """No file may exceed 200 kB, so data beyond 120 MB of memory have no place."""
    scratch, out = tmp_path / "scratch", tmp_path / "out.json"
    scratch.mkdir()
    big = tmp_path / "customers.csv"
    with duckdb.connect() as connection:
        rows = "SELECT 'C-' || md5(i::VARCHAR) AS customer_id, DATE '2020-01-01' + (i % 2000)::INT AS start_date, NULL::DATE AS end_date"
        connection.execute(f"COPY ({rows} FROM range(3000000) AS numbers(i)) TO '{big}' (HEADER)")

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, resource.RLIM_INFINITY))

    command = [sys.executable, "-m", "iceberg", "publish", "--customers", str(big), "--complaints", str(SAMPLE / "complaints.csv")]
    command += ["--store", str(tmp_path / "store.db")]
    command += ["--memory-limit", "120MB", "--temp-dir", str(scratch), "--json", str(out), "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=limit)
    assert done.returncode == 2, done.stderr
    assert str(scratch) in done.stderr
    assert "Traceback" not in done.stderr
    assert not out.exists()
    assert list(scratch.iterdir()) == []
    store = Store(str(tmp_path / "store.db"))
    assert store.studies() == ()
    store.close()


def test_a_workspace_in_a_folder_that_is_not_there_says_so(tmp_path: Path) -> None:
    with pytest.raises(FileError) as caught:
        Workspace(tmp_path / "missing").directory  # noqa: B018  # made on first use
    assert caught.value.code == "temp_folder_unusable"
