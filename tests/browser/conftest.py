"""The dashboard in a real browser: one server for all journeys, Debian's Chromium, and no request that leaves this machine."""

import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Browser, BrowserContext, Error, Locator, Page, Playwright, expect, sync_playwright

ROOT = Path(__file__).resolve().parents[2]
CHROMIUM = Path("/usr/bin/chromium")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]
# A picture is drawn after its script has come, with no placeholder meanwhile, and moves what is below it: pressing the mouse button on a
# link and letting it go beside it is no click.
STANDS_STILL = """() => {
    const app = document.querySelector('[data-testid=stApp]'), main = document.querySelector('[data-testid=stMain]');
    const undrawn = [...document.querySelectorAll('[data-testid=stVegaLiteChart]')].some(chart => !chart.querySelector('canvas, svg'));
    const waiting = undrawn || document.querySelector('[data-testid=stSkeleton], [data-testid=stAppSkeleton]');
    const ready = main && app.dataset.testScriptState === 'notRunning' && !waiting;
    const seen = ready ? [main.scrollHeight, main.scrollWidth, main.querySelectorAll('*').length].join() : '';
    const still = seen !== '' && seen === window.seenLayout;
    window.seenLayout = seen;
    return still;
}"""
HERE = {"localhost", "127.0.0.1", "[::1]", "::1"}

expect.set_options(timeout=60_000)  # an estimate of uploaded files takes a third of it on a machine that does something else


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str, server: "subprocess.Popen[bytes]", *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if server.poll() is not None:
            pytest.fail(f"the dashboard stopped with status {server.returncode} before it answered")
        try:
            with urllib.request.urlopen(url, timeout=2) as answer:
                if answer.status == 200:
                    return
        except OSError:
            time.sleep(0.2)
    pytest.fail(f"the dashboard did not answer at {url} within {seconds:.0f} s")


@pytest.fixture(scope="session")
def address() -> Iterator[str]:
    """The address of a dashboard that runs for the whole session."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            wait_for(f"http://localhost:{port}/_stcore/health", server)
            yield f"http://localhost:{port}"
        finally:
            server.terminate()
            server.wait(timeout=20)


@pytest.fixture(scope="session")
def playwright() -> Iterator[Playwright]:
    with sync_playwright() as driver:
        yield driver


@pytest.fixture(scope="session")
def chromium(playwright: Playwright) -> Iterator[Browser]:
    if not CHROMIUM.exists():
        pytest.fail(f"{CHROMIUM} is missing. Install it: apt-get install chromium")
    browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=FLAGS)
    yield browser
    browser.close()


def until_still(page: Page) -> None:
    """Until nothing is on its way any more."""
    until_true(page, STANDS_STILL)


def until_true(page: Page, question: str) -> None:
    """Ask again and again from here: a page that polls by itself has to evaluate text, which the policy of a served page forbids."""
    deadline = time.monotonic() + 60
    while True:
        try:
            if page.evaluate(question):
                return
        except Error:  # it went to another page meanwhile
            pass
        if time.monotonic() > deadline:
            pytest.fail(f"{page.url}: after a minute still not true: {question}")
        page.wait_for_timeout(150)


class Visitor:
    """One person with one browser window; remembers every request that would leave this machine."""

    def __init__(self, browser: Browser, address: str, **options: object) -> None:
        self.context: BrowserContext = browser.new_context(**options)  # type: ignore[arg-type]
        self.context.add_init_script("try { localStorage.setItem('iceberg.tour', 'closed'); } catch {}")  # seen before
        self.page: Page = self.context.new_page()
        self.address = address
        self.strangers: set[str] = set()
        self.context.on("request", lambda request: self._note(request.url))
        self.context.on("console", lambda message: self._note_violation(message.text))

    def _note(self, url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme in {"http", "https", "ws", "wss"} and parts.hostname not in HERE:
            self.strangers.add(url)

    def _note_violation(self, text: str) -> None:
        """The page tried something that its own policy forbids."""
        if "Content Security Policy" in text:
            self.strangers.add(text)

    def open(self, path: str = "") -> Page:
        """Go to a page and wait until it stands still."""
        self.page.goto(f"{self.address}/{path}")
        self.settle()
        return self.page

    def settle(self) -> None:
        """Wait until the script has run, every picture is drawn, no placeholder is left and nothing has moved between two looks."""
        until_still(self.page)

    def press(self, target: Locator) -> None:
        """Click what is there, once nothing moves any more."""
        expect(target).to_be_visible()
        self.settle()
        target.click()


@pytest.fixture
def visit(chromium: Browser, address: str) -> Iterator["VisitorFactory"]:
    """Opens windows; at the end no request may have left this machine and no traceback may be on screen."""
    factory = VisitorFactory(chromium, address)
    yield factory
    for visitor in factory.visitors:
        assert visitor.page.locator("[data-testid=stException]").count() == 0
        assert "Traceback" not in visitor.page.inner_text("body")
        visitor.context.close()
        assert visitor.strangers == set(), "a request left this machine"


class VisitorFactory:
    """Makes visitors: language, width, colour scheme."""

    def __init__(self, browser: Browser, address: str) -> None:
        self.browser, self.address = browser, address
        self.visitors: list[Visitor] = []

    def __call__(self, *, locale: str = "en-GB", width: int = 1280, dark: bool = False) -> Visitor:
        visitor = Visitor(
            self.browser,
            self.address,
            locale=locale,
            viewport={"width": width, "height": 844 if width < 640 else 800},
            color_scheme="dark" if dark else "light",
            accept_downloads=True,
        )
        self.visitors.append(visitor)
        return visitor
