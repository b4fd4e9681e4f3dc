"""The log as JSON: request, session and actor; never a title, a link or a customer. And a reader who sends nonsense does not fill it."""

import json
import logging
import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from streamlit.error_util import handle_user_script_exception

from iceberg.errors import FileError
from iceberg.ui.serving import routes, server
from iceberg.ui.serving.request_log import JsonFormatter, of_request
from tests.ui.test_reach import started

FROM_ANOTHER_SITE = (
    "GET /_stcore/stream HTTP/1.1\r\nHost: localhost:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\nOrigin: http://evil.example\r\n\r\n"
)


def line(message: object, *values: object, fault: BaseException | None = None) -> dict[str, object]:
    """One line of the log, read back."""
    info = (type(fault), fault, fault.__traceback__) if fault is not None else None
    record = logging.LogRecord("iceberg.test", logging.WARNING, __file__, 1, message, values, info)
    return dict(json.loads(JsonFormatter().format(record)))


def test_an_error_is_logged_by_its_code_and_not_by_what_a_row_holds() -> None:
    problem = FileError("row_too_long", {"file": "customers.csv", "value": "C018555"})
    assert line("%s", problem)["message"] == "FileError row_too_long"
    assert line(problem)["message"] == "FileError row_too_long"
    assert line("%d of %d", 1, 2)["message"] == "1 of 2"
    assert line("100% sure")["message"] == "100% sure"


def test_a_fault_is_logged_by_the_places_it_passed() -> None:
    try:
        int("C018555")
    except ValueError as fault:
        written = line("a page failed", fault=fault)
    assert written["fault"] == "ValueError"
    (place,) = written["places"]  # type: ignore[misc]
    assert place.startswith("test_request_log.py:")
    assert "C018555" not in json.dumps(written)


def test_lines_of_a_request_share_its_number() -> None:
    with of_request({"type": "http", "method": "GET"}, "/media/a/b") as request:
        assert line("x")["request"] == request.id
    assert "request" not in line("x")


def test_the_log_of_a_server_is_json_and_a_request_is_a_line_without_its_query(tmp_path: Path) -> None:
    log = tmp_path / "log"
    with log.open("wb") as writing, started(log=writing, ICEBERG_LOG="json", ICEBERG_STORE=str(tmp_path / "store.db")) as port:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/?study=board-of-directors") as answer:
            assert answer.status == 200
        deadline = time.monotonic() + 120
        while True:
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/readyz") as answer:
                    assert json.load(answer) == {"ready": True, "store": True, "sample": True}
                    break
            except urllib.error.HTTPError as early:
                assert early.code == 503
                assert json.load(early)["sample"] is False
                assert time.monotonic() < deadline
                time.sleep(0.5)
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as answer:
            assert b"iceberg_refusals_total" in answer.read()
        with socket.create_connection(("127.0.0.1", port)) as other_site:
            other_site.sendall(FROM_ANOTHER_SITE.format(port=port).encode())
            assert b" 403 " in other_site.recv(100)
    lines = [json.loads(text) for text in log.read_text().splitlines()]
    assert any("evil.example" in one["message"] for one in lines), "Streamlit's own loggers write JSON too"
    (asked,) = [one for one in lines if one.get("path") == "/"]
    assert {"time", "level", "request", "method", "status", "ms"} <= set(asked)
    assert "board-of-directors" not in log.read_text()


def test_what_a_library_warns_of_is_json_too() -> None:
    program = "import warnings; from iceberg.ui.serving.request_log import write_json; write_json(); warnings.warn('old way', FutureWarning)"
    done = subprocess.run(
        [sys.executable, "-c", program], env=os.environ | {"ICEBERG_LOG": "json"}, capture_output=True, text=True, check=True, timeout=120
    )
    (line,) = [json.loads(text) for text in done.stderr.splitlines()]
    assert "old way" in line["message"]
    assert line["level"] == "warning"


def test_ready_says_when_the_store_does_not_answer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(routes, "_answer", (-1e9, True))
    monkeypatch.setenv("ICEBERG_STORE", str(tmp_path / "none.db"))
    assert routes.store_answers(), "there is none yet"
    monkeypatch.setattr(routes, "_answer", (-1e9, True))
    (tmp_path / "text.db").write_text("this is a file of something else\n" * 50)
    monkeypatch.setenv("ICEBERG_STORE", str(tmp_path / "text.db"))
    assert not routes.store_answers()
    monkeypatch.setenv("ICEBERG_STORE", str(tmp_path / "none.db"))
    assert not routes.store_answers(), "asked again after two seconds, not before"


def test_the_same_fault_is_logged_once_a_minute(monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture) -> None:
    monkeypatch.setattr(server, "_LOGGED", {})
    monkeypatch.setattr(server.st, "error", lambda *_, **__: None)
    for _ in range(200):
        try:
            int("nonsense")
        except ValueError as fault:
            assert server.say_fault(fault)
    try:
        dict[str, int]()["nothing"]
    except KeyError as fault:
        server.say_fault(fault)
    assert [record.exc_info[0] for record in caplog.records if record.exc_info] == [ValueError, KeyError]


def test_streamlit_does_not_log_a_fault_a_second_time(caplog: pytest.LogCaptureFixture) -> None:
    """It would, with what the fault holds, before it asks us."""
    server.log_faults_once()
    server.log_faults_once()
    handle_user_script_exception(ValueError("C018555"), lambda _: True)
    assert "C018555" not in caplog.text
    handle_user_script_exception(SyntaxError("a page that cannot be compiled"), lambda _: True)
    assert "cannot be compiled" in caplog.text


@pytest.mark.parametrize("value", ["0", "-1", "many", "1.5", "٣"])
def test_a_bound_that_is_no_number_ends_the_start(value: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("ICEBERG_SESSIONS", value)
    with pytest.raises(SystemExit) as ended:
        server.check_start()
    assert ended.value.code == 2
    assert "ICEBERG_SESSIONS" in capsys.readouterr().err
