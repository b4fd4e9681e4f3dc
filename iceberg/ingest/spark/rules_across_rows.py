"""Owns the rules that look at several rows or at two tables, for tables in Spark; `iceberg.ingest.judging.across_rows` has them for files."""

from __future__ import annotations

from iceberg.errors import FileError
from iceberg.ingest.joining.options import Joining
from iceberg.ingest.joining.subscriptions import ENOUGH_REPEATED, MANY_REPEATED
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.rules.rules import bit_of, reject_mask
from iceberg.ingest.spark.session import SparkConnection

_FIELDS = ("start_date", "end_date", "segment", "revenue")


def judge_customers(connection: SparkConnection, item: JudgedTable, joining: Joining) -> None:
    """A customer twice: the earliest start stays, then the earliest known end. Only rows whose id comes again are sorted.

    Raises:
        FileError: ``spark_repeated_customers`` where the rows look like subscriptions, which `load_tables` would fold.
    """
    mask = reject_mask("customers")
    kept = f"(flags & {mask}) = 0"
    repeated = f"SELECT customer_id AS again FROM read_customers WHERE {kept} GROUP BY customer_id HAVING count(*) > 1"
    connection.make("repeated_ids", repeated)
    [(ids,)] = connection.sql("SELECT count(*) FROM repeated_ids").fetchall()
    if not ids:
        connection.make("judged_customers", "SELECT * FROM read_customers")
        return
    if joining.repeated_customers == "auto":
        _require_no_subscriptions(connection, item, kept)
    exact, conflicting = bit_of("customers", "exact_duplicate"), bit_of("customers", "duplicate_customer_id")
    order = "start_date, end_date NULLS LAST, segment, revenue NULLS LAST"
    spell = f"OVER (PARTITION BY customer_id, {kept} ORDER BY {order})"
    firsts = ", ".join(f"first_value({name}) {spell} AS first_{name}" for name in _FIELDS)
    same = " AND ".join(f"{name} IS NOT DISTINCT FROM first_{name}" for name in _FIELDS)
    bit = f"CASE WHEN NOT {kept} OR place = 1 THEN 0 WHEN {same} THEN {exact} ELSE {conflicting} END"
    columns = ", ".join(["customer_id", *_FIELDS, *(f"{name}_text" for name in item.fields.columns)])
    again = f"SELECT *, {firsts}, row_number() {spell} AS place FROM read_customers JOIN repeated_ids ON customer_id = again"
    once = "SELECT read_customers.* FROM read_customers LEFT JOIN repeated_ids ON customer_id = again WHERE again IS NULL"
    connection.make(
        "judged_customers",
        f"SELECT {columns}, flags FROM ({once}) AS alone UNION ALL SELECT {columns}, flags | {bit} AS flags FROM ({again}) AS placed",
    )


def _require_no_subscriptions(connection: SparkConnection, item: JudgedTable, kept: str) -> None:
    """As `iceberg.ingest.joining.subscriptions.find_repeats` tells a mistake from a table of subscriptions."""
    starts = f"SELECT customer_id, count(DISTINCT start_date) AS starts FROM read_customers WHERE {kept} GROUP BY customer_id"
    counted = f"SELECT count(*) AS customers, count(CASE WHEN starts > 1 THEN 1 END) AS restarted FROM ({starts}) AS each_one"
    [(customers, restarted)] = connection.sql(counted).fetchall()
    if restarted >= ENOUGH_REPEATED and restarted >= MANY_REPEATED * customers:
        raise FileError("spark_repeated_customers", {"file": item.source.reading.file, "count": int(restarted), "customers": int(customers)})


def judge_complaints(connection: SparkConnection, *, with_customers: bool, recorded: bool) -> None:
    """Unknown customers, complaints outside a customer's life, and one problem told twice.

    Args:
        connection: Holds ``read_complaints`` and ``judged_customers``.
        with_customers: Whether there are customers to compare with.
        recorded: Whether rows have a number, ``record``: then the first row of a repeat stays, else any.
    """
    mask = reject_mask("complaints")
    twice = bit_of("complaints", "duplicate_complaint")
    met = _met_customers("complaints", outside=True) if with_customers else "SELECT * FROM read_complaints"
    order = "record" if recorded else "customer_id"
    place = f"row_number() OVER (PARTITION BY customer_id, complaint_date, category, (flags & {mask}) = 0 ORDER BY {order}) AS place"
    bit = f"CASE WHEN (flags & {mask}) = 0 AND place > 1 THEN {twice} ELSE 0 END"
    placed = f"SELECT *, {place} FROM ({met}) AS met"
    connection.make("judged_complaints", f"SELECT * EXCLUDE (flags, place), flags | {bit} AS flags FROM ({placed}) AS placed")


def judge_incidents(connection: SparkConnection, *, with_customers: bool, recorded: bool) -> None:
    """Unknown customers; see `judge_complaints`."""
    connection.make("judged_incidents", _met_customers("incidents", outside=False) if with_customers else "SELECT * FROM read_incidents")


def _met_customers(table: str, *, outside: bool) -> str:
    """Rows of `table` with the bits of rules about their customers."""
    mask, customers = reject_mask(table), reject_mask("customers")
    unknown = bit_of(table, "unknown_customer")
    verdict = f"WHEN c.customer_id IS NULL THEN {unknown} "
    rejected = ""
    if outside:
        verdict = (
            f"WHEN c.customer_id IS NULL AND r.customer_id IS NOT NULL THEN {bit_of(table, 'complaint_of_rejected_customer')} {verdict}"
            f"WHEN k.complaint_date < c.start_date THEN {bit_of(table, 'complaint_before_start')} "
            f"WHEN k.complaint_date > c.end_date THEN {bit_of(table, 'complaint_after_departure')} "
        )
        gone = f"SELECT DISTINCT customer_id FROM judged_customers WHERE (flags & {customers}) <> 0"
        rejected = f"LEFT JOIN ({gone}) AS r ON k.customer_id = r.customer_id"
    return (
        f"SELECT k.* EXCLUDE (flags), k.flags | CASE WHEN (k.flags & {mask}) <> 0 THEN 0 {verdict}ELSE 0 END AS flags FROM read_{table} AS k "
        f"LEFT JOIN (SELECT customer_id, start_date, end_date FROM judged_customers WHERE (flags & {customers}) = 0) AS c "
        f"ON k.customer_id = c.customer_id {rejected}"
    )
