"""Owns the joins between tables as data: which column of one holds the ids of another, how many ids meet, what else could be meant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal

from iceberg.errors import MappingError

# Tables that others may point at, the first one present being the customers.
POINTED_AT = ("customers", "subscriptions", "activity")
Origin = Literal["header", "overlap", "mapping"]


@dataclass(frozen=True)
class LinkChoice:
    """A join that was told: saved in a mapping as ``[relations.<table>]``.

    Attributes:
        column: Header of the table's column that holds the other table's ids.
        other_table: ``"customers"``, ``"subscriptions"`` or ``"activity"``.
        other_column: Header of the other table's column that holds the same ids; "" for its customer id.
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
        ids: Distinct ids looked at (a sample where there are very many).
        same_header: Both columns are called alike.
        file, other_file: Their files.
        found: How many of `ids` the other side has.
        unique: Share of the other column's filled cells that are different: 1 where it holds each id once.
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
        """What to put into `MappingSet.links` to have this join."""
        return LinkChoice(self.column, self.other_table, self.other_column)


@dataclass(frozen=True)
class Link:
    """How one table is joined.

    Attributes:
        relation: The join in force.
        origin: ``"header"`` (the column is called so), ``"overlap"`` (its ids are found there), ``"mapping"`` (told).
        alternatives: Other pairs of columns that have ids in common, those with most in common first.
    """

    relation: Relation
    origin: Origin
    alternatives: tuple[Relation, ...] = ()

    @property
    def table(self) -> str:
        """The table that points at another."""
        return self.relation.table


@dataclass(frozen=True)
class Relations:
    """How the tables of one load meet, one link per table that points at another.

    Attributes:
        links: In the order of the tables given.
        base: The table that says who the customers are; "" where there is one table only.
        measured: Whether overlaps were counted; False where the files are so large that this waits until it is asked for.
    """

    links: tuple[Link, ...] = ()
    base: str = ""
    measured: bool = True

    def get(self, table: str) -> Link | None:
        """The link of a table."""
        return next((link for link in self.links if link.table == table), None)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return {
            "base": self.base,
            "measured": self.measured,
            "links": [
                {"origin": link.origin, "relation": asdict(link.relation), "alternatives": [asdict(one) for one in link.alternatives]}
                for link in self.links
            ],
        }

    @classmethod
    def from_dict(cls, entry: Mapping[str, Any]) -> Relations:
        """From what `to_dict` gave."""
        links = tuple(
            Link(Relation(**one["relation"]), one["origin"], tuple(Relation(**other) for other in one["alternatives"])) for one in entry["links"]
        )
        return cls(links, entry["base"], entry["measured"])
