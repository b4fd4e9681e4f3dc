"""What a machine for the dashboard needs: memory and processor of a viewer, of an analyst with an open file, of an estimate; disk of a version.

    python -m benchmarks.load.sizing [--rows 100000 1000000] [--segments 12 40]

* Viewers: 50 websockets open a published study one after the other and stay; the server's memory and processor seconds at 1, 10, 25 and 50.
* An analyst: Chromium uploads customers and complaints of so many rows, confirms the columns, counts and estimates; the server's memory before, at
  its highest and with the result on screen.
* An estimate: ``python -m iceberg estimate`` of 100,000 customers in so many segments, in a process of its own: its highest memory and its
  processor seconds.
* A version: what the store's file grows by.

Writes results/sizing.json and results/sizing.md.
"""

from __future__ import annotations

import argparse
import itertools
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import duckdb
from playwright.sync_api import expect, sync_playwright

from benchmarks.load.run import RESULTS, ROOT, SETTLING_SECONDS, ending, processor_seconds, publish_sample, serve
from benchmarks.page.first_visit import FLAGS
from benchmarks.scale.synthetic import write_files
from tests.visitor import Visitor, run_page

STAGES = (1, 10, 25, 50)
ESTIMATED_ROWS = 100_000
PATIENCE_MILLISECONDS = 300_000


def memory_mb(process: int, *, field: str = "VmRSS") -> float:
    """Memory of a process in MB: what it holds, or the most it ever held (`VmHWM`)."""
    text = Path(f"/proc/{process}/status").read_text()
    return int(text.partition(f"{field}:")[2].split()[0]) / 1000


def forget_peak(process: int) -> None:
    """The highest memory counts from now on."""
    Path(f"/proc/{process}/clear_refs").write_text("5")


def measure_viewers(port: int, server: int, study: str) -> list[dict[str, float]]:
    """The server with more and more viewers who have a study open."""
    stages = [{"viewers": 0, "memory_mb": memory_mb(server), "processor_seconds": 0.0}]
    before = processor_seconds(server)
    with ExitStack() as open_pages:
        for number in range(1, STAGES[-1] + 1):
            socket = open_pages.enter_context(Visitor(f"http://localhost:{port}").socket())
            page = run_page(socket, query=f"study={study}")
            if page.exception:
                raise RuntimeError(page.exception)
            if number in STAGES:
                time.sleep(2)
                stages.append({"viewers": number, "memory_mb": memory_mb(server), "processor_seconds": processor_seconds(server) - before})
    return stages


def measure_analyst(port: int, server: int, files: dict[tuple[str, str], Path]) -> dict[str, float]:
    """The server while an analyst goes from the files to the estimate."""
    began, used, rested = time.monotonic(), processor_seconds(server), memory_mb(server)
    forget_peak(server)
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=FLAGS)
        page = browser.new_context(locale="en-GB").new_page()
        page.set_default_timeout(PATIENCE_MILLISECONDS)
        page.goto(f"http://127.0.0.1:{port}/upload")
        fields = page.locator("[data-testid=stFileUploaderDropzoneInput]")
        fields.first.wait_for(state="attached")
        for place, table in enumerate(("customers", "complaints")):
            fields.nth(place).set_input_files(files[table, "csv"])
            expect(page.get_by_role("button", name=f"Remove {files[table, 'csv'].name}")).to_be_visible(timeout=PATIENCE_MILLISECONDS)
        for label in ("These columns are right", "Count and estimate"):
            page.get_by_role("button", name=label).click()
        expect(page.get_by_role("heading", level=2).first).to_contain_text("customers complained", timeout=PATIENCE_MILLISECONDS)
        open_mb = memory_mb(server)
        browser.close()
    peak, spent = memory_mb(server, field="VmHWM"), processor_seconds(server) - used
    size = sum(files[table, "csv"].stat().st_size for table in ("customers", "complaints")) / 1e6
    figures = {"files_mb": size, "before_mb": rested, "peak_mb": peak, "open_mb": open_mb, "processor_seconds": spent}
    return {name: round(value, 1) for name, value in figures.items()} | {"seconds": round(time.monotonic() - began)}


def measure_estimate(files: dict[tuple[str, str], Path], segments: int, folder: Path) -> dict[str, float]:
    """One estimate of customers in so many segments, in a process of its own."""
    customers = folder / f"customers-{segments}.csv"
    with duckdb.connect() as connection:
        named = f"* REPLACE ('branch ' || CAST(hash(customer_id) % {segments} AS VARCHAR) AS segment)"
        connection.execute(f"COPY (SELECT {named} FROM read_csv('{files['customers', 'csv']}')) TO '{customers}' (FORMAT csv, HEADER)")
    words = [sys.executable, "-m", "iceberg", "estimate", "--customers", str(customers), "--complaints", str(files["complaints", "csv"]), "--quiet"]
    began = time.monotonic()
    process = subprocess.Popen(words, cwd=ROOT, stdout=subprocess.DEVNULL)
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode != 0:
        raise RuntimeError(f"the estimate of {segments} segments ended with status {process.returncode}")
    seconds = {"processor_seconds": used.ru_utime + used.ru_stime, "seconds": time.monotonic() - began}
    figures = {"rows": ESTIMATED_ROWS, "segments": segments, "peak_mb": round(used.ru_maxrss / 1000)}
    return figures | {name: round(value, 1) for name, value in seconds.items()}


