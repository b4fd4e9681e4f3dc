"""Tables in databases, object stores, Delta and Iceberg: the counts of the same table as a CSV, read-only, and no secret anywhere."""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace

import psycopg
import pyarrow as pa
import pytest
from deltalake import write_deltalake
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.utils.config import Config

from iceberg.cli.main import main
from iceberg.cohort.reduce import reduce_tables
from iceberg.errors import FileError
from iceberg.ingest.load import load_tables
from tests import mariadb, object_server, postgres
from tests.ingest import crm_tables, lakes
from tests.ingest.crm_tables import arrow_tables, csv_text, parquet_bytes

TODAY = date(2026, 7, 1)
PASSWORD = "s3cr3t%2Fpass"


@pytest.fixture(scope="module")
def maria() -> Iterator[mariadb.Server]:
    with mariadb.running() as server:
        crm_tables.fill_mariadb(server)
        yield server


@pytest.fixture(scope="module")
def postgres_address(postgres_server: postgres.Server) -> str:
    address = postgres_server.address().replace("postgresql+psycopg", "postgresql")
    crm_tables.fill_postgres(address)
    return address


@pytest.fixture(scope="module")
def store() -> Iterator[object_server.ObjectServer]:
    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    with object_server.running() as server, pytest.MonkeyPatch.context() as patched:
        patched.setenv("AWS_ACCESS_KEY_ID", object_server.KEY)
        patched.setenv("AWS_SECRET_ACCESS_KEY", object_server.SECRET)
        yield server


