"""Owns what is kept of the sample company between two starts of the server, so that only the very first start works it out.

Counts, estimates and the drawings of the first page, one file each in the cache folder: arrays as numpy writes them, the rest as JSON, nothing that
runs code when it is opened. A file answers to its name alone: what it was made from, and the source of everything that made it. Deleting the
folder is always safe.
"""

from __future__ import annotations

import dataclasses
import hashlib
import json
import logging
import os
import tempfile
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from iceberg.errors import FileError
from iceberg.installation import PACKAGE, cache_folder
from iceberg.store.packed_fit import PackedFit

if TYPE_CHECKING:
    import numpy as np

    from iceberg.cohort.counts import CohortCounts
    from iceberg.model.results import IcebergEstimate

FOLDER = cache_folder()
MOST_FILES = 4  # of each kind: two languages, and what the last version left
READING = ("ingest", "cohort")  # what counts are made with
DRAWING = ("report", "ui", "locale")  # what drawings are made with, besides an estimate
_TEXT = "text"
# `iceberg.store.codec.BROKEN` and a torn archive; said here because importing numpy would keep the first visitor waiting.
_BROKEN = (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, EOFError, zipfile.BadZipFile)


def open_estimate(name: str) -> IcebergEstimate | None:
    """The estimate kept under `name`; None where there is none, or none that this version can read."""
    import numpy as np

    from iceberg.model.results import IcebergEstimate
    from iceberg.store.codec import decode

    path = _path(name)
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        told = json.loads(str(arrays.pop(_TEXT)))
        fit = told["fields"].pop("fit_state", None)
        estimate = decode(told, arrays)
    except _BROKEN as fault:
        logging.getLogger(__name__).warning("%s cannot be read and is made anew: %s", path.name, fault)
        return None
    if not isinstance(estimate, IcebergEstimate):
        return None
    return estimate if fit is None else dataclasses.replace(estimate, fit_state=KeptFit(fit, arrays))


@dataclass(frozen=True, eq=False)
class KeptFit(PackedFit):
    """The fit behind a kept estimate."""

    told: Any
    arrays: dict[str, np.ndarray]

    def open(self) -> object:
        """See `PackedFit.open`."""
        from iceberg.store.codec import decode

        return decode(self.told, self.arrays)


def keep_estimate(name: str, estimate: IcebergEstimate) -> None:
    """Keep `estimate` under `name`, whole or not at all; a folder that cannot be written to is no fault."""
    import numpy as np

    from iceberg.store.codec import encode

    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(encode(estimate, arrays))
    _write(_path(name), lambda part: np.savez(part, **cast("dict[str, Any]", {_TEXT: np.array(text), **arrays})))


def open_counts(files: tuple[Path, ...]) -> CohortCounts | None:
    """The counts of `files` as they are now; None where they were not kept."""
    from iceberg.cohort.counts_file import read_counts

    path = _counts_path(files)
    try:
        return read_counts(path.read_bytes()) if path.is_file() else None
    except (FileError, OSError) as fault:
        logging.getLogger(__name__).warning("%s cannot be read and is made anew: %s", path.name, fault)
        return None


def keep_counts(files: tuple[Path, ...], counts: CohortCounts) -> None:
    """Keep what `files` were counted to."""
    from iceberg.cohort.counts_file import write_counts

    _write(_counts_path(files), lambda part: part.write_bytes(write_counts(counts)))


def open_drawings(name: str) -> dict[str, Any] | None:
    """The drawings kept under `name`, by what each depends on."""
    path = _drawings_path(name)
    try:
        held = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except _BROKEN as fault:
        logging.getLogger(__name__).warning("%s cannot be read and is made anew: %s", path.name, fault)
        return None
    return held if isinstance(held, dict) else None


def keep_drawings(name: str, drawings: dict[str, Any]) -> None:
    """Keep `drawings` under `name`."""
    _write(_drawings_path(name), lambda part: part.write_text(json.dumps(drawings), encoding="utf-8"))


def _write(path: Path, write: Callable[[Path], object]) -> None:
    kind = path.name.partition("-")[0]
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as unfinished:
            part = Path(unfinished) / path.name
            write(part)
            part.replace(path)
        for old in sorted(path.parent.glob(f"{kind}-*"), key=os.path.getmtime)[:-MOST_FILES]:
            old.unlink(missing_ok=True)
    except OSError as fault:
        logging.getLogger(__name__).info("%s is not kept: %s", path.name, fault)


def _path(name: str) -> Path:
    return FOLDER / f"sample-{_short(name, _source_digest())}.npz"


def _short(*parts: str) -> str:
    return hashlib.sha256("|".join(parts).encode()).hexdigest()[:24]


def _counts_path(files: tuple[Path, ...]) -> Path:
    digest = hashlib.sha256(_digest_of(READING).encode())
    for file in files:
        digest.update(file.read_bytes())
    return FOLDER / f"counts-{digest.hexdigest()[:24]}.npz"


def _drawings_path(name: str) -> Path:
    return FOLDER / f"drawings-{_short(name, _source_digest(), _digest_of(DRAWING))}.json"


def _source_digest() -> str:
    """Changes with every line that an estimate is made with, and with the libraries below it."""
    from iceberg.store.codec import method_digest

    return f"{_libraries()}|{method_digest()}"


def _libraries() -> str:
    return "|".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "duckdb", "altair"))


@cache
def _digest_of(folders: tuple[str, ...]) -> str:
    """Of every source and data file below these folders, and of the libraries that they stand on."""
    digest = hashlib.sha256(_libraries().encode())
    for path in sorted(path for folder in folders for path in (PACKAGE / folder).rglob("*.*") if path.suffix in {".py", ".toml", ".css"}):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
