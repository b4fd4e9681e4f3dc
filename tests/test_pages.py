"""What the READMEs and the documentation show is what the product prints: their commands are run, their output is compared.

A fence that says ``console`` or ``pycon`` is run, in the order of its page, in a folder made for that page. A command that cannot be run
here (a cluster, a server, a password) stands in a fence that says ``shell`` or ``text``. ``python -m tests.test_pages [PAGE ...]`` writes the
real output into the pages.
"""

import contextlib
import importlib
import io
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
READMES = ("README.md", "README.fr.md")
PAGES = (*READMES, *sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")))
OTHER_READMES = sorted(path.relative_to(ROOT).as_posix() for part in ("data", "benchmarks", "iceberg") for path in (ROOT / part).rglob("README.md"))
BLOCK = re.compile(r"^```(console|pycon)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
RUN_LIKE = re.compile(r"^[ \t>*-]*(?:`{3,}|~{3,}|:{3,}).*\b(?:console|pycon)\b", re.MULTILINE)
FENCE = re.compile(r"^[ \t]*(`{3,}).*?^[ \t]*\1", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
NUMBER = re.compile(r"(?<![\w.-])\d[\d,.\u202f\u00a0]*")
# Folders and modules of the package as a page names them: `iceberg/model/evidence.py`, `model/evidence`, `iceberg.model.evidence.EvidenceLevel`.
PACKAGE_PATH = re.compile(r"(?<![\w./-])iceberg/[\w./-]*\w")
PACKAGE_ROOM = re.compile(r"`((?:ingest|cohort|model|report|store|simulation|cli|ui|locale)/[\w/.]*\w)`")
PACKAGE_NAME = re.compile(r"(?<![\w./-])iceberg(?:\.[A-Za-z_]\w*)+(?![\w/])")
# Another processor rounds the last digits of a draw differently; a figure that moved for a reason moves further.
RELATIVE_TOLERANCE = 0.02
# What ``python -m iceberg demo --out sample`` writes (tests/test_sample.py), and of data/ scores, moments, audit sheets and the steps of the journey:
# a page of the documentation starts with them, a README makes the sample.
_FURTHER = ("en/scores.csv", "en/positives.csv", "en/audit-1.csv", "en/audit-2.csv", "en/journey.toml")
SAMPLE = ("en/customers.csv", "en/complaints.csv", *_FURTHER, "truth.json")


def commands_of(block: str) -> list[list[str]]:
    """The lines of each command: what follows ``$ ``, and the lines below it that continue it after ``> ``, as a shell shows them."""
    commands: list[list[str]] = []
    before = ""
    for line in block.splitlines():
        if line.startswith("$ "):
            commands.append([line])
        elif line.startswith("> ") and before.startswith(("$ ", "> ")):
            commands[-1].append(line)
        before = line
    return commands


def run_console(block: str, folder: Path) -> str:
    """The block with the standard output that its commands print now."""
    environment = {name: value for name, value in os.environ.items() if name != "LC_ALL" and not name.startswith("ICEBERG_")}
    environment |= {"PYTHONPATH": str(ROOT), "LANG": "C.UTF-8", "PATH": f"{folder / 'bin'}:{os.environ['PATH']}"}
    lines = []
    for command in commands_of(block):
        done = subprocess.run(
            ["/bin/sh", "-c", "\n".join(line[2:] for line in command)],
            capture_output=True,
            text=True,
            cwd=folder,
            env=environment,
            check=False,
            timeout=300,
        )
        assert done.returncode == 0, f"{command[0]}\n{done.stderr}"
        lines += [*command, *filter(None, [done.stdout.rstrip("\n")])]
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
                exec(compile("\n".join(statement) + "\n", "page", "single"), namespace)
            lines += printed.getvalue().splitlines()
            statement = []
    return "\n".join(lines) + "\n"


def make_folder(folder: Path, *, sample: bool) -> None:
    """Puts into `folder` what the blocks of a page find there: the commands ``python`` and ``iceberg``, and for the documentation the sample."""
    launchers = {"python": sys.executable, "iceberg": f"{sys.executable}\" -m \"iceberg"}
    (folder / "bin").mkdir()
    for name, command in launchers.items():
        launcher = folder / "bin" / name
        launcher.write_text(f'#!/bin/sh\nexec "{command}" "$@"\n', encoding="utf-8")
        launcher.chmod(0o755)
    if sample:
        (folder / "sample").mkdir()
        for place in SAMPLE:
            shutil.copy(ROOT / "data" / place, folder / "sample")


def run_page(name: str) -> tuple[str, str]:
    """The page as it stands and as its commands would write it."""
    written = (ROOT / name).read_text(encoding="utf-8")
    namespace: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        make_folder(folder, sample=name not in READMES)

        def rerun(found: re.Match[str]) -> str:
            kind, block = found.groups()
            output = run_console(block, folder) if kind == "console" else run_session(block, namespace, folder)
            return f"```{kind}\n{output}```"

        return written, BLOCK.sub(rerun, written)


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def as_number(text: str) -> float:
    """The number that a text writes; NaN, equal to none, where it is no number (an address, a version)."""
    try:
        return float(re.sub(r"[^\d.]", "", text.rstrip(".,")) or 0)
    except ValueError:
        return float("nan")


@pytest.mark.parametrize("name", [name for name in PAGES if BLOCK.search(text_of(name))])
def test_what_a_page_shows_is_what_the_product_prints(name: str) -> None:
    written, real = run_page(name)
    shown, printed = NUMBER.split(written), NUMBER.split(real)
    assert [" ".join(part.split()) for part in shown] == [" ".join(part.split()) for part in printed]
    figures = zip(NUMBER.findall(written), NUMBER.findall(real), strict=True)
    moved = [(a, b) for a, b in figures if a != b and as_number(a) != pytest.approx(as_number(b), rel=RELATIVE_TOLERANCE, abs=1)]
    assert moved == []


def test_the_readmes_are_run() -> None:
    assert all(BLOCK.search(text_of(name)) for name in READMES)


@pytest.mark.parametrize("name", PAGES)
def test_no_fence_that_says_console_or_pycon_escapes(name: str) -> None:
    """One that is indented, longer or a directive would be shown and never run."""
    assert len(RUN_LIKE.findall(text_of(name))) == len(BLOCK.findall(text_of(name)))


@pytest.mark.parametrize("name", PAGES)
def test_files_that_a_page_points_to_exist(name: str) -> None:
    targets = [target for target in LINK.findall(FENCE.sub("", text_of(name))) if not re.match(r"[a-z]+:", target)]
    assert targets or name not in READMES
    assert [target for target in targets if not (ROOT / name).parent.joinpath(target).exists()] == []


def misnamed(text: str) -> list[str]:
    """The folders, modules and names of the package in `text` that do not exist."""
    places = [*PACKAGE_PATH.findall(text), *(f"iceberg/{room}" for room in PACKAGE_ROOM.findall(text))]
    return [place for place in places if not (ROOT / place).exists() and not (ROOT / f"{place}.py").exists()] + [
        name for name in PACKAGE_NAME.findall(text) if not importable(name)
    ]


def importable(name: str) -> bool:
    """Whether a dotted name is a module, or what a module has."""
    module, *rest = name.split(".")
    found: object = importlib.import_module(module)
    for part in rest:
        module = f"{module}.{part}"
        with contextlib.suppress(ModuleNotFoundError):
            importlib.import_module(module)
        if not hasattr(found, part):
            return False
        found = getattr(found, part)
    return True


@pytest.mark.parametrize("name", [*PAGES, *OTHER_READMES])
def test_a_page_names_folders_modules_and_names_that_exist(name: str) -> None:
    assert misnamed(text_of(name)) == []


def test_a_module_that_moved_would_be_found() -> None:
    text = "`model/evidence`, `model/old_room`, iceberg/ui/old.py, iceberg/ui/, iceberg.model.evidence, iceberg.load_tables(), iceberg.model.nothing"
    assert misnamed(text) == ["iceberg/ui/old.py", "iceberg/model/old_room", "iceberg.model.nothing"]


def test_a_command_goes_on_where_a_shell_would_ask_for_more(tmp_path: Path) -> None:
    make_folder(tmp_path, sample=False)
    block = "$ cat <<END\n> one\n> END\n$ true\n$ printf 'two\\n> three\\n'\n"
    assert run_console(block, tmp_path) == "$ cat <<END\n> one\n> END\none\n$ true\n$ printf 'two\\n> three\\n'\ntwo\n> three\n"


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


def write_pages(names: list[str]) -> None:
    """Put the real output into the pages."""
    for name in names:
        _, real = run_page(name)
        (ROOT / name).write_text(real, encoding="utf-8")


if __name__ == "__main__":
    write_pages(sys.argv[1:] or [name for name in PAGES if BLOCK.search(text_of(name))])
