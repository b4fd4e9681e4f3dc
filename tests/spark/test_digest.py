"""One reduction, two engines: the same digest and the same verdicts from Spark in local mode as from DuckDB."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path
from threading import Event, Thread
from typing import Any

import duckdb
import pytest

from iceberg.errors import FileError
from iceberg.ingest.load import load_tables
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.spark.engine import SparkEngine
from iceberg.ingest.spark.load import load_spark_tables
from tests.spark.conftest import ROOT, TODAY, account

DIRTY_CUSTOMERS = """
    SELECT * FROM (VALUES
        ('C-00000001', DATE '2024-01-05', NULL, 'north', 10.5), ('C-00000001', DATE '2024-01-05', NULL, 'north', 10.5),
        ('C-00000002', DATE '2024-02-05', DATE '2025-03-01', 'south', -4), ('C-00000002', DATE '2024-03-05', NULL, 'south', 7),
        (NULL, DATE '2024-02-05', NULL, 'south', 1), ('  ', DATE '2024-02-05', NULL, ' south ', 1), ('null', DATE '2024-02-05', NULL, NULL, 1),
        ('C-00000003', NULL, NULL, 'south', 1), ('C-00000004', DATE '2025-02-05', DATE '2024-02-05', 'south', 1),
        ('C-00000005', DATE '1899-12-30', NULL, 'south', 1), ('C-00000006', DATE '2027-12-30', NULL, 'south', 1),
        ('C-00000007', DATE '2024-06-30', DATE '1970-01-01', 'south', 1), ('C-00000008', DATE '2024-06-30', DATE '2027-01-01', 'north', 3),
        (' C-00000009 ', DATE '2024-06-30', DATE '2025-08-17', 'north', 3), ('Total', NULL, NULL, NULL, 99), (NULL, NULL, NULL, NULL, NULL)
    ) AS given(customer_id, start_date, end_date, segment, revenue)"""
DIRTY_COMPLAINTS = """
    SELECT * FROM (VALUES
        ('C-00000001', DATE '2025-01-05', 'billing'), ('C-00000001', DATE '2025-01-05', 'billing'), ('C-00000001', DATE '2025-02-05', ' '),
        ('C-00000009', DATE '2025-09-05', 'billing'), ('C-00000009', DATE '2024-01-05', 'billing'), ('C-00000009', DATE '2025-03-05', 'delay'),
        ('nobody', DATE '2025-01-05', 'billing'), ('C-00000004', DATE '2025-01-05', 'delay'), (NULL, DATE '2025-01-05', 'delay'),
        ('C-00000002', DATE '2027-01-05', 'delay'), ('C-00000002', NULL, 'delay'), ('C-00000002', DATE '2025-01-05', 'delay'),
        ('C-00000002', DATE '2025-01-05', 'DELAY'), ('C-00000006', DATE '2025-01-07', 'Délay')
    ) AS given(customer_id, complaint_date, category)"""


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """A small company that breaks most rules, as Parquet."""
    folder = tmp_path_factory.mktemp("tables")
    made = {"dirty_customers": DIRTY_CUSTOMERS, "dirty_complaints": DIRTY_COMPLAINTS}
    with duckdb.connect() as connection:
        for name, rows in made.items():
            connection.execute(f"COPY ({rows}) TO '{folder / name}.parquet'")
    return {name: folder / f"{name}.parquet" for name in made}


def test_both_engines_give_the_same_counts_and_verdicts(session: Any, files: dict[str, Path]) -> None:
    """A company that breaks most rules; `test_commands` has one in order, to the last figure of the document."""
    paths = {name: str(files[f"dirty_{name}"]) for name in ("customers", "complaints")}
    expected = account(load_tables(**paths, today=TODAY))
    assert len(expected["rules"]) > 15
    assert account(load_spark_tables(paths, today=TODAY)) == expected


def test_both_engines_read_the_same_contracts(session: Any, tmp_path: Path) -> None:
    """Terms in words and numbers, renewals before and after today, and every rule about them."""
    terms = ["12", "24 mois", "1 year", "month-to-month", "", "soon", "240", "Annuel", "24"]
    ends = [f"DATE '2025-{number % 9 + 1:02}-20'" if number % 5 == 0 else "NULL" for number in range(300)]
    rows = ", ".join(
        f"('C-{number:04}', DATE '2023-{number % 12 + 1:02}-15', {end}, 'north', '{terms[number % 9]}', "
        f"DATE '20{24 + number % 3}-0{number % 9 + 1}-15')"
        for number, end in enumerate(ends)
    )
    with duckdb.connect() as connection:
        given = f"(VALUES {rows}) AS given(customer_id, start_date, end_date, segment, term, renewal_date)"
        connection.execute(f"COPY (SELECT * FROM {given}) TO '{tmp_path}/customers.parquet'")
        complaints = f"SELECT customer_id, start_date + 200 AS complaint_date, 'a' AS category FROM {given}"
        connection.execute(f"COPY ({complaints}) TO '{tmp_path}/complaints.parquet'")
    paths = {name: str(tmp_path / f"{name}.parquet") for name in ("customers", "complaints")}
    columns = {name: name for name in ("customer_id", "start_date", "end_date", "segment", "term", "renewal_date")}
    mapping = MappingSet.from_dict({"customers": {"columns": columns}})
    expected = account(load_tables(**paths, today=TODAY, mapping=mapping))
    assert {rule for table, rule in expected["rules"] if table == "customers"} >= {"unreadable_term", "implausible_term"}
    assert account(load_spark_tables(paths, today=TODAY, mapping=mapping)) == expected


def test_a_table_of_the_catalog_is_named_and_only_first_rows_come_back(session: Any, files: dict[str, Path]) -> None:
    session.read.parquet(str(files["dirty_customers"])).createOrReplaceTempView("crm_customers")
    tables, report = load_spark_tables({"customers": "spark:crm_customers"}, today=TODAY, issues_per_rule=1)
    tables.close()
    assert {issue.file for issue in report.issues} == {"crm_customers"}
    assert len(report.issues) == len({(issue.rule, issue.column) for issue in report.issues})
    with pytest.raises(FileError) as caught:
        load_spark_tables({"customers": "spark:nowhere.customers"}, today=TODAY)
    assert caught.value.code == "spark_failed_reading"
    assert "nowhere" in caught.value.message("fr")


def test_work_that_the_cluster_loses_names_the_stage_and_a_second_run_succeeds(session: Any, files: dict[str, Path]) -> None:
    """The job is cancelled while it runs, as when its executors are gone."""
    done = Event()

    def cancel() -> None:
        while not done.wait(0.5):
            session.sparkContext.cancelAllJobs()

    engine = SparkEngine(session)
    for name, rows in (("many", 300_000), ("few", 7)):
        session.range(rows).createOrReplaceTempView(name)
    canceller = Thread(target=cancel)
    canceller.start()
    with pytest.raises(FileError) as caught:
        engine.execute("SELECT count(*) FROM many AS a JOIN many AS b ON a.id + b.id > 0 AND sqrt(a.id) < b.id").fetchall()
    done.set()
    canceller.join()
    assert caught.value.code == "spark_failed_counting"
    assert engine.execute("SELECT count(*) FROM few").fetchall() == [(7,)]


def test_a_machine_without_java_and_a_cluster_that_is_not_there_are_said_at_once(tmp_path: Path) -> None:
    """In the time of a person: Spark itself would knock for minutes."""
    for program in ("bash", "dirname", "env", "ps", "sed", "uname"):
        (tmp_path / program).symlink_to(str(shutil.which(program)))
    environment = {name: value for name, value in os.environ.items() if name != "JAVA_HOME"} | {"PATH": str(tmp_path)}
    told = {"local[1]": "openjdk-17-jre-headless", "spark://127.0.0.1:9": "127.0.0.1:9", "sc://127.0.0.1:9/;token=secret": "sc://127.0.0.1:9 ("}
    for url, says in told.items():
        command = [sys.executable, "-m", "iceberg", "estimate", "--engine", "spark", "--spark-url", url, "--customers", "spark:crm.customers"]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, env=environment, timeout=60)
        assert done.returncode == 2, done.stderr
        assert says in done.stderr
        assert "secret" not in done.stderr
        assert "Traceback" not in done.stderr


def test_a_machine_without_spark_is_told_what_to_install() -> None:
    hidden = "import sys; sys.modules['pyspark'] = None; sys.modules['pyspark.sql'] = None; from iceberg.cli.main import main; sys.exit(main())"
    command = [sys.executable, "-c", hidden, "estimate", "--engine", "spark", "--customers", "spark:crm.customers"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 2, done.stderr
    assert "pip install -r requirements-spark.txt" in done.stderr
    assert "Traceback" not in done.stderr


def test_ids_in_two_cases_meet_and_departures_without_a_day_are_refused(session: Any, tmp_path: Path) -> None:
    """As from DuckDB: the same counts for ids that differ in case; customers flagged as gone are never "nobody left" but by request."""
    customers, complaints = str(tmp_path / "customers.parquet"), str(tmp_path / "complaints.parquet")
    days = "DATE '2024-01-05' + CAST(i AS INTEGER) AS start_date, CASE WHEN i % 3 = 0 THEN DATE '2025-06-01' + CAST(i AS INTEGER) END AS end_date"
    with duckdb.connect() as connection:
        rows = f"SELECT 'C' || i AS customer_id, {days}, CASE WHEN i % 3 = 0 THEN ' Résilié ' ELSE 'actif' END AS statut FROM range(60) t(i)"
        connection.execute(f"COPY ({rows}) TO '{customers}'")
        rows = "SELECT 'c' || i AS customer_id, DATE '2025-01-05' + CAST(i AS INTEGER) AS complaint_date, 'billing' AS category"
        connection.execute(f"COPY ({rows} FROM range(0, 60, 4) t(i)) TO '{complaints}'")
        connection.execute(f"COPY (SELECT * EXCLUDE (end_date) FROM '{customers}') TO '{tmp_path / 'undated.parquet'}'")
    paths = {"customers": customers, "complaints": complaints}
    expected = account(load_tables(**paths, today=TODAY))  # type: ignore[arg-type]  # only sources are in it
    assert account(load_spark_tables(paths, today=TODAY)) == expected
    with pytest.raises(FileError) as caught:
        load_spark_tables(paths | {"customers": str(tmp_path / "undated.parquet")}, today=TODAY)
    assert (caught.value.code, caught.value.values["count"]) == ("spark_undated_departures", 20)
    ignored = MappingSet.from_dict({"joining": {"undated_departures": "ignore"}})
    tables, report = load_spark_tables(paths | {"customers": str(tmp_path / "undated.parquet")}, mapping=ignored, today=TODAY)
    tables.close()
    assert dict(report.notes)["undated_ignored"]["count"] == 20
