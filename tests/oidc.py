"""An OpenID Connect provider for the tests: real tokens, signed with a key of its own; people are chosen on its page instead of typing a password."""

import base64
import hashlib
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from urllib.parse import urlencode

import uvicorn
from joserfc import jwt
from joserfc.jwk import RSAKey
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Route

CLIENT_ID, CLIENT_SECRET = "iceberg", "not-a-secret-outside-of-tests"
ALGORITHM = "RS256"


@dataclass
class Provider:
    """A provider at `issuer`; `people` are its accounts: subject -> claims."""

    issuer: str
    people: dict[str, dict[str, object]]
    key: RSAKey = field(default_factory=lambda: RSAKey.generate_key(2048, {"kid": "tests", "use": "sig", "alg": ALGORITHM}))
    codes: dict[str, dict[str, str]] = field(default_factory=dict)

    @property
    def metadata_url(self) -> str:
        return f"{self.issuer}/.well-known/openid-configuration"

    def secrets_toml(self, address: str) -> str:
        """What goes into Streamlit's secrets.toml."""
        return (
            "[auth]\n"
            f'redirect_uri = "{address}/oauth2callback"\n'
            f'cookie_secret = "{secrets.token_hex(32)}"\n'
            f'client_id = "{CLIENT_ID}"\n'
            f'client_secret = "{CLIENT_SECRET}"\n'
            f'server_metadata_url = "{self.metadata_url}"\n'
        )

    def application(self) -> Starlette:
        return Starlette(
            routes=[
                Route("/.well-known/openid-configuration", self._metadata),
                Route("/authorize", self._authorize),
                Route("/token", self._token, methods=["POST"]),
                Route("/jwks", self._jwks),
            ]
        )

    async def _metadata(self, request: Request) -> Response:
        return JSONResponse(
            {
                "issuer": self.issuer,
                "authorization_endpoint": f"{self.issuer}/authorize",
                "token_endpoint": f"{self.issuer}/token",
                "jwks_uri": f"{self.issuer}/jwks",
                "response_types_supported": ["code"],
                "subject_types_supported": ["public"],
                "id_token_signing_alg_values_supported": [ALGORITHM],
                "code_challenge_methods_supported": ["S256"],
            }
        )

    async def _jwks(self, request: Request) -> Response:
        return JSONResponse({"keys": [self.key.as_dict(private=False)]})

    async def _authorize(self, request: Request) -> Response:
        asked = dict(request.query_params)
        if asked.get("client_id") != CLIENT_ID or asked.get("response_type") != "code":
            return Response("unknown client", status_code=400)
        subject = asked.pop("as", None)
        if subject is None:
            links = "".join(f'<p><a href="/authorize?{urlencode(asked | {"as": name})}">{name}</a></p>' for name in self.people)
            return HTMLResponse(f"<html><title>Who are you?</title><h1>Who are you?</h1>{links}</html>")
        code = secrets.token_urlsafe()
        self.codes[code] = asked | {"subject": subject}
        back = urlencode({"code": code, "state": asked.get("state", "")})
        return RedirectResponse(f"{asked['redirect_uri']}?{back}", status_code=302)

    async def _token(self, request: Request) -> Response:
        form = {name: str(value) for name, value in (await request.form()).items()}
        header = request.headers.get("authorization", "")
        given = base64.b64decode(header.removeprefix("Basic ")).decode() if header.startswith("Basic ") else ""
        if given != f"{CLIENT_ID}:{CLIENT_SECRET}" and form.get("client_secret") != CLIENT_SECRET:
            return JSONResponse({"error": "invalid_client"}, status_code=401)
        asked = self.codes.pop(form.get("code", ""), None)
        if asked is None or asked["redirect_uri"] != form.get("redirect_uri"):
            return JSONResponse({"error": "invalid_grant"}, status_code=400)
        if "code_challenge" in asked:
            digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
            if base64.urlsafe_b64encode(digest).rstrip(b"=").decode() != asked["code_challenge"]:
                return JSONResponse({"error": "invalid_grant"}, status_code=400)
        now = int(time.time())
        claims = {"iss": self.issuer, "aud": CLIENT_ID, "sub": asked["subject"], "iat": now, "exp": now + 3600}
        claims |= {"nonce": asked["nonce"]} if "nonce" in asked else {}
        token = jwt.encode({"alg": ALGORITHM, "kid": "tests"}, claims | self.people[asked["subject"]], self.key)
        return JSONResponse({"access_token": secrets.token_urlsafe(), "token_type": "Bearer", "expires_in": 3600, "id_token": token})


@contextmanager
def running(port: int, people: dict[str, dict[str, object]]) -> Iterator[Provider]:
    """A provider on this machine for the time of the block."""
    provider = Provider(f"http://localhost:{port}", people)
    server = uvicorn.Server(uvicorn.Config(provider.application(), host="127.0.0.1", port=port, log_level="error"))
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield provider
    finally:
        server.should_exit = True
        thread.join(timeout=10)
