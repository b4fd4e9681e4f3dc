"""A real cluster of this machine's own: the same counts, and what becomes of a run whose executors are killed.

Run with ``make faults``, or ``python -m pytest -m cluster``.
"""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import duckdb
import pytest

from iceberg.cohort.reduce import reduce_tables
from iceberg.ingest.load import load_tables
from iceberg.store.studies import Store
from tests.spark.cluster import Standalone, connect_server, end, standalone
from tests.spark.conftest import ROOT, SETTINGS

pytestmark = pytest.mark.cluster  # a minute and a half: not among the tests of every change
OF_A_CLUSTER = {"spark.iceberg.patienceSeconds": "4", "spark.executor.memory": "600m"}


@pytest.fixture(scope="module")
def cluster(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Standalone]:
    with standalone(tmp_path_factory.mktemp("cluster")) as started:
        told = SETTINGS | OF_A_CLUSTER | {"spark.executor.extraJavaOptions": SETTINGS["spark.driver.extraJavaOptions"]}
        (started.folder / "spark-defaults.conf").write_text("".join(f"{name} {value}\n" for name, value in told.items()))
        yield started


class Refresh:
    """The monthly refresh as a scheduler runs it, against a cluster."""

    def __init__(self, cluster: Standalone | str, company: Path, folder: Path) -> None:
        self.company, self.folder = company, folder
        self.url = cluster if isinstance(cluster, str) else cluster.url
        self.settings = None if isinstance(cluster, str) else cluster.folder
        self.executors = list if isinstance(cluster, str) else cluster.executors

    def run(self, meanwhile: Callable[[], None] | None = None) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-m", "iceberg", "publish", "--engine", "spark", "--spark-url", self.url, "--quiet"]
        command += ["--customers", str(self.company / "parquet" / "customers"), "--complaints", f"{self.company}/parquet/complaints/*.parquet"]
        command += ["--store", str(self.folder / "store.db")]
        done = threading.Event()
        other = threading.Thread(target=lambda: self._when_it_works(meanwhile, done)) if meanwhile is not None else None
        if other is not None:
            other.start()
        environment = os.environ | ({"SPARK_CONF_DIR": str(self.settings)} if self.settings is not None else {})
        finished = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, timeout=200, env=environment)
        done.set()
        if other is not None:
            other.join()
        return finished

    def _when_it_works(self, meanwhile: Callable[[], None], done: threading.Event) -> None:
        """As soon as an executor has begun."""
        while not self.executors() and not done.wait(0.1):
            pass
        if not done.wait(2.0):
            meanwhile()

    def published(self) -> list[str]:
        store = Store(str(self.folder / "store.db"))
        digests = [store.load(study.study_id).counts.digest for study in store.studies()]
        store.close()
        return digests


@pytest.fixture(scope="module")
def expected(company: Path) -> str:
    tables, _ = load_tables(company / "customers.parquet", company / "complaints.parquet")
    with tables:
        return reduce_tables(tables).digest


def test_spark_connect_gives_the_same_counts(company: Path, expected: str, tmp_path: Path) -> None:
    settings = {name: value for name, value in SETTINGS.items() if name.startswith("spark.sql.")}
    with connect_server(tmp_path, **settings) as address:
        refresh = Refresh(address, company, tmp_path)
        done = refresh.run()
    assert done.returncode == 0, done.stderr
    assert refresh.published() == [expected]


def test_executors_that_are_killed_are_done_without_and_a_cluster_that_is_gone_publishes_nothing(
    cluster: Standalone, company: Path, expected: str, tmp_path: Path
) -> None:
    """Killed with their worker: one sentence with the stage, and a run after that succeeds. Killed once: Spark does the work again."""
    refresh = Refresh(cluster, company, tmp_path)
    killed: list[int] = []

    def kill_for_good() -> None:
        end(cluster.workers.pop())
        for process in cluster.executors():
            with suppress(ProcessLookupError):
                os.kill(process, signal.SIGKILL)

    stopped = refresh.run(kill_for_good)
    assert (stopped.returncode, stopped.stdout) == (2, "")
    assert stopped.stderr.rstrip().splitlines()[-1].startswith("Spark was lost while it was")
    assert "no executor for 4 s" in stopped.stderr
    assert "Traceback" not in stopped.stderr
    assert refresh.published() == []

    cluster.add_worker()

    def kill_once() -> None:
        for process in cluster.executors():
            os.kill(process, signal.SIGKILL)
            killed.append(process)
        while set(cluster.executors()) & set(killed):
            time.sleep(0.1)

    again = refresh.run(kill_once)
    assert again.returncode == 0, again.stderr
    assert killed
    assert refresh.published() == [expected]


def test_a_full_disk_is_said_and_nothing_is_published(tmp_path: Path) -> None:
    """No file may grow beyond 300 kB: 200,000 ids cannot be put anywhere while they are compared."""
    scratch, big = tmp_path / "scratch", tmp_path / "customers.parquet"
    scratch.mkdir()
    rows = "SELECT 'C-' || md5(i::VARCHAR) AS customer_id, DATE '2020-01-01' + (i % 2000)::INT AS start_date, NULL::DATE AS end_date"
    duckdb.sql(f"COPY ({rows} FROM range(200000) AS numbers(i)) TO '{big}'")

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))

    command = [sys.executable, "-m", "iceberg", "publish", "--engine", "spark", "--spark-url", "local[2]", "--customers", str(big)]
    command += ["--temp-dir", str(scratch), "--store", str(tmp_path / "store.db"), "--quiet"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False, preexec_fn=limit, timeout=200)
    assert (done.returncode, done.stdout) == (2, "")
    assert "--temp-dir" in done.stderr.splitlines()[-1]
    assert "File too large" in done.stderr.splitlines()[-1]
    store = Store(str(tmp_path / "store.db"))
    assert store.studies() == ()
    store.close()
