"""Owns the rules that look at several rows or at two tables.

Duplicates, unknown customers, complaints outside a customer's life.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import duckdb

from iceberg.ingest.judging.judge import look_at_ids
from iceberg.ingest.rules.rules import bit_of, reject_mask
from iceberg.ingest.scan.single_pass import may_repeat
from iceberg.ingest.schema import TELLING, key_sql

if TYPE_CHECKING:
    from iceberg.ingest.judging.judged_table import JudgedTable

_FIELDS_OF_CUSTOMER = ("start_date", "end_date", "segment", "revenue")


def judge_together(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, JudgedTable]) -> None:
    """Add the bits of these rules to ``flags``. A view over a file becomes a table when a bit has to be added."""
    customers = tables.get("customers")
    if customers is not None:
        _judge_duplicate_customers(connection, customers)
        if any(table in tables for table in TELLING):
            _gather_told(connection, tables, customers)
    for table, day in TELLING.items():
        if table in tables:
            if customers is not None:
                _judge_against_customers(connection, table, tables[table].read_name, customers, day)
            if table == "complaints":
                _judge_repeats(connection, tables[table].read_name)


def _judge_duplicate_customers(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> None:
    if not may_repeat_ids(connection, item):
        return
    _materialise(connection, item)
    name, kept = item.read_name, f"(flags & {reject_mask('customers')}) = 0"
    # Which row stays must not depend on the order of rows: the earliest start, then the earliest known end.
    same = " AND ".join(f"r.{field} IS NOT DISTINCT FROM r.first_{field}" for field in _FIELDS_OF_CUSTOMER)
    order = "start_date, end_date NULLS LAST, segment, revenue NULLS LAST, record"
    firsts = ", ".join(f"first_value({field}) OVER spell AS first_{field}" for field in _FIELDS_OF_CUSTOMER)
    exact, conflicting = bit_of("customers", "exact_duplicate"), bit_of("customers", "duplicate_customer_id")
    connection.execute(
        f"""
        UPDATE {name} SET flags = flags | v.bit FROM (
            SELECT r.record, CASE WHEN {same} THEN {exact} ELSE {conflicting} END AS bit FROM (
                SELECT record, {", ".join(_FIELDS_OF_CUSTOMER)}, {firsts}, row_number() OVER spell AS place
                FROM (SELECT rowid AS record, * FROM {name} WHERE {kept} AND customer_id IN (
                    SELECT customer_id FROM {name} WHERE {kept} GROUP BY customer_id HAVING count(*) > 1))
                WINDOW spell AS (PARTITION BY customer_id ORDER BY {order})
            ) r WHERE r.place > 1
        ) v WHERE {name}.rowid = v.record
        """
    )
    item.flags = {}


def may_repeat_ids(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> bool:
    """Whether an id may stand on several kept rows: looked through once per relation."""
    look_at_ids(connection, item)
    return item.ids_repeat


def _gather_told(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, JudgedTable], customers: JudgedTable) -> None:
    """The customers that anything was told about, found in one pass: rules and the reduction then look at these few only.

    Where they were put aside while the file was read, they are looked at where they lie: at least these, and a few others.
    """
    unique = customers.looked_through == customers.read_name and not customers.ids_repeat
    for table in TELLING:
        if table in tables:
            tables[table].numbered = customers.numbered
    customers.told_name, customers.told_key = f"{customers.read_name}_told", "customer_key" if unique else "customer_id"
    if unique and customers.aside is not None and not customers.named_sql and customers.aside.publish_named(customers.told_name):
        return
    flags = "0 AS flags" if set(customers.flags) == {0} else "flags"  # a view works them out for every row of its file
    key = f"{customers.own_key} AS customer_key" if unique else "customer_id"
    rows = f"({customers.named_sql})" if unique and customers.named_sql else customers.read_name
    # By hash, which is quicker to look up than a text: whoever else has the same one is looked at in vain.
    hashed = key_sql("customer_id", numbered=customers.numbered)
    hashes = " UNION ALL ".join(f"SELECT {hashed} FROM {tables[table].read_name}" for table in TELLING if table in tables)
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE {customers.told_name} AS SELECT {key}, {', '.join(_FIELDS_OF_CUSTOMER)}, {flags} FROM {rows} "
        + ("" if rows != customers.read_name else f"WHERE {customers.own_key} IN ({hashes})")
    )


def _judge_against_customers(connection: duckdb.DuckDBPyConnection, table: str, name: str, customers: JudgedTable, day: str) -> None:
    key, kept, kept_customers = customers.told_key, reject_mask(table), reject_mask("customers")
    outside = (
        f"WHEN k.{day} < c.start_date THEN {bit_of(table, 'complaint_before_start')} "
        f"WHEN k.{day} > c.end_date THEN {bit_of(table, 'complaint_after_departure')} "
        if table == "complaints"
        else ""
    )
    unknown = bit_of(table, "unknown_customer")
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE verdicts AS SELECT * FROM (
            SELECT k.record, CASE WHEN c.{key} IS NULL THEN {unknown} {outside}ELSE 0 END AS bit
            FROM (SELECT rowid AS record, {customers.told_by("customer_id")} AS key, {day} FROM {name} WHERE (flags & {kept}) = 0) k
            LEFT JOIN (SELECT {key}, start_date, end_date FROM {customers.told_name} WHERE (flags & {kept_customers}) = 0) c ON k.key = c.{key}
        ) WHERE bit > 0
        """
    )
    if not connection.execute("SELECT count(*) FROM verdicts").fetchall()[0][0]:
        return
    if table == "complaints":  # told apart: the customer is in the file, but their row was rejected
        rejected = bit_of(table, "complaint_of_rejected_customer")
        of_rejected = f"SELECT {key} FROM {customers.told_name} WHERE (flags & {kept_customers}) <> 0"
        connection.execute(
            f"UPDATE verdicts SET bit = {rejected} WHERE bit = {unknown} AND record IN "
            f"(SELECT rowid FROM {name} WHERE {customers.told_by('customer_id')} IN ({of_rejected}))"
        )
    connection.execute(f"UPDATE {name} SET flags = flags | v.bit FROM verdicts v WHERE {name}.rowid = v.record")
    connection.execute("DROP TABLE verdicts")


