"""The image and the compose file, tried: build, install from the lock file, start sealed off, sign in behind nginx, publish, read, stop.

Where a container engine works, the shipped files are built and started with it. Everywhere, with or without, their parts are run as processes: the
wheel is built and installed, and dashboard, `publish` and nginx run with the commands and variables of the shipped files, as an account without any
right, on a root that cannot be written to, without HOME, with temporary files in a tmpfs, in front of a PostgreSQL.
"""

from __future__ import annotations

import json
import os
import re
import signal
import ssl
import subprocess
import time
import urllib.error
import urllib.request
import warnings
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Browser, expect

from tests import oidc, postgres
from tests.browser.conftest import Visitor, free_port
from tests.browser.test_roles import sign_in
from tests.deploy.containers import Containers, find_engine
from tests.deploy.parts import Parts, sealed, stopped_after
from tests.deploy.shipped import DEPLOY, ROOT, compose, containerfile, image_command, image_environment, last_stage, only
from tests.test_wheel import Installed, installed  # noqa: F401  # a fixture

PEOPLE: dict[str, dict[str, object]] = {"vera": {"email": "vera@example.org", "email_verified": True, "roles": ["iceberg-viewer"]}}
MAPPING = """
[customers.columns]
customer_id = "customer_id"
start_date = "start_date"
end_date = "end_date"
segment = "segment"
revenue = "revenue"

[complaints.columns]
customer_id = "customer_id"
complaint_date = "complaint_date"
category = "category"
"""


class Company(Protocol):
    """The product as a company runs it."""

    address: str
    http: int

    def publish(self) -> subprocess.CompletedProcess[str]: ...


def prepare(folder: Path, programs: Path, address: str, provider: oidc.Provider) -> None:
    """What an administrator writes (docs/how-to/deploy.md): the sign-in, and the exports that are published."""
    streamlit = folder / "etc" / ".streamlit"
    streamlit.mkdir(parents=True)
    (folder / "etc" / "streamlit").symlink_to(".streamlit")  # the name outside of the container
    (streamlit / "secrets.toml").write_text(provider.secrets_toml(address), encoding="utf-8")
    subprocess.run([programs / "iceberg", "demo", "--out", folder / "exports"], check=True, capture_output=True, env={"PATH": os.defpath})
    (folder / "exports" / "iceberg-mapping.toml").write_text(MAPPING, encoding="utf-8")


def read(address: str, *, trusted: bool = True) -> tuple[int, dict[str, str], bytes]:
    """A response: status, headers, content; a certificate that the test made is taken."""
    context = ssl._create_unverified_context() if trusted else None

    class Stay(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_: object) -> None:
            return None

    opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=context), Stay)
    try:
        with opener.open(address, timeout=20) as answer:
            return answer.status, {name.lower(): value for name, value in answer.headers.items()}, answer.read()
    except urllib.error.HTTPError as problem:
        return problem.code, {name.lower(): value for name, value in problem.headers.items()}, problem.read()


def wait_until_ready(address: str, *, seconds: float = 120) -> float:
    """Seconds until /readyz says 200 through nginx."""
    began = time.monotonic()
    while time.monotonic() - began < seconds:
        try:
            if read(f"{address}/readyz")[0] == 200:
                return time.monotonic() - began
        except OSError:
            pass
        time.sleep(0.2)
    pytest.fail(f"not ready within {seconds:.0f} s")


ENGINE, FOUND = find_engine()


