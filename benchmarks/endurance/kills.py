"""Estimates, publishes and uploads that are ended at random moments: is half a version in a store, or a customer's row on a disk, afterwards?

    python -m benchmarks.endurance.kills [--each 40] [--seed 0]
    python -m benchmarks.endurance.kills --kinds upload --each 5 --seed 7 --add      a part, added to the results so far

Forty are ended by SIGKILL and forty by SIGTERM, a third of each in an estimate (customers on standard input, so that rows are on the disk), in a
publish, and in an upload to a dashboard that Chromium sends and counts. The moment is drawn evenly over the time that a whole run takes. A run that
was faster than its moment shortens that time, is counted apart, and another one takes its place: forty are really ended in the middle. Afterwards:

* the store is sound, each of its versions reads back whole (every part against its SHA-256), and the audit trail names the same versions;
* the JSON document is whole or not there;
* no file in the temporary folder, beside the outputs or in the store holds a customer's id. After SIGKILL this is asked once the next start
  (``studies list``) has swept; what the kill itself left is counted as well.

Writes results/kills.json and results/kills.md.
"""

from __future__ import annotations

import argparse
import collections
import json
import os
import random
import re
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass
from datetime import date, timedelta
from pathlib import Path

from playwright.sync_api import Browser, expect, sync_playwright
from playwright.sync_api import Error as BrowserError

from benchmarks.page.first_visit import FLAGS
from tests.companies import write_company

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("results")
ROW = re.compile(rb"KU\d{7}")  # an id of the company
CUSTOMERS = 4_000  # so that reading takes its time; the fit of so few complaints takes a second
SIGNALS = (signal.SIGKILL, signal.SIGTERM)
WHOLE_SECONDS = 600  # the longest that a run may take, on a machine that does much else


@dataclass(frozen=True)
class Run:
    """How one run went: its seconds, the status of the process, and whether all was done before its moment came."""

    seconds: float
    status: int
    finished: bool


Runner = Callable[["Trial", signal.Signals | None, float], Run]


@dataclass(frozen=True)
class Ending:
    """One run that was ended.

    Attributes:
        kind: estimate, publish or upload.
        signal: Its name.
        after_seconds: When it was sent.
        status: Of the process; negative for a signal that was not handled.
        finished: Whether the run was faster than its moment.
        versions: In the store afterwards.
        left: Files with a customer's row when the process was gone, before any sweep.
        wrong: What must not be, afterwards; empty where all is well.
    """

    kind: str
    signal: str
    after_seconds: float
    status: int
    finished: bool
    versions: int
    left: int
    wrong: tuple[str, ...]


class Trial:
    """The folders of one run."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.temporary, self.store = folder, folder / "temporary", folder / "store.db"
        self.temporary.mkdir()
        self.environment = os.environ | {"TMPDIR": str(self.temporary), "ICEBERG_STORE": str(self.store), "PYTHONPATH": str(ROOT)}

    def files_with_rows(self) -> list[str]:
        """Files in any of the folders that hold a customer's id."""
        return [str(path.relative_to(self.folder)) for path in sorted(self.folder.rglob("*")) if path.is_file() and ROW.search(path.read_bytes())]

    def sweep(self) -> None:
        """The next start."""
        command = [sys.executable, "-m", "iceberg", "studies", "list"]
        subprocess.run(command, env=self.environment, cwd=self.folder, check=True, stdout=subprocess.DEVNULL, timeout=WHOLE_SECONDS)

    def faults(self) -> tuple[int, tuple[str, ...]]:
        """How many versions the store has, and what must not be."""
        wrong = [f"a row in {name}" for name in self.files_with_rows()]
        wrong += [f"left behind: {path.name}" for path in self.temporary.iterdir() if path.name.startswith("iceberg-")]
        wrong += [f"a draft: {path.name}" for path in self.folder.glob("*.part")]
        document = self.folder / "estimate.json"
        if document.exists():
            json.loads(document.read_text())
        versions, broken = check_store(self.store)
        return versions, (*wrong, *broken)


def check_store(path: Path) -> tuple[int, list[str]]:
    """How many versions the store has, and what is wrong with it."""
    from iceberg.store.audit import read_audit
    from iceberg.store.studies import Store

    if not path.exists():
        return 0, []
    wrong = []
    with closing(Store(str(path))) as store:
        entries = [entry for study in store.studies() for entry in store.versions(study.study_id)]
        for entry in entries:
            if store.load(entry.study_id, entry.number).estimate is None:
                wrong.append(f"version {entry.number} has no estimate")
        published = [(line.study_id, line.version) for line in read_audit(store.engine) if line.action == "publish"]
    if sorted(published, key=str) != sorted(((entry.study_id, entry.number) for entry in entries), key=str):
        wrong.append("the audit trail names other versions")
    return len(entries), [*wrong, *check_orphans(path)]


