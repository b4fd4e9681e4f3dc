"""One load in Spark: the engine, what is known about the tables, and the tables judged so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date

from iceberg.ingest.judging.judged_table import JudgedTable
from iceberg.ingest.mapping import MappingSet
from iceberg.ingest.spark.engine import SparkEngine


@dataclass
class SparkLoad:
    """One load.

    Attributes:
        engine: Where the rows are.
        mappings: What is known about the tables.
        today: Dates after this day lie in the future.
        judged: The tables by name.
        relations: Of tables whose categories or ids were written anew.
    """

    engine: SparkEngine
    mappings: MappingSet
    today: date
    judged: dict[str, JudgedTable] = field(default_factory=dict)
    relations: dict[str, str] = field(default_factory=dict)

    def rows_of(self, table: str) -> str:
        """The relation of the typed rows of a table."""
        return self.relations.get(table, f"read_{table}")
