"""The engine that runs statements in Spark, where the tables are, after sqlglot has transpiled them.

sqlglot rather than Ibis: the statements stay texts that DuckDB runs as they are, and there is one of each.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any

import numpy as np

from iceberg.arrays import IntArray
from iceberg.ingest.engine.protocol import Engine
from iceberg.ingest.spark.faults import ignored_faults, named_stage
from iceberg.ingest.spark.watchdog import watched

if TYPE_CHECKING:
    import pyarrow as pa
    from pyspark.sql import DataFrame, SparkSession

OUR_PREFIX = "iceberg_"
# A text is a date only when year, month and day are written; Spark alone would take "2025" for the first of January.
_WHOLE_DATE = r"^\s*[0-9]{4,6}-[0-9]{1,2}-[0-9]{1,2}([ T].*)?\s*$"


def transpile(statement: str, *, ours: Collection[str] = ()) -> str:
    """Translate a statement from the SQL of DuckDB into that of Spark.

    Args:
        statement: A SELECT of the reduction or of the rules.
        ours: Names of our own relations, which get a prefix: the session may hold a view of the same name.
    """
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(statement, read="duckdb").transform(_translated)
    for table in list(tree.find_all(exp.Table)):
        if table.name in ours and not table.db:
            if not table.alias:
                exp.alias_(table, table.name, copy=False, table=True)
            table.set("this", exp.to_identifier(f"{OUR_PREFIX}{table.name}"))
    return str(tree.sql(dialect="spark"))


@cache
def _accents() -> tuple[str, str]:
    """Letters with accents, and each without: Latin ones, which words for yes, no and states are written in."""
    letters = [letter for letter in map(chr, range(0xC0, 0x250)) if len(unicodedata.normalize("NFD", letter)) > 1]
    return "".join(letters), "".join(unicodedata.normalize("NFD", letter)[0] for letter in letters)


def _translated(node: Any) -> Any:  # noqa: ANN401  # sqlglot's own
    """Translate a function that sqlglot passes on unchanged although Spark has another name for it."""
    from sqlglot import exp

    if isinstance(node, exp.RegexpFullMatch):
        options = node.args.get("options")
        pattern = f"^{'(?i)' if options is not None and 'i' in options.name else ''}(?:{node.expression.name})$"
        text = node.this.transform(_translated)  # sqlglot does not look into what is put in place of a node
        return exp.RegexpLike(this=text, expression=exp.Literal.string(pattern))
    if isinstance(node, exp.Anonymous) and node.name.lower() == "strlen":
        return exp.Anonymous(this="octet_length", expressions=node.expressions)
    if isinstance(node, exp.Anonymous) and node.name.lower() == "strip_accents":
        return exp.Anonymous(this="translate", expressions=[*node.expressions, *map(exp.Literal.string, _accents())])
    if isinstance(node, exp.Anonymous) and node.name.lower() == "isfinite":
        return exp.LT(this=exp.Abs(this=node.expressions[0]), expression=exp.Literal.number("1e300"))
    if isinstance(node, exp.TryCast) and node.to.this == exp.DataType.Type.DATE and not node.meta.get("whole"):
        node.meta["whole"] = True
        text = exp.cast(node.this.copy(), "TEXT")
        condition = exp.RegexpLike(this=text, expression=exp.Literal.string(_WHOLE_DATE))
        return exp.Case(ifs=[exp.If(this=condition, true=node.copy())])
    return node


@dataclass(frozen=True)
class SparkResult:
    """A small result."""

    frame: DataFrame
    stage: str

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows."""
        with named_stage(self.stage), watched(self.frame.sparkSession, self.stage):
            return [tuple(row) for row in self.frame.collect()]


class SparkEngine(Engine):
    """Work tables are made where the rows are, and only small results are collected.

    Attributes:
        session: The Spark session; it may belong to someone else and stays open.
        stage: The stage that a fault names: ``"reading"``, ``"judging"`` or ``"counting"``.
    """

    def __init__(self, session: SparkSession) -> None:
        self.session, self.stage = session, "counting"
        self._views: dict[str, list[DataFrame]] = {}

    def execute(self, query: str, /) -> SparkResult:
        """See `Engine`.

        Raises:
            FileError: See `iceberg.ingest.spark.faults.named_stage`.
        """
        with named_stage(self.stage):
            return SparkResult(self._frame(query), self.stage)

    def columns(self, query: str, /) -> dict[str, IntArray]:
        """See `Engine`."""
        result = self.execute(query)
        rows, names = result.fetchall(), result.frame.columns
        columns = zip(*rows, strict=True) if rows else ([] for _ in names)
        filled = ([0 if value is None else int(value) for value in column] for column in columns)
        return {name: np.array(values, dtype=np.int64) for name, values in zip(names, filled, strict=True)}

    def column_names(self, name: str) -> list[str]:
        """The columns of a relation."""
        with named_stage(self.stage):
            return list(self._frame(f"SELECT * FROM {name}").columns)

    def make(self, name: str, query: str, /) -> None:
        """See `Engine`. The table is cached in the cluster's memory, and computed again where an executor is lost."""
        with named_stage(self.stage):
            self.name(name, self._frame(query).persist())

    def view(self, name: str, query: str) -> None:
        """Make a relation that is computed whenever it is read."""
        with named_stage(self.stage):
            self.name(name, self._frame(query))

    def register(self, name: str, rows: pa.Table, /) -> None:
        """See `Engine`."""
        with named_stage(self.stage):
            self.name(name, self.session.createDataFrame(rows))

    def name(self, name: str, frame: DataFrame) -> None:
        """Make a frame visible to statements."""
        with named_stage(self.stage):
            frame.createOrReplaceTempView(f"{OUR_PREFIX}{name}")
        self._views.setdefault(name, []).append(frame)

    @contextmanager
    def work(self) -> Iterator[None]:
        """See `Engine`."""
        before = set(self._views)
        try:
            yield
        finally:
            self._drop([name for name in self._views if name not in before])

    def close(self) -> None:
        """See `Engine`. The session stays open."""
        self._drop(list(self._views))

    def _drop(self, names: Sequence[str]) -> None:
        """Drop relations, the last one first, because Spark Connect looks up what a frame was made of."""
        for name in reversed(names):
            frames = self._views.pop(name)
            with ignored_faults():
                for frame in frames:
                    if frame.is_cached:
                        frame.unpersist()
                self.session.catalog.dropTempView(f"{OUR_PREFIX}{name}")

    def _frame(self, query: str) -> DataFrame:
        return self.session.sql(transpile(query, ours=self._views))
