"""How long a large log takes: from rows to weeks, and from weeks to counts; each case in a process of its own.

    python -m benchmarks.rhythm.speed [--customers 10000000] [--rows 60000000] [--rounds 2] [--scratch DIR]       # 3 GB of disk and some minutes

Three cases of 52 weeks, the same for the same seed:

- `gym`: a tenth of the customers, with so many visits that the log has `--rows` rows, in the order of time, as a door writes it.
- `shop`: all customers, most of whom come a few times a year; as many rows, in the order of time.
- `regulars`: all customers come every week or so, with pauses and breaks. Their log would have 670 million rows, so it begins with the days of each
  customer, as they are after reading.

Prints seconds by the clock, processor seconds and peak memory, and writes results/speed.md beside this file. Files are deleted at the end.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import platform
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from datetime import date, timedelta
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

HERE = Path(__file__).parent
CASES = ("gym", "shop", "regulars")
WEEKS = 52
FIRST_DAY = date(2024, 1, 1)  # a Monday
_WEEKDAYS = np.array([1.1, 1.0, 1.1, 1.0, 0.9, 1.2, 0.7], dtype=np.float32) / 7
_CHUNK = 250_000


def simulate_levels(rng: np.random.Generator, customers: int) -> np.ndarray:
    """(n, W) what is left of each rhythm by week, in percent: breaks to nothing or a seventh, pauses of some weeks, members who join later."""
    week = np.arange(WEEKS)
    broke = 6 + rng.geometric(0.005, customers)
    left = np.where(rng.random(customers) < 0.65, 0, 15)
    level = np.where(week < broke[:, None], 100, left[:, None]).astype(np.uint8)
    for _ in range(2):
        begin = rng.geometric(0.01, customers)
        level[(week >= begin[:, None]) & (week < (begin + 1 + rng.geometric(0.2, customers))[:, None])] = 0
    joined = np.where(rng.random(customers) < 0.3, rng.integers(0, WEEKS, customers), 0)
    level[week < joined[:, None]] = 0
    return level


def simulate_rates(rng: np.random.Generator, customers: int, visits: float, spread: float) -> np.ndarray:
    """Visits per week of each customer."""
    return np.minimum(visits * np.exp(spread * rng.standard_normal(customers)), 6.3).astype(np.float32)


def write_log(path: Path, *, customers: int, rows: int, spread: float, seed: int = 1) -> int:
    """Writes a log in the order of time; returns its rows."""
    rng = np.random.default_rng(seed)
    levels = np.concatenate([simulate_levels(rng, min(_CHUNK, customers - low)) for low in range(0, customers, _CHUNK)])
    rates = simulate_rates(rng, customers, 1.0, spread)
    rates *= rows / (7 * _WEEKDAYS.mean() * sum(float(rates @ levels[:, week]) for week in range(WEEKS)) / 100)
    names = pa.array([f"C{number:08d}" for number in rng.permutation(customers).tolist()])
    schema, written = pa.schema({"customer_id": pa.string(), "activity_date": pa.date32()}), 0
    with pq.ParquetWriter(path, schema) as writer:
        for day in range(7 * WEEKS):
            chance = rates * levels[:, day // 7] * (_WEEKDAYS[day % 7] / 100)
            here = np.flatnonzero(rng.random(customers, dtype=np.float32) < chance)
            dates = np.full(len(here), (FIRST_DAY - date(1970, 1, 1)).days + day, dtype=np.int32)
            writer.write_table(pa.table([names.take(pa.array(rng.permutation(here))), pa.array(dates, pa.date32())], schema=schema))
            written += len(here)
    return written


def simulate_days(customers: int, *, seed: int = 1) -> Iterator[np.ndarray]:
    """(n, W) a bit for each day of a week, of customers who come every week or so."""
    rng = np.random.default_rng(seed)
    for low in range(0, customers, _CHUNK):
        size = min(_CHUNK, customers - low)
        levels, rates = simulate_levels(rng, size), simulate_rates(rng, size, 1.6, 0.5)
        bits = np.zeros((size, WEEKS), dtype=np.uint8)
        for weekday, often in enumerate(_WEEKDAYS):
            bits |= (rng.random((size, WEEKS), dtype=np.float32) < rates[:, None] * levels * (often / 100)).astype(np.uint8) << weekday
        yield bits


def write_days(path: Path, *, customers: int) -> int:
    """Writes the days of `simulate_days` as the product holds them after reading a log (`ActivityWeeks`); returns the active days."""
    low = active = 0
    writer = None
    for bits in simulate_days(customers):
        days = np.bitwise_count(bits)
        total, weeks, first = days.sum(1, dtype=np.int32), (days > 0).sum(1, dtype=np.int32), (days > 0).argmax(1).astype(np.int32)
        words = np.pad(bits, ((0, 0), (1, -(WEEKS + 1) % 8))).view("<i8")
        names = pa.array([f"C{number:08d}" for number in range(low, low + len(bits))])
        columns = {"customer_id": names, "first": first, "signs": total, "all_days": total, "days": total, "weeks": weeks}
        some = pa.table(columns | {f"word_{place}": words[:, place].copy() for place in range(words.shape[1])}).filter(pa.array(total > 0))
        writer = writer or pq.ParquetWriter(path, some.schema)
        writer.write_table(some)
        low, active = low + len(bits), active + int(total.sum())
    if writer is not None:
        writer.close()
    return active


def measure(case: str, path: Path) -> dict[str, float]:
    """Seconds of each step, in this process."""
    from iceberg.cohort.rhythm import reduce
    from iceberg.cohort.rhythm.read import without_inactivity
    from iceberg.cohort.rhythm.weeks import ActivityWeeks
    from iceberg.ingest.engine.connection import connect
    from iceberg.ingest.engine.duckdb_engine import DuckDBEngine
    from iceberg.ingest.load import load_tables
    from iceberg.ingest.tables import Tables

    laps: list[tuple[str, float, float]] = []

    def lap(name: str) -> None:
        laps.append((name, time.perf_counter(), time.process_time()))

    class Timed(ActivityWeeks):
        """Says when the weeks are there; of `regulars` it takes the days from the file."""

        @classmethod
        def read(cls, tables: Tables, *, customers: str = "customers") -> ActivityWeeks:
            read = super().read(tables, customers=customers)
            lap("weeks")
            return read

        def _count(self) -> None:
            if case == "regulars":
                self.tables.engine.make("rhythm_days", f"SELECT * FROM '{path}'")
            else:
                super()._count()

    reduce.ActivityWeeks = Timed  # type: ignore[misc]  # for the time of this process
    lap("")
    if case == "regulars":
        connection = connect(temp_directory=str(path.parent / "rhythm_speed"))
        days = ", ".join(f"(DATE '{FIRST_DAY + timedelta(days=day)}')" for day in (0, 7 * WEEKS - 1))
        connection.execute(f"CREATE TABLE activity AS SELECT 'C' AS customer_id, day AS activity_date FROM (VALUES {days}) AS t(day)")
        tables = Tables(DuckDBEngine(connection), frozenset({"activity"}))
    else:
        tables, _ = load_tables(activity=path, mapping=without_inactivity(None))
    lap("read")
    with tables:
        counts = reduce.reduce_rhythm(tables)
    lap("judged")
    found: dict[str, float] = {"customers": counts.customers, "established": counts.established, "broken": counts.broken}
    for (_, clock, processor), (name, later, used) in itertools.pairwise(laps):
        found |= {f"{name}_seconds": later - clock, f"{name}_cpu": used - processor}
    return found | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3}


def run_case(case: str, path: Path) -> dict[str, float]:
    """The same in a process of its own, with how busy the machine was before."""
    load = os.getloadavg()[0]
    command = [sys.executable, "-m", "benchmarks.rhythm.speed", "--measure", case, "--file", str(path)]
    one_thread = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE.parent.parent, env=os.environ | one_thread)
    if done.returncode:
        raise SystemExit(f"{case}: {done.stderr[-2000:]}")
    return json.loads(done.stdout) | {"load": load}


def table(rows: list[dict]) -> str:
    """One line per run."""
    steps = ("read", "weeks", "judged")
    head = ("case", "rows", "customers", "with a rhythm", *(f"{step}: s (processor s)" for step in steps), "peak GB", "load before")
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for row in rows:
        times = [f"{row[f'{step}_seconds']:.1f} ({row[f'{step}_cpu']:.1f})" for step in steps]
        cells = [row["case"], f"{row['rows']:,}", f"{row['customers']:,}", f"{row['established']:,}", *times]
        lines.append("| " + " | ".join([*cells, f"{row['peak_mb'] / 1e3:.2f}", f"{row['load']:.1f}"]) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=10_000_000)
    parser.add_argument("--rows", type=int, default=60_000_000)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--cases", nargs="+", choices=CASES, default=list(CASES))
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()))
    parser.add_argument("--out", type=Path, default=HERE / "results")
    parser.add_argument("--measure", choices=CASES, help=argparse.SUPPRESS)
    parser.add_argument("--file", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.measure:
        print(json.dumps(measure(options.measure, options.file)))
        return
    rows: list[dict] = []
    for case in options.cases:
        options.scratch.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
            path = Path(folder) / f"{case}.parquet"
            if case == "regulars":
                number = write_days(path, customers=options.customers)
            else:
                shape = {"customers": options.customers // 10, "spread": 0.5} if case == "gym" else {"customers": options.customers, "spread": 1.2}
                number = write_log(path, rows=options.rows, **shape)
            for _ in range(options.rounds):
                rows.append(run_case(case, path) | {"case": case, "rows": number})
                print(table(rows[-1:]), file=sys.stderr, flush=True)
    about = f"{os.cpu_count()} cores, python {platform.python_version()}, numpy {version('numpy')}, duckdb {version('duckdb')}"
    options.out.mkdir(parents=True, exist_ok=True)
    head = f"# How long a large log takes\n\n{about}; written by `python -m benchmarks.rhythm.speed`, which says what the cases are."
    (options.out / "speed.md").write_text(f"{head}\n\n{table(rows)}\n", encoding="utf-8")
    print(table(rows))


if __name__ == "__main__":
    main()
