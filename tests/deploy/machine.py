"""A machine for the programs of deploy/: a root that cannot be written to, temporary files in memory, a network of its own, no root account.

What the image and the units of systemd promise is set up with Linux's own namespaces, so that the files of deploy/ run as they are written, with
their paths, ports and names of hosts. Nothing outside of the machine is changed.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

from tests.deploy.shipped import ROOT

PROGRAM_USER, PROXY_USER = 10001, 101  # as in the image and in compose.yaml
SYSTEM_PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
PATIENCE_SECONDS = 900  # on a machine that does much else
INSIDE = Path(__file__).with_name("inside.py")
INSTALL_NGINX = "apt-get install -y --no-install-recommends nginx-light"
REFUSED = (
    "The parts of deploy/ are run in namespaces of Linux, which this account may not make. Run the tests as root, or allow them "
    "(sysctl kernel.unprivileged_userns_clone=1; on Ubuntu also kernel.apparmor_restrict_unprivileged_userns=0)."
)


@dataclass
class Machine:
    """A running machine; `process` holds its namespaces open."""

    process: subprocess.Popen[str]
    users: bool

    def command(self, words: Sequence[str], *, user: int | None, folder: str) -> list[str]:
        """`words`, run in the machine: as that account without a capability, or as its administrator."""
        enter = ["nsenter", f"--target={self.process.pid}", "--mount", "--net", *(["--user", "--preserve-credentials"] if self.users else [])]
        less = [] if user is None else ["setpriv", "--no-new-privs", "--bounding-set=-all", "--inh-caps=-all"]
        if user is not None and not self.users:
            less += [f"--reuid={user}", f"--regid={user}", "--clear-groups"]
        return [*enter, "sh", "-c", 'umask 0077; cd "$0" && exec "$@"', folder, *less, *words]

    def start(
        self, words: Sequence[str], *, user: int | None = PROGRAM_USER, folder: str = "/", environment: Mapping[str, str], **streams: Any
    ) -> subprocess.Popen[bytes]:
        """Start a program with this environment and no other."""
        return subprocess.Popen(self.command(words, user=user, folder=folder), env={"PATH": SYSTEM_PATH, **environment}, cwd="/", **streams)

    def run(self, words: Sequence[str], *, user: int | None = PROGRAM_USER, folder: str = "/", environment: Mapping[str, str] | None = None) -> str:
        """What a program prints.

        Raises:
            AssertionError: When it ends with another status than 0; the message is what it said.
        """
        streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
        with self.start(words, user=user, folder=folder, environment=environment or {}, **streams) as process:
            printed, said = process.communicate(timeout=PATIENCE_SECONDS)
        assert process.returncode == 0, f"{words} ended with {process.returncode}\n{said.decode()}"
        return printed.decode()

    def make_folder(self, path: str, *, user: int = PROGRAM_USER) -> None:
        """A folder of one account: what StateDirectory= and its kin give to a service."""
        self.run(["install", "--directory", "--mode=0700", *self._owner(user), path], user=None)

    def write(self, path: str, content: str | bytes, *, user: int = PROGRAM_USER) -> None:
        """A file that one account can read."""
        words = self.command(["sh", "-c", 'install -D --mode=0600 "$@" /dev/stdin "$0"', path, *self._owner(user)], user=None, folder="/")
        subprocess.run(words, input=content if isinstance(content, bytes) else content.encode(), check=True, env={"PATH": SYSTEM_PATH}, cwd="/")

    def _owner(self, user: int) -> list[str]:
        return [] if self.users else [f"--owner={user}", f"--group={user}"]

    def close_root(self, *more: str) -> None:
        """From now on nothing can be written but what is in memory or was made for a program."""
        for place in ("/", "/etc", "/opt", "/srv", "/root", *more):
            if self.is_mount(place):
                self.run(["mount", "-o", "remount,bind,ro", place], user=None)

    def is_mount(self, place: str) -> bool:
        words = self.command(["mountpoint", "--quiet", place], user=None, folder="/")
        return subprocess.run(words, check=False, env={"PATH": SYSTEM_PATH}, cwd="/").returncode == 0


def kept_folders() -> list[Path]:
    """What Python and the tests are made of."""
    places = {Path(place).resolve() for place in (ROOT, sys.prefix, sys.base_prefix, *(one for one in sys.path if one.endswith("-packages")))}
    return sorted(place for place in places if not any(other != place and place.is_relative_to(other) for other in places))


def closed_ancestor(folder: Path) -> Path | None:
    """The first folder on the way that other accounts may not pass."""
    return next((one for one in reversed(folder.parents) if not one.stat().st_mode & 0o001), None)


@contextmanager
def running(*, places: Mapping[str, Path], kept: Sequence[Path] = (), hosts: Sequence[str] = ()) -> Iterator[Machine]:
    """A machine for the time of the block; `places` are folders of this one, by where they are seen there.

    Raises:
        RuntimeError: When this account may not make one.
    """
    folders = [*kept_folders(), *kept]
    memory = {"/tmp": "mode=1777,noexec,nosuid,nodev,size=2g", "/run": "mode=0755", "/var/lib": "mode=0755", "/var/cache": "mode=0755"}
    memory |= dict.fromkeys(("/opt", "/srv"), "mode=0755")
    memory |= {str(one): "mode=0755" for one in map(closed_ancestor, folders) if one is not None}
    covered = [folder for folder in folders if any(folder.is_relative_to(place) for place in memory)]
    plan = {"kept": [str(one) for one in covered], "closed": memory, "places": {at: str(one) for at, one in places.items()}, "hosts": list(hosts)}
    users = os.getuid() != 0
    python = str(Path(sys.base_prefix) / "bin" / f"python{sys.version_info[0]}.{sys.version_info[1]}")
    words = ["unshare", "--mount", "--net", *(["--user", "--map-root-user"] if users else []), python, "-I", str(INSIDE), json.dumps(plan)]
    with subprocess.Popen(words, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd="/") as process:
        assert process.stdin is not None and process.stdout is not None
        try:
            if process.stdout.readline() != "ready\n":
                raise RuntimeError(REFUSED)
            yield Machine(process, users)
        finally:
            process.stdin.close()
            process.wait(timeout=30)


@contextmanager
def ended(process: subprocess.Popen[bytes], *, log: IO[bytes] | None = None) -> Iterator[subprocess.Popen[bytes]]:
    """A program of the machine that does not outlive the block."""
    try:
        yield process
    finally:
        process.kill()
        process.wait(timeout=30)
        if log is not None:
            log.close()


def find_nginx() -> str:
    """nginx, where Debian puts it.

    Raises:
        RuntimeError: When it is not installed; the message is the command.
    """
    found = shutil.which("nginx", path=f"{os.environ.get('PATH', os.defpath)}:{SYSTEM_PATH}")
    if found is None:
        raise RuntimeError(f"deploy/nginx.conf is run by a real nginx, which is not installed. Run: {INSTALL_NGINX}")
    return found
