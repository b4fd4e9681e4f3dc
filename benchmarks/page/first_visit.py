"""How soon a first visitor reads the headline and sees the picture, beside the same for bare Streamlit apps in the same run.

    python -m benchmarks.page.first_visit [--visits 7]

Each visit starts a server anew, waits until it answers, and opens it in a browser that has nothing cached, on the same two cores.
The bare apps are the floor: what the framework's own scripts take to put one sentence, or one sentence and one chart of a single bar, on screen.
Times are milliseconds since the browser asked for the page, as the browser counts them. Writes results/first_visit.json and first_visit.md.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, sync_playwright

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking", "--disable-component-update"]
AIM_MILLISECONDS = 2000
BARE = {
    "bare app: a sentence": 'import streamlit as st\nst.header("Hello, world")\n',
    "bare app: a sentence and a chart": (
        "import streamlit as st\n"
        'st.header("Hello, world")\n'
        'bar = {"data": {"values": [{"a": 1, "b": 2}]}, "mark": "bar"}\n'
        'st.vega_lite_chart(spec=bar | {"encoding": {"x": {"field": "a"}, "y": {"field": "b"}}})\n'
    ),
}
PRODUCT = "the product"
# Looked at before every frame that the browser draws: what is there then is on screen with that frame.
WATCH = """
window.seen = {};
const note = (name, found) => { if (found && !(name in window.seen)) window.seen[name] = performance.now(); };
const look = () => {
  note('headline', [...document.querySelectorAll('h2')].some(e => e.innerText.length > 5 && e.getBoundingClientRect().height > 0));
  const wide = drawn => drawn && drawn.getBoundingClientRect().width > 100;
  const chart = wide(document.querySelector('[data-testid=stVegaLiteChart] canvas, [data-testid=stVegaLiteChart] svg.marks'));
  const still = document.querySelector('img.still');
  note('picture', chart || (wide(still) && still.complete && still.naturalWidth));
  note('interactive picture', chart);
  const app = document.querySelector('[data-testid=stApp]');
  note('first element', document.querySelector('[data-testid=stElementContainer]'));
  if (window.seen.headline && app && app.getAttribute('data-test-script-state') === 'notRunning'
      && !document.querySelector('[data-testid=stSkeleton]')) note('everything', true);
  requestAnimationFrame(look);
};
requestAnimationFrame(look);
"""


def main() -> int:
    """Visit in turn, so that a busy moment of the machine strikes all alike, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visits", type=int, default=7, help="visits to each app")
    options = parser.parse_args()
    subprocess.run([sys.executable, "-m", "iceberg.ui.serving.server"], cwd=ROOT, check=True)  # what the installation ends with
    visits: dict[str, list[dict[str, float]]] = {name: [] for name in (*BARE, PRODUCT)}
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        scripts = {PRODUCT: ROOT / "app.py"}
        for place, (name, text) in enumerate(BARE.items()):
            scripts[name] = Path(folder) / f"bare{place}.py"
            scripts[name].write_text(text, encoding="utf-8")
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        for _ in range(options.visits):
            for name, seen in visits.items():
                with serving(scripts[name]) as address:
                    seen.append(visit(browser, address, picture=not name.endswith("sentence")))
        browser.close()
    medians = {name: {mark: round(statistics.median(run[mark] for run in runs if mark in run)) for mark in runs[0]} for name, runs in visits.items()}
    machine = {"processors": os.cpu_count(), "python": platform.python_version(), "load_average": round(os.getloadavg()[0], 1)}
    report = {"aim_milliseconds": AIM_MILLISECONDS, "median_milliseconds": medians, "visits": visits, "machine": machine}
    folder_of_results = HERE / "results"
    folder_of_results.mkdir(exist_ok=True)
    (folder_of_results / "first_visit.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    (folder_of_results / "first_visit.md").write_text(as_markdown(medians, visits, machine), encoding="utf-8")
    print(as_markdown(medians, visits, machine))
    return 0


@contextmanager
def serving(script: Path) -> Iterator[str]:
    """A server that has just said where it is to be found, and answers."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "streamlit", "run", str(script), "--server.port", str(port), "--server.headless", "true"]
    quiet = ["--browser.gatherUsageStats", "false", "--server.fileWatcherType", "none"]
    with subprocess.Popen([*command, *quiet], cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as server:
        try:
            assert server.stdout is not None
            for line in server.stdout:
                if "URL:" in line:
                    break
            wait_for(f"http://localhost:{port}/_stcore/health")
            yield f"http://localhost:{port}"
        finally:
            server.kill()  # asked politely, it waits for a browser that has gone


def wait_for(url: str) -> None:
    """Until the server answers at all: an app with a lifespan prints its address half a second before that, a bare script after it."""
    last = time.monotonic() + 120  # a busy machine is slow to start
    while True:
        try:
            with urllib.request.urlopen(url, timeout=20):
                return
        except OSError:
            if time.monotonic() > last:
                raise
            time.sleep(0.01)


def visit(browser: Browser, address: str, *, picture: bool) -> dict[str, float]:
    """Milliseconds from the request to the headline, the picture and the last element of a visitor whom no cache knows."""
    context = browser.new_context(locale="en-GB", viewport={"width": 1280, "height": 800}, bypass_csp=True)  # the driver asks by eval
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(address, wait_until="commit")
    awaited = ["everything", "headline", *(["interactive picture"] if picture else [])]
    page.wait_for_function(f"{awaited}.every(name => name in window.seen)", timeout=30_000)
    seen: dict[str, float] = page.evaluate("window.seen")
    context.close()
    return seen


def as_markdown(medians: dict[str, dict[str, int]], visits: dict[str, list[dict[str, float]]], machine: dict[str, object]) -> str:
    """Medians, and how much longer than the bare apps."""
    sentence, chart = (medians[name] for name in BARE)
    lines = [
        f"Milliseconds from the request, median of {len(visits[PRODUCT])} visits to a server just started, nothing cached in the browser, browser "
        f"and server on the same {machine['processors']} cores (load average {machine['load_average']}). The aim is {AIM_MILLISECONDS}.",
        "",
        "| | headline | picture | picture that can be clicked | everything |",
        "|---|---:|---:|---:|---:|",
    ]
    for name, marks in medians.items():
        seen = " | ".join(str(marks.get(mark, "")) for mark in ("headline", "picture", "interactive picture", "everything"))
        lines.append(f"| {name} | {seen} |")
    ratios = medians[PRODUCT]["headline"] / sentence["headline"], medians[PRODUCT]["picture"] / chart["picture"]
    lines += ["", f"The product's headline takes {ratios[0]:.2f} times the bare sentence, its picture {ratios[1]:.2f} times the bare chart."]
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    raise SystemExit(main())
