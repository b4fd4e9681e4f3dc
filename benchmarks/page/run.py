"""How long the server works when an executive opens the page and moves a slider to values that no cache knows.

    python -m benchmarks.page.run [--moves 7] [--times 500]

Streamlit's own test client runs the whole script in this process: what is measured is the server's work, not the
network and not the browser's drawing. Writes results/page.json and page.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import datetime
from pathlib import Path
from typing import Any

import numpy as np
from streamlit.testing.v1 import AppTest

from iceberg.model import estimate
from iceberg.ui.session.sample import load_sample
from iceberg.ui.session.study import Study

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
AIM_MILLISECONDS = 300
UNITS = ("clock", "processor", "without the model")
MODEL_SECONDS: list[float] = []


def main() -> int:
    """Measure the sample company and one many times as large, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=7, help="how often each slider is moved")
    parser.add_argument("--times", type=int, default=500, help="how many times the sample company the large one is")
    options = parser.parse_args()
    watch_the_model()
    sample = load_sample("en")
    figures = {
        "sample company": measure(None, options.moves),
        f"{options.times} times as large": measure(enlarged(sample, options.times), options.moves),
    }
    summary = {company: {name: middle(runs) for name, runs in measured.items()} for company, measured in figures.items()}
    machine = {"processors": os.cpu_count(), "python": platform.python_version(), "load_average": os.getloadavg()[0]}
    report = {"aim_milliseconds": AIM_MILLISECONDS, "median_milliseconds": summary, "runs": figures, "machine": machine}
    folder = HERE / "results"
    folder.mkdir(exist_ok=True)
    (folder / "page.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (folder / "page.md").write_text(as_markdown(summary, machine), encoding="utf-8")
    print(as_markdown(summary, machine))
    return 0


def measure(study: Study | None, moves: int) -> dict[str, list[tuple[float, ...]]]:
    """Milliseconds of a first visit, of the same page again and of each slider, for a study (None: the sample company)."""
    app = AppTest.from_file(ROOT / "app.py", default_timeout=120)
    if study is not None:
        app.session_state["study"] = study
    figures = {"first visit": [timed(app.run)], "same page again": [timed(app.run) for _ in range(moves)]}
    for key in ("ratio", "horizon"):
        places = range(1, 1 + min(moves, len(app.select_slider(key=key).options) - 1))
        figures[f"{key} moved"] = [timed(move(app, key, place)) for place in places]
    figures["period moved"] = [timed(move_period(app, end)) for end in range(3, 3 + moves)]
    assert not app.exception, app.exception[0].message
    return figures


def enlarged(study: Study, times: int) -> Study:
    """The study of a company with the same customers `times` over: only its counts grow."""
    counts = study.counts
    grown = {
        field.name: getattr(counts, field.name) * times for field in fields(counts) if isinstance(getattr(counts, field.name), np.ndarray)
    }
    larger = replace(counts, **grown)
    return Study(counts=larger, digest=larger.digest, name="", origin="upload")


def middle(runs: list[tuple[float, ...]]) -> dict[str, int]:
    """Medians of each unit."""
    return {unit: round(statistics.median(column)) for unit, column in zip(UNITS, zip(*runs, strict=True), strict=True)}


def as_markdown(summary: dict[str, dict[str, dict[str, int]]], machine: dict[str, object]) -> str:
    """The medians as a table."""
    lines = [
        f"Milliseconds of the server, median; the aim for a slider is {AIM_MILLISECONDS} at any number of customers. "
        f"{machine['processors']} processors, load average {machine['load_average']:.0f}: processor time is the figure to compare.",
        "",
        "| | " + " | ".join(f"{company}: {' | '.join(UNITS)}" for company in summary) + " |",
        "|---|" + "---|" * len(UNITS) * len(summary),
    ]
    for name in next(iter(summary.values())):
        cells = [f"{summary[company][name][unit]:,}" for company in summary for unit in UNITS]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def move(app: AppTest, key: str, place: int) -> Callable[[], object]:
    """Choose the option at `place` ("1:5", "90 days") and run the page."""
    slider = app.select_slider(key=key)
    value = float(slider.options[place].partition(" ")[0].removeprefix("1:"))
    return lambda: slider.set_value(value).run()


def move_period(app: AppTest, end: int) -> Callable[[], object]:
    """Choose the months from the first on to the one at `end` ("October 2024") and run the page."""
    slider = next(one for one in app.select_slider if one.key and one.key.startswith("months."))
    months = [datetime.strptime(f"1 {option}", "%d %B %Y").date() for option in slider.options]
    return lambda: slider.set_value((months[0], months[end])).run()


def timed(call: Callable[[], object]) -> tuple[float, float, float]:
    """Milliseconds by the clock, of processor time (on a busy machine the one to compare), and of that what the page takes without the model."""
    clock, processor = time.perf_counter(), time.process_time()
    MODEL_SECONDS.clear()
    call()
    worked = time.process_time() - processor
    return (time.perf_counter() - clock) * 1000, worked * 1000, (worked - sum(MODEL_SECONDS)) * 1000


def watch_the_model() -> None:
    """Note the processor time of every estimate, to tell the page's own work from it."""
    estimate_iceberg = estimate.estimate_iceberg

    def watched(*given: Any, **named: Any) -> Any:
        start = time.process_time()
        try:
            return estimate_iceberg(*given, **named)
        finally:
            MODEL_SECONDS.append(time.process_time() - start)

    estimate.estimate_iceberg = watched


if __name__ == "__main__":
    raise SystemExit(main())
