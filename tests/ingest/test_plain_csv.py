"""What Arrow parses must be what the texts would have given: the same rows, totals, rules and places, or nothing at all."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pytest

from iceberg.cohort.reduce import reduce_tables
from iceberg.ingest.judging import judge
from iceberg.ingest.load import load_tables
from iceberg.ingest.rejected_rows import rejected_rows_csv
from iceberg.ingest.scan import plain_csv
from iceberg.ingest.scan.id_hashes import IdFilter
from tests.ingest.test_typed_values import AMOUNTS, DAYS

TODAY = date(2026, 6, 30)
HEADER = "customer_id,start_date,end_date,segment,revenue"


@pytest.fixture(autouse=True)
def small_sample(monkeypatch: pytest.MonkeyPatch) -> None:
    """What comes late is what no sample shows."""
    monkeypatch.setattr("iceberg.ingest.files.read.PREVIEW_ROWS", 30)
    monkeypatch.setattr(plain_csv, "BLOCK_BYTES", 700)  # a few records each


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[Any]]:
    """Everything that leaves a load: parsed by Arrow where that can be, then read by the engine; and which way the customers went."""

    def load(customers: Any, complaints: Any = None, *, reduced: bool = False, **others: Any) -> list[Any]:
        seen = []
        for least in (0, 1 << 60):
            monkeypatch.setattr(judge, "ENOUGH_BYTES", least)
            tables, report = load_tables(customers, complaints, today=TODAY, **others)
            with tables:
                names = "start_date, end_date, segment, revenue"
                rows = tables.connection.sql(f"SELECT {names} FROM customers ORDER BY ALL").fetchall()
                meet = f"{tables.named_customers} AS c JOIN complaints AS k USING ({tables.customer_key})"
                told = f"SELECT DISTINCT k.customer_id, {names} FROM {meet} ORDER BY ALL" if complaints else "SELECT 1"
                about = (report.rows, sorted(report.rules, key=str), report.issues, report.notes, report.joining, report.parts)
                digest = reduce_tables(tables).digest if reduced else ""
                found = (rows, tables.connection.sql(told).fetchall(), about, digest, rejected_rows_csv(tables))
                view = tables.connection.sql("SELECT sql FROM duckdb_views() WHERE view_name = 'read_customers'").fetchall()
                seen.append((found, bool(view) and "read_parquet" in view[0][0]))
        assert not seen[1][1]
        return [seen[0][0], seen[1][0], seen[0][1]]

    return load


def company(rows: int = 80) -> list[str]:
    chance = random.Random(3)  # a test's own rows
    lines = []
    for row in range(rows):
        end = f"2025-{chance.randint(1, 12):02}-{chance.randint(1, 28):02}" if chance.random() < 0.3 else ""
        lines.append(f"CLIENT-{row},2022-{chance.randint(1, 12):02}-{chance.randint(1, 28):02},{end},s{row % 3},{chance.randint(1, 999) / 10}")
    return lines


def complaints(folder: Path, ids: list[str]) -> Path:
    path = folder / "complaints.csv"
    path.write_text("\n".join(["customer_id,complaint_date,category", *(f"{one},2025-0{1 + i % 6}-11,c{i % 2}" for i, one in enumerate(ids))]) + "\n")
    return path


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "customers.csv"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


@pytest.mark.parametrize("field", ["start_date", "end_date", "revenue"])
def test_every_odd_value_is_read_as_the_engine_or_its_text_would_be(tmp_path: Path, both: Callable[..., list[Any]], field: str) -> None:
    for odd in AMOUNTS if field == "revenue" else DAYS:
        lines = company(60)
        cells = lines[50].split(",")
        cells[HEADER.split(",").index(field)] = odd
        lines[50] = ",".join(cells)
        by_arrow, by_engine, quick = both(written(tmp_path, "\n".join([HEADER, *lines]) + "\n"))
        assert by_arrow == by_engine, odd
        assert quick or odd not in {"2024-01-01", "1.5"}, odd


_ABOUT_LINES = ("quote", "carriage", "line")
ODD_LINES = {
    "quoted cells": ('"CLIENT-900","2024-01-01","","s1","12.5"', True),
    "a separator inside quotes": ('CLIENT-900,2024-01-01,,"s1, or s2",12.5', True),
    "a doubled quote": ('CLIENT-900,2024-01-01,,"s ""1""",12.5', False),
    "a quote inside a cell": ('CLIENT-900,2024-01-01,,s"1,12.5', False),
    "text behind a quote": ('CLIENT-900,2024-01-01,,"s"1,12.5', False),
    "a blank before a quote": ('CLIENT-900,2024-01-01,, "s1",12.5', False),
    "a quote that stays open": ('CLIENT-900,2024-01-01,,"s1,12.5', False),
    "a line break inside quotes": ('CLIENT-900,2024-01-01,,"s\n1",12.5', None),
    "a carriage return inside": ("CLIENT-900,2024-01-01,,s\r1,12.5", False),
    "a carriage return at the end": ("CLIENT-900,2024-01-01,,s1,12.5\r", True),
    "no cell too few": ("CLIENT-900,2024-01-01,,s1", False),
    "a cell too many": ("CLIENT-900,2024-01-01,,s1,12.5,9", False),
    "only separators": (",,,,", False),
    "an empty line": ("", True),
    "a line of blanks": ("   ", False),
    "a blank before an id": (" CLIENT-900,2024-01-01,,s1,12.5", False),
    "a blank behind an id": ("CLIENT-900 ,2024-01-01,,s1,12.5", False),
    "no id": (",2024-01-01,,s1,12.5", False),
    "a word for no id": ("null,2024-01-01,,s1,12.5", False),
    "an id twice": ("CLIENT-3,2024-01-01,,s1,12.5", False),
    "an end before the start": ("CLIENT-900,2024-01-01,2023-01-01,s1,12.5", True),
    "a start in the future": ("CLIENT-900,2027-01-01,,s1,12.5", True),
    "a revenue below nothing": ("CLIENT-900,2024-01-01,,s1,-12.5", True),
    "blanks around a segment": ("CLIENT-900,2024-01-01,, s1 ,12.5", True),
    "a segment beyond ASCII": ("CLIENT-900,2024-01-01,,été,12.5", True),
    "no start": ("CLIENT-900,,,s1,12.5", False),
}


