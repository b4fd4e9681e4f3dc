"""Owns the order of everything that needs more than one table: ids made comparable, customers joined, rows judged together, proposals."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from iceberg.ingest.joining.categories import merge_categories, propose_category_merges
from iceberg.ingest.joining.departures import Joined, join_customers, needs_joining
from iceberg.ingest.joining.identifiers import normalise_ids, propose_ids
from iceberg.ingest.joining.options import IdProposal, Joining, JoiningReport
from iceberg.ingest.judging.across_rows import judge_repeated_subscriptions, judge_together
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.rules.rules import reject_mask

__all__ = ["Joined", "join_tables"]

_WITH_CATEGORIES = ("complaints", "volumes", "incidents")
_WITH_IDS = ("complaints", "incidents", "subscriptions", "events", "activity")
_JUDGED = ("complaints", "incidents")  # their rows are marked where nobody has the id
_FEW_UNKNOWN = 0.01  # judgement: fewer unknown ids than this are single mistakes, not another way of writing


def join_tables(connection: duckdb.DuckDBPyConnection, loaded: dict[str, JudgedTable], rules: Joining) -> Joined:
    """Make `loaded` one company: may add ``loaded["customers"]``; bits are added to ``flags`` as rules speak.

    Returns:
        What was found; its report says nothing where there was one table, or nothing to say.
    """
    _look_up_through(connection, loaded)
    if rules.id_normalisation:
        for item in loaded.values():
            if "customer_id" in item.fields.columns:
                normalise_ids(connection, item, rules.id_normalisation)
    for table in _WITH_CATEGORIES:
        if table in loaded and rules.merge_categories:
            merge_categories(connection, loaded[table].read_name, rules.merge_categories)
    if "subscriptions" in loaded:
        judge_repeated_subscriptions(connection, loaded["subscriptions"])
    joined = join_customers(connection, loaded, rules) if needs_joining(loaded, rules) else Joined(JoiningReport(rules))
    judge_together(connection, loaded)
    groups = next((propose_category_merges(connection, _kept(loaded[table])) for table in _WITH_CATEGORIES[:2] if table in loaded), ())
    return Joined(replace(joined.report, id_proposals=_propose_ids(connection, loaded, rules), category_groups=groups), joined.last_day)


def _look_up_through(connection: duckdb.DuckDBPyConnection, loaded: dict[str, JudgedTable]) -> None:
    """Tables that name a subscription, or another id of the customer, get the customer's id.

    An id that nobody has, or that two customers have, stays as it is, and is an unknown customer.
    """
    for bridge, field in (("subscriptions", "subscription_id"), ("customers", "link_id")):
        if bridge not in loaded or field not in loaded[bridge].fields.columns:
            continue
        for item in loaded.values():
            if item.mapping.via == bridge:
                connection.execute(
                    f"UPDATE {item.read_name} SET customer_id = b.customer_id FROM (SELECT {field}, min(customer_id) AS customer_id "
                    f"FROM ({_kept(loaded[bridge])}) WHERE {field} IS NOT NULL GROUP BY 1 HAVING min(customer_id) = max(customer_id)) b "
                    f"WHERE {item.read_name}.customer_id = b.{field}"
                )


def _kept(item: JudgedTable) -> str:
    return f"SELECT * FROM {item.read_name} WHERE (flags & {reject_mask(item.table)}) = 0"


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
    """Rows with an id, and how many of these ids the customers file lacks."""
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
