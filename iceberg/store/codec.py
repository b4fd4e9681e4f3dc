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
PACKAGES = ("iceberg.model.", "iceberg.cohort.")  # the only classes a text may name
# What reading a text of another version, or of no version, can raise.
BROKEN = (OSError, ValueError, KeyError, TypeError, AttributeError, ImportError, EOFError)


@cache
def method_digest() -> str:
    """Changes with every line that counts and estimates are made with: two versions with the same one were made by the same method."""
    digest = hashlib.sha256()
    for path in sorted(path for folder in ("model", "cohort") for path in (ROOT / folder).rglob("*.py")):
        digest.update(path.name.encode() + path.read_bytes())
    return digest.hexdigest()


def encode(value: Any, arrays: dict[str, np.ndarray]) -> Any:  # noqa: ANN401, PLR0911  # any part of an estimate; one line per kind
    """`value` as JSON; its arrays go into `arrays`, by name.

    Raises:
        TypeError: For what an estimate never holds.
    """
    if value is None or type(value) in {bool, int, float, str}:
        return value
    if isinstance(value, np.ndarray | np.generic):
        key = f"array{len(arrays)}"
        arrays[key] = np.asarray(value)
        return {"array": key, "scalar": isinstance(value, np.generic)}
    if isinstance(value, Enum):
        return value.value  # the dataclass that holds it makes it whole again
    if isinstance(value, date):
        return {"date": value.isoformat()}
    if isinstance(value, tuple | list):
        return {type(value).__name__: [encode(one, arrays) for one in value]}
    if isinstance(value, dict):
        return {"dict": [[encode(key, arrays), encode(one, arrays)] for key, one in value.items()]}
    if dataclasses.is_dataclass(value) and type(value).__module__.startswith(PACKAGES):
        held = {field.name: encode(getattr(value, field.name), arrays) for field in dataclasses.fields(value) if field.init}
        return {"class": f"{type(value).__module__}:{type(value).__qualname__}", "fields": held}
    raise TypeError(f"an estimate holds a {type(value).__name__}")


def decode(told: Any, arrays: dict[str, np.ndarray]) -> Any:  # noqa: ANN401, PLR0911  # as above
    """What `encode` was given.

    Raises:
        ValueError: When the text names anything but a dataclass of the model or the counts.
    """
    if not isinstance(told, dict):
        return told
    if "array" in told:
        found = arrays[told["array"]]
        return found[()] if told["scalar"] else found
    if "date" in told:
        return date.fromisoformat(told["date"])
    if "tuple" in told:
        return tuple(decode(one, arrays) for one in told["tuple"])
    if "list" in told:
        return [decode(one, arrays) for one in told["list"]]
    if "dict" in told:
        return {decode(key, arrays): decode(one, arrays) for key, one in told["dict"]}
    module, _, name = told["class"].partition(":")
    if not module.startswith(PACKAGES):
        raise ValueError(f"{module} is not part of an estimate")
    made = getattr(importlib.import_module(module), name)
    if not (isinstance(made, type) and dataclasses.is_dataclass(made)):
        raise ValueError(f"{name} is not part of an estimate")
    return made(**{key: decode(one, arrays) for key, one in told["fields"].items()})
