"""Every refusal of files names the true reason and a way out, and following it literally works in one step, in both languages."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path
from typing import Any, NamedTuple

import pytest
import tomli_w

import iceberg.ingest
from iceberg.cli.main import main
from iceberg.ingest.schema import OPTION_OF_TABLE
from iceberg.locale import load_messages
from tests.ingest.corpus import NO_TABLES
from tests.ingest.habits import HABITS
from tests.ingest.kinds import ENDED
from tests.ingest.odd_files import ODD_FILES
from tests.ingest.refusals import REFUSALS, VOLUMES, Refusal

_COLUMN = {"en": "its column", "fr": "sa colonne"}
_KEY = re.compile(r'([a-z_]+) = (\[[^\]]*\]|"[^"]*"|\d+|one of these|une de ces valeurs)')
_SECTION = re.compile(r"\[([a-z_]+(?:\.[a-z_]+)*)\]")
_REMOVED = re.compile(r"(?:remove|retirez) \[([a-z_.]+)\]")
_RENAMED = re.compile(r"(?:Rename|Renommez) \[?([a-z_]+)\]? ")
_OPTION = re.compile(r"(--(?!mapping)[a-z-]+)(?: (sheet|ignore))?")


class Way(NamedTuple):
    """One way out that a message names: an option, or a key in a section of the mapping."""

    place: str
    value: Any


def ways_in(message: str, language: str, answers: dict[str, str]) -> list[Way]:
    """Every way out; "its column" is the header that the person knows, and a way that nobody can go is left out."""
    found: list[Way] = []
    for match in _KEY.finditer(message):
        section = _SECTION.search(message, match.end())
        assert section is not None, f"no section for {match.group()}"
        known = match[2][0] in '["0123456789'
        value = tomllib.loads(f"value = {match[2]}")["value"] if known else _COLUMN[language]
        value = answers.get(match[1]) if value == _COLUMN[language] else value
        found += [Way(f"{section[1]}.{match[1]}", value)] if value is not None else []
    found += [Way(f"remove {section}", "") for section in _REMOVED.findall(message)]
    found += [Way(f"rename {name}", answers[name]) for name in _RENAMED.findall(message)]
    options = [Way(option, value or answers.get(option)) for option, value in _OPTION.findall(message)]
    return list({way.place + str(way.value): way for way in (*found, *options) if way.value is not None}.values())


def _rewritten(text: str, name: str, other: str) -> str:
    """The text of a mapping with a name replaced, or without a section of that name."""
    if other:
        return re.sub(rf"\b{name}\b", other, text)
    return re.sub(rf"\[{re.escape(name)}\]\n(?:(?!\[).*\n)*", "", text)


class Person:
    """Runs ``check`` as somebody who does what the messages say."""

    def __init__(self, refusal: Refusal, folder: Path, language: str, capsys: pytest.CaptureFixture[str]) -> None:
        self.refusal, self.folder, self.language, self.capsys = refusal, folder, language, capsys
        for name, content in refusal.files.items():
            (folder / name).write_bytes(content if isinstance(content, bytes) else content.encode())

    def run(self, options: tuple[str, ...], mapping: dict[str, Any] | None) -> tuple[int, str, dict[str, Any]]:
        """The exit status, the message and the proposed mapping."""
        for old in self.folder.glob("iceberg-mapping*.toml"):
            old.unlink()
        given: tuple[str, ...] = ()
        if mapping is not None:
            (self.folder / "mine.toml").write_text(tomli_w.dumps(mapping))
            given = ("--mapping", "mine.toml")
        named = tuple(option.strip("{}") if option.startswith("{") else option for option in options or tuple(self.refusal.files))
        status = main([self.refusal.command, *named, *given, "--lang", self.language, *(["--quiet"] if self.refusal.command == "estimate" else [])])
        message = self.capsys.readouterr().err.replace("\n\n", "\n")
        proposal = self.folder / "iceberg-mapping.toml"
        return status, message, tomllib.loads(proposal.read_text()) if proposal.exists() else {}

    def follow(self, options: tuple[str, ...], mapping: dict[str, Any] | None, depth: int = 0) -> int:
        """How many ways out a refusal names, each of which works, or leads to another question of which that holds."""
        status, message, proposal = self.run(options, mapping)
        if status == 0:
            return 0
        assert status == 2, message
        assert depth < 3, message
        ways = ways_in(message.splitlines()[0], self.language, dict(self.refusal.answers))
        for place, value in ways:
            if place.startswith(("remove", "rename")):
                assert mapping is not None
                self.follow(options, tomllib.loads(_rewritten(tomli_w.dumps(mapping), place.split()[1], value)), depth + 1)
                continue
            if place.startswith("--"):
                kept = options if options or value not in self.refusal.files else tuple(name for name in self.refusal.files if name != value)
                self.follow((*kept, place, value), mapping, depth + 1)
                continue
            *sections, key = place.split(".")
            content = proposal if proposal else dict(mapping or {})
            entry = content
            for section in sections:
                assert section in entry or not proposal, f"the proposal has no [{'.'.join(sections)}]"
                entry = entry.setdefault(section, {})
            assert key in entry or not proposal, f"the proposal has no {key} under [{'.'.join(sections)}]"
            before = entry.get(key)
            entry[key] = value
            self.follow(options, content, depth + 1)
            entry[key] = before if before is not None else ""
        return len(ways)


def says(code: str, language: str) -> str:
    """Pattern of the message with this code."""
    return re.sub(r"\\\{\w+\\\}", "(?s:.*)", re.escape(load_messages(language)[f"errors.{code}"]))


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", REFUSALS)
def test_following_a_message_works_in_one_step(
    name: str, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Each option and each key that it names is taken as it stands; where none can help, the message asks for another file, which is read."""
    monkeypatch.chdir(tmp_path)
    refusal = REFUSALS[name]
    person = Person(refusal, tmp_path, language, capsys)
    mapping = tomllib.loads(refusal.mapping) if refusal.mapping else None
    _, first, _ = person.run(refusal.options, mapping)
    assert re.match(says(refusal.code, language), first), first
    ways = person.follow(refusal.options, mapping)
    if refusal.mended:
        Person(Refusal("", refusal.mended), tmp_path, language, capsys)
        named = refusal.options if set(refusal.mended) == set(refusal.files) else tuple(refusal.mended)
        status, message, _ = person.run(named or tuple(refusal.mended), mapping)
        assert status == 0, message
    assert ways or refusal.mended, "no way out is named"


