"""Sends a browser that asks for an address without a page to a page of our own: Streamlit would say so in English, over the first page's figures."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st
from starlette.datastructures import Headers
from starlette.responses import RedirectResponse

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Receive, Scope, Send

MISSING = "missing"


class KnownAddresses:
    """Middleware that redirects what looks like a page and is none.

    Args:
        app: The rest of the server.
        pages: The addresses of pages.
    """

    def __init__(self, app: ASGIApp, *, pages: frozenset[str]) -> None:
        self.app, self.pages = app, pages
        base = str(st.config.get_option("server.baseUrlPath") or "").strip("/")
        self.prefix = f"/{base}/" if base else "/"

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if self._is_missing(scope):
            query = scope["query_string"].decode("latin-1")
            await RedirectResponse(f"{self.prefix}{MISSING}{f'?{query}' if query else ''}", status_code=302)(scope, receive, send)
            return
        await self.app(scope, receive, send)

    def _is_missing(self, scope: Scope) -> bool:
        """Whether a person typed or followed this address: only they ask for a document, and no other route has a name of plain words."""
        if scope["type"] != "http" or scope["method"] != "GET" or not str(scope["path"]).startswith(self.prefix):
            return False
        name = str(scope["path"])[len(self.prefix) :].strip("/")
        headers = Headers(scope=scope)
        if "text/html" not in headers.get("accept", "") or headers.get("sec-fetch-dest", "document") != "document":
            return False
        own_route = name.partition("/")[0] in {"auth", "oauth2callback", "media", "component", "static", "app", "metrics", "readyz", "healthz"}
        return bool(name) and name not in self.pages and not own_route and "." not in name and not name.startswith("_")
