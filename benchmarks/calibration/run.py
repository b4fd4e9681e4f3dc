"""Is a 90 % interval right nine times in ten? Simulated companies with known truth, through the whole product.

    python -m benchmarks.calibration.run                       the twelve families, 10 seeds each
    python -m benchmarks.calibration.run --families mixed,folk --seeds 3 --jobs 2
    python -m benchmarks.calibration.run --families aside      companies made differently, not for tuning

Runs are kept under results/runs/<digest of the code>/ and not repeated; another digest starts afresh. Results are
written as JSON, CSV and a plot of nominal against actual coverage.
"""

from __future__ import annotations

import argparse
import csv
import hashlib
import json
import sys
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from benchmarks.calibration.companies import judge_company
from benchmarks.calibration.plot import save_figures, save_plot
from benchmarks.calibration.summary import as_rows, as_table, summarise
from iceberg.simulation.worlds import FAMILIES, OTHER_WORLDS, WORLDS

HERE = Path(__file__).parent
RESULTS = HERE / "results"
FIGURES = HERE.parents[1] / "iceberg" / "report" / "tables" / "coverage.json"  # what the Method page draws


def main() -> int:
    options = _options()
    tasks = [
        (family, seed)
        for seed in range(options.first_seed, options.first_seed + options.seeds)
        for family in options.families
    ]
    how = {"direct": options.direct, "backtest": options.backtest, "fit_only": options.fit}
    folder = RESULTS / "runs" / code_digest(how)
    folder.mkdir(parents=True, exist_ok=True)
    waiting = [task for task in tasks if not _file(folder, *task).exists()]
    print(
        f"{len(tasks)} companies, {len(tasks) - len(waiting)} already judged by this code ({folder.name})",
        file=sys.stderr,
    )
    with ProcessPoolExecutor(max_workers=options.jobs) as pool:
        started = {pool.submit(judge_company, *task, **how): task for task in waiting}
        for number, done in enumerate(as_completed(started), start=1):
            record = done.result()
            _file(folder, *started[done]).write_text(json.dumps(record), encoding="utf-8")
            total = record["total"]
            print(
                f"{number}/{len(waiting)} {record['family']} {record['seed']}: "
                f"{total['median']:.0f} of true {total['truth']} "
                f"[{total['lower']:.0f}, {total['upper']:.0f}], {record['seconds']:.1f} s",
                file=sys.stderr,
            )
    records = [json.loads(_file(folder, *task).read_text(encoding="utf-8")) for task in sorted(tasks)]
    _write(records, options.name)
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--families", default="own", help="own, aside, all, or names separated by commas")
    parser.add_argument("--seeds", type=int, default=10, help="companies per family")
    parser.add_argument("--first-seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=1, help="processes")
    parser.add_argument(
        "--name", default=None, help="name of the result files (default: calibration, or what was chosen)"
    )
    parser.add_argument(
        "--direct", action="store_true", help="counts by numpy instead of load_tables and reduce_tables"
    )
    parser.add_argument("--backtest", action="store_true", help="also hide the last 90 days, forecast them, compare")
    parser.add_argument("--fit", action="store_true", help="the reconciliation model alone: no placebo, no forecast")
    options = parser.parse_args()
    groups = {"own": list(FAMILIES), "aside": list(OTHER_WORLDS), "all": list(WORLDS)}
    chosen = groups.get(options.families, options.families.split(","))
    unknown = [name for name in chosen if name not in WORLDS]
    if unknown:
        parser.error(f"no family {', '.join(unknown)}; there are {', '.join(WORLDS)}")
    options.name = options.name or {"own": "calibration", "aside": "aside", "all": "all"}.get(
        options.families, "selection"
    )
    options.families = chosen
    return options


def code_digest(how: dict[str, bool]) -> str:
    """Names the code that the runs depend on, so that a run is repeated when an answer could have changed."""
    return digest_of_sources([HERE.parents[1] / "iceberg" / "simulation", HERE / "companies.py"], json.dumps(how))


def digest_of_sources(beside: list[Path], how: str = "") -> str:
    """The same of the reduction and the model, and of the files or folders `beside` them."""
    package = HERE.parents[1] / "iceberg"
    sources = [file for place in (package / "model", package / "cohort", *beside) for file in sorted(place.rglob("*.py")) or [place]]
    content = b"".join(source.read_bytes() for source in sources)
    return hashlib.sha256(content + how.encode()).hexdigest()[:12]


def _file(folder: Path, family: str, seed: int) -> Path:
    return folder / f"{family}-{seed:03d}.json"


def _write(records: list[dict], name: str) -> None:
    summary = summarise(records)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps(summary, indent=1) + "\n", encoding="utf-8")
    rows = as_rows(records)
    with (RESULTS / f"{name}.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(
            file, fieldnames=list(dict.fromkeys(key for row in rows for key in row)), lineterminator="\n"
        )
        writer.writeheader()
        writer.writerows(rows)
    save_plot(summary, RESULTS / name)
    if name == "calibration":
        save_figures(summary, FIGURES)
    table = as_table(summary)
    (RESULTS / f"{name}.txt").write_text(table + "\n", encoding="utf-8")
    print(table)


if __name__ == "__main__":
    sys.exit(main())
