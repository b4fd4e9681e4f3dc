"""What a person types with ``--engine spark``: every command works on tables that stay there, or is refused in a sentence."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import pytest

from iceberg.cli.main import main
from iceberg.errors import IcebergError
from iceberg.ingest.load import load_tables
from iceberg.ingest.spark.load import load_spark_tables
from iceberg.store.studies import Store
from tests.spark.conftest import ROOT, TODAY, account

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(session: Any, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Run:
    """Runs a command in an empty folder; what Java prints would be seen as well."""
    monkeypatch.chdir(tmp_path)
    for name in ("LC_ALL", "LC_MESSAGES", "LANG", "ICEBERG_STORE"):
        monkeypatch.delenv(name, raising=False)

    def call(*arguments: object) -> tuple[int, str, str]:
        capfd.readouterr()
        status = main([str(argument) for argument in arguments])
        printed = capfd.readouterr()
        return status, " ".join(printed.out.split()), " ".join(printed.err.split())

    return call


@pytest.fixture
def catalog(session: Any, company: Path) -> list[str]:
    for name in ("customers", "complaints"):
        session.read.parquet(str(company / f"{name}.parquet")).createOrReplaceTempView(f"crm_{name}")
    return ["--engine", "spark", "--customers", "spark:crm_customers", "--complaints", "spark:crm_complaints"]


def test_estimate_gives_the_document_of_the_files_and_publish_is_a_monthly_refresh(run: Run, catalog: list[str], company: Path) -> None:
    """Twice the same month publishes once; the tables are named, and no digest of bytes is pretended."""
    files = ["--customers", company / "customers.parquet", "--complaints", company / "complaints.parquet"]
    assert run("estimate", *files, "--window-months", 12, "--json", "files.json", "--quiet")[0] == 0
    status, out, err = run("publish", *catalog, "--window-months", 12, "--json", "spark.json", "--quiet")
    assert (status, err) == (0, "")
    assert "version 1." in out
    assert json.loads(Path("spark.json").read_text()) == json.loads(Path("files.json").read_text())
    status, out, _ = run("publish", *catalog, "--window-months", 12, "--quiet")
    assert status == 0
    assert "Nothing new" in out
    store = Store()
    (study,) = store.studies()
    store.close()
    assert study.versions == 1
    assert [(file.table, file.name, file.sha256) for file in study.newest.sources] == [
        ("customers", "spark:crm_customers", None),
        ("complaints", "spark:crm_complaints", None),
    ]


def test_a_table_that_is_missing_is_one_line_and_nothing_is_published(run: Run, catalog: list[str]) -> None:
    status, out, err = run("publish", *catalog[:3], "spark:crm.nobody", *catalog[4:], "--quiet")
    assert (status, out) == (2, "")
    assert "nobody" in err
    assert "Nothing was written" in err
    store = Store()
    assert store.studies() == ()
    store.close()


def test_check_tells_what_each_table_is_and_names_broken_rows_without_a_line(session: Any, run: Run, catalog: list[str]) -> None:
    session.sql(
        "SELECT customer_id, date_sub(start_date, 9000) AS complaint_date, 'late' AS category FROM crm_customers LIMIT 3"
    ).createOrReplaceTempView("crm_early")
    status, out, _ = run("check", "--engine", "spark", "spark:crm_early", "spark:crm_customers")
    assert status == 0
    assert "customers: 2,000 rows read = 2,000 kept + 0 rejected" in out
    assert "complaints: 3 rows read = 0 kept + 3 rejected" in out
    assert 'crm_early, column complaint_date: "' in out
    assert "line 0" not in out


def test_compare_reads_there_too(run: Run, catalog: list[str]) -> None:
    status, out, _ = run("compare", *catalog, "--period", "2024-07:2025-06", "--period", "2025-07:2026-06", "--quiet")
    assert status == 0
    assert "per 1,000 customers at risk and month" in out


def test_folders_and_patterns_give_the_counts_of_the_one_file(session: Any, company: Path) -> None:
    """A folder of CSV beside a pattern of Parquet."""
    expected = account(load_tables(company / "customers.parquet", company / "complaints.parquet", today=TODAY))
    told: list[str] = []
    pattern = f"{company}/parquet/complaints/complaints-*.parquet"
    sources = {"customers": str(company / "csv" / "customers"), "complaints": pattern}
    assert account(load_spark_tables(sources, today=TODAY, on_file=told.append)) == expected
    assert told == ["customers", "complaints-*.parquet"]


def test_small_files_of_any_kind_stand_beside_customers_in_spark(session: Any, tmp_path: Path) -> None:
    """French CSV with accents in Windows-1252, days first, some rows that only customers can judge: the verdicts, lines and counts of DuckDB."""
    data = ROOT / "data" / "fr"
    with duckdb.connect() as connection:
        rows = (
            "SELECT \"N° client\" AS customer_id, strptime(\"Date d'entrée\", '%d/%m/%Y')::DATE AS start_date, "
            "strptime(\"Date de résiliation\", '%d/%m/%Y')::DATE AS end_date, Segment AS segment"
        )
        connection.execute(f"COPY ({rows} FROM read_csv('{data}/clients.csv', all_varchar = true)) TO '{tmp_path}/customers.parquet'")
    lines = (data / "reclamations.csv").read_text(encoding="utf-8-sig").splitlines()
    lines += ["nobody;01/02/2025;livraison", "nobody;01/02/2025;livraison", lines[1], "C012265;31/02/2025;prix"]
    (tmp_path / "reclamations.csv").write_bytes("\n".join(lines).encode("cp1252"))
    given = {"incidents": str(data / "incidents.csv"), "surveys": str(data / "enquete.csv")}
    paths = {"customers": str(tmp_path / "customers.parquet"), "complaints": str(tmp_path / "reclamations.csv")} | given
    ours, theirs = load_tables(**paths, today=TODAY), load_spark_tables(paths, today=TODAY)
    assert [(issue.rule, issue.line, issue.value) for issue in theirs[1].issues] == [
        (issue.rule, issue.line, issue.value) for issue in ours[1].issues if issue.table != "customers"
    ]
    assert {issue.rule for issue in theirs[1].issues} >= {"unknown_customer", "duplicate_complaint", "unparseable_date"}
    assert account(theirs) == account(ours)


def test_volumes_stand_beside_customers_in_spark(session: Any, company: Path) -> None:
    paths = {"customers": str(company / "customers.parquet"), "volumes": str(ROOT / "data" / "fr" / "volumes.csv")}
    assert account(load_spark_tables(paths, today=TODAY)) == account(load_tables(**paths, today=TODAY))


def _write(folder: Path, kind: str) -> str:
    """A customers table that Spark does not read, by what is wrong with it."""
    rows = {
        "flat": "tenure,complain,churn\n1,0,0\n12,1,1\n30,0,1\n",
        "separators": "customer_id;start_date\nC1;2024-01-05;\nC2;2024-02-05\n",
        "days": "customer_id,start_date\nC1,25/01/2024\nC2,13/02/2024\n",
        "encoding": "customer_id,start_date,segment\nC1,2024-01-05,été\n",
        "subscriptions": "customer_id,start_date\n" + "".join(f"C{number % 20},2024-01-{1 + number // 20:02d}\n" for number in range(40)),
    }
    path = folder / f"{kind}.csv"
    path.write_bytes(rows[kind].encode("cp1252"))
    return str(path)


@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("flat", "spark_no_flat"),
        ("separators", "spark_rows_malformed"),
        ("days", "spark_needs_types"),
        ("encoding", "spark_not_utf8"),
        ("subscriptions", "spark_repeated_customers"),
    ],
)
def test_what_spark_does_not_read_is_refused_with_the_file_and_the_way_out(session: Any, tmp_path: Path, kind: str, code: str) -> None:
    with pytest.raises(IcebergError) as caught:
        load_spark_tables({"customers": _write(tmp_path, kind)}, today=TODAY)
    assert caught.value.code == code
    for language in ("en", "fr"):
        said = caught.value.message(language)
        assert f"{kind}.csv" in said
        assert "--engine duckdb" in said
        assert "C1" not in said


def test_a_table_that_spark_does_not_take_is_not_left_out_in_silence() -> None:
    with pytest.raises(ValueError, match="subscriptions"):
        load_spark_tables({"customers": "spark:a", "subscriptions": "spark:b"})


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--engine", "spark", "--customers", "spark:a", "--subscriptions", "spark:b"], "--subscriptions"),
        (["--engine", "spark", "--customers", "spark:a", "--activity", "spark:b"], "--activity"),
        (["--customers", "spark:a"], "spark:a is for --engine spark"),
        (["--customers", "a.csv", "--spark-url", "local[*]"], "--spark-url is for --engine spark"),
        (["--engine", "spark", "--customers", "spark:a", "--spark-url", "spark://host:7077", "--memory-limit", "4GB"], "spark.executor.memory"),
        (["--engine", "spark", "--customers", "nowhere.parquet"], "nowhere.parquet"),
        (["--engine", "spark", "--customers", "s3a://nowhere/customers"], "s3a"),
    ],
)
def test_options_that_do_not_go_together_say_so(run: Run, arguments: list[str], says: str) -> None:
    for command in ("estimate", "publish"):
        status, out, err = run(command, *arguments, "--quiet")
        assert (status, out) == (2, "")
        assert says in err
        assert len(err) < 400


def test_a_mapping_that_repairs_ids_is_not_ignored_in_silence(run: Run, catalog: list[str]) -> None:
    Path("m.toml").write_text('[joining]\nid_normalisation = ["strip_zeros"]\n')
    status, _, err = run("estimate", *catalog, "--mapping", "m.toml")
    assert status == 2
    assert "id_normalisation" in err
