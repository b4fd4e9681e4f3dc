"""Synthetic customers and complaints of any size, as CSV and Parquet; the same size gives the same files.

Not a company with known silent churn (`iceberg.simulation.company` makes those): only as many rows, values and days as a real
export would hold.
"""

from __future__ import annotations

from pathlib import Path

import duckdb

SEGMENTS = 12
CATEGORIES = 6
COMPLAINT_SHARE = 0.05
FIRST_DAY, LAST_DAY = "2014-01-01", "2026-06-30"
COLUMNS = {
    "customers": ("customer_id", "start_date", "end_date", "segment", "revenue"),
    "complaints": ("customer_id", "complaint_date", "category"),
}
_DAYS = 4563  # from FIRST_DAY to LAST_DAY

# Numbers of days and shares are judgement: twelve years of sign-ups, a seventh of the customers leaving each year.
_CUSTOMERS = f"""
    SELECT customer_id, start_date,
        CASE WHEN start_date + life_days <= DATE '{LAST_DAY}' THEN start_date + life_days END AS end_date,
        segment, revenue
    FROM (
        SELECT 'C' || lpad(CAST(hash(i * 7 + 1) % 90000000000 AS VARCHAR), 11, '0')
                || lpad(CAST(i AS VARCHAR), 9, '0') AS customer_id,
            DATE '{FIRST_DAY}' + CAST(hash(i * 7 + 2) % {_DAYS} AS INTEGER) AS start_date,
            CAST(-2500 * ln(1 - (hash(i * 7 + 3) % 1000003) / 1000003.0) AS INTEGER) AS life_days,
            'segment ' || chr(CAST(65 + hash(i * 7 + 4) % {SEGMENTS} AS INTEGER)) AS segment,
            round(20 + (hash(i * 7 + 5) % 100000) / 100.0, 2) AS revenue
        FROM range({{customers}}) AS numbers(i)
    )
"""

_COMPLAINTS = f"""
    SELECT customer_id, start_date + CAST(hash(customer_id || 'day') % (
            1 + date_diff('day', start_date, coalesce(end_date, DATE '{LAST_DAY}'))
        ) AS INTEGER) AS complaint_date,
        'category ' || CAST(1 + hash(customer_id || 'why') % {CATEGORIES} AS VARCHAR) AS category
    FROM made WHERE hash(customer_id || 'who') % 10000 < {int(COMPLAINT_SHARE * 10000)}
"""


def write_files(folder: Path, *, customers: int) -> dict[tuple[str, str], Path]:
    """Writes both tables in both formats unless they are there; returns paths by (table, format)."""
    folder.mkdir(parents=True, exist_ok=True)
    paths = {(table, kind): folder / f"{table}-{customers}.{kind}" for table in COLUMNS for kind in ("parquet", "csv")}
    if all(path.exists() for path in paths.values()):
        return paths
    with duckdb.connect() as connection:
        connection.execute(f"CREATE TABLE made AS {_CUSTOMERS.format(customers=customers)}")
        for (table, kind), path in paths.items():
            source = "SELECT * FROM made" if table == "customers" else _COMPLAINTS
            options = "FORMAT parquet" if kind == "parquet" else "FORMAT csv, HEADER"
            unfinished = path.with_suffix(".unfinished")
            connection.execute(f"COPY ({source}) TO '{unfinished}' ({options})")
            unfinished.rename(path)
    return paths
