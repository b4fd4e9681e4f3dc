"""How the estimate fares on companies whose reality breaks an assumption.

    python -m benchmarks.calibration.hostile                                    every kind, 4 companies each -> results/hostile.*, diagnostics.md
    python -m benchmarks.calibration.hostile --kinds contracts,goodwill --seeds 2 --jobs 1

A run is kept under results/runs/<digest of the code>/ and not repeated; another digest starts afresh.
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from benchmarks.calibration.hostile.judge import judge_company
from benchmarks.calibration.hostile.kinds import KINDS
from benchmarks.calibration.hostile.marks import as_line, write_results
from benchmarks.calibration.hostile.rates import write_table
from benchmarks.calibration.run import digest_of_sources

RESULTS = Path(__file__).parents[1] / "results"


def main() -> int:
    options = _options()
    folder = RESULTS / "runs" / f"hostile-{digest_of_sources([Path(__file__).parent])}"
    folder.mkdir(parents=True, exist_ok=True)
    tasks = [(kind, seed) for kind in options.kinds for seed in range(options.first_seed, options.first_seed + options.seeds)]
    places = {task: folder / f"{task[0]}-{task[1]:03d}.json" for task in tasks}
    waiting = [task for task in tasks if not places[task].exists()]
    print(f"{len(tasks)} companies, {len(tasks) - len(waiting)} already judged by this code ({folder.name})", file=sys.stderr)
    with ProcessPoolExecutor(max_workers=options.jobs) as pool:
        started = {pool.submit(judge_company, *task): task for task in waiting}
        for done in as_completed(started):
            record = done.result()
            places[started[done]].write_text(json.dumps(record), encoding="utf-8")
            print(as_line(record), file=sys.stderr, flush=True)
    records = [json.loads(places[task].read_text(encoding="utf-8")) for task in tasks]
    print(write_results(records, RESULTS, options.name))
    if options.name == "hostile":
        write_table(records, RESULTS)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", default="all", help=f"all, or names separated by commas: {', '.join(KINDS)}")
    parser.add_argument("--seeds", type=int, default=4, help="companies per kind")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--name", default=None, help="name of the result files (default: hostile, or hostile_selection for some kinds)")
    options = parser.parse_args()
    chosen = list(KINDS) if options.kinds == "all" else options.kinds.split(",")
    unknown = [name for name in chosen if name not in KINDS]
    if unknown:
        parser.error(f"no kind {', '.join(unknown)}; there are {', '.join(KINDS)}")
    options.name = options.name or ("hostile" if options.kinds == "all" else "hostile_selection")
    options.kinds = chosen
    return options


if __name__ == "__main__":
    sys.exit(main())
