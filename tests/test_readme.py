"""What the READMEs show is what the product prints: their commands are run, their output is compared.

``python -m tests.test_readme`` writes the real output into them.
"""

import contextlib
import io
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.fr.md")
BLOCK = re.compile(r"^```(console|pycon)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
NUMBER = re.compile(r"(?<![\w.-])\d[\d,.\u202f\u00a0]*")
# Another processor rounds the last digits of a draw differently; a figure that moved for a reason moves further.
RELATIVE_TOLERANCE = 0.02


def run_console(block: str, folder: Path) -> str:
    """The block with the standard output that its commands print now."""
    environment = os.environ | {
        "PYTHONPATH": str(ROOT),
        "LANG": "C.UTF-8",
        "PATH": f"{folder / 'bin'}:{os.environ['PATH']}",
    }
    environment.pop("LC_ALL", None)
    lines = []
    for command in (line for line in block.splitlines() if line.startswith("$ ")):
        done = subprocess.run(
            ["/bin/sh", "-c", command[2:]],
            capture_output=True,
            text=True,
            cwd=folder,
            env=environment,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{command}\n{done.stderr}"
        lines += [command, done.stdout.rstrip("\n")]
    return "\n".join(lines) + "\n"


def run_session(block: str, namespace: dict[str, object], folder: Path) -> str:
    """The Python session with what it prints now."""
    lines: list[str] = []
    statement: list[str] = []
    source = [line for line in block.splitlines() if line.startswith((">>> ", "...")) or line == ">>>"]
    with contextlib.chdir(folder):
        for line, following in zip(source, [*source[1:], ""], strict=True):
            lines.append(line)
            statement.append(line[4:])
            if following.startswith("..."):
                continue
            printed = io.StringIO()
            with contextlib.redirect_stdout(printed):
                exec(compile("\n".join(statement) + "\n", "README", "single"), namespace)
            lines += printed.getvalue().splitlines()
            statement = []
    return "\n".join(lines) + "\n"


def run_readme(name: str) -> tuple[str, str]:
    """The README as it stands and as its commands would write it."""
    written = (ROOT / name).read_text(encoding="utf-8")
    namespace: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        (folder / "bin").mkdir()
        launcher = folder / "bin" / "python"
        launcher.write_text(f'#!/bin/sh\nexec "{sys.executable}" "$@"\n', encoding="utf-8")
        launcher.chmod(0o755)

        def rerun(found: re.Match[str]) -> str:
            kind, block = found.groups()
            output = run_console(block, folder) if kind == "console" else run_session(block, namespace, folder)
            return f"```{kind}\n{output}```"

        return written, BLOCK.sub(rerun, written)


def as_number(text: str) -> float:
    return float(re.sub(r"[^\d.]", "", text.rstrip(".,")) or 0)


@pytest.mark.parametrize("name", READMES)
def test_what_the_readme_shows_is_what_the_product_prints(name: str) -> None:
    written, real = run_readme(name)
    shown, printed = NUMBER.split(written), NUMBER.split(real)
    assert [" ".join(part.split()) for part in shown] == [" ".join(part.split()) for part in printed]
    figures = zip(NUMBER.findall(written), NUMBER.findall(real), strict=True)
    moved = [(a, b) for a, b in figures if as_number(a) != pytest.approx(as_number(b), rel=RELATIVE_TOLERANCE, abs=1)]
    assert moved == []


@pytest.mark.parametrize("name", READMES)
def test_files_that_the_readme_points_to_exist(name: str) -> None:
    text = (ROOT / name).read_text(encoding="utf-8")
    targets = [target for target in re.findall(r"\]\(([^)#]+)\)", text) if not target.startswith("http")]
    assert targets
    assert [target for target in targets if not (ROOT / target).exists()] == []


def test_the_layout_map_names_what_exists() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    listed = re.findall(r"^((?:[\w./]+/?  ?)+) {2,}\S", text[text.index("## Where things are") :], re.MULTILINE)
    paths = [path for entry in listed for path in entry.split()]
    assert len(paths) > 8
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_command_of_the_makefile_named_in_the_readme_exists() -> None:
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    named = set(re.findall(r"\bmake (\w+)`?", text)) & {"run", "check", "test", "bench", "setup"}
    rules = set(re.findall(r"^([\w-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    assert named
    assert named <= rules


def write_readmes() -> None:
    """Put the real output into the READMEs."""
    for name in READMES:
        _, real = run_readme(name)
        (ROOT / name).write_text(real, encoding="utf-8")


if __name__ == "__main__":
    write_readmes()
