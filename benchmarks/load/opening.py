"""How soon an executive reads the headline of a published study on a phone, in French: the link opened in a real browser.

    python -m benchmarks.load.opening [--visits 7]

A window of 390 pixels, a French browser, a server that has been standing for a quarter of a minute. Each visit is a browser that has nothing cached;
then the same browser opens the link again, as it does next month. Milliseconds since the browser asked for the page, as the browser counts them;
browser and server share the same processors. Writes results/opening.json.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
import tempfile
import time
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, sync_playwright

from benchmarks.load.run import RESULTS, SETTLING_SECONDS, publish_sample, serve
from benchmarks.page.first_visit import AIM_MILLISECONDS, FLAGS, WATCH

PHONE = {
    "locale": "fr-FR",
    "viewport": {"width": 390, "height": 844},
    "device_scale_factor": 3,
    "is_mobile": True,
    "has_touch": True,
    "user_agent": "Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/140.0 Mobile Safari/537.36",
}
MARKS = ("headline", "picture", "everything")


def open_link(context: BrowserContext, link: str) -> dict[str, float]:
    """One opening: milliseconds to each of `MARKS`.

    Raises:
        RuntimeError: When the headline is not in French.
    """
    page = context.new_page()
    page.add_init_script(WATCH)
    page.goto(link, wait_until="commit")
    page.wait_for_function(f"{list(MARKS)}.every(name => name in window.seen)", timeout=30_000)
    if "partis sans un mot" not in page.locator("h2").first.inner_text():
        raise RuntimeError(f"not the headline of a French reader: {page.locator('h2').first.inner_text()}")
    seen: dict[str, float] = page.evaluate("window.seen")
    page.close()
    return {mark: round(seen[mark]) for mark in MARKS}


def visit(browser: Browser, link: str) -> tuple[dict[str, float], dict[str, float]]:
    """A first opening, and the next one."""
    context = browser.new_context(**PHONE)  # type: ignore[arg-type]  # options of one kind each
    first = open_link(context, link)
    again = open_link(context, link)
    context.close()
    return first, again


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--visits", type=int, default=7)
    parser.add_argument("--port", type=int, default=8673)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as driver:
        store = str(Path(folder) / "store.db")
        study = publish_sample(store)
        server = serve(store, options.port)
        try:
            time.sleep(SETTLING_SECONDS)
            browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
            visits = [visit(browser, f"http://localhost:{options.port}/?study={study}") for _ in range(options.visits)]
            browser.close()
        finally:
            server.terminate()
            server.wait(timeout=30)
    kinds = {"nothing cached": [first for first, _ in visits], "opened again": [again for _, again in visits]}
    told = {
        "aim_milliseconds": AIM_MILLISECONDS,
        "median_milliseconds": {name: {mark: statistics.median(one[mark] for one in seen) for mark in MARKS} for name, seen in kinds.items()},
        "visits": kinds,
        "processors": os.cpu_count(),
        "load_average": [round(one, 1) for one in os.getloadavg()],
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "opening.json").write_text(json.dumps(told, indent=2) + "\n")
    print(json.dumps({name: told[name] for name in ("median_milliseconds", "load_average")}, indent=2))


if __name__ == "__main__":
    main()
