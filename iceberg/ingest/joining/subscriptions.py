"""Folds subscriptions to one row per customer: spells, gaps and reactivations, all in the database."""

from __future__ import annotations

from dataclasses import replace

import duckdb

from iceberg.ingest.columns.mapping import ColumnMapping
from iceberg.ingest.columns.propose import load_presets, propose_mapping
from iceberg.ingest.files.source_table import SourceTable
from iceberg.ingest.joining.links import Link, Relation, Relations
from iceberg.ingest.joining.options import Folding, Joining, RepeatedCustomers
from iceberg.ingest.judging.across_rows import may_repeat_ids
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.rules.rules import reject_mask
from iceberg.ingest.schema import all_fields

# Judgement: an error repeats few customers of a table; a table of subscriptions repeats many, with several first days.
MANY_REPEATED = 0.05
ENOUGH_REPEATED = 10

_FOREVER = "DATE '9999-12-31'"


def fold_subscriptions(connection: duckdb.DuckDBPyConnection, rows: str, *, gap_days: int, target: str) -> Folding:
    """Fold subscriptions to customers.

    Subscriptions that overlap, follow each other, or leave a gap of at most `gap_days` form one spell. The revenue is that of the
    subscriptions on the last day of the customer (of the open ones while any is open); the segment is that of the latest subscription.

    Args:
        connection: Connection with the rows.
        rows: SQL of the accepted subscriptions: customer_id, start_date, end_date, segment, revenue.
        gap_days: See `iceberg.ingest.joining.options.Joining`.
        target: Table to create: one row per customer with first_start, last_start, spell_start (of the last spell), first_end (of the first
            spell, NULL while it is open), end_date (of the last), segment, revenue, spells.
    """
    order = f"PARTITION BY customer_id ORDER BY start_date, coalesce(end_date, {_FOREVER})"
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {target}_spells AS
        SELECT customer_id, spell, min(start_date) AS start_date, max(start_date) AS last_start,
            CASE WHEN bool_or(end_date IS NULL) THEN NULL ELSE max(end_date) END AS end_date,
            count(*) AS subscriptions, count(*) FILTER (gap > 1) AS gaps
        FROM (
            SELECT *, sum(CASE WHEN gap > {max(gap_days, 1)} THEN 1 ELSE 0 END) OVER ({order} ROWS UNBOUNDED PRECEDING) AS spell
            FROM (
                SELECT customer_id, start_date, end_date, coalesce(datediff('day', max(coalesce(end_date, {_FOREVER})) OVER (
                    {order} ROWS BETWEEN UNBOUNDED PRECEDING AND 1 PRECEDING), start_date), 0) AS gap
                FROM ({rows})
            )
        ) GROUP BY customer_id, spell
        """
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {target}_ends AS
        SELECT customer_id, min(start_date) AS first_start, max(last_start) AS last_start, max(start_date) AS spell_start,
            CASE WHEN count(*) = 1 THEN min(end_date) ELSE arg_min(end_date, spell) END AS first_end,
            CASE WHEN bool_or(end_date IS NULL) THEN NULL ELSE max(end_date) END AS end_date, count(*) AS spells
        FROM {target}_spells GROUP BY customer_id
        """
    )
    connection.execute(
        f"""
        CREATE OR REPLACE TEMP TABLE {target} AS
        SELECT e.*, coalesce(s.segment, '') AS segment, s.revenue FROM {target}_ends e JOIN (
            SELECT r.customer_id, last(r.segment ORDER BY r.start_date, r.segment) FILTER (r.segment <> '') AS segment,
                sum(r.revenue) FILTER (r.end_date IS NOT DISTINCT FROM l.end_date) AS revenue
            FROM ({rows}) r JOIN {target}_ends l USING (customer_id) GROUP BY r.customer_id
        ) s USING (customer_id)
        """
    )
    subscriptions, gaps, spells = connection.execute(f"SELECT sum(subscriptions), sum(gaps), count(*) FROM {target}_spells").fetchall()[0]
    customers, many, open_ = connection.sql(
        f"SELECT count(*), count(*) FILTER (spells > 1), count(*) FILTER (end_date IS NULL) FROM {target}"
    ).fetchall()[0]
    connection.execute(f"DROP TABLE {target}_ends")
    reactivations = spells - customers
    return Folding(int(subscriptions or 0), customers, int(gaps or 0), int(gaps or 0) - reactivations, reactivations, many, open_, gap_days)


def find_repeats(connection: duckdb.DuckDBPyConnection, item: JudgedTable, rules: Joining) -> RepeatedCustomers | None:
    """The number of customers with several rows, and whether their rows are subscriptions; None where each customer has one row."""
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
    """A mapping of subscriptions from one of customers: drops the fields of customers and adds the id of the subscription."""
    known = all_fields("subscriptions")
    choices = {name: choice for name, choice in mapping.choices.items() if name in known}
    own = propose_mapping(source, "subscriptions").choices.get("subscription_id")
    if own is not None and all(choice.header != own.header for choice in choices.values()):
        choices["subscription_id"] = own
    formats = {name: date_format for name, date_format in mapping.date_formats.items() if name in known}
    return replace(mapping, table="subscriptions", choices=choices, date_formats=formats)


def relate_to_subscriptions(relations: Relations) -> Relations:
    """The joins with the subscriptions in place of the customers table, once its rows are folded."""
    if relations.base != "customers":
        return relations

    def moved(relation: Relation) -> Relation:
        return replace(relation, other_table="subscriptions")

    links = tuple(Link(moved(link.relation), link.origin, tuple(map(moved, link.alternatives))) for link in relations.links)
    return replace(relations, links=links, base="subscriptions")
