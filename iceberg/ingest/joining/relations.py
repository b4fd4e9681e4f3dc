"""Finds which column of one table holds the ids of another, by headers and overlapping values, and writes the joins into the mappings."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import product

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

ENOUGH_OVERLAP = 0.5  # judgement: with fewer common ids the two columns probably mean different things
_WORTH_SHOWING = 0.05  # judgement: pairs with fewer common ids are no alternative
_MOST_ALTERNATIVES = 5
_CLEARLY_BETTER = 0.3  # judgement: the values override a header only where their overlap is larger by this much
_UNIQUE = 0.98  # judgement: a column with more repeated values is not the id of its table
_LONGEST_ID = 64
_LONG_NUMBER = 4  # judgement: shorter numbers count something
_FEW_VALUES = 5  # fewer distinct values are labels, not ids (judgement)
_ID_WORDS = frozenset({"id", "code", "number", "numero", "no", "n", "ref", "reference", "key", "uuid", "client", "customer", "account", "compte"})
# Some systems export the name of the account instead of its id: the name is compared too, where it is unique.
_NAMES_ENGLISH = frozenset(["account name", "company name", "customer name", "customer", "client", "name"])
_NAMES = _NAMES_ENGLISH | {"nom du compte", "nom de l entreprise", "nom du client", "nom client", "raison sociale"}
# For larger files, counting overlaps takes as long as the estimate: only `check` does it, the rest relies on headers.
MEASURED_BYTES = 64 << 20

OpenedTables = Mapping[str, Sequence[Opened]]


@dataclass(frozen=True)
class _Ids:
    """The distinct ids of one column of a canonical table."""

    table: str
    column: SourceColumn
    name: str  # of the table in the database that has the ids
    unique: float  # their share of the cells that are not blank
    counts_rows: bool  # whether the column numbers the rows of its own table


def base_of(tables: Mapping[str, object]) -> str:
    """The table with the customers; "" where there is none."""
    return next((table for table in POINTED_AT if table in tables), "")


def looks_like_ids(column: SourceColumn) -> bool:
    """Whether the first values can be ids: short, without spaces, no dates or amounts, more than a few labels."""
    filled = column.texts
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
    return named or _is_long_number(filled) or any(re.search(r"[A-Za-z]", text) and re.search(r"\d", text) for text in filled[:50])


def _is_long_number(texts: Sequence[str]) -> bool:
    """Whether every value is a number of `_LONG_NUMBER` digits or more, as ids are whatever their header says."""
    return all(len(text) >= _LONG_NUMBER and text.isascii() and text.isdigit() for text in texts)


def find_relations(connection: duckdb.DuckDBPyConnection, opened: OpenedTables) -> dict[str, list[Relation]]:
    """For each table, every pair of columns with common ids, those with most first.

    Shares are of distinct ids, of a sample by hash where there are more than `SAMPLED_IDS`. The other side of a pair has each id once.
    """
    pointing = _with_customers(opened)
    base = base_of(pointing)
    key = normalise_header(pointing[base][0][1].header("customer_id") or "") if base else ""
    ids = {table: _collect(connection, table, parts, key) for table, parts in pointing.items()}
    related: dict[str, list[Relation]] = {}
    for table, own in ids.items():
        others = [name for name in POINTED_AT if name in ids and table not in {name, base} and (name != "activity" or name == base)]
        for left, right in product(own, [entry for name in others for entry in ids[name]]):
            pair = _compare(connection, left, right, pointing, base)
            if pair is not None:
                related.setdefault(table, []).append(pair)
    counting = {(entry.table, entry.column.header) for entries in ids.values() for entry in entries if entry.counts_rows}
    for entries in ids.values():
        for entry in entries:
            connection.execute(f"DROP TABLE {entry.name}")
    # A column that numbers its own rows overlaps with any other such column.
    return {table: sorted((pair for pair in pairs if (table, pair.column) not in counting), key=_rank) for table, pairs in related.items()}


def _with_customers(opened: OpenedTables) -> OpenedTables:
    """The tables whose rows name a customer."""
    return {table: parts for table, parts in opened.items() if "customer_id" in FIELDS[table] and table != "flat"}


def _compare(connection: duckdb.DuckDBPyConnection, left: _Ids, right: _Ids, pointing: OpenedTables, base: str) -> Relation | None:
    """The pair of two columns; None without common ids, or where the right side repeats its ids."""
    same = normalise_header(left.column.header) == normalise_header(right.column.header)
    (other_source, other_mapping), *_ = pointing[right.table]
    unnamed = same and not _has_certain_id(other_mapping)
    is_base_id = right.table == base and (unnamed or right.column.header == other_mapping.header("customer_id"))
    if right.unique < _UNIQUE and not is_base_id:
        return None
    common, compared = _overlap(connection, left, right)
    if not common:
        return None
    files = pointing[left.table][0][0].reading.file, other_source.reading.file
    share = common / compared
    return Relation(left.table, left.column.header, right.table, right.column.header, share, compared, same, *files, common, right.unique)


def _rank(relation: Relation) -> tuple[object, ...]:
    return (-relation.share, not relation.same_header, POINTED_AT.index(relation.other_table), relation.column, relation.other_column)


def propose_relations(candidates: Mapping[str, Sequence[Relation]]) -> dict[str, Relation]:
    """The best pair of each table; a pair with the customers table is preferred to one with another table."""
    best = {}
    for table, pairs in candidates.items():
        enough = [pair for pair in pairs if pair.share >= ENOUGH_OVERLAP]
        direct = [pair for pair in enough if pair.other_table == "customers"]
        if enough:
            best[table] = (direct or enough)[0]
    return best


def _collect(connection: duckdb.DuckDBPyConnection, table: str, parts: Sequence[Opened], key: str) -> list[_Ids]:
    """The distinct ids of each column that can hold ids; the mapped customer id, and a column headed as that of the customers (`key`), can."""
    (first, mapping), *_ = parts
    named = (_NAMES if table in POINTED_AT else frozenset()) | ({key} if key else set())
    columns = [
        column
        for column in first.columns
        if looks_like_ids(column) or column.header == mapping.header("customer_id") or normalise_header(column.header) in named
    ]
    collected = []
    for place, column in enumerate(columns):
        name = f"ids_{table}_{place}"
        own = [(source, source.column(column.header)) for source, _ in parts]
        each = [f"SELECT CAST({part.sql} AS VARCHAR) AS id FROM {source.from_sql}" for source, part in own if part is not None]
        try:
            counted = f"SELECT nullif(trim(id), '') AS id, count(*) AS rows FROM ({' UNION ALL '.join(each)}) GROUP BY 1 HAVING id NOT NULL"
            connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {counted}")
        except duckdb.InvalidInputException:  # malformed lines, which are repaired when the table is read
            continue
        finally:
            for source, _ in parts:
                drop_rejects(connection, source)
        distinct, rows, span = connection.sql(
            f"SELECT count(*), coalesce(sum(rows), 0), max(TRY_CAST(id AS BIGINT)) - min(TRY_CAST(id AS BIGINT)) + 1 FROM {name} "
        ).fetchall()[0]
        unique = distinct / rows if rows else 0.0
        serial = unique >= _UNIQUE and span is not None and distinct <= span <= 1.1 * distinct and column.header != mapping.header("customer_id")
        collected.append(_Ids(table, column, name, unique, serial))
    return collected


def _overlap(connection: duckdb.DuckDBPyConnection, left: _Ids, right: _Ids) -> tuple[int, int]:
    """The number of ids of the left side that the right side has, and of ids compared."""
    sample = f"SELECT id FROM {left.name} ORDER BY hash(id) LIMIT {SAMPLED_IDS}"
    [(compared, common)] = connection.execute(f"SELECT count(*), count(*) FILTER (id IN (SELECT id FROM {right.name})) FROM ({sample})").fetchall()
    return int(common), int(compared)


def relate_tables(
    connection: duckdb.DuckDBPyConnection,
    opened: Mapping[str, list[Opened]],
    chosen: Mapping[str, LinkChoice],
    *,
    given: frozenset[str],
    measure: bool | None = None,
) -> tuple[dict[str, list[Opened]], Relations]:
    """Join the tables by the choices of the analyst, else by headers and overlapping ids.

    Args:
        connection: Connection in which the files can be queried.
        opened: Files and mappings of each table.
        chosen: Joins that the mapping fixes.
        given: Tables whose columns the mapping fixes; only `chosen` changes their customer id.
        measure: Whether to count overlaps; None counts them where the files are small, or a header is uncertain.

    Returns:
        The files with mappings that join them, and the joins with their alternatives.

    Raises:
        MappingError: ``link_table_missing``, ``link_twice``.
    """
    pointing = _with_customers(opened)
    base = base_of(pointing)
    if len(pointing) < 2 or not base:
        return dict(opened), Relations()
    related = {table: list(parts) for table, parts in opened.items()}
    origins: dict[str, Origin] = {table: "mapping" for table in chosen if table in related and table != base}
    for table in origins:
        _join(related, table, chosen[table])
    undecided = set(pointing) - {base, *origins}
    unsure = {table for table in undecided if not _has_certain_id(pointing[table][0][1])}
    nameless = base not in given and not _has_certain_id(pointing[base][0][1])
    if measure is None:
        measure = bool(unsure) or nameless or sum(_size(part) for parts in pointing.values() for part in parts) <= MEASURED_BYTES
    candidates = find_relations(connection, related) if measure else {}
    if nameless:
        _name_by_overlap(related, base, candidates)
    for table, relation in propose_relations(candidates).items():
        better = table in unsure or _clearly_better(relation, related, candidates[table], table in given)
        if table in undecided and better and _is_free(related[table][0][1], relation.column):
            _join(related, table, relation.choice, share=relation.share)
            origins[table] = "overlap"
    links = [
        _link(related, table, origins.get(table, "mapping" if table in given else "header"), candidates.get(table, []), base)
        for table in related
        if table in pointing and table != base and "customer_id" in related[table][0][1].choices
    ]
    return related, Relations(tuple(links), base, measure)


def _name_by_overlap(related: dict[str, list[Opened]], base: str, candidates: Mapping[str, Sequence[Relation]]) -> None:
    """The id of the customers themselves, where no header says which it is: the column that the other tables point at, once on each row."""
    pairs = [pair for found in candidates.values() for pair in found if pair.other_table == base and pair.unique >= _UNIQUE]
    best = max(pairs, key=lambda pair: pair.share, default=None)
    if best is not None and best.share >= ENOUGH_OVERLAP and _is_free(related[base][0][1], best.other_column):
        _put(related, base, FieldChoice("customer_id", best.other_column, round(0.9 * best.share, 3), "ids_overlap", "relation"))


def _has_certain_id(mapping: ColumnMapping) -> bool:
    choice = mapping.choices.get("customer_id")
    return choice is not None and choice.confidence >= CERTAIN


def _size(part: Opened) -> int:
    """Bytes to read, estimated; compressed text unpacks to some ten times its size."""
    reading = part[0].reading
    return reading.size_bytes * (10 if reading.file.lower().endswith(".gz") else 1)


def _clearly_better(relation: Relation, related: OpenedTables, candidates: Sequence[Relation], was_given: bool) -> bool:
    """Whether the overlap of ids is so much larger that the header must be misleading."""
    current = _choice_of(related, relation.table)
    shared = next((pair.share for pair in candidates if pair.choice == current), 0.0)
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
    current = _choice_of(related, table)
    relation = next((pair for pair in candidates if pair.choice == current), None)
    if relation is None:
        files = related[table][0][0].reading.file, related[current.other_table or base][0][0].reading.file
        same = normalise_header(current.column) == normalise_header(current.other_column)
        relation = Relation(table, current.column, current.other_table, current.other_column, 0.0, 0, same, *files)
    others = tuple(pair for pair in candidates if pair.choice != current and pair.share >= _WORTH_SHOWING)
    return Link(relation, origin, others[:_MOST_ALTERNATIVES])


def _join(related: dict[str, list[Opened]], table: str, choice: LinkChoice, *, share: float = 0.0) -> None:
    """Write a join into the mappings: the column becomes the customer id, by way of another id where it holds no customer ids."""
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
        users = [name for name, parts in related.items() if name != table and parts[0][1].via == via]
        if known is not None and known.header != column and users:
            raise MappingError("link_twice", {"table": table, "other": via, "column": column, "taken": known.header, "users": ", ".join(users)})
        _put(related, via, FieldChoice(field, column, 1.0, "ids_overlap" if share else "chosen", "relation"))
    elif via:
        _put(related, via, FieldChoice("customer_id", choice.other_column, 1.0, "chosen", "relation"))
        via = ""
    proposed = FieldChoice("customer_id", choice.column, round(0.9 * share, 3), "ids_overlap", "relation")  # uncertain for a small share
    _put(related, table, proposed if share else FieldChoice("customer_id", choice.column))
    related[table] = [(source, replace(mapping, via=via)) for source, mapping in related[table]]


def _put(related: dict[str, list[Opened]], table: str, choice: FieldChoice) -> None:
    """Write a choice into the mapping of every file of a table, as the first one."""
    related[table] = [
        (source, replace(mapping, choices={choice.field: choice} | {name: other for name, other in mapping.choices.items() if name != choice.field}))
        for source, mapping in related[table]
    ]


def measure_again(connection: duckdb.DuckDBPyConnection, relations: Relations, read: Mapping[str, str]) -> Relations:
    """The same joins with the shares of ids that match after normalisation.

    Args:
        connection: Connection with the rows.
        relations: The joins as measured on the ids in the files.
        read: Relation of the rows of each table, with a normalised customer_id.
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
        [(count, common)] = connection.execute(f"SELECT count(*), count(*) FILTER (id IN (SELECT customer_id FROM {base})) FROM ({ids})").fetchall()
        links.append(replace(link, relation=replace(link.relation, share=common / count if count else 0.0, ids=count, found=common)))
    return replace(relations, links=tuple(links))
