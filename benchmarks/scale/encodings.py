"""``python -m benchmarks.scale.encodings``: the same customers as a French Excel saves them and as clean UTF-8.

cp1252, ``;``, dd/mm/yyyy and decimal comma against commas and ISO dates, from file to counts, each in a process of its own: clock,
processor seconds, peak memory, and how many times the clean file's time the French one takes.
"""

from __future__ import annotations

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import duckdb

RESULTS = Path(__file__).resolve().parents[1] / "results" / "encodings.json"
# Pseudo-random but the same on every machine: hashes of the row's number.
_ROWS = """SELECT printf('C%09d', i) AS id, DATE '2021-01-01' + a AS s, CASE WHEN b % 3 = 0 THEN DATE '2021-01-01' + a + c END AS e,
['Fidèle', 'Étudiant', 'Pro', 'Découverte'][1 + c % 4] AS g, round(b / 10.0, 2) AS r FROM (
SELECT i, CAST(hash(i) % 1900 AS INTEGER) AS a, CAST(hash(i + 1) % 90000 AS INTEGER) AS b, CAST(hash(i + 2) % 400 AS INTEGER) AS c
FROM range({customers}) t(i))"""


def write_files(folder: Path, customers: int) -> tuple[Path, Path]:
    """The clean file and the French one."""
    clean, french = folder / "clean.csv", folder / "french.csv"
    connection = duckdb.connect()
    rows = _ROWS.format(customers=customers)
    plain = f"SELECT id AS customer_id, s AS start_date, e AS end_date, g AS segment, r AS revenue FROM ({rows})"
    connection.execute(f"COPY ({plain}) TO '{clean}' (HEADER)")
    utf8 = folder / "utf8.csv"
    connection.execute(
        "COPY (SELECT id AS \"N° client\", strftime(s, '%d/%m/%Y') AS \"Date d'entrée\", strftime(e, '%d/%m/%Y') AS \"Date de résiliation\", "
        f"g AS Segment, replace(CAST(r AS VARCHAR), '.', ',') AS \"CA annuel\" FROM ({rows})) TO '{utf8}' (HEADER, DELIMITER ';')"
    )
    with utf8.open(encoding="utf-8", newline="") as source, french.open("w", encoding="cp1252", newline="") as target:
        while text := source.read(1 << 22):
            target.write(text)
    utf8.unlink()
    return clean, french


def measure(path: str) -> None:
    """Runs in a process of its own; prints figures as JSON."""
    from datetime import date

    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.load import load_tables

    began, used = time.perf_counter(), time.process_time()
    tables, report = load_tables(path, today=date(2030, 1, 1))
    with tables:
        digest = reduce_tables(tables).digest
    figures = {
        "seconds": time.perf_counter() - began,
        "cpu_seconds": time.process_time() - used,
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10,
        "digest": digest,
        "kept": report.rows["customers"].kept,
    }
    print(json.dumps(figures))


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--customers", type=int, default=10_000_000)
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--measure")
    options = parser.parse_args()
    if options.measure:
        measure(options.measure)
        return 0
    runs: dict[str, list[dict[str, float]]] = {"clean": [], "french": []}
    with tempfile.TemporaryDirectory() as folder:
        files = write_files(Path(folder), options.customers)
        for _ in range(options.repeats):
            for name, path in zip(runs, files, strict=True):
                command = [sys.executable, "-m", "benchmarks.scale.encodings", "--measure", str(path)]
                runs[name].append(json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout))
    best = {name: min(taken, key=lambda run: run["cpu_seconds"]) for name, taken in runs.items()}
    result = {
        "customers": options.customers,
        **best,
        "same_counts": best["clean"]["digest"] == best["french"]["digest"],
        "times_cpu": best["french"]["cpu_seconds"] / best["clean"]["cpu_seconds"],
        "times_clock": min(run["seconds"] for run in runs["french"]) / min(run["seconds"] for run in runs["clean"]),
    }
    RESULTS.parent.mkdir(exist_ok=True)
    RESULTS.write_text(json.dumps(result, indent=2) + "\n")
    print(json.dumps(result, indent=2))
    return 0 if result["same_counts"] else 1


if __name__ == "__main__":
    sys.exit(main())
