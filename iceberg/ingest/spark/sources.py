"""Owns what a name stands for in Spark: a table of the catalog, or files that the session reads; every file has the columns of the first."""

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
_AT_ONCE = 8  # files whose columns are asked for at the same time
_NO_TEXT = "\ufffd"  # what a byte becomes that is no UTF-8


@dataclass(frozen=True)
class SparkSource:
    """One table as Spark reads it.

    Attributes:
        name: As it may be shown: the table's name, or that of the file or folder.
        frame: Its rows.
        files: Its files, where it is made of files, with (column, type) of each.
    """

    name: str
    frame: DataFrame
    files: tuple[tuple[str, tuple[tuple[str, str], ...]], ...] = ()


def is_remote(text: str) -> bool:
    """Whether only the cluster can read it: a table of its catalog, or an address such as ``s3a://``."""
    return text.startswith(PREFIX) or "://" in text


def open_spark_source(session: SparkSession, text: str) -> SparkSource:
    """The rows behind a name.

    Args:
        session: To read with.
        text: ``spark:catalog.schema.table``; or a file, folder or pattern of Parquet or CSV, here or at an address that the cluster knows.

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
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        columns = list(pool.map(lambda file: _columns_of(session, file, options), files))
    with named_stage("reading"), watched(session, "reading"):
        frame = _reader(session, options)(files)
    return SparkSource(name, frame, tuple((_shown(file), found) for file, found in zip(files, columns, strict=True)))


def _list_files(session: SparkSession, text: str) -> list[str]:
    """Every file behind a name; what lies on this machine is named so that a session of a cluster does not look elsewhere."""
    if is_remote(text):
        files = _list_remote(session, text)
    elif any(sign in text for sign in "*?[") or Path(text).expanduser().exists():
        files = [Path(str(one)).expanduser().resolve().as_uri() for one in list_sources(text)]
    else:
        raise FileError("file_not_found", {"file": text})
    if any(not file.lower().endswith((*_PARQUET, *_TEXT)) for file in files):
        odd = next(file for file in files if not file.lower().endswith((*_PARQUET, *_TEXT)))
        raise FileError("spark_format", {"file": _shown(odd)})
    kinds = {".parquet" if file.lower().endswith(_PARQUET) else ".csv" for file in files}
    if len(kinds) > 1:
        raise FileError("folder_mixes_formats", {"file": text, "kinds": ", ".join(sorted(kinds))})
    return files


def _list_remote(session: SparkSession, text: str) -> list[str]:
    """Spark lists files as a table of files, whose content is not read as nobody asks for it."""
    try:
        with watched(session, "reading"):
            listing = session.read.format("binaryFile").option("recursiveFileLookup", "true").load(text).select("path")
            found = sorted(str(path) for (path,) in listing.collect())
    except Exception as error:
        if is_of_spark(error):
            raise FileError("spark_address_unreadable", {"address": without_account(text), "reason": reason_of(error)}) from error
        raise
    files = [one for one in found if not _shown(one).startswith((".", "_"))]
    if not files:
        raise FileError("folder_without_tables", {"file": without_account(text), "known": ", ".join((*_PARQUET, *_TEXT))})
    return files


def _reader(session: SparkSession, options: dict[str, str]):  # type: ignore[no-untyped-def]  # noqa: ANN202  # a method of Spark's
    """How files are read: a line that does not fit stops the job, because Spark would fill it up or cut it in silence."""
    if not options:
        return lambda files: session.read.parquet(*files)
    return lambda files: session.read.options(**options).csv(files)


def _columns_of(session: SparkSession, file: str, options: dict[str, str]) -> tuple[tuple[str, str], ...]:
    """Columns and types; a file of which they cannot be told is broken, unless it was Spark that broke."""
    try:
        with watched(session, "reading"):
            return tuple(_reader(session, options)([file]).dtypes)
    except Exception as error:
        if is_of_spark(error):
            fault = fault_of(error, "reading")
            raise FileError("file_breaks_off", fault.values | {"file": _shown(file)}) if fault.code == "spark_failed_reading" else fault from error
        raise


def _layout_of(session: SparkSession, file: str) -> dict[str, str]:
    """Separator of a CSV, from its header line."""
    with named_stage("reading"), watched(session, "reading"):
        lines = [str(line) for (line,) in session.read.text(file).limit(20).collect()]
    if any(_NO_TEXT in line for line in lines):
        raise FileError("spark_not_utf8", {"file": _shown(file)})
    if not lines:
        raise FileError("header_only", {"file": _shown(file), "line": "0"})
    separator = max(_SEPARATORS, key=lines[0].count)
    return {"header": "true", "sep": separator, "escape": '"', "mode": "FAILFAST", "columnPruning": "false", "enforceSchema": "false"}


def without_account(text: str) -> str:
    """An address as it may be shown: keys can stand before the host."""
    scheme, mark, rest = text.partition("://")
    return f"{scheme}{mark}{rest.rpartition('@')[2]}" if mark else text


def _shown(file: str) -> str:
    return PurePosixPath(unquote(file)).name
