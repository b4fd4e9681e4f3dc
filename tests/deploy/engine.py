"""Builds the image and starts the compose file where a container engine works and the base images can be had.

`ICEBERG_BASE`, `POSTGRES_IMAGE` and `NGINX_IMAGE` name other bases (`bases.py` makes them); with `ICEBERG_IMAGE` nothing is built.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path

from tests import oidc
from tests.deploy.shipped import DEPLOY, compose, containerfile, only

PULL_SECONDS = 120


@cache
def usable() -> str | None:
    """The engine that works here and has the images of deploy/, or gets them; None where there is none: then the parts are run."""
    working = [engine for engine in ("docker", "podman") if works(engine) and composes(engine)]
    return next((engine for engine in working if all(has(engine, image) for image in images()) and runs(engine, images()[0])), None)


def works(engine: str) -> bool:
    return shutil.which(engine) is not None and quietly([engine, "info"], seconds=30)


def runs(engine: str, image: str) -> bool:
    """Whether a container starts: where cgroups or limits of the machine forbid it, `info` and `pull` have succeeded all the same."""
    return quietly([engine, "run", "--rm", image, "true"], seconds=60)


def composes(engine: str) -> bool:
    return quietly([*composer(engine), "version"], seconds=30)


def composer(engine: str) -> list[str]:
    return ["podman-compose"] if engine == "podman" else ["docker", "compose"]


def images() -> list[str]:
    """What is not built here: the base, PostgreSQL and nginx, each as a variable names it or as it is written."""
    base = os.environ.get("ICEBERG_BASE") or only("ARG", containerfile()[:1]).partition("=")[2]
    written = compose(POSTGRES_PASSWORD="x", ICEBERG_URL="x", **{name: os.environ.get(name, "") for name in ("POSTGRES_IMAGE", "NGINX_IMAGE")})
    return [base, *(written["services"][name]["image"] for name in ("postgres", "nginx"))]


def has(engine: str, image: str) -> bool:
    return quietly([engine, "image", "inspect", image], seconds=30) or quietly([engine, "pull", "--quiet", image], seconds=PULL_SECONDS)


def quietly(words: list[str], *, seconds: float) -> bool:
    """Whether a command ends with status 0 in time."""
    try:
        done = subprocess.run(words, stdin=subprocess.DEVNULL, capture_output=True, check=False, timeout=seconds)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


@contextmanager
def compose_up(engine: str, folder: Path, *, https: int = 18443, http: int = 18080) -> Iterator[str]:
    """The containers of deploy/compose.yaml for the time of the block; `folder` holds the certificate in tls/.

    Yields:
        The address of the dashboard behind nginx.
    """
    address = f"https://localhost:{https}/iceberg"
    (folder / "streamlit").mkdir()
    (folder / "streamlit" / "secrets.toml").write_text(oidc.Provider("http://localhost:9", {}).secrets_toml(address))
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o755 if path.is_dir() else 0o644)  # a certificate and secrets of this test alone
    ours = {"ICEBERG_ETC": str(folder), "ICEBERG_EXPORTS": str(folder), "ICEBERG_URL": address, "POSTGRES_PASSWORD": "tests"}
    built = os.environ.get("ICEBERG_IMAGE")
    ours |= {"ICEBERG_HTTPS_PORT": str(https), "ICEBERG_HTTP_PORT": str(http), "ICEBERG_IMAGE": built or "localhost/silent-churn-iceberg:tests"}
    environment = os.environ | ours | ({"BUILDAH_FORMAT": "docker"} if engine == "podman" else {})
    words = [*composer(engine), "-f", str(DEPLOY / "compose.yaml"), "-p", "iceberg-tests"]
    try:
        words_up = [*words, "up", "--no-build" if built else "--build", "--detach"]
        subprocess.run(words_up, check=True, env=environment, timeout=1800, stdin=subprocess.DEVNULL)
        wait_for_health(engine, environment)
        yield address
    finally:
        subprocess.run([*words, "down", "--volumes"], check=False, env=environment, timeout=120, stdin=subprocess.DEVNULL)


def wait_for_health(engine: str, environment: dict[str, str], *, seconds: float = 180) -> None:
    """Until the dashboard's own health check says so.

    Raises:
        RuntimeError: When it does not in time; the message is the log.
    """
    listed = subprocess.run([engine, "ps", "--format", "{{.Names}}"], capture_output=True, text=True, check=True).stdout.split()
    (name,) = [one for one in listed if "iceberg-tests" in one and "dashboard" in one]
    deadline = time.monotonic() + seconds
    while not quietly([engine, "exec", name, "python", "/opt/iceberg/ready.py"], seconds=30):
        if time.monotonic() > deadline:
            raise RuntimeError(subprocess.run([engine, "logs", name], capture_output=True, text=True, check=False).stderr)
        time.sleep(1)
