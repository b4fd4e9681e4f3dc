"""Departures without a date: a column says who left and no table says when. Such customers become a sheet without dates (evidence level F)."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import duckdb

from iceberg.errors import MappingError
from iceberg.ingest.columns.flat_sheet import DAYS_PER_MONTH
from iceberg.ingest.joining.departures import accepted_sql
from iceberg.ingest.joining.options import Joining, Undated
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.schema import CANONICAL_COLUMNS

_WITHOUT_CUSTOMER = ("volumes", "incidents")  # no sheet without dates can hold what these say


def find_undated(connection: duckdb.DuckDBPyConnection, loaded: Mapping[str, JudgedTable], rules: Joining, *, as_of: date | None) -> Undated | None:
    """The departures that have no date; None where any departure has one, or none is flagged.

    Args:
        connection: Connection with the rows.
        loaded: The judged tables, joined.
        rules: Whether such customers become a sheet or count as still here.
        as_of: Day of the export; None takes the last day in the files.

    Raises:
        MappingError: ``departures_undated``, where another table cannot be placed on a sheet without dates.
    """
    customers = loaded.get("customers")
    flag = customers.fields.columns.get("churned") if customers is not None else None
    if customers is None or flag is None:
        return None
    everyone, left, flagged, last = connection.execute(
        f"SELECT count(*), count(end_date), count(*) FILTER (churned), max(start_date) FROM ({accepted_sql(customers)})"
    ).fetchall()[0]
    if left or not flagged:
        return None
    silent = flagged
    if "complaints" in loaded:
        named = f"SELECT customer_id FROM ({accepted_sql(loaded['complaints'])})"
        spoken = f"SELECT count(*) FROM ({accepted_sql(customers)}) WHERE churned AND customer_id IN ({named})"
        silent -= connection.execute(spoken).fetchall()[0][0]
        [(heard,)] = connection.execute(f"SELECT max(complaint_date) FROM ({accepted_sql(loaded['complaints'])})").fetchall()
        last = max(filter(None, (last, heard)))
    file = customers.source.reading.file
    beside = [table for table in _WITHOUT_CUSTOMER if table in loaded]
    if beside and rules.undated_departures == "sheet":
        values = {"file": file, "column": flag.header, "count": flagged, "others": loaded[beside[0]].source.reading.file}
        raise MappingError("departures_undated", values)
    end = customers.fields.columns.get("end_date")
    return Undated(file, flag.header, everyone, flagged, silent, as_of or last, rules.undated_departures == "sheet", end.header if end else "")


def make_sheet(connection: duckdb.DuckDBPyConnection, loaded: Mapping[str, JudgedTable], undated: Undated) -> None:
    """Make the table ``flat``: each customer with the months from the first day to the export, left or not, and the first complaint."""
    complaints = "SELECT NULL::VARCHAR AS customer_id, NULL::VARCHAR AS category"
    if "complaints" in loaded:
        first = f"SELECT customer_id, arg_min(category, (complaint_date, category)) AS category FROM ({accepted_sql(loaded['complaints'])})"
        complaints = f"{first} GROUP BY customer_id"
    tenure = f"greatest(datediff('day', start_date, DATE '{undated.as_of}'), 0) / {DAYS_PER_MONTH}"
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE undated_sheet AS SELECT customer_id, {tenure} AS tenure_months, coalesce(churned, FALSE) AS churned, "
        f"category, segment, revenue FROM ({accepted_sql(loaded['customers'])}) LEFT JOIN ({complaints}) USING (customer_id)"
    )
    connection.execute(f"CREATE OR REPLACE TEMP VIEW flat AS SELECT {', '.join(CANONICAL_COLUMNS['flat'])} FROM undated_sheet")
