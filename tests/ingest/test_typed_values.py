"""Every odd value below the sample, and a table that lies on disk, give what the texts give."""

from __future__ import annotations

import random
from datetime import date
from pathlib import Path
from unittest.mock import patch

import pytest

from iceberg.cohort.reduce import reduce_tables
from iceberg.ingest.judging import judge
from iceberg.ingest.load import load_tables
from iceberg.ingest.rejected_rows import rejected_rows_csv

TODAY = date(2026, 6, 30)
DAYS = (
    "2024-01-01", " 2024-01-01", "2024-01-01 ", "2024-1-1", "2024/01/01", "2024-01-01T00:00:00", "2024-01-01 12:00:00", "20240101", "infinity",
    "-infinity", "epoch", "2024-02-30", "10000-01-01", "0001-01-01 (BC)", "2024-01-01+02", "24-01-01", "2024-01-01Z", "2024-13-01", "1-1-1", "NULL",
    "2024-01-01 junk", "2024-01-01x", "2024-01-01 25:00", "2024-01-01+02:00", "2024-01-01,", "2024-01-01,x",
    "", '"2024-01-01"', '""', " ", "today", "2024-01", "01-01-2024", "0001-01-01", "1900-01-01", "1970-01-01", "2027-01-01",
)  # fmt: skip
AMOUNTS = (
    "1", "1.5", " 1.5", "1.5 ", "1e5", '"1,5"', "inf", "-inf", "nan", "NaN", "1_000", "0x10", "+3", "-3", ".5", "5.", "1e400", "1e-400", "--1", "1 2",
    "", "NULL", '"1.5"', '" 1.5"', "1d", "1e15", "123456789012345678901234567890", "00012", "true", "n/a", "12 €", "-0",
)  # fmt: skip


def _both(path: Path, *, plain: bool) -> list[tuple[object, ...]]:
    """Rows, totals, rules and issues: parsed into types where that can be, then by texts."""
    seen = []
    for least in (0, 1 << 60):
        read_as_text = patch.object(judge, "_create", wraps=judge._create)
        with patch.object(judge, "ENOUGH_BYTES", least), read_as_text as as_text:
            tables, report = load_tables(path, today=TODAY)
        with tables:
            rows = tables.connection.sql("SELECT * FROM customers ORDER BY ALL").fetchall()
            rules = sorted(report.rules, key=str)
            assert not as_text.called or not plain or least, "the quick way was not taken"
            seen.append((rows, report.rows["customers"], rules, report.issues))
    return seen


@pytest.mark.parametrize("field", ["start_date", "end_date", "revenue"])
def test_every_odd_value_below_the_sample_is_read_as_its_text_would_be(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, field: str) -> None:
    """One odd value per file, after more good rows than a sample holds."""
    monkeypatch.setattr("iceberg.ingest.files.read.PREVIEW_ROWS", 30)
    usual = {"customer_id": "C{}", "start_date": "2023-05-{:02}", "end_date": "2024-09-{:02}", "segment": "home", "revenue": "12.5"}
    for number, odd in enumerate(AMOUNTS if field == "revenue" else DAYS):
        lines = [",".join(usual)]
        for row in range(60):
            cells = [one.format(row if name == "customer_id" else row % 28 + 1) for name, one in usual.items()]
            if row == 50:
                cells[list(usual).index(field)] = odd
            lines.append(",".join(cells))
        path = tmp_path / f"{field}{number}.csv"
        path.write_text("\n".join(lines) + "\n")
        typed, by_text = _both(path, plain=odd in {"2024-01-01", "1.5", ""})
        assert typed == by_text, odd


def test_a_table_on_disk_gives_the_same_counts(tmp_path: Path) -> None:
    """What is too large for memory lies in a file, which goes when the tables are closed."""
    chance = random.Random(7)  # a test's own rows
    lines = ["customer_id,start_date,end_date,segment,revenue"]
    for row in range(3000):
        end = f"2025-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}" if chance.random() < 0.3 else ""
        lines.append(f"C{row},2022-{chance.randint(1, 12):02}-{chance.randint(1, 28):02},{end},s{row % 5},{chance.randint(1, 999) / 10}")
    lines += ["C7,2022-01-01,,s1,5", ",2022-01-01,,s1,5"]  # a customer twice, one without an id
    path = tmp_path / "customers.csv"
    path.write_text("\n".join(lines) + "\n")
    digests, totals = [], []
    for large in (False, True):
        with patch("iceberg.ingest.files.sizes.is_large", return_value=large):
            tables, report = load_tables(path, today=TODAY, temp_directory=tmp_path)
        with tables:
            kept = list(tmp_path.glob("iceberg-*/*.duckdb"))
            assert bool(kept) is large
            digests.append(reduce_tables(tables).digest)
            totals.append((report.rows, report.issues, rejected_rows_csv(tables)))
    assert digests[0] == digests[1]
    assert totals[0] == totals[1]
    assert not list(tmp_path.glob("iceberg-*"))
