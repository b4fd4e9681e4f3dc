"""Opens what a name stands for in Spark: a table of the catalog, or files that the session reads."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING
from urllib.parse import unquote

from iceberg.errors import FileError
from iceberg.ingest.files.table_sources import list_sources
from iceberg.ingest.spark.faults import fault_of, is_of_spark, named_stage, reason_of
from iceberg.ingest.spark.watchdog import watched

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

PREFIX = "spark:"
_PARQUET, _TEXT = (".parquet", ".pq"), (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".txt")
_SEPARATORS = (",", ";", "\t", "|")
_THREADS = 8  # files whose columns are read at the same time
_NO_TEXT = "\ufffd"  # stands for a byte that is not UTF-8


@dataclass(frozen=True)
class SparkSource:
    """One table as Spark reads it.

    Attributes:
        name: The name to show: that of the table, the file or the folder.
        frame: The rows.
        files: Name and (column, type) pairs of each file; empty for a table of the catalog.
    """

    name: str
    frame: DataFrame
    files: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()


def is_remote(text: str) -> bool:
    """Whether only the cluster can read a source: a table of its catalog, or an address such as ``s3a://``."""
    return text.startswith(PREFIX) or "://" in text


def open_spark_source(session: SparkSession, text: str) -> SparkSource:
    """Open the rows behind a name.

    Args:
        session: To read with.
        text: ``spark:catalog.schema.table``; or a file, folder or pattern of Parquet or CSV, on this machine or at an address that the cluster knows.

    Raises:
        FileError: ``no_file_fits``, ``folder_mixes_formats``, ``spark_format``, ``csv_not_utf8``, ``file_breaks_off`` ...
    """
    if text.startswith(PREFIX):
        with named_stage("reading"):
            return SparkSource(text.removeprefix(PREFIX), session.table(text.removeprefix(PREFIX)))
    files = _list_files(session, text)
    name = PurePosixPath(text.rstrip("/")).name
    parquet = files[0].lower().endswith(_PARQUET)
    options = {} if parquet else _layout_of(session, files[0])
    with ThreadPoolExecutor(_THREADS) as pool:
        columns = list(pool.map(lambda file: _columns_of(session, file, options), files))
    with named_stage("reading"), watched(session, "reading"):
        frame = _read(session, files, options)
    return SparkSource(name, frame, tuple((_shown(file), pairs) for file, pairs in zip(files, columns, strict=True)))


def _list_files(session: SparkSession, text: str) -> list[str]:
    """The addresses of the files behind a name; those of local files begin with ``file://``, so that a cluster does not search elsewhere."""
    if is_remote(text):
        files = _list_remote(session, text)
    elif any(sign in text for sign in "*?[") or Path(text).expanduser().exists():
        files = [Path(str(path)).expanduser().resolve().as_uri() for path in list_sources(text)]
    else:
        raise FileError("file_not_found", {"file": text})
    for file in files:
        if not file.lower().endswith((*_PARQUET, *_TEXT)):
            raise FileError("spark_format", {"file": _shown(file)})
    kinds = {".parquet" if file.lower().endswith(_PARQUET) else ".csv" for file in files}
    if len(kinds) > 1:
        raise FileError("folder_mixes_formats", {"file": text, "kinds": ", ".join(sorted(kinds))})
    return files


def _list_remote(session: SparkSession, text: str) -> list[str]:
    """The files at an address, from Spark's table of files; only the column of paths is read, not the content."""
    try:
        with watched(session, "reading"):
            listing = session.read.format("binaryFile").option("recursiveFileLookup", "true").load(text).select("path")
            paths = sorted(str(path) for (path,) in listing.collect())
    except Exception as error:
        if is_of_spark(error):
            raise FileError("spark_address_unreadable", {"address": without_account(text), "reason": reason_of(error)}) from error
        raise
    files = [path for path in paths if not _shown(path).startswith((".", "_"))]
    if not files:
        raise FileError("folder_without_tables", {"file": without_account(text), "known": ", ".join((*_PARQUET, *_TEXT))})
    return files


def _read(session: SparkSession, files: list[str], options: dict[str, str]) -> DataFrame:
    """Read Parquet, or CSV with the options of `_layout_of`."""
    return session.read.options(**options).csv(files) if options else session.read.parquet(*files)


def _columns_of(session: SparkSession, file: str, options: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Columns and types of a file, which is broken where they cannot be read, unless it was Spark that failed."""
    try:
        with watched(session, "reading"):
            return tuple(_read(session, [file], options).dtypes)
    except Exception as error:
        if is_of_spark(error):
            fault = fault_of(error, "reading")
            raise FileError("file_breaks_off", fault.values | {"file": _shown(file)}) if fault.code == "spark_failed_reading" else fault from error
        raise


def _layout_of(session: SparkSession, file: str) -> dict[str, str]:
    """Options to read CSV with the separator of this header line; a malformed line stops the job, which Spark would otherwise pad or cut silently."""
    with named_stage("reading"), watched(session, "reading"):
        lines = [str(line) for (line,) in session.read.text(file).limit(20).collect()]
    if any(_NO_TEXT in line for line in lines):
        raise FileError("spark_not_utf8", {"file": _shown(file)})
    if not lines:
        raise FileError("header_only", {"file": _shown(file), "line": "0"})
    separator = max(_SEPARATORS, key=lines[0].count)
    return {"header": "true", "sep": separator, "escape": '"', "mode": "FAILFAST", "columnPruning": "false", "enforceSchema": "false"}


def without_account(text: str) -> str:
    """An address without what stands before the host, which can be a key."""
    scheme, mark, rest = text.partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}" if mark else text


def _shown(file: str) -> str:
    return PurePosixPath(unquote(file)).name
