"""systemd, cron and Airflow: what they run is a command of this program, as an account that can write to its own folders alone."""

import ast
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from iceberg.cli.arguments.options import parse_options
from tests.deploy.shipped import DEPLOY, compose, setting, unit

SERVICES = ("iceberg-dashboard.service", "iceberg-publish.service")
PROGRAM = "/opt/iceberg/bin/iceberg"
# Each closes something that a program which reads files of strangers has no use for.
HARDENED = {
    "User": "iceberg", "ProtectSystem": "strict", "ProtectHome": "yes", "PrivateTmp": "yes", "PrivateDevices": "yes", "NoNewPrivileges": "yes",
    "CapabilityBoundingSet": "", "RestrictNamespaces": "yes", "RestrictSUIDSGID": "yes", "SystemCallFilter": "~@privileged", "UMask": "0077",
    "MemorySwapMax": "0", "LimitCORE": "0", "StateDirectoryMode": "0700", "RuntimeDirectoryMode": "0700",
}  # fmt: skip


def parsed_words(command: list[str]) -> str:
    """The command that the command line's own parser makes of it; a wrong option is an error."""
    return parse_options(command).command


def commands_of_the_examples() -> dict[str, list[str]]:
    """Where -> what is run, from the name of the program on."""
    cron = (DEPLOY / "cron" / "iceberg-publish").read_text(encoding="utf-8")
    (job,) = [line for line in cron.splitlines() if re.match(r"[\d*]", line)]
    words = shlex.split(job.split(maxsplit=6)[6])
    found = {name: shlex.split(setting("ExecStart", unit(name)["Service"])) for name in SERVICES}
    found["cron"] = words[words.index("iceberg") :]
    found["airflow"] = airflow_commands()[0]
    found["compose publish"] = ["iceberg", *compose(POSTGRES_PASSWORD="x", ICEBERG_URL="x")["services"]["publish"]["command"]]
    return found


def airflow_commands(*, status: int = 0) -> list[list[str]]:
    """What the example's tasks would run, as Airflow runs them: the decorators of the SDK, and a program that ends with `status`."""
    ran: list[list[str]] = []
    tasks: list[Callable[[], None]] = []
    told: dict[str, Any] = {}

    def dag(**options: Any) -> Callable[[Callable[[], None]], Callable[[], None]]:
        told.update(options)
        return lambda function: function

    def task(function: Callable[[], None]) -> Callable[[], None]:
        return lambda: tasks.append(function)

    class AirflowFailException(Exception):  # noqa: N818  # the name is Airflow's
        """As Airflow's: no retry."""

    def run(command: list[str], **options: Any) -> subprocess.CompletedProcess[str]:
        assert options["env"]["ICEBERG_STORE"].startswith("postgresql+psycopg://")
        ran.append(command)
        return subprocess.CompletedProcess(command, status)

    sdk, exceptions = ModuleType("airflow.sdk"), ModuleType("airflow.exceptions")
    sdk.dag, sdk.task, exceptions.AirflowFailException = dag, task, AirflowFailException  # type: ignore[attr-defined]
    with pytest.MonkeyPatch.context() as patch:
        for name, module in {"airflow": ModuleType("airflow"), "airflow.sdk": sdk, "airflow.exceptions": exceptions}.items():
            patch.setitem(sys.modules, name, module)
        patch.setattr(subprocess, "run", run)
        path = DEPLOY / "airflow" / "iceberg_publish.py"
        exec(compile(path.read_text(encoding="utf-8"), str(path), "exec"), {"__name__": "iceberg_publish"})
        assert told["catchup"] is False and told["max_active_runs"] == 1 and told["default_args"]["retries"] > 0
        for one in tasks:
            one()
    return ran


@pytest.mark.parametrize("where", [*SERVICES, "cron", "airflow", "compose publish"])
def test_every_example_runs_a_command_of_this_program(where: str) -> None:
    program, *typed = commands_of_the_examples()[where]
    assert program in {"iceberg", PROGRAM}
    assert parsed_words(typed) == ("dashboard" if where == SERVICES[0] else "publish")
    if where != SERVICES[0]:
        assert "--quiet" in typed and any(word.startswith("--mapping") for word in typed), "a scheduler confirms no columns"
        assert any(word.startswith("--window-months") for word in typed), "next month's run moves on"


def test_a_wrong_file_is_not_tried_again_by_airflow_and_a_fault_is() -> None:
    with pytest.raises(Exception, match="retry would not mend") as wrong:
        airflow_commands(status=2)
    assert type(wrong.value).__name__ == "AirflowFailException"
    with pytest.raises(RuntimeError, match="status 1"):
        airflow_commands(status=1)


