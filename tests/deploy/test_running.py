"""deploy/ at work: the image and the compose file where a container engine can build them, everywhere else the parts of both, as they are written.

The parts are the installed wheel, run as the account and with the environment, the paths and the commands of deploy/, on a root that cannot be
written to and with temporary files in memory (`machine.py`); a real PostgreSQL; a real nginx with deploy/nginx.conf. What is not as written: the
address of PostgreSQL (a socket), `/exports` of the compose file, and the libraries, which are those of the tests' environment.
"""

from __future__ import annotations

import json
import os
import re
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests import oidc, postgres
from tests.certificates import certificate
from tests.companies import write_company
from tests.deploy import engine
from tests.deploy.machine import PATIENCE_SECONDS, PROGRAM_USER, PROXY_USER, SYSTEM_PATH, Machine, ended, find_nginx, running
from tests.deploy.shipped import DEPLOY, ROOT, compose, containerfile, image_command, image_environment, setting, unit
from tests.deploy.test_schedulers import airflow_commands
from tests.wheels import build_wheel, install_command, libraries

HOME = "/var/lib/iceberg"  # of the account, which systemd and cron put into the environment
EXPORTS, PROVIDER = "/srv/iceberg/exports", 9400
URL = "https://localhost:8443/iceberg"
MAPPING = """
[customers.columns]
customer_id = "customer_id"
start_date = "start_date"
end_date = "end_date"

[complaints.columns]
customer_id = "customer_id"
complaint_date = "complaint_date"
category = "category"
"""


@dataclass(frozen=True)
class Host:
    """A machine with the installed package, its store and what it publishes.

    Attributes:
        machine: Where everything runs.
        store: The address of an empty database of PostgreSQL.
        logs: A folder of this machine for what the servers say.
    """

    machine: Machine
    store: str
    logs: Path

    def as_written(self, service: dict[str, Any]) -> dict[str, str]:
        """The environment of a container: that of the image, then that of the compose file, with this store."""
        image = image_environment()
        path = image["PATH"].replace("$PATH", SYSTEM_PATH)
        return image | {name: str(value) for name, value in service["environment"].items()} | {"PATH": path, "ICEBERG_STORE": self.store}


def services() -> dict[str, Any]:
    return dict(compose(POSTGRES_PASSWORD="unused", ICEBERG_URL=URL)["services"])


