"""Runs the statements of a reduction where the rows are, and names the places of an axis."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

import numpy as np

from iceberg.cohort.lexis import Columns
from iceberg.ingest.tables import Tables

OTHER_NAMES = "(other)"  # last segment or category where names are taken together


class Engine:
    """Runs statements where the rows are and brings counts back as columns of whole numbers."""

    def __init__(self, tables: Tables, *, beside: bool = False) -> None:
        """`beside`: through a connection of its own, for statements that run while others do; it sees only what it holds."""
        self.tables = tables
        self.connection = tables.connection.cursor() if beside else tables.connection
        self.kept: list[str] = []
        self.held: list[str] = []

    def columns(self, sql: str) -> Columns:
        """Columns of a result; sums, which engines widen or return as doubles, as int64."""
        return {
            name: np.asarray(values).astype(np.int64)
            for name, values in self.connection.execute(sql).fetchnumpy().items()
        }

    def named(self, sql: str) -> list[tuple[Any, ...]]:
        """Rows of a small result that holds names."""
        return self.connection.execute(sql).fetchall()

    def days(self, sql: str) -> tuple[date | None, date | None]:
        """The two days of a one-row result."""
        [(last, first)] = self.connection.execute(sql).fetchall()
        return last, first

    def keep(self, name: str, sql: str) -> None:
        """Makes a work table."""
        self.connection.execute(f"CREATE OR REPLACE TEMP TABLE {name} AS {sql}")
        self.kept.append(name)

    def hold(self, name: str, rows: Any) -> None:  # noqa: ANN401 - an Arrow table, which this part of the package only hands on
        """Makes rows that are in memory visible to statements."""
        self.connection.register(name, rows)
        self.held.append(name)

    def drop(self) -> None:
        """Drops every work table."""
        for name in self.kept:
            self.connection.execute(f"DROP TABLE IF EXISTS temp.{name}")
        for name in self.held:
            self.connection.unregister(name)
        if self.connection is not self.tables.connection:
            self.connection.close()


@dataclass(frozen=True)
class Names:
    """Names of an axis in sorted order; `others` names of the file share the last place."""

    names: tuple[str, ...]
    others: int

    @classmethod
    def largest(cls, sizes: dict[str, int], most: int) -> Names:
        """The `most` largest, ties by name; whatever is left is taken together."""
        if len(sizes) <= most and OTHER_NAMES not in sizes:
            return cls(tuple(sorted(sizes)), 0)
        candidates = sorted((name for name in sizes if name != OTHER_NAMES), key=lambda name: (-sizes[name], name))
        kept = sorted(candidates[: max(most - 1, 0)])
        return cls((*kept, OTHER_NAMES), len(sizes) - len(kept))

    def place(self, name: str) -> int:
        """Place of a name of the file."""
        return self.names.index(name) if name in self.names else len(self.names) - 1
