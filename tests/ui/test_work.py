"""A work outlives its session, for the browser and person it came from and for nobody else."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from iceberg.ingest.files.sources import UploadedBytes
from iceberg.ui.access.access import Access
from iceberg.ui.session import upload_choices
from iceberg.ui.session import work as module
from iceberg.ui.session.work import COOKIE, FILES, Work, forget_work, keep_work, restore_work, stored_bytes, sweep_works

SECRET = "s" * 43
ROWS = b"customer_id,start_date\nSECRET-17,2024-01-01\n"


class Browser:
    """A session of Streamlit as far as a work sees it."""

    def __init__(self, secret: str | None, address: dict[str, str]) -> None:
        self.session_state: dict[str, Any] = {}
        self.query_params = address
        self.context = SimpleNamespace(cookies={COOKIE: secret} if secret else {})


@pytest.fixture(autouse=True)
def _no_works(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setattr(module, "current_access", lambda: Access("analyst", "anne@example.org"))
    yield
    for number in list(module._WORKS):
        module._end(number)


def visit(monkeypatch: pytest.MonkeyPatch, secret: str | None, address: dict[str, str] | None = None) -> Browser:
    browser = Browser(secret, {} if address is None else dict(address))
    monkeypatch.setattr(module, "st", browser)
    restore_work()
    return browser


def begin(monkeypatch: pytest.MonkeyPatch) -> Browser:
    browser = visit(monkeypatch, SECRET)
    browser.session_state[FILES] = {"customers": ((UploadedBytes("clients.csv", ROWS), "digest"),)}
    browser.session_state["upload.choices"] = {"shape": "linked"}
    keep_work()
    return browser


def test_the_same_browser_finds_its_files_and_choices_again(monkeypatch: pytest.MonkeyPatch) -> None:
    address = begin(monkeypatch).query_params
    again = visit(monkeypatch, SECRET, address)
    [(source, _)] = again.session_state[FILES]["customers"]
    assert (source.name, source.data) == ("clients.csv", ROWS)
    assert again.session_state["upload.choices"] == {"shape": "linked"}


def test_another_browser_or_person_with_the_same_address_finds_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    address = begin(monkeypatch).query_params
    for secret in ("t" * 43, "s" * 10, None):
        other = visit(monkeypatch, secret, address)
        assert FILES not in other.session_state
        assert other.query_params == {}, "the address does not carry another's number on"
    monkeypatch.setattr(module, "current_access", lambda: Access("analyst", "bob@example.org"))
    assert FILES not in visit(monkeypatch, SECRET, address).session_state


def test_the_address_holds_no_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    assert SECRET not in str(begin(monkeypatch).query_params)


def test_bytes_lie_in_a_private_folder_once_and_go_when_they_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    begin(monkeypatch)
    keep_work()
    [kept] = module._WORKS.values()
    folder = kept.workspace.directory
    files = list(folder.glob("*.upload"))
    assert [path.read_bytes() for path in files] == [ROWS]
    assert folder.stat().st_mode & 0o077 == 0
    assert stored_bytes() == len(ROWS)
    forget_work()
    assert not folder.exists()


def test_a_work_ends_when_it_was_not_used_for_long(monkeypatch: pytest.MonkeyPatch) -> None:
    address = begin(monkeypatch).query_params
    [kept] = module._WORKS.values()
    folder: Path = kept.workspace.directory
    kept.used = time.monotonic() - module.MINUTES * 60 - 1
    sweep_works()
    assert not folder.exists()
    assert FILES not in visit(monkeypatch, SECRET, address).session_state


def test_the_oldest_works_go_where_there_are_too_many_bytes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "limit_mb", lambda _: 1)
    for number, age in (("old", 60.0), ("new", 1.0)):
        held = module._WORKS[number] = Work("owner", used=time.monotonic() - age)
        held.store({"customers": ((UploadedBytes("a.csv", b"x" * 700_000), number),)})
    sweep_works()
    assert set(module._WORKS) == {"new"}


def test_what_a_button_stands_for_is_kept_before_anything_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A page that is loaded again while the files are counted finds the choice."""
    browser = begin(monkeypatch)
    monkeypatch.setattr(upload_choices, "st", browser)
    upload_choices.decide("confirmed", "these files")
    assert visit(monkeypatch, SECRET, browser.query_params).session_state["upload.choices"]["confirmed"] == "these files"