def test_the_airflow_example_imports_nothing_of_the_product() -> None:
    """Airflow's environment and the product's have different versions of the same libraries."""
    tree = ast.parse((DEPLOY / "airflow" / "iceberg_publish.py").read_text(encoding="utf-8"))
    modules = {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
    modules |= {name.name for node in ast.walk(tree) if isinstance(node, ast.Import) for name in node.names}
    assert modules == {"os", "subprocess", "datetime", "airflow.exceptions", "airflow.sdk"}


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_writes_to_its_own_folders_and_keeps_temporary_files_in_memory(name: str) -> None:
    service = unit(name)["Service"]
    assert {one: setting(one, service) for one in HARDENED} == HARDENED
    assert re.fullmatch(r"\d+G", setting("MemoryMax", service))
    environment = dict(part.split("=", 1) for key, value in service if key == "Environment" for part in shlex.split(value))
    assert environment["TMPDIR"] == f"/run/{setting('RuntimeDirectory', service)}"  # /run is a tmpfs
    assert environment["ICEBERG_STORE"] == f"/var/lib/{setting('StateDirectory', service)}/store.db"
    assert environment["XDG_CACHE_HOME"] == f"/var/cache/{setting('CacheDirectory', service)}"


def test_a_wrong_configuration_is_not_started_again_and_again() -> None:
    service = unit(SERVICES[0])["Service"]
    assert (setting("Restart", service), setting("RestartPreventExitStatus", service)) == ("on-failure", "2")


def test_systemd_takes_the_units(tmp_path: Path) -> None:
    """With systemd's own judgement where it is installed: nothing unknown in them, and little that an intruder could reach."""
    analyze = shutil.which("systemd-analyze")
    for name in (*SERVICES, "iceberg-publish.timer"):
        text = (DEPLOY / "systemd" / name).read_text(encoding="utf-8")
        (tmp_path / name).write_text(text.replace(PROGRAM, "/bin/true"), encoding="utf-8")
    assert setting("OnCalendar", unit("iceberg-publish.timer")["Timer"]) == "*-*-02 05:30"
    assert setting("Persistent", unit("iceberg-publish.timer")["Timer"]) == "true"
    if analyze is None:  # not a machine of systemd: the settings were read above all the same
        known = {"Unit", "Service", "Timer", "Install"}
        assert all(set(unit(name)) <= known for name in (*SERVICES, "iceberg-publish.timer"))
        return
    for name in (*SERVICES, "iceberg-publish.timer"):
        verified = subprocess.run([analyze, "verify", str(tmp_path / name)], capture_output=True, text=True, check=False, timeout=60)
        ours = [line for line in verified.stderr.splitlines() if "iceberg" in line]
        assert verified.returncode == 0 and ours == [], verified.stderr
    for name in SERVICES:
        command = [analyze, "security", "--offline=true", "--threshold=20", str(tmp_path / name)]
        judged = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        assert judged.returncode == 0, judged.stdout  # an exposure of 2.0 or less, of 10


def test_the_calendar_of_the_timer_is_one() -> None:
    analyze = shutil.which("systemd-analyze")
    written = setting("OnCalendar", unit("iceberg-publish.timer")["Timer"])
    assert re.fullmatch(r"\*-\*-\d\d \d\d:\d\d", written)
    if analyze is not None:
        told = subprocess.run([analyze, "calendar", written], capture_output=True, text=True, check=False, timeout=60)
        assert told.returncode == 0 and "Next elapse" in told.stdout


def test_the_cron_file_has_the_form_of_cron_d() -> None:
    lines = [line for line in (DEPLOY / "cron" / "iceberg-publish").read_text(encoding="utf-8").splitlines() if line and not line.startswith("#")]
    names = dict(line.split("=", 1) for line in lines[:-1])
    assert set(names) == {"SHELL", "PATH", "MAILTO", "ICEBERG_STORE", "TMPDIR"}
    minute, hour, day, month, weekday, user, command = lines[-1].split(maxsplit=6)
    assert 0 <= int(minute) < 60 and 0 <= int(hour) < 24 and 1 <= int(day) <= 28 and (month, weekday, user) == ("*", "*", "iceberg")
    assert "%" not in command  # cron makes a line break of it
    assert subprocess.run(["/bin/sh", "-n", "-c", command], check=False).returncode == 0


def test_the_job_of_cron_publishes_and_a_second_run_meets_the_lock(tmp_path: Path) -> None:
    """The line itself, with a program that says what it was given."""
    (tmp_path / "bin").mkdir()
    program = tmp_path / "bin" / "iceberg"
    program.write_text('#!/bin/sh\nprintf "%s\\n" "$@"\n', encoding="utf-8")
    program.chmod(0o755)
    line = (DEPLOY / "cron" / "iceberg-publish").read_text(encoding="utf-8").splitlines()[-1].split(maxsplit=6)[6]
    line = line.replace("/etc/iceberg", str(tmp_path)).replace("/var/lib/iceberg", str(tmp_path))
    environment = {"PATH": f"{tmp_path / 'bin'}:{os.defpath}"}
    ran = subprocess.run(["/bin/sh", "-c", line], capture_output=True, text=True, env=environment, check=True, timeout=60)
    assert parsed_words(ran.stdout.splitlines()) == "publish" and "Silent churn" in ran.stdout.splitlines()
    locked = f"flock {tmp_path}/publish.lock /bin/sh -c {shlex.quote(line)}"
    assert subprocess.run(["/bin/sh", "-c", locked], capture_output=True, env=environment, check=False, timeout=60).returncode == 1
