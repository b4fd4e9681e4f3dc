"""Writes an estimate's dataclasses as JSON, with the arrays beside it, and reads them again. Reading never runs code."""

from __future__ import annotations

import dataclasses
import hashlib
import importlib
from datetime import date
from enum import Enum
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np

ROOT = Path(__file__).resolve().parents[1]
PACKAGES = ("iceberg.model.", "iceberg.cohort.")  # no other class is ever loaded
# The exceptions of reading what another version wrote, or no version at all.
BROKEN = (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, EOFError)


@cache
def method_digest() -> str:
    """A digest of the source code that makes counts and estimates: versions with equal digests were made by the same method."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in ("model", "cohort") for path in (ROOT / folder).rglob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def encode(value: Any, arrays: dict[str, np.ndarray]) -> Any:  # noqa: ANN401, PLR0911  # any part of an estimate; one line per kind
    """`value` as JSON; its arrays go into `arrays`, by name.

    Raises:
        TypeError: For a type that no estimate holds.
    """
    if value is None or type(value) in {bool, int, float, str}:
        return value
    if isinstance(value, np.ndarray | np.generic):
        key = f"array{len(arrays)}"
        arrays[key] = np.asarray(value)
        return {"array": key, "scalar": isinstance(value, np.generic)}
    if isinstance(value, Enum):
        return value.value  # the dataclass around it makes an Enum of it again
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, tuple | list):
        return {type(value).__name__: [encode(item, arrays) for item in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key, arrays), encode(item, arrays)] for key, item in value.items()]}
    if dataclasses.is_dataclass(value) and type(value).__module__.startswith(PACKAGES):
        fields = {field.name: encode(getattr(value, field.name), arrays) for field in dataclasses.fields(value) if field.init}
        return {"class": f"{type(value).__module__}:{type(value).__qualname__}", "fields": fields}
    raise TypeError(f"an estimate holds a {type(value).__name__}")


def decode(encoded: Any, arrays: dict[str, np.ndarray]) -> Any:  # noqa: ANN401, PLR0911  # as above
    """The value that `encode` was given.

    Raises:
        ValueError: When the text names anything but a dataclass of the model or the counts.
    """
    if not isinstance(encoded, dict):
        return encoded
    if "array" in encoded:
        array = arrays[encoded["array"]]
        return array[()] if encoded["scalar"] else array
    if "date" in encoded:
        return date.fromisoformat(encoded["date"])
    if "tuple" in encoded:
        return tuple(decode(item, arrays) for item in encoded["tuple"])
    if "list" in encoded:
        return [decode(item, arrays) for item in encoded["list"]]
    if "dict" in encoded:
        return {decode(key, arrays): decode(item, arrays) for key, item in encoded["dict"]}
    module, _, name = encoded["class"].partition(":")
    if not module.startswith(PACKAGES):
        raise ValueError(f"{module} is not part of an estimate")
    kind = getattr(importlib.import_module(module), name)
    if not (isinstance(kind, type) and dataclasses.is_dataclass(kind)):
        raise ValueError(f"{name} is not part of an estimate")
    return kind(**{key: decode(item, arrays) for key, item in encoded["fields"].items()})
