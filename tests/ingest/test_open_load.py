"""A load that stays open reads a file once, and judges it as often as it is asked to as `load_tables` would."""

from __future__ import annotations

import io
from datetime import date
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from iceberg.cohort.reduce import reduce_tables
from iceberg.errors import MappingError
from iceberg.ingest.files import load as loads
from iceberg.ingest.files.load import Load
from iceberg.ingest.files.source_table import ReadOptions
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.files.table_sources import Sources
from iceberg.ingest.load import load_sources, load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.rejected_rows import rejected_rows_csv

TODAY = date(2025, 7, 1)
ROWS = [f"C{i};2023-{1 + i % 12:02};2023-01-{1 + i % 28:02};{'2024-05-06' if i % 3 == 0 else ''};s{i % 2};12,5" for i in range(120)]
CUSTOMERS = "customer_id;month;start_date;end_date;segment;revenue\n" + "\n".join([*ROWS, "C7;x;2023-01-01;;s1;1", "C900;2024;spring"]) + "\n"
COMPLAINTS = pd.DataFrame({"customer_id": ["C3", "C4", "nobody"], "complaint_date": ["2024-01-02", "2024-03-04", "2024-03-04"], "category": "bill"})


def book(frame: pd.DataFrame) -> bytes:
    written = io.BytesIO()
    frame.to_excel(written, index=False)
    return written.getvalue()


def account(tables: Any, report: Any) -> tuple[Any, ...]:
    with tables:
        return report, reduce_tables(tables).digest, rejected_rows_csv(tables)


def test_a_file_is_read_once_and_judged_again(monkeypatch: pytest.MonkeyPatch) -> None:
    files = {"customers": UploadedBytes("c.csv", CUSTOMERS.encode()), "complaints": UploadedBytes("k.xlsx", book(COMPLAINTS))}
    expected = account(*load_tables(**files, today=TODAY))
    read, reader = [], loads.read_source
    monkeypatch.setattr(loads, "read_source", lambda engine, source, *more, **named: read.append(source) or reader(engine, source, *more, **named))
    with Load.open() as load:
        shown = load.read(files["customers"], ReadOptions(settle=True))
        assert shown.reading.headers[0] == "customer_id"
        for _ in range(3):
            assert account(*load_sources(load, Sources(files), today=TODAY)) == expected
        assert read == [*files.values()]
        tables, _ = load_sources(load, Sources(files), MappingSet(), today=TODAY)
        folder = load.workspace.directory
        tables.close()
        left = {name for (name,) in load.connection.sql("SELECT table_name FROM duckdb_tables()").fetchall()}
        assert left == {load.read(files["complaints"]).from_sql}
        assert len(list(folder.glob("*.csv"))) == 1  # the text of the customers, and nothing else
    assert not folder.exists()


def test_a_question_leaves_the_load_open() -> None:
    unclear = UploadedBytes("c.csv", b"customer_id,start_date\n" + b"".join(b"C%d,0%d/0%d/2024\n" % (i, 1 + i % 9, 1 + i % 7) for i in range(40)))
    with Load.open() as load:
        with pytest.raises(MappingError) as caught:
            load_sources(load, Sources({"customers": unclear}), today=TODAY)
        assert caught.value.code == "dates_ambiguous"
        columns = {"customer_id": "customer_id", "start_date": "start_date"}
        answer = MappingSet.from_dict({"customers": {"columns": columns, "date_formats": {"start_date": "day_first"}}})
        tables, report = load_sources(load, Sources({"customers": unclear}), answer, today=TODAY)
        with tables:
            assert report.rows["customers"].kept == 40
        assert load.connection.sql("SELECT 1").fetchall() == [(1,)]


def test_sources_are_the_files_of_each_table_and_never_change(tmp_path: Path) -> None:
    for name in ("b.csv", "a.csv"):
        (tmp_path / name).write_text("x")
    upload = UploadedBytes("c.csv", b"")
    sources = Sources({"complaints": [tmp_path / "b.csv", upload], "volumes": None, "customers": tmp_path, "events": f"{tmp_path}/a*.csv"})
    files = {"complaints": (tmp_path / "b.csv", upload), "customers": (f"{tmp_path}/a.csv", f"{tmp_path}/b.csv"), "events": (f"{tmp_path}/a.csv",)}
    assert dict(sources) == files
    assert list(sources) == list(files)
    with pytest.raises(TypeError):
        sources["volumes"] = ()  # type: ignore[index]
