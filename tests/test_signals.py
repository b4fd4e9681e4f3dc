"""A run that is stopped leaves no customer's row on the disk; what a killed one left, the next start removes."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from iceberg.cli.main import main
from iceberg.ingest.engine import workspace
from iceberg.ingest.engine.connection import connect
from iceberg.ingest.engine.workspace import Workspace, close_workspaces, sweep_left_folders
from tests.browser.conftest import free_port

ROOT = Path(__file__).resolve().parents[1]
CUSTOMERS = ROOT / "data" / "en" / "customers.csv"
SERVER = """
import streamlit as st
from streamlit.runtime.scriptrunner import get_script_run_ctx

if get_script_run_ctx(suppress_warning=True) is None:
    from iceberg.ui.serving import server
    from iceberg.ingest.engine.workspace import Workspace

    server._prepare = lambda loop, ready: loop.call_soon_threadsafe(ready.set)  # no sample: it is not what is tried here
    upload = Workspace()
    upload.new_file(".csv").write_text("C018555")
    app = st.App(__file__, lifespan=server.prepared)
"""


def wait_until(happens: object, *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not happens():  # type: ignore[operator]
        assert time.monotonic() < deadline
        time.sleep(0.02)


@contextmanager
def reading(folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """An estimate that has written rows of its standard input into `folder` and waits for more."""
    command = [sys.executable, "-m", "iceberg", "estimate", "--customers", "-", "--quiet"]
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
    with subprocess.Popen(command, stdin=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd=folder.parent) as process:
        try:
            assert process.stdin is not None
            process.stdin.write(CUSTOMERS.read_bytes() * 3)  # more than one block, so that the first ones are on the disk
            process.stdin.flush()
            wait_until(lambda: any(b"C018555" in path.read_bytes() for path in folder.glob("iceberg-*/*.stdin")))
            yield process
        finally:
            process.kill()


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    made = tmp_path / "temporary"
    made.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(made))
    return made


@pytest.fixture(autouse=True)
def heeded() -> Iterator[None]:
    """A run under nohup ignores the hang-up, and one in the background the interrupt; what it starts would inherit that."""
    before = {number: signal.getsignal(number) for number in (signal.SIGHUP, signal.SIGINT)}
    for number, handler in before.items():
        if handler is signal.SIG_IGN:
            signal.signal(number, signal.SIG_DFL if number == signal.SIGHUP else signal.default_int_handler)
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_command_that_is_stopped_leaves_no_row(folder: Path, number: signal.Signals) -> None:
    with reading(folder) as process:
        process.send_signal(number)
        said = process.communicate(timeout=60)[1].decode()
        assert process.returncode == 128 + number
        assert said.strip() == "Stopped. Nothing was written."
    assert list(folder.iterdir()) == []


def test_what_a_killed_command_left_is_private_and_the_next_start_removes_it(folder: Path, tmp_path: Path) -> None:
    """The folder of a run that goes on stays."""
    with reading(folder) as killed:
        [left] = folder.glob("iceberg-*")
        assert stat.S_IMODE(left.stat().st_mode) == 0o700
        assert {stat.S_IMODE(path.stat().st_mode) for path in left.iterdir()} == {0o600}
        killed.kill()
        killed.wait()
    assert list(folder.iterdir()) == [left]
    own = Workspace(tmp_path)  # elsewhere: the sweep of its making is not the one that is tried
    own.new_file(".csv").write_text("a")
    with reading(folder) as running:
        [other] = [path for path in folder.iterdir() if path != left]  # its start removed the one that was left
        assert not left.exists()
        assert main(["studies", "list", "--store", str(tmp_path / "store.db")]) == 0
        assert list(folder.iterdir()) == [other]
        assert sweep_left_folders(tmp_path) == 0
        running.send_signal(signal.SIGTERM)
        running.wait(timeout=60)
    own.close()


def test_a_query_is_stopped_at_once_and_that_is_no_fault_of_ours(
    folder: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The engine turns an interruption into an error of its own. In one thread it does not look for signals before the query ends, minutes later."""

    def reduce_tables(*_: object, **__: object) -> None:
        with connect() as connection:
            connection.execute("SET threads = 1")
            threading.Timer(0.2, os.kill, (os.getpid(), signal.SIGTERM)).start()
            connection.execute("SELECT count(*) FROM range(100000000000) numbers(i) WHERE hash(i) = 7").fetchall()
        pytest.fail("the query came to its end")

    monkeypatch.setattr("iceberg.cohort.reduce.reduce_tables", reduce_tables)
    before = signal.getsignal(signal.SIGTERM)
    assert main(["estimate", "--customers", str(CUSTOMERS), "--quiet"]) == 128 + signal.SIGTERM
    assert capsys.readouterr().err.strip() == "Stopped. Nothing was written."
    assert signal.getsignal(signal.SIGTERM) is before
    assert signal.set_wakeup_fd(-1) == -1
    assert list(folder.iterdir()) == []


def test_a_sweep_touches_nothing_but_folders_with_a_lock_that_nobody_holds(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workspace, "_SECONDS_TO_LOCK", 0.0)
    (tmp_path / "iceberg-mine").mkdir()
    (tmp_path / "iceberg-mine" / "notes.txt").write_text("of a person, in a folder without a lock")
    (tmp_path / "iceberg-mapping.toml").write_text("a file")
    (tmp_path / "iceberg-empty").mkdir()  # killed between the making and the locking
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / ".lock").write_text("")
    (tmp_path / "iceberg-link").symlink_to(tmp_path / "elsewhere")
    left = tmp_path / "iceberg-left"
    left.mkdir()
    (left / ".lock").write_text("")
    (left / "1.csv").write_text("C018555")
    assert sweep_left_folders(tmp_path) == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["elsewhere", "iceberg-link", "iceberg-mapping.toml", "iceberg-mine"]
    assert (tmp_path / "elsewhere" / ".lock").exists()


def test_a_workspace_is_removed_when_closed_or_forgotten(tmp_path: Path) -> None:
    first, second, third = (Workspace(tmp_path) for _ in range(3))
    for one in (first, second, third):
        one.new_file(".csv").write_text("C018555")
    assert len(list(tmp_path.iterdir())) == 3
    first.close()
    del second
    assert len(list(tmp_path.iterdir())) == 1
    close_workspaces()
    assert list(tmp_path.iterdir()) == []
    third.close()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_server_that_is_stopped_leaves_no_upload(folder: Path, tmp_path: Path, number: signal.Signals) -> None:
    from urllib.request import urlopen

    (tmp_path / "page").mkdir()
    page = tmp_path / "page" / "app.py"
    page.write_text(SERVER)
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", str(page), "--server.port", str(port), "--server.headless", "true"]
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(ROOT)}
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen([*command, "--server.address", "127.0.0.1"], env=environment, cwd=page.parent, **quiet) as process:
        try:

            def answers() -> bool:
                try:
                    with urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=5) as answer:
                        return bool(answer.status == 200)
                except OSError:
                    return False

            wait_until(answers)
            assert list(folder.glob("iceberg-*/1.csv"))
            process.send_signal(number)
            process.wait(timeout=60)
        finally:
            process.kill()
    assert list(folder.glob("iceberg-*")) == []