@pytest.mark.parametrize(
    ("name", "ends"), [(name, "\n") for name in ODD_LINES] + [(name, "\r\n") for name in ODD_LINES if any(one in name for one in _ABOUT_LINES)]
)
def test_every_odd_line_is_read_as_the_engine_would(tmp_path: Path, both: Callable[..., list[Any]], name: str, ends: str) -> None:
    odd, quick = ODD_LINES[name]
    lines = company()
    text = ends.join([HEADER, *lines[:60], odd, *lines[60:]]) + ends
    by_arrow, by_engine, taken = both(written(tmp_path, text), complaints(tmp_path, ["CLIENT-3", "CLIENT-900", "CLIENT-61", "CLIENT-3", "nobody"]))
    assert by_arrow == by_engine
    assert quick is None or taken is (quick and (ends == "\n" or name != "a carriage return at the end"))


def test_a_byte_that_is_nothing_is_not_plain(tmp_path: Path, both: Callable[..., list[Any]]) -> None:
    lines = company(900)  # the first bytes of a file are looked at before
    lines[800] = lines[800].replace(",s", ",\0")
    by_arrow, by_engine, quick = both(written(tmp_path, "\n".join([HEADER, *lines]) + "\n"))
    assert not quick
    assert by_arrow == by_engine


def test_a_file_without_a_last_line_end_and_one_with_lines_above_its_header(tmp_path: Path, both: Callable[..., list[Any]]) -> None:
    for text in ("\n".join([HEADER, *company()]), "\n".join(["Export of June", "", HEADER, *company()]) + "\n"):
        by_arrow, by_engine, quick = both(written(tmp_path, text))
        assert quick
        assert by_arrow == by_engine


@pytest.mark.parametrize("end", ["", "\n"])
def test_a_file_that_ends_inside_a_quoted_cell_has_a_broken_last_line(tmp_path: Path, both: Callable[..., list[Any]], end: str) -> None:
    """Cut off while it was written: Arrow alone would take what there is of the cell for the whole."""
    by_arrow, by_engine, quick = both(written(tmp_path, "\n".join([HEADER, *company(), 'CLIENT-900,2024-01-01,,s1,"12']) + end))
    assert not quick
    assert by_arrow == by_engine


