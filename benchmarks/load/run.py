"""Fifty executives open a published study and move its sliders at once: how long the server's answer takes, errors, memory.

    python -m benchmarks.load.run --minutes 10 --executives 50 [--within 3] [--files [--nginx]]
    python -m benchmarks.load.run --signed-in --name signed_in

Each executive is a session of the server as the browser opens one: a websocket that asks for a run of the page and waits until the script has
finished. Nobody draws anything here, so what is timed is the server; these sessions take their own share of the same processors, which is written
down beside. Everybody opens the link at a random moment within the first `--within` seconds (0: all in the same instant), looks at the page for 4 to
12 seconds, moves the ratio to a random step, looks again, and so on until the time is over.

With `--files` each of them first asks for the scripts, styles and fonts of the page, six at a time, as a browser does that has never been here: 131
files, 4 MB, the same ones that Chromium asks for at the start of the run. With `--nginx` everybody comes through nginx, set up as docs/nginx.conf
says: it keeps those files. With `--signed-in` everybody is a viewer who has signed in and comes through TLS and nginx as deploy/nginx.conf says;
the store is in PostgreSQL (`signed_in.py`).
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import numpy as np
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

from benchmarks.proxy import configuration

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("results")
LOOKING_SECONDS = (4.0, 12.0)  # judgement: how long a person looks at an iceberg before moving something
PATIENCE_SECONDS = 60.0
SETTLING_SECONDS = 15.0  # the server has prepared what was published last: executives come to a server that stands
CONNECTIONS = 6  # what a browser opens to one server at a time


@dataclass
class Record:
    """What one run of the load saw."""

    files: list[float] = field(default_factory=list)
    openings: list[float] = field(default_factory=list)
    moves: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)
    load: list[float] = field(default_factory=list)


class Executive:
    """One session over its websocket."""

    def __init__(self, socket: object, query: str, rng: random.Random) -> None:
        self.socket, self.query, self.rng = socket, query, rng
        self.identity = ""
        self.steps = 0

    async def run(self, states: dict[str, int]) -> None:
        """Ask for a run of the page and wait until it is done.

        Raises:
            RuntimeError: When the page shows an exception.
        """
        message = BackMsg()
        message.rerun_script.query_string = self.query
        message.rerun_script.context_info.locale = "fr-FR"
        for identity, position in states.items():
            held = message.rerun_script.widget_states.widgets.add()
            held.id = identity
            held.double_array_value.data[:] = [float(position)]
        await self.socket.send(message.SerializeToString())  # type: ignore[attr-defined]
        while True:
            answer = ForwardMsg()
            answer.ParseFromString(await asyncio.wait_for(self.socket.recv(), PATIENCE_SECONDS))  # type: ignore[attr-defined]
            kind = answer.WhichOneof("type")
            if kind == "delta" and answer.delta.WhichOneof("type") == "new_element":
                element = answer.delta.new_element
                which = element.WhichOneof("type")
                if which == "exception":
                    raise RuntimeError(element.exception.message)
                if which == "slider" and "-ratio" in element.slider.id:
                    self.identity, self.steps = element.slider.id, len(element.slider.options)
            elif kind == "script_finished":
                return

    async def open(self) -> None:
        """The link."""
        await self.run({})

    async def move(self) -> None:
        """The ratio slider to another step."""
        await self.run({self.identity: self.rng.randrange(self.steps)})


@dataclass(frozen=True)
class Visit:
    """What everybody does.

    Attributes:
        address: Of the websocket.
        query: The link.
        until: End of the run, by the clock of the event loop.
        within: Seconds in which everybody has opened the link.
        files: What a browser with nothing cached asks for first.
        handshakes: What each person opens the websocket with, where they have signed in.
    """

    address: str
    query: str
    until: float
    within: float
    files: tuple[str, ...] = ()
    handshakes: tuple[dict[str, Any], ...] = ()


async def look_and_move(visit: Visit, record: Record, seed: int) -> None:
    """One executive, from opening the link to closing it."""
    rng = random.Random(seed)
    await asyncio.sleep(rng.uniform(0, visit.within))
    opened_with = visit.handshakes[seed] if visit.handshakes else {"origin": f"http://{urlsplit(visit.address).netloc}", "max_size": None}
    try:
        if visit.files:
            began = time.perf_counter()
            await fetch(visit.files)
            record.files.append(time.perf_counter() - began)
        began = time.perf_counter()
        async with connect(f"{visit.address}/_stcore/stream", proxy=None, ping_interval=None, **opened_with) as socket:  # as a browser
            one = Executive(socket, visit.query, rng)
            await one.open()
            record.openings.append(time.perf_counter() - began)
            while time.monotonic() < visit.until:
                await asyncio.sleep(rng.uniform(*LOOKING_SECONDS))
                began = time.perf_counter()
                await one.move()
                record.moves.append(time.perf_counter() - began)
    except Exception as fault:  # whatever went wrong is what is counted
        record.errors.append(f"{type(fault).__name__}: {fault}"[:200])


async def fetch(files: tuple[str, ...]) -> None:
    """The files of the page, a few at a time, over connections that stay open; nothing is unpacked or parsed."""
    waiting = list(reversed(files))

    async def take_turns() -> None:
        first = urlsplit(files[0])
        reader, writer = await asyncio.open_connection(first.hostname, first.port)
        while waiting:
            url = urlsplit(waiting.pop())
            target = f"{url.path}?{url.query}" if url.query else url.path
            writer.write(f"GET {target} HTTP/1.1\r\nHost: {url.netloc}\r\nAccept-Encoding: gzip\r\n\r\n".encode())
            await asyncio.wait_for(read_answer(reader, target), PATIENCE_SECONDS)
        writer.close()

    await asyncio.gather(*(take_turns() for _ in range(CONNECTIONS)))


async def read_answer(reader: asyncio.StreamReader, target: str) -> None:
    """One answer to its end.

    Raises:
        RuntimeError: When it is not what was asked for.
    """
    head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").lower()
    if " 200 " not in head.partition("\r\n")[0]:
        raise RuntimeError(f"{head.partition(chr(13))[0]} {target}")
    length = re.search(r"content-length: (\d+)", head)
    if length is not None:
        await reader.readexactly(int(length.group(1)))
        return
    while size := int(await reader.readline(), 16):  # chunks
        await reader.readexactly(size + 2)
    await reader.readline()


def asked_by_a_browser(address: str, query: str) -> tuple[str, ...]:
    """What Chromium asks for, having nothing cached, until the charts are drawn."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox", "--disable-gpu"])
        page = browser.new_page()
        asked: list[str] = []
        page.on("requestfinished", lambda request: asked.append(request.url))
        page.goto(f"{address}/?{query}")
        page.locator("[data-testid=stVegaLiteChart] svg, [data-testid=stVegaLiteChart] canvas").first.wait_for(timeout=60_000)
        page.wait_for_timeout(3000)
        browser.close()
    return tuple(url for url in asked if url.startswith("http"))


