"""Gives up work on a cluster that has no executor left, for which Spark itself would wait for ever."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING, Any

from iceberg.errors import FileError
from iceberg.ingest.spark.faults import ignored_faults, is_of_spark

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

PATIENCE_SETTING = "spark.iceberg.patienceSeconds"
PATIENCE_SECONDS = 300  # judgement: longer than a cluster takes to start an executor, shorter than a person waits without an answer
_TAG, _CHECK_SECONDS = "iceberg", 1.0


@contextmanager
def watched(session: SparkSession, stage: str) -> Iterator[None]:
    """Cancel the work inside when the cluster has had no executor for `PATIENCE_SETTING`; local sessions and Spark Connect are not watched.

    Raises:
        FileError: ``spark_lost_<stage>``.
    """
    context = _cluster_of(session)
    if context is None:
        yield
        return
    patience = float(session.conf.get(PATIENCE_SETTING, str(PATIENCE_SECONDS)) or PATIENCE_SECONDS)
    done, gone = Event(), Event()
    watcher = Thread(target=_watch, args=(context, patience, done, gone), daemon=True)
    context.addJobTag(_TAG)  # so that no other job is cancelled
    watcher.start()
    try:
        yield
    except Exception as error:
        if gone.is_set() and is_of_spark(error):
            raise FileError(f"spark_lost_{stage}", {"stage": stage, "reason": f"no executor for {patience:.0f} s"}) from error
        raise
    finally:
        done.set()
        watcher.join()
        with ignored_faults():
            context.removeJobTag(_TAG)


def _cluster_of(session: SparkSession) -> Any:  # noqa: ANN401  # the context, which Spark Connect does not have
    from pyspark.sql.utils import is_remote

    if is_remote():
        return None
    context = session.sparkContext
    return None if (context.master or "").startswith("local") else context


def _watch(context: Any, patience: float, done: Event, gone: Event) -> None:  # noqa: ANN401
    alone_since: float | None = None
    with ignored_faults():  # where the session is lost, the watched work fails by itself
        while not done.wait(_CHECK_SECONDS):
            executors = context._jsc.sc().getExecutorMemoryStatus().size() - 1  # the driver is listed, too
            alone_since = None if executors > 0 else alone_since or time.monotonic()
            if alone_since is not None and time.monotonic() - alone_since >= patience:
                gone.set()
                context.cancelJobsWithTag(_TAG)
                return