@pytest.fixture(scope="module")
def host(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    """The package installed at /opt/iceberg, its sample worked out as the image's build does, and what an administrator writes."""
    wheels, exports, logs = (tmp_path_factory.mktemp(name) for name in ("wheels", "exports", "logs"))
    wheel = build_wheel(wheels)
    write_company(exports, lambda number: f"K{number:05d}")
    (exports / "iceberg-mapping.toml").write_text(MAPPING, encoding="utf-8")
    certificate(wheels)
    for folder in (wheels, exports):
        folder.chmod(0o755)
    with postgres.running() as server:
        server.folder.chmod(0o755)  # its socket is reached by another account
        places = {EXPORTS: exports, "/srv/wheels": wheels}
        with running(places=places, kept=[server.folder], hosts=["dashboard"]) as machine:
            machine.run([sys.executable, "-m", "venv", "--without-pip", "/opt/iceberg"], user=None)
            machine.run(install_command(Path("/srv/wheels") / wheel.name, Path("/opt/iceberg/bin/python")), user=None)
            pth = f"/opt/iceberg/lib/python{sys.version_info[0]}.{sys.version_info[1]}/site-packages/libraries.pth"
            machine.write(pth, libraries())
            machine.write("/opt/iceberg/ready.py", (DEPLOY / "ready.py").read_bytes())
            machine.write("/etc/iceberg/iceberg-mapping.toml", MAPPING)
            provider = oidc.Provider(f"http://localhost:{PROVIDER}", {})
            machine.write("/etc/iceberg/.streamlit/secrets.toml", provider.secrets_toml(URL))
            machine.write("/etc/nginx/nginx.conf", (DEPLOY / "nginx.conf").read_bytes(), user=PROXY_USER)
            for name in ("fullchain.pem", "privkey.pem"):
                machine.write(f"/etc/nginx/tls/{name}", (wheels / name).read_bytes(), user=PROXY_USER)
            for folder in ("/opt", "/etc/iceberg", "/etc/nginx"):
                machine.run(["chmod", "-R", "a+rX", folder], user=None)
            bring_cache(machine)
            (prepare,) = [one.value for one in containerfile() if one.name == "RUN" and "iceberg.ui.serving.server" in one.value]
            machine.run(["sh", "-c", prepare], user=None)
            for name in ("/var/lib/iceberg", "/var/cache/iceberg", "/run/iceberg-publish", "/run/iceberg-dashboard"):
                machine.make_folder(name)
            machine.run(["cp", "-R", "/opt/iceberg/cache/.", "/var/cache/iceberg"])
            machine.close_root(EXPORTS, str(ROOT))
            yield Host(machine, server.address(), logs)


def bring_cache(machine: Machine) -> None:
    """What this checkout has worked out of the sample; what is missing or out of date is worked out again."""
    for path in (ROOT / ".cache").glob("sample-*"):
        machine.write(f"/opt/iceberg/cache/silent-churn-iceberg/{path.name}", path.read_bytes())


def from_unit(name: str) -> tuple[list[str], dict[str, str], str]:
    """What systemd would run: the command, its environment and its folder."""
    service = unit(name)["Service"]
    environment = dict(part.split("=", 1) for key, value in service if key == "Environment" for part in shlex.split(value))
    return shlex.split(setting("ExecStart", service)), environment | {"HOME": HOME}, setting("WorkingDirectory", service)


def test_nothing_can_be_written_but_what_is_in_memory_or_the_programs_own(host: Host) -> None:
    """Not by its administrator either."""
    for place in ("/", "/etc", "/etc/iceberg", "/opt/iceberg", "/usr", EXPORTS, str(ROOT)):
        with pytest.raises(AssertionError, match="Read-only file system"):
            host.machine.run(["touch", f"{place}/written"], user=None)
    assert host.machine.run(["findmnt", "--noheadings", "--output", "FSTYPE", "--target", "/tmp"]).strip() == "tmpfs"
    asked = "import os; print(os.getuid(), os.getgid(), open('/proc/self/status').read().partition('CapEff:')[2].split()[0])"
    user, group, capabilities = host.machine.run(["/opt/iceberg/bin/python", "-c", asked]).split()
    assert int(capabilities, 16) == 0
    assert host.machine.users or (int(user), int(group)) == (PROGRAM_USER, PROGRAM_USER)
    where = host.machine.run(["/opt/iceberg/bin/python", "-c", "import iceberg; print(iceberg.__file__)"], folder="/etc/iceberg")
    assert where.startswith("/opt/iceberg/lib/")


def test_the_schedulers_publish_one_version_as_they_are_written(host: Host) -> None:
    """systemd's unit, then cron's line: the same files are the same version, and no temporary file stays."""
    words, environment, folder = from_unit("iceberg-publish.service")
    said = host.machine.run(words, environment=environment, folder=folder)
    assert "Published: Silent churn, version 1." in said
    lines = [line for line in (DEPLOY / "cron" / "iceberg-publish").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    settings = dict(line.split("=", 1) for line in lines[:-1])
    said = host.machine.run([settings["SHELL"], "-c", lines[-1].split(maxsplit=6)[6]], environment=settings | {"HOME": HOME, "TMPDIR": "/tmp"})
    assert "Nothing new: Silent churn, version 1" in said
    assert host.machine.run(["find", environment["TMPDIR"], "/tmp", "-maxdepth", "1", "-name", "iceberg-*"]) == "/run/iceberg-publish\n"
    assert host.machine.run(["stat", "--format=%a", environment["ICEBERG_STORE"]]).strip() == "600"


def test_the_unit_of_the_dashboard_serves_and_ends_when_systemd_says_so(host: Host) -> None:
    words, environment, folder = from_unit("iceberg-dashboard.service")
    environment |= {"STREAMLIT_SERVER_BASE_URL_PATH": "iceberg"}  # from iceberg.env.example
    log = (host.logs / "unit.log").open("wb")
    with ended(host.machine.start(words, environment=environment, folder=folder, stdout=log, stderr=log), log=log) as server:
        host.machine.run(["/opt/iceberg/bin/python", "/opt/iceberg/ready.py", "--wait", str(PATIENCE_SECONDS)], environment=environment)
        server.send_signal(signal.SIGTERM)
        assert server.wait(timeout=120) == 0, (host.logs / "unit.log").read_text()
    assert "Traceback" not in (host.logs / "unit.log").read_text()


@pytest.fixture(scope="module")
def seen(host: Host, tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What a visitor sees through nginx: of the containers where an engine can build them, else of their parts in the machine."""
    usable = engine.usable()
    if usable is not None:
        folder = tmp_path_factory.mktemp("compose")
        (folder / "tls").mkdir()
        certificate(folder / "tls")
        with engine.compose_up(usable, folder) as address:
            yield visited([sys.executable, "-m", "tests.visitor", address, "--ca", str(folder / "tls" / "fullchain.pem")])
        return
    written = services()
    environment = host.as_written(written["dashboard"])
    said = host.machine.run(airflow_commands()[0], environment=environment, folder="/etc/iceberg")
    published = re.search(r"\?study=(\S+)", said)
    assert published is not None, said
    own = [*image_command()[:1], *(word.replace("/exports", EXPORTS) for word in written["publish"]["command"])]
    assert "Nothing new" in host.machine.run(own, environment=host.as_written(written["publish"]), folder="/etc/iceberg")
    with (host.logs / "dashboard.log").open("wb") as said_by, (host.logs / "nginx.log").open("wb") as log:
        os.fchmod(log.fileno(), 0o666)  # nginx opens /dev/stderr again, as its own account
        dashboard = host.machine.start(image_command(), environment=environment, folder="/etc/iceberg", stdout=said_by, stderr=said_by)
        words = [find_nginx(), *written["nginx"]["command"][1:]]
        proxy = host.machine.start(words, user=PROXY_USER, environment={}, stdout=log, stderr=log)
        with ended(dashboard), ended(proxy):
            check = written["dashboard"]["healthcheck"]["test"][1:]
            host.machine.run([*check, "--wait", str(PATIENCE_SECONDS)], environment=environment)
            look = [sys.executable, "-m", "tests.visitor", URL, "--ca", "/etc/nginx/tls/fullchain.pem", "--as", "vera", f"--provider={PROVIDER}"]
            told = visited(host.machine.command([*look, "--query", f"study={published[1]}"], user=None, folder=str(ROOT)))
            dashboard.send_signal(signal.SIGTERM)
            told["status"] = dashboard.wait(timeout=120)
    told["log"] = (host.logs / "dashboard.log").read_text()
    yield told


def visited(words: list[str]) -> dict[str, Any]:
    environment = {"PATH": SYSTEM_PATH, "PYTHONPATH": str(ROOT), "HOME": "/nonexistent"}
    done = subprocess.run(words, capture_output=True, text=True, check=False, timeout=PATIENCE_SECONDS, env=environment, cwd=ROOT)
    assert done.returncode == 0, done.stderr
    return dict(json.loads(done.stdout))


def test_the_dashboard_is_ready_behind_nginx_and_shows_a_page_over_its_websocket(seen: dict[str, Any]) -> None:
    assert seen["readyz"] == [200, {"ready": True, "store": True, "sample": True}]
    status, headers, text = seen["start"]
    assert status == 200 and '<div id="root">' in text
    assert headers["strict-transport-security"] == "max-age=31536000" and "frame-ancestors 'self'" in headers["content-security-policy"]
    assert any("Sign in" in label for label in seen["door"]["buttons"]) and seen["door"]["exception"] == ""
    assert seen["cookies"]["_streamlit_xsrf"] is True  # Secure


def test_a_signed_in_viewer_reads_the_published_study_and_sigterm_ends_the_server(seen: dict[str, Any]) -> None:
    if "page" not in seen:  # the containers know no provider: there the way in is as far as it goes
        assert engine.usable() is not None
        return
    assert seen["page"]["exception"] == "" and any("Silent churn" in text for text in seen["page"]["texts"])
    assert seen["cookies"]["_streamlit_user"] is True
    assert seen["status"] == 0 and "Traceback" not in seen["log"]
