"""Who reaches the dashboard: this machine alone, unless people sign in or it was opened to everybody by name; and its start reaches nobody."""

import os
import socket
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

import pytest
from streamlit.runtime.context import ContextProxy
from streamlit.testing.v1 import AppTest
from streamlit.web.server import server_util

from iceberg.locale import LANGUAGES, Translator
from iceberg.ui.access.reach import OPEN_TO_ALL, is_this_machine
from iceberg.ui.serving import server
from tests.browser.conftest import free_port, wait_for
from tests.ui.conftest import ROOT, as_read, assert_healthy, spoken

EVERYWHERE = {"0.0.0.0", "::"}
LISTENS = "0A"  # state of a listening socket in /proc/net/tcp


@contextmanager
def started(*options: str, log: IO[bytes] | None = None, **environment: str) -> Iterator[int]:
    """The port of a dashboard that runs without a screen, as on a server."""
    port = free_port()
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(port), "--server.headless", "true", *options]
    quiet = {"stdout": subprocess.DEVNULL, "stderr": log or subprocess.DEVNULL}
    with subprocess.Popen(command, cwd=ROOT, env=_own_environment() | environment, **quiet) as running:  # type: ignore[call-overload]
        try:
            wait_for(f"http://localhost:{port}/_stcore/health", running)
            yield port
        finally:
            running.terminate()
            running.wait(timeout=30)


def _own_environment() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name != OPEN_TO_ALL and not name.lower().endswith("_proxy")}


@contextmanager
def noting_requests() -> Iterator[tuple[dict[str, str], list[bytes]]]:
    """The environment of a process whose requests all go through here, and the first bytes of each."""
    noted: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:

        def note() -> None:
            while True:
                try:
                    caller, _ = listening.accept()
                except OSError:  # closed: the test is over
                    return
                with caller:
                    noted.append(caller.recv(200))

        threading.Thread(target=note, daemon=True).start()
        address = f"http://127.0.0.1:{listening.getsockname()[1]}"
        yield dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY"), address), noted
        listening.shutdown(socket.SHUT_RDWR)


def listening_on(port: int) -> set[str]:
    """The addresses of this machine on which somebody listens at `port`."""
    found = set()
    for family, table in ((socket.AF_INET, "tcp"), (socket.AF_INET6, "tcp6")):
        path = Path("/proc/net") / table
        for line in path.read_text().splitlines()[1:] if path.exists() else ():
            _, local, _, state, *_ = line.split()
            address, _, number = local.partition(":")
            if state == LISTENS and int(number, 16) == port:
                words = b"".join(bytes.fromhex(address[at : at + 8])[::-1] for at in range(0, len(address), 8))
                found.add(socket.inet_ntop(family, words))
    return found


def test_a_start_listens_on_this_machine_only_and_asks_nobody_for_its_address() -> None:
    with noting_requests() as (environment, noted):
        with started(**environment) as port:
            assert listening_on(port) == {"127.0.0.1"}
        assert noted == []


def test_a_server_that_was_opened_by_name_listens_everywhere_and_still_asks_nobody() -> None:
    with noting_requests() as (environment, noted):
        with started("--server.address", "0.0.0.0", **environment, **{OPEN_TO_ALL: "1"}) as port:
            assert listening_on(port) & EVERYWHERE
        assert noted == []


