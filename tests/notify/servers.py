"""A mail server and a webhook on this machine that remember what they were sent."""

import json
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email import message_from_bytes, policy
from email.message import EmailMessage
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from ipaddress import ip_address
from pathlib import Path
from typing import Any

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, Session
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.browser.conftest import free_port

USER, PASSWORD = "iceberg@example.org", "pa ss-wörd"


@dataclass
class Mailbox:
    """A mail server at `port`; `refuse` is what it answers instead of taking mail."""

    port: int = 0
    refuse: str = ""
    envelopes: list[Envelope] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # the library's name
        if self.refuse:
            return self.refuse
        self.envelopes.append(envelope)
        self.encrypted.append(session.ssl is not None or server.transport.get_extra_info("sslcontext") is not None)
        return "250 OK"

    def log_in(self, _server: object, _session: object, _envelope: object, _mechanism: object, given: Any) -> AuthResult:
        self.logins.append(given.login.decode())
        return AuthResult(success=(given.login.decode(), given.password.decode()) == (USER, PASSWORD), handled=False)

    @property
    def messages(self) -> list[EmailMessage]:
        return [message_from_bytes(one.content, policy=policy.default) for one in self.envelopes]  # type: ignore[arg-type, misc]


@contextmanager
def mail_server(certificate: Path | None = None, *, whole: bool = False, sign_in: bool = False) -> Iterator[Mailbox]:
    """With a certificate it asks for STARTTLS, or for TLS from the first byte (`whole`)."""
    box = Mailbox()
    options: dict[str, Any] = {"auth_require_tls": True, "authenticator": box.log_in, "auth_required": sign_in}
    if certificate is None:
        options = {}
    else:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        options |= {"ssl_context": context} if whole else {"tls_context": context, "require_starttls": True}
    controller = Controller(box, hostname="127.0.0.1", port=free_port(), **options)
    controller.start()
    box.port = controller.server.sockets[0].getsockname()[1]
    try:
        yield box
    finally:
        controller.stop()


@dataclass
class Hook:
    """A webhook at `url`, which answers with `status`."""

    url: str = ""
    status: int = 200
    location: str = ""
    bodies: list[dict[str, Any]] = field(default_factory=list)
    headers: list[dict[str, str]] = field(default_factory=list)


@contextmanager
def webhook(certificate: Path | None = None) -> Iterator[Hook]:
    """With a certificate it speaks TLS."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            hook.bodies.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            hook.headers.append(dict(self.headers))
            self.send_response(hook.status)
            if hook.location:
                self.send_header("Location", hook.location)
            self.end_headers()

        def do_GET(self) -> None:
            hook.bodies.append({"method": "GET"})
            self.send_response(200)
            self.end_headers()

        def log_message(self, format: str, *arguments: object) -> None:  # the library's name
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    if certificate is not None:
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True).start()
    hook.url = f"{'http' if certificate is None else 'https'}://127.0.0.1:{server.server_address[1]}/services/T0/SECRET"
    try:
        yield hook
    finally:
        server.shutdown()
        server.server_close()


def write_certificate(path: Path) -> Path:
    """A certificate of 127.0.0.1 that is its own authority, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    path.write_bytes(private + certificate.public_bytes(serialization.Encoding.PEM))
    return path