async def watch_memory(process: int, until: float, record: Record) -> None:
    """Resident memory of the server, in MB, and the load of the machine, every two seconds."""
    start = time.monotonic()
    while time.monotonic() < until:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        record.memory.append((time.monotonic() - start, pages * os.sysconf("SC_PAGE_SIZE") / 1e6))
        record.load.append(os.getloadavg()[0])
        await asyncio.sleep(2)


def publish_sample(store: str) -> str:
    """The sample company, published as an analyst would.

    Returns:
        The identifier of the study.
    """
    from iceberg.store.studies import Store

    data = ROOT / "data" / "fr"
    files = ["--customers", str(data / "clients.csv"), "--complaints", str(data / "reclamations.csv")]
    subprocess.run([sys.executable, "-m", "iceberg", "publish", *files, "--store", store, "--quiet"], cwd=ROOT, check=True, stdout=subprocess.DEVNULL)
    opened = Store(store)
    study = opened.studies()[0].study_id
    opened.close()
    return study


def serve(store: str, port: int, *, path: str = "", more: Sequence[str] = ()) -> subprocess.Popen[bytes]:
    """The dashboard, as `make run` starts it."""
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"]
    command += ["--server.baseUrlPath", path, *more]
    server = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"ICEBERG_STORE": store}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/{path}/_stcore/health".replace("//_", "/_"), timeout=1):
                return server
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the dashboard did not start")


