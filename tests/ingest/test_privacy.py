"""Columns that are not needed are never read into a table: a planted e-mail address is found nowhere afterwards."""

from __future__ import annotations

import json
import logging
from datetime import date
from pathlib import Path

import pandas as pd
import pytest

from iceberg.cli.main import main
from iceberg.cohort.counts_file import write_counts
from iceberg.cohort.reduce import reduce_tables
from iceberg.ingest.load import load_tables
from iceberg.ingest.rejected_rows import rejected_rows_csv

EMAIL, PHONE, TEXT = "jane.doe@planted.example", "0612345678", "I am so disappointed"
NOW = date(2026, 6, 30)


def write_files(folder: Path, kind: str) -> tuple[Path, Path]:
    """Customers and tickets with personal columns, bad rows among them."""
    customers = pd.DataFrame(
        {
            "customer_id": [f"{i:03d}" for i in range(40)],
            "full name": ["Jane Doe"] * 40,
            "start_date": ["2025-01-05"] * 38 + ["soon", ""],
            "end_date": ["2026-02-01"] * 5 + [""] * 35,
            "e-mail": [EMAIL] * 40,
            "phone": [PHONE] * 40,
        }
    )
    complaints = pd.DataFrame(
        {
            "customer_id": ["003", "004", "999", "003"],
            "complaint_date": ["2025-06-01", "2025-07-01", "2025-06-01", "bad"],
            "category": ["late", "price", "late", "late"],
            "description": [f"{TEXT}, {EMAIL}"] * 4,
        }
    )
    paths = folder / f"customers.{kind}", folder / f"tickets.{kind}"
    for path, frame in zip(paths, (customers, complaints), strict=True):
        if kind == "csv":
            path.write_bytes(frame.to_csv(index=False, sep=";").replace("late", "délai").encode("cp1252"))
        elif kind == "xlsx":
            frame.to_excel(path, index=False)
        else:
            frame.to_parquet(path)
    return paths


def holds_planted(data: bytes) -> bool:
    """Whether anything personal is in there, in any of the encodings files are written in."""
    return any(word.encode(encoding) in data for word in (EMAIL, PHONE, TEXT) for encoding in ("utf-8", "utf-16-le"))


@pytest.mark.parametrize("kind", ["csv", "xlsx", "parquet"])
def test_a_planted_address_reaches_no_table_report_log_or_file(kind: str, tmp_path: Path, monkeypatch, caplog) -> None:
    """Judged tables, report, rejected rows, counts, logs, temporary files after closing; and the columns are listed as dropped."""
    (tmp_path / "temporary").mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "temporary"))
    caplog.set_level(logging.DEBUG)
    customers, tickets = write_files(tmp_path, kind)
    tables, report = load_tables(customers, tickets, today=NOW)
    with tables:
        names = [f"read_{table}" for table in ("customers", "complaints")] + ["customers", "complaints"]
        rows = [tables.connection.sql(f"SELECT * FROM {name}").fetchall() for name in names]
        rejected = rejected_rows_csv(tables)
        counts = reduce_tables(tables)
    left = [path.read_bytes() for path in (tmp_path / "temporary").rglob("*") if path.is_file()]
    assert {"full name", "e-mail", "phone"} <= set(report.files[0].dropped)
    assert "description" in report.files[1].dropped
    assert len(report.issues) >= 4
    for seen in (repr(rows), repr(report), rejected.decode(), caplog.text, repr(counts.digest)):
        assert not holds_planted(seen.encode())
    assert not any(map(holds_planted, [*left, write_counts(counts)]))


def test_a_planted_address_is_not_printed_by_the_command_line(tmp_path: Path, monkeypatch, capsys) -> None:
    """``check`` and ``estimate --json``: neither what is printed nor what is written holds it."""
    monkeypatch.chdir(tmp_path)
    customers, tickets = write_files(tmp_path, "csv")
    assert main(["check", str(customers), str(tickets)]) == 0
    status = main(["estimate", "--customers", str(customers), "--complaints", str(tickets), "--json", "out.json"])
    printed = capsys.readouterr()
    assert status == 0, printed.err
    assert not holds_planted((printed.out + printed.err).encode())
    assert "e-mail" in printed.out  # the name of the column, as dropped
    assert json.loads(Path("out.json").read_text())["rows"]["customers"]["rejected"] == 2
    assert not holds_planted(Path("out.json").read_bytes())
