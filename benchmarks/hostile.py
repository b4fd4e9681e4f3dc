"""How small files that would become very large are refused, at the sizes of the audit: seconds, memory and disk.

    python -m benchmarks.hostile [--scratch DIR] [NAME ...]

Each is read by ``python -m iceberg check`` in a process of its own, which is ended at 3 GB or after 60 seconds. Memory is that of the process and
its children together. Writes results/hostile.json and results/hostile.md beside this file.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.ingest.hostile import FILES

HERE = Path(__file__).parent
MOST_BYTES, MOST_SECONDS = 3 << 30, 60


def family(process: int) -> list[int]:
    """A process and its children."""
    try:
        children = Path(f"/proc/{process}/task/{process}/children").read_text().split()
    except OSError:
        return []
    return [process, *(other for child in children for other in family(int(child)))]


def resident_bytes(process: int) -> int:
    """Memory of a process and its children."""
    total = 0
    for one in family(process):
        try:
            total += int(Path(f"/proc/{one}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
        except OSError:
            continue
    return total


def measure(path: Path) -> dict[str, Any]:
    """Read one file; what it took and what was said."""
    with tempfile.TemporaryDirectory() as folder, tempfile.TemporaryFile() as out:
        before, began = os.times(), time.monotonic()
        environment = {**os.environ, "TMPDIR": folder, "OMP_NUM_THREADS": "1"}
        process = subprocess.Popen([sys.executable, "-m", "iceberg", "check", str(path)], stdout=out, stderr=out, env=environment, cwd=HERE.parent)
        memory = disk = 0
        while process.poll() is None:
            memory = max(memory, resident_bytes(process.pid))
            disk = max(disk, sum(file.stat().st_blocks * 512 for file in Path(folder).rglob("*") if file.is_file()))
            if memory > MOST_BYTES or time.monotonic() - began > MOST_SECONDS:
                process.kill()
            time.sleep(0.02)
        after = os.times()
        out.seek(0)
        return {
            "file": path.name,
            "size_mb": round(path.stat().st_size / 1e6, 1),
            "status": process.returncode,
            "seconds": round(time.monotonic() - began, 1),
            "processor_seconds": round(after.children_user + after.children_system - before.children_user - before.children_system, 1),
            "memory_mb": memory // 10**6,
            "disk_mb": disk // 10**6,
            "says": out.read().decode(errors="replace").strip()[:300],
        }


def table(rows: list[dict[str, Any]]) -> str:
    """The figures as Markdown."""
    heads = ("file", "size_mb", "status", "seconds", "processor_seconds", "memory_mb", "disk_mb")
    lines = [" | ".join(heads), " | ".join("---" for _ in heads), *(" | ".join(str(row[head]) for head in heads) for row in rows)]
    return "".join(f"| {line} |\n" for line in lines)


def main() -> int:
    """The status is 1 where a file was not refused in words within 10 seconds of processor time and 1 GB."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", default=list(FILES))
    parser.add_argument("--scratch", type=Path, default=Path(tempfile.gettempdir()))
    options = parser.parse_args()
    rows = []
    with tempfile.TemporaryDirectory(dir=options.scratch) as folder:
        for name in options.names:
            write, size, _ = FILES[name]
            write(Path(folder) / name, size)
            rows.append(measure(Path(folder) / name))
            (Path(folder) / name).unlink()
            print(table(rows[-1:]).splitlines()[-1], flush=True)
    (HERE / "results" / "hostile.json").write_text(json.dumps(rows, indent=1) + "\n")
    (HERE / "results" / "hostile.md").write_text(f"# Small files that would become very large\n\n{table(rows)}")
    return int(any(row["status"] != 2 or row["processor_seconds"] > 10 or row["memory_mb"] > 1000 for row in rows))


if __name__ == "__main__":
    sys.exit(main())
