"""The page's own files are sent compressed and from memory; whatever is not kept, or cannot be taken compressed, is Streamlit's to answer."""

import asyncio
import gzip
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from iceberg.ui.serving import static_files
from iceberg.ui.serving.static_files import FOLDER, CompressedFiles, compress_files

SCRIPT = "js/page.Abc123.js"
CONTENT = b"export const answer = 42;\n" * 100


@pytest.fixture
def kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Mapping[str, Any]:
    (tmp_path / "js").mkdir()
    (tmp_path / "js" / "page.Abc123.js").write_bytes(CONTENT)
    (tmp_path / "js" / "secret.txt").write_bytes(b"not a script")
    monkeypatch.setattr(static_files, "_RESPONSES", {})
    return compress_files(tmp_path)


def ask(path: str, *, headers: dict[str, str] | None = None, method: str = "GET") -> list[dict[str, Any]]:
    sent: list[dict[str, Any]] = []

    async def streamlit(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "streamlit"})

    async def send(message: Any) -> None:
        sent.append(dict(message))

    asked = [(name.encode(), value.encode()) for name, value in ({"accept-encoding": "gzip, br"} if headers is None else headers).items()]
    answered = CompressedFiles(streamlit)({"type": "http", "method": method, "path": path, "headers": asked}, None, send)  # type: ignore[arg-type]
    with ThreadPoolExecutor(1) as elsewhere:  # after a browser test this thread has a loop of its own that runs already
        elsewhere.submit(asyncio.run, answered).result()
    return sent


def test_a_script_is_compressed_and_never_asked_for_again(kept: Mapping[str, Any]) -> None:
    start, body = ask(f"/static/{SCRIPT}")
    headers = dict(start["headers"])
    assert gzip.decompress(body["body"]) == CONTENT
    assert headers[b"content-encoding"] == b"gzip"
    assert b"immutable" in headers[b"cache-control"]
    assert headers[b"content-type"].startswith(b"text/javascript")
    assert int(headers[b"content-length"]) == len(body["body"]) < len(CONTENT) / 5


@pytest.mark.parametrize(
    ("path", "how"),
    [
        ("/", {}),
        (f"/{SCRIPT}", {}),
        ("/static/js/secret.txt", {}),
        ("/static/../app.py", {}),
        (f"/static/{SCRIPT}", {"headers": {}}),
        (f"/static/{SCRIPT}", {"headers": {"accept-encoding": "gzip", "range": "bytes=0-1"}}),
        (f"/static/{SCRIPT}", {"method": "HEAD"}),
    ],
)
def test_everything_else_is_streamlits_to_answer(kept: Mapping[str, Any], path: str, how: dict[str, Any]) -> None:
    assert ask(path, **how) == [{"type": "streamlit"}]


def test_the_files_of_this_streamlit_are_where_they_are_looked_for() -> None:
    """Another version of Streamlit may move them: the page would still work, and slowly."""
    assert len(list(FOLDER.glob("js/*.js"))) > 100
    assert (FOLDER.parent / "index.html").read_text(encoding="utf-8").count("./static/js/") >= 1
