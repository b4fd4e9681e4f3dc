"""Makes ids comparable that two systems write differently: the steps, their SQL, and the proposal of steps."""

from __future__ import annotations

import re
from collections.abc import Sequence
from os.path import commonprefix

import duckdb

from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.joining.options import PREFIX_STEP, IdProposal
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.scan.scan import Scan

SAMPLED_IDS = 20_000  # distinct ids compared, chosen by hash, so that the order of rows does not matter
_WORTH = 0.01  # judgement: a step must match at least one more id in a hundred
_EXAMPLES = 3


def id_sql(text: str, steps: Sequence[str]) -> str:
    """SQL of a VARCHAR: the id after `steps`, never empty; `text` is SQL of a VARCHAR and may name any columns."""
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
        "exact": text,
        # Salesforce adds three characters to an id for systems that ignore case.
        "salesforce_15": f"CASE WHEN regexp_full_match({text}, '[a-zA-Z0-9]{{18}}') THEN substr({text}, 1, 15) ELSE {text} END",
    }[step]


def normalise_ids(connection: duckdb.DuckDBPyConnection, item: JudgedTable, steps: Sequence[str]) -> None:
    """Write the ids of a table in the common way; rows and their numbers stay as they are."""
    item.scan = Scan()
    if item.is_view:
        name = f"{item.read_name}_ids"
        replaced = f"SELECT * REPLACE ({id_sql('customer_id', steps)} AS customer_id) FROM {item.read_name}"
        connection.execute(f"CREATE OR REPLACE TEMP VIEW {name} AS {replaced}")
        item.read_name = name
    else:
        connection.execute(f"UPDATE {item.read_name} SET customer_id = {id_sql('customer_id', steps)} WHERE customer_id IS NOT NULL")


def propose_ids(connection: duckdb.DuckDBPyConnection, table: str, rows: str, customers: str, *, applied: Sequence[str] = ()) -> IdProposal | None:
    """The fewest steps after which most ids of `table` match a customer; None where no step helps.

    A step that would merge two customers is never proposed.

    Args:
        connection: Connection with the rows.
        table: Canonical name of the table with unknown ids.
        rows: Relation of its rows, with a column customer_id.
        customers: Relation of the customers, with a column customer_id.
        applied: Steps already in force; the proposal repeats them.
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
        plain_first = sorted(steps, key=lambda step: step not in {"strip", "casefold"})  # of steps that help alike, what changes an id least
        tried, share = _best_steps(connection, [_in_order((*chosen, step), steps) for step in plain_first if step not in chosen])
        if share < best + _WORTH and not chosen:  # two steps, such as a prefix and zeros, can help where one alone does not
            pairs = [(first, second) for first in steps for second in steps if first < second]
            tried, share = _best_steps(connection, [_in_order(pair, steps) for pair in pairs])
        if share < best + _WORTH:
            break
        chosen, best = tried, share
    examples = _examples(connection, chosen) if chosen else ()
    connection.execute("DROP TABLE ids_here; DROP TABLE ids_there")
    return IdProposal(table, (*applied, *chosen), before, best, examples) if chosen else None


def _in_order(chosen: Sequence[str], steps: Sequence[str]) -> tuple[str, ...]:
    return tuple(step for step in steps if step in chosen)


def _best_steps(connection: duckdb.DuckDBPyConnection, choices: Sequence[tuple[str, ...]]) -> tuple[tuple[str, ...], float]:
    shares = {steps: _share(connection, steps) for steps in choices}
    return max(shares.items(), key=lambda item: item[1], default=((), 0.0))


def _share(connection: duckdb.DuckDBPyConnection, steps: Sequence[str]) -> float:
    """Share of the ids that match a customer after `steps`; 0 where the steps would merge customers."""
    there = id_sql("id", steps)
    if steps:
        ids, merged = connection.sql(f"SELECT count(*), count(DISTINCT {there}) FROM ids_there").fetchall()[0]
        if merged < ids:
            return 0.0
    share = connection.sql(f"SELECT avg(CASE WHEN {there} IN (SELECT {there} FROM ids_there) THEN 1.0 ELSE 0.0 END) FROM ids_here").fetchall()[0][0]
    return float(share or 0.0)


def _prefix(connection: duckdb.DuckDBPyConnection, table: str) -> str:
    """The common prefix of the ids, up to the first digit."""
    ids = [row[0] for row in connection.sql(f"SELECT trim(id) FROM {table} ORDER BY hash(id) LIMIT 200").fetchall()]
    common = commonprefix([text.lower() for text in ids])  # noqa: RUF071  # by characters, as ids are no paths
    prefix = re.split("[0-9]", common, maxsplit=1)[0] if len(ids) > 1 else ""
    return ids[0][: len(prefix)] if prefix and all(len(text) > len(prefix) for text in ids) else ""


def _examples(connection: duckdb.DuckDBPyConnection, steps: Sequence[str]) -> tuple[tuple[str, str], ...]:
    pairs = connection.sql(
        f"SELECT h.id, t.id FROM ids_here h JOIN ids_there t ON {id_sql('h.id', steps)} = {id_sql('t.id', steps)} WHERE h.id <> t.id "
        f"ORDER BY 1 LIMIT {_EXAMPLES}"
    ).fetchall()
    return tuple((str(own), str(other)) for own, other in pairs)
