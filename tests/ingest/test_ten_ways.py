"""The same company saved ten ways by systems and colleagues gives the same counts, to the byte."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from dataclasses import replace
from datetime import date, timedelta
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from benchmarks.fuzz.books import Sheets, write_xls, write_xlsb
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.window import ObservationWindow
from iceberg.ingest.load import load_tables

NOW = date(2026, 6, 30)
WINDOW = ObservationWindow(date(2025, 1, 1), date(2026, 6, 30))
Row = tuple[str, date, date | None, str, int]
Complaint = tuple[str, date, str]


@cache
def company() -> tuple[tuple[Row, ...], tuple[Complaint, ...]]:
    """400 customers and their complaints; ids with leading zeros, accents in words."""
    rng = np.random.default_rng(11)
    customers: list[Row] = []
    complaints: list[Complaint] = []
    for number in range(400):
        start = date(2023, 1, 1) + timedelta(days=int(rng.integers(900)))
        end = min(start + timedelta(days=int(rng.integers(20, 1500))), NOW + timedelta(days=1))
        left = end if end <= NOW else None
        name = f"{number:06d}"
        customers.append((name, start, left, str(rng.choice(["Fidèle", "Étudiant", "Pro"])), int(rng.integers(10, 900))))
        if rng.random() < 0.3:
            span = ((left or NOW) - start).days
            complaints.append((name, start + timedelta(days=int(rng.integers(0, span + 1))), str(rng.choice(["délai", "prix", "qualité"]))))
    return tuple(customers), tuple(complaints)


def as_text(headers: list[str], rows: list[list[object]], *, separator: str = ",", dates: str = "%Y-%m-%d", end: str = "\n") -> str:
    """Delimited text."""
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, delimiter=separator, lineterminator=end)
    writer.writerow(headers)
    for row in rows:
        writer.writerow([cell.strftime(dates) if isinstance(cell, date) else "" if cell is None else cell for cell in row])
    return buffer.getvalue()


PLAIN = ["customer_id", "start_date", "end_date", "segment", "revenue"], ["customer_id", "complaint_date", "category"]
FRENCH = ["N° client", "Date d'entrée", "Date de résiliation", "Segment", "CA annuel"], ["Code client", "Date de réclamation", "Motif"]
Tables = tuple[list[list[object]], list[list[object]]]


def _texts(headers: tuple[list[str], list[str]], encoding: str, **how: str) -> Callable[[Tables, Path], tuple[Path, Path]]:
    def write(tables: Tables, folder: Path) -> tuple[Path, Path]:
        paths = folder / "customers.csv", folder / "complaints.csv"
        for path, names, rows in zip(paths, headers, tables, strict=True):
            path.write_bytes(as_text(names, rows, **how).encode(encoding))
        return paths

    return write


def _books(headers: tuple[list[str], list[str]], *, text_dates: str = "") -> Callable[[Tables, Path], tuple[Path, Path]]:
    def write(tables: Tables, folder: Path) -> tuple[Path, Path]:
        paths = folder / "customers.xlsx", folder / "complaints.xlsx"
        for path, names, rows in zip(paths, headers, tables, strict=True):
            cells = [[cell.strftime(text_dates) if text_dates and isinstance(cell, date) else cell for cell in row] for row in rows]
            with pd.ExcelWriter(path) as book:
                pd.DataFrame([["id", "the customer"]], columns=["column", "meaning"]).to_excel(book, sheet_name="Notice", index=False)
                pd.DataFrame(cells, columns=names).to_excel(book, sheet_name="Données", index=False)
        return paths

    return write


def _old_books(write: Callable[[Sheets], bytes], suffix: str) -> Callable[[Tables, Path], tuple[Path, Path]]:
    """A notice on the first sheet, days as days, ids as text."""

    def save(tables: Tables, folder: Path) -> tuple[Path, Path]:
        paths = folder / f"customers.{suffix}", folder / f"complaints.{suffix}"
        for path, names, rows in zip(paths, FRENCH, tables, strict=True):
            path.write_bytes(write({"Notice": [["colonne", "sens"], ["N° client", "le client"]], "Données": [names, *rows]}))
        return paths

    return save


def _one_book(tables: Tables, folder: Path) -> tuple[Path, Path]:
    path = folder / "company.xlsx"
    with pd.ExcelWriter(path) as book:
        for title, names, rows in zip(("Clients", "Réclamations"), FRENCH, tables, strict=True):
            pd.DataFrame(rows, columns=names).to_excel(book, sheet_name=title, index=False)
    return path, path


def _stripe_and_zendesk(tables: Tables, folder: Path) -> tuple[Path, Path]:
    subscriptions = [
        [f"sub_{i}", c, f"Jane {i}", "canceled" if e else "active", segment, amount, "year", s, s, e, e]
        for i, (c, s, e, segment, amount) in enumerate(tables[0])
    ]
    headers = ["id", "Customer ID", "Customer Name", "Status", "Plan", "Amount", "Interval", "Created (UTC)", "Start (UTC)"]
    headers += ["Canceled At (UTC)", "Ended At (UTC)"]
    tickets = [[i, "Jane", 900 + i, c, "Hello", "open", k, day, day] for i, (c, day, k) in enumerate(tables[1])]
    names = ["Id", "Requester", "Requester id", "Requester external id", "Subject", "Status", "Ticket type", "Created at", "Updated at"]
    (folder / "subscriptions.csv").write_text(as_text(headers, subscriptions, dates="%Y-%m-%d %H:%M"), encoding="utf-8")
    (folder / "tickets.csv").write_text(as_text(names, tickets, dates="%Y-%m-%dT%H:%M:%SZ"), encoding="utf-8")
    return folder / "subscriptions.csv", folder / "tickets.csv"


def _salesforce(tables: Tables, folder: Path) -> tuple[Path, Path]:
    accounts = [[c, f"Acme {i}", s, e, segment, amount] for i, (c, s, e, segment, amount) in enumerate(tables[0])]
    cases = [[f"{i:08d}", c, f"Acme {i}", k, "Web", "Closed", day] for i, (c, day, k) in enumerate(tables[1])]
    headers = ["Account ID", "Account Name", "Created Date", "Contract End Date", "Type", "Annual Revenue"]
    names = ["Case Number", "Account ID", "Account Name", "Case Reason", "Case Origin", "Status", "Date/Time Opened"]
    (folder / "report1.csv").write_text(as_text(headers, accounts, dates="%m/%d/%Y"), encoding="utf-8")
    (folder / "report2.csv").write_text(as_text(names, cases, dates="%m/%d/%Y %I:%M %p"), encoding="utf-8")
    return folder / "report1.csv", folder / "report2.csv"


def _shuffled(tables: Tables, folder: Path) -> tuple[Path, Path]:
    rng = np.random.default_rng(5)
    paths = folder / "a.csv", folder / "b.csv"
    for path, names, rows in zip(paths, PLAIN, tables, strict=True):
        columns = rng.permutation(len(names)).tolist()
        mixed = [[rows[i][c] for c in columns] for i in rng.permutation(len(rows)).tolist()]
        path.write_text(as_text([names[c] for c in columns], mixed), encoding="utf-8")
    return paths


def _several_files(tables: Tables, folder: Path) -> tuple[list[Path], str]:
    """Customers in two files with their columns in other orders, complaints by a pattern."""
    half, names = len(tables[0]) // 2, PLAIN[0]
    (folder / "customers-2025.csv").write_text(as_text(names, tables[0][:half]), encoding="utf-8")
    (folder / "customers-2026.csv").write_text(as_text(names[::-1], [row[::-1] for row in tables[0][half:]], separator=";"), encoding="utf-8")
    for number, rows in enumerate((tables[1][:20], tables[1][20:])):
        (folder / f"complaints-{number}.csv").write_text(as_text(PLAIN[1], rows), encoding="utf-8")
    return [folder / "customers-2025.csv", folder / "customers-2026.csv"], f"{folder}/complaints-*.csv"


WAYS = {
    "clean": _texts(PLAIN, "utf-8"),
    "French Excel as CSV": _texts(FRENCH, "cp1252", separator=";", dates="%d/%m/%Y", end="\r\n"),
    "with a byte order mark": _texts(FRENCH, "utf-8-sig", separator=";"),
    "UTF-16 with tabs": _texts(PLAIN, "utf-16", separator="\t", end="\r\n"),
    "American dates": _texts(PLAIN, "utf-8", dates="%m/%d/%Y"),
    "Excel": _books(PLAIN),
    "French Excel with dates as text": _books(FRENCH, text_dates="%d/%m/%Y"),
    "one book, two sheets": _one_book,
    "Excel 97": _old_books(write_xls, "xls"),
    "binary Excel": _old_books(write_xlsb, "xlsb"),
    "Stripe and Zendesk": _stripe_and_zendesk,
    "Salesforce": _salesforce,
    "columns and rows shuffled": _shuffled,
    "several files": _several_files,
    "compact dates": _texts(PLAIN, "utf-8", separator="|", dates="%Y%m%d"),
}


def digest_of(way: str, folder: Path) -> tuple[str, dict[str, tuple[int, int]]]:
    """Digest of the counts, without what further columns of a system (the origin of a case) say beside them, and rows read and kept."""
    customers, complaints = company()
    tables = [list(row) for row in customers], [list(row) for row in complaints]
    first, second = WAYS[way](tables, folder)
    loaded, report = load_tables(first, second, today=NOW)
    with loaded:
        counts = replace(reduce_tables(loaded, window=WINDOW), journey=None, service=None)
        return counts.digest, {name: (rows.read, rows.kept) for name, rows in report.rows.items()}


@pytest.mark.parametrize("way", [way for way in WAYS if way != "clean"])
def test_the_same_company_gives_the_same_counts_however_it_was_saved(way: str, tmp_path: Path) -> None:
    """Encodings, separators, dates, books, systems, orders: one digest."""
    (tmp_path / "clean").mkdir()
    (tmp_path / "other").mkdir()
    assert digest_of(way, tmp_path / "other") == digest_of("clean", tmp_path / "clean")


def test_files_of_one_table_keep_their_names_and_lines(tmp_path: Path) -> None:
    """A bad row of the second file is shown with that file and the line in it; duplicates across files are found."""
    (tmp_path / "c-1.csv").write_text("customer_id,start_date\n1,2024-01-05\n2,2024-01-06\n")
    (tmp_path / "c-2.csv").write_text("start_date;customer_id\n2024-01-07;3\nsoon;4\n2024-01-05;1\nx;y;z\n")
    tables, report = load_tables(f"{tmp_path}/c-*.csv", today=NOW)
    tables.close()
    shown = {(issue.file, issue.line, issue.rule, issue.value) for issue in report.issues}
    assert ("c-2.csv", 3, "unparseable_date", "soon") in shown
    assert ("c-2.csv", 4, "exact_duplicate", "1 | 2024-01-05") in shown
    assert ("c-2.csv", 5, "too_many_cells", "x; …") in shown
    assert (report.rows["customers"].read, report.rows["customers"].kept) == (6, 3)
    assert [reading.file for reading in report.files] == ["c-1.csv", "c-2.csv"]


def test_a_file_with_other_columns_is_named(tmp_path: Path) -> None:
    """What it lacks would otherwise be blank in silence."""
    (tmp_path / "a.csv").write_text("customer_id,start_date,segment\n1,2024-01-05,x\n")
    (tmp_path / "b.csv").write_text("customer_id,start_date\n2,2024-01-05\n")
    with pytest.raises(Exception, match=r"b\.csv does not have the columns of a\.csv \(lacking: segment") as caught:
        load_tables([tmp_path / "a.csv", tmp_path / "b.csv"], today=NOW)
    assert caught.value.code == "files_differ"


def test_a_pattern_that_fits_no_file_says_so(tmp_path: Path) -> None:
    """With the pattern."""
    with pytest.raises(Exception, match=r"nothing-\*\.csv") as caught:
        load_tables(f"{tmp_path}/nothing-*.csv", today=NOW)
    assert caught.value.code == "no_file_fits"
