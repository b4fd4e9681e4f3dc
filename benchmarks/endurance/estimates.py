"""Two hundred whole estimates in one process: does memory, do threads, do open files grow?

    python -m benchmarks.endurance.estimates [--number 200]

Each is what ``python -m iceberg estimate`` does, from the files to the JSON document, every fourth with a PDF, each with a seed of its own, so that
no cache can answer. Every twentieth reads the 20,000 customers of the sample, in English and in French by turns, the others a company of 300. After
each, what the process holds is written down. Growth is the slope over the last three quarters.

Writes results/estimates.json and results/estimates.md.
"""

from __future__ import annotations

import argparse
import contextlib
import gc
import io
import json
import os
import tempfile
import threading
import time
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from tests.companies import write_company

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("results")
FILES = (("en", "customers.csv", "complaints.csv"), ("fr", "clients.csv", "reclamations.csv"))
SAMPLE_EVERY = 20


@dataclass(frozen=True)
class Holding:
    """What the process holds after one estimate."""

    memory_mb: float
    threads: int
    files: int
    seconds: float


def estimate_files(number: int, folder: Path) -> None:
    """Estimate number `number`, as the command line makes it: every `SAMPLE_EVERY` th of the sample, the others of the small company in `folder`.

    Raises:
        RuntimeError: When it ends with another status than 0.
    """
    from iceberg.cli.main import main

    language, customers, complaints = FILES[number // SAMPLE_EVERY % len(FILES)]
    data = ROOT / "data" / language
    if number % SAMPLE_EVERY:
        data, customers, complaints = folder, "customers.csv", "complaints.csv"
    typed = ["estimate", "--customers", str(data / customers), "--complaints", str(data / complaints), "--seed", str(number), "--lang", language]
    typed += ["--json", str(folder / "estimate.json"), "--quiet", *(["--report", str(folder / "estimate.pdf")] if number % 4 == 3 else [])]
    with contextlib.redirect_stdout(io.StringIO()):
        status = main(typed)
    if status != 0:
        raise RuntimeError(f"estimate {number} ended with status {status}")


def take_stock(seconds: float = 0.0) -> Holding:
    """What the process holds now, garbage collected."""
    gc.collect()
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    files, threads = len(os.listdir("/proc/self/fd")), len(os.listdir("/proc/self/task"))  # noqa: PTH208  # names are enough
    return Holding(pages * os.sysconf("SC_PAGE_SIZE") / 1e6, max(threads, threading.active_count()), files, seconds)


def estimate_many(number: int) -> list[Holding]:
    """What the process holds after each of so many estimates."""
    held = []
    with tempfile.TemporaryDirectory() as name:
        write_company(Path(name), lambda customer: f"K{customer:05d}")
        for place in range(number):
            began = time.perf_counter()
            estimate_files(place, Path(name))
            held.append(take_stock(time.perf_counter() - began))
            if (place + 1) % 20 == 0:
                print(f"{place + 1}: {held[-1].memory_mb:.0f} MB, {held[-1].threads} threads, {held[-1].files} files", flush=True)
    return held


def summarise(held: list[Holding]) -> dict[str, object]:
    """The figures of a run."""
    settled = held[len(held) // 4 :]
    memory = np.array([one.memory_mb for one in settled])
    slope = float(np.polyfit(np.arange(len(memory)), memory, 1)[0]) if len(memory) > 2 else float("nan")
    return {
        "estimates": len(held),
        "memory_mb": {"first": round(held[0].memory_mb), "after_a_quarter": round(settled[0].memory_mb), "last": round(held[-1].memory_mb)},
        "memory_mb_per_estimate": round(slope, 3),
        "threads": {"after_a_quarter": settled[0].threads, "most": max(one.threads for one in settled), "last": held[-1].threads},
        "files": {"after_a_quarter": settled[0].files, "most": max(one.files for one in settled), "last": held[-1].files},
        "seconds": {"median": round(float(np.median([one.seconds for one in held])), 2), "last_by_first": _slowing(held)},
        "processors": os.cpu_count(),
        "load_average": [round(one, 1) for one in os.getloadavg()],
    }


def _slowing(held: list[Holding]) -> float:
    """Median seconds of the last quarter by those of the second quarter."""
    quarter = max(len(held) // 4, 1)
    return round(float(np.median([one.seconds for one in held[-quarter:]]) / np.median([one.seconds for one in held[quarter : 2 * quarter]])), 2)


def written(figures: dict) -> str:
    """The figures as a table in Markdown."""
    rows = [(name, figures[key]) for name, key in (("memory, MB", "memory_mb"), ("threads", "threads"), ("open files", "files"))]
    lines = ["| | after a quarter | at the end |", "|---|---:|---:|", *(f"| {name} | {of['after_a_quarter']} | {of['last']} |" for name, of in rows)]
    lines += [
        "",
        f"{figures['estimates']} whole estimates in one process, from the files to the JSON document, every fourth with a PDF, every twentieth of "
        f"the sample. Growth over the last three quarters: {figures['memory_mb_per_estimate']} MB an estimate. The last quarter took "
        f"{figures['seconds']['last_by_first']} times as long as the second (median {figures['seconds']['median']} s each; {figures['processors']} "
        f"processors, load average {figures['load_average'][0]}).",
    ]
    return "\n".join(lines) + "\n"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--number", type=int, default=200)
    options = parser.parse_args()
    held = estimate_many(options.number)
    figures = summarise(held)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "estimates.json").write_text(json.dumps(figures | {"each": [asdict(one) for one in held]}, indent=1) + "\n")
    (RESULTS / "estimates.md").write_text(written(figures))
    print(written(figures))


if __name__ == "__main__":
    main()
