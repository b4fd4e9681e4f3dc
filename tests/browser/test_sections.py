"""The sections of further files on the first page, as an analyst sees them: rhythm, scores, service, journey, moments, audit and the sheet.

No element is wider than its box, no two labels of a picture meet, and axe finds nothing serious: phone and desk, light and dark, both languages.
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from playwright.sync_api import Browser, expect

from iceberg.cli.main import main
from iceberg.locale import Translator
from iceberg.simulation.gym import gym_files
from iceberg.store.studies import Store
from tests.browser.conftest import ROOT, Visitor, VisitorFactory, free_port, wait_for
from tests.browser.test_accessibility import violations
from tests.browser.test_screens import TOO_WIDE

DATA = ROOT / "data" / "en"
LOOKS = {"desk, English, light": ("en-GB", 1280, False), "phone, French, dark": ("fr-FR", 390, True),
         "phone, English, light": ("en-GB", 390, False), "desk, French, dark": ("fr-FR", 1280, True)}  # fmt: skip
SECTIONS = {"sample": ("journey", "service", "spheres", "positives", "scores", "audit"), "gym": ("rhythm",)}
# Texts of one picture that lie on each other by more than a pixel. Of a text that is drawn twice, as a halo, one counts.
CROSSING = """() => {
    const found = [];
    for (const chart of document.querySelectorAll('[data-testid=stMain] [data-testid=stVegaLiteChart] svg')) {
        const seen = [...chart.querySelectorAll('text')].filter(one => one.textContent && getComputedStyle(one).opacity !== '0');
        const boxes = seen.map(one => [one.textContent, one.getBoundingClientRect()]).filter(([, box]) => box.width > 1);
        boxes.forEach(([text, a], place) => boxes.slice(place + 1).forEach(([other, b]) => {
            const wide = Math.min(a.right, b.right) - Math.max(a.left, b.left), high = Math.min(a.bottom, b.bottom) - Math.max(a.top, b.top);
            if (text !== other && wide > 1 && high > 3) found.push(`${text} / ${other}`);
        }));
    }
    return found.slice(0, 5);
}"""


def sample_with_everything(folder: Path) -> list[str]:
    """Options that read the sample company with columns of service, a journey, scores, an audit and a sheet."""
    complaints, rng = pd.read_csv(DATA / "complaints.csv"), np.random.default_rng(0)
    days = pd.to_datetime(complaints["complaint_date"]) + pd.to_timedelta(rng.integers(0, 12, len(complaints)), unit="D")
    late = rng.random(len(complaints)) < 0.2
    service = {"in time": np.where(late, "no", "yes"), "resolved at": days.dt.date, "first reply hours": rng.integers(1, 60, len(late))}
    complaints.assign(**service).to_csv(folder / "complaints.csv", index=False)
    names = sorted(complaints["category"].unique())
    promises = ("5,days", "95,percent")
    rows = [f"{name},{promises[place % 2]},{60 + 5 * place},{place + 1},{40 * place}" for place, name in enumerate(names)]
    header = "category,promise_value,promise_unit,target,priority_rank,believed_leavers"
    (folder / "spheres.csv").write_text("\n".join([header, *rows]), encoding="utf-8")
    files = {"customers": DATA / "customers.csv", "complaints": folder / "complaints.csv", "scores": DATA / "scores.csv",
             "mapping": DATA / "journey.toml", "spheres": folder / "spheres.csv", "positives": DATA / "positives.csv"}  # fmt: skip
    return [*(part for name, path in files.items() for part in (f"--{name}", str(path))),
            *(part for place in (1, 2) for part in ("--audit", str(DATA / f"audit-{place}.csv")))]  # fmt: skip


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """A dashboard with both companies; "" holds its address."""
    folder = tmp_path_factory.mktemp("sections")
    for name, content in gym_files().items():
        (folder / f"gym-{name}").write_bytes(content)
    gym = {"activity": "visits", "customers": "members", "incidents": "incidents"}
    given = {"gym": [part for table, name in gym.items() for part in (f"--{table}", str(folder / f"gym-{name}.csv"))]}
    given["gym"] += ["--complaints", str(folder / "gym-complaints.csv")]
    given["sample"] = sample_with_everything(folder)
    store = folder / "store.db"
    for name, files in given.items():
        assert main(["publish", *files, "--title", name, "--store", str(store), "--quiet"]) == 0
    opened = Store(str(store))
    studies = {entry.title: entry.study_id for entry in opened.studies()}
    opened.close()
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"]
    environment = os.environ | {"ICEBERG_STORE": str(store)}
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(f"http://localhost:{port}/_stcore/health", server)
            yield studies | {"": f"http://localhost:{port}"}
        finally:
            server.terminate()
            server.wait(timeout=20)


@pytest.fixture
def visit(chromium: Browser, site: dict[str, str]) -> Iterator[VisitorFactory]:
    factory = VisitorFactory(chromium, site[""])
    yield factory
    for visitor in factory.visitors:
        visitor.context.close()
        assert visitor.strangers == set(), "a request left this machine"


def open_folds(visitor: Visitor) -> None:
    """Open what is folded, one after the other: some is drawn only then."""
    folds = visitor.page.locator("[data-testid=stMain] [class*='st-key-folded'] details:not([open]) > summary")
    for _ in range(folds.count()):
        folds.first.click()
        visitor.settle()


@pytest.mark.parametrize("look", LOOKS)
def test_sections_of_further_files_fit_are_legible_and_accessible(visit: VisitorFactory, site: dict[str, str], look: str) -> None:
    locale, width, dark = LOOKS[look]
    words, visitor, found = Translator(locale[:2]), visit(locale=locale, width=width, dark=dark), {}
    for name, sections in SECTIONS.items():
        page = visitor.open(f"?study={site[name]}&lang={locale[:2]}")
        page.set_viewport_size({"width": width, "height": 9000})  # what lies below the fold is drawn, and judged, too
        visitor.settle()
        for section in sections:
            expect(page.get_by_role("heading", name=words.text(f"{section}.title"), exact=True)).to_be_visible()
        open_folds(visitor)
        expect(page.locator("[data-testid=stException]")).to_have_count(0)
        expect(page.get_by_text(words.text("ui.error.fault_title"))).to_have_count(0)
        expect(page.locator("[data-stale=true]")).to_have_count(0)  # what is being drawn again is pale for a moment
        assert page.locator("[data-testid=stVegaLiteChart] svg text").count() > 20
        if wrong := [*page.evaluate(TOO_WIDE), *page.evaluate(CROSSING), *violations(page)]:
            found[name] = wrong
    assert found == {}
