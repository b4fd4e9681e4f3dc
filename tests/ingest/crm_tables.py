"""One CRM with values of every kind, as a CSV and as the tables of each place that tables are read from."""

from __future__ import annotations

import csv
import io
import random
import sqlite3
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import psycopg
import pyarrow as pa
import pyarrow.parquet as pq

from tests import mariadb

FIRST_ID = 2**53 + 1  # a float would make two of them one
CUSTOMERS = ("customer_id", "start_date", "end_date", "segment", "annual_revenue")
COMPLAINTS = ("customer_id", "complaint_date", "category")
SEGMENTS = ("Société, « groupe »", 'a "quoted" one', "two\nlines", "ΑΒΓ", None)


def crm_rows(count: int = 1500) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """Customers and complaints. First days have a time near midnight, in UTC; some last days, segments and amounts are missing."""
    chance = random.Random(17)
    customers: list[tuple[Any, ...]] = []
    complaints: list[tuple[Any, ...]] = []
    for number in range(count):
        began = datetime(2022, 1, 1, 23, 30, tzinfo=UTC) + timedelta(days=chance.randrange(1200))
        ended = began.date() + timedelta(days=chance.randrange(30, 900)) if chance.random() < 0.4 else None
        ended = None if ended is not None and ended > date(2026, 6, 1) else ended
        amount = None if number % 50 == 0 else Decimal(chance.randrange(1, 9_999_999)) / 100
        customers.append((FIRST_ID + number, began, ended, SEGMENTS[number % len(SEGMENTS)], amount))
        if chance.random() < 0.3:
            asked = began.date() + timedelta(days=chance.randrange(5, 25))
            complaints.append((FIRST_ID + number, asked, chance.choice(("Facturation", "Délai d’attente", "qualité"))))
    return customers, complaints


def csv_text(names: Sequence[str], rows: Sequence[Sequence[Any]]) -> bytes:
    """The rows as an export writes them."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(names)
    writer.writerows([["" if cell is None else cell for cell in row] for row in rows])
    return out.getvalue().encode()


def arrow_tables() -> tuple[pa.Table, pa.Table]:
    """The rows in the types of a lake."""
    customers, complaints = crm_rows()
    kinds = (pa.int64(), pa.timestamp("us", "UTC"), pa.date32(), pa.string(), pa.decimal128(12, 2))
    first = pa.table({name: pa.array([row[i] for row in customers], kinds[i]) for i, name in enumerate(CUSTOMERS)})
    kinds = (pa.int64(), pa.date32(), pa.string())
    return first, pa.table({name: pa.array([row[i] for row in complaints], kinds[i]) for i, name in enumerate(COMPLAINTS)})


def parquet_bytes(table: pa.Table) -> bytes:
    """A table as a Parquet file."""
    out = pa.BufferOutputStream()
    pq.write_table(table, out)
    return bytes(out.getvalue().to_pybytes())


def fill_sqlite(path: Path) -> None:
    """SQLite has neither dates nor decimals: text and numbers as programs put them there."""
    customers, complaints = crm_rows()
    with sqlite3.connect(path) as connection:
        connection.execute("CREATE TABLE customers (customer_id INTEGER, start_date TEXT, end_date TEXT, segment TEXT, annual_revenue NUMERIC)")
        connection.execute("CREATE TABLE complaints (customer_id INTEGER, complaint_date TEXT, category TEXT)")
        rows = [(number, str(began), end and str(end), segment, amount and float(amount)) for number, began, end, segment, amount in customers]
        connection.executemany("INSERT INTO customers VALUES (?, ?, ?, ?, ?)", rows)
        connection.executemany("INSERT INTO complaints VALUES (?, ?, ?)", [(number, str(day), category) for number, day, category in complaints])
    connection.close()


def fill_mariadb(server: mariadb.Server) -> None:
    """The tables in a database called crm, and two users: one may read them, one may read nothing."""
    customers, complaints = crm_rows()
    with server.connect() as connection, connection.cursor() as cursor:
        cursor.execute("CREATE DATABASE crm CHARACTER SET utf8mb4")
        columns = "customer_id BIGINT UNSIGNED, start_date DATETIME, end_date DATE, segment VARCHAR(40), annual_revenue DECIMAL(12, 2)"
        cursor.execute(f"CREATE TABLE crm.customers ({columns})")
        cursor.execute("CREATE TABLE crm.complaints (customer_id BIGINT UNSIGNED, complaint_date DATE, category VARCHAR(40))")
        rows = [(number, began.replace(tzinfo=None), *others) for number, began, *others in customers]
        cursor.executemany("INSERT INTO crm.customers VALUES (%s, %s, %s, %s, %s)", rows)
        cursor.executemany("INSERT INTO crm.complaints VALUES (%s, %s, %s)", complaints)
        cursor.execute("CREATE USER analyst@'%' IDENTIFIED BY 's3cr3t/pass'")
        cursor.execute("CREATE USER stranger@'%' IDENTIFIED BY 's3cr3t/pass'")
        cursor.execute("GRANT SELECT, INSERT, EXECUTE ON crm.* TO analyst@'%'")  # it could write, if the session let it
        cursor.execute("CREATE TABLE crm.other (customer_id INT)")
        cursor.execute("GRANT SELECT ON crm.other TO stranger@'%'")


def fill_postgres(address: str) -> None:
    """The tables in the schema crm."""
    customers, complaints = crm_rows()
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute("CREATE SCHEMA crm")
        columns = "customer_id bigint, start_date timestamptz, end_date date, segment text, annual_revenue numeric(12, 2)"
        connection.execute(f"CREATE TABLE crm.customers ({columns})")
        connection.execute("CREATE TABLE crm.complaints (customer_id bigint, complaint_date date, category text)")
        for table, names, rows in (("customers", CUSTOMERS, customers), ("complaints", COMPLAINTS, complaints)):
            with connection.cursor().copy(f"COPY crm.{table} ({', '.join(names)}) FROM STDIN") as copy:
                for row in rows:
                    copy.write_row(row)