def check_orphans(path: Path) -> list[str]:
    """What the file itself shows; asked after the first opening, because a run may be ended before the store has its tables."""
    with closing(sqlite3.connect(path)) as connection:
        sound = connection.execute("PRAGMA integrity_check").fetchone()[0]
        orphans = connection.execute("SELECT count(*) FROM blobs WHERE sha256 NOT IN (SELECT sha256 FROM parts)").fetchone()[0]
    return [*([] if sound == "ok" else [f"integrity: {sound}"]), *([f"{orphans} parts of no version"] if orphans else [])]


@contextmanager
def started(command: list[str], trial: Trial, **streams: object) -> Iterator[subprocess.Popen[bytes]]:
    """A process that does not outlive the block."""
    with subprocess.Popen(command, env=trial.environment, cwd=trial.folder, **streams) as process:  # type: ignore[call-overload]
        try:
            yield process
        finally:
            process.kill()


def make_company(folder: Path) -> Path:
    """The files that are read: they lie elsewhere than what is looked through afterwards."""
    rows = []
    for number in range(CUSTOMERS):
        first = date(2024, 1, 1) + timedelta(days=number % 200)
        last = (first + timedelta(days=200 + number % 150)).isoformat() if number % 4 == 0 else ""
        rows.append(f"KU{1_000_000 + number},{first},{last}")
    return write_company(folder, lambda number: f"KU{number:07d}", more_customers=rows)


def command_of(kind: str, company: Path) -> list[str]:
    """The command of an estimate or a publish."""
    if kind == "estimate":
        sources, rest = ["--customers", "-"], ["--json", "estimate.json"]
    else:
        sources, rest = ["--customers", str(company / "customers.csv")], ["--title", "Ended"]
    return [sys.executable, "-m", "iceberg", kind, *sources, "--complaints", str(company / "complaints.csv"), *rest, "--quiet"]


def run_command(kind: str, company: Path, trial: Trial, number: signal.Signals | None, moment: float) -> Run:
    """Run it until the signal."""
    began = time.monotonic()
    command = command_of(kind, company)
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with (company / "customers.csv").open("rb") as rows, started(command, trial, stdin=rows, **quiet) as process:
        return end(process, began + moment, number, began)


def end(process: subprocess.Popen[bytes], at: float, number: signal.Signals | None, began: float) -> Run:
    """Send the signal at that moment, unless the process is faster."""
    finished = True
    try:
        process.wait(timeout=max(at - time.monotonic(), 0))
    except subprocess.TimeoutExpired:
        finished = False
        if number is not None:
            process.send_signal(number)
        process.wait(timeout=WHOLE_SECONDS)
    return Run(time.monotonic() - began, process.returncode, finished)


