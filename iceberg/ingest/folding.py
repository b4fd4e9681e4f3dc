"""Owns how subscriptions become one life per customer: spells, gaps, reactivations, all in the database."""

from __future__ import annotations

import duckdb

from iceberg.ingest.joining import Folding

_FOREVER = "DATE '9999-12-31'"


def fold_subscriptions(connection: duckdb.DuckDBPyConnection, rows: str, *, gap_days: int, target: str) -> Folding:
    """Fold subscriptions to customers.

    Subscriptions that overlap, follow each other, or leave a gap of at most `gap_days` form one spell. Revenue is that of the subscriptions
    running on the customer's last day (of the open ones while any is open); the segment is that of the subscription begun last.

    Args:
        connection: Where the rows are.
        rows: SQL of the kept subscriptions: customer_id, start_date, end_date, segment, revenue.
        gap_days: See `iceberg.ingest.joining.Joining`.
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
