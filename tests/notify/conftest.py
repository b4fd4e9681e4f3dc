"""Stores, certificates and an environment in which nothing about messages is set."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from iceberg.environment import VARIABLES
from iceberg.store.studies import Store
from tests.notify.servers import write_certificate


@pytest.fixture(autouse=True)
def folder(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    monkeypatch.chdir(tmp_path)
    ours = [one.name for one in VARIABLES if one.name.startswith("ICEBERG_")]
    for name in (*ours, "http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "LANG"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("ICEBERG_URL", "https://iceberg.example.org/")
    return tmp_path


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    opened = Store(str(tmp_path / "store.db"))
    yield opened
    opened.close()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_certificate(tmp_path_factory.mktemp("tls") / "server.pem")


@pytest.fixture
def trusted(certificate: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The certificate, whose authority this machine trusts."""
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    return certificate