def test_blocks_may_end_anywhere(tmp_path: Path, both: Callable[..., list[Any]], monkeypatch: pytest.MonkeyPatch) -> None:
    path, told = written(tmp_path, "\n".join([HEADER, *company(300)]) + "\n"), complaints(tmp_path, [f"CLIENT-{i}" for i in range(0, 300, 7)])
    digests = set()
    for size in (1, 37, 1000, 1 << 20):
        monkeypatch.setattr(plain_csv, "BLOCK_BYTES", size)
        by_arrow, by_engine, quick = both(path, told, reduced=True)
        assert quick
        assert by_arrow == by_engine
        digests.add(by_arrow[3])
    assert len(digests) == 1
    monkeypatch.setattr(plain_csv, "_PARSED_BYTES", 8)  # every line is longer
    assert not both(path, told)[2]


def test_ids_written_differently_are_found_without_having_kept_them(tmp_path: Path, both: Callable[..., list[Any]]) -> None:
    told = complaints(tmp_path, ["CLIENT-1", "2", "3", "4", "CLIENT-5", "CLIENT-6"])
    by_arrow, by_engine, quick = both(written(tmp_path, "\n".join([HEADER, *company()]) + "\n"), told)
    assert quick
    assert by_arrow == by_engine
    assert by_arrow[2][4].id_proposals[0].steps == ("strip_prefix:CLIENT-",)


def test_files_of_a_folder_are_read_once_too(tmp_path: Path, both: Callable[..., list[Any]]) -> None:
    """Columns in another order, another separator, rows that broke a rule in both: each is named with its own file and line."""
    folder = tmp_path / "exports"
    folder.mkdir()
    lines = company()
    (folder / "a.csv").write_text("\n".join([HEADER, *lines[:40], "CLIENT-901,2024-01-01,2023-01-01,s1,1"]) + "\n")
    turned = [";".join(reversed(line.split(","))) for line in [HEADER, *lines[40:], "CLIENT-900,2027-01-01,,s1,1"]]
    (folder / "b.csv").write_text("\n".join(turned) + "\n")
    by_arrow, by_engine, quick = both(folder, complaints(tmp_path, ["CLIENT-3", "CLIENT-77", "CLIENT-901"]), reduced=True)
    assert quick
    assert by_arrow == by_engine
    assert {(issue.file, issue.line) for issue in by_arrow[2][2] if issue.table == "customers"} == {("a.csv", 42), ("b.csv", 42)}
    (folder / "c.csv").write_text("\n".join([HEADER, lines[0]]) + "\n")  # a customer of the first file again
    by_arrow, by_engine, quick = both(folder)
    assert not quick
    assert by_arrow == by_engine


def test_an_incident_names_a_customer_too(tmp_path: Path, both: Callable[..., list[Any]]) -> None:
    incidents = tmp_path / "incidents.csv"
    incidents.write_text("customer_id,incident_date,category\n" + "".join(f"CLIENT-{i},2025-03-0{1 + i % 9},c{i % 2}\n" for i in range(0, 80, 3)))
    by_arrow, by_engine, quick = both(
        written(tmp_path, "\n".join([HEADER, *company()]) + "\n"), complaints(tmp_path, ["CLIENT-1", "CLIENT-3"]), incidents=incidents, reduced=True
    )
    assert quick
    assert by_arrow == by_engine


def test_ids_that_nobody_names_are_nowhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither in the file of what was kept, nor to be had by asking."""
    monkeypatch.setattr(judge, "ENOUGH_BYTES", 0)
    path = written(tmp_path, "\n".join([HEADER, *(line.replace("CLIENT", "SECRET", 1) for line in company())]) + "\n")
    tables, _ = load_tables(path, complaints(tmp_path, ["SECRET-7"]), today=TODAY, temp_directory=tmp_path)
    with tables:
        kept, named = sorted(tmp_path.glob("iceberg-*/*.parquet"))
        assert b"SECRET" not in kept.read_bytes()
        assert named.read_bytes().count(b"SECRET") < 5
        with pytest.raises(duckdb.Error, match="not kept"):
            tables.connection.sql("SELECT customer_id FROM customers").fetchall()
        told = tables.connection.sql(f"SELECT {tables.customer_key} = hash('SECRET-7') FROM {tables.named_customers}").fetchall()
        assert (True,) in told
        assert len(told) < 5
    assert not list(tmp_path.glob("iceberg-*"))


def test_every_named_id_passes_the_filter_and_hardly_any_other() -> None:
    chance = np.random.default_rng(5)
    hashes = chance.integers(0, 2**64, size=200_000, dtype=np.uint64)
    wanted = IdFilter(hashes[:10_000])
    passing = wanted.passing(hashes)
    assert set(range(10_000)) <= set(passing.tolist())
    assert len(passing) < 10_000 + 0.02 * 190_000
    assert len(IdFilter(hashes[:0]).passing(hashes)) == 0
