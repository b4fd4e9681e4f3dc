"""A PostgreSQL of the tests' own: Debian's package, a data directory that lives as long as the session, a socket nobody else sees."""

import os
import pwd
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

INSTALL = "apt-get install -y --no-install-recommends postgresql"
_number = count()


def find_program(name: str) -> Path:
    """A program of PostgreSQL: on the path, or where Debian puts it.

    Raises:
        RuntimeError: When PostgreSQL is not installed; the message is the command.
    """
    places = sorted(Path("/usr/lib/postgresql").glob(f"*/bin/{name}"), reverse=True)
    found = next(iter(places), None) or shutil.which(name)
    if found is None:
        raise RuntimeError(f"The store is tested on PostgreSQL, which is not installed. Run: {INSTALL}")
    return Path(found)


def unprivileged() -> str | None:
    """PostgreSQL refuses to run as root: then it runs as the user of Debian's package, or as nobody."""
    if os.getuid() != 0:
        return None
    known = {user.pw_name for user in pwd.getpwall()}
    return "postgres" if "postgres" in known else "nobody"


class Server:
    """A running server. `address` makes a new empty database."""

    def __init__(self, folder: Path, user: str | None) -> None:
        self.folder, self.user = folder, user
        self._process: subprocess.Popen[bytes] | None = None

    def run(self, program: str, *arguments: str) -> str:
        """Run one of PostgreSQL's programs against this server."""
        command = [str(find_program(program)), *arguments]
        done = subprocess.run(command, user=self.user, cwd=self.folder, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            raise RuntimeError(f"{program}: {done.stderr}")
        return done.stdout

    def start(self) -> None:
        self.run("initdb", "-D", f"{self.folder}/data", "-U", "tester", "--auth=trust", "--no-sync", "-E", "UTF8", "--locale=C")
        self.start_again()

    def start_again(self) -> None:
        settings = ["listen_addresses=", f"unix_socket_directories={self.folder}", "fsync=off", "max_connections=60", "shared_buffers=32MB"]
        command = [str(find_program("postgres")), "-D", f"{self.folder}/data", *(part for one in settings for part in ("-c", one))]
        self._process = subprocess.Popen(
            command, user=self.user, cwd=self.folder, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        for _ in range(200):
            try:
                self.run("pg_isready", "-h", str(self.folder), "-U", "tester", "-d", "postgres")
            except RuntimeError:
                time.sleep(0.05)
            else:
                return
        raise RuntimeError("PostgreSQL did not start")

    def stop(self) -> None:
        if self._process is not None:
            self._process.send_signal(2)  # SIGINT: a fast shutdown
            self._process.wait(timeout=30)

    def address(self, *, user: str = "tester") -> str:
        """The URL of a new empty database."""
        name = f"store{next(_number)}"
        self.run("createdb", "-h", str(self.folder), "-U", "tester", name)
        return self.url(name, user=user)

    def url(self, database: str, *, user: str = "tester") -> str:
        return f"postgresql+psycopg://{user}@/{database}?host={self.folder}"

    def dump(self, address: str) -> str:
        """Everything in a database as text, large values spelt out."""
        database = address.partition("@/")[2].partition("?")[0]
        return self.run("pg_dump", "-h", str(self.folder), "-U", "tester", "--inserts", database)


@contextmanager
def running() -> Iterator[Server]:
    """A server for the time of the block."""
    user = unprivileged()
    folder = Path(tempfile.mkdtemp(prefix="pg-"))  # short: a socket's path has a limit
    if user is not None:
        shutil.chown(folder, user)
    server = Server(folder, user)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
