"""Counts the contradictions between tables, with examples and the rule that decides; nothing is averaged."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import duckdb

from iceberg.ingest.joining.options import Contradiction, Joining

EXAMPLES = 3


@dataclass(frozen=True)
class _Check:
    """One kind of contradiction: the conditions are SQL over the joined customers."""

    code: str
    tables: tuple[str, ...]  # "flag" is the column churned yes or no
    sql: str
    of: str  # of the customers that could be concerned
    option: str  # of `Joining`, which decides


_OPEN = "spells IS NOT NULL AND folded_end IS NULL"
_CHECKS = (
    _Check("flag_without_event", ("flag", "events"), "churned AND last_event IS NULL", "churned", "flag"),
    _Check("event_without_flag", ("flag", "events"), "NOT churned AND last_event IS NOT NULL", "last_event IS NOT NULL", "flag"),
    _Check("flag_and_event", ("flag", "events"), "churned AND last_event IS NOT NULL", "churned OR last_event IS NOT NULL", ""),
    _Check("flag_without_date", ("flag",), "churned AND end_date IS NULL", "churned", "flag"),
    _Check("date_without_flag", ("flag",), "NOT churned AND own_end IS NOT NULL", "own_end IS NOT NULL", "flag"),
    _Check("flag_but_open", ("flag", "subscriptions"), f"churned AND {_OPEN}", "churned", "end_from"),
    _Check("end_differs_from_event", ("customers", "events"), "own_end <> last_event", "own_end IS NOT NULL AND last_event IS NOT NULL", "end_from"),
    _Check("end_but_open", ("customers", "subscriptions"), f"own_end IS NOT NULL AND {_OPEN}", "own_end IS NOT NULL", "end_from"),
    _Check("event_but_open", ("events", "subscriptions"), f"{_OPEN} AND last_start <= last_event", "last_event IS NOT NULL", "end_from"),
    _Check("event_then_return", ("events", "subscriptions"), "last_start > last_event", "last_event IS NOT NULL", "reactivated"),
    _Check("event_before_start", ("customers", "events"), "early_events > 0", "early_events IS NOT NULL", "start_from"),
    _Check("subscription_before_start", ("customers", "subscriptions"), "first_start < own_start", "first_start IS NOT NULL", "start_from"),
    _Check("activity_before_start", ("customers", "activity"), "first_day < own_start", "first_day IS NOT NULL", "start_from"),
    _Check("activity_after_end", ("customers", "activity"), "last_day > own_end", "own_end IS NOT NULL AND last_day IS NOT NULL", "end_from"),
)


def find_contradictions(
    connection: duckdb.DuckDBPyConnection,
    customers: str,
    complaints: str,
    rules: Joining,
    files: Mapping[str, str],
    *,
    tables: frozenset[str],
    flagged: bool,
) -> tuple[Contradiction, ...]:
    """Count the contradictions of each kind.

    Args:
        connection: Connection with the rows.
        customers: SQL of the joined customers, with the days of every table.
        complaints: SQL of the complaints: customer_id, complaint_date; "" where there are none.
        rules: The rules in force.
        files: File of each table.
        tables: Tables that were loaded.
        flagged: Whether the customers have a column churned yes or no.
    """
    present = (set(files) & tables) | ({"flag"} if flagged else set())
    checks = [check for check in _CHECKS if set(check.tables) <= present]
    contradictions: list[Contradiction] = []
    if checks:
        counts = ", ".join(f"count(*) FILTER ({check.sql}), count(*) FILTER ({check.of})" for check in checks)
        row = connection.execute(f"SELECT {counts} FROM ({customers})").fetchall()[0]
        for place, check in enumerate(checks):
            if row[2 * place]:
                ids = connection.execute(f"SELECT customer_id FROM ({customers}) WHERE {check.sql} ORDER BY customer_id LIMIT {EXAMPLES}").fetchall()
                file, other = (files["customers" if table == "flag" else table] for table in (check.tables[0], check.tables[-1]))
                choice = str(getattr(rules, check.option)) if check.option else ""
                examples = tuple(str(customer_id) for (customer_id,) in ids)
                contradictions.append(Contradiction(check.code, row[2 * place], row[2 * place + 1], check.option, choice, examples, file, other))
    if complaints:
        contradictions += _early_complaints(connection, customers, complaints, rules, files)
    return tuple(contradictions)


def _early_complaints(
    connection: duckdb.DuckDBPyConnection, customers: str, complaints: str, rules: Joining, files: Mapping[str, str]
) -> list[Contradiction]:
    """Complaints dated before the first day in the customers table."""
    joined = f"SELECT k.customer_id FROM ({complaints}) k JOIN ({customers}) c USING (customer_id)"
    early = f"{joined} WHERE k.complaint_date < c.own_start"
    count, total = connection.execute(f"SELECT (SELECT count(*) FROM ({early})), (SELECT count(*) FROM ({joined}))").fetchall()[0]
    if not count:
        return []
    ids = connection.execute(f"SELECT DISTINCT customer_id FROM ({early}) ORDER BY 1 LIMIT {EXAMPLES}").fetchall()
    file = files.get("customers", next(iter(files.values())))
    examples = tuple(str(customer_id) for (customer_id,) in ids)
    return [Contradiction("complaint_before_start", count, total, "early_complaints", rules.early_complaints, examples, files["complaints"], file)]