def test_an_address_that_is_not_of_this_machine_is_no_fault_of_ours() -> None:
    command = [sys.executable, "-m", "iceberg", "--lang", "en", "dashboard", "--port", "8899"]
    chosen = {OPEN_TO_ALL: "1", "STREAMLIT_SERVER_ADDRESS": "192.0.2.7", "STREAMLIT_SERVER_HEADLESS": "true"}
    ended = subprocess.run(command, cwd=ROOT, env=_own_environment() | chosen, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 2
    assert " ".join(ended.stderr.split()) == Translator("en").text("errors.address_unavailable", address="192.0.2.7", port="8899")


@pytest.mark.parametrize("address", ["0.0.0.0", "::"])
def test_a_start_on_every_address_without_sign_in_is_refused_in_both_languages(address: str) -> None:
    command = [sys.executable, "-m", "streamlit", "run", "app.py", "--server.port", str(free_port()), "--server.headless", "true"]
    ended = subprocess.run(
        [*command, "--server.address", address], cwd=ROOT, env=_own_environment(), capture_output=True, text=True, timeout=120, check=False
    )
    assert ended.returncode == 2
    for language in LANGUAGES:
        assert Translator(language).text("errors.open_without_sign_in", address=address) in ended.stderr
    assert "Traceback" not in ended.stderr


@pytest.mark.parametrize(
    ("address", "signs_in", "opened", "starts"),
    [
        ("127.0.0.1", False, "", True),
        ("localhost", False, "", True),
        ("::1", False, "", True),
        (None, False, "", False),
        ("", False, "", False),
        ("10.0.0.7", False, "", False),
        ("dashboard.example.org", False, "", False),
        ("10.0.0.7", False, "0", False),
        ("10.0.0.7", False, "1", True),
        ("0.0.0.0", True, "", True),
        (None, True, "", True),
    ],
)
def test_another_address_needs_sign_in_or_the_name(
    monkeypatch: pytest.MonkeyPatch, address: str | None, signs_in: bool, opened: str, starts: bool
) -> None:
    monkeypatch.setattr(server.st.config, "get_option", {"server.address": address}.get)
    monkeypatch.setattr(server, "sign_in_configured", lambda: signs_in)
    monkeypatch.setenv(OPEN_TO_ALL, opened)
    if starts:
        server.check_reach()
        return
    with pytest.raises(SystemExit) as ended:
        server.check_reach()
    assert ended.value.code == 2


def test_a_page_of_another_origin_makes_the_server_ask_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("streamlit.net_util._external_ip", None)
    monkeypatch.setattr("streamlit.net_util._make_blocking_http_get", lambda *_, **__: pytest.fail("the server asks for its address"))
    monkeypatch.setenv(OPEN_TO_ALL, "1")
    server.check_reach()
    assert not server_util.is_url_from_allowed_origins("https://elsewhere.example.org")


@pytest.mark.parametrize(
    ("address", "here"),
    [
        *((address, True) for address in ("localhost", "127.0.0.1", "127.8.8.8", "::1", "::ffff:127.0.0.1")),
        *((address, False) for address in ("", None, "192.0.2.7", "::ffff:192.0.2.7", "testclient", "localhost.example.org")),
    ],
)
def test_which_addresses_are_this_machine(address: str | None, here: bool) -> None:
    assert is_this_machine(address) == here


@pytest.mark.parametrize("language", LANGUAGES)
@pytest.mark.parametrize("page", ["iceberg", "upload", "studies"])
def test_a_visitor_of_another_machine_sees_the_closed_door(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch, page: str, language: str
) -> None:
    """Also behind a proxy of this machine, which says whose request it hands on."""
    words = Translator(language)
    monkeypatch.delenv(OPEN_TO_ALL, raising=False)
    monkeypatch.setattr(ContextProxy, "ip_address", "192.0.2.7")
    app = open_page(page, language=language)
    assert words.text("ui.access.other_machine", address="192.0.2.7") in [as_read(box.value) for box in app.error]
    assert not app.metric and not app.button and not app.get("vega_lite_chart")
    assert "1,612" not in spoken(app) and "1\N{NARROW NO-BREAK SPACE}612" not in spoken(app)


def test_a_server_that_was_opened_by_name_answers_a_visitor_of_another_machine(
    open_page: Callable[..., AppTest], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(OPEN_TO_ALL, "1")
    monkeypatch.setattr(ContextProxy, "ip_address", "192.0.2.7")
    app = open_page()
    assert_healthy(app)
    assert len(app.metric) == 4
