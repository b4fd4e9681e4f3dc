"""Owns the sample's estimate kept between two starts of the server, so that only the very first start works it out.

One archive per estimate under ``.cache/``: arrays as numpy writes them, the rest as JSON, nothing that runs code when it is opened. A file answers
to its name alone: the counts, the assumptions, and the source of everything that the estimate is made with. Deleting the folder is always safe.
"""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
import json
import logging
import os
import tempfile
import zipfile
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import scipy

from iceberg.model.results import IcebergEstimate

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".cache"
PACKAGES = ("iceberg.model.", "iceberg.cohort.")  # the only classes a file may name
MOST_FILES = 4  # two languages, and what the last version left
_TEXT = "text"
_BROKEN = (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, EOFError, zipfile.BadZipFile)


def open_estimate(name: str) -> IcebergEstimate | None:
    """The estimate kept under `name`; None where there is none, or none that this version can read."""
    path = _path(name)
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        estimate = _decode(json.loads(str(arrays.pop(_TEXT))), arrays)
    except _BROKEN as fault:
        logging.getLogger(__name__).warning("%s cannot be read and is made anew: %s", path.name, fault)
        return None
    return estimate if isinstance(estimate, IcebergEstimate) else None


def keep_estimate(name: str, estimate: IcebergEstimate) -> None:
    """Keep `estimate` under `name`, whole or not at all; a folder that cannot be written to is no fault."""
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(_encode(estimate, arrays))
    path = _path(name)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=path.parent) as unfinished:
            part = Path(unfinished) / path.name
            np.savez(part, **cast("dict[str, Any]", {_TEXT: np.array(text), **arrays}))
            part.replace(path)
        for old in sorted(path.parent.glob("sample-*.npz"), key=os.path.getmtime)[:-MOST_FILES]:
            old.unlink(missing_ok=True)
    except OSError as fault:
        logging.getLogger(__name__).info("the sample's estimate is not kept: %s", fault)


def _path(name: str) -> Path:
    return FOLDER / f"sample-{hashlib.sha256(f'{name}|{_source_digest()}'.encode()).hexdigest()[:24]}.npz"


@cache
def _source_digest() -> str:
    """Changes with every line that an estimate is made with, and with the libraries below it."""
    digest = hashlib.sha256(f"{np.__version__}|{scipy.__version__}".encode())
    for path in sorted(path for folder in ("model", "cohort") for path in (ROOT / "iceberg" / folder).rglob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def _encode(value: Any, arrays: dict[str, np.ndarray]) -> Any:  # noqa: ANN401  # any part of an estimate; one line per kind
    if value is None or type(value) in {bool, int, float, str}:
        return value
    if isinstance(value, np.ndarray | np.generic):
        key = f"array{len(arrays)}"
        arrays[key] = np.asarray(value)
        return {"array": key, "scalar": isinstance(value, np.generic)}
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, tuple | list):
        return {type(value).__name__: [_encode(one, arrays) for one in value]}
    if isinstance(value, dict):
        return {"dict": [[_encode(key, arrays), _encode(one, arrays)] for key, one in value.items()]}
    if dataclasses.is_dataclass(value) and type(value).__module__.startswith(PACKAGES):
        held = {field.name: _encode(getattr(value, field.name), arrays) for field in dataclasses.fields(value) if field.init}
        return {"class": f"{type(value).__module__}:{type(value).__qualname__}", "fields": held}
    raise TypeError(f"an estimate holds a {type(value).__name__}")


def _decode(told: Any, arrays: dict[str, np.ndarray]) -> Any:  # noqa: ANN401, PLR0911  # as above
    if not isinstance(told, dict):
        return told
    if "array" in told:
        found = arrays[told["array"]]
        return found[()] if told["scalar"] else found
    if "date" in told:
        return date.fromisoformat(told["date"])
    if "tuple" in told:
        return tuple(_decode(one, arrays) for one in told["tuple"])
    if "list" in told:
        return [_decode(one, arrays) for one in told["list"]]
    if "dict" in told:
        return {_decode(key, arrays): _decode(one, arrays) for key, one in told["dict"]}
    module, _, name = told["class"].partition(":")
    if not module.startswith(PACKAGES):
        raise ValueError(f"{module} is not part of an estimate")
    made = getattr(importlib.import_module(module), name)
    if not (isinstance(made, type) and dataclasses.is_dataclass(made)):
        raise ValueError(f"{name} is not part of an estimate")
    return made(**{key: _decode(one, arrays) for key, one in told["fields"].items()})
