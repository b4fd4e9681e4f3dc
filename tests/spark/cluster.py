"""A real Spark cluster on this machine, from the jars of the pyspark package: a master, workers that start executors, a Connect server."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pyspark

HOME = Path(pyspark.__file__).parent
CONNECT = "org.apache.spark.sql.connect.service.SparkConnectServer"
QUICK = "-XX:TieredStopAtLevel=1 -XX:+UseSerialGC"
PATIENCE = 90


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _environment() -> dict[str, str]:
    return os.environ | {"SPARK_HOME": str(HOME), "SPARK_LOCAL_IP": "127.0.0.1", "PYSPARK_PYTHON": sys.executable, "SPARK_DAEMON_JAVA_OPTS": QUICK}


def start(command: list[str], log: Path) -> subprocess.Popen[bytes]:
    """A process with children of its own group, so that all of it can be ended."""
    with log.open("wb") as target:
        return subprocess.Popen(
            [str(HOME / "bin" / command[0]), *command[1:]], env=_environment(), stdout=target, stderr=target, start_new_session=True
        )


def end(process: subprocess.Popen[bytes], *, with_signal: int = signal.SIGKILL) -> None:
    with suppress(ProcessLookupError):
        os.killpg(process.pid, with_signal)
    process.wait(timeout=30)


def wait_for_text(log: Path, pattern: str) -> None:
    deadline = time.monotonic() + PATIENCE
    while not re.search(pattern, log.read_text(errors="replace")):
        if time.monotonic() > deadline:
            raise RuntimeError(f"{pattern} is not in {log}:\n{log.read_text(errors='replace')[-2000:]}")
        time.sleep(0.1)


@dataclass
class Standalone:
    """A master and its workers."""

    url: str
    folder: Path
    memory: str
    workers: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def add_worker(self) -> None:
        """Start one more worker of two cores and wait until the master knows it."""
        log = self.folder / f"worker-{len(self.workers)}.log"
        command = ["spark-class", "org.apache.spark.deploy.worker.Worker", "--host", "127.0.0.1", "--cores", "2", "--memory", self.memory]
        command += ["--webui-port", str(free_port()), "--work-dir", str(self.folder / "work"), self.url]
        self.workers.append(start(command, log))
        wait_for_text(log, "Successfully registered with master")

    def executors(self) -> list[int]:
        """Process ids of the executors that run for this cluster."""
        found = []
        for place in Path("/proc").iterdir():
            if place.name.isdigit():
                with suppress(OSError):
                    told = (place / "cmdline").read_bytes().decode(errors="replace")
                    if "CoarseGrainedExecutorBackend" in told and str(self.folder) in str((place / "cwd").readlink()):
                        found.append(int(place.name))
        return found


@contextmanager
def standalone(folder: Path, *, memory: str = "1g") -> Iterator[Standalone]:
    """``spark://``: a master and a worker for the time of the block."""
    port, log = free_port(), folder / "master.log"
    command = ["spark-class", "org.apache.spark.deploy.master.Master", "--host", "127.0.0.1", "--port", str(port), "--webui-port", str(free_port())]
    master = start(command, log)
    cluster = Standalone(f"spark://127.0.0.1:{port}", folder, memory)
    try:
        wait_for_text(log, "I have been elected leader")
        cluster.add_worker()
        yield cluster
    finally:
        for process in (*cluster.workers, master):
            end(process)


@contextmanager
def connect_server(folder: Path, **settings: str) -> Iterator[str]:
    """``sc://``: a Spark Connect server in local mode for the time of the block."""
    port, log = free_port(), folder / "connect.log"
    told = {"spark.connect.grpc.binding.port": str(port), "spark.connect.grpc.binding.address": "127.0.0.1", "spark.ui.enabled": "false"}
    told |= {"spark.driver.extraJavaOptions": QUICK} | settings
    command = ["spark-submit", "--class", CONNECT, "--master", "local[2]"]
    command += [part for name, value in told.items() for part in ("--conf", f"{name}={value}")]
    server = start([*command, "spark-internal"], log)
    try:
        wait_for_text(log, "Spark Connect server started")
        yield f"sc://127.0.0.1:{port}"
    finally:
        end(server)
