"""What `pip install .` gives outside the checkout: the command, the page, the sample, the store's migrations and both languages."""

import json
import os
import signal
import subprocess
import tomllib
import urllib.request
import venv
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.browser.conftest import free_port, wait_for
from tests.wheels import build_wheel, install_command, libraries

ROOT = Path(__file__).resolve().parents[1]
BESIDE = "iceberg/_checkout/"  # where the wheel holds what lies beside the package in a checkout


@dataclass(frozen=True)
class Installed:
    """The wheel, installed where nothing of the checkout can be found.

    Attributes:
        wheel: The file that was installed.
        programs: Folder of `python` and `iceberg`.
        folder: The current folder of every command.
    """

    wheel: Path
    programs: Path
    folder: Path

    @property
    def environment(self) -> dict[str, str]:
        """Without this process's path of modules, with caches in a folder that can be inspected."""
        ours = {"LANG": "C.UTF-8", "XDG_CACHE_HOME": str(self.folder / "cache")}
        return {name: value for name, value in os.environ.items() if name not in {"PYTHONPATH", "ICEBERG_STORE", "LC_ALL"}} | ours

    def run(self, *command: str) -> str:
        """What a program of the environment prints."""
        typed = [str(self.programs / command[0]), *command[1:]]
        done = subprocess.run(typed, capture_output=True, text=True, cwd=self.folder, env=self.environment, check=False, timeout=120)
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        return done.stdout


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Installed:
    """Built and installed without a network; the libraries are those of this environment."""
    wheels, place, folder = (tmp_path_factory.mktemp(name) for name in ("wheels", "environment", "elsewhere"))
    wheel = build_wheel(wheels)
    venv.create(place)
    programs = place / ("Scripts" if os.name == "nt" else "bin")
    subprocess.run(install_command(wheel, programs / "python"), check=True)
    (packages,) = place.rglob("site-packages")
    (packages / "libraries.pth").write_text(libraries(), encoding="utf-8")
    return Installed(wheel, programs, folder)


def test_the_wheel_holds_every_file_of_the_package_and_what_lies_beside_it(installed: Installed) -> None:
    listed = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "iceberg", "data", "app.py", ".streamlit/config.toml"]
    names = subprocess.run(listed, capture_output=True, text=True, check=True, cwd=ROOT).stdout.split("\0")
    known = {name for name in names if name and (ROOT / name).is_file()}
    with zipfile.ZipFile(installed.wheel) as archive:
        packed = {name: archive.read(name) for name in archive.namelist() if ".dist-info/" not in name}
    assert set(packed) == {name if name.startswith("iceberg/") else BESIDE + name for name in known}
    assert all(content == (ROOT / name.removeprefix(BESIDE)).read_bytes() for name, content in packed.items())
    assert {"iceberg/py.typed", BESIDE + "data/fr/clients.csv", "iceberg/store/migrations/script.py.mako"} <= set(packed)


def test_the_wheel_asks_for_what_the_requirements_files_name(installed: Installed) -> None:
    with zipfile.ZipFile(installed.wheel) as archive:
        (name,) = [name for name in archive.namelist() if name.endswith("METADATA")]
        lines = archive.read(name).decode().splitlines()
    asked = [line.removeprefix("Requires-Dist: ") for line in lines if line.startswith("Requires-Dist: ")]
    for extra in ("", "postgres", "databases", "lake", "spark"):
        file = ROOT / f"requirements{extra and '-'}{extra}.txt"
        named = [line.partition("#")[0].strip() for line in file.read_text(encoding="utf-8").splitlines()]
        wanted = sorted(line.partition(">")[0].lower() for line in named if line)
        ours = [line for line in asked if (f"extra == '{extra}'" in line if extra else "extra ==" not in line)]
        assert sorted(line[: len(name)] for line, name in zip(sorted(ours), wanted, strict=True)) == wanted


def test_the_command_is_the_module(installed: Installed) -> None:
    where = installed.run("python", "-c", "import iceberg; print(iceberg.__file__)")
    assert not Path(where).is_relative_to(ROOT)
    helped = installed.run("iceberg", "--help")
    assert helped == installed.run("python", "-m", "iceberg", "--help")
    assert "dashboard" in helped