@pytest.fixture(scope="module")
def files(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The CSV of each table, and all that lies in files."""
    folder = tmp_path_factory.mktemp("crm")
    for name, columns, rows in zip(("customers", "complaints"), (crm_tables.CUSTOMERS, crm_tables.COMPLAINTS), crm_tables.crm_rows(), strict=True):
        (folder / f"{name}.csv").write_bytes(csv_text(columns, rows))
    crm_tables.fill_sqlite(folder / "crm.db")
    return folder


def counts(customers: object, complaints: object) -> tuple[str, object]:
    tables, report = load_tables(customers, complaints, today=TODAY)
    with tables:
        return reduce_tables(tables).digest, report.rows


@pytest.fixture(scope="module")
def expected(files: Path) -> tuple[str, object]:
    return counts(files / "customers.csv", files / "complaints.csv")


def test_databases_give_the_counts_of_a_csv(
    files: Path, maria: mariadb.Server, postgres_address: str, expected: tuple[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whole numbers beyond what a float holds, decimals, days, times in a zone, texts with quotes and line breaks, and what is missing."""
    lite, mysql = f"sqlite:///{files}/crm.db?table=", f"mysql://analyst:{PASSWORD}@127.0.0.1:{maria.port}/crm?table="
    monkeypatch.setenv("CRM_PASSWORD", "s3cr3t/pass")
    found = {
        "sqlite": counts(f"{lite}customers", f"{lite}complaints"),
        "mariadb": counts(f"{mysql}customers", f"{mysql.replace(f':{PASSWORD}', '')}complaints&password_env=CRM_PASSWORD"),
        "postgresql": counts(f"{postgres_address}&table=crm.customers", f"{postgres_address}&query=SELECT * FROM crm.complaints"),
        "adbc": counts(f"adbc+{postgres_address}&table=crm.customers", f"adbc+{postgres_address}&table=crm.complaints"),
    }
    assert found == dict.fromkeys(found, expected)


def test_object_stores_give_the_counts_of_a_csv(files: Path, store: object_server.ObjectServer, expected: tuple[str, object]) -> None:
    """One object, a folder of parts among what engines write beside them, and a pattern."""
    customers, complaints = arrow_tables()
    for name in ("customers.csv", "complaints.csv"):
        store.put(f"csv/{name}", (files / name).read_bytes())
    for part in range(3):
        rows = customers.slice(part * 500, 500)
        store.put(f"parts/year=202{part}/part-{part}.parquet", parquet_bytes(rows))
        store.put(f"tables/customers-{part}.parquet", parquet_bytes(rows))
    store.put("parts/_SUCCESS", b"")
    store.put("tables/complaints.parquet", parquet_bytes(complaints))
    found = {
        "csv": counts(store.address("csv/customers.csv"), store.address("csv/complaints.csv")),
        "folder": counts(store.address("parts/"), store.address("tables/complaints.parquet")),
        "pattern": counts(store.address("tables/customers-*.parquet"), store.address("*/complaints.parquet")),
    }
    assert found == dict.fromkeys(found, expected)


def test_delta_and_iceberg_tables_give_the_counts_of_a_csv(
    tmp_path: Path, store: object_server.ObjectServer, expected: tuple[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    customers, complaints = arrow_tables()
    keys = {"AWS_ENDPOINT_URL": store.endpoint, "AWS_REGION": "eu-west-3", "AWS_ALLOW_HTTP": "true"}
    write_deltalake(tmp_path / "customers", customers)
    write_deltalake(f"s3://{store.bucket}/lake/complaints", complaints, storage_options=keys)
    properties = {"uri": f"sqlite:///{tmp_path}/catalog.db", "warehouse": f"file://{tmp_path}/warehouse"}
    catalog = SqlCatalog("crm", **properties)
    catalog.create_namespace("sales")
    for name, rows in (("customers", customers), ("complaints", complaints)):
        table = catalog.create_table(f"sales.{name}", schema=rows.schema)
        table.append(rows.slice(0, 400))
        table.append(rows.slice(400))
    for name, value in properties.items():
        monkeypatch.setenv(f"PYICEBERG_CATALOG__CRM__{name.upper()}", value)
    monkeypatch.setenv("PYICEBERG_CATALOG__CRM__TYPE", "sql")
    monkeypatch.setattr("pyiceberg.catalog._ENV_CONFIG", Config())  # it is read once, when the library is imported
    folder = table.location().removeprefix("file://")
    found = {
        "delta": counts(f"delta://{tmp_path}/customers", store.address("lake/complaints", scheme="delta+s3")),
        "iceberg": counts("iceberg://crm?table=sales.customers", f"iceberg://{folder}"),
    }
    assert found == dict.fromkeys(found, expected)




def refusal(address: str) -> tuple[str, str]:
    """The code of the error, and its sentence in both languages, which have no secret."""
    with pytest.raises(FileError) as caught:
        load_tables(address, today=TODAY)
    said = caught.value.message("en") + caught.value.message("fr")
    assert all(secret not in said for secret in ("s3cr3t", "s3cr%33t", object_server.KEY, object_server.SECRET, "Traceback"))
    return caught.value.code, said


def test_a_database_that_refuses_is_named_in_words(maria: mariadb.Server, files: Path, postgres_address: str, tmp_path: Path) -> None:
    place = f"127.0.0.1:{maria.port}/crm"
    (tmp_path / "no.db").write_text("this is no database, but a text")
    for address, code in (
        (f"mysql://analyst:s3cr3t-wrong@{place}?table=customers", "database_login_refused"),
        (f"mariadb://analyst:{PASSWORD}@{place}?table=nobody", "database_table_unknown"),
        (f"mysql://stranger:{PASSWORD}@{place}?table=customers", "database_no_permission"),
        (f"mysql://analyst:{PASSWORD}@127.0.0.1:9/crm?table=customers", "database_unreachable"),
        (f"mysql://analyst:{PASSWORD}@{place}", "database_table_missing"),
        (f"mysql://analyst:s3cr3t/raw@{place}?table=customers", "address_unreadable"),
        (f"mysql://analyst@{place}?table=customers&password_env=NOT_SET", "address_variable_missing"),
        (f"mysql+nodriver://analyst:{PASSWORD}@{place}?table=customers", "address_unknown"),
        ("adbc+nothing://analyst:s3cr3t@db.example/crm?table=customers", "address_unknown"),
        ("adbc+snowflake://analyst:s3cr3t@account/crm?table=customers", "database_driver_missing"),
        (f"adbc+{postgres_address}&table=crm.nobody", "database_table_unknown"),
        ("adbc+postgresql://analyst:s3cr3t@127.0.0.1:9/crm?table=customers", "database_unreachable"),
        ("snowflake://analyst:s3cr3t@account/crm?table=customers", "database_driver_missing"),
        (f"sqlite:///{files}/crm.db?table=nobody", "database_table_unknown"),
        (f"sqlite:///{files}/none.db?table=customers", "file_not_found"),
        (f"sqlite:///{tmp_path}/no.db?table=customers", "database_table_unreadable"),
        ("ftp://analyst:s3cr3t@db.example/customers.csv", "address_unknown"),
    ):
        assert refusal(address)[0] == code, address
    assert not (files / "none.db").exists()
    assert "pip install snowflake-sqlalchemy" in refusal("snowflake://analyst:s3cr3t@account/crm?table=customers")[1]


def test_no_session_can_write(maria: mariadb.Server, files: Path, postgres_address: str) -> None:
    """Neither by the name of a table, nor by a query, nor by a function that a query calls with an account that could."""
    with maria.connect("crm") as connection, connection.cursor() as cursor:
        cursor.execute("CREATE TABLE visits (visitor INT)")
        cursor.execute("CREATE FUNCTION visit() RETURNS INT MODIFIES SQL DATA BEGIN INSERT INTO visits VALUES (1); RETURN 1; END")
    with psycopg.connect(postgres_address, autocommit=True) as postgres_connection:
        postgres_connection.execute("CREATE TABLE crm.visits (visitor int)")
        body = "INSERT INTO crm.visits VALUES (1); SELECT 1"
        postgres_connection.execute(f"CREATE FUNCTION crm.visit() RETURNS int LANGUAGE sql AS $${body}$$")
    mysql, lite = f"mysql://analyst:{PASSWORD}@127.0.0.1:{maria.port}/crm?", f"sqlite:///{files}/crm.db?"
    assert refusal(f"{mysql}query=SELECT visit() AS customer_id, start_date FROM customers")[0] == "database_view_writes"
    for scheme in ("", "adbc+"):
        code = refusal(f"{scheme}{postgres_address}&query=SELECT crm.visit() AS customer_id, start_date FROM crm.customers")[0]
        assert code == "database_view_writes"
    for place in (mysql, lite, f"{postgres_address}&", f"adbc+{postgres_address}&"):
        for query in ("DELETE FROM complaints", "SELECT 1; DELETE FROM complaints", "CREATE TABLE t (a int)"):
            assert refusal(f"{place}query={query}")[0] == "database_query_selects_nothing"
        assert refusal(f"{place}table=complaints; DROP TABLE complaints")[0] in {"database_table_unknown", "database_table_unreadable"}
    with maria.connect("crm") as connection, connection.cursor() as cursor:
        cursor.execute("SELECT (SELECT count(*) FROM visits), (SELECT count(*) > 300 FROM complaints)")
        assert cursor.fetchall() == ((0, 1),)
    with psycopg.connect(postgres_address) as postgres_connection:
        assert postgres_connection.execute("SELECT count(*) FROM crm.visits").fetchall() == [(0,)]


def test_a_column_that_changes_its_type_on_the_way_is_read_as_its_text(tmp_path: Path) -> None:
    """SQLite lets a column of whole numbers hold a text a hundred thousand rows later: no row is lost, and ids stay as written."""
    with sqlite3.connect(tmp_path / "odd.db") as connection:
        connection.execute("CREATE TABLE customers (customer_id, start_date, note)")
        rows = [(number if number < 60_000 else f"K-{number}", "2024-05-01", None if number < 70_000 else 2.5) for number in range(80_000)]
        connection.executemany("INSERT INTO customers VALUES (?, ?, ?)", rows)
    connection.close()
    tables, report = load_tables(f"sqlite:///{tmp_path}/odd.db?table=customers", today=TODAY)
    with tables:
        ids = {row[0] for row in tables.connection.sql("SELECT customer_id FROM customers").fetchall()}
    assert report.rows["customers"].kept == 80_000
    assert {"5", "59999", "K-60000", "K-79999"} <= ids and len(ids) == 80_000


def test_a_store_that_refuses_is_named_in_words(store: object_server.ObjectServer, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put("single/customers.csv", b"customer_id,start_date\n1,2024-01-01\n")
    away = store.address("single/customers.csv").replace(store.endpoint, "http://127.0.0.1:9")
    for address, code in (
        (store.address("single/nothing.csv"), "object_missing"),
        (store.address("nowhere/"), "object_missing"),
        (store.address("single/*.parquet"), "no_file_fits"),
        (store.address("single/customers.csv").replace(store.bucket, "nobucket"), "object_missing"),
        (f"{store.address('single/customers.csv')}&secret=s3cr3t", "object_option_unknown"),
        (away, "object_unreachable"),
        (away.replace("s3://", f"s3://{object_server.KEY}:s3cr3t@"), "object_unreachable"),
        (away.replace("s3://", "delta+s3://"), "object_unreachable"),
        (away.replace("s3://", "iceberg+s3://"), "object_unreachable"),
        (store.address("single", scheme="delta+s3"), "lake_table_missing"),
        (store.address("single", scheme="iceberg+s3"), "lake_table_missing"),
    ):
        assert refusal(address)[0] == code, address


def test_an_object_is_refused_before_it_fills_the_disk(store: object_server.ObjectServer, monkeypatch: pytest.MonkeyPatch) -> None:
    store.put("large/customers.csv", b"customer_id,start_date\n1,2024-01-01\n")
    monkeypatch.setattr("iceberg.ingest.remote.object_store.shutil.disk_usage", lambda _: SimpleNamespace(free=10))
    assert refusal(store.address("large/customers.csv"))[0] == "disk_too_small"


def test_rows_that_a_lake_deleted_are_not_read(tmp_path: Path) -> None:
    """By a deletion vector in Delta, by a file of positions in Iceberg; an older version has them. Deletes that cannot be applied are refused."""
    rows = pa.table({"customer_id": ["A", "B", "C", "D"], "start_date": pa.array([date(2024, 1, 1)] * 4), "secret": ["x"] * 4})
    write_deltalake(tmp_path / "delta", rows)
    lakes.delete_delta_rows(tmp_path / "delta", [0, 2])
    address = f"delta://{tmp_path}/delta"
    assert customers_of(address) == ["B", "D"]
    assert customers_of(f"{address}?version=0") == ["A", "B", "C", "D"]
    assert refusal(f"{address}?version=9")[0] == "lake_table_missing"
    assert refusal(f"{address}?version=last")[0] == "lake_version_unreadable"
    assert refusal(f"{address}?columns=customer_id,born")[0] == "lake_column_unknown"
    table = lakes.iceberg_table(tmp_path / "iceberg", rows)
    place = f"iceberg://{tmp_path}/iceberg/warehouse/crm/customers?columns=customer_id,start_date"
    assert customers_of(place) == ["A", "B", "C", "D"]
    lakes.delete_iceberg_rows(table, positions=[1])
    assert customers_of(place) == ["A", "C", "D"]
    lakes.delete_iceberg_rows(table, equal_to={"customer_id": "D"})
    assert refusal(place)[0] == "lake_unreadable"


def customers_of(address: str) -> list[str]:
    tables, _ = load_tables(address, today=TODAY)
    with tables:
        return [row[0] for row in tables.connection.sql("SELECT customer_id FROM customers ORDER BY 1").fetchall()]


def test_only_the_columns_that_are_named_leave_the_database(files: Path, maria: mariadb.Server) -> None:
    for place in (f"sqlite:///{files}/crm.db?", f"mysql://analyst:{PASSWORD}@127.0.0.1:{maria.port}/crm?"):
        tables, report = load_tables(f"{place}table=customers&columns=customer_id,start_date", today=TODAY)
        with tables:
            assert report.files[0].headers == ("customer_id", "start_date")


def test_the_command_line_names_the_source_without_its_account(maria: mariadb.Server, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """On the screen, in the JSON document, in the store and in a report; and the same numbers are found again."""
    place = f"mysql://analyst:{PASSWORD}@127.0.0.1:{maria.port}/crm?table="
    outputs = ["--json", str(tmp_path / "e.json"), "--report", str(tmp_path / "e.html"), "--store", str(tmp_path / "store.db")]
    assert main(["publish", "--complaints", f"{place}complaints", *outputs, "--temp-dir", str(tmp_path)]) == 0
    said = capsys.readouterr()
    written = "".join(path.read_bytes().decode("latin-1") for path in tmp_path.iterdir())
    assert "mysql://127.0.0.1/crm?table=complaints" in written
    for secret in ("s3cr3t", "analyst"):
        assert secret not in said.out + said.err + written
    assert not list(tmp_path.glob("iceberg-*"))
