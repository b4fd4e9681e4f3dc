"""Owns the customers table that names a customer on several rows: whether these are subscriptions to be folded, or mistakes to be left out."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from iceberg.ingest.columns import load_presets, propose_mapping
from iceberg.ingest.joining import Joining, RepeatedCustomers
from iceberg.ingest.judge import JudgedTable
from iceberg.ingest.links import Link, Relations
from iceberg.ingest.mapping import ColumnMapping, all_fields
from iceberg.ingest.read import SourceTable
from iceberg.ingest.rules import reject_mask
from iceberg.ingest.together import may_repeat_ids

# Judgement: a customers table with a mistake names few customers twice; one that holds subscriptions names many with several first days.
MANY_REPEATED = 0.05
ENOUGH_REPEATED = 10


def find_repeats(connection: duckdb.DuckDBPyConnection, item: JudgedTable, rules: Joining) -> RepeatedCustomers | None:
    """How many customers stand on several rows, and whether the rows are taken for subscriptions; None where each customer has one row."""
    if not may_repeat_ids(connection, item):
        return None
    customers, repeated, restarted = connection.sql(
        f"SELECT count(*), count(*) FILTER (rows > 1), count(*) FILTER (starts > 1) FROM ("
        f"SELECT count(*) AS rows, count(DISTINCT start_date) AS starts FROM {item.read_name} "
        f"WHERE (flags & {reject_mask('customers')}) = 0 GROUP BY customer_id)"
    ).fetchall()[0]
    if not repeated:
        return None
    billing = any(preset.name == item.mapping.system and preset.per_subscription for preset in load_presets())
    many = restarted >= ENOUGH_REPEATED and restarted >= MANY_REPEATED * customers
    fold = rules.repeated_customers == "subscriptions" or (rules.repeated_customers == "auto" and (billing or many))
    return RepeatedCustomers(item.source.reading.file, customers, repeated, restarted, fold)


def as_subscriptions(source: SourceTable, mapping: ColumnMapping) -> ColumnMapping:
    """The mapping of customers as one of subscriptions: fields that only customers have are set aside, the subscription's own id is looked for."""
    known = all_fields("subscriptions")
    choices = {name: choice for name, choice in mapping.choices.items() if name in known}
    own = propose_mapping(source, "subscriptions").choices.get("subscription_id")
    if own is not None and all(choice.header != own.header for choice in choices.values()):
        choices["subscription_id"] = own
    formats = {name: one for name, one in mapping.date_formats.items() if name in known}
    return replace(mapping, table="subscriptions", choices=choices, date_formats=formats)


def relate_to_subscriptions(relations: Relations) -> Relations:
    """What pointed at the customers points at the subscriptions that they turned out to be."""
    if relations.base != "customers":
        return relations
    moved = [
        Link(
            replace(link.relation, other_table="subscriptions"),
            link.origin,
            tuple(replace(other, other_table="subscriptions") for other in link.alternatives),
        )
        for link in relations.links
    ]
    return replace(relations, links=tuple(moved), base="subscriptions")
