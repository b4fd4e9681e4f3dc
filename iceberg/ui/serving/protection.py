"""Middleware in front of every response: headers, the roles of what no page checks, and bounds of bytes and of windows.

Streamlit checks roles nowhere: a page of ours does. An upload, a download and the metrics are no pages, so their roles are checked here.
"""

from __future__ import annotations

import base64
import hashlib
import re
import secrets
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import anyio.to_thread
import streamlit as st
from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import PlainTextResponse, RedirectResponse, Response
from streamlit.auth_util import get_redirect_uri, get_secrets_auth_section

from iceberg.environment import read_number
from iceberg.errors import OptionError
from iceberg.locale import LANGUAGES, Translator
from iceberg.ui.access.access import Access, sign_in_configured
from iceberg.ui.access.request import cookie_user, request_access
from iceberg.ui.access.sign_out import sign_out
from iceberg.ui.access.upload_bounds import arriving, tell_page
from iceberg.ui.counters import count
from iceberg.ui.serving.request_log import Request, of_request
from iceberg.ui.session.work import COOKIE

if TYPE_CHECKING:
    from starlette.types import ASGIApp, Message, Receive, Scope, Send

    from iceberg.ui.access.access import Role

UPLOAD = "/_stcore/upload_file/"
# What no page of ours checks: the beginning of the path, the least role, and what a counter calls it.
LEAST_ROLES: tuple[tuple[str, Role, str], ...] = (
    (UPLOAD, "analyst", "upload"),
    ("/_stcore/metrics", "owner", "metrics"),
    ("/_stcore/agent/", "owner", "agent"),
    ("/media/", "viewer", "media"),
)
SHORTEST_TOKEN = 16
STREAM, LOGOUT = "/_stcore/stream", "/auth/logout"
NO_PAGE = {"/readyz", "/metrics"}
PAGE = re.compile(r"/[a-z]*")  # the first page and the others
CACHED = ("/static/", "/component/")  # their names hold a digest of their content
TRY_AGAIN_LATER = 1013  # of a websocket
POLICY_VIOLATION = 1008
_HOST = re.compile(r"[\w.:\[\]-]{1,255}")
_INLINE_SCRIPT = re.compile(rb"<script>(.*?)</script>", re.DOTALL)


class ProtectedApp:
    """Middleware that answers what may not be, and adds the headers to everything else."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app
        base = str(st.config.get_option("server.baseUrlPath") or "").strip("/")
        self.prefix = f"/{base}" if base else ""
        self.windows = 0
        self.most_windows = read_number("ICEBERG_SESSIONS")

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        if scope["type"] == "websocket":
            await self._connect(scope, receive, send)
        elif scope["type"] != "http":
            await self.app(scope, receive, send)
        else:
            path = self._path(scope)

            async def send_with_headers(message: Message) -> None:
                if message["type"] == "http.response.start":
                    _protect(MutableHeaders(scope=message), scope, path)
                    if scope["method"] == "GET" and PAGE.fullmatch(path) and path not in NO_PAGE:
                        self._know_browser(MutableHeaders(scope=message), scope)
                await send(message)

            with of_request(scope, path) as request:
                refused = await self._refuse(scope, path, request)
                answer = request.noting_status(send_with_headers)
                if refused is not None:
                    await refused(scope, receive, answer)
                elif path.startswith(UPLOAD) and scope["method"] == "PUT":
                    await self._take_upload(scope, receive, answer, path)
                else:
                    await self.app(scope, receive, answer)

    def _know_browser(self, headers: MutableHeaders, scope: Scope) -> None:
        """Give a new browser the secret by which it finds its work again (`iceberg.ui.session.work`); no script can read it."""
        if COOKIE not in HTTPConnection(scope).cookies:
            secure = "; Secure" if _is_encrypted(scope) else ""
            place = f"Path={self.prefix or '/'}"
            headers.append("set-cookie", f"{COOKIE}={secrets.token_urlsafe(32)}; HttpOnly; SameSite=Lax; {place}{secure}")

    def _path(self, scope: Scope) -> str:
        path = str(scope["path"])
        return path.removeprefix(self.prefix) if path.startswith(f"{self.prefix}/") else path

    async def _connect(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let one more window connect, up to the bound; not for a page of another port, whose host alone Streamlit compares."""
        headers = Headers(raw=scope.get("headers", []))
        if _is_on_another_port(headers.get("origin", ""), headers.get("host", "")):
            count("iceberg_refusals_total", 'what="origin"')
            await send({"type": "websocket.close", "code": POLICY_VIOLATION})
            return
        if self._path(scope) == STREAM and self.windows >= self.most_windows:
            count("iceberg_refusals_total", 'what="window"')
            await send({"type": "websocket.close", "code": TRY_AGAIN_LATER})
            return
        self.windows += 1
        try:
            await self.app(scope, receive, send)
        finally:
            self.windows -= 1

    async def _refuse(self, scope: Scope, path: str, request: Request) -> Response | None:
        """The answer to what may not be; None for everything else."""
        if path == LOGOUT:
            return await self._sign_out(scope)
        if self.windows >= self.most_windows and path.count("/") == 1 and "." not in path and path not in NO_PAGE:
            return _answer(scope, 503, "ui.access.full", "window")
        least, what = next(((role, name) for start, role, name in LEAST_ROLES if path.startswith(start)), (None, ""))
        if least is None or scope["method"] == "OPTIONS":
            return None
        try:
            access = await anyio.to_thread.run_sync(request_access, scope)
        except OptionError:  # with an unreadable file of roles, no one has a role
            access = Access(None, "", is_signed_in=False)
        request.actor = access.name
        return None if access.may(least) else _answer(scope, 403 if access.is_signed_in else 401, "ui.access.not_yours", what)

    async def _sign_out(self, scope: Scope) -> Response | None:
        """End the sign-in on the server too. A sign-out that another site links to is ignored."""
        if _from_elsewhere(Headers(scope=scope)):
            return RedirectResponse(f"{self.prefix}/", status_code=302)
        if sign_in_configured():
            user = cookie_user(scope)
            if user:
                await anyio.to_thread.run_sync(sign_out, user)
        return None

    async def _take_upload(self, scope: Scope, receive: Receive, send: Send, path: str) -> None:
        """Let an upload through where its bytes have a place."""
        session_id = path.removeprefix(UPLOAD).partition("/")[0]
        size = Headers(scope=scope).get("content-length", "")
        if not size.isascii() or not size.isdigit():
            await _answer(scope, 411, "ui.access.no_length", "upload")(scope, receive, send)
            return
        with arriving(session_id, int(size)) as refusal:
            if refusal is None:
                await self.app(scope, receive, send)
                return
        answer = _answer(scope, 413, f"ui.upload.bound_{refusal.bound}", "upload", limit=refusal.limit_mb)
        await answer(scope, receive, send)
        tell_page(session_id)


