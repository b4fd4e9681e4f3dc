"""Serves Streamlit's scripts, styles and fonts compressed and from memory.

Streamlit reads each file from the disk for every visitor and sends it uncompressed. Here each is compressed once. Its name holds a digest of its
content, so a copy in memory or in a browser is never out of date.
"""

from __future__ import annotations

import gzip
import mimetypes
from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

if TYPE_CHECKING:
    from collections.abc import Mapping

    from starlette.types import ASGIApp, Receive, Scope, Send

FOLDER = Path(st.__file__).parent / "static" / "static"
COMPRESSED = frozenset({".js", ".css"})
SERVED = COMPRESSED | {".woff2"}
SMALLEST_BYTES = 500  # below this the header of gzip costs more than it saves
LEVEL = 6  # judgement: level 9 takes twice the time for one percent
_CACHE_CONTROL = b"public, immutable, max-age=31536000"
Headers = list[tuple[bytes, bytes]]
_RESPONSES: dict[str, tuple[Headers, bytes]] = {}  # by path, such as "js/index.DormvYxC.js"


def compress_files(folder: Path = FOLDER) -> Mapping[str, tuple[Headers, bytes]]:
    """Read and compress every file that a page may request: 9 MB of memory, and less than a second of one processor."""
    for path in sorted(path for path in folder.glob("*/*") if path.suffix in SERVED):
        content = path.read_bytes()
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        headers = [(b"content-type", f"{kind}; charset=utf-8".encode() if kind.startswith("text/") else kind.encode())]
        headers += [(b"cache-control", _CACHE_CONTROL), (b"x-content-type-options", b"nosniff")]
        if path.suffix in COMPRESSED and len(content) >= SMALLEST_BYTES:
            content = gzip.compress(content, LEVEL, mtime=0)
            headers += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
        _RESPONSES[f"{path.parent.name}/{path.name}"] = ([*headers, (b"content-length", str(len(content)).encode())], content)
    return _RESPONSES


class CompressedFiles:
    """Middleware that answers requests for compressed files, where the browser accepts gzip; Streamlit answers all others."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        base = str(st.config.get_option("server.baseUrlPath") or "").strip("/")
        self.prefix = f"/{base}/static/" if base else "/static/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        response = self._find(scope)
        if response is None:
            await self.app(scope, receive, send)
            return
        headers, content = response
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _find(self, scope: Scope) -> tuple[Headers, bytes] | None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(self.prefix):
            return None
        headers = dict(scope["headers"])
        if b"range" in headers or b"gzip" not in headers.get(b"accept-encoding", b""):
            return None
        return _RESPONSES.get(scope["path"][len(self.prefix) :])
