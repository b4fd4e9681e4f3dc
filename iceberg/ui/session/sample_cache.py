"""The cache on disk of the sample company: only the first start of an installation works it out.

Counts, estimates and the drawings of the first page, one file each in the cache folder: arrays as numpy writes them, the rest as JSON, nothing that
runs code when it is opened. A file's name is a digest of what it was made from and of the source code that made it. Deleting the folder is always
safe.
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
MOST_FILES = 4  # of each kind: two languages of this version and of the one before
COUNTING = ("ingest", "cohort")  # the source code that makes counts
DRAWING = ("report", "ui", "locale")  # the source code that makes drawings of an estimate
_TEXT = "text"
# `iceberg.store.codec.BROKEN` and a torn archive, repeated here because importing it brings numpy, which the first visitor would wait for.
_BROKEN = (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, EOFError, zipfile.BadZipFile)


def load_estimate(name: str) -> IcebergEstimate | None:
    """The estimate saved as `name`; None where there is none that this version can read."""
    import numpy as np

    from iceberg.model.results import IcebergEstimate
    from iceberg.store.codec import decode

    path = _path(name)
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        encoded = json.loads(str(arrays.pop(_TEXT)))
        fit = encoded["fields"].pop("fit_state", None)
        estimate = decode(encoded, arrays)
    except _BROKEN as fault:
        logging.getLogger(__name__).warning("%s cannot be read and is made anew: %s", path.name, fault)
        return None
    if not isinstance(estimate, IcebergEstimate):
        return None
    return estimate if fit is None else dataclasses.replace(estimate, fit_state=SavedFit(fit, arrays))


@dataclass(frozen=True, eq=False)
class SavedFit(PackedFit):
    """The fit of a saved estimate, decoded when it is needed."""

    encoded: Any
    arrays: dict[str, np.ndarray]

    def open(self) -> object:
        """See `PackedFit.open`."""
        from iceberg.store.codec import decode

        return decode(self.encoded, self.arrays)


def save_estimate(name: str, estimate: IcebergEstimate) -> None:
    """Save `estimate` as `name`, whole or not at all; a folder that cannot be written to is no fault."""
    import numpy as np

    from iceberg.store.codec import encode

    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(encode(estimate, arrays))
    _write(_path(name), lambda part: np.savez(part, **cast("dict[str, Any]", {_TEXT: np.array(text), **arrays})))


def load_counts(files: tuple[Path, ...]) -> CohortCounts | None:
    """The counts of `files` as they are now; None where they were not saved."""
    from iceberg.cohort.counts_file import read_counts

    path = _counts_path(files)
    try:
        return read_counts(path.read_bytes()) if path.is_file() else None
    except (FileError, OSError) as fault:
        logging.getLogger(__name__).warning("%s cannot be read and is made anew: %s", path.name, fault)
        return None


def save_counts(files: tuple[Path, ...], counts: CohortCounts) -> None:
    """Save the counts of `files`."""
    from iceberg.cohort.counts_file import write_counts

    _write(_counts_path(files), lambda part: part.write_bytes(write_counts(counts)))


def load_drawings(name: str) -> dict[str, Any] | None:
    """The drawings saved as `name`, by what each depends on."""
    path = _drawings_path(name)
    try:
        drawings = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else None
    except _BROKEN as fault:
        logging.getLogger(__name__).warning("%s cannot be read and is made anew: %s", path.name, fault)
        return None
    return drawings if isinstance(drawings, dict) else None


def save_drawings(name: str, drawings: dict[str, Any]) -> None:
    """Save `drawings` as `name`."""
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
    digest = hashlib.sha256(_digest_of(COUNTING).encode())
    for file in files:
        digest.update(file.read_bytes())
    return FOLDER / f"counts-{digest.hexdigest()[:24]}.npz"


def _drawings_path(name: str) -> Path:
    return FOLDER / f"drawings-{_short(name, _source_digest(), _digest_of(DRAWING))}.json"


def _source_digest() -> str:
    """A digest of every line of code that makes an estimate, and of the libraries below it."""
    from iceberg.store.codec import method_digest

    return f"{_libraries()}|{method_digest()}"


def _libraries() -> str:
    return "|".join(f"{name} {version(name)}" for name in ("numpy", "scipy", "duckdb", "altair"))


@cache
def _digest_of(folders: tuple[str, ...]) -> str:
    """A digest of every source and data file below these folders, and of the libraries that they use."""
    digest = hashlib.sha256(_libraries().encode())
    for path in sorted(path for folder in folders for path in (PACKAGE / folder).rglob("*.*") if path.suffix in {".py", ".toml", ".css"}):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()
