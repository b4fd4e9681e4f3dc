"""How the estimate fares on companies whose customers live day by day, of kinds that were not used for tuning.

    python -m benchmarks.calibration.agents                                 every kind, 4 companies each -> results/agents.*
    python -m benchmarks.calibration.agents --kinds goodbye,fringe --seeds 2

A run is kept under results/runs/<digest of the code>/ and not repeated; another digest starts afresh.
"""

from __future__ import annotations

import argparse
import json
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path
from typing import Any

from benchmarks.calibration.agents.exports import PAST_DAYS, export, true_silence
from benchmarks.calibration.agents.kinds import KINDS, draw_history
from benchmarks.calibration.hostile.files import Files
from benchmarks.calibration.hostile.judge import judge_tables
from benchmarks.calibration.hostile.marks import as_line, write_results
from benchmarks.calibration.run import digest_of_sources

RESULTS = Path(__file__).parents[1] / "results"


def judge_company(kind: str, seed: int) -> dict[str, Any]:
    """Company number `seed` of a kind through the whole product, from files to estimate, beside the truth."""
    history, rng = draw_history(kind, seed)
    files = Files(export(history, rng), past_days=PAST_DAYS)
    return {"kind": kind, "seed": seed} | judge_tables(files, seed, lambda counts: true_silence(history, counts)) | {"beside": {}}


def main() -> int:
    options = _options()
    folder = RESULTS / "runs" / f"agents-{digest_of_sources([Path(__file__).parent])}"
    folder.mkdir(parents=True, exist_ok=True)
    seeds = range(options.first_seed, options.first_seed + options.seeds)
    places = {(kind, seed): folder / f"{kind}-{seed:03d}.json" for seed in seeds for kind in options.kinds}
    with ProcessPoolExecutor(max_workers=options.jobs) as pool:
        started = {pool.submit(judge_company, *task): place for task, place in places.items() if not place.exists()}
        for done in as_completed(started):
            record = done.result()
            started[done].write_text(json.dumps(record), encoding="utf-8")
            print(as_line(record), file=sys.stderr, flush=True)
    records = [json.loads(places[kind, seed].read_text(encoding="utf-8")) for kind in options.kinds for seed in seeds]
    print(write_results(records, RESULTS, options.name, KINDS))
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--kinds", default="all", help=f"all, or names separated by commas: {', '.join(KINDS)}")
    parser.add_argument("--seeds", type=int, default=4, help="companies per kind")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument("--name", default=None, help="name of the result files (default: agents, or agents_selection for some kinds)")
    options = parser.parse_args()
    chosen = list(KINDS) if options.kinds == "all" else options.kinds.split(",")
    unknown = [name for name in chosen if name not in KINDS]
    if unknown:
        parser.error(f"no kind {', '.join(unknown)}; there are {', '.join(KINDS)}")
    options.name = options.name or ("agents" if options.kinds == "all" else "agents_selection")
    options.kinds = chosen
    return options


if __name__ == "__main__":
    sys.exit(main())