@pytest.fixture(scope="module", params=["parts", *(["containers"] if ENGINE else [])])
def company(request: pytest.FixtureRequest, installed: Installed, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:  # noqa: F811
    """Everything started, and the sample published."""
    folder = tmp_path_factory.mktemp("company")
    folder.chmod(0o755)
    with ExitStack() as stack:
        if request.param == "containers":
            assert ENGINE is not None
            provider = stack.enter_context(oidc.running(free_port(), PEOPLE))
            containers = Containers(ENGINE, folder)
            prepare(folder, installed.programs, containers.address, provider)
            stack.enter_context(containers.started())
            wait_until_ready(containers.address, seconds=300)
            yield containers
            return
        server = stack.enter_context(postgres.running())
        provider = stack.enter_context(oidc.running(free_port(), PEOPLE))
        parts = Parts(installed.programs, folder, server.address())
        prepare(folder, installed.programs, parts.address, provider)
        warm = {"PATH": os.defpath, "XDG_CACHE_HOME": str(folder / "cache"), "OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
        subprocess.run([installed.programs / "python", "-m", "iceberg.ui.serving.server"], check=True, cwd=folder, env=warm)
        processes = parts.nginx(), parts.dashboard()
        stack.enter_context(stopped_after(*processes))
        wait_until_ready(parts.address)
        yield parts
        processes[1].send_signal(signal.SIGTERM)
        assert processes[1].wait(timeout=30) == 0
        assert "Traceback" not in (folder / "dashboard.log").read_text(encoding="utf-8")


def test_it_is_said_which_way_was_tried() -> None:
    """Never a skip: without an engine the parts were run, and the summary of the tests says so."""
    if ENGINE is None:
        warnings.warn(f"No container engine: image and compose file were not built here, their parts were run ({FOUND}).", stacklevel=1)
    assert (ENGINE is None) != FOUND.startswith(("docker with", "podman with"))


def test_an_executive_signs_in_behind_nginx_and_reads_what_the_scheduler_published(company: Company, chromium: Browser) -> None:
    published = company.publish()
    assert published.returncode == 0, published.stdout + published.stderr
    link = re.search(r"https://localhost:\d+/iceberg/?\?study=[\w-]+", published.stdout)
    assert link is not None, published.stdout
    again = company.publish()
    assert again.returncode == 0
    assert "version 1" in again.stdout  # the same files are the same version

    visitor = Visitor(chromium, company.address, locale="en-GB", ignore_https_errors=True)
    page, sockets = visitor.page, set[str]()
    page.on("websocket", lambda socket: sockets.add(socket.url))
    page.goto(link[0])
    sign_in(page, "vera")
    expect(page.get_by_role("heading", name=re.compile(r"Behind [\d,]+ complainants"))).to_be_visible()
    assert any(url.startswith(company.address.replace("https", "wss")) for url in sockets)
    cookies = visitor.context.cookies(company.address)
    assert cookies and all(cookie["secure"] for cookie in cookies)
    assert visitor.strangers == set(), "a request left this machine"
    visitor.context.close()


def test_nginx_sends_readers_to_https_and_the_headers_of_the_page_with_it(company: Company) -> None:
    status, headers, _ = read(f"http://localhost:{company.http}/iceberg/?study=x")
    assert (status, headers["location"].startswith("https://localhost")) == (301, True)
    status, headers, content = read(f"{company.address}/")
    assert status == 200 and b'<div id="root">' in content
    assert "frame-ancestors 'self'" in headers["content-security-policy"] and headers["x-content-type-options"] == "nosniff"
    assert headers["strict-transport-security"].startswith("max-age=") and "nginx/" not in headers.get("server", "")
    script = re.search(rb'src="\./(static/[^"]+)"', content)
    assert script is not None
    status, headers, _ = read(f"{company.address}/{script[1].decode()}")
    assert status == 200 and "immutable" in headers["cache-control"]


def test_without_signing_in_nothing_is_told(company: Company) -> None:
    assert read(f"{company.address}/metrics")[0] == 401
    assert json.loads(read(f"{company.address}/readyz")[2]) == {"ready": True, "store": True, "sample": True}


def test_the_account_can_write_to_temporary_files_alone(installed: Installed, tmp_path: Path) -> None:  # noqa: F811
    """What seals the processes of these tests does seal them."""
    places = [installed.programs, installed.programs.parent / "cache", installed.folder, tmp_path, Path("/"), Path("/tmp")]
    temporary = tmp_path / "memory"
    temporary.mkdir()
    script = '; '.join(f"(touch {place}/left 2>/dev/null && echo {place})" for place in places)
    script += f"; touch {temporary}/left; id -u; echo ${{HOME-none}}"
    ran = subprocess.run(sealed(temporary, ["sh", "-c", script]), capture_output=True, text=True, check=True, env={"PATH": os.defpath}, timeout=60)
    assert ran.stdout.split() == ["10001", "none"]
    assert list(temporary.iterdir()) == []  # it was in memory


def test_the_image_without_sign_in_refuses_to_start(installed: Installed, tmp_path: Path) -> None:  # noqa: F811
    """It listens on every address, so everybody who reached it would be an owner."""
    program, *rest = image_command()
    environment = {name: value for name, value in image_environment().items() if name.startswith(("STREAMLIT_", "ICEBERG_"))}
    ran = subprocess.run(
        [installed.programs / program, *rest], capture_output=True, text=True, check=False, cwd=tmp_path, timeout=60,
        env={"PATH": os.defpath, "XDG_CACHE_HOME": str(tmp_path), "ICEBERG_STORE": str(tmp_path / "s.db")} | {
            name: value for name, value in environment.items() if name != "ICEBERG_STORE"
        },
    )  # fmt: skip
    assert ran.returncode == 2 and "0.0.0.0" in ran.stderr and "Traceback" not in ran.stderr


def test_the_image_is_built_from_pinned_parts_and_runs_as_nobody() -> None:
    written = containerfile()
    base = only("ARG", written[:1])
    assert re.fullmatch(r"BASE=docker\.io/library/python:3\.1[1-4]\.\d+-slim-\w+", base), "an exact version on an exact release"
    assert {one.value.split()[0] for one in written if one.name == "FROM"} == {"${BASE}"}
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", only("USER", last_stage())), "a number, which an orchestrator can see is not root"
    installs = [part for one in written if one.name == "RUN" for part in one.value.split("&&") if "pip install" in part]
    assert installs and all("--require-hashes" in part or ("--no-index" in part and "--no-deps" in part) for part in installs)
    copied = [place for one in written if one.name == "COPY" and "--from" not in one.value for place in one.value.split()[:-1]]
    assert {place for place in copied if not (ROOT / place).exists()} == set()
    allowed = {line[1:] for line in (DEPLOY / "Containerfile.dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {place for place in copied if not any(Path(place).match(pattern) for pattern in allowed)} == set()
    assert not any(Path(".streamlit/secrets.toml").match(pattern) for pattern in allowed), "a secret would be in the image"


def test_the_compose_file_holds_what_it_promises() -> None:
    services = compose(POSTGRES_PASSWORD="x", ICEBERG_URL="x")["services"]
    assert set(services) == {"dashboard", "publish", "postgres", "nginx"}
    for name, service in services.items():
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"] and "mem_limit" in service and "pids_limit" in service, name
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"]), name
        assert any(place.startswith("/tmp:") for place in service["tmpfs"]), name
        assert ":latest" not in service["image"] and ":" in service["image"], name
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]
    assert services["postgres"]["networks"] == ["inner"] and "inner" not in services["nginx"]["networks"]
    check = services["dashboard"]["healthcheck"]["test"]
    assert check[0] == "CMD" and only("HEALTHCHECK", last_stage()).endswith(json.dumps(check[1:]))
    with pytest.raises(KeyError, match="POSTGRES_PASSWORD"):
        compose(ICEBERG_URL="x")


def test_the_health_check_says_what_readyz_says(installed: Installed, company: Company) -> None:  # noqa: F811
    if isinstance(company, Parts):
        environment = {"STREAMLIT_SERVER_PORT": str(company.port), "STREAMLIT_SERVER_BASE_URL_PATH": "iceberg"}
        assert subprocess.run([installed.programs / "python", DEPLOY / "ready.py"], env=environment, check=False).returncode == 0
    else:
        done = company.compose("exec", "dashboard", "python", "/opt/iceberg/ready.py", seconds=60)
        assert done.returncode == 0, done.stderr
    nobody = {"STREAMLIT_SERVER_PORT": str(free_port())}
    assert subprocess.run([installed.programs / "python", DEPLOY / "ready.py"], env=nobody, check=False).returncode == 1


def test_both_files_of_nginx_say_the_same_about_the_dashboard() -> None:
    """docs/nginx.conf is for a host that has an nginx already; deploy/nginx.conf is a whole one."""
    def directives(path: Path, location: str) -> set[str]:
        block = re.search(rf"location {location} \{{(.*?)\n\s*\}}", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert block is not None
        lines = (line.partition("#")[0].strip() for line in block[1].splitlines())
        return {line.split()[0] + (" " + line.split()[1] if line.startswith("proxy_set_header") else "") for line in lines if line}

    for location in ("/iceberg/", "/iceberg/static/"):
        missing = directives(ROOT / "docs" / "nginx.conf", location) - directives(DEPLOY / "nginx.conf", location)
        assert missing == set()