def test_every_question_about_columns_is_followed() -> None:
    """All that can be raised while files are opened and judged; a mapping that cannot be read, or an option of the library, stands aside."""
    sources = (path.read_text() for path in Path(iceberg.ingest.__path__[0]).rglob("*.py") if "spark" not in path.parts)
    raised = {code for text in sources for code in re.findall(r'MappingError\(\s*"(\w+)"', text)}
    assert raised - {refusal.code for refusal in REFUSALS.values()} == {
        "mapping_file_unreadable", "mapping_file_missing", "mapping_file_closed", "date_format_unknown", "link_twice"
    }  # fmt: skip


OTHERS = {
    **{odd.name: (odd.file, odd.data, odd.table, odd.mapping, odd.error) for odd in ODD_FILES if odd.error},
    **{f"no table: {name}": (name, data, "customers", {}, code) for name, data, code in NO_TABLES},
    **{
        f"habit: {name}": (file, data, "volumes" if habit.code == "periods_not_months" else "customers", {}, habit.code)
        for name, habit in HABITS.items() if habit.code for file, data in habit.files.items()
    },
}  # fmt: skip
_TAKEN_OUT = re.compile(r"(?:the line|la ligne) ([a-z_]+)")


@pytest.mark.parametrize("language", ["en", "fr"])
@pytest.mark.parametrize("name", OTHERS)
def test_every_other_refused_file_is_followed_too(
    name: str, language: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """The files of the other lists: a key or an option is taken as it stands, a line is taken out of the mapping, a file is exported again."""
    monkeypatch.chdir(tmp_path)
    file, data, table, settings, code = OTHERS[name]
    known = {"start_date": "date" if "fixed width" in name else "start_date"} if code != "values_unreadable" else {}
    refusal = Refusal(code, {file: data}, known, (f"--{OPTION_OF_TABLE[table]}", file))
    person = Person(refusal, tmp_path, language, capsys)
    mapping = {table: dict(settings)} if settings else None
    _, first, _ = person.run(refusal.options, mapping)
    assert re.match(says(code, language), first), first
    taken_out = _TAKEN_OUT.search(first)
    if taken_out is not None:
        assert mapping is not None
        kept = {table: {key: value for key, value in mapping[table].items() if key != taken_out[1]}}
        assert person.run(refusal.options, kept)[0] == 0
        return
    person.follow(refusal.options, mapping)
    exported = Person(Refusal("", {"again.csv": ENDED if table == "customers" else VOLUMES}), tmp_path, language, capsys)
    assert exported.run((f"--{OPTION_OF_TABLE[table]}", "again.csv"), None)[0] == 0


def test_every_refusal_of_a_file_is_in_a_list() -> None:
    """What can be raised while a file is opened here; what needs a full disk, a folder or a bound that is crossed has tests of its own."""
    sources = (path.read_text() for path in Path(iceberg.ingest.__path__[0]).rglob("*.py") if not {"spark", "remote"} & set(path.parts))
    raised = {code for text in sources for code in re.findall(r'FileError\(\s*"(\w+)"', text)}
    elsewhere = {
        "csv_unreadable", "disk_full_midway", "memory_full", "disk_full", "temp_folder_unusable", "unpacks_too_large", "too_many_columns",
        "parquet_too_many_values", "no_file_fits", "folder_without_tables", "folder_mixes_formats", "file_not_found", "file_is_directory",
        "file_unreadable", "file_not_regular", "zip_unreadable", "binary_file", "book_too_large", "too_many_cells", "memory_limit_unreadable",
        "file_breaks_off", "disk_too_small",
    }  # fmt: skip
    assert raised - {code for *_, code in OTHERS.values()} - {refusal.code for refusal in REFUSALS.values()} <= elsewhere
