"""Turns exceptions of Spark into sentences that name the file or the stage. Messages of Spark can quote a row, so little of them is passed on."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import PurePosixPath
from urllib.parse import unquote

from iceberg.errors import FileError

_ADDRESS = re.compile(r"(?:file|hdfs|viewfs|s3a?n?|abfss?|wasbs?|gs|dbfs|oss):/[^\s,;\"'\])]+")
_QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"|(?<!^)\[[^\]]*\]|: \S.*$")
_CLASSES = re.compile(r"^(?:: )?(?:[\w.$]+(?:Exception|Error): )+")  # what Java puts before a message
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
# Code of a sentence, and parts of messages of Spark and Java that stand for it; the first match counts.
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
    """Turn exceptions of Spark into a sentence that names the stage (``"reading"``, ``"judging"``, ``"counting"``).

    Raises:
        FileError: ``spark_failed_<stage>``, or the cause where it is known: ``spark_disk_full``, ``spark_memory_full``, ``spark_lost_<stage>``,
            ``spark_rows_malformed``, ``file_breaks_off``.
    """
    try:
        yield
    except Exception as error:
        if is_of_spark(error):
            raise fault_of(error, stage) from error
        raise


@contextmanager
def ignored_faults() -> Iterator[None]:
    """Suppress exceptions of Spark in work that needs no result: the session may be lost already."""
    try:
        yield
    except Exception as error:
        if is_of_spark(error):
            return
        raise


def is_of_spark(error: Exception) -> bool:
    """Whether an exception comes from Spark, its bridge to Java or Spark Connect, or is a lost connection."""
    return type(error).__module__.startswith(("pyspark", "py4j", "grpc")) or isinstance(error, ConnectionError)


def fault_of(error: Exception, stage: str) -> FileError:
    """The sentence for an exception of Spark."""
    text = _messages_of(error)
    code, part = next(((code, part) for code, parts in _KINDS for part in parts if part in text), (f"spark_failed_{stage}", ""))
    # The cause stands deep in the messages of Java: the part that matched names it better than the first line.
    reason = part if " " in part or part.endswith(("Error", "Failure")) else reason_of(error)
    values: dict[str, object] = {"stage": stage, "reason": reason, "file": _file_in(text)}
    if code == "spark_lost":
        code = f"spark_lost_{stage}"
    if code in {"file_breaks_off", "spark_rows_malformed"} and not values["file"]:
        code = f"spark_failed_{stage}"
    return FileError(code, values)


def reason_of(error: Exception) -> str:
    """The first line with content, without quotations, which could be cells, and with file names instead of paths."""
    lines = [line.strip() for line in str(error).splitlines() if line.strip() and not line.strip().startswith(("at ", "An error occurred while"))]
    lines = [_CLASSES.sub("", line) for line in lines]
    first = _ADDRESS.sub(lambda match: PurePosixPath(unquote(match.group())).name, (lines or [type(error).__name__])[0])
    return _QUOTED.sub("", first).strip(" .:")[:160] or type(error).__name__


def _messages_of(error: Exception) -> str:
    """The message of an exception and of the Java exceptions that caused it, as far as they can be read."""
    messages = [str(error)]
    cause = getattr(error, "java_exception", None) or getattr(error, "_origin", None)
    with ignored_faults():  # of the bridge to Java
        while cause is not None and len(messages) < 12:
            messages.append(str(cause.toString()))
            cause = cause.getCause()
    return "\n".join(messages)


def _file_in(text: str) -> str:
    address = _ADDRESS.search(text)
    return PurePosixPath(unquote(address.group())).name.rstrip(".") if address else ""
