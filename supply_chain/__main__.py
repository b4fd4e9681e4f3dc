"""``python -m supply_chain``: writes the lock files with hashes and the bill of materials beside this file.

It asks pip, which needs the package index, for what the ranges of RANGES give today, on each Python and
platform that is supported; nothing is installed. Every version is the same everywhere, and every hash is of a wheel that pip would take. What
builds the wheel of this project ([build-system] of pyproject.toml) has a lock file of its own, because nothing of it is installed with the product.
``python -m supply_chain build`` writes that one alone.
"""

import json
import subprocess
import sys
import tempfile
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
ROOT = HERE.parent
RANGES = ("requirements.txt", "requirements-postgres.txt", "requirements-databases.txt", "requirements-lake.txt")
PYTHONS = ("3.11", "3.12", "3.13", "3.14")
PLATFORMS = ("manylinux_2_28_x86_64", "manylinux_2_17_x86_64", "manylinux2014_x86_64")
LOCK, BUILD_LOCK, BILL = HERE / "requirements.lock", HERE / "build.lock", HERE / "sbom.cdx.json"


def build_requirements() -> list[str]:
    """What builds the wheel, with its ranges."""
    return list(tomllib.loads((ROOT / "pyproject.toml").read_text())["build-system"]["requires"])


def resolve(python: str, wanted: list[str], constraints: Path | None) -> list[dict[str, Any]]:
    """What pip would install on this Python; `wanted` are requirements or, after ``-r``, files of them."""
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        command = [sys.executable, "-m", "pip", "install", "--dry-run", "--ignore-installed", "--quiet", "--only-binary=:all:"]
        command += ["--python-version", python, "--implementation", "cp", f"--target={folder}/none", f"--report={report}"]
        command += [part for platform in PLATFORMS for part in ("--platform", platform)]
        command += wanted + (["-c", str(constraints)] if constraints else [])
        subprocess.run(command, check=True)
        return list(json.loads(report.read_text())["install"])


def resolve_all(wanted: list[str]) -> tuple[dict[str, dict[str, Any]], list[str]]:
    """Resolve for the first Python; the others take the same versions, where a package is not for one of them alone.

    Returns:
        The packages by name, and the Pythons for which pip found wheels.
    """
    found: dict[str, dict[str, Any]] = {}
    with tempfile.TemporaryDirectory() as folder:
        constraints = Path(folder) / "constraints.txt"
        for python in PYTHONS:
            try:
                items = resolve(python, wanted, constraints if found else None)
            except subprocess.CalledProcessError:
                print(f"Python {python}: pip finds no set of wheels", file=sys.stderr)
                continue
            for item in items:
                name = item["metadata"]["name"].lower().replace("_", "-")
                entry = found.setdefault(name, {"version": item["metadata"]["version"], "metadata": item["metadata"], "hashes": set(), "pythons": []})
                entry["hashes"].add(item["download_info"]["archive_info"]["hashes"]["sha256"])
                entry["pythons"].append(python)
            constraints.write_text("".join(f"{name}=={entry['version']}\n" for name, entry in found.items()))
            print(f"Python {python}: {len(items)} packages")
    tried = sorted({python for entry in found.values() for python in entry["pythons"]}, key=lambda python: int(python.partition(".")[2]))
    return found, tried


def main() -> int:
    """Write the lock files and the bill of materials."""
    if sys.argv[1:] != ["build"]:
        found, tried = resolve_all([part for name in RANGES for part in ("-r", str(ROOT / name))])
        LOCK.write_text(lock_text(found, tried))
        BILL.write_text(json.dumps(bill(found), indent=1) + "\n")
    BUILD_LOCK.write_text(lock_text(*resolve_all(build_requirements()), sources=("pyproject.toml [build-system]",), file=BUILD_LOCK.name))
    return 0


def lock_text(found: dict[str, dict[str, Any]], tried: list[str], *, sources: tuple[str, ...] = RANGES, file: str = LOCK.name) -> str:
    """A lock file; a package that only some of the Pythons need has a marker."""
    lines = [
        f"# Written by `python -m supply_chain` from {', '.join(sources)}, for Python {', '.join(tried)} on Linux (x86-64, glibc 2.28 or later).",
        f"# python -m pip install --require-hashes --only-binary=:all: -r supply_chain/{file}",
    ]
    for name, entry in sorted(found.items()):
        some = [python for python in tried if python in entry["pythons"]]
        marker = "" if some == tried else " ; " + " or ".join(f'python_version == "{python}"' for python in some)
        hashes = " \\\n".join(f"    --hash=sha256:{digest}" for digest in sorted(entry["hashes"]))
        lines.append(f"{name}=={entry['version']}{marker} \\\n{hashes}")
    return "\n".join(lines) + "\n"


def bill(found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """The bill of materials, in the form of CycloneDX 1.5."""
    product = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    parts = []
    for name, entry in sorted(found.items()):
        part: dict[str, Any] = {"type": "library", "name": name, "version": entry["version"], "purl": f"pkg:pypi/{name}@{entry['version']}"}
        part |= {"bom-ref": part["purl"], "hashes": [{"alg": "SHA-256", "content": digest} for digest in sorted(entry["hashes"])]}
        licence = entry["metadata"].get("license_expression") or entry["metadata"].get("license") or ""
        if licence and "\n" not in licence:
            part["licenses"] = [{"license": {"name": licence[:120]}}]
        parts.append(part)
    about = {"component": {"type": "application", "name": product["name"], "version": product["version"]}}
    return {"bomFormat": "CycloneDX", "specVersion": "1.5", "version": 1, "metadata": about, "components": parts}


if __name__ == "__main__":
    sys.exit(main())
