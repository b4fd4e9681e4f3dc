"""Owns which column of one table holds the ids of another: proposed from the values that overlap, or told; then written into the mappings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import duckdb

from iceberg.errors import MappingError
from iceberg.ingest.columns.mapping import ColumnMapping, FieldChoice, Opened
from iceberg.ingest.columns.propose import CERTAIN, normalise_header
from iceberg.ingest.files.read import drop_rejects
from iceberg.ingest.files.source_table import SourceColumn
from iceberg.ingest.joining.identifiers import SAMPLED_IDS
from iceberg.ingest.joining.links import POINTED_AT, Link, LinkChoice, Origin, Relation, Relations
from iceberg.ingest.schema import FIELDS
from iceberg.ingest.values.dates import recognise_dates

ENOUGH_OVERLAP = 0.5  # judgement: with fewer ids in common the two columns are probably about different things
_WORTH_SHOWING = 0.05  # judgement: pairs with less in common are no alternative
_MOST_ALTERNATIVES = 5
_CLEARLY_BETTER = 0.3  # judgement: what the values say replaces what a header says only when they say it this much more clearly
_UNIQUE = 0.98  # judgement: a column that repeats more than this is not what the other table is about
_LONGEST_ID = 64
_FEW_VALUES = 5  # fewer distinct values are labels, not ids (judgement)
_ID_WORDS = frozenset({"id", "code", "number", "numero", "no", "n", "ref", "reference", "key", "uuid", "client", "customer", "account", "compte"})
# Some systems name the account instead of its id: such a column of the table pointed at is looked at too, where each name stands once.
_NAMES_ENGLISH = frozenset(["account name", "company name", "customer name", "customer", "client", "name"])
_NAMES = _NAMES_ENGLISH | {"nom du compte", "nom de l entreprise", "nom du client", "nom client", "raison sociale"}
# Beyond this, counting overlaps would cost as much as the estimate: `check` still does it, the rest goes by headers.
MEASURED_BYTES = 64 << 20

OpenedTables = Mapping[str, Sequence[Opened]]


@dataclass(frozen=True)
class _Ids:
    table: str
    column: SourceColumn
    name: str
    distinct: int
    unique: float
    counts_rows: bool


def base_of(tables: Mapping[str, object]) -> str:
    """The table that says who the customers are; "" where none does."""
    return next((table for table in POINTED_AT if table in tables), "")


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


def find_relations(connection: duckdb.DuckDBPyConnection, opened: OpenedTables) -> dict[str, list[Relation]]:
    """For each table every pair of columns with ids in common, those with most in common first.

    Shares are of distinct ids, a sample chosen by hash where there are more than `SAMPLED_IDS`. The side that holds each id once is pointed at.
    """
    pointing = {table: parts for table, parts in opened.items() if "customer_id" in FIELDS[table] and table != "flat"}
    base = base_of(pointing)
    ids = {table: _collect(connection, table, parts) for table, parts in pointing.items()}
    found: dict[str, list[Relation]] = {}
    for table, own in ids.items():
        for other in POINTED_AT:
            if other == table or other not in ids or table == base or (other == "activity" and other != base):
                continue
            for left in own:
                for right in ids[other]:
                    same = normalise_header(left.column.header) == normalise_header(right.column.header)
                    its_own_id = other == base and right.column.header == pointing[other][0][1].header("customer_id")
                    if right.unique < _UNIQUE and not its_own_id and not (same and other == base):
                        continue
                    met, seen = _overlap(connection, left, right)
                    if met:
                        files = pointing[table][0][0].reading.file, pointing[other][0][0].reading.file
                        pair = Relation(table, left.column.header, other, right.column.header, met / seen, seen, same, *files, met, right.unique)
                        found.setdefault(table, []).append(pair)
    counting = {(table, one.column.header) for table, own in ids.items() for one in own if one.counts_rows}
    for entries in ids.values():
        for entry in entries:
            connection.execute(f"DROP TABLE {entry.name}")
    # A column that numbers its own rows 1, 2, 3 ... meets anything that is numbered so.
    return {table: sorted((one for one in pairs if (table, one.column) not in counting), key=_rank) for table, pairs in found.items()}


def _rank(relation: Relation) -> tuple[object, ...]:
    return (-relation.share, not relation.same_header, POINTED_AT.index(relation.other_table), relation.column, relation.other_column)


def propose_relations(candidates: Mapping[str, Sequence[Relation]]) -> dict[str, Relation]:
    """The best pair of each table: who points at the customers directly needs no way round."""
    best = {}
    for table, pairs in candidates.items():
        enough = [pair for pair in pairs if pair.share >= ENOUGH_OVERLAP]
        direct = [pair for pair in enough if pair.other_table == "customers"]
        if enough:
            best[table] = (direct or enough)[0]
    return best


def _collect(connection: duckdb.DuckDBPyConnection, table: str, parts: Sequence[Opened]) -> list[_Ids]:
    (first, mapping), *_ = parts
    # The column called the customer's is looked at whatever its values look like.
    named = _NAMES if table in POINTED_AT else frozenset()
    columns = [
        column
        for column in first.columns
        if looks_like_ids(column) or column.header == mapping.header("customer_id") or normalise_header(column.header) in named
    ]
    collected = []
    for place, column in enumerate(columns):
        name = f"ids_{table}_{place}"
        wanted = [(source, source.column(column.header)) for source, _ in parts]
        each = [f"SELECT CAST({one.sql} AS VARCHAR) AS id FROM {source.from_sql}" for source, one in wanted if one is not None]
        try:
            counted = f"SELECT nullif(trim(id), '') AS id, count(*) AS rows FROM ({' UNION ALL '.join(each)}) GROUP BY 1 HAVING id NOT NULL"
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {counted}")
        except duckdb.InvalidInputException:  # malformed lines; they are mended when the table is read
            continue
        finally:
            for source, _ in parts:
                drop_rejects(connection, source)
        distinct, rows, span = connection.sql(
            f"SELECT count(*), coalesce(sum(rows), 0), max(TRY_CAST(id AS BIGINT)) - min(TRY_CAST(id AS BIGINT)) + 1 FROM {name} "
        ).fetchall()[0]
        unique = distinct / rows if rows else 0.0
        serial = unique >= _UNIQUE and span is not None and distinct <= span <= 1.1 * distinct and column.header != mapping.header("customer_id")
        collected.append(_Ids(table, column, name, distinct, unique, serial))
    return collected


def _overlap(connection: duckdb.DuckDBPyConnection, left: _Ids, right: _Ids) -> tuple[int, int]:
    """Ids of the left side that the right side has, and ids looked at."""
    sample = f"SELECT id FROM {left.name} ORDER BY hash(id) LIMIT {SAMPLED_IDS}"
    seen, met = connection.execute(f"SELECT count(*), count(*) FILTER (id IN (SELECT id FROM {right.name})) FROM ({sample})").fetchall()[0]
    return int(met), int(seen)


def relate_tables(
    connection: duckdb.DuckDBPyConnection,
    opened: Mapping[str, list[Opened]],
    told: Mapping[str, LinkChoice],
    *,
    given: frozenset[str],
    measure: bool | None = None,
) -> tuple[dict[str, list[Opened]], Relations]:
    """Mappings that join the tables as was told, else as headers and overlapping ids say; and the account of it.

    Args:
        connection: Where the files can be queried.
        opened: Files and mappings of each table.
        told: Joins that a mapping names; they win.
        given: Tables whose columns a mapping names: their customer id is never changed unless `told`.
        measure: Count overlaps; None does so where the files are small, or where a header leaves a doubt.

    Raises:
        MappingError: ``link_table_missing``, ``link_twice``.
    """
    pointing = {table: parts for table, parts in opened.items() if "customer_id" in FIELDS[table] and table != "flat"}
    base = base_of(pointing)
    if len(pointing) < 2 or not base:
        return dict(opened), Relations()
    related = {table: list(parts) for table, parts in opened.items()}
    origins: dict[str, Origin] = {}
    for table, choice in told.items():
        if table in related and table != base:
            _join(related, table, choice)
            origins[table] = "mapping"
    unsure = {table for table, ((_, mapping), *_) in pointing.items() if table not in {base, *origins} and not _knows_customer(mapping)}
    size = sum(_size(part) for parts in pointing.values() for part in parts)
    if measure is None:
        measure = bool(unsure) or size <= MEASURED_BYTES
    candidates = find_relations(connection, related) if measure else {}
    for table, relation in propose_relations(candidates).items():
        if table in {base, *origins} or (table not in unsure and not _clearly_better(relation, related, candidates[table], table in given)):
            continue
        if _is_free(related[table][0][1], relation.column):
            _join(related, table, relation.choice, share=relation.share)
            origins[table] = "overlap"
    links = [
        _link(related, table, origins.get(table, "mapping" if table in given else "header"), candidates.get(table, []), base)
        for table in related
        if table in pointing and table != base and "customer_id" in related[table][0][1].choices
    ]
    return related, Relations(tuple(links), base, measure)


def _knows_customer(mapping: ColumnMapping) -> bool:
    choice = mapping.choices.get("customer_id")
    return choice is not None and choice.confidence >= CERTAIN


def _size(part: Opened) -> int:
    """Bytes to look through: packed text unpacks to some ten times its size."""
    reading = part[0].reading
    return reading.size_bytes * (10 if reading.file.lower().endswith(".gz") else 1)


def _clearly_better(relation: Relation, related: OpenedTables, candidates: Sequence[Relation], was_given: bool) -> bool:
    """Whether the ids say clearly that the header was misleading."""
    now = _choice_of(related, relation.table)
    shared = next((one.share for one in candidates if one.choice == now), 0.0)
    return not was_given and shared < ENOUGH_OVERLAP and relation.share >= shared + _CLEARLY_BETTER


def _is_free(mapping: ColumnMapping, header: str) -> bool:
    """Whether no other field is read from this column."""
    return not any(choice.header == header and name != "customer_id" for name, choice in mapping.choices.items())


def _choice_of(related: OpenedTables, table: str) -> LinkChoice:
    """The join in force, from the mappings."""
    mapping = related[table][0][1]
    other = mapping.via or base_of(related)
    field = {"subscriptions": "subscription_id", "customers": "link_id"}[mapping.via] if mapping.via else "customer_id"
    return LinkChoice(mapping.header("customer_id") or "", other, related[other][0][1].header(field) or "" if other in related else "")


def _link(related: OpenedTables, table: str, origin: Origin, candidates: Sequence[Relation], base: str) -> Link:
    now = _choice_of(related, table)
    relation = next((one for one in candidates if one.choice == now), None)
    if relation is None:
        files = related[table][0][0].reading.file, related[now.other_table or base][0][0].reading.file
        same = normalise_header(now.column) == normalise_header(now.other_column)
        relation = Relation(table, now.column, now.other_table, now.other_column, 0.0, 0, same, *files)
    others = tuple(one for one in candidates if one.choice != now and one.share >= _WORTH_SHOWING)
    return Link(relation, origin, others[:_MOST_ALTERNATIVES])


def _join(related: dict[str, list[Opened]], table: str, choice: LinkChoice, *, share: float = 0.0) -> None:
    """Write a join into the mappings: the column becomes the customer id, looked up by way of another id where it is not the customers' own."""
    if choice.other_table not in related:
        raise MappingError("link_table_missing", {"table": table, "column": choice.column, "other": choice.other_table})
    other = related[choice.other_table][0][1]
    base = base_of(related)
    own = choice.other_column in {"", other.header("customer_id")} and (choice.other_table == base or choice.other_column != "")
    via = "" if own else choice.other_table
    if via in {"customers", "subscriptions"}:
        field = "link_id" if via == "customers" else "subscription_id"
        column = choice.other_column or other.header(field) or ""
        known = other.choices.get(field)
        users = [one for one, parts in related.items() if one != table and parts[0][1].via == via]
        if known is not None and known.header != column and users:
            raise MappingError("link_twice", {"table": table, "other": via, "column": column, "taken": known.header, "users": ", ".join(users)})
        _put(related, via, FieldChoice(field, column, 1.0, "ids_overlap" if share else "chosen", "relation"))
    elif via:
        _put(related, via, FieldChoice("customer_id", choice.other_column, 1.0, "chosen", "relation"))
        via = ""
    sure = FieldChoice("customer_id", choice.column)
    if share:
        sure = FieldChoice("customer_id", choice.column, round(0.9 * share, 3), "ids_overlap", "relation")  # half of them: asked
    _put(related, table, sure)
    related[table] = [(source, replace(mapping, via=via)) for source, mapping in related[table]]


