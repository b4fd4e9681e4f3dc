"""A visitor of the dashboard without a browser: signs in through the provider, opens the websocket of a page and reads what it says.

    python -m tests.visitor ADDRESS [--ca FILE] [--as PERSON --provider PORT] [--query QUERY]      prints what was seen, as JSON
"""

from __future__ import annotations

import argparse
import json
import re
import ssl
import sys
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx
from streamlit.proto.BackMsg_pb2 import BackMsg
from streamlit.proto.ForwardMsg_pb2 import ForwardMsg
from websockets.sync.client import ClientConnection, connect

from tests import oidc

PATIENCE_SECONDS = 60.0
XSRF = "_streamlit_xsrf"
SIGN_IN = re.compile("Sign in|Se connecter")
VIEWER: dict[str, object] = {"email": "vera@example.org", "email_verified": True, "roles": ["iceberg-viewer"]}


@dataclass
class Page:
    """What one run of a page sent: its texts, the ids of its buttons by their words, where it sends the browser, an exception."""

    texts: list[str] = field(default_factory=list)
    buttons: dict[str, str] = field(default_factory=dict)
    redirect: str = ""
    exception: str = ""

    def take_in(self, answer: ForwardMsg) -> None:
        if answer.WhichOneof("type") == "auth_redirect":
            self.redirect = answer.auth_redirect.url
        if answer.WhichOneof("type") != "delta" or answer.delta.WhichOneof("type") != "new_element":
            return
        element = answer.delta.new_element
        kind = element.WhichOneof("type")
        if kind == "exception":
            self.exception = element.exception.message
        elif kind == "button":
            self.buttons[element.button.label] = element.button.id
        elif kind in {"markdown", "heading", "text"}:
            self.texts.append(getattr(element, kind).body)


class Visitor:
    """One browser's worth of cookies at `address`, as in https://localhost:8443/iceberg."""

    def __init__(self, address: str, *, context: ssl.SSLContext | None = None) -> None:
        self.address, self.context = address.rstrip("/"), context
        self.client = httpx.Client(verify=context or True, follow_redirects=True, timeout=PATIENCE_SECONDS, trust_env=False)

    def get(self, path: str) -> httpx.Response:
        return self.client.get(f"{self.address}/{path}")

    def handshake(self) -> dict[str, Any]:
        """What the websocket is opened with: the cookies and the token against forged requests, as a browser sends them."""
        asked = self.client.build_request("GET", f"{self.address}/_stcore/stream").headers.get("cookie", "")
        token = dict(part.split("=", 1) for part in asked.split("; ") if "=" in part).get(XSRF, "")
        parts = urlsplit(self.address)
        options: dict[str, Any] = {"origin": f"{parts.scheme}://{parts.netloc}", "max_size": None, "open_timeout": PATIENCE_SECONDS}
        options["additional_headers"] = {"Cookie": asked}
        return options | {"subprotocols": ["streamlit", token.strip('"')]} | ({"ssl": self.context} if parts.scheme == "https" else {})

    def socket(self) -> ClientConnection:
        """The websocket of a page, once the server has given its cookies."""
        self.get("_stcore/health").raise_for_status()
        self.get("_stcore/host-config").raise_for_status()
        return connect(f"{self.address.replace('http', 'ws', 1)}/_stcore/stream", proxy=None, **self.handshake())

    def sign_in(self, person: str) -> None:
        """Press the button, choose the person on the provider's page, come back.

        Raises:
            RuntimeError: When the page has no such button, or the provider's page no such person.
        """
        with self.socket() as socket:
            door = run_page(socket)
            button = next((identity for label, identity in door.buttons.items() if SIGN_IN.search(label)), None)
            if button is None:
                raise RuntimeError(f"no way to sign in: {door}")
            redirect = run_page(socket, press=button).redirect
        chosen = self.client.get(urljoin(f"{self.address}/", redirect))
        link = re.search(rf'href="([^"]+)">{re.escape(person)}<', chosen.text)
        if link is None:
            raise RuntimeError(f"nobody called {person} at {chosen.url}: {chosen.text[:300]}")
        self.client.get(urljoin(str(chosen.url), link[1].replace("&amp;", "&"))).raise_for_status()

    def read(self, query: str = "") -> Page:
        """The page that a link opens."""
        with self.socket() as socket:
            return run_page(socket, query=query)


def run_page(socket: ClientConnection, *, query: str = "", press: str = "") -> Page:
    """Ask for a run of the page and read it to its end, or to where it sends the browser."""
    message, page = BackMsg(), Page()
    message.rerun_script.query_string = query
    message.rerun_script.context_info.locale = "en-GB"
    if press:
        held = message.rerun_script.widget_states.widgets.add()
        held.id, held.trigger_value = press, True
    socket.send(message.SerializeToString())
    while not page.redirect:
        answer = ForwardMsg()
        answer.ParseFromString(socket.recv(PATIENCE_SECONDS))  # type: ignore[arg-type]  # never text
        page.take_in(answer)
        if answer.WhichOneof("type") == "script_finished":
            break
    return page


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("address")
    parser.add_argument("--ca")
    parser.add_argument("--as", dest="person")
    parser.add_argument("--provider", type=int, default=0)
    parser.add_argument("--query", default="")
    options = parser.parse_args()
    context = ssl.create_default_context(cafile=options.ca) if options.ca else None
    visitor = Visitor(options.address, context=context)
    ready, start = visitor.get("readyz"), visitor.get("")
    seen: dict[str, Any] = {"readyz": [ready.status_code, ready.json()], "start": [start.status_code, dict(start.headers), start.text]}
    seen["door"] = asdict(visitor.read(options.query))
    with oidc.running(options.provider, {options.person: VIEWER}) if options.person else nullcontext():
        if options.person:
            visitor.sign_in(options.person)
            seen["page"] = asdict(visitor.read(options.query))
    seen["cookies"] = {cookie.name: bool(cookie.secure) for cookie in visitor.client.cookies.jar}
    json.dump(seen, sys.stdout)


if __name__ == "__main__":
    main()
