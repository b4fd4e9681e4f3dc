"""Where the package finds what lies beside it, and where it puts what can be computed again."""

from pathlib import Path

import pytest

from iceberg import installation

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture
def user(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A home folder of its own, and no other folder named for caches."""
    for name in ("XDG_CACHE_HOME", "LOCALAPPDATA"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", lambda: tmp_path)
    return tmp_path


def test_a_checkout_holds_the_page_the_sample_and_the_cache() -> None:
    assert ROOT == installation.HOME
    assert installation.cache_folder() == ROOT / ".cache"


def test_a_checkout_that_cannot_be_written_to_caches_in_the_users_folder(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation.os, "access", lambda path, mode: False)
    assert installation.cache_folder() == user / ".cache" / "silent-churn-iceberg"


def test_an_installed_package_never_caches_beside_itself(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(installation, "HOME", installation.PACKAGE / "_checkout")
    assert installation.cache_folder() == user / ".cache" / "silent-churn-iceberg"
    monkeypatch.setenv("XDG_CACHE_HOME", str(user / "caches"))
    assert installation.cache_folder() == user / "caches" / "silent-churn-iceberg"


def test_a_user_without_a_home_folder_is_no_fault(user: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(installation.os, "access", lambda path, mode: False)
    monkeypatch.setattr(Path, "home", homeless)
    assert installation.cache_folder() == ROOT / ".cache"
