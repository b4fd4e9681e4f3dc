"""What the image, the compose file and nginx.conf say: pinned parts, no root, nothing that can be written to. They are read here, not started."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from tests.deploy.shipped import DEPLOY, ROOT, compose, containerfile, last_stage, only


def test_the_image_is_built_from_pinned_parts_and_runs_as_nobody() -> None:
    written = containerfile()
    base = only("ARG", written[:1])
    assert re.fullmatch(r"BASE=docker\.io/library/python:3\.1[1-4]\.\d+-slim-\w+", base), "an exact version on an exact release"
    assert {one.value.split()[0] for one in written if one.name == "FROM"} == {"${BASE}"}
    assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", only("USER", last_stage())), "a number, which an orchestrator can see is not root"
    installs = [part for one in written if one.name == "RUN" for part in one.value.split("&&") if "pip install" in part]
    assert installs and all("--require-hashes" in part or ("--no-index" in part and "--no-deps" in part) for part in installs)
    copied = [place for one in written if one.name == "COPY" and "--from" not in one.value for place in one.value.split()[:-1]]
    assert {place for place in copied if not (ROOT / place).exists()} == set()
    allowed = {line[1:] for line in (DEPLOY / "Containerfile.dockerignore").read_text().splitlines() if line.startswith("!")}
    assert {place for place in copied if not any(Path(place).match(pattern) for pattern in allowed)} == set()
    assert not any(Path(".streamlit/secrets.toml").match(pattern) for pattern in allowed), "a secret would be in the image"


def test_the_compose_file_holds_what_it_promises() -> None:
    services = compose(POSTGRES_PASSWORD="x", ICEBERG_URL="x")["services"]
    assert set(services) == {"dashboard", "publish", "postgres", "nginx"}
    for name, service in services.items():
        assert service["read_only"] is True and service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"] and "mem_limit" in service and "pids_limit" in service, name
        assert re.fullmatch(r"[1-9]\d*:[1-9]\d*", service["user"]), name
        assert any(place.startswith("/tmp:") for place in service["tmpfs"]), name
        assert ":latest" not in service["image"] and ":" in service["image"], name
    assert [name for name, service in services.items() if "ports" in service] == ["nginx"]
    assert services["postgres"]["networks"] == ["inner"] and "inner" not in services["nginx"]["networks"]
    check = services["dashboard"]["healthcheck"]["test"]
    assert check[0] == "CMD" and only("HEALTHCHECK", last_stage()).endswith(json.dumps(check[1:]))
    with pytest.raises(KeyError, match="POSTGRES_PASSWORD"):
        compose(ICEBERG_URL="x")


def test_both_files_of_nginx_say_the_same_about_the_dashboard() -> None:
    """docs/nginx.conf is for a host that has an nginx already; deploy/nginx.conf is a whole one."""
    def directives(path: Path, location: str) -> set[str]:
        block = re.search(rf"location {location} \{{(.*?)\n\s*\}}", path.read_text(encoding="utf-8"), flags=re.DOTALL)
        assert block is not None
        lines = (line.partition("#")[0].strip() for line in block[1].splitlines())
        return {line.split()[0] + (" " + line.split()[1] if line.startswith("proxy_set_header") else "") for line in lines if line}

    for location in ("/iceberg/", "/iceberg/static/"):
        missing = directives(ROOT / "docs" / "nginx.conf", location) - directives(DEPLOY / "nginx.conf", location)
        assert missing == set()
