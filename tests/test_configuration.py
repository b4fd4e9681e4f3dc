"""The reference of the configuration is made from the code, and nothing that can be set is missing from it."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest

from iceberg.environment import DEFAULTS, VARIABLES, read_number
from iceberg.errors import OptionError
from iceberg.store import connection
from iceberg.ui.access import access

ROOT = Path(__file__).resolve().parents[1]
SOURCES = [path for path in sorted((ROOT / "iceberg").rglob("*.py")) if path.name != "environment.py"]
sys.path.insert(0, str(ROOT / "docs" / "_ext"))
NAMES = {variable.name for variable in VARIABLES}


def texts(path: Path) -> set[str]:
    """Every text of a module."""
    nodes = ast.walk(ast.parse(path.read_text(encoding="utf-8")))
    return {node.value for node in nodes if isinstance(node, ast.Constant) and isinstance(node.value, str)}


def read_from_the_environment(path: Path) -> set[str]:
    """Texts by which a module reads the environment, but for names of constants."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        match node:
            case ast.Call(func=ast.Attribute(attr="get" | "setdefault", value=ast.Attribute(attr="environ"))):
                found |= {first.value for first in node.args[:1] if isinstance(first, ast.Constant)}
            case ast.Subscript(value=ast.Attribute(attr="environ"), slice=ast.Constant(value=str(name))):
                found.add(name)
            case ast.Call(func=ast.Name(id="read_number") | ast.Attribute(attr="getenv"), args=[ast.Constant(value=str(name))]):
                found.add(name)
    return found


def test_every_variable_that_the_code_reads_is_in_the_reference() -> None:
    ours = {text for path in SOURCES for text in texts(path) if re.fullmatch(r"ICEBERG_[A-Z_]+", text)}
    assert ours | set().union(*map(read_from_the_environment, SOURCES)) <= NAMES


def test_every_variable_of_the_reference_is_read_somewhere() -> None:
    everywhere = set().union(*map(texts, SOURCES))
    assert {name for name in NAMES if name not in everywhere} == set()


def test_the_defaults_are_those_of_the_code() -> None:
    assert DEFAULTS[connection.VARIABLE] == connection.DEFAULT_FILE
    assert DEFAULTS[access.ROLES_FILE] == str(access.DEFAULT_FILE)


def test_the_page_lists_every_variable_and_every_setting() -> None:
    from iceberg_docs import fill

    page = fill((ROOT / "docs" / "reference" / "configuration.md").read_text(encoding="utf-8"))
    for variable in VARIABLES:
        assert f"| `{variable.name}` | {variable.meaning} |" in page
    settings = tomllib.loads((ROOT / ".streamlit" / "config.toml").read_text(encoding="utf-8"))
    for section in ("browser", "client", "server", "runner"):
        for name in settings[section]:
            assert f"| `{section}.{name}` |" in page
    for key in ("claims", "values", "people", "hours"):
        assert f"`{key}`" in page


@pytest.mark.parametrize("value", ["0", "-3", "1.5", "many", "١"])
def test_a_number_that_is_none_is_refused(monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("ICEBERG_SESSIONS", value)
    with pytest.raises(OptionError, match="ICEBERG_SESSIONS"):
        read_number("ICEBERG_SESSIONS")
    monkeypatch.setenv("ICEBERG_SESSIONS", " 25 ")
    assert read_number("ICEBERG_SESSIONS") == 25
    monkeypatch.setenv("ICEBERG_SESSIONS", "")
    assert read_number("ICEBERG_SESSIONS") == int(DEFAULTS["ICEBERG_SESSIONS"])
