"""Owns the Spark engine: the statements written for DuckDB, transpiled and run where the tables live. Only counts come back.

sqlglot rather than Ibis: the statements are texts that DuckDB runs as they are, three times faster than through Ibis on a laptop, and there
is one of each.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from iceberg.errors import FileError

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_MAKE = re.compile(r"\s*CREATE OR REPLACE TEMP TABLE (\w+) AS (.*)", re.DOTALL)
_DROP = re.compile(r"\s*DROP TABLE IF EXISTS (?:temp\.)?(\w+)\s*")
# A text is a date only when year, month and day are written; Spark alone would take "2025" for the first of January.
_WHOLE_DATE = r"^\s*[0-9]{4,6}-[0-9]{1,2}-[0-9]{1,2}([ T].*)?\s*$"


def open_session(url: str | None) -> SparkSession:
    """The environment's own session where there is one; else the one that `url` names (``local[*]``, ``spark://...``, ``sc://...``).

    Raises:
        FileError: ``spark_missing``, ``spark_unreachable``.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise FileError("spark_missing") from error
    active = SparkSession.getActiveSession()
    if active is not None and url is None:
        return active
    builder = SparkSession.builder.appName("iceberg").config("spark.ui.showConsoleProgress", "false")
    try:
        if url is not None and url.startswith("sc://"):
            return builder.remote(url).getOrCreate()
        return (builder.master(url) if url is not None else builder).getOrCreate()
    except Exception as error:
        if _is_of_spark(error) or isinstance(error, RuntimeError | OSError):
            raise FileError("spark_unreachable", {"address": url or "local", "reason": _reason(error)}) from error
        raise


def transpile(statement: str) -> str:
    """A statement of DuckDB in the words of Spark."""
    import sqlglot

    return str(sqlglot.parse_one(statement, read="duckdb").transform(_in_words_of_spark).sql(dialect="spark"))


def _in_words_of_spark(node: Any) -> Any:  # noqa: ANN401  # sqlglot's own
    """What the two engines call differently and sqlglot passes on as it is."""
    from sqlglot import exp

    if isinstance(node, exp.RegexpFullMatch):
        options = node.args.get("options")
        pattern = f"^{'(?i)' if options is not None and 'i' in options.name else ''}(?:{node.expression.name})$"
        return exp.RegexpLike(this=node.this, expression=exp.Literal.string(pattern))
    if isinstance(node, exp.Anonymous) and node.name.lower() == "strlen":
        return exp.Anonymous(this="octet_length", expressions=node.expressions)
    if isinstance(node, exp.Anonymous) and node.name.lower() == "isfinite":
        return exp.LT(this=exp.Abs(this=node.expressions[0]), expression=exp.Literal.number("1e300"))
    if isinstance(node, exp.TryCast) and node.to.this == exp.DataType.Type.DATE and not node.meta.get("whole"):
        node.meta["whole"] = True
        text = exp.cast(node.this.copy(), "TEXT")
        condition = exp.RegexpLike(this=text, expression=exp.Literal.string(_WHOLE_DATE))
        return exp.Case(ifs=[exp.If(this=condition, true=node.copy())])
    return node


class SparkResult:
    """Rows of a small result: counts and names."""

    def __init__(self, frame: DataFrame) -> None:
        self._frame = frame

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows."""
        with named_stage("counting"):
            return [tuple(row) for row in self._frame.collect()]

    def fetchnumpy(self) -> dict[str, npt.NDArray[Any]]:
        """The columns."""
        rows = self.fetchall()
        columns = zip(*rows, strict=True) if rows else ([] for _ in self._frame.columns)
        named = zip(self._frame.columns, columns, strict=True)
        return {name: np.array([0 if one is None else int(one) for one in values], dtype=np.int64) for name, values in named}


class SparkConnection:
    """What the reduction needs of a connection: work tables are made where the rows are, counts are brought back."""

    def __init__(self, session: SparkSession) -> None:
        self.session = session
        self._made: dict[str, DataFrame] = {}

    def execute(self, statement: str) -> SparkResult:
        """Run one statement of DuckDB.

        Raises:
            FileError: ``spark_failed`` with the stage.
        """
        made, dropped = _MAKE.fullmatch(statement), _DROP.fullmatch(statement)
        if made is not None:
            self.make(made.group(1), made.group(2))
            return SparkResult(self.session.range(0))
        if dropped is not None:
            self.drop(dropped.group(1))
            return SparkResult(self.session.range(0))
        with named_stage("counting"):
            return SparkResult(self.session.sql(transpile(statement)))

    sql = execute

    def make(self, name: str, statement: str) -> None:
        """A work table, kept in the cluster's memory until it is dropped (worked out again where an executor is lost)."""
        with named_stage("counting"):
            frame = self.session.sql(transpile(statement)).persist()
            frame.createOrReplaceTempView(name)
        self._made[name] = frame

    def view(self, name: str, statement: str) -> None:
        """A relation that is worked out whenever it is read."""
        with named_stage("reading"):
            self.session.sql(transpile(statement)).createOrReplaceTempView(name)

    def drop(self, name: str) -> None:
        """Forget a work table."""
        frame = self._made.pop(name, None)
        if frame is not None:
            frame.unpersist()
            self.session.catalog.dropTempView(name)

    def close(self) -> None:
        """Forget every work table; the session goes on, it may be somebody else's."""
        for name in list(self._made):
            self.drop(name)


@contextmanager
def named_stage(stage: str) -> Iterator[None]:
    """What Spark could not do as a sentence that names the stage.

    Raises:
        FileError: ``spark_failed``.
    """
    try:
        yield
    except FileError:
        raise
    except Exception as error:
        if _is_of_spark(error):
            raise FileError("spark_failed", {"stage": stage, "reason": _reason(error)}) from error
        raise


def _is_of_spark(error: Exception) -> bool:
    """Its own exceptions, those of the bridge to Java and of Spark Connect, and a line that went dead."""
    return type(error).__module__.startswith(("pyspark", "py4j", "grpc")) or isinstance(error, ConnectionError)


def _reason(error: Exception) -> str:
    """The first line that says something; never more than a line, which could quote a row."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.strip().startswith("at ")]
    return (lines or [type(error).__name__])[0][:200]
