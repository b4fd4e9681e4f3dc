"""Owns what Spark could not do, as a sentence that names the file or the stage. What Spark says can quote a row, so little of it is passed on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from urllib.parse import unquote

from iceberg.errors import FileError

_ADDRESS = re.compile(r"(?:file|hdfs|viewfs|s3a?n?|abfss?|wasbs?|gs|dbfs|oss):/[^\s,;\"'\])]+")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|(?<!^)\[[^\]]*\]|: \S.*$")
_CLASSES = re.compile(r"^(?:: )?(?:[\w.$]+(?:Exception|Error): )+")  # what Java puts before its words
_BROKEN_FILE = (
    "FAILED_READ_FILE",
    "CANNOT_READ_FILE_FOOTER",
    "is not a Parquet file",
    "is not Parquet file",
    "Could not read footer",
    "can not read class org.apache.parquet",
    "FileNotFoundException",
    "CORRUPTED",
)
# Pieces of what Spark and Java say, and the sentence they stand for; the first that is found counts.
_KINDS: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("spark_disk_full", ("No space left on device", "Disk quota exceeded", "File too large")),
    ("spark_memory_full", ("Java heap space", "GC overhead limit", "UnsafeMemoryMode", "UNABLE_TO_ACQUIRE_MEMORY", "OutOfMemoryError")),
    ("spark_rows_malformed", ("MALFORMED_RECORD", "Malformed CSV record", "MALFORMED_CSV_RECORD")),
    ("file_breaks_off", _BROKEN_FILE),
    (
        "spark_lost",  # with the stage
        (
            "ExecutorLostFailure",
            "Master removed our application",
            "All masters are unresponsive",
            "Could not find CoarseGrainedScheduler",
            "SparkContext was shut down",
            "SparkContext was shutdown",
            "Cannot call methods on a stopped SparkContext",
            "StatusCode.UNAVAILABLE",
            "Connection refused",
            "Connection reset",
        ),
    ),
)


@contextmanager
def named_stage(stage: str) -> Iterator[None]:
    """What Spark could not do as a sentence that names the stage (``"reading"``, ``"judging"``, ``"counting"``).

    Raises:
        FileError: ``spark_failed_<stage>``, or what it was that Spark lacked: ``spark_disk_full``, ``spark_memory_full``, ``spark_lost_<stage>``,
            ``spark_rows_malformed``, ``file_breaks_off``.
    """
    try:
        yield
    except FileError:
        raise
    except Exception as error:
        if is_of_spark(error):
            raise fault_of(error, stage) from error
        raise


def is_of_spark(error: Exception) -> bool:
    """Its own exceptions, those of the bridge to Java and of Spark Connect, and a line that went dead."""
    return type(error).__module__.startswith(("pyspark", "py4j", "grpc")) or isinstance(error, ConnectionError)


def fault_of(error: Exception, stage: str) -> FileError:
    """The sentence for an exception of Spark."""
    text = _everything_said(error)
    code, sign = next(((code, sign) for code, signs in _KINDS for sign in signs if sign in text), (f"spark_failed_{stage}", ""))
    # The cause stands deep in what Java says: the sign by which it was found says it better than the first line.
    reason = sign if " " in sign or sign.endswith(("Error", "Failure")) else reason_of(error)
    values: dict[str, object] = {"stage": stage, "reason": reason, "file": _file_in(text)}
    if code == "spark_lost":
        code = f"spark_lost_{stage}"
    if code in {"file_breaks_off", "spark_rows_malformed"} and not values["file"]:
        code = f"spark_failed_{stage}"
    return FileError(code, values)


def reason_of(error: Exception) -> str:
    """The first line that says something, without what it quotes: that could be a cell, and the path of a file says more than its name."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.strip().startswith(("at ", "An error occurred while"))]
    lines = [_CLASSES.sub("", line) for line in lines]
    first = _ADDRESS.sub(lambda found: PurePosixPath(unquote(found.group())).name, (lines or [type(error).__name__])[0])
    return _QUOTED.sub("", first).strip(" .:")[:160] or type(error).__name__


def _everything_said(error: Exception) -> str:
    """Its own words, and those of the exceptions of Java behind it where they can be had."""
    said = [str(error)]
    cause = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    while cause is not None and len(said) < 12:
        try:
            said.append(str(cause.toString()))
            cause = cause.getCause()
        except Exception as fault:
            if is_of_spark(fault):  # the bridge may have gone with the error
                break
            raise
    return "\n".join(said)


def _file_in(text: str) -> str:
    found = _ADDRESS.search(text)
    return PurePosixPath(unquote(found.group())).name.rstrip(".") if found else ""
