"""From file to counts at 10 thousand to 100 million customers, beside a bare scan and beside pandas + lifelines; and what comes after the counts.

    python -m benchmarks.scale.run [--sizes 10000 1000000] [--rounds 3] [--scratch DIR]      # 100 million take 9 GB of disk and some minutes

Each case runs in a process of its own; rounds go through all cases in turn, so that a busy moment hits all of them.
Figures are medians; processor time, which other work on the machine hardly moves, stands beside the clock's.
Writes results/scale.json, results/scale.md and results/scale.svg beside this file. Data go to a scratch folder and are never committed.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

from benchmarks.scale.plot import save_plot
from benchmarks.scale.synthetic import COLUMNS, write_files

HERE = Path(__file__).parent
SIZES = (10_000, 100_000, 1_000_000, 10_000_000, 100_000_000)
OURS = ("bare scan", "file to counts", "reduction alone")
AFTER = "after the counts"
VERY_MANY = 100_000_000  # from here on two rounds say enough, and a plain table of a CSV fills the machine
# Baselines stop where a run would take minutes or fill the machine.
BASELINES = {
    "pandas + lifelines, Kaplan-Meier": 10_000_000,
    "pandas + lifelines, Cox": 10_000_000,
    "pandas + lifelines, time-varying Cox": 100_000,
}


def measure(case: str, paths: dict[str, Path]) -> dict[str, object]:
    command = [sys.executable, "-m", "benchmarks.scale.case", case, str(paths["customers"]), str(paths["complaints"])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE.parent.parent, env=os.environ | {"OMP_NUM_THREADS": "1"})
    if done.returncode:
        raise SystemExit(f"{case}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def run_size(customers: int, *, rounds: int, scratch: Path, baselines: bool) -> list[dict[str, object]]:
    files = write_files(scratch, customers=customers)
    jobs: list[tuple[str, str]] = [(case, kind) for kind in ("parquet", "csv") for case in OURS]
    jobs = [job for job in jobs if customers < VERY_MANY or job != ("reduction alone", "csv")] + [(AFTER, "parquet")]
    rounds = min(rounds, 2) if customers >= VERY_MANY else rounds
    measure("keep counts", {table: files[table, "parquet"] for table in COLUMNS})
    if baselines:
        jobs += [(case, "parquet") for case, largest in BASELINES.items() if customers <= largest]
    runs: dict[tuple[str, str], list[dict]] = {job: [] for job in jobs}
    for turn in range(rounds):
        for case, kind in jobs:
            if turn and case in BASELINES and customers > 100_000:
                continue  # once is enough for what takes long
            paths = {table: files[table, kind] for table in COLUMNS}
            runs[case, kind].append(measure(case, paths))
            print(
                f"{customers:>10,} {kind:8} {case:38} {runs[case, kind][-1]['seconds']:.2f} s",
                file=sys.stderr,
                flush=True,
            )
    rows = []
    for (case, kind), measured in runs.items():
        seconds = statistics.median(run["seconds"] for run in measured)
        cpu = statistics.median(run["cpu_seconds"] for run in measured)
        scan = statistics.median(run["seconds"] for run in runs["bare scan", kind])
        scan_cpu = statistics.median(run["cpu_seconds"] for run in runs["bare scan", kind])
        middle = sorted(measured, key=lambda run: run["seconds"])[len(measured) // 2]
        rows.append(
            {
                "customers": customers,
                "format": kind,
                "case": case,
                "runs": len(measured),
                "seconds": round(seconds, 3),
                "times_scan": round(seconds / scan, 2),
                "cpu_seconds": round(cpu, 3),
                "times_scan_cpu": round(cpu / scan_cpu, 2),
                "peak_mb": round(max(run["peak_mb"] for run in measured)),
                "stages": {name: round(value, 3) for name, value in middle["stages"].items()},
            }
        )
    return rows


def table(rows: list[dict]) -> str:
    lines = [
        "| customers | format | case | seconds | x scan | processor s | x scan | peak MB | stages, seconds |",
        "|---:|---|---|---:|---:|---:|---:|---:|---|",
    ]
    for row in rows:
        stages = ", ".join(f"{name} {value}" for name, value in row["stages"].items()) if len(row["stages"]) > 1 else ""
        figures = (row["seconds"], row["times_scan"], row["cpu_seconds"], row["times_scan_cpu"], row["peak_mb"], stages)
        cells = [f"{row['customers']:,}", row["format"], row["case"], *map(str, figures)]
        lines.append("| " + " | ".join(cells) + " |")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=list(SIZES))
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()) / "iceberg-scale")
    parser.add_argument("--without-baselines", action="store_true")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    rows = []
    for size in options.sizes:
        rows += run_size(size, rounds=options.rounds, scratch=options.scratch, baselines=not options.without_baselines)
    about = {
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        **{name: version(name) for name in ("duckdb", "pandas", "lifelines")},
        "rounds": options.rounds,
        "complaints": "5 % of customers, 6 categories, 12 segments",
    }
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "scale.json").write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n")
    words = ", ".join(f"{name} {value}" for name, value in about.items())
    (options.out / "scale.md").write_text(
        f"# From file to counts\n\n{words}. Medians; written by `python -m benchmarks.scale.run`.\n\n"
        f"![The same as a picture](scale.svg)\n\n{table(rows)}\n"
    )
    save_plot(rows, options.out / "scale.svg")
    print(table(rows))


if __name__ == "__main__":
    main()
