"""Owns how ids that two systems write in two ways are made comparable: the steps, their SQL, and the proposal with the share that meets."""

from __future__ import annotations

import re
from collections.abc import Sequence

import duckdb

from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.joining.options import PREFIX_STEP, IdProposal
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.scan.scan import Scan

SAMPLED_IDS = 20_000  # distinct ids compared, chosen by hash: the same ones whatever the order of rows
_WORTH = 0.01  # judgement: a step must make at least one id in a hundred meet
_EXAMPLES = 3
_PREFIX = re.compile(r"[^0-9]*")


def id_sql(text: str, steps: Sequence[str]) -> str:
    """SQL of an id after `steps`; an id never becomes empty."""
    for step in steps:
        text = _step_sql(text, step)
    return text


def _step_sql(text: str, step: str) -> str:
    if step.startswith(PREFIX_STEP):
        prefix = step.removeprefix(PREFIX_STEP)
        same = f"starts_with(lower({text}), {quote_text(prefix.lower())})"
        return f"CASE WHEN {same} AND length({text}) > {len(prefix)} THEN substr({text}, {len(prefix) + 1}) ELSE {text} END"
    return {
        "strip": f"coalesce(nullif(regexp_replace({text}, '[\\s\\x{{00A0}}\\x{{202F}}\\x{{FEFF}}]+', '', 'g'), ''), {text})",
        "strip_decimal": f"regexp_replace({text}, '^([0-9]+)[.,]0+$', '\\1')",
        "strip_zeros": f"regexp_replace({text}, '^0+([0-9A-Za-z])', '\\1')",
        "casefold": f"lower({text})",
        # The same record with and without the three characters that make its id safe where case does not count.
        "salesforce_15": f"CASE WHEN regexp_full_match({text}, '[a-zA-Z0-9]{{18}}') THEN substr({text}, 1, 15) ELSE {text} END",
    }[step]


def normalise_ids(connection: duckdb.DuckDBPyConnection, item: JudgedTable, steps: Sequence[str]) -> None:
    """Write the ids of a table in the common way; rows and their numbers stay as they are."""
    item.scan = Scan()
    if item.is_view:
        name = f"{item.read_name}_ids"
        connection.execute(
            f"CREATE OR REPLACE TEMP VIEW {name} AS SELECT * REPLACE ({id_sql('customer_id', steps)} AS customer_id) FROM {item.read_name}"
        )
        item.read_name = name
    else:
        connection.execute(f"UPDATE {item.read_name} SET customer_id = {id_sql('customer_id', steps)} WHERE customer_id IS NOT NULL")


def propose_ids(
    connection: duckdb.DuckDBPyConnection, table: str, rows: str, customers: str, *, applied: Sequence[str] = ()
) -> IdProposal | None:
    """The fewest steps after which the ids of `table` meet those of the customers best; None where no step helps.

    A step that would make two customers one is never proposed.

    Args:
        connection: Where the rows are.
        table: Canonical name of the table whose ids miss.
        rows: Relation with a column customer_id.
        customers: Another.
        applied: Steps already in force; they stay in the proposal.
    """
    connection.execute(
        f"CREATE OR REPLACE TEMP TABLE ids_here AS SELECT customer_id AS id FROM "
        f"(SELECT DISTINCT customer_id FROM {rows} WHERE customer_id IS NOT NULL) ORDER BY hash(customer_id) LIMIT {SAMPLED_IDS}"
    )
    connection.execute(f"CREATE OR REPLACE TEMP TABLE ids_there AS SELECT DISTINCT customer_id AS id FROM {customers} WHERE customer_id IS NOT NULL")
    before = _share(connection, ())
    best, chosen = before, tuple[str, ...]()
    prefixes = [PREFIX_STEP + prefix for prefix in dict.fromkeys((_prefix(connection, "ids_here"), _prefix(connection, "ids_there"))) if prefix]
    steps: tuple[str, ...] = ("strip", "strip_decimal", *prefixes, "strip_zeros", "casefold", "salesforce_15")
    while True:
        tried = {step: _share(connection, _in_order((*chosen, step), steps)) for step in steps if step not in chosen}
        pairs = {(one, two): 0.0 for one in tried for two in tried if one < two} if not chosen else {}
        step, share = max(tried.items(), key=lambda item: item[1], default=("", 0.0))
        if share < best + _WORTH and not chosen:  # one step alone may not help where two do: a prefix and zeros
            pairs = {pair: _share(connection, _in_order(pair, steps)) for pair in pairs}
            (one, two), share = max(pairs.items(), key=lambda item: item[1], default=(("", ""), 0.0))
            if share >= best + _WORTH:
                chosen, best = _in_order((one, two), steps), share
                continue
        if share < best + _WORTH:
            break
        chosen, best = _in_order((*chosen, step), steps), share
    examples = _examples(connection, chosen) if chosen else ()
    connection.execute("DROP TABLE ids_here; DROP TABLE ids_there")
    return IdProposal(table, (*applied, *chosen), before, best, examples) if chosen else None


def _in_order(chosen: Sequence[str], steps: Sequence[str]) -> tuple[str, ...]:
    return tuple(step for step in steps if step in chosen)


def _share(connection: duckdb.DuckDBPyConnection, steps: Sequence[str]) -> float:
    """Share of the ids that meet a customer after `steps`; 0 when these would merge customers."""
    there = id_sql("id", steps)
    if steps:
        ids, merged = connection.sql(f"SELECT count(*), count(DISTINCT {there}) FROM ids_there").fetchall()[0]
        if merged < ids:
            return 0.0
    share = connection.sql(f"SELECT avg(CASE WHEN {there} IN (SELECT {there} FROM ids_there) THEN 1.0 ELSE 0.0 END) FROM ids_here").fetchall()[0][0]
    return float(share or 0.0)


def _prefix(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """What nearly every id begins with, up to its first digit."""
    ids = [row[0] for row in connection.sql(f"SELECT trim(id) FROM {table} ORDER BY hash(id) LIMIT 200").fetchall()]
    lowered = sorted(text.lower() for text in ids)
    length = next((i for i, (one, other) in enumerate(zip(lowered[0], lowered[-1], strict=False)) if one != other), len(lowered[0])) if lowered else 0
    match = _PREFIX.match(lowered[0][:length]) if lowered else None
    prefix = match.group(0) if match and len(ids) > 1 else ""
    return ids[0][: len(prefix)] if prefix and all(len(text) > len(prefix) for text in ids) else ""


def _examples(connection: duckdb.DuckDBPyConnection, steps: Sequence[str]) -> tuple[tuple[str, str], ...]:
    pairs = connection.sql(
        f"SELECT h.id, t.id FROM ids_here h JOIN ids_there t ON {id_sql('h.id', steps)} = {id_sql('t.id', steps)} WHERE h.id <> t.id "
        f"ORDER BY 1 LIMIT {_EXAMPLES}"
    ).fetchall()
    return tuple((str(one), str(other)) for one, other in pairs)