def measure_version(folder: Path) -> dict[str, float]:
    """What a first and a second version of the sample take on the disk."""
    store = folder / "versions.db"
    sizes = []
    data = ROOT / "data" / "en"
    for ratio in ("25", "24"):
        files = ["--customers", str(data / "customers.csv"), "--complaints", str(data / "complaints.csv"), "--ratio", ratio]
        words = [sys.executable, "-m", "iceberg", "publish", *files, "--store", str(store), "--quiet"]
        subprocess.run(words, cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
        sizes.append(sum(path.stat().st_size for path in folder.glob("versions.db*")) / 1e6)
    return {"first_mb": round(sizes[0], 2), "next_mb": round(sizes[1] - sizes[0], 2)}


def together(told: dict) -> list[str]:
    """Rows by viewers: the most memory while one analyst goes from such files to the estimate and so many others read, by adding the two up."""
    rested = told["viewers"][0]["memory_mb"]
    most = itertools.accumulate((one["memory_mb"] for one in told["viewers"]), max)  # garbage is collected now and then
    readers = {one["viewers"]: held - rested for one, held in zip(told["viewers"], most, strict=True) if one["viewers"]}
    heads = [f"{number} viewer{'s' if number > 1 else ''}, MB" for number in readers]
    lines = ["| who uploads | " + " | ".join(heads) + " | processor seconds | seconds |", "|---|" + "---:|" * (len(heads) + 2)]
    lines.append("| nobody | " + " | ".join(f"{rested + more:,.0f}" for more in readers.values()) + " | | |")
    for rows, one in told["analysts"].items():
        cells = [f"{one['peak_mb'] + more:,.0f}" for more in readers.values()]
        cells += [f"{one[name]:.0f}" for name in ("processor_seconds", "seconds")]
        lines.append(f"| an analyst, {int(rows):,} customers | " + " | ".join(cells) + " |")
    return lines


def written(told: dict) -> str:
    """The figures as tables in Markdown."""
    lines = [*together(told), "", "| viewers with a study open | memory of the server, MB | processor seconds of all openings |", "|---:|---:|---:|"]
    lines += [f"| {one['viewers']} | {one['memory_mb']:.0f} | {one['processor_seconds']:.1f} |" for one in told["viewers"]]
    heads = ("customers uploaded", "files, MB", "memory before, MB", "highest, MB", "with the result open, MB")
    lines += ["", "| " + " | ".join(heads) + " |", "|" + "---:|" * len(heads)]
    names = ("files_mb", "before_mb", "peak_mb", "open_mb")
    lines += [f"| {int(rows):,} | " + " | ".join(f"{one[name]:,.0f}" for name in names) + " |" for rows, one in told["analysts"].items()]
    lines += ["", "| `iceberg estimate`: customers, segments | highest memory, MB | processor seconds |", "|---|---:|---:|"]
    lines += [f"| {one['rows']:,}, {one['segments']} | {one['peak_mb']:,.0f} | {one['processor_seconds']:.0f} |" for one in told["estimates"]]
    lines += [
        "",
        f"A first version of the sample takes {told['version']['first_mb']:.1f} MB of the store, the next one {told['version']['next_mb']:.1f} MB. "
        f"Measured on {told['processors']} processors ({told['processor']}), load average {told['load_average'][0]}: seconds are those of a machine "
        "that does other work as well.",
    ]
    return "\n".join(lines) + "\n"


def processor_name() -> str:
    """As the kernel calls it."""
    return Path("/proc/cpuinfo").read_text().partition("model name")[2].partition(":")[2].partition("\n")[0].strip()


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, nargs="*", default=[100_000, 1_000_000])
    parser.add_argument("--segments", type=int, nargs="*", default=[12, 40])
    parser.add_argument("--port", type=int, default=8675)
    options = parser.parse_args()
    told: dict = {"analysts": {}, "processors": os.cpu_count(), "processor": processor_name()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store = str(folder / "store.db")
        study = publish_sample(store)
        with ending(serve(store, options.port)) as server:
            time.sleep(SETTLING_SECONDS)
            told["viewers"] = measure_viewers(options.port, server.pid, study)
            print(told["viewers"], flush=True)
        made = {rows: write_files(folder, customers=rows) for rows in {ESTIMATED_ROWS, *options.rows}}
        for rows in options.rows:  # each with a server of its own
            with ending(serve(store, options.port)) as server:
                time.sleep(SETTLING_SECONDS)
                told["analysts"][str(rows)] = measure_analyst(options.port, server.pid, made[rows])
                print(rows, told["analysts"][str(rows)], flush=True)
        told["estimates"] = [measure_estimate(made[ESTIMATED_ROWS], segments, folder) for segments in options.segments]
        told["version"] = measure_version(folder)
    told["load_average"] = [round(one, 1) for one in os.getloadavg()]
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "sizing.json").write_text(json.dumps(told, indent=2) + "\n")
    (RESULTS / "sizing.md").write_text(written(told))
    print(written(told))


if __name__ == "__main__":
    main()
