"""Server time of one slider move: re-estimating from counts, which must not know how many customers there are.

    python -m benchmarks.slider [--sizes 10000 1000000] [--moves 5] [--scratch DIR]

Counts are reduced once per size and kind of file; then the ratio moves and the estimate is made again, as a page does.
Writes results/slider.json and results/slider.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb

from benchmarks.scale.synthetic import LAST_DAY, write_files
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.counts_file import write_counts
from iceberg.cohort.reduce import reduce_tables
from iceberg.cohort.window import ObservationWindow
from iceberg.ingest.engine.duckdb_engine import DuckDBEngine
from iceberg.ingest.tables import Tables
from iceberg.model.assumptions import Assumptions, SilentRatioPrior
from iceberg.model.estimate import estimate_iceberg
from iceberg.model.summary import focus_estimate

HERE = Path(__file__).parent
FULL = ObservationWindow.ending(date.fromisoformat(LAST_DAY))
QUARTER = ObservationWindow(date(2026, 4, 1), FULL.as_of)


def counts_by_files(folder: Path, customers: int) -> dict[str, CohortCounts]:
    """Counts of the same company as far as each rung of the ladder would know them."""
    files = write_files(folder, customers=customers)
    connection = duckdb.connect()
    for table in ("customers", "complaints"):
        connection.execute(f"CREATE TABLE {table} AS SELECT * FROM '{files[table, 'parquet']}'")
    connection.execute(
        "CREATE TABLE volumes AS SELECT CAST(date_trunc('month', complaint_date) AS DATE) AS month, category, "
        "count(*) AS complaints FROM complaints GROUP BY ALL"
    )
    with Tables(DuckDBEngine(connection), frozenset({"customers", "complaints"})) as tables:
        volumes = replace(tables, names=frozenset({"volumes"}))
        beside = replace(tables, names=frozenset({"customers", "volumes"}))
        return {
            "volumes": reduce_tables(volumes, window=FULL),
            "customers, volumes": reduce_tables(beside, window=FULL),
            "linked, 1 segment, 3 months": reduce_tables(tables, window=QUARTER, max_segments=1),
            "linked, 12 segments, 24 months": reduce_tables(tables, window=FULL),
        }


def move_slider(counts: CohortCounts, moves: int) -> dict[str, object]:
    """Seconds of the first estimate, of re-estimating after the ratio moved, and of a filter."""
    started = time.perf_counter()
    estimate = estimate_iceberg(counts)
    first = time.perf_counter() - started
    moved, filtered, used = [], [], []
    for move in range(moves):
        median = 20.0 - move
        ratio = Assumptions(ratio=SilentRatioPrior(median, median / 5, median * 5))
        started, cpu = time.perf_counter(), time.process_time()
        estimate = estimate_iceberg(counts, assumptions=ratio, warm=estimate.fit_state)
        moved.append(time.perf_counter() - started)
        used.append(time.process_time() - cpu)
        started = time.perf_counter()
        focus_estimate(estimate, segments=counts.segments[:1], months=None)
        filtered.append(time.perf_counter() - started)
    return {
        "level": estimate.evidence.level,
        "first_ms": round(1000 * first),
        "move_ms": round(1000 * statistics.median(moved)),
        "move_cpu_ms": round(1000 * statistics.median(used)),
        "filter_ms": round(1000 * statistics.median(filtered)),
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[10_000, 1_000_000])
    parser.add_argument("--moves", type=int, default=5)
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()) / "iceberg-scale")
    options = parser.parse_args()
    rows = []
    for customers in options.sizes:
        for files, counts in counts_by_files(options.scratch, customers).items():
            measured = move_slider(counts, options.moves)
            rows.append({"customers": customers, "files": files, "counts_kb": len(write_counts(counts)) // 1024, **measured})
            print(rows[-1], flush=True)
    (HERE / "results").mkdir(exist_ok=True)
    about = {"cores": os.cpu_count(), "moves": options.moves, "categories": 6, "segments": 12, "months": 24}
    (HERE / "results" / "slider.json").write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n")
    lines = [
        "| customers | files | evidence level | first, ms | move, ms | its processor time, ms | filter, ms | counts, kB |",
        "|---:|---|---|---:|---:|---:|---:|---:|",
    ]
    names = ("customers", "files", "level", "first_ms", "move_ms", "move_cpu_ms", "filter_ms", "counts_kb")
    lines += ["| " + " | ".join(f"{row[name]:,}" if isinstance(row[name], int) else str(row[name]) for name in names) + " |" for row in rows]
    words = ", ".join(f"{name} {value}" for name, value in about.items())
    text = f"# A slider move\n\n{words}. Medians; written by `python -m benchmarks.slider`.\n\n" + "\n".join(lines) + "\n"
    (HERE / "results" / "slider.md").write_text(text)
    print(text)


if __name__ == "__main__":
    main()
