"""The lock file and the bill of materials name the same packages, within the ranges, each with hashes."""

import json
import re
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from packaging.version import Version

from supply_chain.__main__ import BILL, BUILD_LOCK, LOCK, RANGES, bill, build_requirements, lock_text

ROOT = Path(__file__).resolve().parents[1]


def locked(file: Path = LOCK) -> dict[str, tuple[str, list[str]]]:
    """Name -> version and hashes."""
    found = {}
    for entry in re.sub(r"\\\n\s*", " ", file.read_text()).splitlines():
        if not entry.startswith("#"):
            requirement, *hashes = re.split(r"\s+--hash=sha256:", entry.strip())
            parsed = Requirement(requirement)
            found[canonicalize_name(parsed.name)] = (str(parsed.specifier).removeprefix("=="), hashes)
    return found


def test_every_requirement_is_locked_within_its_range() -> None:
    versions = {name: version for name, (version, _) in locked().items()}
    for name in RANGES:
        for line in (ROOT / name).read_text().splitlines():
            text = line.partition("#")[0].strip()
            if text:
                wanted = Requirement(text)
                assert wanted.specifier.contains(Version(versions[canonicalize_name(wanted.name)])), text


def test_every_package_has_hashes() -> None:
    for file in (LOCK, BUILD_LOCK):
        assert all(hashes and all(re.fullmatch("[0-9a-f]{64}", one) for one in hashes) for _, hashes in locked(file).values())


def test_what_builds_the_wheel_is_locked_within_its_range() -> None:
    versions = {name: version for name, (version, _) in locked(BUILD_LOCK).items()}
    for wanted in map(Requirement, build_requirements()):
        assert wanted.specifier.contains(Version(versions[canonicalize_name(wanted.name)])), wanted


def test_the_bill_of_materials_says_the_same() -> None:
    document = json.loads(BILL.read_text())
    assert (document["bomFormat"], document["specVersion"]) == ("CycloneDX", "1.5")
    listed = {part["name"]: (part["version"], [one["content"] for one in part["hashes"]]) for part in document["components"]}
    assert {canonicalize_name(name): entry for name, entry in listed.items()} == locked()


def test_a_package_that_some_pythons_need_has_a_marker() -> None:
    metadata = {"name": "a", "version": "1.0", "license_expression": "MIT"}
    found = {
        "a": {"version": "1.0", "metadata": metadata, "hashes": {"1" * 64, "0" * 64}, "pythons": ["3.11", "3.12"]},
        "b": {"version": "2.0", "metadata": {"license": "long\ntext"}, "hashes": {"2" * 64}, "pythons": ["3.12"]},
    }
    lines = lock_text(found, ["3.11", "3.12"]).splitlines()[2:]
    assert lines == [
        "a==1.0 \\", f"    --hash=sha256:{'0' * 64} \\", f"    --hash=sha256:{'1' * 64}",
        'b==2.0 ; python_version == "3.12" \\', f"    --hash=sha256:{'2' * 64}",
    ]  # fmt: skip
    first, second = bill(found)["components"]
    assert first["licenses"] == [{"license": {"name": "MIT"}}]
    assert "licenses" not in second
