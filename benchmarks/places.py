"""How fast a table comes from each place to a private file, and the memory that takes: SQLite, MariaDB, PostgreSQL, S3, Delta and Iceberg.

    python -m benchmarks.places [--rows 250000 1000000]

Servers, files and what is read are on one machine, so the network costs nothing. Each table is brought over in a process of its own; its peak of
resident memory is that of the process, libraries included. Writes results/places.json and
results/places.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import sqlite3
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
FETCH = """
import json, sys, time
from pathlib import Path
from iceberg.ingest.engine.workspace import Workspace
from iceberg.ingest.remote import places
import pyarrow
peak = lambda: int(Path("/proc/self/status").read_text().partition("VmHWM:")[2].split()[0]) / 1024
rest = peak()
workspace, began, used = Workspace(Path(sys.argv[2])), time.perf_counter(), time.process_time()
fetched = places.fetch_table(sys.argv[1], workspace)
print(json.dumps({"seconds": time.perf_counter() - began, "processor_seconds": time.process_time() - used,
                  "peak_mb": peak(), "rest_mb": rest, "file_mb": fetched.path.stat().st_size / 1e6}))
workspace.close()
"""


def write_rows(path: Path, rows: int) -> Path:
    """Customers as CSV and Parquet: five columns, as many ids as rows."""
    import duckdb

    made = (
        f"SELECT 'C' || lpad(i::VARCHAR, 9, '0') AS customer_id, DATE '2019-01-01' + (i * 7919 % 2500)::INTEGER AS start_date, "
        f"CASE WHEN i % 3 = 0 THEN DATE '2026-01-01' + (i % 120)::INTEGER END AS end_date, "
        f"['Family', 'Business', 'Senior', 'Student'][1 + i % 4] AS segment, "
        f"((i * 104729 % 99999) / 100)::DECIMAL(12, 2) AS revenue FROM range({rows}) r(i)"
    )
    duckdb.sql(f"COPY ({made}) TO '{path}.csv' (HEADER)")
    duckdb.sql(f"COPY ({made}) TO '{path}.parquet' (ROW_GROUP_SIZE 200000)")
    return path


def parquet_batches(path: Path) -> Iterator[Any]:
    """The rows in batches."""
    import pyarrow.parquet as pq

    yield from pq.ParquetFile(f"{path}.parquet").iter_batches(200_000)


def fill_sqlite(path: Path, folder: Path) -> str:
    """A database in a file."""
    with sqlite3.connect(folder / "crm.db") as connection:
        connection.execute("CREATE TABLE customers (customer_id TEXT, start_date TEXT, end_date TEXT, segment TEXT, revenue NUMERIC)")
        for batch in parquet_batches(path):
            columns = [batch.column(i).cast("string").to_pylist() for i in range(5)]
            connection.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, ?)", zip(*columns, strict=True))
    connection.close()
    return f"sqlite:///{folder}/crm.db?table=customers"


def fill_servers(path: Path, stack: ExitStack) -> dict[str, str]:
    """A MariaDB, a PostgreSQL and an S3 with the rows."""
    import psycopg

    from tests import mariadb, object_server, postgres

    maria, server, store = (stack.enter_context(module.running()) for module in (mariadb, postgres, object_server))
    with maria.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE crm")
        columns = "customer_id VARCHAR(12), start_date DATE, end_date DATE, segment VARCHAR(20), revenue DECIMAL(12, 2)"
        cursor.execute(f"CREATE TABLE crm.customers ({columns})")
        fields = "FIELDS TERMINATED BY ',' IGNORE 1 LINES (customer_id, start_date, @ended, segment, revenue) SET end_date = NULLIF(@ended, '')"
        cursor.execute("SET GLOBAL local_infile = 1")
        cursor.execute(f"LOAD DATA LOCAL INFILE '{path}.csv' INTO TABLE crm.customers {fields}")
        cursor.execute("CREATE USER analyst@'%' IDENTIFIED BY 'secret'")
        cursor.execute("GRANT SELECT ON crm.* TO analyst@'%'")
    address = server.address().replace("postgresql+psycopg", "postgresql")
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE TABLE customers (customer_id text, start_date date, end_date date, segment text, revenue numeric(12, 2))")
        with connection.cursor().copy("COPY customers FROM STDIN (FORMAT csv, HEADER)") as copy, Path(f"{path}.csv").open("rb") as file:
            while block := file.read(1 << 20):
                copy.write(block)
    os.environ |= {"AWS_ACCESS_KEY_ID": object_server.KEY, "AWS_SECRET_ACCESS_KEY": object_server.SECRET}
    for kind in ("csv", "parquet"):
        with Path(f"{path}.{kind}").open("rb") as file:
            store.client.upload_fileobj(file, store.bucket, f"customers.{kind}")
    return {
        "MariaDB (rows)": f"mysql://analyst:secret@127.0.0.1:{maria.port}/crm?table=customers",
        "PostgreSQL (COPY)": f"{address}&table=customers",
        "PostgreSQL (ADBC)": f"adbc+{address}&table=customers",
        "S3, CSV": store.address("customers.csv"),
        "S3, Parquet": store.address("customers.parquet"),
    }


def write_lakes(path: Path, folder: Path) -> dict[str, str]:
    """The rows as a table of Delta and one of Iceberg, in several files each."""
    import pyarrow as pa
    from deltalake import write_deltalake
    from pyiceberg.catalog.sql import SqlCatalog

    catalog = SqlCatalog("crm", uri=f"sqlite:///{folder}/catalog.db", warehouse=f"file://{folder}/warehouse")
    catalog.create_namespace("crm")
    table = None
    for batch in parquet_batches(path):
        rows = pa.Table.from_batches([batch])
        write_deltalake(folder / "delta", rows, mode="append")
        table = table or catalog.create_table("crm.customers", schema=rows.schema, location=f"file://{folder}/warehouse/customers")
        table.append(rows)
    return {"Delta": f"delta://{folder}/delta", "Iceberg": f"iceberg://{folder}/warehouse/customers"}


def fetch(address: str, scratch: Path) -> dict[str, float]:
    """Bring one table over, in a process of its own."""
    done = subprocess.run([sys.executable, "-c", FETCH, address, str(scratch)], capture_output=True, text=True, check=True, cwd=HERE.parent)
    return dict(json.loads(done.stdout.splitlines()[-1]))


def measure(rows: int) -> list[dict[str, Any]]:
    """Every place, with a table of so many rows."""
    found = []
    with tempfile.TemporaryDirectory() as name, ExitStack() as stack:
        folder = Path(name)
        path = write_rows(folder / "customers", rows)
        places = {"SQLite (rows)": fill_sqlite(path, folder)} | fill_servers(path, stack) | write_lakes(path, folder)
        for place, address in places.items():
            seen = fetch(address, folder)
            rounded = {key: round(value, 2) for key, value in seen.items()}
            found.append({"place": place, "rows": rows, "rows_per_second": round(rows / seen["processor_seconds"], -3), **rounded})
            print(found[-1], flush=True)
    return found


def as_table(results: list[dict[str, Any]]) -> str:
    """The results as Markdown: a line per place, a pair of columns per size."""
    sizes = sorted({one["rows"] for one in results})
    heads = ["place", *(head for size in sizes for head in (f"{size / 1e6:g} M rows: rows per second of processor", "peak memory"))]
    lines = [f"| {' | '.join(heads)} |", f"|{' --- |' * len(heads)}"]
    for place in dict.fromkeys(one["place"] for one in results):
        cells = [place]
        for size in sizes:
            [one] = [one for one in results if (one["place"], one["rows"]) == (place, size)]
            cells += [f"{one['rows_per_second']:,.0f}", f"{one['peak_mb']:.0f} MB"]
        lines.append(f"| {' | '.join(cells)} |")
    rest = max(one["rest_mb"] for one in results)
    notes = f"Seconds of the processor are the program's, without the server's. Of the memory {rest:.0f} MB are the libraries, before the first row."
    return "\n".join(lines) + f"\n\n{notes}\n"


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--rows", type=int, nargs="+", default=[250_000, 1_000_000])
    given = parser.parse_args()
    began = time.time()
    results = [one for rows in given.rows for one in measure(rows)]
    (HERE / "results" / "places.json").write_text(json.dumps(results, indent=1) + "\n")
    (HERE / "results" / "places.md").write_text(as_table(results))
    print(f"{time.time() - began:.0f} s")
    return 0


if __name__ == "__main__":
    sys.exit(main())
