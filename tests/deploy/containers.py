"""Finds a container engine that works, and builds and starts what deploy/ ships with it."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tests.browser.conftest import free_port
from tests.deploy.parts import certificate
from tests.deploy.shipped import DEPLOY, ROOT, compose, containerfile, only

BUILD_SECONDS = 1800


@dataclass(frozen=True)
class Engine:
    """A container engine.

    Attributes:
        program: `docker` or `podman`.
        compose: The command for compose files, such as ``docker compose``.
    """

    program: str
    compose: tuple[str, ...]

    def run(self, *arguments: str, seconds: int = 120, **environment: str) -> subprocess.CompletedProcess[str]:
        """A command of the engine, from the root of the checkout."""
        command = [self.program, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds, cwd=ROOT, env=os.environ | environment)


def _works(*command: str) -> bool:
    try:
        return subprocess.run(command, capture_output=True, check=False, timeout=120).returncode == 0
    except (OSError, subprocess.TimeoutExpired):
        return False


def base_image() -> str:
    """The base of the image, as ARG gives it."""
    return only("ARG", containerfile()[:1]).removeprefix("BASE=")


def find_engine() -> tuple[Engine | None, str]:
    """An engine that can run a container of each image that is needed, or None; and in one sentence what was found.

    An image that is not here is pulled, so a machine that reaches no registry has no usable engine unless the images were brought to it.
    """
    reasons = []
    for program, kinds in {"docker": (("docker", "compose"),), "podman": (("podman", "compose"), ("podman-compose",))}.items():
        if shutil.which(program) is None:
            reasons.append(f"{program} is not installed")
            continue
        if not _works(program, "info"):
            reasons.append(f"{program} reaches no engine")
            continue
        usable = next((kind for kind in kinds if _works(*kind, "version")), None)
        if usable is None:
            reasons.append(f"{program} has no compose")
            continue
        services = compose(POSTGRES_PASSWORD="x", ICEBERG_URL="x")["services"]
        images = [base_image(), services["postgres"]["image"], services["nginx"]["image"]]
        missing = [image for image in images if not (_works(program, "image", "inspect", image) or _works(program, "pull", "--quiet", image))]
        if missing:
            reasons.append(f"{program} cannot pull {', '.join(missing)}")
        elif not _works(program, "run", "--rm", "--network=none", images[0], "python", "--version"):
            reasons.append(f"{program} cannot run a container")
        else:
            return Engine(program, usable), f"{program} with {' '.join(usable)}"
    return None, "; ".join(reasons)


@dataclass
class Containers:
    """deploy/compose.yaml, started whole; `folder` holds what its variables name."""

    engine: Engine
    folder: Path
    project: str = "iceberg-tests"
    https: int = field(default_factory=free_port)
    http: int = field(default_factory=free_port)

    @property
    def address(self) -> str:
        return f"https://localhost:{self.https}/iceberg"

    @property
    def environment(self) -> dict[str, str]:
        """The variables of the compose file."""
        return os.environ | {
            "POSTGRES_PASSWORD": "of-the-tests", "ICEBERG_URL": self.address, "ICEBERG_ETC": str(self.folder / "etc"),
            "ICEBERG_EXPORTS": str(self.folder / "exports"), "ICEBERG_HTTPS_PORT": str(self.https), "ICEBERG_HTTP_PORT": str(self.http),
        }  # fmt: skip

    def compose(self, *arguments: str, seconds: int = BUILD_SECONDS) -> subprocess.CompletedProcess[str]:
        """A command of compose on the shipped file."""
        command = [*self.engine.compose, "-f", str(DEPLOY / "compose.yaml"), "-p", self.project, *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, timeout=seconds, cwd=DEPLOY, env=self.environment)

    def publish(self) -> subprocess.CompletedProcess[str]:
        """The service `publish`, once."""
        return self.compose("run", "--rm", "publish", seconds=300)

    @contextmanager
    def started(self) -> Iterator[None]:
        """Build and start, for the time of the block; the volume goes too."""
        certificate(self.folder / "etc" / "tls")
        for path in (self.folder / "etc").rglob("*"):  # each container has an account of its own
            path.chmod(0o755 if path.is_dir() else 0o644)
        try:
            made = self.compose("up", "--build", "--detach")
            assert made.returncode == 0, made.stderr[-4000:]
            yield
        finally:
            self.compose("down", "--volumes", seconds=300)
