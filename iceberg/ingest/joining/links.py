"""Joins between tables as data: which column of one table holds the ids of another, how many ids match, and the alternatives."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from iceberg.errors import MappingError

# Tables whose ids others can hold; the first one present has the customers.
POINTED_AT = ("customers", "subscriptions", "activity")
Origin = Literal["header", "overlap", "mapping"]


@dataclass(frozen=True)
class LinkChoice:
    """A join that the analyst chose: saved in a mapping as ``[relations.<table>]``.

    Attributes:
        column: Header of the table's column that holds the other table's ids.
        other_table: ``"customers"``, ``"subscriptions"`` or ``"activity"``.
        other_column: Header of the other table's column with the same ids; "" for its customer id.
    """

    column: str
    other_table: str
    other_column: str = ""

    def to_dict(self) -> dict[str, str]:
        """Plain values."""
        return {"column": self.column, "other_table": self.other_table} | ({"other_column": self.other_column} if self.other_column else {})

    @classmethod
    def from_dict(cls, entry: Any, *, table: str, name: str) -> LinkChoice:  # noqa: ANN401  # whatever the file holds
        """From plain values of the mapping file `name`.

        Raises:
            MappingError: ``mapping_value_wrong``.
        """
        values = {"file": name, "table": f"relations.{table}", "key": "relations", "value": str(entry)[:80]}
        if not isinstance(entry, dict) or not isinstance(entry.get("column"), str) or not entry["column"]:
            raise MappingError("mapping_value_wrong", {**values, "known": 'column = "…", other_table = "…", other_column = "…"'})
        other = str(entry.get("other_table", "customers"))
        if other not in POINTED_AT:
            raise MappingError("mapping_value_wrong", {**values, "key": "other_table", "value": other, "known": ", ".join(POINTED_AT)})
        return cls(entry["column"], other, str(entry.get("other_column", "")))


@dataclass(frozen=True)
class Relation:
    """A column whose values are ids of another table.

    Attributes:
        table, column: The side with many rows per id.
        other_table, other_column: The side that holds each id once.
        share: Share of the distinct ids of the many side that the other side has.
        ids: Number of distinct ids compared (a sample where there are very many).
        same_header: Both columns have the same header.
        file, other_file: Their files.
        found: How many of `ids` the other side has.
        unique: Distinct values of the other column over its cells that are not blank: 1 where it holds each id once.
    """

    table: str
    column: str
    other_table: str
    other_column: str
    share: float
    ids: int
    same_header: bool
    file: str = ""
    other_file: str = ""
    found: int = 0
    unique: float = 1.0

    @property
    def choice(self) -> LinkChoice:
        """The entry of `MappingSet.links` that chooses this join."""
        return LinkChoice(self.column, self.other_table, self.other_column)


@dataclass(frozen=True)
class Link:
    """How one table is joined.

    Attributes:
        relation: The join in force.
        origin: What decided: the ``"header"``, the ``"overlap"`` of ids, or the ``"mapping"``.
        alternatives: Other pairs of columns with common ids, those with most first.
    """

    relation: Relation
    origin: Origin
    alternatives: tuple[Relation, ...] = ()

    @property
    def table(self) -> str:
        """The table that holds the ids of another."""
        return self.relation.table


@dataclass(frozen=True)
class Relations:
    """How the tables of one load are joined, one link per table that holds the ids of another.

    Attributes:
        links: In the order of the tables given.
        base: The table with the customers; "" where there is only one table.
        measured: Whether overlaps were counted; False where the files are too large to do so without a request.
    """

    links: tuple[Link, ...] = ()
    base: str = ""
    measured: bool = True

    def get(self, table: str) -> Link | None:
        """The link of a table."""
        return next((link for link in self.links if link.table == table), None)
