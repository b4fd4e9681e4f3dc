"""The same Kaplan-Meier curve from counts and from raw rows: how far apart, how many times faster, how much less memory.

    python -m benchmarks.scale.curves [--sizes 100000 1000000 10000000] [--scratch DIR]

All customers of the last 24 months with delayed entry, by day of tenure: from files through every rule to counts, and from files through
pandas and lifelines, each in a process of its own. Writes results/curves.json beside this file.
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

from benchmarks.scale.case import MODULES
from benchmarks.scale.synthetic import COLUMNS, write_files

HERE = Path(__file__).parent


def from_counts(customers: Path, complaints: Path) -> dict[int, float]:
    """A person who begins to complain leaves one state and enters the next: over all states together nothing happens."""
    import numpy as np

    from iceberg.cohort.reduce import reduce_tables
    from iceberg.ingest.load import load_tables

    tables, _ = load_tables(customers, complaints)
    with tables:
        days = reduce_tables(tables).tenure_days
    length = int(days.tenure_day.max()) + 1
    # Whole numbers as weights: sums of integers below 2**53 are exact.
    entered, exited, censored = (np.bincount(days.tenure_day, days.columns[part], minlength=length) for part in ("entered", "exited", "censored"))
    at_risk = np.cumsum(entered) - np.cumsum(exited + censored) + exited + censored
    curve = np.cumprod(1 - np.divide(exited, at_risk, out=np.zeros(length), where=at_risk > 0))
    return {int(day): float(curve[day]) for day in np.flatnonzero(exited)}


def from_rows(customers: Path, complaints: Path) -> dict[int, float]:
    import numpy as np
    import pandas as pd
    from lifelines import KaplanMeierFitter

    from benchmarks.scale.case import _frame
    from iceberg.cohort.window import ObservationWindow

    people, told = _frame(customers, COLUMNS["customers"]), _frame(complaints, COLUMNS["complaints"])
    last = max(people.start_date.max(), people.end_date.max(), told.complaint_date.max())
    window = ObservationWindow.ending(last.date(), first_complaint=told.complaint_date.min().date())
    since = pd.Timestamp(window.since)
    people = people[people.end_date.isna() | (people.end_date >= since)]
    left = people.end_date.notna()
    ends = (people.end_date.fillna(last) - people.start_date).dt.days
    entries = np.maximum((since - people.start_date).dt.days, 0) - 0.5  # lifelines wants an entry before the end
    curve = KaplanMeierFitter().fit(ends, event_observed=left, entry=entries).survival_function_.iloc[:, 0]
    event_days = np.unique(ends[left])
    return {int(day): float(curve.loc[day]) for day in event_days}


def measure(how: str, paths: dict[str, Path]) -> dict:
    command = [sys.executable, "-m", "benchmarks.scale.curves", "--case", how, str(paths["customers"]), str(paths["complaints"])]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=HERE.parent.parent)
    if done.returncode:
        raise SystemExit(f"{how}: {done.stderr[-2000:]}")
    return json.loads(done.stdout)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sizes", type=int, nargs="+", default=[100_000, 1_000_000, 10_000_000])
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()) / "iceberg-scale")
    parser.add_argument("--case", nargs=3, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.case:
        how, customers, complaints = options.case
        for module in MODULES["file to counts" if how == "counts" else "pandas + lifelines, Kaplan-Meier"]:
            __import__(module)  # importing is not what is measured
        started, used = time.perf_counter(), time.process_time()
        curve = (from_counts if how == "counts" else from_rows)(Path(customers), Path(complaints))
        told = {"seconds": time.perf_counter() - started, "cpu_seconds": time.process_time() - used}
        print(json.dumps(told | {"peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, "curve": curve}))
        return
    rows = []
    for size in options.sizes:
        files = write_files(options.scratch, customers=size)
        ours, theirs = (measure(how, {table: files[table, "parquet"] for table in COLUMNS}) for how in ("counts", "rows"))
        assert ours["curve"].keys() == theirs["curve"].keys(), "not the same days"
        apart = max(abs(ours["curve"][day] - theirs["curve"][day]) for day in ours["curve"])
        row = {"customers": size, "days": len(ours["curve"]), "largest_difference": apart}
        for name in ("seconds", "cpu_seconds", "peak_mb"):
            row[name] = {"counts": round(ours[name], 3), "rows": round(theirs[name], 3), "times": round(theirs[name] / ours[name], 2)}
        rows.append(row)
        print(json.dumps(row), flush=True)
    (HERE / "results" / "curves.json").write_text(json.dumps(rows, indent=1) + "\n")


if __name__ == "__main__":
    main()