def run_upload(browser: Browser, company: Path, trial: Trial, number: signal.Signals | None, moment: float) -> Run:
    """Start a dashboard, upload the company in Chromium and count it; end the server at a moment after the first file was chosen."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(ROOT / "app.py"), "--server.port", str(port), "--server.headless", "true"]
    command += ["--server.address", "127.0.0.1"]
    with started(command, trial, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        wait_for(f"http://127.0.0.1:{port}/readyz")
        context = browser.new_context(locale="en-GB")
        page = context.new_page()
        page.goto(f"http://127.0.0.1:{port}/upload")
        fields = page.locator("[data-testid=stFileUploaderDropzoneInput]")
        fields.first.wait_for(state="attached", timeout=60_000)
        began = time.monotonic()
        at, finished = began + moment, False
        try:
            for place, path in enumerate((company / "customers.csv", company / "complaints.csv")):
                remaining(at)
                fields.nth(place).set_input_files(path)
                expect(page.get_by_role("button", name=f"Remove {path.name}")).to_be_visible(timeout=remaining(at))
            for label in ("These columns are right", "Count and estimate"):
                page.get_by_role("button", name=label).click(timeout=remaining(at))
            expect(page.get_by_role("heading", name=re.compile(r"\b[\d,]+ customers complained"))).to_be_visible(timeout=remaining(at))
            finished = True
        except (TimeoutError, BrowserError, AssertionError) as late:  # the moment has come: `remaining`, a click, what was expected
            if time.monotonic() < at - 1:
                raise RuntimeError(f"the upload stopped before its moment: {late}") from late
        seconds = time.monotonic() - began
        if number is None:
            if not finished:
                raise RuntimeError("the upload did not come to its end")
            context.close()
            return Run(seconds, 0, finished)
        ended = end(server, at, number, began)
        context.close()
        return Run(seconds, ended.status, finished)


def remaining(at: float) -> float:
    """Milliseconds until the moment.

    Raises:
        TimeoutError: When it has come.
    """
    left = at - time.monotonic()
    if left <= 0.001:
        raise TimeoutError
    return left * 1000


def free_port() -> int:
    import socket

    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(url: str) -> None:
    for _ in range(600):
        try:
            with urllib.request.urlopen(url, timeout=2):
                return
        except OSError:
            time.sleep(0.2)
    raise RuntimeError(f"no answer at {url}")


def end_one(run: Runner, kind: str, number: signal.Signals, moment: float) -> tuple[Ending, float]:
    """One run in folders of its own, ended, and what is found afterwards; and its seconds."""
    with tempfile.TemporaryDirectory(prefix="ended-") as name:
        trial = Trial(Path(name))
        ran = run(trial, number, moment)
        left = len(trial.files_with_rows())
        wrong: tuple[str, ...] = ()
        if number is signal.SIGKILL:
            trial.sweep()
        elif left:
            wrong = (f"{left} files with rows after SIGTERM",)
        versions, faults = trial.faults()
        return Ending(kind, number.name, round(moment, 2), ran.status, ran.finished, versions, left, (*wrong, *faults)), ran.seconds


def end_many(kinds: dict[str, Runner], each: int, rng: random.Random) -> list[Ending]:
    """So many endings in the middle by each signal, shared among the kinds, and the runs that were faster than their moment."""
    endings: list[Ending] = []
    for place, (kind, run) in enumerate(kinds.items()):
        with tempfile.TemporaryDirectory(prefix="whole-") as name:
            whole = run(Trial(Path(name)), None, float(WHOLE_SECONDS))
        if whole.status != 0:
            raise RuntimeError(f"a whole {kind} ended with status {whole.status}")
        print(f"{kind}: a whole run takes {whole.seconds:.1f} s", flush=True)
        longest = whole.seconds
        for number in SIGNALS:
            wanted = each // len(kinds) + (place < each % len(kinds))
            while wanted:
                ending, seconds = end_one(run, kind, number, rng.uniform(0, longest))
                endings.append(ending)
                print(json.dumps(asdict(ending)), flush=True)
                if ending.finished:
                    longest = min(longest, seconds)
                else:
                    wanted -= 1
    return endings


def written(endings: list[Ending]) -> str:
    """The figures as a table in Markdown."""
    heads = ("run", "signal", "ended in the middle", "had finished before", "version in the store", "files with rows at once", "wrong afterwards")
    lines = ["| " + " | ".join(heads) + " |", "|---|---|" + "---:|" * (len(heads) - 2)]
    groups = collections.defaultdict(list)
    for one in endings:
        groups[one.kind, one.signal].append(one)
    for (kind, number), own in groups.items():
        finished, stored = sum(one.finished for one in own), sum(one.versions > 0 for one in own)
        cells = (kind, number, len(own) - finished, finished, stored, sum(one.left for one in own), sum(bool(one.wrong) for one in own))
        lines.append("| " + " | ".join(map(str, cells)) + " |")
    return "\n".join(lines) + f"\n\nLoad average {os.getloadavg()[0]:.1f} on {os.cpu_count()} processors.\n"


def main() -> int:
    """The status is 1 where anything was wrong."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--each", type=int, default=40)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--kinds", nargs="*", default=["estimate", "publish", "upload"])
    parser.add_argument("--add", action="store_true", help="to the results so far")
    options = parser.parse_args()
    with sync_playwright() as driver, tempfile.TemporaryDirectory(prefix="company-") as name:
        company = make_company(Path(name))
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        kinds: dict[str, Runner] = {
            "estimate": lambda *of: run_command("estimate", company, *of),
            "publish": lambda *of: run_command("publish", company, *of),
            "upload": lambda *of: run_upload(browser, company, *of),
        }
        before = [Ending(**one) for one in json.loads((RESULTS / "kills.json").read_text())] if options.add else []
        endings = before + end_many({kind: kinds[kind] for kind in options.kinds}, options.each, random.Random(options.seed))
        browser.close()
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "kills.json").write_text(json.dumps([asdict(one) for one in endings], indent=1) + "\n")
    (RESULTS / "kills.md").write_text(written(endings))
    print(written(endings))
    return int(any(one.wrong for one in endings))


if __name__ == "__main__":
    sys.exit(main())
