"""Reads the files of deploy/, so that tests run what is shipped and not a copy of it."""

from __future__ import annotations

import json
import re
import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parents[2]
DEPLOY = ROOT / "deploy"
VARIABLE = re.compile(r"\$\{(\w+)(?::([-?])([^}]*))?\}")


@dataclass(frozen=True)
class Instruction:
    """One instruction of a Containerfile: `RUN`, and what follows it."""

    name: str
    value: str


def containerfile() -> list[Instruction]:
    """The instructions of deploy/Containerfile, in their order."""
    text = (DEPLOY / "Containerfile").read_text(encoding="utf-8").replace("\\\n", " ")
    lines = [line.strip() for line in text.splitlines()]
    return [Instruction(*line.split(maxsplit=1)) for line in lines if line and not line.startswith("#")]


def last_stage() -> list[Instruction]:
    """The instructions of the stage that becomes the image."""
    written = containerfile()
    begins = [place for place, one in enumerate(written) if one.name == "FROM"]
    return written[begins[-1] :]


def only(name: str, written: list[Instruction]) -> str:
    """The value of an instruction that stands once."""
    (found,) = [one.value for one in written if one.name == name]
    return found


def image_environment() -> dict[str, str]:
    """What ENV of the last stage sets."""
    return dict(part.split("=", 1) for one in last_stage() if one.name == "ENV" for part in shlex.split(one.value))


def image_command() -> list[str]:
    """What the container runs when nothing else is asked for."""
    return [*json.loads(only("ENTRYPOINT", last_stage())), *json.loads(only("CMD", last_stage()))]


def compose(**variables: str) -> dict[str, Any]:
    """deploy/compose.yaml with its variables; one that has no default must be given."""

    def value(found: re.Match[str]) -> str:
        name, kind, rest = found.groups()
        given = variables.get(name, "")
        if not given and kind == "?":
            raise KeyError(f"{name}: {rest}")
        return given or (rest if kind == "-" else "")

    return dict(yaml.safe_load(VARIABLE.sub(value, (DEPLOY / "compose.yaml").read_text(encoding="utf-8"))))


def unit(name: str) -> dict[str, list[tuple[str, str]]]:
    """A file of systemd: section -> its settings, which may stand more than once."""
    sections: dict[str, list[tuple[str, str]]] = {}
    for line in (DEPLOY / "systemd" / name).read_text(encoding="utf-8").splitlines():
        if line.startswith("["):
            current = sections.setdefault(line.strip("[]"), [])
        elif line and not line.startswith("#"):
            setting, _, value = line.partition("=")
            current.append((setting, value))
    return sections


def setting(name: str, section: list[tuple[str, str]]) -> str:
    """The last value of a setting, which is the one in force."""
    return [value for known, value in section if known == name][-1]
