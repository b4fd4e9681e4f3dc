"""Runs the parts of the image and of the compose file without a container engine: the same commands, sealed off with Linux's own namespaces."""

from __future__ import annotations

import datetime
import os
import shlex
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.browser.conftest import free_port
from tests.deploy.shipped import DEPLOY, compose, image_command, image_environment

# Everything becomes read-only, but for a tmpfs at the first argument; then the account 10001, without a capability, runs the rest.
SEAL = """
mount -t tmpfs -o mode=1777 tmpfs "$1" || exit 125
kinds=notmpfs,noproc,nosysfs,nodevtmpfs,nocgroup,nocgroup2
findmnt -rno TARGET -t $kinds | while read -r place; do mount -o remount,ro,bind "$place" 2>/dev/null; done
mount -o remount,ro,bind / || exit 125
shift
exec unshare --user --map-user=10001 --map-group=10001 -- "$@"
"""


def sealed(temporary: Path, command: list[str]) -> list[str]:
    """The command, run as the container's account, with a root that cannot be written to and temporary files in memory."""
    outer = ["unshare", "--user", "--map-root-user", "--mount", "--propagation", "private"]
    return [*outer, "sh", "-c", SEAL, "seal", str(temporary), *command]


def certificate(folder: Path) -> None:
    """A certificate for localhost that is good for a day, as fullchain.pem and privkey.pem."""
    folder.mkdir(parents=True, exist_ok=True)
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.datetime.now(datetime.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    plain = (serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    (folder / "privkey.pem").write_bytes(key.private_bytes(*plain))
    (folder / "fullchain.pem").write_bytes(made.public_bytes(serialization.Encoding.PEM))


@dataclass
class Parts:
    """The services of deploy/compose.yaml as processes of this machine.

    Attributes:
        programs: Folder of the installed `iceberg` and its `python`; nothing in it can be written to by the processes.
        folder: For the configuration, the exports and the logs.
        store: Address of a PostgreSQL's database.
        port: Of the dashboard.
        https: Of nginx.
        http: Of nginx, where it sends readers on to https.
    """

    programs: Path
    folder: Path
    store: str
    port: int = field(default_factory=free_port)
    https: int = field(default_factory=free_port)
    http: int = field(default_factory=free_port)

    @property
    def address(self) -> str:
        return f"https://localhost:{self.https}/iceberg"

    def environment(self, service: str, temporary: Path) -> dict[str, str]:
        """What ENV of the image and the compose file set, with the places of this machine; and nothing else, no HOME either."""
        cache, programs = str(self.folder / "cache"), str(self.programs)
        wanted = image_environment() | compose(POSTGRES_PASSWORD="unused", ICEBERG_URL=self.address)["services"][service]["environment"]
        wanted |= {"TMPDIR": str(temporary), "ICEBERG_STORE": self.store, "STREAMLIT_SERVER_PORT": str(self.port)}
        wanted["PATH"] = wanted["PATH"].replace("$PATH", os.defpath)
        return {name: value.replace("/opt/iceberg/cache", cache).replace("/opt/iceberg/bin", programs) for name, value in wanted.items()}

    def start(self, service: str, command: list[str], environment: Mapping[str, str]) -> subprocess.Popen[bytes]:
        """A process of its own, whose output goes to `folder`; the seal's argument is the folder for temporary files."""
        temporary = Path(environment["TMPDIR"])
        temporary.mkdir(exist_ok=True)
        with (self.folder / f"{service}.log").open("wb") as log:
            return subprocess.Popen(sealed(temporary, command), cwd=self.folder / "etc", env=environment, stdout=log, stderr=log)

    def dashboard(self) -> subprocess.Popen[bytes]:
        """The dashboard, with the command of the image."""
        program, *rest = image_command()
        temporary = self.folder / "tmp-dashboard"
        return self.start("dashboard", [str(self.programs / program), *rest], self.environment("dashboard", temporary))

    def publish(self) -> subprocess.CompletedProcess[str]:
        """The service `publish`, once."""
        typed = compose(POSTGRES_PASSWORD="unused", ICEBERG_URL=self.address)["services"]["publish"]["command"]
        command = [str(self.programs / "iceberg"), *(part.replace("/exports", str(self.folder / "exports")) for part in typed)]
        temporary = self.folder / "tmp-publish"
        temporary.mkdir(exist_ok=True)
        environment = self.environment("publish", temporary)
        return subprocess.run(
            sealed(temporary, command), cwd=self.folder / "etc", env=environment, capture_output=True, text=True, check=False, timeout=180
        )

    def nginx(self) -> subprocess.Popen[bytes]:
        """The shipped nginx.conf, with the ports, the certificate and the temporary folder of this machine."""
        program = shutil.which("nginx") or "/usr/sbin/nginx"
        if not Path(program).exists():
            raise RuntimeError("nginx is not installed. Run: apt-get install -y --no-install-recommends nginx-light")
        certificate(self.folder / "etc" / "tls")
        temporary = self.folder / "tmp-nginx"
        text = (DEPLOY / "nginx.conf").read_text(encoding="utf-8")
        for written, here in {
            "/tmp/": f"{temporary}/",  # first: the other places may lie below /tmp
            "server dashboard:8501": f"server 127.0.0.1:{self.port}",
            "listen 8080": f"listen 127.0.0.1:{self.http}",
            "listen 8443": f"listen 127.0.0.1:{self.https}",
            "/etc/nginx/tls": str(self.folder / "etc" / "tls"),
            "include mime.types": "include /etc/nginx/mime.types",
        }.items():
            assert text.count(written) >= 1, f"nginx.conf has no {written!r}"
            text = text.replace(written, here)
        path = self.folder / "nginx.conf"
        path.write_text(text, encoding="utf-8")
        command = [program, "-c", str(path), *shlex.split("-g 'daemon off;'")]
        return self.start("nginx", command, {"PATH": os.defpath, "TMPDIR": str(temporary)})


@contextmanager
def stopped_after(*processes: subprocess.Popen[bytes]) -> Iterator[None]:
    """Ends the processes with the block; what sealed them goes with them."""
    try:
        yield
    finally:
        for process in processes:
            process.terminate()
            try:
                process.wait(timeout=20)
            except subprocess.TimeoutExpired:
                process.kill()
