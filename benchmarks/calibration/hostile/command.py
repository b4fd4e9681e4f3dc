"""The command line of a set of companies: judges those of each kind that this code has not judged yet, and writes their results (`judge_kinds`)."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from benchmarks.calibration.hostile.judge import Record
from benchmarks.calibration.hostile.marks import as_line, write_results
from benchmarks.calibration.run import digest_of_sources

RESULTS = Path(__file__).parents[1] / "results"


def judge_kinds(doc: str, name: str, kinds: Mapping[str, Any], judge: Callable[[str, int], Record], sources: Path) -> list[Record] | None:
    """Judges as the command line asks, and prints the table. The records, where it asked for the whole set under its own name; else None.

    Args:
        doc: Of the command.
        name: Of the set, and of its result files.
        kinds: By name.
        judge: Judges company number so-and-so of a kind; runs in other processes.
        sources: The folder whose code, with the package's, makes a run another one.
    """
    options = _options(doc, name, kinds)
    folder = RESULTS / "runs" / f"{name}-{digest_of_sources([sources])}"
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [(kind, seed) for kind in options.kinds for seed in range(options.first_seed, options.first_seed + options.seeds)]
    places = {task: folder / f"{task[0]}-{task[1]:03d}.json" for task in tasks}
    waiting = [task for task in tasks if not places[task].exists()]
    print(f"{len(tasks)} companies, {len(tasks) - len(waiting)} already judged by this code ({folder.name})", file=sys.stderr)
    with ProcessPoolExecutor(max_workers=options.jobs) as pool:
        started = {pool.submit(judge, *task): task for task in waiting}
        for done in as_completed(started):
            record = done.result()
            places[started[done]].write_text(json.dumps(record), encoding="utf-8")
            print(as_line(record), file=sys.stderr, flush=True)
    records = [json.loads(places[task].read_text(encoding="utf-8")) for task in tasks]
    print(write_results(records, RESULTS, options.name, kinds))
    return records if options.name == name else None


def _options(doc: str, name: str, kinds: Mapping[str, Any]) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=doc.splitlines()[0])
    parser.add_argument("--kinds", default="all", help=f"all, or names separated by commas: {', '.join(kinds)}")
    parser.add_argument("--seeds", type=int, default=4, help="companies per kind")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--name", default=None, help=f"name of the result files (default: {name}, or {name}_selection for some kinds)")
    options = parser.parse_args()
    chosen = list(kinds) if options.kinds == "all" else options.kinds.split(",")
    unknown = [kind for kind in chosen if kind not in kinds]
    if unknown:
        parser.error(f"no kind {', '.join(unknown)}; there are {', '.join(kinds)}")
    options.name = options.name or (name if options.kinds == "all" else f"{name}_selection")
    options.kinds = chosen
    return options
