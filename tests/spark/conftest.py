"""One Spark in local mode for every test that needs one, and the tables that it reads: starting Java takes seconds."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from iceberg.cohort.reduce import reduce_tables

ROOT = Path(__file__).resolve().parents[2]
SAMPLE = ROOT / "data" / "en"
TODAY = date(2026, 7, 1)
# Small tables on two cores: compiling, many partitions and plans that adapt cost more than they save. It halves the processor time.
SETTINGS = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.sql.shuffle.partitions": "1",
    "spark.sql.codegen.wholeStage": "false",
    "spark.sql.adaptive.enabled": "false",
    "spark.driver.memory": "1g",
    "spark.driver.bindAddress": "127.0.0.1",
    "spark.driver.host": "127.0.0.1",
    "spark.driver.extraJavaOptions": "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC",
}


def account(loaded: tuple[Any, Any]) -> dict[str, Any]:
    """What two engines must agree on: the digest of the counts, the totals, every rule that spoke, the days."""
    tables, report = loaded
    with tables:
        digest = reduce_tables(tables).digest
    rules = {(count.table, count.rule): (count.rows, count.rejected) for count in report.rules}
    return {"digest": digest, "rows": report.rows, "rules": rules, "days": (report.first_complaint, report.last_day)}


@pytest.fixture(scope="session")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    from pyspark.sql import SparkSession

    builder = SparkSession.builder.master("local[2]").config("spark.sql.warehouse.dir", str(tmp_path_factory.mktemp("warehouse")))
    for name, value in SETTINGS.items():
        builder = builder.config(name, value)
    session = builder.getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    yield session
    session.stop()


@pytest.fixture(scope="session")
def company(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The first 2,000 customers of the sample with what was told about them: Parquet in one file and in three, and CSV."""
    folder = tmp_path_factory.mktemp("company")
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE customers AS SELECT * FROM read_csv('{SAMPLE}/customers.csv') LIMIT 2000")
        known = "WHERE customer_id IN (SELECT customer_id FROM customers)"
        connection.execute(f"CREATE TABLE complaints AS SELECT * FROM read_csv('{SAMPLE}/complaints.csv') {known}")
        for name in ("customers", "complaints"):
            for part in range(3):
                for kind, options in (("parquet", "FORMAT parquet"), ("csv", "FORMAT csv, HEADER")):
                    (folder / kind / name).mkdir(parents=True, exist_ok=True)
                    rows = f"SELECT * FROM {name} WHERE hash(customer_id) % 3 = {part}"
                    connection.execute(f"COPY ({rows}) TO '{folder}/{kind}/{name}/{name}-{part}.{kind}' ({options})")
            connection.execute(f"COPY {name} TO '{folder}/{name}.parquet'")
            connection.execute(f"COPY {name} TO '{folder}/{name}.csv' (HEADER)")
    return folder