def _from_elsewhere(headers: Headers) -> bool:
    """Whether another site's page made this request. Browsers say so where the connection is encrypted, elsewhere the page that led here does."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site not in {"same-origin", "none"}
    led = headers.get("origin") or headers.get("referer")
    host = headers.get("host", "")
    if led is None:
        return False
    try:
        return urlsplit(led).hostname != urlsplit(f"//{host}").hostname or _is_on_another_port(led, host)
    except ValueError:  # the header is not a URL, so the request is taken as one from another site
        return True


def _is_on_another_port(address: str, host: str) -> bool:
    """Whether an address names this host with another port; a proxy may leave the port out."""
    try:
        one, other = urlsplit(address), urlsplit(f"//{host}")
        return one.hostname == other.hostname and None not in (one.port, other.port) and one.port != other.port
    except ValueError:  # no port is such a number
        return True


def _answer(scope: Scope, status: int, key: str, what: str, **values: int) -> Response:
    """A sentence in the language of the browser."""
    count("iceberg_refusals_total", f'what="{what}"')
    asked = Headers(scope=scope).get("accept-language", "")[:2].lower()
    words = Translator(asked if asked in LANGUAGES else LANGUAGES[0])
    return PlainTextResponse(words.text(key, **values), status_code=status)


def _protect(headers: MutableHeaders, scope: Scope, path: str) -> None:
    headers["Content-Security-Policy"] = content_policy(Headers(scope=scope).get("host", ""))
    headers["X-Content-Type-Options"] = "nosniff"
    headers["X-Frame-Options"] = "SAMEORIGIN"
    headers["Referrer-Policy"] = "same-origin"
    if not path.startswith(CACHED):
        headers["Cache-Control"] = "private, no-store"
    if _is_encrypted(scope):
        cookies = headers.getlist("set-cookie")
        if cookies:
            del headers["set-cookie"]
            for cookie in cookies:
                headers.append("set-cookie", cookie if "; secure" in cookie.lower() else f"{cookie}; Secure")


def _is_encrypted(scope: Scope) -> bool:
    """Whether browsers reach this server over HTTPS: this request did, or the provider sends people back to such an address."""
    return scope["scheme"] == "https" or _returns_encrypted()


@cache
def _returns_encrypted() -> bool:
    section = get_secrets_auth_section() if sign_in_configured() else None
    return str(get_redirect_uri(section) or "").startswith("https:") if section else False


def content_policy(host: str) -> str:
    """What a page may load: from this server alone. Styles are written into the page, and a component runs a script that the page itself holds."""
    sockets = f" ws://{host} wss://{host}" if _HOST.fullmatch(host) else ""
    return "; ".join(f"{name} {sources}" for name, sources in _directives(sockets).items())


def _directives(sockets: str) -> dict[str, str]:
    return {
        "default-src": "'self'",
        "script-src": f"'self' blob: {_own_scripts()}".rstrip(),
        "style-src": "'self' 'unsafe-inline'",
        "img-src": "'self' data: blob:",
        "font-src": "'self' data:",
        "media-src": "'self' data: blob:",
        "worker-src": "'self' blob:",
        "connect-src": f"'self' data: blob:{sockets}",
        "frame-src": "'self'",
        "object-src": "'none'",
        "base-uri": "'self'",
        "form-action": "'self'",
        "frame-ancestors": "'self'",
    }


@cache
def _own_scripts() -> str:
    """The scripts that Streamlit's own page holds, by their digests."""
    page: Any = (Path(st.__file__).parent / "static" / "index.html").read_bytes()
    digests = (base64.b64encode(hashlib.sha256(script).digest()).decode() for script in _INLINE_SCRIPT.findall(page))
    return " ".join(f"'sha256-{digest}'" for digest in digests)


def bearer_matches(scope: Scope, token: str) -> bool:
    """Whether a request names the secret in ``Authorization: Bearer``; a short secret opens nothing."""
    given = Headers(scope=scope).get("authorization", "").removeprefix("Bearer ").strip()
    return len(token) >= SHORTEST_TOKEN and secrets.compare_digest(given.encode(), token.encode())

