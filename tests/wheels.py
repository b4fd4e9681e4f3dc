"""Builds the wheel and installs it without a network: its libraries are those of the environment that the tests run in."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
OFFLINE = ["--no-deps", "--no-index"]


def build_wheel(folder: Path) -> Path:
    """The wheel of this checkout, in `folder`."""
    subprocess.run([*PIP, "wheel", *OFFLINE, "--no-build-isolation", "--wheel-dir", str(folder), str(ROOT)], check=True)
    (wheel,) = folder.glob("*.whl")
    return wheel


def install_command(wheel: Path, python: Path) -> list[str]:
    """Installs the wheel where `python` is, with nothing that it needs."""
    return [*PIP, "--python", str(python), "install", *OFFLINE, str(wheel)]


def libraries() -> str:
    """The text of a .pth file that gives another environment the libraries of this one."""
    return "\n".join(path for path in sys.path if path.endswith(("site-packages", "dist-packages")))
