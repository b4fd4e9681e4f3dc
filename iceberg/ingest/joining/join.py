"""Joins the judged tables of a load: normalises ids, joins customers, applies the rules across tables and collects proposals."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from iceberg.ingest.joining.categories import report_categories, settle_categories
from iceberg.ingest.joining.departures import Joined, accepted_sql, join_customers, needs_joining
from iceberg.ingest.joining.identifiers import normalise_ids, propose_ids
from iceberg.ingest.joining.options import CategoryReport, IdProposal, Joining, JoiningReport
from iceberg.ingest.judging.across_rows import judge_beside, judge_repeated_subscriptions, judge_together
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.schema import REASON_TABLES

_OFFERED = ("complaints", "volumes")  # the table whose categories are shown
_WITH_IDS = ("complaints", "incidents", "subscriptions", "events", "activity", *REASON_TABLES)
_JUDGED = ("complaints", "incidents")  # a rule marks their rows with an unknown id
_FEW_UNKNOWN = 0.01  # judgement: a smaller share of unknown ids are single errors, not another spelling


def join_tables(connection: duckdb.DuckDBPyConnection, loaded: dict[str, JudgedTable], rules: Joining) -> Joined:
    """Join `loaded` to one company; can add ``loaded["customers"]``, and adds the bits of rules to ``flags``.

    Returns:
        The result of joining, with an empty report where nothing had to be joined.
    """
    _look_up_through(connection, loaded)
    if rules.id_normalisation:
        for item in loaded.values():
            if "customer_id" in item.fields.columns:
                normalise_ids(connection, item, rules.id_normalisation)
    plan = settle_categories(connection, loaded, rules)
    if "subscriptions" in loaded:
        judge_repeated_subscriptions(connection, loaded["subscriptions"])
    joined = join_customers(connection, loaded, rules) if needs_joining(loaded, rules) else Joined(JoiningReport(rules))
    judge_together(connection, loaded)
    judge_beside(connection, loaded)
    named = next((loaded[table] for table in _OFFERED if table in loaded), None)
    categories = CategoryReport()
    if plan is not None and named is not None:
        categories = report_categories(connection, accepted_sql(named), plan, rules)
    return Joined(replace(joined.report, id_proposals=_propose_ids(connection, loaded, rules), categories=categories), joined.last_day)


def _look_up_through(connection: duckdb.DuckDBPyConnection, loaded: dict[str, JudgedTable]) -> None:
    """Replace the ids of subscriptions, and other ids of customers, by the customer id.

    An id of no customer, or of two customers, does not change and is later an unknown customer.
    """
    for bridge, field in (("subscriptions", "subscription_id"), ("customers", "link_id")):
        if bridge not in loaded or field not in loaded[bridge].fields.columns:
            continue
        for item in loaded.values():
            if item.mapping.via == bridge:
                connection.execute(
                    f"UPDATE {item.read_name} SET customer_id = b.customer_id FROM (SELECT {field}, min(customer_id) AS customer_id "
                    f"FROM ({accepted_sql(loaded[bridge])}) WHERE {field} IS NOT NULL GROUP BY 1 HAVING min(customer_id) = max(customer_id)) b "
                    f"WHERE {item.read_name}.customer_id = b.{field}"
                )


def _propose_ids(connection: duckdb.DuckDBPyConnection, loaded: dict[str, JudgedTable], rules: Joining) -> tuple[IdProposal, ...]:
    customers = loaded.get("customers")
    if customers is None or not customers.fields.columns:
        return ()
    found = []
    for table in _WITH_IDS:
        item = loaded.get(table)
        if item is None:
            continue
        rows, unknown = _count_unknown(connection, table, item, customers)
        if rows and unknown / rows >= _FEW_UNKNOWN:
            ids = customers.scan.ids(connection, customers.read_name)
            proposal = propose_ids(connection, table, item.read_name, ids, applied=rules.id_normalisation)
            found += [proposal] if proposal is not None else []
    return tuple(found)


def _count_unknown(connection: duckdb.DuckDBPyConnection, table: str, item: JudgedTable, customers: JudgedTable) -> tuple[int, int]:
    """Number of rows with an id, and of those whose id is no customer."""
    if table in _JUDGED and not connection.execute(f"SELECT 1 FROM {item.read_name} WHERE flags <> 0 LIMIT 1").fetchall():
        return 0, 0  # every one has been found
    known, key, named = customers.read_name, "customer_id", "k.customer_id"
    if table in _JUDGED:
        known, key, named = customers.scan.named, customers.scan.key, customers.scan.key_of("k.customer_id")
    [(rows, unknown)] = connection.sql(
        f"SELECT count(*), count(*) FILTER ({named} NOT IN (SELECT {key} FROM {known} WHERE {key} IS NOT NULL)) "
        f"FROM {item.read_name} k WHERE k.customer_id IS NOT NULL"
    ).fetchall()
    return rows, unknown
