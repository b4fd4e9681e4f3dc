"""Owns the Spark engine: the statements written for DuckDB, transpiled and run where the tables live. Only counts come back.

sqlglot rather than Ibis: the statements are texts that DuckDB runs as they are, three times faster than through Ibis on a laptop, and there
is one of each.
"""

from __future__ import annotations

import errno
import os
import re
import socket
from collections.abc import Collection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from iceberg.errors import FileError
from iceberg.ingest.engine.limits import parse_bytes
from iceberg.ingest.spark.faults import is_of_spark, named_stage, reason_of
from iceberg.ingest.spark.watchdog import watched

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

OUR_PREFIX = "iceberg_"
_PORTS = {"spark": 7077, "sc": 15002}
_SECONDS_TO_CONNECT = 10
# Of a local session that is started here. Spark's own 200 partitions are for a cluster: on one machine most of the time would go into them.
LOCAL_SETTINGS = {"spark.sql.shuffle.partitions": "32", "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}
_MAKE = re.compile(r"\s*CREATE OR REPLACE TEMP TABLE (\w+) AS (.*)", re.DOTALL)
_DROP = re.compile(r"\s*DROP TABLE IF EXISTS (?:temp\.)?(\w+)\s*")
# A text is a date only when year, month and day are written; Spark alone would take "2025" for the first of January.
_WHOLE_DATE = r"^\s*[0-9]{4,6}-[0-9]{1,2}-[0-9]{1,2}([ T].*)?\s*$"


def open_session(url: str | None, *, memory_limit: str | None = None, temp_directory: Path | None = None) -> SparkSession:
    """The environment's own session where there is one; else the one that `url` names (``local[*]``, ``spark://...``, ``sc://...``).

    Args:
        url: None takes the environment's own, else a local one.
        memory_limit: Of a local session, such as ``"4GB"``; a cluster has settings of its own.
        temp_directory: Where a local session puts what does not fit into memory.

    Raises:
        FileError: ``spark_missing``, ``spark_java_missing``, ``spark_connect_missing``, ``spark_unreachable``, ``spark_own_settings``,
            ``memory_limit_unreadable``.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise FileError("spark_missing") from error
    active = SparkSession.getActiveSession()
    if active is not None and url is None:
        return active
    settings = _settings(url, memory_limit, temp_directory)
    address = url or os.environ.get("SPARK_REMOTE") or "local[*]"
    _require_reachable(address)
    builder = SparkSession.builder.appName("iceberg")
    try:
        if address.startswith("sc://"):
            return builder.remote(address).getOrCreate()
        for name, value in (settings | (LOCAL_SETTINGS if url is not None and url.startswith("local") else {})).items():
            builder = builder.config(name, value)
        session = (builder.master(url) if url is not None else builder).getOrCreate()
        session.sparkContext.setLogLevel("OFF")  # what went wrong is said once, in a sentence
        return session
    except Exception as error:
        if address.startswith("sc://") and (isinstance(error, ImportError) or "grpc" in str(error).lower().partition("\n")[0]):
            raise FileError("spark_connect_missing", {"address": _shown(address)}) from error
        if "JAVA_GATEWAY_EXITED" in str(error):
            raise FileError("spark_java_missing") from error
        if is_of_spark(error) or isinstance(error, RuntimeError | OSError):
            raise FileError("spark_unreachable", {"address": _shown(address), "reason": reason_of(error)}) from error
        raise


def _require_reachable(address: str) -> None:
    """Knock before Spark does, which would try again for minutes.

    Raises:
        FileError: ``spark_unreachable``.
    """
    scheme, mark, rest = address.partition("://")
    if not mark or scheme not in _PORTS:
        return
    reason = ""
    for place in rest.partition("/")[0].split(","):
        host, _, port = place.rpartition(":") if re.search(r":\d+$", place) else (place, "", str(_PORTS[scheme]))
        try:
            with socket.create_connection((host.strip("[]"), int(port)), timeout=_SECONDS_TO_CONNECT):
                return
        except OSError as error:
            reason = error.strerror or str(error)
    raise FileError("spark_unreachable", {"address": _shown(address), "reason": reason})


def _shown(address: str) -> str:
    """Without what follows the host: a token may."""
    scheme, mark, rest = address.partition("://")
    return f"{scheme}{mark}{rest.partition('/')[0].rpartition('@')[2]}"


def _settings(url: str | None, memory_limit: str | None, temp_directory: Path | None) -> dict[str, str]:
    """What ``--memory-limit`` and ``--temp-dir`` mean to a session that is started here; no other is bound by them."""
    if memory_limit is None and temp_directory is None:
        return {}
    if (url is not None and not url.startswith("local")) or (url is None and os.environ.get("SPARK_REMOTE")):
        option = "--memory-limit" if memory_limit is not None else "--temp-dir"
        raise FileError("spark_own_settings", {"option": option, "address": _shown(url or "")})
    settings = {}
    if memory_limit is not None:
        megabytes = int(parse_bytes(memory_limit) // 2**20)
        if megabytes < 1:
            raise FileError("memory_limit_unreadable", {"value": memory_limit})
        settings["spark.driver.memory"] = f"{megabytes}m"
    if temp_directory is not None:
        if not temp_directory.is_dir():
            raise FileError("temp_folder_unusable", {"folder": str(temp_directory), "reason": os.strerror(errno.ENOENT)})
        settings["spark.local.dir"] = str(temp_directory.resolve())
    return settings


def transpile(statement: str, *, ours: Collection[str] = ()) -> str:
    """A statement of DuckDB in the words of Spark.

    Args:
        statement: As the reduction and the rules have it.
        ours: Names of our own relations, which get a prefix: the session may be somebody's, with a view of the same name.
    """
    import sqlglot
    from sqlglot import exp

    tree = sqlglot.parse_one(statement, read="duckdb").transform(_in_words_of_spark)
    for table in list(tree.find_all(exp.Table)):
        if table.name in ours and not table.db:
            if not table.alias:
                exp.alias_(table, table.name, copy=False, table=True)
            table.set("this", exp.to_identifier(f"{OUR_PREFIX}{table.name}"))
    return str(tree.sql(dialect="spark"))


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

    def __init__(self, frame: DataFrame, stage: str) -> None:
        self._frame, self._stage = frame, stage

    def fetchall(self) -> list[tuple[Any, ...]]:
        """The rows."""
        with named_stage(self._stage), watched(self._frame.sparkSession, self._stage):
            return [tuple(row) for row in self._frame.collect()]

    def fetchnumpy(self) -> dict[str, npt.NDArray[Any]]:
        """The columns."""
        rows = self.fetchall()
        columns = zip(*rows, strict=True) if rows else ([] for _ in self._frame.columns)
        named = zip(self._frame.columns, columns, strict=True)
        return {name: np.array([0 if one is None else int(one) for one in values], dtype=np.int64) for name, values in named}


class SparkConnection:
    """What the reduction needs of a connection: work tables are made where the rows are, counts are brought back.

    Attributes:
        stage: What is being done, for the sentence when it cannot be: ``"reading"``, ``"judging"`` or ``"counting"``.
    """

    def __init__(self, session: SparkSession) -> None:
        self.session, self.stage = session, "counting"
        self._views: dict[str, list[DataFrame]] = {}

    def execute(self, statement: str) -> SparkResult:
        """Run one statement of DuckDB.

        Raises:
            FileError: See `iceberg.ingest.spark.faults.named_stage`.
        """
        made = _MAKE.fullmatch(statement)
        if made is not None:
            self.make(made.group(1), made.group(2))
        if made is not None or _DROP.fullmatch(statement) is not None:  # everything is dropped in `close`, last made first
            return SparkResult(self.session.range(0), self.stage)
        with named_stage(self.stage):
            return SparkResult(self._frame(statement), self.stage)

    sql = execute

    def rows_of(self, frame: DataFrame) -> list[tuple[Any, ...]]:
        """The rows of a small frame."""
        return SparkResult(frame, self.stage).fetchall()

    def make(self, name: str, statement: str) -> None:
        """A work table, kept in the cluster's memory until it is dropped (worked out again where an executor is lost)."""
        with named_stage(self.stage):
            self.name(name, self._frame(statement).persist())

    def view(self, name: str, statement: str) -> None:
        """A relation that is worked out whenever it is read."""
        with named_stage(self.stage):
            self.name(name, self._frame(statement))

    def name(self, name: str, frame: DataFrame) -> None:
        """Give a frame a name that statements know."""
        with named_stage(self.stage):
            frame.createOrReplaceTempView(f"{OUR_PREFIX}{name}")
        self._views.setdefault(name, []).append(frame)

    def close(self) -> None:
        """Forget every relation; the session goes on, it may be somebody else's. One that is gone has forgotten them already.

        Last made first: Spark Connect looks a frame's relations up again to forget it.
        """
        for name, frames in reversed(self._views.items()):
            try:
                for frame in frames:
                    if frame.is_cached:
                        frame.unpersist()
                self.session.catalog.dropTempView(f"{OUR_PREFIX}{name}")
            except Exception as error:
                if is_of_spark(error):
                    continue
                raise
        self._views.clear()

    def _frame(self, statement: str) -> DataFrame:
        return self.session.sql(transpile(statement, ours=self._views))
