"""Base images for deploy/ where no registry of images is reached: Debian by debootstrap, with its Python, PostgreSQL and nginx.

    python -m tests.deploy.bases          prints what to export before the tests of deploy/, which then build the image and start the compose file

Needs root, podman, runc, iptables, podman-compose and debootstrap. The image of PostgreSQL starts as the official one does as far as compose.yaml
relies on it: the account 999, POSTGRES_USER, POSTGRES_DB, POSTGRES_PASSWORD, PGDATA.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

BASE = "localhost/iceberg-base:trixie"
PACKAGES = "python3,python3-venv,python-is-python3,ca-certificates,nginx-light,postgresql"
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")  # those of this machine: a company's network has one of its own
# An account may not raise the limits that it was started with, and hybrid cgroups are known to runc alone.
ENGINE = '[containers]\ndefault_ulimits = ["nofile=4096:4096", "nproc=4096:4096"]\n[engine]\nruntime = "runc"\n'
START = r"""#!/bin/sh
set -e
if [ ! -s "$PGDATA/PG_VERSION" ]; then
    printf '%s' "$POSTGRES_PASSWORD" > /tmp/password
    initdb --pgdata="$PGDATA" --username="$POSTGRES_USER" --pwfile=/tmp/password --auth=scram-sha-256 --encoding=UTF8 --locale=C.UTF-8
    rm /tmp/password
    echo "host all all all scram-sha-256" >> "$PGDATA/pg_hba.conf"
    echo "CREATE DATABASE \"$POSTGRES_DB\"" | postgres --single -D "$PGDATA" postgres
fi
exec postgres -D "$PGDATA" -c listen_addresses='*' -c unix_socket_directories=/tmp
"""
POSTGRES = f"""FROM {BASE}
RUN groupadd --gid 999 pg && useradd --uid 999 --gid 999 pg && install -d -o 999 -g 999 -m 0700 /var/lib/postgresql/data
COPY start /usr/local/bin/start
ENV PATH=/usr/lib/postgresql/17/bin:/usr/bin:/bin PGDATA=/var/lib/postgresql/data
VOLUME ["/var/lib/postgresql/data"]
ENTRYPOINT ["sh", "/usr/local/bin/start"]
"""
NGINX = f"FROM {BASE}\nRUN useradd --system --uid 101 www || true\n"
TRUST = "FROM localhost/iceberg-debian:trixie\nCOPY authorities /etc/ssl/certs/ca-certificates.crt\nENV PIP_CERT=/etc/ssl/certs/ca-certificates.crt\n"


def run(*words: str, **more: object) -> None:
    """Run a command; what it prints goes to standard error."""
    subprocess.run(words, check=True, stdout=sys.stderr, **more)  # type: ignore[call-overload]


def build(tag: str, text: str, folder: Path) -> None:
    """An image of a few lines."""
    (folder / "Containerfile").write_text(text, encoding="utf-8")
    run("podman", "build", "--quiet", "--format", "docker", "--tag", tag, str(folder))


def main() -> None:
    settings = Path(tempfile.gettempdir()) / "iceberg-containers.conf"
    settings.write_text(ENGINE, encoding="utf-8")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        root = folder / "root"
        run("debootstrap", "--variant=minbase", f"--include={PACKAGES}", "trixie", str(root))
        packed = subprocess.Popen(["tar", "-C", str(root), "-c", "."], stdout=subprocess.PIPE)
        run("podman", "import", "--quiet", "-", "localhost/iceberg-debian:trixie", stdin=packed.stdout)
        shutil.rmtree(root)
        shutil.copy(AUTHORITIES, folder / "authorities")
        build(BASE, TRUST, folder)
        (folder / "start").write_text(START, encoding="utf-8")
        build("localhost/iceberg-postgres:17", POSTGRES, folder)
        build("localhost/iceberg-nginx:trixie", NGINX, folder)
    for line in (f"CONTAINERS_CONF={settings}", f"ICEBERG_BASE={BASE}"):
        sys.stdout.write(f"export {line}\n")
    sys.stdout.write("export POSTGRES_IMAGE=localhost/iceberg-postgres:17 NGINX_IMAGE=localhost/iceberg-nginx:trixie\n")


if __name__ == "__main__":
    main()
