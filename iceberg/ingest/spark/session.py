"""Opens a Spark session: the environment's own, the one at an address, or a local one."""

from __future__ import annotations

import errno
import os
import re
import socket
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from iceberg.errors import FileError
from iceberg.ingest.engine.limits import parse_bytes
from iceberg.ingest.spark.faults import is_of_spark, reason_of

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

_PORTS = {"spark": 7077, "sc": 15002}
_SECONDS_TO_CONNECT = 10
# Of a local session that is started here. Spark's default of 200 partitions is for a cluster: on one machine most of the time would go into them.
LOCAL_SETTINGS = {"spark.sql.shuffle.partitions": "32", "spark.ui.enabled": "false", "spark.ui.showConsoleProgress": "false"}


@dataclass(frozen=True)
class SessionOptions:
    """Which session to use.

    Attributes:
        url: Address: ``local[*]``, ``spark://...`` or ``sc://...``; None takes the environment's own session, else a local one.
        memory_limit: Of a local session, such as ``"4GB"``; a cluster has settings of its own.
        temp_directory: Folder in which a local session puts what does not fit into memory.
    """

    url: str | None = None
    memory_limit: str | None = None
    temp_directory: Path | None = None


def open_session(options: SessionOptions) -> SparkSession:
    """Open the session of the environment where there is one, else the one at `SessionOptions.url`.

    Raises:
        FileError: ``spark_missing``, ``spark_java_missing``, ``spark_connect_missing``, ``spark_unreachable``, ``spark_own_settings``,
            ``memory_limit_unreadable``.
    """
    try:
        from pyspark.sql import SparkSession
    except ImportError as error:
        raise FileError("spark_missing") from error
    url, active = options.url, SparkSession.getActiveSession()
    if active is not None and url is None:
        return active
    settings = _settings(options)
    address = url or os.environ.get("SPARK_REMOTE") or "local[*]"
    _require_reachable(address)
    builder = SparkSession.builder.appName("iceberg")
    try:
        if address.startswith("sc://"):
            return builder.remote(address).getOrCreate()
        for name, value in (settings | (LOCAL_SETTINGS if url is not None and url.startswith("local") else {})).items():
            builder = builder.config(name, value)
        session = (builder.master(url) if url is not None else builder).getOrCreate()
        session.sparkContext.setLogLevel("OFF")  # a fault is reported once, as a sentence
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
    """Try the address first: Spark itself would try again for minutes.

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
    """The address up to the host, because a token may follow."""
    scheme, mark, rest = address.partition("://")
    return f"{scheme}{mark}{rest.partition('/')[0].rpartition('@')[2]}"


def _settings(options: SessionOptions) -> dict[str, str]:
    """The settings that stand for ``--memory-limit`` and ``--temp-dir``; only a session that is started here takes them."""
    url, memory_limit, temp_directory = options.url, options.memory_limit, options.temp_directory
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
