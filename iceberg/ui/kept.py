"""Owns the sample's estimate kept between two starts of the server, so that only the very first start works it out.

One archive per estimate under ``.cache/``: arrays as numpy writes them, the rest as JSON, nothing that runs code when it is opened. A file answers
to its name alone: the counts, the assumptions, and the source of everything that the estimate is made with. Deleting the folder is always safe.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import tempfile
import zipfile
from functools import cache
from pathlib import Path
from typing import Any, cast

import numpy as np
import scipy

from iceberg.model.results import IcebergEstimate
from iceberg.store.codec import BROKEN, decode, encode, method_digest

ROOT = Path(__file__).resolve().parents[2]
FOLDER = ROOT / ".cache"
MOST_FILES = 4  # two languages, and what the last version left
_TEXT = "text"
_BROKEN = (*BROKEN, zipfile.BadZipFile)


def open_estimate(name: str) -> IcebergEstimate | None:
    """The estimate kept under `name`; None where there is none, or none that this version can read."""
    path = _path(name)
    if not path.is_file():
        return None
    try:
        with np.load(path, allow_pickle=False) as archive:
            arrays = {key: archive[key] for key in archive.files}
        estimate = decode(json.loads(str(arrays.pop(_TEXT))), arrays)
    except _BROKEN as fault:
        logging.getLogger(__name__).warning("%s cannot be read and is made anew: %s", path.name, fault)
        return None
    return estimate if isinstance(estimate, IcebergEstimate) else None


def keep_estimate(name: str, estimate: IcebergEstimate) -> None:
    """Keep `estimate` under `name`, whole or not at all; a folder that cannot be written to is no fault."""
    arrays: dict[str, np.ndarray] = {}
    text = json.dumps(encode(estimate, arrays))
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
    return hashlib.sha256(f"{np.__version__}|{scipy.__version__}|{method_digest()}".encode()).hexdigest()
