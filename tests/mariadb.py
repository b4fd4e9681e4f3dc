"""A MariaDB of the tests' own: Debian's package, a data directory that lives as long as the session, a port of this machine alone."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pymysql

INSTALL = "apt-get install -y --no-install-recommends mariadb-server"


def find_program(name: str) -> str:
    """A program of MariaDB.

    Raises:
        RuntimeError: When MariaDB is not installed; the message is the command.
    """
    found = shutil.which(name, path=os.pathsep.join([os.environ.get("PATH", ""), "/usr/sbin", "/usr/local/sbin"]))
    if found is None:
        raise RuntimeError(f"Tables of a MariaDB are tested on a server, which is not installed. Run: {INSTALL}")
    return found


class Server:
    """A running server. Its administrator is ``root``, through the socket alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        own = pwd.getpwuid(os.getuid()).pw_name
        common = ["--no-defaults", f"--datadir={self.folder}/data", f"--user={own}"]
        install = [find_program("mariadb-install-db"), *common, "--auth-root-authentication-method=normal", "--skip-test-db"]
        done = subprocess.run(install, capture_output=True, text=True, check=False, timeout=120)
        if done.returncode:
            raise RuntimeError(f"mariadb-install-db: {done.stderr or done.stdout}")
        settings = [f"--socket={self.folder}/socket", f"--port={self.port}", "--bind-address=127.0.0.1", "--skip-name-resolve"]
        settings += ["--innodb-buffer-pool-size=64M", "--innodb-flush-log-at-trx-commit=0", f"--pid-file={self.folder}/pid", "--skip-log-bin"]
        self._process = subprocess.Popen(
            [find_program("mariadbd"), *common, *settings], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True
        )
        for _ in range(300):
            with suppress(pymysql.Error):
                self.connect().close()
                return
            time.sleep(0.05)
        raise RuntimeError("MariaDB did not start")

    def connect(self, database: str | None = None) -> pymysql.Connection:
        """A connection of the administrator."""
        return pymysql.connect(unix_socket=f"{self.folder}/socket", user="root", database=database, autocommit=True, local_infile=True)

    def stop(self) -> None:
        if self._process is not None:
            self._process.terminate()
            self._process.wait(timeout=30)


@contextmanager
def running() -> Iterator[Server]:
    """A server for the time of the block."""
    folder = Path(tempfile.mkdtemp(prefix="maria-"))
    server = Server(folder)
    try:
        server.start()
        yield server
    finally:
        server.stop()
        shutil.rmtree(folder, ignore_errors=True)
