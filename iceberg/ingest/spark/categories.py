"""Makes one name of the spellings of a category in Spark, by the same plan as for files."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection

from iceberg.ingest.engine.connection import quote_text
from iceberg.ingest.joining.categories import DECIDING, MOST_CATEGORIES, WITH_CATEGORIES, plan_categories, spellings_of
from iceberg.ingest.joining.options import CategoryReport, Joining, JoiningReport
from iceberg.ingest.schema import CANONICAL_COLUMNS, UNCATEGORISED
from iceberg.ingest.spark.engine import SparkEngine


def settle_spellings(engine: SparkEngine, tables: Collection[str], rules: Joining) -> tuple[dict[str, str], JoiningReport | None]:
    """The relation of every table whose names changed, and the report; neither where spellings stay apart or there are too many names."""
    own: dict[str, dict[str, int]] = {}
    for table in WITH_CATEGORIES:
        if table in tables and "category" in CANONICAL_COLUMNS[table] and rules.category_spelling == "merge":
            by_name = f"SELECT category, count(*) AS rows_of_name FROM read_{table} WHERE category IS NOT NULL GROUP BY category"
            sizes = engine.execute(by_name).fetchall()
            own[table] = {str(name): int(rows) for name, rows in sizes if name != UNCATEGORISED}
    if not own or max(map(len, own.values())) > MOST_CATEGORIES:
        return {}, None
    sizes_of_all = Counter[str]()
    for place, (table, names) in enumerate(own.items()):
        for name, rows in names.items():
            sizes_of_all[name] += rows if place == 0 or table in DECIDING else 0
    plan = plan_categories(sizes_of_all, rules)
    relations: dict[str, str] = {}
    for table, names in own.items():
        changes = {name: becomes[0] for name, becomes in plan.changes.items() if name in names}
        if changes and table != "surveys":
            cases = " ".join(f"WHEN category = {quote_text(name)} THEN {quote_text(becomes)}" for name, becomes in changes.items())
            others = ", ".join(column for column in engine.column_names(f"read_{table}") if column != "category")
            engine.view(f"spelled_{table}", f"SELECT {others}, CASE {cases} ELSE category END AS category FROM read_{table}")
            relations[table] = f"spelled_{table}"
    found = spellings_of(plan)
    return relations, JoiningReport(rules, categories=CategoryReport(spellings=found)) if found else None