def _put(related: dict[str, list[Opened]], table: str, choice: FieldChoice) -> None:
    """The same choice in the mapping of every file of a table."""
    related[table] = [
        (source, replace(mapping, choices={choice.field: choice} | {name: kept for name, kept in mapping.choices.items() if name != choice.field}))
        for source, mapping in related[table]
    ]


def measure_again(connection: duckdb.DuckDBPyConnection, relations: Relations, read: Mapping[str, str]) -> Relations:
    """The same joins with the shares of ids that meet once they were made comparable.

    Args:
        connection: Where the rows are.
        relations: As measured on the ids in the files.
        read: Relation of the rows that were read, by table, with customer_id made comparable.
    """
    base = read.get(relations.base)
    if not relations.measured or base is None:
        return relations
    links = []
    for link in relations.links:
        rows = read.get(link.relation.table)
        if rows is None or link.relation.other_table != relations.base:
            links.append(link)
            continue
        ids = f"SELECT DISTINCT customer_id AS id FROM {rows} WHERE customer_id IS NOT NULL"
        [(seen, met)] = connection.execute(f"SELECT count(*), count(*) FILTER (id IN (SELECT customer_id FROM {base})) FROM ({ids})").fetchall()
        links.append(replace(link, relation=replace(link.relation, share=met / seen if seen else 0.0, ids=seen, found=met)))
    return replace(relations, links=tuple(links))
