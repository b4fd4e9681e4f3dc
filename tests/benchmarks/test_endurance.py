"""Small versions of `benchmarks.endurance`: a few estimates hold nothing more, ended runs are judged rightly, the audit's table names real tests."""

import re
import sqlite3
from contextlib import closing
from pathlib import Path

from benchmarks.endurance import estimates, kills
from iceberg.store.studies import Store
from tests.companies import write_company
from tests.store.conftest import make_publication

ROOT = Path(__file__).resolve().parents[2]
AUDIT = ROOT / "benchmarks" / "audit.md"


def test_a_few_estimates_in_one_process_leave_no_thread_and_no_file_open(tmp_path: Path) -> None:
    write_company(tmp_path, lambda customer: f"K{customer:05d}")
    estimates.estimate_files(1, tmp_path)
    before = estimates.take_stock()
    for number in (2, 5, 6):
        estimates.estimate_files(number, tmp_path)
    after = estimates.take_stock()
    assert (after.threads, after.files) == (before.threads, before.files)


def test_a_whole_store_has_nothing_wrong_and_half_a_version_would_be_found(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    assert kills.check_store(path) == (0, [])
    with closing(Store(str(path))) as store:
        store.publish(make_publication())
    assert kills.check_store(path) == (1, [])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM audit")
    assert kills.check_store(path) == (1, ["the audit trail names other versions"])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("DELETE FROM parts")
    assert any("parts of no version" in one for one in kills.check_orphans(path))


def test_a_row_that_was_left_would_be_found(tmp_path: Path) -> None:
    trial = kills.Trial(tmp_path)
    assert trial.files_with_rows() == []
    (trial.temporary / "1.csv").write_text("customer_id\nKU0000007\n")
    assert trial.files_with_rows() == ["temporary/1.csv"]
    assert trial.faults()[1] == ("a row in temporary/1.csv",)


def test_every_row_of_the_audit_names_tests_and_benchmarks_that_exist() -> None:
    rows = [line for line in AUDIT.read_text(encoding="utf-8").splitlines() if line.startswith("| ") and not line.startswith("| row ")]
    found = {row.split()[1] for row in rows}
    assert found >= {"H1", "H2", "H3", "H4", "H5", "H6", "H7", "M1", "M2", "M3", "M4", "M5", "M6", "L"}
    for row in rows:
        named = re.findall(r"`([\w./]+\.(?:py|md|json))(?:::(\w+))?`", row)
        assert named, row
        for path, test in named:
            assert (ROOT / path).is_file(), path
            assert not test or f"def {test}(" in (ROOT / path).read_text(encoding="utf-8"), f"{path}::{test}"
