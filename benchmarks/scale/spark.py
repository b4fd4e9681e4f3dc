"""The same files through Spark in local mode: the digest of DuckDB, the time, the memory of driver and Java, and what came back to the driver.

    python -m benchmarks.scale.spark [--sizes 1000000 10000000] [--master local[2]] [--memory 4g] [--scratch DIR]

Each engine runs in a process of its own. What comes back is read off Spark's own event log (the size of every task's result) and counted in
rows where results are collected. Writes results/spark.json beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import re
import subprocess
import sys
import tempfile
import time
from importlib.metadata import version
from pathlib import Path

from benchmarks.scale.synthetic import COLUMNS, write_files

HERE = Path(__file__).parent
SIZES = (1_000_000, 10_000_000)


def peak_mb(process: int | str) -> float:
    found = re.search(r"VmHWM:\s+(\d+) kB", Path(f"/proc/{process}/status").read_text())
    return int(found.group(1)) / 1024 if found else 0.0


def processor_seconds(process: int) -> float:
    """User and system time, which other work on the machine hardly moves."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def run_duckdb(customers: str, complaints: str) -> dict[str, object]:
    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.load import load_tables

    started = time.perf_counter()
    tables, report = load_tables(customers, complaints)
    with tables:
        counts = reduce_tables(tables)
    seconds = time.perf_counter() - started
    told = {"seconds": seconds, "cpu_seconds": time.process_time(), "driver_mb": peak_mb("self")}
    return told | {"digest": counts.digest, "rows": report.rows["customers"].read}


def run_spark(customers: str, complaints: str, *, master: str, memory: str, log: str) -> dict[str, object]:
    """Rules, reduction and session; the session's start is told apart."""
    from pyspark.sql import SparkSession

    from iceberg.ingest.spark.session import LOCAL_SETTINGS

    started = time.perf_counter()
    builder = SparkSession.builder.master(master).config("spark.driver.memory", memory)
    for name, value in LOCAL_SETTINGS.items():
        builder = builder.config(name, value)
    builder = builder.config("spark.eventLog.enabled", "true").config("spark.eventLog.dir", Path(log).as_uri())
    builder = builder.config("spark.eventLog.rolling.enabled", "false").config("spark.eventLog.compress", "false")
    session = builder.config("spark.local.dir", log).getOrCreate()
    session.sparkContext.setLogLevel("OFF")
    ready = time.perf_counter()

    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.spark import engine as spark
    from iceberg.ingest.spark.load import load_spark_tables

    collected = {"rows": 0, "results": 0, "longest": 0}
    fetchall = spark.SparkResult.fetchall

    def counted(result: spark.SparkResult) -> list[tuple[object, ...]]:
        rows = fetchall(result)
        collected["rows"] += len(rows)
        collected["results"] += 1
        collected["longest"] = max(collected["longest"], len(rows))
        return rows

    spark.SparkResult.fetchall = counted  # type: ignore[method-assign]
    tables, report = load_spark_tables({"customers": customers, "complaints": complaints})
    loaded = time.perf_counter()
    with tables:
        counts = reduce_tables(tables)
    ended = time.perf_counter()
    java = session.sparkContext._gateway.proc.pid  # type: ignore[union-attr]
    told = {
        "seconds": ended - ready,
        "start_seconds": ready - started,
        "stages": {"load and rules": loaded - ready, "reduce": ended - loaded},
        "digest": counts.digest,
        "rows": report.rows["customers"].read,
        "driver_mb": peak_mb("self"),
        "java_mb": peak_mb(java),
        "cpu_seconds": time.process_time() + processor_seconds(java),
        "collected": collected,
    }
    session.stop()
    return told | {"task_result_bytes": _result_bytes(Path(log))}


def _result_bytes(log: Path) -> int:
    total = 0
    for file in log.iterdir():
        if file.is_file() and file.name.startswith(("local-", "app-")):
            for line in file.read_text().splitlines():
                event = json.loads(line)
                if event["Event"] == "SparkListenerTaskEnd":
                    total += (event.get("Task Metrics") or {}).get("Result Size", 0)
    return total


def measure(engine: str, paths: dict[str, Path], options: argparse.Namespace) -> dict:
    with tempfile.TemporaryDirectory(dir=options.scratch) as log:
        command = [sys.executable, "-m", "benchmarks.scale.spark", "--case", engine, str(paths["customers"]), str(paths["complaints"]), log]
        command += ["--master", options.master, "--memory", options.memory]
        done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE.parent.parent)
    if done.returncode:
        raise SystemExit(f"{engine}: {done.stderr[-2000:]}")
    return json.loads(done.stdout.splitlines()[-1])


def written(about: dict, rows: list[dict]) -> str:
    """The results as a table in Markdown."""
    told = ", ".join(f"{name} {value}" for name, value in about.items())
    lines = [
        f"{told}. Written by `python -m benchmarks.scale.spark`.",
        "",
        "| customers | engine | processor s | by the clock, s | driver, MB | Java, MB | rows that came back | bytes |",
        "|---:|---|---:|---:|---:|---:|---:|---:|",
    ]
    for row in rows:
        back = row.get("collected", {})
        cells = [f"{row['customers']:,}", row["engine"], f"{row['cpu_seconds']:.0f}", f"{row['seconds']:.0f}", f"{row['driver_mb']:.0f}"]
        cells += [f"{row['java_mb']:.0f}", f"{back['rows']:,}", f"{row['task_result_bytes']:,}"] if back else ["", "", ""]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--master", default="local[2]")
    parser.add_argument("--memory", default="4g")
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()) / "iceberg-scale")
    parser.add_argument("--case", nargs=4, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        engine, customers, complaints, log = options.case
        told = run_duckdb(customers, complaints) if engine == "duckdb" else run_spark(
            customers, complaints, master=options.master, memory=options.memory, log=log
        )
        print(json.dumps(told))
        return
    rows = []
    for size in options.sizes:
        files = write_files(options.scratch, customers=size)
        paths = {table: files[table, "parquet"] for table in COLUMNS}
        for engine in ("duckdb", "spark"):
            told = measure(engine, paths, options)
            rows.append({"customers": size, "engine": engine} | told)
            print(json.dumps(rows[-1]), file=sys.stderr, flush=True)
        assert rows[-1]["digest"] == rows[-2]["digest"], "the engines disagree"
    about = {"cores": os.cpu_count(), "python": platform.python_version(), "master": options.master, "spark.driver.memory": options.memory}
    about |= {name: version(name) for name in ("duckdb", "pyspark", "sqlglot")} | {"format": "Parquet", "complaints": "5 % of customers"}
    (HERE / "results" / "spark.json").write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n")
    (HERE / "results" / "spark.md").write_text(written(about, rows))


if __name__ == "__main__":
    main()
