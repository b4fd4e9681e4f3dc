"""Tables in databases, object stores, Delta and Iceberg: the counts of the same table as a CSV, read-only, and no secret anywhere."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest
from deltalake import write_deltalake
from pyiceberg.catalog.sql import SqlCatalog
from pyiceberg.utils.config import Config

from iceberg.cohort.reduce import reduce_tables
from iceberg.ingest.load import load_tables
from tests import mariadb, object_server, postgres
from tests.ingest import crm_tables
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


