"""Judges the rules about several rows or two tables: duplicates, unknown customers, complaints outside a customer's life.

Each rule is one text for both engines: the functions that end in ``_sql`` give rows with a column ``bit``; the rows of files get theirs here,
tables in Spark in `iceberg.ingest.spark.load`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import duckdb

from iceberg.ingest.judging.judge import scan_customers
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.judging.several_files import make_table
from iceberg.ingest.rules.rules import bit_of, reject_mask
from iceberg.ingest.scan.single_pass import may_repeat
from iceberg.ingest.schema import BESIDE, FIELDS_OF_CUSTOMER, NAMING_DAYS

_COMPLAINT = "customer_id, complaint_date, category"
_FIELDS_OF_FLAT = ("tenure_months", "churned", "category", "segment", "revenue")


def repeated_customers_sql(rows: str, *, table: str = "customers", fields: Sequence[str] = FIELDS_OF_CUSTOMER, record: str = "") -> str:
    """Rows of customers who come several times, with the bit of the rule that each breaks; see `judge_together`.

    Which row stays does not depend on the order of rows: the one with the smallest values, such as the earliest start and known end.

    Args:
        rows: What to write after FROM; it has ``customer_id``, the fields and ``flags``.
        table: ``"customers"`` or ``"flat"``.
        fields: Columns that say the same in an exact duplicate.
        record: Its column that decides between rows that are the same; "" where it has none.

    Returns:
        A SELECT that gives the columns of `rows`, others, and ``bit``; 0 for the row that stays and for rejected rows.
    """
    kept = f"(flags & {reject_mask(table)}) = 0"
    order = ", ".join([*(f"{name} NULLS LAST" for name in fields), *([record] if record else [])])
    spell = f"OVER (PARTITION BY customer_id, {kept} ORDER BY {order})"
    firsts = ", ".join(f"first_value({name}) {spell} AS first_{name}" for name in fields)
    same = " AND ".join(f"{name} IS NOT DISTINCT FROM first_{name}" for name in fields)
    exact, conflicting = bit_of(table, "exact_duplicate"), bit_of(table, "duplicate_customer_id")
    bit = f"CASE WHEN NOT {kept} OR place = 1 THEN 0 WHEN {same} THEN {exact} ELSE {conflicting} END"
    return f"SELECT *, {bit} AS bit FROM (SELECT *, {firsts}, row_number() {spell} AS place FROM {rows}) AS placed"


def against_customers_sql(table: str, rows: str, customers: str, *, key: str = "customer_id") -> str:
    """Rows of complaints or incidents with the bit of the rule about their customer that each breaks.

    Args:
        table: ``"complaints"`` or ``"incidents"``.
        rows: What to write after FROM; it has `key`, ``flags`` and, of complaints, ``complaint_date``.
        customers: The same for customers: `key`, ``start_date``, ``end_date``, ``flags``.
        key: Column of both that says which customer.

    Returns:
        A SELECT that gives the columns of `rows` and ``bit``.
    """
    rejects = reject_mask("customers")
    verdicts = f"WHEN c.{key} IS NULL THEN {bit_of(table, 'unknown_customer')} "
    of_rejected = ""
    if table == "complaints":
        verdicts = (
            f"WHEN c.{key} IS NULL AND r.{key} IS NOT NULL THEN {bit_of(table, 'complaint_of_rejected_customer')} {verdicts}"
            f"WHEN k.complaint_date < c.start_date THEN {bit_of(table, 'complaint_before_start')} "
            f"WHEN k.complaint_date > c.end_date THEN {bit_of(table, 'complaint_after_departure')} "
        )
        of_rejected = f"LEFT JOIN (SELECT DISTINCT {key} FROM {customers} WHERE (flags & {rejects}) <> 0) AS r ON k.{key} = r.{key}"
    return (
        f"SELECT k.*, CASE WHEN (k.flags & {reject_mask(table)}) <> 0 THEN 0 {verdicts}ELSE 0 END AS bit FROM {rows} AS k "
        f"LEFT JOIN (SELECT {key}, start_date, end_date FROM {customers} WHERE (flags & {rejects}) = 0) AS c ON k.{key} = c.{key} {of_rejected}"
    )


def repeated_complaints_sql(rows: str, *, order: str, numbered: bool = False) -> str:
    """Complaints with the bit of the rule against the same customer, day and category again: one problem that was recorded twice.

    Args:
        rows: What to write after FROM; it has ``customer_id``, ``complaint_date``, ``category`` and ``flags``.
        order: Its column by which the first of them stays.
        numbered: It has ``complaint_id``: another number of the case is another complaint.

    Returns:
        A SELECT that gives the columns of `rows`, others, and ``bit``.
    """
    kept = f"(flags & {reject_mask('complaints')}) = 0"
    place = f"row_number() OVER (PARTITION BY {_COMPLAINT}{', complaint_id' if numbered else ''}, {kept} ORDER BY {order}) AS place"
    bit = f"CASE WHEN {kept} AND place > 1 THEN {bit_of('complaints', 'duplicate_complaint')} ELSE 0 END"
    return f"SELECT *, {bit} AS bit FROM (SELECT *, {place} FROM {rows}) AS placed"


def judge_together(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, JudgedTable]) -> None:
    """Add the bits of these rules to ``flags``. A view over a file becomes a table where bits have to be added."""
    customers = tables.get("customers")
    if customers is not None:
        _judge_duplicate_customers(connection, customers)
        if any(table in tables for table in NAMING_DAYS):
            _gather_named(connection, tables, customers)
    for table, day in NAMING_DAYS.items():
        if table in tables:
            if customers is not None:
                _judge_against_customers(connection, table, tables[table].read_name, customers, day)
            if table == "complaints":
                _judge_repeats(connection, tables[table].read_name, numbered="complaint_id" in tables[table].fields.columns)


def judge_beside(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, JudgedTable]) -> None:
    """Reject scores and good moments of customers whom the customers table does not have."""
    customers = tables.get("customers")
    if customers is None:
        return
    known = f"SELECT customer_id FROM {customers.read_name} WHERE (flags & {reject_mask('customers')}) = 0 AND customer_id IS NOT NULL"
    for table in (name for name in BESIDE if name in tables):
        unknown = f"(flags & {reject_mask(table)}) = 0 AND customer_id NOT IN ({known})"
        connection.execute(f"UPDATE {tables[table].read_name} SET flags = flags | {bit_of(table, 'unknown_customer')} WHERE {unknown}")


def _judge_duplicate_customers(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> None:
    if not may_repeat_ids(connection, item):
        return
    if item.is_view:
        make_table(connection, item, f"{item.read_name}_rows")
    name = item.read_name
    kept_rows = f"{name} WHERE (flags & {reject_mask('customers')}) = 0"
    again = f"SELECT customer_id FROM {kept_rows} GROUP BY customer_id HAVING count(*) > 1"
    columns = f"customer_id, {', '.join(FIELDS_OF_CUSTOMER)}, flags"  # a table made of a view has a column called record, too
    rows = f"(SELECT rowid AS record, {columns} FROM {kept_rows} AND customer_id IN ({again}))"
    _add_bits(connection, name, repeated_customers_sql(rows, record="record"))
    item.flags = {}


def _add_bits(connection: duckdb.DuckDBPyConnection, name: str, verdicts: str) -> None:
    """Add ``bit`` of the rows that `verdicts` gives to the flags of the rows of `name` whose rowid is their ``record``."""
    connection.execute(
        f"UPDATE {name} SET flags = flags | v.bit FROM (SELECT record, bit FROM ({verdicts}) WHERE bit > 0) AS v WHERE {name}.rowid = v.record"
    )


def may_repeat_ids(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> bool:
    """Whether an id may stand on several kept rows."""
    scan_customers(connection, item)
    return item.scan.ids_repeat


def _gather_named(connection: duckdb.DuckDBPyConnection, tables: Mapping[str, JudgedTable], customers: JudgedTable) -> None:
    naming = [tables[table] for table in NAMING_DAYS if table in tables]
    for item in naming:
        item.scan.numbered = customers.scan.numbered
    flags = "0 AS flags" if set(customers.flags) == {0} else "flags"  # a view computes them for every row of its file
    customers.scan.gather_named(connection, customers.read_name, [item.read_name for item in naming], flags)


def _judge_against_customers(connection: duckdb.DuckDBPyConnection, table: str, name: str, customers: JudgedTable, day: str) -> None:
    kept = f"(flags & {reject_mask(table)}) = 0"
    scan = customers.scan
    rows = f"(SELECT rowid AS record, {scan.key_of('customer_id')} AS {scan.key}, {day}, flags FROM {name} WHERE {kept})"
    _add_bits(connection, name, against_customers_sql(table, rows, scan.named, key=scan.key))


def _judge_repeats(connection: duckdb.DuckDBPyConnection, name: str, *, numbered: bool) -> None:
    kept_rows = f"{name} WHERE (flags & {reject_mask('complaints')}) = 0"
    if not may_repeat(connection, kept_rows, _COMPLAINT):
        return
    again = f"SELECT {_COMPLAINT} FROM {kept_rows} GROUP BY {_COMPLAINT} HAVING count(*) > 1"
    own = ", complaint_id" if numbered else ""
    rows = f"(SELECT rowid AS record, {_COMPLAINT}{own}, flags FROM {kept_rows} AND ({_COMPLAINT}) IN ({again}))"
    _add_bits(connection, name, repeated_complaints_sql(rows, order="record", numbered=numbered))


# What files call the sum of all categories beside "Total", which is known by its name alone: these are the sum only where the numbers say so.
_ALL = (
    "^(?i)(all|every|any|overall|global|globale?ment|grand total|sum|tous?|toutes?|tout|ensemble|somme|cumul|alle|gesamt|summe|todos|todas|"
    "tutti|totale)"
    "( (categories|cat[eé]gories|types|reasons|motifs|products|produits|confondu(e)?s?|issues))*\\s*:?$"
)
_MONTHS, _OTHERS = 3, 2  # judgement: a name that says nothing is a sum where it is one in so many months, of so many other categories


def total_categories_sql(rows: str) -> str:
    """Volumes with the bit of the rule against the sum of all categories: a category that is the sum of the others in every month.

    Args:
        rows: What to write after FROM; it has ``month``, ``category``, ``complaints`` and ``flags``.

    Returns:
        A SELECT that gives the columns of `rows` and ``bit``.
    """
    kept = f"(flags & {reject_mask('volumes')}) = 0"
    each = f"SELECT month AS m, category AS sum_of_all, sum(complaints) AS c FROM {rows} WHERE {kept} GROUP BY month, category"
    months = f"SELECT month AS n, sum(complaints) AS everything, count(DISTINCT category) - 1 AS others FROM {rows} WHERE {kept} GROUP BY month"
    named = f"max(CASE WHEN regexp_matches(sum_of_all, '{_ALL}') THEN 1 ELSE 0 END) = 1"
    sure = f"min(others) >= 1 AND ({named} OR (count(*) >= {_MONTHS} AND min(others) >= {_OTHERS}))"
    sums = (
        f"SELECT sum_of_all FROM ({each}) AS each_one JOIN ({months}) AS of_month ON m = n GROUP BY sum_of_all "
        f"HAVING min(CASE WHEN 2 * c = everything THEN 1 ELSE 0 END) = 1 AND sum(c) > 0 AND {sure}"
    )
    bit = f"CASE WHEN {kept} AND sum_of_all IS NOT NULL THEN {bit_of('volumes', 'total_of_categories')} ELSE 0 END AS bit"
    return f"SELECT v.*, {bit} FROM {rows} AS v LEFT JOIN ({sums}) AS summed ON v.category = sum_of_all"


def judge_totals(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> None:
    """Reject the rows that are the sum of the others, under whatever name."""
    if "complaints" in item.fields.columns:
        rows = f"(SELECT rowid AS record, month, category, complaints, flags FROM {item.read_name})"
        _add_bits(connection, item.read_name, total_categories_sql(rows))
        item.flags = {}


def judge_repeated_subscriptions(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> None:
    """Repeated subscriptions: rejected where their own id is the same, only flagged where it may be a second licence."""
    named = "subscription_id" in item.fields.columns
    bit = bit_of("subscriptions", "exact_duplicate" if named else "repeated_subscription")
    key = ", ".join(["customer_id", *FIELDS_OF_CUSTOMER, *(["subscription_id"] if named else [])])
    repeated = (
        f"SELECT record FROM (SELECT rowid AS record, row_number() OVER (PARTITION BY {key} ORDER BY rowid) AS place FROM {item.read_name} "
        f"WHERE (flags & {reject_mask('subscriptions')}) = 0) WHERE place > 1"
    )
    connection.execute(f"UPDATE {item.read_name} SET flags = flags | {bit} WHERE rowid IN ({repeated})")


def judge_flat_duplicates(connection: duckdb.DuckDBPyConnection, item: JudgedTable) -> None:
    """Customers who come twice. Without an id, equal rows may be different people: none is rejected."""
    if "customer_id" not in item.fields.columns:
        return
    kept_rows = f"{item.read_name} WHERE (flags & {reject_mask('flat')}) = 0 AND customer_id IS NOT NULL"
    rows = f"(SELECT rowid AS record, customer_id, {', '.join(_FIELDS_OF_FLAT)}, flags FROM {kept_rows})"
    _add_bits(connection, item.read_name, repeated_customers_sql(rows, table="flat", fields=_FIELDS_OF_FLAT, record="record"))
