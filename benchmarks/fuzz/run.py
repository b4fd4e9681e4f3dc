"""``python -m benchmarks.fuzz.run``: thousands of broken files; none may crash the reader, hang it, fill memory or lose a row.

Each worker is a process of its own with a bound on memory, so that even an abort inside a library is seen and the file that caused it is kept.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import platform
import resource
import sys
import time
import traceback
from collections import Counter
from datetime import date
from pathlib import Path

import numpy as np

from benchmarks.fuzz.mutate import Broken, make_file
from iceberg.errors import IcebergError
from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ingest.judging import judge
from iceberg.ingest.load import load_tables
from iceberg.ingest.rejected_rows import rejected_rows_csv

RESULTS = Path(__file__).resolve().parents[1] / "results" / "fuzz.json"
FAILURES = Path(__file__).resolve().parent / "failures"
NOW = date(2026, 6, 30)
LIMIT_SECONDS = 10.0  # of work on a file; a busy machine may take longer by the clock
LIMIT_CLOCK_SECONDS = 120.0  # waiting for ever costs no work
LIMIT_BYTES = 3 << 30
_BATCH = 250


def check_file(broken: Broken) -> str:
    """Read one file, as a small one and as a large one are read. Returns what became of it: ``"read"`` or the code of the error.

    Raises:
        AssertionError: Rows were lost, an error has no sentence, or the two ways differ.
    """
    small = _read(broken)
    enough, judge.ENOUGH_BYTES = judge.ENOUGH_BYTES, 0
    try:
        large = _read(broken)
    finally:
        judge.ENOUGH_BYTES = enough
    assert small == large, f"a small file is read otherwise than a large one: {small!r:.300} {large!r:.300}"
    return small[0]


def _read(broken: Broken) -> tuple[str, object, bytes]:
    """The outcome, the totals with every rule that spoke, and the rejected rows."""
    try:
        files = {one.table: UploadedBytes(one.name, one.data) for one in (broken, *broken.beside)}
        tables, report = load_tables(**files, today=NOW)
    except IcebergError as error:
        assert all(error.message(language) for language in ("en", "fr")), error.code
        return error.code, error.message("en"), b""
    with tables:
        for table, totals in report.rows.items():
            assert totals.read == totals.kept + totals.rejected, (table, totals)
            if table in tables.names and not report.joining:
                kept = tables.connection.sql(f"SELECT count(*) FROM {table}").fetchall()[0][0]
                assert kept == totals.kept, (table, kept, totals)
        lines = rejected_rows_csv(tables, repaired=False)
        assert lines.startswith(b"\xef\xbb\xbf")
    return "read", (report.rows, sorted(report.rules, key=str)), lines


def _work(seed: int, start: int, count: int, out: str) -> None:
    """One batch in a process of its own; the file under way is noted, so that an abort can be traced to it."""
    resource.setrlimit(resource.RLIMIT_AS, (LIMIT_BYTES, LIMIT_BYTES))
    outcomes: Counter[str] = Counter()
    failures, slowest, slowest_by_clock = [], 0.0, 0.0
    notes = Path(out)
    for number in range(start, start + count):
        notes.with_suffix(".at").write_text(str(number))
        broken = make_file(np.random.default_rng([seed, number]))
        began, worked = time.perf_counter(), time.process_time()
        try:
            outcomes[check_file(broken)] += 1
        except Exception:  # whatever it is, it is a finding
            failures.append({"number": number, "how": broken.how, "trace": traceback.format_exc(limit=-6)})
        took, work = time.perf_counter() - began, time.process_time() - worked
        slowest, slowest_by_clock = max(slowest, work), max(slowest_by_clock, took)
        if work > LIMIT_SECONDS or took > LIMIT_CLOCK_SECONDS:
            failures.append({"number": number, "how": broken.how, "trace": f"{work:.1f} s of work, {took:.1f} s"})
    peak_mb = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss >> 10
    notes.write_text(json.dumps({"outcomes": outcomes, "failures": failures, "slowest": slowest, "clock": slowest_by_clock, "peak_mb": peak_mb}))


def run(files: int, seed: int, jobs: int) -> dict[str, object]:
    """Read `files` broken files and say what became of them."""
    import tempfile

    outcomes: Counter[str] = Counter()
    failures: list[dict[str, object]] = []
    slowest, clock, peak_mb, began = 0.0, 0.0, 0, time.perf_counter()
    context = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as folder:
        todo = [(start, min(_BATCH, files - start)) for start in range(0, files, _BATCH)]
        running: list[tuple[multiprocessing.process.BaseProcess, Path, float, int]] = []
        while todo or running:
            while todo and len(running) < jobs:
                start, count = todo.pop(0)
                notes = Path(folder) / f"{start}.json"
                process = context.Process(target=_work, args=(seed, start, count, str(notes)))
                process.start()
                running.append((process, notes, time.perf_counter(), start + count))
            time.sleep(0.05)
            for entry in list(running):
                process, notes, since, end = entry
                if process.is_alive() and time.perf_counter() - since < _BATCH * LIMIT_CLOCK_SECONDS / 10:
                    continue
                running.remove(entry)
                if process.is_alive():
                    process.kill()
                process.join()
                if notes.exists():
                    told = json.loads(notes.read_text())
                    outcomes.update(told["outcomes"])
                    failures += told["failures"]
                    slowest, clock = max(slowest, told["slowest"]), max(clock, told["clock"])
                    peak_mb = max(peak_mb, told["peak_mb"])
                    continue
                number = int(notes.with_suffix(".at").read_text())  # the process died or hung at this file
                failures.append({"number": number, "how": "process ended", "trace": f"exit {process.exitcode}"})
                if number + 1 < end:
                    todo.append((number + 1, end - number - 1))
    return {
        "files": files,
        "seed": seed,
        "failures": failures,
        "outcomes": dict(outcomes.most_common()),
        "slowest_seconds_of_work": round(slowest, 2),
        "slowest_seconds_by_clock": round(clock, 2),
        "peak_mb": peak_mb,
        "seconds": round(time.perf_counter() - began, 1),
        "jobs": jobs,
        "python": platform.python_version(),
        "cores": os.cpu_count(),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--files", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=20260630)
    parser.add_argument("--jobs", type=int, default=2)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    result = run(options.files, options.seed, options.jobs)
    options.out.parent.mkdir(parents=True, exist_ok=True)
    options.out.write_text(json.dumps(result, indent=2) + "\n")
    FAILURES.mkdir(exist_ok=True) if result["failures"] else None
    for failure in result["failures"]:  # type: ignore[attr-defined]
        broken = make_file(np.random.default_rng([options.seed, failure["number"]]))
        (FAILURES / f"{failure['number']}-{broken.table}-{broken.name}").write_bytes(broken.data)
        print(failure["number"], broken.table, failure["how"], failure["trace"], sep="\n  ", flush=True)
    print(f"{result['files']} files, {len(result['failures'])} failures, slowest {result['slowest_seconds_of_work']} s, peak {result['peak_mb']} MB")  # type: ignore[arg-type]
    return 1 if result["failures"] else 0


if __name__ == "__main__":
    sys.exit(main())