def test_the_sample_is_written_and_estimated_in_french(installed: Installed) -> None:
    installed.run("iceberg", "demo", "--out", "exemple", "--lang", "fr")
    files = ("--customers", "exemple/clients.csv", "--complaints", "exemple/reclamations.csv")
    printed = installed.run("iceberg", "estimate", *files, "--lang", "fr", "--quiet", "--json", "estimation.json")
    assert "clients" in printed
    assert (installed.folder / "estimation.json").is_file()


def test_a_new_store_is_brought_to_the_newest_schema(installed: Installed) -> None:
    installed.run("iceberg", "studies", "list", "--store", "studies.db")
    script = "import sqlite3; print(sqlite3.connect('studies.db').execute('SELECT version_num FROM alembic_version').fetchone()[0])"
    version = installed.run("python", "-c", script).strip()
    assert any(f'revision = "{version}"' in path.read_text(encoding="utf-8") for path in (ROOT / "iceberg/store/migrations/versions").glob("*.py"))


OPTIONS = """
import json
from streamlit import config
from streamlit.web import bootstrap
from iceberg.ui.serving.launch import run_dashboard

bootstrap.run_asgi_app = lambda *_: print(json.dumps({name: config.get_option(name) for name in NAMES}))
run_dashboard(port=8600)
"""


def test_the_installed_dashboard_has_the_configuration_of_the_checkout(installed: Installed) -> None:
    """Also where the folder it is started in has another one."""
    text = (ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8")
    wanted = dict(_options(tomllib.loads(text)))
    assert wanted["browser.gatherUsageStats"] is False
    other = installed.folder / "other" / ".streamlit" / "config.toml"
    other.parent.mkdir(parents=True)
    other.write_text("[browser]\ngatherUsageStats = true\n", encoding="utf-8")
    script = f"import os\nos.chdir('other')\nNAMES = {[*wanted, 'server.port']}\n{OPTIONS}"
    assert json.loads(installed.run("python", "-c", script)) == wanted | {"server.port": 8600}


def _options(table: dict[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    """The options of a configuration file, by their dotted names."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _options(value, f"{prefix}{name}.")
        else:
            yield prefix + name, value


PAGE = """
from streamlit.testing.v1 import AppTest
from iceberg.installation import HOME
from iceberg.ui.frame import page_file

app = AppTest.from_file(HOME / "app.py", default_timeout=60)
app.context = {"locale": "fr-FR"}
app.run()
app.switch_page(str(page_file("category"))).run()
assert not app.exception, app.exception
print(app.title[0].value)
"""


def test_the_installed_pages_find_the_sample_and_each_other(installed: Installed) -> None:
    printed = installed.run("python", "-c", PAGE)
    assert printed == "temps d'attente\n"
    assert any((installed.folder / "cache" / "silent-churn-iceberg").glob("sample-*.npz"))
    assert not list(installed.programs.parent.rglob(".cache"))


@pytest.fixture(scope="module")
def dashboard(installed: Installed) -> Iterator[tuple[str, "subprocess.Popen[bytes]"]]:
    """The address of the installed dashboard, and its process; it can be interrupted as in a terminal."""
    port = free_port()
    command = [str(installed.programs / "iceberg"), "dashboard", "--port", str(port)]
    log = installed.folder / "dashboard.log"
    with (
        log.open("wb") as errors,
        subprocess.Popen(command, cwd=installed.folder, env=installed.environment, stdout=subprocess.DEVNULL, stderr=errors) as server,
    ):
        try:
            wait_for(f"http://localhost:{port}/_stcore/health", server)
            yield f"http://localhost:{port}", server
        finally:
            server.kill()


def test_the_installed_dashboard_answers_and_ends_quietly(dashboard: tuple[str, "subprocess.Popen[bytes]"], installed: Installed) -> None:
    address, server = dashboard
    with urllib.request.urlopen(address, timeout=10) as answer:
        assert b'<div id="root">' in answer.read()
    server.send_signal(signal.SIGINT)
    assert server.wait(timeout=30) == 0
    log = (installed.folder / "dashboard.log").read_text(encoding="utf-8")
    assert "Traceback" not in log
    assert "Aborted" not in log
