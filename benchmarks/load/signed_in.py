"""What deploy/compose.yaml sets up, without its containers: nginx with deploy/nginx.conf, TLS, sign-in through a provider, the store in PostgreSQL.

It differs from the files in the ports, the place of the certificate and of nginx's temporary files, and in that everything runs on one host.
"""

from __future__ import annotations

import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.load.run import ROOT, SETTLING_SECONDS, ending, processor_seconds, publish_sample, serve
from tests import oidc, postgres
from tests.certificates import certificate
from tests.visitor import Visitor


@dataclass(frozen=True)
class Site:
    """A running dashboard behind nginx.

    Attributes:
        server: The dashboard's process.
        address: Of its websocket.
        study: What is published there.
        handshakes: What each signed-in person opens the websocket with.
    """

    server: subprocess.Popen[bytes]
    address: str
    study: str
    handshakes: tuple[dict[str, Any], ...]


def nginx_configuration(folder: Path, *, back: int, front: int) -> str:
    """deploy/nginx.conf with the ports and folders of this run.

    Raises:
        RuntimeError: When a place that has to be changed is no longer in the file.
    """
    text = (ROOT / "deploy" / "nginx.conf").read_text(encoding="utf-8")
    changes = {" /tmp/": f" {folder}/", "dashboard:8501": f"127.0.0.1:{back}", "listen 8443": f"listen 127.0.0.1:{front}"}
    changes |= {"listen 8080": f"listen 127.0.0.1:{front + 1}"}
    changes |= {"/etc/nginx/tls/": f"{folder}/", "include mime.types": "include /etc/nginx/mime.types"}
    for written, here in changes.items():
        if written not in text:
            raise RuntimeError(f"deploy/nginx.conf has no {written!r}")
        text = text.replace(written, here)
    return text


def wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    """Until a server listens there.

    Raises:
        RuntimeError: When its process has ended, or after half a minute.
    """
    for _ in range(150):
        if process.poll() is not None:
            break
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.2)
    raise RuntimeError(f"nothing listens on port {port}")


def sign_in(address: str, people: dict[str, dict[str, object]], context: ssl.SSLContext) -> tuple[dict[str, Any], ...]:
    """Everybody signs in through the provider; what each opens the websocket with afterwards."""
    handshakes = []
    for person in people:
        visitor = Visitor(address, context=context)
        visitor.sign_in(person)
        handshakes.append(visitor.handshake())
        visitor.client.close()
    return tuple(handshakes)


@contextmanager
def site(folder: Path, *, port: int, executives: int) -> Iterator[Site]:
    """The dashboard with sign-in, its store and nginx for the time of the block; so many viewers have signed in."""
    folder.chmod(0o755)  # nginx's workers are another account
    certificate(folder)
    address = f"https://localhost:{port + 1}/iceberg"
    claims = {"email_verified": True, "roles": ["iceberg-viewer"]}
    people: dict[str, dict[str, object]] = {f"p{number:02d}": claims | {"email": f"p{number:02d}@example.org"} for number in range(executives)}
    (folder / "nginx.conf").write_text(nginx_configuration(folder, back=port, front=port + 1), encoding="utf-8")
    with ExitStack() as running:
        store = running.enter_context(postgres.running()).address()
        provider = running.enter_context(oidc.running(port + 3, people))
        (folder / "secrets.toml").write_text(provider.secrets_toml(address), encoding="utf-8")
        study = publish_sample(store)
        server = running.enter_context(ending(serve(store, port, path="iceberg", more=["--secrets.files", str(folder / "secrets.toml")])))
        words = [shutil.which("nginx") or "/usr/sbin/nginx", "-c", str(folder / "nginx.conf"), "-g", "daemon off;"]
        with (folder / "nginx.log").open("wb") as log:
            proxy = running.enter_context(ending(subprocess.Popen(words, stderr=log)))
        wait_for_port(port + 1, proxy)
        context = ssl.create_default_context(cafile=str(folder / "fullchain.pem"))
        time.sleep(SETTLING_SECONDS)
        used = processor_seconds(server.pid)
        handshakes = sign_in(address, people, context)
        print(f"{executives} sign-ins: {processor_seconds(server.pid) - used:.1f} processor seconds", flush=True)
        yield Site(server, address.replace("https:", "wss:"), study, handshakes)
