"""What the reduction and the rules across rows need of an engine: the place where a third engine begins."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING, Any, Protocol

if TYPE_CHECKING:
    import pyarrow as pa

    from iceberg.arrays import IntArray


class Result(Protocol):
    """The result of a statement."""

    def fetchall(self) -> list[Any]:
        """The rows as tuples of str, int, float, bool, `datetime.date` and None."""


class Queryable(Protocol):
    """An engine, or a plain connection of DuckDB."""

    def execute(self, query: str, /) -> Result:
        """Run a statement in the SQL of DuckDB, a SELECT with a small result."""


class Engine(Queryable, Protocol):
    """Runs statements where the rows are; only counts, names and days come back.

    Statements are texts in the SQL of DuckDB, limited to what engines share: no bare date subtraction, no ``GROUP BY ALL``, no aggregate that only
    one engine has. An engine with another SQL transpiles them. They name the relations of `iceberg.ingest.tables.Tables` (columns of
    `CANONICAL_COLUMNS`) and the work tables that were made before. A subclass implements every method but `fork`.
    """

    def columns(self, query: str, /) -> dict[str, IntArray]:
        """The columns of a result of whole numbers, by name, as int64; engines widen sums or return them as doubles."""

    def make(self, name: str, query: str, /) -> None:
        """Make a work table, or make it anew; statements know it by `name`."""

    def register(self, name: str, rows: pa.Table, /) -> None:
        """Make rows that are in memory visible to statements."""

    def work(self) -> AbstractContextManager[None]:
        """Surround one reduction: what it makes and registers is dropped at the end, and faults of the engine become sentences.

        Raises:
            FileError: The engine ran out of memory or disk, was lost, or a file broke off while it was read.
        """

    def close(self) -> None:
        """Drop every row."""

    def fork(self, names: Sequence[str], /) -> Engine | None:
        """An engine with copies of the relations `names`, for statements that run while others do; None where one engine is enough."""
        return None
