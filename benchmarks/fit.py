"""Time and memory of the reconciliation at 12 categories x 24 months x 12 segments, of the sample company, and of 40 and 100 branches.

    python -m benchmarks.fit [--repeat 3] [--companies sample 34000 340000 branches_40 branches_100]

Each size runs in a process of its own, which tells its peak memory. `fit` is the model alone; `first` a whole estimate as page and command line
make it, with joint draws, placebo and pipeline; `moved` the same after the ratio moved; `far` after a move so far that the draws at hand cannot
speak for it and the model is fitted again from where it stands. Writes results/fit.json and results/fit.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.calibration.direct_counts import count_directly
from benchmarks.calibration.hostile.judge import count_files
from benchmarks.calibration.hostile.kinds import draw_company as draw_hostile_company
from iceberg.cohort.counts import CohortCounts
from iceberg.cohort.counts_file import read_counts, write_counts
from iceberg.model.assumptions import Assumptions, SilentRatioPrior
from iceberg.model.departures.fit.model import fit_excess_hazard
from iceberg.model.estimate import estimate_iceberg
from iceberg.simulation.company import simulate_company
from iceberg.simulation.sample import simulate_sample
from iceberg.simulation.worlds import draw_company, with_categories

RESULTS = Path(__file__).parent / "results"
SEED = 5


def large_counts(customers: int) -> CohortCounts:
    """Twelve categories and twelve segments over 24 months."""
    rng = np.random.default_rng(SEED)
    company = draw_company(rng, segments=12, customers=customers)
    share = 1500 * customers / 34_000
    halves = [with_categories(company, rng, count=6, vocal_customers=share) for _ in range(2)]
    second = tuple(replace(kind, name=f"{kind.name} again") for kind in halves[1].categories)
    return count_directly(simulate_company(replace(company, categories=halves[0].categories + second), rng))


COMPANIES = ("sample", "34000", "340000", "branches_40", "branches_100")
BRANCHES_SEED = 20


def counts_of(company: str) -> CohortCounts:
    """The sample, so many customers in twelve segments, or a company of the hostile kind of that name."""
    if company == "sample":
        return count_directly(simulate_sample())
    return large_counts(int(company)) if company.isdigit() else count_files(draw_hostile_company(company, BRANCHES_SEED)[1])


def measure(company: str, repeat: int, path: Path) -> dict[str, Any]:
    """Medians of wall-clock and processor seconds, and peak memory with and without the interpreter and its libraries."""
    counts = read_counts(path.read_bytes())
    before = _peak_mb()
    spent: dict[str, list[tuple[float, float]]] = {"fit": [], "first": [], "moved": [], "far": []}

    def timed(name: str, work: Any) -> Any:
        clock, processor = time.perf_counter(), time.process_time()
        found = work()
        spent[name].append((time.perf_counter() - clock, time.process_time() - processor))
        return found

    for turn in range(repeat):
        first = timed("first", lambda: estimate_iceberg(counts))
        for name, ratio in (("moved", SilentRatioPrior.around(20.0 - turn)), ("far", SilentRatioPrior(0.2, 0.18, 0.22))):
            timed(name, partial(estimate_iceberg, counts, assumptions=Assumptions(ratio=ratio), warm=first.fit_state))
        del first
    peak = _peak_mb()
    for _ in range(repeat):
        timed("fit", lambda: fit_excess_hazard(counts, Assumptions()))
    categories, (segments, months, bands) = len(counts.categories), counts.shape
    name = f"{company} customers" if company.isdigit() else company
    row = {"company": name, "categories": categories, "segments": segments, "months": months, "bands": bands}
    row |= {"peak_mb": round(peak), "peak_above_libraries_and_counts_mb": round(peak - before)}
    for step, pairs in spent.items():
        clock, processor = zip(*pairs, strict=True)
        row |= {f"{step}_s": round(statistics.median(clock), 2), f"{step}_cpu_s": round(statistics.median(processor), 2)}
    return row


def _peak_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--companies", nargs="+", default=list(COMPANIES), help="sample, a number of customers, or a hostile kind")
    parser.add_argument("--one", type=Path, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one is not None:
        print(json.dumps(measure(options.companies[0], options.repeat, options.one)))
        return 0
    rows = []
    for company in options.companies:
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "counts"
            path.write_bytes(write_counts(counts_of(company)))
            command = [sys.executable, "-m", "benchmarks.fit", "--one", str(path), "--companies", company, "--repeat", str(options.repeat)]
            told = subprocess.run(command, check=True, capture_output=True, text=True, env=os.environ | {"OMP_NUM_THREADS": "1"})
        rows.append(json.loads(told.stdout))
        print(rows[-1], flush=True)
    about = {"cores": os.cpu_count(), "load_average": round(os.getloadavg()[0], 1), "repeat": options.repeat}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "fit.json").write_text(json.dumps({"about": about, "rows": rows}, indent=1) + "\n", encoding="utf-8")
    lines = ["| " + " | ".join(rows[0]) + " |", "|" + "---|" * len(rows[0])]
    lines += ["| " + " | ".join(str(value) for value in row.values()) + " |" for row in rows]
    words = ", ".join(f"{name} {value}" for name, value in about.items())
    text = f"# The fit\n\n{words}. Seconds are medians; written by `python -m benchmarks.fit`.\n\n" + "\n".join(lines) + "\n"
    (RESULTS / "fit.md").write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
