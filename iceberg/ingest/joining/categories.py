"""Gives complaints the categories that count: one spelling per name, and what the analyst merged, renamed, split or dropped."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass

import duckdb
import pyarrow as pa

from iceberg.ingest.joining.category_names import group_categories, several_in_one, spelling_key, split_cell, usual_spellings
from iceberg.ingest.joining.options import CategoryGroup, CategoryReport, Joining
from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.rules.rules import bit_of, reject_mask
from iceberg.ingest.schema import SEVERAL, UNCATEGORISED

MOST_CATEGORIES = 500  # judgement: with more names than this the column is free text, not a category
WITH_CATEGORIES = ("complaints", "volumes", "incidents", "flat", "surveys")
DECIDING = ("complaints", "volumes")  # the spellings of the others follow them
_DROPPING = ("complaints", "volumes", "incidents")  # a rule leaves their rows out


@dataclass(frozen=True)
class CategoryPlan:
    """The categories of each name as it stands in the files.

    Attributes:
        sizes: Rows by name.
        becomes: Categories by name; none where it is dropped.
    """

    sizes: dict[str, int]
    becomes: dict[str, tuple[str, ...]]

    @property
    def changes(self) -> dict[str, tuple[str, ...]]:
        """Only the names that change."""
        return {name: names for name, names in self.becomes.items() if names != (name,)}


def plan_categories(sizes: Mapping[str, int], rules: Joining) -> CategoryPlan:
    """What becomes of each name: cells are split, spellings made one, names merged, and names dropped.

    Args:
        sizes: Rows by name.
        rules: What was chosen. Where spellings are one name, a choice for one of them is a choice for all.
    """
    key = spelling_key if rules.category_spelling == "merge" else str
    separator = rules.split_categories
    parts = {name: split_cell(name, separator) or (name,) if separator else (name,) for name in sizes if name != UNCATEGORISED}
    of_parts = Counter[str]()
    for name, found in parts.items():
        for part in found:
            of_parts[part] += sizes[name]
    merges = {key(other): kept for kept, others in rules.merge_categories.items() for other in others}
    named = Counter(dict.fromkeys((*rules.merge_categories, *rules.drop_categories), 1))
    usual = usual_spellings(of_parts, named) if key is spelling_key else {part: part for part in of_parts}
    dropped = set(map(key, rules.drop_categories))

    def final(part: str) -> str | None:
        name, passed = usual[key(part)], set[str]()
        while key(name) in merges and key(name) not in passed and merges[key(name)] != name:
            passed.add(key(name))
            name = merges[key(name)]
        return None if {key(part), key(name)} & dropped else name

    becomes = {name: tuple(dict.fromkeys(one for part in found if (one := final(part)) is not None)) for name, found in parts.items()}
    return CategoryPlan(dict(sizes), becomes)


def settle_categories(connection: duckdb.DuckDBPyConnection, loaded: Mapping[str, JudgedTable], rules: Joining) -> CategoryPlan | None:
    """Write the categories of every table as `plan_categories` says; None where no table has categories, or too many.

    A cell with several categories holds them all, separated by `SEVERAL`, until its table is published. Rows of dropped categories get the bit of
    their rule.
    """
    tables = [table for table in WITH_CATEGORIES if table in loaded and "category" in loaded[table].fields.columns]
    own = {table: _count_names(connection, loaded[table].read_name) for table in tables}
    if not own or any(sizes is None for sizes in own.values()):
        return None
    sizes = Counter[str]()
    for place, table in enumerate(tables):
        decides = place == 0 or table in DECIDING
        for name, rows in (own[table] or {}).items():
            sizes[name] += rows if decides else 0
    plan = plan_categories(sizes, rules)
    for table in tables:
        item, names = loaded[table], own[table] or {}
        changes = {name: becomes for name, becomes in plan.changes.items() if name in names}
        if table == "surveys":  # a line for each category: two may not become one
            changes = _one_each(changes, names)
        _rename(connection, item, {name: becomes for name, becomes in changes.items() if becomes})
        item.several_categories = item.several_categories or any(len(becomes) > 1 for becomes in changes.values())
        if table in _DROPPING:
            _drop(connection, item, [name for name, becomes in changes.items() if not becomes])
    return plan


def _count_names(connection: duckdb.DuckDBPyConnection, rows: str) -> dict[str, int] | None:
    """Rows by name, None where there are too many names."""
    limit = MOST_CATEGORIES + 1
    sizes = connection.execute(
        f"SELECT category, count(*) FROM {rows} WHERE category IS NOT NULL GROUP BY 1 ORDER BY 2 DESC, 1 LIMIT {limit}"
    ).fetchall()
    return {name: rows for name, rows in sizes if name != UNCATEGORISED} if len(sizes) < limit else None


def _one_each(changes: Mapping[str, tuple[str, ...]], names: Mapping[str, int]) -> dict[str, tuple[str, ...]]:
    after = Counter(changes.get(name, (name,)) for name in names)
    return {name: becomes for name, becomes in changes.items() if len(becomes) == 1 and after[becomes] == 1}


def _rename(connection: duckdb.DuckDBPyConnection, item: JudgedTable, changes: Mapping[str, tuple[str, ...]]) -> None:
    if not changes:
        return
    connection.register("category_changes", pa.table({"name": list(changes), "becomes": [SEVERAL.join(names) for names in changes.values()]}))
    connection.execute(f"UPDATE {item.read_name} SET category = c.becomes FROM category_changes AS c WHERE {item.read_name}.category = c.name")
    connection.unregister("category_changes")


def _drop(connection: duckdb.DuckDBPyConnection, item: JudgedTable, names: list[str]) -> None:
    if names:
        connection.execute(
            f"UPDATE {item.read_name} SET flags = flags | {bit_of(item.table, 'dropped_category')} "
            f"WHERE (flags & {reject_mask(item.table)}) = 0 AND category IN (SELECT unnest(?))",
            [names],
        )


def report_categories(connection: duckdb.DuckDBPyConnection, rows: str, plan: CategoryPlan, rules: Joining) -> CategoryReport:
    """The names with what they became, and what is offered.

    Args:
        connection: Connection with the rows.
        rows: SQL of the accepted rows, with a column category as `settle_categories` wrote it.
        plan: What was settled.
        rules: What was chosen.
    """
    sizes = Counter[str]()
    for text, number in connection.execute(f"SELECT category, count(*) FROM ({rows}) WHERE category IS NOT NULL GROUP BY 1").fetchall():
        for name in str(text).split(SEVERAL):
            sizes[name] += number
    several = None if rules.split_categories else several_in_one(plan.sizes)
    whole = {name: number for name, number in sizes.items() if name != UNCATEGORISED and (several is None or name not in several.cells)}
    alike = group_categories(whole)
    names = tuple((name, number, plan.becomes[name]) for name, number in sorted(plan.sizes.items(), key=lambda item: (-item[1], item[0])))
    return CategoryReport(names, spellings_of(plan) if rules.category_spelling == "merge" else (), alike, several)


def spellings_of(plan: CategoryPlan) -> tuple[CategoryGroup, ...]:
    """The names that were found in several spellings and made one."""
    groups: dict[tuple[str, str], list[str]] = {}
    for name in sorted(plan.sizes, key=lambda name: (-plan.sizes[name], name)):
        if len(plan.becomes[name]) == 1:
            groups.setdefault((spelling_key(name), plan.becomes[name][0]), []).append(name)
    found = []
    for names in groups.values():
        if len(names) > 1:
            first, *others = names
            found.append(CategoryGroup(first, tuple(others), tuple(plan.sizes[name] for name in names), ("case",) * len(others)))
    return tuple(found)
