"""Fifty executives open a published study and move its sliders at once: how long the server's answer takes, errors, memory.

    python -m benchmarks.load.run --minutes 10 --executives 50

Each executive is a session of the server as the browser opens one: a websocket that asks for a run of the page and waits until the script has
finished. Nobody draws anything here, so what is timed is the server. Between two moves an executive looks at the page for some seconds.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.asyncio.client import connect

ROOT = Path(__file__).resolve().parents[2]
RESULTS = Path(__file__).with_name("results")
LOOKING_SECONDS = (4.0, 12.0)  # judgement: how long a person looks at an iceberg before moving something
PATIENCE_SECONDS = 60.0


@dataclass
class Record:
    """What one run of the load saw."""

    openings: list[float] = field(default_factory=list)
    moves: list[float] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    memory: list[tuple[float, float]] = field(default_factory=list)


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


async def look_and_move(address: str, query: str, until: float, record: Record, seed: int) -> None:
    """One executive, from opening the link to closing it."""
    rng = random.Random(seed)
    await asyncio.sleep(rng.uniform(0, 3))
    try:
        async with connect(f"{address}/_stcore/stream", max_size=None, origin=address.replace("ws:", "http:")) as socket:  # type: ignore[arg-type]
            one = Executive(socket, query, rng)
            began = time.perf_counter()
            await one.open()
            record.openings.append(time.perf_counter() - began)
            while time.monotonic() < until:
                await asyncio.sleep(rng.uniform(*LOOKING_SECONDS))
                began = time.perf_counter()
                await one.move()
                record.moves.append(time.perf_counter() - began)
    except Exception as fault:  # whatever went wrong is what is counted
        record.errors.append(f"{type(fault).__name__}: {fault}"[:200])


async def watch_memory(process: int, until: float, record: Record) -> None:
    """Resident memory of the server, in MB, every two seconds."""
    start = time.monotonic()
    while time.monotonic() < until:
        pages = int(Path(f"/proc/{process}/statm").read_text().split()[1])
        record.memory.append((time.monotonic() - start, pages * os.sysconf("SC_PAGE_SIZE") / 1e6))
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


def serve(store: str, port: int) -> subprocess.Popen[bytes]:
    """The dashboard, as `make run` starts it."""
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true"]
    server = subprocess.Popen(command, cwd=ROOT, env=os.environ | {"ICEBERG_STORE": store}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    for _ in range(300):
        try:
            with urllib.request.urlopen(f"http://localhost:{port}/_stcore/health", timeout=1):
                return server
        except OSError:
            time.sleep(0.2)
    raise RuntimeError("the dashboard did not start")


async def load(address: str, query: str, process: int, *, executives: int, seconds: float) -> Record:
    """Everybody at once, for so long."""
    record = Record()
    until = time.monotonic() + seconds
    people = [look_and_move(address, query, until, record, seed) for seed in range(executives)]
    await asyncio.gather(*people, watch_memory(process, until, record))
    return record


def summarise(record: Record, *, executives: int, seconds: float) -> dict[str, object]:
    """The figures of the README."""
    memory = np.array(record.memory)
    settled = memory[memory[:, 0] > seconds / 3] if len(memory) else np.zeros((0, 2))
    slope = float(np.polyfit(settled[:, 0] / 60, settled[:, 1], 1)[0]) if len(settled) > 5 else float("nan")

    def quantiles(values: list[float]) -> dict[str, float]:
        return {name: round(float(np.quantile(values, share)), 3) for name, share in (("median", 0.5), ("p95", 0.95), ("max", 1.0))} if values else {}

    return {
        "executives": executives,
        "seconds": seconds,
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
        "load_average": [round(one, 1) for one in os.getloadavg()],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--executives", type=int, default=50)
    parser.add_argument("--port", type=int, default=8671)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        store = str(Path(folder) / "store.db")
        study = publish_sample(store)
        server = serve(store, options.port)
        try:
            time.sleep(6)  # the server prepares the sample; executives come to a server that stands
            query, address = f"study={study}&lang=fr", f"ws://localhost:{options.port}"
            record = asyncio.run(load(address, query, server.pid, executives=options.executives, seconds=options.minutes * 60))
        finally:
            server.terminate()
            server.wait(timeout=30)
    told = summarise(record, executives=options.executives, seconds=options.minutes * 60)
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "load.json").write_text(json.dumps(told, indent=2) + "\n")
    print(json.dumps(told, indent=2))


if __name__ == "__main__":
    main()
