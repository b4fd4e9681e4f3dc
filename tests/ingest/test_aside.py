"""What is put aside while a file of customers is looked through gives the counts that the file itself gives."""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pandas as pd
import pytest

from iceberg.cohort.reduce import default_window, reduce_tables
from iceberg.cohort.window import DEFAULT_WINDOW_MONTHS, ObservationWindow
from iceberg.ingest.load import load_tables
from iceberg.ingest.rejected_rows import rejected_rows_csv
from iceberg.ingest.scan import recent_customers, single_pass
from iceberg.ingest.tables import Tables

TODAY = date(2025, 7, 1)
COLUMNS = ["customer_id", "start_date", "end_date", "segment", "revenue"]
Row = tuple[Any, ...]


@pytest.fixture(autouse=True)
def _small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Batches of seven rows: what is added up comes from many."""
    monkeypatch.setattr(single_pass, "_batch_rows", lambda _: 7)


def written(folder: Path, rows: list[Row], complaints: list[Row], *, columns: list[str] = COLUMNS) -> tuple[Path, Path]:
    frame = pd.DataFrame(rows, columns=columns)
    for name in ("start_date", "end_date"):
        frame[name] = pd.to_datetime(frame[name]).dt.date
    if any(isinstance(one, int) for one in frame["customer_id"]):
        frame["customer_id"] = frame["customer_id"].astype("Int64")
    customers, told = folder / "customers.parquet", folder / "complaints.parquet"
    frame.to_parquet(customers)
    pd.DataFrame(complaints, columns=["customer_id", "complaint_date", "category"]).to_parquet(told)
    return customers, told


def company(rows: int = 200, *, seed: int = 5) -> list[Row]:
    chance = random.Random(seed)  # a test's own rows
    found = []
    for row in range(rows):
        start = date(2019, 1, 1) + timedelta(days=chance.randrange(2300))
        end = start + timedelta(days=chance.randrange(1500)) if chance.random() < 0.6 else None
        end = end if end is None or end <= date(2025, 6, 30) else None
        found.append((f"CLIENT-{row}", start, end, f"s{row % 5}", None if row % 11 == 0 else row / 10))
    return found


def complaints_of(ids: list[Any]) -> list[Row]:
    return [(one, date(2023, 1, 5) + timedelta(days=4 * number), f"c{number % 3}") for number, one in enumerate(ids)]


def days(*texts: str) -> list[date]:
    return [date.fromisoformat(text) for text in texts]


def windows(tables: Tables) -> Iterator[ObservationWindow]:
    """The usual one, later and shorter ones, and one that begins before anything was put aside."""
    usual = default_window(tables)
    yield usual
    for since, as_of in (("2024-02-10", "2025-06-30"), ("2024-05-01", "2024-05-01"), ("2023-09-01", "2024-03-17"), ("2020-01-01", "2025-06-30")):
        yield ObservationWindow(*days(since, as_of))
    yield replace(usual, look_back_days=200)


def digests(tables: Tables) -> list[str]:
    return [reduce_tables(tables, window=window).digest for window in windows(tables)]


def test_a_few_customers_by_hand(tmp_path: Path) -> None:
    """Two years before the month of the last complaint: from 2023-06-01 on."""
    rows: list[Row] = [
        ("still here since long ago", *days("2015-03-04"), None, "a", 1.0),
        ("same day, same segment", *days("2015-03-04", "2024-01-02"), "a", 2.0),
        ("left the day before", *days("2015-03-04", "2023-05-31"), "a", 3.0),
        ("left on the first day", *days("2015-03-04", "2023-06-01"), "b", 4.0),
        ("came and left in between", *days("2024-05-06", "2024-05-06"), "b", None),
        ("end before the start", *days("2024-05-06", "2024-05-05"), "b", 6.0),
    ]
    here, odd = rows[0][0], rows[5][0]
    complaints = [(here, date(2023, 1, 7), "bill"), (odd, date(2025, 6, 20), "bill"), (here, date(2025, 6, 20), "line")]
    tables, report = load_tables(*written(tmp_path, rows, complaints), today=TODAY)
    with tables:
        assert report.rows["customers"].rejected == 1
        assert tables.recent is not None
        assert tables.recent.since == date(2023, 6, 1)
        alive = sorted(tuple(row.values()) for row in tables.recent.alive.select(["segment", "start_date", "customers"]).to_pylist())
        assert alive == [("a", date(2015, 3, 4), 2), ("b", date(2015, 3, 4), 1), ("b", date(2024, 5, 6), 1)]
        left = sorted(str(tuple(row.values())) for row in tables.recent.left.select(["segment", "start_date", "end_date", "revenue"]).to_pylist())
        assert left == sorted(str((row[3], row[1], row[2], row[4])) for row in (rows[1], rows[3], rows[4]))
        assert [count.rule for count in report.rules if count.table == "complaints"] == ["complaint_of_rejected_customer"]


@pytest.mark.parametrize("seed", range(4))
def test_counts_are_those_of_the_file(tmp_path: Path, seed: int) -> None:
    customers, complaints = written(tmp_path, company(seed=seed), complaints_of([f"CLIENT-{one}" for one in range(0, 200, 3)]))
    tables, _ = load_tables(customers, complaints, today=TODAY)
    with tables:
        assert tables.recent is not None
        assert tables.recent.since > date(2020, 1, 1)  # so that one of the windows begins before it
        found = digests(tables)
        assert digests(replace(tables, recent=None)) == found
    frame = pd.read_parquet(customers)
    by_hand, _ = load_tables(frame, pd.read_parquet(complaints), today=TODAY)
    with by_hand:
        assert by_hand.recent is None
        assert digests(by_hand) == found


@pytest.mark.parametrize(
    "case",
    [
        "no segment",
        "blanks around a segment",
        "many segments",
        "too many segments",
        "segments and ids are numbers",
        "ids are numbers, named as texts",
        "ids are numbers, one is missing",
        "no revenue",
        "odd rows",
        "no end at all",
        "volumes",
    ],
)
def test_every_shape_of_file(tmp_path: Path, case: str, monkeypatch: pytest.MonkeyPatch) -> None:
    rows, columns = company(), list(COLUMNS)
    if case == "blanks around a segment":
        rows[13], rows[14], rows[15] = (*rows[13][:3], " s1 ", 3.0), (*rows[14][:3], None, 4.0), (*rows[15][:3], "", 5.0)
    if case == "many segments":
        rows = [(*row[:3], f"s{place % recent_customers._MOST_NAMES}", row[4]) for place, row in enumerate(rows)]
    if case == "too many segments":
        monkeypatch.setattr(recent_customers, "_MOST_NAMES", 4)
    ids: list[Any] = [f"CLIENT-{one}" for one in range(0, 200, 3)]
    if "ids are numbers" in case:
        rows, ids = [(place - 3, *row[1:]) for place, row in enumerate(rows)], [*range(-3, 197, 3), 999, 10**15]
    if case == "segments and ids are numbers":
        rows = [(*row[:3], place % 5 - 1, row[4]) for place, row in enumerate(rows)]
    if case == "ids are numbers, named as texts":
        ids = [*map(str, ids), "007"]  # nobody: an id is its text
    if case == "ids are numbers, one is missing":
        rows[17] = (None, *rows[17][1:])
    if case == "odd rows":
        rows[3] = (rows[3][0], date(2030, 1, 1), None, *rows[3][3:])
        rows[4] = (rows[4][0], date(2024, 1, 5), date(2024, 1, 4), *rows[4][3:])
        rows[5] = (" " + rows[5][0], *rows[5][1:])
        rows[6] = (None, *rows[6][1:])
        rows[7] = (rows[7][0], None, *rows[7][2:])
        rows[8] = (rows[8][0], date(1850, 1, 1), *rows[8][2:])
    if case == "no end at all":
        rows = [(*row[:2], None, *row[3:]) for row in rows]
    if case in {"no segment", "no revenue"}:
        place = columns.index(case.removeprefix("no "))
        rows, columns = [(*row[:place], *row[place + 1 :]) for row in rows], columns[:place] + columns[place + 1 :]
    customers, complaints = written(tmp_path, rows, complaints_of(ids), columns=columns)
    volumes = pd.DataFrame({"month": ["2024-01-01", "2025-06-01"], "category": ["a", "b"], "complaints": [3, 4]})
    told = {"volumes": volumes} if case == "volumes" else {"complaints": complaints}
    tables, report = load_tables(customers, today=TODAY, **told)
    with tables:
        assert (tables.recent is not None) == (case != "too many segments")
        [days] = tables.connection.sql("SELECT max(start_date), max(end_date) FROM customers").fetchall()
        if tables.recent is not None:
            assert tables.recent.last_day == max(filter(None, days))
        found = digests(tables), rejected_rows_csv(tables)
        assert digests(replace(tables, recent=None)) == found[0]
    in_memory = volumes if case == "volumes" else pd.read_parquet(complaints)
    by_engine, same = load_tables(pd.read_parquet(customers), today=TODAY, **{next(iter(told)): in_memory})
    with by_engine:
        assert digests(by_engine) == found[0]
    assert (same.rows, sorted((one.rule, one.rows) for one in same.rules)) == (report.rows, sorted((one.rule, one.rows) for one in report.rules))


@pytest.mark.parametrize(
    ("ids", "key"), [([*range(60)], "hash(CAST(customer_id AS BIGINT))"), ([*map(str, range(60))], "hash(customer_id)")], ids=["numbers", "texts"]
)
def test_numbers_meet_as_numbers_where_all_ids_are(tmp_path: Path, ids: list[Any], key: str) -> None:
    rows = [(place, *row[1:]) for place, row in enumerate(company())]
    tables, _ = load_tables(*written(tmp_path, rows, complaints_of(ids)), today=TODAY)
    with tables:
        assert tables.customer_key == "customer_key"
        [(kept,)] = tables.connection.sql("SELECT count(*) FROM complaints").fetchall()
        assert kept > 20  # the others lie outside a life
        assert tables.connection.sql(f"SELECT count(*) FROM complaints WHERE customer_key = {key}").fetchall() == [(kept,)]
        assert tables.connection.sql("SELECT count(*) FROM complaints JOIN customers_told USING (customer_key)").fetchall() == [(kept,)]


@pytest.mark.parametrize(
    ("asked", "since"),
    [
        (None, "2023-06-01"),
        (recent_customers.Counted(since=date(2022, 2, 3)), "2022-02-03"),
        (recent_customers.Counted(months=36), "2022-06-01"),
        (recent_customers.Counted(as_of=date(2024, 3, 31)), "2022-03-01"),
        (recent_customers.Counted(as_of=date(2026, 3, 31)), "2023-06-01"),  # whether the files reach so far is not known yet
    ],
)
def test_what_is_known_of_the_window_decides(tmp_path: Path, asked: recent_customers.Counted | None, since: str) -> None:
    files = written(tmp_path, company(), [("CLIENT-3", date(2021, 1, 5), "c"), ("CLIENT-6", date(2025, 6, 30), "c")])
    tables, _ = load_tables(*files, today=TODAY, counted=asked)
    with tables:
        assert tables.recent is not None
        assert tables.recent.since == date.fromisoformat(since)
        assert recent_customers.Counted().months == DEFAULT_WINDOW_MONTHS
        found = digests(tables)
    plain, _ = load_tables(*files, today=TODAY)
    with plain:
        assert digests(replace(plain, recent=None)) == found


def test_a_folder_of_parquet(tmp_path: Path) -> None:
    customers, complaints = written(tmp_path, company(), complaints_of([f"CLIENT-{one}" for one in range(0, 200, 3)]))
    rows, folder = pd.read_parquet(customers), tmp_path / "parts"
    folder.mkdir()
    for part in range(3):
        rows.iloc[part::3].to_parquet(folder / f"customers-{part}.parquet")
    found = []
    for source in (customers, folder):
        tables, report = load_tables(source, complaints, today=TODAY)
        with tables:
            assert tables.recent is not None
            found.append((digests(tables), report.rows))
    assert found[0] == found[1]


def test_whoever_has_too_many_reads_the_file_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = written(tmp_path, company(), complaints_of([f"CLIENT-{one}" for one in range(0, 200, 3)]))
    tables, _ = load_tables(*files, today=TODAY)
    with tables:
        found = digests(tables)
    monkeypatch.setattr(recent_customers, "_MOST_ROWS", 10)
    tables, _ = load_tables(*files, today=TODAY)
    with tables:
        assert tables.recent is None
        assert tables.customer_key == "customer_key"
        assert digests(tables) == found


def test_an_id_on_two_rows_is_counted_from_the_table(tmp_path: Path) -> None:
    """Which of the two rows stays is not known while they pass: nothing that was put aside is used, and ids meet as they are written."""
    rows = company()
    rows[17] = (rows[42][0], *rows[17][1:])
    tables, report = load_tables(*written(tmp_path, rows, complaints_of(["CLIENT-42", "CLIENT-41"])), today=TODAY)
    with tables:
        assert report.rows["customers"].rejected == 1
        assert tables.recent is None
        assert tables.customer_key == "customer_id"
        assert reduce_tables(tables).customers > 0


def test_no_id_is_put_aside(tmp_path: Path) -> None:
    """Neither whose complaint it is nor who left can be read from what is held beside the file."""
    tables, _ = load_tables(*written(tmp_path, company(), complaints_of(["CLIENT-3"])), today=TODAY)
    with tables:
        told = tables.connection.sql(f"DESCRIBE {tables.told_customers}").fetchall()
        assert [row[0] for row in told] == ["customer_key", "start_date", "end_date", "segment", "revenue"]
        assert tables.recent is not None
        assert set(tables.recent.left.column_names) | set(tables.recent.alive.column_names) == {*COLUMNS[1:], "customers"}


def test_names_are_told_apart_by_a_small_number() -> None:
    with duckdb.connect() as connection:
        for names in ([""], ["a"], [f"segment {number}" for number in range(recent_customers._MOST_NAMES)]):  # the bound itself
            divisor, places = recent_customers._tell_apart(connection, names)
            assert divisor < 1 << 15
            remainders = [connection.execute("SELECT hash(?::VARCHAR) % ?", [name, divisor]).fetchall()[0][0] for name in names]
            assert places[np.array(remainders)].tolist() == list(range(len(names)))
