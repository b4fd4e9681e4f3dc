"""Owns how the scripts, styles and fonts of the page reach a browser: compressed once, then answered from memory.

Streamlit reads each file from the disk for every visitor and sends it as it is, because compressing anew each time would cost more than it saves: a
first visit is 131 files and 4 MB, and fifty at once keep the server from everything else for ten seconds. Compressed once they are 1.3 MB on the way
to a phone and cost the server a tenth. The names hold a digest of the content, so what is kept is never out of date.
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
KINDS = COMPRESSED | {".woff2"}
SMALLEST_BYTES = 500  # below this the header of gzip eats what it saves
LEVEL = 6  # judgement: level 9 takes twice the time for one percent
_CACHED = b"public, immutable, max-age=31536000"
Headers = list[tuple[bytes, bytes]]
_KEPT: dict[str, tuple[Headers, bytes]] = {}  # "js/index.DormvYxC.js" -> what is sent


def keep_files(folder: Path = FOLDER) -> Mapping[str, tuple[Headers, bytes]]:
    """Read and compress every file that a page may ask for: 9 MB of memory, and less than a second of one processor."""
    for path in sorted(path for path in folder.glob("*/*") if path.suffix in KINDS):
        content = path.read_bytes()
        kind = mimetypes.guess_type(path.name)[0] or "application/octet-stream"
        headers = [(b"content-type", f"{kind}; charset=utf-8".encode() if kind.startswith("text/") else kind.encode())]
        headers += [(b"cache-control", _CACHED), (b"x-content-type-options", b"nosniff")]
        if path.suffix in COMPRESSED and len(content) >= SMALLEST_BYTES:
            content = gzip.compress(content, LEVEL, mtime=0)
            headers += [(b"content-encoding", b"gzip"), (b"vary", b"Accept-Encoding")]
        _KEPT[f"{path.parent.name}/{path.name}"] = ([*headers, (b"content-length", str(len(content)).encode())], content)
    return _KEPT


class KeptFiles:
    """Answers for the files that are kept, where the browser takes them compressed; everything else goes on to Streamlit."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        base = str(st.config.get_option("server.baseUrlPath") or "").strip("/")
        self.prefix = f"/{base}/static/" if base else "/static/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        found = self._find(scope)
        if found is None:
            await self.app(scope, receive, send)
            return
        headers, content = found
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        await send({"type": "http.response.body", "body": content})

    def _find(self, scope: Scope) -> tuple[Headers, bytes] | None:
        if scope["type"] != "http" or scope["method"] != "GET" or not scope["path"].startswith(self.prefix):
            return None
        asked = dict(scope["headers"])
        if b"range" in asked or b"gzip" not in asked.get(b"accept-encoding", b""):
            return None
        return _KEPT.get(scope["path"][len(self.prefix) :])
