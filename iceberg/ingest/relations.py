"""Owns which column of one table holds the ids of another: proposed from the values that overlap, never from the headers alone."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

import duckdb

from iceberg.ingest.columns import CERTAIN, normalise_header
from iceberg.ingest.database import connect
from iceberg.ingest.dates import recognise_dates
from iceberg.ingest.identifiers import SAMPLED_IDS
from iceberg.ingest.joining import Relation
from iceberg.ingest.mapping import FIELDS, ColumnMapping, FieldChoice
from iceberg.ingest.read import SourceColumn, SourceTable, read_source
from iceberg.ingest.sources import Source, Workspace

ENOUGH_OVERLAP = 0.5  # judgement: with fewer ids in common the two columns are probably about different things
_UNIQUE = 0.98  # judgement: a column that repeats more than this is not what the other table is about
_LONGEST_ID = 64
_FEW_VALUES = 5  # fewer distinct values are labels, not ids (judgement)
_ID_WORDS = frozenset({"id", "code", "number", "numero", "no", "n", "ref", "reference", "key", "uuid", "client", "customer", "account", "compte"})
# Tables that may be about a customer, a subscription; what the others point at.
_POINTED_AT = ("customers", "subscriptions")


@dataclass(frozen=True)
class _Ids:
    table: str
    column: SourceColumn
    name: str
    distinct: int
    unique: float


def looks_like_ids(column: SourceColumn) -> bool:
    """Whether the first values could be ids: short, without spaces, no dates or amounts, not a handful of labels."""
    filled = [text.strip() for text in column.sample if text is not None and text.strip()]
    named = bool(_ID_WORDS & set(normalise_header(column.header).split())) or normalise_header(column.header).endswith("id")
    if not filled or column.type.startswith(("DATE", "TIME", "BOOL", "DOUBLE", "FLOAT", "DECIMAL")):
        return False
    if not named and (len(set(filled)) < _FEW_VALUES or len(set(filled)) < 0.02 * len(filled)):
        return False
    if any(len(text) > _LONGEST_ID for text in filled[:100]) or sum(" " in text for text in filled) > 0.2 * len(filled):
        return False
    if sum(bool(re.fullmatch(r"-?\d+[.,]\d+", text)) for text in filled) > 0.2 * len(filled):
        return False
    dates = recognise_dates(filled)
    if dates is not None and dates.format in {"iso", "day_first", "month_first", "named_month"}:
        return False
    return named or any(re.search(r"[A-Za-z]", text) and re.search(r"\d", text) for text in filled[:50])


def propose_relations(connection: duckdb.DuckDBPyConnection, sources: Mapping[str, SourceTable]) -> tuple[Relation, ...]:
    """For each table and each table it may point at: the pair of columns whose ids overlap most.

    Shares are of distinct ids, a sample chosen by hash where there are more than `SAMPLED_IDS`. The side that holds each id once is pointed at.
    """
    ids = {table: _collect(connection, table, source) for table, source in sources.items()}
    found = []
    for table, own in ids.items():
        for other in _POINTED_AT:
            if other == table or other not in ids:
                continue
            best: Relation | None = None
            for left in own:
                for right in ids[other]:
                    same = normalise_header(left.column.header) == normalise_header(right.column.header)
                    if right.unique < _UNIQUE and not (same and other == "subscriptions" and "customers" not in ids):
                        continue
                    share, seen = _overlap(connection, left, right)
                    if share >= ENOUGH_OVERLAP and (best is None or (share, same) > (best.share, best.same_header)):
                        files = sources[table].reading.file, sources[other].reading.file
                        best = Relation(table, left.column.header, other, right.column.header, share, seen, same, *files)
            found += [best] if best is not None else []
    for entries in ids.values():
        for entry in entries:
            connection.execute(f"DROP TABLE {entry.name}")
    # Who points at the customers directly needs no way round.
    direct = {relation.table for relation in found if relation.other_table == "customers"}
    return tuple(relation for relation in found if relation.other_table == "customers" or relation.table not in direct)


def _collect(connection: duckdb.DuckDBPyConnection, table: str, source: SourceTable) -> list[_Ids]:
    columns = [column for column in source.columns if looks_like_ids(column)]
    collected = []
    for place, column in enumerate(columns):
        name = f"ids_{table}_{place}"
        text = f"nullif(trim(CAST({column.sql} AS VARCHAR)), '')"
        try:
            counted = f"SELECT {text} AS id, count(*) AS rows FROM {source.from_sql} GROUP BY 1 HAVING id NOT NULL"
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {counted}")
        except duckdb.InvalidInputException:  # malformed lines; they are mended when the table is read
            continue
        finally:
            if source.rejects:
                connection.execute(f"DROP TABLE IF EXISTS {source.rejects}; DROP TABLE IF EXISTS {source.rejects}_scan")
        distinct, rows = connection.sql(f"SELECT count(*), coalesce(sum(rows), 0) FROM {name}").fetchall()[0]
        collected.append(_Ids(table, column, name, distinct, distinct / rows if rows else 0.0))
    return collected


def _overlap(connection: duckdb.DuckDBPyConnection, left: _Ids, right: _Ids) -> tuple[float, int]:
    sample = f"SELECT id FROM {left.name} ORDER BY hash(id) LIMIT {SAMPLED_IDS}"
    seen, met = connection.sql(f"SELECT count(*), count(*) FILTER (id IN (SELECT id FROM {right.name})) FROM ({sample})").fetchall()[0]
    return (met / seen if seen else 0.0), seen


def complete_with_relations(mappings: Mapping[str, ColumnMapping], relations: tuple[Relation, ...]) -> dict[str, ColumnMapping]:
    """Mappings whose missing or doubtful customer id is the column whose ids overlap.

    A table that points at subscriptions instead of customers is marked ``via = "subscriptions"``: its ids are looked up there.
    """
    completed = dict(mappings)
    for relation in relations:
        mapping = mappings.get(relation.table)
        own = mapping.choices.get("customer_id") if mapping is not None else None
        if mapping is None or relation.table == "customers" or (own is not None and own.confidence >= CERTAIN):
            continue
        if any(choice.header == relation.column and name != "customer_id" for name, choice in mapping.choices.items()):
            continue
        through = relation.other_table == "subscriptions" and _is_own_id(mappings, relation)
        choice = FieldChoice("customer_id", relation.column, round(0.9 * relation.share, 3), "ids_overlap", "relation")
        choices = {"customer_id": choice} | {name: kept for name, kept in mapping.choices.items() if name != "customer_id"}
        completed[relation.table] = replace(mapping, choices=choices, via="subscriptions" if through else "")
    return completed


def _is_own_id(mappings: Mapping[str, ColumnMapping], relation: Relation) -> bool:
    customer = mappings["subscriptions"].header("customer_id") if "subscriptions" in mappings else None
    return customer != relation.other_column


def relate_files(sources: Mapping[str, Source]) -> tuple[Relation, ...]:
    """The relations between files, looked at on their own; files that name nobody take no part.

    Raises:
        FileError: A file is not a table.
    """
    workspace, connection = Workspace(), connect()
    try:
        opened = {table: read_source(connection, source, workspace) for table, source in sources.items() if "customer_id" in FIELDS.get(table, ())}
        return propose_relations(connection, opened) if len(opened) > 1 else ()
    finally:
        connection.close()
        workspace.close()
