"""From file to counts where a Parquet file holds what warehouses and data frames write, beside a bare scan of the same file.

    python -m benchmarks.scale.shapes [--customers 10000000] [--rounds 3] [--scratch DIR]

`benchmarks.scale.run` measures texts and days. Here ids are numbers or UUIDs, days have a time or are texts, amounts are decimals, columns are
missing. A scan reads numbers in less time than texts, so that the same work is more times a scan: seconds stand beside the ratio.
Writes results/shapes.md beside this file.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import duckdb

from benchmarks.scale.run import HERE, measure
from benchmarks.scale.synthetic import write_files

_NUMBER = "CAST(right(customer_id, 9) AS BIGINT) AS customer_id"  # of the customer in the synthetic files
_UUID = "CAST(md5(customer_id) AS UUID) AS customer_id"
# What the columns of customers, and of complaints, are replaced by.
SHAPES: dict[str, tuple[str, str]] = {
    "texts and days": ("*", "*"),
    "ids are whole numbers": (f"* REPLACE ({_NUMBER})", f"* REPLACE ({_NUMBER})"),
    "ids are UUIDs": (f"* REPLACE ({_UUID})", f"* REPLACE ({_UUID})"),
    "segments are whole numbers": ("* REPLACE (ascii(right(segment, 1)) AS segment)", "*"),
    "no segment": ("* EXCLUDE (segment)", "*"),
    "days with a time": (
        "* REPLACE (CAST(start_date AS TIMESTAMP) AS start_date, CAST(end_date AS TIMESTAMP) AS end_date)",
        "* REPLACE (CAST(complaint_date AS TIMESTAMP) AS complaint_date)",
    ),
    "days are texts": (
        "* REPLACE (CAST(start_date AS VARCHAR) AS start_date, CAST(end_date AS VARCHAR) AS end_date)",
        "* REPLACE (CAST(complaint_date AS VARCHAR) AS complaint_date)",
    ),
    "amounts are decimals": ("* REPLACE (CAST(revenue AS DECIMAL(12, 2)) AS revenue)", "*"),
    "no amount": ("* EXCLUDE (revenue)", "*"),
    "ten columns more": ("*, " + ", ".join(f"md5(customer_id || '{one}') AS note_{one}" for one in range(10)), "*"),
}
FOLDER, _PARTS = "eight files in a folder", 8


def write_shape(folder: Path, shape: str, files: dict[tuple[str, str], Path]) -> dict[str, Path]:
    """Writes the files of a shape unless they are there; of a folder the pattern is returned."""
    place = folder / shape.replace(" ", "-")
    place.mkdir(parents=True, exist_ok=True)
    customers, complaints = SHAPES.get(shape, ("*", "*"))
    wanted = [("complaints", f"SELECT {complaints} FROM '{files['complaints', 'parquet']}'")]
    rows = f"SELECT {customers} FROM '{files['customers', 'parquet']}'"
    if shape == FOLDER:
        wanted += [(f"customers-{part}", f"{rows} WHERE hash(customer_id) % {_PARTS} = {part}") for part in range(_PARTS)]
    else:
        wanted.append(("customers", rows))
    with duckdb.connect() as connection:
        for name, source in wanted:
            if not (place / f"{name}.parquet").exists():
                connection.execute(f"COPY ({source}) TO '{place / 'unfinished'}' (FORMAT parquet)")
                (place / "unfinished").rename(place / f"{name}.parquet")
    return {"customers": place / ("customers-*.parquet" if shape == FOLDER else "customers.parquet"), "complaints": place / "complaints.parquet"}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--customers", type=int, default=10_000_000)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()) / "iceberg-scale")
    parser.add_argument("--out", type=Path, default=HERE / "results")
    options = parser.parse_args()
    files = write_files(options.scratch, customers=options.customers)
    folder = options.scratch / f"shapes-{options.customers}"
    with ProcessPoolExecutor(1, get_context("spawn")) as other:  # whose memory the measured processes do not inherit
        paths = {shape: other.submit(write_shape, folder, shape, files).result() for shape in (*SHAPES, FOLDER)}
    runs: dict[str, list[tuple[dict, dict]]] = {shape: [] for shape in paths}
    for _ in range(options.rounds):
        for shape, own in paths.items():
            runs[shape].append((measure("bare scan", own), measure("file to counts", own)))
    lines = [
        "# Other shapes of Parquet",
        "",
        f"{options.customers:,} customers, {os.cpu_count()} cores, medians of {options.rounds} rounds, each in a process of its own; written by",
        "`python -m benchmarks.scale.shapes`. A scan reads numbers in less time than texts: the same work is then more times a scan.",
        "",
        "| file | scan, s | from file to counts, s | x scan | x scan, each round | processor s | x scan | peak MB |",
        "|---|---:|---:|---:|---|---:|---:|---:|",
    ]
    for shape, measured in runs.items():
        scan, whole, scan_cpu, cpu = (
            statistics.median(pair[place][what] for pair in measured) for what in ("seconds", "cpu_seconds") for place in (0, 1)
        )
        each = ", ".join(f"{done['seconds'] / bare['seconds']:.1f}" for bare, done in measured)
        peak = max(done["peak_mb"] for _, done in measured)
        lines.append(f"| {shape} | {scan:.2f} | {whole:.2f} | {whole / scan:.1f} | {each} | {cpu:.2f} | {cpu / scan_cpu:.1f} | {peak:.0f} |")
    options.out.mkdir(parents=True, exist_ok=True)
    (options.out / "shapes.md").write_text("\n".join(lines) + "\n")
    print("\n".join(lines))


if __name__ == "__main__":
    main()
