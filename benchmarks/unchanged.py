"""Whether a change of the code left every figure and every byte as it was.

    python benchmarks/unchanged.py --write before.json
    python benchmarks/unchanged.py --against before.json [--only sample]

Prints one SHA-256 per thing: the digest of the counts, the JSON document, the text on the terminal and every report format, of the sample in
both languages, volumes, incident log, survey, flat sheet and files that are hard to read. `--against` lists what differs and exits with 1.
It uses the public API and ``python -m iceberg`` alone, so it runs before and after modules move. Each command is a process of its own.
"""

from __future__ import annotations

import argparse
import gzip
import hashlib
import json
import os
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT / "data"
TODAY = "2026-06-30"  # no clock: a date after it is in the future
FORMATS = ("pdf", "pptx", "xlsx", "html", "csv", "png", "svg", "json")
LANGUAGES = ("en", "fr")
PERIODS = ("--period", "2024-07:2025-06", "--period", "2025-07:2026-06")
THREADS = {"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}  # sums in another order differ in the last digit
DIGEST = """
import json, sys
from datetime import date
import iceberg
tables, report = iceberg.load_tables(**json.loads(sys.argv[1]), today=date.fromisoformat(sys.argv[2]))
with tables:
    print(iceberg.reduce_tables(tables).digest)
print(json.dumps([[one.table, one.line, one.column, one.value, one.rule, one.rejected] for one in report.issues]), file=sys.stderr)
"""


@dataclass(frozen=True)
class Case:
    """One company's files by table, and whether its commands are run in both languages."""

    files: dict[str, Path]
    languages: tuple[str, ...] = LANGUAGES
    compared: bool = False


def build_cases(folder: Path) -> dict[str, Case]:
    """The companies to be read; what is not in ``data/`` is written to `folder`, with the same bytes every time."""
    english = {table: DATA / "en" / f"{table}.csv" for table in ("customers", "complaints", "volumes", "incidents", "survey")}
    sample = {table: english[table] for table in ("customers", "complaints")}
    french = {"customers": DATA / "fr" / "clients.csv", "complaints": DATA / "fr" / "reclamations.csv"}
    return {
        "sample": Case(sample, compared=True),
        "sample-fr": Case(french, ("fr",)),
        "volumes": Case({"volumes": english["volumes"]}),
        "volumes-survey": Case({"volumes": english["volumes"], "survey": english["survey"]}, ("en",)),
        "customers": Case({"customers": english["customers"]}, ("en",)),
        "customers-volumes": Case({"customers": english["customers"], "volumes": english["volumes"]}, ("fr",)),
        "incidents": Case(sample | {"incidents": english["incidents"]}),
        "survey": Case(sample | {"survey": english["survey"]}, ("en",)),
        "flat": Case({"customers": _write(folder / "flat.csv", _flat_sheet())}),
        "few": Case({table: _write(folder / f"few-{table}.csv", text) for table, text in _few(",", "-").items()}, ("en",)),
        "odd": Case({table: _write(folder / f"odd-{table}.csv", text, "cp1252") for table, text in _few(";", "/").items()}, ("fr",)),
        "packed": Case({table: _write(folder / f"packed-{table}.tsv.gz", text) for table, text in _few("\t", ".").items()}, ("en",)),
    }


def _write(path: Path, text: str, encoding: str = "utf-8") -> Path:
    data = text.encode(encoding)
    path.write_bytes(gzip.compress(data, mtime=0) if path.suffix == ".gz" else data)
    return path


def _flat_sheet() -> str:
    rows = (f"{i % 40},{int(i % 6 == 0)},{int(i % 9 == 0 or i % 12 == 0)}" for i in range(1200))
    return "\n".join(("tenure,complain,churn", *rows)) + "\n"


def _few(delimiter: str, separator: str) -> dict[str, str]:
    """Some hundred customers over two years, with accents and one row for each of the common faults."""

    def day(number: int) -> str:
        year, month, place = 2024 + number // 336, number // 28 % 12 + 1, number % 28 + 1
        return f"{year}-{month:02}-{place:02}" if separator == "-" else f"{place:02}{separator}{month:02}{separator}{year}"

    customers = [["customer_id", "start_date", "end_date", "segment", "revenue"]]
    complaints = [["customer_id", "complaint_date", "category"]]
    for i in range(400):
        start = i * 7 % 600
        left = day(start + 30 + i % 90) if i % 4 == 0 else ""
        customers.append([f"C{i:03}", day(start), left, ("détail", "business")[i % 2], str(100 + i) if i % 5 else ""])
        if i % 3 == 0:
            complaints.append([f"C{i:03}", day(start + 20), ("facturation été", "delivery", "price")[i % 9 // 3]])
    customers += [["", day(5), "", "business", "1"], ["C900", "spring", "", "business", "1"], ["C901", day(60), day(10), "business", "1"]]
    customers += [["C001", day(7), "", "business", "101"], ["C902", day(5), "", "business", "-12"]]
    complaints += [["C999", day(40), "price"], ["C003", "", "price"], ["C003", day(50), ""]]
    return {
        table: "".join(delimiter.join(row) + "\n" for row in rows) for table, rows in (("customers", customers), ("complaints", complaints))
    }


def read_hashes(name: str, case: Case, folder: Path) -> dict[str, str]:
    """SHA-256 (the counts: their own digest) of everything that comes out of one company's files."""
    tables = {"surveys" if table == "survey" else table: str(path) for table, path in case.files.items()}
    found = {}
    counted = _run(["-c", DIGEST, json.dumps(tables), TODAY], folder)
    if counted.returncode:
        raise SystemExit(f"{name}: {counted.stderr.decode()}")
    found[f"{name}/counts"] = counted.stdout.decode().strip()
    found[f"{name}/issues"] = _sha(counted.stderr)
    options = [part for table, path in case.files.items() for part in (f"--{table}", str(path))]
    for language in case.languages:
        commands = {"check": ["check"], "estimate": ["estimate", "--quiet"]}
        if case.compared:
            commands["compare"] = ["compare", "--quiet", *PERIODS]
        for command, words in commands.items():
            out = folder / name / language / command
            out.mkdir(parents=True)
            asked = {"check": (), "estimate": FORMATS, "compare": ("pdf", "html", "csv", "json")}[command]
            reports = [part for format in asked for part in ("--report", f"report.{format}")]
            document = ["--json", "document.json"] if command != "check" else []
            given = [str(path) for path in case.files.values()] if command == "check" else options
            done = _run(["-m", "iceberg", *words, *given, *document, *reports, "--lang", language], out)
            where = f"{name}/{language}/{command}"
            said = done.stdout + done.stderr if command == "check" or done.returncode else done.stdout
            found[f"{where}/exit"] = str(done.returncode)
            found[f"{where}/terminal"] = _sha(said.replace(str(folder).encode(), b"FOLDER").replace(str(ROOT).encode(), b"ROOT"))
            found |= {f"{where}/{path.name}": _sha(path.read_bytes()) for path in sorted(out.iterdir())}
    return found


def _run(arguments: list[str], folder: Path) -> subprocess.CompletedProcess[bytes]:
    path = os.pathsep.join(part for part in (str(ROOT), os.environ.get("PYTHONPATH", "")) if part)
    environment = os.environ | THREADS | {"PYTHONPATH": path, "COLUMNS": "100", "NO_COLOR": "1"}
    return subprocess.run([sys.executable, *arguments], cwd=folder, env=environment, capture_output=True, check=False)


def _sha(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()


def main() -> int:
    """The command; 1 where something differs from `--against`."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--write", type=Path, metavar="FILE", help="keep what was found in this file")
    parser.add_argument("--against", type=Path, metavar="FILE", help="compare with what an earlier run wrote")
    parser.add_argument("--only", nargs="*", default=[], metavar="CASE", help="these companies alone")
    options = parser.parse_args()
    found: dict[str, str] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place).resolve()
        for name, case in build_cases(folder).items():
            if options.only and name not in options.only:
                continue
            hashes = read_hashes(name, case, folder)
            print("".join(f"{value}  {thing}\n" for thing, value in hashes.items()), end="", flush=True)
            found |= hashes
    if options.write:
        options.write.write_text(json.dumps(found, indent=1) + "\n", encoding="utf-8")
    if not options.against:
        return 0
    before = json.loads(options.against.read_text(encoding="utf-8"))
    expected = {thing: value for thing, value in before.items() if not options.only or thing.split("/")[0] in options.only}
    different = sorted(thing for thing in expected | found if expected.get(thing) != found.get(thing))
    print("".join(f"differs: {thing}\n" for thing in different) or f"{len(found)} things, none differs\n", end="")
    return 1 if different else 0


if __name__ == "__main__":
    sys.exit(main())