@contextmanager
def ending(process: subprocess.Popen[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """A process that ends with the block."""
    try:
        yield process
    finally:
        process.terminate()
        process.wait(timeout=60)


def put_nginx_in_front(folder: Path, port: int) -> subprocess.Popen[bytes]:
    """Debian's nginx on the next port, as docs/nginx.conf sets it up."""
    (folder / "nginx.conf").write_text(configuration(folder, back=port, front=port + 1))
    return subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL)


async def load(visit: Visit, process: int, *, executives: int) -> Record:
    """Everybody at once, until the visit is over."""
    record = Record()
    people = [look_and_move(visit, record, seed) for seed in range(executives)]
    await asyncio.gather(*people, watch_memory(process, visit.until, record))
    return record


def processor_seconds(process: int) -> float:
    """What a process has used of the processors since its start."""
    fields = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def summarise(record: Record, *, executives: int, seconds: float) -> dict[str, object]:
    """The figures of a run."""
    memory = np.array(record.memory)
    settled = memory[memory[:, 0] > seconds / 3] if len(memory) else np.zeros((0, 2))
    slope = float(np.polyfit(settled[:, 0] / 60, settled[:, 1], 1)[0]) if len(settled) > 5 else float("nan")

    def quantiles(values: list[float]) -> dict[str, float]:
        return {name: round(float(np.quantile(values, share)), 3) for name, share in (("median", 0.5), ("p95", 0.95), ("max", 1.0))} if values else {}

    return {
        "executives": executives,
        "seconds": seconds,
        **({"files_seconds": quantiles(record.files)} if record.files else {}),
        "answers": len(record.openings) + len(record.moves),
        "answer_seconds": quantiles(record.openings + record.moves),
        "openings": len(record.openings),
        "opening_seconds": quantiles(record.openings),
        "moves": len(record.moves),
        "move_seconds": quantiles(record.moves),
        "errors": record.errors[:20],
        "memory_mb": {
            "first": round(float(memory[0, 1])),
            "after_a_third": round(float(settled[0, 1])) if len(settled) else None,
            "last": round(float(memory[-1, 1])),
            "slope_per_minute": round(slope, 2),
        },
        "load_average": {"median": round(float(np.median(record.load)), 1), "most": round(max(record.load), 1)},
    }


def written(told: dict) -> str:
    """The figures of a run as a table in Markdown."""
    lines = ["| | answers | median, s | p95, s | slowest, s |", "|---|---:|---:|---:|---:|"]
    kinds = {"opening the link": ("openings", "opening"), "moving the ratio": ("moves", "move"), "all answers": ("answers", "answer")}
    for name, (count, kind) in kinds.items():
        seconds = " | ".join(f"{told[f'{kind}_seconds'][at]:.2f}" for at in ("median", "p95", "max"))
        lines.append(f"| {name} | {told[count]:,} | {seconds} |")
    spent, memory = told["processor_seconds"], told["memory_mb"]
    lines += [
        "",
        f"{told['executives']} executives for {told['seconds'] / 60:g} minutes, everybody opening within {told['opened_within_seconds']:g} s, "
        f"through {told['through']}, on {told['processors']} processors (load average {told['load_average']['median']}, at most "
        f"{told['load_average']['most']}). Errors: {len(told['errors'])}. Memory after a third of the time {memory['after_a_third']} MB, at the end "
        f"{memory['last']} MB: {memory['slope_per_minute']:+.2f} MB a minute. "
        f"Processor seconds: {spent['server']:.0f} of the server, {spent['sessions']:.0f} of the sessions.",
    ]
    return "\n".join(lines) + "\n"


def through(options: argparse.Namespace) -> str:
    """What everybody comes through, in words."""
    if options.signed_in:
        return "TLS and nginx (deploy/nginx.conf), signed in, store in PostgreSQL"
    return "nginx" if options.nginx else "the dashboard itself"


@contextmanager
def prepared(folder: Path, options: argparse.Namespace) -> Iterator[tuple[Visit, subprocess.Popen[bytes]]]:
    """A server that stands, and what is done to it from now on."""
    with ExitStack() as running:
        handshakes: tuple[dict[str, Any], ...] = ()
        if options.signed_in:
            from benchmarks.load.signed_in import site

            there = running.enter_context(site(folder, port=options.port, executives=options.executives))
            server, address, study, handshakes = there.server, there.address, there.study, there.handshakes
        else:
            store = str(folder / "store.db")
            study = publish_sample(store)
            server = running.enter_context(ending(serve(store, options.port, path="iceberg" if options.nginx else "")))
            address = f"ws://localhost:{options.port}"
        if options.nginx:
            running.enter_context(ending(put_nginx_in_front(folder, options.port)))
            address = f"ws://localhost:{options.port + 1}/iceberg"
        time.sleep(SETTLING_SECONDS)
        query = f"study={study}&lang=fr"
        files = asked_by_a_browser(address.replace("ws:", "http:"), query) if options.files else ()
        yield Visit(address, query, time.monotonic() + options.minutes * 60, options.within, files, handshakes), server


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--executives", type=int, default=50)
    parser.add_argument("--within", type=float, default=3.0, help="seconds in which everybody opens the link; 0 is the same instant")
    parser.add_argument("--files", action="store_true", help="nobody has ever been here: the files of the page are asked for too")
    parser.add_argument("--nginx", action="store_true", help="everybody comes through nginx")
    parser.add_argument("--signed-in", action="store_true", help="everybody has signed in and comes through deploy/nginx.conf; needs PostgreSQL")
    parser.add_argument("--port", type=int, default=8671)
    parser.add_argument("--name", default="load", help="of the result")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder, ExitStack() as running:
        visit, server = running.enter_context(prepared(Path(folder), options))
        used = processor_seconds(server.pid), time.process_time()
        record = asyncio.run(load(visit, server.pid, executives=options.executives))
        spent = processor_seconds(server.pid) - used[0], time.process_time() - used[1]
    told = summarise(record, executives=options.executives, seconds=options.minutes * 60)
    told |= {
        "opened_within_seconds": options.within,
        "through": through(options),
        "processors": os.cpu_count(),
        "processor_seconds": {"server": round(spent[0], 1), "sessions": round(spent[1], 1)},
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{options.name}.json").write_text(json.dumps(told, indent=2) + "\n")
    (RESULTS / f"{options.name}.md").write_text(written(told))
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
