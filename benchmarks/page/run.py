"""How long the server works when an executive opens the page and moves a slider to values that no cache knows.

    python -m benchmarks.page.run [--moves 7]

Streamlit's own test client runs the whole script in this process: what is measured is the server's work, not the
network and not the browser's drawing. Writes results/page.json beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from streamlit.testing.v1 import AppTest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
AIM_MILLISECONDS = 300


def main() -> int:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--moves", type=int, default=7, help="how often each slider is moved")
    options = parser.parse_args()
    app = AppTest.from_file(ROOT / "app.py", default_timeout=120)
    figures = {"first visit": [timed(app.run)], "same page again": [timed(app.run) for _ in range(options.moves)]}
    for key in ("ratio", "horizon"):
        places = range(1, 1 + min(options.moves, len(app.select_slider(key=key).options) - 1))
        figures[f"{key} moved"] = [timed(move(app, key, place)) for place in places]
    figures["period moved"] = [timed(move_period(app, end)) for end in range(3, 3 + options.moves)]
    assert not app.exception, app.exception[0].message
    summary = {
        name: {
            unit: round(statistics.median(column))
            for unit, column in zip(("clock", "processor"), zip(*runs, strict=True), strict=True)
        }
        for name, runs in figures.items()
    }
    for name, value in summary.items():
        print(f"{name:<18}{value['clock']:>7,} ms{value['processor']:>7,} ms processor  (n = {len(figures[name])})")
    machine = {"processors": os.cpu_count(), "python": platform.python_version()}
    report = {"aim_milliseconds": AIM_MILLISECONDS, "median_milliseconds": summary, "runs": figures, "machine": machine}
    (HERE / "results").mkdir(exist_ok=True)
    (HERE / "results" / "page.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    return 0


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


def timed(call: Callable[[], object]) -> tuple[float, float]:
    """Milliseconds by the clock and of processor time: on a busy machine the second is the one to compare."""
    clock, processor = time.perf_counter(), time.process_time()
    call()
    return (time.perf_counter() - clock) * 1000, (time.process_time() - processor) * 1000


if __name__ == "__main__":
    raise SystemExit(main())
