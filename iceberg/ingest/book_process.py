"""Owns the reading of old Excel books (.xls) in a process of their own, within a bound on memory and time.

A broken one can make the library ask for all the memory there is and end its process: not one that serves others.
"""

from __future__ import annotations

import io
import json
import subprocess
import sys
from pathlib import Path

MAX_BYTES = 3 << 30  # judgement: ten full sheets of 65,536 rows by 20 columns
MAX_SECONDS = 60
Grid = list[list[str]]


def read_old_book(path: Path, sheet: str | None) -> tuple[tuple[str, ...], dict[str, Grid]]:
    """Names of all sheets, and the cells of one of them, or of all, as text.

    Raises:
        ValueError: It cannot be read within the bounds.
    """
    command = [sys.executable, "-I", __file__, str(path), *([sheet] if sheet is not None else [])]
    try:
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=MAX_SECONDS, check=True)  # noqa: S603
        told = json.loads(done.stdout)
    except (subprocess.SubprocessError, json.JSONDecodeError) as error:
        raise ValueError("not a book") from error
    return tuple(told["names"]), told["grids"]


def _bound_memory() -> None:
    try:
        import resource
    except ImportError:  # Windows; its own process is bound enough there
        return
    resource.setrlimit(resource.RLIMIT_AS, (MAX_BYTES, MAX_BYTES))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))  # what ends here leaves no customers on the disk


def _main(path: str, sheet: str | None = None) -> None:
    _bound_memory()
    sys.path.insert(0, str(Path(__file__).resolve().parents[2]))
    import python_calamine

    from iceberg.ingest.cells import cell_text

    book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(Path(path).read_bytes()))  # by content: a name may lie
    names = list(book.sheet_names)
    found = {name: book.get_sheet_by_name(name).to_python(skip_empty_area=False) for name in names if sheet in (None, name)}
    grids = {name: [[cell_text(cell) or "" for cell in row] for row in rows] for name, rows in found.items()}
    json.dump({"names": names, "grids": grids}, sys.stdout)


if __name__ == "__main__":
    _main(*sys.argv[1:])