def _judge_repeats(connection: duckdb.DuckDBPyConnection, name: str) -> None:
    """The same customer, day and category again: one problem told twice."""
    kept = f"(flags & {reject_mask('complaints')}) = 0"
    key = "customer_id, complaint_date, category"
    if not may_repeat(connection, f"{name} WHERE {kept}", key):
        return
    repeated = f"SELECT min(rowid) AS first, {key} FROM {name} WHERE {kept} GROUP BY {key} HAVING count(*) > 1"
    connection.execute(
        f"UPDATE {name} SET flags = flags | {bit_of('complaints', 'duplicate_complaint')} FROM ({repeated}) r "
        f"WHERE {kept} AND {name}.rowid > r.first AND {name}.customer_id = r.customer_id "
        f"AND {name}.complaint_date = r.complaint_date AND {name}.category = r.category"
    )


def _materialise(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> None:
    """Turn a view over a file into a table, so that bits can be added; record numbers become rowids."""
    if item.is_view:
        connection.execute(f"CREATE TABLE {item.read_name}_rows AS SELECT * FROM {item.read_name} ORDER BY record")
        connection.execute(f"DROP VIEW {item.read_name}; DROP TABLE IF EXISTS {item.read_name}_cells")
        item.read_name, item.is_view = f"{item.read_name}_rows", False
        item.file_records = connection.execute(f"SELECT count(*) FROM {item.read_name}").fetchall()[0][0]


def judge_repeated_subscriptions(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> None:
    """The same subscription again: left out where an id says that it is the same one, kept where it may be a second licence."""
    named = "subscription_id" in item.fields.columns
    bit = bit_of("subscriptions", "exact_duplicate" if named else "repeated_subscription")
    key = ", ".join(["customer_id", *_FIELDS_OF_CUSTOMER, *(["subscription_id"] if named else [])])
    repeated = (
        f"SELECT record FROM (SELECT rowid AS record, row_number() OVER (PARTITION BY {key} ORDER BY rowid) AS place FROM {item.read_name} "
        f"WHERE (flags & {reject_mask('subscriptions')}) = 0) WHERE place > 1"
    )
    connection.execute(f"UPDATE {item.read_name} SET flags = flags | {bit} WHERE rowid IN ({repeated})")


def judge_flat_duplicates(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> None:
    """Customers named twice. Without an id, equal rows may be different people: they are all kept."""
    if "customer_id" not in item.fields.columns:
        return
    name, kept = item.read_name, f"(flags & {reject_mask('flat')}) = 0"
    values = "tenure_months, churned, category, segment, revenue"
    exact, conflicting = bit_of("flat", "exact_duplicate"), bit_of("flat", "duplicate_customer_id")
    firsts = ", ".join(f"first_value({column}) OVER same AS first_{column}" for column in values.split(", "))
    same = " AND ".join(f"{column} IS NOT DISTINCT FROM first_{column}" for column in values.split(", "))
    connection.execute(
        f"""
        UPDATE {name} SET flags = flags | v.bit FROM (
            SELECT record, CASE WHEN {same} THEN {exact} ELSE {conflicting} END AS bit FROM (
                SELECT rowid AS record, {values}, {firsts}, row_number() OVER same AS place
                FROM {name} WHERE {kept} AND customer_id IS NOT NULL
                WINDOW same AS (PARTITION BY customer_id ORDER BY {values}, rowid)
            ) WHERE place > 1
        ) v WHERE {name}.rowid = v.record
        """
    )
