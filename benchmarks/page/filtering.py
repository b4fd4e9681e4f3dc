"""How long a reader waits for the headline and the whole page after choosing a segment, in a real browser.

    python -m benchmarks.page.filtering [--times 5]

Segments are chosen one after another, each beside those before it, so that no cache knows the choice; each is timed from the click until the
headline says another number and until the page stands still. A headline that does not change within 20 s ends the run. Writes
results/filtering.json and filtering.md.
"""

from __future__ import annotations

import argparse
import json
import os
import statistics
from pathlib import Path

from playwright.sync_api import Page, expect, sync_playwright

from benchmarks.page.first_visit import FLAGS, ROOT, serving

RESULTS = Path(__file__).parent / "results"
AIM_MILLISECONDS = 600
WATCH = """
window.watched = () => new Promise(done => {
  const began = performance.now(), app = document.querySelector('[data-testid=stApp]');
  const headline = () => document.querySelector('.st-key-headline h2')?.innerText;
  const before = headline();
  let said = null;
  setTimeout(() => { if (said === null) done(null); }, 20000);
  const look = () => {
    if (said === null && headline() && headline() !== before) said = performance.now() - began;
    if (said !== null && app.dataset.testScriptState === 'notRunning') { done([said, performance.now() - began]); return; }
    requestAnimationFrame(look);
  };
  requestAnimationFrame(look);
});
"""


def main() -> int:
    """Choose and take away, and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--times", type=int, default=5, help="segments chosen one after another: fewer than the sample company has")
    options = parser.parse_args()
    with sync_playwright() as driver, serving(ROOT / "app.py") as address:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        # The driver asks by eval, which the page forbids.
        page = browser.new_page(locale="en-GB", viewport={"width": 1280, "height": 900}, bypass_csp=True)
        page.add_init_script("localStorage.setItem('iceberg.tour', 'closed')")
        page.add_init_script(WATCH)
        page.goto(address)
        expect(page.locator("[data-testid=stVegaLiteChart]").first).to_be_visible(timeout=90_000)
        page.wait_for_timeout(3_000)
        waited = [choose(page) for _ in range(options.times)]
        browser.close()
    headline, everything = (round(statistics.median(column)) for column in zip(*waited, strict=True))
    load = round(os.getloadavg()[0], 1)
    report = {"aim_milliseconds": AIM_MILLISECONDS, "headline": headline, "everything": everything, "choices": waited, "load_average": load}
    (RESULTS / "filtering.json").write_text(json.dumps(report, indent=1) + "\n", encoding="utf-8")
    text = (
        f"Milliseconds from the click that chooses a segment, median of {len(waited)} choices, browser and server on the same {os.cpu_count()} cores "
        f"(load average {load}): {headline} until the headline says the new number, {everything} until the page stands still. "
        f"The aim is {AIM_MILLISECONDS}.\n"
    )
    (RESULTS / "filtering.md").write_text(text, encoding="utf-8")
    print(text)
    return 0


def choose(page: Page) -> tuple[float, float]:
    """Choose the first segment that is not chosen yet, beside those that are; the first option of the list chooses all of them."""
    options = page.get_by_role("option")
    if not options.count():  # after a choice the list may still be open
        page.locator("[data-testid=stMultiSelect] input").first.press("ArrowDown")
    expect(options.first).to_be_visible()
    waiting = page.evaluate_handle("({ found: window.watched() })")
    options.nth(1).click()
    headline, everything = page.evaluate("waiting => waiting.found", waiting)
    page.keyboard.press("Escape")
    page.wait_for_timeout(1_000)
    return float(headline), float(everything)


if __name__ == "__main__":
    raise SystemExit(main())
